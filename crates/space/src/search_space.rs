//! Both halves of a search space: data configurations and networks.

use danas_data::{DataConfig, DataSpace, MAX_RESOLUTION, MIN_RESOLUTION};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::network::InputKind;
use crate::{Candidate, NetworkSpace, SpaceError};

/// The set of candidates that a search looks at: every data configuration of one half with every network
/// of the other. What networks there are may depend on the input's channels and size, see
/// [`SearchSpace::network_for`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Halves", into = "Halves")]
pub struct SearchSpace {
    data: DataSpace,
    network: NetworkSpace,
    /// The networks for every kind of input, each at its [`InputKind::index`].
    networks: [NetworkSpace; 4],
}

/// A space as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Halves {
    data: DataSpace,
    network: NetworkSpace,
}

impl TryFrom<Halves> for SearchSpace {
    type Error = SpaceError;

    fn try_from(halves: Halves) -> Result<Self, SpaceError> {
        SearchSpace::new(halves.data, halves.network)
    }
}

impl From<SearchSpace> for Halves {
    fn from(space: SearchSpace) -> Self {
        Halves {
            data: space.data,
            network: space.network,
        }
    }
}

impl SearchSpace {
    /// A space of two halves.
    ///
    /// # Errors
    /// If there is no data configuration, one with a resolution out of range, or the network half is not
    /// valid (see [`NetworkSpace::validate`]).
    pub fn new(data: DataSpace, network: NetworkSpace) -> Result<Self, SpaceError> {
        network.validate()?;
        let configs = data.configs();
        if configs.is_empty() {
            return Err(SpaceError::NoChoices {
                what: "data".to_owned(),
            });
        }
        for config in configs {
            if !(MIN_RESOLUTION..=MAX_RESOLUTION).contains(&config.resolution) {
                return Err(SpaceError::OutOfRange {
                    what: "resolution".to_owned(),
                    value: config.resolution,
                    least: MIN_RESOLUTION,
                    most: MAX_RESOLUTION,
                });
            }
        }
        let networks = InputKind::ALL.map(|kind| network.for_kind(kind));
        Ok(SearchSpace {
            data,
            network,
            networks,
        })
    }

    /// The space of arXiv 2502.12690: 14 data configurations, MobileNetV2 with elastic depth and one
    /// width factor.
    pub fn njor2025() -> Self {
        SearchSpace::new(DataSpace::njor2025(), NetworkSpace::njor2025())
            .expect("the built-in space is valid")
    }

    /// The data half.
    pub fn data(&self) -> &DataSpace {
        &self.data
    }

    /// The network half as it was given. The networks for one data configuration are those of
    /// [`SearchSpace::network_for`].
    pub fn network(&self) -> &NetworkSpace {
        &self.network
    }

    /// The networks for a data configuration: they depend on its number of channels where the network half has a
    /// width for monochrome inputs, and on its resolution where the stem's stride is a choice for small ones.
    pub fn network_for(&self, config: &DataConfig) -> &NetworkSpace {
        &self.networks[self.network.kind_of(config.input_shape()).index()]
    }

    /// The union of the networks for all data configurations. The greatest value of every list is what
    /// the shared weights of a supernet must hold: a narrower layer is the first channels of the widest,
    /// a smaller kernel the centre of the largest, a shallower stage its first blocks. Every network of the
    /// space runs in it; one with empty stages may write their (unused) width differently.
    pub fn envelope(&self) -> NetworkSpace {
        let kinds: BTreeSet<usize> = (self.data.configs().iter())
            .map(|config| self.network.kind_of(config.input_shape()).index())
            .collect();
        let mut networks = kinds.into_iter().map(|kind| &self.networks[kind]);
        let first = networks.next().unwrap_or(&self.network).clone();
        networks.fold(first, NetworkSpace::union)
    }

    /// Whether the candidate is one of this space.
    pub fn contains(&self, candidate: &Candidate) -> bool {
        self.data.contains(candidate.data)
            && self
                .network_for(&candidate.data)
                .contains(&candidate.network)
    }

    /// The candidate with the least value of every gene for a data configuration.
    pub fn smallest(&self, config: DataConfig) -> Candidate {
        Candidate {
            data: config,
            network: self.network_for(&config).smallest(),
        }
    }

    /// The candidate with the greatest value of every gene for a data configuration.
    pub fn largest(&self, config: DataConfig) -> Candidate {
        Candidate {
            data: config,
            network: self.network_for(&config).largest(),
        }
    }

    /// The number of candidates (exact up to 2^53).
    pub fn cardinality(&self) -> f64 {
        let networks = |config: &DataConfig| self.network_for(config).cardinality();
        self.data.configs().iter().map(networks).sum()
    }
}
