//! The files of a library: sources, examples, and what build systems want to see.

use danas_device::{Core, format_count, generated_instructions};
use danas_space::Graph;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error};
use serde::Serialize;

use crate::c::arrays::Array;
use crate::c::frames::Frames;
use crate::c::layers::{CLayer, COperator, layers, patch_bytes};
use crate::c::storage::Storage;
use crate::c::{Library, SourceFile};
use crate::header::{float, identifier, literal};
use crate::int8::{Int8Model, Quantisation};

/// The sources of one operator: the header to include, and all headers that it is made of.
struct OperatorSources {
    operator: COperator,
    header: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! headers {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("runtime/operators/", $name)))),*]
    };
}

const OPERATORS: [OperatorSources; 7] = [
    OperatorSources {
        operator: COperator::Add,
        header: "add.h",
        files: headers!("add.h", "fixed_point.h"),
    },
    OperatorSources {
        operator: COperator::AveragePool,
        header: "average_pool.h",
        files: headers!("average_pool.h"),
    },
    OperatorSources {
        operator: COperator::Convolution,
        header: "convolution.h",
        files: headers!(
            "convolution.h",
            "fixed_point.h",
            "matrix.h",
            "requantisation.h",
            "window.h"
        ),
    },
    OperatorSources {
        operator: COperator::Depthwise,
        header: "depthwise.h",
        files: headers!(
            "depthwise.h",
            "depthwise_row.h",
            "fixed_point.h",
            "requantisation.h",
            "window.h"
        ),
    },
    OperatorSources {
        operator: COperator::DepthwiseInPlace,
        header: "depthwise_in_place.h",
        files: headers!(
            "depthwise_in_place.h",
            "depthwise_row.h",
            "fixed_point.h",
            "requantisation.h",
            "window.h"
        ),
    },
    OperatorSources {
        operator: COperator::Pointwise,
        header: "pointwise.h",
        files: headers!(
            "fixed_point.h",
            "matrix.h",
            "pointwise.h",
            "requantisation.h"
        ),
    },
    OperatorSources {
        operator: COperator::Softmax,
        header: "softmax.h",
        files: headers!("fixed_point.h", "softmax.h"),
    },
];

const FRAME: &str = include_str!("runtime/danas_frame.h");
const PREPROCESSING: &str = include_str!("runtime/preprocessing.h");

/// The templates of the files; `NAME` in a path stands for the library's name.
const TEMPLATES: [(&str, &str); 11] = [
    ("src/NAME.h", include_str!("templates/model.h.j2")),
    ("src/NAME.c", include_str!("templates/model.c.j2")),
    ("src/NAME_weights.h", include_str!("templates/weights.h.j2")),
    ("examples/host/main.c", include_str!("templates/main.c.j2")),
    (
        "examples/classify/classify.ino",
        include_str!("templates/classify.ino.j2"),
    ),
    ("Makefile", include_str!("templates/Makefile.j2")),
    (
        "CMakeLists.txt",
        include_str!("templates/CMakeLists.txt.j2"),
    ),
    (
        "idf_component.yml",
        include_str!("templates/idf_component.yml.j2"),
    ),
    ("library.json", include_str!("templates/library.json.j2")),
    (
        "library.properties",
        include_str!("templates/library.properties.j2"),
    ),
    ("README.md", include_str!("templates/README.md.j2")),
];

/// Headers that a file called after the library must not hide, the compiler's and ours.
const TAKEN: [&str; 26] = [
    "assert",
    "complex",
    "ctype",
    "danas_frame",
    "errno",
    "fenv",
    "float",
    "inttypes",
    "iso646",
    "limits",
    "locale",
    "math",
    "preprocessing",
    "setjmp",
    "signal",
    "stdarg",
    "stdbool",
    "stddef",
    "stdint",
    "stdio",
    "stdlib",
    "string",
    "tgmath",
    "time",
    "wchar",
    "wctype",
];

/// What templates are filled in with.
#[derive(Serialize)]
struct Page {
    version: &'static str,
    name: String,
    macros: String,
    sentence: String,
    arena_bytes: u64,
    weight_bytes: usize,
    instructions: String,
    input: Input,
    output: Output,
    pixel_rule: String,
    classes: Vec<String>,
    operators: Vec<&'static str>,
    layers: Vec<CLayer>,
    arrays: Vec<Array>,
    frames: Option<Frames>,
    frame_scratch: u64,
}

#[derive(Serialize)]
struct Input {
    height: usize,
    width: usize,
    channels: usize,
    bytes: usize,
    offset: u64,
}

#[derive(Serialize)]
struct Output {
    scale: String,
    zero_point: i8,
    offset: u64,
}

/// All files of a library.
pub(super) fn files(model: &Int8Model, library: &Library<'_>) -> Result<Vec<SourceFile>, Error> {
    let page = page(model, library);
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    let mut files = Vec::new();
    for (path, template) in TEMPLATES {
        let path = path.replace("NAME", &page.name);
        let text = environment.render_named_str(&path, template, Serde(&page))?;
        files.push(SourceFile { path, text });
    }
    files.extend(runtime(&page));
    Ok(files)
}

/// The sources that do not depend on the model, those that it uses.
fn runtime(page: &Page) -> Vec<SourceFile> {
    let file = |path: String, text: &str| SourceFile {
        path,
        text: text.to_owned(),
    };
    let mut headers: Vec<_> = OPERATORS
        .iter()
        .filter(|sources| page.operators.contains(&sources.header))
        .flat_map(|sources| sources.files)
        .collect();
    headers.sort_unstable();
    headers.dedup();
    let mut files: Vec<SourceFile> = headers
        .into_iter()
        .map(|(name, text)| file(format!("src/operators/{name}"), text))
        .collect();
    if page.frames.is_some() {
        files.push(file("src/danas_frame.h".to_owned(), FRAME));
        files.push(file("src/preprocessing.h".to_owned(), PREPROCESSING));
    }
    files
}

fn page(model: &Int8Model, library: &Library<'_>) -> Page {
    let graph = model.graph();
    let shape = graph.input;
    let quantisation = model.quantisations()[0];
    let frames = Frames::new(shape, quantisation, library.finest);
    let frame_bytes = frames.as_ref().map_or(0, Frames::scratch_bytes);
    let storage = Storage::new(graph, patch_bytes(model), frame_bytes);
    let mut layers = layers(model, &storage);
    let arrays: Vec<Array> = layers
        .iter_mut()
        .flat_map(|layer| std::mem::take(&mut layer.arrays))
        .collect();
    let uses = |sources: &&OperatorSources| {
        layers
            .iter()
            .any(|layer| layer.operator == sources.operator)
    };
    let operators = OPERATORS
        .iter()
        .filter(uses)
        .map(|sources| sources.header)
        .collect();
    let name = library_name(library.name);
    let last = graph.layers.len();
    Page {
        version: env!("CARGO_PKG_VERSION"),
        macros: name.to_ascii_uppercase(),
        name,
        sentence: format!(
            "Tells {} classes apart in an input of {} x {} x {}.",
            library.classes.len(),
            shape.height,
            shape.width,
            shape.channels
        ),
        arena_bytes: storage.bytes,
        weight_bytes: arrays.iter().map(|array| array.bytes).sum(),
        instructions: instructions(graph),
        input: Input {
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
            bytes: shape.elements(),
            offset: storage.tensors[0],
        },
        output: Output {
            scale: float(model.quantisations()[last].scale),
            zero_point: model.quantisations()[last].zero_point,
            offset: storage.tensors[last],
        },
        pixel_rule: pixel_rule(quantisation),
        classes: library.classes.iter().map(|class| literal(class)).collect(),
        operators,
        layers,
        arrays,
        frames,
        frame_scratch: storage.frames,
    }
}

/// The predicted instructions of one inference on the cores whose code was counted, in words.
fn instructions(graph: &Graph) -> String {
    let cores = [Core::CortexM4, Core::CortexM0Plus, Core::CortexM55];
    let words = cores.into_iter().filter_map(|core| {
        let instructions = generated_instructions(graph, core)?;
        Some(format!("{} on {core}", format_count(instructions as u64)))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A C identifier that resembles a name and hides no header.
fn library_name(name: &str) -> String {
    let mut name = identifier(name);
    if TAKEN.contains(&name.to_ascii_lowercase().as_str()) {
        name.push_str("_model");
    }
    name
}

/// What a pixel is stored as, in words.
fn pixel_rule(quantisation: Quantisation) -> String {
    if quantisation == Quantisation::PIXELS {
        "a pixel p of 0 to 255 is p - 128.".to_owned()
    } else {
        format!(
            "a pixel p of 0 to 255 is (p - 128) / 128 / {:e} + {}, rounded.",
            quantisation.scale, quantisation.zero_point
        )
    }
}
