//! Whether every call is accounted for: an intent by at most one outcome, void or abandonment (invariant 4).

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::finding::LogFindingKind;
use crate::body::Body::{Abandoned, Denial, Genesis, Intent, Other, Outcome, Pending, Policy, Recovery, State, Void};
use crate::entry::Entry;
use crate::fields::Durability;

/// Calls remembered at most, open ones and ended ones each: 16 bytes and an index a call, a few ten megabytes.
pub const CALLS_MAX: usize = 1 << 20;

/// The calls of a log.
#[derive(Debug, Default)]
pub struct Accounts {
    open: HashSet<CallKey>,
    ended: HashSet<CallKey>,
    forgot: bool,
    /// Intents acknowledged on stable storage before the tool started.
    pub strict: u64,
    /// Intents that a kill could have lost.
    pub buffered: u64,
}

type CallKey = [u8; 16];

impl Accounts {
    /// Takes an entry in; says what does not add up.
    pub fn take(&mut self, entry: &Entry) -> Option<(LogFindingKind, &'static str)> {
        let call = entry.call().map(call_key);
        match &entry.body {
            Intent(_) => {
                match entry.head.durability {
                    Some(Durability::Buffered) => self.buffered += 1,
                    Some(Durability::Strict) | None => self.strict += 1,
                }
                self.intend(call?)
            }
            Outcome(_) | Void(_) | Abandoned(_) => match call {
                Some(call) => self.end(call),
                None => Some((LogFindingKind::NoIntent, "it names no call")),
            },
            Genesis(_) | Denial(_) | Pending(_) | State(_) | Policy(_) | Recovery(_) | Other(_) => None,
        }
    }

    /// Intents that nothing has ended: the outcome is unknown.
    pub fn unknown(&self) -> u64 {
        self.open.len() as u64
    }

    fn intend(&mut self, call: CallKey) -> Option<(LogFindingKind, &'static str)> {
        if self.open.contains(&call) || self.ended.contains(&call) {
            return Some((LogFindingKind::SecondIntent, "the call has an intent already"));
        }
        if self.open.len() < CALLS_MAX {
            self.open.insert(call);
        } else {
            self.forgot = true;
        }
        None
    }

    fn end(&mut self, call: CallKey) -> Option<(LogFindingKind, &'static str)> {
        if self.open.remove(&call) {
            if self.ended.len() < CALLS_MAX {
                self.ended.insert(call);
            } else {
                self.forgot = true;
            }
            return None;
        }
        if self.ended.contains(&call) {
            return Some((LogFindingKind::SecondOutcome, "the call had ended already"));
        }
        // Beyond the limit nothing is claimed about calls that may have been forgotten.
        (!self.forgot).then_some((LogFindingKind::NoIntent, "the call had no intent"))
    }
}

fn call_key(id: &str) -> CallKey {
    let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = <[u8; 32]>::from(Sha256::digest(id));
    key
}
