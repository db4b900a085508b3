//! Rounds of measurements, and the medians over them.

use std::time::{Duration, Instant};

use danas_data::Dataset;
use danas_kernels::Isa;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::BenchError;
use crate::peak;
use crate::report::{Measurement, Report};
use crate::tasks::{self, Subject};

/// What is measured, and how thoroughly.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The set of instructions, which the machine must have.
    pub isa: Isa,
    /// The numbers of threads, ascending, at least one; the largest is that of the peak.
    pub threads: Vec<usize>,
    /// How often every task is measured; the median counts.
    pub rounds: usize,
    /// How long each of these measurements is at least; a task always runs whole.
    pub span: Duration,
    /// The tasks by name (see [`names`](crate::names)); all if there are none.
    pub only: Vec<String>,
}

/// How far the measurement is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Measurements done.
    pub done: usize,
    /// Of how many.
    pub total: usize,
    /// The task that is next.
    pub task: &'a str,
}

/// The numbers of threads that show how the engine scales on `all` cores: every one up to 16, then doubled again and
/// again, and all.
pub fn thread_counts(all: usize) -> Vec<usize> {
    let doubled = std::iter::successors(Some(32), |count| Some(count * 2));
    let mut counts: Vec<usize> = (1..=16)
        .chain(doubled.take_while(|count| *count < all))
        .collect();
    counts.retain(|count| *count < all);
    counts.push(all.max(1));
    counts
}

/// Measures. Tasks with pictures use the training split of `pictures`.
///
/// # Errors
/// A task that does not exist or lacks its pictures, threads that cannot be started, a training that fails.
///
/// # Panics
/// If there are no threads or no rounds in the options, or the machine lacks the instructions.
pub fn measure(
    options: &Options,
    pictures: Option<&Dataset>,
    told: &dyn Fn(Progress<'_>),
) -> Result<Report, BenchError> {
    assert!(
        !options.threads.is_empty() && options.rounds > 0,
        "something has to be measured"
    );
    let groups = tasks::groups(&options.only, pictures.is_some())?;
    let pools = options
        .threads
        .iter()
        .map(|&threads| pool(threads))
        .collect::<Result<Vec<_>, _>>()?;
    let tasks: usize = groups.iter().map(|group| group.names.len()).sum();
    let mut session = Session {
        options,
        pools,
        told,
        done: 0,
        total: tasks * options.threads.len() * (options.rounds + 1),
        peak: 0.0,
        rates: Vec::new(),
    };
    for group in &groups {
        group.with_subjects(pictures, options.isa, |subjects| session.group(subjects))?;
    }
    Ok(session.report())
}

fn pool(threads: usize) -> Result<ThreadPool, BenchError> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| BenchError::Threads { threads, source })
}

/// The median speed of a task on a number of threads.
struct Rate {
    name: String,
    threads: usize,
    /// Runs per second.
    runs: f64,
    images: f64,
    operations: f64,
}

/// The course of a measurement.
struct Session<'a> {
    options: &'a Options,
    pools: Vec<ThreadPool>,
    told: &'a dyn Fn(Progress<'_>),
    done: usize,
    total: usize,
    peak: f64,
    rates: Vec<Rate>,
}

impl Session<'_> {
    /// All rounds of the tasks that are compared with each other.
    fn group(&mut self, mut subjects: Vec<Subject<'_>>) -> Result<(), BenchError> {
        for subject in &mut subjects {
            for pool in 0..self.pools.len() {
                // The first run allocates.
                self.run(pool, subject, Duration::ZERO)?;
            }
        }
        let mut seconds = vec![vec![Vec::new(); self.pools.len()]; subjects.len()];
        for _ in 0..self.options.rounds {
            let all = &self.pools[self.pools.len() - 1];
            self.peak = self
                .peak
                .max(peak::sample(self.options.isa, all, self.options.span));
            for (subject, seconds) in subjects.iter_mut().zip(&mut seconds) {
                for (pool, seconds) in seconds.iter_mut().enumerate() {
                    seconds.push(self.run(pool, subject, self.options.span)?);
                }
            }
        }
        for (subject, seconds) in subjects.iter().zip(&mut seconds) {
            for (&threads, seconds) in self.options.threads.iter().zip(seconds) {
                self.rates.push(Rate {
                    name: subject.name.clone(),
                    threads,
                    runs: 1.0 / median(seconds),
                    images: subject.images as f64,
                    operations: subject.operations as f64,
                });
            }
        }
        Ok(())
    }

    /// Runs a task for at least `span` on one of the pools. Returns the seconds of a run.
    fn run(
        &mut self,
        pool: usize,
        subject: &mut Subject<'_>,
        span: Duration,
    ) -> Result<f64, BenchError> {
        (self.told)(Progress {
            done: self.done,
            total: self.total,
            task: &subject.name,
        });
        self.done += 1;
        let (mut spent, mut runs) = (Duration::ZERO, 0);
        self.pools[pool].install(|| {
            while runs == 0 || spent < span {
                subject.task.prepare()?;
                let started = Instant::now();
                subject.task.run()?;
                spent += started.elapsed();
                runs += 1;
            }
            Ok(spent.as_secs_f64() / f64::from(runs))
        })
    }

    fn report(self) -> Report {
        let (isa, peak) = (self.options.isa.name(), self.peak);
        let results = self.rates.into_iter().map(|rate| {
            let gflops = rate.runs * rate.operations / 1e9;
            Measurement {
                name: rate.name,
                isa,
                threads: rate.threads,
                images_per_second: rate.runs * rate.images,
                gflops,
                peak_share: gflops / peak,
            }
        });
        Report {
            peak_gflops: peak,
            results: results.collect(),
        }
    }
}

/// The middle of some numbers, at least one; of an even number of them, the mean of the middle two.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) {
        (numbers[middle - 1] + numbers[middle]) / 2.0
    } else {
        numbers[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median(&mut [7.0]), 7.0);
    }

    #[test]
    fn few_threads_are_all_measured_and_many_in_steps() {
        assert_eq!(thread_counts(1), [1]);
        assert_eq!(thread_counts(3), [1, 2, 3]);
        assert_eq!(thread_counts(48)[15..], [16, 32, 48]);
        assert_eq!(thread_counts(64)[15..], [16, 32, 64]);
    }

    /// The smallest workload on two numbers of threads: that the figures belong together.
    #[test]
    fn a_measurement_is_consistent() {
        let options = Options {
            isa: Isa::detect(),
            threads: vec![1, 2],
            rounds: 2,
            span: Duration::from_millis(1),
            only: vec!["W3-inference".to_owned(), "W3-train".to_owned()],
        };
        let seen = std::cell::RefCell::new(Vec::new());
        let report = measure(&options, None, &|progress| {
            seen.borrow_mut().push((progress.done, progress.total));
        })
        .expect("a report");
        let expected: Vec<_> = (0..12).map(|done| (done, 12)).collect();
        assert_eq!(*seen.borrow(), expected);
        let names: Vec<_> = (report.results.iter())
            .map(|result| (result.name.as_str(), result.threads))
            .collect();
        assert_eq!(
            names,
            [
                ("W3-train", 1),
                ("W3-train", 2),
                ("W3-inference", 1),
                ("W3-inference", 2)
            ]
        );
        for result in &report.results {
            assert!(result.images_per_second > 0.0, "{result:?}");
            assert_eq!(result.peak_share, result.gflops / report.peak_gflops);
            let millions = result.gflops * 1e3 / result.images_per_second;
            let expected = if result.name == "W3-train" {
                18.1
            } else {
                18.1 / 3.0
            };
            assert!((millions / expected - 1.0).abs() < 0.02, "{result:?}");
        }
    }

    #[test]
    fn tasks_that_cannot_be_run_are_refused() {
        let refused = |name: &str| {
            let options = Options {
                isa: Isa::detect(),
                threads: vec![1],
                rounds: 1,
                span: Duration::ZERO,
                only: vec![name.to_owned()],
            };
            measure(&options, None, &|_| {}).expect_err("refused")
        };
        assert!(matches!(
            refused("W9-train"),
            BenchError::UnknownTask { .. }
        ));
        let error = refused("W1-train-pictures");
        assert!(matches!(error, BenchError::NoPictures { .. }));
    }
}
