//! Evidence: entry -> leaf -> seal -> durable; and back.
//!
//! A log is a file of lines, and nothing in it is written twice or changed:
//!
//! * An *entry* is one canonical JSON object. Its leaf in the tree (RFC 6962, SHA-256) is the hash of the stored bytes without
//!   the newline. `index` counts entries from 0. Entry 0 is the genesis; its `note` names the log (`origin`) and the key that
//!   seals it (`vkey`, as C2SP signed-note writes a verifier key).
//! * A *seal* closes a group of entries: `{"leaves":"...","seal":"..."}`, the group's leaf hashes in base64, and a checkpoint
//!   over all entries so far as a C2SP signed note: origin, size, root in base64, a blank line, the signature line. Seals are
//!   not leaves; the first entry of the next group carries the SHA-256 of the seal line before it as `prev_seal`.
//!
//! A group is one append and one sync, so whatever was acknowledged is durable and signed. Whatever follows the last whole
//! seal was never acknowledged. Nothing here knows policies: an auditor can verify with this module alone.

mod body;
mod canonical;
mod delta;
mod entry;
mod fields;
mod log;
mod memory;
mod note;
mod seal;
#[cfg(test)]
mod testing;
mod tree;
mod verify;

pub use body::{
    Body, CallRecord, EndRecord, EntryHead, EntryKind, EntryKind as Kind, EntryLine, IntentRecord, NoteRecord,
    OutcomeRecord, PolicyRecord, StateRecord,
};
pub use delta::Delta;
pub use entry::{ENTRY_BYTES_MAX, Entry};
pub use fields::{Durability, Effect, Mode};
pub use log::{CommitError, Fold, Log, LogError, LogParts, Receipt};
pub use memory::MemoryStore;
pub use note::{Checkpoint, KeySigner, NoteError, PublicKey, is_key_name, is_origin, public_key};
pub use seal::{GROUP_ENTRIES_MAX, Seal};
pub use tree::{Hash, Tree, leaf_hash, node_hash};
pub use verify::{Finding, FindingClass, FindingKind, Place, Report, Verdict, VerifyOptions, entries, verify};
