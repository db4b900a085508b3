//! Expansions that are stored nowhere.
//!
//! A block's first convolution makes a tensor several times as wide as the one it reads; on large maps, storing it and
//! everything that becomes of it would be most of a step's way to memory. Instead the depthwise convolution makes it again,
//! row by row, whenever it reads. What BatchNorm needs follows from the moments of the narrow tensor `x` `[pixels, k]` alone.
//! With the weights `w` `[k, n]`, `z = x w`, `s = Σ x` and `M = Σ xᵀ x` (sums over the pixels of the batch):
//!
//! - forwards `Σ z = s w` and `Σ z² = diag(wᵀ M w)`;
//! - backwards the gradient of `z` is `a dy + b z + d` per channel (see [`super::norm`]), where `b` and `d` depend on sums over
//!   the whole batch, so that it could only be made in a second pass. But it is linear: with `P = Σ xᵀ dy`, which one pass
//!   gathers, the weights' gradient is `a P + b M w + d sᵀ`, and that of the input is `dy (a w)ᵀ + x (b w wᵀ) + w d`, of which
//!   the first part is made in that same pass and the others from the narrow tensor.
//!
//! So neither `z` nor its gradient is ever written.

use std::ops::Range;

use danas_kernels::{Expansion, Moments, Panels, Sums};

use super::norm::UnitNorm;
use super::subnet::{Subnet, Unit};
use super::weights::UnitWeights;
use super::workspace::{Workspace, source, with_scratch};
use super::{chunk_images, team};
use crate::parameters::Parameters;

/// Pixels of a batch for each channel of the narrow tensor, at least, for an expansion not to be stored: products of moments
/// and weights, which do not depend on the pixels, then cost little beside those that do.
const PIXELS_PER_CHANNEL: usize = 32;

/// Whether a unit's output is made again whenever it is read, in a batch of `images`.
pub(crate) fn is_recomputed(unit: &Unit, images: usize) -> bool {
    unit.expands && images * unit.positions() >= PIXELS_PER_CHANNEL * unit.input.channels
}

/// What is known of an expansion that is not stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recomputed {
    /// Moments of the tensor that it is made of.
    pub(crate) moments: Moments,
    /// Their second part times the weights, `[k, n]`.
    pub(crate) weighted: Vec<f64>,
}

/// A unit's own weights as they lie among the shared ones.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    stride: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
}

impl<'a> Matrix<'a> {
    pub(crate) fn of(unit: &Unit, parameters: &'a Parameters) -> Self {
        Matrix {
            values: parameters.get(unit.weight),
            stride: parameters.columns(unit.weight),
            k: unit.input.channels,
            n: unit.output.channels,
        }
    }

    /// The weights of an input channel.
    pub(crate) fn row(self, k: usize) -> &'a [f32] {
        &self.values[k * self.stride..][..self.n]
    }
}

/// What the depthwise convolution behind `unit` reads of some images.
pub(crate) fn expansion<'a>(
    subnet: &Subnet,
    unit: usize,
    weights: &'a [UnitWeights],
    stored: &'a [Vec<f32>],
    blocks: &'a [Vec<f32>],
    norms: &'a [UnitNorm],
    images: Range<usize>,
) -> Expansion<'a> {
    let input = subnet.units[unit].source;
    Expansion {
        source: source(subnet, input, stored, blocks, norms, images),
        weights: &weights[unit].panels,
        norm: norms[unit].view(subnet.units[unit].relu6),
    }
}

/// Gathers the sums of a unit's output over the batch without making it.
pub(crate) fn measure(
    subnet: &Subnet,
    index: usize,
    parameters: &Parameters,
    workspace: &mut Workspace,
    images: usize,
) {
    let unit = &subnet.units[index];
    let k = unit.input.channels;
    let per_chunk = chunk_images(images);
    let chunks = images.div_ceil(per_chunk);
    let (isa, stored, blocks) = (workspace.isa, &workspace.stored, &workspace.blocks);
    let norms = &workspace.norms;
    let parts = &mut workspace.partial_moments[..chunks];
    team().each((&mut *parts, 1), |chunk, moments| {
        let first = chunk * per_chunk;
        let images = first..images.min(first + per_chunk);
        let rows = images.len() * unit.positions();
        let reads = source(subnet, unit.source, stored, blocks, norms, images);
        moments[0].reset(k);
        with_scratch(|scratch| {
            danas_kernels::moments(isa, reads, rows, k, &mut moments[0], scratch);
        });
    });
    let Recomputed { moments, weighted } = &mut workspace.recomputed[index];
    moments.reset(k);
    for part in parts {
        moments.add(part);
    }
    let weights = Matrix::of(unit, parameters);
    multiply(moments, weights, weighted);
    set_sums(moments, weighted, weights, &mut workspace.totals[index]);
}

/// `M w`.
fn multiply(moments: &Moments, weights: Matrix, product: &mut Vec<f64>) {
    let Matrix { k, n, .. } = weights;
    product.clear();
    product.resize(k * n, 0.0);
    team().each((product, n), |row, product| {
        for (inner, moment) in moments.second[row * k..][..k].iter().enumerate() {
            for (product, weight) in product.iter_mut().zip(weights.row(inner)) {
                *product += moment * f64::from(*weight);
            }
        }
    });
}

/// `s w` and `diag(wᵀ M w)`.
fn set_sums(moments: &Moments, weighted: &[f64], weights: Matrix, sums: &mut Sums) {
    sums.reset(weights.n);
    for (row, (first, weighted)) in (moments.first.iter())
        .zip(weighted.chunks_exact(weights.n))
        .enumerate()
    {
        for (column, weight) in weights.row(row).iter().enumerate() {
            sums.first[column] += first * f64::from(*weight);
            sums.second[column] += weighted[column] * f64::from(*weight);
        }
    }
}

/// `(a w)ᵀ`, with the factor `a` of BatchNorm's backward pass, which is its scale.
pub(crate) fn pack_scaled(
    isa: danas_kernels::Isa,
    weights: Matrix,
    norm: &UnitNorm,
    scaled: &mut Vec<f32>,
    panels: &mut Panels,
) {
    let Matrix { k, n, .. } = weights;
    scaled.clear();
    for row in 0..k {
        let factors = weights.row(row).iter().zip(&norm.scale);
        scaled.extend(factors.map(|(weight, scale)| weight * scale));
    }
    panels.pack_transposed(isa, scaled, n, n, k);
}

/// The sums of `dy z` per channel, from the products `Σ xᵀ dy`, `[k, n]`.
pub(crate) fn gradient_sums(products: &[f32], weights: Matrix, sums: &mut [f64]) {
    sums.fill(0.0);
    for (row, products) in products.chunks_exact(weights.n).enumerate() {
        for ((sum, product), weight) in sums.iter_mut().zip(products).zip(weights.row(row)) {
            *sum += f64::from(*product) * f64::from(*weight);
        }
    }
}

/// Turns the products `Σ xᵀ dy`, `[k, n]`, into the weights' gradient `a Σ xᵀ dy + b M w + d sᵀ`.
pub(crate) fn weight_gradient(
    recomputed: &Recomputed,
    coefficients: [&[f32]; 3],
    products: &mut [f32],
) {
    let [a, b, d] = coefficients;
    let n = a.len();
    let rows = products.chunks_exact_mut(n);
    let known = recomputed.weighted.chunks_exact(n);
    for ((products, weighted), first) in rows.zip(known).zip(&recomputed.moments.first) {
        for (column, product) in products.iter_mut().enumerate() {
            let gradient = f64::from(a[column]) * f64::from(*product)
                + f64::from(b[column]) * weighted[column]
                + f64::from(d[column]) * first;
            *product = gradient as f32;
        }
    }
}

/// What is left of the input's gradient: `b w wᵀ`, `[k, k]`, and `w d`, `[k]`.
pub(crate) fn input_correction(
    weights: Matrix,
    coefficients: [&[f32]; 3],
    matrix: &mut Vec<f32>,
    bias: &mut Vec<f32>,
) {
    let [_, b, d] = coefficients;
    let k = weights.k;
    matrix.clear();
    matrix.resize(k * k, 0.0);
    team().each((matrix, k), |row, matrix| {
        for (column, value) in matrix.iter_mut().enumerate() {
            *value = weighted_product(weights.row(row), weights.row(column), b);
        }
    });
    bias.clear();
    bias.extend((0..k).map(|row| {
        let products = weights.row(row).iter().zip(d).map(|(weight, d)| weight * d);
        products.sum::<f32>()
    }));
}

/// The sum of the products of three vectors of one length, in several sums that do not wait for each other.
fn weighted_product(one: &[f32], other: &[f32], factors: &[f32]) -> f32 {
    const SUMS: usize = 16;
    let mut sums = [0.0; SUMS];
    let chunks = one
        .chunks(SUMS)
        .zip(other.chunks(SUMS))
        .zip(factors.chunks(SUMS));
    for ((one, other), factors) in chunks {
        for (((sum, one), other), factor) in sums.iter_mut().zip(one).zip(other).zip(factors) {
            *sum += one * other * factor;
        }
    }
    sums.iter().sum()
}
