//! Files that hold many pictures with labels: WebDataset, TFRecord and Parquet, good and damaged.

mod common;

use common::records::{bytes, entry, example, framed, integer};
use common::{archive, complaint, folder, gzip, picture_of, write};
use danas_data::{
    Catalogue, DataError, Dataset, Format, LoadOptions, ReadLimits, ScanOptions, Source, Split,
    load, scan, survey,
};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

fn scanned(path: &Path) -> Result<Catalogue, DataError> {
    scan(&Source::Folder(path.to_owned()), &ScanOptions::default())
}

fn labelled(path: &Path, column: &str) -> Result<Catalogue, DataError> {
    let options = ScanOptions {
        label_column: Some(column.to_owned()),
        ..ScanOptions::default()
    };
    scan(&Source::Folder(path.to_owned()), &options)
}

fn loaded(catalogue: &Catalogue) -> Result<Dataset, DataError> {
    load(catalogue, &LoadOptions::default(), &|_| {})
}

fn sizes(catalogue: &Catalogue) -> [usize; 3] {
    Split::ALL.map(|split| catalogue.len(split))
}

fn dropped(catalogue: &Catalogue) -> Vec<String> {
    let dropped = catalogue.dropped().iter();
    dropped
        .map(|dropped| format!("{} {}", dropped.count, dropped.reason))
        .collect()
}

/// What is the same for all formats: 60 pictures in shards of 20, two classes, an extra column `dark`.
fn expect_sixty(catalogue: &Catalogue, format: Format) -> Dataset {
    assert_eq!(catalogue.recognised().format, format);
    assert_eq!(sizes(catalogue), [34, 6, 20]);
    assert_eq!(catalogue.classes(), ["0", "1"]);
    let [dark] = &catalogue.column_counts()[..] else {
        panic!("one extra column: {:?}", catalogue.columns())
    };
    assert_eq!(dark.column, "dark");
    assert_eq!(
        (
            dark.ones.iter().sum::<usize>(),
            dark.zeros.iter().sum::<usize>()
        ),
        (15, 15)
    );
    let looked = survey(catalogue, &ReadLimits::default()).expect("a survey");
    assert_eq!(looked.pictures, 60);
    let dataset = loaded(catalogue).expect("pictures");
    assert!(dataset.skipped().is_empty(), "{:?}", dataset.skipped());
    // The label of a picture is the parity of its number.
    let config = danas_data::DataConfig {
        resolution: 16,
        colour: danas_data::Colour::Rgb,
    };
    let batch = dataset.render(Split::Test, config);
    let length = batch.pixels.len() / batch.labels.len();
    for (pixels, label) in batch.pixels.chunks_exact(length).zip(&batch.labels) {
        let number = (0..60).find(|number| expected(*number, config) == pixels);
        assert_eq!(number.expect("one of the pictures") % 2, *label);
    }
    dataset
}

/// The evaluation pixels of a picture, as made from a file.
fn expected(number: usize, config: danas_data::DataConfig) -> Vec<u8> {
    use std::sync::OnceLock;
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let all = FILES.get_or_init(|| {
        let dir = folder();
        for number in 0..60 {
            let bytes = picture_of("p", number);
            write(&dir.path().join(format!("test/a/{number:02}.png")), &bytes);
            for (part, class) in [("train", "a"), ("train", "b"), ("test", "b")] {
                write(
                    &dir.path().join(format!("{part}/{class}/{number:02}.png")),
                    &bytes,
                );
            }
        }
        let dataset = loaded(&scanned(dir.path()).expect("a catalogue")).expect("pictures");
        let batch = dataset.render(Split::Test, config);
        let length = batch.pixels.len() / batch.labels.len();
        batch.pixels[..60 * length]
            .chunks_exact(length)
            .map(<[u8]>::to_vec)
            .collect()
    });
    all[number].clone()
}

/// What the extra column says of a picture: nothing of the odd ones.
fn dark(number: usize) -> Option<i64> {
    number.is_multiple_of(2).then_some(number as i64 / 2 % 2)
}

/// The part of a shard and its pictures.
fn shards() -> [(&'static str, std::ops::Range<usize>); 3] {
    [("train-0", 0..20), ("train-1", 20..40), ("test-0", 40..60)]
}

/// A shard of WebDataset.
fn tar_of(numbers: std::ops::Range<usize>) -> Vec<u8> {
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
fn records_of(numbers: std::ops::Range<usize>) -> Vec<u8> {
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
fn parquet_of(numbers: std::ops::Range<usize>, label: &str) -> Vec<u8> {
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

#[test]
fn webdataset_shards_are_read() {
    for compressed in [false, true] {
        let dir = folder();
        for (name, numbers) in shards() {
            let bytes = tar_of(numbers);
            match compressed {
                true => write(&dir.path().join(format!("{name}.tar.gz")), &gzip(&bytes)),
                false => write(&dir.path().join(format!("{name}.tar")), &bytes),
            }
        }
        let catalogue = scanned(dir.path()).expect("a catalogue");
        let dataset = expect_sixty(&catalogue, Format::WebDataset);
        assert!(dataset.names(Split::Test)[0].starts_with("test-0.tar"));
    }
}

#[test]
fn tfrecord_shards_are_read() {
    let dir = folder();
    for (name, numbers) in shards() {
        let (part, shard) = name.split_once('-').expect("two words");
        let file = format!("set-{part}.tfrecord-0000{shard}-of-00002");
        write(&dir.path().join("1.0.0").join(file), &records_of(numbers));
    }
    let catalogue = scanned(dir.path()).expect("a catalogue");
    let why = &catalogue.recognised().why;
    assert!(
        why.contains("pictures in `image`, labels in `person`"),
        "{why}"
    );
    let dataset = expect_sixty(&catalogue, Format::TfRecord);
    assert!(dataset.names(Split::Test)[0].ends_with("/p40.png"));

    write(
        &dir.path().join("1.0.0/person.labels.txt"),
        b"nobody\nperson\n",
    );
    let named = scanned(dir.path()).expect("a catalogue");
    assert_eq!(named.classes(), ["nobody", "person"]);
}

#[test]
fn parquet_shards_are_read() {
    let dir = folder();
    for (name, numbers) in shards() {
        let file = format!("data/{name}000-of-00002.parquet");
        write(&dir.path().join(file), &parquet_of(numbers, "person"));
    }
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert!(catalogue.recognised().why.contains("labels in `person`"));
    let dataset = expect_sixty(&catalogue, Format::Parquet);
    assert!(dataset.names(Split::Test)[0].ends_with(".parquet/p40.png"));
    let other = labelled(dir.path(), "dark").expect("a catalogue");
    assert_eq!(dropped(&other), ["30 no label (empty or -1)"]);
    assert_eq!(other.columns(), ["person"]);
}

#[test]
fn a_shard_alone_is_split() {
    let dir = folder();
    let path = dir.path().join("pictures.parquet");
    write(&path, &parquet_of(0..60, "label"));
    let catalogue = scanned(&path).expect("a catalogue");
    assert_eq!(sizes(&catalogue), [40, 10, 10]);
}

#[test]
fn columns_that_are_missing_are_said() {
    let dir = folder();
    write(
        &dir.path().join("a.parquet"),
        &parquet_of(0..20, "shoe_size"),
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("no column of labels; it has") && text.contains("`shoe_size`"),
        "{text}"
    );
    assert!(text.contains("--label-column"), "{text}");
    assert_eq!(
        labelled(dir.path(), "shoe_size")
            .expect("a catalogue")
            .total(),
        20
    );
    let text = complaint(labelled(dir.path(), "image"));
    assert!(text.contains("no column of labels `image`"), "{text}");

    let dir = folder();
    let record = example(&[integer("label", 1), bytes("text", b"no picture")]);
    write(&dir.path().join("a.tfrecord"), &framed(&record));
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("no column of pictures") && text.contains("`text`"),
        "{text}"
    );

    let dir = folder();
    let members = [("a.png", picture_of("p", 1)), ("a.txt", b"cat".to_vec())];
    let members: Vec<(&str, &[u8])> = members
        .iter()
        .map(|(name, bytes)| (*name, &bytes[..]))
        .collect();
    write(&dir.path().join("a.tar"), &archive(&members));
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("no column of labels") && text.contains("`txt`"),
        "{text}"
    );
    let text = complaint(labelled(dir.path(), "txt"));
    assert!(text.contains("the class `cat` alone"), "{text}");
}

#[test]
fn shards_that_disagree_are_refused() {
    let dir = folder();
    write(
        &dir.path().join("train-0.parquet"),
        &parquet_of(0..20, "label"),
    );
    write(
        &dir.path().join("train-1.parquet"),
        &parquet_of(20..40, "target"),
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`label` and in `target`") && text.contains("folders of their own"),
        "{text}"
    );

    let dir = folder();
    write(&dir.path().join("train-0.tfrecord"), &records_of(0..20));
    let features = [
        bytes("image", &picture_of("p", 1)),
        integer("person", 1),
        integer("near", 1),
    ];
    write(
        &dir.path().join("train-1.tfrecord"),
        &framed(&example(&features)),
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("do not belong together: only one has `dark`"),
        "{text}"
    );

    let dir = folder();
    write(&dir.path().join("train-0.tfrecord"), &records_of(0..20));
    write(&dir.path().join("test-0.tfrecord"), &records_of(0..1));
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`test` has nothing of the class `1`") && text.contains("NAME=unused"),
        "{text}"
    );
}

#[test]
fn files_that_are_cut_off_are_refused() {
    let cases = [
        ("a.tar", tar_of(0..20)),
        ("a.tar.gz", gzip(&tar_of(0..20))),
        ("a.tfrecord", records_of(0..20)),
        ("a.parquet", parquet_of(0..20, "label")),
    ];
    for (name, whole) in cases {
        let dir = folder();
        for part in 1..8 {
            let end = whole.len() * part / 8 - 3;
            write(&dir.path().join(name), &whole[..end]);
            let text = complaint(scanned(dir.path()));
            assert!(
                text.contains(name) && text.contains("get the file again"),
                "{text}"
            );
        }
        write(&dir.path().join(name), b"");
        let text = complaint(scanned(dir.path()));
        assert!(text.contains("get the file again"), "{text}");
    }
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_refused() {
    let dir = folder();
    let path = dir.path().join("a.tfrecord");
    write(&path, &records_of(0..20));
    let catalogue = scanned(dir.path()).expect("a catalogue");
    write(&path, &records_of(0..10));
    let text = complaint(loaded(&catalogue));
    assert!(
        text.contains("fewer examples than when it was listed"),
        "{text}"
    );
}

#[test]
fn records_with_wrong_checksums_are_counted() {
    let dir = folder();
    let mut shard = records_of(0..40);
    let bad = framed(&example(&[integer("person", 1)]));
    shard.extend(&bad);
    let last = shard.len() - 6;
    shard[last] ^= 0x10;
    shard.extend(framed(b"no example"));
    write(&dir.path().join("a.tfrecord"), &shard);
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 40);
    assert_eq!(
        dropped(&catalogue),
        [
            "1 a record is not a tf.train.Example",
            "1 its checksum does not match"
        ]
    );
    shard[8] ^= 1;
    write(&dir.path().join("a.tfrecord"), &shard);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("checksum of the length of record 0"),
        "{text}"
    );
}

#[test]
fn records_without_a_picture_or_label_are_named() {
    let dir = folder();
    let mut shard = records_of(0..40);
    shard.extend(framed(&example(&[
        integer("person", 1),
        bytes("filename", b"none.png"),
    ])));
    shard.extend(framed(&example(&[bytes("image", &picture_of("p", 1))])));
    shard.extend(framed(&example(&[entry("person", 3, b"")])));
    write(&dir.path().join("a.tfrecord"), &shard);
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 41);
    assert_eq!(dropped(&catalogue), ["2 no label (empty or -1)"]);
    let dataset = loaded(&catalogue).expect("pictures");
    let [file] = dataset.skipped() else {
        panic!("one: {:?}", dataset.skipped())
    };
    assert_eq!(
        file.to_string(),
        "a.tfrecord/none.png: has no picture in `image`"
    );
}

/// A member of an archive whose name is written as it is.
fn member(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    builder.append(&header, bytes).expect("a member");
}

#[test]
fn members_that_lead_out_links_and_repeated_names_are_counted() {
    let mut builder = tar::Builder::new(tar_of(0..40));
    // The archive ends with empty blocks, after which nothing is read.
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    let picture = picture_of("p", 1);
    for name in ["../x.png", "/etc/y.png", "a/../../z.png", "C:\\w.png"] {
        member(&mut builder, name, tar::EntryType::Regular, &picture);
    }
    member(&mut builder, "l.png", tar::EntryType::Symlink, b"");
    member(&mut builder, "h.png", tar::EntryType::Link, b"");
    member(&mut builder, "d.png", tar::EntryType::Char, b"");
    member(&mut builder, "p0.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "p0.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "q.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "q.png", tar::EntryType::Regular, &picture);
    member(&mut builder, "q.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "r.cls", tar::EntryType::Regular, b"1");
    member(&mut builder, "s.png", tar::EntryType::Regular, &picture);
    let dir = folder();
    write(
        &dir.path().join("a.tar"),
        &builder.into_inner().expect("an archive"),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 41);
    assert_eq!(
        dropped(&catalogue),
        [
            "2 a link in an archive",
            "4 a path in an archive that leads out of it",
            "1 a sample without a picture",
            "1 a second picture of one sample",
            "1 neither a file nor a folder in an archive",
            "1 no label (empty or -1)",
            "1 the same name again in an archive",
        ]
    );
    assert!(loaded(&catalogue).is_ok());
}

#[test]
fn an_archive_that_expands_without_end_is_refused() {
    let mut builder = tar::Builder::new(tar_of(0..10));
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    let zeros = vec![0; 128 << 20];
    member(&mut builder, "bomb.png", tar::EntryType::Regular, &zeros);
    let bytes = gzip(&builder.into_inner().expect("an archive"));
    let dir = folder();
    write(&dir.path().join("a.tar.gz"), &bytes);
    let result = scanned(dir.path());
    assert!(
        matches!(&result, Err(DataError::Bomb { compressed, expanded, .. })
            if *compressed < 1 << 20 && *expanded > 200 * compressed),
        "{result:?}"
    );
    assert!(complaint(result).contains("unpack it by other means"));
}

#[test]
fn a_member_that_is_too_large_is_skipped() {
    let dir = folder();
    let mut builder = tar::Builder::new(tar_of(0..40));
    let whole = builder.get_mut();
    whole.truncate(whole.len() - 1024);
    member(&mut builder, "large.cls", tar::EntryType::Regular, b"1");
    member(
        &mut builder,
        "large.png",
        tar::EntryType::Regular,
        &vec![7; 2 << 20],
    );
    write(
        &dir.path().join("a.tar"),
        &builder.into_inner().expect("an archive"),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    let options = LoadOptions {
        limits: ReadLimits {
            max_pixels: 100_000,
            ..ReadLimits::default()
        },
        ..LoadOptions::default()
    };
    let dataset = load(&catalogue, &options, &|_| {}).expect("the others");
    let [file] = dataset.skipped() else {
        panic!("one: {:?}", dataset.skipped())
    };
    assert!(
        file.to_string()
            .contains("a.tar/large: takes 2 MiB; at most 1 MiB"),
        "{file}"
    );
}

#[test]
fn damaged_parquet_files_are_read_or_refused() {
    use danas_data::Streams;
    use rand::RngExt;
    let dir = folder();
    let path = dir.path().join("a.parquet");
    let whole = parquet_of(0..20, "label");
    let mut rng = Streams::new(5).stream("damage", 0);
    for round in 0..200 {
        let mut bytes = whole.clone();
        // The end describes the file; half of the rounds damage that.
        let from = if round % 2 == 0 {
            0
        } else {
            bytes.len() - 1200
        };
        for _ in 0..rng.random_range(1..4_u32) {
            let at = rng.random_range(from as u64..bytes.len() as u64) as usize;
            bytes[at] = rng.random_range(0..=255_u32) as u8;
        }
        write(&path, &bytes);
        if let Ok(catalogue) = scanned(dir.path()) {
            assert!(catalogue.total() <= 20);
            let _ = loaded(&catalogue);
        }
    }
}
