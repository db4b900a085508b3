//! How long one inference takes.
//!
//! Two engines compute a model: TensorFlow Lite for Microcontrollers with the kernels of the core ([`tflm`]), and the C
//! code that `danas export --as c` writes ([`generated`]). Their costs are counted instructions, or cycles where only
//! times are known, times the cycles that a core takes for each of them, over its clock.
//! Take milliseconds as an estimate, plus or minus 30 %; `docs/latency.md` has them beside what was published.

mod generated;
mod tflm;

pub(crate) use generated::generated_cycles;
pub use generated::{GeneratedLoop, generated_instructions, loop_turns};
pub(crate) use tflm::layer_cycles as tflm_layer_cycles;

use serde::{Deserialize, Serialize};

/// What computes a model on a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// TensorFlow Lite for Microcontrollers with the kernels of the core, [`Core::kernels`](crate::Core::kernels).
    Tflm,
    /// The C code that `danas export --as c` writes.
    GeneratedC,
}

/// Cycles that cores take for an instruction of int8 kernels, waiting for memory included.
///
/// | core | source |
/// |---|---|
/// | Cortex-M4 | MLPerf Tiny v1.1, STM32L4R5: 1.46 to 1.77 per instruction counted in QEMU |
/// | Cortex-M33 | MLPerf Tiny v1.1, nRF5340: 1.21 to 1.38 |
/// | Cortex-M7 | two models of MCUNet with CMSIS-NN on the STM32H743: 0.98 and 0.87 per instruction predicted |
/// | Cortex-M55 and M85 | MLPerf Tiny v1.2, RA8D1: 0.85 to 1.0 |
/// | Cortex-M0+ | its manual: two cycles for every load and every taken branch; not measured |
mod per_instruction {
    pub(super) const CORTEX_M0_PLUS: f64 = 1.5;
    pub(super) const CORTEX_M4: f64 = 1.6;
    pub(super) const CORTEX_M7: f64 = 0.93;
    pub(super) const CORTEX_M33: f64 = 1.28;
    pub(super) const HELIUM: f64 = 0.92;
}
