//! The buffers of a forward and backward pass, allocated once and reused by every step.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use danas_kernels::{Isa, Moments, Panels, Scratch, Sums};

use super::expansion::Recomputed;
use super::norm::{NormGradient, UnitNorm};
use super::subnet::{Input, Subnet};
use super::{CHUNKS, PackedWeights, team};

/// Grows a buffer if needed and returns its first `length` values, whatever they are.
pub(crate) fn reserve(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// Everything a pass over a batch writes.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) isa: Isa,
    pub(crate) weights: PackedWeights,
    /// Outputs of the convolutions before BatchNorm, `[images, height, width, channels]` per unit, but for those that are
    /// made again whenever they are read.
    pub(crate) stored: Vec<Vec<f32>>,
    /// What is known of the others, per unit.
    pub(crate) recomputed: Vec<Recomputed>,
    /// Finished outputs of the blocks.
    pub(crate) blocks: Vec<Vec<f32>>,
    pub(crate) norms: Vec<UnitNorm>,
    /// Sums of the stored outputs over the batch, per unit.
    pub(crate) totals: Vec<Sums>,
    /// `[images, features]`.
    pub(crate) pooled: Vec<f32>,
    /// `[images, classes]`.
    pub(crate) logits: Vec<f32>,
    pub(crate) partial: [Sums; CHUNKS],
    pub(crate) partial_moments: [Moments; CHUNKS],
    pub(crate) gradients: Gradients,
    /// Floats of scratch memory that every thread has been given.
    scratch: usize,
}

/// What only the way back needs.
#[derive(Debug, Default)]
pub(crate) struct Gradients {
    pub(crate) norm: NormGradient,
    /// Sums of the gradient that was written last, for the BatchNorm of the unit that is next on the way back.
    pub(crate) sums: Sums,
    /// Of a block's output and of its input, taking turns.
    pub(crate) narrow: [Vec<f32>; 2],
    /// Of the two hidden tensors of a block, taking turns.
    pub(crate) wide: [Vec<f32>; 2],
    pub(crate) pooled: Vec<f32>,
    /// One dense weight gradient per chunk.
    pub(crate) weights: Vec<f32>,
    /// Of the expansion that is on its way back.
    pub(crate) expansion: ExpansionGradient,
}

/// Matrices on the way back through an expansion that is not stored.
#[derive(Debug, Default)]
pub(crate) struct ExpansionGradient {
    /// The weights times BatchNorm's scale, and that transposed.
    pub(crate) scaled: Vec<f32>,
    pub(crate) transposed: Panels,
    /// What the input's gradient still lacks after the first pass, as a matrix and a bias.
    pub(crate) matrix: Vec<f32>,
    pub(crate) panels: Panels,
    pub(crate) bias: Vec<f32>,
}

impl Workspace {
    /// Empty buffers for an instruction set.
    pub(crate) fn new(isa: Isa) -> Self {
        Workspace {
            isa,
            weights: PackedWeights::default(),
            stored: Vec::new(),
            recomputed: Vec::new(),
            blocks: Vec::new(),
            norms: Vec::new(),
            totals: Vec::new(),
            pooled: Vec::new(),
            logits: Vec::new(),
            partial: std::array::from_fn(|_| Sums::default()),
            partial_moments: std::array::from_fn(|_| Moments::default()),
            gradients: Gradients::default(),
            scratch: 0,
        }
    }

    /// Makes room for the parts of `subnet`.
    pub(crate) fn prepare(&mut self, subnet: &Subnet) {
        let units = subnet.units.len();
        if self.stored.len() < units {
            self.stored.resize_with(units, Vec::new);
            self.recomputed.resize_with(units, Recomputed::default);
            self.norms.resize_with(units, UnitNorm::default);
            self.totals.resize_with(units, Sums::default);
        }
        if self.blocks.len() < subnet.blocks.len() {
            self.blocks.resize_with(subnet.blocks.len(), Vec::new);
        }
    }

    /// Gives every thread of the pool as much scratch memory as any thread has needed so far. Which thread runs which
    /// piece differs from step to step; without this, one might meet its largest piece, and allocate, in any of them.
    pub(crate) fn level_scratch(&mut self) {
        let largest = LARGEST_SCRATCH.load(Ordering::Relaxed);
        if self.scratch < largest {
            team().on_every_thread(|| {
                SCRATCH.with_borrow_mut(|scratch| scratch.reserve(largest));
            });
            self.scratch = largest;
        }
    }
}

/// The stored form of what an operator reads, for `images` from `first` on, with how to normalise it.
pub(crate) fn source<'a>(
    subnet: &Subnet,
    input: Input,
    stored: &'a [Vec<f32>],
    blocks: &'a [Vec<f32>],
    norms: &'a [UnitNorm],
    images: std::ops::Range<usize>,
) -> danas_kernels::Source<'a> {
    let elements = subnet.shape(input).elements();
    let range = images.start * elements..images.end * elements;
    match input {
        Input::Pixels => unreachable!("pixels are bytes, which only the stem reads"),
        Input::Unit(unit) => danas_kernels::Source {
            data: &stored[unit][range],
            norm: Some(norms[unit].view(subnet.units[unit].relu6)),
        },
        Input::Block(block) => danas_kernels::Source {
            data: &blocks[block][range],
            norm: None,
        },
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Floats of the largest scratch memory that a thread has.
static LARGEST_SCRATCH: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` with the scratch memory of this thread.
pub(crate) fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(|scratch| {
        let before = scratch.capacity();
        let result = work(scratch);
        if scratch.capacity() > before {
            LARGEST_SCRATCH.fetch_max(scratch.capacity(), Ordering::Relaxed);
        }
        result
    })
}
