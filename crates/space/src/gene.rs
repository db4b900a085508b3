//! Genes: what can be changed in an architecture, one step at a time.

use std::ops::RangeInclusive;

use crate::{Architecture, Block, Expansion, NetworkSpace};

/// One thing that a space leaves open in an architecture. Its values are ordered: stepping up makes the
/// network larger, stepping down smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gene {
    /// Channels of the stem.
    Stem,
    /// Stride of the stem.
    StemStride,
    /// Channels of the head.
    Head,
    /// The multiplier of all widths, in a space where those are tied.
    WidthMultiplier,
    /// The expansion that all blocks share, in a space with tied expansions.
    SharedExpansion,
    /// The number of blocks of a stage; its value is that number.
    Depth {
        /// The stage, from 0.
        stage: usize,
    },
    /// Channels of a stage.
    Width {
        /// The stage, from 0.
        stage: usize,
    },
    /// Kernel of a block.
    Kernel {
        /// The stage, from 0.
        stage: usize,
        /// The block, from 0.
        block: usize,
    },
    /// Expansion of a block.
    Expansion {
        /// The stage, from 0.
        stage: usize,
        /// The block, from 0.
        block: usize,
    },
}

/// A direction in which to step a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the next smaller value.
    Shrink,
    /// To the next larger value.
    Grow,
}

impl NetworkSpace {
    /// The genes that `network` has, in a fixed order. Blocks that do not exist, empty stages and an
    /// absent head have none, except for the depth.
    ///
    /// # Panics
    /// If `network` has more stages than the space.
    pub fn genes(&self, network: &Architecture) -> Vec<Gene> {
        let of_all = [
            Gene::Stem,
            Gene::StemStride,
            Gene::Head,
            Gene::WidthMultiplier,
            Gene::SharedExpansion,
        ];
        let mut genes: Vec<Gene> = of_all
            .into_iter()
            .filter(|&gene| self.has(network, gene))
            .collect();
        for (stage, found) in network.stages.iter().enumerate() {
            genes.push(Gene::Depth { stage });
            if self.has(network, Gene::Width { stage }) {
                genes.push(Gene::Width { stage });
            }
            for block in 0..found.blocks.len() {
                genes.push(Gene::Kernel { stage, block });
                if !self.is_tied(stage) {
                    genes.push(Gene::Expansion { stage, block });
                }
            }
        }
        genes
    }

    /// Whether `network` has the gene.
    pub fn has(&self, network: &Architecture, gene: Gene) -> bool {
        let blocks = |stage: usize| network.stages.get(stage).map_or(0, |s| s.blocks.len());
        match gene {
            Gene::StemStride => true,
            Gene::Stem => !self.has_tied_widths(),
            Gene::Head => !self.has_tied_widths() && self.has_head(network),
            Gene::WidthMultiplier => self.has_tied_widths(),
            Gene::SharedExpansion => self.tied_blocks(network).next().is_some(),
            Gene::Depth { stage } => stage < network.stages.len(),
            Gene::Width { stage } => !self.has_tied_widths() && blocks(stage) > 0,
            Gene::Kernel { stage, block } => block < blocks(stage),
            Gene::Expansion { stage, block } => block < blocks(stage) && !self.is_tied(stage),
        }
    }

    /// Where the value of `gene` stands among its choices, from 0 (for a depth: the number of blocks).
    /// A value that is no choice counts as the nearest one.
    ///
    /// # Panics
    /// If `network` has no such gene.
    pub fn value(&self, network: &Architecture, gene: Gene) -> usize {
        match gene {
            Gene::Stem => nearest(&self.stem, network.stem),
            Gene::StemStride => nearest(&self.stem_strides, network.stem_stride),
            Gene::Head => nearest(&self.head, network.head),
            Gene::WidthMultiplier => self.nearest_multiplier(network),
            Gene::SharedExpansion => {
                let (stage, block) = self
                    .tied_blocks(network)
                    .next()
                    .expect("the network has blocks that share an expansion");
                self.expansion_value(network, stage, block)
            }
            Gene::Depth { stage } => network.stages[stage].blocks.len(),
            Gene::Width { stage } => {
                nearest(&self.stages[stage].widths, network.stages[stage].width)
            }
            Gene::Kernel { stage, block } => nearest(
                &self.stages[stage].kernels,
                network.stages[stage].blocks[block].kernel,
            ),
            Gene::Expansion { stage, block } => self.expansion_value(network, stage, block),
        }
    }

    fn expansion_value(&self, network: &Architecture, stage: usize, block: usize) -> usize {
        let expansion = network.stages[stage].blocks[block].expansion;
        nearest_by(&self.stages[stage].expansions, |choice| {
            choice.0.abs_diff(expansion.0).into()
        })
    }

    /// The values that `gene` can take in `network` when nothing else changes: indices into its choices,
    /// or numbers of blocks. Depth 0 is among them only where all later stages are empty, and a stage
    /// behind an empty one stays empty.
    ///
    /// # Panics
    /// If `network` or the space has no such stage.
    pub fn values(&self, network: &Architecture, gene: Gene) -> RangeInclusive<usize> {
        let choices = match gene {
            Gene::Stem => self.stem.len(),
            Gene::StemStride => self.stem_strides.len(),
            Gene::Head => self.head.len(),
            Gene::WidthMultiplier => self.width_percents.len(),
            Gene::SharedExpansion => self.shared_expansions().map_or(1, <[Expansion]>::len),
            Gene::Width { stage } => self.stages[stage].widths.len(),
            Gene::Kernel { stage, .. } => self.stages[stage].kernels.len(),
            Gene::Expansion { stage, .. } => self.stages[stage].expansions.len(),
            Gene::Depth { stage } => return self.depths(network, stage),
        };
        0..=choices - 1
    }

    fn depths(&self, network: &Architecture, stage: usize) -> RangeInclusive<usize> {
        let space = &self.stages[stage];
        let is_empty = |s: usize| network.stages[s].blocks.is_empty();
        if stage > 0 && is_empty(stage - 1) {
            return 0..=0;
        }
        let is_last = stage + 1 == network.stages.len() || is_empty(stage + 1);
        let least = match is_last {
            true => space.min_depth,
            false => space.min_depth.max(1),
        };
        least..=space.max_depth
    }

    /// Sets `gene` to `value` (see [`NetworkSpace::values`]). New blocks have the smallest genes. Depth 0
    /// empties all later stages too.
    pub(crate) fn set(&self, network: &mut Architecture, gene: Gene, value: usize) {
        match gene {
            Gene::Stem => network.stem = self.stem[value],
            Gene::StemStride => network.stem_stride = self.stem_strides[value],
            Gene::Head => network.head = self.head[value],
            Gene::WidthMultiplier => self.set_multiplier(network, value),
            Gene::SharedExpansion => self.set_shared_expansion(network, value),
            Gene::Depth { stage } => self.set_depth(network, stage, value),
            Gene::Width { stage } => {
                network.stages[stage].width = self.stages[stage].widths[value];
            }
            Gene::Kernel { stage, block } => {
                network.stages[stage].blocks[block].kernel = self.stages[stage].kernels[value];
            }
            Gene::Expansion { stage, block } => {
                network.stages[stage].blocks[block].expansion =
                    self.stages[stage].expansions[value];
            }
        }
    }

    fn set_shared_expansion(&self, network: &mut Architecture, value: usize) {
        for (s, space) in self.stages.iter().enumerate() {
            if self.is_tied(s) {
                for block in &mut network.stages[s].blocks {
                    block.expansion = space.expansions[value];
                }
            }
        }
    }

    fn set_depth(&self, network: &mut Architecture, stage: usize, depth: usize) {
        let space = &self.stages[stage];
        let shared = self
            .tied_blocks(network)
            .next()
            .filter(|_| self.is_tied(stage))
            .map(|(s, b)| network.stages[s].blocks[b].expansion);
        let new = Block {
            kernel: space.kernels[0],
            expansion: shared.unwrap_or(space.expansions[0]),
        };
        let multiplier = (self.has_tied_widths()).then(|| self.nearest_multiplier(network));
        network.stages[stage].blocks.resize(depth, new);
        self.settle(network);
        if let Some(multiplier) = multiplier {
            self.set_multiplier(network, multiplier);
        }
    }

    /// Writes a network as the space writes it: nothing behind an empty stage, empty stages at their
    /// narrowest, a head exactly where the space has one.
    pub(crate) fn settle(&self, network: &mut Architecture) {
        let active = network.active_stages().len();
        for (space, stage) in self.stages.iter().zip(&mut network.stages).skip(active) {
            stage.blocks.clear();
            stage.width = space.widths[0];
        }
        if !self.has_head(network) {
            network.head = 0;
        } else if !self.head.contains(&network.head) {
            network.head = self.head[0];
        }
    }

    /// Whether the space gives `network` a head, be it of no channels.
    pub(crate) fn has_head(&self, network: &Architecture) -> bool {
        !self.head_after_last_stage || network.active_stages().len() == network.stages.len()
    }

    /// `network` with `gene` one step smaller or larger; none where that is not possible.
    ///
    /// # Panics
    /// If `network` has no such gene.
    pub fn step(&self, network: &Architecture, gene: Gene, step: Step) -> Option<Architecture> {
        let value = self.value(network, gene);
        let next = match step {
            Step::Shrink => value.checked_sub(1)?,
            Step::Grow => value + 1,
        };
        if !self.values(network, gene).contains(&next) {
            return None;
        }
        let mut network = network.clone();
        self.set(&mut network, gene, next);
        Some(network)
    }

    /// All networks one step from `network` in one direction, in the order of the genes.
    pub fn neighbours(
        &self,
        network: &Architecture,
        step: Step,
    ) -> impl Iterator<Item = Architecture> {
        self.genes(network)
            .into_iter()
            .filter_map(move |gene| self.step(network, gene, step))
    }

    /// The network of this space that is most like `network`, which may come from another one: every gene
    /// takes the nearest value, missing stages are as small as they can be.
    pub fn nearest(&self, network: &Architecture) -> Architecture {
        let mut result = self.smallest();
        let copy = |result: &mut Architecture, gene: Gene, value: usize| {
            let values = self.values(result, gene);
            self.set(result, gene, value.clamp(*values.start(), *values.end()));
        };
        for stage in 0..self.stages.len() {
            let depth = network.stages.get(stage).map_or(0, |s| s.blocks.len());
            copy(&mut result, Gene::Depth { stage }, depth);
        }
        let mut source = network.clone();
        source.stages.truncate(self.stages.len());
        for gene in self.genes(&result) {
            if self.has(&source, gene) {
                let value = self.value(&source, gene);
                copy(&mut result, gene, value);
            }
        }
        result
    }
}

/// The index of the choice nearest to `value`, the first of equally near ones.
fn nearest(choices: &[usize], value: usize) -> usize {
    nearest_by(choices, |choice| choice.abs_diff(value))
}

fn nearest_by<T>(choices: &[T], distance: impl Fn(&T) -> usize) -> usize {
    let indices = 0..choices.len();
    indices
        .min_by_key(|&index| distance(&choices[index]))
        .unwrap_or(0)
}
