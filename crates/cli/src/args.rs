//! The command line as it is typed. Parsing has no side effect; `config.rs` checks what belongs together.

mod bench;
mod model;

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use danas_data::{Colour, DataSpace};
use danas_supernet::Isa;
use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Count, Milliseconds, Span};

pub(crate) use bench::BenchCommand;
use bench::parse_isa;
pub(crate) use model::{BoardChoice, EvaluateCommand, InspectCommand, SplitName};

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

const SEARCH_EXAMPLES: &str = "\
Examples:
  danas search --data photos/ --board nano-33-ble --time 10m
  danas search --data photos/ --ram 256KiB --flash 1MiB --max-macs 20M
      Limits by hand; with a board they override the board's own.
  danas search --data photos/ --board esp32-s3 --resolutions 48,64,96 --colours mono
      Search only these data configurations.
  danas search --data photos/ --board nano-33-ble --steps supernet=2000,search=400,final=1500
      Budgets in steps instead of time: the same seed gives exactly the same front.

A folder of pictures is train/<class>/* with optional val/ and test/, or <class>/* alone.
The same command continues a run that was stopped; a finished run prints its result again.";

/// Finds the input resolution, the colour mode and the network that work best together on a board.
///
/// danas takes a folder of pictures and a board (or limits), searches data configuration and network together,
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
    /// Show what is in a folder of pictures (classes, sizes, splits, duplicates) or in a .tflite file (operators, and what
    /// they cost on every board)
    Inspect(InspectCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `danas search`.
#[derive(Debug, Args)]
#[command(after_help = SEARCH_EXAMPLES)]
pub(crate) struct SearchCommand {
    /// Read options from this TOML file first; options given here override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The instructions to compute with: avx512, avx2, neon, portable [default: the fastest there are]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Where and how",
        env = "DANAS_ISA"
    )]
    #[arg(value_parser = parse_isa)]
    pub(crate) isa: Option<Isa>,
    /// The options, each of which may stand in the file as well.
    #[command(flatten)]
    pub(crate) options: SearchOptions,
}

/// The options of a search as given, on the command line or in a file: what is not given is `None`.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct SearchOptions {
    /// A folder of pictures, or `synthetic:objects[,key=value...]` for built-in ones
    #[arg(long, value_name = "SOURCE", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,

    /// The board the model must fit (`danas boards` lists them)
    #[arg(long, value_name = "NAME", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) board: Option<String>,

    /// A TOML file with boards of your own, beside the built-in ones
    #[arg(long, value_name = "FILE", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) boards_file: Option<PathBuf>,

    /// At most this much RAM for the tensor arena, for example 256KiB
    #[arg(
        long,
        value_name = "BYTES",
        help_heading = "Limits (override the board's)"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ram: Option<Bytes>,

    /// At most this much flash for model file and runtime, for example 1MiB
    #[arg(
        long,
        value_name = "BYTES",
        help_heading = "Limits (override the board's)"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flash: Option<Bytes>,

    /// At most this long for one inference, for example 200ms
    #[arg(
        long,
        value_name = "TIME",
        help_heading = "Limits (override the board's)"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_latency: Option<Milliseconds>,

    /// At most this many multiply-accumulates, for example 20M
    #[arg(
        long,
        value_name = "COUNT",
        help_heading = "Limits (override the board's)"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_macs: Option<Count>,

    /// Wall-clock time for everything, from reading files to the report [default: 10m]
    #[arg(
        long,
        value_name = "TIME",
        help_heading = "Budget",
        conflicts_with = "steps"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Span>,

    /// The run folder [default: runs/DATA-BOARD]
    #[arg(long, value_name = "FOLDER", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) out: Option<PathBuf>,

    /// The root of all randomness [default: 0]
    #[arg(long, value_name = "NUMBER", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,

    /// Resolutions to search, or `paper` for the seven of the paper [default: what suits the pictures]
    #[arg(long, value_name = "PIXELS,...", help_heading = "Search space")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolutions: Option<Resolutions>,

    /// Colour modes to search: rgb, mono [default: what the pictures have]
    #[arg(
        long,
        value_name = "MODE,...",
        help_heading = "Search space",
        value_delimiter = ','
    )]
    #[arg(value_parser = parse_colour)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) colours: Option<Vec<Colour>>,

    /// The space of networks [default: mobile]
    #[arg(long, value_name = "NAME", help_heading = "Search space")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) space: Option<SpaceName>,

    /// How candidates are proposed [default: nsga2]
    #[arg(long, value_name = "NAME", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strategy: Option<StrategyName>,

    /// How many models of the front to train to the end and export [default: 3]
    #[arg(long, value_name = "NUMBER", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) models: Option<usize>,

    /// Threads to compute with [default: all cores]
    #[arg(long, value_name = "NUMBER", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,

    /// Say nothing but errors and the result
    #[arg(long, help_heading = "Output")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) quiet: bool,

    /// End with one JSON object on stdout
    #[arg(long, help_heading = "Output")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) json: bool,

    /// Budgets in steps instead of time: `supernet=200,search=100,final=60`
    #[arg(long, value_name = "PHASE=STEPS,...", help_heading = "Budget", value_parser = parse_steps)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<Steps>,
}

/// Budgets in steps: exactly reproducible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    /// Optimiser steps of the supernet.
    pub(crate) supernet: u64,
    /// Candidates scored.
    pub(crate) search: u64,
    /// Optimiser steps of every model's final training.
    #[serde(rename = "final")]
    pub(crate) finishing: u64,
}

/// A space of networks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SpaceName {
    /// Mobile inverted residuals, from a few kB up
    Mobile,
    /// Exactly the space of the data-aware search paper (Njor et al. 2025)
    Njor2025,
}

/// A strategy by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StrategyName {
    /// Multi-objective evolution with constrained domination
    Nsga2,
    /// Random draws from what fits: the honest baseline
    Random,
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

/// Resolutions in pixels, ascending and each once: `32,64,96`, or `paper` for those of Njor et al. 2025.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ResolutionsForm", into = "Vec<usize>")]
pub(crate) struct Resolutions(Vec<usize>);

/// How resolutions may stand in a file.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a list of pixels, or \"paper\"")]
enum ResolutionsForm {
    List(Vec<usize>),
    Text(String),
}

impl Resolutions {
    /// What a supernet can be trained on and a picture be scaled to.
    const RANGE: std::ops::RangeInclusive<usize> = 8..=512;

    /// Sorted, each once, and within what can be trained and rendered.
    ///
    /// # Errors
    /// If there are none, or one is out of range.
    pub(crate) fn checked(mut pixels: Vec<usize>) -> Result<Self, String> {
        pixels.sort_unstable();
        pixels.dedup();
        if pixels.is_empty() {
            return Err("no resolution is given".to_string());
        }
        match pixels.iter().find(|side| !Self::RANGE.contains(side)) {
            None => Ok(Resolutions(pixels)),
            Some(side) => Err(format!(
                "resolution {side} is not between {} and {} pixels",
                Self::RANGE.start(),
                Self::RANGE.end()
            )),
        }
    }

    /// The resolutions in pixels, ascending.
    pub(crate) fn pixels(&self) -> &[usize] {
        &self.0
    }
}

impl FromStr for Resolutions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "paper" {
            return Self::checked(DataSpace::njor2025().resolutions);
        }
        let side = |part: &str| {
            part.trim()
                .parse()
                .map_err(|_| format!("`{part}` is not a number of pixels"))
        };
        Self::checked(text.split(',').map(side).collect::<Result<_, _>>()?)
    }
}

impl TryFrom<ResolutionsForm> for Resolutions {
    type Error = String;

    fn try_from(form: ResolutionsForm) -> Result<Self, String> {
        match form {
            ResolutionsForm::List(pixels) => Self::checked(pixels),
            ResolutionsForm::Text(text) => text.parse(),
        }
    }
}

impl From<Resolutions> for Vec<usize> {
    fn from(resolutions: Resolutions) -> Vec<usize> {
        resolutions.0
    }
}

/// A colour mode, also in American spelling and by its other common names.
fn parse_colour(text: &str) -> Result<Colour, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "rgb" | "colour" | "color" => Ok(Colour::Rgb),
        "mono" | "grey" | "gray" | "monochrome" => Ok(Colour::Mono),
        _ => Err(format!("`{text}` is not a colour mode: rgb or mono")),
    }
}

/// `supernet=200,search=100,final=60`: each phase exactly once.
fn parse_steps(text: &str) -> Result<Steps, String> {
    let (mut supernet, mut search, mut finishing) = (None, None, None);
    for part in text.split(',') {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}` is not PHASE=STEPS"))?;
        let steps: u64 = value
            .trim()
            .parse()
            .map_err(|_| format!("`{value}` is not a number of steps"))?;
        let slot = match name.trim() {
            "supernet" => &mut supernet,
            "search" => &mut search,
            "final" => &mut finishing,
            other => {
                return Err(format!(
                    "`{other}` is not a phase: supernet, search or final"
                ));
            }
        };
        if slot.replace(steps).is_some() {
            return Err(format!("`{}` is given twice", name.trim()));
        }
    }
    match (supernet, search, finishing) {
        (Some(supernet), Some(search), Some(finishing)) => Ok(Steps {
            supernet,
            search,
            finishing,
        }),
        _ => Err("all three phases are needed: supernet=200,search=100,final=60".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn resolutions_are_sorted_and_checked() {
        let read = |text: &str| text.parse::<Resolutions>().map(|r| r.pixels().to_vec());
        assert_eq!(read("96,32, 64,32"), Ok(vec![32, 64, 96]));
        assert_eq!(read("paper"), Ok(vec![32, 64, 96, 128, 160, 192, 224]));
        assert!(read("32,wide").unwrap_err().contains("`wide`"));
        assert!(read("4").is_err());
        assert!(read("100000").is_err());
    }

    #[test]
    fn steps_name_every_phase_once() {
        let steps = Steps {
            supernet: 4,
            search: 6,
            finishing: 2,
        };
        assert_eq!(parse_steps("supernet=4,search=6,final=2"), Ok(steps));
        assert!(parse_steps("supernet=4,search=6").is_err());
        assert!(parse_steps("supernet=4,search=6,final=2,final=3").is_err());
        assert!(parse_steps("supernet=4,search=6,fine=2").is_err());
        assert!(parse_steps("supernet").is_err());
    }
}
