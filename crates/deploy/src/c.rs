//! A model as a folder of plain C99 that needs no runtime.
//!
//! The generated code computes what [`crate::Interpreter`] computes, bit for bit. The operators are C sources of their
//! own (`runtime/`), of which a folder gets those that the model uses; what depends on the model is written here: where
//! tensors lie ([`storage`]), the layers and their parameters ([`layers`], [`arrays`]), how frames become inputs
//! ([`frames`]), and the files around them ([`project`]).

mod arrays;
mod frames;
mod layers;
mod project;
mod storage;

use danas_space::Operator;

use crate::int8::Int8Model;

/// The most channels of a softmax: with more, the sum of exponentials can take so many bits that interpreters shift by
/// more than 31, and no longer agree.
const MAX_SOFTMAX: usize = 512;

/// What the C code of a model says beside the model.
#[derive(Debug, Clone, Copy)]
pub struct Library<'a> {
    /// The name of the library and the prefix of everything public in it, made a C identifier where it is none.
    pub name: &'a str,
    /// The names of the classes, in the order of the outputs.
    pub classes: &'a [String],
    /// The shorter side in pixels that longer pictures were reduced to before anything else, if they were.
    pub finest: Option<usize>,
}

/// A file of a C library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path inside the library's folder, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Why a model could not be written as C.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The number of names is not the number of outputs.
    #[error("there are {found} class names for {expected} outputs")]
    Classes {
        /// Outputs of the model.
        expected: usize,
        /// Names that were given.
        found: usize,
    },
    /// A softmax has so many channels that its integer arithmetic is not defined.
    #[error(
        "layer {layer} is a softmax of {channels} channels; C code is written for at most {MAX_SOFTMAX}"
    )]
    Softmax {
        /// The layer.
        layer: String,
        /// Its channels.
        channels: usize,
    },
    /// A template failed, which is a fault of this library.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
}

/// Writes a model as C99: no heap, no dependency but the compiler's own headers, the activations in one static buffer.
/// Beside the sources there is what Arduino, PlatformIO, ESP-IDF and make want to see. Camera frames are turned into
/// inputs as in training where the input is a square picture of 1 or 3 channels.
///
/// # Errors
/// [`LibraryError`] when there is not one class name per output, or a softmax is too wide.
pub fn c_library(
    model: &Int8Model,
    library: &Library<'_>,
) -> Result<Vec<SourceFile>, LibraryError> {
    if library.classes.len() != model.outputs() {
        return Err(LibraryError::Classes {
            expected: model.outputs(),
            found: library.classes.len(),
        });
    }
    let too_wide =
        model.graph().layers.iter().find(|layer| {
            layer.operator == Operator::Softmax && layer.output.channels > MAX_SOFTMAX
        });
    if let Some(layer) = too_wide {
        return Err(LibraryError::Softmax {
            layer: layer.name.clone(),
            channels: layer.output.channels,
        });
    }
    Ok(project::files(model, library)?)
}
