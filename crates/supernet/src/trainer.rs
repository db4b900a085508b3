//! Training of the supernet: the sandwich rule with in-place distillation (arXiv 1903.05134, 2003.11142).
//!
//! Every step trains the largest network that fits the board, the smallest, and random ones in between, each with
//! a data configuration of its own, all on the same crops of the same examples. The others learn from labels and
//! from the largest one's probabilities. The gradients are added up for one step of the optimiser.
//!
//! Where the examples have a part for pretraining, the first share of the training shows that one, the rest the training
//! part: one training with one learning rate, in which only the source of the pictures changes.

use danas_data::{Batch, DataConfig, Dataset, EpochOrder, Split, Streams};
use danas_space::{Candidate, Sampler};
use rand::RngExt;

use crate::checkpoint::Checkpoint;
use crate::engine::subnet::Subnet;
use crate::error::SupernetError;
use crate::learner::{Learner, StepReport, TrainingEvent};
use crate::loss;
use crate::options::TrainingOptions;
use crate::supernet::Supernet;

/// The average loss is that of the last so many pictures, roughly.
const REMEMBERED: f32 = 3200.0;
/// Pictures after which a supernet that is no better than guessing is called collapsed.
const PATIENCE: u64 = 25_600;
/// Share of the loss of guessing below which a supernet has learnt something.
const GUESSING: f32 = 0.995;

/// The examples of each step: every epoch of a part in its own order, the rest of an epoch that fills no batch left out.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    dataset: &'a Dataset,
    split: Split,
    /// The step of the training with which the first epoch begins.
    begun: u64,
    /// Batches before the first step: where a set is too large to be seen whole, later training goes on behind earlier.
    skipped: u64,
    per_epoch: u64,
    batch: usize,
    order: EpochOrder<'a>,
    indices: Vec<usize>,
}

impl<'a> Schedule<'a> {
    /// Of the training part, from the beginning of the first epoch.
    pub(crate) fn new(dataset: &'a Dataset, batch: usize) -> Self {
        Self::of(dataset, Split::Train, 0, batch)
    }

    /// Of a part, from the beginning of the first epoch, which is that of step `begun` of the training.
    fn of(dataset: &'a Dataset, split: Split, begun: u64, batch: usize) -> Self {
        let examples = dataset.len(split);
        let batch = batch.clamp(1, examples.max(1));
        Schedule {
            dataset,
            split,
            begun,
            skipped: 0,
            per_epoch: (examples / batch).max(1) as u64,
            batch,
            order: dataset.epoch(split, 0),
            indices: Vec::with_capacity(batch),
        }
    }

    /// The same, behind the first `seen` examples of the first epoch; from the beginning where that is all of it.
    pub(crate) fn behind(mut self, seen: u64) -> Self {
        let batches = seen.div_ceil(self.batch as u64);
        self.skipped = if batches < self.per_epoch { batches } else { 0 };
        self
    }

    /// Pictures per step.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The epoch and the examples of a step.
    pub(crate) fn step(&mut self, step: u64) -> (u64, &[usize]) {
        let step = step - self.begun + self.skipped;
        let epoch = step / self.per_epoch;
        if epoch != self.order.epoch() {
            self.order = self.dataset.epoch(self.split, epoch);
        }
        let first = (step % self.per_epoch) as usize * self.batch;
        self.order
            .examples(first..first + self.batch, &mut self.indices);
        (epoch, &self.indices)
    }
}

/// How many pictures of a part each class has.
pub(crate) fn pictures_per_class(dataset: &Dataset, split: Split) -> Vec<usize> {
    let mut pictures = vec![0; dataset.classes().len()];
    for &label in dataset.labels(split) {
        pictures[label] += 1;
    }
    pictures
}

/// Trains the supernet, step by step.
pub struct Trainer<'a> {
    learner: Learner,
    dataset: &'a Dataset,
    sampler: &'a Sampler<'a>,
    streams: Streams,
    schedule: Schedule<'a>,
    /// The largest and the smallest network of each data configuration that fits.
    extremes: Vec<(Candidate, Candidate)>,
    /// Those of the last step.
    networks: Vec<Candidate>,
    average_loss: f32,
    collapse_checked: u64,
}

impl<'a> Trainer<'a> {
    /// Starts (or goes on with) the training of `supernet` on the training split; before that on the one for pretraining,
    /// if there is one, for [`TrainingOptions::pretraining`] of the training.
    pub fn new(
        supernet: Supernet,
        dataset: &'a Dataset,
        sampler: &'a Sampler<'a>,
        options: TrainingOptions,
        streams: &Streams,
    ) -> Self {
        let extremes = (sampler.feasible_configs().iter())
            .filter_map(|&config| {
                Some((
                    sampler.largest_for(config)?.clone(),
                    sampler.smallest_for(config)?.clone(),
                ))
            })
            .collect();
        // Also what guessing costs where classes are weighted: together they count alike.
        let guessing = (supernet.classes as f32).ln();
        let mut trainer = Trainer {
            learner: Learner::new(supernet, options),
            dataset,
            sampler,
            streams: *streams,
            schedule: Schedule::new(dataset, options.batch),
            extremes,
            networks: Vec::new(),
            average_loss: guessing,
            collapse_checked: 0,
        };
        let first = match trainer.has_stages() {
            true => Split::Pretraining,
            false => Split::Train,
        };
        trainer.begin_stage(first, 0);
        trainer
    }

    /// Whether there is a part to train on before the training part.
    fn has_stages(&self) -> bool {
        !self.dataset.is_empty(Split::Pretraining)
    }

    /// From step `begun` on the pictures are those of `split`.
    fn begin_stage(&mut self, split: Split, begun: u64) {
        let options = self.learner.options;
        self.schedule = Schedule::of(self.dataset, split, begun, options.batch);
        let pictures = pictures_per_class(self.dataset, split);
        self.learner
            .set_class_weights(options.class_weights.of(&pictures));
    }

    /// One step of the sandwich. `progress` is the share of the training that is over, 0 to 1; the learning rate
    /// follows it.
    ///
    /// # Errors
    /// If training diverges although it was slowed down several times.
    pub fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError> {
        self.step_with(self.draw(self.learner.steps()), progress)
    }

    /// One step of these networks, instead of those of [`Trainer::draw`]; the others learn from the first.
    ///
    /// # Errors
    /// If training diverges although it was slowed down several times.
    pub fn step_with(
        &mut self,
        networks: Vec<Candidate>,
        progress: f64,
    ) -> Result<StepReport, SupernetError> {
        let step = self.learner.steps();
        let pretrained = progress >= self.learner.options.pretraining;
        if self.schedule.split == Split::Pretraining && pretrained {
            self.begin_stage(Split::Train, step);
        }
        let split = self.schedule.split;
        let (epoch, indices) = self.schedule.step(step);
        let options = self.learner.options;
        let classes = self.learner.supernet.classes;
        let mut rendered: Vec<(DataConfig, Batch)> = Vec::new();
        let (mut labels, mut targets, mut teacher) = (Vec::new(), Vec::new(), Vec::new());
        let mut largest_loss = f32::NAN;
        let mut all_finite = true;
        for (index, candidate) in networks.iter().enumerate() {
            let config = candidate.data;
            let known = rendered.iter().position(|(known, _)| *known == config);
            let place = known.unwrap_or_else(|| {
                let batch = self.dataset.training_batch(split, indices, epoch, config);
                rendered.push((config, batch));
                rendered.len() - 1
            });
            let batch = &rendered[place].1;
            let subnet = Subnet::new(&self.learner.supernet, candidate);
            if index == 0 {
                loss::smoothed_labels(&batch.labels, classes, options.label_smoothing, &mut labels);
                largest_loss = self.learner.learn(&subnet, batch, &labels);
                loss::softmax(
                    self.learner.logits(batch.labels.len()),
                    classes,
                    &mut teacher,
                );
                all_finite = largest_loss.is_finite();
            } else if all_finite {
                targets.clone_from(&labels);
                loss::mix_teacher(&mut targets, &teacher, options.distillation);
                all_finite = self.learner.learn(&subnet, batch, &targets).is_finite();
            }
        }
        let learning_rate = self.learner.learning_rate(progress);
        let watched = if all_finite { largest_loss } else { f32::NAN };
        let mut event = self.learner.finish_step(watched, progress)?;
        if event.is_none() {
            let newest = (self.schedule.batch() as f32 / REMEMBERED).min(1.0);
            self.average_loss += newest * (largest_loss - self.average_loss);
            event = self.notice_collapse(learning_rate)?;
        }
        let images = networks.len() * labels.len() / classes;
        self.networks = networks;
        Ok(StepReport {
            step: self.learner.steps(),
            loss: largest_loss,
            images,
            learning_rate,
            event,
        })
    }

    /// The networks of a step, the largest first.
    pub fn draw(&self, step: u64) -> Vec<Candidate> {
        let mut rng = self.streams.stream("sandwich", step);
        let mut networks = vec![
            self.extremes[rng.random_range(0..self.extremes.len())]
                .0
                .clone(),
            self.extremes[rng.random_range(0..self.extremes.len())]
                .1
                .clone(),
        ];
        for _ in 0..self.learner.options.random_subnets {
            networks.push(self.sampler.sample(&mut rng));
        }
        networks
    }

    /// The networks of the last step, the largest first; none before the first step.
    pub fn networks(&self) -> &[Candidate] {
        &self.networks
    }

    /// A supernet whose loss stays at that of guessing has collapsed: a smaller step from the last good state.
    fn notice_collapse(
        &mut self,
        learning_rate: f32,
    ) -> Result<Option<TrainingEvent>, SupernetError> {
        let step = self.learner.steps();
        if (step - self.collapse_checked) * (self.schedule.batch() as u64) < PATIENCE {
            return Ok(None);
        }
        self.collapse_checked = step;
        let guessing = (self.learner.supernet.classes as f32).ln();
        if self.average_loss < GUESSING * guessing {
            return Ok(None);
        }
        self.learner.go_back(learning_rate)?;
        let factor = self.learner.factor();
        Ok(Some(TrainingEvent::Collapsed {
            step,
            loss: self.average_loss,
            factor,
        }))
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.learner.steps()
    }

    /// Pictures of a part that the steps so far have shown, each as often as it was shown.
    pub fn seen(&self, split: Split) -> u64 {
        let (steps, begun) = (self.steps(), self.schedule.begun);
        let shown = match (self.schedule.split, split) {
            (now, asked) if now == asked => steps - begun,
            (Split::Train, Split::Pretraining) => begun,
            _ => 0,
        };
        let batch = self.learner.options.batch;
        shown * batch.clamp(1, self.dataset.len(split).max(1)) as u64
    }

    /// The largest and the smallest network of every data configuration that fits the board.
    pub fn extremes(&self) -> &[(Candidate, Candidate)] {
        &self.extremes
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
        let mut checkpoint = self.learner.checkpoint();
        checkpoint.set_number("average_loss", self.average_loss);
        checkpoint.set_number("collapse_checked", self.collapse_checked);
        if self.has_stages() {
            checkpoint.set_number("stage", self.schedule.split.index());
            checkpoint.set_number("stage_begun", self.schedule.begun);
        }
        checkpoint
    }

    /// Goes on from a checkpoint of the same search.
    ///
    /// # Errors
    /// If the checkpoint is of another supernet; nothing is changed then.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        let average_loss = checkpoint.number("average_loss")?;
        let collapse_checked = checkpoint.number("collapse_checked")?;
        let stage = match self.has_stages() {
            true => Some((stage_of(checkpoint)?, checkpoint.number("stage_begun")?)),
            false => None,
        };
        self.learner.restore(checkpoint)?;
        if let Some((split, begun)) = stage {
            self.begin_stage(split, begun);
        }
        (self.average_loss, self.collapse_checked) = (average_loss, collapse_checked);
        Ok(())
    }
}

/// The part that a training in stages was at.
fn stage_of(checkpoint: &Checkpoint) -> Result<Split, SupernetError> {
    let index: usize = checkpoint.number("stage")?;
    let stages = [Split::Pretraining, Split::Train];
    stages
        .into_iter()
        .find(|stage| stage.index() == index)
        .ok_or_else(|| SupernetError::CheckpointNumber {
            name: "stage".to_owned(),
            found: Some(index.to_string()),
        })
}
