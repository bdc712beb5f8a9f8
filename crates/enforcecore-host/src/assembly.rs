//! Puts an enforcer together from files: the one place where a face gets one.

use std::path::PathBuf;
use std::sync::Arc;

use enforcecore::audit::{Durability, LogError};
use enforcecore::capabilities::{Capability, Face};
use enforcecore::diagnostic::Diagnostic;
use enforcecore::enforcer::{BindError, Enforcer, EnforcerParts};
use enforcecore::policy::{Loaded, Policy, Protected};
use enforcecore::traits::{Approver, Clock, PolicySource, PolicyText, Random, StoreError};

use crate::clock::{SystemClock, SystemRandom};
use crate::evidence::{LogFolders, open_log};
use crate::paths::{self, FileSystem};
use crate::policy_files::PolicyFiles;
use crate::protected;

/// The name of a log in its checkpoints where nobody gives it another.
pub const DEFAULT_ORIGIN: &str = "enforcecore.local/log";

/// What an enforcer is put together from.
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
    /// What the face can honour.
    pub face: Face,
    /// Who may say yes, if anybody can be reached.
    pub approver: Option<Arc<dyn Approver>>,
}

impl Setup {
    /// A setup with everything in `.enforcecore` below the working directory, acknowledged on stable storage.
    pub fn new(policy: impl Into<PathBuf>, face: Face) -> Setup {
        let folders = LogFolders {
            log: PathBuf::from(".enforcecore/log"),
            keys: PathBuf::from(".enforcecore/keys"),
            anchor: None,
            origin: DEFAULT_ORIGIN.to_owned(),
        };
        let (policy, workspace, configuration) = (policy.into(), PathBuf::from("."), Vec::new());
        Setup { policy, folders, workspace, configuration, durability: Durability::Strict, face, approver: None }
    }
}

/// Why there is no enforcer.
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

/// Loads the policy, opens the log, and binds them. Warnings of the policy go to the log of the program.
pub fn enforcer(setup: Setup) -> Result<Enforcer, SetupError> {
    let Loaded { policy, warnings } = load_policy(&setup.policy)?;
    for warning in &warnings {
        tracing::warn!(policy = %policy.name, "{warning}");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let log = open_log(&setup.folders, Arc::clone(&clock), Arc::clone(&random))?;
    let protected = protected(&setup, &policy)?;
    let Setup { durability, face, approver, .. } = setup;
    let face = if paths::RESOLVES { face } else { face.without(Capability::ResolvePaths) };
    let resolver = Arc::new(FileSystem);
    Ok(Enforcer::new(EnforcerParts { policy, face, log, resolver, protected, approver, clock, random, durability })?)
}

/// The places that no policy opens to the tools of this setup. None where a path cannot be told from another.
pub fn protected(setup: &Setup, policy: &Policy) -> Result<Protected, SetupError> {
    if setup.face.can(Capability::ResolvePaths) && paths::RESOLVES {
        Ok(protected::places(setup, policy)?)
    } else {
        Ok(Protected::default())
    }
}

/// Loads a policy from its file, with the documents it is bound by.
pub fn load_policy(file: &std::path::Path) -> Result<Loaded, SetupError> {
    let (text, files) = PolicyFiles::open(file)?;
    load_text(text, &files)
}

fn load_text(text: PolicyText, source: &dyn PolicySource) -> Result<Loaded, SetupError> {
    Policy::load(text, source).map_err(SetupError::Policy)
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
