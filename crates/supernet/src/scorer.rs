//! Scores: the accuracy of a candidate with the supernet's weights, without training it.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use danas_data::{Batch, DataConfig, Dataset, Split};
use danas_measure::Tally;
use danas_space::Candidate;

use crate::engine::subnet::Subnet;
use crate::engine::{Inference, Workspace};
use crate::loss;
use crate::options::ScoringOptions;
use crate::recalibration::CalibrationSet;
use crate::supernet::Supernet;

/// What a candidate reached on examples that it was not trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The answers, counted class by class.
    pub tally: Tally,
    /// Mean cross-entropy, every example counted alike.
    pub loss: f64,
}

impl Score {
    /// Of a network on batches, one after the other.
    pub(crate) fn of(
        network: &Inference,
        batches: impl Iterator<Item = impl Borrow<Batch>>,
        classes: usize,
    ) -> Self {
        let mut whole = Score {
            tally: Tally::new(classes),
            loss: 0.0,
        };
        for batch in batches {
            let batch = batch.borrow();
            whole.add(&Score::new(
                &network.logits(&batch.pixels),
                &batch.labels,
                classes,
            ));
        }
        whole
    }

    /// From logits `[examples, classes]`.
    fn new(logits: &[f32], labels: &[usize], classes: usize) -> Self {
        let mut targets = Vec::new();
        loss::smoothed_labels(labels, classes, 0.0, &mut targets);
        let weights = vec![1.0; labels.len()];
        let loss = loss::cross_entropy(logits, &targets, &weights, classes, &mut Vec::new());
        let mut tally = Tally::new(classes);
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            tally.count(label, loss::answer(row, label));
        }
        Score {
            tally,
            loss: f64::from(loss),
        }
    }

    /// Adds what was reached on other examples.
    fn add(&mut self, other: &Score) {
        let (here, there) = (self.tally.examples() as f64, other.tally.examples() as f64);
        self.loss = (self.loss * here + other.loss * there) / (here + there).max(1.0);
        self.tally.add(&other.tally);
    }
}

/// Pictures rendered at a time where they are not kept, so that memory does not grow with the split.
pub(crate) const PIECE: usize = 1024;

/// The pictures of one data configuration that scores are made of.
struct Examples {
    calibration: CalibrationSet,
    /// The validation pictures; none where they are too many to be kept.
    validation: Option<Batch>,
    bytes: usize,
    /// The number of the score that used them last.
    used: u64,
}

/// Scores candidates with the weights of a supernet, which it never changes: what a candidate is worth does not
/// depend on which others were scored before.
pub struct Scorer<'a> {
    supernet: &'a Supernet,
    dataset: &'a Dataset,
    options: ScoringOptions,
    /// The validation examples used, the same for every data configuration.
    validation: Vec<usize>,
    examples: BTreeMap<DataConfig, Examples>,
    scored: u64,
    workspace: Workspace,
}

impl<'a> Scorer<'a> {
    /// Scores on the validation split of `dataset`.
    pub fn new(supernet: &'a Supernet, dataset: &'a Dataset, options: ScoringOptions) -> Self {
        let count = match options.validation_examples {
            0 => dataset.len(Split::Validation),
            most => most,
        };
        Scorer {
            supernet,
            dataset,
            options,
            validation: dataset.spread(Split::Validation, count),
            examples: BTreeMap::new(),
            scored: 0,
            workspace: Workspace::new(supernet.isa),
        }
    }

    /// The number of validation examples that a score is made of.
    pub fn validation_examples(&self) -> usize {
        self.validation.len()
    }

    /// Recalibrates the candidate's BatchNorms and classifies the validation examples.
    ///
    /// # Panics
    /// If the candidate does not belong to the supernet's search space.
    pub fn score(&mut self, candidate: &Candidate) -> Score {
        let config = candidate.data;
        self.scored += 1;
        let mut examples = match self.examples.remove(&config) {
            Some(examples) => examples,
            None => self.render(config),
        };
        examples.used = self.scored;
        let subnet = Subnet::new(self.supernet, candidate);
        let network = examples
            .calibration
            .recalibrate(self.supernet, subnet, &mut self.workspace);
        let classes = self.supernet.classes;
        let score = match &examples.validation {
            Some(batch) => Score::of(&network, std::iter::once(batch), classes),
            None => {
                let batches = self.validation.chunks(PIECE).map(|piece| {
                    self.dataset
                        .evaluation_batch(Split::Validation, piece, config)
                });
                Score::of(&network, batches, classes)
            }
        };
        self.examples.insert(config, examples);
        score
    }

    /// Makes the pictures of a data configuration; those of the configurations that were not scored for longest make
    /// room for them.
    fn render(&mut self, config: DataConfig) -> Examples {
        let calibrating = self.options.calibration_examples;
        let picture = config.input_shape().bytes();
        let pictures = self.validation.len() + calibrating;
        let fits = pictures * picture <= self.options.kept_bytes;
        let bytes = if fits { pictures } else { calibrating } * picture;
        self.make_room(bytes);
        let validation = fits.then(|| {
            self.dataset
                .evaluation_batch(Split::Validation, &self.validation, config)
        });
        Examples {
            calibration: CalibrationSet::new(self.dataset, config, calibrating),
            validation,
            bytes,
            used: 0,
        }
    }

    fn make_room(&mut self, bytes: usize) {
        let kept = |examples: &BTreeMap<DataConfig, Examples>| -> usize {
            examples.values().map(|examples| examples.bytes).sum()
        };
        while kept(&self.examples) + bytes > self.options.kept_bytes {
            let oldest = self
                .examples
                .iter()
                .min_by_key(|(_, examples)| examples.used);
            let Some(config) = oldest.map(|(&config, _)| config) else {
                return;
            };
            self.examples.remove(&config);
        }
    }

    /// How many data configurations have their pictures kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.examples.len()
    }
}
