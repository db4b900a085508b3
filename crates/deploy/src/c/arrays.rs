//! Constant arrays: weights, and what makes outputs of sums.

use std::fmt::Write;

use serde::Serialize;

use crate::fixed_point::Multiplier;

/// The longest line of numbers, in characters.
const LINE: usize = 116;
/// Output channels whose weights lie side by side.
const BLOCK: usize = 4;

/// A constant array in C.
#[derive(Debug, Serialize)]
pub(super) struct Array {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    length: usize,
    values: String,
    #[serde(skip)]
    pub(super) bytes: usize,
}

impl Array {
    fn new<T: std::fmt::Display>(
        name: String,
        kind: &'static str,
        values: impl Iterator<Item = T> + Clone,
    ) -> Self {
        let length = values.clone().count();
        Self {
            name,
            kind,
            length,
            bytes: length * size_of::<T>(),
            values: rows(values),
        }
    }

    pub(super) fn int8(name: String, values: impl Iterator<Item = i8> + Clone) -> Self {
        Self::new(name, "int8_t", values)
    }

    pub(super) fn int32(name: String, values: impl Iterator<Item = i32> + Clone) -> Self {
        Self::new(name, "int32_t", values)
    }

    /// The biases and the multipliers of a layer's output channels.
    pub(super) fn requantisation(
        layer: &str,
        biases: &[i32],
        multipliers: &[Multiplier],
    ) -> [Array; 3] {
        let significands = multipliers
            .iter()
            .map(|multiplier| multiplier.significand());
        let shifts = multipliers.iter().map(|multiplier| multiplier.shift());
        [
            Self::int32(format!("{layer}_biases"), biases.iter().copied()),
            Self::int32(format!("{layer}_significands"), significands),
            Self::int8(format!("{layer}_shifts"), shifts),
        ]
    }
}

/// Numbers with commas between them, in lines of at most [`LINE`] characters.
pub(super) fn rows<T: std::fmt::Display>(values: impl Iterator<Item = T>) -> String {
    let mut text = String::from("   ");
    let mut start = 0;
    for value in values {
        let end = text.len();
        write!(text, " {value},").expect("writing to a string cannot fail");
        if text.len() - start > LINE {
            text.insert_str(end, "\n   ");
            start = end + 1;
        }
    }
    text
}

/// Weights `[outputs, inputs]` as `runtime/operators/matrix.h` reads them: `[outputs / 4, inputs, 4]`, and the outputs
/// that are left over one after the other.
pub(super) fn interleaved(weights: &[i8], inputs: usize) -> Vec<i8> {
    let blocks = weights.chunks_exact(BLOCK * inputs);
    let rest = blocks.remainder();
    let mut packed = Vec::with_capacity(weights.len());
    for block in blocks {
        for input in 0..inputs {
            packed.extend((0..BLOCK).map(|output| block[output * inputs + input]));
        }
    }
    packed.extend_from_slice(rest);
    packed
}

/// Biases of weights `[outputs, inputs]` that hold what the zero point of the input adds to every sum, modulo 2^32
/// as all sums are.
pub(super) fn folded_biases(
    biases: &[i32],
    weights: &[i8],
    inputs: usize,
    zero_point: i8,
) -> Vec<i32> {
    let sums = weights
        .chunks_exact(inputs)
        .map(|row| row.iter().map(|&weight| i32::from(weight)).sum::<i32>());
    biases
        .iter()
        .zip(sums)
        .map(|(bias, sum)| bias.wrapping_sub(sum.wrapping_mul(i32::from(zero_point))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_nothing_is_lost() {
        let numbers: Vec<i32> = (-200..200).map(|number| number * 7919).collect();
        let text = rows(numbers.iter());
        assert!(text.lines().count() > 10 && text.lines().all(|line| line.len() <= LINE));
        let read: Vec<i32> = text
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .collect();
        assert_eq!(read, numbers);
    }

    #[test]
    fn four_outputs_lie_side_by_side_and_the_rest_follows() {
        let weights: Vec<i8> = (0..12).collect();
        assert_eq!(
            interleaved(&weights, 2),
            [0, 2, 4, 6, 1, 3, 5, 7, 8, 9, 10, 11]
        );
    }

    #[test]
    fn folded_biases_do_the_work_of_the_zero_point() {
        let (weights, input, zero_point) = ([3i8, -5, 7, 127, -128, 1], [9i8, -128, 127], -77);
        let sum = |row: usize, zero_point: i8| -> i32 {
            (0..3)
                .map(|i| {
                    (i32::from(input[i]) - i32::from(zero_point)) * i32::from(weights[row * 3 + i])
                })
                .sum()
        };
        let folded = folded_biases(&[100, i32::MIN], &weights, 3, zero_point);
        assert_eq!(sum(0, 0) + folded[0], sum(0, zero_point) + 100);
        let wrapped = sum(1, 0).wrapping_add(folded[1]);
        assert_eq!(wrapped, sum(1, zero_point).wrapping_add(i32::MIN));
    }
}
