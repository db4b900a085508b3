//! The training loop of quantisation-aware fine-tuning.

use std::ops::Range;

use danas_data::{Batch, Dataset, Split, Streams};
use rand::RngExt;
use rayon::prelude::*;

use super::grid::Grid;
use super::network::Network;
use super::pass::Piece;
use crate::engine::{CHUNKS, chunk_images};
use crate::error::SupernetError;
use crate::extraction::{LayerParameters, Trained};
use crate::learner::StepReport;
use crate::loss;
use crate::optimizer::{Optimizer, StepSize};
use crate::options::TrainingOptions;
use crate::trainer::{Schedule, pictures_per_class};

/// Trains a finished network on while it computes as int8 does. It learns from the labels and from what the network
/// itself answers in float.
pub struct FineTuner<'a> {
    trained: &'a Trained,
    dataset: &'a Dataset,
    network: Network,
    options: TrainingOptions,
    /// What a picture of each class counts in the loss.
    class_weights: Vec<f32>,
    optimizer: Optimizer,
    /// Where the parameters lie, with whether weight decay applies to them.
    ranges: Vec<(Range<usize>, bool)>,
    pieces: Vec<Piece>,
    schedule: Schedule<'a>,
    first_epoch: u64,
    steps: u64,
}

impl<'a> FineTuner<'a> {
    /// Starts from a trained network; `grids` are those of its input and of the outputs of its layers.
    ///
    /// # Panics
    /// If there is not one grid per tensor of the network.
    pub fn new(
        trained: &'a Trained,
        grids: &[Grid],
        dataset: &'a Dataset,
        options: TrainingOptions,
        streams: &Streams,
    ) -> Self {
        let network = Network::new(trained, grids);
        let mut ranges = Vec::new();
        let all = vec![true; network.parameters.tensors()];
        network.parameters.marked_ranges(&all, &mut ranges);
        // Far from the epochs that other training has seen, so that crops are new.
        let first_epoch = u64::from(streams.stream("fine-tuning", 0).random::<u32>()) | 1 << 41;
        FineTuner {
            trained,
            dataset,
            options,
            class_weights: options
                .class_weights
                .of(&pictures_per_class(dataset, Split::Train)),
            optimizer: Optimizer::new(&network.parameters),
            ranges,
            pieces: (0..CHUNKS).map(|_| Piece::default()).collect(),
            schedule: Schedule::new(dataset, options.batch),
            network,
            first_epoch,
            steps: 0,
        }
    }

    /// The options that suit a network whose training is over: small steps, because no BatchNorm forgives large ones,
    /// and no weight decay, because what is decayed here are the network's functions.
    pub fn options() -> TrainingOptions {
        TrainingOptions {
            batch: 32,
            random_subnets: 0,
            learning_rate: 0.001,
            warmup: 0.1,
            weight_decay: 0.0,
            clip: 1.0,
            distillation: 0.5,
            ..TrainingOptions::final_training()
        }
    }

    /// One step; `progress` is the share of the fine-tuning that is over, 0 to 1.
    ///
    /// # Errors
    /// If the loss or the gradient is no longer finite. The weights are then those before the step.
    pub fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError> {
        let (epoch, indices) = self.schedule.step(self.steps);
        let config = self.trained.config();
        let epoch = self.first_epoch + epoch;
        let batch = self
            .dataset
            .training_batch(Split::Train, indices, epoch, config);
        let loss = self.learn(&batch);
        let learning_rate = self.options.learning_rate_at(progress);
        let size = StepSize {
            learning_rate,
            momentum: self.options.momentum,
            weight_decay: self.options.weight_decay,
            clip: self.options.clip,
        };
        let gradient = &mut self.pieces[0].gradient;
        let parameters = &mut self.network.parameters;
        let norm = self
            .optimizer
            .step(parameters, gradient, &self.ranges, size);
        self.steps += 1;
        if !(loss.is_finite() && norm.is_finite()) {
            return Err(SupernetError::Diverged {
                times: 1,
                step: self.steps,
                learning_rate,
            });
        }
        self.network.round();
        Ok(StepReport {
            step: self.steps,
            loss,
            images: batch.labels.len(),
            learning_rate,
            event: None,
        })
    }

    /// Leaves the gradient of a batch in that of the first piece, and returns the loss.
    fn learn(&mut self, batch: &Batch) -> f32 {
        let classes = self.network.graph.classes();
        let mut targets = Vec::new();
        let smoothing = self.options.label_smoothing;
        loss::smoothed_labels(&batch.labels, classes, smoothing, &mut targets);
        if self.options.distillation > 0.0 {
            let mut teacher = Vec::new();
            loss::softmax(&self.trained.logits(&batch.pixels), classes, &mut teacher);
            loss::mix_teacher(&mut targets, &teacher, self.options.distillation);
        }
        self.learn_targets(batch, &targets)
    }

    /// As [`FineTuner::learn`], from targets `[images, classes]`.
    pub(super) fn learn_targets(&mut self, batch: &Batch, targets: &[f32]) -> f32 {
        let network = &self.network;
        let (bytes, classes) = (network.graph.input.elements(), network.graph.classes());
        let images = batch.labels.len();
        let per_piece = chunk_images(images);
        let mut weights = Vec::new();
        loss::example_weights(&batch.labels, &self.class_weights, &mut weights);
        let answers = targets
            .par_chunks(per_piece * classes)
            .zip(weights.par_chunks(per_piece));
        let work = (batch.pixels).par_chunks(per_piece * bytes).zip(answers);
        let used = images.div_ceil(per_piece);
        (self.pieces[..used].par_iter_mut()).zip(work).for_each(
            |(piece, (pixels, (targets, weights)))| {
                let share = weights.len() as f32 / images as f32;
                piece.learn(network, pixels, targets, weights, share);
                piece.loss *= share;
            },
        );
        let (first, others) = self.pieces[..used].split_at_mut(1);
        for other in others {
            danas_kernels::add_assign(network.isa, &mut first[0].gradient, &other.gradient);
        }
        self.pieces[..used].iter().map(|piece| piece.loss).sum()
    }

    /// The gradient of the last batch, as the parameters lie.
    #[cfg(test)]
    pub(super) fn gradient(&self) -> Vec<crate::checkpoint::NamedTensor> {
        self.network.parameters.export("", &self.pieces[0].gradient)
    }

    /// The parameters by name.
    #[cfg(test)]
    pub(super) fn tensors(&self) -> Vec<crate::checkpoint::NamedTensor> {
        self.network
            .parameters
            .export("", self.network.parameters.values())
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The logits `[examples, classes]` of pictures `[examples, height, width, channels]`, as int8 computes them but for
    /// ties in rounding.
    pub fn logits(&self, pixels: &[u8]) -> Vec<f32> {
        let bytes = self.network.graph.input.elements();
        let pieces: Vec<Vec<f32>> = pixels
            .par_chunks(bytes)
            .map_init(Piece::default, |piece, pixels| {
                piece.forward(&self.network, pixels);
                piece.logits.clone()
            })
            .collect();
        pieces.concat()
    }

    /// The weights and biases before rounding, one entry per layer.
    pub fn parameters(&self) -> Vec<LayerParameters> {
        self.network.layer_parameters()
    }
}
