//! The contract of [`Store`] as a suite of checks that any implementation can be put through.
//!
//! ```
//! danas_study::conformance::check(danas_study::MemoryBackend::default);
//! ```

use std::collections::BTreeMap;

use danas_measure::{Objective, Subset, Tally};
use serde_json::json;

use crate::{
    AuditRecord, Backend, BufferRecord, CandidateRecord, ClassRecord, ColumnRecord, CostRecord,
    LayerRecord, LimitRecord, ModelRecord, PairedRecord, PhaseRecord, RunRecord, Store, StudyError,
};

const CONFIG: &str = "seed = 1\n";

/// Puts an implementation through all checks. `fresh` gives an empty place each time it is called.
///
/// # Panics
/// With the promise that was broken.
pub fn check<B: Backend>(fresh: impl Fn() -> B) {
    a_run_belongs_to_one_configuration(&fresh());
    candidates_are_dense_and_recorded_once(&fresh());
    numbers_come_back_exactly(&fresh());
    what_cannot_come_back_is_refused(&fresh());
    models_replace_and_one_is_recommended(&fresh());
    audits_stand_beside_longer_ones(&fresh());
    phases_keep_their_order_and_add_up(&fresh());
    notes_and_state_are_kept(&fresh());
    a_summary_is_complete(&fresh());
}

/// A candidate for tests, different for each `n`.
pub fn candidate(n: u64) -> CandidateRecord {
    CandidateRecord {
        id: 0,
        genome: format!("{{\"genome\":{n}}}"),
        data: BTreeMap::from([
            ("resolution".to_string(), json!(32 + 16 * (n % 5))),
            (
                "colour".to_string(),
                json!(["rgb", "mono"][(n % 2) as usize]),
            ),
        ]),
        data_label: format!("{0}x{0}", 32 + 16 * (n % 5)),
        summary: format!("network {n}, \"quoted\", größer"),
        cost: CostRecord {
            arena_bytes: 10_000 + n,
            head_bytes: 8_000,
            scratch_bytes: 1_000,
            persistent_bytes: 1_000 + n,
            model_bytes: 50_000,
            flash_bytes: 90_000,
            macs: 1_000_000 + n,
            latency_ms: 10.0 / (n + 3) as f64,
        },
        violation: 0.0,
        val_accuracy: 1.0 - 1.0 / (n + 3) as f64,
        val_tally: Some(tally(n)),
        at_seconds: 0.1 * n as f64,
    }
}

/// Answers for tests: all right, but for one.
pub fn tally(n: u64) -> Tally {
    Tally::of_confusion(&[vec![n + 1, 0], vec![1, 1]])
}

/// A model of a candidate for tests.
pub fn model(candidate: u64, recommended: bool) -> ModelRecord {
    ModelRecord {
        candidate,
        path: format!("models/{candidate}/model.tflite"),
        cost: CostRecord {
            model_bytes: 51_234,
            ..self::candidate(candidate).cost
        },
        host_arena_bytes: 20_000,
        val_accuracy_float: 0.9,
        val_accuracy_int8: 0.89,
        test_accuracy_float: 1.0 / 3.0,
        test_accuracy_int8: 0.1 + 0.2,
        val_tally_float: Some(tally(candidate)),
        val_tally_int8: Some(tally(candidate + 1)),
        test_tally_float: Some(tally(candidate + 2)),
        confusion: vec![vec![9, 1], vec![2, 8]],
        columns: vec![ColumnRecord {
            column: "größer".into(),
            value: true,
            answers: Subset {
                members: tally(1),
                contrasted: tally(candidate + 3),
            },
        }],
        layers: vec![LayerRecord {
            name: "stem".into(),
            operator: "convolution 3x3 /2".into(),
            output: [16, 16, 8],
            macs: 55_296,
            weights: 216,
        }],
        memory: vec![BufferRecord {
            name: "input".into(),
            offset: 0,
            bytes: 3_072,
            first: 0,
            last: 0,
        }],
        recommended,
        paired: (!recommended).then_some(PairedRecord {
            only_this: 3,
            only_recommended: 4,
            p: 1.0 / 3.0,
            apart: Some(-0.1),
            tie: true,
        }),
    }
}

/// What became of a candidate that was trained alone, for tests.
pub fn audit(candidate: u64) -> AuditRecord {
    AuditRecord {
        candidate,
        steps: 2000,
        val_accuracy: 1.0 / (candidate + 2) as f64,
        val_tally: Some(tally(candidate)),
        seconds: 0.1 + 0.2,
    }
}

/// A phase for tests.
pub fn phase(name: &str, seconds: f64) -> PhaseRecord {
    PhaseRecord {
        name: name.into(),
        planned_seconds: 10.0,
        seconds,
        done: "12 steps".into(),
        reason: "because".into(),
    }
}

/// A description of a run for tests.
pub fn run() -> RunRecord {
    RunRecord {
        source: "photos".into(),
        board: "limits by hand".into(),
        limits: LimitRecord {
            ram_bytes: Some(256 << 10),
            latency_ms: Some(0.1),
            ..LimitRecord::default()
        },
        objective: Objective::F1(0),
        options: vec![("seed".into(), "1".into())],
        classes: vec![ClassRecord {
            name: "person".into(),
            train: 70,
            validation: 15,
            test: 15,
            pretraining: 0,
        }],
        validation_sample: Some(12),
        data_configurations: vec!["32x32 rgb".into()],
        feasible: true,
        latency_published: false,
        version: "0.1.0".into(),
    }
}

fn started<B: Backend>(backend: &B) -> B::Store {
    let (store, resumed) = backend
        .create_or_open(CONFIG)
        .expect("a run can be started");
    assert!(!resumed, "an empty place holds no run");
    store
}

/// Closes the store and opens it again, as the next process does.
fn reopened<B: Backend>(backend: &B, store: B::Store) -> B::Store {
    drop(store);
    let (store, resumed) = backend
        .create_or_open(CONFIG)
        .expect("a run can be opened again");
    assert!(resumed, "a started run is there");
    store
}

fn a_run_belongs_to_one_configuration<B: Backend>(backend: &B) {
    let error = backend.create_or_open("not toml").err();
    assert!(
        matches!(
            error,
            Some(StudyError::Configuration { which: "given", .. })
        ),
        "a configuration that is not TOML starts no run: {error:?}"
    );
    let store = reopened(backend, started(backend));
    assert_eq!(store.config().unwrap(), CONFIG, "the configuration is kept");
    drop(store);
    let same = backend.create_or_open("# the same by value\nseed=1");
    assert!(
        same.is_ok_and(|(_, resumed)| resumed),
        "layout makes no difference"
    );
    match backend.create_or_open("seed = 2").err() {
        Some(StudyError::OtherConfiguration { differences, .. }) => {
            assert_eq!(differences.len(), 1, "one key differs");
            assert_eq!(differences[0].to_string(), "seed: stored 1, now 2");
        }
        other => panic!("another configuration is refused: {other:?}"),
    }
    let store = reopened(backend, backend.create_or_open(CONFIG).unwrap().0);
    assert_eq!(store.config().unwrap(), CONFIG, "a refusal changes nothing");
}

fn candidates_are_dense_and_recorded_once<B: Backend>(backend: &B) {
    let store = started(backend);
    assert_eq!(
        store.candidates().unwrap(),
        [],
        "a new run has no candidates"
    );
    for n in 1..=3 {
        let given = CandidateRecord {
            id: 99,
            ..candidate(n)
        };
        assert_eq!(
            store.record_candidate(&given).unwrap(),
            n,
            "ids count from 1"
        );
    }
    let again = CandidateRecord {
        val_accuracy: 0.0,
        ..candidate(2)
    };
    assert_eq!(
        store.record_candidate(&again).unwrap(),
        2,
        "a known genome keeps its id"
    );
    let store = reopened(backend, store);
    assert_eq!(
        store.record_candidate(&candidate(4)).unwrap(),
        4,
        "ids go on after reopening"
    );
    let expected: Vec<CandidateRecord> = (1..=4)
        .map(|n| CandidateRecord {
            id: n,
            ..candidate(n)
        })
        .collect();
    assert_eq!(
        store.candidates().unwrap(),
        expected,
        "first records, by id"
    );
}

fn numbers_come_back_exactly<B: Backend>(backend: &B) {
    let store = started(backend);
    let mut given = candidate(1);
    given.val_accuracy = 0.1 + 0.2;
    given.at_seconds = f64::MIN_POSITIVE / 8.0;
    given.violation = 1.797e308;
    given.cost.latency_ms = 1.0 / 3.0;
    given.cost.macs = i64::MAX as u64;
    given.data.insert("rate".into(), json!(0.1 + 0.7));
    given.id = store.record_candidate(&given).unwrap();
    let store = reopened(backend, store);
    assert_eq!(store.candidates().unwrap(), [given], "no number is rounded");
}

fn what_cannot_come_back_is_refused<B: Backend>(backend: &B) {
    let store = started(backend);
    let mut not_a_number = candidate(1);
    not_a_number.val_accuracy = f64::NAN;
    let mut infinite = candidate(1);
    infinite.violation = f64::INFINITY;
    let mut huge = candidate(1);
    huge.cost.macs = u64::MAX;
    for given in [not_a_number, infinite, huge] {
        let error = store.record_candidate(&given).err();
        assert!(
            matches!(error, Some(StudyError::NotRecordable { .. })),
            "refused: {error:?}"
        );
    }
    store.record_candidate(&candidate(1)).unwrap();
    let mut not_a_number = model(1, true);
    not_a_number.test_accuracy_int8 = f64::NAN;
    assert!(
        store.record_model(&not_a_number).is_err(),
        "a model with NaN"
    );
    assert!(
        store.record_phase(&phase("data", f64::NAN)).is_err(),
        "a phase with NaN"
    );
    store.record_phase(&phase("data", 1.0)).unwrap();
    assert!(
        store.add_phase_seconds("data", f64::INFINITY).is_err(),
        "endless seconds"
    );
    assert!(
        store.put("clock", &f64::NAN).is_err(),
        "a state that is NaN"
    );
    let mut endless = run();
    endless.limits.latency_ms = Some(f64::NAN);
    assert!(store.set_run(&endless).is_err(), "a run with NaN");
    let store = reopened(backend, store);
    assert_eq!(store.candidates().unwrap().len(), 1, "nothing was recorded");
    assert_eq!(store.models().unwrap(), [], "nothing was recorded");
    assert_eq!(
        store.phases().unwrap(),
        [phase("data", 1.0)],
        "nothing was added"
    );
    assert_eq!(store.state("clock").unwrap(), None, "nothing was kept");
    assert_eq!(store.run().unwrap(), None, "nothing was described");
}

fn models_replace_and_one_is_recommended<B: Backend>(backend: &B) {
    let store = started(backend);
    let error = store.record_model(&model(1, true)).err();
    assert!(
        matches!(error, Some(StudyError::UnknownCandidate { id: 1 })),
        "a model needs its candidate: {error:?}"
    );
    for n in 1..=3 {
        store.record_candidate(&candidate(n)).unwrap();
    }
    store.record_model(&model(3, true)).unwrap();
    store.record_model(&model(1, false)).unwrap();
    let better = ModelRecord {
        host_arena_bytes: 1,
        ..model(1, true)
    };
    store.record_model(&better).unwrap();
    let store = reopened(backend, store);
    assert_eq!(
        store.models().unwrap(),
        [
            better,
            ModelRecord {
                recommended: false,
                ..model(3, true)
            }
        ],
        "by candidate, the newest of each, one recommended"
    );
}

fn audits_stand_beside_longer_ones<B: Backend>(backend: &B) {
    let store = started(backend);
    for n in 1..=2 {
        store.record_candidate(&candidate(n)).unwrap();
    }
    store.record_audit(&audit(2)).unwrap();
    store.record_audit(&audit(1)).unwrap();
    let longer = AuditRecord {
        steps: 4000,
        ..audit(2)
    };
    let again = AuditRecord {
        seconds: 1.0,
        ..audit(2)
    };
    for audit in [&longer, &again] {
        store.record_audit(audit).unwrap();
    }
    for id in [0, 3] {
        assert!(
            matches!(
                store.record_audit(&audit(id)),
                Err(StudyError::UnknownCandidate { .. })
            ),
            "an audit of an unknown candidate"
        );
    }
    let nothing = AuditRecord {
        val_accuracy: f64::NAN,
        ..audit(1)
    };
    assert!(
        matches!(
            store.record_audit(&nothing),
            Err(StudyError::NotRecordable { .. })
        ),
        "an accuracy that is no number"
    );
    let store = reopened(backend, store);
    assert_eq!(
        store.audits().unwrap(),
        [audit(1), again, longer],
        "by candidate and steps, the newest record of each"
    );
}

fn phases_keep_their_order_and_add_up<B: Backend>(backend: &B) {
    let store = started(backend);
    store.record_phase(&phase("supernet", 1.0)).unwrap();
    store.record_phase(&phase("data", 2.0)).unwrap();
    store.record_phase(&phase("supernet", 3.0)).unwrap();
    store.add_phase_seconds("supernet", 0.5).unwrap();
    let error = store.add_phase_seconds("search", 1.0).err();
    assert!(
        matches!(error, Some(StudyError::UnknownPhase { .. })),
        "seconds need a phase: {error:?}"
    );
    let store = reopened(backend, store);
    assert_eq!(
        store.phases().unwrap(),
        [phase("supernet", 3.5), phase("data", 2.0)],
        "in the order of the first records"
    );
}

fn notes_and_state_are_kept<B: Backend>(backend: &B) {
    let store = started(backend);
    for text in ["b", "a", "b"] {
        store.note(text).unwrap();
    }
    assert_eq!(store.state("clock").unwrap(), None, "nothing is kept yet");
    store.put("clock", &1.5).unwrap();
    store.put("clock", &(0.1 + 0.2)).unwrap();
    store.set_state("steps", &json!({"supernet": 12})).unwrap();
    let store = reopened(backend, store);
    assert_eq!(
        store.notes().unwrap(),
        ["b", "a", "b"],
        "every note, in order"
    );
    assert_eq!(
        store.get("clock").unwrap(),
        Some(0.1 + 0.2),
        "the newest value"
    );
    assert_eq!(store.state("steps").unwrap(), Some(json!({"supernet": 12})));
    assert!(
        matches!(store.get::<u64>("steps"), Err(StudyError::Damaged { .. })),
        "a value of another type"
    );
}

fn a_summary_is_complete<B: Backend>(backend: &B) {
    let store = started(backend);
    assert!(
        matches!(store.summary(&[]), Err(StudyError::NotDescribed)),
        "a summary needs a description"
    );
    store
        .set_run(&RunRecord {
            feasible: false,
            ..run()
        })
        .unwrap();
    store.set_run(&run()).unwrap();
    for n in 1..=3 {
        store.record_candidate(&candidate(n)).unwrap();
    }
    store.record_model(&model(2, true)).unwrap();
    store.record_audit(&audit(3)).unwrap();
    store.record_phase(&phase("data", 2.0)).unwrap();
    store.note("resumed").unwrap();
    let store = reopened(backend, store);
    let summary = store.summary(&[3, 2]).unwrap();
    assert_eq!(summary.run, run(), "the newest description");
    assert_eq!(summary.candidates.len(), 3);
    assert_eq!(summary.front, [3, 2], "the front as given");
    assert_eq!(summary.models, [model(2, true)]);
    assert_eq!(summary.audits, [audit(3)]);
    assert_eq!(summary.phases, [phase("data", 2.0)]);
    assert_eq!(summary.notes, ["resumed"]);
    for id in [0, 4] {
        assert!(
            matches!(
                store.summary(&[id]),
                Err(StudyError::UnknownCandidate { .. })
            ),
            "a front of unknown candidates"
        );
    }
}
