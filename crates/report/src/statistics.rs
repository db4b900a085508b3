//! Intervals of shares, and the measures of a confusion matrix.

/// The 97.5 % quantile of the normal distribution: a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of a share observed in `trials` trials, both between 0 and 1
/// (E. B. Wilson, Journal of the American Statistical Association 22, 1927, pages 209 to 212).
/// `None` without trials or without a share.
pub(crate) fn wilson(share: f64, trials: u64) -> Option<(f64, f64)> {
    if trials == 0 || !share.is_finite() {
        return None;
    }
    let share = share.clamp(0.0, 1.0);
    let trials = trials as f64;
    let scale = 1.0 + Z * Z / trials;
    let centre = (share + Z * Z / (2.0 * trials)) / scale;
    let spread = share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials);
    let half = Z * spread.sqrt() / scale;
    // At the ends of the range the formula gives exactly the end, but for rounding.
    let low = if share == 0.0 {
        0.0
    } else {
        (centre - half).max(0.0)
    };
    let high = if share == 1.0 {
        1.0
    } else {
        (centre + half).min(1.0)
    };
    Some((low, high))
}

/// The 97.5 % quantiles of Student's t distribution for 1, 2, ... degrees of freedom (table of the NIST/SEMATECH e-Handbook
/// of Statistical Methods, section 1.3.6.7.2).
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// The mean of some values, and half the width of the 95 % interval of the mean (Student's t) where there are two or more;
/// `None` without values.
pub(crate) fn mean_interval(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let half = (values.len() > 1).then(|| {
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let error = (squares / (count - 1.0) / count).sqrt();
        T.get(values.len() - 2).copied().unwrap_or(Z) * error
    });
    Some((mean, half))
}

/// How one class was told apart from the others; `None` where a measure has nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClassMeasures {
    /// Examples of the class.
    pub(crate) support: u64,
    /// Share of the examples called this class that are of it.
    pub(crate) precision: Option<f64>,
    /// Share of the examples of this class that are called so.
    pub(crate) recall: Option<f64>,
    /// Harmonic mean of the two.
    pub(crate) f1: Option<f64>,
}

/// The measures of every class of `confusion[true class][predicted class]`, a square matrix.
pub(crate) fn class_measures(confusion: &[Vec<u64>]) -> Vec<ClassMeasures> {
    let mut predicted = vec![0_u64; confusion.len()];
    for row in confusion {
        for (sum, &count) in predicted.iter_mut().zip(row) {
            *sum = sum.saturating_add(count);
        }
    }
    confusion
        .iter()
        .enumerate()
        .map(|(class, row)| {
            let support = total(row);
            let right = row.get(class).copied().unwrap_or(0);
            let called = predicted[class];
            ClassMeasures {
                support,
                precision: ratio(right, called),
                recall: ratio(right, support),
                f1: (support > 0).then(|| 2.0 * right as f64 / (support as f64 + called as f64)),
            }
        })
        .collect()
}

/// The mean of those values that are known.
pub(crate) fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let known: Vec<f64> = values.flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The sum of counts.
pub(crate) fn total(counts: &[u64]) -> u64 {
    counts
        .iter()
        .fold(0, |sum, &count| sum.saturating_add(count))
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_wide_intervals() {
        assert_eq!(mean_interval(&[]), None);
        assert_eq!(mean_interval(&[0.5]), Some((0.5, None)));
        // The standard error of 1, 2, 3 is 1 / sqrt(3).
        let (mean, half) = mean_interval(&[1.0, 2.0, 3.0]).expect("values");
        assert_eq!(mean, 2.0);
        assert!((half.expect("three values") - 4.303 / 3f64.sqrt()).abs() < 1e-12);
        let many: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
        let (_, half) = mean_interval(&many).expect("values");
        assert!((half.expect("many values") - 0.031).abs() < 1e-3);
    }

    #[test]
    fn wilson_agrees_with_a_published_example() {
        // Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
        let (low, high) = wilson(81.0 / 263.0, 263).expect("there are trials");
        assert!((low - 0.2553).abs() < 5e-5, "{low}");
        assert!((high - 0.3662).abs() < 5e-5, "{high}");
    }

    #[test]
    fn wilson_stays_inside_and_needs_trials() {
        assert_eq!(wilson(0.5, 0), None);
        assert_eq!(wilson(f64::NAN, 10), None);
        assert_eq!(wilson(1.0, 10).map(|(_, high)| high), Some(1.0));
        assert_eq!(wilson(0.0, 10).map(|(low, _)| low), Some(0.0));
    }

    #[test]
    fn measures_of_a_small_matrix() {
        let measures = class_measures(&[vec![8, 2, 0], vec![1, 9, 0], vec![0, 0, 0]]);
        assert_eq!(measures[0].support, 10);
        assert_eq!(measures[0].precision, Some(8.0 / 9.0));
        assert_eq!(measures[0].recall, Some(0.8));
        assert_eq!(measures[0].f1, Some(16.0 / 19.0));
        assert_eq!(measures[2].precision, None);
        assert_eq!(measures[2].f1, None);
        let recall = mean(measures.iter().map(|m| m.recall)).expect("some are known");
        assert!((recall - 0.85).abs() < 1e-12);
    }
}
