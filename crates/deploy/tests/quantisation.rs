//! The ways to quantise, and the choice among them.

mod common;

use std::collections::BTreeSet;

use common::{Builder, Spec, random_model, random_pixels, rng};
use danas_deploy::{
    Calibration, Examples, FloatModel, Int8Model, Interpreter, LayerParameters, QuantiseError,
    calibrate, choose, observe, quantise, quantise_corrected,
};
use danas_measure::{Objective, brier};
use rand::RngExt;

/// The class that a model gives the most to, for each of some pictures.
fn answers(model: &FloatModel, pixels: &[u8]) -> Vec<usize> {
    let outputs = model.run(pixels).unwrap();
    let classes = model.graph().classes();
    let greatest = |row: &[f32]| {
        let better = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
        (0..row.len()).fold(0, better)
    };
    outputs.chunks_exact(classes).map(greatest).collect()
}

#[test]
fn the_choice_is_the_best_of_what_was_tried() {
    let mut chosen = BTreeSet::new();
    for (seed, objective) in
        (0..6).flat_map(|seed| [Objective::Accuracy, Objective::Balanced].map(|o| (seed, o)))
    {
        let mut rng = rng(40 + seed);
        let model = random_model(Spec::random(&mut rng).graph(), &mut rng);
        let shape = model.graph().input;
        let samples = random_pixels(shape, 32, &mut rng);
        let pixels = random_pixels(shape, 64, &mut rng);
        let labels = answers(&model, &pixels);
        let observations = observe(&model, &samples).unwrap();
        let validation = Examples {
            pixels: &pixels,
            labels: &labels,
        };
        let choice = choose(&model, &observations, validation, objective).unwrap();

        // It is what its scheme says, and was worth what it says.
        let scheme = choice.scheme;
        let ranges = observations.ranges(scheme.calibration).unwrap();
        assert_eq!(choice.ranges, ranges);
        let corrected = quantise_corrected(&model, &ranges, &observations).unwrap();
        let plain = quantise(&model, &ranges).unwrap();
        let (same, other) = match scheme.bias_correction {
            true => (corrected, plain),
            false => (plain, corrected),
        };
        assert_eq!(choice.model, same);
        let error = |model| {
            let evaluation = Interpreter::new(model).evaluate(&pixels, &labels).unwrap();
            brier(&labels, &evaluation.answers, objective)
        };
        let least = error(same.clone());
        let again = Interpreter::new(same).evaluate(&pixels, &labels).unwrap();
        assert_eq!(choice.evaluation, again);

        // Nothing else that was tried is better.
        assert!(least <= error(other), "{scheme}");
        for method in [
            Calibration::MinMax,
            Calibration::Percentile(99.99),
            Calibration::Percentile(99.9),
            Calibration::LeastError,
        ] {
            let ranges = calibrate(&model, &samples, method).unwrap();
            let other = error(quantise(&model, &ranges).unwrap());
            assert!(least <= other, "{method:?}: {other}");
        }
        chosen.insert(scheme.to_string());
    }
    assert!(chosen.len() > 1, "one way for all models: {chosen:?}");
}

/// A model of one 1x1 convolution over 2x2 pixels without activation.
fn single(inputs: usize, weights: Vec<f32>, bias: Vec<f32>) -> FloatModel {
    let mut builder = Builder::new(2, 2, inputs);
    builder.convolution(1, 1, bias.len(), false);
    FloatModel::new(builder.finish(), vec![LayerParameters { weights, bias }]).unwrap()
}

#[test]
fn corrected_biases_take_out_the_mean_error_of_weights() {
    let mut rng = rng(51);
    let (inputs, outputs) = (64, 8);
    // Small weights beside a great one are rounded to nothing; bright pictures make the loss add up.
    let weights: Vec<f32> = (0..inputs * outputs)
        .map(|at| match at % inputs {
            0 => 3.0,
            _ => rng.random_range(0.0..0.011),
        })
        .collect();
    let bias = (0..outputs).map(|_| rng.random_range(-0.5..0.5)).collect();
    let model = single(inputs, weights, bias);
    let bytes = 16 * model.graph().input.elements();
    let pixels: Vec<u8> = (0..bytes).map(|_| rng.random_range(150..=255)).collect();
    let observations = observe(&model, &pixels).unwrap();
    let ranges = observations.ranges(Calibration::MinMax).unwrap();
    let floats = model.run(&pixels).unwrap();
    // The mean error of each output channel, in steps of the output.
    let errors = |int8: Int8Model| -> Vec<f64> {
        let output = int8.output_quantisation();
        let integers = Interpreter::new(int8)
            .run(&common::inputs(&pixels))
            .unwrap();
        let mut errors = vec![0.0; outputs];
        for (at, (&integer, &float)) in integers.iter().zip(&floats).enumerate() {
            let steps = (output.real(integer) - f64::from(float)) / f64::from(output.scale);
            errors[at % outputs] += steps * outputs as f64 / floats.len() as f64;
        }
        errors.iter().map(|error| error.abs()).collect()
    };
    let sum = |errors: Vec<f64>| errors.iter().sum::<f64>() / outputs as f64;
    let plain = sum(errors(quantise(&model, &ranges).unwrap()));
    let corrected = quantise_corrected(&model, &ranges, &observations).unwrap();
    let corrected = sum(errors(corrected));
    // Rounding 64 outputs to whole steps leaves a mean error of 0.3 / 8 of a step.
    assert!(corrected < 0.15, "{corrected} steps");
    assert!(plain > 10.0 * corrected, "{plain}, {corrected} steps");
}

#[test]
fn observations_of_another_model_are_refused() {
    let mut rng = rng(52);
    let models = [2, 3].map(|inputs| single(inputs, vec![0.5; 2 * inputs], vec![0.0; 2]));
    let pixels = random_pixels(models[1].graph().input, 4, &mut rng);
    let observations = observe(&models[1], &pixels).unwrap();
    let ranges = observations.ranges(Calibration::MinMax).unwrap();
    let refused = quantise_corrected(&models[0], &ranges, &observations);
    assert!(matches!(refused, Err(QuantiseError::Model(_))));
}

#[test]
fn what_is_seen_does_not_depend_on_the_number_of_threads() {
    let mut rng = rng(53);
    let model = random_model(Spec::random(&mut rng).graph(), &mut rng);
    let pixels = random_pixels(model.graph().input, 71, &mut rng);
    let seen = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| observe(&model, &pixels).unwrap())
    };
    assert!(seen(1) == seen(3));
}

#[test]
fn the_more_is_cut_off_the_narrower_the_range() {
    for seed in 60..64 {
        let mut rng = rng(seed);
        let model = random_model(Spec::random(&mut rng).graph(), &mut rng);
        let pixels = random_pixels(model.graph().input, 40, &mut rng);
        let seen = observe(&model, &pixels).unwrap();
        let mut wider = seen.ranges(Calibration::MinMax).unwrap();
        for share in [100.0, 99.99, 99.9, 90.0, 60.0] {
            let ranges = seen.ranges(Calibration::Percentile(share)).unwrap();
            for (narrow, wide) in ranges.0.iter().zip(&wider.0) {
                assert!(narrow.min >= wide.min && narrow.max <= wide.max, "{share}");
                assert!(narrow.min <= 0.0 && narrow.max >= 0.0, "{share}");
            }
            wider = ranges;
        }
    }
}
