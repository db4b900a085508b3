//! The field of a chart that has two axes.

use super::axis::Axis;
use super::label::Area;
use super::svg::Element;

/// The size of a chart that stands alone, in drawing units, and its field.
pub(crate) const WIDTH: f64 = 430.0;
pub(crate) const HEIGHT: f64 = 350.0;
pub(crate) const PLOT: Plot = Plot {
    area: Area {
        from: [40.0, 20.0],
        to: [418.0, 304.0],
    },
};

/// The least and the greatest value; the former is above the latter where there are none.
pub(crate) fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}

/// Where values are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    /// The field between the axes.
    pub(crate) area: Area,
}

impl Plot {
    /// The x of a place on the horizontal axis.
    pub(crate) fn across(&self, share: f64) -> f64 {
        self.area.from[0] + share * (self.area.to[0] - self.area.from[0])
    }

    /// The y of a place on the vertical axis.
    pub(crate) fn down(&self, share: f64) -> f64 {
        self.area.to[1] - share * (self.area.to[1] - self.area.from[1])
    }

    /// Draws the grid with its numbers, and what the axes measure.
    pub(crate) fn draw_axes(
        &self,
        svg: &mut Element,
        [horizontal, vertical]: [&Axis; 2],
        [below, above]: [&str; 2],
    ) {
        let [left, top] = self.area.from;
        let [right, bottom] = self.area.to;
        for tick in vertical.ticks(6) {
            let y = self.down(vertical.place(tick.value));
            svg.push(Element::line("grid", [left, y], [right, y]));
            let beside = [left - 6.0, y + 3.8];
            svg.push(Element::label("tick", beside, "end", &tick.label));
        }
        for tick in horizontal.ticks(7) {
            let x = self.across(horizontal.place(tick.value));
            svg.push(Element::line("grid", [x, top], [x, bottom]));
            let under = [x, bottom + 16.0];
            svg.push(Element::label("tick", under, "middle", &tick.label));
        }
        svg.push(Element::line("axis", [left, bottom], [right, bottom]));
        svg.push(Element::label("tick", [4.0, 11.0], "start", above));
        let middle = [(left + right) / 2.0, bottom + 36.0];
        svg.push(Element::label("title", middle, "middle", below));
    }
}
