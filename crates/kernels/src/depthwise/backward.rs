//! The backward pass: a ring of the gradient's rows that are made once, and one sum over taps per row of the input,
//! which gathers the weights' gradient on the way.

use super::SUM_PIXELS;
use super::input::{Band, Contraction};
use super::rows::Layout;
use super::taps::{BackwardPass, Tap, Taps, backward, most_backward};
use crate::pointwise::sum_pointers;
use crate::transform::{Affine, Slope, flush_both, period, repeat};
use crate::vector::{Kernel, Vector};
use crate::{Expansion, Gradient, Scratch, Source, Sums, Window};

/// What was read, and where its gradient goes.
pub(super) enum Input<'a> {
    Stored {
        source: Source<'a>,
        dx: &'a mut [f32],
    },
    Expanded {
        expansion: Expansion<'a>,
        contraction: Contraction<'a>,
    },
}

/// Arguments of [`crate::depthwise_backward`] or [`crate::expanded_depthwise_backward`], whose sizes agree and are not zero.
pub(super) struct Backward<'a> {
    pub(super) gradient: Gradient<'a>,
    pub(super) input: Input<'a>,
    pub(super) window: Window,
    pub(super) weights: &'a [f32],
    pub(super) sums: Option<&'a mut Sums>,
    pub(super) dw: &'a mut [f32],
    pub(super) scratch: &'a mut Scratch,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            gradient,
            input,
            window,
            weights,
            mut sums,
            dw,
            scratch,
        } = self;
        let Window {
            height,
            width,
            channels,
            kernel,
            stride,
            ..
        } = window;
        let (out_height, out_width) = (window.out_height(), window.out_width());
        let period = period(channels, V::LANES);
        // The input's columns as they are met by the taps, and the gradient's with a kernel's width of zeros on
        // both sides: input column `stride * m + class` meets output column `m - j` with tap `stride * j + class`.
        // Where a pixel is whole vectors, passes skip every other pixel of the input; else these are copied apart.
        let apart = stride > 1 && period != channels;
        let columns = Layout::new(channels, width, window.pad_left(), 0, stride);
        let slopes = Layout::new(channels, out_width, kernel, out_width + 2 * kernel, 1);
        let [p0, p1, p2, p3, p4, p5, p6] = match &input {
            Input::Stored { .. } => [0; 7],
            Input::Expanded { expansion, .. } => Band::parts(expansion, width, V::LANES),
        };
        let parts = [
            p0,
            p1,
            p2,
            p3,
            p4,
            p5,
            p6,
            period,
            period,
            period,
            period,
            period,
            kernel * kernel * period,
            kernel * kernel * period,
            period,
            period,
            kernel * slopes.length(),
            if apart { columns.length() } else { 0 },
            if apart { columns.length() } else { 0 },
        ];
        let [
            q0,
            q1,
            q2,
            q3,
            q4,
            q5,
            q6,
            scale,
            shift,
            a,
            b,
            d,
            repeated,
            gathered,
            first,
            second,
            ring,
            stored_row,
            dx_row,
        ] = scratch.carve(parts);
        let (values, mut reads) = match input {
            Input::Stored { source, dx } => (
                Affine::new(&source, scale, shift),
                Reads::Stored(source.data.as_ptr(), dx.as_mut_ptr()),
            ),
            Input::Expanded {
                expansion,
                contraction,
            } => (
                // What a band holds are values already.
                Affine::clamp(expansion.norm.bounds(), scale, shift),
                Reads::Band(Band::new(
                    &expansion,
                    contraction,
                    width,
                    [q0, q1, q2, q3, q4, q5, q6],
                )),
            ),
        };
        let gradient = Slope::new(&gradient, [a, b, d]);
        for (tap, repeated) in repeated.chunks_exact_mut(period).enumerate() {
            repeat(&weights[tap * channels..][..channels], repeated);
        }
        for part in [&mut *gathered, &mut *first, &mut *second, &mut *ring] {
            part.fill(0.0);
        }
        let (ring, stored_row, dx_row) = (
            ring.as_mut_ptr(),
            stored_row.as_mut_ptr(),
            dx_row.as_mut_ptr(),
        );
        let gathered_start = gathered.as_mut_ptr();
        let slot = |y: usize| y % kernel * slopes.length();
        let per_flush = SUM_PIXELS.div_ceil(width);
        let mut taps = Taps::new();
        let rows = window.images * height;
        let mut made = 0;
        for index in 0..rows {
            let (image, y) = (index / height, index % height);
            if y == 0 {
                made = 0;
            }
            let top = y + window.pad_top();
            let length = width * channels;
            // SAFETY: the gradient's rows below `out_height` are in the image and fit into a slot of the ring, whose
            // columns of padding are never written and stay zero; the input's row and its gradient's are `length`
            // floats, and as rows of the layout `columns` where even and odd columns are apart. A tap of the pixels of a
            // class reads from `first column / stride - j` on, which the padding covers on both sides.
            unsafe {
                while made < (top / stride + 1).min(out_height) {
                    let start = (image * out_height + made) * out_width * channels;
                    let to = ring.add(slot(made) + slopes.column(slopes.left));
                    gradient.apply::<V>(start, to, out_width * channels);
                    made += 1;
                }
                let (mut stored, row) = reads.row::<V>(index, rows, length);
                let mut target = row;
                if apart {
                    columns.spread::<V>(stored, stored_row);
                    (stored, target) = (stored_row, dx_row);
                }
                for class in 0..stride {
                    let (column, pixels) = columns.pixels(class);
                    if pixels == 0 {
                        continue;
                    }
                    taps.clear();
                    for tap_y in (top % stride..kernel.min(top + 1)).step_by(stride) {
                        let out_y = (top - tap_y) / stride;
                        if out_y >= out_height {
                            continue;
                        }
                        let taps_row =
                            ring.add(slot(out_y) + (slopes.left + column / stride) * channels);
                        for tap_x in (class..kernel).step_by(stride) {
                            let tap = (tap_y * kernel + tap_x) * period;
                            taps.push(Tap {
                                input: taps_row.sub(tap_x / stride * channels),
                                weight: repeated.as_ptr().add(tap),
                                gradient: gathered_start.add(tap),
                            });
                        }
                    }
                    let (at, step) = if apart {
                        (columns.column(column), period)
                    } else {
                        ((column - columns.left) * channels, period * stride)
                    };
                    if taps.is_empty() {
                        for pixel in 0..pixels {
                            let to = target.add(at + pixel * step / period * channels);
                            std::slice::from_raw_parts_mut(to, channels).fill(0.0);
                        }
                    }
                    for (pass, (taps, last)) in taps.passes(most_backward::<V>()).enumerate() {
                        let pass = BackwardPass {
                            stored: stored.add(at),
                            values,
                            dx: target.add(at),
                            length: pixels * channels,
                            step,
                            first: pass == 0,
                            last,
                            sums: sum_pointers(sums.is_some(), first, second),
                        };
                        backward::<V>(taps, pass);
                    }
                }
                if apart {
                    columns.gather::<V>(dx_row, row);
                }
                if let Reads::Band(band) = &mut reads {
                    band.end::<V>(index, rows);
                }
            }
            if let Some(sums) = sums.as_deref_mut()
                && ((index + 1) % per_flush == 0 || index + 1 == rows)
            {
                flush_both(first, second, sums);
            }
        }
        for (tap, gathered) in gathered.chunks_exact(period).enumerate() {
            let dw = &mut dw[tap * channels..][..channels];
            for run in gathered.chunks_exact(channels) {
                for (dw, value) in dw.iter_mut().zip(run) {
                    *dw += value;
                }
            }
        }
    }
}

/// The input's rows and those of its gradient.
enum Reads<'a> {
    Stored(*const f32, *mut f32),
    Band(Band<'a>),
}

impl Reads<'_> {
    /// Row `index` of `rows`, of `length` floats, and where its gradient goes.
    ///
    /// # Safety
    /// There are so many rows.
    #[inline(always)]
    unsafe fn row<V: Vector>(
        &mut self,
        index: usize,
        rows: usize,
        length: usize,
    ) -> (*const f32, *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Stored(stored, dx) => (stored.add(index * length), dx.add(index * length)),
                Self::Band(band) => {
                    band.begin::<V>(index, rows);
                    band.row(index)
                }
            }
        }
    }
}
