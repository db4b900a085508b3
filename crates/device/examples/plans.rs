//! How much a memory plan carried by the file gains over the one that TFLM makes, over random candidates of the
//! default search space: `cargo run --release -p danas-device --example plans [-- COUNT [SEED]]`.
//!
//! One line per set of kernels. `greedy best`: TFLM's own plan meets a proved bound; `smaller`: a better one was
//! found, by how much of the head on average and at most; `proved`: candidates whose plan is proved to be the best
//! there is; `gap`: the largest distance to the bound of the others.

use danas_device::{Kernels, MemoryPlan, best_plan, greedy_plan};
use danas_space::Graph;
use std::error::Error;
use std::time::Instant;

#[path = "../tests/common/candidates.rs"]
mod candidates;

const KERNELS: [(Kernels, &str); 6] = [
    (Kernels::Reference, "reference"),
    (Kernels::CmsisNn, "cmsis-nn"),
    (Kernels::CmsisNnDsp, "cmsis-nn dsp"),
    (Kernels::CmsisNnHelium, "cmsis-nn helium"),
    (Kernels::EspNn, "esp-nn"),
    (Kernels::EspNnVector, "esp-nn vector"),
];

const ROUNDS: usize = 6;

/// The plan of TFLM, the best one, and the microseconds that both took.
struct Comparison {
    greedy: MemoryPlan,
    best: MemoryPlan,
    greedy_us: f64,
    best_us: f64,
}

impl Comparison {
    fn new(graph: &Graph, kernels: Kernels) -> Self {
        let (greedy, greedy_us) = timed(|| greedy_plan(graph, kernels));
        let (best, best_us) = timed(|| best_plan(graph, kernels));
        Self {
            greedy,
            best,
            greedy_us,
            best_us,
        }
    }

    fn saved(&self) -> f64 {
        1.0 - self.best.head_bytes as f64 / self.greedy.head_bytes as f64
    }

    fn gap(&self) -> f64 {
        self.best.head_bytes as f64 / self.best.least_bytes as f64 - 1.0
    }
}

/// A plan, and the microseconds that it takes: the fastest time of several, as the machine does other things too.
fn timed(make: impl Fn() -> MemoryPlan) -> (MemoryPlan, f64) {
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        std::hint::black_box(make());
        fastest = started.elapsed().as_secs_f64().min(fastest);
    }
    (make(), fastest * 1e6)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(7), |text| text.parse())?;
    let graphs = candidates::graphs(count, seed);
    for (kernels, name) in KERNELS {
        let comparisons: Vec<Comparison> = graphs
            .iter()
            .map(|graph| Comparison::new(graph, kernels))
            .collect();
        println!("{name:15} {}", summary(&comparisons));
    }
    Ok(())
}

fn summary(comparisons: &[Comparison]) -> String {
    let count = |what: &dyn Fn(&Comparison) -> bool| comparisons.iter().filter(|c| what(c)).count();
    let best = count(&|c| c.greedy.head_bytes == c.best.least_bytes);
    let smaller = count(&|c| c.best.head_bytes < c.greedy.head_bytes);
    let proved = count(&|c| c.best.head_bytes == c.best.least_bytes);
    let saved: f64 = comparisons.iter().map(Comparison::saved).sum();
    let most = comparisons
        .iter()
        .map(Comparison::saved)
        .fold(0.0, f64::max);
    let gap = comparisons.iter().map(Comparison::gap).fold(0.0, f64::max);
    let mut times: Vec<f64> = comparisons.iter().map(|c| c.best_us).collect();
    let mut greedy: Vec<f64> = comparisons.iter().map(|c| c.greedy_us).collect();
    times.sort_by(f64::total_cmp);
    greedy.sort_by(f64::total_cmp);
    let at = |times: &[f64], percent: usize| times[(times.len() - 1) * percent / 100];
    format!(
        "greedy best {best:3}, smaller {smaller:3} (of these {:.1} % on average, {:.1} % at most), proved {proved:3}, \
         gap {:.1} %; us: greedy {:.0}, best {:.0} in the middle, {:.0} at 90 %, {:.0} at 99 %, {:.0} at most",
        100.0 * saved / smaller.max(1) as f64,
        100.0 * most,
        100.0 * gap,
        at(&greedy, 50),
        at(&times, 50),
        at(&times, 90),
        at(&times, 99),
        at(&times, 100),
    )
}
