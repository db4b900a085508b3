//! The trainable numbers of a supernet: named tensors in one flat vector, so that the optimiser, the
//! gradient's norm and a checkpoint are one loop each.

use danas_data::Streams;
use rand::RngExt;

use crate::checkpoint::NamedTensor;
use crate::error::SupernetError;

/// A tensor of [`Parameters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TensorRef(usize);

/// How a tensor starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// Normal with variance `2 / fan_in` (He et al., arXiv 1502.01852).
    He { fan_in: usize },
    /// Normal with this standard deviation.
    Normal(f32),
    /// One value everywhere.
    Constant(f32),
}

#[derive(Debug, Clone)]
struct Tensor {
    name: String,
    rows: usize,
    columns: usize,
    offset: usize,
    decays: bool,
}

/// Named matrices `[rows, columns]` (a vector is one row), all in one flat vector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    tensors: Vec<Tensor>,
    values: Vec<f32>,
}

impl Parameters {
    /// Adds a tensor, filled from the stream of its name.
    pub(crate) fn add(
        &mut self,
        name: String,
        [rows, columns]: [usize; 2],
        decays: bool,
        start: Start,
        streams: &Streams,
    ) -> TensorRef {
        let offset = self.values.len();
        let count = rows * columns;
        match start {
            Start::Constant(value) => self.values.resize(offset + count, value),
            Start::He { fan_in } => {
                self.fill_normal(count, (2.0 / fan_in as f32).sqrt(), &name, streams)
            }
            Start::Normal(deviation) => self.fill_normal(count, deviation, &name, streams),
        }
        self.tensors.push(Tensor {
            name,
            rows,
            columns,
            offset,
            decays,
        });
        TensorRef(self.tensors.len() - 1)
    }

    /// Box and Muller's transform: two independent normal numbers from two uniform ones.
    fn fill_normal(&mut self, count: usize, deviation: f32, name: &str, streams: &Streams) {
        let mut rng = streams.stream(&format!("parameters/{name}"), 0);
        let end = self.values.len() + count;
        while self.values.len() < end {
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
            self.values.push((radius * cos) as f32 * deviation);
            if self.values.len() < end {
                self.values.push((radius * sin) as f32 * deviation);
            }
        }
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The number of tensors.
    pub(crate) fn tensors(&self) -> usize {
        self.tensors.len()
    }

    /// All values, tensor after tensor.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be changed.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Where the values of a tensor lie in the flat vector.
    pub(crate) fn range(&self, tensor: TensorRef) -> std::ops::Range<usize> {
        let t = &self.tensors[tensor.0];
        t.offset..t.offset + t.rows * t.columns
    }

    /// The values of a tensor.
    pub(crate) fn get(&self, tensor: TensorRef) -> &[f32] {
        &self.values[self.range(tensor)]
    }

    /// The row stride of a tensor.
    pub(crate) fn columns(&self, tensor: TensorRef) -> usize {
        self.tensors[tensor.0].columns
    }

    /// Puts into `ranges` where the marked tensors lie in the flat vector, with whether weight decay applies to them.
    ///
    /// # Panics
    /// If there is not one mark per tensor.
    pub(crate) fn marked_ranges(
        &self,
        marks: &[bool],
        ranges: &mut Vec<(std::ops::Range<usize>, bool)>,
    ) {
        assert_eq!(marks.len(), self.tensors.len(), "one mark per tensor");
        let marked = self
            .tensors
            .iter()
            .zip(marks)
            .filter(|(_, marked)| **marked);
        ranges.clear();
        ranges.extend(marked.map(|(t, _)| (t.offset..t.offset + t.rows * t.columns, t.decays)));
    }

    /// Marks a tensor.
    pub(crate) fn mark(&self, tensor: TensorRef, marks: &mut [bool]) {
        marks[tensor.0] = true;
    }

    /// Copies of all tensors out of `flat` (values, momentum, ... of this layout), named with `prefix`.
    pub(crate) fn export(&self, prefix: &str, flat: &[f32]) -> Vec<NamedTensor> {
        self.tensors
            .iter()
            .map(|t| NamedTensor {
                name: format!("{prefix}{}", t.name),
                shape: vec![t.rows, t.columns],
                values: flat[t.offset..t.offset + t.rows * t.columns].to_vec(),
            })
            .collect()
    }

    /// The inverse of [`Parameters::export`].
    pub(crate) fn import(
        &self,
        prefix: &str,
        tensors: &[NamedTensor],
    ) -> Result<Vec<f32>, SupernetError> {
        let by_name: std::collections::BTreeMap<&str, &NamedTensor> =
            tensors.iter().map(|t| (t.name.as_str(), t)).collect();
        let mut flat = Vec::with_capacity(self.len());
        for tensor in &self.tensors {
            let name = format!("{prefix}{}", tensor.name);
            let expected = vec![tensor.rows, tensor.columns];
            match by_name.get(name.as_str()) {
                Some(found)
                    if found.shape == expected
                        && found.values.len() == tensor.rows * tensor.columns =>
                {
                    flat.extend_from_slice(&found.values);
                }
                found => {
                    return Err(SupernetError::CheckpointTensor {
                        name,
                        expected,
                        found: found.map(|t| t.shape.clone()),
                    });
                }
            }
        }
        Ok(flat)
    }

    /// The trained values: replaces all of them.
    ///
    /// # Panics
    /// If the length differs.
    pub(crate) fn replace(&mut self, values: Vec<f32>) {
        assert_eq!(values.len(), self.values.len(), "another layout");
        self.values = values;
    }
}
