//! A session lasts until it is ended: neither a pause nor a restart changes what is decided in it, wherever its state lies.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use enforcecore::audit::{EntryKind, Log};
use enforcecore::call::{Call, Context};
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{BeginMode, Completed, Outcome, Refused};
use enforcecore::policy::Protected;
use enforcecore::ports::Clock;
use enforcecore::session::{EndSessionError, Known, State, session_name};
use enforcecore::value::Value;
use support::{CountingRandom, FACE, HOUR_US, PlainResolver, World, call, load, map, open_idle_log};

const POLICY: &str = r#"
enforcecore: 1
name: sessions
version: "1"
tools:
  look: {does: reads, args: {}, returns: trusted, facts: {to: result.mail}}
  web: {does: fetches, args: {}, returns: web}
  send: {does: sends, args: {to: string}, returns: trusted}
  pay: {does: sends, args: {amount: {type: decimal, at_least: 0}}, returns: trusted}
  other: {does: reads, args: {}, returns: trusted}
rules:
  - {allow: look, id: look}
  - {allow: web, id: web}
  - {allow: send, id: send, when: {to: {same_as: fact.to}}}
  - {allow: pay, id: pay, when: {amount: {at_least: 0}}}
  - {allow: other, id: other}
budgets:
  - {budget: pay, id: purse, sum: amount, at_most: 100, per: session, for_each: everyone}
  - {budget: pay, id: month, sum: amount, at_most: 150, per: month Europe/Vienna, for_each: everyone}
redact: {result: [email]}
"#;

fn in_session(session: &str, mut call: Call) -> Call {
    session.clone_into(&mut call.context.session_id);
    call
}

/// One process: an enforcer with a log of its own on the world's store.
struct Process {
    enforcer: Enforcer,
    log: Arc<Log<State>>,
}

fn process(world: &World) -> Process {
    process_with(world, 24)
}

fn process_with(world: &World, idle_hours: i64) -> Process {
    let log = Arc::new(open_idle_log(world.store.clone(), Arc::clone(&world.clock), idle_hours).unwrap());
    let parts = EnforcerParts {
        policy: load(POLICY),
        face: FACE,
        log: Arc::clone(&log),
        resolver: Arc::new(PlainResolver),
        protected: Protected::default(),
        approver: None,
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        random: Arc::new(CountingRandom::default()),
        durability: enforcecore::audit::Durability::Strict,
        identities: Identities::Keyed,
    };
    Process { enforcer: Enforcer::new(parts).unwrap(), log }
}

/// What came of a call, in a word, and whether its tool ran.
fn outcome(enforcer: &Enforcer, session: &str, tool: &str, args: &str, result: &str) -> (String, bool) {
    let mut ran = false;
    let ended = enforcer.enforce(in_session(session, call(tool, args)), |_| {
        ran = true;
        Outcome::Done(Value::from_json(result.as_bytes()).unwrap())
    });
    let word = match ended {
        Ok(Completed::Released { value, .. }) => value.to_json(),
        Ok(other) => format!("{other:?}"),
        Err(Refused { code, .. }) => code.to_string(),
    };
    (word, ran)
}

/// A pause in which others work: the session leaves memory.
fn idle(world: &World, process: &Process, hours: i64) {
    world.clock.pass(hours * HOUR_US);
    assert!(outcome(&process.enforcer, "others", "other", "{}", "0").1);
}

fn is_asleep(world: &World, process: &Process, session: &str) -> bool {
    let context = Context { session_id: session.to_owned(), ..Context::default() };
    let name = session_name(world.log.keyer(), &context);
    process.log.view(|state| matches!(state.session(&name), Known::Asleep(_)))
}

const PAUSES: [(&str, &[&str]); 8] = [
    ("none", &[]),
    ("short", &["23"]),
    ("idle", &["25"]),
    ("idle twice", &["25", "49"]),
    ("restart", &["restart"]),
    ("idle, restart", &["25", "restart"]),
    ("restart, idle", &["restart", "25"]),
    ("a restart between two pauses", &["25", "restart", "25"]),
];

#[test]
fn neither_a_pause_nor_a_restart_changes_a_decision() {
    for (name, pauses) in PAUSES {
        let world = World::new(POLICY);
        let mut process = process(&world);
        let ask = |process: &Process, tool: &str, args: &str, result: &str| {
            outcome(&process.enforcer, "s1", tool, args, result)
        };
        assert!(ask(&process, "look", "{}", r#"{"mail":"a"}"#).1, "{name}");
        assert!(ask(&process, "pay", r#"{"amount":60}"#, "0").1, "{name}");
        assert_eq!(ask(&process, "web", "{}", r#""of ana@a.example""#).0, r#""of EC_EMAIL_1""#, "{name}");
        // Another session has another past: nothing of it comes back in this one.
        assert!(outcome(&process.enforcer, "s2", "look", "{}", r#"{"mail":"b"}"#).1);
        assert_eq!(outcome(&process.enforcer, "s2", "web", "{}", r#""of bob@a.example""#).0, r#""of EC_EMAIL_1""#);
        for pause in pauses {
            match pause.parse() {
                Ok(hours) => idle(&world, &process, hours),
                Err(_) => process = self::process(&world),
            }
        }
        let asleep = pauses.iter().any(|pause| *pause == "25" || *pause == "49");
        assert_eq!(is_asleep(&world, &process, "s1"), asleep, "{name}");
        let decided = process.enforcer.decide_only(in_session("s1", call("send", r#"{"to":"a"}"#)));
        assert_eq!(decided.code, "allowed", "{name}");
        assert_eq!(ask(&process, "send", r#"{"to":"b"}"#, "0"), ("no_rule".to_owned(), false), "{name}");
        assert_eq!(ask(&process, "send", r#"{"to":"a"}"#, "0"), ("0".to_owned(), true), "{name}");
        assert_eq!(ask(&process, "pay", r#"{"amount":41}"#, "0"), ("budget_exceeded".to_owned(), false), "{name}");
        assert_eq!(ask(&process, "pay", r#"{"amount":40}"#, "0"), ("0".to_owned(), true), "{name}");
        let seen = ask(&process, "web", "{}", r#""bob@a.example and ana@a.example""#);
        assert_eq!(seen.0, r#""EC_EMAIL_2 and EC_EMAIL_1""#, "{name}");
        // A second word about a fact contradicts the one from before the pause.
        assert!(ask(&process, "look", "{}", r#"{"mail":"b"}"#).1, "{name}");
        assert!(!ask(&process, "send", r#"{"to":"a"}"#, "0").1, "{name}");
        assert!(outcome(&process.enforcer, "s2", "send", r#"{"to":"b"}"#, "0").1, "{name}");
        // The month's budget outlives sessions.
        assert!(!outcome(&process.enforcer, "s2", "pay", r#"{"amount":51}"#, "0").1, "{name}");
        assert!(outcome(&process.enforcer, "s2", "pay", r#"{"amount":50}"#, "0").1, "{name}");
    }
}

#[test]
fn what_another_process_writes_about_a_session_that_is_not_in_memory_counts() {
    let world = World::new(POLICY);
    let (one, two) = (process(&world), process(&world));
    assert!(outcome(&one.enforcer, "s1", "pay", r#"{"amount":10}"#, "0").1);
    idle(&world, &two, 25);
    assert!(is_asleep(&world, &two, "s1"));
    // The first process goes on in the session, as its own state says.
    assert!(outcome(&one.enforcer, "s1", "pay", r#"{"amount":80}"#, "0").1);
    assert!(outcome(&one.enforcer, "s1", "look", "{}", r#"{"mail":"a"}"#).1);
    let void = |_| Outcome::NotStarted { code: enforcecore::codes::call::NOT_STARTED, why: String::new() };
    assert!(one.enforcer.enforce(in_session("s1", call("pay", r#"{"amount":5}"#)), void).is_err());
    idle(&world, &two, 0);
    assert!(is_asleep(&world, &two, "s1"), "others' entries wake nothing");
    assert_eq!(outcome(&two.enforcer, "s1", "pay", r#"{"amount":11}"#, "0"), ("budget_exceeded".to_owned(), false));
    assert!(outcome(&two.enforcer, "s1", "pay", r#"{"amount":10}"#, "0").1);
    assert!(outcome(&two.enforcer, "s1", "send", r#"{"to":"a"}"#, "0").1);
}

#[test]
fn a_call_that_runs_through_a_pause_gives_back_what_it_took() {
    for (wakes, starts) in [(false, true), (false, false), (true, true), (true, false)] {
        let name = format!("wakes {wakes}, starts {starts}");
        let world = World::new(POLICY);
        let process = process_with(&world, 2);
        let pay = in_session("s1", call("pay", r#"{"amount":70}"#));
        let admitted = process.enforcer.begin(pay, BeginMode::Split).unwrap();
        idle(&world, &process, 3);
        assert!(is_asleep(&world, &process, "s1"), "{name}");
        let fits = |amount: u32| outcome(&process.enforcer, "s1", "pay", &format!(r#"{{"amount":{amount}}}"#), "0").1;
        if wakes {
            assert!(!fits(40), "{name}: while it runs it is taken");
            assert!(!is_asleep(&world, &process, "s1"), "{name}");
        }
        let outcome_of = match starts {
            true => Outcome::Done(Value::Null),
            false => Outcome::NotStarted { code: enforcecore::codes::call::NOT_STARTED, why: String::new() },
        };
        let _end = process.enforcer.finish(admitted, outcome_of).unwrap();
        assert_eq!(fits(40), !starts, "{name}");
        assert!(fits(30), "{name}");
        assert!(!fits(31), "{name}");
    }
}

#[test]
fn a_session_that_cannot_be_read_back_runs_nothing() {
    let world = World::new(POLICY);
    let process = process(&world);
    assert!(outcome(&process.enforcer, "s1", "look", "{}", r#"{"mail":"a"}"#).1);
    assert!(outcome(&process.enforcer, "s1", "web", "{}", r#""of ana@a.example""#).1);
    idle(&world, &process, 25);
    let refused = ("log_unavailable".to_owned(), false);
    let send = || outcome(&process.enforcer, "s1", "send", r#"{"to":"a"}"#, "0");
    let foreseen = || process.enforcer.decide_only(in_session("s1", call("send", r#"{"to":"a"}"#))).code;
    let beside = || {
        let context = Context { session_id: "s1".to_owned(), ..Context::default() };
        process.enforcer.redact(&context, &Value::from("ana@a.example"), enforcecore::redact::ClassSet::all())
    };
    world.store.fail_turn.store(true, Ordering::SeqCst);
    assert_eq!(send(), refused);
    assert_eq!(foreseen(), "log_unavailable");
    assert!(beside().is_err());
    world.store.fail_turn.store(false, Ordering::SeqCst);
    // Changed under its writer: every byte of what is read back is looked at.
    let bytes = world.store.contents().len() as u64;
    for at in (0..bytes).step_by(61).chain([bytes - 1]) {
        world.store.flipped.0.store(at, Ordering::SeqCst);
        assert_eq!(send(), refused, "byte {at} of {bytes}");
        assert_eq!(foreseen(), "log_unavailable");
        assert!(beside().is_err());
        assert!(is_asleep(&world, &process, "s1"), "byte {at}");
    }
    world.store.flipped.0.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(foreseen(), "allowed");
    assert_eq!(send(), ("0".to_owned(), true));
    assert_eq!(beside().unwrap().value.to_json(), r#""EC_EMAIL_1""#);
}

#[test]
fn a_long_log_gives_a_session_back_from_where_it_began() {
    let world = World::new(POLICY);
    let process = process(&world);
    let words = format!("\"{}\"", "a@b.example ".repeat(10));
    let fill = |process: &Process, count: usize| {
        for n in 0..count {
            let mut other = in_session(&format!("filler {n}"), call("other", "{}"));
            other.context.principal = map(r#"{"id":"ana"}"#);
            let _end = process.enforcer.enforce(other, |_| Outcome::Done(Value::from(words.as_str())));
        }
    };
    fill(&process, 1100);
    assert!(outcome(&process.enforcer, "s1", "look", "{}", r#"{"mail":"a"}"#).1);
    assert!(outcome(&process.enforcer, "s1", "pay", r#"{"amount":60}"#, "0").1);
    fill(&process, 1100);
    let bytes = world.store.contents().len();
    assert!(bytes > 3 << 20, "{bytes}");
    for process in [process, self::process(&world)] {
        idle(&world, &process, 25);
        assert!(is_asleep(&world, &process, "s1"));
        // A byte long before the session's first entry is not read again.
        world.store.flipped.0.store(1000, Ordering::SeqCst);
        assert_eq!(outcome(&process.enforcer, "s1", "pay", r#"{"amount":41}"#, "0").0, "budget_exceeded");
        assert!(outcome(&process.enforcer, "s1", "send", r#"{"to":"a"}"#, "0").1);
        world.store.flipped.0.store(u64::MAX, Ordering::SeqCst);
    }
}

#[test]
fn an_ended_session_runs_nothing_more_anywhere() {
    let world = World::new(POLICY);
    let (one, two) = (process(&world), process(&world));
    let named = |tenant: &str, session: &str| Context {
        session_id: session.to_owned(),
        tenant: tenant.to_owned(),
        ..Context::default()
    };
    for session in ["s1", "s2"] {
        assert!(outcome(&one.enforcer, session, "look", "{}", r#"{"mail":"a"}"#).1);
    }
    let running = one.enforcer.begin(in_session("s1", call("web", "{}")), BeginMode::Split).unwrap();
    one.enforcer.end_session(&named("", "s1")).unwrap();
    let states = |world: &World| world.entries().iter().filter(|entry| entry.kind == EntryKind::State).count();
    let once = states(&world);
    one.enforcer.end_session(&named("", "s1")).unwrap();
    two.enforcer.end_session(&named("", "s1")).unwrap();
    assert_eq!(states(&world), once, "an end is written once");
    let ended = ("session_ended".to_owned(), false);
    let check = |process: &Process, when: &str| {
        let denials = |world: &World| world.entries().iter().filter(|entry| entry.kind == EntryKind::Denial).count();
        let before = denials(&world);
        assert_eq!(outcome(&process.enforcer, "s1", "send", r#"{"to":"a"}"#, "0"), ended, "{when}");
        assert_eq!(outcome(&process.enforcer, "s1", "other", "{}", "0"), ended, "{when}");
        assert_eq!(denials(&world), before + 2, "{when}");
        assert_eq!(process.enforcer.decide_only(in_session("s1", call("other", "{}"))).code, "session_ended", "{when}");
        // The twins: another session, the same name with another tenant.
        assert!(outcome(&process.enforcer, "s2", "send", r#"{"to":"a"}"#, "0").1, "{when}");
        let mut tenant = in_session("s1", call("other", "{}"));
        "t".clone_into(&mut tenant.context.tenant);
        assert!(process.enforcer.enforce(tenant, |_| Outcome::Done(Value::Null)).is_ok(), "{when}");
    };
    check(&one, "here");
    check(&two, "in another process");
    // What runs may end, and what it returns is redacted as ever.
    let seen = one.enforcer.finish(running, Outcome::Done(Value::from("ana@a.example"))).unwrap().unwrap();
    assert!(matches!(&seen, Completed::Released { value, .. } if value.to_json() == r#""EC_EMAIL_1""#), "{seen:?}");
    idle(&world, &one, 25);
    check(&one, "after a pause");
    check(&process(&world), "after a restart");
    assert_eq!(one.enforcer.end_session(&named("t", "")).unwrap_err(), EndSessionError::Unnamed);
    world.store.fail_append.store(true, Ordering::SeqCst);
    assert!(matches!(one.enforcer.end_session(&named("", "s2")), Err(EndSessionError::Log(_))));
}
