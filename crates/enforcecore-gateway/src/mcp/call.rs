//! A call on its way through the line: the client's request in, the answer's body out.

use std::cell::Cell;
use std::sync::Arc;

use enforcecore::call::Malformed;
use enforcecore::characters::Replaced;
use enforcecore::codes::call as code;
use enforcecore::outcome::{Outcome, Permit, Stopped};
use enforcecore::value::{Map, Value};
use tokio::runtime::Handle;

use super::answer::Style;
use super::methods;
use super::overdue::{self, Ended, Reaction};
use super::peer::{Answer, Lost, Said};
use super::session::Session;

/// What a client asks to be called.
#[derive(Debug)]
pub struct Wanted {
    /// The protocol's method.
    pub method: String,
    /// The tool, as the policy calls it.
    pub tool: String,
    /// Its arguments.
    pub args: Map,
    /// What goes along beside them.
    pub meta: Option<Value>,
    /// How the answer looks.
    pub style: Style,
}

/// The member of a call that asks for a result that is fetched later.
pub const TASK: &str = "task";

impl Wanted {
    /// Reads the parameters of `tools/call`. An unknown member may mean anything, so it is refused. A `task` asks for a result that
    /// is fetched later; where that is not offered, the protocol says that it counts as absent.
    pub fn tool(method: String, mut params: Map) -> Result<Wanted, (String, Malformed)> {
        let bad = |tool: &str, what: &str| Err((tool.to_owned(), Malformed::new(code::BAD_MESSAGE, what)));
        let meta = methods::meta(params.shift_remove("_meta"));
        let Some(Value::Text(tool)) = params.shift_remove("name") else {
            return bad("tools/call", "a tool call names its tool in `name`");
        };
        let args = match params.shift_remove("arguments") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Map(args)) => args,
            Some(_) => return bad(&tool, "`arguments` is not an object"),
        };
        params.shift_remove(TASK);
        if !params.is_empty() {
            return bad(&tool, "a tool call has `name`, `arguments` and `_meta`, and nothing else");
        }
        Ok(Wanted { method, tool, args, meta, style: Style::Tool })
    }

    /// The call of a method, whose parameters are its arguments.
    pub fn method(method: String, mut params: Map) -> Wanted {
        let meta = methods::meta(params.shift_remove("_meta"));
        Wanted { tool: method.clone(), method, args: params, meta, style: Style::Method }
    }

    /// The parameters with the arguments that were decided.
    fn params(style: Style, tool: &str, args: Map, meta: Option<Value>) -> Map {
        let mut params = match style {
            Style::Method => args,
            Style::Tool => {
                Map::from_iter([("name".to_owned(), Value::from(tool)), ("arguments".to_owned(), Value::Map(args))])
            }
        };
        params.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
        params
    }
}

/// Runs one call through the line. Blocks, so it has a thread of its own. None for a call that the client cancelled: its
/// answer is not read. One that was cancelled before the server was asked is void.
pub fn run(session: &Arc<Session>, runtime: &Handle, asker: &Value, wanted: Wanted) -> Option<Map> {
    let Wanted { method, tool, args, meta, style } = wanted;
    let call = session.call(&tool, args);
    let cancelled = Cell::new(false);
    let execute = |permit: Permit| {
        let params = Wanted::params(style, &tool, permit.call().args().clone(), meta);
        let (due, sets_facts) = (permit.due().cloned(), permit.sets_facts());
        let (ended, given_up) = runtime.block_on(overdue::call(session, asker, &method, params, due));
        cancelled.set(given_up || matches!(ended, Ended::Answered(Err(Lost::Cancelled | Lost::GivenUp))));
        match ended {
            Ended::Answered(answer) => outcome(style, answer, sets_facts),
            Ended::Overdue(reaction) => late_outcome(session, style, reaction, sets_facts),
        }
    };
    let body = match session.enforcer.enforce(call, execute) {
        Ok(completed) => style.completed(completed),
        Err(refused) => style.refused(&refused),
    };
    (!cancelled.get()).then_some(body)
}

/// Where its result sets no facts, its data is not copied for them: it may be large.
fn outcome(style: Style, answer: Answer, sets_facts: bool) -> Outcome {
    match answer {
        Ok(Said { body, replaced }) if !replaced.is_empty() => {
            let outcome = outcome(style, Ok(as_it_is(Said { body, replaced })), sets_facts);
            Outcome::Mended { replaced, outcome: Box::new(outcome) }
        }
        Ok(Said { body, .. }) if style == Style::Tool && !is_tool_answer(&body) => {
            unreadable(&Malformed::new(code::BAD_MESSAGE, "a member of it is not what the protocol says"))
        }
        Ok(Said { body, .. }) => {
            let result = body.get("result");
            let failed = result.is_none_or(|result| result.at("isError") == Some(&Value::Bool(true)));
            let structured = result.filter(|_| sets_facts).and_then(|result| result.at("structuredContent"));
            let structured = structured.cloned().unwrap_or_default();
            let value = Value::Map(body);
            if failed { Outcome::FailedWith(value) } else { Outcome::DoneWith { value, structured } }
        }
        Err(Lost::NotSent) => Outcome::NotStarted {
            code: code::NOT_STARTED,
            why: "the server is gone, or does not read its input".to_owned(),
        },
        Err(Lost::GivenUp) => Outcome::NotStarted {
            code: code::CANCELLED,
            why: "the client cancelled this call before the server was asked".to_owned(),
        },
        Err(Lost::Gone) => Outcome::Crashed,
        Err(Lost::Cancelled) => Outcome::Cancelled,
        Err(Lost::Unreadable(why)) => unreadable(&why),
    }
}

/// An answer whose replaced characters are said already, or concern no reader.
fn as_it_is(said: Said) -> Said {
    Said { replaced: Replaced::default(), ..said }
}

/// What became of a call that was overdue, and is said of it in no other words than those of a deadline.
fn late_outcome(session: &Session, style: Style, reaction: Reaction, sets_facts: bool) -> Outcome {
    match reaction {
        // A result shows that the tool took effect, and is withheld because it is late.
        Reaction::Answered(answer) => match outcome(style, answer.map(as_it_is), sets_facts) {
            Outcome::Failed(_) | Outcome::FailedWith(_) | Outcome::Cancelled => Outcome::Overdue(Stopped::Cancelled),
            ended @ (Outcome::Done(_)
            | Outcome::DoneWith { .. }
            | Outcome::Mended { .. }
            | Outcome::Unreadable(_)
            | Outcome::Crashed
            | Outcome::Overdue(_)
            | Outcome::NotStarted { .. }) => ended,
        },
        Reaction::Lives => Outcome::Overdue(Stopped::Cancelled),
        Reaction::Untold | Reaction::Busy => Outcome::Overdue(Stopped::RunsOn),
        Reaction::Hangs(id) => {
            // A tool that does not come back is stopped the only way there is: with its server.
            session.end_server(id);
            Outcome::Overdue(Stopped::Killed)
        }
    }
}

/// The tool ran, and its answer cannot be read. What is wrong is said without a key of the answer, which may be a secret.
fn unreadable(why: &Malformed) -> Outcome {
    Outcome::Unreadable(Malformed::new(why.code, format!("the server's answer cannot be read: {}", why.message)))
}

/// Whether the members that are read of a tool's answer are what the protocol says they are.
fn is_tool_answer(body: &Map) -> bool {
    let Some(result) = body.get("result") else { return true };
    let fits = |name: &str, fits: fn(&Value) -> bool| result.at(name).is_none_or(fits);
    fits("content", |content| matches!(content, Value::List(_)))
        && fits("structuredContent", |structured| structured.as_map().is_some())
        && fits("isError", |failed| matches!(failed, Value::Bool(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(json: &str) -> Map {
        Value::from_json(json.as_bytes()).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn a_tool_call_has_a_name_arguments_and_what_goes_along() {
        let read = |params: &str| match Wanted::tool("tools/call".to_owned(), map(params)) {
            Ok(Wanted { tool, args, meta, style: Style::Tool, .. }) => {
                format!("{tool} {} {}", Value::Map(args).to_json(), meta.map_or("-".to_owned(), |meta| meta.to_json()))
            }
            Ok(wanted) => panic!("{wanted:?}"),
            Err((tool, malformed)) => format!("{} of {tool}", malformed.code),
        };
        for (params, expected) in [
            (r#"{"name":"t","arguments":{"a":1}}"#, r#"t {"a":1} -"#),
            (r#"{"name":"t","arguments":{}}"#, "t {} -"),
            (r#"{"name":"t","arguments":null}"#, "t {} -"),
            (r#"{"name":"t"}"#, "t {} -"),
            (r#"{"name":"t","_meta":{"progressToken":1,"x":2}}"#, r#"t {} {"progressToken":1}"#),
            (r#"{"name":"t","_meta":"x"}"#, "t {} -"),
            (r#"{"name":"t","arguments":[]}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":[{"a":1}]}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":""}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":"{}"}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":0}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":false}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":true}"#, "bad_message of t"),
            (r#"{"name":"t","arguments":{},"task":{"ttl":1}}"#, "t {} -"),
            (r#"{"name":"t","task":null}"#, "t {} -"),
            (r#"{"name":"t","Task":{}}"#, "bad_message of t"),
            (r#"{"name":"t","Arguments":{}}"#, "bad_message of t"),
            (r#"{"name":"t","":null}"#, "bad_message of t"),
            (r#"{"arguments":{}}"#, "bad_message of tools/call"),
            (r#"{"name":1}"#, "bad_message of tools/call"),
            (r#"{"name":null}"#, "bad_message of tools/call"),
            ("{}", "bad_message of tools/call"),
        ] {
            assert_eq!(read(params), expected, "{params}");
        }
    }

    #[test]
    fn an_answer_is_done_or_failed_as_it_says() {
        let said = |body: &str| Said { body: map(body), replaced: Replaced::default() };
        let word = |style: Style, body: &str| match outcome(style, Ok(said(body)), true) {
            Outcome::DoneWith { value, structured } => {
                assert_eq!(value.to_json(), body);
                format!("done {}", structured.to_json())
            }
            Outcome::FailedWith(value) => {
                assert_eq!(value.to_json(), body);
                "failed".to_owned()
            }
            Outcome::Unreadable(malformed) => malformed.code.to_string(),
            other => panic!("{other:?}"),
        };
        // The answer, what it is of a tool, and what it is of a method.
        for (body, tool, method) in [
            (r#"{"result":{"content":[]}}"#, "done null", "done null"),
            (r#"{"result":{}}"#, "done null", "done null"),
            (r#"{"result":{"isError":false}}"#, "done null", "done null"),
            (r#"{"result":{"structuredContent":{"a":1}}}"#, r#"done {"a":1}"#, r#"done {"a":1}"#),
            (r#"{"result":{"isError":false,"structuredContent":{}}}"#, "done {}", "done {}"),
            (r#"{"result":{"isError":true}}"#, "failed", "failed"),
            (r#"{"result":{"content":[],"isError":true}}"#, "failed", "failed"),
            (r#"{"result":{"isError":true,"structuredContent":{"a":1}}}"#, "failed", "failed"),
            (r#"{"error":{"code":1,"message":"no"}}"#, "failed", "failed"),
            (r#"{"error":{}}"#, "failed", "failed"),
            (r#"{"result":{"isError":"true"}}"#, "bad_message", "done null"),
            (r#"{"result":{"isError":1}}"#, "bad_message", "done null"),
            (r#"{"result":{"content":{}}}"#, "bad_message", "done null"),
            (r#"{"result":{"structuredContent":[]}}"#, "bad_message", "done []"),
        ] {
            assert_eq!(word(Style::Tool, body), tool, "{body}");
            assert_eq!(word(Style::Method, body), method, "{body}");
        }
        let lost = |lost| outcome(Style::Tool, Err(lost), true);
        assert!(matches!(lost(Lost::NotSent), Outcome::NotStarted { code, .. } if code == "not_started"));
        assert!(matches!(lost(Lost::GivenUp), Outcome::NotStarted { code, .. } if code == "cancelled"));
        assert_eq!(lost(Lost::Gone), Outcome::Crashed);
        assert_eq!(lost(Lost::Cancelled), Outcome::Cancelled);
        let unreadable = lost(Lost::Unreadable(Malformed::new(code::TOO_LARGE, "9 bytes")));
        let Outcome::Unreadable(bad) = unreadable else { panic!("{unreadable:?}") };
        assert_eq!(
            (bad.code.as_str(), bad.message.as_str()),
            ("too_large", "the server's answer cannot be read: 9 bytes")
        );
        let data = said(r#"{"result":{"structuredContent":{"a":1}}}"#);
        let plain = outcome(Style::Tool, Ok(data), false);
        assert!(matches!(plain, Outcome::DoneWith { structured: Value::Null, .. }), "no fact looks into it");
        let replaced = Replaced { nul: 1, ..Replaced::default() };
        let mended = outcome(Style::Tool, Ok(Said { replaced, ..said(r#"{"result":{"isError":true}}"#) }), true);
        assert!(matches!(mended, Outcome::Mended { replaced: Replaced { nul: 1, .. }, outcome }
            if matches!(*outcome, Outcome::FailedWith(_))));
    }
}
