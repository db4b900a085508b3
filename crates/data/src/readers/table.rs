//! The rows of one file of labels, whatever its format.

use super::cell::Cell;
use super::dropped::Tally;
use super::flags::{Candidates, Flags};
use super::labels::{Labels, MAX_CLASSES};
use crate::catalogue::Location;
use crate::error::DataError;
use std::path::{Path, PathBuf};

/// How tables are read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The source.
    pub(crate) root: PathBuf,
    /// The column of labels that the user named.
    pub(crate) label: Option<String>,
}

impl Reading {
    /// A path relative to the source, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        crate::folder::relative(&self.root, path)
    }

    /// The name of an example in a container: its own one, or else its position.
    pub(crate) fn name_of(&self, path: &Path, name: Option<&str>, position: u64) -> String {
        let container = self.relative(path);
        match name {
            Some(name) => format!("{container}/{name}"),
            None => format!("{container}/{position}"),
        }
    }
}

/// A row that is used.
#[derive(Debug)]
pub(crate) struct Row {
    /// The number of its label in [`Table::labels`].
    pub(crate) label: u32,
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) flags: Flags,
}

/// The rows of one file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    /// All its columns, sorted; empty where every row may have its own.
    pub(crate) columns: Vec<String>,
    /// The column of labels.
    pub(crate) label_column: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) labels: Labels,
    /// Columns that may hold nothing but 0 and 1.
    pub(crate) candidates: Candidates,
    pub(crate) dropped: Tally,
}

impl Table {
    pub(crate) fn new(path: &Path, label_column: &str, columns: Vec<String>) -> Self {
        Self {
            path: path.to_owned(),
            columns,
            label_column: label_column.to_owned(),
            rows: Vec::new(),
            labels: Labels::default(),
            candidates: Candidates::default(),
            dropped: Tally::default(),
        }
    }

    /// Adds a row, or counts why it is left out.
    ///
    /// # Errors
    /// The labels are too many to be classes.
    pub(crate) fn push<'a>(
        &mut self,
        name: String,
        label: &Cell<'_>,
        location: Location,
        flags: impl Iterator<Item = (usize, &'a Cell<'a>)>,
    ) -> Result<(), DataError> {
        let label = match label.label() {
            Ok(label) => label,
            Err(reason) => {
                self.dropped.add(reason, &name);
                return Ok(());
            }
        };
        let Some(label) = self.labels.number(&label) else {
            return Err(DataError::TooManyClasses {
                path: self.path.clone(),
                column: self.label_column.clone(),
                most: MAX_CLASSES,
            });
        };
        let mut of_row = Flags::default();
        for (place, cell) in flags {
            self.candidates.note(place, cell, &mut of_row);
        }
        self.rows.push(Row {
            label,
            name,
            location,
            flags: of_row,
        });
        Ok(())
    }
}
