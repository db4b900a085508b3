//! `danas compare`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use danas_bench::Costs;
use danas_data::{Colour, DataConfig, DataSpace};
use danas_report::{Comparison, Role, Search};
use danas_search::hypervolume;
use danas_study::{RunFolder, Summary, write_atomic};
use serde::Serialize;

use crate::args::{
    CompareCommand, Fix, Limit, Method, MethodName, Resolutions, SearchCommand, SearchOptions,
    SpaceName, StrategyName, WorkClock,
};
use crate::commands::board;
use crate::config::{Configuration, costs, within};
use crate::message::{Failure, Outcome, Status, from_data, from_study};
use crate::output;
use crate::pipeline::{self, Found};
use crate::progress::Screen;
use crate::result::{self, percent};
use crate::units::{Span, readable_seconds};

/// The most seeds that can be asked for.
const MAX_SEEDS: usize = 1000;
/// The page's pictures.
const CHART: &str = "results.svg";
const QUALITY: &str = "quality.svg";
/// The width multiplier of the standard network, and the most pixels that it sees: what small boards are usually given.
const STANDARD_WIDTH: &str = "0.35";
const STANDARD_PIXELS: usize = 96;

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
    Separate,
    NoSupernet,
    Paper,
    Fixed(DataConfig),
    /// The standard network, not searched at all.
    Standard(DataConfig),
}

impl Way {
    fn role(self) -> Role {
        match self {
            Way::Searched => Role::Searched,
            Way::Fixed(_) => Role::Fixed,
            Way::Standard(_) => Role::Network,
            Way::Random | Way::Separate | Way::NoSupernet | Way::Paper => Role::Baseline,
        }
    }

    /// The one data configuration that it looks at.
    fn data(self) -> Option<DataConfig> {
        match self {
            Way::Fixed(data) | Way::Standard(data) => Some(data),
            Way::Searched | Way::Random | Way::Separate | Way::NoSupernet | Way::Paper => None,
        }
    }

    /// Where its candidates get their weights from.
    fn method(self) -> MethodName {
        match self {
            Way::Separate => MethodName::Separate,
            Way::NoSupernet => MethodName::None,
            Way::Paper => MethodName::Paper,
            Way::Searched | Way::Random | Way::Fixed(_) | Way::Standard(_) => MethodName::Shared,
        }
    }

    /// Whether one supernet for all data configurations is trained.
    fn has_shared_supernet(self) -> bool {
        self.method() == MethodName::Shared && self.role() != Role::Network
    }

    /// The networks that it looks at, where those are not the usual ones.
    fn networks(self) -> (Option<SpaceName>, Option<Vec<Fix>>) {
        match self {
            Way::Standard(_) => (
                Some(SpaceName::Mobilenetv2),
                Some(vec![Fix {
                    gene: "width".to_string(),
                    value: STANDARD_WIDTH.to_string(),
                }]),
            ),
            _ => (None, None),
        }
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Way::Searched => write!(f, "searched"),
            Way::Random => write!(f, "random"),
            Way::Separate => write!(f, "separate supernets"),
            Way::NoSupernet => write!(f, "no supernet"),
            Way::Paper => write!(f, "as in the paper"),
            Way::Fixed(data) => write!(f, "fixed {data}"),
            Way::Standard(data) => write!(f, "MobileNetV2 {STANDARD_WIDTH} {data}"),
        }
    }
}

/// What `--json` prints of every search.
#[derive(Debug, Serialize)]
struct Json {
    limits: String,
    time: String,
    seconds_taken: f64,
    method: String,
    seed: u64,
    test_accuracy_int8: Option<f64>,
    val_accuracy_int8: Option<f64>,
    /// What was maximised, in words.
    objective: String,
    test_score_int8: Option<f64>,
    val_score_int8: Option<f64>,
    hypervolume: f64,
    data: String,
    run: PathBuf,
}

/// Makes all searches that are not made yet, and the page about them.
pub(crate) fn compare(command: &CompareCommand) -> Outcome<Status> {
    let screen = Screen::new(command.work.quiet);
    let seeds = within("seeds", command.seeds, MAX_SEEDS)? as u64;
    let board_name = board(&command.board, None)?.title;
    // Looking at the examples, which the plan may need, already takes threads.
    pipeline::use_threads(command.work.threads)?;
    let plan = plan(command, seeds)?;
    let work_clock = command.work_clock.clone().map(WorkClock::File);
    let work_clock = work_clock.map(costs).transpose()?;
    screen.say(projection(&plan, work_clock.as_ref()));
    let mut comparison = Comparison {
        source: command.data.clone(),
        board: board_name,
        clock: clock_words(work_clock.as_ref()),
        // The first search knows the classes.
        measure: String::new(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        searches: Vec::new(),
    };
    let mut listed = Vec::new();
    for (index, planned) in plan.iter().enumerate() {
        let finished = pipeline::run(
            configuration(command, planned, &work_clock)?,
            Instant::now(),
        )?;
        let search = outcome(planned, &finished.summary);
        comparison.measure = result::objective_words(&finished.summary.run);
        screen.say(format!(
            "{} of {}: {}, {}, {}, seed {}: {}; {} left",
            index + 1,
            plan.len(),
            search.method,
            search.limits,
            search.time,
            search.seed,
            (search.accuracy).map_or_else(|| search.role.nothing().to_string(), percent),
            readable_seconds(seconds_left(&plan[index + 1..])),
        ));
        listed.push(as_json(&search, planned, &finished.summary));
        comparison.searches.push(search);
        write_page(&command.out, &comparison)?;
    }
    if command.work.json {
        output::print_json(&listed)?;
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
                        made: is_made(&out),
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

fn configuration(
    command: &CompareCommand,
    planned: &Planned,
    work_clock: &Option<Costs>,
) -> Outcome<Configuration> {
    let fixed = planned.way.data();
    let (space, fix) = planned.way.networks();
    let work_clock = work_clock.clone().map(Box::new).map(WorkClock::Costs);
    let resolutions = fixed
        .map(|data| Resolutions::checked(vec![data.resolution]))
        .transpose()
        .map_err(Failure::input_text)?;
    Configuration::resolve(SearchCommand {
        config: None,
        preset: None,
        instructions: command.work.instructions,
        options: SearchOptions {
            data: Some(command.data.clone()),
            reading: command.reading.clone(),
            board: Some(command.board.clone()),
            objective: command.objective.clone(),
            ram: Some(planned.limit.ram),
            flash: Some(planned.limit.flash),
            time: Some(planned.time),
            out: Some(planned.out.clone()),
            seed: Some(planned.seed),
            resolutions,
            colours: fixed.map(|data| vec![data.colour]),
            space,
            fix,
            strategy: (planned.way == Way::Random).then_some(StrategyName::Random),
            method: Some(planned.way.method()),
            work_clock,
            threads: command.work.threads,
            quiet: true,
            ..SearchOptions::default()
        },
    })
}

/// What a search has come to.
fn outcome(planned: &Planned, summary: &Summary) -> Search {
    let objective = summary.run.objective;
    let recommended = summary.models.iter().find(|model| model.recommended);
    let data = recommended.and_then(|model| {
        let candidates = summary.candidates.iter();
        candidates.clone().find(|c| c.id == model.candidate)
    });
    let shares = |used: u64, allowed: u64| used as f64 / allowed as f64;
    let points: Vec<[f64; 3]> = (summary.models.iter())
        .map(|model| {
            [
                1.0 - model.test_score_int8(objective),
                shares(model.cost.arena_bytes, planned.limit.ram.0),
                shares(model.cost.flash_bytes, planned.limit.flash.0),
            ]
        })
        .collect();
    Search {
        limits: planned.limit.to_string(),
        time: planned.time.to_string(),
        seconds: planned.time.0.as_secs_f64(),
        took: summary.phases.iter().map(|phase| phase.seconds).sum(),
        method: planned.way.to_string(),
        role: planned.way.role(),
        seed: planned.seed,
        accuracy: recommended.map(|model| model.test_score_int8(objective)),
        validation: recommended.map(|model| model.val_score_int8(objective)),
        progress: progress(summary),
        hypervolume: hypervolume(&points, &[1.0; 3]),
        data: data.map_or(String::new(), |candidate| candidate.data_label.clone()),
    }
}

/// When the best score within the limits rose, and to what.
fn progress(summary: &Summary) -> Vec<(f64, f64)> {
    let mut best = f64::NEG_INFINITY;
    let candidates = summary.candidates.iter();
    let fitting = candidates.filter(|c| c.violation == 0.0 && c.is_scored());
    let rises = fitting.filter_map(|candidate| {
        let score = candidate.val_score(summary.run.objective);
        let rises = score > best;
        best = best.max(score);
        rises.then_some((candidate.at_seconds, score))
    });
    rises.collect()
}

fn as_json(search: &Search, planned: &Planned, summary: &Summary) -> Json {
    let recommended = summary.models.iter().find(|model| model.recommended);
    Json {
        limits: search.limits.clone(),
        time: search.time.clone(),
        seconds_taken: search.took,
        method: search.method.clone(),
        seed: search.seed,
        test_accuracy_int8: recommended.map(|model| model.test_accuracy_int8),
        val_accuracy_int8: recommended.map(|model| model.val_accuracy_int8),
        objective: result::objective_words(&summary.run),
        test_score_int8: search.accuracy,
        val_score_int8: search.validation,
        hypervolume: search.hypervolume,
        data: search.data.clone(),
        run: planned.out.clone(),
    }
}

/// Writes the page as far as it is known.
fn write_page(out: &Path, comparison: &Comparison) -> Outcome<()> {
    let page = comparison.page(CHART, QUALITY);
    write_atomic(&out.join(CHART), page.chart.as_bytes()).map_err(from_study)?;
    write_atomic(&out.join(QUALITY), page.quality.as_bytes()).map_err(from_study)?;
    write_atomic(&out.join("results.md"), page.page.as_bytes()).map_err(from_study)
}

/// What time is in this comparison.
fn clock_words(work_clock: Option<&Costs>) -> String {
    match work_clock {
        None => output::plural(rayon::current_num_threads(), "thread"),
        Some(costs) => format!(
            "the work of {} with {} and {}, whatever else this machine did",
            costs.processor,
            costs.isa,
            output::plural(costs.threads, "thread")
        ),
    }
}

/// How long it all takes.
fn projection(plan: &[Planned], work_clock: Option<&Costs>) -> String {
    let left = plan.iter().filter(|planned| !planned.made).count();
    let machine = work_clock.map_or(
        "",
        |_| " on the machine of the work clock, if it does nothing else",
    );
    format!(
        "{} to make, of {}: at most {}{machine}; they can be stopped, and the same command continues them",
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
