//! The weights that candidates start from: those of one supernet for all, of one per data configuration, or none.

use std::collections::BTreeMap;

use danas_data::{DataConfig, Dataset};
use danas_space::{Candidate, Sampler, SearchSpace};
use danas_supernet::{FinalTrainer, Supernet};

use crate::args::MethodName;
use crate::clock::{Phase, Until};
use crate::config::Budget;
use crate::message::Outcome;
use crate::pipeline::course::Course;
use crate::pipeline::session::Session;
use crate::pipeline::training;

/// Where candidates get their weights from.
pub(crate) enum Weights<'a> {
    /// One supernet, with whose weights they are scored as they are, and how many pictures it has seen.
    Shared(Box<Supernet>, u64),
    /// Weights with which they need training of their own.
    Unshared(Box<Starts<'a>>),
}

/// Weights to begin a training with.
pub(crate) struct Starts<'a> {
    session: &'a Session<'a>,
    dataset: &'a Dataset,
    /// Weights that were never trained.
    fresh: Supernet,
    /// The networks as which supernets are trained; none where there are no supernets.
    wholes: Wholes,
    /// The supernets that were asked for.
    trained: BTreeMap<DataConfig, Supernet>,
}

/// One network for every data configuration, of which its other candidates are parts.
pub(crate) type Wholes = BTreeMap<DataConfig, Candidate>;

/// The largest network of every data configuration.
pub(crate) fn wholes(sampler: &Sampler<'_>) -> Wholes {
    let largest = |&config| Some((config, sampler.largest_for(config)?.clone()));
    sampler
        .feasible_configs()
        .iter()
        .filter_map(largest)
        .collect()
}

/// How far a candidate is from being a part of its data configuration's whole network.
pub(crate) fn excess(wholes: &Wholes, candidate: &Candidate) -> f64 {
    match wholes.get(&candidate.data) {
        Some(whole) => candidate.network.excess_over(&whole.network),
        None => f64::INFINITY,
    }
}

impl<'a> Weights<'a> {
    /// The weights of the method that was asked for. One supernet for all is trained now, others when they are needed;
    /// `wholes` are the networks that are trained then.
    ///
    /// # Errors
    /// Those of training.
    pub(crate) fn new(
        session: &'a Session<'a>,
        space: &SearchSpace,
        dataset: &'a Dataset,
        sampler: &Sampler<'_>,
        wholes: Wholes,
    ) -> Outcome<Self> {
        if session.config.method == MethodName::Shared {
            let (supernet, seen) = training::train(session, space, dataset, sampler)?;
            return Ok(Weights::Shared(Box::new(supernet), seen));
        }
        Ok(Self::unshared(session, space, dataset, wholes))
    }

    /// Weights that were never trained, and will not be for several candidates.
    pub(crate) fn untrained(
        session: &'a Session<'a>,
        space: &SearchSpace,
        dataset: &'a Dataset,
    ) -> Self {
        Self::unshared(session, space, dataset, Wholes::new())
    }

    fn unshared(
        session: &'a Session<'a>,
        space: &SearchSpace,
        dataset: &'a Dataset,
        wholes: Wholes,
    ) -> Self {
        Weights::Unshared(Box::new(Starts {
            session,
            dataset,
            fresh: training::fresh(session, space, dataset),
            wholes,
            trained: BTreeMap::new(),
        }))
    }

    /// How many pictures the weights that all candidates start from have seen.
    pub(crate) fn seen(&self) -> u64 {
        match self {
            Weights::Shared(_, seen) => *seen,
            Weights::Unshared(_) => 0,
        }
    }

    /// The weights that candidates of a data configuration start from.
    ///
    /// # Errors
    /// Those of training.
    pub(crate) fn of(&mut self, config: DataConfig) -> Outcome<&Supernet> {
        match self {
            Weights::Shared(supernet, _) => Ok(supernet),
            Weights::Unshared(starts) => starts.of(config),
        }
    }
}

impl Starts<'_> {
    /// The weights that candidates of a data configuration start from. Its supernet, if it has one, is trained when it is
    /// first asked for.
    ///
    /// # Errors
    /// Those of training.
    pub(crate) fn of(&mut self, config: DataConfig) -> Outcome<&Supernet> {
        if let (Some(whole), false) = (self.wholes.get(&config), self.trained.contains_key(&config))
        {
            let supernet = self.train(whole)?;
            self.trained.insert(config, supernet);
        }
        Ok(self.trained.get(&config).unwrap_or(&self.fresh))
    }

    /// Trains the supernet of one data configuration, as the one network that holds all of its candidates.
    fn train(&self, whole: &Candidate) -> Outcome<Supernet> {
        let session = self.session;
        let options = session.config.final_training();
        let trainer =
            FinalTrainer::new(&self.fresh, whole, self.dataset, options, &session.streams);
        let name = format!("supernet-{}", whole.data).replace(' ', "-");
        let path = session.folder.path().join(format!("{name}.safetensors"));
        let mut course = Course::open(session, self.dataset, trainer, path)?;
        let trained = format!("{name}-steps");
        if session.decided::<u64>(&trained)?.is_none() {
            let until = until_of(session, &name, self.wholes.len())?;
            let task = session
                .screen
                .task(&format!("supernet {}", whole.data), "steps");
            course.run(until, &task, |progress, report| {
                task.update(progress, report.step, || format!("loss {:.3}", report.loss));
            })?;
            let steps = course.training.steps();
            session.decide(&trained, steps)?;
            task.finish(format!("{steps} steps of one network"));
        }
        Ok(course.training.into_supernet())
    }
}

/// When the training of one of so many supernets ends: each gets the same share of the time that one for all would get,
/// but none trains beyond the search. Decided when it begins, and kept for a continued run.
fn until_of(session: &Session<'_>, key: &str, supernets: usize) -> Outcome<Until> {
    let steps = match session.config.budget {
        Budget::Steps(steps) => steps.supernet,
        Budget::Time(_) => 0,
    };
    let Some(plan) = session.plan()? else {
        return Ok(Until::Steps(steps));
    };
    let (from, to) = match session.get(key)? {
        Some((from, to)) => (from, to),
        None => {
            let now = session.clock.seconds();
            let share = plan.planned(Phase::Supernet) / supernets.max(1) as f64;
            let (_, end) = session.span(&plan, Phase::Search);
            let span = (now, (now + share).min(end).max(now));
            session.put(key, &span)?;
            span
        }
    };
    session.clock.reach(from);
    Ok(Until::Seconds { from, to })
}
