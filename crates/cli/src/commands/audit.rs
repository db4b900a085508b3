//! `danas audit`.

use std::time::Instant;

use danas_device::format_count;
use danas_search::{Agreement, Agreements, Interval, tau_interval};
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
    /// What ranking by multiply-accumulates would be worth.
    by_macs: Option<JsonTau>,
    steps: u64,
    within: Vec<JsonGroup<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonTau {
    tau: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Serialize)]
struct JsonAgreement {
    #[serde(flatten)]
    tau: JsonTau,
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

impl From<Interval> for JsonTau {
    fn from(tau: Interval) -> Self {
        JsonTau {
            tau: tau.value,
            low: tau.low,
            high: tau.high,
        }
    }
}

impl From<&Agreement> for JsonAgreement {
    fn from(agreement: &Agreement) -> Self {
        let regrets = agreement.regrets.iter();
        JsonAgreement {
            tau: agreement.tau.into(),
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
    let by_macs = tau_interval(&summary.audited_sizes(extent.steps));
    if command.work.json {
        let within = agreements.within.iter().map(|(data, agreement)| JsonGroup {
            data,
            agreement: agreement.into(),
        });
        output::print_json(&Json {
            overall: (&agreements.overall).into(),
            by_macs: by_macs.map(JsonTau::from),
            steps: extent.steps,
            within: within.collect(),
        })?;
    } else {
        let sentence = sentence(&summary.run, &agreements.overall, by_macs, extent.steps);
        output::print(&format!(
            "{}\n{sentence}\n",
            tables(audited, &summary.run, &agreements)
        ))?;
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
        instructions: command.work.instructions,
        options: SearchOptions {
            out: Some(command.run.clone()),
            threads: command.work.threads,
            quiet: command.work.quiet,
            json: command.work.json,
            ..SearchOptions::default()
        },
    })
}

/// What every candidate reached, and the agreement within data configurations.
fn tables(
    mut audited: Vec<(&CandidateRecord, &AuditRecord)>,
    run: &RunRecord,
    agreements: &Agreements<'_>,
) -> String {
    let objective = run.objective;
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
    match agreements.within.is_empty() {
        true => table.to_string(),
        false => format!("{table}\n{groups}"),
    }
}

/// What it comes to.
fn sentence(run: &RunRecord, overall: &Agreement, by_macs: Option<Interval>, steps: u64) -> String {
    let measure = run.objective.words(&run.class_names());
    let regrets = (overall.regrets.iter()).map(|&(top, lost)| match top {
        1 => format!("the highest score loses {:.1} points", 100.0 * lost),
        _ => format!("the best of the {top} highest {:.1}", 100.0 * lost),
    });
    let regrets: Vec<String> = regrets.collect();
    let regret = match regrets.is_empty() {
        true => String::new(),
        false => format!(" Against the best of all {}.", regrets.join(", ")),
    };
    let by_macs = by_macs.map_or(String::new(), |tau| {
        format!(
            ", multiply-accumulates alone with {:.2} ({:.2} to {:.2})",
            tau.value, tau.low, tau.high
        )
    });
    format!(
        "Scores and the validation {measure} of {} candidates trained alone for {steps} steps agree with Kendall's tau {:.2} (95 % \
         interval {:.2} to {:.2}; 1 is the same order, 0 none){by_macs}.{regret}",
        overall.candidates, overall.tau.value, overall.tau.low, overall.tau.high
    )
}
