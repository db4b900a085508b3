//! From tables to parts and classes.

use super::container::Container;
use super::dropped::{Dropped, Tally};
use super::flags::Candidates;
use super::labels::{Classes, Labels, MAX_CLASSES, resolve};
use super::table::Table;
use super::{Format, Recognised};
use crate::catalogue::{Entry, ScanOptions, SkippedFile};
use crate::error::DataError;
use crate::split::{Split, joined};
use crate::split_map::assign;
use std::path::{Path, PathBuf};

/// What was found at a source, before missing parts are carved out of others.
pub(crate) struct Listed {
    /// Where, for messages.
    pub(crate) path: PathBuf,
    pub(crate) recognised: Recognised,
    pub(crate) classes: Vec<String>,
    /// The examples of each part that there is, with its name on disk. The name of the first is none where the source has
    /// no parts.
    pub(crate) train: (Option<String>, Vec<Entry>),
    pub(crate) validation: Option<(String, Vec<Entry>)>,
    pub(crate) test: Option<(String, Vec<Entry>)>,
    pub(crate) pretraining: Option<(String, Vec<Entry>)>,
    pub(crate) columns: Vec<String>,
    pub(crate) containers: Vec<Container>,
    pub(crate) skipped: Vec<SkippedFile>,
    pub(crate) dropped: Vec<Dropped>,
    /// Names of parts that are not used.
    pub(crate) unused: Vec<String>,
}

/// The names of the parts that are there, and what each is used for.
pub(super) struct Parts {
    pub(super) names: Vec<String>,
    uses: Vec<Option<Split>>,
}

impl Parts {
    /// # Errors
    /// What [`assign`] refuses.
    pub(super) fn new(
        path: &Path,
        found: impl Iterator<Item = String>,
        options: &ScanOptions,
    ) -> Result<Self, DataError> {
        let mut names: Vec<String> = found.collect();
        names.sort();
        names.dedup();
        let uses = match names.is_empty() && options.split_map.is_empty() {
            true => Vec::new(),
            false => assign(path, &names, &options.split_map)?,
        };
        Ok(Self { names, uses })
    }

    /// What a part is used for. Files of no part are everything there is, if no file has one.
    pub(super) fn of(&self, name: Option<&str>) -> Option<Split> {
        match name {
            None if self.names.is_empty() => Some(Split::Train),
            None => None,
            Some(name) => {
                let place = self.names.iter().position(|known| known == name)?;
                self.uses[place]
            }
        }
    }

    /// The names on disk of what is used for a part.
    fn name(&self, split: Split) -> Option<String> {
        let named = self.names.iter().zip(&self.uses);
        let used: Vec<&str> = named
            .filter(|(_, used)| **used == Some(split))
            .map(|(name, _)| name.as_str())
            .collect();
        (!used.is_empty()).then(|| joined(&used))
    }

    fn unused(&self) -> Vec<String> {
        let named = self.names.iter().zip(&self.uses);
        named
            .filter(|(_, used)| used.is_none())
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Tables with the part that each is used for, and what is known beside them.
pub(super) struct Tables<'a> {
    pub(super) path: &'a Path,
    pub(super) format: Format,
    pub(super) why: String,
    pub(super) parts: Parts,
    pub(super) tables: Vec<(Split, Table)>,
    pub(super) containers: Vec<Container>,
    /// The names of the classes, if the data says them.
    pub(super) classes: Option<Vec<String>>,
    pub(super) skipped: Vec<SkippedFile>,
    pub(super) dropped: Tally,
}

impl Tables<'_> {
    /// Puts the tables together.
    ///
    /// # Errors
    /// Tables of one part have other columns, no row is left, or the parts have other classes.
    pub(super) fn finish(mut self, options: &ScanOptions) -> Result<Listed, DataError> {
        self.tables.sort_by_key(|(split, _)| *split);
        self.check_columns()?;
        let (mut labels, mut candidates) = (Labels::default(), Candidates::default());
        let mut joined = Vec::with_capacity(self.tables.len());
        for (split, table) in self.tables {
            let places = candidates.join(&table.candidates);
            let numbers: Option<Vec<u32>> = table
                .labels
                .names()
                .iter()
                .map(|label| labels.number(label))
                .collect();
            let numbers = numbers.ok_or_else(|| DataError::TooManyClasses {
                path: self.path.to_owned(),
                column: table.label_column.clone(),
                most: MAX_CLASSES,
            })?;
            self.dropped.join(table.dropped);
            joined.push((split, table.rows, numbers, places));
        }
        let classes = resolve(
            self.path,
            labels.names(),
            &options.classes,
            self.classes.as_deref(),
        )?;
        let (columns, kept) = candidates.finish();
        let mut parts: [Vec<Entry>; Split::COUNT] = Default::default();
        for (split, rows, numbers, places) in joined {
            for row in rows {
                match classes.of[numbers[row.label as usize] as usize] {
                    Ok(class) => parts[split.index()].push(Entry {
                        class,
                        name: row.name,
                        location: row.location,
                        flags: row.flags.moved(&places).moved(&kept),
                    }),
                    Err(reason) => self.dropped.add(reason, &row.name),
                }
            }
        }
        let dropped = self.dropped.finish();
        check_classes(self.path, &self.parts, &classes, &parts, &dropped)?;
        let [train, validation, test, pretraining] = parts;
        let given = |split, entries| self.parts.name(split).map(|name| (name, entries));
        Ok(Listed {
            path: self.path.to_owned(),
            recognised: Recognised {
                format: self.format,
                why: self.why,
            },
            classes: classes.names,
            train: (self.parts.name(Split::Train), train),
            validation: given(Split::Validation, validation),
            test: given(Split::Test, test),
            pretraining: given(Split::Pretraining, pretraining),
            columns,
            containers: self.containers,
            skipped: self.skipped,
            dropped,
            unused: self.parts.unused(),
        })
    }

    /// Tables of one part must have the same columns, and all tables the same column of labels.
    fn check_columns(&self) -> Result<(), DataError> {
        let disagree = |first: &Table, other: &Table, only: String| DataError::ShardsDisagree {
            first: first.path.clone(),
            other: other.path.clone(),
            difference: only,
        };
        let mut last: Option<(Split, &Table)> = None;
        for (split, table) in &self.tables {
            if let Some((last_split, first)) = last {
                if first.label_column != table.label_column {
                    let difference = format!(
                        "the labels are in `{}` and in `{}`",
                        first.label_column, table.label_column
                    );
                    return Err(disagree(first, table, difference));
                }
                let missing = |a: &Table, b: &Table| {
                    let mut columns = a.columns.iter();
                    columns.find(|column| !b.columns.contains(column)).cloned()
                };
                if last_split == *split
                    && let Some(column) = missing(first, table).or_else(|| missing(table, first))
                {
                    return Err(disagree(first, table, format!("only one has `{column}`")));
                }
            }
            last = Some((*split, table));
        }
        Ok(())
    }
}

/// Every part must have examples of every class, and of no other.
fn check_classes(
    path: &Path,
    names: &Parts,
    classes: &Classes,
    parts: &[Vec<Entry>; Split::COUNT],
    dropped: &[Dropped],
) -> Result<(), DataError> {
    let has = |split: Split| {
        let mut has = vec![false; classes.names.len()];
        for entry in &parts[split.index()] {
            has[entry.class] = true;
        }
        has
    };
    let trained = has(Split::Train);
    let known: Vec<String> = classes
        .names
        .iter()
        .zip(&trained)
        .filter(|(_, trained)| **trained)
        .map(|(name, _)| name.clone())
        .collect();
    if known.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_owned(),
            dropped: dropped.to_vec(),
        });
    }
    for split in [Split::Validation, Split::Test, Split::Pretraining] {
        let Some(folder) = names.name(split) else {
            continue;
        };
        for ((class, here), trained) in classes.names.iter().zip(has(split)).zip(&trained) {
            let (folder, class, known) = (folder.clone(), class.clone(), known.clone());
            match (here, trained) {
                (true, false) => {
                    return Err(DataError::UnknownClass {
                        folder,
                        reference: names.name(Split::Train).unwrap_or_default(),
                        class,
                        known,
                    });
                }
                (false, true) => {
                    return Err(DataError::MissingClass {
                        folder,
                        class,
                        known,
                    });
                }
                _ => {}
            }
        }
    }
    if known.len() < 2 {
        return Err(DataError::TooFewLabels {
            path: path.to_owned(),
            found: known,
        });
    }
    Ok(())
}
