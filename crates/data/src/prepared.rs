//! A source that was decoded once and lies in files that are read as memory: a prepared folder.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | what is prepared from what: written first, compared when the work is continued |
//! | `pixels-00000`, ... | pixels `[height, width, channels]` of one picture after the other |
//! | `records-00000`, ... | which pictures a shard of pixels holds, until all shards are complete |
//! | `index` | of every example, in the order of parts, classes and names: where its pixels are, its name, and what extra columns say of it |
//! | `prepared` | the manifest, written last: with it the folder is a source |
//!
//! Every file is written beside and renamed. All but the pixels are sealed: their first line tells kind, version, length
//! and CRC-32 of the rest. Every picture has a CRC-32 of its own, checked whenever its pixels are read.

mod index;
mod manifest;
mod open;
mod part;
mod seal;
mod shard;
mod write;

pub use open::{OpenOptions, PreparedSet};
pub(crate) use part::MappedPart;
pub use write::{PrepareEvent, PrepareOptions, prepare};

use std::path::{Path, PathBuf};

/// The file that makes a folder a prepared one.
const MANIFEST: &str = "prepared";
/// How the manifest's first line names it.
const MANIFEST_KIND: &str = "prepared set";
/// The file that says what is being prepared.
const PLAN: &str = "plan";
/// The file that says where every example is.
const INDEX: &str = "index";

fn pixels_path(folder: &Path, shard: usize) -> PathBuf {
    folder.join(format!("pixels-{shard:05}"))
}

fn records_path(folder: &Path, shard: usize) -> PathBuf {
    folder.join(format!("records-{shard:05}"))
}
