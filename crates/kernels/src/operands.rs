//! What operators read and gather: tensors whose values are made while they are loaded, and per-channel sums.

use crate::{Isa, Panels};

/// How the values of a stored tensor are made while it is loaded: `y = scale[c] * z + shift[c]`, then ReLU6 if set.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// Factor of each channel.
    pub scale: &'a [f32],
    /// Summand of each channel.
    pub shift: &'a [f32],
    /// Whether the result is clamped to `0..=6`.
    pub relu6: bool,
}

/// A tensor `[..., channels]` as an operator reads it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What is stored.
    pub data: &'a [f32],
    /// How values are made of it; `None` takes it as stored.
    pub norm: Option<Norm<'a>>,
}

impl Norm<'_> {
    /// Between which values the activation is not clamped.
    pub(crate) fn bounds(&self) -> (f32, f32) {
        if self.relu6 {
            (0.0, 6.0)
        } else {
            (f32::NEG_INFINITY, f32::INFINITY)
        }
    }

    fn check(&self, channels: usize) {
        assert_eq!(
            self.scale.len(),
            channels,
            "one scale per channel is needed"
        );
        assert_eq!(
            self.shift.len(),
            channels,
            "one shift per channel is needed"
        );
    }
}

impl<'a> Source<'a> {
    /// A tensor whose values are what is stored.
    pub fn plain(data: &'a [f32]) -> Self {
        Self { data, norm: None }
    }

    /// Whether gradients with respect to this tensor pass only where the activation is not clamped.
    pub fn is_clamped(&self) -> bool {
        self.norm.is_some_and(|norm| norm.relu6)
    }

    pub(crate) fn check(&self, length: usize, channels: usize) {
        assert_eq!(self.data.len(), length, "the source has another size");
        if let Some(norm) = self.norm {
            norm.check(channels);
        }
    }
}

/// A tensor `[..., n]` that is stored nowhere and made whenever it is read: the pointwise convolution of `source`,
/// `[..., k]`, with `weights`, normalised by `norm`. For tensors that are much wider than what they are made of, reading
/// and multiplying again costs less than the way to memory and back.
#[derive(Debug, Clone, Copy)]
pub struct Expansion<'a> {
    /// The tensor that the convolution reads.
    pub source: Source<'a>,
    /// Its weights, `[k, n]`.
    pub weights: &'a Panels,
    /// How the values are made of the convolution's output.
    pub norm: Norm<'a>,
}

impl Expansion<'_> {
    pub(crate) fn check(&self, isa: Isa, pixels: usize, channels: usize) {
        let k = self.weights.k();
        self.source.check(elements(&[pixels, k]), k);
        self.weights.check(isa, k, channels);
        self.norm.check(channels);
    }
}

/// The gradient of a stored tensor `z` in front of a BatchNorm, made while it is loaded:
/// `dz = a[c] * dy + b[c] * z + d[c]`, where `dy` is the gradient with respect to the normalised value, already
/// masked by the activation behind it.
#[derive(Debug, Clone, Copy)]
pub struct Gradient<'a> {
    /// Gradient with respect to the normalised value.
    pub dy: &'a [f32],
    /// The stored tensor; not read where there are no coefficients.
    pub z: &'a [f32],
    /// `[a, b, d]`, one value per channel each; `None` means `dz = dy` (no BatchNorm).
    pub coefficients: Option<[&'a [f32]; 3]>,
}

impl<'a> Gradient<'a> {
    /// The gradient of a tensor without BatchNorm.
    pub fn plain(dy: &'a [f32]) -> Self {
        Self {
            dy,
            z: &[],
            coefficients: None,
        }
    }

    pub(crate) fn check(&self, length: usize, channels: usize) {
        assert_eq!(self.dy.len(), length, "the gradient has another size");
        if let Some(coefficients) = self.coefficients {
            assert_eq!(
                self.z.len(),
                length,
                "the gradient's tensor has another size"
            );
            for coefficient in coefficients {
                assert_eq!(
                    coefficient.len(),
                    channels,
                    "three coefficients per channel are needed"
                );
            }
        }
    }
}

/// Per-channel sums for BatchNorm: of a tensor and of its squares in forward passes, of a gradient and of the
/// gradient times the stored tensor in backward passes. Kernels add few rows in f32 and then go on in f64.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// Sum of the values (forward) or of the gradients (backward), per channel.
    pub first: Vec<f64>,
    /// Sum of the squares (forward) or of gradient times stored value (backward), per channel.
    pub second: Vec<f64>,
}

impl Sums {
    /// Sums of nothing for so many channels.
    pub fn new(channels: usize) -> Self {
        Self {
            first: vec![0.0; channels],
            second: vec![0.0; channels],
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.first.len()
    }

    /// Sets every sum to zero.
    pub fn clear(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    /// Starts again with so many channels; allocates only where there were never so many before.
    pub fn reset(&mut self, channels: usize) {
        self.first.clear();
        self.second.clear();
        self.first.resize(channels, 0.0);
        self.second.resize(channels, 0.0);
    }

    /// Adds the sums of another part of the same tensor.
    ///
    /// # Panics
    /// When the numbers of channels differ.
    pub fn add(&mut self, other: &Sums) {
        other.check(self.channels());
        for (sum, value) in self.first.iter_mut().zip(&other.first) {
            *sum += value;
        }
        for (sum, value) in self.second.iter_mut().zip(&other.second) {
            *sum += value;
        }
    }

    pub(crate) fn check(&self, channels: usize) {
        assert_eq!(self.first.len(), channels, "one sum per channel is needed");
        assert_eq!(self.second.len(), channels, "one sum per channel is needed");
    }
}

/// First and second moments of a tensor `[..., channels]`: sums over its pixels. They say all that BatchNorm needs to know
/// of any pointwise convolution of the tensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// Sum of each channel.
    pub first: Vec<f64>,
    /// Sum of the products of each two channels, `[channels, channels]`.
    pub second: Vec<f64>,
}

impl Moments {
    /// Starts again with so many channels; allocates only where there were never so many before.
    pub fn reset(&mut self, channels: usize) {
        self.first.clear();
        self.second.clear();
        self.first.resize(channels, 0.0);
        self.second.resize(channels * channels, 0.0);
    }

    /// Adds the moments of another part of the same tensor.
    ///
    /// # Panics
    /// When the numbers of channels differ.
    pub fn add(&mut self, other: &Moments) {
        other.check(self.first.len());
        for (sums, others) in [
            (&mut self.first, &other.first),
            (&mut self.second, &other.second),
        ] {
            for (sum, value) in sums.iter_mut().zip(others) {
                *sum += value;
            }
        }
    }

    pub(crate) fn check(&self, channels: usize) {
        assert_eq!(self.first.len(), channels, "one sum per channel is needed");
        assert_eq!(
            self.second.len(),
            channels * channels,
            "one sum per two channels is needed"
        );
    }
}

/// The number of elements of a tensor. Kernels rely on it, so that it must not wrap around.
///
/// # Panics
/// When there are more elements than can be counted.
pub(crate) fn elements(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product: usize, size| {
        product.checked_mul(*size).expect("the tensor is too large")
    })
}

pub(crate) fn check_sums(sums: &Option<&mut Sums>, channels: usize) {
    if let Some(sums) = sums {
        sums.check(channels);
    }
}

/// The shapes of a convolution window that slides over `[images, height, width, channels]` with TensorFlow's SAME
/// padding: an uneven pixel of padding goes to the bottom and to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Number of images.
    pub images: usize,
    /// Height of the input in pixels.
    pub height: usize,
    /// Width of the input in pixels.
    pub width: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Height and width of the kernel in pixels, 1 to 16.
    pub kernel: usize,
    /// Step of the window in pixels, 1 or 2.
    pub stride: usize,
}

impl Window {
    /// The largest kernel.
    pub(crate) const MOST_KERNEL: usize = 16;

    /// Height of the output in pixels.
    pub fn out_height(&self) -> usize {
        self.height.div_ceil(self.stride)
    }

    /// Width of the output in pixels.
    pub fn out_width(&self) -> usize {
        self.width.div_ceil(self.stride)
    }

    /// Rows of padding above the input.
    pub fn pad_top(&self) -> usize {
        pad_before(self.height, self.kernel, self.stride)
    }

    /// Columns of padding left of the input.
    pub fn pad_left(&self) -> usize {
        pad_before(self.width, self.kernel, self.stride)
    }

    /// Elements of the input.
    pub fn in_len(&self) -> usize {
        elements(&[self.images, self.height, self.width, self.channels])
    }

    /// Pixels of the output.
    pub fn out_pixels(&self) -> usize {
        elements(&[self.images, self.out_height(), self.out_width()])
    }

    pub(crate) fn check(&self) {
        assert!(
            self.stride == 1 || self.stride == 2,
            "a window's stride is 1 or 2"
        );
        assert!(
            (1..=Self::MOST_KERNEL).contains(&self.kernel),
            "a window has 1 to 16 pixels on a side"
        );
        assert!(self.channels > 0, "a window has at least one channel");
    }
}

fn pad_before(size: usize, kernel: usize, stride: usize) -> usize {
    let covered = size.div_ceil(stride).saturating_sub(1) * stride + kernel;
    covered.saturating_sub(size) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(size: usize, kernel: usize, stride: usize) -> Window {
        Window {
            images: 1,
            height: size,
            width: size,
            channels: 1,
            kernel,
            stride,
        }
    }

    #[test]
    fn padding_is_tensorflows_same() {
        assert_eq!(
            (window(6, 3, 1).out_width(), window(6, 3, 1).pad_left()),
            (6, 1)
        );
        assert_eq!(
            (window(6, 3, 2).out_width(), window(6, 3, 2).pad_left()),
            (3, 0)
        );
        assert_eq!(
            (window(7, 3, 2).out_width(), window(7, 3, 2).pad_left()),
            (4, 1)
        );
        assert_eq!(
            (window(1, 7, 2).out_width(), window(1, 7, 2).pad_left()),
            (1, 3)
        );
        assert_eq!(
            (window(8, 5, 2).out_width(), window(8, 5, 2).pad_left()),
            (4, 1)
        );
        assert_eq!(
            (window(5, 1, 2).out_width(), window(5, 1, 2).pad_left()),
            (3, 0)
        );
    }

    #[test]
    fn sums_of_parts_add_up() {
        let mut sums = Sums::new(2);
        let part = Sums {
            first: vec![1.0, 2.0],
            second: vec![3.0, 4.0],
        };
        sums.add(&part);
        sums.add(&part);
        assert_eq!(sums.second, [6.0, 8.0]);
        sums.clear();
        assert_eq!(sums, Sums::new(2));
        sums.reset(3);
        assert_eq!(sums.channels(), 3);
    }
}
