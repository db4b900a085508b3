//! The tensor arena of TFLM: a head of activations and scratch, a tail of the interpreter's own structures.
//!
//! **Tail.** A sum over tensors and operators. The figures for 32-bit targets were measured on TFLM compiled for
//! Cortex-M4 (error at most 0.15 % of the arena on six convolutional models). Those for the x86-64 Python wheel
//! (`tflite-micro` 0.dev20261023182759) were fitted by weighted least squares to the 18 networks of
//! `tests/costs/networks.txt`, written and measured by `scripts/device-measure.py`: the tail as the runtime's own
//! allocation report states it, the smallest arena by bisection. Since then the classifier is written as a
//! convolution and costs what other convolutions do; of the networks measured again, predicted arenas are at most
//! 16 bytes under and 32 over the measured ones, part of it because they are rounded up. On 24 other networks, in
//! files that `danas-deploy` wrote (`tests/costs/written.tsv`), they are 0.02 to 0.51 % over. Of 200 random candidates
//! of the default space, with every memory plan that a board's core asks for, the head is exact and the arena within
//! 1 % (`tests/arena.rs` of `danas-deploy`).
//!
//! **Smallest arena.** Head and tail, unless the head is so small that the planner's own working memory, which
//! lies in its place while the plan is made, is larger: deep networks on small maps. That memory is one record
//! per tensor and per planned buffer (`AllocationInfo` of `micro_allocation_info.h`, `per_buffer_size()` of
//! `greedy_memory_planner.h`); the same holds for the temporary tensors with which operators are prepared, measured
//! on single convolutions of 4 to 257 channels; for 32-bit targets it is an estimate, scaled and not measured.

use crate::plan::{ALIGNMENT, MemoryPlan};
use danas_space::{Graph, Layer, Operator};

/// Bytes of one build of the runtime.
#[derive(Debug)]
pub(crate) struct Runtime {
    /// Per tensor, constants included (`TfLiteEvalTensor`).
    tensor: u64,
    /// Per operator (`NodeAndRegistration`).
    operator: u64,
    /// Per kind of operator: its parameters and its kernel's data.
    convolution: u64,
    depthwise: u64,
    add: u64,
    pool: u64,
    softmax: u64,
    /// The interpreter, its allocators, the input's and the output's `TfLiteTensor`.
    fixed: u64,
    /// Per tensor while the plan is made.
    planning_tensor: u64,
    /// While an operator with weights is prepared.
    preparing: u64,
}

/// Per planned buffer while the plan is made; the same with 32 and 64 bits.
const PLANNING_BUFFER: u64 = 40;

/// The multiplier and the shift of one output channel, kept as vectors aligned to four channels.
const PER_CHANNEL: u64 = 8;

/// Per output channel of an operator with weights while it is prepared: presumably zero points of temporary tensors.
const PREPARING_CHANNEL: u64 = 12;

/// TFLM on a 32-bit microcontroller.
pub(crate) const MICROCONTROLLER: Runtime = Runtime {
    tensor: 12,
    operator: 32,
    convolution: 64 + 28,
    depthwise: 64 + 28,
    add: 80 + 4,
    pool: 48 + 40,
    softmax: 64 + 4,
    fixed: 360,
    planning_tensor: 24,
    preparing: 464,
};

/// The x86-64 Python wheel.
pub(crate) const HOST: Runtime = Runtime {
    tensor: 24,
    operator: 64,
    convolution: 108,
    depthwise: 110,
    add: 70,
    pool: 86,
    softmax: 86,
    fixed: 702,
    planning_tensor: 32,
    preparing: 632,
};

impl Runtime {
    /// Size of the tail in bytes.
    pub(crate) fn tail_bytes(&self, graph: &Graph) -> u64 {
        let layers = graph.layers.iter().map(|layer| {
            let kernel = match layer.operator {
                Operator::Convolution { .. } | Operator::Dense => self.convolution,
                Operator::Depthwise { .. } => self.depthwise,
                Operator::Add => self.add,
                Operator::GlobalAveragePool => self.pool,
                Operator::Softmax => self.softmax,
            };
            kernel + per_channel(layer) + self.operator
        });
        self.fixed + self.tensor * tensors(graph) + layers.sum::<u64>()
    }

    /// What preparing the layers takes beside the finished tail, in bytes: the temporary tensors of one layer, less
    /// what the tail does not hold yet, which is what later layers will keep per channel.
    fn preparing_bytes(&self, graph: &Graph) -> u64 {
        let mut later = 0;
        let mut most = 0;
        for layer in graph.layers.iter().rev() {
            if has_weights(layer.operator) {
                let temporary = self.preparing + PREPARING_CHANNEL * layer.output.channels as u64;
                most = temporary.saturating_sub(later).max(most);
            }
            later += per_channel(layer);
        }
        most
    }

    /// The smallest arena that a graph loads and runs with, in bytes.
    pub(crate) fn arena_bytes(&self, graph: &Graph, plan: &MemoryPlan) -> u64 {
        let front = plan.head_bytes.max(self.loading_bytes(graph, plan));
        (front + self.tail_bytes(graph)).next_multiple_of(ALIGNMENT)
    }

    /// What has to fit beside the tail while the file is loaded, whatever the head, in bytes. Offsets in the file
    /// make no difference to it.
    pub(crate) fn loading_bytes(&self, graph: &Graph, plan: &MemoryPlan) -> u64 {
        let buffers = plan.buffers.len() as u64;
        let scratch = buffers - (graph.layers.len() as u64 + 1);
        let planning =
            self.planning_tensor * (tensors(graph) + scratch) + PLANNING_BUFFER * buffers;
        planning.max(self.preparing_bytes(graph))
    }
}

/// The multipliers and shifts of a layer in the tail, in bytes.
fn per_channel(layer: &Layer) -> u64 {
    if has_weights(layer.operator) {
        PER_CHANNEL * (layer.output.channels as u64).next_multiple_of(4)
    } else {
        0
    }
}

/// Tensors of the model file: the input, one output per layer, weights and a bias per layer that has them.
pub(crate) fn tensors(graph: &Graph) -> u64 {
    let constants = graph
        .layers
        .iter()
        .filter(|layer| has_weights(layer.operator))
        .count();
    (1 + graph.layers.len() + 2 * constants) as u64
}

/// Whether an operator has weights and a bias.
pub(crate) fn has_weights(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Convolution { .. } | Operator::Depthwise { .. } | Operator::Dense
    )
}
