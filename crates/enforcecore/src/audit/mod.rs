//! Evidence: entry -> leaf -> seal -> durable; and back.
//!
//! Nothing here knows policies: an auditor can verify with this module alone.

mod entry;
mod log;
mod memory;

pub use entry::{Delta, Durability, Effect, Entry, Kind, Mode};
pub use log::{CommitError, Fold, Log, LogError, LogParts, Receipt};
pub use memory::MemoryStore;
