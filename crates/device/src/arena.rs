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
//! 1 % (`tests/arena.rs` of `danas-deploy`). What operators of other tools keep was measured on files of one to four of
//! them; on files that TensorFlow converted arenas are held to 1 % too (`tests/converted.rs` there). The figures of
//! STRIDED_SLICE, PACK and SHAPE on 32-bit targets are estimates.
//!
//! **Smallest arena.** Head and tail, unless the head is so small that the planner's own working memory, which
//! lies in its place while the plan is made, is larger: deep networks on small maps. That memory is one record
//! per tensor and per planned buffer (`AllocationInfo` of `micro_allocation_info.h`, `per_buffer_size()` of
//! `greedy_memory_planner.h`); the same holds for the temporary tensors with which operators are prepared, measured
//! on single convolutions of 4 to 257 channels; for 32-bit targets it is an estimate, scaled and not measured.

use crate::plan::{ALIGNMENT, MemoryPlan};
use crate::program::{Operation, OperatorKind, Program};

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
    fully_connected: u64,
    add: u64,
    pool: u64,
    mean: u64,
    softmax: u64,
    pad: u64,
    reshape: u64,
    strided_slice: u64,
    pack: u64,
    shape: u64,
    /// The interpreter, its allocators, the input's and the output's `TfLiteTensor`.
    fixed: u64,
    /// Per tensor while the plan is made.
    planning_tensor: u64,
    /// While a convolution is prepared.
    preparing: u64,
    /// While a fully connected layer is prepared.
    preparing_fully_connected: u64,
    /// While a mean is prepared.
    preparing_mean: u64,
}

/// Per planned buffer while the plan is made; the same with 32 and 64 bits.
const PLANNING_BUFFER: u64 = 40;

/// The multiplier and the shift of one output channel, kept as vectors aligned to four channels.
const PER_CHANNEL: u64 = 8;

/// Per output channel of a convolution while it is prepared: presumably zero points of temporary tensors.
const PREPARING_CHANNEL: u64 = 12;
/// The same of a fully connected layer with a scale per output.
const PREPARING_OUTPUT: u64 = 8;

/// TFLM on a 32-bit microcontroller.
pub(crate) const MICROCONTROLLER: Runtime = Runtime {
    tensor: 12,
    operator: 32,
    convolution: 64 + 28,
    depthwise: 64 + 28,
    fully_connected: 80 + 8,
    add: 80 + 4,
    pool: 48 + 40,
    mean: 48 + 4,
    softmax: 64 + 4,
    pad: 64,
    reshape: 36,
    strided_slice: 88,
    pack: 8,
    shape: 0,
    fixed: 360,
    planning_tensor: 24,
    preparing: 464,
    preparing_fully_connected: 250,
    preparing_mean: 340,
};

/// The x86-64 Python wheel.
pub(crate) const HOST: Runtime = Runtime {
    tensor: 24,
    operator: 64,
    convolution: 108,
    depthwise: 110,
    fully_connected: 112,
    add: 70,
    pool: 86,
    mean: 72,
    softmax: 86,
    pad: 64,
    reshape: 40,
    strided_slice: 104,
    pack: 16,
    shape: 8,
    fixed: 702,
    planning_tensor: 32,
    preparing: 632,
    preparing_fully_connected: 344,
    preparing_mean: 464,
};

impl Runtime {
    /// Size of the tail in bytes.
    pub(crate) fn tail_bytes(&self, program: &Program) -> u64 {
        let operations = program.operations().iter().map(|operation| {
            self.kernel_bytes(operation.kind) + per_channel(operation) + self.operator
        });
        self.fixed + self.tensor * program.tensors_of_file() + operations.sum::<u64>()
    }

    /// What an operator keeps beside its multipliers per channel, in bytes.
    fn kernel_bytes(&self, kind: OperatorKind) -> u64 {
        match kind {
            OperatorKind::Add => self.add,
            OperatorKind::AveragePool | OperatorKind::MaxPool => self.pool,
            OperatorKind::Convolution => self.convolution,
            OperatorKind::Depthwise => self.depthwise,
            OperatorKind::FullyConnected => self.fully_connected,
            OperatorKind::Mean => self.mean,
            OperatorKind::Pack => self.pack,
            OperatorKind::Pad => self.pad,
            OperatorKind::Reshape => self.reshape,
            OperatorKind::Shape => self.shape,
            OperatorKind::Softmax => self.softmax,
            OperatorKind::StridedSlice => self.strided_slice,
        }
    }

    /// What preparing the operations takes beside the finished tail, in bytes: the temporary tensors of one operation,
    /// less what the tail does not hold yet, which is what later ones will keep per channel.
    fn preparing_bytes(&self, program: &Program) -> u64 {
        let mut later = 0;
        let mut most = 0;
        for operation in program.operations().iter().rev() {
            let channels = operation.multipliers as u64;
            let temporary = match operation.kind {
                OperatorKind::Convolution | OperatorKind::Depthwise => {
                    self.preparing + PREPARING_CHANNEL * channels
                }
                OperatorKind::FullyConnected => {
                    self.preparing_fully_connected + PREPARING_OUTPUT * channels
                }
                OperatorKind::Mean => self.preparing_mean,
                _ => 0,
            };
            most = temporary.saturating_sub(later).max(most);
            later += per_channel(operation);
        }
        most
    }

    /// The smallest arena that a program loads and runs with, in bytes.
    pub(crate) fn arena_bytes(&self, program: &Program, plan: &MemoryPlan) -> u64 {
        let front = plan.head_bytes.max(self.loading_bytes(program, plan));
        (front + self.tail_bytes(program)).next_multiple_of(ALIGNMENT)
    }

    /// What has to fit beside the tail while the file is loaded, whatever the head, in bytes. Offsets in the file
    /// make no difference to it.
    pub(crate) fn loading_bytes(&self, program: &Program, plan: &MemoryPlan) -> u64 {
        let buffers = plan.buffers.len() as u64;
        let scratch = buffers - program.tensors().len() as u64;
        let planning = self.planning_tensor * (program.tensors_of_file() + scratch)
            + PLANNING_BUFFER * buffers;
        planning.max(self.preparing_bytes(program))
    }
}

/// The multipliers and shifts of an operation in the tail, in bytes.
fn per_channel(operation: &Operation) -> u64 {
    PER_CHANNEL * (operation.multipliers as u64).next_multiple_of(4)
}
