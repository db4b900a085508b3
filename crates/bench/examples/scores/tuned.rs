//! Scores after a short training: every candidate is trained for some steps on a copy of the supernet's weights before it is
//! scored. That ranks better and costs more, so fewer candidates are scored in the same work.

use std::collections::HashMap;
use std::path::Path;

use danas_bench::{Costs, Load, Work};
use danas_data::{Split, Streams};
use danas_search::{Nsga2, Nsga2Options, Objectives, Strategy, front, tau_interval};
use danas_space::{Candidate, Sampler};
use danas_supernet::{FinalTrainer, Scorer, ScoringOptions, TrainingOptions};

use crate::ground::{Ground, Scored};
use crate::{Outcome, Past};

/// Steps of the training after which a found candidate is judged, whoever found it.
const JUDGING_STEPS: u64 = 200;
/// What is added to a run's seed for that training, so that no way is judged on the very steps that it scored with.
const JUDGING_SEED: u64 = 1000;

/// For each number of steps: how well the scores rank the audited candidates, and what a search with them finds.
pub(crate) fn compare(costs: &Costs, folder: &Path, steps: &[u64]) -> Outcome<()> {
    let past = Past::open(folder)?;
    println!("steps,tau,low,high");
    let audited = past.run.audited()?;
    for &steps in steps {
        let mut scores = Scores::of(&past, steps);
        let pairs = audited.iter();
        let pairs = pairs.map(|(candidate, alone)| Ok((scores.score(candidate)?, *alone)));
        let tau = tau_interval(&pairs.collect::<Outcome<Vec<_>>>()?).ok_or("nothing to rank")?;
        println!("{steps},{:.3},{:.3},{:.3}", tau.value, tau.low, tau.high);
    }
    let ground = Ground::new(&past.run, &past.dataset, costs);
    let recorded = ground.recorded();
    let budget = recorded.iter().map(|scored| scored.work).sum();
    println!("steps,scores,front,first accuracy,best accuracy,hypervolume");
    let mut judged = HashMap::new();
    for &steps in steps {
        let found = past.search(&ground, steps, budget)?;
        let front = past.judge(&ground, &highest_score_first(&found), &mut judged)?;
        let accuracies = || front.iter().map(|scored| 1.0 - scored.objectives.error);
        println!(
            "{steps},{},{},{:.3},{:.3},{:.4}",
            found.len(),
            front.len(),
            accuracies().next().unwrap_or(0.0),
            accuracies().fold(0.0, f64::max),
            ground.volume(&front)
        );
    }
    Ok(())
}

/// The front, the highest score first.
fn highest_score_first(found: &[Scored]) -> Vec<&Scored> {
    let objectives: Vec<Objectives> = found.iter().map(|one| one.objectives).collect();
    let mut members: Vec<&Scored> = front(&objectives)
        .into_iter()
        .map(|at| &found[at])
        .collect();
    members.sort_by(|a, b| a.objectives.error.total_cmp(&b.objectives.error));
    members
}

/// Gives scores after so many steps.
struct Scores<'a> {
    past: &'a Past,
    steps: u64,
    /// For scores without any steps.
    scorer: Scorer<'a>,
}

impl<'a> Scores<'a> {
    fn of(past: &'a Past, steps: u64) -> Self {
        Scores {
            past,
            steps,
            scorer: Scorer::new(&past.supernet, &past.dataset, ScoringOptions::default()),
        }
    }

    fn score(&mut self, candidate: &Candidate) -> Outcome<f64> {
        match self.steps {
            0 => Ok(self.scorer.score(candidate).tally.accuracy()),
            steps => self.past.tuned(candidate, steps, self.past.run.seed),
        }
    }
}

impl Past {
    /// The validation accuracy of a candidate after some steps, on pictures in the order of a seed.
    fn tuned(&self, candidate: &Candidate, steps: u64, seed: u64) -> Outcome<f64> {
        let mut trainer = FinalTrainer::new(
            &self.supernet,
            candidate,
            &self.dataset,
            TrainingOptions::final_training(),
            &Streams::new(seed),
        );
        for step in 0..steps {
            trainer.step(step as f64 / steps as f64)?;
        }
        let options = ScoringOptions::default();
        let sample = (self.dataset).spread(Split::Validation, options.validation_examples);
        let trained = trainer.finish(options);
        let score = trained.evaluate(&self.dataset, Split::Validation, &sample);
        Ok(score.tally.accuracy())
    }

    /// Searches until the work is done.
    fn search(&self, ground: &Ground<'_>, steps: u64, budget: f64) -> Outcome<Vec<Scored>> {
        let violation = |candidate: &Candidate| ground.objectives(candidate, 0.0).violation;
        let sampler = Sampler::new(&self.run.space, &violation).map_err(|_| "nothing fits")?;
        let ends = |&config| [sampler.smallest_for(config), sampler.largest_for(config)];
        let configs = sampler.feasible_configs().iter();
        let seeds = configs.flat_map(ends).flatten().cloned().collect();
        let streams = Streams::new(self.run.seed);
        let mut strategy = Nsga2::new(&sampler, streams, seeds, Nsga2Options::default())?;
        let batch = TrainingOptions::final_training().batch;
        let mut scores = Scores::of(self, steps);
        let (mut spent, mut found) = (0.0, Vec::new());
        while spent < budget {
            let Some(candidate) = strategy.propose() else {
                break;
            };
            let objectives = ground.objectives(&candidate, 1.0 - scores.score(&candidate)?);
            strategy.observe(&candidate, &objectives);
            let step = Load::of(&candidate, ground.classes, batch);
            let work = ground.work(&candidate, ground.pictures)
                + steps as f64 * ground.costs.seconds(Work::Training, &step);
            spent += work;
            found.push(Scored {
                candidate,
                objectives,
                work,
            });
        }
        Ok(found)
    }

    /// The same candidates with the accuracy after a longer training.
    fn judge(
        &self,
        ground: &Ground<'_>,
        front: &[&Scored],
        judged: &mut HashMap<Candidate, f64>,
    ) -> Outcome<Vec<Scored>> {
        let judged = front.iter().map(|&scored| {
            let candidate = &scored.candidate;
            let accuracy = match judged.get(candidate) {
                Some(&accuracy) => accuracy,
                None => self.tuned(candidate, JUDGING_STEPS, self.run.seed + JUDGING_SEED)?,
            };
            judged.insert(candidate.clone(), accuracy);
            Ok(Scored {
                objectives: ground.objectives(candidate, 1.0 - accuracy),
                ..scored.clone()
            })
        });
        judged.collect()
    }
}
