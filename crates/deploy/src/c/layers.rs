//! The layers in C: the constants of each, and the call that runs it.

use danas_space::{Activation, Layer, Operator, Shape};

use crate::c::arrays::{Array, folded_biases, interleaved};
use crate::c::storage::{CHANNELS_IN_PLACE, Storage};
use crate::fixed_point::Multiplier;
use crate::int8::{Int8Model, Quantisation, add_multipliers, output_multipliers};
use crate::kernels::Window;
use crate::softmax::Softmax;
use serde::Serialize;

/// A layer in C.
#[derive(Debug, Serialize)]
pub(super) struct CLayer {
    /// What it is, for people.
    comment: String,
    /// Its constants; none for an average pool.
    definition: Option<String>,
    /// The statement that runs it.
    call: String,
    /// The operator that it calls.
    #[serde(skip)]
    pub(super) operator: COperator,
    /// What its constants point to.
    #[serde(skip)]
    pub(super) arrays: Vec<Array>,
}

/// The operators that there are in C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum COperator {
    Add,
    AveragePool,
    Convolution,
    Depthwise,
    DepthwiseInPlace,
    Pointwise,
    Softmax,
}

/// The patch of the largest convolution that gathers one, in bytes.
pub(super) fn patch_bytes(model: &Int8Model) -> usize {
    let graph = model.graph();
    let patch = |layer: &Layer| match layer.operator {
        Operator::Convolution { kernel, stride, .. } if (kernel, stride) != (1, 1) => {
            kernel * kernel * graph.shape(layer.inputs[0]).channels
        }
        _ => 0,
    };
    graph.layers.iter().map(patch).max().unwrap_or(0)
}

/// All layers of a model.
pub(super) fn layers(model: &Int8Model, storage: &Storage) -> Vec<CLayer> {
    (0..model.graph().layers.len())
        .map(|index| {
            let source = Source {
                model,
                storage,
                index,
                layer: &model.graph().layers[index],
            };
            source.write()
        })
        .collect()
}

/// A layer with all that belongs to it.
struct Source<'a> {
    model: &'a Int8Model,
    storage: &'a Storage,
    index: usize,
    layer: &'a Layer,
}

impl Source<'_> {
    fn write(&self) -> CLayer {
        match self.layer.operator {
            Operator::Convolution {
                kernel: 1,
                stride: 1,
                activation,
            } => {
                let input = self.input_shape();
                self.pointwise(input.height * input.width, input.channels, activation)
            }
            Operator::Dense => self.pointwise(1, self.input_shape().elements(), Activation::Linear),
            Operator::Convolution {
                kernel,
                stride,
                activation,
            } => self.convolution(kernel, stride, activation),
            Operator::Depthwise {
                kernel,
                stride,
                activation,
            } => self.depthwise(kernel, stride, activation),
            Operator::Add => self.add(),
            Operator::GlobalAveragePool => self.average_pool(),
            Operator::Softmax => self.softmax(),
        }
    }

    fn input_shape(&self) -> Shape {
        self.model.graph().shape(self.layer.inputs[0])
    }

    fn input(&self, which: usize) -> Quantisation {
        self.model.quantisations()[self.layer.inputs[which].0]
    }

    fn output(&self) -> Quantisation {
        self.model.quantisations()[self.index + 1]
    }

    /// The name of the layer's constants.
    fn name(&self) -> String {
        format!("layer_{}", self.index)
    }

    /// The address of an input.
    fn source(&self, which: usize) -> String {
        at(self.storage.tensors[self.layer.inputs[which].0])
    }

    /// The address of the output.
    fn target(&self) -> String {
        at(self.storage.tensors[self.index + 1])
    }

    /// Puts a layer together; `fields` are those of its constants.
    fn finish(
        &self,
        operator: COperator,
        fields: &[String],
        arguments: &[String],
        arrays: Vec<Array>,
    ) -> CLayer {
        let name = self.name();
        let definition = format!(
            "static const struct {} {name} = {{\n    {},\n}};",
            operator.structure(),
            fields.join(",\n    ")
        );
        CLayer {
            comment: self.comment(),
            definition: Some(definition),
            call: format!(
                "{}(&{name}, {});",
                operator.function(),
                arguments.join(", ")
            ),
            operator,
            arrays,
        }
    }

    /// Shapes and size, without the layer's name: names come from files, and could end a comment.
    fn comment(&self) -> String {
        let (input, output) = (self.input_shape(), self.layer.output);
        let what = match self.layer.operator {
            Operator::Convolution { kernel, stride, .. } => {
                format!("convolution {kernel}x{kernel} stride {stride}")
            }
            Operator::Depthwise { kernel, stride, .. } => {
                format!("depthwise {kernel}x{kernel} stride {stride}")
            }
            Operator::Add => "sum".to_owned(),
            Operator::GlobalAveragePool => "average".to_owned(),
            Operator::Dense => "fully connected".to_owned(),
            Operator::Softmax => "softmax".to_owned(),
        };
        format!("{what}, {input} to {output}")
    }

    /// The matrix `[outputs, inputs]` of a convolution, whose input has a zero point.
    fn matrix(&self, inputs: usize, activation: Activation) -> (String, Vec<Array>) {
        let parameters = &self.model.weights()[self.index];
        let biases = folded_biases(
            &parameters.bias,
            &parameters.values,
            inputs,
            self.input(0).zero_point,
        );
        let weights = interleaved(&parameters.values, inputs);
        let (requantisation, arrays) = self.requantisation(&biases, &weights, activation);
        let field = format!(
            ".matrix = {{.inputs = {inputs}, .outputs = {}, .weights = {}_weights,\n               {requantisation}}}",
            self.layer.output.channels,
            self.name(),
        );
        (field, arrays)
    }

    /// The requantisation of the layer, and the arrays of its weights and of that.
    fn requantisation(
        &self,
        biases: &[i32],
        weights: &[i8],
        activation: Activation,
    ) -> (String, Vec<Array>) {
        let name = self.name();
        let output = self.output();
        let scales = &self.model.weights()[self.index].scales;
        let multipliers = output_multipliers(self.input(0).scale, scales, output.scale)
            .expect("Int8Model::new checks that multipliers exist");
        let (min, max) = output.range(activation);
        let field = format!(
            ".requantisation = {{{name}_biases, {name}_significands, {name}_shifts, {}, {min}, {max}}}",
            output.zero_point,
        );
        let mut arrays = vec![Array::int8(
            format!("{name}_weights"),
            weights.iter().copied(),
        )];
        arrays.extend(Array::requantisation(&name, biases, &multipliers));
        (field, arrays)
    }

    fn pointwise(&self, pixels: usize, inputs: usize, activation: Activation) -> CLayer {
        let (matrix, arrays) = self.matrix(inputs, activation);
        self.finish(
            COperator::Pointwise,
            &[format!(".pixels = {pixels}"), matrix],
            &[self.source(0), self.target()],
            arrays,
        )
    }

    fn window(&self, kernel: usize, stride: usize) -> String {
        let (input, output) = (self.input_shape(), self.layer.output);
        let window = Window::new(input, output, kernel, stride);
        format!(
            ".window = {{.height = {}, .width = {}, .channels = {}, .output_height = {}, .output_width = {},\n\
             {:15}.kernel = {kernel}, .stride = {stride}, .top = {}, .left = {}}}",
            input.height,
            input.width,
            input.channels,
            output.height,
            output.width,
            "",
            window.pad_top,
            window.pad_left
        )
    }

    fn convolution(&self, kernel: usize, stride: usize, activation: Activation) -> CLayer {
        let inputs = kernel * kernel * self.input_shape().channels;
        let (matrix, arrays) = self.matrix(inputs, activation);
        let padding = format!(".padding = {}", self.input(0).zero_point);
        self.finish(
            COperator::Convolution,
            &[self.window(kernel, stride), padding, matrix],
            &[self.source(0), self.target(), at(self.storage.patch)],
            arrays,
        )
    }

    fn depthwise(&self, kernel: usize, stride: usize, activation: Activation) -> CLayer {
        let parameters = &self.model.weights()[self.index];
        let (requantisation, arrays) =
            self.requantisation(&parameters.bias, &parameters.values, activation);
        let fields = [
            self.window(kernel, stride),
            format!(".zero_point = {}", self.input(0).zero_point),
            format!(".weights = {}_weights", self.name()),
            requantisation,
        ];
        match self.storage.in_place[self.index] {
            None => self.finish(
                COperator::Depthwise,
                &fields,
                &[self.source(0), self.target()],
                arrays,
            ),
            Some(place) => {
                let waiting = format!(
                    "(struct waiting){{.delay = {}, .channels = {CHANNELS_IN_PLACE}}}",
                    place.delay
                );
                self.finish(
                    COperator::DepthwiseInPlace,
                    &fields,
                    &[self.target(), waiting, at(place.rows)],
                    arrays,
                )
            }
        }
    }

    fn add(&self) -> CLayer {
        let (inputs, output) = ([self.input(0), self.input(1)], self.output());
        let multipliers = add_multipliers(inputs.map(|input| input.scale), output.scale)
            .expect("Int8Model::new checks that multipliers exist");
        let [first, second] = multipliers.inputs;
        let addend = |name: &str, multiplier: Multiplier, quantisation: Quantisation| {
            format!(
                ".{name} = {{.significand = {}, .shift = {}, .zero_point = {}}}",
                multiplier.significand(),
                multiplier.shift(),
                quantisation.zero_point
            )
        };
        self.finish(
            COperator::Add,
            &[
                format!(".elements = {}", self.layer.output.elements()),
                addend("first", first, inputs[0]),
                addend("second", second, inputs[1]),
                addend("sum", multipliers.output, output),
            ],
            &[self.source(0), self.source(1), self.target()],
            Vec::new(),
        )
    }

    fn average_pool(&self) -> CLayer {
        let input = self.input_shape();
        CLayer {
            comment: self.comment(),
            definition: None,
            call: format!(
                "average_pool({}, {}, {}, {});",
                input.height * input.width,
                input.channels,
                self.source(0),
                self.target()
            ),
            operator: COperator::AveragePool,
            arrays: Vec::new(),
        }
    }

    fn softmax(&self) -> CLayer {
        let output = self.layer.output;
        let softmax = Softmax::new(self.input(0).scale)
            .expect("Int8Model::new checks that the scale can be represented");
        self.finish(
            COperator::Softmax,
            &[
                format!(".pixels = {}", output.height * output.width),
                format!(".channels = {}", output.channels),
                format!(".significand = {}", softmax.multiplier.significand()),
                format!(".shift = {}", softmax.multiplier.shift()),
                // No difference of two bytes is less.
                format!(".least = {}", softmax.least.max(-256)),
            ],
            &[self.source(0), self.target()],
            Vec::new(),
        )
    }
}

impl COperator {
    /// The C function that computes it.
    fn function(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::AveragePool => "average_pool",
            Self::Convolution => "convolution",
            Self::Depthwise => "depthwise",
            Self::DepthwiseInPlace => "depthwise_in_place",
            Self::Pointwise => "pointwise",
            Self::Softmax => "softmax",
        }
    }

    /// The C structure of its constants.
    fn structure(self) -> &'static str {
        match self {
            Self::DepthwiseInPlace => Self::Depthwise.function(),
            other => other.function(),
        }
    }
}

/// The address of an offset in the buffer.
fn at(offset: u64) -> String {
    format!("AT({offset})")
}
