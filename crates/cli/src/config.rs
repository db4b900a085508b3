//! The configuration of a search, resolved and checked: defaults, then `--preset NAME`, then `--config FILE`, then options.

mod file;
mod preset;

use std::path::{Path, PathBuf};
use std::time::Duration;

use danas_bench::Costs;
use danas_data::{Colour, DataSpace, Source};
use danas_device::Limits;
use danas_supernet::{ClassWeights, Isa, TrainingOptions};

use crate::args::{
    Fix, MethodName, ObjectiveName, Resolutions, SearchCommand, SearchOptions, SpaceName,
    StagedReading, Steps, StrategyName, WorkClock, parse_colour,
};
use crate::memory::MemoryLimit;
use crate::message::{Blame, Failure, Outcome};
use crate::units::{Bytes, Count, Milliseconds, Span};
use file::{overlay, read_file};

pub(crate) use file::costs;

/// The most models that are trained to the end.
const MAX_MODELS: usize = 32;
/// The most threads that can be asked for.
pub(crate) const MAX_THREADS: usize = 1024;

/// What a search may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    /// Wall-clock time for everything.
    Time(Duration),
    /// Steps of every phase: exactly reproducible.
    Steps(Steps),
}

/// A search as it will be done. What depends on the pictures (`resolutions`, `colours`) may still be open.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) data: String,
    pub(crate) source: Source,
    /// How the examples are read.
    pub(crate) reading: StagedReading,
    pub(crate) board: Option<String>,
    pub(crate) boards_file: Option<PathBuf>,
    /// What is maximised; `None` if nobody chose.
    pub(crate) objective: Option<ObjectiveName>,
    /// Limits given by hand.
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// What the run's clock goes by instead of time.
    pub(crate) work_clock: Option<Costs>,
    pub(crate) out: PathBuf,
    pub(crate) seed: u64,
    pub(crate) resolutions: Option<Resolutions>,
    pub(crate) colours: Option<Vec<Colour>>,
    pub(crate) space: SpaceName,
    /// Genes of the networks that are decided already.
    pub(crate) fixed: Vec<Fix>,
    pub(crate) strategy: StrategyName,
    /// When rare classes count more in training.
    pub(crate) class_weights: ClassWeights,
    pub(crate) method: MethodName,
    pub(crate) models: usize,
    /// How much memory may be used.
    pub(crate) memory: MemoryLimit,
    /// `None`: all cores.
    pub(crate) threads: Option<usize>,
    /// The instructions that the engine uses.
    pub(crate) isa: Isa,
    pub(crate) quiet: bool,
    pub(crate) json: bool,
}

impl Configuration {
    /// Reads preset and file, if they are given, lays the file over the preset and the options over both, and checks the
    /// whole.
    ///
    /// # Errors
    /// A failure of the user's input: an unreadable file, an unknown key, a value out of its range, no data, neither
    /// a board nor a limit.
    pub(crate) fn resolve(command: SearchCommand) -> Outcome<Self> {
        let preset = command.preset.map(preset::options).transpose()?;
        let file = command.config.as_deref().map(read_file).transpose()?;
        let isa = command.instructions.choice();
        let under = overlay(preset.unwrap_or_default(), file.unwrap_or_default());
        Self::check(overlay(under, command.options), isa)
    }

    fn check(mut options: SearchOptions, isa: Isa) -> Outcome<Self> {
        let fixed = fix_data(&mut options)?;
        let data = options.data.ok_or_else(|| {
            Failure::input_text("no examples are given").hint(
                "name a folder of pictures with --data FOLDER, or try the built-in ones: --data synthetic:objects",
            )
        })?;
        let source: Source = data.parse().map_err(crate::message::from_data)?;
        let limits = Limits {
            ram_bytes: options.ram.map(|Bytes(bytes)| bytes),
            flash_bytes: options.flash.map(|Bytes(bytes)| bytes),
            latency_ms: options.max_latency.map(|Milliseconds(ms)| ms),
            macs: options.max_macs.map(|Count(count)| count),
        };
        let unlimited = limits.ram_bytes.is_none()
            && limits.flash_bytes.is_none()
            && limits.latency_ms.is_none()
            && limits.macs.is_none();
        if options.board.is_none() && unlimited {
            return Err(Failure::input_text("neither a board nor a limit is given").hint(
                "name a board with --board NAME (`danas boards` lists them), or limits by hand: --ram 256KiB --flash 1MiB",
            ));
        }
        let budget = match (options.time, options.steps) {
            (Some(_), Some(_)) => {
                return Err(Failure::input_text("both `time` and `steps` are given")
                    .hint("a search has one budget: leave out one of them"));
            }
            (_, Some(steps)) => Budget::Steps(steps),
            (Some(Span(time)), None) => Budget::Time(time),
            (None, None) => Budget::Time(Duration::from_secs(600)),
        };
        let class_weights = (options.class_weights)
            .unwrap_or_else(|| default_class_weights(options.objective.as_ref()));
        let out = options
            .out
            .unwrap_or_else(|| default_out(&data, options.board.as_deref()));
        Ok(Configuration {
            source,
            data,
            reading: options.reading,
            board: options.board,
            boards_file: options.boards_file,
            objective: options.objective,
            limits,
            budget,
            work_clock: options.work_clock.map(costs).transpose()?,
            out,
            seed: options.seed.unwrap_or(0),
            resolutions: options.resolutions,
            colours: options.colours.map(checked_colours).transpose()?,
            space: options.space.unwrap_or(SpaceName::Mobile),
            fixed,
            strategy: options.strategy.unwrap_or(StrategyName::Nsga2),
            class_weights,
            method: options.method.unwrap_or(MethodName::Shared),
            models: within("models", options.models.unwrap_or(3), MAX_MODELS)?,
            memory: MemoryLimit::resolve(options.memory)?,
            threads: options
                .threads
                .map(|n| within("threads", n, MAX_THREADS))
                .transpose()?,
            isa,
            quiet: options.quiet,
            json: options.json,
        })
    }

    /// When classes are weighted, where that is not what follows from the objective.
    fn explicit_class_weights(&self) -> Option<ClassWeights> {
        let chosen = self.class_weights;
        (chosen != default_class_weights(self.objective.as_ref())).then_some(chosen)
    }

    /// How the supernet is trained.
    pub(crate) fn supernet_training(&self) -> TrainingOptions {
        TrainingOptions {
            class_weights: self.class_weights,
            ..TrainingOptions::supernet()
        }
    }

    /// How a candidate is trained alone.
    pub(crate) fn final_training(&self) -> TrainingOptions {
        TrainingOptions {
            class_weights: self.class_weights,
            ..TrainingOptions::final_training()
        }
    }

    /// What is stored with the run and must be the same when it is continued. How it is shown, where it stands and how
    /// many threads compute it change nothing in its results, and may differ; so may the instructions, because a run
    /// may move to another machine.
    fn decisive(&self) -> SearchOptions {
        let (time, steps) = match self.budget {
            Budget::Time(time) => (Some(Span(time)), None),
            Budget::Steps(steps) => (None, Some(steps)),
        };
        SearchOptions {
            data: Some(self.data.clone()),
            reading: self.reading.clone(),
            board: self.board.clone(),
            boards_file: self.boards_file.clone(),
            objective: self.objective.clone(),
            ram: self.limits.ram_bytes.map(Bytes),
            flash: self.limits.flash_bytes.map(Bytes),
            max_latency: self.limits.latency_ms.map(Milliseconds),
            max_macs: self.limits.macs.map(Count),
            time,
            out: None,
            seed: Some(self.seed),
            resolutions: self.resolutions.clone(),
            colours: self.colours.clone(),
            space: Some(self.space),
            fix: (!self.fixed.is_empty()).then(|| self.fixed.clone()),
            strategy: Some(self.strategy),
            class_weights: self.explicit_class_weights(),
            // Runs of before there was a choice can be continued.
            method: (self.method != MethodName::Shared).then_some(self.method),
            models: Some(self.models),
            memory: None,
            threads: None,
            quiet: false,
            json: false,
            steps,
            work_clock: (self.work_clock.clone()).map(|costs| WorkClock::Costs(Box::new(costs))),
        }
    }

    /// The text of the run's `config.toml`: it can be given back with `--config`.
    ///
    /// # Errors
    /// An internal failure if it cannot be written as TOML (a path that is not Unicode).
    pub(crate) fn to_toml(&self) -> Outcome<String> {
        let options = toml::to_string(&self.decisive()).or_internal()?;
        let version = env!("CARGO_PKG_VERSION");
        Ok(format!(
            "# A search of danas {version} ({}).\n# Continue or repeat it: danas search --config THIS_FILE --out FOLDER\n\n{options}",
            std::env::consts::ARCH
        ))
    }

    /// What is left to choose by the pictures takes these values.
    ///
    /// # Errors
    /// If a suggested resolution cannot be searched.
    pub(crate) fn adopt_choices(&mut self, space: &DataSpace) -> Outcome<()> {
        if self.resolutions.is_none() {
            let resolutions = Resolutions::checked(space.resolutions.clone());
            self.resolutions = Some(resolutions.map_err(anyhow::Error::msg).or_internal()?);
        }
        self.colours.get_or_insert_with(|| space.colours.clone());
        Ok(())
    }

    /// What is left to choose by the pictures takes the value that a run already in the folder has chosen.
    ///
    /// # Errors
    /// A failure of the user's input if there is a `config.toml` that is not one of a run.
    pub(crate) fn adopt_choices_of_run(&mut self) -> Outcome<()> {
        let stored = self.out.join("config.toml");
        if stored.is_file() {
            let stored = read_file(&stored)?;
            self.resolutions = self.resolutions.take().or(stored.resolutions);
            self.colours = self.colours.take().or(stored.colours);
        }
        Ok(())
    }
}

/// When classes are weighted if nobody says so. Where they differ in size weights cost accuracy, which somebody who asks for
/// just that does not want (15 points on pictures of 10 : 1, for 11 points of balanced accuracy).
fn default_class_weights(objective: Option<&ObjectiveName>) -> ClassWeights {
    match objective {
        Some(ObjectiveName::Accuracy) => ClassWeights::Never,
        _ => ClassWeights::Auto,
    }
}

/// `value`, if it is from 1 to `most`.
pub(crate) fn within(name: &str, value: usize, most: usize) -> Outcome<usize> {
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    Err(Failure::input_text(format!(
        "`{name}` is {value}; expected 1 to {most}"
    )))
}

/// Narrows the data configurations to those that `fix` decides, and returns what it decides of the networks.
fn fix_data(options: &mut SearchOptions) -> Outcome<Vec<Fix>> {
    let mut rest = Vec::new();
    for fix in options.fix.take().unwrap_or_default() {
        let refuse = |why: String| Failure::input_text(format!("`--fix {fix}`: {why}"));
        match fix.gene.as_str() {
            "resolution" => {
                let fixed: Resolutions = fix.value.parse().map_err(refuse)?;
                let given = options.resolutions.as_ref();
                let outside = |side: &usize| given.is_some_and(|g| !g.pixels().contains(side));
                if fixed.pixels().iter().any(outside) {
                    return Err(refuse(
                        "that is none of the resolutions to search".to_string(),
                    ));
                }
                options.resolutions = Some(fixed);
            }
            "colour" | "color" => {
                let fixed = parse_colour(&fix.value).map_err(refuse)?;
                if options
                    .colours
                    .as_ref()
                    .is_some_and(|given| !given.contains(&fixed))
                {
                    return Err(refuse(
                        "that is none of the colour modes to search".to_string(),
                    ));
                }
                options.colours = Some(vec![fixed]);
            }
            _ => rest.push(fix),
        }
    }
    Ok(rest)
}

/// Colour modes in their own order, each once.
fn checked_colours(mut colours: Vec<Colour>) -> Outcome<Vec<Colour>> {
    colours.sort_unstable();
    colours.dedup();
    if colours.is_empty() {
        return Err(Failure::input_text(
            "`colours` is empty; expected rgb, mono or both",
        ));
    }
    Ok(colours)
}

/// `runs/<data>-<board>`.
fn default_out(data: &str, board: Option<&str>) -> PathBuf {
    let name = match data.split_once(':') {
        Some(("synthetic", set)) => format!("synthetic-{}", set.split(',').next().unwrap_or(set)),
        _ => Path::new(data)
            .components()
            .next_back()
            .and_then(|part| match part {
                std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .unwrap_or_else(|| "pictures".to_string()),
    };
    Path::new("runs").join(format!("{name}-{}", board.unwrap_or("by-hand")))
}

#[cfg(test)]
mod tests;
