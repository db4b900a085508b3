//! The int8 reference interpreter: bit for bit what the reference kernels of TensorFlow Lite for
//! Microcontrollers compute.

use danas_space::{Activation, Operator, Shape};
use rayon::prelude::*;

use crate::evaluate::{Answer, Evaluation, InputError, argmax, examples};
use crate::fixed_point::Multiplier;
use crate::int8::{ADD_SHIFT, Int8Model, Quantisation, add_multipliers, output_multipliers};
use crate::kernels::{Packed, Window, convolution, depthwise};
use crate::softmax::Softmax;

/// From the accumulators of a layer to its outputs.
struct Requantise {
    /// Bias and multiplier of each output channel.
    channels: Vec<(i32, Multiplier)>,
    zero_point: i32,
    min: i32,
    max: i32,
}

impl Requantise {
    fn new(
        bias: &[i32],
        multipliers: Vec<Multiplier>,
        output: Quantisation,
        activation: Activation,
    ) -> Self {
        let (min, max) = output.range(activation);
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

/// A layer, prepared.
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
    },
    GlobalAveragePool,
    Softmax(Softmax),
}

/// Scratch space for one example.
struct State {
    tensors: Vec<Vec<i8>>,
    shifted: Vec<f32>,
    patch: Vec<f32>,
    sums: Vec<i32>,
}

/// Runs an [`Int8Model`].
pub struct Interpreter {
    model: Int8Model,
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

/// Prepares layer `index`; `None` only if a multiplier cannot be represented, which [`Int8Model::new`]
/// excludes.
fn prepare(model: &Int8Model, index: usize) -> Option<Step> {
    let layer = &model.graph().layers[index];
    let parameters = &model.weights()[index];
    let shape = model.graph().shape(layer.inputs[0]);
    let input = model.quantisations()[layer.inputs[0].0];
    let output = model.quantisations()[index + 1];
    let requantise = |activation| {
        let multipliers = output_multipliers(input.scale, &parameters.scales, output.scale)?;
        Some(Requantise::new(
            &parameters.bias,
            multipliers,
            output,
            activation,
        ))
    };
    let weights = || parameters.values.iter().map(|&weight| f32::from(weight));
    Some(match layer.operator {
        Operator::Convolution {
            kernel,
            stride,
            activation,
        } => Step::Convolution {
            window: Window::new(shape, layer.output, kernel, stride),
            weights: Packed::new(weights(), kernel * kernel * shape.channels),
            requantise: requantise(activation)?,
        },
        Operator::Depthwise {
            kernel,
            stride,
            activation,
        } => Step::Depthwise {
            window: Window::new(shape, layer.output, kernel, stride),
            weights: weights().collect(),
            requantise: requantise(activation)?,
        },
        Operator::Dense => Step::Convolution {
            window: Window::dense(shape.elements(), layer.output.channels),
            weights: Packed::new(weights(), shape.elements()),
            requantise: requantise(Activation::Linear)?,
        },
        Operator::Add => {
            let other = model.quantisations()[layer.inputs[1].0];
            let multipliers = add_multipliers([input.scale, other.scale], output.scale)?;
            let [first, second] = multipliers.inputs;
            Step::Add {
                tables: [scaled_input(input, first), scaled_input(other, second)],
                multiplier: multipliers.output,
                zero_point: i32::from(output.zero_point),
            }
        }
        Operator::GlobalAveragePool => Step::GlobalAveragePool,
        Operator::Softmax => Step::Softmax(Softmax::new(input.scale)?),
    })
}

/// The input less its zero point, so that padding is 0 here as well.
fn shift(input: &[i8], zero_point: i8, shifted: &mut Vec<f32>) {
    let zero_point = f32::from(zero_point);
    shifted.clear();
    shifted.extend(input.iter().map(|&value| f32::from(value) - zero_point));
}

/// The average of each channel, rounded to nearest, ties away from zero.
fn average(input: &[i8], sums: &mut Vec<i32>, output: &mut [i8]) {
    let channels = output.len();
    let pixels = (input.len() / channels) as i32;
    sums.clear();
    sums.resize(channels, 0);
    for pixel in input.chunks_exact(channels) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(value);
        }
    }
    for (output, &sum) in output.iter_mut().zip(sums.iter()) {
        let half = if sum > 0 { pixels / 2 } else { -(pixels / 2) };
        *output = ((sum + half) / pixels) as i8;
    }
}

impl Interpreter {
    /// Prepares a model.
    pub fn new(model: Int8Model) -> Self {
        let steps = (0..model.graph().layers.len())
            .map(|index| {
                prepare(&model, index).expect("Int8Model::new checks that multipliers exist")
            })
            .collect();
        let pixels = model.quantisations()[0].of_pixels();
        Self {
            model,
            steps,
            pixels,
        }
    }

    /// The model that is run.
    pub fn model(&self) -> &Int8Model {
        &self.model
    }

    fn state(&self) -> State {
        let graph = self.model.graph();
        let shapes = std::iter::once(graph.input).chain(graph.layers.iter().map(|l| l.output));
        State {
            tensors: shapes.map(|shape| vec![0; shape.elements()]).collect(),
            shifted: Vec::new(),
            patch: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Runs the example in `state.tensors[0]`.
    fn run_state<'s>(&self, state: &'s mut State) -> &'s [i8] {
        let graph = self.model.graph();
        for (index, (layer, step)) in graph.layers.iter().zip(&self.steps).enumerate() {
            let (before, after) = state.tensors.split_at_mut(index + 1);
            let output = after[0].as_mut_slice();
            let input = before[layer.inputs[0].0].as_slice();
            let zero_point = self.model.quantisations()[layer.inputs[0].0].zero_point;
            match step {
                Step::Convolution {
                    window,
                    weights,
                    requantise,
                } => {
                    shift(input, zero_point, &mut state.shifted);
                    let patch = &mut state.patch;
                    convolution(
                        window,
                        &state.shifted,
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
                    shift(input, zero_point, &mut state.shifted);
                    let sums = &mut state.patch;
                    depthwise(
                        window,
                        &state.shifted,
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
                } => {
                    let other = &before[layer.inputs[1].0];
                    for ((output, &a), &b) in output.iter_mut().zip(input).zip(other) {
                        let sum = tables[0][usize::from(a as u8)] + tables[1][usize::from(b as u8)];
                        *output = (multiplier.apply(sum) + zero_point).clamp(-128, 127) as i8;
                    }
                }
                Step::GlobalAveragePool => average(input, &mut state.sums, output),
                Step::Softmax(softmax) => {
                    let channels = layer.output.channels;
                    for (input, output) in input
                        .chunks_exact(channels)
                        .zip(output.chunks_exact_mut(channels))
                    {
                        softmax.apply(input, output);
                    }
                }
            }
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
        let shape: Shape = self.model.graph().input;
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
        let shape = self.model.graph().input;
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
        let quantisation = self.model.output_quantisation();
        Evaluation::of(
            self.model.graph().input,
            self.model.outputs(),
            pixels,
            labels,
            || self.state(),
            |state, pixels, label| {
                let outputs = self.run_pixels(state, pixels).iter();
                Answer::new(outputs.map(|&q| quantisation.real(q)), label)
            },
        )
    }
}
