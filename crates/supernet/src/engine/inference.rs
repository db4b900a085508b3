//! Running a sub-network with fixed statistics: every piece of a batch goes through all layers on its own, while
//! its tensors are still in the cache.

use danas_kernels::{Isa, Source};
use rayon::prelude::*;

use super::PackedWeights;
use super::forward::{Reads, convolve};
use super::norm::{Statistics, UnitNorm};
use super::subnet::{Input, Subnet};
use super::workspace::{reserve, source, with_scratch};
use crate::supernet::Supernet;

/// Images that go through the network together on one thread.
const IMAGES: usize = 4;

/// A sub-network with recalibrated statistics, ready to classify.
pub(crate) struct Inference {
    isa: Isa,
    subnet: Subnet,
    weights: PackedWeights,
    norms: Vec<UnitNorm>,
    bias: Vec<f32>,
}

/// The tensors of one piece.
#[derive(Default)]
struct Buffers {
    stored: Vec<Vec<f32>>,
    blocks: Vec<Vec<f32>>,
    pooled: Vec<f32>,
}

impl Inference {
    /// Packs the weights of `subnet` and fixes its BatchNorms.
    pub(crate) fn new(supernet: &Supernet, subnet: Subnet, statistics: &Statistics) -> Self {
        let (isa, parameters) = (supernet.isa, &supernet.parameters);
        let mut weights = PackedWeights::default();
        weights.pack(isa, &subnet, parameters, false);
        let norms = (subnet.units.iter().enumerate())
            .map(|(index, unit)| {
                let gamma = parameters.get(unit.norm.gamma);
                let beta = parameters.get(unit.norm.beta);
                statistics.norm(index, unit.positions(), gamma, beta)
            })
            .collect();
        let bias = parameters.get(subnet.classifier.bias).to_vec();
        Inference {
            isa,
            subnet,
            weights,
            norms,
            bias,
        }
    }

    /// The BatchNorm of a unit.
    pub(crate) fn norm(&self, unit: usize) -> &UnitNorm {
        &self.norms[unit]
    }

    /// The instruction set that it runs with.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// The network that is run.
    pub(crate) fn subnet(&self) -> &Subnet {
        &self.subnet
    }

    /// The logits `[images, classes]` of pictures `[images, height, width, channels]`.
    pub(crate) fn logits(&self, pixels: &[u8]) -> Vec<f32> {
        let bytes = self.subnet.units[0].input.elements();
        let images = pixels.len() / bytes;
        let mut logits = vec![0.0; images * self.subnet.classes];
        logits
            .par_chunks_mut(IMAGES * self.subnet.classes)
            .zip(pixels.par_chunks(IMAGES * bytes))
            .for_each_init(Buffers::default, |buffers, (logits, pixels)| {
                self.run(buffers, pixels, pixels.len() / bytes, logits)
            });
        logits
    }

    fn run(&self, buffers: &mut Buffers, pixels: &[u8], images: usize, logits: &mut [f32]) {
        let subnet = &self.subnet;
        buffers.stored.resize_with(subnet.units.len(), Vec::new);
        buffers.blocks.resize_with(subnet.blocks.len(), Vec::new);
        let mut blocks_done = 0;
        for (index, unit) in subnet.units.iter().enumerate() {
            let mut out = std::mem::take(&mut buffers.stored[index]);
            let reads = match unit.source {
                Input::Pixels => Reads::Pixels(pixels),
                input => Reads::Tensor(self.source(buffers, input, images)),
            };
            let weights = &self.weights.units[index];
            let target = reserve(&mut out, images * unit.output.elements());
            convolve(self.isa, unit, weights, reads, images, target, None);
            buffers.stored[index] = out;
            if subnet
                .blocks
                .get(blocks_done)
                .is_some_and(|b| b.project == index)
            {
                self.finish_block(buffers, blocks_done, images);
                blocks_done += 1;
            }
        }
        let shape = subnet.shape(subnet.pooled());
        let mut pooled = std::mem::take(&mut buffers.pooled);
        let target = reserve(&mut pooled, images * subnet.features);
        let reads = self.source(buffers, subnet.pooled(), images);
        let positions = shape.height * shape.width;
        danas_kernels::average_pool_forward(
            self.isa,
            reads,
            images,
            positions,
            subnet.features,
            target,
        );
        let panels = &self.weights.classifier.panels;
        let (k, reads) = (subnet.features, Source::plain(target));
        with_scratch(|scratch| {
            danas_kernels::dense_forward(
                self.isa, reads, images, k, panels, &self.bias, logits, scratch,
            );
        });
        buffers.pooled = pooled;
    }

    fn source<'b>(&'b self, buffers: &'b Buffers, input: Input, images: usize) -> Source<'b> {
        source(
            &self.subnet,
            input,
            &buffers.stored,
            &buffers.blocks,
            &self.norms,
            0..images,
        )
    }

    fn finish_block(&self, buffers: &mut Buffers, index: usize, images: usize) {
        let block = &self.subnet.blocks[index];
        let elements = self.subnet.units[block.project].output.elements();
        let mut out = std::mem::take(&mut buffers.blocks[index]);
        let z = self.source(buffers, Input::Unit(block.project), images);
        let residual = block
            .residual
            .then(|| self.source(buffers, block.input, images).data);
        danas_kernels::affine(self.isa, z, residual, reserve(&mut out, images * elements));
        buffers.blocks[index] = out;
    }
}
