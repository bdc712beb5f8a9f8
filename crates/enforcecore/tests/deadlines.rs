//! Deadlines: what documents and rules say of them together, what progress does to them, what becomes of an overdue tool.
#![cfg(test)]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use enforcecore::audit::EntryKind;
use enforcecore::capabilities::Capability;
use enforcecore::codes::Code;
use enforcecore::decision::Deadline;
use enforcecore::outcome::{BeginMode, Completed, Outcome, Stopped};
use enforcecore::value::Value;
use support::{FACE, World, call, load};

const SECOND: i64 = 1_000_000;

fn policy(of_rule: &str, of_document: &str) -> String {
    format!(
        "enforcecore: 1\nname: deadlines\nversion: \"1\"\ntools: {{look: {{does: reads, returns: web}}}}\nrules: [{{allow: look, id: look{of_rule}}}]\n{of_document}\n"
    )
}

/// What a rule says, what its document says, and the seconds from the start, the seconds at most, whether it only withholds.
type Said = (&'static str, &'static str, Option<(u64, u64, bool)>);

const SAID: [Said; 13] = [
    ("", "", None),
    (", deadline: 5s", "", Some((5, 20, false))),
    ("", "deadline: 5s", Some((5, 20, false))),
    (", deadline: 5s, deadline_max: 5s", "", Some((5, 5, false))),
    (", deadline: 5s, deadline_max: 60s", "", Some((5, 60, false))),
    (", deadline: 5s, withhold_only: true", "", Some((5, 20, true))),
    (", deadline: 5s, withhold_only: false", "", Some((5, 20, false))),
    ("", "deadline: 5s\ndeadline_max: 6s\nwithhold_only: true", Some((5, 6, true))),
    // The tighter of two, in each respect.
    (", deadline: 5s", "deadline: 7s", Some((5, 20, false))),
    (", deadline: 7s, deadline_max: 9s", "deadline: 5s", Some((5, 9, false))),
    (", deadline: 5s, deadline_max: 60s", "deadline: 7s", Some((5, 28, false))),
    (", deadline: 5s, withhold_only: true", "deadline: 7s", Some((5, 20, false))),
    (", deadline: 5s, withhold_only: true", "deadline: 7s\nwithhold_only: true", Some((5, 20, true))),
];

#[test]
fn the_tighter_of_all_deadlines_holds_in_each_respect() {
    let secs = Duration::from_secs;
    for (rule, document, expected) in SAID {
        let world = World::new(&policy(rule, document));
        let decided = world.enforcer.decide_only(call("look", "{}")).obligations.deadline;
        let expected = expected.map(|(due, at_most, withhold_only)| Deadline {
            due: secs(due),
            at_most: secs(at_most),
            withhold_only,
        });
        assert_eq!(decided, expected, "{rule} {document}");
    }
}

/// A step in the life of a tool.
#[derive(Clone, Copy)]
enum Step {
    Takes(i64),
    Progress,
}

#[test]
fn progress_extends_a_deadline_up_to_its_bound_and_what_is_over_stays_over() {
    use Step::{Progress, Takes};
    const S: i64 = SECOND;
    // With `deadline: 10s, deadline_max: 25s`. Whether the result is seen.
    let lives: [(&[Step], bool); 12] = [
        (&[Takes(10 * S)], true),
        (&[Takes(10 * S + 1)], false),
        (&[Progress, Takes(10 * S)], true),
        (&[Takes(6 * S), Takes(6 * S)], false),
        (&[Takes(6 * S), Progress, Takes(10 * S)], true),
        (&[Takes(6 * S), Progress, Takes(10 * S + 1)], false),
        (&[Takes(10 * S), Progress, Takes(10 * S)], true),
        (&[Takes(10 * S + 1), Progress, Takes(1)], false),
        // Progress that says nothing new takes nothing away.
        (&[Takes(6 * S), Progress, Progress, Takes(10 * S)], true),
        // The bound is counted from the start.
        (&[Takes(9 * S), Progress, Takes(9 * S), Progress, Takes(7 * S)], true),
        (&[Takes(9 * S), Progress, Takes(9 * S), Progress, Takes(7 * S + 1)], false),
        (&[Takes(9 * S), Progress, Takes(9 * S), Progress, Takes(7 * S), Progress, Takes(1)], false),
    ];
    for (index, (life, seen)) in lives.into_iter().enumerate() {
        let world = World::new(&policy(", deadline: 10s, deadline_max: 25s", ""));
        let done = world.enforcer.enforce(call("look", "{}"), |permit| {
            let due = permit.due().unwrap().clone();
            for step in life {
                match step {
                    Takes(us) => world.clock.pass(*us),
                    Progress => due.extend(),
                }
            }
            assert_eq!((due.is_over(), due.left() == Duration::ZERO && !seen), (!seen, !seen), "{index}");
            Outcome::Done(Value::from("result"))
        });
        match done.unwrap() {
            Completed::Released { value, .. } => assert_eq!((value, seen), (Value::from("result"), true), "{index}"),
            Completed::Withheld { code, .. } => {
                assert_eq!((code.as_str(), seen), ("deadline_exceeded", false), "{index}")
            }
            other => panic!("{index}: {other:?}"),
        }
    }
}

#[test]
fn the_time_that_is_left_is_that_of_the_deadline() {
    let world = World::new(&policy(", deadline: 10s, deadline_max: 25s, withhold_only: true", ""));
    let left = Mutex::new(Vec::new());
    world
        .enforcer
        .enforce(call("look", "{}"), |permit| {
            let due = permit.due().unwrap();
            assert!(due.only_withholds());
            for us in [0, 4 * SECOND, 5 * SECOND] {
                world.clock.pass(us);
                left.lock().unwrap().push(due.left().as_secs());
            }
            due.extend();
            left.lock().unwrap().push(due.left().as_secs());
            Outcome::Done(Value::Null)
        })
        .unwrap();
    assert_eq!(*left.lock().unwrap(), [10, 6, 1, 10]);
    let world = World::new(&policy("", ""));
    let none = |permit: enforcecore::outcome::Permit| {
        assert!(permit.due().is_none());
        Outcome::Done(Value::Null)
    };
    world.enforcer.enforce(call("look", "{}"), none).unwrap();
}

#[test]
fn a_host_that_runs_the_tool_itself_extends_it_too() {
    for (progress, seen) in [(true, true), (false, false)] {
        let world = World::new(&policy(", deadline: 10s", ""));
        let admitted = world.enforcer.begin(call("look", "{}"), BeginMode::Split).unwrap();
        world.clock.pass(6 * SECOND);
        if progress {
            admitted.due().unwrap().extend();
        }
        world.clock.pass(6 * SECOND);
        let done = world.enforcer.finish(admitted, Outcome::Done(Value::Null)).unwrap().unwrap();
        assert_eq!(matches!(done, Completed::Released { .. }), seen, "{done:?}");
    }
}

#[test]
fn the_log_and_the_caller_learn_what_was_done_about_an_overdue_tool() {
    for (stopped, word, part) in [
        (Stopped::Cancelled, "cancelled", "it was told to stop"),
        (Stopped::Killed, "killed", "its program was ended"),
        (Stopped::RunsOn, "runs_on", "may still take effect"),
    ] {
        let world = World::new(&policy(", deadline: 10s", ""));
        let done = world.enforcer.enforce(call("look", "{}"), |_| Outcome::Overdue(stopped)).unwrap();
        let Completed::Failed { code, message, effect, value: None } = done else { panic!("{done:?}") };
        assert_eq!((code.as_str(), effect.as_str()), ("deadline_exceeded", "unknown"));
        assert!(message.contains("did not end before its deadline") && message.contains(part), "{message}");
        let last = world.entries().pop().unwrap();
        assert_eq!((last.kind, last.code.as_deref()), (EntryKind::Outcome, Some("deadline_exceeded")));
        assert_eq!(last.note, [("stopped".to_owned(), word.to_owned())].into());
    }
    // A tool that ends by itself has no such word.
    let world = World::new(&policy(", deadline: 10s", ""));
    world.enforcer.enforce(call("look", "{}"), world.tool()).unwrap();
    assert!(world.entries().pop().unwrap().note.is_empty());
}

#[test]
fn a_face_that_cannot_end_a_call_takes_only_deadlines_that_withhold() {
    let cannot = FACE.without(Capability::EndAtDeadline);
    for (rule, document, line) in [
        ("", "", None),
        (", deadline: 5s, withhold_only: true", "", None),
        ("", "deadline: 5s\nwithhold_only: true", None),
        (", deadline: 5s", "", Some(5)),
        (", deadline: 5s, withhold_only: false", "", Some(5)),
        ("", "deadline: 5s", Some(6)),
        (", deadline: 5s, withhold_only: true", "deadline: 7s", Some(6)),
        (", deadline: 5s", "deadline: 7s\nwithhold_only: true", Some(5)),
    ] {
        let policy = load(&policy(rule, document));
        assert!(policy.exceeds(&FACE).is_empty(), "{rule} {document}");
        let exceeds = policy.exceeds(&cannot);
        let found: Vec<(Code, &str, u32)> =
            exceeds.iter().map(|one| (one.code, one.span.file.as_str(), one.span.line)).collect();
        let expected: Vec<_> =
            line.map(|line| (enforcecore::codes::policy::CANNOT_END_CALLS, "test.yaml", line)).into_iter().collect();
        assert_eq!(found, expected, "{rule} {document}");
        assert!(exceeds.iter().all(|one| one.help.as_deref().unwrap().contains("`withhold_only: true`")));
    }
}

#[test]
fn what_only_withholds_withholds() {
    let world = World::new(&policy(", deadline: 10s, withhold_only: true", ""));
    let late = world.enforcer.enforce(call("look", "{}"), |_| {
        world.clock.pass(10 * SECOND + 1);
        Outcome::Done(Value::from("result"))
    });
    let Ok(Completed::Withheld { code, .. }) = late else { panic!("{late:?}") };
    assert_eq!(code, "deadline_exceeded");
    let in_time = world.enforcer.enforce(call("look", "{}"), |_| {
        world.clock.pass(10 * SECOND);
        Outcome::Done(Value::from("result"))
    });
    assert!(matches!(in_time, Ok(Completed::Released { .. })), "{in_time:?}");
}

#[test]
fn a_server_is_started_again_where_some_document_says_so_and_none_says_no() {
    for (root, bound, expected) in [
        ("", "", false),
        ("restart: true\n", "", true),
        ("restart: false\n", "", false),
        ("restart: true\n", "restart: true\n", true),
        ("restart: true\n", "restart: false\n", false),
        ("", "restart: true\n", true),
        ("restart: false\n", "restart: true\n", false),
    ] {
        let head = |more: &str| format!("enforcecore: 1\nname: d\nversion: \"1\"\n{more}");
        let guardrail = head(&format!("kind: guardrail\n{bound}"));
        let text = head(&format!("bound_by: [g.yaml]\nrules: []\n{root}"));
        let policy = enforcecore::policy::Policy::load(
            enforcecore::ports::PolicyText { name: "p.yaml".to_owned(), bytes: text.into_bytes() },
            &Beside(guardrail),
        );
        assert_eq!(policy.unwrap().policy.restarts_server(), expected, "{root:?} {bound:?}");
    }
}

struct Beside(String);

impl enforcecore::ports::PolicySource for Beside {
    fn read(&self, _: &str, name: &str) -> Result<enforcecore::ports::PolicyText, enforcecore::ports::StoreError> {
        Ok(enforcecore::ports::PolicyText { name: name.to_owned(), bytes: self.0.clone().into_bytes() })
    }
}
