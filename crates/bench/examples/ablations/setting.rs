//! What all trials share: the audited run, costs, and limits.

use crate::past::PastRun;
use danas_bench::Costs;
use danas_device::{Limits, Target};
use danas_space::Candidate;
use danas_study::{RunFolder, Store};
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
        let audited = audited(folder, &run)?;
        if audited.len() < 4 {
            return Err("the run has no audit: `danas audit RUN` makes one".into());
        }
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

/// The candidates that `danas audit` trained alone, with the validation accuracy that each reached in the most steps.
fn audited(folder: &Path, run: &PastRun) -> Result<Vec<(Candidate, f64)>, Box<dyn Error>> {
    let audits = RunFolder::read(folder)?.study.audits()?;
    let longest = run.scored.iter().filter_map(|(record, candidate)| {
        let own = audits.iter().filter(|audit| audit.candidate == record.id);
        let longest = own.max_by_key(|audit| audit.steps)?;
        Some((candidate.clone(), longest.val_accuracy))
    });
    Ok(longest.collect())
}
