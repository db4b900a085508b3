//! `tf.train.Example`, read from its protocol buffer without copying:
//! `Example { features: Features { feature: map<string, Feature> } }`, where a `Feature` is one of `BytesList`, `FloatList`
//! and `Int64List`, whose only field (1) is repeated.

use super::cell::Cell;

/// What a feature holds. Of a list the first value counts: pictures and labels have one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Feature<'a> {
    /// An empty list.
    Nothing,
    /// Bytes.
    Bytes(&'a [u8]),
    /// A number.
    Float(f32),
    /// A whole number.
    Integer(i64),
    /// More than one value.
    Several,
}

impl<'a> Feature<'a> {
    /// The feature as a value of a table.
    pub(crate) fn cell(self) -> Cell<'a> {
        match self {
            Feature::Nothing => Cell::Missing,
            Feature::Bytes(bytes) => Cell::of_bytes(bytes),
            Feature::Float(number) if number.is_finite() => Cell::Real(number.into()),
            Feature::Float(_) => Cell::Missing,
            Feature::Integer(number) => Cell::Integer(number),
            Feature::Several => Cell::Other,
        }
    }
}

/// The features of an example with their names, in the order of the file.
///
/// # Errors
/// The bytes are not such a message.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(&str, Feature<'_>)>, String> {
    features(bytes).ok_or_else(|| "is not a tf.train.Example".to_owned())
}

fn features(bytes: &[u8]) -> Option<Vec<(&str, Feature<'_>)>> {
    let mut found = Vec::new();
    for field in Fields(bytes) {
        let (1, Value::Bytes(features)) = field? else {
            continue;
        };
        for field in Fields(features) {
            let (1, Value::Bytes(entry)) = field? else {
                continue;
            };
            let (mut name, mut value) = ("", Feature::Nothing);
            for field in Fields(entry) {
                match field? {
                    (1, Value::Bytes(bytes)) => name = std::str::from_utf8(bytes).ok()?,
                    (2, Value::Bytes(bytes)) => value = feature(bytes)?,
                    _ => {}
                }
            }
            found.push((name, value));
        }
    }
    Some(found)
}

fn feature(bytes: &[u8]) -> Option<Feature<'_>> {
    let mut found = Feature::Nothing;
    for field in Fields(bytes) {
        let (kind, Value::Bytes(list)) = field? else {
            continue;
        };
        for field in Fields(list) {
            let (1, value) = field? else { continue };
            found = match (kind, value) {
                (1, Value::Bytes(bytes)) => found.and(Feature::Bytes(bytes)),
                (2, Value::Fixed32(bits)) => found.and(Feature::Float(f32::from_bits(bits))),
                (2, Value::Bytes(packed)) => packed_floats(packed, found)?,
                (3, Value::Varint(number)) => found.and(Feature::Integer(number as i64)),
                (3, Value::Bytes(packed)) => packed_integers(packed, found)?,
                _ => return None,
            };
        }
    }
    Some(found)
}

impl<'a> Feature<'a> {
    /// The list so far with one more value.
    fn and(self, next: Feature<'a>) -> Self {
        match self {
            Feature::Nothing => next,
            _ => Feature::Several,
        }
    }
}

fn packed_floats<'a>(bytes: &[u8], mut found: Feature<'a>) -> Option<Feature<'a>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    for number in numbers {
        found = found.and(Feature::Float(f32::from_le_bytes(*number)));
    }
    rest.is_empty().then_some(found)
}

fn packed_integers<'a>(mut bytes: &[u8], mut found: Feature<'a>) -> Option<Feature<'a>> {
    while !bytes.is_empty() {
        found = found.and(Feature::Integer(varint(&mut bytes)? as i64));
    }
    Some(found)
}

/// A value on the wire.
enum Value<'a> {
    Varint(u64),
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message with their numbers; `None` once where it is malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = field(&mut self.0);
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(bytes)?;
    let value = match key & 7 {
        0 => Value::Varint(varint(bytes)?),
        1 => {
            bytes.split_off(..8)?;
            Value::Fixed64
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Value::Bytes(bytes.split_off(..length)?)
        }
        5 => {
            let bits = bytes.split_off(..4)?.try_into().ok()?;
            Value::Fixed32(u32::from_le_bytes(bits))
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::writing::{bytes, entry, example, integer};
    use super::*;
    use proptest::prelude::*;

    fn good() -> Vec<u8> {
        example(&[
            bytes("image", b"\xFF\xD8 picture"),
            integer("person", -1),
            integer("dark", 300),
            entry("weight", 2, &[10, 4, 0, 0, 0x80, 0x3F]),
            entry("single", 2, &[13, 0, 0, 0, 0x40]),
            entry("plain", 3, &[8, 5]),
            entry("box", 3, &[10, 2, 1, 2]),
            entry("none", 1, b""),
        ])
    }

    #[test]
    fn features_are_read_packed_or_not() {
        let example = good();
        let features = parse(&example).expect("features");
        assert_eq!(
            features,
            [
                ("image", Feature::Bytes(&b"\xFF\xD8 picture"[..])),
                ("person", Feature::Integer(-1)),
                ("dark", Feature::Integer(300)),
                ("weight", Feature::Float(1.0)),
                ("single", Feature::Float(2.0)),
                ("plain", Feature::Integer(5)),
                ("box", Feature::Several),
                ("none", Feature::Nothing),
            ]
        );
        assert!(parse(&example[..example.len() - 1]).is_err());
        assert_eq!(parse(b"").expect("an empty example"), []);
        assert!(parse(b"hello").is_err());
    }

    proptest! {
        #[test]
        fn damaged_examples_are_read_or_refused(
            changes in prop::collection::vec((0..200_usize, any::<u8>()), 1..8),
            end in 0..250_usize,
        ) {
            let mut example = good();
            for (at, value) in changes {
                let length = example.len();
                example[at % length] = value;
            }
            example.truncate(end);
            for (_, feature) in parse(&example).unwrap_or_default() {
                let _ = feature.cell();
            }
        }
    }
}
