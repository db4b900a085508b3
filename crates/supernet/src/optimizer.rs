//! Stochastic gradient descent with Nesterov's momentum, weight decay and a limit on the gradient's norm.

use std::ops::Range;

use crate::engine::team;
use crate::parameters::Parameters;

/// Values per task: fixed, so that the gradient's norm does not depend on the number of threads.
const PIECE: usize = 1 << 15;

/// The constants of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepSize {
    pub(crate) learning_rate: f32,
    pub(crate) momentum: f32,
    pub(crate) weight_decay: f32,
    /// The gradient is scaled down to this Euclidean norm if it is longer.
    pub(crate) clip: f32,
}

/// Momentum of all parameters.
#[derive(Debug, Clone)]
pub(crate) struct Optimizer {
    velocity: Vec<f32>,
    /// Sums of squares of the gradient's pieces.
    squares: Vec<f64>,
}

impl Optimizer {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        Optimizer {
            velocity: vec![0.0; parameters.len()],
            squares: Vec::new(),
        }
    }

    pub(crate) fn velocity(&self) -> &[f32] {
        &self.velocity
    }

    pub(crate) fn replace(&mut self, velocity: Vec<f32>) {
        self.velocity = velocity;
    }

    pub(crate) fn forget(&mut self) {
        self.velocity.fill(0.0);
    }

    /// Takes a step along `gradient` in the given ranges of the flat parameters (ascending, each with whether weight decay
    /// applies) and clears it there; outside of them the gradient is nothing, and neither weights nor momentum change.
    /// Returns the norm of the gradient; if that is not finite, nothing but the gradient is changed.
    pub(crate) fn step(
        &mut self,
        parameters: &mut Parameters,
        gradient: &mut [f32],
        ranges: &[(Range<usize>, bool)],
        size: StepSize,
    ) -> f32 {
        let norm = self.norm(gradient, ranges);
        if !norm.is_finite() {
            clear(gradient, ranges);
            return norm;
        }
        let scale = (size.clip / norm.max(size.clip)).min(1.0);
        team().each3(
            (gradient, PIECE),
            (parameters.values_mut(), PIECE),
            (&mut self.velocity, PIECE),
            |piece, gradient, values, velocity| {
                for (range, decays) in within_piece(ranges, piece) {
                    let decay = if decays { size.weight_decay } else { 0.0 };
                    let values = values[range.clone()].iter_mut();
                    let velocity = velocity[range.clone()].iter_mut();
                    for ((w, v), g) in values.zip(velocity).zip(&mut gradient[range]) {
                        let slope = std::mem::take(g) * scale + decay * *w;
                        *v = size.momentum * *v + slope;
                        *w -= size.learning_rate * (slope + size.momentum * *v);
                    }
                }
            },
        );
        norm
    }

    /// The Euclidean norm of the gradient.
    fn norm(&mut self, gradient: &[f32], ranges: &[(Range<usize>, bool)]) -> f32 {
        self.squares.clear();
        self.squares.resize(gradient.len().div_ceil(PIECE), 0.0);
        team().each((&mut self.squares, 1), |piece, sum| {
            let gradient = &gradient[piece * PIECE..];
            for (range, _) in within_piece(ranges, piece) {
                sum[0] += sum_of_squares(&gradient[range]);
            }
        });
        self.squares.iter().sum::<f64>().sqrt() as f32
    }
}

/// The sum of squares, in several sums that do not wait for each other.
fn sum_of_squares(values: &[f32]) -> f64 {
    const SUMS: usize = 16;
    let square = |value: f32| f64::from(value) * f64::from(value);
    let (chunks, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += square(*value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| square(*value)).sum::<f64>()
}

/// Makes the gradient nothing in the given ranges.
pub(crate) fn clear(gradient: &mut [f32], ranges: &[(Range<usize>, bool)]) {
    for (range, _) in ranges {
        gradient[range.clone()].fill(0.0);
    }
}

/// The parts of ascending ranges that lie in a piece, counted from its beginning.
fn within_piece(
    ranges: &[(Range<usize>, bool)],
    piece: usize,
) -> impl Iterator<Item = (Range<usize>, bool)> {
    let (start, end) = (piece * PIECE, (piece + 1) * PIECE);
    let first = ranges.partition_point(|(range, _)| range.end <= start);
    let here = ranges[first..].iter();
    here.take_while(move |(range, _)| range.start < end)
        .map(move |(range, decays)| {
            let part = range.start.max(start) - start..range.end.min(end) - start;
            (part, *decays)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_range_once() {
        let ranges = [
            (3..5, true),
            (5..PIECE, false),
            (PIECE..3 * PIECE + 7, true),
            (3 * PIECE + 9..3 * PIECE + 10, false),
        ];
        let mut seen = Vec::new();
        for piece in 0..4 {
            for (part, decays) in within_piece(&ranges, piece) {
                seen.extend(part.map(|i| (piece * PIECE + i, decays)));
            }
        }
        let expected = ranges.iter().cloned();
        let expected: Vec<_> = expected
            .flat_map(|(range, decays)| range.map(move |i| (i, decays)))
            .collect();
        assert!(seen == expected, "{} and {}", seen.len(), expected.len());
    }
}
