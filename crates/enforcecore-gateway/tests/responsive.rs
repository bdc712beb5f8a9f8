//! Whatever a message holds, the session goes on meanwhile, and what is said keeps its order.
//!
//! Nothing here is measured. An inspection is held until the test lets it go, on a runtime with one thread: were it done on the
//! session's loop, or on any thread that the loop needs, the test could not go on either.

#![cfg(test)]

mod support;

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, Once};

use enforcecore_gateway::mcp::Ended;
use support::{PATIENCE, World, at, text, until};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Holds the thread that passes, from the time it is closed until it is opened.
struct Gate {
    arrived: Sender<()>,
    open: Receiver<()>,
}

/// The test's side of a gate.
struct GateControl {
    arrived: Receiver<()>,
    open: Sender<()>,
}

impl Gate {
    fn new() -> (Gate, GateControl) {
        let ((arrived, here), (open, opened)) = (channel(), channel());
        (Gate { arrived, open: opened }, GateControl { arrived: here, open })
    }

    fn pass(self) {
        self.arrived.send(()).unwrap();
        // What is held longer is held by the test's own thread.
        // If it is never opened, the wait ends, and the test fails by its own assertion.
        let _ = self.open.recv_timeout(PATIENCE);
    }
}

impl GateControl {
    /// Waits until a thread stands at the gate.
    async fn until_reached(&self) {
        until("an inspection is held", || self.arrived.try_recv().is_ok()).await;
    }

    /// Lets it go. Fails if it went by itself, because this thread could not come earlier.
    fn open(self) {
        self.open.send(()).expect("the session went on while an inspection was held");
    }
}

/// Passed by the inspection that names a tool which is not shown.
static AT_HIDDEN_TOOL: Mutex<Option<Gate>> = Mutex::new(None);

/// A log that an inspection waits for.
struct HoldingLog;

impl Subscriber for HoldingLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("enforcecore_gateway")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut said = Said(String::new());
        event.record(&mut said);
        if said.0.contains("is not shown") {
            let gate = AT_HIDDEN_TOOL.lock().unwrap().take();
            gate.into_iter().for_each(Gate::pass);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Said(String);

impl Visit for Said {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{value:?} ");
    }
}

/// For one test at a time: whose tools are hidden cannot be told from the log.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn hold_next_hidden_tool() -> GateControl {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(HoldingLog).unwrap());
    let (gate, control) = Gate::new();
    assert!(AT_HIDDEN_TOOL.lock().unwrap().replace(gate).is_none(), "one test holds it");
    control
}

/// A writer that waits before it writes its first line.
struct Held<W> {
    gate: Option<Gate>,
    to: W,
}

impl<W: Write> Write for Held<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gate.take().into_iter().for_each(Gate::pass);
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[tokio::test]
async fn while_an_answer_of_the_server_is_inspected_the_client_is_served_and_heard() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut world = World::start().await;
    let control = hold_next_hidden_tool();
    let listed = world.request("tools/list", "{}").await;
    control.until_reached().await;
    // What needs nothing of the server is answered.
    assert_eq!(at(&world.ask("vendor/x", "{}").await, "error.code"), "-32601");
    assert_eq!(support::code(&world.call("forbidden", r#"{"text":"a"}"#).await), "no_rule");
    // What needs it is asked of it.
    let called = world.request("tools/call", r#"{"name":"echo","arguments":{"text":"meanwhile"}}"#).await;
    world.until_file_has("effects", "echo meanwhile\n").await;
    control.open();
    // And what the server says keeps its order.
    for id in [listed, called] {
        assert_eq!(at(&world.receive().await, "id"), id.to_string());
    }
    world.leave().await;
}

#[tokio::test]
async fn what_the_server_had_said_when_the_session_is_stopped_is_recorded() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut world = World::start().await;
    let control = hold_next_hidden_tool();
    world.request("tools/list", "{}").await;
    control.until_reached().await;
    // The server answers the first before it reads the second, so that answer is behind the one that is held.
    for tool in ["pages", "daemon"] {
        world.request("tools/call", &format!(r#"{{"name":"{tool}","arguments":{{}}}}"#)).await;
        world.until_file_has("effects", &format!("{tool} \n")).await;
    }
    let (ended, left) = world.stop_and(|| control.open()).await;
    assert_eq!(ended, Ended::Stopped);
    let mut lines = left.lines();
    lines.sort();
    assert_eq!(lines, ["Intent allowed", "Intent allowed", "Outcome released", "Outcome tool_crashed"]);
}

#[tokio::test]
async fn while_a_complaint_is_written_the_session_goes_on() {
    let (gate, control) = Gate::new();
    let mut world = World::with(|to| Box::new(Held { gate: Some(gate), to })).await;
    control.until_reached().await;
    world.greet().await;
    assert_eq!(text(&world.call("echo", r#"{"text":"a"}"#).await), "you said a");
    assert_eq!(world.complaints(), "");
    control.open();
    let (ended, _) = world.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_notification_comes_before_the_answer_that_follows_it_at_once() {
    let mut world = World::start().await;
    for _ in 0..3 {
        let id = world.request("tools/call", r#"{"name":"shout","arguments":{}}"#).await;
        let shout = world.receive().await;
        assert_eq!(at(&shout, "method"), "\"notifications/message\"");
        assert_eq!(at(&shout, "params.data").matches("EC_GITHUB_TOKEN_1").count(), 20_000);
        let answer = world.receive().await;
        assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), "after the shout".to_owned()));
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_side_says_reaches_the_other_in_its_order() {
    let mut world = World::start().await;
    for _ in 0..50 {
        let id = world.request("prompts/list", r#"{"cursor":"news"}"#).await;
        assert_eq!(at(&world.receive().await, "id"), id.to_string(), "the answer comes before what is said after it");
        assert_eq!(at(&world.receive().await, "method"), "\"notifications/prompts/list_changed\"");
    }
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    for _ in 0..10 {
        world.request("tools/call", r#"{"name":"ask","arguments":{}}"#).await;
        let asked = at(&world.receive().await, "id");
        let roots = format!(r#"{{"jsonrpc":"2.0","id":{asked},"result":{{"roots":[]}}}}"#);
        world.send(&format!("{roots}\n{changed}")).await;
        world.receive().await;
        let level = world.next_id();
        let level =
            format!(r#"{{"jsonrpc":"2.0","id":{level},"method":"logging/setLevel","params":{{"level":"info"}}}}"#);
        world.send(&format!("{changed}\n{level}\n{changed}")).await;
        world.receive().await;
        world.skip_id();
    }
    world.ask("ping", "{}").await;
    let heard = world.heard_in_order();
    let (answer, changed, level) = ("answer", "notifications/roots/list_changed", "logging/setLevel");
    let from = heard.iter().position(|heard| heard == "tools/call").unwrap();
    // The first answer is ours, to what is not served.
    let round = ["tools/call", answer, answer, changed, changed, level, changed];
    let expected: Vec<&str> = (0..10).flat_map(|_| round).chain(["ping"]).collect();
    assert_eq!(heard[from..], expected);
    world.leave().await;
}

/// What looks into a message stands in files of its own, and what those do is begun on threads of its own alone.
#[test]
fn only_what_runs_beside_the_loop_looks_into_messages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mcp");
    let looks =
        ["redact_text(", "redact_value(", "shown_name(", "from_json(", "SliceJsonParser", "read(&", "read(line"];
    let begins = [
        ".client_said(",
        ".server_said(",
        "seen(&text",
        "call::run(",
        "refuse_malformed(",
        ".follow(&part",
        "cuts.say(",
        "contract::take(",
    ];
    let (mut looking, mut beginning) = (Vec::new(), Vec::new());
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        if looks.iter().any(|look| product.contains(look)) {
            looking.push(name.clone());
        }
        let lines: Vec<&str> = product.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if let Some(begun) = begins.iter().find(|begun| line.contains(**begun)) {
                // The nearest line above that begins something.
                let by = lines[..=index].iter().rev().find_map(|line| {
                    ["spawn_blocking(", " stage(", "tokio::spawn(", "tasks.spawn(", "asked.spawn(", "fn "]
                        .into_iter()
                        .find(|by| line.contains(by))
                });
                beginning.push(format!("{name}: {begun} by {}", by.unwrap_or("nobody").trim()));
            }
        }
    }
    looking.sort();
    beginning.sort();
    beginning.dedup();
    assert_eq!(looking, ["contract.rs", "cuts.rs", "frame.rs", "inspect.rs", "outline.rs", "server.rs"]);
    assert_eq!(
        beginning,
        [
            // In the inspector, which is begun as `.server_said(` is.
            "inspect.rs: contract::take( by fn",
            "inspect.rs: cuts.say( by fn",
            "server.rs: seen(&text by stage(",
            "session.rs: refuse_malformed( by spawn_blocking(",
            "session_loop.rs: .client_said( by stage(",
            "session_loop.rs: .server_said( by stage(",
            "session_loop.rs: call::run( by spawn_blocking(",
            "stage.rs: .follow(&part by spawn_blocking(",
        ]
    );
}
