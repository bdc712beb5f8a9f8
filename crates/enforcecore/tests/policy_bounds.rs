//! A policy of several documents: what has to be the same in all of them, what each of them decides, and that none can be
//! exchanged without being noticed.
#![cfg(test)]

mod policy_support;

use enforcecore::policy::Policy;
use policy_support::{load_with, policy_with};

fn document(name: &str, rest: &str) -> String {
    format!("enforcecore: 1\nname: {name}\nversion: \"1\"\n{rest}\n")
}

/// What can be said of an argument: of two of these a policy takes each only with itself.
const ARGUMENTS: &[&str] = &[
    "string",
    "text",
    "integer",
    "decimal",
    "bool",
    "url",
    "path",
    "email",
    "domain",
    "{type: money, currency: USD}",
    "{type: money, currency: EUR}",
    "{type: path, base: /w}",
    "{type: path, base: /x}",
    "{type: path, base: session.workspace}",
    "{type: path, base: session.cwd}",
    "{type: path, resolve: parent}",
    "{type: path, resolve: lexical}",
    "{type: path, base: /w, send: relative}",
    "{type: path, base: /x, send: relative}",
];

#[test]
fn an_argument_is_the_same_in_every_document() {
    let tools = |arg: &str| format!("tools: {{t: {{does: reads, args: {{a: {arg}}}, returns: web}}}}\n");
    for one in ARGUMENTS {
        for other in ARGUMENTS {
            let root = document("p", &format!("bound_by: [g]\n{}rules: [{{allow: t, id: o}}]", tools(one)));
            let bound = document("g", &format!("kind: guardrail\n{}", tools(other)));
            let codes = load_with(&root, &[("g", &bound)]).map(drop).map_err(|found| found[0].code.as_str());
            let expected = if one == other { Ok(()) } else { Err("EC0034") };
            assert_eq!(codes, expected, "{one} and {other}");
        }
    }
}

/// What two documents say that a tool returns, and whether they contradict each other: of two names for what is not trusted one
/// would be lost.
const LABELS: &[(&str, &str, bool)] = &[
    ("trusted", "trusted", false),
    ("trusted", "untrusted", false),
    ("trusted", "web", false),
    ("untrusted", "untrusted", false),
    ("web", "web", false),
    ("web", "mail", true),
    ("web", "untrusted", true),
    ("web", "Web", true),
];

#[test]
fn a_label_of_what_is_not_trusted_is_the_same_in_every_document() {
    let tools = |label: &str| format!("tools: {{t: {{does: reads, args: {{}}, returns: {label}}}}}\n");
    for (one, other, contradict) in LABELS {
        for (one, other) in [(one, other), (other, one)] {
            let root = document("p", &format!("bound_by: [g]\n{}rules: [{{allow: t, id: o}}]", tools(one)));
            let bound = document("g", &format!("kind: guardrail\n{}", tools(other)));
            let codes = load_with(&root, &[("g", &bound)]).map(drop).map_err(|found| found[0].code.as_str());
            assert_eq!(codes, if *contradict { Err("EC0034") } else { Ok(()) }, "{one} and {other}");
        }
    }
}

/// The rules of a policy, those of what binds it, whether that is a guardrail, and whether the tool is shown: some call of it
/// could be allowed or asked for.
const SHOWN: &[(&str, &str, bool, bool)] = &[
    ("{allow: t, id: o}", "", true, true),
    ("{ask: t, id: o}", "", true, true),
    ("{deny: t, id: o}", "", true, false),
    ("{allow: t, id: o}, {deny: t, id: d}", "", true, false),
    ("{allow: t, id: o}, {deny: t, id: d, when: {a: {equals: x}}}", "", true, true),
    ("{allow: t, id: o}, {deny: t, id: d, unless: {a: {equals: x}}}", "", true, true),
    ("{allow: t, id: o, when: {a: {equals: x}}}", "", true, true),
    ("{allow: u, id: o}", "", true, false),
    ("{allow: t, id: o}", "{deny: t, id: d}", true, false),
    ("{allow: t, id: o}", "{deny: anything, id: d}", true, false),
    ("{allow: t, id: o}", "{deny: {does: reads}, id: d}", true, false),
    ("{allow: t, id: o}", "{deny: u, id: d}", true, true),
    ("{allow: t, id: o}", "{deny: t, id: d, when: {a: {equals: x}}}", true, true),
    ("{allow: t, id: o}", "{ask: t, id: d}", true, true),
    ("{allow: t, id: o}", "{allow: t, id: d}", false, true),
    ("{allow: t, id: o}", "{ask: t, id: d}", false, true),
    ("{allow: t, id: o}", "{allow: u, id: d}", false, false),
    ("{allow: t, id: o}", "{allow: t, id: d}, {deny: t, id: e}", false, false),
    ("{allow: u, id: o}", "{allow: t, id: d}", false, false),
];

const TOOLS: &str =
    "tools:\n  t: {does: reads, args: {a: string}, returns: web}\n  u: {does: reads, args: {}, returns: web}\n";

#[test]
fn a_tool_is_shown_where_every_document_leaves_a_way_to_it() {
    for (rules, bound, guardrail, shown) in SHOWN {
        let kind = if *guardrail { "kind: guardrail\n" } else { "" };
        let root = document("p", &format!("bound_by: [g]\n{TOOLS}rules: [{rules}]"));
        let policy = policy_with(&root, &[("g", &document("g", &format!("{kind}{TOOLS}rules: [{bound}]")))]);
        assert_eq!(policy.can_open("t"), *shown, "{rules} bound by {bound}");
        assert!(!policy.can_open("v"));
    }
}

/// A word of a document, and another in its place.
const WORDS: &[(&str, &str)] = &[
    ("name: P", "name: Q"),
    ("version: \"1\"", "version: \"2\""),
    ("does: reads", "does: writes"),
    ("returns: trusted, facts: {f: result.f}", "returns: web"),
    ("facts: {f: result.f}", "facts: {g: result.f}"),
    ("result.f", "result.g"),
    ("redact: {args: {a: [email]}}", "redact: {args: {a: [secret]}}"),
    ("prefix: a", "suffix: z"),
    ("equals: az", "equals: ay"),
    ("refuse", "never"),
    ("reason: why", "reason: how"),
    ("approval: lead", "approval: boss"),
    ("valid: 15m", "valid: 16m"),
    ("role: lead", "role: boss"),
    ("at_most: 5", "at_most: 6"),
    ("per: day UTC", "per: week UTC"),
    ("for_each: everyone", "for_each: session.id"),
    ("deadline: 5s", "deadline: 6s"),
    ("result: [secret]", "result: [email]"),
    ("[.husky]", "[.idea]"),
];

const WHOLE: &str = r#"enforcecore: 1
name: P
version: "1"
HEADtools: {t: {does: reads, args: {a: text, k: {type: string, prefix: a}}, returns: trusted, facts: {f: result.f}, redact: {args: {a: [email]}}}}
approvals: {lead: {from: {role: lead}, valid: 15m}, boss: {from: local_user, valid: 1h}}
rules: [OPEN{deny: t, id: refuse, when: {k: {equals: az}}, reason: why}, {ask: t, id: ask, approval: lead}, {ask: t, id: b, approval: boss}]
budgets: [{budget: t, id: few, count: calls, at_most: 5, per: day UTC, for_each: everyone}]
unprotected: {t: [.husky]}
deadline: 5s
redact: {result: [secret]}
"#;

/// Documents of which each has all words of its own.
fn three() -> [String; 3] {
    let of = |name: &str, head: &str, open: &str| {
        let own = WHOLE.replace("name: P", &format!("name: P{name}")).replace("HEAD", head).replace("OPEN", open);
        ["id: refuse", "id: ask", "id: b,", "id: few", "id: open"]
            .iter()
            .fold(own, |own, id| own.replace(id, &id.replace("id: ", &format!("id: {name}"))))
    };
    let open = "{allow: t, id: open, when: {k: {any: true}}}, ";
    [
        of("x", "bound_by: [g]\n", open),
        of("y", "kind: guardrail\nbound_by: [h]\n", ""),
        of("z", "kind: guardrail\n", ""),
    ]
}

fn load(documents: &[String; 3]) -> Policy {
    policy_with(&documents[0], &[("g", &documents[1]), ("h", &documents[2])])
}

/// A grant and a log name a policy by its digest: a document that could be exchanged under it would be decided by unseen.
#[test]
fn the_digest_covers_every_word_of_every_document() {
    let documents = three();
    let documents_loaded = load(&documents);
    let whole = documents_loaded.digest();
    assert_eq!(load(&documents).digest(), whole);
    for place in 0..3 {
        for (word, another) in WORDS {
            let mut changed = documents.clone();
            assert!(changed[place].contains(word), "{word}");
            changed[place] = changed[place].replacen(word, another, 1);
            // What has to be the same in every document changes in all of them.
            if let Ok(loaded) = load_with(&changed[0], &[("g", &changed[1]), ("h", &changed[2])]) {
                assert_ne!(loaded.policy.digest(), whole, "{word} of document {place}");
                continue;
            }
            let all = documents.clone().map(|text| text.replacen(word, another, 1));
            assert_ne!(load(&all).digest(), whole, "{word} of every document");
        }
    }
    // Tests are no part of it, and neither is the order in which a map is written.
    let mut tested = documents.clone();
    tested[0] += "tests: [{call: {tool: t, args: {a: x, k: az}}, expect: deny}]\n";
    assert_eq!(load(&tested).digest(), whole);
    let [x, y, z] = &documents;
    let swapped = policy_with(
        x,
        &[
            ("g", &z.replace("kind: guardrail\n", "kind: guardrail\nbound_by: [h]\n")),
            ("h", &y.replace("bound_by: [h]\n", "")),
        ],
    );
    assert_ne!(swapped.digest(), whole);
}
