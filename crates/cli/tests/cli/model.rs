//! `.tflite` files of other tools.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{danas, fails, json};

/// A file that TensorFlow converted: see `crates/deploy/tests/converted/README.md`.
fn converted(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy/tests/converted")
        .join(name)
}

/// Five classes, as the network of the file has.
const FIVE_CLASSES: &str = "synthetic:objects,size=32,train=100,test=50,classes=5,seed=1";

/// Demands the figures that are promised for every model.
fn check_figures(figures: &Value, file: &Path) {
    let number = |key: &str| {
        figures[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key}: {figures}"))
    };
    assert_eq!(
        number("model_bytes"),
        std::fs::metadata(file).unwrap().len()
    );
    assert_eq!(
        number("flash_bytes"),
        number("model_bytes") + number("runtime_bytes")
    );
    assert!(number("arena_bytes") >= number("head_bytes") + number("persistent_bytes"));
    assert!(number("head_bytes") >= number("scratch_bytes"));
    assert!(number("macs") > 1_000);
    let latency = figures["latency_ms"].as_object().unwrap();
    for board in ["nano-33-ble", "stm32f746", "esp32-s3", "rp2040"] {
        assert!(latency[board].as_f64().unwrap() > 0.0, "{board}");
    }
}

#[test]
fn a_converted_file_is_evaluated() {
    let file = converted("mobilenet_v1-1.tflite");
    let evaluate = |more: &[&str]| {
        let mut command = danas();
        command.arg("evaluate").arg(&file);
        command.args(["--data", FIVE_CLASSES, "--json"]).args(more);
        json(&mut command)
    };
    let figures = evaluate(&[]);
    check_figures(&figures, &file);
    assert!((0.0..=1.0).contains(&figures["accuracy"].as_f64().unwrap()));
    let confusion = figures["confusion"].as_array().unwrap();
    assert_eq!(confusion.len(), 5);
    // Its input was calibrated on numbers from -1 to 1, and that is what pixels are taken for.
    assert_eq!(
        evaluate(&["--pixels", "signed"])["confusion"],
        figures["confusion"]
    );
    // Another core asks for other scratch memory.
    let board = evaluate(&["--board", "esp32-s3"]);
    assert_eq!(board["board"], "esp32-s3");
    assert_ne!(board["arena_bytes"], figures["arena_bytes"]);
}

#[test]
fn a_converted_file_is_inspected() {
    for name in ["mobilenet_v2-1.tflite", "autoencoder-1.tflite"] {
        let file = converted(name);
        check_figures(
            &json(danas().arg("inspect").arg(&file).arg("--json")),
            &file,
        );
    }
    let file = converted("classifier-1.tflite");
    let output = danas().arg("inspect").arg(&file).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    for words in [
        "MAX_POOL_2D",
        "FULLY_CONNECTED",
        "2x2 /2",
        "nano-33-ble",
        "runtime code",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[test]
fn what_cannot_be_read_or_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = converted("classifier-1.tflite");
    let cut = folder.path().join("cut.tflite");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    for command in ["inspect", "evaluate"] {
        let mut danas = danas();
        danas.arg(command).arg(&cut);
        if command == "evaluate" {
            danas.args(["--data", FIVE_CLASSES]);
        }
        assert!(fails(&mut danas, 1).contains("no usable model"));
    }
    // It reads 28 pixels, ten classes, and has operators for which there is no C code.
    let mut evaluate = danas();
    evaluate
        .arg("evaluate")
        .arg(&file)
        .args(["--data", FIVE_CLASSES]);
    assert!(fails(&mut evaluate, 1).contains("10 classes apart"));
    let mut export = danas();
    export
        .arg("export")
        .arg(&file)
        .args(["--as", "c", "--to"])
        .arg(folder.path());
    let said = fails(&mut export, 1);
    assert!(
        said.contains("cannot be written as C") && said.contains("a window without padding"),
        "{said}"
    );
    let mut inspect = danas();
    inspect
        .arg("inspect")
        .arg(&file)
        .args(["--board", "nano33ble"]);
    assert!(fails(&mut inspect, 1).contains("nano-33-ble"));
}
