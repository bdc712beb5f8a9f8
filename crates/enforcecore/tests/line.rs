//! The line, end to end: what runs, what does not, and what stands in the log either way.

#![cfg(test)]

mod support;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use enforcecore::audit::{Durability, EffectStatus, EntryKind, Mode};
use enforcecore::call::{Call, CallId, FrozenCall, Malformed};
use enforcecore::codes::call as code;
use enforcecore::decision::ApprovalFrom;
use enforcecore::enforcer::FinishError;
use enforcecore::outcome::{BeginMode, Completed, Outcome, Refusal, Stopped};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Clock, Grant};
use enforcecore::value::Value;
use support::{World, call};

const POLICY: &str = r#"
enforcecore: 1
name: line
version: "1"
tools:
  note: {does: writes, args: {text: text}, returns: trusted}
  pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}
  mail: {does: sends, args: {to: email, body: text}, returns: trusted}
  lookup: {does: reads, args: {id: string}, returns: trusted, facts: {customer.email: result.email}}
  fetch: {does: fetches, args: {url: url}, returns: web}
  slow: {does: reads, args: {}, returns: trusted}
rules:
  - {allow: note, id: notes}
  - {allow: pay, id: small, when: {amount: {at_most: 50}}}
  - {ask: pay, id: big, when: {amount: {more_than: 50}}, approval: lead}
  - {allow: mail, id: own-address, when: {to: {same_as: fact.customer.email}}}
  - {allow: lookup, id: look}
  - {allow: fetch, id: api, when: {url: {scheme: https, host: api.example.com}}}
  - {allow: slow, id: slowly, deadline: 1s}
budgets:
  - {budget: pay, id: day, sum: USD, at_most: 100, per: day UTC, for_each: principal.id}
approvals:
  lead: {from: {role: lead}, valid: 15m}
redact: {args: {text: [email], body: [credit_card]}, result: [secret, credit_card]}
"#;

/// A GitHub token is 30 random base62 digits and their CRC32; this one is valid in form and was never issued.
const TOKEN: &str = "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";

fn kinds(world: &World) -> Vec<EntryKind> {
    world.entries().into_iter().map(|entry| entry.kind).collect()
}

#[test]
fn an_allowed_call_runs_once_between_its_intent_and_its_outcome() {
    let world = World::new(POLICY);
    let done = world.enforcer.enforce(call("note", r#"{"text":"hello"}"#), world.tool()).unwrap();
    let value = Value::from_json(br#"{"text":"hello"}"#).unwrap();
    assert_eq!(done, Completed::Released { value, effect: EffectStatus::Happened });
    assert_eq!(world.ran(), 1);
    assert_eq!(kinds(&world), [EntryKind::Genesis, EntryKind::Policy, EntryKind::Intent, EntryKind::Outcome]);
}

#[test]
fn a_refused_call_does_not_run_and_its_twin_does() {
    for (refused, code, twin) in [
        (("pay", r#"{"amount":"50"}"#), "wrong_type", ("pay", r#"{"amount":50}"#)),
        (("pay", r#"{}"#), "missing_argument", ("pay", r#"{"amount":49.99}"#)),
        (("pay", r#"{"amount":1,"to":"x"}"#), "undeclared_argument", ("pay", r#"{"amount":1}"#)),
        (("note ", r#"{"text":"a"}"#), "bad_tool_name", ("note", r#"{"text":"a"}"#)),
        (("nоte", r#"{"text":"a"}"#), "lookalike_tool", ("note", r#"{"text":"a"}"#)),
        (("remove", r#"{}"#), "unknown_tool", ("slow", r#"{}"#)),
        (
            ("fetch", r#"{"url":"https://api.example.com.evil.test/"}"#),
            "no_rule",
            ("fetch", r#"{"url":"https://api.example.com/"}"#),
        ),
    ] {
        let world = World::new(POLICY);
        let error = world.enforcer.enforce(call(refused.0, refused.1), world.tool()).unwrap_err();
        assert_eq!((error.code.as_str(), world.ran(), error.recorded), (code, 0, true), "{refused:?}: {error}");
        assert_eq!(kinds(&world).last(), Some(&EntryKind::Denial));
        world.enforcer.enforce(call(twin.0, twin.1), world.tool()).unwrap();
        assert_eq!(world.ran(), 1, "{twin:?}");
    }
}

#[test]
fn a_log_that_cannot_be_written_refuses_the_call() {
    let faults: [fn(&World); 3] = [
        |world| world.store.fail_append.store(true, Ordering::SeqCst),
        |world| world.store.fail_sync.store(true, Ordering::SeqCst),
        |world| world.store.fail_turn.store(true, Ordering::SeqCst),
    ];
    for inject in faults {
        let world = World::new(POLICY);
        world.enforcer.enforce(call("note", r#"{"text":"before"}"#), world.tool()).unwrap();
        inject(&world);
        let error = world.enforcer.enforce(call("note", r#"{"text":"after"}"#), world.tool()).unwrap_err();
        assert_eq!((error.kind, error.code.as_str(), world.ran()), (Refusal::EnforcementFailed, "log_unavailable", 1));
    }
}

#[test]
fn no_effect_without_an_acknowledged_intent() {
    let world = World::new(POLICY);
    let store = world.store.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&seen);
    let synced_before = store.syncs.load(Ordering::SeqCst);
    let run = move |permit: enforcecore::outcome::Permit| {
        let entries = support::entries(&store.contents());
        inside.lock().unwrap().push((entries.last().cloned(), store.syncs.load(Ordering::SeqCst)));
        Outcome::Done(Value::Map(permit.call().args().clone()))
    };
    world.enforcer.enforce(call("note", r#"{"text":"x"}"#), run).unwrap();
    let (entry, syncs) = seen.lock().unwrap().remove(0);
    let entry = entry.unwrap();
    assert_eq!(
        (entry.kind, entry.mode, entry.durability),
        (EntryKind::Intent, Some(Mode::Closed), Some(Durability::Strict))
    );
    assert!(syncs > synced_before, "the intent is on stable storage while the tool runs");
}

#[test]
fn an_outcome_that_cannot_be_recorded_withholds_the_result() {
    let world = World::new(POLICY);
    let fail = Arc::clone(&world.store.fail_append);
    let run = move |_| {
        fail.store(true, Ordering::SeqCst);
        Outcome::Done(Value::from("done"))
    };
    let done = world.enforcer.enforce(call("note", r#"{"text":"x"}"#), run).unwrap();
    assert!(
        matches!(done, Completed::Withheld { code, effect: EffectStatus::Happened, .. } if code == "log_unavailable"),
        "{done:?}"
    );
    let next = world.enforcer.enforce(call("note", r#"{"text":"y"}"#), world.tool()).unwrap_err();
    assert_eq!((next.code.as_str(), world.ran()), ("log_unavailable", 0));
}

#[test]
fn a_void_call_says_whether_the_log_has_it() {
    for fails in [false, true] {
        let world = World::new(POLICY);
        let fail = Arc::clone(&world.store.fail_append);
        let run = move |_| {
            fail.store(fails, Ordering::SeqCst);
            Outcome::NotStarted { code: enforcecore::codes::call::NOT_STARTED, why: "no program".to_owned() }
        };
        let refused = world.enforcer.enforce(call("note", r#"{"text":"x"}"#), run).unwrap_err();
        assert_eq!((refused.code.as_str(), refused.recorded), ("not_started", !fails));
        let last = support::entries(&world.store.contents()).pop().unwrap().kind;
        assert_eq!(last, if fails { EntryKind::Intent } else { EntryKind::Void });
    }
}

#[test]
fn a_tool_that_panics_fails_or_is_late_is_settled_and_the_next_call_runs() {
    type Run = fn(&World) -> Outcome;
    let cases: [(Run, &str); 5] = [
        (|_| Outcome::Unreadable(Malformed::new(code::UNSUPPORTED_TYPE, "a `Socket`")), "unsupported_type"),
        (|_| panic!("secret inside"), "tool_crashed"),
        (|_| Outcome::Failed("no such ticket".to_owned()), "tool_failed"),
        (|_| Outcome::Overdue(Stopped::RunsOn), "deadline_exceeded"),
        (
            |world| {
                world.clock.pass(1_000_001);
                Outcome::Done(Value::from("late"))
            },
            "deadline_exceeded",
        ),
    ];
    for (run, expected) in cases {
        let world = World::new(POLICY);
        let done = world.enforcer.enforce(call("slow", "{}"), |_| run(&world)).unwrap();
        let code = match done {
            Completed::Failed { code, .. } | Completed::Withheld { code, .. } => code.as_str(),
            Completed::Released { .. } => "released",
        };
        assert_eq!(code, expected);
        let last = world.entries().pop().unwrap();
        assert_eq!((last.kind, last.code.as_deref()), (EntryKind::Outcome, Some(expected)));
        world.enforcer.enforce(call("slow", "{}"), world.tool()).unwrap();
        assert_eq!(world.ran(), 1);
    }
}

#[test]
fn a_tool_that_never_started_gives_its_budget_back_and_one_that_failed_does_not() {
    for (outcome, fits_again) in [
        (Outcome::NotStarted { code: code::NOT_STARTED, why: "spawn failed".to_owned() }, true),
        (Outcome::Crashed, false),
        (Outcome::Overdue(Stopped::RunsOn), false),
    ] {
        let world = World::new(POLICY);
        for _ in 0..2 {
            let pay = call("pay", r#"{"amount":50}"#);
            let end = world.enforcer.enforce(pay, |_| outcome.clone());
            assert_eq!(end.is_err(), fits_again, "not started is a refusal");
        }
        let third = world.enforcer.enforce(call("pay", r#"{"amount":1}"#), world.tool());
        assert_eq!(third.is_ok(), fits_again);
        assert_eq!(third.err().map(|refused| refused.code.as_str()), (!fits_again).then_some("budget_exceeded"));
    }
}

#[test]
fn a_budget_is_exact_for_its_principal_and_its_day() {
    let world = World::new(POLICY);
    let pay = |amount: &str| world.enforcer.enforce(call("pay", &format!(r#"{{"amount":{amount}}}"#)), world.tool());
    pay("50").unwrap();
    pay("49.999999").unwrap();
    assert_eq!(pay("0.000002").unwrap_err().code, "budget_exceeded");
    pay("0.000001").unwrap();
    let mut other = call("pay", r#"{"amount":50}"#);
    other.context.principal = support::map(r#"{"id":"ben"}"#);
    world.enforcer.enforce(other, world.tool()).unwrap();
    let mut nobody = call("pay", r#"{"amount":1}"#);
    nobody.context.principal = support::map("{}");
    let refused = world.enforcer.enforce(nobody, world.tool()).unwrap_err();
    assert!(refused.reason.contains("cannot be counted"), "{refused}");
    world.clock.pass(12 * 3_600_000_000);
    pay("50").unwrap();
    assert_eq!(world.ran(), 5);
}

#[test]
fn a_fact_comes_from_a_trusted_result_once() {
    let world = World::new(POLICY);
    let mail = |to: &str| {
        let call = call("mail", &format!(r#"{{"to":"{to}","body":"hi"}}"#));
        world.enforcer.enforce(call, world.tool())
    };
    let lookup = |email: &str| {
        let result = Value::from_json(format!(r#"{{"email":"{email}"}}"#).as_bytes()).unwrap();
        world.enforcer.enforce(call("lookup", r#"{"id":"1"}"#), |_| Outcome::Done(result)).unwrap();
    };
    assert_eq!(mail("jo@example.com").unwrap_err().code, "no_rule");
    lookup("jo@example.com");
    mail("jo@example.com").unwrap();
    assert_eq!(mail("eve@example.com").unwrap_err().code, "no_rule");
    lookup("jo@example.com");
    mail("jo@example.com").unwrap();
    lookup("eve@example.com");
    assert_eq!(mail("jo@example.com").unwrap_err().code, "no_rule");
    assert_eq!(mail("eve@example.com").unwrap_err().code, "no_rule");
    assert_eq!(world.ran(), 2);
}

#[test]
fn state_is_rebuilt_from_the_log_alone() {
    let world = World::new(POLICY);
    world.enforcer.enforce(call("pay", r#"{"amount":50}"#), world.tool()).unwrap();
    world
        .enforcer
        .enforce(call("pay", r#"{"amount":50}"#), |_| Outcome::NotStarted {
            code: code::NOT_STARTED,
            why: String::new(),
        })
        .unwrap_err();
    let email = Value::from_json(br#"{"email":"jo@example.com"}"#).unwrap();
    world.enforcer.enforce(call("lookup", r#"{"id":"1"}"#), |_| Outcome::Done(email)).unwrap();
    let again = support::open_log(world.store.clone(), Arc::clone(&world.clock)).unwrap();
    again.view(|folded| world.log.view(|kept| assert_eq!(folded, kept)));
}

#[test]
fn decided_committed_and_executed_are_the_same_bytes() {
    let world = World::new(POLICY);
    let original = call("note", r#"{"text":"write to jo@example.com, jo@example.com"}"#);
    let admitted = world.enforcer.begin(original, BeginMode::Split).unwrap();
    let executed = admitted.call().clone();
    assert_eq!(executed.args()["text"], Value::from("write to EC_EMAIL_1, EC_EMAIL_1"));
    world.enforcer.finish(admitted, Outcome::Done(Value::Null)).unwrap().unwrap();
    let entries = world.entries();
    let intent = entries.iter().find(|entry| entry.kind == EntryKind::Intent).unwrap();
    assert_eq!(intent.commitment.as_deref(), Some(world.log.keyer().name("call", &executed.digest()).as_str()));
    assert_eq!(intent.redactions.get("email"), Some(&2));
}

#[test]
fn what_was_redacted_appears_nowhere() {
    let world = World::new(POLICY);
    let secret = TOKEN.to_owned();
    let leak = secret.clone();
    let run = move |_| Outcome::Done(Value::from(format!("the token is {leak}")));
    let done = world.enforcer.enforce(call("slow", "{}"), run).unwrap();
    let leak = secret.clone();
    let failed =
        world.enforcer.enforce(call("slow", "{}"), move |_| Outcome::Failed(format!("bad token {leak}"))).unwrap();
    let card = "4111 1111 1111 1111";
    let refused = world.enforcer.enforce(call("pay", &format!(r#"{{"amount":"{card}"}}"#)), world.tool()).unwrap_err();
    let log = String::from_utf8(world.store.contents()).unwrap();
    for (what, text) in
        [("log", log), ("result", format!("{done:?}")), ("error", format!("{failed:?} {refused:?} {refused}"))]
    {
        assert!(!text.contains(&secret), "{what}");
        assert!(!text.contains(card), "{what}");
    }
    assert!(format!("{done:?}").contains("EC_GITHUB_TOKEN_1"), "{done:?}");
}

#[test]
fn an_argument_that_is_executed_is_never_rewritten() {
    let policy = POLICY.replace(
        "redact: {args: {text: [email], body: [credit_card]}",
        "redact: {args: {every_string: [url_credentials]}",
    );
    let world = World::new(&policy);
    let fetch = |url: &str| world.enforcer.enforce(call("fetch", &format!(r#"{{"url":"{url}"}}"#)), world.tool());
    let refused = fetch("https://api.example.com/?next=ftp://user:hunter2pass@host.test/").unwrap_err();
    assert_eq!((refused.code.as_str(), world.ran()), ("finding_in_executed_argument", 0));
    fetch("https://api.example.com/?next=ftp://host.test/").unwrap();
    assert_eq!(world.ran(), 1);
    // What the rules deny anyway keeps their reason.
    let refused = fetch("https://other.example.com/?next=ftp://user:hunter2pass@host.test/").unwrap_err();
    assert_eq!((refused.code.as_str(), world.ran()), ("no_rule", 1));
}

#[test]
fn the_name_of_an_argument_is_never_rewritten() {
    let policy = "enforcecore: 1\nname: names\nversion: \"1\"\ntools: {any: undeclared}\nrules: [{allow: any, id: any, when: {every_string: {any: true}}}]\nredact: {args: {every_string: [email]}}\n";
    let world = World::new(policy);
    let any = |args: &str| world.enforcer.enforce(call("any", args), world.tool());
    let refused = any(r#"{"of jo@example.com":"x"}"#).unwrap_err();
    assert_eq!((refused.code.as_str(), world.ran()), ("finding_in_executed_argument", 0));
    assert!(!refused.to_string().contains("jo@example.com"), "{refused}");
    let redacted = any(r#"{"of jo":"jo@example.com"}"#).unwrap();
    assert!(format!("{redacted:?}").contains("EC_EMAIL_1"), "{redacted:?}");
    let nested = any(r#"{"of":{"jo@example.com":"x"}}"#).unwrap();
    assert!(format!("{nested:?}").contains("EC_EMAIL_1"), "{nested:?}");
    assert_eq!(world.ran(), 2);
}

/// The folder that a path is relative to is the host's own word; what the caller wrote is looked at even where it leads back.
#[test]
fn of_a_path_what_the_caller_wrote_is_looked_at() {
    let policy = "enforcecore: 1\nname: paths\nversion: \"1\"\ntools: {read: {does: reads, args: {p: path}, returns: web}}\nrules: [{allow: read, id: any}]\nredact: {args: {every_string: [email]}}\n";
    let world = World::new(policy);
    let check = |cwd: &str, path: &str, expected: Result<(), &str>| {
        let (mut made, ran) = (call("read", &format!(r#"{{"p":"{path}"}}"#)), world.ran());
        made.context.session.insert("cwd".to_owned(), cwd.into());
        let ended = world.enforcer.enforce(made, world.tool()).map(drop).map_err(|refused| refused.code.as_str());
        assert_eq!((ended, world.ran() > ran), (expected, expected.is_ok()), "{cwd} {path}");
    };
    check("/home/jo@example.com", "a", Ok(()));
    check("/home/jo", "jo@example.com/a", Err("finding_in_executed_argument"));
    check("/home/jo", "jo@example.com/../a", Err("finding_in_executed_argument"));
    check("/home/jo", "jo/../a", Ok(()));
}

#[test]
fn every_call_is_accounted_for_once() {
    let world = World::new(POLICY);
    let split = |finish: Option<Outcome>| {
        let admitted = world.enforcer.begin(call("note", r#"{"text":"x"}"#), BeginMode::Split).unwrap();
        match finish {
            Some(outcome) => drop(world.enforcer.finish(admitted, outcome).unwrap()),
            None => drop(admitted),
        }
    };
    split(Some(Outcome::Done(Value::Null)));
    split(Some(Outcome::NotStarted { code: code::NOT_STARTED, why: "never".to_owned() }));
    split(None);
    world.enforcer.enforce(call("remove", "{}"), world.tool()).unwrap_err();
    let expected = [
        EntryKind::Genesis,
        EntryKind::Policy,
        EntryKind::Intent,
        EntryKind::Outcome,
        EntryKind::Intent,
        EntryKind::Void,
        EntryKind::Intent,
        EntryKind::Abandoned,
        EntryKind::Denial,
    ];
    assert_eq!(kinds(&world), expected);
}

/// The log has one word for a tool that failed and one that was given up, and one for every tool that a face ran by itself.
#[test]
fn a_cancelled_call_ends_as_a_failed_one_and_an_awaited_one_begins_as_a_split_one() {
    let lines = |mode: BeginMode, outcome: Outcome| {
        let world = World::new(POLICY);
        let made = |id| Call { id: CallId::from_text(id).unwrap(), ..call("note", r#"{"text":"x"}"#) };
        let admitted = world.enforcer.begin(made("c1"), mode).unwrap();
        let split = world.enforcer.finish(admitted, outcome.clone()).unwrap().unwrap();
        let closed = world.enforcer.enforce(made("c2"), |_| outcome).unwrap();
        for ended in [split, closed] {
            let unknown = matches!(ended, Completed::Failed { value: None, effect: EffectStatus::Unknown, .. });
            assert!(unknown, "{ended:?}");
        }
        String::from_utf8(world.store.contents()).unwrap()
    };
    let expected = lines(BeginMode::Split, Outcome::Failed("the client cancelled this call".to_owned()));
    assert_eq!(lines(BeginMode::Split, Outcome::Cancelled), expected);
    assert_eq!(lines(BeginMode::Awaited, Outcome::Cancelled), expected);
    assert_ne!(lines(BeginMode::Hook, Outcome::Cancelled), expected);
}

#[test]
fn an_admitted_call_that_is_too_old_ends_as_abandoned() {
    let world = World::new(POLICY);
    let admitted = world.enforcer.begin(call("note", r#"{"text":"x"}"#), BeginMode::Split).unwrap();
    world.clock.pass(25 * 3_600_000_000);
    assert_eq!(world.enforcer.finish(admitted, Outcome::Done(Value::Null)).unwrap_err(), FinishError::Expired);
    assert_eq!(kinds(&world).last(), Some(&EntryKind::Abandoned));
}

/// Says yes to whatever it was told to, once it was asked.
#[derive(Default)]
struct Lead {
    asked: Mutex<Vec<[u8; 32]>>,
    grants: Mutex<Vec<([u8; 32], Grant)>>,
}

impl Approver for Lead {
    fn ask(&self, approval: ApprovalRequest<'_>, call: &FrozenCall) -> AskOutcome {
        let terms = approval.terms.unwrap();
        assert_eq!((approval.name, &terms.from), ("lead", &ApprovalFrom::Role("lead".to_owned())));
        self.asked.lock().unwrap().push(call.digest());
        AskOutcome::Delivered { expires_us: support::NOON_US + 900_000_000 }
    }

    fn grant(&self, _approval: ApprovalRequest<'_>, digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        self.grants.lock().unwrap().iter().find(|(call, _)| call == digest).map(|(_, grant)| grant.clone())
    }
}

#[test]
fn an_approval_holds_for_one_canonical_call_once_and_until_it_expires() {
    let lead = Arc::new(Lead::default());
    let world = World::with(POLICY, Durability::Strict, Some(Arc::clone(&lead) as Arc<dyn Approver>));
    let pay = |amount: i64| world.enforcer.enforce(call("pay", &format!(r#"{{"amount":{amount}}}"#)), world.tool());
    let pending = pay(60).unwrap_err();
    assert!(matches!(pending.kind, Refusal::Pending { .. }), "{pending:?}");
    let yes = |id: &str, expires_us: i64| {
        let digest = *lead.asked.lock().unwrap().last().unwrap();
        let (id, approver, given_us) = (id.to_owned(), "lee".to_owned(), world.clock.wall_us());
        let grant = Grant { id, approver, given_us, expires_us };
        *lead.grants.lock().unwrap() = vec![(digest, grant)];
    };
    yes("g1", support::NOON_US);
    assert_eq!(pay(60).unwrap_err().code, "approval_required", "an expired grant");
    yes("g1", support::NOON_US + 1);
    assert_eq!(pay(61).unwrap_err().code, "approval_required", "another call");
    yes("g1", support::NOON_US + 1);
    lead.asked.lock().unwrap().clear();
    assert_eq!(world.ran(), 0);
    let digest_of_60 = pay(60).unwrap_err();
    assert_eq!(digest_of_60.code, "approval_required");
    // Five minutes to midnight: the second payment is in the next day's budget, and the first one's approval is still valid.
    const DAY_US: i64 = 86_400_000_000;
    world.clock.pass(DAY_US / 2 - 300_000_000);
    yes("g2", i64::MAX);
    lead.grants.lock().unwrap()[0].1.given_us += 1;
    assert_eq!(pay(60).unwrap_err().code, "approval_required", "a grant that was given later than now");
    yes("g2", i64::MAX);
    pay(60).unwrap();
    world.clock.pass(600_000_000);
    assert_eq!(pay(60).unwrap_err().code, "approval_required", "a grant is used once");
    assert_eq!(world.ran(), 1);
    yes("g3", i64::MAX);
    pay(60).unwrap();
    // The policy says `valid: 15m`: whatever the grant itself says, it may not be used later than that.
    world.clock.pass(DAY_US);
    for (wait_us, runs) in [(900_000_000, 2), (899_999_999, 3)] {
        yes("g4", i64::MAX);
        world.clock.pass(wait_us);
        assert_eq!((pay(60).is_ok(), world.ran()), (runs == 3, runs));
    }
    assert!(kinds(&world).contains(&EntryKind::Pending));
}

/// It is unknown whether the tool of an abandoned call ran, so what the call took is gone; a void one gives it back.
#[test]
fn an_abandoned_call_keeps_its_budget_and_its_grant() {
    for (abandoned, code) in [(true, Some("approval_required")), (false, None)] {
        let lead = Arc::new(Lead::default());
        let policy = POLICY.replace("at_most: 100,", "at_most: 120,");
        let world = World::with(&policy, Durability::Strict, Some(Arc::clone(&lead) as Arc<dyn Approver>));
        let pay = |amount: i64| call("pay", &format!(r#"{{"amount":{amount}}}"#));
        assert_eq!(world.enforcer.begin(pay(60), BeginMode::Split).unwrap_err().code, "approval_required");
        let digest = lead.asked.lock().unwrap()[0];
        let grant =
            Grant { id: "g".to_owned(), approver: "lee".to_owned(), given_us: support::NOON_US, expires_us: i64::MAX };
        lead.grants.lock().unwrap().push((digest, grant));
        let admitted = world.enforcer.begin(pay(60), BeginMode::Split).unwrap();
        match abandoned {
            true => drop(admitted),
            false => {
                let outcome = Outcome::NotStarted { code: code::NOT_STARTED, why: "spawn failed".to_owned() };
                world.enforcer.finish(admitted, outcome).unwrap().unwrap_err();
            }
        }
        let ended = if abandoned { EntryKind::Abandoned } else { EntryKind::Void };
        assert_eq!(kinds(&world).last(), Some(&ended));
        let again = world.enforcer.enforce(pay(60), world.tool());
        assert_eq!((again.err().map(|refused| refused.code.as_str()), world.ran()), (code, usize::from(!abandoned)));
        // Of 120, 60 are taken: by the call that was never finished, or by the one that ran.
        world.enforcer.enforce(pay(50), world.tool()).unwrap();
        assert_eq!(world.enforcer.enforce(pay(11), world.tool()).unwrap_err().code, "budget_exceeded");
    }
}

#[test]
fn where_nobody_can_be_asked_an_ask_denies() {
    let world = World::new(POLICY);
    let refused = world.enforcer.enforce(call("pay", r#"{"amount":60}"#), world.tool()).unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str(), world.ran()), (Refusal::Denied, "no_approver", 0));
    world.enforcer.enforce(call("pay", r#"{"amount":50}"#), world.tool()).unwrap();
    assert_eq!(world.ran(), 1);
}

#[test]
fn a_reload_between_decision_and_intent_decides_again() {
    let without = |rule: &str| POLICY.replace(&format!("  - {rule}\n"), "").replace("name: line", "name: reloaded");
    for (rule, runs) in [("{allow: note, id: notes}", 0), ("{allow: slow, id: slowly, deadline: 1s}", 1)] {
        let world = World::new(POLICY);
        let (enforcer, reloaded) = (world.enforcer.clone(), support::load(&without(rule)));
        let (call, tool) = (call("note", r#"{"text":"x"}"#), world.tool());
        std::thread::scope(|scope| {
            // The call is decided before it takes the log's turn; there the new policy overtakes it.
            world.store.at_next_turn(move || {
                let reloading = enforcer.clone();
                std::thread::spawn(move || reloading.rebind(reloaded).unwrap());
                while enforcer.policy().name != "reloaded" {
                    std::thread::yield_now();
                }
            });
            scope.spawn(|| world.enforcer.enforce(call, tool));
        });
        assert_eq!(world.ran(), runs, "without {rule}");
    }
}

#[test]
fn what_a_face_cannot_do_refuses_the_policy() {
    let policy = support::load(POLICY);
    assert!(policy.exceeds(&support::FACE).is_empty());
    let weak = support::FACE.without(enforcecore::capabilities::Capability::RewriteResults);
    assert!(!policy.exceeds(&weak).is_empty());
    let forgetful = support::FACE.without(enforcecore::capabilities::Capability::KeepState);
    assert!(!policy.exceeds(&forgetful).is_empty());
}

#[test]
fn a_policy_that_counts_refuses_a_buffered_log() {
    let outcome = std::panic::catch_unwind(|| World::with(POLICY, Durability::Buffered, None));
    assert!(outcome.is_err());
    let stateless = "enforcecore: 1\nname: s\nversion: \"1\"\ntools: {note: {does: reads, args: {}, returns: trusted}}\nrules: [{allow: note, id: notes}]\n";
    let world = World::with(stateless, Durability::Buffered, None);
    world.enforcer.enforce(call("note", "{}"), world.tool()).unwrap();
    assert_eq!(world.ran(), 1);
    assert_eq!(kinds(&world).last(), Some(&EntryKind::Outcome));
}

#[test]
fn many_threads_never_exceed_a_budget() {
    let world = World::new(POLICY);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..5).for_each(|_| drop(world.enforcer.enforce(call("pay", r#"{"amount":7}"#), world.tool())))
            });
        }
    });
    assert_eq!(world.ran(), 14, "14 payments of 7 fit into 100, and no more");
}
