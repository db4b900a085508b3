//! What every data configuration could reach.

use serde::Serialize;

use super::front::marker;
use crate::format;
use crate::resolve::{Resolved, fits, scored};

/// The section's contents.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    /// Name of the gene whose values head the columns.
    column_gene: Option<String>,
    columns: Vec<String>,
    rows: Vec<Row>,
    /// Configurations that were searched, but of which no candidate is recorded.
    untouched: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    cells: Vec<Option<Cell>>,
}

/// One data configuration.
#[derive(Debug, Clone, Serialize)]
struct Cell {
    label: String,
    marker: String,
    /// Best score on validation of the candidates that meet the limits, in words.
    best: Option<String>,
    /// Id of that candidate.
    id: Option<u64>,
    /// Whether a candidate meets the limits, scored or not.
    fits: bool,
    scored: String,
    members: usize,
    /// Strength of the colour, 0 to 1.
    heat: f64,
    winner: bool,
}

struct Reach {
    best: Option<(f64, u64)>,
    fits: bool,
    scored: u64,
    members: usize,
}

impl<'a> Data<'a> {
    /// What was reached with every data configuration.
    pub(super) fn of(resolved: &Resolved<'a>) -> Data<'a> {
        let looks = &resolved.looks;
        let reach: Vec<Reach> = reach(resolved);
        let known = reach
            .iter()
            .filter_map(|r| r.best.map(|(accuracy, _)| accuracy));
        let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), a| {
            (low.min(a), high.max(a))
        });
        let cell = |place: usize| {
            let Reach {
                best,
                fits,
                scored,
                members,
            } = reach[place];
            let heat = match best {
                Some((accuracy, _)) if high > low => (accuracy - low) / (high - low),
                Some(_) => 1.0,
                None => 0.0,
            };
            Cell {
                label: looks.list[place].label.clone(),
                marker: marker(resolved, place),
                best: best.map(|(accuracy, _)| format::percent(accuracy)),
                id: best.map(|(_, id)| id),
                fits,
                scored: format::count(scored),
                members,
                heat: (heat * 100.0).round() / 100.0,
                winner: best.is_some_and(|(accuracy, _)| accuracy >= high),
            }
        };
        let mut columns: Vec<String> = looks.list.iter().map(|look| look.column.clone()).collect();
        columns.dedup();
        let mut names: Vec<String> = Vec::new();
        for look in &looks.list {
            if !names.contains(&look.row) {
                names.push(look.row.clone());
            }
        }
        let mut rows: Vec<Row> = Vec::new();
        for name in names {
            // Configurations that differ in further genes share a place in the grid: one row for each of them.
            let mut layers: Vec<Vec<Option<Cell>>> = Vec::new();
            for (place, look) in looks.list.iter().enumerate().filter(|(_, l)| l.row == name) {
                let Some(column) = columns.iter().position(|c| *c == look.column) else {
                    continue;
                };
                let free = layers.iter().position(|cells| cells[column].is_none());
                let free = free.unwrap_or_else(|| {
                    layers.push(vec![None; columns.len()]);
                    layers.len() - 1
                });
                layers[free][column] = Some(cell(place));
            }
            rows.extend(layers.into_iter().map(|cells| Row {
                name: name.clone(),
                cells,
            }));
        }
        let untouched = resolved
            .summary
            .run
            .data_configurations
            .iter()
            .map(String::as_str);
        Data {
            column_gene: looks.column_gene.clone(),
            columns,
            rows,
            untouched: untouched
                .filter(|label| looks.list.iter().all(|l| l.label != **label))
                .collect(),
        }
    }
}

fn reach(resolved: &Resolved) -> Vec<Reach> {
    let mut reach: Vec<Reach> = resolved
        .looks
        .list
        .iter()
        .map(|_| Reach {
            best: None,
            fits: false,
            scored: 0,
            members: 0,
        })
        .collect();
    for candidate in &resolved.summary.candidates {
        let reach = &mut reach[resolved.looks.place(&candidate.data_label)];
        reach.fits |= fits(candidate);
        if !scored(candidate) {
            continue;
        }
        reach.scored += 1;
        if fits(candidate)
            && reach
                .best
                .is_none_or(|(best, _)| resolved.score(candidate) > best)
        {
            reach.best = Some((resolved.score(candidate), candidate.id));
        }
    }
    for &place in &resolved.front {
        let candidate = &resolved.summary.candidates[place];
        reach[resolved.looks.place(&candidate.data_label)].members += 1;
    }
    reach
}
