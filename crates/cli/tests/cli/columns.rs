//! Extra 0/1 columns, from a list to the report: what a model does on near, far and grainy pictures.

use std::path::Path;

use serde_json::Value;

use crate::{bmp, danas, json, prints};

/// Pictures of each part: half of them lit.
const PARTS: [(&str, u8); 3] = [("train", 60), ("val", 24), ("test", 40)];

/// What the columns say of a picture: `near` of lit ones alone, of which every fourth is not known; `grainy` of all.
fn values(number: u8) -> (Option<bool>, bool) {
    let near = (number % 2 == 1 && number % 8 != 7).then_some(number % 4 == 1);
    (near, number.is_multiple_of(3))
}

fn listed(folder: &Path) {
    let mut list = String::from("name,label,near,grainy,split\n");
    let mut first = 0;
    for (part, count) in PARTS {
        for number in first..first + count {
            let name = format!("{number}.bmp");
            let shade = 150 * (number % 2) + number / 2;
            let picture = bmp(24, [shade, 255 - shade, number.wrapping_mul(9)]);
            std::fs::write(folder.join(&name), picture).unwrap();
            let label = ["dim", "lit"][usize::from(number % 2)];
            let (near, grainy) = values(number);
            let near = near.map_or(String::new(), |near| u8::from(near).to_string());
            list += &format!("{name},{label},{near},{},{part}\n", u8::from(grainy));
        }
        first += count;
    }
    std::fs::write(folder.join("list.csv"), list).unwrap();
}

fn search(data: &Path, out: &Path) -> assert_cmd::Command {
    let mut command = danas();
    command.args(["search", "--ram", "48KiB", "--max-macs", "400k", "--json"]);
    command.args(["--resolutions", "16", "--models", "2"]);
    command.args(["--steps", "supernet=4,search=6,final=4", "--data"]);
    command.arg(data).arg("--out").arg(out);
    command
}

fn evaluate(model: &Path, data: &Path) -> assert_cmd::Command {
    let mut command = danas();
    command.arg("evaluate").arg(model).arg("--data").arg(data);
    command
}

/// Examples of a row, and what they are held against.
fn sizes(row: &Value) -> (u64, u64) {
    let number = |name: &str| row[name].as_u64().unwrap();
    (number("examples"), number("counterparts"))
}

/// Test pictures for which something is true.
fn counted(of: impl Fn(u8) -> bool) -> u64 {
    let first = PARTS[0].1 + PARTS[1].1;
    (first..first + PARTS[2].1).filter(|&n| of(n)).count() as u64
}

#[test]
fn what_a_model_does_on_parts_of_the_test_pictures_is_told_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    listed(&data);
    let out = folder.path().join("run");
    let result = json(&mut search(&data, &out));
    let front = result["front"].as_array().unwrap();
    let (finished, others): (Vec<&Value>, _) =
        front.iter().partition(|member| member["model"].is_string());
    assert!(
        others
            .iter()
            .all(|member: &&Value| member.get("test_columns_int8").is_none())
    );
    for member in finished {
        let told = member["test_columns_int8"].as_array().unwrap();
        check_rows(told, member["test_accuracy_int8"].as_f64().unwrap());
        let model = Path::new(member["model"].as_str().unwrap());
        let evaluated = json(evaluate(model, &data).arg("--json"));
        assert_eq!(evaluated["columns"], member["test_columns_int8"]);
        check_words(model, &data, told);
    }
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Parts of the test examples") && page.contains("<bdi>grainy</bdi>"));
}

/// The rows are of the pictures that the list says, and their answers add up to those of the whole test split.
fn check_rows(rows: &[Value], accuracy: f64) {
    let names: Vec<_> = rows
        .iter()
        .map(|r| (r["column"].as_str().unwrap(), r["value"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        names,
        [("near", 1), ("near", 0), ("grainy", 1), ("grainy", 0)]
    );
    let dim = counted(|n| n % 2 == 0);
    assert_eq!(
        sizes(&rows[0]),
        (counted(|n| values(n).0 == Some(true)), dim)
    );
    assert_eq!(
        sizes(&rows[1]),
        (counted(|n| values(n).0 == Some(false)), dim)
    );
    assert_eq!(sizes(&rows[2]), (counted(|n| values(n).1), 0));
    assert_eq!(sizes(&rows[3]), (counted(|n| !values(n).1), 0));
    assert!(rows.iter().all(|row| row["class"] == "lit"));
    let right = |row: &Value| row["accuracy"]["value"].as_f64().unwrap() * sizes(row).0 as f64;
    let all = counted(|_| true) as f64;
    assert!((right(&rows[2]) + right(&rows[3]) - accuracy * all).abs() < 1e-9);
    for row in rows {
        for measure in ["accuracy", "balanced_accuracy", "f1", "even_f1"] {
            let [low, value, high] =
                ["low", "value", "high"].map(|end| row[measure][end].as_f64().unwrap());
            assert!(
                low <= value && value <= high && high - low > 0.1,
                "few pictures: {row}"
            );
        }
    }
}

/// The card and `danas evaluate` tell the same in words.
fn check_words(model: &Path, data: &Path, rows: &[Value]) {
    let card = std::fs::read_to_string(model.with_file_name("card.md")).unwrap();
    let said = prints(&mut evaluate(model, data));
    for row in rows {
        let (examples, counterparts) = sizes(row);
        let accuracy = format!(
            "{:.1} %",
            row["accuracy"]["value"].as_f64().unwrap() * 100.0
        );
        let column = row["column"].as_str().unwrap();
        let line = format!(
            "| {column} | {} | {examples} | {counterparts} | {accuracy} |",
            row["value"]
        );
        assert!(card.contains(&line), "{line} in {card}");
        let words = |text: &str| {
            text.split([' ', '|'])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let expected = words(&line);
        assert!(
            said.lines().any(|line| words(line).starts_with(&expected)),
            "{line} in {said}"
        );
    }
}

#[test]
fn a_prepared_set_keeps_the_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (data, set) = (folder.path().join("data"), folder.path().join("set"));
    std::fs::create_dir(&data).unwrap();
    listed(&data);
    let prepare = || {
        let mut command = danas();
        command
            .arg("prepare")
            .arg(&data)
            .args(["--resolutions", "16", "--out"])
            .arg(&set);
        command
    };
    let told = json(prepare().arg("--json"));
    let near = &told["columns"][0];
    assert_eq!(near["column"], "near");
    assert_eq!(near["ones"][2], counted(|n| values(n).0 == Some(true)));
    assert_eq!(near["zeros"][2], counted(|n| values(n).0 == Some(false)));
    let said = prints(danas().arg("inspect").arg(&set));
    assert!(
        said.lines().any(|line| line.starts_with("grainy ")),
        "{said}"
    );
    let direct = json(&mut search(&data, &folder.path().join("direct")));
    let prepared = json(&mut search(&set, &folder.path().join("prepared")));
    let columns = |result: &Value| -> Vec<Value> {
        let front = result["front"].as_array().unwrap().iter();
        front
            .filter_map(|member| member.get("test_columns_int8").cloned())
            .collect()
    };
    assert!(!columns(&direct).is_empty());
    assert_eq!(columns(&prepared), columns(&direct));
}
