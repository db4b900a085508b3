//! `danas evaluate`.

use std::path::Path;

use danas_data::{
    Colour, DataConfig, Dataset, LoadOptions, MAX_RESOLUTION, MIN_RESOLUTION, Preprocessing,
    ScanOptions, scan,
};
use danas_deploy::{Interpreter, read_file};
use danas_device::{Cost, Limits, Target, format_bytes, format_count};
use danas_space::Shape;
use serde::Serialize;

use crate::args::EvaluateCommand;
use crate::message::{Blame, Failure, Outcome, Status, from_data};
use crate::output::{self, Table};
use crate::pipeline;
use crate::progress::Screen;
use crate::result::percent;

/// The most bytes of a model file that are read; no microcontroller has as much flash.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Json {
    model: String,
    split: &'static str,
    examples: usize,
    accuracy: f64,
    classes: Vec<String>,
    confusion: Vec<Vec<u64>>,
    data: DataConfig,
    arena_bytes: u64,
    host_arena_bytes: u64,
    model_bytes: u64,
    macs: u64,
}

/// Evaluates a file on examples and prints what it reaches and what it costs.
pub(crate) fn evaluate(command: &EvaluateCommand) -> Outcome<Status> {
    let screen = Screen::new(command.quiet);
    let bytes = read_model(&command.model)?;
    let file = read_file(&bytes).map_err(|error| {
        Failure::input(error).context(format!("{} is no usable model", command.model.display()))
    })?;
    let interpreter = Interpreter::new(file.model);
    let graph = interpreter.model().graph();
    let config = data_config(graph.input)?;
    let dataset = examples(command, &screen, config)?;
    let outputs = interpreter.model().outputs();
    if outputs != dataset.classes().len() {
        return Err(Failure::input_text(format!(
            "the model tells {outputs} classes apart, but {} has {}",
            command.data,
            dataset.classes().len()
        )));
    }
    let split = pipeline::split_of(command.split);
    let evaluation = pipeline::evaluate(&interpreter, &dataset, split, config)?;
    // Without a board: what is printed are the costs that do not depend on one.
    let cost = Target::new(None, Limits::default()).cost_of_file(graph, &file.offsets);
    let cost = pipeline::with_file_size(cost, bytes.len() as u64);
    let json = Json {
        model: command.model.display().to_string(),
        split: split.name(),
        examples: dataset.len(split),
        accuracy: evaluation.accuracy,
        classes: dataset.classes().to_vec(),
        confusion: evaluation.confusion,
        data: config,
        arena_bytes: cost.arena_bytes,
        host_arena_bytes: cost.host_arena_bytes,
        model_bytes: cost.model_bytes,
        macs: cost.macs,
    };
    if command.json {
        output::print_json(&json)?;
    } else {
        output::print(&text(&json, &cost))?;
    }
    Ok(Status::Done)
}

fn read_model(path: &Path) -> Outcome<Vec<u8>> {
    let cannot = |error: std::io::Error| {
        Failure::input(error).context(format!("cannot read {}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > MAX_FILE_BYTES {
        return Err(Failure::input_text(format!(
            "{} has {size} bytes; a model for a microcontroller has at most {MAX_FILE_BYTES}",
            path.display()
        )));
    }
    std::fs::read(path).map_err(cannot)
}

/// The data configuration that makes a model's input.
fn data_config(input: Shape) -> Outcome<DataConfig> {
    let colour = match input.channels {
        1 => Colour::Mono,
        3 => Colour::Rgb,
        n => {
            return Err(Failure::input_text(format!(
                "the model's input has {n} channels; pictures have 1 or 3"
            )));
        }
    };
    if input.height != input.width || !(MIN_RESOLUTION..=MAX_RESOLUTION).contains(&input.height) {
        return Err(Failure::input_text(format!(
            "the model's input is {}x{}; expected a square of {MIN_RESOLUTION} to {MAX_RESOLUTION} pixels",
            input.height, input.width
        )));
    }
    Ok(DataConfig {
        resolution: input.height,
        colour,
    })
}

/// Loads the examples as the model's `preprocessing.toml` says, if it lies beside the model.
fn examples(command: &EvaluateCommand, screen: &Screen, config: DataConfig) -> Outcome<Dataset> {
    let source = command.data.parse().map_err(from_data)?;
    let options = ScanOptions {
        seed: command.seed,
        ..ScanOptions::default()
    };
    let catalogue = scan(&source, &options).map_err(from_data)?;
    let beside = command.model.with_file_name("preprocessing.toml");
    let finest = if beside.is_file() {
        let text = std::fs::read_to_string(&beside).or_input()?;
        let preprocessing = Preprocessing::from_toml(&text).map_err(from_data)?;
        if preprocessing.config() != config {
            return Err(Failure::input_text(format!(
                "{} is for {}, but the model sees {config}",
                beside.display(),
                preprocessing.config()
            )));
        }
        preprocessing.finest
    } else {
        screen.say(
            "no preprocessing.toml beside the model: pictures are averaged straight to its input",
        );
        4 * MAX_RESOLUTION
    };
    pipeline::decode(
        screen,
        &catalogue,
        &LoadOptions {
            finest,
            seed: command.seed,
            ..LoadOptions::default()
        },
    )
}

fn text(result: &Json, cost: &Cost) -> String {
    let mut headings = vec!["true class"];
    headings.extend(result.classes.iter().map(String::as_str));
    headings.push("recall");
    let mut table = Table::new(&headings);
    for (class, row) in result.confusion.iter().enumerate() {
        let all: u64 = row.iter().sum();
        let recall = if all == 0 {
            "-".to_string()
        } else {
            percent(row[class] as f64 / all as f64)
        };
        let mut cells = vec![result.classes[class].clone()];
        cells.extend(row.iter().map(u64::to_string));
        cells.push(recall);
        table.row(cells);
    }
    format!(
        "{} of {} {} pictures are right in int8 ({}).\n\n{table}\nInput {}, arena {} ({} in the x86-64 reference runtime), \
         file {}, {} MACs.\n",
        percent(result.accuracy),
        result.examples,
        result.split,
        result.model,
        result.data,
        format_bytes(cost.arena_bytes),
        format_bytes(cost.host_arena_bytes),
        format_bytes(cost.model_bytes),
        format_count(cost.macs)
    )
}
