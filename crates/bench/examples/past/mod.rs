//! A finished search that an example takes up again: what it was asked, what it scored, and its examples.

use danas_data::{
    Augmentation, Catalogue, DataSpace, Dataset, LoadOptions, ScanOptions, load, scan,
};
use danas_device::{Limits, Target, boards};
use danas_space::{Candidate, NetworkSpace, SearchSpace};
use danas_study::{AuditRecord, CandidateRecord, RunFolder, RunRecord, Store};
use std::error::Error;
use std::path::Path;

/// A finished search.
pub(crate) struct PastRun {
    /// All that was scored, in the order of scoring.
    pub(crate) scored: Vec<(CandidateRecord, Candidate)>,
    /// The data configurations of what was scored, with all networks.
    pub(crate) space: SearchSpace,
    /// The run's limits, and as many MACs as the largest of what was scored: that is what its time allowed.
    pub(crate) target: Target,
    /// Of the run, and so of its validation split.
    pub(crate) seed: u64,
    audits: Vec<AuditRecord>,
    catalogue: Catalogue,
}

impl PastRun {
    /// Opens the run in a folder and reads which examples it has, with the same validation split.
    pub(crate) fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let study = RunFolder::read(folder)?.study;
        let record = study.run()?.ok_or("the run is not described")?;
        let scored = study.candidates()?.into_iter().map(|record| {
            let candidate = serde_json::from_str(&record.genome)?;
            Ok((record, candidate))
        });
        let scored = scored.collect::<Result<Vec<_>, serde_json::Error>>()?;
        let seed = seed(&record)?;
        let split = ScanOptions {
            seed,
            ..ScanOptions::default()
        };
        Ok(PastRun {
            space: space(&scored)?,
            target: target(&record, &scored),
            seed,
            audits: study.audits()?,
            catalogue: scan(&record.source.parse()?, &split)?,
            scored,
        })
    }

    /// The candidates that `danas audit` trained alone, with the validation accuracy that each reached.
    ///
    /// # Errors
    /// If there are too few to be ranked.
    pub(crate) fn audited(&self) -> Result<Vec<(Candidate, f64)>, Box<dyn Error>> {
        let steps = AuditRecord::usual_steps(&self.audits);
        let of = |id| {
            let mut audits = self.audits.iter();
            audits.find(|audit| audit.candidate == id && Some(audit.steps) == steps)
        };
        let audited: Vec<_> = (self.scored.iter())
            .filter_map(|(record, candidate)| {
                Some((candidate.clone(), of(record.id)?.val_accuracy))
            })
            .collect();
        match audited.len() {
            0..4 => Err("the run has no audit: `danas audit RUN` makes one".into()),
            _ => Ok(audited),
        }
    }

    /// The examples, with the orders and crops of a seed.
    pub(crate) fn examples(
        &self,
        seed: u64,
        augmentation: Augmentation,
    ) -> Result<Dataset, Box<dyn Error>> {
        let options = LoadOptions {
            finest: self.space.data().finest(),
            seed,
            augmentation,
            ..LoadOptions::default()
        };
        Ok(load(&self.catalogue, &options, &|_| {})?)
    }
}

fn seed(record: &RunRecord) -> Result<u64, Box<dyn Error>> {
    let mut options = record.options.iter();
    let seed = options.find(|(option, _)| option == "seed");
    let (_, seed) = seed.ok_or("no seed is recorded")?;
    Ok(seed.parse()?)
}

fn space(scored: &[(CandidateRecord, Candidate)]) -> Result<SearchSpace, Box<dyn Error>> {
    let configs = || scored.iter().map(|(_, candidate)| candidate.data);
    let mut resolutions: Vec<usize> = configs().map(|config| config.resolution).collect();
    let mut colours: Vec<_> = configs().map(|config| config.colour).collect();
    resolutions.sort_unstable();
    resolutions.dedup();
    colours.sort_unstable();
    colours.dedup();
    let data = DataSpace::new(resolutions, colours)?;
    Ok(SearchSpace::new(data, NetworkSpace::default_space())?)
}

fn target(record: &RunRecord, scored: &[(CandidateRecord, Candidate)]) -> Target {
    let board = boards().iter().find(|board| board.title == record.board);
    let limits = Limits {
        ram_bytes: record.limits.ram_bytes,
        flash_bytes: record.limits.flash_bytes,
        latency_ms: record.limits.latency_ms,
        macs: scored.iter().map(|(record, _)| record.cost.macs).max(),
    };
    Target::new(board.cloned(), limits)
}
