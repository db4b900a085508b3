//! What a training of the supernet sees: which parts, and how often. Told before it begins, and when it is over.

use danas_data::{Dataset, Split};
use danas_device::format_count;
use danas_supernet::TrainingOptions;

use crate::output::plural;
use crate::units::readable_seconds;

/// A stretch of the supernet's training, in which the pictures are those of one part.
pub(crate) struct Stage {
    /// The part.
    pub(crate) split: Split,
    /// What it is called on disk.
    part: String,
    /// How many pictures it has.
    pictures: usize,
    /// Its share of the training.
    share: f64,
}

/// The stages of a supernet's training on these examples, in order.
pub(crate) fn stages(dataset: &Dataset) -> Vec<Stage> {
    let first = match dataset.is_empty(Split::Pretraining) {
        true => 0.0,
        false => TrainingOptions::supernet().pretraining,
    };
    let shares = [(Split::Pretraining, first), (Split::Train, 1.0 - first)];
    let stage = |(split, share): (Split, f64)| {
        let origin = dataset.rule().origin(split)?;
        Some(Stage {
            split,
            part: origin.name().to_string(),
            pictures: dataset.len(split),
            share,
        })
    };
    shares.into_iter().filter_map(stage).collect()
}

/// How often stages see their pictures, if each sees so many, in words.
pub(crate) fn epochs(seen: &[(&Stage, f64)]) -> String {
    let told = seen
        .iter()
        .map(|(stage, seen)| (times(*seen, stage.pictures), &stage.part));
    let told: Vec<_> = told.collect();
    match &told[..] {
        [(only, _)] => format!("{only} epochs"),
        [(first, part), then @ ..] => then
            .iter()
            .map(|(epochs, part)| format!(", then {epochs} of {part}"))
            .fold(format!("{first} epochs of {part}"), |all, more| all + &more),
        [] => "nothing".to_string(),
    }
}

/// How often so many pictures are seen, if `seen` are altogether, in digits.
pub(crate) fn times(seen: f64, pictures: usize) -> String {
    let epochs = seen / pictures.max(1) as f64;
    // Two digits, also of a small part of an epoch.
    let digits = (1 - epochs.max(1e-9).log10().floor() as i32).clamp(1, 4) as usize;
    format!("{epochs:.digits$}")
}

/// What a training in these stages will see, in words: `steps` steps, of so many `seconds` each where the clock decides.
pub(crate) fn projection(stages: &[Stage], steps: u64, seconds: Option<f64>) -> String {
    let batch = TrainingOptions::supernet().batch as u64;
    let pictures = steps * batch;
    let when = match seconds {
        Some(seconds) => format!(
            "at about {} pictures a second on {} the supernet's {} see",
            format_count((batch as f64 / seconds.max(1e-9)).round() as u64),
            plural(rayon::current_num_threads(), "thread"),
            readable_seconds(seconds * steps as f64),
        ),
        None => format!("the supernet's {} see", plural(steps as usize, "step")),
    };
    let seen = stages
        .iter()
        .map(|stage| (stage, pictures as f64 * stage.share));
    format!(
        "{when} {} pictures: {}",
        format_count(pictures),
        epochs(&seen.collect::<Vec<_>>())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(part: &str, pictures: usize, share: f64) -> Stage {
        Stage {
            split: Split::Train,
            part: part.to_string(),
            pictures,
            share,
        }
    }

    #[test]
    fn what_will_be_seen_is_told_in_epochs() {
        assert_eq!(
            projection(&[stage("train", 1000, 1.0)], 250, None),
            "the supernet's 250 steps see 4.0 k pictures: 4.0 epochs"
        );
        let timed = projection(&[stage("train", 1_000_000, 1.0)], 20_000, Some(0.016));
        assert!(
            timed.starts_with("at about 1.0 k pictures a second on "),
            "{timed}"
        );
        assert!(
            timed.ends_with("the supernet's 5 min 20 s see 320.0 k pictures: 0.32 epochs"),
            "{timed}"
        );
    }

    #[test]
    fn every_stage_is_told_with_its_own_epochs() {
        let stages = [
            stage("train_large", 8000, 0.25),
            stage("train_quality", 1000, 0.75),
        ];
        let told = projection(&stages, 250, None);
        assert!(
            told.ends_with(": 0.12 epochs of train_large, then 3.0 of train_quality"),
            "{told}"
        );
    }
}
