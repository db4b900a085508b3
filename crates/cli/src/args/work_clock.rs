//! What a work clock goes by.

use std::path::PathBuf;

use danas_bench::Costs;
use serde::{Deserialize, Serialize};

/// The costs of a machine's work: a file that `danas bench --calibrate` wrote, or in the configuration of a run what stood
/// in it, so that the run depends on no other file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum WorkClock {
    /// The file.
    File(PathBuf),
    /// Its contents.
    Costs(Box<Costs>),
}

/// On the command line it is always a file.
pub(super) fn parse_work_clock(text: &str) -> Result<WorkClock, std::convert::Infallible> {
    Ok(WorkClock::File(PathBuf::from(text)))
}
