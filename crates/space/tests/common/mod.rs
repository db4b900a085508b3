//! What several tests share: spaces, generators and limits that need no board.
#![allow(dead_code)] // each test file uses its own part

use danas_data::{Colour, DataConfig, DataSpace};
use danas_space::{Candidate, Expansion, Graph, NetworkSpace, SearchSpace, StageSpace, lower};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn config(resolution: usize, colour: Colour) -> DataConfig {
    DataConfig { resolution, colour }
}

/// The built-in networks under seven resolutions and both colour modes.
pub(crate) fn mobile() -> SearchSpace {
    SearchSpace::new(DataSpace::njor2025(), NetworkSpace::default_space()).expect("a valid space")
}

/// The most bytes that a layer's inputs and output take: a rough measure of memory.
pub(crate) fn peak(graph: &Graph) -> usize {
    let bytes = |layer: &danas_space::Layer| {
        let inputs: usize = layer
            .inputs
            .iter()
            .map(|&tensor| graph.shape(tensor).elements())
            .sum();
        inputs + layer.output.elements()
    };
    graph.layers.iter().map(bytes).max().unwrap_or(0)
}

/// Limits on memory, weights and multiply-accumulates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) peak: usize,
    pub(crate) weights: usize,
    pub(crate) macs: u64,
}

impl Limits {
    pub(crate) const NONE: Limits = Limits {
        peak: usize::MAX,
        weights: usize::MAX,
        macs: u64::MAX,
    };

    pub(crate) fn violation(&self, candidate: &Candidate) -> f64 {
        let graph = lower(candidate, 10);
        let over = |value: f64, limit: f64| (value / limit - 1.0).max(0.0);
        over(peak(&graph) as f64, self.peak as f64)
            + over(graph.weights() as f64, self.weights as f64)
            + over(graph.macs() as f64, self.macs as f64)
    }
}

/// A space of few networks with everything in it: optional stages, choices of every kind.
pub(crate) fn tiny(tied: bool, head_after_last_stage: bool) -> NetworkSpace {
    let stage = |min_depth, max_depth| StageSpace {
        stride: 2,
        widths: vec![8, 16],
        min_depth,
        max_depth,
        expansions: vec![Expansion(20), Expansion(30)],
        kernels: vec![3, 5],
    };
    NetworkSpace {
        name: "tiny".to_owned(),
        stem: vec![8],
        stem_strides: vec![2, 1],
        fine_stem_up_to: 48,
        head: vec![16, 32, 64],
        head_after_last_stage,
        tied_expansion: tied,
        mono_width_percent: 50,
        width_percents: Vec::new(),
        stages: vec![
            StageSpace {
                expansions: vec![Expansion::NONE],
                ..stage(1, 1)
            },
            stage(0, 2),
            stage(0, 1),
        ],
    }
}

/// The same with all widths chosen together.
pub(crate) fn multiplied(head_after_last_stage: bool) -> NetworkSpace {
    let mut space = NetworkSpace {
        width_percents: vec![25, 50, 100],
        mono_width_percent: 100,
        stem: vec![8, 8, 16],
        ..tiny(false, head_after_last_stage)
    };
    for stage in &mut space.stages {
        stage.widths = vec![8, 16, 16];
    }
    space
}
