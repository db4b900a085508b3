//! The finished models: what was measured of each, and which classes it mixes up.

use danas_measure::{ClassTally, Tally};
use danas_study::{ClassRecord, ModelRecord};
use serde::Serialize;

use super::columns::Columns;
use super::front::marker;
use super::measure::{Share, shown};
use crate::format;
use crate::quantity::Quantity;
use crate::resolve::Resolved;

/// A matrix of more classes scrolls in its own box, with small cells.
const SMALL_CELLS_FROM: usize = 21;

/// A matrix of more classes is left out; what is confused most often stays.
const MATRIX_UP_TO: usize = 200;

/// How many of the most frequent confusions are listed.
const FREQUENT: usize = 12;

/// A finished model.
#[derive(Debug, Serialize)]
pub(super) struct Finished<'a> {
    id: u64,
    data: &'a str,
    summary: &'a str,
    marker: String,
    recommended: bool,
    path: &'a str,
    /// On the test split, then on validation: the measures that are shown.
    splits: [Vec<Measured>; 2],
    test_int8: String,
    /// How it compares with the recommended model on the validation split.
    paired: Option<Paired>,
    costs: Vec<String>,
    host_arena: String,
    examples: String,
    confusion: Option<Confusion<'a>>,
    columns: Option<Columns>,
}

/// A measure of the network before quantisation and of the int8 file.
#[derive(Debug, Serialize)]
struct Measured {
    float: Option<Share>,
    int8: Option<Share>,
}

/// A model beside the recommended one.
#[derive(Debug, Serialize)]
struct Paired {
    tie: bool,
    p: String,
    only_this: String,
    only_recommended: String,
    /// By how much it was less sure of the right classes.
    sure: Option<String>,
}

/// A confusion matrix with the measures of its classes.
#[derive(Debug, Serialize)]
struct Confusion<'a> {
    names: Vec<&'a str>,
    rows: Option<Vec<Row<'a>>>,
    small: bool,
    /// Whether the names at the head of the columns stand upright.
    upright: bool,
    classes: Vec<Class<'a>>,
    mean: Measures,
    frequent: Vec<Mixed<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    words: String,
    /// Share of the true class, 0 to 1, as strength of the colour.
    heat: f64,
    right: bool,
}

#[derive(Debug, Serialize)]
struct Class<'a> {
    name: &'a str,
    support: String,
    measures: Measures,
}

#[derive(Debug, Serialize)]
struct Measures {
    precision: Measure,
    recall: Measure,
    f1: Measure,
}

#[derive(Debug, Serialize)]
struct Measure {
    words: String,
    value: f64,
}

/// Examples of one class that were taken for another.
#[derive(Debug, Serialize)]
struct Mixed<'a> {
    class: &'a str,
    called: &'a str,
    count: String,
    share: String,
}

impl<'a> Finished<'a> {
    /// All finished models, the recommended one first.
    pub(super) fn all(resolved: &Resolved<'a>) -> Vec<Finished<'a>> {
        let classes = &resolved.summary.run.classes;
        let one = |finished: &crate::resolve::Finished<'a>| {
            let (model, candidate) = (finished.model, finished.candidate);
            let examples = model.test_tally_int8().map_or(0, |tally| tally.examples());
            let [int8, float] = [model.test_tally_int8(), model.test_tally_float.clone()];
            let measures = || shown(resolved.objective()).into_iter();
            let test = measures().map(|measure| Measured {
                float: Share::of(model.test_accuracy_float, float.as_ref(), measure),
                int8: Share::of(model.test_accuracy_int8, int8.as_ref(), measure),
            });
            let (float, int8) = (
                model.val_tally_float.as_ref(),
                model.val_tally_int8.as_ref(),
            );
            let validation = measures().map(|measure| Measured {
                float: Share::of(model.val_accuracy_float, float, measure),
                int8: Share::of(model.val_accuracy_int8, int8, measure),
            });
            Finished {
                id: candidate.id,
                data: &candidate.data_label,
                summary: &candidate.summary,
                marker: marker(resolved, resolved.looks.place(&candidate.data_label)),
                recommended: model.recommended,
                path: &model.path,
                splits: [test.collect(), validation.collect()],
                test_int8: format::percent(model.test_accuracy_int8),
                paired: paired(model),
                costs: Quantity::ALL
                    .into_iter()
                    .map(|q| q.words(q.of(&model.cost)))
                    .collect(),
                host_arena: format::bytes(model.host_arena_bytes as f64),
                examples: format::count(examples),
                confusion: (examples > 0).then(|| Confusion::of(&model.confusion, classes)),
                columns: Columns::of(resolved, model),
            }
        };
        resolved.finished.iter().map(one).collect()
    }
}

fn paired(model: &ModelRecord) -> Option<Paired> {
    let paired = model.paired?;
    Some(Paired {
        tie: paired.tie,
        p: match paired.p {
            p if p < 0.01 => "p < 0.01".to_owned(),
            p => format!("p = {p:.2}"),
        },
        only_this: format::count(paired.only_this),
        only_recommended: format::count(paired.only_recommended),
        sure: paired.apart.map(|apart| {
            let which = if apart < 0.0 { "surer" } else { "less sure" };
            format!("{which} by {:.1} standard errors", apart.abs())
        }),
    })
}

impl<'a> Confusion<'a> {
    fn of(confusion: &[Vec<u64>], classes: &'a [ClassRecord]) -> Confusion<'a> {
        let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        let tally = Tally::of_confusion(confusion);
        let measures = tally.classes();
        let longest = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        Confusion {
            rows: (names.len() <= MATRIX_UP_TO).then(|| rows(confusion, &names)),
            small: names.len() >= SMALL_CELLS_FROM,
            upright: names.len() > 8 || (names.len() > 3 && longest > 9),
            classes: names
                .iter()
                .zip(measures)
                .map(|(name, class)| Class {
                    name,
                    support: format::count(class.examples),
                    measures: Measures::new(class.precision(), class.recall(), class.f1()),
                })
                .collect(),
            mean: mean_of(measures),
            frequent: if names.len() > 2 {
                frequent(confusion, &names)
            } else {
                Vec::new()
            },
            names,
        }
    }
}

/// The means over those classes of which a measure is known.
fn mean_of(classes: &[ClassTally]) -> Measures {
    let mean = |of: fn(&ClassTally) -> Option<f64>| {
        let known: Vec<f64> = classes.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    Measures::new(
        mean(ClassTally::precision),
        mean(ClassTally::recall),
        mean(ClassTally::f1),
    )
}

fn total(counts: &[u64]) -> u64 {
    counts.iter().copied().fold(0, u64::saturating_add)
}

impl Measures {
    fn new(precision: Option<f64>, recall: Option<f64>, f1: Option<f64>) -> Measures {
        let measure = |share: Option<f64>| Measure {
            words: format::percent(share.unwrap_or(f64::NAN)),
            value: share.unwrap_or(-1.0),
        };
        Measures {
            precision: measure(precision),
            recall: measure(recall),
            f1: measure(f1),
        }
    }
}

fn rows<'a>(confusion: &[Vec<u64>], names: &[&'a str]) -> Vec<Row<'a>> {
    let row = |(class, (counts, name)): (usize, (&Vec<u64>, &&'a str))| {
        let support = total(counts).max(1) as f64;
        let cell = |(predicted, &count): (usize, &u64)| Cell {
            words: if count == 0 {
                String::new()
            } else {
                format::count(count)
            },
            heat: (count as f64 / support * 100.0).round() / 100.0,
            right: predicted == class,
        };
        Row {
            name,
            cells: counts.iter().enumerate().map(cell).collect(),
        }
    };
    confusion.iter().zip(names).enumerate().map(row).collect()
}

fn frequent<'a>(confusion: &[Vec<u64>], names: &[&'a str]) -> Vec<Mixed<'a>> {
    let mut mixed: Vec<(u64, usize, usize)> = Vec::new();
    for (class, row) in confusion.iter().enumerate() {
        let wrong = row
            .iter()
            .enumerate()
            .filter(|(called, count)| *called != class && **count > 0);
        mixed.extend(wrong.map(|(called, &count)| (count, class, called)));
    }
    mixed.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    mixed.truncate(FREQUENT);
    mixed
        .into_iter()
        .map(|(count, class, called)| Mixed {
            class: names[class],
            called: names[called],
            count: format::count(count),
            share: format::percent(count as f64 / total(&confusion[class]).max(1) as f64),
        })
        .collect()
}
