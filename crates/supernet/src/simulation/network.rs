//! The weights of a network in quantisation-aware fine-tuning, and their rounded copies.

use danas_data::Streams;
use danas_kernels::{Isa, Panels};
use danas_space::{Graph, Operator};

use super::grid::{Grid, round_to_scales, weight_scales};
use crate::extraction::{LayerParameters, Trained};
use crate::parameters::{Parameters, Start, TensorRef};

/// The parameters of one layer, `[rows, columns]` and `[columns]`; the columns are output channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerTensors {
    pub(super) weight: TensorRef,
    pub(super) bias: TensorRef,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// A layer's rounded parameters as its kernels read them.
#[derive(Debug, Default)]
pub(super) struct Rounded {
    pub(super) matrix: Vec<f32>,
    pub(super) bias: Vec<f32>,
    /// Of a convolution that mixes channels, `[rows, columns]`.
    pub(super) panels: Panels,
    /// The same, transposed, for the gradient of the input.
    pub(super) transposed: Panels,
}

/// A network whose weights and activations are rounded as int8 has them.
pub(super) struct Network {
    pub(super) isa: Isa,
    pub(super) graph: Graph,
    /// What the output of each layer is rounded to.
    pub(super) grids: Vec<Grid>,
    /// The scale of what each layer reads first.
    input_scales: Vec<f32>,
    pub(super) parameters: Parameters,
    /// One per layer; `None` for one without weights.
    pub(super) tensors: Vec<Option<LayerTensors>>,
    pub(super) rounded: Vec<Rounded>,
}

/// Whether the weights of a layer lie as `[output channels, ...]`, and not as `[..., output channels]`.
fn outputs_first(operator: Operator) -> bool {
    !matches!(operator, Operator::Depthwise { .. })
}

/// A matrix `[rows, columns]` as `[columns, rows]`.
fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    (0..matrix.len())
        .map(|at| matrix[at % rows * columns + at / rows])
        .collect()
}

impl Network {
    /// Copies a trained network; `grids` are those of its input and of the outputs of its layers.
    ///
    /// # Panics
    /// If there is not one grid per tensor.
    pub(super) fn new(trained: &Trained, grids: &[Grid]) -> Self {
        let graph = trained.graph.clone();
        assert_eq!(grids.len(), graph.layers.len() + 1, "one grid per tensor");
        let mut parameters = Parameters::default();
        let mut values = Vec::new();
        let mut tensors = Vec::new();
        for (layer, own) in graph.layers.iter().zip(&trained.parameters) {
            if !layer.operator.has_weights() {
                tensors.push(None);
                continue;
            }
            let columns = layer.output.channels;
            let rows = own.weights.len() / columns;
            let mut add = |part: &str, shape, decays| {
                let name = format!("{}.{part}", layer.name);
                // Replaced by the trained values below.
                let start = Start::Constant(0.0);
                parameters.add(name, shape, decays, start, &Streams::new(0))
            };
            tensors.push(Some(LayerTensors {
                weight: add("weight", [rows, columns], true),
                bias: add("bias", [1, columns], false),
                rows,
                columns,
            }));
            if outputs_first(layer.operator) {
                values.extend(transpose(&own.weights, rows));
            } else {
                values.extend_from_slice(&own.weights);
            }
            values.extend_from_slice(&own.bias);
        }
        parameters.replace(values);
        let layers = graph.layers.iter().zip(&grids[1..]);
        let mut network = Network {
            isa: trained.isa(),
            grids: layers
                .map(|(layer, grid)| grid.of_operator(layer.operator))
                .collect(),
            input_scales: graph
                .layers
                .iter()
                .map(|layer| grids[layer.inputs[0].0].scale())
                .collect(),
            rounded: graph.layers.iter().map(|_| Rounded::default()).collect(),
            graph,
            parameters,
            tensors,
        };
        network.round();
        network
    }

    /// Rounds the weights and biases as they are now. A bias is added to sums of products, and has their scale.
    pub(super) fn round(&mut self) {
        let layers = self.graph.layers.iter().zip(&self.tensors);
        let rounded = self.input_scales.iter().zip(&mut self.rounded);
        for ((layer, tensors), (input, rounded)) in layers.zip(rounded) {
            let Some(LayerTensors {
                weight,
                bias,
                rows,
                columns,
            }) = *tensors
            else {
                continue;
            };
            let weights = self.parameters.get(weight);
            let mut scales = weight_scales(weights, columns);
            round_to_scales(weights, &scales, &mut rounded.matrix);
            scales.iter_mut().for_each(|scale| *scale *= input);
            round_to_scales(self.parameters.get(bias), &scales, &mut rounded.bias);
            if outputs_first(layer.operator) {
                let matrix = &rounded.matrix;
                rounded
                    .panels
                    .pack(self.isa, matrix, columns, rows, columns);
                rounded
                    .transposed
                    .pack_transposed(self.isa, matrix, columns, columns, rows);
            }
        }
    }

    /// The weights and biases as they are now, before rounding.
    pub(super) fn layer_parameters(&self) -> Vec<LayerParameters> {
        let layers = self.graph.layers.iter().zip(&self.tensors);
        let own = layers.map(|(layer, tensors)| {
            let Some(tensors) = tensors else {
                return LayerParameters::default();
            };
            let weights = self.parameters.get(tensors.weight);
            LayerParameters {
                weights: if outputs_first(layer.operator) {
                    transpose(weights, tensors.columns)
                } else {
                    weights.to_vec()
                },
                bias: self.parameters.get(tensors.bias).to_vec(),
            }
        });
        own.collect()
    }

    /// The layers that are simulated: all but the softmax, whose place the loss takes.
    pub(super) fn simulated(&self) -> usize {
        let is_softmax = |layer: &danas_space::Layer| layer.operator == Operator::Softmax;
        let softmax = self.graph.layers.last().is_some_and(is_softmax);
        self.graph.layers.len() - usize::from(softmax)
    }
}
