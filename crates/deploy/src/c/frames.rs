//! What the preprocessing of camera frames needs to know of a model.

use danas_space::Shape;
use serde::Serialize;

use crate::c::arrays::rows;
use crate::int8::Quantisation;
use crate::pixels::Pixels;

/// The longest side of a frame, as in `runtime/preprocessing.h`.
const LONGEST_SIDE: usize = 4096;

/// The options of `runtime/preprocessing.h`.
#[derive(Debug, Serialize)]
pub(super) struct Frames {
    /// The shorter side that frames are reduced to first; 0 for none.
    finest: usize,
    /// The most columns of a reduced frame that an input is made of.
    columns: usize,
    /// The input integers of all pixel values, where they are not `p - 128`.
    integers: Option<String>,
    #[serde(skip)]
    side: usize,
}

impl Frames {
    /// The options for an input; `None` where it is no square picture of 1 or 3 channels.
    pub(super) fn new(
        input: Shape,
        quantisation: Quantisation,
        finest: Option<usize>,
    ) -> Option<Self> {
        let is_picture = input.height == input.width
            && input.height <= LONGEST_SIDE
            && matches!(input.channels, 1 | 3);
        if !is_picture {
            return None;
        }
        // No frame is longer, so none would be reduced.
        let finest = finest.filter(|finest| (1..LONGEST_SIDE).contains(finest));
        Some(Self {
            side: input.height,
            columns: finest.map_or(0, |finest| reduced_columns(finest, input.height)),
            finest: finest.unwrap_or(0),
            integers: (quantisation != Quantisation::PIXELS)
                .then(|| rows(Pixels::Centred.integers(quantisation).iter())),
        })
    }

    /// The memory of `preprocess()`, in bytes.
    pub(super) fn scratch_bytes(&self) -> usize {
        4 * (4 * self.side + 5 * self.columns)
    }
}

/// The most columns of a frame with a shorter side of `finest` that `side` columns of the resized frame are made of.
/// The longer side is rounded, by half a pixel at most, so a resized pixel is as long as `finest / (side - 1/2)`
/// pixels at most; two more are cut at the ends, and where pixels are interpolated, one more is read.
fn reduced_columns(finest: usize, side: usize) -> usize {
    (2 * side * finest).div_ceil(2 * side - 1) + 3
}
