//! What a log needs from the world, passed in by the host. Each trait has one job; none has a default that weakens it.

use std::fmt;
use std::time::Duration;

/// Time. Wall time is a label on entries and the input of calendar budgets; order never depends on it.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn wall_us(&self) -> i64;
    /// Microseconds since some fixed moment of this boot; never goes back.
    fn monotonic_us(&self) -> u64;
}

/// Randomness for names and salts.
pub trait Random: Send + Sync {
    /// Fills the buffer from the operating system's generator, or fails; never a weaker source.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError>;
}

/// Signs checkpoints. The key never leaves the implementation.
pub trait Signer: Send + Sync {
    /// The key's name in signed notes (C2SP signed-note): no spaces, no plus sign.
    fn name(&self) -> &str;
    /// The Ed25519 public key.
    fn public_key(&self) -> [u8; 32];
    /// The Ed25519 signature (RFC 8032) over the message.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError>;
}

/// A place outside the log that remembers how far it had come, so that a cut or a rollback is seen.
pub trait Anchor: Send + Sync {
    /// The last checkpoint remembered, if any: a signed note.
    fn latest(&self) -> Result<Option<String>, StoreError>;
    /// Remembers this checkpoint.
    fn remember(&self, checkpoint: &str) -> Result<(), StoreError>;
    /// What a person calls it: a folder's name.
    fn name(&self) -> String {
        "the anchor".to_owned()
    }
}

/// Where the log's bytes live. One implementation is files; an outside crate can pass the same conformance suite.
pub trait LogStore: Send + Sync {
    /// Waits for this process's turn to write, at most until the store's own deadline.
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError>;
}

/// The right to write, held alone. Dropping it gives the turn to the next process.
pub trait LogTurn {
    /// Bytes in the log now, those of other processes included.
    fn bytes(&mut self) -> Result<u64, StoreError>;
    /// Reads exactly `buffer.len()` bytes from `offset`.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError>;
    /// Appends all the bytes or fails; after a failure nothing is known about the tail.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
    /// Returns once everything appended is on stable storage (fdatasync). Never retried after a failure.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Moves the bytes from `offset` to the end out of the log into a file of their own and returns its name.
    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError>;
}

/// A failure of something outside the core. Always a refusal, never a softer decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {what}: {why}")]
pub struct StoreError {
    /// What was attempted, in words: "append to the log".
    pub what: String,
    /// Why it failed, as the operating system says.
    pub why: String,
}

impl StoreError {
    /// A failure of `what` because of `why`.
    pub fn new(what: impl Into<String>, why: impl fmt::Display) -> StoreError {
        StoreError { what: what.into(), why: why.to_string() }
    }
}

/// How long a process waits for the log's turn before it refuses the call.
pub const TURN_WAIT_MAX: Duration = Duration::from_secs(2);
