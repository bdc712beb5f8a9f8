//! Bad policies and everything that is said about them, in one golden text; and every fix is one.
#![cfg(test)]

mod policy_support;

use std::collections::BTreeSet;

use enforcecore::codes::policy::CODES;
use enforcecore::diagnostic::{Diagnostic, Severity};
use expect_test::expect_file;
use policy_support::{load, load_bytes, load_with, render};

/// Documents that are whole as they stand.
const WHOLE: &[(&str, &str)] = &[
    ("empty", ""),
    ("only a comment", "# nothing\n"),
    ("not a map", "- a\n"),
    ("indentation", "enforcecore: 1\nname: p\n  version: x\n"),
    ("open bracket", "enforcecore: 1\nname: [p\n"),
    ("tab", "enforcecore: 1\ntools:\n\ta: b\n"),
    ("NUL", "enforcecore: 1\nname: \"a\\0b\"\nversion: \"1\"\nrules: []\n"),
    ("text that runs backwards", "enforcecore: 1\nname: \"a\u{202e}b\"\nversion: \"1\"\nrules: []\n"),
    ("two documents", "enforcecore: 1\nname: p\nversion: \"1\"\nrules: []\n---\nenforcecore: 1\n"),
    ("directive", "%YAML 1.1\n---\nenforcecore: 1\n"),
    ("no version of the language", "name: p\nrules:\n  denied_tools: [rm]\n"),
    ("another version of the language", "enforcecore: 2\nname: p\n"),
    ("version in quotes", "enforcecore: \"1\"\nname: p\n"),
    ("missing keys", "enforcecore: 1\n"),
    ("version as a number", "enforcecore: 1\nname: p\nversion: 2026.11\nrules: []\n"),
    ("kind", "enforcecore: 1\nname: p\nversion: \"1\"\nkind: guardrails\nrules: []\n"),
    (
        "a guardrail that allows",
        "enforcecore: 1\nname: p\nversion: \"1\"\nkind: guardrail\ntools: {t: {does: reads, returns: web}}\nrules: [{allow: t, id: r}]\n",
    ),
];

/// Bodies after a sound head.
const BODIES: &[(&str, &str)] = &[
    ("unknown key", "ruels: []\nrules: []\n"),
    ("duplicate key", "rules: []\nrules: []\n"),
    ("duplicate key by another spelling", "rules: []\n\"ru\\u006ces\": []\n"),
    ("anchor and alias", "tools: &t {a: {does: reads, returns: web}}\nrules: []\nredact: *t\n"),
    ("unknown alias", "rules: *nowhere\n"),
    ("tag", "rules: !!seq []\n"),
    ("merge key", "tools:\n  a:\n    <<: {does: reads}\n    returns: web\nrules: []\n"),
    ("complex key", "rules: []\n? [a]\n: b\n"),
    (
        "ambiguous keys",
        "tools:\n  on: {does: reads, args: {n: string, 017: string, 5: text}, returns: web}\nrules: []\n",
    ),
    (
        "ambiguous values",
        "tools: {t: {does: reads, args: {a: string, b: bool}, returns: web}}\nrules:\n  - {allow: t, id: no, when: {a: {in: [yes, 1:30, 0o7, .5, 1_000, 2026-11-23, 1e3, True, ~]}}}\n",
    ),
    (
        "number for text",
        "tools: {t: {does: reads, args: {a: string}, returns: web}}\nrules: [{allow: t, id: 7, when: {a: {equals: 5}}}]\n",
    ),
    ("key without a value", "rules:\n"),
    ("later keys", "rules: []\nsequences: []\nprove: []\nservers: {}\n"),
    (
        "later words",
        "tools: {t: {does: reads, args: {a: command, b: string}, returns: web, extra_args: allow}}\nrules:\n  - {deny: t, id: a, when: {label: {in: [web]}, now: {in: [x]}, b: {detector: [secret], seen_in: [user]}}, shadow: true, limit: {rows: 5}}\n  - {deny: {server: x, does: reads}, id: b, isolation: tier2, remember: a}\n",
    ),
    (
        "tools that are not described",
        "tools:\n  a: anything\n  b: {args: {}}\n  c: {does: read, returns: web}\n  \"d e\": {does: reads, returns: web}\n  f: {does: [], returns: web}\nrules: []\n",
    ),
    (
        "types",
        "tools: {t: {does: reads, returns: web, args: {a: strnig, b: money, c: {type: money, currency: usd}, d: {type: string, currency: USD}, e: {at_most: 5}, \"f?\": text, f: text, g: {type: string, same_as: session.x}}}}\nrules: []\n",
    ),
    (
        "facts",
        "tools:\n  t: {does: reads, returns: web, facts: {a: result.b}}\n  u: {does: reads, returns: trusted, facts: {a: args.b}}\nrules: []\n",
    ),
    (
        "classes",
        "tools: {t: {does: reads, args: {p: path, s: text}, returns: web, redact: {args: {p: [secret], q: [secret]}, result: [credit_cards]}}}\nrules: []\nredact: {args: {every_string: []}, result: {mask: [secret]}}\n",
    ),
    (
        "look-alike tools",
        "tools: {read_file: {does: reads, returns: web}, Read_File: {does: reads, returns: web}}\nrules: []\n",
    ),
    (
        "rules that say too much or too little",
        "tools: {t: {does: reads, returns: web}}\nrules:\n  - {id: a}\n  - {allow: t, deny: t, id: b}\n  - {allow: t}\n  - {allow: t, id: c, approval: lead}\n  - {ask: t, id: d, approval: led}\n  - {deny: [], id: e}\n  - {deny: t, id: f, when: {}}\n  - {deny: t, id: g, whne: {a: {any: true}}}\napprovals: {lead: {from: {role: r}, valid: 15m}}\n",
    ),
    (
        "unknown tools and arguments",
        "tools: {refund: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}}\nrules:\n  - {deny: refnud, id: a}\n  - {deny: refund, id: b, when: {ammount: {more_than: 5}}}\n  - {deny: {does: deploys}, id: c}\n",
    ),
    (
        "rule 5",
        "tools: {mv: {does: [writes, deletes], args: {from: path, to: path, why: text}, returns: trusted}}\nrules:\n  - {allow: mv, id: a, when: {from: {under: /srv}}}\n  - {allow: anything, id: b}\n",
    ),
    ("rule 5 on an undeclared tool", "tools: {t: undeclared}\nrules: [{allow: t, id: a}]\n"),
    (
        "rule 6",
        "tools: {a: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}, b: {does: pays, args: {sum: decimal}, returns: trusted}, c: undeclared}\nrules:\n  - {deny: [a, b], id: a, when: {amount: {more_than: 5}}}\n  - {deny: {does: sends}, id: b, when: {to: {equals: x}}}\n",
    ),
    (
        "comparators and types",
        "tools: {t: {does: reads, args: {p: path, u: url, i: integer, s: string, e: email, b: bool}, returns: web}}\nrules:\n  - deny: t\n    id: a\n    when:\n      p: {prefix: /srv}\n      u: {prefix: \"https://a.b\"}\n      i: {prefix: a}\n      s: {at_most: 5}\n      e: {host: a.b}\n      b: {equals: 5}\n      any_path: {at_most: 5}\n      every_host: {suffix: a}\n      principal.id: {scheme: https}\n  - {deny: t, id: b, when: {i: {equals: 1.5}, e: {equals: nobody}, p: {equals: a/b}, u: {equals: a.b}}}\n",
    ),
    (
        "names that mean something else",
        "tools:\n  anything: {does: reads, returns: web}\n  t: {does: reads, args: {any_path: path, principal.id: string}, returns: web}\n  \"u\\u200b\": {does: reads, returns: web}\nrules: [{allow: t, id: a}]\n",
    ),
    (
        "scalar for a test",
        "tools: {t: {does: reads, args: {s: string}, returns: web}}\nrules: [{deny: t, id: a, when: {s: prod}}]\n",
    ),
    (
        "patterns",
        "tools: {t: {does: reads, args: {s: string}, returns: web}}\nrules: [{deny: t, id: a, when: {s: {regex: \"a(\", contains_regex: '(a)\\1', glob: \"[a\", prefix: \"\"}}}]\n",
    ),
    (
        "hosts and paths",
        "tools: {t: {does: fetches, args: {u: url, p: path}, returns: web}}\nrules:\n  - {deny: t, id: a, when: {u: {scheme: HTTPS, host: \"*.example.com\", port: 70000}, p: {under: ../x}}}\n  - {deny: t, id: b, when: {u: {host: \"https://a.b/\", path: {at_most: 5}}}}\n  - {deny: t, id: c, when: {u: {host: {address: 10.0.0.0/8}}}}\n  - {deny: t, id: d, when: {u: {host: {domain: 127.0.0.1}}}}\n",
    ),
    (
        "conditions that are never true",
        "tools: {t: {does: reads, args: {i: integer, s: string, m: {type: money, currency: USD}, k: {type: integer, at_most: 5}}, returns: web}}\nrules:\n  - {deny: t, id: a, when: {i: {more_than: 5, less_than: 5}}}\n  - {deny: t, id: b, when: {s: {equals: a, in: [b, c]}}}\n  - {deny: t, id: d, when: {m: {less_than: 0}}}\n  - {deny: t, id: e, when: {k: {more_than: 5}}}\n  - {deny: t, id: f, when: {s: {equals: abc, prefix: b}}}\n  - {deny: t, id: g, when: {principal.age: {at_least: 5, at_most: 4}}}\n",
    ),
    (
        "references",
        "tools: {t: {does: reads, args: {s: string}, returns: trusted, facts: {f: result.f}}}\nrules:\n  - {deny: t, id: a, when: {s: {same_as: ticket}}}\n  - {deny: t, id: b, when: {fact.f: {prefix: a}}}\n  - {deny: t, id: c, when: {principal.: {equals: a}}}\n",
    ),
    (
        "budgets that cannot be read",
        "tools: {pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}}\nrules: []\nbudgets:\n  - {budget: pay, id: c, sum: USD, at_most: 5, per: day, for_each: amount}\n  - {budget: pay, id: d, sum: USD, at_most: 5, per: 1x, for_each: everyone}\n  - {budget: pay, id: e, sum: total, at_most: 5, per: day Mars/Base, for_each: everyone}\n  - {budget: pay, id: g, at_most: 5, per: session, for_each: everyone}\n  - {budget: pay, id: h, count: call, at_most: 5, per: 5s, for_each: everyone, approval: lead}\n",
    ),
    (
        "budgets that do not work",
        "tools: {pay: {does: pays, args: {amount: {type: money, currency: USD}, tip: decimal}, returns: trusted}, sh: {does: executes, returns: web}}\nrules: []\nbudgets:\n  - {budget: pay, id: a, sum: EUR, at_most: 5, per: day UTC, for_each: everyone}\n  - {budget: pay, id: b, sum: tip, at_most: 5, per: day UTC, for_each: everyone}\n  - {budget: pay, id: d, sum: USD, at_most: -5, per: ever, for_each: everyone}\n  - {budget: pay, id: e, sum: total, at_most: 5, per: ever, for_each: everyone, over: ask, approval: boss}\n  - {budget: {does: pays}, id: f, sum: USD, at_most: 5, per: ever, for_each: everyone}\n",
    ),
    (
        "redaction of what is acted upon",
        "tools: {t: {does: reads, args: {p: path, s: text}, returns: web, redact: {args: {p: [secret], q: [secret]}}}}\nrules: []\n",
    ),
    (
        "approvals",
        "tools: {t: {does: reads, returns: web}}\nrules: [{ask: t, id: d, approval: led}]\napprovals: {lead: {from: {role: r}, valid: 15m}}\n",
    ),
    (
        "ids",
        "tools: {t: {does: reads, returns: web}}\nrules: [{allow: t, id: a}, {deny: t, id: a, when: {principal.x: {equals: z}}}]\nbudgets: [{budget: t, id: a, count: calls, at_most: 5, per: ever, for_each: everyone}]\n",
    ),
    (
        "durations",
        "rules: []\ndeadline: 30\napprovals: {a: {from: local_user, valid: 15 minutes, wait: 99d}, b: {from: nobody, valid: 1h}, c: {from: {role: r}, valid: 1h, people: 2}}\n",
    ),
    (
        "deadlines",
        "tools: {t: {does: reads, returns: web}}\nrules:\n  - {allow: t, id: a, deadline_max: 5s}\n  - {allow: t, id: b, withhold_only: true}\n  - {allow: t, id: c, deadline: 5s, deadline_max: 4s}\n  - {allow: t, id: d, deadline: 5s, withhold_only: sure}\nwithhold_only: false\nrestart: always\n",
    ),
    (
        "tests",
        "rules: []\ntests:\n  - {call: {tool: t, args: {a: 1}}, expect: allowed}\n  - {call: {args: {}}, expect: deny}\n  - {call: {tool: t}, given: {now: today, labels: [web]}, expect: deny}\n",
    ),
    (
        "words the language does not have",
        "tools:\n  t:\n    does: shouts\n    args: {a: qqqq, b: {type: string, zzzz: 1}}\n    returns: web\n    redact: {args: {a: [password]}, reslt: [secret], nothing: [secret]}\nrules:\n  - {deny: {does: shouts}, id: a}\n  - {deny: t, id: b, when: {a: {zzzz: 1}}}\nbudgets: [{budget: t, id: c, count: apples, at_most: 5, per: ever, for_each: everyone, over: shout}]\n",
    ),
    (
        "arguments that nobody takes",
        "tools: {t: {does: reads, args: {path: path, depth: integer}, returns: web}}\nrules: [{deny: t, id: a, when: {zzzz: {any: true}}}, {deny: zzzz, id: b}]\n",
    ),
    (
        "paths and how they are read",
        "tools:\n  a: {does: reads, args: {p: {type: path, base: work}, q: {type: path, base: fact.x}, r: {type: path, base: /a/../b}}, returns: web}\n  b: {does: reads, args: {p: {type: path, resolve: link, send: relativ}, q: {type: string, base: /a}}, returns: web}\n  c: {does: reads, args: {p: {type: path, send: relative}}, returns: web}\nrules: []\n",
    ),
    (
        "names that are protected",
        "tools: {t: {does: writes, args: {p: path}, returns: web}}\nrules: [{allow: t, id: a, when: {p: {any: true}}}]\nunprotected: {t: [.husky, .git, .github/workflow, readme.md], u: [.husky]}\n",
    ),
    (
        "warnings",
        "tools: {t: {does: reads, returns: web}, u: {does: reads, returns: web}}\nrules: [{allow: t, id: a}]\napprovals: {lead: {from: local_user, valid: 15m}}\n",
    ),
];

fn body(text: &str) -> String {
    format!("enforcecore: 1\nname: p\nversion: \"1\"\n{text}")
}

fn findings(text: &str) -> Vec<Diagnostic> {
    match load(text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    }
}

#[test]
fn bad_policies_are_told_what_is_wrong() {
    let mut golden = String::new();
    let whole = WHOLE.iter().map(|(name, text)| (*name, (*text).to_owned()));
    for (name, text) in whole.chain(BODIES.iter().map(|(name, text)| (*name, body(text)))) {
        let found = findings(&text);
        assert!(!found.is_empty(), "{name} is not found fault with");
        golden.push_str(&format!("## {name}\n{}\n", render(&found)));
    }
    expect_file!["golden/policy_diagnostics.txt"].assert_eq(&golden);
}

#[test]
fn every_fix_mends_what_it_is_for() {
    for (name, text) in BODIES {
        let text = body(text);
        for finding in findings(&text) {
            let Some(fix) = &finding.fix else { continue };
            let (start, end) = (finding.span.start, finding.span.end);
            let mended = format!("{}{fix}{}", text.get(..start).unwrap(), text.get(end..).unwrap());
            let left = findings(&mended);
            let same = |other: &Diagnostic| other.code == finding.code && other.span.start == start;
            assert!(!left.iter().any(same), "{name}: {finding}\n{mended}\n{}", render(&left));
            assert!(!left.iter().any(|other| other.code == "EC0003"), "{name}: {finding}\n{mended}");
        }
    }
}

/// The tools that the examples of [`CODES`] speak about, where they bring none of their own.
const EXAMPLE_TOOLS: &str = "tools:
  read_file: {does: reads, args: {path: path}, returns: files}
  refund: {does: pays, args: {ticket: string, amount: {type: money, currency: USD}, note?: text}, returns: trusted}
  fetch: {does: fetches, args: {url: url}, returns: web}
";

#[test]
fn each_page_shows_a_mistake_and_its_remedy() {
    // What these are about does not fit into a line of a document.
    let prose = [
        "EC0000", "EC0001", "EC0002", "EC0004", "EC0014", "EC0015", "EC0030", "EC0031", "EC0032", "EC0034", "EC0035",
        "EC0037", "EC0118", "EC0140", "EC0141", "EC0142", "EC0143", "EC0144",
    ];
    let whole = |example: &str| {
        let begins = |key: &str| example.lines().any(|line| line.starts_with(key));
        let has_rules = begins("rules:") || begins("ruels:");
        let (tools, rules) =
            (if begins("tools:") { "" } else { EXAMPLE_TOOLS }, if has_rules { "" } else { "rules: []\n" });
        body(&format!("{tools}{rules}{example}\n"))
    };
    for page in CODES.iter().map(|code| code.page()).filter(|page| !prose.contains(&page.code)) {
        let whole = |text: &str| {
            if ["EC0010", "EC0012", "EC0013"].contains(&page.code) { text.to_owned() } else { whole(text) }
        };
        let earns = |text: &str| findings(&whole(text)).iter().any(|found| found.code == page.code);
        assert!(earns(page.example), "{}:\n{}", page.code, render(&findings(&whole(page.example))));
        assert!(!earns(page.instead), "{}:\n{}", page.code, render(&findings(&whole(page.instead))));
    }
}

#[test]
fn spans_point_at_the_words() {
    let text = body("ruels: []\nrules: []\n");
    let found = findings(&text);
    let span = &found[0].span;
    assert_eq!((span.line, span.column, text.get(span.start..span.end).unwrap()), (4, 1, "ruels"));
    // Columns are characters, offsets are bytes.
    let text = body("rules: [{allow: \"ü\", id: no}]\n");
    let found = findings(&text);
    let span = &found.iter().find(|finding| finding.code == "EC0017").unwrap().span;
    assert_eq!((span.line, span.column, text.get(span.start..span.end).unwrap()), (4, 26, "no"));
}

#[test]
fn limits_hold() {
    let code = |bytes: Vec<u8>| load_bytes(bytes, &[]).unwrap_err()[0].code;
    assert_eq!(code(vec![b'#'; (8 << 20) + 1]), "EC0001");
    assert_eq!(code(b"enforcecore: 1\nname: \xff\n".to_vec()), "EC0002");
    let nested = |n: usize| format!("a: {}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
    assert_eq!(code(nested(33)), "EC0004");
    assert!(load_bytes(nested(100_000), &[]).is_err() && load_bytes(vec![b'['; 1 << 20], &[]).is_err(), "and soon");
    let deep = |n: usize| {
        body(&format!(
            "tests: [{{call: {{tool: t, args: {{a: {}1{}}}}}, expect: deny}}]\nrules: []\n",
            "[".repeat(n),
            "]".repeat(n)
        ))
    };
    assert_eq!(findings(&deep(26)), []);
    assert_eq!(findings(&deep(28))[0].code, "EC0004");
    let many = "- {}\n".repeat(100_001);
    let many = body(&format!("tools: {{t: {{does: reads, returns: web}}}}\nrules:\n{many}"));
    assert_eq!(findings(&many)[0].code, "EC0014");
}

#[test]
fn a_hundred_findings_are_listed_and_one_line_says_that_there_are_more() {
    let listed = |text: &str| {
        let found = findings(text);
        let more = found.last().filter(|last| last.code == "EC0037").map(|last| last.severity);
        (found.len() - usize::from(more.is_some()), more)
    };
    let unknown = |n: usize| body(&format!("rules: []\n{}", (0..n).map(|n| format!("k{n}: 1\n")).collect::<String>()));
    for (count, expected) in [
        (1, (1, None)),
        (99, (99, None)),
        (100, (100, None)),
        (101, (100, Some(Severity::Error))),
        (50_000, (100, Some(Severity::Error))),
    ] {
        assert_eq!(listed(&unknown(count)), expected, "{count}");
        let items = body(&format!("rules: []\nbound_by: [{}]\n", vec!["1"; count].join(", ")));
        assert_eq!(listed(&items), expected, "{count} in a list");
    }
    let last = findings(&unknown(101)).pop().unwrap();
    assert_eq!(
        last.to_string(),
        "policy.yaml:1:1: error[EC0037]: more than 100 findings: the others are not listed\n  help: mend these and look again"
    );
    // Warnings end nothing: the policy loads, and an error after them is still one.
    let tools = (0..150).map(|n| format!("  t{n}: {{does: reads, returns: web}}\n")).collect::<String>();
    let unreachable = |more: &str| body(&format!("tools:\n{tools}rules: [{more}]\n"));
    let loaded = load_with(&unreachable(""), &[]).unwrap();
    assert_eq!((loaded.warnings.len(), loaded.warnings[100].code.as_str()), (101, "EC0037"));
    assert_eq!(loaded.warnings[100].severity, Severity::Warning);
    let found = findings(&unreachable("{allow: t0, id: a, redact: {args: {x: [email]}}}"));
    assert!(found.iter().any(|one| one.severity == Severity::Error && one.code != "EC0037"), "{}", render(&found));
    assert!(load_with(&unreachable("{allow: t0, id: a, redact: {args: {x: [email]}}}"), &[]).is_err());
}

#[test]
fn bounds_are_fetched_once_and_within_limits() {
    let guard =
        |bound: &str| format!("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\nbound_by: [{bound}]\n");
    let root = |bound: &str| body(&format!("bound_by: [{bound}]\nrules: []\n"));
    let codes = |text: &str, others: &[(&str, &str)]| match load_with(text, others) {
        Ok(loaded) => loaded.warnings.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(),
        Err(found) => found.iter().map(|one| one.code.as_str()).collect(),
    };
    let none: Vec<&str> = Vec::new();
    assert_eq!(codes(&root("missing.yaml"), &[]), ["EC0030"]);
    assert_eq!(codes(&root("a"), &[("a", &guard(""))]), none);
    assert_eq!(codes(&root("a, b"), &[("a", &guard("c")), ("b", &guard("c")), ("c", &guard(""))]), none, "a diamond");
    assert_eq!(codes(&root("a"), &[("a", &guard("b")), ("b", &guard("a"))]), ["EC0031"]);
    assert_eq!(codes(&root("policy.yaml"), &[("policy.yaml", &root("policy.yaml"))]), ["EC0031"]);
    let chain: Vec<(String, String)> = (0..9).map(|n| (format!("g{n}"), guard(&format!("g{}", n + 1)))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(codes(&root("g0"), &chain), ["EC0032"]);
    let many: Vec<(String, String)> = (0..40).map(|n| (format!("g{n}"), guard(""))).collect();
    let names: Vec<&str> = many.iter().map(|(name, _)| name.as_str()).collect();
    let others: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(codes(&root(&names.join(", ")), &others), ["EC0032"]);
    assert_eq!(codes(&root("a"), &[("a", "nonsense: [")]), ["EC0003"], "a bound that cannot be read is not left out");
}

#[test]
fn documents_that_contradict_each_other_do_not_load() {
    let tools = |decl: &str| format!("tools: {{t: {decl}}}\n");
    let pair = |own: &str, other: &str| {
        let bound = format!("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n{other}");
        let own =
            body(&format!("bound_by: [g]\nrules: [{{allow: t, id: a, when: {{every_string: {{any: true}}}}}}]\n{own}"));
        load_with(&own, &[("g", &bound)]).map(|_| ()).map_err(|found| found[0].code.as_str())
    };
    let reads = tools("{does: reads, args: {a: string}, returns: trusted}");
    for (other, expected) in [
        (reads.clone(), Ok(())),
        (tools("{does: writes, args: {a: string}, returns: web}"), Ok(())),
        (tools("undeclared"), Ok(())),
        (tools("{does: reads, args: {a: text}, returns: trusted}"), Err("EC0034")),
        (tools("{does: reads, args: {}, returns: trusted}"), Err("EC0034")),
        (tools("{does: reads, args: {a: string, b: string}, returns: trusted}"), Err("EC0034")),
        ("rules: [{deny: t, id: a, when: {principal.x: {equals: z}}}]\n".to_owned(), Err("EC0109")),
    ] {
        assert_eq!(pair(&reads, &other), expected, "{other}");
    }
    let path =
        |more: &str| tools(&format!("{{does: reads, args: {{a: {{type: path, base: /w{more}}}}}, returns: trusted}}"));
    for (more, expected) in
        [("", Ok(())), ("/x", Err("EC0034")), (", resolve: parent", Err("EC0034")), (", send: relative", Err("EC0034"))]
    {
        assert_eq!(pair(&path(""), &path(more)), expected, "{more}");
    }
    let lead = |valid: &str| {
        format!(
            "approvals: {{lead: {{from: local_user, valid: {valid}}}}}\nbudgets: [{{budget: t, id: b{valid}, count: calls, at_most: 5, per: ever, for_each: everyone, over: ask, approval: lead}}]\n"
        )
    };
    assert_eq!(pair(&format!("{reads}{}", lead("15m")), &lead("16m")), Err("EC0035"));
}

#[test]
fn the_golden_policies_earn_nearly_every_code() {
    let whole = WHOLE.iter().map(|(_, text)| (*text).to_owned());
    let all = whole.chain(BODIES.iter().map(|(_, text)| body(text)));
    let earned: BTreeSet<&str> = all.flat_map(|text| findings(&text)).map(|finding| finding.code.as_str()).collect();
    // These need bytes, sizes, other documents or a face, and have tests of their own.
    let elsewhere = [
        "EC0000", "EC0001", "EC0002", "EC0004", "EC0014", "EC0030", "EC0031", "EC0032", "EC0034", "EC0035", "EC0037",
        "EC0118", "EC0140", "EC0141", "EC0142", "EC0143", "EC0144",
    ];
    let missing: Vec<&str> = CODES
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !earned.contains(code) && !elsewhere.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(
        findings("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n")
            .iter()
            .all(|one| one.severity == Severity::Warning)
    );
}

/// A map in a test's place says one thing: a second key is refused and not dropped.
#[test]
fn an_operand_that_is_a_map_has_one_key() {
    let found = |ty: &str, test: &str| {
        let tool = format!("tools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\n");
        findings(&body(&format!("{tool}rules: [{{allow: t, id: r, when: {{a: {{{test}}}}}}}]\n")))
    };
    for (ty, alone, beside) in [
        ("url", "host: {in: [x.org]}", "host: {in: [x.org], domain: y.org}"),
        ("url", "host: {domain: x.org}", "host: {domain: x.org, in: [y.org]}"),
        ("url", "port: {in: [443]}", "port: {in: [443], not: 80}"),
        ("url", "scheme: {in: [https]}", "scheme: {in: [https], not: http}"),
        ("string", "equals: {literal: session.a}", "equals: {literal: session.a, in: [b]}"),
    ] {
        assert_eq!(found(ty, alone), [], "{alone}");
        let codes: Vec<&str> = found(ty, beside).iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["EC0022"], "{beside}");
    }
}
