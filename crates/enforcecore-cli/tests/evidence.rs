//! Whose log it is, and what an anchor that is gone takes.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cli_support;

use std::fs;

use cli_support::{POLICY, Place, Ran};

/// A project with a log and its keys where they are by default, and two entries that are no calls.
fn project(configuration: &str) -> Place {
    let place = Place::with(&[("policy.yaml", POLICY), ("enforcecore.toml", configuration)]);
    assert_eq!(record(&place).status, 0);
    place
}

/// A session with one call, which is recorded whether or not the server answers.
fn record(place: &Place) -> Ran {
    let messages = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"unknown","arguments":{}}}"#,
        "",
    ];
    let server = r#"read line; echo '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}'; cat > /dev/null"#;
    place.run_with_stdin(&["mcp", "--", "sh", "-c", server], messages.join("\n"))
}

#[test]
fn the_keys_that_lie_here_judge_no_strangers_log() {
    let (place, stranger) = (project("policy = \"policy.yaml\"\n"), project("policy = \"policy.yaml\"\n"));
    place.write("theirs/log.jsonl", stranger.read(".enforcecore/log/log.jsonl"));
    let verify = |args: &[&str]| place.run(&[&["audit", "verify", "--allow-unanchored"], args].concat());
    let verdict = |args: &[&str]| verify(&[args, &["--json"]].concat()).json()["verdict"].as_str().unwrap().to_owned();
    // The log that is configured is judged by them, under each of its names.
    for ours in [&[][..], &[".enforcecore/log"], &["./.enforcecore/../.enforcecore/log/"]] {
        assert_eq!((verify(ours).status, verdict(ours).as_str()), (0, "unanchored"), "{ours:?}");
    }
    let unknown = verify(&["theirs"]);
    assert_eq!((unknown.status, verdict(&["theirs"]).as_str()), (1, "unknown_key"), "{unknown:?}");
    assert!(unknown.stdout.starts_with("theirs: unknown_key: only the log itself says"), "{unknown:?}");
    assert!(unknown.stdout.contains("name the key by --key or --keys"), "{unknown:?}");
    // A copy of ours is another log too.
    place.write("copy/log.jsonl", place.read(".enforcecore/log/log.jsonl"));
    assert_eq!(verdict(&["copy"]), "unknown_key");
    // Each twin differs in who says which key it is.
    let report = verify(&["theirs", "--json"]).json();
    let key = report["key"].as_str().unwrap();
    let keys = stranger.path(".enforcecore/keys");
    for (args, status, expected) in [
        (&["theirs", "--key", key][..], 0, "unanchored"),
        (&["theirs", "--keys", keys.to_str().unwrap()], 0, "unanchored"),
        (&["theirs", "--keys", ".enforcecore/keys"], 1, "invalid"),
        (&["theirs", "--allow-unknown-key"], 0, "unanchored"),
        (&["copy", "--keys", ".enforcecore/keys"], 0, "unanchored"),
        (&["copy", "--key", key], 1, "invalid"),
    ] {
        assert_eq!((verify(args).status, verdict(args).as_str()), (status, expected), "{args:?}");
    }
    // What is wrong by any key is said whatever the key.
    let altered = stranger.read(".enforcecore/log/log.jsonl").replacen("\"kind\":\"policy\"", "\"kind\":\"polizy\"", 1);
    place.write("theirs/log.jsonl", altered);
    assert_eq!((verify(&["theirs"]).status, verdict(&["theirs"]).as_str()), (1, "invalid"));
}

#[test]
fn an_anchor_that_is_gone_stops_calls_until_a_person_says_so() {
    let place = project("policy = \"policy.yaml\"\nanchor = \"anchor\"\n");
    let entries = || place.read(".enforcecore/log/log.jsonl").lines().count();
    fs::remove_dir_all(place.path("anchor")).unwrap();
    let before = entries();
    let ran = record(&place);
    assert_eq!((ran.status, entries()), (5, before), "{ran:?}");
    let gone = format!("anchor_gone: the anchor `{}` remembers nothing", place.path("anchor").display());
    assert!(ran.stderr.contains(&gone) && ran.stderr.contains("`enforcecore audit anchor`"), "{ran:?}");
    assert!(!place.path("anchor").exists());
    assert_eq!(place.run(&["explain", "anchor_gone"]).status, 0);
    let ran = place.run(&["audit", "anchor"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("it is anchored now: "), "{ran:?}");
    let again = place.run(&["audit", "anchor", "--json"]).json();
    assert_eq!((&again["anchored"], &again["written"]), (&true.into(), &false.into()), "{again}");
    assert_eq!(place.run(&["audit", "verify"]).status, 0);
    assert_eq!(record(&place).status, 0);
    assert!(entries() > before);
    // A damaged log is not vouched for.
    let altered = place.read(".enforcecore/log/log.jsonl").replacen("\"deny\"", "\"allow\"", 1);
    place.write(".enforcecore/log/log.jsonl", altered);
    fs::remove_dir_all(place.path("anchor")).unwrap();
    let ran = place.run(&["audit", "anchor"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.contains("altered: entry") && ran.stdout.contains("it is not anchored"), "{ran:?}");
    assert!(!place.path("anchor").exists());
}

#[test]
fn an_anchor_is_named_before_anything_is_anchored() {
    let place = project("policy = \"policy.yaml\"\n");
    let ran = place.run(&["audit", "anchor"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("no anchor is named\n  help: give --anchor DIR"), "{ran:?}");
    assert_eq!(place.run(&["audit", "anchor", "--anchor", "anchor", "--keys", "nowhere"]).status, 2);
    assert_eq!(place.run(&["audit", "anchor", "--anchor", "anchor", "--log", "nowhere"]).status, 2);
    assert!(!place.path("anchor").exists() && !place.path("nowhere").exists());
    assert_eq!(place.run(&["audit", "anchor", "--anchor", "anchor"]).status, 0);
    assert_eq!(place.run(&["audit", "verify", "--anchor", "anchor"]).status, 0);
}
