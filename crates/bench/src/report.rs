//! What was measured.

use serde::Serialize;

/// The speed of a task on a number of threads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// The task, for example `W1-train`.
    pub name: String,
    /// The set of instructions.
    pub isa: &'static str,
    /// The number of threads.
    pub threads: usize,
    /// Pictures per second, through all networks of the task; the median over the rounds.
    pub images_per_second: f64,
    /// Billions of floating-point operations per second: 2 per multiply-accumulate of the network in inference, 6 in
    /// training.
    pub gflops: f64,
    /// `gflops` as a share of the peak of all threads, 0 to 1.
    pub peak_share: f64,
}

impl Measurement {
    /// Operations per picture.
    fn operations(&self) -> f64 {
        self.gflops / self.images_per_second
    }
}

/// All measurements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Billions of floating-point operations per second that the largest number of threads measured makes in a loop
    /// of multiply-adds without memory; the best of all rounds.
    pub peak_gflops: f64,
    /// One for every task and number of threads.
    pub results: Vec<Measurement>,
}

impl Report {
    /// The measurement of a task on a number of threads.
    pub fn find(&self, name: &str, threads: usize) -> Option<&Measurement> {
        (self.results.iter()).find(|result| result.name == name && result.threads == threads)
    }

    /// Arithmetic and time per picture of the task `part`, as shares of those of the task `whole`.
    pub fn shares(&self, part: &str, whole: &str, threads: usize) -> Option<(f64, f64)> {
        let (part, whole) = (self.find(part, threads)?, self.find(whole, threads)?);
        Some((
            part.operations() / whole.operations(),
            whole.images_per_second / part.images_per_second,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_arithmetic_and_of_time_per_picture() {
        let result = |name: &str, images_per_second, gflops| Measurement {
            name: name.to_owned(),
            isa: "portable",
            threads: 2,
            images_per_second,
            gflops,
            peak_share: gflops / 100.0,
        };
        let report = Report {
            peak_gflops: 100.0,
            results: vec![result("whole", 10.0, 20.0), result("part", 30.0, 15.0)],
        };
        assert_eq!(report.shares("part", "whole", 2), Some((0.25, 1.0 / 3.0)));
        assert_eq!(report.shares("part", "whole", 1), None);
        assert_eq!(report.shares("part", "other", 2), None);
    }
}
