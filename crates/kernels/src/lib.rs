//! Matrix products and convolutions per instruction set, each beside a naive [`mod@reference`].
//!
//! Everything is f32 in dense NHWC layout (`[images, height, width, channels]`). A kernel works on a chunk of images
//! in the calling thread; that chunks meet threads (in a [`Team`]) and that what they gather is added up is the caller's
//! business, and a result depends on nothing but the arguments. BatchNorm and ReLU6 are applied while an operator loads its input ([`Source`]),
//! BatchNorm's backward while it loads its gradient ([`Gradient`]), and BatchNorm's [`Sums`] are gathered while an
//! operator stores its output: nothing is stored that can be made again while loading.

mod buffer;
mod dense;
mod depthwise;
mod elementwise;
mod isa;
mod matrix;
mod moments;
mod operands;
mod panels;
mod pointwise;
mod pool;
pub mod reference;
mod stem;
mod team;
mod throughput;
mod transform;
mod vector;

pub use buffer::{Buffer, Scratch};
pub use dense::{dense_backward, dense_forward};
pub use depthwise::{
    depthwise_backward, depthwise_forward, expanded_depthwise_backward, expanded_depthwise_forward,
};
pub use elementwise::{add_assign, affine, gradient_sums};
pub use isa::Isa;
pub use moments::moments;
pub use operands::{Expansion, Gradient, Moments, Norm, Source, Sums, Window};
pub use panels::Panels;
pub use pointwise::{pointwise_accumulate, pointwise_backward, pointwise_forward};
pub use pool::{average_pool_backward, average_pool_forward};
pub use stem::{stem_backward, stem_forward};
pub use team::Team;
pub use throughput::multiply_adds;

#[cfg(test)]
mod tests;
