//! The run's own clock, and how the time of a run is divided.

use std::cell::Cell;
use std::time::Instant;

use danas_bench::{Costs, Load, Work};
use serde::{Deserialize, Serialize};

use crate::args::Steps;
use crate::config::Budget;

/// Seconds of a run, over all sessions that worked on it.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    hand: Hand,
    /// What came before: earlier sessions, and all work of a work clock.
    before: Cell<f64>,
}

/// What moves a clock.
#[derive(Debug, Clone)]
enum Hand {
    /// Time, from this moment on.
    Time(Instant),
    /// Nothing but work that is done, by what it costs: the clock of a machine that never does anything else.
    Work(Box<Costs>),
}

impl Clock {
    /// The wall clock of a run that `started` with this process.
    pub(crate) fn of_time(started: Instant) -> Self {
        Clock {
            hand: Hand::Time(started),
            before: Cell::new(0.0),
        }
    }

    /// A clock that only work moves.
    pub(crate) fn of_work(costs: Costs) -> Self {
        Clock {
            hand: Hand::Work(Box::new(costs)),
            before: Cell::new(0.0),
        }
    }

    /// The clock of a run on which earlier sessions worked for `before` seconds.
    pub(crate) fn after(self, before: f64) -> Self {
        self.before.set(before);
        self
    }

    /// Seconds so far.
    pub(crate) fn seconds(&self) -> f64 {
        let running = match &self.hand {
            Hand::Time(started) => started.elapsed().as_secs_f64(),
            Hand::Work(_) => 0.0,
        };
        self.before.get() + running
    }

    /// Tells of work that was done. It moves a work clock; the wall clock has moved by itself.
    pub(crate) fn spend(&self, work: Work, load: impl FnOnce() -> Load) {
        if let Hand::Work(costs) = &self.hand {
            let seconds = costs.seconds(work, &load());
            self.before.set(self.before.get() + seconds);
        }
    }

    /// Sets a work clock back to a moment; time that has passed is over.
    pub(crate) fn undo_work_since(&self, seconds: f64) {
        if let Hand::Work(_) = self.hand {
            self.before.set(seconds);
        }
    }

    /// Makes the clock show at least `seconds`: that is when something was recorded which a continued run takes over.
    pub(crate) fn reach(&self, seconds: f64) {
        let missing = (seconds - self.seconds()).max(0.0);
        self.before.set(self.before.get() + missing);
    }
}

/// When a phase is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// From one second of the run's clock to another.
    Seconds {
        /// When it began.
        from: f64,
        /// When it ends.
        to: f64,
    },
    /// After so many steps.
    Steps(u64),
}

impl Until {
    /// The share of the phase that is over after `done` steps, 0 to 1. With steps it depends on nothing else.
    pub(crate) fn progress(&self, clock: &Clock, done: u64) -> f64 {
        match *self {
            Until::Seconds { from, to } => {
                let length = (to - from).max(f64::MIN_POSITIVE);
                ((clock.seconds() - from) / length).clamp(0.0, 1.0)
            }
            Until::Steps(0) => 1.0,
            Until::Steps(steps) => (done as f64 / steps as f64).clamp(0.0, 1.0),
        }
    }

    /// A phase that is over so many seconds earlier.
    pub(crate) fn earlier_by(self, seconds: f64) -> Self {
        match self {
            Until::Seconds { from, to } => Until::Seconds {
                from,
                to: to - seconds,
            },
            Until::Steps(steps) => Until::Steps(steps),
        }
    }

    /// Whether a step of `step_seconds` would begin after the end or, by more than a half, end after it.
    pub(crate) fn is_over(&self, clock: &Clock, done: u64, step_seconds: f64) -> bool {
        match *self {
            Until::Seconds { to, .. } => clock.seconds() + step_seconds / 2.0 >= to,
            Until::Steps(steps) => done >= steps,
        }
    }
}

/// When each phase of a run ends, in seconds of the run's clock. Made once, when the data is loaded, and kept with the
/// run, so that a continued run keeps to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// When the data was there.
    pub(crate) data: f64,
    /// End of the supernet's training.
    pub(crate) supernet: f64,
    /// End of the search.
    pub(crate) search: f64,
    /// End of final training.
    pub(crate) finishing: f64,
    /// End of everything.
    pub(crate) end: f64,
}

impl Plan {
    /// Shares of the time that is left once the data is loaded.
    pub(crate) const SUPERNET: f64 = 0.50;
    pub(crate) const SEARCH: f64 = 0.10;
    /// Kept for calibration, evaluation and the report; replaced by a measurement before final training begins.
    pub(crate) const EVALUATION: f64 = 0.03;
    /// The process must end, and files be flushed, inside the budget too.
    const CLOSING_SECONDS: f64 = 0.3;

    /// Divides `total` seconds, of which `used` are over.
    ///
    /// Half of the rest goes to the supernet, because every score and every final training starts from its weights; a
    /// tenth to the search, whose scores cost a small part of a training step each; the others to final training, which the
    /// accuracy of the exported models depends on most directly (`docs/ablations.md`).
    pub(crate) fn divide(total: f64, used: f64) -> Self {
        let end = (total - Self::CLOSING_SECONDS).max(used);
        let rest = end - used;
        Plan {
            data: used,
            supernet: used + Self::SUPERNET * rest,
            search: used + (Self::SUPERNET + Self::SEARCH) * rest,
            finishing: end - Self::EVALUATION * rest,
            end,
        }
    }

    /// From when to when a phase lasts.
    pub(crate) fn span(&self, phase: Phase) -> (f64, f64) {
        match phase {
            Phase::Data => (0.0, self.data),
            Phase::Supernet => (self.data, self.supernet),
            Phase::Search => (self.supernet, self.search),
            Phase::Finishing => (self.search, self.finishing),
            Phase::Report => (self.finishing, self.end),
        }
    }

    /// Seconds set aside for a phase.
    pub(crate) fn planned(&self, phase: Phase) -> f64 {
        let (from, to) = self.span(phase);
        to - from
    }
}

/// A stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Finding and decoding the examples.
    Data,
    /// Training the supernet.
    Supernet,
    /// Scoring candidates.
    Search,
    /// Training the best on.
    Finishing,
    /// Quantisation, evaluation and the report.
    Report,
}

impl Phase {
    /// Its name in the records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Phase::Data => "data",
            Phase::Supernet => "supernet",
            Phase::Search => "search",
            Phase::Finishing => "final training",
            Phase::Report => "report",
        }
    }

    /// Why it is given the time it is given.
    pub(crate) fn reason(self, budget: Budget) -> String {
        let why = match (self, budget) {
            (Phase::Data, _) => "examples are read once, whatever it takes",
            (Phase::Report, _) => {
                "quantisation and evaluation of the written files: as long as a trial of every model said it takes, and a little for fine-tuning what quantisation damages"
            }
            (_, Budget::Steps(Steps { .. })) => "as many steps as were asked for",
            (Phase::Supernet, _) => {
                "every score and every final training starts from these weights"
            }
            (Phase::Search, _) => {
                "a score costs a fraction of a training step, and the front settles early"
            }
            (Phase::Finishing, _) => {
                "all the rest but the evaluation: accuracy of the exported models depends on it most directly"
            }
        };
        match (self, budget) {
            (Phase::Supernet, Budget::Time(_)) => format!("{}: {why}", share_words(Plan::SUPERNET)),
            (Phase::Search, Budget::Time(_)) => format!("{}: {why}", share_words(Plan::SEARCH)),
            _ => why.to_string(),
        }
    }
}

/// A share of what the phases after loading divide.
pub(crate) fn share_words(share: f64) -> String {
    format!("{:.0} % of the time after loading", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use danas_bench::Rates;

    use super::*;

    #[test]
    fn the_phases_fill_the_time_in_order() {
        let plan = Plan::divide(600.0, 20.0);
        let ends = [
            plan.data,
            plan.supernet,
            plan.search,
            plan.finishing,
            plan.end,
        ];
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
        assert!(plan.end <= 600.0 && plan.end > 599.0);
        let phases = [
            Phase::Data,
            Phase::Supernet,
            Phase::Search,
            Phase::Finishing,
            Phase::Report,
        ];
        let sum: f64 = phases.iter().map(|&phase| plan.planned(phase)).sum();
        assert!((sum - plan.end).abs() < 1e-9);
    }

    #[test]
    fn a_budget_that_loading_used_up_leaves_nothing() {
        let plan = Plan::divide(10.0, 15.0);
        assert_eq!(plan.planned(Phase::Supernet), 0.0);
        assert_eq!(plan.end, 15.0);
    }

    #[test]
    fn a_work_clock_moves_by_work_alone() {
        let second_per_layer = |_| Rates {
            layer: 1.0,
            ..Rates::default()
        };
        let clock = Clock::of_work(Costs::new(
            String::new(),
            String::new(),
            1,
            second_per_layer,
        ));
        let work = |layers: f64| {
            clock.spend(Work::Training, || Load {
                layers,
                ..Load::default()
            });
            clock.seconds()
        };
        assert_eq!(clock.seconds(), 0.0);
        assert_eq!(work(2.0), 2.0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert_eq!(work(0.5), 2.5);
        clock.reach(2.0);
        assert_eq!(clock.seconds(), 2.5);
        clock.reach(7.0);
        assert_eq!(work(1.0), 8.0);
        clock.undo_work_since(6.0);
        assert_eq!(work(1.0), 7.0);
    }

    #[test]
    fn steps_depend_on_nothing_but_steps() {
        let clock = Clock::of_time(Instant::now()).after(1e6);
        let until = Until::Steps(8);
        assert_eq!(until.progress(&clock, 2), 0.25);
        assert!(!until.is_over(&clock, 7, 1e9));
        assert!(until.is_over(&clock, 8, 0.0));
        assert!(
            Until::Seconds {
                from: 0.0,
                to: 10.0
            }
            .is_over(&clock, 0, 0.0)
        );
    }
}
