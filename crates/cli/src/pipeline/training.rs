//! The supernet: how large a network the time allows, and its training.

use danas_data::{Dataset, Split};
use danas_device::format_count;
use danas_space::{Sampler, SearchSpace, lower};
use danas_supernet::{Supernet, Trainer, TrainingOptions};

use crate::clock::Phase;
use crate::message::{Blame, Outcome};
use crate::pipeline::course::{Course, Training};
use crate::pipeline::projection::{epochs, stages};
use crate::pipeline::session::{Session, key};
use crate::units::readable_seconds;

/// The fewest steps that make a supernet worth searching: below, small networks still gain more from further steps than
/// large ones from their size. Those that show every picture [`ENOUGH_EPOCHS`] times, but within this range.
const ENOUGH_STEPS: std::ops::RangeInclusive<u64> = 8000..=16000;
const ENOUGH_EPOCHS: u64 = 30;
/// Steps of the trial that measures the machine, behind those that only warm it up. Networks are drawn at random in
/// each, so there have to be some.
const TRIAL_STEPS: u32 = 16;
const WARMING_STEPS: u32 = 2;

/// The steps that the supernet should get for so many training pictures.
pub(crate) fn enough_steps(pictures: usize) -> u64 {
    let batch = TrainingOptions::supernet().batch as u64;
    let epochs = (pictures as u64).saturating_mul(ENOUGH_EPOCHS) / batch;
    epochs.clamp(*ENOUGH_STEPS.start(), *ENOUGH_STEPS.end())
}

/// The most multiply-accumulates at which the supernet still gets `steps` in `seconds`, if steps of a sandwich whose
/// largest network has `trial_macs` take `trial_seconds` each. Time is taken to be proportional to the MACs; the result
/// is rounded to two digits, because the measurement is not better than that.
pub(crate) fn affordable_macs(
    trial_macs: u64,
    trial_seconds: f64,
    seconds: f64,
    steps: u64,
) -> u64 {
    let exact = trial_macs as f64 * seconds / (steps as f64 * trial_seconds.max(1e-9));
    let scale = 10f64.powf(exact.max(1.0).log10().floor() - 1.0);
    ((exact / scale).round() * scale).max(1.0) as u64
}

/// Seconds of a training step, and the MACs of the largest network in it, for the networks that `sampler` draws.
pub(crate) fn trial(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
) -> Outcome<(u64, f64)> {
    let classes = dataset.classes().len();
    let mut trainer = new_trainer(session, space, dataset, sampler);
    let largest = trainer
        .extremes()
        .iter()
        .map(|(largest, _)| lower(largest, classes).macs());
    let largest = largest.max().unwrap_or(1);
    for _ in 0..WARMING_STEPS {
        let report = trainer.step(0.0).or_internal()?;
        session.clock.spend(Trainer::WORK, || trainer.load(&report));
    }
    let started = session.clock.seconds();
    for _ in 0..TRIAL_STEPS {
        let report = trainer.step(0.0).or_internal()?;
        session.clock.spend(Trainer::WORK, || trainer.load(&report));
    }
    let seconds = (session.clock.seconds() - started) / f64::from(TRIAL_STEPS);
    Ok((largest, seconds))
}

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

fn new_trainer<'a>(
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

/// The most MACs of the smallest networks that are feasible: a cap below would leave a data configuration empty.
pub(crate) fn least_macs(sampler: &Sampler<'_>, classes: usize) -> u64 {
    let smallest = sampler
        .feasible_configs()
        .iter()
        .filter_map(|&config| sampler.smallest_for(config));
    smallest
        .map(|candidate| lower(candidate, classes).macs())
        .max()
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{affordable_macs, enough_steps};

    #[test]
    fn macs_follow_the_time_and_the_machine() {
        // 25 ms a step with 10 M MACs: in 200 s there is time for 8000 steps of just that.
        assert_eq!(affordable_macs(10_000_000, 0.025, 200.0, 8000), 10_000_000);
        assert_eq!(affordable_macs(10_000_000, 0.025, 200.0, 16000), 5_000_000);
        assert_eq!(affordable_macs(10_000_000, 0.025, 100.0, 8000), 5_000_000);
        assert_eq!(affordable_macs(10_000_000, 0.0125, 200.0, 8000), 20_000_000);
        assert_eq!(affordable_macs(10_000_000, 0.075, 200.0, 8000), 3_300_000);
        assert!(affordable_macs(1, 1e9, 0.0, 8000) >= 1);
    }

    #[test]
    fn many_pictures_get_more_steps_up_to_a_limit() {
        assert_eq!(enough_steps(0), 8000);
        assert_eq!(enough_steps(8000), 15000);
        assert_eq!(enough_steps(usize::MAX), 16000);
    }
}
