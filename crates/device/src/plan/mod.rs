//! Where every buffer of a graph lies in the head of the arena.
//!
//! `requests` says which buffers there are, how large they are, when each is alive, and how much any
//! plan needs at least. `runtime` places them as TFLM does, on its own or around offsets that a model file carries.
//! `best` looks for the smallest plan, whose offsets the model file carries where that pays.
//!
//! **Scratch.** A file carries offsets of tensors only; TFLM places scratch around them when it loads the file. Any
//! plan can be had in spite of that: scratch is alive for one layer and no layer asks for more than one buffer, so
//! when the tensors lie where a plan puts them, the scratch of a layer competes with nothing but the tensors alive
//! there. The gap that the plan left for it is there, and TFLM takes the lowest gap that is large enough, which ends
//! no higher. What is stated is what `runtime` makes of the offsets, never what was hoped for.
//!
//! **Execution order** is no freedom that could be used: in every graph that a search space lowers to, each layer
//! reads what the layer before it wrote (additions read an older tensor beside it), so there is one order only.
//! Graphs of other origin keep the order of their file.

mod best;
mod requests;
mod runtime;
#[cfg(test)]
mod tests;

pub use best::best_plan;
pub(crate) use best::improved;
pub(crate) use runtime::replay;
pub use runtime::{greedy_plan, replayed_plan};

use danas_space::TensorId;
use serde::Serialize;

/// Offsets and sizes in the arena are multiples of this many bytes (`MicroArenaBufferAlignment`).
pub(crate) const ALIGNMENT: u64 = 16;

/// What lies in a planned buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// An activation.
    Tensor(TensorId),
    /// Scratch of the layer with this index.
    Scratch(usize),
}

/// A buffer with its place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlannedBuffer {
    /// What lies in it.
    pub contents: Contents,
    /// Where it starts, in bytes from the arena's start.
    pub offset: u64,
    /// Its size in bytes, a multiple of 16.
    pub bytes: u64,
    /// Index of the first layer during which it is alive.
    pub first: usize,
    /// Index of the last layer during which it is alive.
    pub last: usize,
}

impl PlannedBuffer {
    /// Whether an activation lies in it.
    pub fn is_tensor(&self) -> bool {
        matches!(self.contents, Contents::Tensor(_))
    }

    /// Whether two buffers are ever alive at the same time.
    pub fn alive_with(&self, other: &PlannedBuffer) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The first byte behind it.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes
    }
}

/// Who chose the offsets of the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Planner {
    /// TFLM, when it loads the file.
    Runtime,
    /// The model file, which carries them.
    File,
}

/// The head of the arena: all buffers with their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// Size of the head in bytes.
    pub head_bytes: u64,
    /// What is proved to be the least that any plan needs, in bytes: at least the most bytes ever alive at the same
    /// time. A plan whose head is no larger is the best there is.
    pub least_bytes: u64,
    /// Who chose the offsets of the tensors.
    pub planner: Planner,
    /// The buffers: tensors in their order, then scratch in the order of the layers.
    pub buffers: Vec<PlannedBuffer>,
}

impl MemoryPlan {
    /// Bytes alive during each layer: the least that any plan could need is the largest of them.
    pub fn alive_bytes(&self) -> Vec<u64> {
        requests::alive_bytes(&self.buffers)
    }

    /// How much of the head only scratch takes: what lies above all activations, in bytes.
    pub fn scratch_bytes(&self) -> u64 {
        let tensors = self.buffers.iter().filter(|buffer| buffer.is_tensor());
        self.head_bytes - tensors.map(PlannedBuffer::end).max().unwrap_or(0)
    }

    /// The offsets of all tensors, in their order, that the model file has to carry for the runtime to follow this
    /// plan; empty where it does so anyway.
    pub fn carried_offsets(&self) -> Vec<Option<u64>> {
        let tensors = self.buffers.iter().filter(|buffer| buffer.is_tensor());
        match self.planner {
            Planner::Runtime => Vec::new(),
            Planner::File => tensors.map(|buffer| Some(buffer.offset)).collect(),
        }
    }
}
