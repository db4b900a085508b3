//! Whether other ways to score find more in the same work. Work is counted in seconds of the work clock, without the
//! pictures' rendering. Each RUN is the folder of a finished search.
//!
//! - `cargo run --release -p danas-bench --example scores -- fewer WORK_CLOCK SHARE RUN...`: fewer or cheaper scores, in SHARE of
//!   the recorded work.
//! - `cargo run --release -p danas-bench --example scores -- tuned WORK_CLOCK RUN STEPS...`: scores after so many steps of training
//!   each, in all of the recorded work. RUN has an audit.

mod fewer;
mod ground;
#[path = "../past/mod.rs"]
mod past;
mod prediction;
mod search;
mod tuned;

use std::path::Path;

use danas_bench::Costs;
use danas_data::{Augmentation, Dataset, Streams};
use danas_study::load_tensors;
use danas_supernet::{NamedTensor, Supernet};

use past::PastRun;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let experiment = next("`fewer` or `tuned`")?;
    let costs: Costs = toml::from_str(&std::fs::read_to_string(next("WORK_CLOCK")?)?)?;
    match experiment.as_str() {
        "fewer" => {
            let share = next("SHARE")?.parse()?;
            fewer::repeat_all(&costs, share, arguments)
        }
        "tuned" => {
            let folder = next("RUN")?;
            let steps: Result<Vec<u64>, _> = arguments.map(|steps| steps.parse()).collect();
            tuned::compare(&costs, Path::new(&folder), &steps?)
        }
        other => Err(format!("there is no experiment `{other}`").into()),
    }
}

/// A finished search with all that its scores are made of.
struct Past {
    run: PastRun,
    dataset: Dataset,
    supernet: Supernet,
}

impl Past {
    fn open(folder: &Path) -> Outcome<Self> {
        let run = PastRun::open(folder)?;
        let dataset = run.examples(run.seed, Augmentation::default())?;
        let stored = load_tensors(&folder.join("supernet.safetensors"))?;
        let tensors = stored.tensors.into_iter();
        let tensors: Vec<NamedTensor> = tensors
            .map(|(name, shape, values)| NamedTensor {
                name,
                shape,
                values,
            })
            .collect();
        let envelope = run.space.envelope();
        let mut supernet = Supernet::new(&envelope, dataset.classes().len(), &Streams::new(0));
        supernet.load_tensors(&tensors)?;
        Ok(Past {
            run,
            dataset,
            supernet,
        })
    }
}
