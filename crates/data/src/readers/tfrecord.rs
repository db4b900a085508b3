//! TFRecord files: records of length, masked checksum of the length, bytes, masked checksum of the bytes.

use super::archive::{open_expanded, too_large};
use super::container::Visit;
use crate::error::DataError;
use std::io::{self, Read};
use std::path::Path;

/// Shows every record of the file at `path` in order, or why it cannot be used.
///
/// # Errors
/// The file cannot be read, is cut off, or the checksum of a length does not match: then nothing says where the next
/// record begins.
pub(crate) fn walk(path: &Path, at_most: u64, visit: &mut Visit<'_>) -> Result<(), DataError> {
    open_expanded(path)
        .and_then(|bytes| walk_bytes(bytes, at_most, visit))
        .map_err(|source| DataError::of_container(path, source))
}

fn walk_bytes(mut bytes: impl Read, at_most: u64, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut record = Vec::new();
    for position in 0.. {
        let Some(length) = read_length(&mut bytes, position)? else {
            return Ok(());
        };
        let flow = if length > at_most {
            // The checksum says that the length is meant.
            pass_over(&mut bytes, length.saturating_add(4))?;
            visit(position, Err(too_large(length, at_most)))
        } else {
            record.clear();
            (&mut bytes).take(length).read_to_end(&mut record)?;
            let mut sum = [0; 4];
            if (record.len() as u64) < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.read_exact(&mut sum)?;
            match u32::from_le_bytes(sum) == masked(&record) {
                true => visit(position, Ok(&record)),
                false => visit(position, Err("its checksum does not match".to_owned())),
            }
        };
        if flow.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The length of the next record; none at the end of the file.
fn read_length(bytes: &mut impl Read, position: u64) -> io::Result<Option<u64>> {
    let mut header = Vec::with_capacity(12);
    bytes.take(12).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    let Some((length, sum)) = header.split_first_chunk::<8>() else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let Ok(sum) = <[u8; 4]>::try_from(sum) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    if masked(length) != u32::from_le_bytes(sum) {
        return Err(io::Error::other(format!(
            "is no TFRecord file, or is damaged: the checksum of the length of record {position} does not match"
        )));
    }
    Ok(Some(u64::from_le_bytes(*length)))
}

fn pass_over(bytes: &mut impl Read, length: u64) -> io::Result<()> {
    match io::copy(&mut bytes.take(length), &mut io::sink())? == length {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The checksum as TFRecord files keep it: CRC-32C, rotated right by 15 bits, plus a constant.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::super::writing::framed;
    use super::*;
    use proptest::prelude::*;
    use std::ops::ControlFlow;

    fn records(bytes: &[u8], at_most: u64) -> io::Result<Vec<Result<Vec<u8>, String>>> {
        let mut found = Vec::new();
        walk_bytes(bytes, at_most, &mut |position, record| {
            assert_eq!(position, found.len() as u64);
            found.push(record.map(<[u8]>::to_vec));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    fn good() -> Vec<u8> {
        [&b"one"[..], b"", &[9; 300]].map(framed).concat()
    }

    #[test]
    fn the_checksum_is_that_of_the_format() {
        let found = records(&good(), 1000).expect("records");
        assert_eq!(found[0].as_deref(), Ok(&b"one"[..]));
        assert_eq!((found.len(), found[2].as_ref().map(Vec::len)), (3, Ok(300)));
        // CRC-32C of "123456789" is 0xE3069283, by the catalogue of such codes.
        assert_eq!(
            masked(b"123456789"),
            0xE306_9283_u32.rotate_right(15).wrapping_add(0xA282_EAD8)
        );
    }

    #[test]
    fn damage_is_told_apart() {
        let mut bytes = good();
        bytes[12] ^= 1;
        let found = records(&bytes, 1000).expect("the others are read");
        assert!(found[0].as_ref().is_err_and(|why| why.contains("checksum")));
        assert_eq!(found[1].as_deref(), Ok(&b""[..]));
        let mut bytes = good();
        bytes[0] ^= 1;
        let said = records(&bytes, 1000).expect_err("an error").to_string();
        assert!(said.contains("length of record 0"), "{said}");
        for end in [5, 14, 17] {
            assert_eq!(
                records(&good()[..end], 1000).expect_err("an error").kind(),
                io::ErrorKind::UnexpectedEof,
                "{end}"
            );
        }
        let found = records(&good(), 100).expect("the small ones");
        assert!(found[0].is_ok() && found[2].is_err());
    }

    proptest! {
        #[test]
        fn damaged_files_are_read_or_refused(
            changes in prop::collection::vec((0..360_usize, any::<u8>()), 1..6),
            end in 0..400_usize,
        ) {
            let mut bytes = good();
            for (at, value) in changes {
                let length = bytes.len();
                bytes[at % length] = value;
            }
            bytes.truncate(end);
            for record in records(&bytes, 1000).unwrap_or_default().into_iter().flatten() {
                prop_assert!(record.len() <= 1000);
            }
        }

        #[test]
        fn a_header_that_promises_much_takes_nothing(length in any::<u64>()) {
            let length = length.to_le_bytes();
            let bytes = [&length[..], &masked(&length).to_le_bytes()].concat();
            prop_assert!(records(&bytes, u64::MAX).is_err());
            prop_assert!(records(&bytes, 1 << 20).is_err());
        }
    }
}
