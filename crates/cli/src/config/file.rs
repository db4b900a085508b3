//! Options from files: reading them, and laying the command line over them.

use std::path::Path;

use clap::Args;
use danas_bench::Costs;

use crate::args::{SearchOptions, WorkClock};
use crate::message::{Blame, Failure, Outcome, nearest};

/// The options of `over`, and of `under` where `over` has none.
pub(super) fn overlay(under: SearchOptions, over: SearchOptions) -> SearchOptions {
    // A budget of one kind on the command line replaces a budget of the other kind in the file.
    let (time, steps) = match (over.time, over.steps) {
        (None, None) => (under.time, under.steps),
        given => given,
    };
    SearchOptions {
        data: over.data.or(under.data),
        reading: over.reading.over(under.reading),
        board: over.board.or(under.board),
        boards_file: over.boards_file.or(under.boards_file),
        objective: over.objective.or(under.objective),
        ram: over.ram.or(under.ram),
        flash: over.flash.or(under.flash),
        max_latency: over.max_latency.or(under.max_latency),
        max_macs: over.max_macs.or(under.max_macs),
        time,
        out: over.out.or(under.out),
        seed: over.seed.or(under.seed),
        resolutions: over.resolutions.or(under.resolutions),
        colours: over.colours.or(under.colours),
        space: over.space.or(under.space),
        fix: over.fix.or(under.fix),
        strategy: over.strategy.or(under.strategy),
        class_weights: over.class_weights.or(under.class_weights),
        method: over.method.or(under.method),
        models: over.models.or(under.models),
        memory: over.memory.or(under.memory),
        threads: over.threads.or(under.threads),
        quiet: over.quiet || under.quiet,
        json: over.json || under.json,
        steps,
        work_clock: over.work_clock.or(under.work_clock),
    }
}

/// The costs that a work clock goes by.
///
/// # Errors
/// A failure of the user's input if the file cannot be read or is none that `danas bench --calibrate` wrote.
pub(crate) fn costs(clock: WorkClock) -> Outcome<Costs> {
    let path = match clock {
        WorkClock::Costs(costs) => return Ok(*costs),
        WorkClock::File(path) => path,
    };
    let text = read_to_string(&path)?;
    toml::from_str(&text).or_input().map_err(|failure| {
        failure
            .context(format!("{} is no work clock", path.display()))
            .hint("`danas bench --calibrate FILE` writes one")
    })
}

fn read_to_string(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::input(error).context(format!("cannot read {}", path.display())))
}

/// Reads a configuration file.
pub(super) fn read_file(path: &Path) -> Outcome<SearchOptions> {
    let text = read_to_string(path)?;
    read_text(&text).map_err(|failure| failure.context(format!("{} is not usable", path.display())))
}

pub(super) fn read_text(text: &str) -> Outcome<SearchOptions> {
    let table: toml::Table = toml::from_str(text).or_input()?;
    check_keys(&table)?;
    serde_path_to_error::deserialize(table).map_err(|error| {
        let key = error.path().to_string();
        Failure::input_text(format!("`{key}`: {}", error.inner().message()))
    })
}

/// Refuses keys that are not options, with the nearest one that is.
fn check_keys(table: &toml::Table) -> Outcome<()> {
    let command = SearchOptions::augment_args(clap::Command::new("search"));
    let options: Vec<&str> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for key in table.keys() {
        known("option", key, &options)?;
    }
    if let Some(toml::Value::Table(steps)) = table.get("steps") {
        for key in steps.keys() {
            known("phase", key, &["supernet", "search", "final"])?;
        }
    }
    Ok(())
}

fn known(kind: &str, key: &str, names: &[&str]) -> Outcome<()> {
    if names.contains(&key) {
        return Ok(());
    }
    let failure = Failure::input_text(format!("there is no {kind} `{key}`"));
    Err(match nearest(key, names.iter().copied()) {
        Some(name) => failure.hint(format!("did you mean `{name}`?")),
        None => failure.hint(format!("known are {}", names.join(", "))),
    })
}
