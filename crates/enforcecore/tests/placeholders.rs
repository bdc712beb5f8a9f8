//! A placeholder stands for one value in its session, and a tool that changes something does not get it in the value's place.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};

use enforcecore::audit::{Delta, Durability, EntryKind};
use enforcecore::call::{Call, Context, FrozenCall};
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{Completed, Outcome, Refused};
use enforcecore::policy::{Policy, Protected};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant, PolicySource, PolicyText, StoreError};
use enforcecore::redact::ClassSet;
use enforcecore::value::Value;
use support::{FACE, HandClock, NOON_US, PlainResolver, World, call, load, open_log};

const POLICY: &str = r#"
enforcecore: 1
name: people
version: "1"
tools:
  get: {does: reads, args: {key: string}, returns: web}
  find: {does: reads, args: {words: text}, returns: web}
  write:
    does: writes
    args: {path: path, content: text, "draft?": {type: text, on_placeholder: send}, "mail?": {type: text, on_placeholder: ask}}
    returns: trusted
  note: {does: writes, args: {words: text}, returns: trusted, redact: {args: {words: [email]}}}
  mail:
    does: sends
    args: {to: text, body: {type: text, on_placeholder: send}, "sign?": {type: text, on_placeholder: ask}}
    returns: trusted
    redact: {args: {to: [email]}}
  any: undeclared
rules:
  - {allow: [get, find, note], id: a}
  - {allow: mail, id: m, when: {to: {any: true}, body: {any: true}}, unless: {to: {contains_regex: "boss"}}}
  - {ask: mail, id: boss, when: {to: {contains_regex: "boss"}}, approval: chief}
  - {allow: write, id: w, when: {path: {any: true}}}
  - {allow: any, id: u, when: {every_string: {any: true}}}
  - {deny: note, id: words, when: {words: {prefix: "no"}}}
approvals:
  chief: {from: {role: chief}, valid: 15m}
redact: {result: [email, credit_card, secret]}
"#;

/// The call in another session.
fn in_session(session: &str, mut call: Call) -> Call {
    session.clone_into(&mut call.context.session_id);
    call
}

/// What the caller sees of a result.
fn result(enforcer: &Enforcer, session: &str, text: &str) -> String {
    let text = Value::from(text);
    let ended = enforcer.enforce(in_session(session, call("get", r#"{"key":"k"}"#)), |_| Outcome::Done(text)).unwrap();
    let Completed::Released { value, .. } = ended else { panic!("{ended:?}") };
    value.as_text().unwrap().to_owned()
}

fn write(world: &World, session: &str, args: &str) -> Result<Completed, Refused> {
    world.enforcer.enforce(in_session(session, call("write", args)), world.tool())
}

#[test]
fn two_people_are_never_one_and_one_is_always_the_same() {
    let world = World::new(POLICY);
    let check = |session: &str, text: &str, expected: &str| {
        assert_eq!(result(&world.enforcer, session, text), expected, "{session} {text}");
    };
    check("s1", "Ann: ann@example.com", "Ann: EC_EMAIL_1");
    check("s1", "Bob: bob@example.com", "Bob: EC_EMAIL_2");
    check("s1", "bob@example.com and ann@example.com", "EC_EMAIL_2 and EC_EMAIL_1");
    check("s1", "ANN@Example.com", "EC_EMAIL_1");
    check("s1", "4111111111111111", "EC_CREDIT_CARD_1");
    check("s1", "4111 1111 1111 1111 5500 0000 0000 0004", "EC_CREDIT_CARD_1 EC_CREDIT_CARD_2");
    check("s1", "5500-0000-0000-0004", "EC_CREDIT_CARD_2");
    // What was found in one place may be several findings: their text tells them apart.
    let glued = "jane.4111111111111111@x.org and bob.4111111111111111@y.org";
    check("s3", glued, "EC_CREDIT_CARD_1 and EC_CREDIT_CARD_2");
    // Another session has no placeholder yet; the same call in no session gives the same bytes each time.
    check("s2", "bob@example.com", "EC_EMAIL_1");
    for _ in 0..2 {
        check("", "cy@example.com dee@example.com cy@example.com", "EC_EMAIL_1 EC_EMAIL_2 EC_EMAIL_1");
        check("", "dee@example.com", "EC_EMAIL_1");
    }
    check("s1", "cy@example.com", "EC_EMAIL_3");
}

/// Arguments, failures and what is said beside a call are numbered alike.
#[test]
fn every_way_to_be_seen_has_the_same_numbers() {
    let world = World::new(POLICY);
    assert_eq!(result(&world.enforcer, "s1", "ann@example.com"), "EC_EMAIL_1");
    let note = r#"{"words":"to bob@example.com and ann@example.com"}"#;
    world.enforcer.enforce(call("note", note), world.tool()).unwrap();
    assert_eq!(world.effects.lock().unwrap().last().unwrap(), r#"{"words":"to EC_EMAIL_2 and EC_EMAIL_1"}"#);
    let failed = |outcome| match world.enforcer.enforce(call("get", r#"{"key":"k"}"#), |_| outcome).unwrap() {
        Completed::Failed { message, value, .. } => value.map_or(message, |value| value.to_json()),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(Outcome::Failed("no cy@example.com".to_owned())), "no EC_EMAIL_3");
    assert_eq!(failed(Outcome::FailedWith(Value::from("bob@example.com"))), r#""EC_EMAIL_2""#);
    let context = Context { session_id: "s1".to_owned(), ..Context::default() };
    let beside = |text: &str| world.enforcer.redact(&context, &Value::from(text), ClassSet::all()).unwrap().value;
    assert_eq!(beside("dee@example.com cy@example.com"), Value::from("EC_EMAIL_4 EC_EMAIL_3"));
    assert_eq!(result(&world.enforcer, "s1", "dee@example.com"), "EC_EMAIL_4");
    // Beside the calls of no session the same text gives the same bytes each time, as it does in them.
    for text in ["eve@example.com", "fay@example.com"] {
        let seen = world.enforcer.redact(&Context::default(), &Value::from(text), ClassSet::all()).unwrap().value;
        assert_eq!(seen, Value::from("EC_EMAIL_1"), "{text}");
    }
}

/// A new number is in the log before it is shown, without the value; a restart goes on from there.
#[test]
fn numbers_are_recorded_before_they_are_seen_and_read_back() {
    let world = World::new(POLICY);
    assert_eq!(result(&world.enforcer, "s1", "ann@example.com bob@example.com"), "EC_EMAIL_1 EC_EMAIL_2");
    assert_eq!(result(&world.enforcer, "s1", "bob@example.com"), "EC_EMAIL_2");
    let entries = world.entries();
    let kinds: Vec<&EntryKind> = entries.iter().map(|entry| &entry.kind).skip(2).collect();
    assert_eq!(
        kinds,
        [&EntryKind::Intent, &EntryKind::State, &EntryKind::Outcome, &EntryKind::Intent, &EntryKind::Outcome]
    );
    let [Delta::Placeholders { class, first, fingerprints, .. }] = entries[3].delta.as_slice() else { panic!() };
    assert_eq!((class.as_str(), *first, fingerprints.len()), ("email", 1, 2));
    assert!(!String::from_utf8(world.store.contents()).unwrap().contains("example.com"));
    // Another session's fingerprint of the same value is another one.
    assert_eq!(result(&world.enforcer, "s2", "ann@example.com"), "EC_EMAIL_1");
    let Some(Delta::Placeholders { fingerprints: other, .. }) = world.entries()[8].delta.first().cloned() else {
        panic!()
    };
    assert!(!fingerprints.contains(&other[0]));

    let restarted = another(&world);
    assert_eq!(result(&restarted, "s1", "cy@example.com bob@example.com"), "EC_EMAIL_3 EC_EMAIL_2");
    // Two that write one log: what the one gave, the other does not give again.
    assert_eq!(result(&world.enforcer, "s1", "dee@example.com cy@example.com"), "EC_EMAIL_4 EC_EMAIL_3");
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

/// Another process gives a number between our look at the state and our turn at the log.
#[test]
fn what_is_numbered_meanwhile_is_numbered_again() {
    for (meanwhile, expected) in [
        ("cy@example.com", "EC_EMAIL_2 EC_EMAIL_3"),
        ("bob@example.com", "EC_EMAIL_2 EC_EMAIL_1"),
        ("ann@example.com", "EC_EMAIL_1 EC_EMAIL_2"),
        ("4111111111111111", "EC_EMAIL_1 EC_EMAIL_2"),
    ] {
        let world = World::new(POLICY);
        let (overtaken, other) = (world.store.clone(), another(&world));
        let ended = world.enforcer.enforce(call("get", r#"{"key":"k"}"#), |_| {
            overtaken.at_next_turn(move || assert!(result(&other, "s1", meanwhile).ends_with("_1")));
            Outcome::Done(Value::from("ann@example.com bob@example.com"))
        });
        let Ok(Completed::Released { value, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!(value, Value::from(expected), "{meanwhile}");
    }
}

/// A number that a kill could take back would be given twice, so it is on stable storage though nothing else has to be.
#[test]
fn numbers_are_never_buffered() {
    let policy = "enforcecore: 1\nname: b\nversion: \"1\"\ntools: {get: {does: reads, args: {key: string}, returns: web}}\nrules: [{allow: get, id: a}]\nredact: {result: [email]}\n";
    let world = World::with(policy, Durability::Buffered, None);
    let written =
        || support::entries(&world.store.contents()).into_iter().filter(|entry| entry.kind == EntryKind::State).count();
    assert_eq!((result(&world.enforcer, "s1", "none"), written()), ("none".to_owned(), 0));
    let synced = world.store.syncs.load(Ordering::SeqCst);
    assert_eq!((result(&world.enforcer, "s1", "ann@example.com"), written()), ("EC_EMAIL_1".to_owned(), 1));
    assert!(world.store.syncs.load(Ordering::SeqCst) > synced);
}

#[test]
fn calls_at_once_give_no_number_twice() {
    let world = World::new(POLICY);
    let (threads, each) = (8, 12);
    let start = Barrier::new(threads);
    let seen: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|thread| {
                let (world, start) = (&world, &start);
                scope.spawn(move || {
                    start.wait();
                    let text = |n| format!("p{thread}.{n}@example.com");
                    (0..each).map(|n| result(&world.enforcer, "s1", &text(n))).collect::<Vec<String>>()
                })
            })
            .collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), threads * each);
    let highest = seen.iter().map(|name| name.rsplit('_').next().unwrap().parse::<usize>().unwrap()).max();
    assert_eq!(highest, Some(threads * each), "and leave no gaps");
}

/// Many values at once fit into entries, and more than a session may have are not shown.
#[test]
fn a_page_of_addresses_is_numbered_to_its_end() {
    let world = World::new(POLICY);
    let page: String = (0..2500).map(|n| format!("p{n}@example.com\n")).collect();
    let seen = result(&world.enforcer, "s1", &page);
    assert_eq!(seen.lines().last(), Some("EC_EMAIL_2500"));
    let states = world.entries().into_iter().filter(|entry| entry.kind == EntryKind::State).count();
    assert_eq!(states, 3);
    let flood = |name: &str, values: usize| {
        let text = Value::from((0..values).map(|n| format!("{name}{n}@a.co ")).collect::<String>());
        world.enforcer.enforce(call("get", r#"{"key":"k"}"#), |_| Outcome::Done(text)).unwrap()
    };
    assert!(matches!(flood("q", 60_000), Completed::Released { .. }));
    assert!(matches!(flood("r", 37_500), Completed::Released { .. }), "a hundred thousand");
    let ended = flood("s", 1);
    assert!(matches!(ended, Completed::Withheld { code, .. } if code == "unredactable_result"), "{ended:?}");
    assert_eq!(result(&world.enforcer, "s1", "q7@a.co"), "EC_EMAIL_2508", "what has a number keeps it");
    assert_eq!(result(&world.enforcer, "s2", "r1@a.co"), "EC_EMAIL_1", "in another session there is room");
}

/// A number that cannot be recorded is not shown.
#[test]
fn what_cannot_be_recorded_is_not_seen() {
    let world = World::new(POLICY);
    let fail = Arc::clone(&world.store.fail_append);
    let ended = world.enforcer.enforce(call("get", r#"{"key":"k"}"#), |_| {
        fail.store(true, Ordering::SeqCst);
        Outcome::Done(Value::from("ann@example.com"))
    });
    let Ok(Completed::Withheld { reason, .. }) = ended else { panic!("{ended:?}") };
    assert!(!reason.contains("EC_EMAIL"), "{reason}");
    let world = World::new(POLICY);
    world.store.fail_append.store(true, Ordering::SeqCst);
    world.enforcer.enforce(call("note", r#"{"words":"ann@example.com"}"#), world.tool()).unwrap_err();
    assert_eq!(world.ran(), 0);
    // Asking what would be decided records nothing, and shows nothing.
    let world = World::new(POLICY);
    let before = world.entries().len();
    let decision = world.enforcer.decide_only(call("note", r#"{"words":"ann@example.com"}"#));
    assert_eq!((decision.code.as_str(), world.entries().len()), ("allowed", before));
    assert_eq!(result(&world.enforcer, "s1", "bob@example.com"), "EC_EMAIL_1");
    // A denied call gives no numbers either; the same call without the denied word does.
    let numbered = || world.entries().into_iter().filter(|entry| entry.kind == EntryKind::State).count();
    let before = numbered();
    world.enforcer.enforce(call("note", r#"{"words":"no cy@example.com"}"#), world.tool()).unwrap_err();
    assert_eq!((numbered(), world.ran()), (before, 0));
    world.enforcer.enforce(call("note", r#"{"words":"to cy@example.com"}"#), world.tool()).unwrap();
    assert_eq!((numbered(), world.ran()), (before + 1, 1));
}

#[test]
fn a_placeholder_is_not_written_over_its_value_and_what_looks_like_one_is() {
    let world = World::new(POLICY);
    assert_eq!(
        result(&world.enforcer, "s1", "postgres://u:pw@db ann@example.com"),
        "postgres://EC_URL_CREDENTIALS_1@db EC_EMAIL_1"
    );
    let check = |content: &str, expected: Result<(), &str>| {
        let ran = world.ran();
        let args = format!(r#"{{"path":"/w/f","content":"{content}"}}"#);
        let ended = write(&world, "s1", &args);
        assert_eq!(ended.map(drop).map_err(|refused| refused.code.as_str()), expected, "{content}");
        assert_eq!(world.ran() > ran, expected.is_ok(), "{content}");
        if expected.is_ok() {
            assert_eq!(world.effects.lock().unwrap().last(), Some(&args));
        }
    };
    let refused = Err("placeholder_in_argument");
    check("DB=postgres://EC_URL_CREDENTIALS_1@db", refused);
    check("EC_EMAIL_1", refused);
    check("xEC_EMAIL_1x", refused);
    check("EC_EMAIL_7 EC_EMAIL_1.", refused);
    check("EC_EMAIL_2", Ok(()));
    check("EC_EMAIL_0", Ok(()));
    check("EC_EMAIL_01", Ok(()));
    check("EC_EMAIL_10", Ok(()));
    check("EC_EMAIL_", Ok(()));
    check("EC_CREDIT_CARD_1", Ok(()));
    check("ec_email_1 EC_MAIL_1 EC_EMAIL1", Ok(()));
    check("plain", Ok(()));
    // A path is what the caller wrote, a key is text too, and nothing is known of an undeclared tool.
    let code = |tool: &str, args: &str| {
        world.enforcer.enforce(call(tool, args), world.tool()).map(drop).map_err(|refused| refused.code.as_str())
    };
    assert_eq!(code("write", r#"{"path":"/w/EC_EMAIL_1","content":"a"}"#), refused);
    assert_eq!(code("write", r#"{"path":"/w/EC_EMAIL_3","content":"a"}"#), Ok(()));
    assert_eq!(code("any", r#"{"deep":[{"EC_EMAIL_1":1}]}"#), refused);
    assert_eq!(code("any", r#"{"EC_EMAIL_1":"q"}"#), refused);
    assert_eq!(code("any", r#"{"EC_EMAIL_3":"q"}"#), Ok(()));
    assert_eq!(code("any", r#"{"deep":[{"EC_EMAIL_3":1}]}"#), Ok(()));
    assert_eq!(code("write", r#"{"path":"/w/EC_EMAIL_1/../f","content":"a"}"#), refused);
    let from = |cwd: &str| {
        let mut made = call("write", r#"{"path":"f","content":"a"}"#);
        made.context.session.insert("cwd".to_owned(), cwd.into());
        world.enforcer.enforce(made, world.tool()).map(drop).map_err(|refused| refused.code.as_str())
    };
    assert_eq!(from("/w/EC_EMAIL_1"), Ok(()), "the host's own word");
    let bytes = |text: &str| {
        let mut made = call("any", "{}");
        made.args.insert("deep".to_owned(), Value::Bytes(text.as_bytes().to_vec()));
        world.enforcer.enforce(made, world.tool()).map(drop).map_err(|refused| refused.code.as_str())
    };
    assert_eq!(bytes("a EC_EMAIL_1"), refused);
    assert_eq!(bytes("a EC_EMAIL_3"), Ok(()));
    // What only reads writes nothing over anything.
    assert_eq!(code("find", r#"{"words":"EC_EMAIL_1"}"#), Ok(()));
    // Another session was shown nothing.
    let ended = world
        .enforcer
        .enforce(in_session("s2", call("write", r#"{"path":"/w/f","content":"EC_EMAIL_1"}"#)), world.tool());
    assert!(ended.is_ok());
    // Our own redaction writes placeholders after the look.
    assert_eq!(code("note", r#"{"words":"ann@example.com"}"#), Ok(()));
    assert_eq!(world.effects.lock().unwrap().last().unwrap(), r#"{"words":"EC_EMAIL_1"}"#);
    assert_eq!(code("note", r#"{"words":"ann@example.com EC_EMAIL_1"}"#), refused);
}

struct Lee(std::sync::atomic::AtomicBool);

impl Approver for Lee {
    fn ask(&self, _approval: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, _approval: ApprovalRequest<'_>, _digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        let yes = self.0.swap(false, Ordering::SeqCst);
        yes.then(|| Grant {
            id: "g".to_owned(),
            approver: "lee".to_owned(),
            given_us: NOON_US - 1,
            expires_us: i64::MAX,
        })
    }
}

#[test]
fn the_policy_says_by_argument_what_becomes_of_a_placeholder() {
    let lee = Arc::new(Lee(false.into()));
    let world = World::with(POLICY, Durability::Strict, Some(Arc::clone(&lee) as _));
    assert_eq!(result(&world.enforcer, "s1", "ann@example.com"), "EC_EMAIL_1");
    let sent = |world: &World| {
        let entries = world.entries();
        let intent = entries.into_iter().rev().find(|entry| entry.kind == EntryKind::Intent).unwrap();
        intent.note.get("placeholders_sent").cloned()
    };
    let with = |name: &str, text: &str| format!(r#"{{"path":"/w/f","content":"c","{name}":"{text}"}}"#);
    write(&world, "s1", &with("draft", "to EC_EMAIL_1, EC_EMAIL_9")).unwrap();
    assert_eq!((world.ran(), sent(&world).as_deref()), (1, Some("EC_EMAIL_1")));
    write(&world, "s1", &with("draft", "to EC_EMAIL_9")).unwrap();
    assert_eq!((world.ran(), sent(&world)), (2, None));
    let asked = write(&world, "s1", &with("mail", "EC_EMAIL_1")).unwrap_err();
    assert_eq!(
        (asked.code.as_str(), asked.rules.as_slice(), world.ran()),
        ("approval_required", ["on_placeholder".to_owned()].as_slice(), 2)
    );
    lee.0.store(true, Ordering::SeqCst);
    write(&world, "s1", &with("mail", "EC_EMAIL_1")).unwrap();
    assert_eq!((world.ran(), sent(&world).as_deref()), (3, Some("EC_EMAIL_1")));
    write(&world, "s1", &with("mail", "EC_EMAIL_9")).unwrap();
    assert_eq!(world.ran(), 4);
    // The strictest argument decides.
    let both = r#"{"path":"/w/f","content":"EC_EMAIL_1","draft":"EC_EMAIL_1"}"#;
    assert_eq!(write(&world, "s1", both).unwrap_err().code, "placeholder_in_argument");
}

/// Says yes to what has one of these names, or none.
struct YesTo(&'static [Option<&'static str>]);

impl Approver for YesTo {
    fn ask(&self, _approval: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, approval: ApprovalRequest<'_>, digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        let id = format!("{:?}{digest:?}", approval.name);
        let grant = Grant { id, approver: "lee".to_owned(), given_us: NOON_US - 1, expires_us: i64::MAX };
        self.0.contains(&approval.name).then_some(grant)
    }
}

/// A yes to what a rule asks is none to the placeholder, and what redaction changes beside it takes nothing from the record.
#[test]
fn a_placeholder_is_asked_for_and_recorded_beside_everything_else() {
    let mail = |to: &str, sign: &str| format!(r#"{{"to":"{to}","body":"EC_EMAIL_1","sign":"{sign}"}}"#);
    for (to, sign, yes, expected) in [
        ("a", "b", &[][..], Ok(())),
        ("bob@example.com", "b", &[], Ok(())),
        ("a", "EC_EMAIL_1", &[], Err("approval_required")),
        ("a", "EC_EMAIL_1", &[None], Ok(())),
        ("boss", "b", &[Some("chief")], Ok(())),
        ("boss", "EC_EMAIL_1", &[Some("chief")], Err("approval_required")),
        ("boss", "EC_EMAIL_1", &[None], Err("approval_required")),
        ("boss", "EC_EMAIL_1", &[None, Some("chief")], Ok(())),
    ] {
        let world = World::with(POLICY, Durability::Strict, Some(Arc::new(YesTo(yes))));
        assert_eq!(result(&world.enforcer, "s1", "ann@example.com"), "EC_EMAIL_1");
        let ended = world.enforcer.enforce(call("mail", &mail(to, sign)), world.tool());
        assert_eq!(ended.map(drop).map_err(|refused| refused.code.as_str()), expected, "{to} {sign} {yes:?}");
        assert_eq!(world.ran(), usize::from(expected.is_ok()), "{to} {sign} {yes:?}");
        let sent = world.entries().into_iter().filter_map(|entry| entry.note.get("placeholders_sent").cloned());
        assert_eq!(sent.collect::<Vec<_>>(), vec!["EC_EMAIL_1"; world.ran()], "{to} {sign} {yes:?}");
    }
}

/// Of two documents that declare a tool, the stricter one says what becomes of a placeholder.
#[test]
fn the_stricter_document_decides_about_a_placeholder() {
    struct Guard(&'static str);
    impl PolicySource for Guard {
        fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
            let text = TOOL.replace("HOW", self.0);
            let bytes = format!("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n{text}").into_bytes();
            Ok(PolicyText { name: name.to_owned(), bytes })
        }
    }
    const TOOL: &str = "tools: {put: {does: writes, args: {a: {type: text, on_placeholder: HOW}}, returns: trusted}}\n";
    for (root, guard, expected) in [
        ("send", "send", Ok(())),
        ("send", "ask", Err("no_approver")),
        ("ask", "send", Err("no_approver")),
        ("send", "refuse", Err("placeholder_in_argument")),
        ("refuse", "send", Err("placeholder_in_argument")),
    ] {
        let text = TOOL.replace("HOW", root);
        let rules = "rules: [{allow: put, id: a}]\nbound_by: [g]\n";
        let bytes = format!("enforcecore: 1\nname: p\nversion: \"1\"\n{text}{rules}").into_bytes();
        let loaded = Policy::load(PolicyText { name: "p".to_owned(), bytes }, &Guard(guard)).unwrap();
        let world = World::new(POLICY);
        assert_eq!(result(&world.enforcer, "s1", "ann@example.com"), "EC_EMAIL_1");
        world.enforcer.rebind(loaded.policy).unwrap();
        let ended = world.enforcer.enforce(call("put", r#"{"a":"EC_EMAIL_1"}"#), world.tool());
        assert_eq!(ended.map(drop).map_err(|refused| refused.code.as_str()), expected, "{root} {guard}");
        assert_eq!(world.ran(), usize::from(expected.is_ok()), "{root} {guard}");
    }
}
