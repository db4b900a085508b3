//! What the device room predicts, beside what was measured and what must always hold.

mod arena;
mod catalogue;
mod counts;
mod flash;
mod instructions;
mod latency;
mod page;
mod plan;
mod published;
mod support;
mod target;
