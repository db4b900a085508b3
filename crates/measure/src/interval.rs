//! How sure one can be of a share.

use serde::Serialize;

/// A measure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The measure.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The 97.5 % quantile of the normal distribution: a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The score interval of the share of `hits` among `trials` (Wilson 1927, "Probable inference, the law of succession, and
/// statistical inference"). Unlike the textbook's `p ± z sqrt(p (1 - p) / n)` it keeps its promise for shares near 0 and 1
/// and for few trials (Brown, Cai, DasGupta 2001, "Interval estimation for a binomial proportion"). Without trials it is
/// everything from 0 to 1.
pub fn wilson(hits: u64, trials: u64) -> Interval {
    if trials == 0 {
        return Interval {
            value: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let hits = hits.min(trials);
    let n = trials as f64;
    let share = hits as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let spread = share * (1.0 - share) / n + Z * Z / (4.0 * n * n);
    let half = Z * spread.sqrt() / scale;
    // At the ends of the range the formula gives exactly the end, but for rounding.
    Interval {
        value: share,
        low: if hits == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if hits == trials {
            1.0
        } else {
            (centre + half).min(1.0)
        },
    }
}

/// The interval of the mean of independent shares, from their own intervals: the distances of the ends from the mean are the
/// roots of the summed squares of theirs (Zou, Donner 2008, "Construction of confidence limits about effect measures: a
/// general approach"; of Wilson intervals this is the stratified interval of Newcombe). Everything for none.
pub(crate) fn mean_of(shares: &[Interval]) -> Interval {
    if shares.is_empty() {
        return wilson(0, 0);
    }
    let count = shares.len() as f64;
    let value = shares.iter().map(|share| share.value).sum::<f64>() / count;
    let distance = |end: fn(&Interval) -> f64| {
        let squares = shares
            .iter()
            .map(|share| (share.value - end(share)).powi(2));
        squares.sum::<f64>().sqrt() / count
    };
    Interval {
        value,
        low: (value - distance(|share| share.low)).max(0.0),
        high: (value + distance(|share| share.high)).min(1.0),
    }
}

impl Interval {
    /// The interval of what an increasing function makes of the measure.
    pub(crate) fn map(self, increasing: impl Fn(f64) -> f64) -> Interval {
        Interval {
            value: increasing(self.value),
            low: increasing(self.low),
            high: increasing(self.high),
        }
    }
}

/// The interval of the ratio of two independent measures, from their own intervals: the ratios at which the interval of
/// `above - ratio * below`, made of theirs as [`mean_of`] makes its own, just touches 0 (Newcombe 2016, "MOVER-R confidence
/// intervals for ratios and products of two independently estimated quantities"). `above` must not be negative, and the
/// upper end of `below` must be less than twice its value.
pub(crate) fn ratio_of(above: &Interval, below: &Interval) -> Interval {
    let product = above.value * below.value;
    let end = |near: f64, far: f64, side: f64| {
        let (a, c) = (
            far * (2.0 * below.value - far),
            near * (2.0 * above.value - near),
        );
        (product + side * (product * product - a * c).max(0.0).sqrt()) / a
    };
    Interval {
        value: above.value / below.value,
        low: end(above.low, below.high, -1.0).max(0.0),
        high: end(above.high, below.low, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_agrees_with_a_published_example() {
        // Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
        let interval = wilson(81, 263);
        assert!((interval.low - 0.2553).abs() < 5e-5, "{interval:?}");
        assert!((interval.high - 0.3662).abs() < 5e-5, "{interval:?}");
    }

    #[test]
    fn without_trials_nothing_is_known() {
        let interval = wilson(0, 0);
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
        assert_eq!(mean_of(&[]), interval);
    }

    #[test]
    fn a_mean_of_one_share_is_that_share_and_one_of_many_is_surer() {
        let one = wilson(45, 60);
        let mean = mean_of(&[one]);
        assert!((mean.low - one.low).abs() < 1e-12 && (mean.high - one.high).abs() < 1e-12);
        let four = mean_of(&[one; 4]);
        assert!(((four.value - four.low) / (one.value - one.low) - 0.5).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_stays_inside(trials in 1u64..5000, part in 0.0f64..=1.0) {
            let hits = (part * trials as f64) as u64;
            let interval = wilson(hits, trials);
            prop_assert!(0.0 <= interval.low && interval.low <= interval.value);
            prop_assert!(interval.value <= interval.high && interval.high <= 1.0);
            // The ends solve (p - x)^2 = z^2 x (1 - x) / n, which is how the interval is defined.
            for end in [interval.low, interval.high] {
                let left = (interval.value - end).powi(2);
                let right = Z * Z * end * (1.0 - end) / trials as f64;
                prop_assert!((left - right).abs() < 1e-9, "{left} {right}");
            }
        }
    }
}
