//! How fast the training engine is on this machine, and what share of the machine's own speed that is.
//!
//! [`measure`] runs groups of tasks that are compared with each other in turns: one round after the other, in each of
//! them every task on every number of threads, so that whatever else the machine does meets all of them alike. What
//! counts is the median over the rounds. It is held against a loop of multiply-adds that touches no memory.
//! This room knows workloads and time, and prints nothing.

mod error;
mod measure;
mod peak;
mod report;
mod tasks;

pub use error::BenchError;
pub use measure::{Options, Progress, measure, thread_counts};
pub use report::{Measurement, Report};
pub use tasks::names;
