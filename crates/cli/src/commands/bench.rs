//! `danas bench`.

use std::time::Duration;

use danas_bench::{BenchError, Measurement, Options, Progress, Report, measure, names};
use danas_data::{Colour, DataSpace, Dataset, LoadOptions, Split};
use danas_supernet::workload::Workload;

use crate::args::BenchCommand;
use crate::commands::calibrate::calibrate;
use crate::config::{MAX_THREADS, within};
use crate::memory::MemoryLimit;
use crate::message::{Failure, Outcome, Status, from_data, nearest};
use crate::output::{self, Table, plural};
use crate::pipeline::{self, Found};
use crate::progress::Screen;
use crate::result::percent;

/// The most rounds that can be asked for.
const MAX_ROUNDS: usize = 1000;
/// How long a task is measured in each round, at least.
const SPAN: Duration = Duration::from_millis(300);
/// The share of a step that loading and augmentation are allowed.
const LOADING_GOAL: f64 = 0.05;

/// Measures and prints the figures.
pub(crate) fn bench(command: &BenchCommand) -> Outcome<Status> {
    if let Some(file) = &command.calibrate {
        return calibrate(command, file);
    }
    let options = options(command)?;
    let screen = Screen::new(command.quiet);
    let pictures = match &command.data {
        Some(source) => Some(pictures(source, command, &screen)?),
        None => None,
    };
    let task = screen.task("bench", "measurements");
    let told = |progress: Progress<'_>| {
        let share = progress.done as f64 / progress.total.max(1) as f64;
        task.update(share, progress.done as u64, || progress.task.to_string());
    };
    let report = measure(&options, pictures.as_ref(), &told).map_err(from_bench)?;
    task.finish(format!(
        "median of {} rounds with {} instructions",
        options.rounds, options.isa
    ));
    if command.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, &options))?;
    }
    Ok(Status::Done)
}

fn options(command: &BenchCommand) -> Outcome<Options> {
    let mut threads = match command.threads.is_empty() {
        true => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            danas_bench::thread_counts(cores.min(MAX_THREADS))
        }
        false => (command.threads.iter())
            .map(|&count| within("threads", count, MAX_THREADS))
            .collect::<Outcome<_>>()?,
    };
    threads.sort_unstable();
    threads.dedup();
    Ok(Options {
        isa: command.instructions.choice(),
        threads,
        rounds: within("rounds", command.rounds, MAX_ROUNDS)?,
        span: SPAN,
        only: command.only.clone(),
    })
}

/// Decodes pictures as finely as the workloads need them.
fn pictures(source: &str, command: &BenchCommand, screen: &Screen) -> Outcome<Dataset> {
    let configs = Workload::all().map(|workload| workload.candidate().data);
    let resolutions = configs.iter().map(|config| config.resolution).collect();
    let space = DataSpace::new(resolutions, vec![Colour::Mono, Colour::Rgb]).map_err(from_data)?;
    let source = source.parse().map_err(from_data)?;
    let dataset = match Found::at(&source, &command.reading.scan_options(0))? {
        Found::Listed(catalogue) => {
            let options = LoadOptions {
                finest: space.finest(),
                ..LoadOptions::default()
            };
            pipeline::decode(screen, &catalogue, &options)?
        }
        Found::Prepared(set) => {
            set.check_space(&space).map_err(from_data)?;
            pipeline::opened(*set, 0, MemoryLimit::resolve(command.memory)?)?
        }
    };
    screen.say(format!(
        "steps take their pictures from the {} of the training split",
        dataset.len(Split::Train)
    ));
    Ok(dataset)
}

/// A failure of the room of measurements.
fn from_bench(error: BenchError) -> Failure {
    match &error {
        BenchError::UnknownTask { name } => {
            let known = names();
            let hint = match nearest(name, known.iter().map(String::as_str)) {
                Some(nearest) => {
                    format!("did you mean `{nearest}`? `danas bench --help` lists all tasks")
                }
                None => "`danas bench --help` lists all tasks".to_string(),
            };
            Failure::input(error).hint(hint)
        }
        BenchError::NoPictures { .. } => {
            Failure::input(error).hint("name a folder of pictures with --data FOLDER")
        }
        _ => Failure::internal(error),
    }
}

fn text(report: &Report, options: &Options) -> String {
    let mut table = Table::new(&["task", "threads", "pictures/s", "GFLOP/s", "of peak"]);
    for result in &report.results {
        table.row([
            result.name.clone(),
            result.threads.to_string(),
            rate(result),
            format!("{:.1}", result.gflops),
            percent(result.peak_share),
        ]);
    }
    let most = options.threads.last().copied().unwrap_or(1);
    let mut text = format!(
        "{table}\npeak: {:.1} GFLOP/s in multiply-adds alone, {}, {}\n",
        report.peak_gflops,
        plural(most, "thread"),
        options.isa
    );
    for &threads in &options.threads {
        text.push_str(&elastic_line(report, threads));
        for workload in Workload::all() {
            text.push_str(&loading_line(report, workload.name(), threads));
        }
    }
    text
}

/// Three digits, or all of a large number.
fn rate(result: &Measurement) -> String {
    match result.images_per_second {
        rate @ 100.0.. => format!("{rate:.0}"),
        rate @ 10.0.. => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// What a small part of a supernet costs, if that was measured.
fn elastic_line(report: &Report, threads: usize) -> String {
    match report.shares("quarter-train", "largest-train", threads) {
        Some((arithmetic, time)) => format!(
            "elastic, {}: a part with {} of the largest network's multiply-accumulates takes {} of its time\n",
            plural(threads, "thread"),
            percent(arithmetic),
            percent(time)
        ),
        None => String::new(),
    }
}

/// What loading and augmentation add to a step, if that was measured.
fn loading_line(report: &Report, workload: &str, threads: usize) -> String {
    let (whole, fixed) = (
        format!("{workload}-train-pictures"),
        format!("{workload}-train-fixed"),
    );
    match report.shares(&fixed, &whole, threads) {
        Some((_, time)) => format!(
            "pictures, {workload}, {}: loading and augmentation take {} of a step (goal: at most {})\n",
            plural(threads, "thread"),
            percent(1.0 - time),
            percent(LOADING_GOAL)
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use danas_supernet::Isa;

    use super::*;

    fn result(name: &str, images_per_second: f64, gflops: f64) -> Measurement {
        Measurement {
            name: name.to_string(),
            isa: "portable",
            threads: 2,
            images_per_second,
            gflops,
            peak_share: gflops / 50.0,
        }
    }

    #[test]
    fn what_is_compared_is_said_in_words() {
        let report = Report {
            peak_gflops: 50.0,
            results: vec![
                result("largest-train", 10.0, 20.0),
                result("quarter-train", 25.0, 12.5),
                result("W1-train-pictures", 90.0, 9.0),
                result("W1-train-fixed", 100.0, 10.0),
            ],
        };
        let options = Options {
            isa: Isa::Portable,
            threads: vec![2],
            rounds: 1,
            span: SPAN,
            only: Vec::new(),
        };
        let text = text(&report, &options);
        assert!(text.contains("part with 25.0 % of"), "{text}");
        assert!(text.contains("takes 40.0 % of its time"), "{text}");
        assert!(
            text.contains("augmentation take 10.0 % of a step"),
            "{text}"
        );
        assert!(!text.contains("W2,"), "{text}");
    }
}
