//! CSV lists and the pictures that they name.

use super::{picture_of, write};
use std::path::Path;

/// A list of `count` pictures of two classes and an extra column, which is 1 for every third; the names begin with `stem`.
pub(crate) fn rows(stem: &str, count: usize) -> String {
    let row = |number: usize| {
        format!(
            "{stem}{number}.png,{},{}\n",
            number % 2,
            u8::from(number.is_multiple_of(3))
        )
    };
    let rows: String = (0..count).map(row).collect();
    format!("filename,person,depiction\n{rows}")
}

/// Pictures of such a list, flat in a folder.
pub(crate) fn pictures(folder: &Path, stem: &str, count: usize) {
    for number in 0..count {
        write(
            &folder.join(format!("{stem}{number}.png")),
            &picture_of(stem, number),
        );
    }
}
