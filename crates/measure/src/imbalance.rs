//! Classes that occur more often than others.

/// Classes are called imbalanced where the largest has more than this many times the examples of the smallest.
pub const IMBALANCED_ABOVE: f64 = 3.0;

/// How many times the examples of the smallest class the largest has. Classes without examples do not count; 1 if there is
/// none with any.
pub fn imbalance(examples: &[usize]) -> f64 {
    let present = || examples.iter().copied().filter(|&count| count > 0);
    match (present().max(), present().min()) {
        (Some(largest), Some(smallest)) => largest as f64 / smallest as f64,
        _ => 1.0,
    }
}

/// A weight for every class, inverse to how often it occurs, so that all classes together count alike: `N / (K n)` for a
/// class with `n` of the `N` examples of `K` classes. The mean over all examples is 1, which leaves a learning rate what it
/// was. A class without examples weighs 1, and does not count.
pub fn class_weights(examples: &[usize]) -> Vec<f32> {
    let present = examples.iter().filter(|&&count| count > 0).count() as f64;
    let all = examples.iter().sum::<usize>() as f64;
    let weight = |&count: &usize| match count {
        0 => 1.0,
        count => (all / (present * count as f64)) as f32,
    };
    examples.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_imbalance_is_that_of_the_extremes() {
        assert_eq!(imbalance(&[30, 10, 20]), 3.0);
        assert_eq!(imbalance(&[30, 0, 15]), 2.0);
        assert_eq!((imbalance(&[]), imbalance(&[0])), (1.0, 1.0));
    }

    #[test]
    fn a_class_ten_times_as_rare_weighs_ten_times_as_much() {
        assert_eq!(class_weights(&[100, 10]), [0.55, 5.5]);
        assert_eq!(class_weights(&[7, 7, 7]), [1.0; 3]);
        assert_eq!(class_weights(&[4, 0, 2]), [0.75, 1.0, 1.5]);
    }

    proptest! {
        #[test]
        fn weights_have_a_mean_of_one_and_classes_count_alike(examples in prop::collection::vec(1usize..2000, 1..9)) {
            let weights = class_weights(&examples);
            let shares: Vec<f64> = (weights.iter().zip(&examples))
                .map(|(&weight, &count)| f64::from(weight) * count as f64)
                .collect();
            let all = examples.iter().sum::<usize>() as f64;
            prop_assert!((shares.iter().sum::<f64>() / all - 1.0).abs() < 1e-5);
            for share in &shares {
                prop_assert!((share / shares[0] - 1.0).abs() < 1e-5);
            }
        }
    }
}
