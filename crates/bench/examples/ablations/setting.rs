//! What all trials share: the run's examples, limits and audited candidates.

use danas_bench::Costs;
use danas_data::{Augmentation, DataSpace, Dataset, LoadOptions, ScanOptions, load, scan};
use danas_device::{Limits, Target, boards, find, parse_bytes};
use danas_space::{Candidate, NetworkSpace, SearchSpace};
use danas_study::{RunFolder, Store};
use std::error::Error;
use std::path::Path;

pub(crate) struct Setting {
    pub(crate) costs: Costs,
    pub(crate) space: SearchSpace,
    /// The run's limits, and as many MACs as its largest candidate has.
    pub(crate) target: Target,
    /// The same board without limits, apart from MACs.
    pub(crate) unlimited: Target,
    /// Candidates, and the validation accuracy that each reached alone.
    pub(crate) audited: Vec<(Candidate, f64)>,
    catalogue: danas_data::Catalogue,
}

/// What is read of a run's configuration.
#[derive(serde::Deserialize)]
struct Configuration {
    data: String,
    board: String,
    seed: u64,
    ram: Option<String>,
    flash: Option<String>,
    resolutions: Vec<usize>,
    colours: Vec<danas_data::Colour>,
}

impl Setting {
    /// Of an audited run, and costs.
    pub(crate) fn of(run: &Path, costs: &Path) -> Result<Self, Box<dyn Error>> {
        let study = RunFolder::read(run)?.study;
        let configuration: Configuration = toml::from_str(&study.config()?)?;
        let candidates = study.candidates()?;
        let mut audited = Vec::new();
        for audit in study.audits()? {
            let record = candidates
                .iter()
                .find(|record| record.id == audit.candidate);
            let record = record.ok_or("an audit of no candidate")?;
            audited.push((serde_json::from_str(&record.genome)?, audit.val_accuracy));
        }
        if audited.len() < 4 {
            return Err("the run has no audit: `danas audit RUN` makes one".into());
        }
        let macs = candidates.iter().map(|record| record.cost.macs).max();
        let limits = Limits {
            macs,
            ram_bytes: configuration.ram.as_deref().map(parse_bytes).transpose()?,
            flash_bytes: configuration
                .flash
                .as_deref()
                .map(parse_bytes)
                .transpose()?,
            ..Limits::default()
        };
        let board = find(boards(), &configuration.board)?.clone();
        let data = DataSpace {
            resolutions: configuration.resolutions,
            colours: configuration.colours,
        };
        // The same validation split as the audit's.
        let split = ScanOptions {
            seed: configuration.seed,
            ..ScanOptions::default()
        };
        Ok(Setting {
            costs: toml::from_str(&std::fs::read_to_string(costs)?)?,
            space: SearchSpace::new(data, NetworkSpace::default_space())?,
            target: Target::new(Some(board), limits),
            unlimited: Target::new(
                None,
                Limits {
                    macs,
                    ..Limits::default()
                },
            ),
            audited,
            catalogue: scan(&configuration.data.parse()?, &split)?,
        })
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
