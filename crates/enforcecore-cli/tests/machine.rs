//! What machines read and how commands end, member by member and row by row: all literal, none taken from the product.
#![cfg(test)]

mod cli_support;

use cli_support::{POLICY, Place, Ran, log};
use serde_json::{Value as Json, json};

/// A policy whose rules oblige to everything there is.
const OBLIGES: &str = r#"enforcecore: 1
name: obliges
version: "1"
tools:
  look: {does: reads, args: {name: text, other: text}, returns: web}
  ask: {does: reads, args: {name: text}, returns: trusted}
  leave: {does: reads, args: {name: text}, returns: trusted}
rules:
  - {allow: look, id: look, deadline: 1500ms, redact: {args: {name: [email, secret]}, result: [credit_card]}}
  - {ask: ask, id: ask, approval: lead, deadline: 2s}
  - {deny: leave, id: never, reason: nobody leaves}
approvals:
  lead: {from: {role: lead}, valid: 15m}
deadline: 30s
redact: {args: {every_string: [credit_card]}, result: [email]}
"#;

fn decided(place: &Place, policy: &str, call: &str) -> (i32, Json) {
    let ran = place.run(&["decide", "--policy", policy, "--call", call]);
    (ran.status, ran.json())
}

#[test]
fn a_decision_has_these_members() {
    let place = Place::with(&[("policy.yaml", OBLIGES), ("bare.yaml", &OBLIGES.replace("deadline: 30s\n", ""))]);
    let check = |policy: &str, call: &str, status: i32, expected: Json| {
        assert_eq!(decided(&place, policy, call), (status, expected), "{policy} {call}");
    };
    let of_all = |deadline_ms: u64| json!({"redact_args": {"every_string": ["credit_card"]}, "redact_result": ["email"], "deadline_ms": deadline_ms, "deadline_max_ms": 4 * deadline_ms});
    let look = r#"{"id":"c1","tool":"look","args":{"name":"a","other":"b"}}"#;
    let mut of_look = of_all(1500);
    of_look["redact_args"]["name"] = json!([
        "email",
        "private_key",
        "url_credentials",
        "github_token",
        "aws_access_key",
        "slack_token",
        "stripe_key"
    ]);
    of_look["redact_result"] = json!(["email", "credit_card"]);
    check(
        "policy.yaml",
        look,
        0,
        json!({"v": 1, "id": "c1", "decision": "allow", "rules": ["look"], "code": "allowed",
        "reason": "allowed", "obligations": of_look}),
    );
    let ask = r#"{"id":"c2","tool":"ask","args":{"name":"a"}}"#;
    check(
        "policy.yaml",
        ask,
        4,
        json!({"v": 1, "id": "c2", "decision": "ask", "rules": ["ask"],
        "code": "approval_required", "reason": "this call needs an approval", "obligations": of_all(2000),
        "explain": "enforcecore explain approval_required",
        "explanation": {"sentence": "`ask` asks for the approval `lead`.", "approvals": ["lead"],
            "rule": {"id": "ask", "verb": "ask", "place": "obliges#/rules/1"}}}),
    );
    let leave = r#"{"id":"c3","tool":"leave","args":{"name":"a"}}"#;
    check(
        "policy.yaml",
        leave,
        3,
        json!({"v": 1, "id": "c3", "decision": "deny", "rules": ["never"],
        "code": "denied_by_rule", "reason": "nobody leaves", "obligations": of_all(30_000),
        "explain": "enforcecore explain denied_by_rule",
        "explanation": {"sentence": "Rule `never` denies every call of this tool.",
            "rule": {"id": "never", "verb": "deny", "place": "obliges#/rules/2"}}}),
    );
    let mut undated = of_all(0);
    undated.as_object_mut().unwrap().retain(|name, _| !name.starts_with("deadline"));
    check(
        "bare.yaml",
        leave,
        3,
        json!({"v": 1, "id": "c3", "decision": "deny", "rules": ["never"],
        "code": "denied_by_rule", "reason": "nobody leaves", "obligations": undated,
        "explain": "enforcecore explain denied_by_rule",
        "explanation": {"sentence": "Rule `never` denies every call of this tool.",
            "rule": {"id": "never", "verb": "deny", "place": "obliges#/rules/2"}}}),
    );
    let malformed = r#"{"id":"c4","tool":"leave","args":{}}"#;
    check(
        "policy.yaml",
        malformed,
        3,
        json!({"v": 1, "id": "c4", "decision": "deny", "rules": [],
        "code": "missing_argument", "reason": "the argument `name` is missing: it is text", "obligations": of_all(30_000),
        "malformed": true, "explain": "enforcecore explain missing_argument",
        "explanation": {"sentence": "", "change": "all", "enough": false, "conditions": [{
            "place": "obliges#/tools/leave/args/name", "subject": "name", "must": "`name` must be text", "state": "false"}]}}),
    );
}

#[test]
fn what_is_no_call_is_decided_too() {
    let place = Place::with(&[("policy.yaml", OBLIGES)]);
    let expected = json!({"v": 1, "id": "", "decision": "deny", "rules": [], "code": "not_a_call",
        "reason": "a call is an object", "obligations": {}, "malformed": true,
        "explain": "enforcecore explain not_a_call"});
    assert_eq!(decided(&place, "policy.yaml", "[]"), (3, expected));
}

/// Paid and refused calls of a log, nine entries, each in a group of its own.
const LOGGED: &[(&str, &str, &str)] = &[
    ("c1", "read_note", r#"{"name":"a"}"#),
    ("c2", "pay", r#"{"amount":20}"#),
    ("c3", "pay", r#"{"amount":80}"#),
    ("c4", "pay", r#"{"amount":20}"#),
];

/// A folder with that log and its lines: entry n is line 2n, and its seal is behind it.
fn logged() -> (Place, Vec<String>) {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    log::write(place.root(), LOGGED);
    let lines = place.read("log/log.jsonl").split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines.len(), 18);
    (place, lines)
}

fn verify(place: &Place, lines: &[String], flags: &[&str]) -> (i32, Json) {
    place.write("other/log.jsonl", lines.concat());
    let ran = place.run(&[&["audit", "verify", "other", "--json"], flags].concat());
    let human = place.run(&[&["audit", "verify", "other"], flags].concat());
    assert_eq!(human.status, ran.status, "{flags:?}");
    (ran.status, ran.json())
}

#[test]
fn a_verification_has_these_members() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    let root = "4a6a102ae03eb89ac6e200377e860c08b0885833da9a785d1e607add7a8b308a";
    let report = |verdict: &str, anchored: Json, key_from_log: bool| {
        json!({"v": 1, "verdict": verdict, "findings": [], "findings_total": 0, "anchored": anchored, "key": key,
            "key_from_log": key_from_log, "intents": {"buffered": 0, "strict": 3}, "outcome_unknown": 0,
            "shards": [{"path": "other", "entries": 9, "root": root, "seals": 9}]})
    };
    for (flags, status, expected) in [
        (&["--anchor", "anchor", "--key", &key][..], 0, report("valid", json!(9), false)),
        (&["--anchor", "anchor"], 0, report("valid", json!(9), true)),
        (&["--key", &key], 1, report("unanchored", json!(null), false)),
        (&["--key", &key, "--allow-unanchored"], 0, report("unanchored", json!(null), false)),
        (&[], 1, report("unknown_key", json!(null), true)),
        (&["--allow-unanchored"], 1, report("unknown_key", json!(null), true)),
        (&["--allow-unknown-key"], 1, report("unanchored", json!(null), true)),
        (&["--allow-unanchored", "--allow-unknown-key"], 0, report("unanchored", json!(null), true)),
    ] {
        assert_eq!(verify(&place, &lines, flags), (status, expected), "{flags:?}");
    }
}

/// Every place of a finding, and its members.
#[test]
fn a_finding_has_these_members() {
    let (place, lines) = logged();
    let begin = |line: usize| lines.iter().take(line).map(String::len).sum::<usize>();
    let key = log::verifier_key();
    let check = |lines: &[String], flags: &[&str], expected: Json| {
        let (status, report) = verify(&place, lines, &[&["--key", &key, "--allow-unanchored"], flags].concat());
        assert_eq!((status, &report["findings"], &report["findings_total"]), (1, &json!([expected]), &json!(1)));
    };
    let mut altered = lines.clone();
    altered[8] = altered[8].replace("\"tool\":\"pay\"", "\"tool\":\"pax\"");
    check(
        &altered,
        &[],
        json!({"kind": "altered", "entry": 4, "bytes": [begin(8), begin(9)],
        "detail": "its bytes are not those that were sealed"}),
    );
    let seal = [&lines[..9], &lines[10..]].concat();
    // Where the next seal stands now.
    let at = begin(11) - lines[9].len();
    check(
        &seal,
        &[],
        json!({"kind": "missing", "seal": 5, "bytes": [at, at],
        "detail": "the seal between these groups is gone"}),
    );
    let torn = [&lines[..], &["{\"torn".to_owned()]].concat();
    check(
        &torn,
        &[],
        json!({"kind": "torn_tail", "file": true, "bytes": [begin(18), begin(18) + 6],
        "detail": "0 whole entries and a broken line, never acknowledged"}),
    );
}

/// Which entries are gone, from the first to the last of them.
#[test]
fn missing_entries_are_counted_from_the_first_to_the_last() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    for (from, to) in [(0, 0), (1, 1), (1, 2), (3, 3), (3, 5), (2, 7), (1, 7), (0, 7)] {
        let rest = [&lines[..2 * from], &lines[2 * to + 2..]].concat();
        let (status, report) = verify(&place, &rest, &["--key", &key, "--allow-unanchored"]);
        let found = &report["findings"][0];
        assert_eq!((status, &found["kind"], &found["entries"]), (1, &json!("missing"), &json!([from, to])), "{report}");
        let human = place.run(&["audit", "verify", "other", "--key", &key]).stdout;
        let said =
            if from == to { format!("missing: entry {from},") } else { format!("missing: entries {from} to {to},") };
        assert!(human.contains(&said), "{said}: {human}");
    }
    // What an anchor misses at the end.
    for kept in 0..9 {
        let (status, report) = verify(&place, &lines[..2 * kept], &["--anchor", "anchor", "--key", &key]);
        let found = &report["findings"][0];
        let expected = (1, &json!("shorter_than_anchor"), &json!([kept, 8]));
        assert_eq!((status, &found["kind"], &found["entries"]), expected, "{report}");
    }
}

/// After each entry, how many calls have begun and not ended.
#[test]
fn calls_whose_outcome_is_unknown_are_counted() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    for (kept, strict, unknown) in
        [(1, 0, 0), (2, 0, 0), (3, 1, 1), (4, 1, 0), (5, 2, 1), (6, 2, 0), (7, 2, 0), (8, 3, 1), (9, 3, 0)]
    {
        let (status, report) = verify(&place, &lines[..2 * kept], &["--key", &key, "--allow-unanchored"]);
        assert_eq!((status, &report["verdict"]), (0, &json!("unanchored")));
        let counted = (&report["intents"], &report["outcome_unknown"]);
        assert_eq!(counted, (&json!({"buffered": 0, "strict": strict}), &json!(unknown)), "{kept}");
        let human = place.run(&["audit", "verify", "other", "--key", &key]).stdout;
        assert_eq!(human.contains(&format!("{strict} strict; outcome unknown: {unknown}")), strict > 0, "{human}");
    }
}

/// What a crash leaves at the end is always reported, however much else is accepted.
#[test]
fn a_torn_tail_is_never_clean() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    let with = |tail: &str| [&lines[..], &[tail.to_owned()]].concat();
    let tails = [
        (with(""), None),
        (with("{\"torn"), Some("torn_tail")),
        (with("{"), Some("torn_tail")),
        (with(lines[16].trim_end()), Some("torn_tail")),
        (with(&"\0".repeat(4096)), Some("torn_tail")),
        (with(&lines[16]), Some("unsealed_tail")),
        (lines[..17].to_vec(), Some("unsealed_tail")),
    ];
    for (lines, kind) in tails {
        let shorter = lines.len() == 17;
        for (flags, verdict, twin) in [
            (&["--anchor", "anchor", "--key", &key][..], "valid", 0),
            (&["--anchor", "anchor"], "valid", 0),
            (&["--anchor", "anchor", "--allow-unanchored"], "valid", 0),
            (&["--key", &key], "unanchored", 1),
            (&["--key", &key, "--allow-unanchored"], "unanchored", 0),
            (&["--allow-unknown-key", "--allow-unanchored"], "unanchored", 0),
            (&["--allow-unknown-key", "--allow-unanchored", "--all-signatures"], "unanchored", 0),
        ] {
            let (status, report) = verify(&place, &lines, flags);
            let expected = if kind.is_some() { 1 } else { twin };
            assert_eq!(status, expected, "{kind:?} {flags:?}: {report}");
            let missed = shorter && verdict == "valid";
            assert_eq!(report["verdict"], if missed { "invalid" } else { verdict }, "{kind:?} {flags:?}");
            assert_eq!(report["findings"][0]["kind"].as_str(), kind, "{flags:?}");
        }
        let ran = place.run(&["audit", "show", "other"]);
        assert_eq!(ran.status, i32::from(kind.is_some()), "{kind:?}: {ran:?}");
    }
}

#[test]
fn an_anchoring_has_these_members() {
    let place = Place::with(&[("policy.yaml", POLICY), ("enforcecore.toml", "policy = \"policy.yaml\"\n")]);
    assert_eq!(place.run(&["mcp", "--", "cat"]).status, 0);
    let anchor = |args: &[&str]| {
        let ran = place.run(&[&["audit", "anchor", "--anchor", "anchor", "--json"], args].concat());
        (ran.status, ran.json())
    };
    let (status, first) = anchor(&[]);
    let log = |first: &Json, anchored: Json, verdict: &str, findings: Json| {
        let (key, root) = (&first["log"]["key"], &first["log"]["shards"][0]["root"]);
        json!({"v": 1, "verdict": verdict, "findings": findings, "findings_total": findings.as_array().unwrap().len(),
            "anchored": anchored, "key": key, "key_from_log": false, "intents": {"buffered": 0, "strict": 0},
            "outcome_unknown": 0,
            "shards": [{"path": ".enforcecore/log", "entries": 2, "root": root, "seals": 2}]})
    };
    assert_eq!(
        (status, &first),
        (
            0,
            &json!({"v": 1, "anchored": true, "written": true, "anchor": "anchor",
        "log": log(&first, json!(null), "unanchored", json!([]))})
        )
    );
    let (status, again) = anchor(&[]);
    assert_eq!(
        (status, &again),
        (
            0,
            &json!({"v": 1, "anchored": true, "written": false, "anchor": "anchor",
        "log": log(&first, json!(2), "valid", json!([]))})
        )
    );
    let text = place.read(".enforcecore/log/log.jsonl");
    place.write(".enforcecore/log/log.jsonl", text.replacen("\"policy\"", "\"polizy\"", 1));
    let (status, refused) = anchor(&[]);
    let members = ["v", "anchored", "written", "anchor", "log"].map(|member| refused.get(member).is_some());
    assert_eq!((status, members), (1, [true; 5]));
    assert_eq!((&refused["anchored"], &refused["written"]), (&json!(false), &json!(false)));
    assert_eq!(refused["log"]["verdict"], "invalid");
}

/// A session of two payments of 40 of the 100 a day, how the first ended, and whether 30 more are within it.
#[test]
fn only_a_call_that_never_started_gives_back_what_it_took() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    let pay = |id: &str, amount: u32| format!(r#"{{"id":"{id}","tool":"pay","args":{{"amount":{amount}}}}}"#);
    for (ended, status, code) in [
        ("", 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1"}}"#, 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1","status":"done","result":"paid"}}"#, 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1","status":"failed","result":"no"}}"#, 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1","status":"overdue"}}"#, 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1","status":"unknown"}}"#, 3, "budget_exceeded"),
        (r#"{"outcome":{"id":"p1","status":"not_started"}}"#, 0, "allowed"),
        (r#"{"outcome":{"id":"p9","status":"not_started"}}"#, 3, "budget_exceeded"),
        (
            "{\"outcome\":{\"id\":\"p1\"}}\n{\"outcome\":{\"id\":\"p1\",\"status\":\"not_started\"}}",
            3,
            "budget_exceeded",
        ),
        (r#"{"outcome":{"id":"p1","status":"gone"}}"#, 2, ""),
        (r#"{"outcome":{"status":"done"}}"#, 2, ""),
    ] {
        let session = format!("{{\"call\":{}}}\n{{\"call\":{}}}\n{ended}\n", pay("p1", 40), pay("p2", 40));
        place.write("session.jsonl", session);
        let ran =
            place.run(&["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call", &pay("p3", 30)]);
        assert_eq!(ran.status, status, "{ended}: {ran:?}");
        assert_eq!(
            serde_json::from_str::<Json>(&ran.stdout)
                .map_or(String::new(), |said| said["code"].as_str().unwrap().to_owned()),
            code,
            "{ended}: {ran:?}"
        );
    }
}

/// When a call was asked about and approved, in minutes from now, until when the grant holds, and what is decided now.
#[test]
fn a_grant_of_a_session_ends_when_it_says_or_the_policy_says() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    let at = |minutes: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes)).to_string();
    let call = |amount: u32| format!(r#"{{"id":"p","tool":"pay","args":{{"amount":{amount}}}}}"#);
    for (given, expires, amount, status) in [
        // Both hold; the grant's own end; the policy's fifteen minutes; both are over.
        (-1, 60, 60, 0),
        (-10, 1, 60, 0),
        (-10, -1, 60, 4),
        (-14, -13, 60, 4),
        (-16, 60, 60, 4),
        (-60, -50, 60, 4),
        // It ended before it began.
        (-1, -2, 60, 4),
        // For other arguments.
        (-1, 60, 61, 4),
    ] {
        let session = format!(
            "{{\"time\":\"{given}\",\"call\":{call}}}\n{{\"time\":\"{given}\",\"grant\":{{\"call\":\"p\",\"approver\":\"lee\",\"expires\":\"{expires}\"}}}}\n",
            given = at(given),
            expires = at(expires),
            call = call(60)
        );
        place.write("session.jsonl", session);
        let ran =
            place.run(&["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call", &call(amount)]);
        assert_eq!(ran.status, status, "{given} {expires} {amount}: {ran:?}");
    }
    for (grant, why) in [
        (r#"{"call":"p","approver":"lee"}"#, "a grant has `expires`"),
        (r#"{"call":"p","approver":"lee","expires":"soon"}"#, "`expires` is an RFC 3339 time"),
        (r#"{"approver":"lee","expires":"2999-01-01T00:00:00Z"}"#, "a grant has `call`"),
        (r#"{"call":"p","expires":"2999-01-01T00:00:00Z"}"#, "a grant has `approver`"),
    ] {
        place.write("session.jsonl", format!("{{\"call\":{}}}\n{{\"grant\":{grant}}}\n", call(60)));
        let ran = place.run(&["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call", &call(60)]);
        assert_eq!((ran.status, ran.stderr.contains(&format!("session.jsonl:2: {why}"))), (2, true), "{ran:?}");
    }
}

/// Every origin that a value may have, and its members.
#[test]
fn a_setting_has_these_members() {
    let place = Place::with(&[("enforcecore.toml", "log = \"log\"\n\nkeys = \"keys\"\n")]);
    let mut command = place.command(&["config", "show", "--json", "--anchor", "a", "--policy", "p.yaml"]);
    command.env("ENFORCECORE_ORIGIN", "example.com/o").env("ENFORCECORE_DURABILITY", "buffered");
    let ran = Ran::of(command.output().unwrap());
    let (file, root) = (place.path("enforcecore.toml"), place.root().to_owned());
    let in_file = |name: &str, variable: &str, line: u32| json!({"name": name, "value": root.join(name), "variable": variable, "from": "file", "file": file, "line": line});
    let other = |name: &str, value: Json, variable: &str, from: &str| json!({"name": name, "value": value, "variable": variable, "from": from});
    let settings = json!([
        other("policy", json!("p.yaml"), "ENFORCECORE_DEFAULT_POLICY", "flag"),
        in_file("log", "ENFORCECORE_AUDIT_PATH", 1),
        in_file("keys", "ENFORCECORE_KEYS", 3),
        other("anchor", json!("a"), "ENFORCECORE_ANCHOR", "flag"),
        other("origin", json!("example.com/o"), "ENFORCECORE_ORIGIN", "variable"),
        other("durability", json!("buffered"), "ENFORCECORE_DURABILITY", "variable"),
        other("identities", json!("keyed"), "ENFORCECORE_IDENTITIES", "default"),
        other("session_idle", json!("24h"), "ENFORCECORE_SESSION_IDLE", "default"),
        other("workspace", json!("."), "ENFORCECORE_WORKSPACE", "default"),
        other("mcp_message_max", json!("16MiB"), "ENFORCECORE_MCP_MESSAGE_MAX", "default"),
        other("cancel_grace", json!("5s"), "ENFORCECORE_CANCEL_GRACE", "default"),
        other("log_level", json!("warn"), "ENFORCECORE_LOG_LEVEL", "default"),
        other("log_format", json!("human"), "ENFORCECORE_LOG_FORMAT", "default"),
        {"name": "trusted_projects", "value": null, "variable": null, "from": "default"},
    ]);
    assert_eq!((ran.status, ran.json()), (0, json!({"v": 1, "settings": settings})));
    place.write("enforcecore.toml", "log = \"log\"\nlgo = 1\n");
    let ran = place.run(&["config", "show", "--json"]);
    let found = &ran.json()["diagnostics"][0];
    assert_eq!((ran.status, &found["code"], &found["severity"]), (1, &json!("EC1002"), &json!("error")), "{ran:?}");
    let place_of = (&found["file"], &found["line"], &found["column"]);
    assert_eq!(place_of, (&json!(file), &json!(2), &json!(1)), "{ran:?}");
    let mut members: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["code", "column", "file", "fix", "help", "line", "message", "severity"]);
}

/// What each face of the command makes of a deadline. `mcp` ends calls, and `decide` runs none that could be overdue.
#[test]
fn each_face_of_the_command_loads_every_deadline() {
    let head = "enforcecore: 1\nname: faces\nversion: \"1\"\ntools: {look: {does: reads, returns: web}}\n";
    for (policy, deadline) in [
        ("rules: [{allow: look, id: look}]\n", Json::Null),
        ("rules: [{allow: look, id: look, deadline: 5s}]\n", json!({"deadline_ms": 5000, "deadline_max_ms": 20_000})),
        (
            "rules: [{allow: look, id: look}]\ndeadline: 5s\ndeadline_max: 6s\nwithhold_only: true\n",
            json!({"deadline_ms": 5000, "deadline_max_ms": 6000, "withhold_only": true}),
        ),
    ] {
        let place = Place::with(&[("policy.yaml", &format!("{head}{policy}"))]);
        let expected = if deadline.is_null() { json!({}) } else { deadline };
        let (status, decision) = decided(&place, "policy.yaml", r#"{"tool":"look","args":{}}"#);
        assert_eq!((status, &decision["obligations"]), (0, &expected), "{policy}");
        // The policy is loaded before the server is started, whose end is what is said then.
        let ran = place.run(&["mcp", "--policy", "policy.yaml", "--", "true"]);
        assert!(!ran.stderr.contains("EC0142"), "{policy}: {}", ran.stderr);
        assert!(place.path(".enforcecore/log/log.jsonl").exists(), "{policy}: {}", ran.stderr);
    }
}
