//! Lines to messages: JSON-RPC 2.0, one message a line.
//!
//! What a client says is read strictly: a line that two readers could understand differently is no message. What a server says is
//! read as far as it can be seen in full, because its tool ran already. What can be told of a line that is no message (its id, the
//! tool it names) is kept, so that a request gets an answer. Batches are refused: only one protocol version ever had them.

use enforcecore::call::Malformed;
use enforcecore::characters::Replaced;
use enforcecore::codes::call as code;
use enforcecore::value::{ENVELOPE_DEPTH, Limits, Map, RESULT_DEPTH_MAX, Value, ValueError};

use super::outline::{Outline, is_id};

/// Bytes in a message at most, where nothing else is set: a screenshot has a few million.
pub const MESSAGE_BYTES: usize = 16 << 20;
/// The setting that says how many.
pub const MESSAGE_SETTING: &str = "mcp_message_max";

/// One line as it was read.
#[derive(Debug, Default)]
pub struct Line {
    /// The whole of it; empty where it is longer than a message may be.
    pub text: Vec<u8>,
    /// How many bytes it has in all.
    pub bytes: usize,
    /// What can be told of a line that is longer than that.
    pub outline: Option<Outline>,
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The client: its words are decided.
    Client,
    /// The server: its words are shown.
    Server,
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
    /// Whether it was meant as an answer.
    pub is_answer: bool,
}

/// Reads a line of at most `most` bytes, and says how many of its characters were replaced; an empty one is nothing.
pub fn read(line: &Line, writer: Writer, most: usize) -> Option<(Frame, Replaced)> {
    let Line { text, bytes, outline } = line;
    if outline.is_none() && text.trim_ascii().is_empty() {
        return None;
    }
    let limits = Limits { what: "the message", bytes: most, depth: RESULT_DEPTH_MAX + ENVELOPE_DEPTH };
    let value = match writer {
        _ if outline.is_some() || *bytes > most => Err(ValueError::TooLarge { bytes: *bytes, limits }),
        Writer::Client => Value::from_json_within(text, limits).map(|value| (value, Replaced::default())),
        Writer::Server => Value::from_said_json(text, limits),
    };
    let is_json = value.is_ok();
    let read =
        value.map_err(|error| malformed(error, writer)).and_then(|(value, replaced)| Ok((message(value)?, replaced)));
    Some(match read {
        Ok((message, replaced)) => (Frame::Message(message), replaced),
        Err(why) => {
            let followed = outline.is_none().then(|| Outline::of(text));
            let unreadable = outline.as_ref().or(followed.as_ref()).map(|outline| Unreadable {
                why: Some(why),
                id: outline.id(),
                method: outline.method(),
                tool: outline.tool(),
                is_answer: outline.is_answer(is_json),
            });
            (Frame::Unreadable(unreadable.unwrap_or_default()), Replaced::default())
        }
    })
}

/// What is wrong with a line. Of a server's no key is repeated: it may be a secret, and the policy may let its reader see none.
fn malformed(error: ValueError, writer: Writer) -> Malformed {
    let code = error.code();
    match (&error, writer) {
        (ValueError::TooLarge { bytes, limits }, _) => Malformed::new(
            code,
            format!("a message of {bytes} bytes, more than the {} that `{MESSAGE_SETTING}` allows", limits.bytes),
        ),
        (ValueError::DuplicateKey(_), Writer::Server) => Malformed::new(code, "a key appears twice in one object"),
        (ValueError::Character(unfit, _), Writer::Server) => Malformed::new(code, unfit.to_string()),
        (ValueError::DuplicateKey(_) | ValueError::Character(..), Writer::Client)
        | (ValueError::Syntax(_) | ValueError::Number(_) | ValueError::TooDeep(_), _) => error.into(),
    }
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
        // Some clients write what they leave out.
        Some(Value::Null) if method.is_some() => Map::new(),
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

fn is_body(body: &Map) -> bool {
    body.len() == 1
        && ["result", "error"].iter().any(|kind| body.get(*kind).is_some_and(|said| said.as_map().is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line { text: text.into(), bytes: text.len(), outline: None }
    }

    fn read_as(writer: Writer, text: &str) -> Frame {
        read(&line(text), writer, MESSAGE_BYTES).unwrap().0
    }

    #[test]
    fn a_line_is_a_message_or_says_why_not() {
        let check = |line: &str, expected: &str| {
            let got = match read_as(Writer::Client, line) {
                Frame::Message(Message::Request { id, method, params }) => {
                    format!("request {} {method} {}", id.to_json(), params.len())
                }
                Frame::Message(Message::Notification { method, params }) => {
                    format!("notification {method} {}", params.len())
                }
                Frame::Message(Message::Response { id, body }) => {
                    format!("response {} {}", id.to_json(), Value::Map(body).to_json())
                }
                Frame::Unreadable(Unreadable { why, id, method, tool, .. }) => {
                    let id = id.map(|id| id.to_json());
                    format!("{} {id:?} {method:?} {tool:?}", why.unwrap().code)
                }
            };
            assert_eq!(got, expected, "{line}");
        };
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping 0");
        check(r#"{"jsonrpc":"2.0","id":"a","method":"x","params":{"p":1}}"#, r#"request "a" x 1"#);
        check(r#"{"jsonrpc":"2.0","method":"x"}"#, "notification x 0");
        check(r#"{"jsonrpc":"2.0","method":"x","params":null}"#, "notification x 0");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":null}"#, "request 1 x 0");
        check(r#"{"jsonrpc":"2.0","id":1,"result":{},"params":null}"#, r#"bad_message Some("1") None None"#);
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
            "[".repeat(200),
            "]".repeat(200)
        );
        check(&deep, r#"too_deep Some("7") Some("tools/call") Some("t")"#);
        for (text, code) in [(r"a\u0000", "nul_character"), (r"\ud83d", "lone_surrogate")] {
            let tail = format!(
                r#"{{"jsonrpc":"2.0","params":{{"arguments":{{"a":"{text}"}},"name":"t"}},"method":"tools/call","id":8}}"#
            );
            check(&tail, &format!(r#"{code} Some("8") Some("tools/call") Some("t")"#));
        }
    }

    #[test]
    fn what_a_server_says_is_read_as_far_as_it_can_be_seen() {
        let text = r#"{"result":{"a\u0000":"\ud83d","n":1E400},"jsonrpc":"2.0","id":2}"#;
        let (frame, replaced) = read(&line(text), Writer::Server, MESSAGE_BYTES).unwrap();
        let Frame::Message(Message::Response { id, body }) = frame else { panic!("{frame:?}") };
        assert_eq!((id.to_json().as_str(), replaced.nul, replaced.surrogates), ("2", 1, 1));
        assert_eq!(Value::Map(body).to_json(), "{\"result\":{\"a\u{fffd}\":\"\u{fffd}\",\"n\":1E400}}");
        assert!(matches!(read_as(Writer::Client, text), Frame::Unreadable(_)), "a client is held to more");
        // What is wrong is said without the key.
        let twice = read_as(Writer::Server, r#"{"result":{"secret":1,"secret":2},"id":2}"#);
        let Frame::Unreadable(Unreadable { why: Some(why), is_answer: true, .. }) = twice else { panic!("{twice:?}") };
        assert_eq!((why.code.as_str(), why.message.as_str()), ("duplicate_key", "a key appears twice in one object"));
    }

    #[test]
    fn a_message_has_the_members_of_its_kind_and_no_other() {
        let is_message = |members: &str| {
            let line = format!(r#"{{"jsonrpc":"2.0"{members}}}"#);
            matches!(read_as(Writer::Client, &line), Frame::Message(_))
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
    fn a_message_has_as_many_bytes_as_its_setting_says() {
        let message = r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#;
        for writer in [Writer::Client, Writer::Server] {
            for (bytes, expected) in [(message.len(), true), (999, true), (1000, true), (1001, false), (2000, false)] {
                let padded = format!("{message}{}", " ".repeat(bytes - message.len()));
                let (frame, _) = read(&line(&padded), writer, 1000).unwrap();
                let said = match frame {
                    Frame::Message(_) => None,
                    Frame::Unreadable(unreadable) => unreadable.why.map(|why| format!("{}: {}", why.code, why.message)),
                };
                let refused =
                    format!("too_large: a message of {bytes} bytes, more than the 1000 that `mcp_message_max` allows");
                assert_eq!(said, (!expected).then_some(refused), "{bytes}");
            }
        }
        // Of a line that was not kept what could be told of it is told.
        let long = Line { text: Vec::new(), bytes: 5000, outline: Some(Outline::of(message.as_bytes())) };
        let Some((Frame::Unreadable(unreadable), _)) = read(&long, Writer::Client, 1000) else { panic!("{long:?}") };
        assert_eq!((unreadable.id, unreadable.method.as_deref()), (Some(Value::from(1)), Some("x")));
    }
}
