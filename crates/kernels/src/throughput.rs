//! How fast the instructions themselves are: what kernels are measured against.

use crate::Isa;
use crate::vector::{Kernel, Vector, dispatch};

/// Does `rounds` rounds of multiply-adds that depend on no memory, in the calling thread, and returns the number of
/// floating-point operations, two per multiply-add and lane. Timed, that is the peak of a set of instructions; the
/// portable one has separate multiplications and additions, which count the same.
///
/// # Panics
/// When the machine does not have these instructions.
pub fn multiply_adds(isa: Isa, rounds: u64) -> u64 {
    // SAFETY: the kernel has no requirements.
    unsafe { dispatch(isa, MultiplyAdds { rounds }) }
}

struct MultiplyAdds {
    rounds: u64,
}

impl Kernel for MultiplyAdds {
    type Output = u64;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) -> u64 {
        // As many sums that do not wait for each other as fit into the registers beside factor and summand.
        // SAFETY: the caller has the instructions.
        unsafe {
            if V::REGISTERS >= 32 {
                self.chains::<V, 24>()
            } else {
                self.chains::<V, 12>()
            }
        }
    }
}

impl MultiplyAdds {
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn chains<V: Vector, const CHAINS: usize>(self) -> u64 {
        let mut lanes = [0.0; 16];
        // SAFETY: the caller has the instructions, and no vector has more than sixteen lanes.
        unsafe {
            // Neither the factor nor the summand is known to the compiler, and no value ever leaves 0 to 1.
            let factor = V::splat(std::hint::black_box(0.5));
            let summand = V::splat(std::hint::black_box(0.25));
            let mut sums = [V::splat(std::hint::black_box(0.0)); CHAINS];
            for _ in 0..self.rounds {
                for sum in &mut sums {
                    *sum = sum.mul_add(factor, summand);
                }
            }
            let total = sums.into_iter().fold(V::splat(0.0), V::add);
            total.store(lanes.as_mut_ptr());
        }
        std::hint::black_box(lanes);
        2 * self.rounds * (CHAINS * V::LANES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted() {
        for isa in Isa::available() {
            let sums = if matches!(isa, Isa::Avx512 | Isa::Neon) {
                24
            } else {
                12
            };
            assert_eq!(multiply_adds(isa, 0), 0);
            let expected = 2 * 1000 * (sums * isa.lanes()) as u64;
            assert_eq!(multiply_adds(isa, 1000), expected, "{isa}");
        }
    }

    /// Were the loop optimised away, ten times the rounds would take no longer.
    #[test]
    fn more_rounds_take_longer() {
        let seconds = |rounds| {
            let fastest = (0..5).map(|_| {
                let start = std::time::Instant::now();
                multiply_adds(Isa::detect(), rounds);
                start.elapsed()
            });
            fastest.min().expect("five runs").as_secs_f64()
        };
        let (short, long) = (seconds(100_000), seconds(3_000_000));
        assert!(long > 5.0 * short, "{short} s and {long} s");
    }
}
