//! Evidence: entry -> leaf -> seal -> durable; and back.
//!
//! A log is a file of lines, and nothing in it is written twice or changed:
//!
//! * An *entry* ([`Entry`], [`EntryLine`]) is one canonical JSON object (RFC 8785). Its leaf in the tree (RFC 6962, SHA-256;
//!   [`Tree`]) is the hash of the stored bytes without the newline. `index` counts entries from 0. Entry 0 is the
//!   genesis; its `note` names the log (`origin`) and the key that seals it (`vkey`, as C2SP signed-note writes a verifier key).
//! * A *seal* ([`Seal`]) closes a group of entries: `{"leaves":"...","seal":"..."}`, the group's leaf hashes in base64, and a
//!   checkpoint over all entries so far as a C2SP signed note ([`Checkpoint`]): origin, size, root in base64, a blank line, the
//!   signature line. Seals are not leaves; the first entry of the next group carries the SHA-256 of the seal line before it as
//!   `prev_seal`.
//!
//! A group is one append and one sync, so whatever was acknowledged is durable and signed. Whatever follows the last whole
//! seal was never acknowledged.
//!
//! [`Log`] writes: it checks a proposal against the folded state and records it in one turn ([`Log::commit`]). [`verify()`] reads the
//! bytes alone, and names every entry that is not what was sealed. What a log needs from the world is passed in as traits
//! ([`LogStore`], [`Signer`], [`Anchor`], [`Clock`], [`Random`]).
//!
//! Absent on purpose: policies and calls. An entry says what was decided in words; an auditor verifies with this crate alone.
//!
//! # A log in memory, verified and tampered with
//!
//! ```
//! use std::sync::Arc;
//! # use enforcecore_audit::StoreError;
//! use enforcecore_audit::{
//!     Body, CallRecord, Clock, Durability, Entry, Fold, IntentRecord, KeySigner, Keyer, Log, LogParts, MemoryStore, Random,
//!     LogVerdict, VerifyOptions, public_key, verify,
//! };
//!
//! /// The state that this log is for: how many calls were about to run.
//! struct Intents(u64);
//!
//! impl Fold for Intents {
//!     fn apply(&mut self, entry: &Entry, _group: u64) {
//!         self.0 += u64::from(matches!(entry.body, Body::Intent(_)));
//!     }
//! }
//! # struct Fixed;
//! # impl Clock for Fixed {
//! #     fn wall_us(&self) -> i64 { 1_800_000_000_000_000 }
//! #     fn monotonic_us(&self) -> u64 { 0 }
//! # }
//! # impl Random for Fixed {
//! #     fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> { buffer.fill(7); Ok(()) }
//! # }
//!
//! let store = MemoryStore::default();
//! let signer = KeySigner::new("example.com/log", &[1; 32]).unwrap();
//! let key = public_key(&signer);
//! let parts = LogParts {
//!     store: Box::new(store.clone()),
//!     signer: Box::new(signer),
//!     anchor: None,
//!     clock: Arc::new(Fixed),
//!     random: Arc::new(Fixed),
//!     keyer: Keyer::new([2; 32]),
//!     origin: "example.com/log".to_owned(),
//! };
//! let log = Log::open(parts, Intents(0)).unwrap();
//! let (nth, receipt) = log
//!     .commit(Durability::Strict, |intents, _now_us| {
//!         let record = CallRecord { call: Some("call-1".to_owned()), ..CallRecord::default() };
//!         let intent = Body::Intent(IntentRecord { record, ..IntentRecord::default() });
//!         Ok::<_, ()>((intent.into(), intents.0 + 1))
//!     })
//!     .unwrap();
//! assert_eq!((nth, receipt.index), (1, Some(1)));
//!
//! let options = VerifyOptions { key: Some(key), ..VerifyOptions::default() };
//! let bytes = store.contents();
//! let report = verify(&mut &bytes[..], &options);
//! assert_eq!((report.verdict, report.entries), (LogVerdict::Unanchored { since: 0 }, 2));
//!
//! let tampered = String::from_utf8(bytes).unwrap().replace("call-1", "call-2");
//! let report = verify(&mut tampered.as_bytes(), &options);
//! assert_eq!(report.verdict, LogVerdict::Invalid);
//! assert!(report.findings[0].to_string().starts_with("altered: entry 1"));
//! ```

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod tree;

mod canonical;
mod delta;
mod fields;

mod body;
mod entry;

mod keyer;
mod store;

mod memory;
mod note;
mod seal;

mod verify;

mod log;

#[cfg(test)]
mod testing;

pub use body::{
    Body, CallRecord, DenialRecord, EndRecord, EntryHead, EntryKind, EntryLine, IntentRecord, NoteRecord,
    OutcomeRecord, PolicyRecord, StateRecord,
};
pub use delta::Delta;
pub use entry::Entry;
pub use fields::{Durability, EffectStatus, Mode};
pub use keyer::{Encoded, Keyer};
pub use log::{CommitError, Fold, Log, LogError, LogParts, Receipt};
pub use memory::MemoryStore;
pub use note::{Checkpoint, KeySigner, NoteError, PublicKey, is_key_name, public_key};
pub use seal::Seal;
pub use store::{Anchor, Clock, LogStore, LogTurn, Random, Signer, StoreError, TURN_WAIT_MAX};
pub use tree::{Hash, Tree, hex};
pub use verify::{
    GroupsRead, LogFinding, LogFindingClass, LogFindingKind, LogReport, LogVerdict, Place, VerifyOptions, entries,
    read_groups, verify,
};
