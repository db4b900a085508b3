//! What a pixel stands for.

use crate::int8::Quantisation;

/// The real number that a pixel `p` of 0 to 255 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// `(p - 128) / 128`: what danas trains with.
    Centred,
    /// `p / 127.5 - 1`: from -1 to 1.
    Signed,
    /// `p / 255`: from 0 to 1.
    Unit,
    /// `p`.
    Bytes,
}

impl Pixels {
    /// What pixels most likely stood for when a network with this input was trained: converters choose the quantisation
    /// of the input so that it covers just what the pixels stood for.
    pub fn likely(input: Quantisation) -> Self {
        if input == Quantisation::PIXELS {
            return Pixels::Centred;
        }
        let (least, most) = (input.real(i8::MIN), input.real(i8::MAX));
        if least < -most / 4.0 {
            Pixels::Signed
        } else if most < 2.0 {
            Pixels::Unit
        } else {
            Pixels::Bytes
        }
    }

    fn real(self, pixel: u8) -> f64 {
        let pixel = f64::from(pixel);
        match self {
            Pixels::Centred => (pixel - 128.0) / 128.0,
            Pixels::Signed => pixel / 127.5 - 1.0,
            Pixels::Unit => pixel / 255.0,
            Pixels::Bytes => pixel,
        }
    }

    /// The integers of all pixels: `p - 128` for [`Pixels::Centred`] and [`Quantisation::PIXELS`].
    pub(crate) fn integers(self, input: Quantisation) -> [i8; 256] {
        std::array::from_fn(|pixel| {
            let steps = self.real(pixel as u8) / f64::from(input.scale);
            let integer = steps.round() + f64::from(input.zero_point);
            integer.clamp(i8::MIN.into(), i8::MAX.into()) as i8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_the_input_tells_what_pixels_were() {
        let cases = [
            (1.0 / 128.0, 0, Pixels::Centred),
            (0.007_843_1, -1, Pixels::Signed),
            (1.0 / 255.0, -128, Pixels::Unit),
            (1.0, -128, Pixels::Bytes),
        ];
        for (scale, zero_point, pixels) in cases {
            let input = Quantisation { scale, zero_point };
            assert_eq!(Pixels::likely(input), pixels);
            // All of them use the whole range.
            for (pixel, integer) in pixels.integers(input).into_iter().enumerate() {
                assert!(
                    (pixel as i32 - 128 - i32::from(integer)).abs() <= 1,
                    "{pixels:?}"
                );
            }
        }
    }
}
