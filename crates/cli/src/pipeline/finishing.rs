//! Final training: the best of the front are trained on, each for a share of the time that fits its size.

use danas_data::{Dataset, Split};
use danas_search::worth_finishing;
use danas_space::Candidate;
use danas_study::{CandidateRecord, Store};
use danas_supernet::{FinalTrainer, ScoringOptions, Supernet, Trained, TrainingOptions};

use crate::clock::{Phase, Plan, Until};
use crate::interrupt;
use crate::message::{Blame, Outcome, from_data, from_study};
use crate::output::plural;
use crate::pipeline::checkpoint;
use crate::pipeline::deploying;
use crate::pipeline::searching::candidate_of;
use crate::pipeline::session::{Session, key};
use crate::pipeline::training::StepLoop;
use crate::result;
use crate::units::readable_seconds;

/// What an estimate of seconds is multiplied with to be on the safe side.
pub(super) const CAUTION: f64 = 1.1;
/// What a picture of a training step costs beside the MACs of its network, in MACs (steps of 32 pictures
/// through networks of 0.03, 1.0 and 6.4 M MACs took 0.5, 4.5 and 25 ms).
const STEP_OVERHEAD: f64 = 130_000.0;
/// Seconds for writing the report.
pub(super) const REPORT_SECONDS: f64 = 0.2;
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
    supernet: &Supernet,
    seen: u64,
) -> Outcome<Vec<Finalist>> {
    let chosen = choose(session)?;
    reserve_evaluation(session, dataset, supernet, &chosen)?;
    let weights = time_weights(chosen.iter().map(|(record, _)| record.cost.macs));
    let begun = session.clock.seconds();
    let mut finalists = Vec::new();
    let mut steps = Vec::new();
    for (index, (record, candidate)) in chosen.into_iter().enumerate() {
        let share = weights[index] / weights[index..].iter().sum::<f64>();
        let mut trainer = FinalTrainer::new(
            supernet,
            &candidate,
            dataset,
            TrainingOptions::final_training(),
            &session.streams,
        )
        .behind(seen);
        train_one(session, dataset, &record, share, &mut trainer)?;
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
        session.end_phase(Phase::Finishing, done, None)?;
    }
    Ok(finalists)
}

/// How the time is divided: by what a step costs, so that all get as many, but the first and most accurate candidate,
/// the likeliest to be recommended, gets at least half.
fn time_weights(macs: impl Iterator<Item = u64>) -> Vec<f64> {
    let mut weights: Vec<f64> = macs.map(step_cost).collect();
    let others: f64 = weights.iter().skip(1).sum();
    if let Some(first) = weights.first_mut() {
        *first = first.max(others);
    }
    weights
}

/// What a training step of a network with so many MACs costs, in no unit: it only compares networks.
pub(super) fn step_cost(macs: u64) -> f64 {
    macs as f64 + STEP_OVERHEAD
}

/// The candidates to train: chosen once, spread along the front.
fn choose(session: &Session<'_>) -> Outcome<Vec<(CandidateRecord, Candidate)>> {
    let records = session.study.candidates().map_err(from_study)?;
    let ids: Vec<u64> = match session.get(key::CHOSEN)? {
        Some(ids) => ids,
        None => {
            let objectives: Vec<_> = records.iter().map(result::objectives).collect();
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
    supernet: &Supernet,
    chosen: &[(CandidateRecord, Candidate)],
) -> Outcome<()> {
    let Some(plan) = session.plan()? else {
        return Ok(());
    };
    if session.is_over(Phase::Finishing)? {
        return Ok(());
    }
    let mut seconds = REPORT_SECONDS;
    let mut extraction = 0.0;
    for (_, candidate) in chosen {
        let trial = deploying::trial(dataset, supernet, candidate)?;
        seconds += CAUTION * trial.evaluation;
        // Networks are taken out as they are finished, in the time of those after them; of the last, none is left.
        extraction = CAUTION * trial.extraction;
    }
    let now = session.clock.seconds();
    seconds += extraction + REPAIR * (plan.end - now);
    // Even where evaluation is slow, half of what is left goes to training.
    let finishing = (plan.end - seconds).max(now + (plan.end - now) / 2.0);
    session.put(key::PLAN, &Plan { finishing, ..plan })
}

/// Trains one candidate for its share of the time that is left, or the steps that were asked for.
fn train_one(
    session: &Session<'_>,
    dataset: &Dataset,
    record: &CandidateRecord,
    share: f64,
    trainer: &mut FinalTrainer<'_>,
) -> Outcome<()> {
    let path = deploying::checkpoint_path(&session.folder, record.id);
    if let Some(checkpoint) = checkpoint::load(&path)? {
        trainer.restore(&checkpoint).or_internal()?;
    }
    let mut trained: Vec<u64> = session.get(key::TRAINED)?.unwrap_or_default();
    if trained.contains(&record.id) {
        return Ok(());
    }
    let until = until_of(session, record.id, share)?;
    let name = format!("model {}", record.id);
    let task = session.screen.task(&name, "steps");
    let mut work = StepLoop::new(session, until, trainer.steps());
    while !work.is_over() {
        let report = trainer.step(work.progress()).or_internal()?;
        dataset.check_intact().map_err(from_data)?;
        work.stepped(&report, &task)?;
        task.update(work.progress(), report.step, || {
            format!("loss {:.3}", report.loss)
        });
        if work.checkpoint_due() || interrupt::requested() {
            checkpoint::save(&path, &trainer.checkpoint())?;
            session.save_clock()?;
        }
        session.stop_if_asked()?;
    }
    checkpoint::save(&path, &trainer.checkpoint())?;
    trained.push(record.id);
    session.put(key::TRAINED, &trained)?;
    session.save_clock()?;
    task.finish(format!("{}, {} steps", record.data_label, trainer.steps()));
    Ok(())
}

/// When the training of a candidate ends: decided when it begins, and kept for a continued run.
fn until_of(session: &Session<'_>, id: u64, share: f64) -> Outcome<Until> {
    let until = session.until(Phase::Finishing)?;
    let Until::Seconds { to: end, .. } = until else {
        return Ok(until);
    };
    let key = format!("final-{id}");
    if let Some((from, to)) = session.get(&key)? {
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
