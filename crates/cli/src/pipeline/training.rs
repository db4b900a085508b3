//! The supernet: how large a network the time allows, and its training.

use danas_data::Dataset;
use danas_device::format_count;
use danas_space::{Sampler, SearchSpace, lower};
use danas_supernet::{Supernet, Trainer, TrainingOptions};

use crate::clock::Phase;
use crate::message::{Blame, Outcome};
use crate::output::plural;
use crate::pipeline::course::{Course, Training};
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

/// What a training of the supernet sees, in words: `steps` steps, of so many `seconds` each where the clock decides.
pub(crate) fn projection(examples: usize, steps: u64, seconds: Option<f64>) -> String {
    let batch = TrainingOptions::supernet().batch as u64;
    let seen = steps * batch;
    let epochs = seen as f64 / examples.max(1) as f64;
    let when = match seconds {
        Some(seconds) => format!(
            "at about {} pictures a second on {} the supernet's {} see",
            format_count((batch as f64 / seconds.max(1e-9)).round() as u64),
            plural(rayon::current_num_threads(), "thread"),
            readable_seconds(seconds * steps as f64),
        ),
        None => format!("the supernet's {} see", plural(steps as usize, "step")),
    };
    // Two digits, also of a small part of an epoch.
    let digits = (1 - epochs.max(1e-9).log10().floor() as i32).clamp(1, 4) as usize;
    format!(
        "{when} {} pictures: {epochs:.digits$} epochs",
        format_count(seen)
    )
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

/// Trains the supernet until its phase is over, continuing from the checkpoint if there is one. Returns how many pictures
/// it has seen, too.
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
        let seen = course.training.seen();
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
        "{} steps of {} pictures in {}, {} weights",
        trainer.steps(),
        TrainingOptions::supernet().batch,
        readable_seconds(seconds),
        format_count(trainer.supernet().parameters() as u64)
    );
    task.finish(&done);
    session.end_phase(Phase::Supernet, done, capped_reason(session)?)?;
    let seen = trainer.seen();
    Ok((trainer.into_supernet(), seen))
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
    use super::{affordable_macs, enough_steps, projection};

    #[test]
    fn what_will_be_seen_is_told_in_epochs() {
        assert_eq!(
            projection(1000, 250, None),
            "the supernet's 250 steps see 4.0 k pictures: 4.0 epochs"
        );
        let timed = projection(1_000_000, 20_000, Some(0.016));
        assert!(
            timed.starts_with("at about 1.0 k pictures a second on "),
            "{timed}"
        );
        assert!(
            timed.ends_with("the supernet's 5 min 20 s see 320.0 k pictures: 0.32 epochs"),
            "{timed}"
        );
    }

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
