//! The built-in network spaces.

use super::{NetworkSpace, StageSpace};
use crate::Expansion;
use crate::architecture::multiple_of_eight;

/// Names of the built-in spaces, for help and for errors.
const NAMES: [&str; 3] = ["mobile", "mobilenetv2", "njor2025"];
/// The width multipliers of `mobilenetv2`, in percent: those that weights are published for up to 1, and two below, which the
/// published baselines of small boards have.
const MULTIPLIERS: [usize; 6] = [10, 25, 35, 50, 75, 100];

impl NetworkSpace {
    /// The names that [`NetworkSpace::named`] knows.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The built-in space of that name.
    pub fn named(name: &str) -> Option<NetworkSpace> {
        match name {
            "mobile" => Some(NetworkSpace::default_space()),
            "mobilenetv2" => Some(NetworkSpace::mobilenet_v2()),
            "njor2025" => Some(NetworkSpace::njor2025()),
            _ => None,
        }
    }

    /// The space `mobilenetv2`: the standard network (Sandler et al. 2018, arXiv 1801.04381) and nothing else but its width
    /// multiplier, of 0.1 to 1. As in the reference code channels are rounded to multiples of 8, and the head is never
    /// narrower than 1280.
    ///
    /// In one thing it differs from that code: at 0.1 and 0.25, where the stem is as wide as the first block, that block has no
    /// residual connection (see [`Architecture::has_residual`](crate::Architecture::has_residual)).
    pub fn mobilenet_v2() -> NetworkSpace {
        let wide =
            |width: usize| MULTIPLIERS.map(|percent| multiple_of_eight(width * percent, 100));
        let stage = |tenths, width, depth, stride| StageSpace {
            stride,
            widths: wide(width).to_vec(),
            min_depth: depth,
            max_depth: depth,
            expansions: vec![Expansion(tenths)],
            kernels: vec![3],
        };
        NetworkSpace {
            name: "mobilenetv2".to_owned(),
            stem: wide(32).to_vec(),
            stem_strides: vec![2],
            fine_stem_up_to: 0,
            head: wide(1280).map(|width| width.max(1280)).to_vec(),
            head_after_last_stage: false,
            tied_expansion: false,
            mono_width_percent: 100,
            width_percents: MULTIPLIERS.to_vec(),
            stages: vec![
                stage(10, 16, 1, 1),
                stage(60, 24, 2, 2),
                stage(60, 32, 3, 2),
                stage(60, 64, 4, 2),
                stage(60, 96, 3, 1),
                stage(60, 160, 3, 2),
                stage(60, 320, 1, 1),
            ],
        }
    }

    /// The space `mobile`: mobile inverted residuals (MobileNetV2) from networks of a few kB and a few
    /// 100 k MACs up to what 512 KiB of RAM and 2 MiB of flash can hold.
    ///
    /// The first two strides come early, as memory is dear there. Small inputs need not be shrunk to nothing: up
    /// to 48 pixels the stem may keep them as large as they are, and a network may end after the third stage.
    pub fn default_space() -> NetworkSpace {
        let expansions = || [20, 30, 40, 60].map(Expansion).to_vec();
        let elastic = |stride, widths: &[usize], min_depth, max_depth| StageSpace {
            stride,
            widths: widths.to_vec(),
            min_depth,
            max_depth,
            expansions: expansions(),
            kernels: vec![3, 5, 7],
        };
        NetworkSpace {
            name: "mobile".to_owned(),
            stem: vec![8, 16, 24],
            stem_strides: vec![2, 1],
            fine_stem_up_to: 48,
            head: vec![0, 64, 128, 256, 512, 1280],
            head_after_last_stage: false,
            tied_expansion: false,
            mono_width_percent: 100,
            width_percents: Vec::new(),
            stages: vec![
                StageSpace {
                    stride: 1,
                    widths: vec![8, 16],
                    min_depth: 1,
                    max_depth: 1,
                    expansions: vec![Expansion::NONE],
                    kernels: vec![3],
                },
                elastic(2, &[8, 16, 24], 1, 3),
                elastic(2, &[16, 24, 32, 40], 1, 3),
                elastic(2, &[32, 48, 64, 80], 0, 4),
                elastic(1, &[48, 64, 96], 0, 3),
                elastic(2, &[64, 96, 128, 160], 0, 3),
                elastic(1, &[96, 160, 240, 320], 0, 1),
            ],
        }
    }

    /// The space of Njor, Banbury and Fafoutis (arXiv 2502.12690): MobileNetV2 whose first two stages are
    /// kept and whose others lose blocks from their end, a stage being empty only if all later ones
    /// are; the 1x1 head belongs to the last stage. One width factor of 0.1 to 1.0 in steps of 0.1 narrows
    /// the expanded channels of all blocks (six times the input, so expansions 0.6 to 6.0). For monochrome
    /// inputs stem and stages have 0.33 of the width.
    pub fn njor2025() -> NetworkSpace {
        let stage = |stride, width, min_depth, max_depth| StageSpace {
            stride,
            widths: vec![width],
            min_depth,
            max_depth,
            expansions: (1..=10).map(|tenths| Expansion(6 * tenths)).collect(),
            kernels: vec![3],
        };
        let first = StageSpace {
            expansions: vec![Expansion::NONE],
            ..stage(1, 16, 1, 1)
        };
        NetworkSpace {
            name: "njor2025".to_owned(),
            stem: vec![32],
            stem_strides: vec![2],
            fine_stem_up_to: 0,
            head: vec![1280],
            head_after_last_stage: true,
            tied_expansion: true,
            mono_width_percent: 33,
            width_percents: Vec::new(),
            stages: vec![
                first,
                stage(2, 24, 2, 2),
                stage(2, 32, 0, 3),
                stage(2, 64, 0, 4),
                stage(1, 96, 0, 3),
                stage(2, 160, 0, 3),
                stage(1, 320, 0, 1),
            ],
        }
    }
}
