//! Prepared folders: the same examples as in memory, continued after a stop, damaged, outdated, and in small windows.

mod common;

use common::{class, encoded, png, write};
use danas_data::{
    Augmentation, Catalogue, Colour, DataConfig, DataError, DataSpace, Dataset, LoadOptions,
    OpenOptions, PrepareEvent, PrepareOptions, PreparedSet, ScanOptions, Source, Split, load,
    prepare, scan,
};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const CONFIGS: [DataConfig; 2] = [
    DataConfig {
        resolution: 8,
        colour: Colour::Rgb,
    },
    DataConfig {
        resolution: 16,
        colour: Colour::Mono,
    },
];

fn options() -> PrepareOptions {
    let space = DataSpace::new(vec![8, 16], vec![Colour::Mono, Colour::Rgb]);
    PrepareOptions {
        shard_bytes: 20_000,
        ..PrepareOptions::new(space.expect("a space"))
    }
}

/// A folder of two classes with pictures of several sizes, grey ones and a broken one, and a place to prepare it into.
fn source() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let from = dir.path().join("photos");
    class(&from.join("ape"), 40, 1);
    class(&from.join("cat"), 30, 2);
    let grey = image::DynamicImage::ImageLuma8(image::GrayImage::from_fn(50, 40, |x, y| {
        image::Luma([(x * 5 + y) as u8])
    }));
    for number in 0..6 {
        let file = from.join("cat").join(format!("large{number}.png"));
        write(&file, &png(100 + number, 70, number));
        let file = from.join("ape").join(format!("grey{number}.png"));
        write(&file, &encoded(&grey, image::ImageFormat::Png));
    }
    write(&from.join("ape/broken.png"), b"\x89PNG\r\n\x1a\nno more");
    let to = dir.path().join("prepared");
    (dir, from, to)
}

fn scanned(from: &Path) -> Catalogue {
    scan(&Source::Folder(from.to_owned()), &ScanOptions::default()).expect("a catalogue")
}

fn prepared(from: &Path, to: &Path) -> Result<PreparedSet, DataError> {
    prepare(&scanned(from), to, &options(), &|_| {}, &|| false)
}

fn opened(set: PreparedSet, resident: u64, mixed: u64) -> Dataset {
    set.dataset(&OpenOptions {
        seed: 0,
        augmentation: Augmentation::default(),
        resident,
        mixed,
    })
    .expect("a data set")
}

fn in_memory(from: &Path) -> Dataset {
    let options = LoadOptions {
        finest: options().space.finest(),
        ..LoadOptions::default()
    };
    load(&scanned(from), &options, &|_| {}).expect("a data set")
}

/// The order of an epoch, asked for in batches of seven.
fn epoch(dataset: &Dataset, number: u64) -> Vec<usize> {
    let mut order = dataset.epoch(Split::Train, number);
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    let examples = dataset.len(Split::Train);
    for first in (0..examples).step_by(7) {
        order.examples(first..(first + 7).min(examples), &mut batch);
        all.extend_from_slice(&batch);
    }
    all
}

fn complaint<T>(result: Result<T, DataError>) -> String {
    let error = result.err().expect("an error");
    format!("{error}\n{}", error.hint().unwrap_or_default())
}

/// The files of a folder with their bytes, sorted.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).expect("a file");
            (PathBuf::from(entry.file_name()), bytes)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_prepared_set_is_the_set_in_memory() {
    let (_dir, from, to) = source();
    let memory = in_memory(&from);
    let set = prepared(&from, &to).expect("a prepared set");
    assert!(PreparedSet::is_at(&to) && !PreparedSet::is_at(&from));
    assert!(contents(&to).len() > 4, "there are several shards");
    set.verify(&|_, _| {}).expect("all pixels are there");
    assert_eq!(set.counts(), memory.counts());
    assert_eq!(set.bytes(), memory.bytes() as u64);
    let mapped = opened(set, u64::MAX, u64::MAX);
    assert_eq!(mapped.classes(), memory.classes());
    assert_eq!(mapped.rule(), memory.rule());
    assert_eq!(mapped.skipped(), memory.skipped());
    assert_eq!(mapped.skipped().len(), 1);
    assert_eq!(mapped.finest(), memory.finest());
    assert_eq!(mapped.survey().width, memory.survey().width);
    assert_eq!(mapped.survey().coloured, memory.survey().coloured);
    assert_eq!(mapped.bytes(), memory.bytes());
    assert!(!mapped.is_streamed());
    for split in Split::ALL {
        assert_eq!(mapped.labels(split), memory.labels(split));
        assert!(mapped.names(split).eq(memory.names(split)));
        for config in CONFIGS {
            assert_eq!(mapped.render(split, config), memory.render(split, config));
        }
    }
    let order = epoch(&memory, 3);
    assert_eq!(epoch(&mapped, 3), order);
    for config in CONFIGS {
        assert_eq!(
            mapped.training_batch(Split::Train, &order, 3, config),
            memory.training_batch(Split::Train, &order, 3, config)
        );
    }
    mapped.check_intact().expect("no damage");
}

#[test]
fn small_windows_see_every_example_once_and_give_memory_back() {
    let (_dir, from, to) = source();
    let set = prepared(&from, &to).expect("a prepared set");
    let whole = in_memory(&from);
    // A window of ten pictures; memory is given back after nearly every one.
    let dataset = opened(set, 100_000, 12_000);
    assert!(dataset.is_streamed());
    let (first, second) = (epoch(&dataset, 0), epoch(&dataset, 1));
    assert_ne!(first, second);
    assert_eq!(first, epoch(&dataset, 0));
    assert_ne!(first, epoch(&whole, 0));
    for mut order in [first.clone(), second] {
        order.sort_unstable();
        assert!(order.into_iter().eq(0..dataset.len(Split::Train)));
    }
    for config in CONFIGS {
        assert_eq!(
            dataset.training_batch(Split::Train, &first, 0, config),
            whole.training_batch(Split::Train, &first, 0, config)
        );
    }
    // Both classes are in every window, although they lie one after the other.
    let labels = dataset.labels(Split::Train);
    for window in first.chunks_exact(12) {
        let cats = window.iter().filter(|&&index| labels[index] == 1).count();
        assert!((1..12).contains(&cats), "{cats} of 12");
    }
}

#[test]
fn a_stopped_preparation_is_continued() {
    let (dir, from, to) = source();
    let uninterrupted = dir.path().join("uninterrupted");
    prepared(&from, &uninterrupted).expect("a prepared set");
    for moment in [1, 17, 40, 60] {
        let written = AtomicUsize::new(0);
        let stop = || written.fetch_add(1, Ordering::Relaxed) >= moment;
        let stopped = prepare(&scanned(&from), &to, &options(), &|_| {}, &stop);
        assert!(complaint(stopped).contains("the same command continues"));
        assert!(PreparedSet::is_at(&to));
        assert!(complaint(PreparedSet::open(&to)).contains("not finished"));
    }
    // What a kill leaves: a shard that was not completed, one whose records are missing, and a damaged one.
    write(&to.join("pixels-00099.part"), b"half");
    write(&to.join("pixels-00077"), b"no records");
    let before = AtomicUsize::new(usize::MAX);
    let told = |event: PrepareEvent<'_>| {
        if let PrepareEvent::Started { done, .. } = event {
            before.store(done, Ordering::Relaxed);
        }
    };
    prepare(&scanned(&from), &to, &options(), &told, &|| false).expect("a prepared set");
    let before = before.into_inner();
    assert!((20..80).contains(&before), "{before} were there already");
    assert_eq!(contents(&to), contents(&uninterrupted));
    // Done: the same command opens it.
    prepare(
        &scanned(&from),
        &to,
        &options(),
        &|_| panic!("work"),
        &|| true,
    )
    .expect("a set");
}

#[test]
fn a_damaged_shard_is_made_again_when_the_work_is_continued() {
    let (dir, from, to) = source();
    let uninterrupted = dir.path().join("uninterrupted");
    prepared(&from, &uninterrupted).expect("a prepared set");
    let written = AtomicUsize::new(0);
    let stop = || written.fetch_add(1, Ordering::Relaxed) >= 60;
    prepare(&scanned(&from), &to, &options(), &|_| {}, &stop).expect_err("a stop");
    let shard = to.join("pixels-00001");
    let mut bytes = std::fs::read(&shard).expect("a second shard");
    bytes[77] ^= 4;
    write(&shard, &bytes);
    prepared(&from, &to).expect("a prepared set");
    assert_eq!(contents(&to), contents(&uninterrupted));
}

#[test]
fn a_changed_source_or_option_is_noticed() {
    let (_dir, from, to) = source();
    prepared(&from, &to).expect("a prepared set");
    let again = |catalogue: &Catalogue, options: &PrepareOptions| {
        complaint(prepare(catalogue, &to, options, &|_| {}, &|| false))
    };
    let other = PrepareOptions::new(DataSpace::new(vec![8], vec![Colour::Mono]).expect("a space"));
    let text = again(&scanned(&from), &other);
    assert!(text.contains("resolutions 8,16, not 8"), "{text}");
    let seeded = ScanOptions {
        seed: 4,
        ..ScanOptions::default()
    };
    let catalogue = scan(&Source::Folder(from.clone()), &seeded).expect("a catalogue");
    let text = again(&catalogue, &options());
    assert!(
        text.contains("by seed 0") && text.contains("by seed 4"),
        "{text}"
    );
    write(&from.join("cat/000.png"), &png(20, 17, 9));
    let text = again(&scanned(&from), &options());
    assert!(
        text.contains("have changed since") && text.contains("delete this one"),
        "{text}"
    );
    write(&from.join("cat/new.png"), &png(20, 17, 9));
    let text = again(&scanned(&from), &options());
    assert!(
        text.contains("had 82 examples, now 83") || text.contains("now 84"),
        "{text}"
    );
}

#[test]
fn folders_of_something_else_are_left_alone() {
    let (dir, from, to) = source();
    write(&to.join("letter.txt"), b"dear");
    let text = complaint(prepared(&from, &to));
    assert!(text.contains("is not empty"), "{text}");
    let file = dir.path().join("file");
    write(&file, b"x");
    assert!(complaint(prepared(&from, &file)).contains("cannot write"));
    assert!(complaint(PreparedSet::open(&from)).contains("cannot read"));
}

#[test]
fn only_one_process_prepares_a_folder() {
    let (_dir, from, to) = source();
    let stop = || true;
    prepare(&scanned(&from), &to, &options(), &|_| {}, &stop).expect_err("a stop");
    let other = std::fs::File::open(to.join("plan")).expect("a plan");
    other.lock().expect("a lock");
    assert!(complaint(prepared(&from, &to)).contains("another process"));
    drop(other);
    prepared(&from, &to).expect("a prepared set");
}

#[test]
fn broken_pictures_beyond_what_is_tolerated_end_the_work() {
    let (_dir, from, to) = source();
    for number in 0..8 {
        write(
            &from.join(format!("cat/broken{number}.png")),
            b"\x89PNG\r\n\x1a\n",
        );
    }
    let text = complaint(prepared(&from, &to));
    assert!(text.contains("could not be decoded"), "{text}");
}

#[test]
fn damage_that_is_met_while_reading_is_told() {
    let (_dir, from, to) = source();
    prepared(&from, &to).expect("a prepared set");
    let shard = to.join("pixels-00000");
    let mut bytes = std::fs::read(&shard).expect("a shard");
    bytes[1000] ^= 1;
    write(&shard, &bytes);
    let set = PreparedSet::open(&to).expect("what is not pixels is intact");
    assert!(complaint(set.verify(&|_, _| {})).contains("pixels-00000 has other pixels"));
    let dataset = opened(set, u64::MAX, u64::MAX);
    dataset.check_intact().expect("nothing was read yet");
    for split in Split::ALL {
        dataset.render(split, CONFIGS[0]);
    }
    let text = complaint(dataset.check_intact());
    assert!(
        text.contains("pixels-00000") && text.contains("danas prepare"),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_damage_is_an_error_and_never_a_panic(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u32..8,
        cut in any::<bool>(),
    ) {
        let (_dir, from, to) = source();
        prepared(&from, &to).expect("a prepared set");
        let files = contents(&to);
        let (name, mut bytes) = files[file.index(files.len())].clone();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        write(&to.join(&name), &bytes);
        let found = PreparedSet::open(&to).and_then(|set| set.verify(&|_, _| {}));
        prop_assert!(found.is_err(), "{} at {at}", name.display());
        let again = prepared(&from, &to);
        prop_assert!(again.is_err() || name.to_string_lossy().starts_with("pixels"));
    }
}
