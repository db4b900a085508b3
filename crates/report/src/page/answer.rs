//! The answer: what came out, in one sentence and four figures.

use danas_measure::{Objective, Tally};
use danas_study::{CandidateRecord, CostRecord};
use serde::Serialize;

use super::measure::shown;
use crate::format;
use crate::quantity::Quantity;
use crate::resolve::{Finished, Resolved, fits, scored};

/// How many of the least-violating candidates are shown when nothing fits.
const NEAREST: usize = 8;

/// The top of the page.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    /// `found`, `unfinished`, `infeasible` or `empty`.
    state: &'static str,
    /// The sentence.
    sentence: String,
    /// Path of the recommended file, relative to the run folder.
    path: Option<&'a str>,
    /// How it stands beside the other finished models on the validation split.
    choice: Option<String>,
    /// The figures below it.
    figures: Vec<Figure>,
    /// The candidates that break the limits least.
    nearest: Vec<Near<'a>>,
    /// The limits that these are held against.
    limits: Vec<String>,
}

/// One large number with what it is held against.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    name: &'static str,
    value: String,
    note: String,
    /// Length of the bar in percent.
    bar: Option<f64>,
    over: bool,
}

#[derive(Debug, Serialize)]
struct Near<'a> {
    id: u64,
    data: &'a str,
    summary: &'a str,
    needs: Vec<Need>,
}

#[derive(Debug, Serialize)]
struct Need {
    words: String,
    /// By how much it is too much, in words.
    excess: Option<String>,
}

impl<'a> Answer<'a> {
    /// What came out of a run.
    pub(super) fn of(resolved: &Resolved<'a>) -> Answer<'a> {
        let run = &resolved.summary.run;
        let answer = |state, sentence| Answer {
            state,
            sentence,
            path: None,
            choice: None,
            figures: Vec::new(),
            nearest: Vec::new(),
            limits: Vec::new(),
        };
        if resolved.summary.candidates.is_empty() && run.feasible {
            return answer("empty", "No candidate has been scored yet.".to_owned());
        }
        if !run.feasible {
            let nearest = nearest(resolved);
            return Answer {
                limits: limited(resolved)
                    .map(|(q, limit)| format!("{} ≤ {}", q.name(), q.words(limit)))
                    .collect(),
                nearest: nearest.iter().map(|c| Near::of(resolved, c)).collect(),
                ..answer(
                    "infeasible",
                    infeasible_sentence(resolved, nearest.first().copied()),
                )
            };
        }
        if let Some(finished) = resolved.recommended() {
            return Answer {
                path: Some(&finished.model.path),
                choice: choice(resolved, finished),
                figures: figures(resolved, finished),
                ..answer("found", found_sentence(resolved, finished))
            };
        }
        answer("unfinished", unfinished_sentence(resolved))
    }
}

fn found_sentence(resolved: &Resolved, finished: Finished) -> String {
    let run = &resolved.summary.run;
    let cost = &finished.model.cost;
    let interval = match finished.model.test_tally_int8() {
        Some(tally) => format!(
            " (95 % interval {}, {} test examples; {})",
            format::interval(&tally.interval(Objective::Accuracy)),
            format::count(tally.examples()),
            others(resolved, &tally),
        ),
        None => String::new(),
    };
    let of_limit = |quantity: Quantity| {
        let need = quantity.need(cost, run);
        match quantity.limit(&run.limits) {
            Some(limit) => format!("{need} of {} {}", quantity.words(limit), quantity.name()),
            None => format!("{need} {}", quantity.name()),
        }
    };
    let candidates = resolved.summary.candidates.iter();
    let of = match candidates.filter(|c| scored(c)).count() {
        0 => "made of the only candidate".to_owned(),
        scored => format!("recommended out of {}", format::candidates(scored)),
    };
    format!(
        "On {}, the model {of} reads {} and reaches {} test accuracy in int8{interval}, \
         in {}, {} and about {} per inference.",
        run.board,
        finished.candidate.data_label,
        format::percent(finished.model.test_accuracy_int8),
        of_limit(Quantity::Ram),
        of_limit(Quantity::Flash),
        Quantity::Latency.need(cost, run),
    )
}

/// What is told beside the accuracy: balanced accuracy, and what else was maximised.
fn others(resolved: &Resolved, tally: &Tally) -> String {
    let measures = shown(resolved.objective()).into_iter();
    let words = |measure: Objective| {
        let name = measure.words(&resolved.class_names());
        format!("{name} {}", format::percent(tally.score(measure)))
    };
    let told = measures.filter(|measure| *measure != Objective::Accuracy);
    told.map(words).collect::<Vec<_>>().join(", ")
}

/// Which of the other finished models cannot be told apart from the recommended one.
fn choice(resolved: &Resolved, recommended: Finished) -> Option<String> {
    let others = resolved.finished.iter();
    let compared: Vec<_> = others
        .filter_map(|finished| Some((finished, finished.model.paired?)))
        .collect();
    if compared.is_empty() {
        return None;
    }
    let ties: Vec<String> = (compared.iter())
        .filter(|(_, paired)| paired.tie)
        .map(|(finished, _)| {
            let macs = finished.model.cost.macs as f64 / recommended.model.cost.macs.max(1) as f64;
            let decimals = if macs < 10.0 { 1 } else { 0 };
            format!(
                "model {} with {} times the MACs",
                finished.candidate.id,
                format::trimmed(macs, decimals)
            )
        })
        .collect();
    Some(match ties.is_empty() {
        true => {
            "On the validation examples none of the other finished models ties with it.".to_owned()
        }
        false => format!(
            "On the validation examples it ties with {}, and cost decided.",
            ties.join(" and ")
        ),
    })
}

fn unfinished_sentence(resolved: &Resolved) -> String {
    let candidates = &resolved.summary.candidates;
    let best = candidates
        .iter()
        .filter(|c| fits(c) && scored(c))
        .max_by(|a, b| (resolved.score(a).total_cmp(&resolved.score(b))).then(b.id.cmp(&a.id)));
    match best {
        Some(best) => format!(
            "Of {}, none has been trained to the end yet; the best so far is {} \
             ({}) with {} {} on the validation split.",
            format::candidates(candidates.len()),
            best.id,
            best.data_label,
            resolved.objective_words(),
            format::percent(resolved.score(best)),
        ),
        None => "No candidate that meets the limits has been scored yet.".to_owned(),
    }
}

fn infeasible_sentence(resolved: &Resolved, nearest: Option<&CandidateRecord>) -> String {
    let run = &resolved.summary.run;
    let Some(nearest) = nearest else {
        return format!(
            "Nothing in the search space meets the limits of {}.",
            run.board
        );
    };
    let broken: Vec<String> = limited(resolved)
        .filter_map(|(quantity, limit)| {
            let excess = quantity.excess(&nearest.cost, &run.limits)?;
            Some(format!(
                "{} {} where {} are allowed ({})",
                quantity.need(&nearest.cost, run),
                quantity.name(),
                quantity.words(limit),
                excess_words(excess)
            ))
        })
        .collect();
    let broken = match broken.is_empty() {
        true => "more than the limits allow".to_owned(),
        false => broken.join(" and "),
    };
    format!(
        "Nothing in the search space meets the limits of {}: the candidate that comes nearest ({}, {}) needs {broken}.",
        run.board, nearest.id, nearest.data_label
    )
}

fn figures(resolved: &Resolved, finished: Finished) -> Vec<Figure> {
    let model = finished.model;
    let tally = model.test_tally_int8();
    let accuracy = Figure {
        name: "int8 test accuracy",
        value: format::percent(model.test_accuracy_int8),
        note: tally.as_ref().map_or_else(String::new, |tally| {
            format!(
                "95 %: {}; {}",
                format::interval(&tally.interval(Objective::Accuracy)),
                others(resolved, tally)
            )
        }),
        bar: None,
        over: false,
    };
    let costs = Quantity::ALL
        .into_iter()
        .map(|quantity| cost_figure(resolved, quantity, &model.cost));
    std::iter::once(accuracy).chain(costs).collect()
}

fn cost_figure(resolved: &Resolved, quantity: Quantity, cost: &CostRecord) -> Figure {
    let run = &resolved.summary.run;
    let need = quantity.of(cost);
    let limit = quantity.limit(&run.limits);
    let bar = limit
        .filter(|&limit| limit > 0.0)
        .map(|limit| (need / limit * 100.0).clamp(0.0, 100.0));
    let share = match (limit, bar) {
        (Some(limit), Some(_)) => {
            format!("{:.0} % of {}", need / limit * 100.0, quantity.words(limit))
        }
        _ => "no limit".to_owned(),
    };
    let note = match quantity {
        Quantity::Latency if !run.latency_published => format!("extrapolated, {share}"),
        _ => share,
    };
    Figure {
        name: quantity.name(),
        value: quantity.words(need),
        note,
        bar,
        over: quantity.excess(cost, &run.limits).is_some(),
    }
}

/// The candidates with the least violation, at first one per data configuration.
fn nearest<'a>(resolved: &Resolved<'a>) -> Vec<&'a CandidateRecord> {
    let mut order: Vec<&CandidateRecord> = resolved.summary.candidates.iter().collect();
    order.sort_by(|a, b| a.violation.total_cmp(&b.violation).then(a.id.cmp(&b.id)));
    let (mut firsts, mut others) = (Vec::new(), Vec::new());
    let mut seen = vec![false; resolved.looks.list.len()];
    for candidate in order {
        let place = resolved.looks.place(&candidate.data_label);
        if std::mem::replace(&mut seen[place], true) {
            others.push(candidate);
        } else {
            firsts.push(candidate);
        }
    }
    firsts.truncate(NEAREST);
    let room = NEAREST - firsts.len();
    firsts.extend(others.into_iter().take(room));
    firsts.sort_by(|a, b| a.violation.total_cmp(&b.violation).then(a.id.cmp(&b.id)));
    firsts
}

impl<'a> Near<'a> {
    fn of(resolved: &Resolved, candidate: &'a CandidateRecord) -> Near<'a> {
        let need = |(quantity, _): (Quantity, f64)| Need {
            words: quantity.need(&candidate.cost, &resolved.summary.run),
            excess: quantity
                .excess(&candidate.cost, &resolved.summary.run.limits)
                .map(excess_words),
        };
        Near {
            id: candidate.id,
            data: &candidate.data_label,
            summary: &candidate.summary,
            needs: limited(resolved).map(need).collect(),
        }
    }
}

fn limited(resolved: &Resolved) -> impl Iterator<Item = (Quantity, f64)> {
    let limits = resolved.summary.run.limits;
    Quantity::ALL
        .into_iter()
        .filter_map(move |q| q.limit(&limits).map(|limit| (q, limit)))
}

fn excess_words(excess: f64) -> String {
    match excess {
        e if !e.is_finite() => "nothing is allowed".to_owned(),
        e if e < 0.1 => format!("{} % too much", format::trimmed(e * 100.0, 1)),
        e if e < 1.0 => format!("{:.0} % too much", e * 100.0),
        e => format!("{} times as much", format::trimmed(e + 1.0, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::excess_words;

    #[test]
    fn an_excess_is_told_in_its_size() {
        let told: Vec<String> = [0.012, 0.34, 1.0, 4.25, f64::INFINITY]
            .into_iter()
            .map(excess_words)
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
