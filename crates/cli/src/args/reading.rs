//! How examples are read where danas would guess wrong.

use clap::Args;
use danas_data::{MappedSplit, ScanOptions, Split};
use serde::{Deserialize, Serialize};

/// The options of every command that reads examples.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct ReadingOptions {
    /// The column of labels (of WebDataset shards also an extension) [default: found by its name]
    #[arg(long, value_name = "NAME", help_heading = "Reading the examples")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label_column: Option<String>,

    /// What parts on disk are for: train_large=train,test=unused; also NAME=pretraining [default: what their names say]
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

/// The options of a command that trains on examples, or reads those that are trained on: also which parts.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct StagedReading {
    /// The other options.
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) reading: ReadingOptions,

    /// The part on disk to train on first, for half of the supernet's training: many pictures whose labels may be worse
    /// (train_large of Wake Vision) [default: none]
    #[arg(long, value_name = "NAME", help_heading = "Reading the examples")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pretrain_split: Option<String>,

    /// The part on disk to train on, after that of --pretrain-split if there is one [default: what its name says]
    #[arg(long, value_name = "NAME", help_heading = "Reading the examples")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<String>,
}

impl StagedReading {
    /// What the room of examples is told; `seed` is that of the split.
    pub(crate) fn scan_options(&self, seed: u64) -> ScanOptions {
        let mut options = self.reading.scan_options(seed);
        let named = [
            (&self.pretrain_split, Split::Pretraining),
            (&self.split, Split::Train),
        ];
        for (name, split) in named {
            options
                .split_map
                .extend(name.iter().map(|name| MappedSplit {
                    name: name.clone(),
                    split: Some(split),
                }));
        }
        options
    }

    /// These options, and those of `under` where these have none.
    pub(crate) fn over(self, under: Self) -> Self {
        Self {
            reading: self.reading.over(under.reading),
            pretrain_split: self.pretrain_split.or(under.pretrain_split),
            split: self.split.or(under.split),
        }
    }
}
