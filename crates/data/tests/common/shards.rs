//! Sets of pictures in files that hold many: number n has the label n % 2, and `dark` n / 2 % 2 if it is even.

use super::archive;
use super::picture_of;
use super::records::{bytes, example, framed, integer};
use danas_data::{
    Catalogue, DataError, Dataset, LoadOptions, ScanOptions, Source, Split, load, scan,
};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn scanned(path: &Path) -> Result<Catalogue, DataError> {
    scan(&Source::Folder(path.to_owned()), &ScanOptions::default())
}

pub(crate) fn labelled(path: &Path, column: &str) -> Result<Catalogue, DataError> {
    let options = ScanOptions {
        label_column: Some(column.to_owned()),
        ..ScanOptions::default()
    };
    scan(&Source::Folder(path.to_owned()), &options)
}

pub(crate) fn loaded(catalogue: &Catalogue) -> Result<Dataset, DataError> {
    load(catalogue, &LoadOptions::default(), &|_| {})
}

/// Examples for training, validation and test of a catalogue that has no others.
pub(crate) fn sizes(catalogue: &Catalogue) -> [usize; 3] {
    let [train, validation, test, pretraining] = Split::ALL.map(|split| catalogue.len(split));
    assert_eq!(pretraining, 0);
    [train, validation, test]
}

pub(crate) fn dropped(catalogue: &Catalogue) -> Vec<String> {
    let dropped = catalogue.dropped().iter();
    dropped
        .map(|dropped| format!("{} {}", dropped.count, dropped.reason))
        .collect()
}

/// What the extra column says of a picture: nothing of the odd ones.
pub(crate) fn dark(number: usize) -> Option<i64> {
    number.is_multiple_of(2).then_some(number as i64 / 2 % 2)
}

/// The part of a shard and its pictures.
pub(crate) fn shards() -> [(&'static str, std::ops::Range<usize>); 3] {
    [("train-0", 0..20), ("train-1", 20..40), ("test-0", 40..60)]
}

/// A shard of WebDataset.
pub(crate) fn tar_of(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let mut members: Vec<(String, Vec<u8>)> = Vec::new();
    for number in numbers {
        let json = match dark(number) {
            Some(dark) => format!("{{\"dark\": {dark}, \"width\": {number}}}"),
            None => "{\"dark\": null}".to_owned(),
        };
        members.push((
            format!("p{number}.cls"),
            (number % 2).to_string().into_bytes(),
        ));
        members.push((format!("p{number}.json"), json.into_bytes()));
        members.push((format!("p{number}.png"), picture_of("p", number)));
    }
    let members: Vec<(&str, &[u8])> = (members
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
    .collect();
    archive(&members)
}

/// A shard of TFRecord.
pub(crate) fn records_of(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let record = |number: usize| {
        let mut features = vec![
            bytes("image", &picture_of("p", number)),
            integer("person", (number % 2) as i64),
            bytes("filename", format!("p{number}.png").as_bytes()),
            integer("dark", dark(number).unwrap_or(-1)),
            integer("width", 20),
        ];
        features.rotate_left(number % 5);
        framed(&example(&features))
    };
    numbers.flat_map(record).collect()
}

/// A Parquet file with the picture as a struct, in groups of seven rows.
pub(crate) fn parquet_of(numbers: std::ops::Range<usize>, label: &str) -> Vec<u8> {
    let schema = format!(
        "message schema {{
            optional group image {{ optional binary bytes; optional binary path (STRING); }}
            optional int64 {label};
            optional int64 dark;
            required int64 width;
        }}"
    );
    let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_compression(parquet::basic::Compression::SNAPPY)
        .build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
    let numbers: Vec<usize> = numbers.collect();
    for rows in numbers.chunks(7) {
        let mut group = writer.next_row_group().expect("a group");
        let pictures: Vec<ByteArray> = rows
            .iter()
            .map(|&number| picture_of("p", number).into())
            .collect();
        let paths: Vec<ByteArray> = rows
            .iter()
            .map(|number| format!("p{number}.png").into_bytes().into())
            .collect();
        for texts in [pictures, paths] {
            let mut column = group.next_column().expect("a column").expect("a column");
            let levels = vec![2; rows.len()];
            let typed = column.typed::<ByteArrayType>();
            typed
                .write_batch(&texts, Some(&levels), None)
                .expect("written");
            column.close().expect("closed");
        }
        let labels: Vec<Option<i64>> = rows.iter().map(|number| Some(*number as i64 % 2)).collect();
        let dark: Vec<Option<i64>> = rows.iter().map(|number| dark(*number)).collect();
        let width = vec![Some(20); rows.len()];
        for (numbers, is_optional) in [(labels, true), (dark, true), (width, false)] {
            let mut column = group.next_column().expect("a column").expect("a column");
            let levels: Vec<i16> = numbers
                .iter()
                .map(|number| i16::from(number.is_some()))
                .collect();
            let values: Vec<i64> = numbers.into_iter().flatten().collect();
            column
                .typed::<Int64Type>()
                .write_batch(&values, is_optional.then_some(&levels[..]), None)
                .expect("written");
            column.close().expect("closed");
        }
        group.close().expect("closed");
    }
    writer.into_inner().expect("a file")
}
