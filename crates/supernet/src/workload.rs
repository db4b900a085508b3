//! The networks by which the engine's speed is measured: MobileNetV2 on fixed pictures.

use danas_data::{Batch, Colour, DataConfig, Streams};
use danas_space::{Candidate, NetworkSpace, lower};

use crate::engine::Workspace;
use crate::engine::subnet::Subnet;
use crate::extraction::Trained;
use crate::options::TrainingOptions;
use crate::recalibration::CalibrationSet;
use crate::single::SingleTrainer;
use crate::supernet::Supernet;

/// Operations of a training step per multiply-accumulate of the network: the way forward and both products of the
/// way back, a multiplication and an addition each.
pub const TRAINING_OPERATIONS: u64 = 6;
/// Operations of an inference per multiply-accumulate of the network.
pub const INFERENCE_OPERATIONS: u64 = 2;

/// A network, its input, and how many pictures it gets at a time.
#[derive(Debug, Clone)]
pub struct Workload {
    name: &'static str,
    space: NetworkSpace,
    candidate: Candidate,
    images: usize,
}

impl Workload {
    /// Classes of a workload's own pictures.
    pub const CLASSES: usize = 2;

    /// All of them: `W1` is MobileNetV2 of width 0.35 on 96 x 96 x 3 with 64 pictures at a time, `W2` of width 1.0 on
    /// 96 x 96 x 3 with 32, `W3` of width 0.35 on 48 x 48 x 1 with 64.
    pub fn all() -> [Workload; 3] {
        let data = |resolution, colour| DataConfig { resolution, colour };
        [
            Workload::new("W1", "0.35", data(96, Colour::Rgb), 64),
            Workload::new("W2", "1", data(96, Colour::Rgb), 32),
            Workload::new("W3", "0.35", data(48, Colour::Mono), 64),
        ]
    }

    fn new(name: &'static str, multiplier: &str, data: DataConfig, images: usize) -> Self {
        let space = mobile_net_v2(multiplier);
        let network = space.largest();
        Workload {
            name,
            space,
            candidate: Candidate { data, network },
            images,
        }
    }

    /// `W1`, `W2` or `W3`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The network and its input.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Pictures at a time.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Multiply-accumulates of one picture.
    pub fn macs(&self) -> u64 {
        lower(&self.candidate, Self::CLASSES).macs()
    }

    /// A supernet that holds just this network.
    pub fn supernet(&self, classes: usize) -> Supernet {
        Supernet::new(&self.space, classes, &Streams::new(1))
    }

    /// The training of this network from its first step on.
    pub fn trainer(&self, supernet: Supernet) -> SingleTrainer {
        SingleTrainer::new(supernet, &self.candidate, TrainingOptions::default())
    }

    /// This network as it is before training, ready to classify, with the statistics of its own pictures.
    pub fn network(&self, supernet: &Supernet) -> Trained {
        let subnet = Subnet::new(supernet, &self.candidate);
        let mut workspace = Workspace::new(supernet.isa);
        let network =
            CalibrationSet::of(self.batch()).recalibrate(supernet, subnet, &mut workspace);
        Trained::new(supernet, &self.candidate, network)
    }

    /// Pictures that are always the same.
    pub fn batch(&self) -> Batch {
        fixed_batch(self.candidate.data, self.images, Self::CLASSES)
    }
}

/// As many pictures as asked for that are always the same, and labels that take turns.
pub fn fixed_batch(config: DataConfig, images: usize, classes: usize) -> Batch {
    let shape = config.input_shape();
    let bytes = images * shape.height * shape.width * shape.channels;
    Batch {
        shape,
        pixels: (0..bytes)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8)
            .collect(),
        labels: (0..images).map(|i| i % classes).collect(),
    }
}

/// The space that holds just MobileNetV2 of this width multiplier.
fn mobile_net_v2(multiplier: &str) -> NetworkSpace {
    let mut space = NetworkSpace::mobilenet_v2();
    space
        .fix("width", multiplier)
        .expect("a multiplier of the space");
    space
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arithmetic of the three, counted layer by layer by others: millions of floating-point operations per
    /// picture in training.
    #[test]
    fn workloads_are_as_large_as_known() {
        for (workload, millions) in Workload::all().iter().zip([63.9, 330.0, 18.1]) {
            let operations = (TRAINING_OPERATIONS * workload.macs()) as f64 / 1e6;
            assert!(
                (operations / millions - 1.0).abs() < 0.02,
                "{}: {operations} million operations",
                workload.name()
            );
        }
    }
}
