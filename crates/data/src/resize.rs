//! Resizing in exact integer arithmetic.
//!
//! An axis that shrinks is averaged over exact fractional boxes: output `i` of `n_out` covers the input interval
//! `[i n_in / n_out, (i + 1) n_in / n_out)`, and every input pixel counts by how much of it is covered. An axis that
//! grows is interpolated linearly between pixel centres at `(i + 1/2) n_in / n_out - 1/2`, with the edge repeated. Both
//! are ratios of integers; numerators are summed over both axes without any rounding, and the quotient is rounded
//! once, half up. So the result does not depend on the order of the sums, and another program can repeat it.
//!
//! Sums are kept in floating point where that is exact: all terms are integers, in `f32` while the sum stays below
//! 2^24 and in `f64` otherwise.

mod axis;

use axis::Axis;
use multiversion::multiversion;

/// The largest side of a picture, so that a row's sums (at most 255 times the side) are exact in `f32`.
pub(crate) const MAX_SIDE: usize = 65_535;

/// A rectangle of an interleaved picture of 1 or 3 channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pixels<'a> {
    /// The bytes from the rectangle's first pixel on.
    pub(crate) bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub(crate) stride: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// 1 or 3.
    pub(crate) channels: usize,
}

/// What a rectangle is resized to, and which part of that is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// Width that the whole rectangle gets.
    pub(crate) width: usize,
    /// Height that the whole rectangle gets.
    pub(crate) height: usize,
    /// First column that is wanted.
    pub(crate) left: usize,
    /// First row that is wanted.
    pub(crate) top: usize,
    /// How many columns are wanted.
    pub(crate) columns: usize,
    /// How many rows are wanted.
    pub(crate) rows: usize,
    /// Whether the wanted part is flipped left to right.
    pub(crate) mirror: bool,
}

impl Goal {
    /// All of a picture of this size.
    pub(crate) fn whole(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            left: 0,
            top: 0,
            columns: width,
            rows: height,
            mirror: false,
        }
    }
}

/// Resizes pictures; keeps its tables and buffers from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Resizer {
    rows: Axis,
    columns: Axis,
    /// The sums over the input rows of one output row, while they fit 16 bits.
    narrow: Vec<u16>,
    /// The same as floats, for all columns that are needed, and a few floats of padding.
    line: Vec<f32>,
    /// The sums of one output row, and padding.
    sums: Vec<f64>,
}

impl Resizer {
    /// Resizes `source` and writes the wanted part, `[rows, columns, channels]`, to `out`.
    ///
    /// Sides must be between 1 and [`MAX_SIDE`]; `out` must have the length that the goal says.
    pub(crate) fn resize(&mut self, source: Pixels<'_>, goal: Goal, out: &mut [u8]) {
        debug_assert_eq!(out.len(), goal.rows * goal.columns * source.channels);
        self.rows
            .set(source.height, goal.height, goal.top, goal.rows);
        self.columns
            .set(source.width, goal.width, goal.left, goal.columns);
        if source.channels == 1 {
            resize_rows::<1, 1>(self, source, goal, out);
        } else {
            // A pixel is loaded as four floats, the last of which belongs to its neighbour and is dropped.
            resize_rows::<3, 4>(self, source, goal, out);
        }
    }
}

/// [`Resizer::resize`] with the axes set: compiled for several sets of instructions, of which the machine's best is called.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2", "x86_64+avx2"))]
fn resize_rows<const C: usize, const LANES: usize>(
    resizer: &mut Resizer,
    source: Pixels<'_>,
    goal: Goal,
    out: &mut [u8],
) {
    let (first, end) = resizer.columns.extent();
    let length = (end - first) * C;
    resizer.narrow.resize(length, 0);
    resizer.line.clear();
    resizer.line.resize(length + LANES, 0.0);
    resizer.sums.resize(goal.columns * C + LANES - C, 0.0);
    let denominator = u64::from(resizer.rows.denominator) * u64::from(resizer.columns.denominator);
    let rounding = Rounding::new(denominator);
    let exact_in_f32 = denominator * 256 < 1 << 24;
    for (y, out) in out.chunks_exact_mut(goal.columns * C).enumerate() {
        let (start, weights) = resizer.rows.taps(y);
        let row = |index: usize| {
            let from = (start + index) * source.stride + first * C;
            &source.bytes[from..from + length]
        };
        if resizer.rows.denominator <= 257 {
            sum_rows_narrow(weights, row, &mut resizer.narrow);
            for (float, &sum) in resizer.line.iter_mut().zip(&resizer.narrow) {
                *float = f32::from(sum);
            }
        } else {
            sum_rows_wide(weights, row, &mut resizer.line[..length]);
        }
        // Each way is called by its name, so that it is compiled for the same instructions as this function.
        macro_rules! sum {
            ($float:ty, $taps:literal) => {
                sum_columns::<$float, C, LANES, $taps>(
                    &resizer.line,
                    first,
                    &resizer.columns,
                    goal.mirror,
                    &mut resizer.sums,
                )
            };
        }
        match (exact_in_f32, resizer.columns.tap_count()) {
            (true, 1) => sum!(f32, 1),
            (true, 2) => sum!(f32, 2),
            (true, 3) => sum!(f32, 3),
            (true, 4) => sum!(f32, 4),
            (true, 5) => sum!(f32, 5),
            (true, _) => sum!(f32, 0),
            (false, 2) => sum!(f64, 2),
            (false, 3) => sum!(f64, 3),
            (false, 4) => sum!(f64, 4),
            (false, 5) => sum!(f64, 5),
            (false, _) => sum!(f64, 0),
        }
        for (byte, &sum) in out.iter_mut().zip(&resizer.sums) {
            *byte = rounding.divide(sum);
        }
    }
}

/// Sums weighted rows in 16 bits: the weights sum to at most 257, so the sums to at most 65,535.
#[inline(always)]
fn sum_rows_narrow<'a>(weights: &[f32], row: impl Fn(usize) -> &'a [u8], sums: &mut [u16]) {
    for (index, &weight) in weights.iter().enumerate() {
        let weight = weight as u16;
        let bytes = row(index).iter().zip(sums.iter_mut());
        if index == 0 {
            bytes.for_each(|(&byte, sum)| *sum = weight * u16::from(byte));
        } else if weight > 0 {
            bytes.for_each(|(&byte, sum)| *sum += weight * u16::from(byte));
        }
    }
}

/// Sums weighted rows in `f32`, exactly: all sums are integers below 2^24 as sides are at most [`MAX_SIDE`].
#[inline(always)]
fn sum_rows_wide<'a>(weights: &[f32], row: impl Fn(usize) -> &'a [u8], sums: &mut [f32]) {
    for (index, &weight) in weights.iter().enumerate() {
        let bytes = row(index).iter().zip(sums.iter_mut());
        if index == 0 {
            bytes.for_each(|(&byte, sum)| *sum = weight * f32::from(byte));
        } else if weight > 0.0 {
            bytes.for_each(|(&byte, sum)| *sum += weight * f32::from(byte));
        }
    }
}

/// The floating point type in which the sums of one resize are exact integers.
trait Exact: Copy + std::ops::Mul<Output = Self> + std::ops::AddAssign + From<f32> + Into<f64> {}

impl Exact for f32 {}
impl Exact for f64 {}

/// Sums weighted columns of `line` (which begins at input column `first`) into the sums of one output row, whose last
/// pixel is followed by `LANES - C` values of padding. `TAPS` is the number of weights of each output, or 0 where it is
/// only known at run time.
#[inline(always)]
fn sum_columns<T: Exact, const C: usize, const LANES: usize, const TAPS: usize>(
    line: &[f32],
    first: usize,
    columns: &Axis,
    mirror: bool,
    sums: &mut [f64],
) {
    let taps = if TAPS == 0 { columns.tap_count() } else { TAPS };
    let (starts, weights) = columns.tables();
    let last = starts.len() - 1;
    for at in 0..starts.len() {
        let x = if mirror { last - at } else { at };
        let weights = &weights[x * taps..][..taps];
        let from = (starts[x] as usize - first) * C;
        let pixels = &line[from..from + (taps - 1) * C + LANES];
        let mut pixel = [T::from(0.0); LANES];
        for (tap, &weight) in weights.iter().enumerate() {
            let weight = T::from(weight);
            // One bounds check for all lanes, which are then one vector.
            let lanes = &pixels[tap * C..tap * C + LANES];
            for (sum, &lane) in pixel.iter_mut().zip(lanes) {
                *sum += weight * T::from(lane);
            }
        }
        // All lanes are stored; what is too much is overwritten by the next pixel.
        sums[at * C..at * C + LANES].copy_from_slice(&pixel.map(Into::into));
    }
}

/// Division by a constant, rounded half up: `floor((sum + floor(denominator / 2)) / denominator)`.
#[derive(Debug, Clone, Copy)]
struct Rounding {
    inverse: f64,
    bias: f64,
}

impl Rounding {
    fn new(denominator: u64) -> Self {
        let inverse = 1.0 / denominator as f64;
        Self {
            inverse,
            bias: ((denominator / 2) as f64 + 0.5) * inverse - 0.5,
        }
    }

    /// The half in the bias keeps the quotient at least `0.5 / denominator` away from where it would round
    /// differently; the floating point error is below 2^-43, so it never does for denominators below 2^42.
    #[inline(always)]
    fn divide(self, sum: f64) -> u8 {
        // Adding 2^52 leaves the rounded quotient in the lowest bits.
        const SHIFT: f64 = 4_503_599_627_370_496.0;
        (sum * self.inverse + self.bias + SHIFT).to_bits() as u8
    }
}

#[cfg(test)]
mod tests;
