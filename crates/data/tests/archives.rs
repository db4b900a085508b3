//! CSV lists beside archives of pictures, which are not unpacked.

mod common;

use common::lists::{pictures, rows};
use common::shards::{scanned, sizes};
use common::{archive, folder, gzip, picture_of, write};
use danas_data::{DataError, Format, LoadOptions, ReadLimits, Split, inspect, load, survey};
use std::path::Path;

/// Dataverse's layout: a list for each part beside archives of flat pictures.
fn dataverse(root: &Path) {
    for (part, stem, count) in [
        ("train_quality", "a", 40),
        ("validation", "b", 10),
        ("test", "c", 10),
    ] {
        write(
            &root.join(format!("wake_vision_{part}.csv")),
            rows(stem, count).as_bytes(),
        );
        let names: Vec<String> = (0..count)
            .map(|number| format!("{stem}{number}.png"))
            .collect();
        let contents: Vec<Vec<u8>> = (0..count).map(|number| picture_of(stem, number)).collect();
        let members: Vec<(&str, &[u8])> = names
            .iter()
            .zip(&contents)
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        write(
            &root.join(format!("{part}.tar.gz")),
            &gzip(&archive(&members)),
        );
    }
}

#[test]
fn lists_beside_archives_are_read_without_unpacking() {
    let dir = folder();
    dataverse(dir.path());
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.recognised().format, Format::CsvArchives);
    assert!(
        catalogue.recognised().why.contains("3 archives"),
        "{:?}",
        catalogue.recognised()
    );
    assert_eq!(sizes(&catalogue), [40, 10, 10]);
    let looked = survey(&catalogue, &ReadLimits::default()).expect("a survey");
    assert_eq!(
        (looked.pictures, looked.width.median, looked.height.max),
        (60, 20, 16)
    );
    let packed = load(&catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");

    // The same pictures as files give the same data set.
    let loose = folder();
    for (part, stem, count) in [
        ("train_quality", "a", 40),
        ("validation", "b", 10),
        ("test", "c", 10),
    ] {
        write(
            &loose.path().join(format!("{part}.csv")),
            rows(stem, count).as_bytes(),
        );
        pictures(&loose.path().join(format!("{part}.tar.gz")), stem, count);
    }
    let loose = scanned(loose.path()).expect("a catalogue");
    assert_eq!(loose.recognised().format, Format::CsvList);
    let loose = load(&loose, &LoadOptions::default(), &|_| {}).expect("pictures");
    let config = danas_data::DataConfig {
        resolution: 16,
        colour: danas_data::Colour::Rgb,
    };
    for split in Split::ALL {
        assert!(packed.names(split).eq(loose.names(split)));
        assert_eq!(packed.labels(split), loose.labels(split));
        assert_eq!(
            packed.render(split, config).pixels,
            loose.render(split, config).pixels
        );
    }

    // So does a prepared folder, whose pictures lie as in the archives.
    let set = danas_data::PrepareOptions::new(
        danas_data::DataSpace::new(vec![16], vec![config.colour]).expect("a space"),
    );
    let to = dir.path().join("prepared");
    let set = danas_data::prepare(&catalogue, &to, &set, &|_| {}, &|| false).expect("a set");
    for mixed in [u64::MAX, 9000] {
        let set = danas_data::PreparedSet::open(set.folder()).expect("a set");
        let options = danas_data::OpenOptions {
            seed: 0,
            augmentation: danas_data::Augmentation::default(),
            resident: u64::MAX,
            mixed,
        };
        let prepared = set.dataset(&options).expect("a data set");
        for split in Split::ALL {
            assert!(prepared.names(split).eq(packed.names(split)));
            assert_eq!(
                prepared.render(split, config).pixels,
                packed.render(split, config).pixels
            );
        }
        let mut order = Vec::new();
        prepared.epoch(Split::Train, 0).examples(0..40, &mut order);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..40));
    }
    let inspection = inspect(&catalogue, &ReadLimits::default(), &|_| {}).expect("a look");
    assert_eq!((inspection.survey.pictures, inspection.refused), (60, None));
}

#[test]
fn pictures_in_archives_that_cannot_be_decoded_are_named() {
    let dir = folder();
    dataverse(dir.path());
    let bad = archive(&[("a40.png", b"no picture"), ("a41.png", b"")]);
    write(&dir.path().join("more.tar.gz"), &gzip(&bad));
    let list = rows("a", 42);
    write(
        &dir.path().join("wake_vision_train_quality.csv"),
        list.as_bytes(),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    let dataset = load(&catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");
    let skipped: Vec<String> = dataset.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(skipped.len(), 2);
    assert!(
        skipped[0].contains("more.tar.gz/a40.png: its content is not a picture"),
        "{skipped:?}"
    );
    assert!(
        skipped[1].contains("more.tar.gz/a41.png: is empty"),
        "{skipped:?}"
    );
}

#[test]
fn memory_is_refused_while_archives_are_read() {
    let dir = folder();
    dataverse(dir.path());
    let catalogue = scanned(dir.path()).expect("a catalogue");
    let limits = ReadLimits {
        max_bytes: 20_000,
        ..ReadLimits::default()
    };
    let options = LoadOptions {
        limits,
        ..LoadOptions::default()
    };
    let result = load(&catalogue, &options, &|_| {});
    assert!(
        matches!(result, Err(DataError::TooMuchMemory { pictures: 60, needed, .. }) if needed > 50_000)
    );
}
