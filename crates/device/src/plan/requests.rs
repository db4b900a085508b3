//! The buffers that have to be placed: how large they are and when they are alive.
//!
//! Every tensor lives from the layer that writes it to the last that reads it, the model's input from the start;
//! scratch lives for one layer. Sizes are rounded up to 16.

use super::{ALIGNMENT, Contents, PlannedBuffer};
use crate::core::Kernels;
use crate::scratch::scratch_bytes;
use danas_space::{Graph, TensorId};

/// The unplaced buffers of a graph: its tensors in their order, then the scratch of a set of kernels.
pub(super) fn requests(graph: &Graph, kernels: Kernels) -> Vec<PlannedBuffer> {
    let mut buffers = tensors(graph);
    if kernels.need_scratch() {
        add_scratch(graph, kernels, &mut buffers);
    }
    buffers
}

/// One unplaced buffer per tensor.
fn tensors(graph: &Graph) -> Vec<PlannedBuffer> {
    let lifetimes = graph.lifetimes();
    let mut buffers = Vec::with_capacity(2 * lifetimes.len());
    buffers.extend(
        lifetimes
            .into_iter()
            .enumerate()
            .map(|(tensor, (first, last))| {
                let tensor = TensorId(tensor);
                PlannedBuffer {
                    contents: Contents::Tensor(tensor),
                    offset: 0,
                    bytes: (graph.shape(tensor).elements() as u64).next_multiple_of(ALIGNMENT),
                    first,
                    last,
                }
            }),
    );
    buffers
}

fn add_scratch(graph: &Graph, kernels: Kernels, buffers: &mut Vec<PlannedBuffer>) {
    for index in 0..graph.layers.len() {
        let bytes = scratch_bytes(graph, index, kernels);
        if bytes > 0 {
            buffers.push(PlannedBuffer {
                contents: Contents::Scratch(index),
                offset: 0,
                bytes: bytes.next_multiple_of(ALIGNMENT),
                first: index,
                last: index,
            });
        }
    }
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
