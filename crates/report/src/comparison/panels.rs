//! What the pictures of a comparison have in common: a field for every pair of limits, and a colour for every method.

use super::Cell;
use crate::chart::label::Area;
use crate::chart::plot::Plot;
use crate::chart::svg::Element;

/// Width and height of a field.
const FIELD: [f64; 2] = [330.0, 300.0];
const LEGEND_LINE: f64 = 18.0;
/// Okabe and Ito's colours, which everybody can tell apart.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933",
];
/// The page that shows the file has no styles for it.
const STYLE: &str = "text{font:11.5px sans-serif;fill:#5d6675}.title{fill:#1b2130;font-size:12px}\
                     .grid{stroke:#e3e3dc}.axis{stroke:#5d6675}";

/// The fields of a picture.
pub(super) struct Panels<'a> {
    /// The limits, one field each, from left to right.
    pub(super) limits: Vec<&'a str>,
    /// The methods, as the legend lists them.
    pub(super) methods: Vec<&'a str>,
}

impl<'a> Panels<'a> {
    /// Fields for these cells.
    pub(super) fn of(cells: &[Cell<'a>]) -> Self {
        let rows = cells.iter().flat_map(|cell| &cell.rows);
        Panels {
            limits: distinct(cells.iter().map(|cell| cell.limits)),
            methods: distinct(rows.map(|row| row.method)),
        }
    }

    /// A picture with nothing but the legend.
    pub(super) fn picture(&self, name: &str) -> Element {
        let width = FIELD[0] * self.limits.len().max(1) as f64;
        let height = FIELD[1] + LEGEND_LINE * self.methods.len() as f64 + 8.0;
        let mut svg = Element::drawing(width, height, name)
            .word("xmlns", "http://www.w3.org/2000/svg")
            .child(Element::new("style").text(STYLE))
            .child(Element::rectangle("", [0.0, 0.0], [width, height]).word("fill", "#ffffff"));
        for (line, method) in self.methods.iter().enumerate() {
            let y = FIELD[1] + LEGEND_LINE * line as f64;
            let marker = Element::circle("", [48.0, y], 4.0);
            svg.push(marker.word("fill", colour(line)));
            svg.push(Element::label("title", [58.0, y + 4.0], "start", method));
        }
        svg
    }

    /// The field of the limits at a place.
    pub(super) fn plot(&self, place: usize) -> Plot {
        let left = FIELD[0] * place as f64;
        Plot {
            area: Area {
                from: [left + 40.0, 20.0],
                to: [left + FIELD[0] - 20.0, FIELD[1] - 46.0],
            },
        }
    }
}

/// The colour of the method at a place.
pub(super) fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

/// Each value once, in the order of their first.
pub(super) fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
