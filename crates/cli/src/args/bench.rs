//! `danas bench` as it is typed.

use std::path::PathBuf;

use clap::Args;

use super::ReadingOptions;
use super::instructions::Instructions;
use crate::units::Bytes;

const BENCH_EXAMPLES: &str = "\
Examples:
  danas bench
      Everything, on every number of threads: a few minutes.
  danas bench --only W1-train,W1-inference --threads 1,2
  danas bench --isa avx2
      As on a machine without AVX-512.
  danas bench --data photos/
      Also what loading and augmenting these pictures costs.
  danas bench --calibrate machine.toml --data photos/
      What the work of a search on such pictures costs, for `danas search --work-clock machine.toml`: two or three minutes.

Tasks (those of a line take turns, so that they can be compared):
  W1-train W1-inference W2-train W2-inference W3-train W3-inference
      MobileNetV2: W1 of width 0.35 on 96x96x3, 64 pictures at a time; W2 of width 1.0 on 96x96x3, 32 at a time;
      W3 of width 0.35 on 48x48x1, 64 at a time.
  sandwich score
      A step of the default supernet with all its networks; the score of one candidate.
  largest-train quarter-train
      The largest network of the default supernet, and one with a quarter of its multiply-accumulates.
  W1-train-pictures W1-train-fixed (also W2, W3; with --data)
      Whole steps, their pictures loaded and augmented, and the same steps on pictures made once.

An inference counts as 2 floating-point operations per multiply-accumulate, a training step as 6. The peak is that of
a loop of multiply-adds without memory on the largest number of threads. For figures that mean something, let the
machine do nothing else.";

/// `danas bench`.
#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchCommand {
    /// Measure only these tasks
    #[arg(long, value_name = "TASK,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Numbers of threads [default: every one up to 16, then doubled, and all cores]
    #[arg(long, value_name = "NUMBER,...", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,
    /// How often every task is measured; the median counts
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(crate) rounds: usize,
    #[command(flatten)]
    pub(crate) instructions: Instructions,
    /// Write to this file instead what every kind of work of a search costs on this machine (with one number of threads)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "rounds"])]
    pub(crate) calibrate: Option<PathBuf>,
    /// Measure training on these pictures too: a folder, also a prepared one, or `synthetic:objects[,key=value...]`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: Option<String>,
    /// With a prepared folder: at most about this much memory, as in a search
    #[arg(long, value_name = "BYTES")]
    pub(crate) memory: Option<Bytes>,
    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
    /// Say nothing but errors and the result
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
