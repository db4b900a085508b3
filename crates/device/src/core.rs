//! Processor cores, and the kernels that TFLM runs on them.

use serde::{Deserialize, Serialize};

/// A processor core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// Arm Cortex-M0+: no DSP instructions.
    #[serde(rename = "cortex-m0plus")]
    CortexM0Plus,
    /// Arm Cortex-M4.
    CortexM4,
    /// Arm Cortex-M7.
    CortexM7,
    /// Arm Cortex-M33.
    CortexM33,
    /// Arm Cortex-M55 with Helium.
    CortexM55,
    /// Arm Cortex-M85 with Helium.
    CortexM85,
    /// Xtensa LX6 (ESP32).
    XtensaLx6,
    /// Xtensa LX7 with vector instructions (ESP32-S3).
    XtensaLx7,
    /// 32-bit RISC-V without vectors (ESP32-C3).
    Riscv32,
}

/// A set of int8 kernels; they differ in the scratch memory they ask the arena for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernels {
    /// TFLM's reference kernels, as in the x86-64 Python wheel: no scratch but for MEAN.
    Reference,
    /// CMSIS-NN in plain C.
    CmsisNn,
    /// CMSIS-NN with DSP instructions.
    CmsisNnDsp,
    /// CMSIS-NN with Helium vectors.
    CmsisNnHelium,
    /// ESP-NN, generic optimisations: the same scratch as the reference kernels.
    EspNn,
    /// ESP-NN with the vector instructions of the ESP32-S3.
    EspNnVector,
}

impl Core {
    /// The kernels that TFLM is built with for this core.
    pub fn kernels(self) -> Kernels {
        match self {
            Core::CortexM0Plus => Kernels::CmsisNn,
            Core::CortexM4 | Core::CortexM7 | Core::CortexM33 => Kernels::CmsisNnDsp,
            Core::CortexM55 | Core::CortexM85 => Kernels::CmsisNnHelium,
            Core::XtensaLx6 | Core::Riscv32 => Kernels::EspNn,
            Core::XtensaLx7 => Kernels::EspNnVector,
        }
    }
}

impl Kernels {
    /// Whether any of these kernels asks for other scratch memory than the reference kernels.
    pub(crate) fn need_scratch(self) -> bool {
        !matches!(self, Kernels::Reference | Kernels::EspNn)
    }
}

impl std::fmt::Display for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Core::CortexM0Plus => "Cortex-M0+",
            Core::CortexM4 => "Cortex-M4",
            Core::CortexM7 => "Cortex-M7",
            Core::CortexM33 => "Cortex-M33",
            Core::CortexM55 => "Cortex-M55",
            Core::CortexM85 => "Cortex-M85",
            Core::XtensaLx6 => "Xtensa LX6",
            Core::XtensaLx7 => "Xtensa LX7",
            Core::Riscv32 => "RISC-V 32",
        })
    }
}
