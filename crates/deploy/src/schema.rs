//! The part of TensorFlow Lite's schema (version 3) that classifiers need. Slots are vtable offsets:
//! field number `n` of a table is at `4 + 2 n`.

use danas_device::OperatorKind;

/// What a file starts with, after the offset of its root.
pub(crate) const IDENTIFIER: &str = "TFL3";
/// The version of the schema.
pub(crate) const VERSION: u32 = 3;

pub(crate) mod model {
    pub(crate) const VERSION: u16 = 4;
    pub(crate) const OPERATOR_CODES: u16 = 6;
    pub(crate) const SUBGRAPHS: u16 = 8;
    pub(crate) const DESCRIPTION: u16 = 10;
    pub(crate) const BUFFERS: u16 = 12;
    pub(crate) const METADATA: u16 = 16;
}

pub(crate) mod metadata {
    pub(crate) const NAME: u16 = 4;
    pub(crate) const BUFFER: u16 = 6;
}

/// Metadata with which a file tells TensorFlow Lite for Microcontrollers where tensors lie in the arena's head.
/// Its buffer holds 32 bit numbers: [`VERSION`](memory_plan::VERSION), the subgraph, the number of tensors, and an
/// offset in bytes per tensor of the file, [`OPEN`](memory_plan::OPEN) to leave its place to the runtime.
pub(crate) mod memory_plan {
    pub(crate) const NAME: &str = "OfflineMemoryAllocation";
    pub(crate) const VERSION: i32 = 1;
    pub(crate) const SUBGRAPH: i32 = 0;
    /// Numbers before the offsets; the last of them is the number of tensors.
    pub(crate) const HEADER: usize = 3;
    pub(crate) const OPEN: i32 = -1;
}

pub(crate) mod operator_code {
    pub(crate) const DEPRECATED_BUILTIN_CODE: u16 = 4;
    pub(crate) const VERSION: u16 = 8;
    pub(crate) const BUILTIN_CODE: u16 = 10;
}

pub(crate) mod subgraph {
    pub(crate) const TENSORS: u16 = 4;
    pub(crate) const INPUTS: u16 = 6;
    pub(crate) const OUTPUTS: u16 = 8;
    pub(crate) const OPERATORS: u16 = 10;
}

pub(crate) mod tensor {
    pub(crate) const SHAPE: u16 = 4;
    pub(crate) const TYPE: u16 = 6;
    pub(crate) const BUFFER: u16 = 8;
    pub(crate) const NAME: u16 = 10;
    pub(crate) const QUANTIZATION: u16 = 12;
    pub(crate) const IS_VARIABLE: u16 = 14;
    pub(crate) const SPARSITY: u16 = 16;
}

pub(crate) mod quantization {
    pub(crate) const SCALE: u16 = 8;
    pub(crate) const ZERO_POINT: u16 = 10;
    pub(crate) const DETAILS_TYPE: u16 = 12;
    pub(crate) const QUANTIZED_DIMENSION: u16 = 16;
}

pub(crate) mod operator {
    pub(crate) const OPCODE_INDEX: u16 = 4;
    pub(crate) const INPUTS: u16 = 6;
    pub(crate) const OUTPUTS: u16 = 8;
    pub(crate) const BUILTIN_OPTIONS_TYPE: u16 = 10;
    pub(crate) const BUILTIN_OPTIONS: u16 = 12;
}

pub(crate) mod buffer {
    pub(crate) const DATA: u16 = 4;
    pub(crate) const OFFSET: u16 = 6;
}

pub(crate) mod conv_options {
    pub(crate) const PADDING: u16 = 4;
    pub(crate) const STRIDE_W: u16 = 6;
    pub(crate) const STRIDE_H: u16 = 8;
    pub(crate) const FUSED_ACTIVATION: u16 = 10;
    pub(crate) const DILATION_W: u16 = 12;
    pub(crate) const DILATION_H: u16 = 14;
}

pub(crate) mod depthwise_options {
    pub(crate) const PADDING: u16 = 4;
    pub(crate) const STRIDE_W: u16 = 6;
    pub(crate) const STRIDE_H: u16 = 8;
    pub(crate) const DEPTH_MULTIPLIER: u16 = 10;
    pub(crate) const FUSED_ACTIVATION: u16 = 12;
    pub(crate) const DILATION_W: u16 = 14;
    pub(crate) const DILATION_H: u16 = 16;
}

pub(crate) mod fully_connected_options {
    pub(crate) const FUSED_ACTIVATION: u16 = 4;
    pub(crate) const WEIGHTS_FORMAT: u16 = 6;
}

pub(crate) mod pool_options {
    pub(crate) const PADDING: u16 = 4;
    pub(crate) const STRIDE_W: u16 = 6;
    pub(crate) const STRIDE_H: u16 = 8;
    pub(crate) const FILTER_WIDTH: u16 = 10;
    pub(crate) const FILTER_HEIGHT: u16 = 12;
    pub(crate) const FUSED_ACTIVATION: u16 = 14;
}

pub(crate) mod softmax_options {
    pub(crate) const BETA: u16 = 4;
}

pub(crate) mod add_options {
    pub(crate) const FUSED_ACTIVATION: u16 = 4;
}

/// TensorType.
pub(crate) mod tensor_type {
    pub(crate) const INT32: i8 = 2;
    pub(crate) const INT8: i8 = 9;
}

/// Padding.
pub(crate) mod padding {
    pub(crate) const SAME: i8 = 0;
    pub(crate) const VALID: i8 = 1;
}

/// ActivationFunctionType.
pub(crate) mod activation {
    pub(crate) const NONE: i8 = 0;
    pub(crate) const RELU: i8 = 1;
    pub(crate) const RELU_N1_TO_1: i8 = 2;
    pub(crate) const RELU6: i8 = 3;
}

/// An operator of the format: its code, the kind of its options, and how a resolver registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Builtin {
    /// What it computes.
    pub(crate) kind: OperatorKind,
    /// BuiltinOperator.
    pub(crate) code: i32,
    /// BuiltinOptions.
    pub(crate) options: u8,
    /// The method of TensorFlow Lite for Microcontrollers' `MicroMutableOpResolver`.
    pub(crate) method: &'static str,
}

impl Builtin {
    pub(crate) const ADD: Self = Self::new(OperatorKind::Add, 0, 11, "AddAdd");
    pub(crate) const AVERAGE_POOL_2D: Self =
        Self::new(OperatorKind::AveragePool, 1, 5, "AddAveragePool2D");
    pub(crate) const CONV_2D: Self = Self::new(OperatorKind::Convolution, 3, 1, "AddConv2D");
    pub(crate) const DEPTHWISE_CONV_2D: Self =
        Self::new(OperatorKind::Depthwise, 4, 2, "AddDepthwiseConv2D");
    pub(crate) const SOFTMAX: Self = Self::new(OperatorKind::Softmax, 25, 9, "AddSoftmax");

    /// All operators that are read.
    pub(crate) const READ: [Self; 13] = [
        Self::ADD,
        Self::AVERAGE_POOL_2D,
        Self::CONV_2D,
        Self::DEPTHWISE_CONV_2D,
        Self::new(OperatorKind::FullyConnected, 9, 8, "AddFullyConnected"),
        Self::new(OperatorKind::MaxPool, 17, 5, "AddMaxPool2D"),
        Self::new(OperatorKind::Reshape, 22, 17, "AddReshape"),
        Self::SOFTMAX,
        Self::new(OperatorKind::Pad, 34, 22, "AddPad"),
        Self::new(OperatorKind::Mean, 40, 27, "AddMean"),
        Self::new(OperatorKind::StridedSlice, 45, 32, "AddStridedSlice"),
        Self::new(OperatorKind::Shape, 77, 55, "AddShape"),
        Self::new(OperatorKind::Pack, 83, 59, "AddPack"),
    ];

    const fn new(kind: OperatorKind, code: i32, options: u8, method: &'static str) -> Self {
        Self {
            kind,
            code,
            options,
            method,
        }
    }

    /// The name of the schema.
    pub(crate) fn name(self) -> &'static str {
        self.kind.name()
    }

    /// The operator that computes a layer. A fully connected layer is a convolution whose kernel is the whole
    /// map, with VALID padding: FULLY_CONNECTED rounds once in LiteRT's reference kernels and twice in those
    /// of TFLM, so that about one output in 200 differs by 1; CONV_2D is equal in both, takes a scale per
    /// output channel and is one kernel less in the device's flash.
    pub(crate) fn of(operator: danas_space::Operator) -> Self {
        use danas_space::Operator;
        match operator {
            Operator::Convolution { .. } | Operator::Dense => Self::CONV_2D,
            Operator::Depthwise { .. } => Self::DEPTHWISE_CONV_2D,
            Operator::Add => Self::ADD,
            Operator::GlobalAveragePool => Self::AVERAGE_POOL_2D,
            Operator::Softmax => Self::SOFTMAX,
        }
    }

    /// All operators that a graph uses, each once, in the order of first use.
    pub(crate) fn used(graph: &danas_space::Graph) -> Vec<Self> {
        let mut used = Vec::new();
        for layer in &graph.layers {
            let builtin = Self::of(layer.operator);
            if !used.contains(&builtin) {
                used.push(builtin);
            }
        }
        used
    }
}
