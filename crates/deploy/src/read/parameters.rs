//! The weights and the bias of an operator.

use super::flat::Table;
use super::{File, ReadError};
use crate::int8::Int8Weights;
use crate::schema;

/// How far the scale of a bias may be from input scale x weight scale.
const BIAS_SCALE_TOLERANCE: f32 = 1e-3;

/// Where the weights and the bias of an operator are.
pub(super) struct Parameters<'a, 'f> {
    pub(super) file: &'a File<'f>,
    /// For messages.
    pub(super) place: &'a str,
    /// The indices of the tensors of the weights, and of the bias if there is one.
    pub(super) tensors: &'a [i32],
    pub(super) input_scale: f32,
}

impl<'f> Parameters<'_, 'f> {
    fn unsupported<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::unsupported(self.place, what))
    }

    fn sides(&self) -> Result<Vec<usize>, ReadError> {
        let dimensions = self.file.dimensions(self.place, self.tensors[0])?;
        let sides: Option<Vec<usize>> = dimensions
            .iter()
            .map(|&dimension| usize::try_from(dimension).ok().filter(|&side| side > 0))
            .collect();
        match sides {
            Some(sides) => Ok(sides),
            None => self.unsupported(format!("weights of {dimensions:?}")),
        }
    }

    /// The dimensions of the weights, each at least 1.
    pub(super) fn dimensions<const N: usize>(&self) -> Result<[usize; N], ReadError> {
        let sides = self.sides()?;
        match sides.as_slice().try_into() {
            Ok(sides) => Ok(sides),
            Err(_) => self.unsupported(format!("weights of {sides:?}")),
        }
    }

    /// Whether the file states one scale for all weights.
    pub(super) fn have_one_scale(&self) -> Result<bool, ReadError> {
        let tensor = self.file.tensor(self.place, self.tensors[0])?;
        Ok(self.file.quantisation(self.place, &tensor)?.scales.len() == 1)
    }

    /// Data of a tensor, of exactly the expected size.
    fn data(&self, tensor: &Table<'f>, expected: Option<usize>) -> Result<&'f [u8], ReadError> {
        let data = self.file.data(self.place, tensor)?;
        if expected != Some(data.len()) {
            return Err(ReadError::DataSize {
                place: self.place.to_owned(),
                expected: expected.unwrap_or(usize::MAX),
                found: data.len(),
            });
        }
        Ok(data)
    }

    /// Reads the weights, whose output channels are along `dimension`, and the bias.
    pub(super) fn read(&self, dimension: usize) -> Result<Int8Weights, ReadError> {
        let tensor = self.file.tensor(self.place, self.tensors[0])?;
        self.file
            .check_type(self.place, &tensor, schema::tensor_type::INT8)?;
        let sides = self.sides()?;
        let size = sides
            .iter()
            .try_fold(1usize, |size, &side| size.checked_mul(side));
        let values = self.data(&tensor, size)?;
        let quantisation = self.file.quantisation(self.place, &tensor)?;
        let channels = sides[dimension];
        let along_channels = usize::try_from(quantisation.dimension) == Ok(dimension);
        let scales = match quantisation.scales[..] {
            [scale] => vec![scale; channels],
            ref scales if scales.len() == channels && along_channels => quantisation.scales,
            _ => return self.unsupported("this quantisation of weights"),
        };
        if quantisation.zero_points.iter().any(|&zero| zero != 0) {
            return self.unsupported("weights with a zero point");
        }
        let bias = self.bias(&scales)?;
        Ok(Int8Weights {
            values: values.iter().map(|&byte| byte as i8).collect(),
            scales,
            bias,
        })
    }

    /// Reads the bias for weights of the given scales; zeros where there is none.
    fn bias(&self, scales: &[f32]) -> Result<Vec<i32>, ReadError> {
        let Some(&index) = self.tensors.get(1).filter(|&&index| index != -1) else {
            return Ok(vec![0; scales.len()]);
        };
        let tensor = self.file.tensor(self.place, index)?;
        self.file
            .check_type(self.place, &tensor, schema::tensor_type::INT32)?;
        let data = self.data(&tensor, scales.len().checked_mul(size_of::<i32>()))?;
        let quantisation = self.file.quantisation(self.place, &tensor)?;
        let near = |(found, scale): (&f32, &f32)| {
            let expected = self.input_scale * scale;
            (found - expected).abs() <= BIAS_SCALE_TOLERANCE * expected
        };
        let agree = match quantisation.scales[..] {
            [] => true,
            [found] => scales.iter().all(|scale| near((&found, scale))),
            ref found => found.len() == scales.len() && found.iter().zip(scales).all(near),
        };
        if !agree || quantisation.zero_points.iter().any(|&zero| zero != 0) {
            return Err(ReadError::BiasScale {
                place: self.place.to_owned(),
            });
        }
        Ok(data
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| i32::from_le_bytes(bytes))
            .collect())
    }
}
