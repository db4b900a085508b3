//! How well a model does on the examples that an extra column singles out.

use danas_data::{Dataset, Flags, Split};
use danas_measure::{Answer, Described, Interval, Subset};
use danas_study::{ColumnRecord, ColumnRow};

use crate::output::Table;
use crate::result::{interval, percent};

/// The answers to all examples of a split by what every extra column says of them. A value that no example has is left out.
///
/// # Panics
/// If there is not one answer to every example.
pub(crate) fn records(dataset: &Dataset, split: Split, answers: &[Answer]) -> Vec<ColumnRecord> {
    let labels = dataset.labels(split);
    assert_eq!(labels.len(), answers.len(), "one answer to every example");
    let flags: Vec<Flags> = dataset.flags(split).collect();
    let mut records = Vec::new();
    for (place, column) in dataset.columns().iter().enumerate() {
        let described = labels.iter().zip(answers).zip(&flags);
        let described = described.map(|((&class, answer), flags)| Described {
            class,
            called: answer.class,
            value: flags.get(place),
        });
        let [zeros, ones] = Subset::by_value(dataset.classes().len(), described);
        for (value, answers) in [(true, ones), (false, zeros)] {
            if answers.members.examples() > 0 {
                records.push(ColumnRecord {
                    column: column.clone(),
                    value,
                    answers,
                });
            }
        }
    }
    records
}

/// The headings of [`cells`].
pub(crate) const HEADINGS: [&str; 9] = [
    "column",
    "value",
    "pictures",
    "against",
    "accuracy",
    "95 % interval",
    "balanced",
    "F1, classes alike",
    "95 % interval",
];

/// What is told of a row, in words.
pub(crate) fn cells(row: &ColumnRow) -> [String; HEADINGS.len()] {
    let unknown = || "-".to_string();
    let f1 = |of: fn(&Interval) -> String| row.even_f1.as_ref().map_or_else(unknown, of);
    let class = row.class.as_deref().unwrap_or_default();
    [
        row.column.clone(),
        row.value.to_string(),
        row.examples.to_string(),
        row.counterparts.to_string(),
        percent(row.accuracy.value),
        interval(&row.accuracy),
        percent(row.balanced_accuracy.value),
        f1(|f1| percent(f1.value)) + if class.is_empty() { "" } else { " of " } + class,
        f1(interval),
    ]
}

/// What the table of rows means.
pub(crate) const MEANING: &str = "Accuracy is that of the pictures with the value alone. Balanced accuracy and F1 hold them \
     against all pictures of the classes that never have a 1 in the column; F1 is what it would be if both sides were equally \
     many. Of twenty intervals about one misses the truth.";

/// Rows as a table of text.
pub(crate) fn table(rows: &[ColumnRow]) -> Table {
    let mut table = Table::new(&HEADINGS);
    for row in rows {
        table.row(cells(row));
    }
    table
}
