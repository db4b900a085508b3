//! Objectives, and classes of which one is rare.

use std::path::Path;

use crate::{danas, fails, json, pictures};

/// A folder whose first class has eight times the pictures of the second.
fn imbalanced(folder: &Path) {
    pictures(folder, &["common"], 48);
    pictures(folder, &["rare"], 6);
}

/// A search of these pictures that takes a second.
fn search(data: &Path, out: &Path) -> assert_cmd::Command {
    let mut command = danas();
    command.args(["search", "--ram", "48KiB", "--max-macs", "400k"]);
    command.args(["--resolutions", "16", "--json", "--steps"]);
    command.args(["supernet=2,search=6,final=2", "--data"]);
    command.arg(data).arg("--out").arg(out);
    command
}

#[test]
fn what_is_maximised_is_told_kept_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    imbalanced(&data);
    let out = folder.path().join("run");
    let with = |objective: &str| {
        let mut command = search(&data, &out);
        command.args(["--objective", objective]);
        command
    };
    let unknown = fails(&mut with("f1:rear"), 1);
    assert!(unknown.contains("did you mean `f1:rare`?"), "{unknown}");
    assert!(!out.exists(), "an objective that is none leaves no run");

    let result = json(&mut with("balanced"));
    assert_eq!(result["objective"], "balanced accuracy");
    for member in result["front"].as_array().unwrap() {
        assert_eq!(member["val_score"], member["val_balanced_accuracy"]);
        let [low, value, high] = ["val_accuracy_low", "val_accuracy", "val_accuracy_high"]
            .map(|name| member[name].as_f64().unwrap());
        assert!(low <= value && value <= high && low < high, "{member}");
    }
    // The best of the front ties with itself.
    assert_eq!(result["front"][0]["tie"], true);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("validation balanced accuracy, %"));
    let other = fails(&mut with("f1:rare"), 1);
    assert!(
        other.contains("objective: stored \"balanced\", now \"f1:rare\""),
        "{other}"
    );
    assert_eq!(json(&mut with("balanced")), result);
}

#[test]
fn a_rare_class_is_hinted_at_unless_somebody_chose() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    imbalanced(&data);
    let said = |out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        let assert = search(&data, &out).args(more).assert().success();
        let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        let page = std::fs::read_to_string(out.join("report.html")).unwrap();
        (said, page)
    };
    let (hinted, page) = said("open", &[]);
    assert!(
        hinted.contains("--objective balanced") && hinted.contains("f1:rare"),
        "{hinted}"
    );
    assert!(page.contains("inverse to how often a class occurs"));
    let (chosen, page) = said("chosen", &["--objective", "accuracy"]);
    assert!(!chosen.contains("hint:"), "{chosen}");
    assert!(page.contains("all classes alike"));
}
