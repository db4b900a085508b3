//! The arena of the reference runtime, beside what was measured: see `scripts/device-measure.py`.

use crate::support::from_tokens;
use danas_device::{Kernels, greedy_plan, host_arena_bytes};

struct Measured {
    name: &'static str,
    minimum: u64,
    head: u64,
    tokens: &'static str,
}

fn measured() -> Vec<Measured> {
    include_str!("host_arena.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let number = |index: usize| columns[index].parse().unwrap();
            Measured {
                name: columns[0],
                minimum: number(1),
                head: number(3),
                tokens: columns[5],
            }
        })
        .collect()
}

#[test]
fn the_head_is_exact() {
    for network in measured() {
        assert_eq!(
            greedy_plan(&from_tokens(network.tokens), Kernels::Reference).head_bytes,
            network.head,
            "{}",
            network.name
        );
    }
}

#[test]
fn the_smallest_arena_is_within_one_percent_or_32_bytes() {
    let measured = measured();
    assert_eq!(measured.len(), 18);
    for network in measured {
        let predicted = host_arena_bytes(&from_tokens(network.tokens), &[]) as f64;
        let error = predicted / network.minimum as f64 - 1.0;
        eprintln!(
            "{}: {predicted} predicted, {} measured, {:+.2} %",
            network.name,
            network.minimum,
            100.0 * error
        );
        let close = (predicted - network.minimum as f64).abs() <= 32.0;
        assert!(
            close || error.abs() < 0.01,
            "{}: {predicted} of {}",
            network.name,
            network.minimum
        );
    }
}
