//! What a graph costs on a board: memory, flash and latency, in microseconds.
//!
//! [`Target`] joins a [`Board`] of the catalogue with [`Limits`]; [`Target::cost`] predicts what TensorFlow Lite
//! for Microcontrollers needs there for a [`danas_space::Graph`], [`Target::violation`] says how far that is
//! over the limits. A graph's file is taken to hold int8 tensors only, in the order of the graph: the input, and for
//! every layer its weights, its bias and its output. A [`Program`] describes what any file holds, other tools' too.

mod arena;
mod board;
mod catalogue;
mod core;
mod flash;
mod latency;
mod likeness;
mod plan;
mod program;
mod quantity;
mod scratch;
mod target;

pub use crate::core::{Core, Kernels};
pub use board::{Board, Power};
pub use catalogue::{CatalogueError, UnknownBoard, boards, boards_with, find, parse_catalogue};
pub use latency::{Engine, GeneratedLoop, generated_instructions, loop_turns};
pub use plan::{
    Contents, MemoryPlan, PlannedBuffer, Planner, best_plan, greedy_plan, replayed_plan,
};
pub use program::{Operation, OperatorKind, Program, Window};
pub use quantity::{
    QuantityError, format_bytes, format_count, format_latency, parse_bytes, parse_count,
    parse_duration_ms,
};
pub use target::{Cost, Excess, Limits, Resource, Target, host_arena_bytes};
