//! What the ways of a search have in common: the recorded run, and how work and fronts are measured.

use danas_bench::{Costs, Load, Work};
use danas_data::{Dataset, Split};
use danas_search::{Objectives, hypervolume};
use danas_space::{Candidate, lower};
use danas_study::CostRecord;
use danas_supernet::ScoringOptions;

use crate::past::PastRun;

/// Moments at which the front is looked at.
const MOMENTS: usize = 10;

/// A candidate with its full score and the work that it took to know it.
#[derive(Clone)]
pub(crate) struct Scored {
    pub(crate) candidate: Candidate,
    pub(crate) objectives: Objectives,
    pub(crate) work: f64,
}

/// What the ways have in common.
pub(crate) struct Ground<'a> {
    pub(crate) run: &'a PastRun,
    pub(crate) classes: usize,
    pub(crate) costs: &'a Costs,
    /// Pictures of a full score, for recalibration and for its answers.
    pub(crate) pictures: [usize; 2],
    /// The least and the greatest of every cost.
    scales: [[f64; 2]; 3],
}

impl<'a> Ground<'a> {
    pub(crate) fn new(run: &'a PastRun, dataset: &Dataset, costs: &'a Costs) -> Self {
        let full = ScoringOptions::default();
        let scale = |cost: usize| {
            let values = (run.scored.iter()).map(|(record, _)| of_record(&record.cost)[cost]);
            values.fold([f64::INFINITY, 0.0], |[least, most], value: f64| {
                [least.min(value), most.max(value)]
            })
        };
        Ground {
            run,
            classes: dataset.classes().len(),
            costs,
            pictures: [
                full.calibration_examples.min(dataset.len(Split::Train)),
                full.validation_examples.min(dataset.len(Split::Validation)),
            ],
            scales: [scale(0), scale(1), scale(2)],
        }
    }

    /// All that the run scored.
    pub(crate) fn recorded(&self) -> Vec<Scored> {
        let scored = self.run.scored.iter();
        scored
            .map(|(record, candidate)| Scored {
                candidate: candidate.clone(),
                objectives: Objectives {
                    error: 1.0 - record.val_accuracy,
                    costs: of_record(&record.cost),
                    violation: record.violation,
                },
                work: self.work(candidate, self.pictures),
            })
            .collect()
    }

    /// Seconds of the work clock that a score on so many pictures takes.
    pub(crate) fn work(&self, candidate: &Candidate, [calibration, validation]: [usize; 2]) -> f64 {
        let load = |pictures| Load::of(candidate, self.classes, pictures);
        self.costs.seconds(Work::Recalibration, &load(calibration))
            + self.costs.seconds(Work::Inference, &load(validation))
    }

    /// What is known of a candidate whose error is this.
    pub(crate) fn objectives(&self, candidate: &Candidate, error: f64) -> Objectives {
        let cost = self.run.target.cost(&lower(candidate, self.classes));
        Objectives {
            error,
            costs: [
                cost.arena_bytes as f64,
                cost.flash_bytes as f64,
                cost.latency_ms,
            ],
            violation: self.run.target.violation(&cost),
        }
    }

    /// The hypervolume of scored candidates: over the error as a share of that of guessing, and costs on a logarithmic scale
    /// between the least and the greatest of the recorded search.
    pub(crate) fn volume(&self, scored: &[Scored]) -> f64 {
        let guessing = 1.0 - 1.0 / self.classes as f64;
        let points: Vec<[f64; 4]> = (scored.iter())
            .map(|scored| {
                let costs = scored.objectives.costs.iter().zip(&self.scales);
                let mut costs =
                    costs.map(|(cost, [least, most])| (cost / least).ln() / (most / least).ln());
                let mut cost = || costs.next().unwrap_or(1.0);
                [scored.objectives.error / guessing, cost(), cost(), cost()]
            })
            .collect();
        hypervolume(&points, &[1.0; 4])
    }

    /// The hypervolume after every tenth of the work.
    pub(crate) fn course(&self, scored: &[Scored], budget: f64) -> Vec<f64> {
        let moments = (1..=MOMENTS).map(|moment| moment as f64 / MOMENTS as f64);
        moments
            .map(|share| self.volume(&within(scored, share * budget)))
            .collect()
    }

    /// After which share of the work the front was within one percent of its last hypervolume.
    pub(crate) fn settled(&self, recorded: &[Scored]) -> String {
        let all: f64 = recorded.iter().map(|scored| scored.work).sum();
        let mut shares = (1..=50).map(|part| f64::from(part) / 50.0);
        let volume = |share: f64| self.volume(&within(recorded, share * all));
        let last = volume(1.0 + 1e-9);
        let share = shares
            .find(|&share| volume(share) >= 0.99 * last)
            .unwrap_or(1.0);
        format!("hypervolume {last:.4}, of which 99 % after {share:.2} of {all:.1} s of work")
    }
}

/// The scores that are made before the work is done.
pub(crate) fn within(scored: &[Scored], budget: f64) -> Vec<Scored> {
    let mut spent = 0.0;
    let fits = |one: &&Scored| {
        spent += one.work;
        spent <= budget
    };
    scored.iter().take_while(fits).cloned().collect()
}

fn of_record(cost: &CostRecord) -> [f64; 3] {
    [
        cost.arena_bytes as f64,
        cost.flash_bytes as f64,
        cost.latency_ms,
    ]
}
