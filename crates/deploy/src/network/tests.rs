//! Windows of every kind beside a naive implementation.

use danas_device::Window;
use danas_space::Shape;
use proptest::prelude::*;

use super::{Computation, Fused, Network, NetworkOperator, Sliding, Tensor};
use crate::Interpreter;
use crate::int8::{Int8Weights, Quantisation, output_multipliers};
use crate::kernels::Padding;

/// What a window is slid over, and how.
#[derive(Debug, Clone)]
struct Case {
    input: Shape,
    sliding: Sliding,
    fused: Fused,
    /// Output channels of a convolution; per input channel of a depthwise one.
    outputs: usize,
    values: Vec<i8>,
}

const INPUT: Quantisation = Quantisation {
    scale: 0.04,
    zero_point: -7,
};
const OUTPUT: Quantisation = Quantisation {
    scale: 0.11,
    zero_point: 5,
};

fn pair(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

fn case() -> impl Strategy<Value = Case> {
    let shape = (pair(1..=9), 1usize..=4).prop_map(|([height, width], channels)| Shape {
        height,
        width,
        channels,
    });
    let window = (pair(1..=4), pair(1..=3), pair(1..=2));
    let padding = prop_oneof![Just(Padding::Same), Just(Padding::Valid)];
    let fused = prop_oneof![
        Just(Fused::None),
        Just(Fused::Relu),
        Just(Fused::ReluN1To1),
        Just(Fused::Relu6)
    ];
    (shape, window, padding, fused, 1usize..=3)
        .prop_flat_map(
            |(input, (kernel, stride, dilation), padding, fused, outputs)| {
                let window = Window {
                    kernel,
                    stride,
                    dilation,
                };
                let values = prop::collection::vec(any::<i8>(), input.elements());
                values.prop_map(move |values| Case {
                    input,
                    sliding: Sliding { window, padding },
                    fused,
                    outputs,
                    values,
                })
            },
        )
        .prop_filter("the window fits", |case| output(case, 1).is_some())
}

/// Outputs along an axis, and the padding before the first pixel.
fn along(input: usize, sliding: &Sliding, axis: usize) -> Option<(usize, usize)> {
    let window = &sliding.window;
    let reach = 1 + (window.kernel[axis] - 1) * window.dilation[axis];
    let stride = window.stride[axis];
    match sliding.padding {
        Padding::Valid if reach > input => None,
        Padding::Valid => Some(((input - reach) / stride + 1, 0)),
        Padding::Same => {
            let outputs = input.div_ceil(stride);
            let padding = ((outputs - 1) * stride + reach).saturating_sub(input);
            Some((outputs, padding / 2))
        }
    }
}

fn output(case: &Case, channels: usize) -> Option<Shape> {
    Some(Shape {
        height: along(case.input.height, &case.sliding, 0)?.0,
        width: along(case.input.width, &case.sliding, 1)?.0,
        channels,
    })
}

/// The taps of the window at an output that lie inside the input: index of the tap and pixel.
fn taps(case: &Case, y: usize, x: usize) -> Vec<(usize, usize)> {
    let window = &case.sliding.window;
    let place = |at: usize, tap: usize, size: usize, axis: usize| {
        let (_, padding) = along(size, &case.sliding, axis)?;
        let place = at * window.stride[axis] + tap * window.dilation[axis];
        (place >= padding && place - padding < size).then(|| place - padding)
    };
    let mut taps = Vec::new();
    for ky in 0..window.kernel[0] {
        for kx in 0..window.kernel[1] {
            let row = place(y, ky, case.input.height, 0);
            let column = place(x, kx, case.input.width, 1);
            if let (Some(row), Some(column)) = (row, column) {
                taps.push((ky * window.kernel[1] + kx, row * case.input.width + column));
            }
        }
    }
    taps
}

/// Made-up weights of so many products per output.
fn weights(products: usize, outputs: usize) -> Int8Weights {
    Int8Weights {
        values: (0..products * outputs)
            .map(|i| (i * 89 % 255) as u8 as i8)
            .collect(),
        scales: (0..outputs).map(|i| 0.002 + 0.001 * i as f32).collect(),
        bias: (0..outputs).map(|i| 100 * i as i32 - 150).collect(),
    }
}

/// Runs a network of one operator.
fn run(
    case: &Case,
    computation: Computation,
    weights: Int8Weights,
    output: (Shape, Quantisation),
) -> Vec<i8> {
    let mut network = Network::new(case.input, INPUT).unwrap();
    let operator = NetworkOperator {
        name: "operator".to_owned(),
        computation,
        inputs: vec![0],
        weights,
    };
    let output = Tensor::Activation(output.0, output.1);
    network.push(operator, output).unwrap();
    let network = network.finish(2).unwrap();
    Interpreter::new(network).run(&case.values).unwrap()
}

/// An accumulator in the output's scale.
fn requantised(sum: i64, channel: usize, weights: &Int8Weights, fused: Fused) -> i8 {
    let multipliers = output_multipliers(INPUT.scale, &weights.scales, OUTPUT.scale).unwrap();
    let sum = sum + i64::from(weights.bias[channel]);
    let value = multipliers[channel].apply(i32::try_from(sum).unwrap());
    let (min, max) = fused.range(OUTPUT);
    (value + i32::from(OUTPUT.zero_point)).clamp(min.into(), max.into()) as i8
}

/// All outputs, one by one.
fn each(shape: Shape, value: impl Fn(usize, usize, usize) -> i8) -> Vec<i8> {
    let mut values = Vec::with_capacity(shape.elements());
    for y in 0..shape.height {
        for x in 0..shape.width {
            values.extend((0..shape.channels).map(|channel| value(y, x, channel)));
        }
    }
    values
}

fn shifted(case: &Case, pixel: usize, channel: usize) -> i64 {
    let value = case.values[pixel * case.input.channels + channel];
    i64::from(value) - i64::from(INPUT.zero_point)
}

proptest! {
    #[test]
    fn convolutions_are_those_of_the_definition(case in case()) {
        let shape = output(&case, case.outputs).unwrap();
        let depth = case.sliding.window.taps() * case.input.channels;
        let weights = weights(depth, case.outputs);
        let expected = each(shape, |y, x, channel| {
            let products = taps(&case, y, x).into_iter().flat_map(|(tap, pixel)| {
                let weights = &weights;
                let case = &case;
                (0..case.input.channels).map(move |input| {
                    let at = channel * depth + tap * case.input.channels + input;
                    shifted(case, pixel, input) * i64::from(weights.values[at])
                })
            });
            requantised(products.sum(), channel, &weights, case.fused)
        });
        let computation = Computation::Convolution(case.sliding, case.fused);
        prop_assert_eq!(run(&case, computation, weights, (shape, OUTPUT)), expected);
    }

    #[test]
    fn depthwise_convolutions_are_those_of_the_definition(case in case()) {
        let channels = case.input.channels * case.outputs;
        let shape = output(&case, channels).unwrap();
        let weights = weights(case.sliding.window.taps(), channels);
        let expected = each(shape, |y, x, channel| {
            let products = taps(&case, y, x).into_iter().map(|(tap, pixel)| {
                let weight = weights.values[tap * channels + channel];
                shifted(&case, pixel, channel / case.outputs) * i64::from(weight)
            });
            requantised(products.sum(), channel, &weights, case.fused)
        });
        let computation = Computation::Depthwise(case.sliding, case.fused);
        prop_assert_eq!(run(&case, computation, weights, (shape, OUTPUT)), expected);
    }

    #[test]
    fn pools_are_those_of_the_definition(mut case in case()) {
        case.sliding.window.dilation = [1, 1];
        let shape = output(&case, case.input.channels).unwrap();
        let (min, max) = case.fused.range(INPUT);
        let values = |y, x, channel| -> Vec<i8> {
            let taps = taps(&case, y, x).into_iter();
            taps.map(|(_, pixel)| case.values[pixel * case.input.channels + channel]).collect()
        };
        let maxima = each(shape, |y, x, channel| {
            values(y, x, channel).into_iter().max().unwrap().clamp(min, max)
        });
        let means = each(shape, |y, x, channel| {
            let values = values(y, x, channel);
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            // Ties go away from zero, as in `f64::round`.
            ((sum / values.len() as f64).round() as i8).clamp(min, max)
        });
        let pooled = |computation| run(&case, computation, Int8Weights::default(), (shape, INPUT));
        prop_assert_eq!(pooled(Computation::MaxPool(case.sliding, case.fused)), maxima);
        prop_assert_eq!(pooled(Computation::AveragePool(case.sliding, case.fused)), means);
    }
}
