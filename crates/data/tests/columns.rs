//! Extra 0/1 columns, from every format into a set in memory and into a prepared one.

mod common;

use common::shards::{dark, loaded, parquet_of, records_of, scanned, shards, tar_of};
use common::{complaint, folder, picture_of, write};
use danas_data::{
    Augmentation, Catalogue, Colour, DataError, DataSpace, Dataset, OpenOptions, PrepareOptions,
    PreparedSet, ScanOptions, Source, Split, load, prepare, scan,
};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A list of 60 pictures whose extra columns are `dark` and, of the pictures with a number below 30, `near`.
fn list() -> String {
    let mut list = String::from("filename,person,dark,near\n");
    for number in 0..60 {
        let dark = dark(number).unwrap_or(-1);
        let near = near(number).map_or(String::new(), |near| u8::from(near).to_string());
        list += &format!("p{number}.png,{},{dark},{near}\n", number % 2);
    }
    list
}

fn near(number: usize) -> Option<bool> {
    (number < 30).then_some(number.is_multiple_of(3))
}

/// The list with its pictures, of which one is broken: it must not move the flags of those behind it.
fn listed() -> TempDir {
    let dir = folder();
    for number in 0..60 {
        let bytes = match number {
            7 => b"\x89PNG\r\n\x1a\nno more".to_vec(),
            _ => picture_of("p", number),
        };
        write(&dir.path().join(format!("images/p{number}.png")), &bytes);
    }
    write(&dir.path().join("list.csv"), list().as_bytes());
    dir
}

/// Shards of one format.
fn sharded(file: fn(&str) -> String, of: fn(std::ops::Range<usize>) -> Vec<u8>) -> TempDir {
    let dir = folder();
    for (name, numbers) in shards() {
        write(&dir.path().join(file(name)), &of(numbers));
    }
    dir
}

/// A source of every format that knows extra columns.
fn sources() -> Vec<TempDir> {
    let record = |name: &str| {
        let (part, shard) = name.split_once('-').expect("two words");
        format!("set-{part}.tfrecord-0000{shard}-of-00002")
    };
    let parquet = |name: &str| format!("data/{name}000-of-00002.parquet");
    vec![
        listed(),
        sharded(|name| format!("{name}.tar"), tar_of),
        sharded(record, records_of),
        sharded(parquet, |numbers| parquet_of(numbers, "person")),
    ]
}

fn options() -> PrepareOptions {
    let space = DataSpace::new(vec![8], vec![Colour::Rgb]).expect("a space");
    PrepareOptions {
        shard_bytes: 9_000,
        ..PrepareOptions::new(space)
    }
}

fn prepared(from: &Path, to: &Path) -> Result<PreparedSet, DataError> {
    let catalogue = scanned(from)?;
    prepare(&catalogue, to, &options(), &|_| {}, &|| false)
}

fn opened(set: PreparedSet) -> Dataset {
    set.dataset(&OpenOptions {
        seed: 0,
        augmentation: Augmentation::default(),
        resident: u64::MAX,
        mixed: u64::MAX,
    })
    .expect("a data set")
}

/// The number in the name of an example.
fn number(name: &str) -> usize {
    let stem = name.rsplit('/').next().expect("a file name");
    let digits = stem.trim_start_matches('p').trim_end_matches(".png");
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number in {name}"))
}

/// Every example has the flags that its file says.
fn check_flags(dataset: &Dataset) {
    let with_near = dataset.columns() == ["dark", "near"];
    assert!(
        with_near || dataset.columns() == ["dark"],
        "{:?}",
        dataset.columns()
    );
    for split in Split::ALL {
        let mut seen = 0;
        for (name, flags) in dataset.names(split).zip(dataset.flags(split)) {
            let number = number(&name);
            assert_eq!(flags.get(0), dark(number).map(|dark| dark == 1), "{name}");
            let near = near(number).filter(|_| with_near);
            assert_eq!(flags.get(1), near, "{name}");
            seen += 1;
        }
        assert_eq!(seen, dataset.len(split));
    }
}

#[test]
fn flags_of_every_format_are_the_same_in_memory_and_prepared() {
    for from in sources() {
        let memory = loaded(&scanned(from.path()).expect("a catalogue")).expect("pictures");
        check_flags(&memory);
        let to = folder();
        let set = prepared(from.path(), to.path()).expect("a prepared set");
        let counts = scanned(from.path()).expect("a catalogue").column_counts();
        // The broken picture is counted in the catalogue, which decodes nothing.
        if memory.skipped().is_empty() {
            assert_eq!(set.column_counts(), counts);
        }
        let mapped = opened(set);
        check_flags(&mapped);
        assert_eq!(mapped.columns(), memory.columns());
        for split in Split::ALL {
            assert!(mapped.names(split).eq(memory.names(split)));
            assert!(mapped.flags(split).eq(memory.flags(split)));
        }
        mapped.check_intact().expect("no damage");
    }
}

#[test]
fn a_set_without_columns_has_no_flags() {
    let source: Source = "synthetic:objects,size=16,train=20,test=6,classes=2"
        .parse()
        .expect("a source");
    let catalogue = scan(&source, &ScanOptions::default()).expect("a catalogue");
    let to = folder();
    let set = prepare(&catalogue, to.path(), &options(), &|_| {}, &|| false).expect("a set");
    assert_eq!(set.column_counts(), []);
    // As earlier versions wrote it, and so as they read it.
    let manifest = std::fs::read_to_string(to.path().join("prepared")).expect("a manifest");
    assert!(!manifest.contains("columns"), "{manifest}");
    for dataset in [opened(set), load_all(&catalogue)] {
        assert!(dataset.columns().is_empty());
        let mut flags = dataset.flags(Split::Train);
        assert!(flags.all(|flags| flags.get(0).is_none()));
    }
}

fn load_all(catalogue: &Catalogue) -> Dataset {
    load(catalogue, &danas_data::LoadOptions::default(), &|_| {}).expect("pictures")
}

#[test]
fn a_preparation_that_was_stopped_keeps_the_flags() {
    let from = listed();
    let (whole, to) = (folder(), folder());
    prepared(from.path(), whole.path()).expect("a prepared set");
    for moment in [1, 20, 45] {
        let written = AtomicUsize::new(0);
        let stop = || written.fetch_add(1, Ordering::Relaxed) >= moment;
        let catalogue = scanned(from.path()).expect("a catalogue");
        prepare(&catalogue, to.path(), &options(), &|_| {}, &stop).expect_err("a stop");
    }
    check_flags(&opened(
        prepared(from.path(), to.path()).expect("a prepared set"),
    ));
    let index = |folder: &Path| std::fs::read(folder.join("index")).expect("an index");
    assert_eq!(index(to.path()), index(whole.path()));
}

#[test]
fn other_columns_or_values_are_another_set() {
    let from = listed();
    let to = folder();
    prepared(from.path(), to.path()).expect("a prepared set");
    let with = |list: String| {
        write(&from.path().join("list.csv"), list.as_bytes());
        complaint(prepared(from.path(), to.path()))
    };
    let text = with(list().replace("dark", "dim"));
    assert!(
        text.contains("the extra columns dark, near; the source has the extra columns dim, near")
            && text.contains("delete this one"),
        "{text}"
    );
    let names_and_labels = list()
        .lines()
        .map(|line| line.split(',').take(2).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let text = with(names_and_labels);
    assert!(text.contains("the source has no extra columns"), "{text}");
    // One value of one picture: what the files' sizes and times do not tell.
    let text = with(list().replace("p12.png,0,0,1", "p12.png,0,1,1"));
    assert!(text.contains("have changed since"), "{text}");
    write(&from.path().join("list.csv"), list().as_bytes());
    prepared(from.path(), to.path()).expect("the same again");
}
