//! Every comparator on every kind of subject, and every kind of thing that it is compared with: what is equal, and what is not.
#![cfg(test)]

mod policy_support;

use enforcecore::decision::Verdict;
use enforcecore::policy::Policy;
use enforcecore::value::Value;
use policy_support::{Scene, call, json, load, policy};

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);
const ERROR: Option<bool> = None;

/// An allow with this condition, and a deny with it: what opens and what brakes tell true, false and an error apart.
struct Pair(Policy, Policy);

impl Pair {
    /// For a tool that reads, writes and fetches, with the arguments `a` and `b` of one type.
    fn of_two(ty: &str, when: &str) -> Pair {
        let text = |rules: &str| {
            policy(&format!(
                "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: [reads, writes, fetches], args: {{a: {ty}, \"b?\": {ty}}}, returns: web}}}}\nrules: [{rules}]\n"
            ))
        };
        let any = "a: {any: true}, b: {any: true}";
        let allow = text(&format!("{{allow: t, id: o, when: {{{any}, {when}}}}}"));
        Pair(allow, text(&format!("{{allow: t, id: o, when: {{{any}}}}}, {{deny: t, id: d, when: {{{when}}}}}")))
    }

    fn truth(&self, scene: &Scene) -> Option<bool> {
        let opens = scene.decide(&self.0).verdict == Verdict::Allow;
        let brakes = scene.decide(&self.1).verdict == Verdict::Deny;
        assert!(!opens || brakes, "opens what it does not brake");
        (opens == brakes).then_some(opens)
    }
}

/// A type, what it is compared with, what is equal to it, and what is not. A number's comparators need a `{any: true}` of its own.
const EQUAL: &[(&str, &str, &[&str], &[&str])] = &[
    ("string", r#""abc""#, &[r#""abc""#], &[r#""ABC""#, r#""abc ""#, r#""ab""#, r#""abcd""#, r#""xabc""#, r#""""#]),
    ("text", r#""abc""#, &[r#""abc""#], &[r#""Abc""#, r#""abc\n""#, r#""bc""#, r#""""#]),
    (
        "email",
        r#""jo@x.org""#,
        &[r#""jo@x.org""#, r#""jo@X.ORG""#],
        &[r#""Jo@x.org""#, r#""jo@y.org""#, r#""jo@a.x.org""#],
    ),
    (
        "domain",
        r#""x.org""#,
        &[r#""x.org""#, r#""X.org""#, r#""x.org.""#],
        &[r#""y.org""#, r#""a.x.org""#, r#""x.org.uk""#],
    ),
    (
        "url",
        r#""https://a.b/""#,
        &[r#""https://a.b/""#, r#""HTTPS://A.B/""#, r#""https://a.b""#, r#""https://a.b./""#, r#""https://a.b:443/""#],
        &[r#""http://a.b/""#, r#""https://a.b/x""#, r#""https://a.b/?""#, r#""https://c.b/""#, r#""https://a.b:444/""#],
    ),
    (
        "path",
        r#""/srv/a""#,
        &[r#""/srv/a""#, r#""/srv/x/../a""#, r#""a""#],
        &[r#""/srv/b""#, r#""/srv/a/b""#, r#""/srv""#, r#""/srv/A""#],
    ),
    ("integer", "5", &["5", "5.0", "5e0"], &["6", "-5", "50"]),
    ("decimal", "5.5", &["5.5", "5.50", "55e-1"], &["5.51", "5.499999999999999999", "-5.5", "55"]),
    ("{type: money, currency: USD}", "5", &["5", "5.00"], &["5.000001", "0", "4.99"]),
    ("bool", "true", &["true"], &["false"]),
];

/// Something that is compared with: what stands in the policy, and who says what it is.
type Operand = (&'static str, fn(Scene, &Value, &Value) -> Scene);

fn object(members: &[(&str, Value)]) -> Value {
    Value::Map(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn cwd(scene: Scene, members: &[(&str, Value)]) -> Scene {
    let all: Vec<(&str, Value)> = [("cwd", Value::from("/srv"))].into_iter().chain(members.to_vec()).collect();
    Scene { session: object(&all), ..scene }
}

/// `V` is the literal itself. Each sets what it names to the value, and another thing of the same root to another value.
const OPERANDS: [Operand; 14] = [
    ("{equals: V}", |scene, _, _| scene),
    ("{in: [W, V]}", |scene, _, _| scene),
    ("{equals: session.v}", |scene, v, w| cwd(scene, &[("v", v.clone()), ("w", w.clone())])),
    ("{same_as: session.v}", |scene, v, w| cwd(scene, &[("w", w.clone()), ("v", v.clone())])),
    ("{same_as: session.v.v}", |scene, v, w| cwd(scene, &[("v", object(&[("w", w.clone()), ("v", v.clone())]))])),
    ("{in: session.list}", |scene, v, w| cwd(scene, &[("list", Value::List(vec![w.clone(), v.clone()]))])),
    ("{in: [session.w, session.v]}", |scene, v, w| cwd(scene, &[("v", v.clone()), ("w", w.clone())])),
    ("{same_as: principal.v}", |scene, v, _| Scene { principal: object(&[("v", v.clone())]), ..scene }),
    ("{in: principal.list}", |scene, v, w| Scene {
        principal: object(&[("list", Value::List(vec![v.clone(), w.clone()]))]),
        ..scene
    }),
    ("{same_as: fact.v}", |scene, v, w| Scene { facts: object(&[("v", v.clone()), ("w", w.clone())]), ..scene }),
    ("{same_as: fact.v}", |scene, v, w| known(scene, v, w)),
    ("{equals: fact.v}", |scene, v, w| known(scene, v, w)),
    ("{in: [fact.w, fact.v]}", |scene, v, w| known(scene, v, w)),
    ("{same_as: fact.v}", |scene, v, w| known(Scene { facts: object(&[("v", v.clone())]), ..scene }, v, w)),
];

/// Facts that results set: only their fingerprints are kept.
fn known(mut scene: Scene, v: &Value, w: &Value) -> Scene {
    scene.set = vec![("v".to_owned(), v.clone(), false), ("w".to_owned(), w.clone(), false)];
    scene
}

/// Another value of the same type, that none of the table's is equal to.
fn other(ty: &str) -> &'static str {
    match ty {
        "email" => r#""other@other.org""#,
        "domain" => r#""other.org""#,
        "url" => r#""https://other.org/""#,
        "path" => r#""/other""#,
        "string" | "text" => r#""other""#,
        "bool" => "true",
        _ => "777",
    }
}

#[test]
fn an_argument_is_equal_to_what_it_is_and_to_nothing_else() {
    for (ty, wanted, equal, unequal) in EQUAL {
        for (test, set) in OPERANDS {
            let test = test.replace('V', wanted).replace('W', other(ty));
            let pair = pair_of(ty, &format!("a: {test}"));
            let (v, w) = (json(wanted), json(other(ty)));
            let all = equal.iter().map(|value| (value, YES)).chain(unequal.iter().map(|value| (value, NO)));
            for (value, expected) in all {
                let scene = call("t", &format!(r#"{{"a": {value}}}"#)).session(r#"{"cwd": "/srv"}"#);
                assert_eq!(pair.truth(&set(scene, &v, &w)), expected, "{ty} {test} {value}");
            }
        }
    }
}

/// The pair for one argument `a` of a type.
fn pair_of(ty: &str, when: &str) -> Pair {
    // Reading needs no `{any: true}`, so a number can be tested by every comparator.
    let text = |rules: &str| {
        policy(&format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{rules}]\n"
        ))
    };
    let deny = text(&format!("{{allow: t, id: o}}, {{deny: t, id: d, when: {{{when}}}}}"));
    Pair(text(&format!("{{allow: t, id: o, when: {{{when}}}}}")), deny)
}

#[test]
fn a_reference_is_equal_to_what_it_is_and_to_nothing_else() {
    type Subject = (&'static str, fn(Scene, &Value) -> Scene);
    const SUBJECTS: [Subject; 4] = [
        ("session.s", |scene, s| with_session(scene, "s", s)),
        ("principal.s", |scene, s| Scene { principal: with(&scene.principal, "s", s), ..scene }),
        ("fact.s", |scene, s| Scene { facts: with(&scene.facts, "s", s), ..scene }),
        ("fact.s", |mut scene, s| {
            scene.set.push(("s".to_owned(), s.clone(), false));
            scene
        }),
    ];
    let values = [r#""abc""#, "5", "true"];
    for wanted in values {
        for (test, set) in OPERANDS {
            let ty = match wanted {
                "5" => "integer",
                "true" => "bool",
                _ => "string",
            };
            let w = if wanted == "true" { "false" } else { other(ty) };
            let test = test.replace('V', wanted).replace('W', w);
            for (subject, put) in SUBJECTS {
                let pair = pair_of("string", &format!("{subject}: {test}"));
                for value in [r#""abc""#, r#""ABC""#, r#""5""#, "5", "5.0", "6", "true", r#""true""#, r#"["abc"]"#] {
                    let same = value == wanted || (wanted == "5" && value == "5.0");
                    let scene = call("t", r#"{"a": "x"}"#).session(r#"{"cwd": "/srv"}"#);
                    let scene = put(set(scene, &json(wanted), &json(w)), &json(value));
                    assert_eq!(pair.truth(&scene), Some(same), "{subject} {test} {value}");
                }
                let unset = set(call("t", r#"{"a": "x"}"#).session(r#"{"cwd": "/srv"}"#), &json(wanted), &json(w));
                assert_eq!(pair.truth(&unset), ERROR, "{subject} {test} is not set");
            }
        }
    }
}

fn with(map: &Value, name: &str, value: &Value) -> Value {
    let mut map = map.as_map().unwrap().clone();
    map.insert(name.to_owned(), value.clone());
    Value::Map(map)
}

fn with_session(scene: Scene, name: &str, value: &Value) -> Scene {
    Scene { session: with(&scene.session, name, value), ..scene }
}

#[test]
fn every_and_any_find_what_is_equal_and_nothing_else() {
    // The kind of thing, the argument's type, what it is compared with, what is equal, and what is not.
    type Kind = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);
    const KINDS: &[Kind] = &[
        ("string", "string", r#""abc""#, &[r#""abc""#], &[r#""ABC""#, r#""abcd""#, r#""xabc""#, r#""""#]),
        ("string", "email", r#""jo@x.org""#, &[r#""jo@x.org""#], &[r#""jo@y.org""#]),
        (
            "path",
            "path",
            r#""/srv/a""#,
            &[r#""/srv/a""#, r#""/srv/x/../a""#, r#""a""#],
            &[r#""/srv/b""#, r#""/srv/a/b""#, r#""/srv""#],
        ),
        ("read", "path", r#""/srv/a""#, &[r#""/srv/a""#, r#""a""#], &[r#""/srv/b""#, r#""/srv/a/b""#]),
        ("write", "path", r#""/srv/a""#, &[r#""/srv/a""#, r#""a""#], &[r#""/srv/b""#, r#""/srv/a/b""#]),
        (
            "host",
            "url",
            r#""a.b""#,
            &[r#""https://a.b/x""#, r#""http://A.B.:81/""#],
            &[r#""https://c.b/""#, r#""https://a.b.c/""#],
        ),
        ("host", "domain", r#""a.b""#, &[r#""a.b""#, r#""A.B.""#], &[r#""c.b""#, r#""x.a.b""#]),
    ];
    for (kind, ty, wanted, equal, unequal) in KINDS {
        let operand_type = if *kind == "host" { "domain" } else { ty };
        for (test, set) in OPERANDS {
            let test = test.replace('V', wanted).replace('W', other(operand_type));
            let (v, w) = (json(wanted), json(other(operand_type)));
            let every = Pair::of_two(ty, &format!("every_{kind}: {test}"));
            let any = Pair::of_two(ty, &format!("any_{kind}: {test}"));
            let truths = |args: &str| {
                let scene = set(call("t", args).session(r#"{"cwd": "/srv"}"#), &v, &w);
                (every.truth(&scene), any.truth(&scene))
            };
            for yes in *equal {
                let one = format!(r#"{{"a": {yes}}}"#);
                assert_eq!(truths(&one), (YES, YES), "{kind} {ty} {test} {one}");
                for no in *unequal {
                    let alone = format!(r#"{{"a": {no}}}"#);
                    assert_eq!(truths(&alone), (NO, NO), "{kind} {ty} {test} {alone}");
                    for both in [format!(r#"{{"a": {yes}, "b": {no}}}"#), format!(r#"{{"a": {no}, "b": {yes}}}"#)] {
                        assert_eq!(truths(&both), (NO, YES), "{kind} {ty} {test} {both}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_order_holds_on_its_own_side_and_says_what_becomes_of_the_bound() {
    for ty in ["integer", "decimal", "{type: money, currency: USD}"] {
        for (comparison, below, at, above) in [
            ("at_least", NO, YES, YES),
            ("at_most", YES, YES, NO),
            ("more_than", NO, NO, YES),
            ("less_than", YES, NO, NO),
        ] {
            for bound in ["5", "session.v", "principal.v", "fact.v"] {
                let pair = pair_of(ty, &format!("a: {{{comparison}: {bound}}}"));
                let scene = |value: &str| {
                    let v = r#"{"v": 5}"#;
                    call("t", &format!(r#"{{"a": {value}}}"#)).session(v).principal(v).facts(v)
                };
                for (value, expected) in
                    [("4", below), ("5", at), ("5.0", at), ("6", above), ("1e20", above), ("0", below)]
                {
                    assert_eq!(pair.truth(&scene(value)), expected, "{ty} {comparison} {bound} {value}");
                }
                if bound != "5" {
                    for v in ["{}", r#"{"v": null}"#, r#"{"v": "5"}"#, r#"{"v": [5]}"#, r#"{"v": true}"#] {
                        let scene = scene("5").session(v).principal(v).facts(v);
                        assert_eq!(pair.truth(&scene), ERROR, "{ty} {comparison} {bound} {v}");
                    }
                    // Of a fact that a result set only equality is known.
                    let mut set = scene("5").session("{}").principal("{}").facts("{}");
                    set.set = vec![("v".to_owned(), json("5"), false)];
                    assert_eq!(pair.truth(&set), ERROR, "{ty} {comparison} {bound}");
                }
            }
        }
    }
}

/// A comparator of texts, what it holds of, and what it does not.
const TEXTS: &[(&str, &[&str], &[&str])] = &[
    ("{prefix: ab}", &["ab", "abc"], &["a", "b", "xab", "AB", " ab", ""]),
    ("{suffix: yz}", &["yz", "xyz"], &["y", "z", "yzx", "xyzx", "YZ", "yz ", ""]),
    ("{prefix: ab, suffix: bc}", &["abc", "abxbc"], &["ab", "bc", "xabc", "abcx"]),
    ("{regex: \"a+b\"}", &["ab", "aab"], &["xab", "abx", "AB", "a", "ab\\n", ""]),
    ("{regex: \"a|b\"}", &["a", "b"], &["ab", "ba", "xa", "bx"]),
    ("{contains_regex: \"a+b\"}", &["ab", "xaabx"], &["ba", "AB", "a", ""]),
    ("{contains_regex: \"^a\"}", &["a", "ab"], &["ba", ""]),
    ("{glob: \"a*c\"}", &["ac", "abc", "a*c"], &["abcd", "xac", "a/c", "ABC", ""]),
    ("{glob: \"a?c\"}", &["abc", "a?c"], &["ac", "abbc", "a/c"]),
    ("{glob: \"a**c\"}", &["ac", "abc"], &["a", "cab"]),
    ("{glob: \"**/c\"}", &["c", "a/c", "a/b/c"], &["ac", "c/a"]),
    ("{glob: \"[ab]c\"}", &["ac", "bc"], &["cc", "abc", "[ab]c"]),
    ("{glob: \"[!ab]c\"}", &["cc", "xc"], &["ac", "bc"]),
    ("{glob: \"{a,b}c\"}", &["ac", "bc"], &["abc", "{a,b}c", "c"]),
    ("{glob: 'a\\*c'}", &["a*c"], &["abc", "ac", "a\\\\*c", "a\\\\bc"]),
    ("{glob: 'a\\?c'}", &["a?c"], &["abc", "a\\\\?c", "a\\\\xc"]),
    ("{glob: 'a\\[b]c'}", &["a[b]c"], &["abc", "a\\\\bc"]),
    ("{glob: 'a\\{b,c\\}'}", &["a{b,c}"], &["ab", "ac", "a\\\\b"]),
    ("{glob: 'a\\\\c'}", &["a\\\\c"], &["ac", "a\\\\\\\\c"]),
];

#[test]
fn a_text_is_compared_where_the_comparator_says() {
    for (test, holds, fails) in TEXTS {
        let string = pair_of("string", &format!("a: {test}"));
        let text = pair_of("text", &format!("a: {test}"));
        let reference = pair_of("string", &format!("session.s: {test}"));
        let every = pair_of("string", &format!("every_string: {test}"));
        let all = holds.iter().map(|value| (value, YES)).chain(fails.iter().map(|value| (value, NO)));
        for (value, expected) in all {
            let of_arg = call("t", &format!(r#"{{"a": "{value}"}}"#));
            let of_session = call("t", r#"{"a": "none"}"#).session(&format!(r#"{{"s": "{value}"}}"#));
            for (what, pair, scene) in [
                ("string", &string, &of_arg),
                ("text", &text, &of_arg),
                ("session", &reference, &of_session),
                ("every", &every, &of_arg),
            ] {
                assert_eq!(pair.truth(scene), expected, "{what} {test} {value}");
            }
        }
        for (name, scene) in [
            ("a number", call("t", r#"{"a": "none"}"#).session(r#"{"s": 5}"#)),
            ("a list", call("t", r#"{"a": "none"}"#).session(r#"{"s": ["ab"]}"#)),
            ("nothing", call("t", r#"{"a": "none"}"#)),
        ] {
            assert_eq!(reference.truth(&scene), ERROR, "{test} of {name}");
        }
    }
}

#[test]
fn names_and_addresses_are_compared_in_their_one_spelling() {
    let table: &[(&str, &str, &[&str], &[&str])] = &[
        (
            "domain",
            "{suffix: .x.org}",
            &["a.x.org", "A.X.ORG", "a.X.org.", "a.b.x.org"],
            &["x.org", "ax.org", "a.x.org.uk", "a.y.org"],
        ),
        (
            "domain",
            "{prefix: api.}",
            &["api.x.org", "API.X.ORG", "api.x.org."],
            &["xapi.x.org", "a.api.x.org", "apix.org"],
        ),
        ("domain", "{glob: \"*.x.org\"}", &["a.x.org", "A.X.ORG"], &["x.org", "a.x.org.uk"]),
        ("domain", "{regex: \"[a-z]+[.]x[.]org\"}", &["a.x.org", "A.X.ORG"], &["x.org", "1.x.org"]),
        ("domain", "{host: x.org}", &["x.org", "X.ORG."], &["a.x.org", "y.org"]),
        ("domain", "{host: {domain: x.org}}", &["x.org", "A.X.ORG"], &["ax.org", "x.org.uk"]),
        ("domain", "{host: {in: [x.org, y.org]}}", &["X.org", "y.ORG"], &["z.org", "a.x.org"]),
        ("email", "{suffix: \"@x.org\"}", &["jo@x.org", "jo@X.ORG"], &["jo@y.org", "jo@x.org.uk", "jo@a.x.org"]),
        ("email", "{suffix: .x.org}", &["jo@a.x.org", "jo@A.X.ORG"], &["jo@x.org", "jo@a.x.org.uk"]),
        ("email", "{prefix: jo@}", &["jo@x.org"], &["Jo@x.org", "ajo@x.org", "joe@x.org"]),
        ("email", "{prefix: jo@x}", &["jo@x.org", "jo@X.ORG"], &["jo@y.org"]),
        ("email", "{glob: \"*@x.org\"}", &["jo@x.org", "jo@X.ORG"], &["jo@y.org"]),
        ("email", "{regex: \"[a-z]+@x[.]org\"}", &["jo@x.org", "jo@X.ORG"], &["JO@x.org", "jo@y.org"]),
        ("path", "{suffix: .md}", &["/srv/a.md", "b.md"], &["/srv/a.md/b", "/srv/amd", "/srv/a.MD"]),
        ("path", "{glob: \"/srv/*\"}", &["/srv/a", "a", "/srv/x/../a"], &["/srv/a/b", "/etc/a"]),
        ("path", "{regex: \"/srv/[a-z]\"}", &["/srv/a", "a"], &["/srv/ab", "/x/srv/a"]),
        ("path", "{contains_regex: \"/srv/\"}", &["/srv/a", "/x/srv/a"], &["/etc/a"]),
        ("path", "{under: /srv}", &["/srv", "/srv/a", "a", "/srv/a/../b"], &["/srvx", "/", "/srv/../etc", "../a"]),
    ];
    for (ty, test, holds, fails) in table {
        let pair = pair_of(ty, &format!("a: {test}"));
        let all = holds.iter().map(|value| (value, YES)).chain(fails.iter().map(|value| (value, NO)));
        for (value, expected) in all {
            let scene = call("t", &format!(r#"{{"a": "{value}"}}"#)).session(r#"{"cwd": "/srv"}"#);
            assert_eq!(pair.truth(&scene), expected, "{ty} {test} {value}");
        }
    }
}

/// A comparator of URLs, what it holds of, what it does not, and what cannot be decided.
type UrlRow = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const URLS: &[UrlRow] = &[
    ("{scheme: https}", &["https://a.b/", "HTTPS://a.b/"], &["http://a.b/", "ftp://a.b/"], &["a.b", "https:/a.b"]),
    ("{scheme: {in: [http, https]}}", &["https://a.b/", "http://a.b/"], &["ws://a.b/"], &[""]),
    (
        "{port: 443}",
        &["https://a.b/", "https://a.b:443/", "http://a.b:443/"],
        &["http://a.b/", "https://a.b:444/", "redis://a.b/"],
        &[],
    ),
    ("{port: {in: [80, 81]}}", &["http://a.b/", "http://a.b:81/"], &["https://a.b/", "http://a.b:8/"], &[]),
    (
        "{host: a.b}",
        &["https://a.b/", "https://A.B./"],
        &["https://c.b/", "https://a.b.c/", "https://x.a.b/"],
        &["https://a.b@c.d/"],
    ),
    (
        "{path: /v1}",
        &["https://a.b/v1", "https://a.b/v1?q", "https://a.b/x/../v1"],
        &["https://a.b/v1/", "https://a.b/V1"],
        &[],
    ),
    ("{path: {in: [/v1, /v2]}}", &["https://a.b/v1", "https://a.b/v2"], &["https://a.b/v3", "https://a.b/"], &[]),
    (
        "{path: {prefix: /v1/}}",
        &["https://a.b/v1/", "https://a.b/v1/x", "https://a.b/v1/x%20y"],
        &[
            "https://a.b/v1",
            "https://a.b/v2/v1/",
            "https://a.b/v1/../x",
            "https://a.b/v1/%2e%2e/x",
            "https://a.b/v1/%2E%2E/x",
        ],
        &[
            "https://a.b/v1/%2fx",
            "https://a.b/v1/%2Fx",
            "https://a.b/v1/..%2fx",
            "https://a.b/v1/..%2Fx",
            "https://a.b/v1/%5cx",
            "https://a.b/v1/%5Cx",
            "https://a.b/v1/x%2ex",
            "https://a.b/v1/x%2Ex",
            "https://a.b/v1/%00",
            "https://a.b/%2Fv1/",
        ],
    ),
    (
        "{path: {suffix: .md}}",
        &["https://a.b/x.md", "https://a.b/.md?q"],
        &["https://a.b/x.md/", "https://a.b/x?.md"],
        &["https://a.b/x%2F.md"],
    ),
    (
        "{path: {glob: \"/v1/*\"}}",
        &["https://a.b/v1/x"],
        &["https://a.b/v1/x/y", "https://a.b/v2/x"],
        &["https://a.b/v1/x%2Fy"],
    ),
    (
        "{path: {regex: \"/v[0-9]\"}}",
        &["https://a.b/v1"],
        &["https://a.b/v1/", "https://a.b/vv"],
        &["https://a.b/v1%2F"],
    ),
];

#[test]
fn a_url_is_compared_by_each_of_its_parts() {
    for (test, holds, fails, errors) in URLS {
        let pair = pair_of("url", &format!("a: {test}"));
        let all = holds.iter().map(|value| (value, YES)).chain(fails.iter().map(|value| (value, NO)));
        for (value, expected) in all.chain(errors.iter().map(|value| (value, ERROR))) {
            assert_eq!(pair.truth(&call("t", &format!(r#"{{"a": "{value}"}}"#))), expected, "{test} {value}");
        }
    }
}

/// A name has no case in DNS, and a deny that is written in capital letters means the name all the same.
#[test]
fn a_part_of_a_name_that_would_never_hold_is_not_written_in_a_policy() {
    let text = |ty: &str, test: &str| {
        format!(
            "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: [{{allow: t, id: o}}, {{deny: t, id: d, when: {{a: {{{test}}}}}}}]\n"
        )
    };
    for (ty, written, mended, value) in [
        ("domain", "suffix: .X.org", "suffix: \".x.org\"", "a.x.org"),
        ("domain", "suffix: .x.ORG", "suffix: \".x.org\"", "a.X.org"),
        ("domain", "suffix: X.org", "suffix: \"x.org\"", "x.org"),
        ("domain", "suffix: .x.org.", "suffix: \".x.org\"", "a.x.org."),
        ("domain", "suffix: .BÜCHER.example", "suffix: \".xn--bcher-kva.example\"", "a.bücher.example"),
        ("domain", "prefix: API.", "prefix: \"api.\"", "api.x.org"),
        ("domain", "prefix: aPi", "prefix: \"api\"", "API.x.org"),
        ("email", "suffix: \"@X.org\"", "suffix: \"@x.org\"", "jo@x.org"),
        ("email", "suffix: X.ORG", "suffix: \"x.org\"", "jo@X.org"),
        ("email", "suffix: \"Jo@X.org\"", "suffix: \"Jo@x.org\"", "Jo@x.org"),
        ("email", "prefix: \"jo@X\"", "prefix: \"jo@x\"", "jo@x.org"),
    ] {
        let found = load(&text(ty, written)).expect_err(written);
        assert_eq!((found[0].code.as_str(), found[0].fix.as_deref()), ("EC0028", Some(mended)), "{ty} {written}");
        let refined = format!("{{type: {ty}, {written}}}");
        assert!(load(&text(&refined, "any: true")).is_err(), "{refined}");
        let policy = policy(&text(ty, mended));
        let scene = call("t", &format!(r#"{{"a": "{value}"}}"#));
        assert_eq!(scene.decide(&policy).verdict, Verdict::Deny, "{ty} {mended} {value}");
    }
    for (ty, written) in [
        ("domain", "prefix: bü"),
        ("domain", "glob: \"*.bücher.example\""),
        ("domain", "regex: \".*[.]bücher[.]example\""),
        ("email", "glob: \"*@bücher.example\""),
        ("email", "contains_regex: \"@bücher\""),
    ] {
        assert_eq!(load(&text(ty, written)).expect_err(written)[0].code, "EC0028", "{ty} {written}");
    }
    for (ty, written) in [
        ("email", "prefix: Jo"),
        ("email", "prefix: \"Jo@x\""),
        ("email", "glob: \"Jö*@x.org\""),
        ("string", "suffix: .X.org."),
        ("path", "suffix: .MD"),
        ("string", "glob: \"*.Bücher\""),
    ] {
        assert!(load(&text(ty, written)).is_ok(), "{ty} {written}");
    }
}

#[test]
fn a_pattern_in_capital_letters_brakes_on_the_name_it_means_and_opens_nothing() {
    for (ty, test, meant, other) in [
        ("domain", "{glob: \"*.X.org\"}", ["a.x.org", "A.X.ORG"], "a.y.org"),
        ("domain", "{glob: \"{X,y}.org\"}", ["x.org", "X.org."], "z.org"),
        ("domain", "{regex: \"[a-z]+[.]X[.]org\"}", ["a.x.org", "A.x.org"], "a.y.org"),
        ("domain", "{regex: \"[A-Z]+[.]x[.]org\"}", ["a.x.org", "A.X.ORG"], "1.x.org"),
        ("domain", "{contains_regex: \"X[.]org$\"}", ["a.x.org", "x.org"], "x.org.uk"),
        ("email", "{glob: \"*@X.org\"}", ["jo@x.org", "jo@X.org"], "jo@y.org"),
        ("email", "{regex: \".*@X[.]org\"}", ["jo@x.org", "jo@X.org"], "jo@y.org"),
        ("email", "{contains_regex: \"X[.]org\"}", ["jo@x.org", "jo@a.x.org"], "jo@y.org"),
    ] {
        let pair = pair_of(ty, &format!("a: {test}"));
        let truth = |value: &str| pair.truth(&call("t", &format!(r#"{{"a": "{value}"}}"#)));
        assert_eq!((meant.map(truth), truth(other)), ([ERROR, ERROR], NO), "{ty} {test}");
    }
    // What means the same in either case is decided, and so is what stands before the `@`.
    for (ty, test, holds, fails) in [
        ("domain", "{regex: \"(?i)[a-z]+[.]X[.]org\"}", "a.x.org", "a.y.org"),
        ("domain", "{regex: \"\\\\S+[.]x[.]org\"}", "a.x.org", "a.y.org"),
        ("domain", "{glob: \"{X,y}.org\"}", "y.org", "z.org"),
        ("email", "{glob: \"Jo@x.org\"}", "Jo@x.org", "jo@x.org"),
        ("email", "{regex: \"[A-Z]+@x[.]org\"}", "JO@X.org", "jo@x.org"),
        ("string", "{glob: \"*.X.org\"}", "a.X.org", "a.x.org"),
        ("path", "{glob: \"/srv/*.MD\"}", "/srv/a.MD", "/srv/a.md"),
    ] {
        let pair = pair_of(ty, &format!("a: {test}"));
        let scene = |value: &str| call("t", &format!(r#"{{"a": "{value}"}}"#)).session(r#"{"cwd": "/srv"}"#);
        assert_eq!([pair.truth(&scene(holds)), pair.truth(&scene(fails))], [YES, NO], "{ty} {test}");
    }
}
