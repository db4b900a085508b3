//! A comparison as a picture: accuracy against time, a field for every pair of limits, a line for every method.

use super::{Cell, Row};
use crate::chart::axis::{Axis, Unit};
use crate::chart::label::Area;
use crate::chart::plot::{Plot, extent};
use crate::chart::svg::Element;

const FIELD: [f64; 2] = [330.0, 300.0];
const LEGEND_LINE: f64 = 18.0;
/// Lines side by side, so that their intervals do not hide each other.
const SHIFT: f64 = 5.0;
/// Okabe and Ito's colours, which everybody can tell apart.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933",
];
/// The page that shows the file has no styles for it.
const STYLE: &str = "text{font:11.5px sans-serif;fill:#5d6675}.title{fill:#1b2130;font-size:12px}\
                     .grid{stroke:#e3e3dc}.axis{stroke:#5d6675}";

/// Draws all cells.
pub(super) fn draw(cells: &[Cell<'_>]) -> Element {
    let limits = distinct(cells.iter().map(|cell| cell.limits));
    let methods = distinct(
        cells
            .iter()
            .flat_map(|cell| cell.rows.iter().map(|row| row.method)),
    );
    let width = FIELD[0] * limits.len().max(1) as f64;
    let height = FIELD[1] + LEGEND_LINE * methods.len() as f64 + 8.0;
    let mut svg = Element::drawing(width, height, "Int8 test accuracy against time")
        .word("xmlns", "http://www.w3.org/2000/svg")
        .child(Element::new("style").text(STYLE))
        .child(Element::rectangle("", [0.0, 0.0], [width, height]).word("fill", "#ffffff"));
    let ends = cells
        .iter()
        .flat_map(|cell| cell.rows.iter().flat_map(Row::accuracies));
    let (low, high) = extent(ends);
    if low > high {
        return svg;
    }
    let vertical = Axis::around(low, high, Unit::Share);
    let mut times: Vec<f64> = cells.iter().map(|cell| cell.seconds / 60.0).collect();
    let horizontal = Axis::of(&mut times, Unit::Count);
    for (place, &limit) in limits.iter().enumerate() {
        let left = FIELD[0] * place as f64;
        let plot = Plot {
            area: Area {
                from: [left + 40.0, 20.0],
                to: [left + FIELD[0] - 20.0, FIELD[1] - 46.0],
            },
        };
        let below = format!("minutes, {limit} of RAM/flash");
        plot.draw_axes(
            &mut svg,
            [&horizontal, &vertical],
            [&below, "int8 test accuracy, %"],
        );
        for (line, &method) in methods.iter().enumerate() {
            let shift = SHIFT * (line as f64 - (methods.len() as f64 - 1.0) / 2.0);
            let rows = cells
                .iter()
                .filter(|cell| cell.limits == limit)
                .filter_map(|cell| {
                    let row = cell.rows.iter().find(|row| row.method == method)?;
                    Some((cell.seconds / 60.0, row))
                });
            let points = rows.filter_map(|(minutes, row)| {
                let (mean, half) = row.accuracy()?;
                let x = plot.across(horizontal.place(minutes)) + shift;
                let y = |share: f64| plot.down(vertical.place(share));
                let spread =
                    half.map(|half| [y((mean - half).max(low)), y((mean + half).min(high))]);
                Some(([x, y(mean)], spread))
            });
            draw_line(
                &mut svg,
                COLOURS[line % COLOURS.len()],
                &points.collect::<Vec<_>>(),
            );
        }
    }
    for (line, method) in methods.iter().enumerate() {
        let y = FIELD[1] + LEGEND_LINE * line as f64;
        let colour = COLOURS[line % COLOURS.len()];
        svg.push(Element::circle("", [48.0, y], 4.0).word("fill", colour));
        svg.push(Element::label("title", [58.0, y + 4.0], "start", method));
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

/// Each value once, in the order of their first.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
