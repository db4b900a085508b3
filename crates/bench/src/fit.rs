//! From measured times to [`Rates`].

use crate::work::{Load, Rates, TERMS};

/// Every so many-th observation is held out, to see how well a fit to the others foretells it.
const HELD_OUT: usize = 3;

/// A piece of work whose time was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// What it consisted of.
    pub load: Load,
    /// How long it took.
    pub seconds: f64,
}

/// Rates, and how well such rates foretell times that they were not fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Fitted to all observations.
    pub rates: Rates,
    /// Observations that were held out of a fit to the others.
    pub held_out: usize,
    /// The middle one of their relative errors by that fit; 0 if none were held out.
    pub median_error: f64,
    /// The greatest of these.
    pub worst_error: f64,
}

impl Fit {
    /// The rates, none of them negative, with the least sum of squares of relative errors. What never varies from zero
    /// gets the rate 0.
    ///
    /// # Panics
    /// If there are no observations, or one took no time.
    pub fn of(observations: &[Observation]) -> Self {
        assert!(
            !observations.is_empty() && observations.iter().all(|o| o.seconds > 0.0),
            "there is something to fit to"
        );
        let numbered = || observations.iter().enumerate();
        let is_held_out = |index: usize| index % HELD_OUT == HELD_OUT - 1;
        let known = numbered().filter(|(index, _)| !is_held_out(*index));
        let partial = least_squares(&known.map(|(_, o)| *o).collect::<Vec<_>>());
        let held_out = numbered().filter(|(index, _)| is_held_out(*index));
        let mut errors: Vec<f64> = held_out
            .map(|(_, o)| (partial.seconds(&o.load) / o.seconds - 1.0).abs())
            .collect();
        errors.sort_unstable_by(f64::total_cmp);
        Fit {
            rates: least_squares(observations),
            held_out: errors.len(),
            median_error: errors.get(errors.len() / 2).copied().unwrap_or(0.0),
            worst_error: errors.last().copied().unwrap_or(0.0),
        }
    }
}

/// Of all choices of terms whose unconstrained solution has no negative rate, the one with the least error: with so few
/// terms all can be tried, and one of them is the solution of the constrained problem.
fn least_squares(observations: &[Observation]) -> Rates {
    let rows: Vec<[f64; TERMS]> = (observations.iter())
        .map(|o| o.load.terms().map(|amount| amount / o.seconds))
        .collect();
    let mut best = (f64::INFINITY, [0.0; TERMS]);
    for choice in 1..1_usize << TERMS {
        let terms: Vec<usize> = (0..TERMS)
            .filter(|term| choice & (1 << term) != 0)
            .collect();
        let Some(rates) = solve(&rows, &terms) else {
            continue;
        };
        if rates.iter().any(|&rate| rate < 0.0) {
            continue;
        }
        let error: f64 = (rows.iter())
            .map(|row| {
                let told: f64 = row.iter().zip(rates).map(|(x, rate)| x * rate).sum();
                (told - 1.0).powi(2)
            })
            .sum();
        if error < best.0 {
            best = (error, rates);
        }
    }
    Rates::from_terms(best.1)
}

/// The least-squares solution of `rows * rates = 1` with these terms alone, by the normal equations; `None` if it is not
/// unique.
fn solve(rows: &[[f64; TERMS]], terms: &[usize]) -> Option<[f64; TERMS]> {
    // Columns of length 1, because amounts differ by ten orders of magnitude.
    let lengths = terms.iter().map(|&term| {
        let squares: f64 = rows.iter().map(|row| row[term] * row[term]).sum();
        squares.sqrt()
    });
    let lengths: Vec<f64> = lengths.collect();
    if lengths
        .iter()
        .any(|length| !length.is_normal() || *length <= 0.0)
    {
        return None;
    }
    let count = terms.len();
    // The normal equations with their right side as the last column.
    let mut equations = vec![vec![0.0; count + 1]; count];
    for row in rows {
        let scaled = terms.iter().zip(&lengths);
        let mut values: Vec<f64> = scaled.map(|(&term, length)| row[term] / length).collect();
        values.push(1.0);
        for (equation, left) in equations.iter_mut().zip(&values) {
            for (sum, right) in equation.iter_mut().zip(&values) {
                *sum += left * right;
            }
        }
    }
    eliminate(&mut equations)?;
    let mut rates = [0.0; TERMS];
    for (place, &term) in terms.iter().enumerate() {
        rates[term] = equations[place][count] / lengths[place];
    }
    Some(rates)
}

/// Gauss and Jordan's elimination with pivots from the largest rows; leaves the solution in the last column. `None` where
/// columns of length 1 depend on each other.
fn eliminate(equations: &mut [Vec<f64>]) -> Option<()> {
    const LEAST_PIVOT: f64 = 1e-9;
    let count = equations.len();
    for pivot in 0..count {
        let largest = (pivot..count)
            .max_by(|&a, &b| (equations[a][pivot].abs()).total_cmp(&equations[b][pivot].abs()))
            .filter(|&row| equations[row][pivot].abs() > LEAST_PIVOT)?;
        equations.swap(pivot, largest);
        let scale = equations[pivot][pivot];
        equations[pivot]
            .iter_mut()
            .for_each(|value| *value /= scale);
        let pivot_row = equations[pivot].clone();
        for (index, row) in equations.iter_mut().enumerate() {
            if index != pivot {
                let factor = row[pivot];
                for (value, pivot_value) in row.iter_mut().zip(&pivot_row) {
                    *value -= factor * pivot_value;
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use danas_data::Streams;
    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;

    /// Loads of networks of very different sizes.
    fn loads(count: u64) -> impl Iterator<Item = Load> {
        (0..count).map(|index| {
            let mut rng = Streams::new(index).stream("load", 0);
            let mut amount = |most: f64| most * 10_f64.powf(rng.random_range(-2.0..0.0));
            Load {
                layers: amount(60.0),
                macs: amount(1e9),
                depthwise_macs: amount(1e8),
                activations: amount(1e8),
                pixels: amount(1e6),
                weights: amount(1e6),
            }
        })
    }

    proptest! {
        #[test]
        fn rates_are_found_again(exponents in proptest::array::uniform7(-3.0..0.0_f64), without in 0_usize..7) {
            let scales = [1e-3, 1e-5, 1e-11, 1e-10, 1e-10, 1e-9, 1e-9];
            let mut terms: [f64; TERMS] = std::array::from_fn(|i| scales[i] * 10_f64.powf(exponents[i]));
            terms[without] = 0.0;
            let rates = Rates::from_terms(terms);
            let observations: Vec<_> = loads(40)
                .map(|load| Observation { load, seconds: rates.seconds(&load) })
                .collect();
            let fit = Fit::of(&observations);
            prop_assert_eq!(fit.held_out, 13);
            prop_assert!(fit.worst_error < 1e-3, "{:?}", fit);
        }
    }

    #[test]
    fn noise_makes_no_rate_negative_and_is_told() {
        let rates = Rates {
            piece: 2e-4,
            mac: 1e-11,
            ..Rates::default()
        };
        let noisy = loads(60).enumerate().map(|(index, load)| Observation {
            load,
            seconds: rates.seconds(&load) * if index % 2 == 0 { 1.1 } else { 0.9 },
        });
        let fit = Fit::of(&noisy.collect::<Vec<_>>());
        assert!(fit.rates.are_sound(), "{fit:?}");
        assert!((0.05..0.15).contains(&fit.median_error), "{fit:?}");
        assert!((fit.rates.mac / 1e-11 - 1.0).abs() < 0.2, "{fit:?}");
    }

    #[test]
    fn one_observation_makes_one_rate() {
        let load = Load::of_pixels(1000.0);
        let fit = Fit::of(&[Observation { load, seconds: 2.0 }]);
        assert!((fit.rates.seconds(&load) - 2.0).abs() < 1e-9);
        assert_eq!((fit.held_out, fit.median_error), (0, 0.0));
    }
}
