//! Columns of a Parquet file, with limits on what a damaged file can make the library allocate.

use crate::readers::cell::Cell;
use bytes::Bytes;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// The most bytes that a page may expand to.
const MAX_PAGE: u64 = 1 << 30;

/// The most rows of a group.
const MAX_ROWS: i64 = 1 << 24;

/// How many values of a column are read at once.
const AT_ONCE: usize = 4096;

/// An open file.
pub(super) struct Pages {
    file: Arc<Checked>,
    metadata: ParquetMetaData,
}

impl Pages {
    /// Reads what the file says of itself.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .map_err(explain)?;
        let length = Length::len(&file);
        for group in metadata.row_groups() {
            if !(0..=MAX_ROWS).contains(&group.num_rows()) {
                return Err(format!("has a group of {} rows", group.num_rows()));
            }
        }
        Ok(Self {
            file: Arc::new(Checked { file, length }),
            metadata,
        })
    }

    pub(super) fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// How many groups of rows there are.
    pub(super) fn groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// How many rows a group has: at most [`MAX_ROWS`].
    pub(super) fn rows(&self, group: usize) -> usize {
        self.metadata.row_group(group).num_rows() as usize
    }
}

/// A column of a group of rows, read from its beginning.
pub(super) struct Column {
    reader: ColumnReader,
    /// The definition level of values that are there.
    defined: i16,
}

impl Column {
    pub(super) fn open(pages: &Pages, group: usize, leaf: usize) -> Result<Self, String> {
        let rows = pages.rows(group);
        let chunk = pages
            .metadata
            .row_group(group)
            .columns()
            .get(leaf)
            .ok_or("a group of rows lacks a column")?;
        let inner = SerializedPageReader::new_with_properties(
            Arc::clone(&pages.file),
            chunk,
            rows,
            None,
            Arc::new(ReaderProperties::builder().build()),
        )
        .map_err(explain)?;
        let description = chunk.column_descr_ptr();
        Ok(Self {
            defined: description.max_def_level(),
            reader: get_column_reader(description, Box::new(Limited { inner, rows })),
        })
    }

    /// Reads the next few values; says how many.
    pub(super) fn next_cells(&mut self, cells: &mut Vec<Cell<'static>>) -> Result<usize, String> {
        use ColumnReader as R;
        let defined = self.defined;
        match &mut self.reader {
            R::BoolColumnReader(reader) => read(reader, defined, AT_ONCE, cells, |value| {
                Cell::Integer(value.into())
            }),
            R::Int32ColumnReader(reader) => read(reader, defined, AT_ONCE, cells, |value| {
                Cell::Integer(value.into())
            }),
            R::Int64ColumnReader(reader) => read(reader, defined, AT_ONCE, cells, Cell::Integer),
            R::FloatColumnReader(reader) => {
                read(reader, defined, AT_ONCE, cells, |value| real(value.into()))
            }
            R::DoubleColumnReader(reader) => read(reader, defined, AT_ONCE, cells, real),
            R::ByteArrayColumnReader(reader) => read(reader, defined, AT_ONCE, cells, |value| {
                own(Cell::of_bytes(value.data()))
            }),
            R::Int96ColumnReader(_) | R::FixedLenByteArrayColumnReader(_) => {
                Err("has a column of a kind that is not read".to_owned())
            }
        }
    }

    /// Reads the next `count` pictures; says how many there were. One that is null is none.
    pub(super) fn next_pictures(
        &mut self,
        count: usize,
        pictures: &mut Vec<Option<ByteArray>>,
    ) -> Result<usize, String> {
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                let defined = self.defined;
                let mut values = Vec::new();
                let found = read_optional(reader, defined, count, &mut values)?;
                pictures.append(&mut values);
                Ok(found)
            }
            _ => Err("its column of pictures holds no bytes".to_owned()),
        }
    }
}

fn real(value: f64) -> Cell<'static> {
    match value.is_finite() {
        true => Cell::Real(value),
        false => Cell::Missing,
    }
}

fn own(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Missing => Cell::Missing,
        Cell::Integer(number) => Cell::Integer(number),
        Cell::Real(number) => Cell::Real(number),
        Cell::Text(text) => Cell::Text(text.into_owned().into()),
        Cell::Other => Cell::Other,
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    defined: i16,
    count: usize,
    cells: &mut Vec<Cell<'static>>,
    cell: impl Fn(T::T) -> Cell<'static>,
) -> Result<usize, String> {
    let mut values = Vec::new();
    let found = read_optional(reader, defined, count, &mut values)?;
    cells.extend(
        values
            .into_iter()
            .map(|value| value.map_or(Cell::Missing, &cell)),
    );
    Ok(found)
}

/// Reads the next `count` values, those that are null as none.
fn read_optional<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    defined: i16,
    count: usize,
    out: &mut Vec<Option<T::T>>,
) -> Result<usize, String> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (found, _, _) = reader
        .read_records(count, Some(&mut levels), None, &mut values)
        .map_err(explain)?;
    if defined == 0 {
        out.extend(values.into_iter().map(Some));
        return Ok(found);
    }
    let mut values = values.into_iter();
    for level in levels {
        out.push(match level == defined {
            true => values.next(),
            false => None,
        });
    }
    Ok(found)
}

fn explain(error: ParquetError) -> String {
    match error {
        ParquetError::General(text) | ParquetError::EOF(text) => format!("is damaged: {text}"),
        ParquetError::NYI(text) => format!("uses what is not supported: {text}"),
        other => format!("is damaged: {other}"),
    }
}

/// A file whose page headers are looked at before the library believes them.
struct Checked {
    file: File,
    length: u64,
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Checked {
    type T = HeaderReader;

    fn get_read(&self, start: u64) -> ParquetResult<HeaderReader> {
        Ok(HeaderReader {
            inner: self.file.get_read(start)?,
            is_checked: false,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.saturating_add(length as u64) > self.length {
            return Err(ParquetError::EOF("the file is cut off".to_owned()));
        }
        self.file.get_bytes(start, length)
    }
}

/// Reads a page header, of which the first bytes are checked. The library asks for a reader at the beginning of a page's
/// data as well, but does not read from that.
struct HeaderReader {
    inner: BufReader<File>,
    is_checked: bool,
}

impl Read for HeaderReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            self.is_checked = true;
            if expanded_size(self.inner.fill_buf()?).is_some_and(|size| size > MAX_PAGE) {
                return Err(io::Error::other(format!(
                    "a page expands to more than {} MiB",
                    MAX_PAGE >> 20
                )));
            }
        }
        self.inner.read(buffer)
    }
}

/// The field `uncompressed_page_size` of a page header: the second of three required ones, all `i32`, in Thrift's compact
/// protocol (a byte of field number and type, then a zigzag varint).
fn expanded_size(mut header: &[u8]) -> Option<u64> {
    const NEXT_FIELD_I32: u8 = 0x15;
    let mut value = 0;
    for _ in 0..2 {
        if header.split_off_first() != Some(&NEXT_FIELD_I32) {
            return None;
        }
        value = 0;
        for shift in (0..35).step_by(7) {
            let byte = *header.split_off_first()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
    }
    Some(value >> 1)
}

/// Refuses pages that promise more values than there can be.
struct Limited {
    inner: SerializedPageReader<Checked>,
    rows: usize,
}

impl Limited {
    fn check(&self, page: Option<Page>) -> ParquetResult<Option<Page>> {
        let most = match &page {
            // Every kind of value that has a dictionary takes at least a byte in it.
            Some(Page::DictionaryPage { buf, .. }) => buf.len(),
            _ => self.rows,
        };
        match &page {
            Some(page) if page.num_values() as usize > most => Err(ParquetError::General(
                "a page has too many values".to_owned(),
            )),
            _ => Ok(page),
        }
    }
}

impl PageReader for Limited {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.inner.get_next_page()?;
        self.check(page)
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> ParquetResult<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Limited {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_that_a_page_header_promises_is_found() {
        // type = 0, uncompressed_page_size = 300, compressed_page_size = 2.
        assert_eq!(
            expanded_size(&[0x15, 0, 0x15, 0xD8, 0x04, 0x15, 0x04]),
            Some(300)
        );
        let most = [0x15, 0x04, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x15, 0x02];
        assert_eq!(expanded_size(&most), Some(i32::MAX as u64));
        assert!(expanded_size(&most).is_some_and(|size| size > MAX_PAGE));
        for strange in [&[][..], &[0x15], &[0x15, 0x80], &[0x15, 0, 0x25, 0]] {
            assert_eq!(expanded_size(strange), None);
        }
    }
}
