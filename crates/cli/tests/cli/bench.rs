//! `danas bench`: what it prints, and what it refuses.

use assert_cmd::Command;
use serde_json::Value;

use crate::{EXAMPLES, danas, fails, json};

/// The shortest measurement of a task that there is.
fn quick(tasks: &str) -> Command {
    let mut command = danas();
    command.args(["bench", "--only", tasks, "--rounds", "1", "--threads", "1"]);
    command.env_remove("DANAS_ISA");
    command
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_figures_are_one_json_object_of_a_known_form() {
    let report = json(quick("W3-inference").arg("--json"));
    assert_eq!(keys(&report), ["peak_gflops", "results"]);
    let results = report["results"].as_array().expect("an array");
    assert_eq!(results.len(), 1);
    assert_eq!(
        keys(&results[0]),
        [
            "gflops",
            "images_per_second",
            "isa",
            "name",
            "peak_share",
            "threads"
        ]
    );
    assert_eq!(results[0]["name"], "W3-inference");
    assert_eq!(results[0]["threads"], 1);
    let number = |key: &str| results[0][key].as_f64().expect("a number");
    let peak = report["peak_gflops"].as_f64().expect("a number");
    assert!(number("images_per_second") > 0.0);
    assert!((number("peak_share") - number("gflops") / peak).abs() < 1e-9);
}

#[test]
fn instructions_are_forced_by_an_option_or_by_the_environment() {
    let isa = |command: &mut Command| json(command.arg("--json"))["results"][0]["isa"].clone();
    let mut by_option = quick("W3-inference");
    assert_eq!(isa(by_option.args(["--isa", "portable"])), "portable");
    let mut by_environment = quick("W3-inference");
    let set = by_environment.env("DANAS_ISA", "portable");
    assert_eq!(isa(set), "portable");
    let said = fails(quick("W3-inference").env("DANAS_ISA", "mmx"), 1);
    assert!(said.contains("mmx") && said.contains("portable"), "{said}");
}

#[test]
fn the_cost_of_loading_is_said_where_pictures_are_given() {
    let mut command = quick("W3-train-pictures,W3-train-fixed");
    let output = command.args(["--data", EXAMPLES]).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.contains("pictures, W3, 1 thread: loading"), "{text}");
    assert!(text.contains("GFLOP/s in multiply-adds alone"), "{text}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_a_hint() {
    let said = fails(&mut quick("W1-trian"), 1);
    assert!(said.contains("did you mean `W1-train`?"), "{said}");
    let said = fails(&mut quick("W1-train-pictures"), 1);
    assert!(said.contains("--data"), "{said}");
    let mut two = danas();
    two.args(["bench", "--calibrate", "x.toml", "--threads", "1,2"]);
    assert!(fails(&mut two, 1).contains("one number of threads"));
    assert!(fails(danas().args(["bench", "--rounds", "0"]), 1).contains("rounds"));
    assert!(fails(danas().args(["bench", "--threads", "0"]), 1).contains("threads"));
}
