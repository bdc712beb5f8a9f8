//! What becomes of a call that is overdue, of its server and of everything else: with servers that react, and with one that
//! does not.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use enforcecore::audit::EntryKind;
use enforcecore::ports::Clock;
use enforcecore::value::Value;
use enforcecore_gateway::mcp::Ended;
use support::{Left, Made, PATIENCE, World, at, code, text, until};

/// The deadline of every tool but `echo`, `busy` and `deaf`, and the bound for progress, in microseconds.
const DUE: u64 = 200_000;
const AT_MOST: u64 = 1_000_000;

const POLICY: &str = r#"
enforcecore: 1
name: deadlines
version: "1"
tools:
  echo: {does: reads, args: {text: text}, returns: untrusted}
  deaf: {does: writes, args: {text: text}, returns: untrusted}
  obedient: {does: writes, args: {text: text}, returns: untrusted}
  refusing: {does: writes, args: {text: text}, returns: untrusted}
  drowsy: {does: writes, args: {text: text}, returns: untrusted}
  hang: {does: writes, args: {text: text}, returns: untrusted}
  seize: {does: writes, args: {text: text}, returns: untrusted}
  busy: {does: writes, args: {text: text}, returns: untrusted}
  asking: {does: writes, args: {text: text}, returns: untrusted}
  steps: {does: writes, args: {text: text}, returns: untrusted}
  stubborn: {does: writes, args: {text: text}, returns: untrusted}
rules:
  - {allow: [echo, busy], id: echo}
  - {allow: deaf, id: deaf, unless: {text: {prefix: due}}}
  - {allow: deaf, id: deaf-due, when: {text: {prefix: due}}, deadline: 200ms}
  - {allow: [obedient, refusing, drowsy, hang, seize, asking, stubborn], id: due, deadline: 200ms}
  - {allow: steps, id: steps, deadline: 200ms, deadline_max: 1s}
"#;

/// A clock that moves only when told to, so that no call is overdue before its test says so.
#[derive(Default)]
struct HandClock(AtomicU64);

impl HandClock {
    fn pass(&self, us: u64) {
        self.0.fetch_add(us, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall_us(&self) -> i64 {
        1_772_366_400_000_000 + i64::try_from(self.monotonic_us()).unwrap()
    }

    fn monotonic_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A session with a server that has this long to react.
async fn session(more: &str, cancel_grace: Duration) -> (World, Arc<HandClock>) {
    session_under(format!("{POLICY}{more}"), cancel_grace).await
}

/// The same under another policy.
async fn session_under(policy: String, cancel_grace: Duration) -> (World, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    let made = Made { policy, server: "deadline_server.py", clock: Arc::clone(&clock) as Arc<dyn Clock>, cancel_grace };
    let mut world = World::of(made, |complaints| Box::new(complaints)).await;
    let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
    world.ask("initialize", hello).await;
    world.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    (world, clock)
}

/// Asks for a call, and waits until its tool has started.
async fn start(world: &mut World, tool: &str, said: &str) -> i64 {
    let params = format!(r#"{{"name":"{tool}","arguments":{{"text":"{said}"}},"_meta":{{"progressToken":"{said}"}}}}"#);
    let id = world.request("tools/call", &params).await;
    world.until_file_has("effects", &format!("{tool} {said}\n")).await;
    id
}

/// A call with a deadline that lets nothing go on beside it, and one that was asked after it.
async fn seize(world: &mut World) -> (i64, i64) {
    let late = start(world, "seize", "x").await;
    let beside = start(world, "deaf", "beside").await;
    open(world, "open-x");
    world.until_file_has("seized", "seized").await;
    (late, beside)
}

async fn overdue(world: &mut World, clock: &HandClock, id: i64) -> Value {
    clock.pass(DUE + 1);
    let answer = world.receive().await;
    assert_eq!(at(&answer, "id"), id.to_string(), "{}", answer.to_json());
    answer
}

fn open(world: &World, name: &str) {
    std::fs::write(world.file(name), "").unwrap();
}

fn starts(world: &World) -> usize {
    std::fs::read_to_string(world.file("starts")).unwrap().lines().count()
}

/// The ends of calls: the code, the effect, and what was done about an overdue tool.
fn ends(left: &Left) -> Vec<String> {
    let outcomes = left.entries.iter().filter(|entry| entry.kind == EntryKind::Outcome);
    let word = |entry: &enforcecore::audit::EntryLine| {
        let stopped = entry.note.get("stopped").map_or("-", String::as_str);
        format!("{} {} {stopped}", entry.code.as_deref().unwrap(), entry.effect.unwrap().as_str())
    };
    outcomes.map(word).collect()
}

/// A tool, what is opened once its call is overdue, and the end of the call.
const REACTIONS: [(&str, Option<&str>, &str); 4] = [
    ("obedient", None, "deadline_exceeded unknown cancelled"),
    ("deaf", None, "deadline_exceeded unknown cancelled"),
    ("refusing", None, "deadline_exceeded unknown cancelled"),
    // Its result comes within the grace: it took effect, and the client does not see it.
    ("drowsy", Some("open-due"), "deadline_exceeded happened -"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_call_is_cancelled_and_everything_else_lives() {
    for (tool, opens, end) in REACTIONS {
        let (mut world, clock) = session("", PATIENCE).await;
        let beside = start(&mut world, "deaf", "beside").await;
        let late = start(&mut world, tool, "due").await;
        clock.pass(DUE + 1);
        // The server was told once, under its own id for the call, which the client does not know.
        world.until_file_has("heard", "notifications/cancelled").await;
        if let Some(name) = opens {
            open(&world, name);
        }
        let answer = world.receive().await;
        assert_eq!((at(&answer, "id"), code(&answer).as_str()), (late.to_string(), "deadline_exceeded"), "{tool}");
        assert!(!answer.to_json().contains("secret of"), "{tool}: {}", answer.to_json());
        let asked: Vec<i64> = messages(&world, "tools/call").iter().map(own_id).collect();
        let told = world.heard("notifications/cancelled");
        assert_eq!(told.len(), 1, "{tool}");
        assert!(told[0].contains(&format!(r#""requestId":{},"#, asked[1])), "{tool}: {told:?}");
        // An answer that comes now reaches no client: what is heard next is what is asked for next.
        open(&world, "open-due");
        open(&world, "open-beside");
        let other = world.receive().await;
        assert_eq!((at(&other, "id"), text(&other)), (beside.to_string(), "secret of deaf".to_owned()), "{tool}");
        if tool == "deaf" {
            until("the late answer is given", || {
                world.effects().iter().filter(|line| *line == "deaf ended").count() == 2
            })
            .await;
        }
        assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after", "{tool}");
        assert_eq!(starts(&world), 1, "{tool}");
        let (ended, left) = world.leave().await;
        assert_eq!(ended, Ended::ClientLeft, "{tool}");
        assert_eq!(ends(&left), [end, "released happened -", "released happened -"], "{tool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_time_is_not_cancelled() {
    let (mut world, clock) = session("", PATIENCE).await;
    let id = start(&mut world, "deaf", "due").await;
    clock.pass(DUE);
    open(&world, "open-due");
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), "secret of deaf".to_owned()));
    assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after");
    assert_eq!(world.heard("notifications/cancelled").len() + world.heard("ping").len(), 0);
    let (_, left) = world.leave().await;
    assert_eq!(ends(&left), ["released happened -", "released happened -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_react_is_ended_and_its_open_calls_with_it() {
    let (mut world, clock) = session("", Duration::from_millis(50)).await;
    let (late, beside) = seize(&mut world).await;
    clock.pass(DUE + 1);
    let mut answers = [world.receive().await, world.receive().await];
    answers.sort_by_key(own_id);
    assert_eq!([own_id(&answers[0]), own_id(&answers[1])], [late, beside]);
    assert_eq!([code(&answers[0]).as_str(), code(&answers[1]).as_str()], ["deadline_exceeded", "tool_crashed"]);
    assert!(text(&answers[0]).contains("its program was ended"), "{}", text(&answers[0]));
    let (ended, left) = world.end().await;
    assert!(matches!(ended, Ended::ServerLeft(Some(_))), "{ended:?}");
    let mut ends = ends(&left);
    ends.sort();
    assert_eq!(ends, ["deadline_exceeded unknown killed", "tool_crashed unknown -"]);
    assert_eq!(left.effects, ["seize x", "deaf beside"]);
}

/// It does one call after the other, and reads no ping meanwhile. The call that it is at is in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_with_an_earlier_call_is_not_ended() {
    let (mut world, clock) = session("restart: true\n", Duration::from_millis(50)).await;
    let first = start(&mut world, "busy", "first").await;
    let queued = world.request("tools/call", r#"{"name":"deaf","arguments":{"text":"due"}}"#).await;
    until("the queued call is settled", || {
        clock.pass(DUE + 1);
        world.recorded(&["outcome"]) == 1
    })
    .await;
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), code(&answer).as_str()), (queued.to_string(), "deadline_exceeded"));
    assert!(text(&answer).contains("may still take effect"), "{}", text(&answer));
    open(&world, "open-first");
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (first.to_string(), "secret of busy".to_owned()));
    world.until_file_has("effects", "deaf due\n").await;
    open(&world, "open-due");
    world.until_file_has("effects", "deaf ended\n").await;
    assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after");
    assert_eq!(starts(&world), 1);
    let (_, left) = world.leave().await;
    assert_eq!(ends(&left), ["deadline_exceeded unknown runs_on", "released happened -", "released happened -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_started_again_where_the_policy_says_so() {
    let (mut world, clock) = session("restart: true\n", Duration::from_millis(50)).await;
    let (late, beside) = seize(&mut world).await;
    clock.pass(DUE + 1);
    // Sent while the server hangs: it waits for the next one or is settled, and no call is asked before the greeting.
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(world.receive().await);
    }
    let word = |message: &Value| match message.at("method") {
        Some(method) => method.to_json(),
        None => format!("{} {}", own_id(message), code(message)),
    };
    let mut words: Vec<String> = heard.iter().map(word).collect();
    words.sort();
    let expected = [
        "\"notifications/prompts/list_changed\"".to_owned(),
        "\"notifications/tools/list_changed\"".to_owned(),
        format!("{late} deadline_exceeded"),
        format!("{beside} tool_crashed"),
    ];
    assert_eq!(words, expected);
    assert_eq!(text(&world.call("echo", r#"{"text":"again"}"#).await), "you said again");
    assert_eq!(starts(&world), 2);
    let greetings = world.heard("initialize");
    assert_eq!((greetings.len(), &greetings[0]), (2, &greetings[1]), "the client's own greeting");
    let order = world.heard_in_order();
    assert_eq!(order[order.len() - 3..], ["initialize", "notifications/initialized", "tools/call"]);
    let (ended, left) = world.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    let mut ends = ends(&left);
    ends.sort();
    assert_eq!(ends, ["deadline_exceeded unknown killed", "released happened -", "tool_crashed unknown -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_started_again_ends_the_session() {
    for again in ["again-not", "again-other-version"] {
        let (mut world, clock) = session("restart: true\n", Duration::from_millis(50)).await;
        open(&world, again);
        let late = start(&mut world, "hang", "x").await;
        let answer = overdue(&mut world, &clock, late).await;
        assert_eq!(code(&answer), "deadline_exceeded", "{again}");
        // Whether it is read or not, it does not run.
        world.request("tools/call", r#"{"name":"echo","arguments":{"text":"after"}}"#).await;
        let (ended, left) = world.end().await;
        assert!(matches!(ended, Ended::ServerLeft(_)), "{again}: {ended:?}");
        assert_eq!(left.effects, ["hang x"], "{again}");
    }
}

/// A session whose server hung, and whose second server is being greeted and does not answer yet.
async fn being_greeted() -> World {
    let (mut world, clock) = session("restart: true\n", Duration::from_millis(50)).await;
    open(&world, "again-waits");
    let late = start(&mut world, "hang", "x").await;
    overdue(&mut world, &clock, late).await;
    until("the second server is greeted", || world.heard("initialize").len() == 2).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_while_the_server_is_started_again_waits_for_it() {
    let mut world = being_greeted().await;
    let id = world.request("tools/call", r#"{"name":"echo","arguments":{"text":"early"}}"#).await;
    open(&world, "greet");
    for _ in 0..2 {
        assert!(at(&world.receive().await, "method").ends_with("list_changed\""));
    }
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), "you said early".to_owned()));
    let order = world.heard_in_order();
    assert_eq!(order[order.len() - 3..], ["initialize", "notifications/initialized", "tools/call"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_can_be_stopped_while_the_server_is_started_again() {
    let world = being_greeted().await;
    let (ended, left) = world.stop().await;
    assert_eq!(ended, Ended::Stopped);
    assert_eq!(ends(&left), ["deadline_exceeded unknown killed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_server_asked_is_not_answered_to_the_second() {
    let (mut world, clock) = session("restart: true\n", Duration::from_millis(50)).await;
    let late = start(&mut world, "asking", "x").await;
    let asked = world.receive().await;
    assert_eq!(at(&asked, "method"), "\"roots/list\"");
    overdue(&mut world, &clock, late).await;
    for _ in 0..2 {
        assert!(at(&world.receive().await, "method").ends_with("list_changed\""));
    }
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}}"#, at(&asked, "id"))).await;
    assert_eq!(text(&world.call("echo", r#"{"text":"again"}"#).await), "you said again");
    assert!(!world.heard_in_order().contains(&"answer".to_owned()), "{:?}", world.heard_in_order());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_extends_a_deadline_up_to_its_bound() {
    // So many steps, each within the deadline; the last one is beyond it where there is no progress, and beyond the bound.
    for (steps, progress, seen) in [(5, true, true), (2, false, false), (6, true, false)] {
        let (mut world, clock) = session("", PATIENCE).await;
        let id = start(&mut world, "steps", &steps.to_string()).await;
        for step in 0..steps {
            clock.pass(DUE - 30_000);
            if progress {
                open(&world, &format!("step-{step}"));
                let report = world.receive().await;
                if own_id(&report) == id {
                    assert_eq!((code(&report).as_str(), step, seen), ("deadline_exceeded", 5, false));
                    break;
                }
                assert_eq!(at(&report, "params.progressToken"), format!("\"{steps}\""));
            }
        }
        if seen {
            open(&world, &format!("open-{steps}"));
            assert_eq!(text(&world.receive().await), "all steps done");
        } else if !progress {
            assert_eq!(code(&world.receive().await), "deadline_exceeded");
        }
        assert!(u64::try_from(steps).unwrap() * (DUE - 30_000) > if steps == 6 { AT_MOST } else { DUE });
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_only_withholds_leaves_the_tool_running() {
    let policy = "  - {allow: deaf, id: twin, when: {text: {prefix: only}}, deadline: 200ms, withhold_only: true}\n";
    let (mut world, clock) = session(policy, PATIENCE).await;
    let late = start(&mut world, "deaf", "only").await;
    let answer = overdue(&mut world, &clock, late).await;
    assert_eq!(code(&answer), "deadline_exceeded");
    assert!(text(&answer).contains("may still take effect"), "{}", text(&answer));
    open(&world, "open-only");
    world.until_file_has("effects", "deaf ended\n").await;
    assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after");
    assert_eq!(world.heard("notifications/cancelled").len() + world.heard("ping").len(), 0);
    let (_, left) = world.leave().await;
    assert_eq!(ends(&left), ["deadline_exceeded unknown runs_on", "released happened -"]);
}

/// It was not told to stop, so that it goes on is no reason to end it. Its twin was told.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_may_run_on_may_report_progress() {
    for (rule, lives) in [("withhold_only: true", true), ("withhold_only: false", false)] {
        let policy = POLICY.replace("deadline_max: 1s", rule);
        let (mut world, clock) = session_under(policy, Duration::from_millis(100)).await;
        let late = start(&mut world, "steps", "2").await;
        assert_eq!(code(&overdue(&mut world, &clock, late).await), "deadline_exceeded", "{rule}");
        // Its time to react is over, as if it had been told.
        tokio::time::sleep(Duration::from_millis(150)).await;
        open(&world, "step-0");
        if !lives {
            let (ended, _) = world.end().await;
            assert!(matches!(ended, Ended::ServerLeft(_)), "{rule}: {ended:?}");
            continue;
        }
        for name in ["step-1", "open-2"] {
            open(&world, name);
        }
        world.until_file_has("effects", "steps ended\n").await;
        assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after", "{rule}");
        let (ended, left) = world.leave().await;
        assert_eq!(ended, Ended::ClientLeft, "{rule}");
        assert_eq!(ends(&left), ["deadline_exceeded unknown runs_on", "released happened -"], "{rule}");
    }
}

/// It answers the ping, so it lives; then it reports progress on the call that it was told to cancel.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_seen_to_go_on_past_the_grace_is_ended() {
    let (mut world, clock) = session("restart: true\n", Duration::from_millis(300)).await;
    let late = start(&mut world, "stubborn", "x").await;
    let answer = overdue(&mut world, &clock, late).await;
    assert_eq!(code(&answer), "deadline_exceeded");
    for _ in 0..2 {
        assert!(at(&world.receive().await, "method").ends_with("list_changed\""), "and no progress is passed on");
    }
    assert_eq!(starts(&world), 2);
    world.leave().await;
}

fn own_id(message: &Value) -> i64 {
    at(message, "id").parse().unwrap_or(-1)
}

/// The messages with this method that the server was told.
fn messages(world: &World, method: &str) -> Vec<Value> {
    let heard = std::fs::read_to_string(world.file("heard")).unwrap();
    let read = heard.lines().map(|line| Value::from_json(line.as_bytes()).unwrap());
    read.filter(|message| message.at("method") == Some(&Value::from(method))).collect()
}
