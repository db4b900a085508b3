//! What a score will be, told from those so far: a ridge regression over genes and logarithms of costs.

use danas_data::Colour;
use danas_space::{Candidate, lower};

use crate::ground::Scored;

/// The error that a ridge regression over what was scored foretells.
pub(crate) fn error(scored: &[Scored], candidate: &Candidate, classes: usize) -> f64 {
    let rows: Vec<Vec<f64>> = scored
        .iter()
        .map(|known| features(&known.candidate, classes))
        .collect();
    let count = rows.len() as f64;
    let mean_of = |values: &dyn Fn(usize) -> f64| (0..rows.len()).map(values).sum::<f64>() / count;
    let width = rows[0].len();
    let means: Vec<f64> = (0..width).map(|at| mean_of(&|row| rows[row][at])).collect();
    let spreads: Vec<f64> = (0..width)
        .map(|at| {
            mean_of(&|row| (rows[row][at] - means[at]).powi(2))
                .sqrt()
                .max(1e-9)
        })
        .collect();
    let standard = |row: &[f64]| -> Vec<f64> {
        (0..width)
            .map(|at| (row[at] - means[at]) / spreads[at])
            .collect()
    };
    let rows: Vec<Vec<f64>> = rows.iter().map(|row| standard(row)).collect();
    let errors = scored.iter().map(|known| known.objectives.error);
    let mean = errors.clone().sum::<f64>() / count;
    let mut matrix = vec![vec![0.0; width]; width];
    let mut side = vec![0.0; width];
    for (row, error) in rows.iter().zip(errors) {
        for (at, value) in row.iter().enumerate() {
            side[at] += value * (error - mean);
            for (sum, other) in matrix[at].iter_mut().zip(row) {
                *sum += value * other;
            }
        }
    }
    for (at, row) in matrix.iter_mut().enumerate() {
        row[at] += 1.0;
    }
    let weights = solve(matrix, side);
    let own = standard(&features(candidate, classes));
    mean + own
        .iter()
        .zip(&weights)
        .map(|(value, weight)| value * weight)
        .sum::<f64>()
}

/// Solves a system with a positive definite matrix by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut side: Vec<f64>) -> Vec<f64> {
    for pivot in 0..side.len() {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let pivot_row = &above[pivot];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[pivot] / pivot_row[pivot];
            for (value, above) in row.iter_mut().zip(pivot_row) {
                *value -= factor * above;
            }
            side[pivot + 1 + offset] -= factor * side[pivot];
        }
    }
    for pivot in (0..side.len()).rev() {
        let known: f64 = (pivot + 1..side.len())
            .map(|at| matrix[pivot][at] * side[at])
            .sum();
        side[pivot] = (side[pivot] - known) / matrix[pivot][pivot];
    }
    side
}

/// Genes and logarithms of costs.
fn features(candidate: &Candidate, classes: usize) -> Vec<f64> {
    let network = &candidate.network;
    let graph = lower(candidate, classes);
    let mut features = vec![
        (candidate.data.resolution as f64).ln(),
        f64::from(u8::from(candidate.data.colour == Colour::Rgb)),
        network.stem as f64,
        network.stem_stride as f64,
        (1.0 + network.head as f64).ln(),
        (graph.macs() as f64).ln(),
        (graph.weights() as f64).ln(),
    ];
    for stage in &network.stages {
        let blocks = stage.blocks.len();
        let mean = |values: f64| values / blocks.max(1) as f64;
        features.extend([
            blocks as f64,
            if blocks == 0 { 0.0 } else { stage.width as f64 },
            mean(stage.blocks.iter().map(|block| block.kernel as f64).sum()),
            mean(
                stage
                    .blocks
                    .iter()
                    .map(|block| f64::from(block.expansion.0))
                    .sum(),
            ),
        ]);
    }
    features
}
