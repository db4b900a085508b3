//! What a command gives as data, on stdout.

use std::io::{ErrorKind, Write};

use crate::message::{Blame, Outcome};

/// Prints text. A reader that has seen enough (`danas boards | head -1`) is no error.
pub(crate) fn print(text: &str) -> Outcome<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.or_internal(),
    }
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Outcome<()> {
    let mut text = serde_json::to_string_pretty(value).or_internal()?;
    text.push('\n');
    print(&text)
}

/// `1 file`, `2 files`, `3 classes`, `4 searches`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    match (count, noun.ends_with('s') || noun.ends_with("ch")) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{count} {noun}es"),
        (_, false) => format!("{count} {noun}s"),
    }
}

/// A table of text: columns as wide as they need to be, numbers to the right.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Table {
            rows: vec![headings.iter().map(ToString::to_string).collect()],
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell =
            |row: &'_ Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column| {
            self.rows
                .iter()
                .map(|row| cell(row, column).chars().count())
                .max()
                .unwrap_or(0)
        };
        let numeric = |column| {
            let mut cells = self.rows.iter().skip(1).map(|row| cell(row, column));
            cells.all(|text| {
                text.is_empty() || text == "-" || text.starts_with(|c: char| c.is_ascii_digit())
            })
        };
        let shapes: Vec<(usize, bool)> = (0..columns)
            .map(|column| (width(column), numeric(column)))
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, &(width, numeric)) in shapes.iter().enumerate() {
                let text = cell(row, column);
                let padding = " ".repeat(width - text.chars().count());
                let (before, after) = if numeric {
                    (padding.as_str(), "")
                } else {
                    ("", padding.as_str())
                };
                line.push_str(&format!("{before}{text}{after}  "));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        let mut table = Table::new(&["name", "size"]);
        table.row(["a".to_string(), "5".to_string()]);
        table.row(["long".to_string(), "1000".to_string()]);
        assert_eq!(table.to_string(), "name  size\na        5\nlong  1000\n");
    }
}
