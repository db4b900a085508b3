//! The front: its pictures, its table, and what the page's script shows of every candidate.

use danas_measure::Tally;
use serde::Serialize;

use super::measure::{Share, heading, shown, sortable};
use crate::chart::front::draw;
use crate::chart::svg::Element;
use crate::format;
use crate::quantity::Quantity;
use crate::resolve::{Resolved, fits, scored};

/// The section's contents.
#[derive(Debug, Serialize)]
pub(super) struct Front<'a> {
    charts: Vec<Chart>,
    legend: Vec<Key>,
    /// What the pictures leave out, in words.
    remark: Option<String>,
    rows: Vec<Row<'a>>,
    /// Lowest validation score that cannot be told from the best one, in words.
    tie: Option<String>,
    ties: usize,
    candidates: String,
    members: String,
    /// Whether the table is long.
    many: bool,
}

#[derive(Debug, Serialize)]
struct Chart {
    name: &'static str,
    svg: String,
}

#[derive(Debug, Serialize)]
struct Key {
    place: usize,
    label: String,
    svg: String,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    place: usize,
    id: u64,
    look: usize,
    marker: String,
    data: &'a str,
    summary: &'a str,
    tie: bool,
    recommended: bool,
    validation: Vec<Option<Share>>,
    test: Vec<Option<Share>>,
    costs: Vec<Cell>,
    path: Option<&'a str>,
}

/// A number in a table: in words, to sort by, and as a bar.
#[derive(Debug, Serialize)]
struct Cell {
    words: String,
    value: f64,
    /// Percent of the limit.
    bar: Option<f64>,
}

impl<'a> Front<'a> {
    /// The front of a run.
    pub(super) fn of(resolved: &Resolved<'a>) -> Front<'a> {
        let summary = resolved.summary;
        let limits = &summary.run.limits;
        let mut below = 0;
        let charts: Vec<Chart> = Quantity::ALL
            .into_iter()
            // Latency says nearly the same as multiply-accumulates, unless these are what is limited.
            .filter(|&q| q != Quantity::Macs || limits.macs.is_some())
            .filter_map(|quantity| {
                let chart = draw(resolved, quantity)?;
                below = below.max(chart.below);
                Some(Chart {
                    name: quantity.heading(&resolved.summary.run),
                    svg: chart.svg.to_string(),
                })
            })
            .collect();
        let tie = summary.tied_from();
        let mut rows: Vec<Row> = resolved
            .front
            .iter()
            .map(|&place| Row::of(resolved, place, tie))
            .collect();
        let ties = rows.iter().filter(|row| row.tie).count();
        if ties == 1 {
            // The best one alone ties with nobody.
            rows.iter_mut().for_each(|row| row.tie = false);
        }
        let legend = resolved.looks.list.iter().enumerate();
        Front {
            charts,
            legend: legend
                .map(|(place, look)| Key {
                    place,
                    label: look.label.clone(),
                    svg: marker(resolved, place),
                })
                .collect(),
            remark: (below > 0).then(|| match below {
                1 => "1 candidate lies below the charts.".to_owned(),
                _ => format!("{} lie below the charts.", format::candidates(below)),
            }),
            ties,
            tie: tie.map(format::percent),
            candidates: format::candidates(summary.candidates.len()),
            members: format::count(rows.len() as u64),
            many: rows.len() > 20,
            rows,
        }
    }
}

impl<'a> Row<'a> {
    fn of(resolved: &Resolved<'a>, place: usize, tie: Option<f64>) -> Row<'a> {
        let summary = resolved.summary;
        let candidate = &summary.candidates[place];
        let model = resolved.model_of(place);
        let cost = model.map_or(&candidate.cost, |model| &model.cost);
        let look = resolved.looks.place(&candidate.data_label);
        let measures = || shown(resolved.objective()).into_iter();
        let tally = model.and_then(|model| model.test_tally_int8());
        let validation = measures().map(|measure| {
            let tally = candidate.val_tally.as_ref();
            let share = scored(candidate).then_some(candidate.val_accuracy);
            Share::of(share?, tally, measure)
        });
        let test =
            measures().map(|measure| Share::of(model?.test_accuracy_int8, tally.as_ref(), measure));
        Row {
            place,
            id: candidate.id,
            look,
            marker: marker(resolved, look),
            data: &candidate.data_label,
            summary: &candidate.summary,
            tie: tie.is_some_and(|tie| resolved.score(candidate) >= tie),
            recommended: model.is_some_and(|model| model.recommended),
            validation: validation.collect(),
            test: test.collect(),
            costs: Quantity::ALL
                .into_iter()
                .map(|quantity| {
                    let value = quantity.of(cost);
                    let limit = quantity
                        .limit(&summary.run.limits)
                        .filter(|&limit| limit > 0.0);
                    let bar = limit.map(|limit| (value / limit * 100.0).clamp(0.0, 100.0));
                    Cell {
                        words: quantity.words(value),
                        value: sortable(value),
                        bar,
                    }
                })
                .collect(),
            path: model.map(|model| model.path.as_str()),
        }
    }
}

/// The measures that are shown, at the heads of columns.
pub(super) fn headings(resolved: &Resolved) -> Vec<String> {
    let names = resolved.class_names();
    let measures = shown(resolved.objective()).into_iter();
    measures.map(|measure| heading(measure, &names)).collect()
}

/// The marker of a data configuration as a small drawing of its own.
pub(super) fn marker(resolved: &Resolved, look: usize) -> String {
    let shape = resolved.looks.list[look].marker;
    Element::new("svg")
        .class(&format!("key d{look}"))
        .word("viewBox", "0 0 12 12")
        .word("aria-hidden", "true")
        .child(Element::marker("fill", shape, [6.0, 6.0], 4.6))
        .to_string()
}

/// All measures that are shown, in words.
fn reached(resolved: &Resolved, accuracy: f64, tally: Option<&Tally>) -> String {
    let measures = shown(resolved.objective())
        .into_iter()
        .zip(headings(resolved));
    let known = measures.filter_map(|(measure, name)| {
        let share = Share::of(accuracy, tally, measure)?;
        Some(format!("{name} {}", share.words))
    });
    known.collect::<Vec<_>>().join(", ")
}

/// What the script shows of every candidate: rows of id, data, network, what was reached on validation, RAM, flash, latency,
/// MACs, what the int8 file reached on the test split, and a remark; safe to stand inside a `script` element.
///
/// # Errors
/// Texts that are no JSON, which no text is.
pub(super) fn candidates_json(resolved: &Resolved) -> Result<String, serde_json::Error> {
    let mut on_front = vec![false; resolved.summary.candidates.len()];
    for &place in &resolved.front {
        on_front[place] = true;
    }
    let row = |(place, candidate): (usize, &danas_study::CandidateRecord)| {
        let model = resolved.model_of(place);
        let cost = model.map_or(&candidate.cost, |model| &model.cost);
        let mut texts = vec![
            candidate.id.to_string(),
            candidate.data_label.clone(),
            candidate.summary.clone(),
            if scored(candidate) {
                reached(
                    resolved,
                    candidate.val_accuracy,
                    candidate.val_tally.as_ref(),
                )
            } else {
                String::new()
            },
        ];
        texts.extend(
            Quantity::ALL
                .into_iter()
                .map(|quantity| quantity.need(cost, &resolved.summary.run)),
        );
        texts.push(model.map_or(String::new(), |model| {
            let tally = model.test_tally_int8();
            reached(resolved, model.test_accuracy_int8, tally.as_ref())
        }));
        texts.push(
            match (model, on_front[place], fits(candidate)) {
                (Some(model), _, _) if model.recommended => "recommended",
                (Some(_), _, _) => "finished model",
                (None, true, _) => "on the front",
                (None, false, false) => "breaks the limits",
                (None, false, true) => "",
            }
            .to_owned(),
        );
        texts
    };
    let rows: Vec<Vec<String>> = resolved
        .summary
        .candidates
        .iter()
        .enumerate()
        .map(row)
        .collect();
    let json = serde_json::to_string(&rows)?;
    Ok(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"))
}
