//! Facts: which end of a call sets one, what a second word makes of it, and that a restart changes nothing.
#![cfg(test)]

mod support;

use std::sync::Arc;

use enforcecore::audit::{Body, Delta, Durability, Entry, StateRecord};
use enforcecore::call::Malformed;
use enforcecore::codes::call as code;
use enforcecore::outcome::{Outcome, Stopped};
use enforcecore::value::Value;
use support::{World, call, map};

const POLICY: &str = r#"
enforcecore: 1
name: facts
version: "1"
tools:
  look: {does: reads, args: {}, returns: trusted, facts: {to: result.mail, order: result.order.id}}
  web: {does: fetches, args: {}, returns: web}
  send: {does: sends, args: {to: string}, returns: trusted}
rules:
  - {allow: look, id: look, deadline: 10s}
  - {allow: web, id: web}
  - {allow: send, id: send, when: {to: {same_as: fact.to}}}
"#;

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn look(world: &World, outcome: Outcome) {
    let _end = world.enforcer.enforce(call("look", "{}"), |_| outcome);
}

fn sends(world: &World, to: &str, facts: &str) -> bool {
    let mut send = call("send", &format!(r#"{{"to":"{to}"}}"#));
    send.context.facts = map(facts);
    world.enforcer.enforce(send, world.tool()).is_ok()
}

/// What was said of the fact, one after the other, and whether `a` and `b` may be sent to then.
const SAID: &[(&[&str], bool, bool)] = &[
    (&[], false, false),
    (&["a"], true, false),
    (&["b"], false, true),
    (&["a", "a"], true, false),
    (&["a", "a", "a"], true, false),
    (&["a", "b"], false, false),
    (&["a", "b", "a"], false, false),
    (&["a", "b", "b"], false, false),
    (&["a", "b", "a", "a"], false, false),
    (&["a", "a", "b", "a"], false, false),
    (&["b", "a", "b"], false, false),
    (&["a", "c", "a"], false, false),
    (&["a", "b", "c"], false, false),
];

#[test]
fn a_fact_that_was_contradicted_stays_so_whatever_is_said_later() {
    for (said, a, b) in SAID {
        let world = World::new(POLICY);
        for mail in *said {
            look(&world, Outcome::Done(json(&format!(r#"{{"mail":"{mail}"}}"#))));
        }
        let sent = ["a", "b", "c"].map(|to| sends(&world, to, "{}"));
        assert_eq!(sent, [*a, *b, false], "{said:?}");
        assert_eq!(world.ran(), sent.iter().filter(|ran| **ran).count());
        // What the host says as well has to be the same.
        let host = ["a", "b"].map(|to| sends(&world, to, &format!(r#"{{"to":"{to}"}}"#)));
        let expected = if said.is_empty() { [true, true] } else { [*a, *b] };
        assert_eq!(host, expected, "{said:?}, and the host says it too");
        let other = ["a", "b"].map(|to| sends(&world, to, r#"{"to":"d"}"#));
        assert_eq!(other, [false, false], "{said:?}, and the host says another");
        let again = support::open_log(world.store.clone(), Arc::clone(&world.clock)).unwrap();
        again.view(|folded| world.log.view(|state| assert_eq!(folded, state, "{said:?}")));
    }
}

#[test]
fn only_a_result_sets_a_fact() {
    type End = (&'static str, fn(&World) -> Outcome, &'static [&'static str]);
    const ENDS: [End; 21] = [
        ("done", |_| Outcome::Done(json(r#"{"mail":"a","order":{"id":5}}"#)), &["to", "order"]),
        ("one of them", |_| Outcome::Done(json(r#"{"mail":"a","order":{}}"#)), &["to"]),
        ("the other", |_| Outcome::Done(json(r#"{"order":{"id":5}}"#)), &["order"]),
        ("none of them", |_| Outcome::Done(json(r#"{"Mail":"a"}"#)), &[]),
        ("deeper", |_| Outcome::Done(json(r#"{"result":{"mail":"a"}}"#)), &[]),
        ("in a list", |_| Outcome::Done(json(r#"[{"mail":"a"}]"#)), &[]),
        ("a text", |_| Outcome::Done(json(r#""mail""#)), &[]),
        ("in its data", |_| Outcome::DoneWith { value: json("1"), structured: json(r#"{"mail":"a"}"#) }, &["to"]),
        ("in what is shown", |_| Outcome::DoneWith { value: json(r#"{"mail":"a"}"#), structured: Value::Null }, &[]),
        (
            "in both",
            |_| Outcome::DoneWith { value: json(r#"{"mail":"b"}"#), structured: json(r#"{"mail":"a"}"#) },
            &["to"],
        ),
        ("failed in words", |_| Outcome::Failed(r#"{"mail":"a"}"#.to_owned()), &[]),
        ("failed in parts", |_| Outcome::FailedWith(json(r#"{"mail":"a","order":{"id":5}}"#)), &[]),
        ("unreadable", |_| Outcome::Unreadable(Malformed::new(code::NOT_JSON, r#"{"mail":"a"}"#)), &[]),
        ("beyond limits", |_| Outcome::Done(json(&format!(r#"{{"mail":"a","x":"{}"}}"#, "x".repeat(3 << 20)))), &[]),
        ("crashed", |_| Outcome::Crashed, &[]),
        ("panicked", |_| panic!("in the tool"), &[]),
        ("overdue", |_| Outcome::Overdue(Stopped::RunsOn), &[]),
        (
            "late",
            |world| {
                world.clock.pass(10_000_001);
                Outcome::Done(json(r#"{"mail":"a"}"#))
            },
            &[],
        ),
        (
            "late with its data",
            |world| {
                world.clock.pass(10_000_001);
                Outcome::DoneWith { value: json("1"), structured: json(r#"{"mail":"a"}"#) }
            },
            &[],
        ),
        ("not started", |_| Outcome::NotStarted { code: code::NOT_STARTED, why: String::new() }, &[]),
        ("cancelled", |_| Outcome::NotStarted { code: code::CANCELLED, why: String::new() }, &[]),
    ];
    for (name, run, expected) in ENDS {
        let world = World::new(POLICY);
        let _end = world.enforcer.enforce(call("look", "{}"), |_| run(&world));
        let set: Vec<String> = world.entries().into_iter().flat_map(|entry| entry.delta).filter_map(fact).collect();
        assert_eq!(set, expected, "{name}");
        assert_eq!(sends(&world, "a", "{}"), expected.contains(&"to"), "{name}");
    }
    // What another tool returns, and what a call says of itself, sets none.
    let world = World::new(POLICY);
    world.enforcer.enforce(call("web", "{}"), |_| Outcome::Done(json(r#"{"mail":"a"}"#))).unwrap();
    assert!(!sends(&world, "a", "{}"));
}

fn fact(delta: Delta) -> Option<String> {
    match delta {
        Delta::Fact { name, .. } => Some(name),
        _ => None,
    }
}

/// A log says what was said, also where each word stands in an entry of its own, as another writer may have left it.
#[test]
fn a_fact_that_was_contradicted_in_the_log_stays_so() {
    for (said, a, b) in SAID {
        let world = World::new(POLICY);
        // The session's keyed name, as an entry about it has it.
        world.enforcer.enforce(call("web", "{}"), |_| Outcome::Done(Value::Null)).unwrap();
        let session = world.entries().pop().unwrap().session.unwrap();
        for mail in *said {
            let fingerprint = world.log.keyer().fingerprint(&Value::from(*mail));
            let fact = Delta::Fact { session: session.clone(), name: "to".to_owned(), fingerprint };
            let entry = Entry::from(Body::State(StateRecord { delta: vec![fact], session: Some(session.clone()) }));
            world.log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
        }
        let sent = ["a", "b", "c"].map(|to| sends(&world, to, "{}"));
        assert_eq!(sent, [*a, *b, false], "{said:?}");
    }
}
