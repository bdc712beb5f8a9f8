//! Null for an argument: it counts as not given where the argument's type admits no null, and the tool gets it as it is.
#![cfg(test)]

mod support;

use enforcecore::outcome::{Completed, Outcome};
use enforcecore::value::Value;
use support::{World, call};

/// A type, a value of it, a condition that holds of the value, and one that does not.
const TYPES: [(&str, &str, &str, &str); 11] = [
    ("string", r#""a""#, "{equals: a}", "{equals: b}"),
    ("{type: string, in: [a, b]}", r#""a""#, "{equals: a}", "{equals: b}"),
    ("text", r#""a""#, "{prefix: a}", "{prefix: b}"),
    ("integer", "1", "{at_most: 1}", "{more_than: 1}"),
    ("decimal", "1.5", "{less_than: 2}", "{at_least: 2}"),
    ("{type: money, currency: USD}", "1.5", "{at_most: 2}", "{more_than: 2}"),
    ("bool", "true", "{equals: true}", "{equals: false}"),
    ("url", r#""https://a.example/""#, "{host: a.example}", "{host: b.example}"),
    ("path", r#""/w/a""#, "{under: /w}", "{under: /v}"),
    ("email", r#""a@x.org""#, "{equals: a@x.org}", "{equals: b@x.org}"),
    ("domain", r#""a.example""#, "{host: a.example}", "{host: b.example}"),
];

/// What looks at the argument `x`, with `HOLDS` and `FAILS` for the type's conditions; and what becomes of null, of a call
/// without it, and of the value, where it may be left out.
const LOOKS: [(&str, &str, [&str; 3]); 12] = [
    ("allow when", "[{allow: t, id: a, when: {x: HOLDS}}]", ["no_rule", "no_rule", "released"]),
    ("allow when it is another", "[{allow: t, id: a, when: {x: FAILS}}]", ["no_rule", "no_rule", "no_rule"]),
    ("allow any", "[{allow: t, id: a, when: {x: {any: true}}}]", ["released", "released", "released"]),
    (
        "allow unless",
        "[{allow: t, id: a, when: {x: {any: true}}, unless: {x: FAILS}}]",
        ["no_rule", "no_rule", "released"],
    ),
    (
        "deny when",
        "[{allow: t, id: a, when: {x: {any: true}}}, {deny: t, id: d, when: {x: HOLDS}}]",
        ["denied_by_rule", "denied_by_rule", "denied_by_rule"],
    ),
    (
        "deny when it is another",
        "[{allow: t, id: a, when: {x: {any: true}}}, {deny: t, id: d, when: {x: FAILS}}]",
        ["denied_by_rule", "denied_by_rule", "released"],
    ),
    (
        "deny unless",
        "[{allow: t, id: a, when: {x: {any: true}}}, {deny: t, id: d, unless: {x: HOLDS}}]",
        ["denied_by_rule", "denied_by_rule", "released"],
    ),
    (
        "ask when",
        "[{allow: t, id: a, when: {x: {any: true}}}, {ask: t, id: q, approval: lead, when: {x: FAILS}}]",
        ["no_approver", "no_approver", "released"],
    ),
    // An argument that a rule would open for, and another rule asks about: the ask alone does not open.
    ("ask alone", "[{ask: t, id: q, approval: lead, when: {x: HOLDS}}]", ["no_rule", "no_rule", "no_approver"]),
    // What ranges over all arguments finds nothing in null.
    (
        "every string",
        r#"[{allow: t, id: a, when: {x: {any: true}, every_string: {regex: "a|/w/a|https://a.example/|a@x.org|a.example"}}}]"#,
        ["released", "released", "released"],
    ),
    (
        "every path",
        "[{allow: t, id: a, when: {x: {any: true}, every_path: {under: /w}}}]",
        ["released", "released", "released"],
    ),
    (
        "no host",
        "[{allow: t, id: a, when: {x: {any: true}}}, {deny: t, id: d, when: {any_host: {host: b.example}}}]",
        ["released", "released", "released"],
    ),
];

/// What is said beside rules, of an argument `x` of this type; and what becomes of null, of a call without it, of the value.
const BESIDE: [(&str, &str, &str, [&str; 3]); 5] = [
    (
        "the amount of a budget",
        "{type: money, currency: USD}",
        "budgets: [{budget: t, id: b, sum: USD, at_most: 5, per: session, for_each: everyone}]",
        ["budget_exceeded", "budget_exceeded", "released"],
    ),
    (
        "the sum of an argument",
        "{type: integer, at_least: 0}",
        "budgets: [{budget: t, id: b, sum: x, at_most: 5, per: session, for_each: everyone}]",
        ["budget_exceeded", "budget_exceeded", "released"],
    ),
    (
        "a budget for each principal",
        "integer",
        "budgets: [{budget: t, id: b, count: calls, at_most: 1, per: session, for_each: principal.id}]",
        ["released", "released", "released"],
    ),
    ("redaction by name", "text", "redact: {args: {x: [email]}}", ["released", "released", "released"]),
    (
        "redaction of every string",
        "text",
        "redact: {args: {every_string: [email]}}",
        ["released", "released", "released"],
    ),
];

const CHANGES: [&str; 3] = ["reads", "changes", "[reads, writes]"];

fn policy(does: &str, optional: bool, ty: &str, rules: &str, beside: &str) -> String {
    let name = if optional { "x?" } else { "x" };
    format!(
        "enforcecore: 1\nname: nulls\nversion: \"1\"\ntools:\n  t: {{does: {does}, args: {{\"{name}\": {ty}}}, returns: web}}\n\
         approvals: {{lead: {{from: {{role: lead}}, valid: 15m}}}}\nrules: {rules}\n{beside}\n"
    )
}

/// What becomes of a call: the code of its end. A tool that ran got exactly the arguments that its caller wrote.
fn end(policy: &str, args: &str) -> String {
    let world = World::new(policy);
    let ended = world.enforcer.enforce(call("t", args), world.tool());
    let effects = world.effects.lock().unwrap().clone();
    match ended {
        Ok(Completed::Released { .. }) => {
            assert_eq!(effects, [args], "{policy}");
            "released".to_owned()
        }
        Ok(other) => panic!("{other:?}"),
        Err(refused) => {
            assert_eq!(effects, [] as [&str; 0], "{policy}");
            refused.code.to_string()
        }
    }
}

#[test]
fn null_is_an_argument_that_is_not_given_to_whatever_looks_at_it() {
    for (ty, value, holds, fails) in TYPES {
        let calls = [r#"{"x":null}"#.to_owned(), "{}".to_owned(), format!(r#"{{"x":{value}}}"#)];
        for (what, rules, expected) in LOOKS {
            let rules = rules.replace("HOLDS", holds).replace("FAILS", fails);
            for does in CHANGES {
                let may_be_left_out = policy(does, true, ty, &rules, "");
                let required = policy(does, false, ty, &rules, "");
                for (args, expected) in calls.iter().zip(expected) {
                    assert_eq!(end(&may_be_left_out, args), expected, "{what}: {args}\n{may_be_left_out}");
                    let expected = if *args == calls[2] { expected } else { "missing_argument" };
                    assert_eq!(end(&required, args), expected, "{what}: {args}\n{required}");
                }
            }
        }
    }
}

#[test]
fn null_is_an_argument_that_is_not_given_to_budgets_and_redaction() {
    let rules = "[{allow: t, id: a, when: {x: {any: true}}}]";
    for (what, ty, beside, expected) in BESIDE {
        let value = if ty == "text" { r#"{"x":"a"}"# } else { r#"{"x":1}"# };
        for (args, expected) in [r#"{"x":null}"#, "{}", value].into_iter().zip(expected) {
            for does in CHANGES {
                let may_be_left_out = policy(does, true, ty, rules, beside);
                assert_eq!(end(&may_be_left_out, args), expected, "{what}: {args}\n{may_be_left_out}");
                let expected = if args == value { expected } else { "missing_argument" };
                assert_eq!(end(&policy(does, false, ty, rules, beside), args), expected, "{what}: {args}");
            }
        }
    }
}

#[test]
fn a_call_with_null_counts_for_its_principal_like_any_other() {
    let text = policy("changes", true, "integer", "[{allow: t, id: a, when: {x: {any: true}}}]", BESIDE[2].2);
    for (first, second) in [(r#"{"x":null}"#, "{}"), ("{}", r#"{"x":null}"#), (r#"{"x":1}"#, r#"{"x":null}"#)] {
        let world = World::new(&text);
        assert!(world.enforcer.enforce(call("t", first), world.tool()).is_ok());
        let refused = world.enforcer.enforce(call("t", second), world.tool()).unwrap_err();
        assert_eq!((refused.code.as_str(), world.ran()), ("budget_exceeded", 1));
    }
}

/// An undeclared tool has no types, so null is a value like any other there; and an argument that is not declared stays so.
#[test]
fn where_no_type_says_otherwise_null_is_what_it_is() {
    let undeclared = "enforcecore: 1\nname: nulls\nversion: \"1\"\ntools: {t: undeclared}\nrules: [{allow: t, id: a, when: {every_string: {any: true}}}]\n";
    assert_eq!(end(undeclared, r#"{"x":null}"#), "released");
    let declared = policy("reads", true, "text", "[{allow: t, id: a}]", "");
    assert_eq!(end(&declared, r#"{"y":null}"#), "undeclared_argument");
    assert_eq!(end(&declared, r#"{"x":[null]}"#), "wrong_type");
    assert_eq!(end(&declared, r#"{"x":null}"#), "released");
}

#[test]
fn the_message_says_that_null_is_no_value() {
    for (args, expected) in [
        (r#"{"x":null}"#, "the argument `x` is missing: it is an integer, and null is no value of it"),
        ("{}", "the argument `x` is missing: it is an integer"),
    ] {
        let world = World::new(&policy("reads", false, "integer", "[{allow: t, id: a}]", ""));
        let refused = world.enforcer.enforce(call("t", args), |_| Outcome::Done(Value::Null)).unwrap_err();
        assert_eq!(refused.reason, expected);
    }
}
