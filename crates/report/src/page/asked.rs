//! What was asked: options, limits, and the examples.

use serde::Serialize;

use crate::format;
use crate::quantity::Quantity;
use crate::resolve::Resolved;

/// The section's contents.
#[derive(Debug, Serialize)]
pub(super) struct Asked<'a> {
    options: &'a [(String, String)],
    limits: Vec<(String, String)>,
    configurations: &'a [String],
    classes: Vec<Class<'a>>,
    total: Class<'a>,
    /// Whether some examples are trained on before the others.
    staged: bool,
    /// Whether the table of classes is long.
    many: bool,
}

#[derive(Debug, Serialize)]
struct Class<'a> {
    name: &'a str,
    pretraining: String,
    train: String,
    validation: String,
    test: String,
    /// Examples in all splits, in percent of the largest class.
    share: f64,
}

impl<'a> Asked<'a> {
    /// What was asked of a run.
    pub(super) fn of(resolved: &Resolved<'a>) -> Asked<'a> {
        let run = &resolved.summary.run;
        let all = |c: &danas_study::ClassRecord| {
            [c.pretraining, c.train, c.validation, c.test]
                .into_iter()
                .fold(0, u64::saturating_add)
        };
        let largest = run.classes.iter().map(all).max().unwrap_or(0).max(1) as f64;
        let sum = |of: fn(&danas_study::ClassRecord) -> u64| {
            format::count(run.classes.iter().map(of).fold(0, u64::saturating_add))
        };
        Asked {
            options: &run.options,
            limits: Quantity::ALL
                .into_iter()
                .map(|quantity| {
                    let limit = quantity.limit(&run.limits);
                    let words = limit.map_or("no limit".to_owned(), |limit| quantity.words(limit));
                    (quantity.name().to_owned(), words)
                })
                .collect(),
            configurations: &run.data_configurations,
            classes: run
                .classes
                .iter()
                .map(|class| Class {
                    name: &class.name,
                    pretraining: format::count(class.pretraining),
                    train: format::count(class.train),
                    validation: format::count(class.validation),
                    test: format::count(class.test),
                    share: all(class) as f64 / largest * 100.0,
                })
                .collect(),
            total: Class {
                name: "all",
                pretraining: sum(|c| c.pretraining),
                train: sum(|c| c.train),
                validation: sum(|c| c.validation),
                test: sum(|c| c.test),
                share: 0.0,
            },
            staged: run.classes.iter().any(|class| class.pretraining > 0),
            many: run.classes.len() > 12,
        }
    }
}
