//! Final training: one candidate alone, from the supernet's weights on.
//!
//! It learns from labels only. The supernet's best network was its teacher once, but after a training this short it
//! knows less than its pupil soon will, and its answers cost time (`ARCHITECTURE.md` has figures).

use danas_data::{Dataset, Split, Streams};
use danas_space::Candidate;
use rand::RngExt;

use crate::checkpoint::Checkpoint;
use crate::error::SupernetError;
use crate::extraction::Trained;
use crate::learner::StepReport;
use crate::options::{ScoringOptions, TrainingOptions};
use crate::single::SingleTrainer;
use crate::supernet::Supernet;
use crate::trainer::{Schedule, pictures_per_class};

/// Trains one candidate on, step by step.
pub struct FinalTrainer<'a> {
    trainer: SingleTrainer,
    candidate: Candidate,
    dataset: &'a Dataset,
    schedule: Schedule<'a>,
    first_epoch: u64,
}

impl<'a> FinalTrainer<'a> {
    /// Starts from a copy of the supernet's weights. `streams` decides which crops are seen; give every candidate
    /// the same and they learn from the same pictures.
    pub fn new(
        supernet: &Supernet,
        candidate: &Candidate,
        dataset: &'a Dataset,
        options: TrainingOptions,
        streams: &Streams,
    ) -> Self {
        // Far from the epochs that the supernet has seen, so that crops are new.
        let first_epoch = u64::from(streams.stream("final training", 0).random::<u32>()) | 1 << 40;
        let class_weights = options
            .class_weights
            .of(&pictures_per_class(dataset, Split::Train));
        FinalTrainer {
            trainer: SingleTrainer::new(supernet.clone(), candidate, options)
                .with_class_weights(class_weights),
            candidate: candidate.clone(),
            dataset,
            schedule: Schedule::new(dataset, options.batch),
            first_epoch,
        }
    }

    /// Goes on behind the first `seen` pictures of the epoch that the supernet saw last, where it did not see all of its
    /// first: of a set too large to be seen whole, final training then sees what was not seen yet.
    pub fn behind(mut self, seen: u64) -> Self {
        self.schedule = self.schedule.behind(seen);
        self
    }

    /// One step; `progress` is the share of the training that is over, 0 to 1.
    ///
    /// # Errors
    /// If training diverges although it was slowed down several times.
    pub fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError> {
        let (epoch, indices) = self.schedule.step(self.trainer.steps());
        let epoch = self.first_epoch + epoch;
        let batch = self
            .dataset
            .training_batch(Split::Train, indices, epoch, self.candidate.data);
        self.trainer.step(&batch, progress)
    }

    /// What is trained.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.trainer.supernet().classes()
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    /// All that is needed to go on exactly from here.
    pub fn checkpoint(&self) -> Checkpoint {
        self.trainer.checkpoint()
    }

    /// Goes on from a checkpoint of the same candidate.
    ///
    /// # Errors
    /// If the checkpoint is of another supernet; nothing is changed then.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        self.trainer.restore(checkpoint)
    }

    /// Ends the training; all weights but the candidate's are as they were.
    pub fn into_supernet(self) -> Supernet {
        self.trainer.into_supernet()
    }

    /// Recalibrates once more and takes the network out of the supernet.
    pub fn finish(&self, options: ScoringOptions) -> Trained {
        Trained::extract(
            self.trainer.supernet(),
            &self.candidate,
            self.dataset,
            options,
        )
    }
}
