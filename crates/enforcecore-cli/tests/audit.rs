//! Who called what, and why: the entries of a log by filters, in every form, as they are written, and counted.
#![cfg(test)]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod cli_support;

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use cli_support::log::{write, write_as, write_names_secret};
use cli_support::{Place, Ran, output, until};
use enforcecore::identity::Identities;
use serde_json::{Value as Json, json};

const POLICY: &str = r#"enforcecore: 1
name: shop
version: "1"
tools:
  look: {does: reads, args: {name: string}, returns: trusted}
  pay:
    does: pays
    args: {amount: {type: money, currency: USD}, to: email, "note?": text}
    returns: trusted
    record: {args: [amount, to, note]}
rules:
  - {allow: look, id: reading}
  - {allow: pay, id: small, when: {amount: {at_most: 50}, to: {any: true}}}
  - {deny: pay, id: huge, when: {amount: {more_than: 1000}}}
"#;

/// Ann in the morning with keyed names, ben at noon with clear ones: each reads, pays, pays too much, and tries what there is
/// not.
fn place() -> Place {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    let calls = [
        ("a1", "look", r#"{"name":"x"}"#),
        ("a2", "pay", r#"{"amount":20,"to":"jo@example.com","note":"tea"}"#),
        ("a3", "pay", r#"{"amount":2000,"to":"jo@example.com"}"#),
        ("a4", "wipe", "{}"),
    ];
    let of_ben = calls.map(|(id, tool, args)| (id.replace('a', "b"), tool, args));
    let of_ben: Vec<(&str, &str, &str)> = of_ben.iter().map(|(id, tool, args)| (id.as_str(), *tool, *args)).collect();
    write_as(place.root(), Identities::Keyed, (r#"{"id":"ann","role":"clerk"}"#, "morning"), &calls);
    write_as(place.root(), Identities::Clear, (r#"{"id":"ben","role":"clerk"}"#, "noon"), &of_ben);
    write_names_secret(place.root());
    place
}

/// The kinds and calls of the entries that these flags select.
fn selected(place: &Place, flags: &[&str]) -> Vec<String> {
    let ran = place.run(&[&["audit", "show", "log", "--format", "jsonl"], flags].concat());
    assert_eq!(ran.status, 0, "{flags:?} {ran:?}");
    let entry = |line: &str| {
        let entry: Json = serde_json::from_str(line).unwrap();
        let call = entry["call"].as_str().map(|call| format!(" {call}")).unwrap_or_default();
        format!("{}{call}", entry["kind"].as_str().unwrap())
    };
    ran.stdout.lines().map(entry).collect()
}

#[test]
fn each_filter_selects_calls_with_their_ends_and_nothing_else() {
    let place = place();
    let all = selected(&place, &[]);
    assert_eq!(
        all.len(),
        3 + 2 * 6,
        "genesis, two policies, and of each caller two calls with ends and two denials: {all:?}"
    );
    let ann_pays = ["intent a2", "outcome a2", "denial a3"];
    let ben_pays = ["intent b2", "outcome b2", "denial b3"];
    let of = |who: &str| {
        ["intent 1", "outcome 1", "intent 2", "outcome 2", "denial 3", "denial 4"]
            .map(|entry| entry.replace(' ', &format!(" {who}")))
    };
    let (anns, bens) = (of("a"), of("b"));
    let anns: Vec<&str> = anns.iter().map(String::as_str).collect();
    let bens: Vec<&str> = bens.iter().map(String::as_str).collect();
    let check = |flags: &[&str], expected: &[&str]| assert_eq!(selected(&place, flags), expected, "{flags:?}");
    let secret = ["--keys", "keys"];
    check(&["--tool", "pay"], &[ann_pays, ben_pays].concat());
    check(&["--tool", "wipe"], &["denial a4", "denial b4"]);
    check(&["--tool", "wip"], &[]);
    check(&["--decision", "deny"], &["denial a3", "denial a4", "denial b3", "denial b4"]);
    check(&["--decision", "allow", "--tool", "look"], &["intent a1", "intent b1"]);
    check(&["--decision", "ask"], &[]);
    check(&["--code", "released", "--tool", "pay"], &["outcome a2", "outcome b2"]);
    check(&["--code", "unknown_tool"], &["denial a4", "denial b4"]);
    check(&["--call", "a2"], &["intent a2", "outcome a2"]);
    check(&["--tail", "1"], &["denial b4"]);
    check(&["--tail", "2", "--tool", "pay"], &["outcome b2", "denial b3"]);
    // With the secret names are found in both forms; without it in clear alone.
    check(&[&secret[..], &["--session", "morning"]].concat(), &anns);
    check(&[&secret[..], &["--session", "noon"]].concat(), &bens);
    check(&[&secret[..], &["--session", "noon", "--tenant", "south"]].concat(), &bens);
    check(&[&secret[..], &["--session", "morning", "--tenant", "south"]].concat(), &[]);
    check(&["--session", "morning"], &[]);
    check(&["--session", "noon"], &bens);
    check(&[&secret[..], &["--principal", r#"{"id":"ann","role":"clerk"}"#]].concat(), &anns);
    check(&[&secret[..], &["--principal", r#"{"role":"clerk","id":"ann"}"#]].concat(), &anns);
    check(&[&secret[..], &["--principal", r#"{"id":"ann"}"#]].concat(), &[]);
    check(&[&secret[..], &["--principal", r#"{"id":"ann","role":"boss"}"#]].concat(), &[]);
    check(&["--principal", "ben"], &bens);
    check(&["--principal", "be"], &[]);
    check(&["--principal", "ben", "--decision", "deny", "--tool", "pay"], &["denial b3"]);
    // A keyed name is one of the names.
    let entry: Json =
        serde_json::from_str(&place.run(&["audit", "show", "log", "--call", "a3", "--json"]).stdout).unwrap();
    check(&["--principal", entry["principal"].as_str().unwrap()], &anns);
    check(&["--session", entry["session"].as_str().unwrap()], &anns);
}

/// A principal with one member is found by that name alone, whatever the member is called.
#[test]
fn a_name_alone_is_found_under_its_keyed_name() {
    for member in ["id", "name", "user", "sub", "email"] {
        let place = Place::with(&[("policy.yaml", POLICY)]);
        let principal = json!({member: "ann"}).to_string();
        write_as(place.root(), Identities::Keyed, (&principal, "s"), &[("c1", "wipe", "{}")]);
        write_names_secret(place.root());
        assert_eq!(selected(&place, &["--principal", "ann", "--keys", "keys"]), ["denial c1"], "{member}");
        assert_eq!(selected(&place, &["--principal", "ben", "--keys", "keys"]), [""; 0], "{member}");
        let ran = place.run(&["audit", "show", "log", "--principal", "ann"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
        assert!(ran.stderr.contains("the secret of names is not in `.enforcecore/keys`"), "{ran:?}");
        assert!(!place.path(".enforcecore").exists(), "nothing is made by looking");
    }
}

#[test]
fn times_are_rfc_3339_or_ago_and_anything_else_is_said() {
    let place = place();
    // The clock of the log begins at 11:06:40 and goes on by a second with every look; ben's begins there again.
    let times = place.run(&["audit", "show", "log", "--format", "csv"]).stdout;
    let third = times.lines().nth(3).unwrap().split(',').nth(1).unwrap().to_owned();
    assert!(third.starts_with("2026-11-18T11:06:4") && third.ends_with(".000Z"), "{third}");
    let since = selected(&place, &["--since", &third]);
    let before = selected(&place, &["--until", &third]);
    assert_eq!(
        (since.len() + before.len(), since[0].as_str()),
        (15, "intent a1"),
        "since takes the moment, until does not"
    );
    assert!(!before.contains(&"intent a1".to_owned()));
    for same in ["2026-11-18T12:06:40+01:00", "2026-11-18t11:06:40z", "2026-11-18T11:06:40.000000Z"] {
        assert_eq!(selected(&place, &["--since", same]).len(), 15, "{same}");
    }
    assert_eq!(selected(&place, &["--since", "10000w"]).len(), 15);
    assert_eq!(selected(&place, &["--until", "10000w"]).len(), 0);
    for (flag, wrong) in [
        ("--since", "yesterday"),
        ("--since", "2026-11-18"),
        ("--since", "2026-11-18T11:06:40"),
        ("--since", "2026-11-18 11:06:40Z"),
        ("--since", "2026-13-18T11:06:40Z"),
        ("--until", "24"),
        ("--until", "h"),
        ("--until", "-1h"),
        ("--until", "1.5h"),
        ("--until", "99999999999999999999w"),
        ("--until", ""),
    ] {
        let ran = place.run(&["audit", "show", "log", &format!("{flag}={wrong}")]);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{wrong} {ran:?}");
        assert!(ran.stderr.contains("RFC 3339") || wrong.is_empty(), "{wrong} {ran:?}");
        assert!(ran.stderr.contains(flag), "{wrong} {ran:?}");
    }
    let ran = place.run(&["audit", "show", "log", "--since", "1h", "--until", "2h"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("no time is after"), "{ran:?}");
    for wrong in [
        &["--principal", "{"][..],
        &["--principal", r#"{"id":"a","id":"b"}"#],
        &["--decision", "perhaps"],
        &["--format", "xml"],
        &["--format", "csv", "--json"],
        &["--tenant", "t"],
    ] {
        let ran = place.run(&[&["audit", "show", "log"], wrong].concat());
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{wrong:?} {ran:?}");
    }
}

/// The fields of an entry, each with a value, the cell of its CSV column, and where an event of OCSF has it.
const FIELDS: [(&str, &str, &str, &str); 29] = [
    ("args", r#"{"to":"jo"}"#, r#""{""to"":""jo""}""#, "/api/request/data"),
    ("call", r#""c1""#, "c1", "/api/request/uid"),
    ("code", r#""allowed""#, "allowed", "/status_code"),
    ("commitment", r#""cc""#, "cc", "/unmapped/commitment"),
    ("condition", r#""p#/rules/0""#, "p#/rules/0", "/unmapped/condition"),
    ("decision", r#""allow""#, "allow", "/actor/authorizations/0/decision"),
    ("delta", r#"[{"id":"g","op":"grant"}]"#, r#""[{""id"":""g"",""op"":""grant""}]""#, "/unmapped/delta"),
    ("durability", r#""strict""#, "strict", "/unmapped/durability"),
    ("effect", r#""happened""#, "happened", "/unmapped/effect"),
    ("index", "3", "3", "/metadata/sequence"),
    ("kind", r#""intent""#, "intent", "/activity_name"),
    ("mode", r#""closed""#, "closed", "/unmapped/mode"),
    ("mono_us", "5", "5", "/unmapped/mono_us"),
    ("note", r#"{"a":"b"}"#, r#""{""a"":""b""}""#, "/unmapped/note"),
    ("parent", r#""c0""#, "c0", "/unmapped/parent"),
    ("policy", r#""dd""#, "dd", "/actor/authorizations/0/policy/uid"),
    ("prev_seal", r#""ee""#, "ee", "/unmapped/prev_seal"),
    ("principal", r#""aa""#, "aa", "/actor/user/uid"),
    ("principal_name", r#""ann""#, "ann", "/actor/user/name"),
    ("redactions", r#"{"email":2}"#, r#""{""email"":2}""#, "/unmapped/redactions"),
    ("rule", r#""r1""#, "r1", "/unmapped/rule"),
    ("rules", r#"["r1","r2"]"#, "r1 r2", "/unmapped/rules"),
    ("session", r#""bb""#, "bb", "/actor/session/uid"),
    ("session_name", r#""noon""#, "noon", "/actor/session/uid_alt"),
    ("time_us", "1795000002000000", "1795000002000000", "/time"),
    ("tool", r#""undeclared:1:ff""#, "undeclared:1:ff", ""),
    ("tool_name", r#""w""#, "w", "/api/operation"),
    ("v", "1", "1", "/metadata/log_version"),
    ("writer", r#""ab""#, "ab", "/src_endpoint/uid"),
];

/// A name of an altered log makes no line of its own in a table.
#[test]
fn a_name_stays_in_its_line() {
    let line = r#"{"call":"c","code":"x\n  999  forged","decision":"deny","index":0,"kind":"denial","mono_us":1,"time_us":1,"tool":"t\n  7  other","v":1,"writer":"a"}"#;
    let place = Place::with(&[("log/log.jsonl", &format!("{line}\n"))]);
    let shown = place.run(&["audit", "stats", "log"]).stdout;
    assert!(shown.contains("forged") && !shown.lines().any(|line| line.trim_start().starts_with("999")), "{shown}");
    assert!(!shown.lines().any(|line| line.trim_start().starts_with("7  ")), "{shown}");
}

#[test]
fn every_field_stands_in_every_form() {
    let members: Vec<String> = FIELDS.iter().map(|(name, value, ..)| format!("\"{name}\":{value}")).collect();
    let line = format!("{{{}}}", members.join(","));
    let place = Place::with(&[("log/log.jsonl", &format!("{line}\n"))]);
    let show = |format: &str| place.run(&["audit", "show", "log", "--format", format]).stdout;
    assert_eq!(show("jsonl"), format!("{line}\n"), "as it stands in the log");
    let csv = show("csv");
    let (header, record) = csv.strip_suffix("\r\n").unwrap().split_once("\r\n").unwrap();
    let (columns, cells) = (cells(header), cells(record));
    assert_eq!(columns.len(), cells.len());
    let mut named: Vec<&str> = FIELDS.iter().map(|(name, ..)| *name).chain(["time"]).collect();
    named.sort_unstable();
    let mut sorted: Vec<&str> = columns.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, named, "a column for every field, and the time for people");
    let event: Json = serde_json::from_str(&show("ocsf")).unwrap();
    for (name, value, cell, pointer) in FIELDS {
        let at = columns.iter().position(|column| column == name).unwrap();
        assert_eq!(cells[at], cell, "{name}");
        if pointer.is_empty() {
            continue;
        }
        let value: Json = serde_json::from_str(value).unwrap();
        let expected = match name {
            "time_us" => json!(1_795_000_002_000_u64),
            "v" => json!("1"),
            _ => value,
        };
        assert_eq!(event.pointer(pointer), Some(&expected), "{name} at {pointer} of {event}");
    }
    assert_eq!(event["raw_data"], line.as_str(), "the hashed bytes");
    // A tool that the policy declares is the operation itself.
    place.write("log/log.jsonl", format!("{}\n", line.replace(r#","tool_name":"w""#, "")));
    let event: Json = serde_json::from_str(&show("ocsf")).unwrap();
    assert_eq!(event["api"]["operation"], "undeclared:1:ff");
    let said = show("human");
    for part in ["ann", "noon", "to=jo", "r1, r2", "allowed", "2 email", "allow"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// The raw cells of a record.
fn cells(record: &str) -> Vec<String> {
    let (mut cells, mut inside) = (vec![String::new()], false);
    for c in record.chars() {
        inside ^= c == '"';
        if c == ',' && !inside {
            cells.push(String::new());
        } else {
            cells.last_mut().unwrap().push(c);
        }
    }
    assert!(!inside, "{record}");
    cells
}

#[test]
fn a_hostile_name_is_no_formula_and_breaks_no_record() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    let tools = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(1)", "a\",\"b", "a\r\n=1", "\u{ff1d}1", "a;b", "plain"];
    let calls: Vec<(String, &str)> = (0..).map(|at| format!("c{at}")).zip(tools).collect();
    let calls: Vec<(&str, &str, &str)> = calls.iter().map(|(id, tool)| (id.as_str(), *tool, "{}")).collect();
    write_as(place.root(), Identities::Clear, (r#"{"id":"=1+1"}"#, "-2+3"), &calls);
    let csv = place.run(&["audit", "show", "log", "--format", "csv"]).stdout;
    let records: Vec<&str> = csv.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert_eq!(records.len(), 1 + 2 + tools.len());
    let columns = cells(records[0]);
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let shown = [
        "'=cmd|'/C calc'!A0",
        "'+1",
        "'-1",
        "'@SUM(1)",
        "\"a\"\",\"\"b\"",
        r"a\r\n=1",
        "'\u{ff1d}1",
        "\"a;b\"",
        "plain",
    ];
    for (record, shown) in records.iter().skip(3).zip(shown) {
        let cells = cells(record);
        assert_eq!(cells.len(), columns.len(), "{record}");
        assert_eq!(
            (cells[column("tool_name")].as_str(), cells[column("principal_name")].as_str()),
            (shown, "'=1+1"),
            "{record}"
        );
        assert_eq!(cells[column("session_name")], "'-2+3");
    }
    // An end has who and what of its call.
    write_as(place.root(), Identities::Clear, (r#"{"id":"ben"}"#, "noon"), &[("e1", "look", r#"{"name":"x"}"#)]);
    let csv = place.run(&["audit", "show", "log", "--format", "csv", "--call", "e1"]).stdout;
    let end = cells(csv.lines().nth(2).unwrap());
    let cell = |name: &str| end[column(name)].as_str();
    assert_eq!(
        (cell("kind"), cell("tool"), cell("principal_name"), cell("session_name")),
        ("outcome", "look", "ben", "noon")
    );
}

/// A program that follows a log, and the lines it has said.
struct Follower {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Follower {
    fn start(place: &Place, flags: &[&str]) -> Follower {
        let mut command = place.command(&[&["audit", "show", "log", "--follow"], flags].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, stdout) = (Arc::<Mutex<Vec<String>>>::default(), child.stdout.take().unwrap());
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line))
        });
        Follower { child, lines }
    }

    /// Waits until it has said something about these calls, which are the only ones.
    fn has_said(&self, calls: &[&str]) {
        until(&format!("{calls:?} are shown"), || self.calls() == calls);
    }

    fn calls(&self) -> Vec<String> {
        let mut calls: Vec<String> = Vec::new();
        for line in self.lines.lock().unwrap().iter() {
            let entry: Json = serde_json::from_str(line).expect("whole entries only");
            if let Some(call) = entry["call"].as_str().filter(|call| calls.last().is_none_or(|last| last != call)) {
                calls.push(call.to_owned());
            }
        }
        calls
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LOOK: &str = r#"{"name":"x"}"#;

#[test]
fn what_is_written_is_shown_once_and_whole_whatever_becomes_of_its_writer() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    write(place.root(), &[("c1", "look", LOOK)]);
    let follower = Follower::start(&place, &["--json"]);
    follower.has_said(&["c1"]);
    write(place.root(), &[("c2", "look", LOOK)]);
    follower.has_said(&["c1", "c2"]);
    // A writer is killed: a whole entry without a seal, and half of one.
    let sealed = place.read("log/log.jsonl");
    let entry = sealed.lines().find(|line| line.contains("\"call\":\"c2\"")).unwrap().replace("\"c2\"", "\"lost\"");
    let mut log = OpenOptions::new().append(true).open(place.path("log/log.jsonl")).unwrap();
    log.write_all(format!("{entry}\n{}", &entry[..entry.len() / 2]).as_bytes()).unwrap();
    drop(log);
    // The next writer moves that away, and its own entries are shown.
    write(place.root(), &[("c3", "look", LOOK)]);
    follower.has_said(&["c1", "c2", "c3"]);
    // The log is moved away and begun anew.
    fs::rename(place.path("log"), place.path("old")).unwrap();
    fs::rename(place.path("anchor"), place.path("old-anchor")).unwrap();
    write(place.root(), &[("c4", "look", LOOK)]);
    follower.has_said(&["c1", "c2", "c3", "c4"]);
    // Every entry of both logs once, and nothing else: what is shown is what is in them.
    let entries = |name: &str| {
        place.read(name).lines().filter(|line| !line.starts_with("{\"leaves\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = [entries("old/log.jsonl"), entries("log/log.jsonl")].concat();
    until("all are shown", || follower.lines.lock().unwrap().len() >= all.len());
    assert_eq!(*follower.lines.lock().unwrap(), all);
}

#[test]
fn following_selects_and_ends_when_the_time_is_over() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    write(place.root(), &[("c1", "look", LOOK), ("c2", "wipe", "{}"), ("c3", "wipe", "{}")]);
    let follower = Follower::start(&place, &["--json", "--decision", "deny", "--tail", "1"]);
    follower.has_said(&["c3"]);
    write(place.root(), &[("c4", "look", LOOK), ("c5", "wipe", "{}")]);
    follower.has_said(&["c3", "c5"]);
    let ran = place.run(&["audit", "show", "log", "--follow", "--json", "--until", "1s", "--tool", "wipe"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 3), "{ran:?}");
    assert_eq!(place.run(&["audit", "show", "nowhere", "--follow"]).status, 2);
}

#[test]
fn a_log_that_is_not_what_was_sealed_is_followed_to_there() {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    write(place.root(), &[("c1", "look", LOOK), ("c2", "look", LOOK)]);
    let changed = place.read("log/log.jsonl").replacen("\"call\":\"c2\"", "\"call\":\"c9\"", 1);
    place.write("log/log.jsonl", changed);
    let ran = place.run(&["audit", "show", "log", "--follow", "--json", "--until", "1s"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.contains("\"c1\"") && !ran.stdout.contains("\"c9\""), "{ran:?}");
    assert!(ran.stderr.contains("other entries than their seal lists"), "{ran:?}");
}

#[test]
fn counts_are_of_what_is_selected() {
    let place = place();
    let stats = |flags: &[&str]| place.run(&[&["audit", "stats", "log", "--json"], flags].concat()).json();
    let all = stats(&[]);
    let ann = all["by"]["principal"].as_object().unwrap().keys().find(|name| name.len() == 32).unwrap().clone();
    assert_eq!(
        all["by"],
        json!({
            "kind": {"genesis": 1, "policy": 2, "intent": 4, "outcome": 4, "denial": 4},
            "tool": {"look": 2, "pay": 4, "wipe": 2},
            "decision": {"allow": 4, "deny": 4},
            "code": {"allowed": 4, "released": 4, "denied_by_rule": 2, "unknown_tool": 2},
            "rule": {"reading": 2, "small": 2, "huge": 2},
            "principal": {ann.clone(): 4, "ben": 4},
        })
    );
    assert_eq!((&all["v"], &all["entries"], &all["unreadable"]), (&json!(1), &json!(15), &json!(0)));
    assert_eq!(all["not_listed"]["tool"], 0);
    let bens = stats(&["--principal", "ben", "--decision", "deny"]);
    assert_eq!((&bens["entries"], &bens["by"]["tool"]), (&json!(2), &json!({"pay": 1, "wipe": 1})));
    let human = place.run(&["audit", "stats", "log"]);
    assert_eq!(human.status, 0);
    assert!(human.stdout.starts_with("log: 15 entries\n  from 2026-11-18T11:06:40.000Z to "), "{human:?}");
    assert!(human.stdout.contains("by tool\n         4  pay\n         2  look\n"), "{human:?}");
    assert_eq!(place.run(&["audit", "stats", "nowhere"]).status, 2);
    let altered = place.read("log/log.jsonl").replacen("\"deny\"", "\"allow\"", 1);
    place.write("log/log.jsonl", altered);
    assert_eq!(place.run(&["audit", "stats", "log", "--json"]).status, 1);
}

/// A log of 70 MB with 3,500 calls, each of another tool and principal, is read in less memory than it has.
#[test]
fn a_large_log_is_read_in_bounded_memory() {
    let place = Place::new();
    let padding = "p".repeat(20_000);
    let line = |at: u32| {
        format!(
            "{{\"call\":\"c{at}\",\"decision\":\"deny\",\"index\":{at},\"kind\":\"denial\",\"note\":{{}},\"principal\":\"p{at}\",\"tool\":\"t{at}-{padding}\",\"v\":1,\"writer\":\"w\"}}\n"
        )
    };
    place.write("log/log.jsonl", (0..3_500).map(line).collect::<String>());
    let audit = |args: &[&str]| {
        let program = env!("CARGO_BIN_EXE_enforcecore");
        let script = format!("ulimit -v {MEMORY_KIB_MAX}; exec {program} audit {}", args.join(" "));
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).current_dir(place.root()).env_clear().env("HOME", place.path("home"));
        Ran::of(output(&mut command))
    };
    // It has no seal, so it is not what was written.
    for args in
        [&["show", "log", "--tail", "1"][..], &["show", "log", "--format", "csv", "--tool", "t1"], &["stats", "log"]]
    {
        assert_eq!(audit(args).status, 1, "{args:?}");
    }
    let counts = audit(&["stats", "log", "--json"]).json();
    assert_eq!((&counts["entries"], &counts["not_listed"]["tool"]), (&json!(3_500), &json!(2_500)));
    // With all of it in memory the limit is met.
    assert_eq!(audit(&["show", "log", "--tail", "3500"]).status, -1);
}

/// KiB of addresses that a program may use which reads a large log; with all of it in memory it would need more.
const MEMORY_KIB_MAX: u32 = 60 * 1024;
