//! From genes to a graph of layers.

use danas_data::InputShape;

use crate::{Activation, Block, Candidate, Graph, Layer, Operator, Shape, TensorId};

/// The graph of a candidate for `classes` classes.
///
/// Stem (3x3, ReLU6), the blocks of every stage up to the first empty one, the head (1x1,
/// ReLU6) if it has channels, global average pool, classifier, softmax. Layers are named `stem`,
/// `stage{s}.block{b}.expand|depthwise|project|add` (both from 0), `head`, `pool`, `classifier` and
/// `softmax`. A block without expansion has no `expand`; a block has an `add` where
/// [`Architecture::has_residual`](crate::Architecture::has_residual) says so.
///
/// Any candidate lowers; [`Graph::validate`] says whether the graph can be run.
///
/// # Panics
/// If a stride is 0.
pub fn lower(candidate: &Candidate, classes: usize) -> Graph {
    let network = &candidate.network;
    let mut lowering = Lowering::new(candidate.data.input_shape());
    let relu6 = Activation::Relu6;
    lowering.convolution(
        "stem".to_owned(),
        3,
        network.stem_stride,
        relu6,
        network.stem,
    );
    for (s, stage) in network.active_stages().iter().enumerate() {
        for (b, block) in stage.blocks.iter().enumerate() {
            let stride = if b == 0 { stage.stride } else { 1 };
            let residual = network.has_residual(s, b);
            let name = format!("stage{s}.block{b}");
            lowering.block(&name, block, stride, stage.width, residual);
        }
    }
    if network.head > 0 {
        lowering.convolution("head".to_owned(), 1, 1, Activation::Relu6, network.head);
    }
    lowering.apply("pool".to_owned(), Operator::GlobalAveragePool, 0);
    lowering.apply("classifier".to_owned(), Operator::Dense, classes);
    lowering.apply("softmax".to_owned(), Operator::Softmax, 0);
    lowering.graph
}

/// A graph that grows at its end.
struct Lowering {
    graph: Graph,
    /// What the next layer reads.
    last: TensorId,
}

impl Lowering {
    fn new(input: InputShape) -> Self {
        let input = Shape {
            height: input.height,
            width: input.width,
            channels: input.channels,
        };
        Lowering {
            graph: Graph {
                input,
                layers: Vec::new(),
            },
            last: TensorId(0),
        }
    }

    fn block(&mut self, name: &str, block: &Block, stride: usize, width: usize, residual: bool) {
        let input = self.last;
        let channels = self.graph.shape(input).channels;
        if block.expansion != crate::Expansion::NONE {
            let hidden = block.expansion.hidden(channels);
            self.convolution(format!("{name}.expand"), 1, 1, Activation::Relu6, hidden);
        }
        let depthwise = Operator::Depthwise {
            kernel: block.kernel,
            stride,
            activation: Activation::Relu6,
        };
        self.apply(format!("{name}.depthwise"), depthwise, 0);
        self.convolution(format!("{name}.project"), 1, 1, Activation::Linear, width);
        if residual {
            let inputs = vec![input, self.last];
            self.push(format!("{name}.add"), Operator::Add, inputs, 0);
        }
    }

    fn convolution(
        &mut self,
        name: String,
        kernel: usize,
        stride: usize,
        activation: Activation,
        channels: usize,
    ) {
        let operator = Operator::Convolution {
            kernel,
            stride,
            activation,
        };
        self.apply(name, operator, channels);
    }

    /// Appends a layer that reads the last tensor.
    fn apply(&mut self, name: String, operator: Operator, channels: usize) {
        self.push(name, operator, vec![self.last], channels);
    }

    fn push(&mut self, name: String, operator: Operator, inputs: Vec<TensorId>, channels: usize) {
        let output = operator.output_shape(self.graph.shape(inputs[0]), channels);
        self.graph.layers.push(Layer {
            name,
            operator,
            inputs,
            output,
        });
        self.last = TensorId(self.graph.layers.len());
    }
}
