//! The parts of a file that operators refer to.

use danas_space::Shape;

use super::ReadError;
use super::flat::{Table, Vector};
use crate::check::check_shape;
use crate::int8::Quantisation;
use crate::schema;

/// The most dimensions of a tensor, axes of a mean and paddings.
const MAX_DIMENSIONS: usize = 8;
/// The most scales of a tensor.
const MAX_SCALES: usize = 65_535;
/// How much of a name is kept, in bytes.
const MAX_NAME: usize = 120;

/// The parts of a file that operators refer to.
pub(super) struct File<'a> {
    pub(super) tensors: Vector<'a>,
    pub(super) buffers: Vector<'a>,
    pub(super) codes: Vector<'a>,
}

/// The quantisation of a tensor of a file.
pub(super) struct FileQuantisation {
    pub(super) scales: Vec<f32>,
    pub(super) zero_points: Vec<i64>,
    pub(super) dimension: i32,
}

/// The name of a TensorType of the schema.
fn type_name(kind: i8) -> String {
    let name = match kind {
        0 => "FLOAT32",
        1 => "FLOAT16",
        2 => "INT32",
        3 => "UINT8",
        4 => "INT64",
        7 => "INT16",
        9 => "INT8",
        17 => "INT4",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

impl<'a> File<'a> {
    pub(super) fn tensor(&self, place: &str, index: i32) -> Result<Table<'a>, ReadError> {
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
    pub(super) fn data(&self, place: &str, tensor: &Table<'a>) -> Result<&'a [u8], ReadError> {
        self.buffer(place, tensor.scalar(schema::tensor::BUFFER, 0)?)
    }

    /// The data of a buffer; empty where it has none.
    pub(super) fn buffer(&self, place: &str, index: u32) -> Result<&'a [u8], ReadError> {
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
    pub(super) fn quantisation(
        &self,
        place: &str,
        tensor: &Table<'a>,
    ) -> Result<FileQuantisation, ReadError> {
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
        Ok(FileQuantisation {
            scales: table.scalars(schema::quantization::SCALE, MAX_SCALES)?,
            zero_points: table.scalars(schema::quantization::ZERO_POINT, MAX_SCALES)?,
            dimension: table.scalar(schema::quantization::QUANTIZED_DIMENSION, 0)?,
        })
    }

    /// Checks the type of a tensor, and that it is a plain one.
    pub(super) fn check_type(
        &self,
        place: &str,
        tensor: &Table<'a>,
        expected: i8,
    ) -> Result<(), ReadError> {
        let kind: i8 = tensor.scalar(schema::tensor::TYPE, 0)?;
        if kind != expected {
            let what = format!("{} instead of {}", type_name(kind), type_name(expected));
            return Err(ReadError::unsupported(place, what));
        }
        if tensor.scalar::<u8>(schema::tensor::IS_VARIABLE, 0)? != 0
            || tensor.table(schema::tensor::SPARSITY)?.is_some()
        {
            return Err(ReadError::unsupported(place, "a variable or sparse tensor"));
        }
        Ok(())
    }

    /// The dimensions of a tensor as the file states them.
    pub(super) fn dimensions(&self, place: &str, index: i32) -> Result<Vec<i32>, ReadError> {
        self.tensor(place, index)?
            .scalars(schema::tensor::SHAPE, MAX_DIMENSIONS)
    }

    /// The numbers of a constant: axes, paddings or dimensions. Some writers store them in 64 bits, which the runtime
    /// does not read.
    pub(super) fn numbers(&self, place: &str, index: i32) -> Result<Vec<i32>, ReadError> {
        let tensor = self.tensor(place, index)?;
        self.check_type(place, &tensor, schema::tensor_type::INT32)?;
        let data = self.data(place, &tensor)?;
        let numbers = data.as_chunks::<{ size_of::<i32>() }>().0;
        if !(1..=MAX_DIMENSIONS).contains(&numbers.len()) {
            let what = format!("tensor {index} as axes, paddings or dimensions");
            return Err(ReadError::unsupported(place, what));
        }
        Ok(numbers
            .iter()
            .map(|&bytes| i32::from_le_bytes(bytes))
            .collect())
    }

    /// The bytes of a tensor of numbers of a shape that an operator writes.
    pub(super) fn computed_dimensions(&self, place: &str, index: i32) -> Result<u64, ReadError> {
        let tensor = self.tensor(place, index)?;
        self.check_type(place, &tensor, schema::tensor_type::INT32)?;
        let dimensions = self.dimensions(place, index)?;
        let count = dimensions.iter().try_fold(1u64, |count, &dimension| {
            count.checked_mul(u64::try_from(dimension).ok()?)
        });
        match count.filter(|count| (1..=MAX_DIMENSIONS as u64).contains(count)) {
            Some(count) => Ok(count * size_of::<i32>() as u64),
            None => Err(ReadError::unsupported(
                place,
                format!("a shape of the dimensions {dimensions:?}"),
            )),
        }
    }

    /// The shape and the quantisation of an activation.
    pub(super) fn activation(
        &self,
        place: &str,
        index: i32,
    ) -> Result<(Shape, Quantisation), ReadError> {
        let tensor = self.tensor(place, index)?;
        self.check_type(place, &tensor, schema::tensor_type::INT8)?;
        if !self.data(place, &tensor)?.is_empty() {
            return Err(ReadError::unsupported(place, "a constant as an activation"));
        }
        let dimensions = self.dimensions(place, index)?;
        let side = |dimension: i32| usize::try_from(dimension).unwrap_or(0);
        let shape = match dimensions[..] {
            [1, height, width, channels] => Shape {
                height: side(height),
                width: side(width),
                channels: side(channels),
            },
            [1, width, channels] => Shape {
                height: 1,
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
    pub(super) fn name(&self, place: &str, index: i32) -> Result<Option<String>, ReadError> {
        let name = self
            .tensor(place, index)?
            .vector::<u8>(schema::tensor::NAME)?;
        Ok(name
            .map(|name| &name.bytes()[..name.len().min(MAX_NAME)])
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .filter(|name| !name.is_empty()))
    }
}
