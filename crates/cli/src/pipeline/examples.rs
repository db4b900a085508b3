//! The examples of a run: what is there, what to search on it, and loading.

use std::path::Path;

use danas_bench::Load;
use danas_data::{
    Augmentation, Catalogue, DataError, DataSpace, Dataset, Format, LoadEvent, LoadOptions,
    MappedSplit, OpenOptions, PrepareEvent, PrepareOptions, PreparedSet, ReadLimits, ScanOptions,
    SkippedFile, Source, Split, SplitRule, Survey, load, project, scan, survey,
};

use crate::args::MethodName;
use crate::config::Configuration;
use crate::interrupt;
use crate::memory::MemoryLimit;
use crate::message::{Failure, Outcome, from_data};
use crate::output::plural;
use crate::pipeline::session::{Session, key};
use crate::progress::Screen;
use crate::units::readable_bytes;

/// What is at a source of examples.
pub(crate) enum Found {
    /// Pictures that are still to be decoded.
    Listed(Box<Catalogue>),
    /// A prepared folder.
    Prepared(Box<PreparedSet>),
}

impl Found {
    /// What a search was given.
    pub(crate) fn of(config: &Configuration) -> Outcome<Self> {
        let found = Self::at(&config.source, &config.reading.scan_options(config.seed))?;
        found.check_method(config.method)?;
        Ok(found)
    }

    /// Lists and splits the examples of a source, or opens a prepared folder, which was split when it was prepared.
    ///
    /// # Errors
    /// What `danas-data` finds wrong, or that a prepared folder has not the parts that `options` name.
    pub(crate) fn at(source: &Source, options: &ScanOptions) -> Outcome<Self> {
        if let Source::Folder(path) = source
            && PreparedSet::is_at(path)
        {
            let set = PreparedSet::open(path).map_err(from_data)?;
            check_parts(&set, &options.split_map)?;
            return Ok(Found::Prepared(Box::new(set)));
        }
        let catalogue = scan(source, options).map_err(from_data)?;
        Ok(Found::Listed(Box::new(catalogue)))
    }

    /// The data configurations that make sense: by the pictures' own sizes and colours, or those that were prepared for.
    pub(crate) fn suggested_space(&self) -> Outcome<DataSpace> {
        match self {
            Found::Listed(catalogue) => {
                let survey = survey(catalogue, &ReadLimits::default()).map_err(from_data)?;
                Ok(DataSpace::suggested(&survey))
            }
            Found::Prepared(set) => Ok(set.space().clone()),
        }
    }

    /// Whether a method can train on these parts.
    ///
    /// # Errors
    /// It trains no supernet in two stages.
    pub(crate) fn check_method(&self, method: MethodName) -> Outcome<()> {
        match method {
            MethodName::Shared => Ok(()),
            MethodName::Separate | MethodName::None | MethodName::Paper => {
                self.check_single_stage()
            }
        }
    }

    /// Whether the examples can be trained on without a supernet for all data configurations.
    ///
    /// # Errors
    /// They have a part for pretraining.
    pub(crate) fn check_single_stage(&self) -> Outcome<()> {
        check_single_stage(match self {
            Found::Listed(catalogue) => catalogue.rule(),
            Found::Prepared(set) => set.rule(),
        })
    }

    /// The names of the classes.
    pub(crate) fn classes(&self) -> &[String] {
        match self {
            Found::Listed(catalogue) => catalogue.classes(),
            Found::Prepared(set) => set.classes(),
        }
    }

    /// Chooses the data configurations that were left open.
    pub(crate) fn choose_space(&self, config: &mut Configuration) -> Outcome<()> {
        if config.resolutions.is_some() && config.colours.is_some() {
            return Ok(());
        }
        config.adopt_choices(&self.suggested_space()?)
    }
}

/// Whether a prepared folder uses the parts of its source as it is now asked for.
fn check_parts(set: &PreparedSet, map: &[MappedSplit]) -> Outcome<()> {
    match map.iter().find(|m| set.rule().use_of(&m.name) != m.split) {
        None => Ok(()),
        Some(other) => Err(Failure::input_text(format!(
            "{} was not prepared with {other}; its split is: {}",
            set.folder().display(),
            set.rule()
        ))
        .hint("prepare its source again with the same options, into another folder")),
    }
}

/// The data half of the search space.
pub(crate) fn data_space(config: &Configuration) -> Outcome<DataSpace> {
    let resolutions = config
        .resolutions
        .as_ref()
        .map(|list| list.pixels().to_vec())
        .unwrap_or_default();
    let colours = config.colours.clone().unwrap_or_default();
    DataSpace::new(resolutions, colours).map_err(from_data)
}

/// Whether a training of one stage leaves no part out.
///
/// # Errors
/// There is a part for pretraining.
pub(crate) fn check_single_stage(rule: &SplitRule) -> Outcome<()> {
    let Some(part) = rule.origin(Split::Pretraining) else {
        return Ok(());
    };
    Err(Failure::input_text(format!(
        "{} is for pretraining, but only one supernet for all data configurations is trained in two stages",
        part.name()
    ))
    .hint("leave out --pretrain-split, or compare within the method that has it (--method shared)"))
}

/// Makes the examples ready at the granularity that the data space can use: in memory where they fit, else prepared.
///
/// # Errors
/// What `danas-data` finds wrong, or that the examples are not those that the run began with.
pub(crate) fn load_all(session: &Session<'_>, found: Found, space: &DataSpace) -> Outcome<Dataset> {
    let dataset = match found {
        Found::Prepared(set) => {
            set.check_space(space).map_err(from_data)?;
            opened_for_run(session, *set)?
        }
        Found::Listed(catalogue) => load_or_prepare(session, &catalogue, space)?,
    };
    same_examples(session, &dataset)?;
    Ok(dataset)
}

/// Loads the examples of a catalogue, or prepares them into the run's folder if they do not fit into memory.
fn load_or_prepare(
    session: &Session<'_>,
    catalogue: &Catalogue,
    space: &DataSpace,
) -> Outcome<Dataset> {
    let (seed, memory) = (session.config.seed, session.config.memory);
    let folder = session.folder.path().join("prepared");
    let options = LoadOptions {
        finest: space.finest(),
        seed,
        limits: ReadLimits {
            max_bytes: memory.pictures(),
            ..ReadLimits::default()
        },
        ..LoadOptions::default()
    };
    let begun = PreparedSet::is_at(&folder);
    let foretold = project(catalogue, options.finest, &options.limits).map_err(from_data)?;
    if !begun && foretold.bytes <= memory.pictures() {
        match try_decode(&session.screen, catalogue, &options) {
            Err(DataError::TooMuchMemory { .. }) => {}
            result => {
                mixed(session, u64::MAX)?;
                return result.map_err(from_data);
            }
        }
    }
    if !begun {
        session.note(&format!(
            "the pictures take about {} at {} pixels, more than half of the memory limit ({memory}): they are prepared \
             into {} once, and read from there (`danas prepare` does it for many searches)",
            readable_bytes(foretold.bytes),
            options.finest,
            folder.display()
        ))?;
    }
    let set = prepare(
        &session.screen,
        catalogue,
        &folder,
        &PrepareOptions::new(space.clone()),
    )?;
    opened_for_run(session, set)
}

/// The examples of a prepared folder, of which no more than the limit allows come into memory.
pub(crate) fn opened(set: PreparedSet, seed: u64, memory: MemoryLimit) -> Outcome<Dataset> {
    let mixed = memory.share_of(set.bytes());
    open_mixed(set, seed, memory, mixed)
}

fn open_mixed(set: PreparedSet, seed: u64, memory: MemoryLimit, mixed: u64) -> Outcome<Dataset> {
    let options = OpenOptions {
        seed,
        augmentation: Augmentation::default(),
        resident: memory.share_of(set.bytes()),
        mixed,
    };
    set.dataset(&options).map_err(from_data)
}

/// The same for a run, which mixes as it did when it began.
fn opened_for_run(session: &Session<'_>, set: PreparedSet) -> Outcome<Dataset> {
    let memory = session.config.memory;
    let mixed = mixed(session, memory.share_of(set.bytes()))?;
    open_mixed(set, session.config.seed, memory, mixed)
}

/// How many bytes of pictures the run mixes at a time: `now`, unless it began otherwise. With another limit on memory a
/// continued run must not see its pictures in another order.
fn mixed(session: &Session<'_>, now: u64) -> Outcome<u64> {
    if let Some(begun) = session.get(key::MIXED)? {
        return Ok(begun);
    }
    session.put(key::MIXED, &now)?;
    Ok(now)
}

/// Prepares with a bar, and says what was found.
pub(crate) fn prepare(
    screen: &Screen,
    catalogue: &Catalogue,
    folder: &Path,
    options: &PrepareOptions,
) -> Outcome<PreparedSet> {
    let task = screen.task("prepared", "pictures");
    let told = |event: PrepareEvent<'_>| match event {
        PrepareEvent::Started { done, total, bytes } => {
            let before = match done {
                0 => String::new(),
                done => format!("; {done} of them are there already"),
            };
            task.say(&format!(
                "{} will take about {} on disk{before}",
                plural(total, "picture"),
                readable_bytes(bytes)
            ));
        }
        PrepareEvent::Written { done, total } => {
            task.update(done as f64 / total.max(1) as f64, done as u64, String::new);
        }
        PrepareEvent::Skipped(_) => {}
    };
    let set = danas_data::prepare(catalogue, folder, options, &told, &interrupt::requested)
        .map_err(from_data)?;
    task.finish(format!(
        "{} in {}, shorter side at most {} pixels",
        readable_bytes(set.bytes()),
        folder.display(),
        set.finest()
    ));
    say_layout(screen, catalogue);
    say_skipped(screen, set.skipped());
    Ok(set)
}

/// What decoding pictures of these sizes consists of.
pub(crate) fn load_of(survey: &Survey) -> Load {
    let pixels = survey.width.median * survey.height.median;
    Load::of_pixels((survey.pictures * pixels) as f64)
}

/// Decodes with a bar, and says what was found.
pub(crate) fn decode(
    screen: &Screen,
    catalogue: &Catalogue,
    options: &LoadOptions,
) -> Outcome<Dataset> {
    try_decode(screen, catalogue, options).map_err(from_data)
}

fn try_decode(
    screen: &Screen,
    catalogue: &Catalogue,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let task = screen.task("pictures", "pictures");
    let told = |event: LoadEvent<'_>| {
        if let LoadEvent::Decoded { done, total } = event {
            task.update(done as f64 / total.max(1) as f64, done as u64, String::new);
        }
    };
    let dataset = load(catalogue, options, &told)?;
    task.finish(found(&dataset));
    say_layout(screen, catalogue);
    say_skipped(screen, dataset.skipped());
    Ok(dataset)
}

/// Says what a source was recognised as, where that is not plain, and what of it was dropped.
fn say_layout(screen: &Screen, catalogue: &Catalogue) {
    if !matches!(
        catalogue.recognised().format,
        Format::ClassFolders | Format::Synthetic
    ) {
        screen.say(format!("  recognised as {}", catalogue.recognised()));
    }
    for dropped in catalogue.dropped() {
        screen.say(format!("  {dropped}"));
    }
}

/// Names the first of the files that are not used.
pub(crate) fn say_skipped(screen: &Screen, skipped: &[SkippedFile]) {
    /// How many; the report has all.
    const MOST_NAMED: usize = 10;
    for file in skipped.iter().take(MOST_NAMED) {
        screen.say(format!("  skipped {file}"));
    }
    if skipped.len() > MOST_NAMED {
        screen.say(format!("  and {} more", skipped.len() - MOST_NAMED));
    }
}

/// What was found, in a line.
pub(crate) fn found(dataset: &Dataset) -> String {
    let [train, validation, test, pretraining] = Split::ALL.map(|split| dataset.len(split));
    let first = match pretraining {
        0 => String::new(),
        n => format!("{n} pretraining, "),
    };
    let skipped = match dataset.skipped().len() {
        0 => String::new(),
        n => format!("; {} skipped", plural(n, "file")),
    };
    format!(
        "{} in {}: {first}{train} train, {validation} validation, {test} test{skipped}",
        plural(train + validation + test + pretraining, "picture"),
        plural(dataset.classes().len(), "class"),
    )
}

/// A continued run must see what it began with: scores of other examples cannot be compared.
fn same_examples(session: &Session<'_>, dataset: &Dataset) -> Outcome<()> {
    let now: Vec<String> = dataset
        .counts()
        .iter()
        .map(|class| {
            let first = match class.pretraining {
                0 => String::new(),
                n => format!("{n}, "),
            };
            format!(
                "{}: {first}{}, {}, {}",
                class.class, class.train, class.validation, class.test
            )
        })
        .collect();
    match session.get::<Vec<String>>(key::EXAMPLES)? {
        None => session.put(key::EXAMPLES, &now),
        Some(before) if before == now => Ok(()),
        Some(before) => {
            let differing = now.iter().zip(&before).find(|(now, before)| now != before);
            let (now, before) = differing.map_or(
                (now.len().to_string(), before.len().to_string()),
                |(now, before)| (now.clone(), before.clone()),
            );
            Err(Failure::input_text(format!(
                "the examples are not those that the run in {} began with (`{before}`, now `{now}`; train, validation, test)",
                session.folder.path().display()
            ))
            .hint("choose another folder with --out for the changed examples"))
        }
    }
}
