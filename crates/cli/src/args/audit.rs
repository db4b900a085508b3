//! The options of `danas audit`.

use std::path::PathBuf;

use clap::Args;

use super::work::WorkOptions;

const AUDIT_EXAMPLES: &str = "\
Examples:
  danas audit runs/person
      Trains 30 candidates of the run, of all data configurations and sizes, from scratch. How long that takes is said
      first; it can be stopped with Ctrl-C, and the same command continues it.
  danas audit runs/person --candidates 60 --steps 8000
      More of them, and longer.

A search ranks candidates by scores that are read from one shared network. The audit trains candidates alone, for as many
steps each, and tells how far the two orders agree: Kendall's tau, 1 for the same order, 0 for none. Both are measured on
the validation split. The steps decide what is true: large and deep networks need more of them before they show what they
can. The result is shown in the run's report, too.";

/// `danas audit`.
#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXAMPLES)]
pub(crate) struct AuditCommand {
    /// The folder of a finished run
    pub(crate) run: PathBuf,
    /// How many candidates are trained
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    pub(crate) candidates: usize,
    /// Steps of 32 pictures that each of them is trained for
    #[arg(long, value_name = "NUMBER", default_value_t = 4000)]
    pub(crate) steps: usize,
    #[command(flatten)]
    pub(crate) work: WorkOptions,
}
