//! `danas compare`.

mod plan;
mod record;
mod way;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use danas_bench::Costs;
use danas_report::Comparison;
use danas_study::write_atomic;
use serde::Serialize;

use crate::args::{
    CompareCommand, Resolutions, SearchCommand, SearchOptions, StrategyName, WorkClock,
};
use crate::commands::board;
use crate::config::{Configuration, costs, within};
use crate::message::{Failure, Outcome, Status, from_study};
use crate::output;
use crate::pipeline;
use crate::progress::Screen;
use crate::result::percent;
use crate::units::readable_seconds;
use plan::{Planned, plan};
use record::{Record, Records};
use way::Way;

/// The most seeds that can be asked for.
const MAX_SEEDS: usize = 1000;
/// The page's pictures.
const CHART: &str = "results.svg";
const QUALITY: &str = "quality.svg";

/// What `--json` prints of every search.
#[derive(Debug, Serialize)]
struct Json {
    #[serde(flatten)]
    record: Record,
    /// The run's folder, where there is one.
    run: Option<PathBuf>,
}

/// Makes all searches that are not made yet, and the page about them.
pub(crate) fn compare(command: &CompareCommand) -> Outcome<Status> {
    let screen = Screen::new(command.work.quiet);
    let seeds = within("seeds", command.seeds, MAX_SEEDS)? as u64;
    let board_name = board(&command.board, None)?.title;
    // Looking at the examples, which the plan may need, already takes threads.
    pipeline::use_threads(command.work.threads)?;
    let work_clock = command.work_clock.clone().map(WorkClock::File);
    let work_clock = work_clock.map(costs).transpose()?;
    let mut records = Records::open(&command.out, &common_options(command, &work_clock))?;
    let plan = plan(command, seeds)?;
    // The times of the searches that are to be made, by their places in the plan.
    let is_made =
        |planned: &Planned| planned.has_finished_run || records.of(&planned.key()).is_some();
    let to_make: Vec<Option<Duration>> = (plan.iter())
        .map(|planned| (!is_made(planned)).then_some(planned.time.0))
        .collect();
    screen.say(projection(&to_make, work_clock.as_ref()));
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
        let known = records.of(&planned.key()).cloned();
        let record = match known.filter(|_| !planned.has_finished_run) {
            Some(record) => record,
            None => make(planned, configuration(command, planned, &work_clock)?)?,
        };
        records.keep(record.clone())?;
        let search = record.search(planned);
        comparison.measure.clone_from(&record.objective);
        screen.say(format!(
            "{} of {}: {}, {}, {}, seed {}: {}; {} left",
            index + 1,
            plan.len(),
            search.method,
            search.limits,
            search.time,
            search.seed,
            (search.accuracy).map_or_else(|| search.role.nothing().to_string(), percent),
            readable_seconds(seconds_of(&to_make[index + 1..])),
        ));
        let run = planned.out.exists().then(|| planned.out.clone());
        listed.push(Json { record, run });
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

/// Makes a search, or looks at its finished run.
fn make(planned: &Planned, config: Configuration) -> Outcome<Record> {
    let finished = pipeline::run(config, Instant::now())?;
    Ok(Record::of(planned, &finished.summary))
}

/// What all searches of a comparison have in common.
fn common_options(command: &CompareCommand, work_clock: &Option<Costs>) -> SearchOptions {
    SearchOptions {
        data: Some(command.data.clone()),
        reading: command.reading.clone(),
        board: Some(command.board.clone()),
        objective: command.objective.clone(),
        work_clock: work_clock.clone().map(Box::new).map(WorkClock::Costs),
        ..SearchOptions::default()
    }
}

fn configuration(
    command: &CompareCommand,
    planned: &Planned,
    work_clock: &Option<Costs>,
) -> Outcome<Configuration> {
    let fixed = planned.way.data();
    let (space, fix) = planned.way.networks();
    let resolutions = fixed
        .map(|data| Resolutions::checked(vec![data.resolution]))
        .transpose()
        .map_err(Failure::input_text)?;
    Configuration::resolve(SearchCommand {
        config: None,
        preset: None,
        instructions: command.work.instructions,
        options: SearchOptions {
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
            threads: command.work.threads,
            quiet: true,
            ..common_options(command, work_clock)
        },
    })
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
fn projection(to_make: &[Option<Duration>], work_clock: Option<&Costs>) -> String {
    let machine = work_clock.map_or(
        "",
        |_| " on the machine of the work clock, if it does nothing else",
    );
    format!(
        "{} to make, of {}: at most {}{machine}; they can be stopped, and the same command continues them",
        output::plural(to_make.iter().flatten().count(), "search"),
        to_make.len(),
        readable_seconds(seconds_of(to_make)),
    )
}

fn seconds_of(to_make: &[Option<Duration>]) -> f64 {
    to_make.iter().flatten().sum::<Duration>().as_secs_f64()
}
