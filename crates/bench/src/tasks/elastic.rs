//! What a small part of a supernet costs: training the largest network of the default space, and training one with a
//! quarter of its multiply-accumulates, both with the weights of the same supernet.

use danas_data::DataConfig;
use danas_space::{Candidate, Sampler};
use danas_supernet::workload::{TRAINING_OPERATIONS, fixed_batch};
use danas_supernet::{SingleTrainer, Supernet, TrainingOptions};

use super::Subject;
use super::supernet::DefaultSpace;
use super::workloads::Training;

pub(super) const NAMES: [&str; 2] = ["largest-train", "quarter-train"];

/// Networks of which the one nearest to a quarter is taken.
const DRAWS: usize = 2000;

/// The task of this name.
pub(super) fn subject<'a>(name: &str, space: &DefaultSpace, supernet: &Supernet) -> Subject<'a> {
    let largest = largest(space);
    let candidate = match name {
        "largest-train" => largest,
        _ => quarter(space, &space.sampler(), &largest),
    };
    let options = TrainingOptions::supernet();
    let images = options.batch as u64;
    Subject {
        name: name.to_owned(),
        images,
        operations: TRAINING_OPERATIONS * images * space.macs(&candidate),
        task: Box::new(Training {
            batch: fixed_batch(candidate.data, options.batch, space.classes()),
            trainer: SingleTrainer::new(supernet.clone(), &candidate, options),
        }),
    }
}

/// The network with the most multiply-accumulates.
fn largest(space: &DefaultSpace) -> Candidate {
    let configs = space.space.data().configs();
    let candidates = configs
        .into_iter()
        .map(|config: DataConfig| space.space.largest(config));
    candidates
        .max_by_key(|candidate| space.macs(candidate))
        .expect("a space has data configurations")
}

/// A network on the same input with nearly a quarter of the multiply-accumulates of `whole`.
fn quarter(space: &DefaultSpace, sampler: &Sampler<'_>, whole: &Candidate) -> Candidate {
    let mut rng = space.streams.stream("quarter", 0);
    let wanted = space.macs(whole) / 4;
    let draws = (0..DRAWS).filter_map(|_| sampler.sample_for(whole.data, &mut rng));
    draws
        .min_by_key(|candidate| space.macs(candidate).abs_diff(wanted))
        .expect("without limits every data configuration has networks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quarter_is_a_quarter() {
        let space = DefaultSpace::new().expect("built-in pictures");
        let whole = largest(&space);
        let part = quarter(&space, &space.sampler(), &whole);
        assert_eq!(part.data, whole.data);
        let share = space.macs(&part) as f64 / space.macs(&whole) as f64;
        assert!((0.24..0.26).contains(&share), "{share}");
    }
}
