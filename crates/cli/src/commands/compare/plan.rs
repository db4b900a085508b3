//! Which searches a comparison is made of.

use std::path::{Path, PathBuf};

use danas_data::{Colour, DataConfig, DataSpace};
use danas_study::RunFolder;

use super::record::Key;
use super::way::Way;
use crate::args::{CompareCommand, Limit, Method};
use crate::message::{Outcome, from_data};
use crate::pipeline::{self, Found};
use crate::units::Span;

/// The most pixels that the standard network sees: what small boards are usually given.
const STANDARD_PIXELS: usize = 96;

/// A search of a comparison.
pub(super) struct Planned {
    pub(super) limit: Limit,
    pub(super) time: Span,
    pub(super) seed: u64,
    pub(super) way: Way,
    /// Its run folder.
    pub(super) out: PathBuf,
    /// Whether a run in that folder has come to its end.
    pub(super) has_finished_run: bool,
}

impl Planned {
    /// Which search it is.
    pub(super) fn key(&self) -> Key {
        Key {
            limits: self.limit.to_string(),
            time: self.time.to_string(),
            method: self.way.to_string(),
            seed: self.seed,
        }
    }
}

/// All searches, seed by seed, so that what a stopped comparison has is complete for the seeds before.
pub(super) fn plan(command: &CompareCommand, seeds: u64) -> Outcome<Vec<Planned>> {
    let mut ways = Vec::new();
    for method in &command.methods {
        match method {
            Method::Searched => ways.push(Way::Searched),
            Method::Random => ways.push(Way::Random),
            Method::Separate => ways.push(Way::Separate),
            Method::None => ways.push(Way::NoSupernet),
            Method::Paper => ways.push(Way::Paper),
            Method::Fixed => ways.extend(fixed_data(command)?.into_iter().map(Way::Fixed)),
            Method::Mobilenetv2 => ways.push(Way::Standard(standard_data(command)?)),
        }
    }
    check_methods(command, &ways)?;
    let mut plan = Vec::new();
    for seed in 1..=seeds {
        for &time in &command.times {
            for &limit in &command.limits {
                for &way in &ways {
                    let name = format!("{way}-{limit}-{time}-{seed}").replace(['/', ' '], "-");
                    let out = command.out.join("runs").join(name);
                    plan.push(Planned {
                        limit,
                        time,
                        seed,
                        way,
                        has_finished_run: is_finished(&out),
                        out,
                    });
                }
            }
        }
    }
    Ok(plan)
}

/// Whether all methods can train on these examples: better said now than when the first search is over.
fn check_methods(command: &CompareCommand, ways: &[Way]) -> Outcome<()> {
    if ways.iter().all(|way| way.has_shared_supernet()) {
        return Ok(());
    }
    let source = command.data.parse().map_err(from_data)?;
    Found::at(&source, &command.reading.scan_options(0))?.check_single_stage()
}

/// The data configurations asked for, or the least, a middle and the greatest of those that a search would look at.
fn fixed_data(command: &CompareCommand) -> Outcome<Vec<DataConfig>> {
    if !command.fixed.is_empty() {
        return Ok(command.fixed.iter().map(|fixed| fixed.0).collect());
    }
    let DataSpace {
        resolutions,
        colours,
    } = suggested(command)?;
    let last = resolutions.len() - 1;
    let richest = colours.last().copied().unwrap_or(Colour::Mono);
    let mut chosen = Vec::new();
    for (place, colour) in [(0, colours[0]), (last / 2, richest), (last, richest)] {
        let config = DataConfig {
            resolution: resolutions[place],
            colour,
        };
        if !chosen.contains(&config) {
            chosen.push(config);
        }
    }
    Ok(chosen)
}

/// The finest of the data configurations that a search would look at, up to so many pixels as the standard network sees.
fn standard_data(command: &CompareCommand) -> Outcome<DataConfig> {
    let DataSpace {
        resolutions,
        colours,
    } = suggested(command)?;
    let fitting = resolutions.iter().filter(|&&side| side <= STANDARD_PIXELS);
    Ok(DataConfig {
        resolution: fitting.max().copied().unwrap_or(STANDARD_PIXELS),
        colour: colours.last().copied().unwrap_or(Colour::Mono),
    })
}

/// The data configurations that a search would look at.
fn suggested(command: &CompareCommand) -> Outcome<DataSpace> {
    let source = command.data.parse().map_err(from_data)?;
    Found::at(&source, &command.reading.scan_options(0))?.suggested_space()
}

/// Whether the run of a folder has come to its end.
fn is_finished(out: &Path) -> bool {
    RunFolder::read(out).is_ok_and(|opened| pipeline::is_finished(&opened.study))
}
