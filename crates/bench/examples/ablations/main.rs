//! What the parts of the method are worth: supernets trained without one of them, for the same work, against the whole.
//!
//! `cargo run --release -p danas-bench --example ablations -- RUN COSTS SECONDS SEEDS [WAY...]`
//!
//! RUN is a finished search whose candidates were trained alone (`danas audit RUN`), COSTS what `danas bench --calibrate`
//! wrote: all time is counted by that, so that other work on the machine changes nothing. For each seed a supernet is trained
//! for SECONDS in each way. Its scores of the audited candidates are held against what these reached alone (Kendall's tau),
//! and two of the candidates are trained on from its weights, for an eighth of SECONDS each. What is known already in
//! RUN/ablations.jsonl is not made again. The table is printed as Markdown.

#[path = "../past/mod.rs"]
mod past;
mod setting;
mod table;
mod trial;
mod way;

use serde::{Deserialize, Serialize};
use setting::Setting;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use way::Way;

/// What a supernet that was trained in one way was worth.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Outcome {
    way: String,
    seconds: f64,
    seed: u64,
    /// Steps of the supernet.
    steps: u64,
    /// Kendall's tau of its scores and the accuracies of candidates trained alone.
    tau: f64,
    /// Mean test accuracy of the candidates that were trained on from it, 0 to 1.
    accuracy: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let (run, costs) = (PathBuf::from(next("RUN")?), PathBuf::from(next("COSTS")?));
    let (seconds, seeds): (f64, u64) = (next("SECONDS")?.parse()?, next("SEEDS")?.parse()?);
    let chosen: Vec<String> = arguments.collect();
    let ways: Vec<Way> = way::all()
        .into_iter()
        .filter(|way| {
            chosen.is_empty() || way.is_whole() || chosen.iter().any(|name| name == way.name)
        })
        .collect();
    if let Some(unknown) = chosen
        .iter()
        .find(|name| ways.iter().all(|way| way.name != **name))
    {
        return Err(format!("there is no way `{unknown}`").into());
    }
    let setting = Setting::of(&run, &costs)?;
    let file = run.join("ablations.jsonl");
    let mut known = known(&file)?;
    for seed in 1..=seeds {
        for way in &ways {
            let is_known = |outcome: &Outcome| {
                outcome.way == way.name && outcome.seed == seed && outcome.seconds == seconds
            };
            if known.iter().any(is_known) {
                continue;
            }
            let outcome = trial::run(&setting, way, seconds, seed)?;
            eprintln!("{outcome:?}");
            let mut lines = OpenOptions::new().create(true).append(true).open(&file)?;
            writeln!(lines, "{}", serde_json::to_string(&outcome)?)?;
            known.push(outcome);
        }
    }
    known.retain(|outcome| outcome.seconds == seconds && outcome.seed <= seeds);
    print!("{}", table::of(&ways, &known));
    Ok(())
}

/// What earlier calls found.
fn known(file: &Path) -> Result<Vec<Outcome>, Box<dyn Error>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}
