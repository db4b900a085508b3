//! Pointwise convolution: matrix products over blocks of rows whose values are made while they are loaded.

use crate::buffer::LINE;
use crate::matrix::{Left, Store, multiply, multiply_transposed};
use crate::operands::{check_sums, elements};
use crate::panels::split;
use crate::transform::{Affine, Slope, flush_both, period, repeat};
use crate::vector::{Kernel, Vector, dispatch};
use crate::{Gradient, Isa, Panels, Scratch, Source, Sums};

/// `out = value(source) * weights`: a pointwise convolution over `rows` = images * height * width pixels.
///
/// `source` is `[rows, k]`, `weights` is `[k, n]`, `out` is `[rows, n]`. The sums of `out` and of its squares per
/// channel are added to `sums`.
///
/// # Panics
/// When the sizes do not agree, or `weights` is packed for another set of instructions.
#[allow(clippy::too_many_arguments)]
pub fn pointwise_forward(
    isa: Isa,
    source: Source,
    rows: usize,
    k: usize,
    weights: &Panels,
    out: &mut [f32],
    sums: Option<&mut Sums>,
    scratch: &mut Scratch,
) {
    let n = weights.n();
    source.check(elements(&[rows, k]), k);
    weights.check(isa, k, n);
    assert_eq!(
        out.len(),
        elements(&[rows, n]),
        "the output has another size"
    );
    check_sums(&sums, n);
    let forward = Forward {
        source,
        rows,
        k,
        weights,
        out,
        sums,
        scratch,
    };
    // SAFETY: all sizes agree.
    unsafe { dispatch(isa, forward) }
}

/// Both gradients of a pointwise convolution in one pass.
///
/// With `dz` = the value of `gradient`, `[rows, n]`: `dx = dz * weights_t` where `weights_t` is `[n, k]`; if
/// `accumulate` is set, what `dx` held is added. Then gradients pass only where the activation of `source` is not
/// clamped (`0 < y < 6`), `dx` (`[rows, k]`) is written, and the sums of `dx` and of `dx * source.data` per channel
/// are added to `sums`. `dw`, `[k, n]` with rows `ldw` elements apart, gets `value(source)ᵀ * dz` added.
///
/// # Panics
/// When the sizes do not agree, `weights_t` is packed for another set of instructions, or sums are wanted
/// without `dx`.
#[allow(clippy::too_many_arguments)]
pub fn pointwise_backward(
    isa: Isa,
    gradient: Gradient,
    source: Source,
    rows: usize,
    k: usize,
    n: usize,
    weights_t: &Panels,
    dx: Option<&mut [f32]>,
    accumulate: bool,
    sums: Option<&mut Sums>,
    dw: &mut [f32],
    ldw: usize,
    scratch: &mut Scratch,
) {
    gradient.check(elements(&[rows, n]), n);
    source.check(elements(&[rows, k]), k);
    check_matrix(dw, ldw, k, n);
    check_sums(&sums, k);
    assert!(
        sums.is_none() || dx.is_some(),
        "sums are those of the input's gradient"
    );
    if let Some(dx) = &dx {
        assert_eq!(dx.len(), rows * k, "the input's gradient has another size");
        weights_t.check(isa, n, k);
    }
    let backward = Backward {
        gradient,
        source,
        rows,
        k,
        n,
        weights_t,
        dx,
        accumulate,
        sums,
        dw,
        ldw,
        scratch,
    };
    // SAFETY: all sizes agree.
    unsafe { dispatch(isa, backward) }
}

/// Adds `value(source) * weights + bias` to `out`, all `[rows, k]`; then lets pass only what belongs to values of `source`
/// that are not clamped (`0 < y < 6`). The sums of `out` and of `out * source.data` per channel are added to `sums`.
///
/// # Panics
/// When the sizes do not agree, or `weights` is packed for another set of instructions.
#[allow(clippy::too_many_arguments)]
pub fn pointwise_accumulate(
    isa: Isa,
    source: Source,
    rows: usize,
    k: usize,
    weights: &Panels,
    bias: &[f32],
    out: &mut [f32],
    sums: Option<&mut Sums>,
    scratch: &mut Scratch,
) {
    source.check(elements(&[rows, k]), k);
    weights.check(isa, k, k);
    assert_eq!(bias.len(), k, "one bias per column is needed");
    assert_eq!(out.len(), rows * k, "the output has another size");
    check_sums(&sums, k);
    let accumulate = Accumulate {
        source,
        rows,
        k,
        weights,
        bias,
        out,
        sums,
        scratch,
    };
    // SAFETY: all sizes agree.
    unsafe { dispatch(isa, accumulate) }
}

fn check_matrix(matrix: &[f32], ld: usize, k: usize, n: usize) {
    assert!(ld >= n, "rows of the weights' gradient overlap");
    assert!(
        k == 0 || elements(&[k - 1, ld]) <= matrix.len().saturating_sub(n) && n <= matrix.len(),
        "the weights' gradient is too small"
    );
}

/// Arguments of [`pointwise_forward`], whose sizes agree.
struct Forward<'a> {
    source: Source<'a>,
    rows: usize,
    k: usize,
    weights: &'a Panels,
    out: &'a mut [f32],
    sums: Option<&'a mut Sums>,
    scratch: &'a mut Scratch,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            source,
            rows,
            k,
            weights,
            out,
            mut sums,
            scratch,
        } = self;
        let n = weights.n();
        let step = block_rows(FORWARD_BLOCK, k, 24);
        let (period, columns) = (period(k, V::LANES), n.next_multiple_of(V::LANES));
        let [scale, shift, block, first, second] =
            scratch.carve([period, period, step * k, columns, columns]);
        let values = Affine::new(&source, scale, shift);
        first.fill(0.0);
        second.fill(0.0);
        for start in (0..rows).step_by(step) {
            let count = step.min(rows - start);
            // SAFETY: the block starts at a whole pixel and is `count` rows of the source; the products fill `count`
            // rows of the output.
            unsafe {
                let stored = source.data.as_ptr().add(start * k);
                let left = if source.norm.is_some() {
                    values.apply::<V>(stored, block.as_mut_ptr(), count * k);
                    block.as_ptr()
                } else {
                    stored
                };
                let store = Store {
                    out: out.as_mut_ptr().add(start * n),
                    ld: n,
                    accumulate: false,
                    mask: std::ptr::null(),
                    stored: std::ptr::null(),
                    sums: sum_pointers(sums.is_some(), first, second),
                };
                for panel in split(n, V::LANES) {
                    let right = weights.panel(panel);
                    multiply::<V>(
                        Left::dense(left, k),
                        count,
                        right,
                        panel,
                        store.column(panel.column),
                    );
                }
            }
            if let Some(sums) = sums.as_deref_mut() {
                flush_both(&mut first[..n], &mut second[..n], sums);
            }
        }
    }
}

/// Arguments of [`pointwise_backward`], whose sizes agree.
struct Backward<'a> {
    gradient: Gradient<'a>,
    source: Source<'a>,
    rows: usize,
    k: usize,
    n: usize,
    weights_t: &'a Panels,
    dx: Option<&'a mut [f32]>,
    accumulate: bool,
    sums: Option<&'a mut Sums>,
    dw: &'a mut [f32],
    ldw: usize,
    scratch: &'a mut Scratch,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            gradient,
            source,
            rows,
            k,
            n,
            weights_t,
            mut dx,
            accumulate,
            mut sums,
            dw,
            ldw,
            scratch,
        } = self;
        let step = block_rows(BACKWARD_BLOCK, k + n, 96);
        let (k_period, n_period) = (period(k, V::LANES), period(n, V::LANES));
        let columns = k.next_multiple_of(V::LANES);
        let [scale, shift, a, b, d, block, slopes, first, second] = scratch.carve([
            k_period,
            k_period,
            n_period,
            n_period,
            n_period,
            step * k + LINE,
            step * n + LINE,
            columns,
            columns,
        ]);
        let values = Affine::new(&source, scale, shift);
        let gradient = Slope::new(&gradient, [a, b, d]);
        first.fill(0.0);
        second.fill(0.0);
        for start in (0..rows).step_by(step) {
            let count = step.min(rows - start);
            // SAFETY: the blocks start at a whole pixel and are `count` rows of the source and of the gradient; both
            // have a line to spare for whole vectors in their last row; the products fill `count` rows of the
            // input's gradient, and `dw` has `k` rows of `n` columns.
            unsafe {
                let stored = source.data.as_ptr().add(start * k);
                values.apply::<V>(stored, block.as_mut_ptr(), count * k);
                gradient.apply::<V>(start * n, slopes.as_mut_ptr(), count * n);
                if let Some(dx) = dx.as_deref_mut() {
                    let store = Store {
                        out: dx.as_mut_ptr().add(start * k),
                        ld: k,
                        accumulate,
                        mask: if source.is_clamped() {
                            block.as_ptr()
                        } else {
                            std::ptr::null()
                        },
                        stored,
                        sums: sum_pointers(sums.is_some(), first, second),
                    };
                    for panel in split(k, V::LANES) {
                        let (left, right) =
                            (Left::dense(slopes.as_ptr(), n), weights_t.panel(panel));
                        multiply::<V>(left, count, right, panel, store.column(panel.column));
                    }
                }
                for panel in split(n, V::LANES) {
                    let right = slopes.as_ptr().add(panel.column);
                    let out = dw.as_mut_ptr().add(panel.column);
                    multiply_transposed::<V>(
                        block.as_ptr(),
                        k,
                        k,
                        right,
                        n,
                        count,
                        out,
                        ldw,
                        panel,
                    );
                }
            }
            if let Some(sums) = sums.as_deref_mut() {
                flush_both(&mut first[..k], &mut second[..k], sums);
            }
        }
    }
}

/// Arguments of [`pointwise_accumulate`], whose sizes agree.
struct Accumulate<'a> {
    source: Source<'a>,
    rows: usize,
    k: usize,
    weights: &'a Panels,
    bias: &'a [f32],
    out: &'a mut [f32],
    sums: Option<&'a mut Sums>,
    scratch: &'a mut Scratch,
}

impl Kernel for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            source,
            rows,
            k,
            weights,
            bias,
            out,
            mut sums,
            scratch,
        } = self;
        let step = block_rows(FORWARD_BLOCK, k, 24);
        let (period, columns) = (period(k, V::LANES), k.next_multiple_of(V::LANES));
        let [scale, shift, ones, biases, block, first, second] = scratch.carve([
            period,
            period,
            period,
            period,
            step * k + LINE,
            columns,
            columns,
        ]);
        let values = Affine::new(&source, scale, shift);
        ones.fill(1.0);
        repeat(bias, biases);
        let add_bias = Affine {
            scale: ones.as_ptr(),
            shift: biases.as_ptr(),
            period,
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
        };
        first.fill(0.0);
        second.fill(0.0);
        for start in (0..rows).step_by(step) {
            let count = step.min(rows - start);
            // SAFETY: the block is `count` rows of the source, with a line to spare for whole vectors in its last row,
            // and so are those of the output.
            unsafe {
                let stored = source.data.as_ptr().add(start * k);
                values.apply::<V>(stored, block.as_mut_ptr(), count * k);
                let out = out.as_mut_ptr().add(start * k);
                add_bias.apply::<V>(out, out, count * k);
                let store = Store {
                    out,
                    ld: k,
                    accumulate: true,
                    mask: if source.is_clamped() {
                        block.as_ptr()
                    } else {
                        std::ptr::null()
                    },
                    stored,
                    sums: sum_pointers(sums.is_some(), first, second),
                };
                for panel in split(k, V::LANES) {
                    let (left, right) = (Left::dense(block.as_ptr(), k), weights.panel(panel));
                    multiply::<V>(left, count, right, panel, store.column(panel.column));
                }
            }
            if let Some(sums) = sums.as_deref_mut() {
                flush_both(&mut first[..k], &mut second[..k], sums);
            }
        }
    }
}

/// Floats of a forward block, which stays in the first-level cache beside a panel.
const FORWARD_BLOCK: usize = 6 * 1024;
/// Floats of a backward block, which stays in the second-level cache.
const BACKWARD_BLOCK: usize = 16 * 1024;

/// Rows of a block of about so many floats: whole tiles (of 4, 6, 8 or 12 rows), at least `least` and at most 192, so
/// that sums over a block may be in f32.
fn block_rows(floats: usize, columns: usize, least: usize) -> usize {
    (floats / columns.max(1) / 24 * 24).clamp(least, 192)
}

/// Where sums go: nowhere if they are not wanted.
pub(crate) fn sum_pointers(wanted: bool, first: &mut [f32], second: &mut [f32]) -> [*mut f32; 2] {
    if wanted {
        [first.as_mut_ptr(), second.as_mut_ptr()]
    } else {
        [std::ptr::null_mut(); 2]
    }
}
