//! Whether a description of a network space is one.

use super::{NetworkSpace, StageSpace};
use crate::SpaceError;

/// The most stages. With the other limits it keeps sizes and counts far from any overflow.
const STAGE_LIMIT: usize = 12;
/// The most blocks of a stage.
const DEPTH_LIMIT: usize = 12;
/// The most choices of one gene.
const CHOICE_LIMIT: usize = 64;
/// The most channels of a layer (before expansion).
const WIDTH_LIMIT: usize = 4096;
/// The greatest expansion, in tenths.
const EXPANSION_LIMIT: usize = 120;
/// The greatest width multiplier, in percent.
const PERCENT_LIMIT: usize = 1000;

impl NetworkSpace {
    /// Checks the whole description.
    ///
    /// # Errors
    /// The first fault found: an empty, too long or unordered list, a value out of range, depths that
    /// contradict each other, or ties that cannot be kept.
    pub fn validate(&self) -> Result<(), SpaceError> {
        let multipliers = self.width_percents.as_slice();
        check_widths("stem", &self.stem, 8, multipliers)?;
        if ![&[2][..], &[1], &[2, 1]].contains(&self.stem_strides.as_slice()) {
            return Err(SpaceError::StemStrides {
                found: self.stem_strides.clone(),
            });
        }
        check_widths("head", &self.head, 0, multipliers)?;
        check_range("mono_width_percent", self.mono_width_percent, 1, 100)?;
        check_length("stages", self.stages.len(), STAGE_LIMIT)?;
        let mut may_end = false;
        for (s, stage) in self.stages.iter().enumerate() {
            stage.validate(s, multipliers)?;
            if may_end && stage.min_depth > 0 {
                return Err(SpaceError::DepthAfterEmpty {
                    stage: s,
                    least: stage.min_depth,
                });
            }
            may_end |= stage.min_depth == 0;
        }
        self.validate_multipliers()?;
        self.validate_ties()
    }

    /// Whether every width multiplier makes networks of its own, whatever the input.
    fn validate_multipliers(&self) -> Result<(), SpaceError> {
        if !self.has_tied_widths() {
            return Ok(());
        }
        check_list("width_percents", &self.width_percents)?;
        for &percent in &self.width_percents {
            check_range("width_percents", percent, 1, PERCENT_LIMIT)?;
        }
        check_range("mono_width_percent", self.mono_width_percent, 100, 100)?;
        let required = self.stages.iter().filter(|stage| stage.min_depth > 0);
        let lists: Vec<&Vec<usize>> = required
            .map(|stage| &stage.widths)
            .chain([&self.stem])
            .collect();
        let alike = |&place: &usize| lists.iter().all(|list| list[place - 1] == list[place]);
        match (1..self.width_percents.len()).find(alike) {
            Some(place) => Err(SpaceError::SameWidths {
                percents: [place - 1, place].map(|place| self.width_percents[place]),
            }),
            None => Ok(()),
        }
    }

    fn validate_ties(&self) -> Result<(), SpaceError> {
        let Some(shared) = self.shared_expansions() else {
            return Ok(());
        };
        let differs = |&s: &usize| self.is_tied(s) && self.stages[s].expansions != shared;
        match (0..self.stages.len()).find(differs) {
            Some(stage) => Err(SpaceError::TiedExpansions { stage }),
            None => Ok(()),
        }
    }
}

impl StageSpace {
    fn validate(&self, index: usize, multipliers: &[usize]) -> Result<(), SpaceError> {
        let named = |what: &str| format!("stages[{index}].{what}");
        check_range(&named("stride"), self.stride, 1, 2)?;
        check_widths(&named("widths"), &self.widths, 8, multipliers)?;
        check_range(&named("max_depth"), self.max_depth, 1, DEPTH_LIMIT)?;
        if self.min_depth > self.max_depth {
            return Err(SpaceError::Depth {
                stage: index,
                least: self.min_depth,
                most: self.max_depth,
            });
        }
        let expansions: Vec<usize> = self.expansions.iter().map(|e| usize::from(e.0)).collect();
        check_list(&named("expansions"), &expansions)?;
        for &value in &expansions {
            check_range(&named("expansions"), value, 1, EXPANSION_LIMIT)?;
        }
        check_list(&named("kernels"), &self.kernels)?;
        match self
            .kernels
            .iter()
            .find(|kernel| ![3, 5, 7].contains(*kernel))
        {
            Some(&value) => Err(SpaceError::Kernel {
                what: named("kernels"),
                value,
            }),
            None => Ok(()),
        }
    }
}

/// Checks a list of widths: one for each multiplier, where there are any.
fn check_widths(
    what: &str,
    widths: &[usize],
    least: usize,
    multipliers: &[usize],
) -> Result<(), SpaceError> {
    if multipliers.is_empty() {
        check_list(what, widths)?;
    } else if widths.len() != multipliers.len() {
        return Err(SpaceError::TiedWidths {
            what: what.to_owned(),
            found: widths.len(),
            expected: multipliers.len(),
        });
    } else {
        check_order(what, widths, |previous, next| previous <= next)?;
    }
    for &value in widths {
        check_range(what, value, least, WIDTH_LIMIT)?;
        if value % 8 != 0 {
            return Err(SpaceError::NotMultipleOfEight {
                what: what.to_owned(),
                value,
                nearest: ((value + 4) / 8 * 8).max(8),
            });
        }
    }
    Ok(())
}

fn check_list(what: &str, choices: &[usize]) -> Result<(), SpaceError> {
    check_length(what, choices.len(), CHOICE_LIMIT)?;
    check_order(what, choices, |previous, next| previous < next)
}

fn check_order(
    what: &str,
    choices: &[usize],
    in_order: fn(usize, usize) -> bool,
) -> Result<(), SpaceError> {
    match choices.windows(2).find(|pair| !in_order(pair[0], pair[1])) {
        Some(pair) => Err(SpaceError::NotAscending {
            what: what.to_owned(),
            previous: pair[0],
            next: pair[1],
        }),
        None => Ok(()),
    }
}

fn check_length(what: &str, found: usize, limit: usize) -> Result<(), SpaceError> {
    match found {
        0 => Err(SpaceError::NoChoices {
            what: what.to_owned(),
        }),
        n if n > limit => Err(SpaceError::TooMany {
            what: what.to_owned(),
            found,
            limit,
        }),
        _ => Ok(()),
    }
}

fn check_range(what: &str, value: usize, least: usize, most: usize) -> Result<(), SpaceError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(SpaceError::OutOfRange {
            what: what.to_owned(),
            value,
            least,
            most,
        })
    }
}
