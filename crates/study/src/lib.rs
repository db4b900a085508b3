//! What a search records and how it is resumed.
//!
//! A run is a folder ([`RunFolder`]) with one database ([`Study`]) that keeps every score from the moment when it is
//! known, checkpoints of tensors ([`save_tensors`]) and files for people. The contract of the records is the trait
//! [`Store`]; [`conformance`] checks it for any implementation.

mod columns;
mod config;
pub mod conformance;
mod error;
mod files;
mod folder;
mod front;
mod memory;
mod record;
mod sqlite;
mod store;
mod tensors;

pub use columns::ColumnRow;
pub use config::{Difference, differences};
pub use error::StudyError;
pub use files::write_atomic;
pub use folder::{Opened, RunFolder};
pub use front::{FrontRow, front_rows, write_front_csv};
pub use memory::{MemoryBackend, MemoryStore};
pub use record::{
    AuditRecord, BufferRecord, CandidateRecord, ClassRecord, ColumnRecord, CostRecord, DataGenes,
    LayerRecord, LimitRecord, ModelRecord, PairedRecord, PhaseRecord, RunRecord, Summary,
};
pub use sqlite::{SqliteBackend, Study};
pub use store::{Backend, Store};
pub use tensors::{Checkpoint, NamedTensor, load_tensors, save_tensors};
