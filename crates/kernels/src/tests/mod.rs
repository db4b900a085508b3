//! Every kernel on every instruction set against its reference: one macro instantiates the whole suite.

mod convolution;
mod elementwise;
mod expansion;
mod matrix;

use crate::{Gradient, Isa, Norm, Source};

/// How far a kernel may be from its reference, relative to the largest element of the result.
#[derive(Debug, Clone, Copy)]
enum Tolerance {
    /// Sums of few or many products of f32: rounding only.
    Close,
    /// The same operations on the same floats.
    Exact,
}

impl Tolerance {
    fn relative(self) -> f64 {
        match self {
            Tolerance::Close => 2e-5,
            Tolerance::Exact => 0.0,
        }
    }
}

/// Asserts that `got` is `expected` up to the tolerance.
#[track_caller]
fn assert_near<T: Copy + Into<f64>>(got: &[T], expected: &[T], tolerance: Tolerance, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(1.0, |scale: f64, value| scale.max((*value).into().abs()));
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let (got, expected) = ((*got).into(), (*expected).into());
        let difference: f64 = got - expected;
        assert!(
            difference.abs() <= tolerance.relative() * scale,
            "{what}: element {index} is {got}, expected {expected}"
        );
    }
}

/// Numbers that look random, in -1 to 1.
fn numbers(seed: usize, length: usize) -> Vec<f32> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// The three ways in which a source is read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Stored,
    Linear,
    Relu6,
}

const READINGS: [Reading; 3] = [Reading::Stored, Reading::Linear, Reading::Relu6];

/// A tensor, and what a norm and a BatchNorm gradient of it need.
struct Tensor {
    data: Vec<f32>,
    dy: Vec<f32>,
    coefficients: [Vec<f32>; 3],
}

impl Tensor {
    fn new(seed: usize, pixels: usize, channels: usize) -> Self {
        Self {
            data: numbers(seed, pixels * channels),
            dy: numbers(seed + 1, pixels * channels),
            coefficients: [2, 3, 4].map(|other| numbers(seed + other, channels)),
        }
    }

    /// Scales are made large, so that both bounds of ReLU6 are met.
    fn scaled(mut self) -> Self {
        self.coefficients[0]
            .iter_mut()
            .for_each(|scale| *scale *= 8.0);
        self.coefficients[1]
            .iter_mut()
            .for_each(|shift| *shift += 2.0);
        self
    }

    fn source(&self, reading: Reading) -> Source<'_> {
        Source {
            data: &self.data,
            norm: (!matches!(reading, Reading::Stored)).then_some(Norm {
                scale: &self.coefficients[0],
                shift: &self.coefficients[1],
                relu6: matches!(reading, Reading::Relu6),
            }),
        }
    }

    fn gradient(&self, reading: Reading) -> Gradient<'_> {
        if matches!(reading, Reading::Stored) {
            return Gradient::plain(&self.dy);
        }
        let [a, b, d] = &self.coefficients;
        Gradient {
            dy: &self.dy,
            z: &self.data,
            coefficients: Some([a, b, d]),
        }
    }
}

/// Instantiates the suite for the named instruction sets; those that the machine lacks are said to be skipped.
macro_rules! suite {
    ($($name:ident: $isa:expr),*) => {$(
        mod $name {
            use super::*;
            suite!(@tests $isa, matrix: pointwise_forward_is_a_product
                pointwise_backward_is_both_gradients weights_may_be_part_of_a_matrix
                sums_are_added_and_may_be_left_out dense_layers_have_a_bias);
            suite!(@tests $isa, convolution: depthwise_forward_is_a_convolution
                depthwise_backward_is_both_gradients stem_is_a_convolution_of_pixels
                stride_two_pads_as_tensorflow_does scratch_never_influences_a_result
                images_are_independent no_images_are_nothing);
            suite!(@tests $isa, expansion: moments_are_sums_of_products
                expanded_forward_is_the_stored_one expanded_backward_is_the_stored_one
                accumulating_adds_a_product);
            suite!(@tests $isa, elementwise: affine_adds_a_residual gradient_sums_are_sums
                add_assign_adds average_pool_is_the_mean);
        }
    )*};
    (@tests $isa:expr, $module:ident: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            if $isa.is_available() {
                $module::$test($isa);
            } else {
                eprintln!("skipped: this machine has no {} instructions", $isa);
            }
        }
    )*};
}

suite!(avx512: Isa::Avx512, avx2: Isa::Avx2, neon: Isa::Neon, portable: Isa::Portable);

#[test]
#[should_panic(expected = "too large")]
fn sizes_that_wrap_around_are_refused() {
    let panels = crate::Panels::new();
    let (source, scratch) = (Source::plain(&[]), &mut crate::Scratch::new());
    let rows = 1 << (usize::BITS - 1);
    crate::pointwise_forward(
        Isa::Portable,
        source,
        rows,
        2,
        &panels,
        &mut [],
        None,
        scratch,
    );
}

#[test]
#[should_panic(expected = "other instructions")]
fn weights_packed_for_other_instructions_are_refused() {
    let mut panels = crate::Panels::new();
    panels.pack(Isa::Avx512, &[1.0], 1, 1, 1);
    let (source, scratch) = (Source::plain(&[1.0]), &mut crate::Scratch::new());
    crate::pointwise_forward(
        Isa::Portable,
        source,
        1,
        1,
        &panels,
        &mut [0.0],
        None,
        scratch,
    );
}
