//! What is known of a prepared set as a whole.

use super::seal;
use crate::catalogue::{Catalogue, Entry, Location, SkippedFile};
use crate::error::DataError;
use crate::space::DataSpace;
use crate::split::{Split, SplitRule};
use crate::survey::Survey;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What is prepared from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// The source, as it was given.
    pub(super) source: String,
    /// The examples, before decoding.
    pub(super) examples: u64,
    /// SHA-256 of part, class, name, extra columns, size and time of every file.
    pub(super) fingerprint: String,
    /// How the parts are made.
    pub(super) rule: SplitRule,
    /// The most pixels that a picture may have.
    pub(super) max_pixels: u64,
    /// The data space that is prepared for; pictures are kept at its finest granularity.
    pub(super) space: DataSpace,
    /// The extra columns. Sets of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) columns: Vec<String>,
}

impl Plan {
    pub(super) fn new(catalogue: &Catalogue, space: &DataSpace, max_pixels: u64) -> Self {
        Self {
            source: catalogue.source().to_string(),
            examples: catalogue.total() as u64,
            fingerprint: fingerprint(catalogue),
            rule: catalogue.rule().clone(),
            max_pixels,
            space: space.clone(),
            columns: catalogue.columns().to_vec(),
        }
    }

    /// What differs from the plan that a folder was begun with, in words.
    pub(super) fn difference(&self, begun: &Plan) -> Option<String> {
        if self.source != begun.source {
            return Some(format!(
                "its source is {}, not {}",
                begun.source, self.source
            ));
        }
        if self.rule != begun.rule {
            return Some(format!(
                "its split is: {}; now it is: {}",
                begun.rule, self.rule
            ));
        }
        if self.space != begun.space {
            let pixels = |plan: &Plan| {
                let sides = plan.space.resolutions.iter().map(ToString::to_string);
                sides.collect::<Vec<_>>().join(",")
            };
            return Some(format!(
                "it is for the resolutions {}, not {}",
                pixels(begun),
                pixels(self)
            ));
        }
        if self.examples != begun.examples {
            return Some(format!(
                "the source had {} examples, now {}",
                begun.examples, self.examples
            ));
        }
        if self.columns != begun.columns {
            let words = |plan: &Plan| match plan.columns.is_empty() {
                true => "no extra columns".to_owned(),
                false => format!("the extra columns {}", plan.columns.join(", ")),
            };
            return Some(format!(
                "it holds {}; the source has {}",
                words(begun),
                words(self)
            ));
        }
        (self != begun).then(|| {
            format!(
                "names, extra columns, sizes or times of files in {} have changed since",
                self.source
            )
        })
    }
}

/// SHA-256 of part, class, name, extra columns, size and time of every file of a catalogue.
fn fingerprint(catalogue: &Catalogue) -> String {
    let mut hash = Sha256::new();
    // Without columns there is nothing to add to the fingerprint that earlier versions took.
    let has_columns = !catalogue.columns().is_empty();
    for split in Split::ALL {
        let entries = catalogue.entries(split);
        hash.update((entries.len() as u64).to_le_bytes());
        let state = |entry: &Entry| match &entry.location {
            Location::File(path) => file_state(path),
            Location::Drawn { .. } | Location::Packed { .. } => [0; 24],
        };
        let states: Vec<[u8; 24]> = entries.par_iter().map(state).collect();
        for (entry, state) in entries.iter().zip(states) {
            hash.update((entry.class as u64).to_le_bytes());
            hash.update((entry.name.len() as u64).to_le_bytes());
            hash.update(entry.name.as_bytes());
            hash.update(state);
            if has_columns {
                hash.update(entry.flags.to_bytes());
            }
        }
    }
    for container in catalogue.containers() {
        hash.update(file_state(&container.path));
    }
    hash.update(catalogue.classes().join("\n"));
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Size and time of a file; zeros where they cannot be asked.
fn file_state(path: &Path) -> [u8; 24] {
    let metadata = std::fs::metadata(path).ok();
    let size = metadata.as_ref().map_or(0, std::fs::Metadata::len);
    let time = metadata
        .and_then(|metadata| metadata.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |time| time.as_nanos());
    let mut state = [0; 24];
    state[..8].copy_from_slice(&size.to_le_bytes());
    state[8..].copy_from_slice(&time.to_le_bytes());
    state
}

/// The manifest of a complete set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) plan: Plan,
    pub(super) classes: Vec<String>,
    /// The examples of each part, in the order of [`Split::ALL`].
    pub(super) counts: [u64; Split::COUNT],
    pub(super) survey: Survey,
    pub(super) skipped: Vec<SkippedFile>,
    /// Bytes of each shard of pixels.
    pub(super) shards: Vec<u64>,
    /// Bytes of all names together.
    pub(super) name_bytes: u64,
    /// CRC-32 of the index, so that it cannot be that of another set.
    pub(super) index_checksum: u32,
}

/// Writes a sealed file of JSON.
pub(super) fn write_json<T: Serialize>(
    path: &Path,
    kind: &str,
    value: &T,
) -> Result<(), DataError> {
    let body = serde_json::to_vec(value).map_err(|error| DataError::Write {
        path: path.to_owned(),
        source: error.into(),
    })?;
    seal::write(path, kind, &body)
}

/// Reads a sealed file of JSON.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path, kind: &str) -> Result<T, DataError> {
    let body = seal::read(path, kind)?;
    serde_json::from_slice(&body).map_err(|error| DataError::DamagedPrepared {
        path: path.to_owned(),
        problem: format!("cannot be understood: {error}"),
    })
}
