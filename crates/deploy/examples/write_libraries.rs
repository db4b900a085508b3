//! Writes the C libraries of random candidates of the default search space, with random weights, for counting the
//! instructions that they take: see `scripts/count-instructions.py`.
//!
//! `cargo run --release -p danas-deploy --example write_libraries -- FOLDER COUNT SEED` writes `FOLDER/0` and so on: a
//! library called `model`, and beside its `src` the graph as `network.txt`, in the tokens of
//! `scripts/device-measure.py`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use danas_space::{Activation, Graph, Operator, TensorId};

/// The sides of the inputs.
const SIDES: [usize; 7] = [32, 48, 64, 80, 96, 128, 160];
/// So that emulating a candidate takes seconds and its image fits into the memory of the emulated machine.
const MOST_MACS: u64 = 12_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, seed] = &arguments[..] else {
        return Err("usage: write_libraries FOLDER COUNT SEED".into());
    };
    let folder = PathBuf::from(folder);
    let mut rng = common::rng(seed.parse()?);
    let graphs = common::candidates(&SIDES, MOST_MACS, count.parse()?, &mut rng);
    for (index, graph) in graphs.into_iter().enumerate() {
        let folder = folder.join(index.to_string());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("network.txt"), tokens(&graph))?;
        let model = common::quantised(&common::random_model(graph, &mut rng), &mut rng);
        common::library::write_library(&model, None, &folder);
    }
    Ok(())
}

/// A graph as one line of tokens.
fn tokens(graph: &Graph) -> String {
    let input = graph.input;
    let mut tokens = vec![format!(
        "in:{}x{}x{}",
        input.height, input.width, input.channels
    )];
    for (index, layer) in graph.layers.iter().enumerate() {
        let channels = layer.output.channels;
        if is_added_later(graph, TensorId(index)) {
            tokens.push("mark".to_owned());
        }
        tokens.push(match layer.operator {
            Operator::Convolution {
                kernel,
                stride,
                activation,
            } => format!("conv:{kernel},{stride},{channels},{}", letter(activation)),
            Operator::Depthwise {
                kernel,
                stride,
                activation,
            } => format!("dw:{kernel},{stride},{}", letter(activation)),
            Operator::Add => "add".to_owned(),
            Operator::GlobalAveragePool => "pool".to_owned(),
            Operator::Dense => format!("dense:{channels}"),
            Operator::Softmax => "softmax".to_owned(),
        });
    }
    tokens.join(" ") + "\n"
}

/// Whether a tensor is what a residual connection carries past a block.
fn is_added_later(graph: &Graph, tensor: TensorId) -> bool {
    let mut additions = graph
        .layers
        .iter()
        .filter(|layer| layer.operator == Operator::Add);
    additions.any(|layer| layer.inputs[0] == tensor)
}

fn letter(activation: Activation) -> char {
    match activation {
        Activation::Relu6 => 'r',
        Activation::Linear => 'l',
    }
}
