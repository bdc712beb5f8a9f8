//! The proxy between a client and a server that both misbehave. What the server did is read from the folder it writes to.

#![cfg(test)]

mod support;

use enforcecore_gateway::mcp::{CALLS_MAX, Ended};
use support::{SECRET, World, at, code, text, until};

/// A call that ends when the test lets it go.
const HELD: &str = r#"{"name":"held","arguments":{}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_call_runs_and_its_denied_twin_does_not() {
    let mut world = World::start().await;
    let short = world.call("echo", r#"{"text":"hello"}"#).await;
    assert_eq!(
        (text(&short).as_str(), at(&short, "result.structuredContent").as_str()),
        ("you said hello", r#"{"text":"hello"}"#)
    );
    let denied = world.call("echo", r#"{"text":"no hello"}"#).await;
    assert_eq!((code(&denied).as_str(), at(&denied, "result.isError").as_str()), ("no_rule", "true"));
    let other = world.call("forbidden", r#"{"text":"hello"}"#).await;
    assert_eq!(code(&other), "no_rule");
    let mistyped = world.call("echo", r#"{"text":1}"#).await;
    assert_eq!(at(&mistyped, "result._meta.enforcecore/decision.kind"), "\"malformed\"");
    assert_eq!(world.effects(), ["echo hello"]);
    let (ended, left) = world.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    assert_eq!(left.lines().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_redacted_reaches_neither_the_server_nor_the_client() {
    let mut world = World::start().await;
    world.call("echo", r#"{"text":"to jo@example.com"}"#).await;
    assert_eq!(world.effects(), ["echo to EC_EMAIL_1"]);
    assert_eq!(text(&world.call("secret", "{}").await), "the token is EC_GITHUB_TOKEN_1");
    let failed = world.call("fail", "{}").await;
    assert_eq!(
        (text(&failed).as_str(), at(&failed, "result.isError").as_str()),
        ("could not, because of EC_GITHUB_TOKEN_1", "true")
    );
    let wrong = world.call("wrong", "{}").await;
    assert_eq!(at(&wrong, "error"), r#"{"code":-32602,"message":"no such tool, and EC_GITHUB_TOKEN_1"}"#);
    let tools = at(&world.ask("tools/list", "{}").await, "result.tools");
    assert!(tools.contains("with EC_GITHUB_TOKEN_1") && tools.contains("\"echo\""), "{tools}");
    assert!(!tools.contains("\"forbidden\""), "what no rule can allow is not shown: {tools}");
    world.request("tools/call", r#"{"name":"chatter","arguments":{}}"#).await;
    let (message, answer) = (world.receive().await, world.receive().await);
    assert_eq!(at(&message, "params.data"), "\"leaks EC_GITHUB_TOKEN_1\"");
    assert_eq!(text(&answer), "quiet again", "unknown notifications and nobody's progress are dropped");
    until("both complaints are passed on", || world.complaints().lines().count() == 2).await;
    assert_eq!(world.complaints(), "ready, with EC_GITHUB_TOKEN_1\nand EC_GITHUB_TOKEN_1\n");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_none_is_refused_under_its_own_id_and_nothing_runs() {
    let mut world = World::start().await;
    let tail = r#""method":"tools/call","params":{"name":"echo","arguments":"#;
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = "x".repeat(2 << 20);
    let cases = [
        (format!(r#"{{"jsonrpc":"2.0","id":90,{tail}{{"text":"a","text":"b"}}}}}}"#), "duplicate_key"),
        (format!(r#"{{"jsonrpc":"2.0","id":91,{tail}{{"text":{deep}}}}}}}"#), "too_deep"),
        (format!(r#"{{"jsonrpc":"2.0","id":92,{tail}{{"text":"{long}"}}}}}}"#), "too_large"),
        (format!(r#"{{"jsonrpc":"2.0","id":93,{tail}{{"text":"a\u0000"}}}}}}"#), "nul_character"),
        (format!(r#"{{"jsonrpc":"2.0","id":94,{tail}"text"}}}}"#), "bad_message"),
        (format!(r#"{{"jsonrpc":"2.0","id":95,{tail}{{"text":"a"}},"tasks":{{}}}}}}"#), "bad_message"),
        (format!(r#"{{"jsonrpc":"2.0","id":96,{tail}{{"text":"a"}}}},"x":1}}"#), "bad_message"),
        (r#"{"jsonrpc":"2.0","id":97,"method":"tools/call","params":{"name":1}}"#.to_owned(), "bad_message"),
    ];
    for (line, expected) in &cases {
        world.send(line).await;
        let answer = world.receive().await;
        assert_eq!(code(&answer), *expected, "{}", answer.to_json());
        assert!(line.contains(&format!("\"id\":{},", at(&answer, "id"))), "{}", answer.to_json());
    }
    for (line, expected) in [
        ("this is no json", "-32700"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "-32600"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"echo"}}"#, "-32600"),
    ] {
        world.send(line).await;
        let answer = world.receive().await;
        assert_eq!((code(&answer).as_str(), at(&answer, "id").as_str()), (expected, "null"));
    }
    assert!(world.effects().is_empty());
    world.call("echo", r#"{"text":"a"}"#).await;
    assert_eq!(world.effects(), ["echo a"], "the well-formed twin runs");
    let (_, left) = world.leave().await;
    assert_eq!(left.lines().iter().filter(|line| line.starts_with("Denial")).count(), cases.len() + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_served_from_a_list_and_those_that_do_something_are_calls() {
    let mut world = World::raw().await;
    let early = world.call("echo", r#"{"text":"a"}"#).await;
    assert_eq!(at(&early, "error.code"), "-32600", "before the handshake nothing is called");
    assert_eq!(at(&world.ask("ping", "{}").await, "result"), "{}");
    let hello = r#"{"protocolVersion":"2199-01-01","capabilities":{}}"#;
    let answer = world.ask("initialize", hello).await;
    assert_eq!(at(&answer, "result.protocolVersion"), "\"2025-11-25\"", "negotiated down");
    assert_eq!(at(&world.ask("initialize", hello).await, "error.code"), "-32600");
    for method in ["server/discover", "tasks/list", "vendor/wipe", "sampling/createMessage"] {
        assert_eq!(at(&world.ask(method, "{}").await, "error.code"), "-32601", "{method}");
    }
    world.send(r#"{"jsonrpc":"2.0","method":"notifications/vendor"}"#).await;
    let open = world.ask("resources/read", r#"{"uri":"test://open"}"#).await;
    assert_eq!(at(&open, "result.contents"), r#"[{"uri":"test://open","text":"EC_GITHUB_TOKEN_1"}]"#);
    let closed = world.ask("resources/read", r#"{"uri":"test://closed"}"#).await;
    assert_eq!(code(&closed), "no_rule");
    assert_eq!(code(&world.ask("prompts/get", r#"{"name":"x"}"#).await), "unknown_tool");
    assert_eq!(world.effects(), ["asked ping", "resource test://open"]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_goes_along_with_a_call_only_a_token_of_ours_and_a_trace_reach_the_server() {
    let mut world = World::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let meta = format!(
        r#"{{"traceparent":"{trace}","tracestate":"a={SECRET}","baggage":"{SECRET}","x/y":{{"z":"{SECRET}"}},"progressToken":"{SECRET}"}}"#
    );
    world.send(&format!(
        r#"{{"jsonrpc":"2.0","id":90,"method":"tools/call","params":{{"name":"chatter","arguments":{{}},"_meta":{meta}}}}}"#
    )).await;
    world.receive().await;
    let progress = world.receive_own().await;
    let reported = format!(r#"{{"progressToken":"{SECRET}","progress":1}}"#);
    assert_eq!(at(&progress, "params"), reported, "the client hears of it under its own token");
    assert_eq!(text(&world.receive().await), "quiet again");
    world.ask("resources/read", &format!(r#"{{"uri":"test://open","_meta":{meta}}}"#)).await;
    let call = world.heard("tools/call");
    assert!(call[0].ends_with(&format!(r#""_meta":{{"traceparent":"{trace}","progressToken":2}}}}"#)), "{call:?}");
    let read = format!(r#"{{"uri":"test://open","_meta":{{"traceparent":"{trace}","progressToken":3}}}}"#);
    assert_eq!(world.heard("resources/read"), [read]);
    // Nothing of what does not fit is left, and the call is made all the same.
    let odd = r#"{"name":"echo","arguments":{"text":"a"},"_meta":{"traceparent":"00-hello","progressToken":[]}}"#;
    assert_eq!(text(&world.ask("tools/call", odd).await), "you said a");
    assert_eq!(world.heard("tools/call")[1], r#"{"name":"echo","arguments":{"text":"a"}}"#);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_carries_what_the_protocol_says_and_no_more() {
    let mut world = World::raw().await;
    let hello = |name: &str| {
        format!(
            r#"{{"protocolVersion":"2025-06-18","capabilities":{{"experimental":{{"a":1}},"roots":{{"listChanged":true,"x":1}}}},"clientInfo":{{"name":{name},"version":"1","icons":["x"]}},"x":1}}"#
        )
    };
    assert_eq!(at(&world.ask("initialize", &hello("7")).await, "error.code"), "-32602");
    world.ask("initialize", &hello("\"of jo@example.com\"")).await;
    let greeted = r#"{"protocolVersion":"2025-06-18","capabilities":{"roots":{"listChanged":true}},"clientInfo":{"name":"of EC_EMAIL_1","version":"1"}}"#;
    assert_eq!(world.heard("initialize"), [greeted]);
    world.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"x":"a"}}"#).await;

    for (method, said, heard, unfit) in [
        ("ping", r#"{"x":"a"}"#, "{}", None),
        ("tools/list", r#"{"cursor":"jo@example.com","x":1}"#, r#"{"cursor":"EC_EMAIL_1"}"#, Some(r#"{"cursor":{}}"#)),
        ("prompts/list", r#"{"cursor":"a"}"#, r#"{"cursor":"a"}"#, Some(r#"{"cursor":1}"#)),
        ("resources/list", r#"{"cursor":null}"#, "{}", Some(r#"{"cursor":false}"#)),
        ("resources/templates/list", "{}", "{}", Some(r#"{"cursor":["a"]}"#)),
        ("logging/setLevel", r#"{"level":"info","logger":"a"}"#, r#"{"level":"info"}"#, Some(r#"{"level":"a"}"#)),
        ("resources/unsubscribe", r#"{"uri":"a:b"}"#, r#"{"uri":"a:b"}"#, Some(r#"{"uri":{"a":"b"}}"#)),
    ] {
        if let Some(unfit) = unfit {
            assert_eq!(at(&world.ask(method, unfit).await, "error.code"), "-32602", "{method}");
        }
        assert_eq!(at(&world.ask(method, said).await, "error"), "nothing", "{method}");
        assert_eq!(world.heard(method), [heard], "{method}");
    }
    assert_eq!(world.heard("notifications/initialized"), ["{}"]);
    let (_, left) = world.leave().await;
    assert_eq!(left.lines(), vec!["Denial bad_message"; 7], "each refusal is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_notifies_or_answers_carries_what_the_protocol_says_and_no_more() {
    let mut world = World::start().await;
    let id = world.request("tools/call", HELD).await;
    world.until_file_has("effects", "held \n").await;
    for (reason, extra) in [("7", ""), ("\"for jo@example.com\"", r#","x":"a""#)] {
        let params = format!(r#"{{"requestId":{id},"reason":{reason}{extra}}}"#);
        world.send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#)).await;
    }
    until_heard(&mut world).await;
    world.let_go();
    world.call("echo", r#"{"text":"after"}"#).await;
    assert_eq!(world.heard("notifications/cancelled"), [r#"{"requestId":2,"reason":"for EC_EMAIL_1"}"#]);

    for (roots, expected) in [
        (
            r#"[{"uri":"file:///a","name":"jo@example.com","x":1}],"x":1"#,
            r#"-32601 {"roots": [{"uri": "file:///a", "name": "EC_EMAIL_1"}]}"#,
        ),
        (r#"["file:///a"]"#, "-32601 null"),
    ] {
        world.request("tools/call", r#"{"name":"ask","arguments":{}}"#).await;
        let asked = at(&world.receive().await, "id");
        world.send(&format!(r#"{{"jsonrpc":"2.0","id":{asked},"result":{{"roots":{roots}}}}}"#)).await;
        assert_eq!(text(&world.receive().await), expected, "{roots}");
    }
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_answered_only_what_is_served_and_answers_only_what_it_was_asked() {
    let mut world = World::start().await;
    let id = world.request("tools/call", r#"{"name":"ask","arguments":{}}"#).await;
    let asked = world.receive().await;
    assert_eq!(at(&asked, "method"), "\"roots/list\"", "sampling does not reach the client");
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}}"#, at(&asked, "id"))).await;
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), r#"-32601 {"roots": []}"#.to_owned()));
    world.send(r#"{"jsonrpc":"2.0","id":77,"result":{}}"#).await;

    // Answers to requests that were not made yet are not kept for them.
    assert_eq!(text(&world.call("spoof", "{}").await), "genuine");
    assert_eq!(text(&world.call("echo", r#"{"text":"a"}"#).await), "you said a");
    assert_eq!(text(&world.call("garbage", "{}").await), "after garbage");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_withheld_because_the_tool_ran() {
    let mut world = World::start().await;
    let cases = [
        ("twice", "duplicate_key"),
        ("deep", "too_deep"),
        ("big", "too_large"),
        ("cut", "not_json"),
        ("answer", "bad_message"),
        ("answer content", "bad_message"),
        ("answer structuredContent", "bad_message"),
        ("answer isError", "bad_message"),
    ];
    for (case, expected) in cases {
        let (tool, member) = case.split_once(' ').unwrap_or((case, ""));
        let answer = world.call(tool, &args(member)).await;
        assert_eq!(code(&answer), expected, "{case}");
        assert_eq!(at(&answer, "result._meta.enforcecore/decision.effect"), "\"happened\"", "{case}");
        assert!(text(&answer).contains("withheld"), "{case}: {}", text(&answer));
    }
    let twin = world.call("answer", &args("_meta")).await;
    assert_eq!(at(&twin, "result"), r#"{"_meta":"odd"}"#, "what nobody reads may be anything");
    assert_eq!(text(&world.call("echo", r#"{"text":"b"}"#).await), "you said b", "the session goes on");
    assert_eq!(world.effects().len(), cases.len() + 2);
    let (_, left) = world.leave().await;
    let outcomes: Vec<String> = left.lines().into_iter().filter(|line| line.starts_with("Outcome")).collect();
    let expected = cases.iter().map(|(_, code)| *code).chain(["released"; 2]);
    assert_eq!(outcomes, expected.map(|code| format!("Outcome {code}")).collect::<Vec<_>>());

    fn args(member: &str) -> String {
        if member.is_empty() { "{}".to_owned() } else { format!(r#"{{"text":"{member}"}}"#) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_use_is_not_taken_twice() {
    let mut world = World::start().await;
    let id = world.request("tools/call", HELD).await;
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await;
    let refused = world.receive().await;
    assert_eq!((at(&refused, "id").as_str(), at(&refused, "error.code").as_str()), ("null", "-32600"));
    world.let_go();
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), "at last".to_owned()));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_call_ends_the_server_and_its_twin_in_time_does_not() {
    let mut world = World::start().await;
    assert_eq!(text(&world.call("slow", r#"{"text":"0"}"#).await), "at last");
    let late = world.call("slow", r#"{"text":"30"}"#).await;
    assert_eq!((code(&late).as_str(), at(&late, "result.isError").as_str()), ("deadline_exceeded", "true"));
    let server = wait_for(&world.file("pid")).await;
    until("the server is gone, or the late effect comes", || !is_alive(&server) || world.effects().len() > 3).await;
    assert_eq!(world.effects(), ["slow 0", "slow ended", "slow 30"], "the late effect does not come");
    let (ended, left) = world.end().await;
    assert!(matches!(ended, Ended::ServerLeft(Some(_))), "{ended:?}");
    assert_eq!(left.lines().last().unwrap(), "Outcome deadline_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_a_call_leaves_it_settled_as_crashed() {
    let mut world = World::start().await;
    let died = world.call("die", "{}").await;
    assert_eq!(code(&died), "tool_crashed");
    assert_eq!(at(&died, "result._meta.enforcecore/decision.effect"), "\"unknown\"");
    assert_eq!(world.effects(), ["die"]);
    let (ended, left) = world.end().await;
    assert!(matches!(ended, Ended::ServerLeft(Some(status)) if status.code() == Some(7)), "{ended:?}");
    assert_eq!(left.lines(), ["Intent allowed", "Outcome tool_crashed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_a_call_loses_nothing_of_the_record() {
    for (answers, expected) in [(true, "Outcome released"), (false, "Outcome tool_crashed")] {
        let mut world = World::start().await;
        world.request("tools/call", HELD).await;
        world.until_file_has("effects", "held \n").await;
        world.hang_up().await;
        if answers {
            world.let_go();
        }
        let (ended, left) = world.end().await;
        assert_eq!(ended, Ended::ClientLeft);
        assert_eq!(left.lines(), ["Intent allowed", expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_settled_when_the_proxy_is_told_to_stop() {
    let mut world = World::start().await;
    world.request("tools/call", r#"{"name":"daemon","arguments":{}}"#).await;
    let pid = wait_for(&world.file("daemon")).await;
    assert!(is_alive(&pid));
    let (ended, left) = world.stop().await;
    assert_eq!(ended, Ended::Stopped);
    assert_eq!(left.lines(), ["Intent allowed", "Outcome tool_crashed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_given_up_settles_its_calls() {
    let mut world = World::start().await;
    world.request("tools/call", r#"{"name":"daemon","arguments":{}}"#).await;
    wait_for(&world.file("daemon")).await;
    assert_eq!(world.give_up().await.lines(), ["Intent allowed", "Outcome tool_crashed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_is_settled_and_the_server_told() {
    let mut world = World::start().await;
    let id = world.request("tools/call", HELD).await;
    world.until_file_has("effects", "held \n").await;
    let cancel = format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#);
    world.send(&cancel).await;
    until_heard(&mut world).await;
    world.let_go();
    assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after", "the late answer is dropped");
    let effects = world.effects();
    assert!(effects.iter().any(|effect| effect.starts_with("cancelled ")), "{effects:?}");
    let (_, left) = world.leave().await;
    let mut lines = left.lines();
    lines.sort();
    assert_eq!(
        lines,
        ["Denial method_not_allowed", "Intent allowed", "Intent allowed", "Outcome released", "Outcome tool_failed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_too_much_delays_no_other_message() {
    let mut world = World::start().await;
    world.request("tools/call", r#"{"name":"crowd","arguments":{}}"#).await;
    let mut asked = at(&world.receive().await, "id");
    for _ in 1..200 {
        asked = at(&world.receive().await, "id");
    }
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{asked},"result":{{"roots":[]}}}}"#)).await;
    while text(&world.receive().await) != "heard" {}
    let (ended, left) = world.leave().await;
    assert_eq!(
        (ended, left.lines()),
        (Ended::ClientLeft, ["Intent allowed", "Outcome released"].map(String::from).into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_much_is_refused_the_rest_and_still_heard() {
    let mut world = World::start().await;
    let id = world.request("tools/call", r#"{"name":"daemon","arguments":{}}"#).await;
    wait_for(&world.file("daemon")).await;
    for _ in 1..CALLS_MAX {
        world.request("ping", "{}").await;
    }
    let refused = world.ask("ping", "{}").await;
    assert!(at(&refused, "error.message").contains("too_many_requests"), "{}", refused.to_json());
    let cancel = format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#);
    world.send(&cancel).await;
    let (ended, left) = world.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    assert!(left.lines().contains(&"Outcome tool_failed".to_owned()), "the cancellation was heard: {:?}", left.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_delays_no_stop() {
    const ANSWERS: usize = 400;
    let mut world = World::start().await;
    // More answers than are kept for it, and never more calls at once than are handled: the next come once those before are
    // settled. Even then one may come a moment before another's place is free, and is refused and asked again.
    let mut asked = 0;
    while world.effects().len() < ANSWERS {
        until("what was asked is settled", || world.recorded(&["outcome", "denial"]) == asked).await;
        let more = (ANSWERS - world.effects().len()).min(ANSWERS / 2);
        for _ in 0..more {
            world.request("tools/call", r#"{"name":"pages","arguments":{}}"#).await;
        }
        asked += more;
        let arrived = || world.effects().len() + world.recorded(&["denial"]) == asked;
        until("every call reaches the server or is refused", arrived).await;
    }
    let (ended, left) = world.stop().await;
    assert_eq!(ended, Ended::Stopped);
    let outcomes = left.lines().iter().filter(|line| line.starts_with("Outcome")).count();
    assert_eq!(outcomes, ANSWERS, "every call is settled");
}

async fn wait_for(file: &std::path::Path) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    until(&format!("`{}` is written", file.display()), || read().ends_with('\n')).await;
    read().trim().to_owned()
}

/// What the client says is handled in order, so once this is answered, whatever came before it was heard. The proxy alone
/// answers it, for the server may be busy.
async fn until_heard(world: &mut World) {
    assert_eq!(at(&world.ask("vendor/x", "{}").await, "error.code"), "-32601");
}

fn is_alive(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
