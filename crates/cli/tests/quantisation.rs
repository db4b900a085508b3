//! Networks that were really trained, from the supernet's room to that of deployment: what fine-tuning simulates is what
//! the interpreter computes, and it repairs what quantisation has damaged.

use danas_data::{
    Batch, Colour, DataConfig, DataSpace, Dataset, LoadOptions, ScanOptions, Source, Split,
    Streams, load, scan,
};
use danas_deploy::{
    Calibration, Evaluation, Examples, FloatModel, Int8Model, Interpreter, LayerParameters,
    calibrate, choose, observe, quantise,
};
use danas_space::{Candidate, Graph, NetworkSpace, Operator, Sampler, SearchSpace, lower};
use danas_supernet::{
    FineTuner, Grid, ScoringOptions, SingleTrainer, Supernet, Trained, TrainingOptions,
};

/// The most multiply-accumulates of a network.
const MACS: f64 = 500_000.0;
const STEPS: u32 = 200;

fn dataset() -> Dataset {
    let source: Source = "synthetic:objects,size=32,train=1200,test=300,classes=4,seed=2"
        .parse()
        .expect("a source");
    let catalogue = scan(&source, &ScanOptions::default()).expect("a catalogue");
    let options = LoadOptions {
        finest: 32,
        ..LoadOptions::default()
    };
    load(&catalogue, &options, &|_| {}).expect("pictures")
}

/// Small networks, each trained for a few seconds, with their data configurations.
fn networks(dataset: &Dataset, count: usize) -> Vec<(DataConfig, Trained)> {
    let data = DataSpace::new(vec![24, 32], vec![Colour::Mono, Colour::Rgb]).expect("a space");
    let space = SearchSpace::new(data, NetworkSpace::default_space()).expect("a space");
    let classes = dataset.classes().len();
    let excess =
        |candidate: &Candidate| (lower(candidate, classes).macs() as f64 / MACS - 1.0).max(0.0);
    let sampler = Sampler::new(&space, &excess).expect("small networks");
    let streams = Streams::new(3);
    let mut rng = streams.stream("networks", 0);
    (0..count)
        .map(|_| {
            let candidate = sampler.sample(&mut rng);
            let supernet = Supernet::new(&space.envelope(), classes, &streams);
            (candidate.data, train(dataset, supernet, &candidate))
        })
        .collect()
}

fn train(dataset: &Dataset, supernet: Supernet, candidate: &Candidate) -> Trained {
    let options = TrainingOptions {
        batch: 32,
        ..TrainingOptions::final_training()
    };
    let mut trainer = SingleTrainer::new(supernet, candidate, options);
    let order = dataset.epoch_order(0);
    for step in 0..STEPS {
        let examples = (order.iter().cycle())
            .skip(step as usize * options.batch % order.len())
            .take(options.batch);
        let examples: Vec<usize> = examples.copied().collect();
        let batch = dataset.training_batch(&examples, u64::from(step), candidate.data);
        let progress = f64::from(step) / f64::from(STEPS);
        trainer.step(&batch, None, progress).expect("a step");
    }
    let scoring = ScoringOptions::default();
    Trained::extract(trainer.supernet(), candidate, dataset, scoring)
}

fn pictures(dataset: &Dataset, split: Split, count: usize, config: DataConfig) -> Batch {
    dataset.evaluation_batch(split, &dataset.spread(split, count), config)
}

/// A network for the room of deployment; its first `layers` layers.
fn float_model(trained: &Trained, layers: usize) -> FloatModel {
    let graph = Graph {
        input: trained.graph.input,
        layers: trained.graph.layers[..layers].to_vec(),
    };
    float_model_of(graph, &trained.parameters[..layers])
}

fn float_model_of(graph: Graph, parameters: &[danas_supernet::LayerParameters]) -> FloatModel {
    let parameters = parameters.iter().map(|layer| LayerParameters {
        weights: layer.weights.clone(),
        bias: layer.bias.clone(),
    });
    FloatModel::new(graph, parameters.collect()).expect("a model")
}

fn grids(model: &Int8Model) -> Vec<Grid> {
    let quantisations = model.quantisations().iter();
    quantisations
        .map(|quantisation| Grid::new(quantisation.scale, quantisation.zero_point))
        .collect()
}

/// Integers may differ where a sum lies in the middle between two: an average over the four pixels of a map often does,
/// and the interpreter rounds it away from zero, the simulation to even.
#[test]
fn what_is_simulated_is_what_the_interpreter_computes() {
    let dataset = dataset();
    for (config, trained) in networks(&dataset, 4) {
        let samples = pictures(&dataset, Split::Train, 64, config);
        // Without the softmax, so that the outputs are the integers of the logits.
        let model = float_model(&trained, trained.graph.layers.len() - 1);
        let ranges = calibrate(&model, &samples.pixels, Calibration::LeastError).expect("ranges");
        let int8 = quantise(&model, &ranges).expect("an int8 model");
        let output = int8.output_quantisation();
        let mut grids = grids(&int8);
        grids.push(Grid::new(1.0 / 256.0, -128));
        let (options, streams) = (FineTuner::options(), Streams::new(0));
        let tuner = FineTuner::new(&trained, &grids, &dataset, options, &streams);

        let shown = pictures(&dataset, Split::Validation, 100, config);
        let inputs: Vec<i8> = (shown.pixels.iter())
            .map(|&pixel| (pixel ^ 0x80) as i8)
            .collect();
        let integers = Interpreter::new(int8).run(&inputs).expect("outputs");
        let simulated = tuner.logits(&shown.pixels);
        assert_eq!(integers.len(), simulated.len());
        let distances = integers.iter().zip(&simulated).map(|(&integer, &logit)| {
            let steps = f64::from(logit) / f64::from(output.scale) + f64::from(output.zero_point);
            assert!((steps - steps.round()).abs() < 1e-2, "{logit} is no step");
            (steps.round() - f64::from(integer)).abs()
        });
        let distances: Vec<f64> = distances.collect();
        let greatest = distances.iter().copied().fold(0.0, f64::max);
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        assert!(greatest <= 2.0, "{greatest} steps");
        assert!(mean < 0.1, "{mean} steps on average");
    }
}

/// Makes half of the channels of every depthwise convolution smaller by `factor` and what reads them larger. In float
/// this changes nearly nothing; an activation has one scale for all channels, and weights one for all inputs of an output.
fn unbalance(trained: &mut Trained, factor: f32) {
    for index in 0..trained.graph.layers.len() {
        let Operator::Depthwise { .. } = trained.graph.layers[index].operator else {
            continue;
        };
        let channels = trained.graph.layers[index].output.channels;
        let is_smaller = |at: usize| at % channels % 2 == 1;
        let [own, next, ..] = &mut trained.parameters[index..] else {
            unreachable!("a projection follows");
        };
        for values in [&mut own.weights, &mut own.bias] {
            for (at, value) in values.iter_mut().enumerate() {
                *value /= if is_smaller(at) { factor } else { 1.0 };
            }
        }
        for (at, weight) in next.weights.iter_mut().enumerate() {
            *weight *= if is_smaller(at) { factor } else { 1.0 };
        }
    }
}

#[test]
fn fine_tuning_repairs_a_damaged_network() {
    let dataset = dataset();
    for (config, mut trained) in networks(&dataset, 2) {
        let layers = trained.graph.layers.len();
        let shown = pictures(&dataset, Split::Validation, usize::MAX, config);
        let samples = pictures(&dataset, Split::Train, 256, config);
        let evaluate = |model: Int8Model| -> Evaluation {
            let interpreter = Interpreter::new(model);
            let evaluation = interpreter.evaluate(&shown.pixels, &shown.labels);
            evaluation.expect("pictures that fit")
        };
        let chosen = |trained: &Trained| {
            let model = float_model(trained, layers);
            let observations = observe(&model, &samples.pixels).expect("observations");
            let validation = Examples {
                pixels: &shown.pixels,
                labels: &shown.labels,
            };
            let float = model.evaluate(&shown.pixels, &shown.labels);
            let choice = choose(&model, &observations, validation).expect("a choice");
            (float.expect("pictures that fit"), choice)
        };
        let (_, healthy) = chosen(&trained);
        unbalance(&mut trained, 64.0);
        let (float, damaged) = chosen(&trained);
        let lost = float.accuracy - damaged.evaluation.accuracy;
        assert!(lost > 0.02, "only {lost} lost, nothing to repair");

        let grids = grids(&damaged.model);
        let (options, streams) = (FineTuner::options(), Streams::new(5));
        let mut tuner = FineTuner::new(&trained, &grids, &dataset, options, &streams);
        for step in 0..STEPS {
            let progress = f64::from(step) / f64::from(STEPS);
            tuner.step(progress).expect("a step");
        }
        let tuned = float_model_of(trained.graph.clone(), &tuner.parameters());
        let repaired = evaluate(quantise(&tuned, &damaged.ranges).expect("an int8 model"));
        let still_lost = float.accuracy - repaired.accuracy;
        assert!(
            still_lost < lost / 2.0,
            "float {}, int8 {} (before {}), fine-tuned {}",
            float.accuracy,
            damaged.evaluation.accuracy,
            healthy.evaluation.accuracy,
            repaired.accuracy
        );
        assert!(repaired.brier < damaged.evaluation.brier);
    }
}
