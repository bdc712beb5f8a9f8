//! What is a value of each type, to the last byte; and what a condition says of what cannot be known.
#![cfg(test)]

mod policy_support;

use enforcecore::decision::{Charge, Verdict};
use enforcecore::policy::Policy;
use enforcecore::value::{Map, Value};
use policy_support::{Scene, call, load, policy, words};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);
const ERROR: Option<bool> = None;

fn document(rest: &str) -> Policy {
    policy(&format!("enforcecore: 1\nname: p\nversion: \"1\"\n{rest}"))
}

/// Whether a text is a value of the type.
fn fits(ty: &str, text: &str) -> bool {
    let policy = document(&format!(
        "tools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{{allow: t, id: open}}]\n"
    ));
    let args = Value::Map(Map::from_iter([("a".to_owned(), Value::from(text))]));
    let decision = Scene { args, ..call("t", "{}") }.decide(&policy);
    assert!(decision.code == "allowed" || decision.code == "wrong_type", "{}", decision.reason);
    decision.verdict == Verdict::Allow
}

/// Labels of these lengths, one of letters after the other.
fn name(lengths: &[usize]) -> String {
    let labels = lengths.iter().zip('a'..).map(|(length, letter)| letter.to_string().repeat(*length));
    labels.collect::<Vec<_>>().join(".")
}

/// The lengths of a name's labels, and whether it is one.
const NAMES: &[(&[usize], bool)] = &[
    (&[1, 3], true),
    (&[62, 3], true),
    (&[63, 3], true),
    (&[64, 3], false),
    (&[3, 63], true),
    (&[3, 64], false),
    (&[3, 63, 3], true),
    (&[3, 64, 3], false),
    (&[63, 63, 63, 60], true),
    (&[63, 63, 63, 61], true),
    (&[63, 63, 63, 62], false),
    (&[50, 50, 50, 50, 49], true),
    (&[50, 50, 50, 50, 50], false),
];

/// Names of a few characters, and whether each is one.
const SHORT_NAMES: &[(&str, bool)] = &[
    ("x.org", true),
    ("x-y.org", true),
    ("x--y.org", true),
    ("0.org", true),
    ("x_y.org", true),
    ("-x.org", false),
    ("x-.org", false),
    ("a.-x.org", false),
    ("a.x-.org", false),
    ("x.-org", false),
    ("x.org-", false),
    ("-.org", false),
    ("x..org", false),
    (".x.org", false),
    ("x!y.org", false),
    ("x~y.org", false),
    ("x=y.org", false),
    ("x'y.org", false),
    ("x,y.org", false),
    ("x;y.org", false),
    ("x(y.org", false),
    ("x*y.org", false),
    ("x$y.org", false),
    ("x&y.org", false),
    ("x+y.org", false),
    ("x{y.org", false),
    ("x\"y.org", false),
];

#[test]
fn a_name_is_as_long_as_dns_has_it_and_has_its_letters() {
    let long = NAMES.iter().map(|(lengths, expected)| (name(lengths), *expected));
    for (name, expected) in long.chain(SHORT_NAMES.iter().map(|(name, expected)| ((*name).to_owned(), *expected))) {
        assert_eq!(fits("domain", &name), expected, "{name}");
        let reaches = document(
            "tools: {t: {does: fetches, args: {a: url}, returns: web}}\nrules: [{allow: t, id: open, when: {a: {scheme: https}, every_host: {any: true}}}, {deny: t, id: d, when: {any_host: {equals: none.example}}}]\n",
        );
        let args = Value::Map(Map::from_iter([("a".to_owned(), Value::from(format!("https://{name}/")))]));
        let verdict = Scene { args, ..call("t", "{}") }.decide(&reaches).verdict;
        assert_eq!(verdict == Verdict::Allow, expected, "https://{name}/");
        if name.len() < 190 {
            assert_eq!(fits("email", &format!("jo@{name}")), expected, "jo@{name}");
        }
    }
}

/// Bytes before the `@`, the lengths of the labels behind it, and whether that is an address.
const ADDRESSES: &[(usize, &[usize], bool)] = &[
    (1, &[1, 3], true),
    (63, &[1, 3], true),
    (64, &[1, 3], true),
    (65, &[1, 3], false),
    (200, &[1, 3], false),
    (0, &[1, 3], false),
    (64, &[63, 63, 60], true),
    (64, &[63, 63, 61], true),
    (64, &[63, 63, 62], false),
    (1, &[63, 63, 63, 60], true),
    (1, &[63, 63, 63, 61], false),
    (2, &[63, 63, 63, 60], false),
];

#[test]
fn an_address_has_64_bytes_before_its_at_and_254_in_all() {
    for (local, lengths, expected) in ADDRESSES {
        let address = format!("{}@{}", "l".repeat(*local), name(lengths));
        assert_eq!(fits("email", &address), *expected, "{local}, {lengths:?}: {} bytes", address.len());
    }
    // Bytes, and not characters.
    assert!(fits("email", &format!("{}@x.org", "ü".repeat(32))));
    assert!(!fits("email", &format!("{}@x.org", "ü".repeat(33))));
}

/// A value inside the arguments, and what `every_string` and `any_string` say that want it to be `x`.
fn kinds() -> Vec<(&'static str, Value, Option<bool>, Option<bool>)> {
    let map = |key: &str, value: Value| Value::Map(Map::from_iter([(key.to_owned(), value)]));
    let plain: Vec<(&'static str, Value, Option<bool>, Option<bool>)> = vec![
        ("nothing", Value::Null, YES, NO),
        ("a truth value", Value::from(true), YES, NO),
        ("a number", Value::from(5), YES, NO),
        ("the text", Value::from("x"), YES, YES),
        ("another text", Value::from("y"), NO, NO),
        ("bytes", Value::Bytes(b"x".to_vec()), ERROR, ERROR),
        ("other bytes", Value::Bytes(b"y".to_vec()), ERROR, ERROR),
        ("an object", Value::Opaque("x".to_owned()), ERROR, ERROR),
    ];
    let mut all = plain.clone();
    for (what, value, every, any) in plain {
        all.push((what, Value::List(vec![value.clone()]), every, any));
        all.push((what, Value::List(vec![Value::List(vec![Value::Null, value.clone()])]), every, any));
        // The key is a string as well.
        all.push((what, map("x", value.clone()), every, if any == NO { YES } else { any.or(YES) }));
        all.push((what, map("y", value.clone()), NO, any));
        all.push((what, Value::List(vec![map("y", map("x", value))]), NO, if any == NO { YES } else { any.or(YES) }));
    }
    all
}

#[test]
fn a_string_is_looked_for_in_everything_and_what_cannot_be_looked_into_is_an_error() {
    for (quantor, place) in [("every_string", 0), ("any_string", 1)] {
        let text = |rules: &str| document(&format!("tools: {{t: undeclared}}\nrules: [{rules}]\n"));
        let test = format!("{quantor}: {{equals: x}}");
        let said = "every_string: {any: true}";
        let allow = if place == 0 { test.clone() } else { format!("{said}, {test}") };
        let allow = text(&format!("{{allow: t, id: o, when: {{{allow}}}}}"));
        let deny = text(&format!("{{allow: t, id: o, when: {{{said}}}}}, {{deny: t, id: d, when: {{{test}}}}}"));
        for (what, value, every, any) in kinds() {
            let args = Value::Map(Map::from_iter([("a".to_owned(), value.clone())]));
            let scene = Scene { args, ..call("t", "{}") };
            let opens = scene.decide(&allow).verdict == Verdict::Allow;
            let closes = scene.decide(&deny).verdict == Verdict::Deny;
            let got = (opens == closes).then_some(opens);
            assert_eq!(got, [every, any][place], "{quantor}: {what} in {value:?}");
        }
    }
}

/// What a tool says of itself, and per kind of item whether it may touch one that is no argument.
const UNKNOWN: &[(&str, [bool; 5])] = &[
    // string, path, read, write, host
    ("undeclared", [false, true, true, true, true]),
    ("{does: executes, args: {}, returns: web}", [false, false, true, true, true]),
    ("{does: [reads, executes], args: {}, returns: web}", [false, false, true, true, true]),
    ("{does: [writes, executes], args: {}, returns: web}", [false, false, true, true, true]),
    ("{does: [fetches, executes], args: {}, returns: web}", [false, false, true, true, true]),
    ("{does: reads, args: {}, returns: web}", [false; 5]),
    ("{does: writes, args: {}, returns: web}", [false; 5]),
    ("{does: fetches, args: {}, returns: web}", [false; 5]),
    ("{does: changes, args: {}, returns: web}", [false; 5]),
];

#[test]
fn what_an_unknown_tool_touches_is_an_error_of_every_kind_and_never_nothing() {
    let items = [("string", "equals: x"), ("path", "under: /x"), ("read", "under: /x"), ("write", "under: /x")];
    let said = "every_string: {any: true}";
    for (decl, unknown) in UNKNOWN {
        for ((kind, check), unknown) in items.into_iter().chain([("host", "equals: x.org")]).zip(unknown) {
            let with = |rule: &str| document(&format!("tools: {{t: {decl}}}\nrules: [{rule}]\n"));
            let (every, any) = (format!("every_{kind}: {{{check}}}"), format!("any_{kind}: {{{check}}}"));
            let when = if kind == "string" { every.clone() } else { format!("{said}, {every}") };
            let allow = with(&format!("{{allow: t, id: o, when: {{{when}}}}}"));
            assert_eq!(call("t", "{}").decide(&allow).verdict == Verdict::Deny, *unknown, "{decl} {every}");
            let open = format!("{{allow: t, id: o, when: {{{said}}}}}");
            let deny = with(&format!("{open}, {{deny: t, id: d, when: {{{any}}}}}"));
            assert_eq!(call("t", "{}").decide(&deny).verdict == Verdict::Deny, *unknown, "{decl} {any}");
        }
    }
}

/// A scheme that a rule names, a URL, and whether the rule holds of it.
const SCHEMES: &[(&str, &str, bool)] = &[
    ("http", "http://x.org/", true),
    ("http", "HTTP://x.org/", true),
    ("http", "https://x.org/", false),
    ("https", "http://x.org/", false),
    ("ws", "ws://x.org/", true),
    ("ws", "wss://x.org/", false),
    ("wss", "ws://x.org/", false),
    ("ftp", "ftp://x.org/", true),
    ("ftp", "ftps://x.org/", false),
    ("{in: [http, ftp]}", "https://x.org/", false),
    ("{in: [http, ftp]}", "ftp://x.org/", true),
    ("{in: [ws, https]}", "https://x.org/", true),
    ("file", "file:///x", true),
];

#[test]
fn a_scheme_is_the_whole_scheme() {
    for (scheme, url, expected) in SCHEMES {
        let policy = document(&format!(
            "tools: {{t: {{does: reads, args: {{a: url}}, returns: web}}}}\nrules: [{{allow: t, id: o, when: {{a: {{scheme: {scheme}}}}}}}]\n"
        ));
        let verdict = call("t", &format!(r#"{{"a": "{url}"}}"#)).decide(&policy).verdict;
        assert_eq!(verdict == Verdict::Allow, *expected, "{scheme}: {url}");
    }
}

/// A type, a comparator whose operand is a fact, and what it says where a result set the fact: only equality is known of it.
const OF_FACTS: &[(&str, &str, &str, Option<bool>)] = &[
    ("string", "{equals: fact.v}", "\"v\"", YES),
    ("string", "{equals: fact.v}", "\"w\"", NO),
    ("string", "{same_as: fact.v}", "\"v\"", YES),
    ("string", "{same_as: fact.v}", "\"w\"", NO),
    ("string", "{in: [x, fact.v]}", "\"v\"", YES),
    ("string", "{in: [x, fact.v]}", "\"w\"", NO),
    ("string", "{in: fact.v}", "\"v\"", ERROR),
    ("string", "{in: fact.v}", "\"w\"", ERROR),
    ("path", "{same_as: fact.v}", "\"/v\"", NO),
    ("path", "{under: fact.v}", "\"/v\"", ERROR),
    ("path", "{under: fact.v}", "\"/w\"", ERROR),
    ("integer", "{at_most: fact.v}", "5", ERROR),
    ("integer", "{at_least: fact.v}", "5", ERROR),
    ("integer", "{more_than: fact.v}", "5", ERROR),
    ("integer", "{less_than: fact.v}", "5", ERROR),
    ("integer", "{equals: fact.v}", "5", NO),
];

#[test]
fn of_a_fact_that_a_result_set_only_equality_is_known() {
    for (ty, test, value, expected) in OF_FACTS {
        let text = |rules: &str| {
            document(&format!("tools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{rules}]\n"))
        };
        let allow = text(&format!("{{allow: t, id: o, when: {{a: {test}}}}}"));
        let deny = text(&format!("{{allow: t, id: o}}, {{deny: t, id: d, when: {{a: {test}}}}}"));
        let scene = call("t", &format!(r#"{{"a": {value}}}"#)).set_fact("v", "v", false);
        let opens = scene.decide(&allow).verdict == Verdict::Allow;
        let closes = scene.decide(&deny).verdict == Verdict::Deny;
        assert_eq!((opens == closes).then_some(opens), *expected, "{ty} {test} {value}");
    }
}

/// What takes, what it is called with, and how much that is in millionths; none where it cannot be known.
const AMOUNTS: &[(&str, &str, &str, Option<i64>)] = &[
    ("a: money", "sum: USD", r#"{"a": 1}"#, Some(1_000_000)),
    ("a: money, b: money", "sum: USD", r#"{"a": 1, "b": 2}"#, Some(3_000_000)),
    ("a: money, b: money", "sum: USD", r#"{"a": 2, "b": 1}"#, Some(3_000_000)),
    ("b: money, a: money", "sum: USD", r#"{"b": 2, "a": 0.5}"#, Some(2_500_000)),
    ("a: money, b: money, c: money", "sum: USD", r#"{"a": 1, "b": 2, "c": 4}"#, Some(7_000_000)),
    ("a: money, b: money", "sum: b", r#"{"a": 1, "b": 2}"#, Some(2_000_000)),
    // One that is not given may be anything.
    ("a: money, \"b?\": money", "sum: USD", r#"{"a": 1}"#, None),
    ("a: money, \"b?\": money", "sum: USD", r#"{"a": 1, "b": 0}"#, Some(1_000_000)),
    ("\"a?\": money", "sum: a", "{}", None),
    ("\"a?\": money", "sum: USD", "{}", None),
    // Two that fit a log each, and not together.
    ("a: money, b: money", "sum: USD", r#"{"a": 9007199254.740991, "b": 0}"#, Some(9_007_199_254_740_991)),
    ("a: money, b: money", "sum: USD", r#"{"a": 9007199254.740991, "b": 0.000001}"#, None),
    ("a: money, b: money", "sum: USD", r#"{"a": 9007199254, "b": 9007199254}"#, None),
    ("a: money", "sum: USD", r#"{"a": 9007199254.740992}"#, None),
    ("a: money", "sum: USD", r#"{"a": 1e300}"#, None),
    // Another currency is no part of the sum, and its rate is unknown.
    ("a: money, b: euros", "sum: USD", r#"{"a": 1, "b": 2}"#, None),
    ("a: money, b: euros", "sum: USD", r#"{"a": 1, "b": 0}"#, None),
    ("a: money, b: euros", "sum: a", r#"{"a": 1, "b": 2}"#, Some(1_000_000)),
    ("a: money", "count: calls", r#"{"a": 5}"#, Some(1_000_000)),
    ("a: money, b: string", "sum: USD", r#"{"a": 1, "b": "5"}"#, Some(1_000_000)),
];

fn charge(tools: &str, sum: &str, args: &str, tool: &str) -> Charge {
    let policy = document(&format!(
        "tools: {{{tools}}}\nrules: [{{allow: [t, u], id: o, when: {{every_string: {{any: true}}}}}}]\nbudgets: [{{budget: {tool}, id: b, {sum}, at_most: 50, per: ever, for_each: everyone}}]\n"
    ));
    let mut charges = call("t", args).decide(&policy).charges;
    assert_eq!(charges.len(), 1, "{tools} {sum} {args}");
    charges.remove(0)
}

#[test]
fn a_call_takes_the_sum_of_all_its_amounts_or_is_beyond_its_budget() {
    for (args, sum, said, expected) in AMOUNTS {
        let args = args.replace("money", "{type: money, currency: USD}");
        let args = args.replace("euros", "{type: money, currency: EUR}");
        let tools = format!("t: {{does: reads, args: {{{args}}}, returns: web}}, u: undeclared");
        let charge = charge(&tools, sum, said, "t");
        let taken = charge.known.then_some(charge.amount_micros);
        assert_eq!(taken, *expected, "{args} {sum} {said}");
        assert!(charge.known || charge.amount_micros > charge.at_most_micros, "{args} {sum} {said}");
    }
}

#[test]
fn what_a_tool_takes_whose_arguments_are_unknown_is_beyond_every_sum() {
    let tools = "t: undeclared, u: {does: reads, args: {a: {type: money, currency: USD}}, returns: web}";
    let both = |sum: &str| charge(tools, sum, r#"{"a": 1}"#, "[t, u]");
    let unknown = both("sum: USD");
    assert!(!unknown.known && unknown.amount_micros > unknown.at_most_micros);
    let counted = both("count: calls");
    assert_eq!((counted.known, counted.amount_micros), (true, 1_000_000));
}

/// The members of a call that its arguments are compared with, and what `same_as` says of `x`.
const REFERENCES: &[(&str, &str, Option<bool>)] = &[
    ("session.a", r#"{"a": "x"}"#, YES),
    ("session.a", r#"{"a": "y"}"#, NO),
    ("session.a", "{}", ERROR),
    ("session.a", r#"{"a": null}"#, ERROR),
    ("session.a.b", r#"{"a": {"b": "x"}}"#, YES),
    ("session.a.b", r#"{"a": {"b": "y"}}"#, NO),
    ("session.a.b", r#"{"a": {"b": null}}"#, ERROR),
    ("session.a.b", r#"{"a": {}}"#, ERROR),
    ("session.a.b", r#"{"a": "x"}"#, ERROR),
    ("session.a.b", r#"{"a.b": "x"}"#, YES),
    ("session.a.b", r#"{"a.b": "y", "a": {"b": "x"}}"#, NO),
    ("session.a.b", r#"{"a.b": "x", "a": {"b": "y"}}"#, YES),
    ("session.a.b", r#"{"b": "x"}"#, ERROR),
    ("session.a.b.c", r#"{"a": {"b": {"c": "x"}}}"#, YES),
    ("session.a.b.c", r#"{"a": {"b": {"c": "y"}}}"#, NO),
];

#[test]
fn a_reference_names_one_member_and_null_is_none() {
    for root in ["session", "principal", "fact"] {
        for (reference, members, expected) in REFERENCES {
            let reference = reference.replace("session", root);
            let text = |rules: &str| {
                document(&format!(
                    "tools: {{t: {{does: reads, args: {{a: string}}, returns: web}}}}\nrules: [{rules}]\n"
                ))
            };
            let test = format!("when: {{a: {{same_as: {reference}}}}}");
            let allow = text(&format!("{{allow: t, id: o, {test}}}"));
            let deny = text(&format!("{{allow: t, id: o}}, {{deny: t, id: d, {test}}}"));
            let scene = call("t", r#"{"a": "x"}"#);
            let scene = match root {
                "session" => scene.session(members),
                "principal" => scene.principal(members),
                _ => scene.facts(members),
            };
            let (opens, closes) = (words(&scene.decide(&allow)), words(&scene.decide(&deny)));
            let (opens, closes) = (opens == "allow by o", closes == "deny by d");
            assert_eq!((opens == closes).then_some(opens), *expected, "{reference} {members}");
        }
    }
}

/// Something of a document that is read as it stands, and the code of what is wrong with it.
fn code(rest: &str) -> Option<&'static str> {
    let found = load(&format!("enforcecore: 1\nname: p\nversion: \"1\"\n{rest}")).err()?;
    Some(found[0].code.as_str())
}

/// What a path is relative to, and whether it is a folder that can be named so.
const BASES: &[(&str, bool)] = &[
    ("/w", true),
    ("/", true),
    ("/w/x", true),
    ("/w/", true),
    ("session.workspace", true),
    ("session.cwd", true),
    ("session.x", true),
    ("session.", false),
    ("session", false),
    ("session.a.b", false),
    ("session..a", false),
    ("principal.home", false),
    ("fact.folder", false),
    ("w", false),
    ("./w", false),
    ("../w", false),
    ("~", false),
    ("/w/../x", false),
    ("/w/./x", false),
    ("/w//x", false),
    ("C:/w", false),
    ("\"\"", false),
];

#[test]
fn a_base_is_an_absolute_folder_or_one_word_of_the_session() {
    for send in ["absolute", "relative"] {
        for (base, fits) in BASES {
            let found = code(&format!(
                "tools: {{t: {{does: reads, args: {{a: {{type: path, base: {base}, send: {send}}}}}, returns: web}}}}\nrules: [{{allow: t, id: o}}]\n"
            ));
            assert_eq!(found.is_none(), *fits, "{base}: {found:?}");
        }
    }
}

/// The bound of a budget, and whether it is one.
const BOUNDS: &[(&str, bool)] = &[
    ("0", true),
    ("1", true),
    ("0.0000001", true),
    ("49.99", true),
    ("9000000000", true),
    ("9007199254.740990", true),
    ("9007199254.740991", false),
    ("9007199254.740992", false),
    ("10000000000", false),
    ("1e300", false),
    ("-1", false),
    ("-0.000001", false),
    ("\"5\"", false),
    ("true", false),
    ("[5]", false),
    ("session.limit", true),
    ("principal.limit", true),
];

#[test]
fn a_bound_is_a_number_that_a_log_can_say_and_one_more() {
    for sum in ["count: calls", "sum: USD", "sum: a"] {
        for (bound, fits) in BOUNDS {
            let found = code(&format!(
                "tools: {{t: {{does: reads, args: {{a: {{type: money, currency: USD}}}}, returns: web}}}}\nrules: [{{allow: t, id: o}}]\nbudgets: [{{budget: t, id: b, {sum}, at_most: {bound}, per: ever, for_each: everyone}}]\n"
            ));
            assert_eq!(found.is_none(), *fits, "{sum} {bound}: {found:?}");
        }
    }
}
