//! `docs/latency.md`: predictions beside what was published and counted.

use crate::counts::{CORES, counted, errors};
use crate::published::published;
use danas_device::{Board, boards, generated_instructions};

/// The whole page; it ends with a line break.
pub(crate) fn page() -> String {
    format!(
        "# Latency and energy\n\n\
         Written by `cargo run --release -p danas-device --example latency_page > docs/latency.md`; a test holds it to what\n\
         the program predicts.\n\n\
         ## Beside published measurements\n\n\
         TensorFlow Lite for Microcontrollers, or another engine with the same kernels. `person` and `images` are the networks\n\
         of MLPerf Tiny, `example` is the person detection that comes with TFLM, `mcunet-...` are two models of MCUNet. The\n\
         costs of each core were calibrated on these rows, so the errors say how well one model of costs describes different\n\
         networks, not how well it foretells an unknown board.\n\n{}\n\
         Energy is the time times what the chip was measured to draw; without such a measurement there is no figure.\n\n{}\n\
         ## Boards without a published measurement\n\n\
         Their latency is extrapolated: the cycles of the same core on another chip, at this board's clock. Memory with other\n\
         wait states or caches makes it longer or shorter.\n\n{}\n\
         ## Generated C code\n\n\
         Predicted instructions of whole random candidates of the default search space beside those counted in QEMU, for\n\
         candidates that the costs were not fitted to. The Cortex-M7 and M33 run the Cortex-M4's code, the M85 the M55's; on\n\
         other cores the latency of this code is unknown. Nobody published milliseconds of it, so it is extrapolated on all\n\
         boards.\n\n{}",
        measured(),
        power(),
        extrapolated(),
        counts(),
    )
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let rows: Vec<String> = rows.into_iter().map(|row| line(&row)).collect();
    line(&head) + &line(&rule) + &rows.concat()
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

fn measured() -> String {
    let rows = published().into_iter().map(|row| {
        let energy = row.board.energy_mj(row.predicted_ms());
        let joules =
            |energy: Option<f64>| energy.map_or("-".to_owned(), |mj| format!("{mj:.1} mJ"));
        vec![
            row.board.title.clone(),
            row.board.core.to_string(),
            row.board.mhz.to_string(),
            row.network.to_owned(),
            format!("{} ms", row.milliseconds),
            format!("{:.1} ms", row.predicted_ms()),
            percent(row.error()),
            joules(row.millijoules),
            joules(energy),
            row.source.to_owned(),
        ]
    });
    let head = [
        "board",
        "core",
        "MHz",
        "network",
        "published",
        "predicted",
        "error",
        "energy",
        "predicted",
        "source",
    ];
    table(&head, rows)
}

fn power() -> String {
    let rows = boards().iter().filter_map(|board| {
        let power = board.power.as_ref()?;
        let draws = format!("{} mW", power.milliwatts);
        Some(vec![board.title.clone(), draws, power.source.clone()])
    });
    table(&["board", "power", "source"], rows)
}

fn extrapolated() -> String {
    let rows = boards()
        .iter()
        .filter(|board| !board.published)
        .map(|board| {
            let title = board.title.clone();
            vec![
                title,
                board.core.to_string(),
                board.mhz.to_string(),
                origin(board),
            ]
        });
    table(&["board", "core", "MHz", "extrapolated from"], rows)
}

/// The published boards with the core of another.
fn origin(board: &Board) -> String {
    let same = boards()
        .iter()
        .filter(|other| other.published && other.core == board.core);
    same.map(|other| other.title.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn counts() -> String {
    let rows = CORES.into_iter().map(|(core, name)| {
        let errors = errors(&counted(name, "held-out"), |graph| {
            generated_instructions(graph, core).expect("the core was counted")
        });
        let mean = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
        let worst = errors.iter().map(|error| error.abs()).fold(0.0, f64::max);
        vec![
            core.to_string(),
            counted(name, "training").len().to_string(),
            errors.len().to_string(),
            format!("{:.2} %", 100.0 * mean),
            format!("{:.2} %", 100.0 * worst),
        ]
    });
    table(
        &["core", "fitted to", "held out", "mean error", "worst error"],
        rows,
    )
}
