//! The contract between a search and whatever keeps its records.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    AuditRecord, CandidateRecord, ModelRecord, PhaseRecord, RunRecord, StudyError, Summary,
};

/// Keeps the records of one run.
///
/// Every implementation promises, and [`crate::conformance`] checks:
/// - **Durable**: when a method that records returns `Ok`, the record is there for whoever opens the store next,
///   even if this process is killed at once (of an in-memory store: as long as its backend lives).
/// - **Whole**: a method that returns an error has changed nothing.
/// - **Exact**: every value comes back equal to what was given, without rounding. What could not (not a number,
///   infinite, beyond 2^63 - 1) is refused with [`StudyError::NotRecordable`].
/// - **Ordered**: lists come back in the order that their method states, always.
///
/// Methods take `&self`: a store may be shared by the threads of a process.
pub trait Store {
    /// The configuration that the run was started with, as TOML.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn config(&self) -> Result<String, StudyError>;

    /// Records a scored candidate and returns its id: 1, 2, 3, ... in the order of recording, without gaps.
    /// `candidate.id` is ignored. A genome that was recorded before keeps its first record, whose id is returned.
    ///
    /// # Errors
    /// When a value cannot be recorded exactly or the store cannot be written.
    fn record_candidate(&self, candidate: &CandidateRecord) -> Result<u64, StudyError>;

    /// All candidates, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn candidates(&self) -> Result<Vec<CandidateRecord>, StudyError>;

    /// Records the finished model of a candidate in place of an earlier one of the same candidate. A run recommends
    /// one model: recording one with `recommended` takes the recommendation away from all others.
    ///
    /// # Errors
    /// [`StudyError::UnknownCandidate`] if there is no such candidate; and as for candidates.
    fn record_model(&self, model: &ModelRecord) -> Result<(), StudyError>;

    /// All models, by the id of their candidate.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn models(&self) -> Result<Vec<ModelRecord>, StudyError>;

    /// Records what became of a candidate that was trained alone, in place of an earlier record of the same candidate
    /// and as many steps.
    ///
    /// # Errors
    /// [`StudyError::UnknownCandidate`] if there is no such candidate; and as for candidates.
    fn record_audit(&self, audit: &AuditRecord) -> Result<(), StudyError>;

    /// All candidates that were trained alone, by their id, then by steps.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn audits(&self) -> Result<Vec<AuditRecord>, StudyError>;

    /// Records a phase, in place of an earlier one of the same name.
    ///
    /// # Errors
    /// When a value cannot be recorded exactly or the store cannot be written.
    fn record_phase(&self, phase: &PhaseRecord) -> Result<(), StudyError>;

    /// Adds to the time that a phase took.
    ///
    /// # Errors
    /// [`StudyError::UnknownPhase`] if there is no such phase; and as for phases.
    fn add_phase_seconds(&self, name: &str, seconds: f64) -> Result<(), StudyError>;

    /// All phases, in the order in which their names were first recorded.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn phases(&self) -> Result<Vec<PhaseRecord>, StudyError>;

    /// Adds an event worth telling.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note(&self, text: &str) -> Result<(), StudyError>;

    /// All notes, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn notes(&self) -> Result<Vec<String>, StudyError>;

    /// Keeps a small value under a key, in place of an earlier one: how far the run is, its own clock.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn set_state(&self, key: &str, value: &Value) -> Result<(), StudyError>;

    /// The value kept under a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn state(&self, key: &str) -> Result<Option<Value>, StudyError>;

    /// Describes the run, in place of an earlier description.
    ///
    /// # Errors
    /// When a value cannot be recorded exactly or the store cannot be written.
    fn set_run(&self, run: &RunRecord) -> Result<(), StudyError>;

    /// The description of the run, if it has been given.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn run(&self) -> Result<Option<RunRecord>, StudyError>;

    /// Everything a page about the run needs; `front` are the ids of the candidates on the front.
    ///
    /// # Errors
    /// [`StudyError::NotDescribed`] before [`Store::set_run`], [`StudyError::UnknownCandidate`] for an id that has
    /// not been recorded, and when the store cannot be read.
    fn summary(&self, front: &[u64]) -> Result<Summary, StudyError> {
        let candidates = self.candidates()?;
        let unknown = |id: &&u64| **id == 0 || **id > candidates.len() as u64;
        if let Some(&id) = front.iter().find(unknown) {
            return Err(StudyError::UnknownCandidate { id });
        }
        Ok(Summary {
            run: self.run()?.ok_or(StudyError::NotDescribed)?,
            candidates,
            front: front.to_vec(),
            models: self.models()?,
            audits: self.audits()?,
            phases: self.phases()?,
            notes: self.notes()?,
        })
    }

    /// [`Store::set_state`] for a value of any type.
    ///
    /// # Errors
    /// [`StudyError::NotRecordable`] if the value does not come back as it was given; and as for `set_state`.
    fn put<T>(&self, key: &str, value: &T) -> Result<(), StudyError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
        Self: Sized,
    {
        let text = to_json(&format!("state `{key}`"), value)?;
        self.set_state(key, &from_json(&format!("state `{key}`"), &text)?)
    }

    /// [`Store::state`] for a value of any type.
    ///
    /// # Errors
    /// [`StudyError::Damaged`] if what is kept is not of this type; and as for `state`.
    fn get<T>(&self, key: &str) -> Result<Option<T>, StudyError>
    where
        T: DeserializeOwned,
        Self: Sized,
    {
        let Some(value) = self.state(key)? else {
            return Ok(None);
        };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|source| StudyError::Damaged {
                what: format!("state `{key}`"),
                source,
            })
    }
}

/// Where stores come from: one run's place in a file, in memory, or on a server.
pub trait Backend {
    /// The stores that it opens.
    type Store: Store;

    /// Starts a run with this configuration (TOML), or opens the run that is there; the second value says
    /// which: `true` if there was one.
    ///
    /// # Errors
    /// [`StudyError::OtherConfiguration`] if there is a run and its configuration differs by value,
    /// [`StudyError::Configuration`] if the text is not TOML, and when the place cannot be read or written.
    fn create_or_open(&self, config: &str) -> Result<(Self::Store, bool), StudyError>;
}

/// JSON of a value, made sure that reading it back gives the same value.
pub(crate) fn to_json<T>(what: &str, value: &T) -> Result<String, StudyError>
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let refused = || StudyError::NotRecordable {
        what: what.to_string(),
    };
    let text = serde_json::to_string(value).map_err(|_| refused())?;
    match serde_json::from_str::<T>(&text) {
        Ok(back) if back == *value => Ok(text),
        _ => Err(refused()),
    }
}

/// A value from its stored JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StudyError> {
    serde_json::from_str(text).map_err(|source| StudyError::Damaged {
        what: what.to_string(),
        source,
    })
}

/// Refuses numbers that would not come back: SQL knows neither NaN nor integers beyond 2^63 - 1.
pub(crate) fn check_candidate(candidate: &CandidateRecord) -> Result<(), StudyError> {
    to_json("the data genes of a candidate", &candidate.data)?;
    to_json("the tally of a candidate", &candidate.val_tally)?;
    let cost = &candidate.cost;
    for (field, value) in [
        ("violation", candidate.violation),
        ("val_accuracy", candidate.val_accuracy),
        ("at_seconds", candidate.at_seconds),
        ("latency_ms", cost.latency_ms),
    ] {
        check_finite(&format!("{field} of a candidate"), value)?;
    }
    for (field, value) in [
        ("arena_bytes", cost.arena_bytes),
        ("head_bytes", cost.head_bytes),
        ("scratch_bytes", cost.scratch_bytes),
        ("persistent_bytes", cost.persistent_bytes),
        ("model_bytes", cost.model_bytes),
        ("flash_bytes", cost.flash_bytes),
        ("macs", cost.macs),
    ] {
        integer(&format!("{field} of a candidate"), value)?;
    }
    Ok(())
}

/// Refuses times that would not come back.
pub(crate) fn check_phase(phase: &PhaseRecord) -> Result<(), StudyError> {
    check_finite("planned_seconds of a phase", phase.planned_seconds)?;
    check_finite("seconds of a phase", phase.seconds)
}

/// Refuses NaN and infinities.
pub(crate) fn check_finite(what: &str, value: f64) -> Result<(), StudyError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(StudyError::NotRecordable {
        what: what.to_string(),
    })
}

/// The integer as SQL keeps it.
pub(crate) fn integer(what: &str, value: u64) -> Result<i64, StudyError> {
    i64::try_from(value).map_err(|_| StudyError::NotRecordable {
        what: what.to_string(),
    })
}
