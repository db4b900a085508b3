//! Reading examples wherever they lie, in parallel and in bounded memory.

use crate::catalogue::{Catalogue, Entry, Location, SkippedFile};
use crate::decode::{self, Header};
use crate::error::DataError;
use crate::picture::Picture;
use crate::source::Source;
use crate::split::Split;
use crate::survey::ReadLimits;
use crate::synthetic::SyntheticSpec;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;

/// How many examples of a container are handed out at once, and how many bytes they may take.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 << 20;

/// The examples of all parts, in the order of [`Split::ALL`].
pub(crate) fn all_entries(catalogue: &Catalogue) -> Vec<&Entry> {
    Split::ALL
        .into_iter()
        .flat_map(|split| catalogue.entries(split))
        .collect()
}

/// Those of `entries` that are looked at to know what the examples are like: all that cost little to look at, and of each
/// container the first few.
pub(crate) fn sample<'a>(catalogue: &Catalogue, entries: &[&'a Entry]) -> Vec<&'a Entry> {
    /// How many are looked at in all containers, and at least in each.
    const SAMPLED: usize = 4096;
    const LEAST: usize = 16;
    let containers = wanted(catalogue, entries);
    let each = (SAMPLED / containers.len().max(1)).max(LEAST);
    let is_loose = |entry: &&&Entry| !matches!(entry.location, Location::Packed { .. });
    let mut sampled: Vec<&Entry> = entries.iter().filter(is_loose).copied().collect();
    for positions in containers {
        let first = positions.iter().take(each);
        sampled.extend(first.map(|&(_, index)| entries[index]));
    }
    sampled
}

/// For each container the positions that `entries` want of it, in order, and which entry wants it.
fn wanted(catalogue: &Catalogue, entries: &[&Entry]) -> Vec<Vec<(u64, usize)>> {
    let mut wanted = vec![Vec::new(); catalogue.containers().len()];
    for (index, entry) in entries.iter().enumerate() {
        if let Location::Packed {
            container,
            position,
        } = entry.location
        {
            wanted[container].push((position, index));
        }
    }
    for positions in &mut wanted {
        positions.sort_unstable();
    }
    wanted
}

/// An example that is at hand.
pub(crate) struct Example<'a> {
    entry: &'a Entry,
    content: Content<'a>,
    max_pixels: u64,
}

enum Content<'a> {
    File(&'a Path),
    Drawn {
        spec: &'a SyntheticSpec,
        test: bool,
        number: u64,
    },
    /// The bytes of a picture, or why there are none.
    Encoded(&'a Result<Vec<u8>, String>),
}

impl Example<'_> {
    /// Size and channels.
    ///
    /// # Errors
    /// The example with the reason why it cannot be used.
    pub(crate) fn header(&self) -> Result<Header, SkippedFile> {
        let header = match &self.content {
            Content::File(path) => decode::header(path, self.max_pixels),
            Content::Drawn { spec, .. } => Ok(Header {
                width: spec.size,
                height: spec.size,
                channels: 3,
                decoding_bytes: 0,
            }),
            Content::Encoded(Ok(bytes)) => decode::header_of(bytes, self.max_pixels),
            Content::Encoded(Err(reason)) => Err(reason.clone()),
        };
        header.map_err(|reason| self.undecodable(reason))
    }

    /// The pixels.
    ///
    /// # Errors
    /// The example with the reason why it cannot be used.
    pub(crate) fn picture(&self) -> Result<Picture, SkippedFile> {
        self.decoded().map(|(_, picture)| picture)
    }

    /// Size and channels as stored, and the pixels.
    ///
    /// # Errors
    /// The example with the reason why it cannot be used.
    pub(crate) fn decoded(&self) -> Result<(Header, Picture), SkippedFile> {
        let decoded = match &self.content {
            Content::File(path) => decode::picture(path, self.max_pixels),
            Content::Drawn { spec, test, number } => {
                let header = self.header()?;
                Ok((header, spec.draw(self.entry.class, *test, *number)))
            }
            Content::Encoded(Ok(bytes)) => decode::picture_of(bytes, self.max_pixels),
            Content::Encoded(Err(reason)) => Err(reason.clone()),
        };
        decoded.map_err(|reason| self.undecodable(reason))
    }

    fn undecodable(&self, reason: String) -> SkippedFile {
        SkippedFile {
            path: self.entry.name.clone(),
            reason,
            undecodable: true,
        }
    }
}

/// An example of a container by its index among the entries: its bytes, or why there are none.
type Fetched = (usize, Result<Vec<u8>, String>);

/// Reads the examples of a catalogue.
pub(crate) struct Reader<'a> {
    catalogue: &'a Catalogue,
    limits: ReadLimits,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &ReadLimits) -> Self {
        Self {
            catalogue,
            limits: *limits,
        }
    }

    /// Does `work` on every entry, with its index, in parallel; the results are in the order of the entries. Containers are
    /// read one after the other, from front to back. `init` makes what a thread works with.
    ///
    /// # Errors
    /// A container is damaged, or the first error of `work`.
    pub(crate) fn each<S, T: Send>(
        &self,
        entries: &[&Entry],
        init: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, usize, &Example<'_>) -> Result<T, DataError> + Sync + Send,
    ) -> Result<Vec<T>, DataError> {
        let mut results: Vec<Option<T>> = entries
            .par_iter()
            .enumerate()
            .map_init(&init, |state, (index, entry)| {
                self.loose(entry)
                    .map(|example| work(state, index, &example))
                    .transpose()
            })
            .collect::<Result<_, _>>()?;
        self.each_packed(entries, init, work, |index, result| {
            results[index] = Some(result);
            Ok(())
        })?;
        // Every entry lies in a file, is drawn, or was found in its container.
        Ok(results.into_iter().flatten().collect())
    }

    /// Does `work` on every entry that lies in a container, with its index, and hands the results to `deliver` in the order in
    /// which the containers hold them: a batch is read, worked on in parallel, and delivered before the next is read.
    ///
    /// # Errors
    /// A container is damaged, or the first error of `work` or of `deliver`.
    pub(crate) fn each_packed<S, T: Send>(
        &self,
        entries: &[&Entry],
        init: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, usize, &Example<'_>) -> Result<T, DataError> + Sync + Send,
        mut deliver: impl FnMut(usize, T) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        for (container, positions) in wanted(self.catalogue, entries).iter().enumerate() {
            self.each_of(container, positions, &mut |batch| {
                let done: Vec<(usize, T)> = batch
                    .par_iter()
                    .map_init(&init, |state, (index, bytes)| {
                        let example = self.example(entries[*index], Content::Encoded(bytes));
                        Ok((*index, work(state, *index, &example)?))
                    })
                    .collect::<Result<_, DataError>>()?;
                done.into_iter()
                    .try_for_each(|(index, result)| deliver(index, result))
            })?;
        }
        Ok(())
    }

    /// An example that lies in no container.
    pub(crate) fn loose<'e>(&'e self, entry: &'e Entry) -> Option<Example<'e>> {
        let content = match (&entry.location, self.catalogue.source()) {
            (Location::File(path), _) => Content::File(path),
            (Location::Drawn { test, number }, Source::Synthetic(spec)) => Content::Drawn {
                spec,
                test: *test,
                number: *number,
            },
            _ => return None,
        };
        Some(self.example(entry, content))
    }

    fn example<'e>(&self, entry: &'e Entry, content: Content<'e>) -> Example<'e> {
        Example {
            entry,
            content,
            max_pixels: self.limits.max_pixels,
        }
    }

    /// Hands the wanted examples of a container to `work`, a batch at a time.
    fn each_of(
        &self,
        container: usize,
        wanted: &[(u64, usize)],
        work: &mut dyn FnMut(&[Fetched]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let container = &self.catalogue.containers()[container];
        let mut wanted = wanted.iter().peekable();
        if wanted.peek().is_none() {
            return Ok(());
        }
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        let mut refused = Ok(());
        container.for_each(self.limits.encoded_bytes(), &mut |position, picture| {
            if let Some((_, index)) = wanted.next_if(|(wanted, _)| *wanted == position) {
                bytes += picture.as_ref().map_or(0, |picture| picture.len());
                batch.push((*index, picture.map(<[u8]>::to_vec)));
            }
            if batch.len() == BATCH || bytes >= BATCH_BYTES {
                refused = work(&batch);
                batch.clear();
                bytes = 0;
            }
            match refused.is_err() || wanted.peek().is_none() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        refused?;
        work(&batch)?;
        match wanted.peek() {
            None => Ok(()),
            Some(_) => Err(DataError::broken(
                &container.path,
                "holds fewer examples than when it was listed".to_owned(),
            )),
        }
    }
}
