//! What may be said, and by whom. A method that does not stand here is answered by us and reaches nobody.
//!
//! Every method listed exists in every protocol version listed. What a server can be made to do or to show is a call: a tool's,
//! or that of a method, which a policy declares and allows by the method's name. Not served, because nothing decides them yet:
//! sampling and elicitation (the server asking the model or the person), tasks, and subscriptions.

use enforcecore::value::{Map, Value};

/// The protocol versions this proxy knows, oldest first: those that begin with a handshake.
pub const PROTOCOL_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What the client may say it can do.
const CLIENT_CAPABILITIES: [&str; 1] = ["roots"];
/// What the server may say it can do.
const SERVER_CAPABILITIES: [&str; 5] = ["completions", "logging", "prompts", "resources", "tools"];

/// How a request is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The handshake.
    Initialize,
    /// Passed on; its answer is redacted.
    Pass,
    /// Passed on; tools that can never be called are taken out of the answer.
    ListTools,
    /// A tool call: the whole line.
    CallTool,
    /// A call of a tool that is named like the method: the whole line.
    CallMethod,
}

/// How a client's request is handled; none that is not listed is served.
pub fn from_client(method: &str) -> Option<Handling> {
    Some(match method {
        "initialize" => Handling::Initialize,
        "ping"
        | "logging/setLevel"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list"
        | "resources/unsubscribe" => Handling::Pass,
        "tools/list" => Handling::ListTools,
        "tools/call" => Handling::CallTool,
        "completion/complete" | "prompts/get" | "resources/read" | "resources/subscribe" => Handling::CallMethod,
        _ => return None,
    })
}

/// Whether a server's request is passed on to the client.
pub fn from_server(method: &str) -> bool {
    matches!(method, "ping" | "roots/list")
}

/// Whether a client's notification is passed on. A cancellation is not: it names a request by the client's id.
pub fn told_by_client(method: &str) -> bool {
    matches!(method, "notifications/initialized" | "notifications/roots/list_changed" | "notifications/progress")
}

/// Whether a server's notification is passed on.
pub fn told_by_server(method: &str) -> bool {
    matches!(
        method,
        "notifications/message"
            | "notifications/progress"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated"
            | "notifications/tools/list_changed"
    )
}

/// Brings the client's side of the handshake down to what this proxy serves: a version it knows, and what it passes on.
pub fn offer(params: &mut Map) {
    let known = params.get("protocolVersion").and_then(Value::as_text).is_some_and(is_known);
    if !known && let Some(newest) = PROTOCOL_VERSIONS.last() {
        params.insert("protocolVersion".to_owned(), Value::from(*newest));
    }
    keep_capabilities(params, &CLIENT_CAPABILITIES);
}

/// Brings the server's side of the handshake down likewise, or says why there can be none.
pub fn accept(result: &mut Map) -> Result<(), String> {
    let version = result.get("protocolVersion").and_then(Value::as_text).unwrap_or_default();
    if !is_known(version) {
        return Err("the server speaks a protocol version that this proxy does not know".to_owned());
    }
    keep_capabilities(result, &SERVER_CAPABILITIES);
    Ok(())
}

fn is_known(version: &str) -> bool {
    PROTOCOL_VERSIONS.contains(&version)
}

fn keep_capabilities(side: &mut Map, known: &[&str]) {
    if let Some(Value::Map(capabilities)) = side.get_mut("capabilities") {
        capabilities.retain(|name, _| known.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(json: &str) -> Map {
        Value::from_json(json.as_bytes()).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn the_handshake_is_brought_down_to_what_is_served() {
        let check = |offered: &str, expected: &str| {
            let mut params = map(offered);
            offer(&mut params);
            assert_eq!(Value::Map(params).to_json(), expected);
        };
        check(
            r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{},"sampling":{}},"x":1}"#,
            r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"x":1}"#,
        );
        check(r#"{"protocolVersion":"2199-01-01"}"#, r#"{"protocolVersion":"2025-11-25"}"#);
        check("{}", r#"{"protocolVersion":"2025-11-25"}"#);

        let mut known = map(r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":{}}}"#);
        assert_eq!(accept(&mut known), Ok(()));
        assert_eq!(Value::Map(known).to_json(), r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}"#);
        assert!(accept(&mut map(r#"{"protocolVersion":"2199-01-01"}"#)).is_err());
        assert!(accept(&mut Map::new()).is_err());
    }

    #[test]
    fn what_is_not_listed_is_not_served() {
        assert_eq!(from_client("tools/call"), Some(Handling::CallTool));
        assert_eq!(from_client("resources/read"), Some(Handling::CallMethod));
        for method in ["tools/Call", "server/discover", "tasks/result", "sampling/createMessage", "", "vendor/x"] {
            assert_eq!(from_client(method), None, "{method}");
            assert!(!from_server(method) && !told_by_client(method) && !told_by_server(method), "{method}");
        }
        assert!(from_server("roots/list") && !from_server("elicitation/create"));
        assert!(told_by_server("notifications/message") && !told_by_server("notifications/cancelled"));
    }
}
