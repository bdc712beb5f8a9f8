//! `audit show` and `audit verify`: what each flag chooses, alone and together with others.
#![cfg(test)]
#![cfg(unix)]

mod cli_support;

use cli_support::{POLICY, Place, log};
use serde_json::{Value as Json, json};

const A: &str = r#"{"name":"a"}"#;
const PAY: &str = r#"{"amount":60}"#;

/// Entry by entry: the call that it is about.
const CALLS: [Option<&str>; 9] =
    [None, None, Some("a"), Some("a"), Some("b"), Some("c"), Some("c"), Some("d"), Some("d")];

/// A log of nine entries, its lines, and an anchor that remembers all of it. The calls are `a`, `b`, which is refused, `c` and `d`.
fn logged() -> (Place, Vec<String>) {
    let place = Place::with(&[("policy.yaml", POLICY)]);
    log::write(place.root(), &[("a", "read_note", A), ("b", "pay", PAY), ("c", "read_note", A), ("d", "read_note", A)]);
    let lines = place.read("log/log.jsonl").split_inclusive('\n').map(str::to_owned).collect();
    (place, lines)
}

/// Flags of `audit show`, the entries that it shows, and its exit status.
const SHOWN: &[(&[&str], &[u64], i32)] = &[
    (&[], &[0, 1, 2, 3, 4, 5, 6, 7, 8], 0),
    (&["--tail", "0"], &[], 0),
    (&["--tail", "1"], &[8], 0),
    (&["--tail", "2"], &[7, 8], 0),
    (&["--tail", "8"], &[1, 2, 3, 4, 5, 6, 7, 8], 0),
    (&["--tail", "9"], &[0, 1, 2, 3, 4, 5, 6, 7, 8], 0),
    (&["--tail", "10"], &[0, 1, 2, 3, 4, 5, 6, 7, 8], 0),
    (&["--call", "a"], &[2, 3], 0),
    (&["--call", "b"], &[4], 0),
    (&["--call", "d"], &[7, 8], 0),
    (&["--call", "A"], &[], 1),
    (&["--call", ""], &[], 1),
    (&["--call", "e"], &[], 1),
    // Of the call's entries the last, and not the call's among the last.
    (&["--call", "a", "--tail", "1"], &[3], 0),
    (&["--call", "a", "--tail", "2"], &[2, 3], 0),
    (&["--call", "a", "--tail", "5"], &[2, 3], 0),
    (&["--call", "b", "--tail", "1"], &[4], 0),
    (&["--call", "a", "--tail", "0"], &[], 0),
    (&["--call", "e", "--tail", "1"], &[], 1),
    (&["--call", "e", "--tail", "0"], &[], 0),
];

#[test]
fn a_log_is_shown_as_far_as_its_flags_choose() {
    let (place, _) = logged();
    for (flags, expected, status) in SHOWN {
        let ran = place.run(&[&["audit", "show", "log", "--json"], *flags].concat());
        let entries: Vec<Json> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<u64> = entries.iter().map(|entry| entry["index"].as_u64().unwrap()).collect();
        assert_eq!((&shown[..], ran.status), (*expected, *status), "{flags:?}: {ran:?}");
        let calls: Vec<Option<&str>> = entries.iter().map(|entry| entry["call"].as_str()).collect();
        let of = |index: &u64| CALLS[usize::try_from(*index).unwrap()];
        assert_eq!(calls, expected.iter().map(of).collect::<Vec<_>>(), "{flags:?}");
        let human = place.run(&[&["audit", "show", "log"], *flags].concat());
        let numbers = human.stdout.lines().map(|line| line.split_whitespace().next().unwrap().parse::<u64>().unwrap());
        assert_eq!((numbers.collect::<Vec<_>>(), human.status), (expected.to_vec(), *status), "{flags:?}");
    }
}

#[test]
fn a_log_that_is_not_what_was_written_is_shown_and_said_to_be_so() {
    let (place, lines) = logged();
    let altered = |from: &str, to: &str| lines.concat().replacen(from, to, 1);
    for (what, text, shown) in [
        ("whole", lines.concat(), 9),
        ("an entry that says something else", altered("\"tool\":\"pay\"", "\"tool\":\"pax\""), 9),
        ("an entry that is none", altered("\"kind\":\"denial\"", "\"kind\":7"), 8),
        ("one entry less", [&lines[..8], &lines[9..]].concat().concat(), 8),
        ("a seal less", [&lines[..9], &lines[10..]].concat().concat(), 9),
        ("a torn tail", lines.concat() + "{\"torn", 9),
    ] {
        place.write("other/log.jsonl", &text);
        for flags in [&["--json"][..], &[], &["--tail", "20"], &["--call", "a"]] {
            let ran = place.run(&[&["audit", "show", "other"], flags].concat());
            assert_eq!(ran.status, i32::from(what != "whole"), "{what} {flags:?}: {ran:?}");
            assert_eq!(ran.stderr.contains("the log is not what was written"), what != "whole", "{what}: {ran:?}");
            let expected = if flags == ["--call", "a"] { 2 } else { shown };
            assert_eq!(ran.stdout.lines().count(), expected, "{what} {flags:?}: {ran:?}");
        }
    }
}

/// Which anchors are named, and the verdict: every one of them counts.
#[test]
fn every_anchor_that_is_named_is_met() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    let note = |line: &str| serde_json::from_str::<Json>(line).unwrap()["seal"].as_str().unwrap().to_owned();
    for (name, seal) in [("first", 1), ("fourth", 7), ("last", 17)] {
        place.write(name, note(&lines[seal]));
    }
    // Another log of the same key and name.
    let other = Place::with(&[("policy.yaml", POLICY)]);
    log::write(
        other.root(),
        &[("x", "read_note", A), ("y", "read_note", A), ("z", "read_note", A), ("w", "read_note", A)],
    );
    place.write("forked", other.read("anchor/checkpoint"));
    place.write("unsigned", note(&lines[17]).replacen("example.com", "example.org", 1));
    for (anchors, verdict, anchored) in [
        (&[][..], "unanchored", json!(null)),
        (&["first"], "unanchored", json!(1)),
        (&["fourth"], "unanchored", json!(4)),
        (&["last"], "valid", json!(9)),
        (&["anchor"], "valid", json!(9)),
        (&["first", "last"], "valid", json!(9)),
        (&["last", "first"], "valid", json!(9)),
        (&["first", "fourth"], "unanchored", json!(4)),
        (&["fourth", "first"], "unanchored", json!(4)),
        (&["forked"], "invalid", json!(null)),
        (&["last", "forked"], "invalid", json!(9)),
        (&["forked", "last"], "invalid", json!(9)),
        (&["anchor", "forked"], "invalid", json!(9)),
        (&["first", "fourth", "forked"], "invalid", json!(4)),
        (&["unsigned"], "invalid", json!(null)),
        (&["last", "unsigned"], "invalid", json!(9)),
        (&["unsigned", "last"], "invalid", json!(9)),
    ] {
        let flags = anchors.iter().flat_map(|anchor| ["--anchor", anchor]);
        let args = ["audit", "verify", "log", "--json", "--key", &key].into_iter().chain(flags).collect::<Vec<_>>();
        let ran = place.run(&args);
        let report = ran.json();
        assert_eq!((&report["verdict"], &report["anchored"]), (&json!(verdict), &anchored), "{anchors:?}: {report}");
        assert_eq!(ran.status, i32::from(verdict != "valid"), "{anchors:?}");
        let missing = place.run(&[&args[..], &["--anchor", "nowhere"]].concat());
        assert_eq!((missing.status, missing.stdout.as_str()), (2, ""), "{anchors:?}: {missing:?}");
    }
}

/// More findings than are listed are counted all the same.
#[test]
fn findings_beyond_those_listed_are_counted() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    for blanks in [0, 1, 999, 1000, 1001, 1234] {
        let text = [&lines[..8], &vec!["\n".to_owned(); blanks], &lines[8..]].concat().concat();
        place.write("other/log.jsonl", text);
        let args = ["audit", "verify", "other", "--key", &key, "--anchor", "anchor"];
        let ran = place.run(&[&args[..], &["--json"]].concat());
        let report = ran.json();
        let listed = report["findings"].as_array().unwrap().len();
        assert_eq!((ran.status, listed), (i32::from(blanks > 0), blanks.min(1000)), "{blanks}");
        assert_eq!(report["findings_total"], blanks, "{blanks}");
        let human = place.run(&args).stdout;
        let more = format!("and {} more findings", blanks.saturating_sub(1000));
        assert_eq!(human.contains("more findings"), blanks > 1000, "{blanks}");
        assert!(blanks <= 1000 || human.contains(&more), "{blanks}: {more}");
    }
}

/// A seal in the middle whose signature was changed: the link to it says that it was altered, its signature that it is wrong.
#[test]
fn every_signature_is_checked_where_that_is_asked_for() {
    let (place, lines) = logged();
    let key = log::verifier_key();
    for seal in [1, 7, 15, 17] {
        let mut changed = lines.clone();
        // The last letter but a few of the signature, which stays base64.
        let at = changed[seal].len() - 12;
        let letter = if changed[seal].as_bytes()[at] == b'A' { "B" } else { "A" };
        changed[seal].replace_range(at..=at, letter);
        place.write("other/log.jsonl", changed.concat());
        for (flags, kind) in
            [(&[][..], if seal == 17 { "bad_signature" } else { "altered" }), (&["--all-signatures"], "bad_signature")]
        {
            let ran = place.run(&[&["audit", "verify", "other", "--json", "--key", &key], flags].concat());
            let report = ran.json();
            let found = (&report["findings"][0]["kind"], &report["findings"][0]["seal"], &report["findings_total"]);
            assert_eq!(
                (ran.status, found),
                (1, (&json!(kind), &json!(seal.div_ceil(2)), &json!(1))),
                "{flags:?}: {report}"
            );
        }
    }
}

/// Who says by which keys a log is judged that is not the configured one: a person for this run, or what lies in a file.
#[test]
fn another_log_is_judged_by_keys_that_a_person_names() {
    let place = Place::with(&[("policy.yaml", POLICY), ("enforcecore.toml", "policy = \"policy.yaml\"\n")]);
    // One call that is refused makes a log and its keys.
    let server = "read line; cat > /dev/null";
    place.run_with_stdin(&["mcp", "--", "sh", "-c", server], "");
    place.write("copy/log.jsonl", place.read(".enforcecore/log/log.jsonl"));
    let other = Place::with(&[("policy.yaml", POLICY), ("enforcecore.toml", "policy = \"policy.yaml\"\n")]);
    other.run_with_stdin(&["mcp", "--", "sh", "-c", server], "");
    for file in ["log-signing-key.pem", "log-names-secret"] {
        place.write(&format!("others/{file}"), other.read(&format!(".enforcecore/keys/{file}")));
        use std::os::unix::fs::PermissionsExt as _;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(place.path(&format!("others/{file}")), private).unwrap();
    }
    let files = |keys: &str| format!("policy = \"policy.yaml\"\n{keys}");
    for (what, file, variable, flag, verdict) in [
        ("nothing", "", None, None, "unknown_key"),
        ("the project's file", "keys = \".enforcecore/keys\"\n", None, None, "unknown_key"),
        ("a variable", "", Some(".enforcecore/keys"), None, "unanchored"),
        ("a flag", "", None, Some(".enforcecore/keys"), "unanchored"),
        ("a variable, of other keys", "", Some("others"), None, "invalid"),
        ("a flag, of other keys", "", None, Some("others"), "invalid"),
        ("a flag over a variable", "", Some("others"), Some(".enforcecore/keys"), "unanchored"),
        ("a variable over a file", "keys = \"others\"\n", Some(".enforcecore/keys"), None, "unanchored"),
    ] {
        place.write("enforcecore.toml", files(file));
        let flags: Vec<&str> = flag.iter().flat_map(|keys| ["--keys", keys]).collect();
        let mut command =
            place.command(&[&["audit", "verify", "copy", "--json", "--allow-unanchored"], &flags[..]].concat());
        command.envs(variable.map(|keys| ("ENFORCECORE_KEYS", keys)));
        let ran = cli_support::Ran::of(cli_support::output(&mut command));
        assert_eq!(ran.json()["verdict"], verdict, "{what}: {ran:?}");
        assert_eq!(ran.status, i32::from(verdict != "unanchored"), "{what}");
    }
}
