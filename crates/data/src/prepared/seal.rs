//! Files whose first line vouches for the rest: `danas index, format 1, 1234 bytes, crc32 89abcdef`.

use crate::error::DataError;
use std::io::{Read, Write};
use std::path::Path;

/// The version of all files of a prepared folder.
const FORMAT: u32 = 2;
/// A first line is not longer than this.
const LONGEST: usize = 120;

/// The first line of a file of this kind with this body.
fn line(kind: &str, body: &[u8]) -> String {
    let (length, checksum) = (body.len(), crc32fast::hash(body));
    format!("danas {kind}, format {FORMAT}, {length} bytes, crc32 {checksum:08x}\n")
}

/// Writes a sealed file beside its place and renames it. It is not forced onto the disk: whether a power cut took some of
/// it, its checksum tells.
pub(super) fn write(path: &Path, kind: &str, body: &[u8]) -> Result<(), DataError> {
    let beside = path.with_extension("part");
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(line(kind, body).as_bytes())?;
        file.write_all(body)?;
        std::fs::rename(&beside, path)
    });
    written.map_err(|source| DataError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Whether a file begins as one of this kind does.
pub(super) fn begins(path: &Path, kind: &str) -> bool {
    let start = format!("danas {kind}, format ");
    let mut found = vec![0; start.len()];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut found))
        .is_ok_and(|()| found == start.as_bytes())
}

/// The length of the first line of a sealed file.
///
/// # Errors
/// In words, why the file is not what was written.
pub(super) fn check(kind: &str, bytes: &[u8]) -> Result<usize, String> {
    let end = bytes.iter().take(LONGEST).position(|&byte| byte == b'\n');
    let start = format!("danas {kind}, format ");
    let known = end.filter(|_| bytes.starts_with(start.as_bytes()));
    let Some(end) = known else {
        return Err(format!("does not begin as a file `{kind}` does"));
    };
    let (found, body) = (&bytes[..=end], &bytes[end + 1..]);
    let version = &found[start.len()..];
    if !version.starts_with(format!("{FORMAT},").as_bytes()) {
        return Err("is of another version of danas".to_owned());
    }
    if found != line(kind, body).as_bytes() {
        return Err("is damaged: length or checksum are not those of its first line".to_owned());
    }
    Ok(end + 1)
}

/// The body of a sealed file.
pub(super) fn read(path: &Path, kind: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = std::fs::read(path).map_err(|source| DataError::ReadPrepared {
        path: path.to_owned(),
        source,
    })?;
    let start = check(kind, &bytes).map_err(|problem| DataError::DamagedPrepared {
        path: path.to_owned(),
        problem,
    })?;
    Ok(bytes.split_off(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_sealed_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("index");
        for body in [&b""[..], b"one\ntwo", &[0; 5000]] {
            write(&path, "index", body).expect("a file");
            assert_eq!(read(&path, "index").expect("a body"), body);
            assert!(read(&path, "plan").is_err());
        }
    }

    proptest! {
        #[test]
        fn every_flipped_bit_and_every_cut_is_noticed(
            body in proptest::collection::vec(any::<u8>(), 0..60),
            at in any::<prop::sample::Index>(),
            bit in 0_u32..8,
        ) {
            let mut bytes = line("index", &body).into_bytes();
            bytes.extend(&body);
            prop_assert!(check("index", &bytes).is_ok());
            let at = at.index(bytes.len());
            prop_assert!(check("index", &bytes[..at]).is_err());
            bytes[at] ^= 1 << bit;
            prop_assert!(check("index", &bytes).is_err());
        }
    }
}
