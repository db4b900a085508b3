//! What the scores foretold as a picture: the accuracy alone against the score.

use danas_study::{AuditRecord, CandidateRecord};

use super::axis::{Axis, Unit};
use super::label::Area;
use super::plot::Plot;
use super::svg::Element;
use crate::format;
use crate::resolve::Resolved;

const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 350.0;
const PLOT: Plot = Plot {
    area: Area {
        from: [40.0, 20.0],
        to: [418.0, 304.0],
    },
};

/// Draws the candidates that were trained alone.
pub(crate) fn draw(resolved: &Resolved, audited: &[(&CandidateRecord, &AuditRecord)]) -> Element {
    let axis = |values: &dyn Fn(&(&CandidateRecord, &AuditRecord)) -> f64| {
        let ends = audited.iter().map(values);
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        Axis::around(low, high, Unit::Share)
    };
    let horizontal = axis(&|(candidate, _)| candidate.val_accuracy);
    let vertical = axis(&|(_, audit)| audit.val_accuracy);
    let name = format!(
        "Accuracy alone against the score of {} candidates",
        audited.len()
    );
    let mut svg = Element::drawing(WIDTH, HEIGHT, &name).class("chart");
    PLOT.draw_axes(
        &mut svg,
        [&horizontal, &vertical],
        [
            "score from the shared network, %",
            "validation accuracy alone, %",
        ],
    );
    let mut marks = Element::new("g").class("members");
    for (candidate, audit) in audited {
        let look = resolved.looks.place(&candidate.data_label);
        let place = [
            PLOT.across(horizontal.place(candidate.val_accuracy)),
            PLOT.down(vertical.place(audit.val_accuracy)),
        ];
        let hint = format!(
            "{} · {} · {}\nscore {} · alone {}",
            candidate.id,
            candidate.data_label,
            candidate.summary,
            format::percent(candidate.val_accuracy),
            format::percent(audit.val_accuracy),
        );
        let marker = resolved.looks.list[look].marker;
        let class = format!("mark d{look}");
        marks.push(Element::marker(&class, marker, place, 4.4).hint(&hint));
    }
    svg.push(marks);
    svg
}
