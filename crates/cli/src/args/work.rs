//! How a command that trains computes and what it says.

use clap::Args;
use danas_supernet::Isa;

use super::bench::parse_isa;

/// The options of a command that trains for long and prints a result.
#[derive(Debug, Args)]
pub(crate) struct WorkOptions {
    /// Threads to compute with [default: all cores]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threads: Option<usize>,
    /// The instructions to compute with: avx512, avx2, neon, portable [default: the fastest there are]
    #[arg(long, value_name = "NAME", env = "DANAS_ISA", value_parser = parse_isa)]
    pub(crate) isa: Option<Isa>,
    /// Say nothing but errors and the result
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
