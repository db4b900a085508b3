//! `danas compare`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use danas_data::{Colour, DataConfig, DataSpace};
use danas_report::{Comparison, Search};
use danas_search::hypervolume;
use danas_study::{RunFolder, Summary, write_atomic};
use serde::Serialize;

use crate::args::{
    CompareCommand, Limit, Method, Resolutions, SearchCommand, SearchOptions, StrategyName,
};
use crate::commands::board;
use crate::config::{Configuration, within};
use crate::message::{Failure, Outcome, Status, from_data, from_study};
use crate::output;
use crate::pipeline::{self, Found};
use crate::progress::Screen;
use crate::result::percent;
use crate::units::{Span, readable_seconds};

/// The most seeds that can be asked for.
const MAX_SEEDS: usize = 1000;
/// The page's picture.
const CHART: &str = "results.svg";

/// A search that is to be made.
struct Planned {
    limit: Limit,
    time: Span,
    seed: u64,
    way: Way,
    out: PathBuf,
    /// Whether an earlier session made it to its end.
    made: bool,
}

/// How it searches.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Searched,
    Random,
    Fixed(DataConfig),
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Way::Searched => write!(f, "searched"),
            Way::Random => write!(f, "random"),
            Way::Fixed(data) => write!(f, "fixed {data}"),
        }
    }
}

/// What `--json` prints of every search.
#[derive(Debug, Serialize)]
struct Json {
    limits: String,
    time: String,
    method: String,
    seed: u64,
    test_accuracy_int8: Option<f64>,
    hypervolume: f64,
    data: String,
    run: PathBuf,
}

/// Makes all searches that are not made yet, and the page about them.
pub(crate) fn compare(command: &CompareCommand) -> Outcome<Status> {
    let screen = Screen::new(command.work.quiet);
    let seeds = within("seeds", command.seeds, MAX_SEEDS)? as u64;
    let board_name = board(&command.board, None)?.title;
    let plan = plan(command, seeds)?;
    pipeline::use_threads(command.work.threads)?;
    screen.say(projection(&plan));
    let mut comparison = Comparison {
        source: command.data.clone(),
        board: board_name,
        threads: rayon::current_num_threads(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        searches: Vec::new(),
    };
    for (index, planned) in plan.iter().enumerate() {
        let finished = pipeline::run(configuration(command, planned)?, Instant::now())?;
        let search = outcome(planned, &finished.summary);
        screen.say(format!(
            "{} of {}: {}, {}, {}, seed {}: {}; {} left",
            index + 1,
            plan.len(),
            search.method,
            search.limits,
            search.time,
            search.seed,
            search.accuracy.map_or("nothing fits".to_string(), percent),
            readable_seconds(seconds_left(&plan[index + 1..])),
        ));
        comparison.searches.push(search);
        write_page(&command.out, &comparison)?;
    }
    if command.work.json {
        let searches = comparison.searches.iter().zip(&plan).map(as_json);
        output::print_json(&searches.collect::<Vec<_>>())?;
    } else {
        let page = command.out.join("results.md");
        output::print(&format!("{}\n", page.display()))?;
    }
    Ok(Status::Done)
}

/// All searches, seed by seed, so that what a stopped comparison has is complete for the seeds before.
fn plan(command: &CompareCommand, seeds: u64) -> Outcome<Vec<Planned>> {
    let mut ways = Vec::new();
    for method in &command.methods {
        match method {
            Method::Searched => ways.push(Way::Searched),
            Method::Random => ways.push(Way::Random),
            Method::Fixed => ways.extend(fixed_data(command)?.into_iter().map(Way::Fixed)),
        }
    }
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
                        made: is_made(&out),
                        out,
                    });
                }
            }
        }
    }
    Ok(plan)
}

/// The data configurations asked for, or the least, a middle and the greatest of those that a search would look at.
fn fixed_data(command: &CompareCommand) -> Outcome<Vec<DataConfig>> {
    if !command.fixed.is_empty() {
        return Ok(command.fixed.iter().map(|fixed| fixed.0).collect());
    }
    let source = command.data.parse().map_err(from_data)?;
    let DataSpace {
        resolutions,
        colours,
    } = Found::at(&source, &command.reading.scan_options(0))?.suggested_space()?;
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

fn configuration(command: &CompareCommand, planned: &Planned) -> Outcome<Configuration> {
    let fixed = match planned.way {
        Way::Fixed(data) => Some(data),
        Way::Searched | Way::Random => None,
    };
    let resolutions = fixed
        .map(|data| Resolutions::checked(vec![data.resolution]))
        .transpose()
        .map_err(Failure::input_text)?;
    Configuration::resolve(SearchCommand {
        config: None,
        isa: command.work.isa,
        options: SearchOptions {
            data: Some(command.data.clone()),
            reading: command.reading.clone(),
            board: Some(command.board.clone()),
            ram: Some(planned.limit.ram),
            flash: Some(planned.limit.flash),
            time: Some(planned.time),
            out: Some(planned.out.clone()),
            seed: Some(planned.seed),
            resolutions,
            colours: fixed.map(|data| vec![data.colour]),
            strategy: (planned.way == Way::Random).then_some(StrategyName::Random),
            threads: command.work.threads,
            quiet: true,
            ..SearchOptions::default()
        },
    })
}

/// What a search has come to.
fn outcome(planned: &Planned, summary: &Summary) -> Search {
    let recommended = summary.models.iter().find(|model| model.recommended);
    let data = recommended.and_then(|model| {
        let candidates = summary.candidates.iter();
        candidates.clone().find(|c| c.id == model.candidate)
    });
    let shares = |used: u64, allowed: u64| used as f64 / allowed as f64;
    let points: Vec<[f64; 3]> = (summary.models.iter())
        .map(|model| {
            [
                1.0 - model.test_accuracy_int8,
                shares(model.cost.arena_bytes, planned.limit.ram.0),
                shares(model.cost.flash_bytes, planned.limit.flash.0),
            ]
        })
        .collect();
    Search {
        limits: planned.limit.to_string(),
        time: planned.time.to_string(),
        seconds: planned.time.0.as_secs_f64(),
        method: planned.way.to_string(),
        fixed: matches!(planned.way, Way::Fixed(_)),
        seed: planned.seed,
        accuracy: recommended.map(|model| model.test_accuracy_int8),
        hypervolume: hypervolume(&points, &[1.0; 3]),
        data: data.map_or(String::new(), |candidate| candidate.data_label.clone()),
    }
}

fn as_json((search, planned): (&Search, &Planned)) -> Json {
    Json {
        limits: search.limits.clone(),
        time: search.time.clone(),
        method: search.method.clone(),
        seed: search.seed,
        test_accuracy_int8: search.accuracy,
        hypervolume: search.hypervolume,
        data: search.data.clone(),
        run: planned.out.clone(),
    }
}

/// Writes the page as far as it is known.
fn write_page(out: &Path, comparison: &Comparison) -> Outcome<()> {
    let page = comparison.page(CHART);
    write_atomic(&out.join(CHART), page.chart.as_bytes()).map_err(from_study)?;
    write_atomic(&out.join("results.md"), page.page.as_bytes()).map_err(from_study)
}

/// How long it all takes.
fn projection(plan: &[Planned]) -> String {
    let left = plan.iter().filter(|planned| !planned.made).count();
    format!(
        "{} to make, of {}: at most {}; they can be stopped, and the same command continues them",
        output::plural(left, "search"),
        plan.len(),
        readable_seconds(seconds_left(plan)),
    )
}

fn seconds_left(plan: &[Planned]) -> f64 {
    let left = plan.iter().filter(|planned| !planned.made);
    left.map(|planned| planned.time.0)
        .sum::<Duration>()
        .as_secs_f64()
}

/// Whether the search of a folder has been made to its end.
fn is_made(out: &Path) -> bool {
    RunFolder::read(out).is_ok_and(|opened| pipeline::is_finished(&opened.study))
}
