//! The simulated network against a reference in f64, and fine-tuning itself.

use std::collections::BTreeMap;

use danas_data::{Dataset, Split, Streams};
use danas_kernels::Isa;
use danas_space::{Activation, Graph, Operator, Sampler};
use rand::RngExt;

use super::grid::Grid;
use super::tuner::FineTuner;
use crate::checkpoint::NamedTensor;
use crate::engine::tests::tape::{Convolution, Tape, Var};
use crate::tests::{anything, dataset, imbalanced_dataset, search_space};
use crate::{ScoringOptions, Supernet, Trained};

/// Networks with weights that are random but for BatchNorm's statistics, in every set of instructions.
fn networks(dataset: &Dataset, isa: Isa) -> Vec<Trained> {
    let (space, streams) = (search_space(), Streams::new(21));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let classes = dataset.classes().len();
    let mut supernet = Supernet::new(&space.envelope(), classes, &streams).with_isa(isa);
    let mut rng = streams.stream("shake", 0);
    for value in supernet.parameters.values_mut() {
        *value += 0.3 * (rng.random::<f32>() - 0.3);
    }
    let scoring = ScoringOptions {
        calibration_examples: 64,
        validation_examples: 0,
        ..ScoringOptions::default()
    };
    let candidates = (0..4).map(|_| sampler.sample(&mut rng));
    candidates
        .map(|candidate| Trained::extract(&supernet, &candidate, dataset, scoring))
        .collect()
}

/// The scale and the zero point of every tensor of a graph, so coarse and so narrow that rounding and clipping matter.
fn quantisations(graph: &Graph) -> Vec<(f32, i8)> {
    let mut all = vec![(1.0 / 128.0, 0)];
    for layer in &graph.layers {
        let relu6 = matches!(
            layer.operator,
            Operator::Convolution {
                activation: Activation::Relu6,
                ..
            } | Operator::Depthwise { .. }
        );
        all.push(match layer.operator {
            Operator::GlobalAveragePool => all[layer.inputs[0].0],
            _ if relu6 => (4.0 / 255.0, -128),
            _ => (6.0 / 255.0, 11),
        });
    }
    all
}

fn grids(graph: &Graph) -> Vec<Grid> {
    let all = quantisations(graph).into_iter();
    all.map(|(scale, zero_point)| Grid::new(scale, zero_point))
        .collect()
}

/// Rounds an activation as its definition says.
fn round_activation(tape: &mut Tape, x: Var, (scale, zero_point): (f32, i8), relu6: bool) -> Var {
    let (scale, zero_point) = (f64::from(scale), f64::from(zero_point));
    let real = |q: f64| scale * (q - zero_point);
    let (mut least, mut greatest) = (real(-128.0), real(127.0));
    if relu6 {
        (least, greatest) = (least.max(0.0), greatest.min((6.0 / scale).round() * scale));
    }
    let value = (tape.value(x).iter())
        .map(|x| real((x.clamp(least, greatest) / scale + zero_point).round()))
        .collect();
    tape.straight_through(x, value, move |x| x > least && x < greatest)
}

/// The scales of weights `[rows, columns]`.
fn weight_scales(weights: &[f64], columns: usize) -> Vec<f64> {
    let scale = |column: usize| {
        let magnitudes = weights.iter().skip(column).step_by(columns);
        magnitudes.fold(0.0f64, |most, w| most.max(w.abs())) / 127.0
    };
    (0..columns).map(scale).collect()
}

/// Rounds values, whose last dimension is as long as `scales`.
fn round_to_scales(tape: &mut Tape, x: Var, scales: &[f64]) -> Var {
    let value = (tape.value(x).iter().enumerate())
        .map(|(at, x)| (x / scales[at % scales.len()]).round() * scales[at % scales.len()])
        .collect();
    tape.straight_through(x, value, |_| true)
}

struct Reference {
    loss: f64,
    logits: Vec<f64>,
    gradients: BTreeMap<String, Vec<f64>>,
}

/// Runs a graph with named parameters in f64, everything rounded.
fn reference(
    graph: &Graph,
    parameters: &[NamedTensor],
    pixels: &[u8],
    targets: &[f32],
    weights: &[f64],
) -> Reference {
    let images = weights.len();
    let mut tape = Tape::default();
    let named: BTreeMap<String, Var> = (parameters.iter())
        .map(|tensor| {
            let values = tensor.values.iter().map(|&value| f64::from(value));
            (tensor.name.clone(), tape.leaf(values.collect()))
        })
        .collect();
    let quantisations = quantisations(graph);
    let pixels = pixels.iter().map(|&p| (f64::from(p) - 128.0) / 128.0);
    let mut tensors = vec![tape.leaf(pixels.collect())];
    for (layer, &quantisation) in graph.layers.iter().zip(&quantisations[1..]) {
        let x = tensors[layer.inputs[0].0];
        let input = graph.shape(layer.inputs[0]);
        let shape = |kernel, stride, depthwise| Convolution {
            images,
            side: input.height,
            inputs: input.channels,
            outputs: layer.output.channels,
            kernel,
            stride,
            depthwise,
        };
        let (window, relu6) = match layer.operator {
            Operator::Convolution {
                kernel,
                stride,
                activation,
            } => (
                Some(shape(kernel, stride, false)),
                activation == Activation::Relu6,
            ),
            Operator::Depthwise { kernel, stride, .. } => (Some(shape(kernel, stride, true)), true),
            Operator::Dense => (Some(shape(1, 1, false)), false),
            _ => (None, false),
        };
        let computed = match (window, layer.operator) {
            (Some(window), _) => {
                let weights = named[&format!("{}.weight", layer.name)];
                let mut scales = weight_scales(tape.value(weights), layer.output.channels);
                let rounded = round_to_scales(&mut tape, weights, &scales);
                let sums = tape.convolution(x, rounded, window);
                let input = f64::from(quantisations[layer.inputs[0].0].0);
                scales.iter_mut().for_each(|scale| *scale *= input);
                let bias = named[&format!("{}.bias", layer.name)];
                let bias = round_to_scales(&mut tape, bias, &scales);
                tape.bias(sums, bias)
            }
            (None, Operator::Add) => tape.add(x, tensors[layer.inputs[1].0]),
            (None, Operator::GlobalAveragePool) => tape.average(x, images, input.channels),
            (None, _) => break,
        };
        tensors.push(round_activation(&mut tape, computed, quantisation, relu6));
    }
    let logits = *tensors.last().expect("a classifier");
    let targets = targets.iter().map(|&target| f64::from(target)).collect();
    let loss = tape.cross_entropy(logits, targets, weights.to_vec());
    let gradients = tape.gradients(loss);
    let of_tensor =
        |(name, var): (&String, &Var)| (name.clone(), tape.gradient(&gradients, *var).to_vec());
    Reference {
        loss: tape.value(loss)[0],
        logits: tape.value(logits).to_vec(),
        gradients: named.iter().map(of_tensor).collect(),
    }
}

/// What gradients may differ by from the reference, relative to their norm. Sums in f32 and in f64 come to lie on two
/// sides of a tie once in some ten thousand values, which then differ by a whole step, and what follows from them too.
const TOLERANCE: f64 = 0.03;

#[test]
fn gradients_are_those_of_the_reference() {
    let dataset = imbalanced_dataset();
    let examples = dataset.spread(Split::Train, 6);
    let labels = dataset.labels(Split::Train);
    let weight = |label: &usize| {
        let alike = labels.iter().filter(|other| *other == label).count();
        labels.len() as f64 / (dataset.classes().len() * alike) as f64
    };
    for isa in Isa::available() {
        for trained in networks(&dataset, isa) {
            let graph = &trained.graph;
            let options = FineTuner::options();
            let streams = Streams::new(3);
            let mut tuner = FineTuner::new(&trained, &grids(graph), &dataset, options, &streams);
            let batch = dataset.evaluation_batch(Split::Train, &examples, trained.config());
            let mut targets = Vec::new();
            crate::loss::smoothed_labels(&batch.labels, graph.classes(), 0.1, &mut targets);
            let weights: Vec<f64> = batch.labels.iter().map(weight).collect();
            let loss = tuner.learn_targets(&batch, &targets);
            let tensors = tuner.tensors();
            let expected = reference(graph, &tensors, &batch.pixels, &targets, &weights);
            assert!((f64::from(loss) - expected.loss).abs() < 0.01 * expected.loss);
            let logits = tuner.logits(&batch.pixels);
            let off = (logits.iter().zip(&expected.logits))
                .filter(|(got, expected)| (f64::from(**got) - **expected).abs() > 1e-4)
                .count();
            assert!(off * 10 <= logits.len(), "{off} of {}", logits.len());

            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
            let (mut distance, mut size) = (0.0, 0.0);
            for tensor in tuner.gradient() {
                let expected = &expected.gradients[&tensor.name];
                let pairs = tensor.values.iter().zip(expected);
                distance += norm(&mut pairs.map(|(got, expected)| f64::from(*got) - expected));
                size += norm(&mut expected.iter().copied());
            }
            assert!(size > 0.0, "no gradient");
            let off = (distance / size).sqrt();
            assert!(off < TOLERANCE, "{isa:?}: gradients off by {off}");
        }
    }
}

#[test]
fn a_network_that_is_not_trained_keeps_its_parameters() {
    let dataset = dataset();
    for trained in networks(&dataset, Isa::detect()) {
        let grids = grids(&trained.graph);
        let options = FineTuner::options();
        let tuner = FineTuner::new(&trained, &grids, &dataset, options, &Streams::new(3));
        assert!(tuner.parameters() == trained.parameters);
    }
}

#[test]
fn fine_tuning_does_not_depend_on_the_number_of_threads() {
    let dataset = dataset();
    let trained = &networks(&dataset, Isa::detect())[0];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            let (grids, options) = (grids(&trained.graph), FineTuner::options());
            let streams = Streams::new(4);
            let mut tuner = FineTuner::new(trained, &grids, &dataset, options, &streams);
            let step = |step| tuner.step(f64::from(step) / 8.0).expect("a step").loss;
            let losses: Vec<f32> = (0..8).map(step).collect();
            (losses, tuner.parameters())
        })
    };
    let one = run(1);
    assert!(one == run(3), "another way on more threads");
    assert!(one.1 != trained.parameters, "nothing was learnt");
}
