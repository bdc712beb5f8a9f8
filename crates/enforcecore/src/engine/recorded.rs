//! What an entry repeats of a call's own words: the arguments that the policy records, and the name of a tool that it does not
//! declare. Each is redacted, escaped and cut, in this order: no detector knows half a token.

use std::collections::BTreeMap;

use crate::call::FrozenCall;
use crate::decision::{ArgScope, Decision};
use crate::policy::Policy;
use crate::redact::{ClassSet, classes, cut_line, redact_text, redact_value_in};
use crate::state::numbering::Numbering;
use crate::value::Value;

/// Arguments by name, as an entry holds them.
pub(super) type Recorded = BTreeMap<String, String>;

/// Characters of a recorded argument.
const ARG_CHARS_MAX: usize = 256;
/// Characters of an undeclared tool's name.
const TOOL_CHARS_MAX: usize = 128;

/// In place of a value that cannot be redacted.
const WITHHELD: &str = "withheld";

/// The arguments of this call that the policy records. Every class is taken out of them; only an argument whose type is a class
/// (an address of the type `email`) is not redacted of it, unless the policy says so.
pub(super) fn recorded_args(
    call: &FrozenCall,
    decision: &Decision,
    policy: &Policy,
    numbering: &Numbering<'_>,
) -> Recorded {
    let recorded = policy.recorded_args(call.tool());
    let present = recorded.filter_map(|(name, class)| Some((name, class, call.args().get(name)?)));
    let shown = present.map(|(name, own, value)| {
        let redacts = |class| {
            let covers = |scope: &ArgScope| match scope {
                ArgScope::Named(named) => named == name,
                ArgScope::EveryString => true,
            };
            decision.obligations.redact_args.iter().any(|(scope, set)| covers(scope) && set.contains(class))
        };
        let set: ClassSet = classes().filter(|class| own != Some(*class) || redacts(*class)).collect();
        (name.to_owned(), shown_value(value, set, numbering))
    });
    shown.collect()
}

/// A text as it is, any other value as JSON.
fn shown_value(value: &Value, classes: ClassSet, numbering: &Numbering<'_>) -> String {
    match numbering.redact(|placeholders| redact_value_in(value, classes, placeholders)) {
        Ok(Ok(redacted)) => {
            let value = redacted.value.as_ref().unwrap_or(value);
            value
                .as_text()
                .map_or_else(|| cut_line(&value.to_json(), ARG_CHARS_MAX), |text| cut_line(text, ARG_CHARS_MAX))
        }
        Ok(Err(_)) | Err(_) => WITHHELD.to_owned(),
    }
}

/// The name of a tool that no policy declares.
pub(super) fn shown_tool(name: &str) -> String {
    cut_line(&redact_text(name, ClassSet::all()).text, TOOL_CHARS_MAX)
}
