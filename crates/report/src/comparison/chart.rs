//! A comparison as a picture: accuracy against time, a field for every pair of limits, a line for every method.

use super::panels::{Panels, colour};
use super::{Cell, Row};
use crate::chart::axis::{Axis, Unit};
use crate::chart::plot::extent;
use crate::chart::svg::Element;

/// Lines side by side, so that their intervals do not hide each other.
const SHIFT: f64 = 5.0;

/// Draws all cells; `measure` is what is measured, in words.
pub(super) fn draw(cells: &[Cell<'_>], measure: &str) -> Element {
    let panels = Panels::of(cells);
    let mut svg = panels.picture(&format!("Int8 test {measure} against time"));
    let ends = cells
        .iter()
        .flat_map(|cell| cell.rows.iter().flat_map(Row::accuracies));
    let (low, high) = extent(ends);
    if low > high {
        return svg;
    }
    let vertical = Axis::around(low, high, Unit::Share);
    let mut times: Vec<f64> = cells.iter().map(Cell::minutes).collect();
    let horizontal = Axis::of(&mut times, Unit::Minutes);
    for (place, &limit) in panels.limits.iter().enumerate() {
        let plot = panels.plot(place);
        let below = format!("minutes, {limit} of RAM/flash");
        plot.draw_axes(
            &mut svg,
            [&horizontal, &vertical],
            [&below, &format!("int8 test {measure}, %")],
        );
        for (line, &method) in panels.methods.iter().enumerate() {
            let shift = SHIFT * (line as f64 - (panels.methods.len() as f64 - 1.0) / 2.0);
            let rows = cells
                .iter()
                .filter(|cell| cell.limits == limit)
                .filter_map(|cell| Some((cell.minutes(), cell.row(method)?)));
            let points = rows.filter_map(|(minutes, row)| {
                let (mean, half) = row.accuracy()?;
                let x = plot.across(horizontal.place(minutes)) + shift;
                let y = |share: f64| plot.down(vertical.place(share));
                let spread =
                    half.map(|half| [y((mean - half).max(low)), y((mean + half).min(high))]);
                Some(([x, y(mean)], spread))
            });
            draw_line(&mut svg, colour(line), &points.collect::<Vec<_>>());
        }
    }
    svg
}

/// A method's means, joined, with their intervals as far as the axis reaches.
fn draw_line(svg: &mut Element, colour: &str, points: &[([f64; 2], Option<[f64; 2]>)]) {
    for pair in points.windows(2) {
        svg.push(Element::line("", pair[0].0, pair[1].0).word("stroke", colour));
    }
    for ([x, y], spread) in points {
        if let Some([low, high]) = spread {
            let bar = Element::line("", [*x, *low], [*x, *high]);
            svg.push(bar.word("stroke", colour).word("stroke-opacity", "0.45"));
        }
        svg.push(Element::circle("", [*x, *y], 3.5).word("fill", colour));
    }
}
