//! The extra columns of a table that hold nothing but 0, 1 and missing values.

use super::cell::{Cell, Flag};

/// How many extra columns are kept; of more candidates the first count.
pub(crate) const MAX_COLUMNS: usize = 32;
/// Bytes that the [`Flags`] of an example take.
pub(crate) const FLAGS_BYTES: usize = 8;

/// What the extra 0/1 columns say of one example.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    // A bit for each column: whether its value is known, and whether it is 1.
    known: u32,
    set: u32,
}

impl Flags {
    /// Whether the column at this place is 1; none where it is missing.
    pub fn get(self, column: usize) -> Option<bool> {
        let bit = 1_u32.checked_shl(column as u32)?;
        (self.known & bit != 0).then_some(self.set & bit != 0)
    }

    /// The bytes that they are kept as in files.
    pub(crate) fn to_bytes(self) -> [u8; FLAGS_BYTES] {
        (u64::from(self.known) | u64::from(self.set) << 32).to_le_bytes()
    }

    /// The flags that were kept as these bytes.
    pub(crate) fn from_bytes(bytes: [u8; FLAGS_BYTES]) -> Self {
        let both = u64::from_le_bytes(bytes);
        Self {
            known: both as u32,
            set: (both >> 32) as u32,
        }
    }

    fn put(&mut self, column: usize, value: bool) {
        self.known |= 1 << column;
        self.set |= u32::from(value) << column;
    }

    /// The same values in other places: `places[old]` is the new place, if the column is kept.
    pub(crate) fn moved(self, places: &[Option<usize>]) -> Self {
        let mut moved = Self::default();
        for (old, new) in places.iter().enumerate() {
            if let (Some(new), Some(value)) = (new, self.get(old)) {
                moved.put(*new, value);
            }
        }
        moved
    }
}

/// Finds out which of a table's columns hold nothing but 0, 1 and missing values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    names: Vec<String>,
    /// Columns that hold something else.
    other: u32,
    /// Columns that hold a 0 or a 1.
    seen: u32,
}

impl Candidates {
    /// The place of a column, which is added if there is room.
    pub(crate) fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.names.iter().position(|known| known == name) {
            return Some(place);
        }
        if self.names.len() == MAX_COLUMNS {
            return None;
        }
        self.names.push(name.to_owned());
        Some(self.names.len() - 1)
    }

    /// Notes what a row has in the column at `place`.
    pub(crate) fn note(&mut self, place: usize, cell: &Cell<'_>, flags: &mut Flags) {
        match cell.flag() {
            Flag::Missing => {}
            Flag::Is(value) => {
                self.seen |= 1 << place;
                flags.put(place, value);
            }
            Flag::Other => self.other |= 1 << place,
        }
    }

    /// Takes over the columns of another table; returns where each of them is now.
    pub(crate) fn join(&mut self, table: &Candidates) -> Vec<Option<usize>> {
        let mut places = Vec::with_capacity(table.names.len());
        for (old, name) in table.names.iter().enumerate() {
            let new = self.place(name);
            if let Some(new) = new {
                self.other |= (table.other >> old & 1) << new;
                self.seen |= (table.seen >> old & 1) << new;
            }
            places.push(new);
        }
        places
    }

    /// The columns that are kept, and for each place where it is among them.
    pub(crate) fn finish(self) -> (Vec<String>, Vec<Option<usize>>) {
        let mut kept = Vec::new();
        let mut places = Vec::with_capacity(self.names.len());
        for (place, name) in self.names.into_iter().enumerate() {
            let is_flag = self.seen >> place & 1 == 1 && self.other >> place & 1 == 0;
            places.push(is_flag.then_some(kept.len()));
            if is_flag {
                kept.push(name);
            }
        }
        (kept, places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn flags_are_read_as_written(values in prop::collection::vec(any::<Option<bool>>(), 0..=MAX_COLUMNS)) {
            let mut flags = Flags::default();
            for (column, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    flags.put(column, *value);
                }
            }
            let read = Flags::from_bytes(flags.to_bytes());
            prop_assert_eq!(read, flags);
            for column in 0..=MAX_COLUMNS {
                prop_assert_eq!(read.get(column), values.get(column).copied().flatten());
            }
        }
    }

    #[test]
    fn columns_are_kept_where_every_table_has_flags() {
        let (mut first, mut second) = (Candidates::default(), Candidates::default());
        let mut flags = Flags::default();
        for (name, cell) in [
            ("near", Cell::Integer(1)),
            ("age", Cell::Integer(40)),
            ("far", Cell::Integer(-1)),
        ] {
            let place = first.place(name).expect("room");
            first.note(place, &cell, &mut flags);
        }
        let mut others = Flags::default();
        for (name, cell) in [("dark", Cell::Real(0.0)), ("near", Cell::Missing)] {
            let place = second.place(name).expect("room");
            second.note(place, &cell, &mut others);
        }
        let mut all = Candidates::default();
        let (a, b) = (all.join(&first), all.join(&second));
        let (names, places) = all.finish();
        assert_eq!(
            names,
            ["near", "dark"],
            "`age` is no flag, `far` is never known"
        );
        let of = |flags: Flags, table: &[Option<usize>]| {
            let flags = flags.moved(table).moved(&places);
            [flags.get(0), flags.get(1)]
        };
        assert_eq!(of(flags, &a), [Some(true), None]);
        assert_eq!(of(others, &b), [None, Some(false)]);
        assert_eq!(flags.get(40), None);
    }
}
