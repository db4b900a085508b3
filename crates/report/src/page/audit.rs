//! What the search's scores are worth, where candidates were trained alone.

use danas_search::{Agreements, Interval, tau_interval};
use danas_study::AuditRecord;
use serde::Serialize;

use crate::chart;
use crate::format;
use crate::resolve::Resolved;

/// The section's contents.
#[derive(Debug, Serialize)]
pub(super) struct Audit<'a> {
    candidates: String,
    steps: String,
    tau: Tau,
    /// Of a ranking by multiply-accumulates.
    by_macs: Option<Tau>,
    regrets: Vec<Regret>,
    within: Vec<Group<'a>>,
    chart: String,
}

/// Kendall's tau with its interval.
#[derive(Debug, Serialize)]
struct Tau {
    value: String,
    interval: String,
}

/// The points lost by taking the best of the candidates with the highest scores.
#[derive(Debug, Serialize)]
struct Regret {
    top: usize,
    points: String,
}

/// The candidates of a data configuration among themselves.
#[derive(Debug, Serialize)]
struct Group<'a> {
    data: &'a str,
    candidates: usize,
    tau: Tau,
}

impl<'a> Audit<'a> {
    /// Of the training that most candidates got alone; `None` where there was none, or nothing to rank.
    pub(super) fn of(resolved: &Resolved<'a>) -> Option<Audit<'a>> {
        let summary = resolved.summary;
        let steps = AuditRecord::usual_steps(&summary.audits)?;
        let audited = summary.audited(steps);
        let scores = summary.audited_scores(steps);
        let agreements = Agreements::of(&scores)?;
        let overall = &agreements.overall;
        let by_macs = tau_interval(&summary.audited_sizes(steps));
        Some(Audit {
            candidates: format::candidates(overall.candidates),
            steps: format::count(steps),
            tau: overall.tau.into(),
            by_macs: by_macs.map(Tau::from),
            regrets: (overall.regrets.iter())
                .map(|&(top, lost)| Regret {
                    top,
                    points: format!("{:.1}", 100.0 * lost),
                })
                .collect(),
            within: (agreements.within.iter())
                .map(|(data, agreement)| Group {
                    data,
                    candidates: agreement.candidates,
                    tau: agreement.tau.into(),
                })
                .collect(),
            chart: chart::audit::draw(resolved, &audited).to_string(),
        })
    }
}

impl From<Interval> for Tau {
    fn from(tau: Interval) -> Self {
        Tau {
            value: format!("{:.2}", tau.value),
            interval: format!("{:.2} to {:.2}", tau.low, tau.high),
        }
    }
}
