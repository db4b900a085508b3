//! Scratch memory that kernels ask the arena for, alive for one operator.
//!
//! Sources: `arm_convolve_wrapper_s8_get_buffer_size`, `arm_depthwise_conv_wrapper_s8_get_buffer_size` and
//! `arm_avgpool_s8_get_buffer_size` of CMSIS-NN; `esp_nn_get_conv_scratch_size_esp32s3` and
//! `esp_nn_get_depthwise_conv_scratch_size_esp32s3` of ESP-NN. The DSP rules were checked on a Cortex-M4; the
//! Helium and ESP32-S3 rules were read off the code and are not verified against a board. The classifier is a
//! convolution 1x1, for it follows the pooling.

use crate::core::Kernels;
use crate::program::{Operation, OperatorKind, Window};
use danas_space::Shape;

/// Bytes of scratch that an operation requests, before rounding; 0 is no request.
pub(crate) fn scratch_bytes(operation: &Operation, kernels: Kernels) -> u64 {
    let Operation {
        kind,
        input,
        output,
        window,
        ..
    } = *operation;
    let bytes = match (kernels, kind) {
        // its sums, in the kernels of all sets
        (_, OperatorKind::Mean) => 4 * output.elements(),
        (Kernels::Reference | Kernels::EspNn, _) => 0,
        (Kernels::EspNnVector, OperatorKind::Convolution) => {
            esp_vector_convolution(input, output, &window)
        }
        (Kernels::EspNnVector, OperatorKind::Depthwise) => {
            esp_vector_depthwise(input, output, &window)
        }
        (Kernels::EspNnVector, _) => 0,
        (_, OperatorKind::Convolution) if window == Window::PIXEL => 0,
        (Kernels::CmsisNnHelium, OperatorKind::Convolution) => {
            4 * (window.taps() * input.channels).next_multiple_of(16)
        }
        (_, OperatorKind::Convolution) => 4 * (window.taps() * input.channels).next_multiple_of(4),
        // with a multiplier or with gaps the plain kernel runs
        (_, OperatorKind::Depthwise) if input.channels != output.channels || !window.is_dense() => {
            0
        }
        (Kernels::CmsisNnHelium, OperatorKind::Depthwise) => {
            4 * HELIUM_CHANNEL_BLOCK * window.taps()
        }
        (_, OperatorKind::Depthwise) if window.kernel == [3, 3] => 0,
        (Kernels::CmsisNnDsp, OperatorKind::Depthwise) => 2 * input.channels * window.taps(),
        (Kernels::CmsisNnHelium, OperatorKind::FullyConnected) => 4 * output.elements(),
        (Kernels::CmsisNnDsp, OperatorKind::AveragePool) => 4 * input.channels,
        _ => 0,
    };
    bytes as u64
}

/// Channels that the Helium depthwise kernel handles at once (`CH_IN_BLOCK_MVE`).
const HELIUM_CHANNEL_BLOCK: usize = 124;

/// Room for alignment and for reading past the end in the ESP32-S3 assembly.
const ESP_MARGIN: usize = 64;

/// From here on the ESP32-S3 depthwise kernel works in strips.
const ESP_STRIP_ABOVE: usize = 40 * 1024;

fn esp_vector_convolution(input: Shape, output: Shape, window: &Window) -> usize {
    let [rows, columns] = window.kernel;
    let elements = window.taps() * input.channels;
    if *window == Window::PIXEL {
        let panel = if input.channels * output.channels > 24 * 1024 {
            16 * 1024
        } else {
            0
        };
        return 24 * input.channels.next_multiple_of(8)
            + panel.max(8 * output.channels)
            + ESP_MARGIN;
    }
    let square = window.kernel == [3, 3];
    let copies = if square && input.channels.is_multiple_of(16) && output.channels >= 16
        || columns * input.channels < 16 && elements >= 16
    {
        // one window, and a copy of the filter padded for the vector unit
        (output.channels + 1) * elements.next_multiple_of(16)
    } else {
        // the whole input padded, and a copy of the filter padded row by row
        padded_elements(input, output, window)
            + output.channels * rows * (columns * input.channels).next_multiple_of(16)
    };
    copies + 4 * output.channels + 32 + ESP_MARGIN
}

fn esp_vector_depthwise(input: Shape, output: Shape, window: &Window) -> usize {
    let [rows, columns] = window.kernel;
    let channels = input.channels.next_multiple_of(8);
    let filter = window.taps() * channels;
    let elements = input.height * input.width * channels;
    if !input.channels.is_multiple_of(8) {
        // int16 copies of filter and input, an output and parameters with padded channels
        let padded_output = output.height * output.width * channels;
        return 2 * (filter + elements) + padded_output + 12 * channels + ESP_MARGIN;
    }
    if window.kernel == [3, 3] && channels.is_multiple_of(16) {
        let padded = padded_elements(input, output, window);
        let strip = padded.min(ESP_STRIP_ABOVE.max(rows * (input.width + columns - 1) * channels));
        return filter + strip + ESP_MARGIN;
    }
    let whole = 2 * (filter + elements);
    if whole <= 48 * 1024 {
        whole + 32
    } else {
        2 * filter + 2 * rows * input.width * channels + 32
    }
}

/// Elements of the input once SAME padding has been added.
fn padded_elements(input: Shape, output: Shape, window: &Window) -> usize {
    let side = |input: usize, output: usize, axis: usize| {
        ((output - 1) * window.stride[axis] + window.kernel[axis]).max(input)
    };
    side(input.height, output.height, 0) * side(input.width, output.width, 1) * input.channels
}
