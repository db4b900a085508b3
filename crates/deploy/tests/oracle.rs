//! Our interpreter against TensorFlow Lite for Microcontrollers and LiteRT: every output equal, bit for bit, whatever
//! memory plan the file carries.
//!
//! Needs the Python packages that `oracle/setup.sh` installs; without them the test says so and passes.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Block, Builder, Spec, random_model, random_parameters, random_pixels, rng};
use danas_deploy::{FloatModel, Interpreter, Metadata, ModelFile, TensorNames, read_file, write};
use danas_device::{Kernels, PlannedBuffer, greedy_plan, replayed_plan};
use danas_space::Graph;
use rand::RngExt;

/// Inputs per model.
const EXAMPLES: usize = 208;

fn block(kernel: usize, stride: usize, width: usize, expansion: usize) -> Block {
    Block {
        kernel,
        stride,
        width,
        expansion,
    }
}

/// Networks of many shapes: odd and tiny maps, all kernels and strides, residuals, heads, class counts.
fn specs() -> Vec<Spec> {
    let spec = |side, channels, stem, blocks: &[Block], head, classes| Spec {
        height: side,
        width: side,
        channels,
        stem,
        blocks: blocks.to_vec(),
        head,
        classes,
    };
    let mut specs = vec![
        spec(32, 3, 16, &[block(3, 1, 16, 3), block(5, 2, 24, 6)], 64, 10),
        spec(33, 3, 8, &[block(7, 2, 16, 3), block(3, 1, 16, 6)], 0, 2),
        spec(47, 1, 8, &[block(5, 1, 8, 1), block(5, 2, 8, 3)], 40, 20),
        spec(8, 1, 8, &[block(3, 2, 8, 3), block(7, 2, 16, 3)], 16, 3),
        spec(2, 3, 8, &[block(7, 1, 8, 6)], 0, 5),
        spec(
            25,
            3,
            12,
            &[block(3, 2, 20, 4), block(7, 1, 20, 4), block(7, 1, 20, 2)],
            30,
            7,
        ),
        spec(64, 3, 8, &[block(3, 2, 16, 3), block(3, 2, 24, 3)], 0, 2),
    ];
    specs.push(Spec {
        height: 19,
        width: 30,
        ..specs[1].clone()
    });
    specs.push(Spec {
        height: 1,
        width: 17,
        ..specs[2].clone()
    });
    let mut rng = rng(7);
    specs.extend((0..4).map(|_| Spec::random(&mut rng)));
    specs
}

/// Graphs that the search space does not make: a convolution over all, no softmax, a sum of sums, stride 3.
fn odd_graphs() -> Vec<Graph> {
    let mut plain = Builder::new(12, 10, 3);
    plain.convolution(5, 3, 24, false);
    plain.depthwise(3, 1, false);
    plain.pool();
    plain.dense(4);
    let mut sums = Builder::new(9, 9, 2);
    sums.convolution(1, 1, 17, true);
    let first = sums.last();
    sums.depthwise(5, 1, false);
    sums.add(first);
    let second = sums.last();
    sums.convolution(3, 1, 17, false);
    sums.add(second);
    sums.convolution(3, 2, 9, true);
    sums.dense(6);
    sums.convolution(1, 1, 11, true);
    sums.dense(4);
    sums.softmax();
    let mut pooled = Builder::new(6, 6, 1);
    pooled.convolution(3, 1, 5, false);
    pooled.pool();
    pooled.softmax();
    vec![plain.finish(), sums.finish(), pooled.finish()]
}

/// Models whose weights are of very different sizes: logits that saturate the softmax, layers without
/// weights, activations that hardly move.
fn extreme_models() -> Vec<FloatModel> {
    let graph = specs()[0].graph();
    [1e-4, 0.05, 30.0, 0.0]
        .into_iter()
        .enumerate()
        .map(|(seed, factor)| {
            let mut rng = rng(100 + seed as u64);
            let mut parameters = random_parameters(&graph, &mut rng);
            for parameters in &mut parameters {
                let factor = if rng.random_bool(0.5) { factor } else { 1.0 };
                for weight in &mut parameters.weights {
                    *weight *= factor;
                }
            }
            FloatModel::new(graph.clone(), parameters).unwrap()
        })
        .collect()
}

/// The memory plan of a file: none, the runtime's own upside down, or its own with every other tensor left open.
fn offsets(graph: &Graph, seed: u64) -> Vec<Option<u64>> {
    let plan = greedy_plan(graph, Kernels::Reference);
    let upside_down = |buffer: &PlannedBuffer| Some(plan.head_bytes - buffer.end());
    match seed % 3 {
        0 => Vec::new(),
        1 => plan.buffers.iter().map(upside_down).collect(),
        _ => (plan.buffers.iter().enumerate())
            .map(|(index, buffer)| (index % 2 == 0).then_some(buffer.offset))
            .collect(),
    }
}

/// Writes a model and inputs into a folder, with the outputs that our interpreter computes from the file. Returns
/// the head of the arena that the file needs.
fn prepare(folder: &Path, model: &FloatModel, seed: u64) -> u64 {
    let mut rng = rng(seed);
    let int8 = common::quantised(model, &mut rng);
    let names = if seed.is_multiple_of(2) {
        TensorNames::None
    } else {
        TensorNames::Layers
    };
    let metadata = Metadata {
        tensor_names: names,
        offsets: offsets(model.graph(), seed),
        ..Metadata::default()
    };
    let bytes = write(&int8, &metadata);
    let ModelFile {
        model: file,
        offsets,
    } = read_file(&bytes).unwrap();
    assert_eq!(offsets, metadata.offsets);
    assert_eq!(file.weights(), int8.weights());
    assert_eq!(file.quantisations(), int8.quantisations());
    let inputs = common::inputs(&random_pixels(model.graph().input, EXAMPLES, &mut rng));
    let outputs = Interpreter::new(file).run(&inputs).unwrap();
    let distinct = outputs
        .chunks(int8.outputs())
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    eprintln!("{}: {distinct} different outputs", folder.display());
    let unsigned = |values: Vec<i8>| values.into_iter().map(|v| v as u8).collect::<Vec<u8>>();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("model.tflite"), bytes).unwrap();
    fs::write(folder.join("inputs.bin"), unsigned(inputs)).unwrap();
    fs::write(folder.join("expected.bin"), unsigned(outputs)).unwrap();
    replayed_plan(model.graph(), Kernels::Reference, &metadata.offsets).head_bytes
}

#[test]
fn outputs_equal_those_of_tflm_and_litert() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(python) = common::oracle::oracle(&root) else {
        eprintln!("skipped: no oracle; oracle/setup.sh installs it (or set DANAS_ORACLE)");
        return;
    };
    let graphs = specs().into_iter().map(|spec| spec.graph());
    let mut models: Vec<FloatModel> = graphs
        .chain(odd_graphs())
        .enumerate()
        .map(|(seed, graph)| random_model(graph, &mut rng(seed as u64)))
        .collect();
    models.extend(extreme_models());
    assert!(models.len() >= 10);

    let scratch = tempfile::tempdir().unwrap();
    let folders: Vec<PathBuf> = (0..models.len())
        .map(|index| scratch.path().join(index.to_string()))
        .collect();
    let heads: Vec<u64> = folders
        .iter()
        .zip(&models)
        .enumerate()
        .map(|(seed, (folder, model))| prepare(folder, model, seed as u64))
        .collect();
    let output = Command::new(python)
        .arg(root.join("oracle/check.py"))
        .args(&folders)
        .output()
        .unwrap();
    let reports = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(reports.lines().count(), models.len(), "{reports}\n{log}");
    assert!(output.status.success(), "{reports}\n{log}");
    for (report, head) in reports.lines().zip(heads) {
        assert!(
            report.contains(&format!("\"head_bytes\": {head},")),
            "{report}: {head}"
        );
        for equality in [
            "\"tflm_equals_litert\": true",
            "\"expected_equal_tflm\": true",
            "\"expected_equal_litert\": true",
        ] {
            assert!(report.contains(equality), "{report}");
        }
    }
    eprintln!("{reports}");
}
