//! What generated C costs on a Cortex-M4, beside TFLM with CMSIS-NN as `danas-device` predicts it: RAM, flash and
//! instructions of ten random candidates for a board, as a table in Markdown.
//!
//! `cargo run --release -p danas-deploy --example c_costs -- BOARD SEED`; needs gcc-arm-none-eabi and qemu-system-arm.

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::path::Path;

use common::library::{
    CORTEX_M4, DEVICE, MACHINE, STRICT, are_there, run_on_device, succeed, write_library,
};
use danas_deploy::{Int8Model, Metadata, write};
use danas_device::{Cost, Limits, Target, boards, find};
use danas_space::Graph;

const MODELS: usize = 10;
/// So that emulating them takes minutes and not hours.
const MOST_MACS: u64 = 12_000_000;
/// Cycles of a Cortex-M4 per instruction, by which `danas-device` makes milliseconds of instructions.
const CYCLES_PER_INSTRUCTION: f64 = 1.6;

/// What the C code of a model takes.
struct Measured {
    ram_bytes: u64,
    flash_bytes: u64,
    instructions: f64,
    frame_instructions: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [board, seed] = &arguments[..] else {
        return Err("usage: c_costs BOARD SEED".into());
    };
    if !are_there(&[DEVICE, MACHINE]) {
        return Err("the compiler or the emulator is missing".into());
    }
    let board = find(boards(), board)?.clone();
    let cycles_per_ms = board.mhz * 1e3;
    let target = Target::new(Some(board), Limits::default());
    let mut rng = common::rng(seed.parse()?);
    println!(
        "| input | MACs | RAM, C | RAM, TFLM | flash, C | flash, TFLM | M instructions, C | TFLM | frame |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for graph in common::candidates(&[48, 64, 80, 96], MOST_MACS, MODELS, &mut rng) {
        let model = common::quantised(&common::random_model(graph, &mut rng), &mut rng);
        let measured = measure(&model)?;
        let predicted = tflm(&target, &model);
        let instructions = predicted.latency_ms * cycles_per_ms / CYCLES_PER_INSTRUCTION;
        println!(
            "| {} | {:.2} M | {} | {} | {} | {} | {:.2} | {:.2} | {:.2} |",
            describe(model.graph()),
            predicted.macs as f64 / 1e6,
            measured.ram_bytes,
            predicted.arena_bytes,
            measured.flash_bytes,
            predicted.flash_bytes,
            measured.instructions / 1e6,
            instructions / 1e6,
            measured.frame_instructions / 1e6,
        );
    }
    Ok(())
}

fn describe(graph: &Graph) -> String {
    let input = graph.input;
    format!("{}x{}x{}", input.height, input.width, input.channels)
}

/// Compiles a model's C code, lists its sections and runs it.
fn measure(model: &Int8Model) -> Result<Measured, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    write_library(model, Some(120), folder.path());
    let [ram_bytes, flash_bytes] = sections(folder.path())?;
    let counted = run_on_device(folder.path(), "count_instructions.c");
    let counted = String::from_utf8(counted.stdout)?;
    let mut counts = counted.split_whitespace().map(str::parse);
    let mut count = || counts.next().ok_or("two counts are expected");
    Ok(Measured {
        ram_bytes,
        flash_bytes,
        instructions: count()??,
        frame_instructions: count()??,
    })
}

/// RAM (.data and .bss) and flash (.text, .rodata and .data) of the object file, in bytes.
fn sections(folder: &Path) -> Result<[u64; 2], Box<dyn Error>> {
    let arguments = ["-c", "src/model.c", "-o", "model.o"];
    succeed(
        folder,
        DEVICE,
        STRICT.iter().chain(&CORTEX_M4).chain(&arguments),
    );
    let listed = succeed(folder, "arm-none-eabi-size", ["model.o"]);
    let listed = String::from_utf8(listed.stdout)?;
    let row = listed.lines().nth(1).ok_or("no row of sizes")?;
    let sizes: Vec<u64> = row
        .split_whitespace()
        .map_while(|size| size.parse().ok())
        .collect();
    // The column "text" holds the constants as well.
    let [text, data, bss, ..] = sizes[..] else {
        return Err(format!("not three sizes: {row}").into());
    };
    Ok([data + bss, text + data])
}

/// What TFLM takes of a model, with the file as it is.
fn tflm(target: &Target, model: &Int8Model) -> Cost {
    let cost = target.cost(model.graph());
    let model_bytes = write(model, &Metadata::default()).len() as u64;
    Cost {
        model_bytes,
        flash_bytes: model_bytes + cost.runtime_bytes,
        ..cost
    }
}
