//! `danas audit`.

use std::time::Instant;

use danas_device::format_count;
use danas_search::{Agreement, Agreements};
use danas_study::{AuditRecord, CandidateRecord, RunRecord};
use serde::Serialize;

use crate::args::{AuditCommand, SearchCommand, SearchOptions};
use crate::config::{Configuration, within};
use crate::message::{Failure, Outcome, Status};
use crate::output::{self, Table};
use crate::pipeline::{self, Extent};
use crate::result::percent;

/// The most candidates that can be asked for.
const MAX_CANDIDATES: usize = 10_000;
/// The most steps of each that can be asked for.
const MAX_STEPS: usize = 10_000_000;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    overall: JsonAgreement,
    steps: u64,
    within: Vec<JsonGroup<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonAgreement {
    tau: f64,
    low: f64,
    high: f64,
    candidates: usize,
    regret: Vec<JsonRegret>,
}

/// The accuracy lost by whoever takes the best of the `top` candidates with the highest scores.
#[derive(Debug, Serialize)]
struct JsonRegret {
    top: usize,
    accuracy: f64,
}

#[derive(Debug, Serialize)]
struct JsonGroup<'a> {
    data: &'a str,
    #[serde(flatten)]
    agreement: JsonAgreement,
}

impl From<&Agreement> for JsonAgreement {
    fn from(agreement: &Agreement) -> Self {
        let regrets = agreement.regrets.iter();
        JsonAgreement {
            tau: agreement.tau.value,
            low: agreement.tau.low,
            high: agreement.tau.high,
            candidates: agreement.candidates,
            regret: regrets
                .map(|&(top, accuracy)| JsonRegret { top, accuracy })
                .collect(),
        }
    }
}

/// Trains candidates of a run alone and prints how well their scores foretold the outcome.
pub(crate) fn audit(command: &AuditCommand, started: Instant) -> Outcome<Status> {
    let extent = Extent {
        candidates: within("candidates", command.candidates, MAX_CANDIDATES)?,
        steps: within("steps", command.steps, MAX_STEPS)? as u64,
    };
    let config = configuration(command)?;
    pipeline::use_threads(config.threads)?;
    let summary = pipeline::audit(&config, extent, started)?;
    let audited = summary.audited(extent.steps);
    let scores = summary.audited_scores(extent.steps);
    let Some(agreements) = Agreements::of(&scores) else {
        return Err(Failure::input_text(format!(
            "{} trained alone cannot be ranked: all their scores, or all that they reached, are equal",
            output::plural(scores.len(), "candidate")
        ))
        .hint("audit more candidates with --candidates, or train them longer with --steps"));
    };
    if command.work.json {
        let within = agreements.within.iter().map(|(data, agreement)| JsonGroup {
            data,
            agreement: agreement.into(),
        });
        output::print_json(&Json {
            overall: (&agreements.overall).into(),
            steps: extent.steps,
            within: within.collect(),
        })?;
    } else {
        output::print(&text(audited, &summary.run, &agreements, extent.steps))?;
    }
    Ok(Status::Done)
}

/// The configuration of the run, computed where and shown how the command wants it.
fn configuration(command: &AuditCommand) -> Outcome<Configuration> {
    let stored = command.run.join("config.toml");
    if !stored.is_file() {
        return Err(Failure::input_text(format!(
            "{} is not the folder of a run",
            command.run.display()
        ))
        .hint("a search makes one: `danas search --help`"));
    }
    Configuration::resolve(SearchCommand {
        preset: None,
        config: Some(stored),
        isa: command.work.isa,
        options: SearchOptions {
            out: Some(command.run.clone()),
            threads: command.work.threads,
            quiet: command.work.quiet,
            json: command.work.json,
            ..SearchOptions::default()
        },
    })
}

fn text(
    mut audited: Vec<(&CandidateRecord, &AuditRecord)>,
    run: &RunRecord,
    agreements: &Agreements<'_>,
    steps: u64,
) -> String {
    let objective = run.objective;
    let names: Vec<&str> = run
        .classes
        .iter()
        .map(|class| class.name.as_str())
        .collect();
    let measure = objective.words(&names);
    audited.sort_by(|(_, a), (_, b)| b.val_score(objective).total_cmp(&a.val_score(objective)));
    let mut table = Table::new(&["id", "input", "MACs", "score", "alone"]);
    for (candidate, audit) in audited {
        table.row([
            candidate.id.to_string(),
            candidate.data_label.clone(),
            format_count(candidate.cost.macs),
            percent(candidate.val_score(objective)),
            percent(audit.val_score(objective)),
        ]);
    }
    let mut groups = Table::new(&["within", "candidates", "Kendall's tau", "95 % interval"]);
    for (data, agreement) in &agreements.within {
        groups.row([
            (*data).to_string(),
            agreement.candidates.to_string(),
            format!("{:.2}", agreement.tau.value),
            format!("{:.2} to {:.2}", agreement.tau.low, agreement.tau.high),
        ]);
    }
    let groups = match agreements.within.is_empty() {
        true => String::new(),
        false => format!("\n{groups}"),
    };
    format!(
        "{table}{groups}\n{}\n",
        sentence(&agreements.overall, &measure, steps)
    )
}

/// What it comes to.
fn sentence(overall: &Agreement, measure: &str, steps: u64) -> String {
    let regrets = (overall.regrets.iter()).map(|&(top, lost)| match top {
        1 => format!("the highest score loses {:.1} points", 100.0 * lost),
        _ => format!("the best of the {top} highest {:.1}", 100.0 * lost),
    });
    let regrets: Vec<String> = regrets.collect();
    let regret = match regrets.is_empty() {
        true => String::new(),
        false => format!(" Against the best of all {}.", regrets.join(", ")),
    };
    format!(
        "Scores and the validation {measure} of {} candidates trained alone for {steps} steps agree with Kendall's tau {:.2} (95 % \
         interval {:.2} to {:.2}; 1 is the same order, 0 none).{regret}",
        overall.candidates, overall.tau.value, overall.tau.low, overall.tau.high
    )
}
