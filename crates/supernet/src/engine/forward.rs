//! The way forward over a batch, with the statistics of the batch itself.

use danas_kernels::{Expansion, Isa, Source, Sums, Window};

use super::expansion::{expansion, is_recomputed, measure};
use super::subnet::{Input, Kind, Subnet, Unit};
use super::weights::UnitWeights;
use super::workspace::{Workspace, reserve, source, with_scratch};
use super::{CHUNKS, chunk_images, team};
use crate::parameters::Parameters;

/// What a unit reads of some images.
pub(crate) enum Reads<'a> {
    Pixels(&'a [u8]),
    Tensor(Source<'a>),
    Expanded(Expansion<'a>),
}

/// The window of a unit over `images`.
pub(crate) fn window(unit: &Unit, images: usize) -> Window {
    let (kernel, stride) = match unit.kind {
        Kind::Stem { stride } => (crate::supernet::STEM_KERNEL, stride),
        Kind::Pointwise => (1, 1),
        Kind::Depthwise { kernel, stride } => (kernel, stride),
    };
    Window {
        images,
        height: unit.input.height,
        width: unit.input.width,
        channels: unit.input.channels,
        kernel,
        stride,
    }
}

/// One convolution over `images`; `out` is `[images, height, width, channels]`, before BatchNorm.
pub(crate) fn convolve(
    isa: Isa,
    unit: &Unit,
    weights: &UnitWeights,
    reads: Reads<'_>,
    images: usize,
    out: &mut [f32],
    sums: Option<&mut Sums>,
) {
    with_scratch(|scratch| match (unit.kind, reads) {
        (Kind::Stem { .. }, Reads::Pixels(pixels)) => danas_kernels::stem_forward(
            isa,
            pixels,
            window(unit, images),
            unit.output.channels,
            &weights.panels,
            out,
            sums,
            scratch,
        ),
        (Kind::Pointwise, Reads::Tensor(source)) => {
            let rows = images * unit.positions();
            danas_kernels::pointwise_forward(
                isa,
                source,
                rows,
                unit.input.channels,
                &weights.panels,
                out,
                sums,
                scratch,
            );
        }
        (Kind::Depthwise { .. }, Reads::Tensor(source)) => danas_kernels::depthwise_forward(
            isa,
            source,
            window(unit, images),
            &weights.taps,
            out,
            sums,
            scratch,
        ),
        (Kind::Depthwise { .. }, Reads::Expanded(expansion)) => {
            danas_kernels::expanded_depthwise_forward(
                isa,
                expansion,
                window(unit, images),
                &weights.taps,
                out,
                sums,
                scratch,
            );
        }
        _ => unreachable!(
            "the stem, and only the stem, reads pixels, and only depthwise units read expansions"
        ),
    });
}

/// Runs `subnet` on `images` pictures (`[images, height, width, channels]` bytes). The workspace then holds the
/// logits, every stored tensor, and each unit's BatchNorm with the sums it was made of. Expects the workspace's
/// weights to be packed.
pub(crate) fn forward(
    subnet: &Subnet,
    parameters: &Parameters,
    workspace: &mut Workspace,
    pixels: &[u8],
    images: usize,
) {
    workspace.prepare(subnet);
    let mut blocks_done = 0;
    for index in 0..subnet.units.len() {
        run_unit(subnet, index, parameters, workspace, pixels, images);
        if subnet
            .blocks
            .get(blocks_done)
            .is_some_and(|b| b.project == index)
        {
            finish_block(subnet, blocks_done, workspace, images);
            blocks_done += 1;
        }
    }
    classify(subnet, parameters, workspace, images);
}

fn run_unit(
    subnet: &Subnet,
    index: usize,
    parameters: &Parameters,
    workspace: &mut Workspace,
    pixels: &[u8],
    images: usize,
) {
    let unit = &subnet.units[index];
    if is_recomputed(unit, images) {
        measure(subnet, index, parameters, workspace, images);
    } else {
        store_unit(subnet, index, workspace, pixels, images);
    }
    workspace.norms[index].set(
        &workspace.totals[index],
        (images * unit.positions()) as f64,
        parameters.get(unit.norm.gamma),
        parameters.get(unit.norm.beta),
    );
}

/// Stores a unit's output, and gathers its sums over the batch.
fn store_unit(
    subnet: &Subnet,
    index: usize,
    workspace: &mut Workspace,
    pixels: &[u8],
    images: usize,
) {
    let unit = &subnet.units[index];
    let (batch, per_chunk) = (images, chunk_images(images));
    let isa = workspace.isa;
    let elements = unit.output.elements();
    let mut out = std::mem::take(&mut workspace.stored[index]);
    let (stored, blocks, norms) = (&workspace.stored, &workspace.blocks, &workspace.norms);
    let all_weights = &workspace.weights.units;
    let weights = &all_weights[index];
    team().each2(
        (reserve(&mut out, images * elements), per_chunk * elements),
        (&mut workspace.partial, 1),
        |chunk, out, sums| {
            let first = chunk * per_chunk;
            let count = out.len() / elements;
            let reads = match unit.source {
                Input::Pixels => {
                    let bytes = unit.input.elements();
                    Reads::Pixels(&pixels[first * bytes..(first + count) * bytes])
                }
                Input::Unit(wide) if is_recomputed(&subnet.units[wide], batch) => {
                    let images = first..first + count;
                    Reads::Expanded(expansion(
                        subnet,
                        wide,
                        all_weights,
                        stored,
                        blocks,
                        norms,
                        images,
                    ))
                }
                input => Reads::Tensor(source(
                    subnet,
                    input,
                    stored,
                    blocks,
                    norms,
                    first..first + count,
                )),
            };
            sums[0].reset(unit.output.channels);
            convolve(isa, unit, weights, reads, count, out, Some(&mut sums[0]));
        },
    );
    workspace.stored[index] = out;

    let total = &mut workspace.totals[index];
    total.reset(unit.output.channels);
    for part in &workspace.partial[..images.div_ceil(per_chunk).min(CHUNKS)] {
        total.add(part);
    }
}

/// The output of a block: the normalised projection, plus the block's input where there is a residual.
fn finish_block(subnet: &Subnet, index: usize, workspace: &mut Workspace, images: usize) {
    let block = &subnet.blocks[index];
    let elements = subnet.units[block.project].output.elements();
    let per_chunk = chunk_images(images);
    let isa = workspace.isa;
    let (earlier, later) = workspace.blocks.split_at_mut(index);
    let projected = Input::Unit(block.project);
    let (stored, norms) = (&workspace.stored, &workspace.norms);
    let finished = reserve(&mut later[0], images * elements);
    team().each((finished, per_chunk * elements), |chunk, out| {
        let first = chunk * per_chunk;
        let images = first..first + out.len() / elements;
        let z = source(subnet, projected, stored, earlier, norms, images.clone());
        let residual = block
            .residual
            .then(|| source(subnet, block.input, stored, earlier, norms, images).data);
        danas_kernels::affine(isa, z, residual, out);
    });
}

fn classify(subnet: &Subnet, parameters: &Parameters, workspace: &mut Workspace, images: usize) {
    let shape = subnet.shape(subnet.pooled());
    let positions = shape.height * shape.width;
    let isa = workspace.isa;
    let per_chunk = chunk_images(images);
    let (stored, blocks, norms) = (&workspace.stored, &workspace.blocks, &workspace.norms);
    let pooled = reserve(&mut workspace.pooled, images * subnet.features);
    let size = per_chunk * subnet.features;
    team().each((&mut *pooled, size), |chunk, out| {
        let first = chunk * per_chunk;
        let count = out.len() / subnet.features;
        let reads = source(
            subnet,
            subnet.pooled(),
            stored,
            blocks,
            norms,
            first..first + count,
        );
        danas_kernels::average_pool_forward(isa, reads, count, positions, subnet.features, out);
    });
    let logits = reserve(&mut workspace.logits, images * subnet.classes);
    let panels = &workspace.weights.classifier.panels;
    let bias = parameters.get(subnet.classifier.bias);
    let (k, reads) = (subnet.features, Source::plain(pooled));
    with_scratch(|scratch| {
        danas_kernels::dense_forward(isa, reads, images, k, panels, bias, logits, scratch);
    });
}
