//! Whether fewer or cheaper scores find the same front in the same work: finished searches are repeated from their first
//! scores on, with the same supernets and limits, in two other ways.
//!
//! - `as recorded`: every proposal gets a full score.
//! - `refined`: a proposal is scored on few pictures first, and in full only if no candidate that was scored in full dominates
//!   what it may be.
//! - `predicted`: the same with a prediction in place of the rough score: a ridge regression over genes and logarithms of
//!   costs, learnt from the scores so far.
//!
//! `cargo run --release -p danas --example fewer_scores -- WORK_CLOCK SHARE RUN...`, where SHARE is that of the recorded
//! work which the other ways may spend. Work is counted in seconds of the work clock, without the pictures' rendering.

mod prediction;

use std::collections::HashMap;
use std::path::Path;

use danas_bench::{Costs, Load, Work};
use danas_data::{
    DataSpace, Dataset, LoadOptions, ScanOptions, Source, Split, Streams, load, scan,
};
use danas_device::{Limits, Target, boards};
use danas_search::{Nsga2, Nsga2Options, Objectives, Strategy, hypervolume, kendall_tau};
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace, lower};
use danas_study::{CandidateRecord, CostRecord, RunFolder, RunRecord, Store, load_tensors};
use danas_supernet::{NamedTensor, Scorer, ScoringOptions, Supernet};

/// Scores that all ways have in common: the first population.
const COMMON: usize = 32;
/// Pictures of a rough score.
const ROUGH: ScoringOptions = ScoringOptions {
    calibration_examples: 128,
    validation_examples: 256,
    kept_bytes: 1 << 30,
};
/// How many proposals in a row may be passed over by a prediction.
const PASSED_OVER: usize = 8;
/// What a prediction is thought to be off by before it was ever compared.
const UNKNOWN: f64 = 0.1;
/// Moments at which the front is looked at.
const MOMENTS: usize = 10;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let costs: Costs = toml::from_str(&std::fs::read_to_string(next("WORK_CLOCK")?)?)?;
    let share: f64 = next("SHARE")?.parse()?;
    println!("run,way,scores,proposals,tau,best,hypervolume after each tenth of the work");
    for run in arguments {
        repeat(Path::new(&run), &costs, share)?;
    }
    Ok(())
}

/// Repeats one search.
fn repeat(run: &Path, costs: &Costs, share: f64) -> Outcome<()> {
    let study = RunFolder::read(run)?.study;
    let record = study.run()?.ok_or("the run is not described")?;
    let recorded = study.candidates()?;
    let dataset = examples(&record, &recorded)?;
    let ground = Ground::new(&record, &recorded, &dataset, costs)?;
    let supernet = supernet(run, &ground)?;
    let past: Vec<Scored> = ground.recorded(&recorded)?;
    let budget = share * past.iter().map(|scored| scored.work).sum::<f64>();
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let settled = settled(&ground, &past);
    println!("# {name}: {} scores recorded; {settled}", past.len());
    println!(
        "# {name}: a score made again differs by {:.4}",
        again(&supernet, &dataset, &past)
    );
    let tell = |way: &str, found: &Found| {
        let volumes = ground.course(&found.scored, budget);
        let volumes: Vec<String> = volumes
            .iter()
            .map(|volume| format!("{volume:.4}"))
            .collect();
        let best = found.scored.iter().map(|scored| scored.objectives.error);
        let best = 1.0 - best.fold(1.0, f64::min);
        let (scores, proposals, tau) = (found.scored.len(), found.proposals, found.tau);
        println!(
            "{name},{way},{scores},{proposals},{tau:.3},{best:.4},{}",
            volumes.join(",")
        );
    };
    let within = within(&past, budget);
    let proposals = within.len();
    tell(
        "as recorded",
        &Found {
            scored: within,
            proposals,
            tau: f64::NAN,
        },
    );
    for way in [Way::Refined, Way::Predicted] {
        let search = Search {
            ground: &ground,
            dataset: &dataset,
            supernet: &supernet,
        };
        tell(way.name(), &search.run(way, &past, budget)?);
    }
    Ok(())
}

/// The scores that are made before the work is done.
fn within(past: &[Scored], budget: f64) -> Vec<Scored> {
    let mut spent = 0.0;
    let fits = |scored: &&Scored| {
        spent += scored.work;
        spent <= budget
    };
    past.iter().take_while(fits).cloned().collect()
}

/// After which share of the work the front was within one percent of its last hypervolume.
fn settled(ground: &Ground<'_>, past: &[Scored]) -> String {
    let all: f64 = past.iter().map(|scored| scored.work).sum();
    let shares = (1..=50).map(|part| f64::from(part) / 50.0);
    let volume = |share: f64| ground.volume(&within(past, share * all));
    let last = volume(1.0 + 1e-9);
    let mut shares = shares.filter(|&share| volume(share) >= 0.99 * last);
    let share = shares.next().unwrap_or(1.0);
    format!("hypervolume {last:.4}, of which 99 % after {share:.2} of {all:.1} s of work")
}

/// The greatest difference that a few recorded scores have to those made now.
fn again(supernet: &Supernet, dataset: &Dataset, past: &[Scored]) -> f64 {
    let mut scorer = Scorer::new(supernet, dataset, ScoringOptions::default());
    let few = past.iter().step_by(past.len().div_ceil(4).max(1));
    let off = few.map(|scored| {
        let accuracy = scorer.score(&scored.candidate).tally.accuracy();
        (1.0 - accuracy - scored.objectives.error).abs()
    });
    off.fold(0.0, f64::max)
}

/// The examples of a run.
fn examples(record: &RunRecord, recorded: &[CandidateRecord]) -> Outcome<Dataset> {
    let source: Source = record.source.parse()?;
    let seed = option(record, "seed")?.parse()?;
    let options = ScanOptions {
        seed,
        ..ScanOptions::default()
    };
    let catalogue = scan(&source, &options)?;
    let options = LoadOptions {
        finest: space(recorded)?.data().finest(),
        seed,
        ..LoadOptions::default()
    };
    Ok(load(&catalogue, &options, &|_| {})?)
}

fn option<'a>(record: &'a RunRecord, name: &str) -> Outcome<&'a str> {
    let found = record.options.iter().find(|(option, _)| option == name);
    Ok(found
        .map(|(_, value)| value.as_str())
        .ok_or(format!("no {name} is recorded"))?)
}

/// The space that was searched: the data configurations of what was scored.
fn space(recorded: &[CandidateRecord]) -> Outcome<SearchSpace> {
    let mut resolutions = Vec::new();
    let mut colours = Vec::new();
    for record in recorded {
        let candidate: Candidate = serde_json::from_str(&record.genome)?;
        resolutions.push(candidate.data.resolution);
        colours.push(candidate.data.colour);
    }
    resolutions.sort_unstable();
    resolutions.dedup();
    colours.sort_unstable();
    colours.dedup();
    let data = DataSpace::new(resolutions, colours)?;
    Ok(SearchSpace::new(data, NetworkSpace::default_space())?)
}

fn supernet(run: &Path, ground: &Ground<'_>) -> Outcome<Supernet> {
    let stored = load_tensors(&run.join("supernet.safetensors"))?;
    let tensors = stored.tensors.into_iter();
    let tensors: Vec<NamedTensor> = tensors
        .map(|(name, shape, values)| NamedTensor {
            name,
            shape,
            values,
        })
        .collect();
    let mut supernet = Supernet::new(&ground.space.envelope(), ground.classes, &Streams::new(0));
    supernet.load_tensors(&tensors)?;
    Ok(supernet)
}

/// A candidate with its full score and the work that it took to know it.
#[derive(Clone)]
struct Scored {
    candidate: Candidate,
    objectives: Objectives,
    work: f64,
}

/// What the ways have in common.
struct Ground<'a> {
    space: SearchSpace,
    target: Target,
    classes: usize,
    costs: &'a Costs,
    /// Pictures of a full score, for recalibration and for its answers.
    pictures: [usize; 2],
    seed: u64,
    /// The least and the greatest of every cost.
    scales: [[f64; 2]; 3],
}

impl<'a> Ground<'a> {
    fn new(
        record: &RunRecord,
        recorded: &[CandidateRecord],
        dataset: &Dataset,
        costs: &'a Costs,
    ) -> Outcome<Self> {
        let board = boards().iter().find(|board| board.title == record.board);
        // What the time allowed is what was scored at most.
        let macs = recorded.iter().map(|record| record.cost.macs).max();
        let limits = Limits {
            ram_bytes: record.limits.ram_bytes,
            flash_bytes: record.limits.flash_bytes,
            latency_ms: record.limits.latency_ms,
            macs,
        };
        let full = ScoringOptions::default();
        let scale = |cost: usize| {
            let values = recorded.iter().map(|record| of_record(&record.cost)[cost]);
            values.fold([f64::INFINITY, 0.0], |[least, most], value: f64| {
                [least.min(value), most.max(value)]
            })
        };
        Ok(Ground {
            space: space(recorded)?,
            target: Target::new(board.cloned(), limits),
            classes: dataset.classes().len(),
            costs,
            pictures: [
                full.calibration_examples.min(dataset.len(Split::Train)),
                full.validation_examples.min(dataset.len(Split::Validation)),
            ],
            seed: option(record, "seed")?.parse()?,
            scales: [scale(0), scale(1), scale(2)],
        })
    }

    fn recorded(&self, recorded: &[CandidateRecord]) -> Outcome<Vec<Scored>> {
        let scored = recorded.iter().map(|record| {
            let candidate: Candidate = serde_json::from_str(&record.genome)?;
            Ok(Scored {
                objectives: Objectives {
                    error: 1.0 - record.val_accuracy,
                    costs: of_record(&record.cost),
                    violation: record.violation,
                },
                work: self.work(&candidate, self.pictures),
                candidate,
            })
        });
        scored.collect()
    }

    /// Seconds of the work clock that a score on so many pictures takes.
    fn work(&self, candidate: &Candidate, [calibration, validation]: [usize; 2]) -> f64 {
        let load = |pictures| Load::of(candidate, self.classes, pictures);
        self.costs.seconds(Work::Recalibration, &load(calibration))
            + self.costs.seconds(Work::Inference, &load(validation))
    }

    /// What is known of a candidate whose error is this.
    fn objectives(&self, candidate: &Candidate, error: f64) -> Objectives {
        let cost = self.target.cost(&lower(candidate, self.classes));
        Objectives {
            error,
            costs: [
                cost.arena_bytes as f64,
                cost.flash_bytes as f64,
                cost.latency_ms,
            ],
            violation: self.target.violation(&cost),
        }
    }

    /// The hypervolume of scored candidates: over the error as a share of that of guessing, and costs on a logarithmic scale
    /// between the least and the greatest of the recorded search.
    fn volume(&self, scored: &[Scored]) -> f64 {
        let guessing = 1.0 - 1.0 / self.classes as f64;
        let points: Vec<[f64; 4]> = (scored.iter())
            .map(|scored| {
                let costs = scored.objectives.costs.iter().zip(&self.scales);
                let mut costs =
                    costs.map(|(cost, [least, most])| (cost / least).ln() / (most / least).ln());
                let mut cost = || costs.next().unwrap_or(1.0);
                [scored.objectives.error / guessing, cost(), cost(), cost()]
            })
            .collect();
        hypervolume(&points, &[1.0; 4])
    }

    /// The hypervolume after every tenth of the work.
    fn course(&self, scored: &[Scored], budget: f64) -> Vec<f64> {
        let moments = (1..=MOMENTS).map(|moment| moment as f64 / MOMENTS as f64);
        moments
            .map(|share| self.volume(&within(scored, share * budget)))
            .collect()
    }
}

fn of_record(cost: &CostRecord) -> [f64; 3] {
    [
        cost.arena_bytes as f64,
        cost.flash_bytes as f64,
        cost.latency_ms,
    ]
}

/// How it is decided which proposals are scored in full.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Refined,
    Predicted,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Refined => "refined",
            Way::Predicted => "predicted",
        }
    }
}

/// What a search has come to.
struct Found {
    scored: Vec<Scored>,
    proposals: usize,
    /// Kendall's tau of the estimates with the scores that followed.
    tau: f64,
}

struct Search<'a> {
    ground: &'a Ground<'a>,
    dataset: &'a Dataset,
    supernet: &'a Supernet,
}

impl Search<'_> {
    /// Searches on from the first recorded scores.
    fn run(&self, way: Way, past: &[Scored], budget: f64) -> Outcome<Found> {
        let ground = self.ground;
        let violation = |candidate: &Candidate| ground.objectives(candidate, 0.0).violation;
        let sampler = Sampler::new(&ground.space, &violation).map_err(|_| "nothing fits")?;
        let streams = Streams::new(ground.seed);
        let mut strategy = Nsga2::new(&sampler, streams, Vec::new(), Nsga2Options::default())?;
        let known: HashMap<&Candidate, f64> = past
            .iter()
            .map(|scored| (&scored.candidate, scored.objectives.error))
            .collect();
        let mut scored: Vec<Scored> = past[..COMMON.min(past.len())].to_vec();
        for first in &scored {
            strategy.observe(&first.candidate, &first.objectives);
        }
        let mut full = Scorer::new(self.supernet, self.dataset, ScoringOptions::default());
        let mut rough = Scorer::new(self.supernet, self.dataset, ROUGH);
        let mut spent: f64 = scored.iter().map(|first| first.work).sum();
        let (mut proposals, mut passed_over, mut unpaid) = (scored.len(), 0, 0.0);
        let mut compared: Vec<(f64, f64)> = Vec::new();
        while spent < budget {
            let Some(candidate) = strategy.propose() else {
                break;
            };
            proposals += 1;
            let (estimate, doubt) = match way {
                Way::Refined => {
                    let most = [ROUGH.calibration_examples, ROUGH.validation_examples];
                    let pictures = [0, 1].map(|at| most[at].min(ground.pictures[at]));
                    let work = ground.work(&candidate, pictures);
                    spent += work;
                    unpaid += work;
                    let error = 1.0 - rough.score(&candidate).tally.accuracy();
                    (error, (error * (1.0 - error) / pictures[1] as f64).sqrt())
                }
                Way::Predicted => (
                    prediction::error(&scored, &candidate, ground.classes),
                    0.5 * mean_error(&compared),
                ),
            };
            let hoped = ground.objectives(&candidate, estimate - doubt);
            let hopeless = scored
                .iter()
                .any(|other| other.objectives.dominates(&hoped));
            passed_over = if hopeless { passed_over + 1 } else { 0 };
            if hopeless && (way == Way::Refined || passed_over < PASSED_OVER) {
                continue;
            }
            let error = match known.get(&candidate) {
                Some(&error) => error,
                None => 1.0 - full.score(&candidate).tally.accuracy(),
            };
            compared.push((estimate, error));
            let work = ground.work(&candidate, ground.pictures);
            spent += work;
            let objectives = ground.objectives(&candidate, error);
            strategy.observe(&candidate, &objectives);
            // What was passed over before was paid for, too.
            let work = work + std::mem::take(&mut unpaid);
            scored.push(Scored {
                candidate,
                objectives,
                work,
            });
        }
        let tau = kendall_tau(&compared).unwrap_or(f64::NAN);
        Ok(Found {
            scored,
            proposals,
            tau,
        })
    }
}

/// By how much the last estimates were off, as the root of the mean square.
fn mean_error(compared: &[(f64, f64)]) -> f64 {
    let last = &compared[compared.len().saturating_sub(COMMON)..];
    let squares: f64 = last
        .iter()
        .map(|(estimate, error)| (estimate - error).powi(2))
        .sum();
    match last.is_empty() {
        true => UNKNOWN,
        false => (squares / last.len() as f64).sqrt(),
    }
}
