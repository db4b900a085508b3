//! JPEG by the decoder itself: `image`, which wraps it, reads the headers three times, and that takes longer than the pixels
//! of small pictures.

use super::{Header, check_size};
use image::DynamicImage;
use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A decoder that has read the headers.
type Decoder<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

/// Whether bytes begin like those of a JPEG.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xD8])
}

/// Reads the header of a picture.
///
/// # Errors
/// Why the file cannot be used, in words.
pub(super) fn header(bytes: &[u8], max_pixels: u64) -> Result<Header, String> {
    open(bytes, max_pixels).map(|(header, _)| header)
}

/// Decodes a picture, which is still to be turned as its orientation says.
///
/// # Errors
/// Why the file cannot be used, in words.
pub(super) fn decode(
    bytes: &[u8],
    max_pixels: u64,
) -> Result<(Header, DynamicImage, Option<Orientation>), String> {
    let (header, mut decoder) = open(bytes, max_pixels)?;
    if !has_end(bytes) {
        return Err("is cut off: the end of the JPEG is missing".to_owned());
    }
    let exif = decoder.exif();
    let orientation = exif.and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = decoder.decode().map_err(explain)?;
    let (width, height) = (header.width as u32, header.height as u32);
    let image = match header.channels {
        1 => image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
    };
    let image = image.ok_or("cannot be decoded: it has fewer pixels than it says")?;
    Ok((header, image, orientation))
}

/// Reads the headers, and decides what is decoded: grey, or else red, green and blue.
fn open(bytes: &[u8], max_pixels: u64) -> Result<(Header, Decoder<'_>), String> {
    // Sizes are checked below, with the same limits for all formats.
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(explain)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    check_size(width as u64, height as u64, max_pixels)?;
    let (channels, colours) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        _ => (3, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let header = Header {
        width,
        height,
        channels,
        // Pixels as they are decoded, and as they are kept.
        decoding_bytes: 2 * (width * height * channels) as u64,
    };
    Ok((header, decoder))
}

/// Whether an end marker follows the last scan. The decoder fills what is missing with grey instead of failing.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    let end = last([0xFF, 0xD9]);
    end.is_some_and(|end| !bytes[end..].windows(2).any(|pair| pair == [0xFF, 0xDA]))
}

fn explain(error: DecodeErrors) -> String {
    match error {
        DecodeErrors::Unsupported(scheme) => format!("is not supported: {scheme:?}"),
        other => format!("cannot be decoded: {other}"),
    }
}
