//! From trained weights to integers, in the best of several ways on validation.

use danas_data::{DataConfig, Dataset, Split};
use danas_deploy::{Choice, Examples, FloatModel, LayerParameters, SCHEMES, choose, observe};
use danas_measure::Objective;
use danas_supernet::{LayerParameters as TrainedParameters, Trained};

use crate::message::{Blame, Outcome};

/// Training pictures by which the ranges of activations are measured.
pub(super) const CALIBRATION_PICTURES: usize = 256;
/// The most validation pictures by which the way to quantise is chosen: bounds its memory and its time.
const CHOICE_PICTURES: usize = 256;

/// The number of validation pictures by which the way to quantise is chosen.
pub(super) fn choice_pictures(dataset: &Dataset) -> usize {
    dataset.len(Split::Validation).min(CHOICE_PICTURES)
}

/// A trained network, or one with other parameters, for the room of deployment.
pub(super) fn float_model(
    trained: &Trained,
    parameters: &[TrainedParameters],
) -> Outcome<FloatModel> {
    let parameters = parameters
        .iter()
        .map(|layer| LayerParameters {
            weights: layer.weights.clone(),
            bias: layer.bias.clone(),
        })
        .collect();
    FloatModel::new(trained.graph.clone(), parameters).or_internal()
}

/// Quantises a trained network in the way that is best for the objective on up to `validation` validation pictures, with ranges
/// measured on up to `calibration` training pictures.
///
/// # Errors
/// If the network cannot be quantised.
pub(super) fn quantise_best(
    dataset: &Dataset,
    config: DataConfig,
    trained: &Trained,
    [calibration, validation]: [usize; 2],
    objective: Objective,
) -> Outcome<Choice> {
    let model = float_model(trained, &trained.parameters)?;
    let batch =
        |split, pictures| dataset.evaluation_batch(split, &dataset.spread(split, pictures), config);
    let observations = observe(&model, &batch(Split::Train, calibration).pixels).or_internal()?;
    let judged = batch(Split::Validation, validation);
    let examples = Examples {
        pixels: &judged.pixels,
        labels: &judged.labels,
    };
    choose(&model, &observations, examples, objective).or_internal()
}

/// How often a network is run by [`quantise_best`] with so many pictures.
pub(super) fn runs(calibration: usize, validation: usize) -> usize {
    // Calibration first looks for extremes and then counts.
    2 * calibration + SCHEMES * validation
}
