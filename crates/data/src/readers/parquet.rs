//! Parquet files: a column of encoded pictures (`image` as a struct of `bytes` and `path`, or bytes alone) and a column of
//! labels, in the layout of Hugging Face's data sets or any other without lists.

mod pages;
mod schema;

use super::cell::Cell;
use super::container::Visit;
use super::table::{Reading, Table};
use crate::catalogue::Location;
use crate::decode::guarded;
use crate::error::DataError;
use pages::{Column, Pages};
pub(crate) use schema::Schema;
use std::path::Path;

/// How many pictures are read at once.
const AT_ONCE: usize = 16;

/// Why pictures of some rows cannot be shown.
const NO_PICTURE: &str = "has no picture";

/// Lists the rows of the file at `path`: labels, names and 0/1 columns. The pictures are not read.
///
/// # Errors
/// The file is damaged, or has no column of pictures or labels.
pub(crate) fn list(
    path: &Path,
    container: usize,
    reading: &Reading,
) -> Result<(Table, Schema), DataError> {
    let damaged = |problem| DataError::broken(path, problem);
    let pages = guarded(|| Pages::open(path)).map_err(damaged)?;
    let schema = Schema::of(&pages, path, reading.label.as_deref())?;
    let mut table = Table::new(path, &schema.label.name, schema.columns());
    let places: Vec<(usize, Option<usize>)> = schema
        .flags
        .iter()
        .map(|column| (column.leaf, table.candidates.place(&column.name)))
        .collect();
    let mut position = 0;
    for group in 0..pages.groups() {
        let cells = |leaf| guarded(|| cells(&pages, group, leaf)).map_err(damaged);
        let labels = cells(schema.label.leaf)?;
        let names = schema.name.map(cells).transpose()?;
        let mut flags = Vec::new();
        for &(leaf, place) in &places {
            if let Some(place) = place {
                flags.push((place, cells(leaf)?));
            }
        }
        for (row, label) in labels.iter().enumerate() {
            let name = names.as_ref().and_then(|names| names.get(row)?.name());
            let name = reading.name_of(path, name.as_deref(), position);
            let location = Location::Packed {
                container,
                position,
            };
            let of_row = flags
                .iter()
                .map(|(place, cells)| (*place, cells.get(row).unwrap_or(&Cell::Missing)));
            table.push(name, label, location, of_row)?;
            position += 1;
        }
    }
    Ok((table, schema))
}

/// All values of a column in a group of rows.
fn cells(pages: &Pages, group: usize, leaf: usize) -> Result<Vec<Cell<'static>>, String> {
    let mut column = Column::open(pages, group, leaf)?;
    let mut cells = Vec::new();
    while column.next_cells(&mut cells)? > 0 {}
    match cells.len() == pages.rows(group) {
        true => Ok(cells),
        false => Err("a column has fewer values than rows".to_owned()),
    }
}

/// Shows every picture in order; no more than a page of them is in memory.
///
/// # Errors
/// The file is damaged.
pub(crate) fn walk(path: &Path, leaf: usize, visit: &mut Visit<'_>) -> Result<(), DataError> {
    let damaged = |problem| DataError::broken(path, problem);
    let pages = guarded(|| Pages::open(path)).map_err(damaged)?;
    let mut position = 0;
    let mut pictures = Vec::with_capacity(AT_ONCE);
    for group in 0..pages.groups() {
        let mut column = guarded(|| Column::open(&pages, group, leaf)).map_err(damaged)?;
        let mut left = pages.rows(group);
        while left > 0 {
            pictures.clear();
            let count = AT_ONCE.min(left);
            let found = guarded(|| column.next_pictures(count, &mut pictures)).map_err(damaged)?;
            if found == 0 {
                return Err(damaged("a column has fewer pictures than rows".to_owned()));
            }
            left -= found;
            for picture in &pictures {
                let bytes = picture.as_ref().map(|bytes| bytes.data());
                if visit(position, bytes.ok_or_else(|| NO_PICTURE.to_owned())).is_break() {
                    return Ok(());
                }
                position += 1;
            }
        }
    }
    Ok(())
}
