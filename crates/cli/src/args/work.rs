//! How a command that trains computes and what it says.

use clap::Args;

use super::instructions::Instructions;

/// The options of a command that trains for long and prints a result.
#[derive(Debug, Args)]
pub(crate) struct WorkOptions {
    /// Threads to compute with [default: all cores]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) instructions: Instructions,
    /// Say nothing but errors and the result
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
