//! A step of the sandwich with the default supernet, and the score of a candidate.

use danas_data::{
    DataSpace, Dataset, LoadOptions, ScanOptions, Source, Split, Streams, SyntheticSpec, load, scan,
};
use danas_kernels::Isa;
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace, lower};
use danas_supernet::workload::{INFERENCE_OPERATIONS, TRAINING_OPERATIONS};
use danas_supernet::{
    Checkpoint, Scorer, ScoringOptions, Supernet, SupernetError, Trainer, TrainingOptions,
};

use super::{Subject, Task};
use crate::error::BenchError;

pub(super) const NAMES: [&str; 2] = ["sandwich", "score"];

/// The default space of networks over built-in pictures, with nothing left out.
pub(crate) struct DefaultSpace {
    pub(super) dataset: Dataset,
    pub(super) space: SearchSpace,
    pub(super) streams: Streams,
}

fn anything(_: &Candidate) -> f64 {
    0.0
}

impl DefaultSpace {
    pub(super) fn new() -> Result<Self, BenchError> {
        let pictures = SyntheticSpec {
            train: 2000,
            ..SyntheticSpec::default()
        };
        let catalogue = scan(&Source::Synthetic(pictures), &ScanOptions::default())?;
        let dataset = load(&catalogue, &LoadOptions::default(), &|_| {})?;
        let data = DataSpace::suggested(dataset.survey());
        let space = SearchSpace::new(data, NetworkSpace::default_space())
            .expect("the built-in space is valid");
        Ok(DefaultSpace {
            dataset,
            space,
            streams: Streams::new(0),
        })
    }

    /// Draws from the whole space.
    pub(super) fn sampler(&self) -> Sampler<'_> {
        Sampler::new(&self.space, &anything).expect("without limits everything fits")
    }

    /// A fresh supernet.
    pub(super) fn supernet(&self, isa: Isa) -> Supernet {
        Supernet::new(&self.space.envelope(), self.classes(), &self.streams).with_isa(isa)
    }

    pub(super) fn classes(&self) -> usize {
        self.dataset.classes().len()
    }

    pub(super) fn macs(&self, candidate: &Candidate) -> u64 {
        lower(candidate, self.classes()).macs()
    }
}

/// The first step of a supernet's training, again and again: every step draws other networks.
struct SandwichStep<'a> {
    trainer: Trainer<'a>,
    start: Checkpoint,
}

impl Task for SandwichStep<'_> {
    fn prepare(&mut self) -> Result<(), SupernetError> {
        self.trainer.restore(&self.start)
    }

    fn run(&mut self) -> Result<(), SupernetError> {
        self.trainer.step(0.1).map(drop)
    }
}

/// The score of one candidate, whose pictures are there already.
struct Scoring<'a> {
    scorer: Scorer<'a>,
    candidate: Candidate,
}

impl Task for Scoring<'_> {
    fn run(&mut self) -> Result<(), SupernetError> {
        std::hint::black_box(self.scorer.score(&self.candidate));
        Ok(())
    }
}

/// The task of this name, on the weights of `supernet`.
pub(super) fn subject<'a>(
    name: &str,
    space: &'a DefaultSpace,
    sampler: &'a Sampler<'a>,
    supernet: &'a Supernet,
) -> Subject<'a> {
    match name {
        "sandwich" => sandwich(name, space, sampler, supernet),
        _ => score(name, space, sampler, supernet),
    }
}

fn sandwich<'a>(
    name: &str,
    space: &'a DefaultSpace,
    sampler: &'a Sampler<'a>,
    supernet: &Supernet,
) -> Subject<'a> {
    let options = TrainingOptions::supernet();
    let (supernet, dataset) = (supernet.clone(), &space.dataset);
    let trainer = Trainer::new(supernet, dataset, sampler, options, &space.streams);
    let networks = trainer.draw(0);
    let per_network = options.batch.min(dataset.len(Split::Train)) as u64;
    let macs: u64 = networks.iter().map(|network| space.macs(network)).sum();
    Subject {
        name: name.to_owned(),
        images: per_network * networks.len() as u64,
        operations: TRAINING_OPERATIONS * per_network * macs,
        task: Box::new(SandwichStep {
            start: trainer.checkpoint(),
            trainer,
        }),
    }
}

fn score<'a>(
    name: &str,
    space: &'a DefaultSpace,
    sampler: &'a Sampler<'a>,
    supernet: &'a Supernet,
) -> Subject<'a> {
    let options = ScoringOptions::default();
    let candidate = sampler.sample(&mut space.streams.stream("scored candidate", 0));
    let scorer = Scorer::new(supernet, &space.dataset, options);
    // Pictures by which the statistics are recomputed, and those that are classified.
    let calibration = options
        .calibration_examples
        .min(space.dataset.len(Split::Train));
    let images = (calibration + scorer.validation_examples()) as u64;
    Subject {
        name: name.to_owned(),
        images,
        operations: INFERENCE_OPERATIONS * images * space.macs(&candidate),
        task: Box::new(Scoring { scorer, candidate }),
    }
}
