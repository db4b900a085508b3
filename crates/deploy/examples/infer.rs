//! Runs a `.tflite` file on raw int8 inputs, one example after the other, and writes the raw int8 outputs:
//! `cargo run -p danas-deploy --example infer -- MODEL INPUTS OUTPUTS`. For comparing with other interpreters.

use std::error::Error;

use danas_deploy::{Interpreter, read_network};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, inputs, outputs] = arguments.as_slice() else {
        return Err("usage: infer MODEL INPUTS OUTPUTS".into());
    };
    let interpreter = Interpreter::new(read_network(&std::fs::read(model)?)?.network);
    let inputs: Vec<i8> = std::fs::read(inputs)?
        .into_iter()
        .map(|byte| byte as i8)
        .collect();
    let results: Vec<u8> = interpreter
        .run(&inputs)?
        .into_iter()
        .map(|value| value as u8)
        .collect();
    std::fs::write(outputs, results)?;
    Ok(())
}
