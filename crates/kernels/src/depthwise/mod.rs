//! Depthwise convolution.

mod backward;
mod forward;
mod input;
mod rows;
mod taps;

use crate::operands::{check_sums, elements};
use crate::vector::dispatch;
use crate::{Expansion, Gradient, Isa, Panels, Scratch, Source, Sums, Window};

/// Depthwise convolution with TensorFlow's SAME padding.
///
/// `source` is `[images, height, width, channels]` of the window, `weights` `[kernel, kernel, channels]`, `out`
/// `[images, out_height, out_width, channels]`. The sums of `out` and of its squares per channel are added to
/// `sums`. Padding is zero after the source's normalisation and activation.
///
/// # Panics
/// When the sizes do not agree, the stride is neither 1 nor 2, the kernel is larger than 16, or there are no
/// channels.
pub fn depthwise_forward(
    isa: Isa,
    source: Source,
    window: Window,
    weights: &[f32],
    out: &mut [f32],
    sums: Option<&mut Sums>,
    scratch: &mut Scratch,
) {
    source.check(window.in_len(), window.channels);
    forward(
        isa,
        input::Input::Stored(source),
        window,
        weights,
        out,
        sums,
        scratch,
    );
}

/// As [`depthwise_forward`], of a tensor that is made while it is read: `[images, height, width, channels]` of the window
/// are the values of `expansion`.
///
/// # Panics
/// As [`depthwise_forward`], and when the expansion's weights are packed for another set of instructions.
pub fn expanded_depthwise_forward(
    isa: Isa,
    expansion: Expansion,
    window: Window,
    weights: &[f32],
    out: &mut [f32],
    sums: Option<&mut Sums>,
    scratch: &mut Scratch,
) {
    expansion.check(isa, pixels(&window), window.channels);
    forward(
        isa,
        input::Input::Expanded(expansion),
        window,
        weights,
        out,
        sums,
        scratch,
    );
}

/// A forward pass over what has the window's size.
fn forward(
    isa: Isa,
    input: input::Input,
    window: Window,
    weights: &[f32],
    out: &mut [f32],
    sums: Option<&mut Sums>,
    scratch: &mut Scratch,
) {
    window.check();
    check_weights(&window, weights);
    assert_eq!(
        out.len(),
        elements(&[window.out_pixels(), window.channels]),
        "the output has another size"
    );
    check_sums(&sums, window.channels);
    if out.is_empty() {
        return;
    }
    let forward = forward::Forward {
        input,
        window,
        weights,
        out,
        sums,
        scratch,
    };
    // SAFETY: all sizes agree, and none is zero.
    unsafe { dispatch(isa, forward) }
}

/// Both gradients of a depthwise convolution in one sweep.
///
/// `dx`, as large as `source`, is written: the input's gradient where the activation of `source` is not clamped
/// (`0 < y < 6`), else zero. The sums of `dx` and of `dx * source.data` per channel are added to `sums`, and the
/// weights' gradient is added to `dw`, `[kernel, kernel, channels]`.
///
/// # Panics
/// When the sizes do not agree, the stride is neither 1 nor 2, the kernel is larger than 16, or there are no
/// channels.
#[allow(clippy::too_many_arguments)]
pub fn depthwise_backward(
    isa: Isa,
    gradient: Gradient,
    source: Source,
    window: Window,
    weights: &[f32],
    dx: &mut [f32],
    sums: Option<&mut Sums>,
    dw: &mut [f32],
    scratch: &mut Scratch,
) {
    source.check(window.in_len(), window.channels);
    assert_eq!(
        dx.len(),
        window.in_len(),
        "the input's gradient has another size"
    );
    let input = backward::Input::Stored { source, dx };
    backward(isa, gradient, input, window, weights, sums, dw, scratch);
}

/// The way back through [`expanded_depthwise_forward`], past the expansion's BatchNorm, whose gradient depends on sums over
/// the whole batch, but is linear in them. With `dy` = the gradient of the expansion's values where they are not clamped,
/// `[pixels, n]`, which is stored nowhere: `dx` = `dy * weights_t` is written, or added with `accumulate` (`[pixels, k]`,
/// `weights_t` is `[n, k]`); the products of the source's values and `dy` are added to `products`, `[k, n]`, the
/// sums of `dy` and of `dy` times the expansion's values per channel to `sums`, and the gradient of the depthwise weights
/// to `dw`.
///
/// # Panics
/// As [`depthwise_backward`], and when weights are packed for another set of instructions.
#[allow(clippy::too_many_arguments)]
pub fn expanded_depthwise_backward(
    isa: Isa,
    gradient: Gradient,
    expansion: Expansion,
    window: Window,
    weights: &[f32],
    weights_t: &Panels,
    dx: &mut [f32],
    accumulate: bool,
    products: &mut [f32],
    sums: &mut Sums,
    dw: &mut [f32],
    scratch: &mut Scratch,
) {
    let (k, pixels) = (expansion.weights.k(), pixels(&window));
    expansion.check(isa, pixels, window.channels);
    weights_t.check(isa, window.channels, k);
    assert_eq!(
        dx.len(),
        elements(&[pixels, k]),
        "the input's gradient has another size"
    );
    assert_eq!(
        products.len(),
        elements(&[k, window.channels]),
        "there is a product for each input and output channel"
    );
    let input = backward::Input::Expanded {
        expansion,
        contraction: input::Contraction {
            weights_t,
            dx,
            accumulate,
            products,
        },
    };
    backward(
        isa,
        gradient,
        input,
        window,
        weights,
        Some(sums),
        dw,
        scratch,
    );
}

/// A backward pass over what has the window's size.
#[allow(clippy::too_many_arguments)]
fn backward(
    isa: Isa,
    gradient: Gradient,
    input: backward::Input,
    window: Window,
    weights: &[f32],
    sums: Option<&mut Sums>,
    dw: &mut [f32],
    scratch: &mut Scratch,
) {
    window.check();
    gradient.check(
        elements(&[window.out_pixels(), window.channels]),
        window.channels,
    );
    check_weights(&window, weights);
    check_weights(&window, dw);
    check_sums(&sums, window.channels);
    if window.in_len() == 0 {
        return;
    }
    let backward = backward::Backward {
        gradient,
        input,
        window,
        weights,
        sums,
        dw,
        scratch,
    };
    // SAFETY: all sizes agree, and none is zero.
    unsafe { dispatch(isa, backward) }
}

/// Pixels of the input.
fn pixels(window: &Window) -> usize {
    elements(&[window.images, window.height, window.width])
}

/// Positions after which f32 sums go on in f64.
const SUM_PIXELS: usize = 96;

fn check_weights(window: &Window, weights: &[f32]) {
    assert_eq!(
        weights.len(),
        window.kernel * window.kernel * window.channels,
        "depthwise weights are [kernel, kernel, channels]"
    );
}
