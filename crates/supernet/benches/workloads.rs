//! Training and inference of the three workloads on every instruction set of this machine, on all threads: criterion's
//! "elements per second" are pictures per second. (`danas bench` measures the same per number of threads, in turns.)

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use danas_supernet::Isa;
use danas_supernet::workload::Workload;

fn workloads(criterion: &mut Criterion) {
    for isa in Isa::available() {
        for workload in Workload::all() {
            let mut group = criterion.benchmark_group(format!("{}-{isa}", workload.name()));
            group.sample_size(10);
            group.throughput(Throughput::Elements(workload.images() as u64));
            let supernet = workload.supernet(Workload::CLASSES).with_isa(isa);
            let batch = workload.batch();
            let network = workload.network(&supernet);
            let mut trainer = workload.trainer(supernet);
            group.bench_function("train", |bencher| {
                bencher.iter(|| {
                    let report = trainer.step(&batch, 0.1);
                    black_box(report.expect("fixed pictures do not diverge"))
                });
            });
            group.bench_function("inference", |bencher| {
                bencher.iter(|| black_box(network.logits(&batch.pixels)));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, workloads);
criterion_main!(benches);
