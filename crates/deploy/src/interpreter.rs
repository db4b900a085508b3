//! The int8 reference interpreter: bit for bit what the reference kernels of TensorFlow Lite for
//! Microcontrollers compute.

use danas_space::Shape;
use rayon::prelude::*;

use crate::evaluate::{Evaluation, InputError, answer, argmax, examples};
use crate::fixed_point::Multiplier;
use crate::int8::{
    ADD_SHIFT, Quantisation, add_multipliers, one_scale_multiplier, output_multipliers,
};
use crate::kernels::{Packed, Window, convolution, depthwise};
use crate::network::{Computation, Fused, Network, NetworkOperator, Sliding, Tensor};
use crate::pixels::Pixels;
use crate::pooling::{Mean, average_pool, max_pool};
use crate::softmax::Softmax;

/// From the accumulators of an operator to its outputs.
struct Requantise {
    /// Bias and multiplier of each output channel.
    channels: Vec<(i32, Multiplier)>,
    zero_point: i32,
    min: i32,
    max: i32,
}

impl Requantise {
    fn new(bias: &[i32], multipliers: Vec<Multiplier>, output: Quantisation, fused: Fused) -> Self {
        let (min, max) = fused.range(output);
        Self {
            channels: bias.iter().copied().zip(multipliers).collect(),
            zero_point: i32::from(output.zero_point),
            min: i32::from(min),
            max: i32::from(max),
        }
    }

    #[inline]
    fn apply(&self, channel: usize, sum: i32) -> i8 {
        let (bias, multiplier) = self.channels[channel];
        multiplier
            .apply(sum.wrapping_add(bias))
            .wrapping_add(self.zero_point)
            .max(self.min)
            .min(self.max) as i8
    }
}

/// An operator, prepared.
enum Step {
    Convolution {
        window: Window,
        weights: Packed,
        requantise: Requantise,
    },
    Depthwise {
        window: Window,
        weights: Vec<f32>,
        requantise: Requantise,
    },
    Add {
        /// Both inputs in the common scale, indexed by the input as `u8`.
        tables: [Box<[i32; 256]>; 2],
        multiplier: Multiplier,
        zero_point: i32,
        range: (i8, i8),
    },
    AveragePool(Window, (i8, i8)),
    MaxPool(Window, (i8, i8)),
    Mean(Mean),
    Softmax(Softmax),
    Copy,
    Pad {
        top: usize,
        left: usize,
        zero_point: i8,
    },
    /// Nothing is computed with the numbers of a shape.
    Nothing,
}

/// Space for one example.
struct State {
    tensors: Vec<Vec<i8>>,
    scratch: Scratch,
}

/// Space for one operator at a time.
#[derive(Default)]
struct Scratch {
    shifted: Vec<f32>,
    patch: Vec<f32>,
    sums: Vec<i32>,
}

/// Runs a [`Network`].
pub struct Interpreter {
    network: Network,
    steps: Vec<Step>,
    /// The input integer of each pixel value.
    pixels: [i8; 256],
}

/// What an addition makes of each value of one of its inputs.
fn scaled_input(input: Quantisation, multiplier: Multiplier) -> Box<[i32; 256]> {
    Box::new(std::array::from_fn(|byte| {
        let value = i32::from(byte as u8 as i8) - i32::from(input.zero_point);
        multiplier.apply(value * (1 << ADD_SHIFT))
    }))
}

/// The multipliers of an operator with weights.
fn multipliers(
    operator: &NetworkOperator,
    input: Quantisation,
    output: Quantisation,
) -> Option<Vec<Multiplier>> {
    let scales = &operator.weights.scales;
    match operator.computation {
        Computation::FullyConnected {
            one_scale: true, ..
        } => scales
            .iter()
            .map(|&scale| one_scale_multiplier(input.scale, scale, output.scale))
            .collect(),
        _ => output_multipliers(input.scale, scales, output.scale),
    }
}

/// Prepares operator `index`; `None` only if a multiplier cannot be represented, which the checks of a network
/// exclude.
fn prepare(network: &Network, index: usize) -> Option<Step> {
    let operator = &network.operators()[index];
    let first = operator.inputs[0];
    let (shape, output_shape) = (network.shape(first), network.shape(index + 1));
    let (input, output) = (network.quantisation(first), network.quantisation(index + 1));
    let requantise = |fused| {
        let multipliers = multipliers(operator, input, output)?;
        Some(Requantise::new(
            &operator.weights.bias,
            multipliers,
            output,
            fused,
        ))
    };
    let weights = || {
        operator
            .weights
            .values
            .iter()
            .map(|&weight| f32::from(weight))
    };
    let sliding =
        |sliding: Sliding| Window::padded(shape, output_shape, sliding.window, sliding.padding);
    Some(match operator.computation {
        Computation::Convolution(window, fused) => Step::Convolution {
            window: sliding(window),
            weights: Packed::new(weights(), window.window.taps() * shape.channels),
            requantise: requantise(fused)?,
        },
        Computation::Depthwise(window, fused) => Step::Depthwise {
            window: sliding(window),
            weights: weights().collect(),
            requantise: requantise(fused)?,
        },
        Computation::FullyConnected { fused, .. } => Step::Convolution {
            window: Window::dense(shape.elements(), output_shape.elements()),
            weights: Packed::new(weights(), shape.elements()),
            requantise: requantise(fused)?,
        },
        Computation::Add(fused) => {
            let other = network.quantisation(operator.inputs[1]);
            let multipliers = add_multipliers([input.scale, other.scale], output.scale)?;
            let [first, second] = multipliers.inputs;
            Step::Add {
                tables: [scaled_input(input, first), scaled_input(other, second)],
                multiplier: multipliers.output,
                zero_point: i32::from(output.zero_point),
                range: fused.range(output),
            }
        }
        Computation::AveragePool(window, fused) => {
            Step::AveragePool(sliding(window), fused.range(output))
        }
        Computation::MaxPool(window, fused) => Step::MaxPool(sliding(window), fused.range(output)),
        Computation::Mean => Step::Mean(Mean::new(input, output, shape.height * shape.width)?),
        Computation::Softmax => Step::Softmax(Softmax::new(input.scale)?),
        Computation::Reshape => Step::Copy,
        Computation::Pad { top, left } => Step::Pad {
            top,
            left,
            zero_point: output.zero_point,
        },
        Computation::Dimensions(_) => Step::Nothing,
    })
}

/// The input less its zero point, so that padding is 0 here as well.
fn shift(input: &[i8], zero_point: i8, shifted: &mut Vec<f32>) {
    let zero_point = f32::from(zero_point);
    shifted.clear();
    shifted.extend(input.iter().map(|&value| f32::from(value) - zero_point));
}

/// Copies an input into the output with rows above and columns to the left of it.
fn pad(shapes: [Shape; 2], input: &[i8], corner: (usize, usize), output: &mut [i8]) {
    let row = |shape: Shape| shape.width * shape.channels;
    let left = corner.1 * shapes[0].channels;
    let rows = output.chunks_exact_mut(row(shapes[1])).skip(corner.0);
    for (output, input) in rows.zip(input.chunks_exact(row(shapes[0]))) {
        output[left..left + input.len()].copy_from_slice(input);
    }
}

impl Step {
    /// Computes operator `index`; `before` are the tensors that exist.
    fn run(
        &self,
        network: &Network,
        index: usize,
        before: &[Vec<i8>],
        scratch: &mut Scratch,
        output: &mut [i8],
    ) {
        let operator = &network.operators()[index];
        let first = operator.inputs[0];
        let input = before[first].as_slice();
        let zero_point = network.quantisation(first).zero_point;
        let shapes = [network.shape(first), network.shape(index + 1)];
        match self {
            Step::Convolution {
                window,
                weights,
                requantise,
            } => {
                shift(input, zero_point, &mut scratch.shifted);
                let patch = &mut scratch.patch;
                convolution(
                    window,
                    &scratch.shifted,
                    weights,
                    patch,
                    output,
                    |channel, sum| requantise.apply(channel, sum),
                );
            }
            Step::Depthwise {
                window,
                weights,
                requantise,
            } => {
                shift(input, zero_point, &mut scratch.shifted);
                let sums = &mut scratch.patch;
                depthwise(
                    window,
                    &scratch.shifted,
                    weights,
                    sums,
                    output,
                    |channel, sum| requantise.apply(channel, sum),
                );
            }
            Step::Add {
                tables,
                multiplier,
                zero_point,
                range,
            } => {
                let other = &before[operator.inputs[1]];
                let (min, max) = (i32::from(range.0), i32::from(range.1));
                for ((output, &a), &b) in output.iter_mut().zip(input).zip(other) {
                    let sum = tables[0][usize::from(a as u8)] + tables[1][usize::from(b as u8)];
                    *output = (multiplier.apply(sum) + zero_point).clamp(min, max) as i8;
                }
            }
            Step::AveragePool(window, range) => {
                let channels = shapes[0].channels;
                average_pool(window, input, channels, *range, &mut scratch.sums, output);
            }
            Step::MaxPool(window, range) => {
                max_pool(window, input, shapes[0].channels, *range, output);
            }
            Step::Mean(mean) => mean.apply(input, &mut scratch.sums, output),
            Step::Softmax(softmax) => {
                let channels = shapes[1].channels;
                for (input, output) in input
                    .chunks_exact(channels)
                    .zip(output.chunks_exact_mut(channels))
                {
                    softmax.apply(input, output);
                }
            }
            Step::Copy => output.copy_from_slice(input),
            Step::Pad {
                top,
                left,
                zero_point,
            } => {
                output.fill(*zero_point);
                pad(shapes, input, (*top, *left), output);
            }
            Step::Nothing => (),
        }
    }
}

impl Interpreter {
    /// Prepares a network, or a model.
    pub fn new(network: impl Into<Network>) -> Self {
        let network = network.into();
        let steps = (0..network.operators().len())
            .map(|index| {
                prepare(&network, index).expect("the checks of a network find its multipliers")
            })
            .collect();
        let pixels = Pixels::Centred.integers(network.input_quantisation());
        Self {
            network,
            steps,
            pixels,
        }
    }

    /// Takes pixels for other numbers than danas trains with ([`Pixels::Centred`]).
    pub fn with_pixels(mut self, pixels: Pixels) -> Self {
        self.pixels = pixels.integers(self.network.input_quantisation());
        self
    }

    /// The network that is run.
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn state(&self) -> State {
        let size = |tensor: &Tensor| match tensor {
            Tensor::Activation(shape, _) => shape.elements(),
            Tensor::Dimensions(_) => 0,
        };
        let tensors = self.network.tensors().iter();
        State {
            tensors: tensors.map(|tensor| vec![0; size(tensor)]).collect(),
            scratch: Scratch::default(),
        }
    }

    /// Runs the example in `state.tensors[0]`.
    fn run_state<'s>(&self, state: &'s mut State) -> &'s [i8] {
        for (index, step) in self.steps.iter().enumerate() {
            let (before, after) = state.tensors.split_at_mut(index + 1);
            step.run(
                &self.network,
                index,
                before,
                &mut state.scratch,
                &mut after[0],
            );
        }
        state.tensors.last().map_or(&[], |tensor| tensor)
    }

    fn run_pixels<'s>(&self, state: &'s mut State, pixels: &[u8]) -> &'s [i8] {
        for (value, &pixel) in state.tensors[0].iter_mut().zip(pixels) {
            *value = self.pixels[usize::from(pixel)];
        }
        self.run_state(state)
    }

    /// The outputs for int8 inputs `[n, height, width, channels]`, one example after the other; examples
    /// are computed in parallel.
    ///
    /// # Errors
    /// [`InputError`] when the inputs are not a whole number of examples.
    pub fn run(&self, inputs: &[i8]) -> Result<Vec<i8>, InputError> {
        let shape: Shape = self.network.input();
        examples(shape, inputs.len())?;
        let outputs: Vec<Vec<i8>> = inputs
            .par_chunks_exact(shape.elements())
            .map_init(
                || self.state(),
                |state, input| {
                    state.tensors[0].copy_from_slice(input);
                    self.run_state(state).to_vec()
                },
            )
            .collect();
        Ok(outputs.concat())
    }

    /// The predicted class of each example of pixels `[n, height, width, channels]`.
    ///
    /// # Errors
    /// [`InputError`] when the pixels are not a whole number of examples.
    pub fn classify(&self, pixels: &[u8]) -> Result<Vec<usize>, InputError> {
        let shape = self.network.input();
        examples(shape, pixels.len())?;
        Ok(pixels
            .par_chunks_exact(shape.elements())
            .map_init(
                || self.state(),
                |state, pixels| argmax(self.run_pixels(state, pixels)),
            )
            .collect())
    }

    /// Classifies pixels `[n, height, width, channels]` and compares with `labels` (`n` of them).
    ///
    /// # Errors
    /// [`InputError`] when pixels and labels do not fit the model or each other.
    pub fn evaluate(&self, pixels: &[u8], labels: &[usize]) -> Result<Evaluation, InputError> {
        let quantisation = self.network.output_quantisation();
        Evaluation::of(
            self.network.input(),
            self.network.outputs(),
            pixels,
            labels,
            || self.state(),
            |state, pixels, label| {
                let outputs = self.run_pixels(state, pixels).iter();
                answer(outputs.map(|&q| quantisation.real(q)), label)
            },
        )
    }
}
