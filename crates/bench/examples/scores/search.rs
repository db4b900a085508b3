//! A search that goes on from the first scores of another, and makes full scores of some proposals only.

use std::collections::HashMap;

use danas_data::{Dataset, Streams};
use danas_search::{Nsga2, Nsga2Options, Strategy, kendall_tau};
use danas_space::{Candidate, Sampler};
use danas_supernet::{Scorer, ScoringOptions, Supernet};

use crate::ground::{Ground, Scored};
use crate::{Outcome, prediction};

/// Scores that all ways have in common: the first population.
const COMMON: usize = 32;
/// Pictures of a rough score.
const ROUGH: ScoringOptions = ScoringOptions {
    calibration_examples: 128,
    validation_examples: 256,
    kept_bytes: 1 << 30,
};
/// How many proposals in a row may be passed over by a prediction.
const PASSED_OVER: usize = 8;
/// What a prediction is thought to be off by before it was ever compared.
const UNKNOWN: f64 = 0.1;

/// How it is decided which proposals are scored in full.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Refined,
    Predicted,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Refined => "refined",
            Way::Predicted => "predicted",
        }
    }
}

/// What a search has come to.
pub(crate) struct Found {
    pub(crate) scored: Vec<Scored>,
    pub(crate) proposals: usize,
    /// Kendall's tau of the estimates with the scores that followed.
    pub(crate) tau: f64,
}

pub(crate) struct Search<'a> {
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) dataset: &'a Dataset,
    pub(crate) supernet: &'a Supernet,
}

impl Search<'_> {
    /// Searches on from the first recorded scores.
    pub(crate) fn run(&self, way: Way, recorded: &[Scored], budget: f64) -> Outcome<Found> {
        let ground = self.ground;
        let violation = |candidate: &Candidate| ground.objectives(candidate, 0.0).violation;
        let sampler = Sampler::new(&ground.run.space, &violation).map_err(|_| "nothing fits")?;
        let streams = Streams::new(ground.run.seed);
        let mut strategy = Nsga2::new(&sampler, streams, Vec::new(), Nsga2Options::default())?;
        let known: HashMap<&Candidate, f64> = recorded
            .iter()
            .map(|scored| (&scored.candidate, scored.objectives.error))
            .collect();
        let mut scored: Vec<Scored> = recorded[..COMMON.min(recorded.len())].to_vec();
        for first in &scored {
            strategy.observe(&first.candidate, &first.objectives);
        }
        let mut full = Scorer::new(self.supernet, self.dataset, ScoringOptions::default());
        let mut rough = Scorer::new(self.supernet, self.dataset, ROUGH);
        let mut spent: f64 = scored.iter().map(|first| first.work).sum();
        let (mut proposals, mut passed_over, mut unpaid) = (scored.len(), 0, 0.0);
        let mut compared: Vec<(f64, f64)> = Vec::new();
        while spent < budget {
            let Some(candidate) = strategy.propose() else {
                break;
            };
            proposals += 1;
            let (estimate, doubt) = match way {
                Way::Refined => {
                    let most = [ROUGH.calibration_examples, ROUGH.validation_examples];
                    let pictures = [0, 1].map(|at| most[at].min(ground.pictures[at]));
                    let work = ground.work(&candidate, pictures);
                    spent += work;
                    unpaid += work;
                    let error = 1.0 - rough.score(&candidate).tally.accuracy();
                    (error, (error * (1.0 - error) / pictures[1] as f64).sqrt())
                }
                Way::Predicted => (
                    prediction::error(&scored, &candidate, ground.classes),
                    0.5 * mean_error(&compared),
                ),
            };
            let hoped = ground.objectives(&candidate, estimate - doubt);
            let hopeless = scored
                .iter()
                .any(|other| other.objectives.dominates(&hoped));
            passed_over = if hopeless { passed_over + 1 } else { 0 };
            if hopeless && (way == Way::Refined || passed_over < PASSED_OVER) {
                continue;
            }
            let error = match known.get(&candidate) {
                Some(&error) => error,
                None => 1.0 - full.score(&candidate).tally.accuracy(),
            };
            compared.push((estimate, error));
            let work = ground.work(&candidate, ground.pictures);
            spent += work;
            let objectives = ground.objectives(&candidate, error);
            strategy.observe(&candidate, &objectives);
            // What was passed over before was paid for, too.
            let work = work + std::mem::take(&mut unpaid);
            scored.push(Scored {
                candidate,
                objectives,
                work,
            });
        }
        let tau = kendall_tau(&compared).unwrap_or(f64::NAN);
        Ok(Found {
            scored,
            proposals,
            tau,
        })
    }
}

/// By how much the last estimates were off, as the root of the mean square.
fn mean_error(compared: &[(f64, f64)]) -> f64 {
    let last = &compared[compared.len().saturating_sub(COMMON)..];
    let squares: f64 = last
        .iter()
        .map(|(estimate, error)| (estimate - error).powi(2))
        .sum();
    match last.is_empty() {
        true => UNKNOWN,
        false => (squares / last.len() as f64).sqrt(),
    }
}
