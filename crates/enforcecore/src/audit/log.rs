//! The log's one writer in this process.

use std::sync::Arc;

use super::entry::{Durability, Entry};
use crate::session::Keyer;
use crate::traits::{Anchor, Clock, LogStore, Random, Signer, StoreError};

/// What is built by reading entries in order.
pub trait Fold: Send {
    /// Takes one entry in.
    fn apply(&mut self, entry: &Entry);
}

/// What a log is made of.
pub struct LogParts {
    /// Where its bytes live.
    pub store: Box<dyn LogStore>,
    /// Signs its checkpoints.
    pub signer: Box<dyn Signer>,
    /// Remembers elsewhere how far it has come, if somebody does.
    pub anchor: Option<Box<dyn Anchor>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Names this writer.
    pub random: Arc<dyn Random>,
    /// Keys the names in it.
    pub keyer: Keyer,
    /// The origin line of its checkpoints.
    pub origin: String,
}

/// A log that is open for writing, with the state its entries fold to.
pub struct Log<F> {
    _parts: LogParts,
    _fold: std::sync::Mutex<F>,
}

/// Proof that an entry was acknowledged in the durability asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index; `None` while it is only buffered.
    pub index: Option<u64>,
}

/// Why nothing was committed.
#[derive(Debug)]
pub enum CommitError<E> {
    /// The proposal itself refused, on the state it was shown.
    Refused(E),
    /// The log cannot be written.
    Log(LogError),
}

/// Why a log cannot be opened or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An earlier write failed; nothing more is written until the log is opened again.
    #[error("the log stopped after a failed write: {0}")]
    Poisoned(String),
    /// What is stored is damaged.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// An entry is too large.
    #[error("a log entry of {0} bytes is too large")]
    TooLarge(usize),
}

impl<F: Fold> Log<F> {
    /// Opens the log: reads and checks what is there, moves a torn tail away, writes the genesis entry of an empty log.
    pub fn open(parts: LogParts, fold: F) -> Result<Log<F>, LogError> {
        Ok(Log { _parts: parts, _fold: std::sync::Mutex::new(fold) })
    }

    /// Runs `propose` on the state as of this process's turn, and commits the entry it returns.
    ///
    /// Between the state that `propose` sees and the entry in the log nothing else is written, in this process or another:
    /// this is the one atomic step of admission. `propose` is shown the wall time in microseconds.
    pub fn commit<R, E>(
        &self,
        _durability: Durability,
        _propose: impl FnOnce(&F, i64) -> Result<(Entry, R), E>,
    ) -> Result<(R, Receipt), CommitError<E>> {
        Err(CommitError::Log(LogError::Poisoned("not written yet".to_owned())))
    }

    /// Shows the state as far as this process knows it.
    pub fn view<R>(&self, look: impl FnOnce(&F) -> R) -> R {
        let fold = self._fold.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&fold)
    }

    /// Writes what is buffered and returns once it is on stable storage.
    pub fn flush(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// The last checkpoint: a signed note, ready to be kept elsewhere.
    pub fn checkpoint(&self) -> Option<String> {
        None
    }

    /// The keyer of this log's names.
    pub fn keyer(&self) -> &Keyer {
        &self._parts.keyer
    }
}
