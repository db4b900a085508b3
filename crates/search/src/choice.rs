//! Choosing from a front: which members are worth finishing, and which one to recommend.

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
    /// Its mean squared error of probabilities on validation (Brier 1950, "Verification of forecasts expressed in terms
    /// of probability"), 0 to 2.
    pub brier: f64,
}

/// The model to recommend, as an index: of those that meet the limits and are as accurate as the best of them within its
/// [`standard_error`] on `examples` validation examples, the one with the least [`Contender::brier`]; of equal ones the
/// cheapest, which is that of the least geometric mean of the three costs; then the first. `None` if no model meets the
/// limits.
///
/// That differences which the examples cannot resolve are ties is the one-standard-error rule (Breiman, Friedman,
/// Olshen, Stone 1984, "Classification and regression trees", section 3.4.3). It settles ties by cost; but a few hundred
/// examples leave wide ties, and how sure each answer was tells more about a model than how many were right.
pub fn recommend(models: &[Contender], examples: usize) -> Option<usize> {
    let fitting = || (0..models.len()).filter(|&i| models[i].objectives.is_feasible());
    let error = |i: usize| models[i].objectives.values()[0];
    let least = fitting().map(error).min_by(f64::total_cmp)?;
    let bound = least + standard_error(least, examples);
    let ties = fitting().filter(|&i| error(i) <= bound);
    ties.min_by(|&a, &b| {
        let by_cost = log_cost(&models[a].objectives).total_cmp(&log_cost(&models[b].objectives));
        (number(models[a].brier).total_cmp(&number(models[b].brier))).then(by_cost)
    })
}

/// The standard error of an error rate measured on `examples` examples: `sqrt(p (1 - p) / (n + 1))` with
/// `p = (wrong + 1/2) / (n + 1)`. This is the binomial standard error around the centre that Agresti and Coull (1998,
/// "Approximate is better than exact for interval estimation of binomial proportions") give for an interval of one
/// standard error; unlike `sqrt(e (1 - e) / n)` it does not claim certainty when nothing, or everything, was wrong.
pub fn standard_error(error: f64, examples: usize) -> f64 {
    let n = examples as f64;
    let p = (error.clamp(0.0, 1.0) * n + 0.5) / (n + 1.0);
    (p * (1.0 - p) / (n + 1.0)).sqrt()
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
