//! The examples of a run: what is there, what to search on it, and loading.

use danas_bench::Load;
use danas_data::{
    Catalogue, DataSpace, Dataset, Format, LoadEvent, LoadOptions, ReadLimits, Split, Survey, load,
    scan, survey,
};

use crate::config::Configuration;
use crate::message::{Failure, Outcome, from_data};
use crate::output::plural;
use crate::pipeline::session::{Session, key};
use crate::progress::Screen;

/// Lists and splits the examples.
pub(crate) fn find(config: &Configuration) -> Outcome<Catalogue> {
    let options = config.reading.scan_options(config.seed);
    scan(&config.source, &options).map_err(from_data)
}

/// Chooses the data configurations that were left open by the pictures' own sizes and colours.
pub(crate) fn choose_space(config: &mut Configuration, catalogue: &Catalogue) -> Outcome<()> {
    if config.resolutions.is_some() && config.colours.is_some() {
        return Ok(());
    }
    let survey = survey(catalogue, &ReadLimits::default()).map_err(from_data)?;
    config.adopt_choices(&DataSpace::suggested(&survey))
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

/// Decodes the examples at the granularity that the data space can use.
///
/// # Errors
/// What `danas-data` finds wrong, or that the examples are not those that the run began with.
pub(crate) fn load_all(
    session: &Session<'_>,
    catalogue: &Catalogue,
    space: &DataSpace,
) -> Outcome<Dataset> {
    let options = LoadOptions {
        finest: space.finest(),
        seed: session.config.seed,
        ..LoadOptions::default()
    };
    let dataset = decode(&session.screen, catalogue, &options)?;
    same_examples(session, &dataset)?;
    Ok(dataset)
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
    let task = screen.task("pictures", "pictures");
    let told = |event: LoadEvent<'_>| {
        if let LoadEvent::Decoded { done, total } = event {
            task.update(done as f64 / total.max(1) as f64, done as u64, String::new);
        }
    };
    let dataset = load(catalogue, options, &told).map_err(from_data)?;
    task.finish(found(&dataset));
    if !matches!(
        catalogue.recognised().format,
        Format::ClassFolders | Format::Synthetic
    ) {
        screen.say(format!("  recognised as {}", catalogue.recognised()));
    }
    for dropped in catalogue.dropped() {
        screen.say(format!("  {dropped}"));
    }
    for file in dataset.skipped().iter().take(MOST_NAMED) {
        screen.say(format!("  skipped {file}"));
    }
    if dataset.skipped().len() > MOST_NAMED {
        screen.say(format!(
            "  and {} more",
            dataset.skipped().len() - MOST_NAMED
        ));
    }
    Ok(dataset)
}

/// Skipped files that are named on the screen; the report has all.
const MOST_NAMED: usize = 10;

/// What was found, in a line.
pub(crate) fn found(dataset: &Dataset) -> String {
    let [train, validation, test] = Split::ALL.map(|split| dataset.len(split));
    let skipped = match dataset.skipped().len() {
        0 => String::new(),
        n => format!("; {} skipped", plural(n, "file")),
    };
    format!(
        "{} in {}: {train} train, {validation} validation, {test} test{skipped}",
        plural(train + validation + test, "picture"),
        plural(dataset.classes().len(), "class"),
    )
}

/// A continued run must see what it began with: scores of other examples cannot be compared.
fn same_examples(session: &Session<'_>, dataset: &Dataset) -> Outcome<()> {
    let now: Vec<String> = dataset
        .counts()
        .iter()
        .map(|class| {
            format!(
                "{}: {}, {}, {}",
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
