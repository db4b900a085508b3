//! What is recorded of a run itself: what was asked, on what examples.

use danas_data::{Dataset, Split};
use danas_space::SearchSpace;
use danas_study::{ClassRecord, LimitRecord, RunRecord, Store};
use danas_supernet::ScoringOptions;

use crate::args::MethodName;
use crate::config::{Budget, Configuration};
use crate::message::{Outcome, from_study};
use crate::output::plural;
use crate::pipeline::objective;
use crate::pipeline::session::Session;
use crate::units::Span;

/// How much of the space meets the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feasible {
    Nothing,
    One,
    Several,
}

/// Records the description of the run.
pub(crate) fn record(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    feasible: Feasible,
) -> Outcome<()> {
    let target = session.target;
    let limits = target.limits();
    let record = RunRecord {
        source: session.config.data.clone(),
        board: target.board().map_or_else(
            || {
                format!(
                    "limits by hand (costs of a {})",
                    target.assumed_board().title
                )
            },
            |board| board.title.clone(),
        ),
        limits: LimitRecord {
            ram_bytes: limits.ram_bytes,
            flash_bytes: limits.flash_bytes,
            latency_ms: limits.latency_ms,
            macs: limits.macs,
        },
        objective: objective::resolve(session.config, dataset.classes())?,
        options: options(session, space, dataset, feasible),
        classes: dataset
            .counts()
            .into_iter()
            .map(|count| ClassRecord {
                name: count.class,
                train: count.train as u64,
                validation: count.validation as u64,
                test: count.test as u64,
                pretraining: count.pretraining as u64,
            })
            .collect(),
        validation_sample: validation_sample(dataset),
        data_configurations: space
            .data()
            .configs()
            .iter()
            .map(ToString::to_string)
            .collect(),
        feasible: feasible != Feasible::Nothing,
        latency_published: target.assumed_board().published,
        version: env!("CARGO_PKG_VERSION").to_string(),
    };
    session.study.set_run(&record).map_err(from_study)
}

/// The validation examples that scores are made of, where that is not all of them.
fn validation_sample(dataset: &Dataset) -> Option<u64> {
    let most = ScoringOptions::default().validation_examples;
    (most < dataset.len(Split::Validation)).then_some(most as u64)
}

/// Options worth reading.
fn options(
    session: &Session<'_>,
    space: &SearchSpace,
    dataset: &Dataset,
    feasible: Feasible,
) -> Vec<(String, String)> {
    let config = session.config;
    let budget = match config.budget {
        Budget::Time(time) => match &config.work_clock {
            None => Span(time).to_string(),
            Some(costs) => format!(
                "{} of the work of {} with {} and {}",
                Span(time),
                costs.processor,
                costs.isa,
                plural(costs.threads, "thread")
            ),
        },
        Budget::Steps(steps) => format!(
            "{} supernet steps, {} candidates, {} final steps",
            steps.supernet, steps.search, steps.finishing
        ),
    };
    let fixed: String = (config.fixed.iter())
        .map(|fix| format!(", {fix}"))
        .collect();
    [
        ("budget", budget),
        ("seed", config.seed.to_string()),
        (
            "objective",
            config.objective.clone().unwrap_or_default().to_string(),
        ),
        ("class weights", class_weights(config, dataset)),
        ("network space", format!("{}{fixed}", space.network().name)),
        (
            "candidates in the space",
            format!("{:.2e}", space.cardinality()),
        ),
        ("strategy", format!("{:?}", config.strategy).to_lowercase()),
        ("method", method(config.method, feasible).to_string()),
        ("models", config.models.to_string()),
        ("split", dataset.rule().to_string()),
        ("threads", rayon::current_num_threads().to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}

/// What a picture of each class counts in training.
fn class_weights(config: &Configuration, dataset: &Dataset) -> String {
    let counts = dataset.counts();
    let pictures: Vec<usize> = counts.iter().map(|class| class.train).collect();
    let weights = config.class_weights.of(&pictures);
    let least = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let most = weights.iter().copied().fold(0.0, f32::max);
    if least == most {
        return "all classes alike".to_string();
    }
    format!("{least:.2} to {most:.2}, inverse to how often a class occurs")
}

/// A method in words.
fn method(method: MethodName, feasible: Feasible) -> &'static str {
    match method {
        _ if feasible == Feasible::One => "the only candidate there is, trained from scratch",
        MethodName::Shared => "one supernet for all data configurations",
        MethodName::Separate => "a supernet per data configuration, candidates adapted to it",
        MethodName::None => "no supernet, candidates trained from scratch",
        MethodName::Paper => {
            "a supernet per data configuration, candidates adapted to it, no final training"
        }
    }
}
