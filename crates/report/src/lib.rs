//! One self-contained page from a study.
//!
//! [`Comparison::page`] is the page about many runs at once.
//!
//! [`render`] turns a [`Summary`] into an HTML page with its pictures, styles and scripts inside: it refers to
//! nothing outside itself. Every text of the summary is escaped.

mod chart;
mod comparison;
mod format;
mod look;
mod page;
mod quantity;
mod resolve;

pub use comparison::{Comparison, ComparisonPage, Role, Search};
use danas_study::Summary;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The summary refers to a candidate that it does not hold.
    #[error(
        "cannot make the report: {user} refers to candidate {id}, which is not among the recorded ones"
    )]
    UnknownCandidate {
        /// The id that was not found.
        id: u64,
        /// What refers to it.
        user: &'static str,
    },
    /// A confusion matrix whose sides are not the number of classes.
    #[error(
        "cannot make the report: the confusion matrix of candidate {candidate} is {rows}x{columns}, \
         but there are {classes} classes"
    )]
    Confusion {
        /// The candidate of the model.
        candidate: u64,
        /// Classes of the run.
        classes: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Length of its longest row.
        columns: usize,
    },
    /// The page's template could not be filled in.
    #[error("cannot make the report: {0}")]
    Template(#[from] minijinja::Error),
    /// The candidates could not be written for the page's script.
    #[error("cannot make the report: {0}")]
    Json(#[from] serde_json::Error),
}

/// Makes the page about a run.
///
/// # Errors
/// [`ReportError::UnknownCandidate`] and [`ReportError::Confusion`] where the summary contradicts itself; the
/// others cannot happen to a summary and would be a mistake in this crate.
pub fn render(summary: &Summary) -> Result<String, ReportError> {
    let resolved = resolve::Resolved::new(summary)?;
    page::render(&resolved)
}
