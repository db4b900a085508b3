//! The paper's own ways to score candidates, in the same engine.

use std::path::Path;

use danas_study::{PhaseRecord, RunFolder, Store};

use crate::work_clock::{answer, slow_machine};
use crate::{EXAMPLES, danas, json, kill_after, tiny_search};

/// A search of two and a half minutes of a machine that is slow, but has time for the four hundred steps of an adaptation.
fn by_the_clock(folder: &Path, method: &str, out: &str) -> assert_cmd::Command {
    let machine = slow_machine(folder);
    let slow = std::fs::read_to_string(&machine).unwrap();
    std::fs::write(&machine, slow.replace("piece = 0.3", "piece = 0.02")).unwrap();
    let mut command = danas();
    command.args([
        "search", "--data", EXAMPLES, "--ram", "48KiB", "--flash", "160KiB",
    ]);
    command.args([
        "--resolutions",
        "16,32",
        "--time",
        "150s",
        "--quiet",
        "--method",
        method,
    ]);
    command.arg("--work-clock").arg(machine);
    command.arg("--out").arg(folder.join(out));
    command
}

fn phases(run: &Path) -> Vec<PhaseRecord> {
    RunFolder::read(run).unwrap().study.phases().unwrap()
}

#[test]
fn both_make_models_within_the_time() {
    let folder = tempfile::tempdir().unwrap();
    for method in ["separate", "none"] {
        by_the_clock(folder.path(), method, method)
            .assert()
            .success();
        let run = folder.path().join(method);
        let (front, models) = answer(&run);
        assert!(!models.is_empty() && front.lines().count() > 1, "{front}");
        let phases = phases(&run);
        let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
        assert_eq!(names, ["data", "search", "final training", "report"]);
        let all: f64 = phases.iter().map(|phase| phase.seconds).sum();
        assert!(all < 151.0, "{method} took {all} seconds");
        assert!(phases[1].seconds > 80.0, "{method}: {phases:?}");
        let supernets = std::fs::read_dir(&run).unwrap().filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("supernet-")
        });
        let supernets = supernets.count();
        // Two resolutions in two colour modes.
        match method {
            "separate" => assert!((1..=4).contains(&supernets), "{supernets}"),
            _ => assert_eq!(supernets, 0),
        }
    }
}

#[test]
fn supernets_that_are_trained_when_they_are_needed_survive_kills() {
    for method in ["separate", "paper"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        by_the_clock(folder, method, "whole").assert().success();
        for moment in [60, 150, 300, 500, 800] {
            kill_after(&by_the_clock(folder, method, "killed"), moment);
        }
        by_the_clock(folder, method, "killed").assert().success();
        assert!(answer(&folder.join("killed")) == answer(&folder.join("whole")));
    }
}

#[test]
fn the_papers_models_are_the_candidates_as_they_were_scored() {
    let folder = tempfile::tempdir().unwrap();
    by_the_clock(folder.path(), "paper", "run")
        .assert()
        .success();
    let run = folder.path().join("run");
    let study = RunFolder::read(&run).unwrap().study;
    let candidates = study.candidates().unwrap();
    let models = study.models().unwrap();
    assert!(!models.is_empty());
    for model in models {
        let scored = candidates.iter().find(|c| c.id == model.candidate).unwrap();
        assert_eq!(model.val_tally_float, scored.val_tally);
    }
    let phases = phases(&run);
    let all: f64 = phases.iter().map(|phase| phase.seconds).sum();
    assert!(all < 151.0 && phases[1].seconds > 100.0, "{phases:?}");
}

#[test]
fn steps_are_those_of_every_supernet_and_methods_differ() {
    let folder = tempfile::tempdir().unwrap();
    let fronts = ["shared", "separate", "none"].map(|method| {
        let mut command = tiny_search(&folder.path().join(method), 3);
        let result = json(command.args(["--method", method]));
        assert!(result["recommended"].is_u64(), "{method}: {result}");
        result["front"].clone()
    });
    assert!(fronts[0] != fronts[1] && fronts[1] != fronts[2] && fronts[0] != fronts[2]);
}
