//! The samples of WebDataset shards: tar archives in which members with the same name up to the first dot belong together,
//! `key.jpg` with `key.cls` or `key.json`.

use super::archive::{self, Kind, Member};
use super::cell::Cell;
use super::dropped::Tally;
use super::roles;
use super::table::{Reading, Table};
use crate::catalogue::Location;
use crate::error::DataError;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// The extension of a label.
const LABELS: [&str; 3] = ["cls", "class", "label"];

/// The most bytes of a label or of a description in JSON.
const MAX_TEXT: u64 = 1 << 20;

/// How many extensions and keys are named where no label is found.
const NAMED: usize = 32;

/// Lists the samples of the shard at `path`: labels and 0/1 values. Pictures are read over.
///
/// # Errors
/// The shard is damaged, or no sample has a label.
pub(crate) fn list(path: &Path, container: usize, reading: &Reading) -> Result<Table, DataError> {
    let mut shard = Shard {
        container,
        reading,
        path,
        // Which label is meant is known once a sample has one.
        table: Table::new(
            path,
            reading.label.as_deref().unwrap_or_default(),
            Vec::new(),
        ),
        keys: HashSet::new(),
        seen: BTreeSet::new(),
        has_labels: false,
    };
    let mut sample = Sample::default();
    let mut refused = Ok(());
    archive::walk(path, &mut |member| {
        if let Kind::Refused(reason) = member.kind {
            shard.table.dropped.add(reason, member.name);
            return Ok(ControlFlow::Continue(()));
        }
        let (key, extension) = split_name(member.name);
        if key != sample.key {
            let last = std::mem::replace(&mut sample, Sample::of(key));
            if let Err(error) = shard.add(last) {
                refused = Err(error);
                return Ok(ControlFlow::Break(()));
            }
        }
        shard.see(extension.to_owned());
        let is_label = match &reading.label {
            Some(label) => extension == *label,
            None => LABELS.contains(&extension.as_str()),
        };
        sample.take(member, &extension, is_label, &mut shard.table.dropped)?;
        Ok(ControlFlow::Continue(()))
    })?;
    refused?;
    shard.add(sample)?;
    if !shard.has_labels {
        let found: Vec<&str> = shard.seen.iter().map(String::as_str).collect();
        return Err(DataError::no_label(path, reading.label.as_deref(), &found));
    }
    Ok(shard.table)
}

/// The key of a member and what follows it, in lower case.
fn split_name(name: &str) -> (&str, String) {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[file..].find('.') {
        Some(dot) => (
            &name[..file + dot],
            name[file + dot + 1..].to_ascii_lowercase(),
        ),
        None => (name, String::new()),
    }
}

/// Members that belong together.
#[derive(Default)]
struct Sample {
    key: String,
    /// Position of the picture, and whether its extension is a single one: `key.jpg` goes before `key.mask.png`.
    picture: Option<(u64, bool)>,
    /// Text of the label.
    label: Option<String>,
    json: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Sample {
    fn of(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..Self::default()
        }
    }

    /// Keeps what is needed of a member. What is wrong with it is counted; an error is that of the archive.
    fn take(
        &mut self,
        member: &mut Member<'_>,
        extension: &str,
        is_label: bool,
        dropped: &mut Tally,
    ) -> io::Result<()> {
        if let Kind::Picture(position) = member.kind {
            let is_single = !extension.contains('.');
            match self.picture {
                Some((_, had_single)) if had_single == is_single => {
                    dropped.add("a second picture of one sample", member.name);
                }
                Some((_, true)) => {}
                _ => self.picture = Some((position, is_single)),
            }
            return Ok(());
        }
        if !is_label && extension != "json" {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if member.read(&mut bytes, MAX_TEXT)?.is_err() {
            dropped.add("a label or description that is too long", member.name);
            return Ok(());
        }
        if is_label {
            self.label = Some(String::from_utf8_lossy(&bytes).into_owned());
        } else {
            match serde_json::from_slice(&bytes) {
                Ok(object) => self.json = Some(object),
                Err(_) => dropped.add("a description that is no JSON object", member.name),
            }
        }
        Ok(())
    }
}

/// A shard as far as it is read.
struct Shard<'a> {
    path: &'a Path,
    container: usize,
    reading: &'a Reading,
    table: Table,
    /// The samples so far.
    keys: HashSet<String>,
    /// Extensions and keys of descriptions.
    seen: BTreeSet<String>,
    has_labels: bool,
}

impl Shard<'_> {
    fn see(&mut self, name: String) {
        if self.seen.len() < NAMED {
            self.seen.insert(name);
        }
    }

    /// Adds a sample that is complete.
    fn add(&mut self, sample: Sample) -> Result<(), DataError> {
        let name = self.reading.name_of(self.path, Some(&sample.key), 0);
        let json = sample.json.unwrap_or_default();
        for key in json.keys() {
            self.see(key.clone());
        }
        let Some((position, _)) = sample.picture else {
            if !sample.key.is_empty() && (sample.label.is_some() || !json.is_empty()) {
                self.table.dropped.add("a sample without a picture", &name);
            }
            return Ok(());
        };
        if !self.keys.insert(sample.key) {
            self.table
                .dropped
                .add("the same name again in an archive", &name);
            return Ok(());
        }
        let columns: Vec<&str> = json.keys().map(String::as_str).collect();
        let column = match &self.reading.label {
            Some(label) => Some(label.as_str()),
            None => roles::label(&columns),
        };
        let label = match (&sample.label, column.and_then(|column| json.get(column))) {
            (Some(text), _) => Cell::of_text(text),
            (None, Some(value)) => cell_of(value),
            (None, None) => Cell::Missing,
        };
        self.has_labels |= label != Cell::Missing;
        let flags: Vec<(usize, Cell<'_>)> = json
            .iter()
            .filter(|(name, _)| sample.label.is_some() || Some(name.as_str()) != column)
            .filter_map(|(name, value)| Some((self.table.candidates.place(name)?, cell_of(value))))
            .collect();
        let location = Location::Packed {
            container: self.container,
            position,
        };
        let flags = flags.iter().map(|(place, cell)| (*place, cell));
        self.table.push(name, &label, location, flags)
    }
}

fn cell_of(value: &serde_json::Value) -> Cell<'_> {
    use serde_json::Value;
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(value) => Cell::Integer((*value).into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cell::Integer(number),
            (None, Some(number)) => Cell::Real(number),
            (None, None) => Cell::Other,
        },
        Value::String(text) if text.trim().is_empty() => Cell::Missing,
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => Cell::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_file_name() {
        let split = |name| {
            let (key, extension) = split_name(name);
            (key.to_owned(), extension)
        };
        let is = |key: &str, extension: &str| (key.to_owned(), extension.to_owned());
        assert_eq!(split("a/b.c/7.Mask.PNG"), is("a/b.c/7", "mask.png"));
        assert_eq!(split("v1.0/7"), is("v1.0/7", ""));
        assert_eq!(split("7.cls"), is("7", "cls"));
    }
}
