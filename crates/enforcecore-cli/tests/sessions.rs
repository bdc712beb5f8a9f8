//! `decide --session`: what each line of a session's file, and each member of a call, does to the decision.
#![cfg(test)]

mod cli_support;

use cli_support::{Place, Ran};
use serde_json::Value as Json;

const POLICY: &str = r#"enforcecore: 1
name: sessions
version: "1"
tools:
  look: {does: reads, args: {}, returns: trusted, facts: {state: result.state}}
  act: {does: writes, args: {}, returns: trusted}
  once: {does: writes, args: {}, returns: trusted}
  own: {does: writes, args: {}, returns: trusted}
  daily: {does: writes, args: {}, returns: trusted}
  ask: {does: writes, args: {}, returns: trusted}
  open: {does: writes, args: {path: path}, returns: trusted}
rules:
  - {allow: [look, once, own, daily], id: free}
  - {allow: act, id: act, when: {fact.state: {equals: open}}}
  - {ask: ask, id: ask}
  - {allow: open, id: inside, when: {path: {under: session.workspace}}}
budgets:
  - {budget: once, id: a-session, count: calls, at_most: 1, per: session, for_each: everyone}
  - {budget: own, id: a-person, count: calls, at_most: 1, per: ever, for_each: principal.id}
  - {budget: daily, id: a-day, count: calls, at_most: 1, per: day UTC, for_each: everyone}
"#;

fn place() -> Place {
    Place::with(&[("policy.yaml", POLICY)])
}

fn decide(place: &Place, session: &str, call: &str, more: &[&str]) -> Ran {
    place.write("session.jsonl", session);
    let args = ["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call", call];
    place.run(&[&args, more].concat())
}

/// The lines of a session, a call, and the code of what is decided about it then.
type Row = (&'static [&'static str], &'static str, &'static str);

const ACT: &str = r#"{"tool":"act","args":{}}"#;
const LOOKED: &str = r#"{"call":{"id":"l","tool":"look","args":{}}}"#;

/// Facts of the host's, of results, and of a call.
const FACTS: &[Row] = &[
    (&[], ACT, "no_rule"),
    (&[r#"{"facts":{"state":"open"}}"#], ACT, "allowed"),
    (&[r#"{"facts":{"state":"shut"}}"#], ACT, "no_rule"),
    (&[r#"{"facts":{"other":"open"}}"#], ACT, "no_rule"),
    (&[r#"{"facts":{"state":"open"}}"#, r#"{"facts":{"other":1}}"#], ACT, "allowed"),
    (&[r#"{"facts":{"state":"shut"}}"#, r#"{"facts":{"state":"open"}}"#], ACT, "allowed"),
    (&[r#"{"facts":{"state":"open"}}"#, r#"{"facts":{"state":"shut"}}"#], ACT, "no_rule"),
    // A call's own are said last.
    (&[], r#"{"tool":"act","args":{},"facts":{"state":"open"}}"#, "allowed"),
    (&[r#"{"facts":{"state":"shut"}}"#], r#"{"tool":"act","args":{},"facts":{"state":"open"}}"#, "allowed"),
    (&[r#"{"facts":{"state":"open"}}"#], r#"{"tool":"act","args":{},"facts":{"state":"shut"}}"#, "no_rule"),
    (&[r#"{"facts":{"state":"open"}}"#], r#"{"tool":"act","args":{},"facts":{"other":1}}"#, "allowed"),
    // And only of that call.
    (&[r#"{"call":{"tool":"act","args":{},"facts":{"state":"open"}}}"#], ACT, "no_rule"),
    // A result sets a fact where the tool was done, and in no other way.
    (&[LOOKED], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"l","result":{"state":"open"}}}"#], ACT, "allowed"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"done","result":{"state":"open"}}}"#], ACT, "allowed"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"done","result":{"state":"shut"}}}"#], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"failed","result":{"state":"open"}}}"#], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"overdue","result":{"state":"open"}}}"#], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"unknown","result":{"state":"open"}}}"#], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"l","status":"not_started","result":{"state":"open"}}}"#], ACT, "no_rule"),
    (&[LOOKED, r#"{"outcome":{"id":"m","status":"done","result":{"state":"open"}}}"#], ACT, "no_rule"),
    // What a result and the host say differently is not known.
    (&[LOOKED, r#"{"outcome":{"id":"l","result":{"state":"open"}}}"#, r#"{"facts":{"state":"open"}}"#], ACT, "allowed"),
    (&[LOOKED, r#"{"outcome":{"id":"l","result":{"state":"shut"}}}"#, r#"{"facts":{"state":"open"}}"#], ACT, "no_rule"),
    // In the session of the call that it came from.
    (
        &[LOOKED, r#"{"outcome":{"id":"l","result":{"state":"open"}}}"#],
        r#"{"tool":"act","args":{},"session":{"id":"other"}}"#,
        "no_rule",
    ),
    (
        &[LOOKED, r#"{"outcome":{"id":"l","result":{"state":"open"}}}"#],
        r#"{"tool":"act","args":{},"tenant":"other"}"#,
        "no_rule",
    ),
];

/// Who calls, and in which session: what an earlier call took, it took from whom it was for.
const CALLERS: &[Row] = &[
    (&[r#"{"call":{"tool":"once","args":{}}}"#], r#"{"tool":"once","args":{}}"#, "budget_exceeded"),
    (
        &[r#"{"call":{"tool":"once","args":{},"session":{"id":"a"}}}"#],
        r#"{"tool":"once","args":{},"session":{"id":"a"}}"#,
        "budget_exceeded",
    ),
    (
        &[r#"{"call":{"tool":"once","args":{},"session":{"id":"a"}}}"#],
        r#"{"tool":"once","args":{},"session":{"id":"b"}}"#,
        "allowed",
    ),
    (&[r#"{"call":{"tool":"once","args":{},"session":{"id":"a"}}}"#], r#"{"tool":"once","args":{}}"#, "allowed"),
    (
        &[r#"{"call":{"tool":"once","args":{},"tenant":"t"}}"#],
        r#"{"tool":"once","args":{},"tenant":"t"}"#,
        "budget_exceeded",
    ),
    (&[r#"{"call":{"tool":"once","args":{},"tenant":"t"}}"#], r#"{"tool":"once","args":{},"tenant":"u"}"#, "allowed"),
    (&[r#"{"call":{"tool":"once","args":{},"tenant":"t"}}"#], r#"{"tool":"once","args":{}}"#, "allowed"),
    (
        &[r#"{"call":{"tool":"own","args":{},"principal":{"id":"ana"}}}"#],
        r#"{"tool":"own","args":{},"principal":{"id":"ana"}}"#,
        "budget_exceeded",
    ),
    (
        &[r#"{"call":{"tool":"own","args":{},"principal":{"id":"ana"}}}"#],
        r#"{"tool":"own","args":{},"principal":{"id":"ben"}}"#,
        "allowed",
    ),
    (
        &[r#"{"call":{"tool":"own","args":{},"principal":{"id":"ana"}}}"#],
        r#"{"tool":"own","args":{},"principal":{"name":"ana"}}"#,
        "budget_exceeded",
    ),
    (&[], r#"{"tool":"own","args":{}}"#, "budget_exceeded"),
    (&[], r#"{"tool":"open","args":{"path":"/w/a"},"session":{"workspace":"/w"}}"#, "allowed"),
    (&[], r#"{"tool":"open","args":{"path":"/w/a"},"session":{"workspace":"/x"}}"#, "no_rule"),
    (&[], r#"{"tool":"open","args":{"path":"/w/a"}}"#, "no_rule"),
    // What was refused took nothing, and neither did what only asked.
    (&[r#"{"call":{"tool":"once","args":{"x":1}}}"#], r#"{"tool":"once","args":{}}"#, "allowed"),
    (&[r#"{"call":{"tool":"ask","args":{}}}"#], r#"{"tool":"once","args":{}}"#, "allowed"),
    // The time of a line is the time of what follows; what is decided is decided now.
    (
        &[r#"{"time":"2001-01-01T00:00:00Z","call":{"tool":"daily","args":{}}}"#],
        r#"{"tool":"daily","args":{}}"#,
        "allowed",
    ),
    (&[r#"{"call":{"tool":"daily","args":{}}}"#], r#"{"tool":"daily","args":{}}"#, "budget_exceeded"),
    (
        &[
            r#"{"time":"2001-01-01T00:00:00Z","call":{"tool":"daily","args":{}}}"#,
            r#"{"call":{"tool":"daily","args":{}}}"#,
        ],
        r#"{"tool":"daily","args":{}}"#,
        "allowed",
    ),
];

#[test]
fn every_line_of_a_session_and_every_member_of_a_call_counts() {
    let place = place();
    for (lines, call, code) in FACTS.iter().chain(CALLERS) {
        let ran = decide(&place, &format!("{}\n", lines.join("\n")), call, &[]);
        assert_eq!(ran.json()["code"], *code, "{lines:?} {call}: {ran:?}");
        let status = match *code {
            "allowed" => 0,
            _ => 3,
        };
        assert_eq!(ran.status, status, "{lines:?} {call}");
    }
}

/// Lines that are none, and why.
const WRONG: &[(&str, &str)] = &[
    ("[]", "a line is an object"),
    ("{}", "a line has one event beside `time`"),
    (r#"{"time":"2001-01-01T00:00:00Z"}"#, "a line has one event beside `time`"),
    (r#"{"facts":{},"call":{"tool":"once","args":{}}}"#, "a line has one event beside `time`"),
    (r#"{"call":{"tool":"once","args":{}},"outcome":{"id":"a"}}"#, "a line has one event beside `time`"),
    (r#"{"facts":[]}"#, "`facts` is an object"),
    (r#"{"time":1,"facts":{}}"#, "`time` is an RFC 3339 time"),
    (r#"{"time":"today","facts":{}}"#, "`time` is an RFC 3339 time"),
    (r#"{"observe":{}}"#, "`observe` is not supported yet"),
    (r#"{"Facts":{}}"#, "unknown event `Facts`"),
    (r#"{"call":[]}"#, "a call is an object"),
    (r#"{"call":{"tool":"once"}}"#, "a call has `args`"),
    (r#"{"call":{"args":{}}}"#, "a call names its `tool`"),
    (r#"{"call":{"tool":1,"args":{}}}"#, "`tool` is text"),
    (r#"{"call":{"tool":"once","args":[]}}"#, "`args` is an object"),
    (r#"{"call":{"tool":"once","args":{},"principal":"ana"}}"#, "`principal` is an object"),
    (r#"{"call":{"tool":"once","args":{},"session":"s"}}"#, "`session` is an object"),
    (r#"{"call":{"tool":"once","args":{},"facts":1}}"#, "`facts` is an object"),
    (r#"{"call":{"tool":"once","args":{},"tenant":1}}"#, "`tenant` is text"),
    (r#"{"call":{"tool":"once","args":{},"id":""}}"#, "`id` is 1 to 64 letters"),
    (r#"{"call":{"tool":"once","args":{},"id":"a b"}}"#, "`id` is 1 to 64 letters"),
    (r#"{"call":{"tool":"once","args":{},"id":1}}"#, "`id` is text"),
    (r#"{"call":{"tool":"once","args":{},"Principal":{}}}"#, "a call has no member `Principal`"),
    (r#"{"call":{"tool":"once","args":{},"parent":"p"}}"#, "a call has no member `parent`"),
    (r#"{"outcome":{"status":"done"}}"#, "an outcome names the `id` of its call"),
    ("{", "not JSON"),
];

#[test]
fn a_line_that_is_none_is_wrong_usage_and_a_call_that_is_none_is_malformed() {
    let place = place();
    let once = r#"{"tool":"once","args":{}}"#;
    for (line, why) in WRONG {
        let ran = decide(&place, &format!("\n{{\"facts\":{{}}}}\n{line}\n"), once, &[]);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.stderr.contains("session.jsonl:3: "), "{line}: {ran:?}");
        assert!(*why == "not JSON" || ran.stderr.contains(why), "{line}: {ran:?}");
        let value: Json = serde_json::from_str(line).unwrap_or_default();
        if value.as_object().is_some_and(|members| members.len() == 1)
            && let Some(call) = value.get("call")
        {
            let ran = decide(&place, "", &call.to_string(), &[]);
            let said = ran.json();
            let members = [&said["decision"], &said["malformed"], &said["code"]];
            assert_eq!(members, [&Json::from("deny"), &Json::from(true), &Json::from("not_a_call")], "{line}");
            assert!(said["reason"].as_str().unwrap().contains(why), "{line}: {ran:?}");
        }
    }
}

/// A call, and its exit status: each that is one is saved, whatever is decided about it.
const SAVED: &[(&str, i32, bool)] = &[
    (r#"{"id":"s1","tool":"once","args":{}}"#, 0, true),
    (r#"{"id":"s2","tool":"act","args":{}}"#, 3, true),
    (r#"{"id":"s3","tool":"ask","args":{}}"#, 4, true),
    (r#"{"id":"s4","tool":"once","args":{"x":1}}"#, 3, true),
    (r#"{"id":"s5","tool":"wreck","args":{}}"#, 3, true),
    (r#"{"id":"s6","tool":"once"}"#, 3, false),
    ("[]", 3, false),
    ("{", 3, false),
];

#[test]
fn every_call_that_is_decided_is_saved_and_counts_the_next_time() {
    for (call, status, saved) in SAVED {
        let place = place();
        let before = "{\"facts\":{\"a\":1}}\n";
        let ran = decide(&place, before, call, &["--save"]);
        assert_eq!(ran.status, *status, "{call}: {ran:?}");
        let text = place.read("session.jsonl");
        let more = text.strip_prefix(before).unwrap();
        let lines: Vec<Json> = more.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), usize::from(*saved), "{call}: {text}");
        if let [line] = &lines[..] {
            assert_eq!(line["call"], serde_json::from_str::<Json>(call).unwrap());
            assert!(line["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        }
        // Without the flag nothing is written.
        let args = ["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call"];
        place.run(&[&args[..], &[r#"{"tool":"look","args":{}}"#]].concat());
        assert_eq!(place.read("session.jsonl"), text);
        let once = place.run(&[&args[..], &[r#"{"tool":"once","args":{}}"#]].concat());
        assert_eq!(once.status, if call.contains("s1") { 3 } else { 0 }, "{call}: {once:?}");
    }
}
