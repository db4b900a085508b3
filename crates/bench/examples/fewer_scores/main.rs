//! Whether fewer or cheaper scores find the same front in the same work: finished searches are repeated from their first
//! scores on, with the same supernets and limits, in two other ways.
//!
//! - `as recorded`: every proposal gets a full score.
//! - `refined`: a proposal is scored on few pictures first, and in full only if no candidate that was scored in full dominates
//!   what it may be.
//! - `predicted`: the same with a prediction in place of the rough score: a ridge regression over genes and logarithms of
//!   costs, learnt from the scores so far.
//!
//! `cargo run --release -p danas-bench --example fewer_scores -- WORK_CLOCK SHARE RUN...`, where SHARE is that of the recorded
//! work which the other ways may spend. Work is counted in seconds of the work clock, without the pictures' rendering.

mod ground;
#[path = "../past/mod.rs"]
mod past;
mod prediction;
mod search;

use std::path::Path;

use danas_bench::Costs;
use danas_data::{Augmentation, Dataset, Streams};
use danas_study::load_tensors;
use danas_supernet::{NamedTensor, Scorer, ScoringOptions, Supernet};

use ground::{Ground, Scored, within};
use past::PastRun;
use search::{Found, Search, Way};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let costs: Costs = toml::from_str(&std::fs::read_to_string(next("WORK_CLOCK")?)?)?;
    let share: f64 = next("SHARE")?.parse()?;
    println!("run,way,scores,proposals,tau,best,hypervolume after each tenth of the work");
    for folder in arguments {
        repeat(Path::new(&folder), &costs, share)?;
    }
    Ok(())
}

/// Repeats one search.
fn repeat(folder: &Path, costs: &Costs, share: f64) -> Outcome<()> {
    let run = PastRun::open(folder)?;
    let dataset = run.examples(run.seed, Augmentation::default())?;
    let ground = Ground::new(&run, &dataset, costs);
    let supernet = supernet(folder, &ground)?;
    let recorded = ground.recorded();
    let budget = share * recorded.iter().map(|scored| scored.work).sum::<f64>();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let settled = ground.settled(&recorded);
    println!("# {name}: {} scores recorded; {settled}", recorded.len());
    println!(
        "# {name}: a score made again differs by {:.4}",
        again(&supernet, &dataset, &recorded)
    );
    let tell = |way: &str, found: &Found| {
        let volumes = ground.course(&found.scored, budget);
        let volumes: Vec<String> = volumes
            .iter()
            .map(|volume| format!("{volume:.4}"))
            .collect();
        let best = found.scored.iter().map(|scored| scored.objectives.error);
        let best = 1.0 - best.fold(1.0, f64::min);
        let (scores, proposals, tau) = (found.scored.len(), found.proposals, found.tau);
        println!(
            "{name},{way},{scores},{proposals},{tau:.3},{best:.4},{}",
            volumes.join(",")
        );
    };
    let scored = within(&recorded, budget);
    let proposals = scored.len();
    let as_recorded = Found {
        scored,
        proposals,
        tau: f64::NAN,
    };
    tell("as recorded", &as_recorded);
    for way in [Way::Refined, Way::Predicted] {
        let search = Search {
            ground: &ground,
            dataset: &dataset,
            supernet: &supernet,
        };
        tell(way.name(), &search.run(way, &recorded, budget)?);
    }
    Ok(())
}

/// The greatest difference that a few recorded scores have to those made now.
fn again(supernet: &Supernet, dataset: &Dataset, recorded: &[Scored]) -> f64 {
    let mut scorer = Scorer::new(supernet, dataset, ScoringOptions::default());
    let few = recorded.iter().step_by(recorded.len().div_ceil(4).max(1));
    let off = few.map(|scored| {
        let accuracy = scorer.score(&scored.candidate).tally.accuracy();
        (1.0 - accuracy - scored.objectives.error).abs()
    });
    off.fold(0.0, f64::max)
}

/// The supernet of the run in a folder.
fn supernet(folder: &Path, ground: &Ground<'_>) -> Outcome<Supernet> {
    let stored = load_tensors(&folder.join("supernet.safetensors"))?;
    let tensors = stored.tensors.into_iter();
    let tensors: Vec<NamedTensor> = tensors
        .map(|(name, shape, values)| NamedTensor {
            name,
            shape,
            values,
        })
        .collect();
    let mut supernet = Supernet::new(
        &ground.run.space.envelope(),
        ground.classes,
        &Streams::new(0),
    );
    supernet.load_tensors(&tensors)?;
    Ok(supernet)
}
