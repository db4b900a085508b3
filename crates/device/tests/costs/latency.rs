//! Latency beside published measurements of MLPerf Tiny, of TFLM's person-detection example and of MCUNet.

use crate::page::page;
use crate::published::{network, published};
use danas_device::{Board, Core, Limits, Target, boards};
use danas_space::Graph;

fn milliseconds(graph: &Graph, core: Core, mhz: f64) -> f64 {
    let board = Board {
        core,
        mhz,
        ..Board::generic()
    };
    Target::new(Some(board), Limits::default())
        .cost(graph)
        .latency_ms
}

#[test]
fn the_graphs_are_those_that_were_measured() {
    assert_eq!(network("person").macs(), 7_489_664);
    assert_eq!(network("images").macs() / 100_000, 125);
    assert_eq!(
        network("mcunet-in0").macs() / 100_000,
        63,
        "6.4 M are published"
    );
    assert_eq!(
        network("mcunet-in3").macs() / 100_000,
        817,
        "81.8 M are published"
    );
}

#[test]
fn published_rows_within_thirty_percent() {
    for row in published() {
        let (error, board) = (row.error(), &row.board);
        assert!(
            error.abs() < 0.3,
            "{} on {}: {error}",
            row.network,
            board.title
        );
        if let Some(published) = row.millijoules {
            let energy = board.energy_mj(row.predicted_ms()).unwrap();
            assert!(
                (energy / published - 1.0).abs() < 0.3,
                "{energy} mJ of {published}"
            );
        }
    }
}

/// A board says that latency was published exactly if a published row of it is known here.
#[test]
fn boards_without_a_published_row_say_so() {
    let rows = published();
    for board in boards() {
        let known = rows.iter().any(|row| row.board.name == board.name);
        assert_eq!(board.published, known, "{}", board.title);
    }
}

#[test]
fn the_page_is_what_is_predicted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/latency.md");
    let written = std::fs::read_to_string(path).unwrap();
    assert!(
        written == page(),
        "cargo run --release -p danas-device --example latency_page > docs/latency.md"
    );
}

/// 24.7 M and 29.9 M instructions were counted on a Cortex-M4; 1.6 cycles each at 100 MHz.
#[test]
fn instructions_as_counted() {
    for (name, counted) in [("person", 24.7e6), ("images", 29.9e6)] {
        let instructions = milliseconds(&network(name), Core::CortexM4, 100.0) * 100e3 / 1.6;
        assert!(
            (instructions / counted - 1.0).abs() < 0.05,
            "{instructions} of {counted}"
        );
    }
}

#[test]
fn layers_add_up_and_clocks_divide() {
    let graph = network("person");
    let target = Target::new(Some(Board::find("nano-33-ble").unwrap()), Limits::default());
    let sum: f64 = (0..graph.layers.len())
        .map(|i| target.layer_latency_ms(&graph, i))
        .sum();
    let whole = target.cost(&graph).latency_ms;
    assert!((sum / whole - 1.0).abs() < 1e-9);
    let faster = milliseconds(&graph, Core::CortexM4, 128.0);
    assert!((whole / faster - 2.0).abs() < 1e-9);
}
