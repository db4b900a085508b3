//! The network half of a search space: which architectures there are.

mod check;
mod every;
mod fixed;
mod presets;
mod ties;

use serde::{Deserialize, Serialize};

use danas_data::InputShape;

use crate::architecture::multiple_of_eight;
use crate::{Architecture, Block, Expansion, Stage};

pub use every::Networks;

/// The choices for one stage. Every list is in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpace {
    /// Stride of the first block: 1 or 2.
    pub stride: usize,
    /// Output channels; multiples of 8.
    pub widths: Vec<usize>,
    /// The least number of blocks. A stage may be empty only if all later ones are.
    pub min_depth: usize,
    /// The greatest number of blocks.
    pub max_depth: usize,
    /// Expansion ratios of a block, in tenths.
    pub expansions: Vec<Expansion>,
    /// Sides of a block's depthwise kernel: 3, 5, 7.
    pub kernels: Vec<usize>,
}

/// A set of architectures: elastic stem, stages and head. Every list is in ascending order.
///
/// The fields are open so that a space can be written down; [`crate::SearchSpace::new`] checks them, and
/// methods other than [`NetworkSpace::validate`] expect that they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpace {
    /// Its name.
    pub name: String,
    /// Output channels of the stem; multiples of 8.
    pub stem: Vec<usize>,
    /// Strides of the stem, the coarser first: `[2]`, `[1]` or `[2, 1]`.
    #[serde(default = "coarse")]
    pub stem_strides: Vec<usize>,
    /// The longest side of an input for which all strides of the stem are a choice; larger inputs have the first
    /// one only. A large picture is better shrunk by its data configuration, which may cost nothing, than kept at
    /// full size by the network; a small one has nothing to lose.
    #[serde(default)]
    pub fine_stem_up_to: usize,
    /// Output channels of the head; multiples of 8, 0 for no head.
    pub head: Vec<usize>,
    /// Whether the head exists only behind the last stage: a network that ends earlier then has none.
    #[serde(default)]
    pub head_after_last_stage: bool,
    /// Whether all blocks share one expansion. Stages with a single choice keep theirs.
    #[serde(default)]
    pub tied_expansion: bool,
    /// The widths of stem and stages for inputs of one channel, in percent of those listed (rounded to
    /// multiples of 8; the head keeps its width, as in MobileNetV2's reference code).
    #[serde(default = "hundred")]
    pub mono_width_percent: usize,
    /// Width multipliers in percent, where all widths are chosen together: stem, stages and head then list one width for
    /// each of them, in which neighbours may be equal. Empty where every width is a choice of its own.
    #[serde(default)]
    pub width_percents: Vec<usize>,
    /// The stages in order.
    pub stages: Vec<StageSpace>,
}

/// What of an input decides which networks there are for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputKind {
    /// Whether all strides of the stem are a choice.
    small: bool,
    mono: bool,
}

impl InputKind {
    /// All kinds, each at its [`InputKind::index`].
    pub(crate) const ALL: [InputKind; 4] = [
        InputKind::new(false, false),
        InputKind::new(false, true),
        InputKind::new(true, false),
        InputKind::new(true, true),
    ];

    const fn new(small: bool, mono: bool) -> Self {
        InputKind { small, mono }
    }

    /// A number below 4.
    pub(crate) fn index(self) -> usize {
        2 * usize::from(self.small) + usize::from(self.mono)
    }
}

fn coarse() -> Vec<usize> {
    vec![2]
}

fn hundred() -> usize {
    100
}

impl NetworkSpace {
    /// The space for inputs of one shape: with one stride of the stem where the input is large (see
    /// [`NetworkSpace::fine_stem_up_to`]), and with narrower stem and stages where there is one channel and
    /// `mono_width_percent` says so.
    pub fn for_input(&self, input: InputShape) -> NetworkSpace {
        self.for_kind(self.kind_of(input))
    }

    /// The kind of an input of this shape.
    pub(crate) fn kind_of(&self, input: InputShape) -> InputKind {
        InputKind {
            small: input.height.max(input.width) <= self.fine_stem_up_to,
            mono: input.channels == 1,
        }
    }

    /// The space for inputs of one kind, see [`NetworkSpace::for_input`].
    pub(crate) fn for_kind(&self, kind: InputKind) -> NetworkSpace {
        let mut space = self.clone();
        if !kind.small {
            space.stem_strides.truncate(1);
        }
        let percent = std::mem::replace(&mut space.mono_width_percent, 100);
        if kind.mono && percent < 100 {
            space.narrow(percent);
        }
        space
    }

    /// Leaves `percent` of the widths of stem and stages, in multiples of 8.
    fn narrow(&mut self, percent: usize) {
        let widths = self.stages.iter_mut().map(|stage| &mut stage.widths);
        for list in widths.chain([&mut self.stem]) {
            for width in list.iter_mut() {
                *width = multiple_of_eight(*width * percent, 100);
            }
            list.dedup();
        }
    }

    /// The space that holds this one and `other`: the union of every list of choices. The two must have
    /// the same stages except for widths, as two results of [`NetworkSpace::for_input`] do.
    pub(crate) fn union(mut self, other: &NetworkSpace) -> NetworkSpace {
        let join = |list: &mut Vec<usize>, more: &[usize]| {
            if list == more {
                return;
            }
            list.extend_from_slice(more);
            list.sort_unstable();
            list.dedup();
        };
        join(&mut self.stem, &other.stem);
        join(&mut self.stem_strides, &other.stem_strides);
        self.stem_strides.sort_unstable_by(|a, b| b.cmp(a));
        for (stage, more) in self.stages.iter_mut().zip(&other.stages) {
            join(&mut stage.widths, &more.widths);
        }
        self
    }

    /// The architecture with the least value of every gene. (A stage less can make the head run on a
    /// larger map, so this is not always the one with the least cost.)
    pub fn smallest(&self) -> Architecture {
        self.build(|least, _| least)
    }

    /// The architecture with the greatest value of every gene.
    pub fn largest(&self) -> Architecture {
        self.build(|_, most| most)
    }

    /// The architecture whose genes are what `pick` chooses: it is given the least and the greatest
    /// index into a gene's choices (or the least and the greatest depth) and returns one between them.
    pub(crate) fn build(&self, mut pick: impl FnMut(usize, usize) -> usize) -> Architecture {
        let multiplier = (self.has_tied_widths()).then(|| pick(0, self.width_percents.len() - 1));
        let stem = self.stem[multiplier.unwrap_or_else(|| pick(0, self.stem.len() - 1))];
        let stem_stride = self.stem_strides[pick(0, self.stem_strides.len() - 1)];
        let mut shared = None;
        let mut ended = false;
        let mut stages = Vec::with_capacity(self.stages.len());
        for (s, space) in self.stages.iter().enumerate() {
            let depth = match ended {
                true => 0,
                false => pick(space.min_depth, space.max_depth),
            };
            ended |= depth == 0;
            let width = match depth {
                0 => 0,
                _ => multiplier.unwrap_or_else(|| pick(0, space.widths.len() - 1)),
            };
            let blocks = (0..depth)
                .map(|_| Block {
                    kernel: space.kernels[pick(0, space.kernels.len() - 1)],
                    expansion: match shared.filter(|_| self.is_tied(s)) {
                        Some(shared) => shared,
                        None => {
                            let own = space.expansions[pick(0, space.expansions.len() - 1)];
                            if self.is_tied(s) {
                                shared = Some(own);
                            }
                            own
                        }
                    },
                })
                .collect();
            stages.push(Stage {
                stride: space.stride,
                width: space.widths[width],
                blocks,
            });
        }
        let head = match ended && self.head_after_last_stage {
            true => 0,
            false => self.head[multiplier.unwrap_or_else(|| pick(0, self.head.len() - 1))],
        };
        Architecture {
            stem,
            stem_stride,
            stages,
            head,
        }
    }

    /// Whether `network` is one of this space, written as the space writes it (an empty stage has the
    /// narrowest width).
    pub fn contains(&self, network: &Architecture) -> bool {
        let stem_holds =
            self.stem.contains(&network.stem) && self.stem_strides.contains(&network.stem_stride);
        if !stem_holds || network.stages.len() != self.stages.len() {
            return false;
        }
        let mut ended = false;
        for (space, stage) in self.stages.iter().zip(&network.stages) {
            let depth = stage.blocks.len();
            let stage_holds = match ended {
                true => depth == 0,
                false => (space.min_depth..=space.max_depth).contains(&depth),
            };
            ended |= depth == 0;
            if !stage_holds || !space.contains(stage) {
                return false;
            }
        }
        let head_holds = match ended && self.head_after_last_stage {
            true => network.head == 0,
            false => self.head.contains(&network.head),
        };
        head_holds && self.expansions_agree(network) && self.widths_agree(network)
    }

    /// The number of architectures (exact up to 2^53).
    pub fn cardinality(&self) -> f64 {
        let multipliers = self.width_percents.len().max(1);
        (multipliers * self.own_choices(&self.stem) * self.stem_strides.len()) as f64
            * self.completions(0, false)
    }

    /// The number of ways to choose the stages from `first` on and the head, where all stages before have
    /// blocks; `shared` says whether the shared expansion is chosen already.
    fn completions(&self, first: usize, shared: bool) -> f64 {
        let Some(space) = self.stages.get(first) else {
            return self.own_choices(&self.head) as f64;
        };
        let tied = self.is_tied(first);
        let sharing = match tied && !shared {
            true => space.expansions.len() as f64,
            false => 1.0,
        };
        let own_expansions = if tied { 1 } else { space.expansions.len() };
        let per_block = (space.kernels.len() * own_expansions) as f64;
        let blocks: f64 = (space.min_depth.max(1)..=space.max_depth)
            .map(|depth| per_block.powi(depth as i32))
            .sum();
        let going_on = blocks * self.own_choices(&space.widths) as f64 * sharing;
        let ending = match (space.min_depth, self.head_after_last_stage) {
            (0, true) => 1.0,
            (0, false) => self.own_choices(&self.head) as f64,
            _ => 0.0,
        };
        ending + going_on * self.completions(first + 1, shared || tied)
    }
}

impl StageSpace {
    /// Whether stride, width and blocks are among the choices; the depth is not looked at, except that
    /// an empty stage must have the narrowest width.
    fn contains(&self, stage: &Stage) -> bool {
        let width_holds = match stage.blocks.is_empty() {
            true => self.widths.first() == Some(&stage.width),
            false => self.widths.contains(&stage.width),
        };
        let block_holds = |block: &Block| {
            self.kernels.contains(&block.kernel) && self.expansions.contains(&block.expansion)
        };
        stage.stride == self.stride && width_holds && stage.blocks.iter().all(block_holds)
    }
}
