//! How a candidate gets its score: from the weights of the supernet as they are, or after some training of its own.

use std::collections::BTreeSet;

use danas_bench::Work;
use danas_data::{DataConfig, Dataset, Split};
use danas_space::Candidate;
use danas_supernet::{FinalTrainer, Score, Scorer, ScoringOptions};

use crate::args::MethodName;
use crate::config::Configuration;
use crate::message::{Blame, Outcome, from_data};
use crate::pipeline::course::Training;
use crate::pipeline::deploying::validation_sample;
use crate::pipeline::session::{Session, key};
use crate::pipeline::weights::{Starts, Weights};
use crate::pipeline::work;

/// Pictures by which a candidate is adapted to weights that were trained as another network: as the paper has them, 10
/// epochs of 10 steps of 128.
const ADAPTING_PICTURES: u64 = 10 * 10 * 128;
/// How often a candidate that is trained from scratch sees every training picture.
const SCRATCH_EPOCHS: u64 = 3;

/// Gives scores.
pub(crate) trait Scores {
    /// The score of a candidate on the validation split. It changes no weights that another candidate starts from.
    ///
    /// # Errors
    /// Those of training, where there is any.
    fn score(&mut self, candidate: &Candidate) -> Outcome<Score>;

    /// The number of validation examples that a score is made of.
    fn validation_examples(&self) -> usize;

    /// Seconds to keep for every candidate that gets the training of its score once more at the end.
    fn seconds_to_repeat(&self) -> f64;
}

/// Scores with these weights. `seen` are the data configurations of candidates that an earlier session scored.
///
/// # Errors
/// If what that session kept cannot be read.
pub(crate) fn scores<'s>(
    session: &'s Session<'s>,
    dataset: &'s Dataset,
    weights: &'s mut Weights<'_>,
    seen: BTreeSet<DataConfig>,
) -> Outcome<Box<dyn Scores + 's>> {
    Ok(match weights {
        Weights::Shared(supernet, _) => Box::new(AsTheyAre {
            session,
            dataset,
            scorer: Scorer::new(supernet, dataset, options(session)),
            rendered: seen,
        }),
        Weights::Unshared(starts) => Box::new(AfterTraining {
            session,
            dataset,
            starts,
            longest: session.get(key::LONGEST_SCORE)?.unwrap_or(0.0),
        }),
    })
}

/// Scores with as many pictures kept as the limit on memory allows.
fn options(session: &Session<'_>) -> ScoringOptions {
    ScoringOptions {
        kept_bytes: session.config.memory.scoring() as usize,
        ..ScoringOptions::default()
    }
}

/// Scores with weights as they are.
struct AsTheyAre<'s> {
    session: &'s Session<'s>,
    dataset: &'s Dataset,
    scorer: Scorer<'s>,
    /// Data configurations whose pictures are there.
    rendered: BTreeSet<DataConfig>,
}

impl Scores for AsTheyAre<'_> {
    fn score(&mut self, candidate: &Candidate) -> Outcome<Score> {
        let (session, dataset) = (self.session, self.dataset);
        let score = self.scorer.score(candidate);
        let validation = self.scorer.validation_examples();
        if self.rendered.insert(candidate.data) {
            let pictures = work::calibration_pictures(dataset) + validation;
            work::rendering(session, candidate.data, pictures);
        }
        work::score(session, dataset, candidate, validation);
        Ok(score)
    }

    fn validation_examples(&self) -> usize {
        self.scorer.validation_examples()
    }

    fn seconds_to_repeat(&self) -> f64 {
        0.0
    }
}

/// Scores after a short training, which leaves the weights that it started from as they were.
struct AfterTraining<'s, 'a> {
    session: &'s Session<'s>,
    dataset: &'s Dataset,
    starts: &'s mut Starts<'a>,
    /// The most seconds that a training and its evaluation have taken.
    longest: f64,
}

impl Scores for AfterTraining<'_, '_> {
    fn score(&mut self, candidate: &Candidate) -> Outcome<Score> {
        let (session, dataset) = (self.session, self.dataset);
        let options = session.config.final_training();
        let steps = steps(session.config, dataset);
        let start = self.starts.of(candidate.data)?;
        let begun = session.clock.seconds();
        let mut trainer = FinalTrainer::new(start, candidate, dataset, options, &session.streams);
        for step in 0..steps {
            let progress = step as f64 / steps as f64;
            let report = trainer.step(progress).or_internal()?;
            dataset.check_intact().map_err(from_data)?;
            (session.clock).spend(FinalTrainer::WORK, || trainer.load(&report));
        }
        let trained = trainer.finish(ScoringOptions::default());
        work::extraction(session, dataset, candidate);
        let sample = validation_sample(dataset);
        let score = trained.evaluate(dataset, Split::Validation, &sample);
        work::evaluation(session, dataset, candidate, Work::Inference, sample.len());
        let seconds = session.clock.seconds() - begun;
        if seconds > self.longest {
            self.longest = seconds;
            session.put(key::LONGEST_SCORE, &seconds)?;
        }
        Ok(score)
    }

    fn validation_examples(&self) -> usize {
        validation_sample(self.dataset).len()
    }

    fn seconds_to_repeat(&self) -> f64 {
        if self.session.config.method.has_final_training() {
            0.0
        } else {
            self.longest
        }
    }
}

/// The steps of a candidate's training before its score; none where it is scored with weights as they are.
pub(super) fn steps(config: &Configuration, dataset: &Dataset) -> u64 {
    let pictures = match config.method {
        MethodName::Shared => 0,
        MethodName::Separate | MethodName::Paper => ADAPTING_PICTURES,
        MethodName::None => SCRATCH_EPOCHS * dataset.len(Split::Train) as u64,
    };
    pictures.div_ceil(config.final_training().batch as u64)
}
