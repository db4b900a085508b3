//! One elastic network for all data configurations: training, recalibration, scoring, extraction.
//!
//! A [`Supernet`] holds weights that every candidate of a search space shares. A [`Trainer`] trains it, a
//! [`Scorer`] reads candidates out of it without training them, and a [`FinalTrainer`] trains the chosen ones on. A
//! [`FineTuner`] trains a finished network on with the rounding of int8 simulated.
//! This room knows neither search strategies nor files.

mod checkpoint;
mod engine;
mod error;
mod extraction;
mod final_trainer;
mod learner;
mod loss;
mod optimizer;
mod options;
mod parameters;
mod recalibration;
mod scorer;
mod simulation;
mod single;
mod supernet;
#[cfg(test)]
mod tests;
mod trainer;
pub mod workload;

pub use checkpoint::{Checkpoint, NamedTensor};
pub use danas_kernels::Isa;
pub use error::SupernetError;
pub use extraction::{LayerParameters, Trained};
pub use final_trainer::FinalTrainer;
pub use learner::{StepReport, TrainingEvent};
pub use options::{ScoringOptions, TrainingOptions};
pub use scorer::{Score, Scorer};
pub use simulation::{FineTuner, Grid};
pub use single::SingleTrainer;
pub use supernet::Supernet;
pub use trainer::Trainer;
