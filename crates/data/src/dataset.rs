//! Decoded pictures, and the batches made of them.

use crate::batch::Batch;
use crate::catalogue::{ClassCount, SkippedFile};
use crate::config::{Colour, DataConfig};
use crate::error::DataError;
use crate::order::{EpochOrder, Shuffle};
use crate::picture::{Picture, PictureRef, Renderer};
use crate::prepared::MappedPart;
use crate::readers::Flags;
use crate::split::{Split, SplitRule};
use crate::streams::Streams;
use crate::survey::Survey;
use crate::view::Augmentation;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// All examples of a source, decoded once and kept as bytes at their finest granularity: in memory, or in the files of a
/// prepared folder.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub(crate) classes: Vec<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) parts: [Examples; Split::COUNT],
    pub(crate) rule: SplitRule,
    pub(crate) skipped: Vec<SkippedFile>,
    pub(crate) finest: usize,
    pub(crate) survey: Survey,
    pub(crate) augmentation: Augmentation,
    pub(crate) streams: Streams,
    pub(crate) shuffle: Shuffle,
}

/// The examples of one part, in the order of classes and names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Examples {
    pub(crate) labels: Vec<usize>,
    pub(crate) pixels: Pixels,
}

/// Where names, extra columns and pictures of a part are.
#[derive(Debug, Clone)]
pub(crate) enum Pixels {
    /// In memory.
    Owned {
        names: Vec<String>,
        flags: Vec<Flags>,
        pictures: Vec<Picture>,
    },
    /// In the files of a prepared folder.
    Mapped(MappedPart),
}

impl Default for Pixels {
    fn default() -> Self {
        Pixels::Owned {
            names: Vec::new(),
            flags: Vec::new(),
            pictures: Vec::new(),
        }
    }
}

impl Examples {
    /// A picture; none where a prepared file is damaged.
    fn picture(&self, index: usize) -> Option<PictureRef<'_>> {
        match &self.pixels {
            Pixels::Owned { pictures, .. } => Some(pictures[index].borrowed()),
            Pixels::Mapped(part) => part.picture(index),
        }
    }

    fn name(&self, index: usize) -> Cow<'_, str> {
        match &self.pixels {
            Pixels::Owned { names, .. } => Cow::Borrowed(&names[index]),
            Pixels::Mapped(part) => part.name(index),
        }
    }

    fn flags(&self, index: usize) -> Flags {
        match &self.pixels {
            Pixels::Owned { flags, .. } => flags[index],
            Pixels::Mapped(part) => part.flags(index),
        }
    }

    fn bytes(&self) -> usize {
        match &self.pixels {
            Pixels::Owned { pictures, .. } => pictures.iter().map(|p| p.bytes.len()).sum(),
            Pixels::Mapped(part) => part.bytes(),
        }
    }
}

impl Dataset {
    /// The classes, sorted by name; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of examples of a part. No part but the one for pretraining is empty.
    pub fn len(&self, split: Split) -> usize {
        self.part(split).labels.len()
    }

    /// Whether a part has no examples; of a data set made by [`load`](crate::load) that is only ever the one for pretraining.
    pub fn is_empty(&self, split: Split) -> bool {
        self.len(split) == 0
    }

    /// The class of each example of a part.
    pub fn labels(&self, split: Split) -> &[usize] {
        &self.part(split).labels
    }

    /// The name of each example of a part: its path relative to the source, with `/`.
    pub fn names(&self, split: Split) -> impl Iterator<Item = Cow<'_, str>> {
        let part = self.part(split);
        (0..part.labels.len()).map(|index| part.name(index))
    }

    /// The extra columns that hold nothing but 0, 1 and missing values.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What the extra [columns](Dataset::columns) say of each example of a part.
    pub fn flags(&self, split: Split) -> impl Iterator<Item = Flags> {
        let part = self.part(split);
        (0..part.labels.len()).map(|index| part.flags(index))
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

    /// Bytes of the pixels that are kept, in memory or in files.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Examples::bytes).sum()
    }

    /// Whether every epoch mixes only a part of the examples at a time, because all are more than memory may hold.
    pub fn is_streamed(&self) -> bool {
        self.shuffle != Shuffle::Whole
    }

    /// Whether all pixels that were read so far are those that were prepared. Where they are not, batches hold black
    /// pictures in their place, so ask before you use what was made of them.
    ///
    /// # Errors
    /// A file of a prepared set has changed since it was written. Never for a set in memory.
    pub fn check_intact(&self) -> Result<(), DataError> {
        self.parts.iter().try_for_each(|part| match &part.pixels {
            Pixels::Owned { .. } => Ok(()),
            Pixels::Mapped(part) => part.check_intact(),
        })
    }

    /// Evaluation pixels of the examples `indices` of a part: shorter side area averaged to the resolution, centre crop.
    /// The pixels are `[indices, resolution, resolution, channels]`. Runs in parallel; the result does not depend on it.
    ///
    /// # Panics
    /// An index is not below [`Dataset::len`], or the resolution is 0 or above
    /// [`MAX_RESOLUTION`](crate::MAX_RESOLUTION).
    pub fn evaluation_batch(&self, split: Split, indices: &[usize], config: DataConfig) -> Batch {
        let part = self.part(split);
        make_batch(part, indices, config, |renderer, picture, _, out| {
            renderer.evaluation(picture, config, out);
        })
    }

    /// Evaluation pixels of a whole part. They are as many as the part has examples: who needs bounded memory asks for a
    /// piece at a time with [`Dataset::evaluation_batch`].
    pub fn render(&self, split: Split, config: DataConfig) -> Batch {
        let all: Vec<usize> = (0..self.len(split)).collect();
        self.evaluation_batch(split, &all, config)
    }

    /// Training pixels of the examples `indices` of a part: random crop, resize, random flip. The view of an example in an
    /// epoch is the same for every data configuration, and does not depend on what else is in the batch.
    /// The pixels are `[indices, resolution, resolution, channels]`. Runs in parallel; the result does not depend on it.
    ///
    /// # Panics
    /// As [`Dataset::evaluation_batch`].
    pub fn training_batch(
        &self,
        split: Split,
        indices: &[usize],
        epoch: u64,
        config: DataConfig,
    ) -> Batch {
        let part = self.part(split);
        let name = stream_name(split, &format!("view/{epoch}"));
        make_batch(part, indices, config, |renderer, picture, index, out| {
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

    /// The order of a part's examples in an epoch, which depends on the seed, the part, the epoch, and whether the set
    /// [is streamed](Dataset::is_streamed) alone.
    pub fn epoch(&self, split: Split, epoch: u64) -> EpochOrder<'_> {
        EpochOrder::new(self, split, epoch)
    }

    /// The example of a part at a place of the storage. In memory they lie in their order.
    pub(crate) fn stored(&self, split: Split, place: usize) -> usize {
        match &self.part(split).pixels {
            Pixels::Owned { .. } => place,
            Pixels::Mapped(part) => part.stored(place),
        }
    }

    /// Tells the system that the examples of a part at these places of the storage are about to be read.
    pub(crate) fn expect(&self, split: Split, places: Range<usize>) {
        if let Pixels::Mapped(part) = &self.part(split).pixels {
            part.expect(places);
        }
    }

    pub(crate) fn part(&self, split: Split) -> &Examples {
        &self.parts[split.index()]
    }
}

/// The name of the random stream that decides `what` of a part. That of the training part stands for itself, as it did
/// before there was another part that is trained on.
pub(crate) fn stream_name(split: Split, what: &str) -> String {
    match split {
        Split::Train => what.to_owned(),
        split => format!("{split} {what}"),
    }
}

fn make_batch(
    part: &Examples,
    indices: &[usize],
    config: DataConfig,
    render: impl Fn(&mut Renderer, PictureRef<'_>, usize, &mut [u8]) + Sync,
) -> Batch {
    let shape = config.input_shape();
    assert!(
        (1..=crate::MAX_RESOLUTION).contains(&config.resolution),
        "resolution {} is not within 1..={}",
        config.resolution,
        crate::MAX_RESOLUTION
    );
    let length = shape.bytes();
    let mut pixels = vec![0; indices.len() * length];
    pixels
        .par_chunks_exact_mut(length)
        .zip(indices)
        .for_each_init(Renderer::default, |renderer, (out, &index)| {
            if let Some(picture) = part.picture(index) {
                render(renderer, picture, index, out);
            }
        });
    let labels = indices.iter().map(|&index| part.labels[index]).collect();
    Batch {
        shape,
        pixels,
        labels,
    }
}
