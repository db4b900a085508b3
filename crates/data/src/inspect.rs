//! What `danas inspect` shows.

use crate::catalogue::{Catalogue, ClassCount, ColumnCount, SkippedFile};
use crate::decode::Header;
use crate::error::DataError;
use crate::examples::{Example, Reader, all_entries};
use crate::load::LoadEvent;
use crate::picture::Picture;
use crate::readers::{Dropped, Recognised};
use crate::space::DataSpace;
use crate::split::{Split, SplitRule};
use crate::survey::{ReadLimits, Survey, check_share};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A close look at a source.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The source, as it was given.
    pub source: String,
    /// The examples of each class in each part, before decoding.
    pub counts: Vec<ClassCount>,
    /// How the parts are made.
    pub rule: SplitRule,
    /// The same in words.
    pub rule_in_words: String,
    /// Sizes and colour, over all pictures.
    pub survey: Survey,
    /// Files that are no pictures.
    pub skipped: Vec<SkippedFile>,
    /// What the source was recognised as.
    pub recognised: Recognised,
    /// Extra columns that hold nothing but 0, 1 and missing values.
    pub columns: Vec<ColumnCount>,
    /// Rows and members that are not used, by reason.
    pub dropped: Vec<Dropped>,
    /// Names of parts on disk that are not used.
    pub unused: Vec<String>,
    /// Why a search would refuse the source, if it would.
    pub refused: Option<String>,
    /// Pictures with equal pixels of which not all are in the same part: accuracy measured on them is too good.
    pub duplicates_across_splits: Vec<Duplicates>,
    /// Pictures with equal pixels but different classes.
    pub contradictions: Vec<Duplicates>,
    /// How many pictures could be left out without losing any pixels, in the same part and class.
    pub duplicates_within_split: usize,
    /// The data configurations that make sense.
    pub data_space: DataSpace,
}

/// Pictures with equal pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// The files, in the order of parts and names.
    pub files: Vec<DuplicateFile>,
}

/// One of several pictures with equal pixels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DuplicateFile {
    /// The part it is in.
    pub split: Split,
    /// The class it is in.
    pub class: String,
    /// Path relative to the source.
    pub path: String,
}

/// What is remembered of a picture.
struct Looked {
    header: Header,
    has_colour: bool,
    /// SHA-256 of size and pixels.
    digest: [u8; 32],
}

/// Decodes every picture of a catalogue once, in parallel, and keeps none of them.
///
/// # Errors
/// None of the files can be decoded, or a file that holds pictures is damaged. (Too many undecodable files are no error here, but [`Inspection::refused`].)
pub fn inspect(
    catalogue: &Catalogue,
    limits: &ReadLimits,
    progress: &(dyn Fn(LoadEvent<'_>) + Sync),
) -> Result<Inspection, DataError> {
    let entries = all_entries(catalogue);
    let total = entries.len();
    progress(LoadEvent::Started { total });
    let reader = Reader::new(catalogue, limits);
    let done = AtomicUsize::new(0);
    let looked = reader.each(
        &entries,
        || (),
        |(), _, example| {
            let looked = look(example);
            if let Err(file) = &looked {
                progress(LoadEvent::Skipped(file));
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(LoadEvent::Decoded { done, total });
            Ok(looked)
        },
    )?;
    let undecodable: Vec<SkippedFile> = looked
        .iter()
        .filter_map(|looked| looked.as_ref().err().cloned())
        .collect();
    let refusal = check_share(&undecodable, total).err();
    if undecodable.len() == total
        && let Some(error) = refusal
    {
        return Err(error);
    }
    let good = || looked.iter().filter_map(|looked| looked.as_ref().ok());
    let headers: Vec<Header> = good().map(|looked| looked.header).collect();
    let survey = Survey::new(
        &headers,
        good().map(|looked| looked.has_colour),
        undecodable,
    );
    let groups = equal_pictures(catalogue, &looked);
    Ok(Inspection {
        source: catalogue.source().to_string(),
        counts: catalogue.counts(),
        rule: catalogue.rule().clone(),
        rule_in_words: catalogue.rule().to_string(),
        data_space: DataSpace::suggested(&survey),
        survey,
        skipped: catalogue.skipped().to_vec(),
        recognised: catalogue.recognised().clone(),
        columns: catalogue.column_counts(),
        dropped: catalogue.dropped().to_vec(),
        unused: catalogue.unused().to_vec(),
        refused: refusal.map(|error| error.to_string()),
        duplicates_within_split: groups.iter().map(Duplicates::surplus).sum(),
        duplicates_across_splits: select(&groups, |first, other| first.split != other.split),
        contradictions: select(&groups, |first, other| first.class != other.class),
    })
}

fn look(example: &Example<'_>) -> Result<Looked, SkippedFile> {
    let header = example.header()?;
    let picture = example.picture()?.drop_equal_channels();
    Ok(Looked {
        header,
        has_colour: picture.channels == 3,
        digest: digest(&picture),
    })
}

fn digest(picture: &Picture) -> [u8; 32] {
    Sha256::new()
        .chain_update((picture.width as u64).to_le_bytes())
        .chain_update((picture.channels as u64).to_le_bytes())
        .chain_update(&picture.bytes)
        .finalize()
        .into()
}

/// The groups of more than one picture with equal pixels.
fn equal_pictures(
    catalogue: &Catalogue,
    looked: &[Result<Looked, SkippedFile>],
) -> Vec<Duplicates> {
    let mut groups: BTreeMap<[u8; 32], Vec<DuplicateFile>> = BTreeMap::new();
    let entries = Split::ALL.into_iter().flat_map(|split| {
        catalogue
            .entries(split)
            .iter()
            .map(move |entry| (split, entry))
    });
    for ((split, entry), looked) in entries.zip(looked) {
        if let Ok(looked) = looked {
            groups
                .entry(looked.digest)
                .or_default()
                .push(DuplicateFile {
                    split,
                    class: catalogue.classes()[entry.class].clone(),
                    path: entry.name.clone(),
                });
        }
    }
    let mut groups: Vec<Duplicates> = groups
        .into_values()
        .filter(|files| files.len() > 1)
        .map(|files| Duplicates { files })
        .collect();
    groups.sort_by(|a, b| a.files.cmp(&b.files));
    groups
}

impl Duplicates {
    /// How many files repeat another one of the same part and class.
    fn surplus(&self) -> usize {
        let mut kinds: Vec<(Split, &str)> = self
            .files
            .iter()
            .map(|file| (file.split, file.class.as_str()))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        self.files.len() - kinds.len()
    }
}

fn select(
    groups: &[Duplicates],
    differ: fn(&DuplicateFile, &DuplicateFile) -> bool,
) -> Vec<Duplicates> {
    groups
        .iter()
        .filter(|group| {
            group
                .files
                .iter()
                .any(|other| differ(&group.files[0], other))
        })
        .cloned()
        .collect()
}
