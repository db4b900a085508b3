//! The preprocessing in C against that of the training side, byte for byte.

mod common;

use std::fs;
use std::path::Path;

use common::library::{
    DEVICE, HOST, MACHINE, are_there, run_on_device, run_on_host, write_library,
};
use common::{Builder, quantised, random_model, rng};
use danas_data::{Colour, DataConfig, LoadOptions, ScanOptions, Source, Split, load, scan};
use danas_deploy::{Int8Model, Quantisation};
use image::ExtendedColorType;
use rand::{Rng, RngExt};

/// How pixels are stored, with the numbers of `danas_format`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Rgb888,
    Rgb565Le,
    Rgb565Be,
    Grey,
}

/// A frame, and the same pixels in 8 bits per channel.
struct Frame {
    width: usize,
    height: usize,
    stride: usize,
    format: Format,
    bytes: Vec<u8>,
    decoded: Vec<u8>,
}

/// 5 or 6 bits to 8, by the rule that `danas_frame.h` states.
fn widen(value: u16, bits: u32) -> u8 {
    (value << (8 - bits) | value >> (2 * bits - 8)) as u8
}

impl Frame {
    /// Noise on a ramp, in rows with a few bytes between them.
    fn random(width: usize, height: usize, format: Format, rng: &mut impl Rng) -> Self {
        let size = match format {
            Format::Rgb888 => 3,
            Format::Rgb565Le | Format::Rgb565Be => 2,
            Format::Grey => 1,
        };
        let stride = width * size + rng.random_range(0..4);
        let mut bytes = vec![0; stride * height];
        let mut decoded = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let at = y * stride + x * size;
                let pixel = &mut bytes[at..at + size];
                for byte in &mut *pixel {
                    let noise: u8 = rng.random();
                    *byte = ((x * 255 / width) as u8).wrapping_add(noise / 4);
                }
                let halves = match format {
                    Format::Rgb565Le => u16::from_le_bytes([pixel[0], pixel[1]]),
                    Format::Rgb565Be => u16::from_be_bytes([pixel[0], pixel[1]]),
                    Format::Rgb888 | Format::Grey => {
                        decoded.extend_from_slice(pixel);
                        continue;
                    }
                };
                let (red, green, blue) = (halves >> 11, halves >> 5 & 63, halves & 31);
                decoded.extend([widen(red, 5), widen(green, 6), widen(blue, 5)]);
            }
        }
        Self {
            width,
            height,
            stride,
            format,
            bytes,
            decoded,
        }
    }

    /// What `run_frames.c` reads.
    fn record(&self) -> Vec<u8> {
        let head = [self.width, self.height, self.stride, self.format as usize];
        let mut record: Vec<u8> = head
            .iter()
            .flat_map(|&number| (number as i32).to_le_bytes())
            .collect();
        record.extend_from_slice(&self.bytes);
        record
    }

    fn save(&self, path: &Path) {
        let kind = match self.format {
            Format::Grey => ExtendedColorType::L8,
            _ => ExtendedColorType::Rgb8,
        };
        let (width, height) = (self.width as u32, self.height as u32);
        image::save_buffer(path, &self.decoded, width, height, kind).unwrap();
    }
}

/// Frames of all formats: common cameras, larger and smaller than the input, portrait, odd, tiny, exact.
fn frames(rng: &mut impl Rng) -> Vec<Frame> {
    let sizes = [
        (320, 240),
        (160, 120),
        (240, 320),
        (97, 131),
        (64, 64),
        (47, 33),
        (20, 11),
        (1, 1),
        (3, 5),
        (613, 201),
    ];
    let formats = [
        Format::Rgb888,
        Format::Rgb565Le,
        Format::Rgb565Be,
        Format::Grey,
    ];
    let mut frames = Vec::new();
    for (width, height) in sizes {
        for format in formats {
            frames.push(Frame::random(width, height, format, rng));
        }
    }
    frames
}

/// What the training side makes of frames, as pixels `[n, side, side, channels]`.
fn rendered(frames: &[Frame], finest: Option<usize>, config: DataConfig) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for part in ["train", "val", "test"] {
        for class in ["a", "b"] {
            let class = folder.path().join(part).join(class);
            fs::create_dir_all(&class).unwrap();
            frames[0].save(&class.join("one.png"));
        }
    }
    for (index, frame) in frames.iter().enumerate() {
        frame.save(&folder.path().join(format!("test/a/{index:03}.png")));
    }
    let catalogue = scan(
        &Source::Folder(folder.path().to_owned()),
        &ScanOptions::default(),
    );
    let options = LoadOptions {
        finest: finest.unwrap_or(4096),
        ..LoadOptions::default()
    };
    let dataset = load(&catalogue.unwrap(), &options, &|_| ()).unwrap();
    let names: Vec<_> = dataset.names(Split::Test).collect();
    let indices: Vec<usize> = (0..frames.len())
        .map(|frame| {
            let name = format!("{frame:03}.png");
            names
                .iter()
                .position(|found| found.ends_with(&name))
                .unwrap()
        })
        .collect();
    dataset
        .evaluation_batch(Split::Test, &indices, config)
        .pixels
}

/// A small model with such an input.
fn model(config: DataConfig, rng: &mut impl Rng) -> Int8Model {
    let shape = config.input_shape();
    let mut builder = Builder::new(shape.height, shape.width, shape.channels);
    builder.convolution(3, 2, 4, true);
    builder.pool();
    quantised(&random_model(builder.finish(), rng), rng)
}

/// Runs the preprocessing in C with `run` and demands the pixels of the training side, as `integer` stores them.
fn compare(
    model: &Int8Model,
    config: DataConfig,
    finest: Option<usize>,
    frames: &[Frame],
    integer: impl Fn(u8) -> i8,
    run: impl Fn(&Path),
) {
    let folder = tempfile::tempdir().unwrap();
    write_library(model, finest, folder.path());
    let records: Vec<u8> = frames.iter().flat_map(Frame::record).collect();
    fs::write(folder.path().join("frames.bin"), records).unwrap();
    run(folder.path());
    let found = fs::read(folder.path().join("tensors.bin")).unwrap();
    let expected = rendered(frames, finest, config);
    assert_eq!(found.len(), expected.len());
    let size = expected.len() / frames.len();
    for (index, frame) in frames.iter().enumerate() {
        let part = index * size..(index + 1) * size;
        let same = found[part.clone()]
            .iter()
            .zip(&expected[part])
            .all(|(&found, &pixel)| found as i8 == integer(pixel));
        let (width, height, format) = (frame.width, frame.height, frame.format);
        assert!(
            same,
            "{width} x {height} {format:?} to {config}, {finest:?}"
        );
    }
}

const CONFIGS: [(usize, Colour, Option<usize>); 6] = [
    (48, Colour::Rgb, Some(60)),
    (48, Colour::Mono, Some(60)),
    (96, Colour::Rgb, Some(120)),
    (33, Colour::Mono, None),
    (8, Colour::Rgb, Some(11)),
    (64, Colour::Mono, Some(40)),
];

fn config(resolution: usize, colour: Colour) -> DataConfig {
    DataConfig { resolution, colour }
}

#[test]
fn frames_become_what_training_saw() {
    if !are_there(&[HOST]) {
        return;
    }
    let sanitise = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];
    let mut rng = rng(31);
    let frames = frames(&mut rng);
    for (side, colour, finest) in CONFIGS {
        let config = config(side, colour);
        let model = model(config, &mut rng);
        let minus_128 = |pixel: u8| (pixel ^ 0x80) as i8;
        compare(&model, config, finest, &frames, minus_128, |folder| {
            run_on_host(folder, "run_frames.c", &sanitise);
        });
    }
}

#[test]
fn other_inputs_than_bytes_are_quantised() {
    if !are_there(&[HOST]) {
        return;
    }
    let mut rng = rng(32);
    let frames = frames(&mut rng);
    let config = config(24, Colour::Rgb);
    let plain = model(config, &mut rng);
    let mut quantisations = plain.quantisations().to_vec();
    quantisations[0] = Quantisation {
        scale: 0.013,
        zero_point: 17,
    };
    let graph = plain.graph().clone();
    let model = Int8Model::new(graph, quantisations, plain.weights().to_vec()).unwrap();
    let integer = |pixel: u8| {
        let real = (f64::from(pixel) - 128.0) / 128.0;
        ((real / f64::from(0.013f32)).round() + 17.0).clamp(-128.0, 127.0) as i8
    };
    compare(&model, config, Some(30), &frames, integer, |folder| {
        run_on_host(folder, "run_frames.c", &[]);
    });
}

#[test]
fn frames_become_the_same_on_a_cortex_m4() {
    if !are_there(&[DEVICE, MACHINE]) {
        return;
    }
    let mut rng = rng(33);
    let mut frames = frames(&mut rng);
    // The emulated device is slow.
    frames.truncate(28);
    let config = config(48, Colour::Mono);
    let model = model(config, &mut rng);
    let minus_128 = |pixel: u8| (pixel ^ 0x80) as i8;
    compare(&model, config, Some(60), &frames, minus_128, |folder| {
        run_on_device(folder, "run_frames.c");
    });
}
