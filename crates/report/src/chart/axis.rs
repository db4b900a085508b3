//! Axes: from values to places, with numbers at the ticks that a person would choose.

use crate::format;

/// What an axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes, shown in KiB or MiB with powers of two at the ticks.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Minutes.
    Minutes,
    /// Large numbers, shown with k, M and G.
    Count,
    /// Shares between 0 and 1, shown in percent.
    Share,
}

/// A range of values with a direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    unit: Unit,
}

/// A numbered place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// The value.
    pub(crate) value: f64,
    /// What is written at it, without the unit.
    pub(crate) label: String,
}

/// From this ratio of largest to smallest value on, an axis is logarithmic.
const LOGARITHMIC_FROM: f64 = 20.0;

/// Values crowd where half of them lie in this share of the range, ...
const CROWDED: f64 = 0.2;

/// ... and it matters where they span at least this ratio.
const CROWDED_FROM: f64 = 4.0;

/// No axis reaches further than this, so that its arithmetic stays finite.
const LARGEST: f64 = 1e100;

const KIB: f64 = 1024.0;

impl Axis {
    /// An axis for these values, which it sorts: logarithmic where they span more than 20x, or where most of them
    /// would crowd at the low end.
    pub(crate) fn of(values: &mut [f64], unit: Unit) -> Axis {
        values.sort_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (values.first(), values.last()) else {
            return Axis::around(0.0, 1.0, unit);
        };
        let crowded = (values[values.len() / 2] - low) / (high - low) < CROWDED;
        if crowded && low > 0.0 && high / low > CROWDED_FROM {
            return Axis::logarithmic(low, high, unit);
        }
        Axis::around(low, high, unit)
    }

    /// An axis around values from `low` to `high` with a margin; logarithmic where they span more than 20x.
    pub(crate) fn around(low: f64, high: f64, unit: Unit) -> Axis {
        let (low, high) = if low.is_finite() && high.is_finite() && low <= high {
            (low, high)
        } else {
            (0.0, 1.0)
        };
        let (low, high) = match unit {
            Unit::Share => (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)),
            _ => (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST)),
        };
        if unit != Unit::Share && low > 0.0 && high / low > LOGARITHMIC_FROM {
            return Axis::logarithmic(low, high, unit);
        }
        let span = high - low;
        let margin = if span > 0.0 {
            span * 0.05
        } else {
            (high.abs() * 0.1).max(0.01)
        };
        let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let low = (low - margin).max(floor);
        let mut high = high + margin;
        if unit == Unit::Share {
            high = high.min(1.005);
        }
        Axis {
            low,
            high,
            logarithmic: false,
            unit,
        }
    }

    fn logarithmic(low: f64, high: f64, unit: Unit) -> Axis {
        let (low, high) = (low.max(1.0 / LARGEST), high.min(LARGEST));
        let margin = (high / low).powf(0.04);
        Axis {
            low: low / margin,
            high: high * margin,
            logarithmic: true,
            unit,
        }
    }

    /// A linear axis from 0 to `high`.
    pub(crate) fn from_zero(high: f64, unit: Unit) -> Axis {
        let high = if high.is_finite() && high > 0.0 {
            high
        } else {
            1.0
        };
        Axis {
            low: 0.0,
            high,
            logarithmic: false,
            unit,
        }
    }

    /// The place of a value: 0 at the low end, 1 at the high end, beyond them outside.
    pub(crate) fn place(&self, value: f64) -> f64 {
        if self.logarithmic {
            let value = value.max(f64::MIN_POSITIVE);
            return (value / self.low).ln() / (self.high / self.low).ln();
        }
        (value - self.low) / (self.high - self.low)
    }

    /// Whether the axis is logarithmic.
    pub(crate) fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The unit written beside the axis.
    pub(crate) fn unit_name(&self) -> &'static str {
        match self.unit {
            Unit::Bytes if self.high >= 8.0 * KIB * KIB => "MiB",
            Unit::Bytes if self.high >= 2.0 * KIB => "KiB",
            Unit::Bytes => "B",
            Unit::Milliseconds => "ms",
            Unit::Minutes => "min",
            Unit::Count => "",
            Unit::Share => "%",
        }
    }

    /// At most `most` ticks (at least 2 are allowed) at round values.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        let mut values = if self.logarithmic {
            self.logarithmic_values(most)
        } else {
            Vec::new()
        };
        if values.len() < 2 {
            values = self.linear_values(most);
        }
        values
            .into_iter()
            .map(|value| Tick {
                value,
                label: self.tick_label(value),
            })
            .collect()
    }

    fn linear_values(&self, most: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / most as f64;
        let mut step = match self.unit {
            Unit::Bytes => 2_f64.powf(rough.log2().ceil()).max(1.0),
            Unit::Share => decimal_step(rough * 100.0) / 100.0,
            Unit::Milliseconds | Unit::Minutes | Unit::Count => decimal_step(rough),
        };
        let values = |step: f64| -> Vec<f64> {
            let first = (self.low / step - 1e-9).ceil() as i64;
            let last = (self.high / step + 1e-9).floor() as i64;
            // A share beyond 1 is only room for the markers at the top.
            let real = |value: &f64| self.unit != Unit::Share || *value <= 1.0 + 1e-9;
            (first..=last)
                .map(|i| i as f64 * step)
                .filter(real)
                .collect()
        };
        if values(step).len() < 2 {
            step /= 2.0;
        }
        values(step)
    }

    fn logarithmic_values(&self, most: usize) -> Vec<f64> {
        let inside = |value: &f64| *value >= self.low * 0.999 && *value <= self.high * 1.001;
        if self.unit == Unit::Bytes {
            let first = self.low.log2().floor() as i32;
            let last = self.high.log2().ceil() as i32;
            let powers = |stride: usize| -> Vec<f64> {
                let first = next_multiple(first, stride);
                (first..=last)
                    .step_by(stride)
                    .map(|e| 2_f64.powi(e))
                    .filter(inside)
                    .collect()
            };
            return (1..)
                .map(powers)
                .find(|values| values.len() <= most)
                .unwrap_or_default();
        }
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        let decades = |digits: &[f64]| -> Vec<f64> {
            (first..=last)
                .flat_map(|e| digits.iter().map(move |d| d * 10_f64.powi(e)))
                .filter(inside)
                .collect()
        };
        [&[1.0, 2.0, 5.0][..], &[1.0, 3.0][..], &[1.0][..]]
            .into_iter()
            .map(decades)
            .find(|values| values.len() <= most)
            .unwrap_or_default()
    }

    fn tick_label(&self, value: f64) -> String {
        match (self.unit, self.unit_name()) {
            (Unit::Bytes, "MiB") => format::trimmed(value / KIB / KIB, 2),
            (Unit::Bytes, "KiB") => format::trimmed(value / KIB, 2),
            (Unit::Share, _) => format::trimmed(value * 100.0, 2),
            (Unit::Count, _) => format::short_count(value),
            _ => format::trimmed(value, 3),
        }
    }
}

/// The next step of 1, 2 or 5 times a power of ten that is not below `rough`.
fn decimal_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|d| d * power >= rough * 0.999);
    digit.unwrap_or(10.0) * power
}

/// The first multiple of `stride` that is not below `exponent`: the same powers are chosen on every axis.
fn next_multiple(exponent: i32, stride: usize) -> i32 {
    let stride = i32::try_from(stride).unwrap_or(1);
    let rest = exponent.rem_euclid(stride);
    if rest == 0 {
        exponent
    } else {
        exponent + stride - rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, most: usize) -> String {
        let labels: Vec<String> = axis
            .ticks(most)
            .into_iter()
            .map(|tick| tick.label)
            .collect();
        format!("{} {}", labels.join(" "), axis.unit_name())
    }

    #[test]
    fn ticks_are_round_numbers() {
        let lines = [
            labels(Axis::around(50e3, 250e3, Unit::Bytes), 6),
            labels(Axis::around(4e3, 500e3, Unit::Bytes), 6),
            labels(Axis::around(300e3, 30e6, Unit::Bytes), 6),
            labels(Axis::from_zero(600.0, Unit::Bytes), 6),
            labels(Axis::around(12.0, 97.0, Unit::Milliseconds), 6),
            labels(Axis::around(0.4, 970.0, Unit::Milliseconds), 6),
            labels(Axis::around(3.0, 77.0, Unit::Milliseconds), 6),
            labels(Axis::around(0.2, 1.5, Unit::Minutes), 6),
            labels(Axis::around(0.2, 10.0, Unit::Minutes), 6),
            labels(Axis::around(0.61, 0.988, Unit::Share), 6),
            labels(Axis::around(0.95, 1.0, Unit::Share), 6),
            labels(Axis::around(1e5, 2e7, Unit::Count), 6),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn odd_ranges_still_make_an_axis() {
        for (low, high) in [
            (0.0, 0.0),
            (5.0, 5.0),
            (f64::NAN, 1.0),
            (3.0, 1.0),
            (1e-300, 1e300),
            (-1.0, 1.0),
        ] {
            for unit in [Unit::Bytes, Unit::Milliseconds, Unit::Count, Unit::Share] {
                let axis = Axis::around(low, high, unit);
                assert!(axis.low < axis.high, "{low} {high} {unit:?}");
                let ticks = axis.ticks(6);
                assert!(ticks.len() <= 14, "{low} {high} {unit:?}: {}", ticks.len());
                assert!(ticks.iter().all(|tick| axis.place(tick.value).is_finite()));
            }
        }
    }

    #[test]
    fn crowded_values_are_spread_out() {
        assert!(
            Axis::of(&mut [10.0, 11.0, 12.0, 13.0, 100.0], Unit::Milliseconds).is_logarithmic()
        );
        assert!(
            !Axis::of(&mut [10.0, 30.0, 50.0, 70.0, 100.0], Unit::Milliseconds).is_logarithmic()
        );
        assert!(!Axis::of(&mut [0.0], Unit::Bytes).is_logarithmic());
        assert!(!Axis::of(&mut [], Unit::Bytes).is_logarithmic());
    }

    #[test]
    fn places_run_from_0_to_1() {
        let axis = Axis::around(1.0, 1000.0, Unit::Milliseconds);
        assert!(axis.is_logarithmic());
        assert!((axis.place(1000_f64.sqrt()) - 0.5).abs() < 1e-9);
        let axis = Axis::from_zero(10.0, Unit::Bytes);
        assert_eq!(axis.place(2.5), 0.25);
    }
}
