//! Small random networks of the kind that the search makes, for tests and examples.
// Every test binary and example uses only a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod converted;
pub mod craft;
pub mod library;
#[path = "../../../data/tests/common/oracle.rs"]
pub mod oracle;

use danas_data::{Colour, DataSpace, Streams};
use danas_deploy::{Calibration, FloatModel, Int8Model, LayerParameters, calibrate, quantise};
use danas_space::{
    Activation, Candidate, Graph, Layer, NetworkSpace, Operator, Sampler, SearchSpace, Shape,
    TensorId, lower,
};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// A reproducible source of random numbers.
pub fn rng(seed: u64) -> ChaCha8Rng {
    Streams::new(seed).stream("deploy tests", 0)
}

/// An inverted residual.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub kernel: usize,
    pub stride: usize,
    pub width: usize,
    /// Hidden channels per input channel; 1 leaves the expanding convolution out.
    pub expansion: usize,
}

/// A network.
#[derive(Debug, Clone)]
pub struct Spec {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub stem: usize,
    pub blocks: Vec<Block>,
    /// 0 for none.
    pub head: usize,
    pub classes: usize,
}

/// Builds a graph layer by layer.
pub struct Builder {
    graph: Graph,
}

impl Builder {
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        let input = Shape {
            height,
            width,
            channels,
        };
        Self {
            graph: Graph {
                input,
                layers: Vec::new(),
            },
        }
    }

    pub fn last(&self) -> TensorId {
        TensorId(self.graph.layers.len())
    }

    pub fn shape(&self) -> Shape {
        self.graph.shape(self.last())
    }

    pub fn push(&mut self, name: &str, operator: Operator, inputs: &[TensorId], channels: usize) {
        let input = self.graph.shape(inputs[0]);
        let output = match operator {
            Operator::Convolution { stride, .. } | Operator::Depthwise { stride, .. } => Shape {
                height: input.height.div_ceil(stride),
                width: input.width.div_ceil(stride),
                channels,
            },
            Operator::GlobalAveragePool | Operator::Dense => Shape {
                height: 1,
                width: 1,
                channels,
            },
            Operator::Add | Operator::Softmax => input,
        };
        self.graph.layers.push(Layer {
            name: name.to_owned(),
            operator,
            inputs: inputs.to_vec(),
            output,
        });
    }

    pub fn convolution(&mut self, kernel: usize, stride: usize, channels: usize, relu6: bool) {
        let operator = Operator::Convolution {
            kernel,
            stride,
            activation: activation(relu6),
        };
        self.push("convolution", operator, &[self.last()], channels);
    }

    pub fn depthwise(&mut self, kernel: usize, stride: usize, relu6: bool) {
        let operator = Operator::Depthwise {
            kernel,
            stride,
            activation: activation(relu6),
        };
        self.push("depthwise", operator, &[self.last()], self.shape().channels);
    }

    pub fn add(&mut self, other: TensorId) {
        self.push("add", Operator::Add, &[other, self.last()], 0);
    }

    pub fn pool(&mut self) {
        let channels = self.shape().channels;
        self.push(
            "pool",
            Operator::GlobalAveragePool,
            &[self.last()],
            channels,
        );
    }

    pub fn dense(&mut self, outputs: usize) {
        self.push("classifier", Operator::Dense, &[self.last()], outputs);
    }

    pub fn softmax(&mut self) {
        self.push("softmax", Operator::Softmax, &[self.last()], 0);
    }

    pub fn finish(self) -> Graph {
        self.graph
    }
}

fn activation(relu6: bool) -> Activation {
    if relu6 {
        Activation::Relu6
    } else {
        Activation::Linear
    }
}

impl Spec {
    /// The graph of the network, as the search space lowers it.
    pub fn graph(&self) -> Graph {
        let mut builder = Builder::new(self.height, self.width, self.channels);
        builder.convolution(3, 2, self.stem, true);
        for block in &self.blocks {
            let (before, shape) = (builder.last(), builder.shape());
            if block.expansion > 1 {
                builder.convolution(1, 1, shape.channels * block.expansion, true);
            }
            builder.depthwise(block.kernel, block.stride, true);
            builder.convolution(1, 1, block.width, false);
            if block.stride == 1 && shape.channels == block.width {
                builder.add(before);
            }
        }
        if self.head > 0 {
            builder.convolution(1, 1, self.head, true);
        }
        builder.pool();
        builder.dense(self.classes);
        builder.softmax();
        builder.finish()
    }

    /// A random network.
    pub fn random(rng: &mut impl Rng) -> Self {
        let side = rng.random_range(8..=50);
        let blocks = (0..rng.random_range(1..=5))
            .map(|_| Block {
                kernel: *[3, 5, 7].choose(rng).unwrap(),
                stride: rng.random_range(1..=2),
                width: *[8, 16, 24].choose(rng).unwrap(),
                expansion: *[1, 3, 6].choose(rng).unwrap(),
            })
            .collect();
        Self {
            height: side,
            width: side,
            channels: *[1, 3].choose(rng).unwrap(),
            stem: *[8, 16].choose(rng).unwrap(),
            blocks,
            head: *[0, 32, 48].choose(rng).unwrap(),
            classes: rng.random_range(2..=20),
        }
    }
}

/// Graphs of random candidates of the search space, with inputs of the given sides and at most `macs`
/// multiply-accumulates.
pub fn candidates(sides: &[usize], macs: u64, count: usize, rng: &mut impl Rng) -> Vec<Graph> {
    let data = DataSpace::new(sides.to_vec(), vec![Colour::Mono, Colour::Rgb]).unwrap();
    let space = SearchSpace::new(data, NetworkSpace::default_space()).unwrap();
    let excess = |candidate: &Candidate| {
        lower(candidate, 10).macs().saturating_sub(macs) as f64 / macs as f64
    };
    let sampler = Sampler::new(&space, &excess).unwrap();
    (0..count)
        .map(|_| lower(&sampler.sample(rng), rng.random_range(2..=10)))
        .collect()
}

/// Random weights of a sensible size for a graph, with a few channels that are zero or hardly used.
pub fn random_parameters(graph: &Graph, rng: &mut impl Rng) -> Vec<LayerParameters> {
    (0..graph.layers.len())
        .map(|index| {
            let count = graph.layer_weights(index);
            if count == 0 {
                return LayerParameters::default();
            }
            let layer = &graph.layers[index];
            let channels = layer.output.channels;
            let depth = count / channels;
            let scales: Vec<f32> = (0..channels)
                .map(|_| match rng.random_range(0..20) {
                    0 => 0.0,
                    1 => 1e-3,
                    2 => 3.0,
                    _ => 1.0,
                })
                .collect();
            let limit = (4.0 / depth as f32).sqrt();
            let depthwise = matches!(layer.operator, Operator::Depthwise { .. });
            let weights = (0..count)
                .map(|at| {
                    let channel = if depthwise { at % channels } else { at / depth };
                    rng.random_range(-limit..limit) * scales[channel]
                })
                .collect();
            let bias = (0..channels).map(|_| rng.random_range(-0.5..0.7)).collect();
            LayerParameters { weights, bias }
        })
        .collect()
}

/// A graph with random weights.
pub fn random_model(graph: Graph, rng: &mut impl Rng) -> FloatModel {
    let parameters = random_parameters(&graph, rng);
    FloatModel::new(graph, parameters).unwrap()
}

/// Pixels of `count` examples: noise, smooth ramps, low contrast, and pictures that saturate.
pub fn random_pixels(shape: Shape, count: usize, rng: &mut impl Rng) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(count * shape.elements());
    for example in 0..count {
        let offset: u8 = rng.random();
        let step: u8 = rng.random();
        for index in 0..shape.elements() {
            let noise: u8 = rng.random();
            pixels.push(match example % 8 {
                0..=2 => noise,
                3 => offset.wrapping_add((index / 7) as u8),
                4 => offset.saturating_add(noise / 16),
                5 => {
                    if noise < offset {
                        0
                    } else {
                        255
                    }
                }
                6 => {
                    if step.is_multiple_of(2) {
                        0
                    } else {
                        255
                    }
                }
                _ => (index as u8).wrapping_mul(step),
            });
        }
    }
    pixels
}

/// A float model quantised on random pictures.
pub fn quantised(model: &FloatModel, rng: &mut impl Rng) -> Int8Model {
    let samples = random_pixels(model.graph().input, 16, rng);
    let ranges = calibrate(model, &samples, Calibration::default()).unwrap();
    quantise(model, &ranges).unwrap()
}

/// The int8 inputs of pixels.
pub fn inputs(pixels: &[u8]) -> Vec<i8> {
    pixels.iter().map(|&pixel| (pixel ^ 0x80) as i8).collect()
}
