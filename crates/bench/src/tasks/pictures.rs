//! What loading and augmentation cost: steps on training pictures that are made for each of them, against steps on
//! pictures that were made once.

use danas_data::{Dataset, EpochOrder, Split};
use danas_kernels::Isa;
use danas_supernet::workload::{TRAINING_OPERATIONS, Workload};
use danas_supernet::{SingleTrainer, SupernetError};

use super::workloads::Training;
use super::{Subject, Task, split};

pub(super) const KINDS: [&str; 2] = ["train-pictures", "train-fixed"];

/// Batches of a data set for a workload, each of other examples.
struct Batches<'a> {
    dataset: &'a Dataset,
    workload: Workload,
    order: EpochOrder<'a>,
    example: Vec<usize>,
    made: usize,
}

impl<'a> Batches<'a> {
    fn new(dataset: &'a Dataset, workload: Workload) -> Self {
        Batches {
            dataset,
            workload,
            order: dataset.epoch(Split::Train, 0),
            example: Vec::new(),
            made: 0,
        }
    }

    fn next(&mut self) -> danas_data::Batch {
        let images = self.workload.images();
        let examples = self.dataset.len(Split::Train);
        let first = self.made * images;
        let mut indices = Vec::with_capacity(images);
        for at in first..first + images {
            let at = at % examples;
            self.order.examples(at..at + 1, &mut self.example);
            indices.append(&mut self.example);
        }
        self.made += 1;
        let epoch = (first / examples) as u64;
        let config = self.workload.candidate().data;
        self.dataset
            .training_batch(Split::Train, &indices, epoch, config)
    }
}

/// A whole step: making the batch, and training on it.
struct WholeStep<'a> {
    trainer: SingleTrainer,
    batches: Batches<'a>,
}

impl Task for WholeStep<'_> {
    fn run(&mut self) -> Result<(), SupernetError> {
        let batch = self.batches.next();
        self.trainer.step(&batch, 0.1).map(drop)
    }
}

/// The task of this name.
pub(super) fn subject<'a>(name: &str, dataset: &'a Dataset, isa: Isa) -> Subject<'a> {
    debug_assert!(!dataset.is_empty(Split::Train), "no part is empty");
    let (workload, kind) = split(name);
    let supernet = workload.supernet(dataset.classes().len()).with_isa(isa);
    let trainer = workload.trainer(supernet);
    let images = workload.images() as u64;
    let operations = TRAINING_OPERATIONS * images * workload.macs();
    let mut batches = Batches::new(dataset, workload);
    let task: Box<dyn Task + 'a> = match kind {
        "train-pictures" => Box::new(WholeStep { trainer, batches }),
        _ => Box::new(Training {
            trainer,
            batch: batches.next(),
        }),
    };
    Subject {
        name: name.to_owned(),
        images,
        operations,
        task,
    }
}
