//! `danas evaluate`.

use danas_data::{DataConfig, Dataset, LoadOptions, MAX_RESOLUTION, ScanOptions, scan};
use danas_deploy::Interpreter;
use danas_device::{Cost, Limits, Target, format_bytes, format_count};
use danas_space::Shape;
use serde::Serialize;

use crate::args::EvaluateCommand;
use crate::message::{Failure, Outcome, Status, from_data};
use crate::model_file::{ModelFile, data_config, preprocessing_beside};
use crate::output::{self, Table};
use crate::pipeline;
use crate::progress::Screen;
use crate::result::percent;

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
    let file = ModelFile::read(&command.model)?;
    let interpreter = Interpreter::new(file.model);
    let graph = interpreter.model().graph();
    let config = data_config(graph.input)?;
    let dataset = examples(command, &screen, graph.input)?;
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
    let cost = pipeline::with_file_size(cost, file.bytes);
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

/// Loads the examples as the model's `preprocessing.toml` says, if it lies beside the model.
fn examples(command: &EvaluateCommand, screen: &Screen, input: Shape) -> Outcome<Dataset> {
    let source = command.data.parse().map_err(from_data)?;
    let options = ScanOptions {
        seed: command.seed,
        ..ScanOptions::default()
    };
    let catalogue = scan(&source, &options).map_err(from_data)?;
    let finest = match preprocessing_beside(&command.model, input)? {
        Some(preprocessing) => preprocessing.finest,
        None => {
            screen.say(
                "no preprocessing.toml beside the model: pictures are averaged straight to its input",
            );
            4 * MAX_RESOLUTION
        }
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
