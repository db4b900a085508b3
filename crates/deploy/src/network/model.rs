//! Models to networks, and networks to models where they are such.

use danas_device::Window;
use danas_space::{Activation, Graph, Layer, Operator, Shape, TensorId};

use super::{Computation, Fused, Network, NetworkOperator, Sliding, Tensor};
use crate::int8::{Int8Model, Quantisation};
use crate::kernels::Padding;
use crate::read::ReadError;

impl From<Int8Model> for Network {
    fn from(model: Int8Model) -> Self {
        let (graph, quantisations, weights) = model.into_parts();
        let shapes = (0..quantisations.len()).map(|tensor| graph.shape(TensorId(tensor)));
        let tensors = shapes
            .zip(&quantisations)
            .map(|(shape, &quantisation)| Tensor::Activation(shape, quantisation))
            .collect();
        let constants = weights.iter().filter(|weights| !weights.values.is_empty());
        let constants = 2 * constants.count() as u64;
        let operators = graph
            .layers
            .iter()
            .zip(weights)
            .map(|(layer, weights)| NetworkOperator {
                name: layer.name.clone(),
                computation: computation(layer, graph.shape(layer.inputs[0])),
                inputs: layer.inputs.iter().map(|input| input.0).collect(),
                weights,
            })
            .collect();
        Self {
            tensors,
            operators,
            constants,
        }
    }
}

/// What the runtime computes for a layer: a classifier is written as a convolution whose kernel is the whole map.
fn computation(layer: &Layer, input: Shape) -> Computation {
    let same = |kernel, stride| Sliding {
        window: Window::square(kernel, stride),
        padding: Padding::Same,
    };
    let whole = Sliding {
        window: Window {
            kernel: [input.height, input.width],
            ..Window::PIXEL
        },
        padding: Padding::Valid,
    };
    match layer.operator {
        Operator::Convolution {
            kernel,
            stride,
            activation,
        } => Computation::Convolution(same(kernel, stride), activation.into()),
        Operator::Depthwise {
            kernel,
            stride,
            activation,
        } => Computation::Depthwise(same(kernel, stride), activation.into()),
        Operator::Dense => Computation::Convolution(whole, Fused::None),
        Operator::Add => Computation::Add(Fused::None),
        Operator::GlobalAveragePool => Computation::AveragePool(whole, Fused::None),
        Operator::Softmax => Computation::Softmax,
    }
}

impl Network {
    /// The layer that computes what operator `index` does, if there is one.
    fn layer(&self, index: usize) -> Result<Operator, String> {
        let operator = &self.operators()[index];
        let (input, output) = (self.shape(operator.inputs[0]), self.shape(index + 1));
        let kind = operator.computation.kind().name();
        Ok(match operator.computation {
            Computation::Convolution(sliding, fused) => {
                let whole = sliding.window.kernel == [input.height, input.width]
                    && sliding.window.dilation == [1, 1];
                if whole && sliding.padding == Padding::Valid && fused == Fused::None {
                    return Ok(Operator::Dense);
                }
                let ((kernel, stride), activation) = (square(sliding)?, activation(fused)?);
                Operator::Convolution {
                    kernel,
                    stride,
                    activation,
                }
            }
            Computation::Depthwise(sliding, fused) if input.channels == output.channels => {
                let ((kernel, stride), activation) = (square(sliding)?, activation(fused)?);
                Operator::Depthwise {
                    kernel,
                    stride,
                    activation,
                }
            }
            Computation::Add(Fused::None) => Operator::Add,
            Computation::AveragePool(sliding, Fused::None)
                if sliding.window.kernel == [input.height, input.width]
                    && sliding.padding == Padding::Valid =>
            {
                Operator::GlobalAveragePool
            }
            Computation::Softmax => Operator::Softmax,
            Computation::Depthwise(..) | Computation::Add(_) | Computation::AveragePool(..) => {
                return Err(format!("{kind} with these options"));
            }
            Computation::FullyConnected { .. }
            | Computation::MaxPool(..)
            | Computation::Mean
            | Computation::Reshape
            | Computation::Pad { .. }
            | Computation::Dimensions(_) => return Err(kind.to_owned()),
        })
    }

    /// The network as a model, if it has no other operators than models have.
    ///
    /// # Errors
    /// [`ReadError::Unsupported`] names the first operator that no model has.
    pub fn into_model(self) -> Result<Int8Model, ReadError> {
        let layers = self.operators.iter().enumerate().map(|(index, operator)| {
            let layer = self.layer(index).map_err(|what| {
                ReadError::unsupported(
                    &format!("operator {index}"),
                    format!("{what}, which danas itself does not write,"),
                )
            })?;
            Ok(Layer {
                name: operator.name.clone(),
                operator: layer,
                inputs: operator.inputs.iter().copied().map(TensorId).collect(),
                output: self.shape(index + 1),
            })
        });
        let graph = Graph {
            input: self.input(),
            layers: layers.collect::<Result<_, ReadError>>()?,
        };
        let quantisations = (0..self.tensors.len()).map(|tensor| self.quantisation(tensor));
        let quantisations: Vec<Quantisation> = quantisations.collect();
        let weights = self.operators.into_iter().map(|operator| operator.weights);
        Ok(Int8Model::new(graph, quantisations, weights.collect())?)
    }
}

/// Side and stride of a square window with SAME padding.
fn square(sliding: Sliding) -> Result<(usize, usize), String> {
    let Sliding { window, padding } = sliding;
    let ([rows, columns], [down, right]) = (window.kernel, window.stride);
    if rows != columns || down != right {
        return Err(format!(
            "a window of {rows}x{columns} with stride {down}x{right}"
        ));
    }
    if window.dilation != [1, 1] {
        return Err("dilation".to_owned());
    }
    // A window of one pixel needs no padding: both kinds mean the same.
    if padding == Padding::Valid && rows != 1 {
        return Err("a window without padding".to_owned());
    }
    Ok((rows, down))
}

fn activation(fused: Fused) -> Result<Activation, String> {
    match fused {
        Fused::None => Ok(Activation::Linear),
        Fused::Relu6 => Ok(Activation::Relu6),
        Fused::Relu | Fused::ReluN1To1 => Err("this fused activation".to_owned()),
    }
}
