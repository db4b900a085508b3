//! Genes that are chosen once for many places of a network.

use super::NetworkSpace;
use crate::{Architecture, Expansion};

impl NetworkSpace {
    /// Whether the expansion of the blocks of `stage` is the one that all share.
    pub(crate) fn is_tied(&self, stage: usize) -> bool {
        self.tied_expansion && self.stages[stage].expansions.len() > 1
    }

    /// The choices of the expansion that all blocks share; none where every block has its own.
    pub(crate) fn shared_expansions(&self) -> Option<&[Expansion]> {
        let stage = (0..self.stages.len()).find(|&stage| self.is_tied(stage))?;
        Some(&self.stages[stage].expansions)
    }

    /// Stage and block of all blocks that share an expansion.
    pub(crate) fn tied_blocks(
        &self,
        network: &Architecture,
    ) -> impl Iterator<Item = (usize, usize)> {
        network
            .stages
            .iter()
            .enumerate()
            .filter(|&(s, _)| self.is_tied(s))
            .flat_map(|(s, stage)| (0..stage.blocks.len()).map(move |b| (s, b)))
    }

    /// Whether all blocks that share an expansion have the same one.
    pub(super) fn expansions_agree(&self, network: &Architecture) -> bool {
        let mut shared = self
            .tied_blocks(network)
            .map(|(stage, block)| network.stages[stage].blocks[block].expansion);
        match shared.next() {
            Some(first) => shared.all(|other| other == first),
            None => true,
        }
    }

    /// Whether one multiplier decides all widths.
    pub(crate) fn has_tied_widths(&self) -> bool {
        !self.width_percents.is_empty()
    }

    /// The number of choices that a list of widths has for itself.
    pub(super) fn own_choices(&self, widths: &[usize]) -> usize {
        match self.has_tied_widths() {
            true => 1,
            false => widths.len(),
        }
    }

    /// All lists of widths.
    pub(super) fn width_lists(&mut self) -> impl Iterator<Item = &mut Vec<usize>> {
        let stages = self.stages.iter_mut().map(|stage| &mut stage.widths);
        stages.chain([&mut self.stem, &mut self.head])
    }

    /// The place of the multiplier whose widths are nearest to those of a network, the first of equally near ones.
    pub(crate) fn nearest_multiplier(&self, network: &Architecture) -> usize {
        let places = 0..self.width_percents.len();
        places
            .min_by_key(|&place| self.width_distance(network, place))
            .unwrap_or(0)
    }

    /// How far the widths of a network are from those of the multiplier at `place`: the sum of the differences.
    fn width_distance(&self, network: &Architecture, place: usize) -> usize {
        let stages = network.active_stages().iter().zip(&self.stages);
        let stages = stages.map(|(stage, space)| stage.width.abs_diff(space.widths[place]));
        let head = match self.has_head(network) {
            true => network.head.abs_diff(self.head[place]),
            false => 0,
        };
        network.stem.abs_diff(self.stem[place]) + stages.sum::<usize>() + head
    }

    /// Whether the widths of a network are those of one multiplier.
    pub(super) fn widths_agree(&self, network: &Architecture) -> bool {
        !self.has_tied_widths()
            || self.width_distance(network, self.nearest_multiplier(network)) == 0
    }

    /// Gives a network the widths of the multiplier at `place`; empty stages have none.
    pub(crate) fn set_multiplier(&self, network: &mut Architecture, place: usize) {
        network.stem = self.stem[place];
        let active = network.active_stages().len();
        for (stage, space) in network.stages.iter_mut().zip(&self.stages).take(active) {
            stage.width = space.widths[place];
        }
        if self.has_head(network) {
            network.head = self.head[place];
        }
    }
}
