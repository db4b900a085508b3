//! The built-in network spaces.

use super::{NetworkSpace, StageSpace};
use crate::Expansion;

/// Names of the built-in spaces, for help and for errors.
const NAMES: [&str; 2] = ["mobile", "njor2025"];

impl NetworkSpace {
    /// The names that [`NetworkSpace::named`] knows.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The built-in space of that name.
    pub fn named(name: &str) -> Option<NetworkSpace> {
        match name {
            "mobile" => Some(NetworkSpace::default_space()),
            "njor2025" => Some(NetworkSpace::njor2025()),
            _ => None,
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
