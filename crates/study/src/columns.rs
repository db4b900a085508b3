//! How well a finished model does on the examples that an extra column singles out: the same rows in report, card and JSON.

use danas_measure::{Interval, Objective};
use serde::Serialize;

use crate::ColumnRecord;

/// What a model's answers to the examples with one value of an extra column are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnRow {
    /// The column.
    pub column: String,
    /// Its value, 0 or 1.
    pub value: u8,
    /// Examples with that value, of the classes that the column is about.
    pub examples: u64,
    /// All examples of the other classes, which they are held against.
    pub counterparts: u64,
    /// The share of the examples that were classified rightly, the counterparts left aside.
    pub accuracy: Interval,
    /// The mean recall of the classes, counterparts included.
    pub balanced_accuracy: Interval,
    /// The class that the examples are recognised as, where one stands out; `None` like what follows where none does.
    pub class: Option<String>,
    /// F1 of that class, counterparts included.
    pub f1: Option<Interval>,
    /// The same with that class and all others made equally frequent, so that it can be compared between columns.
    pub even_f1: Option<Interval>,
}

impl ColumnRow {
    /// A row for each value of each column, in their order. `classes` are the names of the classes.
    pub fn all<N: AsRef<str>>(
        columns: &[ColumnRecord],
        classes: &[N],
        objective: Objective,
    ) -> Vec<ColumnRow> {
        let row = |record| ColumnRow::of(record, classes, objective);
        columns.iter().map(row).collect()
    }

    fn of<N: AsRef<str>>(record: &ColumnRecord, classes: &[N], objective: Objective) -> ColumnRow {
        let subset = &record.answers;
        let subject = subset.subject(objective);
        let name = |class: usize| Some(classes.get(class)?.as_ref().to_owned());
        ColumnRow {
            column: record.column.clone(),
            value: u8::from(record.value),
            examples: subset.members.examples(),
            counterparts: subset.counterparts(),
            accuracy: subset.members.interval(Objective::Accuracy),
            balanced_accuracy: subset.contrasted.interval(Objective::Balanced),
            class: subject.and_then(name),
            f1: subject.map(|class| subset.contrasted.interval(Objective::F1(class))),
            even_f1: subject.and_then(|class| subset.contrasted.even_f1(class)),
        }
    }
}

#[cfg(test)]
mod tests {
    use danas_measure::{Described, Subset};

    use super::*;

    /// Four near persons, of whom three are found, and four pictures of nobody, of which three are right.
    #[test]
    fn a_row_says_what_a_person_would_count() {
        let near = |called| Described {
            class: 1,
            called,
            value: Some(true),
        };
        let nobody = |called| Described {
            class: 0,
            called,
            value: None,
        };
        let examples = [1, 1, 1, 0].map(near).into_iter();
        let examples = examples.chain([0, 0, 0, 1].map(nobody));
        let [_, ones] = Subset::by_value(2, examples);
        let record = ColumnRecord {
            column: "near".into(),
            value: true,
            answers: ones,
        };
        let rows = ColumnRow::all(&[record], &["nobody", "person"], Objective::Accuracy);
        let [row] = &rows[..] else {
            panic!("one row: {rows:?}")
        };
        assert_eq!((row.column.as_str(), row.value), ("near", 1));
        assert_eq!((row.examples, row.counterparts), (4, 4));
        assert_eq!(row.class.as_deref(), Some("person"));
        let json = serde_json::to_value(row).unwrap();
        for measure in ["accuracy", "balanced_accuracy", "f1", "even_f1"] {
            let value = json[measure]["value"].as_f64().unwrap();
            assert!((value - 0.75).abs() < 1e-12, "{measure}: {json}");
        }
        // Wilson's interval of three of four.
        let ends = [row.accuracy.low, row.accuracy.high].map(|end| (end * 1000.0).round());
        assert_eq!(ends, [301.0, 954.0]);
    }
}
