//! The genes of a network: mobile inverted residuals (MobileNetV2, arXiv 1801.04381).

use serde::{Deserialize, Serialize};

/// `numerator / denominator` channels as a multiple of 8, as in MobileNetV2's reference code: the nearest
/// one, never below 8 and never more than 10 % below the exact value.
pub(crate) fn multiple_of_eight(numerator: usize, denominator: usize) -> usize {
    let nearest = ((numerator + 4 * denominator) / (8 * denominator) * 8).max(8);
    if nearest * denominator * 10 < numerator * 9 {
        nearest + 8
    } else {
        nearest
    }
}

/// The expansion ratio of a block in tenths: `Expansion(60)` widens six times, `Expansion(10)` not at all
/// (the block then has no expanding convolution).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expansion(pub u16);

impl Expansion {
    /// No expansion.
    pub const NONE: Expansion = Expansion(10);

    /// The number of hidden channels for a block with `input` channels: a multiple of 8, as in
    /// MobileNetV2's reference code (never below 8, never more than 10 % below the exact product).
    pub fn hidden(self, input: usize) -> usize {
        if self == Expansion::NONE {
            input
        } else {
            multiple_of_eight(input * usize::from(self.0), 10)
        }
    }
}

impl std::fmt::Display for Expansion {
    /// As a ratio: `4`, `0.6`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", f64::from(self.0) / 10.0)
    }
}

/// One inverted residual: expand (1x1), depthwise (`kernel`), project (1x1); the input is added where
/// stride is 1 and widths agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Block {
    /// Side of the depthwise kernel: 3, 5 or 7.
    pub kernel: usize,
    /// Expansion ratio.
    pub expansion: Expansion,
}

/// Blocks of one width; the first one has the stride.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stage {
    /// Stride of the first block.
    pub stride: usize,
    /// Output channels of every block. Of an empty stage: the narrowest of the space, so that equal
    /// networks are equal values.
    pub width: usize,
    /// The blocks; their number is the depth. An empty stage is skipped, and so are all later ones.
    pub blocks: Vec<Block>,
}

/// A network: stem (3x3), stages, head (1x1), global average pool, classifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Architecture {
    /// Output channels of the stem.
    pub stem: usize,
    /// Stride of the stem: 1 or 2.
    pub stem_stride: usize,
    /// All stages of the space, in order; trailing ones may be empty.
    pub stages: Vec<Stage>,
    /// Output channels of the head's 1x1 convolution; 0 leaves it out.
    pub head: usize,
}

impl Architecture {
    /// Whether block `block` of stage `stage` adds its input to its output: where its stride is 1 and both are
    /// equally wide. The block behind the stem never does: the largest tensor of the network would have to stay
    /// alive over the very block that sets the peak of the memory.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn has_residual(&self, stage: usize, block: usize) -> bool {
        match (stage, block) {
            (0, 0) => false,
            (_, 0) => {
                let (this, before) = (&self.stages[stage], &self.stages[stage - 1]);
                this.stride == 1 && this.width == before.width
            }
            _ => true,
        }
    }

    /// The stages that have blocks: all before the first empty one.
    pub fn active_stages(&self) -> &[Stage] {
        let active = self
            .stages
            .iter()
            .position(|stage| stage.blocks.is_empty())
            .unwrap_or(self.stages.len());
        &self.stages[..active]
    }

    /// The number of blocks.
    pub fn depth(&self) -> usize {
        self.active_stages()
            .iter()
            .map(|stage| stage.blocks.len())
            .sum()
    }

    /// How far the network is from being a part of `whole`, whose genes of the same place are nowhere less: the sum of the
    /// relative excesses, 0 for a part.
    pub fn excess_over(&self, whole: &Architecture) -> f64 {
        let over =
            |own: usize, bound: usize| own.saturating_sub(bound) as f64 / bound.max(1) as f64;
        let mut excess = over(self.stem, whole.stem) + over(self.head, whole.head);
        let bounds = whole.active_stages();
        for (place, stage) in self.active_stages().iter().enumerate() {
            let Some(bound) = bounds.get(place) else {
                excess += stage.blocks.len() as f64;
                continue;
            };
            excess += over(stage.width, bound.width) + over(stage.blocks.len(), bound.blocks.len());
            for (block, bound) in stage.blocks.iter().zip(&bound.blocks) {
                excess += over(block.kernel, bound.kernel);
                excess += over(block.expansion.0.into(), bound.expansion.0.into());
            }
        }
        excess
    }

    /// The network in a few words for tables: `stem 16, 9 blocks (8-16-24-40), head 256`; the numbers in
    /// brackets are the widths of the stages. A stem that keeps the input's resolution is a `fine stem`.
    pub fn summary(&self) -> String {
        let widths: Vec<String> = self
            .active_stages()
            .iter()
            .map(|stage| stage.width.to_string())
            .collect();
        let blocks = match self.depth() {
            0 => "no blocks".to_owned(),
            1 => format!("1 block ({})", widths.join("-")),
            n => format!("{n} blocks ({})", widths.join("-")),
        };
        let head = match self.head {
            0 => "no head".to_owned(),
            width => format!("head {width}"),
        };
        let stem = match self.stem_stride {
            1 => "fine stem",
            _ => "stem",
        };
        format!("{stem} {}, {blocks}, {head}", self.stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_nowhere_more_than_the_whole() {
        let space = crate::NetworkSpace::default_space();
        let (small, large) = (space.smallest(), space.largest());
        assert_eq!(small.excess_over(&large), 0.0);
        assert_eq!(large.excess_over(&large), 0.0);
        assert!(large.excess_over(&small) > 0.0);
        let mut wider = small.clone();
        wider.stages[0].width *= 2;
        assert_eq!(wider.excess_over(&small), 1.0);
        let mut deeper = small.clone();
        let block = deeper.stages[0].blocks[0];
        deeper.stages[0].blocks.push(block);
        assert!(deeper.excess_over(&small) > 0.0);
        let mut stronger = small.clone();
        stronger.stages[0].blocks[0].kernel += 2;
        assert!(stronger.excess_over(&small) > 0.0);
    }

    #[test]
    fn channels_round_as_in_the_reference_code() {
        // 0.33 of MobileNetV2's widths and of its stem.
        let rounded: Vec<usize> = [16, 24, 32, 64, 96, 160, 320]
            .iter()
            .map(|width| multiple_of_eight(width * 33, 100))
            .collect();
        assert_eq!(rounded, [8, 8, 16, 24, 32, 56, 104]);
        assert_eq!(Expansion(60).hidden(24), 144);
        assert_eq!(Expansion(6).hidden(16), 16);
        assert_eq!(Expansion::NONE.hidden(20), 20);
        assert_eq!(Expansion(1).hidden(8), 8);
    }

    #[test]
    fn wider_choices_never_have_fewer_hidden_channels() {
        for input in (8..=64).step_by(8) {
            for tenths in 1..=80 {
                let here = Expansion(tenths).hidden(input);
                assert!(
                    here <= Expansion(tenths + 1).hidden(input),
                    "{tenths} of {input}"
                );
                assert!(
                    here <= Expansion(tenths).hidden(input + 8),
                    "{tenths} of {input}"
                );
            }
        }
    }

    #[test]
    fn summary_counts_only_what_runs() {
        let block = Block {
            kernel: 3,
            expansion: Expansion(30),
        };
        let stage = |width, depth| Stage {
            stride: 2,
            width,
            blocks: vec![block; depth],
        };
        let mut network = Architecture {
            stem: 16,
            stem_stride: 2,
            stages: vec![stage(8, 1), stage(24, 2), stage(16, 0)],
            head: 256,
        };
        assert_eq!(network.summary(), "stem 16, 3 blocks (8-24), head 256");
        network.stages.truncate(1);
        network.head = 0;
        network.stem_stride = 1;
        assert_eq!(network.summary(), "fine stem 16, 1 block (8), no head");
    }
}
