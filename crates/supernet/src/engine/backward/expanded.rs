//! The way back through a block whose expansion is not stored.

use danas_kernels::Gradient;

use super::{Pass, add_up, gradient_chunk};
use crate::engine::expansion::{
    Matrix, expansion, gradient_sums, input_correction, pack_scaled, weight_gradient,
};
use crate::engine::forward::window;
use crate::engine::subnet::BlockPlan;
use crate::engine::weights::scatter_gradient;
use crate::engine::workspace::{ExpansionGradient, reserve, source, with_scratch};
use crate::engine::{chunk_images, team};

impl Pass<'_> {
    /// As [`Pass::unit`] for a depthwise convolution and the expansion in front of it, which is not stored.
    pub(super) fn expanded(
        &mut self,
        block: &BlockPlan,
        expand: usize,
        dy: &[f32],
        dx: &mut Vec<f32>,
        accumulate: bool,
    ) {
        let (subnet, parameters) = (self.subnet, self.parameters);
        let (narrow, wide) = (&subnet.units[expand], &subnet.units[block.depthwise]);
        let weights = Matrix::of(narrow, parameters);
        self.norm_gradient(block.depthwise);
        let ws = &mut *self.workspace;
        let ExpansionGradient {
            scaled, transposed, ..
        } = &mut ws.gradients.expansion;
        pack_scaled(ws.isa, weights, &ws.norms[expand], scaled, transposed);

        let dx = reserve(dx, self.images * narrow.input.elements());
        let mut dense = std::mem::take(&mut self.workspace.gradients.weights);
        let sum = self.expanded_products(block, expand, dy, dx, accumulate, &mut dense);
        let (taps, products) = sum.split_at_mut(wide.weights());
        scatter_gradient(wide, parameters, taps, self.gradient);
        gradient_sums(products, weights, &mut self.workspace.gradients.sums.second);
        self.norm_gradient(expand);
        let ws = &mut *self.workspace;
        let coefficients = ws.gradients.norm.view();
        weight_gradient(&ws.recomputed[expand], coefficients, products);
        scatter_gradient(narrow, parameters, products, self.gradient);
        let ExpansionGradient {
            matrix,
            panels,
            bias,
            ..
        } = &mut ws.gradients.expansion;
        input_correction(weights, coefficients, matrix, bias);
        panels.pack(ws.isa, matrix, weights.k, weights.k, weights.k);
        self.workspace.gradients.weights = dense;
        self.correct(expand, dx);
    }

    /// The part of [`Pass::expanded`] that goes over all pixels: writes what is known of `dx`, leaves the sums of the
    /// expansion's gradient, and returns the gradients of the depthwise weights and the products of input and gradient.
    fn expanded_products<'d>(
        &mut self,
        block: &BlockPlan,
        expand: usize,
        dy: &[f32],
        dx: &mut [f32],
        accumulate: bool,
        dense: &'d mut Vec<f32>,
    ) -> &'d mut [f32] {
        let (subnet, images) = (self.subnet, self.images);
        let (narrow, wide) = (&subnet.units[expand], &subnet.units[block.depthwise]);
        let (taps, products) = (wide.weights(), narrow.weights());
        let per_chunk = gradient_chunk(images, products);
        let channels = wide.input.channels;
        let mut partial = std::mem::take(&mut self.workspace.partial);
        let ws = &*self.workspace;
        let partial_weights = reserve(dense, images.div_ceil(per_chunk) * (taps + products));
        team().each3(
            (&mut *partial_weights, taps + products),
            (dx, per_chunk * narrow.input.elements()),
            (&mut partial, 1),
            |chunk, sum, dx, sums| {
                let first = chunk * per_chunk;
                let images = first..images.min(first + per_chunk);
                let elements = wide.output.elements();
                let range = images.start * elements..images.end * elements;
                let count = images.len();
                sum.fill(0.0);
                sums[0].reset(channels);
                let (dw, products) = sum.split_at_mut(taps);
                let gradient = Gradient {
                    dy: &dy[range.clone()],
                    z: &ws.stored[block.depthwise][range],
                    coefficients: Some(ws.gradients.norm.view()),
                };
                let reads = expansion(
                    subnet,
                    expand,
                    &ws.weights.units,
                    &ws.stored,
                    &ws.blocks,
                    &ws.norms,
                    images,
                );
                with_scratch(|scratch| {
                    danas_kernels::expanded_depthwise_backward(
                        ws.isa,
                        gradient,
                        reads,
                        window(wide, count),
                        &ws.weights.units[block.depthwise].taps,
                        &ws.gradients.expansion.transposed,
                        dx,
                        accumulate,
                        products,
                        &mut sums[0],
                        dw,
                        scratch,
                    );
                });
            },
        );
        self.workspace.partial = partial;
        self.total(channels, per_chunk);
        add_up(self.workspace.isa, partial_weights, taps + products)
    }

    /// Adds to the gradient of what an expansion has read the part that BatchNorm's sums decide, and leaves the sums of
    /// that gradient.
    fn correct(&mut self, expand: usize, dx: &mut [f32]) {
        let (subnet, unit) = (self.subnet, &self.subnet.units[expand]);
        let (channels, elements) = (unit.input.channels, unit.input.elements());
        let per_chunk = chunk_images(self.images);
        let mut partial = std::mem::take(&mut self.workspace.partial);
        let ws = &*self.workspace;
        let ExpansionGradient { panels, bias, .. } = &ws.gradients.expansion;
        team().each2(
            (dx, per_chunk * elements),
            (&mut partial, 1),
            |chunk, dx, sums| {
                let first = chunk * per_chunk;
                let images = first..first + dx.len() / elements;
                let rows = images.len() * unit.positions();
                let reads = source(
                    subnet,
                    unit.source,
                    &ws.stored,
                    &ws.blocks,
                    &ws.norms,
                    images,
                );
                sums[0].reset(channels);
                let sums = reads.norm.is_some().then_some(&mut sums[0]);
                with_scratch(|scratch| {
                    danas_kernels::pointwise_accumulate(
                        ws.isa, reads, rows, channels, panels, bias, dx, sums, scratch,
                    );
                });
            },
        );
        self.workspace.partial = partial;
        self.total(channels, per_chunk);
    }
}
