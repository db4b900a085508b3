//! Small folders of pictures for the tests.
// Every test binary uses only a part of this.
#![allow(dead_code, unreachable_pub)]

pub(crate) mod lists;
pub(crate) mod oracle;
pub(crate) mod records;
pub(crate) mod shards;

use danas_data::DataError;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

/// A folder that goes away with the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The error's text with its hint, as a person sees it.
pub(crate) fn complaint<T>(result: Result<T, DataError>) -> String {
    let error = result.err().expect("an error");
    format!("{error}\n{}", error.hint().unwrap_or_default())
}

/// A tar archive of these members.
pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder
            .append_data(&mut header, name, *bytes)
            .expect("a member");
    }
    builder.into_inner().expect("an archive")
}

/// The bytes compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

/// The picture with this number of those whose names begin with `stem`.
pub(crate) fn picture_of(stem: &str, number: usize) -> Vec<u8> {
    let salt: u32 = stem.bytes().map(u32::from).sum();
    png(20, 16, salt * 1000 + number as u32)
}

/// A picture of one pattern per number, as PNG bytes.
pub(crate) fn png(width: u32, height: u32, number: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let value = x.wrapping_mul(7) ^ y.wrapping_mul(13) ^ number.wrapping_mul(29);
        image::Rgb([value as u8, (value >> 1) as u8 ^ 0x55, (number + y) as u8])
    });
    encoded(&picture.into(), image::ImageFormat::Png)
}

/// A picture in a format.
pub(crate) fn encoded(picture: &image::DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("an encoded picture");
    bytes.into_inner()
}

/// Writes a file with the folders it needs.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    std::fs::write(path, bytes).expect("a file");
}

/// `count` different pictures in a class folder; `salt` tells classes and parts apart.
pub(crate) fn class(folder: &Path, count: u32, salt: u32) {
    for number in 0..count {
        write(
            &folder.join(format!("{number:03}.png")),
            &png(20, 16, salt * 1000 + number),
        );
    }
}
