//! The proxy as a command: what a session's calls mean where it was started, and what its log says of them.
#![cfg(test)]

mod cli_support;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use cli_support::{Place, Ran, end_of, until};
use serde_json::Value as Json;

const POLICY: &str = r#"enforcecore: 1
name: reading
version: "1"
tools:
  read: {does: reads, args: {path: {type: path, base: session.workspace}}, returns: trusted}
rules:
  - {allow: read, id: own, when: {path: {under: session.workspace}}}
redact: {result: [secret]}
"#;

/// Answers the handshake, then every list with what stands in `tools` and every call, and writes down what it was called with.
const SERVER: &str = r#"id=1
while read -r line; do
  case "$line" in
    *initialize\"*) result='{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}' ;;
    *tools/list*) result=$(cat tools) ;;
    *tools/call*) result='{"content":[]}'; echo "$line" >> calls; [ -e noise ] && { cat noise >&2; cat noise; } ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
  id=$((id + 1))
done
"#;

const HELLO: &str = r#""initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;

fn place() -> Place {
    Place::with(&[("policy.yaml", POLICY), ("server.sh", SERVER), ("work/in.txt", "in"), ("out.txt", "out")])
}

/// Asks one request after the other, and leaves.
fn talk(place: &Place, flags: &[&str], requests: &[&str]) -> Ran {
    let args = [&["mcp", "--policy", "policy.yaml"], flags, &["--", "sh", "server.sh"]].concat();
    let mut command = place.command(&args);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut answers = String::new();
    for (id, request) in std::iter::once(&HELLO).chain(requests).enumerate() {
        writeln!(input, r#"{{"jsonrpc":"2.0","id":{id},"method":{request}}}"#).unwrap();
        output.read_line(&mut answers).unwrap();
    }
    drop(input);
    // Only then is its stderr read.
    until("the proxy ends", || child.try_wait().unwrap().is_some());
    Ran { stdout: answers, ..Ran::of(end_of(child, "the proxy")) }
}

#[test]
fn an_unread_stderr_delays_no_call() {
    let place = place();
    // More than a pipe holds, from the server and from the proxy, which complains of each line that is no message.
    place.write("noise", "noise\n".repeat(40_000));
    let call = r#""tools/call","params":{"name":"read","arguments":{"path":"in.txt"}}"#;
    let ran = talk(&place, &[], &[call]);
    assert!(ran.status == 0 && ran.stdout.contains(r#"{"content":[]}"#), "{}", ran.stdout);
    assert!(!ran.stderr.is_empty(), "what fitted is there");
}

fn calls(place: &Place) -> usize {
    std::fs::read_to_string(place.path("calls")).unwrap_or_default().lines().count()
}

#[test]
fn a_session_goes_on_after_its_client_left_until_it_is_ended() {
    let place = place();
    let call = r#""tools/call","params":{"name":"read","arguments":{"path":"work/in.txt"}}"#;
    let in_session = |name: &str| {
        let before = calls(&place);
        let ran = talk(&place, &["--session", name], &[call]);
        (calls(&place) - before, ran.stdout.contains("session_ended"))
    };
    assert_eq!([in_session("s1"), in_session("s1"), in_session("s2")], [(1, false); 3]);
    let ended = place.run(&["session", "end", "s1"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_eq!(in_session("s1"), (0, true));
    assert_eq!(in_session("s2"), (1, false));
    assert_eq!(place.run(&["session", "end", "s2", "--tenant", "t"]).status, 0);
    assert_eq!(in_session("s2"), (1, false), "the same name on another account");
    let ran = place.run(&["session", "end", "s2", "--log", "elsewhere"]);
    assert!(ran.status == 2 && ran.stderr.contains("--log DIR"), "{ran:?}");
    assert!(!place.path("elsewhere").exists(), "nothing is begun where there is no log");
    let ran = place.run(&["session", "end", "s2", "--keys", "no-keys"]);
    assert!(ran.status == 2 && ran.stderr.contains("--keys DIR") && !place.path("no-keys").exists(), "{ran:?}");
}

/// From which folder a server reads is not known, wherever it is started: the policy says it, and the server gets the path whole.
#[test]
fn a_relative_path_is_what_the_policy_says_and_the_server_gets_it_whole() {
    let unsaid = POLICY.replace("{type: path, base: session.workspace}", "path");
    let rows = [
        (POLICY, "in.txt", Some("work/in.txt")),
        (POLICY, "./sub/../in.txt", Some("work/in.txt")),
        (POLICY, "link.txt", Some("work/in.txt")),
        (POLICY, "../out.txt", None),
        (POLICY, "to-out.txt", None),
        (&unsaid, "in.txt", None),
        (&unsaid, "work/in.txt", None),
        (&unsaid, "{}work/in.txt", Some("work/in.txt")),
        (&unsaid, "{}out.txt", None),
    ];
    // A workspace is what its name leads to.
    let workspaces = ["work", "to-work"];
    for (workspace, (policy, path, sent)) in workspaces.iter().flat_map(|workspace| rows.map(|row| (workspace, row))) {
        let place = place();
        place.write("policy.yaml", policy);
        std::fs::create_dir(place.path("work/sub")).unwrap();
        std::os::unix::fs::symlink("in.txt", place.path("work/link.txt")).unwrap();
        std::os::unix::fs::symlink("../out.txt", place.path("work/to-out.txt")).unwrap();
        std::os::unix::fs::symlink("work", place.path("to-work")).unwrap();
        let root = place.root().canonicalize().unwrap().display().to_string();
        let path = path.replace("{}", &format!("{root}/"));
        let call = format!(r#""tools/call","params":{{"name":"read","arguments":{{"path":"{path}"}}}}"#);
        let ran = talk(&place, &["--workspace", workspace], &[&call]);
        let got = std::fs::read_to_string(place.path("calls")).unwrap_or_default();
        let said = sent.map(|sent| format!(r#""arguments":{{"path":"{root}/{sent}"}}"#));
        assert_eq!(got.lines().count(), usize::from(sent.is_some()), "{path}: {ran:?}");
        assert!(said.is_none_or(|said| got.contains(&said)), "{path}: {got}");
        let refused = policy != POLICY && !path.starts_with('/');
        assert_eq!(ran.stdout.contains("(relative_path)"), refused, "{path}: {ran:?}");
    }
}

#[test]
fn what_is_protected_stays_closed_and_decide_says_so() {
    for (path, runs, status) in [(".enforcecore/keys/log-names-secret", 0, 3), ("enforcecore/notes", 1, 0)] {
        let place = place();
        let call = format!(r#""tools/call","params":{{"name":"read","arguments":{{"path":"{path}"}}}}"#);
        let ran = talk(&place, &[], &[&call]);
        assert_eq!((calls(&place), ran.stdout.contains("protected_path")), (runs, runs == 0), "{path}: {ran:?}");
        let folder = place.root().canonicalize().unwrap().display().to_string();
        let session = format!(r#"{{"workspace":"{folder}"}}"#);
        let call = format!(r#"{{"tool":"read","args":{{"path":"{folder}/{path}"}},"session":{session}}}"#);
        let ran = place.run(&["decide", "--policy", "policy.yaml", "--call", &call]);
        assert_eq!((ran.status, ran.stdout.contains("protected_path")), (status, runs == 0), "{path}: {ran:?}");
    }
}

#[test]
fn an_undeclared_name_is_not_repeated_in_the_log() {
    const TOKEN: &str = "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";
    let place = place();
    let (tool, method) = (format!(r#""tools/call","params":{{"name":"{TOKEN}"}}"#), format!(r#""do/{TOKEN}""#));
    let ran = talk(&place, &["--log-level", "trace"], &[&tool, &method]);
    assert_eq!(ran.stderr.matches("call refused").count(), 2, "{ran:?}");
    assert!(!ran.stderr.contains(TOKEN), "{ran:?}");
}

#[test]
fn the_log_names_each_tool_that_is_not_shown() {
    const TOKEN: &str = "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";
    let place = place();
    let tool = |name: &str| {
        let properties = format!(r#"{{"to":{{}},"a\nb":{{}},"{TOKEN}":{{}}}}"#);
        format!(r#"{{"name":"{name}","inputSchema":{{"type":"object","properties":{properties}}}}}"#)
    };
    place.write("tools", format!(r#"{{"tools":[{},{},{}]}}"#, tool("read"), tool("send"), tool(TOKEN)));
    let list = r#""tools/list","params":{}"#;
    let ran = talk(&place, &["--log-level", "info"], &[list]);
    assert!(ran.stdout.contains(r#""name":"read""#) && !ran.stdout.contains(r#""name":"send""#), "{ran:?}");
    let said: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("is not shown")).collect();
    assert_eq!(said.len(), 2, "{ran:?}");
    assert!(said[0].contains(r#"tool="send" arguments="to, a\\nb, EC_GITHUB_TOKEN_1""#), "{ran:?}");
    assert!(said[1].contains(r#"tool="EC_GITHUB_TOKEN_1""#), "{ran:?}");
    assert!(!ran.stderr.contains(TOKEN), "{ran:?}");
    assert!(!talk(&place, &[], &[list]).stderr.contains("is not shown"), "only where it is asked for");
}

#[test]
fn the_log_says_how_each_call_began_and_ended() {
    const SECRET: &str = "correct-horse-battery";
    let place = place();
    place.write("in.txt", SECRET);
    let call = |path: &str| format!(r#""tools/call","params":{{"name":"read","arguments":{{"path":"{path}"}}}}"#);
    let level = ["--log-level", "info", "--log-format", "json", "--session", SECRET];
    let ran = talk(&place, &level, &[&call("in.txt"), &call(&format!("/{SECRET}"))]);
    assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    let lines = ran.stderr.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let lines: Vec<Json> = lines.filter(|line| line["span"]["name"] == "call").collect();
    let said = lines.iter().map(|line| {
        let fields =
            ["message", "decision", "code", "effect"].map(|name| line[name].as_str().unwrap_or("-").to_owned());
        fields.join(" ")
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["call admitted allow allowed -", "call settled - released happened", "call refused deny no_rule -"]
    );
    assert!(lines[1]["duration_ms"].is_u64(), "{}", lines[1]);
    for line in &lines {
        let span = |name: &str| line["span"][name].as_str().unwrap_or_default();
        assert_eq!((span("tool"), span("policy"), span("session").len()), ("\"read\"", "reading", 32), "{line}");
    }
    assert_eq!(lines[0]["span"]["call"], lines[1]["span"]["call"]);
    assert_ne!(lines[0]["span"]["call"], lines[2]["span"]["call"]);
}

#[test]
fn a_call_whose_server_leaves_is_settled_too() {
    let place = place();
    // The server leaves in the middle of the call.
    place.write("server.sh", SERVER.replace(r#"result='{"content":[]}';"#, "exit;"));
    let call = r#""tools/call","params":{"name":"read","arguments":{"path":"in.txt"}}"#;
    let ran = talk(&place, &["--log-level", "info"], &[call]);
    let settled: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("call settled")).collect();
    assert_eq!(settled.len(), 1, "{ran:?}");
    assert!(settled[0].contains("code=\"tool_crashed\" effect=\"unknown\" duration_ms="), "{ran:?}");
}
