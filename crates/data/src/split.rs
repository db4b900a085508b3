//! The parts of a collection of examples.

use serde::{Deserialize, Serialize};

/// A part of the examples. Candidates are selected on [`Split::Validation`]; [`Split::Test`] is touched once, at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What weights are trained on.
    Train,
    /// What candidates are compared on.
    Validation,
    /// What the final models are measured on.
    Test,
    /// What weights are trained on before [`Split::Train`]: more examples, with labels that may be worse. The only part that
    /// may be empty.
    Pretraining,
}

impl Split {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// All of them, in order.
    pub const ALL: [Split; Split::COUNT] = [
        Split::Train,
        Split::Validation,
        Split::Test,
        Split::Pretraining,
    ];

    /// Position in [`Split::ALL`].
    pub fn index(self) -> usize {
        match self {
            Split::Train => 0,
            Split::Validation => 1,
            Split::Test => 2,
            Split::Pretraining => 3,
        }
    }

    /// The name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
            Split::Pretraining => "pretraining",
        }
    }

    /// Of the parts that claim the same example, the one with the lowest number gets it: one that is not trained on, so that
    /// no measurement is spoilt, and then the one that is trained on last.
    pub(crate) fn claim(self) -> usize {
        match self {
            Split::Test => 0,
            Split::Validation => 1,
            Split::Train => 2,
            Split::Pretraining => 3,
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a part came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitOrigin {
    /// A part of its own, by its name on disk (`train`, `val`, `test`, ...).
    Given(String),
    /// Carved out of other examples, per class and by seed.
    Carved {
        /// Where the examples were taken from: `train`, or `all` where the source has no parts.
        from: String,
        /// The share of each class that was taken.
        share: f64,
    },
    /// What was left after the other parts were carved out.
    Rest {
        /// Where the examples were taken from: `train`, or `all` where the source has no parts.
        from: String,
    },
}

/// How the parts were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// Origin of the training part.
    pub train: SplitOrigin,
    /// Origin of the validation part.
    pub validation: SplitOrigin,
    /// Origin of the test part.
    pub test: SplitOrigin,
    /// Origin of the part for pretraining, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretraining: Option<SplitOrigin>,
    /// The seed of whatever was carved.
    pub seed: u64,
}

impl SplitRule {
    /// The origin of one part; none of a part that is not there.
    pub fn origin(&self, split: Split) -> Option<&SplitOrigin> {
        match split {
            Split::Train => Some(&self.train),
            Split::Validation => Some(&self.validation),
            Split::Test => Some(&self.test),
            Split::Pretraining => self.pretraining.as_ref(),
        }
    }

    /// The part that a name on disk was used for, as a whole or but for what was carved out of it.
    pub fn use_of(&self, name: &str) -> Option<Split> {
        let is_of = |split: &Split| match self.origin(*split) {
            None | Some(SplitOrigin::Carved { .. }) => false,
            Some(origin) => origin.name().split(BETWEEN).any(|part| part == name),
        };
        Split::ALL.into_iter().find(is_of)
    }
}

impl SplitOrigin {
    /// The name on disk of what the examples were taken from; of several, all of them.
    pub fn name(&self) -> &str {
        match self {
            SplitOrigin::Given(name) => name,
            SplitOrigin::Carved { from, .. } | SplitOrigin::Rest { from } => from,
        }
    }
}

/// Several names of one part.
pub(crate) fn joined(names: &[&str]) -> String {
    names.join(BETWEEN)
}

/// What stands between the names of what one part was made of.
const BETWEEN: &str = " + ";

impl std::fmt::Display for SplitRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut carved = false;
        for (position, split) in Split::ALL.into_iter().enumerate() {
            let Some(origin) = self.origin(split) else {
                continue;
            };
            if position > 0 {
                f.write_str(", ")?;
            }
            match origin {
                SplitOrigin::Given(folder) => write!(f, "{split} as given in {folder}")?,
                SplitOrigin::Carved { from, share } => {
                    carved = true;
                    write!(f, "{split} {:.0} % of {from} per class", share * 100.0)?;
                }
                SplitOrigin::Rest { from } => write!(f, "{split} the rest of {from}")?,
            }
        }
        if carved {
            write!(f, " (by seed {})", self.seed)?;
        }
        Ok(())
    }
}
