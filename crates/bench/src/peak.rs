//! The machine's own speed: multiply-adds that touch no memory.

use std::time::{Duration, Instant};

use danas_kernels::{Isa, multiply_adds};
use rayon::ThreadPool;

/// Rounds between two looks at the clock: a fraction of a millisecond.
const ROUNDS: u64 = 20_000;

/// GFLOP/s of all threads of `pool` together, while each computes for `span`.
pub(crate) fn sample(isa: Isa, pool: &ThreadPool, span: Duration) -> f64 {
    let rates = pool.broadcast(|_| {
        multiply_adds(isa, ROUNDS);
        let (started, mut operations) = (Instant::now(), 0);
        while operations == 0 || started.elapsed() < span {
            operations += multiply_adds(isa, ROUNDS);
        }
        operations as f64 / started.elapsed().as_secs_f64()
    });
    rates.iter().sum::<f64>() / 1e9
}
