//! What a caller is told of its call: by which rules and with which words it was refused, whether the log has it, and whether its
//! effect happened. And that a call is decided on its session as it is when its intent is written.
#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use enforcecore::audit::{Delta, Durability, EffectStatus, EntryKind};
use enforcecore::call::{Call, FrozenCall, Malformed};
use enforcecore::codes::call as code;
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{BeginMode, Completed, Outcome, Refusal, Stopped};
use enforcecore::policy::Protected;
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant};
use enforcecore::value::Value;
use support::{FACE, HandClock, PlainResolver, World, call, load, map, open_log};

const POLICY: &str = r#"
enforcecore: 1
name: told
version: "1"
tools:
  look: {does: reads, args: {text: text, note: text}, returns: trusted, facts: {state: result.state}}
  edit: {does: writes, args: {text: {type: text, on_placeholder: send}}, returns: trusted}
  pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: web}
approvals: {lead: {from: {role: lead}, valid: 15m}, boss: {from: {role: boss}, valid: 1h}}
rules:
  - {allow: look, id: look}
  - {deny: look, id: not-night, when: {text: {equals: night}}, reason: it is night}
  - {deny: look, id: not-closed, when: {fact.state: {equals: closed}}}
  - {ask: look, id: careful, when: {text: {equals: careful}}, approval: lead, reason: look twice}
  - {ask: look, id: very, when: {text: {in: [very, careful]}}, approval: boss}
  - {allow: pay, id: pay, when: {amount: {any: true}}}
  - {allow: edit, id: edit, deadline: 5s}
budgets:
  - {budget: pay, id: total, sum: USD, at_most: 100, per: ever, for_each: everyone, over: ask, approval: lead}
  - {budget: pay, id: hard, sum: USD, at_most: 200, per: ever, for_each: everyone}
redact: {args: {note: [email], every_string: [credit_card]}, result: [email]}
"#;

fn look(text: &str) -> Call {
    noted(text, "")
}

fn noted(text: &str, note: &str) -> Call {
    let mut made = call("look", &format!(r#"{{"text":"{text}","note":"{note}"}}"#));
    made.context.facts = map(r#"{"state":"open"}"#);
    made
}

fn pay(amount: u32) -> Call {
    call("pay", &format!(r#"{{"amount":{amount}}}"#))
}

/// Takes every request, and answers none.
struct Silent;

impl Approver for Silent {
    fn ask(&self, _request: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Delivered { expires_us: 7 }
    }

    fn grant(&self, _request: ApprovalRequest<'_>, _digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        None
    }
}

fn asking() -> World {
    World::with(POLICY, Durability::Strict, Some(Arc::new(Silent)))
}

/// A call that does not start: the kind of its refusal, the code, the words, and the rules.
type Told = (&'static str, fn() -> Call, Refusal, &'static str, &'static str, &'static [&'static str]);

const REFUSALS: &[Told] = &[
    ("by a rule", || look("night"), Refusal::Denied, "denied_by_rule", "it is night", &["not-night"]),
    (
        "by its arguments",
        || call("look", r#"{"text":"x"}"#),
        Refusal::Malformed,
        "missing_argument",
        "the argument `note` is missing: it is text",
        &[],
    ),
    (
        "by its size",
        || call(&"x".repeat(129), "{}"),
        Refusal::Malformed,
        "bad_tool_name",
        "a tool name is 1 to 128 bytes without spaces or control characters",
        &[],
    ),
    ("by no document", || call("wreck", "{}"), Refusal::Denied, "unknown_tool", "no document declares this tool", &[]),
    ("by a budget", || pay(201), Refusal::Denied, "budget_exceeded", "the budget `hard` is used up", &["pay", "hard"]),
    (
        "until a rule's approval",
        || look("very"),
        Refusal::Pending { expires_us: 7 },
        "approval_required",
        "this call needs an approval",
        &["very"],
    ),
    (
        "until the approvals of two rules",
        || look("careful"),
        Refusal::Pending { expires_us: 7 },
        "approval_required",
        "look twice",
        &["careful", "very"],
    ),
    (
        "until a budget's approval",
        || pay(101),
        Refusal::Pending { expires_us: 7 },
        "approval_required",
        "a budget asks for an approval",
        &["total"],
    ),
];

#[test]
fn a_refused_call_is_told_why_by_which_rules_and_whether_the_log_has_it() {
    for (what, made, kind, code, reason, rules) in REFUSALS {
        let world = asking();
        let refused = world.enforcer.enforce(made(), world.tool()).unwrap_err();
        assert_eq!((refused.kind, refused.code.as_str()), (*kind, *code), "{what}");
        assert_eq!((refused.reason.as_str(), refused.recorded), (*reason, true), "{what}");
        assert_eq!((refused.rules, world.ran()), (rules.iter().map(ToString::to_string).collect(), 0), "{what}");
        // What is only asked is told the same, and nothing of it is written.
        let written = world.store.contents();
        let decided = world.enforcer.decide_only(made());
        assert_eq!((decided.code.as_str(), decided.reason.as_str()), (*code, *reason), "{what}, asked");
        assert_eq!(decided.rules, rules.iter().map(ToString::to_string).collect::<Vec<_>>(), "{what}, asked");
        assert_eq!(world.store.contents(), written);
    }
}

#[test]
fn a_refusal_that_cannot_be_recorded_stays_one_and_says_so() {
    for (what, made, kind, code, ..) in REFUSALS {
        for fault in ["append", "sync", "turn"] {
            let world = asking();
            let store = &world.store;
            let switch = [("append", &store.fail_append), ("sync", &store.fail_sync), ("turn", &store.fail_turn)];
            switch.iter().find(|(name, _)| *name == fault).unwrap().1.store(true, Ordering::SeqCst);
            let refused = world.enforcer.enforce(made(), world.tool()).unwrap_err();
            // A call that is no call needs no turn to be refused. One that would wait fails: its waiting is not recorded.
            let waits = matches!(kind, Refusal::Pending { .. });
            if waits || (fault == "turn" && *code != "bad_tool_name") {
                assert_eq!(refused.code, "log_unavailable", "{what}, {fault}");
            } else {
                assert_eq!((refused.kind, refused.code.as_str()), (*kind, *code), "{what}, {fault}");
            }
            assert_eq!((refused.recorded, world.ran()), (false, 0), "{what}, {fault}");
        }
    }
    for (fails, recorded) in [(false, true), (true, false)] {
        let world = asking();
        world.store.fail_append.store(fails, Ordering::SeqCst);
        let refused = world.enforcer.refuse_malformed(look("x"), Malformed::new(code::NOT_JSON, "w"));
        assert_eq!((refused.kind, refused.code.as_str(), refused.recorded), (Refusal::Malformed, "not_json", recorded));
    }
}

/// How a tool ends, and what is known of its effect.
type Ends = (&'static str, fn() -> Outcome, EffectStatus);

const ENDS: &[Ends] = &[
    ("done", || Outcome::Done(Value::Null), EffectStatus::Happened),
    ("done in parts", || Outcome::DoneWith { value: Value::Null, structured: Value::Null }, EffectStatus::Happened),
    ("unreadable", || Outcome::Unreadable(Malformed::new(code::NOT_JSON, "w")), EffectStatus::Happened),
    ("beyond limits", || Outcome::Done(Value::from("x".repeat(3 << 20))), EffectStatus::Happened),
    ("not to be redacted", || Outcome::Done(Value::Bytes(b"jo@example.com\xff".to_vec())), EffectStatus::Happened),
    ("failed", || Outcome::Failed("no".to_owned()), EffectStatus::Unknown),
    ("failed in parts", || Outcome::FailedWith(Value::Null), EffectStatus::Unknown),
    ("failed beyond limits", || Outcome::FailedWith(Value::from("x".repeat(3 << 20))), EffectStatus::Unknown),
    ("cancelled", || Outcome::Cancelled, EffectStatus::Unknown),
    ("crashed", || Outcome::Crashed, EffectStatus::Unknown),
    ("overdue", || Outcome::Overdue(Stopped::Cancelled), EffectStatus::Unknown),
];

fn effect_of(end: &Completed) -> EffectStatus {
    match end {
        Completed::Released { effect, .. } | Completed::Failed { effect, .. } | Completed::Withheld { effect, .. } => {
            *effect
        }
    }
}

#[test]
fn a_tool_that_started_is_told_of_with_what_is_known_of_its_effect() {
    for (what, end, expected) in ENDS {
        for fails in [false, true] {
            let world = World::new(POLICY);
            let fail = Arc::clone(&world.store.fail_append);
            let ended = world.enforcer.enforce(look("x"), |_| {
                fail.store(fails, Ordering::SeqCst);
                end()
            });
            let ended = ended.unwrap();
            assert_eq!(effect_of(&ended), *expected, "{what}, unrecorded: {fails}");
            if fails {
                let withheld = matches!(ended, Completed::Withheld { code, .. } if code == "log_unavailable");
                assert!(withheld, "{what}: {ended:?}");
                continue;
            }
            let outcome = world.entries().into_iter().find(|entry| entry.kind == EntryKind::Outcome).unwrap();
            assert_eq!(outcome.effect, Some(*expected), "{what}");
        }
    }
}

/// How a tool ends, and whether its session has seen something of what it returns.
type Seen = (&'static str, fn() -> Outcome, bool);
const SEEN: &[Seen] = &[
    ("done", || Outcome::Done(Value::Null), true),
    ("done in parts", || Outcome::DoneWith { value: Value::Null, structured: Value::Null }, true),
    ("failed in words", || Outcome::Failed("no".to_owned()), true),
    ("failed without words", || Outcome::Failed(String::new()), true),
    ("failed in parts", || Outcome::FailedWith(Value::Null), true),
    ("cancelled", || Outcome::Cancelled, true),
    ("unreadable", || Outcome::Unreadable(Malformed::new(code::NOT_JSON, "w")), false),
    ("beyond limits", || Outcome::Done((0..200).fold(Value::Null, |inner, _| Value::List(vec![inner]))), false),
    ("within limits", || Outcome::Done((0..128).fold(Value::Null, |inner, _| Value::List(vec![inner]))), true),
    ("crashed", || Outcome::Crashed, false),
    ("overdue", || Outcome::Overdue(Stopped::Cancelled), false),
    ("not started", || Outcome::NotStarted { code: code::NOT_STARTED, why: "w".to_owned() }, false),
];

#[test]
fn a_session_has_the_label_of_what_it_was_shown_a_failure_too() {
    for (tool, label) in [("look", "trusted"), ("pay", "web")] {
        for (what, end, seen) in SEEN {
            let world = World::new(POLICY);
            let made = if tool == "look" { look("x") } else { pay(1) };
            let _ended = world.enforcer.enforce(made, |_| end());
            let deltas = world.entries().into_iter().flat_map(|entry| entry.delta);
            let labels: Vec<String> = deltas
                .filter_map(|delta| match delta {
                    Delta::Label { label, .. } => Some(label),
                    _ => None,
                })
                .collect();
            let expected: &[&str] = if *seen { &[label] } else { &[] };
            assert_eq!(labels, expected, "{tool}: {what}");
        }
    }
}

/// Another enforcer that writes the same log, as another process does.
fn another(world: &World) -> Enforcer {
    let parts = EnforcerParts {
        policy: load(POLICY),
        face: FACE,
        log: Arc::new(open_log(world.store.clone(), Arc::new(HandClock::default())).unwrap()),
        resolver: Arc::new(PlainResolver),
        protected: Protected::default(),
        approver: None,
        clock: Arc::clone(&world.clock) as _,
        random: Arc::new(support::CountingRandom::default()),
        durability: Durability::Strict,
        identities: Identities::Keyed,
    };
    Enforcer::new(parts).unwrap()
}

/// What another process does while a call has been decided and waits for its turn: the session of the other, the fact that its
/// result sets, and whether the call still runs.
const MEANWHILE: &[(&str, &str, bool)] = &[
    ("s1", r#"{"state":"closed"}"#, false),
    ("s1", r#"{"state":"open"}"#, true),
    ("s1", "{}", true),
    ("s2", r#"{"state":"closed"}"#, true),
];

#[test]
fn a_call_is_decided_on_its_session_as_it_is_when_its_intent_is_written() {
    for begins in [false, true] {
        for (session, said, runs) in MEANWHILE {
            let world = World::new(POLICY);
            let other = another(&world);
            let result = Value::Map(map(said));
            world.enforcer.enforce(pay(1), world.tool()).unwrap();
            world.store.at_next_turn(move || {
                let mut made = look("meanwhile");
                made.context.session_id = (*session).to_owned();
                other.enforce(made, move |_| Outcome::Done(result)).unwrap();
            });
            let rules = if begins {
                world.enforcer.begin(look("x"), BeginMode::Split).err().map(|refused| refused.rules)
            } else {
                world.enforcer.enforce(look("x"), world.tool()).err().map(|refused| refused.rules)
            };
            let expected = (!runs).then(|| vec!["not-closed".to_owned()]);
            assert_eq!(rules, expected, "{session}, {said}, {begins}");
        }
    }
}

/// The arguments `text` and `note`, and what the tool gets of them: a card is taken out of both, an address out of `note`.
const REDACTED: &[(&str, &str, &str, &str)] = &[
    ("4111111111111111", "", "EC_CREDIT_CARD_1", ""),
    ("", "4111111111111111", "", "EC_CREDIT_CARD_1"),
    ("", "jo@example.com", "", "EC_EMAIL_1"),
    ("jo@example.com", "", "jo@example.com", ""),
    ("", "jo@example.com 4111111111111111", "", "EC_EMAIL_1 EC_CREDIT_CARD_1"),
    ("4111111111111111", "4111-1111-1111-1111", "EC_CREDIT_CARD_1", "EC_CREDIT_CARD_1"),
    ("jo@example.com 4111111111111111", "JO@example.com", "jo@example.com EC_CREDIT_CARD_1", "EC_EMAIL_1"),
];

#[test]
fn an_argument_is_redacted_of_what_is_said_of_it_and_of_what_is_said_of_all() {
    for (text, note, seen_text, seen_note) in REDACTED {
        let world = World::new(POLICY);
        world.enforcer.enforce(noted(text, note), world.tool()).unwrap();
        let expected = format!(r#"{{"text":"{seen_text}","note":"{seen_note}"}}"#);
        assert_eq!(*world.effects.lock().unwrap(), [expected], "{text}, {note}");
    }
}

/// A card whose placeholder makes an address of what stands before it: the text is rendered twice.
const TWICE: &str = "jane@mail.4111111111111111";

#[test]
fn a_text_that_is_rendered_twice_uses_up_no_number() {
    let world = World::new(&POLICY.replace("result: [email]", "result: [email, credit_card]"));
    let result = |text: &str| {
        let text = Value::from(text);
        match world.enforcer.enforce(look("x"), |_| Outcome::Done(text)).unwrap() {
            Completed::Released { value, .. } => value.as_text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let first = format!("ann@example.com {TWICE} bob@example.com");
    assert_eq!(result(&first), "EC_EMAIL_1 EC_CREDIT_CARD_1 EC_EMAIL_2");
    assert_eq!(result("cy@example.com bob@example.com"), "EC_EMAIL_3 EC_EMAIL_2");
    assert_eq!(result(&format!("dee@example.com {TWICE}")), "EC_EMAIL_4 EC_CREDIT_CARD_1");
    assert_eq!(result("eve@example.com 378282246310005"), "EC_EMAIL_5 EC_CREDIT_CARD_2");
}

/// How long a tool takes, in microseconds, that has five seconds; and whether its result is seen.
const AGES: &[(i64, bool)] =
    &[(0, true), (1, true), (4_999_999, true), (5_000_000, true), (5_000_001, false), (9_000_000, false)];

#[test]
fn a_result_is_in_time_up_to_its_very_deadline() {
    for (us, seen) in AGES {
        for split in [false, true] {
            let world = World::new(POLICY);
            let edit = call("edit", r#"{"text":"x"}"#);
            let ended = if split {
                let admitted = world.enforcer.begin(edit, BeginMode::Split).unwrap();
                world.clock.pass(*us);
                world.enforcer.finish(admitted, Outcome::Done(Value::Null)).unwrap().unwrap()
            } else {
                let clock = Arc::clone(&world.clock);
                let slow = |_| {
                    clock.pass(*us);
                    Outcome::Done(Value::Null)
                };
                world.enforcer.enforce(edit, slow).unwrap()
            };
            let late = matches!(&ended, Completed::Withheld { code, .. } if *code == "deadline_exceeded");
            assert_eq!((matches!(ended, Completed::Released { .. }), late), (*seen, !seen), "{us}, {split}: {ended:?}");
        }
    }
}

/// How many placeholders a call sends, and how many of them its intent names.
const SENT: &[(usize, usize)] = &[(1, 1), (2, 2), (31, 31), (32, 32), (33, 32), (100, 32)];

#[test]
fn an_intent_names_the_placeholders_that_are_sent_up_to_its_limit() {
    for (sent, named) in SENT {
        let world = World::new(POLICY);
        let addresses = (0..*sent).map(|at| format!("a{at}@example.com")).collect::<Vec<_>>().join(" ");
        let Ok(Completed::Released { value, .. }) =
            world.enforcer.enforce(look("x"), |_| Outcome::Done(Value::from(addresses)))
        else {
            panic!("it is released")
        };
        let mut edit = call("edit", "{}");
        edit.args.insert("text".to_owned(), value);
        world.enforcer.enforce(edit, world.tool()).unwrap();
        let intent = world.entries().into_iter().rev().find(|entry| entry.kind == EntryKind::Intent).unwrap();
        let note = &intent.note["placeholders_sent"];
        let more = note.ends_with(", ..");
        assert_eq!((note.matches("EC_EMAIL_").count(), more), (*named, sent > named), "{sent}: {note}");
    }
}
