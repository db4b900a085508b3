//! From genes to layers: names, shapes, and the counts that are published for MobileNetV2.

mod common;

use common::{config, mobile, rng};
use danas_data::Colour;
use danas_space::{
    Activation, Architecture, Block, Candidate, Expansion, NetworkSpace, Operator, SearchSpace,
    Stage, TensorId, lower,
};
use proptest::prelude::*;

fn stage(stride: usize, width: usize, expansions: &[u16]) -> Stage {
    let blocks = expansions
        .iter()
        .map(|&tenths| Block {
            kernel: 3,
            expansion: Expansion(tenths),
        })
        .collect();
    Stage {
        stride,
        width,
        blocks,
    }
}

fn small(resolution: usize) -> Candidate {
    Candidate {
        data: config(resolution, Colour::Rgb),
        network: Architecture {
            stem: 8,
            stem_stride: 2,
            stages: vec![
                stage(1, 8, &[10]),
                stage(2, 16, &[30, 20]),
                stage(2, 24, &[]),
            ],
            head: 32,
        },
    }
}

#[test]
fn layers_have_their_names_and_shapes() {
    let graph = lower(&small(33), 5);
    graph.validate().expect("a sound graph");
    let layers: Vec<(&str, [usize; 3])> = graph
        .layers
        .iter()
        .map(|layer| {
            let shape = layer.output;
            (
                layer.name.as_str(),
                [shape.height, shape.width, shape.channels],
            )
        })
        .collect();
    assert_eq!(
        layers,
        [
            ("stem", [17, 17, 8]),
            ("stage0.block0.depthwise", [17, 17, 8]),
            ("stage0.block0.project", [17, 17, 8]),
            ("stage1.block0.expand", [17, 17, 24]),
            ("stage1.block0.depthwise", [9, 9, 24]),
            ("stage1.block0.project", [9, 9, 16]),
            ("stage1.block1.expand", [9, 9, 32]),
            ("stage1.block1.depthwise", [9, 9, 32]),
            ("stage1.block1.project", [9, 9, 16]),
            ("stage1.block1.add", [9, 9, 16]),
            ("head", [9, 9, 32]),
            ("pool", [1, 1, 32]),
            ("classifier", [1, 1, 5]),
            ("softmax", [1, 1, 5]),
        ]
    );
    assert_eq!(graph.layers[9].inputs, [TensorId(6), TensorId(9)]);
    // the input, a tensor that is added three layers later, the sum, and the output
    let lifetimes = graph.lifetimes();
    assert_eq!(lifetimes.len(), 15);
    assert_eq!(
        [lifetimes[0], lifetimes[6], lifetimes[10]],
        [(0, 0), (5, 9), (9, 10)]
    );
    assert_eq!(lifetimes[14], (13, 13));
    assert_eq!(graph.classes(), 5);
}

#[test]
fn only_the_projection_is_linear() {
    for layer in lower(&small(32), 2).layers {
        let expected = match layer.name.ends_with("project") {
            true => Activation::Linear,
            false => Activation::Relu6,
        };
        if let Operator::Convolution { activation, .. } | Operator::Depthwise { activation, .. } =
            layer.operator
        {
            assert_eq!(activation, expected, "{}", layer.name);
        }
    }
}

#[test]
fn a_head_of_no_channels_is_left_out() {
    let mut candidate = small(32);
    candidate.network.head = 0;
    let graph = lower(&candidate, 2);
    assert!(graph.layers.iter().all(|layer| layer.name != "head"));
    graph.validate().expect("a sound graph");
}

#[test]
fn nothing_runs_behind_an_empty_stage() {
    let mut candidate = small(32);
    candidate.network.stages.push(stage(2, 48, &[30]));
    assert_eq!(lower(&candidate, 2), lower(&small(32), 2));
}

/// torchvision counts 3,504,872 parameters, of which 34,112 are scales and shifts of BatchNorm; folding
/// leaves half of those, as biases. The paper's own figure is 300 M multiply-accumulates.
#[test]
fn the_largest_njor_network_is_mobilenet_v2() {
    let space = SearchSpace::njor2025();
    let graph = lower(&space.largest(config(224, Colour::Rgb)), 1000);
    assert_eq!(graph.parameters(), 3_504_872 - 34_112 / 2);
    assert_eq!(
        graph
            .layers
            .iter()
            .filter(|l| l.operator == Operator::Add)
            .count(),
        10
    );
    let near = |value: f64, published: f64| (value / published - 1.0).abs() < 0.02;
    assert!(near(graph.macs() as f64, 300e6), "{}", graph.macs());
    assert!(
        near(graph.parameters() as f64, 3.47e6),
        "{}",
        graph.parameters()
    );
}

/// Checkpoints of the reference code (`research/slim/nets/mobilenet` in `tensorflow/models`): width multiplier, resolution, and
/// millions of multiply-accumulates and of weights, for 1001 classes. It counts what BatchNorm scales as no weights.
const PUBLISHED: [(&str, usize, f64, f64); 12] = [
    ("1", 224, 300.0, 3.47),
    ("1", 160, 154.0, 3.47),
    ("1", 96, 56.0, 3.47),
    ("0.75", 224, 209.0, 2.61),
    ("0.75", 160, 107.0, 2.61),
    ("0.75", 96, 39.0, 2.61),
    ("0.5", 224, 97.0, 1.95),
    ("0.5", 160, 50.0, 1.95),
    ("0.5", 96, 18.0, 1.95),
    ("0.35", 224, 59.0, 1.66),
    ("0.35", 160, 30.0, 1.66),
    ("0.35", 96, 11.0, 1.66),
];

#[test]
fn mobilenet_v2_has_its_published_sizes() {
    for (multiplier, resolution, macs, weights) in PUBLISHED {
        let mut networks = NetworkSpace::mobilenet_v2();
        networks.fix("width", multiplier).expect("a multiplier");
        let candidate = Candidate {
            data: config(resolution, Colour::Rgb),
            network: networks.smallest(),
        };
        let graph = lower(&candidate, 1001);
        let found = [graph.macs() as f64 / 1e6, graph.weights() as f64 / 1e6];
        let text = format!("{multiplier} at {resolution}: {found:?} for {macs}, {weights}");
        // Both are published rounded, or cut off.
        assert!((found[0] - macs).abs() < 1.0, "{text}");
        assert!((found[1] - weights).abs() < 0.01, "{text}");
        let residuals = graph.layers.iter().filter(|l| l.operator == Operator::Add);
        assert_eq!(residuals.count(), 10, "{text}");
    }
}

/// The Wake Vision baseline of the same width for two classes at 64 pixels: 24.5 M.
#[test]
fn mobilenet_v2_at_64_pixels_has_its_published_size() {
    let space = SearchSpace::njor2025();
    let macs = lower(&space.largest(config(64, Colour::Rgb)), 2).macs() as f64;
    assert!((macs / 24.5e6 - 1.0).abs() < 0.02, "{macs}");
}

#[test]
fn a_monochrome_njor_network_is_a_third_as_wide() {
    let space = SearchSpace::njor2025();
    let network = space.largest(config(224, Colour::Mono)).network;
    let widths: Vec<usize> = network.stages.iter().map(|stage| stage.width).collect();
    assert_eq!((network.stem, network.head), (16, 1280));
    assert_eq!(widths, [8, 8, 16, 24, 32, 56, 104]);
}

#[test]
fn the_default_space_reaches_from_tiny_to_large() {
    let space = mobile();
    let tiny = lower(&space.smallest(config(32, Colour::Mono)), 2);
    assert!(tiny.weights() < 4_000, "{}", tiny.weights());
    assert!(tiny.macs() < 300_000, "{}", tiny.macs());
    let large = lower(&space.largest(config(224, Colour::Rgb)), 10);
    assert!(large.weights() > 2 << 20, "{}", large.weights());
    assert!(large.macs() > 100_000_000, "{}", large.macs());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_network_runs_at_every_resolution(
        seed: u64, size in 0.0..=1.0, resolution in 1usize..300, mono: bool, njor: bool, classes in 1usize..1000,
    ) {
        let colour = if mono { Colour::Mono } else { Colour::Rgb };
        let networks = match njor {
            true => NetworkSpace::njor2025(),
            false => NetworkSpace::default_space(),
        };
        let networks = networks.for_input(config(resolution, colour).input_shape());
        let candidate = Candidate {
            data: config(resolution, colour),
            network: networks.draw(size, &mut rng(seed)),
        };
        prop_assert!(networks.contains(&candidate.network));
        let graph = lower(&candidate, classes);
        prop_assert_eq!(graph.validate(), Ok(()));
        // SAME padding: every stride halves, rounding up.
        let mut side = resolution.div_ceil(candidate.network.stem_stride);
        for stage in candidate.network.active_stages() {
            side = side.div_ceil(stage.stride);
        }
        let pool = graph.layers.iter().position(|layer| layer.name == "pool").expect("a pool");
        prop_assert_eq!(graph.layers[pool - 1].output.height, side);
        prop_assert_eq!(graph.layers[pool - 1].output.width, side);
    }

    #[test]
    fn macs_are_those_of_the_layers(seed: u64, size in 0.0..=1.0) {
        let space = mobile();
        let data = config(96, Colour::Rgb);
        let network = space.network_for(&data).draw(size, &mut rng(seed));
        let graph = lower(&Candidate { data, network: network.clone() }, 7);
        let mut side = 48;
        let mut channels = network.stem;
        let mut macs = side * side * channels * 27;
        for stage in network.active_stages() {
            for (b, block) in stage.blocks.iter().enumerate() {
                let hidden = block.expansion.hidden(channels);
                if block.expansion != Expansion::NONE {
                    macs += side * side * channels * hidden;
                }
                if b == 0 {
                    side = side.div_ceil(stage.stride);
                }
                macs += side * side * hidden * (block.kernel * block.kernel + stage.width);
                channels = stage.width;
            }
        }
        macs += side * side * channels * network.head;
        if network.head > 0 {
            channels = network.head;
        }
        prop_assert_eq!(graph.macs(), (macs + 7 * channels) as u64);
    }
}
