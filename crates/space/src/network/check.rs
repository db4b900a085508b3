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

impl NetworkSpace {
    /// Checks the whole description.
    ///
    /// # Errors
    /// The first fault found: an empty, too long or unordered list, a value out of range, depths that
    /// contradict each other, or tied expansions that differ between stages.
    pub fn validate(&self) -> Result<(), SpaceError> {
        check_widths("stem", &self.stem, 8)?;
        if ![&[2][..], &[1], &[2, 1]].contains(&self.stem_strides.as_slice()) {
            return Err(SpaceError::StemStrides {
                found: self.stem_strides.clone(),
            });
        }
        check_widths("head", &self.head, 0)?;
        check_range("mono_width_percent", self.mono_width_percent, 1, 100)?;
        check_length("stages", self.stages.len(), STAGE_LIMIT)?;
        let mut may_end = false;
        for (s, stage) in self.stages.iter().enumerate() {
            stage.validate(s)?;
            if may_end && stage.min_depth > 0 {
                return Err(SpaceError::DepthAfterEmpty {
                    stage: s,
                    least: stage.min_depth,
                });
            }
            may_end |= stage.min_depth == 0;
        }
        self.validate_ties()
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
    fn validate(&self, index: usize) -> Result<(), SpaceError> {
        let named = |what: &str| format!("stages[{index}].{what}");
        check_range(&named("stride"), self.stride, 1, 2)?;
        check_widths(&named("widths"), &self.widths, 8)?;
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

fn check_widths(what: &str, widths: &[usize], least: usize) -> Result<(), SpaceError> {
    check_list(what, widths)?;
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
    match choices.windows(2).find(|pair| pair[0] >= pair[1]) {
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
