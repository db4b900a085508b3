//! Numbers as people read them. Number and unit are kept together by a no-break space.

use danas_measure::Interval;

/// What stands for a value that is not known.
pub(crate) const UNKNOWN: &str = "–";

/// Bytes in B, KiB or MiB.
pub(crate) fn bytes(value: f64) -> String {
    const KIB: f64 = 1024.0;
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    if value.abs() < KIB {
        format!("{value:.0}\u{a0}B")
    } else if value.abs() < 100.0 * KIB {
        format!("{}\u{a0}KiB", trimmed(value / KIB, 1))
    } else if value.abs() < 1000.0 * KIB {
        format!("{:.0}\u{a0}KiB", value / KIB)
    } else {
        format!("{}\u{a0}MiB", trimmed(value / KIB / KIB, 2))
    }
}

/// A share between 0 and 1 in percent with one decimal.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1}\u{a0}%", share * 100.0)
    } else {
        UNKNOWN.to_owned()
    }
}

/// The ends of an interval of a share in percent.
pub(crate) fn interval(interval: &Interval) -> String {
    format!("{:.1} to {}", interval.low * 100.0, percent(interval.high))
}

/// Milliseconds with three figures; seconds from ten of them on.
pub(crate) fn milliseconds(value: f64) -> String {
    if !value.is_finite() {
        UNKNOWN.to_owned()
    } else if value.abs() < 10.0 {
        format!("{}\u{a0}ms", trimmed(value, 2))
    } else if value.abs() < 100.0 {
        format!("{}\u{a0}ms", trimmed(value, 1))
    } else if value.abs() < 10_000.0 {
        format!("{}\u{a0}ms", count(value.round() as u64))
    } else {
        format!("{:.1}\u{a0}s", value / 1000.0)
    }
}

/// A whole number with a comma every three digits.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many candidates.
pub(crate) fn candidates(number: usize) -> String {
    let noun = if number == 1 {
        "candidate"
    } else {
        "candidates"
    };
    format!("{} {noun}", count(number as u64))
}

/// A large number with three figures and k, M or G.
pub(crate) fn short_count(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let (scaled, unit) = match value.abs() {
        size if size < 1e3 => return format!("{value:.0}"),
        size if size < 999.5e3 => (value / 1e3, "k"),
        size if size < 999.5e6 => (value / 1e6, "M"),
        _ => (value / 1e9, "G"),
    };
    let decimals = match scaled.abs() {
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{}\u{a0}{unit}", trimmed(scaled, decimals))
}

/// A stretch of time.
pub(crate) fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    if value.abs() < 10.0 {
        return format!("{}\u{a0}s", trimmed(value, 1));
    }
    let whole = value.round().max(0.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds}\u{a0}s"),
        (0, minutes, 0) => format!("{minutes}\u{a0}min"),
        (0, minutes, seconds) => format!("{minutes}\u{a0}min\u{a0}{seconds:02}\u{a0}s"),
        (hours, minutes, _) => format!("{hours}\u{a0}h\u{a0}{minutes:02}\u{a0}min"),
    }
}

/// A number with at most `decimals` decimals and no trailing zeros.
pub(crate) fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_choose_their_unit() {
        assert_eq!(bytes(512.0), "512\u{a0}B");
        assert_eq!(bytes(1536.0), "1.5\u{a0}KiB");
        assert_eq!(bytes(262_144.0), "256\u{a0}KiB");
        assert_eq!(bytes(1_048_576.0), "1\u{a0}MiB");
        assert_eq!(bytes(f64::NAN), UNKNOWN);
    }

    #[test]
    fn counts_are_grouped_and_shortened() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(short_count(999.0), "999");
        assert_eq!(short_count(1_230_000.0), "1.23\u{a0}M");
        assert_eq!(short_count(999_700.0), "1\u{a0}M");
    }

    #[test]
    fn times_are_read_at_a_glance() {
        assert_eq!(seconds(3.24), "3.2\u{a0}s");
        assert_eq!(seconds(123.0), "2\u{a0}min\u{a0}03\u{a0}s");
        assert_eq!(seconds(3_720.0), "1\u{a0}h\u{a0}02\u{a0}min");
        assert_eq!(milliseconds(0.5), "0.5\u{a0}ms");
        assert_eq!(milliseconds(1_234.0), "1,234\u{a0}ms");
        assert_eq!(milliseconds(f64::INFINITY), UNKNOWN);
    }
}
