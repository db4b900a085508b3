//! Counted instructions of generated C code, and the costs of its loops fitted to them.

use crate::support::from_tokens;
use danas_device::{Core, GeneratedLoop, loop_turns};
use danas_space::Graph;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The cores whose code was counted, as `scripts/count-instructions.py` and the catalogue of boards call them.
pub(crate) const CORES: [(Core, &str); 3] = [
    (Core::CortexM4, "cortex-m4"),
    (Core::CortexM0Plus, "cortex-m0plus"),
    (Core::CortexM55, "cortex-m55"),
];

/// A candidate and the instructions that its layers took.
pub(crate) struct Counted {
    pub(crate) graph: Graph,
    pub(crate) instructions: Vec<f64>,
}

/// The candidates of a set, `training` or `held-out`, on a core.
pub(crate) fn counted(core: &str, set: &str) -> Vec<Counted> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/costs/instructions")
        .join(format!("{core}-{set}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let (counts, network) = row.split_once('\t').unwrap();
        let counted = Counted {
            graph: from_tokens(network),
            instructions: counts.split(',').map(|n| n.parse().unwrap()).collect(),
        };
        assert_eq!(counted.graph.layers.len(), counted.instructions.len());
        counted
    })
    .collect()
}

/// The instructions of a turn of each loop that come nearest to those of all layers, in least squares of the relative
/// errors; loops that never turn cost nothing.
pub(crate) fn fit(candidates: &[Counted]) -> BTreeMap<GeneratedLoop, f64> {
    let size = GeneratedLoop::ALL.len();
    let place = |turning| {
        let found = GeneratedLoop::ALL
            .iter()
            .position(|other| *other == turning);
        found.unwrap()
    };
    // rows of the normal equations, the right side last
    let mut rows = vec![vec![0.0; size + 1]; size];
    for candidate in candidates {
        for (index, instructions) in candidate.instructions.iter().enumerate() {
            let mut shares: Vec<(usize, f64)> = loop_turns(&candidate.graph, index)
                .into_iter()
                .map(|(turning, turns)| (place(turning), turns / instructions))
                .collect();
            shares.push((size, 1.0));
            for &(row, a) in shares.iter().filter(|(row, _)| *row < size) {
                for &(column, b) in &shares {
                    rows[row][column] += a * b;
                }
            }
        }
    }
    let costs = solve(rows);
    GeneratedLoop::ALL.into_iter().zip(costs).collect()
}

/// Solves linear equations, a row each with the right side last, by Gauss and Jordan. Normal equations have positive
/// diagonals, so none is exchanged; unknowns that do not occur become 0.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    for pivot in 0..rows.len() {
        let divisor = rows[pivot][pivot];
        if divisor == 0.0 {
            continue;
        }
        rows[pivot].iter_mut().for_each(|value| *value /= divisor);
        let pivot_row = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
            let factor = row[pivot];
            row.iter_mut()
                .zip(&pivot_row)
                .for_each(|(value, other)| *value -= factor * other);
        }
    }
    rows.iter().map(|row| row[row.len() - 1]).collect()
}

/// The errors of the predicted instructions of whole candidates, relative to those counted.
pub(crate) fn errors(candidates: &[Counted], predict: impl Fn(&Graph) -> f64) -> Vec<f64> {
    candidates
        .iter()
        .map(|candidate| {
            predict(&candidate.graph) / candidate.instructions.iter().sum::<f64>() - 1.0
        })
        .collect()
}
