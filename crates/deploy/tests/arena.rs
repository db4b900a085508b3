//! The arena that the device room states beside the one that TensorFlow Lite for Microcontrollers takes, for files
//! with and without a memory plan.
//!
//! Needs the Python packages that `oracle/setup.sh` installs; without them the test says so and passes. The wheel
//! has reference kernels, which ask for no scratch; plans are made for the kernels of every core all the same, and
//! what such a file needs in the wheel is stated too.

#[path = "../../device/tests/common/candidates.rs"]
mod candidates;
mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use danas_deploy::{Int8Model, Int8Weights, Metadata, Quantisation, read_file, write};
use danas_device::{Kernels, Limits, Target, boards, host_arena_bytes, replayed_plan};
use danas_space::{Graph, Operator};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const CANDIDATES: usize = 200;

/// A file to be measured, and what is stated of it.
struct File {
    bytes: Vec<u8>,
    /// The same model without a memory plan, if the file has one.
    bare: Option<Vec<u8>>,
    head_bytes: u64,
    arena_bytes: u64,
}

/// A model with random weights and made-up scales: how much memory it takes depends on its graph alone.
fn random_int8(graph: &Graph, rng: &mut ChaCha8Rng) -> Int8Model {
    let mut quantisations = vec![Quantisation::PIXELS];
    let mut weights = Vec::new();
    for (index, layer) in graph.layers.iter().enumerate() {
        let hidden = Quantisation {
            scale: 0.05,
            zero_point: rng.random_range(-20..20),
        };
        quantisations.push(match layer.operator {
            Operator::GlobalAveragePool => quantisations[layer.inputs[0].0],
            Operator::Softmax => Quantisation::PROBABILITIES,
            _ => hidden,
        });
        let count = graph.layer_weights(index);
        let channels = graph.layer_biases(index);
        let products = count / channels.max(1);
        let scale = 0.05 / (products.max(1) as f32).sqrt();
        weights.push(Int8Weights {
            values: (0..count).map(|_| rng.random_range(-127..=127)).collect(),
            scales: vec![scale; channels],
            bias: vec![0; channels],
        });
    }
    Int8Model::new(graph.clone(), quantisations, weights).unwrap()
}

/// The files of a candidate: one without a memory plan, and the different plans that the cores ask for.
fn files(graph: &Graph, rng: &mut ChaCha8Rng) -> Vec<File> {
    let model = random_int8(graph, rng);
    let mut plans = BTreeSet::from([Vec::new()]);
    for board in boards() {
        let target = Target::new(Some(board.clone()), Limits::default());
        plans.insert(target.plan(graph).carried_offsets());
    }
    let bare = write(&model, &Metadata::default());
    let file = |offsets: Vec<Option<u64>>| {
        let head_bytes = replayed_plan(graph, Kernels::Reference, &offsets).head_bytes;
        let arena_bytes = host_arena_bytes(graph, &offsets);
        let carries = !offsets.is_empty();
        let metadata = Metadata {
            offsets,
            ..Metadata::default()
        };
        let bytes = write(&model, &metadata);
        assert_eq!(read_file(&bytes).unwrap().offsets, metadata.offsets);
        File {
            bytes,
            bare: carries.then(|| bare.clone()),
            head_bytes,
            arena_bytes,
        }
    };
    plans.into_iter().map(file).collect()
}

/// Runs `oracle/arena.py` on files; a line of its report each.
fn measured(python: &Path, root: &Path, files: &[File]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (index, file) in files.iter().enumerate() {
        let path = |suffix: &str| folder.path().join(format!("{index}{suffix}.tflite"));
        fs::write(path(""), &file.bytes).unwrap();
        if let Some(bare) = &file.bare {
            fs::write(path(".bare"), bare).unwrap();
        }
    }
    let output = Command::new(python)
        .arg(root.join("oracle/arena.py"))
        .arg(folder.path())
        .args(files.iter().map(|file| file.arena_bytes.to_string()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let reports = String::from_utf8_lossy(&output.stdout);
    reports.lines().map(str::to_owned).collect()
}

#[test]
fn a_plan_takes_the_flash_that_is_predicted() {
    let mut rng = common::rng(12);
    let target = Target::new(None, Limits::default());
    let mut planned = 0;
    for graph in candidates::graphs(CANDIDATES, 8) {
        let offsets = target.plan(&graph).carried_offsets();
        if offsets.is_empty() {
            continue;
        }
        planned += 1;
        let predicted = target.cost_of_file(&graph, &offsets).model_bytes
            - target.cost_of_file(&graph, &[]).model_bytes;
        let model = random_int8(&graph, &mut rng);
        let bare = write(&model, &Metadata::default()).len();
        let metadata = Metadata {
            offsets,
            ..Metadata::default()
        };
        let added = write(&model, &metadata).len() - bare;
        assert!(
            predicted.abs_diff(added as u64) <= 16,
            "{predicted} predicted, {added} added"
        );
    }
    assert!(planned >= 5, "too few to tell");
}

#[test]
fn the_arena_of_random_candidates_is_as_stated() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(python) = common::oracle::oracle(&root) else {
        eprintln!("skipped: no oracle; oracle/setup.sh installs it (or set DANAS_ORACLE)");
        return;
    };
    let mut rng = common::rng(11);
    let files: Vec<File> = candidates::graphs(CANDIDATES, 7)
        .iter()
        .flat_map(|graph| files(graph, &mut rng))
        .collect();
    let planned = files.iter().filter(|file| file.bare.is_some()).count();
    eprintln!("{} files, {planned} with a memory plan", files.len());
    assert!(planned >= 20, "too few to tell");
    let reports = measured(&python, &root, &files);
    assert_eq!(reports.len(), files.len());
    for (file, report) in files.iter().zip(&reports) {
        let says = |what: String| assert!(report.contains(&what), "{report}: expected {what}");
        says(format!("\"head_bytes\": {},", file.head_bytes));
        says("\"loads_at_plus\": true".to_owned());
        says("\"loads_at_minus\": false".to_owned());
        if file.bare.is_some() {
            says("\"equals_bare\": true".to_owned());
        }
    }
}
