//! Predicted instructions of generated C code beside those counted in QEMU.

use crate::counts::{CORES, counted, errors, fit};
use danas_device::{Board, Core, Engine, Limits, Target, generated_instructions, loop_turns};
use danas_space::Graph;

/// Candidates that the costs of the Cortex-M4's code were not fitted to.
const HELD_OUT: usize = 50;

fn predict(graph: &Graph, core: Core) -> f64 {
    generated_instructions(graph, core).unwrap()
}

#[test]
fn held_out_candidates_within_five_percent() {
    for (core, name) in CORES {
        let candidates = counted(name, "held-out");
        assert!(core != Core::CortexM4 || candidates.len() >= HELD_OUT);
        for (error, candidate) in errors(&candidates, |graph| predict(graph, core))
            .into_iter()
            .zip(&candidates)
        {
            assert!(
                error.abs() <= 0.05,
                "{name}: {error:.3} of {:?}",
                candidate.graph
            );
        }
    }
}

#[test]
fn no_candidate_is_both_held_out_and_trained_on() {
    for (_, name) in CORES {
        let training = counted(name, "training");
        for candidate in counted(name, "held-out") {
            assert!(training.iter().all(|other| other.graph != candidate.graph));
        }
    }
}

/// The costs in the program are those that `examples/fit_loops.rs` makes of the counts, rounded.
#[test]
fn costs_are_fitted_to_the_counts() {
    for (core, name) in CORES {
        let costs = fit(&counted(name, "training"));
        for candidate in counted(name, "held-out") {
            let graph = &candidate.graph;
            let fitted: f64 = (0..graph.layers.len())
                .flat_map(|index| loop_turns(graph, index))
                .map(|(turning, turns)| costs[&turning] * turns)
                .sum();
            let stated = predict(graph, core);
            assert!(
                (stated / fitted - 1.0).abs() < 2e-3,
                "{name}: {stated}, {fitted}"
            );
        }
    }
}

#[test]
fn generated_code_has_a_latency_where_its_instructions_were_counted() {
    let graph = &counted("cortex-m4", "held-out")[0].graph;
    let latency = |board: &str, engine| {
        let target = Target::new(Some(Board::find(board).unwrap()), Limits::default());
        let latency = target.latency_ms(graph, engine);
        assert!(engine != Engine::Tflm || latency == Some(target.cost(graph).latency_ms));
        latency
    };
    let nano = latency("nano-33-ble", Engine::GeneratedC).unwrap();
    let faster = latency("stm32f446", Engine::GeneratedC).unwrap();
    assert!((nano / faster / (180.0 / 64.0) - 1.0).abs() < 1e-9);
    assert!(
        nano > predict(graph, Core::CortexM4) / 64e3,
        "more than a cycle each"
    );
    assert_ne!(latency("nano-33-ble", Engine::Tflm), Some(nano));
    assert_eq!(latency("esp32", Engine::GeneratedC), None);
    assert!(latency("esp32", Engine::Tflm).is_some());
}
