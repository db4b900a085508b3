//! The command line as it is typed. Parsing has no side effect; `config.rs` checks what belongs together.

mod audit;
mod bench;
mod compare;
mod fix;
mod instructions;
mod model;
mod objective;
mod prepare;
mod reading;
mod resolutions;
mod search;
mod work;
mod work_clock;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use audit::AuditCommand;
pub(crate) use bench::BenchCommand;
pub(crate) use compare::{CompareCommand, Limit, Method};
pub(crate) use fix::Fix;
pub(crate) use model::{BoardChoice, EvaluateCommand, InspectCommand, SplitName};
pub(crate) use objective::ObjectiveName;
pub(crate) use prepare::PrepareCommand;
pub(crate) use reading::{ReadingOptions, StagedReading};
pub(crate) use resolutions::Resolutions;
pub(crate) use search::{
    MethodName, PresetName, SearchCommand, SearchOptions, SpaceName, Steps, StrategyName,
    parse_colour,
};
pub(crate) use work_clock::WorkClock;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  danas search --data synthetic:objects --board nano-33-ble --time 2m
      Try it: built-in pictures, two minutes, no files needed.
  danas search --data photos/ --board stm32f746 --time 30m --out runs/person
      The main job. Run it again to continue where it was stopped.
  danas inspect photos/
      What is in a folder, and which resolutions make sense for it.
  danas prepare photos/ --out prepared/photos
      Decode very many pictures once; then: danas search --data prepared/photos ...
  danas export runs/person --model 42 --to firmware/
      Copy one model of the front where you want it; with --as c, as C code that needs no runtime.

Exit status: 0 done; 1 the input is wrong; 2 done, but nothing satisfies the limits;
3 internal failure; 130 stopped by Ctrl-C (the same command continues).";

const EXPORT_EXAMPLES: &str = "\
Examples:
  danas export runs/person --to firmware/model
      The recommended model's files.
  danas export runs/person --model 42 --as c --name person --to firmware/lib/person
      C code: person_set_frame(), person_run(). It computes what the .tflite computes, bit for bit.
  danas export firmware/model/model.tflite --as c --to firmware/lib/model
      The same of a file. Classes and preprocessing are those of the preprocessing.toml beside it.";

/// Finds the input resolution, the colour mode and the network that work best together on a board.
///
/// danas takes pictures with labels and a board (or limits), searches data configuration and network together,
/// and gives back int8 models (.tflite and a C header) whose accuracy, RAM and flash are measured on the written file.
#[derive(Debug, Parser)]
#[command(name = "danas", version, styles = STYLES, after_help = EXAMPLES, max_term_width = 110)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Search data configuration and network together, and make int8 models of the best
    Search(Box<SearchCommand>),
    /// Train candidates of a finished run alone, to see what the search's scores are worth
    Audit(AuditCommand),
    /// Search many times: data and network together against fixed data, under several limits and for several times
    Compare(CompareCommand),
    /// Write report.html and front.csv of a run again
    Report(ReportCommand),
    /// Copy one finished model of a run to a folder, or write it as C code
    Export(ExportCommand),
    /// Evaluate a .tflite file on examples with integer arithmetic, as the device computes
    Evaluate(EvaluateCommand),
    /// Measure how fast the training engine is on this machine
    Bench(BenchCommand),
    /// List the boards that are known
    Boards(BoardsCommand),
    /// Show what is in a set of pictures (layout, classes, sizes, splits, duplicates) or in a .tflite file (operators, and what
    /// they cost on every board)
    Inspect(InspectCommand),
    /// Decode a source of pictures once, into files that searches read without loading them into memory
    Prepare(PrepareCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `danas report`.
#[derive(Debug, Args)]
pub(crate) struct ReportCommand {
    /// The run folder
    pub(crate) run: PathBuf,
}

/// `danas export`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportCommand {
    /// The run folder; with `--as c` also a .tflite file of any origin
    #[arg(value_name = "RUN|FILE")]
    pub(crate) source: PathBuf,
    /// The model's id, as the report and the closing table name it [default: the recommended one]
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<u64>,
    /// The folder to write to (made if it is not there)
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
    /// What to write
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = ExportForm::Files)]
    pub(crate) form: ExportForm,
    /// With `--as c`: the library's name, with which all its names begin [default: model]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// What an export consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// The run's files: .tflite, C header for TensorFlow Lite for Microcontrollers, preprocessing, card
    Files,
    /// C99 code that needs no runtime, as a library for Arduino, PlatformIO, ESP-IDF and make
    C,
}

/// `danas boards`.
#[derive(Debug, Args)]
pub(crate) struct BoardsCommand {
    /// A TOML file with boards of your own, beside the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) boards_file: Option<PathBuf>,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
