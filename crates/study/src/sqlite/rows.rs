//! Records as rows. The fields have the columns' names.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use crate::store::{from_json, integer, to_json};
use crate::{CandidateRecord, CostRecord, PhaseRecord, StudyError};

/// The integer columns of a candidate's cost, in the order of [`CandidateRow::integers`].
const INTEGERS: [&str; 7] = [
    "arena_bytes",
    "head_bytes",
    "scratch_bytes",
    "persistent_bytes",
    "model_bytes",
    "flash_bytes",
    "macs",
];

/// A row of the table `candidate`.
pub(super) struct CandidateRow {
    id: i64,
    pub(super) genome: String,
    data: String,
    data_label: String,
    summary: String,
    integers: [i64; 7],
    latency_ms: f64,
    violation: f64,
    val_accuracy: f64,
    val_tally: Option<String>,
    at_seconds: f64,
}

impl CandidateRow {
    pub(super) fn of(record: &CandidateRecord) -> Result<Self, StudyError> {
        let cost = &record.cost;
        let values = [
            cost.arena_bytes,
            cost.head_bytes,
            cost.scratch_bytes,
            cost.persistent_bytes,
            cost.model_bytes,
            cost.flash_bytes,
            cost.macs,
        ];
        let mut integers = [0; 7];
        for (i, value) in values.into_iter().enumerate() {
            integers[i] = integer(INTEGERS[i], value)?;
        }
        Ok(CandidateRow {
            id: 0,
            genome: record.genome.clone(),
            data: to_json("the data genes of a candidate", &record.data)?,
            data_label: record.data_label.clone(),
            summary: record.summary.clone(),
            integers,
            latency_ms: cost.latency_ms,
            violation: record.violation,
            val_accuracy: record.val_accuracy,
            val_tally: (record.val_tally.as_ref())
                .map(|tally| to_json("the tally of a candidate", tally))
                .transpose()?,
            at_seconds: record.at_seconds,
        })
    }

    pub(super) fn into_record(self) -> Result<CandidateRecord, StudyError> {
        let [arena, head, scratch, persistent, model, flash, macs] =
            self.integers.map(i64::unsigned_abs);
        Ok(CandidateRecord {
            id: self.id.unsigned_abs(),
            genome: self.genome,
            data: from_json("data configuration of a candidate", &self.data)?,
            data_label: self.data_label,
            summary: self.summary,
            cost: CostRecord {
                arena_bytes: arena,
                head_bytes: head,
                scratch_bytes: scratch,
                persistent_bytes: persistent,
                model_bytes: model,
                flash_bytes: flash,
                macs,
                latency_ms: self.latency_ms,
            },
            violation: self.violation,
            val_accuracy: self.val_accuracy,
            val_tally: (self.val_tally.as_deref())
                .map(|text| from_json("tally of a candidate", text))
                .transpose()?,
            at_seconds: self.at_seconds,
        })
    }

    /// Appends the row; its id is the number of rows then, since rows are never removed.
    pub(super) async fn insert(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<i64, sqlx::Error> {
        let mut query = sqlx::query_scalar(
            "INSERT INTO candidate (id, genome, data, data_label, summary, latency_ms, violation, val_accuracy, val_tally, \
             at_seconds, arena_bytes, head_bytes, scratch_bytes, persistent_bytes, model_bytes, flash_bytes, macs) \
             VALUES ((SELECT coalesce(max(id), 0) + 1 FROM candidate), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             RETURNING id",
        )
        .bind(&self.genome)
        .bind(&self.data)
        .bind(&self.data_label)
        .bind(&self.summary)
        .bind(self.latency_ms)
        .bind(self.violation)
        .bind(self.val_accuracy)
        .bind(&self.val_tally)
        .bind(self.at_seconds);
        for value in self.integers {
            query = query.bind(value);
        }
        query.fetch_one(connection).await
    }
}

impl FromRow<'_, SqliteRow> for CandidateRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let mut integers = [0; 7];
        for (value, column) in integers.iter_mut().zip(INTEGERS) {
            *value = row.try_get(column)?;
        }
        Ok(CandidateRow {
            id: row.try_get("id")?,
            genome: row.try_get("genome")?,
            data: row.try_get("data")?,
            data_label: row.try_get("data_label")?,
            summary: row.try_get("summary")?,
            integers,
            latency_ms: row.try_get("latency_ms")?,
            violation: row.try_get("violation")?,
            val_accuracy: row.try_get("val_accuracy")?,
            val_tally: match row.try_get("val_tally") {
                // A study of an earlier version that is only read has no such column.
                Err(sqlx::Error::ColumnNotFound(_)) => None,
                value => value?,
            },
            at_seconds: row.try_get("at_seconds")?,
        })
    }
}

/// A row of the table `phase`.
pub(super) struct PhaseRow(PhaseRecord);

impl PhaseRow {
    pub(super) fn into_record(self) -> PhaseRecord {
        self.0
    }
}

impl FromRow<'_, SqliteRow> for PhaseRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(PhaseRow(PhaseRecord {
            name: row.try_get("name")?,
            planned_seconds: row.try_get("planned_seconds")?,
            seconds: row.try_get("seconds")?,
            done: row.try_get("done")?,
            reason: row.try_get("reason")?,
        }))
    }
}

/// Whether there is a candidate with this id.
pub(super) async fn is_candidate(
    id: i64,
    connection: &mut SqliteConnection,
) -> Result<bool, sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM candidate WHERE id = ?")
        .bind(id)
        .fetch_one(connection)
        .await?;
    Ok(count > 0)
}
