//! What the client is told: the ends of calls as results and errors of the protocol.
//!
//! A refused tool call is a result with `isError`, because that is what a model gets to read; a refused method is an error.
//! Both carry the same object for programs, so that nobody has to read the sentence.

use enforcecore::audit::Effect;
use enforcecore::outcome::{Completed, Refusal, Refused};
use enforcecore::value::{Map, Value};

/// JSON-RPC: not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: not a request.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: no such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: parameters that are not what the method takes.
pub const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC: the other side could not answer.
pub const INTERNAL_ERROR: i64 = -32603;
/// Ours: the call of a method was refused, or failed.
const NOT_DONE: i64 = -32000;

/// Whether a call is a tool's or a method's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Ends as a result.
    Tool,
    /// Ends as an error.
    Method,
}

impl Style {
    /// The body that says a call did not start.
    pub fn refused(self, refused: &Refused) -> Map {
        let decision = if matches!(refused.kind, Refusal::Pending { .. }) { "ask" } else { "deny" };
        let mut details = vec![
            ("started", Value::from(false)),
            ("decision", Value::from(decision)),
            ("kind", Value::from(refused.kind.as_str())),
            ("code", Value::from(refused.code)),
            ("reason", Value::from(refused.reason.as_str())),
            ("rules", Value::List(refused.rules.iter().map(|rule| Value::from(rule.as_str())).collect())),
            ("call", Value::from(refused.call.as_str())),
        ];
        if let Refusal::Pending { expires_us } = refused.kind {
            details.push(("expires_us", Value::from(expires_us)));
        }
        self.not_done(format!("This call was {refused}. The tool did not start."), details)
    }

    /// The body of a call whose tool started.
    pub fn completed(self, completed: Completed) -> Map {
        match completed {
            Completed::Released { value: Value::Map(body), .. }
            | Completed::Failed { value: Some(Value::Map(body)), .. } => body,
            Completed::Released { effect, .. } => self.ended("released", "the answer is not an object", effect, ""),
            Completed::Failed { code, message, effect, .. } => self.ended(code, &message, effect, ""),
            Completed::Withheld { code, reason, effect } => {
                self.ended(code, &reason, effect, " Its result is withheld; trying again would run it again.")
            }
        }
    }

    fn ended(self, code: &str, reason: &str, effect: Effect, more: &str) -> Map {
        let details = vec![
            ("started", Value::from(true)),
            ("code", Value::from(code)),
            ("reason", Value::from(reason)),
            ("effect", Value::from(effect.as_str())),
        ];
        self.not_done(format!("The tool was started: {reason} ({code}).{more}"), details)
    }

    fn not_done(self, sentence: String, details: Vec<(&str, Value)>) -> Map {
        let details = object(std::iter::once(("v", Value::from(1))).chain(details));
        let details = object([("enforcecore", details)]);
        match self {
            Style::Method => error_with(NOT_DONE, &sentence, Some(details)),
            Style::Tool => {
                let text = object([("type", Value::from("text")), ("text", Value::from(sentence))]);
                let result = object([
                    ("content", Value::List(vec![text])),
                    ("structuredContent", details),
                    ("isError", Value::from(true)),
                ]);
                members([("result", result)])
            }
        }
    }
}

/// The body of an error.
pub fn error(code: i64, message: &str) -> Map {
    error_with(code, message, None)
}

fn error_with(code: i64, message: &str, data: Option<Value>) -> Map {
    let error = [("code", Value::from(code)), ("message", Value::from(message))];
    members([("error", object(error.into_iter().chain(data.map(|data| ("data", data)))))])
}

fn object<'a>(content: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(members(content))
}

fn members<'a>(content: impl IntoIterator<Item = (&'a str, Value)>) -> Map {
    content.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
