//! Boards.

use crate::catalogue::{UnknownBoard, boards, find};
use crate::core::Core;
use crate::target::Limits;
use serde::{Deserialize, Serialize};

/// A microcontroller board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// What is typed to choose it, kebab-case.
    pub name: String,
    /// The name people know.
    pub title: String,
    /// The processor.
    pub core: Core,
    /// Clock in MHz.
    pub mhz: f64,
    /// The largest RAM that one arena can lie in, in bytes.
    pub ram_bytes: u64,
    /// Flash that an application can use, in bytes.
    pub flash_bytes: u64,
    /// RAM that the rest of the application keeps, in bytes.
    pub reserved_ram_bytes: u64,
    /// Flash that the rest of the application keeps, in bytes.
    pub reserved_flash_bytes: u64,
    /// Whether somebody published how long a known network takes on this chip. Without, latency is an estimate
    /// from the core alone.
    pub published: bool,
    /// Where the figures come from and what to mind; may be empty.
    pub note: String,
    /// What the chip draws while it computes, where somebody published that.
    pub power: Option<Power>,
}

/// What a chip draws while it computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// In milliwatts.
    pub milliwatts: f64,
    /// Who measured it, and with what.
    pub source: String,
}

impl Board {
    /// RAM kept for the rest of the application where the catalogue says nothing else: stack, heap, static data
    /// and drivers of a small application. A camera frame larger than the model's input is not in it.
    pub const RESERVED_RAM_BYTES: u64 = 32 * 1024;

    /// Flash kept for the rest of the application where the catalogue says nothing else: start-up code, drivers
    /// and a small application.
    pub const RESERVED_FLASH_BYTES: u64 = 64 * 1024;

    /// The board of the built-in catalogue with this name.
    ///
    /// # Errors
    /// If there is none; the error names the nearest.
    pub fn find(name: &str) -> Result<Board, UnknownBoard> {
        find(boards(), name).cloned()
    }

    /// What costs are computed with where no board was asked for: a Cortex-M4 at 100 MHz, no memory limits.
    pub fn generic() -> Board {
        Board {
            name: "generic".into(),
            title: "Cortex-M4 at 100 MHz".into(),
            core: Core::CortexM4,
            mhz: 100.0,
            ram_bytes: u64::MAX,
            flash_bytes: u64::MAX,
            reserved_ram_bytes: 0,
            reserved_flash_bytes: 0,
            published: false,
            note: String::new(),
            power: None,
        }
    }

    /// RAM left for the arena, in bytes.
    pub fn usable_ram_bytes(&self) -> u64 {
        self.ram_bytes.saturating_sub(self.reserved_ram_bytes)
    }

    /// Flash left for model and runtime, in bytes.
    pub fn usable_flash_bytes(&self) -> u64 {
        self.flash_bytes.saturating_sub(self.reserved_flash_bytes)
    }

    /// Energy of one inference that takes so many milliseconds, in millijoules; `None` where nobody published what the
    /// chip draws.
    pub fn energy_mj(&self, latency_ms: f64) -> Option<f64> {
        let power = self.power.as_ref()?;
        Some(power.milliwatts * latency_ms / 1e3)
    }

    /// The limits of the board: usable RAM and flash.
    pub fn limits(&self) -> Limits {
        Limits {
            ram_bytes: Some(self.usable_ram_bytes()),
            flash_bytes: Some(self.usable_flash_bytes()),
            ..Limits::default()
        }
    }
}
