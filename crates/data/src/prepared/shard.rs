//! Shards: some hundred MiB of pixels in a file, and records of what is in it. A shard with records is complete.

use super::index::{Fields, pixel_bytes};
use super::{pixels_path, records_path, seal};
use crate::catalogue::SkippedFile;
use crate::error::DataError;
use crate::feed::Fed;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a shard holds of one example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The example's number, in the order of parts, classes and names.
    pub(super) number: u64,
    /// Where its pixels begin in the shard.
    pub(super) offset: u64,
    /// Width and height as stored in the source.
    pub(super) found: [u32; 2],
    /// Width and height as kept.
    pub(super) kept: [u32; 2],
    /// 1 or 3.
    pub(super) channels: u32,
    /// CRC-32 of the pixels.
    pub(super) checksum: u32,
}

const RECORD_BYTES: usize = 40;

impl Record {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        let numbers = [
            self.found[0],
            self.found[1],
            self.kept[0],
            self.kept[1],
            self.channels,
            self.checksum,
        ];
        bytes.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
    }

    fn read(bytes: &[u8]) -> Self {
        let mut numbers = Fields(bytes);
        Self {
            number: numbers.long(),
            offset: numbers.long(),
            found: [numbers.short(), numbers.short()],
            kept: [numbers.short(), numbers.short()],
            channels: numbers.short(),
            checksum: numbers.short(),
        }
    }

    fn length(&self) -> Option<usize> {
        pixel_bytes(self.kept[0], self.kept[1], self.channels)
    }
}

/// What a complete shard holds.
#[derive(Debug)]
pub(super) struct Shard {
    /// Its examples, by their place in the order in which they are read.
    pub(super) places: Range<usize>,
    /// Bytes of its pixels.
    pub(super) bytes: u64,
    /// The examples that could be decoded.
    pub(super) records: Vec<Record>,
    /// Those that could not.
    pub(super) skipped: Vec<SkippedFile>,
}

/// The first line of a shard's records.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    places: Range<usize>,
    bytes: u64,
    skipped: Vec<SkippedFile>,
}

const KIND: &str = "records";

impl Shard {
    /// Reads the complete shard `number` of a folder, and checks every pixel of it.
    ///
    /// # Errors
    /// The shard is not there, not complete, or damaged: it has to be made again.
    pub(super) fn read(folder: &Path, number: usize) -> Result<Self, DataError> {
        let path = records_path(folder, number);
        let body = seal::read(&path, KIND)?;
        let damaged = |problem: &str| DataError::DamagedPrepared {
            path: path.clone(),
            problem: problem.to_owned(),
        };
        let end = body.iter().position(|&byte| byte == b'\n');
        let (head, records) = body.split_at(end.ok_or_else(|| damaged("has no first line"))?);
        let head: Head = serde_json::from_slice(head).map_err(|e| damaged(&e.to_string()))?;
        let records = records[1..].chunks_exact(RECORD_BYTES).map(Record::read);
        let shard = Shard {
            places: head.places,
            bytes: head.bytes,
            records: records.collect(),
            skipped: head.skipped,
        };
        shard.check(&pixels_path(folder, number))?;
        Ok(shard)
    }

    /// Whether the file of pixels is what the records say.
    fn check(&self, path: &Path) -> Result<(), DataError> {
        let read = |source| DataError::ReadPrepared {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let lengths: Option<Vec<usize>> = self.records.iter().map(Record::length).collect();
        let lengths = lengths.filter(|lengths| {
            length == self.bytes && length == lengths.iter().map(|&n| n as u64).sum::<u64>()
        });
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut picture = Vec::new();
        let mut whole = lengths.is_some();
        for (length, record) in lengths.into_iter().flatten().zip(&self.records) {
            picture.resize(length, 0);
            file.read_exact(&mut picture).map_err(read)?;
            whole &= crc32fast::hash(&picture) == record.checksum;
        }
        if whole {
            return Ok(());
        }
        Err(DataError::DamagedPrepared {
            path: path.to_owned(),
            problem: "has other pixels than were written".to_owned(),
        })
    }
}

/// Pictures of fewer bytes are gathered before they are written; larger ones are written from where they are, because one more
/// copy of them takes longer than the call.
const GATHERED_BYTES: usize = 16 << 10;

/// Writes one shard.
pub(super) struct ShardWriter {
    folder: PathBuf,
    number: usize,
    beside: PathBuf,
    file: BufWriter<File>,
    shard: Shard,
}

impl ShardWriter {
    /// Begins shard `number` with the example at `place` of the reading order.
    pub(super) fn begin(folder: &Path, number: usize, place: usize) -> Result<Self, DataError> {
        let beside = pixels_path(folder, number).with_extension("part");
        let file = File::create(&beside).map_err(|source| DataError::Write {
            path: beside.clone(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            file: BufWriter::with_capacity(GATHERED_BYTES, file),
            beside,
            shard: Shard {
                places: place..place,
                bytes: 0,
                records: Vec::new(),
                skipped: Vec::new(),
            },
        })
    }

    /// Adds the next example, which is the one with this number.
    pub(super) fn push(&mut self, number: u64, fed: Fed) -> Result<(), DataError> {
        self.shard.places.end += 1;
        let decoded = match fed {
            Ok(decoded) => decoded,
            Err(file) => {
                self.shard.skipped.push(file);
                return Ok(());
            }
        };
        let (header, picture) = (decoded.header, decoded.picture);
        self.shard.records.push(Record {
            number,
            offset: self.shard.bytes,
            found: [header.width as u32, header.height as u32],
            kept: [picture.width as u32, picture.height as u32],
            channels: picture.channels as u32,
            checksum: crc32fast::hash(&picture.bytes),
        });
        self.shard.bytes += picture.bytes.len() as u64;
        self.file
            .write_all(&picture.bytes)
            .map_err(|source| self.failed(source))
    }

    /// Bytes of pixels so far.
    pub(super) fn bytes(&self) -> u64 {
        self.shard.bytes
    }

    /// Completes the shard: first its pixels get their name, then its records are written.
    pub(super) fn finish(mut self) -> Result<Shard, DataError> {
        self.file
            .flush()
            .and_then(|()| std::fs::rename(&self.beside, pixels_path(&self.folder, self.number)))
            .map_err(|source| self.failed(source))?;
        let head = Head {
            places: self.shard.places.clone(),
            bytes: self.shard.bytes,
            skipped: self.shard.skipped.clone(),
        };
        let mut body = serde_json::to_vec(&head).map_err(|error| self.failed(error.into()))?;
        body.push(b'\n');
        for record in &self.shard.records {
            record.append(&mut body);
        }
        seal::write(&records_path(&self.folder, self.number), KIND, &body)?;
        Ok(self.shard)
    }

    fn failed(&self, source: std::io::Error) -> DataError {
        DataError::Write {
            path: self.beside.clone(),
            source,
        }
    }
}
