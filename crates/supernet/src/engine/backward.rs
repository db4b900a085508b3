//! The way back over a batch: from the gradient of the logits to the gradient of every weight.
//!
//! Each kernel reads the gradient of a normalised tensor, turns it into that of the stored one while loading
//! (BatchNorm's backward pass), and writes the gradient of what the operator had read, masked by its ReLU6,
//! together with the sums that the next BatchNorm needs.

mod expanded;

use std::ops::Range;

use danas_kernels::{Gradient, Isa, Source, Sums};

use super::expansion::is_recomputed;
use super::forward::window;
use super::subnet::{Input, Kind, Subnet};
use super::weights::scatter_gradient;
use super::workspace::{Gradients, Workspace, reserve, source, with_scratch};
use super::{chunk_images, team};
use crate::parameters::Parameters;

/// A weight matrix above this many values has its gradient made in fewer, larger pieces: clearing and adding up
/// the partial gradients would cost more than the product.
const LARGE_MATRIX: usize = 1 << 15;

/// Images per piece for a gradient of `weights` values.
fn gradient_chunk(images: usize, weights: usize) -> usize {
    let per_chunk = chunk_images(images);
    if weights > LARGE_MATRIX {
        per_chunk * 2
    } else {
        per_chunk
    }
}

/// Adds the vectors of `length` values that lie in `partial` one after the other to the first of them, in order.
fn add_up(isa: Isa, partial: &mut [f32], length: usize) -> &mut [f32] {
    /// Values per task.
    const PIECE: usize = 1 << 13;
    let (sum, others) = partial.split_at_mut(length);
    team().each((&mut *sum, PIECE), |piece, sum| {
        for other in others.chunks_exact(length) {
            danas_kernels::add_assign(isa, sum, &other[piece * PIECE..][..sum.len()]);
        }
    });
    sum
}

/// Two parts of a vector, the first of which lies before the second.
fn disjoint(
    values: &mut [f32],
    first: Range<usize>,
    second: Range<usize>,
) -> (&mut [f32], &mut [f32]) {
    let (before, after) = values.split_at_mut(second.start);
    (&mut before[first], &mut after[..second.len()])
}

/// A pass back over one batch.
struct Pass<'a> {
    subnet: &'a Subnet,
    parameters: &'a Parameters,
    workspace: &'a mut Workspace,
    pixels: &'a [u8],
    images: usize,
    gradient: &'a mut [f32],
    /// Whether the two narrow buffers have changed places.
    swapped: bool,
}

/// Adds the gradient of every weight to `gradient` (flat, as [`Parameters`] lie), given that of the logits,
/// `[images, classes]`. The workspace must hold the forward pass of the same batch.
pub(crate) fn backward(
    subnet: &Subnet,
    parameters: &Parameters,
    workspace: &mut Workspace,
    pixels: &[u8],
    logit_gradient: &[f32],
    gradient: &mut [f32],
) {
    let images = logit_gradient.len() / subnet.classes;
    let mut pass = Pass {
        subnet,
        parameters,
        workspace,
        pixels,
        images,
        gradient,
        swapped: false,
    };
    pass.classifier(logit_gradient);
    pass.pool_and_head();
    for block in (0..subnet.blocks.len()).rev() {
        pass.block(block);
    }
    pass.stem();
    if pass.swapped {
        // So that in the next step each has the room for what it meets.
        pass.workspace.gradients.narrow.swap(0, 1);
    }
}

impl Pass<'_> {
    fn classifier(&mut self, logit_gradient: &[f32]) {
        let Subnet {
            features,
            classes,
            classifier,
            ..
        } = *self.subnet;
        let images = self.images;
        let ws = &mut *self.workspace;
        let reads = Source::plain(&ws.pooled[..images * features]);
        let dx = reserve(&mut ws.gradients.pooled, images * features);
        let transposed = &ws.weights.classifier.transposed;
        let weights = self.parameters.range(classifier.weight).start;
        let bias = self.parameters.range(classifier.bias);
        let (dw, dbias) = disjoint(self.gradient, weights..weights + features * classes, bias);
        with_scratch(|scratch| {
            danas_kernels::dense_backward(
                ws.isa,
                logit_gradient,
                reads,
                images,
                features,
                transposed,
                Some(dx),
                dw,
                classes,
                dbias,
                scratch,
            );
        });
    }

    /// Leaves the gradient of the last block's output in `narrow[0]`.
    fn pool_and_head(&mut self) {
        let pooled = self.subnet.pooled();
        let shape = self.subnet.shape(pooled);
        let (images, features) = (self.images, self.subnet.features);
        let mut dx = match pooled {
            Input::Unit(_) => std::mem::take(&mut self.workspace.gradients.wide[0]),
            _ => std::mem::take(&mut self.workspace.gradients.narrow[0]),
        };
        let masked = matches!(pooled, Input::Unit(_));
        let per_chunk = chunk_images(images);
        let ws = &mut *self.workspace;
        let (isa, stored, blocks, norms) = (ws.isa, &ws.stored, &ws.blocks, &ws.norms);
        let dpooled = &ws.gradients.pooled;
        let subnet = self.subnet;
        let written = reserve(&mut dx, images * shape.elements());
        team().each2(
            (written, per_chunk * shape.elements()),
            (&mut ws.partial, 1),
            |chunk, dx, sums| {
                let first = chunk * per_chunk;
                let count = dx.len() / shape.elements();
                let reads = source(subnet, pooled, stored, blocks, norms, first..first + count);
                sums[0].reset(features);
                danas_kernels::average_pool_backward(
                    isa,
                    &dpooled[first * features..(first + count) * features],
                    reads,
                    count,
                    shape.height * shape.width,
                    features,
                    dx,
                    masked.then_some(&mut sums[0]),
                );
            },
        );
        match self.subnet.head {
            Some(head) => {
                self.total(features, per_chunk);
                let mut narrow = std::mem::take(&mut self.workspace.gradients.narrow[0]);
                self.unit(head, &dx, Some((&mut narrow, false)));
                self.workspace.gradients.wide[0] = dx;
                self.workspace.gradients.narrow[0] = narrow;
            }
            None => self.workspace.gradients.narrow[0] = dx,
        }
    }

    /// Turns the gradient of a block's output in `narrow[0]` into that of its input, also in `narrow[0]`.
    fn block(&mut self, index: usize) {
        let block = &self.subnet.blocks[index];
        let [mut outer, mut other] = std::mem::take(&mut self.workspace.gradients.narrow);
        let [mut hidden, mut expanded] = std::mem::take(&mut self.workspace.gradients.wide);

        self.linear_sums(block.project, &outer);
        self.unit(block.project, &outer, Some((&mut hidden, false)));
        match block.expand {
            Some(expand) => {
                // Behind a residual the gradient of the output is part of that of the input already.
                let (target, accumulate) = if block.residual {
                    (&mut outer, true)
                } else {
                    (&mut other, false)
                };
                if is_recomputed(&self.subnet.units[expand], self.images) {
                    self.expanded(block, expand, &hidden, target, accumulate);
                } else {
                    self.unit(block.depthwise, &hidden, Some((&mut expanded, false)));
                    self.unit(expand, &expanded, Some((target, accumulate)));
                }
            }
            None => {
                self.unit(block.depthwise, &hidden, Some((&mut other, false)));
                if block.residual {
                    let elements = self.images * self.subnet.shape(block.input).elements();
                    danas_kernels::add_assign(
                        self.workspace.isa,
                        &mut other[..elements],
                        &outer[..elements],
                    );
                }
            }
        }
        if !(block.residual && block.expand.is_some()) {
            std::mem::swap(&mut outer, &mut other);
            self.swapped = !self.swapped;
        }
        self.workspace.gradients.narrow = [outer, other];
        self.workspace.gradients.wide = [hidden, expanded];
    }

    /// The first block has masked the gradient by the stem's ReLU6 and gathered its sums already.
    fn stem(&mut self) {
        let dy = std::mem::take(&mut self.workspace.gradients.narrow[0]);
        self.unit(0, &dy, None);
        self.workspace.gradients.narrow[0] = dy;
    }

    /// Sums over all chunks, in order, for the BatchNorm that is next.
    fn total(&mut self, channels: usize, per_chunk: usize) {
        let total = &mut self.workspace.gradients.sums;
        total.reset(channels);
        for part in &self.workspace.partial[..self.images.div_ceil(per_chunk)] {
            total.add(part);
        }
    }

    /// Makes the sums that the BatchNorm of a linear unit needs, whose gradient another operator wrote.
    fn linear_sums(&mut self, index: usize, dy: &[f32]) {
        let unit = &self.subnet.units[index];
        let channels = unit.output.channels;
        let per_chunk = chunk_images(self.images);
        let chunk_elements = per_chunk * unit.output.elements();
        let elements = self.images * unit.output.elements();
        let isa = self.workspace.isa;
        let stored = &self.workspace.stored[index];
        let chunks = self.images.div_ceil(per_chunk);
        let partial = &mut self.workspace.partial[..chunks];
        team().each((partial, 1), |chunk, sums| {
            let first = chunk * chunk_elements;
            let range = first..elements.min(first + chunk_elements);
            sums[0].reset(channels);
            danas_kernels::gradient_sums(
                isa,
                &dy[range.clone()],
                &stored[range],
                channels,
                &mut sums[0],
            );
        });
        self.total(channels, per_chunk);
    }

    /// One convolution back, given the gradient of its normalised output and the sums of that: adds its weight
    /// gradient, writes the gradient of what it read to `dx` (added to what is there, with the flag set), and leaves
    /// the sums of that for the BatchNorm before it.
    fn unit(&mut self, index: usize, dy: &[f32], dx: Option<(&mut Vec<f32>, bool)>) {
        let unit = &self.subnet.units[index];
        let (images, weights) = (self.images, unit.weights());
        let per_chunk = gradient_chunk(images, weights);
        self.norm_gradient(index);

        let mut dense = std::mem::take(&mut self.workspace.gradients.weights);
        let mut partial = std::mem::take(&mut self.workspace.partial);
        let elements = unit.input.elements();
        let writes = dx.is_some();
        let (dx, accumulate) = match dx {
            Some((dx, accumulate)) => (reserve(dx, images * elements), accumulate),
            None => (&mut [][..], false),
        };
        let pass = &*self;
        let partial_weights = reserve(&mut dense, images.div_ceil(per_chunk) * weights);
        team().each3(
            (&mut *partial_weights, weights),
            (dx, per_chunk * elements),
            (&mut partial, 1),
            |chunk, dw, dx, sums| {
                let first = chunk * per_chunk;
                dw.fill(0.0);
                sums[0].reset(unit.input.channels);
                let images = first..images.min(first + per_chunk);
                let dx = writes.then_some(dx);
                pass.unit_chunk(unit, index, dy, images, dx, accumulate, dw, &mut sums[0]);
            },
        );

        let sum = add_up(self.workspace.isa, partial_weights, weights);
        scatter_gradient(unit, self.parameters, sum, self.gradient);
        self.workspace.gradients.weights = dense;
        self.workspace.partial = partial;
        self.total(unit.input.channels, per_chunk);
    }

    fn norm_gradient(&mut self, index: usize) {
        let unit = &self.subnet.units[index];
        let channels = unit.output.channels;
        let count = (self.images * unit.positions()) as f64;
        let own_part = |tensor| {
            let start = self.parameters.range(tensor).start;
            start..start + channels
        };
        let (gamma, beta) = (own_part(unit.norm.gamma), own_part(unit.norm.beta));
        let (dgamma, dbeta) = disjoint(self.gradient, gamma, beta);
        let Gradients { norm, sums, .. } = &mut self.workspace.gradients;
        norm.set(&self.workspace.norms[index], sums, count, dgamma, dbeta);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one kernel call")]
    fn unit_chunk(
        &self,
        unit: &super::subnet::Unit,
        index: usize,
        dy: &[f32],
        images: Range<usize>,
        dx: Option<&mut [f32]>,
        accumulate: bool,
        dw: &mut [f32],
        sums: &mut Sums,
    ) {
        let ws = &*self.workspace;
        let count = images.len();
        let elements = unit.output.elements();
        let range = images.start * elements..images.end * elements;
        let gradient = Gradient {
            dy: &dy[range.clone()],
            z: &ws.stored[index][range],
            coefficients: Some(ws.gradients.norm.view()),
        };
        if unit.source == Input::Pixels {
            let bytes = unit.input.elements();
            let pixels = &self.pixels[images.start * bytes..images.end * bytes];
            let (window, outputs) = (window(unit, count), unit.output.channels);
            return with_scratch(|scratch| {
                danas_kernels::stem_backward(
                    ws.isa, pixels, gradient, window, outputs, dw, scratch,
                );
            });
        }
        let reads = source(
            self.subnet,
            unit.source,
            &ws.stored,
            &ws.blocks,
            &ws.norms,
            images,
        );
        let weights = &ws.weights.units[index];
        let sums = reads.norm.is_some().then_some(sums);
        with_scratch(|scratch| match (unit.kind, dx) {
            (Kind::Pointwise, dx) => danas_kernels::pointwise_backward(
                ws.isa,
                gradient,
                reads,
                count * unit.positions(),
                unit.input.channels,
                unit.output.channels,
                &weights.transposed,
                dx,
                accumulate,
                sums,
                dw,
                unit.output.channels,
                scratch,
            ),
            (Kind::Depthwise { .. }, Some(dx)) => danas_kernels::depthwise_backward(
                ws.isa,
                gradient,
                reads,
                window(unit, count),
                &weights.taps,
                dx,
                sums,
                dw,
                scratch,
            ),
            _ => unreachable!(
                "the stem has read pixels, and a depthwise unit has an input to pass on to"
            ),
        });
    }
}
