//! What the kernels of TensorFlow Lite for Microcontrollers cost.
//!
//! Instructions of CMSIS-NN on a Cortex-M4, counted in QEMU (a whole model within 0.5 %, single operators up to 16 %
//! off), are the measure of all kernels but those of the Cortex-M0+, whose cycles per operator were published.

use super::per_instruction;
use crate::core::Core;
use danas_space::{Graph, Operator};

/// What a unit of each operator's work costs.
struct KernelCosts {
    /// A multiply-accumulate of a matrix product.
    matrix_mac: f64,
    /// An output of a convolution: bias, requantisation, clamping.
    output: f64,
    /// To gather the input of a convolution larger than 1x1, per output position: each tap of the window, and each
    /// input channel of each tap.
    gathered_tap: f64,
    gathered_channel: f64,
    /// A multiply-accumulate of a depthwise convolution 3x3, and of a larger one.
    depthwise_mac_3: f64,
    depthwise_mac_larger: f64,
    /// An element of a sum.
    added_element: f64,
    /// An input of a global average pool.
    pooled_input: f64,
    /// A class of a softmax in fixed point; an upper estimate, it never matters.
    class: f64,
}

/// Instructions on a Cortex-M4. Those of gathering are fitted to 6 instructions per MAC of a three-channel stem and to
/// the 29.9 M of MLPerf Tiny's ResNet; a 3x3 convolution then takes about 2 per MAC.
const CMSIS_NN_DSP: KernelCosts = KernelCosts {
    matrix_mac: 1.5,
    output: 40.0,
    gathered_tap: 50.0,
    gathered_channel: 7.2,
    depthwise_mac_3: 8.4,
    depthwise_mac_larger: 10.4,
    added_element: 82.0,
    pooled_input: 7.0,
    class: 300.0,
};

/// Cycles on a Cortex-M0+: matrix products, outputs, depthwise layers and the pool fitted to the milliseconds that
/// pico-tflmicro published of every layer of the person-detection example (RP2040 at 125 MHz, one core). What that
/// model does not have costs as many times those of [`CMSIS_NN_DSP`] as its nearest kin there: gathering and larger
/// windows as a multiply-accumulate, sums as an output.
const CMSIS_NN: KernelCosts = KernelCosts {
    matrix_mac: 8.0,
    output: 82.0,
    gathered_tap: 265.0,
    gathered_channel: 38.0,
    depthwise_mac_3: 42.0,
    depthwise_mac_larger: 52.0,
    added_element: 168.0,
    pooled_input: 47.0,
    class: 615.0,
};

impl KernelCosts {
    /// What layer `index` costs.
    fn of(&self, graph: &Graph, index: usize) -> f64 {
        let layer = &graph.layers[index];
        let macs = graph.layer_macs(index) as f64;
        let outputs = layer.output.elements() as f64;
        match layer.operator {
            // the classifier is written as a convolution, 1x1 because it follows the pooling
            Operator::Dense => self.matrix_mac * macs + self.output * outputs,
            Operator::Convolution { kernel, .. } => {
                let taps = if kernel == 1 { 0 } else { kernel * kernel };
                let gathered = (taps * layer.output.height * layer.output.width) as f64;
                let channels = graph.shape(layer.inputs[0]).channels as f64;
                let gather = self.gathered_tap + self.gathered_channel * channels;
                self.matrix_mac * macs + self.output * outputs + gather * gathered
            }
            Operator::Depthwise { kernel: 0..=3, .. } => self.depthwise_mac_3 * macs,
            Operator::Depthwise { .. } => self.depthwise_mac_larger * macs,
            Operator::Add => self.added_element * outputs,
            Operator::GlobalAveragePool => {
                self.pooled_input * graph.shape(layer.inputs[0]).elements() as f64
            }
            Operator::Softmax => self.class * outputs,
        }
    }
}

/// Cycles of layer `index` on a core, with [`Core::kernels`]: of the Cortex-M0+ its own, of the others as many as each
/// takes for the work that one instruction of the Cortex-M4's kernels does.
///
/// | core | figure | source |
/// |---|---|---|
/// | Cortex-M4, M7, M33 | theirs per instruction | [`per_instruction`] |
/// | Cortex-M55 and M85 | 0.14 for convolutions larger than 1x1, 0.24 otherwise | instructions counted in QEMU for the M55 (ResNet 0.16, keywords 0.23, person 0.26 of the M4's) times the 0.85 to 1.0 cycles of the RA8D1 in MLPerf Tiny v1.2 |
/// | ESP32 | 3.8 | the person-detection example with Espressif's kernels: 380 ms |
/// | ESP32-S3 | 0.54 | the same: 54 ms |
/// | RISC-V (ESP32-C3) | 2.85 | the same: 426 ms at 160 MHz |
pub(crate) fn layer_cycles(graph: &Graph, index: usize, core: Core) -> f64 {
    let counted = |cycles: f64| cycles * CMSIS_NN_DSP.of(graph, index);
    match core {
        Core::CortexM0Plus => CMSIS_NN.of(graph, index),
        Core::CortexM4 => counted(per_instruction::CORTEX_M4),
        Core::CortexM7 => counted(per_instruction::CORTEX_M7),
        Core::CortexM33 => counted(per_instruction::CORTEX_M33),
        Core::CortexM55 | Core::CortexM85 => counted(match graph.layers[index].operator {
            Operator::Convolution { kernel: 2.., .. } => 0.14,
            _ => 0.24,
        }),
        Core::XtensaLx6 => counted(3.8),
        Core::XtensaLx7 => counted(0.54),
        Core::Riscv32 => counted(2.85),
    }
}
