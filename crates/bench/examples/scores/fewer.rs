//! Fewer or cheaper scores: finished searches are repeated from their first scores on, with the same supernets and limits.
//!
//! - `as recorded`: every proposal gets a full score.
//! - `refined`: a proposal is scored on few pictures first, and in full only if no candidate that was scored in full dominates
//!   what it may be.
//! - `predicted`: the same with a prediction in place of the rough score: a ridge regression over genes and logarithms of
//!   costs, learnt from the scores so far.

use std::path::Path;

use danas_bench::Costs;
use danas_data::Dataset;
use danas_supernet::{Scorer, ScoringOptions, Supernet};

use crate::ground::{Ground, Scored, within};
use crate::search::{Found, Search, Way};
use crate::{Outcome, Past};

/// Repeats searches, each for a share of its work.
pub(crate) fn repeat_all(
    costs: &Costs,
    share: f64,
    folders: impl Iterator<Item = String>,
) -> Outcome<()> {
    println!("run,way,scores,proposals,tau,best,hypervolume after each tenth of the work");
    for folder in folders {
        repeat(Path::new(&folder), costs, share)?;
    }
    Ok(())
}

/// Repeats one search.
fn repeat(folder: &Path, costs: &Costs, share: f64) -> Outcome<()> {
    let Past {
        run,
        dataset,
        supernet,
    } = Past::open(folder)?;
    let ground = Ground::new(&run, &dataset, costs);
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
