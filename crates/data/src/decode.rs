//! Turning one file into pixels, with limits that are checked before memory is taken.

mod jpeg;

use crate::picture::{Picture, reduced_size};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};
use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// The longer side of a picture may be this many times the shorter one.
const MAX_ASPECT: u64 = 32;

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 1 where the file can hold nothing but grey, else 3.
    pub(crate) channels: usize,
    /// Bytes that decoding takes for a moment.
    pub(crate) decoding_bytes: u64,
}

impl Header {
    /// Bytes of the pixels once the shorter side is at most `finest`.
    pub(crate) fn kept_bytes(&self, finest: usize) -> u64 {
        let (width, height) = reduced_size(self.width, self.height, finest);
        (width * height * self.channels) as u64
    }
}

/// How much of a file is read for its header, at first.
const HEADER_BYTES: u64 = 256 << 10;

/// Reads the header of a picture.
///
/// # Errors
/// Why the file cannot be used, in words.
pub(crate) fn header(path: &Path, max_pixels: u64) -> Result<Header, String> {
    guarded(|| {
        let (start, whole) = read(path, max_pixels, HEADER_BYTES)?;
        parse_header(&start, max_pixels).or_else(|reason| {
            if whole {
                return Err(reason);
            }
            let (bytes, _) = read(path, max_pixels, u64::MAX)?;
            parse_header(&bytes, max_pixels)
        })
    })
}

fn parse_header(bytes: &[u8], max_pixels: u64) -> Result<Header, String> {
    match jpeg::is(bytes) {
        true => jpeg::header(bytes, max_pixels),
        false => open(bytes, max_pixels).map(|decoder| told_by(&decoder)),
    }
}

fn told_by(decoder: &impl ImageDecoder) -> Header {
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() {
        3
    } else {
        1
    };
    let pixels = u64::from(width) * u64::from(height);
    Header {
        width: width as usize,
        height: height as usize,
        channels,
        decoding_bytes: decoder.total_bytes() + pixels * channels as u64,
    }
}

/// Decodes a picture: turned upright as its EXIF orientation says, 16 bits reduced to 8, alpha composited on white.
///
/// # Errors
/// Why the file cannot be used, in words.
pub(crate) fn picture(path: &Path, max_pixels: u64) -> Result<(Header, Picture), String> {
    guarded(|| {
        let (bytes, _) = read(path, max_pixels, u64::MAX)?;
        decode(&bytes, max_pixels)
    })
}

/// Reads the header of an encoded picture, as [`header`] does.
pub(crate) fn header_of(bytes: &[u8], max_pixels: u64) -> Result<Header, String> {
    guarded(|| parse_header(not_empty(bytes)?, max_pixels))
}

/// Decodes an encoded picture, as [`picture`] does.
pub(crate) fn picture_of(bytes: &[u8], max_pixels: u64) -> Result<(Header, Picture), String> {
    guarded(|| decode(not_empty(bytes)?, max_pixels))
}

/// Whether bytes begin like those of a picture of any kind.
pub(crate) fn looks_like_a_picture(bytes: &[u8]) -> bool {
    image::guess_format(bytes).is_ok()
}

fn not_empty(bytes: &[u8]) -> Result<&[u8], String> {
    match bytes.is_empty() {
        true => Err("is empty".to_owned()),
        false => Ok(bytes),
    }
}

fn decode(bytes: &[u8], max_pixels: u64) -> Result<(Header, Picture), String> {
    let (header, mut image, orientation) = match jpeg::is(bytes) {
        true => jpeg::decode(bytes, max_pixels)?,
        false => decode_other(bytes, max_pixels)?,
    };
    // A picture whose orientation cannot be read is a picture all the same.
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok((header, to_bytes(image)))
}

/// Decodes a picture of any other format, which is still to be turned as its orientation says.
fn decode_other(
    bytes: &[u8],
    max_pixels: u64,
) -> Result<(Header, DynamicImage, Option<Orientation>), String> {
    let mut decoder = open(bytes, max_pixels)?;
    let header = told_by(&decoder);
    let orientation = decoder.orientation().ok();
    let image = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?;
    Ok((header, image, orientation))
}

/// A decoder that panics on a broken file must not take the run with it.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("the decoder failed on it".to_owned()))
}

/// The first bytes of a file, and whether that is all of it.
fn read(path: &Path, max_pixels: u64, at_most: u64) -> Result<(Vec<u8>, bool), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = open_file(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let length = found.len();
    if length == 0 {
        return Err("is empty".to_owned());
    }
    let allowed = encoded_bytes(max_pixels);
    if length > allowed {
        return Err(format!(
            "is a file of {} MiB; at most {} MiB are read",
            length >> 20,
            allowed >> 20
        ));
    }
    let mut bytes = Vec::with_capacity(length.min(at_most) as usize);
    file.take(at_most.min(allowed))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok((bytes, length <= at_most))
}

/// Opens a file without waiting, even where it is a pipe that nobody writes to. (To ask for its kind first would look up its
/// path twice.)
fn open_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    options.open(path)
}

/// The most bytes that an encoded picture of so many pixels takes: eight per pixel without compression, and what is
/// beside them.
pub(crate) fn encoded_bytes(max_pixels: u64) -> u64 {
    max_pixels.saturating_mul(8).saturating_add(1 << 20)
}

fn open(bytes: &[u8], max_pixels: u64) -> Result<impl ImageDecoder + '_, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| format!("cannot be read: {error}"))?;
    if reader.format().is_none() {
        return Err("its content is not a picture; expected JPEG, PNG, BMP or WebP".to_owned());
    }
    let mut limits = Limits::default();
    // Four channels of two bytes are the most that a decoder gives; as much again for its own buffers.
    limits.max_alloc = Some(max_pixels.saturating_mul(16));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| explain(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height), max_pixels)?;
    Ok(decoder)
}

fn check_size(width: u64, height: u64, max_pixels: u64) -> Result<(), String> {
    let pixels = width.saturating_mul(height);
    let longest = crate::resize::MAX_SIDE as u64;
    if pixels == 0 {
        return Err(format!("has no pixels ({width}x{height})"));
    }
    if pixels > max_pixels || width.max(height) > longest {
        return Err(format!(
            "{width}x{height} is too large: at most {:.1} million pixels and {longest} per side are decoded",
            max_pixels as f64 / 1e6
        ));
    }
    if width.max(height) > MAX_ASPECT * width.min(height) {
        return Err(format!(
            "{width}x{height} is too narrow: sides may differ {MAX_ASPECT} times"
        ));
    }
    Ok(())
}

fn explain(error: &ImageError) -> String {
    match error {
        ImageError::Unsupported(unsupported) => format!("is not supported: {unsupported}"),
        ImageError::Limits(_) => "needs more memory than is allowed for one picture".to_owned(),
        other => format!("cannot be decoded: {other}"),
    }
}

fn to_bytes(image: DynamicImage) -> Picture {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, bytes) = match image {
        DynamicImage::ImageLuma8(image) => (1, image.into_raw()),
        DynamicImage::ImageRgb8(image) => (3, image.into_raw()),
        DynamicImage::ImageLumaA8(image) => (1, on_white::<2>(&image)),
        DynamicImage::ImageRgba8(image) => (3, on_white::<4>(&image)),
        DynamicImage::ImageLuma16(image) => (1, to_8_bits(&image)),
        DynamicImage::ImageRgb16(image) => (3, to_8_bits(&image)),
        DynamicImage::ImageLumaA16(image) => (1, on_white::<2>(&to_8_bits(&image))),
        DynamicImage::ImageRgba16(image) => (3, on_white::<4>(&to_8_bits(&image))),
        other => (3, other.into_rgb8().into_raw()),
    };
    Picture {
        width,
        height,
        channels,
        bytes,
    }
}

/// `value / 257`, rounded to nearest.
fn to_8_bits(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .map(|&value| ((u32::from(value) + 128) / 257) as u8)
        .collect()
}

/// Composites pixels of `N` values, the last of which is alpha, on white: `(a p + (255 - a) 255) / 255`, rounded to
/// nearest.
fn on_white<const N: usize>(values: &[u8]) -> Vec<u8> {
    let composite = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((alpha * value + (255 - alpha) * 255 + 127) / 255) as u8
    };
    values
        .chunks_exact(N)
        .flat_map(|pixel| {
            pixel[..N - 1]
                .iter()
                .map(|&value| composite(value, pixel[N - 1]))
        })
        .collect()
}
