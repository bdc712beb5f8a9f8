//! Comparators over typed values, budgets, and what a policy tells its faces.
#![cfg(test)]

mod policy_support;

use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::decision::{Over, Verdict};
use enforcecore::inline_tests::run_tests;
use policy_support::{Lexical, Scene, call, load, policy, words};

/// Whether an allow with this condition opens a call; an error does not, and makes a deny with it brake.
fn check(ty: &str, test: &str, table: &[(&str, Option<bool>)]) {
    let body = |verb: &str| {
        format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{{allow: t, id: open}}, {{{verb}: t, id: r, when: {{a: {test}}}}}]\n"
        )
    };
    let deny = policy(&body("deny"));
    let allow = policy(&body("allow").replace("{allow: t, id: open}, ", ""));
    for (value, expected) in table {
        let scene = || {
            let scene = call("t", &format!(r#"{{"a": {value}}}"#));
            scene.session(r#"{"workspace": "/srv", "cwd": "/srv/sub", "limit": 5, "name": "n", "list": ["x", "y"], "bad": "a/b", "metadata": "http://169.254.169.254/x", "address": "169.254.169.254", "addresses": ["169.254.169.254"]}"#)
        };
        let opens = scene().decide(&allow).verdict == Verdict::Allow;
        let brakes = scene().decide(&deny).verdict == Verdict::Deny;
        let got = match (opens, brakes) {
            (true, true) => Some(true),
            (false, false) => Some(false),
            (false, true) => None,
            (true, false) => panic!("opens what it does not brake: {ty} {test} {value}"),
        };
        assert_eq!(got, *expected, "{ty} {test} {value}");
    }
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);
const ERROR: Option<bool> = None;

#[test]
fn text_is_compared_whole_or_by_its_pattern() {
    check("string", "{equals: abc}", &[("\"abc\"", YES), ("\"ABC\"", NO), ("\"abc \"", NO)]);
    check("string", "{equals: {literal: session.name}}", &[("\"session.name\"", YES), ("\"n\"", NO)]);
    check("string", "{equals: session.name}", &[("\"session.name\"", NO), ("\"n\"", YES)]);
    check("string", "{in: [abc, session.name]}", &[("\"abc\"", YES), ("\"n\"", YES), ("\"x\"", NO)]);
    check("string", "{in: [abc, session.unset]}", &[("\"abc\"", YES), ("\"x\"", ERROR)]);
    check("string", "{in: session.list}", &[("\"x\"", YES), ("\"z\"", NO)]);
    check("string", "{in: session.name}", &[("\"n\"", ERROR)]);
    check("string", "{same_as: session.unset}", &[("\"n\"", ERROR)]);
    check("string", "{same_as: session.limit}", &[("\"5\"", NO)]);
    check("string", "{prefix: ab, suffix: yz}", &[("\"ab yz\"", YES), ("\"ab y\"", NO), ("\"b yz\"", NO)]);
    check("string", "{regex: \"[a-c]+\"}", &[("\"abc\"", YES), ("\"abcd\"", NO), ("\"abc\\n\"", NO)]);
    check("string", "{contains_regex: \"[a-c]{3}\"}", &[("\"xabcx\"", YES), ("\"ab\"", NO)]);
    check("string", "{glob: \"a*/b\"}", &[("\"ax/b\"", YES), ("\"a/x/b\"", NO)]);
    check("bool", "{equals: true}", &[("true", YES), ("false", NO)]);
}

#[test]
fn numbers_are_compared_exactly() {
    check(
        "decimal",
        "{at_most: 50}",
        &[("50", YES), ("50.0", YES), ("5e1", YES), ("50.000000000000000001", NO), ("-1e300", YES)],
    );
    check(
        "decimal",
        "{more_than: 0.1, less_than: 0.3}",
        &[("0.1", NO), ("0.2", YES), ("0.3", NO), ("0.30000000000000004", NO)],
    );
    check("integer", "{at_least: session.limit}", &[("5", YES), ("4", NO)]);
    check("integer", "{at_least: session.name}", &[("5", ERROR)]);
    check("integer", "{in: [1, 2.0]}", &[("1.0", YES), ("2", YES), ("3", NO)]);
}

#[test]
fn paths_are_compared_where_they_lead() {
    check(
        "path",
        "{under: session.workspace}",
        &[
            ("\"/srv/a\"", YES),
            ("\"/srv\"", YES),
            ("\"a\"", YES),
            ("\"../a\"", YES),
            ("\"../../a\"", NO),
            ("\"/srv/../etc\"", NO),
            ("\"/srvx\"", NO),
            ("\"/broken\"", ERROR),
        ],
    );
    check("path", "{under: session.bad}", &[("\"/srv/a\"", ERROR)]);
    check("path", "{under: session.unset}", &[("\"/srv/a\"", ERROR)]);
    check("path", "{under: /}", &[("\"/srv/a\"", YES)]);
    check(
        "path",
        "{equals: /etc/passwd}",
        &[("\"/srv/../etc/passwd\"", YES), ("\"/etc/shadow\"", NO), ("\"/broken\"", ERROR)],
    );
    check("path", "{glob: \"**/.env\"}", &[("\"/srv/a/.env\"", YES), ("\"x/../.env\"", YES), ("\"/srv/env\"", NO)]);
    check("path", "{suffix: .md}", &[("\"a.md\"", YES), ("\"a.md/..\"", NO)]);
}

#[test]
fn addresses_have_one_spelling() {
    check("email", "{equals: jo@x.org}", &[("\"jo@x.org\"", YES), ("\"jo@X.ORG\"", YES), ("\"Jo@x.org\"", NO)]);
    check("email", "{suffix: \"@x.org\"}", &[("\"jo@X.org\"", YES), ("\"jo@y-x.org\"", NO)]);
    check("domain", "{equals: x.org}", &[("\"X.org.\"", YES), ("\"y.org\"", NO)]);
    check("domain", "{host: {domain: x.org}}", &[("\"a.x.org\"", YES), ("\"ax.org\"", NO)]);
}

/// Where a name or an address is one thing to one reader and another thing to the next, nothing opens and every deny holds.
#[test]
fn what_readers_look_up_differently_is_an_error() {
    let urls = [
        ("\"http://fass.de/x\"", YES),
        ("\"http://a.fass.de/x\"", YES),
        ("\"http://xn--fa-hia.de/x\"", NO),
        ("\"http://faß.de/x\"", ERROR),
        ("\"http://FAẞ.DE/x\"", ERROR),
        ("\"http://a.faß.de:80/x\"", ERROR),
        ("\"http://βόλος.com/\"", ERROR),
        ("\"http://\u{1d6d3}.com/\"", ERROR),
        ("\"http://a\u{200d}b.com/\"", ERROR),
        ("\"http://क्\u{200d}ष.com/\"", ERROR),
        ("\"http://bücher.example/\"", NO),
        ("\"http://fass.de\u{200b}/\"", ERROR),
        ("\"http://fass.de/\u{2066}\"", ERROR),
    ];
    check("url", "{host: {domain: fass.de}}", &urls);
    let domains =
        [("\"FASS.de\"", YES), ("\"xn--fa-hia.de\"", NO), ("\"faß.de\"", ERROR), ("\"fass.de\u{ad}\"", ERROR)];
    check("domain", "{host: {domain: fass.de}}", &domains);
    check("domain", "{equals: fass.de}", &domains);
    check("domain", "{suffix: fass.de}", &domains);
    for test in ["{suffix: \"@fass.de\"}", "{equals: \"a@fass.de\"}", "{in: [\"a@fass.de\"]}"] {
        let mails = [
            ("\"a@FASS.de\"", YES),
            ("\"a@xn--fa-hia.de\"", NO),
            ("\"a@faß.de\"", ERROR),
            ("\"a@fass.de\u{200b}\"", ERROR),
        ];
        check("email", test, &mails);
    }
}

/// The metadata service in every form that some network or system takes as it.
#[test]
fn an_ipv4_address_inside_an_ipv6_one_is_both() {
    const FORMS: [(&str, Option<bool>); 13] = [
        ("169.254.169.254", YES),
        ("0xa9fea9fe", YES),
        ("[::ffff:169.254.169.254]", YES),
        ("[::169.254.169.254]", ERROR),
        ("[::a9fe:a9fe]", ERROR),
        ("[64:ff9b::169.254.169.254]", ERROR),
        ("[64:ff9b:1::a9fe:a9fe]", ERROR),
        ("[2002:a9fe:a9fe::1]", ERROR),
        ("[::ffff:0:a9fe:a9fe]", ERROR),
        ("[::1]", NO),
        ("[2001:db8::a9fe:a9fe]", NO),
        ("[64:ff9b::a9fe:a9ff]", NO),
        ("169.254.169.253", NO),
    ];
    let urls: Vec<(String, Option<bool>)> =
        FORMS.iter().map(|(host, expected)| (format!("\"http://{host}/x\""), *expected)).collect();
    let urls: Vec<(&str, Option<bool>)> = urls.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    for test in [
        "{host: \"169.254.169.254\"}",
        "{host: {in: [\"169.254.169.254\", localhost]}}",
        "{equals: \"http://169.254.169.254/x\"}",
        "{in: [\"http://169.254.169.254/x\", \"http://a.b/\"]}",
        "{same_as: session.metadata}",
    ] {
        check("url", test, &urls);
    }
    let hosts: Vec<(String, Option<bool>)> =
        FORMS.iter().map(|(host, expected)| (format!("\"{host}\""), *expected)).collect();
    let hosts: Vec<(&str, Option<bool>)> = hosts.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    for test in [
        "{host: \"169.254.169.254\"}",
        "{equals: \"169.254.169.254\"}",
        "{in: [\"169.254.169.254\"]}",
        "{same_as: session.address}",
        "{in: session.addresses}",
        "{prefix: \"169.254.169.254\"}",
        "{suffix: \"169.254.169.254\"}",
        "{regex: \"169[.]254[.]169[.]254\"}",
        "{glob: \"169.254.169.254\"}",
    ] {
        check("domain", test, &hosts);
    }
    check(
        "domain",
        "{host: \"64:ff9b::a9fe:a9fe\"}",
        &[("\"[64:ff9b::a9fe:a9fe]\"", YES), ("\"169.254.169.254\"", ERROR)],
    );
    check(
        "url",
        "{equals: \"https://example.com/\"}",
        &[("\"https://example.com./\"", YES), ("\"https://b.com/\"", NO)],
    );
}

#[test]
fn every_host_and_any_host_see_both_readings() {
    let text = |rules: &str| {
        format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: fetches, args: {{a: url, b: domain}}, returns: web}}}}\nrules: [{rules}]\n"
        )
    };
    let allows = policy(&text(
        "{allow: t, id: a, when: {every_host: {in: [10.0.0.1, example.com]}}}"
            .replace("10.0.0.1", "\"10.0.0.1\"")
            .as_str(),
    ));
    let denies = policy(&text(
        "{allow: t, id: a, when: {a: {any: true}, b: {any: true}}}, {deny: t, id: d, when: {any_host: {equals: \"10.0.0.1\"}}}",
    ));
    for (url, domain, opens, brakes) in [
        ("http://10.0.0.1/", "example.com", true, true),
        ("http://example.com/", "[::ffff:a00:1]", true, true),
        ("http://[64:ff9b::a00:1]/", "example.com", false, true),
        ("http://example.com/", "[2002:a00:1::]", false, true),
        ("http://example.com/", "[::10.0.0.1]", false, true),
        ("http://example.com/", "example.com", true, false),
        ("http://[64:ff9b::a00:2]/", "example.com", false, false),
    ] {
        let scene = || call("t", &format!(r#"{{"a": "{url}", "b": "{domain}"}}"#));
        assert_eq!(scene().decide(&allows).verdict == Verdict::Allow, opens, "{url} {domain}");
        assert_eq!(scene().decide(&denies).verdict == Verdict::Deny, brakes, "{url} {domain}");
    }
}

/// Of what a result set only a fingerprint is known; an address is met in it by both its readings, or the answer is unknown.
#[test]
fn a_host_that_a_result_set_is_met_by_both_readings() {
    let get = "get: {does: reads, args: {id: string}, returns: trusted, facts: {ticket.host: result.host}}";
    let rules = |rules: &str| {
        policy(&format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{{get}, t: {{does: fetches, args: {{a: domain}}, returns: web}}}}\nrules: [{{allow: get, id: g}}, {rules}]\n"
        ))
    };
    for (every, any) in [("a", "a"), ("every_host", "any_host")] {
        let allows = rules(&format!("{{allow: t, id: a, when: {{{every}: {{same_as: fact.ticket.host}}}}}}"));
        let denies = rules(&format!(
            "{{allow: t, id: a, when: {{a: {{any: true}}}}}}, {{deny: t, id: d, when: {{{any}: {{same_as: fact.ticket.host}}}}}}"
        ));
        for (host, opens, brakes) in [
            ("10.0.0.1", true, true),
            ("[::ffff:a00:1]", true, true),
            ("[64:ff9b::a00:1]", false, true),
            ("[2002:a00:1::]", false, true),
            ("[64:ff9b::a00:2]", false, false),
            ("10.0.0.2", false, false),
        ] {
            let scene = || call("t", &format!(r#"{{"a": "{host}"}}"#)).set_fact("ticket.host", "10.0.0.1", false);
            assert_eq!(scene().decide(&allows).verdict == Verdict::Allow, opens, "{every} {host}");
            assert_eq!(scene().decide(&denies).verdict == Verdict::Deny, brakes, "{any} {host}");
        }
    }
}

#[test]
fn what_no_host_is_equal_to_is_not_written_of_hosts() {
    let text = |test: &str| {
        format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: fetches, args: {{a: url}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{a: {{any: true}}}}}}, {{deny: t, id: d, when: {{any_host: {test}}}}}]\n"
        )
    };
    for (bad, good) in [
        ("{equals: faß.de}", "{equals: xn--fa-hia.de}"),
        ("{in: [faß.de, a.b]}", "{in: [fass.de, a.b]}"),
        ("{equals: \"https://a.b/\"}", "{equals: a.b}"),
        ("{equals: \"a b\"}", "{equals: \"::1\"}"),
    ] {
        assert!(load(&text(bad)).expect_err(bad).iter().any(|one| one.code == "EC0105"), "{bad}");
        assert!(load(&text(good)).is_ok(), "{good}");
    }
    let deny = policy(&text("{equals: \"::1\"}"));
    assert_eq!(call("t", r#"{"a": "http://[::1]/"}"#).decide(&deny).verdict, Verdict::Deny);
    assert_eq!(call("t", r#"{"a": "http://[::2:1]/"}"#).decide(&deny).verdict, Verdict::Allow);
}

/// A policy writes a name as it stands in DNS where readers differ about it.
#[test]
fn a_host_that_readers_look_up_differently_is_not_written_in_a_policy() {
    for (ty, bad, good) in [
        ("url", "{host: faß.de}", "{host: xn--fa-hia.de}"),
        ("url", "{host: {domain: FAẞ.de}}", "{host: {domain: fass.de}}"),
        ("url", "{host: {in: [βόλος.com]}}", "{host: {in: [xn--nxasmm1c.com]}}"),
        ("url", "{host: \"\u{1d6d3}.com\"}", "{host: xn--4xa.com}"),
        ("url", "{equals: \"https://faß.de/\"}", "{equals: \"https://xn--fa-hia.de/\"}"),
        ("url", "{host: \"a\u{200b}.com\"}", "{host: bücher.example}"),
        ("domain", "{equals: faß.de}", "{equals: xn--fa-hia.de}"),
        ("domain", "{in: [faß.de]}", "{in: [fass.de]}"),
        ("domain", "{prefix: faß}", "{prefix: fass}"),
        ("domain", "{suffix: .faß.de}", "{suffix: .xn--fa-hia.de}"),
        ("email", "{equals: a@faß.de}", "{equals: a@xn--fa-hia.de}"),
        ("email", "{suffix: \"@faß.de\"}", "{suffix: \"@xn--fa-hia.de\"}"),
        ("email", "{suffix: \"@bücher.example\"}", "{suffix: \"@xn--bcher-kva.example\"}"),
        ("email", "{equals: \"a@x.org\u{200b}\"}", "{equals: a@bücher.example}"),
    ] {
        let text = |test: &str| {
            format!(
                "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{{allow: t, id: r, when: {{a: {test}}}}}]\n"
            )
        };
        let found = load(&text(bad)).expect_err(bad);
        assert!(found.iter().any(|one| ["EC0028", "EC0105"].contains(&one.code.as_str())), "{bad}: {found:?}");
        if bad.contains("ß.de") {
            assert!(
                found.iter().any(|one| one.help.as_deref().is_some_and(|help| help.contains("xn--"))),
                "{bad}: {found:?}"
            );
        }
        assert!(load(&text(good)).is_ok(), "{good}: {:?}", load(&text(good)).err());
    }
}

#[test]
fn urls_are_compared_by_parts() {
    check(
        "url",
        "{scheme: https, host: api.example.com}",
        &[
            ("\"https://api.example.com/v1?q#f\"", YES),
            ("\"HTTPS://API.EXAMPLE.COM./\"", YES),
            ("\"http://api.example.com/\"", NO),
            ("\"https://api.example.com.evil.example/\"", NO),
            ("\"https://evil.example/?api.example.com\"", NO),
            ("\"https://api.example.com@evil.example/\"", ERROR),
            ("\"https://evil.example\\\\@api.example.com/\"", ERROR),
            ("\"https://аpi.example.com/\"", NO),
            ("\"api.example.com\"", ERROR),
            ("\"\"", ERROR),
        ],
    );
    check(
        "url",
        "{host: 127.0.0.1}".replace("127.0.0.1", "\"127.0.0.1\"").as_str(),
        &[
            ("\"http://127.1/\"", YES),
            ("\"http://0x7f000001/\"", YES),
            ("\"http://[::ffff:7f00:1]/\"", YES),
            ("\"http://localhost/\"", NO),
        ],
    );
    check(
        "url",
        "{host: {domain: example.com}}",
        &[("\"https://example.com/\"", YES), ("\"https://a.example.com/\"", YES), ("\"https://badexample.com/\"", NO)],
    );
    check(
        "url",
        "{host: {in: [a.b, c.d]}, port: {in: [443, 8443]}}",
        &[
            ("\"https://a.b/\"", YES),
            ("\"https://c.d:8443/\"", YES),
            ("\"https://c.d:80/\"", NO),
            ("\"https://e.f/\"", NO),
        ],
    );
    check(
        "url",
        "{host: a.b, path: {prefix: /v1/}}",
        &[
            ("\"https://a.b/v1/x\"", YES),
            ("\"https://a.b/v1/../admin\"", NO),
            ("\"https://a.b/v1/..%2fadmin\"", ERROR),
            ("\"https://a.b/v2/\"", NO),
        ],
    );
    check("url", "{path: /v1}", &[("\"https://a.b/v1\"", YES), ("\"https://a.b/v1/\"", NO)]);
    check(
        "url",
        "{equals: \"https://a.b/\"}",
        &[("\"HTTPS://A.B\"", YES), ("\"https://a.b/x\"", NO), ("\"nonsense\"", ERROR)],
    );
}

#[test]
fn budgets_charge_exactly_and_brake_on_the_unknown() {
    let policy = policy(
        "enforcecore: 1\nname: p\nversion: \"1\"\ntools:\n  pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}\n  euro: {does: pays, args: {amount: {type: money, currency: EUR}}, returns: trusted}\n  look: {does: reads, returns: web}\nrules: [{allow: [pay, euro], id: a, when: {amount: {any: true}}}, {allow: look, id: b}]\nbudgets:\n  - {budget: {does: pays}, id: usd, sum: USD, at_most: 100.5, per: day Europe/Berlin, for_each: principal.id}\n  - {budget: pay, id: limit, sum: amount, at_most: principal.limit, per: 24h, for_each: everyone}\n  - {budget: look, id: looks, count: calls, at_most: 3, per: session, for_each: everyone, over: ask}\n",
    );
    let charges = |scene: Scene| -> Vec<(String, i64, i64)> {
        let decision = scene.decide(&policy);
        assert_eq!(decision.verdict, Verdict::Allow);
        decision.charges.into_iter().map(|c| (c.budget, c.amount_micros, c.at_most_micros)).collect()
    };
    let pay =
        |amount: &str| call("pay", &format!(r#"{{"amount": {amount}}}"#)).principal(r#"{"id": "al", "limit": 7}"#);
    let usd = |amount| ("usd".to_owned(), amount, 100_500_000);
    let limit = |amount| ("limit".to_owned(), amount, 7_000_000);
    assert_eq!(charges(pay("49.99")), [usd(49_990_000), limit(49_990_000)]);
    assert_eq!(charges(pay("0.0000001")), [usd(1), limit(1)], "finer than a millionth rounds up");
    assert_eq!(charges(pay("1e300")), [usd(100_500_001), limit(7_000_001)], "what cannot be counted is over");
    assert_eq!(
        charges(call("euro", r#"{"amount": 1}"#).principal(r#"{"id": "al"}"#)),
        [usd(100_500_001)],
        "another currency"
    );
    assert_eq!(
        charges(pay("1").principal(r#"{"id": "al"}"#)),
        [usd(1_000_000), ("limit".to_owned(), 1, 0)],
        "no bound is known"
    );
    assert_eq!(
        charges(pay("1").principal(r#"{"limit": 7}"#)),
        [usd(100_500_001), limit(1_000_000)],
        "nobody to charge"
    );
    let key = |scene: Scene| scene.decide(&policy).charges[0].key.clone();
    assert_eq!(key(pay("1")), key(pay("2")));
    assert_ne!(key(pay("1")), key(pay("1").principal(r#"{"id": "bo", "limit": 7}"#)));
    let look = call("look", "{}").decide(&policy);
    assert_eq!((look.charges[0].amount_micros, &look.charges[0].over), (1_000_000, &Over::Ask(None)));
    assert_eq!(call("euro", r#"{"amount": 1}"#).principal(r#"{"id": 5}"#).decide(&policy).charges.len(), 1);
}

#[test]
fn a_policy_says_what_it_needs_and_what_it_can_open() {
    let text = "enforcecore: 1\nname: p\nversion: \"1\"\ntools:\n  r: {does: reads, args: {p: path, s: string, x: text, l: {type: string, in: [a, b]}, u: url}, returns: web}\n  d: {does: reads, returns: web}\n  n: {does: reads, returns: web}\n  x: undeclared\nrules: [{allow: [r, d], id: a}, {deny: d, id: b}]\n";
    let plain = load(&text.replace("  n:", "  m:")).unwrap().policy;
    let weak = Face::new("weak", Capabilities::NONE);
    assert!(plain.exceeds(&weak).is_empty() && !plain.uses_state());
    assert!(plain.can_open("r") && !plain.can_open("d") && !plain.can_open("m") && !plain.can_open("elsewhere"));
    assert!(plain.declares("x") && !plain.declares("X"));
    assert_eq!(plain.path_args("r").iter().map(|arg| arg.name.as_str()).collect::<Vec<_>>(), ["p"]);
    assert!(plain.sees_arg("r", "p") && plain.sees_arg("x", "whatever"));
    assert!(!plain.sees_arg("r", "unknown") && !plain.sees_arg("elsewhere", "p"));
    let rewrites: Vec<bool> = ["p", "s", "x", "l", "u", "unknown"].map(|arg| plain.rewrites_arg("r", arg)).to_vec();
    assert_eq!(rewrites, [false, true, true, false, false, false]);
    assert!(plain.rewrites_arg("x", "whatever") && !plain.rewrites_arg("elsewhere", "x"));
    let full = load(&format!("{text}redact: {{args: {{x: [email]}}, result: [secret]}}\ndeadline: 5s\nbudgets: [{{budget: r, id: c, count: calls, at_most: 5, per: 1h, for_each: everyone}}]\n").replace("id: a}", "id: a}, {deny: r, id: p, when: {p: {under: /x}}}").replace("  n:", "  m:")).unwrap().policy;
    let codes: Vec<&str> = full.exceeds(&weak).iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["EC0140", "EC0141", "EC0142", "EC0143", "EC0144"]);
    assert!(full.exceeds(&weak).iter().all(|one| one.span.line > 1 && one.span.file == "policy.yaml"));
    let strong = Face::new("strong", Capabilities::ALL);
    assert!(full.exceeds(&strong).is_empty() && full.uses_state());
    assert_ne!(plain.digest, full.digest);
}

#[test]
fn whatever_asks_where_a_path_leads_needs_a_face_that_can_tell() {
    let check = |arg: &str, rule: &str, expected: &[&str]| {
        let text = format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{r: {{does: reads, args: {{p: {arg}}}, returns: web}}}}\nrules: [{{{rule}}}]\n"
        );
        let exceeded = load(&text).unwrap().policy.exceeds(&Face::new("weak", Capabilities::NONE));
        assert_eq!(exceeded.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), expected, "{arg}, {rule}");
    };
    check("path", "allow: r, id: a", &[]);
    check("path", "allow: r, id: a, when: {p: {any: true}}", &[]);
    check("path", "allow: r, id: a, when: {p: {under: /x}}", &["EC0143"]);
    check("path", "allow: r, id: a, unless: {p: {under: /x}}", &["EC0143"]);
    check("path", "allow: r, id: a, unless: {any_path: {under: /x}}", &["EC0143"]);
    check("{type: path, under: /x}", "allow: r, id: a", &["EC0143"]);
    check("{type: path, under: /x, suffix: .md}", "allow: r, id: a", &["EC0143"]);
}

#[test]
fn the_digest_is_over_the_meaning() {
    let digest = |text: &str| policy(&format!("enforcecore: 1\nname: p\nversion: \"1\"\n{text}")).digest;
    let one = digest(
        "tools: {t: {does: reads, args: {a: decimal}, returns: web}}\nrules: [{allow: t, id: a, when: {a: {at_most: 5}}}]\n",
    );
    let same = digest(
        "# a comment\nrules:\n  - id: \"a\"\n    allow: t\n    when:\n      a: {at_most: 5.0}\ntools: {t: {does: reads, returns: web, args: {a: decimal}}}\ntests: [{call: {tool: t}, expect: malformed}]\n",
    );
    assert_eq!(one, same);
    let other = digest(
        "tools: {t: {does: reads, args: {a: decimal}, returns: web}}\nrules: [{allow: t, id: a, when: {a: {at_most: 5.01}}}]\n",
    );
    assert_ne!(one, other);
}

#[test]
fn inline_tests_fail_when_they_should() {
    let text = "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {t: {does: reads, args: {a: integer}, returns: web}}\nrules: [{allow: t, id: a, when: {a: {at_most: 5}}}]\nbudgets: [{budget: t, id: b, count: calls, at_most: 1, per: 1h, for_each: everyone, over: ask}]\ntests:\n  - {call: {tool: t, args: {a: 5}}, expect: allow by a}\n  - {call: {tool: t, args: {a: 6}}, expect: allow}\n  - {call: {tool: t, args: {a: 5}}, expect: allow by other}\n  - {call: {tool: t, args: {a: x}}, expect: deny}\n  - {call: {tool: t, args: {a: 5}}, given: {before: [{tool: t, args: {a: 1}}]}, expect: ask by b}\n  - {call: {tool: t, args: {a: 5}}, given: {before: [{tool: t, args: {a: 9}}]}, expect: allow by a}\n";
    let report = run_tests(&policy(text), &Lexical);
    let passed: Vec<bool> = report.results.iter().map(|result| result.passed).collect();
    assert_eq!(passed, [true, false, false, false, true, true]);
    assert!(!report.passed());
    let failed = &report.results[1];
    assert_eq!((failed.span.line, failed.expected.as_str(), failed.got.as_str()), (9, "allow", "deny by no rule"));
    assert_eq!(words(&call("t", r#"{"a": 5}"#).decide(&policy(text))), "allow by a");
}
