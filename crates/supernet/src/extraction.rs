//! A sub-network on its own: weights copied out of the supernet, BatchNorm folded into them.

use danas_data::{DataConfig, Dataset, Split};
use danas_kernels::Isa;
use danas_space::{Candidate, Graph, Operator, lower};

use crate::engine::subnet::Kind;
use crate::engine::{Inference, dense_weights};
use crate::options::ScoringOptions;
use crate::recalibration::recalibrated;
use crate::scorer::{PIECE, Score};
use crate::supernet::Supernet;

/// Weights and bias of one layer of a graph, BatchNorm folded in. Layouts are those of
/// [`danas_space::Operator`]; both are empty for a layer without weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerParameters {
    /// The weights.
    pub weights: Vec<f32>,
    /// One value per output channel.
    pub bias: Vec<f32>,
}

/// A finished network in float: what is quantised.
pub struct Trained {
    /// The layers.
    pub graph: Graph,
    /// One per layer of the graph.
    pub parameters: Vec<LayerParameters>,
    network: Inference,
    candidate: Candidate,
    classes: usize,
}

impl Trained {
    /// Takes a candidate out of a supernet, with statistics recomputed on training pictures.
    pub fn extract(
        supernet: &Supernet,
        candidate: &Candidate,
        dataset: &Dataset,
        options: ScoringOptions,
    ) -> Self {
        let network = recalibrated(supernet, dataset, candidate, options.calibration_examples);
        Trained::new(supernet, candidate, network)
    }

    /// A candidate whose statistics are there already.
    pub(crate) fn new(supernet: &Supernet, candidate: &Candidate, network: Inference) -> Self {
        let graph = lower(candidate, supernet.classes);
        let parameters = fold(supernet, &network, &graph);
        Trained {
            graph,
            parameters,
            network,
            candidate: candidate.clone(),
            classes: supernet.classes,
        }
    }

    /// Classifies the examples `indices` of a split in float, a piece at a time.
    pub fn evaluate(&self, dataset: &Dataset, split: Split, indices: &[usize]) -> Score {
        let batches = indices
            .chunks(PIECE)
            .map(|piece| dataset.evaluation_batch(split, piece, self.candidate.data));
        Score::of(&self.network, batches, self.classes)
    }

    /// The data configuration of its input.
    pub(crate) fn config(&self) -> DataConfig {
        self.candidate.data
    }

    /// The instruction set that it runs with.
    pub(crate) fn isa(&self) -> Isa {
        self.network.isa()
    }

    /// The logits `[examples, classes]` of pictures `[examples, height, width, channels]`.
    pub fn logits(&self, pixels: &[u8]) -> Vec<f32> {
        self.network.logits(pixels)
    }
}

/// Multiplies BatchNorm's scale into the weights of every convolution; its shift becomes the bias.
fn fold(supernet: &Supernet, network: &Inference, graph: &Graph) -> Vec<LayerParameters> {
    let subnet = network.subnet();
    let parameters = &supernet.parameters;
    let mut units = subnet.units.iter().enumerate();
    let mut dense = Vec::new();
    let fold_layer = |operator: &Operator| match operator {
        Operator::Convolution { .. } | Operator::Depthwise { .. } => {
            let (index, unit) = units.next().expect("one unit per convolution");
            let norm = network.norm(index);
            dense_weights(unit, parameters, &mut dense);
            let (rows, columns) = unit.matrix();
            let scaled =
                |row: usize, column: usize| dense[row * columns + column] * norm.scale[column];
            let weights = match unit.kind {
                Kind::Depthwise { .. } => (0..rows * columns)
                    .map(|i| scaled(i / columns, i % columns))
                    .collect(),
                // `[inputs, outputs]` becomes `[outputs, inputs]`.
                _ => (0..rows * columns)
                    .map(|i| scaled(i % rows, i / rows))
                    .collect(),
            };
            LayerParameters {
                weights,
                bias: norm.shift.clone(),
            }
        }
        Operator::Dense => {
            let matrix = parameters.get(subnet.classifier.weight);
            let (inputs, outputs) = (subnet.features, subnet.classes);
            LayerParameters {
                weights: (0..inputs * outputs)
                    .map(|i| matrix[i % inputs * outputs + i / inputs])
                    .collect(),
                bias: parameters.get(subnet.classifier.bias).to_vec(),
            }
        }
        Operator::Add | Operator::GlobalAveragePool | Operator::Softmax => {
            LayerParameters::default()
        }
    };
    graph
        .layers
        .iter()
        .map(|layer| &layer.operator)
        .map(fold_layer)
        .collect()
}
