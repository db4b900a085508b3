//! The buffers that have to be placed: how large they are and when they are alive.
//!
//! Every tensor lives from the layer that writes it to the last that reads it, the model's input from the start;
//! scratch lives for one layer. Sizes are rounded up to 16.

use super::{ALIGNMENT, Contents, PlannedBuffer};
use crate::core::Kernels;
use crate::program::Program;
use crate::scratch::scratch_bytes;
use danas_space::TensorId;

/// The unplaced buffers of a program: its tensors in their order, then the scratch of a set of kernels.
pub(super) fn requests(program: &Program, kernels: Kernels) -> Vec<PlannedBuffer> {
    let unplaced = |contents, bytes: u64, first, last| PlannedBuffer {
        contents,
        offset: 0,
        bytes: bytes.next_multiple_of(ALIGNMENT),
        first,
        last,
    };
    let mut buffers = Vec::with_capacity(2 * program.tensors().len());
    buffers.extend(program.tensors().iter().enumerate().map(|(index, tensor)| {
        let contents = Contents::Tensor(TensorId(index));
        unplaced(contents, tensor.bytes, tensor.first, tensor.last)
    }));
    for (index, operation) in program.operations().iter().enumerate() {
        let bytes = scratch_bytes(operation, kernels);
        if bytes > 0 {
            buffers.push(unplaced(Contents::Scratch(index), bytes, index, index));
        }
    }
    buffers
}

/// Bytes alive during each layer.
pub(super) fn alive_bytes(buffers: &[PlannedBuffer]) -> Vec<u64> {
    let layers = buffers.iter().map(|b| b.last + 1).max().unwrap_or(0);
    let mut alive = vec![0; layers];
    for buffer in buffers {
        for sum in &mut alive[buffer.first..=buffer.last] {
            *sum += buffer.bytes;
        }
    }
    alive
}
