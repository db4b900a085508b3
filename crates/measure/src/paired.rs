//! Whether two models that answered the same examples differ.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Objective, Tally};

/// How often the answers are exchanged at random: a p of 0.05 is then known to within 0.004.
const DRAWS: u64 = 9_999;
/// A difference this much smaller than another is the same but for rounding.
const ROUNDING: f64 = 1e-12;

/// A difference is within one standard error where it is more probable than this between models that are equally good.
const ONE_STANDARD_ERROR: f64 = 0.317_310_507_862_914;

/// What a model said about one example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The class that it was taken for.
    pub class: usize,
    /// The squared distance between the outputs and those of a perfect answer: 1 for the class of the example, 0 for the
    /// others.
    pub squared_error: f64,
}

/// The answers of two models to the same examples.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    /// The true class of every example.
    pub classes: &'a [usize],
    /// What the first model said about each.
    pub first: &'a [Answer],
    /// What the second model said about each.
    pub second: &'a [Answer],
}

/// How two models differ on the same examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Examples that the first model alone classified rightly.
    pub only_first: u64,
    /// Examples that the second model alone classified rightly.
    pub only_second: u64,
    /// How probable a difference in the objective at least as large is between models that are equally good, 0 to 1.
    pub p: f64,
    /// By how many standard errors the [`brier`] score of the first model is above that of the second. It is no number where
    /// there is a difference and nothing to estimate its standard error from.
    pub apart: f64,
}

impl Comparison {
    /// Whether what the models classified rightly does not tell them apart: the difference is within one standard error.
    pub fn is_as_right(&self) -> bool {
        self.p > ONE_STANDARD_ERROR
    }

    /// Whether neither that nor how sure they were tells them apart.
    pub fn is_tie(&self) -> bool {
        self.is_as_right() && self.apart.abs() <= 1.0
    }
}

/// The mean of the squared errors (Brier 1950, "Verification of forecasts expressed in terms of probability"): how sure a
/// model was of the right class. Of an objective that counts classes alike it is the mean of the classes' means. 0 to 2; 0
/// for no answers.
///
/// # Panics
/// If there is not one answer to every example.
pub fn brier(classes: &[usize], answers: &[Answer], objective: Objective) -> f64 {
    assert_eq!(classes.len(), answers.len(), "one answer to every example");
    let groups = groups(classes, objective, |example| answers[example].squared_error);
    let means = groups.iter().map(|values| mean(values));
    means.sum::<f64>() / groups.len().max(1) as f64
}

/// Compares two models in an objective. Their answers to one example belong together: what both know, or neither, says
/// nothing about which is better, and only the rest is looked at, which makes this far sharper than two intervals laid side
/// by side. For accuracy that is [`mcnemar`]'s test. For the other objectives it is the same idea carried out by chance: were
/// the models equally good, their answers to an example could be exchanged, and so it is counted how often exchanging them
/// at random makes a difference as large (Yeh 2000, "More accurate tests for the statistical significance of result
/// differences"). Their squared errors are compared example by example as well, which is sharper still, because every
/// example says something. The same answers give the same result.
///
/// # Panics
/// If there is not one answer of each model to every example.
pub fn compare(answers: Answers<'_>, objective: Objective) -> Comparison {
    let count = answers.classes.len();
    assert!(
        answers.first.len() == count && answers.second.len() == count,
        "one answer of each model to every example"
    );
    let right_alone = |one: &[Answer], other: &[Answer]| {
        let all = answers.classes.iter().zip(one).zip(other);
        all.filter(|((class, one), other)| one.class == **class && other.class != **class)
            .count() as u64
    };
    let only_first = right_alone(answers.first, answers.second);
    let only_second = right_alone(answers.second, answers.first);
    let p = match objective {
        Objective::Accuracy => mcnemar(only_first, only_second),
        _ => Exchange::new(answers).p(objective, &mut ChaCha8Rng::seed_from_u64(0)),
    };
    Comparison {
        only_first,
        only_second,
        p,
        apart: apart(answers, objective),
    }
}

/// By how many standard errors the mean squared error of the first model is above that of the second.
fn apart(answers: Answers<'_>, objective: Objective) -> f64 {
    let groups = groups(answers.classes, objective, |example| {
        answers.first[example].squared_error - answers.second[example].squared_error
    });
    let (mut difference, mut variance) = (0.0, 0.0);
    for values in &groups {
        let (count, mean) = (values.len() as f64, mean(values));
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        difference += mean;
        variance += squares / (count - 1.0) / count;
    }
    match difference == 0.0 {
        true => 0.0,
        false => difference / variance.sqrt(),
    }
}

/// A value of every example, all together or, for an objective that counts classes alike, class by class.
fn groups(classes: &[usize], objective: Objective, value: impl Fn(usize) -> f64) -> Vec<Vec<f64>> {
    let mut groups = BTreeMap::<usize, Vec<f64>>::new();
    for (example, &class) in classes.iter().enumerate() {
        let group = match objective {
            Objective::Accuracy => 0,
            Objective::Balanced | Objective::F1(_) => class,
        };
        groups.entry(group).or_default().push(value(example));
    }
    groups.into_values().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The exact two-sided test of McNemar (1947, "Note on the sampling error of the difference between correlated proportions
/// or percentages"): how probable so uneven a division of the examples that only one of two models got right is, if each
/// falls to either with probability 1/2.
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let all = only_first.saturating_add(only_second);
    let fewer = only_first.min(only_second);
    // The probability of k of n, as a logarithm, because that of 0 is 2^-n.
    let mut log = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = log.exp();
    for k in 0..fewer {
        log += ((all - k) as f64 / (k + 1) as f64).ln();
        tail += log.exp();
    }
    (2.0 * tail).min(1.0)
}

/// Answers that can be exchanged between two models: only those that differ matter, and those of one kind are alike.
struct Exchange {
    first: Tally,
    second: Tally,
    /// How many examples of a class the models took for this and that.
    kinds: BTreeMap<[usize; 3], u64>,
}

impl Exchange {
    fn new(answers: Answers<'_>) -> Self {
        let said = answers.first.iter().chain(answers.second);
        let all = (answers.classes.iter().copied()).chain(said.map(|answer| answer.class));
        let classes = all.max().map_or(0, |class| class + 1);
        let mut exchange = Exchange {
            first: Tally::new(classes),
            second: Tally::new(classes),
            kinds: BTreeMap::new(),
        };
        let pairs = answers.first.iter().zip(answers.second);
        for (&class, (first, second)) in answers.classes.iter().zip(pairs) {
            let (first, second) = (first.class, second.class);
            exchange.first.count(class, Some(first));
            exchange.second.count(class, Some(second));
            if first != second {
                *exchange.kinds.entry([class, first, second]).or_default() += 1;
            }
        }
        exchange
    }

    /// The share of exchanges after which the models differ by at least as much as they do.
    fn p(&self, objective: Objective, rng: &mut impl Rng) -> f64 {
        let difference = |first: &Tally, second: &Tally| {
            (first.score(objective) - second.score(objective)).abs()
        };
        let observed = difference(&self.first, &self.second) - ROUNDING;
        let mut as_large = 1;
        for _ in 0..DRAWS {
            let (mut first, mut second) = (self.first.clone(), self.second.clone());
            for (&[class, one, other], &count) in &self.kinds {
                let exchanged = heads(count, rng);
                first.recount(class, one, other, exchanged);
                second.recount(class, other, one, exchanged);
            }
            as_large += u64::from(difference(&first, &second) >= observed);
        }
        as_large as f64 / (DRAWS + 1) as f64
    }
}

/// How often so many tosses of a coin show heads.
fn heads(tosses: u64, rng: &mut impl Rng) -> u64 {
    let whole: u64 = (0..tosses / 64)
        .map(|_| u64::from(rng.next_u64().count_ones()))
        .sum();
    let rest = rng.next_u64() & ((1 << (tosses % 64)) - 1);
    whole + u64::from(rest.count_ones())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mcnemar_is_a_sum_of_binomial_coefficients() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(4, 4), 1.0);
        assert!((mcnemar(1, 10) - 24.0 / 2048.0).abs() < 1e-12);
        assert!((mcnemar(5, 0) - 2.0 / 32.0).abs() < 1e-12);
        // Far too many for coefficients that are numbers: six standard errors apart.
        let far = mcnemar(500_000 - 3_000, 500_000 + 3_000);
        assert!((1e-9..3e-9).contains(&far), "{far}");
    }

    /// The classes, and the answers of two models that were always quite sure.
    fn columns(all: &[[usize; 3]]) -> (Vec<usize>, [Vec<Answer>; 2]) {
        let answer = |row: &[usize; 3], model: usize| Answer {
            class: row[model],
            squared_error: if row[model] == row[0] { 0.0 } else { 2.0 },
        };
        let of_model = |model| all.iter().map(|row| answer(row, model)).collect();
        let classes = all.iter().map(|row| row[0]).collect();
        (classes, [of_model(1), of_model(2)])
    }

    #[test]
    fn surer_models_are_told_apart_where_right_ones_are_not() {
        // Both know everything; the second is a little less sure, now more, now less.
        let classes = [0, 1].repeat(20);
        let answers = |error: &dyn Fn(usize) -> f64| -> Vec<Answer> {
            let answer = |example: usize| Answer {
                class: classes[example],
                squared_error: error(example),
            };
            (0..40).map(answer).collect()
        };
        let first = answers(&|_| 0.1);
        let compared = |second: &[Answer]| {
            let answers = Answers {
                classes: &classes,
                first: &first,
                second,
            };
            compare(answers, Objective::Accuracy)
        };
        let same = compared(&first);
        assert_eq!((same.p, same.apart), (1.0, 0.0));
        assert!(same.is_tie());
        // Differences of 0.02 and 0.06: a mean of 0.04, a deviation of 0.02 and a little.
        let less_sure = answers(&|example| if example < 20 { 0.12 } else { 0.16 });
        let told = compared(&less_sure);
        assert!(told.is_as_right() && !told.is_tie());
        assert!((told.apart + 0.04 / (0.0004f64 / 39.0).sqrt()).abs() < 1e-9);
        let by_chance = answers(&|example| if example < 20 { 0.05 } else { 0.15 });
        assert!(compared(&by_chance).is_tie());
        // A constant difference has no standard error.
        assert!(!compared(&answers(&|_| 0.25)).is_tie());
    }

    #[test]
    fn where_classes_count_alike_so_do_their_errors() {
        let classes = [0, 0, 0, 1];
        let answers = [0.0, 0.0, 0.4, 1.6].map(|squared_error| Answer {
            class: 0,
            squared_error,
        });
        let brier = |objective| brier(&classes, &answers, objective);
        assert!((brier(Objective::Accuracy) - 0.5).abs() < 1e-12);
        assert!((brier(Objective::Balanced) - (0.4 / 3.0 + 1.6) / 2.0).abs() < 1e-12);
        assert_eq!(brier(Objective::F1(1)), brier(Objective::Balanced));
        assert_eq!(super::brier(&[], &[], Objective::Accuracy), 0.0);
    }

    #[test]
    fn what_both_know_or_neither_says_nothing() {
        let answers = |shared: usize| {
            let mut all = vec![[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 0, 1]];
            all.extend(vec![[0, 0, 0]; shared]);
            all.extend(vec![[1, 0, 0]; shared]);
            all
        };
        let of = |all: Vec<[usize; 3]>| {
            let (classes, [first, second]) = columns(&all);
            let answers = Answers {
                classes: &classes,
                first: &first,
                second: &second,
            };
            let told = compare(answers, Objective::Accuracy);
            (told.only_first, told.only_second, told.p)
        };
        assert_eq!(of(answers(0)), (3, 1, 0.625));
        assert_eq!(of(answers(500)), (3, 1, 0.625));
    }

    /// All ways of exchanging the answers, one by one.
    fn every_exchange(answers: &[[usize; 3]], objective: Objective) -> f64 {
        let differing: Vec<usize> = (0..answers.len())
            .filter(|&i| answers[i][1] != answers[i][2])
            .collect();
        let difference = |mask: usize| {
            let mut tallies = [Tally::new(3), Tally::new(3)];
            for (i, &[class, first, second]) in answers.iter().enumerate() {
                let place = differing.iter().position(|&differing| differing == i);
                let exchanged = place.is_some_and(|place| mask >> place & 1 == 1);
                let [one, other] = if exchanged {
                    [second, first]
                } else {
                    [first, second]
                };
                tallies[0].count(class, Some(one));
                tallies[1].count(class, Some(other));
            }
            (tallies[0].score(objective) - tallies[1].score(objective)).abs()
        };
        let observed = difference(0) - ROUNDING;
        let all = 1 << differing.len();
        let as_large = (0..all)
            .filter(|&mask| difference(mask) >= observed)
            .count();
        as_large as f64 / all as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn exchanging_at_random_estimates_exchanging_in_every_way(
            answers in prop::collection::vec([0usize..3, 0usize..3, 0usize..3], 1..11)
        ) {
            let (classes, [first, second]) = columns(&answers);
            let both = Answers { classes: &classes, first: &first, second: &second };
            for objective in [Objective::Accuracy, Objective::Balanced, Objective::F1(0)] {
                let mut rng = ChaCha8Rng::seed_from_u64(1);
                let estimate = Exchange::new(both).p(objective, &mut rng);
                let exact = every_exchange(&answers, objective);
                // Five standard errors.
                prop_assert!((estimate - exact).abs() < 0.025, "{objective:?}: {estimate}, {exact}");
                let told = compare(both, objective);
                prop_assert!((told.p - exact).abs() < 0.025);
                let other = compare(Answers { first: &second, second: &first, ..both }, objective);
                prop_assert_eq!((told.only_first, told.only_second), (other.only_second, other.only_first));
            }
        }
    }
}
