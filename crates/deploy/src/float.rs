//! The float reference: what the network computes before quantisation.

use danas_space::{Activation, Graph, Operator};
use rayon::prelude::*;

use crate::evaluate::{Evaluation, InputError, answer, examples};
use crate::kernels::{Packed, Window, convolution, depthwise};
use crate::model::FloatModel;

/// A layer with its weights in the order in which they are read.
enum Step<'a> {
    Convolution {
        window: Window,
        weights: Packed,
        bias: &'a [f32],
        activation: Activation,
    },
    Depthwise {
        window: Window,
        weights: &'a [f32],
        bias: &'a [f32],
        activation: Activation,
    },
    Add,
    GlobalAveragePool,
    Softmax,
}

/// A float model that is ready to run.
pub(crate) struct FloatRunner<'a> {
    graph: &'a Graph,
    steps: Vec<Step<'a>>,
}

/// All tensors of one example, and scratch space.
pub(crate) struct FloatState {
    tensors: Vec<Vec<f32>>,
    patch: Vec<f32>,
}

impl FloatState {
    /// The values of each tensor after the last run, `[height, width, channels]` each.
    pub(crate) fn tensors(&self) -> &[Vec<f32>] {
        &self.tensors
    }

    /// The values of the last tensor.
    fn output(&self) -> &[f32] {
        self.tensors.last().map_or(&[], |tensor| tensor)
    }
}

fn activate(value: f32, activation: Activation) -> f32 {
    match activation {
        Activation::Linear => value,
        Activation::Relu6 => value.clamp(0.0, 6.0),
    }
}

impl<'a> FloatRunner<'a> {
    pub(crate) fn new(model: &'a FloatModel) -> Self {
        let graph = model.graph();
        let steps = graph
            .layers
            .iter()
            .zip(model.parameters())
            .map(|(layer, parameters)| {
                let input = graph.shape(layer.inputs[0]);
                let bias = parameters.bias.as_slice();
                let pack = |depth| Packed::new(parameters.weights.iter().copied(), depth);
                match layer.operator {
                    Operator::Convolution {
                        kernel,
                        stride,
                        activation,
                    } => Step::Convolution {
                        window: Window::new(input, layer.output, kernel, stride),
                        weights: pack(kernel * kernel * input.channels),
                        bias,
                        activation,
                    },
                    Operator::Depthwise {
                        kernel,
                        stride,
                        activation,
                    } => Step::Depthwise {
                        window: Window::new(input, layer.output, kernel, stride),
                        weights: &parameters.weights,
                        bias,
                        activation,
                    },
                    Operator::Dense => Step::Convolution {
                        window: Window::dense(input.elements(), layer.output.channels),
                        weights: pack(input.elements()),
                        bias,
                        activation: Activation::Linear,
                    },
                    Operator::Add => Step::Add,
                    Operator::GlobalAveragePool => Step::GlobalAveragePool,
                    Operator::Softmax => Step::Softmax,
                }
            })
            .collect();
        Self { graph, steps }
    }

    pub(crate) fn state(&self) -> FloatState {
        let sizes = std::iter::once(self.graph.input)
            .chain(self.graph.layers.iter().map(|layer| layer.output));
        FloatState {
            tensors: sizes.map(|shape| vec![0.0; shape.elements()]).collect(),
            patch: Vec::new(),
        }
    }

    /// Runs one example; all tensors are in `state` afterwards.
    pub(crate) fn run(&self, state: &mut FloatState, pixels: &[u8]) {
        for (value, &pixel) in state.tensors[0].iter_mut().zip(pixels) {
            *value = (f32::from(pixel) - 128.0) / 128.0;
        }
        for (index, (layer, step)) in self.graph.layers.iter().zip(&self.steps).enumerate() {
            let (before, after) = state.tensors.split_at_mut(index + 1);
            let output = &mut after[0];
            let input = &before[layer.inputs[0].0];
            match step {
                Step::Convolution {
                    window,
                    weights,
                    bias,
                    activation,
                } => convolution(
                    window,
                    input,
                    weights,
                    &mut state.patch,
                    output,
                    |channel, sum: f32| activate(sum + bias[channel], *activation),
                ),
                Step::Depthwise {
                    window,
                    weights,
                    bias,
                    activation,
                } => depthwise(
                    window,
                    input,
                    weights,
                    &mut state.patch,
                    output,
                    |channel, sum: f32| activate(sum + bias[channel], *activation),
                ),
                Step::Add => {
                    let other = &before[layer.inputs[1].0];
                    for ((output, a), b) in output.iter_mut().zip(input).zip(other) {
                        *output = a + b;
                    }
                }
                Step::GlobalAveragePool => average(input, output),
                Step::Softmax => softmax(input, output, layer.output.channels),
            }
        }
    }
}

/// The average over all pixels, per channel.
fn average(input: &[f32], output: &mut [f32]) {
    let channels = output.len();
    let pixels = (input.len() / channels) as f32;
    output.fill(0.0);
    for pixel in input.chunks_exact(channels) {
        for (sum, value) in output.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    for sum in output {
        *sum /= pixels;
    }
}

/// Softmax over the channels of each pixel.
fn softmax(input: &[f32], output: &mut [f32], channels: usize) {
    for (input, output) in input
        .chunks_exact(channels)
        .zip(output.chunks_exact_mut(channels))
    {
        let max = input.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (output, input) in output.iter_mut().zip(input) {
            *output = (input - max).exp();
        }
        let sum: f32 = output.iter().sum();
        for output in output {
            *output /= sum;
        }
    }
}

impl FloatModel {
    /// The outputs for pixels `[n, height, width, channels]`, one example after the other.
    ///
    /// # Errors
    /// [`InputError`] when the pixels are not a whole number of examples.
    pub fn run(&self, pixels: &[u8]) -> Result<Vec<f32>, InputError> {
        let shape = self.graph().input;
        examples(shape, pixels.len())?;
        let runner = FloatRunner::new(self);
        let outputs: Vec<Vec<f32>> = pixels
            .par_chunks_exact(shape.elements())
            .map_init(
                || runner.state(),
                |state, pixels| {
                    runner.run(state, pixels);
                    state.output().to_vec()
                },
            )
            .collect();
        Ok(outputs.concat())
    }

    /// Classifies pixels `[n, height, width, channels]` and compares with `labels` (`n` of them).
    ///
    /// # Errors
    /// [`InputError`] when pixels and labels do not fit the model or each other.
    pub fn evaluate(&self, pixels: &[u8], labels: &[usize]) -> Result<Evaluation, InputError> {
        let runner = FloatRunner::new(self);
        let graph = self.graph();
        let classes = graph
            .layers
            .last()
            .map_or(0, |layer| layer.output.elements());
        Evaluation::of(
            graph.input,
            classes,
            pixels,
            labels,
            || runner.state(),
            |state, pixels, label| {
                runner.run(state, pixels);
                answer(state.output().iter().copied().map(f64::from), label)
            },
        )
    }
}
