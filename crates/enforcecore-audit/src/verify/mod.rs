//! Checks a log from its bytes alone, in one pass and bounded memory.
//!
//! Everything that was sealed is checked: each line's spelling, its hash against the seal's list, the list against the signed
//! root, the link to the seal before. After damage the check goes on from the sealed hashes, so that each damaged entry is
//! named, not only the first. The signature of the last seal covers all before it; the others are checked where something is
//! wrong, or when asked.

use std::collections::BTreeMap;
use std::io::BufRead;

mod accounts;
mod align;
mod finding;
mod groups;
mod judge;
mod lines;
mod walk;

pub use finding::{LogFinding, LogFindingClass, LogFindingKind, Place};
pub use groups::{GroupsRead, read_groups};
pub use judge::{Chain, Good, Judge, VerifyOptions};
pub use walk::{GROUP_BYTES_MAX, Walk};

use crate::body::EntryLine;
use crate::fields::Durability;
use crate::note::PublicKey;
use crate::seal::{SEAL_BYTES_MAX, is_seal};
use lines::Lines;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReport {
    /// The verdict.
    pub verdict: LogVerdict,
    /// Sealed entries.
    pub entries: u64,
    /// Seals.
    pub seals: u64,
    /// The last seal's signed note.
    pub checkpoint: Option<String>,
    /// The verifier key the signatures were checked with.
    pub vkey: Option<String>,
    /// Whether that key was only the one the log itself names.
    pub key_from_log: bool,
    /// The largest anchor that was found in the log.
    pub anchored: Option<u64>,
    /// Intents by how they were acknowledged.
    pub intents: BTreeMap<&'static str, u64>,
    /// Intents that nothing has ended: "outcome unknown".
    pub outcome_unknown: u64,
    /// What is wrong, in the order it was met; the first so many.
    pub findings: Vec<LogFinding>,
    /// How many findings there were.
    pub findings_total: u64,
}

/// The verdict on a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogVerdict {
    /// Everything sealed is there and unchanged, and something outside remembers that there is no more.
    Valid,
    /// Everything that is there is unchanged, but nothing outside says how far the log had come since.
    Unanchored {
        /// The entries that an anchor covers; more may have been cut off after them.
        since: u64,
    },
    /// See the findings.
    Invalid,
}

impl LogVerdict {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            LogVerdict::Valid => "valid",
            LogVerdict::Unanchored { .. } => "unanchored",
            LogVerdict::Invalid => "invalid",
        }
    }
}

/// Checks a whole log.
pub fn verify(input: &mut dyn BufRead, options: &VerifyOptions) -> LogReport {
    report(Walk::new(Judge::new(Chain::default(), options)).run(input, &mut |_, _| ()))
}

/// The entries of a log in order, unverified: for showing. A line that is not an entry is an error with its bytes' place.
pub fn entries<R: BufRead>(input: R) -> impl Iterator<Item = Result<EntryLine, String>> {
    let mut lines = Lines::new(input, 0, SEAL_BYTES_MAX);
    std::iter::from_fn(move || {
        loop {
            match lines.next() {
                Err(error) => return Some(Err(error.to_string())),
                Ok(None) => return None,
                Ok(Some(line)) if is_seal(line.bytes) => {}
                Ok(Some(line)) => {
                    let place = format!("bytes {} to {}", line.start, line.end);
                    return Some(serde_json::from_slice(line.bytes).map_err(|_| format!("{place}: not an entry")));
                }
            }
        }
    })
}

fn report(judge: Judge) -> LogReport {
    let bad = judge.findings.iter().any(|finding| finding.kind.class() != LogFindingClass::Tail);
    let entries = judge.chain.size();
    let verdict = match judge.anchored {
        _ if bad => LogVerdict::Invalid,
        Some(anchored) if anchored == entries => LogVerdict::Valid,
        anchored => LogVerdict::Unanchored { since: anchored.unwrap_or(0) },
    };
    let modes = [(Durability::Strict, judge.accounts.strict), (Durability::Buffered, judge.accounts.buffered)];
    LogReport {
        verdict,
        entries,
        seals: judge.chain.seals,
        checkpoint: judge.chain.note,
        vkey: judge.key.as_ref().map(PublicKey::vkey),
        key_from_log: judge.key_from_log,
        anchored: judge.anchored,
        intents: modes.into_iter().map(|(mode, count)| (mode.as_str(), count)).collect(),
        outcome_unknown: judge.accounts.unknown(),
        findings_total: judge.findings_total,
        findings: judge.findings,
    }
}

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod tests;
