//! Quantisation-aware fine-tuning: a finished network is trained on while its weights and activations are rounded as on
//! the device (Jacob et al., arXiv 1712.05877, section 3), with BatchNorm folded into the weights and so frozen.
//!
//! This room knows of quantisation only the grid of every activation, which somebody else has calibrated. Images have
//! nothing to do with each other any more once BatchNorm is folded: every piece of a batch goes all the way forwards and
//! backwards on its own.

mod grid;
mod network;
mod pass;
#[cfg(test)]
mod tests;
mod tuner;

pub use grid::Grid;
pub use tuner::FineTuner;
