//! The size that the device room predicts of a file beside the file that is written, for random candidates of the default
//! space with random weights.

#[path = "../../device/tests/common/candidates.rs"]
mod candidates;
mod common;

use danas_deploy::{Calibration, Metadata, calibrate, quantise, write};
use danas_device::{Limits, Target};

const CANDIDATES: usize = 200;
const TOLERANCE: f64 = 0.01;

#[test]
fn the_size_of_a_file_is_known_before_training() {
    let mut rng = common::rng(21);
    let target = Target::new(None, Limits::default());
    let errors: Vec<f64> = candidates::graphs(CANDIDATES, 22)
        .into_iter()
        .map(|graph| {
            let predicted = target.cost(&graph).model_bytes;
            let offsets = target.plan(&graph).carried_offsets();
            let pixels = common::random_pixels(graph.input, 1, &mut rng);
            let model = common::random_model(graph, &mut rng);
            let ranges = calibrate(&model, &pixels, Calibration::default()).unwrap();
            let metadata = Metadata {
                offsets,
                ..Metadata::default()
            };
            let written = write(&quantise(&model, &ranges).unwrap(), &metadata).len();
            predicted as f64 / written as f64 - 1.0
        })
        .collect();
    let largest = errors
        .iter()
        .fold(0.0, |most: f64, error| most.max(error.abs()));
    let mean = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
    eprintln!(
        "{} files: off by {:.2} % on average, {:.2} % at most",
        errors.len(),
        100.0 * mean,
        100.0 * largest
    );
    assert_eq!(errors.len(), CANDIDATES);
    assert!(largest < TOLERANCE, "{largest}");
}
