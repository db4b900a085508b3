//! The smallest head: branch and bound over plans in which every buffer lies as low as it can.
//!
//! Of all plans within a capacity, take one whose offsets have the smallest sum. No buffer of it can be moved
//! down, so every buffer lies at 0 or directly on another one that is alive with it; and placed in the order of
//! their offsets, every buffer comes to lie on the highest of those placed before it. Such orders are all that the
//! search looks at. It cuts a branch
//! - when a layer cannot hold the buffers that are still to come on top of those that are placed,
//! - when a buffer that is still to come would fit wholly below the next offset: then the plan could be lowered.
//!
//! Between layers that no unplaced buffer spans the problem falls apart, and the parts are solved one by one: in a
//! chain of layers, every placed tensor cuts it in two.
//!
//! The capacity starts at the lower bound. When there is no plan within it, the least capacity at which any cut
//! branch would have gone on is a new lower bound, and the next capacity. The search gives up after a fixed number
//! of steps, so its results depend on nothing but the graph; then a few capacities between the bound and the best
//! plan known are tried, which proves nothing but may find a better plan.

use super::requests::{alive_bytes, requests};
use super::runtime::follow;
use super::{ALIGNMENT, MemoryPlan, PlannedBuffer};
use crate::core::Kernels;
use danas_space::Graph;

/// Buffers looked at before the search for a proof gives up, and in each attempt afterwards.
const PROOF_STEPS: u32 = 20_000;
const ATTEMPT_STEPS: u32 = 4_000;

/// The best plan known for a graph and a set of kernels, as TFLM follows it: its own where that is as good,
/// otherwise one whose offsets the file has to carry ([`MemoryPlan::carried_offsets`]). The best there is if its
/// `head_bytes` equal its `least_bytes`. Microseconds where TFLM's own plan meets the lower bound, tens of them
/// where it does not; no more than some ten milliseconds for any graph.
///
/// # Panics
/// If a layer of the graph reads a tensor that does not exist.
pub fn best_plan(graph: &Graph, kernels: Kernels) -> MemoryPlan {
    improved(follow(requests(&graph.into(), kernels), &[]))
}

/// A plan of TFLM's own, or a better one.
pub(crate) fn improved(greedy: MemoryPlan) -> MemoryPlan {
    improved_within(greedy, PROOF_STEPS)
}

/// The same with a limit to the search for a proof.
pub(super) fn improved_within(greedy: MemoryPlan, steps: u32) -> MemoryPlan {
    if greedy.head_bytes == greedy.least_bytes {
        return greedy;
    }
    let (found, least_bytes) = smallest(&greedy, steps);
    let Some(offsets) = found else {
        return MemoryPlan {
            least_bytes,
            ..greedy
        };
    };
    let tensors = greedy.buffers.iter().zip(offsets);
    let carried: Vec<Option<u64>> = tensors
        .filter(|(buffer, _)| buffer.is_tensor())
        .map(|(_, offset)| Some(offset))
        .collect();
    MemoryPlan {
        least_bytes,
        ..follow(greedy.buffers, &carried)
    }
}

/// The offsets of the best plan found that is better than the given one, and a proved lower bound.
fn smallest(known: &MemoryPlan, steps: u32) -> (Option<Vec<u64>>, u64) {
    let mut search = Search::new(&known.buffers);
    let mut least = known.least_bytes;
    search.steps = steps;
    while least < known.head_bytes {
        match search.run(least) {
            Verdict::Placed => return (Some(search.offsets), least),
            Verdict::Impossible => least = search.next_capacity,
            Verdict::OutOfSteps => {
                return (search.attempt(least + ALIGNMENT, known.head_bytes), least);
            }
        }
    }
    (None, known.head_bytes)
}

/// How a search for a plan within a capacity ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Placed,
    Impossible,
    OutOfSteps,
}

/// An unplaced buffer that could be placed next.
#[derive(Clone, Copy)]
struct Choice {
    buffer: usize,
    offset: u64,
}

struct Search<'a> {
    buffers: &'a [PlannedBuffer],
    /// All buffers in the order of their first layers.
    order: Vec<usize>,
    /// Where each placed buffer lies.
    offsets: Vec<u64>,
    /// Per layer, the end of the highest placed buffer.
    top: Vec<u64>,
    /// Per layer, the bytes of the buffers still to be placed.
    load: Vec<u64>,
    capacity: u64,
    /// The least capacity at which a branch that was cut would have gone on.
    next_capacity: u64,
    /// What is left to be looked at.
    steps: u32,
}

impl<'a> Search<'a> {
    fn new(buffers: &'a [PlannedBuffer]) -> Self {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|&buffer| buffers[buffer].first);
        Self {
            buffers,
            order,
            offsets: vec![0; buffers.len()],
            top: Vec::new(),
            load: Vec::new(),
            capacity: 0,
            next_capacity: 0,
            steps: 0,
        }
    }

    /// Looks for a plan within a capacity.
    fn run(&mut self, capacity: u64) -> Verdict {
        self.capacity = capacity;
        self.next_capacity = u64::MAX;
        self.load = alive_bytes(self.buffers);
        self.top = vec![0; self.load.len()];
        let all = self.order.clone();
        self.place_parts(&all, 0)
    }

    /// The best plan that bisection between two capacities finds; the upper one is known to be possible.
    fn attempt(&mut self, mut low: u64, mut high: u64) -> Option<Vec<u64>> {
        let mut best = None;
        while low < high {
            let middle = (low + (high - low) / 2) / ALIGNMENT * ALIGNMENT;
            self.steps = ATTEMPT_STEPS;
            if self.run(middle) == Verdict::Placed {
                high = self.top.iter().copied().max().unwrap_or(0);
                best = Some(self.offsets.clone());
            } else {
                low = middle + ALIGNMENT;
            }
        }
        best
    }

    /// Places buffers, sorted by their first layers, none below `lowest`: part by part, wherever no buffer spans
    /// the layers between, the fullest part first.
    fn place_parts(&mut self, buffers: &[usize], lowest: u64) -> Verdict {
        let mut parts: Vec<(u64, &[usize])> = Vec::new();
        let mut rest = buffers;
        while !rest.is_empty() {
            let (part, others) = rest.split_at(self.part(rest));
            let fullest = self.layers(part).map(|layer| self.needed(layer, lowest));
            parts.push((fullest.max().unwrap_or(0), part));
            rest = others;
        }
        if let [(_, part)] = parts[..] {
            return self.place(part, lowest);
        }
        parts.sort_by_key(|&(needed, _)| std::cmp::Reverse(needed));
        for (_, part) in parts {
            match self.place(part, lowest) {
                Verdict::Placed => {}
                other => return other,
            }
        }
        Verdict::Placed
    }

    /// How many of the buffers, sorted by their first layers, belong to the first part.
    fn part(&self, buffers: &[usize]) -> usize {
        let mut last = 0;
        for (index, &buffer) in buffers.iter().enumerate() {
            let buffer = &self.buffers[buffer];
            if index > 0 && buffer.first > last {
                return index;
            }
            last = last.max(buffer.last);
        }
        buffers.len()
    }

    /// The layers that a part spans.
    fn layers(&self, part: &[usize]) -> std::ops::Range<usize> {
        let first = part.first().map_or(0, |&buffer| self.buffers[buffer].first);
        let last = part.iter().map(|&buffer| self.buffers[buffer].last + 1);
        first..last.max().unwrap_or(first)
    }

    /// The least capacity that a layer needs if nothing more is placed below `lowest`.
    fn needed(&self, layer: usize, lowest: u64) -> u64 {
        match self.load[layer] {
            0 => self.top[layer],
            load => self.top[layer].max(lowest) + load,
        }
    }

    /// Places the buffers of one part.
    fn place(&mut self, part: &[usize], lowest: u64) -> Verdict {
        let layers = self.layers(part);
        let needed = layers.clone().map(|layer| self.needed(layer, lowest));
        let needed = needed.max().unwrap_or(0);
        if needed > self.capacity {
            self.next_capacity = self.next_capacity.min(needed);
            return Verdict::Impossible;
        }
        let Some(steps) = self.steps.checked_sub(part.len() as u32) else {
            return Verdict::OutOfSteps;
        };
        self.steps = steps;
        let before = (
            self.top[layers.clone()].to_vec(),
            self.load[layers.clone()].to_vec(),
        );
        let mut rest = Vec::with_capacity(part.len());
        for choice in self.choices(part, lowest) {
            self.put(choice);
            rest.clear();
            rest.extend(
                part.iter()
                    .copied()
                    .filter(|&buffer| buffer != choice.buffer),
            );
            match self.place_parts(&rest, choice.offset) {
                Verdict::Impossible => {}
                other => return other,
            }
            self.top[layers.clone()].copy_from_slice(&before.0);
            self.load[layers.clone()].copy_from_slice(&before.1);
        }
        Verdict::Impossible
    }

    /// The buffers of a part that can come next, the most promising first: low, in full layers, long alive, large.
    fn choices(&self, part: &[usize], lowest: u64) -> Vec<Choice> {
        let choices: Vec<Choice> = part
            .iter()
            .map(|&buffer| {
                let alive = &self.buffers[buffer];
                let below = &self.top[alive.first..=alive.last];
                let offset = below.iter().copied().max().unwrap_or(0);
                Choice { buffer, offset }
            })
            .collect();
        let ends = choices
            .iter()
            .map(|c| c.offset + self.buffers[c.buffer].bytes);
        // What comes next at or above this would leave room for another buffer wholly below it.
        let limit = ends.min().unwrap_or(0);
        let mut choices: Vec<Choice> = choices
            .into_iter()
            .filter(|choice| (lowest..limit).contains(&choice.offset))
            .collect();
        choices.sort_by_key(|choice| {
            let buffer = &self.buffers[choice.buffer];
            let layers = buffer.first..=buffer.last;
            let fullest = layers.map(|layer| self.needed(layer, lowest)).max();
            let key = (fullest, buffer.last - buffer.first, buffer.bytes);
            (choice.offset, std::cmp::Reverse(key))
        });
        choices
    }

    fn put(&mut self, choice: Choice) {
        let buffer = &self.buffers[choice.buffer];
        self.offsets[choice.buffer] = choice.offset;
        for layer in buffer.first..=buffer.last {
            self.top[layer] = choice.offset + buffer.bytes;
            self.load[layer] -= buffer.bytes;
        }
    }
}
