//! `card.md`: what a model is, what it needs, and how that was measured.

use danas_data::{Dataset, Split};
use danas_device::{Engine, MemoryPlan, Planner, format_bytes, format_count, format_latency};
use danas_space::Graph;
use danas_study::{CandidateRecord, ModelRecord};

use crate::pipeline::session::Session;
use crate::result::percent;

/// The text of a model's card.
pub(crate) fn text(
    session: &Session<'_>,
    model: &ModelRecord,
    candidate: &CandidateRecord,
    graph: &Graph,
    plan: &MemoryPlan,
    quantisation: &str,
    dataset: &Dataset,
) -> String {
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
         | | float | int8 file |\n|---|---|---|\n\
         | validation ({validation} pictures, used to choose models) | {val_float} | {val_int8} |\n\
         | test ({test} pictures, looked at once) | {test_float} | {test_int8} |\n\n\
         Float is the trained network. Quantised with {quantisation}.\n\n\
         | output | class | recall on test |\n|---|---|---|\n{rows}\n\n\
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
        validation = dataset.len(Split::Validation),
        val_float = percent(model.val_accuracy_float),
        val_int8 = percent(model.val_accuracy_int8),
        test = dataset.len(Split::Test),
        test_float = percent(model.test_accuracy_float),
        test_int8 = percent(model.test_accuracy_int8),
        rows = rows.join("\n"),
        version = env!("CARGO_PKG_VERSION"),
        data = session.config.data,
        seed = session.config.seed,
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
