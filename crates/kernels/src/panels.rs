//! Packed matrices.

use crate::{Buffer, Isa};

/// A right-hand matrix `[k][n]`, packed for a set of instructions. Its memory is reused when it is packed again.
///
/// The columns are split into panels of one to three vectors, padded with zeros; a panel holds its part of row 0, then
/// its part of row 1 and so on, in the order in which the product reads it.
#[derive(Debug, Clone, Default)]
pub struct Panels {
    data: Buffer,
    lanes: usize,
    k: usize,
    n: usize,
}

/// A few columns of a packed matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panel {
    /// First column.
    pub(crate) column: usize,
    /// Vectors per row: 1, 2 or 3.
    pub(crate) vectors: usize,
    /// Columns in the last vector, at least one.
    pub(crate) tail: usize,
}

/// Splits `n` columns into panels: of three vectors, and at the end of two or one such that no panel of a single
/// vector is left over where two twos do.
pub(crate) fn split(n: usize, lanes: usize) -> impl Iterator<Item = Panel> {
    let mut column = 0;
    std::iter::from_fn(move || {
        let left = (n - column.min(n)).div_ceil(lanes);
        let vectors = match left {
            0 => return None,
            1 | 2 => left,
            4 => 2,
            _ => 3,
        };
        let start = column;
        column += vectors * lanes;
        Some(Panel {
            column: start,
            vectors,
            tail: (n - (start + (vectors - 1) * lanes)).min(lanes),
        })
    })
}

/// Rows of a panel that are filled at a time while transposing, so that they stay in the first-level cache.
const TRANSPOSED_ROWS: usize = 32;

impl Panels {
    /// An empty matrix.
    pub fn new() -> Self {
        Self::default()
    }

    /// Packs `src`, a matrix `[k][n]` whose rows are `ld` elements apart.
    ///
    /// # Panics
    /// When `src` is too short or `ld` is less than `n`.
    pub fn pack(&mut self, isa: Isa, src: &[f32], ld: usize, k: usize, n: usize) {
        assert!(ld >= n, "rows of the matrix overlap");
        self.reshape(isa, k, n);
        for panel in split(n, self.lanes) {
            let width = panel.vectors * self.lanes;
            let columns = width.min(n - panel.column);
            let target = &mut self.data[panel.column * k..][..width * k];
            for (row, target) in target.chunks_exact_mut(width).enumerate() {
                let from = row * ld + panel.column;
                target[..columns].copy_from_slice(&src[from..from + columns]);
                target[columns..].fill(0.0);
            }
        }
    }

    /// Packs the transpose of `src`, a matrix `[n][k]` whose rows are `ld` elements apart.
    ///
    /// # Panics
    /// When `src` is too short or `ld` is less than `k`.
    pub fn pack_transposed(&mut self, isa: Isa, src: &[f32], ld: usize, k: usize, n: usize) {
        assert!(ld >= k, "rows of the matrix overlap");
        self.reshape(isa, k, n);
        for panel in split(n, self.lanes) {
            let width = panel.vectors * self.lanes;
            let target = &mut self.data[panel.column * k..][..width * k];
            for (block, target) in target.chunks_mut(TRANSPOSED_ROWS * width).enumerate() {
                let first = block * TRANSPOSED_ROWS;
                for lane in 0..width {
                    let column = panel.column + lane;
                    let lanes = target.iter_mut().skip(lane).step_by(width);
                    if column < n {
                        let source = &src[column * ld + first..column * ld + k];
                        for (target, value) in lanes.zip(source) {
                            *target = *value;
                        }
                    } else {
                        lanes.for_each(|target| *target = 0.0);
                    }
                }
            }
        }
    }

    fn reshape(&mut self, isa: Isa, k: usize, n: usize) {
        (self.k, self.n, self.lanes) = (k, n, isa.lanes());
        self.data.resize(k * n.next_multiple_of(self.lanes));
    }

    /// Rows of the matrix.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns of the matrix.
    pub fn n(&self) -> usize {
        self.n
    }

    pub(crate) fn check(&self, isa: Isa, k: usize, n: usize) {
        assert_eq!((self.k, self.n), (k, n), "the weights have another shape");
        assert_eq!(
            self.lanes,
            isa.lanes(),
            "the weights are packed for other instructions"
        );
    }

    /// Where a panel starts.
    pub(crate) fn panel(&self, panel: Panel) -> *const f32 {
        self.data[panel.column * self.k..].as_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_split_into_few_full_panels() {
        let vectors = |n| split(n, 16).map(|panel| panel.vectors).collect::<Vec<_>>();
        assert_eq!(vectors(0), Vec::<usize>::new());
        assert_eq!(vectors(8), [1]);
        assert_eq!(vectors(64), [2, 2]);
        assert_eq!(vectors(112), [3, 2, 2]);
        assert_eq!(vectors(72), [3, 2]);
        let last = split(72, 16).last();
        assert_eq!(
            last,
            Some(Panel {
                column: 48,
                vectors: 2,
                tail: 8
            })
        );
    }

    #[test]
    fn a_transposed_matrix_packs_like_the_matrix() {
        let (k, n) = (3, 21);
        let matrix: Vec<f32> = (0..k * n).map(|i| i as f32).collect();
        let transposed: Vec<f32> = (0..k * n).map(|i| matrix[i % k * n + i / k]).collect();
        for isa in [Isa::Avx512, Isa::Avx2, Isa::Portable] {
            let (mut a, mut b) = (Panels::new(), Panels::new());
            a.pack(isa, &matrix, n, k, n);
            b.pack_transposed(isa, &transposed, k, k, n);
            assert_eq!(*a.data, *b.data);
            assert_eq!((a.k(), a.n()), (k, n));
        }
    }
}
