//! The engine against a reference in f64, and that against finite differences.

pub(crate) mod reference;
pub(crate) mod tape;

use std::collections::BTreeMap;

use danas_data::{Colour, DataConfig, Streams};
use danas_kernels::Isa;
use danas_space::{Architecture, Block, Candidate, Expansion, NetworkSpace, Stage, StageSpace};
use rand::RngExt;

use super::expansion::is_recomputed;
use super::subnet::{Input, Subnet};
use super::{Workspace, backward, forward};
use crate::checkpoint::NamedTensor;
use crate::loss;
use crate::supernet::Supernet;

const CLASSES: usize = 3;
const IMAGES: usize = 15;
/// What a picture of each class counts in the loss.
const WEIGHTS: [f32; CLASSES] = [0.25, 1.0, 4.0];

/// A small space with everything elastic in it.
pub(crate) fn space() -> NetworkSpace {
    let stage = |stride, widths: &[usize], depths: [usize; 2], expansions: &[u16]| StageSpace {
        stride,
        widths: widths.to_vec(),
        min_depth: depths[0],
        max_depth: depths[1],
        expansions: expansions.iter().copied().map(Expansion).collect(),
        kernels: vec![3, 5, 7],
    };
    NetworkSpace {
        name: "small".to_owned(),
        stem: vec![8, 16],
        stem_strides: vec![2, 1],
        fine_stem_up_to: 16,
        head: vec![0, 16, 24],
        head_after_last_stage: false,
        tied_expansion: false,
        mono_width_percent: 100,
        width_percents: Vec::new(),
        stages: vec![
            stage(1, &[8], [1, 1], &[10, 20]),
            stage(2, &[8, 16], [1, 3], &[10, 20, 30]),
            stage(2, &[16, 24], [0, 2], &[20, 40]),
        ],
    }
}

/// Stride, width, and the blocks' kernels and expansions.
type StageGenes<'a> = (usize, usize, &'a [(usize, u16)]);

fn candidate(
    colour: Colour,
    stem_stride: usize,
    head: usize,
    stages: &[StageGenes<'_>],
) -> Candidate {
    let stages = stages.iter().map(|&(stride, width, blocks)| Stage {
        stride,
        width,
        blocks: blocks
            .iter()
            .map(|&(kernel, expansion)| Block {
                kernel,
                expansion: Expansion(expansion),
            })
            .collect(),
    });
    Candidate {
        data: DataConfig {
            resolution: if stem_stride == 1 { 11 } else { 21 },
            colour,
        },
        network: Architecture {
            stem: 8,
            stem_stride,
            head,
            stages: stages.collect(),
        },
    }
}

/// Candidates that between them have every kind of part: residuals with and without expansion, sub-kernels, both
/// colours, both kinds of end, an empty stage.
fn candidates() -> Vec<Candidate> {
    vec![
        candidate(
            Colour::Rgb,
            2,
            16,
            &[
                (1, 8, &[(3, 10)]),
                (2, 16, &[(5, 30), (3, 20), (7, 10)]),
                (2, 24, &[(3, 40), (5, 20)]),
            ],
        ),
        candidate(
            Colour::Mono,
            1,
            0,
            &[
                (1, 8, &[(5, 10)]),
                (2, 8, &[(3, 10), (5, 10)]),
                (2, 16, &[]),
            ],
        ),
        candidate(
            Colour::Mono,
            2,
            24,
            &[(1, 8, &[(7, 20)]), (2, 16, &[(7, 20)]), (2, 16, &[(3, 20)])],
        ),
    ]
}

/// A supernet whose gammas and betas are not their starting values, so that no gradient is zero by chance.
fn supernet() -> Supernet {
    let streams = Streams::new(7);
    let mut supernet = Supernet::new(&space(), CLASSES, &streams);
    let mut rng = streams.stream("shake", 0);
    for value in supernet.parameters.values_mut() {
        *value += 0.3 * (rng.random::<f32>() - 0.3);
    }
    supernet
}

fn pictures(candidate: &Candidate) -> (Vec<u8>, Vec<usize>) {
    let shape = candidate.data.input_shape();
    let mut rng = Streams::new(3).stream("pictures", 0);
    let bytes = IMAGES * shape.height * shape.width * shape.channels;
    (
        (0..bytes).map(|_| rng.random::<u8>()).collect(),
        (0..IMAGES).map(|i| i % CLASSES).collect(),
    )
}

struct Probe {
    subnet: Subnet,
    pixels: Vec<u8>,
    targets: Vec<f32>,
    /// What every picture counts.
    weights: Vec<f32>,
    workspace: Workspace,
}

impl Probe {
    fn new(supernet: &Supernet, candidate: &Candidate) -> Self {
        let (pixels, labels) = pictures(candidate);
        let mut targets = Vec::new();
        loss::smoothed_labels(&labels, CLASSES, 0.1, &mut targets);
        Probe {
            subnet: Subnet::new(supernet, candidate),
            pixels,
            targets,
            weights: labels.iter().map(|&label| WEIGHTS[label]).collect(),
            workspace: Workspace::new(supernet.isa),
        }
    }

    /// The same in f64.
    fn reference(&self, tensors: &[NamedTensor], candidate: &Candidate) -> reference::Reference {
        let (targets, weights) = (in_f64(&self.targets), in_f64(&self.weights));
        reference::run(tensors, candidate, &self.pixels, &targets, &weights)
    }

    /// The loss and the gradient of all parameters.
    fn gradient(&mut self, supernet: &Supernet) -> (f64, Vec<f32>) {
        let (subnet, parameters, ws) = (&self.subnet, &supernet.parameters, &mut self.workspace);
        ws.weights.pack(supernet.isa, subnet, parameters, true);
        forward(subnet, parameters, ws, &self.pixels, IMAGES);
        let logits = &ws.logits[..IMAGES * CLASSES];
        let mut logit_gradient = Vec::new();
        let loss = loss::cross_entropy(
            logits,
            &self.targets,
            &self.weights,
            CLASSES,
            &mut logit_gradient,
        );
        let mut gradient = vec![0.0; parameters.len()];
        backward(
            subnet,
            parameters,
            ws,
            &self.pixels,
            &logit_gradient,
            &mut gradient,
        );
        (f64::from(loss), gradient)
    }
}

/// What a network's gradients may differ by from the reference, relative to their norm.
const TOLERANCE: f64 = 1e-3;

/// Asserts that the gradients of all tensors, by name, are those expected: each tensor's on its own, and all together.
/// A BatchNorm behind a linear one takes its shift away again, so that some gradients are nothing but rounding: no
/// tensor is asked for more than the tolerance of a thousandth of the whole.
pub(crate) fn assert_gradients(got: &[NamedTensor], expected: &BTreeMap<String, Vec<f64>>) {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let whole = norm(&mut expected.values().flatten().copied());
    let mut distances = Vec::new();
    for tensor in got {
        let expected = &expected[&tensor.name];
        assert_eq!(tensor.values.len(), expected.len(), "{}", tensor.name);
        let pairs = tensor.values.iter().zip(expected);
        let distance = norm(&mut pairs.map(|(got, expected)| f64::from(*got) - expected));
        let size = norm(&mut expected.iter().copied());
        assert!(
            distance <= TOLERANCE * size.max(1e-3 * whole),
            "{}: off by {distance} of {size}",
            tensor.name
        );
        if size == 0.0 {
            let untouched = tensor.values.iter().all(|value| *value == 0.0);
            assert!(untouched, "{} has no part in the loss", tensor.name);
        }
        distances.push(distance);
    }
    let distance = norm(&mut distances.into_iter());
    assert!(
        distance <= TOLERANCE * whole,
        "off by {distance} of {whole}"
    );
}

fn in_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// What the tests below show holds for expansions that are stored and for those that are not, behind the stem and behind
/// blocks, with residuals and without.
#[test]
fn candidates_have_expansions_of_both_kinds() {
    let supernet = supernet();
    let mut kinds = std::collections::BTreeSet::new();
    for candidate in candidates() {
        let subnet = Subnet::new(&supernet, &candidate);
        for block in &subnet.blocks {
            if let Some(unit) = block.expand.map(|unit| &subnet.units[unit]) {
                let behind_stem = unit.source == Input::Unit(0);
                kinds.insert((is_recomputed(unit, IMAGES), block.residual, behind_stem));
            }
        }
    }
    let recomputed = |residual, behind_stem| kinds.contains(&(true, residual, behind_stem));
    assert!(
        recomputed(true, false) && recomputed(false, false),
        "{kinds:?}"
    );
    assert!(kinds.iter().any(|kind| !kind.0), "{kinds:?}");
}

#[test]
fn gradients_are_those_of_the_reference() {
    for (candidate, isa) in candidates().iter().flat_map(|candidate| {
        Isa::available()
            .into_iter()
            .map(move |isa| (candidate, isa))
    }) {
        let supernet = supernet().with_isa(isa);
        let mut probe = Probe::new(&supernet, candidate);
        let (loss, gradient) = probe.gradient(&supernet);
        let expected = probe.reference(&supernet.tensors(), candidate);
        assert!(
            (loss - expected.loss).abs() < 1e-4 * expected.loss,
            "{loss}"
        );
        let logits = &probe.workspace.logits[..IMAGES * CLASSES];
        for (got, expected) in logits.iter().zip(&expected.logits) {
            assert!(
                (f64::from(*got) - expected).abs() < 1e-3,
                "{got}, {expected}"
            );
        }
        assert_gradients(
            &supernet.parameters.export("", &gradient),
            &expected.gradients,
        );
    }
}

/// The reference's gradients are held against differences of its own loss along random directions through all weights.
#[test]
fn gradients_of_the_reference_agree_with_differences() {
    for (number, candidate) in candidates().iter().enumerate() {
        let supernet = supernet();
        let probe = Probe::new(&supernet, candidate);
        let run = |tensors: &[NamedTensor]| probe.reference(tensors, candidate);
        let (start, mut rng) = (supernet.tensors(), Streams::new(11).stream("directions", 0));
        let here = run(&start);
        // Short, because every ReLU6 that is crossed on the way bends the loss.
        let steps: Vec<f32> = (0..supernet.parameters())
            .map(|_| 1e-6 * (rng.random::<f32>() - 0.5))
            .collect();
        let moved = |sign: f32| {
            let mut steps = steps.iter();
            let mut tensors = start.clone();
            for value in tensors.iter_mut().flat_map(|tensor| &mut tensor.values) {
                *value += sign * steps.next().expect("one step per value");
            }
            tensors
        };
        let (ahead, behind) = (moved(1.0), moved(-1.0));
        // Weights are f32: what counts is how far they moved, not how far they should have.
        let (mut expected, mut size) = (0.0, 0.0);
        for (ahead, behind) in ahead.iter().zip(&behind) {
            let gradient = &here.gradients[ahead.name.trim_start_matches("value/")];
            for ((ahead, behind), slope) in ahead.values.iter().zip(&behind.values).zip(gradient) {
                let way = f64::from(*ahead) - f64::from(*behind);
                expected += slope * way;
                size += (slope * way).powi(2);
            }
        }
        let difference = run(&ahead).loss - run(&behind).loss;
        assert!(
            (difference - expected).abs() < 1e-3 * size.sqrt(),
            "candidate {number}: {difference}, expected {expected} of {size:e}"
        );
    }
}

#[test]
fn one_step_is_the_same_on_any_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            let supernet = supernet();
            Probe::new(&supernet, &candidates()[0]).gradient(&supernet)
        })
    };
    assert!(
        run(1) == run(3),
        "gradients depend on the number of threads"
    );
}
