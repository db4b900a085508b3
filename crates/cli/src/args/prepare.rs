//! The options of `danas prepare`.

use std::path::PathBuf;

use clap::Args;

use super::{Resolutions, StagedReading};

const PREPARE_EXAMPLES: &str = "\
Examples:
  danas prepare photos/ --out prepared/photos
      Decode and reduce all pictures once. The same command continues it after a stop, a kill or a full disk.
  danas search --data prepared/photos --board stm32f746 --memory 4GiB
      Search them as often as you like, however little memory there is.
  danas prepare photos/ --out prepared/small --resolutions 32,48,64
      Only for these resolutions: fewer bytes, and no search of larger ones.
  danas inspect prepared/photos
      What it holds, and whether it is still what was written.

A search prepares by itself, into its run folder, what does not fit into memory. The split is made here, with --seed; a
search of the prepared folder keeps it. Change nothing in the folder while a search reads it.";

/// `danas prepare`.
#[derive(Debug, Args)]
#[command(after_help = PREPARE_EXAMPLES)]
pub(crate) struct PrepareCommand {
    /// A folder (or file) of pictures in any known layout, or `synthetic:objects[,key=value...]`
    #[arg(value_name = "SOURCE")]
    pub(crate) data: String,
    /// The folder to write to: new, empty, or one to be continued
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Resolutions that will be searched, or `paper` for the seven of the paper; pictures are kept as fine as the largest
    /// needs [default: what suits the pictures]
    #[arg(long, value_name = "PIXELS,...")]
    pub(crate) resolutions: Option<Resolutions>,
    #[command(flatten)]
    pub(crate) reading: StagedReading,
    /// The seed of the split, where danas makes it
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads to decode with [default: all cores]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threads: Option<usize>,
    /// Say nothing but errors and the result
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
