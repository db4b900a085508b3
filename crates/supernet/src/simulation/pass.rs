//! A piece of a batch through the simulated network, forwards and backwards.

use danas_kernels::{Gradient, Source, Window};
use danas_space::{Operator, Shape};

use super::network::{LayerTensors, Network};
use crate::engine::with_scratch;
use crate::loss;

/// The buffers of one piece of a batch, and the gradient that it made.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// What each layer computes, `[images, height, width, channels]`, before activation and rounding.
    computed: Vec<Vec<f32>>,
    /// What a layer reads, rounded; two for an addition.
    read: [Vec<f32>; 2],
    /// Gradients of the rounded outputs of the layers; empty where there is none (yet, or any more).
    gradients: Vec<Vec<f32>>,
    /// Buffers for gradients.
    spare: Vec<Vec<f32>>,
    logit_gradient: Vec<f32>,
    /// Rounded outputs of the last layer, `[images, classes]`.
    pub(super) logits: Vec<f32>,
    /// The gradient of all parameters, as they lie.
    pub(super) gradient: Vec<f32>,
    /// The mean loss of the piece's images.
    pub(super) loss: f32,
}

/// The window of a convolution over `images` of a shape.
fn window(images: usize, input: Shape, kernel: usize, stride: usize) -> Window {
    Window {
        images,
        height: input.height,
        width: input.width,
        channels: input.channels,
        kernel,
        stride,
    }
}

/// Adds the sums of the columns of `dz` to `gradient`.
fn add_column_sums(dz: &[f32], gradient: &mut [f32]) {
    for row in dz.chunks_exact(gradient.len()) {
        for (sum, value) in gradient.iter_mut().zip(row) {
            *sum += value;
        }
    }
}

impl Piece {
    /// Computes the logits of pictures (`[images, height, width, channels]` bytes).
    pub(super) fn forward(&mut self, network: &Network, pixels: &[u8]) {
        let images = pixels.len() / network.graph.input.elements();
        let layers = network.simulated();
        self.computed.resize_with(layers, Vec::new);
        for layer in 0..layers {
            self.read_inputs(network, layer);
            self.compute(network, layer, pixels, images);
        }
        let last = layers - 1;
        network.grids[last].round(&self.computed[last], &mut self.logits);
    }

    /// Computes the mean loss of these pictures against `targets` (`[images, classes]`), and its gradient times `weight`.
    pub(super) fn learn(&mut self, network: &Network, pixels: &[u8], targets: &[f32], weight: f32) {
        self.forward(network, pixels);
        let classes = network.graph.classes();
        self.loss = loss::cross_entropy(&self.logits, targets, classes, &mut self.logit_gradient);
        self.gradient.clear();
        self.gradient.resize(network.parameters.len(), 0.0);
        let layers = network.simulated();
        self.gradients.resize_with(layers, Vec::new);
        let mut last = self.spare.pop().unwrap_or_default();
        last.clear();
        last.extend(self.logit_gradient.iter().map(|value| value * weight));
        self.gradients[layers - 1] = last;
        for layer in (0..layers).rev() {
            let mut dz = std::mem::take(&mut self.gradients[layer]);
            network.grids[layer].pass_gradient(&self.computed[layer], &mut dz);
            self.read_inputs(network, layer);
            self.back(network, layer, pixels, &dz);
            self.spare.push(dz);
        }
    }

    /// Rounds what a layer reads. Pixels are on their grid already.
    fn read_inputs(&mut self, network: &Network, layer: usize) {
        let inputs = &network.graph.layers[layer].inputs;
        for (read, input) in self.read.iter_mut().zip(inputs) {
            if let Some(writer) = input.0.checked_sub(1) {
                network.grids[writer].round(&self.computed[writer], read);
            }
        }
    }

    fn compute(&mut self, network: &Network, index: usize, pixels: &[u8], images: usize) {
        let layer = &network.graph.layers[index];
        let input = network.graph.shape(layer.inputs[0]);
        let (isa, weights) = (network.isa, &network.rounded[index]);
        let out = &mut self.computed[index];
        out.resize(images * layer.output.elements(), 0.0);
        let [read, other] = &self.read;
        let reads = Source::plain(read);
        let rows = images * input.height * input.width;
        with_scratch(|scratch| match layer.operator {
            Operator::Convolution { kernel, stride, .. } if kernel > 1 => {
                danas_kernels::stem_forward(
                    isa,
                    pixels,
                    window(images, input, kernel, stride),
                    layer.output.channels,
                    &weights.panels,
                    out,
                    None,
                    scratch,
                );
            }
            Operator::Convolution { .. } | Operator::Dense => danas_kernels::pointwise_forward(
                isa,
                reads,
                rows,
                input.channels,
                &weights.panels,
                out,
                None,
                scratch,
            ),
            Operator::Depthwise { kernel, stride, .. } => danas_kernels::depthwise_forward(
                isa,
                reads,
                window(images, input, kernel, stride),
                &weights.matrix,
                out,
                None,
                scratch,
            ),
            Operator::Add => {
                out.copy_from_slice(read);
                danas_kernels::add_assign(isa, out, other);
            }
            Operator::GlobalAveragePool => {
                let positions = input.height * input.width;
                danas_kernels::average_pool_forward(
                    isa,
                    reads,
                    images,
                    positions,
                    input.channels,
                    out,
                );
                network.grids[index].settle_ties(out);
            }
            Operator::Softmax => unreachable!("the softmax is part of the loss"),
        });
        if layer.operator.has_weights() {
            for row in out.chunks_exact_mut(layer.output.channels) {
                for (out, bias) in row.iter_mut().zip(&weights.bias) {
                    *out += bias;
                }
            }
        }
    }

    /// Adds the gradient of a layer's parameters, and of what it read, given that of what it computed.
    fn back(&mut self, network: &Network, index: usize, pixels: &[u8], dz: &[f32]) {
        let layer = &network.graph.layers[index];
        let images = pixels.len() / network.graph.input.elements();
        if layer.operator == Operator::Add {
            for input in &layer.inputs {
                let mut dx = self.spare.pop().unwrap_or_default();
                dx.clear();
                dx.extend_from_slice(dz);
                self.give(network, input.0, dx);
            }
            return;
        }
        let input = layer.inputs[0];
        let reads_pixels = input.0 == 0;
        let mut dx = self.spare.pop().unwrap_or_default();
        let elements = network.graph.shape(input).elements();
        dx.resize(if reads_pixels { 0 } else { images * elements }, 0.0);
        match &network.tensors[index] {
            Some(tensors) => self.back_weights(network, index, tensors, pixels, dz, &mut dx),
            None => {
                let shape = network.graph.shape(input);
                danas_kernels::average_pool_backward(
                    network.isa,
                    dz,
                    Source::plain(&self.read[0]),
                    images,
                    shape.height * shape.width,
                    shape.channels,
                    &mut dx,
                    None,
                );
            }
        }
        if reads_pixels {
            self.spare.push(dx);
        } else {
            self.give(network, input.0, dx);
        }
    }

    /// The part of [`Piece::back`] of a layer with weights; writes `dx` unless the layer reads pixels.
    fn back_weights(
        &mut self,
        network: &Network,
        index: usize,
        tensors: &LayerTensors,
        pixels: &[u8],
        dz: &[f32],
        dx: &mut [f32],
    ) {
        let layer = &network.graph.layers[index];
        let input = network.graph.shape(layer.inputs[0]);
        let images = pixels.len() / network.graph.input.elements();
        let (isa, weights) = (network.isa, &network.rounded[index]);
        let bias = network.parameters.range(tensors.bias);
        add_column_sums(dz, &mut self.gradient[bias]);
        let dw = &mut self.gradient[network.parameters.range(tensors.weight)];
        let gradient = Gradient::plain(dz);
        let reads = Source::plain(&self.read[0]);
        with_scratch(|scratch| match layer.operator {
            Operator::Convolution { kernel, stride, .. } if kernel > 1 => {
                let window = window(images, input, kernel, stride);
                let outputs = tensors.columns;
                danas_kernels::stem_backward(isa, pixels, gradient, window, outputs, dw, scratch);
            }
            Operator::Depthwise { kernel, stride, .. } => danas_kernels::depthwise_backward(
                isa,
                gradient,
                reads,
                window(images, input, kernel, stride),
                &weights.matrix,
                dx,
                None,
                dw,
                scratch,
            ),
            _ => danas_kernels::pointwise_backward(
                isa,
                gradient,
                reads,
                images * input.height * input.width,
                tensors.rows,
                tensors.columns,
                &weights.transposed,
                Some(dx),
                false,
                None,
                dw,
                tensors.columns,
                scratch,
            ),
        });
    }

    /// Adds a gradient to that of a tensor, which is the output of a layer.
    fn give(&mut self, network: &Network, tensor: usize, dx: Vec<f32>) {
        let writer = tensor - 1;
        let sum = &mut self.gradients[writer];
        if sum.is_empty() {
            *sum = dx;
        } else {
            danas_kernels::add_assign(network.isa, sum, &dx);
            self.spare.push(dx);
        }
    }
}
