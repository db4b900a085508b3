//! From files to batches: formats, data configurations, views, and that threads change nothing.

mod common;

use common::{class, encoded, png, write};
use danas_data::{
    Augmentation, Batch, Colour, DataConfig, DataSpace, Dataset, LoadEvent, LoadOptions,
    ReadLimits, ScanOptions, Source, Split, inspect, load, luma_of, scan, survey, write_folder,
};
use image::{DynamicImage, ImageFormat};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

const CONFIGS: [DataConfig; 4] = [
    DataConfig {
        resolution: 8,
        colour: Colour::Rgb,
    },
    DataConfig {
        resolution: 8,
        colour: Colour::Mono,
    },
    DataConfig {
        resolution: 24,
        colour: Colour::Rgb,
    },
    DataConfig {
        resolution: 24,
        colour: Colour::Mono,
    },
];

fn loaded(source: &Source, options: &LoadOptions) -> Dataset {
    let catalogue = scan(source, &ScanOptions::default()).expect("a catalogue");
    load(&catalogue, options, &|_| {}).expect("a data set")
}

/// The training examples in the order of an epoch.
fn order(dataset: &Dataset, epoch: u64) -> Vec<usize> {
    let mut examples = Vec::new();
    let all = 0..dataset.len(Split::Train);
    dataset
        .epoch(Split::Train, epoch)
        .examples(all, &mut examples);
    examples
}

fn small_synthetic() -> Source {
    "synthetic:objects,size=32,train=64,test=16,seed=5"
        .parse()
        .expect("a source")
}

#[test]
fn all_formats_and_kinds_of_pixels_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let colour = image::load_from_memory(&png(31, 22, 4)).expect("a picture");
    let deep = DynamicImage::ImageRgb16(colour.to_rgb16());
    let with_alpha = DynamicImage::ImageRgba8(colour.to_rgba8());
    let a = dir.path().join("a");
    write(&a.join("1.png"), &encoded(&colour, ImageFormat::Png));
    write(&a.join("2.bmp"), &encoded(&colour, ImageFormat::Bmp));
    write(&a.join("3.webp"), &encoded(&colour, ImageFormat::WebP));
    write(&a.join("4.png"), &encoded(&deep, ImageFormat::Png));
    write(&a.join("5.png"), &encoded(&with_alpha, ImageFormat::Png));
    // The content decides, not the name.
    write(&a.join("6.jpg"), &encoded(&colour, ImageFormat::Bmp));
    let b = dir.path().join("b");
    write(&b.join("1.jpg"), &encoded(&colour, ImageFormat::Jpeg));
    write(
        &b.join("2.png"),
        &encoded(
            &DynamicImage::ImageLuma8(colour.to_luma8()),
            ImageFormat::Png,
        ),
    );
    write(
        &b.join("3.png"),
        &encoded(
            &DynamicImage::ImageLumaA16(colour.to_luma_alpha16()),
            ImageFormat::Png,
        ),
    );
    let dataset = loaded(
        &Source::Folder(dir.path().to_owned()),
        &LoadOptions::default(),
    );
    assert_eq!(dataset.skipped(), []);
    assert_eq!(dataset.source_colour(), Colour::Rgb);
    let mut lossless = Vec::new();
    for split in Split::ALL {
        let batch = dataset.render(split, CONFIGS[2]);
        for (index, name) in dataset.names(split).enumerate() {
            let pixels = batch.example(index).to_vec();
            if name.starts_with("a/") {
                lossless.push(pixels);
            } else if name != "b/1.jpg" {
                assert!(
                    pixels
                        .chunks(3)
                        .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
                );
            }
        }
    }
    assert_eq!(lossless.len(), 6);
    assert!(
        lossless.iter().all(|pixels| *pixels == lossless[0]),
        "one picture in six files"
    );
}

#[test]
fn alpha_is_composited_on_white_and_16_bits_are_rounded() {
    let dir = tempfile::tempdir().expect("a folder");
    let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(
        16,
        16,
        image::Rgba([10, 20, 30, 0]),
    ));
    let half = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(
        16,
        16,
        image::Rgba([0, 100, 200, 128]),
    ));
    let deep = DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(
        16,
        16,
        image::Luma([257 * 77 + 128]),
    ));
    for (name, picture) in [("clear", clear), ("half", half), ("deep", deep)] {
        for number in 0..3 {
            let file = dir.path().join(name).join(format!("{number}.png"));
            write(&file, &encoded(&picture, ImageFormat::Png));
        }
    }
    let dataset = loaded(
        &Source::Folder(dir.path().to_owned()),
        &LoadOptions::default(),
    );
    let batch = dataset.render(Split::Test, CONFIGS[0]);
    assert_eq!(dataset.classes(), ["clear", "deep", "half"]);
    assert_eq!(batch.labels, [0, 1, 2]);
    assert_eq!(batch.example(0)[..3], [255; 3]);
    assert_eq!(batch.example(1)[..3], [77; 3]);
    assert_eq!(batch.example(2)[..3], [127, 177, 227]);
}

/// A JPEG with an EXIF orientation in front of its other segments.
fn oriented(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let jpeg = encoded(picture, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1, 0, exif.len() as u8 + 2]);
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn pictures_are_turned_upright() {
    let dir = tempfile::tempdir().expect("a folder");
    let left_dark =
        image::GrayImage::from_fn(32, 32, |x, _| image::Luma([if x < 16 { 0 } else { 255 }]));
    for (name, orientation) in [("as_it_is", 1), ("turned", 6)] {
        for number in 0..3 {
            let file = dir.path().join(name).join(format!("{number}.jpg"));
            write(&file, &oriented(&left_dark.clone().into(), orientation));
        }
    }
    let dataset = loaded(
        &Source::Folder(dir.path().to_owned()),
        &LoadOptions::default(),
    );
    assert_eq!(dataset.source_colour(), Colour::Mono);
    let batch = dataset.render(Split::Test, CONFIGS[1]);
    let corner = |index: usize, x: usize, y: usize| batch.example(index)[y * 8 + x];
    assert!(corner(0, 0, 7) < 30 && corner(0, 7, 0) > 225);
    // Orientation 6 is turned a quarter clockwise: left becomes top.
    assert!(corner(1, 0, 7) > 225 && corner(1, 7, 0) < 30);
}

fn luma(batch: &Batch) -> Vec<u8> {
    batch
        .pixels
        .chunks(3)
        .map(|pixel| luma_of(pixel[0], pixel[1], pixel[2]))
        .collect()
}

#[test]
fn monochrome_is_the_luma_of_the_colour_pixels() {
    let augmentation = Augmentation {
        jitter: 0.2,
        ..Augmentation::default()
    };
    let dataset = loaded(
        &small_synthetic(),
        &LoadOptions {
            augmentation,
            ..LoadOptions::default()
        },
    );
    for pair in CONFIGS.chunks(2) {
        let [colour, mono] = [0, 1].map(|index| dataset.render(Split::Test, pair[index]));
        assert_eq!(luma(&colour), mono.pixels);
        let [colour, mono] =
            [0, 1].map(|index| dataset.training_batch(Split::Train, &[3, 1, 4], 7, pair[index]));
        assert_eq!(luma(&colour), mono.pixels);
    }
}

#[test]
fn threads_change_nothing() {
    let results: Vec<_> = [1, 2]
        .into_iter()
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| {
                let dataset = loaded(
                    &small_synthetic(),
                    &LoadOptions {
                        finest: 24,
                        ..LoadOptions::default()
                    },
                );
                let order = order(&dataset, 2);
                CONFIGS.map(|config| {
                    let training = dataset.training_batch(Split::Train, &order, 2, config);
                    (
                        training,
                        dataset.render(Split::Validation, config),
                        dataset.render(Split::Test, config),
                    )
                })
            })
        })
        .collect();
    assert_eq!(results[0], results[1]);
}

#[test]
fn a_view_depends_on_epoch_and_example_alone() {
    let dataset = loaded(&small_synthetic(), &LoadOptions::default());
    let together = dataset.training_batch(Split::Train, &[0, 5, 9], 3, CONFIGS[2]);
    let alone = dataset.training_batch(Split::Train, &[9], 3, CONFIGS[2]);
    assert_eq!(together.example(2), alone.example(0));
    assert_ne!(
        alone,
        dataset.training_batch(Split::Train, &[9], 4, CONFIGS[2])
    );
    assert_eq!(together.shape, CONFIGS[2].input_shape());
    assert_eq!(together.labels[1], dataset.labels(Split::Train)[5]);
}

#[test]
fn without_augmentation_training_sees_what_evaluation_sees() {
    let options = LoadOptions {
        augmentation: Augmentation::NONE,
        ..LoadOptions::default()
    };
    let dataset = loaded(&small_synthetic(), &options);
    for config in CONFIGS {
        assert_eq!(
            dataset.training_batch(Split::Train, &[0, 7], 1, config),
            dataset.evaluation_batch(Split::Train, &[0, 7], config)
        );
    }
}

#[test]
fn an_epoch_is_a_permutation() {
    let dataset = loaded(&small_synthetic(), &LoadOptions::default());
    let (first, second) = (order(&dataset, 0), order(&dataset, 1));
    assert_ne!(first, second);
    assert_eq!(first, order(&dataset, 0));
    let mut sorted = first;
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..dataset.len(Split::Train)));
}

#[test]
fn a_spread_is_of_all_classes() {
    let dataset = loaded(&small_synthetic(), &LoadOptions::default());
    let classes = dataset.classes().len();
    let labels = dataset.labels(Split::Train);
    let few = dataset.spread(Split::Train, classes);
    assert_eq!(few.len(), classes);
    assert!(few.is_sorted_by(|a, b| labels[*a] < labels[*b]), "{few:?}");
    let all: Vec<usize> = (0..labels.len()).collect();
    assert_eq!(dataset.spread(Split::Train, usize::MAX), all);
    assert!(dataset.spread(Split::Train, 0).is_empty());
}

#[test]
fn large_pictures_are_kept_reduced_with_their_aspect() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["a", "b"] {
        for number in 0..4 {
            let file = dir.path().join(name).join(format!("{number}.png"));
            write(&file, &png(200, 100, number));
        }
    }
    let dataset = loaded(
        &Source::Folder(dir.path().to_owned()),
        &LoadOptions {
            finest: 30,
            ..LoadOptions::default()
        },
    );
    assert_eq!(dataset.bytes(), 8 * 60 * 30 * 3);
    assert_eq!(dataset.survey().width.median, 200);
    assert_eq!(
        dataset.render(Split::Test, CONFIGS[0]).pixels.len(),
        2 * 8 * 8 * 3
    );
}

#[test]
fn the_synthetic_set_and_its_folder_are_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = small_synthetic();
    let Source::Synthetic(spec) = &source else {
        panic!("a synthetic source")
    };
    let target = dir.path().join("objects");
    write_folder(spec, &target).expect("a folder of pictures");
    assert!(
        write_folder(spec, &target).is_err(),
        "a folder that is not empty is left alone"
    );
    let drawn = loaded(&source, &LoadOptions::default());
    let read = loaded(&Source::Folder(target), &LoadOptions::default());
    assert_eq!(drawn.classes(), read.classes());
    for split in Split::ALL {
        assert!(drawn.names(split).eq(read.names(split)));
        assert_eq!(
            drawn.render(split, CONFIGS[2]),
            read.render(split, CONFIGS[2])
        );
    }
}

#[test]
fn the_synthetic_set_is_seeded_and_checked() {
    let render = |text: &str| {
        let source: Source = text.parse().expect("a source");
        loaded(&source, &LoadOptions::default()).render(Split::Test, CONFIGS[0])
    };
    let reference = "synthetic:objects,size=24,train=24,test=8,classes=4";
    assert_eq!(render(reference), render(reference));
    assert_ne!(render(reference), render(&format!("{reference},seed=1")));
    for bad in [
        "size=1",
        "size=abc",
        "train=3",
        "classes=9",
        "difficulty=2",
        "colour=red",
        "size",
    ] {
        assert!(
            format!("synthetic:objects,{bad}")
                .parse::<Source>()
                .is_err(),
            "{bad}"
        );
    }
}

#[test]
fn events_count_every_picture() {
    let dir = tempfile::tempdir().expect("a folder");
    class(&dir.path().join("a"), 30, 1);
    class(&dir.path().join("b"), 30, 2);
    write(&dir.path().join("a/bad.png"), b"text");
    let catalogue = scan(
        &Source::Folder(dir.path().to_owned()),
        &ScanOptions::default(),
    )
    .expect("a catalogue");
    let (started, decoded, skipped) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    load(&catalogue, &LoadOptions::default(), &|event| {
        match event {
            LoadEvent::Started { total } => started.store(total, Ordering::Relaxed),
            LoadEvent::Decoded { .. } => _ = decoded.fetch_add(1, Ordering::Relaxed),
            LoadEvent::Skipped(_) => _ = skipped.fetch_add(1, Ordering::Relaxed),
        };
    })
    .expect("a data set");
    assert_eq!(
        [started, decoded, skipped].map(|count| count.into_inner()),
        [60, 60, 1]
    );
}

#[test]
fn an_inspection_finds_equal_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    for (index, name) in ["x", "y"].into_iter().enumerate() {
        class(&dir.path().join("train").join(name), 10, index as u32);
        class(&dir.path().join("test").join(name), 10, 10 + index as u32);
    }
    // The same pixels in another format, in another part; and in another class of the same part.
    let copy = image::load_from_memory(&png(20, 16, 10_003)).expect("a picture");
    write(
        &dir.path().join("train/x/copy.bmp"),
        &encoded(&copy, ImageFormat::Bmp),
    );
    write(&dir.path().join("test/y/copy.png"), &png(20, 16, 10_005));
    write(&dir.path().join("test/x/again.png"), &png(20, 16, 10_007));
    let catalogue = scan(
        &Source::Folder(dir.path().to_owned()),
        &ScanOptions::default(),
    )
    .expect("a catalogue");
    let inspection = inspect(&catalogue, &ReadLimits::default(), &|_| {}).expect("an inspection");
    let paths = |groups: &[danas_data::Duplicates]| -> Vec<Vec<String>> {
        groups
            .iter()
            .map(|group| group.files.iter().map(|file| file.path.clone()).collect())
            .collect()
    };
    assert_eq!(
        paths(&inspection.duplicates_across_splits),
        [["train/x/copy.bmp", "test/x/003.png"]]
    );
    assert_eq!(
        paths(&inspection.contradictions),
        [["test/x/005.png", "test/y/copy.png"]]
    );
    assert_eq!(inspection.duplicates_within_split, 1);
    assert_eq!(inspection.data_space.resolutions, [16]);
    assert_eq!(inspection.refused, None);
    assert_eq!(
        inspection.survey,
        survey(&catalogue, &ReadLimits::default()).expect("a survey")
    );
}

/// Real pictures, where there are any.
fn real(name: &str) -> Option<PathBuf> {
    let shared = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DANAS_DATA")
        .map_or_else(shared, PathBuf::from)
        .join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no folder {}", folder.display());
    None
}

#[test]
fn real_pictures_are_read() {
    let Some(folder) = real("intel_scenes") else {
        return;
    };
    let catalogue = scan(&Source::Folder(folder), &ScanOptions::default()).expect("a catalogue");
    let survey = survey(&catalogue, &ReadLimits::default()).expect("a survey");
    assert_eq!(
        (survey.pictures, survey.shorter.median, survey.colour()),
        (3900, 150, Colour::Rgb)
    );
    assert_eq!(DataSpace::suggested(&survey).resolutions.last(), Some(&144));
    assert_eq!(
        Split::ALL.map(|split| catalogue.len(split)),
        [2292, 408, 1200, 0]
    );
}
