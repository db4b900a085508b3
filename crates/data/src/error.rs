//! What can go wrong between a folder of pictures and a batch of pixels.

mod words;

use crate::catalogue::SkippedFile;
use crate::readers::Dropped;
use crate::split::Split;
use std::path::{Path, PathBuf};
use words::{first_few, found_classes, lines, list};

/// An error of this room. [`DataError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The source does not exist.
    #[error("there is no folder {}", path.display())]
    MissingFolder {
        /// What was asked for.
        path: PathBuf,
    },
    /// The source is not a folder.
    #[error("{} is a file; expected a folder of pictures", path.display())]
    NotAFolder {
        /// What was asked for.
        path: PathBuf,
    },
    /// A folder could not be listed.
    #[error("cannot read the folder {}: {source}", path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A picture could not be encoded.
    #[error("cannot encode {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// The folder that is to be written already holds something.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Fewer than two classes.
    #[error("found {} in {}, and no files of another layout; expected at least two class folders", found_classes(found), path.display())]
    TooFewClasses {
        /// The folder whose subfolders are the classes.
        path: PathBuf,
        /// The classes that were found.
        found: Vec<String>,
    },
    /// Labels of fewer than two classes.
    #[error("the labels in {} are of {}; expected at least two classes", path.display(),
        if found.is_empty() { "no class".to_owned() } else { format!("the class {} alone", list(found)) })]
    TooFewLabels {
        /// The source.
        path: PathBuf,
        /// The classes that were found.
        found: Vec<String>,
    },
    /// More labels than there can be classes.
    #[error("`{column}` has more than {most} different values in {}; expected one for each class", path.display())]
    TooManyClasses {
        /// The file or source.
        path: PathBuf,
        /// The column that was taken for that of labels.
        column: String,
        /// How many are understood.
        most: usize,
    },
    /// A class that the user named is not there.
    #[error("no example in {} has the label `{class}`; there are {}", path.display(), list(found))]
    NoSuchClass {
        /// The source.
        path: PathBuf,
        /// The class.
        class: String,
        /// The labels that there are.
        found: Vec<String>,
    },
    /// Two names claim to be the same part.
    #[error("{} has both `{first}` and `{second}`; expected one {split} part", path.display())]
    AmbiguousSplit {
        /// The source.
        path: PathBuf,
        /// The part.
        split: Split,
        /// One of the names.
        first: String,
        /// The other.
        second: String,
    },
    /// A part that the user named is not there.
    #[error("{} has no part `{name}`; it has {}", path.display(),
        if found.is_empty() { "no parts".to_owned() } else { list(found) })]
    UnknownSplit {
        /// The source.
        path: PathBuf,
        /// What the user named.
        name: String,
        /// The parts that there are.
        found: Vec<String>,
    },
    /// A part that the user named is to be used for two things.
    #[error("`{name}` cannot be used twice, for {first} and {second}")]
    SplitUsedTwice {
        /// What the user named.
        name: String,
        /// One use.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// No part is for training.
    #[error("{} has no part to train on, but {}", path.display(), list(found))]
    NoTrainingPart {
        /// The source.
        path: PathBuf,
        /// The parts that there are.
        found: Vec<String>,
    },
    /// No column of labels.
    #[error("{} has no column of labels{}; it has {}", path.display(),
        column.as_ref().map(|column| format!(" `{column}`")).unwrap_or_default(),
        if found.is_empty() { "none at all".to_owned() } else { list(found) })]
    NoLabelColumn {
        /// The file.
        path: PathBuf,
        /// The column that the user named.
        column: Option<String>,
        /// The columns that could be.
        found: Vec<String>,
    },
    /// No column of pictures.
    #[error("{} has no column of pictures; it has {}", path.display(), list(found))]
    NoPictureColumn {
        /// The file.
        path: PathBuf,
        /// Its columns.
        found: Vec<String>,
    },
    /// Files that belong together have other columns.
    #[error("{} and {} do not belong together: {difference}", first.display(), other.display())]
    ShardsDisagree {
        /// A file.
        first: PathBuf,
        /// Another one.
        other: PathBuf,
        /// In what they differ.
        difference: String,
    },
    /// Nothing of a source can be used.
    #[error("no example in {} can be used{}", path.display(), lines(dropped))]
    NoExamples {
        /// The source.
        path: PathBuf,
        /// What was left out.
        dropped: Vec<Dropped>,
    },
    /// A file that holds examples cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadContainer {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that holds examples is damaged.
    #[error("{} {problem}", path.display())]
    BrokenContainer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A compressed file expands beyond what pictures can.
    #[error("{} expands from {} kB to more than {} MiB; pictures do not", path.display(), compressed / 1000, expanded >> 20)]
    Bomb {
        /// The file.
        path: PathBuf,
        /// Bytes that were read of it.
        compressed: u64,
        /// Bytes that they expanded to.
        expanded: u64,
    },
    /// A class has no pictures.
    #[error("class `{class}` has no {} in {}; found {files} {}",
        if *undecodable { "decodable pictures" } else { "pictures" }, path.display(),
        if *undecodable { "that could not be decoded" } else { "other files" })]
    EmptyClass {
        /// The class.
        class: String,
        /// Where pictures were expected.
        path: PathBuf,
        /// How many files were found that are no pictures, or could not be decoded.
        files: usize,
        /// Whether there were pictures, none of which could be decoded.
        undecodable: bool,
    },
    /// A part has a class that the training part does not have.
    #[error(
        "`{folder}` has the class `{class}`, which `{reference}` does not have (it has {})",
        list(known)
    )]
    UnknownClass {
        /// The part that has too much.
        folder: String,
        /// The part that defines the classes.
        reference: String,
        /// The class.
        class: String,
        /// The classes of the reference.
        known: Vec<String>,
    },
    /// A part has nothing of a class of the training part.
    #[error(
        "`{folder}` has nothing of the class `{class}`; expected examples of each of {}",
        list(known)
    )]
    MissingClass {
        /// The part that has too little.
        folder: String,
        /// The class.
        class: String,
        /// The classes of the reference.
        known: Vec<String>,
    },
    /// A class is too small to be split.
    #[error("class `{class}` has {found} pictures in {}; expected at least {expected} so that every part gets one", path.display())]
    TooFewPictures {
        /// The class.
        class: String,
        /// Where.
        path: PathBuf,
        /// How many there are.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// Too many files could not be decoded.
    #[error("{} of {total} files could not be decoded ({:.1} %; at most {:.0} % are tolerated):{}",
        skipped.len(), 100.0 * skipped.len() as f64 / *total as f64, tolerated * 100.0, first_few(skipped))]
    TooManyUndecodable {
        /// The files, with reasons.
        skipped: Vec<SkippedFile>,
        /// How many were tried.
        total: usize,
        /// The tolerated share.
        tolerated: f64,
    },
    /// The pictures would not fit into memory.
    #[error("{pictures} pictures at {finest} pixels need {} MiB of memory; at most {} MiB are allowed", needed >> 20, allowed >> 20)]
    TooMuchMemory {
        /// How many pictures.
        pictures: usize,
        /// The shorter side at which they would be kept.
        finest: usize,
        /// Bytes needed, with what decoding takes on top.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// A file of a prepared folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadPrepared {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of a prepared folder is not what was written.
    #[error("{} {problem}", path.display())]
    DamagedPrepared {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A folder was prepared from something else, or in another way.
    #[error("{} was prepared otherwise: {difference}", path.display())]
    PreparedOtherwise {
        /// The folder.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A folder is not prepared to the end.
    #[error("the preparation of {} is not finished", path.display())]
    NotPrepared {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is preparing a folder.
    #[error("{} is being prepared by another process", path.display())]
    BusyPreparing {
        /// The folder.
        path: PathBuf,
    },
    /// The disk has no room for the prepared pictures.
    #[error("{pictures} pictures at {finest} pixels need about {} MiB on disk; {} has {} MiB free", needed >> 20, path.display(), free >> 20)]
    DiskTooSmall {
        /// The folder.
        path: PathBuf,
        /// How many pictures.
        pictures: usize,
        /// The shorter side at which they would be kept.
        finest: usize,
        /// Bytes needed, as foretold.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// Preparing was stopped on request.
    #[error("what is prepared so far is kept in {}", path.display())]
    Stopped {
        /// The folder.
        path: PathBuf,
    },
    /// Pictures were prepared too coarsely for what is asked of them.
    #[error("{} holds pictures reduced to {finest} pixels; {needed} are needed", path.display())]
    TooCoarse {
        /// The folder.
        path: PathBuf,
        /// The shorter side at which they were kept.
        finest: usize,
        /// The shorter side that is needed.
        needed: usize,
    },
    /// An option is out of its range.
    #[error("{option} is {found}; expected {expected}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What it is.
        found: String,
        /// What it can be.
        expected: String,
    },
    /// The description of a synthetic set is not understood.
    #[error("synthetic set `{text}`: {problem}")]
    BadSynthetic {
        /// What was written.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A preprocessing file is not understood.
    #[error("not a preprocessing file of this version: {problem}")]
    BadPreprocessing {
        /// What is wrong with it.
        problem: String,
    },
}

impl DataError {
    /// That `path`, which holds examples, is damaged.
    pub(crate) fn broken(path: &Path, problem: String) -> Self {
        DataError::BrokenContainer {
            path: path.to_owned(),
            problem,
        }
    }

    /// What went wrong with reading `path`, which holds examples: the system's own errors are not the file's.
    pub(crate) fn of_container(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        if source.raw_os_error().is_some() {
            return DataError::ReadContainer { path, source };
        }
        let problem = match source.kind() {
            std::io::ErrorKind::UnexpectedEof => "is cut off".to_owned(),
            _ => format!("is damaged: {source}"),
        };
        DataError::BrokenContainer { path, problem }
    }

    /// That `path` has no column of labels, or not the one that was named.
    pub(crate) fn no_label(path: &Path, column: Option<&str>, found: &[&str]) -> Self {
        DataError::NoLabelColumn {
            path: path.to_owned(),
            column: column.map(str::to_owned),
            found: found.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// What a person can do about it, as one sentence, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        const LAYOUT: &str = "put the pictures into folder/<class>/*, or into folder/train/<class>/* with optional val/ and test/";
        let text = match self {
            DataError::MissingFolder { .. } => {
                "check the spelling; `synthetic:objects` is a built-in set that needs no folder"
            }
            DataError::NotAFolder { .. } | DataError::TooFewClasses { .. } => LAYOUT,
            DataError::ReadFolder { .. } => "check that you may read and enter the folder",
            DataError::Write { .. } => {
                "check that the folder exists, is writable and has space left"
            }
            DataError::NotEmpty { .. } => "give a folder that does not exist yet, or an empty one",
            DataError::AmbiguousSplit { .. } => {
                "keep one of them, or say which with --split-map NAME=validation"
            }
            DataError::UnknownSplit { .. }
            | DataError::SplitUsedTwice { .. }
            | DataError::NoTrainingPart { .. } => {
                "say what parts are for with --split-map NAME=train,OTHER=test; `unused` leaves one out, and --split NAME and \
                 --pretrain-split NAME are short for NAME=train and NAME=pretraining"
            }
            DataError::TooFewLabels { .. }
            | DataError::TooManyClasses { .. }
            | DataError::NoLabelColumn { .. } => {
                "name the column of labels with --label-column NAME"
            }
            DataError::NoSuchClass { .. } => {
                "--classes takes labels that are there, or names for the labels 0, 1, ..."
            }
            DataError::NoPictureColumn { .. } => {
                "pictures have to be encoded (JPEG, PNG, BMP or WebP) in a column of bytes or of {bytes, path}"
            }
            DataError::ShardsDisagree { .. } => {
                "move files that do not belong together into folders of their own"
            }
            DataError::NoExamples { .. } => {
                "check that the pictures lie beside the list, and that the labels are those of classes"
            }
            DataError::ReadContainer { .. } => "check that you may read the file",
            DataError::BrokenContainer { .. } => "get the file again, or move it out of the folder",
            DataError::Bomb { .. } => {
                "unpack it by other means if you trust it, and give the folder"
            }
            DataError::EmptyClass { .. } => {
                "add JPEG, PNG, BMP or WebP pictures of the class, or remove its folder"
            }
            DataError::UnknownClass { .. } | DataError::MissingClass { .. } => {
                "every part needs the same classes; a part that is left out (--split-map NAME=unused) is carved out of the training part instead"
            }
            DataError::TooFewPictures { .. } => "add pictures of the class, or remove its folder",
            DataError::TooManyUndecodable { .. } => {
                "remove or convert these files; JPEG, PNG, BMP and WebP are understood"
            }
            DataError::TooMuchMemory { .. } => {
                "choose smaller resolutions, allow more memory, or prepare the pictures once: danas prepare DATA --out FOLDER"
            }
            DataError::BadSynthetic { .. } => {
                "for example synthetic:objects,size=96,train=2400,test=600,classes=8,seed=1,difficulty=0.5"
            }
            DataError::ReadPrepared { .. } => {
                "check that you may read it, and that it is still there"
            }
            DataError::DamagedPrepared { .. } => {
                "delete the prepared folder and make it again with `danas prepare`; the source is untouched"
            }
            DataError::PreparedOtherwise { .. } => {
                "choose another folder, or delete this one so that it is made anew"
            }
            DataError::NotPrepared { .. } => "the `danas prepare` that began it continues it",
            DataError::Stopped { .. } => "the same command continues it",
            DataError::BusyPreparing { .. } => "wait for it, or stop it",
            DataError::DiskTooSmall { .. } => {
                "choose smaller resolutions, or a folder on a larger disk"
            }
            DataError::TooCoarse { .. } => {
                "choose smaller resolutions, or prepare the source again for these: danas prepare DATA --resolutions ..."
            }
            DataError::BadPreprocessing { .. } => {
                "use the preprocessing.toml that was written beside the model"
            }
            DataError::Encode { .. } | DataError::BadOption { .. } => return None,
        };
        Some(text.to_owned())
    }
}
