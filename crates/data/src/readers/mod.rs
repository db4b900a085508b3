//! Finding out how examples lie on disk, and listing them.
//!
//! [`list`] recognises the layout by what lies in a folder: files that hold many pictures ([`container`]) in any of three
//! formats, lists beside pictures, or class folders. Each format lists its files as [`table::Table`]s, without decoding
//! or keeping a picture; [`listing`] makes parts and classes of them.

mod archive;
mod cell;
mod container;
mod csv_list;
mod discover;
mod dropped;
mod example;
mod flags;
mod labels;
mod listing;
mod lists;
mod parquet;
mod pictures;
mod records;
mod roles;
mod shards;
mod table;
mod tfrecord;
mod webdataset;
#[cfg(test)]
#[path = "../../tests/common/records.rs"]
mod writing;

use crate::catalogue::ScanOptions;
use crate::error::DataError;
use crate::folder;
pub(crate) use container::Container;
use discover::Layout;
pub use dropped::Dropped;
pub(crate) use dropped::Tally;
pub use flags::Flags;
pub(crate) use flags::{FLAGS_BYTES, MAX_COLUMNS};
pub(crate) use labels::resolve;
pub(crate) use listing::Listed;
use serde::{Deserialize, Serialize};
use std::path::Path;
use table::Reading;

/// A layout of examples that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A folder for each class.
    ClassFolders,
    /// A CSV list of files beside a folder of pictures.
    CsvList,
    /// A CSV list of the members of tar archives beside them.
    CsvArchives,
    /// Parquet files with encoded pictures.
    Parquet,
    /// TFRecord files of `tf.train.Example`.
    TfRecord,
    /// Tar archives of samples, as WebDataset writes them.
    WebDataset,
    /// The built-in set.
    Synthetic,
}

impl Format {
    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Format::ClassFolders => "class folders",
            Format::CsvList => "CSV list beside pictures",
            Format::CsvArchives => "CSV list beside archives",
            Format::Parquet => "Parquet",
            Format::TfRecord => "TFRecord",
            Format::WebDataset => "WebDataset",
            Format::Synthetic => "built-in set",
        }
    }
}

/// How a source was recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// The layout.
    pub format: Format,
    /// What it was recognised by.
    pub why: String,
}

impl std::fmt::Display for Recognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.format.title(), self.why)
    }
}

/// Whether the name of a file says that it holds examples: these are sources as well as folders are.
pub fn holds_examples(path: &Path) -> bool {
    discover::kind(path).is_some()
}

/// Lists what lies at `path`, in whichever layout.
pub(crate) fn list(path: &Path, options: &ScanOptions) -> Result<Listed, DataError> {
    let layout = discover::layout(path, options)?;
    let reading = Reading {
        root: discover::root(path),
        label: options.label_column.clone(),
    };
    match layout {
        Layout::ClassFolders => folder::list(path, options),
        Layout::Lists { files, archives } => lists::list(reading, &files, &archives, options),
        Layout::Shards { format, files } => shards::list(&reading, format, &files, options),
    }
}
