//! A network as the runtime sees it, whoever wrote its file: tensors that have to be placed, and operators.
//!
//! A [`Graph`] is what is searched, trained and written here. A [`Program`] is also what other tools write, with
//! operators and windows that no graph has; every graph is a program too.

use danas_space::{Graph, Layer, Operator, Shape};
use serde::Serialize;

/// What an operation of the runtime computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorKind {
    /// Sum of two tensors of the same shape.
    Add,
    /// Averages over windows.
    AveragePool,
    /// Dense convolution.
    Convolution,
    /// Depthwise convolution, with any multiplier.
    Depthwise,
    /// Fully connected layer.
    FullyConnected,
    /// Maxima over windows.
    MaxPool,
    /// Averages over all rows and columns.
    Mean,
    /// Joins numbers of a shape; converters write it before a RESHAPE.
    Pack,
    /// Adds rows and columns.
    Pad,
    /// The same values in another shape.
    Reshape,
    /// The dimensions of a tensor; converters write it before a RESHAPE.
    Shape,
    /// Softmax over the channels.
    Softmax,
    /// Takes numbers out of a shape; converters write it before a RESHAPE.
    StridedSlice,
}

impl OperatorKind {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = 13;

    /// Whether the operator has weights and a bias.
    pub fn has_weights(self) -> bool {
        matches!(
            self,
            Self::Convolution | Self::Depthwise | Self::FullyConnected
        )
    }

    /// The name in the format's schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::AveragePool => "AVERAGE_POOL_2D",
            Self::Convolution => "CONV_2D",
            Self::Depthwise => "DEPTHWISE_CONV_2D",
            Self::FullyConnected => "FULLY_CONNECTED",
            Self::MaxPool => "MAX_POOL_2D",
            Self::Mean => "MEAN",
            Self::Pack => "PACK",
            Self::Pad => "PAD",
            Self::Reshape => "RESHAPE",
            Self::Shape => "SHAPE",
            Self::Softmax => "SOFTMAX",
            Self::StridedSlice => "STRIDED_SLICE",
        }
    }
}

/// The window of a convolution or a pool; rows before columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Window {
    /// Sides of the kernel.
    pub kernel: [usize; 2],
    /// Distance of two outputs in the input.
    pub stride: [usize; 2],
    /// Distance of two taps of the kernel in the input.
    pub dilation: [usize; 2],
}

impl Window {
    /// The window of an operator that has none: single pixels.
    pub const PIXEL: Self = Self::square(1, 1);

    /// A square window without gaps.
    pub const fn square(kernel: usize, stride: usize) -> Self {
        Self {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [1; 2],
        }
    }

    /// The number of taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether the kernel has no gaps.
    pub(crate) fn is_dense(&self) -> bool {
        self.dilation == [1; 2]
    }
}

/// One operator applied to tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Operation {
    /// What it computes.
    pub kind: OperatorKind,
    /// The shape of the (first) tensor that it reads.
    pub input: Shape,
    /// The shape of what it writes.
    pub output: Shape,
    /// Its window; [`Window::PIXEL`] where it has none.
    pub window: Window,
    /// How many multipliers the runtime keeps: one per output channel of a convolution, and of a fully connected layer
    /// whose weights have more than one scale; otherwise 0.
    pub multipliers: usize,
}

impl Operation {
    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        let outputs = self.output.elements();
        let macs = match self.kind {
            OperatorKind::Convolution => outputs * self.window.taps() * self.input.channels,
            OperatorKind::Depthwise => outputs * self.window.taps(),
            OperatorKind::FullyConnected => outputs * self.input.elements(),
            _ => 0,
        };
        macs as u64
    }
}

/// A tensor that has to be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) bytes: u64,
    /// The first and the last operation during which it is alive.
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// Operations in the order in which they run. Each writes one tensor: tensor 0 is the input, tensor `i + 1` what
/// operation `i` writes. The last one's is the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    tensors: Vec<Tensor>,
    operations: Vec<Operation>,
    constants: u64,
}

impl Program {
    /// A program that reads an input of so many bytes and does nothing with it yet. The file holds `constants` tensors
    /// beside those that the program reads and writes: weights, biases and the like.
    pub fn new(input_bytes: u64, constants: u64) -> Self {
        Self {
            tensors: vec![Tensor {
                bytes: input_bytes,
                first: 0,
                last: 0,
            }],
            operations: Vec::new(),
            constants,
        }
    }

    /// Appends an operation that reads `inputs` and writes a tensor of so many bytes.
    ///
    /// # Panics
    /// If it reads a tensor that nothing before it writes.
    pub fn push(
        &mut self,
        operation: Operation,
        inputs: impl IntoIterator<Item = usize>,
        output_bytes: u64,
    ) {
        let index = self.operations.len();
        for input in inputs {
            self.tensors[input].last = index;
        }
        self.operations.push(operation);
        self.tensors.push(Tensor {
            bytes: output_bytes,
            first: index,
            last: index,
        });
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        self.operations.iter().map(Operation::macs).sum()
    }

    /// The first and the last operation during which each tensor is alive: from the one that writes it, the input from
    /// the start, to the last one that reads it.
    pub fn lifetimes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.tensors
            .iter()
            .map(|tensor| (tensor.first, tensor.last))
    }

    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// All tensors of the file, constants included.
    pub(crate) fn tensors_of_file(&self) -> u64 {
        self.tensors.len() as u64 + self.constants
    }
}

/// A graph as the file that is written of it: a classifier is a convolution whose kernel is the whole map.
///
/// # Panics
/// If a layer reads a tensor that does not exist.
impl From<&Graph> for Program {
    fn from(graph: &Graph) -> Self {
        let weighted = graph
            .layers
            .iter()
            .filter(|layer| layer.operator.has_weights());
        let mut program = Self::new(graph.input.elements() as u64, 2 * weighted.count() as u64);
        program.tensors.reserve(graph.layers.len());
        program.operations.reserve(graph.layers.len());
        for layer in &graph.layers {
            let operation = operation(layer, graph.shape(layer.inputs[0]));
            let inputs = layer.inputs.iter().map(|input| input.0);
            program.push(operation, inputs, layer.output.elements() as u64);
        }
        program
    }
}

fn operation(layer: &Layer, input: Shape) -> Operation {
    let whole = Window {
        kernel: [input.height, input.width],
        ..Window::PIXEL
    };
    let (kind, window) = match layer.operator {
        Operator::Convolution { kernel, stride, .. } => {
            (OperatorKind::Convolution, Window::square(kernel, stride))
        }
        Operator::Depthwise { kernel, stride, .. } => {
            (OperatorKind::Depthwise, Window::square(kernel, stride))
        }
        Operator::Dense => (OperatorKind::Convolution, whole),
        Operator::Add => (OperatorKind::Add, Window::PIXEL),
        Operator::GlobalAveragePool => (OperatorKind::AveragePool, whole),
        Operator::Softmax => (OperatorKind::Softmax, Window::PIXEL),
    };
    Operation {
        kind,
        input,
        output: layer.output,
        window,
        multipliers: if kind.has_weights() {
            layer.output.channels
        } else {
            0
        },
    }
}
