//! The ten rules of meaning, one table each. Every denial has a twin that differs in one fact and is let through.
#![cfg(test)]

mod policy_support;

use enforcecore::decision::{Ask, Trust};
use enforcecore::value::Value;
use policy_support::{Scene, call, load, policy, policy_with, words};

fn body(text: &str) -> String {
    format!("enforcecore: 1\nname: p\nversion: \"1\"\n{text}")
}

fn guardrail(text: &str) -> String {
    format!("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n{text}")
}

/// The one place that decides calls of a table.
fn check(text: &str, table: &[(Scene, &str)]) {
    let policy = policy(&body(text));
    for (scene, expected) in table {
        let got = scene.decide(&policy);
        assert_eq!(words(&got), *expected, "{} {} — {}", scene.tool, scene.args.to_json(), got.reason);
    }
}

fn codes(text: &str) -> Vec<&'static str> {
    match load(&body(text)) {
        Ok(loaded) => loaded.warnings.iter().map(|one| one.code.as_str()).collect(),
        Err(found) => found.iter().map(|one| one.code.as_str()).collect(),
    }
}

#[test]
fn rule_1_a_call_that_does_not_fit_is_malformed_before_any_rule() {
    let text = "tools:\n  pay: {does: pays, args: {to: email, amount: {type: money, currency: USD}, \"note?\": text, \"times?\": {type: integer, at_least: 1, at_most: 3}, \"web?\": domain, \"fast?\": bool}, returns: trusted}\nrules:\n  - {allow: pay, id: a, when: {to: {any: true}, amount: {any: true}, times: {any: true}, web: {any: true}, fast: {any: true}}}\n";
    let pay = |rest: &str| call("pay", &format!("{{\"to\": \"a@x.org\", \"amount\": 5{rest}}}"));
    check(
        text,
        &[
            (pay(""), "allow by a"),
            (pay(", \"note\": \"n\", \"times\": 3, \"web\": \"x.org\", \"fast\": true"), "allow by a"),
            (pay(", \"memo\": \"n\""), "malformed: undeclared_argument"),
            (pay(", \"note\": 5"), "malformed: wrong_type"),
            (pay(", \"note\": null"), "allow by a"),
            (pay(", \"times\": 1.5"), "malformed: wrong_type"),
            (pay(", \"times\": 2.0"), "allow by a"),
            (pay(", \"times\": 4"), "malformed: value_not_admitted"),
            (pay(", \"times\": 0"), "malformed: value_not_admitted"),
            (pay(", \"web\": \"not a domain\""), "malformed: wrong_type"),
            (pay(", \"fast\": 1"), "malformed: wrong_type"),
            (call("pay", r#"{"to": "a@x.org"}"#), "malformed: missing_argument"),
            (call("pay", r#"{"amount": 5}"#), "malformed: missing_argument"),
            (call("pay", r#"{"to": "a@x.org", "amount": "5"}"#), "malformed: wrong_type"),
            (call("pay", r#"{"to": "a@x.org", "amount": -0.01}"#), "malformed: wrong_type"),
            (call("pay", r#"{"to": "a@x.org", "amount": 0}"#), "allow by a"),
            (call("pay", r#"{"to": "a@x.org,b@y.org", "amount": 5}"#), "malformed: wrong_type"),
            (call("pay", r#"{"to": ["a@x.org"], "amount": 5}"#), "malformed: wrong_type"),
            (call("PAY", r#"{"to": "a@x.org", "amount": 5}"#), "malformed: lookalike_tool"),
            (call("рау", r#"{"to": "a@x.org", "amount": 5}"#), "malformed: lookalike_tool"),
            (call("ｐａｙ", "{}"), "malformed: lookalike_tool"),
            (call("pa\u{200b}y", "{}"), "malformed: lookalike_tool"),
            (call("pays", "{}"), "deny by no rule"),
        ],
    );
    let policy = policy(&body(text));
    assert_eq!(call("pays", "{}").decide(&policy).code, "unknown_tool");
    let secret = call("pay", r#"{"to": "hunter2", "amount": 5}"#).decide(&policy);
    assert_eq!(secret.reason, "the argument `to` is not one e-mail address as text");
    for (args, code) in [(r#"{"to": "a\u0000b"}"#, "nul_character"), (r#"{"a": 1, "a": 2}"#, "duplicate_key")] {
        assert_eq!(
            enforcecore::value::Value::from_json(args.as_bytes()).map_err(|error| error.code().as_str()),
            Err(code)
        );
    }
}

#[test]
fn rule_2_opens_only_if_true_brakes_if_true_or_an_error() {
    let text = "tools: {t: {does: reads, args: {a: string, \"b?\": string}, returns: trusted}}\napprovals: {lead: {from: local_user, valid: 1h}}\nrules:\n  - {allow: t, id: open, when: {a: {in: [x, w]}}}\n  - {ask: t, id: careful, when: {a: {equals: w}, principal.risk: {at_least: 5}}, approval: lead}\n  - {deny: t, id: never, when: {b: {equals: no-good}}, unless: {principal.role: {equals: admin}}}\n  - {ask: t, id: only-ask, when: {a: {equals: z}}, approval: lead}\n";
    let t = |a: &str, principal: &str| call("t", &format!(r#"{{"a": "{a}", "b": "fine"}}"#)).principal(principal);
    let bad = |principal: &str| call("t", r#"{"a": "x", "b": "no-good"}"#).principal(principal);
    check(
        text,
        &[
            (t("x", "{}"), "allow by open"),
            (t("y", "{}"), "deny by no rule"),
            // An ask brakes on an error (no risk known) and on truth, not on falsehood.
            (t("w", "{}"), "ask by careful"),
            (t("w", r#"{"risk": "high"}"#), "ask by careful"),
            (t("w", r#"{"risk": 5}"#), "ask by careful"),
            (t("w", r#"{"risk": 4}"#), "allow by open"),
            // An ask alone opens, and brakes.
            (t("z", "{}"), "ask by only-ask"),
            // A deny brakes on truth and on error; false wins over an error (Kleene).
            (bad(r#"{"role": "user"}"#), "deny by never"),
            (bad("{}"), "deny by never"),
            (bad(r#"{"role": "admin"}"#), "allow by open"),
            (t("x", "{}"), "allow by open"),
            // An optional argument that is not there is not known: the deny holds.
            (call("t", r#"{"a": "x"}"#), "deny by never"),
            (call("t", r#"{"a": "x"}"#).principal(r#"{"role": "admin"}"#), "allow by open"),
        ],
    );
}

#[test]
fn rule_2_an_error_keeps_every_obligation_of_its_rule() {
    let policy = policy(&body(
        "tools: {t: {does: reads, args: {s: text}, returns: trusted}}\ndeadline: 30s\nrules:\n  - {allow: t, id: open}\n  - {allow: t, id: also, when: {fact.x: {equals: a}}, deadline: 5s, redact: {result: [email]}}\n",
    ));
    let seconds = |scene: Scene| {
        let decision = scene.decide(&policy);
        assert_eq!(words(&decision).split(' ').next(), Some("allow"));
        (decision.obligations.deadline.unwrap().due.as_secs(), decision.obligations.redact_result.is_empty())
    };
    let t = || call("t", r#"{"s": "x"}"#);
    assert_eq!(seconds(t().facts(r#"{"x": "b"}"#)), (30, true), "false: the rule does not concern this call");
    assert_eq!(seconds(t().facts(r#"{"x": "a"}"#)), (5, false), "true");
    assert_eq!(seconds(t()), (5, false), "an error");
}

#[test]
fn rule_3_composition_is_the_maximum_and_guardrails_never_open() {
    let root = body(
        "bound_by: [g]\ntools: {t: {does: reads, args: {a: string}, returns: trusted}, u: {does: reads, returns: trusted}}\nrules: [{allow: [t, u], id: open}]\n",
    );
    let decide = |bound: &str, scene: Scene| words(&scene.decide(&policy_with(&root, &[("g", bound)])));
    let t = || call("t", r#"{"a": "x"}"#);
    for (bound, expected) in [
        (guardrail(""), "allow by open"),
        (guardrail("rules: [{deny: t, id: g1, when: {a: {equals: x}}}]\n"), "deny by g1"),
        (guardrail("rules: [{deny: t, id: g1, when: {a: {equals: z}}}]\n"), "allow by open"),
        (guardrail("rules: [{ask: anything, id: g1}]\n"), "ask by g1"),
        (guardrail("rules: [{ask: u, id: g1}]\n"), "allow by open"),
        // A bound that is a policy opens for itself: both must.
        (body("rules: [{allow: t, id: b1, when: {a: {equals: x}}}]\n"), "allow by open, b1"),
        (body("rules: [{allow: t, id: b1, when: {a: {equals: z}}}]\n"), "deny by no rule"),
        (body("rules: [{allow: u, id: b1}]\n"), "deny by no rule"),
        // What a tool does unites: a child that calls a writer a reader does not escape the bound.
        (
            guardrail(
                "tools: {t: {does: writes, args: {a: string}, returns: trusted}}\nrules: [{deny: {does: writes}, id: g1}]\n",
            ),
            "deny by g1",
        ),
        (
            guardrail("tools: {u: {does: writes, returns: trusted}}\nrules: [{deny: {does: writes}, id: g1}]\n"),
            "allow by open",
        ),
    ] {
        // `t` does more than read in one of them, so the root says about `a` what rule 5 wants.
        let root = root.replace(
            "{allow: [t, u], id: open}",
            "{allow: t, id: open, when: {a: {any: true}}}, {allow: u, id: open-u}",
        );
        assert_eq!(words(&t().decide(&policy_with(&root, &[("g", &bound)]))), expected, "{bound}");
    }
    let twice = guardrail(
        "rules: [{deny: t, id: g1, when: {a: {equals: z}}, redact: {result: [email]}}]\nredact: {result: [secret]}\ndeadline: 5s\n",
    );
    let united = t().decide(&policy_with(&root, &[("g", &twice)])).obligations;
    assert_eq!(united.deadline.map(|deadline| deadline.due.as_secs()), Some(5));
    assert!(!united.redact_result.is_empty());
    assert_eq!(decide(&guardrail(""), call("u", "{}")), "allow by open");
    let alone = load(&guardrail("tools: {u: {does: reads, returns: trusted}}\n")).unwrap();
    assert_eq!(words(&call("u", "{}").decide(&alone.policy)), "deny by no rule");
    assert!(!alone.policy.can_open("u"));
}

#[test]
fn rule_4_commands_are_refused_at_load_until_they_can_be_bounded() {
    assert_eq!(codes("tools: {sh: {does: executes, args: {cmd: command}, returns: web}}\nrules: []\n"), ["EC0900"]);
    assert!(
        codes("tools: {sh: {does: executes, returns: web}}\nrules: [{allow: {does: reads}, id: a}]\n")
            .contains(&"EC0107")
    );
    // A tool that executes is unknown: an allow by effect does not reach it, a deny by effect does.
    let tools = "tools: {sh: {does: [reads, executes], args: {cmd: string}, returns: web}, r: {does: reads, returns: web}, m: {does: sends, returns: web}}\n";
    check(
        &format!(
            "{tools}rules: [{{allow: {{does: sends}}, id: a, when: {{every_string: {{any: true}}}}}}, {{allow: sh, id: b, when: {{cmd: {{equals: ls}}}}}}, {{allow: r, id: c}}]\n"
        ),
        &[
            (call("sh", r#"{"cmd": "ls"}"#), "allow by b"),
            (call("sh", r#"{"cmd": "rm"}"#), "deny by no rule"),
            (call("r", "{}"), "allow by c"),
        ],
    );
    check(
        &format!(
            "{tools}rules: [{{allow: sh, id: b, when: {{cmd: {{equals: ls}}}}}}, {{allow: r, id: c}}, {{deny: {{does: deletes}}, id: d}}]\n"
        ),
        &[(call("sh", r#"{"cmd": "ls"}"#), "deny by d"), (call("r", "{}"), "allow by c")],
    );
}

#[test]
fn rule_5_an_allow_on_more_than_reading_constrains_every_argument() {
    let tool = |does: &str| {
        format!(
            "tools: {{t: {{does: {does}, args: {{p: path, s: string, \"k?\": integer, x: text}}, returns: trusted}}}}\n"
        )
    };
    let rule = |when: &str| format!("rules: [{{allow: t, id: a{when}}}]\n");
    let none: [&str; 0] = [];
    assert_eq!(codes(&(tool("reads") + &rule(""))), none);
    assert_eq!(codes(&(tool("writes") + &rule(""))), ["EC0103"]);
    assert_eq!(
        codes(&(tool("[reads, sends]") + &rule(", when: {p: {under: /srv}, s: {any: true}}"))),
        ["EC0103"],
        "`k` is open"
    );
    assert_eq!(codes(&(tool("writes") + &rule(", when: {p: {under: /srv}, s: {any: true}, k: {any: true}}"))), none);
    assert_eq!(
        codes(
            &(tool("writes")
                + &rule(", when: {every_write: {under: /srv}, every_string: {prefix: a}, k: {at_most: 5}}"))
        ),
        none
    );
    assert_eq!(
        codes(&(tool("writes") + &rule(", when: {any_write: {under: /srv}, s: {any: true}, k: {any: true}}"))),
        ["EC0103"]
    );
    assert_eq!(
        codes(&(tool("writes") + &rule(", unless: {p: {under: /srv}, s: {any: true}, k: {any: true}}"))),
        ["EC0103"]
    );
    assert_eq!(codes("tools: {t: undeclared}\nrules: [{allow: t, id: a, when: {every_string: {any: true}}}]\n"), none);
}

/// An argument that no matcher can look into.
fn opaque() -> Scene {
    let mut scene = call("x", "{}");
    let args = [("a".to_owned(), Value::Opaque("Socket".to_owned()))];
    scene.args = Value::Map(args.into_iter().collect());
    scene
}

#[test]
fn rule_6_any_and_every_speak_about_what_is_there() {
    let tools = "tools:\n  r: {does: reads, args: {p: path, \"q?\": path}, returns: web}\n  w: {does: writes, args: {p: path}, returns: web}\n  f: {does: fetches, args: {\"u?\": url}, returns: web}\n  x: undeclared\n";
    let read = |p: &str| call("r", &format!(r#"{{"p": "{p}"}}"#));
    let fetch = |u: &str| call("f", &format!(r#"{{"u": "{u}"}}"#));
    check(
        &format!(
            "{tools}rules:\n  - {{allow: [r, x], id: a, when: {{every_string: {{any: true}}}}}}\n  - {{deny: [r, x], id: d, when: {{any_read: {{under: /secret}}}}}}\n"
        ),
        &[
            (read("/srv/a"), "allow by a"),
            (read("/secret/a"), "deny by d"),
            (read("/secretly"), "allow by a"),
            (read("/srv/broken"), "deny by d"),
            (call("r", r#"{"p": "/srv/a", "q": "/secret/b"}"#), "deny by d"),
            // True wins over unknown, unknown over false.
            (call("r", r#"{"p": "/secret/a", "q": "/broken"}"#), "deny by d"),
            (call("x", r#"{"anything": "/srv"}"#), "deny by d"),
        ],
    );
    check(
        &format!(
            "{tools}rules:\n  - {{allow: [r, w], id: a, when: {{every_write: {{under: /srv}}, every_path: {{any: true}}}}}}\n  - {{allow: f, id: f, when: {{every_host: {{host: a.b}}}}}}\n  - {{allow: x, id: x, when: {{every_host: {{host: a.b}}, every_string: {{any: true}}}}}}\n"
        ),
        &[
            (read("/etc/passwd"), "allow by a"), // nothing is written: every write is under /srv
            (call("w", r#"{"p": "/srv/a"}"#), "allow by a"),
            (call("w", r#"{"p": "/etc/a"}"#), "deny by no rule"),
            (call("f", "{}"), "allow by f"),
            (fetch("https://a.b/"), "allow by f"),
            (fetch("https://a.b.c/"), "deny by no rule"),
            (fetch("nonsense"), "deny by no rule"),
            (call("x", "{}"), "deny by no rule"),
        ],
    );
    check(
        &format!(
            "{tools}rules:\n  - {{allow: [r, x], id: a, when: {{every_string: {{any: true}}}}}}\n  - {{deny: anything, id: s, when: {{any_string: {{contains_regex: \"(?i)nightingale\"}}}}}}\n"
        ),
        &[
            (call("x", r#"{"a": [{"b": "Project Nightingale"}]}"#), "deny by s"),
            (call("x", r#"{"a": [{"nightingale": 1}]}"#), "deny by s"),
            (call("x", r#"{"a": [{"b": "Project Owl"}]}"#), "allow by a"),
            (call("x", r#"{"a": 5}"#), "allow by a"),
            (opaque(), "deny by s"),
        ],
    );
    check(
        &format!("{tools}rules: [{{allow: x, id: x, when: {{every_string: {{any: true}}}}}}]\n"),
        &[(opaque(), "allow by x")],
    );
    check(
        &format!("{tools}rules: [{{allow: x, id: x, when: {{every_string: {{regex: \"[a-z]+\"}}}}}}]\n"),
        &[(opaque(), "deny by no rule"), (call("x", r#"{"a": ["b"]}"#), "allow by x")],
    );
    assert_eq!(
        codes(&format!(
            "{tools}rules: [{{deny: [r, w], id: a, when: {{q: {{under: /a}}}}}}, {{allow: [r, w, f], id: b, when: {{every_string: {{any: true}}}}}}]\n"
        )),
        ["EC0108", "EC0102"]
    );
}

#[test]
fn rule_7_an_effect_selects_the_declared_and_the_unknown() {
    let tools = "tools:\n  r: {does: reads, returns: web}\n  s: {does: sends, returns: web}\n  u: {does: reads, args: {\"url?\": url}, returns: web}\n  x: undeclared\n  e: {does: executes, returns: web}\n";
    let opening = "  - {allow: [r, s, u, e], id: a}\n  - {allow: x, id: b, when: {every_string: {any: true}}}\n";
    let table = |expected: [&'static str; 5]| -> Vec<(Scene, &'static str)> {
        ["r", "s", "u", "x", "e"].into_iter().map(|tool| call(tool, "{}")).zip(expected).collect()
    };
    check(
        &format!("{tools}rules:\n{opening}  - {{deny: {{does: sends}}, id: d}}\n"),
        &table(["allow by a", "deny by d", "allow by a", "deny by d", "deny by d"]),
    );
    check(
        &format!("{tools}rules:\n{opening}  - {{deny: {{does: network}}, id: d}}\n"),
        &table(["allow by a", "deny by d", "deny by d", "deny by d", "deny by d"]),
    );
    // Unknown is an error, and an error opens nothing.
    check(
        &format!("{tools}rules:\n  - {{allow: {{does: sends}}, id: a}}\n  - {{allow: {{does: reads}}, id: b}}\n"),
        &table(["allow by b", "allow by a", "allow by b", "deny by no rule", "deny by no rule"]),
    );
}

#[test]
fn rule_8_facts_are_set_once_and_vouched_for() {
    let text = "tools:\n  get: {does: reads, args: {id: string}, returns: trusted, facts: {ticket.email: result.customer.email}}\n  send: {does: sends, args: {to: email}, returns: trusted}\nrules:\n  - {allow: get, id: g}\n  - {allow: send, id: s, when: {to: {same_as: fact.ticket.email}}}\n";
    let send = || call("send", r#"{"to": "jo@x.org"}"#);
    check(
        text,
        &[
            (send(), "deny by no rule"),
            (send().set_fact("ticket.email", "jo@x.org", false), "allow by s"),
            (send().set_fact("ticket.email", "eve@x.org", false), "deny by no rule"),
            (send().set_fact("ticket.email", "jo@x.org", true), "deny by no rule"),
            (send().facts(r#"{"ticket.email": "jo@x.org"}"#), "allow by s"),
            (send().facts(r#"{"ticket": {"email": "jo@x.org"}}"#), "allow by s"),
            (send().facts(r#"{"ticket.email": null}"#), "deny by no rule"),
            (send().facts(r#"{"ticket.email": "jo@x.org"}"#).set_fact("ticket.email", "jo@x.org", false), "allow by s"),
            (
                send().facts(r#"{"ticket.email": "jo@x.org"}"#).set_fact("ticket.email", "eve@x.org", false),
                "deny by no rule",
            ),
            // Nothing the model writes is a fact.
            (call("send", r#"{"to": "jo@x.org", "ticket.email": "jo@x.org"}"#), "malformed: undeclared_argument"),
        ],
    );
    let decision = call("get", r#"{"id": "t1"}"#).decide(&policy(&body(text)));
    assert_eq!(decision.sets_facts, [("ticket.email".to_owned(), "customer.email".to_owned())]);
    assert_eq!(decision.returns, Trust::Trusted);
    // What another document does not trust sets nothing.
    for (returns, facts) in [("trusted", 1), ("web", 0), ("untrusted", 0)] {
        let guard = guardrail(&format!("tools: {{get: {{does: reads, args: {{id: string}}, returns: {returns}}}}}\n"));
        let bound = policy_with(&body(&format!("bound_by: [g]\n{text}")), &[("g", &guard)]);
        let decision = call("get", r#"{"id": "t1"}"#).decide(&bound);
        assert_eq!((decision.returns.as_str(), decision.sets_facts.len()), (returns, facts));
    }
    assert_eq!(codes("tools: {t: {does: reads, returns: web, facts: {a: result.a}}}\nrules: []\n"), ["EC0113"]);
    assert_eq!(codes("tools: {t: {does: reads}}\nrules: []\n"), ["EC0021"], "`returns` is mandatory");
}

#[test]
fn rule_9_every_open_ask_is_kept() {
    let root = body(
        "bound_by: [g]\ntools: {pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}}\napprovals: {lead: {from: {role: lead}, valid: 1h}}\nrules:\n  - {allow: pay, id: small, when: {amount: {at_most: 50}}}\n  - {ask: pay, id: big, when: {amount: {more_than: 50}}, approval: lead, reason: above 50}\n",
    );
    let bound = guardrail(
        "approvals: {cfo: {from: {role: cfo}, valid: 1h}}\nrules: [{ask: {does: pays}, id: large, when: {amount: {more_than: 1000}}, approval: cfo}]\n",
    );
    let policy = policy_with(&root, &[("g", &bound)]);
    let asks = |amount: &str| {
        let decision = call("pay", &format!(r#"{{"amount": {amount}}}"#)).decide(&policy);
        (
            words(&decision),
            decision
                .asks
                .iter()
                .map(|ask| format!("{}:{}", ask.rule, ask.approval.as_deref().unwrap_or_default()))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(asks("50"), ("allow by small".to_owned(), vec![]));
    assert_eq!(asks("50.01"), ("ask by big".to_owned(), vec!["big:lead".to_owned()]));
    assert_eq!(asks("1000.01"), ("ask by big, large".to_owned(), vec!["big:lead".to_owned(), "large:cfo".to_owned()]));
    let cfo = Ask { rule: "large".to_owned(), approval: Some("cfo".to_owned()) };
    assert_eq!(policy.approval_request(&cfo).terms.unwrap().valid.as_secs(), 3600);
}

#[test]
fn rule_10_plain_scalars_mean_one_thing() {
    let rule = |scalar: &str| {
        codes(&format!(
            "tools: {{t: {{does: reads, args: {{s: string}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{s: {{equals: {scalar}}}}}}}]\n"
        ))
    };
    for scalar in [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Yes",
        "017",
        "1:30",
        "0o7",
        ".5",
        "1_000",
        "2026-11-23",
        "0x1f",
        "+1",
        "1e3",
        "True",
        ".inf",
    ] {
        assert_eq!(rule(scalar), ["EC0017"], "{scalar}");
        assert!(rule(&format!("\"{scalar}\"")).is_empty(), "{scalar} in quotes");
    }
    for scalar in ["5", "49.99", "true", "false"] {
        assert_eq!(rule(scalar), ["EC0018"], "{scalar}");
        assert!(rule(&format!("'{scalar}'")).is_empty(), "{scalar} in quotes");
    }
    assert!(rule("plain-text").is_empty());
    // Numbers stay exactly what was written.
    check(
        "tools: {t: {does: reads, args: {m: decimal}, returns: web}}\nrules: [{allow: t, id: a, when: {m: {at_most: 100.000000000000000001}}}]\n",
        &[
            (call("t", r#"{"m": 100.000000000000000001}"#), "allow by a"),
            (call("t", r#"{"m": 100.000000000000000002}"#), "deny by no rule"),
        ],
    );
}
