//! What it costs to mix only a part of the examples at a time, and to keep no more than that in memory: one network trained
//! alone from scratch on a prepared folder, shuffled as a whole and in windows of several sizes, in turns.
//!
//! `cargo run --release -p danas-supernet --example shuffling -- PREPARED STEPS SEEDS SHARE...`, where a share is that of
//! the set which is mixed at a time, or `loaded`: the source that was prepared is loaded into memory.

use danas_data::{
    Augmentation, DataConfig, Dataset, LoadOptions, OpenOptions, PreparedSet, ScanOptions, Split,
    Streams, load, scan,
};
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace, lower};
use danas_supernet::{FinalTrainer, ScoringOptions, Supernet, TrainingOptions};
use std::path::Path;
use std::time::Instant;

/// The network is the largest that has no more multiply-accumulates.
const MACS: u64 = 2_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let folder = next("PREPARED")?;
    let (steps, seeds): (u64, u64) = (next("STEPS")?.parse()?, next("SEEDS")?.parse()?);
    let shares: Vec<String> = arguments.collect();
    let mut trained = vec![Vec::new(); shares.len()];
    for seed in 0..seeds {
        for (share, trained) in shares.iter().zip(&mut trained) {
            trained.push(train(Path::new(&folder), share, seed, steps)?);
        }
    }
    for (share, trained) in shares.iter().zip(trained) {
        let (accuracies, mut rates): (Vec<f64>, Vec<f64>) = trained.into_iter().unzip();
        let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        rates.sort_by(f64::total_cmp);
        println!(
            "{share}: {mean:.4} on the test split, of {accuracies:.4?}; {:.0} pictures a second",
            rates[rates.len() / 2]
        );
    }
    Ok(())
}

/// The examples, in memory or in the prepared folder.
fn dataset(
    set: PreparedSet,
    share: &str,
    seed: u64,
) -> Result<Dataset, Box<dyn std::error::Error>> {
    if share == "loaded" {
        let catalogue = scan(&set.source().parse()?, &ScanOptions::default())?;
        let options = LoadOptions {
            finest: set.finest(),
            seed,
            ..LoadOptions::default()
        };
        return Ok(load(&catalogue, &options, &|_| {})?);
    }
    let bytes = (share.parse::<f64>()? * set.bytes() as f64) as u64;
    let options = OpenOptions {
        seed,
        augmentation: Augmentation::default(),
        resident: bytes,
        mixed: bytes,
    };
    Ok(set.dataset(&options)?)
}

/// The test accuracy, and the pictures a second.
fn train(
    folder: &Path,
    share: &str,
    seed: u64,
    steps: u64,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let set = PreparedSet::open(folder)?;
    let data = set.space().clone();
    let finest = data.configs().into_iter();
    let finest = finest.max_by_key(|config: &DataConfig| config.input_shape().bytes());
    let dataset = dataset(set, share, seed)?;
    let space = SearchSpace::new(data, NetworkSpace::default_space())?;
    let classes = dataset.classes().len();
    let over = |candidate: &Candidate| lower(candidate, classes).macs().saturating_sub(MACS) as f64;
    let sampler = Sampler::new(&space, &over).map_err(|_| "no network is so small")?;
    let candidate = finest.and_then(|config| sampler.largest_for(config));
    let candidate = candidate.ok_or("no network is so small")?;
    let streams = Streams::new(seed);
    let supernet = Supernet::new(&space.envelope(), classes, &streams);
    let options = TrainingOptions::final_training();
    let mut trainer = FinalTrainer::new(&supernet, candidate, &dataset, options, &streams);
    let (started, mut pictures) = (Instant::now(), 0);
    for step in 0..steps {
        pictures += trainer.step(step as f64 / steps as f64)?.images;
    }
    let rate = pictures as f64 / started.elapsed().as_secs_f64();
    dataset.check_intact()?;
    let test: Vec<usize> = (0..dataset.len(Split::Test)).collect();
    let trained = trainer.finish(ScoringOptions::default());
    let score = trained.evaluate(&dataset, Split::Test, &test);
    Ok((score.tally.accuracy(), rate))
}
