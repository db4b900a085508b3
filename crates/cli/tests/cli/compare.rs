//! `danas compare`.

use serde_json::Value;

use crate::{EXAMPLES, danas, fails, json};

fn compare(out: &std::path::Path) -> assert_cmd::Command {
    let mut command = danas();
    command
        .args(["compare", "--data", EXAMPLES, "--json", "--quiet", "--out"])
        .arg(out);
    command
}

#[test]
fn every_search_is_made_once_and_the_page_tells_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("comparison");
    let command = || {
        let mut command = compare(&out);
        command.args(["--limits", "48KiB/160KiB", "--times", "2s", "--seeds", "2"]);
        command.args(["--methods", "searched,fixed,random", "--fixed", "16:mono"]);
        command
    };
    let first = json(&mut command());
    let searches: &Vec<Value> = first.as_array().unwrap();
    let methods: Vec<&str> = searches
        .iter()
        .map(|s| s["method"].as_str().unwrap())
        .collect();
    assert_eq!(
        methods,
        [
            "searched",
            "fixed 16x16 mono",
            "random",
            "searched",
            "fixed 16x16 mono",
            "random"
        ]
    );
    for search in searches {
        let accuracy = search["test_accuracy_int8"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&accuracy), "{search}");
        assert!(search["hypervolume"].as_f64().unwrap() >= 0.0, "{search}");
        if search["method"] == "fixed 16x16 mono" {
            assert_eq!(search["data"], "16x16 mono");
        }
    }
    let page = std::fs::read_to_string(out.join("results.md")).unwrap();
    for part in [
        "# Searching data and network together",
        "48KiB/160KiB",
        "| random |",
        "results.svg",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(
        std::fs::read_to_string(out.join("results.svg"))
            .unwrap()
            .contains("</svg>")
    );
    // Nothing is searched a second time: what timed searches find would differ.
    let before = std::fs::metadata(out.join("runs"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(json(&mut command()), first);
    assert_eq!(
        std::fs::metadata(out.join("runs"))
            .unwrap()
            .modified()
            .unwrap(),
        before
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
