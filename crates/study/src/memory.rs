//! A store in memory: for tests of what is built on a study, and the plainest statement of the contract.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::store::{check_candidate, check_finite, check_phase, integer, to_json};
use crate::{
    AuditRecord, Backend, CandidateRecord, ModelRecord, PhaseRecord, RunRecord, Store, StudyError,
    differences,
};

#[derive(Debug, Default)]
struct Records {
    config: Option<String>,
    run: Option<RunRecord>,
    candidates: Vec<CandidateRecord>,
    models: BTreeMap<u64, ModelRecord>,
    audits: BTreeMap<(u64, u64), AuditRecord>,
    phases: Vec<PhaseRecord>,
    notes: Vec<String>,
    state: BTreeMap<String, Value>,
}

impl Records {
    fn check_known(&self, id: u64) -> Result<(), StudyError> {
        if (1..=self.candidates.len() as u64).contains(&id) {
            return Ok(());
        }
        Err(StudyError::UnknownCandidate { id })
    }
}

/// A place in memory for one run; its clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct MemoryBackend {
    records: Arc<Mutex<Records>>,
}

/// The store of a [`MemoryBackend`].
#[derive(Debug)]
pub struct MemoryStore {
    records: Arc<Mutex<Records>>,
}

impl Backend for MemoryBackend {
    type Store = MemoryStore;

    fn create_or_open(&self, config: &str) -> Result<(MemoryStore, bool), StudyError> {
        let store = MemoryStore {
            records: Arc::clone(&self.records),
        };
        let mut records = store.lock();
        let stored = records.config.as_deref();
        let differences = differences(stored.unwrap_or(config), config)?;
        if !differences.is_empty() {
            return Err(StudyError::OtherConfiguration {
                path: PathBuf::from("memory"),
                differences,
            });
        }
        let resumed = stored.is_some();
        records.config.get_or_insert_with(|| config.to_string());
        drop(records);
        Ok((store, resumed))
    }
}

impl MemoryStore {
    /// A panic elsewhere leaves the records whole: every method checks first and changes last.
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn config(&self) -> Result<String, StudyError> {
        Ok(self.lock().config.clone().unwrap_or_default())
    }

    fn record_candidate(&self, candidate: &CandidateRecord) -> Result<u64, StudyError> {
        check_candidate(candidate)?;
        let candidates = &mut self.lock().candidates;
        if let Some(known) = candidates.iter().find(|c| c.genome == candidate.genome) {
            return Ok(known.id);
        }
        let id = candidates.len() as u64 + 1;
        candidates.push(CandidateRecord {
            id,
            ..candidate.clone()
        });
        Ok(id)
    }

    fn candidates(&self) -> Result<Vec<CandidateRecord>, StudyError> {
        Ok(self.lock().candidates.clone())
    }

    fn record_model(&self, model: &ModelRecord) -> Result<(), StudyError> {
        to_json("a model", model)?;
        integer("the candidate of a model", model.candidate)?;
        let mut records = self.lock();
        records.check_known(model.candidate)?;
        if model.recommended {
            for other in records.models.values_mut() {
                other.recommended = false;
            }
        }
        records.models.insert(model.candidate, model.clone());
        Ok(())
    }

    fn models(&self) -> Result<Vec<ModelRecord>, StudyError> {
        Ok(self.lock().models.values().cloned().collect())
    }

    fn record_audit(&self, audit: &AuditRecord) -> Result<(), StudyError> {
        to_json("an audit", audit)?;
        integer("the candidate of an audit", audit.candidate)?;
        integer("the steps of an audit", audit.steps)?;
        let mut records = self.lock();
        records.check_known(audit.candidate)?;
        let place = (audit.candidate, audit.steps);
        records.audits.insert(place, audit.clone());
        Ok(())
    }

    fn audits(&self) -> Result<Vec<AuditRecord>, StudyError> {
        Ok(self.lock().audits.values().cloned().collect())
    }

    fn record_phase(&self, phase: &PhaseRecord) -> Result<(), StudyError> {
        check_phase(phase)?;
        let phases = &mut self.lock().phases;
        match phases.iter_mut().find(|p| p.name == phase.name) {
            Some(known) => *known = phase.clone(),
            None => phases.push(phase.clone()),
        }
        Ok(())
    }

    fn add_phase_seconds(&self, name: &str, seconds: f64) -> Result<(), StudyError> {
        check_finite("seconds of a phase", seconds)?;
        let phases = &mut self.lock().phases;
        let phase = phases
            .iter_mut()
            .find(|p| p.name == name)
            .ok_or_else(|| StudyError::UnknownPhase { name: name.into() })?;
        phase.seconds += seconds;
        Ok(())
    }

    fn phases(&self) -> Result<Vec<PhaseRecord>, StudyError> {
        Ok(self.lock().phases.clone())
    }

    fn note(&self, text: &str) -> Result<(), StudyError> {
        self.lock().notes.push(text.to_string());
        Ok(())
    }

    fn notes(&self) -> Result<Vec<String>, StudyError> {
        Ok(self.lock().notes.clone())
    }

    fn set_state(&self, key: &str, value: &Value) -> Result<(), StudyError> {
        self.lock().state.insert(key.to_string(), value.clone());
        Ok(())
    }

    fn state(&self, key: &str) -> Result<Option<Value>, StudyError> {
        Ok(self.lock().state.get(key).cloned())
    }

    fn set_run(&self, run: &RunRecord) -> Result<(), StudyError> {
        to_json("the run", run)?;
        self.lock().run = Some(run.clone());
        Ok(())
    }

    fn run(&self) -> Result<Option<RunRecord>, StudyError> {
        Ok(self.lock().run.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        crate::conformance::check(MemoryBackend::default);
    }
}
