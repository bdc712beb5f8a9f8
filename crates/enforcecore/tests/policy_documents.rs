//! One tool declared in two documents that differ in one word: whatever either of them says, in whichever order, is kept.
#![cfg(test)]

mod policy_support;

use std::time::Duration;

use enforcecore::decision::{ArgScope, Ask, Charge, Deadline, Decision, Obligations, Over, Trust, Verdict, Window};
use enforcecore::policy::Policy;
use enforcecore::redact::ClassSet;
use policy_support::{Scene, call, policy_with, words};

/// What both documents say of the tool but for the word in question.
const PLAIN: Doc =
    Doc { does: "reads", a: "string", b: "\"b?\": text", returns: "trusted", tool: "", rules: "", rest: "" };

#[derive(Clone, Copy, Debug)]
struct Doc {
    does: &'static str,
    a: &'static str,
    b: &'static str,
    returns: &'static str,
    /// More of the tool.
    tool: &'static str,
    /// More rules.
    rules: &'static str,
    /// More of the document.
    rest: &'static str,
}

impl Doc {
    fn text(&self, name: &str, head: &str, open: &str) -> String {
        let Doc { does, a, b, returns, tool, rules, rest } = self;
        format!(
            "enforcecore: 1\nname: {name}\nversion: \"1\"\n{head}tools: {{t: {{does: {does}, args: {{a: {a}, {b}}}, returns: {returns}{tool}}}}}\nrules: [{open}{rules}]\n{rest}"
        )
    }
}

/// A policy that is bound by a guardrail: the word stands in the one, and in the other.
fn both_orders(doc: Doc) -> Vec<(&'static str, Policy)> {
    let pair = |first: Doc, second: Doc| {
        let comma = if first.rules.is_empty() { "" } else { ", " };
        let open = format!("{{allow: t, id: open}}{comma}");
        let root = first.text("root", "bound_by: [g]\n", &open);
        policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))])
    };
    vec![("in the policy", pair(doc, PLAIN)), ("in the guardrail", pair(PLAIN, doc))]
}

fn set(words: &[&str]) -> ClassSet {
    words.iter().fold(ClassSet::NONE, |all, word| all.union(ClassSet::named(word).unwrap()))
}

fn decide(policy: &Policy) -> Decision {
    scene().decide(policy)
}

fn scene() -> Scene {
    call("t", r#"{"a": "abc"}"#).session(r#"{"x": "y"}"#)
}

#[test]
fn every_obligation_of_either_document_is_kept() {
    let args = |scope: ArgScope, words: &[&str]| Obligations {
        redact_args: [(scope, set(words))].into(),
        ..Obligations::default()
    };
    let a = || ArgScope::Named("a".to_owned());
    let result = |words: &[&str]| Obligations { redact_result: set(words), ..Obligations::default() };
    let due =
        |seconds| Obligations { deadline: Some(Deadline::of(Duration::from_secs(seconds))), ..Obligations::default() };
    let rule = ", redact: {args: {a: [email]}, result: [secret]}, deadline: 7s}";
    let of_rule = Obligations { redact_result: set(&["secret"]), ..args(a(), &["email"]) };
    let of_rule = Obligations { deadline: Some(Deadline::of(Duration::from_secs(7))), ..of_rule };
    let table: Vec<(&str, Doc, Obligations)> = vec![
        ("a tool's argument", Doc { tool: ", redact: {args: {a: [email]}}", ..PLAIN }, args(a(), &["email"])),
        (
            "two classes",
            Doc { tool: ", redact: {args: {a: [email, secret]}}", ..PLAIN },
            args(a(), &["email", "secret"]),
        ),
        (
            "a tool's every string",
            Doc { tool: ", redact: {args: {every_string: [credit_card]}}", ..PLAIN },
            args(ArgScope::EveryString, &["credit_card"]),
        ),
        ("a tool's result", Doc { tool: ", redact: {result: [email]}", ..PLAIN }, result(&["email"])),
        ("a document's argument", Doc { rest: "redact: {args: {a: [email]}}\n", ..PLAIN }, args(a(), &["email"])),
        ("a document's result", Doc { rest: "redact: {result: [secret]}\n", ..PLAIN }, result(&["secret"])),
        ("a document's deadline", Doc { rest: "deadline: 5s\n", ..PLAIN }, due(5)),
        (
            "a deny that does not hold",
            Doc { rules: "{deny: t, id: r, when: {a: {equals: z}}, deadline: 7s}", ..PLAIN },
            Obligations::default(),
        ),
        (
            "an ask that does not hold",
            Doc { rules: "{ask: t, id: r, when: {a: {equals: z}}, deadline: 7s}", ..PLAIN },
            Obligations::default(),
        ),
    ];
    for (what, doc, expected) in table {
        for (place, policy) in both_orders(doc) {
            let decision = decide(&policy);
            assert_eq!((decision.verdict, &decision.obligations), (Verdict::Allow, &expected), "{what} {place}");
        }
    }
    // The rules that brake oblige as well.
    for (verb, condition, verdict) in [
        ("ask", "", Verdict::Ask),
        ("ask", ", when: {session.unset: {equals: z}}", Verdict::Ask),
        ("deny", "", Verdict::Deny),
        ("deny", ", when: {session.unset: {equals: z}}", Verdict::Deny),
    ] {
        let rules: &'static str = format!("{{{verb}: t, id: r{condition}{rule}").leak();
        for (place, policy) in both_orders(Doc { rules, ..PLAIN }) {
            let decision = decide(&policy);
            assert_eq!((decision.verdict, &decision.obligations), (verdict, &of_rule), "{rules} {place}");
        }
    }
}

#[test]
fn what_both_documents_oblige_to_is_united_and_the_tighter_wins() {
    let first = Doc {
        tool: ", redact: {args: {a: [email]}, result: [email]}",
        rest: "deadline: 5s\nredact: {result: [credit_card]}\n",
        ..PLAIN
    };
    let second =
        Doc { tool: ", redact: {args: {a: [secret], b: [email]}, result: [secret]}", rest: "deadline: 9s\n", ..PLAIN };
    let expected = Obligations {
        redact_args: [
            (ArgScope::Named("a".to_owned()), set(&["email", "secret"])),
            (ArgScope::Named("b".to_owned()), set(&["email"])),
        ]
        .into(),
        redact_result: set(&["email", "secret", "credit_card"]),
        deadline: Some(Deadline::of(Duration::from_secs(5))),
    };
    for (one, other) in [(first, second), (second, first)] {
        let root = one.text("root", "bound_by: [g]\n", "{allow: t, id: open}");
        let policy = policy_with(&root, &[("g", &other.text("g", "kind: guardrail\n", ""))]);
        assert_eq!(decide(&policy).obligations, expected);
        let all = set(&["email", "secret", "credit_card"]);
        assert_eq!((policy.result_classes(), policy.arg_classes()), (all, set(&["email", "secret"])));
    }
}

#[test]
fn every_refinement_of_either_document_is_kept() {
    // The type, a value that fits it, and one that does not.
    let table: &[(&str, &str, &str, &str)] = &[
        ("string", "{type: string, prefix: ab}", r#""abc""#, r#""xbc""#),
        ("string", "{type: string, suffix: bc}", r#""abc""#, r#""abx""#),
        ("string", "{type: string, equals: abc}", r#""abc""#, r#""abcd""#),
        ("string", "{type: string, in: [abc, d]}", r#""abc""#, r#""e""#),
        ("string", "{type: string, regex: \"[a-c]+\"}", r#""abc""#, r#""abx""#),
        ("string", "{type: string, contains_regex: \"b\"}", r#""abc""#, r#""ac""#),
        ("string", "{type: string, glob: \"a*\"}", r#""abc""#, r#""ba""#),
        ("decimal", "{type: decimal, at_most: 5}", "5", "5.1"),
        ("decimal", "{type: decimal, at_least: 5}", "5", "4.9"),
        ("decimal", "{type: decimal, more_than: 5}", "5.1", "5"),
        ("decimal", "{type: decimal, less_than: 5}", "4.9", "5"),
        ("integer", "{type: integer, at_most: 5}", "5", "6"),
        ("bool", "{type: bool, equals: true}", "true", "false"),
        ("{type: money, currency: USD}", "{type: money, currency: USD, at_most: 5}", "5", "5.000001"),
        ("url", "{type: url, scheme: https}", r#""https://a.b/""#, r#""http://a.b/""#),
        ("url", "{type: url, host: a.b}", r#""https://a.b/""#, r#""https://c.d/""#),
        ("url", "{type: url, port: 443}", r#""https://a.b/""#, r#""https://a.b:444/""#),
        ("url", "{type: url, path: {prefix: /v1/}}", r#""https://a.b/v1/x""#, r#""https://a.b/v2/""#),
        ("email", "{type: email, suffix: \"@x.org\"}", r#""jo@x.org""#, r#""jo@y.org""#),
        ("domain", "{type: domain, suffix: .x.org}", r#""a.x.org""#, r#""a.y.org""#),
        ("path", "{type: path, under: /srv}", r#""/srv/a""#, r#""/etc/a""#),
        ("path", "{type: path, glob: \"**/*.md\"}", r#""/srv/a.md""#, r#""/srv/a""#),
    ];
    for (plain, refined, fits, unfit) in table {
        let (loose, strict) = (Doc { a: plain, ..PLAIN }, Doc { a: refined, ..PLAIN });
        for (first, second, checked) in
            [(loose, loose, false), (strict, loose, true), (loose, strict, true), (strict, strict, true)]
        {
            let root = first.text("root", "bound_by: [g]\n", "{allow: t, id: open}");
            let policy = policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))]);
            let said = |value: &str| {
                words(&call("t", &format!(r#"{{"a": {value}}}"#)).session(r#"{"cwd": "/"}"#).decide(&policy))
            };
            let expected = if checked { "malformed: value_not_admitted" } else { "allow by open" };
            assert_eq!((said(fits).as_str(), said(unfit).as_str()), ("allow by open", expected), "{refined}");
        }
    }
    // Of two refinements both hold.
    let (low, high) =
        (Doc { a: "{type: integer, at_least: 3}", ..PLAIN }, Doc { a: "{type: integer, at_most: 5}", ..PLAIN });
    for (first, second) in [(low, high), (high, low)] {
        let root = first.text("root", "bound_by: [g]\n", "{allow: t, id: open}");
        let policy = policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))]);
        let fits = [2, 3, 5, 6].map(|n| !call("t", &format!(r#"{{"a": {n}}}"#)).decide(&policy).malformed);
        assert_eq!(fits, [false, true, true, false]);
    }
}

#[test]
fn what_either_document_requires_is_required() {
    let (loose, strict) = (PLAIN, Doc { b: "b: text", ..PLAIN });
    for (first, second, required) in
        [(loose, loose, false), (strict, loose, true), (loose, strict, true), (strict, strict, true)]
    {
        let root = first.text("root", "bound_by: [g]\n", "{allow: t, id: open}");
        let policy = policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))]);
        let expected = if required { "malformed: missing_argument" } else { "allow by open" };
        assert_eq!(words(&call("t", r#"{"a": "x"}"#).decide(&policy)), expected);
        assert_eq!(words(&call("t", r#"{"a": "x", "b": "y"}"#).decide(&policy)), "allow by open");
        assert_eq!(words(&call("t", r#"{"b": "y"}"#).decide(&policy)), "malformed: missing_argument");
        assert_eq!(
            words(&call("t", r#"{"a": "x", "b": "y", "c": 1}"#).decide(&policy)),
            "malformed: undeclared_argument"
        );
    }
}

#[test]
fn what_a_tool_does_by_either_document_it_does() {
    for effect in ["writes", "deletes", "executes", "fetches", "sends", "pays", "deploys", "changes"] {
        for does in [effect.to_owned(), format!("[reads, {effect}]")] {
            let does: &'static str = does.leak();
            let brake: &'static str = format!("{{deny: {{does: {effect}}}, id: brake}}").leak();
            let (plain, more) = (Doc { rules: brake, ..PLAIN }, Doc { does, ..PLAIN });
            for (first, second) in [
                (Doc { rules: brake, ..more }, PLAIN),
                (PLAIN, Doc { rules: brake, ..more }),
                (plain, more),
                (more, plain),
            ] {
                let comma = if first.rules.is_empty() { "" } else { ", " };
                let open = format!("{{allow: t, id: open, when: {{a: {{any: true}}}}}}{comma}");
                let root = first.text("root", "bound_by: [g]\n", &open);
                let policy = policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))]);
                assert_eq!(words(&decide(&policy)), "deny by brake", "{does}");
            }
        }
    }
}

#[test]
fn a_label_and_facts_are_those_that_both_documents_trust() {
    let facts = ", facts: {x: result.y}";
    let x = ("x".to_owned(), "y".to_owned());
    let z = ("z".to_owned(), "y".to_owned());
    let trusts = |tool| Doc { tool, ..PLAIN };
    let web = Doc { returns: "web", ..PLAIN };
    type Facts = Vec<(String, String)>;
    let table: [(Doc, Doc, &str, Facts); 8] = [
        (trusts(facts), PLAIN, "trusted", vec![x.clone()]),
        (PLAIN, trusts(facts), "trusted", vec![x.clone()]),
        (trusts(facts), trusts(facts), "trusted", vec![x.clone()]),
        (trusts(facts), trusts(", facts: {z: result.y}"), "trusted", vec![x, z]),
        (trusts(facts), web, "web", vec![]),
        (web, trusts(facts), "web", vec![]),
        (web, web, "web", vec![]),
        (Doc { returns: "untrusted", ..PLAIN }, trusts(facts), "untrusted", vec![]),
    ];
    for (first, second, label, set) in table {
        let root = first.text("root", "bound_by: [g]\n", "{allow: t, id: open}");
        let policy = policy_with(&root, &[("g", &second.text("g", "kind: guardrail\n", ""))]);
        let decision = decide(&policy);
        assert_eq!((decision.returns.as_str(), &decision.sets_facts), (label, &set), "{first:?} {second:?}");
    }
    // A third document undoes no distrust, and brings no fact back.
    let root = trusts(facts).text("root", "bound_by: [g, h]\n", "{allow: t, id: open}");
    let (g, h) = (web.text("g", "kind: guardrail\n", ""), trusts(facts).text("h", "kind: guardrail\n", ""));
    for others in [[("g", g.as_str()), ("h", h.as_str())], [("g", h.as_str()), ("h", g.as_str())]] {
        let decision = decide(&policy_with(&root, &others));
        assert_eq!((decision.returns.as_str(), decision.sets_facts), ("web", vec![]));
    }
}

#[test]
fn every_ask_charge_and_denial_of_either_document_is_kept() {
    let ask = |rule: &str, approval: Option<&str>| Ask { rule: rule.to_owned(), approval: approval.map(str::to_owned) };
    let lead = "approvals: {lead: {from: {role: lead}, valid: 15m}}\n";
    for (place, policy) in both_orders(Doc { rules: "{ask: t, id: q, approval: lead}", rest: lead, ..PLAIN }) {
        let decision = decide(&policy);
        assert_eq!((decision.verdict, decision.asks), (Verdict::Ask, vec![ask("q", Some("lead"))]), "{place}");
    }
    for (place, policy) in both_orders(Doc { rules: "{deny: t, id: d}", ..PLAIN }) {
        assert_eq!(words(&decide(&policy)), "deny by d", "{place}");
    }
    let budget = "budgets: [{budget: t, id: b, count: calls, at_most: 3, per: 1h, for_each: everyone}]\n";
    let charge = |id: &str| Charge {
        budget: id.to_owned(),
        key: Vec::new(),
        amount_micros: 1_000_000,
        at_most_micros: 3_000_000,
        window: Window::Sliding { us: 3_600_000_000 },
        over: Over::Deny,
        known: true,
    };
    for (place, policy) in both_orders(Doc { rest: budget, ..PLAIN }) {
        assert_eq!(decide(&policy).charges, [charge("b")], "{place}");
    }
    let (one, two) = (Doc { rules: "{ask: t, id: q}", rest: budget, ..PLAIN }, budget.replace("id: b", "id: c").leak());
    let two = Doc { rules: "{ask: t, id: p}", rest: two, ..PLAIN };
    let root = one.text("root", "bound_by: [g]\n", "{allow: t, id: open}, ");
    let decision = decide(&policy_with(&root, &[("g", &two.text("g", "kind: guardrail\n", ""))]));
    assert_eq!(decision.asks, [ask("q", None), ask("p", None)]);
    assert_eq!(decision.charges, [charge("b"), charge("c")]);
}

#[test]
fn a_tool_that_one_document_does_not_declare_is_what_the_other_declares() {
    let undeclared = |head: &str, rules: &str| {
        format!("enforcecore: 1\nname: u\nversion: \"1\"\n{head}tools: {{t: undeclared}}\nrules: [{rules}]\n")
    };
    let declared =
        Doc { a: "{type: string, prefix: ab}", tool: ", redact: {args: {b: [email]}, result: [secret]}", ..PLAIN };
    let open = "{allow: t, id: open, when: {every_string: {any: true}}}";
    let first =
        policy_with(&declared.text("root", "bound_by: [g]\n", open), &[("g", &undeclared("kind: guardrail\n", ""))]);
    let second =
        policy_with(&undeclared("bound_by: [g]\n", open), &[("g", &declared.text("g", "kind: guardrail\n", ""))]);
    for policy in [first, second] {
        assert_eq!(words(&decide(&policy)), "allow by open");
        assert_eq!(words(&call("t", r#"{"a": "xx"}"#).decide(&policy)), "malformed: value_not_admitted");
        assert_eq!(words(&call("t", r#"{"a": "ab", "c": 1}"#).decide(&policy)), "malformed: undeclared_argument");
        let decision = decide(&policy);
        assert_eq!(decision.returns, Trust::Untrusted);
        assert_eq!(decision.obligations.redact_result, set(&["secret"]));
        assert_eq!(decision.obligations.redact_args, [(ArgScope::Named("b".to_owned()), set(&["email"]))].into());
    }
}
