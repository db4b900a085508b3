//! Scores after a short training: every candidate is trained for some steps on a copy of the supernet's weights before it is
//! scored. That ranks better and costs more, so fewer candidates are scored in the same work.

use std::collections::HashMap;
use std::path::Path;

use danas_bench::{Costs, Load, Work};
use danas_data::{Split, Streams};
use danas_search::{Nsga2, Nsga2Options, Strategy, tau_interval};
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
    for &steps in steps {
        let pairs = past.run.audited()?.into_iter();
        let pairs = pairs.map(|(candidate, alone)| Ok((past.score(candidate, steps)?, alone)));
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
        let front = past.judge(&ground, front(&found), &mut judged)?;
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

/// What no other dominates, the most accurate first.
fn front(found: &[Scored]) -> Vec<&Scored> {
    let dominated = |scored: &Scored| {
        let mut others = found.iter();
        others.any(|other| other.objectives.dominates(&scored.objectives))
    };
    let mut front: Vec<&Scored> = found.iter().filter(|scored| !dominated(scored)).collect();
    front.sort_by(|a, b| a.objectives.error.total_cmp(&b.objectives.error));
    front
}

impl Past {
    /// The validation accuracy of a candidate after so many steps.
    fn score(&self, candidate: &Candidate, steps: u64) -> Outcome<f64> {
        if steps == 0 {
            let mut scorer = Scorer::new(&self.supernet, &self.dataset, ScoringOptions::default());
            return Ok(scorer.score(candidate).tally.accuracy());
        }
        self.tuned(candidate, steps, self.run.seed)
    }

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
        let (mut spent, mut found) = (0.0, Vec::new());
        while spent < budget {
            let Some(candidate) = strategy.propose() else {
                break;
            };
            let objectives = ground.objectives(&candidate, 1.0 - self.score(&candidate, steps)?);
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
        front: Vec<&Scored>,
        judged: &mut HashMap<Candidate, f64>,
    ) -> Outcome<Vec<Scored>> {
        let judged = front.into_iter().map(|scored| {
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
