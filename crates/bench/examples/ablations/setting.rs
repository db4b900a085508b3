//! What all trials share: the audited run, costs, and limits.

use crate::past::PastRun;
use danas_bench::Costs;
use danas_device::{Limits, Target};
use danas_space::Candidate;
use std::error::Error;
use std::path::Path;

pub(crate) struct Setting {
    pub(crate) costs: Costs,
    pub(crate) run: PastRun,
    /// No board and no limits, apart from the run's of MACs.
    pub(crate) unlimited: Target,
    /// Candidates, and the validation accuracy that each reached alone.
    pub(crate) audited: Vec<(Candidate, f64)>,
}

impl Setting {
    /// Of an audited run, and costs.
    pub(crate) fn of(folder: &Path, costs: &Path) -> Result<Self, Box<dyn Error>> {
        let run = PastRun::open(folder)?;
        let audited = run.audited()?;
        eprintln!(
            "{} audited candidates of a run with seed {}",
            audited.len(),
            run.seed
        );
        let limits = Limits {
            macs: run.target.limits().macs,
            ..Limits::default()
        };
        Ok(Setting {
            costs: toml::from_str(&std::fs::read_to_string(costs)?)?,
            unlimited: Target::new(None, limits),
            audited,
            run,
        })
    }
}
