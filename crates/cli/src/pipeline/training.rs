//! The training of the supernet.

use danas_data::{Dataset, Split};
use danas_device::format_count;
use danas_space::{Sampler, SearchSpace};
use danas_supernet::{Supernet, Trainer, TrainingOptions};

use crate::clock::Phase;
use crate::message::Outcome;
use crate::pipeline::course::Course;
use crate::pipeline::projection::{epochs, stages};
use crate::pipeline::session::{Session, key};
use crate::units::readable_seconds;

/// Trains the supernet until its phase is over, continuing from the checkpoint if there is one. Returns how many training
/// pictures it has seen, too.
///
/// # Errors
/// If training diverges for good, a checkpoint cannot be read or written, or a stop was asked for.
pub(crate) fn train(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
) -> Outcome<(Supernet, u64)> {
    let trainer = new_trainer(session, space, dataset, sampler);
    let mut course = Course::open(session, dataset, trainer, session.folder.supernet())?;
    if session.is_over(Phase::Supernet)? {
        let seen = course.training.seen(Split::Train);
        return Ok((course.training.into_supernet(), seen));
    }
    let task = session.screen.task("supernet", "steps");
    let seconds = course.run(
        session.until(Phase::Supernet)?,
        &task,
        |progress, report| {
            task.update(progress, report.step, || format!("loss {:.3}", report.loss));
        },
    )?;
    let trainer = course.training;
    let done = format!(
        "{} steps of {} pictures in {}: {}; {} weights",
        trainer.steps(),
        TrainingOptions::supernet().batch,
        readable_seconds(seconds),
        seen_by(&trainer, dataset),
        format_count(trainer.supernet().parameters() as u64)
    );
    task.finish(&done);
    session.end_phase(Phase::Supernet, done, capped_reason(session)?)?;
    let seen = trainer.seen(Split::Train);
    Ok((trainer.into_supernet(), seen))
}

/// How often each stage has shown its pictures, in words.
fn seen_by(trainer: &Trainer<'_>, dataset: &Dataset) -> String {
    let stages = stages(dataset);
    let seen: Vec<_> = stages
        .iter()
        .map(|stage| (stage, trainer.seen(stage.split) as f64))
        .collect();
    epochs(&seen)
}

/// Why the supernet was given its time, where the time in turn limited the networks.
fn capped_reason(session: &Session<'_>) -> Outcome<Option<String>> {
    let cap: Option<u64> = session.decided(key::MACS_CAP)?.flatten();
    Ok(cap.map(|cap| {
        format!(
            "{}; networks above {} MACs are left out, so that it gets enough steps",
            Phase::Supernet.reason(session.config.budget),
            format_count(cap)
        )
    }))
}

/// A supernet before any training.
pub(crate) fn fresh(session: &Session<'_>, space: &SearchSpace, dataset: &Dataset) -> Supernet {
    Supernet::new(&space.envelope(), dataset.classes().len(), &session.streams)
        .with_isa(session.config.isa)
}

/// A training that has not begun.
pub(crate) fn new_trainer<'a>(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &'a Dataset,
    sampler: &'a Sampler<'a>,
) -> Trainer<'a> {
    Trainer::new(
        fresh(session, space, dataset),
        dataset,
        sampler,
        session.config.supernet_training(),
        &session.streams,
    )
}
