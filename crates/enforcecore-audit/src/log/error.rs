//! Why a log cannot be opened or written.

use crate::store::StoreError;
use crate::verify::LogFinding;

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
    Damaged(LogFinding),
    /// The log has calls, and its anchor remembers nothing: it was taken away, or is new to this log.
    #[error("anchor_gone: the anchor `{0}` remembers nothing, and the log holds calls already")]
    AnchorGone(String),
    /// An entry is too large.
    #[error("a log entry of {0} bytes is too large")]
    TooLarge(usize),
    /// An end without a beginning.
    #[error("the call `{0}` has no open intent")]
    NoIntent(String),
    /// A number in an entry that canonical JSON cannot keep exact.
    #[error("a number in a log entry is beyond 2^53")]
    Number,
    /// More entries at once than one group holds.
    #[error("too many entries at once")]
    Busy,
    /// The name of the log or of its key cannot stand in a checkpoint.
    #[error("`{0}` cannot name a log or its key")]
    Origin(String),
    /// A child of `fork` must open the log for itself.
    #[error("the log was opened by another process")]
    OtherProcess,
}

impl LogError {
    /// A way out, where the message does not have it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            LogError::Damaged(_) => Some(
                "`enforcecore audit verify` says what is wrong; move the folder aside, its anchor with it, and keep both as evidence: a new log starts",
            ),
            LogError::AnchorGone(_) => Some(
                "find out who took it away; if the log is as it should be, `enforcecore audit anchor` checks it and anchors it where it stands",
            ),
            LogError::Store(_) | LogError::Poisoned(_) | LogError::TooLarge(_) | LogError::NoIntent(_) => None,
            LogError::Number | LogError::Busy | LogError::Origin(_) | LogError::OtherProcess => None,
        }
    }
}
