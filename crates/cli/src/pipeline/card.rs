//! `card.md`: what a model is, what it needs, and how that was measured.

use danas_data::{Dataset, Split};
use danas_device::{Engine, MemoryPlan, Planner, format_bytes, format_count, format_latency};
use danas_measure::Objective;
use danas_space::Graph;
use danas_study::{ColumnRow, ModelRecord};

use crate::output::plural;
use crate::pipeline::columns;
use crate::pipeline::finishing::Finalist;
use crate::pipeline::session::Session;
use crate::result::{interval, percent};

/// The text of a model's card.
pub(crate) fn text(
    session: &Session<'_>,
    model: &ModelRecord,
    finalist: &Finalist,
    plan: &MemoryPlan,
    quantisation: &str,
    dataset: &Dataset,
    objective: Objective,
) -> String {
    let (candidate, graph) = (&finalist.record, &finalist.trained.graph);
    let classes = dataset.classes();
    let rows: Vec<String> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            format!(
                "| {class} | {} | {} |",
                name.replace('|', "\\|"),
                recall(model, class)
            )
        })
        .collect();
    let cost = &model.cost;
    format!(
        "# Model {id} of {run}\n\n\
         Classifies pictures into {count} classes: {summary}, input {label}, int8.\n\n\
         ## What it needs\n\n\
         | | |\n|---|---|\n\
         | tensor arena (RAM) | {arena} ({arena_bytes} bytes) |\n\
         | of it activations with the input, scratch, the runtime's structures, only while loading | {head}, {scratch}, {persistent}, {loading} bytes |\n\
         | memory plan | {planner} |\n\
         | flash, model file and runtime | {flash} |\n\
         | of it model file, runtime code for the model's operators | {model_bytes}, {runtime_bytes} bytes |\n\
         | multiply-accumulates | {macs} |\n\
         {speed}\
         | arena in the x86-64 reference runtime | {host} bytes |\n\n\
         ## How well it does\n\n\
         | | float | int8 file | 95 % interval |\n|---|---|---|---|\n\
         {accuracies}\n\
         Float is the trained network. Quantised with {quantisation}. Balanced accuracy is the mean of the classes' recall; \
         intervals are score intervals (Wilson 1927) of the int8 file. {choice}\n\n\
         | output | class | recall on test |\n|---|---|---|\n{rows}\n\n\
         {parts}\
         ## How this was measured\n\n\
         The int8 accuracies are those of the written `model.tflite`, read back and run with the integer arithmetic of the \
         reference kernels of TensorFlow Lite for Microcontrollers. Arena and flash are computed from the file by danas' \
         model of that runtime. `preprocessing.toml` states how a picture becomes the input, byte for byte.\n\n\
         Made by danas {version} from `{data}` with seed {seed}.\n",
        id = model.candidate,
        run = session.folder.path().display(),
        count = classes.len(),
        summary = candidate.summary,
        label = candidate.data_label,
        arena = format_bytes(cost.arena_bytes),
        arena_bytes = cost.arena_bytes,
        head = cost.head_bytes,
        scratch = cost.scratch_bytes,
        persistent = cost.persistent_bytes,
        loading = cost.loading_bytes(),
        planner = planner(plan),
        flash = format_bytes(cost.flash_bytes),
        model_bytes = cost.model_bytes,
        runtime_bytes = cost.flash_bytes - cost.model_bytes,
        macs = format_count(cost.macs),
        speed = speed(session, graph),
        host = model.host_arena_bytes,
        accuracies = accuracies(model, dataset),
        choice = choice(model),
        rows = rows.join("\n"),
        parts = parts(model, dataset, objective),
        version = env!("CARGO_PKG_VERSION"),
        data = session.config.data,
        seed = session.config.seed,
    )
}

/// Rows of a table: how often the model is right.
fn accuracies(model: &ModelRecord, dataset: &Dataset) -> String {
    let test_int8 = model.test_tally_int8();
    let splits = [
        (
            Split::Validation,
            "used to choose models",
            &model.val_tally_float,
            &model.val_tally_int8,
        ),
        (
            Split::Test,
            "looked at once",
            &model.test_tally_float,
            &test_int8,
        ),
    ];
    let mut rows = String::new();
    for (split, use_of_it, float, int8) in splits {
        let (Some(float), Some(int8)) = (float, int8) else {
            continue;
        };
        let pictures = plural(dataset.len(split), "picture");
        for objective in [Objective::Accuracy, Objective::Balanced] {
            let what = match objective {
                Objective::Balanced => format!("{split}, balanced accuracy"),
                _ => format!("{split} accuracy ({pictures}, {use_of_it})"),
            };
            let of_int8 = int8.interval(objective);
            rows += &format!(
                "| {what} | {} | {} | {} |\n",
                percent(float.score(objective)),
                percent(of_int8.value),
                interval(&of_int8),
            );
        }
    }
    rows
}

/// The section about the test pictures that extra columns single out; empty without columns.
fn parts(model: &ModelRecord, dataset: &Dataset, objective: Objective) -> String {
    if model.columns.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&columns::HEADINGS.map(str::to_string));
    table += &format!("|{}\n", "---|".repeat(columns::HEADINGS.len()));
    for row in ColumnRow::all(&model.columns, dataset.classes(), objective) {
        table += &line(&columns::cells(&row).map(|cell| cell.replace('|', "\\|")));
    }
    format!(
        "## How well it does on parts of the test pictures\n\n{table}\n{} Intervals are score intervals (Wilson 1927) and, of F1, \
         made of them (Newcombe 2016).\n\n",
        columns::MEANING
    )
}

/// Why it was recommended, or another one was.
fn choice(model: &ModelRecord) -> String {
    let Some(paired) = model.paired else {
        return match model.recommended {
            true => "This is the recommended model.".to_string(),
            false => "No model of the run is recommended.".to_string(),
        };
    };
    let sure = paired.apart.map_or(String::new(), |apart| {
        let which = if apart < 0.0 { "surer" } else { "less sure" };
        format!("; it was {which} by {:.1} standard errors", apart.abs())
    });
    let verdict = match paired.tie {
        true => "The two tie, and cost decided.",
        false => "The two do not tie.",
    };
    format!(
        "Of the validation pictures this model alone got {} right and the recommended one alone {} (paired test, p = \
         {:.2}){sure}. {verdict}",
        paired.only_this, paired.only_recommended, paired.p
    )
}

/// Rows of a table: how long one inference takes on the board and, where somebody measured what the chip draws, its
/// energy.
fn speed(session: &Session<'_>, graph: &Graph) -> String {
    let board = session.target.assumed_board();
    let mut rows = String::new();
    for (engine, name) in [
        (Engine::Tflm, "TensorFlow Lite for Microcontrollers"),
        (Engine::GeneratedC, "C code of `danas export --as c`"),
    ] {
        let Some(milliseconds) = session.target.latency_ms(graph, engine) else {
            continue;
        };
        // Nobody published milliseconds of our C code.
        let published = board.published && engine == Engine::Tflm;
        let latency = format_latency(milliseconds, published);
        rows += &format!(
            "| time of one inference, {name} | {latency} on {} |\n",
            board.title
        );
        if let (Some(millijoules), Some(power)) = (board.energy_mj(milliseconds), &board.power) {
            rows += &format!(
                "| energy of it | {millijoules:.2} mJ, at {} mW ({}) |\n",
                power.milliwatts, power.source
            );
        }
    }
    rows
}

/// Who made a memory plan, and how good it is.
fn planner(plan: &MemoryPlan) -> String {
    let planner = match plan.planner {
        Planner::Runtime => "the runtime's own",
        Planner::File => "carried by the file, as the runtime's own is larger",
    };
    format!(
        "{planner}; {} bytes for activations and scratch, {} alive at the peak",
        plan.head_bytes, plan.least_bytes
    )
}

/// The share of a class's test pictures that were recognised.
fn recall(model: &ModelRecord, class: usize) -> String {
    let row = &model.confusion[class];
    match row.iter().sum::<u64>() {
        0 => "-".to_string(),
        all => percent(row[class] as f64 / all as f64),
    }
}
