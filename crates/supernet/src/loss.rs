//! Cross-entropy against soft targets: labels, a teacher's probabilities, or a mixture of both.

/// Turns rows of logits into probabilities.
pub(crate) fn softmax(logits: &[f32], classes: usize, probabilities: &mut Vec<f32>) {
    probabilities.clear();
    probabilities.extend_from_slice(logits);
    for row in probabilities.chunks_exact_mut(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for value in row.iter_mut() {
            *value = (*value - largest).exp();
            sum += *value;
        }
        for value in row.iter_mut() {
            *value /= sum;
        }
    }
}

/// The targets `[examples, classes]` of labels, smoothed (Szegedy et al., arXiv 1512.00567): the true class gets
/// `1 - smoothing`, and all classes share the rest.
pub(crate) fn smoothed_labels(
    labels: &[usize],
    classes: usize,
    smoothing: f32,
    targets: &mut Vec<f32>,
) {
    targets.clear();
    targets.resize(labels.len() * classes, smoothing / classes as f32);
    for (row, &label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[label] += 1.0 - smoothing;
    }
}

/// `targets = (1 - share) * targets + share * teacher`.
pub(crate) fn mix_teacher(targets: &mut [f32], teacher: &[f32], share: f32) {
    for (target, teacher) in targets.iter_mut().zip(teacher) {
        *target += share * (teacher - *target);
    }
}

/// The weight of every example: that of its class.
pub(crate) fn example_weights(labels: &[usize], of_class: &[f32], weights: &mut Vec<f32>) {
    weights.clear();
    weights.extend(labels.iter().map(|&label| of_class[label]));
}

/// The mean over the examples of their cross-entropy times their weight, and its gradient with respect to the logits in
/// `gradient`. `logits` and `targets` are `[examples, classes]`, `weights` `[examples]`. Weights of 1 change no bit.
pub(crate) fn cross_entropy(
    logits: &[f32],
    targets: &[f32],
    weights: &[f32],
    classes: usize,
    gradient: &mut Vec<f32>,
) -> f32 {
    softmax(logits, classes, gradient);
    let examples = logits.len() / classes;
    let scale = 1.0 / examples as f32;
    let mut loss = 0.0_f64;
    let rows = gradient
        .chunks_exact_mut(classes)
        .zip(targets.chunks_exact(classes));
    for ((row, targets), weight) in rows.zip(weights) {
        for (probability, target) in row.iter_mut().zip(targets) {
            let surprise = f64::from(*target) * f64::from(probability.max(1e-12).ln());
            loss -= f64::from(*weight) * surprise;
            *probability = (*probability - target) * (scale * weight);
        }
    }
    (loss * f64::from(scale)) as f32
}

/// What a row of logits takes an example for: the class of the largest one. Of equal ones it is one that is wrong, because
/// who cannot decide does not know; a row that holds a NaN is no answer.
pub(crate) fn answer(row: &[f32], label: usize) -> Option<usize> {
    let mut best = None;
    for (class, &value) in row.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        let replaces = |best: usize| value > row[best] || (value == row[best] && best == label);
        if best.is_none_or(replaces) {
            best = Some(class);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_agrees_with_differences() {
        let logits = [0.3, -1.2, 2.0, 0.1, 0.0, -0.4];
        let mut targets = Vec::new();
        smoothed_labels(&[2, 0], 3, 0.1, &mut targets);
        mix_teacher(&mut targets, &[0.2, 0.3, 0.5, 0.6, 0.3, 0.1], 0.5);
        let weights = [0.4, 2.5];
        let mut gradient = Vec::new();
        cross_entropy(&logits, &targets, &weights, 3, &mut gradient);
        for i in 0..logits.len() {
            let mut shifted = logits;
            let mut at = |delta: f32| {
                shifted[i] = logits[i] + delta;
                cross_entropy(&shifted, &targets, &weights, 3, &mut Vec::new())
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (difference - gradient[i]).abs() < 1e-4,
                "{i}: {difference} against {}",
                gradient[i]
            );
        }
    }

    #[test]
    fn ties_and_nan_are_wrong() {
        assert_eq!(answer(&[0.0, 2.0], 0), Some(1));
        assert_eq!(answer(&[0.0, 2.0], 1), Some(1));
        assert_eq!(answer(&[1.0, 1.0], 0), Some(1));
        assert_eq!(answer(&[1.0, 1.0], 1), Some(0));
        assert_eq!(answer(&[f32::NAN, 1.0], 1), None);
        assert_eq!(answer(&[1.0, 0.0, f32::NAN], 0), None);
    }

    #[test]
    fn an_example_weighs_what_its_class_does() {
        let mut weights = Vec::new();
        example_weights(&[2, 0, 2], &[0.5, 1.0, 3.0], &mut weights);
        assert_eq!(weights, [3.0, 0.5, 3.0]);
        // An example of weight 2 counts as two of weight 1, and one of weight 0 as none.
        let (logits, targets) = ([0.3, -1.2, 2.0, 0.1], [1.0, 0.0, 0.0, 1.0]);
        let loss = |logits: &[f32], targets: &[f32], weights: &[f32]| {
            let mut gradient = Vec::new();
            let loss = cross_entropy(logits, targets, weights, 2, &mut gradient);
            (loss, gradient)
        };
        let (weighted, gradient) = loss(&logits, &targets, &[2.0, 0.0]);
        let (alone, of_alone) = loss(&logits[..2], &targets[..2], &[1.0]);
        assert_eq!((weighted, &gradient[..2]), (alone, &of_alone[..]));
        assert_eq!(gradient[2..], [0.0, 0.0]);
    }
}
