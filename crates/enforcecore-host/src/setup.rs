//! The parts of an enforcer, with their defaults, and the errors when building one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enforcecore::audit::{Durability, LogError};
use enforcecore::capabilities::Face;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::enforcer::BindError;
use enforcecore::identity::Identities;
use enforcecore::ports::{Approver, StoreError};

use crate::evidence::LogFolders;

/// The default name of a log in its checkpoints.
pub const DEFAULT_ORIGIN: &str = "enforcecore.local/log";
pub(crate) const DEFAULT_LOG: &str = ".enforcecore/log";
pub(crate) const DEFAULT_KEYS: &str = ".enforcecore/keys";
pub(crate) const DEFAULT_WORKSPACE: &str = ".";
pub(crate) const DEFAULT_SESSION_IDLE: &str = "24h";
/// The time of [`DEFAULT_SESSION_IDLE`].
pub(crate) const SESSION_IDLE: Duration = Duration::from_hours(24);
/// A server's time to react, if none is configured that can be used.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// A session stays in memory so long at least: shorter, and each call would read the log again.
pub(crate) const SESSION_IDLE_MIN: Duration = Duration::from_mins(1);

/// The parts of an enforcer.
#[derive(Clone)]
pub struct Setup {
    /// The policy's file.
    pub policy: PathBuf,
    /// Where its evidence goes.
    pub folders: LogFolders,
    /// The folder that the agent works in. What starts programs there is protected from its tools.
    pub workspace: PathBuf,
    /// The files that configure this, whether or not they are there: protected too.
    pub configuration: Vec<PathBuf>,
    /// How intents are acknowledged.
    pub durability: Durability,
    /// Whether the log says names in clear.
    pub identities: Identities,
    /// After how long without an entry a session's state leaves memory. The first to open a log in this process says it.
    pub session_idle: Duration,
    /// What the face can honour.
    pub face: Face,
    /// The approver, if one is configured.
    pub approver: Option<Arc<dyn Approver>>,
}

impl Setup {
    /// A setup with everything in `.enforcecore` below the working directory, acknowledged on stable storage.
    pub fn new(policy: impl Into<PathBuf>, face: Face) -> Setup {
        let (log, keys) = (PathBuf::from(DEFAULT_LOG), PathBuf::from(DEFAULT_KEYS));
        Setup {
            policy: policy.into(),
            folders: LogFolders { log, keys, anchor: None, origin: DEFAULT_ORIGIN.to_owned() },
            workspace: PathBuf::from(DEFAULT_WORKSPACE),
            configuration: Vec::new(),
            durability: Durability::Strict,
            identities: Identities::Keyed,
            session_idle: SESSION_IDLE,
            face,
            approver: None,
        }
    }
}

/// Errors when building an enforcer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A policy file cannot be read.
    #[error(transparent)]
    File(#[from] StoreError),
    /// A policy does not load.
    #[error("{}", lines(.0))]
    Policy(Vec<Diagnostic>),
    /// The log cannot be opened.
    #[error("cannot open the evidence log: {0}")]
    Log(#[from] LogError),
    /// The policy cannot be enforced by this face or with this log.
    #[error(transparent)]
    Bind(#[from] BindError),
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
