//! `danas evaluate`.

use danas_data::{DataConfig, Dataset, LoadOptions, MAX_RESOLUTION, PreparedSet, Preprocessing};
use danas_deploy::{Interpreter, Network, Pixels};
use danas_device::format_count;
use danas_measure::{ClassTally, Objective};
use danas_study::ColumnRow;
use serde::Serialize;

use crate::args::EvaluateCommand;
use crate::commands::model_cost::ModelCost;
use crate::memory::MemoryLimit;
use crate::message::{Failure, Outcome, Status, from_data};
use crate::model_file::{ModelFile, data_config, preprocessing_beside};
use crate::output::{self, Table};
use crate::pipeline::{self, Found};
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
    accuracy_low: f64,
    accuracy_high: f64,
    balanced_accuracy: f64,
    balanced_accuracy_low: f64,
    balanced_accuracy_high: f64,
    /// Precision, recall and F1 of every class; null where they are not defined.
    measures: Vec<Measures>,
    /// What the answers to the examples that extra columns single out are worth; not written if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnRow>,
    #[serde(flatten)]
    cost: ModelCost,
}

/// How a class was recognised.
#[derive(Debug, Serialize)]
struct Measures {
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

impl From<&ClassTally> for Measures {
    fn from(class: &ClassTally) -> Self {
        Measures {
            precision: class.precision(),
            recall: class.recall(),
            f1: class.f1(),
        }
    }
}

/// Evaluates a file on examples and prints what it reaches and what it costs.
pub(crate) fn evaluate(command: &EvaluateCommand) -> Outcome<Status> {
    let screen = Screen::new(command.quiet);
    let file = ModelFile::read(&command.model)?;
    let cost = ModelCost::of(&file, &command.board)?;
    let network = file.network;
    let config = data_config(network.input())?;
    let preprocessing = preprocessing_beside(&command.model, network.input())?;
    let pixels = pixels(command, &screen, &network, preprocessing.as_ref());
    let interpreter = Interpreter::new(network).with_pixels(pixels);
    let dataset = examples(command, &screen, preprocessing.as_ref())?;
    let outputs = interpreter.network().outputs();
    if outputs != dataset.classes().len() {
        return Err(Failure::input_text(format!(
            "the model tells {outputs} classes apart, but {} has {}",
            command.data,
            dataset.classes().len()
        )));
    }
    let split = pipeline::split_of(command.split);
    let all = pipeline::every_example(&dataset, split);
    let evaluation = pipeline::evaluate(&interpreter, &dataset, split, &all, config)?;
    dataset.check_intact().map_err(from_data)?;
    let tally = evaluation.tally();
    let accuracy = tally.interval(Objective::Accuracy);
    let balanced = tally.interval(Objective::Balanced);
    let columns = pipeline::columns::records(&dataset, split, &evaluation.answers);
    let json = Json {
        model: command.model.display().to_string(),
        split: split.name(),
        examples: dataset.len(split),
        accuracy: evaluation.accuracy,
        classes: dataset.classes().to_vec(),
        confusion: evaluation.confusion,
        data: config,
        accuracy_low: accuracy.low,
        accuracy_high: accuracy.high,
        balanced_accuracy: balanced.value,
        balanced_accuracy_low: balanced.low,
        balanced_accuracy_high: balanced.high,
        measures: tally.classes().iter().map(Measures::from).collect(),
        columns: ColumnRow::all(&columns, dataset.classes(), Objective::default()),
        cost,
    };
    if command.json {
        output::print_json(&json)?;
    } else {
        output::print(&text(&json))?;
    }
    Ok(Status::Done)
}

/// What a pixel stands for: as asked for, as danas trains, or what the input suggests.
fn pixels(
    command: &EvaluateCommand,
    screen: &Screen,
    network: &Network,
    preprocessing: Option<&Preprocessing>,
) -> Pixels {
    if let Some(range) = command.pixels {
        return range.into();
    }
    if preprocessing.is_some() {
        return Pixels::Centred;
    }
    let likely = Pixels::likely(network.input_quantisation());
    screen.say(match likely {
        Pixels::Centred => "pixels are taken for (p - 128) / 128, as danas trains",
        Pixels::Signed => {
            "pixels are taken for p / 127.5 - 1 by the input's range; --pixels changes it"
        }
        Pixels::Unit => "pixels are taken for p / 255 by the input's range; --pixels changes it",
        Pixels::Bytes => "pixels are taken for 0 to 255 by the input's range; --pixels changes it",
    });
    likely
}

/// Loads the examples as the model's `preprocessing.toml` says, if it lies beside the model.
fn examples(
    command: &EvaluateCommand,
    screen: &Screen,
    preprocessing: Option<&Preprocessing>,
) -> Outcome<Dataset> {
    let source = command.data.parse().map_err(from_data)?;
    let catalogue = match Found::at(&source, &command.reading.scan_options(command.seed))? {
        Found::Listed(catalogue) => catalogue,
        Found::Prepared(set) => return prepared(command, screen, *set, preprocessing),
    };
    let finest = match preprocessing {
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

/// The examples of a prepared folder, whose pictures were reduced when it was made.
fn prepared(
    command: &EvaluateCommand,
    screen: &Screen,
    set: PreparedSet,
    preprocessing: Option<&Preprocessing>,
) -> Outcome<Dataset> {
    match preprocessing {
        Some(preprocessing) if preprocessing.finest != set.finest() => {
            return Err(Failure::input_text(format!(
                "the model wants pictures reduced to {} pixels first, but {} holds them reduced to {}",
                preprocessing.finest,
                command.data,
                set.finest()
            ))
            .hint(format!("evaluate it on the source itself: --data {}", set.source())));
        }
        Some(_) => {}
        None => screen.say(format!(
            "no preprocessing.toml beside the model: pictures are averaged to its input from {} pixels",
            set.finest()
        )),
    }
    pipeline::opened(set, command.seed, MemoryLimit::resolve(None)?)
}

fn text(result: &Json) -> String {
    let mut headings = vec!["true class"];
    headings.extend(result.classes.iter().map(String::as_str));
    headings.extend(["precision", "recall", "F1"]);
    let mut table = Table::new(&headings);
    let known = |share: Option<f64>| share.map_or_else(|| "-".to_string(), percent);
    for ((class, row), measures) in
        (result.classes.iter().zip(&result.confusion)).zip(&result.measures)
    {
        let mut cells = vec![class.clone()];
        cells.extend(row.iter().map(u64::to_string));
        cells.extend([measures.precision, measures.recall, measures.f1].map(known));
        table.row(cells);
    }
    let columns = match result.columns.is_empty() {
        true => String::new(),
        false => format!(
            "\n{}\n{}\n",
            pipeline::columns::table(&result.columns),
            pipeline::columns::MEANING
        ),
    };
    format!(
        "{} of {} {} pictures are right in int8 (95 % interval {} to {}), {} balanced over the classes ({}).\n\n{table}{columns}\ninput {}, {} MACs\n{}\n{}",
        percent(result.accuracy),
        result.examples,
        result.split,
        percent(result.accuracy_low),
        percent(result.accuracy_high),
        percent(result.balanced_accuracy),
        result.model,
        result.data,
        format_count(result.cost.macs),
        result.cost.lines(),
        result.cost.table()
    )
}
