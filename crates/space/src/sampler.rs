//! Drawing from the feasible part of a space.

mod anchor;
mod growth;
mod repair;

use std::sync::OnceLock;

use danas_data::DataConfig;
use rand::{Rng, RngExt};

use crate::{Candidate, Infeasible, NetworkSpace, SearchSpace};

/// How far a candidate is over the limits: 0 if it meets them all, otherwise a sum of relative excesses.
/// The caller gives it, as a space knows no boards. It is called a few dozen times per draw.
pub type Violation<'a> = dyn Fn(&Candidate) -> f64 + Sync + 'a;

/// How often a mutation changes the data half (arXiv 2502.12690).
const DATA_MUTATION: f64 = 0.4;
/// How often a mutation changes a second gene.
const SECOND_MUTATION: f64 = 0.4;
/// How often a mutation is tried until it differs from its parent.
const MUTATION_ATTEMPTS: usize = 8;
/// The most networks of which [`Sampler::only`] looks at every one.
const COUNTABLE: f64 = 4096.0;

/// Draws candidates that meet the limits, and only such.
///
/// Nothing is rejected and drawn again: a candidate over the limits is moved gene by gene, in random order,
/// towards a candidate of the same data configuration that is known to meet them, just as far as needed.
pub struct Sampler<'a> {
    space: &'a SearchSpace,
    violation: &'a Violation<'a>,
    configs: Vec<DataConfig>,
    /// What is known of `configs`, in the same order.
    regions: Vec<Region>,
}

/// The feasible candidates of one data configuration.
struct Region {
    /// The smallest.
    anchor: Candidate,
    /// The largest, once somebody asked for it.
    largest: OnceLock<Candidate>,
}

impl<'a> Sampler<'a> {
    /// A sampler for the candidates of `space` whose `violation` is 0. It looks first in which data
    /// configurations there are any.
    ///
    /// # Errors
    /// If there are none at all: with the candidate of each data configuration that comes closest.
    pub fn new(space: &'a SearchSpace, violation: &'a Violation<'a>) -> Result<Self, Infeasible> {
        let mut configs = Vec::new();
        let mut regions = Vec::new();
        let mut smallest = Vec::new();
        for config in space.data().configs() {
            let (anchor, excess) = anchor::closest(space, config, violation);
            if excess > 0.0 {
                smallest.push((anchor, excess));
            } else {
                configs.push(config);
                regions.push(Region {
                    anchor,
                    largest: OnceLock::new(),
                });
            }
        }
        if configs.is_empty() {
            smallest.sort_by(|(_, a), (_, b)| a.total_cmp(b));
            return Err(Infeasible { smallest });
        }
        Ok(Sampler {
            space,
            violation,
            configs,
            regions,
        })
    }

    /// The space that is drawn from.
    pub fn space(&self) -> &'a SearchSpace {
        self.space
    }

    /// The data configurations that have candidates within the limits, in the order of the space.
    pub fn feasible_configs(&self) -> &[DataConfig] {
        &self.configs
    }

    /// The candidate that alone meets the limits. `None` where there are several, and where there are too many networks
    /// (more than 4096) to look at every one.
    pub fn only(&self) -> Option<Candidate> {
        let [config] = self.configs[..] else {
            return None;
        };
        let networks = self.networks(config);
        if networks.cardinality() > COUNTABLE {
            return None;
        }
        let candidates = networks.every().map(|network| Candidate {
            data: config,
            network,
        });
        let mut feasible = candidates.filter(|candidate| self.is_feasible(candidate));
        let only = feasible.next()?;
        feasible.next().is_none().then_some(only)
    }

    /// Whether a candidate meets the limits.
    pub fn is_feasible(&self, candidate: &Candidate) -> bool {
        excess(self.violation, candidate) <= 0.0
    }

    /// How far a candidate is over the limits; 0 if it meets them.
    pub fn excess(&self, candidate: &Candidate) -> f64 {
        excess(self.violation, candidate)
    }

    /// A random candidate: every feasible data configuration equally often, networks of all sizes.
    pub fn sample(&self, rng: &mut impl Rng) -> Candidate {
        let index = rng.random_range(0..self.configs.len());
        self.sample_region(index, rng)
    }

    /// A random candidate of one data configuration; none where that is not feasible.
    pub fn sample_for(&self, config: DataConfig, rng: &mut impl Rng) -> Option<Candidate> {
        let index = self.region_index(config)?;
        Some(self.sample_region(index, rng))
    }

    fn sample_region(&self, index: usize, rng: &mut impl Rng) -> Candidate {
        let config = self.configs[index];
        let size = rng.random();
        let drawn = Candidate {
            data: config,
            network: self.networks(config).draw(size, rng),
        };
        if self.is_feasible(&drawn) {
            return drawn;
        }
        // Were all of these left at the limit, samples under tight limits would all be of one size.
        match rng.random_bool(0.5) {
            true => self.repair(drawn, index, rng),
            false => self.repair_inwards(drawn, index, rng),
        }
    }

    /// The smallest candidate of a data configuration that meets the limits (the one with the least
    /// values of its genes, if that does); none where there is none.
    pub fn smallest_for(&self, config: DataConfig) -> Option<&Candidate> {
        let index = self.region_index(config)?;
        Some(&self.regions[index].anchor)
    }

    /// A candidate of a data configuration with as many multiply-accumulates and weights as the limits
    /// allow: found by greedy growth and exchange, always the same; none where the configuration is not
    /// feasible. The first call for a configuration takes some milliseconds, later ones nothing.
    pub fn largest_for(&self, config: DataConfig) -> Option<&Candidate> {
        let region = &self.regions[self.region_index(config)?];
        let grow = || growth::largest(self, &region.anchor);
        Some(region.largest.get_or_init(grow))
    }

    /// `candidate` with one or two genes changed, the data half with probability 0.4, brought back within
    /// the limits. It differs from `candidate` wherever a few attempts find something that does; after
    /// them it is a fresh sample.
    pub fn mutate(&self, candidate: &Candidate, rng: &mut impl Rng) -> Candidate {
        for _ in 0..MUTATION_ATTEMPTS {
            let mut child = self.adopt(candidate.clone(), candidate.data);
            let changes = 1 + usize::from(rng.random_bool(SECOND_MUTATION));
            for _ in 0..changes {
                child = self.change(child, rng);
            }
            let child = self.settle(child, rng);
            if child != *candidate {
                return child;
            }
        }
        self.sample(rng)
    }

    fn change(&self, candidate: Candidate, rng: &mut impl Rng) -> Candidate {
        if self.configs.len() > 1 && rng.random_bool(DATA_MUTATION) {
            let wanted = self.space.data().mutate(candidate.data, rng);
            let config = match self.region_index(wanted) {
                Some(_) => wanted,
                None => self.configs[rng.random_range(0..self.configs.len())],
            };
            self.adopt(candidate, config)
        } else {
            let network = self
                .networks(candidate.data)
                .mutate(&candidate.network, rng);
            Candidate {
                network,
                ..candidate
            }
        }
    }

    /// A child of two candidates, brought back within the limits: the data half from the data space's own
    /// crossover, stem, head and every stage from either parent.
    pub fn crossover(&self, a: &Candidate, b: &Candidate, rng: &mut impl Rng) -> Candidate {
        let wanted = self.space.data().crossover(a.data, b.data, rng);
        let config = match self.region_index(wanted) {
            Some(_) => wanted,
            None if rng.random_bool(0.5) => a.data,
            None => b.data,
        };
        let [a, b] = [a, b].map(|parent| self.adopt(parent.clone(), config).network);
        let network = self.networks(config).crossover(&a, &b, rng);
        let child = Candidate {
            data: config,
            network,
        };
        self.settle(child, rng)
    }

    /// The candidate with another data configuration; its network becomes the most similar one that the
    /// space has for that.
    fn adopt(&self, candidate: Candidate, config: DataConfig) -> Candidate {
        let networks = self.networks(config);
        let network = match networks.contains(&candidate.network) {
            true => candidate.network,
            false => networks.nearest(&candidate.network),
        };
        Candidate {
            data: config,
            network,
        }
    }

    /// The candidate brought within the limits, under a feasible data configuration if its own is not.
    fn settle(&self, candidate: Candidate, rng: &mut impl Rng) -> Candidate {
        let index = match self.region_index(candidate.data) {
            Some(index) => index,
            None => rng.random_range(0..self.configs.len()),
        };
        let candidate = self.adopt(candidate, self.configs[index]);
        match self.is_feasible(&candidate) {
            true => candidate,
            false => self.repair(candidate, index, rng),
        }
    }

    fn networks(&self, config: DataConfig) -> &'a NetworkSpace {
        self.space.network_for(&config)
    }

    fn region_index(&self, config: DataConfig) -> Option<usize> {
        self.configs.iter().position(|&known| known == config)
    }
}

impl std::fmt::Debug for Sampler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler")
            .field("space", &self.space)
            .field("configs", &self.configs)
            .finish_non_exhaustive()
    }
}

/// The violation of a candidate; a value that is no number counts as infinitely far over the limits.
fn excess(violation: &Violation<'_>, candidate: &Candidate) -> f64 {
    match violation(candidate) {
        value if value.is_nan() => f64::INFINITY,
        value => value,
    }
}
