//! Stochastic gradient descent with Nesterov's momentum, weight decay and a limit on the gradient's norm.

use std::ops::Range;

use rayon::prelude::*;

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

    /// Takes a step along `gradient` in the given ranges of the flat parameters (each with whether weight decay
    /// applies); outside of them the gradient is nothing, and neither weights nor momentum change. Returns the
    /// norm of the gradient; if that is not finite, nothing is changed.
    pub(crate) fn step(
        &mut self,
        parameters: &mut Parameters,
        gradient: &[f32],
        ranges: &[(Range<usize>, bool)],
        size: StepSize,
    ) -> f32 {
        let squares = |piece: &[f32]| {
            piece
                .iter()
                .map(|&g| f64::from(g) * f64::from(g))
                .sum::<f64>()
        };
        let parts = &mut self.squares;
        let pieces = |range: &Range<usize>| -> f64 {
            gradient[range.clone()]
                .par_chunks(PIECE)
                .map(squares)
                .collect_into_vec(parts);
            parts.iter().sum()
        };
        let norm = ranges
            .iter()
            .map(|(range, _)| range)
            .map(pieces)
            .sum::<f64>()
            .sqrt() as f32;
        if !norm.is_finite() {
            return norm;
        }
        let scale = (size.clip / norm.max(size.clip)).min(1.0);
        let values = parameters.values_mut();
        for (range, decays) in ranges {
            let decay = if *decays { size.weight_decay } else { 0.0 };
            values[range.clone()]
                .par_chunks_mut(PIECE)
                .zip(self.velocity[range.clone()].par_chunks_mut(PIECE))
                .zip(gradient[range.clone()].par_chunks(PIECE))
                .for_each(|((values, velocity), gradient)| {
                    for ((w, v), g) in values.iter_mut().zip(velocity).zip(gradient) {
                        let g = g * scale + decay * *w;
                        *v = size.momentum * *v + g;
                        *w -= size.learning_rate * (g + size.momentum * *v);
                    }
                });
        }
        norm
    }
}
