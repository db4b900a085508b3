//! The engine against finite differences, and against a plain network made of the extracted weights.

use danas_data::{Colour, DataConfig, Streams};
use danas_space::{Architecture, Block, Candidate, Expansion, NetworkSpace, Stage, StageSpace};
use rand::RngExt;

use super::subnet::Subnet;
use super::{Workspace, backward, forward};
use crate::loss;
use crate::supernet::Supernet;

const CLASSES: usize = 3;
const IMAGES: usize = 10;

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
        stages: vec![
            stage(1, &[8], [1, 1], &[10]),
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
            &[(1, 8, &[(7, 10)]), (2, 16, &[(7, 20)]), (2, 16, &[(3, 20)])],
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
            workspace: Workspace::new(supernet.isa),
        }
    }

    fn loss(&mut self, supernet: &Supernet, logit_gradient: &mut Vec<f32>) -> f64 {
        let ws = &mut self.workspace;
        ws.weights
            .pack(supernet.isa, &self.subnet, &supernet.parameters, true);
        forward(&self.subnet, &supernet.parameters, ws, &self.pixels, IMAGES);
        let logits = &ws.logits[..IMAGES * CLASSES];
        f64::from(loss::cross_entropy(
            logits,
            &self.targets,
            CLASSES,
            logit_gradient,
        ))
    }
}

#[test]
fn gradients_agree_with_differences_along_random_directions() {
    for (number, candidate) in candidates().iter().enumerate() {
        let mut supernet = supernet();
        let mut probe = Probe::new(&supernet, candidate);
        let mut logit_gradient = Vec::new();
        probe.loss(&supernet, &mut logit_gradient);
        let mut gradient = vec![0.0; supernet.parameters.len()];
        backward(
            &probe.subnet,
            &supernet.parameters,
            &mut probe.workspace,
            &probe.pixels,
            &logit_gradient,
            &mut gradient,
        );
        let start = supernet.parameters.values().to_vec();
        let mut used = vec![false; start.len()];
        let tensors: Vec<_> = probe.subnet.tensors().collect();
        for tensor in tensors {
            let range = supernet.parameters.range(tensor);
            used[range.clone()].fill(true);
            // Along the gradient itself: the strongest signal that there is against rounding.
            let norm = gradient[range.clone()]
                .iter()
                .map(|g| f64::from(*g).powi(2))
                .sum::<f64>()
                .sqrt();
            let direction = |i: usize| match norm > 1e-5 {
                true => f64::from(gradient[i]) / norm,
                // A BatchNorm behind a linear one takes its shift away again: its gradient is really nothing.
                false => 1.0 / (range.len() as f64).sqrt(),
            };
            let mut along = |distance: f64| {
                let values = supernet.parameters.values_mut();
                values.copy_from_slice(&start);
                for i in range.clone() {
                    values[i] += (distance * direction(i)) as f32;
                }
                probe.loss(&supernet, &mut logit_gradient)
            };
            // Short, because every ReLU6 that a longer one crosses bends the loss; the tolerance is for rounding.
            let distance = 5e-4;
            let difference = (along(distance) - along(-distance)) / (2.0 * distance);
            let error = (difference - if norm > 1e-5 { norm } else { 0.0 }).abs() / (norm + 5e-3);
            assert!(
                error < 0.05,
                "candidate {number}, {}: {difference} against {norm}",
                supernet.parameters.name(tensor)
            );
        }
        let unused = gradient
            .iter()
            .zip(&used)
            .filter(|&(g, used)| !used && *g != 0.0)
            .count();
        assert_eq!(unused, 0, "gradient outside the candidate's tensors");
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
            let mut probe = Probe::new(&supernet, &candidates()[0]);
            let mut logit_gradient = Vec::new();
            probe.loss(&supernet, &mut logit_gradient);
            let mut gradient = vec![0.0; supernet.parameters.len()];
            backward(
                &probe.subnet,
                &supernet.parameters,
                &mut probe.workspace,
                &probe.pixels,
                &logit_gradient,
                &mut gradient,
            );
            gradient
        })
    };
    assert!(
        run(1) == run(3),
        "gradients depend on the number of threads"
    );
}
