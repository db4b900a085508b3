//! More pictures than memory: `danas prepare`, searches of what it wrote, and searches that prepare by themselves.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use danas_study::{RunFolder, Store};
use serde_json::Value;

use crate::{EXAMPLES, danas, fails, json, kill, kill_after, pictures, start, tiny_search};

/// A set that takes 36 MB at the granularity that the resolutions below need.
const MANY: &str = "synthetic:objects,size=40,train=7000,test=300,classes=3,seed=2";

fn prepare(data: &str, to: &Path, more: &[&str]) -> assert_cmd::Command {
    let mut command = danas();
    command
        .args(["prepare", data, "--json", "--out"])
        .arg(to)
        .args(more);
    command
}

/// A search of other examples than those of [`tiny_search`], otherwise the same, but for the resolutions if `more` has
/// others.
fn search(data: &str, out: &Path, more: &[&str]) -> assert_cmd::Command {
    let tiny = tiny_search(out, 3);
    let mut arguments: Vec<_> = tiny.get_args().map(ToOwned::to_owned).collect();
    let place = |name: &str| arguments.iter().position(|argument| argument == name);
    let (examples, resolutions) = (place(EXAMPLES), place("--resolutions"));
    arguments[examples.unwrap()] = data.into();
    if more.contains(&"--resolutions") {
        let at = resolutions.unwrap();
        arguments.drain(at..at + 2);
    }
    let mut command = danas();
    command.args(arguments).args(more);
    command
}

/// Everything of a result that does not name the run's folder.
fn front(result: &Value) -> Vec<Value> {
    let mut front = result["front"].as_array().expect("a front").clone();
    for member in &mut front {
        member["model"] = serde_json::json!(member["model"].is_null());
    }
    front
}

#[test]
fn a_search_of_a_prepared_set_finds_what_a_search_of_its_source_finds() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let told = json(&mut prepare(
        EXAMPLES,
        &set,
        &["--resolutions", "16,32", "--seed", "3"],
    ));
    assert_eq!(told["finest"], 40);
    assert_eq!(told["bytes"], 128 * 32 * 32 * 3);
    let data = set.to_str().unwrap();
    let direct = json(&mut search(EXAMPLES, &folder.path().join("direct"), &[]));
    let prepared = json(&mut search(data, &folder.path().join("prepared"), &[]));
    assert_eq!(front(&prepared), front(&direct));
    assert_eq!(prepared["recommended"], direct["recommended"]);
    // The run exports the same files, and evaluates them on the set as well.
    let models = |name: &str| folder.path().join(name).join("models");
    let id = direct["recommended"].to_string();
    let file = |name: &str| std::fs::read(models(name).join(&id).join("model.tflite")).unwrap();
    assert_eq!(file("prepared"), file("direct"));
    let model = models("prepared").join(&id).join("model.tflite");
    let evaluate = |data: &str| {
        json(
            danas()
                .args(["evaluate", "--json", "--seed", "3", "--data", data])
                .arg(&model),
        )
    };
    assert_eq!(evaluate(data)["confusion"], evaluate(EXAMPLES)["confusion"]);
    // Without --resolutions a search takes those that were prepared for.
    let inspected = json(danas().args(["inspect", "--json", data]));
    assert_eq!(
        inspected["data_space"]["resolutions"],
        serde_json::json!([16, 32])
    );
    let finer = fails(
        &mut search(data, &folder.path().join("finer"), &["--resolutions", "64"]),
        1,
    );
    assert!(
        finer.contains("reduced to 40 pixels; 80 are needed"),
        "{finer}"
    );
}

#[test]
fn a_search_prepares_by_itself_what_does_not_fit_and_continues_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let more = ["--memory", "64MiB"];
    let command = || search(MANY, &out, &more);
    let result = json(&mut command());
    assert!(out.join("prepared/prepared").is_file());
    // In windows of 16 MiB: another order, so another front than in memory, but the same each time.
    let again = json(&mut search(MANY, &folder.path().join("again"), &more));
    assert_eq!(front(&again), front(&result));
    assert_eq!(json(&mut command()), result);
    // Stopped before the end and continued with more memory: what was prepared is used, in the order it began with.
    let continued = folder.path().join("continued");
    let killed = search(MANY, &continued, &more);
    let child = start(&killed);
    let begun = || {
        let run = RunFolder::read(&continued).ok()?;
        run.study.get::<u64>("mixed").ok()?
    };
    while begun().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(child);
    let result = json(&mut search(MANY, &continued, &["--memory", "2GiB"]));
    assert_eq!(front(&result), front(&again));
}

#[test]
fn a_preparation_killed_again_and_again_ends_as_if_it_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let expected = json(&mut prepare(MANY, &whole, &[]));
    for moment in [10, 60, 150, 300, 500] {
        kill_after(&prepare(MANY, &killed, &[]), moment);
    }
    let result = json(&mut prepare(MANY, &killed, &[]));
    assert_eq!(result["bytes"], expected["bytes"]);
    let files = |folder: &Path| {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                (
                    path.file_name().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    assert!(
        files(&killed) == files(&whole),
        "other files than without kills"
    );
}

#[test]
fn what_is_wrong_with_a_prepared_set_is_said_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    pictures(&photos, &["ape", "cat"], 20);
    let (data, set) = (photos.to_str().unwrap(), folder.path().join("set"));
    json(&mut prepare(data, &set, &[]));
    std::fs::write(photos.join("cat/20.bmp"), crate::bmp(20, [1, 2, 3])).unwrap();
    let changed = fails(&mut prepare(data, &set, &[]), 1);
    assert!(changed.contains("had 40 examples, now 41"), "{changed}");
    assert!(changed.contains("hint: choose another folder"), "{changed}");
    let twice = fails(
        &mut prepare(set.to_str().unwrap(), &folder.path().join("x"), &[]),
        1,
    );
    assert!(twice.contains("is prepared already"), "{twice}");
    let pixels = set.join("pixels-00000");
    let mut bytes = std::fs::read(&pixels).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&pixels, bytes).unwrap();
    let inspected = fails(danas().arg("inspect").arg(&set), 1);
    assert!(
        inspected.contains("has other pixels than were written"),
        "{inspected}"
    );
    let searched = fails(
        &mut search(
            set.to_str().unwrap(),
            &folder.path().join("run"),
            &["--resolutions", "8"],
        ),
        1,
    );
    assert!(searched.contains("pixels-00000"), "{searched}");
    let little = fails(
        &mut search(EXAMPLES, &folder.path().join("y"), &["--memory", "1MiB"]),
        1,
    );
    assert!(little.contains("expected at least 64MiB"), "{little}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_the_same_command_continues() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let command = prepare(MANY, &set, &[]);
    // A limit on the size of files makes writing fail as a full disk does, without one.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("cannot write") && said.contains("space left"),
        "{said}"
    );
    json(&mut prepare(MANY, &set, &[]));
}
