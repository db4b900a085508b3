//! The quantised model: what the file holds and the interpreter computes with.

use danas_space::{Activation, Graph, Operator};

use crate::check::{ModelError, bias_count, check_count, check_graph, check_length, tensor_name};
use crate::fixed_point::Multiplier;
use crate::network::Fused;
use crate::softmax::Softmax;

/// How the integers of an activation map to real numbers: `real = scale x (q - zero_point)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantisation {
    /// The real distance of two neighbouring integers, positive.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i8,
}

impl Quantisation {
    /// The input: pixel `p` is the integer `p - 128` and the real number `(p - 128) / 128`.
    pub const PIXELS: Self = Self {
        scale: 1.0 / 128.0,
        zero_point: 0,
    };
    /// The output of a softmax.
    pub const PROBABILITIES: Self = Self {
        scale: 1.0 / 256.0,
        zero_point: -128,
    };

    /// The real number that `value` stands for.
    pub fn real(&self, value: i8) -> f64 {
        f64::from(self.scale) * f64::from(i32::from(value) - i32::from(self.zero_point))
    }

    /// The least and the greatest integer that an activation lets through.
    pub(crate) fn range(self, activation: Activation) -> (i8, i8) {
        Fused::from(activation).range(self)
    }
}

/// The quantised parameters of one layer; all empty for a layer without weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Int8Weights {
    /// Weights in the layout of the layer's operator, zero point 0.
    pub values: Vec<i8>,
    /// One scale per output channel.
    pub scales: Vec<f32>,
    /// One bias per output channel, of scale `input scale x weight scale`.
    pub bias: Vec<i32>,
}

/// An int8 model, checked: its shapes fit, and every multiplier of its integer arithmetic can be
/// represented.
#[derive(Debug, Clone, PartialEq)]
pub struct Int8Model {
    graph: Graph,
    quantisations: Vec<Quantisation>,
    weights: Vec<Int8Weights>,
}

/// The multipliers of an addition: both inputs to a common scale, 2^20 times as fine, and back.
pub(crate) struct AddMultipliers {
    pub(crate) inputs: [Multiplier; 2],
    pub(crate) output: Multiplier,
}

/// The number of bits by which an addition shifts its inputs to the left.
pub(crate) const ADD_SHIFT: u32 = 20;

/// The multipliers of an addition; `None` where TensorFlow Lite for Microcontrollers would abort.
pub(crate) fn add_multipliers(inputs: [f32; 2], output: f32) -> Option<AddMultipliers> {
    let twice_max = 2.0 * f64::from(inputs[0].max(inputs[1]));
    let below_one = |real: f64| {
        Multiplier::new(real).filter(|multiplier| real < 1.0 && multiplier.left_shift() == 0)
    };
    Some(AddMultipliers {
        inputs: [
            below_one(f64::from(inputs[0]) / twice_max)?,
            below_one(f64::from(inputs[1]) / twice_max)?,
        ],
        output: below_one(twice_max / (f64::from(1u32 << ADD_SHIFT) * f64::from(output)))?,
    })
}

/// The multipliers from accumulators to outputs, one per weight scale.
pub(crate) fn output_multipliers(
    input: f32,
    weights: &[f32],
    output: f32,
) -> Option<Vec<Multiplier>> {
    weights
        .iter()
        .map(|&scale| Multiplier::new(f64::from(input) * f64::from(scale) / f64::from(output)))
        .collect()
}

/// The multiplier of a fully connected layer whose weights have one scale: there the product of the scales is rounded
/// to single precision.
pub(crate) fn one_scale_multiplier(input: f32, weights: f32, output: f32) -> Option<Multiplier> {
    Multiplier::new(f64::from(input * weights) / f64::from(output))
}

/// Why an operator with weights cannot be computed, if so.
pub(crate) fn weights_fault(
    input: Quantisation,
    weights: &Int8Weights,
    output: Quantisation,
) -> Option<&'static str> {
    if !weights
        .scales
        .iter()
        .all(|scale| scale.is_normal() && *scale > 0.0)
    {
        return Some("a scale of the weights is not a positive number");
    }
    output_multipliers(input.scale, &weights.scales, output.scale)
        .is_none()
        .then_some("input scale x weight scale / output scale is out of range")
}

/// Why an addition cannot be computed, if so.
pub(crate) fn add_fault(inputs: [Quantisation; 2], output: Quantisation) -> Option<&'static str> {
    add_multipliers(inputs.map(|input| input.scale), output.scale)
        .is_none()
        .then_some("the output scale is too fine for the scales of the inputs")
}

/// Why a softmax cannot be computed, if so.
pub(crate) fn softmax_fault(input: Quantisation, output: Quantisation) -> Option<&'static str> {
    if output != Quantisation::PROBABILITIES {
        return Some("a softmax must write with scale 1/256 and zero point -128");
    }
    Softmax::new(input.scale)
        .is_none()
        .then_some("the scale of the input of the softmax is below 2^-26")
}

impl Int8Model {
    /// Joins a graph, the quantisation of its tensors (`quantisations[0]` of the input,
    /// `quantisations[i + 1]` of what layer `i` writes) and the weights of its layers.
    ///
    /// # Errors
    /// [`ModelError`] when the graph is malformed or too large, when a layer has not exactly the parameters
    /// that it needs, or when the quantisation cannot be computed with.
    pub fn new(
        graph: Graph,
        quantisations: Vec<Quantisation>,
        weights: Vec<Int8Weights>,
    ) -> Result<Self, ModelError> {
        check_graph(&graph)?;
        let layers = graph.layers.len();
        check_length("sets of weights", layers, weights.len())?;
        check_length("quantisations of tensors", layers + 1, quantisations.len())?;
        let model = Self {
            graph,
            quantisations,
            weights,
        };
        for tensor in 0..=layers {
            let scale = model.quantisations[tensor].scale;
            if !(scale.is_normal() && scale > 0.0) {
                return Err(model.unrepresentable(tensor, "the scale is not a positive number"));
            }
        }
        for layer in 0..layers {
            model.check_counts(layer)?;
            model.check_quantisation(layer)?;
        }
        Ok(model)
    }

    /// The network.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The quantisation of every tensor: the input, then the outputs of the layers.
    pub fn quantisations(&self) -> &[Quantisation] {
        &self.quantisations
    }

    /// The quantisation of the output.
    ///
    /// # Panics
    /// Never: [`Int8Model::new`] has checked that there is one per tensor.
    pub fn output_quantisation(&self) -> Quantisation {
        *self
            .quantisations
            .last()
            .expect("one per tensor, and the input is one")
    }

    /// The parameters, one entry per layer.
    pub fn weights(&self) -> &[Int8Weights] {
        &self.weights
    }

    /// The number of values that one example gives.
    pub fn outputs(&self) -> usize {
        self.graph
            .layers
            .last()
            .map_or(0, |layer| layer.output.elements())
    }

    /// The graph, the quantisations and the weights.
    pub(crate) fn into_parts(self) -> (Graph, Vec<Quantisation>, Vec<Int8Weights>) {
        (self.graph, self.quantisations, self.weights)
    }

    fn unrepresentable(&self, tensor: usize, reason: &'static str) -> ModelError {
        ModelError::Quantisation {
            tensor: tensor_name(&self.graph, tensor),
            reason,
        }
    }

    fn check_counts(&self, index: usize) -> Result<(), ModelError> {
        let (layer, weights) = (&self.graph.layers[index], &self.weights[index]);
        let biases = bias_count(layer);
        let values = self.graph.layer_weights(index);
        check_count(layer, "weights", values, weights.values.len())?;
        check_count(layer, "scales of weights", biases, weights.scales.len())?;
        check_count(layer, "biases", biases, weights.bias.len())
    }

    fn check_quantisation(&self, index: usize) -> Result<(), ModelError> {
        let (layer, weights) = (&self.graph.layers[index], &self.weights[index]);
        let input = self.quantisations[layer.inputs[0].0];
        let output = self.quantisations[index + 1];
        let fault = match layer.operator {
            Operator::Convolution { .. } | Operator::Depthwise { .. } | Operator::Dense => {
                weights_fault(input, weights, output)
            }
            Operator::Add => add_fault([input, self.quantisations[layer.inputs[1].0]], output),
            Operator::GlobalAveragePool => {
                (input != output).then_some("a pool must have the same quantisation in and out")
            }
            Operator::Softmax => softmax_fault(input, output),
        };
        fault.map_or(
            Ok(()),
            |reason| Err(self.unrepresentable(index + 1, reason)),
        )
    }
}
