//! The rows of TFRecord files of `tf.train.Example`, as TensorFlow Datasets writes them.

use super::cell::Cell;
use super::example::{self, Feature};
use super::table::{Reading, Table};
use super::{roles, tfrecord};
use crate::catalogue::Location;
use crate::decode;
use crate::error::DataError;
use std::ops::ControlFlow;
use std::path::Path;

/// Which features are what, as the first record tells.
struct Roles {
    picture: String,
    label: String,
    name: Option<String>,
}

/// Lists the records of the file at `path`: labels, names and 0/1 features, and the feature with the picture. Pictures are
/// read over, not kept.
///
/// # Errors
/// The file is damaged or empty, or its first record has no picture or label.
pub(crate) fn list(
    path: &Path,
    container: usize,
    reading: &Reading,
    at_most: u64,
) -> Result<(Table, String), DataError> {
    let mut found: Option<(Table, Roles)> = None;
    let mut refused = Ok(());
    let mut unread = Vec::new();
    tfrecord::walk(path, at_most, &mut |position, record| {
        let features = match record.and_then(|record| {
            example::parse(record).map_err(|reason| format!("a record {reason}"))
        }) {
            Ok(features) => features,
            Err(reason) => {
                unread.push((position, reason));
                return ControlFlow::Continue(());
            }
        };
        refused = match &mut found {
            Some((table, roles)) => add(table, roles, &features, container, position, reading),
            None => begin(path, &features, reading.label.as_deref()).and_then(|(table, roles)| {
                let (table, roles) = found.insert((table, roles));
                add(table, roles, &features, container, position, reading)
            }),
        };
        match refused {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    refused?;
    let Some((mut table, roles)) = found else {
        let problem = match unread.first() {
            Some((_, reason)) => format!("has no record that can be used: {reason}"),
            None => "holds no records".to_owned(),
        };
        return Err(DataError::broken(path, problem));
    };
    for (position, reason) in unread {
        let name = reading.name_of(path, None, position);
        table.dropped.add(&reason, &name);
    }
    Ok((table, roles.picture))
}

fn begin(
    path: &Path,
    features: &[(&str, Feature<'_>)],
    label: Option<&str>,
) -> Result<(Table, Roles), DataError> {
    let mut columns: Vec<String> = features
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    columns.sort();
    let with = |wanted: &dyn Fn(&Feature<'_>) -> bool| -> Vec<&str> {
        let kept = features.iter().filter(|(_, feature)| wanted(feature));
        kept.map(|(name, _)| *name).collect()
    };
    let pictures = with(
        &|feature| matches!(feature, Feature::Bytes(bytes) if decode::looks_like_a_picture(bytes)),
    );
    let picture = roles::picture(&pictures)
        .or(pictures.first().copied())
        .or_else(|| roles::picture(&with(&|feature| matches!(feature, Feature::Bytes(_)))))
        .ok_or_else(|| DataError::NoPictureColumn {
            path: path.to_owned(),
            found: columns.clone(),
        })?;
    let mut plain = with(&|feature| feature.cell() != Cell::Other);
    plain.retain(|name| *name != picture);
    let chosen = match label {
        Some(label) => plain.iter().find(|name| **name == label).copied(),
        None => roles::label(&plain),
    };
    let label = chosen.ok_or_else(|| DataError::no_label(path, label, &plain))?;
    let mut texts = with(&|feature| matches!(feature, Feature::Bytes(_)));
    texts.retain(|name| *name != picture && *name != label);
    let roles = Roles {
        picture: picture.to_owned(),
        label: label.to_owned(),
        name: roles::name(&texts).map(str::to_owned),
    };
    Ok((Table::new(path, label, columns), roles))
}

fn add(
    table: &mut Table,
    roles: &Roles,
    features: &[(&str, Feature<'_>)],
    container: usize,
    position: u64,
    reading: &Reading,
) -> Result<(), DataError> {
    let (mut label, mut name) = (Cell::Missing, None);
    let mut flags = Vec::new();
    for (feature, value) in features {
        if *feature == roles.picture {
            continue;
        }
        if *feature == roles.label {
            label = value.cell();
        } else if Some(*feature) == roles.name.as_deref() {
            if let Feature::Bytes(bytes) = value {
                name = std::str::from_utf8(bytes).ok();
            }
        } else if let Some(place) = table.candidates.place(feature) {
            flags.push((place, value.cell()));
        }
    }
    let path = table.path.clone();
    let name = reading.name_of(&path, name, position);
    let location = Location::Packed {
        container,
        position,
    };
    let flags = flags.iter().map(|(place, cell)| (*place, cell));
    table.push(name, &label, location, flags)
}
