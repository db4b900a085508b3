//! Rank statistics against their definitions, and against figures of others.

use danas_data::Streams;
use danas_search::{Agreements, bootstrap, kendall_tau, top_regret};
use proptest::prelude::*;
use rand::RngExt;

fn pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
    // Few values, so that ties are common.
    prop::collection::vec((0u8..6, 0u8..6), 0..30).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(a, b)| (a.into(), b.into()))
            .collect()
    })
}

proptest! {
    #[test]
    fn tau_knows_direction_and_nothing_else(pairs in pairs()) {
        let tau = kendall_tau(&pairs);
        let stretched: Vec<_> = pairs.iter().map(|&(a, b)| (a.exp(), b * 7.0 - 3.0)).collect();
        prop_assert_eq!(kendall_tau(&stretched), tau);
        let swapped: Vec<_> = pairs.iter().map(|&(a, b)| (b, a)).collect();
        prop_assert_eq!(kendall_tau(&swapped), tau);
        let reversed: Vec<_> = pairs.iter().map(|&(a, b)| (a, -b)).collect();
        prop_assert_eq!(kendall_tau(&reversed), tau.map(|tau| -tau));
        if let Some(tau) = tau {
            prop_assert!(tau.abs() <= 1.0 + 1e-12, "{}", tau);
        }
    }

    #[test]
    fn regret_falls_as_more_are_looked_at(pairs in pairs()) {
        let regrets: Vec<f64> = (1..=pairs.len()).filter_map(|k| top_regret(&pairs, k)).collect();
        prop_assert_eq!(regrets.len(), pairs.len());
        prop_assert!(regrets.windows(2).all(|two| two[0] >= two[1]));
        prop_assert!(regrets.last().is_none_or(|&all| all == 0.0));
        prop_assert_eq!(top_regret(&pairs, 0), None);
    }

    #[test]
    fn an_interval_holds_values_that_the_statistic_can_take(pairs in pairs()) {
        let mut rng = Streams::new(3).stream("test", 0);
        let interval = bootstrap(&pairs, kendall_tau, &mut rng);
        prop_assert_eq!(interval.map(|i| i.value), kendall_tau(&pairs));
        if let Some(interval) = interval {
            prop_assert!(-1.0 - 1e-12 <= interval.low && interval.low <= interval.high);
            prop_assert!(interval.high <= 1.0 + 1e-12);
        }
    }
}

/// `scipy.stats.kendalltau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])`, the example of its documentation.
#[test]
fn tau_with_ties_is_that_of_others() {
    let pairs = [(12.0, 1.0), (2.0, 4.0), (1.0, 7.0), (12.0, 1.0), (2.0, 0.0)];
    let tau = kendall_tau(&pairs).expect("there are differences");
    assert!((tau - -0.471_404_520_791_032).abs() < 1e-12, "{tau}");
    assert_eq!(kendall_tau(&[(1.0, 2.0), (1.0, 3.0)]), None, "equal scores");
    assert_eq!(kendall_tau(&[]), None);
}

/// Scores that know nothing: about 95 % of the intervals hold 0. Scores that know all: no doubt is left.
#[test]
fn intervals_are_as_wide_as_they_say() {
    let mut rng = Streams::new(4).stream("test", 0);
    let trials = 200;
    let covered = (0..trials)
        .filter(|_| {
            let pairs: Vec<(f64, f64)> = (0..30).map(|_| (rng.random(), rng.random())).collect();
            let interval = bootstrap(&pairs, kendall_tau, &mut rng).expect("no ties");
            interval.low <= 0.0 && 0.0 <= interval.high
        })
        .count();
    assert!((175..=200).contains(&covered), "{covered} of {trials}");
    let known: Vec<(f64, f64)> = (0..30).map(|i| (f64::from(i), f64::from(i))).collect();
    let interval = bootstrap(&known, kendall_tau, &mut rng).expect("no ties");
    assert_eq!((interval.low, interval.high), (1.0, 1.0));
}

#[test]
fn groups_are_ranked_among_themselves() {
    // Between the groups the score is right, within `a` it is wrong, and `b` is too small to tell.
    let mut candidates: Vec<(&str, (f64, f64))> = (0..6)
        .map(|i| ("a", (f64::from(i), -f64::from(i))))
        .collect();
    candidates.extend((0..3).map(|i| ("b", (10.0 + f64::from(i), 10.0 + f64::from(i)))));
    let agreements = Agreements::of(&candidates).expect("there are differences");
    assert_eq!(agreements.overall.candidates, 9);
    // 3 pairs within b and 18 between the groups are alike, 15 within a are not: 6 of 36.
    assert!((agreements.overall.tau.value - 6.0 / 36.0).abs() < 1e-12);
    assert_eq!(agreements.overall.regrets, [(1, 0.0), (3, 0.0)]);
    let [("a", within)] = &agreements.within[..] else {
        panic!("{:?}", agreements.within);
    };
    assert_eq!(within.tau.value, -1.0);
    assert_eq!(within.regrets, [(1, 5.0), (3, 3.0)]);
    assert_eq!(Agreements::of(&[]), None);
}
