//! A value of a table, whatever format it came from.

use std::borrow::Cow;

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A whole number, or a truth value as 0 and 1.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// Something that can be neither a label nor a flag.
    Other,
}

/// What a value says as a 0/1 column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    /// Nothing: empty, or -1.
    Missing,
    /// 0 or 1.
    Is(bool),
    /// Something else.
    Other,
}

impl<'a> Cell<'a> {
    /// The value that a text stands for.
    pub(crate) fn of_text(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("nan") {
            return Cell::Missing;
        }
        if let Ok(number) = text.parse() {
            return Cell::Integer(number);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Cell::Real(number),
            _ => Cell::Text(Cow::Borrowed(text)),
        }
    }

    /// The value that bytes stand for, if they are text.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Cell::Other, Self::of_text)
    }

    /// The value as a 0/1 column.
    pub(crate) fn flag(&self) -> Flag {
        match self {
            Cell::Missing | Cell::Integer(-1) => Flag::Missing,
            Cell::Integer(number @ 0..=1) => Flag::Is(*number == 1),
            Cell::Real(number) if *number == -1.0 => Flag::Missing,
            Cell::Real(number) if *number == 0.0 || *number == 1.0 => Flag::Is(*number == 1.0),
            Cell::Text(text) if text.eq_ignore_ascii_case("true") => Flag::Is(true),
            Cell::Text(text) if text.eq_ignore_ascii_case("false") => Flag::Is(false),
            _ => Flag::Other,
        }
    }

    /// The value as a label.
    ///
    /// # Errors
    /// Why an example with it is left out.
    pub(crate) fn label(&self) -> Result<Cow<'_, str>, &'static str> {
        match self {
            Cell::Missing | Cell::Integer(-1) => Err("no label (empty or -1)"),
            Cell::Integer(number) if *number >= 0 => Ok(Cow::Owned(number.to_string())),
            // Up to here every whole number has exactly one value of this type.
            Cell::Real(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                match *number as i64 {
                    -1 => Err("no label (empty or -1)"),
                    number if number >= 0 => Ok(Cow::Owned(number.to_string())),
                    _ => Err("the label is a negative number"),
                }
            }
            Cell::Integer(_) => Err("the label is a negative number"),
            Cell::Real(_) => Err("the label is not a whole number"),
            Cell::Text(text) => Ok(Cow::Borrowed(text)),
            Cell::Other => Err("the label is neither a number nor a text"),
        }
    }

    /// The value as a name.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Integer(number) => Some(Cow::Owned(number.to_string())),
            Cell::Missing | Cell::Real(_) | Cell::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_labels_flags_or_nothing() {
        let label = |text| Cell::of_text(text).label().map(Cow::into_owned);
        assert_eq!(label(" cat "), Ok("cat".to_owned()));
        assert_eq!(label("3"), Ok("3".to_owned()));
        assert_eq!(label("3.0"), Ok("3".to_owned()));
        for bad in ["", "-1", "-1.0", "nan", "-7", "-7.0", "0.5", "1e300"] {
            assert!(label(bad).is_err(), "{bad}");
        }
        let flag = |text| Cell::of_text(text).flag();
        assert_eq!(flag("1"), Flag::Is(true));
        assert_eq!(flag("0.0"), Flag::Is(false));
        assert_eq!(flag("True"), Flag::Is(true));
        assert_eq!(flag("-1"), Flag::Missing);
        assert_eq!(flag(""), Flag::Missing);
        for other in ["2", "0.5", "cat"] {
            assert_eq!(flag(other), Flag::Other, "{other}");
        }
        assert_eq!(Cell::of_bytes(&[0xFF]), Cell::Other);
    }
}
