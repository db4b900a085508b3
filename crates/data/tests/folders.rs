//! Folders as people have them: layouts, splits, and what is wrong with them.

mod common;

use common::{class, complaint, encoded, folder, png, write};
use danas_data::{
    DataError, LoadOptions, ReadLimits, ScanOptions, Source, Split, SplitOrigin, inspect, load,
    scan, survey,
};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

fn scanned(path: &Path) -> Result<danas_data::Catalogue, DataError> {
    scan(&Source::Folder(path.to_owned()), &ScanOptions::default())
}

fn loaded(path: &Path) -> Result<danas_data::Dataset, DataError> {
    load(&scanned(path)?, &LoadOptions::default(), &|_| {})
}

#[test]
fn classes_alone_are_split_per_class_and_by_seed() {
    let dir = folder();
    class(&dir.path().join("cat"), 20, 1);
    class(&dir.path().join("ape"), 40, 2);
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.classes(), ["ape", "cat"]);
    let counts: Vec<_> = catalogue
        .counts()
        .iter()
        .map(|c| (c.train, c.validation, c.test))
        .collect();
    assert_eq!(counts, [(28, 6, 6), (14, 3, 3)]);
    let names: Vec<&str> = Split::ALL
        .into_iter()
        .flat_map(|split| catalogue.names(split))
        .collect();
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        60,
        "the parts are disjoint and complete"
    );

    let again = scanned(dir.path()).expect("a catalogue");
    let test = |c: &danas_data::Catalogue| -> Vec<String> {
        c.names(Split::Test).map(str::to_owned).collect()
    };
    assert_eq!(test(&catalogue), test(&again));
    let options = ScanOptions {
        seed: 1,
        ..ScanOptions::default()
    };
    let other = scan(&Source::Folder(dir.path().to_owned()), &options).expect("a catalogue");
    assert_ne!(test(&catalogue), test(&other));
    assert_eq!(
        other.rule().to_string(),
        "train the rest of all, validation 15 % of all per class, test 15 % of all per class (by seed 1)"
    );
}

#[test]
fn a_new_file_hardly_moves_the_others() {
    let dir = folder();
    class(&dir.path().join("a"), 40, 1);
    class(&dir.path().join("b"), 40, 2);
    let before = scanned(dir.path()).expect("a catalogue");
    write(&dir.path().join("a/new.png"), &png(20, 20, 7));
    let after = scanned(dir.path()).expect("a catalogue");
    let train = |c: &danas_data::Catalogue| -> BTreeSet<String> {
        c.names(Split::Train).map(str::to_owned).collect()
    };
    assert!(train(&before).symmetric_difference(&train(&after)).count() <= 3);
}

#[test]
fn parts_that_are_given_are_kept_and_the_rest_is_carved() {
    let dir = folder();
    for (index, name) in ["x", "y"].into_iter().enumerate() {
        class(&dir.path().join("train").join(name), 20, index as u32);
        class(&dir.path().join("test").join(name), 4, 10 + index as u32);
    }
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(Split::ALL.map(|split| catalogue.len(split)), [34, 6, 8, 0]);
    assert_eq!(catalogue.rule().test, SplitOrigin::Given("test".to_owned()));
    assert_eq!(
        catalogue.rule().train,
        SplitOrigin::Rest {
            from: "train".to_owned()
        }
    );
    assert!(
        catalogue
            .names(Split::Test)
            .all(|name| name.starts_with("test/"))
    );

    for (index, name) in ["x", "y"].into_iter().enumerate() {
        class(&dir.path().join("valid").join(name), 3, 20 + index as u32);
    }
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(Split::ALL.map(|split| catalogue.len(split)), [40, 6, 8, 0]);
    assert_eq!(
        catalogue.rule().to_string(),
        "train as given in train, validation as given in valid, test as given in test"
    );

    std::fs::remove_dir_all(dir.path().join("test")).expect("removed");
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(Split::ALL.map(|split| catalogue.len(split)), [34, 6, 6, 0]);

    class(&dir.path().join("val/x"), 3, 30);
    assert!(matches!(
        scanned(dir.path()),
        Err(DataError::AmbiguousSplit { .. })
    ));
}

#[test]
fn a_class_may_be_called_train() {
    let dir = folder();
    for (index, name) in ["bus", "train", "test"].into_iter().enumerate() {
        class(&dir.path().join(name), 5, index as u32);
    }
    assert_eq!(
        scanned(dir.path()).expect("a catalogue").classes(),
        ["bus", "test", "train"]
    );
}

#[test]
fn nested_hidden_and_foreign_files_are_sorted_out() {
    let dir = folder();
    class(&dir.path().join("a"), 4, 1);
    class(&dir.path().join("a/more/yet"), 4, 2);
    class(&dir.path().join("b"), 8, 3);
    class(&dir.path().join(".cache"), 2, 4);
    write(&dir.path().join("a/.hidden.png"), b"x");
    write(&dir.path().join("a/notes.txt"), b"not a picture");
    write(
        &dir.path().join("a/picture_without_extension"),
        &png(9, 9, 1),
    );
    write(&dir.path().join("readme.md"), b"hello");
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.total(), 17);
    let skipped: Vec<&str> = catalogue
        .skipped()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(skipped, ["readme.md", "a/notes.txt"]);
    assert!(catalogue.skipped().iter().all(|file| !file.undecodable));
    assert!(loaded(dir.path()).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_ends() {
    let dir = folder();
    class(&dir.path().join("a"), 4, 1);
    class(&dir.path().join("b"), 4, 2);
    std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("a/again")).expect("a link");
    assert_eq!(scanned(dir.path()).expect("a catalogue").total(), 8);
}

#[test]
fn a_missing_folder_is_said() {
    let dir = folder();
    let text = complaint(scanned(&dir.path().join("nowhere")));
    assert!(
        text.contains("there is no folder")
            && text.contains("nowhere")
            && text.contains("synthetic:objects")
    );
    write(&dir.path().join("file"), b"x");
    assert!(complaint(scanned(&dir.path().join("file"))).contains("is a file"));
}

#[test]
fn one_class_or_none_is_said() {
    let dir = folder();
    assert!(complaint(scanned(dir.path())).contains("no class folder"));
    class(&dir.path().join("only"), 5, 1);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("only the class `only`")
            && text.contains("at least two")
            && text.contains("<class>/*")
    );
    let dir = folder();
    class(&dir.path().join("train/only"), 5, 1);
    assert!(complaint(scanned(dir.path())).contains("only the class `only`"));
}

#[test]
fn an_empty_class_is_said() {
    let dir = folder();
    class(&dir.path().join("full"), 5, 1);
    write(&dir.path().join("bare/notes.txt"), b"nothing here");
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`bare` has no pictures") && text.contains("found 1 other"),
        "{text}"
    );
}

#[test]
fn a_class_that_is_too_small_is_said() {
    let dir = folder();
    class(&dir.path().join("many"), 5, 1);
    class(&dir.path().join("few"), 2, 2);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("`few` has 2 pictures") && text.contains("at least 3"),
        "{text}"
    );
}

#[test]
fn parts_with_other_classes_are_said() {
    let dir = folder();
    for name in ["x", "y"] {
        class(&dir.path().join("train").join(name), 5, 1);
    }
    class(&dir.path().join("test/x"), 5, 3);
    assert!(complaint(scanned(dir.path())).contains("nothing of the class `y`"));
    class(&dir.path().join("test/y"), 5, 3);
    class(&dir.path().join("test/z"), 5, 3);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("the class `z`") && text.contains("`x`, `y`"),
        "{text}"
    );
}

/// Two classes of 30 good pictures, and one bad file among them.
fn with_bad_file(name: &str, bytes: &[u8]) -> TempDir {
    let dir = folder();
    class(&dir.path().join("a"), 30, 1);
    class(&dir.path().join("b"), 30, 2);
    write(&dir.path().join("a").join(name), bytes);
    dir
}

/// What is said of the bad file.
fn reason(dir: &TempDir) -> String {
    let dataset = loaded(dir.path()).expect("a data set in spite of one bad file");
    let total: usize = Split::ALL.into_iter().map(|split| dataset.len(split)).sum();
    assert_eq!(total, 60);
    let [file] = dataset.skipped() else {
        panic!("one file is skipped: {:?}", dataset.skipped())
    };
    assert!(file.undecodable && file.path.starts_with("a/"));
    assert_eq!(dataset.survey().undecodable, dataset.skipped());
    file.to_string()
}

#[test]
fn a_corrupt_file_is_named_and_skipped() {
    let good = png(64, 64, 1);
    let text = reason(&with_bad_file("cut.png", &good[..good.len() / 2]));
    assert!(
        text.contains("a/cut.png") && text.contains("cannot be decoded"),
        "{text}"
    );

    let picture = image::load_from_memory(&good).expect("a picture");
    let jpeg = encoded(&picture, image::ImageFormat::Jpeg);
    let text = reason(&with_bad_file("cut.jpg", &jpeg[..jpeg.len() / 2]));
    assert!(text.contains("cut off"), "{text}");
    assert!(reason(&with_bad_file("none.jpg", b"")).contains("is empty"));
    assert!(
        reason(&with_bad_file("start.webp", b"RIFF\x10\0\0\0WEBPVP8 ")).contains("a/start.webp")
    );
}

#[test]
fn text_renamed_to_jpg_is_named_and_skipped() {
    let text = reason(&with_bad_file(
        "letter.jpg",
        b"Dear reader, this is no picture.",
    ));
    assert!(
        text.contains("a/letter.jpg: its content is not a picture"),
        "{text}"
    );
    assert!(
        reason(&with_bad_file("film.gif", b"GIF89a\x01\0\x01\0\0\0\0;")).contains("not supported")
    );
}

/// A valid PNG of zeros: a few compressed kilobytes that unpack to `side * side` bytes.
fn bomb(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fast);
    let mut header = encoder.write_header().expect("a header");
    let mut rows = header.stream_writer().expect("a writer");
    let row = vec![0; side as usize];
    for _ in 0..side {
        rows.write_all(&row).expect("a row");
    }
    rows.finish().expect("the last row");
    header.finish().expect("the end");
    bytes
}

#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let text = reason(&with_bad_file("bomb.png", &bomb(20_000)));
    assert!(
        text.contains("20000x20000 is too large") && text.contains("64.0 million"),
        "{text}"
    );
}

#[test]
fn a_picture_that_is_a_thread_is_refused() {
    assert!(reason(&with_bad_file("thread.png", &png(2000, 2, 1))).contains("too narrow"));
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named_and_skipped() {
    let dir = with_bad_file("x.png", b"");
    std::fs::remove_file(dir.path().join("a/x.png")).expect("removed");
    std::os::unix::fs::symlink(dir.path().join("gone.png"), dir.path().join("a/x.png"))
        .expect("a link");
    let text = reason(&dir);
    assert!(text.contains("a/x.png: cannot be read"), "{text}");
}

#[test]
fn too_many_bad_files_are_an_error_that_names_them() {
    let dir = folder();
    class(&dir.path().join("a"), 30, 1);
    class(&dir.path().join("b"), 30, 2);
    for number in 0..4 {
        write(&dir.path().join(format!("b/bad{number}.jpg")), b"text");
    }
    let text = complaint(loaded(dir.path()));
    assert!(
        text.contains("4 of 64 files")
            && text.contains("6.2 %")
            && text.contains("b/bad0.jpg: its"),
        "{text}"
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert!(survey(&catalogue, &ReadLimits::default()).is_err());
    let inspection =
        inspect(&catalogue, &ReadLimits::default(), &|_| {}).expect("an inspection all the same");
    assert!(
        inspection
            .refused
            .is_some_and(|text| text.contains("4 of 64"))
    );
}

#[test]
fn a_class_of_bad_files_only_is_an_error() {
    let dir = folder();
    class(&dir.path().join("a"), 100, 1);
    for number in 0..3 {
        write(&dir.path().join(format!("b/{number}.png")), b"text");
    }
    let text = complaint(loaded(dir.path()));
    assert!(text.contains("`b` has no decodable pictures"), "{text}");
}

#[test]
fn memory_is_refused_before_it_is_taken() {
    let dir = folder();
    class(&dir.path().join("a"), 10, 1);
    class(&dir.path().join("b"), 10, 2);
    let limits = ReadLimits {
        max_bytes: 1000,
        ..ReadLimits::default()
    };
    let options = LoadOptions {
        limits,
        ..LoadOptions::default()
    };
    let result = load(
        &scanned(dir.path()).expect("a catalogue"),
        &options,
        &|_| {},
    );
    assert!(matches!(
        result,
        Err(DataError::TooMuchMemory { pictures: 20, .. })
    ));
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = folder();
    class(&dir.path().join("a"), 10, 1);
    class(&dir.path().join("b"), 10, 2);
    let source = Source::Folder(dir.path().to_owned());
    for share in [0.0, -1.0, 0.6, f64::NAN] {
        let options = ScanOptions {
            validation: share,
            ..ScanOptions::default()
        };
        assert!(
            matches!(scan(&source, &options), Err(DataError::BadOption { .. })),
            "{share}"
        );
    }
    let options = LoadOptions {
        finest: 0,
        ..LoadOptions::default()
    };
    assert!(
        load(
            &scanned(dir.path()).expect("a catalogue"),
            &options,
            &|_| {}
        )
        .is_err()
    );
}
