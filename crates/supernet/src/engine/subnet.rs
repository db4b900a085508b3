//! A candidate bound to the shared weights: what is computed, in which order, from which tensors.

use danas_space::{Candidate, Expansion, Shape};

use crate::parameters::TensorRef;
use crate::supernet::{
    ClassifierTensors, ConvTensors, NormTensors, STEM_CHANNELS, STEM_KERNEL, Supernet,
};

/// What an operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The picture.
    Pixels,
    /// The stored output of a unit, normalised while it is loaded.
    Unit(usize),
    /// The finished output of a block.
    Block(usize),
}

/// The kind of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stem { stride: usize },
    Pointwise,
    Depthwise { kernel: usize, stride: usize },
}

/// A convolution and its BatchNorm.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) kind: Kind,
    pub(crate) source: Input,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    pub(crate) weight: TensorRef,
    /// Side of the kernel in the shared tensor (depthwise), of which `kind`'s is the centre.
    pub(crate) shared_kernel: usize,
    pub(crate) norm: NormTensors,
    pub(crate) relu6: bool,
    /// Whether it widens a block's input, for the block's depthwise unit and nothing else.
    pub(crate) expands: bool,
}

impl Unit {
    /// The number of values in the unit's own (dense) weights.
    pub(crate) fn weights(&self) -> usize {
        let (rows, columns) = self.matrix();
        rows * columns
    }

    /// The unit's own weights as a matrix: `(rows, columns)`.
    pub(crate) fn matrix(&self) -> (usize, usize) {
        match self.kind {
            Kind::Stem { .. } => (
                STEM_KERNEL * STEM_KERNEL * self.input.channels,
                self.output.channels,
            ),
            Kind::Pointwise => (self.input.channels, self.output.channels),
            Kind::Depthwise { kernel, .. } => (kernel * kernel, self.output.channels),
        }
    }

    /// Pixels of the output map.
    pub(crate) fn positions(&self) -> usize {
        self.output.height * self.output.width
    }

    /// For every row of the unit's own weight matrix, the rows of the shared matrix that it is the sum of.
    pub(crate) fn shared_rows(&self, row: usize) -> std::ops::Range<usize> {
        match self.kind {
            Kind::Pointwise => row..row + 1,
            Kind::Stem { .. } if self.input.channels == STEM_CHANNELS => row..row + 1,
            Kind::Stem { .. } => row * STEM_CHANNELS..(row + 1) * STEM_CHANNELS,
            Kind::Depthwise { kernel, .. } => {
                let margin = (self.shared_kernel - kernel) / 2;
                let (y, x) = (row / kernel + margin, row % kernel + margin);
                let shared = y * self.shared_kernel + x;
                shared..shared + 1
            }
        }
    }
}

/// An inverted residual by the numbers of its units.
#[derive(Debug, Clone)]
pub(crate) struct BlockPlan {
    pub(crate) input: Input,
    pub(crate) expand: Option<usize>,
    pub(crate) depthwise: usize,
    pub(crate) project: usize,
    pub(crate) residual: bool,
}

/// A candidate as the engine runs it.
#[derive(Debug, Clone)]
pub(crate) struct Subnet {
    pub(crate) units: Vec<Unit>,
    pub(crate) blocks: Vec<BlockPlan>,
    /// The head's unit, the last one.
    pub(crate) head: Option<usize>,
    pub(crate) classifier: ClassifierTensors,
    /// Channels that the classifier reads.
    pub(crate) features: usize,
    pub(crate) classes: usize,
}

/// Appends units, each reading the one named.
struct Units(Vec<Unit>);

impl Units {
    fn push(
        &mut self,
        kind: Kind,
        source: Input,
        input: Shape,
        channels: usize,
        tensors: ConvTensors,
    ) -> usize {
        let stride = match kind {
            Kind::Stem { stride } => stride,
            Kind::Pointwise => 1,
            Kind::Depthwise { stride, .. } => stride,
        };
        self.0.push(Unit {
            kind,
            source,
            input,
            output: Shape {
                height: input.height.div_ceil(stride),
                width: input.width.div_ceil(stride),
                channels,
            },
            weight: tensors.weight,
            shared_kernel: match kind {
                Kind::Depthwise { kernel, .. } => kernel,
                _ => 1,
            },
            norm: tensors.norm,
            relu6: true,
            expands: false,
        });
        self.0.len() - 1
    }

    fn output(&self, unit: usize) -> Shape {
        self.0[unit].output
    }
}

impl Subnet {
    /// Binds a candidate to the shared weights.
    ///
    /// # Panics
    /// If the supernet is too small for the candidate: they must come from the same search space.
    pub(crate) fn new(supernet: &Supernet, candidate: &Candidate) -> Self {
        let network = &candidate.network;
        let input = candidate.data.input_shape();
        let pixels = Shape {
            height: input.height,
            width: input.width,
            channels: input.channels,
        };
        let mut units = Units(Vec::new());
        let mut blocks = Vec::new();

        let stem = units.push(
            Kind::Stem {
                stride: network.stem_stride,
            },
            Input::Pixels,
            pixels,
            network.stem,
            supernet.stem,
        );
        let mut current = Input::Unit(stem);
        let mut shape = units.output(stem);
        let mut exit = None;
        for (s, stage) in network
            .stages
            .iter()
            .enumerate()
            .take_while(|(_, stage)| !stage.blocks.is_empty())
        {
            for (b, block) in stage.blocks.iter().enumerate() {
                let tensors = &supernet.stages[s][b];
                let stride = if b == 0 { stage.stride } else { 1 };
                let residual = network.has_residual(s, b);
                let (expand, source, wide) = match tensors.expand {
                    Some(tensors) if block.expansion != Expansion::NONE => {
                        let hidden = block.expansion.hidden(shape.channels);
                        let unit = units.push(Kind::Pointwise, current, shape, hidden, tensors);
                        units.0[unit].expands = true;
                        (Some(unit), Input::Unit(unit), units.output(unit))
                    }
                    _ => (None, current, shape),
                };
                let kind = Kind::Depthwise {
                    kernel: block.kernel,
                    stride,
                };
                let depthwise = units.push(kind, source, wide, wide.channels, tensors.depthwise);
                units.0[depthwise].shared_kernel = tensors.kernel;
                let narrow = units.output(depthwise);
                let project = units.push(
                    Kind::Pointwise,
                    Input::Unit(depthwise),
                    narrow,
                    stage.width,
                    tensors.project,
                );
                units.0[project].relu6 = false;
                blocks.push(BlockPlan {
                    input: current,
                    expand,
                    depthwise,
                    project,
                    residual,
                });
                current = Input::Block(blocks.len() - 1);
                shape = units.output(project);
            }
            exit = supernet.exits[s];
        }

        let exit = exit.expect("a network ends where its space lets it end");
        let (head, classifier) = if network.head > 0 {
            let tensors = exit
                .head
                .expect("the supernet has heads if a candidate has one");
            let unit = units.push(Kind::Pointwise, current, shape, network.head, tensors);
            shape = units.output(unit);
            (Some(unit), supernet.classifier)
        } else {
            (None, exit.headless)
        };
        Subnet {
            units: units.0,
            blocks,
            head,
            classifier: classifier.expect("the supernet has the classifier that a candidate uses"),
            features: shape.channels,
            classes: supernet.classes,
        }
    }

    /// The tensor that is pooled and classified.
    pub(crate) fn pooled(&self) -> Input {
        match self.head {
            Some(unit) => Input::Unit(unit),
            None => Input::Block(self.blocks.len() - 1),
        }
    }

    /// The shape of what an operator reads.
    pub(crate) fn shape(&self, input: Input) -> Shape {
        match input {
            Input::Pixels => self.units[0].input,
            Input::Unit(unit) => self.units[unit].output,
            Input::Block(block) => self.units[self.blocks[block].project].output,
        }
    }

    /// Every shared tensor that the candidate has a part in.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = TensorRef> + '_ {
        let units = self
            .units
            .iter()
            .flat_map(|u| [u.weight, u.norm.gamma, u.norm.beta]);
        units.chain([self.classifier.weight, self.classifier.bias])
    }
}
