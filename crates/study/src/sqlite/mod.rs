//! The store that a run folder has: one SQLite file.

mod connection;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::Connection;

use crate::store::{check_candidate, check_finite, check_phase, from_json, integer, to_json};
use crate::{
    AuditRecord, Backend, CandidateRecord, ModelRecord, PhaseRecord, RunRecord, Store, StudyError,
    differences,
};
use connection::Database;
use rows::{CandidateRow, PhaseRow};

/// A study in a SQLite file. Its functions wait for the disk; none may be called from inside an async runtime.
#[derive(Debug)]
pub struct Study {
    database: Database,
    path: PathBuf,
}

/// The place of a study: a file that need not exist yet. Its folder must.
#[derive(Debug, Clone)]
pub struct SqliteBackend {
    path: PathBuf,
}

impl SqliteBackend {
    /// The study at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        SqliteBackend { path: path.into() }
    }
}

impl Backend for SqliteBackend {
    type Store = Study;

    fn create_or_open(&self, config: &str) -> Result<(Study, bool), StudyError> {
        // Before anything is made: a text that is not TOML could never be compared.
        differences(config, config)?;
        let (database, resumed) = Database::create_or_open(&self.path, config)?;
        let study = Study {
            database,
            path: self.path.clone(),
        };
        let differences = differences(&study.config()?, config)?;
        if !differences.is_empty() {
            return Err(StudyError::OtherConfiguration {
                path: self.path.clone(),
                differences,
            });
        }
        Ok((study, resumed))
    }
}

impl Study {
    /// Opens a study for reading. Another process may be writing it: what is read is what was committed so far.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`], [`StudyError::NewerSchema`], or why it cannot be read.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        Ok(Study {
            database: Database::read(path)?,
            path: path.to_path_buf(),
        })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for Study {
    fn config(&self) -> Result<String, StudyError> {
        self.database
            .run("read the configuration", async |connection| {
                sqlx::query_scalar("SELECT config FROM run")
                    .fetch_one(connection)
                    .await
            })
    }

    fn record_candidate(&self, candidate: &CandidateRecord) -> Result<u64, StudyError> {
        check_candidate(candidate)?;
        let row = CandidateRow::of(candidate)?;
        let id: i64 = self
            .database
            .run("record a candidate", async |connection| {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                let known: Option<i64> =
                    sqlx::query_scalar("SELECT id FROM candidate WHERE genome = ?")
                        .bind(&row.genome)
                        .fetch_optional(&mut *transaction)
                        .await?;
                if let Some(id) = known {
                    return Ok(id);
                }
                let id = row.insert(&mut transaction).await?;
                transaction.commit().await?;
                Ok(id)
            })?;
        Ok(id.unsigned_abs())
    }

    fn candidates(&self) -> Result<Vec<CandidateRecord>, StudyError> {
        let rows: Vec<CandidateRow> =
            self.database
                .run("read the candidates", async |connection| {
                    sqlx::query_as("SELECT * FROM candidate ORDER BY id")
                        .fetch_all(connection)
                        .await
                })?;
        rows.into_iter().map(CandidateRow::into_record).collect()
    }

    fn record_model(&self, model: &ModelRecord) -> Result<(), StudyError> {
        let text = to_json("a model", model)?;
        let id = integer("the candidate of a model", model.candidate)?;
        let known = self.database.run("record a model", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            if !rows::is_candidate(id, &mut transaction).await? {
                return Ok(false);
            }
            if model.recommended {
                sqlx::query("UPDATE model SET recommended = 0")
                    .execute(&mut *transaction)
                    .await?;
            }
            sqlx::query(
                "INSERT INTO model (candidate, recommended, record) VALUES (?, ?, ?) \
                 ON CONFLICT (candidate) DO UPDATE SET recommended = excluded.recommended, record = excluded.record",
            )
            .bind(id)
            .bind(model.recommended)
            .bind(&text)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(true)
        })?;
        known_or_error(known, model.candidate)
    }

    fn models(&self) -> Result<Vec<ModelRecord>, StudyError> {
        let rows: Vec<(bool, String)> =
            self.database.run("read the models", async |connection| {
                sqlx::query_as("SELECT recommended, record FROM model ORDER BY candidate")
                    .fetch_all(connection)
                    .await
            })?;
        rows.into_iter()
            .map(|(recommended, text)| {
                Ok(ModelRecord {
                    recommended,
                    ..from_json("model", &text)?
                })
            })
            .collect()
    }

    fn record_audit(&self, audit: &AuditRecord) -> Result<(), StudyError> {
        let text = to_json("an audit", audit)?;
        let id = integer("the candidate of an audit", audit.candidate)?;
        let steps = integer("the steps of an audit", audit.steps)?;
        let known = self.database.run("record an audit", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            if !rows::is_candidate(id, &mut transaction).await? {
                return Ok(false);
            }
            sqlx::query(
                "INSERT INTO audit (candidate, steps, record) VALUES (?, ?, ?) \
                 ON CONFLICT (candidate, steps) DO UPDATE SET record = excluded.record",
            )
            .bind(id)
            .bind(steps)
            .bind(&text)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(true)
        })?;
        known_or_error(known, audit.candidate)
    }

    fn audits(&self) -> Result<Vec<AuditRecord>, StudyError> {
        let rows: Vec<String> = self.database.run("read the audits", async |connection| {
            // A study of an earlier version that is only read has no such table.
            let tables: i64 =
                sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'audit'")
                    .fetch_one(&mut *connection)
                    .await?;
            if tables == 0 {
                return Ok(Vec::new());
            }
            sqlx::query_scalar("SELECT record FROM audit ORDER BY candidate, steps")
                .fetch_all(connection)
                .await
        })?;
        let records = rows.iter().map(|text| from_json("audit", text));
        records.collect()
    }

    fn record_phase(&self, phase: &PhaseRecord) -> Result<(), StudyError> {
        check_phase(phase)?;
        self.database.run("record a phase", async |connection| {
            sqlx::query(
                "INSERT INTO phase (name, planned_seconds, seconds, done, reason) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT (name) DO UPDATE SET planned_seconds = excluded.planned_seconds, \
                 seconds = excluded.seconds, done = excluded.done, reason = excluded.reason",
            )
            .bind(&phase.name)
            .bind(phase.planned_seconds)
            .bind(phase.seconds)
            .bind(&phase.done)
            .bind(&phase.reason)
            .execute(connection)
            .await
        })?;
        Ok(())
    }

    fn add_phase_seconds(&self, name: &str, seconds: f64) -> Result<(), StudyError> {
        check_finite("seconds of a phase", seconds)?;
        let changed = self.database.run("record a phase", async |connection| {
            sqlx::query("UPDATE phase SET seconds = seconds + ? WHERE name = ?")
                .bind(seconds)
                .bind(name)
                .execute(connection)
                .await
        })?;
        if changed.rows_affected() == 0 {
            return Err(StudyError::UnknownPhase { name: name.into() });
        }
        Ok(())
    }

    fn phases(&self) -> Result<Vec<PhaseRecord>, StudyError> {
        let rows: Vec<PhaseRow> = self.database.run("read the phases", async |connection| {
            sqlx::query_as("SELECT * FROM phase ORDER BY position")
                .fetch_all(connection)
                .await
        })?;
        Ok(rows.into_iter().map(PhaseRow::into_record).collect())
    }

    fn note(&self, text: &str) -> Result<(), StudyError> {
        self.database.run("record a note", async |connection| {
            sqlx::query("INSERT INTO note (text) VALUES (?)")
                .bind(text)
                .execute(connection)
                .await
        })?;
        Ok(())
    }

    fn notes(&self) -> Result<Vec<String>, StudyError> {
        self.database.run("read the notes", async |connection| {
            sqlx::query_scalar("SELECT text FROM note ORDER BY position")
                .fetch_all(connection)
                .await
        })
    }

    fn set_state(&self, key: &str, value: &Value) -> Result<(), StudyError> {
        let text = to_json(&format!("state `{key}`"), value)?;
        self.database.run("record the state", async |connection| {
            sqlx::query(
                "INSERT INTO state (key, value) VALUES (?, ?) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .bind(key)
            .bind(&text)
            .execute(connection)
            .await
        })?;
        Ok(())
    }

    fn state(&self, key: &str) -> Result<Option<Value>, StudyError> {
        let text: Option<String> = self.database.run("read the state", async |connection| {
            sqlx::query_scalar("SELECT value FROM state WHERE key = ?")
                .bind(key)
                .fetch_optional(connection)
                .await
        })?;
        text.map(|text| from_json(&format!("state `{key}`"), &text))
            .transpose()
    }

    fn set_run(&self, run: &RunRecord) -> Result<(), StudyError> {
        let text = to_json("the run", run)?;
        self.database.run("describe the run", async |connection| {
            sqlx::query("UPDATE run SET record = ?")
                .bind(&text)
                .execute(connection)
                .await
        })?;
        Ok(())
    }

    fn run(&self) -> Result<Option<RunRecord>, StudyError> {
        let text: Option<String> = self.database.run("read the run", async |connection| {
            sqlx::query_scalar("SELECT record FROM run")
                .fetch_one(connection)
                .await
        })?;
        text.map(|text| from_json("description of the run", &text))
            .transpose()
    }
}

fn known_or_error(known: bool, id: u64) -> Result<(), StudyError> {
    if known {
        Ok(())
    } else {
        Err(StudyError::UnknownCandidate { id })
    }
}
