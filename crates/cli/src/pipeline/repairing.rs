//! Quantisation-aware fine-tuning of the networks that lose by quantisation what the run maximises.

use danas_bench::{Load, Work};
use danas_data::{Dataset, Split};
use danas_deploy::{Evaluation, Int8Model, Interpreter, quantise};
use danas_measure::{Objective, brier};
use danas_supernet::{FineTuner, Grid, TrainingOptions};

use crate::clock::Until;
use crate::config::Budget;
use crate::message::{Blame, Outcome, from_data};
use crate::pipeline::course::StepLoop;
use crate::pipeline::deploying::{
    Finished, evaluate, sample_classes, validation_sample, write_files,
};
use crate::pipeline::finishing::{CAUTION, REPORT_SECONDS};
use crate::pipeline::objective;
use crate::pipeline::quantising::float_model;
use crate::pipeline::session::Session;
use crate::pipeline::work;
use crate::progress::Task;
use crate::result::percent;

/// The loss of the objective on validation above which a network is fine-tuned.
const DAMAGE: f64 = 0.005;
/// The steps of a fine-tuning, as a share of those of final training, where a run is measured in steps.
const STEPS: f64 = 0.1;

/// Fine-tunes the models that lost too much by quantisation, each for an equal share of the time that is left, and keeps
/// what is better on validation.
pub(super) fn repair(
    session: &Session<'_>,
    dataset: &Dataset,
    finished: &mut [Finished<'_>],
    task: &Task,
) -> Outcome<()> {
    let sample = validation_sample(dataset).len();
    let test = dataset.len(Split::Test) as f64 / sample.max(1) as f64;
    let evaluation: f64 = finished.iter().map(|model| model.seconds * test).sum();
    let reserved = CAUTION * evaluation + REPORT_SECONDS;
    let objective = objective::resolve(session.config, dataset.classes())?;
    let damaged = |model: &&mut Finished<'_>| {
        let int8 = model.val_int8.tally().score(objective);
        is_damaged(model.val_float.score(objective), int8)
    };
    let damaged: Vec<_> = finished.iter_mut().filter(damaged).collect();
    let count = damaged.len();
    for (done, model) in damaged.into_iter().enumerate() {
        // A fine-tuned model is evaluated once more.
        let until = fine_tuning_until(session, reserved + model.seconds, count - done)?;
        repair_one(session, dataset, model, objective, until, task)?;
    }
    Ok(())
}

/// When the next of so many fine-tunings ends, if so many seconds are needed for what follows.
fn fine_tuning_until(session: &Session<'_>, reserved: f64, tunings: usize) -> Outcome<Until> {
    if let Budget::Steps(steps) = session.config.budget {
        let steps = steps.finishing as f64 * STEPS;
        return Ok(Until::Steps(steps.ceil() as u64));
    }
    let from = session.clock.seconds();
    let end = session.plan()?.map_or(from, |plan| plan.end);
    let left = (end - reserved - from).max(0.0);
    Ok(Until::Seconds {
        from,
        to: from + left / tunings as f64,
    })
}

/// Fine-tunes a model, and keeps the result if it is better.
fn repair_one(
    session: &Session<'_>,
    dataset: &Dataset,
    model: &mut Finished<'_>,
    objective: Objective,
    until: Until,
    task: &Task,
) -> Outcome<()> {
    let finalist = model.finalist;
    let tuned = fine_tune(session, dataset, model, until, task)?;
    let classes = sample_classes(dataset);
    let before = Worth::of(&model.val_int8, &classes, objective);
    let loss = format!(
        "model {}: validation {} is {} in int8, {} in float",
        finalist.record.id,
        objective.words(dataset.classes()),
        percent(before.score),
        percent(model.val_float.score(objective))
    );
    let Some(tuned) = tuned else {
        let text = format!("{loss}; there was no time for quantisation-aware fine-tuning");
        return session.note_during(task, &text);
    };
    let after = Worth::of(&tuned.evaluation, &classes, objective);
    let tuning = format!(
        "{} steps of quantisation-aware fine-tuning make it {}",
        tuned.steps,
        percent(after.score)
    );
    if !after.is_better_than(&before) {
        let text = format!("{loss}; {tuning}, which is not better and not kept");
        return session.note_during(task, &text);
    }
    model.file = write_files(session, dataset, finalist, &tuned.model)?;
    model.val_int8 = tuned.evaluation;
    model.how = format!(
        "{}; then {} steps of quantisation-aware fine-tuning",
        model.how, tuned.steps
    );
    session.note_during(task, &format!("{loss}; {tuning}"))
}

/// Whether quantisation cost so much of a score that fine-tuning should repair it.
fn is_damaged(float: f64, int8: f64) -> bool {
    float - int8 > DAMAGE
}

/// A network after quantisation-aware fine-tuning.
struct FineTuned {
    model: Int8Model,
    /// Of the quantised network on validation.
    evaluation: Evaluation,
    steps: u64,
}

/// What a quantised network is worth on validation, in the run's objective.
#[derive(Debug, Clone, Copy)]
struct Worth {
    score: f64,
    /// As the objective counts classes.
    squared_error: f64,
}

impl Worth {
    /// What the answers to examples of these classes are worth.
    fn of(evaluation: &Evaluation, classes: &[usize], objective: Objective) -> Self {
        Worth {
            score: evaluation.tally().score(objective),
            squared_error: brier(classes, &evaluation.answers, objective),
        }
    }

    /// Whether it scores as high at least, and is nearer to the right answers.
    fn is_better_than(&self, other: &Worth) -> bool {
        self.score >= other.score && self.squared_error < other.squared_error
    }
}

/// Trains a model's network on, with its weights and activations rounded as in the model's file, and quantises it with the
/// same ranges again. `None` where there is no time for a step.
fn fine_tune(
    session: &Session<'_>,
    dataset: &Dataset,
    model: &Finished<'_>,
    until: Until,
    task: &Task,
) -> Outcome<Option<FineTuned>> {
    let quantisations = model.file.quantisations.iter();
    let grids: Vec<Grid> = quantisations
        .map(|quantisation| Grid::new(quantisation.scale, quantisation.zero_point))
        .collect();
    let trained = &model.finalist.trained;
    let options = TrainingOptions {
        class_weights: session.config.class_weights,
        ..FineTuner::options()
    };
    let mut tuner = FineTuner::new(trained, &grids, dataset, options, &session.streams);
    let candidate = &model.finalist.candidate;
    let classes = dataset.classes().len();
    let mut steps = StepLoop::new(session, until, 0, 0.0);
    while !steps.is_over() {
        let Ok(report) = tuner.step(steps.progress()) else {
            // It has diverged; whether its last weights are any better is seen below.
            break;
        };
        dataset.check_intact().map_err(from_data)?;
        let load = || Load::of(candidate, classes, report.images);
        steps.stepped(&report, Work::FineTuning, load, task)?;
        session.stop_if_asked()?;
    }
    if tuner.steps() == 0 {
        return Ok(None);
    }
    let tuned = float_model(trained, &tuner.parameters())?;
    let quantised = quantise(&tuned, &model.ranges).or_internal()?;
    let interpreter = Interpreter::new(quantised.clone());
    let sample = validation_sample(dataset);
    let evaluation = evaluate(
        &interpreter,
        dataset,
        Split::Validation,
        &sample,
        candidate.data,
    )?;
    work::evaluation(session, dataset, candidate, Work::Int8, sample.len());
    Ok(Some(FineTuned {
        model: quantised,
        evaluation,
        steps: tuner.steps(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worth(score: f64, squared_error: f64) -> Worth {
        Worth {
            score,
            squared_error,
        }
    }

    #[test]
    fn half_a_point_may_be_lost() {
        assert!(!is_damaged(0.8, 0.83));
        assert!(!is_damaged(0.83, 0.8255));
        assert!(is_damaged(0.83, 0.8245));
    }

    #[test]
    fn what_is_kept_is_no_worse_in_any_way() {
        let before = worth(0.8, 0.3);
        assert!(worth(0.8, 0.29).is_better_than(&before));
        assert!(worth(0.81, 0.29).is_better_than(&before));
        assert!(!worth(0.81, 0.3).is_better_than(&before));
        assert!(!worth(0.79, 0.2).is_better_than(&before));
    }
}
