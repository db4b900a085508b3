//! First and second moments.

use super::values;
use crate::{Moments, Source};

/// Naive [`crate::moments`].
pub fn moments(source: Source, k: usize, sums: &mut Moments) {
    for row in values(&source, k).chunks_exact(k) {
        for (one, value) in row.iter().enumerate() {
            sums.first[one] += value;
            for (other, second) in row.iter().enumerate() {
                sums.second[one * k + other] += value * second;
            }
        }
    }
}
