//! The methods that each side may use. A method that is not listed is answered by us and not passed on.
//!
//! Every method listed exists in every protocol version listed. What a server can be made to do or to show is a call: a tool's,
//! or that of a method, which a policy declares and allows by the method's name. Whatever else the client says carries the
//! members listed here and no others, because nothing decides them. Not served, because nothing decides them yet:
//! sampling and elicitation (the server asking the model or the person), tasks, and subscriptions.

use enforcecore::value::{Map, Value};

use super::outline::is_id;
use super::shape::{Members, Shape};

/// The protocol versions this proxy knows, oldest first: those that begin with a handshake.
pub const PROTOCOL_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The capabilities that the server may offer.
pub const SERVER_CAPABILITIES: [&str; 5] = ["completions", "logging", "prompts", "resources", "tools"];

const NOTHING: Members = &[];
const PAGE: Members = &[("cursor", Shape::Text)];
const RESOURCE: Members = &[("uri", Shape::Text)];
const LEVEL: Members = &[("level", Shape::OneOf(&LEVELS))];
pub const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
const INITIALIZE: Members = &[
    ("protocolVersion", Shape::Text),
    ("capabilities", Shape::Object(&[("roots", Shape::Object(&[("listChanged", Shape::Flag)]))])),
    ("clientInfo", Shape::Object(&[("name", Shape::Text), ("title", Shape::Text), ("version", Shape::Text)])),
];
const CANCELLATION: Members = &[("requestId", Shape::Id), ("reason", Shape::Text)];
const PROGRESS: Members =
    &[("progressToken", Shape::Id), ("progress", Shape::Number), ("total", Shape::Number), ("message", Shape::Text)];
const ERROR: (&str, Shape) = ("error", Shape::Object(&[("code", Shape::Number), ("message", Shape::Text)]));
const PONG: Members = &[("result", Shape::Object(NOTHING)), ERROR];
const ROOTS: Members =
    &[("result", Shape::Object(&[("roots", Shape::Objects(&[("uri", Shape::Text), ("name", Shape::Text)]))])), ERROR];

/// How a request is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Passed on with these parameters; its answer is redacted.
    Pass(Passing, Members),
    /// A tool call: the whole line.
    CallTool,
    /// A call of a tool that is named like the method: the whole line.
    CallMethod,
}

/// What else is done to a request that is passed on, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// Both sides are brought down to what is served.
    Handshake,
    /// Tools that can never be called are taken out of the answer.
    ToolList,
    /// Nothing.
    Plain,
}

/// What a client may ask for, and how it is handled.
pub const CLIENT_REQUESTS: &[(&str, Handling)] = &[
    ("initialize", Handling::Pass(Passing::Handshake, INITIALIZE)),
    ("ping", Handling::Pass(Passing::Plain, NOTHING)),
    ("logging/setLevel", Handling::Pass(Passing::Plain, LEVEL)),
    ("prompts/list", Handling::Pass(Passing::Plain, PAGE)),
    ("resources/list", Handling::Pass(Passing::Plain, PAGE)),
    ("resources/templates/list", Handling::Pass(Passing::Plain, PAGE)),
    ("resources/unsubscribe", Handling::Pass(Passing::Plain, RESOURCE)),
    ("tools/list", Handling::Pass(Passing::ToolList, PAGE)),
    ("tools/call", Handling::CallTool),
    ("completion/complete", Handling::CallMethod),
    ("prompts/get", Handling::CallMethod),
    ("resources/read", Handling::CallMethod),
    ("resources/subscribe", Handling::CallMethod),
];

/// What a server may ask for, and what the client's answer carries.
pub const SERVER_REQUESTS: &[(&str, Members)] = &[("ping", PONG), ("roots/list", ROOTS)];

/// What a client may tell, and what goes along.
pub const CLIENT_NOTIFICATIONS: &[(&str, Members)] = &[
    ("notifications/cancelled", CANCELLATION),
    ("notifications/initialized", NOTHING),
    ("notifications/progress", PROGRESS),
    ("notifications/roots/list_changed", NOTHING),
];

/// What a server may tell.
pub const SERVER_NOTIFICATIONS: &[&str] = &[
    "notifications/message",
    "notifications/progress",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/tools/list_changed",
];

/// What may go along in a `_meta` of the client's.
pub const META: [&str; 2] = ["progressToken", "traceparent"];

/// How a client's request is handled; none that is not listed is served.
pub fn from_client(method: &str) -> Option<Handling> {
    row(CLIENT_REQUESTS, method)
}

/// What the client's answer to a server's request carries; none for a request that is not passed on.
pub fn from_server(method: &str) -> Option<Members> {
    row(SERVER_REQUESTS, method)
}

/// What a client's notification carries; none for one that is not passed on.
pub fn client_notification(method: &str) -> Option<Members> {
    row(CLIENT_NOTIFICATIONS, method)
}

/// Whether a server's notification is passed on.
pub fn server_notification(method: &str) -> bool {
    SERVER_NOTIFICATIONS.contains(&method)
}

fn row<T: Copy>(rows: &[(&str, T)], method: &str) -> Option<T> {
    rows.iter().find(|(name, _)| *name == method).map(|(_, row)| *row)
}

/// What may go along in a `_meta` of the client's: by which token it hears of progress, and of which trace this is a part.
/// The trace's `tracestate` and `baggage` are free text and stay behind.
pub fn meta(said: Option<Value>) -> Option<Value> {
    let Some(Value::Map(mut meta)) = said else { return None };
    meta.retain(|name, value| match name.as_str() {
        "progressToken" => is_id(value),
        "traceparent" => value.as_text().is_some_and(is_trace_parent),
        _ => false,
    });
    (!meta.is_empty()).then_some(Value::Map(meta))
}

/// W3C Trace Context, version 00.
fn is_trace_parent(text: &str) -> bool {
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts: Vec<&str> = text.split('-').collect();
    matches!(*parts, ["00", trace, parent, flags] if is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2))
}

/// Brings the version that the client offers down to one that this proxy knows.
pub fn negotiate_request(params: &mut Map) {
    let known = params.get("protocolVersion").and_then(Value::as_text).is_some_and(is_known);
    if !known && let Some(newest) = PROTOCOL_VERSIONS.last() {
        params.insert("protocolVersion".to_owned(), Value::from(*newest));
    }
}

/// Brings the server's side of the handshake down to what this proxy serves and says which capabilities it drops, or says why there
/// can be none.
pub fn negotiate_response(result: &mut Map) -> Result<Vec<String>, String> {
    let version = result.get("protocolVersion").and_then(Value::as_text).unwrap_or_default();
    if !is_known(version) {
        return Err("the server speaks a protocol version that this proxy does not know".to_owned());
    }
    let mut dropped = Vec::new();
    if let Some(Value::Map(capabilities)) = result.get_mut("capabilities") {
        let is_kept = |name: &str| SERVER_CAPABILITIES.contains(&name);
        dropped.extend(capabilities.keys().filter(|name| !is_kept(name)).map(|name| format!("capabilities.{name}")));
        capabilities.retain(|name, _| is_kept(name));
    }
    Ok(dropped)
}

fn is_known(version: &str) -> bool {
    PROTOCOL_VERSIONS.contains(&version)
}

#[cfg(test)]
mod tests {
    use super::super::shape::cut;
    use super::*;

    fn map(json: &str) -> Map {
        Value::from_json(json.as_bytes()).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn the_handshake_is_brought_down_to_what_is_served() {
        let check = |offered: &str, expected: &str| {
            let mut params = map(offered);
            cut(&mut params, INITIALIZE).unwrap();
            negotiate_request(&mut params);
            assert_eq!(Value::Map(params).to_json(), expected);
        };
        check(
            r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{},"sampling":{}},"x":1}"#,
            r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{}}}"#,
        );
        check(r#"{"protocolVersion":"2199-01-01"}"#, r#"{"protocolVersion":"2025-11-25"}"#);
        check("{}", r#"{"protocolVersion":"2025-11-25"}"#);

        let mut known = map(r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":{}}}"#);
        assert_eq!(negotiate_response(&mut known), Ok(vec!["capabilities.tasks".to_owned()]));
        assert_eq!(Value::Map(known).to_json(), r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}"#);
        assert!(negotiate_response(&mut map(r#"{"protocolVersion":"2199-01-01"}"#)).is_err());
        assert!(negotiate_response(&mut Map::new()).is_err());
    }

    #[test]
    fn what_is_not_listed_is_not_served() {
        assert_eq!(from_client("tools/call"), Some(Handling::CallTool));
        assert_eq!(from_client("resources/read"), Some(Handling::CallMethod));
        for method in ["tools/Call", "server/discover", "tasks/result", "sampling/createMessage", "", "vendor/x"] {
            assert_eq!(from_client(method), None, "{method}");
            assert_eq!((from_server(method), client_notification(method)), (None, None), "{method}");
            assert!(!server_notification(method), "{method}");
        }
        assert!(from_server("roots/list").is_some() && from_server("elicitation/create").is_none());
        assert!(server_notification("notifications/message") && !server_notification("notifications/cancelled"));
    }

    #[test]
    fn of_what_goes_along_only_a_token_and_a_trace_are_kept() {
        let check = |said: &str, expected: Option<&str>| {
            let kept = meta(Some(Value::from_json(said.as_bytes()).unwrap()));
            assert_eq!(kept.map(|kept| kept.to_json()).as_deref(), expected, "{said}");
        };
        let trace = |text: &str| format!(r#"{{"traceparent":"{text}"}}"#);
        let good = trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        check(&good, Some(&good));
        for text in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-hello",
            "",
        ] {
            check(&trace(text), None);
        }
        check(r#"{"progressToken":1,"x":1}"#, Some(r#"{"progressToken":1}"#));
        check(r#"{"progressToken":"a"}"#, Some(r#"{"progressToken":"a"}"#));
        check(r#"{"progressToken":{"a":1},"tracestate":"a=b","baggage":"a=b"}"#, None);
        check(r#""text""#, None);
    }

    type Row = (&'static str, Option<Handling>, Option<Members>, Option<Members>, bool);

    /// Every method of the protocol: what becomes of it as a request of the client's and of the server's, and as a notification
    /// of the client's and of the server's.
    #[rustfmt::skip]
    const ROWS: [Row; 40] = [
        ("initialize", Some(Handling::Pass(Passing::Handshake, &[
            ("protocolVersion", Shape::Text),
            ("capabilities", Shape::Object(&[("roots", Shape::Object(&[("listChanged", Shape::Flag)]))])),
            ("clientInfo", Shape::Object(&[("name", Shape::Text), ("title", Shape::Text), ("version", Shape::Text)])),
        ])), None, None, false),
        ("ping", Some(Handling::Pass(Passing::Plain, &[])), Some(&[
            ("result", Shape::Object(&[])),
            ("error", Shape::Object(&[("code", Shape::Number), ("message", Shape::Text)])),
        ]), None, false),
        ("roots/list", None, Some(&[
            ("result", Shape::Object(&[("roots", Shape::Objects(&[("uri", Shape::Text), ("name", Shape::Text)]))])),
            ("error", Shape::Object(&[("code", Shape::Number), ("message", Shape::Text)])),
        ]), None, false),
        ("logging/setLevel", Some(Handling::Pass(Passing::Plain, &[("level", Shape::OneOf(
            &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"],
        ))])), None, None, false),
        ("prompts/list", Some(Handling::Pass(Passing::Plain, &[("cursor", Shape::Text)])), None, None, false),
        ("resources/list", Some(Handling::Pass(Passing::Plain, &[("cursor", Shape::Text)])), None, None, false),
        ("resources/templates/list", Some(Handling::Pass(Passing::Plain, &[("cursor", Shape::Text)])), None, None, false),
        ("tools/list", Some(Handling::Pass(Passing::ToolList, &[("cursor", Shape::Text)])), None, None, false),
        ("resources/unsubscribe", Some(Handling::Pass(Passing::Plain, &[("uri", Shape::Text)])), None, None, false),
        ("tools/call", Some(Handling::CallTool), None, None, false),
        ("completion/complete", Some(Handling::CallMethod), None, None, false),
        ("prompts/get", Some(Handling::CallMethod), None, None, false),
        ("resources/read", Some(Handling::CallMethod), None, None, false),
        ("resources/subscribe", Some(Handling::CallMethod), None, None, false),
        ("notifications/initialized", None, None, Some(&[]), false),
        ("notifications/roots/list_changed", None, None, Some(&[]), false),
        ("notifications/cancelled", None, None, Some(&[("requestId", Shape::Id), ("reason", Shape::Text)]), false),
        ("notifications/progress", None, None, Some(&[
            ("progressToken", Shape::Id), ("progress", Shape::Number), ("total", Shape::Number), ("message", Shape::Text),
        ]), true),
        ("notifications/message", None, None, None, true),
        ("notifications/prompts/list_changed", None, None, None, true),
        ("notifications/resources/list_changed", None, None, None, true),
        ("notifications/resources/updated", None, None, None, true),
        ("notifications/tools/list_changed", None, None, None, true),
        // Served by neither side.
        ("sampling/createMessage", None, None, None, false),
        ("elicitation/create", None, None, None, false),
        ("notifications/elicitation/complete", None, None, None, false),
        ("notifications/tasks/status", None, None, None, false),
        ("tasks/get", None, None, None, false),
        ("tasks/result", None, None, None, false),
        ("tasks/list", None, None, None, false),
        ("tasks/cancel", None, None, None, false),
        ("server/discover", None, None, None, false),
        ("tools/Call", None, None, None, false),
        ("tools/call ", None, None, None, false),
        ("resources/delete", None, None, None, false),
        ("prompts/create", None, None, None, false),
        ("notifications/vendor", None, None, None, false),
        ("notifications/", None, None, None, false),
        ("vendor/x", None, None, None, false),
        ("", None, None, None, false),
    ];

    #[test]
    fn every_method_is_handled_as_its_row_says_in_both_directions() {
        for (method, asked, asked_back, told, told_back) in ROWS {
            assert_eq!(from_client(method), asked, "{method} of the client");
            assert_eq!(from_server(method), asked_back, "{method} of the server");
            assert_eq!(client_notification(method), told, "{method} told by the client");
            assert_eq!(server_notification(method), told_back, "{method} told by the server");
        }
    }

    /// Every method with the side that says it.
    fn methods() -> Vec<(&'static str, &'static str)> {
        let asked = CLIENT_REQUESTS.iter().map(|(method, _)| (*method, "client"));
        let asked_back = SERVER_REQUESTS.iter().map(|(method, _)| (*method, "server"));
        let told = CLIENT_NOTIFICATIONS.iter().map(|(method, _)| (*method, "client"));
        let told_back = SERVER_NOTIFICATIONS.iter().map(|method| (*method, "server"));
        asked.chain(asked_back).chain(told).chain(told_back).collect()
    }

    #[test]
    fn every_method_stands_once_here_and_has_a_row_of_the_test() {
        let mut methods = methods();
        for (method, side) in &methods {
            assert!(ROWS.iter().any(|row| row.0 == *method), "`{method}` of the {side} has no row in `ROWS`");
        }
        methods.sort();
        methods.windows(2).for_each(|two| assert_ne!(two[0], two[1], "a second row is never read"));
    }

    #[test]
    fn the_page_says_of_every_method_that_it_passes_and_of_no_other() {
        let page = include_str!("../../../../docs/mcp.md");
        let table = page.split_once("| message | from | what happens |").unwrap().1.split_once("\n\n").unwrap().0;
        let mut said = Vec::new();
        for row in table.lines().filter_map(|line| line.strip_prefix("| ")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            said.extend(cells[0].split('`').skip(1).step_by(2).map(|method| (method, cells[1])));
        }
        let mut methods = methods();
        methods.sort();
        said.sort();
        assert_eq!(said, methods, "on the page, and in the tables");
    }
}
