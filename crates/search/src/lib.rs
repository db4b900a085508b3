//! Search strategies, constrained domination and the front.
//!
//! A [`Strategy`] proposes candidates and is shown their [`Objectives`]; [`front`] is what a search is for, [`spread`],
//! [`worth_finishing`] and [`recommend`] choose from it, and [`hypervolume`] measures it. [`Agreement`] tells what the scores that it rests on are worth. There is no input or output in here, and no clock.

mod choice;
mod hypervolume;
mod nsga2;
mod objectives;
mod random;
mod ranking;
mod sorting;
mod strategy;

pub use choice::{Contender, recommend, spread, worth_finishing};
pub use danas_measure::Interval;
pub use hypervolume::hypervolume;
pub use nsga2::{Nsga2, Nsga2Options, OptionError};
pub use objectives::{OBJECTIVES, Objectives, pareto};
pub use random::RandomSearch;
pub use ranking::{Agreement, Agreements, bootstrap, kendall_tau, tau_interval, top_regret};
pub use sorting::{crowding, front, non_dominated_sort};
pub use strategy::{Strategy, Variation};
