//! How large the networks may be that the time is enough for: what cannot be trained in it is not worth sampling.

use std::collections::BTreeMap;

use danas_data::{DataConfig, Dataset, Split};
use danas_device::{Limits, Target, format_count};
use danas_space::{Candidate, Sampler, SearchSpace, lower};
use danas_supernet::{Trainer, TrainingOptions};

use crate::clock::Phase;
use crate::config::Budget;
use crate::message::{Blame, Outcome};
use crate::pipeline::course::Training;
use crate::pipeline::projection::{projection, stages};
use crate::pipeline::searching;
use crate::pipeline::session::{Session, key};
use crate::pipeline::training::new_trainer;

/// The fewest steps that make a supernet worth searching: below, small networks still gain more from further steps than
/// large ones from their size. Those that show every picture [`ENOUGH_EPOCHS`] times, but within this range.
const ENOUGH_STEPS: std::ops::RangeInclusive<u64> = 8000..=16000;
const ENOUGH_EPOCHS: u64 = 30;
/// The most MACs of a network in the trial that measures the machine.
const TRIAL_MACS: u64 = 10_000_000;
/// Steps of a trial, behind those that only warm the machine up. Networks are drawn at random in each, so there have to be
/// some.
const TRIAL_STEPS: u32 = 16;
const WARMING_STEPS: u32 = 2;

/// The limit on MACs that the time imposes; `None` for a budget in steps, or where the limits already are below it. Measured
/// once, and kept with the run; and it is said what the supernet will see.
///
/// # Errors
/// Those of training, or if the limit cannot be recorded.
pub(crate) fn macs_cap(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
) -> Outcome<Option<u64>> {
    let Some(plan) = session.plan()? else {
        if let Budget::Steps(steps) = session.config.budget {
            let told = projection(&stages(dataset), steps.supernet, None);
            session.screen.say(told);
        }
        return Ok(None);
    };
    if let Some(cap) = session.decided(key::MACS_CAP)? {
        return Ok(cap);
    }
    let classes = dataset.classes().len();
    let smallest = smallest_macs(sampler, classes);
    let least = least_macs(&smallest);
    let largest = largest_macs(sampler, classes);
    let tried = trial(session, space, dataset, TRIAL_MACS.max(least))?;
    let time = plan.planned(Phase::Supernet);
    let steps = enough_steps(dataset.len(Split::Pretraining) + dataset.len(Split::Train));
    let affordable = affordable_macs(tried, time, steps).max(least);
    let cap = (affordable < largest).then_some(affordable);
    if let Some(cap) = cap {
        session.note(&format!(
            "networks above {} MACs are left out: with {} MACs a step takes {:.0} ms, and the supernet needs enough of them",
            format_count(cap),
            format_count(tried.macs),
            tried.seconds * 1e3
        ))?;
        if let Some(text) = dear_words(&smallest, cap) {
            session.note(&text)?;
        }
    }
    // Small networks take more time than their share of the MACs, so what will be seen is told by the step itself.
    let step = match cap.unwrap_or(largest) {
        macs if macs == tried.macs => tried.seconds,
        macs => trial(session, space, dataset, macs)?.seconds,
    };
    let steps = (time / step.max(1e-9)) as u64;
    session.note(&projection(&stages(dataset), steps, Some(step)))?;
    session.decide(key::MACS_CAP, cap)?;
    Ok(cap)
}

/// The MACs of the smallest network of every data configuration that has any.
fn smallest_macs(sampler: &Sampler<'_>, classes: usize) -> Vec<(DataConfig, u64)> {
    let configs = sampler.feasible_configs().iter();
    let smallest = configs.filter_map(|&config| {
        let candidate = sampler.smallest_for(config)?;
        Some((config, lower(candidate, classes).macs()))
    });
    smallest.collect()
}

/// The MACs that a network may always have: as many as let the cheapest resolution keep all of its colours, however short
/// the time.
///
/// Data configurations with nothing but dearer networks take more from the supernet's other networks than they give
/// (`docs/ablations.md`).
fn least_macs(smallest: &[(DataConfig, u64)]) -> u64 {
    let mut by_resolution = BTreeMap::<usize, u64>::new();
    for (config, macs) in smallest {
        let dearest = by_resolution.entry(config.resolution).or_default();
        *dearest = (*dearest).max(*macs);
    }
    by_resolution.into_values().min().unwrap_or(1).max(1)
}

/// What such a cap does to data configurations; `None` if it leaves some networks of each.
fn dear_words(smallest: &[(DataConfig, u64)], cap: u64) -> Option<String> {
    let dear = || smallest.iter().filter(|(_, macs)| *macs > cap);
    let (cheapest, _) = dear().min_by_key(|(_, macs)| *macs)?;
    Some(format!(
        "that leaves out {} of {} data configurations, the cheapest of them {cheapest}: a longer time would let them in",
        dear().count(),
        smallest.len()
    ))
}

/// A target that allows no more MACs than these.
pub(crate) fn capped(target: &Target, macs: u64) -> Target {
    let limits = *target.limits();
    let macs = limits.macs.map_or(macs, |own| own.min(macs));
    Target::new(
        target.board().cloned(),
        Limits {
            macs: Some(macs),
            ..limits
        },
    )
}

/// The steps that the supernet should get for so many training pictures.
fn enough_steps(pictures: usize) -> u64 {
    let batch = TrainingOptions::supernet().batch as u64;
    let epochs = (pictures as u64).saturating_mul(ENOUGH_EPOCHS) / batch;
    epochs.clamp(*ENOUGH_STEPS.start(), *ENOUGH_STEPS.end())
}

/// How long a step of the supernet's training took.
#[derive(Debug, Clone, Copy)]
struct Trial {
    /// MACs of the largest network in it.
    macs: u64,
    /// Seconds of a step.
    seconds: f64,
}

/// Trains with networks of at most so many MACs for a few steps.
fn trial(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    macs: u64,
) -> Outcome<Trial> {
    let classes = dataset.classes().len();
    let target = capped(session.target, macs);
    let violation = |candidate: &Candidate| searching::violation(&target, candidate, classes);
    let sampler = Sampler::new(space, &violation).or_internal()?;
    let mut trainer = new_trainer(session, space, dataset, &sampler);
    let mut step = || {
        let report = trainer.step(0.0).or_internal()?;
        session.clock.spend(Trainer::WORK, || trainer.load(&report));
        Ok(())
    };
    (0..WARMING_STEPS).try_for_each(|_| step())?;
    let started = session.clock.seconds();
    (0..TRIAL_STEPS).try_for_each(|_| step())?;
    Ok(Trial {
        macs: largest_macs(&sampler, classes).max(1),
        seconds: (session.clock.seconds() - started) / f64::from(TRIAL_STEPS),
    })
}

/// The most multiply-accumulates at which the supernet still gets `steps` in `seconds`. Time is taken to be proportional to
/// the MACs; the result is rounded to two digits, because the measurement is not better than that.
fn affordable_macs(tried: Trial, seconds: f64, steps: u64) -> u64 {
    let exact = tried.macs as f64 * seconds / (steps as f64 * tried.seconds.max(1e-9));
    let scale = 10f64.powf(exact.max(1.0).log10().floor() - 1.0);
    ((exact / scale).round() * scale).max(1.0) as u64
}

/// The MACs of the largest network that can be drawn.
fn largest_macs(sampler: &Sampler<'_>, classes: usize) -> u64 {
    let configs = sampler.feasible_configs().iter();
    let largest = configs.filter_map(|&config| sampler.largest_for(config));
    let macs = largest.map(|candidate| lower(candidate, classes).macs());
    macs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use danas_data::Colour;

    use super::*;

    #[test]
    fn macs_follow_the_time_and_the_machine() {
        // 25 ms a step with 10 M MACs: in 200 s there is time for 8000 steps of just that.
        let affordable = |milliseconds: f64, seconds, steps| {
            let tried = Trial {
                macs: 10_000_000,
                seconds: milliseconds / 1e3,
            };
            affordable_macs(tried, seconds, steps)
        };
        assert_eq!(affordable(25.0, 200.0, 8000), 10_000_000);
        assert_eq!(affordable(25.0, 200.0, 16000), 5_000_000);
        assert_eq!(affordable(25.0, 100.0, 8000), 5_000_000);
        assert_eq!(affordable(12.5, 200.0, 8000), 20_000_000);
        assert_eq!(affordable(75.0, 200.0, 8000), 3_300_000);
        assert!(affordable(1e12, 0.0, 8000) >= 1);
    }

    #[test]
    fn the_cheapest_resolution_keeps_its_colours_and_what_is_dearer_is_named() {
        let config = |resolution, colour| DataConfig { resolution, colour };
        let smallest = [
            (config(32, Colour::Mono), 118_000),
            (config(32, Colour::Rgb), 155_000),
            (config(48, Colour::Mono), 265_000),
            (config(48, Colour::Rgb), 348_000),
        ];
        assert_eq!(least_macs(&smallest), 155_000);
        assert_eq!(least_macs(&smallest[2..]), 348_000);
        assert_eq!(least_macs(&[]), 1);
        assert_eq!(dear_words(&smallest, 348_000), None);
        let words = dear_words(&smallest, 155_000).unwrap();
        assert!(
            words.contains("2 of 4 data configurations, the cheapest of them 48x48 mono:"),
            "{words}"
        );
    }

    #[test]
    fn many_pictures_get_more_steps_up_to_a_limit() {
        assert_eq!(enough_steps(0), 8000);
        assert_eq!(enough_steps(8000), 15000);
        assert_eq!(enough_steps(usize::MAX), 16000);
    }
}
