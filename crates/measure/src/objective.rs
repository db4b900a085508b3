//! What a model is to be good at.

use serde::{Deserialize, Serialize};

/// The measure that is to be as high as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// The share of all examples that are classified rightly.
    #[default]
    Accuracy,
    /// The mean over the classes of the share of their examples that are classified rightly (Brodersen, Ong, Stephan,
    /// Buhmann 2010, "The balanced accuracy and its posterior distribution"): every class counts alike, however rare it is.
    Balanced,
    /// The harmonic mean of precision and recall of the class with this index.
    F1(usize),
}

impl Objective {
    /// The measure in words; `classes` are the names of the classes.
    pub fn words<N: AsRef<str>>(self, classes: &[N]) -> String {
        match self {
            Objective::Accuracy => "accuracy".to_owned(),
            Objective::Balanced => "balanced accuracy".to_owned(),
            Objective::F1(class) => match classes.get(class) {
                Some(name) => format!("F1 of {}", name.as_ref()),
                None => format!("F1 of class {class}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Objective;

    #[test]
    fn an_objective_is_recorded_in_a_word_and_told_in_words() {
        let all = [
            (Objective::Accuracy, "\"accuracy\"", "accuracy"),
            (Objective::Balanced, "\"balanced\"", "balanced accuracy"),
            (Objective::F1(1), "{\"f1\":1}", "F1 of person"),
            (Objective::F1(2), "{\"f1\":2}", "F1 of class 2"),
        ];
        for (objective, json, words) in all {
            assert_eq!(serde_json::to_string(&objective).unwrap(), json);
            assert_eq!(serde_json::from_str::<Objective>(json).unwrap(), objective);
            assert_eq!(objective.words(&["nobody", "person"]), words);
        }
    }
}
