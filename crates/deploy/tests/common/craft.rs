//! Files made by hand, so that anything in them can be wrong.

use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, WIPOffset};

type Table = WIPOffset<TableFinishedWIPOffset>;

pub const INT8: i8 = 9;
pub const INT32: i8 = 2;
pub const SAME: i8 = 0;
pub const VALID: i8 = 1;

/// A tensor. Buffer 0 stands for no data.
#[derive(Clone)]
pub struct Tensor {
    pub shape: Vec<i32>,
    pub kind: i8,
    pub buffer: u32,
    pub scales: Vec<f32>,
    pub zero_points: Vec<i64>,
    pub dimension: i32,
}

/// A field of an options table: its slot and value.
#[derive(Clone, Copy)]
pub enum Field {
    Byte(u16, i8),
    Int(u16, i32),
    Float(u16, f32),
}

/// An operator.
#[derive(Clone)]
pub struct Operator {
    pub code: i32,
    pub options_kind: u8,
    pub options: Vec<Field>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

/// A file.
#[derive(Clone, Default)]
pub struct Craft {
    pub tensors: Vec<Tensor>,
    /// The data of buffer 1 and those after it.
    pub buffers: Vec<Vec<u8>>,
    pub operators: Vec<Operator>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

impl Craft {
    /// Adds an activation and returns its index.
    pub fn activation(&mut self, shape: &[i32]) -> i32 {
        self.tensors.push(Tensor {
            shape: shape.to_vec(),
            kind: INT8,
            buffer: 0,
            scales: vec![0.05],
            zero_points: vec![0],
            dimension: 0,
        });
        self.tensors.len() as i32 - 1
    }

    /// Adds a constant and returns its index; without a scale it is a list of numbers.
    pub fn constant(&mut self, shape: &[i32], kind: i8, data: Vec<u8>, scale: Option<f32>) -> i32 {
        self.buffers.push(data);
        self.tensors.push(Tensor {
            shape: shape.to_vec(),
            kind,
            buffer: self.buffers.len() as u32,
            scales: scale.into_iter().collect(),
            zero_points: scale.map(|_| 0).into_iter().collect(),
            dimension: 0,
        });
        self.tensors.len() as i32 - 1
    }

    /// Adds a constant of numbers.
    pub fn numbers(&mut self, shape: &[i32], numbers: &[i32]) -> i32 {
        let data = numbers.iter().flat_map(|number| number.to_le_bytes());
        let data = data.collect();
        self.constant(shape, INT32, data, None)
    }

    /// Adds an operator that writes a new activation, and returns that.
    pub fn operator(
        &mut self,
        code: i32,
        options_kind: u8,
        options: &[Field],
        inputs: &[i32],
        output: &[i32],
    ) -> i32 {
        let output = self.activation(output);
        self.operators.push(Operator {
            code,
            options_kind,
            options: options.to_vec(),
            inputs: inputs.to_vec(),
            outputs: vec![output],
        });
        self.outputs = vec![output];
        output
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut builder = FlatBufferBuilder::new();
        let buffers = self.buffers(&mut builder);
        let codes = self.codes();
        let code_tables: Vec<Table> = codes
            .iter()
            .map(|&code| {
                let start = builder.start_table();
                builder.push_slot_always(4, code as i8);
                builder.push_slot_always(10, code);
                WIPOffset::new(builder.end_table(start).value())
            })
            .collect();
        let tensors: Vec<Table> = (self.tensors.iter())
            .map(|tensor| self::tensor(&mut builder, tensor))
            .collect();
        let operators: Vec<Table> = (self.operators.iter())
            .map(|operator| self::operator(&mut builder, operator, &codes))
            .collect();
        let tensors = builder.create_vector(&tensors);
        let operators = builder.create_vector(&operators);
        let inputs = builder.create_vector(&self.inputs);
        let outputs = builder.create_vector(&self.outputs);
        let start = builder.start_table();
        builder.push_slot_always(4, tensors);
        builder.push_slot_always(6, inputs);
        builder.push_slot_always(8, outputs);
        builder.push_slot_always(10, operators);
        let subgraph: Table = WIPOffset::new(builder.end_table(start).value());
        let subgraphs = builder.create_vector(&[subgraph]);
        let codes = builder.create_vector(&code_tables);
        let buffers = builder.create_vector(&buffers);
        let start = builder.start_table();
        builder.push_slot_always(4, 3u32);
        builder.push_slot_always(6, codes);
        builder.push_slot_always(8, subgraphs);
        builder.push_slot_always(12, buffers);
        let root = builder.end_table(start);
        builder.finish(root, Some("TFL3"));
        builder.finished_data().to_vec()
    }

    /// The operator codes, each once.
    fn codes(&self) -> Vec<i32> {
        let mut codes: Vec<i32> = self
            .operators
            .iter()
            .map(|operator| operator.code)
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn buffers(&self, builder: &mut FlatBufferBuilder<'_>) -> Vec<Table> {
        let start = builder.start_table();
        let mut tables: Vec<Table> = vec![WIPOffset::new(builder.end_table(start).value())];
        for data in &self.buffers {
            let data = builder.create_vector(data);
            let start = builder.start_table();
            builder.push_slot_always(4, data);
            tables.push(WIPOffset::new(builder.end_table(start).value()));
        }
        tables
    }
}

fn tensor(builder: &mut FlatBufferBuilder<'_>, tensor: &Tensor) -> Table {
    let shape = builder.create_vector(&tensor.shape);
    let scales = builder.create_vector(&tensor.scales);
    let zero_points = builder.create_vector(&tensor.zero_points);
    let start = builder.start_table();
    builder.push_slot_always(8, scales);
    builder.push_slot_always(10, zero_points);
    builder.push_slot_always(16, tensor.dimension);
    let quantisation = builder.end_table(start);
    let start = builder.start_table();
    builder.push_slot_always(4, shape);
    builder.push_slot_always(6, tensor.kind);
    builder.push_slot_always(8, tensor.buffer);
    builder.push_slot_always(12, quantisation);
    WIPOffset::new(builder.end_table(start).value())
}

fn operator(builder: &mut FlatBufferBuilder<'_>, operator: &Operator, codes: &[i32]) -> Table {
    let start = builder.start_table();
    for field in &operator.options {
        match *field {
            Field::Byte(slot, value) => builder.push_slot_always(slot, value),
            Field::Int(slot, value) => builder.push_slot_always(slot, value),
            Field::Float(slot, value) => builder.push_slot_always(slot, value),
        }
    }
    let options = builder.end_table(start);
    let inputs = builder.create_vector(&operator.inputs);
    let outputs = builder.create_vector(&operator.outputs);
    let code = codes.iter().position(|&code| code == operator.code);
    let start = builder.start_table();
    builder.push_slot_always(4, code.unwrap() as u32);
    builder.push_slot_always(6, inputs);
    builder.push_slot_always(8, outputs);
    builder.push_slot_always(10, operator.options_kind);
    builder.push_slot_always(12, options);
    WIPOffset::new(builder.end_table(start).value())
}

/// The options of a convolution; of a depthwise one with a multiplier.
pub fn convolution(padding: i8, stride: i32, dilation: i32) -> Vec<Field> {
    vec![
        Field::Byte(4, padding),
        Field::Int(6, stride),
        Field::Int(8, stride),
        Field::Int(12, dilation),
        Field::Int(14, dilation),
    ]
}

/// The options of a pool.
pub fn pool(padding: i8, stride: i32, side: i32) -> Vec<Field> {
    vec![
        Field::Byte(4, padding),
        Field::Int(6, stride),
        Field::Int(8, stride),
        Field::Int(10, side),
        Field::Int(12, side),
    ]
}

/// A network with most operators: a convolution, a pool, padding, a mean, a fully connected layer, a softmax. Its tensors
/// are, in order: the input; weights, bias and output of the convolution; the pool's output; paddings and the padded
/// tensor; axes and the mean; weights, bias and output of the fully connected layer; the probabilities.
pub fn small_network() -> Craft {
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 8, 8, 3]);
    craft.inputs = vec![input];
    let weights = (0..4 * 3 * 3 * 3).map(|i| (i * 31 % 251) as u8).collect();
    let weights = craft.constant(&[4, 3, 3, 3], INT8, weights, Some(0.01));
    let bias = craft.constant(&[4], INT32, vec![1; 16], Some(0.05 * 0.01));
    let options = convolution(SAME, 1, 1);
    let x = craft.operator(3, 1, &options, &[input, weights, bias], &[1, 8, 8, 4]);
    let x = craft.operator(17, 5, &pool(VALID, 2, 2), &[x], &[1, 4, 4, 4]);
    let paddings = craft.numbers(&[4, 2], &[0, 0, 1, 1, 2, 0, 0, 0]);
    let x = craft.operator(34, 22, &[], &[x, paddings], &[1, 6, 6, 4]);
    let axes = craft.numbers(&[2], &[1, 2]);
    let x = craft.operator(40, 27, &[], &[x, axes], &[1, 4]);
    let weights = (0..12).map(|i| (i * 77 % 251) as u8).collect();
    let weights = craft.constant(&[3, 4], INT8, weights, Some(0.02));
    let bias = craft.constant(&[3], INT32, vec![0; 12], Some(0.05 * 0.02));
    let x = craft.operator(9, 8, &[], &[x, weights, bias], &[1, 3]);
    let x = craft.operator(25, 9, &[Field::Float(4, 1.0)], &[x], &[1, 3]);
    craft.tensors[x as usize].scales = vec![1.0 / 256.0];
    craft.tensors[x as usize].zero_points = vec![-128];
    craft
}
