//! Answers counted class by class.

use serde::{Deserialize, Serialize};

use crate::interval::{mean_of, ratio_of, wilson};
use crate::{Interval, Objective};

/// How often a class occurred and was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "[u64; 3]", into = "[u64; 3]")]
pub struct ClassTally {
    /// Examples of the class.
    pub examples: u64,
    /// Examples of any class that were taken for this one.
    pub called: u64,
    /// Examples of the class that were taken for it.
    pub right: u64,
}

impl From<[u64; 3]> for ClassTally {
    fn from([examples, called, right]: [u64; 3]) -> Self {
        ClassTally {
            examples,
            called,
            right,
        }
    }
}

impl From<ClassTally> for [u64; 3] {
    fn from(tally: ClassTally) -> Self {
        [tally.examples, tally.called, tally.right]
    }
}

impl ClassTally {
    /// The share of the class's examples that were recognised; `None` if it has none.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.right, self.examples)
    }

    /// The share of what was taken for the class that is of it; `None` if nothing was.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.right, self.called)
    }

    /// The harmonic mean of precision and recall; `None` if the class has no examples.
    pub fn f1(&self) -> Option<f64> {
        let both = self.examples as f64 + self.called as f64;
        (self.examples > 0).then(|| 2.0 * self.right as f64 / both)
    }

    /// Examples that are of the class or were taken for it.
    fn union(&self) -> u64 {
        (self.examples.saturating_sub(self.right)).saturating_add(self.called)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A classifier's answers, counted class by class: enough for accuracy, balanced accuracy and F1, and of a size that grows
/// with the number of classes only. Counts stop at their greatest value instead of overflowing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally {
    classes: Vec<ClassTally>,
}

impl Tally {
    /// No answers yet.
    pub fn new(classes: usize) -> Self {
        Tally {
            classes: vec![ClassTally::default(); classes],
        }
    }

    /// Of counts `confusion[true class][predicted class]`, a square matrix.
    ///
    /// # Panics
    /// If it is not square.
    pub fn of_confusion(confusion: &[Vec<u64>]) -> Self {
        let mut tally = Tally::new(confusion.len());
        for (class, row) in confusion.iter().enumerate() {
            assert_eq!(row.len(), confusion.len(), "a square matrix");
            tally.classes[class].right = row[class];
            for (called, &count) in row.iter().enumerate() {
                add(&mut tally.classes[class].examples, count);
                add(&mut tally.classes[called].called, count);
            }
        }
        tally
    }

    /// Counts the answer to one example of `class`; `None` is no answer, which is wrong.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn count(&mut self, class: usize, called: Option<usize>) {
        add(&mut self.classes[class].examples, 1);
        if let Some(called) = called {
            add(&mut self.classes[called].called, 1);
            if called == class {
                add(&mut self.classes[class].right, 1);
            }
        }
    }

    /// Has `count` examples of `class` that were taken for `from` taken for `to` instead.
    pub(crate) fn recount(&mut self, class: usize, from: usize, to: usize, count: u64) {
        self.classes[from].called -= count;
        self.classes[to].called += count;
        if from == class {
            self.classes[class].right -= count;
        } else if to == class {
            self.classes[class].right += count;
        }
    }

    /// Adds the answers of `other`.
    ///
    /// # Panics
    /// If the two have different numbers of classes.
    pub fn add(&mut self, other: &Tally) {
        assert_eq!(self.classes.len(), other.classes.len(), "the same classes");
        for (sum, part) in self.classes.iter_mut().zip(&other.classes) {
            add(&mut sum.examples, part.examples);
            add(&mut sum.called, part.called);
            add(&mut sum.right, part.right);
        }
    }

    /// The classes.
    pub fn classes(&self) -> &[ClassTally] {
        &self.classes
    }

    /// All examples.
    pub fn examples(&self) -> u64 {
        total(self.classes.iter().map(|class| class.examples))
    }

    /// Examples classified rightly.
    pub fn right(&self) -> u64 {
        total(self.classes.iter().map(|class| class.right))
    }

    /// The share of examples classified rightly, 0 to 1; 0 if there are none.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right(), self.examples()).unwrap_or(0.0)
    }

    /// The mean recall of the classes that have examples, 0 to 1; 0 if there are none.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self.classes.iter().filter_map(ClassTally::recall).collect();
        match recalls.len() {
            0 => 0.0,
            count => recalls.iter().sum::<f64>() / count as f64,
        }
    }

    /// What an objective is to be maximised in, 0 to 1; 0 where there are no examples.
    pub fn score(&self, objective: Objective) -> f64 {
        match objective {
            Objective::Accuracy => self.accuracy(),
            Objective::Balanced => self.balanced_accuracy(),
            Objective::F1(class) => {
                let tally = self.classes.get(class);
                tally.and_then(ClassTally::f1).unwrap_or(0.0)
            }
        }
    }

    /// An objective with its 95 % interval: for accuracy the binomial score interval ([`wilson`]), for balanced accuracy
    /// that of the mean of the classes' own. F1 is `2 j / (1 + j)`, where `j` is the share of rightly recognised examples
    /// among those that are of the class or were taken for it, a share again; its interval is that of `j`, transformed.
    pub fn interval(&self, objective: Objective) -> Interval {
        match objective {
            Objective::Accuracy => wilson(self.right(), self.examples()),
            Objective::Balanced => {
                let known = self.classes.iter().filter(|class| class.examples > 0);
                let recalls = known.map(|class| wilson(class.right, class.examples));
                mean_of(&recalls.collect::<Vec<_>>())
            }
            Objective::F1(class) => {
                let tally = self.classes.get(class).copied().unwrap_or_default();
                let share = wilson(tally.right, tally.union());
                share.map(of_share)
            }
        }
    }

    /// F1 of a class as it would be if that class had as many examples as all others together, with its 95 % interval (the
    /// calibrated F1 of Siblini and others 2020, "Master your metrics with calibration", at even odds). Unlike F1 it does not
    /// depend on how many examples there are of either, and so can be compared between sets: it is `2 r / (1 + r + f)` of the
    /// share `r` of the class that was recognised and the share `f` of the others that was taken for it. `None` if there are
    /// no examples of the class, or no others.
    pub fn even_f1(&self, class: usize) -> Option<Interval> {
        let tally = self.classes.get(class).filter(|tally| tally.examples > 0)?;
        let others = self.examples().saturating_sub(tally.examples);
        if others == 0 {
            return None;
        }
        let mistaken = wilson(tally.called.saturating_sub(tally.right), others);
        let ratio = ratio_of(
            &wilson(tally.right, tally.examples),
            &mistaken.map(|share| 1.0 + share),
        );
        Some(ratio.map(|ratio| of_share(ratio.min(1.0))))
    }
}

/// F1 of the share that it is made of: of rightly recognised examples among those that are of a class or were taken for it.
fn of_share(share: f64) -> f64 {
    2.0 * share / (1.0 + share)
}

fn add(sum: &mut u64, count: u64) {
    *sum = sum.saturating_add(count);
}

fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally() -> Tally {
        Tally::of_confusion(&[vec![8, 2, 0], vec![1, 9, 0], vec![0, 0, 0]])
    }

    #[test]
    fn measures_of_a_small_matrix() {
        let tally = tally();
        let [first, _, last] = tally.classes() else {
            panic!("three classes")
        };
        assert_eq!((first.examples, first.called, first.right), (10, 9, 8));
        assert_eq!(first.precision(), Some(8.0 / 9.0));
        assert_eq!(first.recall(), Some(0.8));
        assert_eq!(first.f1(), Some(16.0 / 19.0));
        assert_eq!((last.precision(), last.f1()), (None, None));
        assert_eq!(tally.accuracy(), 0.85);
        // The class without examples does not count.
        assert!((tally.balanced_accuracy() - 0.85).abs() < 1e-12);
        assert_eq!(tally.score(Objective::F1(0)), 16.0 / 19.0);
        assert_eq!(tally.score(Objective::F1(2)), 0.0);
        assert_eq!(tally.score(Objective::F1(9)), 0.0);
    }

    #[test]
    fn a_model_that_never_sees_the_rare_class_is_accurate_and_not_balanced() {
        let blind = Tally::of_confusion(&[vec![100, 0], vec![10, 0]]);
        assert!(blind.accuracy() > 0.9);
        assert_eq!(blind.balanced_accuracy(), 0.5);
        assert_eq!(blind.score(Objective::F1(1)), 0.0);
        // Ten examples decide half of it: its interval is far wider than that of the accuracy.
        let width = |objective| {
            let interval = blind.interval(objective);
            interval.high - interval.low
        };
        assert!(width(Objective::Balanced) > 1.3 * width(Objective::Accuracy));
    }

    #[test]
    fn an_even_f1_does_not_depend_on_how_many_examples_the_classes_have() {
        let even = |confusion: &[Vec<u64>]| Tally::of_confusion(confusion).even_f1(1);
        // Recognised 30 of 40, taken for it 10 of 50: 2 * 0.75 / (1 + 0.75 + 0.2).
        let once = even(&[vec![40, 10], vec![10, 30]]).expect("both classes");
        assert!((once.value - 1.5 / 1.95).abs() < 1e-12);
        let more = even(&[vec![400, 100], vec![10, 30]]).expect("both classes");
        assert!((more.value - once.value).abs() < 1e-12);
        assert!(
            more.low > once.low && more.high < once.high,
            "and surer with more"
        );
        // Among three classes the two others count as one.
        let three = even(&[vec![20, 5, 3], vec![6, 30, 4], vec![1, 5, 16]]).expect("all");
        assert!((three.value - once.value).abs() < 1e-12);
        assert_eq!(even(&[vec![5, 1], vec![0, 0]]), None);
        assert_eq!(even(&[vec![0, 0], vec![1, 5]]), None);
        let perfect = even(&[vec![3, 0], vec![0, 3]]).expect("both classes");
        assert_eq!((perfect.value, perfect.high), (1.0, 1.0));
        assert!(perfect.low < 0.7, "three of three say little: {perfect:?}");
    }

    /// The probability that so many of `trials` come out.
    fn binomial(trials: u64, share: f64) -> Vec<f64> {
        let mut all = vec![(1.0 - share).powi(trials as i32)];
        for hits in 0..trials {
            let odds = (trials - hits) as f64 / (hits + 1) as f64 * share / (1.0 - share);
            all.push(all[hits as usize] * odds);
        }
        all
    }

    /// Summed over everything that can come out, not drawn by chance.
    #[test]
    fn the_interval_of_an_even_f1_holds_the_truth_as_often_as_it_says() {
        for (trials, recall, mistaken) in [
            ([30, 40], 0.8, 0.15),
            ([12, 200], 0.6, 0.3),
            ([60, 15], 0.95, 0.05),
        ] {
            let truth = 2.0 * recall / (1.0 + recall + mistaken);
            let (found, called) = (binomial(trials[0], recall), binomial(trials[1], mistaken));
            let mut held = 0.0;
            for (right, of_right) in found.iter().enumerate() {
                for (wrong, of_wrong) in called.iter().enumerate() {
                    let (right, wrong) = (right as u64, wrong as u64);
                    let tally = Tally::of_confusion(&[
                        vec![trials[1] - wrong, wrong],
                        vec![trials[0] - right, right],
                    ]);
                    let interval = tally.even_f1(1).expect("both classes");
                    if interval.low <= truth && truth <= interval.high {
                        held += of_right * of_wrong;
                    }
                }
            }
            assert!((0.935..0.98).contains(&held), "{trials:?}: {held}");
        }
    }

    #[test]
    fn counts_at_the_end_of_their_range_stay_there() {
        let huge = Tally::of_confusion(&[vec![u64::MAX, 1], vec![u64::MAX, u64::MAX]]);
        assert_eq!((huge.examples(), huge.accuracy()), (u64::MAX, 1.0));
        assert!(huge.interval(Objective::F1(0)).high <= 1.0);
    }

    #[test]
    fn a_tally_is_recorded_as_rows_of_three() {
        let json = serde_json::to_string(&tally()).unwrap();
        assert_eq!(json, "[[10,9,8],[10,11,9],[0,0,0]]");
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), tally());
    }

    proptest! {
        /// Counting one by one, in two parts, or from a matrix gives the same, and every measure is its definition.
        #[test]
        fn a_tally_is_its_answers(answers in prop::collection::vec((0usize..3, 0usize..3), 1..60), cut in 0usize..60) {
            let mut whole = Tally::new(3);
            let (mut first, mut second) = (Tally::new(3), Tally::new(3));
            let mut confusion = vec![vec![0; 3]; 3];
            for (index, &(class, called)) in answers.iter().enumerate() {
                whole.count(class, Some(called));
                let part = if index < cut { &mut first } else { &mut second };
                part.count(class, Some(called));
                confusion[class][called] += 1;
            }
            first.add(&second);
            prop_assert_eq!(&first, &whole);
            prop_assert_eq!(&Tally::of_confusion(&confusion), &whole);
            let right = answers.iter().filter(|(class, called)| class == called).count();
            prop_assert_eq!(whole.accuracy(), right as f64 / answers.len() as f64);
            for objective in [Objective::Accuracy, Objective::Balanced, Objective::F1(1)] {
                let interval = whole.interval(objective);
                prop_assert!(0.0 <= interval.low && interval.low <= interval.value + 1e-12);
                prop_assert!(interval.value <= interval.high + 1e-12 && interval.high <= 1.0);
                prop_assert!((interval.value - whole.score(objective)).abs() < 1e-12);
            }
            if let Some(even) = whole.even_f1(1) {
                prop_assert!(0.0 <= even.low && even.low <= even.value + 1e-12);
                prop_assert!(even.value <= even.high + 1e-12 && even.high <= 1.0);
            }
        }
    }
}
