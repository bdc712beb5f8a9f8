//! What passes between a client and a server, for a person: from the tables by which it is decided.

use super::frame::MESSAGE_SETTING;
use super::methods::{
    CLIENT_NOTIFICATIONS, CLIENT_REQUESTS, Handling, META, PROTOCOL_VERSIONS, SERVER_CAPABILITIES,
    SERVER_NOTIFICATIONS, SERVER_REQUESTS, from_client,
};
use super::shape::{Members, Shape};
use enforcecore::value::{RESULT_DEPTH_MAX, VALUE_BYTES_MAX, VALUE_DEPTH_MAX};

/// Requests and capabilities of the protocol that are not served, and why.
const LEFT_OUT: [(&str, &str); 5] = [
    ("sampling", "the server asks the client's model; no policy decides it yet"),
    ("elicitation", "the server asks the person; no policy decides it yet"),
    ("tasks", "a call's `task` counts as absent, and its result comes at once"),
    ("experimental", "any message; no policy knows what it does"),
    ("extensions", "any message; no policy knows what it does"),
];

/// What passes, line by line, where a message may have `message_max` bytes.
pub fn explain(message_max: usize) -> String {
    let passes = |handling: fn(Handling) -> bool| {
        let methods = CLIENT_REQUESTS.iter().filter(|(_, row)| handling(*row)).map(|(method, _)| *method);
        methods.collect::<Vec<_>>().join(", ")
    };
    let members = match from_client("initialize") {
        Some(Handling::Pass(_, members)) => named(members, ""),
        _ => Vec::new(),
    };
    let told: Vec<&str> = CLIENT_NOTIFICATIONS.iter().map(|(method, _)| *method).collect();
    let asked: Vec<&str> = SERVER_REQUESTS.iter().map(|(method, _)| *method).collect();
    let mut lines = vec![
        format!("protocol versions: {}", PROTOCOL_VERSIONS.join(", ")),
        format!("decided as calls: {}", passes(|row| matches!(row, Handling::CallTool | Handling::CallMethod))),
        format!("passed on to the server: {}", passes(|row| matches!(row, Handling::Pass(..)))),
        format!("notifications to the server: {}", told.join(", ")),
        format!("requests to the client: {}", asked.join(", ")),
        format!("notifications to the client: {}", SERVER_NOTIFICATIONS.join(", ")),
        format!("members of `initialize` to the server: {}", members.join(", ")),
        format!("capabilities to the client: {}", SERVER_CAPABILITIES.join(", ")),
        format!("members of a client's `_meta`: {}", META.join(", ")),
        format!("bytes of a message: {message_max} (`{MESSAGE_SETTING}`)"),
        format!("bytes of a call's arguments: {VALUE_BYTES_MAX}"),
        format!("levels of objects and lists: {VALUE_DEPTH_MAX} in arguments, {RESULT_DEPTH_MAX} in results"),
        "left out, and said once on stderr when it is met: every other method, capability and member, among them"
            .to_owned(),
    ];
    lines.extend(LEFT_OUT.iter().map(|(what, why)| format!("  {what}: {why}")));
    lines.join("\n")
}

/// The members by their dotted names.
fn named(members: Members, above: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, shape) in members {
        let name = format!("{above}{name}");
        match shape {
            Shape::Object(inner) => names.extend(named(inner, &format!("{name}."))),
            Shape::Flag | Shape::Number | Shape::Text | Shape::OneOf(_) | Shape::Id | Shape::Objects(_) => {
                names.push(name)
            }
        }
    }
    names
}
