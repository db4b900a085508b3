//! Flash: the model file and the code of the runtime.

use crate::core::Kernels;
use crate::plan::{MemoryPlan, Planner};
use crate::program::{OperatorKind, Program};
use danas_space::{Activation, Graph, Operator};

/// What the .tflite writer spends on what is no weight, in bytes. A FlatBuffer is made of tables and vectors with
/// 4 bytes in front of each, aligned as their elements; the writer stores equal shapes, equal vectors of zero
/// points and equal options once. Padding is taken at its average, the options of the classifier are part of what
/// is fixed. Fitted to 24 files that `danas-deploy` wrote, and within 0.7 % of the 24 others of
/// `tests/costs/written.tsv`.
mod file {
    /// Header, model, subgraph, operator codes, options, description and the layouts of the tables.
    pub(super) const FIXED: u64 = 508;
    /// Per activation: its tensor and its quantisation.
    pub(super) const ACTIVATION: u64 = 40;
    /// More, where its zero point is not that of ReLU6.
    pub(super) const ZERO_POINT: u64 = 14;
    /// Per constant: its tensor, its buffer and its quantisation.
    pub(super) const CONSTANT: u64 = 61;
    /// Per operator without its inputs.
    pub(super) const OPERATOR: u64 = 40;
    /// Per input of an operator, and per channel of a scale or of a bias.
    pub(super) const WORD: u64 = 4;
    /// Per shape of four dimensions.
    pub(super) const SHAPE: u64 = 20;
    /// Per number of channels: its shape, and its zero points, 8 bytes each.
    pub(super) const CHANNELS: u64 = 14;
    pub(super) const CHANNEL: u64 = 8;
    /// A memory plan without its offsets.
    pub(super) const PLAN: u64 = 92;
}

/// Predicted size of the model file in bytes.
pub(crate) fn model_bytes(graph: &Graph) -> u64 {
    let mut shapes = Vec::with_capacity(2 * graph.layers.len() + 1);
    let mut channels = Vec::with_capacity(graph.layers.len());
    shapes.push(packed([
        graph.input.height,
        graph.input.width,
        graph.input.channels,
        1,
    ]));
    let mut bytes = file::FIXED + file::ACTIVATION;
    for (index, layer) in graph.layers.iter().enumerate() {
        let input = graph.shape(layer.inputs[0]);
        let output = layer.output;
        bytes += file::OPERATOR + file::ACTIVATION;
        shapes.push(packed([output.height, output.width, output.channels, 1]));
        if !matches!(fused(layer.operator), Some(Activation::Relu6)) {
            bytes += file::ZERO_POINT;
        }
        if !layer.operator.has_weights() {
            bytes += file::WORD * layer.inputs.len() as u64;
            continue;
        }
        let count = output.channels as u64;
        bytes += graph.layer_weights(index) as u64 + file::WORD * count; // weights and bias
        bytes += 2 * file::CONSTANT + 3 * file::WORD;
        match layer.operator {
            Operator::Convolution { kernel, .. } => {
                shapes.push(packed([kernel, kernel, input.channels, output.channels]));
            }
            Operator::Depthwise { kernel, .. } => {
                shapes.push(packed([kernel, kernel, 0, output.channels]));
            }
            // a convolution over the whole map
            _ => shapes.push(packed([
                input.height,
                input.width,
                input.channels,
                output.channels,
            ])),
        }
        channels.push(count);
        bytes += 2 * file::WORD * count; // scales of weights and bias
    }
    bytes += file::SHAPE * distinct(shapes).len() as u64;
    bytes
        + distinct(channels)
            .iter()
            .map(|n| file::CHANNELS + file::CHANNEL * n)
            .sum::<u64>()
}

/// What a memory plan adds to the model file, in bytes: per tensor, constants included, an offset; its name, a buffer
/// and the tables around them.
pub(crate) fn plan_bytes(program: &Program, plan: &MemoryPlan) -> u64 {
    match plan.planner {
        Planner::Runtime => 0,
        Planner::File => file::PLAN + file::WORD * program.tensors_of_file(),
    }
}

/// The dimensions of a shape as one number; larger ones than 65,535 may meet, which costs 20 bytes of accuracy.
fn packed(dimensions: [usize; 4]) -> u64 {
    dimensions.iter().fold(0, |number, &dimension| {
        number << 16 | dimension as u64 & 0xffff
    })
}

fn distinct(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The activation fused into an operator, if it can have one.
fn fused(operator: Operator) -> Option<Activation> {
    match operator {
        Operator::Convolution { activation, .. } | Operator::Depthwise { activation, .. } => {
            Some(activation)
        }
        _ => None,
    }
}

/// TFLM's core on a Cortex-M4 (-Os): interpreter, allocator, planner, flatbuffer access.
const RUNTIME_CORE: u64 = 46 * 1024;

/// Predicted size of the runtime's code in bytes: TFLM's core and the int8 kernels of the operators that the program
/// uses. On a Cortex-M4 all int8 kernels of CMSIS-NN together are 26 KiB (56 KiB less 30 KiB for int16 and int4, which
/// an INT8-only registration leaves out); how they divide among the operators is an estimate, and so is what TFLM's own
/// kernels of operators add that CMSIS-NN does not have. Other cores are taken to be the same size, the ESP32-S3 twice
/// for its assembly per shape.
pub(crate) fn runtime_bytes(program: &Program, kernels: Kernels) -> u64 {
    let mut used = [false; OperatorKind::COUNT];
    for operation in program.operations() {
        used[operation.kind as usize] = true;
    }
    let of_used = |sizes: [u64; OperatorKind::COUNT]| -> u64 {
        let sizes = used.iter().zip(sizes).filter(|(used, _)| **used);
        sizes.map(|(_, bytes)| bytes).sum()
    };
    let factor = if kernels == Kernels::EspNnVector {
        2
    } else {
        1
    };
    RUNTIME_CORE + factor * of_used(OPTIMISED) + of_used(PLAIN)
}

const KIB: u64 = 1024;

/// Bytes of the kernels of CMSIS-NN, by operator; 26 KiB together without the maximum, which is much like the average.
const OPTIMISED: [u64; OperatorKind::COUNT] = by_kind([
    (OperatorKind::Convolution, 9 * KIB),
    (OperatorKind::Depthwise, 9 * KIB),
    (OperatorKind::FullyConnected, 2 * KIB),
    (OperatorKind::Add, 2 * KIB),
    (OperatorKind::AveragePool, 2 * KIB),
    (OperatorKind::MaxPool, 2 * KIB),
    (OperatorKind::Softmax, 2 * KIB),
]);

/// Bytes of TFLM's own kernels of the other operators.
const PLAIN: [u64; OperatorKind::COUNT] = by_kind([
    (OperatorKind::Mean, 3 * KIB),
    (OperatorKind::Pack, KIB),
    (OperatorKind::Pad, 2 * KIB),
    (OperatorKind::Reshape, KIB / 2),
    (OperatorKind::Shape, KIB / 2),
    (OperatorKind::StridedSlice, 2 * KIB),
]);

/// A table by kind of operator; 0 where nothing is given.
const fn by_kind<const N: usize>(sizes: [(OperatorKind, u64); N]) -> [u64; OperatorKind::COUNT] {
    let mut table = [0; OperatorKind::COUNT];
    let mut index = 0;
    while index < N {
        table[sizes[index].0 as usize] = sizes[index].1;
        index += 1;
    }
    table
}
