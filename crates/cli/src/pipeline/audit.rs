//! The audit: candidates of a finished search are trained alone, from scratch, to see what their scores are worth.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use danas_data::{Dataset, Split};
use danas_space::{Candidate, SearchSpace};
use danas_study::{AuditRecord, CandidateRecord, RunFolder, Store, Summary};
use danas_supernet::{FinalTrainer, ScoringOptions, Supernet};

use crate::clock::Until;
use crate::config::Configuration;
use crate::interrupt;
use crate::message::{Blame, Failure, Outcome, from_study};
use crate::output::plural;
use crate::pipeline::course::Course;
use crate::pipeline::deploying::validation_sample;
use crate::pipeline::examples::Found;
use crate::pipeline::finishing::step_cost;
use crate::pipeline::projection::times;
use crate::pipeline::searching::candidate_of;
use crate::pipeline::session::Session;
use crate::pipeline::{examples, is_finished, networks, target};
use crate::progress::{Screen, Task};
use crate::result;
use crate::units::readable_seconds;

/// Steps of the trial by which the time is foretold, behind one that only warms the machine up.
const TRIAL_STEPS: u32 = 3;

/// How much is trained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Candidates, at most.
    pub(crate) candidates: usize,
    /// Steps of each: the same for all, so that none is favoured.
    pub(crate) steps: u64,
}

/// Trains candidates of the finished run in `config.out` alone, those that are not yet, and writes the report again.
///
/// # Errors
/// If the run is not finished or found nothing, its examples have changed, training diverges for good, or a stop was
/// asked for.
pub(crate) fn audit(config: &Configuration, extent: Extent, started: Instant) -> Outcome<Summary> {
    check_finished(config)?;
    let screen = Screen::new(config.quiet);
    let target = target(config)?;
    interrupt::install();
    let session = Session::open(config, &target, started, screen)?;
    let records = session.study.candidates().map_err(from_study)?;
    let chosen = choose(&records, extent.candidates);
    let trained = session.study.audits().map_err(from_study)?;
    let left: Vec<&CandidateRecord> = (chosen.iter().copied())
        .filter(|record| !is_trained(&trained, record.id, extent.steps))
        .collect();
    if !left.is_empty() {
        let found = Found::of(config)?;
        let data = examples::data_space(config)?;
        let dataset = examples::load_all(&session, found, &data)?;
        let space = SearchSpace::new(data, networks(config)?).or_input()?;
        let audit = Audit {
            supernet: Supernet::new(&space.envelope(), dataset.classes().len(), &session.streams)
                .with_isa(config.isa),
            session: &session,
            dataset: &dataset,
            steps: extent.steps,
        };
        audit.train_all(&left, chosen.len())?;
    }
    let summary = result::summary(&session.study)?;
    result::write_files(&session.folder, &summary)?;
    Ok(summary)
}

/// Only a finished run is audited: scores must not be added meanwhile, and the machine not be shared.
fn check_finished(config: &Configuration) -> Outcome<()> {
    let study = RunFolder::read(&config.out).map_err(from_study)?.study;
    let run = config.out.display();
    if !is_finished(&study) {
        return Err(
            Failure::input_text(format!("the search in {run} is not finished")).hint(format!(
                "`danas search --config {run}/config.toml --out {run}` continues it"
            )),
        );
    }
    if study
        .run()
        .map_err(from_study)?
        .is_some_and(|run| run.feasible)
    {
        return Ok(());
    }
    Err(Failure::input_text(format!(
        "the search in {run} found nothing that meets its limits, so there are no scores to audit"
    )))
}

fn is_trained(trained: &[AuditRecord], id: u64, steps: u64) -> bool {
    trained
        .iter()
        .any(|audit| audit.candidate == id && audit.steps == steps)
}

/// At most `count` of the candidates: as many of every data configuration as far as there are, and of each evenly from
/// the smallest network to the largest.
fn choose(records: &[CandidateRecord], count: usize) -> Vec<&CandidateRecord> {
    let mut groups = BTreeMap::<&str, Vec<&CandidateRecord>>::new();
    for record in records.iter().filter(|record| record.violation == 0.0) {
        groups.entry(&record.data_label).or_default().push(record);
    }
    let mut shares = vec![0; groups.len()];
    let mut missing = count.min(groups.values().map(Vec::len).sum());
    while missing > 0 {
        for (share, members) in shares.iter_mut().zip(groups.values()) {
            if *share < members.len() && missing > 0 {
                *share += 1;
                missing -= 1;
            }
        }
    }
    let mut chosen = Vec::new();
    for (share, members) in shares.into_iter().zip(groups.values_mut()) {
        members.sort_by_key(|record| (record.cost.macs, record.id));
        let last = members.len() - 1;
        chosen.extend((0..share).map(|i| members[(i * last).div_ceil(share.max(2) - 1)]));
    }
    chosen
}

/// The training of candidates, all from the same fresh weights and on the same pictures in the same order.
struct Audit<'a> {
    session: &'a Session<'a>,
    dataset: &'a Dataset,
    supernet: Supernet,
    steps: u64,
}

impl Audit<'_> {
    /// Trains the candidates that are left of `all`.
    fn train_all(&self, left: &[&CandidateRecord], all: usize) -> Outcome<()> {
        let costs: Vec<f64> = left.iter().map(|r| step_cost(r.cost.macs)).collect();
        let total: f64 = costs.iter().sum();
        let seen = self.steps as f64 * self.session.config.final_training().batch as f64;
        let epochs = times(seen, self.dataset.len(Split::Train));
        self.session.screen.say(format!(
            "audit: {} of {} to train alone for {} steps each ({epochs} epochs), about {}; it can be stopped, and the same \
             command continues it",
            left.len(),
            plural(all, "candidate"),
            self.steps,
            readable_seconds(self.seconds_per_cost(left)? * total * self.steps as f64),
        ));
        let task = self.session.screen.task("audit", "candidates");
        let mut spent = 0.0;
        for (index, (record, cost)) in left.iter().zip(&costs).enumerate() {
            let done = (all - left.len() + index) as u64;
            let tell = |progress: f64, loss: f32| {
                let share = (spent + cost * progress) / total;
                task.update(share, done, || format!("loss {loss:.3}"));
            };
            self.train_one(record, &task, &tell)?;
            spent += cost;
        }
        task.finish(format!("{} trained", plural(left.len(), "candidate")));
        Ok(())
    }

    fn trainer(&self, candidate: &Candidate) -> FinalTrainer<'_> {
        FinalTrainer::new(
            &self.supernet,
            candidate,
            self.dataset,
            self.session.config.final_training(),
            &self.session.streams,
        )
    }

    /// Seconds of a step for each unit of its cost, measured on the most expensive candidate.
    fn seconds_per_cost(&self, left: &[&CandidateRecord]) -> Outcome<f64> {
        let Some(record) = left.iter().max_by_key(|record| record.cost.macs) else {
            return Ok(0.0);
        };
        let candidate = candidate_of(record)?;
        let mut trainer = self.trainer(&candidate);
        trainer.step(0.0).or_internal()?;
        let started = Instant::now();
        for _ in 0..TRIAL_STEPS {
            trainer.step(0.0).or_internal()?;
        }
        let seconds = started.elapsed().as_secs_f64() / f64::from(TRIAL_STEPS);
        Ok(seconds / step_cost(record.cost.macs))
    }

    /// Trains a candidate, continuing from its checkpoint, and records how accurate it has become.
    fn train_one(
        &self,
        record: &CandidateRecord,
        task: &Task,
        tell: &dyn Fn(f64, f32),
    ) -> Outcome<()> {
        let session = self.session;
        let path = self.checkpoint_path(record.id);
        let candidate = candidate_of(record)?;
        let mut course = Course::open(
            session,
            self.dataset,
            self.trainer(&candidate),
            path.clone(),
        )?;
        let seconds = course.run(Until::Steps(self.steps), task, |progress, report| {
            tell(progress, report.loss);
        })?;
        let trained = course.training.finish(ScoringOptions::default());
        let sample = validation_sample(self.dataset);
        let tally = (trained.evaluate(self.dataset, Split::Validation, &sample)).tally;
        let audit = AuditRecord {
            candidate: record.id,
            steps: course.training.steps(),
            val_accuracy: tally.accuracy(),
            val_tally: Some(tally),
            seconds,
        };
        session.study.record_audit(&audit).map_err(from_study)?;
        // Only there to continue from.
        let _ = std::fs::remove_file(path);
        Ok(())
    }

    /// Where the training of a candidate is kept meanwhile. With the steps, on which the learning rate depends.
    fn checkpoint_path(&self, id: u64) -> PathBuf {
        let folder = self.session.folder.path();
        folder.join(format!(".audit-{id}-{}.safetensors", self.steps))
    }
}

#[cfg(test)]
mod tests {
    use danas_study::conformance::candidate;

    use super::*;

    fn record(id: u64, data: &str, macs: u64) -> CandidateRecord {
        let mut record = candidate(id);
        record.id = id;
        record.data_label = data.to_string();
        record.cost.macs = macs;
        record
    }

    fn ids(chosen: &[&CandidateRecord]) -> Vec<u64> {
        chosen.iter().map(|record| record.id).collect()
    }

    #[test]
    fn candidates_are_spread_over_data_configurations_and_sizes() {
        let mut records: Vec<CandidateRecord> =
            (1..=9).map(|id| record(id, "32x32 rgb", 10 * id)).collect();
        records.push(record(10, "48x48 mono", 7));
        records.push(record(11, "96x96 rgb", 500));
        records.push(record(12, "96x96 rgb", 400));
        // One of the second, two of the third; the rest are the smallest, the largest and the middle of the first.
        assert_eq!(ids(&choose(&records, 6)), [1, 5, 9, 10, 12, 11]);
        assert_eq!(choose(&records, 99).len(), 12);
        assert_eq!(ids(&choose(&records, 1)), [1]);
        records[9].violation = 0.5;
        assert_eq!(choose(&records, 99).len(), 11);
        assert!(choose(&[], 5).is_empty());
    }
}
