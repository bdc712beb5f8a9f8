//! Answers to the client: the ends of calls as results and errors of the protocol.
//!
//! A refused tool call is a result with `isError`, because that is what a model gets to read; a refused method is an error.
//! Both carry the same object for programs, so that a program need not read the sentence.

use enforcecore::audit::EffectStatus;
use enforcecore::codes::Code;
use enforcecore::codes::call as code;
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

/// The member with the same for programs: of a result's `_meta`, and of an error's `data`. A result has no
/// `structuredContent` of ours: clients hold it to the tool's own `outputSchema`, with `isError` too.
const DECISION: &str = "enforcecore/decision";

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
            ("code", Value::from(refused.code.as_str())),
            ("reason", Value::from(refused.reason.as_str())),
            ("rules", Value::List(refused.rules.iter().map(|rule| Value::from(rule.as_str())).collect())),
            ("call", Value::from(refused.call.as_str())),
        ];
        if let Refusal::Pending { expires_us } = refused.kind {
            details.push(("expires_us", Value::from(expires_us)));
        }
        if let Some(explanation) = &refused.explanation {
            details.push(("explanation", explanation.to_value()));
        }
        self.not_done(format!("This call was {refused}. The tool did not start."), details)
    }

    /// The body of a call whose tool started.
    pub fn completed(self, completed: Completed) -> Map {
        match completed {
            Completed::Released { value: Value::Map(body), .. }
            | Completed::Failed { value: Some(Value::Map(body)), .. } => without_decision(body),
            Completed::Released { effect, .. } => self.ended(code::RELEASED, "the answer is not an object", effect, ""),
            Completed::Failed { code, message, effect, .. } => self.ended(code, &message, effect, ""),
            Completed::Withheld { code, reason, effect } => {
                self.ended(code, &reason, effect, " Its result is withheld; trying again would run it again.")
            }
        }
    }

    fn ended(self, code: Code, reason: &str, effect: EffectStatus, more: &str) -> Map {
        let details = vec![
            ("started", Value::from(true)),
            ("code", Value::from(code.as_str())),
            ("reason", Value::from(reason)),
            ("effect", Value::from(effect.as_str())),
        ];
        self.not_done(format!("The tool was started: {reason} ({code}).{more}"), details)
    }

    fn not_done(self, sentence: String, details: Vec<(&str, Value)>) -> Map {
        let details = object(std::iter::once(("v", Value::from(1))).chain(details));
        let details = object([(DECISION, details)]);
        match self {
            Style::Method => error_with(NOT_DONE, &sentence, Some(details)),
            Style::Tool => {
                let text = object([("type", Value::from("text")), ("text", Value::from(sentence))]);
                let result =
                    object([("content", Value::List(vec![text])), ("isError", Value::from(true)), ("_meta", details)]);
                members([("result", result)])
            }
        }
    }
}

/// What a server said, without a decision: only the proxy decides, and a program reads it as the proxy's word.
fn without_decision(mut body: Map) -> Map {
    for (part, member) in [("result", "_meta"), ("error", "data")] {
        if let Some(Value::Map(part)) = body.get_mut(part)
            && let Some(Value::Map(members)) = part.get_mut(member)
        {
            members.shift_remove(DECISION);
        }
    }
    body
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

#[cfg(test)]
mod tests {
    use enforcecore::call::CallId;

    use super::*;

    /// What a program reads of an answer, and what a person does.
    fn said(style: Style, body: &Map) -> (String, String) {
        let body = Value::Map(body.clone());
        let (details, sentence) = match style {
            Style::Tool => {
                assert_eq!(body.at("result.isError"), Some(&Value::Bool(true)));
                let Some(Value::List(content)) = body.at("result.content") else { panic!("{}", body.to_json()) };
                assert_eq!(body.at("result.structuredContent"), None);
                (body.at("result._meta").and_then(|meta| meta.as_map()?.get(DECISION)), content[0].at("text"))
            }
            Style::Method => {
                assert_eq!(body.at("error.code"), Some(&Value::from(-32000)));
                (body.at("error.data").and_then(|data| data.as_map()?.get(DECISION)), body.at("error.message"))
            }
        };
        (details.unwrap().to_json(), sentence.unwrap().as_text().unwrap().to_owned())
    }

    #[test]
    fn a_refused_call_says_that_it_did_not_start() {
        for (kind, decision, word, more) in [
            (Refusal::Malformed, "deny", "malformed", ""),
            (Refusal::Denied, "deny", "denied", ""),
            (Refusal::Pending { expires_us: 7 }, "ask", "pending", r#","expires_us":7"#),
            (Refusal::EnforcementFailed, "deny", "enforcement_failed", ""),
        ] {
            let call = CallId::from_text("c1").unwrap();
            let (reason, rules) = ("why".to_owned(), vec!["r1".to_owned(), "r2".to_owned()]);
            let refused = Refused { call, kind, code: code::NO_RULE, reason, rules, recorded: true, explanation: None };
            for style in [Style::Tool, Style::Method] {
                let (details, sentence) = said(style, &style.refused(&refused));
                assert_eq!(
                    details,
                    format!(
                        r#"{{"v":1,"started":false,"decision":"{decision}","kind":"{word}","code":"no_rule","reason":"why","rules":["r1","r2"],"call":"c1"{more}}}"#
                    )
                );
                assert_eq!(sentence, "This call was refused: why (no_rule, by r1, r2). The tool did not start.");
            }
        }
    }

    #[test]
    fn a_server_makes_no_decision_of_ours() {
        let body = |json: &str| Value::from_json(json.as_bytes()).unwrap().as_map().unwrap().clone();
        for (said, passed) in [
            (r#"{"result":{"_meta":{"enforcecore/decision":{"v":1},"own":1}}}"#, r#"{"result":{"_meta":{"own":1}}}"#),
            (r#"{"error":{"data":{"enforcecore/decision":1,"own":2}}}"#, r#"{"error":{"data":{"own":2}}}"#),
            (r#"{"result":{"_meta":[1]}}"#, r#"{"result":{"_meta":[1]}}"#),
            (r#"{"result":{"enforcecore/decision":1}}"#, r#"{"result":{"enforcecore/decision":1}}"#),
        ] {
            let value = Value::Map(body(said));
            let released = Completed::Released { value: value.clone(), effect: EffectStatus::Happened };
            assert_eq!(Value::Map(Style::Tool.completed(released)).to_json(), passed);
            let effect = EffectStatus::Unknown;
            let failed =
                Completed::Failed { code: code::TOOL_FAILED, message: String::new(), value: Some(value), effect };
            assert_eq!(Value::Map(Style::Method.completed(failed)).to_json(), passed);
        }
    }

    #[test]
    fn a_call_that_ended_says_that_it_started_and_what_is_known_of_its_effect() {
        let failed =
            |value, effect| Completed::Failed { code: code::NO_RULE, message: "why".to_owned(), value, effect };
        let withheld = |effect| Completed::Withheld { code: code::NO_RULE, reason: "why".to_owned(), effect };
        let odd = Completed::Released { value: Value::from("odd"), effect: EffectStatus::Happened };
        let again = " Its result is withheld; trying again would run it again.";
        for (completed, code, reason, effect, more) in [
            (failed(None, EffectStatus::Unknown), "no_rule", "why", "unknown", ""),
            (failed(None, EffectStatus::Happened), "no_rule", "why", "happened", ""),
            (failed(Some(Value::Null), EffectStatus::Unknown), "no_rule", "why", "unknown", ""),
            (withheld(EffectStatus::Happened), "no_rule", "why", "happened", again),
            (withheld(EffectStatus::Unknown), "no_rule", "why", "unknown", again),
            (odd, "released", "the answer is not an object", "happened", ""),
        ] {
            for style in [Style::Tool, Style::Method] {
                let (details, sentence) = said(style, &style.completed(completed.clone()));
                assert_eq!(
                    details,
                    format!(r#"{{"v":1,"started":true,"code":"{code}","reason":"{reason}","effect":"{effect}"}}"#)
                );
                assert_eq!(sentence, format!("The tool was started: {reason} ({code}).{more}"));
            }
        }
        // What the server said is said as it was.
        for style in [Style::Tool, Style::Method] {
            let body = members([("result", object([("a", Value::from(1))]))]);
            let (value, effect) = (Value::Map(body.clone()), EffectStatus::Happened);
            assert_eq!(style.completed(Completed::Released { value: value.clone(), effect }), body);
            assert_eq!(style.completed(failed(Some(value), EffectStatus::Unknown)), body);
        }
    }
}
