//! What can be wrong with a space, and what it means that nothing in it fits.

use crate::Candidate;

/// Why a description of a space is not a space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// A list of choices is empty.
    #[error("`{what}` lists no choices; give at least one")]
    NoChoices {
        /// The list.
        what: String,
    },
    /// A list is longer than the space can be.
    #[error("`{what}` has {found} entries; at most {limit} are possible")]
    TooMany {
        /// The list.
        what: String,
        /// How many entries it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A list of choices is not in ascending order, or repeats one.
    #[error(
        "`{what}` must be in ascending order without repetition, but {next} follows {previous}"
    )]
    NotAscending {
        /// The list.
        what: String,
        /// A choice.
        previous: usize,
        /// The choice after it, not greater.
        next: usize,
    },
    /// A value is too small or too large.
    #[error("`{what}` is {value}; it must be {least} to {most}")]
    OutOfRange {
        /// What has the value.
        what: String,
        /// The value.
        value: usize,
        /// The least possible.
        least: usize,
        /// The greatest possible.
        most: usize,
    },
    /// A number of channels is not a multiple of 8.
    #[error(
        "`{what}` is {value}; numbers of channels must be multiples of 8 (the nearest is {nearest})"
    )]
    NotMultipleOfEight {
        /// What has the value.
        what: String,
        /// The value.
        value: usize,
        /// The nearest multiple of 8.
        nearest: usize,
    },
    /// The strides of the stem are none of the possible lists.
    #[error("`stem_strides` is {found:?}; it must be [2], [1] or [2, 1]")]
    StemStrides {
        /// The list.
        found: Vec<usize>,
    },
    /// A kernel of a size that there is none of.
    #[error("`{what}` is {value}; kernels are 3, 5 or 7")]
    Kernel {
        /// What has the value.
        what: String,
        /// The value.
        value: usize,
    },
    /// A stage's least depth is above its greatest.
    #[error("stage {stage} has min_depth {least} above max_depth {most}")]
    Depth {
        /// The stage, counted from 0.
        stage: usize,
        /// Its least depth.
        least: usize,
        /// Its greatest depth.
        most: usize,
    },
    /// A stage that must have blocks follows one that may be empty.
    #[error(
        "stage {stage} has min_depth {least}, but a stage before it may be empty, and then all later ones are; \
         set its min_depth to 0"
    )]
    DepthAfterEmpty {
        /// The stage, counted from 0.
        stage: usize,
        /// Its least depth.
        least: usize,
    },
    /// Tied expansions differ between stages.
    #[error(
        "tied_expansion needs the same choices in every stage that has more than one, but stage {stage} differs \
         from those before it"
    )]
    TiedExpansions {
        /// The stage, counted from 0.
        stage: usize,
    },
    /// A list of widths has not one for every width multiplier.
    #[error("`{what}` lists {found} widths for {expected} width multipliers; give one for each")]
    TiedWidths {
        /// The list.
        what: String,
        /// How many widths it has.
        found: usize,
        /// How many multipliers there are.
        expected: usize,
    },
    /// Two width multipliers make the same networks.
    #[error("the width multipliers {} % and {} % make the same networks; leave one out", percents[0], percents[1])]
    SameWidths {
        /// The two, in percent.
        percents: [usize; 2],
    },
    /// A gene that no network of the space has.
    #[error("there is no gene `{gene}` to fix; known are {known}")]
    UnknownGene {
        /// Its name.
        gene: String,
        /// Those that there are, in words.
        known: &'static str,
    },
    /// A gene was to have a value that is none of its choices.
    #[error("`{gene}` cannot be {value}; its choices are {choices}")]
    NoSuchChoice {
        /// The gene.
        gene: String,
        /// The value.
        value: String,
        /// Its choices, in words.
        choices: String,
    },
}

/// No candidate of the space meets the limits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("no candidate of the search space meets the limits{}", closest(.smallest))]
pub struct Infeasible {
    /// For every data configuration the candidate that came closest and how far it is over the limits
    /// (a sum of relative excesses), the least violating first.
    pub smallest: Vec<(Candidate, f64)>,
}

fn closest(smallest: &[(Candidate, f64)]) -> String {
    match smallest.first() {
        Some((candidate, violation)) => format!(
            "; the closest ({}, {}) is over them by {:.1} %",
            candidate.data,
            candidate.network.summary(),
            violation * 100.0
        ),
        None => String::new(),
    }
}
