//! What a training step needs: memory once, and after the first step none that is new.
//!
//! A program of its own with a single test, because the allocator that counts is that of the whole program.

use std::alloc::System;

use danas_space::{Activation, Candidate, Operator, lower};
use danas_supernet::SingleTrainer;
use danas_supernet::workload::Workload;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Enough that the state to go back to is copied within them.
const STEPS: u64 = 52;

/// What is allocated and not given back.
fn held(stats: &Stats) -> usize {
    stats.bytes_allocated - stats.bytes_deallocated
}

/// What is allocated while `work` runs, on any thread.
fn allocated(work: impl FnOnce()) -> Stats {
    let region = Region::new(ALLOCATOR);
    work();
    region.change()
}

/// The most bytes that training a network on `images` may hold: every convolution's and every block's output once
/// (what the way back reads), two gradients as large as the largest hidden tensor and two as large as the largest block,
/// and the weights with their gradient, momentum, the good state of both, and the packed copies.
fn accounted_for(candidate: &Candidate, images: usize) -> usize {
    let graph = lower(candidate, Workload::CLASSES);
    let (mut stored, mut hidden, mut narrow) = (0, 0, 0);
    for layer in &graph.layers {
        let elements = layer.output.elements();
        match layer.operator {
            Operator::Depthwise { .. }
            | Operator::Convolution {
                activation: Activation::Relu6,
                ..
            } => {
                stored += elements;
                hidden = hidden.max(elements);
            }
            // A linear convolution ends a block, whose output is kept as well.
            Operator::Convolution { .. } => {
                stored += 2 * elements;
                narrow = narrow.max(elements);
            }
            _ => {}
        }
    }
    let values = images * (stored + 2 * hidden + 2 * narrow) + 7 * graph.parameters();
    values * size_of::<f32>()
}

#[test]
fn memory_is_allocated_by_the_first_step_alone_and_all_of_it_is_accounted_for() {
    let [workload, ..] = Workload::all();
    let batch = workload.batch();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .expect("a pool");
    // Within the pool, so that the engine's team has as many threads.
    pool.install(|| {
        let mut trainer: Option<SingleTrainer> = None;
        let first = allocated(|| {
            let supernet = workload.supernet(Workload::CLASSES);
            let trainer = trainer.insert(workload.trainer(supernet));
            trainer.step(&batch, 0.0).expect("a step");
        });
        let mut trainer = trainer.expect("it was made");
        let later = allocated(|| {
            for step in 1..STEPS {
                let progress = step as f64 / STEPS as f64;
                trainer.step(&batch, progress).expect("a step");
            }
        });
        assert_eq!(trainer.steps(), STEPS);
        assert_eq!(
            (later.allocations, later.reallocations),
            (0, 0),
            "steps after the first allocate"
        );
        // As no step allocates, what is held is the peak of each of them.
        let held = held(&first);
        let most = accounted_for(workload.candidate(), workload.images());
        println!(
            "{} holds {:.1} MB in training with {} pictures at a time, of {:.1} MB that are accounted for",
            workload.name(),
            held as f64 / 1e6,
            workload.images(),
            most as f64 / 1e6
        );
        assert!(held <= most, "{held} bytes are held, {most} accounted for");
    });
}
