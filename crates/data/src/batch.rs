//! What the rooms after this one get: pixels and labels.

use crate::config::InputShape;

/// Examples of one data configuration.
///
/// A network reads the pixel byte `p` as the real number `(p - 128) / 128`, and an int8 model as `p - 128`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Shape of one example, `[height, width, channels]`.
    pub shape: InputShape,
    /// Pixels `[examples, height, width, channels]`.
    pub pixels: Vec<u8>,
    /// Index of the class of each example.
    pub labels: Vec<usize>,
}

impl Batch {
    /// The number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one example, `[height, width, channels]`.
    ///
    /// # Panics
    /// `index` is not below [`Batch::len`].
    pub fn example(&self, index: usize) -> &[u8] {
        let length = self.shape.bytes();
        &self.pixels[index * length..][..length]
    }
}
