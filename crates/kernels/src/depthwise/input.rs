//! What a depthwise convolution reads: rows of a tensor that is stored, or of one that is made while it is read.

use super::rows::Layout;
use crate::buffer::LINE;
use crate::matrix::{Activate, Left, Store, multiply, multiply_activated, multiply_transposed};
use crate::panels::split;
use crate::transform::{Affine, period};
use crate::vector::Vector;
use crate::{Expansion, Panels, Source};

/// A tensor that is read.
pub(super) enum Input<'a> {
    Stored(Source<'a>),
    Expanded(Expansion<'a>),
}

/// Makes rows of values.
pub(super) enum Rows<'a> {
    Stored {
        data: *const f32,
        values: Affine,
        channels: usize,
    },
    Expanded {
        maker: Maker<'a>,
        block: *mut f32,
    },
}

impl<'a> Rows<'a> {
    /// The parts of scratch space that it needs for rows of a layout.
    pub(super) fn parts(input: &Input, layout: &Layout, lanes: usize) -> [usize; 5] {
        match input {
            Input::Stored(_) => {
                let period = period(layout.channels, lanes);
                [period, period, 0, 0, 0]
            }
            Input::Expanded(expansion) => {
                let [a, b, c, d] = Maker::parts(expansion, lanes);
                [a, b, c, d, layout.width * expansion.weights.k()]
            }
        }
    }

    /// Rows of `input`, with parts of the sizes that [`Rows::parts`] says.
    pub(super) fn new(input: &Input<'a>, channels: usize, parts: [&mut [f32]; 5]) -> Self {
        let [a, b, c, d, block] = parts;
        match input {
            Input::Stored(source) => Self::Stored {
                data: source.data.as_ptr(),
                values: Affine::new(source, a, b),
                channels,
            },
            Input::Expanded(expansion) => Self::Expanded {
                maker: Maker::new(expansion, [a, b, c, d]),
                block: block.as_mut_ptr(),
            },
        }
    }

    /// Writes the values of `pixels` pixels from `first` on to `out`.
    ///
    /// # Safety
    /// The input has these pixels, no more than a row; `out` is as large as they are.
    #[inline(always)]
    pub(super) unsafe fn make<V: Vector>(&self, first: usize, pixels: usize, out: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Stored {
                    data,
                    values,
                    channels,
                } => values.apply::<V>(data.add(first * channels), out, pixels * channels),
                Self::Expanded { maker, block } => {
                    let values = maker.read::<V>(first, pixels, *block);
                    maker.make::<V>(values, pixels, out);
                }
            }
        }
    }
}

/// Makes the values of an expansion.
pub(super) struct Maker<'a> {
    data: *const f32,
    values: Affine,
    normed: bool,
    weights: &'a Panels,
    /// Scale and shift of each channel, in whole vectors.
    factors: [*const f32; 2],
    bounds: (f32, f32),
}

impl<'a> Maker<'a> {
    /// The parts of scratch space that it needs: scales and shifts of the source and of the expansion.
    fn parts(expansion: &Expansion, lanes: usize) -> [usize; 4] {
        let source = period(expansion.weights.k(), lanes);
        let channels = expansion.weights.n().next_multiple_of(lanes);
        [source, source, channels, channels]
    }

    /// A maker with parts of the sizes that [`Maker::parts`] says.
    fn new(expansion: &Expansion<'a>, parts: [&mut [f32]; 4]) -> Self {
        let [source_scale, source_shift, scale, shift] = parts;
        for (factors, values) in [
            (&mut *scale, expansion.norm.scale),
            (&mut *shift, expansion.norm.shift),
        ] {
            factors[..values.len()].copy_from_slice(values);
            factors[values.len()..].fill(0.0);
        }
        Self {
            data: expansion.source.data.as_ptr(),
            values: Affine::new(&expansion.source, source_scale, source_shift),
            normed: expansion.source.norm.is_some(),
            weights: expansion.weights,
            factors: [scale.as_ptr(), shift.as_ptr()],
            bounds: expansion.norm.bounds(),
        }
    }

    /// What is stored of the source from pixel `first` on.
    fn stored(&self, first: usize) -> *const f32 {
        self.data.wrapping_add(first * self.weights.k())
    }

    /// The values of `pixels` pixels of the source from `first` on: where they are stored, or in `block`.
    ///
    /// # Safety
    /// The source has these pixels, and `block` is as large as they are.
    #[inline(always)]
    unsafe fn read<V: Vector>(&self, first: usize, pixels: usize, block: *mut f32) -> *const f32 {
        let stored = self.stored(first);
        if !self.normed {
            return stored;
        }
        // SAFETY: the caller's promise.
        unsafe {
            self.values
                .apply::<V>(stored, block, pixels * self.weights.k())
        };
        block
    }

    /// Writes the expansion's values of `pixels` pixels to `out`, from the source's `values`.
    ///
    /// # Safety
    /// `values` is `pixels` pixels of the source, `out` as many of the expansion.
    #[inline(always)]
    unsafe fn make<V: Vector>(&self, values: *const f32, pixels: usize, out: *mut f32) {
        let activate = Activate {
            out,
            ld: self.weights.n(),
            scale: self.factors[0],
            shift: self.factors[1],
            low: self.bounds.0,
            high: self.bounds.1,
        };
        let left = Left::dense(values, self.weights.k());
        for panel in split(self.weights.n(), V::LANES) {
            let right = self.weights.panel(panel);
            // SAFETY: the caller's promise; scales and shifts are whole vectors.
            unsafe {
                multiply_activated::<V>(left, pixels, right, panel, activate.column(panel.column));
            }
        }
    }
}

/// Where the gradient of an expansion goes, which is stored nowhere either.
pub(super) struct Contraction<'a> {
    /// What turns it into the gradient of the source, `[n, k]`.
    pub(super) weights_t: &'a Panels,
    /// The gradient of the source, `[pixels, k]`.
    pub(super) dx: &'a mut [f32],
    /// Whether to add to what `dx` holds.
    pub(super) accumulate: bool,
    /// The products of the source's values and the gradient, `[k, n]`, which are added to.
    pub(super) products: &'a mut [f32],
}

/// Pixels of a band, at least: enough for products to be efficient.
const BAND: usize = 96;

/// Some rows of an expansion and of its gradient, made and used up while they are in the cache.
pub(super) struct Band<'a> {
    maker: Maker<'a>,
    contraction: Contraction<'a>,
    rows: usize,
    width: usize,
    /// The first pixel that is there.
    first: usize,
    /// The source's values of these pixels.
    source: *const f32,
    block: *mut f32,
    values: *mut f32,
    slopes: *mut f32,
}

impl<'a> Band<'a> {
    fn rows(width: usize) -> usize {
        BAND.div_ceil(width)
    }

    /// The parts of scratch space that it needs for rows of `width` pixels.
    pub(super) fn parts(expansion: &Expansion, width: usize, lanes: usize) -> [usize; 7] {
        let pixels = Self::rows(width) * width;
        let [a, b, c, d] = Maker::parts(expansion, lanes);
        let (k, n) = (expansion.weights.k(), expansion.weights.n());
        [a, b, c, d, pixels * k, pixels * n + LINE, pixels * n + LINE]
    }

    /// A band with parts of the sizes that [`Band::parts`] says.
    pub(super) fn new(
        expansion: &Expansion<'a>,
        contraction: Contraction<'a>,
        width: usize,
        parts: [&mut [f32]; 7],
    ) -> Self {
        let [a, b, c, d, block, values, slopes] = parts;
        Self {
            maker: Maker::new(expansion, [a, b, c, d]),
            contraction,
            rows: Self::rows(width),
            width,
            first: 0,
            source: std::ptr::null(),
            block: block.as_mut_ptr(),
            values: values.as_mut_ptr(),
            slopes: slopes.as_mut_ptr(),
        }
    }

    /// Makes the values of the band that begins with row `index` of `rows`, if one does.
    ///
    /// # Safety
    /// The source has these rows.
    #[inline(always)]
    pub(super) unsafe fn begin<V: Vector>(&mut self, index: usize, rows: usize) {
        if !index.is_multiple_of(self.rows) {
            return;
        }
        self.first = index * self.width;
        let pixels = self.rows.min(rows - index) * self.width;
        // SAFETY: the caller's promise; all parts have room for a band.
        unsafe {
            self.source = self.maker.read::<V>(self.first, pixels, self.block);
            self.maker.make::<V>(self.source, pixels, self.values);
        }
    }

    /// The values of row `index` of this band, and where its gradient goes.
    pub(super) fn row(&self, index: usize) -> (*const f32, *mut f32) {
        let at = index % self.rows * self.width * self.maker.weights.n();
        (self.values.wrapping_add(at), self.slopes.wrapping_add(at))
    }

    /// Uses up the gradients of the band that ends with row `index` of `rows`, if one does.
    ///
    /// # Safety
    /// The gradients of all rows of the band have been written.
    #[inline(always)]
    pub(super) unsafe fn end<V: Vector>(&mut self, index: usize, rows: usize) {
        if !(index + 1).is_multiple_of(self.rows) && index + 1 < rows {
            return;
        }
        let (k, n) = (self.maker.weights.k(), self.maker.weights.n());
        let pixels = (index + 1) * self.width - self.first;
        let Contraction {
            weights_t,
            ref mut dx,
            accumulate,
            ref mut products,
        } = self.contraction;
        // SAFETY: the band is `pixels` pixels of the source and of its gradient; slopes have a line to spare for whole
        // vectors in the last row; there are `k` rows of `n` products.
        unsafe {
            let store = Store {
                out: dx.as_mut_ptr().add(self.first * k),
                ld: k,
                accumulate,
                mask: std::ptr::null(),
                // What is accumulated takes the way on which sums may be gathered; here none are.
                stored: if accumulate {
                    self.maker.stored(self.first)
                } else {
                    std::ptr::null()
                },
                sums: [std::ptr::null_mut(); 2],
            };
            let left = Left::dense(self.slopes, n);
            for panel in split(k, V::LANES) {
                let right = weights_t.panel(panel);
                multiply::<V>(left, pixels, right, panel, store.column(panel.column));
            }
            for panel in split(n, V::LANES) {
                let right = self.slopes.add(panel.column);
                let out = products.as_mut_ptr().add(panel.column);
                multiply_transposed::<V>(self.source, k, k, right, n, pixels, out, n, panel);
            }
        }
    }
}
