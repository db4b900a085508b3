//! What TFLM makes of a graph: its greedy planner, on its own and around the offsets that a model file carries.
//!
//! Buffers whose offsets the file carries are placed first and are never moved. The others follow, largest first
//! (equal sizes: last declared first), each in the first gap, lowest offset, among those placed that are alive at
//! the same time. Tensors are declared in their order, scratch after them. Source: `greedy_memory_planner.cc` and
//! `micro_allocation_info.cc` of TFLM.

use super::requests::{alive_bytes, requests};
use super::{MemoryPlan, PlannedBuffer, Planner};
use crate::core::Kernels;
use crate::program::Program;
use danas_space::Graph;

/// The plan that TFLM makes for a graph and a set of kernels when the file carries none.
///
/// # Panics
/// If a layer of the graph reads a tensor that does not exist.
pub fn greedy_plan(graph: &Graph, kernels: Kernels) -> MemoryPlan {
    follow(requests(&graph.into(), kernels), &[])
}

/// The plan that TFLM makes for a graph and a set of kernels when the file carries `offsets` for its tensors, in
/// their order; `None` leaves a tensor to TFLM. Offsets are taken as they are: TFLM does not notice if tensors that
/// are alive at the same time overlap.
///
/// # Panics
/// If a layer of the graph reads a tensor that does not exist.
pub fn replayed_plan(graph: &Graph, kernels: Kernels, offsets: &[Option<u64>]) -> MemoryPlan {
    replay(&graph.into(), kernels, offsets)
}

/// The same for a program.
pub(crate) fn replay(program: &Program, kernels: Kernels, offsets: &[Option<u64>]) -> MemoryPlan {
    follow(requests(program, kernels), offsets)
}

/// Places unplaced buffers as TFLM does.
pub(super) fn follow(mut buffers: Vec<PlannedBuffer>, offsets: &[Option<u64>]) -> MemoryPlan {
    place(&mut buffers, offsets);
    let carried = offsets.iter().any(Option::is_some);
    MemoryPlan {
        head_bytes: buffers.iter().map(PlannedBuffer::end).max().unwrap_or(0),
        least_bytes: alive_bytes(&buffers).into_iter().max().unwrap_or(0),
        planner: if carried {
            Planner::File
        } else {
            Planner::Runtime
        },
        buffers,
    }
}

/// A placed buffer, small because the planner looks through all of them again and again.
#[derive(Clone, Copy)]
struct Slot {
    offset: u64,
    end: u64,
    first: u32,
    last: u32,
}

/// Gives every buffer its offset.
fn place(buffers: &mut [PlannedBuffer], offsets: &[Option<u64>]) {
    // those placed already, lowest offset first
    let mut placed: Vec<Slot> = Vec::with_capacity(buffers.len());
    let carried = |index: usize| offsets.get(index).copied().flatten();
    let mut order = Vec::with_capacity(buffers.len());
    for (index, buffer) in buffers.iter_mut().enumerate() {
        match carried(index) {
            Some(offset) => {
                buffer.offset = offset;
                insert(&mut placed, buffer);
            }
            None => order.push(index),
        }
    }
    order.sort_unstable_by_key(|&index| std::cmp::Reverse((buffers[index].bytes, index)));
    for index in order {
        let buffer = &mut buffers[index];
        buffer.offset = first_gap(&placed, buffer);
        insert(&mut placed, buffer);
    }
}

fn insert(placed: &mut Vec<Slot>, buffer: &PlannedBuffer) {
    let slot = Slot {
        offset: buffer.offset,
        end: buffer.end(),
        first: buffer.first as u32,
        last: buffer.last as u32,
    };
    let position = placed.partition_point(|other| other.offset <= slot.offset);
    placed.insert(position, slot);
}

/// The lowest offset at which a buffer fits among the slots that are alive with it.
fn first_gap(placed: &[Slot], buffer: &PlannedBuffer) -> u64 {
    let (first, last) = (buffer.first as u32, buffer.last as u32);
    let mut offset = 0;
    for slot in placed {
        // both comparisons at once: which of them fails cannot be foretold
        if (slot.first <= last) & (first <= slot.last) {
            if slot.offset >= offset + buffer.bytes {
                break;
            }
            offset = offset.max(slot.end);
        }
    }
    offset
}
