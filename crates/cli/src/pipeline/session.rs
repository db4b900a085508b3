//! One session of work on a run: its folder, records, clock and screen.

use std::time::Instant;

use danas_data::Streams;
use danas_device::Target;
use danas_study::{PhaseRecord, RunFolder, Store, Study};

use crate::args::MethodName;
use crate::clock::{Clock, Phase, Plan, Until};
use crate::config::{Budget, Configuration};
use crate::interrupt;
use crate::message::{Failure, Outcome, from_study};
use crate::progress::{Screen, Task};

/// Keys of the small values that are kept with a run.
pub(crate) mod key {
    /// Seconds of the run's clock when it was last written.
    pub(crate) const CLOCK: &str = "clock";
    /// When the phases end.
    pub(crate) const PLAN: &str = "plan";
    /// Names of the phases that are over, each with when it ended in seconds of the run's clock: one value, so that no kill
    /// comes in between.
    pub(crate) const PHASES_ENDED: &str = "phases-ended";
    /// What was found at the source of examples.
    pub(crate) const EXAMPLES: &str = "examples";
    /// Bytes of pictures that an epoch mixes at a time.
    pub(crate) const MIXED: &str = "mixed";
    /// The limit on MACs that the time imposes, if any.
    pub(crate) const MACS_CAP: &str = "macs-cap-decided";
    /// The most seconds that a candidate was trained and scored for.
    pub(crate) const LONGEST_SCORE: &str = "longest-score";
    /// When final training ends, as trials of the evaluation say.
    pub(crate) const FINISHING_END: &str = "finishing-end";
    /// The candidates that are trained to the end.
    pub(crate) const CHOSEN: &str = "chosen";
    /// Those of them that are trained.
    pub(crate) const TRAINED: &str = "trained-until";
    /// The exit status of the finished run.
    pub(crate) const FINISHED: &str = "finished";
}

/// Seconds between two writings of the clock where nothing else is recorded.
const CLOCK_INTERVAL: f64 = 1.0;

/// A session of work on a run.
pub(crate) struct Session<'a> {
    pub(crate) config: &'a Configuration,
    pub(crate) target: &'a Target,
    pub(crate) folder: RunFolder,
    pub(crate) study: Study,
    pub(crate) clock: Clock,
    pub(crate) screen: Screen,
    pub(crate) streams: Streams,
}

impl<'a> Session<'a> {
    /// Starts a run or continues the one in the configured folder.
    ///
    /// # Errors
    /// If the folder cannot be used, is in use, or holds a run of another configuration.
    pub(crate) fn open(
        config: &'a Configuration,
        target: &'a Target,
        started: Instant,
        screen: Screen,
    ) -> Outcome<Self> {
        let opened =
            RunFolder::create_or_resume(&config.out, &config.to_toml()?).map_err(from_study)?;
        let before: Option<f64> = opened.study.get(key::CLOCK).map_err(from_study)?;
        let clock = match &config.work_clock {
            Some(costs) => Clock::of_work(costs.clone()),
            None => Clock::of_time(started),
        };
        let session = Session {
            config,
            target,
            folder: opened.folder,
            study: opened.study,
            clock: clock.after(before.unwrap_or(0.0)),
            screen,
            streams: Streams::new(config.seed),
        };
        if let (true, Some(before)) = (opened.resumed, before)
            && session.finished()?.is_none()
        {
            session.note(&format!(
                "continued after {}",
                crate::units::readable_seconds(before)
            ))?;
        }
        Ok(session)
    }

    /// The exit status that the run ended with, if it did.
    pub(crate) fn finished(&self) -> Outcome<Option<u8>> {
        self.study.get(key::FINISHED).map_err(from_study)
    }

    /// Keeps a small value.
    pub(crate) fn put<T>(&self, key: &str, value: &T) -> Outcome<()>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq,
    {
        self.study.put(key, value).map_err(from_study)
    }

    /// Keeps what was decided at this moment of the run's clock.
    pub(crate) fn decide<T>(&self, key: &str, value: T) -> Outcome<()>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq,
    {
        self.put(key, &(value, self.clock.seconds()))
    }

    /// What was decided. The clock of a continued run shows at least the moment at which it was.
    pub(crate) fn decided<T: serde::de::DeserializeOwned>(&self, key: &str) -> Outcome<Option<T>> {
        let found: Option<(T, f64)> = self.get(key)?;
        Ok(found.map(|(value, at)| {
            self.clock.reach(at);
            value
        }))
    }

    /// A small value that was kept.
    pub(crate) fn get<T: serde::de::DeserializeOwned>(&self, key: &str) -> Outcome<Option<T>> {
        self.study.get(key).map_err(from_study)
    }

    /// Writes the clock down.
    pub(crate) fn save_clock(&self) -> Outcome<()> {
        self.put(key::CLOCK, &self.clock.seconds())
    }

    /// Tells of an event, on the screen and in the report.
    pub(crate) fn note(&self, text: &str) -> Outcome<()> {
        self.screen.say(text);
        self.study.note(text).map_err(from_study)
    }

    /// Tells of an event while a task goes on.
    pub(crate) fn note_during(&self, task: &Task, text: &str) -> Outcome<()> {
        task.say(text);
        self.study.note(text).map_err(from_study)
    }

    /// The plan of the run's time, made now if there is none yet; `None` for a budget in steps.
    pub(crate) fn plan(&self) -> Outcome<Option<Plan>> {
        let Budget::Time(total) = self.config.budget else {
            return Ok(None);
        };
        if let Some(plan) = self.get(key::PLAN)? {
            return Ok(Some(plan));
        }
        let plan = Plan::divide(total.as_secs_f64(), self.clock.seconds());
        self.put(key::PLAN, &plan)?;
        Ok(Some(plan))
    }

    /// When a phase that trains or scores ends.
    pub(crate) fn until(&self, phase: Phase) -> Outcome<Until> {
        let steps = match self.config.budget {
            Budget::Steps(steps) => Some(steps),
            Budget::Time(_) => None,
        };
        let Some(plan) = self.plan()? else {
            let steps = steps.map_or(0, |steps| match phase {
                Phase::Supernet => steps.supernet,
                Phase::Search => steps.search,
                Phase::Finishing => steps.finishing,
                Phase::Data | Phase::Report => 0,
            });
            return Ok(Until::Steps(steps));
        };
        let (from, to) = self.span(&plan, phase);
        Ok(Until::Seconds { from, to })
    }

    /// Sets a work clock back to when the last phase ended: what a stopped session did since is done again, and counts
    /// once.
    pub(crate) fn begin_again(&self) -> Outcome<()> {
        if let Some((_, ended)) = self.ended()?.last() {
            self.clock.undo_work_since(*ended);
        }
        Ok(())
    }

    /// The phases that are over, in order, and when each ended.
    fn ended(&self) -> Outcome<Vec<(String, f64)>> {
        Ok(self.get(key::PHASES_ENDED)?.unwrap_or_default())
    }

    /// When the last phase ended.
    pub(crate) fn last_end(&self) -> Outcome<f64> {
        Ok(self.ended()?.last().map_or(0.0, |(_, ended)| *ended))
    }

    /// From when to when a phase is planned to last. Without a supernet for all, the search has the time of its training too.
    pub(crate) fn span(&self, plan: &Plan, phase: Phase) -> (f64, f64) {
        match (phase, self.config.method) {
            (Phase::Search, MethodName::Separate | MethodName::None) => (plan.data, plan.search),
            // It has what would be final training's as well, and leaves of it what making the best ready takes.
            (Phase::Search, MethodName::Paper) => (plan.data, plan.finishing),
            (Phase::Finishing, MethodName::Paper) => (plan.finishing, plan.finishing),
            _ => plan.span(phase),
        }
    }

    /// Whether a phase is over. The clock of a continued run shows at least the moment at which it ended.
    pub(crate) fn is_over(&self, phase: Phase) -> Outcome<bool> {
        let ended = self.ended()?;
        let found = ended.iter().find(|(name, _)| name == phase.name());
        if let Some((_, at)) = found {
            self.clock.reach(*at);
        }
        Ok(found.is_some())
    }

    /// Records that a phase is over and what was `done`; `reason` replaces the usual one.
    pub(crate) fn end_phase(
        &self,
        phase: Phase,
        done: String,
        reason: Option<String>,
    ) -> Outcome<()> {
        let now = self.clock.seconds();
        let begun = self.last_end()?;
        let planned = self.plan()?.map_or(now - begun, |plan| {
            let (from, to) = self.span(&plan, phase);
            to - from
        });
        let record = PhaseRecord {
            name: phase.name().to_string(),
            planned_seconds: planned.max(0.0),
            seconds: (now - begun).max(0.0),
            done,
            reason: reason.unwrap_or_else(|| phase.reason(self.config.budget)),
        };
        self.study.record_phase(&record).map_err(from_study)?;
        let mut ended = self.ended()?;
        ended.push((phase.name().to_string(), now));
        self.put(key::PHASES_ENDED, &ended)?;
        self.save_clock()
    }

    /// Fails if a stop was asked for. What is to be kept must be saved before.
    pub(crate) fn stop_if_asked(&self) -> Outcome<()> {
        if !interrupt::requested() {
            return Ok(());
        }
        self.save_clock()?;
        Err(Failure::interrupted(format!(
            "the run in {} is saved",
            self.folder.path().display()
        ))
        .hint("the same command continues it"))
    }
}

/// Decides when something is due again, by the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pacer {
    interval: f64,
    last: f64,
}

impl Pacer {
    /// Due `interval` seconds from now, and so on.
    pub(crate) fn every(interval: f64, clock: &Clock) -> Self {
        Pacer {
            interval,
            last: clock.seconds(),
        }
    }

    /// Due whenever the clock should be written.
    pub(crate) fn for_clock(clock: &Clock) -> Self {
        Self::every(CLOCK_INTERVAL, clock)
    }

    /// Whether it is due; if so, the next interval begins.
    pub(crate) fn due(&mut self, clock: &Clock) -> bool {
        let now = clock.seconds();
        let due = now - self.last >= self.interval;
        if due {
            self.last = now;
        }
        due
    }
}
