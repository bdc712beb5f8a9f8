//! What entries say in clear: who calls, where that is asked for; the arguments that a policy records; the name of a tool that
//! no policy declares.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use enforcecore::audit::{Durability, EntryLine};
use enforcecore::call::{Call, CallId, Context, Malformed, TOOL_NAME_BYTES_MAX};
use enforcecore::codes::call as code;
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{Completed, Outcome, Refused};
use enforcecore::policy::Protected;
use enforcecore::value::Value;
use support::{CountingRandom, FACE, NoDocuments, PlainResolver, World, load, map, open_log};

const POLICY: &str = r#"
enforcecore: 1
name: shop
version: "1"
tools:
  pay:
    does: pays
    args: {amount: {type: money, currency: USD}, to: email, "note?": text, "memo?": text, "fast?": bool}
    returns: trusted
    record: {args: [amount, to, note, fast]}
  look: {does: reads, args: {text: text}, returns: trusted}
  mail:
    does: sends
    args: {to: email, body: text}
    returns: trusted
    record: {args: [to, body]}
rules:
  - {allow: pay, id: small, when: {amount: {at_most: 50}, to: {any: true}, fast: {any: true}}}
  - {allow: look, id: look}
  - {allow: mail, id: mail, when: {to: {any: true}}}
budgets:
  - {budget: pay, id: day, sum: USD, at_most: 100, per: ever, for_each: principal.id}
redact: {args: {body: [email]}}
"#;

/// An enforcer on the log of this world, opened again.
fn again(world: &World, identities: Identities) -> Enforcer {
    let log = open_log(world.store.clone(), Arc::clone(&world.clock)).unwrap();
    Enforcer::new(EnforcerParts {
        policy: load(POLICY),
        face: FACE,
        log: Arc::new(log),
        resolver: Arc::new(PlainResolver),
        protected: Protected::default(),
        approver: None,
        clock: Arc::clone(&world.clock) as Arc<dyn enforcecore::ports::Clock>,
        random: Arc::new(CountingRandom::default()),
        durability: Durability::Strict,
        identities,
    })
    .unwrap()
}

fn call(id: &str, tool: &str, args: &str) -> Call {
    let context = Context {
        session_id: "monday".to_owned(),
        principal: map(r#"{"id":"ann","role":"clerk"}"#),
        ..Context::default()
    };
    Call { id: CallId::from_text(id).unwrap(), context, ..support::call(tool, args) }
}

fn run(enforcer: &Enforcer, call: Call) -> Result<Completed, Refused> {
    enforcer.enforce(call, |_| Outcome::Done(Value::Null))
}

/// The entries about this call.
fn about(world: &World, id: &str) -> Vec<EntryLine> {
    let mut entries = support::entries(&world.store.contents());
    entries.retain(|entry| entry.call.as_deref() == Some(id));
    entries
}

fn args(entry: &EntryLine) -> Vec<(&str, &str)> {
    entry.args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn names_are_clear_only_where_that_is_asked_for() {
    let world = World::new(POLICY);
    let (keyed, clear) = (again(&world, Identities::Keyed), again(&world, Identities::Clear));
    let look = r#"{"text":""}"#;
    run(&keyed, call("k", "look", look)).unwrap();
    run(&clear, call("c", "look", look)).unwrap();
    // Twins: one process with clear names, one without, in one log.
    let (of_keyed, of_clear) = (about(&world, "k"), about(&world, "c"));
    let names = |entry: &EntryLine| (entry.principal_name.clone(), entry.session_name.clone());
    assert_eq!(names(&of_keyed[0]), (None, None));
    assert_eq!(names(&of_clear[0]), (Some("ann".to_owned()), Some("monday".to_owned())));
    assert_eq!(names(&of_clear[1]), (None, None), "an end says its call, and the call says who");
    // Beside the names nothing differs: clear names are added to the keyed ones.
    for field in [|entry: &EntryLine| entry.principal.clone(), |entry: &EntryLine| entry.session.clone()] {
        assert_eq!((field(&of_keyed[0]), field(&of_keyed[0]).is_some()), (field(&of_clear[0]), true));
    }
    // A refusal says who, too, and a face that could read nothing of the call.
    run(&clear, call("d", "pay", r#"{"amount":51,"to":"jo@example.com","fast":true}"#)).unwrap_err();
    clear.refuse_malformed(call("m", "look", "{}"), Malformed::new(code::NOT_JSON, "w"));
    for id in ["d", "m"] {
        let denial = &about(&world, id)[0];
        assert_eq!(names(denial), (Some("ann".to_owned()), Some("monday".to_owned())), "{id}");
    }
    // Who has no name has none.
    let mut unnamed = call("u", "look", look);
    unnamed.context = Context::default();
    run(&clear, unnamed).unwrap();
    assert_eq!(names(&about(&world, "u")[0]), (None, None));
    // A name that steers a terminal or is endless does neither.
    let mut odd = call("o", "look", look);
    odd.context.session_id = format!("a\u{1b}[2J\n{}", "s".repeat(5000));
    odd.context.principal = map(r#"{"id":"\u202eann"}"#);
    run(&clear, odd).unwrap();
    let odd = &about(&world, "o")[0];
    assert_eq!(odd.principal_name.as_deref(), Some(r"\u{202e}ann"));
    assert_eq!(odd.session_name.clone().unwrap(), format!(r"a\u{{1b}}[2J\n{}..", "s".repeat(122)));
}

#[test]
fn state_stays_under_the_keyed_names() {
    let world = World::new(POLICY);
    let pay = |enforcer: &Enforcer, id: &str, amount: u32| {
        let args = format!(r#"{{"amount":{amount},"to":"jo@example.com","fast":true}}"#);
        run(enforcer, call(id, "pay", &args)).map(drop).map_err(|refused| refused.code)
    };
    // Half of what ann may pay is gone in the old log ..
    let keyed = again(&world, Identities::Keyed);
    assert_eq!(pay(&keyed, "a", 50), Ok(()));
    drop(keyed);
    // .. and with clear names it is still gone, and once they are switched off again.
    let clear = again(&world, Identities::Clear);
    assert_eq!(pay(&clear, "b", 49), Ok(()));
    assert_eq!(pay(&clear, "c", 2), Err(code::BUDGET_EXCEEDED));
    drop(clear);
    let keyed = again(&world, Identities::Keyed);
    assert_eq!(pay(&keyed, "d", 2), Err(code::BUDGET_EXCEEDED));
    assert_eq!(pay(&keyed, "e", 1), Ok(()));
}

/// A GitHub token is 30 random base62 digits and their CRC32; this one is valid in form and was never issued.
const TOKEN: &str = "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";

#[test]
fn recorded_arguments_are_in_the_entry_redacted_escaped_and_cut() {
    let world = World::new(POLICY);
    let enforcer = again(&world, Identities::Keyed);
    let (token, long) = (TOKEN, "x".repeat(300));
    let cut = format!("{}..", "x".repeat(256));
    // Of the type `email` the address stays; a text loses what any detector finds, also where the policy redacts nothing.
    for (id, note, shown) in [
        ("n1", "for tea", "for tea"),
        ("n2", "by bo@example.com", "by EC_EMAIL_1"),
        ("n3", token, "EC_GITHUB_TOKEN_1"),
        ("n4", r"a\u001b[2Jb\n\u202ec\\d", r"a\u{1b}[2Jb\n\u{202e}c\\d"),
        ("n5", &long, &cut),
    ] {
        for (suffix, amount, runs) in [("", "1.50", true), ("-denied", "51", false)] {
            let id = format!("{id}{suffix}");
            let json = format!(
                r#"{{"amount":{amount},"to":"jo@example.com","note":"{note}","memo":"not recorded","fast":true}}"#
            );
            assert_eq!(run(&enforcer, call(&id, "pay", &json)).is_ok(), runs, "{id}");
            let entries = about(&world, &id);
            let expected = [("amount", amount), ("fast", "true"), ("note", shown), ("to", "jo@example.com")];
            assert_eq!(args(&entries[0]), expected, "{id}");
            assert_eq!(entries.iter().filter(|entry| !entry.args.is_empty()).count(), 1, "{id}");
        }
    }
    // Nothing of the argument that is not recorded, or of a call of a tool that records none.
    run(&enforcer, call("look", "look", r#"{"text":"unseen"}"#)).unwrap();
    let log = String::from_utf8(world.store.contents()).unwrap();
    for absent in ["not recorded", "unseen", "bo@example.com", TOKEN] {
        assert!(!log.contains(absent), "{absent}");
    }
    // An absent argument is absent, and one of a wrong type is said as it was asked for.
    run(&enforcer, call("absent", "pay", r#"{"amount":1,"to":"jo@example.com"}"#)).unwrap();
    assert_eq!(args(&about(&world, "absent")[0]), [("amount", "1"), ("to", "jo@example.com")]);
    run(&enforcer, call("typed", "pay", r#"{"amount":[1,{"a":"b"}],"to":"jo@example.com"}"#)).unwrap_err();
    assert_eq!(args(&about(&world, "typed")[0]), [("amount", r#"[1,{"a":"b"}]"#), ("to", "jo@example.com")]);
}

#[test]
fn a_recorded_argument_is_what_the_tool_gets() {
    let world = World::new(POLICY);
    let enforcer = again(&world, Identities::Keyed);
    let mut got = String::new();
    let mail = |body: &str| format!(r#"{{"to":"jo@example.com","body":"{body}"}}"#);
    enforcer
        .enforce(call("m1", "mail", &mail("ask ann@example.com")), |permit| {
            got = permit.call().args()["body"].as_text().unwrap().to_owned();
            Outcome::Done(Value::Null)
        })
        .unwrap();
    assert_eq!(got, "ask EC_EMAIL_1");
    assert_eq!(args(&about(&world, "m1")[0]), [("body", got.as_str()), ("to", "jo@example.com")]);
    // One placeholder stands for one value, in what the tool gets and in what is recorded alone.
    run(
        &enforcer,
        call("m2", "pay", r#"{"amount":1,"to":"jo@example.com","note":"ann@example.com, bo@example.com","fast":true}"#),
    )
    .unwrap();
    let noted: BTreeMap<_, _> = about(&world, "m2")[0].args.clone();
    assert_eq!(noted["note"], "EC_EMAIL_1, EC_EMAIL_2");
}

#[test]
fn an_undeclared_tool_is_named() {
    let world = World::new(POLICY);
    let enforcer = again(&world, Identities::Keyed);
    let long = "w".repeat(TOOL_NAME_BYTES_MAX);
    for (id, tool, shown) in [
        ("t1", "delete_everything", "delete_everything"),
        ("t2", "mail to bo@example.com", "mail to EC_EMAIL_1"),
        ("t3", TOKEN, "EC_GITHUB_TOKEN_1"),
        ("t4", "a\u{1b}[2J\u{202e}b", r"a\u{1b}[2J\u{202e}b"),
        ("t5", &long, &long),
        ("t6", &format!("{long}w"), &format!("{long}..")),
    ] {
        assert!(run(&enforcer, call(id, tool, "{}")).is_err(), "{id}");
        let denial = &about(&world, id)[0];
        assert_eq!(denial.tool_name.as_deref(), Some(shown), "{id}");
        let keyed = denial.tool.as_deref().unwrap();
        assert!(keyed.starts_with(&format!("undeclared:{}:", tool.len())), "{keyed}");
    }
    // Of its twin, a declared tool, the name is the name.
    run(&enforcer, call("t7", "look", r#"{"text":""}"#)).unwrap();
    let declared = &about(&world, "t7")[0];
    assert_eq!((declared.tool.as_deref(), &declared.tool_name), (Some("look"), &None));
}

#[test]
fn only_declared_arguments_are_recorded() {
    let check = |record: &str, expected: &[&str]| {
        let text = POLICY.replace("record: {args: [to, body]}", &format!("record: {record}"));
        let document = enforcecore::ports::PolicyText { name: "p.yaml".to_owned(), bytes: text.into_bytes() };
        let found = enforcecore::policy::Policy::load(document, &NoDocuments).map(drop).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(|found| format!("{}:{}", found.code, found.span.line)).collect();
        assert_eq!(found, expected, "{record}");
    };
    check("{args: [to, body]}", &[]);
    check("{args: []}", &[]);
    check("{args: [to, bcc]}", &["EC0101:16"]);
    check("{args: [Body, cc]}", &["EC0101:16", "EC0101:16"]);
    check("{args: [to, to]}", &["EC0005:16"]);
    check("{args: [to], result: true}", &["EC0020:16"]);
    check("{}", &["EC0021:16"]);
    check("[to]", &["EC0022:16"]);
    check("{args: to}", &["EC0022:16"]);
}
