//! The file: what is written is read back, is aligned and shared as it should be, and damage is noticed.

mod common;

use std::sync::LazyLock;

use common::{Builder, Spec, random_model, rng};
use danas_deploy::{
    Int8Model, Interpreter, Metadata, ModelError, Quantisation, ReadError, TensorNames, read,
    read_file, write,
};
use danas_space::TensorId;
use proptest::prelude::*;
use rand::RngExt;

fn model(seed: u64) -> Int8Model {
    let mut rng = rng(seed);
    let graph = Spec::random(&mut rng).graph();
    common::quantised(&random_model(graph, &mut rng), &mut rng)
}

fn named(description: &str) -> Metadata {
    Metadata {
        description: description.to_owned(),
        tensor_names: TensorNames::Layers,
        offsets: Vec::new(),
    }
}

#[test]
fn what_is_written_is_read_back() {
    for seed in 0..20 {
        let model = model(seed);
        assert_eq!(read(&write(&model, &named("a test"))).unwrap(), model);
    }
}

#[test]
fn without_names_only_the_names_change() {
    let model = model(3);
    let bytes = write(&model, &Metadata::default());
    let again = read(&bytes).unwrap();
    assert_eq!(again.weights(), model.weights());
    assert_eq!(again.quantisations(), model.quantisations());
    for (a, b) in again.graph().layers.iter().zip(&model.graph().layers) {
        assert_eq!(
            (a.operator, &a.inputs, a.output),
            (b.operator, &b.inputs, b.output)
        );
    }
    assert!(bytes.len() < write(&model, &named("danas")).len());
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let model = model(4);
    let metadata = Metadata::default();
    assert_eq!(write(&model, &metadata), write(&model, &metadata));
}

#[test]
fn weights_are_stored_once_and_aligned() {
    for seed in 0..10 {
        let model = model(seed);
        let bytes = write(&model, &Metadata::default());
        assert_eq!(&bytes[4..8], b"TFL3");
        assert_eq!(bytes.len() % 16, 0);
        for weights in model.weights().iter().filter(|w| w.values.len() > 64) {
            let values: Vec<u8> = weights.values.iter().map(|&value| value as u8).collect();
            let places: Vec<usize> = (0..bytes.len() - values.len())
                .filter(|&at| bytes[at..].starts_with(&values))
                .collect();
            assert_eq!(places.len(), 1);
            assert_eq!(places[0] % 16, 0);
        }
    }
}

#[test]
fn little_is_spent_beside_the_weights() {
    let model = model(5);
    let parameters: usize = model
        .weights()
        .iter()
        .map(|w| w.values.len() + 4 * w.bias.len() + 8 * w.scales.len())
        .sum();
    let bytes = write(&model, &Metadata::default()).len();
    let layers = model.graph().layers.len();
    assert!(
        bytes < parameters + 512 * layers + 1024,
        "{bytes} {parameters}"
    );
}

/// A memory plan in which all tensors lie one behind the other.
fn stacked(model: &Int8Model) -> Vec<Option<u64>> {
    let graph = model.graph();
    (0..=graph.layers.len())
        .scan(0, |end, tensor| {
            let offset = *end;
            *end += graph.shape(TensorId(tensor)).elements() as u64;
            Some(Some(offset))
        })
        .collect()
}

fn with_plan(model: &Int8Model, offsets: Vec<Option<u64>>) -> Vec<u8> {
    let metadata = Metadata {
        offsets,
        ..Metadata::default()
    };
    write(model, &metadata)
}

#[test]
fn a_memory_plan_is_read_back() {
    for seed in 0..10 {
        let model = model(seed);
        let bare = write(&model, &Metadata::default());
        assert_eq!(read_file(&bare).unwrap().offsets, []);
        let mut offsets = stacked(&model);
        offsets[1] = None;
        let file = read_file(&with_plan(&model, offsets.clone())).unwrap();
        assert_eq!(file.offsets, offsets);
        assert_eq!(Ok(file.model), read(&bare));
        let open = vec![None; offsets.len()];
        assert_eq!(with_plan(&model, open), bare, "nothing to carry");
    }
}

#[test]
fn a_memory_plan_that_cannot_be_followed_is_refused() {
    let model = model(1);
    let stacked = stacked(&model);
    let refused = |bytes: &[u8]| {
        let error = read_file(bytes).unwrap_err();
        assert!(matches!(error, ReadError::MemoryPlan(_)), "{error}");
        assert_eq!(read(bytes), Err(error));
    };
    let mut overlapping = stacked.clone();
    overlapping[1] = Some(1);
    refused(&with_plan(&model, overlapping));
    // the number of tensors stands in front of the offsets, and those start with the input's
    let bytes = with_plan(&model, stacked.clone());
    let pattern: Vec<u8> = [0, stacked[1].unwrap() as i32]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let first = (0..bytes.len()).step_by(4).find(|&at| {
        bytes[at..].starts_with(&pattern) && bytes[at - 12..at - 4] == [1, 0, 0, 0, 0, 0, 0, 0]
    });
    let first = first.unwrap();
    let with = |at: usize, number: i32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    let tensors = i32::from_le_bytes(bytes[first - 4..first].try_into().unwrap());
    refused(&with(first - 4, tensors + 1));
    refused(&with(first - 4, -1));
    refused(&with(first - 16, 8)); // the length of the buffer
    refused(&with(first, -2));
    assert!(read_file(&with(first, -1)).is_ok());
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    assert_eq!(read(&[]), Err(ReadError::Identifier));
    assert_eq!(
        read(b"\x89PNG\r\n\x1a\n and more"),
        Err(ReadError::Identifier)
    );
    let bytes = write(&model(1), &Metadata::default());
    for length in 0..bytes.len().min(2000) {
        assert!(read(&bytes[..length]).is_err());
    }
}

#[test]
fn a_model_whose_arithmetic_cannot_be_done_is_refused() {
    let model = model(6);
    let with = |tensor: usize, quantisation| {
        let mut quantisations = model.quantisations().to_vec();
        quantisations[tensor] = quantisation;
        Int8Model::new(
            model.graph().clone(),
            quantisations,
            model.weights().to_vec(),
        )
    };
    let last = model.graph().layers.len();
    for (tensor, scale) in [
        (0, 0.0),
        (1, f32::NAN),
        (2, -1.0),
        (last, 0.5),
        (last - 1, 1e-20),
    ] {
        let zero_point = 3;
        let refused = with(tensor, Quantisation { scale, zero_point });
        assert!(
            matches!(refused, Err(ModelError::Quantisation { .. })),
            "{tensor} {scale}"
        );
    }
    let mut weights = model.weights().to_vec();
    weights[0].bias.pop();
    let refused = Int8Model::new(
        model.graph().clone(),
        model.quantisations().to_vec(),
        weights,
    );
    assert!(matches!(refused, Err(ModelError::Parameters { .. })));
}

#[test]
fn malformed_graphs_are_refused() {
    let good = {
        let mut builder = Builder::new(8, 8, 3);
        builder.convolution(3, 2, 8, true);
        builder.pool();
        builder.dense(2);
        builder.softmax();
        builder.finish()
    };
    let refused = |change: &dyn Fn(&mut danas_space::Graph)| {
        let mut graph = good.clone();
        change(&mut graph);
        danas_deploy::FloatModel::new(graph, Vec::new()).unwrap_err()
    };
    assert_eq!(refused(&|g| g.layers.clear()), ModelError::NoLayers);
    assert!(matches!(refused(&|_| ()), ModelError::Count { .. }));
    assert!(matches!(
        refused(&|g| g.layers[1].inputs[0].0 = 2),
        ModelError::UnknownInput { tensor: 2, .. }
    ));
    assert!(matches!(
        refused(&|g| g.layers[0].inputs.clear()),
        ModelError::Inputs { .. }
    ));
    assert!(matches!(
        refused(&|g| g.layers[0].output.width = 5),
        ModelError::OutputShape { .. }
    ));
    assert!(matches!(
        refused(&|g| g.input.channels = 0),
        ModelError::Empty { .. }
    ));
    assert!(matches!(
        refused(&|g| g.input.width = 1 << 40),
        ModelError::TooLarge { .. }
    ));
    assert!(matches!(
        refused(
            &|g| g.layers[0].operator = danas_space::Operator::Convolution {
                kernel: 3,
                stride: 0,
                activation: danas_space::Activation::Linear
            }
        ),
        ModelError::Kernel { .. }
    ));
}

/// Reads damaged bytes; if they are still a model, it must be one that runs.
fn survive(bytes: &[u8]) {
    if let Ok(model) = read(bytes)
        && model.graph().macs() < 1_000_000
    {
        let input = vec![7i8; model.graph().input.elements()];
        Interpreter::new(model).run(&input).unwrap();
    }
}

/// A small file: most of it is structure.
fn small_file() -> Vec<u8> {
    let mut builder = Builder::new(6, 6, 1);
    builder.convolution(3, 2, 3, true);
    let before = builder.last();
    builder.depthwise(3, 1, true);
    builder.convolution(1, 1, 3, false);
    builder.add(before);
    builder.pool();
    builder.dense(2);
    builder.softmax();
    let mut rng = rng(1);
    let model = random_model(builder.finish(), &mut rng);
    let int8 = common::quantised(&model, &mut rng);
    let metadata = Metadata {
        offsets: stacked(&int8),
        ..named("danas")
    };
    write(&int8, &metadata)
}

#[test]
fn every_single_byte_may_be_wrong() {
    let bytes = SMALL.clone();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at].wrapping_add(4)] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            survive(&damaged);
        }
    }
}

static SMALL: LazyLock<Vec<u8>> = LazyLock::new(small_file);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_files_never_panic(seed: u64, changes in 1usize..12, cut: bool) {
        let mut bytes = SMALL.clone();
        let mut rng = rng(seed);
        for _ in 0..changes {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..4) {
                0 => bytes[at] = rng.random(),
                1 => bytes[at] = bytes[at].wrapping_add(1),
                2 => {
                    let at = at & !3;
                    let value: u32 = rng.random_range(0..256);
                    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }
                _ => {
                    let from = rng.random_range(0..bytes.len());
                    let length = rng.random_range(0..16).min(bytes.len() - at.max(from));
                    bytes.copy_within(from..from + length, at);
                }
            }
        }
        if cut {
            bytes.truncate(rng.random_range(0..bytes.len()));
        }
        survive(&bytes);
    }

    #[test]
    fn noise_after_the_identifier_never_panics(mut bytes: Vec<u8>) {
        if bytes.len() >= 8 {
            bytes[..4].copy_from_slice(&8u32.to_le_bytes());
            bytes[4..8].copy_from_slice(b"TFL3");
        }
        survive(&bytes);
    }
}
