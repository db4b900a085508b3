//! What a comparison knows of its searches, and the file that keeps it: `searches.jsonl` in its folder, a line for what they
//! have in common and a line for each. A search that stands there needs no run folder any more, so a comparison can be kept,
//! moved and continued without gigabytes of supernets.

use std::path::{Path, PathBuf};

use danas_report::Search;
use danas_search::hypervolume;
use danas_study::{Summary, write_atomic};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Planned;
use crate::args::SearchOptions;
use crate::message::{Blame, Failure, Outcome, from_study};
use crate::result;

/// The file in the comparison's folder.
const FILE: &str = "searches.jsonl";

/// Which search of a comparison it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) limits: String,
    pub(super) time: String,
    pub(super) method: String,
    pub(super) seed: u64,
}

/// What a search has come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    key: Key,
    seconds_taken: f64,
    test_accuracy_int8: Option<f64>,
    val_accuracy_int8: Option<f64>,
    /// What was maximised, in words.
    pub(super) objective: String,
    test_score_int8: Option<f64>,
    val_score_int8: Option<f64>,
    hypervolume: f64,
    data: String,
    /// When the best score within the limits rose, and to what.
    progress: Vec<(f64, f64)>,
}

impl Record {
    /// What the run of a planned search tells.
    pub(super) fn of(planned: &Planned, summary: &Summary) -> Self {
        let objective = summary.run.objective;
        let recommended = summary.models.iter().find(|model| model.recommended);
        let candidate = recommended.and_then(|model| {
            let mut candidates = summary.candidates.iter();
            candidates.find(|candidate| candidate.id == model.candidate)
        });
        Record {
            key: planned.key(),
            seconds_taken: summary.phases.iter().map(|phase| phase.seconds).sum(),
            test_accuracy_int8: recommended.map(|model| model.test_accuracy_int8),
            val_accuracy_int8: recommended.map(|model| model.val_accuracy_int8),
            objective: result::objective_words(&summary.run),
            test_score_int8: recommended.map(|model| model.test_score_int8(objective)),
            val_score_int8: recommended.map(|model| model.val_score_int8(objective)),
            hypervolume: hypervolume_of(planned, summary),
            data: candidate.map_or(String::new(), |candidate| candidate.data_label.clone()),
            progress: progress(summary),
        }
    }

    /// What the page tells of it.
    pub(super) fn search(&self, planned: &Planned) -> Search {
        Search {
            limits: self.key.limits.clone(),
            time: self.key.time.clone(),
            seconds: planned.time.0.as_secs_f64(),
            took: self.seconds_taken,
            method: self.key.method.clone(),
            role: planned.way.role(),
            seed: self.key.seed,
            accuracy: self.test_score_int8,
            validation: self.val_score_int8,
            progress: self.progress.clone(),
            hypervolume: self.hypervolume,
            data: self.data.clone(),
        }
    }
}

/// The hypervolume of the finished files, over test error and the shares of RAM and flash that they need.
fn hypervolume_of(planned: &Planned, summary: &Summary) -> f64 {
    let shares = |used: u64, allowed: u64| used as f64 / allowed as f64;
    let points: Vec<[f64; 3]> = (summary.models.iter())
        .map(|model| {
            [
                1.0 - model.test_score_int8(summary.run.objective),
                shares(model.cost.arena_bytes, planned.limit.ram.0),
                shares(model.cost.flash_bytes, planned.limit.flash.0),
            ]
        })
        .collect();
    hypervolume(&points, &[1.0; 3])
}

/// When the best score within the limits rose, and to what.
fn progress(summary: &Summary) -> Vec<(f64, f64)> {
    let mut best = f64::NEG_INFINITY;
    let candidates = summary.candidates.iter();
    let fitting = candidates.filter(|c| c.violation == 0.0 && c.is_scored());
    let rises = fitting.filter_map(|candidate| {
        let score = candidate.val_score(summary.run.objective);
        let rises = score > best;
        best = best.max(score);
        rises.then_some((candidate.at_seconds, score))
    });
    rises.collect()
}

/// The records of a comparison.
pub(super) struct Records {
    path: PathBuf,
    header: Header,
    searches: Vec<Record>,
}

/// The first line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// Version of danas that wrote it.
    danas: String,
    /// What all searches have in common.
    options: Value,
}

impl Records {
    /// Those in a comparison's folder; none where there is no file.
    ///
    /// # Errors
    /// A failure of the user's input if the file is unreadable, or tells of searches with other options.
    pub(super) fn open(folder: &Path, options: &SearchOptions) -> Outcome<Self> {
        let path = folder.join(FILE);
        let header = Header {
            danas: env!("CARGO_PKG_VERSION").to_string(),
            options: serde_json::to_value(options).or_internal()?,
        };
        let mut searches = Vec::new();
        if path.exists() {
            let (known, found) = read(&path)
                .map_err(|failure| failure.context(format!("cannot use {}", path.display())))?;
            if let Some(option) = difference(&known.options, &header.options) {
                return Err(Failure::input_text(format!(
                    "{} tells of searches with another `{option}`",
                    path.display()
                ))
                .hint("give the options that the comparison was begun with, or another --out"));
            }
            searches = found;
        }
        Ok(Records {
            path,
            header,
            searches,
        })
    }

    /// What is known of a search.
    pub(super) fn of(&self, key: &Key) -> Option<&Record> {
        self.searches.iter().find(|record| record.key == *key)
    }

    /// Keeps what a search has come to, in the place of what was known of it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn keep(&mut self, record: Record) -> Outcome<()> {
        let mut known = self.searches.iter_mut();
        match known.find(|known| known.key == record.key) {
            Some(known) if *known == record => return Ok(()),
            Some(known) => *known = record,
            None => self.searches.push(record),
        }
        let mut text = serde_json::to_string(&self.header).or_internal()? + "\n";
        for record in &self.searches {
            text += &serde_json::to_string(record).or_internal()?;
            text.push('\n');
        }
        write_atomic(&self.path, text.as_bytes()).map_err(from_study)
    }
}

fn read(path: &Path) -> Outcome<(Header, Vec<Record>)> {
    let text = std::fs::read_to_string(path).or_input()?;
    lines(&text).or_input().map_err(|failure| {
        failure.hint("move it away: it is made again of the runs that are still there")
    })
}

fn lines(text: &str) -> serde_json::Result<(Header, Vec<Record>)> {
    let mut lines = text.lines();
    let header = serde_json::from_str(lines.next().unwrap_or_default())?;
    let searches = lines.map(serde_json::from_str);
    Ok((header, searches.collect::<Result<_, _>>()?))
}

/// The first option that differs.
fn difference(known: &Value, given: &Value) -> Option<String> {
    let empty = serde_json::Map::new();
    let [known, given] = [known, given].map(|value| value.as_object().unwrap_or(&empty));
    let mut names = known.keys().chain(given.keys());
    names
        .find(|name| known.get(*name) != given.get(*name))
        .cloned()
}
