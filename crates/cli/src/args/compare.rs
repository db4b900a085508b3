//! The options of `danas compare`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use danas_data::{Colour, DataConfig};

use super::search::parse_colour;
use super::work::WorkOptions;
use super::{ObjectiveName, StagedReading};
use crate::units::{Bytes, Span};

const COMPARE_EXAMPLES: &str = "\
Examples:
  danas compare --data photos/ --limits 64KiB/256KiB,256KiB/1MiB --times 3m,10m --out comparison
      Searches data and network together, and the network alone with each of three data configurations, under both
      limits, for both times, with three seeds. How long that takes is said first; the same command continues it.
  danas compare --data photos/ --limits 256KiB/1MiB --times 10m --fixed 96:rgb,48:mono --methods searched,fixed,random
  danas compare --data photos/ --limits 256KiB/1MiB --times 1m,3m,10m --methods searched,paper,separate,none --out paper
      Against the paper's own method, against its supernets (one per data configuration) with our final training, and against
      training every candidate from scratch.
  danas compare --data photos/ --limits 256KiB/1MiB,4MiB/4MiB --times 20m --methods searched,mobilenetv2 --out baseline
      Against a standard network that is trained for the whole time. Where it does not fit, the result says so.

Every search is a run of its own in OUT/runs and can be looked at like any other. The result is OUT/results.md with its
pictures; --json prints every search. OUT/searches.jsonl keeps what each came to: finished runs, of up to hundreds of
megabytes, may be removed. While time is what is compared, the machine should do nothing else, unless time is
counted by work: --work-clock FILE.";

/// `danas compare`.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub(crate) struct CompareCommand {
    /// A folder (or file) of pictures in any known layout, or `synthetic:objects[,key=value...]` for built-in ones
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: String,
    #[command(flatten)]
    pub(crate) reading: StagedReading,
    /// The board whose core decides latency and memory; its own limits are replaced by --limits
    #[arg(long, value_name = "NAME", default_value = "nano-33-ble")]
    pub(crate) board: String,
    /// Limits to search under
    #[arg(
        long,
        value_name = "RAM/FLASH,...",
        value_delimiter = ',',
        required = true
    )]
    pub(crate) limits: Vec<Limit>,
    /// Times of a search, by the wall clock or by that of --work-clock
    #[arg(long, value_name = "TIME,...", value_delimiter = ',', required = true)]
    pub(crate) times: Vec<Span>,
    /// Count time as the machine's work takes it that `danas bench --calibrate FILE` measured, not as it passes
    #[arg(long, value_name = "FILE")]
    pub(crate) work_clock: Option<PathBuf>,
    /// What is maximised and measured: accuracy, balanced (the mean over the classes) or f1:CLASS [default: accuracy]
    #[arg(long, value_name = "MEASURE")]
    pub(crate) objective: Option<ObjectiveName>,
    /// Seeds per search: 1, 2, ...
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(crate) seeds: usize,
    /// What is compared
    #[arg(long, value_name = "METHOD,...", value_delimiter = ',')]
    #[arg(value_enum, default_values_t = [Method::Searched, Method::Fixed])]
    pub(crate) methods: Vec<Method>,
    /// The data configurations of the method `fixed` [default: three of those that a search would look at]
    #[arg(long, value_name = "PIXELS:MODE,...", value_delimiter = ',')]
    pub(crate) fixed: Vec<FixedData>,
    /// The folder of the comparison
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) work: WorkOptions,
}

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Data configuration and network together
    Searched,
    /// The network alone, with each of the fixed data configurations
    Fixed,
    /// Data configuration and network together, at random
    Random,
    /// Both together, with a supernet per data configuration and some training of each candidate before its score
    Separate,
    /// Both together without a supernet: each candidate is trained from scratch for a few epochs
    None,
    /// The paper's whole method: as separate, and the best stay as they were scored, without final training
    Paper,
    /// No search: the standard MobileNetV2 of width 0.35, trained for the whole time on the finest pictures up to 96 pixels
    Mobilenetv2,
}

/// RAM and flash, as in `256KiB/1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) ram: Bytes,
    pub(crate) flash: Bytes,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ram, flash) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is not RAM/FLASH, for example 256KiB/1MiB"))?;
        Ok(Limit {
            ram: ram.trim().parse()?,
            flash: flash.trim().parse()?,
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ram, self.flash)
    }
}

/// A data configuration, as in `96:rgb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FixedData(pub(crate) DataConfig);

impl FromStr for FixedData {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':');
        let (side, colour) = parts.ok_or_else(|| format!("`{text}` is not PIXELS:MODE"))?;
        let colour: Colour = parse_colour(colour)?;
        let resolution = side.trim().parse();
        Ok(FixedData(DataConfig {
            resolution: resolution.map_err(|_| format!("`{side}` is not a number of pixels"))?,
            colour,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_data_are_read_as_they_are_written() {
        let limit: Limit = "64KiB/1MiB".parse().unwrap();
        assert_eq!((limit.ram, limit.flash), (Bytes(65_536), Bytes(1 << 20)));
        assert_eq!(limit.to_string(), "64KiB/1MiB");
        let FixedData(data) = "96:gray".parse().unwrap();
        assert_eq!((data.resolution, data.colour), (96, Colour::Mono));
        for wrong in ["64KiB", "64KiB/", "x/1MiB"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
        for wrong in ["96", "wide:rgb", "96:blue"] {
            assert!(wrong.parse::<FixedData>().is_err(), "{wrong}");
        }
    }
}
