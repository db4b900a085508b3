//! Compilers of C, and what they make of a generated library.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use danas_deploy::{Int8Model, Library, c_library};

/// The compiler of this machine.
pub const HOST: &str = "gcc";
/// The compiler for a Cortex-M4.
pub const DEVICE: &str = "arm-none-eabi-gcc";
/// The machine that has one.
pub const MACHINE: &str = "qemu-system-arm";

/// How every generated source is compiled.
pub const STRICT: [&str; 5] = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2"];
/// For a Cortex-M4.
pub const CORTEX_M4: [&str; 2] = ["-mcpu=cortex-m4", "-mthumb"];

/// Whether the programs are all there; says on stderr which is missing.
pub fn are_there(programs: &[&str]) -> bool {
    let missing = programs
        .iter()
        .find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        eprintln!("skipped: there is no {program}");
    }
    missing.is_none()
}

/// Names for the classes of a model.
pub fn class_names(model: &Int8Model) -> Vec<String> {
    (0..model.outputs())
        .map(|class| format!("class {class}"))
        .collect()
}

/// Writes the library of a model, called `model`, to a folder; returns the paths of its files there.
pub fn write_library(model: &Int8Model, finest: Option<usize>, folder: &Path) -> Vec<String> {
    let classes = class_names(model);
    let library = Library {
        name: "model",
        classes: &classes,
        finest,
    };
    let files = c_library(model, &library).unwrap();
    for file in &files {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
    }
    files.into_iter().map(|file| file.path).collect()
}

/// The path of a C source of the tests.
pub fn test_source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/c")
        .join(name)
}

/// Runs a program in a folder and demands that it succeeds.
pub fn succeed<S: AsRef<OsStr>>(
    folder: &Path,
    program: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Compiles a source of the tests and the library in `folder` for this machine, and runs it there.
pub fn run_on_host(folder: &Path, source: &str, flags: &[&str]) {
    let mut arguments: Vec<PathBuf> = STRICT.iter().chain(flags).map(PathBuf::from).collect();
    arguments.extend(["-Isrc", "src/model.c", "-o", "program"].map(PathBuf::from));
    arguments.push(test_source(source));
    succeed(folder, HOST, arguments);
    succeed(folder, "./program", [""; 0]);
}

/// Compiles a source of the tests and the library in `folder` for a Cortex-M4, and runs it on a machine with one.
pub fn run_on_device(folder: &Path, source: &str) -> Output {
    let mut arguments: Vec<PathBuf> = STRICT.iter().chain(&CORTEX_M4).map(PathBuf::from).collect();
    arguments.extend(["--specs=rdimon.specs", "-nostartfiles", "-T"].map(PathBuf::from));
    arguments.push(test_source("an386.ld"));
    arguments.extend(["-Isrc", "src/model.c", "-o", "image.elf"].map(PathBuf::from));
    arguments.extend([source, "startup.c"].map(test_source));
    succeed(folder, DEVICE, arguments);
    // With -icount every instruction takes a nanosecond of the machine's time.
    let machine = "-machine mps2-an386 -icount shift=0 -nographic -monitor none \
                   -semihosting-config enable=on,target=native -kernel image.elf";
    succeed(folder, MACHINE, machine.split_whitespace())
}
