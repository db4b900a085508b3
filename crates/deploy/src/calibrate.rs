//! The ranges of activations, measured on sample pictures.
//!
//! A model is [`observe`]d once; every method to choose ranges then reads the same histograms.

use danas_space::{Activation, Graph, Operator, TensorId};
use rayon::prelude::*;

use crate::check::{ModelError, check_length};
use crate::evaluate::{InputError, examples};
use crate::float::{FloatRunner, FloatState};
use crate::model::FloatModel;

/// Bins of the histogram of a tensor.
const BINS: usize = 2048;
/// Examples that are summed up together: bounds the number of sums and histograms that are alive at a time.
const PIECE: usize = 16;
/// Steps in which each end of a range is moved inwards when the error is minimised.
const STEPS: usize = 100;

/// How a range is chosen from what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Calibration {
    /// From the least to the greatest value.
    MinMax,
    /// Leaves out a share of the values at each end: `Percentile(99.99)` cuts 0.01 % off. Between 50
    /// (exclusive) and 100.
    Percentile(f32),
    /// The range with the least mean squared error of rounding and clipping together.
    #[default]
    LeastError,
}

/// Why the ranges could not be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The pixels do not fit the model.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An activation is infinite or not a number.
    #[error("layer {layer} computes values that are not finite; hint: the training has diverged")]
    NotFinite {
        /// The layer.
        layer: String,
    },
    /// The percentile makes no sense.
    #[error("percentile {0} is not above 50 and at most 100")]
    Percentile(f32),
}

/// The range of real values that a tensor must represent; contains 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least value, at most 0.
    pub min: f32,
    /// The greatest value, at least 0.
    pub max: f32,
}

impl Range {
    const EMPTY: Self = Self { min: 0.0, max: 0.0 };

    /// The smallest range with both ranges in it; NaN stays.
    fn union(self, other: Self) -> Self {
        let pick = |a: f32, b: f32, better: bool| if better || a.is_nan() { a } else { b };
        Self {
            min: pick(self.min, other.min, self.min < other.min),
            max: pick(self.max, other.max, self.max > other.max),
        }
    }

    /// The range of values, with 0 in it; NaN if one of them is.
    fn of(values: &[f32]) -> Self {
        let (mut min, mut max, mut nan) = (0.0f32, 0.0f32, false);
        for &value in values {
            min = min.min(value);
            max = max.max(value);
            nan |= value.is_nan();
        }
        if nan {
            min = f32::NAN;
        }
        Self { min, max }
    }
}

/// The ranges of all tensors of a model: the input, then the outputs of the layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges(pub Vec<Range>);

/// The greatest and least values that a layer can write by its definition.
fn definition(graph: &Graph, tensor: usize) -> Range {
    let operator = tensor
        .checked_sub(1)
        .map(|layer| graph.layers[layer].operator);
    match operator {
        Some(
            Operator::Convolution {
                activation: Activation::Relu6,
                ..
            }
            | Operator::Depthwise {
                activation: Activation::Relu6,
                ..
            },
        ) => Range { min: 0.0, max: 6.0 },
        Some(Operator::Softmax) => Range { min: 0.0, max: 1.0 },
        _ => Range {
            min: f32::NEG_INFINITY,
            max: f32::INFINITY,
        },
    }
}

/// What was seen of one tensor.
#[derive(Debug, Clone)]
struct Summary {
    range: Range,
    /// The sum of each channel.
    sums: Vec<f64>,
}

impl Summary {
    fn add(&mut self, values: &[f32]) {
        self.range = self.range.union(Range::of(values));
        for pixel in values.chunks_exact(self.sums.len()) {
            for (sum, value) in self.sums.iter_mut().zip(pixel) {
                *sum += f64::from(*value);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.range = self.range.union(other.range);
        for (sum, part) in self.sums.iter_mut().zip(&other.sums) {
            *sum += part;
        }
    }
}

/// Summaries of all tensors. Those of fixed pieces of the examples are added up in order, so that sums do not depend on
/// the number of threads.
fn summaries(model: &FloatModel, pixels: &[u8]) -> Vec<Summary> {
    let graph = model.graph();
    let runner = FloatRunner::new(model);
    let empty: Vec<Summary> = (0..=graph.layers.len())
        .map(|tensor| Summary {
            range: Range::EMPTY,
            sums: vec![0.0; graph.shape(TensorId(tensor)).channels],
        })
        .collect();
    let pieces: Vec<Vec<Summary>> = pixels
        .par_chunks(PIECE * graph.input.elements())
        .map_init(
            || runner.state(),
            |state, pixels| {
                let mut piece = empty.clone();
                for pixels in pixels.chunks_exact(graph.input.elements()) {
                    runner.run(state, pixels);
                    for (summary, values) in piece.iter_mut().zip(state.tensors()) {
                        summary.add(values);
                    }
                }
                piece
            },
        )
        .collect();
    let mut whole = empty;
    for piece in &pieces {
        for (whole, part) in whole.iter_mut().zip(piece) {
            whole.merge(part);
        }
    }
    whole
}

/// How often each tensor had values in each of [`BINS`] equal parts of its range.
fn histograms(model: &FloatModel, pixels: &[u8], ranges: &[Range]) -> Vec<Vec<u64>> {
    let runner = FloatRunner::new(model);
    let empty = || vec![vec![0u64; BINS]; ranges.len()];
    let count = |histograms: &mut Vec<Vec<u64>>, state: &FloatState| {
        let tensors = histograms.iter_mut().zip(state.tensors()).zip(ranges);
        for ((histogram, values), range) in tensors {
            let width = range.max - range.min;
            let scale = if width > 0.0 {
                BINS as f32 / width
            } else {
                0.0
            };
            for value in values {
                let bin = ((value - range.min) * scale) as usize;
                histogram[bin.min(BINS - 1)] += 1;
            }
        }
    };
    pixels
        .par_chunks_exact(model.graph().input.elements())
        .with_min_len(PIECE)
        .fold(
            || (runner.state(), empty()),
            |(mut state, mut histograms), pixels| {
                runner.run(&mut state, pixels);
                count(&mut histograms, &state);
                (state, histograms)
            },
        )
        .map(|(_, histograms)| histograms)
        .reduce(empty, |mut a, b| {
            for (a, b) in a.iter_mut().flatten().zip(b.iter().flatten()) {
                *a += b;
            }
            a
        })
}

/// The range that leaves out `1 - share` of the values at each end.
fn percentile(histogram: &[u64], range: Range, share: f64) -> Range {
    let total: u64 = histogram.iter().sum();
    let left_out = ((1.0 - share) * total as f64) as u64;
    let width = (range.max - range.min) / BINS as f32;
    let bins = |counts: &mut dyn Iterator<Item = &u64>| {
        let mut seen = 0;
        counts
            .take_while(|&&count| {
                seen += count;
                seen <= left_out
            })
            .count()
    };
    let from_left = bins(&mut histogram.iter());
    let from_right = bins(&mut histogram.iter().rev());
    Range {
        min: (range.min + from_left as f32 * width).min(0.0),
        max: (range.max - from_right as f32 * width).max(0.0),
    }
}

/// The summed squared error of quantising the values of a histogram with 255 steps over `chosen`.
fn error(histogram: &[u64], range: Range, chosen: Range) -> f64 {
    let bin = f64::from(range.max - range.min) / BINS as f64;
    let (min, max) = (f64::from(chosen.min), f64::from(chosen.max));
    let rounding = ((max - min) / 255.0).powi(2) / 12.0;
    histogram
        .iter()
        .enumerate()
        .filter(|&(_, &count)| count > 0)
        .map(|(index, &count)| {
            let centre = f64::from(range.min) + (index as f64 + 0.5) * bin;
            let clipped = centre - centre.clamp(min, max);
            count as f64 * (rounding + clipped * clipped)
        })
        .sum()
}

/// The range of least error: each end in turn is moved inwards while the other stands.
fn least_error(histogram: &[u64], range: Range) -> Range {
    let shrink = |end: f32, step: usize| end * (STEPS - step) as f32 / STEPS as f32;
    let mut best = range;
    let mut best_error = error(histogram, range, best);
    for _ in 0..2 {
        for step in 0..STEPS {
            let candidates = [
                Range {
                    max: shrink(range.max, step),
                    ..best
                },
                Range {
                    min: shrink(range.min, step),
                    ..best
                },
            ];
            for candidate in candidates {
                let error = error(histogram, range, candidate);
                if candidate.max > candidate.min && error < best_error {
                    (best, best_error) = (candidate, error);
                }
            }
        }
    }
    best
}

/// What was seen of a model's activations on sample pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Observations {
    /// From the least to the greatest value of each tensor.
    extremes: Vec<Range>,
    /// What the layer that writes a tensor can write at all.
    possible: Vec<Range>,
    histograms: Vec<Vec<u64>>,
    /// The mean of each channel of each tensor.
    means: Vec<Vec<f64>>,
}

/// Runs a model on sample pixels `[n, height, width, channels]` and keeps what any [`Calibration`] needs to know. The
/// result does not depend on the number of threads.
///
/// # Errors
/// [`CalibrationError`] when the pixels do not fit the model or the model computes something that is not finite.
pub fn observe(model: &FloatModel, pixels: &[u8]) -> Result<Observations, CalibrationError> {
    let graph = model.graph();
    let count = examples(graph.input, pixels.len())?;
    let summaries = summaries(model, pixels);
    let extremes: Vec<Range> = summaries.iter().map(|summary| summary.range).collect();
    for (layer, range) in graph.layers.iter().zip(&extremes[1..]) {
        if !(range.min.is_finite() && range.max.is_finite() && (range.max - range.min).is_finite())
        {
            return Err(CalibrationError::NotFinite {
                layer: layer.name.clone(),
            });
        }
    }
    let mean = |(tensor, summary): (usize, &Summary)| {
        let shape = graph.shape(TensorId(tensor));
        let values = (count * shape.height * shape.width) as f64;
        summary.sums.iter().map(|sum| sum / values).collect()
    };
    Ok(Observations {
        possible: (0..extremes.len())
            .map(|tensor| definition(graph, tensor))
            .collect(),
        histograms: histograms(model, pixels, &extremes),
        means: summaries.iter().enumerate().map(mean).collect(),
        extremes,
    })
}

impl Observations {
    /// The ranges of all activations.
    ///
    /// # Errors
    /// [`CalibrationError::Percentile`] when the percentile makes no sense.
    pub fn ranges(&self, method: Calibration) -> Result<Ranges, CalibrationError> {
        if let Calibration::Percentile(share) = method
            && !(share > 50.0 && share <= 100.0)
        {
            return Err(CalibrationError::Percentile(share));
        }
        let tensors = self.extremes.iter().zip(&self.histograms);
        let chosen = tensors.map(|(&range, histogram)| match method {
            Calibration::MinMax => range,
            Calibration::Percentile(share) => {
                percentile(histogram, range, f64::from(share) / 100.0)
            }
            Calibration::LeastError => least_error(histogram, range),
        });
        let limited = chosen.zip(&self.possible).map(|(range, possible)| Range {
            min: range.min.max(possible.min),
            max: range.max.min(possible.max),
        });
        Ok(Ranges(limited.collect()))
    }

    /// The mean of each channel of a tensor: 0 is the input, `i + 1` what layer `i` writes.
    pub(crate) fn means(&self, tensor: usize) -> &[f64] {
        &self.means[tensor]
    }

    /// Checks that these are observations of a model with this graph.
    pub(crate) fn check(&self, graph: &Graph) -> Result<(), ModelError> {
        check_length("observed tensors", graph.layers.len() + 1, self.means.len())?;
        for (tensor, means) in self.means.iter().enumerate() {
            let channels = graph.shape(TensorId(tensor)).channels;
            check_length("observed channels", channels, means.len())?;
        }
        Ok(())
    }
}

/// Measures the ranges of all activations of a model on sample pixels `[n, height, width, channels]` by one method.
///
/// # Errors
/// [`CalibrationError`] when the pixels do not fit the model, the percentile makes no sense or the model
/// computes something that is not finite.
pub fn calibrate(
    model: &FloatModel,
    pixels: &[u8],
    method: Calibration,
) -> Result<Ranges, CalibrationError> {
    observe(model, pixels)?.ranges(method)
}
