//! Where the command takes its settings from, and that a mistake in them stops everything.
#![cfg(test)]

mod cli_support;

use std::process::Stdio;

use cli_support::{POLICY, Place, log, output};
use expect_test::expect_file;

const CALL: &str = r#"{"id":"c1","tool":"read_note","args":{"name":"a"}}"#;

/// The user's own file.
const USER_FILE: &str = "home/.config/enforcecore/enforcecore.toml";

/// The line of the user's own file that lets this project speak against it.
fn trusting(place: &Place) -> String {
    format!("trusted_projects = [{:?}]\n", place.root())
}

/// A project with a configuration at its root, and a folder in it.
fn project() -> Place {
    let place = Place::with(&[("policy.yaml", POLICY), ("sub/keep", "")]);
    place.write("enforcecore.toml", "policy = \"policy.yaml\"\nlog = \"log\"\nanchor = \"anchor\"\n");
    place
}

#[test]
fn config_show_says_where_each_value_comes_from() {
    let place = project();
    let user = "origin = \"example.com/log\"\nlog = \"mine\"\n";
    place.write(USER_FILE, user.to_owned() + &trusting(&place));
    place.write("named.toml", "durability = \"buffered\"\n");
    place.write("wrong.toml", "lgo = \"log\"\ndurability = \"fast\"\n");
    expect_file!["golden/config.txt"].assert_eq(&place.transcript(&[
        &["config", "show"],
        &["config", "show", "--log", "evidence", "--log-level", "info"],
        &["config", "show", "--json"],
        &["config", "show", "--config", "named.toml"],
        &["config", "show", "--config", "wrong.toml"],
        &["config", "show", "--config", "wrong.toml", "--json"],
        &["decide", "--config", "wrong.toml", "--policy", "policy.yaml", "--call", CALL],
        &["decide", "--config", "missing.toml", "--policy", "policy.yaml", "--call", CALL],
        &["explain", "--config", "wrong.toml", "EC1002"],
    ]));
    place.write(USER_FILE, user);
    expect_file!["golden/config-conflict.txt"].assert_eq(&place.transcript(&[
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "show", "--log", "evidence"],
        &["audit", "show"],
    ]));
    place.write(USER_FILE, user.to_owned() + &trusting(&place));
    let mut command = place.command(&["config", "show"]);
    let shown = output(command.env("ENFORCECORE_DURABILITY", "buffered"));
    assert!(String::from_utf8(shown.stdout).unwrap().contains("durability = \"buffered\"  # ENFORCECORE_DURABILITY\n"));
}

#[test]
fn commands_fall_back_to_the_configuration() {
    let place = project();
    log::write(place.root(), &[("c1", "read_note", r#"{"name":"a"}"#)]);
    let run = |folder: &str, args: &[&str]| {
        let ran = output(place.command(args).current_dir(place.path(folder)));
        (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
    };
    for folder in [".", "sub"] {
        assert_eq!(run(folder, &["decide", "--call", CALL]).0, 0);
        assert_eq!(run(folder, &["policy", "check"]).0, 0);
        assert_eq!(run(folder, &["policy", "test"]).1, "2 passed, 0 failed\n");
        assert_eq!(run(folder, &["audit", "show"]).1.lines().count(), 4);
        // With the configured anchor the log is valid, not only unanchored; another log has another anchor.
        assert_eq!(run(folder, &["audit", "verify"]).0, 0);
        assert_eq!(run(folder, &["audit", "verify", place.path("log").to_str().unwrap()]).0, 1);
    }
    let elsewhere = Place::new();
    for (args, way) in [
        (["decide", "--call", CALL].as_slice(), "give --policy FILE, or write"),
        (&["policy", "check"], "give the file: `enforcecore policy check FILE`, or write"),
        (&["policy", "test"], "give the file: `enforcecore policy test FILE`, or write"),
        (&["mcp", "--", "true"], "give --policy FILE, or write"),
    ] {
        let ran = elsewhere.run(args);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains(way), "{ran:?}");
    }
}

#[test]
fn flags_lie_over_variables_and_variables_over_files() {
    let place = project();
    place
        .write("strict.yaml", POLICY.replace("  - allow: read_note\n    id: reading\n", "").replace(" by reading", ""));
    let status = |variable: &str, flags: &[&str]| {
        let mut command = place.command(&[flags, &["decide", "--call", CALL]].concat());
        if !variable.is_empty() {
            command.env("ENFORCECORE_DEFAULT_POLICY", variable);
        }
        output(&mut command).status.code().unwrap()
    };
    let decide = |variable: &str, policy: &[&str]| {
        let mut command = place.command(&[&["decide", "--call", CALL], policy].concat());
        command.env("ENFORCECORE_DEFAULT_POLICY", variable);
        output(&mut command).status.code().unwrap()
    };
    assert_eq!(status("", &[]), 0);
    assert_eq!(status("strict.yaml", &[]), 3);
    assert_eq!(decide("strict.yaml", &["--policy", "policy.yaml"]), 0);
    assert_eq!(decide("policy.yaml", &["--policy", "strict.yaml"]), 3);
}

#[test]
fn a_mistake_in_the_configuration_stops_everything_that_enforces() {
    let place = project();
    let server = ["mcp", "--", "sh", "-c", "echo > started"];
    let check = |expected: i32, args: &[&str]| {
        let ran = place.run(args);
        assert_eq!(ran.status, expected, "{args:?} {ran:?}");
    };
    for wrong in ["polcy = \"policy.yaml\"\n", "policy = \n", "durability = \"fast\"\n", "log_level = \"banana\"\n"] {
        place.write("enforcecore.toml", format!("policy = \"policy.yaml\"\n{wrong}"));
        check(5, &["decide", "--call", CALL]);
        check(5, &["decide", "--policy", "policy.yaml", "--call", CALL]);
        check(5, &server);
        check(5, &["audit", "show", "log"]);
        check(5, &["policy", "check", "policy.yaml"]);
        assert!(!place.path("started").exists() && !place.path("log").exists(), "nothing ran");
    }
    let mut command = place.command(&server);
    place.write("enforcecore.toml", "policy = \"policy.yaml\"\n");
    let ran = output(command.env("ENFORCECORE_FAIL_OPEN", "true"));
    assert_eq!(ran.status.code(), Some(5));
    assert!(!place.path("started").exists());
    // The twin without the mistake: the server starts.
    place.run(&server);
    assert!(place.path("started").exists());
}

#[test]
fn a_project_takes_no_protection_away_from_its_user() {
    let place = project();
    let empty = "enforcecore: 1\nname: mine\nversion: \"1\"\ntools: {}\nrules: []\n";
    place.write("home/.config/enforcecore/mine.yaml", empty);
    let server = ["mcp", "--", "sh", "-c", "echo > started"];
    let run = |user: &str, variable: Option<&str>, args: &[&str]| {
        place.write(USER_FILE, user);
        let mut command = place.command(args);
        command.envs(variable.map(|value| ("ENFORCECORE_DEFAULT_POLICY", value))).stdin(Stdio::null());
        output(&mut command).status.code().unwrap()
    };
    let mine = "policy = \"mine.yaml\"\n";
    let decide = ["decide", "--call", CALL];
    assert_eq!((run(mine, None, &decide), run(mine, None, &server)), (5, 5));
    assert!(!place.path("started").exists() && !place.path("log").exists(), "nothing ran");
    // Each twin differs in who settles it.
    assert_eq!(run(&(mine.to_owned() + &trusting(&place)), None, &decide), 0, "the project");
    assert_eq!(run(mine, Some("policy.yaml"), &decide), 0, "the variable");
    assert_eq!(
        run(mine, None, &[&decide[..], &["--policy", "home/.config/enforcecore/mine.yaml"]].concat()),
        3,
        "the flag"
    );
    run(&(mine.to_owned() + &trusting(&place)), None, &server);
    assert!(place.path("started").exists());
}

#[test]
fn a_log_made_with_other_keys_is_not_this_projects() {
    let place = project();
    let verify = |args: &[&str]| place.run(&[&["audit", "verify", "log", "--allow-unanchored"], args].concat());
    place.run(&["mcp", "--", "sh", "-c", "exit"]);
    assert_eq!(verify(&[]).status, 0, "{:?}", verify(&[]));
    // The same is done with other keys, and put in place.
    let other = project();
    other.run(&["mcp", "--", "sh", "-c", "exit"]);
    place.write("log/log.jsonl", other.read("log/log.jsonl"));
    let ran = verify(&[]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.contains("wrong_key"), "{ran:?}");
    assert_eq!(verify(&["--allow-unknown-key"]).status, 0, "it is what somebody wrote");
    // Where there are no keys, the log's owner is unknown; where they cannot be used, it is not guessed.
    let secret = place.path(".enforcecore/keys/log-signing-key.pem");
    std::fs::write(&secret, "no key").unwrap();
    assert_eq!(verify(&[]).status, 2);
    std::fs::remove_file(&secret).unwrap();
    assert_eq!(verify(&[]).status, 1);
    assert!(!secret.exists(), "to verify makes no key");
    let key = ["--key", &other_key(&other)];
    assert_eq!(verify(&key).status, 0);
}

/// The verifier key that a log says it is signed with.
fn other_key(place: &Place) -> String {
    let report = place.run(&["audit", "verify", "log", "--allow-unanchored", "--json"]).json();
    report["key"].as_str().unwrap().to_owned()
}

#[test]
fn the_demo_plays_on_its_own_defaults_and_keeps_a_project() {
    let place = Place::with(&[("enforcecore.toml", "polcy = \"policy.yaml\"\n")]);
    let mut command = place.command(&["demo", "--keep", "kept"]);
    command.env("ENFORCECORE_ANCHOR", "elsewhere").env("ENFORCECORE_FAIL_OPEN", "true");
    assert!(output(&mut command).status.success());
    assert!(!place.path("elsewhere").exists());
    let verified = output(place.command(&["audit", "verify"]).current_dir(place.path("kept")));
    assert!(verified.status.success(), "the kept folder is configured: {verified:?}");
}
