//! A part for pretraining: in every layout, in memory and prepared, and what is wrong with one.

mod common;

use common::shards::{parquet_of, records_of, tar_of};
use common::{archive, complaint, encoded, folder, gzip, picture_of, write};
use danas_data::{
    Augmentation, Catalogue, Colour, DataConfig, DataError, DataSpace, Dataset, Format,
    LoadOptions, MappedSplit, OpenOptions, PrepareOptions, PreparedSet, ReadLimits, ScanOptions,
    Source, Split, load, prepare, project, scan,
};
use std::ops::Range;
use std::path::Path;

/// The parts with the numbers of their pictures; the label of a picture is the parity of its number.
const PARTS: [(&str, Range<usize>); 3] = [
    ("train_large", 0..24),
    ("train_quality", 24..36),
    ("test", 36..44),
];

const CONFIG: DataConfig = DataConfig {
    resolution: 16,
    colour: Colour::Rgb,
};

fn staged(root: &Path, map: &str) -> Result<Catalogue, DataError> {
    let map = map
        .split(',')
        .map(str::parse::<MappedSplit>)
        .collect::<Result<_, _>>()?;
    let options = ScanOptions {
        split_map: map,
        ..ScanOptions::default()
    };
    scan(&Source::Folder(root.to_owned()), &options)
}

/// A list of pictures by their names.
fn list(numbers: Range<usize>) -> String {
    let row = |number: usize| format!("p{number}.png,{}\n", number % 2);
    format!("filename,person\n{}", numbers.map(row).collect::<String>())
}

fn files(root: &Path, numbers: Range<usize>) {
    for number in numbers {
        let name = format!("p{number}.png");
        write(&root.join(name), &picture_of("p", number));
    }
}

fn class_folders(root: &Path) {
    for (part, numbers) in PARTS {
        for number in numbers {
            let path = root.join(format!("{part}/{}/p{number}.png", number % 2));
            write(&path, &picture_of("p", number));
        }
    }
}

/// Writes every part as `root` and the part's name say.
fn parts(root: &Path, write_part: impl Fn(&Path, &str, Range<usize>)) {
    for (part, numbers) in PARTS {
        write_part(root, part, numbers);
    }
}

/// The layouts with functions that write the parts in them.
fn layouts() -> [(Format, fn(&Path)); 6] {
    [
        (Format::ClassFolders, class_folders),
        (Format::CsvList, |root| {
            parts(root, |root, part, numbers| {
                write(
                    &root.join(format!("{part}.csv")),
                    list(numbers.clone()).as_bytes(),
                );
                files(&root.join("pictures"), numbers);
            });
        }),
        (Format::CsvArchives, |root| {
            parts(root, |root, part, numbers| {
                write(
                    &root.join(format!("{part}.csv")),
                    list(numbers.clone()).as_bytes(),
                );
                let members: Vec<(String, Vec<u8>)> = numbers
                    .map(|number| (format!("p{number}.png"), picture_of("p", number)))
                    .collect();
                let members: Vec<(&str, &[u8])> = (members.iter())
                    .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
                    .collect();
                let packed = gzip(&archive(&members));
                write(&root.join(format!("{part}.tar.gz")), &packed);
            });
        }),
        (Format::Parquet, |root| {
            parts(root, |root, part, numbers| {
                let file = root.join(format!("data/{part}-00000-of-00001.parquet"));
                write(&file, &parquet_of(numbers, "person"));
            });
        }),
        (Format::TfRecord, |root| {
            parts(root, |root, part, numbers| {
                let file = root.join(format!("1.0.0/wv-{part}.tfrecord-00000-of-00001"));
                write(&file, &records_of(numbers));
            });
        }),
        (Format::WebDataset, |root| {
            parts(root, |root, part, numbers| {
                write(&root.join(format!("{part}-000000.tar")), &tar_of(numbers));
            });
        }),
    ]
}

/// The numbers of a part's pictures, ascending.
fn numbers<'a>(names: impl Iterator<Item = std::borrow::Cow<'a, str>>) -> Vec<usize> {
    let number = |name: &str| {
        let digits = name.rsplit_once('p').map(|(before, after)| {
            // The extension has a `p` as well.
            match before.rsplit_once('p') {
                Some((_, stem)) if after.starts_with("ng") => stem.trim_end_matches('.').to_owned(),
                _ => after.to_owned(),
            }
        });
        digits.and_then(|digits| digits.parse().ok()).expect(name)
    };
    let mut numbers: Vec<usize> = names.map(|name| number(&name)).collect();
    numbers.sort_unstable();
    numbers
}

fn loaded(catalogue: &Catalogue) -> Dataset {
    let options = LoadOptions {
        finest: 20,
        ..LoadOptions::default()
    };
    load(catalogue, &options, &|_| {}).expect("pictures")
}

#[test]
fn a_part_for_pretraining_is_read_in_every_layout() {
    for (format, write_parts) in layouts() {
        let dir = folder();
        write_parts(dir.path());
        let catalogue = staged(dir.path(), "train_large=pretraining").expect("a catalogue");
        assert_eq!(catalogue.recognised().format, format);
        assert!(catalogue.unused().is_empty(), "{format:?}");
        assert_eq!(
            Split::ALL.map(|split| catalogue.len(split)),
            [10, 2, 8, 24],
            "{format:?}: validation is carved, but not out of what is pretrained on"
        );
        let foretold = project(&catalogue, 20, &ReadLimits::default()).expect("a projection");
        assert_eq!(foretold.pictures, 44, "all take memory");
        let rule = catalogue.rule().to_string();
        assert!(
            rule.contains("validation 15 % of train_quality")
                && rule.contains("pretraining as given in train_large"),
            "{rule}"
        );
        let dataset = loaded(&catalogue);
        let of = |split| numbers(dataset.names(split));
        assert!(of(Split::Pretraining).into_iter().eq(0..24), "{format:?}");
        assert!(of(Split::Test).into_iter().eq(36..44), "{format:?}");
        let mut rest = [of(Split::Train), of(Split::Validation)].concat();
        rest.sort_unstable();
        assert!(rest.into_iter().eq(24..36), "{format:?}");
        let counts = dataset.counts();
        assert_eq!(
            counts
                .iter()
                .map(|class| class.pretraining)
                .collect::<Vec<_>>(),
            [12, 12]
        );
    }
}

#[test]
fn without_being_asked_for_nothing_is_pretrained_on() {
    let dir = folder();
    class_folders(dir.path());
    let catalogue = staged(dir.path(), "train_quality=train").expect("a catalogue");
    assert!(catalogue.is_empty(Split::Pretraining));
    assert_eq!(catalogue.unused(), ["train_large"]);
    assert!(catalogue.rule().origin(Split::Pretraining).is_none());
    assert_eq!(catalogue.rule().use_of("train_large"), None);
    let staged = staged(dir.path(), "train_large=pretraining").expect("a catalogue");
    let uses = ["train_large", "train_quality", "test", "train"].map(|n| staged.rule().use_of(n));
    assert_eq!(
        uses,
        [
            Some(Split::Pretraining),
            Some(Split::Train),
            Some(Split::Test),
            None
        ]
    );
    // What is seen of the other parts does not depend on it.
    let (plain, staged) = (loaded(&catalogue), loaded(&staged));
    let indices: Vec<usize> = (0..10).collect();
    assert_eq!(
        plain.training_batch(Split::Train, &indices, 2, CONFIG),
        staged.training_batch(Split::Train, &indices, 2, CONFIG)
    );
    assert_eq!(
        order(&plain, Split::Train, 1),
        order(&staged, Split::Train, 1)
    );
}

/// The order of an epoch, asked for in batches of five.
fn order(dataset: &Dataset, split: Split, epoch: u64) -> Vec<usize> {
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    let mut order = dataset.epoch(split, epoch);
    let examples = dataset.len(split);
    for first in (0..examples).step_by(5) {
        order.examples(first..(first + 5).min(examples), &mut batch);
        all.extend_from_slice(&batch);
    }
    all
}

#[test]
fn a_prepared_set_has_the_part_too() {
    let dir = folder();
    let from = dir.path().join("from");
    class_folders(&from);
    // Grey pictures among coloured ones.
    let grey = image::DynamicImage::ImageLuma8(image::GrayImage::from_fn(30, 20, |x, y| {
        image::Luma([(x * 7 + y) as u8])
    }));
    for number in 0..6 {
        let file = from.join(format!("train_large/{}/p{}.png", number % 2, 100 + number));
        write(&file, &encoded(&grey, image::ImageFormat::Png));
    }
    let catalogue = staged(&from, "train_large=pretraining").expect("a catalogue");
    let memory = loaded(&catalogue);
    let space = DataSpace::new(vec![16], vec![Colour::Rgb]).expect("a space");
    let options = PrepareOptions {
        shard_bytes: 5000,
        ..PrepareOptions::new(space)
    };
    let to = dir.path().join("to");
    let set = prepare(&catalogue, &to, &options, &|_| {}, &|| false).expect("a set");
    assert_eq!(set.counts(), memory.counts());
    assert_eq!(set.rule(), memory.rule());
    set.verify(&|_, _| {}).expect("all pixels");
    for mixed in [u64::MAX, 3000] {
        let options = OpenOptions {
            seed: 0,
            augmentation: Augmentation::default(),
            resident: 4000,
            mixed,
        };
        let set = PreparedSet::open(&to).expect("a set");
        let mapped = set.dataset(&options).expect("a data set");
        for split in Split::ALL {
            assert_eq!(mapped.labels(split), memory.labels(split));
            assert!(mapped.names(split).eq(memory.names(split)));
            let all: Vec<usize> = (0..mapped.len(split)).collect();
            assert_eq!(
                mapped.training_batch(split, &all, 3, CONFIG),
                memory.training_batch(split, &all, 3, CONFIG)
            );
        }
        let first = order(&mapped, Split::Pretraining, 0);
        assert_ne!(first, order(&mapped, Split::Pretraining, 1));
        if mixed == u64::MAX {
            assert_eq!(first, order(&memory, Split::Pretraining, 0));
        }
        let mut sorted = first;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..30), "every example once");
        mapped.check_intact().expect("intact");
    }
    // Another use of the parts is another set.
    let other = staged(&from, "train_large=unused").expect("a catalogue");
    let text = complaint(prepare(&other, &to, &options, &|_| {}, &|| false));
    assert!(
        text.contains("pretraining as given in train_large"),
        "{text}"
    );
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let dir = folder();
    class_folders(dir.path());
    let said = |map: &str| complaint(staged(dir.path(), map));
    let text = said("train_huge=pretraining");
    assert!(
        text.contains("no part `train_huge`") && text.contains("--pretrain-split"),
        "{text}"
    );
    let text = said("train_large=pretraining,train_large=train");
    assert!(
        text.contains("`train_large` cannot be used twice, for pretraining and train"),
        "{text}"
    );
    let text = said("train_quality=pretraining,train_large=unused");
    assert!(text.contains("no part to train on"), "{text}");
    files(&dir.path().join("train_large/2"), 0..3);
    let text = said("train_large=pretraining");
    assert!(
        text.contains("train_large") && text.contains('2') && text.contains("train_quality"),
        "{text}"
    );
    std::fs::remove_dir_all(dir.path().join("train_large/2")).expect("removed");
    std::fs::remove_dir_all(dir.path().join("train_large/1")).expect("removed");
    let text = said("train_large=pretraining");
    assert!(text.contains("train_large") && text.contains('1'), "{text}");
    let lists = folder();
    write(&lists.path().join("train.csv"), list(0..8).as_bytes());
    let other = format!("{}p15.png,2\n", list(8..15));
    write(&lists.path().join("more.csv"), other.as_bytes());
    files(lists.path(), 0..16);
    let text = complaint(staged(lists.path(), "more=pretraining"));
    assert!(text.contains("more") && text.contains("`2`"), "{text}");
}

#[test]
fn a_picture_of_two_lists_is_not_pretrained_on() {
    let dir = folder();
    write(&dir.path().join("large.csv"), list(0..20).as_bytes());
    write(&dir.path().join("train.csv"), list(0..8).as_bytes());
    write(&dir.path().join("test.csv"), list(6..12).as_bytes());
    files(dir.path(), 0..20);
    let catalogue = staged(dir.path(), "large=pretraining").expect("a catalogue");
    // The test part gets its six, training and validation what is left of eight, and pretraining the rest.
    let [train, validation, test, pretraining] = Split::ALL.map(|split| catalogue.len(split));
    assert_eq!((train + validation, test, pretraining), (6, 6, 8));
}
