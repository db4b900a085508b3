//! Jobs on the pieces of slices.

use std::marker::PhantomData;

use super::Team;

impl Team {
    /// Cuts a slice into pieces of `size` elements, the last one perhaps shorter, and calls `work` with the number of
    /// each and the piece.
    ///
    /// # Panics
    /// As [`Team::run`]; and if `size` is 0.
    pub fn each<A: Send>(
        &self,
        (slice, size): (&mut [A], usize),
        work: impl Fn(usize, &mut [A]) + Sync,
    ) {
        self.each3(
            (slice, size),
            (&mut [(); 0], 1),
            (&mut [(); 0], 1),
            |number, piece, _, _| work(number, piece),
        );
    }

    /// [`Team::each`] with the piece of the same number of a second slice.
    ///
    /// # Panics
    /// As [`Team::each`].
    pub fn each2<A: Send, B: Send>(
        &self,
        first: (&mut [A], usize),
        second: (&mut [B], usize),
        work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
    ) {
        self.each3(first, second, (&mut [(); 0], 1), |number, a, b, _| {
            work(number, a, b);
        });
    }

    /// [`Team::each`] with the pieces of the same number of a second and a third slice. The first slice decides how many
    /// there are; where another has fewer, its pieces are empty.
    ///
    /// # Panics
    /// As [`Team::each`].
    pub fn each3<A: Send, B: Send, C: Send>(
        &self,
        first: (&mut [A], usize),
        second: (&mut [B], usize),
        third: (&mut [C], usize),
        work: impl Fn(usize, &mut [A], &mut [B], &mut [C]) + Sync,
    ) {
        let (first, second, third) = (Cut::new(first), Cut::new(second), Cut::new(third));
        self.run(first.pieces(), |number| {
            // SAFETY: `run` calls this once for every number, so no piece is lent twice.
            let (a, b, c) = unsafe {
                (
                    first.piece(number),
                    second.piece(number),
                    third.piece(number),
                )
            };
            work(number, a, b, c);
        });
    }
}

/// A slice whose pieces are lent one by one.
struct Cut<'a, T> {
    start: *mut T,
    length: usize,
    size: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is no more than a mutable slice, of which threads are lent different pieces.
unsafe impl<T: Send> Sync for Cut<'_, T> {}

impl<'a, T> Cut<'a, T> {
    fn new((slice, size): (&'a mut [T], usize)) -> Self {
        assert!(size > 0, "a piece has elements");
        Cut {
            start: slice.as_mut_ptr(),
            length: slice.len(),
            size,
            slice: PhantomData,
        }
    }

    fn pieces(&self) -> usize {
        self.length.div_ceil(self.size)
    }

    /// The elements of a piece; none beyond the last.
    ///
    /// # Safety
    /// No other piece of the same number is alive.
    #[expect(clippy::mut_from_ref, reason = "the caller asks for each piece once")]
    unsafe fn piece(&self, number: usize) -> &mut [T] {
        let first = (number * self.size).min(self.length);
        let count = self.size.min(self.length - first);
        // SAFETY: the piece lies within the slice, which is borrowed mutably for as long as `self` lives, and pieces of
        // different numbers do not overlap.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_cut_alike_and_what_is_missing_is_empty() {
        let (mut a, mut b, mut c) = ([0; 10], [0; 3], [0; 2]);
        Team::of(2).each3((&mut a, 4), (&mut b, 1), (&mut c, 2), |number, a, b, c| {
            assert_eq!(a.len(), [4, 4, 2][number]);
            assert_eq!(c.len(), [2, 0, 0][number]);
            a.fill(number);
            b.fill(number);
            c.fill(7);
        });
        assert_eq!(
            (a, b, c),
            ([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [0, 1, 2], [7; 2])
        );
    }
}
