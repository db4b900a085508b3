//! Operators of a file to operators of a network.

use danas_device::{OperatorKind, Window};
use danas_space::Shape;

use super::flat::Table;
use super::parameters::Parameters;
use super::{File, ReadError};
use crate::int8::Int8Weights;
use crate::kernels::Padding;
use crate::network::{Computation, Fused, Sliding};
use crate::schema::{self, Builtin};

/// The longest side of a window, the largest stride and the largest dilation.
const MAX_WINDOW: i32 = 65_535;

/// The operator of the schema at `index`, and a name of its place for messages.
pub(super) fn builtin(
    file: &File<'_>,
    index: usize,
    operator: &Table<'_>,
) -> Result<(Builtin, String), ReadError> {
    let opcode: u32 = operator.scalar(schema::operator::OPCODE_INDEX, 0)?;
    if opcode as usize >= file.codes.len() {
        return Err(ReadError::Index {
            place: format!("operator {index}"),
            what: "operator code",
            index: i64::from(opcode),
        });
    }
    let table = file.codes.table(opcode as usize)?;
    // Files from before schema version 3a have only the first field.
    let deprecated: i8 = table.scalar(schema::operator_code::DEPRECATED_BUILTIN_CODE, 0)?;
    let code: i32 = table.scalar(schema::operator_code::BUILTIN_CODE, 0)?;
    let code = code.max(i32::from(deprecated));
    let builtin = Builtin::READ
        .into_iter()
        .find(|builtin| builtin.code == code)
        .ok_or(ReadError::Operator { index, code })?;
    Ok((builtin, format!("operator {index} ({})", builtin.name())))
}

/// What an operator's inputs are.
pub(super) struct Inputs<'i> {
    /// Activations.
    pub(super) activations: &'i [i32],
    /// Numbers of a shape, constant or computed.
    pub(super) dimensions: &'i [i32],
    /// Weights and a bias, or other constants.
    pub(super) constants: &'i [i32],
}

/// Divides the inputs of an operator.
pub(super) fn inputs<'i>(
    kind: OperatorKind,
    place: &str,
    inputs: &'i [i32],
) -> Result<Inputs<'i>, ReadError> {
    use OperatorKind::*;
    let (allowed, activations) = match kind {
        Add => (2..=2, 2),
        AveragePool | MaxPool | Softmax | Shape => (1..=1, 1),
        Convolution | Depthwise | FullyConnected => (2..=3, 1),
        Mean | Pad => (2..=2, 1),
        Reshape => (1..=2, 1),
        Pack => (1..=4, 0),
        StridedSlice => (4..=4, 0),
    };
    if !allowed.contains(&inputs.len()) {
        return Err(ReadError::unsupported(
            place,
            format!("{} inputs", inputs.len()),
        ));
    }
    let (activations, others) = inputs.split_at(activations);
    let (dimensions, constants) = match kind {
        Reshape | Pack | StridedSlice => (others, &[][..]),
        _ => (&[][..], others),
    };
    Ok(Inputs {
        activations,
        dimensions,
        constants,
    })
}

/// An operator of the file with everything that it refers to.
pub(super) struct Source<'a, 'f> {
    pub(super) file: &'a File<'f>,
    pub(super) builtin: Builtin,
    /// For messages.
    pub(super) place: &'a str,
    /// The index of the tensor of the first input.
    pub(super) input: i32,
    /// The indices of the tensors of the constants.
    pub(super) constants: &'a [i32],
    /// The shapes of the first input and of the output.
    pub(super) shapes: [Shape; 2],
    pub(super) input_scale: f32,
}

impl<'f> Source<'_, 'f> {
    fn unsupported<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::unsupported(self.place, what))
    }

    /// What the operator computes, and its weights.
    pub(super) fn read(
        &self,
        operator: &Table<'f>,
    ) -> Result<(Computation, Int8Weights), ReadError> {
        let without_weights = |computation| Ok((computation, Int8Weights::default()));
        match self.builtin.kind {
            OperatorKind::Convolution => self.convolution(&self.options(operator)?),
            OperatorKind::Depthwise => self.depthwise(&self.options(operator)?),
            OperatorKind::FullyConnected => self.fully_connected(&self.options(operator)?),
            OperatorKind::Add => {
                let slot = schema::add_options::FUSED_ACTIVATION;
                without_weights(Computation::Add(
                    self.fused(&self.options(operator)?, slot)?,
                ))
            }
            OperatorKind::AveragePool => {
                let (sliding, fused) = self.pool(&self.options(operator)?)?;
                without_weights(Computation::AveragePool(sliding, fused))
            }
            OperatorKind::MaxPool => {
                let (sliding, fused) = self.pool(&self.options(operator)?)?;
                without_weights(Computation::MaxPool(sliding, fused))
            }
            OperatorKind::Softmax => {
                let slot = schema::softmax_options::BETA;
                let beta: f32 = self.options(operator)?.scalar(slot, 0.0)?;
                if beta != 1.0 {
                    return self.unsupported(format!("beta {beta}"));
                }
                without_weights(Computation::Softmax)
            }
            OperatorKind::Mean => {
                self.check_axes()?;
                without_weights(Computation::Mean)
            }
            OperatorKind::Pad => without_weights(self.pad()?),
            OperatorKind::Reshape => without_weights(Computation::Reshape),
            kind @ (OperatorKind::Pack | OperatorKind::Shape | OperatorKind::StridedSlice) => {
                without_weights(Computation::Dimensions(kind))
            }
        }
    }

    fn options(&self, operator: &Table<'f>) -> Result<Table<'f>, ReadError> {
        let kind: u8 = operator.scalar(schema::operator::BUILTIN_OPTIONS_TYPE, 0)?;
        let options = operator.table(schema::operator::BUILTIN_OPTIONS)?;
        match options.filter(|_| kind == self.builtin.options) {
            Some(options) => Ok(options),
            None => self.unsupported("an operator without its options"),
        }
    }

    /// The fused activation.
    fn fused(&self, options: &Table<'f>, slot: u16) -> Result<Fused, ReadError> {
        match options.scalar::<i8>(slot, 0)? {
            schema::activation::NONE => Ok(Fused::None),
            schema::activation::RELU => Ok(Fused::Relu),
            schema::activation::RELU_N1_TO_1 => Ok(Fused::ReluN1To1),
            schema::activation::RELU6 => Ok(Fused::Relu6),
            other => self.unsupported(format!("fused activation {other}")),
        }
    }

    /// A padding of the schema.
    fn padding(&self, options: &Table<'f>, slot: u16) -> Result<Padding, ReadError> {
        match options.scalar::<i8>(slot, schema::padding::SAME)? {
            schema::padding::SAME => Ok(Padding::Same),
            schema::padding::VALID => Ok(Padding::Valid),
            other => self.unsupported(format!("padding {other}")),
        }
    }

    /// Two numbers of a window from the slots of y and x, each at least 1.
    fn pair(
        &self,
        options: &Table<'f>,
        slots: [u16; 2],
        default: i32,
        what: &str,
    ) -> Result<[usize; 2], ReadError> {
        let values: [i32; 2] = [
            options.scalar(slots[0], default)?,
            options.scalar(slots[1], default)?,
        ];
        if values.iter().any(|value| !(1..=MAX_WINDOW).contains(value)) {
            return self.unsupported(format!("{what} {} x {}", values[0], values[1]));
        }
        Ok(values.map(|value| value as usize))
    }

    /// How a convolution's kernel moves; `stride`, `dilation` and `padding` are the slots of its options.
    fn sliding(
        &self,
        options: &Table<'f>,
        kernel: [usize; 2],
        stride: [u16; 2],
        dilation: [u16; 2],
        padding: u16,
    ) -> Result<Sliding, ReadError> {
        Ok(Sliding {
            window: Window {
                kernel,
                stride: self.pair(options, stride, 0, "stride")?,
                dilation: self.pair(options, dilation, 1, "dilation")?,
            },
            padding: self.padding(options, padding)?,
        })
    }

    fn convolution(&self, options: &Table<'f>) -> Result<(Computation, Int8Weights), ReadError> {
        use schema::conv_options::*;
        let parameters = self.parameters();
        let [_, height, width, channels] = parameters.dimensions::<4>()?;
        if channels != self.shapes[0].channels {
            return self.unsupported(format!(
                "{channels} channels of weights for {} of the input",
                self.shapes[0].channels
            ));
        }
        let (stride, dilation) = ([STRIDE_H, STRIDE_W], [DILATION_H, DILATION_W]);
        let sliding = self.sliding(options, [height, width], stride, dilation, PADDING)?;
        let fused = self.fused(options, FUSED_ACTIVATION)?;
        Ok((
            Computation::Convolution(sliding, fused),
            parameters.read(0)?,
        ))
    }

    fn depthwise(&self, options: &Table<'f>) -> Result<(Computation, Int8Weights), ReadError> {
        use schema::depthwise_options::*;
        let parameters = self.parameters();
        let [one, height, width, channels] = parameters.dimensions::<4>()?;
        // TFLM computes something else than LiteRT where the multiplier is 0 or not what the shapes say.
        let multiplier: i32 = options.scalar(DEPTH_MULTIPLIER, 0)?;
        let stated = usize::try_from(multiplier)
            .ok()
            .and_then(|multiplier| multiplier.checked_mul(self.shapes[0].channels));
        if one != 1 || stated != Some(channels) {
            return self.unsupported(format!(
                "{channels} channels of weights for {} of the input times {multiplier}",
                self.shapes[0].channels
            ));
        }
        let (stride, dilation) = ([STRIDE_H, STRIDE_W], [DILATION_H, DILATION_W]);
        let sliding = self.sliding(options, [height, width], stride, dilation, PADDING)?;
        let fused = self.fused(options, FUSED_ACTIVATION)?;
        Ok((Computation::Depthwise(sliding, fused), parameters.read(3)?))
    }

    fn fully_connected(
        &self,
        options: &Table<'f>,
    ) -> Result<(Computation, Int8Weights), ReadError> {
        use schema::fully_connected_options::*;
        let format: i8 = options.scalar(WEIGHTS_FORMAT, 0)?;
        if format != 0 {
            return self.unsupported(format!("format {format} of weights"));
        }
        let parameters = self.parameters();
        let [_, inputs] = parameters.dimensions::<2>()?;
        if inputs != self.shapes[0].elements() {
            return self.unsupported(format!(
                "weights for {inputs} inputs where there are {}",
                self.shapes[0].elements()
            ));
        }
        let computation = Computation::FullyConnected {
            fused: self.fused(options, FUSED_ACTIVATION)?,
            one_scale: parameters.have_one_scale()?,
        };
        Ok((computation, parameters.read(0)?))
    }

    fn parameters(&self) -> Parameters<'_, 'f> {
        Parameters {
            file: self.file,
            place: self.place,
            tensors: self.constants,
            input_scale: self.input_scale,
        }
    }

    fn pool(&self, options: &Table<'f>) -> Result<(Sliding, Fused), ReadError> {
        use schema::pool_options::*;
        let sliding = Sliding {
            window: Window {
                kernel: self.pair(options, [FILTER_HEIGHT, FILTER_WIDTH], 0, "window")?,
                stride: self.pair(options, [STRIDE_H, STRIDE_W], 0, "stride")?,
                dilation: [1; 2],
            },
            padding: self.padding(options, PADDING)?,
        };
        Ok((sliding, self.fused(options, FUSED_ACTIVATION)?))
    }

    /// The numbers of the constant after the first input.
    fn numbers(&self) -> Result<Vec<i32>, ReadError> {
        self.file.numbers(self.place, self.constants[0])
    }

    /// Demands that a mean is over all dimensions between the first and the last.
    fn check_axes(&self) -> Result<(), ReadError> {
        let rank = self.file.dimensions(self.place, self.input)?.len() as i32;
        let axes = self.numbers()?;
        let mut resolved: Vec<i32> = axes
            .iter()
            .map(|&axis| axis + if axis < 0 { rank } else { 0 })
            .collect();
        resolved.sort_unstable();
        if !resolved.iter().copied().eq(1..rank - 1) {
            return self.unsupported(format!("a mean over the axes {axes:?}"));
        }
        Ok(())
    }

    /// Padding of rows and columns.
    fn pad(&self) -> Result<Computation, ReadError> {
        let rank = self.file.dimensions(self.place, self.input)?.len();
        let paddings = self.numbers()?;
        let [input, output] = self.shapes;
        let sides = paddings.as_chunks::<2>().0.iter();
        let sides: Option<Vec<[usize; 2]>> = sides
            .map(|&[before, after]| {
                Some([usize::try_from(before).ok()?, usize::try_from(after).ok()?])
            })
            .collect();
        let room =
            |before: usize, size: usize, after: usize| before.checked_add(size)?.checked_add(after);
        if let Some(&[[0, 0], [top, bottom], [left, right], [0, 0]]) = sides.as_deref()
            && rank == 4
            && paddings.len() == 8
            && room(top, input.height, bottom) == Some(output.height)
            && room(left, input.width, right) == Some(output.width)
        {
            return Ok(Computation::Pad { top, left });
        }
        self.unsupported(format!("padding by {paddings:?}"))
    }
}
