//! What can be known of the pictures from their headers.

use crate::catalogue::{Catalogue, Entry, Location, SkippedFile};
use crate::config::Colour;
use crate::decode::{self, Header};
use crate::error::DataError;
use crate::picture::Picture;
use crate::source::Source;
use crate::split::Split;
use crate::synthetic::SyntheticSpec;
use rayon::prelude::*;
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

/// The most pictures whose headers a survey reads.
const SURVEYED: usize = 20_000;

/// Reads the headers of the pictures (of 20,000 spread evenly over all, if there are more), in parallel, and the pixels of
/// a few of them to see whether they have colour.
///
/// # Errors
/// More than [`TOLERATED_SHARE`] of the files cannot be decoded.
pub fn survey(catalogue: &Catalogue, limits: &ReadLimits) -> Result<Survey, DataError> {
    /// How many pictures are looked at for colour.
    const SAMPLED: usize = 128;
    let reader = Reader::new(catalogue, limits);
    let entries = spread_entries(catalogue, SURVEYED);
    let headers: Vec<Result<Header, SkippedFile>> = entries
        .par_iter()
        .map(|entry| reader.header(entry))
        .collect();
    let (found, undecodable) = separate(headers.iter().cloned());
    check_share(&undecodable, entries.len())?;
    let may_have_colour: Vec<&Entry> = entries
        .iter()
        .zip(&headers)
        .filter(|(_, header)| header.as_ref().is_ok_and(|header| header.channels == 3))
        .map(|(&entry, _)| entry)
        .collect();
    let step = may_have_colour.len().div_ceil(SAMPLED).max(1);
    let has_colour: Vec<bool> = may_have_colour
        .par_iter()
        .step_by(step)
        .filter_map(|entry| reader.picture(entry).ok())
        .map(|picture| picture.drop_equal_channels().channels == 3)
        .collect();
    Ok(Survey::new(&found, has_colour.into_iter(), undecodable))
}

/// The examples of all parts, in the order of [`Split::ALL`].
pub(crate) fn all_entries(catalogue: &Catalogue) -> Vec<&Entry> {
    Split::ALL
        .into_iter()
        .flat_map(|split| catalogue.entries(split))
        .collect()
}

/// At most `most` of the examples of all parts, spread evenly over them.
fn spread_entries(catalogue: &Catalogue, most: usize) -> Vec<&Entry> {
    let all = all_entries(catalogue);
    let step = all.len().div_ceil(most).max(1);
    all.into_iter().step_by(step).collect()
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
pub fn project(catalogue: &Catalogue, finest: usize, limits: &ReadLimits) -> Projection {
    /// How many headers are read.
    const SAMPLED: usize = 256;
    let reader = Reader::new(catalogue, limits);
    let entries = spread_entries(catalogue, SAMPLED);
    let kept: Vec<u64> = entries
        .par_iter()
        .filter_map(|entry| reader.header(entry).ok())
        .map(|header| header.kept_bytes(finest))
        .collect();
    let mean = kept.iter().sum::<u64>() as f64 / kept.len().max(1) as f64;
    Projection {
        pictures: catalogue.total(),
        bytes: (mean * catalogue.total() as f64).round() as u64,
        sampled: entries.len(),
    }
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

/// Reads the examples of a catalogue, wherever they come from.
pub(crate) struct Reader<'a> {
    spec: Option<&'a SyntheticSpec>,
    max_pixels: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &ReadLimits) -> Self {
        let spec = match catalogue.source() {
            Source::Folder(_) => None,
            Source::Synthetic(spec) => Some(spec),
        };
        Self {
            spec,
            max_pixels: limits.max_pixels,
        }
    }

    /// Size and channels of an example.
    pub(crate) fn header(&self, entry: &Entry) -> Result<Header, SkippedFile> {
        let header = match (&entry.location, self.spec) {
            (Location::File(path), _) => decode::header(path, self.max_pixels),
            (Location::Drawn { .. }, Some(spec)) => Ok(Header {
                width: spec.size,
                height: spec.size,
                channels: 3,
                decoding_bytes: 0,
            }),
            (Location::Drawn { .. }, None) => Err("is not part of a folder".to_owned()),
        };
        header.map_err(|reason| undecodable(entry, reason))
    }

    /// The pixels of an example.
    pub(crate) fn picture(&self, entry: &Entry) -> Result<Picture, SkippedFile> {
        self.decoded(entry).map(|(_, picture)| picture)
    }

    /// Size and channels as stored, and the pixels of an example.
    pub(crate) fn decoded(&self, entry: &Entry) -> Result<(Header, Picture), SkippedFile> {
        match &entry.location {
            Location::File(path) => {
                let encoded = decode::encoded(path, self.max_pixels);
                self.decode(entry, encoded)
            }
            Location::Drawn { test, number } => {
                let header = self.header(entry)?;
                let drawn = self.spec.map(|spec| spec.draw(entry.class, *test, *number));
                drawn
                    .map(|picture| (header, picture))
                    .ok_or_else(|| undecodable(entry, "is not part of a folder".to_owned()))
            }
        }
    }

    /// An example from its encoded bytes.
    fn decode(
        &self,
        entry: &Entry,
        encoded: Result<Vec<u8>, String>,
    ) -> Result<(Header, Picture), SkippedFile> {
        encoded
            .and_then(|bytes| decode::picture(&bytes, self.max_pixels))
            .map_err(|reason| undecodable(entry, reason))
    }
}

fn undecodable(entry: &Entry, reason: String) -> SkippedFile {
    SkippedFile {
        path: entry.name.clone(),
        reason,
        undecodable: true,
    }
}
