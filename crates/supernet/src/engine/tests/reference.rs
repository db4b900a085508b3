//! A candidate computed in f64 straight from the named tensors of the supernet and the rules of its weight sharing,
//! without any of the engine: a narrower layer is the first channels, a smaller kernel the centre, a monochrome stem
//! the sum over the colours.

use std::collections::BTreeMap;

use danas_space::{Candidate, Expansion};

use super::tape::{Convolution, Tape, Var, softmax};
use crate::checkpoint::NamedTensor;

/// Added to the variances of BatchNorm.
const EPSILON: f64 = 1e-3;

/// The shared tensors on a tape, by name.
struct Shared {
    tape: Tape,
    tensors: BTreeMap<String, (Var, [usize; 2])>,
}

/// A map `[images, side, side, channels]`.
#[derive(Clone, Copy)]
struct Map {
    var: Var,
    side: usize,
    channels: usize,
}

/// A candidate's loss, its logits, and the gradient of every tensor of the supernet, by name.
pub(crate) struct Reference {
    pub(crate) loss: f64,
    pub(crate) logits: Vec<f64>,
    pub(crate) gradients: BTreeMap<String, Vec<f64>>,
}

impl Reference {
    /// The probabilities of the classes, `[images, classes]`.
    pub(crate) fn probabilities(&self, classes: usize) -> Vec<f64> {
        softmax(&self.logits, classes)
    }
}

impl Shared {
    fn new(tensors: &[NamedTensor]) -> Self {
        let mut tape = Tape::default();
        let tensors = tensors
            .iter()
            .map(|tensor| {
                let values = tensor.values.iter().map(|&value| f64::from(value));
                let var = tape.leaf(values.collect());
                let name = tensor
                    .name
                    .strip_prefix("value/")
                    .expect("a tensor of values");
                (name.to_owned(), (var, [tensor.shape[0], tensor.shape[1]]))
            })
            .collect();
        Shared { tape, tensors }
    }

    /// The sums of some rows of a shared matrix, the first `columns` of each.
    fn part(&mut self, name: &str, rows: &[Vec<usize>], columns: usize) -> Var {
        let (var, [_, stride]) = self.tensors[name];
        let places = rows.iter().flat_map(|rows| {
            (0..columns).map(move |column| rows.iter().map(|row| row * stride + column).collect())
        });
        let places = places.collect();
        self.tape.gather(var, places)
    }

    /// A convolution with the rows of its shared weights, BatchNorm, and ReLU6 if asked for.
    fn unit(
        &mut self,
        name: &str,
        x: Map,
        shape: Convolution,
        rows: &[Vec<usize>],
        relu6: bool,
    ) -> Map {
        let channels = shape.outputs;
        let weights = self.part(&format!("{name}.weight"), rows, channels);
        let gamma = self.part(&format!("{name}.gamma"), &[vec![0]], channels);
        let beta = self.part(&format!("{name}.beta"), &[vec![0]], channels);
        let stored = self.tape.convolution(x.var, weights, shape);
        let mut var = self.tape.batch_norm(stored, gamma, beta, EPSILON);
        if relu6 {
            var = self.tape.relu6(var);
        }
        Map {
            var,
            side: shape.out_side(),
            channels,
        }
    }

    fn pointwise(&mut self, name: &str, x: Map, images: usize, outputs: usize, relu6: bool) -> Map {
        let shape = Convolution {
            images,
            side: x.side,
            inputs: x.channels,
            outputs,
            kernel: 1,
            stride: 1,
            depthwise: false,
        };
        let rows: Vec<_> = (0..x.channels).map(|row| vec![row]).collect();
        self.unit(name, x, shape, &rows, relu6)
    }

    fn stem(&mut self, x: Map, images: usize, outputs: usize, stride: usize) -> Map {
        let shape = Convolution {
            images,
            side: x.side,
            inputs: x.channels,
            outputs,
            kernel: 3,
            stride,
            depthwise: false,
        };
        let rows: Vec<Vec<usize>> = match x.channels {
            3 => (0..27).map(|row| vec![row]).collect(),
            _ => (0..9)
                .map(|tap| vec![3 * tap, 3 * tap + 1, 3 * tap + 2])
                .collect(),
        };
        self.unit("stem", x, shape, &rows, true)
    }

    fn depthwise(
        &mut self,
        name: &str,
        x: Map,
        images: usize,
        kernel: usize,
        stride: usize,
    ) -> Map {
        let shape = Convolution {
            images,
            side: x.side,
            inputs: x.channels,
            outputs: x.channels,
            kernel,
            stride,
            depthwise: true,
        };
        let (_, [taps, _]) = self.tensors[&format!("{name}.weight")];
        let shared = taps.isqrt();
        let margin = (shared - kernel) / 2;
        let centre = |tap: usize| (tap / kernel + margin) * shared + tap % kernel + margin;
        let rows: Vec<_> = (0..kernel * kernel).map(|tap| vec![centre(tap)]).collect();
        self.unit(name, x, shape, &rows, true)
    }
}

/// Runs a candidate on pixels `[images, side, side, channels]` in training mode, against targets `[images, classes]` of
/// pictures that count `weights`.
pub(crate) fn run(
    tensors: &[NamedTensor],
    candidate: &Candidate,
    pixels: &[u8],
    targets: &[f64],
    weights: &[f64],
) -> Reference {
    let images = weights.len();
    let classes = targets.len() / images;
    let input = candidate.data.input_shape();
    let mut shared = Shared::new(tensors);
    let pixels = pixels.iter().map(|&p| (f64::from(p) - 128.0) / 128.0);
    let picture = Map {
        var: shared.tape.leaf(pixels.collect()),
        side: input.height,
        channels: input.channels,
    };
    let network = &candidate.network;
    let mut x = shared.stem(picture, images, network.stem, network.stem_stride);
    let mut last = 0;
    for (s, stage) in network.stages.iter().enumerate() {
        for (b, block) in stage.blocks.iter().enumerate() {
            let name = |part: &str| format!("stage{s}.block{b}.{part}");
            let stride = if b == 0 { stage.stride } else { 1 };
            let mut inner = x;
            if block.expansion != Expansion::NONE {
                let hidden = block.expansion.hidden(x.channels);
                inner = shared.pointwise(&name("expand"), x, images, hidden, true);
            }
            inner = shared.depthwise(&name("depthwise"), inner, images, block.kernel, stride);
            inner = shared.pointwise(&name("project"), inner, images, stage.width, false);
            if network.has_residual(s, b) {
                inner.var = shared.tape.add(inner.var, x.var);
            }
            x = inner;
            last = s;
        }
    }
    let mut classifier = format!("stage{last}.classifier");
    if network.head > 0 {
        x = shared.pointwise(&format!("stage{last}.head"), x, images, network.head, true);
        classifier = "classifier".to_owned();
    }
    let rows: Vec<_> = (0..x.channels).map(|row| vec![row]).collect();
    let matrix = shared.part(&format!("{classifier}.weight"), &rows, classes);
    let bias = shared.part(&format!("{classifier}.bias"), &[vec![0]], classes);
    let pooled = shared.tape.average(x.var, images, x.channels);
    // A product of matrices is a convolution of maps of one pixel.
    let product = Convolution {
        images,
        side: 1,
        inputs: x.channels,
        outputs: classes,
        kernel: 1,
        stride: 1,
        depthwise: false,
    };
    let logits = shared.tape.convolution(pooled, matrix, product);
    let logits = shared.tape.bias(logits, bias);
    let loss = (shared.tape).cross_entropy(logits, targets.to_vec(), weights.to_vec());

    let gradients = shared.tape.gradients(loss);
    let of_tensor = |(name, (var, [rows, columns])): (&String, &(Var, [usize; 2]))| {
        let mut gradient = shared.tape.gradient(&gradients, *var).to_vec();
        gradient.resize(rows * columns, 0.0);
        (name.clone(), gradient)
    };
    Reference {
        loss: shared.tape.value(loss)[0],
        logits: shared.tape.value(logits).to_vec(),
        gradients: shared.tensors.iter().map(of_tensor).collect(),
    }
}
