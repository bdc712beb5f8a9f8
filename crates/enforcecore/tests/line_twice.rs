//! What happens a second time on the line: a call is decided again after redaction, and is not ended again.
#![cfg(test)]

mod support;

use std::sync::Arc;

use enforcecore::audit::{Body, Durability, EndRecord, Entry, EntryKind};
use enforcecore::outcome::{Completed, Outcome};
use enforcecore::value::Value;
use support::{World, call};

const POLICY: &str = r#"
enforcecore: 1
name: twice
version: "1"
tools:
  note: {does: writes, args: {text: text}, returns: trusted}
rules:
  - {allow: note, id: notes}
  - {deny: note, id: not-only-a-placeholder, when: {text: {prefix: EC_EMAIL}}}
  - {deny: note, id: not-to-rivals, when: {text: {suffix: "@rival.example"}}}
redact: {args: {text: [email]}}
"#;

#[test]
fn what_redaction_wrote_is_decided_again_and_the_stricter_decision_wins() {
    let world = World::new(POLICY);
    let note = |text: &str| world.enforcer.enforce(call("note", &format!(r#"{{"text":"{text}"}}"#)), world.tool());
    let refused = note("jo@example.com").unwrap_err();
    assert_eq!((refused.rules.as_slice(), world.ran()), (["not-only-a-placeholder".to_owned()].as_slice(), 0));
    note("for jo@example.com").unwrap();
    assert_eq!(world.ran(), 1);
}

#[test]
fn what_was_asked_is_decided_again_and_not_what_redaction_left_of_it() {
    for (address, runs) in [("jo@rival.example", 0), ("jo@friend.example", 1)] {
        let world = World::new(POLICY);
        let (enforcer, reloaded) = (world.enforcer.clone(), support::load(&POLICY.replace("twice", "reloaded")));
        // The call is decided and redacted before it takes the log's turn; there the reload overtakes it.
        world.store.at_next_turn(move || {
            let reloading = enforcer.clone();
            std::thread::spawn(move || reloading.rebind(reloaded).unwrap());
            while enforcer.policy().name() != "reloaded" {
                std::thread::yield_now();
            }
        });
        let note = call("note", &format!(r#"{{"text":"for {address}"}}"#));
        let rules = world.enforcer.enforce(note, world.tool()).err().map(|refused| refused.rules);
        assert_eq!((rules, world.ran()), ((runs == 0).then(|| vec!["not-to-rivals".to_owned()]), runs), "{address}");
        let entries = world.entries();
        let redacted =
            entries.iter().find(|entry| entry.kind == EntryKind::Intent).map(|intent| intent.redactions.len());
        assert_eq!(redacted, (runs == 1).then_some(1), "what was redacted stands in the intent");
    }
}

#[test]
fn a_call_that_somebody_else_ended_is_not_ended_again() {
    let world = World::new(POLICY);
    let note = call("note", r#"{"text":"x"}"#);
    let (log, id) = (Arc::clone(&world.log), note.id.to_string());
    let done = world.enforcer.enforce(note, move |_permit| {
        let entry = Entry::from(Body::Abandoned(EndRecord { call: Some(id), ..EndRecord::default() }));
        log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
        Outcome::Done(Value::Null)
    });
    assert!(matches!(done, Ok(Completed::Withheld { code, .. }) if code == "log_unavailable"), "{done:?}");
    let kinds: Vec<EntryKind> = world.entries().into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Genesis, EntryKind::Policy, EntryKind::Intent, EntryKind::Abandoned]);
}
