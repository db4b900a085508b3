//! What a classifier's answers are worth, and how sure one can be of it.
//!
//! A [`Tally`] counts answers class by class; accuracy, balanced accuracy and F1 are made of it ([`Objective`]), each with
//! its [`Interval`]. A [`Subset`] does so for the examples with a property beside their class. [`compare`] tells whether two models that answered the same examples differ, in what they
//! got right and in how sure they were ([`brier`]). [`imbalance`] and
//! [`class_weights`] are about how often classes occur, [`mean_interval`] about runs that were made again with other seeds.

mod imbalance;
mod interval;
mod mean;
mod objective;
mod paired;
mod subset;
mod tally;

pub use imbalance::{IMBALANCED_ABOVE, class_weights, imbalance};
pub use interval::{Interval, wilson};
pub use mean::mean_interval;
pub use objective::Objective;
pub use paired::{Answer, Answers, Comparison, brier, compare, mcnemar};
pub use subset::{Described, Subset};
pub use tally::{ClassTally, Tally};
