//! How long operations take that no layer of a graph computes: each is compared with the layer most like it.
//!
//! The factors come from instructions counted on a Cortex-M4: FULLY_CONNECTED takes 1.9 per multiply-accumulate and 49
//! per output where a convolution takes 1.5 and 40; MEAN about 205 per input element where a pool takes 7. A window
//! that is not square counts as a square one with about as many taps. Maxima are taken to cost what averages do,
//! padding per output element what a pool costs per input element, copying a tenth of that; these are estimates.

use crate::program::{Operation, OperatorKind};
use danas_space::{Activation, Graph, Layer, Operator, Shape, TensorId};

const FULLY_CONNECTED: f64 = 1.25;
const MEAN: f64 = 205.0 / 7.0;
const COPY: f64 = 0.1;

/// A network of one layer, and how many times as long as it an operation takes; `None` for what takes no time worth
/// counting.
pub(crate) fn like(operation: &Operation) -> Option<(Graph, f64)> {
    let Operation {
        input,
        output,
        window,
        ..
    } = *operation;
    let column = |height: usize, width: usize, channels| Shape {
        height,
        width,
        channels,
    };
    let pool = |height, width, channels, times| {
        let output = column(1, 1, channels);
        let input = column(height, width, channels);
        Some((one_layer(Operator::GlobalAveragePool, input, output), times))
    };
    match operation.kind {
        OperatorKind::Convolution | OperatorKind::Depthwise => Some(windowed(operation)),
        OperatorKind::FullyConnected => {
            let input = column(1, 1, input.elements());
            let output = column(1, 1, output.elements());
            Some((one_layer(Operator::Dense, input, output), FULLY_CONNECTED))
        }
        OperatorKind::Add => Some((one_layer(Operator::Add, input, output), 1.0)),
        OperatorKind::AveragePool | OperatorKind::MaxPool => pool(
            window.kernel[0] * output.height,
            window.kernel[1] * output.width,
            output.channels,
            1.0,
        ),
        OperatorKind::Mean => pool(input.height, input.width, input.channels, MEAN),
        OperatorKind::Softmax => Some((one_layer(Operator::Softmax, input, output), 1.0)),
        OperatorKind::Pad => pool(output.height, output.width, output.channels, 1.0),
        OperatorKind::Reshape => pool(output.height, output.width, output.channels, COPY),
        OperatorKind::Pack | OperatorKind::Shape | OperatorKind::StridedSlice => None,
    }
}

/// A convolution with a square kernel and SAME padding that has the operation's outputs, and how many times as many
/// taps the operation's kernel has.
fn windowed(operation: &Operation) -> (Graph, f64) {
    let Operation {
        input,
        output,
        window,
        ..
    } = *operation;
    let pixel = output.height == 1 && output.width == 1;
    if operation.kind == OperatorKind::Convolution
        && pixel
        && window.kernel == [input.height, input.width]
    {
        return (one_layer(Operator::Dense, input, output), 1.0);
    }
    let kernel = (window.taps() as f64).sqrt().round() as usize;
    let times = window.taps() as f64 / (kernel * kernel) as f64;
    let [stride, _] = window.stride;
    let same = |input: usize, output: usize| {
        if input.div_ceil(stride) == output {
            input
        } else {
            output * stride
        }
    };
    let activation = Activation::Relu6;
    let (operator, channels) = match operation.kind {
        OperatorKind::Convolution => (
            Operator::Convolution {
                kernel,
                stride,
                activation,
            },
            input.channels,
        ),
        _ => (
            Operator::Depthwise {
                kernel,
                stride,
                activation,
            },
            output.channels,
        ),
    };
    let input = Shape {
        height: same(input.height, output.height),
        width: same(input.width, output.width),
        channels,
    };
    (one_layer(operator, input, output), times)
}

fn one_layer(operator: Operator, input: Shape, output: Shape) -> Graph {
    Graph {
        input,
        layers: vec![Layer {
            name: String::new(),
            operator,
            inputs: vec![TensorId(0); operator.arity()],
            output,
        }],
    }
}
