//! Files that TensorFlow converted: read, run and costed as the reference runtime does.
//!
//! Those in `converted/` come with recorded outputs and arenas. Where the Python packages that `oracle/setup.sh` installs
//! are there, the runtime itself is asked too, also about files of `oracle/convert.py` in the folder
//! `$DANAS_CONVERTED`.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::converted::{self, Converted};
use danas_deploy::{Interpreter, NetworkFile, ReadError, read, read_network};
use danas_device::{Board, Limits, OperatorKind, Target};
use danas_space::Shape;

/// By how much a stated arena may be off: a hundredth, and 32 bytes of a small one.
fn tolerance(bytes: u64) -> u64 {
    (bytes / 100).max(32)
}

/// The arena and its head in the x86-64 reference runtime. The kernels of the ESP32 plan as that does.
fn host_needs(file: &NetworkFile) -> (u64, u64) {
    let board = Board::find("esp32").unwrap();
    let target = Target::new(Some(board), Limits::default());
    let cost = target.cost_of_program(&file.network.program(), &file.offsets, 0);
    (cost.host_arena_bytes, cost.head_bytes)
}

#[test]
fn outputs_are_those_of_the_runtime() {
    let mut kinds = BTreeSet::new();
    for file in converted::all() {
        let network = file.read().network;
        kinds.extend(network.program().operations().iter().map(|o| o.kind));
        let inputs = converted::examples(network.input().elements());
        let outputs = Interpreter::new(network).run(&inputs).unwrap();
        let differ = outputs
            .iter()
            .zip(&file.outputs)
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(outputs.len(), file.outputs.len(), "{}", file.name);
        assert_eq!(differ, 0, "{}: of {} outputs", file.name, outputs.len());
        let distinct: BTreeSet<&i8> = outputs.iter().collect();
        assert!(distinct.len() > 8, "{}: {distinct:?}", file.name);
    }
    // Every operator that is read occurs.
    assert_eq!(kinds.len(), 13, "{kinds:?}");
}

#[test]
fn arenas_are_those_of_the_runtime() {
    for file in converted::all() {
        let (arena, head) = host_needs(&file.read());
        eprintln!(
            "{}: arena {arena}, measured {} ({:+.2} %)",
            file.name,
            file.arena_bytes,
            100.0 * (arena as f64 / file.arena_bytes as f64 - 1.0)
        );
        assert_eq!(head, file.head_bytes, "{}", file.name);
        assert!(
            arena.abs_diff(file.arena_bytes) <= tolerance(file.arena_bytes),
            "{}: {arena} of {}",
            file.name,
            file.arena_bytes
        );
    }
}

fn named<'a>(files: &'a [Converted], name: &str) -> &'a Converted {
    files
        .iter()
        .find(|file| file.name.starts_with(name))
        .unwrap()
}

#[test]
fn what_a_file_costs_follows_from_its_operators() {
    let files = converted::all();
    let target = Target::new(Some(Board::find("nano-33-ble").unwrap()), Limits::default());
    for file in &files {
        let NetworkFile { network, offsets } = file.read();
        let program = network.program();
        let cost = target.cost_of_program(&program, &offsets, file.bytes.len() as u64);
        assert_eq!(cost.model_bytes, file.bytes.len() as u64);
        assert_eq!(cost.flash_bytes, cost.model_bytes + cost.runtime_bytes);
        assert_eq!(cost.macs, program.macs());
        assert!(cost.macs > 0 && cost.latency_ms > 0.0 && cost.latency_ms < 1000.0);
        assert!(cost.head_bytes >= cost.scratch_bytes);
        assert!(cost.arena_bytes >= cost.head_bytes + cost.persistent_bytes);
    }
    // An autoencoder of fully connected layers needs no code of convolutions.
    let runtime = |name: &str| {
        let program = named(&files, name).read().network.program();
        target.cost_of_program(&program, &[], 0).runtime_bytes
    };
    assert_eq!(runtime("autoencoder"), (46 + 2) * 1024);
    assert!(runtime("mobilenet_v2") > runtime("autoencoder") + 18 * 1024);
    // A product per weight and output, of every layer.
    let autoencoder = named(&files, "autoencoder").read().network;
    let (inputs, widths) = (autoencoder.input().elements(), [24, 24, 8, 24]);
    let sizes: Vec<usize> = [inputs].into_iter().chain(widths).chain([inputs]).collect();
    let macs: usize = sizes.windows(2).map(|pair| pair[0] * pair[1]).sum();
    assert_eq!(autoencoder.program().macs(), macs as u64);
    assert_eq!(
        autoencoder.input(),
        Shape {
            height: 1,
            width: 1,
            channels: autoencoder.outputs()
        }
    );
}

#[test]
fn a_file_with_other_operators_is_no_model_of_ours() {
    for file in converted::all() {
        let error = read(&file.bytes).unwrap_err();
        assert!(matches!(error, ReadError::Unsupported { .. }), "{error}");
    }
    let files = converted::all();
    let autoencoder = named(&files, "autoencoder");
    let error = read(&autoencoder.bytes).unwrap_err().to_string();
    assert!(error.contains("FULLY_CONNECTED"), "{error}");
}

#[test]
fn a_written_model_is_a_network_too() {
    let mut rng = common::rng(31);
    let graph = common::Spec::random(&mut rng).graph();
    let target = Target::new(None, Limits::default());
    let model = common::quantised(&common::random_model(graph.clone(), &mut rng), &mut rng);
    let offsets = target.plan(&graph).carried_offsets();
    let metadata = danas_deploy::Metadata {
        offsets,
        ..danas_deploy::Metadata::default()
    };
    let bytes = danas_deploy::write(&model, &metadata);
    let NetworkFile { network, offsets } = read_network(&bytes).unwrap();
    let (by_graph, by_program) = (
        target.cost_of_file(&graph, &offsets),
        target.cost_of_program(&network.program(), &offsets, bytes.len() as u64),
    );
    assert_eq!(by_program.arena_bytes, by_graph.arena_bytes);
    assert_eq!(by_program.host_arena_bytes, by_graph.host_arena_bytes);
    assert_eq!(by_program.runtime_bytes, by_graph.runtime_bytes);
    assert_eq!(by_program.macs, by_graph.macs);
    assert!((by_program.latency_ms / by_graph.latency_ms - 1.0).abs() < 1e-9);
    let kinds = network
        .program()
        .operations()
        .iter()
        .map(|o| o.kind)
        .collect::<Vec<_>>();
    assert_eq!(kinds.last(), Some(&OperatorKind::Softmax));
    assert_eq!(network.into_model().unwrap().weights(), model.weights());
}

/// The files of the folder `$DANAS_CONVERTED`, if there is one.
fn freshly_converted() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("DANAS_CONVERTED") else {
        return Vec::new();
    };
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "tflite")
        })
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn the_runtime_itself_agrees() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(python) = common::oracle::oracle(&root) else {
        eprintln!("skipped: no oracle; oracle/setup.sh installs it (or set DANAS_ORACLE)");
        return;
    };
    let mut files = freshly_converted();
    files.extend(
        converted::all()
            .into_iter()
            .map(|file| (file.name, file.bytes)),
    );
    let scratch = tempfile::tempdir().unwrap();
    let mut rng = common::rng(32);
    let mut stated = Vec::new();
    for (index, (name, bytes)) in files.iter().enumerate() {
        let file = read_network(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let needs = host_needs(&file);
        let pixels = common::random_pixels(file.network.input(), 100, &mut rng);
        let inputs = common::inputs(&pixels);
        let outputs = Interpreter::new(file.network).run(&inputs).unwrap();
        let folder = scratch.path().join(index.to_string());
        fs::create_dir(&folder).unwrap();
        let unsigned = |values: Vec<i8>| values.into_iter().map(|v| v as u8).collect::<Vec<u8>>();
        fs::write(folder.join("model.tflite"), bytes).unwrap();
        fs::write(folder.join("inputs.bin"), unsigned(inputs)).unwrap();
        fs::write(folder.join("expected.bin"), unsigned(outputs)).unwrap();
        fs::write(scratch.path().join(format!("{index}.tflite")), bytes).unwrap();
        stated.push(needs);
    }
    let report = |script: &str, arguments: Vec<String>| {
        let output = Command::new(&python)
            .arg(root.join("oracle").join(script))
            .args(arguments)
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(report.lines().count(), files.len(), "{report}\n{log}");
        report
    };
    // LiteRT rounds otherwise in FULLY_CONNECTED, which the script holds against the file.
    let folders = (0..files.len()).map(|index| scratch.path().join(index.to_string()));
    let folders = folders.map(|folder| folder.display().to_string());
    let outputs = report("check.py", folders.collect());
    let arenas = stated.iter().map(|(arena, _)| arena.to_string());
    let folder = scratch.path().display().to_string();
    let arenas = report("arena.py", [folder].into_iter().chain(arenas).collect());
    let lines = outputs.lines().zip(arenas.lines());
    for (((name, _), (_, head)), (outputs, arena)) in files.iter().zip(&stated).zip(lines) {
        let says = |line: &str, what: &str| assert!(line.contains(what), "{name}: {line}");
        says(outputs, "\"expected_equal_tflm\": true");
        says(arena, &format!("\"head_bytes\": {head},"));
        says(arena, "\"loads_at_plus\": true");
        says(arena, "\"loads_at_minus\": false");
    }
    eprintln!("{} files agree", files.len());
}
