//! Softmax in integers: the fixed-point exponential and reciprocal of gemmlowp. A number `Qm` is an `i32`
//! that stands for itself times `2^(m - 31)`.

use crate::fixed_point::{
    Multiplier, doubling_high_multiply, rounding_divide_by_power, saturating_multiply_by_power,
};

/// Integer bits of the scaled differences to the maximum.
const DIFFERENCE_BITS: u32 = 5;
/// Integer bits of the sum of exponentials.
const SUM_BITS: u32 = 12;
/// The least sum of exponentials, 512, of which every share is at most half a unit of the output.
const LARGE_SUM: i64 = 512 << (31 - SUM_BITS);

/// How the inputs of a softmax are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Softmax {
    /// Makes the number with [`DIFFERENCE_BITS`] integer bits of a difference.
    pub(crate) multiplier: Multiplier,
    /// The least difference to the maximum whose exponential is not taken for 0.
    pub(crate) least: i32,
}

impl Softmax {
    /// The softmax of int8 inputs of the given scale; `None` if the scale is too small to be represented.
    pub(crate) fn new(scale: f32) -> Option<Self> {
        let real = f64::from(scale) * f64::from(1u32 << (31 - DIFFERENCE_BITS));
        if real.is_nan() || real <= 1.0 {
            return None;
        }
        let multiplier = Multiplier::new(real.min(f64::from(i32::MAX)))?;
        let radius = f64::from((1 << DIFFERENCE_BITS) - 1)
            * f64::from(1u32 << (31 - DIFFERENCE_BITS))
            / f64::from(1u32 << multiplier.left_shift());
        Some(Self {
            multiplier,
            least: -(radius.floor() as i32),
        })
    }

    /// The exponential of a difference (Q0), or `None` where it is taken for 0.
    fn exponential(self, difference: i32) -> Option<i32> {
        (difference >= self.least)
            .then(|| exponential(self.multiplier.apply_greater_than_one(difference)))
    }

    /// Softmax of one vector. Where more than 512 inputs are nearly equal all outputs are 0: the runtimes shift by more
    /// bits than a number has there, which gives something else on every machine.
    pub(crate) fn apply(self, input: &[i8], output: &mut [i8]) {
        let max = input.iter().copied().max().map_or(0, i32::from);
        let sum: i64 = input
            .iter()
            .filter_map(|&value| self.exponential(i32::from(value) - max))
            .map(|exponential| i64::from(rounding_divide_by_power(exponential, SUM_BITS)))
            .sum();
        if sum >= LARGE_SUM {
            output.fill(i8::MIN);
            return;
        }
        let sum = sum as i32;
        let leading = sum.leading_zeros();
        let fraction = ((sum as u32) << leading).wrapping_sub(1 << 31) as i32;
        let reciprocal = reciprocal_of_one_plus(fraction);
        let exponent = SUM_BITS - leading + 31 - 8;
        for (output, &value) in output.iter_mut().zip(input) {
            *output = match self.exponential(i32::from(value) - max) {
                Some(exponential) => {
                    let scaled = rounding_divide_by_power(
                        doubling_high_multiply(reciprocal, exponential),
                        exponent,
                    );
                    (scaled + i32::from(i8::MIN)).clamp(i32::from(i8::MIN), i32::from(i8::MAX))
                        as i8
                }
                None => i8::MIN,
            };
        }
    }
}

/// exp of a number in [-1/4, 0) (Q0) as Q0: four terms of the series around -1/8.
fn exponential_near_zero(value: i32) -> i32 {
    const EXP_OF_MINUS_ONE_EIGHTH: i32 = 1_895_147_668;
    const ONE_THIRD: i32 = 715_827_883;
    let x = value + (1 << 28);
    let x2 = doubling_high_multiply(x, x);
    let x3 = doubling_high_multiply(x2, x);
    let x4 = doubling_high_multiply(x2, x2);
    let x4_over_4 = rounding_divide_by_power(x4, 2);
    let higher_terms =
        rounding_divide_by_power(doubling_high_multiply(x4_over_4 + x3, ONE_THIRD) + x2, 1);
    EXP_OF_MINUS_ONE_EIGHTH + doubling_high_multiply(EXP_OF_MINUS_ONE_EIGHTH, x + higher_terms)
}

/// exp of a number that is not positive (Q5) as Q0.
fn exponential(value: i32) -> i32 {
    if value == 0 {
        return i32::MAX;
    }
    const QUARTER: i32 = 1 << 24;
    /// exp(-2^k) for k = -2 ..= 4.
    const POWERS: [i32; 7] = [
        1_672_461_947,
        1_302_514_674,
        790_015_084,
        290_630_308,
        39_332_535,
        720_401,
        242,
    ];
    let in_quarter = (value & (QUARTER - 1)) - QUARTER;
    let mut result =
        exponential_near_zero(saturating_multiply_by_power(in_quarter, DIFFERENCE_BITS));
    let remainder = in_quarter.wrapping_sub(value);
    for (bit, power) in (24..).zip(POWERS) {
        if remainder & (1 << bit) != 0 {
            result = doubling_high_multiply(result, power);
        }
    }
    result
}

/// 1 / (1 + x) for x in (0, 1) (Q0) as Q0: three Newton-Raphson steps.
fn reciprocal_of_one_plus(value: i32) -> i32 {
    const FORTY_EIGHT_SEVENTEENTHS: i32 = 1_515_870_810;
    const MINUS_THIRTY_TWO_SEVENTEENTHS: i32 = -1_010_580_540;
    let sum = i64::from(value) + i64::from(i32::MAX);
    let half_denominator = ((sum + if sum >= 0 { 1 } else { -1 }) / 2) as i32;
    let mut x = FORTY_EIGHT_SEVENTEENTHS
        + doubling_high_multiply(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS);
    for _ in 0..3 {
        let error = (1 << 29) - doubling_high_multiply(half_denominator, x);
        x += saturating_multiply_by_power(doubling_high_multiply(x, error), 2);
    }
    saturating_multiply_by_power(x, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_one() {
        for raw in [-1, -12_345, -(1 << 24), -(1 << 26), -(1 << 28), i32::MIN] {
            let exact = (f64::from(raw) / f64::from(1 << 26)).exp();
            let got = f64::from(exponential(raw)) / (1u32 << 31) as f64;
            assert!((exact - got).abs() < 1e-6, "exp({raw}): {got} {exact}");
        }
    }

    #[test]
    fn outputs_are_near_the_real_softmax() {
        for scale in [0.01, 0.1, 0.7, 30.0, 1e9] {
            let softmax = Softmax::new(scale).unwrap();
            let input = [-128i8, -20, 0, 17, 18, 127, 126];
            let mut output = [0i8; 7];
            softmax.apply(&input, &mut output);
            let exponentials: Vec<f64> = input
                .iter()
                .map(|&q| ((f64::from(q) - 127.0) * f64::from(scale)).exp())
                .collect();
            let sum: f64 = exponentials.iter().sum();
            for (exact, got) in exponentials.iter().zip(output) {
                let exact = (exact / sum * 256.0).min(255.0);
                assert!((exact - (f64::from(got) + 128.0)).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn scales_below_the_representable_are_refused() {
        assert_eq!(Softmax::new(1e-9), None);
        assert_eq!(Softmax::new(f32::NAN), None);
    }

    #[test]
    fn equal_inputs_share_equally() {
        let softmax = Softmax::new(0.05).unwrap();
        let mut output = [0i8; 4];
        softmax.apply(&[-128; 4], &mut output);
        assert_eq!(output, [-64; 4]);
    }

    #[test]
    fn many_equal_inputs_share_nothing() {
        let softmax = Softmax::new(0.05).unwrap();
        for (channels, share) in [(256, 1), (511, 1), (512, 0), (1000, 0), (5000, 0)] {
            let mut output = vec![0i8; channels];
            softmax.apply(&vec![3; channels], &mut output);
            assert_eq!(output, vec![i8::MIN + share; channels], "{channels}");
        }
        // One that stands out among many has what is its due.
        let mut input = vec![-128i8; 1000];
        input[7] = 127;
        let mut output = vec![0i8; 1000];
        softmax.apply(&input, &mut output);
        assert_eq!(output[7], 127);
    }
}
