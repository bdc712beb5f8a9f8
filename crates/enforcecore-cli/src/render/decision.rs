//! A decision for machines and for people.

use std::time::Duration;

use enforcecore::decision::{ArgScope, Deadline, Decision, Obligations, Verdict};
use enforcecore::explanation::Explanation;
use enforcecore::redact::{Class, ClassSet, classes};
use serde_json::{Map, Value as Json, json};

/// A decision in one line for people.
pub fn text(id: &str, decision: &Decision) -> String {
    let Decision { verdict, code, reason, explanation, .. } = decision;
    let more = explanation.as_deref().map(Explanation::sentence).unwrap_or_default();
    let by = if decision.rules.is_empty() { String::new() } else { format!(", by {}", decision.rules.join(", ")) };
    let line = format!("{id}  {} ({code}{by}): {reason}. {more}", verdict.as_str());
    line.trim().to_owned()
}

/// `{"v","id","decision","rules","code","reason","obligations"}`, with `"malformed": true` where the call is, with what would
/// be allowed where that is known, and with the command that explains the code unless the call is allowed.
pub fn json(id: &str, decision: &Decision) -> Json {
    let mut object = json!({
        "v": 1,
        "id": id,
        "decision": decision.verdict.as_str(),
        "rules": decision.rules,
        "code": decision.code.as_str(),
        "reason": decision.reason,
        "obligations": obligations(&decision.obligations),
    });
    if let Json::Object(members) = &mut object {
        if decision.is_malformed() {
            members.insert("malformed".to_owned(), Json::Bool(true));
        }
        if let Some(explanation) = &decision.explanation {
            let json = serde_json::from_str(&explanation.to_value().to_json());
            members.insert("explanation".to_owned(), json.unwrap_or_default());
        }
        if decision.verdict != Verdict::Allow {
            members.insert("explain".to_owned(), json!(format!("enforcecore explain {}", decision.code)));
        }
    }
    object
}

fn obligations(obligations: &Obligations) -> Json {
    let mut members = Map::new();
    if !obligations.redact_args.is_empty() {
        let args = obligations.redact_args.iter().map(|(scope, classes)| {
            let name = match scope {
                ArgScope::Named(name) => name.clone(),
                ArgScope::EveryString => "every_string".to_owned(),
            };
            (name, names(*classes))
        });
        members.insert("redact_args".to_owned(), Json::Object(args.collect()));
    }
    if !obligations.redact_result.is_empty() {
        members.insert("redact_result".to_owned(), names(obligations.redact_result));
    }
    if let Some(deadline) = obligations.deadline {
        let Deadline { due, at_most, withhold_only } = deadline;
        members.insert("deadline_ms".to_owned(), millis(due));
        members.insert("deadline_max_ms".to_owned(), millis(at_most));
        if withhold_only {
            members.insert("withhold_only".to_owned(), Json::Bool(true));
        }
    }
    Json::Object(members)
}

fn millis(time: Duration) -> Json {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn names(chosen: ClassSet) -> Json {
    classes().filter(|class| chosen.contains(*class)).map(Class::as_str).collect()
}
