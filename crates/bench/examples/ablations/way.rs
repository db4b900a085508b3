//! The ways to train a supernet, and to train on from it, that are compared.

use danas_data::Augmentation;
use danas_supernet::{ScoringOptions, TrainingOptions};

/// The networks of a step.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Drawing {
    /// The largest, the smallest and random ones between.
    Sandwich,
    /// The same, but the largest is always one that sees colours.
    ColourTeacher,
    /// The same, but the largest is always one of the finest resolution.
    FinestTeacher,
    /// The largest and random ones in place of the smallest.
    NoSmallest,
    /// As many, all random.
    Random,
}

/// How the learning rate moves, after it has risen.
#[derive(Clone, Copy)]
pub(crate) enum Schedule {
    Cosine,
    Linear,
    Constant,
}

impl Schedule {
    /// The progress at which the cosine has the learning rate that is wanted at this one.
    pub(crate) fn progress(self, progress: f64, options: &TrainingOptions) -> f64 {
        let warmup = f64::from(options.warmup);
        if progress < warmup {
            return progress;
        }
        match self {
            Schedule::Cosine => progress,
            Schedule::Constant => warmup,
            Schedule::Linear => {
                let rest = (progress - warmup) / (1.0 - warmup);
                let angle = (1.0 - 2.0 * rest).clamp(-1.0, 1.0).acos();
                warmup + (1.0 - warmup) * angle / std::f64::consts::PI
            }
        }
    }
}

/// One way. All of them differ from the whole method in one thing.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) training: TrainingOptions,
    pub(crate) drawing: Drawing,
    pub(crate) schedule: Schedule,
    /// Whether the weights are the mean of those of the last quarter of the training.
    pub(crate) averaged: bool,
    /// Whether networks are drawn that do not fit the board.
    pub(crate) unlimited: bool,
    /// Whether every data configuration has a supernet of its own.
    pub(crate) separate: bool,
    pub(crate) scoring: ScoringOptions,
    pub(crate) augmentation: Augmentation,
    /// The supernet's part of the time that it has in the method as it is; the final trainings share the rest.
    pub(crate) supernet_share: f64,
    /// Whether candidates are trained on from fresh weights instead of the supernet's.
    pub(crate) afresh: bool,
    pub(crate) final_training: TrainingOptions,
}

impl Way {
    /// The method as it is.
    fn whole() -> Self {
        Way {
            name: "whole",
            meaning: "the method as it is",
            training: TrainingOptions::supernet(),
            drawing: Drawing::Sandwich,
            schedule: Schedule::Cosine,
            averaged: false,
            unlimited: false,
            separate: false,
            scoring: ScoringOptions::default(),
            augmentation: Augmentation::default(),
            supernet_share: 1.0,
            afresh: false,
            final_training: TrainingOptions::final_training(),
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.name == "whole"
    }
}

/// All ways; the whole method is the first.
pub(crate) fn all() -> Vec<Way> {
    let whole = Way::whole();
    let mut ways = vec![whole.clone()];
    let mut add = |name, meaning, change: &dyn Fn(&mut Way)| {
        let mut way = Way {
            name,
            meaning,
            ..whole.clone()
        };
        change(&mut way);
        ways.push(way);
    };
    add(
        "no-sandwich",
        "four random networks a step; the first one teaches",
        &|way| {
            way.drawing = Drawing::Random;
        },
    );
    add(
        "no-smallest",
        "a third random network in place of the smallest",
        &|way| way.drawing = Drawing::NoSmallest,
    );
    add(
        "colour-teacher",
        "the largest network of a step sees colours",
        &|way| way.drawing = Drawing::ColourTeacher,
    );
    add(
        "finest-teacher",
        "the largest network of a step has the finest resolution",
        &|way| way.drawing = Drawing::FinestTeacher,
    );
    add(
        "colours-alike",
        "no gain for colours in the stem, in final training either",
        &|way| {
            way.training.colour_gain = 1.0;
            way.final_training.colour_gain = 1.0;
        },
    );
    add(
        "no-random",
        "the largest and the smallest network a step",
        &|way| {
            way.training.random_subnets = 0;
        },
    );
    add(
        "four-random",
        "four random networks beside the largest and the smallest",
        &|way| {
            way.training.random_subnets = 4;
        },
    );
    add("labels-only", "no distillation", &|way| {
        way.training.distillation = 0.0
    });
    add("teacher-only", "distillation without labels", &|way| {
        way.training.distillation = 1.0
    });
    add(
        "separate",
        "a supernet for each data configuration, an equal part of the time each",
        &|way| {
            way.separate = true;
        },
    );
    add(
        "unlimited",
        "networks that do not fit are drawn too",
        &|way| way.unlimited = true,
    );
    add("recalibrate-64", "statistics of 64 pictures", &|way| {
        way.scoring.calibration_examples = 64
    });
    add("recalibrate-2048", "statistics of 2,048 pictures", &|way| {
        way.scoring.calibration_examples = 2048;
    });
    add("linear", "the learning rate falls linearly", &|way| {
        way.schedule = Schedule::Linear
    });
    add("constant", "the learning rate stays", &|way| {
        way.schedule = Schedule::Constant
    });
    add(
        "averaged",
        "the mean of the weights of the last quarter",
        &|way| way.averaged = true,
    );
    add("batch-32", "32 pictures a step", &|way| {
        way.training.batch = 32
    });
    add(
        "as-they-are",
        "pictures as they are: no crops, no flips, no light",
        &|way| {
            way.augmentation = Augmentation::NONE;
        },
    );
    add("no-light", "crops and flips alone", &|way| {
        way.augmentation.jitter = 0.0
    });
    add(
        "supernet-half",
        "half of the supernet's time goes to final training",
        &|way| way.supernet_share = 0.5,
    );
    add(
        "supernet-quarter",
        "three quarters of the supernet's time go to final training",
        &|way| way.supernet_share = 0.25,
    );
    add("afresh", "final training from fresh weights", &|way| {
        way.afresh = true
    });
    add(
        "final-16",
        "final training with 16 pictures a step",
        &|way| way.final_training.batch = 16,
    );
    add(
        "final-64",
        "final training with 64 pictures a step",
        &|way| way.final_training.batch = 64,
    );
    ways
}
