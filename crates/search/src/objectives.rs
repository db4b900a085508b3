//! What a candidate is worth, and when one is better than another.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// The number of objectives: the error and three costs.
pub const OBJECTIVES: usize = 4;

/// What is known of a candidate once it is scored. Less is better everywhere; what is not a number counts as
/// infinitely bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objectives {
    /// What is lacking of a perfect score on the validation examples, 0 to 1: where accuracy is the score, the share of them
    /// that are classified wrongly.
    pub error: f64,
    /// Tensor arena in bytes, flash in bytes, latency in milliseconds.
    pub costs: [f64; 3],
    /// How far the candidate is over the limits; 0 if it meets them all.
    pub violation: f64,
}

impl Objectives {
    /// Error and costs as one vector without NaN.
    pub fn values(&self) -> [f64; OBJECTIVES] {
        let [arena, flash, latency] = self.costs;
        [self.error, arena, flash, latency].map(number)
    }

    /// How far over the limits: never NaN, never below 0.
    pub fn excess(&self) -> f64 {
        number(self.violation).max(0.0)
    }

    /// Whether all limits are met.
    pub fn is_feasible(&self) -> bool {
        self.excess() == 0.0
    }

    /// Constrained domination (Deb, Pratap, Agarwal, Meyarivan 2002, "A fast and elitist multiobjective genetic
    /// algorithm: NSGA-II", definition 1): what meets the limits dominates what does not; of two that do not, the one
    /// that is less far over them; of two that do, the one that is nowhere worse and somewhere better.
    ///
    /// It is irreflexive, asymmetric and transitive.
    pub fn dominates(&self, other: &Objectives) -> bool {
        match self.excess().total_cmp(&other.excess()) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => self.is_feasible() && pareto(&self.values(), &other.values()),
        }
    }

    /// An order in which nobody stands before one that dominates it: by violation, then by the values one by one.
    pub(crate) fn order(&self, other: &Objectives) -> Ordering {
        let (a, b) = (self.values(), other.values());
        let differing = (0..OBJECTIVES).find(|&i| a[i] != b[i]);
        let by_value = differing.map_or(Ordering::Equal, |i| a[i].total_cmp(&b[i]));
        self.excess().total_cmp(&other.excess()).then(by_value)
    }
}

/// Pareto domination of two vectors to be minimised: nowhere worse, somewhere better.
pub fn pareto<const D: usize>(a: &[f64; D], b: &[f64; D]) -> bool {
    let pairs = || a.iter().zip(b);
    pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
}

/// The value, or infinity for what is no number. Negative zero becomes zero, so that the total order of floats and
/// the usual comparison agree.
pub(crate) fn number(value: f64) -> f64 {
    if value.is_nan() {
        f64::INFINITY
    } else {
        value + 0.0
    }
}
