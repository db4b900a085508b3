//! One decoded picture, and how it becomes the pixels of a data configuration.

use crate::config::{Colour, DataConfig};
use crate::resize::{Goal, Pixels, Resizer};
use crate::view::View;

/// Decoded pixels `[height, width, channels]`: one channel where the picture is grey, else red, green, blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: Vec<u8>,
}

/// A picture whose pixels `[height, width, channels]` lie somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureRef<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: &'a [u8],
}

/// A rectangle of a picture, in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Picture {
    /// Keeps one channel where all three are equal everywhere.
    pub(crate) fn drop_equal_channels(self) -> Self {
        let coloured = |pixel: &[u8]| pixel[0] != pixel[1] || pixel[1] != pixel[2];
        if self.channels == 1 || self.bytes.chunks_exact(3).any(coloured) {
            return self;
        }
        Self {
            channels: 1,
            bytes: self.bytes.iter().step_by(3).copied().collect(),
            ..self
        }
    }

    /// Reduces the shorter side to `finest` pixels, where it is longer than that.
    pub(crate) fn reduce(self, finest: usize, resizer: &mut Resizer) -> Self {
        let (width, height) = reduced_size(self.width, self.height, finest);
        if (width, height) == (self.width, self.height) {
            return self;
        }
        let mut bytes = vec![0; width * height * self.channels];
        resizer.resize(
            self.borrowed().region(self.borrowed().whole()),
            Goal::whole(width, height),
            &mut bytes,
        );
        Self {
            width,
            height,
            bytes,
            ..self
        }
    }

    /// The same, without owning the pixels.
    pub(crate) fn borrowed(&self) -> PictureRef<'_> {
        PictureRef {
            width: self.width,
            height: self.height,
            channels: self.channels,
            bytes: &self.bytes,
        }
    }
}

impl<'a> PictureRef<'a> {
    fn whole(&self) -> Region {
        Region {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    fn region(&self, region: Region) -> Pixels<'a> {
        Pixels {
            bytes: &self.bytes[(region.top * self.width + region.left) * self.channels..],
            stride: self.width * self.channels,
            width: region.width,
            height: region.height,
            channels: self.channels,
        }
    }
}

/// Width and height after the shorter side was reduced to at most `finest`; the longer side is rounded half up.
pub(crate) fn reduced_size(width: usize, height: usize, finest: usize) -> (usize, usize) {
    if width.min(height) <= finest {
        (width, height)
    } else {
        fitted_size(width, height, finest)
    }
}

/// Width and height after the shorter side was brought to `side`; the longer side is rounded half up.
fn fitted_size(width: usize, height: usize, side: usize) -> (usize, usize) {
    let longer = |long: usize, short: usize| (2 * long * side + short) / (2 * short);
    if width <= height {
        (side, longer(height, width))
    } else {
        (longer(width, height), side)
    }
}

/// Makes the pixels of data configurations; keeps its buffers from one picture to the next.
#[derive(Debug, Default)]
pub(crate) struct Renderer {
    pub(crate) resizer: Resizer,
    resized: Vec<u8>,
}

impl Renderer {
    /// The evaluation pixels: shorter side to the resolution, centre crop. `out` is `[resolution, resolution, channels]`.
    pub(crate) fn evaluation(
        &mut self,
        picture: PictureRef<'_>,
        config: DataConfig,
        out: &mut [u8],
    ) {
        let side = config.resolution;
        let (width, height) = fitted_size(picture.width, picture.height, side);
        let goal = Goal {
            width,
            height,
            left: (width - side) / 2,
            top: (height - side) / 2,
            columns: side,
            rows: side,
            mirror: false,
        };
        self.render(picture, picture.whole(), goal, None, config.colour, out);
    }

    /// The training pixels of one view. `out` is `[resolution, resolution, channels]`.
    pub(crate) fn training(
        &mut self,
        picture: PictureRef<'_>,
        view: &View,
        config: DataConfig,
        out: &mut [u8],
    ) {
        let goal = Goal {
            mirror: view.mirror,
            ..Goal::whole(config.resolution, config.resolution)
        };
        self.render(
            picture,
            view.region,
            goal,
            view.tone.as_ref(),
            config.colour,
            out,
        );
    }

    fn render(
        &mut self,
        picture: PictureRef<'_>,
        region: Region,
        goal: Goal,
        tone: Option<&[u8; 256]>,
        colour: Colour,
        out: &mut [u8],
    ) {
        let source = picture.region(region);
        let direct = picture.channels == colour.channels();
        if direct {
            self.resizer.resize(source, goal, out);
        } else {
            self.resized
                .resize(goal.rows * goal.columns * picture.channels, 0);
            self.resizer.resize(source, goal, &mut self.resized);
        }
        if let Some(tone) = tone {
            let pixels = if direct { &mut *out } else { &mut self.resized };
            pixels
                .iter_mut()
                .for_each(|byte| *byte = tone[usize::from(*byte)]);
        }
        match (direct, colour) {
            (true, _) => {}
            (false, Colour::Mono) => {
                for (luma, pixel) in out.iter_mut().zip(self.resized.chunks_exact(3)) {
                    *luma = luma_of(pixel[0], pixel[1], pixel[2]);
                }
            }
            (false, Colour::Rgb) => {
                for (pixel, &grey) in out.chunks_exact_mut(3).zip(&self.resized) {
                    pixel.fill(grey);
                }
            }
        }
    }
}

/// ITU-R 601 luma of one pixel, `(299 R + 587 G + 114 B + 500) / 1000` rounded down: what a data configuration with
/// [`Colour::Mono`] makes of each pixel of the [`Colour::Rgb`] configuration of the same resolution.
pub fn luma_of(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_keeps_grey_and_the_primaries() {
        for grey in 0..=255 {
            assert_eq!(luma_of(grey, grey, grey), grey);
        }
        assert_eq!(
            [luma_of(255, 0, 0), luma_of(0, 255, 0), luma_of(0, 0, 255)],
            [76, 150, 29]
        );
    }

    #[test]
    fn sizes_keep_the_aspect() {
        assert_eq!(reduced_size(400, 300, 120), (160, 120));
        assert_eq!(reduced_size(100, 300, 120), (100, 300));
        assert_eq!(fitted_size(3, 2, 5), (8, 5));
        assert_eq!(fitted_size(2, 3, 4), (4, 6));
    }

    #[test]
    fn equal_channels_become_one() {
        let grey = Picture {
            width: 2,
            height: 1,
            channels: 3,
            bytes: vec![5, 5, 5, 9, 9, 9],
        };
        assert_eq!(grey.drop_equal_channels().bytes, [5, 9]);
        let red = Picture {
            width: 1,
            height: 1,
            channels: 3,
            bytes: vec![5, 5, 6],
        };
        assert_eq!(red.clone().drop_equal_channels(), red);
    }
}
