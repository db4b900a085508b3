//! Where one candidate is left: no supernet, no search, all the time for its training.

use std::path::Path;

use danas_study::{RunFolder, Store, Study};
use serde_json::Value;

use crate::work_clock::{answer, slow_machine};
use crate::{EXAMPLES, danas, fails, json, kill_after, prints};

/// A search in which only the standard network of width 0.1 for small pictures is left.
fn standard(out: &Path) -> assert_cmd::Command {
    let mut command = danas();
    command.args(["search", "--data", EXAMPLES, "--space", "mobilenetv2"]);
    command.args([
        "--fix",
        "width=0.1",
        "--resolutions",
        "16",
        "--colours",
        "rgb",
    ]);
    command.arg("--out").arg(out);
    command
}

fn study(run: &Path) -> Study {
    RunFolder::read(run).unwrap().study
}

#[test]
fn the_only_candidate_is_trained_from_scratch() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let search = || {
        let mut command = standard(&run);
        command.args([
            "--ram",
            "1MiB",
            "--steps",
            "supernet=400,search=100,final=3",
            "--json",
        ]);
        command
    };
    let output = search().assert().success().get_output().clone();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("one candidate is left (16x16 rgb, stem 8,"),
        "{said}"
    );
    assert!(said.contains("3 for model 1"), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["recommended"], 1);
    assert_eq!(result["front"].as_array().unwrap().len(), 1);
    assert!(!run.join("supernet.safetensors").exists());
    assert!(run.join("models/1/model.tflite").exists());
    let candidates = study(&run).candidates().unwrap();
    assert!(candidates.len() == 1 && !candidates[0].is_scored());
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    for part in [
        "the model made of the only candidate reads 16x16 rgb",
        "the only candidate there is, trained from scratch",
        "No candidate has a score, so there is nothing to draw.",
        "no score",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("nothing fits"));
    // The same command gives the result again, and in words there is no score.
    assert_eq!(json(&mut search()), result);
    let mut words = standard(&run);
    words.args([
        "--ram",
        "1MiB",
        "--steps",
        "supernet=400,search=100,final=3",
    ]);
    let table = prints(&mut words);
    let row = table
        .lines()
        .find(|line| line.trim_start().starts_with("1 "))
        .unwrap();
    assert!(row.contains(" - "), "{table}");
}

#[test]
fn limits_may_leave_one_candidate_too() {
    let folder = tempfile::tempdir().unwrap();
    let command = |limit: &str, out: &str| {
        let mut command = danas();
        command.args(["search", "--data", EXAMPLES, "--space", "mobilenetv2"]);
        command.args([
            "--resolutions",
            "16",
            "--colours",
            "rgb",
            "--max-macs",
            limit,
        ]);
        command.args(["--steps", "supernet=2,search=4,final=2", "--json"]);
        command.arg("--out").arg(folder.path().join(out));
        command
    };
    let macs = |result: &Value| -> Vec<u64> {
        let front = result["front"].as_array().unwrap().iter();
        front.map(|row| row["macs"].as_u64().unwrap()).collect()
    };
    let wide = json(&mut command("1G", "wide"));
    let mut all = macs(&wide);
    all.sort_unstable();
    let supernet = |out: &str| {
        folder
            .path()
            .join(out)
            .join("supernet.safetensors")
            .exists()
    };
    assert!(supernet("wide") && all.len() > 1, "{wide}");
    let narrow = json(&mut command(&all[0].to_string(), "narrow"));
    assert_eq!(macs(&narrow), all[..1]);
    assert!(!supernet("narrow"));
    let said = fails(&mut command(&(all[0] - 1).to_string(), "none"), 2);
    assert!(said.contains("nothing meets the limits"), "{said}");
}

#[test]
fn its_training_has_all_of_the_time_and_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let machine = slow_machine(folder);
    let search = |out: &str| {
        let mut command = standard(&folder.join(out));
        command.args(["--ram", "1MiB", "--time", "40s", "--quiet", "--work-clock"]);
        command.arg(&machine);
        command
    };
    search("whole").assert().success();
    let phases = study(&folder.join("whole")).phases().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["data", "search", "final training", "report"]);
    assert_eq!((phases[1].planned_seconds, phases[1].seconds), (0.0, 0.0));
    assert!(phases[2].seconds > 30.0, "{phases:?}");
    let all: f64 = phases.iter().map(|phase| phase.seconds).sum();
    assert!(all < 40.5, "{phases:?}");
    for moment in [20, 60, 120, 200, 300, 450] {
        kill_after(&search("killed"), moment);
    }
    search("killed").assert().success();
    assert!(answer(&folder.join("killed")) == answer(&folder.join("whole")));
    assert_eq!(study(&folder.join("killed")).candidates().unwrap().len(), 1);
}
