//! The outcomes as a Markdown table.

use crate::Outcome;
use crate::way::Way;
use danas_measure::mean_interval;
use std::fmt::Write;

/// A line for every way that was tried: means over the seeds, and differences to the whole method, seed by seed, with half
/// of their 95 % interval.
pub(crate) fn of(ways: &[Way], outcomes: &[Outcome]) -> String {
    let mut table = String::from(
        "| way | steps | tau | difference | accuracy | difference in points |\n|---|---|---|---|---|---|\n",
    );
    for way in ways {
        let own: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.way == way.name)
            .collect();
        let Some((steps, _)) = mean_of(&own, |outcome| outcome.steps as f64) else {
            continue;
        };
        let tau = |outcome: &Outcome| outcome.tau;
        let accuracy = |outcome: &Outcome| 100.0 * outcome.accuracy;
        let cells = [
            format!("{}: {}", way.name, way.meaning),
            format!("{steps:.0}"),
            mean_of(&own, tau).map_or(String::new(), |(mean, _)| format!("{mean:.2}")),
            difference(way, &own, outcomes, tau, 2),
            mean_of(&own, accuracy).map_or(String::new(), |(mean, _)| format!("{mean:.1} %")),
            difference(way, &own, outcomes, accuracy, 1),
        ];
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

fn mean_of(outcomes: &[&Outcome], value: impl Fn(&Outcome) -> f64) -> Option<(f64, Option<f64>)> {
    mean_interval(
        &outcomes
            .iter()
            .map(|outcome| value(outcome))
            .collect::<Vec<_>>(),
    )
}

/// To the whole method with the same seed.
fn difference(
    way: &Way,
    own: &[&Outcome],
    all: &[Outcome],
    value: impl Fn(&Outcome) -> f64,
    digits: usize,
) -> String {
    if way.is_whole() {
        return String::new();
    }
    let differences: Vec<f64> = own
        .iter()
        .filter_map(|outcome| {
            let whole = all
                .iter()
                .find(|other| other.way == "whole" && other.seed == outcome.seed)?;
            Some(value(outcome) - value(whole))
        })
        .collect();
    match mean_interval(&differences) {
        Some((mean, Some(half))) => format!("{mean:+.digits$} ± {half:.digits$}"),
        Some((mean, None)) => format!("{mean:+.digits$}"),
        None => String::new(),
    }
}
