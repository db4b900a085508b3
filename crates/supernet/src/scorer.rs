//! Scores: the accuracy of a candidate with the supernet's weights, without training it.

use std::collections::BTreeMap;

use danas_data::{Batch, DataConfig, Dataset, Split};
use danas_measure::Tally;
use danas_space::Candidate;

use crate::engine::Workspace;
use crate::engine::subnet::Subnet;
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
    /// From logits `[examples, classes]`.
    pub(crate) fn new(logits: &[f32], labels: &[usize], classes: usize) -> Self {
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
    pub(crate) fn add(&mut self, other: &Score) {
        let (here, there) = (self.tally.examples() as f64, other.tally.examples() as f64);
        self.loss = (self.loss * here + other.loss * there) / (here + there).max(1.0);
        self.tally.add(&other.tally);
    }
}

/// The pictures of one data configuration that scores are made of.
struct Examples {
    calibration: CalibrationSet,
    validation: Batch,
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
        let examples = self.examples.entry(config).or_insert_with(|| Examples {
            calibration: CalibrationSet::new(
                self.dataset,
                config,
                self.options.calibration_examples,
            ),
            validation: self
                .dataset
                .evaluation_batch(Split::Validation, &self.validation, config),
        });
        let subnet = Subnet::new(self.supernet, candidate);
        let network = examples
            .calibration
            .recalibrate(self.supernet, subnet, &mut self.workspace);
        let logits = network.logits(&examples.validation.pixels);
        Score::new(&logits, &examples.validation.labels, self.supernet.classes)
    }
}
