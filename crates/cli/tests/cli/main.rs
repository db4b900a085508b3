//! The program as a person meets it: every test starts the binary.

mod audit;
mod bench;
mod columns;
mod compare;
mod input;
mod layouts;
mod method;
mod model;
mod objective;
mod only;
mod prepare;
mod result;
mod resume;
mod stages;
mod work_clock;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// A set of examples so small that a search takes a second.
const EXAMPLES: &str = "synthetic:objects,size=32,train=96,test=32,classes=3,seed=1";

/// The binary, with nothing on its command line.
fn danas() -> Command {
    let mut command = Command::cargo_bin("danas").expect("the binary is built with its tests");
    command.env_remove("RUST_BACKTRACE");
    command
}

/// The process of a command, which says nothing.
fn start(command: &Command) -> Child {
    std::process::Command::new(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts a command, and kills it so many milliseconds later.
fn kill_after(command: &Command, milliseconds: u64) {
    let child = start(command);
    std::thread::sleep(Duration::from_millis(milliseconds));
    kill(child);
}

/// A tiny search of [`EXAMPLES`] in `out`, with tight limits, that answers in JSON.
fn tiny_search(out: &Path, seed: u64) -> Command {
    let mut command = tiny_search_in_words(out, seed);
    command.arg("--json");
    command
}

/// The same, answered for people.
fn tiny_search_in_words(out: &Path, seed: u64) -> Command {
    let mut command = danas();
    command.args([
        "search",
        "--data",
        EXAMPLES,
        "--ram",
        "48KiB",
        "--flash",
        "160KiB",
        "--max-macs",
        "400k",
    ]);
    command.args([
        "--resolutions",
        "16,32",
        "--steps",
        "supernet=4,search=12,final=2",
    ]);
    command
        .args(["--seed", &seed.to_string(), "--out"])
        .arg(out);
    command
}

/// What a successful command printed.
fn prints(command: &mut Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("stdout is text")
}

/// What a successful command printed, as JSON.
fn json(command: &mut Command) -> Value {
    serde_json::from_str(&prints(command)).expect("one JSON object on stdout")
}

/// Runs a command that must end with `status`; what it said on stderr.
fn fails(command: &mut Command, status: i32) -> String {
    let assert = command.assert().code(status);
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

/// A picture of one colour, encoded as BMP: needs no encoder.
fn bmp(side: u32, colour: [u8; 3]) -> Vec<u8> {
    let row = (side * 3).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    for value in [
        54 + row * side,
        0,
        54,
        40,
        side,
        side,
        1 | 24 << 16,
        0,
        row * side,
        2835,
        2835,
        0,
        0,
    ] {
        bytes.extend(value.to_le_bytes());
    }
    for _ in 0..side {
        let start = bytes.len();
        (0..side).for_each(|_| bytes.extend(colour));
        bytes.resize(start + row as usize, 0);
    }
    bytes
}

/// A folder `<class>/*` with `count` pictures in every class.
fn pictures(folder: &Path, classes: &[&str], count: u8) {
    for (index, class) in classes.iter().enumerate() {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for number in 0..count {
            let colour = [number * 4, 80 * index as u8, 255 - number];
            std::fs::write(
                folder.join(class).join(format!("{number}.bmp")),
                bmp(20, colour),
            )
            .unwrap();
        }
    }
}
