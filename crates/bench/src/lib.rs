//! How fast the training engine is on this machine, and what share of the machine's own speed that is.
//!
//! [`measure`] runs groups of tasks that are compared with each other in turns: one round after the other, in each of
//! them every task on every number of threads, so that whatever else the machine does meets all of them alike. What
//! counts is the median over the rounds. It is held against a loop of multiply-adds that touches no memory.
//!
//! [`Fit::of`] turns times of single pieces of work into [`Costs`], by which the time of others can be told without a clock.
//! This room knows workloads and time, and prints nothing.

mod error;
mod fit;
mod measure;
mod peak;
mod report;
mod tasks;
mod work;

pub use error::BenchError;
pub use fit::{Fit, Observation};
pub use measure::{Options, Progress, measure, thread_counts};
pub use report::{Measurement, Report};
pub use tasks::names;
pub use work::{Costs, Load, Rates, Work};
