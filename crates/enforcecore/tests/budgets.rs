//! Budgets: how long each window is, to the microsecond and over every seam of a calendar; and what a budget counts.
#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enforcecore::audit::Durability;
use enforcecore::call::{FrozenCall, Malformed};
use enforcecore::codes::call as code;
use enforcecore::outcome::{BeginMode, Outcome, Refusal, Stopped};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant};
use enforcecore::value::Value;
use jiff::Timestamp;
use support::{World, call, map};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 86_400_000_000;

fn window(per: &str, at_most: u64) -> World {
    World::new(&format!(
        "enforcecore: 1\nname: windows\nversion: \"1\"\ntools: {{look: {{does: reads, args: {{}}, returns: trusted}}}}\nrules: [{{allow: look, id: look}}]\nbudgets: [{{budget: look, id: few, count: calls, at_most: {at_most}, per: {per}, for_each: everyone}}]\n"
    ))
}

/// Whether a call fits at this moment; one that fits has taken.
fn fits(world: &World, us: i64) -> bool {
    world.clock.wall_us.store(us, Ordering::SeqCst);
    let before = world.ran();
    let end = world.enforcer.enforce(call("look", "{}"), world.tool());
    assert_eq!(world.ran() - before, usize::from(end.is_ok()));
    assert_eq!(end.as_ref().err().map_or("budget_exceeded", |refused| refused.code.as_str()), "budget_exceeded");
    end.is_ok()
}

fn at(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().as_microsecond()
}

/// Two moments that lie in one window of a calendar, or in two.
const CALENDAR: &[(&str, &str, &str, bool)] = &[
    // An hour is a clock hour.
    ("hour UTC", "2026-03-01T12:00:00Z", "2026-03-01T12:59:59.999999Z", true),
    ("hour UTC", "2026-03-01T12:59:59.999999Z", "2026-03-01T13:00:00Z", false),
    ("hour UTC", "2026-03-01T12:30:00Z", "2026-03-02T12:30:00Z", false),
    ("hour UTC", "2026-03-01T12:30:00Z", "2026-03-01T00:30:00Z", false),
    ("hour UTC", "2026-03-01T12:30:00Z", "2026-04-01T12:30:00Z", false),
    ("hour UTC", "2026-03-01T12:30:00Z", "2027-03-01T12:30:00Z", false),
    ("hour UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", false),
    ("hour Asia/Kolkata", "2026-03-01T12:29:59Z", "2026-03-01T12:30:00Z", false),
    ("hour Asia/Kolkata", "2026-03-01T12:30:00Z", "2026-03-01T13:29:59Z", true),
    ("hour Asia/Kathmandu", "2026-03-01T12:14:59Z", "2026-03-01T12:15:00Z", false),
    // At the end of summer time one hour comes twice, and is two.
    ("hour Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", false),
    ("hour Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:59:59.999999Z", true),
    ("hour Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59.999999Z", true),
    ("hour Europe/Berlin", "2026-10-25T00:59:59.999999Z", "2026-10-25T01:00:00Z", false),
    ("hour America/New_York", "2026-11-01T05:15:00Z", "2026-11-01T06:15:00Z", false),
    ("hour America/New_York", "2026-11-01T05:15:00Z", "2026-11-01T05:45:00Z", true),
    ("hour Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", false),
    // At its beginning an hour is left out: the one before and the one after are two.
    ("hour Europe/Berlin", "2026-03-29T00:59:59.999999Z", "2026-03-29T01:00:00Z", false),
    ("hour Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:59:59Z", true),
    ("hour America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z", false),
    // A day begins at its zone's midnight, whatever the day in UTC.
    ("day UTC", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59.999999Z", true),
    ("day UTC", "2026-03-01T23:59:59.999999Z", "2026-03-02T00:00:00Z", false),
    ("day UTC", "2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z", false),
    ("day UTC", "2026-03-01T12:00:00Z", "2027-03-01T12:00:00Z", false),
    ("day UTC", "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z", false),
    ("day UTC", "2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z", false),
    ("day America/New_York", "2026-03-02T04:59:59.999999Z", "2026-03-02T05:00:00Z", false),
    ("day America/New_York", "2026-03-01T23:00:00Z", "2026-03-02T04:59:59Z", true),
    ("day America/New_York", "2026-07-02T03:59:59Z", "2026-07-02T04:00:00Z", false),
    ("day America/New_York", "2026-07-02T04:00:00Z", "2026-07-03T03:59:59Z", true),
    ("day Asia/Tokyo", "2026-03-01T14:59:59.999999Z", "2026-03-01T15:00:00Z", false),
    ("day Asia/Tokyo", "2026-03-01T15:00:00Z", "2026-03-02T14:59:59Z", true),
    ("day Asia/Kolkata", "2026-03-01T18:29:59Z", "2026-03-01T18:30:00Z", false),
    ("day Pacific/Kiritimati", "2026-03-01T09:59:59Z", "2026-03-01T10:00:00Z", false),
    ("day Pacific/Kiritimati", "2026-03-01T10:00:00Z", "2026-03-02T09:59:59Z", true),
    // 23 hours long, and 25.
    ("day Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z", true),
    ("day Europe/Berlin", "2026-03-29T21:59:59.999999Z", "2026-03-29T22:00:00Z", false),
    ("day Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999Z", true),
    ("day Europe/Berlin", "2026-10-25T22:59:59.999999Z", "2026-10-25T23:00:00Z", false),
    // A midnight that there is none of, or two of.
    ("day America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-04T03:00:00Z", false),
    ("day America/Sao_Paulo", "2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z", true),
    // A week begins on Monday, and belongs to the year that most of it is in.
    ("week UTC", "2026-03-02T00:00:00Z", "2026-03-08T23:59:59.999999Z", true),
    ("week UTC", "2026-03-01T23:59:59.999999Z", "2026-03-02T00:00:00Z", false),
    ("week UTC", "2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z", false),
    ("week UTC", "2026-02-26T12:00:00Z", "2026-03-01T12:00:00Z", true),
    ("week UTC", "2026-12-28T00:00:00Z", "2027-01-03T23:59:59Z", true),
    ("week UTC", "2026-12-31T12:00:00Z", "2027-01-01T12:00:00Z", true),
    ("week UTC", "2027-01-03T23:59:59Z", "2027-01-04T00:00:00Z", false),
    ("week UTC", "2025-12-29T00:00:00Z", "2026-01-04T23:59:59Z", true),
    ("week UTC", "2025-12-28T23:59:59Z", "2025-12-29T00:00:00Z", false),
    ("week UTC", "2025-01-01T12:00:00Z", "2025-12-31T12:00:00Z", false),
    ("week UTC", "2024-12-30T12:00:00Z", "2024-01-02T12:00:00Z", false),
    ("week UTC", "2020-12-28T00:00:00Z", "2021-01-03T23:59:59Z", true),
    ("week UTC", "2021-01-01T12:00:00Z", "2021-12-31T12:00:00Z", false),
    ("week UTC", "2022-01-01T12:00:00Z", "2022-12-31T12:00:00Z", false),
    ("week UTC", "2026-03-04T12:00:00Z", "2027-03-03T12:00:00Z", false),
    ("week Asia/Tokyo", "2026-03-01T14:59:59Z", "2026-03-01T15:00:00Z", false),
    ("week America/New_York", "2026-03-02T00:30:00Z", "2026-03-01T12:00:00Z", true),
    ("week America/New_York", "2026-03-02T04:59:59Z", "2026-03-02T05:00:00Z", false),
    ("week Europe/Berlin", "2026-03-22T23:00:00Z", "2026-03-29T21:59:59Z", true),
    ("week Europe/Berlin", "2026-10-18T22:00:00Z", "2026-10-25T22:59:59Z", true),
    // A month ends on its last day, whichever that is.
    ("month UTC", "2026-03-01T00:00:00Z", "2026-03-31T23:59:59.999999Z", true),
    ("month UTC", "2026-03-31T23:59:59.999999Z", "2026-04-01T00:00:00Z", false),
    ("month UTC", "2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z", false),
    ("month UTC", "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", false),
    ("month UTC", "2028-02-28T23:59:59Z", "2028-02-29T23:59:59Z", true),
    ("month UTC", "2028-02-29T23:59:59Z", "2028-03-01T00:00:00Z", false),
    ("month UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", false),
    ("month UTC", "2026-03-15T12:00:00Z", "2027-03-15T12:00:00Z", false),
    ("month UTC", "2026-01-01T12:00:00Z", "2026-11-01T12:00:00Z", false),
    ("month America/New_York", "2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z", false),
    ("month America/New_York", "2026-03-01T04:59:59Z", "2026-02-01T05:00:00Z", true),
    ("month Asia/Tokyo", "2026-03-31T14:59:59Z", "2026-03-31T15:00:00Z", false),
    ("month Europe/Berlin", "2026-09-30T22:00:00Z", "2026-10-31T22:59:59Z", true),
];

#[test]
fn a_calendar_window_holds_the_moments_it_says() {
    for (per, first, second, one) in CALENDAR {
        for (a, b) in [(first, second), (second, first)] {
            let world = window(per, 1);
            assert!(fits(&world, at(a)));
            assert_eq!(fits(&world, at(b)), !one, "{per}: {a} and {b}");
            assert!(!fits(&world, at(b)), "{per}: {b} is taken, in one way or the other");
        }
    }
}

#[test]
fn a_window_that_is_over_is_open_again_for_as_many_as_before() {
    for (per, moments) in [
        ("hour UTC", ["2026-12-31T23:10:00Z", "2027-01-01T00:10:00Z", "2027-01-01T01:10:00Z"]),
        ("hour Europe/Berlin", ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
        ("day UTC", ["2026-12-31T01:00:00Z", "2027-01-01T23:00:00Z", "2027-01-02T00:00:00Z"]),
        ("week UTC", ["2026-12-27T01:00:00Z", "2027-01-01T23:00:00Z", "2027-01-04T00:00:00Z"]),
        ("month UTC", ["2026-12-31T01:00:00Z", "2027-01-31T23:00:00Z", "2027-02-01T00:00:00Z"]),
    ] {
        let world = window(per, 2);
        for moment in moments {
            let taken = [0, 1, 2].map(|us| fits(&world, at(moment) + us));
            assert_eq!(taken, [true, true, false], "{per} {moment}");
        }
    }
}

/// How long each length of time is, in microseconds.
const LENGTHS: &[(&str, i64)] = &[
    ("1m", 60_000_000),
    ("2m", 120_000_000),
    ("90m", 5_400_000_000),
    ("1h", 3_600_000_000),
    ("24h", 86_400_000_000),
    ("36h", 129_600_000_000),
    ("1d", 86_400_000_000),
    ("2d", 172_800_000_000),
    ("7d", 604_800_000_000),
    ("30d", 2_592_000_000_000),
    ("31d", 2_678_400_000_000),
];

#[test]
fn a_sliding_window_is_as_long_as_it_says_to_the_microsecond() {
    for (per, us) in LENGTHS {
        let start = at("2026-03-01T12:00:00Z");
        for (later, free) in [(0, false), (1, false), (us / 2, false), (us - 1, false), (*us, true), (us + 1, true)] {
            let world = window(per, 1);
            assert!(fits(&world, start));
            assert_eq!(fits(&world, start + later), free, "{per} {later}");
        }
    }
}

#[test]
fn a_sliding_window_gives_back_each_taking_in_its_turn() {
    let start = at("2026-03-01T12:00:00Z");
    let world = window("90m", 3);
    let minutes = |minutes: i64| start + minutes * MINUTE;
    for (minute, expected) in [
        (0, true),
        (30, true),
        (60, true),
        (89, false),
        (90, true),  // the first one is out
        (91, false), // 30, 60, 90
        (119, false),
        (120, true),  // the second one is out
        (121, false), // 60, 90, 120
        (150, true),
        (151, false), // 90, 120, 150
        (240, true),
        (241, true),
        (242, true),
        (243, false),
    ] {
        assert_eq!(fits(&world, minutes(minute)), expected, "{minute}");
    }
    // A call that is refused takes nothing, and so keeps no window closed.
    let world = window("1h", 1);
    assert!(fits(&world, start));
    assert!((1..60).all(|minute| !fits(&world, minutes(minute))));
    assert!(fits(&world, minutes(60)));
}

#[test]
fn a_session_and_all_time_have_no_end() {
    for per in ["session", "ever"] {
        let world = window(per, 1);
        let start = at("2026-03-01T12:00:00Z");
        assert!(fits(&world, start), "{per}");
        for later in [1, SECOND, MINUTE, HOUR, DAY, 7 * DAY, 31 * DAY, 366 * DAY, 3660 * DAY] {
            assert!(!fits(&world, start + later), "{per} {later}");
        }
    }
}

#[test]
fn a_length_of_time_is_its_digits_in_its_unit() {
    let policy = |deadline: &str, valid: &str| {
        format!(
            "enforcecore: 1\nname: lengths\nversion: \"1\"\ntools: {{look: {{does: reads, args: {{}}, returns: trusted}}}}\nrules: [{{ask: look, id: look, approval: lead, deadline: {deadline}}}]\napprovals: {{lead: {{from: {{role: lead}}, valid: {valid}}}}}\n"
        )
    };
    let short: &[(&str, i64)] =
        &[("1ms", 1_000), ("500ms", 500_000), ("1500ms", 1_500_000), ("1s", 1_000_000), ("30s", 30_000_000)];
    let whole: &[(&str, i64)] = &[("90s", 90_000_000), ("3600s", 3_600_000_000), ("2678400s", 2_678_400_000_000)];
    let lengths = || short.iter().chain(whole).chain(LENGTHS);
    for (length, us) in lengths() {
        let world = World::new(&policy(length, length));
        let decision = world.enforcer.decide_only(call("look", "{}"));
        assert_eq!(
            decision.obligations.deadline.map(|deadline| deadline.due.as_micros()),
            Some(*us as u128),
            "{length}"
        );
        let valid = world.enforcer.policy().approval_request(&decision.asks[0]).terms.unwrap().valid;
        assert_eq!(valid.as_micros(), *us as u128, "{length}");
    }
    let refused = |text: &str| {
        let text = enforcecore::ports::PolicyText { name: "p".to_owned(), bytes: text.as_bytes().to_vec() };
        let found = enforcecore::policy::Policy::load(text, &support::NoDocuments).expect_err("a bad length");
        found.into_iter().map(|one| one.code.as_str()).collect::<Vec<_>>()
    };
    for length in ["0s", "0ms", "32d", "745h", "44641m", "2678401s", "2678401000ms", "1w", "1M", "1D", "1us", "s", "15"]
    {
        assert_eq!(refused(&policy(length, "1h")), ["EC0024"], "{length}");
        assert_eq!(refused(&policy("1h", length)), ["EC0024"], "{length}");
    }
    for length in ["1.5h", "\"-1s\"", "\"+1s\"", "\"1 h\"", "\" 1h\"", "1h30m", "\"\""] {
        assert_eq!(refused(&policy(length, "1h")), ["EC0024"], "{length}");
    }
    let windows =
        ["500ms", "30s", "0m", "32d", "1w", "day", "day Nowhere/Land", "fortnight UTC", "days UTC", "Session"];
    for per in windows {
        let text = format!(
            "enforcecore: 1\nname: w\nversion: \"1\"\ntools: {{look: {{does: reads, args: {{}}, returns: trusted}}}}\nrules: [{{allow: look, id: look}}]\nbudgets: [{{budget: look, id: few, count: calls, at_most: 1, per: {per}, for_each: everyone}}]\n"
        );
        assert_eq!(refused(&text), ["EC0029"], "{per}");
    }
}

const COUNTS: &str = r#"
enforcecore: 1
name: counts
version: "1"
tools:
  pay: {does: pays, args: {amount: {type: money, currency: USD}, note: text}, returns: trusted}
approvals: {lead: {from: {role: lead}, valid: 15m}}
rules:
  - {allow: pay, id: small, when: {amount: {at_most: 50}, note: {any: true}}, deadline: 10s}
  - {ask: pay, id: big, when: {amount: {more_than: 50}}, approval: lead}
  - {deny: pay, id: never, when: {note: {equals: never}}}
budgets:
  - {budget: pay, id: total, sum: USD, at_most: 100, per: ever, for_each: everyone}
"#;

/// Says yes, or is reached and has not said anything yet.
struct Lead(AtomicBool);

impl Approver for Lead {
    fn ask(&self, _request: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, request: ApprovalRequest<'_>, digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let id = format!("{}-{digest:?}-{now_us}", request.name.unwrap_or_default());
        self.0.load(Ordering::SeqCst).then(|| Grant {
            id,
            approver: "lee".to_owned(),
            given_us: now_us,
            expires_us: i64::MAX,
        })
    }
}

fn counting(policy: &str, says_yes: bool) -> World {
    World::with(policy, Durability::Strict, Some(Arc::new(Lead(AtomicBool::new(says_yes))) as Arc<dyn Approver>))
}

fn pay(world: &World, amount: &str, note: &str, run: impl FnOnce() -> Outcome) -> &'static str {
    let pay = call("pay", &format!(r#"{{"amount":{amount},"note":"{note}"}}"#));
    match world.enforcer.enforce(pay, |_permit| run()) {
        Ok(_) => "ran",
        Err(refused) if matches!(refused.kind, Refusal::Pending { .. }) => "pending",
        Err(refused) => refused.code.as_str(),
    }
}

/// What is left of a hundred, to the millionth.
fn left(world: &World) -> u64 {
    let fits = |whole: u64| {
        let pay = call("pay", &format!(r#"{{"amount":{whole},"note":""}}"#));
        world.enforcer.decide_only(pay).code != "budget_exceeded"
    };
    (0..=50).rev().find(|whole| fits(*whole)).unwrap()
}

#[test]
fn a_tool_that_may_have_run_keeps_what_its_call_took_and_one_that_cannot_have_run_gives_it_back() {
    type End = (&'static str, fn(&World) -> Outcome, bool);
    const ENDS: [End; 13] = [
        ("done", |_| Outcome::Done(Value::Null), true),
        ("done in parts", |_| Outcome::DoneWith { value: Value::Null, structured: Value::Null }, true),
        ("unreadable", |_| Outcome::Unreadable(Malformed::new(code::NOT_JSON, "not JSON")), true),
        ("beyond limits", |_| Outcome::Done(Value::from("x".repeat(3 << 20))), true),
        ("failed", |_| Outcome::Failed("no".to_owned()), true),
        ("failed in parts", |_| Outcome::FailedWith(Value::Null), true),
        ("crashed", |_| Outcome::Crashed, true),
        ("panicked", |_| panic!("in the tool"), true),
        ("overdue", |_| Outcome::Overdue(Stopped::RunsOn), true),
        (
            "late",
            |world| {
                world.clock.pass(11 * SECOND);
                Outcome::Done(Value::Null)
            },
            true,
        ),
        ("not started", |_| Outcome::NotStarted { code: code::NOT_STARTED, why: "w".to_owned() }, false),
        ("cancelled", |_| Outcome::NotStarted { code: code::CANCELLED, why: "w".to_owned() }, false),
        ("path changed", |_| Outcome::NotStarted { code: code::PATH_CHANGED, why: "w".to_owned() }, false),
    ];
    for (name, run, kept) in ENDS {
        let world = counting(COUNTS, false);
        pay(&world, "50", "before", || Outcome::Done(Value::Null));
        pay(&world, "30", "", || run(&world));
        assert_eq!(left(&world), if kept { 20 } else { 50 }, "{name}");
        // In the split form too.
        let world = counting(COUNTS, false);
        pay(&world, "50", "before", || Outcome::Done(Value::Null));
        if name != "panicked" {
            let admitted = world.enforcer.begin(call("pay", r#"{"amount":30,"note":""}"#), BeginMode::Split).unwrap();
            assert_eq!(left(&world), 20, "{name}: while it runs it is taken");
            let outcome = run(&world);
            let _end = world.enforcer.finish(admitted, outcome).unwrap();
            assert_eq!(left(&world), if kept { 20 } else { 50 }, "{name}");
        }
        // After a restart too.
        let again = support::open_log(world.store.clone(), Arc::clone(&world.clock)).unwrap();
        again.view(|folded| world.log.view(|state| assert_eq!(folded, state, "{name}")));
    }
}

#[test]
fn a_call_that_nobody_finished_keeps_what_it_took() {
    for expired in [false, true] {
        let world = counting(COUNTS, false);
        pay(&world, "50", "before", || Outcome::Done(Value::Null));
        let admitted = world.enforcer.begin(call("pay", r#"{"amount":30,"note":""}"#), BeginMode::Split).unwrap();
        if expired {
            world.clock.pass(25 * HOUR);
            world
                .enforcer
                .finish(admitted, Outcome::NotStarted { code: code::NOT_STARTED, why: String::new() })
                .unwrap_err();
        } else {
            drop(admitted);
        }
        assert_eq!(left(&world), 20, "its tool may have run");
        let last = world.entries().pop().unwrap();
        assert_eq!(last.kind, enforcecore::audit::EntryKind::Abandoned);
    }
}

#[test]
fn a_call_that_does_not_start_takes_nothing() {
    for (amount, note, end) in [
        ("30", "never", "denied_by_rule"),
        (r#""30""#, "", "wrong_type"),
        ("-1", "", "wrong_type"),
        ("60", "", "pending"),
        ("101", "", "budget_exceeded"),
        ("1e300", "", "budget_exceeded"),
    ] {
        let world = counting(COUNTS, false);
        assert_eq!(pay(&world, "50", "before", || Outcome::Done(Value::Null)), "ran");
        let end = if amount == "60" { "budget_exceeded" } else { end };
        assert_eq!(pay(&world, amount, note, || panic!("it started")), end, "{amount} {note}");
        assert_eq!(left(&world), 50, "{amount} {note}");
    }
    let world = counting(COUNTS, false);
    assert_eq!(pay(&world, "60", "", || panic!("it started")), "pending");
    assert_eq!(left(&world), 50);
    assert_eq!(pay(&world, "50", "", || Outcome::Done(Value::Null)), "ran");
    assert_eq!(left(&world), 50, "what waits has taken nothing");
}

#[test]
fn what_is_approved_counts_and_what_is_approved_beyond_the_budget_too() {
    let world = counting(COUNTS, true);
    assert_eq!(pay(&world, "60", "", || Outcome::Done(Value::Null)), "ran");
    assert_eq!(left(&world), 40, "an approved call counts");
    // Beyond the budget, and approved.
    let beyond = COUNTS.replace("for_each: everyone", "for_each: everyone, over: ask, approval: lead");
    let lead = Arc::new(Lead(AtomicBool::new(true)));
    let yes = World::with(&beyond, Durability::Strict, Some(Arc::clone(&lead) as Arc<dyn Approver>));
    for amount in ["50", "10", "50"] {
        assert_eq!(pay(&yes, amount, "", || Outcome::Done(Value::Null)), "ran", "{amount}");
    }
    // 110 of 100 are taken: what would fit if the last one did not count has to be asked for.
    lead.0.store(false, Ordering::SeqCst);
    for amount in ["40", "30", "0.000001", "0"] {
        assert_eq!(pay(&yes, amount, "", || panic!("it started")), "pending", "{amount}");
    }
    lead.0.store(true, Ordering::SeqCst);
    // A call that was given up gives back what it took beyond the budget.
    let void = || Outcome::NotStarted { code: code::NOT_STARTED, why: String::new() };
    assert_eq!(pay(&yes, "49", "", void), "not_started");
    let taken: i64 = yes.entries().iter().flat_map(|entry| &entry.delta).filter_map(reserved).sum();
    assert_eq!(taken, 159_000_000, "each of the four stands in the log with what it took");
}

fn reserved(delta: &enforcecore::audit::Delta) -> Option<i64> {
    match delta {
        enforcecore::audit::Delta::Reserve { amount_micros, .. } => Some(*amount_micros),
        _ => None,
    }
}

#[test]
fn a_call_takes_from_every_budget_or_from_none() {
    let policy = COUNTS.replace(
        "budgets:\n",
        "budgets:\n  - {budget: pay, id: often, count: calls, at_most: 3, per: ever, for_each: everyone}\n  - {budget: pay, id: own, sum: amount, at_most: 60, per: ever, for_each: principal.id}\n",
    );
    let world = World::new(&policy);
    let pay = |who: &str, amount: &str| {
        let mut pay = call("pay", &format!(r#"{{"amount":{amount},"note":""}}"#));
        pay.context.principal = map(&format!(r#"{{"id":"{who}"}}"#));
        world.enforcer.enforce(pay, world.tool()).err().map(|refused| refused.rules)
    };
    let of = |rule: &str| Some(vec!["small".to_owned(), rule.to_owned()]);
    assert_eq!(pay("ana", "50"), None);
    assert_eq!(pay("ana", "20"), of("own"));
    assert_eq!(pay("ben", "50"), None);
    assert_eq!(pay("cem", "1"), of("total"));
    assert_eq!(pay("cem", "0"), None, "the refused ones did not count as calls");
    assert_eq!(pay("cem", "0"), of("often"));
    assert_eq!(world.ran(), 3);
}

#[test]
fn an_amount_is_rounded_up_and_a_bound_down() {
    // The bound, and per amount whether it fits.
    let table: &[(&str, &[(&str, bool)])] = &[
        ("1", &[("1", true), ("1.0", true), ("1.000000", true), ("1.000001", false), ("1.0000000001", false)]),
        (
            "0.000001",
            &[("0.000001", true), ("0.0000001", true), ("0.0000011", false), ("0.000002", false), ("0", true)],
        ),
        ("0.0000019", &[("0.000001", true), ("0.0000011", false), ("0.000002", false)]),
        ("0.0000011", &[("0.000001", true), ("0.0000011", false), ("0.000002", false)]),
        ("1.00000099", &[("1", true), ("1.0000001", false), ("1.00000099", false), ("1.000001", false)]),
        ("1.0000005", &[("1", true), ("1.000001", false)]),
        ("1.0000001", &[("1", true), ("1.000001", false)]),
        ("0.0000009", &[("0", true), ("0.0000001", false), ("0.0000009", false), ("0.000001", false)]),
        ("0", &[("0", true), ("0.0000000000001", false), ("0.000001", false)]),
    ];
    for (at_most, amounts) in table {
        for (amount, fits) in *amounts {
            // The bound as the policy says it, and as the host says it.
            for (written, session) in
                [(*at_most, "{}".to_owned()), ("session.bound", format!(r#"{{"bound":{at_most}}}"#))]
            {
                let world = World::new(&format!(
                    "enforcecore: 1\nname: money\nversion: \"1\"\ntools: {{pay: {{does: reads, args: {{amount: {{type: money, currency: USD}}}}, returns: trusted}}}}\nrules: [{{allow: pay, id: pay}}]\nbudgets: [{{budget: pay, id: sum, sum: USD, at_most: {written}, per: ever, for_each: everyone}}]\n"
                ));
                let mut pay = call("pay", &format!(r#"{{"amount":{amount}}}"#));
                pay.context.session = map(&session);
                let end = world.enforcer.enforce(pay, world.tool());
                assert_eq!(
                    (end.is_ok(), world.ran()),
                    (*fits, usize::from(*fits)),
                    "{amount} of {at_most} ({written})"
                );
            }
        }
    }
}

#[test]
fn what_is_finer_than_a_millionth_adds_up_in_nobodys_favour() {
    let world = counting(COUNTS, false);
    for _ in 0..3 {
        assert_eq!(pay(&world, "0.0000001", "", || Outcome::Done(Value::Null)), "ran");
    }
    assert_eq!(pay(&world, "50", "", || Outcome::Done(Value::Null)), "ran");
    assert_eq!(pay(&world, "49.999998", "", || Outcome::Done(Value::Null)), "budget_exceeded");
    assert_eq!(pay(&world, "49.999997", "", || Outcome::Done(Value::Null)), "ran");
}

#[test]
fn a_bound_that_is_not_known_or_no_bound_fits_nothing() {
    for bound in ["null", r#""5""#, "true", "[5]", "-1", "-0.000001", "1e300", "9007199254.740992"] {
        let world = World::new(
            "enforcecore: 1\nname: money\nversion: \"1\"\ntools: {pay: {does: reads, args: {amount: {type: money, currency: USD}}, returns: trusted}}\nrules: [{allow: pay, id: pay}]\nbudgets: [{budget: pay, id: sum, sum: USD, at_most: session.bound, per: ever, for_each: everyone}]\n",
        );
        for (bound, fits) in [(bound, false), ("5", true)] {
            let mut pay = call("pay", r#"{"amount":0}"#);
            pay.context.session = map(&format!(r#"{{"bound":{bound}}}"#));
            assert_eq!(world.enforcer.enforce(pay, world.tool()).is_ok(), fits, "{bound}");
        }
        assert_eq!(world.ran(), 1);
    }
}
