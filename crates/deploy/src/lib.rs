//! Quantisation, int8 arithmetic, the .tflite format and generated headers.
//!
//! The way through this room: a [`FloatModel`] (a graph with BatchNorm folded into its weights) is
//! [`observe`]d on sample pictures, quantised to an [`Int8Model`] in the best of several ways ([`choose`]) and
//! [`write()`]n as a `.tflite` file.
//! [`read`] parses a file back ([`read_file`] with the memory plan that it may carry), and the [`Interpreter`] computes
//! exactly what the reference kernels of TensorFlow Lite for Microcontrollers compute, so that what is evaluated is the
//! file. Files that other tools wrote are read with [`read_network`]: a [`Network`] has more operators than a model.
//! [`c_library`] writes a model as C code that computes the same without any runtime.
//!
//! Pixels are bytes `[n, height, width, channels]`; everywhere a pixel `p` means the real number
//! `(p - 128) / 128`, which int8 with scale 1/128 and zero point 0 represents without loss. Only for networks of other
//! tools the [`Interpreter`] can be told what else it meant ([`Pixels`]).

mod c;
mod calibrate;
mod check;
mod choose;
mod evaluate;
mod fixed_point;
mod float;
mod header;
mod int8;
mod interpreter;
mod kernels;
mod model;
mod network;
mod pixels;
mod pooling;
mod quantise;
mod read;
mod schema;
mod softmax;
mod write;

pub use c::{Library, LibraryError, SourceFile, c_library};
pub use calibrate::{
    Calibration, CalibrationError, Observations, Range, Ranges, calibrate, observe,
};
pub use check::ModelError;
pub use choose::{Choice, ChoiceError, Examples, SCHEMES, Scheme, choose};
pub use evaluate::{Evaluation, InputError};
pub use header::{Header, HeaderError, c_header};
pub use int8::{Int8Model, Int8Weights, Quantisation};
pub use interpreter::Interpreter;
pub use model::{FloatModel, LayerParameters};
pub use network::Network;
pub use pixels::Pixels;
pub use quantise::{QuantiseError, quantise, quantise_corrected};
pub use read::{ModelFile, NetworkFile, ReadError, read, read_file, read_network};
pub use write::{Metadata, TensorNames, write};
