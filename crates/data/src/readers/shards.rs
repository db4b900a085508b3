//! Files that hold pictures with their labels: Parquet, TFRecord and WebDataset.

use super::container::{Container, Packing};
use super::discover::file_name;
use super::dropped::Tally;
use super::listing::{Listed, Parts, Tables};
use super::table::{Reading, Table};
use super::{Format, parquet, records, webdataset};
use crate::catalogue::{ScanOptions, SkippedFile};
use crate::error::DataError;
use crate::split_map::part_within;
use crate::survey::ReadLimits;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// A file that was listed.
struct Shard {
    table: Table,
    packing: Packing,
    classes: Option<Vec<String>>,
}

/// Lists the files of a format, in parallel. Files of parts that are not used are not opened.
pub(super) fn list(
    reading: &Reading,
    format: Format,
    files: &[PathBuf],
    options: &ScanOptions,
) -> Result<Listed, DataError> {
    let named: Vec<(Option<String>, &PathBuf)> = files
        .iter()
        .map(|file| (part_of(&reading.relative(file), options), file))
        .collect();
    let found = named.iter().filter_map(|(part, _)| part.clone());
    let parts = Parts::new(&reading.root, found, options)?;
    let mut skipped = Vec::new();
    let mut used = Vec::new();
    for (part, file) in &named {
        match parts.of(part.as_deref()) {
            Some(split) => used.push((split, *file)),
            None if part.is_none() => skipped.push(SkippedFile {
                path: reading.relative(file),
                reason: "its name tells no part, but those of other files do".to_owned(),
                undecodable: false,
            }),
            None => {}
        }
    }
    let shards: Vec<Shard> = used
        .par_iter()
        .enumerate()
        .map(|(container, (_, file))| shard(format, file, container, reading))
        .collect::<Result<_, _>>()?;
    let (mut tables, mut containers, mut classes) = (Vec::new(), Vec::new(), None);
    for ((split, file), shard) in used.into_iter().zip(shards) {
        classes = classes.or(shard.classes);
        tables.push((split, shard.table));
        containers.push(Container {
            path: file.clone(),
            packing: shard.packing,
        });
    }
    let label = tables.first().map(|(_, table)| table.label_column.clone());
    let why = why(&containers, label.as_deref().unwrap_or_default());
    if classes.is_none() && format == Format::TfRecord {
        classes = label.and_then(|label| names_beside(files, &label));
    }
    Tables {
        path: &reading.root,
        format,
        why,
        parts,
        tables,
        containers,
        classes,
        skipped,
        dropped: Tally::default(),
    }
    .finish(options)
}

/// What the files were recognised by.
fn why(containers: &[Container], label: &str) -> String {
    let files = match containers {
        [only] => file_name(&only.path),
        [first, ..] => format!(
            "{} files such as {}",
            containers.len(),
            file_name(&first.path)
        ),
        [] => "no files".to_owned(),
    };
    let pictures = match containers.first().map(|container| &container.packing) {
        Some(Packing::Records { picture }) => format!(", pictures in `{picture}`"),
        _ => String::new(),
    };
    match label {
        // Every sample of a shard may have its label elsewhere.
        "" => files,
        label => format!("{files}{pictures}, labels in `{label}`"),
    }
}

fn shard(
    format: Format,
    file: &Path,
    container: usize,
    reading: &Reading,
) -> Result<Shard, DataError> {
    let mut classes = None;
    let (table, packing) = match format {
        Format::Parquet => {
            let (table, schema) = parquet::list(file, container, reading)?;
            classes = schema.classes;
            let leaf = schema.picture.leaf;
            (table, Packing::Parquet { leaf })
        }
        Format::TfRecord => {
            let at_most = ReadLimits::default().encoded_bytes();
            let (table, picture) = records::list(file, container, reading, at_most)?;
            (table, Packing::Records { picture })
        }
        _ => (
            webdataset::list(file, container, reading)?,
            Packing::Archive,
        ),
    };
    Ok(Shard {
        table,
        packing,
        classes,
    })
}

/// The part that a path names: the file itself, or else the nearest folder.
fn part_of(path: &str, options: &ScanOptions) -> Option<String> {
    path.rsplit('/')
        .find_map(|name| part_within(name, &options.split_map))
}

/// The names of the classes as TensorFlow Datasets writes them beside its files: `label.labels.txt`, a name in each line.
fn names_beside(files: &[PathBuf], label: &str) -> Option<Vec<String>> {
    const MOST: u64 = 1 << 20;
    let path = files.first()?.with_file_name(format!("{label}.labels.txt"));
    if std::fs::metadata(&path).ok()?.len() > MOST {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    let is_repeated = |(at, name): (usize, &String)| names[..at].contains(name);
    (!names.is_empty() && !names.iter().enumerate().any(is_repeated)).then_some(names)
}
