//! Files that hold many pictures, read from front to back.

use super::example::{self, Feature};
use super::{archive, parquet, tfrecord};
use crate::error::DataError;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Is shown an example with its position: its bytes, or why it cannot be used. Says whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(u64, Result<&[u8], String>) -> ControlFlow<()> + 'a;

/// A file that holds many pictures. Examples in it are known by their position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Container {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) packing: Packing,
}

/// How pictures lie in a container, and what is counted to tell their position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Packing {
    /// A tar archive, compressed or not: members with the extension of a picture.
    Archive,
    /// Records of `tf.train.Example` with the picture in this feature.
    Records {
        /// The feature's name.
        picture: String,
    },
    /// A Parquet file with the pictures in this leaf of its schema.
    Parquet {
        /// The leaf's number.
        leaf: usize,
    },
}

impl Container {
    /// Shows every example of the container in the order of positions, as encoded bytes, or says why it cannot be used.
    /// Only one picture (in a Parquet file one page of pictures) is in memory. Examples of more than `at_most` bytes are
    /// not read.
    ///
    /// # Errors
    /// The file cannot be read, is cut off or damaged; what came before was shown.
    pub(crate) fn for_each(&self, at_most: u64, visit: &mut Visit<'_>) -> Result<(), DataError> {
        match &self.packing {
            Packing::Archive => {
                let mut buffer = Vec::new();
                archive::walk(&self.path, &mut |member| {
                    let archive::Kind::Picture(position) = member.kind else {
                        return Ok(ControlFlow::Continue(()));
                    };
                    let read = member.read(&mut buffer, at_most)?;
                    Ok(visit(position, read.map(|()| buffer.as_slice())))
                })
            }
            Packing::Records { picture } => {
                // Beside the picture a record has labels and names.
                let at_most = at_most.saturating_add(1 << 20);
                tfrecord::walk(&self.path, at_most, &mut |position, record| {
                    visit(
                        position,
                        record.and_then(|record| picture_of(record, picture)),
                    )
                })
            }
            Packing::Parquet { leaf } => {
                parquet::walk(&self.path, *leaf, &mut |position, picture| {
                    let picture = picture.and_then(|bytes| match bytes.len() as u64 {
                        size if size > at_most => Err(archive::too_large(size, at_most)),
                        _ => Ok(bytes),
                    });
                    visit(position, picture)
                })
            }
        }
    }
}

fn picture_of<'a>(record: &'a [u8], name: &str) -> Result<&'a [u8], String> {
    let features = example::parse(record)?;
    match features.into_iter().find(|(found, _)| *found == name) {
        Some((_, Feature::Bytes(bytes))) => Ok(bytes),
        _ => Err(format!("has no picture in `{name}`")),
    }
}
