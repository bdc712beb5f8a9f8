//! The evidence, field by field: a session as a script, and every whole entry that it leaves.
//!
//! Keyed names are shown as what they name. That is asked of the keyer here, and not of the entry.
#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use enforcecore::audit::{Durability, Entry, EntryLine, hex};
use enforcecore::call::Context;
use enforcecore::call::{Call, CallId, FrozenCall, Malformed};
use enforcecore::codes::Code;
use enforcecore::codes::call as code;
use enforcecore::outcome::{BeginMode, Outcome, Permit, Stopped};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant};
use enforcecore::value::Value;
use expect_test::{Expect, expect};
use support::{World, map};

const POLICY: &str = r#"
enforcecore: 1
name: evidence
version: "7"
tools:
  look: {does: reads, args: {text: text}, returns: trusted, facts: {customer: result.id, order: result.order.id}}
  fetch: {does: fetches, args: {url: url}, returns: web}
  pay: {does: pays, args: {amount: {type: money, currency: USD}}, returns: trusted}
  edit: {does: writes, args: {text: {type: text, on_placeholder: send}}, returns: trusted}
  wipe: {does: deletes, args: {}, returns: trusted}
approvals: {lead: {from: {role: lead}, valid: 15m}, boss: {from: {role: boss}, valid: 1h}}
rules:
  - {allow: look, id: look, deadline: 10s}
  - {allow: fetch, id: api, when: {url: {host: api.example.com}}}
  - {allow: pay, id: small, when: {amount: {at_most: 50}}}
  - {ask: pay, id: big, when: {amount: {more_than: 50}}, approval: lead}
  - {ask: pay, id: huge, when: {amount: {more_than: 90}}, approval: boss}
  - {allow: edit, id: edit}
  - {deny: wipe, id: never, reason: we do not wipe}
  - {deny: anything, id: nor-at-night, when: {session.night: {equals: true}}}
budgets:
  - {budget: pay, id: day, sum: USD, at_most: 100, per: day UTC, for_each: principal.id}
  - {budget: [pay, fetch], id: hour, count: calls, at_most: 9, per: 1h, for_each: everyone}
unprotected: {edit: [.husky]}
redact: {args: {text: [email], every_string: [url_credentials]}, result: [email, secret]}
"#;

/// A GitHub token is 30 random base62 digits and their CRC32; this one is valid in form and was never issued.
const TOKEN: &str = "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";

/// Says yes after the first request, each time with another grant.
#[derive(Default)]
struct Lee(AtomicU64);

impl Approver for Lee {
    fn ask(&self, request: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        if request.name.is_none() { AskOutcome::Unreachable } else { AskOutcome::Delivered { expires_us: i64::MAX } }
    }

    fn grant(&self, request: ApprovalRequest<'_>, _digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let id = format!("yes of {} {number}", request.name.unwrap_or_default());
        (number > 0).then(|| Grant { id, approver: "lee".to_owned(), given_us: now_us, expires_us: i64::MAX })
    }
}

/// One call after the other, each with its number for a name.
struct Script {
    world: World,
    calls: u64,
    shown: usize,
    told: String,
}

impl Script {
    fn call(&mut self, tool: &str, args: &str) -> Call {
        self.calls += 1;
        let id = CallId::from_text(&format!("c{}", self.calls)).unwrap();
        let (principal, session) = (map(r#"{"id":"ana"}"#), map(r#"{"night":false}"#));
        let context = Context { session_id: "s1".to_owned(), principal, session, ..Context::default() };
        Call { id, context, ..support::call(tool, args) }
    }

    /// A call that ends so, and what is new in the log.
    fn ends(&mut self, what: &str, tool: &str, args: &str, run: impl FnOnce(Permit) -> Outcome) {
        let call = self.call(tool, args);
        let _end = self.world.enforcer.enforce(call, run);
        self.tell(what);
    }

    /// A call that does not start.
    fn refused(&mut self, what: &str, call: Call) {
        self.world.enforcer.enforce(call, |_| panic!("it started")).expect_err(what);
        self.tell(what);
    }

    fn tell(&mut self, what: &str) {
        let entries = self.world.entries();
        let new: Vec<String> = entries.iter().skip(self.shown).map(|entry| self.line(entry)).collect();
        self.shown = entries.len();
        self.told += &format!("# {what}\n{}\n", new.join("\n"));
    }

    /// The whole entry but the seal before it and the name of its writer, which have tests of their own.
    fn line(&self, entry: &EntryLine) -> String {
        assert!(entry.prev_seal.is_some() || entry.index == 0);
        assert_eq!(entry.writer.len(), 16);
        let entry = EntryLine { prev_seal: None, writer: String::new(), ..entry.clone() };
        let mut line = String::from_utf8(Entry::from(entry).line().unwrap()).unwrap();
        for (name, shown) in self.names() {
            line = line.replace(&name, shown);
        }
        line.replace(r#","v":1,"writer":"""#, "")
    }

    /// What stands behind each keyed name.
    fn names(&self) -> Vec<(String, &'static str)> {
        let keyer = self.world.log.keyer();
        let fact = |json: &str| keyer.fingerprint(&Value::from_json(json.as_bytes()).unwrap());
        let policy = |text: &str| hex(support::load(text).digest());
        vec![
            (policy(POLICY), "$POLICY"),
            (policy(&later()), "$LATER"),
            (fact(r#""c7""#), "$c7"),
            (fact("5"), "$five"),
            (keyer.name("tool", b"wreck"), "$wreck"),
            (keyer.name("session", &texts(&[(b'T', ""), (b'S', "s1")])), "$s1"),
            (keyer.name("session", &texts(&[(b'T', ""), (b'S', "s2")])), "$s2"),
            (keyer.name("session", &texts(&[(b'T', "south"), (b'S', "s1")])), "$south-s1"),
            (keyer.name("principal", &principal("ana")), "$ana"),
            (keyer.name("principal", &principal("ben")), "$ben"),
            (keyer.name("budget", &texts(&[(b's', "ana")])), "$for-ana"),
            (keyer.name("budget", b""), "$for-everyone"),
        ]
    }
}

/// Texts with their tags and their lengths, as a keyed name is made of them.
fn texts(parts: &[(u8, &str)]) -> Vec<u8> {
    let bytes = |(tag, text): &(u8, &str)| {
        let length = u64::try_from(text.len()).unwrap().to_be_bytes();
        [vec![*tag], length.to_vec(), text.as_bytes().to_vec()].concat()
    };
    parts.iter().flat_map(bytes).collect()
}

/// `{"id": NAME}`: a map of one member.
fn principal(name: &str) -> Vec<u8> {
    [b"m\0\0\0\0\0\0\0\x01".to_vec(), texts(&[(b'k', "id"), (b's', name)])].concat()
}

fn later() -> String {
    POLICY.replace("name: evidence", "name: later").replace("version: \"7\"", "version: \"8\"")
}

fn value(json: &str) -> Value {
    Value::from_json(json.as_bytes()).unwrap()
}

fn never(code: Code) -> Outcome {
    Outcome::NotStarted { code, why: "w".to_owned() }
}

#[test]
fn every_field_of_every_entry_of_a_session() {
    let world = World::with(POLICY, Durability::Strict, Some(Arc::new(Lee::default()) as Arc<dyn Approver>));
    let mut script = Script { world, calls: 0, shown: 0, told: String::new() };
    script.tell("the beginning");
    told_ends(&mut script);
    told_refusals(&mut script);
    told_forms(&mut script);
    script.world.enforcer.rebind(support::load(&later())).unwrap();
    script.tell("another policy");
    script.ends("under it", "look", r#"{"text":""}"#, |_| Outcome::Done(Value::Null));
    SESSION.assert_eq(&script.told);
}

/// Every way in which a tool ends.
fn told_ends(script: &mut Script) {
    let clock = Arc::clone(&script.world.clock);
    let look = r#"{"text":"x"}"#;
    let facts = r#"{"id":"c7","order":{"id":5},"mail":"jo@example.com"}"#;
    script.ends("done", "look", r#"{"text":"to ann@example.com, ann@example.com"}"#, |_| Outcome::Done(value(facts)));
    let parts = Outcome::DoneWith { value: value(r#""seen""#), structured: value(r#"{"id":"c7"}"#) };
    script.ends("done in parts, with a fact that is known", "look", look, |_| parts);
    script.ends("a fact that is another now", "look", look, |_| Outcome::Done(value(r#"{"id":5}"#)));
    let words = format!("no {TOKEN}, jo@example.com, no {TOKEN}");
    script.ends("failed in words", "look", look, |_| Outcome::Failed(words));
    let parts = value(&format!(r#"{{"error":"{TOKEN}","id":"c8"}}"#));
    script.ends("failed in parts", "look", look, |_| Outcome::FailedWith(parts));
    script.ends("crashed", "look", look, |_| Outcome::Crashed);
    script.ends("panicked", "look", look, |_| panic!("in the tool"));
    script.ends("overdue", "look", look, |_| Outcome::Overdue(Stopped::Cancelled));
    script.ends("late", "look", look, |_| {
        clock.pass(10_000_001);
        Outcome::Done(value(facts))
    });
    script.ends("unreadable", "look", look, |_| Outcome::Unreadable(Malformed::new(code::NOT_JSON, "w")));
    let deep = |_| Outcome::Done((0..200).fold(Value::Null, |inner, _| Value::List(vec![inner])));
    script.ends("beyond limits", "look", look, deep);
    script.ends("not to be redacted", "look", look, |_| Outcome::Done(Value::Bytes(vec![0xff, 0])));
    script.ends("not started", "look", look, |_| never(code::NOT_STARTED));
    script.ends("cancelled", "look", look, |_| never(code::CANCELLED));
    script.ends("of another label", "fetch", r#"{"url":"https://api.example.com/"}"#, |_| Outcome::Done(Value::Null));
    script.ends("paid", "pay", r#"{"amount":49.999999}"#, |_| Outcome::Done(Value::Null));
    script.ends("not paid", "pay", r#"{"amount":1}"#, |_| never(code::NOT_STARTED));
}

/// Every way in which a call is refused, or waits.
fn told_refusals(script: &mut Script) {
    for (what, tool, args) in [
        ("by a rule, with its reason", "wipe", "{}"),
        ("by no rule", "fetch", r#"{"url":"https://example.com/"}"#),
        ("an argument of another type", "look", r#"{"text":1}"#),
        ("an undeclared argument", "look", r#"{"text":"x","jo@example.com":1}"#),
        ("an unknown tool", "wreck", "{}"),
        ("what is executed and found", "fetch", r#"{"url":"https://api.example.com/?n=ftp://u:hunter2pass@h.test/"}"#),
        ("a placeholder", "wreck", r#"{"text":"EC_EMAIL_1"}"#),
        ("beyond its budget", "pay", r#"{"amount":50.1}"#),
        ("waits for one yes", "pay", r#"{"amount":50.000001}"#),
    ] {
        let call = script.call(tool, args);
        script.refused(what, call);
    }
    let mut night = script.call("look", r#"{"text":""}"#);
    night.context.session = map(r#"{"night":true}"#);
    script.refused("by a rule without a reason", night);
    let unread = script.call("look", "{}");
    script.world.enforcer.refuse_malformed(unread, Malformed::new(code::DUPLICATE_KEY, "w"));
    script.tell("what no face could read");
}

/// Who calls, and how the tool is run.
fn told_forms(script: &mut Script) {
    let look = r#"{"text":""}"#;
    script.ends("approved", "pay", r#"{"amount":50.000001}"#, |_| Outcome::Done(Value::Null));
    script.ends("with names and placeholders", "edit", r#"{"text":"to EC_EMAIL_1"}"#, |_| Outcome::Done(Value::Null));
    for (what, mode) in [("split", BeginMode::Split), ("hook", BeginMode::Hook)] {
        let call = script.call("look", look);
        let admitted = script.world.enforcer.begin(call, mode).unwrap();
        script.world.enforcer.finish(admitted, Outcome::Done(Value::Null)).unwrap().unwrap();
        script.tell(what);
    }
    let call = script.call("look", look);
    drop(script.world.enforcer.begin(call, BeginMode::Split).unwrap());
    script.tell("abandoned");
    for (what, differ) in CALLERS {
        let mut call = script.call("look", look);
        differ(&mut call);
        script.world.enforcer.enforce(call, |_| Outcome::Done(Value::Null)).unwrap();
        script.tell(what);
    }
}

type Caller = (&'static str, fn(&mut Call));

const CALLERS: [Caller; 5] = [
    ("made by another call", |call| call.parent = CallId::from_text("c1")),
    ("by another principal", |call| call.context.principal = map(r#"{"id":"ben"}"#)),
    ("by no principal", |call| call.context.principal = map("{}")),
    ("in another session", |call| call.context.session_id = "s2".to_owned()),
    ("for another tenant", |call| call.context.tenant = "south".to_owned()),
];

#[test]
fn a_buffered_entry_says_so() {
    let stateless = "enforcecore: 1\nname: s\nversion: \"1\"\ntools: {look: {does: reads, args: {}, returns: trusted}}\nrules: [{allow: look, id: look}]\n";
    for (durability, word) in [(Durability::Buffered, "buffered"), (Durability::Strict, "strict")] {
        let world = World::with(stateless, durability, None);
        world.enforcer.enforce(support::call("look", "{}"), world.tool()).unwrap();
        world.enforcer.enforce(support::call("gone", "{}"), world.tool()).unwrap_err();
        let said: Vec<_> = world.entries().into_iter().map(|entry| entry.durability.map(Durability::as_str)).collect();
        assert_eq!(said, [Some("strict"), Some(word), Some(word), Some(word), Some(word)]);
    }
}

static SESSION: Expect = expect![[r##"
    # the beginning
    {"durability":"strict","index":0,"kind":"genesis","mono_us":0,"note":{"origin":"example.test/log","vkey":"example.test/log+fa97f612+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"},"time_us":1772366400000000}
    {"durability":"strict","index":1,"kind":"policy","mono_us":0,"note":{"name":"evidence","version":"7"},"policy":"$POLICY","time_us":1772366400000000}
    # done
    {"delta":[{"class":"email","fingerprints":["9b5f602318adb569f36a2001f22bcfdf"],"first":1,"op":"placeholders","session":"$s1"}],"durability":"strict","index":2,"kind":"state","mono_us":0,"session":"$s1","time_us":1772366400000000}
    {"call":"c1","code":"allowed","commitment":"a94a2fecfff4174305389e3bd3dc6759","decision":"allow","durability":"strict","index":3,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","redactions":{"email":2},"rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"delta":[{"class":"email","fingerprints":["a391921a8f5f44ecb5e74cdd66203f73"],"first":2,"op":"placeholders","session":"$s1"}],"durability":"strict","index":4,"kind":"state","mono_us":0,"session":"$s1","time_us":1772366400000000}
    {"call":"c1","code":"released","delta":[{"label":"trusted","op":"label","session":"$s1"},{"fingerprint":"$c7","name":"customer","op":"fact","session":"$s1"},{"fingerprint":"$five","name":"order","op":"fact","session":"$s1"}],"durability":"strict","effect":"happened","index":5,"kind":"outcome","mono_us":0,"redactions":{"email":1},"session":"$s1","time_us":1772366400000000}
    # done in parts, with a fact that is known
    {"call":"c2","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":6,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c2","code":"released","durability":"strict","effect":"happened","index":7,"kind":"outcome","mono_us":0,"session":"$s1","time_us":1772366400000000}
    # a fact that is another now
    {"call":"c3","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":8,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c3","code":"released","delta":[{"fingerprint":"$five","name":"customer","op":"fact","session":"$s1"}],"durability":"strict","effect":"happened","index":9,"kind":"outcome","mono_us":0,"session":"$s1","time_us":1772366400000000}
    # failed in words
    {"call":"c4","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":10,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"delta":[{"class":"github_token","fingerprints":["638ffec91029c8b1581e3ce0ef0b1203"],"first":1,"op":"placeholders","session":"$s1"}],"durability":"strict","index":11,"kind":"state","mono_us":0,"session":"$s1","time_us":1772366400000000}
    {"call":"c4","code":"tool_failed","durability":"strict","effect":"unknown","index":12,"kind":"outcome","mono_us":0,"redactions":{"email":1,"github_token":2},"session":"$s1","time_us":1772366400000000}
    # failed in parts
    {"call":"c5","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":13,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c5","code":"tool_failed","durability":"strict","effect":"unknown","index":14,"kind":"outcome","mono_us":0,"redactions":{"github_token":1},"session":"$s1","time_us":1772366400000000}
    # crashed
    {"call":"c6","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":15,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c6","code":"tool_crashed","durability":"strict","effect":"unknown","index":16,"kind":"outcome","mono_us":0,"session":"$s1","time_us":1772366400000000}
    # panicked
    {"call":"c7","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":17,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c7","code":"tool_crashed","durability":"strict","effect":"unknown","index":18,"kind":"outcome","mono_us":0,"session":"$s1","time_us":1772366400000000}
    # overdue
    {"call":"c8","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":19,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c8","code":"deadline_exceeded","durability":"strict","effect":"unknown","index":20,"kind":"outcome","mono_us":0,"note":{"stopped":"cancelled"},"session":"$s1","time_us":1772366400000000}
    # late
    {"call":"c9","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":21,"kind":"intent","mode":"closed","mono_us":0,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366400000000,"tool":"look"}
    {"call":"c9","code":"deadline_exceeded","durability":"strict","effect":"happened","index":22,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # unreadable
    {"call":"c10","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":23,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c10","code":"not_json","durability":"strict","effect":"happened","index":24,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # beyond limits
    {"call":"c11","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":25,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c11","code":"result_beyond_limits","durability":"strict","effect":"happened","index":26,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # not to be redacted
    {"call":"c12","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":27,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c12","code":"released","durability":"strict","effect":"happened","index":28,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # not started
    {"call":"c13","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":29,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c13","code":"not_started","durability":"strict","index":30,"kind":"void","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # cancelled
    {"call":"c14","code":"allowed","commitment":"c9bab4951c1bb212dcdf4ab65ae8f278","decision":"allow","durability":"strict","index":31,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c14","code":"cancelled","durability":"strict","index":32,"kind":"void","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # of another label
    {"call":"c15","code":"allowed","commitment":"a8a2fe082113d2dea7c044073ca4a3c9","decision":"allow","delta":[{"amount_micros":1000000,"bucket":"","budget":"hour","key":"$for-everyone","op":"reserve","span_us":3600000000}],"durability":"strict","index":33,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["api"],"session":"$s1","time_us":1772366410000001,"tool":"fetch"}
    {"call":"c15","code":"released","delta":[{"label":"web","op":"label","session":"$s1"}],"durability":"strict","effect":"happened","index":34,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # paid
    {"call":"c16","code":"allowed","commitment":"0a700b7751dcbee72325b4f8f7a4af4d","decision":"allow","delta":[{"amount_micros":49999999,"bucket":"2026-03-01","budget":"day","key":"$for-ana","op":"reserve","span_us":0},{"amount_micros":1000000,"bucket":"","budget":"hour","key":"$for-everyone","op":"reserve","span_us":3600000000}],"durability":"strict","index":35,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["small"],"session":"$s1","time_us":1772366410000001,"tool":"pay"}
    {"call":"c16","code":"released","durability":"strict","effect":"happened","index":36,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # not paid
    {"call":"c17","code":"allowed","commitment":"349b9231d560c20b0956a89fde8a6d0d","decision":"allow","delta":[{"amount_micros":1000000,"bucket":"2026-03-01","budget":"day","key":"$for-ana","op":"reserve","span_us":0},{"amount_micros":1000000,"bucket":"","budget":"hour","key":"$for-everyone","op":"reserve","span_us":3600000000}],"durability":"strict","index":37,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["small"],"session":"$s1","time_us":1772366410000001,"tool":"pay"}
    {"call":"c17","code":"not_started","durability":"strict","index":38,"kind":"void","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # by a rule, with its reason
    {"call":"c18","code":"denied_by_rule","condition":"evidence#/rules/6","decision":"deny","durability":"strict","index":39,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rule":"never","rules":["never"],"session":"$s1","time_us":1772366410000001,"tool":"wipe"}
    # by no rule
    {"call":"c19","code":"no_rule","condition":"evidence#/rules/1/when/url/host","decision":"deny","durability":"strict","index":40,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rule":"api","session":"$s1","time_us":1772366410000001,"tool":"fetch"}
    # an argument of another type
    {"call":"c20","code":"wrong_type","condition":"evidence#/tools/look/args/text","decision":"deny","durability":"strict","index":41,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","session":"$s1","time_us":1772366410000001,"tool":"look"}
    # an undeclared argument
    {"call":"c21","code":"undeclared_argument","condition":"evidence#/tools/look/args","decision":"deny","durability":"strict","index":42,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","session":"$s1","time_us":1772366410000001,"tool":"look"}
    # an unknown tool
    {"call":"c22","code":"unknown_tool","decision":"deny","durability":"strict","index":43,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","session":"$s1","time_us":1772366410000001,"tool":"undeclared:5:$wreck","tool_name":"wreck"}
    # what is executed and found
    {"delta":[{"class":"url_credentials","fingerprints":["3d9ff17888470b3d174760604ac696d8"],"first":1,"op":"placeholders","session":"$s1"}],"durability":"strict","index":44,"kind":"state","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    {"call":"c23","code":"finding_in_executed_argument","decision":"deny","durability":"strict","index":45,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["api"],"session":"$s1","time_us":1772366410000001,"tool":"fetch"}
    # a placeholder
    {"call":"c24","code":"unknown_tool","decision":"deny","durability":"strict","index":46,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","session":"$s1","time_us":1772366410000001,"tool":"undeclared:5:$wreck","tool_name":"wreck"}
    # beyond its budget
    {"call":"c25","code":"budget_exceeded","condition":"evidence#/budgets/0","decision":"deny","durability":"strict","index":47,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rule":"day","rules":["big","day"],"session":"$s1","time_us":1772366410000001,"tool":"pay"}
    # waits for one yes
    {"call":"c26","code":"approval_required","decision":"ask","durability":"strict","index":48,"kind":"pending","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["big"],"session":"$s1","time_us":1772366410000001,"tool":"pay"}
    # by a rule without a reason
    {"call":"c27","code":"denied_by_rule","condition":"evidence#/rules/7/when/session.night/equals","decision":"deny","durability":"strict","index":49,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rule":"nor-at-night","rules":["nor-at-night"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    # what no face could read
    {"call":"c28","code":"duplicate_key","decision":"deny","durability":"strict","index":50,"kind":"denial","mono_us":10000001,"policy":"$POLICY","principal":"$ana","session":"$s1","time_us":1772366410000001,"tool":"look"}
    # approved
    {"call":"c29","code":"approval_required","commitment":"b8f3d4e083ff32d3484877eb3f7f4119","decision":"ask","delta":[{"amount_micros":50000001,"bucket":"2026-03-01","budget":"day","key":"$for-ana","op":"reserve","span_us":0},{"amount_micros":1000000,"bucket":"","budget":"hour","key":"$for-everyone","op":"reserve","span_us":3600000000},{"id":"yes of lead 1","op":"grant"}],"durability":"strict","index":51,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["big"],"session":"$s1","time_us":1772366410000001,"tool":"pay"}
    {"call":"c29","code":"released","durability":"strict","effect":"happened","index":52,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # with names and placeholders
    {"call":"c30","code":"allowed","commitment":"adb3e6014ff06ce41692532ce8c0c47a","decision":"allow","durability":"strict","index":53,"kind":"intent","mode":"closed","mono_us":10000001,"note":{"placeholders_sent":"EC_EMAIL_1","unprotected":".husky"},"policy":"$POLICY","principal":"$ana","rules":["edit"],"session":"$s1","time_us":1772366410000001,"tool":"edit"}
    {"call":"c30","code":"released","durability":"strict","effect":"happened","index":54,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # split
    {"call":"c31","code":"allowed","commitment":"e1821490d88c5ecdeca532855c33c5c7","decision":"allow","durability":"strict","index":55,"kind":"intent","mode":"split","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c31","code":"released","durability":"strict","effect":"happened","index":56,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # hook
    {"call":"c32","code":"allowed","commitment":"e1821490d88c5ecdeca532855c33c5c7","decision":"allow","durability":"strict","index":57,"kind":"intent","mode":"hook","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c32","code":"released","durability":"strict","effect":"happened","index":58,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # abandoned
    {"call":"c33","code":"allowed","commitment":"e1821490d88c5ecdeca532855c33c5c7","decision":"allow","durability":"strict","index":59,"kind":"intent","mode":"split","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c33","code":"abandoned","durability":"strict","index":60,"kind":"abandoned","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # made by another call
    {"call":"c34","code":"allowed","commitment":"e1821490d88c5ecdeca532855c33c5c7","decision":"allow","durability":"strict","index":61,"kind":"intent","mode":"closed","mono_us":10000001,"parent":"c1","policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c34","code":"released","durability":"strict","effect":"happened","index":62,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # by another principal
    {"call":"c35","code":"allowed","commitment":"a073a608f3beeb3fc8bc4be199e74ee5","decision":"allow","durability":"strict","index":63,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ben","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c35","code":"released","durability":"strict","effect":"happened","index":64,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # by no principal
    {"call":"c36","code":"allowed","commitment":"d729b61c95d2052e27d117ef6992ebc3","decision":"allow","durability":"strict","index":65,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c36","code":"released","durability":"strict","effect":"happened","index":66,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
    # in another session
    {"call":"c37","code":"allowed","commitment":"401e31c6bdaa22b42b70893979070be7","decision":"allow","durability":"strict","index":67,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$s2","time_us":1772366410000001,"tool":"look"}
    {"call":"c37","code":"released","delta":[{"label":"trusted","op":"label","session":"$s2"}],"durability":"strict","effect":"happened","index":68,"kind":"outcome","mono_us":10000001,"session":"$s2","time_us":1772366410000001}
    # for another tenant
    {"call":"c38","code":"allowed","commitment":"f1f5a280126a87c283bc1fd6fa2e8cdb","decision":"allow","durability":"strict","index":69,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$POLICY","principal":"$ana","rules":["look"],"session":"$south-s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c38","code":"released","delta":[{"label":"trusted","op":"label","session":"$south-s1"}],"durability":"strict","effect":"happened","index":70,"kind":"outcome","mono_us":10000001,"session":"$south-s1","time_us":1772366410000001}
    # another policy
    {"durability":"strict","index":71,"kind":"policy","mono_us":10000001,"note":{"name":"later","version":"8"},"policy":"$LATER","time_us":1772366410000001}
    # under it
    {"call":"c39","code":"allowed","commitment":"e1821490d88c5ecdeca532855c33c5c7","decision":"allow","durability":"strict","index":72,"kind":"intent","mode":"closed","mono_us":10000001,"policy":"$LATER","principal":"$ana","rules":["look"],"session":"$s1","time_us":1772366410000001,"tool":"look"}
    {"call":"c39","code":"released","durability":"strict","effect":"happened","index":73,"kind":"outcome","mono_us":10000001,"session":"$s1","time_us":1772366410000001}
"##]];
