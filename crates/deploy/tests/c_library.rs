//! Generated C against the interpreter, byte for byte, on this machine and on a Cortex-M4.
//!
//! Needs gcc, and for the device gcc-arm-none-eabi with newlib and qemu-system-arm; where they are missing, a test
//! says so on stderr and passes.

mod common;

use std::fs;
use std::path::Path;

use common::library::{
    self, DEVICE, HOST, MACHINE, are_there, run_on_device, run_on_host, write_library,
};
use common::{Builder, inputs, quantised, random_model, random_pixels, rng};
use danas_deploy::{
    Int8Model, Int8Weights, Interpreter, Library, LibraryError, Quantisation, c_library,
};
use danas_space::Graph;
use rand::{Rng, RngExt};

/// Inputs per model.
const EXAMPLES: usize = 100;
/// Random candidates of the search space.
const CANDIDATES: usize = 10;
/// So that the emulated device is not too slow.
const MOST_MACS: u64 = 800_000;

/// A graph with random weights, quantised.
fn int8(graph: Graph, rng: &mut impl Rng) -> Int8Model {
    quantised(&random_model(graph, rng), rng)
}

/// Random candidates of the search space with random weights.
fn candidates() -> Vec<Int8Model> {
    let mut rng = rng(21);
    common::candidates(&[16, 24, 32, 48], MOST_MACS, CANDIDATES, &mut rng)
        .into_iter()
        .map(|graph| int8(graph, &mut rng))
        .collect()
}

/// Runs a model's C code with `run` and demands the interpreter's outputs.
fn compare(model: &Int8Model, folder: &Path, rng: &mut impl Rng, run: impl Fn(&Path)) {
    let values = inputs(&random_pixels(model.graph().input, EXAMPLES, rng));
    let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
    fs::write(folder.join("inputs.bin"), bytes).unwrap();
    run(folder);
    let found = fs::read(folder.join("outputs.bin")).unwrap();
    let expected: Vec<u8> = Interpreter::new(model.clone())
        .run(&values)
        .unwrap()
        .into_iter()
        .map(|value| value as u8)
        .collect();
    assert_eq!(expected.len(), EXAMPLES * model.outputs());
    assert!(found == expected, "other outputs: {:#?}", model.graph());
}

/// Whether a depthwise layer of a library writes its output over its input.
fn uses_in_place(files: &[String]) -> bool {
    files.iter().any(|file| file.ends_with("in_place.h"))
}

#[test]
fn outputs_on_this_machine_are_the_interpreters() {
    if !are_there(&[HOST]) {
        return;
    }
    let mut rng = rng(22);
    let mut in_place = 0;
    for model in candidates() {
        let folder = tempfile::tempdir().unwrap();
        let files = write_library(&model, Some(60), folder.path());
        in_place += usize::from(uses_in_place(&files));
        compare(&model, folder.path(), &mut rng, |folder| {
            run_on_host(folder, "run_tensors.c", &[]);
        });
    }
    assert!(in_place > 0, "no depthwise layer works in place");
}

#[test]
fn outputs_on_a_cortex_m4_are_the_interpreters() {
    if !are_there(&[DEVICE, MACHINE]) {
        return;
    }
    let mut rng = rng(23);
    for model in candidates() {
        let folder = tempfile::tempdir().unwrap();
        write_library(&model, Some(60), folder.path());
        compare(&model, folder.path(), &mut rng, |folder| {
            run_on_device(folder, "run_tensors.c");
        });
    }
}

/// Graphs that the search space does not make: maps that are no squares or hardly there, all kernels and strides,
/// numbers of channels that are no multiple of four, no softmax, a softmax over a map, a classifier over a map.
fn odd_graphs(rng: &mut impl Rng) -> Vec<Graph> {
    let mut graphs = Vec::new();
    for _ in 0..12 {
        let (height, width) = (rng.random_range(1..=20), rng.random_range(1..=20));
        let mut builder = Builder::new(height, width, rng.random_range(1..=19));
        builder.depthwise(rng.random_range(1..=9), rng.random_range(1..=3), true);
        builder.depthwise(rng.random_range(1..=5), 1, false);
        builder.pool();
        graphs.push(builder.finish());
    }
    for _ in 0..6 {
        let mut builder = Builder::new(rng.random_range(1..=9), rng.random_range(1..=9), 2);
        let channels = rng.random_range(1..=9);
        builder.convolution(
            rng.random_range(1..=6),
            rng.random_range(1..=3),
            channels,
            true,
        );
        let before = builder.last();
        builder.convolution(1, 1, channels, false);
        builder.add(before);
        builder.softmax();
        graphs.push(builder.finish());
    }
    let mut builder = Builder::new(5, 7, 3);
    builder.convolution(1, 2, 6, true);
    builder.dense(5);
    graphs.push(builder.finish());
    let mut builder = Builder::new(1, 1, 9);
    builder.softmax();
    graphs.push(builder.finish());
    graphs
}

/// The same model with a coarser input away from 0 and biases that overflow every sum.
fn with_extremes(model: &Int8Model, rng: &mut impl Rng) -> Option<Int8Model> {
    let mut quantisations = model.quantisations().to_vec();
    quantisations[0] = Quantisation {
        scale: 0.02,
        zero_point: -100,
    };
    let weights = model.weights().iter().map(|layer| Int8Weights {
        bias: layer
            .bias
            .iter()
            .map(|&bias| match rng.random_range(0..4) {
                0 => i32::MAX,
                1 => i32::MIN,
                2 => rng.random(),
                _ => bias,
            })
            .collect(),
        ..layer.clone()
    });
    // Pools demand the same quantisation in and out.
    Int8Model::new(model.graph().clone(), quantisations, weights.collect()).ok()
}

#[test]
fn odd_models_are_computed_without_undefined_behaviour() {
    if !are_there(&[HOST]) {
        return;
    }
    let sanitise = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];
    let mut rng = rng(24);
    let mut in_place = 0;
    for graph in odd_graphs(&mut rng) {
        let model = int8(graph, &mut rng);
        let extreme = with_extremes(&model, &mut rng);
        for model in [Some(model), extreme].into_iter().flatten() {
            let folder = tempfile::tempdir().unwrap();
            let files = write_library(&model, None, folder.path());
            in_place += usize::from(uses_in_place(&files));
            compare(&model, folder.path(), &mut rng, |folder| {
                run_on_host(folder, "run_tensors.c", &sanitise);
            });
        }
    }
    assert!(in_place > 10, "{in_place} models work in place");
}

#[test]
fn only_the_operators_that_are_used_are_written() {
    let mut builder = Builder::new(8, 8, 3);
    builder.convolution(1, 1, 4, true);
    builder.pool();
    let model = int8(builder.finish(), &mut rng(25));
    let folder = tempfile::tempdir().unwrap();
    let mut files = write_library(&model, None, folder.path());
    files.retain(|file| file.starts_with("src/"));
    files.sort();
    let expected = [
        "src/danas_frame.h",
        "src/model.c",
        "src/model.h",
        "src/model_weights.h",
        "src/operators/average_pool.h",
        "src/operators/fixed_point.h",
        "src/operators/matrix.h",
        "src/operators/pointwise.h",
        "src/operators/requantisation.h",
        "src/preprocessing.h",
    ];
    assert_eq!(files, expected);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut builder = Builder::new(4, 4, 2);
    builder.pool();
    let model = int8(builder.finish(), &mut rng(26));
    let library = Library {
        name: "model",
        classes: &["one".to_owned()],
        finest: None,
    };
    let error = c_library(&model, &library).unwrap_err();
    assert!(matches!(
        error,
        LibraryError::Classes {
            expected: 2,
            found: 1
        }
    ));
    let mut builder = Builder::new(1, 1, 513);
    builder.softmax();
    let model = int8(builder.finish(), &mut rng(27));
    let classes = library::class_names(&model);
    let error = c_library(
        &model,
        &Library {
            classes: &classes,
            ..library
        },
    );
    assert!(matches!(
        error,
        Err(LibraryError::Softmax { channels: 513, .. })
    ));
}

#[test]
fn the_project_builds_with_make_and_is_a_library_everywhere() {
    let mut rng = rng(28);
    let mut builder = Builder::new(12, 12, 1);
    builder.convolution(3, 2, 8, true);
    builder.pool();
    builder.dense(2);
    builder.softmax();
    let model = int8(builder.finish(), &mut rng);
    let classes = ["say \"hi\" ??/ */".to_owned(), "Käse".to_owned()];
    // A name that would hide a header of the compiler.
    let library = Library {
        name: "string",
        classes: &classes,
        finest: Some(20),
    };
    let folder = tempfile::tempdir().unwrap();
    let files = c_library(&model, &library).unwrap();
    let text = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("there is no {path}"))
            .text
            .clone()
    };
    for file in &files {
        let path = folder.path().join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
        assert!(
            !file.text.contains("{{") && file.text.ends_with('\n'),
            "{}",
            file.path
        );
    }
    let json: serde_json::Value = serde_json::from_str(&text("library.json")).unwrap();
    assert_eq!(json["name"], "string_model");
    let properties = text("library.properties");
    for key in [
        "name",
        "version",
        "author",
        "maintainer",
        "sentence",
        "paragraph",
        "category",
    ] {
        assert!(
            properties
                .lines()
                .any(|line| line.starts_with(&format!("{key}="))),
            "{key}"
        );
    }
    assert!(text("CMakeLists.txt").contains("SRCS \"src/string_model.c\""));
    assert!(text("idf_component.yml").starts_with("version: "));
    assert!(text("examples/classify/classify.ino").contains("#include <string_model.h>"));
    if !are_there(&[HOST, "g++", "make"]) {
        return;
    }
    library::succeed(folder.path(), "make", ["CC=gcc", "CFLAGS=-O2 -Werror"]);
    let picture = vec![200; 30 * 40 * 3];
    fs::write(folder.path().join("picture"), picture).unwrap();
    let said = library::succeed(folder.path(), "sh", ["-c", "./main 30 40 < picture"]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.lines().count() == 2 && said.contains("  Käse") && said.contains("* "),
        "{said}"
    );
    // A sketch is C++, with the board's functions declared.
    let sketch = "struct { void begin(long) {} void println(const char *) {} } Serial; void delay(int) {}\n\
                  #include \"examples/classify/classify.ino\"\nint main() { setup(); loop(); }\n";
    fs::write(folder.path().join("sketch.cpp"), sketch).unwrap();
    let flags = [
        "-Wall",
        "-Werror",
        "-Isrc",
        "sketch.cpp",
        "libstring_model.a",
        "-o",
        "sketch",
    ];
    library::succeed(folder.path(), "g++", flags);
}
