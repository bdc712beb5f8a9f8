//! What a log is made of.

use std::sync::Arc;

use crate::keyer::Keyer;
use crate::note::public_key;
use crate::store::{Anchor, Clock, LogStore, Random, Signer};
use crate::verify::VerifyOptions;

/// What a log is made of.
pub struct LogParts {
    /// Where its bytes live.
    pub store: Box<dyn LogStore>,
    /// Signs its checkpoints.
    pub signer: Box<dyn Signer>,
    /// Remembers elsewhere how long the log is, if there is one.
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

impl LogParts {
    /// What its own log is checked against.
    pub(super) fn own(&self) -> VerifyOptions {
        let (key, origin) = (Some(public_key(self.signer.as_ref())), Some(self.origin.clone()));
        VerifyOptions { key, origin, ..VerifyOptions::default() }
    }
}
