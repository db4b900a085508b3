//! What others measured of networks that are known, and what is predicted of them.

use crate::support::{from_tokens, mobilenet_v1, resnet8};
use danas_device::{Board, Limits, Target};
use danas_space::Graph;

/// A published measurement.
pub(crate) struct Published {
    /// The board, at the clock of the measurement.
    pub(crate) board: Board,
    pub(crate) network: &'static str,
    pub(crate) milliseconds: f64,
    pub(crate) millijoules: Option<f64>,
    pub(crate) source: &'static str,
}

/// All of them, board by board.
pub(crate) fn published() -> Vec<Published> {
    let rows = include_str!("published.tsv").lines();
    rows.filter(|row| !row.starts_with('#'))
        .map(parse)
        .collect()
}

fn parse(row: &'static str) -> Published {
    let cells: Vec<&str> = row.split('\t').collect();
    let [board, mhz, network, milliseconds, millijoules, source] = cells[..] else {
        panic!("not six cells: {row}");
    };
    Published {
        board: Board {
            mhz: mhz.parse().unwrap(),
            ..Board::find(board).unwrap()
        },
        network,
        milliseconds: milliseconds.parse().unwrap(),
        millijoules: millijoules.parse().ok(),
        source,
    }
}

impl Published {
    /// What is predicted, in milliseconds.
    pub(crate) fn predicted_ms(&self) -> f64 {
        let target = Target::new(Some(self.board.clone()), Limits::default());
        target.cost(&network(self.network)).latency_ms
    }

    /// The error of that, relative to what was measured.
    pub(crate) fn error(&self) -> f64 {
        self.predicted_ms() / self.milliseconds - 1.0
    }
}

/// A network by its name: MLPerf Tiny's person detection and image classification, the person-detection example of
/// TFLM (grey pictures), two models of MCUNet.
pub(crate) fn network(name: &str) -> Graph {
    match name {
        "person" => mobilenet_v1(3),
        "example" => mobilenet_v1(1),
        "images" => resnet8(),
        "mcunet-in0" => from_tokens(MCUNET_IN0),
        "mcunet-in3" => from_tokens(MCUNET_IN3),
        _ => panic!("unknown network {name}"),
    }
}

/// `mcunet-10fps_imagenet` of MCUNet's model zoo: 6.4 M multiply-accumulates.
const MCUNET_IN0: &str = "\
    in:48x48x3 conv:3,2,24,r dw:3,1,r conv:1,1,16,l conv:1,1,64,r dw:5,2,r conv:1,1,16,l mark \
    conv:1,1,48,r dw:3,1,r conv:1,1,16,l add mark conv:1,1,64,r dw:3,1,r conv:1,1,16,l add \
    conv:1,1,80,r dw:7,2,r conv:1,1,24,l mark conv:1,1,96,r dw:5,1,r conv:1,1,24,l add mark \
    conv:1,1,120,r dw:5,1,r conv:1,1,24,l add conv:1,1,120,r dw:7,2,r conv:1,1,48,l mark \
    conv:1,1,192,r dw:5,1,r conv:1,1,48,l add conv:1,1,240,r dw:3,1,r conv:1,1,56,l mark \
    conv:1,1,224,r dw:5,1,r conv:1,1,56,l add mark conv:1,1,280,r dw:3,1,r conv:1,1,56,l add \
    conv:1,1,336,r dw:3,2,r conv:1,1,112,l mark conv:1,1,448,r dw:5,1,r conv:1,1,112,l add \
    conv:1,1,672,r dw:3,1,r conv:1,1,192,l pool dense:1000";

/// `mcunet-320kb-1mb_imagenet`: 81.8 M multiply-accumulates.
const MCUNET_IN3: &str = "\
    in:176x176x3 conv:3,2,16,r dw:3,1,r conv:1,1,8,l conv:1,1,24,r dw:7,2,r conv:1,1,16,l mark \
    conv:1,1,80,r dw:3,1,r conv:1,1,16,l add mark conv:1,1,80,r dw:7,1,r conv:1,1,16,l add mark \
    conv:1,1,64,r dw:5,1,r conv:1,1,16,l add conv:1,1,80,r dw:5,2,r conv:1,1,24,l mark \
    conv:1,1,120,r dw:5,1,r conv:1,1,24,l add mark conv:1,1,120,r dw:5,1,r conv:1,1,24,l add \
    conv:1,1,120,r dw:3,2,r conv:1,1,40,l mark conv:1,1,240,r dw:7,1,r conv:1,1,40,l add mark \
    conv:1,1,160,r dw:5,1,r conv:1,1,40,l add conv:1,1,200,r dw:5,1,r conv:1,1,48,l mark \
    conv:1,1,240,r dw:7,1,r conv:1,1,48,l add mark conv:1,1,240,r dw:3,1,r conv:1,1,48,l add \
    conv:1,1,288,r dw:3,2,r conv:1,1,96,l mark conv:1,1,480,r dw:7,1,r conv:1,1,96,l add mark \
    conv:1,1,384,r dw:3,1,r conv:1,1,96,l add conv:1,1,480,r dw:7,1,r conv:1,1,160,l pool dense:1000";
