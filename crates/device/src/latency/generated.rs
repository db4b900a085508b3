//! What the C code that `danas export --as c` writes costs: how often each loop of its operators turns
//! (`crates/deploy/src/c/runtime/operators`), times the instructions that one turn takes.
//!
//! The instructions are those of gcc at `-O2`, counted in QEMU layer by layer over random candidates
//! (`scripts/count-instructions.py`) and fitted (`examples/fit_loops.rs` writes `loops.toml`). Whether a depthwise layer
//! works in place is left out: it changes a model by 1 % at most.

use super::per_instruction;
use crate::core::Core;
use danas_space::{Graph, Operator, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A loop of the generated operators, every turn of which takes the same instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratedLoop {
    /// An input of two vectors and four outputs of a matrix product: 8 multiply-accumulates.
    PairProduct,
    /// An input of one vector and four outputs: 4 multiply-accumulates.
    Product,
    /// An input of one vector and one of the outputs that are left over.
    SingleProduct,
    /// An output of a matrix product: bias, requantisation, clamping.
    Output,
    /// One or two vectors of a matrix product.
    Vector,
    /// A byte of the window that a convolution gathers.
    GatheredByte,
    /// A tap inside the map of four channels of a depthwise convolution.
    Tap,
    /// A row of taps inside the map of four channels.
    TapRow,
    /// Four outputs of a depthwise convolution.
    FourOutputs,
    /// A position of its window.
    Position,
    /// An element of a sum.
    AddedElement,
    /// An input of a global average pool.
    PooledInput,
    /// An output of it.
    PooledOutput,
    /// A class of a softmax.
    Class,
}

impl GeneratedLoop {
    /// All loops.
    pub const ALL: [GeneratedLoop; 14] = [
        Self::PairProduct,
        Self::Product,
        Self::SingleProduct,
        Self::Output,
        Self::Vector,
        Self::GatheredByte,
        Self::Tap,
        Self::TapRow,
        Self::FourOutputs,
        Self::Position,
        Self::AddedElement,
        Self::PooledInput,
        Self::PooledOutput,
        Self::Class,
    ];
}

/// How often the loops turn in layer `index`; loops that are not named do not.
///
/// # Panics
/// If the graph has no such layer or the layer reads a tensor that does not exist.
pub fn loop_turns(graph: &Graph, index: usize) -> Vec<(GeneratedLoop, f64)> {
    let layer = &graph.layers[index];
    let (input, output) = (graph.shape(layer.inputs[0]), layer.output);
    let positions = output.height * output.width;
    let turns = match layer.operator {
        Operator::Dense => matrix(0, 1, input.elements(), output.channels),
        Operator::Convolution {
            kernel: 1,
            stride: 1,
            ..
        } => matrix(
            positions / 2,
            positions % 2,
            input.channels,
            output.channels,
        ),
        Operator::Convolution { kernel, .. } => {
            let inputs = kernel * kernel * input.channels;
            let mut turns = matrix(0, positions, inputs, output.channels);
            turns.push((GeneratedLoop::GatheredByte, positions * inputs));
            turns
        }
        Operator::Depthwise { kernel, stride, .. } => depthwise(input, output, kernel, stride),
        Operator::Add => vec![(GeneratedLoop::AddedElement, output.elements())],
        Operator::GlobalAveragePool => vec![
            (GeneratedLoop::PooledInput, input.elements()),
            (GeneratedLoop::PooledOutput, output.channels),
        ],
        Operator::Softmax => vec![(GeneratedLoop::Class, output.elements())],
    };
    let number = |(turning, count): (GeneratedLoop, usize)| (turning, count as f64);
    turns.into_iter().map(number).collect()
}

/// The product of a matrix and vectors, of which some are taken in pairs.
fn matrix(
    pairs: usize,
    others: usize,
    inputs: usize,
    outputs: usize,
) -> Vec<(GeneratedLoop, usize)> {
    let (fours, rest) = (outputs / 4, outputs % 4);
    let vectors = 2 * pairs + others;
    vec![
        (GeneratedLoop::PairProduct, pairs * fours * inputs),
        (GeneratedLoop::Product, others * fours * inputs),
        (GeneratedLoop::SingleProduct, vectors * rest * inputs),
        (GeneratedLoop::Output, vectors * outputs),
        (GeneratedLoop::Vector, pairs + others),
    ]
}

/// A depthwise convolution; channels that are left over of four are taken for four.
fn depthwise(
    input: Shape,
    output: Shape,
    kernel: usize,
    stride: usize,
) -> Vec<(GeneratedLoop, usize)> {
    let rows = taps_inside(input.height, output.height, kernel, stride);
    let columns = taps_inside(input.width, output.width, kernel, stride);
    let fours = output.channels.div_ceil(4);
    let positions = output.height * output.width;
    vec![
        (GeneratedLoop::Tap, rows * columns * fours),
        (GeneratedLoop::TapRow, rows * output.width * fours),
        (GeneratedLoop::FourOutputs, positions * fours),
        (GeneratedLoop::Position, positions),
    ]
}

/// How many taps of the windows along one axis lie inside the map, all positions together.
fn taps_inside(input: usize, output: usize, kernel: usize, stride: usize) -> usize {
    let covered = output.saturating_sub(1) * stride + kernel;
    let before = covered.saturating_sub(input) / 2;
    (0..output)
        .map(|position| {
            let first = (position * stride).max(before);
            let end = (position * stride + kernel).min(input + before);
            end.saturating_sub(first)
        })
        .sum()
}

/// The instructions of one turn of each loop, by the core whose code was counted.
static INSTRUCTIONS: LazyLock<BTreeMap<Core, BTreeMap<GeneratedLoop, f64>>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../loops.toml")).expect("the file in the program is tested")
});

/// The core whose counted code stands for that of a core (the Cortex-M7 and M33 have the instructions of the M4 that this
/// code needs), and the cycles that it takes for an instruction of it; `None` where nothing was counted.
fn code(core: Core) -> Option<(Core, f64)> {
    match core {
        Core::CortexM0Plus => Some((core, per_instruction::CORTEX_M0_PLUS)),
        Core::CortexM4 => Some((core, per_instruction::CORTEX_M4)),
        Core::CortexM7 => Some((Core::CortexM4, per_instruction::CORTEX_M7)),
        Core::CortexM33 => Some((Core::CortexM4, per_instruction::CORTEX_M33)),
        Core::CortexM55 | Core::CortexM85 => Some((Core::CortexM55, per_instruction::HELIUM)),
        Core::XtensaLx6 | Core::XtensaLx7 | Core::Riscv32 => None,
    }
}

/// Predicted instructions of one inference of the generated C code; `None` for a core whose code was not counted.
///
/// # Panics
/// If a layer of the graph reads a tensor that does not exist.
pub fn generated_instructions(graph: &Graph, core: Core) -> Option<f64> {
    let (counted, _) = code(core)?;
    let costs = &INSTRUCTIONS[&counted];
    let layers = 0..graph.layers.len();
    let turns = layers.flat_map(|index| loop_turns(graph, index));
    Some(turns.map(|(turning, turns)| costs[&turning] * turns).sum())
}

/// Cycles of one inference of the generated C code; `None` for a core whose code was not counted.
pub(crate) fn generated_cycles(graph: &Graph, core: Core) -> Option<f64> {
    let (_, cycles) = code(core)?;
    Some(generated_instructions(graph, core)? * cycles)
}

#[cfg(test)]
mod tests {
    use super::{GeneratedLoop, INSTRUCTIONS, code, taps_inside};
    use crate::core::Core;
    use proptest::prelude::*;

    #[test]
    fn every_counted_code_has_costs_of_all_loops() {
        for core in [
            Core::CortexM0Plus,
            Core::CortexM4,
            Core::CortexM7,
            Core::CortexM33,
            Core::CortexM55,
            Core::CortexM85,
        ] {
            let (counted, cycles) = code(core).unwrap();
            assert!(cycles > 0.5 && cycles < 4.0);
            let costs = &INSTRUCTIONS[&counted];
            assert!(
                GeneratedLoop::ALL
                    .iter()
                    .all(|turning| costs[turning] > 0.0)
            );
        }
        assert_eq!(code(Core::Riscv32), None);
    }

    proptest! {
        #[test]
        fn taps_are_those_of_a_window_with_same_padding(
            input in 1usize..40,
            kernel in 1usize..10,
            stride in 1usize..4,
        ) {
            let output = input.div_ceil(stride);
            let padding = ((output - 1) * stride + kernel).saturating_sub(input) / 2;
            let inside = |position: usize, tap: usize| {
                let at = position * stride + tap;
                at >= padding && at - padding < input
            };
            let counted = (0..output)
                .flat_map(|position| (0..kernel).map(move |tap| (position, tap)))
                .filter(|&(position, tap)| inside(position, tap))
                .count();
            prop_assert_eq!(taps_inside(input, output, kernel, stride), counted);
        }
    }
}
