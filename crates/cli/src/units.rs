//! Quantities as people write them: `256KiB`, `20M`, `10m`, `50ms`. Each is text or a plain number in a
//! configuration file, and is written back so that reading it gives the same value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use danas_device::{parse_bytes, parse_count, parse_duration_ms};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes, at least 1: `262144`, `256KiB`, `256kB`, `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// A number of things, at least 1: `20000000`, `20M`, `500k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

/// A duration on the device: `50ms`, `0.2s`, `800us`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Milliseconds(pub(crate) f64);

/// A stretch of time, from a second to ten thousand hours: `90s`, `10m`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// Refuses 0.
fn positive<T: PartialOrd + Default>(text: &str, value: T) -> Result<T, String> {
    if value > T::default() {
        Ok(value)
    } else {
        Err(format!("`{text}` is not more than 0"))
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = parse_bytes(text).map_err(|error| error.to_string())?;
        positive(text, bytes).map(Bytes)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_divided(f, self.0, &[(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])
    }
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = parse_count(text).map_err(|error| error.to_string())?;
        positive(text, count).map(Count)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_divided(f, self.0, &[(1_000_000, "M"), (1_000, "k"), (1, "")])
    }
}

/// Writes a number exactly, in the largest unit that divides it.
fn write_divided(f: &mut fmt::Formatter<'_>, value: u64, units: &[(u64, &str)]) -> fmt::Result {
    let fitting = units.iter().find(|(size, _)| value.is_multiple_of(*size));
    let (size, unit) = fitting.copied().unwrap_or((1, ""));
    write!(f, "{}{unit}", value / size)
}

impl FromStr for Milliseconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let milliseconds = parse_duration_ms(text).map_err(|error| error.to_string())?;
        positive(text, milliseconds).map(Milliseconds)
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut seconds = 0.0;
        let mut rest = text.trim();
        while !rest.is_empty() {
            // A part is a number and its unit: it ends where a digit follows a letter.
            let letters = rest
                .find(|c: char| c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let end = rest[letters..]
                .find(|c: char| c.is_ascii_digit())
                .map_or(rest.len(), |i| letters + i);
            let (part, tail) = rest.split_at(end);
            seconds += parse_duration_ms(part).map_err(|error| error.to_string())? / 1e3;
            rest = tail;
        }
        if (1.0..=3.6e7).contains(&seconds) {
            Ok(Span(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("`{text}` is not between 1s and 10000h"))
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_nanos() != 0 {
            return write!(f, "{}s", self.0.as_secs_f64());
        }
        let seconds = self.0.as_secs();
        for (value, unit) in [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
        ] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        Ok(())
    }
}

/// Reads text or a plain number.
struct TextOrNumber<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> Visitor<'_> for TextOrNumber<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text with a unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextOrNumber(std::marker::PhantomData))
            }
        }
    )*};
}

serde_as_text!(Bytes, Count, Milliseconds, Span);

/// Bytes for reading: `350 MiB`, `9.8 GiB`.
pub(crate) fn readable_bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1024.0 => format!("{bytes} B"),
        ..1_048_576.0 => format!("{:.0} KiB", bytes / 1024.0),
        ..1_073_741_824.0 => format!("{:.0} MiB", bytes / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes / 1_073_741_824.0),
    }
}

/// Seconds for reading: `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn readable_seconds(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    if seconds < 59.95 {
        format!("{:.1} s", seconds.max(0.0))
    } else if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole / 60 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!("256KiB".parse(), Ok(Bytes(262_144)));
        assert_eq!("1 MiB".parse(), Ok(Bytes(1_048_576)));
        assert_eq!("256kB".parse(), Ok(Bytes(256_000)));
        assert_eq!("20M".parse(), Ok(Count(20_000_000)));
        assert_eq!("0.2s".parse(), Ok(Milliseconds(200.0)));
        assert_eq!("1h30m".parse(), Ok(Span(Duration::from_secs(5400))));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!("0".parse::<Bytes>().is_err());
        assert!("-4KiB".parse::<Bytes>().is_err());
        assert!("1e400".parse::<Count>().is_err());
        assert!("10".parse::<Span>().unwrap_err().contains("unit"));
        assert!("10parsecs".parse::<Span>().is_err());
        assert!("".parse::<Span>().is_err());
        assert!("0ms".parse::<Milliseconds>().is_err());
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for bytes in [1, 1023, 1024, 1_000_000, 3 << 20] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        for count in [1, 999, 20_000, 20_000_001] {
            assert_eq!(Count(count).to_string().parse(), Ok(Count(count)));
        }
        for span in [Duration::from_secs(61), Duration::from_millis(2500)] {
            assert_eq!(Span(span).to_string().parse(), Ok(Span(span)));
        }
        assert_eq!(Milliseconds(0.3).to_string().parse(), Ok(Milliseconds(0.3)));
    }

    #[test]
    fn bytes_for_reading() {
        assert_eq!(readable_bytes(7), "7 B");
        assert_eq!(readable_bytes(2048), "2 KiB");
        assert_eq!(readable_bytes(350 << 20), "350 MiB");
        assert_eq!(readable_bytes((9 << 30) + (819 << 20)), "9.8 GiB");
    }

    #[test]
    fn seconds_for_reading() {
        assert_eq!(readable_seconds(200.0), "3 min 20 s");
    }
}
