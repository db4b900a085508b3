//! Sets that `scripts/wake-vision-like.py` writes: the same examples in every layout of Wake Vision.
//!
//! Needs the Python packages that `oracle/setup.sh` installs; without them the test says so and passes.

mod common;

use common::folder;
use common::oracle::oracle;
use danas_data::{
    Catalogue, ColumnCount, Format, LoadOptions, ScanOptions, Source, Split, load, scan,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Writes a small set of small pictures.
fn write(python: &Path, root: &Path, folder: &Path, layout: &str) {
    let output = Command::new(python)
        .arg(root.join("scripts/wake-vision-like.py"))
        .arg(folder)
        .args(["--layout", layout, "--side", "40", "--workers", "1"])
        .args(["--train-large", "50", "--train-quality", "40"])
        .args(["--validation", "20", "--test", "300"])
        .output()
        .expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{layout}: {said}");
}

fn read(folder: &Path) -> Catalogue {
    let options = ScanOptions {
        split_map: vec!["train_large=pretraining".parse().expect("a mapping")],
        classes: vec!["no_person".to_owned(), "person".to_owned()],
        ..ScanOptions::default()
    };
    scan(&Source::Folder(folder.to_owned()), &options)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// The class of every picture by its file name, without what stands before it.
fn labels(catalogue: &Catalogue, split: Split) -> BTreeMap<String, usize> {
    let dataset = load(catalogue, &LoadOptions::default(), &|_| {}).expect("pictures");
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let names = dataset.names(split).map(|name| base(&name));
    names.zip(dataset.labels(split).iter().copied()).collect()
}

#[test]
fn the_script_writes_the_same_set_in_every_layout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(python) = oracle(&root) else {
        eprintln!("no oracle: run oracle/setup.sh");
        return;
    };
    let dir = folder();
    let mut first: Option<Vec<BTreeMap<String, usize>>> = None;
    let mut columns: Vec<Vec<ColumnCount>> = Vec::new();
    for (layout, format) in [
        ("folders", Format::ClassFolders),
        ("dataverse", Format::CsvArchives),
        ("parquet", Format::Parquet),
    ] {
        let to = dir.path().join(layout);
        write(&python, &root, &to, layout);
        let catalogue = read(&to);
        assert_eq!(catalogue.recognised().format, format);
        let [train, validation, test, pretraining] = Split::ALL.map(|split| catalogue.len(split));
        assert_eq!((pretraining, train), (50, 40), "{layout}");
        assert!(validation + test < 320, "a label is missing in {layout}");
        assert!(validation + test > 310, "{layout}");
        let all: Vec<_> = Split::ALL.map(|split| labels(&catalogue, split)).into();
        assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{layout}");
        if format != Format::ClassFolders {
            columns.push(catalogue.column_counts());
        }
    }
    assert_eq!(columns[0], columns[1]);
    let named = |name: &str| {
        let column = columns[0].iter().find(|column| column.column == name);
        column.unwrap_or_else(|| panic!("no column {name}"))
    };
    assert_eq!(columns[0].len(), 18, "{:?}", columns[0]);
    // Training parts have no column of distances, and where it is missing it counts neither way.
    let (test, near) = (Split::Test.index(), named("near"));
    assert_eq!(
        near.ones[Split::Train.index()] + near.zeros[Split::Train.index()],
        0
    );
    let known = near.ones[test] + near.zeros[test];
    assert!(
        near.ones[test] > 20 && known > 250 && known < 300,
        "{near:?}"
    );
    assert!(named("depiction").zeros[Split::Pretraining.index()] > 40);
}
