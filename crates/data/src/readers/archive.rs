//! Tar archives, plain or compressed with gzip, read from front to back and never unpacked.

use crate::error::DataError;
use crate::folder::is_picture_name;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

/// The longest name of a member, in bytes.
const MAX_NAME: u64 = 64 << 10;

/// A compressed file may expand to this many times its size, beyond [`FREE_EXPANSION`]. Pictures hardly shrink; gzip
/// reaches a thousand on zeros.
const MAX_RATIO: u64 = 200;

/// Bytes that may always be expanded to.
const FREE_EXPANSION: u64 = 64 << 20;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file with the extension of a picture: its ordinal among these.
    Picture(u64),
    /// Another file.
    File,
    /// Something that is not looked into; why.
    Refused(&'static str),
}

/// A member of an archive.
pub(crate) struct Member<'a> {
    /// Its path, with `/`.
    pub(crate) name: &'a str,
    /// What it is.
    pub(crate) kind: Kind,
    size: u64,
    content: &'a mut dyn Read,
}

impl Member<'_> {
    /// Reads the content into `buffer`.
    ///
    /// The outer error is that of the archive (it is cut off), the inner one says why this member is not read.
    pub(crate) fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        at_most: u64,
    ) -> io::Result<Result<(), String>> {
        buffer.clear();
        if self.size > at_most {
            return Ok(Err(too_large(self.size, at_most)));
        }
        self.content.take(self.size).read_to_end(buffer)?;
        if (buffer.len() as u64) < self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Ok(()))
    }
}

/// That a picture of `size` bytes is not read.
pub(crate) fn too_large(size: u64, at_most: u64) -> String {
    format!(
        "takes {} MiB; at most {} MiB are read",
        size >> 20,
        at_most >> 20
    )
}

/// Shows every member of the archive at `path` but folders and hidden files, in order.
///
/// # Errors
/// The archive cannot be read, is damaged, or expands beyond what pictures can.
pub(crate) fn walk(
    path: &Path,
    visit: &mut dyn FnMut(&mut Member<'_>) -> io::Result<ControlFlow<()>>,
) -> Result<(), DataError> {
    let expansion = Rc::new(Expansion::default());
    open(path, &expansion)
        .and_then(|bytes| walk_bytes(bytes, visit))
        .map_err(|source| {
            if expansion.is_exceeded() {
                return DataError::Bomb {
                    path: path.to_owned(),
                    compressed: expansion.compressed.get(),
                    expanded: expansion.expanded.get(),
                };
            }
            DataError::of_container(path, source)
        })
}

/// Opens a file that may be compressed, which is told by its first bytes.
pub(crate) fn open_expanded(path: &Path) -> io::Result<Box<dyn Read>> {
    open(path, &Rc::default())
}

fn open(path: &Path, expansion: &Rc<Expansion>) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let mut start = Vec::with_capacity(2);
    (&mut file).take(2).read_to_end(&mut start)?;
    let is_gzip = start == [0x1F, 0x8B];
    let whole = io::Cursor::new(start).chain(file);
    if !is_gzip {
        return Ok(Box::new(BufReader::with_capacity(1 << 18, whole)));
    }
    let compressed = Compressed {
        inner: whole,
        expansion: Rc::clone(expansion),
    };
    let expanded = Expanded {
        inner: MultiGzDecoder::new(BufReader::with_capacity(1 << 18, compressed)),
        expansion: Rc::clone(expansion),
    };
    Ok(Box::new(BufReader::with_capacity(1 << 18, expanded)))
}

/// How far a compressed file has expanded, in bytes.
#[derive(Default)]
struct Expansion {
    compressed: Cell<u64>,
    expanded: Cell<u64>,
}

impl Expansion {
    fn is_exceeded(&self) -> bool {
        let allowed = FREE_EXPANSION.saturating_add(self.compressed.get() * MAX_RATIO);
        self.expanded.get() > allowed
    }
}

/// Counts what is read of the compressed file.
struct Compressed<R> {
    inner: R,
    expansion: Rc<Expansion>,
}

impl<R: Read> Read for Compressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let count = &self.expansion.compressed;
        count.set(count.get() + read as u64);
        Ok(read)
    }
}

/// Counts what comes out of it, and stops where that is too much.
struct Expanded<R> {
    inner: R,
    expansion: Rc<Expansion>,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let count = &self.expansion.expanded;
        count.set(count.get() + read as u64);
        if self.expansion.is_exceeded() {
            return Err(io::Error::other("expands too far"));
        }
        Ok(read)
    }
}

/// Goes through the members of an uncompressed archive.
fn walk_bytes(
    bytes: impl Read,
    visit: &mut dyn FnMut(&mut Member<'_>) -> io::Result<ControlFlow<()>>,
) -> io::Result<()> {
    let mut archive = tar::Archive::new(bytes);
    // Raw, because the crate reads the long names of members without a limit.
    let entries = archive.entries()?.raw(true);
    let mut long_name: Option<Vec<u8>> = None;
    let mut pictures = 0;
    let mut is_empty = true;
    for entry in entries {
        let mut entry = entry?;
        is_empty = false;
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
            let bytes = read_name(&mut entry)?;
            let name = match kind.is_gnu_longname() {
                true => Some(bytes),
                false => pax_path(&bytes)?,
            };
            long_name = name.or(long_name);
            continue;
        }
        if kind.is_pax_global_extensions() || kind.is_gnu_longlink() {
            continue;
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = name.strip_suffix(b"\0").unwrap_or(&name);
        let name = String::from_utf8_lossy(name);
        let name = name.strip_prefix("./").unwrap_or(&name);
        if kind.is_dir() || name.is_empty() || is_hidden(name) {
            continue;
        }
        let kind = kind_of(name, kind, &mut pictures);
        let size = entry.size();
        let mut member = Member {
            name,
            kind,
            size,
            content: &mut entry,
        };
        if visit(&mut member)?.is_break() {
            break;
        }
    }
    if is_empty {
        return Err(io::Error::other("holds no files"));
    }
    Ok(())
}

fn kind_of(name: &str, kind: tar::EntryType, pictures: &mut u64) -> Kind {
    if kind.is_symlink() || kind.is_hard_link() {
        return Kind::Refused("a link in an archive");
    }
    if !kind.is_file() && !kind.is_contiguous() {
        return Kind::Refused("neither a file nor a folder in an archive");
    }
    let leads_out = name.starts_with(['/', '\\'])
        || name.get(1..3).is_some_and(|drive| drive.starts_with(':'))
        || name.split(['/', '\\']).any(|part| part == "..");
    if leads_out {
        return Kind::Refused("a path in an archive that leads out of it");
    }
    if !is_picture_name(name) {
        return Kind::File;
    }
    *pictures += 1;
    Kind::Picture(*pictures - 1)
}

/// Files that systems leave behind, as in folders.
fn is_hidden(name: &str) -> bool {
    name.split('/')
        .any(|part| part.starts_with('.') && part != "." && part != ".." || part == "__MACOSX")
}

/// The content of a member that is the name of the next one.
fn read_name(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(MAX_NAME + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_NAME {
        return Err(io::Error::other("has a member with an endless name"));
    }
    Ok(bytes)
}

fn pax_path(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    for extension in tar::PaxExtensions::new(bytes) {
        let extension = extension?;
        match extension.key_bytes() {
            b"path" => return Ok(Some(extension.value_bytes().to_vec())),
            // Only of files beyond 8 GiB, whose headers cannot say it.
            b"size" => return Err(io::Error::other("has a member of more than 8 GiB")),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An archive with a picture, a long name, a link and a file that leads out.
    fn good() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind: tar::EntryType, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.as_gnu_mut().expect("GNU").name[..name.len().min(100)]
                .copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
            header.set_cksum();
            builder.append(&header, content).expect("appended");
        };
        let long = format!("{}/b.png\0", "x".repeat(150));
        add("a.jpg", tar::EntryType::Regular, b"first");
        add(
            "././@LongLink",
            tar::EntryType::GNULongName,
            long.as_bytes(),
        );
        add("x", tar::EntryType::Regular, &[7; 700]);
        add("c.jpg", tar::EntryType::Symlink, b"");
        add("../d.jpg", tar::EntryType::Regular, b"out");
        add("e.cls", tar::EntryType::Regular, b"1");
        builder.into_inner().expect("bytes")
    }

    fn members(bytes: &[u8]) -> io::Result<Vec<(String, Kind, usize)>> {
        let mut found = Vec::new();
        let mut buffer = Vec::new();
        walk_bytes(bytes, &mut |member| {
            let _ = member.read(&mut buffer, 1000)?;
            found.push((member.name.to_owned(), member.kind, buffer.len()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    #[test]
    fn members_come_in_order_with_what_they_are() {
        let found = members(&good()).expect("members");
        let kinds: Vec<Kind> = found.iter().map(|(_, kind, _)| *kind).collect();
        assert!(matches!(
            kinds[..],
            [
                Kind::Picture(0),
                Kind::Picture(1),
                Kind::Refused(_),
                Kind::Refused(_),
                Kind::File
            ]
        ));
        assert!(found[1].0.ends_with("xx/b.png") && found[1].2 == 700);
        assert!(members(&good()[..700]).is_err(), "cut off within a member");
        assert!(members(b"").is_err());
    }

    proptest! {
        #[test]
        fn damaged_archives_are_read_or_refused(
            changes in prop::collection::vec((0..5000_usize, any::<u8>()), 1..12),
            end in 0..6000_usize,
        ) {
            let mut bytes = good();
            for (at, value) in changes {
                let length = bytes.len();
                bytes[at % length] = value;
            }
            bytes.truncate(end);
            for (name, _, length) in members(&bytes).unwrap_or_default() {
                prop_assert!(length <= 1000 && name.len() as u64 <= 3 * MAX_NAME);
            }
        }
    }
}
