//! How soon each method knows of how good a candidate, and what it ends with.

use super::panels::{Panels, colour};
use super::{Cell, Row};
use crate::chart::axis::{Axis, Unit};
use crate::chart::plot::{Plot, extent};
use crate::chart::svg::Element;

/// Draws the best scores over the time of the longest searches of every method, and what searches of every time ended
/// with; `measure` is what is measured, in words.
pub(super) fn draw(cells: &[Cell<'_>], measure: &str) -> Element {
    let panels = Panels::of(cells);
    let mut svg = panels.picture(&format!("Validation {measure} against time"));
    let mut shares = Vec::new();
    let mut minutes = Vec::new();
    for cell in cells {
        for row in &cell.rows {
            let ending = row.validation().map(|share| (cell.seconds, share));
            for (seconds, share) in row.progress().into_iter().chain(ending) {
                minutes.push(seconds / 60.0);
                shares.push(share);
            }
        }
    }
    let (low, high) = extent(shares.into_iter());
    if low > high {
        return svg;
    }
    let axes = [
        Axis::of(&mut minutes, Unit::Minutes),
        Axis::around(low, high, Unit::Share),
    ];
    for (place, &limit) in panels.limits.iter().enumerate() {
        let plot = panels.plot(place);
        let below = format!("minutes, {limit} of RAM/flash");
        plot.draw_axes(
            &mut svg,
            [&axes[0], &axes[1]],
            [&below, &format!("validation {measure}, %")],
        );
        let of_limit: Vec<&Cell<'_>> = cells.iter().filter(|cell| cell.limits == limit).collect();
        for (line, &method) in panels.methods.iter().enumerate() {
            draw_method(&mut svg, &plot, &axes, &of_limit, method, colour(line));
        }
    }
    svg
}

/// A method's best scores as a staircase, and what it ended with as dots.
fn draw_method(
    svg: &mut Element,
    plot: &Plot,
    [horizontal, vertical]: &[Axis; 2],
    cells: &[&Cell<'_>],
    method: &str,
    colour: &str,
) {
    let at = |seconds: f64, share: f64| {
        [
            plot.across(horizontal.place(seconds / 60.0)),
            plot.down(vertical.place(share)),
        ]
    };
    let searched = || {
        cells
            .iter()
            .filter_map(|cell| Some((cell.seconds, cell.row(method)?)))
    };
    let longest = searched().max_by(|(a, _), (b, _)| a.total_cmp(b));
    let steps = longest.map_or(Vec::new(), |(_, row)| row.progress());
    let mut line = |from, to| svg.push(Element::line("", from, to).word("stroke", colour));
    for pair in steps.windows(2) {
        let [(from, before), (to, after)] = [pair[0], pair[1]];
        line(at(from, before), at(to, before));
        line(at(to, before), at(to, after));
    }
    for (seconds, row) in searched() {
        if let Some(share) = row.validation() {
            let dot = Element::circle("", at(seconds, share), 4.0);
            svg.push(dot.word("fill", colour));
        }
    }
}

impl Row<'_> {
    /// The best score so far against the seconds of the searches, mean over the seeds, from when all of them have one.
    pub(super) fn progress(&self) -> Vec<(f64, f64)> {
        let all = self.searches.iter().flat_map(|search| &search.progress);
        let mut times: Vec<f64> = all.map(|(seconds, _)| *seconds).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mean_at = |seconds: f64| {
            let best = |search: &&super::Search| {
                let known = search.progress.iter().rev();
                known
                    .clone()
                    .find(|(at, _)| *at <= seconds)
                    .map(|(_, best)| *best)
            };
            let known: Vec<f64> = self.searches.iter().map_while(best).collect();
            let complete = known.len() == self.searches.len();
            complete.then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        times
            .into_iter()
            .filter_map(|seconds| Some((seconds, mean_at(seconds)?)))
            .collect()
    }
}
