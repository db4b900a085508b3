//! BatchNorm statistics of a sub-network. Those that the supernet would gather in training are wrong for any one of
//! its parts, so they are recomputed on training pictures before a candidate is scored (arXiv 1903.05134).

use danas_data::{Batch, DataConfig, Dataset, Split};
use danas_space::Candidate;

use crate::engine::subnet::Subnet;
use crate::engine::{self, Inference, Statistics, Workspace};
use crate::supernet::Supernet;

/// Pictures per batch at most: so many that the statistics of one, by which the next layer's input is normalised, are near
/// those of all.
const BATCH: usize = 64;

/// The number of batches for so many pictures.
fn batches(pictures: usize) -> usize {
    pictures.div_ceil(BATCH).max(1)
}

/// Examples that lie class by class dealt out to the batches in turn, so that every batch holds all classes as
/// training's do: each batch is normalised by its own statistics, and those of a batch of one class would take away
/// what tells it from the others.
fn dealt(examples: &[usize]) -> Vec<usize> {
    let batches = batches(examples.len());
    (0..batches)
        .flat_map(|first| examples.iter().skip(first).step_by(batches))
        .copied()
        .collect()
}

/// A candidate with statistics from `count` training pictures, ready to classify. For one candidate; who recalibrates
/// many keeps the [`CalibrationSet`] and the workspace.
pub(crate) fn recalibrated(
    supernet: &Supernet,
    dataset: &Dataset,
    candidate: &Candidate,
    count: usize,
) -> Inference {
    let subnet = Subnet::new(supernet, candidate);
    CalibrationSet::new(dataset, candidate.data, count).recalibrate(
        supernet,
        subnet,
        &mut Workspace::new(supernet.isa),
    )
}

/// Pictures of training examples as they look in evaluation, by which statistics are recomputed.
#[derive(Debug, Clone)]
pub(crate) struct CalibrationSet {
    pixels: Vec<u8>,
    image_bytes: usize,
}

impl CalibrationSet {
    /// `count` pictures in a data configuration.
    pub(crate) fn new(dataset: &Dataset, config: DataConfig, count: usize) -> Self {
        let examples = dealt(&dataset.spread(Split::Train, count));
        Self::of(dataset.evaluation_batch(Split::Train, &examples, config))
    }

    /// These pictures.
    pub(crate) fn of(batch: Batch) -> Self {
        CalibrationSet {
            image_bytes: batch.shape.bytes(),
            pixels: batch.pixels,
        }
    }

    /// A sub-network with statistics from these pictures, ready to classify. Nothing shared is changed.
    pub(crate) fn recalibrate(
        &self,
        supernet: &Supernet,
        subnet: Subnet,
        workspace: &mut Workspace,
    ) -> Inference {
        let mut statistics = Statistics::new(subnet.units.len());
        workspace
            .weights
            .pack(supernet.isa, &subnet, &supernet.parameters, false);
        let pictures = self.pixels.len() / self.image_bytes;
        let batch = pictures.div_ceil(batches(pictures)).max(1);
        for pixels in self.pixels.chunks(batch * self.image_bytes) {
            let images = pixels.len() / self.image_bytes;
            engine::forward(&subnet, &supernet.parameters, workspace, pixels, images);
            statistics.add(&workspace.totals[..subnet.units.len()], images);
        }
        Inference::new(supernet, subnet, &statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_holds_all_classes() {
        // Ten classes, one after the other.
        for pictures in [20, 64, 65, 200, 500, 512] {
            let class = |example: usize| example * 10 / pictures;
            let examples: Vec<usize> = (0..pictures).collect();
            let mut dealt = dealt(&examples);
            let batch = pictures.div_ceil(batches(pictures));
            assert!(batch <= BATCH);
            for batch in dealt.chunks(batch) {
                let mut classes: Vec<usize> = batch.iter().map(|&example| class(example)).collect();
                classes.sort_unstable();
                classes.dedup();
                assert_eq!(classes.len(), 10, "{pictures} pictures");
            }
            dealt.sort_unstable();
            assert_eq!(dealt, examples);
        }
    }
}
