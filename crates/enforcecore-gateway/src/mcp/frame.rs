//! Lines to messages: JSON-RPC 2.0, one message a line, read strictly.
//!
//! A line that two readers could understand differently is no message. What can be told of it (its id, the tool it names) is
//! kept, so that the sender of a request gets an answer. Batches are refused: only one protocol version ever had them.

use enforcecore::call::Malformed;
use enforcecore::codes::call as code;
use enforcecore::value::{Map, VALUE_BYTES_MAX, Value, ValueError};
use json_event_parser::{JsonEvent, SliceJsonParser};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Bytes in a message at most: as many as a call may have.
pub const FRAME_BYTES_MAX: usize = VALUE_BYTES_MAX;
/// Bytes of a line that are held at most, to find the id of a message that is too long. The rest is read and forgotten.
pub const LINE_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// One line as it was read.
pub struct Line {
    /// Its beginning, as much as is held.
    pub text: Vec<u8>,
    /// How many bytes it has in all.
    pub bytes: usize,
}

/// What a line is.
#[derive(Debug)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// Not a message.
    Unreadable(Unreadable),
}

/// One JSON-RPC message.
#[derive(Debug)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// A text or an integer.
        id: Value,
        /// What is asked for.
        method: String,
        /// An object, empty where there is none.
        params: Map,
    },
    /// Wants none.
    Notification {
        /// What is said.
        method: String,
        /// An object, empty where there is none.
        params: Map,
    },
    /// Answers a request.
    Response {
        /// The request's id.
        id: Value,
        /// `result` or `error`.
        body: Map,
    },
}

/// What can be told of a line that is no message.
#[derive(Debug, Default)]
pub struct Unreadable {
    /// Why.
    pub why: Option<Malformed>,
    /// Its id, if it has one and only one.
    pub id: Option<Value>,
    /// Its method, likewise.
    pub method: Option<String>,
    /// The tool it names, likewise.
    pub tool: Option<String>,
}

/// The next line, cut after [`LINE_BYTES_MAX`], and how many bytes it has. None at the end, or where reading fails.
pub async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> Option<(Vec<u8>, usize)> {
    let (mut line, mut bytes) = (Vec::new(), 0);
    loop {
        let chunk = input.fill_buf().await.ok()?;
        if chunk.is_empty() {
            // A last line without its end was cut: the rest of it is unknown.
            return None;
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        let room = LINE_BYTES_MAX.saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        bytes += part.len();
        let taken = part.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            return Some((line, bytes));
        }
    }
}

/// Reads a line; an empty one is nothing.
pub fn read(line: &Line) -> Option<Frame> {
    let Line { text, bytes } = line;
    if text.trim_ascii().is_empty() {
        return None;
    }
    let too_large = *bytes > FRAME_BYTES_MAX;
    let value = if too_large { Err(ValueError::TooLarge { bytes: *bytes }) } else { Value::from_json(text) };
    Some(match value.map_err(Malformed::from).and_then(message) {
        Ok(message) => Frame::Message(message),
        Err(why) => Frame::Unreadable(Unreadable { why: Some(why), ..outline(text) }),
    })
}

fn message(value: Value) -> Result<Message, Malformed> {
    let bad = |what: &str| Err(Malformed::new(code::BAD_MESSAGE, what));
    let Value::Map(mut message) = value else { return bad("a message is one object; batches are refused") };
    if message.shift_remove("jsonrpc").as_ref().and_then(Value::as_text) != Some("2.0") {
        return bad("`jsonrpc` is not \"2.0\"");
    }
    let id = message.shift_remove("id");
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        return bad("an `id` is a text or an integer");
    }
    let method = match message.shift_remove("method") {
        None => None,
        Some(Value::Text(method)) => Some(method),
        Some(_) => return bad("a `method` is a text"),
    };
    let params = match message.shift_remove("params") {
        None => Map::new(),
        Some(Value::Map(params)) if method.is_some() => params,
        Some(_) => return bad("`params` is an object beside a `method`"),
    };
    match (id, method) {
        (Some(id), Some(method)) if message.is_empty() => Ok(Message::Request { id, method, params }),
        (None, Some(method)) if message.is_empty() => Ok(Message::Notification { method, params }),
        (Some(id), None) if is_body(&message) => Ok(Message::Response { id, body: message }),
        _ => bad("a message is a request, a notification or a response, and has no other members"),
    }
}

/// Whether this is an id: a text or an integer.
pub fn is_id(id: &Value) -> bool {
    match id {
        Value::Text(_) => true,
        Value::Number(number) => number.text().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Opaque(_) => false,
    }
}

fn is_body(body: &Map) -> bool {
    body.len() == 1
        && ["result", "error"].iter().any(|kind| body.get(*kind).is_some_and(|said| said.as_map().is_some()))
}

/// Looks for id, method and tool as far as the line can be followed. One that stands there twice is none.
fn outline(line: &[u8]) -> Unreadable {
    let mut parser = SliceJsonParser::new(line);
    let (mut ids, mut methods, mut tools) = (Vec::new(), Vec::new(), Vec::new());
    // The keys above the place, as deep as anything of interest lies.
    let mut path: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    while let Ok(event) = parser.parse_next() {
        let found = match event {
            JsonEvent::Eof => break,
            JsonEvent::StartObject | JsonEvent::StartArray => {
                depth += 1;
                continue;
            }
            JsonEvent::EndObject | JsonEvent::EndArray => {
                depth = depth.saturating_sub(1);
                continue;
            }
            JsonEvent::ObjectKey(key) => {
                path.truncate(depth.saturating_sub(1));
                if path.len() + 1 == depth && depth <= 2 {
                    path.push(key.into_owned());
                }
                continue;
            }
            JsonEvent::String(text) => Value::Text(text.into_owned()),
            JsonEvent::Number(text) => Value::from_json(text.as_bytes()).unwrap_or_default(),
            JsonEvent::Boolean(_) | JsonEvent::Null => Value::Null,
        };
        match (depth, path.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
            (1, ["id"]) => ids.push(found),
            (1, ["method"]) => methods.push(found),
            (2, ["params", "name"]) => tools.push(found),
            _ => {}
        }
    }
    let text = |found: Vec<Value>| only(found).and_then(|value| value.as_text().map(str::to_owned));
    Unreadable { why: None, id: only(ids).filter(is_id), method: text(methods), tool: text(tools) }
}

fn only(mut found: Vec<Value>) -> Option<Value> {
    if found.len() == 1 { found.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_says_why_not() {
        let check = |line: &str, expected: &str| {
            let got = match read(&Line { text: line.into(), bytes: line.len() }).unwrap() {
                Frame::Message(Message::Request { id, method, params }) => {
                    format!("request {} {method} {}", id.to_json(), params.len())
                }
                Frame::Message(Message::Notification { method, params }) => {
                    format!("notification {method} {}", params.len())
                }
                Frame::Message(Message::Response { id, body }) => {
                    format!("response {} {}", id.to_json(), Value::Map(body).to_json())
                }
                Frame::Unreadable(Unreadable { why, id, method, tool }) => {
                    let id = id.map(|id| id.to_json());
                    format!("{} {id:?} {method:?} {tool:?}", why.unwrap().code)
                }
            };
            assert_eq!(got, expected, "{line}");
        };
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping 0");
        check(r#"{"jsonrpc":"2.0","id":"a","method":"x","params":{"p":1}}"#, r#"request "a" x 1"#);
        check(r#"{"jsonrpc":"2.0","method":"x"}"#, "notification x 0");
        check(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, r#"response 1 {"result":{}}"#);
        check(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, r#"response 1 {"error":{"code":1}}"#);
        check(r#"{"jsonrpc":"2.0","id":1,"result":"text"}"#, r#"bad_message Some("1") None None"#);
        check(r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, r#"bad_message Some("1") Some("x") None"#);
        check(r#"{"id":1,"method":"x"}"#, r#"bad_message Some("1") Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, r#"bad_message None Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, r#"bad_message None Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, r#"bad_message Some("1") Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"x","extra":1}"#, r#"bad_message Some("1") Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, r#"bad_message Some("1") Some("x") None"#);
        check(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, r#"bad_message Some("1") None None"#);
        check(r#"[{"jsonrpc":"2.0","id":1,"method":"x"}]"#, "bad_message None None None");
        check("hello", "not_json None None None");
        check(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"name":"u","a":1,"a":2}}}"#,
            r#"duplicate_key Some("1") Some("tools/call") Some("t")"#,
        );
        check(
            r#"{"id":1,"id":2,"method":"tools/call","params":{"name":"t","name":"u"}}"#,
            r#"duplicate_key None Some("tools/call") None"#,
        );
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"arguments":{}{},"name":"t"}}}}"#,
            "[".repeat(100),
            "]".repeat(100)
        );
        check(&deep, r#"too_deep Some("7") Some("tools/call") Some("t")"#);
        let long = format!(
            r#"{{"params":{{"arguments":"{}","name":"t"}},"id":8,"method":"tools/call"}}"#,
            "x".repeat(2 << 20)
        );
        check(&long, r#"too_large Some("8") Some("tools/call") Some("t")"#);
    }

    #[test]
    fn a_message_has_the_members_of_its_kind_and_no_other() {
        let is_message = |members: &str| {
            let line = format!(r#"{{"jsonrpc":"2.0"{members}}}"#);
            let frame = read(&Line { text: line.as_bytes().into(), bytes: line.len() }).unwrap();
            matches!(frame, Frame::Message(_))
        };
        let kinds = [
            r#","id":1,"method":"x""#,
            r#","id":1,"method":"x","params":{}"#,
            r#","method":"x""#,
            r#","method":"x","params":{}"#,
            r#","id":1,"result":{}"#,
            r#","id":1,"error":{}"#,
        ];
        for kind in kinds {
            assert!(is_message(kind), "{kind}");
            for more in
                [r#""extra":1"#, r#""extra":null"#, r#""_meta":{}"#, r#""Method":"y""#, r#""task":{}"#, r#""":1"#]
            {
                assert!(!is_message(&format!("{kind},{more}")), "{kind},{more}");
            }
        }
        for other in [r#","id":1"#, "", r#","result":{}"#, r#","params":{}"#, r#","id":1,"result":{},"params":{}"#] {
            assert!(!is_message(other), "{other}");
        }
    }

    #[test]
    fn a_message_has_as_many_bytes_as_a_call_may_have() {
        const MIB: usize = 1_048_576;
        let message = r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#;
        for (bytes, expected) in
            [(message.len(), true), (MIB - 1, true), (MIB, true), (MIB + 1, false), (2 * MIB, false)]
        {
            let line = format!("{message}{}", " ".repeat(bytes - message.len()));
            let frame = read(&Line { text: line.into_bytes(), bytes }).unwrap();
            let code = match frame {
                Frame::Message(_) => None,
                Frame::Unreadable(unreadable) => Some(unreadable.why.unwrap().code.as_str()),
            };
            assert_eq!(code, (!expected).then_some("too_large"), "{bytes}");
        }
        // Of a line that was cut not what is left of it counts.
        let frame = read(&Line { text: message.into(), bytes: LINE_BYTES_MAX + 1 }).unwrap();
        assert!(matches!(frame, Frame::Unreadable(Unreadable { why: Some(why), .. }) if why.code == "too_large"));
    }

    #[tokio::test]
    async fn a_line_without_end_is_held_to_its_limit() {
        let mut text = vec![b'x'; LINE_BYTES_MAX + 10];
        text.extend_from_slice(b"\nnext\ncut");
        let mut input = text.as_slice();
        let (line, bytes) = next_line(&mut input).await.unwrap();
        assert_eq!((line.len(), bytes), (LINE_BYTES_MAX, LINE_BYTES_MAX + 10));
        assert_eq!(next_line(&mut input).await.unwrap().0, b"next");
        assert!(next_line(&mut input).await.is_none());
    }
}
