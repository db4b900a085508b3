//! Opening a study's database: what it is, which schema it has, how it is made durable.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use crate::StudyError;

/// Marks a database as a study (`PRAGMA application_id`): "dana" in ASCII.
const APPLICATION_ID: i64 = 0x6461_6e61;

/// Entry `n` brings a database from schema `n` to schema `n + 1`. Never change one that was released.
const MIGRATIONS: [&str; 3] = [
    include_str!("schema1.sql"),
    include_str!("schema2.sql"),
    include_str!("schema3.sql"),
];

/// The newest schema, `PRAGMA user_version` of a database.
const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// A connection with the small runtime that sqlx needs, so that callers see ordinary functions.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    runtime: Runtime,
    /// `None` only while it is dropped.
    connection: Mutex<Option<SqliteConnection>>,
}

impl Database {
    /// Opens the study at `path`, or starts one with `config`; says whether it was there. A database that is not a
    /// study is left as it is.
    ///
    /// Each commit is flushed to the disk (`synchronous = FULL`) before it returns; the write-ahead log lets others
    /// read meanwhile, and takes one flush where the rollback journal takes three.
    pub(super) fn create_or_open(path: &Path, config: &str) -> Result<(Self, bool), StudyError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let database = Self::connect(path, &options)?;
        let version = database.version()?;
        database.run("prepare the study", async |connection| {
            // On file systems without shared memory SQLite keeps the rollback journal, which is durable as well.
            sqlx::query("PRAGMA journal_mode = WAL")
                .fetch_one(&mut *connection)
                .await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for migration in &MIGRATIONS[version as usize..] {
                sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
            }
            if version < SCHEMA {
                let marks = format!(
                    "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA}"
                );
                sqlx::raw_sql(AssertSqlSafe(marks))
                    .execute(&mut *transaction)
                    .await?;
            }
            if version == 0 {
                sqlx::query("INSERT INTO run (only, config) VALUES (1, ?)")
                    .bind(config)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })?;
        Ok((database, version > 0))
    }

    /// Opens the study at `path` for reading alone, from a folder that may be read-only, too.
    pub(super) fn read(path: &Path) -> Result<Self, StudyError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let database = match Self::connect(path, &options).and_then(|d| d.version().map(|_| d)) {
            Ok(database) => database,
            // Reading a database with a write-ahead log needs a file beside it. Where none can be made and no log is
            // waiting, nobody writes, and the database may be read as it lies there.
            Err(StudyError::Database { .. }) if !with_suffix(path, "-wal").exists() => {
                Self::connect(path, &options.immutable(true))?
            }
            Err(error) => return Err(error),
        };
        if database.version()? == 0 {
            return Err(StudyError::NotAStudy { path: path.into() });
        }
        Ok(database)
    }

    fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<Self, StudyError> {
        // SQLite takes a file shorter than its smallest page for an empty database, and would write over it.
        const SMALLEST_PAGE: u64 = 512;
        if fs::metadata(path).is_ok_and(|file| (1..SMALLEST_PAGE).contains(&file.len())) {
            return Err(StudyError::NotAStudy { path: path.into() });
        }
        let runtime = Builder::new_current_thread()
            .build()
            .map_err(|e| StudyError::io("start the runtime for", path, e))?;
        let connection = runtime
            .block_on(options.connect())
            .map_err(|e| StudyError::database("open the study", path, e))?;
        Ok(Database {
            path: path.to_path_buf(),
            runtime,
            connection: Mutex::new(Some(connection)),
        })
    }

    /// The schema of the database, 0 if it is empty.
    fn version(&self) -> Result<i64, StudyError> {
        let (application, version, tables) = self.run("read the study", async |connection| {
            sqlx::query_as::<_, (i64, i64, i64)>(
                "SELECT (SELECT application_id FROM pragma_application_id), \
                 (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)",
            )
            .fetch_one(connection)
            .await
        })?;
        let path = self.path.clone();
        match (application, version) {
            (0, 0) if tables == 0 => Ok(0),
            (APPLICATION_ID, 1..=SCHEMA) => Ok(version),
            (APPLICATION_ID, found) if found > SCHEMA => Err(StudyError::NewerSchema {
                path,
                found,
                known: SCHEMA,
            }),
            _ => Err(StudyError::NotAStudy { path }),
        }
    }

    /// Does something with the connection and waits for it. `operation` is an infinitive for the error.
    pub(super) fn run<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StudyError> {
        let mut guard = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let result = match guard.as_mut() {
            Some(connection) => self.runtime.block_on(work(connection)),
            None => Err(sqlx::Error::PoolClosed),
        };
        result.map_err(|e| StudyError::database(operation, &self.path, e))
    }
}

impl Drop for Database {
    /// Waits until the database is closed, so that its log is merged and its lock is gone.
    fn drop(&mut self) {
        let connection = self
            .connection
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(connection) = connection {
            // Everything is committed; what closing would tidy up, the next opening does.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

/// `study.sqlite` with `-wal` behind it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}
