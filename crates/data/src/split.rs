//! The three parts of a collection of examples.

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
}

impl Split {
    /// All three, in order.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// Position in [`Split::ALL`].
    pub fn index(self) -> usize {
        match self {
            Split::Train => 0,
            Split::Validation => 1,
            Split::Test => 2,
        }
    }

    /// The name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
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
    /// The seed of whatever was carved.
    pub seed: u64,
}

impl SplitRule {
    /// The origin of one part.
    pub fn origin(&self, split: Split) -> &SplitOrigin {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

impl std::fmt::Display for SplitRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut carved = false;
        for (position, split) in Split::ALL.into_iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            match self.origin(split) {
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
