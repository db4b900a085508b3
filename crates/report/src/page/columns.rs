//! How well a finished model does on the test examples that extra columns single out.

use danas_measure::{Interval, Subset, Tally};
use danas_study::{ColumnRecord, ColumnRow, ModelRecord};
use serde::Serialize;

use super::measure::Share;
use crate::format;
use crate::resolve::Resolved;

/// From this number of rows on, the table scrolls in a box of its own.
const MANY: usize = 20;

/// The table of a model.
#[derive(Debug, Serialize)]
pub(super) struct Columns {
    rows: Vec<Row>,
    /// All test examples, for comparison.
    all: Option<Row>,
    many: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    column: String,
    value: u8,
    examples: String,
    count: u64,
    /// What they are held against, if that is anything.
    counterparts: Option<String>,
    accuracy: Share,
    balanced: Share,
    /// The class whose F1 is told.
    class: Option<String>,
    f1: Option<Share>,
}

impl Columns {
    /// The table of a model; `None` if there are no columns.
    pub(super) fn of(resolved: &Resolved, model: &ModelRecord) -> Option<Columns> {
        let names = resolved.class_names();
        let rows = |records: &[ColumnRecord]| {
            let rows = ColumnRow::all(records, &names, resolved.objective());
            rows.into_iter().map(Row::of).collect::<Vec<Row>>()
        };
        let all = model.test_tally_int8().map(everything);
        (!model.columns.is_empty()).then(|| Columns {
            many: model.columns.len() >= MANY,
            rows: rows(&model.columns),
            all: rows(all.as_slice()).pop(),
        })
    }
}

/// All answers, as if a column were 1 of every example.
fn everything(tally: Tally) -> ColumnRecord {
    ColumnRecord {
        column: String::new(),
        value: true,
        answers: Subset {
            members: tally.clone(),
            contrasted: tally,
        },
    }
}

impl Row {
    fn of(row: ColumnRow) -> Row {
        let share = |interval: &Interval| Share::with_interval(interval);
        Row {
            column: row.column,
            value: row.value,
            examples: format::count(row.examples),
            count: row.examples,
            counterparts: (row.counterparts > 0).then(|| format::count(row.counterparts)),
            accuracy: share(&row.accuracy),
            balanced: share(&row.balanced_accuracy),
            class: row.class,
            f1: row.even_f1.as_ref().map(share),
        }
    }
}
