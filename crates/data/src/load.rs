//! From a catalogue to decoded pictures.

use crate::catalogue::{Catalogue, Entry, SkippedFile};
use crate::dataset::{Dataset, Examples, Pixels};
use crate::decode::Header;
use crate::error::DataError;
use crate::feed::feed;
use crate::order::Shuffle;
use crate::picture::Picture;
use crate::space::MAX_RESOLUTION;
use crate::split::Split;
use crate::streams::Streams;
use crate::survey::{ReadLimits, Reader, Survey, all_entries, check_share, separate};
use crate::view::Augmentation;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

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
/// in a part by that, the pictures do not fit the memory limit, or an option is out of range.
pub fn load(
    catalogue: &Catalogue,
    options: &LoadOptions,
    progress: &(dyn Fn(LoadEvent<'_>) + Sync),
) -> Result<Dataset, DataError> {
    check(options)?;
    let reader = Reader::new(catalogue, &options.limits);
    let entries = all_entries(catalogue);
    let headers: Vec<Result<Header, SkippedFile>> = entries
        .par_iter()
        .map(|entry| reader.header(entry))
        .collect();
    let (found, undecodable) = separate(headers.iter().cloned());
    check_share(&undecodable, entries.len())?;
    check_memory(&found, options)?;

    let total = found.len();
    progress(LoadEvent::Started { total });
    let readable: Vec<&Entry> = entries
        .iter()
        .zip(&headers)
        .filter(|(_, header)| header.is_ok())
        .map(|(&entry, _)| entry)
        .collect();
    let mut decoded = Vec::with_capacity(total);
    let Ok(()) = feed(&reader, &readable, options.finest, |index, fed| {
        if let Err(file) = &fed {
            progress(LoadEvent::Skipped(file));
        }
        let done = index + 1;
        progress(LoadEvent::Decoded { done, total });
        decoded.push(fed.map(|decoded| decoded.picture));
        Ok::<(), std::convert::Infallible>(())
    });
    let mut decoded = decoded.into_iter();
    let pictures = headers.into_iter().map(|header| match header {
        Ok(_) => decoded.next().expect("one picture per readable header"),
        Err(file) => {
            progress(LoadEvent::Skipped(&file));
            Err(file)
        }
    });
    let pictures = pictures.collect();
    assemble(catalogue, options, &found, pictures)
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
    let mut parts: [Examples; 3] = Default::default();
    let mut undecodable = Vec::new();
    let mut has_colour = Vec::with_capacity(total);
    let mut pictures = pictures.into_iter();
    for split in Split::ALL {
        let (mut names, mut labels, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (entry, picture) in catalogue.entries(split).iter().zip(&mut pictures) {
            match picture {
                Ok(picture) => {
                    has_colour.push(picture.channels == 3);
                    names.push(entry.name.clone());
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
pub(crate) fn check_classes(catalogue: &Catalogue, labels: [&[usize]; 3]) -> Result<(), DataError> {
    for split in Split::ALL {
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
