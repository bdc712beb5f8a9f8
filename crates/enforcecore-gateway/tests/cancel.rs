//! A client that changes its mind: at once, later, too late, and about what it never asked.

#![cfg(test)]

mod support;

use enforcecore::value::Value;
use support::{PATIENCE, World, at, text, until};
use tokio::time::timeout;

const CALLS: usize = 30;

/// A call that the client cancels while the log's turn is held, so that the server cannot have been asked.
async fn cancelled_before_sent(world: &mut World, tool: &str, said: &str) -> i64 {
    let id = call(world, tool, said).await;
    cancel(world, id).await;
    id
}

async fn call(world: &mut World, tool: &str, said: &str) -> i64 {
    world.request("tools/call", &format!(r#"{{"name":"{tool}","arguments":{{"text":"{said}"}}}}"#)).await
}

async fn cancel(world: &mut World, id: i64) {
    let params = format!(r#"{{"requestId":{id},"reason":"no more"}}"#);
    world.send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#)).await;
}

/// What the client says is handled in order, so once a later ping is answered, whatever came before it was heard.
async fn until_heard(world: &mut World) {
    world.ask("ping", "{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cancelled_before_the_server_was_asked_is_void_and_its_twin_runs() {
    let mut world = World::start().await;
    let held = world.hold_log();
    cancelled_before_sent(&mut world, "metered", "cancelled").await;
    until_heard(&mut world).await;
    drop(held);
    // The one call that the budget has is free again, which the twin shows.
    world.until_file_has("log/log.jsonl", "\"void\"").await;
    let held = world.hold_log();
    let twin = call(&mut world, "metered", "twin").await;
    until_heard(&mut world).await;
    drop(held);
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), text(&answer)), (twin.to_string(), "you said twin".to_owned()));
    assert_eq!(world.effects(), ["asked ping", "asked ping", "metered twin"]);
    assert_eq!(world.heard("notifications/cancelled"), [] as [&str; 0], "there is nothing to cancel at the server");
    let spent = world.call("metered", r#"{"text":"more"}"#).await;
    assert_eq!(support::code(&spent), "budget_exceeded", "what runs is not given back");
    let (_, left) = world.leave().await;
    let lines = left.lines();
    assert_eq!(lines[..4], ["Intent allowed", "Void cancelled", "Intent allowed", "Outcome released"], "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn none_of_many_calls_that_are_cancelled_at_once_starts() {
    let mut world = World::start().await;
    let held = world.hold_log();
    for number in 0..CALLS {
        cancelled_before_sent(&mut world, "echo", &number.to_string()).await;
    }
    until_heard(&mut world).await;
    drop(held);
    until("each call has its end", || world.recorded(&["void", "outcome"]) == CALLS).await;
    let (_, left) = world.leave().await;
    assert_eq!(left.effects, ["asked ping"]);
    assert_eq!(left.count("Intent allowed"), CALLS);
    assert_eq!(left.count("Void cancelled"), CALLS, "each intent has an end: {:?}", left.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_calls_that_are_not_cancelled_starts() {
    let mut world = World::start().await;
    let held = world.hold_log();
    for number in 0..CALLS {
        call(&mut world, "echo", &number.to_string()).await;
    }
    until_heard(&mut world).await;
    drop(held);
    for _ in 0..CALLS {
        assert!(text(&world.receive().await).starts_with("you said "));
    }
    let (_, left) = world.leave().await;
    assert_eq!(left.effects.len(), CALLS + 1);
    assert_eq!((left.count("Intent allowed"), left.count("Outcome released")), (CALLS, CALLS));
}

/// In either order, each call either runs or is void, and a void call does not run.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_cancelled_at_once_is_asked_of_the_server_or_void_and_never_both() {
    let mut world = World::start().await;
    for number in 0..CALLS {
        cancelled_before_sent(&mut world, "echo", &number.to_string()).await;
    }
    let arrived = || world.heard("tools/call").len() + world.recorded(&["void"]) == CALLS;
    until("every call reaches the server or is void", arrived).await;
    until("each call has its end", || world.recorded(&["void", "outcome"]) == CALLS).await;
    let (_, left) = world.leave().await;
    let void = left.count("Void cancelled");
    assert_eq!((left.count("Intent allowed"), left.called + void), (CALLS, CALLS), "{:?}", left.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_names_nothing_open_changes_nothing() {
    let mut world = World::start().await;
    // Never asked.
    let next = world.next_id();
    for id in [next, next + 1] {
        cancel(&mut world, id).await;
    }
    until_heard(&mut world).await;
    assert_eq!(text(&world.call("echo", r#"{"text":"asked after"}"#).await), "you said asked after");
    // Answered. Its id is then used again.
    let line = |said: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"again","method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{said}"}}}}}}"#
        )
    };
    for said in ["first", "second"] {
        world.send(&line(said)).await;
        assert_eq!(text(&world.receive().await), format!("you said {said}"));
        let late = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"again"}}"#;
        world.send(late).await;
    }
    // Of another kind: the number is not the text.
    world.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}"#).await;
    until_heard(&mut world).await;
    assert_eq!(world.heard("notifications/cancelled"), [] as [&str; 0]);
    let (_, left) = world.leave().await;
    assert_eq!((left.count("Outcome released"), left.count("Void cancelled")), (3, 0));
}

/// What waits for the end of the handshake, and is cancelled before: it gets no answer, whatever it is and however that ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_cancelled_while_it_waits_for_the_handshake_is_not_answered() {
    for (version, opens) in [("2025-06-18", true), ("held and refused", false)] {
        let mut world = World::raw().await;
        let name = if opens { "held" } else { "held and refused" };
        let hello = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"{name}","version":"1"}}}}"#
        );
        let greeting = world.request("initialize", &hello).await;
        let echo = r#"{"name":"echo","arguments":{"text":"a"}}"#;
        let misfit = r#"{"name":"echo","arguments":[]}"#;
        for (method, params) in [("tools/list", "{}"), ("tools/call", echo), ("tools/call", misfit)] {
            let cancelled = world.request(method, params).await;
            cancel(&mut world, cancelled).await;
        }
        let twin = world.request("tools/list", "{}").await;
        // What the client says is handled in order, and this is answered by the proxy.
        let last = world.request("vendor/x", "{}").await;
        assert_eq!(at(&world.receive().await, "id"), last.to_string(), "{name}");
        world.let_go();
        for id in [greeting, twin] {
            let answer = world.receive().await;
            assert_eq!(at(&answer, "id"), id.to_string(), "{name}: {}", answer.to_json());
            assert_eq!(at(&answer, "error") == "nothing", opens, "{name}: {}", answer.to_json());
        }
        world.hang_up().await;
        assert_eq!(world.rest().await, "", "{name}");
        let (_, left) = world.end().await;
        assert_eq!((left.called, left.count("Void cancelled")), (0, usize::from(opens)), "{name}: {:?}", left.lines());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_whose_call_was_void_can_be_used_again() {
    let mut world = World::start().await;
    let held = world.hold_log();
    let id = cancelled_before_sent(&mut world, "echo", "cancelled").await;
    until_heard(&mut world).await;
    drop(held);
    let params = r#"{"name":"echo","arguments":{"text":"again"}}"#;
    let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
    // The client is not told when the id is free, so it may have to ask more than once.
    let accepted = async {
        loop {
            world.send(&line).await;
            let answer = world.receive().await;
            if answer.at("id") != Some(&Value::Null) {
                return answer;
            }
        }
    };
    let answer = timeout(PATIENCE, accepted).await.expect("the id is free again");
    assert_eq!((at(&answer, "id"), text(&answer)), (id.to_string(), "you said again".to_owned()));
    assert_eq!(world.effects(), ["asked ping", "echo again"]);
    world.leave().await;
}
