//! Training and scoring on a small synthetic set.

mod stages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use danas_data::{
    Colour, DataSpace, Dataset, LoadOptions, ScanOptions, Source, Split, Streams, SyntheticSpec,
    load, scan, write_folder,
};
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace};

use crate::engine::tests::{assert_gradients, reference, space};
use crate::trainer::Schedule;
use crate::{
    ClassWeights, FinalTrainer, Scorer, ScoringOptions, Supernet, Trained, Trainer, TrainingEvent,
    TrainingOptions,
};

pub(crate) fn dataset() -> Dataset {
    read("synthetic:objects,size=32")
}

/// What a folder holds, in order.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths
}

/// Classes of which one has many times the pictures of another.
pub(crate) fn imbalanced_dataset() -> Dataset {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = SyntheticSpec {
        size: 32,
        train: 192,
        test: 24,
        classes: 3,
        ..SyntheticSpec::default()
    };
    write_folder(&spec, folder.path()).expect("pictures");
    let classes = listed(&folder.path().join("train"));
    for (class, pictures) in classes.iter().zip([64, 24, 8]) {
        for file in &listed(class)[pictures..] {
            std::fs::remove_file(file).expect("one picture less");
        }
    }
    read(folder.path().to_str().expect("a path in Unicode"))
}

fn read(source: &str) -> Dataset {
    read_with(source, &ScanOptions::default())
}

fn read_with(source: &str, options: &ScanOptions) -> Dataset {
    let source: Source = source.parse().expect("a source");
    let catalogue = scan(&source, options).expect("a catalogue");
    load(
        &catalogue,
        &LoadOptions {
            finest: 32,
            ..LoadOptions::default()
        },
        &|_| {},
    )
    .expect("pictures")
}

pub(crate) fn search_space() -> SearchSpace {
    let data = DataSpace {
        resolutions: vec![16, 24],
        colours: vec![Colour::Mono, Colour::Rgb],
    };
    let network = NetworkSpace { ..space() };
    SearchSpace::new(data, network).expect("a space")
}

fn options() -> TrainingOptions {
    TrainingOptions {
        batch: 24,
        ..TrainingOptions::supernet()
    }
}

pub(crate) fn anything(_: &Candidate) -> f64 {
    0.0
}

#[test]
fn a_supernet_learns_and_its_scores_depend_on_nothing_else() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(5));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let classes = dataset.classes().len();
    let supernet = Supernet::new(&space.envelope(), classes, &streams);
    let mut trainer = Trainer::new(supernet, &dataset, &sampler, options(), &streams);
    let mut losses = Vec::new();
    for step in 0..60 {
        losses.push(trainer.step(f64::from(step) / 60.0).expect("a step").loss);
    }
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(
        mean(&losses[50..]) < mean(&losses[..10]) - 0.1,
        "{losses:?}"
    );

    let supernet = trainer.into_supernet();
    let mut rng = streams.stream("test", 0);
    let candidates: Vec<Candidate> = (0..6).map(|_| sampler.sample(&mut rng)).collect();
    let scoring = ScoringOptions {
        calibration_examples: 96,
        validation_examples: 0,
        ..ScoringOptions::default()
    };
    let before = supernet.tensors();
    let mut scorer = Scorer::new(&supernet, &dataset, scoring);
    let forwards: Vec<_> = candidates.iter().map(|c| scorer.score(c)).collect();
    let mut backwards: Vec<_> = candidates.iter().rev().map(|c| scorer.score(c)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards, "a score depends on who came before");
    assert!(
        supernet.tensors() == before,
        "scoring changed shared weights"
    );
    let examples = forwards[0].tally.examples();
    assert_eq!(examples as usize, dataset.len(Split::Validation));

    // With room for the pictures of the smallest data configuration alone, or for none at all, scores are the same.
    let picture = candidates.iter().map(|c| c.data.input_shape().bytes());
    let one = (dataset.len(Split::Validation) + 96) * picture.min().expect("candidates");
    for (kept_bytes, most) in [(one, 2), (0, 1)] {
        let tight = ScoringOptions {
            kept_bytes,
            ..scoring
        };
        let mut scorer = Scorer::new(&supernet, &dataset, tight);
        for (candidate, expected) in candidates.iter().zip(&forwards) {
            assert_eq!(scorer.score(candidate).tally, expected.tally);
            assert!(scorer.kept() <= most, "{} are kept", scorer.kept());
        }
    }

    // The same network, taken out of the supernet, classifies as it was scored.
    let all: Vec<usize> = (0..dataset.len(Split::Validation)).collect();
    let trained = Trained::extract(&supernet, &candidates[0], &dataset, scoring);
    assert_eq!(
        trained.evaluate(&dataset, Split::Validation, &all).tally,
        forwards[0].tally
    );
}

#[test]
fn training_continues_exactly_from_a_checkpoint() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(6));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let fresh = || {
        let supernet = Supernet::new(&space.envelope(), dataset.classes().len(), &streams);
        Trainer::new(supernet, &dataset, &sampler, options(), &streams)
    };
    let mut whole = fresh();
    let mut first = fresh();
    for step in 0..6 {
        let progress = f64::from(step) / 6.0;
        whole.step(progress).expect("a step");
        if step < 3 {
            first.step(progress).expect("a step");
        }
    }
    let mut second = fresh();
    second
        .restore(&first.checkpoint())
        .expect("the same supernet");
    for step in 3..6 {
        second.step(f64::from(step) / 6.0).expect("a step");
    }
    assert_eq!(second.steps(), 6);
    assert!(
        second.checkpoint() == whole.checkpoint(),
        "the continued training went another way"
    );

    let mut broken = first.checkpoint();
    broken.tensors.remove(0);
    assert!(second.restore(&broken).is_err());
}

#[test]
fn divergence_is_noticed_and_recovered_from() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(8));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let supernet = Supernet::new(&space.envelope(), dataset.classes().len(), &streams);
    let wild = TrainingOptions {
        learning_rate: 1e38,
        clip: 1e38,
        warmup: 0.0,
        ..options()
    };
    let mut trainer = Trainer::new(supernet, &dataset, &sampler, wild, &streams);
    let mut recovered = 0;
    let mut gave_up = false;
    for _ in 0..40 {
        match trainer.step(0.0) {
            Ok(report) => {
                recovered +=
                    usize::from(matches!(report.event, Some(TrainingEvent::Diverged { .. })))
            }
            Err(_) => gave_up = true,
        }
        if gave_up {
            break;
        }
    }
    assert!(recovered > 0, "divergence was not noticed");
    let finite = trainer
        .supernet()
        .tensors()
        .iter()
        .all(|t| t.values.iter().all(|v| v.is_finite()));
    assert!(
        finite || !gave_up,
        "gave up with weights that are not numbers"
    );
}

#[test]
fn final_training_learns() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(9));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let supernet = Supernet::new(&space.envelope(), dataset.classes().len(), &streams);
    let scoring = ScoringOptions {
        calibration_examples: 96,
        validation_examples: 200,
        ..ScoringOptions::default()
    };
    let candidate = sampler
        .smallest_for(space.data().configs()[0])
        .expect("it fits")
        .clone();
    let mut trainer = FinalTrainer::new(&supernet, &candidate, &dataset, options(), &streams);
    let first = trainer.step(0.1).expect("a step").loss;
    let last = (1..30)
        .map(|_| trainer.step(0.1).expect("a step").loss)
        .fold(0.0, |_, loss| loss);
    assert!(last < first, "{first} to {last}");
    let trained = trainer.finish(scoring);
    assert_eq!(trained.graph.layers.len(), trained.parameters.len());
}

#[test]
fn where_no_class_is_rare_weights_change_no_bit() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(12));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let trained = |class_weights| {
        let supernet = Supernet::new(&space.envelope(), dataset.classes().len(), &streams);
        let options = TrainingOptions {
            class_weights,
            ..options()
        };
        let mut trainer = Trainer::new(supernet, &dataset, &sampler, options, &streams);
        for step in 0..3 {
            trainer.step(f64::from(step) / 3.0).expect("a step");
        }
        trainer.checkpoint()
    };
    assert!(trained(ClassWeights::Auto) == trained(ClassWeights::Never));
}

#[test]
fn rare_classes_count_more_in_final_training() {
    let (dataset, space, streams) = (imbalanced_dataset(), search_space(), Streams::new(13));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let supernet = Supernet::new(&space.envelope(), dataset.classes().len(), &streams);
    let candidate = sampler
        .smallest_for(space.data().configs()[0])
        .expect("it fits");
    let first_loss = |class_weights| {
        let options = TrainingOptions {
            class_weights,
            ..options()
        };
        let mut trainer = FinalTrainer::new(&supernet, candidate, &dataset, options, &streams);
        trainer.step(0.5).expect("a step").loss
    };
    let weighted = first_loss(ClassWeights::Auto);
    assert_eq!(weighted, first_loss(ClassWeights::Always));
    assert_ne!(weighted, first_loss(ClassWeights::Never));
}

#[test]
fn colours_have_a_gain_and_lightness_has_none() {
    let (dataset, space, streams) = (dataset(), search_space(), Streams::new(12));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let classes = dataset.classes().len();
    let supernet = Supernet::new(&space.envelope(), classes, &streams);
    // Without weight decay and a limit on the norm the momentum after a step is its gradient.
    let stem_gradient = |colour_gain| {
        let options = TrainingOptions {
            clip: 1e30,
            weight_decay: 0.0,
            colour_gain,
            ..options()
        };
        let mut trainer = Trainer::new(supernet.clone(), &dataset, &sampler, options, &streams);
        trainer.step(0.5).expect("a step");
        let mut tensors = trainer.checkpoint().tensors.into_iter();
        let stem = tensors.find(|tensor| tensor.name == "velocity/stem.weight");
        stem.expect("the stem").values
    };
    let (plain, amplified) = (stem_gradient(1.0), stem_gradient(4.0));
    let outputs = plain.len() / 27;
    let mut colours = 0.0_f32;
    for tap in 0..9 {
        for output in 0..outputs {
            let at = [0, 1, 2].map(|colour| (3 * tap + colour) * outputs + output);
            let mean = |values: &[f32]| at.iter().map(|&index| values[index]).sum::<f32>() / 3.0;
            for index in at {
                let deviation = plain[index] - mean(&plain);
                let expected = mean(&plain) + 4.0 * deviation;
                assert!((amplified[index] - expected).abs() < 1e-5, "{index}");
                colours = colours.max(deviation.abs());
            }
        }
    }
    assert!(colours > 1e-3, "colours have a gradient at all");
}

/// The momentum after the first step, without weight decay and a limit on the norm, is the step's gradient.
#[test]
fn the_gradient_of_a_whole_step_is_the_sum_of_its_networks_in_f64() {
    for dataset in [dataset(), imbalanced_dataset()] {
        gradient_is_the_sum_of_its_networks(&dataset);
    }
}

fn gradient_is_the_sum_of_its_networks(dataset: &Dataset) {
    let (space, streams) = (search_space(), Streams::new(10));
    let sampler = Sampler::new(&space, &anything).expect("all fit");
    let classes = dataset.classes().len();
    let supernet = Supernet::new(&space.envelope(), classes, &streams);
    let tensors = supernet.tensors();
    let options = TrainingOptions {
        clip: 1e30,
        weight_decay: 0.0,
        colour_gain: 1.0,
        batch: 12,
        ..options()
    };
    let mut trainer = Trainer::new(supernet, dataset, &sampler, options, &streams);
    let networks = trainer.draw(0);
    trainer.step(0.5).expect("a step");
    let checkpoint = trainer.checkpoint();
    let momentum = checkpoint.tensors.into_iter().filter_map(|mut tensor| {
        tensor.name = tensor.name.strip_prefix("velocity/")?.to_owned();
        Some(tensor)
    });
    let momentum: Vec<_> = momentum.collect();

    let mut schedule = Schedule::new(dataset, options.batch);
    let (epoch, indices) = schedule.step(0);
    let occurring = |class: usize| {
        let labels = dataset.labels(Split::Train);
        labels.iter().filter(|&&label| label == class).count() as f64
    };
    let pictures: Vec<f64> = (0..classes).map(occurring).collect();
    let fewest = pictures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = pictures.iter().copied().fold(0.0, f64::max);
    let weight = |label: &usize| match most > 3.0 * fewest {
        true => pictures.iter().sum::<f64>() / (classes as f64 * pictures[*label]),
        false => 1.0,
    };
    let (smoothing, share) = (
        f64::from(options.label_smoothing),
        f64::from(options.distillation),
    );
    let mut total = BTreeMap::<String, Vec<f64>>::new();
    let mut teacher: Option<Vec<f64>> = None;
    for candidate in &networks {
        let batch = dataset.training_batch(Split::Train, indices, epoch, candidate.data);
        let mut targets = vec![smoothing / classes as f64; batch.len() * classes];
        for (row, &label) in targets.chunks_exact_mut(classes).zip(&batch.labels) {
            row[label] += 1.0 - smoothing;
        }
        for (target, taught) in targets.iter_mut().zip(teacher.iter().flatten()) {
            *target += share * (taught - *target);
        }
        let weights: Vec<f64> = batch.labels.iter().map(weight).collect();
        let result = reference::run(&tensors, candidate, &batch.pixels, &targets, &weights);
        for (name, gradient) in &result.gradients {
            let sum = total.entry(name.clone()).or_default();
            sum.resize(gradient.len(), 0.0);
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
        teacher.get_or_insert_with(|| result.probabilities(classes));
    }
    assert_gradients(&momentum, &total);
}
