//! Layouts of examples on the command line.

use std::path::Path;

use crate::{bmp, danas, fails, json, prints};

/// Pictures of two shades with a list of them: the label is in `lit`, and `near` is an extra column.
fn listed(folder: &Path) {
    let mut list = String::from("name,near,lit\n");
    for number in 0..40_u8 {
        let name = format!("{number}.bmp");
        let lit = number % 2;
        let shade = 60 * lit + number;
        std::fs::write(
            folder.join(&name),
            bmp(24, [shade, 255 - shade, number.wrapping_mul(9)]),
        )
        .unwrap();
        list.push_str(&format!("{name},{},{lit}\n", number / 2 % 2));
    }
    list.push_str("40.bmp,1,-1\n");
    std::fs::write(folder.join("train.csv"), list).unwrap();
}

#[test]
fn what_was_recognised_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (salt, part) in ["train_large", "train_quality", "validation", "test"]
        .into_iter()
        .enumerate()
    {
        for class in ["0", "1"] {
            let path = folder.path().join(part).join(class);
            std::fs::create_dir_all(&path).unwrap();
            for number in 0..3_u8 {
                let colour = [
                    40 * salt as u8,
                    80 * number,
                    if class == "0" { 10 } else { 200 },
                ];
                std::fs::write(path.join(format!("{number}.bmp")), bmp(20, colour)).unwrap();
            }
        }
    }
    let output = danas().arg("inspect").arg(folder.path()).assert().success();
    let said = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(
        said.contains("recognised as class folders: folders with pictures in train_quality/, 0, 1"),
        "{said}"
    );
    assert!(said.contains("parts not used: train_large"), "{said}");
    let mut told = danas();
    told.arg("inspect").arg(folder.path()).arg("--json");
    told.args([
        "--split-map",
        "train_large=train,test=unused",
        "--classes",
        "nobody,person",
    ]);
    let told = json(&mut told);
    assert_eq!(told["rule"]["train"]["rest"]["from"], "train_large");
    assert_eq!(told["counts"][1]["class"], "person");
    let mut wrong = danas();
    wrong
        .arg("inspect")
        .arg(folder.path())
        .args(["--split-map", "train=dev"]);
    assert!(fails(&mut wrong, 1).contains("NAME=unused"));
}

#[test]
fn a_list_needs_its_column_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    listed(folder.path());
    let mut guess = danas();
    guess.arg("inspect").arg(folder.path());
    assert!(fails(&mut guess, 1).contains("no class folder"));
    let mut told = danas();
    told.arg("inspect")
        .arg(folder.path())
        .args(["--label-column", "lit"]);
    let said = prints(&mut told);
    assert!(
        said.contains("recognised as CSV list beside pictures: train.csv"),
        "{said}"
    );
    assert!(
        said.contains("1 left out, its picture is not there: 40.bmp"),
        "{said}"
    );
    assert!(
        said.lines()
            .any(|line| line.starts_with("near") && line.contains(" of ")),
        "{said}"
    );
    let mut file = danas();
    file.current_dir(folder.path())
        .args(["inspect", "train.csv"]);
    file.args(["--label-column", "lit", "--json"]);
    assert_eq!(json(&mut file)["recognised"]["format"], "csv-list");
}

#[test]
fn a_search_remembers_how_its_examples_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    listed(&data);
    let out = folder.path().join("run");
    let search = |classes: &str| {
        let mut command = danas();
        command.args([
            "search",
            "--ram",
            "48KiB",
            "--max-macs",
            "400k",
            "--resolutions",
            "16",
        ]);
        command.args([
            "--steps",
            "supernet=2,search=4,final=1",
            "--models",
            "1",
            "--json",
        ]);
        command.args(["--label-column", "lit", "--classes", classes, "--data"]);
        command.arg(&data).arg("--out").arg(&out);
        command
    };
    let first = json(&mut search("dark,lit"));
    let stored = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert!(stored.contains("label-column = \"lit\""), "{stored}");
    assert_eq!(
        json(&mut search("dark,lit")),
        first,
        "the same command continues the run"
    );
    let said = fails(&mut search("no,yes"), 1);
    assert!(said.contains("classes"), "{said}");
    let mut repeated = danas();
    repeated
        .args(["search", "--json", "--config"])
        .arg(out.join("config.toml"));
    repeated.arg("--out").arg(folder.path().join("again"));
    assert_eq!(json(&mut repeated)["recommended"], first["recommended"]);
}
