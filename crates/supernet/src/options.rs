//! How training is done.

use danas_measure::{IMBALANCED_ABOVE, class_weights, imbalance};
use serde::{Deserialize, Serialize};

/// Whether rare classes count more in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Where the largest class has more than [`danas_measure::IMBALANCED_ABOVE`] times the training pictures of the smallest.
    #[default]
    Auto,
    /// Always: inverse to how often a class occurs ([`danas_measure::class_weights`]).
    Always,
    /// Never: every picture counts alike.
    Never,
}

impl ClassWeights {
    /// The weights of classes with so many training pictures each; 1 where classes are not weighted.
    pub fn of(self, pictures: &[usize]) -> Vec<f32> {
        let weighted = match self {
            ClassWeights::Auto => imbalance(pictures) > IMBALANCED_ABOVE,
            ClassWeights::Always => true,
            ClassWeights::Never => false,
        };
        if weighted {
            class_weights(pictures)
        } else {
            vec![1.0; pictures.len()]
        }
    }
}

/// Options of the supernet's and of the final training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingOptions {
    /// Pictures per sub-network and step.
    pub batch: usize,
    /// Random sub-networks per step, beside the largest and the smallest. Only the supernet has them.
    pub random_subnets: usize,
    /// The highest learning rate; it rises to that over [`TrainingOptions::warmup`] and falls as a half cosine.
    pub learning_rate: f32,
    /// Share of the training during which the learning rate rises.
    pub warmup: f32,
    /// Nesterov momentum.
    pub momentum: f32,
    /// L2 penalty on weights, not on BatchNorm or biases. Behind a weight matrix there is a BatchNorm, so this does not
    /// keep functions simple: it keeps weights from growing, which would make every further step smaller
    /// (van Laarhoven, arXiv 1706.05350).
    pub weight_decay: f32,
    /// Largest Euclidean norm of a gradient.
    pub clip: f32,
    /// Share of a label that is spread over all classes.
    pub label_smoothing: f32,
    /// Share of the largest sub-network's probabilities in the targets of the others. Only the supernet has others.
    pub distillation: f32,
    /// Whether rare classes count more.
    pub class_weights: ClassWeights,
    /// Share of the supernet's training that shows the part for pretraining, where there is one.
    pub pretraining: f64,
}

impl TrainingOptions {
    /// For the supernet. Its batches are small: they make many steps of the same time, and a search seldom has time for
    /// enough of them.
    pub fn supernet() -> Self {
        TrainingOptions {
            batch: 16,
            random_subnets: 2,
            learning_rate: 0.05,
            warmup: 0.05,
            momentum: 0.9,
            weight_decay: 1e-3,
            clip: 4.0,
            label_smoothing: 0.1,
            distillation: 0.5,
            class_weights: ClassWeights::Auto,
            pretraining: 0.5,
        }
    }

    /// For the final training of one candidate, which starts from the supernet's weights. It wants better directions
    /// more than further steps, so its batches are larger (in the same time worth 1.3 points of 144x144 pictures and 3.5
    /// of 24x24 ones).
    pub fn final_training() -> Self {
        TrainingOptions {
            batch: 32,
            learning_rate: 0.06,
            clip: 2.0,
            ..TrainingOptions::supernet()
        }
    }

    /// The learning rate at a share of the training, 0 to 1.
    pub fn learning_rate_at(&self, progress: f64) -> f32 {
        let progress = progress.clamp(0.0, 1.0);
        let warmup = f64::from(self.warmup);
        if progress < warmup {
            // Never zero: the first step has to move.
            return self.learning_rate * (0.05 + 0.95 * progress / warmup) as f32;
        }
        let rest = (progress - warmup) / (1.0 - warmup).max(f64::MIN_POSITIVE);
        self.learning_rate * (0.5 + 0.5 * (std::f64::consts::PI * rest).cos()) as f32
    }
}

impl Default for TrainingOptions {
    fn default() -> Self {
        TrainingOptions::supernet()
    }
}

/// Options of scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoringOptions {
    /// Training pictures by which a sub-network's BatchNorm statistics are recomputed.
    pub calibration_examples: usize,
    /// The most validation pictures that a score is made of; 0 takes all.
    pub validation_examples: usize,
    /// The most bytes of pixels that are kept from one score to the next: of the data configurations scored last, as many
    /// as fit. The others are made again when they are needed, a piece at a time.
    pub kept_bytes: usize,
}

impl Default for ScoringOptions {
    fn default() -> Self {
        ScoringOptions {
            calibration_examples: 512,
            validation_examples: 4096,
            kept_bytes: 1 << 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClassWeights;

    #[test]
    fn classes_are_weighted_where_they_differ_by_more_than_three() {
        assert_eq!(ClassWeights::Auto.of(&[30, 10]), [1.0, 1.0]);
        assert_eq!(
            ClassWeights::Auto.of(&[31, 10]),
            ClassWeights::Always.of(&[31, 10])
        );
        assert_eq!(ClassWeights::Always.of(&[30, 10]), [40.0 / 60.0, 2.0]);
        assert_eq!(ClassWeights::Never.of(&[1000, 10]), [1.0, 1.0]);
    }
}
