//! Files that hold many pictures with labels: WebDataset, TFRecord and Parquet.

mod common;

use common::records::{bytes, example, framed, integer};
use common::shards::{
    dropped, labelled, loaded, parquet_of, records_of, scanned, shards, sizes, tar_of,
};
use common::{archive, complaint, folder, gzip, picture_of, write};
use danas_data::{Catalogue, Dataset, Format, ReadLimits, Split, survey};

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

/// The name of the first test example.
fn first_name(dataset: &danas_data::Dataset) -> String {
    let mut names = dataset.names(Split::Test);
    names.next().expect("an example").into_owned()
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
        assert!(first_name(&dataset).starts_with("test-0.tar"));
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
    assert!(first_name(&dataset).ends_with("/p40.png"));

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
    assert!(first_name(&dataset).ends_with(".parquet/p40.png"));
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
