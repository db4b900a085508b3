//! The integers that a number has on the device, and what simulated rounding does to gradients.

use danas_space::{Activation, Operator};

/// Added and taken away again, this rounds an `f32` of less than 2^22 to the nearest integer, in two instructions of
/// any processor.
const ROUNDING: f32 = 1.5 * (1 << 23) as f32;
/// The greatest integer of a weight.
const GREATEST_WEIGHT: f32 = 127.0;

/// A part of a step that is less than the distance of an average from a tie, if it is none.
const TIE: f32 = 1e-4;

/// The values that an int8 activation can take: the multiples of its scale from the least to the greatest integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    scale: f32,
    least: f32,
    greatest: f32,
}

impl Grid {
    /// The grid of `real = scale x (q - zero_point)` for all `q` of 8 bits.
    ///
    /// # Panics
    /// If the scale is not a positive number.
    pub fn new(scale: f32, zero_point: i8) -> Self {
        assert!(scale.is_normal() && scale > 0.0, "a scale is positive");
        let zero_point = f32::from(zero_point);
        Grid {
            scale,
            least: f32::from(i8::MIN) - zero_point,
            greatest: f32::from(i8::MAX) - zero_point,
        }
    }

    /// The distance of two neighbouring values.
    pub(super) fn scale(self) -> f32 {
        self.scale
    }

    /// The part of the grid that an operator can write.
    pub(super) fn of_operator(self, operator: Operator) -> Self {
        match operator {
            Operator::Convolution {
                activation: Activation::Relu6,
                ..
            }
            | Operator::Depthwise {
                activation: Activation::Relu6,
                ..
            } => Grid {
                least: self.least.max(0.0),
                greatest: self.greatest.min((6.0 / self.scale).round()),
                ..self
            },
            _ => self,
        }
    }

    /// Writes the nearest value on the grid for each of `values`.
    pub(super) fn round(self, values: &[f32], rounded: &mut Vec<f32>) {
        let inverse = 1.0 / self.scale;
        rounded.clear();
        rounded.extend(values.iter().map(|value| {
            let steps = (value * inverse).max(self.least).min(self.greatest);
            ((steps + ROUNDING) - ROUNDING) * self.scale
        }));
    }

    /// Moves averages that lie in the middle between two values towards the one that int8 rounds them to, the one farther
    /// from the integer 0. Averages over a few pixels often lie there, unlike sums of many different products.
    pub(super) fn settle_ties(self, averages: &mut [f32]) {
        let zero = (self.least - f32::from(i8::MIN)) * self.scale;
        let nudge = self.scale * TIE;
        for average in averages {
            *average += if *average > zero { nudge } else { -nudge };
        }
    }

    /// The straight-through estimator (Bengio et al., arXiv 1308.3432): the gradient of a rounded value is that of the
    /// value itself, and nothing where it was clipped.
    pub(super) fn pass_gradient(self, values: &[f32], gradient: &mut [f32]) {
        let (least, greatest) = (self.least * self.scale, self.greatest * self.scale);
        for (gradient, value) in gradient.iter_mut().zip(values) {
            let inside = *value > least && *value < greatest;
            *gradient = if inside { *gradient } else { 0.0 };
        }
    }
}

/// The scales of weights `[rows, columns]`, whose columns are output channels: symmetric, each column's greatest
/// magnitude being the greatest integer. Nothing is clipped by them, so that gradients pass rounding unchanged.
pub(super) fn weight_scales(weights: &[f32], columns: usize) -> Vec<f32> {
    let mut scales = vec![0.0f32; columns];
    for row in weights.chunks_exact(columns) {
        for (scale, weight) in scales.iter_mut().zip(row) {
            *scale = scale.max(weight.abs());
        }
    }
    for scale in &mut scales {
        *scale /= GREATEST_WEIGHT;
    }
    scales
}

/// Rounds rows of values, one per scale, to multiples of their scales; what has the scale 0 is left as it is.
pub(super) fn round_to_scales(values: &[f32], scales: &[f32], rounded: &mut Vec<f32>) {
    rounded.clear();
    for row in values.chunks_exact(scales.len()) {
        rounded.extend(row.iter().zip(scales).map(|(&value, &scale)| {
            if scale > 0.0 {
                (value / scale).round() * scale
            } else {
                value
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELU6: Operator = Operator::Depthwise {
        kernel: 3,
        stride: 1,
        activation: Activation::Relu6,
    };

    #[test]
    fn values_go_to_the_nearest_point_of_the_grid() {
        let grid = Grid::new(0.5, -100);
        let values = [
            -100.0, -14.1, -0.3, 0.0, 0.26, 7.9, 113.5, 200.0, 1e30, -1e30,
        ];
        let mut rounded = Vec::new();
        grid.round(&values, &mut rounded);
        let expected = [
            -14.0, -14.0, -0.5, 0.0, 0.5, 8.0, 113.5, 113.5, 113.5, -14.0,
        ];
        assert_eq!(rounded, expected);
        grid.of_operator(RELU6).round(&values, &mut rounded);
        assert_eq!(rounded, [0.0, 0.0, 0.0, 0.0, 0.5, 6.0, 6.0, 6.0, 6.0, 0.0]);
    }

    #[test]
    fn ties_go_away_from_the_integer_0() {
        // The integers 1.5, 0.5, -0.5, -1.5 and -1.25.
        let mut averages = [5.75, 5.25, 4.75, 4.25, 4.375];
        let grid = Grid::new(0.5, -10);
        grid.settle_ties(&mut averages);
        let mut rounded = Vec::new();
        grid.round(&averages, &mut rounded);
        assert_eq!(rounded, [6.0, 5.5, 4.5, 4.0, 4.5]);
    }

    #[test]
    fn gradients_pass_where_nothing_is_clipped() {
        let grid = Grid::new(0.5, -128).of_operator(RELU6);
        let mut gradient = [1.0, 2.0, 3.0, 4.0];
        grid.pass_gradient(&[-0.1, 0.1, 5.9, 6.1], &mut gradient);
        assert_eq!(gradient, [0.0, 2.0, 3.0, 0.0]);
    }

    #[test]
    fn each_column_of_weights_has_a_scale_of_its_own() {
        let weights = [1.27, 0.0, 1.27e-3, 0.014, 0.0, -0.0003];
        let mut rounded = Vec::new();
        round_to_scales(&weights, &weight_scales(&weights, 3), &mut rounded);
        let expected = [1.27, 0.0, 1.27e-3, 0.01, 0.0, -0.0003];
        for (rounded, expected) in rounded.iter().zip(expected) {
            assert!((rounded - expected).abs() < 1e-7, "{rounded}, {expected}");
        }
    }
}
