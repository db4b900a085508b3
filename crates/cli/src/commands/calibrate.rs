//! `danas bench --calibrate`.

use std::path::Path;

use danas_bench::Work;
use danas_study::write_atomic;
use serde::Serialize;

use crate::args::BenchCommand;
use crate::config::{MAX_THREADS, within};
use crate::message::{Blame, Failure, Outcome, Status, from_study};
use crate::output::{self, Table};
use crate::pipeline::{self, Calibration, Thoroughness};
use crate::progress::Screen;
use crate::result::percent;

/// The pictures that work is timed on where none are named.
const PICTURES: &str = "synthetic:objects";

/// What `--json` prints of every kind of work.
#[derive(Debug, Serialize)]
struct Json {
    work: Work,
    held_out: usize,
    median_error: f64,
    worst_error: f64,
}

/// Measures what work costs, writes it to `file`, and prints how well it is known.
pub(super) fn calibrate(command: &BenchCommand, file: &Path) -> Outcome<Status> {
    let threads = match command.threads[..] {
        [] => None,
        [threads] => Some(within("threads", threads, MAX_THREADS)?),
        _ => {
            return Err(Failure::input_text(
                "a calibration is of one number of threads",
            ));
        }
    };
    pipeline::use_threads(threads)?;
    let screen = Screen::new(command.quiet);
    let source = command.data.as_deref().unwrap_or(PICTURES);
    let isa = command.instructions.choice();
    let reading = command.reading.scan_options(0);
    let calibration = pipeline::calibrate(&screen, source, &reading, isa, Thoroughness::USUAL)?;
    let text = file_text(&calibration, source)?;
    write_atomic(file, text.as_bytes()).map_err(from_study)?;
    if command.json {
        let fits = calibration.fits.iter().map(|(work, fit)| Json {
            work: *work,
            held_out: fit.held_out,
            median_error: fit.median_error,
            worst_error: fit.worst_error,
        });
        output::print_json(&fits.collect::<Vec<_>>())?;
    } else {
        output::print(&format!("{}\n{}\n", table(&calibration), file.display()))?;
    }
    Ok(Status::Done)
}

fn file_text(calibration: &Calibration, source: &str) -> Outcome<String> {
    let costs = toml::to_string(&calibration.costs).or_internal()?;
    let errors: String = (table(calibration).to_string().lines())
        .map(|line| format!("#   {line}\n"))
        .collect();
    Ok(format!(
        "# Seconds of a search's work, measured by danas {} on {}. Relative errors on work that they were not fitted to:\n\
         {errors}\n{costs}",
        env!("CARGO_PKG_VERSION"),
        source.replace('\n', " "),
    ))
}

fn table(calibration: &Calibration) -> Table {
    let mut table = Table::new(&["work", "held out", "median error", "worst error"]);
    for (work, fit) in &calibration.fits {
        table.row([
            work.to_string(),
            fit.held_out.to_string(),
            percent(fit.median_error),
            percent(fit.worst_error),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use danas_bench::{Costs, Fit, Load, Rates};

    use super::*;
    use crate::args::WorkClock;
    use crate::config::costs;

    #[test]
    fn what_is_written_is_a_work_clock() {
        let rates = Rates {
            piece: 1.25e-4,
            mac: 1.7e-11,
            ..Rates::default()
        };
        let fit = Fit {
            rates,
            held_out: 4,
            median_error: 0.03,
            worst_error: 0.2,
        };
        let calibration = Calibration {
            costs: Costs::new("a \"processor\"".into(), "avx2".into(), 2, |_| rates),
            fits: vec![(Work::Sandwich, fit)],
        };
        let text = file_text(&calibration, "two\nlines").unwrap();
        assert!(
            text.contains("sandwich") && text.contains("3.0 %"),
            "{text}"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("machine.toml");
        std::fs::write(&file, text).unwrap();
        let read = costs(WorkClock::File(file)).unwrap();
        assert_eq!(read, calibration.costs);
        let load = Load::of_pixels(5.0);
        assert_eq!(read.seconds(Work::Int8, &load), 1.25e-4);
    }
}
