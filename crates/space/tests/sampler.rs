//! Drawing under limits: always inside, always different enough, never endless.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Limits, config, mobile, peak, rng};
use danas_data::{Colour, DataSpace};
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace, Step, lower};
use proptest::prelude::*;

fn spaces() -> impl Strategy<Value = SearchSpace> {
    prop_oneof![Just(mobile()), Just(SearchSpace::njor2025())]
}

fn limits() -> impl Strategy<Value = Limits> {
    (14.0..20.0, 12.0..22.0, 18.0..27.0).prop_map(|(peak, weights, macs): (f64, f64, f64)| Limits {
        peak: peak.exp2() as usize,
        weights: weights.exp2() as usize,
        macs: macs.exp2() as u64,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn everything_drawn_is_in_the_space_and_feasible(
        space in spaces(), limits in limits(), seed: u64,
    ) {
        let violation = |candidate: &Candidate| limits.violation(candidate);
        let sampler = match Sampler::new(&space, &violation) {
            Ok(sampler) => sampler,
            Err(infeasible) => {
                prop_assert_eq!(infeasible.smallest.len(), 14);
                return Ok(());
            }
        };
        let mut rng = rng(seed);
        let check = |candidate: &Candidate| {
            prop_assert!(space.contains(candidate), "{:?}", candidate);
            prop_assert!(violation(candidate) <= 0.0, "{:?}", candidate);
            prop_assert!(sampler.feasible_configs().contains(&candidate.data));
            Ok(())
        };
        let mut parents: Vec<Candidate> = (0..10).map(|_| sampler.sample(&mut rng)).collect();
        for step in 0..30 {
            let mutated = sampler.mutate(&parents[step % 10], &mut rng);
            let child = sampler.crossover(&mutated, &parents[(step + 3) % 10], &mut rng);
            check(&mutated)?;
            check(&child)?;
            parents[(step * 7) % 10] = child;
        }
        parents.iter().try_for_each(check)?;
        for &config in sampler.feasible_configs() {
            let drawn = sampler.sample_for(config, &mut rng).expect("a feasible configuration");
            prop_assert_eq!(drawn.data, config);
            check(&drawn)?;
            check(sampler.smallest_for(config).expect("a feasible configuration"))?;
        }
    }

    /// Feasible is a random subset of the space, so that nothing about it is monotone.
    #[test]
    fn a_ragged_violation_is_no_trap(space in spaces(), seed: u64, share in 2u64..40) {
        let violation = |candidate: &Candidate| {
            let text = serde_json::to_string(candidate).expect("JSON");
            let mixed = text.bytes().fold(seed, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
            });
            (mixed % share) as f64
        };
        let mut rng = rng(seed);
        match Sampler::new(&space, &violation) {
            Ok(sampler) => for _ in 0..20 {
                let a = sampler.sample(&mut rng);
                let b = sampler.mutate(&a, &mut rng);
                let c = sampler.crossover(&a, &b, &mut rng);
                for candidate in [a, b, c] {
                    prop_assert!(space.contains(&candidate));
                    prop_assert_eq!(violation(&candidate), 0.0);
                }
            },
            Err(infeasible) => prop_assert!(infeasible.smallest[0].1 > 0.0),
        }
    }
}

#[test]
fn parents_from_outside_are_brought_in() {
    let space = mobile();
    let limits = Limits {
        macs: 3_000_000,
        ..Limits::NONE
    };
    let violation = |candidate: &Candidate| limits.violation(candidate);
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let mut rng = rng(1);
    let outside = SearchSpace::njor2025().largest(config(500, Colour::Rgb));
    for _ in 0..50 {
        let mutated = sampler.mutate(&outside, &mut rng);
        let child = sampler.crossover(&outside, &mutated, &mut rng);
        for candidate in [mutated, child] {
            assert!(space.contains(&candidate) && sampler.is_feasible(&candidate));
        }
    }
}

#[test]
fn samples_are_of_all_sizes() {
    let space = mobile();
    let limits = Limits {
        peak: 100_000,
        weights: 500_000,
        macs: 10_000_000,
    };
    let violation = |candidate: &Candidate| limits.violation(candidate);
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let mut rng = rng(2);
    let config = config(96, Colour::Rgb);
    let samples: Vec<Candidate> = (0..400)
        .filter_map(|_| sampler.sample_for(config, &mut rng))
        .collect();
    let mut macs: Vec<u64> = samples.iter().map(|c| lower(c, 10).macs()).collect();
    macs.sort_unstable();
    assert!(macs[20] < 2_000_000, "{}", macs[20]);
    assert!(macs[380] > 8_000_000, "{}", macs[380]);
    assert!((2_500_000..9_000_000).contains(&macs[200]), "{}", macs[200]);
    let depths: HashSet<usize> = samples
        .iter()
        .map(|c| c.network.active_stages().len())
        .collect();
    assert!(depths.len() >= 4, "{depths:?}");
    let distinct: HashSet<&Candidate> = samples.iter().collect();
    assert!(distinct.len() > 350, "{}", distinct.len());
}

#[test]
fn one_candidate_alone_is_found() {
    let data =
        |sides: &[usize]| DataSpace::new(sides.to_vec(), vec![Colour::Rgb]).expect("a data space");
    let standard = |sides: &[usize]| {
        SearchSpace::new(data(sides), NetworkSpace::mobilenet_v2()).expect("a space")
    };
    let least =
        |macs: u64| move |candidate: &Candidate| macs as f64 - lower(candidate, 10).macs() as f64;
    let (one, two) = (standard(&[96]), standard(&[96, 128]));
    let only = |space: &SearchSpace, violation: &(dyn Fn(&Candidate) -> f64 + Sync)| {
        Sampler::new(space, violation).expect("feasible").only()
    };
    assert_eq!(only(&one, &|_| 0.0), None);
    // Only the widest has so many, whichever networks limits leave out.
    let widest = lower(&one.largest(config(96, Colour::Rgb)), 10).macs();
    assert_eq!(
        only(&one, &least(widest)),
        Some(one.largest(config(96, Colour::Rgb)))
    );
    assert_eq!(only(&two, &least(widest)), None);
    let mut fixed = NetworkSpace::mobilenet_v2();
    fixed.fix("width", "0.35").expect("a multiplier");
    let fixed = SearchSpace::new(data(&[32]), fixed).expect("a space");
    assert_eq!(
        only(&fixed, &|_| 0.0),
        Some(fixed.smallest(config(32, Colour::Rgb)))
    );
    // What is far too large to be looked through is not.
    assert_eq!(only(&mobile(), &|_| 0.0), None);
}

#[test]
fn every_feasible_configuration_is_sampled() {
    let space = mobile();
    let violation = |_: &Candidate| 0.0;
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let mut rng = rng(3);
    let seen: HashSet<_> = (0..300).map(|_| sampler.sample(&mut rng).data).collect();
    assert_eq!(seen.len(), 14);
}

#[test]
fn infeasible_configurations_are_left_out() {
    let space = mobile();
    let limits = Limits {
        peak: 40_000,
        ..Limits::NONE
    };
    let violation = |candidate: &Candidate| limits.violation(candidate);
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let finest = config(224, Colour::Rgb);
    assert!(!sampler.feasible_configs().contains(&finest));
    assert!(
        sampler
            .feasible_configs()
            .contains(&config(32, Colour::Rgb))
    );
    assert_eq!(sampler.sample_for(finest, &mut rng(0)), None);
    assert_eq!(sampler.smallest_for(finest), None);
    assert_eq!(sampler.largest_for(finest), None);
}

#[test]
fn a_space_with_nothing_feasible_is_reported_at_once() {
    let space = mobile();
    let calls = AtomicUsize::new(0);
    let limits = Limits {
        peak: 1_000,
        weights: 10,
        macs: 1_000,
    };
    let violation = |candidate: &Candidate| {
        calls.fetch_add(1, Ordering::Relaxed);
        limits.violation(candidate)
    };
    let infeasible = Sampler::new(&space, &violation).expect_err("nothing is feasible");
    assert!(calls.load(Ordering::Relaxed) < 14 * 100);
    let (closest, least) = &infeasible.smallest[0];
    assert_eq!(*closest, space.smallest(config(32, Colour::Mono)));
    assert!(infeasible.smallest.is_sorted_by(|a, b| a.1 <= b.1) && *least > 0.0);
    let text = infeasible.to_string();
    assert!(
        text.starts_with(
            "no candidate of the search space meets the limits; the closest (32x32 mono, stem 8"
        ),
        "{text}"
    );
}

#[test]
fn a_violation_that_is_no_number_is_not_feasible() {
    let space = mobile();
    let violation = |_: &Candidate| f64::NAN;
    let infeasible = Sampler::new(&space, &violation).expect_err("nothing is feasible");
    assert!(
        infeasible
            .smallest
            .iter()
            .all(|(_, excess)| excess.is_infinite())
    );
}

/// With a fixed head of 1280 channels the shortest network has the largest map, so it is not the smallest.
#[test]
fn a_longer_network_may_be_the_smallest_that_fits() {
    let mut network = NetworkSpace::njor2025();
    network.head_after_last_stage = false;
    let space = SearchSpace::new(DataSpace::njor2025(), network).expect("a space");
    let limits = Limits {
        peak: 512 * 1024,
        ..Limits::NONE
    };
    let violation = |candidate: &Candidate| limits.violation(candidate);
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let config = config(160, Colour::Rgb);
    let smallest = sampler.smallest_for(config).expect("feasible");
    assert!(!sampler.is_feasible(&space.smallest(config)));
    assert!(sampler.is_feasible(smallest));
    assert!(smallest.network.depth() > space.smallest(config).network.depth());
}

#[test]
fn growth_ends_at_the_limits() {
    for (space, limits) in [
        (
            mobile(),
            Limits {
                peak: 60_000,
                weights: 200_000,
                macs: 6_000_000,
            },
        ),
        (
            mobile(),
            Limits {
                peak: 256 << 10,
                weights: 1 << 20,
                ..Limits::NONE
            },
        ),
        (
            SearchSpace::njor2025(),
            Limits {
                peak: 512 << 10,
                weights: 2 << 20,
                ..Limits::NONE
            },
        ),
    ] {
        let violation = |candidate: &Candidate| limits.violation(candidate);
        let sampler = Sampler::new(&space, &violation).expect("feasible");
        let again = Sampler::new(&space, &violation).expect("feasible");
        for config in [config(64, Colour::Mono), config(96, Colour::Rgb)] {
            let largest = sampler
                .largest_for(config)
                .expect("a feasible configuration");
            assert_eq!(Some(largest), again.largest_for(config));
            assert!(space.contains(largest) && sampler.is_feasible(largest));
            let size = |candidate: &Candidate| {
                let graph = lower(candidate, 10);
                graph.macs() as u128 * graph.weights() as u128
            };
            for network in space
                .network_for(&config)
                .neighbours(&largest.network, Step::Grow)
            {
                let grown = Candidate {
                    data: config,
                    network,
                };
                assert!(!sampler.is_feasible(&grown) || size(&grown) <= size(largest));
            }
            let mut rng = rng(4);
            for _ in 0..50 {
                let sample = sampler.sample_for(config, &mut rng).expect("feasible");
                assert!(size(&sample) <= size(largest), "{}", sample.summary(10));
            }
            let graph = lower(largest, 10);
            let share = (graph.macs() as f64 / limits.macs as f64)
                .max(graph.weights() as f64 / limits.weights as f64)
                .max(peak(&graph) as f64 / limits.peak as f64);
            assert!(
                share > 0.9 || *largest == space.largest(config),
                "{}",
                largest.summary(10)
            );
        }
    }
}

#[test]
fn without_limits_the_largest_is_the_largest() {
    let space = mobile();
    let violation = |_: &Candidate| 0.0;
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    for config in space.data().configs() {
        assert_eq!(sampler.largest_for(config), Some(&space.largest(config)));
        assert_eq!(sampler.smallest_for(config), Some(&space.smallest(config)));
    }
}

#[test]
fn mutations_differ_and_touch_both_halves() {
    let space = mobile();
    let limits = Limits {
        macs: 5_000_000,
        ..Limits::NONE
    };
    let violation = |candidate: &Candidate| limits.violation(candidate);
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let mut rng = rng(5);
    let (mut data, mut depth, mut kernel) = (0, 0, 0);
    for _ in 0..500 {
        let parent = sampler.sample(&mut rng);
        let child = sampler.mutate(&parent, &mut rng);
        assert_ne!(child, parent);
        data += usize::from(child.data != parent.data);
        depth += usize::from(child.network.depth() != parent.network.depth());
        let kernels = |c: &Candidate| -> usize {
            let blocks = c.network.stages.iter().flat_map(|stage| &stage.blocks);
            blocks.map(|block| block.kernel).sum()
        };
        kernel += usize::from(kernels(&child) != kernels(&parent));
    }
    assert!((150..350).contains(&data), "{data}");
    assert!(depth > 50 && kernel > 50, "{depth} {kernel}");
}

#[test]
fn the_only_feasible_candidate_is_drawn_for_ever() {
    let space = mobile();
    let only = space.smallest(config(32, Colour::Mono));
    let violation = |candidate: &Candidate| f64::from(u8::from(*candidate != only));
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    let mut rng = rng(6);
    assert_eq!(sampler.sample(&mut rng), only);
    assert_eq!(sampler.mutate(&only, &mut rng), only);
    assert_eq!(sampler.crossover(&only, &only, &mut rng), only);
    assert_eq!(sampler.largest_for(only.data), Some(&only));
}

#[test]
fn a_sample_costs_few_calls_and_is_reproducible() {
    let space = mobile();
    let calls = AtomicUsize::new(0);
    let limits = Limits {
        peak: 60_000,
        weights: 200_000,
        macs: 6_000_000,
    };
    let violation = |candidate: &Candidate| {
        calls.fetch_add(1, Ordering::Relaxed);
        limits.violation(candidate)
    };
    let sampler = Sampler::new(&space, &violation).expect("feasible");
    calls.store(0, Ordering::Relaxed);
    let draw = || {
        let mut rng = rng(7);
        let samples: Vec<Candidate> = (0..100).map(|_| sampler.sample(&mut rng)).collect();
        samples
    };
    let first = draw();
    assert!(calls.load(Ordering::Relaxed) < 100 * 40);
    assert_eq!(first, draw());
}
