//! CSV lists: a column of file names and a column of labels, beside the pictures or beside archives of them.

use super::cell::Cell;
use super::pictures::Pictures;
use super::roles;
use super::table::{Reading, Table};
use crate::catalogue::Location;
use crate::error::DataError;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

/// The most bytes of a row: a quote that is never closed makes one of the rest of the file.
const MAX_ROW: u64 = 1 << 20;

/// How much is read at once.
const BUFFER: usize = 1 << 16;

/// The columns of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    columns: Vec<String>,
    delimiter: u8,
    pub(crate) name: usize,
    pub(crate) label: usize,
    /// The column that says which part a row belongs to.
    pub(crate) split: Option<usize>,
}

impl Header {
    /// The header of the file at `path`, if it is a list of pictures.
    pub(crate) fn read(path: &Path, label: Option<&str>) -> Option<Self> {
        let mut start = Vec::new();
        let file = File::open(path).ok()?;
        file.take(BUFFER as u64).read_to_end(&mut start).ok()?;
        Self::of(&start, label)
    }

    fn of(start: &[u8], label: Option<&str>) -> Option<Self> {
        let line = start.split(|byte| *byte == b'\n').next()?;
        let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
        let delimiter = *b",;\t"
            .iter()
            .rev()
            .max_by_key(|delimiter| count(delimiter))?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .from_reader(line);
        let mut record = csv::StringRecord::new();
        if !reader.read_record(&mut record).ok()? {
            return None;
        }
        let columns: Vec<String> = record
            .iter()
            .map(|name| name.trim_start_matches('\u{FEFF}').trim().to_owned())
            .collect();
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let label = match label {
            Some(label) => place(label)?,
            None => place(roles::label(&names)?)?,
        };
        let others: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| *name != names[label])
            .collect();
        let name = place(roles::name(&others)?)?;
        let split = roles::split(&others).and_then(place);
        Some(Self {
            columns,
            delimiter,
            name,
            label,
            split,
        })
    }

    /// The name of the column of file names.
    pub(crate) fn name_column(&self) -> &str {
        &self.columns[self.name]
    }

    /// The name of the column of labels.
    pub(crate) fn label_column(&self) -> &str {
        &self.columns[self.label]
    }
}

/// Lists the rows of the list at `path` whose pictures are there, by the part that their row names. Rows without one
/// belong to `part`.
///
/// # Errors
/// The file cannot be read, a row has no end, or there are too many labels.
pub(crate) fn list(
    path: &Path,
    header: &Header,
    part: Option<&str>,
    pictures: &mut Pictures,
    reading: &Reading,
) -> Result<Vec<(Option<String>, Table)>, DataError> {
    let file = File::open(path).map_err(|source| DataError::of_container(path, source))?;
    let mut tables = Tables {
        path,
        header,
        part,
        found: Vec::new(),
    };
    each_row(file, header.delimiter, &mut |row, number| {
        if row.len() != header.columns.len() {
            let name = format!("{}:{number}", reading.relative(path));
            let (_, table) = tables.of(None);
            table
                .dropped
                .add("a row with another number of fields than the header", &name);
            return Ok(());
        }
        let split = header.split.map(|column| row[column].trim().to_owned());
        let (part, table) = tables.of(split);
        let value = row[header.name].trim();
        match pictures.find(value, part.as_deref()) {
            Err(reason) => {
                table.dropped.add(reason, value);
                Ok(())
            }
            Ok((name, location)) => add(table, header, row, name, location),
        }
    })
    .map_err(|error| match error {
        RowError::Csv(error) => DataError::broken(path, format!("is no table: {error}")),
        RowError::Data(error) => error,
    })?;
    Ok(tables.found)
}

fn add(
    table: &mut Table,
    header: &Header,
    row: &csv::StringRecord,
    name: String,
    location: Location,
) -> Result<(), DataError> {
    let cells: Vec<(usize, Cell<'_>)> = header
        .columns
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != header.label && *at != header.name && Some(*at) != header.split)
        .filter_map(|(at, column)| {
            let place = table.candidates.place(column)?;
            Some((place, Cell::of_text(&row[at])))
        })
        .collect();
    let label = Cell::of_text(&row[header.label]);
    let flags = cells.iter().map(|(place, cell)| (*place, cell));
    table.push(name, &label, location, flags)
}

/// The tables of a list, one for each part.
struct Tables<'a> {
    path: &'a Path,
    header: &'a Header,
    part: Option<&'a str>,
    found: Vec<(Option<String>, Table)>,
}

impl Tables<'_> {
    fn of(&mut self, split: Option<String>) -> &mut (Option<String>, Table) {
        let part = split
            .filter(|split| !split.is_empty())
            .or_else(|| self.part.map(str::to_owned));
        let place = self.found.iter().position(|(known, _)| *known == part);
        let place = place.unwrap_or_else(|| {
            let mut columns = self.header.columns.clone();
            columns.sort();
            let table = Table::new(self.path, self.header.label_column(), columns);
            self.found.push((part, table));
            self.found.len() - 1
        });
        &mut self.found[place]
    }
}

enum RowError {
    Csv(csv::Error),
    Data(DataError),
}

/// Shows every row after the header with its number.
fn each_row(
    bytes: impl Read,
    delimiter: u8,
    visit: &mut dyn FnMut(&csv::StringRecord, u64) -> Result<(), DataError>,
) -> Result<(), RowError> {
    let since = Rc::new(std::cell::Cell::new(0));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(BUFFER)
        .from_reader(RowLimit {
            inner: bytes,
            since: Rc::clone(&since),
        });
    let mut bytes = csv::ByteRecord::new();
    while reader.read_byte_record(&mut bytes).map_err(RowError::Csv)? {
        since.set(0);
        let number = bytes.position().map_or(0, csv::Position::line);
        let row = csv::StringRecord::from_byte_record_lossy(std::mem::take(&mut bytes));
        visit(&row, number).map_err(RowError::Data)?;
        bytes = row.into_byte_record();
    }
    Ok(())
}

/// Stops where a row does not end.
struct RowLimit<R> {
    inner: R,
    /// Bytes read since the last row.
    since: Rc<std::cell::Cell<u64>>,
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > MAX_ROW {
            return Err(io::Error::other(
                "a row is longer than 1 MiB; is there a quote that is never closed?",
            ));
        }
        let read = self.inner.read(buffer)?;
        self.since.set(self.since.get() + read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
        let mut found = Vec::new();
        each_row(bytes, b',', &mut |row, _| {
            found.push(row.iter().map(str::to_owned).collect());
            Ok(())
        })
        .map_err(|error| match error {
            RowError::Csv(error) => error.to_string(),
            RowError::Data(error) => error.to_string(),
        })?;
        Ok(found)
    }

    #[test]
    fn headers_tell_what_columns_are() {
        let header = Header::of(b"\xEF\xBB\xBFfilename,person,depiction\r\na,1,0\n", None);
        let header = header.expect("a list");
        assert_eq!((header.name, header.label, header.split), (0, 1, None));
        assert_eq!(header.name_column(), "filename");
        let header = Header::of(b"id;split;breed", Some("breed")).expect("a list");
        assert_eq!((header.name, header.label, header.split), (0, 2, Some(1)));
        assert_eq!(Header::of(b"time,temperature\n1,2", None), None);
        assert_eq!(Header::of(b"filename,person", Some("animal")), None);
        assert_eq!(Header::of(b"", None), None);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found() {
        let mut bytes = b"a,b\n1,\"".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 2 << 20));
        assert!(rows(&bytes).expect_err("an error").contains("quote"));
        let long = "x".repeat(MAX_ROW as usize / 2);
        let many = format!("a,b\n1,{long}\n2,{long}\n3,{long}\n4,{long}\n");
        assert_eq!(rows(many.as_bytes()).expect("rows").len(), 4);
    }

    proptest! {
        #[test]
        fn damaged_lists_are_read_or_refused(
            changes in prop::collection::vec((0..100_usize, any::<u8>()), 0..8),
            end in 0..100_usize,
        ) {
            let mut bytes = b"filename,person,near\n\"a, b.jpg\",1,0\nc.jpg,-1,\nd.jpg,0,1\n".to_vec();
            for (at, value) in changes {
                let length = bytes.len();
                bytes[at % length] = value;
            }
            bytes.truncate(end);
            if let Some(header) = Header::of(&bytes, None) {
                prop_assert!(header.name != header.label);
            }
            for row in rows(&bytes).unwrap_or_default() {
                prop_assert!(row.len() <= bytes.len());
            }
        }
    }
}
