//! Searches by the clock of work: the result depends on nothing but seed and file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{EXAMPLES, danas, fails, kill_after};

/// A machine so slow that its seconds are over in a moment.
pub(crate) fn slow_machine(folder: &Path) -> PathBuf {
    let rates = |work: &str, piece: f64, mac: f64| {
        format!("[seconds.{work}]\npiece = {piece:?}\nmac = {mac:?}\nlayer = 1e-4\n")
    };
    let mut text = "processor = \"a slow one\"\nisa = \"any\"\nthreads = 2\n".to_string();
    for work in ["decoding", "rendering", "recalibration", "inference"] {
        text += &rates(work, 0.02, 1e-9);
    }
    for work in ["quantisation", "int8"] {
        text += &rates(work, 0.1, 1e-9);
    }
    for work in ["sandwich", "training", "fine-tuning"] {
        text += &rates(work, 0.3, 2e-9);
    }
    let file = folder.join("machine.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// A search of 20 seconds of the slow machine.
fn arguments(folder: &Path, out: &str) -> Vec<String> {
    let words = [
        "search",
        "--data",
        EXAMPLES,
        "--ram",
        "48KiB",
        "--flash",
        "160KiB",
        "--resolutions",
        "16,32",
        "--time",
        "20s",
        "--seed",
        "5",
        "--quiet",
        "--work-clock",
    ];
    let mut words: Vec<String> = words.map(String::from).to_vec();
    words.push(slow_machine(folder).display().to_string());
    words.push("--out".into());
    words.push(folder.join(out).display().to_string());
    words
}

/// All that a run answers with: its front, and its models byte by byte.
pub(crate) fn answer(run: &Path) -> (String, Vec<(PathBuf, Vec<u8>)>) {
    let front = std::fs::read_to_string(run.join("front.csv")).unwrap();
    let mut models = Vec::new();
    for model in std::fs::read_dir(run.join("models")).unwrap() {
        let file = model.unwrap().path().join("model.tflite");
        let bytes = std::fs::read(&file).unwrap();
        models.push((file.strip_prefix(run).unwrap().to_path_buf(), bytes));
    }
    models.sort();
    (front, models)
}

#[test]
fn neither_threads_nor_other_work_change_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let search = |out: &str, threads: &str| {
        let mut command = danas();
        command
            .args(arguments(folder, out))
            .args(["--threads", threads]);
        command.assert().success();
        answer(&folder.join(out))
    };
    let alone = search("alone", "2");
    assert!(!alone.1.is_empty());
    assert!(
        search("one-thread", "1") == alone,
        "another number of threads"
    );
    let done = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let found = search("busy", "2");
        done.store(true, Ordering::Relaxed);
        found
    });
    assert!(busy == alone, "a busy machine");
}

#[test]
fn a_search_by_the_work_clock_that_is_killed_ends_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run_whole = |out: &str| {
        danas().args(arguments(folder, out)).assert().success();
        answer(&folder.join(out))
    };
    let expected = run_whole("whole");
    for moment in [20, 60, 110, 170, 240, 320, 420, 550, 700] {
        kill_after(danas().args(arguments(folder, "killed")), moment);
    }
    assert!(run_whole("killed") == expected);
}

#[test]
fn a_file_that_is_no_work_clock_is_refused_and_another_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let arguments = arguments(folder, "run");
    let file = slow_machine(folder);
    let text = std::fs::read_to_string(&file).unwrap();
    danas().args(&arguments).assert().success();
    for (wrong, expected) in [
        (text.replace("[seconds.int8]", "[seconds.int9]"), "int9"),
        (text.replace("piece = 0.3", "piece = -0.3"), "sandwich"),
        (text.replace("piece = 0.3", "piece = inf"), "sandwich"),
        (text.replace("piece", "peace"), "peace"),
        ("seconds = 3".to_string(), "machine.toml"),
        // Sound, but not what the run began with.
        (text.replace("piece = 0.3", "piece = 0.4"), "sandwich.piece"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let said = fails(danas().args(&arguments), 1);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let mut missing = danas();
    missing.args([
        "search",
        "--data",
        EXAMPLES,
        "--ram",
        "48KiB",
        "--work-clock",
        "/no/such/file",
    ]);
    assert!(fails(&mut missing, 1).contains("/no/such/file"));
}
