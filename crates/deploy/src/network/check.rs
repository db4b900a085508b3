//! What every network must satisfy before anything is computed with it. Sizes are checked before anything of that size
//! is allocated.

use danas_device::OperatorKind;
use danas_space::Shape;

use super::{Computation, Network, NetworkOperator, Sliding, Tensor};
use crate::check::{
    MAX_ACTIVATIONS, MAX_AVERAGED, MAX_CLASSES, MAX_KERNEL_TAPS, MAX_LAYERS, MAX_PRODUCTS,
    ModelError, check_shape, check_weights, within,
};
use crate::int8::{Quantisation, add_fault, one_scale_multiplier, softmax_fault, weights_fault};
use crate::kernels::{Padding, padded_weights, span};
use crate::pooling::Mean;

impl Network {
    /// A network that does nothing yet.
    pub(crate) fn new(input: Shape, quantisation: Quantisation) -> Result<Self, ModelError> {
        check_shape("the input", input)?;
        check_scale("the input", quantisation)?;
        Ok(Self {
            tensors: vec![Tensor::Activation(input, quantisation)],
            operators: Vec::new(),
            constants: 0,
        })
    }

    /// Appends an operator whose inputs exist, and the tensor that it writes.
    pub(crate) fn push(
        &mut self,
        operator: NetworkOperator,
        output: Tensor,
    ) -> Result<(), ModelError> {
        within(
            "the number of operators",
            self.operators.len() as u64 + 1,
            MAX_LAYERS as u64,
        )?;
        if let Tensor::Activation(shape, quantisation) = output {
            check_shape(&operator.name, shape)?;
            check_scale(&operator.name, quantisation)?;
        }
        self.tensors.push(output);
        self.operators.push(operator);
        let index = self.operators.len() - 1;
        self.check_kinds(index)?;
        self.check_sizes(index)?;
        if !matches!(
            self.operators[index].computation,
            Computation::Dimensions(_)
        ) {
            self.check_output(index)?;
            self.check_parameters(index)?;
            self.check_quantisation(index)?;
        }
        Ok(())
    }

    /// Says how many tensors the file holds.
    pub(crate) fn finish(mut self, tensors_of_file: usize) -> Result<Self, ModelError> {
        if !matches!(self.tensors.last(), Some(Tensor::Activation(..))) || self.operators.is_empty()
        {
            return Err(ModelError::NoLayers);
        }
        self.constants = tensors_of_file.saturating_sub(self.tensors.len()) as u64;
        Ok(self)
    }

    /// Checks that the operator reads and writes activations where it computes with them.
    fn check_kinds(&self, index: usize) -> Result<(), ModelError> {
        let operator = &self.operators[index];
        let is_activation = |tensor: usize| matches!(self.tensors[tensor], Tensor::Activation(..));
        let dimensions = matches!(operator.computation, Computation::Dimensions(_));
        // A shape that was computed before is read last.
        let computed_with = match operator.computation {
            Computation::Add(_) => 2,
            Computation::Dimensions(_) => 0,
            _ => 1,
        };
        let fits = operator.inputs.len() >= computed_with.max(1)
            && operator.inputs[..computed_with]
                .iter()
                .all(|&input| is_activation(input));
        if !fits || is_activation(index + 1) == dimensions {
            return Err(ModelError::Inputs {
                layer: operator.name.clone(),
                expected: computed_with.max(1),
                found: operator.inputs.len(),
            });
        }
        Ok(())
    }

    /// Checks how much the operator computes with, and how much all of them do.
    fn check_sizes(&self, index: usize) -> Result<(), ModelError> {
        let operator = &self.operators[index];
        let (input, output) = (self.shape(operator.inputs[0]), self.shape(index + 1));
        let name = &operator.name;
        let taps = operator
            .computation
            .sliding()
            .map_or(1, |sliding| sliding.window.taps() as u64);
        let products = match operator.computation.kind() {
            OperatorKind::Convolution => taps * input.channels as u64,
            OperatorKind::FullyConnected => input.elements() as u64,
            _ => 0,
        };
        within(
            format!("the number of products in one output of {name}"),
            products,
            MAX_PRODUCTS,
        )?;
        let (what, count, limit) = match operator.computation.kind() {
            OperatorKind::Depthwise => ("taps of the kernel", taps, MAX_KERNEL_TAPS),
            OperatorKind::AveragePool | OperatorKind::MaxPool => {
                ("taps of the window", taps, MAX_AVERAGED)
            }
            OperatorKind::Mean => {
                let pixels = input.height as u64 * input.width as u64;
                ("pixels", pixels, MAX_AVERAGED)
            }
            OperatorKind::Softmax => ("channels", output.channels as u64, MAX_CLASSES as u64),
            _ => ("", 0, 0),
        };
        within(format!("the number of {what} of {name}"), count, limit)?;
        let activations =
            (0..self.tensors.len()).map(|tensor| self.shape(tensor).elements() as u64);
        within(
            "the number of elements of all activations",
            activations.sum(),
            MAX_ACTIVATIONS,
        )?;
        let weights = self.operators.iter().map(|operator| {
            padded_weights(operator.weights.values.len(), operator.weights.scales.len())
        });
        check_weights(weights.sum())
    }

    /// Checks that the file states the shape that the operator makes.
    fn check_output(&self, index: usize) -> Result<(), ModelError> {
        let operator = &self.operators[index];
        let (input, found) = (self.shape(operator.inputs[0]), self.shape(index + 1));
        let pixel = |channels| Shape {
            height: 1,
            width: 1,
            channels,
        };
        let expected = match operator.computation {
            Computation::Convolution(sliding, _) => slide(input, sliding, found.channels),
            Computation::Depthwise(sliding, _) => {
                let multiplier = (found.channels / input.channels).max(1);
                slide(input, sliding, multiplier * input.channels)
            }
            Computation::AveragePool(sliding, _) | Computation::MaxPool(sliding, _) => {
                slide(input, sliding, input.channels)
            }
            // How the outputs are arranged is left to the file.
            Computation::FullyConnected { .. } => Some(found),
            Computation::Reshape if found.elements() == input.elements() => Some(found),
            Computation::Mean => Some(pixel(input.channels)),
            Computation::Pad { top, left } => Some(Shape {
                height: found.height.max(input.height + top),
                width: found.width.max(input.width + left),
                channels: input.channels,
            }),
            Computation::Add(_)
                if operator.inputs[..2]
                    .iter()
                    .any(|&tensor| self.shape(tensor) != input) =>
            {
                None
            }
            Computation::Add(_)
            | Computation::Softmax
            | Computation::Reshape
            | Computation::Dimensions(_) => Some(input),
        };
        if expected != Some(found) {
            let sides = |shape: Shape| [shape.height, shape.width, shape.channels];
            return Err(ModelError::OutputShape {
                layer: operator.name.clone(),
                expected: expected.map_or([0; 3], sides),
                found: sides(found),
            });
        }
        Ok(())
    }

    /// Checks that there are as many weights, scales and biases as the operator needs.
    fn check_parameters(&self, index: usize) -> Result<(), ModelError> {
        let operator = &self.operators[index];
        let (input, output) = (self.shape(operator.inputs[0]), self.shape(index + 1));
        let (products, outputs) = match operator.computation {
            Computation::Convolution(sliding, _) => {
                (sliding.window.taps() * input.channels, output.channels)
            }
            Computation::Depthwise(sliding, _) => (sliding.window.taps(), output.channels),
            Computation::FullyConnected { .. } => (input.elements(), output.elements()),
            _ => (0, 0),
        };
        let weights = &operator.weights;
        for (what, expected, found) in [
            ("weights", products * outputs, weights.values.len()),
            ("scales of weights", outputs, weights.scales.len()),
            ("biases", outputs, weights.bias.len()),
        ] {
            if expected != found {
                return Err(ModelError::Parameters {
                    layer: operator.name.clone(),
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }

    /// Checks that the integer arithmetic of an operator can be done.
    fn check_quantisation(&self, index: usize) -> Result<(), ModelError> {
        let operator = &self.operators[index];
        let input = self.quantisation(operator.inputs[0]);
        let output = self.quantisation(index + 1);
        let fault = match operator.computation {
            Computation::FullyConnected {
                one_scale: true, ..
            } => {
                let scale = operator.weights.scales[0];
                let multiplier = one_scale_multiplier(input.scale, scale, output.scale);
                multiplier
                    .is_none()
                    .then_some("input scale x weight scale / output scale is out of range")
            }
            Computation::Convolution(..)
            | Computation::Depthwise(..)
            | Computation::FullyConnected { .. } => weights_fault(input, &operator.weights, output),
            Computation::Add(_) => {
                let other = self.quantisation(operator.inputs[1]);
                add_fault([input, other], output)
            }
            Computation::Softmax => softmax_fault(input, output),
            Computation::Mean => {
                let pixels = self.shape(operator.inputs[0]);
                let pixels = pixels.height * pixels.width;
                let mean = Mean::new(input, output, pixels);
                mean.is_none()
                    .then_some("input scale / output scale is out of range")
            }
            Computation::AveragePool(..)
            | Computation::MaxPool(..)
            | Computation::Reshape
            | Computation::Pad { .. } => {
                (input != output).then_some("it must be the same in and out")
            }
            Computation::Dimensions(_) => None,
        };
        fault.map_or(Ok(()), |reason| {
            Err(ModelError::Quantisation {
                tensor: operator.name.clone(),
                reason,
            })
        })
    }
}

fn check_scale(tensor: &str, quantisation: Quantisation) -> Result<(), ModelError> {
    let scale = quantisation.scale;
    if !(scale.is_normal() && scale > 0.0) {
        return Err(ModelError::Quantisation {
            tensor: tensor.to_owned(),
            reason: "the scale is not a positive number",
        });
    }
    Ok(())
}

/// What a window makes of a shape; `None` where it does not fit in.
fn slide(input: Shape, sliding: Sliding, channels: usize) -> Option<Shape> {
    let side = |input: usize, axis: usize| {
        let stride = sliding.window.stride[axis];
        match sliding.padding {
            Padding::Same => Some(input.div_ceil(stride)),
            Padding::Valid => {
                let room = input.checked_sub(span(&sliding.window, axis) - 1)?;
                Some(room.div_ceil(stride)).filter(|&side| side > 0)
            }
        }
    };
    Some(Shape {
        height: side(input.height, 0)?,
        width: side(input.width, 1)?,
        channels,
    })
}
