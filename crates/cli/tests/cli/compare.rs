//! `danas compare`.

use serde_json::Value;

use crate::work_clock::slow_machine;
use crate::{EXAMPLES, danas, fails, json};

fn compare(out: &std::path::Path) -> assert_cmd::Command {
    let mut command = danas();
    command
        .args(["compare", "--data", EXAMPLES, "--json", "--quiet", "--out"])
        .arg(out);
    command
}

/// Accuracy, hypervolume and input of every search.
fn searches(result: &Value) -> &Vec<Value> {
    result.as_array().expect("an array of searches")
}

#[test]
fn every_search_is_made_once_and_the_page_tells_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let machine = slow_machine(folder.path());
    let command = |out: &str, threads: &str| {
        let mut command = compare(&folder.path().join(out));
        command.args(["--limits", "48KiB/160KiB", "--times", "20s", "--seeds", "2"]);
        command.args([
            "--methods",
            "searched,fixed,random,separate,none,paper",
            "--fixed",
            "16:mono",
        ]);
        command
            .arg("--work-clock")
            .arg(&machine)
            .args(["--threads", threads]);
        command
    };
    let first = json(&mut command("comparison", "2"));
    let methods: Vec<&str> = (searches(&first).iter())
        .map(|s| s["method"].as_str().unwrap())
        .collect();
    let seed = [
        "searched",
        "fixed 16x16 mono",
        "random",
        "separate supernets",
        "no supernet",
        "as in the paper",
    ];
    assert_eq!(methods, [seed, seed].concat());
    for search in searches(&first) {
        for split in ["test", "val"] {
            let accuracy = &search[format!("{split}_accuracy_int8")];
            assert!(
                (0.0..=1.0).contains(&accuracy.as_f64().unwrap()),
                "{search}"
            );
            assert_eq!(&search[format!("{split}_score_int8")], accuracy);
        }
        assert_eq!(search["objective"], "accuracy");
        assert!(search["hypervolume"].as_f64().unwrap() >= 0.0, "{search}");
        if search["method"] == "fixed 16x16 mono" {
            assert_eq!(search["data"], "16x16 mono");
        }
    }
    let out = folder.path().join("comparison");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let page = read("results.md");
    for part in [
        "# Searching data and network together",
        "48KiB/160KiB",
        "a slow one with any",
        "| by seed | `searched` is ahead by | hypervolume |",
        "| random |",
        "| separate supernets |",
        "(best fixed, in hindsight)",
        "results.svg",
        "## Quality per minute",
        "quality.svg",
        "what `separate supernets` reaches in 20s",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for picture in ["results.svg", "quality.svg"] {
        assert!(read(picture).contains("</svg>"));
    }
    // Nothing is searched a second time.
    let modified = || {
        std::fs::metadata(out.join("runs"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = modified();
    assert_eq!(json(&mut command("comparison", "2")), first);
    assert_eq!(modified(), before);
    // Nor where the runs are gone: what they came to is kept beside the page.
    std::fs::remove_dir_all(out.join("runs")).unwrap();
    std::fs::remove_file(out.join("results.md")).unwrap();
    let kept = json(&mut command("comparison", "2"));
    for (kept, search) in searches(&kept).iter().zip(searches(&first)) {
        let mut without_run = search.clone();
        without_run["run"] = Value::Null;
        assert_eq!(kept, &without_run);
    }
    assert_eq!(read("results.md"), page);
    assert!(!out.join("runs").exists());
    // Where it is made again, it says the same.
    json(&mut command("again", "1"));
    let again = std::fs::read_to_string(folder.path().join("again/results.md")).unwrap();
    assert_eq!(again, page);
}

#[test]
fn a_standard_network_is_trained_or_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let machine = slow_machine(folder.path());
    let mut command = compare(&folder.path().join("comparison"));
    command.args(["--limits", "48KiB/160KiB,1MiB/2MiB", "--times", "40s"]);
    command.args(["--methods", "mobilenetv2", "--objective", "balanced"]);
    command.args(["--seeds", "1", "--work-clock"]).arg(machine);
    let result = json(&mut command);
    let [narrow, wide] = &searches(&result)[..] else {
        panic!("{result}");
    };
    for search in [narrow, wide] {
        assert_eq!(search["method"], "MobileNetV2 0.35 32x32 rgb");
        assert_eq!(search["objective"], "balanced accuracy");
    }
    assert!(narrow["test_score_int8"].is_null() && wide["test_score_int8"].is_f64());
    assert_eq!(wide["data"], "32x32 rgb");
    let page = std::fs::read_to_string(folder.path().join("comparison/results.md")).unwrap();
    for part in [
        "| MobileNetV2 0.35 32x32 rgb | – | does not fit |",
        "`MobileNetV2 0.35 32x32 rgb` does not fit.",
        "int8 test balanced accuracy, mean | by seed | hypervolume | took |",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    // It was not searched for, but trained for all of the time.
    let run = danas_study::RunFolder::read(wide["run"].as_str().unwrap().as_ref()).unwrap();
    let phases = danas_study::Store::phases(&run.study).unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["data", "search", "final training", "report"]);
    assert!(
        phases[1].seconds == 0.0 && phases[2].seconds > 25.0,
        "{phases:?}"
    );
}

#[test]
fn a_comparison_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = fails(
        compare(folder.path()).args(["--times", "2s", "--limits", "48KiB"]),
        1,
    );
    assert!(said.contains("RAM/FLASH"), "{said}");
    let mut none = compare(folder.path());
    none.args(["--times", "2s", "--limits", "48KiB/160KiB", "--seeds", "0"]);
    assert!(fails(&mut none, 1).contains("expected 1 to"));
}

#[test]
fn what_is_known_of_other_searches_is_not_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    let machine = slow_machine(folder.path());
    let command = || {
        let mut command = compare(folder.path());
        command.args(["--limits", "48KiB/160KiB", "--times", "20s", "--seeds", "1"]);
        command.args(["--methods", "random"]);
        command
    };
    let by_work = || {
        let mut command = command();
        command.arg("--work-clock").arg(&machine);
        command
    };
    json(&mut by_work());
    let said = fails(&mut command(), 1);
    assert!(said.contains("another `work-clock`"), "{said}");
    let said = fails(by_work().args(["--objective", "balanced"]), 1);
    assert!(said.contains("another `objective`"), "{said}");

    let file = folder.path().join("searches.jsonl");
    let half = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &half[..half.len() - 9]).unwrap();
    let said = fails(&mut by_work(), 1);
    assert!(
        said.contains("searches.jsonl") && said.contains("move it away"),
        "{said}"
    );
    std::fs::remove_file(&file).unwrap();
    json(&mut by_work());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), half);
}
