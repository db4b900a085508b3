//! The search space: genes, sampling, mutation, crossover and lowering to a graph.
//!
//! A [`Candidate`] is a data configuration and an [`Architecture`]. A [`SearchSpace`] says which there are,
//! a [`Sampler`] draws those that meet the limits (it is told how far a candidate is over them and knows
//! nothing of boards), and [`lower`] turns one into the [`Graph`] that costs, training and deployment read.

mod architecture;
mod candidate;
mod error;
mod gene;
mod graph;
mod lowering;
mod network;
mod sampler;
mod search_space;
mod variation;

pub use architecture::{Architecture, Block, Expansion, Stage};
pub use candidate::Candidate;
pub use error::{Infeasible, SpaceError};
pub use gene::{Gene, Step};
pub use graph::{Activation, Graph, GraphError, Layer, Operator, Shape, TensorId};
pub use lowering::lower;
pub use network::{NetworkSpace, Networks, StageSpace};
pub use sampler::{Sampler, Violation};
pub use search_space::SearchSpace;
