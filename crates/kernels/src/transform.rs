//! Making values while loading: per-channel factors repeated until whole vectors fit, and what they are applied to.

use crate::vector::Vector;
use crate::{Gradient, Source, Sums};

/// The shortest run of a dense `[..., channels]` tensor that is whole pixels and whole vectors: what holds for one
/// run holds for the next, so that no lane is left empty however many channels there are.
pub(crate) fn period(channels: usize, lanes: usize) -> usize {
    let (mut a, mut b) = (channels, lanes);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    channels / a.max(1) * lanes
}

/// Repeats per-channel values over a period.
pub(crate) fn repeat(values: &[f32], period: &mut [f32]) {
    for run in period.chunks_exact_mut(values.len().max(1)) {
        run.copy_from_slice(values);
    }
}

/// Adds f32 sums over a period to the f64 sums of channels, and starts them again.
#[inline(always)]
pub(crate) fn flush(period: &mut [f32], sums: &mut [f64]) {
    for run in period.chunks_mut(sums.len().max(1)) {
        for (sum, value) in sums.iter_mut().zip(run.iter_mut()) {
            *sum += f64::from(*value);
            *value = 0.0;
        }
    }
}

/// [`flush`] for both sums.
#[inline(always)]
pub(crate) fn flush_both(first: &mut [f32], second: &mut [f32], sums: &mut Sums) {
    flush(first, &mut sums.first);
    flush(second, &mut sums.second);
}

/// `clamp(scale * z + shift, low, high)` with factors over a period. Without ReLU6 the bounds are infinite, without
/// a norm the scale is one and the shift zero: one code for all of them.
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) scale: *const f32,
    pub(crate) shift: *const f32,
    pub(crate) period: usize,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl Affine {
    /// What makes the values of `source`; `scale` and `shift` of a period's length each are filled.
    pub(crate) fn new(source: &Source, scale: &mut [f32], shift: &mut [f32]) -> Self {
        match source.norm {
            Some(norm) => {
                repeat(norm.scale, scale);
                repeat(norm.shift, shift);
            }
            None => {
                scale.fill(1.0);
                shift.fill(0.0);
            }
        }
        let (low, high) = bounds(source);
        Self {
            scale: scale.as_ptr(),
            shift: shift.as_ptr(),
            period: scale.len(),
            low,
            high,
        }
    }

    /// What only clamps to `bounds`; `scale` and `shift` of a period's length each are filled.
    pub(crate) fn clamp(bounds: (f32, f32), scale: &mut [f32], shift: &mut [f32]) -> Self {
        scale.fill(1.0);
        shift.fill(0.0);
        Self {
            scale: scale.as_ptr(),
            shift: shift.as_ptr(),
            period: scale.len(),
            low: bounds.0,
            high: bounds.1,
        }
    }

    /// Values of `length` stored elements, the first of which belongs to channel 0.
    ///
    /// # Safety
    /// `z` is readable and `out` writable for `length` floats; the factors are readable.
    #[inline(always)]
    pub(crate) unsafe fn apply<V: Vector>(&self, z: *const f32, out: *mut f32, length: usize) {
        // SAFETY: whole vectors are accessed where they fit into `length` and into the period (which whole vectors
        // fill), the rest partially.
        unsafe {
            let (low, high) = (V::splat(self.low), V::splat(self.high));
            let (mut at, mut phase) = (0, 0);
            while at + V::LANES <= length {
                let (scale, shift) = (self.scale.add(phase), self.shift.add(phase));
                let y = V::load(z.add(at)).mul_add(V::load(scale), V::load(shift));
                y.max(low).min(high).store(out.add(at));
                at += V::LANES;
                phase += V::LANES;
                if phase == self.period {
                    phase = 0;
                }
            }
            let rest = length - at;
            if rest > 0 {
                let (scale, shift) = (self.scale.add(phase), self.shift.add(phase));
                let y = V::load_partial(z.add(at), rest).mul_add(V::load(scale), V::load(shift));
                y.max(low).min(high).store_partial(out.add(at), rest);
            }
        }
    }
}

/// Between which values the activation of a source is not clamped.
pub(crate) fn bounds(source: &Source) -> (f32, f32) {
    source
        .norm
        .map_or((f32::NEG_INFINITY, f32::INFINITY), |norm| norm.bounds())
}

/// `a * dy + b * z + d` with coefficients over a period, or `dy` alone.
#[derive(Clone, Copy)]
pub(crate) struct Slope {
    dy: *const f32,
    z: *const f32,
    coefficients: Option<[*const f32; 3]>,
    period: usize,
}

impl Slope {
    /// What makes the values of `gradient`; three parts of a period's length each are filled.
    pub(crate) fn new(gradient: &Gradient, parts: [&mut [f32]; 3]) -> Self {
        let period = parts[0].len();
        let coefficients = gradient.coefficients.map(|coefficients| {
            let [a, b, d] = parts;
            repeat(coefficients[0], a);
            repeat(coefficients[1], b);
            repeat(coefficients[2], d);
            [a.as_ptr(), b.as_ptr(), d.as_ptr()]
        });
        Self {
            dy: gradient.dy.as_ptr(),
            z: gradient.z.as_ptr(),
            coefficients,
            period,
        }
    }

    /// Gradients of the `length` elements from `start` on, where element `start` belongs to channel 0.
    ///
    /// # Safety
    /// The gradient has that many elements; `out` is writable for `length` floats; the coefficients are readable.
    #[inline(always)]
    pub(crate) unsafe fn apply<V: Vector>(&self, start: usize, out: *mut f32, length: usize) {
        // SAFETY: as in `Affine::apply`.
        unsafe {
            let dy = self.dy.add(start);
            let Some([a, b, d]) = self.coefficients else {
                std::ptr::copy_nonoverlapping(dy, out, length);
                return;
            };
            let z = self.z.add(start);
            let (mut at, mut phase) = (0, 0);
            while at + V::LANES <= length {
                let linear =
                    V::load(z.add(at)).mul_add(V::load(b.add(phase)), V::load(d.add(phase)));
                V::load(dy.add(at))
                    .mul_add(V::load(a.add(phase)), linear)
                    .store(out.add(at));
                at += V::LANES;
                phase += V::LANES;
                if phase == self.period {
                    phase = 0;
                }
            }
            let rest = length - at;
            if rest > 0 {
                let linear = V::load_partial(z.add(at), rest)
                    .mul_add(V::load(b.add(phase)), V::load(d.add(phase)));
                V::load_partial(dy.add(at), rest)
                    .mul_add(V::load(a.add(phase)), linear)
                    .store_partial(out.add(at), rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_whole_pixels_and_whole_vectors() {
        assert_eq!(period(8, 16), 16);
        assert_eq!(period(24, 16), 48);
        assert_eq!(period(48, 16), 48);
        assert_eq!(period(17, 4), 68);
        assert_eq!(period(1, 8), 8);
    }

    #[test]
    fn flushing_folds_a_period_onto_channels() {
        let mut run = [1.0, 2.0, 3.0, 4.0];
        let mut sums = [10.0, 20.0];
        flush(&mut run, &mut sums);
        assert_eq!((run, sums), ([0.0; 4], [14.0, 26.0]));
    }
}
