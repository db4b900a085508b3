//! The result of a run: its front, its files for people, the closing table, the sentence that matters, and the JSON.

use std::path::Path;

use danas_device::{format_bytes, format_count, format_latency};
use danas_measure::{Interval, Objective};
use danas_search::{Objectives, front};
use danas_study::{
    CandidateRecord, CostRecord, FrontRow, ModelRecord, RunFolder, RunRecord, Store, Study,
    Summary, front_rows, write_atomic, write_front_csv,
};
use serde::Serialize;

use crate::message::{Blame, Outcome, from_study};
use crate::output::{self, Table};

/// What the search strives for, from the record of a candidate.
pub(crate) fn objectives(record: &CandidateRecord, objective: Objective) -> Objectives {
    Objectives {
        error: 1.0 - record.val_score(objective),
        costs: costs(&record.cost),
        violation: record.violation,
    }
}

/// The costs that the search keeps low.
pub(crate) fn costs(cost: &CostRecord) -> [f64; 3] {
    [
        cost.arena_bytes as f64,
        cost.flash_bytes as f64,
        cost.latency_ms,
    ]
}

/// Ids of the candidates on the front, the best at the objective first; where nothing is feasible, of all that were recorded,
/// the least violating first.
pub(crate) fn front_ids(candidates: &[CandidateRecord], objective: Objective) -> Vec<u64> {
    let mut members: Vec<&CandidateRecord> = if candidates.iter().any(|c| c.violation == 0.0) {
        let objectives: Vec<Objectives> = (candidates.iter())
            .map(|candidate| objectives(candidate, objective))
            .collect();
        front(&objectives)
            .into_iter()
            .map(|index| &candidates[index])
            .collect()
    } else {
        candidates.iter().collect()
    };
    members.sort_by(|a, b| {
        let by_score = b.val_score(objective).total_cmp(&a.val_score(objective));
        a.violation
            .total_cmp(&b.violation)
            .then(by_score)
            .then(a.cost.arena_bytes.cmp(&b.cost.arena_bytes))
            .then(a.id.cmp(&b.id))
    });
    members.into_iter().map(|member| member.id).collect()
}

/// Everything that is known of a run.
pub(crate) fn summary(study: &Study) -> Outcome<Summary> {
    let candidates = study.candidates().map_err(from_study)?;
    let run = study.run().map_err(from_study)?;
    let objective = run.map_or(Objective::default(), |run| run.objective);
    let front = front_ids(&candidates, objective);
    study.summary(&front).map_err(from_study)
}

/// Writes `report.html` and `front.csv`.
pub(crate) fn write_files(folder: &RunFolder, summary: &Summary) -> Outcome<()> {
    let page = danas_report::render(summary).or_internal()?;
    write_atomic(&folder.report(), page.as_bytes()).map_err(from_study)?;
    write_front_csv(&folder.front_csv(), summary).map_err(from_study)
}

/// The object that `--json` ends with.
#[derive(Debug, Serialize)]
struct Json {
    run: String,
    recommended: Option<u64>,
    front: Vec<FrontRow>,
    objective: String,
}

/// Prints the result: one JSON object, or the table and the sentence.
pub(crate) fn print(run: &Path, summary: &Summary, json: bool) -> Outcome<()> {
    if json {
        return output::print_json(&as_json(run, summary)?);
    }
    let table = table(summary)?;
    output::print(&format!("\n{table}\n{}\n", sentence(run, summary)))
}

fn as_json(run: &Path, summary: &Summary) -> Outcome<Json> {
    let mut front = front_rows(summary).map_err(from_study)?;
    for row in &mut front {
        // Relative to where danas was called, so that it can be opened as it is.
        row.model = row
            .model
            .as_ref()
            .map(|path| run.join(path).display().to_string());
    }
    Ok(Json {
        run: run.display().to_string(),
        recommended: summary
            .models
            .iter()
            .find(|model| model.recommended)
            .map(|model| model.candidate),
        front,
        objective: objective_words(&summary.run),
    })
}

/// What was maximised, in words.
pub(crate) fn objective_words(run: &RunRecord) -> String {
    run.objective.words(&run.class_names())
}

/// At most this many rows fit a screen; the others are in the report.
const MOST_ROWS: usize = 20;

fn table(summary: &Summary) -> Outcome<String> {
    let mut rows = front_rows(summary).map_err(from_study)?;
    let all = rows.len();
    // Finished models first: they are the answer.
    rows.sort_by_key(|row| row.model.is_none());
    rows.truncate(MOST_ROWS);
    let recommended = summary
        .models
        .iter()
        .find(|model| model.recommended)
        .map(|model| model.candidate);
    let mut table = Table::new(&[
        "id",
        "input",
        "val score",
        "95 % interval",
        "test int8",
        "balanced",
        "RAM",
        "flash",
        if summary.run.latency_published {
            "latency"
        } else {
            "latency (extrapolated)"
        },
        "MACs",
        "model",
    ]);
    for row in rows {
        let candidate = summary.candidates.iter().find(|c| c.id == row.id);
        let label = candidate.map_or("", |c| c.data_label.as_str());
        let scored = candidate.filter(|candidate| candidate.is_scored());
        let score = scored.and_then(|c| c.val_interval(summary.run.objective));
        let known = |share: Option<f64>| share.map_or_else(|| "-".to_string(), percent);
        table.row([
            row.id.to_string(),
            label.to_string(),
            known(scored.map(|_| row.val_score)),
            score.map_or_else(|| "-".to_string(), |score| interval(&score)),
            known(row.test_accuracy_int8),
            known(row.test_balanced_accuracy_int8),
            format_bytes(row.arena_bytes),
            format_bytes(row.flash_bytes),
            format!("{:.1} ms", row.latency_ms),
            format_count(row.macs),
            match &row.model {
                Some(path) if Some(row.id) == recommended => format!("{path} (recommended)"),
                Some(path) if ties_with_recommended(summary, row.id) => {
                    format!("{path} (ties with it)")
                }
                Some(path) => path.clone(),
                None => String::new(),
            },
        ]);
    }
    let mut text = table.to_string();
    if all > MOST_ROWS {
        text.push_str(&format!("... and {} more in front.csv\n", all - MOST_ROWS));
    }
    Ok(text)
}

/// Whether a finished model cannot be told apart from the recommended one.
fn ties_with_recommended(summary: &Summary, id: u64) -> bool {
    let model = summary.models.iter().find(|model| model.candidate == id);
    model
        .and_then(|model| model.paired)
        .is_some_and(|paired| paired.tie)
}

/// The one sentence that matters.
pub(crate) fn sentence(run: &Path, summary: &Summary) -> String {
    let report = run.join("report.html");
    let Some(model) = summary.models.iter().find(|model| model.recommended) else {
        return match summary
            .candidates
            .iter()
            .find(|c| summary.front.first() == Some(&c.id))
        {
            Some(closest) if !summary.run.feasible => format!(
                "Nothing meets the limits: the closest, {}, is over them by {} ({}).",
                closest.data_label,
                percent(closest.violation),
                report.display()
            ),
            _ if summary.models.is_empty() => {
                format!("No model was finished yet; see {}.", report.display())
            }
            _ => format!(
                "None of the finished files meets the limits; see {}.",
                report.display()
            ),
        };
    };
    let input = summary
        .candidates
        .iter()
        .find(|c| c.id == model.candidate)
        .map_or("", |c| c.data_label.as_str());
    format!(
        "Model {} sees {input} and is right on {} of the test pictures in int8{}, with {} of RAM, {} of flash and {} \
         per picture on {}: {} (details: {}).",
        model.candidate,
        percent(model.test_accuracy_int8),
        certainty(model, summary.run.objective, &objective_words(&summary.run)),
        format_bytes(model.cost.arena_bytes),
        format_bytes(model.cost.flash_bytes),
        format_latency(model.cost.latency_ms, summary.run.latency_published),
        summary.run.board,
        run.join(&model.path).display(),
        report.display()
    )
}

/// How sure that is, and the other measures, in brackets.
fn certainty(model: &ModelRecord, objective: Objective, words: &str) -> String {
    let Some(tally) = model.test_tally_int8() else {
        return String::new();
    };
    let mut text = format!(
        " (95 % interval {}; balanced accuracy {}",
        interval(&tally.interval(Objective::Accuracy)),
        percent(tally.balanced_accuracy())
    );
    if let Objective::F1(_) = objective {
        text += &format!(", {words} {}", percent(tally.score(objective)));
    }
    text + ")"
}

/// The ends of an interval of a share, in percent.
pub(crate) fn interval(interval: &Interval) -> String {
    format!("{:.1} to {}", interval.low * 100.0, percent(interval.high))
}

/// A share in percent, with one decimal.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
