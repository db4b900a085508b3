//! The .tflite reader: untrusted bytes to a checked [`Int8Model`].

mod flat;
mod layers;
mod plan;

use danas_space::{Graph, Layer, Shape, TensorId};

use crate::check::{ModelError, check_shape, check_weights};
use crate::int8::{Int8Model, Int8Weights, Quantisation};
use crate::schema::{self, IDENTIFIER, VERSION};
use flat::{Table, Vector};

/// The largest file that is read.
const MAX_FILE_BYTES: usize = 1 << 28;

/// Why bytes are not a `.tflite` file that this library can run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The file is larger than this library handles.
    #[error("the file has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// Size of the file.
        found: usize,
        /// The greatest allowed size.
        limit: usize,
    },
    /// The file does not start as a `.tflite` file does.
    #[error("not a .tflite file: the identifier \"TFL3\" is missing")]
    Identifier,
    /// An offset or a length points out of the file.
    #[error("damaged file: {what} at byte {offset} lies outside of the file")]
    OutOfBounds {
        /// What was to be read.
        what: &'static str,
        /// Where it should be.
        offset: usize,
    },
    /// Something that a model needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The schema version is unknown.
    #[error("schema version {0} is not supported; hint: version 3 is")]
    Version(u32),
    /// An operator that this library does not compute.
    #[error(
        "operator {index} has the code {code}, which is not supported; hint: ADD, AVERAGE_POOL_2D, CONV_2D, \
         DEPTHWISE_CONV_2D and SOFTMAX are"
    )]
    Operator {
        /// Position of the operator.
        index: usize,
        /// Its BuiltinOperator code.
        code: i32,
    },
    /// An operator with options, or a tensor with a type or a quantisation, that is not supported.
    #[error("{place}: {what} is not supported")]
    Unsupported {
        /// Where it was found.
        place: String,
        /// What is not supported.
        what: String,
    },
    /// An index names nothing.
    #[error("{place}: there is no {what} {index}")]
    Index {
        /// Where it was found.
        place: String,
        /// What the index should name.
        what: &'static str,
        /// The index.
        index: i64,
    },
    /// Data of a tensor has the wrong size.
    #[error("{place} has {found} bytes of data, its shape needs {expected}")]
    DataSize {
        /// The tensor.
        place: String,
        /// Bytes that the shape needs.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The scale of a bias is not input scale x weight scale: no interpreter checks that, all compute as if
    /// it were.
    #[error("{place}: the scale of the bias is not input scale x weight scale")]
    BiasScale {
        /// The operator.
        place: String,
    },
    /// The memory plan that the file carries would be refused by TensorFlow Lite for Microcontrollers, or would
    /// make it compute something else than the model.
    #[error("the memory plan of the file: {0}")]
    MemoryPlan(String),
    /// What was read is not a model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ReadError {
    fn unsupported(place: &str, what: impl Into<String>) -> Self {
        Self::Unsupported {
            place: place.to_owned(),
            what: what.into(),
        }
    }
}

/// The parts of a file that operators refer to.
struct File<'a> {
    tensors: Vector<'a>,
    buffers: Vector<'a>,
    codes: Vector<'a>,
}

/// The quantisation of a tensor of a file.
struct FileQuantisation {
    scales: Vec<f32>,
    zero_points: Vec<i64>,
    dimension: i32,
}

impl<'a> File<'a> {
    fn tensor(&self, place: &str, index: i32) -> Result<Table<'a>, ReadError> {
        let missing = || ReadError::Index {
            place: place.to_owned(),
            what: "tensor",
            index: i64::from(index),
        };
        let index = usize::try_from(index).map_err(|_| missing())?;
        if index >= self.tensors.len() {
            return Err(missing());
        }
        self.tensors.table(index)
    }

    /// The data of a tensor; empty where it has none.
    fn data(&self, place: &str, tensor: &Table<'a>) -> Result<&'a [u8], ReadError> {
        self.buffer(place, tensor.scalar(schema::tensor::BUFFER, 0)?)
    }

    /// The data of a buffer; empty where it has none.
    fn buffer(&self, place: &str, index: u32) -> Result<&'a [u8], ReadError> {
        if index as usize >= self.buffers.len() {
            return Err(ReadError::Index {
                place: place.to_owned(),
                what: "buffer",
                index: i64::from(index),
            });
        }
        let buffer = self.buffers.table(index as usize)?;
        if buffer.scalar::<u64>(schema::buffer::OFFSET, 0)? > 1 {
            return Err(ReadError::unsupported(place, "data outside of the tables"));
        }
        Ok(buffer
            .vector::<u8>(schema::buffer::DATA)?
            .map_or(&[], |data| data.bytes()))
    }

    /// The quantisation of a tensor; empty where it has none.
    fn quantisation(&self, place: &str, tensor: &Table<'a>) -> Result<FileQuantisation, ReadError> {
        let Some(table) = tensor.table(schema::tensor::QUANTIZATION)? else {
            return Ok(FileQuantisation {
                scales: Vec::new(),
                zero_points: Vec::new(),
                dimension: 0,
            });
        };
        if table.scalar::<u8>(schema::quantization::DETAILS_TYPE, 0)? != 0 {
            return Err(ReadError::unsupported(place, "custom quantisation"));
        }
        let scales = table.scalars(schema::quantization::SCALE)?;
        Ok(FileQuantisation {
            scales,
            zero_points: table.scalars(schema::quantization::ZERO_POINT)?,
            dimension: table.scalar(schema::quantization::QUANTIZED_DIMENSION, 0)?,
        })
    }

    /// Checks the type of a tensor, and that it is a plain one.
    fn check_type(&self, place: &str, tensor: &Table<'a>, expected: i8) -> Result<(), ReadError> {
        let kind: i8 = tensor.scalar(schema::tensor::TYPE, 0)?;
        if kind != expected {
            let what = format!("tensor type {kind} (expected {expected})");
            return Err(ReadError::unsupported(place, what));
        }
        if tensor.scalar::<u8>(schema::tensor::IS_VARIABLE, 0)? != 0
            || tensor.table(schema::tensor::SPARSITY)?.is_some()
        {
            return Err(ReadError::unsupported(place, "a variable or sparse tensor"));
        }
        Ok(())
    }

    /// The shape and the quantisation of an activation.
    fn activation(&self, place: &str, index: i32) -> Result<(Shape, Quantisation), ReadError> {
        let tensor = self.tensor(place, index)?;
        self.check_type(place, &tensor, schema::tensor_type::INT8)?;
        if !self.data(place, &tensor)?.is_empty() {
            return Err(ReadError::unsupported(place, "a constant as an activation"));
        }
        let dimensions: Vec<i32> = tensor.scalars(schema::tensor::SHAPE)?;
        let side = |dimension: i32| usize::try_from(dimension).unwrap_or(0);
        let shape = match dimensions[..] {
            [1, height, width, channels] => Shape {
                height: side(height),
                width: side(width),
                channels: side(channels),
            },
            [1, channels] => Shape {
                height: 1,
                width: 1,
                channels: side(channels),
            },
            _ => {
                let what = format!("an activation of shape {dimensions:?}");
                return Err(ReadError::unsupported(place, what));
            }
        };
        check_shape(place, shape)?;
        let quantisation = self.quantisation(place, &tensor)?;
        let zero_point = match quantisation.zero_points[..] {
            [] => Some(0),
            [zero_point] => i8::try_from(zero_point).ok(),
            _ => None,
        };
        match (&quantisation.scales[..], zero_point) {
            (&[scale], Some(zero_point)) => Ok((shape, Quantisation { scale, zero_point })),
            _ => Err(ReadError::unsupported(
                place,
                "this quantisation of an activation",
            )),
        }
    }

    /// The name of an activation, where the file holds one.
    fn name(&self, place: &str, index: i32) -> Result<Option<String>, ReadError> {
        let name = self
            .tensor(place, index)?
            .vector::<u8>(schema::tensor::NAME)?;
        Ok(name
            .map(|name| String::from_utf8_lossy(name.bytes()).into_owned())
            .filter(|name| !name.is_empty()))
    }
}

/// The model under construction, and which tensors of the file exist already.
struct Reading<'a> {
    file: File<'a>,
    /// The tensor of the file behind each tensor of the graph.
    written: Vec<i32>,
    graph: Graph,
    quantisations: Vec<Quantisation>,
    weights: Vec<Int8Weights>,
    weights_read: u64,
}

impl<'a> Reading<'a> {
    /// The tensor of the graph for a tensor of the file.
    fn existing(&self, place: &str, index: i32) -> Result<TensorId, ReadError> {
        self.written
            .iter()
            .position(|&written| written == index)
            .map(TensorId)
            .ok_or_else(|| ReadError::Index {
                place: place.to_owned(),
                what: "earlier activation",
                index: i64::from(index),
            })
    }

    /// Reads operator `index`.
    fn operator(&mut self, index: usize, operator: &Table<'a>) -> Result<(), ReadError> {
        let (builtin, place) = layers::builtin(&self.file, index, operator)?;
        let inputs: Vec<i32> = operator.scalars(schema::operator::INPUTS)?;
        let outputs: Vec<i32> = operator.scalars(schema::operator::OUTPUTS)?;
        let [output] = outputs[..] else {
            return Err(ReadError::unsupported(&place, "not exactly one output"));
        };
        let (activations, parameters) = layers::split_inputs(builtin, &place, &inputs)?;
        let activations = activations
            .iter()
            .map(|&tensor| self.existing(&place, tensor))
            .collect::<Result<Vec<TensorId>, _>>()?;
        if self.written.contains(&output) {
            return Err(ReadError::unsupported(&place, "writing a tensor twice"));
        }
        let input = self.graph.shape(activations[0]);
        let input_scale = self.quantisations[activations[0].0].scale;
        let (shape, quantisation) = self.file.activation(&place, output)?;
        let source = layers::Source {
            file: &self.file,
            builtin,
            place: &place,
            parameters,
            input,
            input_scale,
        };
        let (operator, weights) = source.layer(operator)?;
        let name = self.file.name(&place, output)?;
        self.graph.layers.push(Layer {
            name: name.unwrap_or_else(|| format!("{}.{index}", builtin.name.to_lowercase())),
            operator,
            inputs: activations,
            output: shape,
        });
        self.quantisations.push(quantisation);
        // Several operators may share the data of one buffer, so the file does not bound their sum.
        self.weights_read += weights.values.len() as u64;
        check_weights(self.weights_read)?;
        self.weights.push(weights);
        self.written.push(output);
        Ok(())
    }
}

/// What a `.tflite` file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The model.
    pub model: Int8Model,
    /// The memory plan, as in [`crate::Metadata::offsets`]; empty for none.
    pub offsets: Vec<Option<u64>>,
}

/// Reads the model of a `.tflite` file: see [`read_file`].
///
/// # Errors
/// [`ReadError`], as [`read_file`].
pub fn read(bytes: &[u8]) -> Result<Int8Model, ReadError> {
    read_file(bytes).map(|file| file.model)
}

/// Reads a `.tflite` file. Accepted is what [`crate::write()`] writes, and files of other writers with the same
/// operators: one subgraph, int8, one input and one output. Nothing is allocated before its size has been
/// compared with that of the file.
///
/// # Errors
/// [`ReadError`], for anything else; no input makes it panic.
pub fn read_file(bytes: &[u8]) -> Result<ModelFile, ReadError> {
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
    let inputs: Vec<i32> = subgraph.scalars(schema::subgraph::INPUTS)?;
    let outputs: Vec<i32> = subgraph.scalars(schema::subgraph::OUTPUTS)?;
    let (&[input], &[output]) = (&inputs[..], &outputs[..]) else {
        return Err(ReadError::unsupported(
            "the model",
            "not exactly one input and one output",
        ));
    };
    let (shape, quantisation) = file.activation("the input", input)?;
    let mut reading = Reading {
        file,
        written: vec![input],
        graph: Graph {
            input: shape,
            layers: Vec::new(),
        },
        quantisations: vec![quantisation],
        weights: Vec::new(),
        weights_read: 0,
    };
    layers::check_number(operators.len())?;
    for index in 0..operators.len() {
        reading.operator(index, &operators.table(index)?)?;
    }
    if reading.written.last() != Some(&output) {
        return Err(ReadError::unsupported(
            "the model",
            "an output that is not the last operator's",
        ));
    }
    let model = Int8Model::new(reading.graph, reading.quantisations, reading.weights)?;
    let offsets = plan::offsets(&root, &reading.file, &reading.written)?;
    plan::check(model.graph(), &offsets)?;
    Ok(ModelFile { model, offsets })
}
