//! The forward pass: a ring of input rows whose values are made once, and a sum over taps per output row.

use super::SUM_PIXELS;
use super::input::{Input, Rows};
use super::rows::Layout;
use super::taps::{ForwardPass, MOST, Tap, Taps, forward};
use crate::pointwise::sum_pointers;
use crate::transform::{flush_both, period, repeat};
use crate::vector::{Kernel, Vector};
use crate::{Scratch, Sums, Window};

/// Arguments of [`crate::depthwise_forward`], whose sizes agree and are not zero.
pub(super) struct Forward<'a> {
    pub(super) input: Input<'a>,
    pub(super) window: Window,
    pub(super) weights: &'a [f32],
    pub(super) out: &'a mut [f32],
    pub(super) sums: Option<&'a mut Sums>,
    pub(super) scratch: &'a mut Scratch,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self {
            input,
            window,
            weights,
            out,
            mut sums,
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
        let columns = (out_width - 1) * stride + kernel;
        // Where a pixel is whole vectors, taps skip every other pixel; else these lie apart.
        let apart = stride > 1 && period != channels;
        let classes = if apart { stride } else { 1 };
        let layout = Layout::new(channels, width, window.pad_left(), columns, classes);
        let [p0, p1, p2, p3, p4] = Rows::parts(&input, &layout, V::LANES);
        let [a, b, c, d, e, repeated, first, second, ring, row] = scratch.carve([
            p0,
            p1,
            p2,
            p3,
            p4,
            kernel * kernel * period,
            period,
            period,
            kernel * layout.length(),
            if apart { width * channels } else { 0 },
        ]);
        let made_rows = Rows::new(&input, channels, [a, b, c, d, e]);
        for (tap, repeated) in repeated.chunks_exact_mut(period).enumerate() {
            repeat(&weights[tap * channels..][..channels], repeated);
        }
        first.fill(0.0);
        second.fill(0.0);
        ring.fill(0.0);
        let (ring, row) = (ring.as_mut_ptr(), row.as_mut_ptr());
        let slot = |y: usize| y % kernel * layout.length();
        let per_flush = SUM_PIXELS.div_ceil(out_width);
        let mut taps = Taps::new();
        let rows = window.images * out_height;
        let mut made = 0;
        for index in 0..rows {
            let (image, out_y) = (index / out_height, index % out_height);
            if out_y == 0 {
                made = 0;
            }
            let top = out_y * stride;
            let end = (top + kernel).saturating_sub(window.pad_top()).min(height);
            // SAFETY: rows below `height` are in the image; a slot of the ring is as long as the layout says, and its
            // columns of padding are never written and stay zero.
            unsafe {
                while made < end {
                    let pixel = (image * height + made) * width;
                    let to = ring.add(slot(made));
                    if !apart {
                        let to = to.add(layout.column(layout.left));
                        made_rows.make::<V>(pixel, width, to);
                    } else {
                        made_rows.make::<V>(pixel, width, row);
                        layout.spread::<V>(row, to);
                    }
                    made += 1;
                }
                taps.clear();
                for tap_y in 0..kernel {
                    let y = (top + tap_y).wrapping_sub(window.pad_top());
                    if y >= height {
                        continue;
                    }
                    let row = ring.add(slot(y));
                    for tap_x in 0..kernel {
                        taps.push(Tap {
                            input: row.add(layout.column(tap_x)),
                            weight: repeated.as_ptr().add((tap_y * kernel + tap_x) * period),
                            gradient: std::ptr::null_mut(),
                        });
                    }
                }
                for (pass, (taps, last)) in taps.passes(MOST).enumerate() {
                    let pass = ForwardPass {
                        out: out.as_mut_ptr().add(index * out_width * channels),
                        length: out_width * channels,
                        period,
                        step: if apart { period } else { period * stride },
                        first: pass == 0,
                        last,
                        sums: sum_pointers(sums.is_some(), first, second),
                    };
                    forward::<V>(taps, pass);
                }
            }
            if let Some(sums) = sums.as_deref_mut()
                && ((index + 1) % per_flush == 0 || index + 1 == rows)
            {
                flush_both(first, second, sums);
            }
        }
    }
}
