//! Final training: the best of the front are trained on, each for a share of the time that fits its size.

use danas_data::{Dataset, Split};
use danas_measure::Objective;
use danas_search::worth_finishing;
use danas_space::Candidate;
use danas_study::{CandidateRecord, Store};
use danas_supernet::{FinalTrainer, ScoringOptions, Trained};

use crate::clock::{Phase, Plan, Until};
use crate::message::{Outcome, from_study};
use crate::output::plural;
use crate::pipeline::course::Course;
use crate::pipeline::objective;
use crate::pipeline::searching::candidate_of;
use crate::pipeline::session::{Session, key};
use crate::pipeline::weights::Weights;
use crate::pipeline::{deploying, scoring, work};
use crate::result;
use crate::units::readable_seconds;

/// What an estimate of seconds is multiplied with to be on the safe side.
pub(super) const CAUTION: f64 = 1.1;
/// What a picture of a training step costs beside the MACs of its network, in MACs (steps of 32 pictures
/// through networks of 0.03, 1.0 and 6.4 M MACs took 0.5, 4.5 and 25 ms).
const STEP_OVERHEAD: f64 = 130_000.0;
/// Seconds for writing the report.
pub(super) const REPORT_SECONDS: f64 = 0.2;
/// The share of final training that the most accurate candidate gets at least (`docs/ablations.md`).
const FIRST_SHARE: f64 = 0.75;
/// Share of the time from final training on that is kept for fine-tuning models that quantisation has damaged.
const REPAIR: f64 = 0.05;

/// A candidate of the front that was trained to the end.
pub(crate) struct Finalist {
    pub(crate) record: CandidateRecord,
    pub(crate) candidate: Candidate,
    pub(crate) trained: Trained,
}

/// Trains the chosen candidates, continuing from their checkpoints. The supernet's training has `seen` so many pictures.
///
/// # Errors
/// If training diverges for good, a checkpoint cannot be read or written, or a stop was asked for.
pub(crate) fn train(
    session: &Session<'_>,
    dataset: &Dataset,
    weights: &mut Weights<'_>,
) -> Outcome<Vec<Finalist>> {
    let objective = objective::resolve(session.config, dataset.classes())?;
    let chosen = choose(session, objective)?;
    if session.config.method.has_final_training() {
        reserve_evaluation(session, dataset, weights, &chosen)?;
    }
    let needs = time_needs(chosen.iter().map(|(record, _)| record.cost.macs));
    let seen = weights.seen();
    let begun = session.clock.seconds();
    let mut finalists = Vec::new();
    let mut steps = Vec::new();
    for (index, (record, candidate)) in chosen.into_iter().enumerate() {
        let share = needs[index] / needs[index..].iter().sum::<f64>();
        let trainer = FinalTrainer::new(
            weights.of(candidate.data)?,
            &candidate,
            dataset,
            session.config.final_training(),
            &session.streams,
        )
        .behind(seen);
        let trainer = train_one(session, dataset, &record, share, trainer)?;
        steps.push(format!("{} for model {}", trainer.steps(), record.id));
        let trained = trainer.finish(ScoringOptions::default());
        finalists.push(Finalist {
            record,
            candidate,
            trained,
        });
    }
    if !session.is_over(Phase::Finishing)? {
        let done = format!(
            "{} in {} (steps: {})",
            plural(finalists.len(), "model"),
            readable_seconds(session.clock.seconds() - begun),
            steps.join(", ")
        );
        session.screen.say(format!("final training: {done}"));
        let repeated = "the weights that the best were scored with, made once more";
        let reason = (!session.config.method.has_final_training()).then(|| repeated.to_string());
        session.end_phase(Phase::Finishing, done, reason)?;
    }
    Ok(finalists)
}

/// How the time is divided: by what a step costs, so that all get as many, but the first and most accurate candidate,
/// the likeliest to be recommended, gets at least [`FIRST_SHARE`].
fn time_needs(macs: impl Iterator<Item = u64>) -> Vec<f64> {
    let mut needs: Vec<f64> = macs.map(step_cost).collect();
    let others: f64 = needs.iter().skip(1).sum();
    if let Some(first) = needs.first_mut() {
        *first = first.max(others * FIRST_SHARE / (1.0 - FIRST_SHARE));
    }
    needs
}

/// What a training step of a network with so many MACs costs, in no unit: it only compares networks.
pub(super) fn step_cost(macs: u64) -> f64 {
    macs as f64 + STEP_OVERHEAD
}

/// The candidates to train: chosen once, spread along the front.
fn choose(
    session: &Session<'_>,
    objective: Objective,
) -> Outcome<Vec<(CandidateRecord, Candidate)>> {
    let records = session.study.candidates().map_err(from_study)?;
    let ids: Vec<u64> = match session.get(key::CHOSEN)? {
        Some(ids) => ids,
        None => {
            let objectives: Vec<_> = (records.iter())
                .map(|record| result::objectives(record, objective))
                .collect();
            let picked = worth_finishing(&objectives, session.config.models);
            let ids = picked.into_iter().map(|index| records[index].id).collect();
            session.put(key::CHOSEN, &ids)?;
            ids
        }
    };
    let chosen = ids
        .iter()
        .filter_map(|id| records.iter().find(|record| record.id == *id));
    chosen
        .map(|record| Ok((record.clone(), candidate_of(record)?)))
        .collect()
}

/// Replaces the planned end of final training by one that leaves the time that evaluation will really need, as a trial
/// of every chosen candidate with its present weights measures it, and a little for repairs after quantisation.
fn reserve_evaluation(
    session: &Session<'_>,
    dataset: &Dataset,
    weights: &mut Weights<'_>,
    chosen: &[(CandidateRecord, Candidate)],
) -> Outcome<()> {
    let Some(plan) = session.plan()? else {
        return Ok(());
    };
    if session.is_over(Phase::Finishing)? {
        return Ok(());
    }
    let finishing = match session.decided(key::FINISHING_END)? {
        Some(end) => end,
        None => {
            let seconds = evaluation_seconds(session, dataset, weights, chosen)?;
            let now = session.clock.seconds();
            let seconds = seconds + REPAIR * (plan.end - now);
            // Even where evaluation is slow, half of what is left goes to training.
            let end = (plan.end - seconds).max(now + (plan.end - now) / 2.0);
            session.decide(key::FINISHING_END, end)?;
            end
        }
    };
    session.put(key::PLAN, &Plan { finishing, ..plan })
}

/// How long the way from the trained candidates to the report will take.
fn evaluation_seconds(
    session: &Session<'_>,
    dataset: &Dataset,
    weights: &mut Weights<'_>,
    chosen: &[(CandidateRecord, Candidate)],
) -> Outcome<f64> {
    let mut seconds = REPORT_SECONDS;
    let mut extraction = 0.0;
    for (_, candidate) in chosen {
        let start = weights.of(candidate.data)?;
        let trial = deploying::trial(session, dataset, start, candidate)?;
        seconds += CAUTION * trial.evaluation;
        // Networks are taken out as they are finished, in the time of those after them; of the last, none is left.
        extraction = CAUTION * trial.extraction;
    }
    Ok(seconds + extraction)
}

/// Trains one candidate for its share of the time that is left, or the steps that were asked for.
fn train_one<'a>(
    session: &Session<'_>,
    dataset: &Dataset,
    record: &CandidateRecord,
    share: f64,
    trainer: FinalTrainer<'a>,
) -> Outcome<FinalTrainer<'a>> {
    let path = deploying::checkpoint_path(&session.folder, record.id);
    let mut course = Course::open(session, dataset, trainer, path)?;
    let mut trained: Vec<u64> = session.decided(key::TRAINED)?.unwrap_or_default();
    if !trained.contains(&record.id) {
        let until = until_of(session, dataset, record.id, share)?;
        let name = format!("model {}", record.id);
        let task = session.screen.task(&name, "steps");
        course.run(until, &task, |progress, report| {
            task.update(progress, report.step, || format!("loss {:.3}", report.loss));
        })?;
        let trainer = &course.training;
        work::extraction(session, dataset, trainer.candidate());
        trained.push(record.id);
        session.decide(key::TRAINED, trained)?;
        session.save_clock()?;
        task.finish(format!("{}, {} steps", record.data_label, trainer.steps()));
    }
    Ok(course.training)
}

/// When the training of a candidate ends: decided when it begins, and kept for a continued run. Without final training
/// it is that before the score once more, step by step.
fn until_of(session: &Session<'_>, dataset: &Dataset, id: u64, share: f64) -> Outcome<Until> {
    if !session.config.method.has_final_training() {
        return Ok(Until::Steps(scoring::steps(session.config, dataset)));
    }
    let until = session.until(Phase::Finishing)?;
    let Until::Seconds { to: end, .. } = until else {
        return Ok(until);
    };
    let key = format!("final-{id}");
    if let Some((from, to)) = session.get(&key)? {
        session.clock.reach(from);
        return Ok(Until::Seconds { from, to });
    }
    let from = session.clock.seconds();
    let to = from + (end - from).max(0.0) * share;
    session.put(&key, &(from, to))?;
    Ok(Until::Seconds { from, to })
}

/// Pictures that every finished model is evaluated on.
pub(super) fn evaluated_pictures(dataset: &Dataset) -> usize {
    deploying::validation_sample(dataset).len() + dataset.len(Split::Test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_gets_three_quarters_or_what_its_steps_cost() {
        let shares = |macs: &[u64]| {
            let needs = time_needs(macs.iter().copied());
            let all: f64 = needs.iter().sum();
            needs.iter().map(|need| need / all).collect::<Vec<_>>()
        };
        let alike = shares(&[1_000_000; 3]);
        assert!((alike[0] - 0.75).abs() < 1e-9 && (alike[1] - alike[2]).abs() < 1e-9);
        let small_others = shares(&[50_000_000, 30_000, 30_000]);
        assert!(small_others[0] > 0.99);
        assert_eq!(shares(&[1_000_000]), [1.0]);
    }
}
