//! The engine: a candidate's share of the shared weights, run forwards and backwards.
//!
//! A batch is cut into [`CHUNKS`] pieces whatever the number of threads; every sum over the batch (BatchNorm's
//! statistics, weight gradients) is made per piece and added up in order. So the same seed gives the same
//! weights on any number of threads. A convolution stores its output once, before BatchNorm; normalisation and
//! ReLU6 are applied while the next operator loads it, forwards and backwards. Wide tensors on large maps are not even
//! stored once ([`expansion`]).

mod backward;
mod expansion;
mod forward;
mod inference;
mod norm;
pub(crate) mod subnet;
#[cfg(test)]
pub(crate) mod tests;
mod weights;
mod workspace;

use danas_kernels::Team;

pub(crate) use backward::backward;
pub(crate) use forward::forward;
pub(crate) use inference::Inference;
pub(crate) use norm::Statistics;
pub(crate) use weights::{PackedWeights, dense_weights};
pub(crate) use workspace::{Workspace, with_scratch};

/// The threads of a step: as many as the pool of threads has in which it is called.
pub(crate) fn team() -> &'static Team {
    Team::of(rayon::current_num_threads())
}

/// Into how many pieces a batch is cut. More would feed more threads but make smaller matrices and more partial
/// gradients.
pub(crate) const CHUNKS: usize = 8;

/// Images per piece for a batch of `images`.
pub(crate) fn chunk_images(images: usize) -> usize {
    images.div_ceil(CHUNKS).max(1)
}
