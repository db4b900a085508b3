//! How often a model is right.

use danas_measure::{Answer, Tally};
use danas_space::Shape;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Why pixels or labels do not fit a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The pixels are not a whole number of examples.
    #[error(
        "{found} values are not a whole number of examples of [{0}, {1}, {2}]",
        shape.height, shape.width, shape.channels
    )]
    Pixels {
        /// The input shape of the model.
        shape: Shape,
        /// How many values there are.
        found: usize,
    },
    /// There is no example.
    #[error("there are no examples")]
    NoExamples,
    /// There is not one label per example.
    #[error("there are {labels} labels for {examples} examples")]
    Labels {
        /// The number of examples.
        examples: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A label is not a class of the model.
    #[error("label {label} is not one of the {classes} classes")]
    Label {
        /// The label.
        label: usize,
        /// The number of outputs of the model.
        classes: usize,
    },
}

/// Checks that `values` is a whole number (at least one) of examples; returns that number.
pub(crate) fn examples(shape: Shape, values: usize) -> Result<usize, InputError> {
    if values == 0 {
        return Err(InputError::NoExamples);
    }
    if !values.is_multiple_of(shape.elements()) {
        return Err(InputError::Pixels {
            shape,
            found: values,
        });
    }
    Ok(values / shape.elements())
}

/// What a model said about labelled examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The share of examples that were classified correctly, 0 to 1.
    pub accuracy: f64,
    /// `confusion[actual][predicted]`: how many examples of a class were taken for which.
    pub confusion: Vec<Vec<u64>>,
    /// What was said about every example, in their order.
    pub answers: Vec<Answer>,
    /// The mean of their squared errors (Brier 1950, "Verification of forecasts expressed in terms of probability"). It tells
    /// models apart that are right equally often.
    pub brier: f64,
}

impl Evaluation {
    /// Classifies all examples in parallel and counts; `judge` answers one example of a class, with a state made by
    /// `state` once per piece of work.
    pub(crate) fn of<S>(
        shape: Shape,
        classes: usize,
        pixels: &[u8],
        labels: &[usize],
        state: impl Fn() -> S + Sync + Send,
        judge: impl Fn(&mut S, &[u8], usize) -> Answer + Sync + Send,
    ) -> Result<Self, InputError> {
        let examples = examples(shape, pixels.len())?;
        if labels.len() != examples {
            return Err(InputError::Labels {
                examples,
                labels: labels.len(),
            });
        }
        if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
            return Err(InputError::Label { label, classes });
        }
        let answers: Vec<Answer> = pixels
            .par_chunks_exact(shape.elements())
            .zip(labels)
            .map_init(state, |state, (pixels, &label)| judge(state, pixels, label))
            .collect();
        let mut confusion = vec![vec![0; classes]; classes];
        for (&label, answer) in labels.iter().zip(&answers) {
            confusion[label][answer.class] += 1;
        }
        Ok(Self::new(confusion, answers))
    }

    fn new(confusion: Vec<Vec<u64>>, answers: Vec<Answer>) -> Self {
        let squares: f64 = answers.iter().map(|answer| answer.squared_error).sum();
        Self {
            brier: squares / answers.len().max(1) as f64,
            accuracy: Tally::of_confusion(&confusion).accuracy(),
            confusion,
            answers,
        }
    }

    /// The number of examples.
    pub fn examples(&self) -> u64 {
        self.answers.len() as u64
    }

    /// The answers counted class by class.
    pub fn tally(&self) -> Tally {
        Tally::of_confusion(&self.confusion)
    }

    /// What the model said about these examples and, behind them, those of `other`.
    ///
    /// # Panics
    /// If the two have different numbers of classes.
    pub fn and(&self, other: &Self) -> Self {
        assert_eq!(self.confusion.len(), other.confusion.len(), "of one model");
        let rows = self.confusion.iter().zip(&other.confusion);
        let confusion = rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect());
        let answers = [&self.answers[..], &other.answers].concat();
        Self::new(confusion.collect(), answers)
    }
}

/// From the outputs as real numbers and the example's class.
pub(crate) fn answer(outputs: impl Iterator<Item = f64> + Clone, label: usize) -> Answer {
    let squared_error = outputs
        .clone()
        .enumerate()
        .map(|(class, output)| (output - f64::from(u8::from(class == label))).powi(2))
        .sum();
    let outputs: Vec<f64> = outputs.collect();
    Answer {
        class: argmax(&outputs),
        squared_error,
    }
}

/// The index of the greatest value, the first of equal ones.
pub(crate) fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(outputs: &[[f64; 2]], labels: &[usize]) -> Evaluation {
        let shape = Shape {
            height: 1,
            width: 1,
            channels: 1,
        };
        let pixels: Vec<u8> = (0..outputs.len() as u8).collect();
        let judge = |_: &mut (), pixels: &[u8], label| {
            answer(outputs[usize::from(pixels[0])].iter().copied(), label)
        };
        Evaluation::of(shape, 2, &pixels, labels, || (), judge).expect("inputs that fit")
    }

    #[test]
    fn a_surer_model_has_smaller_squared_errors() {
        let labels = [0, 1, 1];
        let errors = |evaluation: &Evaluation| -> Vec<f64> {
            let answers = evaluation.answers.iter();
            answers.map(|answer| answer.squared_error).collect()
        };
        let perfect = one_by_one(&[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], &labels);
        assert_eq!((perfect.accuracy, errors(&perfect)), (1.0, vec![0.0; 3]));
        let unsure = one_by_one(&[[0.5, 0.25], [0.25, 0.5], [0.5, 0.5]], &labels);
        // Of equal outputs the first counts.
        assert_eq!(unsure.confusion, [[1, 0], [1, 1]]);
        assert_eq!(errors(&unsure), [0.3125, 0.3125, 0.5]);
    }

    #[test]
    fn parts_are_worth_what_the_whole_is() {
        let outputs = [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5]];
        let labels = [0, 0, 1, 1, 1];
        let whole = one_by_one(&outputs, &labels);
        let both =
            one_by_one(&outputs[..2], &labels[..2]).and(&one_by_one(&outputs[2..], &labels[2..]));
        assert_eq!(
            (both.accuracy, &both.confusion),
            (whole.accuracy, &whole.confusion)
        );
        assert_eq!((&both.answers, both.brier), (&whole.answers, whole.brier));
        assert_eq!((both.examples(), both.tally().right()), (5, 2));
    }
}
