//! The choice among ways to quantise a model, by what the quantised models make of validation examples.

use std::fmt::{Display, Formatter};

use danas_measure::{Objective, brier};

use crate::calibrate::{Calibration, CalibrationError, Observations, Ranges};
use crate::evaluate::{Evaluation, InputError};
use crate::int8::Int8Model;
use crate::interpreter::Interpreter;
use crate::model::FloatModel;
use crate::quantise::{QuantiseError, quantise, quantise_corrected};

/// A way to quantise a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    /// How the ranges of activations are chosen.
    pub calibration: Calibration,
    /// Whether biases make up for the mean error of rounded weights.
    pub bias_correction: bool,
}

impl Display for Scheme {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.calibration {
            Calibration::MinMax => write!(f, "activations from least to greatest")?,
            Calibration::Percentile(share) => write!(f, "activations within {share} %")?,
            Calibration::LeastError => write!(f, "activations by least error")?,
        }
        if self.bias_correction {
            write!(f, ", biases corrected")?;
        }
        Ok(())
    }
}

/// Ways to choose the ranges of activations, the simpler ones first.
const CALIBRATIONS: [Calibration; 4] = [
    Calibration::MinMax,
    Calibration::Percentile(99.99),
    Calibration::Percentile(99.9),
    Calibration::LeastError,
];

/// Why no scheme could be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChoiceError {
    /// The ranges could not be measured.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The model could not be quantised.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The validation examples do not fit the model.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Labelled examples that a choice is made by.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// `[n, height, width, channels]`.
    pub pixels: &'a [u8],
    /// One class per example.
    pub labels: &'a [usize],
}

/// A model quantised in the way that was best.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The quantised model.
    pub model: Int8Model,
    /// The way it was quantised.
    pub scheme: Scheme,
    /// The ranges of activations that it was quantised with.
    pub ranges: Ranges,
    /// What it made of the validation examples.
    pub evaluation: Evaluation,
}

/// The number of quantised models that [`choose`] makes and evaluates.
pub const SCHEMES: usize = CALIBRATIONS.len() + 1;

/// Quantises a model in [`SCHEMES`] ways, one after the other, and keeps the one with the least squared error on `validation`
/// as the objective counts it ([`danas_measure::brier`]); of equal ones the simplest. The calibration is chosen first, then whether to
/// correct biases with it.
///
/// # Errors
/// [`ChoiceError`] when the observations or the examples do not fit the model, or it cannot be quantised.
pub fn choose(
    model: &FloatModel,
    observations: &Observations,
    validation: Examples<'_>,
    objective: Objective,
) -> Result<Choice, ChoiceError> {
    let quantised = |scheme: Scheme, ranges: Ranges| -> Result<Choice, ChoiceError> {
        let model = if scheme.bias_correction {
            quantise_corrected(model, &ranges, observations)?
        } else {
            quantise(model, &ranges)?
        };
        let interpreter = Interpreter::new(model.clone());
        let evaluation = interpreter.evaluate(validation.pixels, validation.labels)?;
        Ok(Choice {
            model,
            scheme,
            ranges,
            evaluation,
        })
    };
    let calibrated = |calibration: Calibration| -> Result<Choice, ChoiceError> {
        let scheme = Scheme {
            calibration,
            bias_correction: false,
        };
        quantised(scheme, observations.ranges(calibration)?)
    };
    let error = |choice: &Choice| brier(validation.labels, &choice.evaluation.answers, objective);
    let better = |best: Choice, other: Choice| match error(&other) < error(&best) {
        true => other,
        false => best,
    };
    let [simplest, others @ ..] = CALIBRATIONS;
    let mut best = calibrated(simplest)?;
    for calibration in others {
        best = better(best, calibrated(calibration)?);
    }
    let corrected = Scheme {
        bias_correction: true,
        ..best.scheme
    };
    let corrected = quantised(corrected, best.ranges.clone())?;
    Ok(better(best, corrected))
}
