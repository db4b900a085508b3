//! Domination, sorting, crowding and hypervolume against their definitions.

use danas_measure::Comparison;
use danas_search::{
    Contender, Objectives, crowding, front, hypervolume, non_dominated_sort, pareto, recommend,
    spread, worth_finishing,
};
use proptest::prelude::*;
use rand::RngExt;

/// Few values, so that ties are common; some that are not finite.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0u8..4).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

fn objectives() -> impl Strategy<Value = Objectives> {
    let violation = prop_oneof![3 => Just(0.0), 1 => Just(-1.0), 2 => value()];
    (value(), [value(), value(), value()], violation).prop_map(|(error, costs, violation)| {
        Objectives {
            error,
            costs,
            violation,
        }
    })
}

fn population() -> impl Strategy<Value = Vec<Objectives>> {
    prop::collection::vec(objectives(), 0..40)
}

fn contenders() -> impl Strategy<Value = Vec<Contender>> {
    let contender = (objectives(), 0u8..3).prop_map(|(objectives, brier)| Contender {
        objectives,
        brier: f64::from(brier),
    });
    prop::collection::vec(contender, 0..40)
}

/// The definition: a front is those whom nobody among the remaining dominates.
fn naive_sort(all: &[Objectives]) -> Vec<Vec<usize>> {
    let mut remaining: Vec<usize> = (0..all.len()).collect();
    let mut fronts = Vec::new();
    while !remaining.is_empty() {
        let free = |&i: &usize| !remaining.iter().any(|&j| all[j].dominates(&all[i]));
        let front: Vec<usize> = remaining.iter().copied().filter(free).collect();
        remaining.retain(|i| !front.contains(i));
        fronts.push(front);
    }
    fronts
}

/// The definition, by counting the cells of the integer grid below the reference that some point dominates.
fn counted<const D: usize>(points: &[[f64; D]], side: usize) -> f64 {
    let cells = side.pow(D as u32);
    let dominated = |cell: usize| {
        let corner: [f64; D] = std::array::from_fn(|d| (cell / side.pow(d as u32) % side) as f64);
        points.iter().any(|p| (0..D).all(|d| p[d] <= corner[d]))
    };
    (0..cells).filter(|&cell| dominated(cell)).count() as f64
}

fn check_hypervolume<const D: usize>(points: Vec<[f64; D]>) -> Result<(), TestCaseError> {
    const SIDE: usize = 6;
    let exact = hypervolume(&points, &[SIDE as f64; D]);
    prop_assert_eq!(exact, counted(&points, SIDE));
    Ok(())
}

proptest! {
    #[test]
    fn domination_is_a_strict_order(a in objectives(), b in objectives(), c in objectives()) {
        prop_assert!(!a.dominates(&a));
        prop_assert!(!(a.dominates(&b) && b.dominates(&a)));
        if a.dominates(&b) && b.dominates(&c) {
            prop_assert!(a.dominates(&c));
        }
    }

    #[test]
    fn what_meets_the_limits_dominates_what_does_not(a in objectives(), b in objectives()) {
        if a.is_feasible() && !b.is_feasible() {
            prop_assert!(a.dominates(&b));
        }
        if a.is_feasible() && b.is_feasible() {
            prop_assert_eq!(a.dominates(&b), pareto(&a.values(), &b.values()));
        }
    }

    #[test]
    fn sorting_is_as_defined(all in population()) {
        let fronts = non_dominated_sort(&all);
        prop_assert_eq!(&fronts, &naive_sort(&all));
        prop_assert_eq!(front(&all), fronts.first().cloned().unwrap_or_default());
    }

    #[test]
    fn crowding_is_large_at_the_ends_and_never_negative(all in population()) {
        for front in non_dominated_sort(&all) {
            let distances = crowding(&all, &front);
            prop_assert_eq!(distances.len(), front.len());
            prop_assert!(distances.iter().all(|d| *d >= 0.0));
        }
    }

    #[test]
    fn hypervolume_of_two_is_the_counted_one(
        points in prop::collection::vec(prop::array::uniform2((0u8..8).prop_map(f64::from)), 0..30)
    ) {
        check_hypervolume(points)?;
    }

    #[test]
    fn hypervolume_of_three_is_the_counted_one(
        points in prop::collection::vec(prop::array::uniform3((0u8..8).prop_map(f64::from)), 0..20)
    ) {
        check_hypervolume(points)?;
    }

    #[test]
    fn hypervolume_of_four_is_the_counted_one(
        points in prop::collection::vec(prop::array::uniform4((0u8..8).prop_map(f64::from)), 0..15)
    ) {
        check_hypervolume(points)?;
    }

    #[test]
    fn a_spread_starts_most_accurate_and_grows_by_one(all in population(), k in 0usize..6) {
        let members: Vec<Objectives> = front(&all).into_iter().map(|i| all[i]).collect();
        let chosen = spread(&members, k);
        prop_assert!(chosen.len() <= k);
        let more = spread(&members, k + 1);
        prop_assert_eq!(&more[..chosen.len()], &chosen[..]);
        if let Some(&first) = chosen.first() {
            let least = members.iter().map(|m| m.values()[0]).fold(f64::INFINITY, f64::min);
            prop_assert!(members[first].values()[0] == least || !members[first].is_feasible());
        }
        let mut distinct = chosen.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), chosen.len());
    }

    /// Comparisons are given at random, as nothing may be expected of them.
    #[test]
    fn the_recommendation_ties_with_the_surest_and_nothing_that_does_is_cheaper(
        models in contenders(), compared in prop::collection::vec((any::<bool>(), any::<bool>()), 40)
    ) {
        let fitting: Vec<usize> = (0..models.len())
            .filter(|&i| models[i].objectives.is_feasible())
            .collect();
        let chosen = recommend(&models, |model, _| comparison(compared[model].0, compared[model].1));
        let Some(chosen) = chosen else {
            prop_assert!(fitting.is_empty());
            return Ok(());
        };
        prop_assert!(fitting.contains(&chosen));
        let error = |i: usize| models[i].objectives.values()[0];
        let least = fitting.iter().map(|&i| error(i)).fold(f64::INFINITY, f64::min);
        let as_right = |i: usize| compared[i].0 || error(i) == least;
        let surest = fitting.iter().filter(|&&i| compared[i].0).map(|&i| models[i].brier);
        let surest = surest.fold(f64::INFINITY, f64::min);
        prop_assert!(as_right(chosen));
        prop_assert!(compared[chosen] == (true, true) || models[chosen].brier <= surest);
        let cheaper = |i: usize| pareto(&costs(&models[i]), &costs(&models[chosen]));
        prop_assert!(!fitting.iter().any(|&i| compared[i] == (true, true) && cheaper(i)));
    }
}

fn costs(model: &Contender) -> [f64; 3] {
    let [_, costs @ ..] = model.objectives.values();
    costs
}

/// Of two models, that they are as right and as sure as each other or not.
fn comparison(as_right: bool, as_sure: bool) -> Comparison {
    Comparison {
        only_first: 0,
        only_second: 0,
        p: if as_right { 1.0 } else { 0.0 },
        apart: if as_sure { 0.5 } else { 2.0 },
    }
}

/// Points as a search meets them, not on a grid: the volume is estimated by chance.
#[test]
fn hypervolume_agrees_with_monte_carlo() {
    const POINTS: usize = 60;
    const DRAWS: usize = 200_000;
    let mut rng = danas_data::Streams::new(5).stream("test", 0);
    let points: Vec<[f64; 4]> = (0..POINTS)
        .map(|_| std::array::from_fn(|_| rng.random()))
        .collect();
    let exact = hypervolume(&points, &[1.0; 4]);
    let mut hits = 0;
    for _ in 0..DRAWS {
        let drawn: [f64; 4] = std::array::from_fn(|_| rng.random());
        hits += usize::from(points.iter().any(|p| (0..4).all(|d| p[d] <= drawn[d])));
    }
    let estimate = hits as f64 / DRAWS as f64;
    let deviation = (estimate * (1.0 - estimate) / DRAWS as f64).sqrt();
    assert!(
        (exact - estimate).abs() < 5.0 * deviation,
        "{exact} and {estimate}"
    );
}

#[test]
fn hypervolume_of_known_sets() {
    assert_eq!(hypervolume::<2>(&[], &[1.0, 1.0]), 0.0);
    assert_eq!(
        hypervolume(&[[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]], &[4.0, 4.0]),
        6.0
    );
    assert_eq!(
        hypervolume(&[[0.0, 5.0], [f64::NAN, 0.0]], &[4.0, 4.0]),
        0.0
    );
    assert_eq!(hypervolume(&[[0.0; 0]], &[]), 0.0);
}

fn member(error: f64, cost: f64) -> Objectives {
    Objectives {
        error,
        costs: [cost; 3],
        violation: 0.0,
    }
}

#[test]
fn crowding_of_a_known_front() {
    let all = [
        member(0.0, 8.0),
        member(0.5, 2.0),
        member(0.75, 1.0),
        member(1.0, 0.0),
    ];
    let distances = crowding(&all, &[0, 1, 2, 3]);
    let infinite = f64::INFINITY;
    // 0.75 / 1 in the error, 7 / 8 in each of three costs; then 0.5 / 1 and 2 / 8.
    assert_eq!(
        distances,
        [infinite, 0.75 + 3.0 * 0.875, 0.5 + 3.0 * 0.25, infinite]
    );
    assert_eq!(crowding(&all, &[1]), [0.0]);
}

#[test]
fn a_short_front_is_filled_from_the_one_behind() {
    let population = [
        member(0.1, 10.0),
        member(0.2, 20.0),
        member(0.3, 5.0),
        member(0.4, 6.0),
        member(0.3, 40.0),
    ];
    assert_eq!(non_dominated_sort(&population)[0], [0, 2]);
    assert_eq!(worth_finishing(&population, 2), [0, 2]);
    assert_eq!(worth_finishing(&population, 3), [0, 2, 1]);
    assert_eq!(worth_finishing(&population, 99).len(), 5);
    assert_eq!(worth_finishing(&[], 3), [] as [usize; 0]);
}

#[test]
fn a_spread_reaches_both_ends_and_the_middle() {
    let front: Vec<Objectives> = (0..9)
        .map(|i| member(0.1 * f64::from(i), 256.0 / 2f64.powi(i)))
        .collect();
    assert_eq!(spread(&front, 3), [0, 8, 4]);
    assert_eq!(spread(&front, 99).len(), 9);
    let same = [member(0.1, 1.0); 5];
    assert_eq!(spread(&same, 3), [0]);
    assert_eq!(spread(&[], 3), [] as [usize; 0]);
}

#[test]
fn of_models_that_tie_with_the_best_the_cheapest_is_recommended() {
    let model = |error, cost, brier| Contender {
        objectives: member(error, cost),
        brier,
    };
    let models = [
        model(0.040, 300.0, 0.07),
        model(0.045, 100.0, 0.06),
        model(0.060, 10.0, 0.08),
        model(0.060, 10.0, 0.08),
    ];
    let chosen = |compared: [(bool, bool); 4]| {
        let compare = |model: usize, _| comparison(compared[model].0, compared[model].1);
        recommend(&models, compare)
    };
    let [apart, surer, tie] = [(false, false), (true, false), (true, true)];
    assert_eq!(chosen([apart; 4]), Some(0));
    // As right as the most accurate and surer: the best. Whether that one is also the cheapest does not matter.
    assert_eq!(chosen([surer, surer, surer, apart]), Some(1));
    assert_eq!(chosen([tie, surer, apart, apart]), Some(1));
    assert_eq!(chosen([surer, surer, tie, tie]), Some(2));
    // As sure, but not as right.
    assert_eq!(chosen([apart, apart, (false, true), apart]), Some(0));
    let mut over = model(0.0, 1.0, 0.0);
    over.objectives.violation = 2.0;
    let recommend = |models: &[Contender]| recommend(models, |_, _| comparison(true, true));
    assert_eq!(recommend(&[over, model(0.9, 1.0, 1.0)]), Some(1));
    assert_eq!(recommend(&[over]), None);
    assert_eq!(recommend(&[]), None);
    // Of equal ones the first.
    assert_eq!(
        recommend(&[model(0.1, 5.0, 0.1), model(0.1, 5.0, 0.1)]),
        Some(0)
    );
}
