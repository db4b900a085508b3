//! What every model must satisfy before anything is computed with it.

use danas_space::{Graph, Layer, Operator, Shape};

use crate::kernels::EXACT_PRODUCTS;

/// The most layers a model may have.
pub(crate) const MAX_LAYERS: usize = 4096;
/// The longest side, and the most channels, of a tensor.
const MAX_DIMENSION: usize = 65_535;
/// The most elements of a tensor; some are kept in single precision while they are read.
const MAX_ELEMENTS: u64 = 1 << 24;
/// The most elements of all activations of one example together.
pub(crate) const MAX_ACTIVATIONS: u64 = 1 << 26;
/// The most weights of all layers together; the interpreter keeps them in single precision.
const MAX_WEIGHTS: u64 = 1 << 25;
/// The most products that one output sums up: with inputs in ±255 and weights in ±128 the sum stays below
/// 2^30, so that a bias below 2^30 cannot overflow the 32 bit accumulator.
pub(crate) const MAX_PRODUCTS: u64 = 1 << 15;
/// The most channels of a softmax: the fixed-point sum of exponentials has 12 integer bits.
pub(crate) const MAX_CLASSES: usize = 4095;
/// The largest side of a kernel, and the largest stride: a depthwise convolution then sums up no more products
/// than are exact in single precision.
const MAX_KERNEL: usize = 22;
const _: () = assert!(MAX_KERNEL * MAX_KERNEL <= EXACT_PRODUCTS);
/// The most taps of a depthwise kernel.
pub(crate) const MAX_KERNEL_TAPS: u64 = EXACT_PRODUCTS as u64;
/// The most numbers that are averaged: with zero points their sum stays below 2^30.
pub(crate) const MAX_AVERAGED: u64 = 1 << 22;

/// Why a graph, its weights or its quantisation cannot be a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The graph has no layer.
    #[error("a model needs at least one layer")]
    NoLayers,
    /// A size is above what this library handles.
    #[error("{what} is {found}, the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size.
        found: u64,
        /// The greatest allowed size.
        limit: u64,
    },
    /// A tensor has a dimension of size 0.
    #[error("{tensor} has the empty shape [{0}, {1}, {2}]", shape.height, shape.width, shape.channels)]
    Empty {
        /// The input, or the layer that writes it.
        tensor: String,
        /// Its shape.
        shape: Shape,
    },
    /// A layer reads a tensor that does not exist yet.
    #[error("layer {layer} reads tensor {tensor}, which nothing before it writes")]
    UnknownInput {
        /// The layer.
        layer: String,
        /// The tensor that it names.
        tensor: usize,
    },
    /// A layer has the wrong number of inputs.
    #[error("layer {layer} has {found} inputs, its operator takes {expected}")]
    Inputs {
        /// The layer.
        layer: String,
        /// How many inputs the operator takes.
        expected: usize,
        /// How many the layer names.
        found: usize,
    },
    /// A kernel or a stride is zero.
    #[error("layer {layer} has kernel {kernel} and stride {stride}; both must be at least 1")]
    Kernel {
        /// The layer.
        layer: String,
        /// Side of the kernel.
        kernel: usize,
        /// Stride.
        stride: usize,
    },
    /// The shape that a layer declares is not what its operator makes.
    #[error("layer {layer} declares the output {found:?}, its operator makes {expected:?}")]
    OutputShape {
        /// The layer.
        layer: String,
        /// `[height, width, channels]` as computed.
        expected: [usize; 3],
        /// `[height, width, channels]` as declared.
        found: [usize; 3],
    },
    /// The list of parameters does not fit the list of layers, or tensors.
    #[error("there are {found} {what} for {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A layer has the wrong number of weights, biases or scales.
    #[error("layer {layer} has {found} {what}, it needs {expected}")]
    Parameters {
        /// The layer.
        layer: String,
        /// Weights, biases or scales.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number is infinite or not a number.
    #[error("layer {layer} has {what} that are not finite; hint: the training has diverged")]
    NotFinite {
        /// The layer.
        layer: String,
        /// Weights or biases.
        what: &'static str,
    },
    /// Quantisation parameters that the integer arithmetic cannot represent.
    #[error("quantisation of {tensor}: {reason}")]
    Quantisation {
        /// The input, or the layer.
        tensor: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Checks `found` against `limit`.
pub(crate) fn within(what: impl Into<String>, found: u64, limit: u64) -> Result<(), ModelError> {
    if found > limit {
        return Err(ModelError::TooLarge {
            what: what.into(),
            found,
            limit,
        });
    }
    Ok(())
}

/// A name of tensor `index` for messages: the input, or the layer that writes it.
pub(crate) fn tensor_name(graph: &Graph, index: usize) -> String {
    match index {
        0 => "the input".to_owned(),
        i => graph.layers[i - 1].name.clone(),
    }
}

/// Checks the sizes of one tensor and returns the number of its elements.
pub(crate) fn check_shape(tensor: &str, shape: Shape) -> Result<u64, ModelError> {
    for side in [shape.height, shape.width, shape.channels] {
        if side == 0 {
            return Err(ModelError::Empty {
                tensor: tensor.to_owned(),
                shape,
            });
        }
        within(
            format!("a side of {tensor}"),
            side as u64,
            MAX_DIMENSION as u64,
        )?;
    }
    let elements = shape.height as u64 * shape.width as u64 * shape.channels as u64;
    within(
        format!("the number of elements of {tensor}"),
        elements,
        MAX_ELEMENTS,
    )?;
    Ok(elements)
}

/// The shape that a layer's operator makes of its (checked) inputs.
fn expected_output(graph: &Graph, layer: &Layer) -> Result<Shape, ModelError> {
    let input = graph.shape(layer.inputs[0]);
    let windowed = |kernel: usize, stride: usize, channels: usize| {
        if kernel == 0 || stride == 0 {
            return Err(ModelError::Kernel {
                layer: layer.name.clone(),
                kernel,
                stride,
            });
        }
        let side = kernel.max(stride) as u64;
        within(
            format!("the kernel or stride of {}", layer.name),
            side,
            MAX_KERNEL as u64,
        )?;
        Ok(Shape {
            height: input.height.div_ceil(stride),
            width: input.width.div_ceil(stride),
            channels,
        })
    };
    match layer.operator {
        Operator::Convolution { kernel, stride, .. } => {
            windowed(kernel, stride, layer.output.channels)
        }
        Operator::Depthwise { kernel, stride, .. } => windowed(kernel, stride, input.channels),
        Operator::Add => Ok(graph.shape(layer.inputs[1])),
        Operator::GlobalAveragePool => {
            within(
                format!("the number of pixels of {}", layer.name),
                input.height as u64 * input.width as u64,
                MAX_AVERAGED,
            )?;
            Ok(Shape {
                height: 1,
                width: 1,
                ..input
            })
        }
        Operator::Dense => Ok(Shape {
            height: 1,
            width: 1,
            channels: layer.output.channels,
        }),
        Operator::Softmax => Ok(input),
    }
}

/// How many products one output of a layer sums up; 0 without weights.
pub(crate) fn products(graph: &Graph, layer: &Layer) -> u64 {
    let input = graph.shape(layer.inputs[0]);
    match layer.operator {
        Operator::Convolution { kernel, .. } => (kernel * kernel) as u64 * input.channels as u64,
        Operator::Depthwise { kernel, .. } => (kernel * kernel) as u64,
        Operator::Dense => input.elements() as u64,
        Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => 0,
    }
}

/// Checks one layer whose predecessors are checked already; returns the number of its weights.
fn check_layer(graph: &Graph, index: usize) -> Result<u64, ModelError> {
    let layer = &graph.layers[index];
    let arity = if layer.operator == Operator::Add {
        2
    } else {
        1
    };
    if layer.inputs.len() != arity {
        return Err(ModelError::Inputs {
            layer: layer.name.clone(),
            expected: arity,
            found: layer.inputs.len(),
        });
    }
    if let Some(tensor) = layer.inputs.iter().find(|tensor| tensor.0 > index) {
        return Err(ModelError::UnknownInput {
            layer: layer.name.clone(),
            tensor: tensor.0,
        });
    }
    let sides = |shape: Shape| [shape.height, shape.width, shape.channels];
    let expected = expected_output(graph, layer)?;
    let same_inputs = layer
        .inputs
        .iter()
        .all(|&input| graph.shape(input) == graph.shape(layer.inputs[0]));
    if expected != layer.output || !same_inputs {
        return Err(ModelError::OutputShape {
            layer: layer.name.clone(),
            expected: sides(expected),
            found: sides(layer.output),
        });
    }
    let products = products(graph, layer);
    within(
        format!("the number of products in one output of {}", layer.name),
        products,
        MAX_PRODUCTS,
    )?;
    if layer.operator == Operator::Softmax {
        let channels = layer.output.channels as u64;
        within(
            format!("the number of channels of {}", layer.name),
            channels,
            MAX_CLASSES as u64,
        )?;
    }
    Ok(products * layer.output.channels as u64)
}

/// Checks the number of all weights of a model.
pub(crate) fn check_weights(weights: u64) -> Result<(), ModelError> {
    within("the number of weights", weights, MAX_WEIGHTS)
}

/// Checks that a graph is well formed and of a size that can be computed with: layers read only what is
/// written before them, declared shapes are those that the operators make, and nothing is too large.
pub(crate) fn check_graph(graph: &Graph) -> Result<(), ModelError> {
    if graph.layers.is_empty() {
        return Err(ModelError::NoLayers);
    }
    within(
        "the number of layers",
        graph.layers.len() as u64,
        MAX_LAYERS as u64,
    )?;
    let mut activations = check_shape("the input", graph.input)?;
    let mut weights = 0;
    for (index, layer) in graph.layers.iter().enumerate() {
        activations += check_shape(&layer.name, layer.output)?;
        weights += check_layer(graph, index)?;
        within(
            "the number of elements of all activations",
            activations,
            MAX_ACTIVATIONS,
        )?;
        check_weights(weights)?;
    }
    Ok(())
}

/// Checks that a layer has as many weights, biases or scales as it needs.
pub(crate) fn check_count(
    layer: &Layer,
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), ModelError> {
    if expected != found {
        return Err(ModelError::Parameters {
            layer: layer.name.clone(),
            what,
            expected,
            found,
        });
    }
    Ok(())
}

/// Checks that a list has an entry for each layer or tensor.
pub(crate) fn check_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), ModelError> {
    if expected != found {
        return Err(ModelError::Count {
            what,
            expected,
            found,
        });
    }
    Ok(())
}

/// The number of biases of a layer: one per output channel where it has weights.
pub(crate) fn bias_count(layer: &Layer) -> usize {
    match layer.operator {
        Operator::Convolution { .. } | Operator::Depthwise { .. } | Operator::Dense => {
            layer.output.channels
        }
        Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => 0,
    }
}
