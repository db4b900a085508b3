//! What can be known of the pictures from their headers.

use crate::catalogue::{Catalogue, Entry, Location, SkippedFile};
use crate::config::Colour;
use crate::decode::{self, Header};
use crate::error::DataError;
use crate::examples::{Reader, all_entries, sample};
use serde::{Deserialize, Serialize};

/// The share of files that may be undecodable.
pub const TOLERATED_SHARE: f64 = 0.05;

/// Limits on what is read into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadLimits {
    /// The most pixels that one picture may have; a larger one counts as undecodable.
    pub max_pixels: u64,
    /// The most bytes that all pictures together may take, with what decoding takes on top.
    pub max_bytes: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            max_pixels: 64_000_000,
            max_bytes: 8 << 30,
        }
    }
}

impl ReadLimits {
    /// The most bytes that are read of one encoded picture.
    pub(crate) fn encoded_bytes(&self) -> u64 {
        decode::encoded_bytes(self.max_pixels)
    }
}

/// Least, middle and greatest of a number of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// The least.
    pub min: usize,
    /// The middle one (the upper one of two).
    pub median: usize,
    /// The greatest.
    pub max: usize,
}

impl Sizes {
    fn of(mut values: Vec<usize>) -> Self {
        values.sort_unstable();
        let at = |index: usize| values.get(index).copied().unwrap_or(0);
        Self {
            min: at(0),
            median: at(values.len() / 2),
            max: at(values.len().saturating_sub(1)),
        }
    }
}

/// Sizes and colour of the pictures of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// How many pictures were looked at.
    pub pictures: usize,
    /// Widths in pixels, as stored.
    pub width: Sizes,
    /// Heights in pixels, as stored.
    pub height: Sizes,
    /// Shorter sides in pixels.
    pub shorter: Sizes,
    /// How many pictures' pixels were looked at for colour.
    pub colour_sampled: usize,
    /// How many of these have any pixel that is not grey.
    pub coloured: usize,
    /// Pictures that could not be used.
    pub undecodable: Vec<SkippedFile>,
}

impl Survey {
    /// [`Colour::Mono`] where every picture that was looked at is grey.
    pub fn colour(&self) -> Colour {
        if self.coloured == 0 {
            Colour::Mono
        } else {
            Colour::Rgb
        }
    }

    /// From headers, and whether each of the pictures that were looked at has colour.
    pub(crate) fn new(
        headers: &[Header],
        has_colour: impl Iterator<Item = bool>,
        undecodable: Vec<SkippedFile>,
    ) -> Self {
        let sizes = |of: fn(&Header) -> usize| Sizes::of(headers.iter().map(of).collect());
        let (mut colour_sampled, mut coloured) = (0, 0);
        for colour in has_colour {
            colour_sampled += 1;
            coloured += usize::from(colour);
        }
        Self {
            pictures: headers.len(),
            width: sizes(|header| header.width),
            height: sizes(|header| header.height),
            shorter: sizes(|header| header.width.min(header.height)),
            colour_sampled,
            coloured,
            undecodable,
        }
    }
}

/// The most loose pictures whose headers a survey reads.
const SURVEYED: usize = 20_000;

/// Reads the headers of the pictures (of 20,000 spread evenly over all, if there are more; of those in files that hold
/// many, the first few of each file), in parallel, and the pixels of some of them to see whether they have colour.
///
/// # Errors
/// More than [`TOLERATED_SHARE`] of the files cannot be decoded, or a file that holds pictures is damaged.
pub fn survey(catalogue: &Catalogue, limits: &ReadLimits) -> Result<Survey, DataError> {
    /// How many pictures are looked at for colour.
    const SAMPLED: usize = 128;
    let reader = Reader::new(catalogue, limits);
    let entries = looked_at(catalogue, SURVEYED);
    let headers = reader.each(&entries, || (), |(), _, example| Ok(example.header()))?;
    let (found, undecodable) = separate(headers.iter().cloned());
    check_share(&undecodable, entries.len())?;
    let may_have_colour: Vec<&Entry> = entries
        .iter()
        .zip(&headers)
        .filter(|(_, header)| header.as_ref().is_ok_and(|header| header.channels == 3))
        .map(|(&entry, _)| entry)
        .collect();
    let step = may_have_colour.len().div_ceil(SAMPLED).max(1);
    let looked_at: Vec<&Entry> = may_have_colour.into_iter().step_by(step).collect();
    let has_colour = reader.each(
        &looked_at,
        || (),
        |(), _, example| {
            let picture = example.picture().ok();
            Ok(picture.map(|picture| picture.drop_equal_channels().channels == 3))
        },
    )?;
    let has_colour = has_colour.into_iter().flatten();
    Ok(Survey::new(&found, has_colour, undecodable))
}

/// At most `most` of the examples that cost little to look at, spread evenly over them, and the first few of each file that
/// holds many.
fn looked_at(catalogue: &Catalogue, most: usize) -> Vec<&Entry> {
    let is_packed = |entry: &&Entry| matches!(entry.location, Location::Packed { .. });
    let (packed, loose): (Vec<_>, Vec<_>) = all_entries(catalogue).into_iter().partition(is_packed);
    let step = loose.len().div_ceil(most).max(1);
    let entries: Vec<&Entry> = loose.into_iter().step_by(step).chain(packed).collect();
    sample(catalogue, &entries)
}

/// How much memory or disk the pictures of a source take once they are decoded and reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projection {
    /// The pictures.
    pub pictures: usize,
    /// Bytes of all their pixels: exact for a small set of pictures with three different channels, and projected from
    /// [`Projection::sampled`] of them for a large one.
    pub bytes: u64,
    /// How many pictures were looked at.
    pub sampled: usize,
}

/// Foretells how many bytes the pictures of a catalogue take at a finest granularity, from the headers of some.
///
/// # Errors
/// A file that holds pictures is damaged.
pub fn project(
    catalogue: &Catalogue,
    finest: usize,
    limits: &ReadLimits,
) -> Result<Projection, DataError> {
    /// How many headers of loose pictures are read.
    const SAMPLED: usize = 256;
    let reader = Reader::new(catalogue, limits);
    let entries = looked_at(catalogue, SAMPLED);
    let headers = reader.each(&entries, || (), |(), _, example| Ok(example.header().ok()))?;
    let kept = headers
        .iter()
        .flatten()
        .map(|header| header.kept_bytes(finest));
    let mean = kept.clone().sum::<u64>() as f64 / kept.count().max(1) as f64;
    Ok(Projection {
        pictures: catalogue.total(),
        bytes: (mean * catalogue.total() as f64).round() as u64,
        sampled: entries.len(),
    })
}

/// Separates what was read from what could not be, keeping the order.
pub(crate) fn separate<T>(
    results: impl Iterator<Item = Result<T, SkippedFile>>,
) -> (Vec<T>, Vec<SkippedFile>) {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => found.push(value),
            Err(file) => skipped.push(file),
        }
    }
    (found, skipped)
}

/// Whether no more files are undecodable than is tolerated.
pub(crate) fn check_share(undecodable: &[SkippedFile], total: usize) -> Result<(), DataError> {
    if undecodable.len() as f64 > TOLERATED_SHARE * total as f64 {
        return Err(DataError::TooManyUndecodable {
            skipped: undecodable.to_vec(),
            total,
            tolerated: TOLERATED_SHARE,
        });
    }
    Ok(())
}
