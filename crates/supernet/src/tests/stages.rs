//! Training in two stages.

use danas_data::{Dataset, ScanOptions, Split, Streams, SyntheticSpec, write_folder};
use danas_space::{Sampler, SearchSpace};

use super::{anything, listed, read_with, search_space};
use crate::{ClassWeights, Supernet, Trainer, TrainingOptions};

/// Sixty pictures of two classes to train on, of which some are for validation, and before these 38, of which 8 are of the
/// second class.
fn staged_dataset(map: &str) -> Dataset {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("set");
    let spec = SyntheticSpec {
        size: 32,
        train: 60,
        test: 8,
        classes: 2,
        ..SyntheticSpec::default()
    };
    write_folder(&spec, &root).expect("pictures");
    let large = folder.path().join("large");
    write_folder(&SyntheticSpec { seed: 9, ..spec }, &large).expect("pictures");
    for file in &listed(&listed(&large.join("train"))[1])[8..] {
        std::fs::remove_file(file).expect("one picture less");
    }
    std::fs::rename(large.join("train"), root.join("train_large")).expect("moved");
    let options = ScanOptions {
        split_map: vec![map.parse().expect("a mapping")],
        ..ScanOptions::default()
    };
    read_with(root.to_str().expect("a path in Unicode"), &options)
}

/// A training of eight steps of 12 pictures, five of them before its second stage.
struct InStages {
    dataset: Dataset,
    space: SearchSpace,
    streams: Streams,
    options: TrainingOptions,
}

impl InStages {
    const STEPS: u32 = 8;

    fn new(map: &str) -> Self {
        InStages {
            dataset: staged_dataset(map),
            space: search_space(),
            streams: Streams::new(3),
            options: TrainingOptions {
                batch: 12,
                pretraining: 0.6,
                ..TrainingOptions::supernet()
            },
        }
    }

    fn sampler(&self) -> Sampler<'_> {
        Sampler::new(&self.space, &anything).expect("all fit")
    }

    fn trainer<'a>(&'a self, sampler: &'a Sampler<'a>) -> Trainer<'a> {
        let supernet = Supernet::new(&self.space.envelope(), 2, &self.streams);
        Trainer::new(
            supernet,
            &self.dataset,
            sampler,
            self.options,
            &self.streams,
        )
    }
}

/// Trains on to the end, and gives the pictures of both parts that were seen after each step.
fn to_the_end(trainer: &mut Trainer<'_>) -> Vec<[u64; 2]> {
    let mut seen = Vec::new();
    while trainer.steps() < u64::from(InStages::STEPS) {
        let progress = trainer.steps() as f64 / f64::from(InStages::STEPS);
        trainer.step(progress).expect("a step");
        seen.push([Split::Pretraining, Split::Train].map(|split| trainer.seen(split)));
    }
    seen
}

#[test]
fn a_training_in_stages_goes_on_exactly_from_any_step() {
    let training = InStages::new("train_large=pretraining");
    let sampler = training.sampler();
    let mut whole = training.trainer(&sampler);
    // 0.6 of eight steps are over when the fifth is done.
    let expected = [
        [12, 0],
        [24, 0],
        [36, 0],
        [48, 0],
        [60, 0],
        [60, 12],
        [60, 24],
        [60, 36],
    ];
    assert_eq!(to_the_end(&mut whole), expected);
    for stopped in [1, 4, 5, 6] {
        let mut first = training.trainer(&sampler);
        for step in 0..stopped {
            let progress = f64::from(step) / f64::from(InStages::STEPS);
            first.step(progress).expect("a step");
        }
        let checkpoint = first.checkpoint();
        let mut then = training.trainer(&sampler);
        then.restore(&checkpoint).expect("the same training");
        let rest = &expected[stopped as usize..];
        assert_eq!(to_the_end(&mut then), rest, "stopped after {stopped}");
        assert!(
            then.supernet().tensors() == whole.supernet().tensors(),
            "other weights when stopped after {stopped}"
        );
    }
    let mut wrong = whole.checkpoint();
    wrong.set_number("stage", 1);
    assert!(training.trainer(&sampler).restore(&wrong).is_err());
}

#[test]
fn without_its_share_a_part_for_pretraining_changes_nothing() {
    let weights = |map: &str, pretraining: f64| {
        let mut training = InStages::new(map);
        training.options.pretraining = pretraining;
        let sampler = training.sampler();
        let mut trainer = training.trainer(&sampler);
        to_the_end(&mut trainer);
        trainer.into_supernet().tensors()
    };
    let plain = weights("train_large=unused", 0.6);
    assert!(weights("train_large=pretraining", 0.0) == plain);
    assert!(weights("train_large=pretraining", 0.6) != plain);
}

#[test]
fn classes_are_weighted_as_each_stage_has_them() {
    let weights = |pretraining: f64, class_weights: ClassWeights| {
        let mut training = InStages::new("train_large=pretraining");
        training.options.pretraining = pretraining;
        training.options.class_weights = class_weights;
        let sampler = training.sampler();
        let mut trainer = training.trainer(&sampler);
        to_the_end(&mut trainer);
        trainer.into_supernet().tensors()
    };
    // Of the first stage 30 and 8 pictures, of the second as many of both.
    for (pretraining, is_weighted) in [(1.0, true), (0.0, false)] {
        let weighted = weights(pretraining, ClassWeights::Auto);
        let plain = weights(pretraining, ClassWeights::Never);
        assert_eq!(weighted != plain, is_weighted, "{pretraining}");
    }
}
