//! The command as scripts and people meet it: what it prints where, and how it ends.
#![cfg(test)]

mod cli_support;

use std::io::Read as _;
use std::process::Stdio;

use cli_support::{POLICY, Place, Ran, end_of, log, output};
use expect_test::{Expect, expect, expect_file};
use serde_json::Value as Json;

/// Calls with their ids, so that nothing about them is random.
const READ: &str = r#"{"id":"c1","tool":"read_note","args":{"name":"a"}}"#;
const PAY: &str = r#"{"id":"c2","tool":"pay","args":{"amount":49.90}}"#;
const ASK: &str = r#"{"id":"c3","tool":"pay","args":{"amount":80}}"#;
const DENY: &str = r#"{"id":"c4","tool":"pay","args":{"amount":1001}}"#;
const UNKNOWN: &str = r#"{"id":"c5","tool":"send","args":{}}"#;
const MALFORMED: &str = r#"{"id":"c6","tool":"pay","args":{"amount":"80"}}"#;

/// Four calls of a log: read, paid, refused, redacted and paid.
const LOGGED: &[(&str, &str, &str)] = &[
    ("c1", "read_note", r#"{"name":"a"}"#),
    ("c2", "pay", r#"{"amount":20}"#),
    ("c3", "pay", r#"{"amount":80}"#),
    ("c4", "pay", r#"{"amount":20,"note":"for jo@example.com"}"#),
];

fn shop() -> Place {
    Place::with(&[("policy.yaml", POLICY)])
}

fn shop_with_log() -> Place {
    let place = shop();
    log::write(place.root(), LOGGED);
    place
}

/// Every command with its subcommands, as the help lists them.
fn commands() -> Vec<Vec<String>> {
    fn walk(place: &Place, path: &[String], found: &mut Vec<Vec<String>>) {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let help = place.run(&args).stdout;
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = listed.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        let names: Vec<&str> = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").collect();
        if names.is_empty() {
            found.push(path.to_vec());
        }
        for name in names {
            walk(place, &[path, &[name.to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&Place::new(), &[], &mut found);
    found
}

#[test]
fn every_help_teaches_by_example() {
    let place = Place::new();
    let mut golden = String::new();
    let mut pages: Vec<Vec<String>> = vec![Vec::new()];
    for command in commands() {
        (1..=command.len()).map(|n| command[..n].to_vec()).for_each(|page| pages.push(page));
    }
    pages.dedup();
    for page in pages {
        let mut args: Vec<&str> = page.iter().map(String::as_str).collect();
        args.push("--help");
        let ran = place.run(&args);
        let example = format!("\n  enforcecore {}", page.join(" "));
        assert!(ran.stdout.contains(&example), "`{} --help` gives no example", page.join(" "));
        golden.push_str(&place.entry(&args, &ran));
    }
    expect_file!["golden/help.txt"].assert_eq(&golden);
}

#[test]
fn policy_check_names_each_mistake() {
    let place = shop();
    place.write("bad.yaml", POLICY.replace("rules:", "ruels:"));
    place.write(
        "worse.yaml",
        POLICY.replace("at_most: 50}", "at_most: 50EUR, at_leat: 3}").replace("tool: pay", "tol: pay"),
    );
    place.write("warns.yaml", POLICY.replace("rules:", "  spare:\n    does: reads\n    returns: web\nrules:"));
    place.write("latin1.yaml", b"enforcecore: 1\nname: caf\xe9\n");
    place.write("large.yaml", vec![b'#'; (8 << 20) + 1]);
    place.write("folder/policy.yaml", POLICY);
    expect_file!["golden/policy_check.txt"].assert_eq(&place.transcript(&[
        &["policy", "check", "policy.yaml"],
        &["policy", "check", "policy.yaml", "--json"],
        &["policy", "check", "bad.yaml"],
        &["policy", "check", "bad.yaml", "--json"],
        &["policy", "check", "worse.yaml"],
        &["policy", "check", "warns.yaml"],
        &["policy", "check", "warns.yaml", "--deny-warnings"],
        &["policy", "check", "warns.yaml", "--json"],
        &["policy", "check", "latin1.yaml"],
        &["policy", "check", "large.yaml"],
        &["policy", "check", "folder"],
        &["policy", "check", "missing.yaml", "policy.yaml", "bad.yaml"],
        &["policy", "check", "missing.yaml", "--json"],
        &["policy", "check", "missing.yaml"],
        &["policy", "check"],
        &["policy", "test"],
    ]));
}

#[test]
fn policy_test_runs_the_tests_inside() {
    let place = shop();
    place.write("fails.yaml", POLICY.replace("expect: allow by small", "expect: deny"));
    place.write("bad.yaml", POLICY.replace("rules:", "ruels:"));
    expect_file!["golden/policy_test.txt"].assert_eq(&place.transcript(&[
        &["policy", "test", "policy.yaml"],
        &["policy", "test", "policy.yaml", "--json"],
        &["policy", "test", "fails.yaml"],
        &["policy", "test", "fails.yaml", "--json"],
        &["policy", "test", "bad.yaml"],
        &["policy", "test", "bad.yaml", "--json"],
        &["policy", "test", "missing.yaml"],
    ]));
}

#[test]
fn decide_says_what_the_policy_says() {
    let place = shop();
    place.write("calls.jsonl", [READ, "", PAY, ASK, DENY, UNKNOWN, MALFORMED, "{", "[1]"].join("\n"));
    // An approval holds for the fifteen minutes that the policy gives it, whatever the grant itself says.
    for (file, given) in [("session.jsonl", 1), ("old-session.jsonl", 16)] {
        let given = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(given);
        let session = [
            r#"{"time":"TIME","call":{"id":"p1","tool":"pay","args":{"amount":40}}}"#,
            r#"{"time":"TIME","outcome":{"id":"p1","status":"done","result":"paid"}}"#,
            r#"{"time":"TIME","call":{"id":"p2","tool":"pay","args":{"amount":60}}}"#,
            r#"{"time":"TIME","grant":{"call":"p2","approver":"lee","expires":"2999-01-01T00:00:00Z"}}"#,
        ];
        place.write(file, session.join("\n").replace("TIME", &given.to_string()));
    }
    place.write("wrong-session.jsonl", "{\"call\":{\"tool\":\"pay\",\"args\":{}}}\n{\"calls\":[]}\n");
    let with_note = PAY.replace("49.90", "10,\"note\":\"for jo@example.com\"");
    expect_file!["golden/decide.txt"].assert_eq(&place.transcript(&[
        &["decide", "--policy", "policy.yaml", "--call", READ],
        &["decide", "--policy", "policy.yaml", "--call", &with_note],
        &["decide", "--policy", "policy.yaml", "--call", ASK],
        &["decide", "--policy", "policy.yaml", "--call", DENY],
        &["decide", "--policy", "policy.yaml", "--call", UNKNOWN],
        &["decide", "--policy", "policy.yaml", "--call", MALFORMED],
        &["decide", "--policy", "policy.yaml", "--call", r#"{"id":"c7","tool":"pay"}"#],
        &["decide", "--policy", "policy.yaml", "--call", "{"],
        &["decide", "--policy", "policy.yaml", "--call", "nojson"],
        &["decide", "--policy", "policy.yaml", "--call", "{\n  \"tool\": \"pay\",\n}"],
        &["decide", "--policy", "policy.yaml", "--call", "{} {}"],
        &["decide", "--policy", "policy.yaml", "--calls", "calls.jsonl"],
        &["decide", "--policy", "policy.yaml", "--calls", "missing.jsonl"],
        &["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--call", &PAY.replace("49.90", "60")],
        &["decide", "--policy", "policy.yaml", "--session", "old-session.jsonl", "--call", &PAY.replace("49.90", "60")],
        &["decide", "--policy", "policy.yaml", "--session", "wrong-session.jsonl", "--call", READ],
        &["decide", "--policy", "missing.yaml", "--call", READ],
        &["decide", "--policy", "policy.yaml"],
    ]));
}

#[test]
fn audit_verify_and_show_tell_what_the_log_proves() {
    let place = shop_with_log();
    let text = place.read("log/log.jsonl");
    place.write("damaged/log.jsonl", text.replacen("\"tool\":\"pay\"", "\"tool\":\"pax\"", 1));
    place.write("cut/log.jsonl", text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>());
    let key = log::verifier_key();
    expect_file!["golden/audit.txt"].assert_eq(&place.transcript(&[
        &["audit", "verify", "log", "--anchor", "anchor", "--key", &key],
        &["audit", "verify", "log", "--anchor", "anchor", "--key", &key, "--json"],
        &["audit", "verify", "log"],
        &["audit", "verify", "log", "--allow-unanchored"],
        &["audit", "verify", "log", "--allow-unanchored", "--allow-unknown-key"],
        &["audit", "verify", "damaged", "--anchor", "anchor"],
        &["audit", "verify", "damaged", "--anchor", "anchor", "--json"],
        &["audit", "verify", "cut", "--anchor", "anchor"],
        &["audit", "verify", "log", "--anchor", "nowhere"],
        &["audit", "verify", "log", "--key", "not a key"],
        &["audit", "verify", "nowhere"],
        &["audit", "show", "log"],
        &["audit", "show", "log", "--tail", "1", "--json"],
        &["audit", "show", "log", "--call", "c3"],
        &["audit", "show", "log", "--call", "c3", "--json"],
        &["audit", "show", "log", "--call", "nope"],
        &["audit", "show", "damaged"],
        &["audit", "show", "damaged", "--tail", "1"],
        &["audit", "show", "nowhere"],
    ]));
}

#[test]
fn what_others_wrote_steers_no_terminal() {
    let place = shop_with_log();
    let check = |args: &[&str], expected: &str| {
        let ran = place.run(args);
        let said = ran.stdout.clone() + &ran.stderr;
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{args:?} {said:?}");
        assert!(said.lines().any(|line| line.contains(expected)), "{args:?} {said}");
    };
    // As a string of JSON or TOML, and as it is shown.
    let (steers, shown) = (r"\u001b[2J\u009d0;x\u0007\nforged\u202e", r"\u{1b}[2J\u{9d}0;x\u{7}\nforged\u{202e}");
    let log = place.read("log/log.jsonl").replacen(r#""tool":"pay""#, &format!(r#""tool":"{steers}""#), 1);
    place.write("forged/log.jsonl", log);
    check(&["audit", "show", "forged"], shown);
    place.write("steers.toml", format!("\"{steers}\" = 1\n"));
    check(&["--config", "steers.toml", "config", "show"], &format!("unknown key `{shown}`"));
    check(&["--config", "steers.toml", "audit", "show"], &format!("unknown key `{shown}`"));
    place.write("steers.yaml", POLICY.replacen("rules:", &format!("\"{steers}\": 1\nrules:"), 1));
    check(&["policy", "check", "steers.yaml"], "unknown key `");
    let server = format!(r#"{{"mcpServers": {{"{steers}": {{"command": "node", "args": ["{steers}"]}}}}}}"#);
    place.write("agent/.mcp.json", server);
    check(&["init", "agent"], &format!("MCP server `{shown}`"));
}

#[test]
fn explain_has_a_page_for_every_code() {
    let place = Place::new();
    expect_file!["golden/explain.txt"].assert_eq(&place.transcript(&[
        &["explain", "EC0103"],
        &["explain", "ec0020", "--json"],
        &["explain", "duplicate_key"],
        &["explain", "unkown_tool"],
        &["explain", "EC9999999"],
        &["explain", "--list"],
    ]));
    let pages = place.run(&["explain", "--list", "--json"]).json()["pages"].as_array().unwrap().len();
    assert_eq!(pages, place.run(&["explain", "--list"]).stdout.lines().count());
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).stdout;
        for word in commands().concat() {
            assert!(script.contains(&word), "{shell} does not complete `{word}`");
        }
        for word in ["--version", "--config", "--log-level", "--policy"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{shell} does not complete `{word}`");
        }
        assert!(!script.contains("demo-server"), "{shell} completes what is hidden");
    }
    assert_eq!(place.run(&["completions", "cmd"]).status, 2);
    assert_eq!(place.run(&["man", "manual"]).status, 0);
    for command in commands() {
        let page = place.read(&format!("manual/enforcecore-{}.1", command.join("-")));
        assert!(page.contains(".SH SYNOPSIS") && page.contains("enforcecore"), "{page}");
    }
    place.write("file", "");
    assert_eq!(place.run(&["man", "file"]).status, 5);
}

#[test]
fn colours_are_for_terminals() {
    let place = Place::with(&[("bad.yaml", "enforcecore: 1\n")]);
    let check = |variables: &[(&str, &str)], colours: bool| {
        let mut command = place.command(&["--log-level", "debug", "policy", "check", "bad.yaml"]);
        let ran = Ran::of(output(command.envs(variables.iter().copied())));
        assert_eq!(ran.stdout.contains('\x1b'), colours, "{variables:?} {ran:?}");
        assert_eq!(ran.stderr.contains('\x1b'), colours, "{variables:?} {ran:?}");
    };
    check(&[], false);
    check(&[("CLICOLOR_FORCE", "1")], true);
    check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
}

#[test]
fn the_exit_status_is_the_same_language_everywhere() {
    let place = shop_with_log();
    place.write("bad.yaml", "enforcecore: 1\n");
    place.write("fails.yaml", POLICY.replace("expect: allow by small", "expect: deny"));
    place.write("calls.jsonl", [READ, DENY, "{"].join("\n"));
    let check = |expected: i32, args: &[&str]| {
        let ran = place.run(args);
        assert_eq!(ran.status, expected, "{args:?} {ran:?}");
    };
    let decide =
        |expected: i32, policy: &str, call: &str| check(expected, &["decide", "--policy", policy, "--call", call]);
    check(0, &["--help"]);
    check(0, &["--version"]);
    check(2, &[]);
    check(2, &["polcy"]);
    check(2, &["decide", "--policy", "policy.yaml", "--cal", READ]);
    check(2, &["--log-level", "loud=very", "policy", "check", "policy.yaml"]);
    check(2, &["--log-level", "wran", "policy", "check", "policy.yaml"]);
    check(0, &["--log-level", "warn,enforcecore=debug", "policy", "check", "policy.yaml"]);
    check(2, &["--log-format", "xml", "policy", "check", "policy.yaml"]);
    check(0, &["policy", "check", "policy.yaml"]);
    check(1, &["policy", "check", "policy.yaml", "bad.yaml"]);
    check(0, &["policy", "test", "policy.yaml"]);
    check(1, &["policy", "test", "fails.yaml"]);
    check(1, &["policy", "test", "bad.yaml"]);
    decide(0, "policy.yaml", READ);
    decide(0, "policy.yaml", PAY);
    decide(4, "policy.yaml", ASK);
    decide(3, "policy.yaml", DENY);
    decide(3, "policy.yaml", UNKNOWN);
    decide(3, "policy.yaml", MALFORMED);
    decide(3, "policy.yaml", "");
    check(0, &["decide", "--policy", "policy.yaml", "--calls", "calls.jsonl"]);
    check(2, &["decide", "--policy", "policy.yaml", "--save", "--call", READ]);
    check(0, &["audit", "verify", "log", "--anchor", "anchor"]);
    check(1, &["audit", "verify", "log"]);
    check(1, &["audit", "verify", "log", "--allow-unanchored"]);
    check(1, &["audit", "verify", "log", "--allow-unknown-key"]);
    check(0, &["audit", "verify", "log", "--allow-unanchored", "--allow-unknown-key"]);
    check(0, &["audit", "verify", "log", "--allow-unanchored", "--key", &log::verifier_key()]);
    check(2, &["audit", "verify", "log", "--allow-unknown-key", "--key", &log::verifier_key()]);
    check(0, &["audit", "show", "log"]);
    check(0, &["explain", "no_rule"]);
    check(2, &["explain", "no_rul"]);
    check(2, &["explain"]);
    check(1, &["audit", "show", "log", "--call", "nope"]);
}

#[test]
fn what_cannot_be_read_is_wrong_usage_unless_a_call_hangs_on_it() {
    let place = shop_with_log();
    place.write("bad.yaml", "enforcecore: 1\n");
    place.write("empty/keep", "");
    let check = |expected: i32, args: &[&str]| {
        let ran = place.run(args);
        assert_eq!(ran.status, expected, "{args:?} {ran:?}");
        assert!(!ran.stderr.is_empty() || ran.stdout.contains("cannot be read"), "{args:?} {ran:?}");
    };
    // Commands that only look.
    check(2, &["policy", "check", "missing.yaml"]);
    check(2, &["policy", "check", "policy.yaml", "empty", "bad.yaml"]);
    check(2, &["policy", "check", "missing.yaml", "--json"]);
    check(2, &["policy", "test", "missing.yaml"]);
    check(2, &["policy", "check", "policy.yaml", "--config", "missing.toml"]);
    check(2, &["config", "show", "--config", "missing.toml"]);
    check(2, &["audit", "show", "log", "--config", "missing.toml"]);
    check(2, &["audit", "verify", "nowhere"]);
    check(2, &["audit", "verify", "empty"]);
    check(2, &["audit", "verify", "log", "--anchor", "nowhere"]);
    check(2, &["audit", "show", "nowhere"]);
    check(2, &["audit", "show"]);
    check(2, &["init", "nowhere"]);
    check(2, &["session", "end", "s1", "--log", "nowhere"]);
    // Nothing is begun where there are no keys.
    check(2, &["session", "end", "s1", "--log", "log"]);
    check(2, &["session", "end", "", "--log", "log"]);
    check(2, &["session", "end", "s1", "--log", "log", "--keys", "empty"]);
    for idle in ["foo", "", "0s", "59s", "32d", "24"] {
        check(2, &["session", "end", "s1", "--log", "log", "--session-idle", idle]);
        check(2, &["mcp", "--policy", "policy.yaml", "--session-idle", idle, "--", "cat"]);
    }
    for grace in ["foo", "", "0s", "1us", "11m", "99h"] {
        check(2, &["mcp", "--policy", "policy.yaml", "--cancel-grace", grace, "--", "cat"]);
    }
    // What is to be decided.
    check(2, &["decide", "--policy", "policy.yaml", "--calls", "missing.jsonl"]);
    check(2, &["decide", "--policy", "policy.yaml", "--session", "missing.jsonl", "--call", READ]);
    // Commands that decide: a failure must read as deny.
    check(5, &["decide", "--policy", "missing.yaml", "--call", READ]);
    check(5, &["decide", "--policy", "empty", "--call", READ]);
    check(5, &["decide", "--policy", "bad.yaml", "--call", READ]);
    check(5, &["decide", "--policy", "policy.yaml", "--config", "missing.toml", "--call", READ]);
    check(5, &["mcp", "--policy", "missing.yaml", "--", "cat"]);
    check(5, &["mcp", "--policy", "bad.yaml", "--", "cat"]);
    check(5, &["mcp", "--policy", "policy.yaml", "--workspace", "nowhere", "--", "cat"]);
    check(5, &["mcp", "--policy", "policy.yaml", "--config", "missing.toml", "--", "cat"]);
    check(5, &["mcp", "--policy", "policy.yaml", "--", "./no-such-server"]);
}

#[test]
fn a_damaged_log_is_evidence_and_the_way_on_is_named() {
    let place = shop();
    let mcp = |place: &Place| place.run(&["mcp", "--policy", "policy.yaml", "--log", "log", "--", "true"]);
    mcp(&place);
    let text = place.read("log/log.jsonl");
    assert!(!mcp(&place).stderr.contains("damaged"), "an undamaged log opens");
    place.write("log/log.jsonl", text.replacen("\"kind\":\"genesis\"", "\"kind\":\"genesiz\"", 1));
    let ran = mcp(&place);
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("the log is damaged") && ran.stderr.contains("move the folder aside"), "{ran:?}");
    // And that is a way on.
    std::fs::rename(place.path("log"), place.path("aside")).unwrap();
    assert!(!mcp(&place).stderr.contains("damaged"));
    assert!(!place.read("log/log.jsonl").contains("genesiz"));
}

/// A command that says something, for [`stdout_is_for_results`]: whether each line of its stdout is JSON, and its arguments.
const RESULTS: &[(bool, &[&str])] = &[
    // There is no key to check it with: what it says when there is one is shown elsewhere.
    (true, &["audit", "anchor", "--log", "log", "--anchor", "anchor", "--json"]),
    (true, &["audit", "show", "log", "--json"]),
    (false, &["audit", "show", "log"]),
    (false, &["audit", "show", "log", "--format", "csv"]),
    (true, &["audit", "show", "log", "--format", "ocsf"]),
    (true, &["audit", "stats", "log", "--json"]),
    (false, &["audit", "stats", "log"]),
    (true, &["audit", "verify", "log", "--json", "--anchor", "anchor"]),
    (false, &["audit", "verify", "log", "--anchor", "anchor"]),
    (true, &["decide", "--policy", "policy.yaml", "--call", ASK]),
    (true, &["decide", "--policy", "policy.yaml", "--calls", "calls.jsonl", "--session", "session.jsonl"]),
    (false, &["demo", "--unprotected"]),
    (false, &["completions", "bash"]),
    (false, &["init", "fresh"]),
    (false, &["man", "manual"]),
    (true, &["config", "show", "--json"]),
    (false, &["config", "show"]),
    (true, &["demo", "--json"]),
    (false, &["demo"]),
    (true, &["explain", "EC0020", "--json"]),
    (false, &["explain", "--list"]),
    // A line that is no message is answered by the proxy itself.
    (true, &["mcp", "--policy", "policy.yaml", "--", "cat"]),
    (true, &["policy", "check", "policy.yaml", "warns.yaml", "--json"]),
    (false, &["policy", "check", "policy.yaml", "warns.yaml"]),
    (true, &["policy", "test", "policy.yaml", "--json"]),
    (false, &["policy", "test", "policy.yaml"]),
    // In the log that the proxy began.
    (true, &["session", "end", "s1", "--json"]),
    (false, &["session", "end", "s1"]),
];

#[test]
fn stdout_is_for_results() {
    let place = shop_with_log();
    place.write("warns.yaml", POLICY.replace("rules:", "  spare:\n    does: reads\n    returns: web\nrules:"));
    place.write("calls.jsonl", [READ, PAY, DENY, "{"].join("\n"));
    place.write("session.jsonl", format!("{{\"call\":{PAY}}}\n"));
    for command in commands() {
        let covers =
            |args: &[&str]| args.iter().zip(&command).filter(|(arg, word)| *arg == word).count() == command.len();
        assert!(RESULTS.iter().any(|(_, args)| covers(args)), "RESULTS has no `{}`", command.join(" "));
    }
    let run = |args: &[&str]| {
        let _ = std::fs::remove_dir_all(place.path("fresh"));
        std::fs::create_dir(place.path("fresh")).unwrap();
        place.run_with_stdin(args, "{\n")
    };
    for (json, args) in RESULTS {
        let quiet = run(args);
        for format in ["human", "json"] {
            let logging = ["--log-level", "trace", "--log-format", format];
            let traced = run(&[logging.as_slice(), args].concat());
            let (lines, before) = (traced.stdout.lines(), quiet.stdout.lines());
            assert_eq!((traced.status, lines.count()), (quiet.status, before.count()), "{args:?}");
            assert!(!traced.stdout.contains("enforcecore starts"), "{args:?} {traced:?}");
            assert_eq!(*json, traced.stdout.lines().all(is_json), "{args:?} {traced:?}");
            assert!(traced.stderr.contains("enforcecore starts"), "the log of {args:?} is on stderr: {traced:?}");
            if format == "json" && quiet.stderr.is_empty() {
                traced.stderr.lines().for_each(|line| assert!(is_json(line), "{args:?} logs {line}"));
            }
        }
        assert!(quiet.status != 0 || !quiet.stdout.is_empty(), "{args:?}");
        assert_eq!(*json, quiet.stdout.lines().all(is_json), "{args:?} {quiet:?}");
    }
}

fn is_json(line: &str) -> bool {
    serde_json::from_str::<Json>(line).is_ok_and(|value| value.is_object())
}

#[test]
fn log_lines_name_their_call_and_never_what_is_in_it() {
    const SECRET: &str = "correct-horse-battery";
    let place = shop();
    let calls = [
        r#"{"id":"c1","tool":"read_note","args":{"name":"SECRET"},"session":{"id":"SECRET"}}"#,
        r#"{"id":"c2","tool":"pay","args":{"amount":10,"note":"SECRET"},"principal":{"name":"SECRET"}}"#,
        r#"{"id":"c3","tool":"pay","args":{"amount":80,"note":"SECRET"},"facts":{"a":"SECRET"}}"#,
        r#"{"id":"c4","tool":"pay","args":{"amount":"SECRET"}}"#,
        r#"{"id":"c5","tool":"send","args":{"text":"SECRET"},"tenant":"SECRET"}"#,
        r#"{"id":"c6","tool":"pay","args":{"amount":1,"amount":"SECRET"}}"#,
        r#"{"id":"c7","tool":"pay","args":{"amount":SECRET}}"#,
        r#"{"id":"c8","tool":"pay","args":["SECRET"]}"#,
        r#"{"id":"c9","tool":"pay","args":{"amount":1},"other":"SECRET"}"#,
        r#"{"id":"SECRET SECRET","tool":"pay","args":{"amount":1}}"#,
    ];
    let calls = calls.join("\n").replace("SECRET", SECRET);
    place
        .write("session.jsonl", calls.lines().take(5).map(|call| format!("{{\"call\":{call}}}\n")).collect::<String>());
    place.write("calls.jsonl", &calls);
    let log = ["--log-level", "trace", "--log-format", "json"];
    let what = ["decide", "--policy", "policy.yaml", "--session", "session.jsonl", "--calls", "calls.jsonl"];
    let ran = place.run(&[log.as_slice(), &what].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran:?}");
    let mut calls = Vec::new();
    for line in ran.stderr.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        if !["enforcecore::engine::enforcer", "enforcecore::engine::dry_run"]
            .iter()
            .any(|target| line["target"] == *target)
        {
            continue;
        }
        let text = |key: &str| line["span"][key].as_str().unwrap_or_else(|| panic!("no {key} in {line}")).to_owned();
        assert_eq!((text("policy").as_str(), text("session").len()), ("shop", 32), "{line}");
        let declared = ["\"read_note\"", "\"pay\""].contains(&text("tool").as_str());
        assert!(declared || text("tool").starts_with("\"undeclared:4:"), "{line}");
        calls.push(text("call"));
    }
    // First the session's calls, then those to be decided; what is no call at all has no line of its own.
    assert_eq!(calls, ["c1", "c2", "c3", "c4", "c5", "c1", "c2", "c3", "c4", "c5"]);
}

#[test]
fn a_reader_that_goes_away_is_never_told_allow() {
    let place = shop();
    let run = |args: &[&str], stdout: Stdio| {
        let mut command = place.command(args);
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        Ran::of(end_of(child, &args.join(" ")))
    };
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for args in [["decide", "--policy", "policy.yaml", "--call", READ].as_slice(), &["policy", "check", "policy.yaml"]]
    {
        let ran = run(args, closed());
        assert_eq!((ran.status, ran.stderr.as_str()), (5, ""), "{args:?}");
        let ran = run(args, full());
        assert_eq!(ran.status, 5, "{args:?}");
        assert!(ran.stderr.contains("error: "), "{ran:?}");
        assert_eq!(run(args, Stdio::null()).status, 0, "{args:?}");
    }
}

#[test]
fn calls_are_decided_as_they_come() {
    let place = shop();
    let mut command = place.command(&["decide", "--policy", "policy.yaml", "--calls", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    // More than any pipe or buffer holds: the first answers come while the last calls are still to be written.
    let calls = std::thread::spawn(move || {
        let line = format!("{READ}\n");
        (0..20_000).for_each(|_| std::io::Write::write_all(&mut input, line.as_bytes()).unwrap());
    });
    let mut read = String::new();
    output.read_to_string(&mut read).unwrap();
    calls.join().unwrap();
    assert!(end_of(child, "decide").status.success());
    assert_eq!(read.lines().count(), 20_000);
    assert!(read.lines().all(|line| line.contains("\"decision\":\"allow\"")));
}

#[test]
fn one_oversized_call_is_refused_and_the_next_one_is_decided() {
    let place = shop();
    let huge = format!("{{\"tool\":\"read_note\",\"args\":{{\"name\":\"{}\"}}}}", "a".repeat(20 << 20));
    let ran = place.run_with_stdin(&["decide", "--policy", "policy.yaml", "--calls", "-"], format!("{huge}\n{READ}\n"));
    let codes: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| {
            let line: Json = serde_json::from_str(line).unwrap();
            line["code"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((ran.status, codes), (0, vec!["too_large".to_owned(), "allowed".to_owned()]));
    let ran = place.run_with_stdin(&["decide", "--policy", "policy.yaml", "--call", "-"], huge);
    assert_eq!((ran.status, ran.json()["code"].as_str()), (3, Some("too_large")));
}

#[test]
fn errors_name_the_way_out() {
    let place = shop();
    let check = |args: &[&str], expect: Expect| expect.assert_eq(&place.run(args).stderr);
    check(
        &["polcy"],
        expect![[r#"
        error: unrecognized subcommand 'polcy'

          tip: a similar subcommand exists: 'policy'

        Usage: enforcecore [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "#]],
    );
    check(
        &["--log-level", "loud=very", "policy", "check", "policy.yaml"],
        expect![[r#"
            error: `loud=very` is not a log level (flag)
              help: use off, error, warn, info, debug or trace, or TARGET=LEVEL joined by commas
        "#]],
    );
    check(
        &["audit", "verify", "nowhere"],
        expect![[r#"
        error: there is no log in `nowhere`: nothing was recorded there yet
          help: give the folder that holds `log.jsonl`, by default `.enforcecore/log`
    "#]],
    );
    check(
        &["decide", "--policy", "missing.yaml", "--call", READ],
        expect![[r#"
            error: cannot read the policy `missing.yaml`: No such file or directory (os error 2)
              help: name the policy with --policy FILE, or with `policy` in enforcecore.toml
        "#]],
    );
}
