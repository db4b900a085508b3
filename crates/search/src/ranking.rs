//! How well a score ranks: what a supernet's scores are worth as a forecast of accuracies.

use std::collections::BTreeMap;

use danas_data::Streams;
use danas_measure::Interval;
use rand::{Rng, RngExt};

/// How well scores rank candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The candidates of which score and truth are known.
    pub candidates: usize,
    /// [`kendall_tau`] with its [`bootstrap`] interval.
    pub tau: Interval,
    /// For each of some `k`, [`top_regret`].
    pub regrets: Vec<(usize, f64)>,
}

/// How well scores rank all candidates, and those of each group among themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreements<'a> {
    /// All candidates.
    pub overall: Agreement,
    /// Groups of at least four candidates, by name.
    pub within: Vec<(&'a str, Agreement)>,
}

/// For so many candidates at the top the regret is told.
const TOPS: [usize; 3] = [1, 3, 10];
/// In a smaller group a tau tells nothing.
const LEAST_GROUP: usize = 4;

impl Agreement {
    /// Of pairs of a score and a truth; `None` if there is nothing to rank.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let tau = tau_interval(pairs)?;
        let tops = TOPS.into_iter().filter(|&k| k < pairs.len());
        Some(Agreement {
            candidates: pairs.len(),
            tau,
            regrets: tops
                .filter_map(|k| Some((k, top_regret(pairs, k)?)))
                .collect(),
        })
    }
}

impl<'a> Agreements<'a> {
    /// Of the group, the score and the truth of every candidate; `None` if there is nothing to rank.
    pub fn of(candidates: &[(&'a str, (f64, f64))]) -> Option<Self> {
        let mut groups = BTreeMap::<&str, Vec<(f64, f64)>>::new();
        for &(group, pair) in candidates {
            groups.entry(group).or_default().push(pair);
        }
        let pairs: Vec<(f64, f64)> = candidates.iter().map(|&(_, pair)| pair).collect();
        let large = groups
            .into_iter()
            .filter(|(_, pairs)| pairs.len() >= LEAST_GROUP);
        Some(Agreements {
            overall: Agreement::of(&pairs)?,
            within: large
                .filter_map(|(group, pairs)| Some((group, Agreement::of(&pairs)?)))
                .collect(),
        })
    }
}

/// [`kendall_tau`] with its [`bootstrap`] interval, the same for the same pairs; `None` if there is nothing to rank.
pub fn tau_interval(pairs: &[(f64, f64)]) -> Option<Interval> {
    let mut rng = Streams::new(0).stream("bootstrap", 0);
    bootstrap(pairs, kendall_tau, &mut rng)
}

/// How often the candidates are resampled for an interval.
const RESAMPLES: usize = 2000;

/// Kendall's tau-b of pairs of a score and a truth (Kendall 1945, "The treatment of ties in ranking problems"): the
/// surplus of pairs that both order alike over those they order differently, 1 if the score ranks exactly as the truth
/// does, 0 if it knows nothing of it. Pairs that are equal in one of the two count as neither. `None` if all scores, or
/// all truths, are equal: there is nothing to rank then.
///
/// ```
/// let pairs = [(0.1, 0.5), (0.2, 0.6), (0.3, 0.9), (0.4, 0.8)];
/// let tau = danas_search::kendall_tau(&pairs).unwrap();
/// assert!((tau - 4.0 / 6.0).abs() < 1e-12); // five pairs alike, one not
/// ```
pub fn kendall_tau(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut surplus, mut by_score, mut by_truth) = (0i64, 0i64, 0i64);
    for (place, &(score, truth)) in pairs.iter().enumerate() {
        for &(other_score, other_truth) in &pairs[..place] {
            let scores = order(score, other_score);
            let truths = order(truth, other_truth);
            surplus += scores * truths;
            by_score += scores.abs();
            by_truth += truths.abs();
        }
    }
    let ranked = (by_score as f64 * by_truth as f64).sqrt();
    (ranked > 0.0).then(|| surplus as f64 / ranked)
}

fn order(a: f64, b: f64) -> i64 {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }
}

/// How much of the truth is lost by whoever takes the best of the `k` candidates with the highest scores instead of the
/// best of all. Of equal scores the earlier one counts as the higher. `None` without candidates or with `k` of 0.
pub fn top_regret(pairs: &[(f64, f64)], k: usize) -> Option<f64> {
    let best = |pairs: &[(f64, f64)]| pairs.iter().map(|&(_, truth)| truth).max_by(f64::total_cmp);
    let mut ranked = pairs.to_vec();
    ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ranked.truncate(k);
    Some(best(pairs)? - best(&ranked)?)
}

/// The interval of 95 % of a statistic of the pairs by the bootstrap's percentiles (Efron 1979, "Bootstrap methods: another
/// look at the jackknife"): the pairs are drawn anew with replacement, 2000 times. Drawings of which the statistic is
/// `None` are left out; `None` if it is so of the pairs themselves.
pub fn bootstrap(
    pairs: &[(f64, f64)],
    statistic: impl Fn(&[(f64, f64)]) -> Option<f64>,
    rng: &mut impl Rng,
) -> Option<Interval> {
    let value = statistic(pairs)?;
    let mut drawn = Vec::with_capacity(pairs.len());
    let mut values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            drawn.clear();
            drawn.extend((0..pairs.len()).map(|_| pairs[rng.random_range(0..pairs.len())]));
            statistic(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = (share * values.len().saturating_sub(1) as f64).round() as usize;
        values.get(place).copied().unwrap_or(value)
    };
    Some(Interval {
        value,
        low: quantile(0.025),
        high: quantile(0.975),
    })
}
