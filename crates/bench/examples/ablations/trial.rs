//! One supernet, trained in one way with one seed, and what it is worth.

use crate::Outcome;
use crate::setting::Setting;
use crate::way::{Drawing, Way};
use danas_bench::{Load, Work};
use danas_data::{DataConfig, DataSpace, Dataset, Split, Streams};
use danas_search::kendall_tau;
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace, lower};
use danas_supernet::{FinalTrainer, NamedTensor, Scorer, Supernet, Trainer};
use rand::RngExt;
use std::error::Error;

/// The part of the supernet's time that each candidate is trained on for, in the method as it is.
const FINAL_SHARE: f64 = 0.125;
/// Steps from one state that enters a mean of weights to the next.
const AVERAGING_STEPS: u64 = 20;

/// A supernet, and the data configuration that it is for; none if it is for all.
type Trained = (Option<DataConfig>, Supernet);

/// What is at hand for a trial.
struct Trial<'a> {
    setting: &'a Setting,
    way: &'a Way,
    dataset: Dataset,
    streams: Streams,
}

/// Trains and measures. `seconds` are those of the supernet in the method as it is, by the setting's costs.
pub(crate) fn run(
    setting: &Setting,
    way: &Way,
    seconds: f64,
    seed: u64,
) -> Result<Outcome, Box<dyn Error>> {
    let trial = Trial {
        setting,
        way,
        dataset: setting.run.examples(seed, way.augmentation)?,
        streams: Streams::new(seed),
    };
    let (supernets, steps) = trial.supernets(way.supernet_share * seconds)?;
    let scores = trial.scores(&supernets);
    let truths = setting.audited.iter().map(|(_, alone)| *alone);
    let pairs: Vec<(f64, f64)> = scores.into_iter().zip(truths).collect();
    let chosen = trial.chosen();
    let rest = (1.0 - way.supernet_share) / chosen.len() as f64;
    let accuracies = chosen.iter().map(|candidate| {
        trial.trained_on(
            supernet_of(&supernets, candidate),
            candidate,
            (FINAL_SHARE + rest) * seconds,
        )
    });
    let accuracies = accuracies.collect::<Result<Vec<f64>, _>>()?;
    Ok(Outcome {
        way: way.name.to_owned(),
        seconds,
        seed,
        steps,
        tau: kendall_tau(&pairs).ok_or("all scores are equal")?,
        accuracy: accuracies.iter().sum::<f64>() / accuracies.len() as f64,
    })
}

fn supernet_of<'a>(supernets: &'a [Trained], candidate: &Candidate) -> &'a Supernet {
    let own = supernets
        .iter()
        .find(|(config, _)| *config == Some(candidate.data));
    &own.unwrap_or(&supernets[0]).1
}

impl Trial<'_> {
    fn classes(&self) -> usize {
        self.dataset.classes().len()
    }

    /// The supernets, and how many steps they were trained for together.
    fn supernets(&self, seconds: f64) -> Result<(Vec<Trained>, u64), Box<dyn Error>> {
        let space = &self.setting.run.space;
        if !self.way.separate {
            let (supernet, steps) = self.supernet(space, seconds)?;
            return Ok((vec![(None, supernet)], steps));
        }
        let mut configs: Vec<DataConfig> = self
            .setting
            .audited
            .iter()
            .map(|(candidate, _)| candidate.data)
            .collect();
        configs.sort();
        configs.dedup();
        let (mut supernets, mut steps) = (Vec::new(), 0);
        for &config in &configs {
            let own = DataSpace {
                resolutions: vec![config.resolution],
                colours: vec![config.colour],
            };
            let own = SearchSpace::new(own, NetworkSpace::default_space())?;
            let (supernet, made) = self.supernet(&own, seconds / configs.len() as f64)?;
            supernets.push((Some(config), supernet));
            steps += made;
        }
        Ok((supernets, steps))
    }

    /// A supernet for a space, and its steps.
    fn supernet(
        &self,
        space: &SearchSpace,
        seconds: f64,
    ) -> Result<(Supernet, u64), Box<dyn Error>> {
        let target = match self.way.unlimited {
            true => &self.setting.unlimited,
            false => &self.setting.run.target,
        };
        let classes = self.classes();
        let violation =
            |candidate: &Candidate| target.violation(&target.cost(&lower(candidate, classes)));
        let sampler = Sampler::new(space, &violation).map_err(|_| "nothing fits")?;
        // All supernets have the same shapes, so that a candidate's place in them is the same.
        let fresh = Supernet::new(&self.setting.run.space.envelope(), classes, &self.streams);
        let options = self.way.training;
        let mut trainer = Trainer::new(fresh, &self.dataset, &sampler, options, &self.streams);
        let mut mean = Mean::default();
        let mut spent = 0.0;
        while spent < seconds {
            let networks = self.networks(&trainer, &sampler);
            let load: Load = (networks.iter())
                .map(|network| Load::of(network, classes, options.batch))
                .sum();
            let progress = self.way.schedule.progress(spent / seconds, &options);
            trainer.step_with(networks, progress)?;
            spent += self.setting.costs.seconds(Work::Sandwich, &load);
            let is_late = spent > 0.75 * seconds;
            if self.way.averaged && is_late && trainer.steps().is_multiple_of(AVERAGING_STEPS) {
                mean.add(trainer.supernet().tensors());
            }
        }
        let steps = trainer.steps();
        let mut supernet = trainer.into_supernet();
        if let Some(tensors) = mean.finish() {
            supernet.load_tensors(&tensors)?;
        }
        Ok((supernet, steps))
    }

    /// The networks of the next step, the teacher first.
    fn networks(&self, trainer: &Trainer<'_>, sampler: &Sampler<'_>) -> Vec<Candidate> {
        let mut drawn = trainer.draw(trainer.steps());
        let mut rng = self.streams.stream("ablation", trainer.steps());
        let largest = trainer.extremes().iter().map(|(largest, _)| largest);
        let seen = |candidate: &Candidate| match self.way.drawing {
            Drawing::FinestTeacher => candidate.data.resolution,
            _ => candidate.data.colour.channels(),
        };
        let most = largest.clone().map(seen).max();
        let teachers: Vec<&Candidate> = match self.way.drawing {
            Drawing::Sandwich => return drawn,
            Drawing::NoSmallest => {
                drawn[1] = sampler.sample(&mut rng);
                return drawn;
            }
            Drawing::Random => return drawn.iter().map(|_| sampler.sample(&mut rng)).collect(),
            Drawing::ColourTeacher | Drawing::FinestTeacher => largest
                .filter(|network| Some(seen(network)) == most)
                .collect(),
        };
        if !teachers.is_empty() {
            drawn[0] = teachers[rng.random_range(0..teachers.len())].clone();
        }
        drawn
    }

    /// The score of every audited candidate.
    fn scores(&self, supernets: &[Trained]) -> Vec<f64> {
        let audited = &self.setting.audited;
        let mut scores = vec![0.0; audited.len()];
        for (config, supernet) in supernets {
            let mut scorer = Scorer::new(supernet, &self.dataset, self.way.scoring);
            for ((candidate, _), score) in audited.iter().zip(&mut scores) {
                if config.is_none_or(|config| config == candidate.data) {
                    *score = scorer.score(candidate).tally.accuracy();
                }
            }
        }
        scores
    }

    /// The candidates that are trained on, the same in every trial: the best alone, and the best of the smaller half.
    fn chosen(&self) -> [Candidate; 2] {
        let classes = self.classes();
        let mut audited: Vec<&(Candidate, f64)> = self.setting.audited.iter().collect();
        audited.sort_by_key(|(candidate, _)| lower(candidate, classes).macs());
        let best = |candidates: &[&(Candidate, f64)]| {
            let best = candidates.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            best.map(|(candidate, _)| candidate.clone())
        };
        let (smaller, _) = audited.split_at(audited.len() / 2);
        [best(&audited), best(smaller)].map(|best| best.expect("there are four or more"))
    }

    /// The test accuracy of a candidate that is trained on for so many seconds.
    fn trained_on(
        &self,
        supernet: &Supernet,
        candidate: &Candidate,
        seconds: f64,
    ) -> Result<f64, Box<dyn Error>> {
        let fresh = Supernet::new(
            &self.setting.run.space.envelope(),
            self.classes(),
            &self.streams,
        );
        let start = if self.way.afresh { &fresh } else { supernet };
        let options = self.way.final_training;
        let mut trainer =
            FinalTrainer::new(start, candidate, &self.dataset, options, &self.streams);
        let load = Load::of(candidate, self.classes(), options.batch);
        let step = self.setting.costs.seconds(Work::Training, &load);
        let steps = (seconds / step).round().max(1.0) as u64;
        for index in 0..steps {
            trainer.step(index as f64 / steps as f64)?;
        }
        let test: Vec<usize> = (0..self.dataset.len(Split::Test)).collect();
        let trained = trainer.finish(self.way.scoring);
        Ok(trained
            .evaluate(&self.dataset, Split::Test, &test)
            .tally
            .accuracy())
    }
}

/// The mean of states of the same tensors.
#[derive(Default)]
struct Mean {
    sums: Vec<NamedTensor>,
    states: u32,
}

impl Mean {
    fn add(&mut self, state: Vec<NamedTensor>) {
        self.states += 1;
        if self.sums.is_empty() {
            self.sums = state;
            return;
        }
        for (sum, tensor) in self.sums.iter_mut().zip(&state) {
            for (sum, value) in sum.values.iter_mut().zip(&tensor.values) {
                *sum += value;
            }
        }
    }

    /// `None` without any states.
    fn finish(mut self) -> Option<Vec<NamedTensor>> {
        for value in self.sums.iter_mut().flat_map(|tensor| &mut tensor.values) {
            *value /= self.states as f32;
        }
        (self.states > 0).then_some(self.sums)
    }
}
