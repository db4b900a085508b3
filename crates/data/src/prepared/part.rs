//! One part of a prepared set, read as memory.

use super::index::{PLACE_BYTES, Place};
use crate::error::DataError;
use crate::map::FileMap;
use crate::picture::PictureRef;
use crate::readers::{FLAGS_BYTES, Flags};
use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// How much memory the system may map around a page that is looked at.
const AROUND: u64 = 64 << 10;

/// The files of a prepared set.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    /// The places of all examples, and behind them names and flags.
    pub(super) index: FileMap,
    /// Where in the index the places begin.
    pub(super) places: usize,
    /// Where in the index the names begin.
    pub(super) names: usize,
    /// Where in the index the flags begin; there are none without extra columns.
    pub(super) flags: usize,
    pub(super) shards: Vec<FileMap>,
    /// Bytes of pixels that may be in memory; none if all.
    pub(super) resident: Option<u64>,
    /// Bytes that have come into memory since it was given back, at most.
    touched: AtomicU64,
    /// The first damage that was met.
    damage: OnceLock<(PathBuf, String)>,
}

impl Files {
    pub(super) fn new(
        folder: PathBuf,
        index: FileMap,
        places: usize,
        names: usize,
        flags: usize,
        shards: Vec<FileMap>,
    ) -> Self {
        Self {
            folder,
            index,
            places,
            names,
            flags,
            shards,
            resident: None,
            touched: AtomicU64::new(0),
            damage: OnceLock::new(),
        }
    }

    /// Where an example of the whole set is; none if the index does not reach so far.
    pub(super) fn place(&self, example: usize) -> Option<Place> {
        let start = self.places + example * PLACE_BYTES;
        let bytes = self.index.bytes().get(start..)?.first_chunk()?;
        Some(Place::read(bytes))
    }

    /// What extra columns say of an example of the whole set: nothing, if there are none.
    pub(super) fn flags(&self, example: usize) -> Flags {
        let bytes = self.index.bytes().get(self.flags + example * FLAGS_BYTES..);
        let flags = bytes.and_then(|bytes| bytes.first_chunk());
        flags.map_or(Flags::default(), |&bytes| Flags::from_bytes(bytes))
    }

    /// The pixels of an example, if they are those that were written.
    ///
    /// # Errors
    /// What is wrong, in words, with the file that it is wrong with.
    pub(super) fn picture(&self, place: &Place) -> Result<PictureRef<'_>, (PathBuf, String)> {
        let path = || super::pixels_path(&self.folder, place.shard as usize);
        let wrong = |problem: &str| (path(), problem.to_owned());
        let shard = self.shards.get(place.shard as usize);
        let shard = shard.ok_or_else(|| wrong("is not there"))?.bytes();
        let range = place.range(shard.len());
        let bytes = &shard[range.ok_or_else(|| wrong("ends before the index says"))?];
        self.touch(bytes.len());
        if crc32fast::hash(bytes) != place.checksum {
            return Err(wrong("has other pixels than were written"));
        }
        Ok(PictureRef {
            width: place.width as usize,
            height: place.height as usize,
            channels: place.channels as usize,
            bytes,
        })
    }

    /// Takes note that so many bytes were looked at, and gives memory back when there are too many.
    fn touch(&self, bytes: usize) {
        let Some(resident) = self.resident else {
            return;
        };
        let mapped = (bytes as u64).next_multiple_of(AROUND) + AROUND;
        let touched = self.touched.fetch_add(mapped, Ordering::Relaxed) + mapped;
        // Of the threads that see it exceeded, one gives the memory back.
        if touched > resident
            && self
                .touched
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                    (now > resident).then_some(0)
                })
                .is_ok()
        {
            self.shards.iter().for_each(FileMap::release);
            self.index.release();
        }
    }
}

/// A part of a prepared set.
#[derive(Debug, Clone)]
pub(crate) struct MappedPart {
    files: Arc<Files>,
    /// Its examples among all.
    examples: Range<usize>,
    /// Bytes of its pixels.
    bytes: usize,
    /// Its examples in the order in which their pixels lie; none where that is their own order.
    storage: Option<Arc<[u32]>>,
}

impl MappedPart {
    pub(super) fn new(
        files: Arc<Files>,
        examples: Range<usize>,
        bytes: usize,
        storage: Option<Arc<[u32]>>,
    ) -> Self {
        Self {
            files,
            examples,
            bytes,
            storage,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A picture; none, and remembered, if the files are damaged.
    pub(crate) fn picture(&self, index: usize) -> Option<PictureRef<'_>> {
        let place = self.files.place(self.examples.start + index);
        let found = place
            .ok_or_else(|| {
                (
                    self.files.folder.join(super::INDEX),
                    "is too short".to_owned(),
                )
            })
            .and_then(|place| self.files.picture(&place));
        found
            .map_err(|damage| self.files.damage.get_or_init(|| damage))
            .ok()
    }

    /// A name; empty if the index is damaged.
    pub(crate) fn name(&self, index: usize) -> Cow<'_, str> {
        let example = self.examples.start + index;
        let end = |example| {
            let place = self.files.place(example)?;
            usize::try_from(place.name_end).ok()
        };
        let start = example.checked_sub(1).map_or(Some(0), end);
        let names = self.files.index.bytes().get(self.files.names..);
        let name = names
            .zip(start.zip(end(example)))
            .and_then(|(names, (start, end))| names.get(start..end));
        String::from_utf8_lossy(name.unwrap_or_default())
    }

    /// What extra columns say of an example.
    pub(crate) fn flags(&self, index: usize) -> Flags {
        self.files.flags(self.examples.start + index)
    }

    /// Whether no damage was met so far.
    pub(crate) fn check_intact(&self) -> Result<(), DataError> {
        match self.files.damage.get() {
            None => Ok(()),
            Some((path, problem)) => Err(DataError::DamagedPrepared {
                path: path.clone(),
                problem: problem.clone(),
            }),
        }
    }

    /// The example at a place of the storage.
    pub(crate) fn stored(&self, place: usize) -> usize {
        (self.storage.as_ref()).map_or(place, |storage| storage[place] as usize)
    }

    /// The examples at these places of the storage are about to be read.
    pub(crate) fn expect(&self, places: Range<usize>) {
        let place = |place: usize| self.files.place(self.examples.start + self.stored(place));
        let ends = place(places.start).zip(places.end.checked_sub(1).and_then(place));
        let Some((first, last)) = ends else {
            return;
        };
        for shard in first.shard..=last.shard {
            let Some(map) = self.files.shards.get(shard as usize) else {
                return;
            };
            let length = map.bytes().len();
            let start = match shard == first.shard {
                true => first.range(length).map(|range| range.start),
                false => Some(0),
            };
            let end = match shard == last.shard {
                true => last.range(length).map(|range| range.end),
                false => Some(length),
            };
            if let Some((start, end)) = start.zip(end)
                && start < end
            {
                map.expect(start..end);
            }
        }
    }
}
