//! Evidence: entry -> leaf -> seal -> durable; and back.
//!
//! A log is a file of lines: entries in canonical JSON, and after each group of them one seal, a signed checkpoint (C2SP
//! signed note) of the Merkle tree (RFC 6962) over all entries so far. A group is one append and one sync, so whatever was
//! acknowledged is durable and signed. Nothing here knows policies: an auditor can verify with this module alone.

mod accounts;
mod align;
mod canonical;
mod check;
mod entry;
mod finding;
mod judge;
mod ledger;
mod lines;
mod log;
mod memory;
mod note;
mod seal;
#[cfg(test)]
mod testing;
mod tree;
mod verify;

pub use entry::{Delta, Durability, ENTRY_BYTES_MAX, Effect, Entry, Kind, Mode};
pub use finding::{Finding, FindingClass, FindingKind, Place};
pub use log::{CommitError, Fold, Log, LogError, LogParts, Receipt};
pub use memory::MemoryStore;
pub use note::{Checkpoint, KeySigner, NoteError, PublicKey, is_key_name, is_origin, public_key};
pub use seal::{GROUP_ENTRIES_MAX, Seal};
pub use tree::{Hash, Tree, leaf_hash, node_hash};
pub use verify::{Report, Verdict, VerifyOptions, entries, verify};
