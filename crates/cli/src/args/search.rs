//! The options of `danas search`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use danas_data::Colour;
use danas_supernet::ClassWeights;
use serde::{Deserialize, Serialize};

use super::instructions::Instructions;
use super::work_clock::parse_work_clock;
use super::{Fix, ObjectiveName, Resolutions, StagedReading, WorkClock};
use crate::units::{Bytes, Count, Milliseconds, Span};

const SEARCH_EXAMPLES: &str = "\
Examples:
  danas search --data photos/ --board nano-33-ble --time 10m
  danas search --data photos/ --ram 256KiB --flash 1MiB --max-macs 20M
      Limits by hand; with a board they override the board's own.
  danas search --data photos/ --board esp32-s3 --resolutions 48,64,96 --colours mono
      Search only these data configurations.
  danas search --data photos/ --board nano-33-ble --fix resolution=96 --fix colour=mono --fix kernel=3
      Decide some of it yourself. Genes: resolution, colour, stem, stem-stride, head, kernel, expansion, and of a stage
      (counted from 0) stage2.depth, stage2.width, stage2.kernel, stage2.expansion.
  danas search --data photos/ --board nano-33-ble --objective balanced
      Every class counts alike, however rare it is.
  danas search --data photos/ --board nano-33-ble --steps supernet=2000,search=400,final=1500
      Budgets in steps instead of time: the same seed gives exactly the same front.
  danas search --data photos/ --board nano-33-ble --time 10m --work-clock machine.toml
      Ten minutes of the machine that `danas bench --calibrate machine.toml` measured: other work beside it, fewer threads
      or another machine change how long that takes, but not the result.
  danas search --data photos/ --board esp32-s3 --memory 4GiB
      More pictures than memory: they are prepared into the run folder and read from there, a part at a time.
  danas search --data wake_vision/ --board stm32f746 --pretrain-split train_large --split train_quality --time 8h
      Two stages: half of the supernet's training on many pictures, the rest, and all else, on those with better labels.
  danas search --data wake_vision/ --preset wake-vision-njor2025
      The setting of the paper; docs/wake-vision.md says what it costs. Add --time 1h for less.

A folder of pictures is train/<class>/* with optional val/ and test/, or <class>/* alone. CSV lists beside pictures or
.tar.gz archives, Parquet, TFRecord and WebDataset shards are recognised as well: docs/data.md.
The same command continues a run that was stopped; a finished run prints its result again.";

/// `danas search`.
#[derive(Debug, Args)]
#[command(after_help = SEARCH_EXAMPLES)]
pub(crate) struct SearchCommand {
    /// Read options from this TOML file first; options given here override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Begin with the options of a setting that is known by name; --config and options given here override them
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<PresetName>,
    /// The options, each of which may stand in the file as well.
    #[command(flatten)]
    pub(crate) options: SearchOptions,
    #[command(flatten, next_help_heading = "Where and how")]
    pub(crate) instructions: Instructions,
}

/// The options of a search as given, on the command line or in a file: what is not given is `None`. Unknown keys of a file
/// are refused before this is read; `deny_unknown_fields` would refuse those of the flattened options as well.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct SearchOptions {
    /// A folder (or file) of pictures in any known layout, one that `danas prepare` wrote, or
    /// `synthetic:objects[,key=value...]` for built-in ones
    #[arg(long, value_name = "SOURCE", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,

    /// How the examples are read.
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) reading: StagedReading,

    /// The board the model must fit (`danas boards` lists them)
    #[arg(long, value_name = "NAME", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) board: Option<String>,

    /// A TOML file with boards of your own, beside the built-in ones
    #[arg(long, value_name = "FILE", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) boards_file: Option<PathBuf>,

    /// What is to be as high as possible: accuracy, balanced (the mean over the classes) or f1:CLASS [default: accuracy]
    #[arg(long, value_name = "MEASURE", help_heading = "What to search for")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) objective: Option<ObjectiveName>,

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

    /// Decide a gene yourself: resolution=96, colour=mono, stem=16, kernel=3, stage2.width=24, of mobilenetv2 width=0.35 (may
    /// be repeated)
    #[arg(long, value_name = "GENE=VALUE", help_heading = "Search space")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<Vec<Fix>>,

    /// How candidates are proposed [default: nsga2]
    #[arg(long, value_name = "NAME", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strategy: Option<StrategyName>,

    /// When pictures of rare classes count more in training: auto (the largest class has more than three times the pictures
    /// of the smallest), always, never [default: auto, but never with `--objective accuracy`]
    #[arg(long, value_name = "WHEN", help_heading = "Where and how", value_parser = parse_class_weights)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class_weights: Option<ClassWeights>,
    /// Where the weights come from that a candidate is scored with [default: shared]
    #[arg(long, value_name = "NAME", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<MethodName>,

    /// How many models of the front to train to the end and export [default: 3]
    #[arg(long, value_name = "NUMBER", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) models: Option<usize>,

    /// At most about this much memory, for example 4GiB: pictures that do not fit into half of it are prepared into the
    /// run folder and read from there [default: three quarters of the machine's]
    #[arg(long, value_name = "BYTES", help_heading = "Where and how")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Bytes>,

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

    /// Count time as this machine's work takes it (`danas bench --calibrate FILE`), not as it passes
    #[arg(long, value_name = "FILE", help_heading = "Budget", value_parser = parse_work_clock)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) work_clock: Option<WorkClock>,
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

/// A setting by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetName {
    /// The final setting of the data-aware search paper (Njor et al. 2025) for Wake Vision: its resolutions, colours, space of
    /// networks, limits and time
    #[value(name = "wake-vision-njor2025")]
    WakeVisionNjor2025,
}

/// A space of networks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SpaceName {
    /// Mobile inverted residuals, from a few kB up
    Mobile,
    /// The standard MobileNetV2, of which only the width multiplier is open: `--fix width=0.35`
    Mobilenetv2,
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

/// Whose weights candidates are scored with, and what becomes of the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MethodName {
    /// Those of one supernet for all data configurations
    Shared,
    /// Those of one supernet per data configuration, with some training of each candidate
    Separate,
    /// None: each candidate is trained from scratch for a few epochs
    None,
    /// The paper's whole method: as separate, and the best stay as they were scored, without final training
    Paper,
}

impl MethodName {
    /// Whether every data configuration has a supernet of its own.
    pub(crate) fn has_separate_supernets(self) -> bool {
        matches!(self, MethodName::Separate | MethodName::Paper)
    }

    /// Whether the best are trained to the end.
    pub(crate) fn has_final_training(self) -> bool {
        self != MethodName::Paper
    }
}

/// A colour mode, also in American spelling and by its other common names.
pub(crate) fn parse_colour(text: &str) -> Result<Colour, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "rgb" | "colour" | "color" => Ok(Colour::Rgb),
        "mono" | "grey" | "gray" | "monochrome" => Ok(Colour::Mono),
        _ => Err(format!("`{text}` is not a colour mode: rgb or mono")),
    }
}

/// When classes are weighted.
fn parse_class_weights(text: &str) -> Result<ClassWeights, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "auto" => Ok(ClassWeights::Auto),
        "always" => Ok(ClassWeights::Always),
        "never" => Ok(ClassWeights::Never),
        _ => Err(format!("`{text}` is not auto, always or never")),
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
