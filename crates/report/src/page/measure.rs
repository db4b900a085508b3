//! Accuracies as they are shown: what was maximised first, accuracy and balanced accuracy always, each with its interval.

use danas_measure::{Interval, Objective, Tally};
use serde::Serialize;

use crate::format;

/// A share of answers, in words and to sort by.
#[derive(Debug, Serialize)]
pub(super) struct Share {
    pub(super) words: String,
    pub(super) value: f64,
    /// Its 95 % interval, where that is known.
    pub(super) interval: Option<String>,
}

/// The measures that are shown where `objective` was maximised.
pub(super) fn shown(objective: Objective) -> Vec<Objective> {
    let mut all = vec![objective];
    all.extend(
        [Objective::Accuracy, Objective::Balanced]
            .into_iter()
            .filter(|m| *m != objective),
    );
    all
}

/// The name of a measure at the head of a column.
pub(super) fn heading(measure: Objective, classes: &[&str]) -> String {
    match measure {
        Objective::Balanced => "balanced".to_owned(),
        _ => measure.words(classes),
    }
}

impl Share {
    /// A measure of answers of which at least the accuracy is known; `None` where it is not.
    pub(super) fn of(accuracy: f64, tally: Option<&Tally>, measure: Objective) -> Option<Share> {
        match (tally, measure) {
            (Some(tally), _) => Some(Share::with_interval(&tally.interval(measure))),
            (None, Objective::Accuracy) => Some(Share::alone(accuracy)),
            (None, _) => None,
        }
    }

    fn alone(value: f64) -> Share {
        Share {
            words: format::percent(value),
            value: sortable(value),
            interval: None,
        }
    }

    /// A measure with its interval.
    pub(super) fn with_interval(interval: &Interval) -> Share {
        Share {
            interval: Some(format::interval(interval)),
            ..Share::alone(interval.value)
        }
    }
}

/// What a table sorts by: unknown values stand below all others.
pub(super) fn sortable(value: f64) -> f64 {
    if value.is_finite() { value } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_maximised_stands_first_and_nothing_twice() {
        use Objective::{Accuracy, Balanced, F1};
        assert_eq!(shown(Accuracy), [Accuracy, Balanced]);
        assert_eq!(shown(Balanced), [Balanced, Accuracy]);
        assert_eq!(shown(F1(1)), [F1(1), Accuracy, Balanced]);
    }

    #[test]
    fn of_earlier_runs_the_accuracy_alone_is_known() {
        let share = Share::of(0.75, None, Objective::Accuracy).expect("it is known");
        assert_eq!((share.value, share.interval), (0.75, None));
        assert!(Share::of(0.75, None, Objective::Balanced).is_none());
        let tally = Tally::of_confusion(&[vec![3, 1], vec![0, 0]]);
        let share = Share::of(0.75, Some(&tally), Objective::Balanced).expect("it is known");
        assert_eq!(share.words, "75.0\u{a0}%");
        assert_eq!(share.interval.as_deref(), Some("30.1 to 95.4\u{a0}%"));
    }
}
