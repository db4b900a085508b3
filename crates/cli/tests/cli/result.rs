//! What comes out: the JSON, the files, and that the same seed gives the same.

use std::path::Path;

use danas_study::{RunFolder, Store};

use crate::{danas, fails, json, prints, tiny_search, tiny_search_in_words};

#[test]
fn a_search_ends_with_verified_models() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let result = json(&mut tiny_search(&out, 1));
    assert_eq!(result["run"], out.display().to_string());
    let recommended = result["recommended"].as_u64().unwrap();
    let front = result["front"].as_array().unwrap();
    let trained: Vec<_> = front
        .iter()
        .filter(|member| !member["model"].is_null())
        .collect();
    assert!(!trained.is_empty() && trained.len() <= 3);
    assert!(trained.iter().any(|member| member["id"] == recommended));
    for member in front {
        assert!(member["data"]["resolution"].is_u64() && member["data"]["colour"].is_string());
        assert!((0.0..=1.0).contains(&member["val_accuracy"].as_f64().unwrap()));
        assert!(member["arena_bytes"].as_u64().unwrap() <= 48 * 1024);
        assert!(member["flash_bytes"].as_u64().unwrap() <= 160 * 1024);
        assert!(member["macs"].as_u64().unwrap() <= 400_000);
        assert!(member["latency_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(
            member["model"].is_null(),
            member["test_accuracy_int8"].is_null()
        );
    }
    for name in [
        "report.html",
        "front.csv",
        "config.toml",
        "study.sqlite",
        "supernet.safetensors",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    check_csv(&out, front.len());
    check_commands(&out, trained[0]);
}

/// The latencies of the front that a search ended with, in milliseconds.
fn latencies(search: &mut assert_cmd::Command) -> Vec<f64> {
    let result = json(search);
    let front = result["front"].as_array().unwrap().iter();
    front
        .map(|member| member["latency_ms"].as_f64().unwrap())
        .collect()
}

#[test]
fn a_latency_limit_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut free = latencies(&mut tiny_search(&folder.path().join("free"), 3));
    free.sort_by(f64::total_cmp);
    let (least, most) = (free[0], free[free.len() - 1]);
    let limit = (least + most) / 2.0;
    assert!(limit < most, "the front holds one latency only: {free:?}");
    let mut limited = tiny_search(&folder.path().join("limited"), 3);
    limited.args(["--max-latency", &format!("{limit}ms")]);
    let kept = latencies(&mut limited);
    assert!(
        !kept.is_empty() && kept.iter().all(|&latency| latency <= limit),
        "{kept:?}"
    );
    let mut impossible = tiny_search(&folder.path().join("impossible"), 3);
    impossible.args(["--max-latency", "1us"]);
    let said = impossible.assert().code(2).get_output().stdout.clone();
    let result: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert!(result["recommended"].is_null());
}

#[test]
fn a_latency_that_nobody_measured_is_called_extrapolated() {
    let listed = prints(danas().arg("boards"));
    let row = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("stm32l4r5 ").contains("published") && row("stm32l4r5 ").contains("52 mW"));
    assert!(row("nano-33-ble ").contains("extrapolated") && row("nano-33-ble ").ends_with('-'));

    let folder = tempfile::tempdir().unwrap();
    for (board, published) in [("stm32l4r5", true), ("nano-33-ble", false)] {
        let out = folder.path().join(board);
        let mut search = tiny_search_in_words(&out, 4);
        search.args(["--board", board]);
        let said = search.assert().success().get_output().stdout.clone();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(
            said.contains("latency (extrapolated)"),
            !published,
            "{said}"
        );
        assert_eq!(
            said.contains(" ms (extrapolated) per picture"),
            !published,
            "{said}"
        );
        let page = std::fs::read_to_string(out.join("report.html")).unwrap();
        assert_eq!(page.contains("latency (extrapolated)"), !published);
        let cards = std::fs::read_dir(out.join("models")).unwrap();
        for model in cards {
            let card = std::fs::read_to_string(model.unwrap().path().join("card.md")).unwrap();
            let line = |start: &str| card.lines().find(|line| line.starts_with(start));
            let tflm = line("| time of one inference, TensorFlow Lite").unwrap();
            let ours = line("| time of one inference, C code").unwrap();
            assert_eq!(tflm.contains("(extrapolated)"), !published, "{card}");
            assert!(
                ours.contains("(extrapolated)"),
                "nobody measured our code: {card}"
            );
            assert_eq!(line("| energy of it").is_some(), published, "{card}");
        }
    }
}

/// `front.csv` has the columns of the JSON and a row for each member.
fn check_csv(out: &Path, members: usize) {
    let table = std::fs::read_to_string(out.join("front.csv")).unwrap();
    let head = table.lines().next().unwrap();
    assert!(head.starts_with(
        "id,resolution,colour,val_accuracy,test_accuracy_int8,arena_bytes,flash_bytes,latency_ms,macs,model"
    ));
    assert_eq!(table.lines().count(), 1 + members);
}

/// `report`, `export` and `evaluate` agree with what the search said.
fn check_commands(out: &Path, member: &serde_json::Value) {
    std::fs::remove_file(out.join("report.html")).unwrap();
    danas().arg("report").arg(out).assert().success();
    assert!(out.join("report.html").is_file());

    let to = out.join("../exported");
    let id = member["id"].to_string();
    danas()
        .arg("export")
        .arg(out)
        .args(["--model", &id, "--to"])
        .arg(&to)
        .assert()
        .success();
    for name in ["model.tflite", "model.h", "preprocessing.toml", "card.md"] {
        assert!(to.join(name).is_file(), "{name}");
    }
    let mut export = danas();
    export
        .arg("export")
        .arg(out)
        .args(["--model", "4711", "--to"])
        .arg(&to);
    let said = fails(&mut export, 1);
    assert!(
        said.contains("model 4711 was not trained") && said.contains(&id),
        "{said}"
    );

    check_c_code(out, &to, &id);

    let mut evaluate = danas();
    evaluate.arg("evaluate").arg(to.join("model.tflite"));
    evaluate.args(["--data", crate::EXAMPLES, "--seed", "1", "--json"]);
    let evaluated = json(&mut evaluate);
    assert_eq!(evaluated["accuracy"], member["test_accuracy_int8"]);
    assert_eq!(evaluated["macs"], member["macs"]);
    for (of_file, of_front) in [
        ("accuracy_low", "test_accuracy_int8_low"),
        ("accuracy_high", "test_accuracy_int8_high"),
        ("balanced_accuracy", "test_balanced_accuracy_int8"),
    ] {
        assert_eq!(evaluated[of_file], member[of_front], "{of_file}");
    }
    assert_eq!(evaluated["measures"].as_array().unwrap().len(), 3);
    let card = std::fs::read_to_string(to.join("card.md")).unwrap();
    assert!(card.contains("| test, balanced accuracy |"), "{card}");
}

/// C code of a run's model and of the copied file are the same.
fn check_c_code(out: &Path, copied: &Path, id: &str) {
    let folder = tempfile::tempdir().unwrap();
    let code = |source: &Path, name: &str, more: &[&str]| {
        let to = folder.path().join(name);
        let mut export = danas();
        export.arg("export").arg(source).args(["--as", "c"]);
        export
            .args(["--name", "shapes"])
            .args(more)
            .arg("--to")
            .arg(&to);
        let said = export.assert().success().get_output().stdout.clone();
        for path in String::from_utf8(said).unwrap().lines() {
            assert!(Path::new(path).is_file(), "{path}");
        }
        std::fs::read_to_string(to.join("src/shapes.c")).unwrap()
    };
    let of_run = code(out, "run", &["--model", id]);
    let file = copied.join("model.tflite");
    assert_eq!(of_run, code(&file, "file", &[]));
    // What lies beside the file names the classes; without it they are numbered.
    assert!(of_run.contains("int shapes_set_frame") && !of_run.contains("\"class 0\""));
    let alone = folder.path().join("alone.tflite");
    std::fs::copy(&file, &alone).unwrap();
    assert!(code(&alone, "alone", &[]).contains("\"class 0\""));

    let refused = |source: &Path, more: &[&str]| {
        let mut export = danas();
        export
            .arg("export")
            .arg(source)
            .args(more)
            .arg("--to")
            .arg(folder.path());
        fails(&mut export, 1)
    };
    assert!(refused(&file, &[]).contains("--as c"));
    assert!(refused(&file, &["--as", "c", "--model", "1"]).contains("is a file"));
    assert!(refused(out, &["--name", "shapes"]).contains("--name"));
    std::fs::write(&alone, b"no model").unwrap();
    assert!(refused(&alone, &["--as", "c"]).contains("no usable model"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let front = |threads: &str| {
        let mut result =
            json(tiny_search(&folder.path().join(threads), 3).args(["--threads", threads]));
        for member in result["front"].as_array_mut().unwrap() {
            // Only the folder's name differs.
            if let Some(path) = member["model"].as_str() {
                let bytes = std::fs::read(path).unwrap();
                member["model"] = serde_json::json!(bytes);
            }
        }
        (result["recommended"].clone(), result["front"].clone())
    };
    assert_eq!(front("1"), front("2"));
}

#[test]
fn a_configuration_file_does_what_options_do() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut result = json(&mut tiny_search(&first, 5));
    let mut again = danas();
    again
        .args(["search", "--config"])
        .arg(first.join("config.toml"))
        .args(["--json", "--out"])
        .arg(&second);
    let mut repeated = json(&mut again);
    for result in [&mut result, &mut repeated] {
        for member in result["front"].as_array_mut().unwrap() {
            member["model"] = serde_json::json!(member["model"].is_null());
        }
    }
    assert_eq!(result["front"], repeated["front"]);
}

#[test]
fn what_is_fixed_is_not_searched() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut search = tiny_search(&out, 6);
    search.args([
        "--fix",
        "resolution=32",
        "--fix",
        "colour=mono",
        "--fix",
        "head=64",
    ]);
    search.assert().success();
    let study = danas_study::RunFolder::read(&out).unwrap().study;
    for candidate in danas_study::Store::candidates(&study).unwrap() {
        assert_eq!(candidate.data_label, "32x32 mono");
        assert!(
            candidate.summary.ends_with("head 64"),
            "{}",
            candidate.summary
        );
    }
    let mut unknown = tiny_search(&folder.path().join("other"), 6);
    let said = crate::fails(unknown.args(["--fix", "kernal=3"]), 1);
    assert!(said.contains("no gene `kernal`"), "{said}");
}

#[test]
fn boards_and_pictures_are_listed() {
    let boards = json(danas().args(["boards", "--json"]));
    assert!(
        boards
            .as_array()
            .unwrap()
            .iter()
            .any(|board| board["name"] == "nano-33-ble")
    );
    danas().arg("boards").assert().success();
    let inspection = json(danas().args(["inspect", crate::EXAMPLES, "--json"]));
    assert_eq!(inspection["counts"].as_array().unwrap().len(), 3);
    let text = prints(danas().args(["inspect", crate::EXAMPLES]));
    assert!(text.contains("sensible to search: --resolutions"));
    let script = prints(danas().args(["completions", "bash"]));
    assert!(script.contains("danas"));
}

#[test]
fn quiet_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let assert = tiny_search(&folder.path().join("run"), 6)
        .arg("--quiet")
        .assert()
        .success();
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(said, "");
}

#[test]
fn a_budget_in_time_covers_everything() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut command = danas();
    command.args([
        "search",
        "--data",
        crate::EXAMPLES,
        "--ram",
        "48KiB",
        "--max-macs",
        "400k",
    ]);
    command
        .args([
            "--resolutions",
            "16",
            "--colours",
            "mono",
            "--time",
            "3s",
            "--models",
            "1",
            "--json",
            "--out",
        ])
        .arg(&out);
    let result = json(&mut command);
    assert!(result["recommended"].is_u64());
    let opened = RunFolder::read(&out).unwrap();
    let phases = opened.study.phases().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(
        names,
        ["data", "supernet", "search", "final training", "report"]
    );
    let planned: f64 = phases.iter().map(|phase| phase.planned_seconds).sum();
    assert!(
        (1.0..3.0).contains(&planned) || phases[0].seconds > 3.0,
        "{phases:?}"
    );
    assert!(
        phases
            .iter()
            .all(|phase| !phase.reason.is_empty() && !phase.done.is_empty())
    );
    // Another budget is another configuration.
    command.args(["--steps", "supernet=1,search=1,final=1"]);
    assert!(fails(&mut command, 1).contains("cannot be used with"));
}
