//! The course of a training: step after step until it is over, continued from its checkpoint after a stop.

use std::path::PathBuf;

use danas_bench::{Load, Work};
use danas_data::Dataset;
use danas_supernet::{Checkpoint, FinalTrainer, StepReport, SupernetError, Trainer, TrainingEvent};

use crate::clock::Until;
use crate::interrupt;
use crate::message::{Blame, Outcome, from_data};
use crate::pipeline::checkpoint;
use crate::pipeline::session::{Pacer, Session};
use crate::progress::Task;

/// Something that is trained step by step.
pub(crate) trait Training {
    /// What a step is to a work clock.
    const WORK: Work;

    /// What the step that was just reported consisted of.
    fn load(&self, report: &StepReport) -> Load;

    /// One step, at a share of the whole training.
    fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError>;

    /// Steps done.
    fn steps(&self) -> u64;

    /// All that is needed to go on exactly from here.
    fn checkpoint(&self) -> Checkpoint;

    /// Goes on from a checkpoint.
    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError>;
}

impl Training for Trainer<'_> {
    const WORK: Work = Work::Sandwich;

    fn load(&self, report: &StepReport) -> Load {
        let classes = self.supernet().classes();
        let networks = self.networks();
        let pictures = report.images / networks.len().max(1);
        let load_of = |candidate| Load::of(candidate, classes, pictures);
        networks.iter().map(load_of).sum()
    }

    fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError> {
        Trainer::step(self, progress)
    }

    fn steps(&self) -> u64 {
        Trainer::steps(self)
    }

    fn checkpoint(&self) -> Checkpoint {
        Trainer::checkpoint(self)
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        Trainer::restore(self, checkpoint)
    }
}

impl Training for FinalTrainer<'_> {
    const WORK: Work = Work::Training;

    fn load(&self, report: &StepReport) -> Load {
        Load::of(self.candidate(), self.classes(), report.images)
    }

    fn step(&mut self, progress: f64) -> Result<StepReport, SupernetError> {
        FinalTrainer::step(self, progress)
    }

    fn steps(&self) -> u64 {
        FinalTrainer::steps(self)
    }

    fn checkpoint(&self) -> Checkpoint {
        FinalTrainer::checkpoint(self)
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), SupernetError> {
        FinalTrainer::restore(self, checkpoint)
    }
}

/// What every loop of training steps needs to know: when it is over, and how far it is.
pub(crate) struct StepLoop<'a> {
    session: &'a Session<'a>,
    until: Until,
    done: u64,
    begun: f64,
    last: f64,
    step_seconds: f64,
}

impl<'a> StepLoop<'a> {
    /// A loop that continues after `done` steps, of which the last took `step_seconds`.
    pub(crate) fn new(
        session: &'a Session<'a>,
        until: Until,
        done: u64,
        step_seconds: f64,
    ) -> Self {
        let now = session.clock.seconds();
        StepLoop {
            session,
            until,
            done,
            begun: now,
            last: now,
            step_seconds,
        }
    }

    /// Whether no further step should begin.
    pub(crate) fn is_over(&self) -> bool {
        (self.until).is_over(&self.session.clock, self.done, self.step_seconds)
    }

    /// The share of the loop that is over.
    pub(crate) fn progress(&self) -> f64 {
        self.until.progress(&self.session.clock, self.done)
    }

    /// Seconds since the loop began in this session.
    fn seconds(&self) -> f64 {
        self.session.clock.seconds() - self.begun
    }

    /// Takes note of a step and of the work that it was, and tells of what went wrong in it.
    pub(crate) fn stepped(
        &mut self,
        report: &StepReport,
        work: Work,
        load: impl FnOnce() -> Load,
        task: &Task,
    ) -> Outcome<()> {
        self.session.clock.spend(work, load);
        let now = self.session.clock.seconds();
        self.step_seconds = now - self.last;
        (self.done, self.last) = (report.step, now);
        match report.event {
            Some(event) => self.session.note_during(task, &words(event)),
            None => Ok(()),
        }
    }
}

/// Numbers that stand in a checkpoint beside the training's own: the run's clock, ...
const CLOCK: &str = "clock";
/// ... and how long the last step took, by which is foretold whether there is time for another.
const STEP_SECONDS: &str = "step_seconds";

/// A training in its run.
pub(crate) struct Course<'a, T> {
    pub(crate) training: T,
    session: &'a Session<'a>,
    /// What it trains on.
    dataset: &'a Dataset,
    /// Where its checkpoint is kept.
    path: PathBuf,
    step_seconds: f64,
}

impl<'a, T: Training> Course<'a, T> {
    /// Goes on from the checkpoint, if there is one.
    ///
    /// # Errors
    /// If the checkpoint cannot be read or is of another training.
    pub(crate) fn open(
        session: &'a Session<'a>,
        dataset: &'a Dataset,
        mut training: T,
        path: PathBuf,
    ) -> Outcome<Self> {
        let mut step_seconds = 0.0;
        if let Some(checkpoint) = checkpoint::load(&path)? {
            training.restore(&checkpoint).or_internal()?;
            session.clock.reach(checkpoint.number(CLOCK).or_internal()?);
            step_seconds = checkpoint.number(STEP_SECONDS).or_internal()?;
        }
        Ok(Course {
            training,
            session,
            dataset,
            path,
            step_seconds,
        })
    }

    /// Trains until it is over, and tells of every step with the share of the training that is over. Returns the seconds
    /// that it took in this session.
    ///
    /// # Errors
    /// If training diverges for good, a checkpoint cannot be written, or a stop was asked for.
    pub(crate) fn run(
        &mut self,
        until: Until,
        task: &Task,
        tell: impl Fn(f64, &StepReport),
    ) -> Outcome<f64> {
        let session = self.session;
        let mut pacer = Pacer::every(checkpoint::INTERVAL, &session.clock);
        let mut steps = StepLoop::new(session, until, self.training.steps(), self.step_seconds);
        while !steps.is_over() {
            let report = self.training.step(steps.progress()).or_internal()?;
            self.dataset.check_intact().map_err(from_data)?;
            steps.stepped(&report, T::WORK, || self.training.load(&report), task)?;
            self.step_seconds = steps.step_seconds;
            tell(steps.progress(), &report);
            if pacer.due(&session.clock) || interrupt::requested() {
                self.save()?;
            }
            session.stop_if_asked()?;
        }
        self.save()?;
        Ok(steps.seconds())
    }

    fn save(&self) -> Outcome<()> {
        let mut checkpoint = self.training.checkpoint();
        checkpoint.set_number(CLOCK, self.session.clock.seconds());
        checkpoint.set_number(STEP_SECONDS, self.step_seconds);
        checkpoint::save(&self.path, &checkpoint)?;
        self.session.save_clock()
    }
}

/// An event of training in words.
fn words(event: TrainingEvent) -> String {
    match event {
        TrainingEvent::Diverged {
            step,
            restored,
            factor,
        } => format!(
            "training diverged at step {step}; went back to the weights of step {restored} and learns with {factor} of the rate from now on"
        ),
        TrainingEvent::Collapsed { step, loss, factor } => format!(
            "training had collapsed at step {step} (loss {loss:.3}, no better than guessing); went back and learns with {factor} of the rate from now on"
        ),
        other => format!("{other:?}"),
    }
}
