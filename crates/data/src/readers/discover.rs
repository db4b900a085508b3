//! Which layout a folder has.

use super::Format;
use super::csv_list::Header;
use crate::catalogue::ScanOptions;
use crate::error::DataError;
use crate::folder::{check_folder, is_hidden, is_picture_name};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How deep files with examples are looked for.
const MAX_DEPTH: usize = 3;

/// How many entries of a folder below the source are looked at before it is taken for one without such files.
const PEEK: usize = 256;

/// A layout with its files.
pub(super) enum Layout {
    ClassFolders,
    /// Lists with their headers, and the archives beside them.
    Lists {
        files: Vec<(PathBuf, Header)>,
        archives: Vec<PathBuf>,
    },
    /// Files that hold pictures and labels.
    Shards {
        format: Format,
        files: Vec<PathBuf>,
    },
}

/// What a file holds by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Csv,
    Archive,
    Parquet,
    TfRecord,
}

/// What the name of a file says that it holds.
pub(super) fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&[".csv", ".tsv"]) {
        Some(Kind::Csv)
    } else if ends(&[".tar", ".tar.gz", ".tgz"]) {
        Some(Kind::Archive)
    } else if ends(&[".parquet"]) {
        Some(Kind::Parquet)
    } else if name.contains(".tfrecord") || ends(&[".tfrec"]) {
        Some(Kind::TfRecord)
    } else {
        None
    }
}

/// The folder of a source that may be a file.
pub(super) fn root(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if path.is_file() && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if path.is_file() => parent.to_owned(),
        _ => path.to_owned(),
    }
}

/// Finds out the layout of a folder, or of one file.
///
/// # Errors
/// There is nothing, or it cannot be read.
pub(super) fn layout(path: &Path, options: &ScanOptions) -> Result<Layout, DataError> {
    let mut found = Found::default();
    let is_one_file = path.is_file() && kind(path).is_some();
    if is_one_file {
        found.files.push(path.to_owned());
    } else {
        check_folder(path)?;
        found.look(path, 0)?;
        found.files.sort();
    }
    let of = |wanted| -> Vec<PathBuf> {
        let files = found.files.iter();
        files
            .filter(|file| kind(file) == Some(wanted))
            .cloned()
            .collect()
    };
    let label = options.label_column.as_deref();
    let lists: Vec<(PathBuf, Header)> = of(Kind::Csv)
        .into_iter()
        .filter_map(|file| Header::read(&file, label).map(|header| (file, header)))
        .collect();
    if !lists.is_empty() {
        let mut archives = of(Kind::Archive);
        if is_one_file {
            let mut beside = Found::default();
            beside.look(&root(path), 0)?;
            beside
                .files
                .retain(|file| kind(file) == Some(Kind::Archive));
            beside.files.sort();
            archives = beside.files;
        }
        return Ok(Layout::Lists {
            files: lists,
            archives,
        });
    }
    // Archives that class folders were unpacked from often lie beside them.
    if found.picture_folders < 2 {
        for (wanted, format) in [
            (Kind::Parquet, Format::Parquet),
            (Kind::TfRecord, Format::TfRecord),
            (Kind::Archive, Format::WebDataset),
        ] {
            let files = of(wanted);
            if !files.is_empty() {
                return Ok(Layout::Shards { format, files });
            }
        }
    }
    Ok(Layout::ClassFolders)
}

/// What lies in a folder and below.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// Folders below the source that hold pictures themselves.
    picture_folders: usize,
}

impl Found {
    /// Looks into a folder. Below the source folders may hold millions of pictures: of these only some entries are seen.
    fn look(&mut self, folder: &Path, depth: usize) -> Result<(), DataError> {
        let failed = |source| DataError::ReadFolder {
            path: folder.to_owned(),
            source,
        };
        let before = self.files.len();
        let mut folders = Vec::new();
        let mut has_pictures = false;
        for (seen, entry) in std::fs::read_dir(folder).map_err(failed)?.enumerate() {
            if depth > 0 && seen > PEEK && self.files.len() == before {
                break;
            }
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_hidden(&name) {
                continue;
            }
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) || is_link && path.is_dir() {
                folders.push(path);
            } else if kind(&path).is_some() {
                self.files.push(path);
            } else if !has_pictures {
                has_pictures = is_picture_name(&name);
            }
        }
        if depth > 0 && has_pictures {
            self.picture_folders += 1;
        }
        if depth < MAX_DEPTH {
            folders.sort();
            for folder in folders {
                self.look(&folder, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// The name of a file, for messages.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let kind = |name: &str| kind(Path::new(name));
        assert_eq!(
            kind("x/wake_vision-test.tfrecord-00000-of-00002"),
            Some(Kind::TfRecord)
        );
        assert_eq!(kind("train-000.TAR.GZ"), Some(Kind::Archive));
        assert_eq!(kind("a.parquet"), Some(Kind::Parquet));
        assert_eq!(kind("labels.tsv"), Some(Kind::Csv));
        assert_eq!(kind("model.tflite"), None);
        assert_eq!(kind(".."), None);
    }
}
