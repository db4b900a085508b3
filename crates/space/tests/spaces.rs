//! What spaces hold, and how networks change within them.

mod common;

use std::collections::HashSet;

use common::{config, mobile, multiplied, rng, tiny};
use danas_data::{Colour, DataSpace};
use danas_space::{
    Architecture, Candidate, Expansion, Gene, NetworkSpace, SearchSpace, SpaceError, Step, lower,
};
use proptest::prelude::*;

/// All networks that single steps lead to from the smallest.
fn reachable(space: &NetworkSpace) -> HashSet<Architecture> {
    let mut found = HashSet::from([space.smallest()]);
    let mut open = vec![space.smallest()];
    while let Some(network) = open.pop() {
        for neighbour in space.neighbours(&network, Step::Grow) {
            assert!(space.contains(&neighbour), "{neighbour:?}");
            if found.insert(neighbour.clone()) {
                open.push(neighbour);
            }
        }
    }
    found
}

#[test]
fn single_steps_lead_to_every_network() {
    for space in all_tiny() {
        space.validate().expect("a valid space");
        let found = reachable(&space);
        assert_eq!(found.len() as f64, space.cardinality());
        assert!(found.contains(&space.largest()));
    }
}

fn all_tiny() -> [NetworkSpace; 6] {
    [
        tiny(false, false),
        tiny(false, true),
        tiny(true, false),
        tiny(true, true),
        multiplied(false),
        multiplied(true),
    ]
}

#[test]
fn every_network_comes_once() {
    for space in all_tiny() {
        let every: Vec<Architecture> = space.every().collect();
        assert_eq!(every.len() as f64, space.cardinality());
        assert_eq!(
            every.iter().cloned().collect::<HashSet<_>>(),
            reachable(&space)
        );
        assert_eq!(every.first(), Some(&space.smallest()));
        assert_eq!(every.last(), Some(&space.largest()));
    }
}

#[test]
fn one_multiplier_decides_all_widths() {
    let space = multiplied(false);
    let genes = space.genes(&space.largest());
    assert!(genes.contains(&Gene::WidthMultiplier) && !genes.contains(&Gene::Stem));
    let narrower = space
        .step(&space.largest(), Gene::WidthMultiplier, Step::Shrink)
        .expect("a narrower network");
    let widths: Vec<usize> = narrower.stages.iter().map(|stage| stage.width).collect();
    assert_eq!((narrower.stem, widths, narrower.head), (8, vec![16; 3], 32));
    let mut mixed = narrower;
    mixed.stem = 16;
    assert!(!space.contains(&mixed));
    // A stage that comes back is as wide as the others.
    let shallow = Architecture {
        stem: 16,
        head: 64,
        ..space.nearest(&space.smallest())
    };
    let shallow = space.nearest(&Architecture {
        stages: space.largest().stages[..1].to_vec(),
        ..shallow
    });
    let deeper = space
        .step(&shallow, Gene::Depth { stage: 1 }, Step::Grow)
        .expect("a deeper network");
    assert_eq!((deeper.stages[1].width, deeper.head), (16, 64));
}

/// With 4 per block (kernel, expansion), 2 widths, 3 heads and 2 strides of the stem.
#[test]
fn cardinality_is_counted_right() {
    let last = 1.0 + 2.0 * 4.0;
    let middle = 1.0 + 2.0 * (4.0 + 16.0) * last;
    let all = 3.0 * 2.0 * 2.0 * 2.0 * middle;
    assert_eq!(tiny(false, false).cardinality(), all);
}

#[test]
fn the_paper_counts_agree() {
    let space = SearchSpace::njor2025();
    assert_eq!(space.data().configs().len(), 14);
    // Depths of stages 3 to 7: a stage may be empty only if all later ones are.
    let mut depths = 0;
    for [a, b, c, d, e] in product([3, 4, 3, 3, 1]) {
        let stages = [a, b, c, d, e];
        depths += usize::from(stages.windows(2).all(|pair| pair[0] > 0 || pair[1] == 0));
    }
    assert_eq!(depths, 268);
    let widths = 10;
    let network = space.network();
    assert_eq!(network.cardinality(), (depths * widths) as f64);
    assert_eq!(space.cardinality(), (14 * depths * widths) as f64);
    assert_eq!(reachable(network).len(), depths * widths);
}

fn product(most: [usize; 5]) -> Vec<[usize; 5]> {
    let mut all = vec![[0; 5]];
    for (place, &most) in most.iter().enumerate() {
        all = all
            .into_iter()
            .flat_map(|depths| {
                (0..=most).map(move |depth| {
                    let mut depths = depths;
                    depths[place] = depth;
                    depths
                })
            })
            .collect();
    }
    all
}

#[test]
fn the_njor_head_belongs_to_the_last_stage() {
    let space = NetworkSpace::njor2025();
    assert_eq!(space.smallest().head, 0);
    assert_eq!(space.largest().head, 1280);
    let shorter = space
        .step(&space.largest(), Gene::Depth { stage: 6 }, Step::Shrink)
        .expect("the last stage may be empty");
    assert_eq!(shorter.head, 0);
    assert!(space.contains(&shorter));
}

#[test]
fn one_width_factor_serves_all_njor_blocks() {
    let space = NetworkSpace::njor2025();
    let narrower = space
        .step(&space.largest(), Gene::SharedExpansion, Step::Shrink)
        .expect("a narrower network");
    for (s, stage) in narrower.stages.iter().enumerate() {
        for block in &stage.blocks {
            let expected = if s == 0 {
                Expansion::NONE
            } else {
                Expansion(54)
            };
            assert_eq!(block.expansion, expected);
        }
    }
    let mut mixed = narrower;
    mixed.stages[3].blocks[1].expansion = Expansion(60);
    assert!(!space.contains(&mixed));
}

#[test]
fn only_small_inputs_may_keep_their_size_in_the_stem() {
    let space = mobile();
    let strides = |resolution| {
        let config = config(resolution, Colour::Rgb);
        let networks = space.network_for(&config);
        (
            networks.smallest().stem_stride,
            networks.largest().stem_stride,
        )
    };
    assert_eq!(strides(48), (2, 1));
    assert_eq!(strides(49), (2, 2));
    let small = config(32, Colour::Rgb);
    let network = Architecture {
        stem_stride: 1,
        ..space.smallest(small).network
    };
    let fine = |resolution| Candidate {
        data: config(resolution, Colour::Rgb),
        network: network.clone(),
    };
    assert!(space.contains(&fine(32)) && !space.contains(&fine(96)));
    let side = |candidate: &Candidate| lower(candidate, 2).layers[0].output.height;
    assert_eq!((side(&fine(32)), side(&space.smallest(small))), (32, 16));
}

#[test]
fn every_input_may_count_as_small() {
    let all_small = NetworkSpace {
        fine_stem_up_to: usize::MAX,
        ..NetworkSpace::default_space()
    };
    let data = mobile().data().clone();
    let space = SearchSpace::new(data, all_small).expect("a valid space");
    let largest = space.largest(config(96, Colour::Rgb));
    assert_eq!(largest.network.stem_stride, 1);
}

#[test]
fn strides_of_the_stem_are_one_of_three_lists() {
    for found in [vec![], vec![1, 2], vec![3], vec![2, 2]] {
        let space = NetworkSpace {
            stem_strides: found.clone(),
            ..NetworkSpace::default_space()
        };
        assert_eq!(space.validate(), Err(SpaceError::StemStrides { found }));
    }
}

#[test]
fn presets_are_valid_and_have_names() {
    for name in NetworkSpace::names() {
        let space = NetworkSpace::named(name).expect("a preset");
        assert_eq!(space.name, *name);
        assert_eq!(space.validate(), Ok(()));
        for colour in [Colour::Mono, Colour::Rgb] {
            assert_eq!(
                space.for_input(config(32, colour).input_shape()).validate(),
                Ok(())
            );
        }
    }
    assert_eq!(NetworkSpace::named("desktop"), None);
    assert!(mobile().cardinality() > 1e20);
}

#[test]
fn the_envelope_holds_all_networks() {
    let space = SearchSpace::njor2025();
    let envelope = space.envelope();
    assert_eq!(envelope.stem, [16, 32]);
    assert_eq!(envelope.stages[6].widths, [104, 320]);
    for config in space.data().configs() {
        for candidate in [space.largest(config), space.smallest(config)] {
            let mut held = candidate.clone();
            // Only the width of empty stages is written differently.
            held.network = envelope.nearest(&candidate.network);
            assert_eq!(lower(&held, 2), lower(&candidate, 2));
        }
    }
    let colour = DataSpace::new(vec![96], vec![Colour::Rgb]).expect("a data space");
    let only_colour = SearchSpace::new(colour, NetworkSpace::njor2025()).expect("a space");
    assert_eq!(only_colour.envelope().stem, [32]);
    assert_eq!(mobile().envelope(), NetworkSpace::default_space());
    let standard = NetworkSpace::mobilenet_v2();
    let of_both_colours = SearchSpace::new(DataSpace::njor2025(), standard.clone());
    assert_eq!(of_both_colours.expect("a space").envelope(), standard);
}

#[test]
fn empty_stages_are_written_in_one_way() {
    let space = NetworkSpace::default_space();
    let mut network = space.smallest();
    assert!(space.contains(&network));
    network.stages[4].width = 96;
    assert!(!space.contains(&network));
    assert_eq!(space.nearest(&network), space.smallest());
}

#[test]
fn contains_looks_at_every_gene() {
    let space = mobile();
    let good = space.largest(config(96, Colour::Rgb));
    assert!(space.contains(&good));
    let foreign = |change: &dyn Fn(&mut Candidate)| {
        let mut candidate = good.clone();
        change(&mut candidate);
        assert!(!space.contains(&candidate), "{candidate:?}");
    };
    foreign(&|c| c.data.resolution = 97);
    foreign(&|c| c.network.stem = 12);
    foreign(&|c| c.network.head = 100);
    foreign(&|c| c.network.stages[2].width = 17);
    foreign(&|c| c.network.stages[2].stride = 1);
    foreign(&|c| c.network.stages[2].blocks[1].kernel = 9);
    foreign(&|c| c.network.stages[2].blocks[1].expansion = Expansion(50));
    foreign(&|c| c.network.stages[2].blocks.clear());
    foreign(&|c| c.network.stages[3].blocks.clear());
    foreign(&|c| c.network.stages.truncate(6));
    foreign(&|c| {
        let block = c.network.stages[1].blocks[0];
        c.network.stages[1].blocks.push(block);
    });
}

fn presets() -> impl Strategy<Value = NetworkSpace> {
    prop_oneof![
        Just(NetworkSpace::default_space()),
        Just(NetworkSpace::njor2025()),
        Just(NetworkSpace::njor2025().for_input(config(96, Colour::Mono).input_shape())),
        Just(tiny(false, false)),
        Just(tiny(true, true)),
        Just(NetworkSpace::mobilenet_v2()),
        Just(multiplied(false)),
        Just(multiplied(true)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changes_stay_in_the_space(space in presets(), seed: u64, sizes: (f64, f64)) {
        let mut rng = rng(seed);
        let a = space.draw(sizes.0.abs().fract(), &mut rng);
        let b = space.draw(sizes.1.abs().fract(), &mut rng);
        let mutated = space.mutate(&a, &mut rng);
        prop_assert!(mutated != a);
        let child = space.crossover(&a, &b, &mut rng);
        for network in [&a, &b, &mutated, &child] {
            prop_assert!(space.contains(network), "{:?}", network);
            prop_assert_eq!(&space.nearest(network), network);
        }
    }

    #[test]
    fn steps_can_be_taken_back(space in presets(), seed: u64) {
        let network = space.draw(0.5, &mut rng(seed));
        for gene in space.genes(&network) {
            prop_assert!(space.has(&network, gene));
            prop_assert!(space.values(&network, gene).contains(&space.value(&network, gene)));
            if let Some(larger) = space.step(&network, gene, Step::Grow) {
                prop_assert!(space.contains(&larger));
                prop_assert_eq!(space.step(&larger, gene, Step::Shrink), Some(network.clone()));
            }
        }
    }

    #[test]
    fn networks_move_between_spaces(seed: u64, size in 0.0..=1.0) {
        let spaces = [
            NetworkSpace::default_space(),
            NetworkSpace::njor2025(),
            NetworkSpace::njor2025().for_input(config(96, Colour::Mono).input_shape()),
            tiny(false, false),
            tiny(true, true),
            NetworkSpace::mobilenet_v2(),
            multiplied(true),
        ];
        let mut rng = rng(seed);
        for from in &spaces {
            let network = from.draw(size, &mut rng);
            for to in &spaces {
                prop_assert!(to.contains(&to.nearest(&network)));
            }
        }
    }
}
