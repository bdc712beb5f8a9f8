//! How the proxy ends, and what is left then: told to by each signal, left by its client, left by its server.
#![cfg(test)]
#![cfg(unix)]

mod cli_support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cli_support::{Place, Ran, end_of, until};
use serde_json::Value as Json;

const POLICY: &str = r#"enforcecore: 1
name: ending
version: "1"
tools:
  hold: {does: reads, returns: untrusted}
  once: {does: reads, returns: untrusted}
rules:
  - {allow: [hold, once], id: all}
budgets:
  - {budget: once, id: one, count: calls, at_most: 1, per: session, for_each: everyone}
"#;

/// Answers the handshake and the calls of `once`; a call of `hold` waits for ever, or ends the server where `end` says so.
const SERVER: &str = r#"echo $$ > pid
id=1
while read -r line; do
  case "$line" in
    *initialize\"*) result='{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}' ;;
    *once*) result='{"content":[]}' ;;
    *hold*) echo held > held; [ -e end ] && { cat end; exit 7; }; exec sleep 600 ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
  id=$((id + 1))
done
"#;

const HELLO: &str = r#""initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
const HOLD: &str = r#""tools/call","params":{"name":"hold"}"#;
const ONCE: &str = r#""tools/call","params":{"name":"once"}"#;

struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u32,
}

impl Session {
    fn start(place: &Place, flags: &[&str]) -> Session {
        let args = [&["mcp", "--policy", "policy.yaml"], flags, &["--", "sh", "server.sh"]].concat();
        let mut command = place.command(&args);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut session = Session { child, input, output, asked: 0 };
        session.ask(HELLO);
        session
    }

    fn say(&mut self, request: &str) {
        self.asked += 1;
        let line = format!(r#"{{"jsonrpc":"2.0","id":{},"method":{request}}}"#, self.asked);
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn ask(&mut self, request: &str) -> Json {
        self.say(request);
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }

    fn end(mut self) -> Ran {
        until("the proxy ends", || self.child.try_wait().unwrap().is_some());
        drop(self.input.take());
        Ran::of(end_of(self.child, "the proxy"))
    }
}

fn place() -> Place {
    Place::with(&[("policy.yaml", POLICY), ("server.sh", SERVER)])
}

fn is_alive(place: &Place) -> bool {
    let id = place.read("pid").trim().to_owned();
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// The kinds and codes of what the log says of calls.
fn told(place: &Place) -> Vec<String> {
    let ran = place.run(&["audit", "show", "--json"]);
    let entries = ran.stdout.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let of_calls = entries.filter(|entry| entry["call"].is_string());
    of_calls.map(|entry| format!("{} {}", entry["kind"].as_str().unwrap(), entry["code"].as_str().unwrap())).collect()
}

/// What tells a program to end: from a terminal, from a service manager, and when the terminal goes away.
const SIGNALS: [&str; 3] = ["TERM", "INT", "HUP"];

#[test]
fn a_proxy_that_is_told_to_stop_ends_its_server_and_settles_its_calls() {
    // At once, because a server with an open call has its time to answer it.
    std::thread::scope(|scope| {
        for signal in SIGNALS {
            for calls in [false, true] {
                scope.spawn(move || check_signal(signal, calls));
            }
        }
    });
}

fn check_signal(signal: &str, calls: bool) {
    let place = place();
    let mut session = Session::start(&place, &[]);
    if calls {
        session.say(HOLD);
        until("the call is held", || place.path("held").exists());
    }
    assert!(is_alive(&place));
    let id = session.child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    // Its input is still open: nothing but the signal says that it is to end.
    let ran = session.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{signal}");
    assert!(!is_alive(&place), "{signal}: the server is gone");
    let expected: &[&str] = if calls { &["intent allowed", "outcome tool_crashed"] } else { &[] };
    assert_eq!(told(&place), expected, "{signal}");
}

#[test]
fn a_proxy_whose_client_leaves_ends_cleanly() {
    let place = place();
    let mut session = Session::start(&place, &[]);
    session.ask(ONCE);
    drop(session.input.take());
    let ran = session.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert!(!is_alive(&place));
    assert_eq!(told(&place), ["intent allowed", "outcome released"]);
}

#[test]
fn a_proxy_whose_server_leaves_fails_and_says_how() {
    for calls in [false, true] {
        let place = place();
        place.write("end", "");
        let mut session = Session::start(&place, &[]);
        if calls {
            session.say(HOLD);
        } else {
            let id = place.read("pid").trim().to_owned();
            assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        }
        let ran = session.end();
        let how = if calls { "exit status: 7" } else { "signal: 15 (SIGTERM)" };
        assert_eq!(ran.status, 5, "{ran:?}");
        let first = format!("error: the server ended while its client was there: {how}\n");
        assert!(ran.stderr.starts_with(&first), "{ran:?}");
    }
}

/// The sessions of two proxies, one after the other on one log, and what becomes of the second one's call.
const SESSIONS: &[(&[&str], &[&str], bool)] = &[
    (&[], &[], true),
    (&["--session", "a"], &["--session", "b"], true),
    (&["--session", "a"], &[], true),
    (&[], &["--session", "a"], true),
    (&["--session", "a"], &["--session", "a"], false),
];

#[test]
fn a_proxy_is_in_a_session_of_its_own_unless_it_is_given_one() {
    for (first, second, runs) in SESSIONS {
        let place = place();
        for (flags, runs) in [(first, true), (second, *runs)] {
            let mut session = Session::start(&place, flags);
            let answer = session.ask(ONCE);
            assert_eq!(answer["result"]["isError"].as_bool().unwrap_or(false), !runs, "{first:?} {second:?}: {answer}");
            drop(session.input.take());
            assert_eq!(session.end().status, 0);
        }
        let expected = if *runs { ["intent allowed", "outcome released"] } else { ["denial budget_exceeded", ""] };
        assert_eq!(told(&place).get(2).map(String::as_str), Some(expected[0]), "{first:?} {second:?}");
        // Each fresh name is another one.
        let shown = place.run(&["audit", "show", "--json"]).stdout;
        let entries = shown.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let sessions = entries.filter_map(|entry| entry["session"].as_str().map(str::to_owned));
        assert_eq!(sessions.collect::<std::collections::BTreeSet<_>>().len(), if *runs { 2 } else { 1 });
    }
}
