//! The fixed-point arithmetic of gemmlowp, as TensorFlow Lite for Microcontrollers uses it (with its default
//! double rounding). Every function here must give the same bits as the original.

/// A positive real number as `significand / 2^31 x 2^(left - right)`; one of the shifts is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Multiplier {
    significand: i32,
    left: u32,
    right: u32,
    /// Half of `2^right`, for rounding; 0 where nothing is shifted out.
    half: i64,
}

impl Multiplier {
    /// The largest shift of a 32 bit integer.
    const MAX_SHIFT: i32 = 31;

    /// The multiplier next to `real`, or `None` when it is not a positive number below 2^31. Numbers
    /// below about 2^-32 become 0, as in the original.
    pub(crate) fn new(real: f64) -> Option<Self> {
        if !(real.is_normal() && real > 0.0) {
            return None;
        }
        // frexp: the fraction in [0.5, 1) and the power of two of a normal number.
        const EXPONENT_BITS: u64 = 0x7ff << 52;
        let bits = real.to_bits();
        let mut shift = ((bits & EXPONENT_BITS) >> 52) as i32 - 1022;
        let fraction = f64::from_bits(bits & !EXPONENT_BITS | 1022 << 52);
        let mut significand = (fraction * (1u64 << 31) as f64).round() as i64;
        if significand == 1 << 31 {
            significand /= 2;
            shift += 1;
        }
        if shift > Self::MAX_SHIFT {
            return None;
        }
        if shift < -31 {
            (significand, shift) = (0, 0);
        }
        Some(Self::from_parts(significand as i32, shift))
    }

    /// `significand / 2^31 x 2^shift`; the shift is -31 to 31.
    fn from_parts(significand: i32, shift: i32) -> Self {
        Self {
            significand,
            left: shift.max(0) as u32,
            right: (-shift).max(0) as u32,
            half: (1 << (-shift).max(0)) >> 1,
        }
    }

    /// The multiplier of a mean of `count` numbers that are multiplied with this one: the original's QuantizedMeanOrSum
    /// puts as much of the division into the shift as it can, and cuts the rest off.
    pub(crate) fn divided_by(self, count: u32) -> Self {
        let shift = i32::from(self.shift());
        let moved = count.ilog2().min((31 + shift) as u32);
        let significand = (i64::from(self.significand) << moved) / i64::from(count);
        Self::from_parts(significand as i32, shift - moved as i32)
    }

    /// The factor of `2^-31`.
    pub(crate) fn significand(self) -> i32 {
        self.significand
    }

    /// The power of two, negative for numbers below 1/2: -31 to 31.
    pub(crate) fn shift(self) -> i8 {
        self.left as i8 - self.right as i8
    }

    /// The power of two, for numbers of at least 1; 0 for smaller ones.
    pub(crate) fn left_shift(self) -> u32 {
        self.left
    }

    /// `value` times this number: the original's MultiplyByQuantizedMultiplier.
    #[inline]
    pub(crate) fn apply(self, value: i32) -> i32 {
        let high = high_multiply(value.wrapping_shl(self.left), self.significand);
        // As rounding_divide_by_power, in fewer steps: ties away from zero.
        let towards_zero = i64::from(high < 0 && self.half > 0);
        ((high + self.half - towards_zero) >> self.right) as i32
    }

    /// The raw product for numbers of at least 1, without a division after it.
    #[inline]
    pub(crate) fn apply_greater_than_one(self, value: i32) -> i32 {
        doubling_high_multiply(value.wrapping_shl(self.left), self.significand)
    }
}

/// `a b / 2^31`, rounded to nearest (ties upwards).
#[inline]
fn high_multiply(a: i32, b: i32) -> i64 {
    // The original adds 1 - 2^30 to negative products and divides towards zero, which is the same.
    (i64::from(a) * i64::from(b) + (1 << 30)) >> 31
}

/// The upper half of `2 a b`, rounded to nearest (ties upwards) and saturated.
#[inline]
pub(crate) fn doubling_high_multiply(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    high_multiply(a, b) as i32
}

/// `value / 2^exponent` rounded to nearest, ties away from zero; `exponent` at most 31.
#[inline]
pub(crate) fn rounding_divide_by_power(value: i32, exponent: u32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    (value >> exponent) + i32::from(remainder > threshold)
}

/// `value x 2^exponent`, saturated.
#[inline]
pub(crate) fn saturating_multiply_by_power(value: i32, exponent: u32) -> i32 {
    let threshold = (1 << (31 - exponent)) - 1;
    if value > threshold {
        i32::MAX
    } else if value < -threshold {
        i32::MIN
    } else {
        value << exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_near_the_real_number() {
        for real in [1.0, 0.5, 0.9999999, 1.0e-3, 3.7, 2.0f64.powi(-31), 123.456] {
            let multiplier = Multiplier::new(real).unwrap();
            for value in [0, 1, -1, 1000, -1000, 1_000_000, -7_654_321] {
                let exact = f64::from(value) * real;
                let got = f64::from(multiplier.apply(value));
                assert!((exact - got).abs() <= 1.0, "{value} x {real}: {got}");
            }
        }
    }

    #[test]
    fn numbers_without_a_multiplier_are_refused() {
        for real in [0.0, -1.0, f64::NAN, f64::INFINITY, 2.0f64.powi(31), 1e-310] {
            assert_eq!(Multiplier::new(real), None, "{real}");
        }
        let tiny = Multiplier::new(2.0f64.powi(-40)).unwrap();
        assert_eq!(tiny.apply(i32::MAX), 0);
    }

    #[test]
    fn a_fraction_that_rounds_to_one_moves_into_the_shift() {
        let multiplier = Multiplier::new(1.0 - f64::EPSILON / 2.0).unwrap();
        assert_eq!((multiplier.significand, multiplier.left), (1 << 30, 1));
    }

    #[test]
    fn products_are_those_of_the_two_steps() {
        for real in [0.9, 0.5, 0.3, 1.0, 3.0, 0.01, 1e-5, 2.0f64.powi(-31)] {
            let multiplier = Multiplier::new(real).unwrap();
            for value in (-5000..5000).chain([1 << 28, -(1 << 28), 123_456_789]) {
                let high = doubling_high_multiply(value << multiplier.left, multiplier.significand);
                let expected = rounding_divide_by_power(high, multiplier.right);
                assert_eq!(multiplier.apply(value), expected, "{value} x {real}");
            }
        }
    }

    #[test]
    fn division_rounds_ties_away_from_zero() {
        assert_eq!(rounding_divide_by_power(5, 1), 3);
        assert_eq!(rounding_divide_by_power(-5, 1), -3);
        assert_eq!(rounding_divide_by_power(4, 3), 1);
        assert_eq!(rounding_divide_by_power(-4, 3), -1);
        assert_eq!(rounding_divide_by_power(-3, 3), 0);
        assert_eq!(rounding_divide_by_power(i32::MIN, 31), -1);
    }

    #[test]
    fn products_are_rounded_as_in_the_original() {
        let original = |a: i32, b: i32| {
            let product = i64::from(a) * i64::from(b);
            let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
            ((product + nudge) / (1 << 31)) as i32
        };
        for a in [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, i32::MAX, i32::MIN + 1] {
            for b in [1 << 29, 1 << 30, (1 << 30) + 1, 3 << 29, i32::MAX] {
                assert_eq!(doubling_high_multiply(a, b), original(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn products_saturate() {
        assert_eq!(doubling_high_multiply(i32::MIN, i32::MIN), i32::MAX);
        assert_eq!(doubling_high_multiply(1 << 30, 1 << 30), 1 << 29);
        assert_eq!(saturating_multiply_by_power(1 << 30, 2), i32::MAX);
        assert_eq!(saturating_multiply_by_power(-(1 << 30), 2), i32::MIN);
        assert_eq!(saturating_multiply_by_power(-3, 2), -12);
    }
}
