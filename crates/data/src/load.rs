//! From a catalogue to decoded pictures.

use crate::catalogue::{Catalogue, Entry, SkippedFile};
use crate::dataset::{Dataset, Examples, Pixels};
use crate::decode::Header;
use crate::error::DataError;
use crate::examples::{Reader, all_entries};
use crate::order::Shuffle;
use crate::picture::Picture;
use crate::resize::Resizer;
use crate::space::MAX_RESOLUTION;
use crate::split::Split;
use crate::streams::Streams;
use crate::survey::{ReadLimits, Survey, check_share, separate};
use crate::view::Augmentation;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How pictures are decoded and kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadOptions {
    /// Pictures whose shorter side is longer than this are reduced to it;
    /// [`DataSpace::finest`](crate::DataSpace::finest) says what a data space needs.
    pub finest: usize,
    /// Seed of views and orders.
    pub seed: u64,
    /// Limits on memory.
    pub limits: ReadLimits,
    /// How training pictures are varied.
    pub augmentation: Augmentation,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            finest: 280,
            seed: 0,
            limits: ReadLimits::default(),
            augmentation: Augmentation::default(),
        }
    }
}

/// What happens while pictures are loaded. Events come from several threads.
#[derive(Debug, Clone, Copy)]
pub enum LoadEvent<'a> {
    /// The headers were read; so many pictures are going to be decoded.
    Started {
        /// How many.
        total: usize,
    },
    /// One more picture was decoded or given up.
    Decoded {
        /// How many so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A file could not be used.
    Skipped(&'a SkippedFile),
}

/// Decodes all pictures of a catalogue, in parallel.
///
/// # Errors
/// More than [`TOLERATED_SHARE`](crate::TOLERATED_SHARE) of the files cannot be decoded, a class loses all its examples
/// in a part by that, a file that holds pictures is damaged, the pictures do not fit the memory limit, or an option is out
/// of range.
pub fn load(
    catalogue: &Catalogue,
    options: &LoadOptions,
    progress: &(dyn Fn(LoadEvent<'_>) + Sync),
) -> Result<Dataset, DataError> {
    check(options)?;
    let reader = Reader::new(catalogue, &options.limits);
    let entries = all_entries(catalogue);
    // Files tell their sizes at little cost. What lies in files that hold many is measured while it is decoded, so that
    // these are read once.
    let headers = match catalogue.containers().is_empty() {
        true => Some(read_headers(&reader, &entries, options)?),
        false => None,
    };
    let total = match &headers {
        Some(headers) => headers.iter().flatten().count(),
        None => entries.len(),
    };
    progress(LoadEvent::Started { total });
    let done = AtomicUsize::new(0);
    let memory = Memory::new(options, total);
    let decoded = reader.each(&entries, Resizer::default, |resizer, index, example| {
        let known = headers.as_ref().map(|headers| &headers[index]);
        let header = known.cloned().unwrap_or_else(|| example.header());
        if let (Ok(header), None) = (&header, known) {
            memory.take(header)?;
        }
        let picture = header.clone().and_then(|_| example.picture());
        if let Err(file) = &picture {
            progress(LoadEvent::Skipped(file));
        }
        if header.is_ok() || known.is_none() {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(LoadEvent::Decoded { done, total });
        }
        let reduced = picture.map(|picture| {
            picture
                .drop_equal_channels()
                .reduce(options.finest, resizer)
        });
        Ok((header.ok(), reduced))
    })?;
    let (found, pictures): (Vec<Option<Header>>, Vec<_>) = decoded.into_iter().unzip();
    let found: Vec<Header> = found.into_iter().flatten().collect();
    assemble(catalogue, options, &found, pictures)
}

/// The headers of files, of which no more than is tolerated cannot be read, and which fit into memory.
fn read_headers(
    reader: &Reader<'_>,
    entries: &[&Entry],
    options: &LoadOptions,
) -> Result<Vec<Result<Header, SkippedFile>>, DataError> {
    let headers = reader.each(entries, || (), |(), _, example| Ok(example.header()))?;
    let (found, undecodable) = separate(headers.iter().cloned());
    check_share(&undecodable, entries.len())?;
    check_memory(&found, options)?;
    Ok(headers)
}

/// Counts what is kept while pictures are decoded whose sizes were not known before.
struct Memory {
    finest: usize,
    allowed: u64,
    total: usize,
    taken: AtomicU64,
    pictures: AtomicUsize,
}

impl Memory {
    fn new(options: &LoadOptions, total: usize) -> Self {
        Self {
            finest: options.finest,
            allowed: options.limits.max_bytes,
            total,
            taken: AtomicU64::new(0),
            pictures: AtomicUsize::new(0),
        }
    }

    /// Takes room for one more picture.
    ///
    /// # Errors
    /// There is none; what all would need is extrapolated.
    fn take(&self, header: &Header) -> Result<(), DataError> {
        let bytes = header.kept_bytes(self.finest);
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let pictures = self.pictures.fetch_add(1, Ordering::Relaxed) + 1;
        if taken.saturating_add(header.decoding_bytes) <= self.allowed {
            return Ok(());
        }
        let each = taken / pictures as u64;
        Err(DataError::TooMuchMemory {
            pictures: self.total,
            finest: self.finest,
            needed: taken.max(each.saturating_mul(self.total as u64)),
            allowed: self.allowed,
        })
    }
}

fn check(options: &LoadOptions) -> Result<(), DataError> {
    let most = 4 * MAX_RESOLUTION;
    if !(8..=most).contains(&options.finest) {
        return Err(DataError::BadOption {
            option: "the finest granularity",
            found: options.finest.to_string(),
            expected: format!("8 to {most} pixels"),
        });
    }
    options.augmentation.check()
}

/// What is kept, and the largest pictures being decoded at the same time, must fit the limit.
fn check_memory(headers: &[Header], options: &LoadOptions) -> Result<(), DataError> {
    let kept: u64 = headers
        .iter()
        .map(|header| header.kept_bytes(options.finest))
        .sum();
    let mut decoding: Vec<u64> = headers.iter().map(|header| header.decoding_bytes).collect();
    decoding.sort_unstable();
    let at_once: u64 = decoding
        .iter()
        .rev()
        .take(rayon::current_num_threads())
        .sum();
    let needed = kept + at_once;
    if needed > options.limits.max_bytes {
        return Err(DataError::TooMuchMemory {
            pictures: headers.len(),
            finest: options.finest,
            needed,
            allowed: options.limits.max_bytes,
        });
    }
    Ok(())
}

fn assemble(
    catalogue: &Catalogue,
    options: &LoadOptions,
    headers: &[Header],
    pictures: Vec<Result<Picture, SkippedFile>>,
) -> Result<Dataset, DataError> {
    let total = pictures.len();
    let mut parts: [Examples; Split::COUNT] = Default::default();
    let mut undecodable = Vec::new();
    let mut has_colour = Vec::with_capacity(total);
    let mut pictures = pictures.into_iter();
    for split in Split::ALL {
        let (mut names, mut flags) = (Vec::new(), Vec::new());
        let (mut labels, mut kept) = (Vec::new(), Vec::new());
        for (entry, picture) in catalogue.entries(split).iter().zip(&mut pictures) {
            match picture {
                Ok(picture) => {
                    has_colour.push(picture.channels == 3);
                    names.push(entry.name.clone());
                    flags.push(entry.flags);
                    labels.push(entry.class);
                    kept.push(picture);
                }
                Err(file) => undecodable.push(file),
            }
        }
        parts[split.index()] = Examples {
            labels,
            pixels: Pixels::Owned {
                names,
                flags,
                pictures: kept,
            },
        };
    }
    check_share(&undecodable, total)?;
    check_classes(
        catalogue,
        parts.each_ref().map(|part| part.labels.as_slice()),
    )?;
    let mut skipped = catalogue.skipped().to_vec();
    skipped.extend(undecodable.iter().cloned());
    Ok(Dataset {
        classes: catalogue.classes().to_vec(),
        columns: catalogue.columns().to_vec(),
        parts,
        rule: catalogue.rule().clone(),
        skipped,
        finest: options.finest,
        survey: Survey::new(headers, has_colour.into_iter(), undecodable),
        augmentation: options.augmentation,
        streams: Streams::new(options.seed),
        shuffle: Shuffle::Whole,
    })
}

/// Every class that a part had must still be there.
pub(crate) fn check_classes(
    catalogue: &Catalogue,
    labels: [&[usize]; Split::COUNT],
) -> Result<(), DataError> {
    let there = |split: &Split| !catalogue.is_empty(*split);
    for split in Split::ALL.into_iter().filter(there) {
        let mut left = vec![false; catalogue.classes().len()];
        for &label in labels[split.index()] {
            left[label] = true;
        }
        for (class, name) in catalogue.classes().iter().enumerate() {
            if !left[class] {
                let lost = catalogue
                    .entries(split)
                    .iter()
                    .filter(|entry| entry.class == class);
                return Err(DataError::EmptyClass {
                    class: name.clone(),
                    path: catalogue.root(),
                    files: lost.count(),
                    undecodable: true,
                });
            }
        }
    }
    Ok(())
}
