//! Quantities as people write them: `256KiB`, `20M`, `100ms`.

/// Why a quantity could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct QuantityError {
    /// What was given.
    pub text: String,
    /// What would have been right, with examples.
    pub expected: &'static str,
}

const BYTES: &[(&str, f64)] = &[
    ("", 1.0),
    ("b", 1.0),
    ("k", 1024.0),
    ("kib", 1024.0),
    ("kb", 1e3),
    ("m", 1_048_576.0),
    ("mib", 1_048_576.0),
    ("mb", 1e6),
    ("g", 1_073_741_824.0),
    ("gib", 1_073_741_824.0),
    ("gb", 1e9),
];

const COUNTS: &[(&str, f64)] = &[("", 1.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)];

const MILLISECONDS: &[(&str, f64)] = &[
    ("us", 1e-3),
    ("ms", 1.0),
    ("s", 1e3),
    ("m", 60e3),
    ("min", 60e3),
    ("h", 3600e3),
];

/// The largest quantity accepted: integers up to here are exact in an `f64`.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Reads a number of bytes: `262144`, `256KiB`, `1.5 MiB`, `256kB` (1000 bytes each); `K` and `M` alone are
/// KiB and MiB, as in linker scripts. Upper and lower case are the same.
///
/// # Errors
/// If the text is no non-negative number with one of those units.
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    parse(
        text,
        BYTES,
        "a number of bytes such as 256KiB, 1.5MiB or 262144",
    )
    .map(|value| value.round() as u64)
}

/// Reads a count: `20M` (20 million), `500k`, `1.5G`, `20000000`.
///
/// # Errors
/// If the text is no non-negative number with one of those units.
pub fn parse_count(text: &str) -> Result<u64, QuantityError> {
    parse(text, COUNTS, "a count such as 20M, 500k or 20000000").map(|value| value.round() as u64)
}

/// Reads a duration in milliseconds: `100ms`, `1.5s`, `2m`, `1h`, `500us`. The unit is needed.
///
/// # Errors
/// If the text is no non-negative number with one of those units.
pub fn parse_duration_ms(text: &str) -> Result<f64, QuantityError> {
    parse(
        text,
        MILLISECONDS,
        "a duration with its unit such as 100ms, 1.5s, 10m or 2h",
    )
}

fn parse(text: &str, units: &[(&str, f64)], expected: &'static str) -> Result<f64, QuantityError> {
    let wrong = || QuantityError {
        text: text.to_owned(),
        expected,
    };
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let number: f64 = digits.replace('_', "").parse().map_err(|_| wrong())?;
    let value = number * factor;
    if value.is_finite() && value <= LARGEST {
        Ok(value)
    } else {
        Err(wrong())
    }
}

/// Writes bytes for people, with at most one decimal: `812 B`, `223.5 KiB`, `1.2 MiB`.
pub fn format_bytes(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let value = bytes as f64;
    let (number, unit) = if bytes < 1024 {
        return format!("{bytes} B");
    } else if value < KIB * KIB {
        (value / KIB, "KiB")
    } else {
        (value / KIB / KIB, "MiB")
    };
    if number.fract() == 0.0 {
        format!("{number:.0} {unit}")
    } else {
        format!("{number:.1} {unit}")
    }
}

/// Writes a count for people: `812`, `37.5 k`, `7.49 M`.
pub fn format_count(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.1} k", count as f64 / 1e3),
        _ => format!("{:.2} M", count as f64 / 1e6),
    }
}

/// Writes a duration of one inference for people: `12.3 ms`, and where no measurement of the board was published
/// `12.3 ms (extrapolated)`.
pub fn format_latency(milliseconds: f64, published: bool) -> String {
    let origin = if published { "" } else { " (extrapolated)" };
    format!("{milliseconds:.1} ms{origin}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_binary_and_decimal_units() {
        let cases = [
            ("0", 0),
            ("262144", 262_144),
            ("256KiB", 262_144),
            ("256 kib", 262_144),
            ("256K", 262_144),
            ("256kB", 256_000),
            ("1MiB", 1_048_576),
            ("1.5MiB", 1_572_864),
            ("2 GB", 2_000_000_000),
            (" 8_192 B ", 8_192),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn counts_are_decimal() {
        assert_eq!(parse_count("20M"), Ok(20_000_000));
        assert_eq!(parse_count("1.5k"), Ok(1_500));
        assert_eq!(parse_count("7"), Ok(7));
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration_ms("100ms"), Ok(100.0));
        assert_eq!(parse_duration_ms("1.5 s"), Ok(1_500.0));
        assert_eq!(parse_duration_ms("10m"), Ok(600_000.0));
        assert_eq!(parse_duration_ms("1h"), Ok(3_600_000.0));
        assert_eq!(parse_duration_ms("500us"), Ok(0.5));
        let error = parse_duration_ms("100").unwrap_err();
        assert!(error.to_string().contains("with its unit"), "{error}");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "KiB",
            "-1",
            "1e3KiB",
            "1.2.3",
            "12 parsecs",
            "NaN",
            "inf",
            "99999999999GiB",
            "é",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn written_for_people() {
        assert_eq!(format_bytes(812), "812 B");
        assert_eq!(format_bytes(229_376), "224 KiB");
        assert_eq!(format_bytes(228_864), "223.5 KiB");
        assert_eq!(format_bytes(1_258_291), "1.2 MiB");
        assert_eq!(format_count(812), "812");
        assert_eq!(format_count(37_500), "37.5 k");
        assert_eq!(format_count(7_489_664), "7.49 M");
        assert_eq!(format_latency(12.34, true), "12.3 ms");
        assert_eq!(format_latency(12.34, false), "12.3 ms (extrapolated)");
    }
}
