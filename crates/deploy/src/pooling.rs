//! Pools and means in integers, as the reference kernels of TensorFlow Lite for Microcontrollers compute them.

use crate::fixed_point::Multiplier;
use crate::int8::Quantisation;
use crate::kernels::Window;

/// The mean of each window's taps inside the input, rounded to nearest, ties away from zero, in `range`. `channels` is
/// that of input and output.
pub(crate) fn average_pool(
    window: &Window,
    input: &[i8],
    channels: usize,
    range: (i8, i8),
    sums: &mut Vec<i32>,
    output: &mut [i8],
) {
    for ((y, x), pixel) in window.positions().zip(output.chunks_exact_mut(channels)) {
        sums.clear();
        sums.resize(channels, 0);
        let mut taps = 0;
        for (_, offset) in window.taps(y, x) {
            taps += 1;
            for (sum, &value) in sums.iter_mut().zip(&input[offset..offset + channels]) {
                *sum += i32::from(value);
            }
        }
        for (output, &sum) in pixel.iter_mut().zip(sums.iter()) {
            let half = if sum > 0 { taps / 2 } else { -(taps / 2) };
            // A window with padding on all sides has no taps where it lies in the padding wholly.
            let mean = (sum + half) / taps.max(1);
            *output = (mean as i8).clamp(range.0, range.1);
        }
    }
}

/// The maximum of each window's taps inside the input, in `range`.
pub(crate) fn max_pool(
    window: &Window,
    input: &[i8],
    channels: usize,
    range: (i8, i8),
    output: &mut [i8],
) {
    for ((y, x), pixel) in window.positions().zip(output.chunks_exact_mut(channels)) {
        pixel.fill(i8::MIN);
        for (_, offset) in window.taps(y, x) {
            for (max, &value) in pixel.iter_mut().zip(&input[offset..offset + channels]) {
                *max = value.max(*max);
            }
        }
        for max in pixel {
            *max = (*max).clamp(range.0, range.1);
        }
    }
}

/// The mean over all rows and columns: the sum less its zero points is scaled, the division included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mean {
    multiplier: Multiplier,
    /// The sum of the zero points of all pixels.
    offset: i32,
    zero_point: i32,
}

impl Mean {
    /// The mean of so many pixels, at most 2^22; `None` if the scales are too far apart.
    pub(crate) fn new(input: Quantisation, output: Quantisation, pixels: usize) -> Option<Self> {
        let pixels = i32::try_from(pixels).ok().filter(|&pixels| pixels > 0)?;
        let rescale = Multiplier::new(f64::from(input.scale) / f64::from(output.scale))?;
        Some(Mean {
            multiplier: rescale.divided_by(pixels.unsigned_abs()),
            offset: pixels * i32::from(input.zero_point),
            zero_point: output.zero_point.into(),
        })
    }

    /// The means of the channels of `input`, as many as `output` has.
    pub(crate) fn apply(&self, input: &[i8], sums: &mut Vec<i32>, output: &mut [i8]) {
        sums.clear();
        sums.resize(output.len(), 0);
        for pixel in input.chunks_exact(output.len()) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(value);
            }
        }
        for (output, &sum) in output.iter_mut().zip(sums.iter()) {
            let mean = self.multiplier.apply(sum - self.offset);
            let mean = mean.saturating_add(self.zero_point);
            *output = mean.clamp(i8::MIN.into(), i8::MAX.into()) as i8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_near_the_real_ones() {
        let input: Vec<i8> = (0..35 * 3).map(|i| (i * 37 % 256 - 128) as i8).collect();
        let from = Quantisation {
            scale: 0.05,
            zero_point: 3,
        };
        for (scale, zero_point) in [(0.05, 3), (0.02, -7), (0.05, 4), (1.7, 0)] {
            let to = Quantisation { scale, zero_point };
            let mean = Mean::new(from, to, 35).unwrap();
            let mut output = [0; 3];
            mean.apply(&input, &mut Vec::new(), &mut output);
            for (channel, &got) in output.iter().enumerate() {
                let values = input.iter().skip(channel).step_by(3);
                let real = values.map(|&value| from.real(value)).sum::<f64>() / 35.0;
                let real = real.clamp(to.real(i8::MIN), to.real(i8::MAX));
                assert!(
                    (to.real(got) - real).abs() <= f64::from(scale),
                    "{real} {got}"
                );
            }
        }
    }
}
