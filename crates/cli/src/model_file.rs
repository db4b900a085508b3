//! A .tflite file that a person names, and the `preprocessing.toml` beside it.

use std::path::Path;

use danas_data::{Colour, DataConfig, MAX_RESOLUTION, MIN_RESOLUTION, Preprocessing};
use danas_deploy::{Network, NetworkFile, read_network};
use danas_space::Shape;

use crate::message::{Blame, Failure, Outcome, from_data};

/// The most bytes of a model file that are read; no microcontroller has as much flash.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A network, the memory plan that its file may carry, and the file's size.
pub(crate) struct ModelFile {
    pub(crate) network: Network,
    pub(crate) offsets: Vec<Option<u64>>,
    pub(crate) bytes: u64,
}

impl ModelFile {
    /// Reads a model of any tool.
    ///
    /// # Errors
    /// If there is no such file, or it is no model that can be run.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let bytes = read_limited(path)?;
        let NetworkFile { network, offsets } = read_network(&bytes).map_err(|error| {
            Failure::input(error).context(format!("{} is no usable model", path.display()))
        })?;
        Ok(Self {
            network,
            offsets,
            bytes: bytes.len() as u64,
        })
    }
}

fn read_limited(path: &Path) -> Outcome<Vec<u8>> {
    let cannot = |error: std::io::Error| {
        Failure::input(error).context(format!("cannot read {}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > MAX_FILE_BYTES {
        return Err(Failure::input_text(format!(
            "{} has {size} bytes; a model for a microcontroller has at most {MAX_FILE_BYTES}",
            path.display()
        )));
    }
    std::fs::read(path).map_err(cannot)
}

/// The data configuration that makes a model's input.
///
/// # Errors
/// If no picture becomes such an input.
pub(crate) fn data_config(input: Shape) -> Outcome<DataConfig> {
    let colour = match input.channels {
        1 => Colour::Mono,
        3 => Colour::Rgb,
        n => {
            return Err(Failure::input_text(format!(
                "the model's input has {n} channels; pictures have 1 or 3"
            )));
        }
    };
    if input.height != input.width || !(MIN_RESOLUTION..=MAX_RESOLUTION).contains(&input.height) {
        return Err(Failure::input_text(format!(
            "the model's input is {}x{}; expected a square of {MIN_RESOLUTION} to {MAX_RESOLUTION} pixels",
            input.height, input.width
        )));
    }
    Ok(DataConfig {
        resolution: input.height,
        colour,
    })
}

/// The `preprocessing.toml` beside a model's file; none where there is none.
///
/// # Errors
/// If it cannot be read or belongs to another input.
pub(crate) fn preprocessing_beside(model: &Path, input: Shape) -> Outcome<Option<Preprocessing>> {
    let beside = model.with_file_name("preprocessing.toml");
    if !beside.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&beside).or_input()?;
    let preprocessing = Preprocessing::from_toml(&text).map_err(from_data)?;
    let config = data_config(input)?;
    if preprocessing.config() != config {
        return Err(Failure::input_text(format!(
            "{} is for {}, but the model sees {config}",
            beside.display(),
            preprocessing.config()
        )));
    }
    Ok(Some(preprocessing))
}
