//! `--objective`: what the search maximises.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An objective as it is typed: the class stands there by its name, because the examples are not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum ObjectiveName {
    /// The share of examples classified rightly.
    #[default]
    Accuracy,
    /// The mean over the classes of that share.
    Balanced,
    /// F1 of a class.
    F1(String),
}

impl FromStr for ObjectiveName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "accuracy" => return Ok(ObjectiveName::Accuracy),
            "balanced" => return Ok(ObjectiveName::Balanced),
            _ => {}
        }
        match text.split_once(':') {
            Some((measure, class)) if measure.eq_ignore_ascii_case("f1") && !class.is_empty() => {
                Ok(ObjectiveName::F1(class.to_string()))
            }
            _ => Err(format!(
                "`{text}` is not an objective: accuracy, balanced or f1:CLASS"
            )),
        }
    }
}

impl TryFrom<String> for ObjectiveName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ObjectiveName> for String {
    fn from(objective: ObjectiveName) -> String {
        objective.to_string()
    }
}

impl fmt::Display for ObjectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectiveName::Accuracy => write!(f, "accuracy"),
            ObjectiveName::Balanced => write!(f, "balanced"),
            ObjectiveName::F1(class) => write!(f, "f1:{class}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectiveName;

    #[test]
    fn an_objective_is_one_of_three() {
        let person = ObjectiveName::F1("Person A".to_string());
        for (text, objective) in [
            ("accuracy", ObjectiveName::Accuracy),
            (" Balanced ", ObjectiveName::Balanced),
            ("F1:Person A", person),
        ] {
            assert_eq!(text.parse(), Ok(objective.clone()));
            assert_eq!(objective.to_string().parse(), Ok(objective));
        }
        for wrong in ["", "f1", "f1:", "recall:person", "precision"] {
            let error = wrong.parse::<ObjectiveName>().unwrap_err();
            assert!(error.contains("f1:CLASS"), "{error}");
        }
    }
}
