//! The front as a picture: validation accuracy against one cost.

use danas_study::CandidateRecord;

use super::axis::{Axis, Unit};
use super::label::{Area, Labels};
use super::plot::{HEIGHT, PLOT, WIDTH, extent};
use super::svg::Element;
use crate::format;
use crate::quantity::Quantity;
use crate::resolve::{Resolved, fits, scored};

/// Above this many candidates only the front's members carry a native hint, to keep the page small.
const HINTS_UP_TO: usize = 600;

/// A limit is drawn unless it lies further from all candidates than this factor.
const LIMIT_WITHIN: f64 = 1.75;

/// What is left of the accuracy axis unless it cuts off more than this share of it.
const WORTH_CUTTING: f64 = 0.35;

/// A drawn front.
#[derive(Debug)]
pub(crate) struct FrontChart {
    /// The drawing.
    pub(crate) svg: Element,
    /// How many candidates lie below the axis.
    pub(crate) below: usize,
}

struct Point<'a> {
    place: usize,
    candidate: &'a CandidateRecord,
    x: f64,
    y: f64,
}

/// Draws the accuracy of all scored candidates against `quantity`; `None` when nothing was scored.
pub(crate) fn draw(resolved: &Resolved, quantity: Quantity) -> Option<FrontChart> {
    let shown: Vec<(usize, &CandidateRecord)> = resolved
        .summary
        .candidates
        .iter()
        .enumerate()
        .filter(|(_, c)| scored(c) && quantity.of(&c.cost).is_finite())
        .collect();
    let floor = floor(resolved, &shown)?;
    let (shown, low): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|(_, c)| resolved.score(c) >= floor);
    let vertical = {
        let top = extent(shown.iter().map(|(_, c)| resolved.score(c))).1;
        Axis::around(floor, top, Unit::Share)
    };
    let limit = quantity
        .limit(&resolved.summary.run.limits)
        .filter(|limit| limit.is_finite());
    let mut costs: Vec<f64> = shown.iter().map(|(_, c)| quantity.of(&c.cost)).collect();
    let (least, most) = extent(costs.iter().copied());
    // A limit far away would squeeze the candidates into a corner; it is told in words then.
    let drawn_limit =
        limit.filter(|limit| (least / LIMIT_WITHIN..=most * LIMIT_WITHIN).contains(limit));
    costs.extend(drawn_limit);
    let horizontal = Axis::of(&mut costs, quantity.unit());
    let points: Vec<Point> = shown
        .iter()
        .map(|&(place, candidate)| Point {
            place,
            candidate,
            x: PLOT.across(horizontal.place(quantity.of(&candidate.cost))),
            y: PLOT.down(vertical.place(resolved.score(candidate))),
        })
        .collect();

    let name = format!(
        "Validation {} against {} of {} candidates",
        resolved.objective_words(),
        quantity.name(),
        points.len()
    );
    let mut svg = Element::drawing(WIDTH, HEIGHT, &name).class("chart");
    PLOT.draw_axes(
        &mut svg,
        [&horizontal, &vertical],
        [
            &title(&horizontal, quantity),
            &format!("validation {}, %", resolved.objective_words()),
        ],
    );
    draw_limit(&mut svg, &horizontal, quantity, limit, drawn_limit);
    draw_marks(&mut svg, resolved, &points);
    Some(FrontChart {
        svg,
        below: low.len(),
    })
}

/// The lowest accuracy shown: the front, the finished models and nine tenths of the others are always visible.
fn floor(resolved: &Resolved, shown: &[(usize, &CandidateRecord)]) -> Option<f64> {
    let mut accuracies: Vec<f64> = shown.iter().map(|(_, c)| resolved.score(c)).collect();
    accuracies.sort_by(f64::total_cmp);
    let (&lowest, &highest) = (accuracies.first()?, accuracies.last()?);
    let kept = shown
        .iter()
        .filter(|(place, _)| resolved.front.contains(place) || resolved.model_of(*place).is_some())
        .map(|(_, c)| resolved.score(c))
        .fold(accuracies[accuracies.len() / 10], f64::min);
    let cut = (kept - lowest) / (highest - lowest).max(f64::MIN_POSITIVE);
    Some(if cut > WORTH_CUTTING { kept } else { lowest })
}

/// What the horizontal axis measures.
fn title(horizontal: &Axis, quantity: Quantity) -> String {
    let scale = if horizontal.is_logarithmic() {
        " (logarithmic)"
    } else {
        ""
    };
    let unit = match horizontal.unit_name() {
        "" => String::new(),
        unit => format!(", {unit}"),
    };
    format!("{}{unit}{scale}", quantity.name())
}

fn draw_limit(
    svg: &mut Element,
    horizontal: &Axis,
    quantity: Quantity,
    limit: Option<f64>,
    drawn: Option<f64>,
) {
    let [_, top] = PLOT.area.from;
    let [right, bottom] = PLOT.area.to;
    let Some(limit) = limit else {
        return;
    };
    let words = format!("limit {}", quantity.words(limit));
    let Some(limit) = drawn else {
        let text = format!("{words} →");
        svg.push(Element::label(
            "limit-text",
            [right, top - 9.0],
            "end",
            &text,
        ));
        return;
    };
    let x = PLOT.across(horizontal.place(limit));
    svg.push(Element::rectangle(
        "beyond",
        [x, top],
        [right - x, bottom - top],
    ));
    svg.push(Element::line("limit", [x, top - 4.0], [x, bottom]));
    let anchor = if x > PLOT.area.from[0] + 0.6 * (right - PLOT.area.from[0]) {
        "end"
    } else {
        "start"
    };
    let shift = if anchor == "end" {
        right.min(x + 4.0)
    } else {
        x - 4.0
    };
    svg.push(Element::label(
        "limit-text",
        [shift, top - 9.0],
        anchor,
        &words,
    ));
}

fn draw_marks(svg: &mut Element, resolved: &Resolved, points: &[Point]) {
    let mut on_front = vec![false; resolved.summary.candidates.len()];
    for &place in &resolved.front {
        on_front[place] = true;
    }
    let hints = points.len() <= HINTS_UP_TO;
    let mut others = Element::new("g").class("others");
    for point in points.iter().filter(|p| !on_front[p.place]) {
        let class = if fits(point.candidate) { "" } else { " over" };
        others.push(mark(resolved, point, class, 2.7, hints));
    }
    svg.push(others);
    let members: Vec<&Point> = points.iter().filter(|p| on_front[p.place]).collect();
    if let Some(line) = step_line(&members) {
        svg.push(line);
    }
    let mut front = Element::new("g").class("members");
    for point in &members {
        front.push(mark(resolved, point, "", 4.4, true));
    }
    svg.push(front);
    draw_finished(svg, resolved, points);
}

fn mark(resolved: &Resolved, point: &Point, class: &str, radius: f64, hint: bool) -> Element {
    let candidate = point.candidate;
    let look = resolved.looks.place(&candidate.data_label);
    let marker = resolved.looks.list[look].marker;
    let class = format!("mark d{look}{class}");
    let mark = Element::marker(&class, marker, [point.x, point.y], radius)
        .word("data-i", &point.place.to_string());
    if !hint {
        return mark;
    }
    mark.hint(&format!(
        "{} · {} · {}\n{} · RAM {} · flash {} · {} · {} MACs",
        candidate.id,
        candidate.data_label,
        candidate.summary,
        format::percent(resolved.score(candidate)),
        Quantity::Ram.words(Quantity::Ram.of(&candidate.cost)),
        Quantity::Flash.words(Quantity::Flash.of(&candidate.cost)),
        Quantity::Latency.need(&candidate.cost, &resolved.summary.run),
        Quantity::Macs.words(candidate.cost.macs as f64),
    ))
}

/// The best accuracy that the front's members reach with at most so much of the cost, as a step line.
fn step_line(members: &[&Point]) -> Option<Element> {
    let mut order: Vec<&Point> = members.to_vec();
    order.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let first = order.first()?;
    let mut path = format!("M{:.1} {:.1}", first.x, first.y);
    let mut best = first.y;
    for point in &order[1..] {
        if point.y < best {
            path.push_str(&format!("H{:.1}V{:.1}", point.x, point.y));
            best = point.y;
        }
    }
    path.push_str(&format!("H{:.1}", PLOT.area.to[0]));
    Some(Element::new("path").class("steps").word("d", &path))
}

fn draw_finished(svg: &mut Element, resolved: &Resolved, points: &[Point]) {
    let finished: Vec<_> = resolved
        .finished
        .iter()
        .filter_map(|f| {
            points
                .iter()
                .find(|p| p.place == f.place)
                .map(|p| (f, [p.x, p.y]))
        })
        .collect();
    let mut taken: Vec<Area> = finished
        .iter()
        .map(|(_, at)| Area::around(*at, 9.0))
        .collect();
    let members = points.iter().filter(|p| resolved.front.contains(&p.place));
    taken.extend(members.map(|p| Area::around([p.x, p.y], 4.0)));
    let bounds = Area {
        from: [PLOT.area.from[0], PLOT.area.from[1] - 6.0],
        to: PLOT.area.to,
    };
    let mut labels = Labels::new(bounds, taken);
    for (finished, at) in finished {
        let class = if finished.model.recommended {
            " best"
        } else {
            ""
        };
        svg.push(Element::circle(&format!("ring{class}"), at, 8.5));
        let text = format::percent(finished.model.test_score_int8(resolved.objective()));
        let width = text.chars().count() as f64 * 6.9;
        let place = labels.place(at, 11.0, [width, 12.0]);
        svg.push(Element::label(
            &format!("figure{class}"),
            place,
            "middle",
            &text,
        ));
    }
}
