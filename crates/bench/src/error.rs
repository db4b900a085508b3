//! What can go wrong.

/// An error of a measurement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no task of this name.
    #[error("there is no task `{name}`")]
    UnknownTask {
        /// The name that was asked for.
        name: String,
    },
    /// A task needs pictures, and none were given.
    #[error("the task `{name}` needs pictures")]
    NoPictures {
        /// The task.
        name: String,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// The built-in pictures could not be made.
    #[error("cannot make the built-in pictures")]
    Pictures(#[from] danas_data::DataError),
    /// A training came to an end that it should not have.
    #[error("the measured training failed")]
    Training(#[from] danas_supernet::SupernetError),
}
