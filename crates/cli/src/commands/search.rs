//! `danas search`.

use std::time::Instant;

use crate::args::SearchCommand;
use crate::config::Configuration;
use crate::message::{Outcome, Status};
use crate::{pipeline, result};

/// Checks what was asked for, searches, and prints the result.
pub(crate) fn search(command: SearchCommand, started: Instant) -> Outcome<Status> {
    let config = Configuration::resolve(command)?;
    pipeline::use_threads(config.threads)?;
    let (out, json) = (config.out.clone(), config.json);
    let finished = pipeline::run(config, started)?;
    result::print(&out, &finished.summary, json)?;
    Ok(finished.status)
}
