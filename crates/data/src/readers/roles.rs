//! Which column is the picture, which the label, which the name: by what people call them.

/// Names of a column of labels, the likeliest first.
const LABELS: [&str; 14] = [
    "label",
    "labels",
    "class",
    "class_name",
    "classname",
    "class_id",
    "category",
    "target",
    "person",
    "image/class/label",
    "fine_label",
    "cls",
    "y",
    "image/class/text",
];

/// Names of a column of file names.
const NAMES: [&str; 17] = [
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "img_path",
    "path",
    "file",
    "image/filename",
    "image_name",
    "image_id",
    "image",
    "img",
    "picture",
    "name",
    "id",
    "__key__",
];

/// Names of a column of pictures.
const PICTURES: [&str; 10] = [
    "image",
    "img",
    "picture",
    "photo",
    "image/encoded",
    "image_bytes",
    "encoded",
    "jpg",
    "jpeg",
    "png",
];

/// Names of a column that says which part a row belongs to.
const SPLITS: [&str; 4] = ["split", "subset", "partition", "set"];

fn first_of<'a>(known: &[&str], columns: &[&'a str]) -> Option<&'a str> {
    known.iter().find_map(|known| {
        let mut columns = columns.iter();
        columns
            .find(|column| column.trim().eq_ignore_ascii_case(known))
            .copied()
    })
}

/// The column of labels among these, by its name.
pub(crate) fn label<'a>(columns: &[&'a str]) -> Option<&'a str> {
    first_of(&LABELS, columns)
}

/// The column of names among these.
pub(crate) fn name<'a>(columns: &[&'a str]) -> Option<&'a str> {
    first_of(&NAMES, columns)
}

/// The column of pictures among these.
pub(crate) fn picture<'a>(columns: &[&'a str]) -> Option<&'a str> {
    first_of(&PICTURES, columns)
}

/// The column of parts among these.
pub(crate) fn split<'a>(columns: &[&'a str]) -> Option<&'a str> {
    first_of(&SPLITS, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names() {
        let wake_vision = ["filename", "person", "depiction", "body_part"];
        assert_eq!(label(&wake_vision), Some("person"));
        assert_eq!(name(&wake_vision), Some("filename"));
        assert_eq!(picture(&wake_vision), None);
        assert_eq!(label(&["Person", "Label"]), Some("Label"));
        assert_eq!(name(&["label", "image"]), Some("image"));
        assert_eq!(split(&["id", "Split"]), Some("Split"));
    }
}
