//! Decoded pictures, and the batches made of them.

use crate::batch::Batch;
use crate::catalogue::{ClassCount, SkippedFile};
use crate::config::{Colour, DataConfig};
use crate::picture::{Picture, Renderer};
use crate::split::{Split, SplitRule};
use crate::streams::Streams;
use crate::survey::Survey;
use crate::view::Augmentation;
use rand::RngExt;
use rayon::prelude::*;

/// All examples of a source, decoded once and kept as bytes at their finest granularity.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub(crate) classes: Vec<String>,
    pub(crate) parts: [Examples; 3],
    pub(crate) rule: SplitRule,
    pub(crate) skipped: Vec<SkippedFile>,
    pub(crate) finest: usize,
    pub(crate) survey: Survey,
    pub(crate) augmentation: Augmentation,
    pub(crate) streams: Streams,
}

/// The examples of one part, in the order of classes and names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    pub(crate) names: Vec<String>,
    pub(crate) labels: Vec<usize>,
    pub(crate) pictures: Vec<Picture>,
}

impl Dataset {
    /// The classes, sorted by name; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of examples of a part. No part is empty.
    pub fn len(&self, split: Split) -> usize {
        self.part(split).labels.len()
    }

    /// Whether a part has no examples; never true for a data set made by [`load`](crate::load).
    pub fn is_empty(&self, split: Split) -> bool {
        self.len(split) == 0
    }

    /// The class of each example of a part.
    pub fn labels(&self, split: Split) -> &[usize] {
        &self.part(split).labels
    }

    /// The name of each example of a part: its path relative to the source, with `/`.
    pub fn names(&self, split: Split) -> &[String] {
        &self.part(split).names
    }

    /// The examples of each class in each part.
    pub fn counts(&self) -> Vec<ClassCount> {
        ClassCount::table(
            &self.classes,
            self.parts.each_ref().map(|part| part.labels.iter()),
        )
    }

    /// How the parts were made.
    pub fn rule(&self) -> &SplitRule {
        &self.rule
    }

    /// Files that are not used: what is no picture, and what could not be decoded.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.skipped
    }

    /// Pictures are kept with a shorter side of at most this many pixels.
    pub fn finest(&self) -> usize {
        self.finest
    }

    /// Whether any picture has colour: [`Colour::Mono`] where all are grey.
    pub fn source_colour(&self) -> Colour {
        self.survey.colour()
    }

    /// Sizes and colour of the pictures as they were on disk.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// How training pictures are varied.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// Bytes of the pixels that are kept in memory.
    pub fn bytes(&self) -> usize {
        let pictures = self.parts.iter().flat_map(|part| &part.pictures);
        pictures.map(|picture| picture.bytes.len()).sum()
    }

    /// Evaluation pixels of the examples `indices` of a part: shorter side area averaged to the resolution, centre crop.
    /// The pixels are `[indices, resolution, resolution, channels]`. Runs in parallel; the result does not depend on it.
    ///
    /// # Panics
    /// An index is not below [`Dataset::len`], or the resolution is 0 or above
    /// [`MAX_RESOLUTION`](crate::MAX_RESOLUTION).
    pub fn evaluation_batch(&self, split: Split, indices: &[usize], config: DataConfig) -> Batch {
        let part = self.part(split);
        make_batch(part, indices, config, |renderer, index, out| {
            renderer.evaluation(&part.pictures[index], config, out);
        })
    }

    /// Evaluation pixels of a whole part, to be kept by who scores many candidates on it.
    pub fn render(&self, split: Split, config: DataConfig) -> Batch {
        let all: Vec<usize> = (0..self.len(split)).collect();
        self.evaluation_batch(split, &all, config)
    }

    /// Training pixels of the training examples `indices`: random crop, resize, random flip. The view of an example in an
    /// epoch is the same for every data configuration, and does not depend on what else is in the batch.
    /// The pixels are `[indices, resolution, resolution, channels]`. Runs in parallel; the result does not depend on it.
    ///
    /// # Panics
    /// As [`Dataset::evaluation_batch`].
    pub fn training_batch(&self, indices: &[usize], epoch: u64, config: DataConfig) -> Batch {
        let part = self.part(Split::Train);
        let name = format!("view/{epoch}");
        make_batch(part, indices, config, |renderer, index, out| {
            let picture = &part.pictures[index];
            let mut rng = self.streams.stream(&name, index as u64);
            let view = self
                .augmentation
                .draw(picture.width, picture.height, &mut rng);
            renderer.training(picture, &view, config, out);
        })
    }

    /// `count` examples of a part (or all, if there are fewer), spread evenly over it. Examples lie class by class, so
    /// these are of all classes as the part itself is.
    pub fn spread(&self, split: Split, count: usize) -> Vec<usize> {
        let all = self.len(split);
        let count = count.min(all);
        (0..count).map(|index| index * all / count).collect()
    }

    /// The order of the training examples in an epoch: a permutation that depends on seed and epoch alone.
    pub fn epoch_order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len(Split::Train)).collect();
        let mut rng = self.streams.stream("epoch order", epoch);
        for last in (1..order.len()).rev() {
            order.swap(last, rng.random_range(0..=last as u64) as usize);
        }
        order
    }

    pub(crate) fn part(&self, split: Split) -> &Examples {
        &self.parts[split.index()]
    }
}

fn make_batch(
    part: &Examples,
    indices: &[usize],
    config: DataConfig,
    render: impl Fn(&mut Renderer, usize, &mut [u8]) + Sync,
) -> Batch {
    let shape = config.input_shape();
    assert!(
        (1..=crate::MAX_RESOLUTION).contains(&config.resolution),
        "resolution {} is not within 1..={}",
        config.resolution,
        crate::MAX_RESOLUTION
    );
    let length = shape.height * shape.width * shape.channels;
    let mut pixels = vec![0; indices.len() * length];
    pixels
        .par_chunks_exact_mut(length)
        .zip(indices)
        .for_each_init(Renderer::default, |renderer, (out, &index)| {
            render(renderer, index, out)
        });
    let labels = indices.iter().map(|&index| part.labels[index]).collect();
    Batch {
        shape,
        pixels,
        labels,
    }
}
