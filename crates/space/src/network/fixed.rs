//! Genes that a person decides instead of the search.

use super::NetworkSpace;
use crate::{Expansion, SpaceError};

/// What can be fixed, for errors and help.
const GENES: &str = "stem, stem-stride, head, kernel, expansion, and of a stage counted from 0 \
                     stage2.depth, stage2.width, stage2.kernel, stage2.expansion";
/// The same where one multiplier decides all widths.
const GENES_OF_TIED_WIDTHS: &str = "width, stem-stride, kernel, expansion, and of a stage counted from 0 \
                                    stage2.depth, stage2.kernel, stage2.expansion";

impl NetworkSpace {
    /// Leaves a gene one value of those that it has. Genes are named as [`crate::Gene`]s are, in small letters: `stem`,
    /// `stem-stride`, `head`, `kernel`, `expansion`, and of a stage (counted from 0) `stage2.depth`, `stage2.width`,
    /// `stage2.kernel`, `stage2.expansion`. Without a stage `kernel` and `expansion` mean all stages that have the value
    /// among their choices. Where one multiplier decides all widths it is the gene `width`, as in `0.35`, and no width is a
    /// gene of its own. A stage whose depth is fixed cannot be left out, and neither can those before it.
    ///
    /// # Errors
    /// [`SpaceError::UnknownGene`] and [`SpaceError::NoSuchChoice`]; the space is unchanged then.
    pub fn fix(&mut self, gene: &str, value: &str) -> Result<(), SpaceError> {
        match gene {
            "width" if self.has_tied_widths() => self.fix_multiplier(gene, value),
            "stem" | "head" if self.has_tied_widths() => Err(self.unknown(gene)),
            "stem" => keep(gene, &mut self.stem, value, read_number),
            "stem-stride" => keep(gene, &mut self.stem_strides, value, read_number),
            "head" => keep(gene, &mut self.head, value, read_number),
            "kernel" => {
                let lists = self.stages.iter_mut().map(|stage| &mut stage.kernels);
                keep_anywhere(gene, lists, value, read_number)
            }
            "expansion" => {
                let lists = self.stages.iter_mut().map(|stage| &mut stage.expansions);
                keep_anywhere(gene, lists, value, read_expansion)
            }
            _ => self.fix_in_stage(gene, value),
        }
    }

    fn unknown(&self, gene: &str) -> SpaceError {
        SpaceError::UnknownGene {
            gene: gene.to_owned(),
            known: match self.has_tied_widths() {
                true => GENES_OF_TIED_WIDTHS,
                false => GENES,
            },
        }
    }

    /// Leaves the widths of one multiplier.
    fn fix_multiplier(&mut self, gene: &str, value: &str) -> Result<(), SpaceError> {
        let mut multipliers: Vec<Multiplier> = self
            .width_percents
            .iter()
            .copied()
            .map(Multiplier)
            .collect();
        keep(gene, &mut multipliers, value, read_multiplier)?;
        let Multiplier(percent) = multipliers[0];
        let place = (self.width_percents.iter()).position(|&choice| choice == percent);
        for list in self.width_lists() {
            *list = place
                .and_then(|place| list.get(place).copied())
                .into_iter()
                .collect();
        }
        self.width_percents = vec![percent];
        Ok(())
    }

    fn fix_in_stage(&mut self, gene: &str, value: &str) -> Result<(), SpaceError> {
        let tied_widths = self.has_tied_widths();
        let error = self.unknown(gene);
        let unknown = || error.clone();
        let (place, what) = gene
            .strip_prefix("stage")
            .and_then(|rest| rest.split_once('.'))
            .ok_or_else(unknown)?;
        let place: usize = place.parse().map_err(|_| unknown())?;
        let stage = self.stages.get_mut(place).ok_or_else(unknown)?;
        match what {
            "width" if tied_widths => Err(unknown()),
            "width" => keep(gene, &mut stage.widths, value, read_number),
            "kernel" => keep(gene, &mut stage.kernels, value, read_number),
            "expansion" => keep(gene, &mut stage.expansions, value, read_expansion),
            "depth" => {
                let mut depths: Vec<usize> = (stage.min_depth.max(1)..=stage.max_depth).collect();
                keep(gene, &mut depths, value, read_number)?;
                (stage.min_depth, stage.max_depth) = (depths[0], depths[0]);
                for earlier in &mut self.stages[..place] {
                    earlier.min_depth = earlier.min_depth.max(1);
                }
                Ok(())
            }
            _ => Err(unknown()),
        }
    }
}

fn read_number(text: &str) -> Option<usize> {
    text.parse().ok()
}

/// `4` and `0.6` as expansions of 40 and 6 tenths.
fn read_expansion(text: &str) -> Option<Expansion> {
    read_parts(text, 10.0).map(Expansion)
}

/// A width multiplier in percent, written as a ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Multiplier(usize);

impl std::fmt::Display for Multiplier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0 as f64 / 100.0)
    }
}

/// `0.35` as 35 percent.
fn read_multiplier(text: &str) -> Option<Multiplier> {
    read_parts(text, 100.0).map(|percent| Multiplier(percent.into()))
}

/// A ratio that is a whole number of parts of which `one` make 1.
fn read_parts(text: &str, one: f64) -> Option<u16> {
    let parts = text.parse::<f64>().ok()? * one;
    // Tenths and hundredths have no exact binary form.
    let whole = (parts - parts.round()).abs() < 1e-6 && (0.0..1e4).contains(&parts);
    whole.then_some(parts.round() as u16)
}

/// Leaves one of the choices.
fn keep<T: Copy + PartialEq + std::fmt::Display>(
    gene: &str,
    choices: &mut Vec<T>,
    value: &str,
    read: fn(&str) -> Option<T>,
) -> Result<(), SpaceError> {
    keep_anywhere(gene, std::iter::once(choices), value, read)
}

/// Leaves one of the choices in every list that has it.
fn keep_anywhere<'a, T: Copy + PartialEq + std::fmt::Display + 'a>(
    gene: &str,
    lists: impl Iterator<Item = &'a mut Vec<T>>,
    value: &str,
    read: fn(&str) -> Option<T>,
) -> Result<(), SpaceError> {
    let wanted = read(value.trim());
    let mut found = false;
    let mut choices = Vec::<String>::new();
    for list in lists {
        match wanted.filter(|wanted| list.contains(wanted)) {
            Some(wanted) => {
                *list = vec![wanted];
                found = true;
            }
            None => choices.extend(list.iter().map(ToString::to_string)),
        }
    }
    if found {
        return Ok(());
    }
    let mut seen = std::collections::BTreeSet::new();
    choices.retain(|choice| seen.insert(choice.clone()));
    Err(SpaceError::NoSuchChoice {
        gene: gene.to_owned(),
        value: value.to_owned(),
        choices: choices.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_gene_has_one_value() {
        let mut space = NetworkSpace::default_space();
        for (gene, value) in [
            ("stem", "16"),
            ("stem-stride", "2"),
            ("head", "0"),
            ("kernel", "5"),
            ("expansion", "4"),
            ("stage2.width", "24"),
            ("stage3.depth", "2"),
            ("stage4.kernel", "5"),
        ] {
            space
                .fix(gene, value)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        space.validate().expect("it is still a space");
        assert_eq!((&space.stem[..], &space.head[..]), (&[16][..], &[0][..]));
        // The first stage has no kernel of 5 and no expansion of 4, and keeps what it has.
        assert_eq!(space.stages[0].kernels, [3]);
        assert_eq!(space.stages[0].expansions, [Expansion::NONE]);
        assert!(space.stages[1..].iter().all(|stage| stage.kernels == [5]));
        assert!(
            space.stages[1..]
                .iter()
                .all(|stage| stage.expansions == [Expansion(40)])
        );
        assert_eq!(space.stages[2].widths, [24]);
        assert_eq!(
            (space.stages[3].min_depth, space.stages[3].max_depth),
            (2, 2)
        );
    }

    #[test]
    fn a_stage_with_a_fixed_depth_keeps_those_before_it() {
        let mut space = NetworkSpace::default_space();
        space.fix("stage5.depth", "1").unwrap();
        space.validate().expect("it is still a space");
        assert!(space.stages[..=5].iter().all(|stage| stage.min_depth >= 1));
        assert_eq!(space.stages[6].min_depth, 0);
    }

    #[test]
    fn a_multiplier_fixes_all_widths() {
        let mut space = NetworkSpace::mobilenet_v2();
        space.fix("width", "0.35").unwrap();
        space.validate().expect("it is still a space");
        assert_eq!(space.cardinality(), 1.0);
        let only = space.smallest();
        assert_eq!(only, space.largest());
        let widths: Vec<usize> = only.stages.iter().map(|stage| stage.width).collect();
        assert_eq!((only.stem, only.head), (16, 1280));
        assert_eq!(widths, [8, 8, 16, 24, 32, 56, 112]);
        let whole = NetworkSpace::mobilenet_v2();
        let mut space = whole.clone();
        let error = space.fix("width", "0.3").unwrap_err().to_string();
        assert!(error.contains("0.1, 0.25, 0.35, 0.5, 0.75, 1"), "{error}");
        for gene in ["stem", "head", "stage2.width", "colour"] {
            let error = space.fix(gene, "16").unwrap_err().to_string();
            assert!(error.contains("known are width, stem-stride"), "{error}");
        }
        assert_eq!(space, whole);
        assert!(NetworkSpace::default_space().fix("width", "0.35").is_err());
    }

    #[test]
    fn what_cannot_be_fixed_changes_nothing_and_says_what_can() {
        let whole = NetworkSpace::default_space();
        let mut space = whole.clone();
        for gene in [
            "colour",
            "stage9.width",
            "stage.width",
            "stage2",
            "stage2.colour",
        ] {
            let error = space.fix(gene, "1").unwrap_err();
            assert!(error.to_string().contains("stage2.width"), "{error}");
        }
        for (gene, value, choice) in [
            ("stem", "17", "8, 16, 24"),
            ("stem", "wide", "8, 16, 24"),
            ("kernel", "9", "3, 5, 7"),
            ("stage1.expansion", "5", "2, 3, 4, 6"),
            ("stage3.depth", "0", "1, 2, 3, 4"),
        ] {
            let error = space.fix(gene, value).unwrap_err();
            assert!(error.to_string().contains(choice), "{error}");
        }
        assert_eq!(space, whole);
    }
}
