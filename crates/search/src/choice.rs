//! Choosing from a front: which members are worth finishing, and which one to recommend.

use danas_measure::Comparison;

use crate::Objectives;
use crate::objectives::{OBJECTIVES, number};
use crate::sorting::non_dominated_sort;

/// Up to `k` members spread along a front, as indices into `front`. The first is the most accurate (of equally accurate
/// ones the cheapest); each next one is the member farthest from all chosen before. The choice for `k` is the beginning
/// of the choice for `k + 1`. Members with equal objectives are chosen once.
///
/// Distances are Euclidean over the error and the logarithms of the costs, each scaled to the front's extent: twice the
/// memory is as far wherever one stands. This is Gonzalez's farthest-first traversal (1985, "Clustering to minimize the
/// maximum intercluster distance"), no more than twice as far from the best choice of centres.
pub fn spread(front: &[Objectives], k: usize) -> Vec<usize> {
    let Some(first) = most_accurate(front) else {
        return Vec::new();
    };
    let places = places(front);
    let mut chosen: Vec<usize> = Vec::new();
    let mut nearest = vec![f64::INFINITY; front.len()];
    let mut next = first;
    while chosen.len() < k && nearest[next] > 0.0 {
        chosen.push(next);
        for (distance, place) in nearest.iter_mut().zip(&places) {
            *distance = distance.min(squared_distance(place, &places[next]));
        }
        for index in (0..front.len()).rev() {
            if nearest[index] >= nearest[next] {
                next = index;
            }
        }
    }
    chosen
}

/// Up to `k` candidates worth finishing, as indices: [`spread`] along the front and, where that has too few members,
/// along the front of the rest, and so on.
pub fn worth_finishing(candidates: &[Objectives], k: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    for members in non_dominated_sort(candidates) {
        let front: Vec<Objectives> = members.iter().map(|&i| candidates[i]).collect();
        let picked = spread(&front, k - chosen.len());
        chosen.extend(picked.into_iter().map(|place| members[place]));
        if chosen.len() == k {
            break;
        }
    }
    chosen
}

/// A finished model, weighed against others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// Its error on validation, what it costs, and how far it is over the limits.
    pub objectives: Objectives,
    /// Its Brier score on validation ([`danas_measure::brier`]): the less, the surer it was of the right classes.
    pub brier: f64,
}

/// The model to recommend, as an index: the cheapest of those that tie with the best. `None` if no model meets the limits;
/// the others are not looked at. `compare(a, b)` compares the answers of two models to the same validation examples.
///
/// The best is, of the models that are as right as the one with the least error ([`Comparison::is_as_right`]), the surest.
/// Those tie with it that cannot be told apart from it by either ([`Comparison::is_tie`]). The cheapest has the least
/// geometric mean of the three costs. Whatever is still equal is settled by error, then by place.
///
/// That differences within one standard error are settled by cost is a rule of Breiman, Friedman, Olshen, Stone (1984,
/// "Classification and regression trees", section 3.4.3). What was right on a few hundred examples alone makes a bad
/// judge of it: nine searches of ten minutes on three sets ended with three models each, and in three of them a model with a
/// fifth to a tenth of the multiply-accumulates tied with the best by McNemar's test (p of 0.5 to 0.6). It was worse on the
/// test split each time (by 0.5, 0.9 and 2.3 points), and less sure on validation each time (by 2.8 to 3.2 standard
/// errors). With parts of 400 validation examples (60 drawn for each search) the cheapest of those that tie by McNemar's test
/// at 5 % lost more than a point of test accuracy against the best choice in 27 % of cases and saved 40 % of the MACs, at one
/// standard error 12 % and 26 %; this rule 4 % and 3 %, with parts of 100 examples 11 % and 14 %; the most accurate model
/// 7 % and 8 %. Nine searches are few.
pub fn recommend(
    models: &[Contender],
    compare: impl Fn(usize, usize) -> Comparison,
) -> Option<usize> {
    let fitting = (0..models.len()).filter(|&i| models[i].objectives.is_feasible());
    let error = |i: usize| models[i].objectives.values()[0];
    let cost = |i: usize| log_cost(&models[i].objectives);
    let brier = |i: usize| number(models[i].brier);
    let by = |first: &dyn Fn(usize) -> f64, then: &dyn Fn(usize) -> f64, a: usize, b: usize| {
        let order = first(a).total_cmp(&first(b));
        order.then(then(a).total_cmp(&then(b)))
    };
    let fitting: Vec<usize> = fitting.collect();
    let least = fitting
        .iter()
        .copied()
        .min_by(|&a, &b| by(&error, &cost, a, b))?;
    let as_right = |i: &usize| *i == least || compare(*i, least).is_as_right();
    let as_right: Vec<usize> = fitting.into_iter().filter(as_right).collect();
    let best = as_right
        .iter()
        .copied()
        .min_by(|&a, &b| by(&brier, &cost, a, b))?;
    let ties = as_right
        .into_iter()
        .filter(|&i| i == best || compare(i, best).is_tie());
    ties.min_by(|&a, &b| by(&cost, &error, a, b))
}

/// The least far over the limits, then the least error, then the cheapest, then the first.
fn most_accurate(candidates: &[Objectives]) -> Option<usize> {
    (0..candidates.len()).min_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        let by_error = a.values()[0].total_cmp(&b.values()[0]);
        let by_excess = a.excess().total_cmp(&b.excess());
        by_excess
            .then(by_error)
            .then(log_cost(a).total_cmp(&log_cost(b)))
    })
}

/// Three times the logarithm of the geometric mean of the costs.
fn log_cost(candidate: &Objectives) -> f64 {
    candidate.values()[1..].iter().map(|&cost| log(cost)).sum()
}

/// A logarithm that is finite for every cost; what costs nothing is as cheap as the smallest number.
fn log(cost: f64) -> f64 {
    cost.clamp(f64::MIN_POSITIVE, f64::MAX).ln()
}

/// Where the members stand, each coordinate from 0 to 1.
fn places(front: &[Objectives]) -> Vec<[f64; OBJECTIVES]> {
    let place = |member: &Objectives| {
        let [error, arena, flash, latency] = member.values();
        [error.clamp(0.0, 1.0), log(arena), log(flash), log(latency)]
    };
    let mut places: Vec<[f64; OBJECTIVES]> = front.iter().map(place).collect();
    for i in 0..OBJECTIVES {
        let least = places.iter().map(|p| p[i]).fold(f64::INFINITY, f64::min);
        let most = places
            .iter()
            .map(|p| p[i])
            .fold(f64::NEG_INFINITY, f64::max);
        let extent = most - least;
        for place in &mut places {
            place[i] = if extent > 0.0 {
                (place[i] - least) / extent
            } else {
                0.0
            };
        }
    }
    places
}

fn squared_distance(a: &[f64; OBJECTIVES], b: &[f64; OBJECTIVES]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}
