//! Products whose values are normalised and clamped before they are stored.

// As in the module above.
#![allow(clippy::needless_range_loop)]

use super::{Left, product, tile_rows, tiles, write};
use crate::panels::Panel;
use crate::vector::{Kernel, Vector};

/// What becomes of the values of a product before they are stored: `clamp(scale * z + shift, low, high)` with a scale and a
/// shift per column, in whole vectors. All pointers are at the panel's first column.
#[derive(Clone, Copy)]
pub(crate) struct Activate {
    pub(crate) out: *mut f32,
    pub(crate) ld: usize,
    pub(crate) scale: *const f32,
    pub(crate) shift: *const f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl Activate {
    /// Moves everything by some columns.
    pub(crate) fn column(self, column: usize) -> Self {
        Self {
            out: self.out.wrapping_add(column),
            scale: self.scale.wrapping_add(column),
            shift: self.shift.wrapping_add(column),
            ..self
        }
    }
}

/// As [`super::multiply`], storing what `activate` makes of the product.
///
/// # Safety
/// As [`super::multiply`]; scales and shifts are whole vectors.
#[inline(always)]
pub(crate) unsafe fn multiply_activated<V: Vector>(
    left: Left,
    rows: usize,
    right: *const f32,
    panel: Panel,
    activate: Activate,
) {
    let height = tile_rows::<V>(panel.vectors);
    for (first, tiles, height) in tiles(rows, height) {
        let (left, tail) = (left.skip(first), panel.tail);
        let activate = Activate {
            out: activate.out.wrapping_add(first * activate.ld),
            ..activate
        };
        // SAFETY: the caller's promise, for the rows `first..first + tiles * height`.
        unsafe {
            with_constants!(
                V,
                height,
                panel.vectors,
                Activated {
                    left,
                    tiles,
                    right,
                    tail,
                    activate
                }
            );
        }
    }
}

/// A product whose values are normalised and clamped.
struct Activated<const ROWS: usize, const VECTORS: usize> {
    left: Left,
    tiles: usize,
    right: *const f32,
    tail: usize,
    activate: Activate,
}

impl<const ROWS: usize, const VECTORS: usize> Kernel for Activated<ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Activate { out, ld, .. } = self.activate;
        // SAFETY: the promise of `multiply_activated`.
        let [low, high] =
            [self.activate.low, self.activate.high].map(|bound| unsafe { V::splat(bound) });
        for tile in 0..self.tiles {
            // SAFETY: the promise of `multiply_activated`.
            unsafe {
                let out = out.add(tile * ROWS * ld);
                let tile = product::<V, ROWS, VECTORS>(self.left.skip(tile * ROWS), self.right);
                for vector in 0..VECTORS {
                    let at = vector * V::LANES;
                    let scale = V::load(self.activate.scale.add(at));
                    let shift = V::load(self.activate.shift.add(at));
                    for row in 0..ROWS {
                        let value = tile[row][vector].mul_add(scale, shift).max(low).min(high);
                        let out = out.add(row * ld + at);
                        write::<V>(value, out, vector + 1 == VECTORS, self.tail);
                    }
                }
            }
        }
    }
}
