//! Puts an enforcer together from files: the one place where a face gets one.

use std::path::Path;
use std::sync::Arc;

use enforcecore::capabilities::Capability;
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::policy::{Loaded, Policy, Protected};
use enforcecore::ports::{Clock, Random};

use crate::clock::{SystemClock, SystemRandom};
use crate::evidence::open_log;
use crate::paths::{self, FileSystem};
use crate::policy_files::PolicyFiles;
use crate::protected;
pub use crate::setup::{DEFAULT_ORIGIN, Setup, SetupError};

/// Loads the policy, opens the log, and binds them. Warnings of the policy go to the log of the program.
pub fn enforcer(setup: Setup) -> Result<Enforcer, SetupError> {
    let Loaded { policy, warnings } = load_policy(&setup.policy)?;
    for warning in &warnings {
        tracing::warn!(policy = policy.name(), "{warning}");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let log = open_log(&setup.folders, setup.session_idle, Arc::clone(&clock), Arc::clone(&random))?;
    let protected = protected(&setup, &policy)?;
    let Setup { durability, identities, face, approver, .. } = setup;
    let face = if paths::RESOLVES { face } else { face.without(Capability::ResolvePaths) };
    let resolver = Arc::new(FileSystem);
    Ok(Enforcer::new(EnforcerParts {
        policy,
        face,
        log,
        resolver,
        protected,
        approver,
        clock,
        random,
        durability,
        identities,
    })?)
}

/// The protected paths of this setup: no policy can allow its tools to use them. None where a path cannot be told from another.
pub fn protected(setup: &Setup, policy: &Policy) -> Result<Protected, SetupError> {
    if setup.face.can(Capability::ResolvePaths) && paths::RESOLVES {
        Ok(protected::places(setup, policy)?)
    } else {
        Ok(Protected::default())
    }
}

/// Loads a policy from its file, with the documents it is bound by.
pub fn load_policy(file: &Path) -> Result<Loaded, SetupError> {
    let (text, files) = PolicyFiles::open(file)?;
    Policy::load(text, &files).map_err(SetupError::Policy)
}
