//! From the labels of tables to classes.

use crate::error::DataError;
use std::collections::HashMap;
use std::path::Path;

/// The most classes that labels may stand for: beyond that a column holds something else.
pub(crate) const MAX_CLASSES: usize = 1000;

/// The labels of a table, each kept once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels {
    names: Vec<String>,
    places: HashMap<String, u32>,
}

impl Labels {
    /// The number of a label; none where there are too many.
    pub(crate) fn number(&mut self, label: &str) -> Option<u32> {
        if let Some(&number) = self.places.get(label) {
            return Some(number);
        }
        if self.names.len() == MAX_CLASSES {
            return None;
        }
        let number = self.names.len() as u32;
        self.names.push(label.to_owned());
        self.places.insert(label.to_owned(), number);
        Some(number)
    }

    /// The labels by number.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

/// What labels stand for.
#[derive(Debug, PartialEq)]
pub(crate) struct Classes {
    /// The names of the classes.
    pub(crate) names: Vec<String>,
    /// The class of each label, or why it has none.
    pub(crate) of: Vec<Result<usize, &'static str>>,
}

/// Why examples of a class that was not asked for are left out.
const NOT_ASKED: &str = "the class is not among --classes";
/// Why examples of a class that has no name are left out.
const OUT_OF_RANGE: &str = "the label is out of range: there are fewer classes";

/// Finds out which classes the labels stand for.
///
/// Where the user names classes, they are those labels in that order, or, if labels are numbers, the names of 0, 1 and so
/// on. Where the data names them (`known`), they are the names of the numbers. Otherwise the labels are the classes, in
/// the order of numbers or names.
///
/// # Errors
/// The user's classes are fewer than two, repeated, or not those of the data.
pub(crate) fn resolve(
    path: &Path,
    labels: &[String],
    given: &[String],
    known: Option<&[String]>,
) -> Result<Classes, DataError> {
    let numbers: Option<Vec<usize>> = labels.iter().map(|label| label.parse().ok()).collect();
    if !given.is_empty() {
        return chosen(path, labels, numbers.as_deref(), given);
    }
    if let (Some(numbers), Some(known)) = (&numbers, known) {
        return Ok(named(numbers, known, OUT_OF_RANGE));
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    match &numbers {
        Some(numbers) => order.sort_by_key(|&label| numbers[label]),
        None => order.sort_by_key(|&label| &labels[label]),
    }
    let mut of = vec![Ok(0); labels.len()];
    for (class, &label) in order.iter().enumerate() {
        of[label] = Ok(class);
    }
    let names = order.iter().map(|&label| labels[label].clone()).collect();
    Ok(Classes { names, of })
}

fn chosen(
    path: &Path,
    labels: &[String],
    numbers: Option<&[usize]>,
    given: &[String],
) -> Result<Classes, DataError> {
    let bad = |expected: &str| DataError::BadOption {
        option: "--classes",
        found: format!("`{}`", given.join(",")),
        expected: expected.to_owned(),
    };
    let is_repeated = |(at, name)| given[..at].contains(name);
    if given.len() < 2 || given.iter().enumerate().any(is_repeated) {
        return Err(bad("at least two names, each once"));
    }
    if let Some(unknown) = given.iter().find(|name| !labels.contains(name)) {
        return match numbers {
            Some(numbers) => Ok(named(numbers, given, OUT_OF_RANGE)),
            None => Err(DataError::NoSuchClass {
                path: path.to_owned(),
                class: unknown.clone(),
                found: labels.to_vec(),
            }),
        };
    }
    let place = |label| given.iter().position(|name| name == label);
    Ok(Classes {
        names: given.to_vec(),
        of: labels
            .iter()
            .map(|label| place(label).ok_or(NOT_ASKED))
            .collect(),
    })
}

/// Numbers that stand for names. Names without a label are left out: a part of a set need not have all classes.
fn named(numbers: &[usize], names: &[String], otherwise: &'static str) -> Classes {
    let mut used: Vec<usize> = numbers
        .iter()
        .copied()
        .filter(|&number| number < names.len())
        .collect();
    used.sort_unstable();
    let place = |number| used.binary_search(number).map_err(|_| otherwise);
    Classes {
        of: numbers.iter().map(place).collect(),
        names: used.iter().map(|&number| names[number].clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn resolved(labels: &[&str], given: &[&str], known: Option<&[&str]>) -> Classes {
        let known = known.map(texts);
        resolve(
            Path::new("data"),
            &texts(labels),
            &texts(given),
            known.as_deref(),
        )
        .expect("classes")
    }

    #[test]
    fn labels_are_put_in_order() {
        let classes = resolved(&["10", "2", "0"], &[], None);
        assert_eq!(classes.names, ["0", "2", "10"]);
        assert_eq!(classes.of, [Ok(2), Ok(1), Ok(0)]);
        let classes = resolved(&["cat", "ape", "2"], &[], None);
        assert_eq!(classes.names, ["2", "ape", "cat"]);
    }

    #[test]
    fn numbers_take_the_names_that_are_given() {
        let classes = resolved(&["1", "0", "7"], &["none", "person"], None);
        assert_eq!(classes.names, ["none", "person"]);
        assert_eq!(classes.of, [Ok(1), Ok(0), Err(OUT_OF_RANGE)]);
        let classes = resolved(&["2", "0"], &[], Some(&["a", "b", "c"]));
        assert_eq!(classes.names, ["a", "c"]);
        assert_eq!(classes.of, [Ok(1), Ok(0)]);
    }

    #[test]
    fn classes_can_be_chosen() {
        let classes = resolved(&["cat", "dog", "cow"], &["dog", "cat"], None);
        assert_eq!(classes.names, ["dog", "cat"]);
        assert_eq!(classes.of, [Ok(1), Ok(0), Err(NOT_ASKED)]);
        let refused = |labels: &[&str], given: &[&str]| {
            resolve(Path::new("data"), &texts(labels), &texts(given), None).is_err()
        };
        assert!(refused(&["cat", "dog"], &["cat", "cod"]));
        assert!(refused(&["cat", "dog"], &["cat"]));
        assert!(refused(&["0", "1"], &["a", "a"]));
    }
}
