//! The time that a piece of work takes on a machine, told from what it consists of.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use danas_space::{Candidate, Operator, lower};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// No piece of work takes less, so that no clock made of work stands still.
const LEAST_SECONDS: f64 = 1e-6;

/// What a search spends its time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Decoding the examples; its pixels are those of the pictures as stored.
    Decoding,
    /// Making evaluation pixels of decoded examples.
    Rendering,
    /// A step of a supernet's training, through all networks of its sandwich.
    Sandwich,
    /// A step of one network's training.
    Training,
    /// Recomputing a network's BatchNorm statistics.
    Recalibration,
    /// Classifying rendered pictures in float.
    Inference,
    /// A step of fine-tuning a network that computes as int8 does.
    FineTuning,
    /// Running a network to measure the ranges of its activations and to choose a way to quantise it; its pictures are
    /// those of all runs.
    Quantisation,
    /// Classifying rendered pictures in int8.
    Int8,
}

impl Work {
    /// All of them.
    pub const ALL: [Work; 9] = [
        Work::Decoding,
        Work::Rendering,
        Work::Sandwich,
        Work::Training,
        Work::Recalibration,
        Work::Inference,
        Work::FineTuning,
        Work::Quantisation,
        Work::Int8,
    ];
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Decoding => "decoding",
            Work::Rendering => "rendering",
            Work::Sandwich => "sandwich",
            Work::Training => "training",
            Work::Recalibration => "recalibration",
            Work::Inference => "inference",
            Work::FineTuning => "fine-tuning",
            Work::Quantisation => "quantisation",
            Work::Int8 => "int8",
        })
    }
}

/// The number of terms that a time is the sum of: one for the piece of work itself, and one for each field of [`Load`].
pub(crate) const TERMS: usize = 7;

/// What a piece of work consists of, as far as its time depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Layers that are gone through, whatever the number of pictures.
    pub layers: f64,
    /// Multiply-accumulates of dense and pointwise layers, over all pictures.
    pub macs: f64,
    /// Multiply-accumulates of depthwise layers, over all pictures.
    pub depthwise_macs: f64,
    /// Values that layers write, over all pictures.
    pub activations: f64,
    /// Input values, over all pictures.
    pub pixels: f64,
    /// Weights, whatever the number of pictures.
    pub weights: f64,
}

impl Load {
    /// So many pictures through a network.
    pub fn of(candidate: &Candidate, classes: usize, pictures: usize) -> Self {
        let graph = lower(candidate, classes);
        let pictures = pictures as f64;
        let mut load = Load {
            layers: graph.layers.len() as f64,
            pixels: pictures * graph.input.elements() as f64,
            weights: graph.weights() as f64,
            ..Load::default()
        };
        for (index, layer) in graph.layers.iter().enumerate() {
            let macs = pictures * graph.layer_macs(index) as f64;
            match layer.operator {
                Operator::Depthwise { .. } => load.depthwise_macs += macs,
                _ => load.macs += macs,
            }
            load.activations += pictures * layer.output.elements() as f64;
        }
        load
    }

    /// Nothing but so many values of pictures.
    pub fn of_pixels(pixels: f64) -> Self {
        Load {
            pixels,
            ..Load::default()
        }
    }

    /// What the terms of a time are multiplied with.
    pub(crate) fn terms(&self) -> [f64; TERMS] {
        [
            1.0,
            self.layers,
            self.macs,
            self.depthwise_macs,
            self.activations,
            self.pixels,
            self.weights,
        ]
    }
}

impl Add for Load {
    type Output = Load;

    fn add(self, other: Load) -> Load {
        Load {
            layers: self.layers + other.layers,
            macs: self.macs + other.macs,
            depthwise_macs: self.depthwise_macs + other.depthwise_macs,
            activations: self.activations + other.activations,
            pixels: self.pixels + other.pixels,
            weights: self.weights + other.weights,
        }
    }
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Load>>(loads: I) -> Load {
        loads.fold(Load::default(), Add::add)
    }
}

/// Seconds of a piece of work, and for each unit of its [`Load`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Whatever it consists of.
    pub piece: f64,
    /// For each layer.
    pub layer: f64,
    /// For each multiply-accumulate of a dense or pointwise layer.
    pub mac: f64,
    /// For each multiply-accumulate of a depthwise layer.
    pub depthwise_mac: f64,
    /// For each value that a layer writes.
    pub activation: f64,
    /// For each input value.
    pub pixel: f64,
    /// For each weight.
    pub weight: f64,
}

impl Rates {
    pub(crate) fn from_terms(terms: [f64; TERMS]) -> Self {
        let [piece, layer, mac, depthwise_mac, activation, pixel, weight] = terms;
        Rates {
            piece,
            layer,
            mac,
            depthwise_mac,
            activation,
            pixel,
            weight,
        }
    }

    fn terms(&self) -> [f64; TERMS] {
        [
            self.piece,
            self.layer,
            self.mac,
            self.depthwise_mac,
            self.activation,
            self.pixel,
            self.weight,
        ]
    }

    /// Seconds of a piece of work.
    pub fn seconds(&self, load: &Load) -> f64 {
        let terms = self.terms().into_iter().zip(load.terms());
        let sum: f64 = terms.map(|(rate, amount)| rate * amount).sum();
        sum.max(LEAST_SECONDS)
    }

    /// Whether every rate is a number that time can be made of.
    pub(crate) fn are_sound(&self) -> bool {
        (self.terms().iter()).all(|rate| rate.is_finite() && *rate >= 0.0)
    }
}

/// What all kinds of work cost on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The machine's processor, in its own words.
    pub processor: String,
    /// The set of instructions.
    pub isa: String,
    /// The number of threads.
    pub threads: usize,
    /// Those of every kind of work.
    #[serde(deserialize_with = "all_and_sound")]
    seconds: BTreeMap<Work, Rates>,
}

impl Costs {
    /// The costs of a machine, asked for kind by kind.
    pub fn new(
        processor: String,
        isa: String,
        threads: usize,
        rates: impl Fn(Work) -> Rates,
    ) -> Self {
        Costs {
            processor,
            isa,
            threads,
            seconds: Work::ALL
                .into_iter()
                .map(|work| (work, rates(work)))
                .collect(),
        }
    }

    /// Seconds of a piece of work.
    pub fn seconds(&self, work: Work, load: &Load) -> f64 {
        self.seconds[&work].seconds(load)
    }
}

/// Reads the rates of every kind of work, all of which must be there.
fn all_and_sound<'de, D: Deserializer<'de>>(file: D) -> Result<BTreeMap<Work, Rates>, D::Error> {
    let rates = BTreeMap::<Work, Rates>::deserialize(file)?;
    for work in Work::ALL {
        match rates.get(&work) {
            None => return Err(D::Error::custom(format!("`{work}` is missing"))),
            Some(rates) if !rates.are_sound() => {
                return Err(D::Error::custom(format!(
                    "a rate of `{work}` is no number of seconds"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use danas_data::{Colour, DataConfig};
    use danas_space::SearchSpace;

    use super::*;

    #[test]
    fn a_load_grows_with_the_pictures_where_it_should() {
        let space = SearchSpace::njor2025();
        let candidate = space.largest(DataConfig {
            resolution: 32,
            colour: Colour::Mono,
        });
        let [one, ten] = [1, 10].map(|pictures| Load::of(&candidate, 3, pictures));
        assert_eq!(ten.macs, 10.0 * one.macs);
        assert_eq!(ten.pixels, 10.0 * 32.0 * 32.0);
        assert_eq!((ten.layers, ten.weights), (one.layers, one.weights));
        let all = lower(&candidate, 3).macs() as f64;
        assert_eq!(one.macs + one.depthwise_macs, all);
        let sum: Load = [one, ten].into_iter().sum();
        assert_eq!(sum.activations, 11.0 * one.activations);
    }

    #[test]
    fn time_is_the_sum_of_its_terms_and_never_stands_still() {
        let rates = Rates {
            piece: 0.5,
            mac: 2.0,
            pixel: 0.25,
            ..Rates::default()
        };
        let load = Load {
            macs: 3.0,
            pixels: 8.0,
            weights: 100.0,
            ..Load::default()
        };
        assert_eq!(rates.seconds(&load), 0.5 + 6.0 + 2.0);
        assert!(Rates::default().seconds(&load) > 0.0);
        let costs = Costs::new("a processor".into(), "portable".into(), 2, |work| Rates {
            piece: work as u8 as f64,
            ..Rates::default()
        });
        assert_eq!(costs.seconds(Work::Int8, &load), 8.0);
    }
}
