//! Files that are damaged at random: whatever is read, nothing panics, and what is still a network can be costed and run.
//!
//! `PROPTEST_CASES` says how many of each kind are tried; `PROPTEST_CASES=1000000` takes the better part of an hour.

mod common;

use std::sync::LazyLock;

use common::converted;
use common::craft::{Craft, Field, small_network};
use common::rng;
use danas_deploy::{Interpreter, NetworkFile, read_network};
use danas_device::{Board, Limits, Target};
use proptest::prelude::*;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use rand::{Rng, RngExt};

/// More is not run, to try more files in the time.
const MOST_MACS: u64 = 100_000;
const MOST_ELEMENTS: usize = 20_000;

static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut files = vec![small_network().bytes()];
    files.extend(converted::all().into_iter().map(|file| file.bytes));
    files
});

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    ["nano-33-ble", "esp32", "esp32-s3", "rp2040"]
        .map(|name| Target::new(Some(Board::find(name).unwrap()), Limits::default()))
        .into()
});

/// Does everything with a file that can be done; says whether it was one.
fn survive(bytes: &[u8]) -> bool {
    let Ok(NetworkFile { network, offsets }) = read_network(bytes) else {
        return false;
    };
    let program = network.program();
    for target in TARGETS.iter() {
        let cost = target.cost_of_program(&program, &offsets, bytes.len() as u64);
        assert!(cost.arena_bytes >= cost.head_bytes && cost.latency_ms.is_finite());
    }
    let input = network.input().elements();
    if program.macs() < MOST_MACS && input < MOST_ELEMENTS {
        let elements: usize = (program.operations().iter())
            .map(|operation| operation.output.elements() * operation.window.taps())
            .sum();
        if elements < 10 * MOST_ELEMENTS {
            let outputs = network.outputs();
            let interpreter = Interpreter::new(network.clone());
            let ran = interpreter.run(&vec![-77; input]).unwrap();
            assert_eq!(ran.len(), outputs);
        }
    }
    // Either is right; what counts is that it ends.
    let _ = network.into_model();
    true
}

/// Changes a few bytes as bad memory, a bad cable and a bad mind would.
fn damage(bytes: &mut [u8], changes: usize, rng: &mut impl Rng) {
    for _ in 0..changes {
        let at = rng.random_range(0..bytes.len());
        let word = at & !3;
        match rng.random_range(0..6) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 if word + 4 <= bytes.len() => {
                let values = [0, 1, 2, 255, 65_536, 0x7fff_ffff, 0xffff_fffc, u32::MAX];
                let value: u32 = *values.choose(rng).unwrap();
                bytes[word..word + 4].copy_from_slice(&value.to_le_bytes());
            }
            4 if word + 4 <= bytes.len() => {
                let value: u32 = rng.random_range(0..512);
                bytes[word..word + 4].copy_from_slice(&value.to_le_bytes());
            }
            _ => {
                let from = rng.random_range(0..bytes.len());
                let length = rng.random_range(0..32).min(bytes.len() - at.max(from));
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

/// Changes what a file says, so that it stays a FlatBuffer.
fn distort(craft: &mut Craft, rng: &mut impl Rng) {
    let numbers = [
        -1,
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        16,
        1 << 15,
        65_535,
        1 << 20,
        i32::MAX,
        i32::MIN,
    ];
    let number = *numbers.choose(rng).unwrap();
    let scales = [
        0.0,
        1e-38,
        1e-20,
        0.003_906_25,
        0.05,
        1.0,
        1e20,
        3e38,
        f32::NAN,
        -1.0,
    ];
    let tensor = rng.random_range(0..craft.tensors.len());
    let operator = rng.random_range(0..craft.operators.len());
    let any_tensor = rng.random_range(0..craft.tensors.len()) as i32;
    let (tensor, operator) = (&mut craft.tensors[tensor], &mut craft.operators[operator]);
    match rng.random_range(0..12) {
        0..3 => {
            if let Some(side) = tensor.shape.choose_mut(rng) {
                *side = number;
            }
        }
        3 => tensor.scales = vec![*scales.choose(rng).unwrap()],
        4 => tensor.zero_points = vec![i64::from(number)],
        5 => tensor.buffer = rng.random_range(0..8),
        6 => tensor.kind = rng.random_range(0..12),
        7 => {
            if let Some(input) = operator.inputs.choose_mut(rng) {
                *input = any_tensor;
            }
        }
        8 => {
            operator.code = *[0, 1, 3, 4, 9, 17, 22, 25, 34, 40, 45, 77, 83]
                .choose(rng)
                .unwrap();
            operator.options_kind = *[1, 2, 5, 8, 9, 11, 17, 22, 27].choose(rng).unwrap();
        }
        9 => match operator.options.choose_mut(rng) {
            Some(Field::Byte(_, value)) => *value = number as i8,
            Some(Field::Int(_, value)) => *value = number,
            Some(Field::Float(_, value)) => *value = *scales.choose(rng).unwrap(),
            None => (),
        },
        10 => operator.outputs = vec![any_tensor],
        _ => {
            let buffer = craft.buffers.choose_mut(rng).unwrap();
            let keep = rng.random_range(0..=buffer.len());
            buffer.truncate(keep);
        }
    }
}

#[test]
fn nothing_happens_to_whole_files() {
    assert!(FILES.iter().all(|file| survive(file)));
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(seed: u64, changes in 1usize..10, cut in 0u8..8) {
        let mut rng = rng(seed);
        let mut bytes = FILES.choose(&mut rng).unwrap().clone();
        damage(&mut bytes, changes, &mut rng);
        if cut == 0 {
            bytes.truncate(rng.random_range(0..bytes.len()));
        }
        survive(&bytes);
    }

    #[test]
    fn distorted_networks_never_panic(seed: u64, changes in 1usize..5) {
        let mut rng = rng(seed);
        let mut craft = small_network();
        for _ in 0..changes {
            distort(&mut craft, &mut rng);
        }
        survive(&craft.bytes());
    }

    #[test]
    fn distorted_and_damaged_networks_never_panic(seed: u64, changes in 1usize..4) {
        let mut rng = rng(seed);
        let mut craft = small_network();
        distort(&mut craft, &mut rng);
        let mut bytes = craft.bytes();
        damage(&mut bytes, changes, &mut rng);
        survive(&bytes);
    }
}
