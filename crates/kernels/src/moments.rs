//! First and second moments of a tensor's channels.

use crate::buffer::LINE;
use crate::matrix::multiply_transposed;
use crate::operands::elements;
use crate::panels::split;
use crate::transform::{Affine, period};
use crate::vector::{Kernel, Vector, dispatch};
use crate::{Isa, Moments, Scratch, Source};

/// Adds the moments of the values of `source`, `[rows, k]`, to `sums`.
///
/// # Panics
/// When the sizes do not agree.
pub fn moments(
    isa: Isa,
    source: Source,
    rows: usize,
    k: usize,
    sums: &mut Moments,
    scratch: &mut Scratch,
) {
    source.check(elements(&[rows, k]), k);
    sums.check(k);
    let gather = Gather {
        source,
        rows,
        k,
        sums,
        scratch,
    };
    // SAFETY: all sizes agree.
    unsafe { dispatch(isa, gather) }
}

/// Floats of a block, which stays in the first-level cache.
const BLOCK: usize = 4 * 1024;
/// Rows whose sums stay in f32.
const SUM_ROWS: usize = 768;

/// Arguments of [`moments`], whose sizes agree.
struct Gather<'a> {
    source: Source<'a>,
    rows: usize,
    k: usize,
    sums: &'a mut Moments,
    scratch: &'a mut Scratch,
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            source,
            rows,
            k,
            sums,
            scratch,
        } = self;
        let step = (BLOCK / k.max(1)).clamp(8, 192);
        let blocks = SUM_ROWS / step;
        let period = period(k, V::LANES);
        let [scale, shift, block, products] =
            scratch.carve([period, period, step * k + LINE, k * k]);
        let values = Affine::new(&source, scale, shift);
        products.fill(0.0);
        for (index, start) in (0..rows).step_by(step).enumerate() {
            let count = step.min(rows - start);
            // SAFETY: the block is `count` rows of the source, with a line to spare for whole vectors in its last row;
            // there is a product for each two channels.
            unsafe {
                let stored = source.data.as_ptr().add(start * k);
                values.apply::<V>(stored, block.as_mut_ptr(), count * k);
                for panel in split(k, V::LANES) {
                    let right = block.as_ptr().add(panel.column);
                    let out = products.as_mut_ptr().add(panel.column);
                    multiply_transposed::<V>(block.as_ptr(), k, k, right, k, count, out, k, panel);
                }
            }
            for row in block[..count * k].chunks_exact(k) {
                for (sum, value) in sums.first.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
            if (index + 1) % blocks == 0 || start + count == rows {
                for (sum, product) in sums.second.iter_mut().zip(products.iter_mut()) {
                    *sum += f64::from(*product);
                    *product = 0.0;
                }
            }
        }
    }
}
