//! Matrix products.

use super::{add_matrix, gradient_value, value, write_backward, write_forward};
use crate::{Gradient, Source, Sums};

/// Naive [`crate::pointwise_forward`]; `weights` is `[k][n]`.
pub fn pointwise_forward(
    source: Source,
    rows: usize,
    k: usize,
    weights: &[f32],
    n: usize,
    out: &mut [f32],
    sums: Option<&mut Sums>,
) {
    write_forward(&product(source, rows, k, weights, n), n, out, sums);
}

pub(super) fn product(
    source: Source,
    rows: usize,
    k: usize,
    weights: &[f32],
    n: usize,
) -> Vec<f64> {
    let mut out = vec![0.0; rows * n];
    for row in 0..rows {
        for inner in 0..k {
            let x = value(&source, row * k + inner, k);
            for column in 0..n {
                out[row * n + column] += x * f64::from(weights[inner * n + column]);
            }
        }
    }
    out
}

/// Naive [`crate::pointwise_backward`]; `weights` is `[k][n]`, as in the forward pass.
#[allow(clippy::too_many_arguments)]
pub fn pointwise_backward(
    gradient: Gradient,
    source: Source,
    rows: usize,
    k: usize,
    n: usize,
    weights: &[f32],
    dx: Option<&mut [f32]>,
    accumulate: bool,
    sums: Option<&mut Sums>,
    dw: &mut [f32],
    ldw: usize,
) {
    let mut weight_gradient = vec![0.0; k * n];
    let mut input_gradient = vec![0.0; rows * k];
    for row in 0..rows {
        for column in 0..n {
            let dz = gradient_value(&gradient, row * n + column, n);
            for inner in 0..k {
                input_gradient[row * k + inner] += dz * f64::from(weights[inner * n + column]);
                weight_gradient[inner * n + column] += dz * value(&source, row * k + inner, k);
            }
        }
    }
    if let Some(dx) = dx {
        write_backward(&input_gradient, &source, k, dx, accumulate, sums);
    }
    add_matrix(&weight_gradient, n, dw, ldw);
}

/// Naive [`crate::pointwise_accumulate`].
pub fn pointwise_accumulate(
    source: Source,
    rows: usize,
    k: usize,
    weights: &[f32],
    bias: &[f32],
    out: &mut [f32],
    sums: Option<&mut Sums>,
) {
    let mut values = product(source, rows, k, weights, k);
    for (index, value) in values.iter_mut().enumerate() {
        *value += f64::from(bias[index % k]);
    }
    write_backward(&values, &source, k, out, true, sums);
}

/// Naive [`crate::dense_forward`]; `weights` is `[k][n]`.
pub fn dense_forward(
    source: Source,
    rows: usize,
    k: usize,
    weights: &[f32],
    bias: &[f32],
    out: &mut [f32],
) {
    let n = bias.len();
    let mut values = product(source, rows, k, weights, n);
    for (index, value) in values.iter_mut().enumerate() {
        *value += f64::from(bias[index % n]);
    }
    write_forward(&values, n, out, None);
}

/// Naive [`crate::dense_backward`]; `weights` is `[k][n]`.
#[allow(clippy::too_many_arguments)]
pub fn dense_backward(
    dy: &[f32],
    source: Source,
    rows: usize,
    k: usize,
    weights: &[f32],
    dx: Option<&mut [f32]>,
    dw: &mut [f32],
    ldw: usize,
    dbias: &mut [f32],
) {
    let n = dbias.len();
    let gradient = Gradient::plain(dy);
    pointwise_backward(
        gradient, source, rows, k, n, weights, dx, false, None, dw, ldw,
    );
    let mut columns = vec![0.0; n];
    for (index, dy) in dy.iter().enumerate() {
        columns[index % n] += f64::from(*dy);
    }
    add_matrix(&columns, n, dbias, n);
}
