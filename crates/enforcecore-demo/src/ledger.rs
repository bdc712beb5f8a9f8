//! What the log says of each call: the decision, its code and rules, and what was redacted.

use std::collections::BTreeMap;
use std::path::Path;

use enforcecore::audit::EntryKind;
use enforcecore_host::evidence;

use crate::error::DemoError;

/// One call in the log.
#[derive(Debug, Default)]
pub struct Call {
    id: String,
    /// Allow, ask or deny; empty where no decision was made.
    pub decision: String,
    /// The stable code.
    pub code: String,
    /// The rules that made the decision.
    pub rules: Vec<String>,
    /// What was taken out of arguments and result, by class.
    pub redactions: BTreeMap<String, u64>,
}

/// The calls of a log in the order in which they were made.
pub fn read(log: &Path) -> Result<Vec<Call>, DemoError> {
    let mut calls: Vec<Call> = Vec::new();
    for entry in evidence::entries(log)? {
        let entry = entry.map_err(DemoError::Unjudged)?;
        let id = entry.call.unwrap_or_default();
        match entry.kind {
            EntryKind::Intent | EntryKind::Denial | EntryKind::Pending => calls.push(Call {
                id,
                decision: entry.decision.unwrap_or_default(),
                code: entry.code.unwrap_or_default(),
                rules: entry.rules,
                redactions: entry.redactions,
            }),
            EntryKind::Outcome => {
                for call in calls.iter_mut().filter(|call| call.id == id) {
                    entry
                        .redactions
                        .iter()
                        .for_each(|(class, n)| *call.redactions.entry(class.clone()).or_default() += n);
                }
            }
            _ => {}
        }
    }
    Ok(calls)
}
