//! Images per second of training MobileNetV2 on fixed pictures, for comparison with the scripts in `benches/peers`:
//! `cargo run --release -p danas-supernet --example mobilenet -- [THREADS [STEPS]]`.

use std::time::Instant;

use danas_data::{Batch, Colour, DataConfig, Streams};
use danas_space::{Candidate, Expansion, NetworkSpace, StageSpace, lower};
use danas_supernet::{SingleTrainer, Supernet, TrainingOptions};

/// A workload: MobileNetV2 of some width on some input.
struct Workload {
    name: &'static str,
    stem: usize,
    widths: [usize; 7],
    head: usize,
    data: DataConfig,
    batch: usize,
}

/// The space that holds just this network.
fn space(workload: &Workload) -> NetworkSpace {
    let depths = [1, 2, 3, 4, 3, 3, 1];
    let strides = [1, 2, 2, 2, 1, 2, 1];
    let stage = |s: usize| StageSpace {
        stride: strides[s],
        widths: vec![workload.widths[s]],
        min_depth: depths[s],
        max_depth: depths[s],
        expansions: vec![Expansion(if s == 0 { 10 } else { 60 })],
        kernels: vec![3],
    };
    NetworkSpace {
        name: workload.name.to_owned(),
        stem: vec![workload.stem],
        stem_strides: vec![2],
        fine_stem_up_to: 0,
        head: vec![workload.head],
        head_after_last_stage: false,
        tied_expansion: false,
        mono_width_percent: 100,
        stages: (0..7).map(stage).collect(),
    }
}

fn measure(workload: &Workload, steps: usize) {
    let space = space(workload);
    let candidate = Candidate {
        data: workload.data,
        network: space.largest(),
    };
    let shape = workload.data.input_shape();
    let bytes = workload.batch * shape.height * shape.width * shape.channels;
    let batch = Batch {
        shape,
        pixels: (0..bytes)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8)
            .collect(),
        labels: (0..workload.batch).map(|i| i % 2).collect(),
    };
    let supernet = Supernet::new(&space, 2, &Streams::new(1));
    let mut trainer = SingleTrainer::new(supernet, &candidate, TrainingOptions::default());
    let mut run = |steps: usize| {
        let start = Instant::now();
        for _ in 0..steps {
            trainer
                .step(&batch, None, 0.1)
                .expect("fixed pictures do not diverge");
        }
        start.elapsed().as_secs_f64()
    };
    run(2);
    let seconds = run(steps);
    let images = (steps * workload.batch) as f64 / seconds;
    // Forward and the two products of the way back, two operations each.
    let flops = 6.0 * lower(&candidate, 2).macs() as f64 * images;
    println!(
        "{} danas {images:.0} images/s, {:.1} GFLOP/s",
        workload.name,
        flops / 1e9
    );
}

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse::<usize>().expect("a number"));
    let threads = numbers.next().unwrap_or(0);
    let steps = numbers.next().unwrap_or(20);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("the first pool");
    let narrow = [8, 8, 16, 24, 32, 56, 112];
    let data = |resolution, colour| DataConfig { resolution, colour };
    let workloads = [
        Workload {
            name: "W1",
            stem: 16,
            widths: narrow,
            head: 1280,
            data: data(96, Colour::Rgb),
            batch: 64,
        },
        Workload {
            name: "W2",
            stem: 32,
            widths: [16, 24, 32, 64, 96, 160, 320],
            head: 1280,
            data: data(96, Colour::Rgb),
            batch: 32,
        },
        Workload {
            name: "W3",
            stem: 16,
            widths: narrow,
            head: 1280,
            data: data(48, Colour::Mono),
            batch: 64,
        },
    ];
    for workload in &workloads {
        measure(workload, steps);
    }
}
