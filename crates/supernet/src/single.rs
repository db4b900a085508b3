//! Training of one candidate on batches that somebody else makes.

use danas_data::Batch;
use danas_space::Candidate;

use crate::checkpoint::Checkpoint;
use crate::engine::subnet::Subnet;
use crate::error::SupernetError;
use crate::learner::{Learner, StepReport};
use crate::loss;
use crate::options::TrainingOptions;
use crate::supernet::Supernet;

/// One candidate in training, alone. The final training is this; a benchmark is this on a fixed batch.
pub struct SingleTrainer {
    learner: Learner,
    subnet: Subnet,
    /// What is learnt from, `[examples, classes]`.
    targets: Vec<f32>,
}

impl SingleTrainer {
    /// Starts from the supernet's weights.
    ///
    /// # Panics
    /// If the candidate does not belong to the supernet's search space.
    pub fn new(supernet: Supernet, candidate: &Candidate, options: TrainingOptions) -> Self {
        SingleTrainer {
            subnet: Subnet::new(&supernet, candidate),
            learner: Learner::new(supernet, options),
            targets: Vec::new(),
        }
    }

    /// The same training, in which an example counts in the loss what its class does. There has to be one weight for each
    /// class.
    pub(crate) fn with_class_weights(mut self, class_weights: Vec<f32>) -> Self {
        self.learner.set_class_weights(class_weights);
        self
    }

    /// One step on a batch in the candidate's data configuration. After the first step none allocates memory, as long
    /// as batches become no larger and the steps run in one pool of threads.
    ///
    /// # Errors
    /// If training diverges although it was slowed down several times.
    pub fn step(&mut self, batch: &Batch, progress: f64) -> Result<StepReport, SupernetError> {
        let options = self.learner.options;
        let targets = &mut self.targets;
        loss::smoothed_labels(
            &batch.labels,
            self.subnet.classes,
            options.label_smoothing,
            targets,
        );
        let loss = self.learner.learn(&self.subnet, batch, targets);
        let learning_rate = self.learner.learning_rate(progress);
        let event = self.learner.finish_step(loss, progress)?;
        let step = self.learner.steps();
        Ok(StepReport {
            step,
            loss,
            images: batch.labels.len(),
            learning_rate,
            event,
        })
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.learner.steps()
    }

    /// How training is done.
    pub fn options(&self) -> TrainingOptions {
        self.learner.options
    }

    /// The weights as they are now.
    pub fn supernet(&self) -> &Supernet {
        &self.learner.supernet
    }

    /// Ends the training.
    pub fn into_supernet(self) -> Supernet {
        self.learner.supernet
    }

    /// All that is needed to go on exactly from here.
    pub fn checkpoint(&self) -> Checkpoint {
        self.learner.checkpoint()
    }

    /// Goes on from a checkpoint of the same candidate.
    ///
    /// # Errors
    /// If the checkpoint is of another supernet; nothing is changed then.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        self.learner.restore(checkpoint)
    }
}
