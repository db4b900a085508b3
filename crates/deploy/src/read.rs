//! The .tflite reader: untrusted bytes to a checked [`Network`], or to an [`Int8Model`].

mod error;
mod file;
mod flat;
mod operators;
mod parameters;
mod plan;

use danas_device::OperatorKind;

use crate::int8::Int8Model;
use crate::network::{Network, NetworkOperator, Tensor};
use crate::schema::{self, IDENTIFIER, VERSION};
pub use error::ReadError;
use file::File;
use flat::Table;

/// The largest file that is read.
const MAX_FILE_BYTES: usize = 1 << 28;
/// The most inputs or outputs of an operator, or of the network.
const MAX_PORTS: usize = 16;

/// The network under construction, and which tensors of the file exist already.
struct Reading<'a> {
    file: File<'a>,
    /// The tensor of the file behind each tensor of the network.
    written: Vec<i32>,
    network: Network,
}

impl<'a> Reading<'a> {
    /// The tensor of the network for a tensor of the file, if an operator has written it.
    fn existing(&self, index: i32) -> Option<usize> {
        self.written.iter().position(|&written| written == index)
    }

    /// The tensors of the network that an operator reads.
    fn inputs(&self, place: &str, inputs: &operators::Inputs<'_>) -> Result<Vec<usize>, ReadError> {
        let activation = |&index: &i32| {
            self.existing(index).ok_or_else(|| ReadError::Index {
                place: place.to_owned(),
                what: "earlier activation",
                index: i64::from(index),
            })
        };
        let mut read: Vec<usize> =
            (inputs.activations.iter().map(activation)).collect::<Result<_, ReadError>>()?;
        for &index in inputs.dimensions {
            match self.existing(index) {
                Some(tensor) => read.push(tensor),
                // Then it is a constant, if anything.
                None => {
                    self.file.numbers(place, index)?;
                }
            }
        }
        if read.is_empty() {
            return Err(ReadError::unsupported(place, "an operator on constants"));
        }
        Ok(read)
    }

    /// Reads operator `index`.
    fn operator(&mut self, index: usize, operator: &Table<'a>) -> Result<(), ReadError> {
        let (builtin, place) = operators::builtin(&self.file, index, operator)?;
        let inputs: Vec<i32> = operator.scalars(schema::operator::INPUTS, MAX_PORTS)?;
        let outputs: Vec<i32> = operator.scalars(schema::operator::OUTPUTS, MAX_PORTS)?;
        let [output] = outputs[..] else {
            return Err(ReadError::unsupported(&place, "not exactly one output"));
        };
        let inputs = operators::inputs(builtin.kind, &place, &inputs)?;
        let read = self.inputs(&place, &inputs)?;
        if self.existing(output).is_some() {
            return Err(ReadError::unsupported(&place, "writing a tensor twice"));
        }
        let tensor = match builtin.kind {
            OperatorKind::Pack | OperatorKind::Shape | OperatorKind::StridedSlice => {
                Tensor::Dimensions(self.file.computed_dimensions(&place, output)?)
            }
            _ => {
                let (shape, quantisation) = self.file.activation(&place, output)?;
                Tensor::Activation(shape, quantisation)
            }
        };
        let shape = match tensor {
            Tensor::Activation(shape, _) => shape,
            Tensor::Dimensions(_) => self.network.shape(read[0]),
        };
        let source = operators::Source {
            file: &self.file,
            builtin,
            place: &place,
            input: self.written[read[0]],
            constants: inputs.constants,
            shapes: [self.network.shape(read[0]), shape],
            input_scale: self.network.quantisation(read[0]).scale,
        };
        let (computation, weights) = source.read(operator)?;
        let name = self.file.name(&place, output)?;
        let operator = NetworkOperator {
            name: name.unwrap_or_else(|| format!("{}.{index}", builtin.name().to_lowercase())),
            computation,
            inputs: read,
            weights,
        };
        self.network.push(operator, tensor)?;
        self.written.push(output);
        Ok(())
    }
}

/// What a `.tflite` file holds that danas could have written.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The model.
    pub model: Int8Model,
    /// The memory plan, as in [`crate::Metadata::offsets`]; empty for none.
    pub offsets: Vec<Option<u64>>,
}

/// What a `.tflite` file holds, whoever wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkFile {
    /// The network.
    pub network: Network,
    /// The memory plan: the offset in the arena's head of each tensor, the input first, then what the operators write;
    /// `None` leaves a tensor to the runtime. Empty for none.
    pub offsets: Vec<Option<u64>>,
}

/// Reads the model of a `.tflite` file: see [`read_file`].
///
/// # Errors
/// [`ReadError`], as [`read_file`].
pub fn read(bytes: &[u8]) -> Result<Int8Model, ReadError> {
    read_file(bytes).map(|file| file.model)
}

/// Reads a `.tflite` file as [`crate::write()`] writes it, or of another writer with no other operators; see
/// [`read_network`].
///
/// # Errors
/// [`ReadError`], for anything else; no input makes it panic.
pub fn read_file(bytes: &[u8]) -> Result<ModelFile, ReadError> {
    let NetworkFile { network, offsets } = read_network(bytes)?;
    Ok(ModelFile {
        model: network.into_model()?,
        offsets,
    })
}

/// Reads a `.tflite` file of any writer: one subgraph, int8, one input and one output, convolutions and what else
/// converters write for classifiers. Nothing is allocated before its size has been compared with that of the file.
///
/// # Errors
/// [`ReadError`], for anything else; no input makes it panic.
pub fn read_network(bytes: &[u8]) -> Result<NetworkFile, ReadError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge {
            found: bytes.len(),
            limit: MAX_FILE_BYTES,
        });
    }
    if bytes.get(4..8) != Some(IDENTIFIER.as_bytes()) {
        return Err(ReadError::Identifier);
    }
    let root = Table::root(bytes)?;
    let version = root.scalar(schema::model::VERSION, 0)?;
    if version != VERSION {
        return Err(ReadError::Version(version));
    }
    let tables = |slot, what| root.vector::<u32>(slot)?.ok_or(ReadError::Missing(what));
    let subgraphs = tables(schema::model::SUBGRAPHS, "the list of subgraphs")?;
    if subgraphs.len() != 1 {
        let what = format!("{} subgraphs instead of one", subgraphs.len());
        return Err(ReadError::unsupported("the model", what));
    }
    let subgraph = subgraphs.table(0)?;
    let file = File {
        tensors: subgraph
            .vector::<u32>(schema::subgraph::TENSORS)?
            .ok_or(ReadError::Missing("the list of tensors"))?,
        buffers: tables(schema::model::BUFFERS, "the list of buffers")?,
        codes: tables(schema::model::OPERATOR_CODES, "the list of operator codes")?,
    };
    let operators = subgraph
        .vector::<u32>(schema::subgraph::OPERATORS)?
        .ok_or(ReadError::Missing("the list of operators"))?;
    let inputs: Vec<i32> = subgraph.scalars(schema::subgraph::INPUTS, MAX_PORTS)?;
    let outputs: Vec<i32> = subgraph.scalars(schema::subgraph::OUTPUTS, MAX_PORTS)?;
    let (&[input], &[output]) = (&inputs[..], &outputs[..]) else {
        return Err(ReadError::unsupported(
            "the model",
            "not exactly one input and one output",
        ));
    };
    let (shape, quantisation) = file.activation("the input", input)?;
    let tensors = file.tensors.len();
    let mut reading = Reading {
        file,
        written: vec![input],
        network: Network::new(shape, quantisation)?,
    };
    for index in 0..operators.len() {
        reading.operator(index, &operators.table(index)?)?;
    }
    if reading.written.last() != Some(&output) {
        return Err(ReadError::unsupported(
            "the model",
            "an output that is not the last operator's",
        ));
    }
    let network = reading.network.finish(tensors)?;
    let offsets = plan::offsets(&root, &reading.file, &reading.written)?;
    plan::check(&network, &offsets)?;
    Ok(NetworkFile { network, offsets })
}
