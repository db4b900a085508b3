//! What the work of a run is to a work clock, where it is more than steps of training.

use danas_bench::{Load, Work};
use danas_data::{DataConfig, Dataset, Split};
use danas_space::Candidate;
use danas_supernet::ScoringOptions;

use crate::pipeline::quantising;
use crate::pipeline::session::Session;

/// Makes evaluation pixels of so many pictures.
pub(crate) fn rendering(session: &Session<'_>, config: DataConfig, pictures: usize) {
    session.clock.spend(Work::Rendering, || {
        let shape = config.input_shape();
        let values = shape.height * shape.width * shape.channels;
        Load::of_pixels((pictures * values) as f64)
    });
}

/// Lets a network see so many pictures.
fn pass(
    session: &Session<'_>,
    dataset: &Dataset,
    candidate: &Candidate,
    work: Work,
    pictures: usize,
) {
    let classes = dataset.classes().len();
    let load = || Load::of(candidate, classes, pictures);
    session.clock.spend(work, load);
}

/// Training pictures by which statistics are recomputed.
pub(crate) fn calibration_pictures(dataset: &Dataset) -> usize {
    let most = ScoringOptions::default().calibration_examples;
    most.min(dataset.len(Split::Train))
}

/// Scores a candidate on so many validation pictures that are rendered already.
pub(crate) fn score(
    session: &Session<'_>,
    dataset: &Dataset,
    candidate: &Candidate,
    validation: usize,
) {
    let calibration = calibration_pictures(dataset);
    pass(
        session,
        dataset,
        candidate,
        Work::Recalibration,
        calibration,
    );
    pass(session, dataset, candidate, Work::Inference, validation);
}

/// Recalibrates a network and takes it out of a supernet.
pub(crate) fn extraction(session: &Session<'_>, dataset: &Dataset, candidate: &Candidate) {
    let calibration = calibration_pictures(dataset);
    rendering(session, candidate.data, calibration);
    pass(
        session,
        dataset,
        candidate,
        Work::Recalibration,
        calibration,
    );
}

/// Classifies pictures, from decoded examples on: in float ([`Work::Inference`]) or in int8 ([`Work::Int8`]).
pub(crate) fn evaluation(
    session: &Session<'_>,
    dataset: &Dataset,
    candidate: &Candidate,
    arithmetic: Work,
    pictures: usize,
) {
    rendering(session, candidate.data, pictures);
    pass(session, dataset, candidate, arithmetic, pictures);
}

/// Chooses the best way to quantise a network, with at most so many training and validation pictures, from decoded examples
/// on.
pub(crate) fn quantisation(
    session: &Session<'_>,
    dataset: &Dataset,
    candidate: &Candidate,
    [calibration, validation]: [usize; 2],
) {
    let calibration = calibration.min(dataset.len(Split::Train));
    let validation = validation.min(dataset.len(Split::Validation));
    let runs = quantising::runs(calibration, validation);
    pass(session, dataset, candidate, Work::Quantisation, runs);
}
