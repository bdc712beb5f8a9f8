//! Redaction of arguments, before the tool sees them.
//!
//! What is free text is rewritten; what is executed (a path, a URL, an address, a number, one of a list, the name of an argument)
//! never is: a finding there denies the call.

use std::collections::BTreeMap;

use crate::call::FrozenCall;
use crate::decision::{ArgScope, Decision};
use crate::policy::Policy;
use crate::redact::{Class, ClassSet, redact_text, redact_value, shown_name};
use crate::value::{Map, Value};

/// The changed call with what was redacted, `None` where nothing was found, or the code and reason of a denial.
pub(crate) type Inbound = Result<Option<(FrozenCall, BTreeMap<Class, u64>)>, (&'static str, String)>;

/// Applies the decision's obligations to the arguments.
pub(crate) fn redact(call: &FrozenCall, decision: &Decision, policy: &Policy) -> Inbound {
    let mut args = Map::with_capacity(call.args().len());
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    for (name, value) in call.args() {
        let classes = classes_for(name, decision);
        if classes.is_empty() {
            args.insert(name.clone(), value.clone());
            continue;
        }
        if let Some(finding) = redact_text(name, classes).findings.first() {
            return Err(executed("the name of an argument", finding.class.as_str()));
        }
        // Of a path only what the caller wrote is looked at: the folder it is relative to is the host's own word.
        let asked = call.asked_path(name).map(Value::from);
        let redacted = redact_value(asked.as_ref().unwrap_or(value), classes)
            .map_err(|withheld| ("unredactable_argument", withheld.to_string()))?;
        if redacted.counts.is_empty() {
            args.insert(name.clone(), value.clone());
            continue;
        }
        if !policy.rewrites_arg(call.tool(), name) {
            let found = redacted.counts.keys().map(|class| class.as_str()).collect::<Vec<_>>().join(", ");
            return Err(executed(&format!("the argument `{}`", shown_name(name)), &found));
        }
        redacted.counts.iter().for_each(|(class, n)| *counts.entry(*class).or_default() += n);
        args.insert(name.clone(), redacted.value);
    }
    Ok((!counts.is_empty()).then(|| (call.with_args(args), counts)))
}

fn executed(what: &str, found: &str) -> (&'static str, String) {
    let reason = format!("{what} is executed as it is, so what was found in it ({found}) cannot be redacted");
    ("finding_in_executed_argument", reason)
}

fn classes_for(arg: &str, decision: &Decision) -> ClassSet {
    let covers = |scope: &ArgScope| match scope {
        ArgScope::Named(name) => name == arg,
        ArgScope::EveryString => true,
    };
    let scopes = decision.obligations.redact_args.iter().filter(|(scope, _)| covers(scope));
    scopes.fold(ClassSet::NONE, |all, (_, classes)| all.union(*classes))
}
