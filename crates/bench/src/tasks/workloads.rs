//! Training and inference of the three workloads on fixed pictures.

use danas_data::Batch;
use danas_kernels::Isa;
use danas_supernet::workload::{INFERENCE_OPERATIONS, TRAINING_OPERATIONS, Workload};
use danas_supernet::{SingleTrainer, SupernetError, Trained};

use super::{Subject, Task, split};

pub(super) const KINDS: [&str; 2] = ["train", "inference"];

/// A step of training on a batch.
pub(super) struct Training {
    pub(super) trainer: SingleTrainer,
    pub(super) batch: Batch,
}

impl Task for Training {
    fn run(&mut self) -> Result<(), SupernetError> {
        // At a tenth of the training the learning rate is that of most steps.
        self.trainer.step(&self.batch, 0.1).map(drop)
    }
}

/// Classifying a batch.
struct Classification {
    network: Trained,
    batch: Batch,
}

impl Task for Classification {
    fn run(&mut self) -> Result<(), SupernetError> {
        std::hint::black_box(self.network.logits(&self.batch.pixels));
        Ok(())
    }
}

/// The task of this name.
pub(super) fn subject<'a>(name: &str, isa: Isa) -> Subject<'a> {
    let (workload, kind) = split(name);
    let supernet = workload.supernet(Workload::CLASSES).with_isa(isa);
    let batch = workload.batch();
    let images = workload.images() as u64;
    let (factor, task): (_, Box<dyn Task>) = match kind {
        "train" => {
            let trainer = workload.trainer(supernet);
            (TRAINING_OPERATIONS, Box::new(Training { trainer, batch }))
        }
        _ => {
            let network = workload.network(&supernet);
            (
                INFERENCE_OPERATIONS,
                Box::new(Classification { network, batch }),
            )
        }
    };
    Subject {
        name: name.to_owned(),
        images,
        operations: factor * images * workload.macs(),
        task,
    }
}
