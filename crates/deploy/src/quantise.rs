//! From floating point to int8.

use danas_space::{Graph, Operator};

use crate::calibrate::{Observations, Range, Ranges};
use crate::check::{ModelError, check_length, tensor_name};
use crate::int8::{Int8Model, Int8Weights, Quantisation};
use crate::model::{FloatModel, LayerParameters};

/// The finest scale of an activation: keeps every multiplier of a softmax (above 2^-26) and of a ReLU6
/// (6 / scale below 2^31) representable, and is far below what a network that works needs.
const FINEST_SCALE: f64 = 1.0 / (1 << 20) as f64;
/// An addition's output may be this much finer than its inputs; at 2^19 TensorFlow Lite aborts.
const FINEST_SUM: f64 = 1.0 / (1 << 18) as f64;
/// Biases stay below this, so that no accumulator overflows (products stay below it, too).
const LARGEST_BIAS: f64 = (1 << 30) as f64;
/// Steps that the greatest bias has in a layer whose weights are all zero.
const BIAS_STEPS: f64 = (1 << 20) as f64;
/// Weights below this are zero: their scale could not be represented beside the input's.
const LEAST_WEIGHT: f64 = 1e-25;
/// The greatest weight or bias: beyond it products of scales could overflow.
const GREATEST: f64 = 1e25;

/// Why a model could not be quantised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// The ranges or the result do not make a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A range is not finite, or 0 is not in it.
    #[error("the range [{min}, {max}] of {tensor} is not finite or does not contain 0")]
    Range {
        /// The input, or the layer that writes the tensor.
        tensor: String,
        /// Lower end.
        min: f32,
        /// Upper end.
        max: f32,
    },
    /// Weights or biases are so large that no scale can represent them.
    #[error("layer {layer} has weights or biases beyond 1e25; hint: the training has diverged")]
    Diverged {
        /// The layer.
        layer: String,
    },
}

/// The asymmetric quantisation of a range, with a scale of at least `finest`.
fn asymmetric(range: Range, finest: f64) -> Quantisation {
    let (min, max) = (f64::from(range.min), f64::from(range.max));
    let scale = (((max - min) / 255.0).max(finest)) as f32;
    let zero_point = (-128.0 - min / f64::from(scale)).round();
    Quantisation {
        scale,
        zero_point: zero_point.clamp(-128.0, 127.0) as i8,
    }
}

/// The greatest magnitude of the weights of each channel.
fn magnitudes(weights: &[f32], channel: impl Fn(usize) -> usize, channels: usize) -> Vec<f64> {
    let mut magnitudes = vec![0.0f64; channels];
    for (index, weight) in weights.iter().enumerate() {
        let magnitude = &mut magnitudes[channel(index)];
        *magnitude = magnitude.max(f64::from(weight.abs()));
    }
    magnitudes
}

/// The scales of the weights. A channel whose weights are all zero takes the scale of the others; a scale is
/// raised where the bias would not fit its integer otherwise.
fn weight_scales(magnitudes: &[f64], biases: &[f64], input: f64) -> Vec<f32> {
    let significant = |magnitude: f64| magnitude >= LEAST_WEIGHT;
    let greatest = magnitudes.iter().copied().fold(0.0, f64::max);
    let greatest_bias = biases.iter().copied().fold(0.0, f64::max);
    let fallback = if significant(greatest) {
        greatest
    } else {
        (127.0 * greatest_bias / (input * BIAS_STEPS)).max(LEAST_WEIGHT)
    };
    magnitudes
        .iter()
        .zip(biases)
        .map(|(&magnitude, bias)| {
            let magnitude = if significant(magnitude) {
                magnitude
            } else {
                fallback
            };
            (magnitude / 127.0).max(bias / (input * LARGEST_BIAS)) as f32
        })
        .collect()
}

/// The output channel and the input channel that a weight of a layer connects.
fn connection(graph: &Graph, index: usize) -> Option<impl Fn(usize) -> (usize, usize) + use<>> {
    let layer = &graph.layers[index];
    let outputs = layer.output.channels;
    let inputs = graph.shape(layer.inputs[0]).channels;
    let depth = graph.layer_weights(index) / outputs;
    let depthwise = matches!(layer.operator, Operator::Depthwise { .. });
    layer.operator.has_weights().then_some(move |weight| {
        if depthwise {
            (weight % outputs, weight % outputs)
        } else {
            (weight / depth, weight % inputs)
        }
    })
}

/// Quantises the parameters of layer `index`, whose input has the scale `input`; the scales of the weights leave none
/// clipped. Scales of least squared error would gain little: on normal, uniform and Laplace weights they lessen a noise
/// that is 40 to 50 dB below the signal by 3 % (384 weights a channel) to 22 % (9 weights).
fn quantise_weights(
    graph: &Graph,
    index: usize,
    parameters: &LayerParameters,
    input: f32,
    seen: Option<&Observations>,
) -> Result<Int8Weights, QuantiseError> {
    let layer = &graph.layers[index];
    let Some(connection) = connection(graph, index) else {
        return Ok(Int8Weights::default());
    };
    let channel = |weight| connection(weight).0;
    let magnitudes = magnitudes(&parameters.weights, channel, layer.output.channels);
    let biases: Vec<f64> = parameters
        .bias
        .iter()
        .map(|bias| f64::from(bias.abs()))
        .collect();
    if magnitudes
        .iter()
        .chain(&biases)
        .any(|&value| value > GREATEST)
    {
        return Err(QuantiseError::Diverged {
            layer: layer.name.clone(),
        });
    }
    let scales = weight_scales(&magnitudes, &biases, f64::from(input));
    let weights = || parameters.weights.iter().enumerate();
    let values: Vec<i8> = weights()
        .map(|(at, &weight)| {
            let steps = f64::from(weight) / f64::from(scales[channel(at)]);
            steps.round().clamp(-127.0, 127.0) as i8
        })
        .collect();
    let mut bias: Vec<f64> = parameters.bias.iter().copied().map(f64::from).collect();
    if let Some(seen) = seen {
        let means = seen.means(layer.inputs[0].0);
        for (at, &weight) in weights() {
            let (output, input) = connection(at);
            let rounded = f64::from(values[at]) * f64::from(scales[output]);
            bias[output] += (f64::from(weight) - rounded) * means[input];
        }
    }
    let bias = bias
        .iter()
        .zip(&scales)
        .map(|(&bias, &scale)| {
            let steps = bias / (f64::from(input) * f64::from(scale));
            steps.round().clamp(-LARGEST_BIAS, LARGEST_BIAS) as i32
        })
        .collect();
    Ok(Int8Weights {
        values,
        scales,
        bias,
    })
}

/// Quantises a model: weights symmetric per output channel, biases
/// as 32 bit integers, activations asymmetric over the calibrated `ranges`. Additions keep the scales of
/// their inputs, pools pass their input's on, a softmax writes with 1/256 and -128, and the network's input
/// has [`Quantisation::PIXELS`] whatever its range.
///
/// # Errors
/// [`QuantiseError`] when the ranges do not fit the model or a number is beyond what int8 scales represent.
pub fn quantise(model: &FloatModel, ranges: &Ranges) -> Result<Int8Model, QuantiseError> {
    quantise_with(model, ranges, None)
}

/// As [`quantise`]; the mean error that rounded weights make on activations that were `seen` is taken out of the biases
/// (Nagel et al., arXiv 1906.04721, section 4.2). Padding is left out of account.
///
/// # Errors
/// As [`quantise`]; [`QuantiseError::Model`] also when another model was seen.
pub fn quantise_corrected(
    model: &FloatModel,
    ranges: &Ranges,
    seen: &Observations,
) -> Result<Int8Model, QuantiseError> {
    seen.check(model.graph())?;
    quantise_with(model, ranges, Some(seen))
}

fn quantise_with(
    model: &FloatModel,
    ranges: &Ranges,
    seen: Option<&Observations>,
) -> Result<Int8Model, QuantiseError> {
    let graph = model.graph();
    check_length("ranges of tensors", graph.layers.len() + 1, ranges.0.len())?;
    let mut quantisations = vec![Quantisation::PIXELS];
    let mut weights = Vec::with_capacity(graph.layers.len());
    for (index, layer) in graph.layers.iter().enumerate() {
        let range = ranges.0[index + 1];
        let valid = range.min <= 0.0 && range.max >= 0.0 && (range.max - range.min).is_finite();
        if !valid {
            return Err(QuantiseError::Range {
                tensor: tensor_name(graph, index + 1),
                min: range.min,
                max: range.max,
            });
        }
        let input: Quantisation = quantisations[layer.inputs[0].0];
        let quantised =
            quantise_weights(graph, index, &model.parameters()[index], input.scale, seen)?;
        quantisations.push(match layer.operator {
            Operator::GlobalAveragePool => input,
            Operator::Softmax => Quantisation::PROBABILITIES,
            Operator::Add => {
                let other = quantisations[layer.inputs[1].0];
                let coarsest = f64::from(input.scale.max(other.scale));
                asymmetric(range, FINEST_SCALE.max(coarsest * FINEST_SUM))
            }
            Operator::Convolution { .. } | Operator::Depthwise { .. } | Operator::Dense => {
                // Steps finer than those of the accumulator hold nothing, and would overflow it.
                let coarsest = quantised.scales.iter().copied().fold(0.0, f32::max);
                let step = f64::from(input.scale) * f64::from(coarsest);
                asymmetric(range, FINEST_SCALE.max(step * 1.000_001))
            }
        });
        weights.push(quantised);
    }
    Ok(Int8Model::new(graph.clone(), quantisations, weights)?)
}
