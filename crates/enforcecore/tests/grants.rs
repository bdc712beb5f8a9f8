//! What makes two calls two: each member of a call's context, tool and arguments, one at a time. Two calls have two digests, and
//! share no approval, no budget and no fact where they must not.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use enforcecore::audit::{Durability, EntryKind};
use enforcecore::call::{Call, CallId, Freezing, FrozenCall};
use enforcecore::outcome::{Completed, Outcome, Refusal, Refused};
use enforcecore::path::PathError;
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant, PathResolver};
use enforcecore::value::{Map, Value};
use support::{NOON_US, World, map};

const POLICY: &str = r#"
enforcecore: 1
name: grants
version: "1"
tools:
  give: {does: writes, args: {file: path, text: text, "amount?": decimal}, returns: trusted}
  take: {does: writes, args: {file: path, text: text, "amount?": decimal}, returns: trusted}
approvals:
  lead: {from: {role: lead}, valid: 15m}
rules:
  - {ask: [give, take], id: anything, when: {file: {any: true}, amount: {any: true}}, approval: lead}
"#;

const PRINCIPAL: &str = r#"{"id":"ana","role":"clerk","team":{"name":"x"}}"#;
const SESSION: &str = r#"{"workspace":"/w","cwd":"/w","ticket":"t1"}"#;
const FACTS: &str = r#"{"customer":"c1","order":{"total":5}}"#;
const ARGS: &str = r#"{"file":"/w/a","text":"hello","amount":1}"#;

/// The call that every other one in the table differs from in one member.
fn base() -> Call {
    let mut call = support::call("give", ARGS);
    call.context.tenant = "north".to_owned();
    call.context.principal = map(PRINCIPAL);
    call.context.session = map(SESSION);
    call.context.facts = map(FACTS);
    call
}

fn put(map: &mut Map, name: &str, json: &str) {
    map.insert(name.to_owned(), Value::from_json(json.as_bytes()).unwrap());
}

/// Each member by its name, and what makes it another one.
type Difference = (&'static str, fn(&mut Call));

const DIFFERENCES: [Difference; 34] = [
    ("tenant", |call| call.context.tenant = "south".to_owned()),
    ("no tenant", |call| call.context.tenant = String::new()),
    ("session id", |call| call.context.session_id = "s2".to_owned()),
    ("no session id", |call| call.context.session_id = String::new()),
    ("tenant and session id run together", |call| {
        call.context.tenant = "norths".to_owned();
        call.context.session_id = "1".to_owned();
    }),
    ("principal.id", |call| put(&mut call.context.principal, "id", r#""ben""#)),
    ("principal.id of another type", |call| put(&mut call.context.principal, "id", r#"["ana"]"#)),
    ("principal.role", |call| put(&mut call.context.principal, "role", r#""lead""#)),
    ("principal.team.name", |call| put(&mut call.context.principal, "team", r#"{"name":"y"}"#)),
    ("a member more of the principal", |call| put(&mut call.context.principal, "mail", r#""a@x.org""#)),
    ("a member less of the principal", |call| drop(call.context.principal.shift_remove("role"))),
    ("no principal", |call| call.context.principal = Map::new()),
    ("session.workspace", |call| put(&mut call.context.session, "workspace", r#""/v""#)),
    ("session.cwd", |call| put(&mut call.context.session, "cwd", r#""/w/sub""#)),
    ("session.ticket", |call| put(&mut call.context.session, "ticket", r#""t2""#)),
    ("a member more of the session", |call| put(&mut call.context.session, "more", "1")),
    ("a member less of the session", |call| drop(call.context.session.shift_remove("ticket"))),
    ("no session", |call| call.context.session = Map::new()),
    ("fact.customer", |call| put(&mut call.context.facts, "customer", r#""c2""#)),
    ("fact.order.total", |call| put(&mut call.context.facts, "order", r#"{"total":6}"#)),
    ("a fact of another type", |call| put(&mut call.context.facts, "order", r#"{"total":"5"}"#)),
    ("a fact more", |call| put(&mut call.context.facts, "more", "true")),
    ("no fact", |call| call.context.facts = Map::new()),
    ("a member of the session that is a fact", |call| {
        let ticket = call.context.session.shift_remove("ticket").unwrap();
        call.context.facts.insert("ticket".to_owned(), ticket);
    }),
    ("tool", |call| call.tool = "take".to_owned()),
    ("file", |call| put(&mut call.args, "file", r#""/w/b""#)),
    ("text", |call| put(&mut call.args, "text", r#""hello ""#)),
    ("text in another case", |call| put(&mut call.args, "text", r#""Hello""#)),
    ("amount", |call| put(&mut call.args, "amount", "1.000001")),
    ("amount below zero", |call| put(&mut call.args, "amount", "-1")),
    ("an argument less", |call| drop(call.args.shift_remove("amount"))),
    ("an argument that is null", |call| put(&mut call.args, "amount", "null")),
    ("text and file exchanged", |call| {
        put(&mut call.args, "text", r#""/w/a""#);
        put(&mut call.args, "file", r#""/hello""#);
    }),
    ("where a path leads", |call| put(&mut call.args, "file", r#""/w/link""#)),
];

/// Calls that are the same call, made again.
const SAME: [Difference; 5] = [
    ("nothing", |_| {}),
    ("the call's own name", |call| call.id = CallId::from_text("another").unwrap()),
    ("the order of the arguments", |call| call.args = map(r#"{"amount":1,"text":"hello","file":"/w/a"}"#)),
    ("the order of the session's members", |call| {
        call.context.session = map(r#"{"ticket":"t1","cwd":"/w","workspace":"/w"}"#);
    }),
    ("a number written otherwise", |call| put(&mut call.args, "amount", "1.00")),
];

fn with(difference: fn(&mut Call)) -> Call {
    let mut call = base();
    difference(&mut call);
    call
}

fn digest(call: Call, resolver: &dyn PathResolver) -> [u8; 32] {
    let paths = support::load(POLICY).path_args(&call.tool);
    FrozenCall::freeze(call, Freezing { paths: &paths, resolver, rewrites: true }).unwrap().digest()
}

#[test]
fn two_calls_that_differ_in_one_member_have_two_digests() {
    let resolver = support::PlainResolver;
    let mut seen = BTreeMap::from([(digest(base(), &resolver), "the base")]);
    for (name, difference) in DIFFERENCES {
        let twin = seen.insert(digest(with(difference), &resolver), name);
        assert_eq!(twin, None, "{name}");
    }
    for (name, same) in SAME {
        assert_eq!(seen.get(&digest(with(same), &resolver)), Some(&"the base"), "{name}");
    }
}

/// A file system in which one name leads to a folder that can be exchanged.
struct Link(Mutex<&'static str>);

impl PathResolver for Link {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        let to = *self.0.lock().unwrap();
        Ok(if path == Path::new("/w/link") { PathBuf::from(to) } else { path.to_owned() })
    }

    fn is_there(&self, _path: &Path) -> bool {
        true
    }
}

#[test]
fn the_same_words_that_lead_elsewhere_are_another_call() {
    let asked = || with(|call| put(&mut call.args, "file", r#""/w/link""#));
    let digest_to = |to| digest(asked(), &Link(Mutex::new(to)));
    assert_ne!(digest_to("/w/a"), digest_to("/w/b"));
    assert_eq!(digest_to("/w/a"), digest_to("/w/a"));
    assert_eq!(
        digest_to("/w/a"),
        digest(base(), &support::PlainResolver),
        "the tool gets the file, whatever led to it"
    );
}

/// A yes for each call whose digest it was told.
#[derive(Default)]
struct Lead(Mutex<Vec<[u8; 32]>>);

impl Approver for Lead {
    fn ask(&self, _request: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, request: ApprovalRequest<'_>, digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let given = self.0.lock().unwrap().contains(digest);
        let id = format!("yes-{}", request.name);
        given.then(|| Grant { id, approver: "lee".to_owned(), given_us: now_us, expires_us: i64::MAX })
    }
}

#[test]
fn an_approval_of_one_call_serves_no_call_that_differs_in_one_member() {
    let lead = || {
        let lead = Arc::new(Lead::default());
        lead.0.lock().unwrap().push(digest(base(), &support::PlainResolver));
        Some(lead as Arc<dyn Approver>)
    };
    for (name, difference) in DIFFERENCES {
        let world = World::with(POLICY, Durability::Strict, lead());
        let refused = world.enforcer.enforce(with(difference), world.tool()).expect_err(name);
        assert!(matches!(refused.kind, Refusal::Pending { .. }), "{name}: {refused}");
        assert_eq!(world.ran(), 0, "{name}");
        world.enforcer.enforce(base(), world.tool()).unwrap();
        assert_eq!(world.ran(), 1, "{name}: what was approved runs");
    }
    for (name, same) in SAME {
        let world = World::with(POLICY, Durability::Strict, lead());
        world.enforcer.enforce(with(same), world.tool()).expect(name);
        assert_eq!(world.ran(), 1, "{name}");
    }
}

const DOORS: &str = r#"
enforcecore: 1
name: doors
version: "1"
tools: {pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}}
approvals:
  first: {from: {role: first}, valid: 15m}
  second: {from: {role: second}, valid: 15m}
  third: {from: {role: third}, valid: 15m}
rules:
  - {ask: pay, id: a, when: {amount: {any: true}}, approval: first}
  - {ask: pay, id: b, when: {amount: {any: true}}, approval: second}
budgets:
  - {budget: pay, id: c, sum: USD, at_most: 10, per: ever, for_each: everyone, over: ask, approval: third}
"#;

/// Doors and yeses by the approval's name.
struct Doors {
    doors: [(&'static str, Option<i64>); 3],
    yes: &'static [&'static str],
    asked: Mutex<Vec<String>>,
}

impl Approver for Doors {
    fn ask(&self, request: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        self.asked.lock().unwrap().push(request.name.to_owned());
        let (_, expires_us) = self.doors.iter().find(|(name, _)| *name == request.name).unwrap();
        expires_us.map_or(AskOutcome::Unreachable, |expires_us| AskOutcome::Delivered { expires_us })
    }

    fn grant(&self, request: ApprovalRequest<'_>, _digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let id = format!("yes-{}", request.name);
        let grant = Grant { id, approver: "lee".to_owned(), given_us: now_us, expires_us: i64::MAX };
        self.yes.contains(&request.name).then_some(grant)
    }
}

/// A payment beyond the budget, where these doors are open until then and these said yes.
fn pay(doors: [Option<i64>; 3], yes: &'static [&'static str], amount: u64) -> (World, Result<Completed, Refused>) {
    let [first, second, third] = doors;
    let doors = [("first", first), ("second", second), ("third", third)];
    let approver = Arc::new(Doors { doors, yes, asked: Mutex::default() });
    let world = World::with(DOORS, Durability::Strict, Some(approver as Arc<dyn Approver>));
    let end = world.enforcer.enforce(support::call("pay", &format!(r#"{{"amount":{amount}}}"#)), world.tool());
    (world, end)
}

#[test]
fn one_closed_door_of_several_denies_and_the_first_to_close_says_for_how_long() {
    const T: i64 = NOON_US;
    let table: [([Option<i64>; 3], Option<i64>); 12] = [
        ([Some(T + 1), Some(T + 2), Some(T + 3)], Some(T + 1)),
        ([Some(T + 2), Some(T + 1), Some(T + 3)], Some(T + 1)),
        ([Some(T + 3), Some(T + 2), Some(T + 1)], Some(T + 1)),
        ([Some(T + 3), Some(T + 1), Some(T + 2)], Some(T + 1)),
        ([Some(T + 5), Some(T + 5), Some(T + 5)], Some(T + 5)),
        ([None, Some(T + 2), Some(T + 3)], None),
        ([Some(T + 1), None, Some(T + 3)], None),
        ([Some(T + 1), Some(T + 2), None], None),
        ([None, None, Some(T + 3)], None),
        ([None, Some(T + 2), None], None),
        ([Some(T + 1), None, None], None),
        ([None, None, None], None),
    ];
    for (doors, expected) in table {
        let (world, end) = pay(doors, &[], 11);
        let refused = end.unwrap_err();
        let kind = expected.map_or(Refusal::Denied, |expires_us| Refusal::Pending { expires_us });
        let code = if expected.is_some() { "approval_required" } else { "no_approver" };
        assert_eq!((refused.kind, refused.code.as_str(), world.ran()), (kind, code, 0), "{doors:?}");
        let last = world.entries().pop().unwrap();
        let (entry, verdict) =
            if expected.is_some() { (EntryKind::Pending, "ask") } else { (EntryKind::Denial, "deny") };
        assert_eq!((last.kind, last.decision.as_deref()), (entry, Some(verdict)), "{doors:?}");
        assert!(last.delta.is_empty(), "nothing is taken: {doors:?}");
    }
}

#[test]
fn every_approval_that_is_asked_for_is_needed() {
    let open = [Some(NOON_US + 1), Some(NOON_US + 1), Some(NOON_US + 1)];
    let table: [(&[&str], u64, &[&str]); 11] = [
        (&[], 11, &["a", "b", "c"]),
        (&["first"], 11, &["b", "c"]),
        (&["second"], 11, &["a", "c"]),
        (&["third"], 11, &["a", "b"]),
        (&["first", "second"], 11, &["c"]),
        (&["first", "third"], 11, &["b"]),
        (&["second", "third"], 11, &["a"]),
        (&["first", "second", "third"], 11, &[]),
        // Within the budget only the rules ask.
        (&["first"], 10, &["b"]),
        (&["second", "third"], 10, &["a"]),
        (&["first", "second"], 10, &[]),
    ];
    for (yes, amount, missing) in table {
        let (world, end) = pay(open, yes, amount);
        assert_eq!(world.ran(), usize::from(missing.is_empty()), "{yes:?} {amount}");
        assert_eq!(end.err().map(|refused| refused.rules).unwrap_or_default(), missing, "{yes:?} {amount}");
    }
}

/// For whom a budget counts; the members it separates by. A call that differs in another member takes from the same budget.
const SHARES: [(&str, &str, &[&str]); 11] = [
    ("ever", "everyone", &[]),
    ("day UTC", "everyone", &[]),
    ("90m", "everyone", &[]),
    ("session", "everyone", &["tenant", "session"]),
    ("ever", "principal.id", &["principal"]),
    ("ever", "session.ticket", &["ticket"]),
    ("ever", "fact.customer", &["customer"]),
    ("ever", "[principal.id, session.ticket]", &["principal", "ticket"]),
    ("ever", "[session.ticket, principal.id]", &["principal", "ticket"]),
    ("ever", "[principal.id, session.ticket, fact.customer]", &["principal", "ticket", "customer"]),
    ("session", "[principal.id, fact.customer]", &["tenant", "session", "principal", "customer"]),
];

const MEMBERS: [Difference; 8] = [
    ("tenant", |call| call.context.tenant = "south".to_owned()),
    ("session", |call| call.context.session_id = "s2".to_owned()),
    ("principal", |call| put(&mut call.context.principal, "id", r#""ben""#)),
    ("role", |call| put(&mut call.context.principal, "role", r#""lead""#)),
    ("ticket", |call| put(&mut call.context.session, "ticket", r#""t2""#)),
    ("customer", |call| put(&mut call.context.facts, "customer", r#""c2""#)),
    ("text", |call| put(&mut call.args, "text", r#""other""#)),
    ("amount", |call| put(&mut call.args, "amount", "2")),
];

#[test]
fn a_budget_counts_apart_by_what_it_names_and_together_by_everything_else() {
    for (per, for_each, apart) in SHARES {
        let policy = POLICY.replace("ask:", "allow:").replace(", approval: lead", "").replace(
            "approvals:\n  lead: {from: {role: lead}, valid: 15m}",
            &format!("budgets: [{{budget: [give, take], id: once, count: calls, at_most: 1, per: {per}, for_each: {for_each}}}]"),
        );
        for (name, difference) in MEMBERS {
            let world = World::new(&policy);
            world.enforcer.enforce(base(), world.tool()).unwrap();
            let second = world.enforcer.enforce(with(difference), world.tool());
            let code = second.err().map(|refused| refused.code.as_str());
            let expected = (!apart.contains(&name)).then_some("budget_exceeded");
            assert_eq!(code, expected, "{per}, {for_each}: {name}");
            let again = world.enforcer.enforce(with(difference), world.tool()).unwrap_err();
            assert_eq!(again.code, "budget_exceeded", "{per}, {for_each}: {name} counts in its own budget");
        }
    }
}

#[test]
fn what_two_references_say_is_not_run_together() {
    let policy = "enforcecore: 1\nname: pairs\nversion: \"1\"\ntools: {look: {does: reads, args: {}, returns: trusted}}\nrules: [{allow: look, id: look}]\nbudgets: [{budget: look, id: once, count: calls, at_most: 1, per: ever, for_each: [session.a, session.b]}]\n";
    let pairs = [
        (r#""x""#, r#""yz""#),
        (r#""xy""#, r#""z""#),
        (r#""yz""#, r#""x""#),
        (r#""""#, r#""xyz""#),
        (r#""xyz""#, r#""""#),
        ("1", r#""1""#),
        (r#""1""#, "1"),
        (r#"["x"]"#, r#""yz""#),
        ("true", "false"),
    ];
    let world = World::new(policy);
    let look = |(a, b): (&str, &str)| {
        let mut call = support::call("look", "{}");
        call.context.session = map(&format!(r#"{{"a":{a},"b":{b}}}"#));
        world.enforcer.enforce(call, world.tool()).err().map(|refused| refused.code.as_str())
    };
    for pair in pairs {
        assert_eq!((look(pair), look(pair)), (None, Some("budget_exceeded")), "{pair:?}");
    }
    assert_eq!(world.ran(), pairs.len());
    for unknown in [("null", r#""x""#), (r#""x""#, "null")] {
        assert_eq!(look(unknown), Some("budget_exceeded"), "for whom it counts is not known");
    }
}

const FACTS_POLICY: &str = r#"
enforcecore: 1
name: facts
version: "1"
tools:
  look: {does: reads, args: {}, returns: trusted, facts: {customer: result.id}}
  serve: {does: reads, args: {id: string}, returns: trusted}
rules:
  - {allow: look, id: look}
  - {allow: serve, id: serve, when: {id: {same_as: fact.customer}}}
budgets:
  - {budget: serve, id: once, count: calls, at_most: 1, per: ever, for_each: fact.customer}
"#;

#[test]
fn a_fact_of_one_session_is_none_in_another() {
    let rows: [(Difference, bool); 6] = [
        (("nothing", |_| {}), true),
        (("principal", |call| put(&mut call.context.principal, "id", r#""ben""#)), true),
        (("ticket", |call| put(&mut call.context.session, "ticket", r#""t2""#)), true),
        (("tenant", |call| call.context.tenant = "south".to_owned()), false),
        (("session", |call| call.context.session_id = "s2".to_owned()), false),
        (
            ("run together", |call| {
                call.context.tenant = "norths".to_owned();
                call.context.session_id = "1".to_owned();
            }),
            false,
        ),
    ];
    for ((name, difference), known) in rows {
        let world = World::new(FACTS_POLICY);
        let north = |mut call: Call| {
            call.context.tenant = "north".to_owned();
            call
        };
        let told = Outcome::Done(Value::Map(map(r#"{"id":"c1"}"#)));
        world.enforcer.enforce(north(support::call("look", "{}")), |_| told).unwrap();
        let mut serve = north(support::call("serve", r#"{"id":"c1"}"#));
        difference(&mut serve);
        let refused = world.enforcer.enforce(serve, world.tool()).err().map(|refused| refused.code.as_str());
        assert_eq!((refused, world.ran()), ((!known).then_some("no_rule"), usize::from(known)), "{name}");
    }
}

#[test]
fn a_fact_is_counted_as_one_whether_the_host_or_a_result_set_it() {
    let serve = |session: &str, id: &str, facts: &str| {
        let mut call = support::call("serve", &format!(r#"{{"id":"{id}"}}"#));
        call.context.session_id = session.to_owned();
        call.context.facts = map(facts);
        call
    };
    // The host's first, then a result's; and the other way round.
    for host_first in [true, false] {
        let world = World::new(FACTS_POLICY);
        let mut look = support::call("look", "{}");
        look.context.session_id = "of the result".to_owned();
        world.enforcer.enforce(look, |_| Outcome::Done(Value::Map(map(r#"{"id":"c1"}"#)))).unwrap();
        let of_host = || serve("of the host", "c1", r#"{"customer":"c1"}"#);
        let of_result = || serve("of the result", "c1", "{}");
        let both = || serve("of the result", "c1", r#"{"customer":"c1"}"#);
        let (first, second) = if host_first { (of_host(), of_result()) } else { (of_result(), of_host()) };
        world.enforcer.enforce(first, world.tool()).unwrap();
        for again in [second, both(), of_host(), of_result()] {
            assert_eq!(world.enforcer.enforce(again, world.tool()).unwrap_err().code, "budget_exceeded");
        }
        world.enforcer.enforce(serve("of the host", "c2", r#"{"customer":"c2"}"#), world.tool()).unwrap();
        assert_eq!(world.ran(), 2, "another customer is counted apart");
    }
}
