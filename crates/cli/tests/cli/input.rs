//! Wrong input: a clear message, a hint, and exit status 1.

use crate::{danas, fails, pictures, prints, tiny_search};

#[test]
fn help_teaches_with_examples() {
    let help = prints(danas().arg("--help"));
    assert!(
        help.contains("danas search --data synthetic:objects --board nano-33-ble --time 2m"),
        "{help}"
    );
    let help = prints(danas().args(["search", "--help"]));
    for option in [
        "--data",
        "--board",
        "--ram",
        "--flash",
        "--max-latency",
        "--max-macs",
        "--time",
        "--steps",
        "--config",
    ] {
        assert!(help.contains(option), "{option} in {help}");
    }
}

#[test]
fn a_misspelt_option_is_the_users_input() {
    assert!(fails(danas().args(["search", "--dat", "x"]), 1).contains("--data"));
    assert!(fails(danas().args(["serach"]), 1).contains("search"));
    assert!(fails(&mut danas(), 1).contains("Usage"));
}

#[test]
fn an_unknown_board_is_answered_with_the_nearest() {
    let said = fails(
        danas().args([
            "search",
            "--data",
            "synthetic:objects",
            "--board",
            "nano33ble",
        ]),
        1,
    );
    assert!(said.contains("did you mean `nano-33-ble`?"), "{said}");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("search.toml");
    std::fs::write(&file, "data = \"x\"\nbord = \"nano-33-ble\"\n").unwrap();
    let said = fails(danas().args(["search", "--config"]).arg(&file), 1);
    assert!(
        said.contains("there is no option `bord`") && said.contains("did you mean `board`?"),
        "{said}"
    );
    let said = fails(
        danas()
            .args(["search", "--config"])
            .arg(folder.path().join("none.toml")),
        1,
    );
    assert!(said.contains("cannot read"), "{said}");
}

#[test]
fn a_missing_folder_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut command = danas();
    command
        .args(["search", "--data"])
        .arg(folder.path().join("none"))
        .args(["--ram", "64KiB", "--out"])
        .arg(&out);
    let said = fails(&mut command, 1);
    assert!(
        said.contains("there is no folder") && said.contains("hint:"),
        "{said}"
    );
    assert!(!out.exists());
}

#[test]
fn one_class_is_not_enough() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path(), &["cat"], 8);
    let said = fails(
        danas()
            .args(["search", "--ram", "64KiB", "--data"])
            .arg(folder.path()),
        1,
    );
    assert!(said.contains("at least two class"), "{said}");
    let said = fails(danas().arg("inspect").arg(folder.path()), 1);
    assert!(said.contains("at least two class"), "{said}");
}

#[test]
fn text_renamed_to_jpg_is_named_and_too_much_of_it_refused() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path(), &["cat", "dog"], 8);
    for number in 0..4 {
        std::fs::write(
            folder.path().join("cat").join(format!("text{number}.jpg")),
            "no picture",
        )
        .unwrap();
    }
    let said = fails(
        danas()
            .args(["search", "--ram", "64KiB", "--data"])
            .arg(folder.path()),
        1,
    );
    assert!(
        said.contains("could not be decoded") && said.contains("text0.jpg"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path(), &["cat", "dog"], 8);
    for number in 0..4 {
        let path = folder
            .path()
            .join("cat")
            .join(format!("locked{number}.bmp"));
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    // Root may read everything: a link that leads to itself, nobody can.
    for number in 0..4 {
        let name = folder.path().join("dog").join(format!("loop{number}.bmp"));
        symlink(&name, &name).unwrap();
    }
    let said = fails(
        danas()
            .args(["search", "--ram", "64KiB", "--data"])
            .arg(folder.path()),
        1,
    );
    assert!(
        said.contains("could not be decoded") && said.contains("loop") || said.contains("locked"),
        "{said}"
    );
}

#[test]
fn limits_that_nothing_meets_are_answered_with_what_comes_closest() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut command = danas();
    command.args([
        "search",
        "--data",
        crate::EXAMPLES,
        "--ram",
        "1KiB",
        "--resolutions",
        "16,32",
        "--json",
        "--out",
    ]);
    command.arg(&out);
    let assert = command.assert().code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        said.contains("nothing meets the limits") && said.contains("1 KiB allowed"),
        "{said}"
    );
    let json: serde_json::Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    assert!(json["recommended"].is_null());
    let first = &json["front"][0];
    assert!(first["arena_bytes"].as_u64().unwrap() > 1024);
    assert!(first["model"].is_null() && first["test_accuracy_int8"].is_null());
    assert!(out.join("report.html").is_file() && out.join("front.csv").is_file());
    // Asked again, the same answer at once.
    let again = command.assert().code(2).get_output().stdout.clone();
    assert_eq!(again, assert.get_output().stdout);
}

#[test]
fn another_configuration_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    tiny_search(&out, 1).assert().success();
    let said = fails(&mut tiny_search(&out, 2), 1);
    assert!(
        said.contains("seed: stored 1, now 2") && !said.contains("ram:"),
        "{said}"
    );
    let said = fails(tiny_search(folder.path(), 1).arg("--quiet"), 1);
    assert!(said.contains("is not empty and is not a run"), "{said}");
}

#[test]
fn other_commands_say_what_they_miss() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fails(danas().arg("report").arg(folder.path()), 1).contains("there is no run"));
    let mut export = danas();
    export
        .arg("export")
        .arg(folder.path())
        .args(["--model", "1", "--to"])
        .arg(folder.path());
    assert!(fails(&mut export, 1).contains("there is no run"));
    let model = folder.path().join("model.tflite");
    let mut evaluate = danas();
    evaluate
        .arg("evaluate")
        .arg(&model)
        .args(["--data", crate::EXAMPLES]);
    assert!(fails(&mut evaluate, 1).contains("cannot read"));
    std::fs::write(&model, "no model").unwrap();
    assert!(fails(&mut evaluate, 1).contains("is no usable model"));
}
