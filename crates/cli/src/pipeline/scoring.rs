//! How a candidate gets its score: from the weights of the supernet as they are, or after some training of its own.

use std::collections::BTreeSet;

use danas_bench::Work;
use danas_data::{DataConfig, Dataset, Split};
use danas_space::Candidate;
use danas_supernet::{FinalTrainer, Score, Scorer, ScoringOptions};

use crate::args::MethodName;
use crate::message::{Blame, Outcome, from_data};
use crate::pipeline::course::Training;
use crate::pipeline::deploying::validation_sample;
use crate::pipeline::session::Session;
use crate::pipeline::weights::{Starts, Weights};
use crate::pipeline::work;

/// Steps by which a candidate is adapted to weights that were trained as another network: 10 epochs of 10 steps, as the
/// paper has them.
const ADAPTING_STEPS: u64 = 100;
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
}

/// Scores with these weights. `seen` are the data configurations of candidates that an earlier session scored.
pub(crate) fn scores<'s>(
    session: &'s Session<'s>,
    dataset: &'s Dataset,
    weights: &'s mut Weights<'_>,
    seen: BTreeSet<DataConfig>,
) -> Box<dyn Scores + 's> {
    match weights {
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
        }),
    }
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
}

/// Scores after a short training, which leaves the weights that it started from as they were.
struct AfterTraining<'s, 'a> {
    session: &'s Session<'s>,
    dataset: &'s Dataset,
    starts: &'s mut Starts<'a>,
}

impl Scores for AfterTraining<'_, '_> {
    fn score(&mut self, candidate: &Candidate) -> Outcome<Score> {
        let (session, dataset) = (self.session, self.dataset);
        let options = session.config.final_training();
        let steps = steps(
            session.config.method,
            dataset.len(Split::Train),
            options.batch,
        );
        let start = self.starts.of(candidate.data)?;
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
        Ok(score)
    }

    fn validation_examples(&self) -> usize {
        validation_sample(self.dataset).len()
    }
}

/// The steps of a candidate's training before its score.
fn steps(method: MethodName, pictures: usize, batch: usize) -> u64 {
    match method {
        MethodName::None => (SCRATCH_EPOCHS * pictures as u64).div_ceil(batch as u64),
        MethodName::Shared | MethodName::Separate => ADAPTING_STEPS,
    }
}
