//! Files that TensorFlow converted, with what TensorFlow Lite for Microcontrollers makes of them. `converted/README.md`
//! says how they were made.

use std::fs;
use std::path::{Path, PathBuf};

use danas_deploy::{NetworkFile, read_network};

/// Examples of which the outputs are recorded.
pub const EXAMPLES: usize = 24;

/// A file and what was measured of it.
pub struct Converted {
    pub name: String,
    pub bytes: Vec<u8>,
    /// What the runtime computes for [`examples`].
    pub outputs: Vec<i8>,
    /// The smallest arena that the runtime loads and runs the file with, in bytes.
    pub arena_bytes: u64,
    /// The head of it, in bytes.
    pub head_bytes: u64,
}

impl Converted {
    pub fn read(&self) -> NetworkFile {
        read_network(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// The folder of the files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/tests/converted")
}

/// All files that were recorded.
pub fn all() -> Vec<Converted> {
    let measured = fs::read_to_string(folder().join("measured.tsv")).unwrap();
    let lines = measured.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let name = columns[0].to_owned();
            let read = |kind: &str| fs::read(folder().join(format!("{name}.{kind}"))).unwrap();
            Converted {
                bytes: read("tflite"),
                outputs: read("outputs").into_iter().map(|byte| byte as i8).collect(),
                arena_bytes: columns[1].parse().unwrap(),
                head_bytes: columns[2].parse().unwrap(),
                name,
            }
        })
        .collect()
}

/// The inputs of `oracle/record_converted.py`: noise, full and faint, and examples that saturate.
pub fn examples(elements: usize) -> Vec<i8> {
    let mut inputs = Vec::with_capacity(EXAMPLES * elements);
    for example in 0..EXAMPLES {
        let mut state = example as u32;
        for _ in 0..elements {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 24) as i32 - 128;
            let value = match example % 3 {
                0 => noise,
                1 => noise / 8,
                _ if noise >= 0 => 127,
                _ => -128,
            };
            inputs.push(value as i8);
        }
    }
    inputs
}
