//! `danas audit`.

use danas_study::{RunFolder, Store};
use serde_json::Value;

use crate::{EXAMPLES, danas, fails, json, tiny_search};

/// An audit that takes a second.
fn audit(out: &std::path::Path, candidates: &str, steps: &str) -> assert_cmd::Command {
    let mut command = danas();
    command.arg("audit").arg(out).args(["--json", "--quiet"]);
    command.args(["--candidates", candidates, "--steps", steps]);
    command
}

#[test]
fn scores_are_held_against_trainings_and_nothing_is_trained_twice() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    tiny_search(&out, 3).assert().success();

    let few = json(&mut audit(&out, "4", "6"));
    assert_eq!(
        (few["candidates"].as_u64(), few["steps"].as_u64()),
        (Some(4), Some(6))
    );
    let [low, tau, high] = ["low", "tau", "high"].map(|name| few[name].as_f64().unwrap());
    assert!(
        -1.0 <= low && low <= tau && tau <= high && high <= 1.0,
        "{few}"
    );

    // What was trained is not trained again: times are those of the first audit.
    let study = || RunFolder::read(&out).unwrap().study;
    let recorded = || study().audits().unwrap();
    let before = recorded();
    let by_macs = {
        let candidates = study().candidates().unwrap();
        let of = |id| candidates.iter().find(|c| c.id == id).unwrap();
        let pairs = before
            .iter()
            .map(|audit| (of(audit.candidate).cost.macs as f64, audit.val_accuracy));
        danas_search::kendall_tau(&pairs.collect::<Vec<_>>())
    };
    assert_eq!(few["by_macs"]["tau"].as_f64(), by_macs);
    let more = json(&mut audit(&out, "8", "6"));
    assert_eq!(more["candidates"].as_u64(), Some(8));
    let after = recorded();
    let again = after.iter().filter(|audit| before.contains(audit)).count();
    assert!(
        again >= 2,
        "the two ends are in both choices: {before:?}, {after:?}"
    );
    assert_eq!(json(&mut audit(&out, "8", "6")), more);

    // Another length of training stands beside the first.
    let longer: Value = json(&mut audit(&out, "4", "7"));
    assert_eq!(longer["steps"].as_u64(), Some(7));
    assert_eq!(recorded().len(), after.len() + 4);

    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("What the scores are worth"));
    let text = danas()
        .arg("audit")
        .arg(&out)
        .args(["--candidates", "8", "--steps", "6"])
        .assert()
        .success();
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    assert!(text.contains("Kendall's tau"), "{text}");
    assert!(text.contains("multiply-accumulates alone with"), "{text}");
    let left = std::fs::read_dir(&out).unwrap().filter_map(Result::ok);
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("audit")),
        "{left:?}"
    );
}

#[test]
fn what_cannot_be_audited_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let message = fails(&mut audit(&out, "4", "6"), 1);
    assert!(message.contains("not the folder of a run"), "{message}");

    let mut search = danas();
    search.args(["search", "--data", EXAMPLES, "--ram", "1KiB", "--out"]);
    search.arg(&out).assert().code(2);
    let message = fails(&mut audit(&out, "4", "6"), 1);
    assert!(
        message.contains("nothing that meets its limits"),
        "{message}"
    );

    let message = fails(&mut audit(&out, "0", "6"), 1);
    assert!(message.contains("expected 1 to"), "{message}");
}
