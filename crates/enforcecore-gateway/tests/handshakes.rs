//! The session's beginning, and the names by which each side knows what it asked: what comes before them reaches no server.

#![cfg(test)]

mod support;

use enforcecore_gateway::mcp::CALLS_MAX;
use support::{World, at, code, text};

/// Who the client says it is, which decides what the server answers, and whether the session is open then.
const GREETINGS: [(&str, bool); 3] = [("t", true), ("refused", false), ("other version", false)];

fn hello(name: &str) -> String {
    format!(r#"{{"protocolVersion":"2025-06-18","capabilities":{{}},"clientInfo":{{"name":"{name}","version":"1"}}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_open_once_its_handshake_is_answered_and_not_before() {
    for (name, opens) in GREETINGS {
        let mut world = World::raw().await;
        let early = world.call("echo", r#"{"text":"early"}"#).await;
        assert_eq!(at(&early, "error.code"), "-32600", "{name}");
        let answer = world.ask("initialize", &hello(name)).await;
        assert_eq!(at(&answer, "error") == "nothing", opens, "{name}: {}", answer.to_json());
        for method in ["tools/list", "prompts/list", "resources/list", "logging/setLevel", "resources/unsubscribe"] {
            let params = if method == "logging/setLevel" { r#"{"level":"info"}"# } else { "{}" };
            let answer = world.ask(method, params).await;
            assert_eq!(at(&answer, "error") == "nothing", opens, "{name} {method}: {}", answer.to_json());
        }
        for (tool, args) in [("echo", r#"{"text":"late"}"#), ("secret", "{}")] {
            let answer = world.call(tool, args).await;
            assert_eq!(at(&answer, "error") == "nothing", opens, "{name} {tool}: {}", answer.to_json());
        }
        let called = world.effects().iter().filter(|effect| effect.starts_with("echo")).count();
        assert_eq!(called, usize::from(opens), "{name}");
        // One that is open is not opened again; after one that failed another handshake may open it.
        let again = world.ask("initialize", &hello("t")).await;
        let expected = if opens { ("-32600", 1) } else { ("nothing", 2) };
        assert_eq!((at(&again, "error.code").as_str(), world.heard("initialize").len()), expected, "{name}");
        assert_eq!(text(&world.call("echo", r#"{"text":"then"}"#).await), "you said then", "{name}");
        let once_more = world.ask("initialize", &hello("t")).await;
        assert_eq!(at(&once_more, "error.code"), "-32600", "{name}");
        assert_eq!(world.heard("initialize").len(), expected.1, "{name}");
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_handshake_is_under_way_at_a_time() {
    let mut world = World::raw().await;
    let first = world.request("initialize", &hello("held")).await;
    // What a client writes at once with its greeting waits for the server's.
    let second = world.request("initialize", &hello("t")).await;
    let early = world.request("tools/call", r#"{"name":"echo","arguments":{"text":"early"}}"#).await;
    world.let_go();
    let mut answers = std::collections::BTreeMap::new();
    for _ in 0..3 {
        let answer = world.receive().await;
        answers.insert(at(&answer, "id"), at(&answer, "error.code"));
    }
    for (id, error) in [(first, "nothing"), (second, "-32600"), (early, "nothing")] {
        assert_eq!(answers.get(&id.to_string()).map(String::as_str), Some(error), "{id}");
    }
    assert_eq!(text(&world.call("echo", r#"{"text":"a"}"#).await), "you said a");
    assert_eq!(world.heard("initialize").len(), 1);
    world.leave().await;
}

/// The first handshake is cancelled, or refused by the server, with the second one written behind it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_may_follow_one_that_failed() {
    for name in ["held", "refused"] {
        let mut world = World::raw().await;
        let line = |id: i64, name: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{}}}"#, hello(name))
        };
        let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        let call =
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}"#;
        let cancel = if name == "held" { cancel } else { "" };
        world.send(&[&line(1, name), cancel, &line(2, "t"), call].join("\n")).await;
        if name == "refused" {
            assert_eq!(at(&world.receive().await, "error.code"), "-32602", "{name}");
        } else {
            // What the client says is handled in order, and this is answered by the proxy.
            world.send(r#"{"jsonrpc":"2.0","id":4,"method":"vendor/x"}"#).await;
            assert_eq!(at(&world.receive().await, "id"), "4", "{name}");
            world.let_go();
        }
        let (greeted, called) = (world.receive().await, world.receive().await);
        assert_eq!((at(&greeted, "id").as_str(), at(&greeted, "error").as_str()), ("2", "nothing"), "{name}");
        assert_eq!((at(&called, "id").as_str(), text(&called).as_str()), ("3", "you said a"), "{name}");
        assert_eq!(world.heard("initialize").len(), 2, "{name}");
        world.leave().await;
    }
}

/// Ids of a client's, none of which is that of its request at the server.
const IDS: [&str; 7] = ["77", "\"2\"", "\"a\"", "0", "-1", "\"\"", "9007199254740991"];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_told_of_a_cancellation_by_its_own_name_for_the_request() {
    for id in IDS {
        let mut world = World::start().await;
        world.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"held"}}}}"#)).await;
        world.until_file_has("effects", "held \n").await;
        let asked = world.messages_with("tools/call");
        let own = at(&asked[0], "id");
        assert_ne!(own, id);
        // Another id, and the same one written as another kind: neither was asked.
        let other = if id.starts_with('"') { id.trim_matches('"').to_owned() } else { format!("\"{id}\"") };
        let other = if other.is_empty() { "1".to_owned() } else { other };
        let other = if other == "a" { "\"A\"".to_owned() } else { other };
        for about in [other.as_str(), "999", &own, id] {
            let params = format!(r#"{{"requestId":{about}}}"#);
            world.send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#)).await;
        }
        assert_eq!(at(&world.ask("vendor/x", "{}").await, "error.code"), "-32601");
        world.let_go();
        assert_eq!(text(&world.call("echo", r#"{"text":"after"}"#).await), "you said after", "{id}");
        assert_eq!(world.heard("notifications/cancelled"), [format!(r#"{{"requestId":{own}}}"#)], "{id}");
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_two_kinds_are_two() {
    let mut world = World::start().await;
    world.send(r#"{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"held"}}"#).await;
    world.until_file_has("effects", "held \n").await;
    // The server is busy, so what is answered is answered by the proxy.
    world.send(r#"{"jsonrpc":"2.0","id":7,"method":"vendor/x"}"#).await;
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id").as_str(), at(&answer, "error.code").as_str()), ("7", "-32601"));
    world.send(r#"{"jsonrpc":"2.0","id":"7","method":"vendor/x"}"#).await;
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id").as_str(), at(&answer, "error.code").as_str()), ("null", "-32600"));
    world.let_go();
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id").as_str(), text(&answer).as_str()), ("\"7\"", "at last"));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_name_is_shown_to_no_client() {
    let mut world = World::start().await;
    let answer = world.ask("tools/list", r#"{"cursor":"odd"}"#).await;
    let shown = r#"[{"name":"echo","description":"with EC_GITHUB_TOKEN_1","inputSchema":{"type":"object"}}]"#;
    assert_eq!(at(&answer, "result.tools"), shown);
    assert_eq!(code(&world.call("forbidden", r#"{"text":"a"}"#).await), "no_rule");
    world.leave().await;
}

/// As many requests of a server's as of a client's are passed on at once; the rest is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_too_much_at_once_is_not_passed_on() {
    let mut world = World::start().await;
    world.request("tools/call", r#"{"name":"crowd","arguments":{}}"#).await;
    let mut asked = Vec::new();
    while asked.len() < CALLS_MAX {
        asked.push(at(&world.receive().await, "id"));
    }
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}}"#, asked[0])).await;
    let mut more = 0;
    while text(&world.receive().await) != "heard" {
        more += 1;
    }
    assert!(more <= 1, "one was answered, and {more} more came");
    world.leave().await;
}

/// Two members of an object that would be one once they are redacted: the object cannot be redacted, and none of it is seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_redacted_is_withheld_beside_a_call_too() {
    let mut world = World::start().await;
    for method in ["prompts/list", "resources/list", "resources/templates/list"] {
        let answer = world.ask(method, r#"{"cursor":"collides"}"#).await;
        assert_eq!(at(&answer, "result"), "nothing", "{method}");
        let withheld = r#"{"code":-32603,"message":"the answer cannot be redacted, so it is withheld"}"#;
        assert_eq!(at(&answer, "error"), withheld, "{method}");
        assert_eq!(at(&world.ask(method, "{}").await, "result"), "{}", "its twin is seen");
    }
    // What is only told is dropped.
    world.request("tools/call", r#"{"name":"notify","arguments":{"text":"notifications/message#collides"}}"#).await;
    assert_eq!(text(&world.receive().await), "told");
    world.request("tools/call", r#"{"name":"notify","arguments":{"text":"notifications/message"}}"#).await;
    assert_eq!(at(&world.receive().await, "params.data"), "\"leaks EC_GITHUB_TOKEN_1\"");
    assert_eq!(text(&world.receive().await), "told");
    world.leave().await;
}
