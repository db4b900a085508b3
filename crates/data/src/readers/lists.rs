//! Lists beside pictures: files of a folder, or members of archives.

use super::Format;
use super::csv_list::{self, Header};
use super::discover::file_name;
use super::dropped::Tally;
use super::listing::{Listed, Parts, Tables};
use super::pictures::Pictures;
use super::table::{Reading, Table};
use crate::catalogue::{ScanOptions, SkippedFile};
use crate::error::DataError;
use crate::split::Split;
use crate::split_map::part_within;
use std::path::PathBuf;

/// Lists the pictures that lists name. A list's part is told by its name, a row's by its column `split`.
pub(super) fn list(
    reading: Reading,
    files: &[(PathBuf, Header)],
    archives: &[PathBuf],
    options: &ScanOptions,
) -> Result<Listed, DataError> {
    let map = &options.split_map;
    let mut dropped = Tally::default();
    let mut pictures = Pictures::of_folder(&reading, map)?;
    let mut containers = Vec::new();
    let mut format = Format::CsvList;
    if pictures.len() == 0 && !archives.is_empty() {
        (pictures, containers) = Pictures::of_archives(&reading, archives, map, &mut dropped)?;
        format = Format::CsvArchives;
    }
    let mut lists: Vec<(Option<String>, &(PathBuf, Header))> = files
        .iter()
        .map(|file| (part_within(&file_name(&file.0), map), file))
        .collect();
    let names = lists.iter().filter_map(|(part, _)| part.clone());
    let has_columns = files.iter().any(|(_, header)| header.split.is_some());
    let by_name = match has_columns {
        true => None,
        false => Some(Parts::new(&reading.root, names, options)?),
    };
    let mut skipped = Vec::new();
    if let Some(parts) = &by_name {
        lists.retain(|(part, (path, _))| {
            let is_used = parts.of(part.as_deref()).is_some();
            if !is_used && part.is_none() {
                skipped.push(SkippedFile {
                    path: reading.relative(path),
                    reason: "its name tells no part, but those of other lists do".to_owned(),
                    undecodable: false,
                });
            }
            is_used
        });
        // A picture that several lists name belongs to the first of them.
        lists.sort_by_key(|(part, _)| parts.of(part.as_deref()).map(Split::claim));
    }
    let mut found: Vec<(Option<String>, Table)> = Vec::new();
    for (part, (path, header)) in lists {
        let part = part.as_deref();
        found.extend(csv_list::list(path, header, part, &mut pictures, &reading)?);
    }
    let parts = match by_name {
        Some(parts) => parts,
        None => {
            let names = found.iter().filter_map(|(part, _)| part.clone());
            Parts::new(&reading.root, names, options)?
        }
    };
    let mut tables: Vec<(Split, Table)> = Vec::new();
    for (part, table) in found {
        match parts.of(part.as_deref()) {
            Some(split) => tables.push((split, table)),
            None if part.is_none() => {
                for row in &table.rows {
                    dropped.add("a row that tells no part, but other rows do", &row.name);
                }
                dropped.join(table.dropped);
            }
            None => {}
        }
    }
    let (path, header) = &files[0];
    let why = format!(
        "{} has file names in `{}` and labels in `{}`; {} pictures are {}",
        file_name(path),
        header.name_column(),
        header.label_column(),
        pictures.len(),
        match format {
            Format::CsvArchives => format!("in {} archives beside it", containers.len()),
            _ => "in the folder".to_owned(),
        }
    );
    Tables {
        path: &reading.root,
        format,
        why,
        parts,
        tables,
        containers,
        classes: None,
        skipped,
        dropped,
    }
    .finish(options)
}
