//! Convolutions in single precision, for the float reference and for the integer arithmetic alike. Products of
//! an int8 weight and an int8 activation less its zero point are integers of at most 2^15, so that sums of
//! [`EXACT_PRODUCTS`] of them are exact in `f32`; longer sums are continued in `i32`. This is several times as
//! fast as integers where a build may only assume SSE2, and gives the same bits. The innermost loops run over
//! output channels, so that the compiler vectorises them.

use danas_space::Shape;

/// Output channels that are computed together.
const BLOCK: usize = 16;
/// How many products of a number in ±255 and one in ±128 may be summed up exactly: the sum stays below 2^24.
pub(crate) const EXACT_PRODUCTS: usize = 512;

/// What sums of products are made of.
pub(crate) trait Sum: Copy + Default {
    /// How many products are summed up in `f32` before the sum is added to the total.
    const PRODUCTS: usize;

    /// Adds a sum of at most [`Self::PRODUCTS`] products.
    fn add(&mut self, sum: f32);
}

impl Sum for f32 {
    const PRODUCTS: usize = usize::MAX;

    #[inline]
    fn add(&mut self, sum: f32) {
        *self += sum;
    }
}

impl Sum for i32 {
    const PRODUCTS: usize = EXACT_PRODUCTS;

    #[inline]
    fn add(&mut self, sum: f32) {
        *self += sum as i32;
    }
}

/// Where a window may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// As many outputs as the stride leaves room for; what is missing is added on both sides, the odd pixel at the
    /// bottom and at the right.
    Same,
    /// Inside the input only.
    Valid,
}

/// A sliding window; rows before columns. Taps may lie outside of the input, which counts as 0 there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    input: Shape,
    output: Shape,
    shape: danas_device::Window,
    pub(crate) pad_top: usize,
    pub(crate) pad_left: usize,
}

impl Window {
    /// A square window with TensorFlow's SAME padding: `output = ceil(input / stride)`, the odd pixel of padding at the
    /// bottom and at the right.
    pub(crate) fn new(input: Shape, output: Shape, kernel: usize, stride: usize) -> Self {
        let window = danas_device::Window::square(kernel, stride);
        Self::padded(input, output, window, Padding::Same)
    }

    /// A window of any kind.
    pub(crate) fn padded(
        input: Shape,
        output: Shape,
        shape: danas_device::Window,
        padding: Padding,
    ) -> Self {
        let before = |input: usize, output: usize, axis: usize| match padding {
            Padding::Same => {
                let covered = (output - 1) * shape.stride[axis] + span(&shape, axis);
                covered.saturating_sub(input) / 2
            }
            Padding::Valid => 0,
        };
        Self {
            input,
            output,
            shape,
            pad_top: before(input.height, output.height, 0),
            pad_left: before(input.width, output.width, 1),
        }
    }

    /// The window of a fully connected layer: one pixel whose channels are all inputs.
    pub(crate) fn dense(inputs: usize, outputs: usize) -> Self {
        let pixel = |channels| Shape {
            height: 1,
            width: 1,
            channels,
        };
        Self::new(pixel(inputs), pixel(outputs), 1, 1)
    }

    /// The taps of the window at output (`y`, `x`) that lie inside the input: index of the tap, offset of
    /// the pixel in the input.
    pub(crate) fn taps(&self, y: usize, x: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let danas_device::Window {
            kernel,
            stride,
            dilation,
        } = self.shape;
        let position = move |axis: usize, origin: usize, tap: usize, pad: usize, limit: usize| {
            (origin * stride[axis] + tap * dilation[axis])
                .checked_sub(pad)
                .filter(|&at| at < limit)
        };
        (0..kernel[0])
            .filter_map(move |ky| {
                position(0, y, ky, self.pad_top, self.input.height).map(|iy| (ky, iy))
            })
            .flat_map(move |(ky, iy)| {
                (0..kernel[1]).filter_map(move |kx| {
                    let ix = position(1, x, kx, self.pad_left, self.input.width)?;
                    let offset = (iy * self.input.width + ix) * self.input.channels;
                    Some((ky * kernel[1] + kx, offset))
                })
            })
    }

    /// All output positions in order.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (height, width) = (self.output.height, self.output.width);
        (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
    }
}

/// How far a kernel reaches along an axis, in pixels of the input.
pub(crate) fn span(window: &danas_device::Window, axis: usize) -> usize {
    (window.kernel[axis] - 1) * window.dilation[axis] + 1
}

/// Weights `[outputs, depth]` in the order in which [`convolution`] reads them:
/// `[outputs / BLOCK, depth, BLOCK]`, filled up with zeros.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    values: Vec<f32>,
    depth: usize,
}

/// How many numbers [`Packed`] keeps for so many weights of so many outputs.
pub(crate) fn padded_weights(weights: usize, outputs: usize) -> u64 {
    let depth = weights / outputs.max(1);
    depth as u64 * outputs.next_multiple_of(BLOCK) as u64
}

impl Packed {
    pub(crate) fn new(weights: impl ExactSizeIterator<Item = f32>, depth: usize) -> Self {
        let outputs = weights.len() / depth;
        let mut values = vec![0.0; outputs.div_ceil(BLOCK) * BLOCK * depth];
        for (index, weight) in weights.enumerate() {
            let (output, k) = (index / depth, index % depth);
            values[(output / BLOCK * depth + k) * BLOCK + output % BLOCK] = weight;
        }
        Self { values, depth }
    }
}

/// The sums of `patch x block` for one block of output channels.
#[inline]
fn multiply<A: Sum>(patch: &[f32], block: &[f32]) -> [A; BLOCK] {
    let mut totals = [A::default(); BLOCK];
    let parts = block.chunks(A::PRODUCTS.saturating_mul(BLOCK));
    for (values, weights) in patch.chunks(A::PRODUCTS).zip(parts) {
        let mut sums = [0.0; BLOCK];
        for (&value, weights) in values.iter().zip(weights.as_chunks::<BLOCK>().0) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        for (total, sum) in totals.iter_mut().zip(sums) {
            total.add(sum);
        }
    }
    totals
}

/// Dense convolution of one example. `finish` makes an output of (output channel, sum of products).
pub(crate) fn convolution<A: Sum, O>(
    window: &Window,
    input: &[f32],
    weights: &Packed,
    patch: &mut Vec<f32>,
    output: &mut [O],
    finish: impl Fn(usize, A) -> O,
) {
    let channels = window.input.channels;
    let direct = window.shape.taps() == 1;
    let [stride_y, stride_x] = window.shape.stride;
    for ((y, x), pixel) in window
        .positions()
        .zip(output.chunks_exact_mut(window.output.channels))
    {
        let values: &[f32] = if direct {
            let at = (y * stride_y * window.input.width + x * stride_x) * channels;
            &input[at..at + channels]
        } else {
            patch.clear();
            patch.resize(weights.depth, 0.0);
            for (tap, offset) in window.taps(y, x) {
                patch[tap * channels..][..channels]
                    .copy_from_slice(&input[offset..offset + channels]);
            }
            patch
        };
        let blocks = weights.values.chunks_exact(weights.depth * BLOCK);
        for (index, (block, outputs)) in blocks.zip(pixel.chunks_mut(BLOCK)).enumerate() {
            let sums = multiply(values, block);
            for (lane, (output, sum)) in outputs.iter_mut().zip(sums).enumerate() {
                *output = finish(index * BLOCK + lane, sum);
            }
        }
    }
}

/// Depthwise convolution of one example; weights `[kernel, kernel, output channels]`, at most [`EXACT_PRODUCTS`] per
/// channel. Every input channel makes as many output channels as there are more of them. `finish` makes an output of
/// (channel, sum of products).
pub(crate) fn depthwise<A: Sum, O>(
    window: &Window,
    input: &[f32],
    weights: &[f32],
    sums: &mut Vec<f32>,
    output: &mut [O],
    finish: impl Fn(usize, A) -> O,
) {
    let (channels, outputs) = (window.input.channels, window.output.channels);
    let multiplier = outputs / channels;
    for ((y, x), pixel) in window.positions().zip(output.chunks_exact_mut(outputs)) {
        sums.clear();
        sums.resize(outputs, 0.0);
        for (tap, offset) in window.taps(y, x) {
            let values = &input[offset..offset + channels];
            let weights = &weights[tap * outputs..][..outputs];
            if multiplier == 1 {
                for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
                    *sum += value * weight;
                }
                continue;
            }
            let groups = sums
                .chunks_exact_mut(multiplier)
                .zip(weights.chunks_exact(multiplier));
            for ((sums, weights), &value) in groups.zip(values) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
        for (channel, (output, &sum)) in pixel.iter_mut().zip(sums.iter()).enumerate() {
            let mut total = A::default();
            total.add(sum);
            *output = finish(channel, total);
        }
    }
}
