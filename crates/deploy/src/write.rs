//! The .tflite writer.
//!
//! FlatBuffers may share what is equal: shapes, vectors of zero points, quantisations and options are stored
//! once each, which saves flash (a zero point takes 8 bytes per channel, always 0).

use std::collections::BTreeMap;

use danas_space::{Activation, Layer, Operator, Shape, TensorId};
use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, Vector, WIPOffset};

use crate::int8::{Int8Model, Int8Weights, Quantisation};
use crate::schema::{self, Builtin, IDENTIFIER, VERSION};

/// The alignment of weights that TensorFlow Lite asks for.
const DATA_ALIGNMENT: usize = 16;

/// Which names tensors get. They are for people and tools only, and cost flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TensorNames {
    /// No names.
    #[default]
    None,
    /// Activations are named after their layers.
    Layers,
}

/// What a file says beside the model itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// A description, stored as it is.
    pub description: String,
    /// Names of tensors.
    pub tensor_names: TensorNames,
    /// A memory plan: the offset in the arena's head of each tensor of the graph, the input first; `None` leaves a
    /// tensor to the runtime. Tensors that are alive at the same time must not overlap: the file would be refused by
    /// [`crate::read()`], and run with wrong results. Empty for none, which is right wherever the runtime's own plan
    /// is as good.
    pub offsets: Vec<Option<u64>>,
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            description: "danas".to_owned(),
            tensor_names: TensorNames::None,
            offsets: Vec::new(),
        }
    }
}

type Table = WIPOffset<TableFinishedWIPOffset>;
type Scalars<'f, T> = WIPOffset<Vector<'f, T>>;

/// The quantisation of a tensor as the file states it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct QuantisationKey {
    scales: Vec<u32>,
    zero_point: i64,
    dimension: i32,
}

/// A file in the making, with what can be shared.
struct Writer<'f> {
    builder: FlatBufferBuilder<'f>,
    shapes: BTreeMap<Vec<i32>, Scalars<'f, i32>>,
    zero_points: BTreeMap<(i64, usize), Scalars<'f, i64>>,
    quantisations: BTreeMap<QuantisationKey, Table>,
    options: BTreeMap<Vec<(u16, u32)>, Table>,
    buffers: Vec<Table>,
    tensors: Vec<Table>,
}

/// A field of an options table: most are small numbers, some are bytes.
#[derive(Clone, Copy)]
enum Field {
    Byte(u16, i8),
    Int(u16, i32),
    Float(u16, f32),
}

impl Field {
    fn key(self) -> (u16, u32) {
        match self {
            Field::Byte(slot, value) => (slot, value as u32),
            Field::Int(slot, value) => (slot, value as u32),
            Field::Float(slot, value) => (slot, value.to_bits()),
        }
    }
}

/// The code of a fused activation.
fn activation_code(activation: Activation) -> i8 {
    match activation {
        Activation::Linear => schema::activation::NONE,
        Activation::Relu6 => schema::activation::RELU6,
    }
}

/// The fields of the options of a layer with input shape `input`; defaults of the schema are left out,
/// except where an interpreter is known to read them without knowing the default.
fn options(layer: &Layer, input: Shape) -> Vec<Field> {
    use Field::{Byte, Float, Int};
    match layer.operator {
        Operator::Convolution {
            stride, activation, ..
        } => {
            use schema::conv_options::*;
            vec![
                Byte(PADDING, schema::padding::SAME),
                Int(STRIDE_W, stride as i32),
                Int(STRIDE_H, stride as i32),
                Byte(FUSED_ACTIVATION, activation_code(activation)),
            ]
        }
        Operator::Depthwise {
            stride, activation, ..
        } => {
            use schema::depthwise_options::*;
            vec![
                Byte(PADDING, schema::padding::SAME),
                Int(STRIDE_W, stride as i32),
                Int(STRIDE_H, stride as i32),
                Int(DEPTH_MULTIPLIER, 1),
                Byte(FUSED_ACTIVATION, activation_code(activation)),
            ]
        }
        Operator::GlobalAveragePool => {
            use schema::pool_options::*;
            vec![
                Byte(PADDING, schema::padding::VALID),
                Int(STRIDE_W, input.width as i32),
                Int(STRIDE_H, input.height as i32),
                Int(FILTER_WIDTH, input.width as i32),
                Int(FILTER_HEIGHT, input.height as i32),
            ]
        }
        Operator::Dense => {
            use schema::conv_options::*;
            vec![
                Byte(PADDING, schema::padding::VALID),
                Int(STRIDE_W, 1),
                Int(STRIDE_H, 1),
            ]
        }
        Operator::Softmax => vec![Float(schema::softmax_options::BETA, 1.0)],
        Operator::Add => vec![Byte(
            schema::add_options::FUSED_ACTIVATION,
            schema::activation::NONE,
        )],
    }
}

impl<'f> Writer<'f> {
    fn new() -> Self {
        Self {
            builder: FlatBufferBuilder::new(),
            shapes: BTreeMap::new(),
            zero_points: BTreeMap::new(),
            quantisations: BTreeMap::new(),
            options: BTreeMap::new(),
            buffers: Vec::new(),
            tensors: Vec::new(),
        }
    }

    /// Writes zeros until a following `bytes` bytes start at a multiple of [`DATA_ALIGNMENT`], counted from
    /// the end of the file, which is where the builder starts. ([`FlatBufferBuilder::create_vector`] knows
    /// only the alignment of the element.)
    fn align(&mut self, bytes: usize) {
        while !(self.builder.unfinished_data().len() + bytes).is_multiple_of(DATA_ALIGNMENT) {
            self.builder.push(0u8);
        }
    }

    fn shape(&mut self, dimensions: &[i32]) -> Scalars<'f, i32> {
        let builder = &mut self.builder;
        *self
            .shapes
            .entry(dimensions.to_vec())
            .or_insert_with(|| builder.create_vector(dimensions))
    }

    /// The quantisation of a tensor; the channels are along `dimension`.
    fn quantisation(&mut self, scales: &[f32], zero_point: i64, dimension: i32) -> Table {
        let key = QuantisationKey {
            scales: scales.iter().map(|scale| scale.to_bits()).collect(),
            zero_point,
            dimension,
        };
        if let Some(&table) = self.quantisations.get(&key) {
            return table;
        }
        let builder = &mut self.builder;
        let zero_points = *self
            .zero_points
            .entry((zero_point, scales.len()))
            .or_insert_with(|| builder.create_vector(&vec![zero_point; scales.len()]));
        let scales = builder.create_vector(scales);
        let start = builder.start_table();
        builder.push_slot_always(schema::quantization::SCALE, scales);
        builder.push_slot_always(schema::quantization::ZERO_POINT, zero_points);
        builder.push_slot(schema::quantization::QUANTIZED_DIMENSION, dimension, 0);
        let table = builder.end_table(start);
        let table = WIPOffset::new(table.value());
        self.quantisations.insert(key, table);
        table
    }

    /// Stores data and returns the index of its buffer.
    fn buffer(&mut self, data: &[u8]) -> u32 {
        self.align(data.len());
        let data = self.builder.create_vector(data);
        let start = self.builder.start_table();
        self.builder.push_slot_always(schema::buffer::DATA, data);
        let table = self.builder.end_table(start);
        self.buffers.push(WIPOffset::new(table.value()));
        (self.buffers.len() - 1) as u32
    }

    /// Stores a tensor and returns its index.
    fn tensor(
        &mut self,
        dimensions: &[i32],
        kind: i8,
        buffer: u32,
        name: Option<&str>,
        quantisation: Table,
    ) -> i32 {
        let shape = self.shape(dimensions);
        let name = name.map(|name| self.builder.create_string(name));
        let builder = &mut self.builder;
        let start = builder.start_table();
        builder.push_slot_always(schema::tensor::SHAPE, shape);
        builder.push_slot(schema::tensor::BUFFER, buffer, 0);
        if let Some(name) = name {
            builder.push_slot_always(schema::tensor::NAME, name);
        }
        builder.push_slot_always(schema::tensor::QUANTIZATION, quantisation);
        builder.push_slot(schema::tensor::TYPE, kind, 0);
        let table = builder.end_table(start);
        self.tensors.push(WIPOffset::new(table.value()));
        (self.tensors.len() - 1) as i32
    }

    /// Stores the tensor of an activation.
    fn activation(
        &mut self,
        dimensions: &[i32],
        quantisation: Quantisation,
        name: Option<&str>,
    ) -> i32 {
        let zero_point = i64::from(quantisation.zero_point);
        let quantisation = self.quantisation(&[quantisation.scale], zero_point, 0);
        self.tensor(dimensions, schema::tensor_type::INT8, 0, name, quantisation)
    }

    /// Stores weights and biases of a layer and returns the indices of their tensors.
    fn parameters(
        &mut self,
        layer: &Layer,
        input: Shape,
        input_scale: f32,
        weights: &Int8Weights,
    ) -> Vec<i32> {
        let channels = layer.output.channels as i32;
        let (dimensions, dimension) = match layer.operator {
            Operator::Convolution { kernel, .. } => {
                let kernel = kernel as i32;
                (vec![channels, kernel, kernel, input.channels as i32], 0)
            }
            Operator::Depthwise { kernel, .. } => {
                (vec![1, kernel as i32, kernel as i32, channels], 3)
            }
            Operator::Dense => {
                let [height, width, depth] =
                    [input.height, input.width, input.channels].map(|side| side as i32);
                (vec![channels, height, width, depth], 0)
            }
            Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => return Vec::new(),
        };
        let values: Vec<u8> = weights.values.iter().map(|&value| value as u8).collect();
        let values = self.buffer(&values);
        let quantisation = self.quantisation(&weights.scales, 0, dimension);
        let kind = schema::tensor_type::INT8;
        let weights_tensor = self.tensor(&dimensions, kind, values, None, quantisation);

        let bias: Vec<u8> = weights
            .bias
            .iter()
            .flat_map(|bias| bias.to_le_bytes())
            .collect();
        let bias = self.buffer(&bias);
        let scales: Vec<f32> = weights
            .scales
            .iter()
            .map(|scale| input_scale * scale)
            .collect();
        let quantisation = self.quantisation(&scales, 0, 0);
        let kind = schema::tensor_type::INT32;
        let bias_tensor = self.tensor(&[channels], kind, bias, None, quantisation);
        vec![weights_tensor, bias_tensor]
    }

    /// Stores the options of a layer.
    fn options(&mut self, layer: &Layer, input: Shape) -> Table {
        let fields = options(layer, input);
        let kind = (0, u32::from(Builtin::of(layer.operator).options));
        let key: Vec<(u16, u32)> = std::iter::once(kind)
            .chain(fields.iter().map(|field| field.key()))
            .collect();
        if let Some(&table) = self.options.get(&key) {
            return table;
        }
        let start = self.builder.start_table();
        for field in fields {
            match field {
                Field::Byte(slot, value) => self.builder.push_slot(slot, value, 0),
                Field::Int(slot, value) => self.builder.push_slot(slot, value, 0),
                Field::Float(slot, value) => self.builder.push_slot(slot, value, 0.0),
            }
        }
        let table = WIPOffset::new(self.builder.end_table(start).value());
        self.options.insert(key, table);
        table
    }

    /// Stores an operator.
    fn operator(
        &mut self,
        layer: &Layer,
        opcode: u32,
        inputs: &[i32],
        output: i32,
        options: Table,
    ) -> Table {
        let builder = &mut self.builder;
        let inputs = builder.create_vector(inputs);
        let outputs = builder.create_vector(&[output]);
        let start = builder.start_table();
        builder.push_slot(schema::operator::OPCODE_INDEX, opcode, 0);
        builder.push_slot_always(schema::operator::INPUTS, inputs);
        builder.push_slot_always(schema::operator::OUTPUTS, outputs);
        builder.push_slot_always(schema::operator::BUILTIN_OPTIONS, options);
        builder.push_slot_always(
            schema::operator::BUILTIN_OPTIONS_TYPE,
            Builtin::of(layer.operator).options,
        );
        WIPOffset::new(builder.end_table(start).value())
    }

    fn operator_code(&mut self, builtin: Builtin) -> Table {
        let builder = &mut self.builder;
        let start = builder.start_table();
        builder.push_slot(schema::operator_code::BUILTIN_CODE, builtin.code, 0);
        builder.push_slot(schema::operator_code::VERSION, 1i32, 0);
        let deprecated = builtin.code as i8;
        builder.push_slot(
            schema::operator_code::DEPRECATED_BUILTIN_CODE,
            deprecated,
            0,
        );
        WIPOffset::new(builder.end_table(start).value())
    }

    /// Stores everything that belongs to the model's only subgraph.
    fn subgraph(&mut self, model: &Int8Model, names: TensorNames) -> Table {
        let graph = model.graph();
        let quantisations = model.quantisations();
        for (tensor, &quantisation) in quantisations.iter().enumerate() {
            let dimensions = dimensions(graph.shape(TensorId(tensor)));
            let name = match tensor {
                0 => "input",
                i => &graph.layers[i - 1].name,
            };
            let name = (names == TensorNames::Layers).then_some(name);
            self.activation(&dimensions, quantisation, name);
        }
        let codes = Builtin::used(graph);
        let mut operators = Vec::with_capacity(graph.layers.len());
        for (index, layer) in graph.layers.iter().enumerate() {
            let shape = graph.shape(layer.inputs[0]);
            let scale = quantisations[layer.inputs[0].0].scale;
            let parameters = self.parameters(layer, shape, scale, &model.weights()[index]);
            let inputs: Vec<i32> = layer
                .inputs
                .iter()
                .map(|tensor| tensor.0 as i32)
                .chain(parameters)
                .collect();
            let builtin = Builtin::of(layer.operator);
            let opcode = codes.iter().position(|&code| code == builtin).unwrap_or(0);
            let options = self.options(layer, shape);
            let output = (index + 1) as i32;
            operators.push(self.operator(layer, opcode as u32, &inputs, output, options));
        }
        let builder = &mut self.builder;
        let inputs = builder.create_vector(&[0i32]);
        let outputs = builder.create_vector(&[graph.layers.len() as i32]);
        let tensors = builder.create_vector(&self.tensors);
        let operators = builder.create_vector(&operators);
        let start = builder.start_table();
        builder.push_slot_always(schema::subgraph::TENSORS, tensors);
        builder.push_slot_always(schema::subgraph::INPUTS, inputs);
        builder.push_slot_always(schema::subgraph::OUTPUTS, outputs);
        builder.push_slot_always(schema::subgraph::OPERATORS, operators);
        WIPOffset::new(builder.end_table(start).value())
    }
}

impl Writer<'_> {
    /// Stores a memory plan for the tensors stored so far.
    fn memory_plan(&mut self, offsets: &[Option<u64>]) -> Table {
        use schema::memory_plan::{NAME, OPEN, SUBGRAPH, VERSION};
        let tensors = self.tensors.len();
        let carried = |tensor: usize| {
            let offset = offsets.get(tensor).copied().flatten();
            offset.map_or(OPEN, |offset| i32::try_from(offset).unwrap_or(OPEN))
        };
        let numbers = [VERSION, SUBGRAPH, tensors as i32]
            .into_iter()
            .chain((0..tensors).map(carried));
        let data: Vec<u8> = numbers.flat_map(i32::to_le_bytes).collect();
        let buffer = self.buffer(&data);
        let builder = &mut self.builder;
        let name = builder.create_string(NAME);
        let start = builder.start_table();
        builder.push_slot_always(schema::metadata::NAME, name);
        builder.push_slot_always(schema::metadata::BUFFER, buffer);
        WIPOffset::new(builder.end_table(start).value())
    }
}

/// The dimensions of an activation of one example.
fn dimensions(shape: Shape) -> [i32; 4] {
    [1, shape.height, shape.width, shape.channels].map(|side| side as i32)
}

/// Writes a model as a `.tflite` file: tensor 0 is the input, tensor `i + 1` what layer `i` writes, weights
/// and biases follow. The same model gives the same bytes.
pub fn write(model: &Int8Model, metadata: &Metadata) -> Vec<u8> {
    let mut writer = Writer::new();
    // Buffer 0 is empty by convention: it stands for "no data".
    let start = writer.builder.start_table();
    let empty = writer.builder.end_table(start);
    writer.buffers.push(WIPOffset::new(empty.value()));

    let subgraph = writer.subgraph(model, metadata.tensor_names);
    let plan = metadata.offsets.iter().any(Option::is_some);
    let plan = plan.then(|| writer.memory_plan(&metadata.offsets));
    let codes: Vec<Table> = Builtin::used(model.graph())
        .into_iter()
        .map(|builtin| writer.operator_code(builtin))
        .collect();
    let builder = &mut writer.builder;
    let description =
        (!metadata.description.is_empty()).then(|| builder.create_string(&metadata.description));
    let buffers = builder.create_vector(&writer.buffers);
    let codes = builder.create_vector(&codes);
    let subgraphs = builder.create_vector(&[subgraph]);
    let plan = plan.map(|plan| builder.create_vector(&[plan]));
    let start = builder.start_table();
    builder.push_slot(schema::model::VERSION, VERSION, 0);
    builder.push_slot_always(schema::model::OPERATOR_CODES, codes);
    builder.push_slot_always(schema::model::SUBGRAPHS, subgraphs);
    builder.push_slot_always(schema::model::BUFFERS, buffers);
    if let Some(description) = description {
        builder.push_slot_always(schema::model::DESCRIPTION, description);
    }
    if let Some(plan) = plan {
        builder.push_slot_always(schema::model::METADATA, plan);
    }
    let root = builder.end_table(start);
    // What `finish` adds in front: the offset of the root and the identifier.
    writer.align(size_of::<u32>() + IDENTIFIER.len());
    writer.builder.finish(root, Some(IDENTIFIER));
    writer.builder.finished_data().to_vec()
}
