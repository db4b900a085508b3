//! Intervals of means.

/// The 97.5 % quantile of the normal distribution, for means of many values.
const Z: f64 = 1.959_963_984_540_054;

/// The 97.5 % quantiles of Student's t distribution for 1, 2, ... degrees of freedom (table of the NIST/SEMATECH e-Handbook
/// of Statistical Methods, section 1.3.6.7.2).
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// The mean of some values, and half the width of the 95 % interval of the mean (Student's t) where there are two or more;
/// `None` without values.
pub fn mean_interval(values: &[f64]) -> Option<(f64, Option<f64>)> {
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
}
