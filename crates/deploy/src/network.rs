//! An int8 network as its file describes it, whoever wrote the file.
//!
//! An [`crate::Int8Model`] is what danas makes: a graph of the few operators that it searches, trains and writes as C code. A
//! [`Network`] is what is read and run: it also holds the operators and windows that other tools write. Every model is a
//! network ([`From`]), and some networks are models ([`Network::into_model`]).

mod check;
mod model;
#[cfg(test)]
mod tests;

use danas_device::{Operation, OperatorKind, Program, Window};
use danas_space::{Activation, Shape};

use crate::int8::{Int8Weights, Quantisation};
use crate::kernels::Padding;

/// The function that is fused into an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fused {
    None,
    Relu,
    /// Between -1 and 1.
    ReluN1To1,
    Relu6,
}

impl From<Activation> for Fused {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Linear => Fused::None,
            Activation::Relu6 => Fused::Relu6,
        }
    }
}

impl Fused {
    /// The least and the greatest integer that it lets through.
    pub(crate) fn range(self, quantisation: Quantisation) -> (i8, i8) {
        let integer = |real: f32| {
            let steps = (real / quantisation.scale).round() as i32;
            let value = i32::from(quantisation.zero_point).saturating_add(steps);
            value.clamp(i8::MIN.into(), i8::MAX.into()) as i8
        };
        let zero = quantisation.zero_point;
        match self {
            Fused::None => (i8::MIN, i8::MAX),
            Fused::Relu => (zero, i8::MAX),
            Fused::ReluN1To1 => (integer(-1.0), integer(1.0)),
            Fused::Relu6 => (zero, integer(6.0)),
        }
    }
}

/// A window and where it may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sliding {
    pub(crate) window: Window,
    pub(crate) padding: Padding,
}

/// What a tensor holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tensor {
    /// Values that are computed with.
    Activation(Shape, Quantisation),
    /// Numbers of a shape, of so many bytes. They say what the file says of shapes anyway, but take memory on the
    /// device.
    Dimensions(u64),
}

/// What an operator computes. Each reads activations, the first of them at least, and writes one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Computation {
    /// Weights `[output channels, rows, columns, input channels]`.
    Convolution(Sliding, Fused),
    /// Weights `[rows, columns, output channels]`.
    Depthwise(Sliding, Fused),
    /// Weights `[outputs, inputs]`.
    FullyConnected {
        fused: Fused,
        /// Whether all weights have one scale: the runtime then multiplies it with the input's in single precision.
        one_scale: bool,
    },
    Add(Fused),
    AveragePool(Sliding, Fused),
    MaxPool(Sliding, Fused),
    /// Over all rows and columns.
    Mean,
    Softmax,
    Reshape,
    /// Rows above and columns to the left of the input; what is then missing comes below and to the right.
    Pad {
        top: usize,
        left: usize,
    },
    /// What converters compute of shapes before a [`Computation::Reshape`].
    Dimensions(OperatorKind),
}

impl Computation {
    pub(crate) fn kind(self) -> OperatorKind {
        match self {
            Computation::Convolution(..) => OperatorKind::Convolution,
            Computation::Depthwise(..) => OperatorKind::Depthwise,
            Computation::FullyConnected { .. } => OperatorKind::FullyConnected,
            Computation::Add(_) => OperatorKind::Add,
            Computation::AveragePool(..) => OperatorKind::AveragePool,
            Computation::MaxPool(..) => OperatorKind::MaxPool,
            Computation::Mean => OperatorKind::Mean,
            Computation::Softmax => OperatorKind::Softmax,
            Computation::Reshape => OperatorKind::Reshape,
            Computation::Pad { .. } => OperatorKind::Pad,
            Computation::Dimensions(kind) => kind,
        }
    }

    fn sliding(self) -> Option<Sliding> {
        match self {
            Computation::Convolution(sliding, _)
            | Computation::Depthwise(sliding, _)
            | Computation::AveragePool(sliding, _)
            | Computation::MaxPool(sliding, _) => Some(sliding),
            _ => None,
        }
    }
}

/// One operator applied to tensors that exist already.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NetworkOperator {
    /// For people.
    pub(crate) name: String,
    pub(crate) computation: Computation,
    /// What it reads, weights and biases apart.
    pub(crate) inputs: Vec<usize>,
    pub(crate) weights: Int8Weights,
}

/// An int8 network, checked: its shapes fit, and its integer arithmetic can be done. Tensor 0 is the input, tensor
/// `i + 1` what operator `i` writes, the last one the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    tensors: Vec<Tensor>,
    operators: Vec<NetworkOperator>,
    /// Tensors of the file that are not in `tensors`.
    constants: u64,
}

impl Network {
    /// The shape of the input of one example.
    pub fn input(&self) -> Shape {
        self.shape(0)
    }

    /// The quantisation of the input.
    pub fn input_quantisation(&self) -> Quantisation {
        self.quantisation(0)
    }

    /// The quantisation of the output.
    pub fn output_quantisation(&self) -> Quantisation {
        self.quantisation(self.operators.len())
    }

    /// The number of values that one example gives.
    pub fn outputs(&self) -> usize {
        self.shape(self.operators.len()).elements()
    }

    /// The network as the runtime sees it, for what it costs.
    pub fn program(&self) -> Program {
        let bytes = |tensor: usize| match self.tensors[tensor] {
            Tensor::Activation(shape, _) => shape.elements() as u64,
            Tensor::Dimensions(bytes) => bytes,
        };
        let mut program = Program::new(bytes(0), self.constants);
        for (index, operator) in self.operators.iter().enumerate() {
            let inputs = operator.inputs.iter().copied();
            program.push(self.operation(index), inputs, bytes(index + 1));
        }
        program
    }

    fn operation(&self, index: usize) -> Operation {
        let operator = &self.operators[index];
        let computation = operator.computation;
        let multipliers = match computation {
            Computation::FullyConnected {
                one_scale: true, ..
            } => 0,
            _ => operator.weights.scales.len(),
        };
        Operation {
            kind: computation.kind(),
            input: self.shape(operator.inputs[0]),
            output: self.shape(index + 1),
            window: computation
                .sliding()
                .map_or(Window::PIXEL, |sliding| sliding.window),
            multipliers,
        }
    }

    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    pub(crate) fn operators(&self) -> &[NetworkOperator] {
        &self.operators
    }

    /// The shape of a tensor; numbers of a shape count as one row of bytes.
    pub(crate) fn shape(&self, tensor: usize) -> Shape {
        match self.tensors[tensor] {
            Tensor::Activation(shape, _) => shape,
            Tensor::Dimensions(bytes) => Shape {
                height: 1,
                width: 1,
                channels: bytes as usize,
            },
        }
    }

    /// The quantisation of a tensor; that of plain integers for the numbers of a shape.
    pub(crate) fn quantisation(&self, tensor: usize) -> Quantisation {
        match self.tensors[tensor] {
            Tensor::Activation(_, quantisation) => quantisation,
            Tensor::Dimensions(_) => Quantisation {
                scale: 1.0,
                zero_point: 0,
            },
        }
    }
}
