//! Opening a prepared folder.

use super::index::PLACE_BYTES;
use super::manifest::{self, Manifest};
use super::part::{Files, MappedPart};
use super::{INDEX, MANIFEST, MANIFEST_KIND, PLAN, pixels_path, seal};
use crate::catalogue::{ClassCount, ColumnCount, SkippedFile};
use crate::dataset::{Dataset, Examples, Pixels};
use crate::error::DataError;
use crate::map::FileMap;
use crate::order::{Shuffle, streamed};
use crate::readers::{FLAGS_BYTES, MAX_COLUMNS};
use crate::space::DataSpace;
use crate::split::{Split, SplitRule};
use crate::streams::Streams;
use crate::survey::Survey;
use crate::view::Augmentation;
use rayon::prelude::*;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a prepared set is used.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenOptions {
    /// Seed of views and orders.
    pub seed: u64,
    /// How training pictures are varied.
    pub augmentation: Augmentation,
    /// Bytes of pixels that may be in memory at a time: when there are more, their pages are given back.
    pub resident: u64,
    /// Bytes of pixels that an epoch mixes at a time. A set that is not larger is shuffled as a whole, in the order in
    /// which the same set in memory would be.
    pub mixed: u64,
}

/// A prepared folder whose files are as the manifest says. The pixels are checked when they are read.
///
/// The files are mapped: do not change or cut them off while they are in use (a missing page ends the program).
#[derive(Debug)]
pub struct PreparedSet {
    manifest: Manifest,
    files: Files,
    parts: [Part; Split::COUNT],
}

/// What the index says of a part.
#[derive(Debug, Default)]
struct Part {
    examples: Range<usize>,
    labels: Vec<usize>,
    bytes: usize,
    /// Whether the pixels lie in the order of the examples.
    in_order: bool,
}

impl PreparedSet {
    /// Whether a folder is a prepared one, or is going to be one.
    pub fn is_at(folder: &Path) -> bool {
        seal::begins(&folder.join(MANIFEST), MANIFEST_KIND)
            || seal::begins(&folder.join(PLAN), PLAN)
    }

    /// Opens a prepared folder and checks everything but the pixels.
    ///
    /// # Errors
    /// The preparation is not finished, or a file is missing, unreadable, damaged or of another version.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(MANIFEST);
        if !path.exists() && folder.join(PLAN).exists() {
            return Err(DataError::NotPrepared {
                path: folder.to_owned(),
            });
        }
        let manifest: Manifest = manifest::read_json(&path, MANIFEST_KIND)?;
        let damaged = |path: PathBuf, problem: String| DataError::DamagedPrepared { path, problem };
        check_counts(&manifest).map_err(|problem| damaged(path, problem))?;
        let files = open_files(folder, &manifest)?;
        let mut start = 0;
        let mut parts: [Part; Split::COUNT] = Default::default();
        for (part, &count) in parts.iter_mut().zip(&manifest.counts) {
            let examples = start..start + count as usize;
            start = examples.end;
            *part = read_part(&files, &manifest, examples)
                .map_err(|problem| damaged(folder.join(INDEX), problem))?;
        }
        Ok(Self {
            manifest,
            files,
            parts,
        })
    }

    /// The classes, in the order of their labels.
    pub fn classes(&self) -> &[String] {
        &self.manifest.classes
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }

    /// The source that was prepared, as it was given.
    pub fn source(&self) -> &str {
        &self.manifest.plan.source
    }

    /// The data space that it was prepared for.
    pub fn space(&self) -> &DataSpace {
        &self.manifest.plan.space
    }

    /// Pictures are kept with a shorter side of at most this many pixels.
    pub fn finest(&self) -> usize {
        self.space().finest()
    }

    /// Sizes and colour of the pictures in the source.
    pub fn survey(&self) -> &Survey {
        &self.manifest.survey
    }

    /// How the parts were made.
    pub fn rule(&self) -> &SplitRule {
        &self.manifest.plan.rule
    }

    /// Files of the source that are not used.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.manifest.skipped
    }

    /// The examples of each class in each part.
    pub fn counts(&self) -> Vec<ClassCount> {
        let labels = self.parts.each_ref().map(|part| part.labels.iter());
        ClassCount::table(&self.manifest.classes, labels)
    }

    /// How often the extra columns are 1 and 0; for the other examples they are missing.
    pub fn column_counts(&self) -> Vec<ColumnCount> {
        let flags = self.parts.each_ref().map(|part| {
            let examples = part.examples.clone();
            examples.map(|example| self.files.flags(example))
        });
        ColumnCount::table(&self.manifest.plan.columns, flags)
    }

    /// Bytes of all pixels.
    pub fn bytes(&self) -> u64 {
        self.manifest.shards.iter().sum()
    }

    /// The examples of all parts.
    fn total(&self) -> usize {
        self.parts.iter().map(|part| part.examples.len()).sum()
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads all pixels and compares them with their checksums. `progress` is told how many pictures were read, and of
    /// how many, from several threads.
    ///
    /// # Errors
    /// The first picture that is not what was written.
    pub fn verify(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<(), DataError> {
        let total = self.total();
        let done = std::sync::atomic::AtomicUsize::new(0);
        (0..total).into_par_iter().try_for_each(|example| {
            let index = || (self.files.folder.join(INDEX), "is too short".to_owned());
            let place = self.files.place(example).ok_or_else(index);
            place
                .and_then(|place| self.files.picture(&place).map(drop))
                .map_err(|(path, problem)| DataError::DamagedPrepared { path, problem })?;
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            progress(done, total);
            Ok(())
        })
    }

    /// Whether its pictures are fine enough for a data space.
    ///
    /// # Errors
    /// They are not.
    pub fn check_space(&self, space: &DataSpace) -> Result<(), DataError> {
        if space.finest() <= self.finest() {
            return Ok(());
        }
        Err(DataError::TooCoarse {
            path: self.folder().to_owned(),
            finest: self.finest(),
            needed: space.finest(),
        })
    }

    /// Its examples.
    ///
    /// # Errors
    /// The augmentation is out of range.
    pub fn dataset(mut self, options: &OpenOptions) -> Result<Dataset, DataError> {
        options.augmentation.check()?;
        let bytes = self.bytes();
        self.files.resident = (bytes > options.resident).then_some(options.resident);
        let (finest, examples) = (self.finest(), self.total());
        let manifest = self.manifest;
        let files = Arc::new(self.files);
        let parts = self.parts.map(|part| {
            let storage = (!part.in_order).then(|| storage_order(&files, &part.examples));
            Examples {
                labels: part.labels,
                pixels: Pixels::Mapped(MappedPart::new(
                    files.clone(),
                    part.examples,
                    part.bytes,
                    storage,
                )),
            }
        });
        Ok(Dataset {
            classes: manifest.classes,
            columns: manifest.plan.columns,
            parts,
            rule: manifest.plan.rule,
            skipped: manifest.skipped,
            finest,
            survey: manifest.survey,
            augmentation: options.augmentation,
            streams: Streams::new(options.seed),
            shuffle: match bytes > options.mixed {
                true => streamed(options.mixed, bytes as f64 / examples.max(1) as f64),
                false => Shuffle::Whole,
            },
        })
    }
}

/// The examples of a part in the order in which their pixels lie.
fn storage_order(files: &Files, examples: &Range<usize>) -> Arc<[u32]> {
    let mut order: Vec<u32> = (0..examples.len() as u32).collect();
    order.sort_by_cached_key(|&index| {
        let place = files.place(examples.start + index as usize);
        place.map(|place| (place.shard, place.offset))
    });
    order.into()
}

/// Whether the numbers of a manifest can be those of a set.
fn check_counts(manifest: &Manifest) -> Result<(), String> {
    let total = manifest
        .counts
        .iter()
        .try_fold(0, |sum: u64, &count| sum.checked_add(count));
    let may_be_empty = Split::Pretraining.index();
    let is_empty = |(part, count): (usize, &u64)| *count == 0 && part != may_be_empty;
    let any_empty = manifest.counts.iter().enumerate().any(is_empty);
    match total {
        Some(total) if total <= u64::from(u32::MAX) && !any_empty => {}
        _ => return Err("has impossible numbers of examples".to_owned()),
    }
    if manifest.classes.len() < 2 || manifest.shards.len() > u32::MAX as usize {
        return Err("has impossible numbers of classes or shards".to_owned());
    }
    if manifest.plan.columns.len() > MAX_COLUMNS {
        return Err(format!("has more than {MAX_COLUMNS} extra columns"));
    }
    Ok(())
}

/// Maps index and shards, whose lengths and checksums must be those of the manifest.
fn open_files(folder: &Path, manifest: &Manifest) -> Result<Files, DataError> {
    let path = folder.join(INDEX);
    let damaged = |path: &Path, problem: String| DataError::DamagedPrepared {
        path: path.to_owned(),
        problem,
    };
    let index = FileMap::open(&path)?;
    let places = seal::check(INDEX, index.bytes()).map_err(|problem| damaged(&path, problem))?;
    let body = &index.bytes()[places..];
    let total: u64 = manifest.counts.iter().sum();
    let flags = match manifest.plan.columns.is_empty() {
        true => 0,
        false => total * FLAGS_BYTES as u64,
    };
    let expected = (total * PLACE_BYTES as u64 + flags).checked_add(manifest.name_bytes);
    if expected != Some(body.len() as u64) || crc32fast::hash(body) != manifest.index_checksum {
        return Err(damaged(&path, "is not the one of this set".to_owned()));
    }
    let mut shards = Vec::new();
    for (shard, &bytes) in manifest.shards.iter().enumerate() {
        let path = pixels_path(folder, shard);
        let map = FileMap::open(&path)?;
        let found = map.bytes().len() as u64;
        if found != bytes {
            let problem = format!("has {found} bytes; {bytes} were written");
            return Err(damaged(&path, problem));
        }
        shards.push(map);
    }
    let names = places + total as usize * PLACE_BYTES;
    let flags = names + manifest.name_bytes as usize;
    Ok(Files::new(
        folder.to_owned(),
        index,
        places,
        names,
        flags,
        shards,
    ))
}

/// Reads what the index says of a part.
fn read_part(files: &Files, manifest: &Manifest, examples: Range<usize>) -> Result<Part, String> {
    let mut part = Part {
        examples: examples.clone(),
        in_order: true,
        ..Part::default()
    };
    let mut before = (0, 0);
    for example in examples {
        let place = files.place(example).ok_or("is too short")?;
        let shard = files.shards.get(place.shard as usize);
        let range = shard.and_then(|shard| place.range(shard.bytes().len()));
        let range = range.ok_or_else(|| format!("leads outside the shards (example {example})"))?;
        if place.label as usize >= manifest.classes.len() || place.name_end > manifest.name_bytes {
            return Err(format!(
                "has an impossible class or name (example {example})"
            ));
        }
        part.labels.push(place.label as usize);
        part.bytes += range.len();
        part.in_order &= before <= (place.shard, place.offset);
        before = (place.shard, place.offset);
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::super::index::Place;
    use super::super::manifest::write_json;
    use super::super::write::{PrepareOptions, prepare};
    use super::*;
    use crate::catalogue::{ScanOptions, scan};
    use crate::config::Colour;

    /// A prepared folder whose manifest and places were changed by `change` and sealed again: what a checksum cannot show.
    fn forged(change: impl Fn(&mut Manifest, &mut Vec<Place>)) -> Result<PreparedSet, DataError> {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("prepared");
        let source = "synthetic:objects,size=16,train=40,test=8,classes=2";
        let catalogue = scan(&source.parse()?, &ScanOptions::default())?;
        let options = PrepareOptions::new(DataSpace::new(vec![8], vec![Colour::Rgb])?);
        let set = prepare(&catalogue, &folder, &options, &|_| {}, &|| false)?;
        let total = set.total();
        let mut places: Vec<Place> = (0..total).filter_map(|e| set.files.place(e)).collect();
        let names = set.files.index.bytes()[set.files.names..].to_vec();
        let mut manifest = set.manifest().clone();
        drop(set);
        change(&mut manifest, &mut places);
        let mut index = Vec::new();
        places.iter().for_each(|place| place.append(&mut index));
        index.extend(names);
        manifest.index_checksum = crc32fast::hash(&index);
        seal::write(&folder.join(INDEX), INDEX, &index)?;
        write_json(&folder.join(MANIFEST), MANIFEST_KIND, &manifest)?;
        PreparedSet::open(&folder)
    }

    #[test]
    fn a_forged_set_leads_nowhere() {
        assert!(forged(|_, _| {}).is_ok());
        type Change = fn(&mut Manifest, &mut Vec<Place>);
        let changes: [(&str, Change); 13] = [
            ("an offset", |_, places| places[3].offset = u64::MAX - 5),
            ("the last offset", |_, places| {
                if let Some(last) = places.last_mut() {
                    last.offset += 1;
                }
            }),
            ("a shard", |_, places| places[0].shard = 7),
            ("a width", |_, places| places[0].width = u32::MAX),
            ("no height", |_, places| places[0].height = 0),
            ("channels", |_, places| places[0].channels = 2),
            ("a label", |_, places| places[1].label = 2),
            ("a name", |_, places| places[1].name_end = 1 << 40),
            ("a count", |manifest, _| manifest.counts[0] = u64::MAX),
            ("an empty part", |manifest, _| {
                manifest.counts[0] += manifest.counts[1];
                manifest.counts[1] = 0;
            }),
            ("names", |manifest, _| manifest.name_bytes = u64::MAX),
            ("columns", |manifest, _| {
                manifest.plan.columns = vec!["near".to_owned()];
            }),
            ("too many columns", |manifest, _| {
                manifest.plan.columns = vec!["near".to_owned(); 33];
            }),
        ];
        for (what, change) in changes {
            let result = forged(change);
            assert!(
                matches!(result, Err(DataError::DamagedPrepared { .. })),
                "{what}: {result:?}"
            );
        }
    }

    #[test]
    fn pixels_that_lie_in_another_order_are_read_in_theirs() {
        // As from a container whose examples are in no order: the index is by example, the pixels are not.
        let set = forged(|manifest, places| {
            let train = &mut places[..manifest.counts[0] as usize];
            let stored: Vec<(u64, u32)> = train.iter().map(|p| (p.offset, p.checksum)).collect();
            for (place, (offset, checksum)) in train.iter_mut().zip(stored.into_iter().rev()) {
                (place.offset, place.checksum) = (offset, checksum);
            }
        });
        let set = set.expect("a set");
        let examples = set.parts[0].examples.len();
        assert!(!set.parts[0].in_order && set.parts[1].in_order);
        let order = storage_order(&set.files, &set.parts[0].examples);
        assert!(order.iter().map(|&e| e as usize).eq((0..examples).rev()));
        set.verify(&|_, _| {}).expect("all pixels");
    }
}
