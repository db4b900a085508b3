//! The commands, one file each.

mod audit;
mod bench;
mod boards;
mod calibrate;
mod compare;
mod completions;
mod evaluate;
mod export;
mod inspect;
mod inspect_model;
mod model_cost;
mod prepare;
mod report;
mod search;

pub(crate) use audit::audit;
pub(crate) use bench::bench;
pub(crate) use boards::{board, boards};
pub(crate) use compare::compare;
pub(crate) use completions::completions;
pub(crate) use evaluate::evaluate;
pub(crate) use export::export;
pub(crate) use inspect::inspect;
pub(crate) use prepare::prepare;
pub(crate) use report::report;
pub(crate) use search::search;
