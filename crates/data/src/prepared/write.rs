//! Preparing a source: decoded once, written shard by shard, continued after whatever stopped it.

use super::index::Place;
use super::manifest::{self, Manifest, Plan};
use super::open::PreparedSet;
use super::shard::{Record, Shard, ShardWriter};
use super::{INDEX, MANIFEST, MANIFEST_KIND, PLAN, records_path, seal};
use crate::catalogue::{Catalogue, Entry};
use crate::decode::Header;
use crate::error::DataError;
use crate::examples::{Reader, all_entries};
use crate::feed::{feed, storage_order};
use crate::load::check_classes;
use crate::space::DataSpace;
use crate::split::Split;
use crate::survey::{ReadLimits, Survey, check_share, project};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

/// How a source is prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareOptions {
    /// The data space that is prepared for: pictures are kept at its finest granularity.
    pub space: DataSpace,
    /// Limits on single pictures; the limit on all together does not apply here.
    pub limits: ReadLimits,
    /// Bytes of pixels after which a new shard is begun.
    pub shard_bytes: u64,
}

impl PrepareOptions {
    /// Shards of 256 MiB for a data space.
    pub fn new(space: DataSpace) -> Self {
        Self {
            space,
            limits: ReadLimits::default(),
            shard_bytes: 256 << 20,
        }
    }
}

/// What happens while a source is prepared. Events come from several threads.
#[derive(Debug, Clone, Copy)]
pub enum PrepareEvent<'a> {
    /// The work begins or is continued.
    Started {
        /// Pictures that an earlier attempt had done already.
        done: usize,
        /// Pictures in all.
        total: usize,
        /// Bytes that all of them will take on disk, as foretold.
        bytes: u64,
    },
    /// One more picture was written or given up.
    Written {
        /// How many so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A file could not be used.
    Skipped(&'a crate::SkippedFile),
}

/// Decodes all pictures of a catalogue on all threads, drops equal channels, reduces them to the finest granularity that
/// the data space can use, and writes them into `folder`. What an earlier attempt completed is checked and kept. Where
/// all is done already, the folder is opened. `stop` is asked after every picture whether to give up.
///
/// # Errors
/// The folder is not empty, or prepared from something else, in another way, or by another process at the same time; the
/// disk is too small; something cannot be written; too many files cannot be decoded; or a stop was asked for.
pub fn prepare(
    catalogue: &Catalogue,
    folder: &Path,
    options: &PrepareOptions,
    progress: &(dyn Fn(PrepareEvent<'_>) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<PreparedSet, DataError> {
    let plan = Plan::new(catalogue, &options.space, options.limits.max_pixels);
    if let Some(complete) = complete(folder, &plan)? {
        return Ok(complete);
    }
    let _lock = begin(folder, &plan)?;
    let mut shards = complete_shards(folder, catalogue.total());
    remove_incomplete(folder, shards.len())?;
    check_disk(catalogue, folder, options, &shards, progress)?;
    write_shards(catalogue, folder, options, &mut shards, progress, stop)?;
    finish(catalogue, folder, plan, &shards)?;
    for shard in 0..shards.len() {
        remove(&records_path(folder, shard))?;
    }
    remove(&folder.join(PLAN))?;
    PreparedSet::open(folder)
}

/// The folder, if it is complete and of this plan.
fn complete(folder: &Path, plan: &Plan) -> Result<Option<PreparedSet>, DataError> {
    if !folder.join(MANIFEST).exists() {
        return Ok(None);
    }
    let complete = PreparedSet::open(folder)?;
    check_plan(folder, plan, &complete.manifest().plan)?;
    Ok(Some(complete))
}

fn check_plan(folder: &Path, plan: &Plan, begun: &Plan) -> Result<(), DataError> {
    match plan.difference(begun) {
        None => Ok(()),
        Some(difference) => Err(DataError::PreparedOtherwise {
            path: folder.to_owned(),
            difference,
        }),
    }
}

/// Writes the plan into an empty folder, or compares it with the one that is there. The folder is ours as long as the
/// file that is returned is open.
fn begin(folder: &Path, plan: &Plan) -> Result<File, DataError> {
    let write = |source| DataError::Write {
        path: folder.to_owned(),
        source,
    };
    let path = folder.join(PLAN);
    if path.exists() {
        check_plan(folder, plan, &manifest::read_json(&path, PLAN)?)?;
    } else {
        std::fs::create_dir_all(folder).map_err(write)?;
        let beside = path.with_extension("part");
        let mut others = std::fs::read_dir(folder).map_err(write)?.flatten();
        if others.any(|entry| entry.path() != beside) {
            return Err(DataError::NotEmpty {
                path: folder.to_owned(),
            });
        }
        manifest::write_json(&path, PLAN, plan)?;
    }
    let file = File::open(&path).map_err(write)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataError::BusyPreparing {
            path: folder.to_owned(),
        }),
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The shards that an earlier attempt completed, up to the first that has to be made again.
fn complete_shards(folder: &Path, total: usize) -> Vec<Shard> {
    let mut shards: Vec<Shard> = Vec::new();
    let mut next = 0;
    while let Ok(shard) = Shard::read(folder, shards.len())
        && shard.places.start == next
        && shard.places.end <= total
        && next < shard.places.end
        && shard
            .records
            .iter()
            .all(|record| record.number < total as u64)
    {
        next = shard.places.end;
        shards.push(shard);
    }
    shards
}

/// Removes what an earlier attempt left behind the first `complete` shards.
fn remove_incomplete(folder: &Path, complete: usize) -> Result<(), DataError> {
    let entries = std::fs::read_dir(folder).map_err(|source| DataError::ReadFolder {
        path: folder.to_owned(),
        source,
    })?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let number = stem
            .strip_prefix("pixels-")
            .or_else(|| stem.strip_prefix("records-"))
            .and_then(|number| number.parse::<usize>().ok());
        let ours = number.is_some() || [INDEX, MANIFEST, PLAN].contains(&stem);
        let is_left = number.is_some_and(|number| number >= complete) || stem == INDEX;
        if ours && (extension == "part" || (is_left && extension.is_empty())) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), DataError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DataError::Write {
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Whether the disk has room for what is left to write, as far as that can be foretold.
fn check_disk(
    catalogue: &Catalogue,
    folder: &Path,
    options: &PrepareOptions,
    shards: &[Shard],
    progress: &(dyn Fn(PrepareEvent<'_>) + Sync),
) -> Result<(), DataError> {
    let finest = options.space.finest();
    let foretold = project(catalogue, finest, &options.limits)?;
    let written: u64 = shards.iter().map(|shard| shard.bytes).sum();
    progress(PrepareEvent::Started {
        done: shards.last().map_or(0, |shard| shard.places.end),
        total: foretold.pictures,
        bytes: foretold.bytes,
    });
    let needed = foretold.bytes.saturating_sub(written);
    match free_bytes(folder) {
        Some(free) if free < needed => Err(DataError::DiskTooSmall {
            path: folder.to_owned(),
            pictures: foretold.pictures,
            finest,
            needed,
            free,
        }),
        _ => Ok(()),
    }
}

/// Bytes that may still be written to the file system of a folder, where that can be known.
fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Writes the shards behind those that are complete.
fn write_shards(
    catalogue: &Catalogue,
    folder: &Path,
    options: &PrepareOptions,
    shards: &mut Vec<Shard>,
    progress: &(dyn Fn(PrepareEvent<'_>) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), DataError> {
    let numbered = all_entries(catalogue);
    let order = storage_order(&numbered);
    let entries: Vec<&Entry> = order.iter().map(|&number| numbered[number]).collect();
    let total = entries.len();
    let before = shards.last().map_or(0, |shard| shard.places.end);
    let mut undecodable: Vec<_> = shards
        .iter()
        .flat_map(|shard| shard.skipped.clone())
        .collect();
    let mut writer: Option<ShardWriter> = None;
    let reader = Reader::new(catalogue, &options.limits);
    feed(
        &reader,
        &entries[before..],
        options.space.finest(),
        |index, fed| {
            if stop() {
                return Err(DataError::Stopped {
                    path: folder.to_owned(),
                });
            }
            if let Err(file) = &fed {
                progress(PrepareEvent::Skipped(file));
                undecodable.push(file.clone());
                check_share(&undecodable, total)?;
            }
            let place = before + index;
            let mut shard = match writer.take() {
                Some(shard) => shard,
                None => ShardWriter::begin(folder, shards.len(), place)?,
            };
            shard.push(order[place] as u64, fed)?;
            let done = place + 1;
            if shard.bytes() >= options.shard_bytes || done == total {
                shards.push(shard.finish()?);
            } else {
                writer = Some(shard);
            }
            progress(PrepareEvent::Written { done, total });
            Ok(())
        },
    )
}

/// Writes index and manifest of a folder whose shards are complete.
fn finish(
    catalogue: &Catalogue,
    folder: &Path,
    plan: Plan,
    shards: &[Shard],
) -> Result<(), DataError> {
    let written = Written::gather(catalogue, shards);
    let undecodable: Vec<_> = shards
        .iter()
        .flat_map(|shard| shard.skipped.clone())
        .collect();
    check_share(&undecodable, catalogue.total())?;
    check_classes(catalogue, written.labels.each_ref().map(Vec::as_slice))?;
    let headers = written.records.iter().map(|(_, record)| Header {
        width: record.found[0] as usize,
        height: record.found[1] as usize,
        channels: record.channels as usize,
        decoding_bytes: 0,
    });
    let headers: Vec<Header> = headers.collect();
    let has_colour = written
        .records
        .iter()
        .map(|(_, record)| record.channels == 3);
    let mut skipped = catalogue.skipped().to_vec();
    skipped.extend(undecodable.iter().cloned());
    let index_checksum = crc32fast::hash(&written.index);
    seal::write(&folder.join(INDEX), INDEX, &written.index)?;
    let manifest = Manifest {
        plan,
        classes: catalogue.classes().to_vec(),
        counts: written.labels.each_ref().map(|labels| labels.len() as u64),
        survey: Survey::new(&headers, has_colour, undecodable),
        skipped,
        shards: shards.iter().map(|shard| shard.bytes).collect(),
        name_bytes: written.name_bytes,
        index_checksum,
    };
    manifest::write_json(&folder.join(MANIFEST), MANIFEST_KIND, &manifest)
}

/// What was written of all examples, in the order of the catalogue.
struct Written {
    /// Shard and record of each example that could be decoded.
    records: Vec<(u32, Record)>,
    labels: [Vec<usize>; Split::COUNT],
    /// The body of the index.
    index: Vec<u8>,
    name_bytes: u64,
}

impl Written {
    fn gather(catalogue: &Catalogue, shards: &[Shard]) -> Self {
        let mut records: Vec<(u32, Record)> = (0..)
            .zip(shards)
            .flat_map(|(number, shard)| shard.records.iter().map(move |&record| (number, record)))
            .collect();
        records.sort_by_key(|(_, record)| record.number);
        let examples: Vec<(Split, &Entry)> = Split::ALL
            .into_iter()
            .flat_map(|split| {
                catalogue
                    .entries(split)
                    .iter()
                    .map(move |entry| (split, entry))
            })
            .collect();
        let mut labels: [Vec<usize>; Split::COUNT] = Default::default();
        let (mut index, mut names, mut flags) = (Vec::new(), String::new(), Vec::new());
        for &(shard, record) in &records {
            let (split, entry) = examples[record.number as usize];
            names.push_str(&entry.name);
            flags.extend(entry.flags.to_bytes());
            labels[split.index()].push(entry.class);
            let place = Place {
                offset: record.offset,
                name_end: names.len() as u64,
                shard,
                width: record.kept[0],
                height: record.kept[1],
                channels: record.channels,
                label: entry.class as u32,
                checksum: record.checksum,
            };
            place.append(&mut index);
        }
        index.extend_from_slice(names.as_bytes());
        if !catalogue.columns().is_empty() {
            index.extend_from_slice(&flags);
        }
        Self {
            records,
            labels,
            index,
            name_bytes: names.len() as u64,
        }
    }
}
