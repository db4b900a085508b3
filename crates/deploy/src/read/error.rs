//! Why a file cannot be read.

use crate::check::ModelError;
use crate::schema::Builtin;

/// Why bytes are not a `.tflite` file that this library can run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The file is larger than this library handles.
    #[error("the file has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// Size of the file.
        found: usize,
        /// The greatest allowed size.
        limit: usize,
    },
    /// The file does not start as a `.tflite` file does.
    #[error("not a .tflite file: the identifier \"TFL3\" is missing")]
    Identifier,
    /// An offset or a length points out of the file.
    #[error("damaged file: {what} at byte {offset} lies outside of the file")]
    OutOfBounds {
        /// What was to be read.
        what: &'static str,
        /// Where it should be.
        offset: usize,
    },
    /// A list is longer than any that makes sense in its place.
    #[error("the list at byte {offset} has {found} numbers, the limit is {limit}")]
    LongList {
        /// Where its elements start.
        offset: usize,
        /// How many it has.
        found: usize,
        /// The greatest allowed number.
        limit: usize,
    },
    /// Something that a model needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The schema version is unknown.
    #[error("schema version {0} is not supported; hint: version 3 is")]
    Version(u32),
    /// An operator that this library does not compute.
    #[error(
        "operator {index} has the code {code}, which is not supported; hint: these are: {}",
        Builtin::READ.map(Builtin::name).join(", ")
    )]
    Operator {
        /// Position of the operator.
        index: usize,
        /// Its BuiltinOperator code.
        code: i32,
    },
    /// An operator with options, or a tensor with a type or a quantisation, that is not supported.
    #[error("{place}: {what} is not supported")]
    Unsupported {
        /// Where it was found.
        place: String,
        /// What is not supported.
        what: String,
    },
    /// An index names nothing.
    #[error("{place}: there is no {what} {index}")]
    Index {
        /// Where it was found.
        place: String,
        /// What the index should name.
        what: &'static str,
        /// The index.
        index: i64,
    },
    /// Data of a tensor has the wrong size.
    #[error("{place} has {found} bytes of data, its shape needs {expected}")]
    DataSize {
        /// The tensor.
        place: String,
        /// Bytes that the shape needs.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The scale of a bias is not input scale x weight scale: no interpreter checks that, all compute as if
    /// it were.
    #[error("{place}: the scale of the bias is not input scale x weight scale")]
    BiasScale {
        /// The operator.
        place: String,
    },
    /// The memory plan that the file carries would be refused by TensorFlow Lite for Microcontrollers, or would
    /// make it compute something else than the model.
    #[error("the memory plan of the file: {0}")]
    MemoryPlan(String),
    /// What was read is not a model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ReadError {
    pub(crate) fn unsupported(place: &str, what: impl Into<String>) -> Self {
        Self::Unsupported {
            place: place.to_owned(),
            what: what.into(),
        }
    }
}
