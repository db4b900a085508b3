//! How examples are read where danas would guess wrong.

use clap::Args;
use danas_data::{MappedSplit, ScanOptions};
use serde::{Deserialize, Serialize};

/// The options of every command that reads examples.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct ReadingOptions {
    /// The column of labels (of WebDataset shards also an extension) [default: found by its name]
    #[arg(long, value_name = "NAME", help_heading = "Reading the examples")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label_column: Option<String>,

    /// What parts on disk are for: train_large=train,test=unused [default: what their names say]
    #[arg(
        long,
        value_name = "NAME=PART,...",
        help_heading = "Reading the examples",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) split_map: Option<Vec<MappedSplit>>,

    /// The classes in order: names for the labels 0, 1, ..., or those labels that are used [default: all labels]
    #[arg(
        long,
        value_name = "NAME,...",
        help_heading = "Reading the examples",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) classes: Option<Vec<String>>,
}

impl ReadingOptions {
    /// What the room of examples is told; `seed` is that of the split.
    pub(crate) fn scan_options(&self, seed: u64) -> ScanOptions {
        ScanOptions {
            seed,
            label_column: self.label_column.clone(),
            split_map: self.split_map.clone().unwrap_or_default(),
            classes: self.classes.clone().unwrap_or_default(),
            ..ScanOptions::default()
        }
    }

    /// These options, and those of `under` where these have none.
    pub(crate) fn over(self, under: Self) -> Self {
        Self {
            label_column: self.label_column.or(under.label_column),
            split_map: self.split_map.or(under.split_map),
            classes: self.classes.or(under.classes),
        }
    }
}
