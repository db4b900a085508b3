//! Random networks and random changes, whether they fit a board or not.

use rand::{Rng, RngExt};

use crate::{Architecture, Gene, NetworkSpace};

impl NetworkSpace {
    /// A random network around a size: 0 draws mostly the smallest choices, 1 mostly the largest, 0.5
    /// every choice of a gene equally often.
    pub fn draw(&self, size: f64, rng: &mut impl Rng) -> Architecture {
        self.build(|least, most| {
            if least == most {
                return least;
            }
            let place = (size - 0.5 + rng.random::<f64>()).clamp(0.0, 1.0);
            let choices = (most - least + 1) as f64;
            (least + (place * choices) as usize).min(most)
        })
    }

    /// `network` with one gene changed at random; unchanged only where the space has nothing else.
    ///
    /// The kind of gene is drawn first, so that the many blocks do not drown the few others: depth and
    /// the expansion that all blocks share stand 2 : 1, as in arXiv 2502.12690. Half of the changes go
    /// one step, the others anywhere.
    ///
    /// # Panics
    /// If `network` has another number of stages than the space.
    pub fn mutate(&self, network: &Architecture, rng: &mut impl Rng) -> Architecture {
        let mut kinds: Vec<(u32, Vec<Gene>)> = Vec::new();
        for gene in self.genes(network) {
            if self.reach(network, gene).1 == 0 {
                continue;
            }
            let weight = weight(gene);
            let same_kind = |(_, genes): &&mut (u32, Vec<Gene>)| {
                std::mem::discriminant(&genes[0]) == std::mem::discriminant(&gene)
            };
            match kinds.iter_mut().find(same_kind) {
                Some((_, genes)) => genes.push(gene),
                None => kinds.push((weight, vec![gene])),
            }
        }
        let mut network = network.clone();
        let total: u32 = kinds.iter().map(|(weight, _)| weight).sum();
        if total == 0 {
            return network;
        }
        let mut drawn = rng.random_range(0..total);
        for (weight, genes) in kinds {
            if drawn < weight {
                let gene = genes[rng.random_range(0..genes.len())];
                self.change(&mut network, gene, rng);
                break;
            }
            drawn -= weight;
        }
        network
    }

    /// The least and the greatest value that a mutation may give `gene`. Unlike
    /// [`NetworkSpace::values`] a stage may be emptied together with all later ones.
    fn reach(&self, network: &Architecture, gene: Gene) -> (usize, usize) {
        let values = self.values(network, gene);
        let least = match gene {
            Gene::Depth { stage } if *values.end() > 0 => self.stages[stage].min_depth,
            _ => *values.start(),
        };
        match *values.end() > least {
            true => (least, *values.end()),
            false => (0, 0),
        }
    }

    fn change(&self, network: &mut Architecture, gene: Gene, rng: &mut impl Rng) {
        let (least, most) = self.reach(network, gene);
        let old = self.value(network, gene);
        let one_step = rng.random_bool(0.5);
        let new = if one_step && old > least && (old == most || rng.random_bool(0.5)) {
            old - 1
        } else if one_step && old < most {
            old + 1
        } else {
            let other = rng.random_range(least..most);
            if other < old { other } else { other + 1 }
        };
        self.set(network, gene, new);
        if let Gene::Depth { stage } = gene {
            self.fill(network, stage, old..new, rng);
        }
    }

    /// Gives new blocks of a stage, and the stage if it was empty, random genes.
    fn fill(
        &self,
        network: &mut Architecture,
        stage: usize,
        blocks: std::ops::Range<usize>,
        rng: &mut impl Rng,
    ) {
        let mut genes = Vec::new();
        if blocks.start == 0 && self.has(network, Gene::Width { stage }) {
            genes.push(Gene::Width { stage });
        }
        for block in blocks {
            genes.push(Gene::Kernel { stage, block });
            if !self.is_tied(stage) {
                genes.push(Gene::Expansion { stage, block });
            }
        }
        for gene in genes {
            let value = rng.random_range(self.values(network, gene));
            self.set(network, gene, value);
        }
    }

    /// A child of two networks: stem, every stage and head come from either, each at random. Where a
    /// stage comes from a parent that has none, the child ends there.
    ///
    /// # Panics
    /// If a parent has another number of stages than the space.
    pub fn crossover(
        &self,
        a: &Architecture,
        b: &Architecture,
        rng: &mut impl Rng,
    ) -> Architecture {
        let mut either = || match rng.random_bool(0.5) {
            true => a,
            false => b,
        };
        let stem = either().stem;
        let stem_stride = either().stem_stride;
        let stages = (0..self.stages.len())
            .map(|s| either().stages[s].clone())
            .collect();
        let head = either().head;
        let sharing = either();
        let mut child = Architecture {
            stem,
            stem_stride,
            stages,
            head,
        };
        self.settle(&mut child);
        let share = Gene::SharedExpansion;
        if self.genes(&child).contains(&share) {
            let source = match self.genes(sharing).contains(&share) {
                true => sharing,
                false => &child,
            };
            let value = self.value(source, share);
            self.set(&mut child, share, value);
        }
        if self.has_tied_widths() {
            self.set_multiplier(&mut child, self.nearest_multiplier(sharing));
        }
        child
    }
}

/// How often a mutation chooses genes of this kind, where the network has any.
fn weight(gene: Gene) -> u32 {
    match gene {
        Gene::Depth { .. } => 4,
        Gene::SharedExpansion
        | Gene::WidthMultiplier
        | Gene::Expansion { .. }
        | Gene::Width { .. } => 2,
        Gene::Kernel { .. } | Gene::Stem | Gene::StemStride | Gene::Head => 1,
    }
}
