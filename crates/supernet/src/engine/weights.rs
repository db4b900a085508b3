//! A sub-network's share of the weights, packed for the kernels, and its gradient on the way back.

use danas_kernels::{Isa, Panels};

use super::subnet::{Kind, Subnet, Unit};
use super::team;
use crate::parameters::Parameters;

/// The weights of a unit as its kernel reads them.
#[derive(Debug, Default)]
pub(crate) struct UnitWeights {
    /// Of a pointwise convolution or the stem, `[inputs, outputs]`.
    pub(crate) panels: Panels,
    /// The same, transposed, for the gradient of the input; only in training.
    pub(crate) transposed: Panels,
    /// Of a depthwise convolution, `[kernel, kernel, channels]`.
    pub(crate) taps: Vec<f32>,
}

impl UnitWeights {
    fn pack(&mut self, isa: Isa, unit: &Unit, parameters: &Parameters, training: bool) {
        let (rows, columns) = unit.matrix();
        match unit.kind {
            Kind::Pointwise => {
                let shared = parameters.get(unit.weight);
                let stride = parameters.columns(unit.weight);
                self.panels.pack(isa, shared, stride, rows, columns);
                if training {
                    self.transposed
                        .pack_transposed(isa, shared, stride, columns, rows);
                }
            }
            Kind::Stem { .. } => {
                dense_weights(unit, parameters, &mut self.taps);
                self.panels.pack(isa, &self.taps, columns, rows, columns);
            }
            Kind::Depthwise { .. } => dense_weights(unit, parameters, &mut self.taps),
        }
    }
}

/// All weights of a sub-network, packed once per step. Elastic width is packing from a part of the matrix.
#[derive(Debug, Default)]
pub(crate) struct PackedWeights {
    pub(crate) units: Vec<UnitWeights>,
    pub(crate) classifier: UnitWeights,
}

impl PackedWeights {
    /// Packs the weights of `subnet`; `training` adds the transposed ones.
    pub(crate) fn pack(
        &mut self,
        isa: Isa,
        subnet: &Subnet,
        parameters: &Parameters,
        training: bool,
    ) {
        if self.units.len() < subnet.units.len() {
            self.units
                .resize_with(subnet.units.len(), UnitWeights::default);
        }
        let own = &mut self.units[..subnet.units.len()];
        team().each((own, 1), |unit, packed| {
            packed[0].pack(isa, &subnet.units[unit], parameters, training);
        });
        let (weight, classes) = (parameters.get(subnet.classifier.weight), subnet.classes);
        self.classifier
            .panels
            .pack(isa, weight, classes, subnet.features, classes);
        if training {
            self.classifier.transposed.pack_transposed(
                isa,
                weight,
                classes,
                classes,
                subnet.features,
            );
        }
    }
}

/// A unit's own weights as a dense matrix `[rows, columns]`, gathered from the shared tensor.
pub(crate) fn dense_weights(unit: &Unit, parameters: &Parameters, dense: &mut Vec<f32>) {
    let shared = parameters.get(unit.weight);
    let stride = parameters.columns(unit.weight);
    let (rows, columns) = unit.matrix();
    dense.clear();
    dense.resize(rows * columns, 0.0);
    for (row, values) in dense.chunks_exact_mut(columns).enumerate() {
        for source in unit.shared_rows(row) {
            for (value, shared) in values.iter_mut().zip(&shared[source * stride..]) {
                *value += shared;
            }
        }
    }
}

/// Adds a unit's dense gradient to its place in the flat gradient of all parameters.
pub(crate) fn scatter_gradient(
    unit: &Unit,
    parameters: &Parameters,
    dense: &[f32],
    gradient: &mut [f32],
) {
    let shared = &mut gradient[parameters.range(unit.weight)];
    let stride = parameters.columns(unit.weight);
    let (_, columns) = unit.matrix();
    for (row, values) in dense.chunks_exact(columns).enumerate() {
        for target in unit.shared_rows(row) {
            for (shared, value) in shared[target * stride..].iter_mut().zip(values) {
                *shared += value;
            }
        }
    }
}
