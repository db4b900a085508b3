//! What the scores foretold as a picture: the accuracy alone against the score.

use danas_study::{AuditRecord, CandidateRecord};

use super::axis::{Axis, Unit};
use super::plot::{HEIGHT, PLOT, WIDTH, extent};
use super::svg::Element;
use crate::format;
use crate::resolve::Resolved;

/// Draws the candidates that were trained alone.
pub(crate) fn draw(resolved: &Resolved, audited: &[(&CandidateRecord, &AuditRecord)]) -> Element {
    let objective = resolved.objective();
    let axis = |values: &dyn Fn(&(&CandidateRecord, &AuditRecord)) -> f64| {
        let (low, high) = extent(audited.iter().map(values));
        Axis::around(low, high, Unit::Share)
    };
    let horizontal = axis(&|(candidate, _)| candidate.val_score(objective));
    let vertical = axis(&|(_, audit)| audit.val_score(objective));
    let name = format!(
        "{} alone against the score of {} candidates",
        resolved.objective_words(),
        audited.len()
    );
    let mut svg = Element::drawing(WIDTH, HEIGHT, &name).class("chart");
    PLOT.draw_axes(
        &mut svg,
        [&horizontal, &vertical],
        [
            "score from the shared network, %",
            &format!("validation {} alone, %", resolved.objective_words()),
        ],
    );
    let mut marks = Element::new("g").class("members");
    for (candidate, audit) in audited {
        let look = resolved.looks.place(&candidate.data_label);
        let place = [
            PLOT.across(horizontal.place(candidate.val_score(objective))),
            PLOT.down(vertical.place(audit.val_score(objective))),
        ];
        let hint = format!(
            "{} · {} · {}\nscore {} · alone {}",
            candidate.id,
            candidate.data_label,
            candidate.summary,
            format::percent(candidate.val_score(objective)),
            format::percent(audit.val_score(objective)),
        );
        let marker = resolved.looks.list[look].marker;
        let class = format!("mark d{look}");
        marks.push(Element::marker(&class, marker, place, 4.4).hint(&hint));
    }
    svg.push(marks);
    svg
}
