//! Weights that are being trained: gradient, optimiser, and the way back after a divergence. What the supernet's
//! training and the final training of one candidate have in common.

use std::ops::Range;

use danas_data::Batch;

use crate::checkpoint::Checkpoint;
use crate::engine::subnet::Subnet;
use crate::engine::{self, Workspace};
use crate::error::SupernetError;
use crate::loss;
use crate::optimizer::{self, Optimizer, StepSize};
use crate::options::TrainingOptions;
use crate::supernet::Supernet;

/// Steps between two copies of a good state.
const KEEP_EVERY: u64 = 50;
/// Divergences after which training gives up.
const MOST_DIVERGENCES: u32 = 6;
/// The learning rate's factor after each divergence.
const SLOW_DOWN: f32 = 0.5;

/// Something about the training that people should know.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TrainingEvent {
    /// Loss or gradient was no longer finite. Training goes on from the last good state with a smaller step.
    Diverged {
        /// The step at which it happened.
        step: u64,
        /// The step whose weights were taken back.
        restored: u64,
        /// What the learning rate is multiplied with from now on.
        factor: f32,
    },
    /// The loss has not come below that of guessing for a long time. Training goes on from the last good state
    /// with a smaller step.
    Collapsed {
        /// The step at which it was noticed.
        step: u64,
        /// Average loss of the largest sub-network.
        loss: f32,
        /// What the learning rate is multiplied with from now on.
        factor: f32,
    },
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// Loss of the largest sub-network (or of the only one).
    pub loss: f32,
    /// Pictures that went forward and back, over all sub-networks.
    pub images: usize,
    /// The learning rate used.
    pub learning_rate: f32,
    /// What went wrong, if anything did.
    pub event: Option<TrainingEvent>,
}

/// A state to go back to.
#[derive(Debug, Clone)]
struct Snapshot {
    step: u64,
    values: Vec<f32>,
    velocity: Vec<f32>,
}

/// Weights in training.
#[derive(Debug)]
pub(crate) struct Learner {
    pub(crate) supernet: Supernet,
    pub(crate) options: TrainingOptions,
    pub(crate) workspace: Workspace,
    optimizer: Optimizer,
    gradient: Vec<f32>,
    /// The tensors that the gradient is of.
    marks: Vec<bool>,
    /// Where those lie, with whether weight decay applies to them.
    ranges: Vec<(Range<usize>, bool)>,
    logit_gradient: Vec<f32>,
    /// What an example of each class counts in the loss.
    class_weights: Vec<f32>,
    /// What every example of the batch counts.
    weights: Vec<f32>,
    steps: u64,
    factor: f32,
    divergences: u32,
    good: Snapshot,
}

impl Learner {
    pub(crate) fn new(supernet: Supernet, options: TrainingOptions) -> Self {
        let optimizer = Optimizer::new(&supernet.parameters);
        let good = Snapshot {
            step: 0,
            values: supernet.parameters.values().to_vec(),
            velocity: optimizer.velocity().to_vec(),
        };
        Learner {
            gradient: vec![0.0; supernet.parameters.len()],
            marks: vec![false; supernet.parameters.tensors()],
            workspace: Workspace::new(supernet.isa),
            class_weights: vec![1.0; supernet.classes],
            weights: Vec::new(),
            supernet,
            options,
            ranges: Vec::new(),
            optimizer,
            logit_gradient: Vec::new(),
            steps: 0,
            factor: 1.0,
            divergences: 0,
            good,
        }
    }

    /// From now on an example counts what its class does.
    pub(crate) fn set_class_weights(&mut self, class_weights: Vec<f32>) {
        self.class_weights = class_weights;
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs a sub-network on a batch and adds its gradient against `targets` (`[images, classes]`). Returns the
    /// loss; the logits are in the workspace.
    pub(crate) fn learn(&mut self, subnet: &Subnet, batch: &Batch, targets: &[f32]) -> f32 {
        let images = batch.labels.len();
        let parameters = &self.supernet.parameters;
        self.workspace
            .weights
            .pack(self.workspace.isa, subnet, parameters, true);
        engine::forward(
            subnet,
            parameters,
            &mut self.workspace,
            &batch.pixels,
            images,
        );
        let logits = &self.workspace.logits[..images * subnet.classes];
        loss::example_weights(&batch.labels, &self.class_weights, &mut self.weights);
        let loss = loss::cross_entropy(
            logits,
            targets,
            &self.weights,
            subnet.classes,
            &mut self.logit_gradient,
        );
        if loss.is_finite() {
            for tensor in subnet.tensors() {
                parameters.mark(tensor, &mut self.marks);
            }
            engine::backward(
                subnet,
                parameters,
                &mut self.workspace,
                &batch.pixels,
                &self.logit_gradient,
                &mut self.gradient,
            );
        }
        self.workspace.level_scratch();
        loss
    }

    /// The logits `[images, classes]` that the last [`Learner::learn`] made.
    pub(crate) fn logits(&self, images: usize) -> &[f32] {
        &self.workspace.logits[..images * self.supernet.classes]
    }

    /// The learning rate at a share of the training, with all slowing down.
    pub(crate) fn learning_rate(&self, progress: f64) -> f32 {
        self.options.learning_rate_at(progress) * self.factor
    }

    /// Steps along the gradient gathered since the last call. `loss` is what is watched: if it or the gradient is
    /// not finite, the last good state comes back.
    pub(crate) fn finish_step(
        &mut self,
        loss: f32,
        progress: f64,
    ) -> Result<Option<TrainingEvent>, SupernetError> {
        let learning_rate = self.learning_rate(progress);
        let size = StepSize {
            learning_rate,
            momentum: self.options.momentum,
            weight_decay: self.options.weight_decay,
            clip: self.options.clip,
        };
        self.steps += 1;
        let parameters = &mut self.supernet.parameters;
        parameters.marked_ranges(&self.marks, &mut self.ranges);
        let norm = if loss.is_finite() {
            self.optimizer
                .step(parameters, &mut self.gradient, &self.ranges, size)
        } else {
            optimizer::clear(&mut self.gradient, &self.ranges);
            f32::NAN
        };
        self.marks.fill(false);
        if norm.is_finite() {
            if self.steps.is_multiple_of(KEEP_EVERY) {
                self.keep();
            }
            return Ok(None);
        }
        let restored = self.go_back(learning_rate)?;
        Ok(Some(TrainingEvent::Diverged {
            step: self.steps,
            restored,
            factor: self.factor,
        }))
    }

    /// Copies the present state as one to go back to.
    fn keep(&mut self) {
        self.good.step = self.steps;
        self.good
            .values
            .copy_from_slice(self.supernet.parameters.values());
        self.good
            .velocity
            .copy_from_slice(self.optimizer.velocity());
    }

    /// Takes the last good state back, without its momentum, and makes the step smaller. Returns its step.
    pub(crate) fn go_back(&mut self, learning_rate: f32) -> Result<u64, SupernetError> {
        self.divergences += 1;
        if self.divergences > MOST_DIVERGENCES {
            return Err(SupernetError::Diverged {
                times: self.divergences,
                step: self.steps,
                learning_rate,
            });
        }
        self.factor *= SLOW_DOWN;
        self.supernet
            .parameters
            .values_mut()
            .copy_from_slice(&self.good.values);
        self.optimizer.forget();
        Ok(self.good.step)
    }

    /// What the learning rate is multiplied with after divergences.
    pub(crate) fn factor(&self) -> f32 {
        self.factor
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let parameters = &self.supernet.parameters;
        let mut checkpoint = Checkpoint::default();
        checkpoint.tensors.extend(self.supernet.tensors());
        checkpoint
            .tensors
            .extend(parameters.export("velocity/", self.optimizer.velocity()));
        checkpoint
            .tensors
            .extend(parameters.export("good/value/", &self.good.values));
        checkpoint
            .tensors
            .extend(parameters.export("good/velocity/", &self.good.velocity));
        checkpoint.set_number("steps", self.steps);
        checkpoint.set_number("good_step", self.good.step);
        checkpoint.set_number("factor", self.factor);
        checkpoint.set_number("divergences", self.divergences);
        checkpoint
    }

    /// Goes on exactly from a checkpoint; on an error nothing is changed.
    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        let parameters = &self.supernet.parameters;
        let tensors = &checkpoint.tensors;
        let values = parameters.import("value/", tensors)?;
        let velocity = parameters.import("velocity/", tensors)?;
        let good = Snapshot {
            step: checkpoint.number("good_step")?,
            values: parameters.import("good/value/", tensors)?,
            velocity: parameters.import("good/velocity/", tensors)?,
        };
        let steps = checkpoint.number("steps")?;
        let factor = checkpoint.number("factor")?;
        self.divergences = checkpoint.number("divergences")?;
        self.supernet.parameters.replace(values);
        self.optimizer.replace(velocity);
        (self.good, self.steps, self.factor) = (good, steps, factor);
        Ok(())
    }
}
