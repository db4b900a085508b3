//! The way of a search from examples to finished models. The order of the steps and the clock are decided here, what
//! they do is in the other rooms.

mod audit;
mod calibrating;
mod capacity;
mod card;
mod checkpoint;
pub(crate) mod columns;
mod course;
mod deploying;
mod description;
mod examples;
mod finishing;
mod objective;
mod only;
mod projection;
mod quantising;
mod records;
mod repairing;
mod scoring;
mod searching;
mod session;
mod training;
mod weights;
mod work;

use std::time::Instant;

use danas_bench::Work;
use danas_data::{Dataset, Split};
use danas_device::Target;
use danas_space::{Candidate, Infeasible, NetworkSpace, Sampler, SearchSpace, lower};
use danas_study::{Store, Study, Summary};

use crate::args::SpaceName;
use crate::clock::Phase;
use crate::commands::board;
use crate::config::Configuration;
use crate::interrupt;
use crate::message::{Blame, Failure, Outcome, Status, from_study};
use crate::progress::Screen;
use crate::result;
use description::Feasible;
use session::{Session, key};
use weights::{Weights, Wholes};

pub(crate) use audit::{Extent, audit};
pub(crate) use calibrating::{Calibration, Thoroughness, calibrate};
pub(crate) use deploying::{MODEL_FILES, evaluate, every_example};
pub(crate) use examples::{Found, decode, opened, prepare};

/// A finished run.
pub(crate) struct Finished {
    /// Whether anything meets the limits.
    pub(crate) status: Status,
    /// Everything that is known of it.
    pub(crate) summary: Summary,
}

/// Searches, or continues a search, or reads the result of a finished one.
///
/// # Errors
/// What any step finds wrong, and [`Status::Interrupted`] when a stop was asked for.
pub(crate) fn run(mut config: Configuration, started: Instant) -> Outcome<Finished> {
    let screen = Screen::new(config.quiet);
    let target = target(&config)?;
    let networks = networks(&config)?;
    config.adopt_choices_of_run()?;
    // A new run's folder is made only once there is something to search; a finished one's examples are not needed.
    let is_new = !config.out.join("study.sqlite").exists();
    let mut found = None;
    if is_new || config.resolutions.is_none() || config.colours.is_none() {
        let examples = Found::of(&config)?;
        objective::resolve(&config, examples.classes())?;
        examples.choose_space(&mut config)?;
        found = Some(examples);
    }
    interrupt::install();
    let session = Session::open(&config, &target, started, screen)?;
    if let Some(status) = session.finished()? {
        screen.say(format!(
            "the run in {} is finished; this is its result",
            config.out.display()
        ));
        return Ok(Finished {
            status: if status == Status::Done.code() {
                Status::Done
            } else {
                Status::Infeasible
            },
            summary: result::summary(&session.study)?,
        });
    }
    let found = match found {
        Some(found) => found,
        None => Found::of(&config)?,
    };
    let data = examples::data_space(&config)?;
    let dataset = examples::load_all(&session, found, &data)?;
    session.stop_if_asked()?;
    let space = SearchSpace::new(data, networks).or_input()?;
    if !session.is_over(Phase::Data)? {
        session
            .clock
            .spend(Work::Decoding, || examples::load_of(dataset.survey()));
        for file in dataset.skipped() {
            session
                .study
                .note(&format!("skipped {file}"))
                .map_err(from_study)?;
        }
        objective::hint(&session, &dataset)?;
        session.end_phase(Phase::Data, examples::found(&dataset), None)?;
    }
    let status = search_examples(&session, &space, &dataset)?;
    finish(&session, status)
}

/// Whether the search that a study records has come to its end.
pub(crate) fn is_finished(study: &Study) -> bool {
    matches!(study.get::<u8>(key::FINISHED), Ok(Some(_)))
}

/// The board and the limits that were asked for.
fn target(config: &Configuration) -> Outcome<Target> {
    let chosen = config
        .board
        .as_deref()
        .map(|name| board(name, config.boards_file.as_deref()))
        .transpose()?;
    Ok(Target::new(chosen, config.limits))
}

/// The network half of the search space, without what is decided already.
fn networks(config: &Configuration) -> Outcome<NetworkSpace> {
    let mut networks = match config.space {
        SpaceName::Mobile => NetworkSpace::default_space(),
        SpaceName::Mobilenetv2 => NetworkSpace::mobilenet_v2(),
        SpaceName::Njor2025 => NetworkSpace::njor2025(),
    };
    for fix in &config.fixed {
        networks.fix(&fix.gene, &fix.value).or_input()?;
    }
    Ok(networks)
}

/// The search proper: supernet, search, final training, deployment.
fn search_examples(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
) -> Outcome<Status> {
    let classes = dataset.classes().len();
    let violation =
        |candidate: &Candidate| searching::violation(session.target, candidate, classes);
    let sampler = match Sampler::new(space, &violation) {
        Ok(sampler) => sampler,
        Err(infeasible) => return nothing_fits(session, space, dataset, &infeasible),
    };
    if let Some(only) = sampler.only() {
        return train_only(session, space, dataset, &only);
    }
    description::record(session, space, dataset, Feasible::Several)?;
    let Some(cap) = capacity::macs_cap(session, space, dataset, &sampler)? else {
        return search_feasible(session, space, dataset, &sampler);
    };
    let capped = capacity::capped(session.target, cap);
    let violation = |candidate: &Candidate| searching::violation(&capped, candidate, classes);
    let sampler = Sampler::new(space, &violation).or_internal()?;
    search_feasible(session, space, dataset, &sampler)
}

fn search_feasible(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
) -> Outcome<Status> {
    if !session.config.method.has_separate_supernets() {
        return search_with(session, space, dataset, sampler, Wholes::new());
    }
    // A supernet that is trained as one network knows nothing of networks that are no part of it.
    let wholes = weights::wholes(sampler);
    let violation =
        |candidate: &Candidate| sampler.excess(candidate) + weights::excess(&wholes, candidate);
    let parts = Sampler::new(space, &violation).or_internal()?;
    search_with(session, space, dataset, &parts, wholes.clone())
}

fn search_with(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    sampler: &Sampler<'_>,
    wholes: Wholes,
) -> Outcome<Status> {
    let mut weights = Weights::new(session, space, dataset, sampler, wholes)?;
    searching::search(session, dataset, sampler, &mut weights)?;
    finish_models(session, dataset, weights)
}

/// Trains the only candidate that meets the limits.
///
/// # Errors
/// Those of training, and a failure of the user's input if the examples have a part for pretraining.
fn train_only(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    only: &Candidate,
) -> Outcome<Status> {
    examples::check_single_stage(dataset.rule())?;
    description::record(session, space, dataset, Feasible::One)?;
    let weights = only::prepare(session, space, dataset, only)?;
    finish_models(session, dataset, weights)
}

/// The way from the candidates that were chosen to their files.
fn finish_models(
    session: &Session<'_>,
    dataset: &Dataset,
    mut weights: Weights<'_>,
) -> Outcome<Status> {
    let finalists = finishing::train(session, dataset, &mut weights)?;
    Ok(if deploying::deploy(session, dataset, &finalists)? {
        Status::Done
    } else {
        Status::Infeasible
    })
}

/// Nothing meets the limits: what comes closest is recorded, untrained, and it is said which limit breaks by how much.
fn nothing_fits(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    infeasible: &Infeasible,
) -> Outcome<Status> {
    let classes = dataset.classes().len();
    description::record(session, space, dataset, Feasible::Nothing)?;
    for (candidate, _) in &infeasible.smallest {
        let record = searching::record(session, candidate, classes, None)?;
        session
            .study
            .record_candidate(&record)
            .map_err(from_study)?;
    }
    if let Some((closest, _)) = infeasible.smallest.first() {
        let cost = session.target.cost(&lower(closest, classes));
        let excesses: Vec<String> = session
            .target
            .excesses(&cost)
            .iter()
            .map(ToString::to_string)
            .collect();
        session.note(&format!(
            "nothing meets the limits; the closest ({}, {}) needs {}",
            closest.data,
            closest.network.summary(),
            excesses.join("; ")
        ))?;
    }
    Ok(Status::Infeasible)
}

/// The files for people, and the mark that the run is finished.
fn finish(session: &Session<'_>, status: Status) -> Outcome<Finished> {
    if !session.is_over(Phase::Report)? {
        let evaluated = session.study.models().map_err(from_study)?.len();
        let done = format!(
            "{} evaluated, report written",
            crate::output::plural(evaluated, "model")
        );
        session.end_phase(Phase::Report, done, None)?;
    }
    let summary = result::summary(&session.study)?;
    result::write_files(&session.folder, &summary)?;
    session.put(key::FINISHED, &status.code())?;
    for model in &summary.models {
        // Only there to continue from; a run that is finished is not continued.
        let _ = std::fs::remove_file(deploying::checkpoint_path(&session.folder, model.candidate));
    }
    let timed = session.plan()?.is_some();
    for phase in &summary.phases {
        let planned = if timed {
            format!(" of {:>6.1} s", phase.planned_seconds)
        } else {
            String::new()
        };
        session.screen.say(format!(
            "{:>14}: {:>6.1} s{planned}, {}",
            phase.name, phase.seconds, phase.done
        ));
    }
    session.save_clock()?;
    Ok(Finished { status, summary })
}

/// The split of a name on the command line.
pub(crate) fn split_of(name: crate::args::SplitName) -> Split {
    use crate::args::SplitName;
    match name {
        SplitName::Train => Split::Train,
        SplitName::Validation => Split::Validation,
        SplitName::Test => Split::Test,
    }
}

/// The pool of threads that everything computes in.
pub(crate) fn use_threads(threads: Option<usize>) -> Outcome<()> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder
        .build_global()
        .map_err(|error| Failure::internal(error).context("cannot start the threads"))
}
