//! A network as the device runs it: a plain list of layers with shapes, BatchNorm already folded away.

mod soundness;

pub use soundness::GraphError;

use serde::{Deserialize, Serialize};

/// The shape of an activation of one example, `[height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// The number of elements (bytes, in an int8 model).
    pub fn elements(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The shape after a convolution with SAME padding: `ceil(side / stride)` and new `channels`.
    fn strided(&self, stride: usize, channels: usize) -> Shape {
        Shape {
            height: self.height.div_ceil(stride),
            width: self.width.div_ceil(stride),
            channels,
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.height, self.width, self.channels)
    }
}

/// The activation fused into a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The identity.
    Linear,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// An operator. Convolutions pad as TensorFlow's SAME does: `output = ceil(input / stride)`, the odd
/// pixel of padding at the bottom and at the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Operator {
    /// Dense convolution `kernel x kernel`; weights `[output channels, kernel, kernel, input channels]`.
    Convolution {
        /// Side of the kernel.
        kernel: usize,
        /// Stride in both directions.
        stride: usize,
        /// Fused activation.
        activation: Activation,
    },
    /// Depthwise convolution, multiplier 1; weights `[kernel, kernel, channels]`.
    Depthwise {
        /// Side of the kernel.
        kernel: usize,
        /// Stride in both directions.
        stride: usize,
        /// Fused activation.
        activation: Activation,
    },
    /// Sum of two tensors of the same shape (a residual connection), no activation.
    Add,
    /// Average over the whole map: `[h, w, c]` to `[1, 1, c]`.
    GlobalAveragePool,
    /// Fully connected; weights `[outputs, inputs]`, output `[1, 1, outputs]`.
    Dense,
    /// Softmax over the channels.
    Softmax,
}

impl Operator {
    /// The shape that the operator makes of `input`, with `channels` output channels where the operator
    /// leaves them open (convolution and fully connected layer; others ignore the argument).
    ///
    /// # Panics
    /// If a stride is 0.
    pub fn output_shape(&self, input: Shape, channels: usize) -> Shape {
        match *self {
            Operator::Convolution { stride, .. } => input.strided(stride, channels),
            Operator::Depthwise { stride, .. } => input.strided(stride, input.channels),
            Operator::Add | Operator::Softmax => input,
            Operator::GlobalAveragePool => Shape {
                height: 1,
                width: 1,
                channels: input.channels,
            },
            Operator::Dense => Shape {
                height: 1,
                width: 1,
                channels,
            },
        }
    }

    /// How many tensors the operator reads.
    pub fn arity(&self) -> usize {
        match self {
            Operator::Add => 2,
            _ => 1,
        }
    }

    /// Whether the operator has weights and a bias per output channel.
    pub fn has_weights(&self) -> bool {
        matches!(
            self,
            Operator::Convolution { .. } | Operator::Depthwise { .. } | Operator::Dense
        )
    }
}

/// A tensor of a graph: 0 is the input of the network, `i + 1` the output of layer `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TensorId(pub usize);

/// One operator applied to tensors that exist already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// A name for people, for example `stage2.block1.expand`.
    pub name: String,
    /// What it computes.
    pub operator: Operator,
    /// What it reads: one tensor, two for [`Operator::Add`].
    pub inputs: Vec<TensorId>,
    /// The shape of what it writes.
    pub output: Shape,
}

/// A network: layers in the order in which they run. Every layer reads only the input or outputs of
/// earlier layers; the last layer's output is the network's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// The shape of the input.
    pub input: Shape,
    /// The layers in execution order.
    pub layers: Vec<Layer>,
}

impl Graph {
    /// The shape of a tensor.
    ///
    /// # Panics
    /// If the graph has no such tensor.
    pub fn shape(&self, tensor: TensorId) -> Shape {
        match tensor.0 {
            0 => self.input,
            i => self.layers[i - 1].output,
        }
    }

    /// The first and the last layer during which each tensor is alive: from the layer that writes it, the input from
    /// the start, to the last one that reads it.
    ///
    /// # Panics
    /// If a layer reads a tensor that does not exist.
    pub fn lifetimes(&self) -> Vec<(usize, usize)> {
        let first = |tensor: usize| tensor.saturating_sub(1);
        let mut lifetimes: Vec<(usize, usize)> = (0..=self.layers.len())
            .map(|tensor| (first(tensor), first(tensor)))
            .collect();
        for (index, layer) in self.layers.iter().enumerate() {
            for input in &layer.inputs {
                let last = &mut lifetimes[input.0].1;
                *last = index.max(*last);
            }
        }
        lifetimes
    }

    /// Multiply-accumulates of layer `index` (convolutions and fully connected layers; others count 0).
    ///
    /// # Panics
    /// If the graph has no such layer or the layer reads a tensor that does not exist.
    pub fn layer_macs(&self, index: usize) -> u64 {
        let layer = &self.layers[index];
        let input = self.shape(layer.inputs[0]);
        let output = layer.output;
        let macs = match layer.operator {
            Operator::Convolution { kernel, .. } => {
                output.elements() * kernel * kernel * input.channels
            }
            Operator::Depthwise { kernel, .. } => output.elements() * kernel * kernel,
            Operator::Dense => output.elements() * input.elements(),
            Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => 0,
        };
        macs as u64
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        (0..self.layers.len()).map(|i| self.layer_macs(i)).sum()
    }

    /// The number of weights of layer `index`, without biases.
    ///
    /// # Panics
    /// If the graph has no such layer or the layer reads a tensor that does not exist.
    pub fn layer_weights(&self, index: usize) -> usize {
        let layer = &self.layers[index];
        let input = self.shape(layer.inputs[0]);
        match layer.operator {
            Operator::Convolution { kernel, .. } => {
                kernel * kernel * input.channels * layer.output.channels
            }
            Operator::Depthwise { kernel, .. } => kernel * kernel * layer.output.channels,
            Operator::Dense => input.elements() * layer.output.channels,
            Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => 0,
        }
    }

    /// The number of biases of layer `index`: one per output channel of a layer with weights.
    ///
    /// # Panics
    /// If the graph has no such layer.
    pub fn layer_biases(&self, index: usize) -> usize {
        let layer = &self.layers[index];
        if layer.operator.has_weights() {
            layer.output.channels
        } else {
            0
        }
    }

    /// The number of weights of the network, without biases.
    pub fn weights(&self) -> usize {
        (0..self.layers.len()).map(|i| self.layer_weights(i)).sum()
    }

    /// The number of weights and biases of the network.
    pub fn parameters(&self) -> usize {
        let biases: usize = (0..self.layers.len()).map(|i| self.layer_biases(i)).sum();
        self.weights() + biases
    }

    /// The number of classes: channels of the last layer's output, 0 for a graph without layers.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.output.channels)
    }
}
