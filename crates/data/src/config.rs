//! The input data configuration: the half of a TinyML system that other searches fix by hand.

use serde::{Deserialize, Serialize};

/// The colour mode of a picture as the network sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// One channel: ITU-R 601 luma.
    Mono,
    /// Three channels: red, green, blue.
    Rgb,
}

impl Colour {
    /// The number of channels of the input tensor.
    pub fn channels(self) -> usize {
        match self {
            Colour::Mono => 1,
            Colour::Rgb => 3,
        }
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Colour::Mono => "mono",
            Colour::Rgb => "rgb",
        })
    }
}

/// One way to turn an example into an input tensor `[resolution, resolution, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DataConfig {
    /// Side of the square input, in pixels.
    pub resolution: usize,
    /// Colour mode.
    pub colour: Colour,
}

/// The shape of an input tensor, `[height, width, channels]`: all that the rooms after this one see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InputShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl InputShape {
    /// Bytes of one picture.
    pub fn bytes(&self) -> usize {
        self.height * self.width * self.channels
    }
}

impl DataConfig {
    /// The shape of the tensor that this configuration makes.
    pub fn input_shape(&self) -> InputShape {
        InputShape {
            height: self.resolution,
            width: self.resolution,
            channels: self.colour.channels(),
        }
    }
}

impl std::fmt::Display for DataConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{0}x{0} {1}", self.resolution, self.colour)
    }
}
