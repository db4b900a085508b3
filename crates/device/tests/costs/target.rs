//! Costs and limits.

use crate::support::{Builder, inverted_residuals, mobilenet_v1};
use danas_device::{Board, Core, Cost, Limits, Resource, Target, host_arena_bytes};
use proptest::prelude::*;

fn cost() -> Cost {
    Cost {
        arena_bytes: 300_000,
        head_bytes: 280_000,
        scratch_bytes: 0,
        persistent_bytes: 20_000,
        model_bytes: 100_000,
        runtime_bytes: 60_000,
        flash_bytes: 160_000,
        macs: 30_000_000,
        latency_ms: 50.0,
        host_arena_bytes: 310_000,
    }
}

#[test]
fn violation_sums_relative_excesses() {
    let limits = Limits {
        ram_bytes: Some(200_000),
        flash_bytes: Some(200_000),
        latency_ms: Some(40.0),
        macs: Some(20_000_000),
    };
    let target = Target::new(None, limits);
    assert!((target.violation(&cost()) - (0.5 + 0.25 + 0.5)).abs() < 1e-12);
    let broken: Vec<Resource> = target
        .excesses(&cost())
        .iter()
        .map(|e| e.resource)
        .collect();
    assert_eq!(broken, [Resource::Ram, Resource::Latency, Resource::Macs]);
    assert_eq!(
        target.excesses(&cost())[0].to_string(),
        "RAM: 293.0 KiB needed, 195.3 KiB allowed"
    );
    assert_eq!(Target::new(None, Limits::default()).violation(&cost()), 0.0);
    let exactly = Limits {
        ram_bytes: Some(300_000),
        ..Limits::default()
    };
    assert_eq!(Target::new(None, exactly).violation(&cost()), 0.0);
    let nothing = Limits {
        macs: Some(0),
        ..Limits::default()
    };
    assert_eq!(Target::new(None, nothing).violation(&cost()), 30_000_000.0);
}

#[test]
fn a_limit_by_hand_takes_the_place_of_the_boards() {
    let board = Board::find("stm32f746").unwrap();
    let by_hand = Limits {
        ram_bytes: Some(100_000),
        latency_ms: Some(80.0),
        ..Limits::default()
    };
    let target = Target::new(Some(board.clone()), by_hand);
    assert_eq!(
        *target.limits(),
        Limits {
            ram_bytes: Some(100_000),
            flash_bytes: Some(board.usable_flash_bytes()),
            latency_ms: Some(80.0),
            macs: None,
        }
    );
    assert_eq!(target.board(), Some(&board));
    assert_eq!(
        Target::new(None, by_hand).assumed_board().core,
        Core::CortexM4
    );
}

#[test]
fn person_detection_fits_a_nano() {
    let target = Target::new(Some(Board::find("nano-33-ble").unwrap()), Limits::default());
    let cost = target.cost(&mobilenet_v1(3));
    assert_eq!(cost.flash_bytes, cost.model_bytes + cost.runtime_bytes);
    assert!(cost.arena_bytes >= cost.head_bytes + cost.persistent_bytes);
    assert!(cost.arena_bytes < cost.head_bytes + cost.persistent_bytes + 16);
    assert_eq!(cost.head_bytes, target.plan(&mobilenet_v1(3)).head_bytes);
    assert!(
        cost.persistent_bytes < host_arena_bytes(&mobilenet_v1(3), &[]) - 73_728,
        "pointers are smaller"
    );
    // the int8 model of MLPerf Tiny is 325 kB with names, biases and a RESHAPE
    assert!(
        (230_000..300_000).contains(&cost.model_bytes),
        "{}",
        cost.model_bytes
    );
    assert_eq!(target.violation(&cost), 0.0);
}

/// The file carries a plan, as TFLM's own would need 73,728 bytes for the activations. It decides what fits.
#[test]
fn what_fits_only_with_a_better_plan_fits() {
    let graph = mobilenet_v1(3);
    let nano = Target::new(Some(Board::find("nano-33-ble").unwrap()), Limits::default());
    let (carried, bare) = (nano.cost(&graph), nano.cost_of_file(&graph, &[]));
    let plan = nano.plan(&graph);
    assert_eq!(nano.cost_of_file(&graph, &plan.carried_offsets()), carried);
    assert_eq!(carried.persistent_bytes, bare.persistent_bytes);
    assert_eq!(
        bare.arena_bytes - carried.arena_bytes,
        bare.head_bytes - carried.head_bytes
    );
    assert!(carried.model_bytes > bare.model_bytes, "offsets take flash");
    assert!(carried.host_arena_bytes < bare.host_arena_bytes);
    let limits = Limits {
        ram_bytes: Some(carried.arena_bytes),
        ..Limits::default()
    };
    let tight = Target::new(nano.board().cloned(), limits);
    assert_eq!(tight.violation(&carried), 0.0);
    assert!(tight.violation(&bare) > 0.0);
}

#[test]
fn no_plan_is_carried_where_the_arena_would_be_as_large() {
    // the head is small beside what planning takes
    let graph = inverted_residuals(8, 4, 16);
    for board in danas_device::boards() {
        let target = Target::new(Some(board.clone()), Limits::default());
        let (plan, cost) = (target.plan(&graph), target.cost(&graph));
        let bare = target.cost_of_file(&graph, &[]);
        assert!(plan.carried_offsets().is_empty() || cost.arena_bytes < bare.arena_bytes);
    }
}

#[test]
fn a_deep_network_on_a_small_map_needs_room_to_be_planned() {
    let cost = Target::new(None, Limits::default()).cost(&inverted_residuals(8, 4, 16));
    assert!(cost.arena_bytes > cost.head_bytes + cost.persistent_bytes + 16);
}

#[test]
fn a_network_of_a_softmax_alone_has_a_cost() {
    let graph = Builder::new(1, 1, 2).softmax().build();
    for board in danas_device::boards() {
        let cost = Target::new(Some(board.clone()), Limits::default()).cost(&graph);
        assert_eq!((cost.macs, cost.head_bytes), (0, 32));
        assert!(cost.latency_ms > 0.0 && cost.latency_ms < 1.0);
    }
}

#[test]
fn targets_survive_serde() {
    let limits = Limits {
        latency_ms: Some(12.5),
        ..Limits::default()
    };
    let target = Target::new(Some(Board::find("esp32").unwrap()), limits);
    let text = toml::to_string(&target).unwrap();
    assert_eq!(toml::from_str::<Target>(&text).unwrap(), target);
    assert!(toml::from_str::<Limits>("ram = 3").is_err());
}

proptest! {
    #[test]
    fn more_of_anything_costs_no_less(
        resolution in 8usize..80,
        width in 1usize..32,
        blocks in 1usize..12,
        board in 0..danas_device::boards().len(),
    ) {
        let target = Target::new(Some(danas_device::boards()[board].clone()), Limits::default());
        let small = target.cost(&inverted_residuals(resolution, width, blocks));
        let larger = [
            inverted_residuals(resolution + 8, width, blocks),
            inverted_residuals(resolution, width + 8, blocks),
            inverted_residuals(resolution, width, blocks + 1),
        ];
        for graph in larger {
            let large = target.cost(&graph);
            prop_assert!(large.macs >= small.macs && large.latency_ms >= small.latency_ms);
            prop_assert!(large.model_bytes >= small.model_bytes);
            prop_assert!(large.persistent_bytes >= small.persistent_bytes);
            prop_assert!(target.violation(&large) >= 0.0);
        }
    }
}
