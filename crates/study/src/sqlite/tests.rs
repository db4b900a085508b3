use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use super::*;
use crate::conformance::{audit, candidate, check, model, run};

const CONFIG: &str = "seed = 1\n";

/// A backend whose folder lives as long as it does.
struct Temporary {
    backend: SqliteBackend,
    _folder: TempDir,
}

impl Backend for Temporary {
    type Store = Study;

    fn create_or_open(&self, config: &str) -> Result<(Study, bool), StudyError> {
        self.backend.create_or_open(config)
    }
}

fn temporary() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.sqlite");
    (folder, path)
}

fn open(path: &Path) -> Result<Study, StudyError> {
    SqliteBackend::new(path)
        .create_or_open(CONFIG)
        .map(|(s, _)| s)
}

/// Does something to a database behind the study's back.
fn meddle(path: &Path, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn keeps_the_contract() {
    check(|| {
        let folder = tempfile::tempdir().unwrap();
        Temporary {
            backend: SqliteBackend::new(folder.path().join("study.sqlite")),
            _folder: folder,
        }
    });
}

#[test]
fn a_newer_schema_is_refused_and_says_so() {
    let (_folder, path) = temporary();
    drop(open(&path).unwrap());
    meddle(&path, "PRAGMA user_version = 7");
    for error in [open(&path).unwrap_err(), Study::read(&path).unwrap_err()] {
        assert!(matches!(
            error,
            StudyError::NewerSchema {
                found: 7,
                known: 3,
                ..
            }
        ));
        assert!(error.hint().unwrap().contains("newer"));
    }
}

#[test]
fn a_study_of_an_earlier_version_is_read_and_continued() {
    let (_folder, path) = temporary();
    drop(open(&path).unwrap());
    let recorded = CandidateRecord {
        id: 1,
        val_tally: None,
        ..candidate(1)
    };
    open(&path).unwrap().record_candidate(&recorded).unwrap();
    meddle(
        &path,
        "DROP TABLE audit; ALTER TABLE candidate DROP COLUMN val_tally; PRAGMA user_version = 1",
    );
    let reader = Study::read(&path).unwrap();
    assert_eq!(reader.audits().unwrap(), []);
    assert_eq!(
        reader.candidates().unwrap(),
        std::slice::from_ref(&recorded)
    );
    drop(reader);
    let study = open(&path).unwrap();
    study.record_candidate(&candidate(2)).unwrap();
    study.record_audit(&audit(1)).unwrap();
    drop(study);
    let reader = Study::read(&path).unwrap();
    assert_eq!(reader.audits().unwrap(), [audit(1)]);
    let second = CandidateRecord {
        id: 2,
        ..candidate(2)
    };
    assert_eq!(reader.candidates().unwrap(), [recorded, second]);
}

#[test]
fn a_model_of_an_earlier_version_has_neither_tallies_nor_columns() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    study.record_candidate(&candidate(1)).unwrap();
    study.record_model(&model(1, true)).unwrap();
    drop(study);
    meddle(
        &path,
        "UPDATE model SET record = json_remove(record, '$.val_tally_float', '$.val_tally_int8', \
         '$.test_tally_float', '$.columns', '$.paired')",
    );
    let expected = ModelRecord {
        val_tally_float: None,
        val_tally_int8: None,
        test_tally_float: None,
        columns: Vec::new(),
        paired: None,
        ..model(1, true)
    };
    assert_eq!(Study::read(&path).unwrap().models().unwrap(), [expected]);
}

#[test]
fn other_databases_and_other_files_are_refused_and_left_alone() {
    let (_folder, path) = temporary();
    meddle(&path, "CREATE TABLE precious (value TEXT)");
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(open(&path), Err(StudyError::NotAStudy { .. })));
    assert!(matches!(
        Study::read(&path),
        Err(StudyError::NotAStudy { .. })
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    for repeated in [1, 100] {
        let text = "this is a text about a study\n".repeat(repeated);
        std::fs::write(&path, &text).unwrap();
        assert!(matches!(open(&path), Err(StudyError::NotAStudy { .. })));
        assert!(matches!(
            Study::read(&path),
            Err(StudyError::NotAStudy { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn an_empty_file_is_what_a_kill_at_the_start_leaves() {
    let (_folder, path) = temporary();
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(
        Study::read(&path),
        Err(StudyError::NotAStudy { .. })
    ));
    let (study, resumed) = SqliteBackend::new(&path).create_or_open(CONFIG).unwrap();
    assert!(!resumed);
    assert_eq!(study.record_candidate(&candidate(1)).unwrap(), 1);
}

#[test]
fn a_damaged_record_is_an_error_and_no_panic() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    study.set_run(&run()).unwrap();
    study.record_candidate(&candidate(1)).unwrap();
    drop(study);
    meddle(
        &path,
        "UPDATE run SET record = '{'; UPDATE candidate SET data = 'x'",
    );
    let study = open(&path).unwrap();
    assert!(matches!(study.run(), Err(StudyError::Damaged { .. })));
    assert!(matches!(
        study.candidates(),
        Err(StudyError::Damaged { .. })
    ));
}

#[test]
fn a_truncated_database_is_an_error_and_no_panic() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    for n in 1..200 {
        study.record_candidate(&candidate(n)).unwrap();
    }
    drop(study);
    let bytes = std::fs::read(&path).unwrap();
    for length in [1, 50, 100, 1000, 4096, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let outcome = open(&path).and_then(|study| study.candidates());
        assert!(outcome.is_err(), "{length} bytes");
    }
}

/// A limit on the database's pages makes SQLite answer as it does on a full disk.
#[test]
fn a_full_disk_is_told_apart_and_loses_nothing() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    let limit = |pages: &'static str| {
        study
            .database
            .run("limit", async |c| sqlx::query(pages).execute(c).await)
            .unwrap()
    };
    limit("PRAGMA max_page_count = 20");
    let mut recorded = 0;
    let error = loop {
        match study.record_candidate(&candidate(recorded + 1)) {
            Ok(id) => recorded = id,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StudyError::NoSpace { .. }), "{error:?}");
    assert_eq!(study.candidates().unwrap().len() as u64, recorded);
    limit("PRAGMA max_page_count = 1000");
    assert_eq!(
        study.record_candidate(&candidate(recorded + 1)).unwrap(),
        recorded + 1
    );
    drop(study);
    assert_eq!(
        open(&path).unwrap().candidates().unwrap().len() as u64,
        recorded + 1
    );
}

#[test]
fn a_reader_sees_what_a_writer_committed() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    study.record_candidate(&candidate(1)).unwrap();
    let reader = Study::read(&path).unwrap();
    assert_eq!(reader.candidates().unwrap().len(), 1);
    study.record_candidate(&candidate(2)).unwrap();
    assert_eq!(reader.candidates().unwrap().len(), 2);
    assert!(matches!(reader.note("x"), Err(StudyError::Database { .. })));
}

#[test]
fn one_study_may_be_used_by_several_threads() {
    let (_folder, path) = temporary();
    let study = open(&path).unwrap();
    std::thread::scope(|scope| {
        for first in [0, 10, 20] {
            let study = &study;
            scope.spawn(move || {
                for n in first..first + 15 {
                    study.record_candidate(&candidate(n)).unwrap();
                }
            });
        }
    });
    let ids: Vec<u64> = study.candidates().unwrap().iter().map(|c| c.id).collect();
    assert_eq!(ids, (1..=35).collect::<Vec<u64>>());
}
