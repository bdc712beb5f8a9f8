//! Why a call does not run: the nearest rule and its failed conditions, what is left of a budget, and what is never said.
#![cfg(test)]

mod policy_support;
mod support;

use enforcecore::decision::{Decision, Verdict};
use enforcecore::explanation::{Explanation, SENTENCE_CHARS_MAX};
use enforcecore::outcome::Refused;
use enforcecore::value::Value;
use policy_support::{Scene, call, load_with, policy, policy_with};
use proptest::prelude::*;
use support::World;

const SHOP: &str = r#"
enforcecore: 1
name: shop
version: "1"
tools:
  refund: {does: pays, args: {ticket: string, amount: {type: money, currency: USD}, "note?": text}, returns: trusted}
  mail: {does: sends, args: {to: email, body: text}, returns: trusted}
  save: {does: writes, args: {path: path, text: text}, returns: trusted}
  fetch: {does: fetches, args: {url: url}, returns: web}
  size: {does: reads, args: {count: {type: integer, at_least: 1, at_most: 5}}, returns: trusted}
  odd/name: {does: reads, args: {a~b: string}, returns: trusted}
  never: {does: reads, returns: trusted}
rules:
  - allow: refund
    id: small
    when: {ticket: {same_as: session.ticket}, amount: {at_most: 50}}
  - ask: refund
    id: large
    when: {ticket: {same_as: session.ticket}, amount: {more_than: 50, at_most: 500}}
    approval: lead
  - allow: mail
    id: own
    when: {to: {suffix: "@example.org"}}
    unless: {body: {contains_regex: "(?i)password"}}
  - allow: save
    id: notes
    when: {path: {under: /srv/notes}}
  - deny: save
    id: no-settings
    when: {any_path: {glob: "**/.env"}}
  - allow: fetch
    id: api
    when: {url: {scheme: https, host: {in: [a.example, b.example]}, port: 443, path: {prefix: /v1/}}}
  - {allow: size, id: size, when: {count: {any: true}}}
  - {allow: odd/name, id: odd, when: {a~b: {in: [u, v, w, p, q, r]}}}
  - {deny: never, id: closed}
approvals:
  lead: {from: {role: lead}, valid: 15m}
"#;

fn explained(decision: &Decision) -> &Explanation {
    decision.explanation.as_deref().unwrap_or_else(|| panic!("{decision:?}"))
}

fn json(explanation: &Explanation) -> serde_json::Value {
    serde_json::from_str(&explanation.to_value().to_json()).unwrap()
}

/// A session whose ticket is `t1`, and one without.
const T1: &str = r#"{"ticket": "t1"}"#;
const NONE: &str = "{}";

/// The tool, its arguments, the session, the code, the sentence, and the places.
type Said = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const SAID: &[Said] = &[
    (
        "refund",
        r#"{"ticket": "t1", "amount": 501}"#,
        T1,
        "no_rule",
        "The nearest rule is `small`: `amount` must be at most 50.",
        &["shop#/rules/0/when/amount/at_most"],
    ),
    (
        "refund",
        r#"{"ticket": "t2", "amount": 70}"#,
        T1,
        "no_rule",
        "The nearest rule is `large`: `ticket` must be the same as `session.ticket`. It then asks for an approval.",
        &["shop#/rules/1/when/ticket/same_as"],
    ),
    (
        "refund",
        r#"{"ticket": "t2", "amount": 7}"#,
        T1,
        "no_rule",
        "The nearest rule is `small`: `ticket` must be the same as `session.ticket`.",
        &["shop#/rules/0/when/ticket/same_as"],
    ),
    (
        "refund",
        r#"{"ticket": "t2", "amount": 501}"#,
        NONE,
        "no_rule",
        "The nearest rule is `small`: `ticket` must be the same as `session.ticket` (the argument `ticket`: `session.ticket` is not set); and `amount` must be at most 50.",
        &["shop#/rules/0/when/ticket/same_as", "shop#/rules/0/when/amount/at_most"],
    ),
    (
        "mail",
        r#"{"to": "eve@example.net", "body": "hello"}"#,
        NONE,
        "no_rule",
        "The nearest rule is `own`: `to` must end with `@example.org`.",
        &["shop#/rules/2/when/to/suffix"],
    ),
    (
        "mail",
        r#"{"to": "jo@example.org", "body": "the PassWord"}"#,
        NONE,
        "no_rule",
        "The nearest rule is `own`: `body` must not contain a match of `(?i)password`.",
        &["shop#/rules/2/unless/body/contains_regex"],
    ),
    (
        "save",
        r#"{"path": "/etc/x", "text": "a"}"#,
        NONE,
        "no_rule",
        "The nearest rule is `notes`: `path` must lie in `/srv/notes`. Other rules may still refuse it.",
        &["shop#/rules/3/when/path/under"],
    ),
    (
        "save",
        r#"{"path": "/srv/notes/.env", "text": "a"}"#,
        NONE,
        "denied_by_rule",
        "Rule `no-settings` denies it; to pass it, no path may match the glob `**/.env`. Other rules may still refuse it.",
        &["shop#/rules/4/when/any_path/glob"],
    ),
    (
        "fetch",
        r#"{"url": "http://c.example:8/v2/"}"#,
        NONE,
        "no_rule",
        "The nearest rule is `api`: `url` must have the scheme `https`; and `url` must have the host one of `a.example`, `b.example`; and `url` must have the port 443; and 1 more conditions.",
        &[
            "shop#/rules/5/when/url/scheme",
            "shop#/rules/5/when/url/host",
            "shop#/rules/5/when/url/port",
            "shop#/rules/5/when/url/path",
        ],
    ),
    (
        "size",
        r#"{"count": 9}"#,
        NONE,
        "value_not_admitted",
        "`count` must be at most 5.",
        &["shop#/tools/size/args/count"],
    ),
    ("size", r#"{"count": "9"}"#, NONE, "wrong_type", "", &["shop#/tools/size/args/count"]),
    (
        "refund",
        r#"{"ticket": "t1", "amount": 5, "sum": 5}"#,
        NONE,
        "undeclared_argument",
        "The tool takes `ticket`, `amount`, `note`.",
        &["shop#/tools/refund/args"],
    ),
    (
        "odd/name",
        r#"{"a~b": "o"}"#,
        NONE,
        "no_rule",
        "The nearest rule is `odd`: `a~b` must be one of `u`, `v`, `w`, `p` and 2 more.",
        &["shop#/rules/7/when/a~0b/in"],
    ),
    ("never", "{}", NONE, "denied_by_rule", "Rule `closed` denies every call of this tool.", &[]),
];

#[test]
fn a_denial_says_which_rule_came_nearest_and_what_it_wants() {
    let policy = policy(SHOP);
    for (tool, args, session, code, sentence, places) in SAID {
        let decision = call(tool, args).session(session).decide(&policy);
        let said = explained(&decision);
        assert_eq!((decision.code.as_str(), said.sentence().as_str()), (*code, *sentence), "{args}");
        let found: Vec<&str> = said.conditions.iter().map(|condition| condition.place.as_str()).collect();
        assert_eq!(found, *places, "{args}");
        let condition = decision.grounds.as_ref().unwrap().condition.clone().unwrap();
        assert_eq!(condition, places.first().copied().unwrap_or("shop#/rules/8"), "{args}");
    }
}

#[test]
fn a_call_that_runs_or_is_asked_about_is_not_explained_by_the_policy() {
    let policy = policy(SHOP);
    for (amount, verdict) in [("5", Verdict::Allow), ("70", Verdict::Ask)] {
        let scene =
            call("refund", &format!(r#"{{"ticket": "t1", "amount": {amount}}}"#)).session(r#"{"ticket": "t1"}"#);
        let decision = scene.decide(&policy);
        assert_eq!((decision.verdict, decision.explanation, decision.grounds), (verdict, None, None));
    }
}

#[test]
fn a_program_reads_the_same() {
    let policy = policy(SHOP);
    let decision = call("odd/name", r#"{"a~b": "o"}"#).decide(&policy);
    let expected = serde_json::json!({
        "sentence": "The nearest rule is `odd`: `a~b` must be one of `u`, `v`, `w`, `p` and 2 more.",
        "rule": {"id": "odd", "verb": "allow", "place": "shop#/rules/7"},
        "conditions": [{
            "place": "shop#/rules/7/when/a~0b/in",
            "subject": "a~b",
            "comparator": "in",
            "literals": ["u", "v", "w", "p", "q", "r"],
            "must": "`a~b` must be one of `u`, `v`, `w`, `p` and 2 more",
            "state": "false",
        }],
        "change": "all",
        "enough": true,
    });
    assert_eq!(json(explained(&decision)), expected);
}

/// A guardrail that explains nothing beside a policy that does.
const HIDDEN: &str = r#"
enforcecore: 1
name: watch
version: "1"
kind: guardrail
explain: none
rules:
  - {deny: refund, id: trap, when: {ticket: {prefix: hidden-literal}}, reason: hidden-reason}
  - {ask: mail, id: trap-ask, when: {body: {contains_regex: hidden-words}}, reason: hidden-reason}
budgets:
  - {budget: save, id: trap-budget, count: calls, at_most: 1, per: day UTC, for_each: principal.id}
"#;

#[test]
fn a_document_that_explains_nothing_is_kept_for_the_log() {
    let shop = SHOP.replace("version: \"1\"\n", "version: \"1\"\nbound_by: [watch.yaml]\n");
    let policy = policy_with(&shop, &[("watch.yaml", HIDDEN)]);
    let scene =
        call("refund", r#"{"ticket": "hidden-literal-7", "amount": 5}"#).session(r#"{"ticket": "hidden-literal-7"}"#);
    let decision = scene.decide(&policy);
    assert_eq!((decision.code.as_str(), decision.reason.as_str()), ("denied_by_rule", "a rule denies this call"));
    assert_eq!(decision.explanation, None);
    let grounds = decision.grounds.unwrap();
    assert_eq!(grounds.rule.as_deref(), Some("trap"));
    assert_eq!(grounds.condition.as_deref(), Some("watch#/rules/0/when/ticket/prefix"));
    // Its twin is explained.
    let open = HIDDEN.replace("explain: none", "explain: full");
    let decision = scene.decide(&policy_with(&shop, &[("watch.yaml", &open)]));
    assert_eq!(decision.reason, "hidden-reason");
    assert_eq!(explained(&decision).rule.as_ref().unwrap().id, "trap");
}

#[test]
fn what_a_document_explains_is_one_of_two_words() {
    for (word, fits) in [("full", true), ("none", true), ("None", false), ("some", false), ("false", false)] {
        let text = format!("explain: {word}\n{}", SHOP.trim_start());
        assert_eq!(load_with(&text, &[]).is_ok(), fits, "{word}");
    }
}

/// The caller gets nothing of the hidden document through the line either, and the log has all of it.
#[test]
fn the_line_tells_no_id_of_a_document_that_explains_nothing() {
    let hidden = SHOP.replace("version: \"1\"\n", "version: \"1\"\nexplain: none\n");
    let world = World::new(&hidden);
    for (tool, args) in [
        ("save", r#"{"path": "/srv/notes/.env", "text": "a"}"#),
        ("save", r#"{"path": "/etc/x", "text": "a"}"#),
        ("mail", r#"{"to": "eve@example.net", "body": "hello"}"#),
        ("size", r#"{"count": 9}"#),
    ] {
        let refused = world.enforcer.enforce(support::call(tool, args), world.tool()).unwrap_err();
        assert_eq!((refused.rules.as_slice(), &refused.explanation), (&[][..], &None), "{tool} {args}");
        let said = refused.to_string();
        for word in ["no-settings", "notes", "own", "example.org", ".env", "at most"] {
            assert!(!said.contains(word), "{said}");
        }
    }
    assert_eq!(world.ran(), 0);
    let entries = world.entries();
    let denials: Vec<_> = entries.iter().filter(|entry| entry.code.as_deref() == Some("denied_by_rule")).collect();
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].rules, ["no-settings"]);
    assert_eq!(denials[0].rule.as_deref(), Some("no-settings"));
    assert_eq!(denials[0].condition.as_deref(), Some("shop#/rules/4/when/any_path/glob"));
}

const SPENDING: &str = r#"
enforcecore: 1
name: spending
version: "1"
tools:
  pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}
  look: {does: reads, returns: trusted}
rules:
  - {allow: pay, id: pay, when: {amount: {any: true}}}
  - {allow: look, id: look}
budgets:
"#;

/// Calls of one caller or two, and what the last one is told: `budget`, what `per`, `for_each`, and how it is said.
#[test]
fn a_budget_says_what_is_left_to_its_own_caller_alone() {
    // 2026-03-01T12:00:00Z is a Sunday.
    for (budget, others, sentence) in [
        (
            "sum: USD, at_most: 300, per: day UTC, for_each: principal.id",
            false,
            "Of the budget `b`, 39.5 of 300 USD is left; its window moves on at 2026-03-02T00:00:00Z, and this call fits from 2026-03-02T00:00:00Z on.",
        ),
        (
            "sum: USD, at_most: 300, per: day UTC, for_each: everyone",
            true,
            "The budget `b` is used up for this call; its window moves on at 2026-03-02T00:00:00Z.",
        ),
        (
            "sum: USD, at_most: 300, per: week Europe/Berlin, for_each: principal.team",
            true,
            "The budget `b` is used up for this call; its window moves on at 2026-03-01T23:00:00Z.",
        ),
        (
            "sum: USD, at_most: 300, per: month UTC, for_each: session.ticket",
            true,
            "The budget `b` is used up for this call; its window moves on at 2026-04-01T00:00:00Z.",
        ),
        (
            "sum: USD, at_most: 300, per: hour Asia/Kolkata, for_each: [session.ticket, principal.id]",
            false,
            "Of the budget `b`, 39.5 of 300 USD is left; its window moves on at 2026-03-01T12:30:00Z, and this call fits from 2026-03-01T12:30:00Z on.",
        ),
        (
            "sum: amount, at_most: 300, per: 24h, for_each: principal.id",
            false,
            "Of the budget `b`, 39.5 of 300 amount is left; its window moves on at 2026-03-02T10:00:00Z, and this call fits from 2026-03-02T11:00:00Z on.",
        ),
        (
            "sum: USD, at_most: 300, per: session, for_each: everyone",
            false,
            "Of the budget `b`, 39.5 of 300 USD is left; it is not renewed in this session.",
        ),
        (
            "sum: USD, at_most: 300, per: ever, for_each: principal.id",
            false,
            "Of the budget `b`, 39.5 of 300 USD is left; it is not renewed.",
        ),
        // The bound is a value of the principal, and what is left of it says so much.
        (
            "sum: USD, at_most: principal.limit, per: day UTC, for_each: principal.id",
            false,
            "The budget `b` is used up for this call; its window moves on at 2026-03-02T00:00:00Z.",
        ),
    ] {
        let world = World::new(&format!("{SPENDING}  - {{budget: pay, id: b, {budget}}}\n"));
        let pay = |hour: i64, who: &str, amount: &str| {
            world.clock.wall_us.store(support::NOON_US + hour * support::HOUR_US, std::sync::atomic::Ordering::SeqCst);
            let mut call = support::call("pay", &format!(r#"{{"amount": {amount}}}"#));
            call.context.principal = support::map(&format!(r#"{{"id": "{who}", "team": "t", "limit": 300}}"#));
            call.context.session = support::map(r#"{"ticket": "t"}"#);
            world.enforcer.enforce(call, world.tool())
        };
        let other = if others { "bob" } else { "ann" };
        let hours = if budget.contains("24h") { [-2, -1, 0] } else { [0, 0, 0] };
        pay(hours[0], other, "60.5").unwrap();
        pay(hours[1], other, "200").unwrap();
        let refused = pay(hours[2], "ann", "120").unwrap_err();
        assert_eq!(refused.code, "budget_exceeded", "{budget}");
        assert_eq!(refused.explanation.unwrap().sentence(), sentence, "{budget}");
        // The twin that fits runs.
        pay(hours[2], "ann", "39.5").unwrap();
        assert_eq!(world.ran(), 3, "{budget}");
        let entries = world.entries();
        let denial = entries.iter().find(|entry| entry.code.as_deref() == Some("budget_exceeded")).unwrap();
        assert_eq!((denial.rule.as_deref(), denial.condition.as_deref()), (Some("b"), Some("spending#/budgets/0")));
    }
}

/// What is said of a moment at which a call fits holds to the microsecond.
#[test]
fn a_call_fits_from_the_moment_on_that_is_said() {
    let world = World::new(&format!(
        "{SPENDING}  - {{budget: look, id: b, count: calls, at_most: 2, per: 90m, for_each: principal.id}}\n"
    ));
    let look = |us: i64| {
        world.clock.wall_us.store(us, std::sync::atomic::Ordering::SeqCst);
        let mut call = support::call("look", "{}");
        call.context.principal = support::map(r#"{"id": "ann"}"#);
        world.enforcer.enforce(call, world.tool())
    };
    look(support::NOON_US).unwrap();
    look(support::NOON_US + 7).unwrap();
    let budget = look(support::NOON_US + 9).unwrap_err().explanation.unwrap().budget.unwrap();
    let own = budget.own.unwrap();
    assert_eq!((own.left_micros, own.at_most_micros, own.unit.as_str()), (0, 2_000_000, "calls"));
    assert_eq!((budget.moves_on_us, budget.window.as_str()), (own.fits_us, "90m"));
    let fits_us = own.fits_us.unwrap();
    look(fits_us - 1).unwrap_err();
    look(fits_us).unwrap();
}

#[test]
fn another_tenants_calls_are_not_told() {
    let world = World::new(&format!(
        "{SPENDING}  - {{budget: look, id: b, count: calls, at_most: 1, per: day UTC, for_each: principal.id}}\n"
    ));
    let look = |tenant: &str| {
        let mut call = support::call("look", "{}");
        call.context.tenant = tenant.to_owned();
        call.context.principal = support::map(r#"{"id": "ann"}"#);
        world.enforcer.enforce(call, world.tool())
    };
    look("a").unwrap();
    let own = |refused: Refused| refused.explanation.unwrap().budget.unwrap().own;
    assert_eq!(own(look("b").unwrap_err()), None);
    assert!(own(look("").unwrap_err()).is_some());
}

/// Calls without a session share one window, whose content may be another caller's.
#[test]
fn a_window_of_no_session_is_no_callers_own() {
    for (session, is_own) in [("s1", true), ("", false)] {
        let world = World::new(&format!(
            "{SPENDING}  - {{budget: look, id: b, count: calls, at_most: 1, per: session, for_each: everyone}}\n"
        ));
        let look = |by: &str| {
            let mut call = support::call("look", "{}");
            session.clone_into(&mut call.context.session_id);
            call.context.principal = support::map(&format!(r#"{{"id": "{by}"}}"#));
            world.enforcer.enforce(call, world.tool())
        };
        look("ann").unwrap();
        let budget = look("bob").unwrap_err().explanation.unwrap().budget.unwrap();
        assert_eq!(budget.own.is_some(), is_own, "{session:?}");
    }
}

/// Waiting changes nothing about a budget that cannot be counted, so nothing is said of its window.
#[test]
fn a_budget_that_cannot_be_counted_is_not_called_used_up() {
    let world = World::new(&format!(
        "{SPENDING}  - {{budget: look, id: b, count: calls, at_most: 1, per: day UTC, for_each: principal.team}}\n"
    ));
    let look = |principal: &str| {
        let mut call = support::call("look", "{}");
        call.context.principal = support::map(principal);
        world.enforcer.enforce(call, world.tool())
    };
    let uncounted = look(r#"{"id": "ann"}"#).unwrap_err();
    assert!(uncounted.reason.contains("cannot be counted"), "{}", uncounted.reason);
    assert_eq!(uncounted.explanation.and_then(|told| told.budget), None);
    look(r#"{"id": "ann", "team": "a"}"#).unwrap();
    let used_up = look(r#"{"id": "ann", "team": "a"}"#).unwrap_err();
    assert!(used_up.explanation.unwrap().budget.is_some());
}

#[test]
fn a_call_that_nobody_can_approve_says_whose_yes_is_missing() {
    let world = World::new(SHOP);
    let mut call = support::call("refund", r#"{"ticket": "t1", "amount": 70}"#);
    call.context.session = support::map(r#"{"ticket": "t1"}"#);
    let refused = world.enforcer.enforce(call, world.tool()).unwrap_err();
    assert_eq!(refused.code, "no_approver");
    assert_eq!(refused.explanation.unwrap().sentence(), "`large` asks for the approval `lead`.");
    assert_eq!(world.ran(), 0);
}

#[test]
fn however_much_a_policy_says_a_sentence_is_short() {
    let long = "x".repeat(600);
    let many: Vec<String> = (0..200).map(|n| format!("\"{long}{n}\"")).collect();
    let args: Vec<String> = (0..40).map(|n| format!("a{n}: string")).collect();
    let when: Vec<String> = (0..40).map(|n| format!("a{n}: {{in: [{}]}}", many.join(", "))).collect();
    let text = format!(
        "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{{}}}, returns: web}}}}\nrules: [{{allow: t, id: r, when: {{{}}}}}]\n",
        args.join(", "),
        when.join(", ")
    );
    let values: Vec<String> = (0..40).map(|n| format!("\"a{n}\": \"y\"")).collect();
    let decision = call("t", &format!("{{{}}}", values.join(", "))).decide(&policy(&text));
    let said = explained(&decision);
    assert!(said.sentence().chars().count() <= SENTENCE_CHARS_MAX + 2);
    assert!(said.to_value().to_json().len() < 100_000, "{}", said.to_value().to_json().len());
    assert_eq!((said.conditions.len(), said.more_conditions, said.enough), (16, 24, false));
    assert_eq!((said.conditions[0].literals.len(), said.conditions[0].more_literals), (10, 190));
    assert!(decision.grounds.as_ref().unwrap().condition.as_ref().unwrap().chars().count() <= 302);
}

/// The conditions of a random rule. Each is true, false or unknown in a scene, and no two look at the same thing.
const CONDITIONS: [(&str, &str); 6] = [
    ("a: {equals: good}", "a/equals"),
    ("count: {at_most: 50}", "count/at_most"),
    ("principal.role: {equals: admin}", "principal.role/equals"),
    ("session.ticket: {equals: t1}", "session.ticket/equals"),
    ("fact.f: {equals: v}", "fact.f/equals"),
    ("b: {same_as: fact.g}", "b/same_as"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    True,
    False,
    Unknown,
}

#[derive(Clone, Debug)]
struct Rule {
    verb: &'static str,
    when: Vec<usize>,
    unless: Vec<usize>,
}

/// What no sentence, no JSON and no entry may hold. Each stands where a condition is false.
const SECRETS: [&str; 6] = ["zqArgument", "987654321", "zqRole", "zqTicket", "zqFact", "zqOther"];
const ALWAYS: [&str; 3] = ["zqPrincipal", "zqSessionName", "zqKnown"];

fn args(world: &[Is]) -> String {
    let pick = |at: usize, good: &str, bad: &str| if world[at] == Is::True { good.to_owned() } else { bad.to_owned() };
    let a = pick(0, "\"a\": \"good\"", "\"a\": \"zqArgument\"");
    let n = pick(1, "\"count\": 7", "\"count\": 987654321");
    let b = pick(5, "\"b\": \"zqKnown\"", "\"b\": \"zqOther\"");
    let given = [(world[0], a), (world[1], n), (Is::True, b)];
    let given: Vec<String> = given.into_iter().filter(|(is, _)| *is != Is::Unknown).map(|(_, arg)| arg).collect();
    format!("{{{}}}", given.join(", "))
}

fn object(known: &str, at: Is, key: &str, good: &str, bad: &str) -> String {
    match at {
        Is::True => format!("{{{known}, \"{key}\": \"{good}\"}}"),
        Is::False => format!("{{{known}, \"{key}\": \"{bad}\"}}"),
        Is::Unknown => format!("{{{known}}}"),
    }
}

struct Contexts {
    principal: String,
    session: String,
    facts: String,
}

fn contexts(world: &[Is]) -> Contexts {
    let g = if world[5] == Is::Unknown { "\"h\": 1" } else { "\"g\": \"zqKnown\"" };
    Contexts {
        principal: object("\"id\": \"zqPrincipal\"", world[2], "role", "admin", "zqRole"),
        session: object("\"name\": \"zqSessionName\"", world[3], "ticket", "t1", "zqTicket"),
        facts: object(g, world[4], "f", "v", "zqFact"),
    }
}

fn scene(world: &[Is]) -> Scene {
    let contexts = contexts(world);
    call("t", &args(world)).principal(&contexts.principal).session(&contexts.session).facts(&contexts.facts)
}

fn text(rules: &[Rule], more: &str) -> String {
    let map = |conditions: &[usize]| {
        let conditions: Vec<&str> = conditions.iter().map(|at| CONDITIONS[*at].0).collect();
        format!("{{{}}}", conditions.join(", "))
    };
    let rules: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let when = if rule.when.is_empty() { String::new() } else { format!(", when: {}", map(&rule.when)) };
            let unless =
                if rule.unless.is_empty() { String::new() } else { format!(", unless: {}", map(&rule.unless)) };
            format!("  - {{{}: t, id: r{at}{when}{unless}}}\n", rule.verb)
        })
        .collect();
    format!(
        "enforcecore: 1\nname: p\nversion: \"1\"\n{more}tools: {{t: {{does: reads, args: {{\"a?\": string, \"count?\": integer, b: string}}, returns: web}}}}\nrules:\n{}",
        rules.concat()
    )
}

fn held(world: &[Is], conditions: &[usize]) -> Is {
    if conditions.iter().any(|at| world[*at] == Is::False) {
        Is::False
    } else if conditions.iter().any(|at| world[*at] == Is::Unknown) {
        Is::Unknown
    } else {
        Is::True
    }
}

/// What keeps a rule from permitting: the places of its failed conditions.
fn missing(world: &[Is], at: usize, rule: &Rule) -> Vec<String> {
    let mut failed: Vec<String> = rule
        .when
        .iter()
        .filter(|condition| world[**condition] != Is::True)
        .map(|condition| format!("p#/rules/{at}/when/{}", CONDITIONS[*condition].1))
        .collect();
    if !rule.unless.is_empty() && held(world, &rule.unless) != Is::False {
        failed.push(match rule.unless.as_slice() {
            [one] => format!("p#/rules/{at}/unless/{}", CONDITIONS[*one].1),
            _ => format!("p#/rules/{at}/unless"),
        });
    }
    failed
}

fn denies(world: &[Is], rule: &Rule) -> bool {
    let unless = !rule.unless.is_empty() && held(world, &rule.unless) == Is::True;
    rule.verb == "deny" && held(world, &rule.when) != Is::False && !unless
}

/// The rule that an explanation must name, by a second reading of what nearest means.
fn expected(world: &[Is], rules: &[Rule]) -> Option<usize> {
    if let Some(at) = rules.iter().position(|rule| denies(world, rule)) {
        return Some(at);
    }
    let opening = rules.iter().enumerate().filter(|(_, rule)| rule.verb != "deny");
    let mut best: Option<(usize, usize)> = None;
    for (at, rule) in opening {
        let count = missing(world, at, rule).len();
        if best.is_none_or(|(least, _)| count < least) {
            best = Some((count, at));
        }
    }
    best.map(|(_, at)| at)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let conditions = |max: usize| proptest::sample::subsequence((0..CONDITIONS.len()).collect::<Vec<_>>(), 0..=max);
    let verb = proptest::sample::select(vec!["allow", "allow", "ask", "deny"]);
    let rule = (verb, conditions(4), conditions(2)).prop_map(|(verb, when, unless)| {
        let unless = unless.into_iter().filter(|at| !when.contains(at)).collect();
        Rule { verb, when, unless }
    });
    proptest::collection::vec(rule, 1..5)
}

fn worlds() -> impl Strategy<Value = Vec<Is>> {
    proptest::collection::vec(proptest::sample::select(vec![Is::True, Is::False, Is::Unknown]), CONDITIONS.len())
}

/// The world in which the named conditions are as they would have to be.
fn changed(world: &[Is], places: &[String], state: Is) -> Option<Vec<Is>> {
    let mut world = world.to_vec();
    for place in places {
        let at = CONDITIONS.iter().position(|(_, pointer)| place.ends_with(pointer))?;
        let unless = place.contains("/unless");
        world[at] = match (state, unless) {
            (Is::True, false) | (Is::False, true) => Is::True,
            _ => Is::False,
        };
    }
    Some(world)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_nearest_rule_is_named_with_its_failed_conditions(rules in rules(), world in worlds()) {
        let Ok(loaded) = load_with(&text(&rules, ""), &[]) else { return Ok(()) };
        let decision = scene(&world).decide(&loaded.policy);
        if decision.verdict != Verdict::Deny {
            prop_assert_eq!(&decision.explanation, &None);
            return Ok(());
        }
        prop_assert_eq!(&decision, &scene(&world).decide(&loaded.policy));
        let Some(at) = expected(&world, &rules) else {
            prop_assert_eq!(&decision.explanation, &None);
            return Ok(());
        };
        let said = explained(&decision);
        let id = format!("r{at}");
        prop_assert_eq!(&said.rule.as_ref().unwrap().id, &id);
        let places: Vec<String> = said.conditions.iter().map(|condition| condition.place.clone()).collect();
        if rules[at].verb != "deny" {
            prop_assert_eq!(&places, &missing(&world, at, &rules[at]));
            prop_assert_eq!(decision.code, "no_rule");
        }
        // What is said to be enough is: the positive twin is not denied.
        if said.enough {
            let twins = match rules[at].verb {
                "deny" => places.iter().filter_map(|place| changed(&world, std::slice::from_ref(place), Is::False)).collect(),
                _ => Vec::from_iter(changed(&world, &places, Is::True)),
            };
            for twin in twins {
                let verdict = scene(&twin).decide(&loaded.policy).verdict;
                prop_assert!(verdict != Verdict::Deny, "{:?} {:?} -> {:?}", said, world, twin);
            }
        }
    }

    /// One rule whose one condition fails: that condition is named, and changing it alone lets the call run.
    #[test]
    fn changing_the_one_failed_condition_allows_the_call(
        when in proptest::sample::subsequence((0..CONDITIONS.len()).collect::<Vec<_>>(), 1..=5),
        failing in any::<proptest::sample::Index>(),
        state in proptest::sample::select(vec![Is::False, Is::Unknown]),
        deny in any::<bool>(),
    ) {
        let failing = when[failing.index(when.len())];
        let mut world = vec![Is::True; CONDITIONS.len()];
        let mut rules = vec![Rule { verb: "allow", when, unless: Vec::new() }];
        if deny {
            rules = vec![
                Rule { verb: "allow", when: Vec::new(), unless: Vec::new() },
                Rule { verb: "deny", when: vec![failing], unless: Vec::new() },
            ];
        } else {
            world[failing] = state;
        }
        let loaded = load_with(&text(&rules, ""), &[]).unwrap().policy;
        let decision = scene(&world).decide(&loaded);
        let said = explained(&decision);
        prop_assert_eq!((said.conditions.len(), said.enough), (1, true));
        prop_assert!(said.conditions[0].place.ends_with(CONDITIONS[failing].1));
        world[failing] = if deny { Is::False } else { Is::True };
        prop_assert_eq!(scene(&world).decide(&loaded).verdict, Verdict::Allow);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever a policy says and a session knows, no value of an argument, fact, principal or session is told, and nobody's
    /// use of a budget but the caller's own.
    #[test]
    fn nothing_secret_is_told(rules in rules(), world in worlds(), shared in any::<bool>(), spent in 1u32..4) {
        let key = if shared { "everyone" } else { "principal.id" };
        let budget = format!("budgets: [{{budget: t, id: b, count: calls, at_most: 73, per: day UTC, for_each: {key}}}]\n");
        let text = text(&rules, &budget);
        if load_with(&text, &[]).is_err() {
            return Ok(());
        }
        let line = World::new(&text);
        let call = || {
            let contexts = contexts(&world);
            let mut call = support::call("t", &args(&world));
            call.context.principal = support::map(&contexts.principal);
            call.context.session = support::map(&contexts.session);
            call.context.facts = support::map(&contexts.facts);
            call
        };
        for _ in 0..spent {
            let decision = line.enforcer.decide_only(call());
            let mut told = vec![decision.reason.clone()];
            told.extend(decision.explanation.iter().map(|said| said.to_value().to_json()));
            if let Err(refused) = line.enforcer.enforce(call(), line.tool()) {
                told.push(refused.to_string());
                told.extend(refused.explanation.iter().map(|said| format!("{said:?} {}", said.to_value().to_json())));
            }
            line.log.flush().unwrap();
            told.push(String::from_utf8(line.store.contents()).unwrap());
            for secret in SECRETS.iter().chain(&ALWAYS) {
                for text in &told {
                    prop_assert!(!text.contains(secret), "{} in {}", secret, text);
                }
            }
        }
    }
}

#[test]
fn secrets_in_paths_and_urls_are_not_told() {
    let world = World::new(SHOP);
    for (tool, args) in [
        ("save", r#"{"path": "/zqSecret/a", "text": "zqSecret"}"#),
        ("save", r#"{"path": "zqSecret/a", "text": "zqSecret"}"#),
        ("save", r#"{"path": "/a/${zqSecret}", "text": "zqSecret"}"#),
        ("save", r#"{"path": "file:///zqSecret", "text": "zqSecret"}"#),
        ("save", r#"{"path": "/a/%7AqSecret", "text": "zqSecret"}"#),
        ("save", r#"{"path": "/zqSecret/.env", "text": "zqSecret"}"#),
        ("fetch", r#"{"url": "https://zqSecret.example/"}"#),
        ("fetch", r#"{"url": "https://zqSecret@a.example\\@zqSecret/"}"#),
        ("fetch", r#"{"url": "zqSecret"}"#),
        ("fetch", r#"{"url": "https://a.example:zqSecret/"}"#),
        ("mail", r#"{"to": "zqSecret@example.net", "body": "zqSecret"}"#),
        ("mail", r#"{"to": "zqSecret", "body": "zqSecret"}"#),
        ("size", r#"{"count": "zqSecret"}"#),
        ("refund", r#"{"ticket": "zqSecret", "amount": "zqSecret"}"#),
        ("odd/name", r#"{"a~b": "zqSecret"}"#),
    ] {
        let refused = world.enforcer.enforce(support::call(tool, args), world.tool()).unwrap_err();
        let told = format!(
            "{refused} {:?} {}",
            refused.explanation,
            refused.explanation.iter().map(|said| said.to_value().to_json()).collect::<String>()
        );
        assert!(!told.to_lowercase().contains("zqsecret"), "{told}");
        assert!(Value::from_json(format!("{{\"a\":{args}}}").as_bytes()).is_ok());
    }
    world.log.flush().unwrap();
    assert!(!String::from_utf8(world.store.contents()).unwrap().to_lowercase().contains("zqsecret"));
    assert_eq!(world.ran(), 0);
}
