//! Redaction of arguments, before the tool sees them.
//!
//! What is free text is rewritten; what is executed (a path, a URL, an address, a number, one of a list, the name of an argument)
//! never is: a finding there denies the call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::call::FrozenCall;
use crate::codes::Code;
use crate::codes::call as code;
use crate::decision::{ArgScope, Ask, Decision, Verdict};
use crate::policy::{OnPlaceholder, Policy};
use crate::redact::{Class, ClassSet, Placeholders, placeholders_in, redact_text, redact_value_in, shown_name};
use crate::state::numbering::Numbering;
use crate::state::session::Issued;
use crate::value::{Map, Value};

/// The changed call with what was redacted, `None` where nothing was found, or the code and reason of a denial.
pub(super) type Inbound = Result<Option<(FrozenCall, BTreeMap<Class, u64>)>, (Code, String)>;

/// Applies the decision's obligations to the arguments.
pub(super) fn redact(call: &FrozenCall, decision: &Decision, policy: &Policy, numbering: &Numbering<'_>) -> Inbound {
    let redacted = numbering.redact(|placeholders| rewrite(call, decision, policy, placeholders));
    redacted.unwrap_or_else(|error| Err((code::UNREDACTABLE_ARGUMENT, error.to_string())))
}

fn rewrite(call: &FrozenCall, decision: &Decision, policy: &Policy, placeholders: &mut Placeholders<'_>) -> Inbound {
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
        let written = asked.as_ref().unwrap_or(value);
        let redacted = redact_value_in(written, classes, placeholders)
            .map_err(|withheld| (code::UNREDACTABLE_ARGUMENT, withheld.to_string()))?;
        if redacted.counts.is_empty() {
            args.insert(name.clone(), value.clone());
            continue;
        }
        if !policy.rewrites_arg(call.tool(), name) {
            let found = redacted.counts.keys().map(|class| class.as_str()).collect::<Vec<_>>().join(", ");
            return Err(executed(&format!("the argument `{}`", shown_name(name)), &found));
        }
        redacted.counts.iter().for_each(|(class, n)| *counts.entry(*class).or_default() += n);
        args.insert(name.clone(), redacted.of(written).value);
    }
    Ok((!counts.is_empty()).then(|| (call.with_args(args), counts)))
}

/// Placeholders of this session in the arguments as their caller wrote them. What they stand for is not there: a tool that
/// does more than read would write the placeholder over the value.
///
/// Returns the stricter decision, and the placeholders that the policy says are sent.
pub(super) fn hold_placeholders(
    call: &FrozenCall,
    decision: Decision,
    policy: &Policy,
    issued: &Arc<Issued>,
) -> (Decision, BTreeSet<String>) {
    let (mut decision, mut sent) = (decision, BTreeSet::new());
    if decision.verdict == Verdict::Deny || issued.count() == 0 || policy.only_reads(call.tool()) {
        return (decision, sent);
    }
    for (name, value) in call.args() {
        let asked = call.asked_path(name).map(Value::from);
        let mut found = BTreeSet::new();
        let mut look = |text: &str| {
            let issued = placeholders_in(text).filter(|placeholder| Numbering::was_issued(issued, *placeholder));
            found.extend(issued.map(|(class, number)| format!("EC_{}_{number}", class.as_str().to_ascii_uppercase())));
        };
        look(name);
        texts(asked.as_ref().unwrap_or(value), &mut look);
        if found.is_empty() {
            continue;
        }
        let what = format!("the argument `{}` holds a placeholder for a value that was redacted", shown_name(name));
        match policy.on_placeholder(call.tool(), name) {
            OnPlaceholder::Send => sent.extend(found),
            OnPlaceholder::Ask => {
                let ask = Ask { rule: "on_placeholder".to_owned(), approval: None };
                if !decision.asks.contains(&ask) {
                    decision.asks.push(ask);
                }
                if decision.verdict == Verdict::Allow {
                    (decision.verdict, decision.code, decision.reason) = (Verdict::Ask, code::APPROVAL_REQUIRED, what);
                    decision.rules = vec!["on_placeholder".to_owned()];
                }
                sent.extend(found);
            }
            OnPlaceholder::Refuse => {
                let why =
                    format!("{what}, and this tool would get the placeholder in its place; leave that part as it is");
                decision.rules.clear();
                return (decision.and_deny(code::PLACEHOLDER_IN_ARGUMENT, why), BTreeSet::new());
            }
        }
    }
    (decision, sent)
}

/// Every text of a value, keys included.
fn texts(value: &Value, look: &mut dyn FnMut(&str)) {
    match value {
        Value::Text(text) => look(text),
        Value::Bytes(bytes) => look(&String::from_utf8_lossy(bytes)),
        Value::List(items) => items.iter().for_each(|item| texts(item, look)),
        Value::Map(map) => map.iter().for_each(|(key, item)| {
            look(key);
            texts(item, look);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::WideNumber(_) | Value::Opaque(_) => {}
    }
}

fn executed(what: &str, found: &str) -> (Code, String) {
    let reason = format!("{what} is executed as it is, so what was found in it ({found}) cannot be redacted");
    (code::FINDING_IN_EXECUTED_ARGUMENT, reason)
}

fn classes_for(arg: &str, decision: &Decision) -> ClassSet {
    let covers = |scope: &ArgScope| match scope {
        ArgScope::Named(name) => name == arg,
        ArgScope::EveryString => true,
    };
    let scopes = decision.obligations.redact_args.iter().filter(|(scope, _)| covers(scope));
    scopes.fold(ClassSet::NONE, |all, (_, classes)| all.union(*classes))
}
