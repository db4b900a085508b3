//! The things that a board limits.

use danas_study::{CostRecord, LimitRecord, RunRecord};

use crate::chart::axis::Unit;
use crate::format;

/// A cost that a limit can stand against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// The tensor arena.
    Ram,
    /// Model file and runtime.
    Flash,
    /// Time of an inference.
    Latency,
    /// Multiply-accumulates of an inference.
    Macs,
}

impl Quantity {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Quantity; 4] = [
        Quantity::Ram,
        Quantity::Flash,
        Quantity::Latency,
        Quantity::Macs,
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Quantity::Ram => "RAM",
            Quantity::Flash => "flash",
            Quantity::Latency => "latency",
            Quantity::Macs => "MACs",
        }
    }

    /// Its name over a chart; that of a latency that rests on no measurement of the board says so.
    pub(crate) fn heading(self, run: &RunRecord) -> &'static str {
        match self {
            Quantity::Latency if !run.latency_published => "latency (extrapolated)",
            _ => self.name(),
        }
    }

    /// The unit of its axis.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Quantity::Ram | Quantity::Flash => Unit::Bytes,
            Quantity::Latency => Unit::Milliseconds,
            Quantity::Macs => Unit::Count,
        }
    }

    /// How much of it is needed.
    pub(crate) fn of(self, cost: &CostRecord) -> f64 {
        match self {
            Quantity::Ram => cost.arena_bytes as f64,
            Quantity::Flash => cost.flash_bytes as f64,
            Quantity::Latency => cost.latency_ms,
            Quantity::Macs => cost.macs as f64,
        }
    }

    /// How much of it is allowed.
    pub(crate) fn limit(self, limits: &LimitRecord) -> Option<f64> {
        match self {
            Quantity::Ram => limits.ram_bytes.map(|bytes| bytes as f64),
            Quantity::Flash => limits.flash_bytes.map(|bytes| bytes as f64),
            Quantity::Latency => limits.latency_ms,
            Quantity::Macs => limits.macs.map(|macs| macs as f64),
        }
    }

    /// An amount of it in words, with its unit.
    pub(crate) fn words(self, amount: f64) -> String {
        match self {
            Quantity::Ram | Quantity::Flash => format::bytes(amount),
            Quantity::Latency => format::milliseconds(amount),
            Quantity::Macs => format::short_count(amount),
        }
    }

    /// What a cost needs of it in words, and for a latency that rests on no measurement of the board that it does not.
    pub(crate) fn need(self, cost: &CostRecord, run: &RunRecord) -> String {
        let words = self.words(self.of(cost));
        match self {
            Quantity::Latency if !run.latency_published => format!("{words} (extrapolated)"),
            _ => words,
        }
    }

    /// By which share of the limit the cost is over it: 0.25 is a quarter too much. `None` if it is not.
    pub(crate) fn excess(self, cost: &CostRecord, limits: &LimitRecord) -> Option<f64> {
        let limit = self.limit(limits)?;
        let need = self.of(cost);
        (need > limit).then(|| {
            if limit > 0.0 {
                need / limit - 1.0
            } else {
                f64::INFINITY
            }
        })
    }
}
