//! A session that left memory comes back from the log before anything is decided in it.

use super::session::State;
use crate::audit::{Log, LogError};

/// Reads the session of this keyed name back, if its state has left memory. An error means that it is not known.
pub(crate) fn recall(log: &Log<State>, session: &str) -> Result<(), LogError> {
    match log.view(|state| state.asleep_from(session)) {
        None => Ok(()),
        Some(from) => {
            log.read_back(from, State::only(session), |state, back, now_us| state.wake(session, back, now_us))
        }
    }
}
