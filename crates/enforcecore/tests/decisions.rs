//! What is kept of two decisions about one call, and of each pass in which it is redacted.
#![cfg(test)]

mod support;

use std::time::Duration;

use enforcecore::audit::{Durability, EntryKind};
use enforcecore::codes::Code;
use enforcecore::codes::call as code;
use enforcecore::decision::{
    ArgScope, Ask, Charge, Deadline, DecidedBy, Decision, Obligations, Over, Trust, Verdict, Window,
};
use enforcecore::outcome::{Completed, Outcome};
use enforcecore::redact::{Class, ClassSet};
use enforcecore::value::Value;
use support::{World, call};

fn of(class: Class) -> ClassSet {
    ClassSet::NONE.with(class)
}

fn ask(rule: &str) -> Ask {
    Ask { rule: rule.to_owned(), approval: Some("lead".to_owned()) }
}

fn charge(budget: &str) -> Charge {
    Charge {
        budget: budget.to_owned(),
        key: b"k".to_vec(),
        amount_micros: 1,
        at_most_micros: 2,
        window: Window::Ever,
        over: Over::Deny,
        known: true,
    }
}

/// The code of a mark.
fn code_of(mark: &str) -> Code {
    if mark == "a" { code::ALLOWED } else { code::APPROVED }
}

/// A decision in which each member has the mark of its own.
fn decision(verdict: Verdict, mark: &'static str, class: Class, seconds: Option<u64>) -> Decision {
    Decision {
        verdict,
        decided_by: DecidedBy::Policy,
        code: code_of(mark),
        reason: format!("reason {mark}"),
        rules: vec![format!("rule {mark}")],
        obligations: Obligations {
            redact_args: [(ArgScope::Named(mark.to_owned()), of(class)), (ArgScope::EveryString, of(class))].into(),
            redact_result: of(class),
            deadline: seconds.map(Duration::from_secs).map(Deadline::of),
        },
        asks: vec![ask(mark), ask("both")],
        charges: vec![charge(mark)],
        sets_facts: vec![(format!("fact {mark}"), mark.to_owned())],
        returns: Trust::Source(format!("returns {mark}")),
        explanation: None,
        grounds: None,
    }
}

#[test]
fn the_stricter_of_two_decisions_keeps_what_both_oblige_to_and_ask_for() {
    use Verdict::{Allow, Ask, Deny};
    let both = || of(Class::EMAIL).union(of(Class::CREDIT_CARD));
    for (first, second, winner) in [
        (Allow, Allow, "a"),
        (Allow, Ask, "b"),
        (Allow, Deny, "b"),
        (Ask, Allow, "a"),
        (Ask, Ask, "a"),
        (Ask, Deny, "b"),
        (Deny, Allow, "a"),
        (Deny, Ask, "a"),
        (Deny, Deny, "a"),
    ] {
        for (due_a, due_b, due) in [
            (None, None, None),
            (Some(3), None, Some(3)),
            (None, Some(4), Some(4)),
            (Some(3), Some(4), Some(3)),
            (Some(4), Some(3), Some(3)),
        ] {
            let a = decision(first, "a", Class::EMAIL, due_a);
            let b = decision(second, "b", Class::CREDIT_CARD, due_b);
            let stricter = a.stricter(b);
            let what = format!("{first:?} {second:?} {due:?}");
            assert_eq!(stricter.verdict, first.max(second), "{what}");
            assert_eq!(
                (stricter.code.as_str(), stricter.reason),
                (code_of(winner).as_str(), format!("reason {winner}")),
                "{what}"
            );
            assert_eq!(stricter.rules, [format!("rule {winner}")], "{what}");
            assert_eq!(stricter.charges, [charge(winner)], "{what}");
            assert_eq!(stricter.sets_facts, [(format!("fact {winner}"), winner.to_owned())], "{what}");
            assert_eq!(stricter.returns.as_str(), format!("returns {winner}"), "{what}");
            let loser = if winner == "a" { "b" } else { "a" };
            assert_eq!(stricter.asks, [ask(winner), ask("both"), ask(loser)], "{what}");
            let expected = Obligations {
                redact_args: [
                    (ArgScope::Named("a".to_owned()), of(Class::EMAIL)),
                    (ArgScope::Named("b".to_owned()), of(Class::CREDIT_CARD)),
                    (ArgScope::EveryString, both()),
                ]
                .into(),
                redact_result: both(),
                deadline: due.map(Duration::from_secs).map(Deadline::of),
            };
            assert_eq!(stricter.obligations, expected, "{what}");
        }
    }
}

#[test]
fn a_denial_that_is_added_keeps_everything_but_the_verdict_and_its_reason() {
    for verdict in [Verdict::Allow, Verdict::Ask, Verdict::Deny] {
        let before = decision(verdict, "a", Class::EMAIL, Some(3));
        let expected =
            Decision { verdict: Verdict::Deny, code: code::NO_RULE, reason: "reason".to_owned(), ..before.clone() };
        assert_eq!(before.and_deny(code::NO_RULE, "reason"), expected);
    }
}

/// Rules that hold of what the caller wrote and not of what redaction left, and the other way round.
const PASSES: &str = r#"
enforcecore: 1
name: passes
version: "1"
tools:
  note: {does: writes, args: {text: text, "more?": text, "url?": url}, returns: trusted}
rules:
  - {allow: note, id: note, when: {url: {any: true}}}
  - {deny: note, id: before, when: {text: {contains_regex: "@rival"}}}
  - {deny: note, id: before-obliges, when: {text: {prefix: "jo@"}, session.stop: {equals: true}}, deadline: 5s, redact: {result: [credit_card]}}
  - {deny: note, id: after-obliges, when: {text: {contains_regex: "EC_EMAIL"}, session.stop: {equals: true}}, redact: {args: {text: [github_token], more: [email]}, result: [github_token]}}
  - {deny: note, id: at-night, when: {session.night: {equals: true}}}
redact: {args: {text: [email], every_string: [url_credentials]}}
deadline: 1h
"#;

const TOKEN: &str = "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";

/// A call in whose session a condition of the rules above cannot be decided, or is true.
fn note(args: &str, session: &str) -> enforcecore::call::Call {
    let mut note = call("note", args);
    note.context.session = support::map(session);
    note
}

#[test]
fn each_pass_of_redaction_is_counted_and_each_decision_obliges() {
    // `stop` is false, so no rule denies; that the rules oblige has to come from their own condition.
    let policy = PASSES
        .replace("deny: note, id: before-obliges, when: {text: {prefix: \"jo@\"}, session.stop: {equals: true}}", "allow: note, id: before-obliges, when: {text: {prefix: \"jo@\"}, url: {any: true}, more: {any: true}}")
        .replace("deny: note, id: after-obliges, when: {text: {contains_regex: \"EC_EMAIL\"}, session.stop: {equals: true}}", "allow: note, id: after-obliges, when: {text: {contains_regex: \"EC_EMAIL\"}, url: {any: true}, more: {any: true}}");
    let run = |args: &str| {
        let world = World::new(&policy);
        let seen = std::sync::Mutex::new(None);
        let done = world.enforcer.enforce(note(args, r#"{"night":false}"#), |permit| {
            *seen.lock().unwrap() = permit.due().map(|due| due.left());
            drop(world.tool()(permit));
            Outcome::Done(Value::from(format!("4111111111111111 {TOKEN}")))
        });
        let Ok(Completed::Released { value, .. }) = done else { panic!("{done:?}") };
        let intent = world.entries().into_iter().find(|entry| entry.kind == EntryKind::Intent).unwrap();
        let effects = world.effects.lock().unwrap().join("");
        let due = seen.lock().unwrap().unwrap().as_secs();
        (effects, intent.redactions.into_iter().collect::<Vec<_>>(), due, value.to_json())
    };
    let counts = |all: &[(&str, u64)]| all.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect::<Vec<_>>();
    // Nothing is redacted: one pass, and what no rule obliges to is seen.
    assert_eq!(
        run(r#"{"text":"hello","more":"x"}"#),
        (r#"{"text":"hello","more":"x"}"#.to_owned(), counts(&[]), 3600, format!("\"4111111111111111 {TOKEN}\""))
    );
    // Two passes: the second rule holds only of what the first pass left, the first one only of what was written.
    assert_eq!(
        run(&format!(r#"{{"text":"jo@example.com {TOKEN}","more":"al@example.com, bo@example.com"}}"#)),
        (
            r#"{"text":"EC_EMAIL_1 EC_GITHUB_TOKEN_1","more":"EC_EMAIL_2, EC_EMAIL_3"}"#.to_owned(),
            counts(&[("email", 3), ("github_token", 1)]),
            5,
            r#""EC_CREDIT_CARD_1 EC_GITHUB_TOKEN_1""#.to_owned()
        )
    );
    // The twin in whose text the first rule does not hold either.
    assert_eq!(
        run(&format!(r#"{{"text":"to jo@example.com {TOKEN}"}}"#)),
        (
            r#"{"text":"to EC_EMAIL_1 EC_GITHUB_TOKEN_1"}"#.to_owned(),
            counts(&[("email", 1), ("github_token", 1)]),
            3600,
            r#""4111111111111111 EC_GITHUB_TOKEN_1""#.to_owned()
        )
    );
}

#[test]
fn what_is_denied_anyway_keeps_its_reason() {
    let calm = r#"{"night":false,"stop":false}"#;
    let night = r#"{"night":true,"stop":false}"#;
    let executed = r#"{"text":"x","url":"https://a.b/?n=ftp://u:hunter2pass@h.test/"}"#;
    let name = r#"{"text":"x","url":"https://a.b/"}"#;
    for (args, session, expected) in [
        (executed, calm, Some(("finding_in_executed_argument", &["note"] as &[&str]))),
        (executed, night, Some(("denied_by_rule", &["at-night"]))),
        (name, calm, None),
        (name, night, Some(("denied_by_rule", &["at-night"]))),
        (r#"{"text":"to jo@rival.example"}"#, calm, Some(("denied_by_rule", &["before"]))),
        (r#"{"text":"to jo@rival.example"}"#, night, Some(("denied_by_rule", &["before", "at-night"]))),
        (r#"{"text":"to jo@friend.example"}"#, calm, None),
        (r#"{"text":1,"url":"https://a.b/?n=ftp://u:hunter2pass@h.test/"}"#, calm, Some(("wrong_type", &[]))),
    ] {
        let world = World::with(PASSES, Durability::Strict, None);
        let decided = world.enforcer.decide_only(note(args, session));
        let end = world.enforcer.enforce(note(args, session), world.tool());
        assert_eq!(world.ran(), usize::from(expected.is_none()), "{args} {session}");
        let got = end.err().map(|refused| (refused.code.as_str(), refused.rules));
        assert_eq!(got, expected.map(|(code, rules)| (code, rules.iter().map(|rule| (*rule).to_owned()).collect())));
        if let Some((code, rules)) = expected {
            assert_eq!(
                (decided.code.as_str(), decided.rules.as_slice()),
                (code, rules.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>().as_slice())
            );
        }
    }
}
