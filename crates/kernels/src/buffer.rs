//! Memory that is allocated once and reused: aligned buffers and the scratch space of the kernels.

use std::ops::{Deref, DerefMut};

/// Floats in a cache line.
pub(crate) const LINE: usize = 16;

/// A cache line of floats; buffers are made of these, so that vector loads do not straddle lines.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Floats that start on a cache line and are reused from call to call: it grows, but never shrinks.
#[derive(Clone, Default)]
pub struct Buffer {
    lines: Vec<Line>,
    length: usize,
}

impl Buffer {
    /// An empty buffer, without any memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of so many zeros.
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self::new();
        buffer.resize(length);
        buffer
    }

    /// Sets the length. Elements that were there keep what they held (of this or an earlier use of the buffer);
    /// memory that is new holds zeros.
    pub fn resize(&mut self, length: usize) {
        let lines = length.div_ceil(LINE);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0.0; LINE]));
        }
        self.length = length;
    }

    /// Elements that there is memory for.
    fn capacity(&self) -> usize {
        self.lines.len() * LINE
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `length` initialised floats in a row (`Line` is sixteen floats without
        // padding), and an empty vector's pointer is aligned and non-null.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and the vector is borrowed mutably for as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Buffer({} floats)", self.length)
    }
}

/// The working memory of the kernels of one thread. It grows with the largest call and is reused by all of them;
/// what it holds between calls never influences a result.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    buffer: Buffer,
}

impl Scratch {
    /// Scratch space without any memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Floats that there is memory for.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Makes sure that there is memory for so many floats.
    pub fn reserve(&mut self, floats: usize) {
        if floats > self.capacity() {
            self.buffer.resize(floats);
        }
    }

    /// Separate parts of these sizes, each from a cache line on, that hold anything.
    pub(crate) fn carve<const N: usize>(&mut self, sizes: [usize; N]) -> [&mut [f32]; N] {
        let total = sizes.iter().map(|size| size.next_multiple_of(LINE)).sum();
        self.buffer.resize(total);
        let mut rest: &mut [f32] = &mut self.buffer;
        sizes.map(|size| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(size.next_multiple_of(LINE));
            rest = after;
            &mut part[..size]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_keep_their_memory() {
        let mut buffer = Buffer::zeros(17);
        assert_eq!(buffer.as_ptr() as usize % 64, 0);
        buffer[16] = 3.0;
        buffer.resize(5);
        assert_eq!(buffer.len(), 5);
        buffer.resize(40);
        assert_eq!((buffer[16], buffer[39]), (3.0, 0.0));
        assert!(Buffer::new().is_empty());
    }

    #[test]
    fn scratch_is_carved_into_aligned_parts() {
        let mut scratch = Scratch::new();
        let [a, b] = scratch.carve([3, 20]);
        a.fill(1.0);
        b.fill(2.0);
        assert_eq!((a.len(), b.len(), b.as_ptr() as usize % 64), (3, 20, 0));
        assert_eq!(a[2], 1.0);
    }

    #[test]
    fn reserved_scratch_is_there_before_it_is_used() {
        let mut scratch = Scratch::new();
        scratch.reserve(40);
        let reserved = scratch.capacity();
        assert!(reserved >= 40);
        scratch.carve([3, 20]);
        scratch.reserve(1);
        assert_eq!(scratch.capacity(), reserved);
    }
}
