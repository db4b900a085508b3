//! What was found at a source, before anything is decoded.

use crate::carve::Unsplit;
use crate::error::DataError;
use crate::readers::{self, Container, Dropped, Flags, Format, Listed, Recognised};
use crate::source::Source;
use crate::split::{Split, SplitRule};
use crate::split_map::MappedSplit;
use crate::synthetic::SyntheticSpec;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a source is read where a guess may be wrong, and split where it brings no parts of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanOptions {
    /// Seed of the split.
    pub seed: u64,
    /// Share of each class for validation, where there is no validation folder.
    pub validation: f64,
    /// Share of each class for the test, where there is no test folder.
    pub test: f64,
    /// The column of labels (of a WebDataset also an extension), where it is not found by its name.
    pub label_column: Option<String>,
    /// What parts on disk are used for, where their names do not say it.
    pub split_map: Vec<MappedSplit>,
    /// The classes in their order: the names of the labels 0, 1 and so on, or those of the labels that are used. Empty for
    /// all labels under their own names.
    pub classes: Vec<String>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            validation: 0.15,
            test: 0.15,
            label_column: None,
            split_map: Vec::new(),
            classes: Vec::new(),
        }
    }
}

/// A file that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Path of the file, relative to the source.
    pub path: String,
    /// Why it is not used.
    pub reason: String,
    /// Whether it should have been a picture: these count towards the tolerated 5 %.
    pub undecodable: bool,
}

impl std::fmt::Display for SkippedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// How many examples of a class each part has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// The class.
    pub class: String,
    /// Examples in the training part.
    pub train: usize,
    /// Examples in the validation part.
    pub validation: usize,
    /// Examples in the test part.
    pub test: usize,
    /// Examples in the part for pretraining.
    pub pretraining: usize,
}

impl ClassCount {
    /// The counts of `classes` from the labels of the parts, in the order of [`Split::ALL`].
    pub(crate) fn table<'a>(
        classes: &[String],
        labels: [impl Iterator<Item = &'a usize>; Split::COUNT],
    ) -> Vec<ClassCount> {
        let mut counts = vec![[0; Split::COUNT]; classes.len()];
        for (part, labels) in labels.into_iter().enumerate() {
            for &label in labels {
                counts[label][part] += 1;
            }
        }
        classes
            .iter()
            .zip(counts)
            .map(
                |(class, [train, validation, test, pretraining])| ClassCount {
                    class: class.clone(),
                    train,
                    validation,
                    test,
                    pretraining,
                },
            )
            .collect()
    }
}

/// Where the pixels of an example come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Location {
    /// A file.
    File(PathBuf),
    /// A picture of the synthetic set: its number within its class, of the training or the test part.
    Drawn { test: bool, number: u64 },
    /// An example in a container: the container's index in the catalogue, and the ordinal of the example in it.
    Packed { container: usize, position: u64 },
}

/// One example, not yet decoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Index of the class.
    pub(crate) class: usize,
    /// Path relative to the source, with `/`.
    pub(crate) name: String,
    /// Where the pixels come from.
    pub(crate) location: Location,
    /// Its values of [`Catalogue::columns`].
    pub(crate) flags: Flags,
}

/// What was found at a source: classes, examples per part, how the parts were made, what was passed over.
#[derive(Debug, Clone)]
pub struct Catalogue {
    source: Source,
    classes: Vec<String>,
    parts: [Vec<Entry>; Split::COUNT],
    rule: SplitRule,
    recognised: Recognised,
    columns: Vec<String>,
    containers: Vec<Container>,
    skipped: Vec<SkippedFile>,
    dropped: Vec<Dropped>,
    unused: Vec<String>,
}

/// How often an extra column says what in a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnCount {
    /// The column.
    pub column: String,
    /// Examples of each part for which it is 1, in the order of [`Split::ALL`].
    pub ones: [usize; Split::COUNT],
    /// Examples for which it is 0.
    pub zeros: [usize; Split::COUNT],
}

impl ColumnCount {
    /// The counts of `columns` from what they say of the examples of the parts, in the order of [`Split::ALL`].
    pub(crate) fn table(
        columns: &[String],
        flags: [impl Iterator<Item = Flags>; Split::COUNT],
    ) -> Vec<ColumnCount> {
        let count = |column: &String| ColumnCount {
            column: column.clone(),
            ones: [0; Split::COUNT],
            zeros: [0; Split::COUNT],
        };
        let mut counts: Vec<ColumnCount> = columns.iter().map(count).collect();
        for (part, flags) in flags.into_iter().enumerate() {
            for flags in flags {
                for (column, count) in counts.iter_mut().enumerate() {
                    match flags.get(column) {
                        Some(true) => count.ones[part] += 1,
                        Some(false) => count.zeros[part] += 1,
                        None => {}
                    }
                }
            }
        }
        counts
    }
}

impl Catalogue {
    /// Where the examples come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The classes, sorted by name (numbers by value) or as the user named them; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of examples of a part, before decoding.
    pub fn len(&self, split: Split) -> usize {
        self.parts[split.index()].len()
    }

    /// Whether a part has no examples; of a catalogue made by [`scan`] that is only ever the one for pretraining.
    pub fn is_empty(&self, split: Split) -> bool {
        self.len(split) == 0
    }

    /// The number of examples of all parts.
    pub fn total(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// The examples of each class in each part, before decoding.
    pub fn counts(&self) -> Vec<ClassCount> {
        ClassCount::table(
            &self.classes,
            self.parts
                .each_ref()
                .map(|part| part.iter().map(|entry| &entry.class)),
        )
    }

    /// How the parts were made.
    pub fn rule(&self) -> &SplitRule {
        &self.rule
    }

    /// Files that are no pictures.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.skipped
    }

    /// What the source was recognised as.
    pub fn recognised(&self) -> &Recognised {
        &self.recognised
    }

    /// Rows and members that are not used, by reason.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// Names of parts on disk that are not used.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    /// The extra columns that hold nothing but 0, 1 and missing values.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How often the extra columns are 1 and 0; for the other examples they are missing.
    pub fn column_counts(&self) -> Vec<ColumnCount> {
        let flags = self.parts.each_ref();
        ColumnCount::table(
            &self.columns,
            flags.map(|part| part.iter().map(|entry| entry.flags)),
        )
    }

    /// The files that hold examples of [`Location::Packed`].
    pub(crate) fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// The names of the examples of a part: paths relative to the source, with `/`.
    pub fn names(&self, split: Split) -> impl Iterator<Item = &str> {
        self.parts[split.index()]
            .iter()
            .map(|entry| entry.name.as_str())
    }

    /// The examples of a part.
    pub(crate) fn entries(&self, split: Split) -> &[Entry] {
        &self.parts[split.index()]
    }

    /// The folder of the source, for messages.
    pub(crate) fn root(&self) -> PathBuf {
        match &self.source {
            Source::Folder(path) => path.clone(),
            Source::Synthetic(_) => PathBuf::from(self.source.to_string()),
        }
    }
}

/// Lists the examples of a source and splits them. Decodes no picture; of files that hold many pictures only labels are
/// kept.
///
/// # Errors
/// The source is missing, unreadable, damaged or not recognised; there are fewer than two classes, a class is empty or too
/// small to be split, or the parts do not have the same classes; an option is out of range.
pub fn scan(source: &Source, options: &ScanOptions) -> Result<Catalogue, DataError> {
    check_options(options)?;
    let listed = match source {
        Source::Folder(path) => readers::list(path, options)?,
        Source::Synthetic(spec) => list_synthetic(source, spec, options)?,
    };
    let (from, train) = listed.train;
    let mut unsplit = Unsplit {
        path: listed.path,
        classes: listed.classes,
        from,
        train,
        validation: listed.validation,
        test: listed.test,
        pretraining: listed.pretraining,
    };
    let (parts, rule) = unsplit.split(options)?;
    Ok(Catalogue {
        source: source.clone(),
        classes: unsplit.classes,
        parts,
        rule,
        recognised: listed.recognised,
        columns: listed.columns,
        containers: listed.containers,
        skipped: listed.skipped,
        dropped: listed.dropped,
        unused: listed.unused,
    })
}

fn check_options(options: &ScanOptions) -> Result<(), DataError> {
    for (option, share) in [
        ("the validation share", options.validation),
        ("the test share", options.test),
    ] {
        if !(share > 0.0 && share <= 0.45) {
            return Err(DataError::BadOption {
                option,
                found: share.to_string(),
                expected: "a share above 0 and at most 0.45".to_owned(),
            });
        }
    }
    Ok(())
}

fn list_synthetic(
    source: &Source,
    spec: &SyntheticSpec,
    options: &ScanOptions,
) -> Result<Listed, DataError> {
    spec.check()?;
    let is_told = options.label_column.is_some()
        || !options.split_map.is_empty()
        || !options.classes.is_empty();
    if is_told {
        return Err(DataError::BadOption {
            option: "--label-column, --split-map or --classes",
            found: "given".to_owned(),
            expected: "a source on disk; the built-in set knows its own".to_owned(),
        });
    }
    let classes = spec.class_names();
    let entries = |test: bool| -> Vec<Entry> {
        classes
            .iter()
            .enumerate()
            .flat_map(|(class, name)| {
                (0..spec.count(class, test)).map(move |number| Entry {
                    class,
                    name: spec.file_name(name, test, number),
                    location: Location::Drawn { test, number },
                    flags: Flags::default(),
                })
            })
            .collect()
    };
    Ok(Listed {
        path: PathBuf::from(source.to_string()),
        recognised: Recognised {
            format: Format::Synthetic,
            why: "its name".to_owned(),
        },
        train: (Some("train".to_owned()), entries(false)),
        validation: None,
        test: Some(("test".to_owned(), entries(true))),
        pretraining: None,
        columns: Vec::new(),
        containers: Vec::new(),
        skipped: Vec::new(),
        dropped: Vec::new(),
        unused: Vec::new(),
        classes,
    })
}
