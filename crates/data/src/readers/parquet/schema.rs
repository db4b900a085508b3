//! Which columns of a Parquet file are what.

use super::pages::Pages;
use crate::error::DataError;
use crate::readers::roles;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;
use std::path::Path;

/// A column with its place among the leaves of the schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) leaf: usize,
}

/// The columns of a file.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The column of encoded pictures.
    pub(crate) picture: Leaf,
    /// The column of labels.
    pub(crate) label: Leaf,
    /// The column of names.
    pub(crate) name: Option<usize>,
    /// Columns that may hold nothing but 0 and 1.
    pub(crate) flags: Vec<Leaf>,
    /// The names of the classes, if the file says them.
    pub(crate) classes: Option<Vec<String>>,
    all: Vec<String>,
}

impl Schema {
    /// Finds the columns; `label` is the one that the user named.
    ///
    /// # Errors
    /// There is no column of pictures or labels, or not the one that was named.
    pub(super) fn of(pages: &Pages, path: &Path, label: Option<&str>) -> Result<Self, DataError> {
        let descriptor = pages.metadata().file_metadata().schema_descr();
        let features = Features::of(pages);
        let leaves: Vec<Found> = descriptor
            .columns()
            .iter()
            .enumerate()
            .filter_map(|(leaf, column)| Found::of(leaf, column))
            .collect();
        let mut all: Vec<String> = descriptor
            .root_schema()
            .get_fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        all.sort();
        let of_kind = |kind| leaves.iter().filter(move |found| found.kind == kind);
        let pictures: Vec<&str> = of_kind(Kind::Bytes).map(|found| found.name).collect();
        let picture = features
            .picture
            .as_deref()
            .filter(|name| pictures.contains(name))
            .or_else(|| roles::picture(&pictures))
            .or(match pictures[..] {
                [only] => Some(only),
                _ => None,
            })
            .ok_or_else(|| DataError::NoPictureColumn {
                path: path.to_owned(),
                found: all.clone(),
            })?;
        let columns: Vec<&str> = leaves
            .iter()
            .filter(|found| found.is_plain() && found.name != picture)
            .map(|found| found.name)
            .collect();
        let label = match label {
            Some(label) => columns.iter().find(|name| **name == label).copied(),
            None => features.label(&columns).or_else(|| roles::label(&columns)),
        }
        .ok_or_else(|| DataError::no_label(path, label, &columns))?;
        let texts: Vec<&str> = of_kind(Kind::Text).map(|found| found.name).collect();
        let name = roles::name(&texts)
            .and_then(|name| of_kind(Kind::Text).find(|found| found.name == name))
            .or_else(|| of_kind(Kind::Path).find(|found| found.name == picture));
        let leaf = |name: &str, kinds: &[Kind]| {
            leaves
                .iter()
                .find(|found| found.name == name && kinds.contains(&found.kind))
                .map_or(0, |found| found.leaf)
        };
        Ok(Self {
            picture: Leaf {
                leaf: leaf(picture, &[Kind::Bytes]),
                name: picture.to_owned(),
            },
            label: Leaf {
                leaf: leaf(label, &[Kind::Number, Kind::Text]),
                name: label.to_owned(),
            },
            name: name.map(|found| found.leaf),
            flags: of_kind(Kind::Number)
                .filter(|found| found.name != label)
                .map(|found| Leaf {
                    name: found.name.to_owned(),
                    leaf: found.leaf,
                })
                .collect(),
            classes: features.classes(label),
            all,
        })
    }

    /// The names of all columns, sorted.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.all.clone()
    }
}

/// What a leaf can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    /// Bytes that are no text, alone or as the field `bytes` of a struct.
    Bytes,
    /// The field `path` of a struct.
    Path,
}

/// A leaf that can be read: not within a list.
struct Found<'a> {
    name: &'a str,
    kind: Kind,
    leaf: usize,
}

impl<'a> Found<'a> {
    fn of(leaf: usize, column: &'a ColumnDescriptor) -> Option<Self> {
        if column.max_rep_level() > 0 {
            return None;
        }
        let is_text = matches!(column.converted_type(), ConvertedType::UTF8)
            || matches!(
                column.logical_type_ref(),
                Some(LogicalType::String | LogicalType::Enum)
            );
        let (name, kind) = match (column.path().parts(), column.physical_type()) {
            ([name], Type::BYTE_ARRAY) if is_text => (name, Kind::Text),
            ([name], Type::BYTE_ARRAY) => (name, Kind::Bytes),
            ([name], Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE) => {
                (name, Kind::Number)
            }
            ([name, field], Type::BYTE_ARRAY) if field == "bytes" => (name, Kind::Bytes),
            ([name, field], Type::BYTE_ARRAY) if field == "path" => (name, Kind::Path),
            _ => return None,
        };
        Some(Self { name, kind, leaf })
    }

    fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Text)
    }
}

/// What Hugging Face's library writes about the columns into a file.
struct Features {
    picture: Option<String>,
    labels: Vec<(String, Vec<String>)>,
}

impl Features {
    fn of(pages: &Pages) -> Self {
        let mut found = Self {
            picture: None,
            labels: Vec::new(),
        };
        let pairs = pages.metadata().file_metadata().key_value_metadata();
        let text = pairs
            .into_iter()
            .flatten()
            .find(|pair| pair.key == "huggingface")
            .and_then(|pair| pair.value.as_deref());
        let Some(Ok(described)) = text.map(serde_json::from_str::<serde_json::Value>) else {
            return found;
        };
        let features = described["info"]["features"].as_object();
        for (name, feature) in features.into_iter().flatten() {
            match feature["_type"].as_str() {
                Some("Image") if found.picture.is_none() => found.picture = Some(name.clone()),
                Some("ClassLabel") => {
                    let names = feature["names"].as_array().into_iter().flatten();
                    let names = names.filter_map(|name| Some(name.as_str()?.to_owned()));
                    found.labels.push((name.clone(), names.collect()));
                }
                _ => {}
            }
        }
        found
    }

    /// The column of labels, where the file calls only one so.
    fn label<'a>(&self, columns: &[&'a str]) -> Option<&'a str> {
        match &self.labels[..] {
            [(name, _)] => columns.iter().find(|column| *column == name).copied(),
            _ => None,
        }
    }

    fn classes(&self, label: &str) -> Option<Vec<String>> {
        self.labels
            .iter()
            .find(|(name, names)| name == label && !names.is_empty())
            .map(|(_, names)| names.clone())
    }
}
