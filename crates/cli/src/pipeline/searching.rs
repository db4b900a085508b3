//! The search: candidates are proposed, scored, and recorded.

use std::collections::{BTreeMap, BTreeSet};

use danas_data::{Dataset, Split};
use danas_device::{Cost, Target};
use danas_measure::Objective;
use danas_search::{Nsga2, Nsga2Options, RandomSearch, Strategy};
use danas_space::{Candidate, Sampler, lower};
use danas_study::{CandidateRecord, CostRecord, Store};
use danas_supernet::Score;

use crate::args::{MethodName, StrategyName};
use crate::clock::{Phase, Plan, share_words};
use crate::config::Budget;
use crate::interrupt;
use crate::message::{Blame, Outcome, from_data, from_study};
use crate::pipeline::session::{Pacer, Session};
use crate::pipeline::weights::Weights;
use crate::pipeline::{objective, scoring};
use crate::result::{self, percent};
use crate::units::readable_seconds;

/// Members of the population where scores are dear, as in the paper.
const PAPER_POPULATION: usize = 10;

/// Scores candidates until the phase is over or there are no more. Scores that were recorded before are replayed, so
/// that the strategy is in the state it was left in.
///
/// # Errors
/// If a score cannot be recorded, or a stop was asked for.
pub(crate) fn search(
    session: &Session<'_>,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
    weights: &mut Weights<'_>,
) -> Outcome<()> {
    if session.is_over(Phase::Search)? {
        return Ok(());
    }
    let classes = dataset.classes().len();
    let objective = objective::resolve(session.config, dataset.classes())?;
    let mut strategy = strategy(session, sampler)?;
    let recorded = session.study.candidates().map_err(from_study)?;
    replay(strategy.as_mut(), &recorded, objective)?;
    let mut scored = recorded.len() as u64;
    let mut best = recorded
        .iter()
        .map(|record| record.val_score(objective))
        .fold(0.0, f64::max);

    let until = session.until(Phase::Search)?;
    let task = session.screen.task("search", "candidates");
    let mut clock_pace = Pacer::for_clock(&session.clock);
    // What an earlier session has done is neither forgotten nor done again on a work clock.
    let mut seen = BTreeSet::new();
    for record in &recorded {
        seen.insert(candidate_of(record)?.data);
        session.clock.reach(record.at_seconds);
    }
    let mut scores = scoring::scores(session, dataset, weights, seen)?;
    let sample = scores.validation_examples();
    if let Some(text) = sample_words(sample, dataset.len(Split::Validation)) {
        session.note(&text)?;
    }
    let phase_begun = session.last_end()?;
    let mut last_seconds = last_seconds(&recorded, phase_begun);
    let begun = session.clock.seconds();
    let mut exhausted = false;
    // However short the time, there must be something to choose from.
    let least = session.config.models as u64;
    while !interrupt::requested() {
        let kept = session.config.models as f64 * scores.seconds_to_repeat();
        let until = until.earlier_by(kept);
        if scored >= least && until.is_over(&session.clock, scored, last_seconds) {
            break;
        }
        let before = session.clock.seconds();
        let Some(candidate) = strategy.propose() else {
            exhausted = true;
            break;
        };
        let score = scores.score(&candidate)?;
        dataset.check_intact().map_err(from_data)?;
        let record = record(session, &candidate, classes, Some(score))?;
        session
            .study
            .record_candidate(&record)
            .map_err(from_study)?;
        strategy.observe(&candidate, &result::objectives(&record, objective));
        scored += 1;
        best = best.max(record.val_score(objective));
        last_seconds = session.clock.seconds() - before;
        let progress = until.progress(&session.clock, scored);
        task.update(progress, scored, || format!("best {}", percent(best)));
        if clock_pace.due(&session.clock) {
            session.save_clock()?;
        }
    }
    session.stop_if_asked()?;
    let all = session.study.candidates().map_err(from_study)?;
    let front = result::front_ids(&all, objective).len();
    let done = format!(
        "{scored} candidates scored in {}{}, {front} of them on the front, best validation {} {}",
        readable_seconds(session.clock.seconds() - begun),
        if exhausted { " (all there are)" } else { "" },
        objective.words(dataset.classes()),
        percent(best)
    );
    task.finish(&done);
    session.end_phase(
        Phase::Search,
        done,
        reason(session.config.method, session.config.budget),
    )
}

/// Why the search was given its time, where the scores hold most of the work.
fn reason(method: MethodName, budget: Budget) -> Option<String> {
    let whole = match (method, budget) {
        (MethodName::Shared, _) | (_, Budget::Steps(_)) => return None,
        (MethodName::Separate | MethodName::None, _) => Plan::SUPERNET + Plan::SEARCH,
        (MethodName::Paper, _) => 1.0 - Plan::EVALUATION,
    };
    let spent = if method.has_separate_supernets() {
        format!(
            "of which supernets of data configurations may take {:.0} %, and adapting candidates to one the rest",
            100.0 * Plan::SUPERNET / whole
        )
    } else {
        "in which every candidate is trained from scratch".to_string()
    };
    Some(format!("{}, {spent}", share_words(whole)))
}

/// Seconds that the last score took in a phase that began at a moment of the run's clock; 0 before the first.
fn last_seconds(recorded: &[CandidateRecord], phase_begun: f64) -> f64 {
    match recorded {
        [] => 0.0,
        [only] => only.at_seconds - phase_begun,
        [.., before, last] => last.at_seconds - before.at_seconds,
    }
}

/// What scores of a part of the validation split are worth, where it is not all of it.
fn sample_words(sample: usize, all: usize) -> Option<String> {
    // The widest interval: that of a candidate that is right in half of the cases.
    let half = 1.96 * (0.25 / sample.max(1) as f64).sqrt();
    (sample < all).then(|| {
        format!(
            "scores are made of {sample} of {all} validation pictures, as many of each class as it has there: good to \
             {:.1} points (95 % interval)",
            100.0 * half
        )
    })
}

/// Tells a new strategy what an earlier session learnt.
fn replay(
    strategy: &mut dyn Strategy,
    recorded: &[CandidateRecord],
    objective: Objective,
) -> Outcome<()> {
    for record in recorded {
        let candidate = candidate_of(record)?;
        strategy.observe(&candidate, &result::objectives(record, objective));
    }
    Ok(())
}

/// The strategy asked for. Where scores are cheap it begins with the smallest and the largest candidate of every data
/// configuration, between which the front lies.
fn strategy<'a>(
    session: &Session<'_>,
    sampler: &'a Sampler<'a>,
) -> Outcome<Box<dyn Strategy + 'a>> {
    let ends = |&config| [sampler.smallest_for(config), sampler.largest_for(config)];
    let configs = sampler.feasible_configs().iter();
    let seeds: Vec<Candidate> = match session.config.method {
        MethodName::Shared => configs.flat_map(ends).flatten().cloned().collect(),
        // There will not be many more scores than these.
        MethodName::Separate | MethodName::None | MethodName::Paper => Vec::new(),
    };
    let options = match session.config.method {
        MethodName::Shared => Nsga2Options::default(),
        MethodName::Separate | MethodName::None | MethodName::Paper => Nsga2Options {
            population: PAPER_POPULATION,
            ..Nsga2Options::default()
        },
    };
    let streams = session.streams;
    Ok(match session.config.strategy {
        StrategyName::Nsga2 => {
            Box::new(Nsga2::new(sampler, streams, seeds, options).or_internal()?)
        }
        StrategyName::Random => Box::new(RandomSearch::new(sampler, streams, seeds)),
    })
}

/// The candidate of a record.
pub(crate) fn candidate_of(record: &CandidateRecord) -> Outcome<Candidate> {
    serde_json::from_str(&record.genome).or_internal()
}

/// The record of a candidate; one that was never scored has an accuracy of 0.
pub(crate) fn record(
    session: &Session<'_>,
    candidate: &Candidate,
    classes: usize,
    score: Option<Score>,
) -> Outcome<CandidateRecord> {
    let cost = session.target.cost(&lower(candidate, classes));
    let data = BTreeMap::from([
        (
            "resolution".to_string(),
            serde_json::json!(candidate.data.resolution),
        ),
        (
            "colour".to_string(),
            serde_json::json!(candidate.data.colour),
        ),
    ]);
    Ok(CandidateRecord {
        id: 0,
        genome: serde_json::to_string(candidate).or_internal()?,
        data,
        data_label: candidate.data.to_string(),
        summary: candidate.network.summary(),
        cost: cost_record(&cost),
        violation: session.target.violation(&cost),
        val_accuracy: (score.as_ref()).map_or(0.0, |score| score.tally.accuracy()),
        val_tally: score.map(|score| score.tally),
        at_seconds: session.clock.seconds(),
    })
}

/// A cost as it is recorded.
pub(crate) fn cost_record(cost: &Cost) -> CostRecord {
    CostRecord {
        arena_bytes: cost.arena_bytes,
        head_bytes: cost.head_bytes - cost.scratch_bytes,
        scratch_bytes: cost.scratch_bytes,
        persistent_bytes: cost.persistent_bytes,
        model_bytes: cost.model_bytes,
        flash_bytes: cost.flash_bytes,
        macs: cost.macs,
        latency_ms: cost.latency_ms,
    }
}

/// How far a candidate is over the limits of a target.
pub(crate) fn violation(target: &Target, candidate: &Candidate, classes: usize) -> f64 {
    target.violation(&target.cost(&lower(candidate, classes)))
}
