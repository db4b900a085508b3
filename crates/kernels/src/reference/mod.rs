//! Every kernel written naively, in f64 inside: what the fast ones are tested against, and what says exactly what
//! they compute. Matrices are dense (`[k][n]`) instead of packed.

mod convolution;
mod elementwise;
mod matrix;
mod moments;

pub use convolution::{depthwise_backward, depthwise_forward, stem_backward, stem_forward};
pub use elementwise::{
    add_assign, affine, average_pool_backward, average_pool_forward, gradient_sums,
};
pub use matrix::{
    dense_backward, dense_forward, pointwise_accumulate, pointwise_backward, pointwise_forward,
};
pub use moments::moments;

use crate::{Gradient, Source, Sums};

/// The value of element `index` of a source whose last dimension is `channels`.
fn value(source: &Source, index: usize, channels: usize) -> f64 {
    let stored = f64::from(source.data[index]);
    let Some(norm) = source.norm else {
        return stored;
    };
    let linear = normalised(source, index, channels);
    if norm.relu6 {
        linear.clamp(0.0, 6.0)
    } else {
        linear
    }
}

/// All values of a source whose last dimension is `channels`.
pub fn values(source: &Source, channels: usize) -> Vec<f64> {
    let elements = 0..source.data.len();
    elements
        .map(|index| value(source, index, channels))
        .collect()
}

fn normalised(source: &Source, index: usize, channels: usize) -> f64 {
    let stored = f64::from(source.data[index]);
    source.norm.map_or(stored, |norm| {
        let channel = index % channels;
        f64::from(norm.scale[channel]) * stored + f64::from(norm.shift[channel])
    })
}

/// Whether gradients pass the activation of element `index`.
fn passes(source: &Source, index: usize, channels: usize) -> bool {
    let linear = normalised(source, index, channels);
    !source.is_clamped() || (linear > 0.0 && linear < 6.0)
}

/// The gradient of element `index` of a tensor in front of a BatchNorm.
fn gradient_value(gradient: &Gradient, index: usize, channels: usize) -> f64 {
    let dy = f64::from(gradient.dy[index]);
    gradient.coefficients.map_or(dy, |[a, b, d]| {
        let channel = index % channels;
        f64::from(a[channel]) * dy
            + f64::from(b[channel]) * f64::from(gradient.z[index])
            + f64::from(d[channel])
    })
}

/// Writes a forward result and gathers its sums and sums of squares.
fn write_forward(values: &[f64], channels: usize, out: &mut [f32], sums: Option<&mut Sums>) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = *value as f32;
    }
    if let Some(sums) = sums {
        for (index, value) in values.iter().enumerate() {
            sums.first[index % channels] += value;
            sums.second[index % channels] += value * value;
        }
    }
}

/// Masks a gradient by the source's activation, writes or adds it, and gathers its sums.
fn write_backward(
    values: &[f64],
    source: &Source,
    channels: usize,
    dx: &mut [f32],
    accumulate: bool,
    sums: Option<&mut Sums>,
) {
    for (index, (dx, value)) in dx.iter_mut().zip(values).enumerate() {
        let before = if accumulate { f64::from(*dx) } else { 0.0 };
        *dx = if passes(source, index, channels) {
            (before + value) as f32
        } else {
            0.0
        };
    }
    if let Some(sums) = sums {
        gradient_sums(dx, source.data, channels, sums);
    }
}

/// Adds values to a strided matrix of f32 with `n` columns.
fn add_matrix(values: &[f64], n: usize, out: &mut [f32], ld: usize) {
    for (index, value) in values.iter().enumerate() {
        let out = &mut out[index / n * ld + index % n];
        *out = (f64::from(*out) + value) as f32;
    }
}

#[cfg(test)]
mod tests;
