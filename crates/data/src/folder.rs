//! The layout of a folder of pictures: which subfolders are parts, which are classes, which files are pictures.

use crate::catalogue::{Entry, Location, ScanOptions, SkippedFile};
use crate::error::DataError;
use crate::readers::{Flags, Format, Listed, Recognised, Tally, resolve};
use crate::split::{Split, joined};
use crate::split_map::{MappedSplit, assign, is_part, may_train};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Extensions of the pictures that are decoded.
const PICTURES: [&str; 8] = ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "dib", "webp"];

/// Extensions of pictures that are not decoded: these are named as undecodable rather than passed over.
const FOREIGN_PICTURES: [&str; 14] = [
    "gif", "tif", "tiff", "heic", "heif", "avif", "jp2", "jxl", "ppm", "pgm", "tga", "ico", "svg",
    "dng",
];

/// How deep class folders may be nested.
const MAX_DEPTH: usize = 32;

/// The pictures of one class.
struct Found {
    /// Name of the class.
    name: String,
    /// Path relative to the source (with `/`) and path of each file that should be a picture, sorted.
    pictures: Vec<(String, PathBuf)>,
    /// Files that are no pictures.
    skipped: Vec<SkippedFile>,
}

/// A folder of class folders.
struct Part {
    /// Its name; none where it is the source itself.
    folder: Option<String>,
    /// Its path.
    path: PathBuf,
    /// Its classes, sorted by name.
    classes: Vec<Found>,
}

/// A source folder.
struct Layout {
    /// The parts that there are, at least that for training (or all there is), each of the folders that make it up.
    parts: [Vec<Part>; Split::COUNT],
    /// Files and folders outside the class folders.
    skipped: Vec<SkippedFile>,
    /// Names of parts that are not used.
    unused: Vec<String>,
}

/// Lists the pictures in the class folders of `root`.
pub(crate) fn list(root: &Path, options: &ScanOptions) -> Result<Listed, DataError> {
    if let Some(column) = &options.label_column {
        return Err(DataError::BadOption {
            option: "--label-column",
            found: format!("`{column}`"),
            expected: format!(
                "a source with columns; in {} there are class folders, or nothing that is understood",
                root.display()
            ),
        });
    }
    let layout = read(root, &options.split_map)?;
    let main = &layout.parts[Split::Train.index()][0];
    let labels: Vec<String> = main
        .classes
        .iter()
        .map(|class| class.name.clone())
        .collect();
    if labels.len() < 2 {
        return Err(DataError::TooFewClasses {
            path: main.path.clone(),
            found: labels,
        });
    }
    for given in layout.parts.iter().flatten().skip(1) {
        check_same_classes(main, given)?;
    }
    let why = match &main.folder {
        None => format!("folders with pictures, {}", few(&labels)),
        Some(part) => format!("folders with pictures in {part}/, {}", few(&labels)),
    };
    let classes = resolve(root, &labels, &options.classes, None)?;
    let mut skipped = layout.skipped;
    let mut dropped = Tally::default();
    let mut parts = Vec::new();
    for given in layout.parts {
        let mut entries = Vec::new();
        let names: Vec<&str> = given
            .iter()
            .filter_map(|part| part.folder.as_deref())
            .collect();
        let name = (!names.is_empty()).then(|| joined(&names));
        for part in given {
            for (found, class) in part.classes.into_iter().zip(&classes.of) {
                check_not_empty(&part.path, &found)?;
                skipped.extend(found.skipped);
                for (name, file) in found.pictures {
                    match *class {
                        Ok(class) => entries.push(Entry {
                            class,
                            name,
                            location: Location::File(file),
                            flags: Flags::default(),
                        }),
                        Err(reason) => dropped.add(reason, &name),
                    }
                }
            }
        }
        parts.push((name, entries));
    }
    let mut parts = parts.into_iter();
    let mut next = || parts.next().unwrap_or_default();
    let train = next();
    let mut given = || {
        let (name, entries) = next();
        name.map(|name| (name, entries))
    };
    Ok(Listed {
        path: root.to_owned(),
        recognised: Recognised {
            format: Format::ClassFolders,
            why,
        },
        classes: classes.names,
        train,
        validation: given(),
        test: given(),
        pretraining: given(),
        columns: Vec::new(),
        containers: Vec::new(),
        skipped,
        dropped: dropped.finish(),
        unused: layout.unused,
    })
}

/// The first few names, and how many more there are.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn check_same_classes(main: &Part, given: &Part) -> Result<(), DataError> {
    let names =
        |part: &Part| -> Vec<String> { part.classes.iter().map(|c| c.name.clone()).collect() };
    let (known, has) = (names(main), names(given));
    let folder = given.folder.clone().unwrap_or_default();
    if let Some(class) = has.iter().find(|name| !known.contains(name)) {
        return Err(DataError::UnknownClass {
            folder,
            reference: main.folder.clone().unwrap_or_default(),
            class: class.clone(),
            known,
        });
    }
    if let Some(class) = known.iter().find(|name| !has.contains(name)) {
        return Err(DataError::MissingClass {
            folder,
            class: class.clone(),
            known,
        });
    }
    Ok(())
}

fn check_not_empty(path: &Path, found: &Found) -> Result<(), DataError> {
    if found.pictures.is_empty() {
        return Err(DataError::EmptyClass {
            class: found.name.clone(),
            path: path.join(&found.name),
            files: found.skipped.len(),
            undecodable: false,
        });
    }
    Ok(())
}

/// Whether there is a folder at `root`.
///
/// # Errors
/// There is none, or it cannot be looked at.
pub(crate) fn check_folder(root: &Path) -> Result<(), DataError> {
    match std::fs::metadata(root) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(DataError::MissingFolder {
                path: root.to_owned(),
            })
        }
        Err(source) => Err(DataError::ReadFolder {
            path: root.to_owned(),
            source,
        }),
        Ok(found) if !found.is_dir() => Err(DataError::NotAFolder {
            path: root.to_owned(),
        }),
        Ok(_) => Ok(()),
    }
}

/// Reads the layout of the folder `root`.
fn read(root: &Path, map: &[MappedSplit]) -> Result<Layout, DataError> {
    let top = listing(root)?;
    let mut skipped = Vec::new();
    if !has_parts(&top, map)? {
        let main = part(root, root, None, &mut skipped)?;
        return Ok(Layout {
            parts: [vec![main], Vec::new(), Vec::new(), Vec::new()],
            skipped,
            unused: Vec::new(),
        });
    }
    let (named, others): (Vec<_>, Vec<_>) =
        (top.folders.into_iter()).partition(|(name, _)| is_part(name, map));
    let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
    let mut parts: [Vec<Part>; Split::COUNT] = Default::default();
    let mut unused = Vec::new();
    for ((name, path), split) in named.iter().zip(assign(root, &names, map)?) {
        match split {
            Some(split) => {
                parts[split.index()].push(part(root, path, Some(name), &mut skipped)?);
            }
            None => unused.push(name.clone()),
        }
    }
    for (_, path) in &others {
        skipped.push(not_used(
            root,
            path,
            "neither train/, a validation folder nor test/",
        ));
    }
    for (_, path) in &top.files {
        skipped.push(not_used(root, path, "outside the class folders"));
    }
    Ok(Layout {
        parts,
        skipped,
        unused,
    })
}

/// Whether folders are parts. The user may say so; otherwise one for training has subfolders, or no other folder could be a
/// class beside it.
fn has_parts(top: &Listing, map: &[MappedSplit]) -> Result<bool, DataError> {
    if !map.is_empty() {
        return Ok(true);
    }
    let mut train = top.folders.iter().filter(|(name, _)| may_train(name, map));
    let others = top.folders.iter().any(|(name, _)| !is_part(name, map));
    match others {
        false => Ok(train.next().is_some()),
        true => {
            for (_, path) in train {
                if !listing(path)?.folders.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Reads a folder of class folders.
fn part(
    root: &Path,
    path: &Path,
    name: Option<&str>,
    skipped: &mut Vec<SkippedFile>,
) -> Result<Part, DataError> {
    let listing = listing(path)?;
    for (_, file) in &listing.files {
        skipped.push(not_used(root, file, "outside the class folders"));
    }
    let classes = listing
        .folders
        .into_iter()
        .map(|(name, folder)| class(root, name, &folder))
        .collect::<Result<_, _>>()?;
    Ok(Part {
        folder: name.map(str::to_owned),
        path: path.to_owned(),
        classes,
    })
}

/// Reads a class folder with whatever is nested in it.
fn class(root: &Path, name: String, folder: &Path) -> Result<Found, DataError> {
    let mut found = Found {
        name,
        pictures: Vec::new(),
        skipped: Vec::new(),
    };
    let mut visited = BTreeSet::new();
    walk(root, folder, 0, &mut visited, &mut found)?;
    found.pictures.sort();
    found.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(
    root: &Path,
    folder: &Path,
    depth: usize,
    visited: &mut BTreeSet<PathBuf>,
    found: &mut Found,
) -> Result<(), DataError> {
    let real = folder
        .canonicalize()
        .map_err(|source| DataError::ReadFolder {
            path: folder.to_owned(),
            source,
        })?;
    if depth > MAX_DEPTH || !visited.insert(real) {
        found.skipped.push(not_used(
            root,
            folder,
            "nested too deeply, or a link to a folder seen before",
        ));
        return Ok(());
    }
    let listing = listing(folder)?;
    for (_, file) in listing.files {
        match kind(&file) {
            Kind::Picture => found.pictures.push((relative(root, &file), file)),
            Kind::Other => found.skipped.push(not_used(root, &file, "not a picture")),
        }
    }
    for (_, nested) in listing.folders {
        walk(root, &nested, depth + 1, visited, found)?;
    }
    Ok(())
}

enum Kind {
    /// A picture by its extension, or by its first bytes where the extension says nothing.
    Picture,
    /// Something else.
    Other,
}

fn kind(file: &Path) -> Kind {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if is_picture_name(&name) || starts_like_a_picture(file) {
        Kind::Picture
    } else {
        Kind::Other
    }
}

fn starts_like_a_picture(file: &Path) -> bool {
    // Opening a pipe or a device would block or have effects.
    if !std::fs::metadata(file).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut start = Vec::with_capacity(32);
    let read = std::fs::File::open(file).and_then(|file| file.take(32).read_to_end(&mut start));
    read.is_ok() && image::guess_format(&start).is_ok()
}

/// The visible entries of a folder, sorted by name. Links are followed; dangling ones count as files.
struct Listing {
    folders: Vec<(String, PathBuf)>,
    files: Vec<(String, PathBuf)>,
}

fn listing(folder: &Path) -> Result<Listing, DataError> {
    let failed = |source| DataError::ReadFolder {
        path: folder.to_owned(),
        source,
    };
    let mut listing = Listing {
        folders: Vec::new(),
        files: Vec::new(),
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
        else {
            continue;
        };
        if is_hidden(&name) {
            continue;
        }
        if std::fs::metadata(&path).is_ok_and(|found| found.is_dir()) {
            listing.folders.push((name, path));
        } else {
            listing.files.push((name, path));
        }
    }
    listing.folders.sort();
    listing.files.sort();
    Ok(listing)
}

fn not_used(root: &Path, path: &Path, reason: &str) -> SkippedFile {
    SkippedFile {
        path: relative(root, path),
        reason: reason.to_owned(),
        undecodable: false,
    }
}

/// Whether a name is that of a hidden file, or of a folder that archives and thumbnailers leave behind.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX" || name == "@eaDir"
}

/// Whether a name has the extension of a picture, decoded or not.
pub(crate) fn is_picture_name(name: &str) -> bool {
    let Some((_, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let extension = extension.to_ascii_lowercase();
    PICTURES.contains(&extension.as_str()) || FOREIGN_PICTURES.contains(&extension.as_str())
}

/// The paths of all picture files below `root` by their names, relative to it with `/`, sorted.
pub(crate) fn pictures_below(root: &Path) -> Result<Vec<String>, DataError> {
    let mut found = Found {
        name: String::new(),
        pictures: Vec::new(),
        skipped: Vec::new(),
    };
    walk(root, root, 0, &mut BTreeSet::new(), &mut found)?;
    let mut names: Vec<String> = found.pictures.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    Ok(names)
}

/// The path relative to the source, with `/` on every system.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let parts: Vec<_> = path
        .strip_prefix(root)
        .unwrap_or(path)
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
