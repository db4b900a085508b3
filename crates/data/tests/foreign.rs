//! Files that the real libraries wrote (`oracle/write_data.py`): pyarrow, webdataset, tfrecord, Python's csv and tarfile.
//!
//! Needs the Python packages that `oracle/setup.sh` installs; without them the test says so and passes.

mod common;

use common::folder;
use common::oracle::oracle;
use danas_data::{
    Catalogue, Colour, DataConfig, Format, LoadOptions, ReadLimits, ScanOptions, Source, Split,
    load, scan, survey,
};
use std::path::Path;
use std::process::Command;

/// How many pictures every set has.
const COUNT: usize = 48;

fn scanned(path: &Path, label: Option<&str>) -> Catalogue {
    let options = ScanOptions {
        label_column: label.map(str::to_owned),
        ..ScanOptions::default()
    };
    scan(&Source::Folder(path.to_owned()), &options)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every picture is there once, with its label and its extra column, and in the part that it was written for.
fn expect_all(catalogue: &Catalogue, format: Format, classes: [&str; 2]) {
    assert_eq!(catalogue.recognised().format, format);
    assert_eq!(catalogue.classes(), classes);
    assert!(catalogue.dropped().is_empty(), "{:?}", catalogue.dropped());
    assert_eq!(catalogue.columns(), ["dark"]);
    let [dark] = &catalogue.column_counts()[..] else {
        panic!("one column")
    };
    let known = (0..COUNT).filter(|number| !number.is_multiple_of(3));
    let (ones, zeros): (Vec<usize>, Vec<usize>) = known.partition(|number| number / 2 % 2 == 1);
    assert_eq!(dark.ones.iter().sum::<usize>(), ones.len());
    assert_eq!(dark.zeros.iter().sum::<usize>(), zeros.len());
    let looked = survey(catalogue, &ReadLimits::default()).expect("a survey");
    assert_eq!(
        (looked.pictures, looked.width.max, looked.height.min),
        (COUNT, 32, 24)
    );
    assert_eq!(looked.colour(), Colour::Mono, "all of them are grey");

    let dataset = load(catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");
    assert!(dataset.skipped().is_empty(), "{:?}", dataset.skipped());
    let config = DataConfig {
        resolution: 8,
        colour: Colour::Mono,
    };
    let mut seen = Vec::new();
    for split in Split::ALL {
        let batch = dataset.render(split, config);
        for (pixels, &label) in batch.pixels.chunks_exact(64).zip(&batch.labels) {
            let sum: usize = pixels.iter().map(|&pixel| usize::from(pixel)).sum();
            let number = (sum as f64 / 64.0 / 5.0).round() as usize;
            assert_eq!(label, number % 2, "picture {number}");
            seen.push((number, split));
        }
    }
    seen.sort();
    let parts = seen.iter().map(|(number, _)| *number);
    assert!(parts.eq(0..COUNT), "{seen:?}");
    if catalogue.rule().to_string().contains("given in test") {
        let test = seen.iter().filter(|(_, split)| *split == Split::Test);
        assert!(test.map(|(number, _)| *number).eq(40..COUNT), "{seen:?}");
    }
}

#[test]
fn files_of_the_real_libraries_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(python) = oracle(&root) else {
        eprintln!("skipped: no oracle; oracle/setup.sh installs it (or set DANAS_ORACLE)");
        return;
    };
    let dir = folder();
    let written = Command::new(python)
        .arg(root.join("oracle/write_data.py"))
        .arg(dir.path())
        .output()
        .expect("Python runs");
    assert!(
        written.status.success(),
        "oracle/setup.sh brings the environment up to date: {}",
        String::from_utf8_lossy(&written.stderr)
    );
    eprintln!("{}", String::from_utf8_lossy(&written.stdout));
    let set = |name: &str, label| scanned(&dir.path().join(name), label);
    expect_all(&set("parquet", None), Format::Parquet, ["nobody", "person"]);
    let pets = set("bytes", Some("animal"));
    // Of these the odd ones are cats, which come first by name.
    assert_eq!(
        (pets.classes(), pets.total()),
        (&["cat".to_owned(), "dog".to_owned()][..], COUNT)
    );
    assert_eq!(pets.columns(), ["dark"]);
    expect_all(&set("webdataset", None), Format::WebDataset, ["0", "1"]);
    expect_all(&set("gzipped", None), Format::WebDataset, ["0", "1"]);
    expect_all(
        &set("tfrecord", None),
        Format::TfRecord,
        ["nobody", "person"],
    );
    expect_all(&set("csv", None), Format::CsvArchives, ["0", "1"]);
    a_wrong_checksum_is_refused(&dir.path().join("parquet"));
}

/// The pages of the second shard of the validation part have checksums and are not compressed.
fn a_wrong_checksum_is_refused(set: &Path) {
    let path = set.join("data/validation-00001-of-00002.parquet");
    let mut bytes = std::fs::read(&path).expect("a file");
    let picture = bytes.windows(2).position(|pair| pair == [0xFF, 0xD8]);
    bytes[picture.expect("a JPEG") + 200] ^= 1;
    common::write(&path, &bytes);
    let catalogue = scanned(set, None);
    let text = common::complaint(load(&catalogue, &LoadOptions::default(), &|_| {}));
    assert!(
        text.contains("validation-00001") && text.contains("checksum"),
        "{text}"
    );
}

/// TensorFlow is too large to be installed for a test: `oracle/write_data.py --tensorflow` wrote this with its release 2.21.0.
#[test]
fn records_of_tensorflow_are_read() {
    let dir = folder();
    let path = dir.path().join("pets.tfrecord");
    common::write(&path, include_bytes!("tensorflow/pets.tfrecord"));
    let catalogue = scanned(dir.path(), None);
    assert!(catalogue.dropped().is_empty(), "{:?}", catalogue.dropped());
    assert_eq!(catalogue.columns(), ["dark"]);
    let dataset = load(&catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");
    let mut seen = Vec::new();
    for split in Split::ALL {
        for (name, label) in dataset.names(split).zip(dataset.labels(split)) {
            seen.push((name.into_owned(), *label));
        }
    }
    seen.sort();
    let expected = (32..40).map(|number| (format!("pets.tfrecord/p{number}.jpg"), number % 2));
    assert!(expected.eq(seen.iter().cloned()), "{seen:?}");
}
