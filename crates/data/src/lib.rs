//! Examples on disk, splits, data configurations, augmentation and batches.
//!
//! The way through this room: [`scan`] lists what a [`Source`] holds and splits it ([`Catalogue`]); [`survey`] reads the
//! headers, from which [`DataSpace::suggested`] makes the data configurations that make sense; [`load`] decodes everything
//! once ([`Dataset`]), or [`prepare`] writes them into files that are read as memory ([`PreparedSet`]), where they are more
//! than fit; and a [`DataConfig`] turns examples into a [`Batch`] of integer pixels, for training with a random
//! view, for evaluation exactly as [`Preprocessing`] states it.

mod batch;
mod carve;
mod catalogue;
mod config;
mod dataset;
mod decode;
mod error;
mod examples;
mod feed;
mod folder;
mod inspect;
mod load;
mod map;
mod order;
mod picture;
mod prepared;
mod preprocessing;
mod readers;
mod resize;
mod source;
mod space;
mod split;
mod split_map;
mod streams;
mod survey;
mod synthetic;
mod view;

pub use batch::Batch;
pub use catalogue::{Catalogue, ClassCount, ColumnCount, ScanOptions, SkippedFile, scan};
pub use config::{Colour, DataConfig, InputShape};
pub use dataset::Dataset;
pub use error::DataError;
pub use inspect::{DuplicateFile, Duplicates, Inspection, inspect};
pub use load::{LoadEvent, LoadOptions, load};
pub use order::EpochOrder;
pub use picture::luma_of;
pub use prepared::{OpenOptions, PrepareEvent, PrepareOptions, PreparedSet, prepare};
pub use preprocessing::{Preprocessing, Step, preprocessing_toml};
pub use readers::{Dropped, Flags, Format, Recognised, holds_examples};
pub use source::Source;
pub use space::{DataSpace, MAX_RESOLUTION, MIN_RESOLUTION};
pub use split::{Split, SplitOrigin, SplitRule};
pub use split_map::MappedSplit;
pub use streams::Streams;
pub use survey::{Projection, ReadLimits, Sizes, Survey, TOLERATED_SHARE, project, survey};
pub use synthetic::{SyntheticSpec, write_folder};
pub use view::Augmentation;
