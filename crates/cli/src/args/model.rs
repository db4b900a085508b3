//! The command lines of `danas evaluate` and `danas inspect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReadingOptions, StagedReading};

/// `danas evaluate`.
#[derive(Debug, Args)]
pub(crate) struct EvaluateCommand {
    /// The .tflite file: int8, of danas or of another tool
    pub(crate) model: PathBuf,
    /// A folder (or file) of pictures in any known layout, or `synthetic:objects[,key=value...]`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: String,
    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
    /// Which examples
    #[arg(long, value_name = "NAME", value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// The seed the split was made with (that of the search)
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// What a pixel stood for in training, where no preprocessing.toml lies beside the model [default: what the
    /// quantisation of its input suggests]
    #[arg(long, value_name = "RANGE", value_enum)]
    pub(crate) pixels: Option<PixelRange>,
    #[command(flatten)]
    pub(crate) board: BoardChoice,
    /// Say nothing but errors and the result
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The board that memory, flash and time are stated for.
#[derive(Debug, Args)]
pub(crate) struct BoardChoice {
    /// The board whose memory and flash are stated first [default: a Cortex-M4 at 100 MHz]
    #[arg(long, value_name = "NAME")]
    pub(crate) board: Option<String>,
    /// A TOML file with boards of your own, beside the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) boards_file: Option<PathBuf>,
}

/// What a pixel of 0 to 255 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PixelRange {
    /// (p - 128) / 128, as danas trains
    Centred,
    /// p / 127.5 - 1, from -1 to 1
    Signed,
    /// p / 255, from 0 to 1
    Unit,
    /// p itself
    Bytes,
}

impl From<PixelRange> for danas_deploy::Pixels {
    fn from(range: PixelRange) -> Self {
        match range {
            PixelRange::Centred => Self::Centred,
            PixelRange::Signed => Self::Signed,
            PixelRange::Unit => Self::Unit,
            PixelRange::Bytes => Self::Bytes,
        }
    }
}

/// A split by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// What is trained on
    Train,
    /// What candidates are chosen by
    Validation,
    /// What is touched once, at the end
    Test,
}

/// `danas inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectCommand {
    /// A folder (or file) of pictures in any known layout, `synthetic:objects[,key=value...]`, or a .tflite file
    #[arg(value_name = "SOURCE|FILE")]
    pub(crate) data: String,
    #[command(flatten)]
    pub(crate) reading: StagedReading,
    /// The seed of the split, where danas makes it
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) board: BoardChoice,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
