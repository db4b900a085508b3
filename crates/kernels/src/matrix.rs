//! The micro-kernels of all matrix products: tiles of rows by vectors whose sums stay in registers.

// Arrays of vectors are indexed in loops with constant bounds: those are unrolled, and the vectors stay in registers.
#![allow(clippy::needless_range_loop)]

use crate::panels::Panel;
use crate::vector::{Kernel, Vector};

/// The left-hand matrix of a product, `[rows][segments * k]`: row `r` of segment `s` is the `k` floats from
/// `start + s * pitch + r * ld` on. A plain matrix is one segment; a convolution's rows overlap, one segment per
/// row of its window.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) start: *const f32,
    pub(crate) ld: usize,
    pub(crate) segments: usize,
    pub(crate) pitch: usize,
    pub(crate) k: usize,
}

impl Left {
    /// A matrix `[rows][k]` with rows `k` apart.
    pub(crate) fn dense(start: *const f32, k: usize) -> Self {
        Self {
            start,
            ld: k,
            segments: 1,
            pitch: 0,
            k,
        }
    }

    fn skip(self, rows: usize) -> Self {
        Self {
            start: self.start.wrapping_add(rows * self.ld),
            ..self
        }
    }
}

/// What happens to a product when it is stored. All matrices are `[rows][ld]`, pointing at the panel's first column.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    pub(crate) out: *mut f32,
    pub(crate) ld: usize,
    /// Whether to add to what `out` holds.
    pub(crate) accumulate: bool,
    /// Values that let a gradient pass only where they are between 0 and 6, or null.
    pub(crate) mask: *const f32,
    /// What the gradient is multiplied with for the second sum; null for sums of squares.
    pub(crate) stored: *const f32,
    /// Sums of each column, and of its squares or products with `stored`; both null where not wanted.
    pub(crate) sums: [*mut f32; 2],
}

impl Store {
    /// Moves everything by some columns.
    pub(crate) fn column(self, column: usize) -> Self {
        Self {
            sums: self.sums.map(|sum| offset(sum, column)),
            ..self.moved(column)
        }
    }

    fn skip(self, rows: usize) -> Self {
        self.moved(rows * self.ld)
    }

    fn moved(self, by: usize) -> Self {
        Self {
            out: self.out.wrapping_add(by),
            mask: offset(self.mask.cast_mut(), by),
            stored: offset(self.stored.cast_mut(), by),
            ..self
        }
    }
}

fn offset(pointer: *mut f32, by: usize) -> *mut f32 {
    if pointer.is_null() {
        pointer
    } else {
        pointer.wrapping_add(by)
    }
}

/// Rows of a full tile of so many vectors: as many sums as fit into the registers beside the vectors of a panel's
/// row and a broadcast float.
#[inline(always)]
fn tile_rows<V: Vector>(vectors: usize) -> usize {
    match (V::REGISTERS >= 32, vectors) {
        (true, 3) => 8,
        (false, 3) => 4,
        (false, 2) => 6,
        _ => 12,
    }
}

/// The tiles of some rows, as `(first row, tiles, rows of each)`: full ones, and one of what is left.
#[inline(always)]
fn tiles(rows: usize, height: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let (full, rest) = (rows / height, rows % height);
    let parts = [(0, full, height), (full * height, 1, rest)];
    parts
        .into_iter()
        .filter(|(_, tiles, rows)| tiles * rows > 0)
}

/// Calls a kernel with constants for the rows of a tile (1 to 12) and the vectors of a panel (1 to 3).
macro_rules! with_constants {
    ($vector:ident, $rows:expr, $vectors:expr, $kernel:ident $arguments:tt) => {
        match $vectors {
            1 => with_constants!(@rows $vector, $rows, 1, $kernel $arguments, [1 2 3 4 5 6 7 8 9 10 11 12]),
            2 => with_constants!(@rows $vector, $rows, 2, $kernel $arguments, [1 2 3 4 5 6 7 8 9 10 11 12]),
            _ => with_constants!(@rows $vector, $rows, 3, $kernel $arguments, [1 2 3 4 5 6 7 8]),
        }
    };
    (@rows $vector:ident, $rows:expr, $vectors:literal, $kernel:ident $arguments:tt, [$($count:literal)*]) => {
        match $rows {
            $($count if $count <= tile_rows::<$vector>($vectors) =>
                $vector::invoke($kernel::<$count, $vectors> $arguments),)*
            _ => unreachable!("a tile has at most {} rows", tile_rows::<$vector>($vectors)),
        }
    };
}

mod activated;

pub(crate) use activated::{Activate, multiply_activated};

/// `store(left * panel)` for `rows` rows and one panel of a packed matrix at `right`.
///
/// # Safety
/// The machine has the instructions. `left` has `rows` rows, `right` is a panel of `left`'s width, and the matrices of
/// `store` have `rows` rows with the panel's columns; `mask` is readable for whole vectors in its last row, and sums
/// are whole vectors.
#[inline(always)]
pub(crate) unsafe fn multiply<V: Vector>(
    left: Left,
    rows: usize,
    right: *const f32,
    panel: Panel,
    store: Store,
) {
    let height = tile_rows::<V>(panel.vectors);
    for (first, tiles, height) in tiles(rows, height) {
        let (left, store, tail) = (left.skip(first), store.skip(first), panel.tail);
        // SAFETY: the caller's promise, for the rows `first..first + tiles * height`.
        unsafe {
            if store.stored.is_null() {
                let (left, right, store) = (left, right, store);
                with_constants!(
                    V,
                    height,
                    panel.vectors,
                    Forward {
                        left,
                        tiles,
                        right,
                        tail,
                        store
                    }
                );
            } else {
                with_constants!(
                    V,
                    height,
                    panel.vectors,
                    Backward {
                        left,
                        tiles,
                        right,
                        tail,
                        store
                    }
                );
            }
        }
    }
}

/// A product whose sums are gathered as in forward passes.
struct Forward<const ROWS: usize, const VECTORS: usize> {
    left: Left,
    tiles: usize,
    right: *const f32,
    tail: usize,
    store: Store,
}

/// A product that is an input's gradient.
struct Backward<const ROWS: usize, const VECTORS: usize> {
    left: Left,
    tiles: usize,
    right: *const f32,
    tail: usize,
    store: Store,
}

impl<const ROWS: usize, const VECTORS: usize> Kernel for Forward<ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for tile in 0..self.tiles {
            // SAFETY: the promise of `multiply`.
            unsafe {
                let left = self.left.skip(tile * ROWS);
                let store = self.store.skip(tile * ROWS);
                let tile = product::<V, ROWS, VECTORS>(left, self.right);
                let (mut first, mut second) = ([V::splat(0.0); VECTORS], [V::splat(0.0); VECTORS]);
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        let value = tile[row][vector];
                        first[vector] = first[vector].add(value);
                        second[vector] = value.mul_add(value, second[vector]);
                        let out = store.out.add(row * store.ld + vector * V::LANES);
                        write::<V>(value, out, vector + 1 == VECTORS, self.tail);
                    }
                }
                add_sums::<V, VECTORS>(store.sums, first, second);
            }
        }
    }
}

impl<const ROWS: usize, const VECTORS: usize> Kernel for Backward<ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for tile in 0..self.tiles {
            // SAFETY: the promise of `multiply`.
            unsafe {
                let left = self.left.skip(tile * ROWS);
                let store = self.store.skip(tile * ROWS);
                let tile = product::<V, ROWS, VECTORS>(left, self.right);
                let (low, high) = (V::splat(0.0), V::splat(6.0));
                let (mut first, mut second) = ([V::splat(0.0); VECTORS], [V::splat(0.0); VECTORS]);
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        let at = row * store.ld + vector * V::LANES;
                        let last = vector + 1 == VECTORS;
                        let mut value = tile[row][vector];
                        if store.accumulate {
                            value = value.add(read::<V>(store.out.add(at), last, self.tail));
                        }
                        if !store.mask.is_null() {
                            value = value.keep_between(V::load(store.mask.add(at)), low, high);
                        }
                        write::<V>(value, store.out.add(at), last, self.tail);
                        let stored = read::<V>(store.stored.add(at), last, self.tail);
                        first[vector] = first[vector].add(value);
                        second[vector] = value.mul_add(stored, second[vector]);
                    }
                }
                add_sums::<V, VECTORS>(store.sums, first, second);
            }
        }
    }
}

/// A tile of the product, summed over all segments.
#[inline(always)]
unsafe fn product<V: Vector, const ROWS: usize, const VECTORS: usize>(
    left: Left,
    right: *const f32,
) -> [[V; VECTORS]; ROWS] {
    // SAFETY: the promise of `multiply`.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        let mut right = right;
        for segment in 0..left.segments {
            let start = left.start.add(segment * left.pitch);
            for inner in 0..left.k {
                let mut factors = [V::splat(0.0); VECTORS];
                for vector in 0..VECTORS {
                    factors[vector] = V::load(right.add(vector * V::LANES));
                }
                for row in 0..ROWS {
                    let value = V::splat(*start.add(row * left.ld + inner));
                    for vector in 0..VECTORS {
                        sums[row][vector] = value.mul_add(factors[vector], sums[row][vector]);
                    }
                }
                right = right.add(VECTORS * V::LANES);
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn add_sums<V: Vector, const VECTORS: usize>(
    sums: [*mut f32; 2],
    first: [V; VECTORS],
    second: [V; VECTORS],
) {
    if sums[0].is_null() {
        return;
    }
    for vector in 0..VECTORS {
        let at = vector * V::LANES;
        // SAFETY: sums are whole vectors.
        unsafe {
            first[vector]
                .add(V::load(sums[0].add(at)))
                .store(sums[0].add(at));
            second[vector]
                .add(V::load(sums[1].add(at)))
                .store(sums[1].add(at));
        }
    }
}

#[inline(always)]
unsafe fn write<V: Vector>(value: V, to: *mut f32, last: bool, tail: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if last && tail < V::LANES {
            value.store_partial(to, tail);
        } else {
            value.store(to);
        }
    }
}

#[inline(always)]
unsafe fn read<V: Vector>(from: *const f32, last: bool, tail: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        if last && tail < V::LANES {
            V::load_partial(from, tail)
        } else {
            V::load(from)
        }
    }
}

/// `out += leftᵀ * right` for one panel of columns, where `left` is `[rows][ld]` of which `k` columns count, `right`
/// `[rows][right_ld]` and `out` `[k][out_ld]`, the latter two pointing at the panel's first column.
///
/// # Safety
/// The machine has the instructions, the matrices are as large as said, and `right` is readable for whole vectors in
/// its last row too.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(crate) unsafe fn multiply_transposed<V: Vector>(
    left: *const f32,
    left_ld: usize,
    k: usize,
    right: *const f32,
    right_ld: usize,
    rows: usize,
    out: *mut f32,
    out_ld: usize,
    panel: Panel,
) {
    let height = tile_rows::<V>(panel.vectors);
    for (first, tiles, height) in tiles(k, height) {
        let (left, out, tail) = (
            left.wrapping_add(first),
            out.wrapping_add(first * out_ld),
            panel.tail,
        );
        // SAFETY: the caller's promise, for the columns `first..first + tiles * height` of `left`.
        unsafe {
            with_constants!(
                V,
                height,
                panel.vectors,
                Outer {
                    left,
                    left_ld,
                    tiles,
                    right,
                    right_ld,
                    rows,
                    out,
                    out_ld,
                    tail
                }
            );
        }
    }
}

/// Tiles of a transposed product, each of `ROWS` columns of the left matrix.
struct Outer<const ROWS: usize, const VECTORS: usize> {
    left: *const f32,
    left_ld: usize,
    tiles: usize,
    right: *const f32,
    right_ld: usize,
    rows: usize,
    out: *mut f32,
    out_ld: usize,
    tail: usize,
}

impl<const ROWS: usize, const VECTORS: usize> Kernel for Outer<ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for tile in 0..self.tiles {
            // SAFETY: the promise of `multiply_transposed`.
            unsafe {
                let (mut left, mut right) = (self.left.add(tile * ROWS), self.right);
                let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
                for _ in 0..self.rows {
                    let mut factors = [V::splat(0.0); VECTORS];
                    for vector in 0..VECTORS {
                        factors[vector] = V::load(right.add(vector * V::LANES));
                    }
                    for row in 0..ROWS {
                        let value = V::splat(*left.add(row));
                        for vector in 0..VECTORS {
                            sums[row][vector] = value.mul_add(factors[vector], sums[row][vector]);
                        }
                    }
                    left = left.wrapping_add(self.left_ld);
                    right = right.wrapping_add(self.right_ld);
                }
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        let out = self
                            .out
                            .add((tile * ROWS + row) * self.out_ld + vector * V::LANES);
                        let last = vector + 1 == VECTORS;
                        let before = read::<V>(out, last, self.tail);
                        write::<V>(before.add(sums[row][vector]), out, last, self.tail);
                    }
                }
            }
        }
    }
}
