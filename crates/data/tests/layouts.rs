//! Layouts that are recognised by what lies in a folder: Wake Vision's folders, and CSV lists beside pictures and archives.

mod common;

use common::lists::{pictures, rows};
use common::shards::{dropped, scanned, sizes};
use common::{archive, class, complaint, folder, png, write};
use danas_data::{
    Catalogue, DataError, Format, LoadOptions, MappedSplit, ReadLimits, ScanOptions, Source, Split,
    inspect, load, scan,
};
use std::path::Path;

fn told(options: ScanOptions, path: &Path) -> Result<Catalogue, DataError> {
    scan(&Source::Folder(path.to_owned()), &options)
}

fn map(text: &str) -> Vec<MappedSplit> {
    text.split(',')
        .map(|text| text.parse().expect("a mapping"))
        .collect()
}

/// Wake Vision's folders, with so many pictures in each class of each part.
fn wake_vision(root: &Path) {
    let parts = [
        ("train_large", 6),
        ("train_quality", 4),
        ("validation", 2),
        ("test", 3),
    ];
    for (salt, (part, count)) in parts.into_iter().enumerate() {
        for label in 0..2_u32 {
            let path = root.join(part).join(label.to_string());
            class(&path, count, 10 * salt as u32 + label);
        }
    }
}

/// The name of the first test example.
fn first_name(dataset: &danas_data::Dataset) -> String {
    let mut names = dataset.names(Split::Test);
    names.next().expect("an example").into_owned()
}

#[test]
fn wake_visions_folders_are_trained_on_by_quality() {
    let dir = folder();
    wake_vision(dir.path());
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.recognised().format, Format::ClassFolders);
    assert!(catalogue.recognised().why.contains("train_quality"));
    assert_eq!(catalogue.classes(), ["0", "1"]);
    assert_eq!(sizes(&catalogue), [8, 4, 6]);
    assert_eq!(catalogue.unused(), ["train_large"]);
    assert!(catalogue.skipped().is_empty(), "{:?}", catalogue.skipped());
    assert_eq!(
        catalogue.rule().to_string(),
        "train as given in train_quality, validation as given in validation, test as given in test"
    );
    let inspection = inspect(&catalogue, &ReadLimits::default(), &|_| {}).expect("a look");
    assert_eq!(inspection.unused, ["train_large"]);
}

#[test]
fn parts_and_classes_can_be_told() {
    let dir = folder();
    wake_vision(dir.path());
    let options = ScanOptions {
        split_map: map("train_large=train,test=unused"),
        classes: vec!["nobody".to_owned(), "person".to_owned()],
        ..ScanOptions::default()
    };
    let catalogue = told(options, dir.path()).expect("a catalogue");
    assert_eq!(catalogue.classes(), ["nobody", "person"]);
    assert_eq!(sizes(&catalogue), [10, 4, 2], "the test part is carved out");
    assert_eq!(catalogue.unused(), ["test", "train_quality"]);
    let options = ScanOptions {
        split_map: map("train_large=train,train_quality=train"),
        ..ScanOptions::default()
    };
    let catalogue = told(options, dir.path()).expect("a catalogue");
    assert_eq!(sizes(&catalogue), [20, 4, 6]);
    assert!(
        catalogue
            .rule()
            .to_string()
            .contains("train_large + train_quality")
    );

    let options = |options| complaint(told(options, dir.path()));
    let text = options(ScanOptions {
        split_map: map("train_huge=train"),
        ..ScanOptions::default()
    });
    assert!(
        text.contains("no part `train_huge`") && text.contains("`train_large`"),
        "{text}"
    );
    let text = options(ScanOptions {
        label_column: Some("person".to_owned()),
        ..ScanOptions::default()
    });
    assert!(
        text.contains("--label-column") && text.contains("class folders"),
        "{text}"
    );
    let text = options(ScanOptions {
        classes: vec!["0".to_owned(), "0".to_owned()],
        ..ScanOptions::default()
    });
    assert!(text.contains("each once"), "{text}");
}

#[test]
fn classes_can_be_chosen_among_folders() {
    let dir = folder();
    for (salt, name) in ["ape", "bee", "cat"].into_iter().enumerate() {
        class(&dir.path().join(name), 6, salt as u32);
    }
    let options = |classes: &[&str]| ScanOptions {
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
        ..ScanOptions::default()
    };
    let catalogue = told(options(&["cat", "ape"]), dir.path()).expect("a catalogue");
    assert_eq!(catalogue.classes(), ["cat", "ape"]);
    assert_eq!(catalogue.total(), 12);
    assert_eq!(dropped(&catalogue), ["6 the class is not among --classes"]);
    let text = complaint(told(options(&["cat", "dog"]), dir.path()));
    assert!(
        text.contains("label `dog`") && text.contains("`bee`"),
        "{text}"
    );
}

#[test]
fn lists_beside_pictures_are_matched_by_base_name() {
    let dir = folder();
    let root = dir.path();
    let more = "gone.png,1,0\na0.png,1,0\na1.png,-1,1\na2.png,1\nbad.png,x y,1\n";
    write(
        &root.join("wake_vision_train_quality.csv"),
        (rows("a", 40) + more).as_bytes(),
    );
    write(
        &root.join("wake_vision_train_large.csv"),
        rows("a", 40).as_bytes(),
    );
    write(&root.join("wake_vision_test.csv"), rows("b", 10).as_bytes());
    write(&root.join("notes.csv"), b"time,temperature\n1,20\n");
    pictures(&root.join("images"), "a", 40);
    pictures(&root.join("images/more"), "b", 10);
    let catalogue = scanned(root).expect("a catalogue");
    assert_eq!(catalogue.recognised().format, Format::CsvList);
    let why = &catalogue.recognised().why;
    assert!(
        why.contains("`filename`") && why.contains("`person`") && why.contains("50 pictures"),
        "{why}"
    );
    assert_eq!(catalogue.classes(), ["0", "1"]);
    assert_eq!(sizes(&catalogue), [34, 6, 10]);
    assert_eq!(catalogue.unused(), ["train_large"]);
    assert_eq!(
        dropped(&catalogue),
        [
            "1 a row with another number of fields than the header",
            "2 its picture is listed again",
            "2 its picture is not there",
        ]
    );
    let [depiction] = &catalogue.column_counts()[..] else {
        panic!("one extra column: {:?}", catalogue.columns())
    };
    assert_eq!(depiction.column, "depiction");
    assert_eq!(depiction.ones[2] + depiction.zeros[2], 10);
    assert_eq!(depiction.ones.iter().sum::<usize>(), 14 + 4);
    let dataset = load(&catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");
    assert_eq!(dataset.len(Split::Test), 10);
    assert!(first_name(&dataset).starts_with("images/more/b"));
}

#[test]
fn labels_that_are_missing_are_dropped_and_counted() {
    let dir = folder();
    let root = dir.path();
    let mut list = rows("a", 30);
    for (number, label) in ["-1", "", "-5", "0.25"].into_iter().enumerate() {
        list += &format!("c{number}.png,{label},0\n");
    }
    write(&root.join("labels.csv"), list.as_bytes());
    pictures(root, "a", 30);
    pictures(root, "c", 4);
    let catalogue = scanned(root).expect("a catalogue");
    assert_eq!(catalogue.total(), 30);
    assert_eq!(
        dropped(&catalogue),
        [
            "2 no label (empty or -1)",
            "1 the label is a negative number",
            "1 the label is not a whole number",
        ]
    );
    assert!(
        catalogue.dropped()[0]
            .to_string()
            .contains("c0.png, c1.png")
    );
    let options = ScanOptions {
        classes: vec!["zero".to_owned(), "one".to_owned()],
        ..ScanOptions::default()
    };
    let named = told(options, root).expect("a catalogue");
    assert_eq!(named.classes(), ["zero", "one"]);
    let options = ScanOptions {
        label_column: Some("depiction".to_owned()),
        ..ScanOptions::default()
    };
    let other = told(options, root).expect("a catalogue");
    assert_eq!(
        (other.total(), other.columns().len()),
        (34, 0),
        "`person` has 0.25 and -5"
    );
}

#[test]
fn labels_out_of_the_range_of_the_classes_are_dropped_and_counted() {
    let dir = folder();
    write(
        &dir.path().join("labels.csv"),
        (rows("a", 30) + "c0.png,2,0\nc1.png,900,0\n").as_bytes(),
    );
    pictures(dir.path(), "a", 30);
    pictures(dir.path(), "c", 2);
    let options = ScanOptions {
        classes: vec!["no".to_owned(), "yes".to_owned()],
        ..ScanOptions::default()
    };
    let catalogue = told(options, dir.path()).expect("a catalogue");
    assert_eq!(
        dropped(&catalogue),
        ["2 the label is out of range: there are fewer classes"]
    );
    assert_eq!(catalogue.total(), 30);
}

#[test]
fn a_list_may_say_the_parts_in_a_column_and_leave_extensions_out() {
    let dir = folder();
    let mut list = "image_id;breed;split\n".to_owned();
    for number in 0..24 {
        let split = ["train", "train", "valid", "test"][number / 2 % 4];
        let breed = ["pug", "beagle"][number % 2];
        list += &format!("a{number};{breed};{split}\n");
    }
    list += "a99;pug;train\n";
    write(&dir.path().join("labels.csv"), list.as_bytes());
    pictures(&dir.path().join("jpg"), "a", 24);
    let options = ScanOptions {
        label_column: Some("breed".to_owned()),
        ..ScanOptions::default()
    };
    let catalogue = told(options, dir.path()).expect("a catalogue");
    assert_eq!(catalogue.classes(), ["beagle", "pug"]);
    assert_eq!(sizes(&catalogue), [12, 6, 6]);
    assert_eq!(dropped(&catalogue), ["1 its picture is not there"]);
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("no class folder") || text.contains("only the class"),
        "{text}"
    );
}

#[test]
fn equal_base_names_are_told_apart_by_path_or_part() {
    let dir = folder();
    let root = dir.path();
    for part in ["train", "test"] {
        pictures(&root.join(part), "a", 12);
        write(&root.join(format!("{part}.csv")), rows("a", 12).as_bytes());
    }
    let catalogue = scanned(root).expect("a catalogue");
    assert_eq!(catalogue.total(), 24);
    assert!(
        catalogue
            .names(Split::Test)
            .all(|name| name.starts_with("test/"))
    );

    let dir = folder();
    let root = dir.path();
    pictures(&root.join("x"), "a", 12);
    pictures(&root.join("y"), "a", 12);
    let by_path = rows("x/a", 12) + "a3.png,1,0\n";
    write(&root.join("labels.csv"), by_path.as_bytes());
    let catalogue = scanned(root).expect("a catalogue");
    assert_eq!(catalogue.total(), 12);
    assert_eq!(dropped(&catalogue), ["1 several pictures have its name"]);
}

#[test]
fn lists_that_fit_nothing_are_said() {
    let dir = folder();
    write(&dir.path().join("labels.csv"), rows("a", 8).as_bytes());
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("8 left out, its picture is not there") && text.contains("beside the list"),
        "{text}"
    );

    let mut list = "filename,label\n".to_owned();
    for number in 0..1100 {
        list += &format!("a{number}.png,{number}\n");
        write(&dir.path().join(format!("a{number}.png")), b"");
    }
    write(&dir.path().join("labels.csv"), list.as_bytes());
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("more than 1000 different values") && text.contains("--label-column"),
        "{text}"
    );
}

#[test]
fn lists_of_one_part_must_have_the_same_columns() {
    let dir = folder();
    pictures(dir.path(), "a", 12);
    write(&dir.path().join("train_1.csv"), rows("a", 6).as_bytes());
    write(
        &dir.path().join("train_2.csv"),
        b"filename,person,near\na7.png,1,0\na8.png,0,1\n",
    );
    let text = complaint(scanned(dir.path()));
    assert!(
        text.contains("do not belong together: only one has `depiction`"),
        "{text}"
    );
}

#[test]
fn one_file_is_a_source_as_well() {
    let dir = folder();
    pictures(dir.path(), "a", 30);
    write(&dir.path().join("labels.csv"), rows("a", 20).as_bytes());
    write(&dir.path().join("others.csv"), rows("a", 30).as_bytes());
    let catalogue = scanned(&dir.path().join("labels.csv")).expect("a catalogue");
    assert_eq!(catalogue.total(), 20);
    assert!(danas_data::holds_examples(&dir.path().join("labels.csv")));
    assert!(!danas_data::holds_examples(
        &dir.path().join("model.tflite")
    ));
    let text = complaint(scanned(&dir.path().join("a0.png")));
    assert!(text.contains("is a file"), "{text}");
}

#[test]
fn archives_beside_the_folders_unpacked_from_them_are_passed_over() {
    let dir = folder();
    for name in ["cat", "dog"] {
        class(
            &dir.path().join(name),
            6,
            name.len() as u32 + u32::from(name == "cat"),
        );
    }
    write(
        &dir.path().join("pets.tar"),
        &archive(&[("cat/000.png", &png(9, 9, 1))]),
    );
    let catalogue = scanned(dir.path()).expect("a catalogue");
    assert_eq!(catalogue.recognised().format, Format::ClassFolders);
    assert_eq!((catalogue.total(), catalogue.skipped().len()), (12, 1));
}
