//! Two stages: `--pretrain-split` and `--split`.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::work_clock::{answer, slow_machine};
use crate::{danas, fails, json, kill_after, pictures, prints};

/// Wake Vision's folders, with 60 pictures to pretrain on, 40 to train on, and 16 each for validation and test.
fn wake_vision(root: &Path) {
    for (part, count) in [
        ("train_large", 30),
        ("train_quality", 20),
        ("validation", 8),
        ("test", 8),
    ] {
        pictures(&root.join(part), &["0", "1"], count);
    }
}

/// A search of a source with tight limits, without a budget.
fn search(data: &Path, out: &Path) -> Command {
    let mut command = danas();
    let limits = ["--ram", "48KiB", "--flash", "160KiB", "--resolutions", "16"];
    command.args(["search", "--data"]).arg(data).args(limits);
    command.args(["--seed", "5", "--models", "1", "--out"]);
    command.arg(out);
    command
}

/// The same in steps, which are so many that a kill hits the training.
fn stepped(data: &Path, out: &Path) -> Command {
    let mut command = search(data, out);
    command.args(["--max-macs", "400k", "--json"]);
    command.args(["--steps", "supernet=24,search=12,final=2"]);
    command
}

fn two_stages(mut command: Command) -> Command {
    command.args([
        "--pretrain-split",
        "train_large",
        "--split",
        "train_quality",
    ]);
    command
}

fn recommended(result: &Value) -> (Value, Vec<Value>) {
    let mut front = result["front"].as_array().unwrap().clone();
    for member in &mut front {
        member["model"] = serde_json::json!(member["model"].is_null());
    }
    (result["recommended"].clone(), front)
}

#[test]
fn both_stages_are_trained_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    wake_vision(&data);
    let out = folder.path().join("whole");
    let mut command = two_stages(stepped(&data, &out));
    let output = command.assert().success();
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    // 24 steps of 16 pictures: 192 of 60, then 192 of 40.
    let projected =
        "24 steps see 384 pictures: 3.2 epochs of train_large, then 4.8 of train_quality";
    assert!(said.contains(projected), "{said}");
    assert!(
        said.contains(": 3.2 epochs of train_large, then 4.8 of train_quality; "),
        "{said}"
    );
    assert!(
        said.contains("132 pictures in 2 classes: 60 pretraining, 40 train"),
        "{said}"
    );
    let stored = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert!(
        stored.contains("pretrain-split = \"train_large\"")
            && stored.contains("split = \"train_quality\""),
        "{stored}"
    );
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(
        page.contains(">pretraining</th>") && page.contains("pretraining as given in train_large")
    );
    let expected = json(&mut two_stages(stepped(&data, &out)));
    // Killed at any moment it ends as if it never was; the file of the run repeats it.
    let killed = folder.path().join("killed");
    for moment in [20, 60, 120, 200, 300, 420, 550] {
        kill_after(&two_stages(stepped(&data, &killed)), moment);
    }
    let result = json(&mut two_stages(stepped(&data, &killed)));
    assert_eq!(recommended(&result), recommended(&expected));
    let mut repeated = danas();
    repeated.args(["search", "--json", "--config"]);
    repeated.arg(out.join("config.toml"));
    repeated.arg("--out").arg(folder.path().join("again"));
    assert_eq!(recommended(&json(&mut repeated)), recommended(&expected));
    // Without the first stage it is another training.
    let one = json(&mut stepped(&data, &folder.path().join("one")));
    assert_ne!(one["front"], expected["front"]);
}

#[test]
fn one_candidate_is_not_trained_in_two_stages() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    wake_vision(&data);
    let mut alone = danas();
    alone.args(["search", "--ram", "1MiB", "--resolutions", "16", "--data"]);
    alone.arg(&data).arg("--out").arg(folder.path().join("run"));
    alone.args([
        "--space",
        "mobilenetv2",
        "--fix",
        "width=0.1",
        "--colours",
        "rgb",
    ]);
    alone.args(["--steps", "supernet=1,search=1,final=1"]);
    let said = fails(&mut two_stages(alone), 1);
    assert!(said.contains("train_large is for pretraining"), "{said}");
    let mut compared = danas();
    compared.args([
        "compare",
        "--limits",
        "1MiB/1MiB",
        "--times",
        "2s",
        "--data",
    ]);
    compared
        .arg(&data)
        .arg("--out")
        .arg(folder.path().join("compared"));
    compared.args(["--methods", "mobilenetv2"]);
    let said = fails(&mut two_stages(compared), 1);
    assert!(said.contains("train_large is for pretraining"), "{said}");
}

#[test]
fn by_the_clock_of_work_the_stages_end_where_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    wake_vision(&data);
    let machine = slow_machine(folder.path());
    let timed = |out: &str| {
        let mut command = two_stages(search(&data, &folder.path().join(out)));
        command.args(["--time", "20s", "--quiet", "--work-clock"]);
        command.arg(&machine);
        command
    };
    timed("whole").assert().success();
    for moment in [50, 150, 300, 500] {
        kill_after(&timed("killed"), moment);
    }
    timed("killed").assert().success();
    let answer = |out: &str| answer(&folder.path().join(out));
    assert_eq!(answer("killed"), answer("whole"));
}

#[test]
fn a_prepared_set_keeps_the_stages() {
    let folder = tempfile::tempdir().unwrap();
    let (data, set) = (folder.path().join("data"), folder.path().join("set"));
    wake_vision(&data);
    let mut prepare = danas();
    prepare.args(["prepare", "--json", "--resolutions", "16", "--seed", "5"]);
    prepare.arg(&data).arg("--out").arg(&set);
    let told = json(&mut two_stages(prepare));
    assert_eq!(told["counts"][1]["pretraining"], 30);
    let direct = json(&mut two_stages(stepped(
        &data,
        &folder.path().join("direct"),
    )));
    let from_set = json(&mut stepped(&set, &folder.path().join("from-set")));
    assert_eq!(recommended(&from_set), recommended(&direct));
    // What it was prepared with may be said again, anything else may not.
    json(&mut two_stages(stepped(
        &set,
        &folder.path().join("from-set-again"),
    )));
    let mut other = stepped(&set, &folder.path().join("other"));
    other.args(["--pretrain-split", "train_quality"]);
    let said = fails(&mut other, 1);
    assert!(
        said.contains("was not prepared with train_quality=pretraining")
            && said.contains("train_large"),
        "{said}"
    );
    let shown = prints(danas().arg("inspect").arg(&set));
    assert!(
        shown.contains("pretraining  train")
            && shown.contains("pretraining as given in train_large"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_done_in_stages_is_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    wake_vision(&data);
    let out = folder.path().join("run");
    let mut separate = two_stages(stepped(&data, &out));
    separate.args(["--method", "separate"]);
    let said = fails(&mut separate, 1);
    assert!(
        said.contains("only one supernet for all data configurations is trained in two stages"),
        "{said}"
    );
    let mut compare = danas();
    compare.args(["compare", "--data"]).arg(&data);
    compare.args([
        "--limits",
        "48KiB/160KiB",
        "--times",
        "1h",
        "--methods",
        "searched,none",
    ]);
    compare.args(["--pretrain-split", "train_large", "--out"]);
    compare.arg(&out);
    let said = fails(&mut compare, 1);
    assert!(said.contains("two stages"), "{said}");
    let mut twice = stepped(&data, &out);
    twice.args(["--pretrain-split", "train_large", "--split", "train_large"]);
    let said = fails(&mut twice, 1);
    assert!(said.contains("cannot be used twice"), "{said}");
    let mut missing = stepped(&data, &out);
    missing.args(["--pretrain-split", "train_huge"]);
    let said = fails(&mut missing, 1);
    assert!(said.contains("no part `train_huge`"), "{said}");
    assert!(
        !out.exists(),
        "a search that cannot begin leaves nothing behind"
    );
    let shown = prints(danas().arg("inspect").arg(&data));
    assert!(
        shown.contains("parts not used: train_large") && shown.contains("--pretrain-split"),
        "{shown}"
    );
}
