//! Where everything lies in the one static buffer.
//!
//! Tensors are placed by the planner of [`danas_device`]. A depthwise layer may write its output over its input, which
//! takes a few rows of a few channels beside it; the planner then sees one tensor that lives from the writer of the
//! input to the last reader of the output, and one for the rows that lives during the layer.

use danas_device::{Kernels, MemoryPlan, best_plan};
use danas_space::{Graph, Operator, Shape, TensorId};

use crate::kernels::Window;

/// How many channels a depthwise layer computes together in place. More of them need more room for waiting rows.
pub(super) const CHANNELS_IN_PLACE: usize = 8;

/// Above this number of depthwise layers it is not looked for those that need not work in place.
const MAX_TRIALS: usize = 64;

/// Parts of the buffer start at multiples of this many bytes.
const ALIGNMENT: usize = 16;

/// A depthwise layer that writes its output over its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InPlace {
    /// How many rows later a finished row is written.
    pub(super) delay: usize,
    /// Where rows wait, in bytes.
    pub(super) rows: u64,
}

/// The plan of the buffer, in bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// Size of the buffer.
    pub(super) bytes: u64,
    /// Where each tensor lies.
    pub(super) tensors: Vec<u64>,
    /// For each layer, whether it works in place.
    pub(super) in_place: Vec<Option<InPlace>>,
    /// Where the patches of convolutions are gathered.
    pub(super) patch: u64,
    /// Where frames are resized, while nothing but the input is alive.
    pub(super) frames: u64,
}

impl Storage {
    /// Plans the buffer of a graph: the activations, `patch_bytes` beside them, and `frame_bytes` beside the input.
    pub(super) fn new(graph: &Graph, patch_bytes: usize, frame_bytes: usize) -> Self {
        let delays = delays(graph);
        let chosen = choose(graph, &delays);
        let plan = plan_shared(graph, &delays, &chosen);
        let roots = roots(graph, &chosen);
        let offset = |tensor: usize| plan.buffers[tensor].offset;
        let in_place = (0..graph.layers.len()).map(|layer| {
            let delay = delays[layer].filter(|_| chosen[layer])?;
            Some(InPlace {
                delay,
                rows: offset(layer + 1),
            })
        });
        let patch = plan.head_bytes;
        let activations = patch + aligned(patch_bytes);
        let input = offset(0)..offset(0) + aligned(graph.input.elements());
        let frames = if input.start >= frame_bytes as u64 {
            0
        } else {
            input.end
        };
        Self {
            bytes: activations.max(frames + aligned(frame_bytes)),
            tensors: roots.iter().map(|root| offset(root.0)).collect(),
            in_place: in_place.collect(),
            patch,
            frames,
        }
    }
}

fn aligned(bytes: usize) -> u64 {
    bytes.next_multiple_of(ALIGNMENT) as u64
}

/// For each layer that may work in place, how many rows later a finished row must be written. Such a layer is depthwise
/// and the last reader of its input.
fn delays(graph: &Graph) -> Vec<Option<usize>> {
    let lifetimes = graph.lifetimes();
    let delay = |(index, layer): (usize, &danas_space::Layer)| {
        let Operator::Depthwise { kernel, stride, .. } = layer.operator else {
            return None;
        };
        let input = layer.inputs[0];
        (lifetimes[input.0].1 == index)
            .then(|| row_delay(graph.shape(input), layer.output, kernel, stride))
    };
    graph.layers.iter().enumerate().map(delay).collect()
}

/// The least number of rows by which the output must lag behind so that it only overwrites input pixels that no later
/// row reads.
fn row_delay(input: Shape, output: Shape, kernel: usize, stride: usize) -> usize {
    let top = Window::new(input, output, kernel, stride).pad_top;
    // After row `y`, rows of the input from `(y + 1) stride - top` on are still read; nothing is after the last one.
    let is_safe = |delay: usize| {
        (delay..output.height - 1).all(|y| {
            let written = (y - delay + 1) * output.width;
            written <= ((y + 1) * stride).saturating_sub(top) * input.width
        })
    };
    (0..output.height)
        .find(|&delay| is_safe(delay))
        .unwrap_or(output.height)
}

/// Bytes of the rows that wait while a layer works in place.
fn waiting_bytes(output: Shape, delay: usize) -> usize {
    (delay + 1) * output.width * output.channels.min(CHANNELS_IN_PLACE)
}

/// Which layers work in place: as few as give the smallest buffer that was found.
fn choose(graph: &Graph, delays: &[Option<usize>]) -> Vec<bool> {
    let head = |chosen: &[bool]| plan_shared(graph, delays, chosen).head_bytes;
    let all: Vec<bool> = delays.iter().map(Option::is_some).collect();
    // Where the output is smaller than the input, sharing keeps the larger of the two alive for longer.
    let same_size: Vec<bool> = graph
        .layers
        .iter()
        .zip(&all)
        .map(|(layer, &possible)| possible && graph.shape(layer.inputs[0]) == layer.output)
        .collect();
    let none = vec![false; all.len()];
    let trials = [none, same_size, all].map(|chosen| (head(&chosen), chosen));
    let [first, rest @ ..] = trials;
    // The first of the smallest.
    let (mut least, mut best) =
        rest.into_iter().fold(
            first,
            |best, trial| if trial.0 < best.0 { trial } else { best },
        );
    if best.iter().filter(|chosen| **chosen).count() <= MAX_TRIALS {
        for layer in 0..best.len() {
            if std::mem::take(&mut best[layer]) {
                let without = head(&best);
                best[layer] = without > least;
                least = least.min(without);
            }
        }
    }
    best
}

/// The tensor in whose place each tensor lies.
fn roots(graph: &Graph, chosen: &[bool]) -> Vec<TensorId> {
    let mut roots = vec![TensorId(0)];
    for (index, layer) in graph.layers.iter().enumerate() {
        roots.push(if chosen[index] {
            roots[layer.inputs[0].0]
        } else {
            TensorId(index + 1)
        });
    }
    roots
}

/// Plans the activations with the chosen layers in place. The planner gets a graph of the same sizes and lifetimes:
/// where a layer works in place, its output stands for the waiting rows, and what read the output reads its place.
fn plan_shared(graph: &Graph, delays: &[Option<usize>], chosen: &[bool]) -> MemoryPlan {
    let roots = roots(graph, chosen);
    let mut shared = graph.clone();
    for (index, layer) in shared.layers.iter_mut().enumerate() {
        for input in &mut layer.inputs {
            *input = roots[input.0];
        }
        if let Some(delay) = delays[index].filter(|_| chosen[index]) {
            layer.operator = Operator::Dense;
            layer.output = Shape {
                height: 1,
                width: 1,
                channels: waiting_bytes(layer.output, delay),
            };
        }
    }
    best_plan(&shared, Kernels::Reference)
}

#[cfg(test)]
mod tests;
