//! What each side may say to the other, word by word: what is passed on, what is cut, and what is dropped.

#![cfg(test)]

mod support;

use enforcecore::audit::{EffectStatus, EntryKind};
use enforcecore_gateway::mcp::Ended;
use support::{World, at, code, text};

/// What a server tells, and whether its client hears it.
const TOLD: [(&str, bool); 16] = [
    ("notifications/message", true),
    ("notifications/prompts/list_changed", true),
    ("notifications/resources/list_changed", true),
    ("notifications/resources/updated", true),
    ("notifications/tools/list_changed", true),
    // Without a token of a request that waits.
    ("notifications/progress", false),
    ("notifications/cancelled", false),
    ("notifications/initialized", false),
    ("notifications/roots/list_changed", false),
    ("notifications/elicitation/complete", false),
    ("notifications/tasks/status", false),
    ("notifications/vendor", false),
    ("notifications/tools/List_changed", false),
    ("tools/list", false),
    ("ping", false),
    ("", false),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_hears_what_is_listed_of_what_its_server_tells() {
    let mut world = World::start().await;
    for (method, heard) in TOLD {
        world.request("tools/call", &format!(r#"{{"name":"notify","arguments":{{"text":"{method}"}}}}"#)).await;
        if heard {
            let told = world.receive().await;
            assert_eq!(at(&told, "method"), format!("\"{method}\""));
            assert_eq!(at(&told, "params"), r#"{"uri":"a:b","data":"leaks EC_GITHUB_TOKEN_1"}"#, "{method}");
        }
        assert_eq!(text(&world.receive().await), "told", "{method}");
    }
    world.leave().await;
}

/// What a server asks, and whether its client gets to answer.
const ASKED: [(&str, bool); 14] = [
    ("ping", true),
    ("roots/list", true),
    ("sampling/createMessage", false),
    ("elicitation/create", false),
    ("tasks/get", false),
    ("tasks/list", false),
    ("tasks/result", false),
    ("tasks/cancel", false),
    ("tools/call", false),
    ("tools/list", false),
    ("initialize", false),
    ("resources/read", false),
    ("roots/List", false),
    ("", false),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_asked_what_is_listed_of_what_its_server_asks() {
    let mut world = World::start().await;
    for (method, asked) in ASKED {
        world.request("tools/call", &format!(r#"{{"name":"plead","arguments":{{"text":"{method}"}}}}"#)).await;
        if asked {
            let question = world.receive().await;
            assert_eq!(at(&question, "method"), format!("\"{method}\""));
            assert_eq!(at(&question, "params.data"), "\"EC_GITHUB_TOKEN_1\"");
            let answer = r#""result":{"roots":[{"uri":"a:b","x":1}],"x":1}"#;
            world.send(&format!(r#"{{"jsonrpc":"2.0","id":{},{answer}}}"#, at(&question, "id"))).await;
        }
        let got = match (method, asked) {
            ("ping", _) => r#"{"id": "p"}"#,
            (_, true) => r#"{"id": "p", "roots": [{"uri": "a:b"}]}"#,
            _ => r#"{"id": "p", "code": -32601, "message": "this method is not served"}"#,
        };
        assert_eq!(text(&world.receive().await), got, "{method}");
    }
    let (_, left) = world.leave().await;
    let refused = ASKED.iter().filter(|(_, asked)| !asked).count();
    assert_eq!(left.count("Denial method_not_allowed"), refused, "each one is recorded");
}

/// What a client tells, what its server hears of it, and whether it is recorded as refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_hears_what_is_listed_of_what_its_client_tells() {
    let mut world = World::start().await;
    let told = [
        ("notifications/roots/list_changed", r#"{"x":1,"_meta":{"x":1}}"#, Some("{}")),
        ("notifications/initialized", r#"{"x":1}"#, Some("{}")),
        // About no request that was made.
        ("notifications/progress", r#"{"progressToken":1,"progress":1}"#, None),
        ("notifications/progress", r#"{"progressToken":"a","progress":1,"message":"m"}"#, None),
        ("notifications/progress", r#"{"progress":1}"#, None),
        ("notifications/progress", r#"{"progressToken":null,"progress":1}"#, None),
        ("notifications/message", r#"{"level":"info","data":"d"}"#, None),
        ("notifications/tools/list_changed", "{}", None),
        ("notifications/prompts/list_changed", "{}", None),
        ("notifications/resources/updated", r#"{"uri":"a:b"}"#, None),
        ("notifications/tasks/status", "{}", None),
        ("notifications/vendor", "{}", None),
        ("tools/call", r#"{"name":"echo","arguments":{"text":"a"}}"#, None),
        ("", "{}", None),
    ];
    for (method, params, heard) in told {
        let before = world.heard(method).len();
        world.send(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)).await;
        // What the client says is passed on in its order.
        world.ask("ping", "{}").await;
        assert_eq!(world.heard(method).get(before).map(String::as_str), heard, "{method} {params}");
    }
    // A notification with an unknown member is dropped.
    world.send(r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed","extra":1}"#).await;
    let refused = world.receive().await;
    assert_eq!((at(&refused, "id").as_str(), at(&refused, "error.code").as_str()), ("null", "-32600"));
    assert_eq!(world.heard("notifications/roots/list_changed"), ["{}"]);
    let (_, left) = world.leave().await;
    let unheard = told.iter().filter(|(_, _, heard)| heard.is_none()).count();
    assert_eq!(left.count("Denial method_not_allowed"), unheard, "{:?}", left.lines());
    assert_eq!(left.count("Denial bad_message"), 1);
    assert!(left.effects.iter().all(|effect| effect == "asked ping"), "{:?}", left.effects);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_on_what_the_server_asked_reaches_it_under_its_own_token() {
    let mut world = World::start().await;
    world.request("tools/call", r#"{"name":"plead","arguments":{"text":"roots/list"}}"#).await;
    let question = world.receive().await;
    let (id, token) = (at(&question, "id"), at(&question, "params._meta.progressToken"));
    let report = |token: &str| format!(r#"{{"progressToken":{token},"progress":1,"x":1}}"#);
    for token in ["999", "\"nobody's\"", &token] {
        world
            .send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{}}}"#, report(token)))
            .await;
    }
    world.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#)).await;
    assert_eq!(text(&world.receive().await), r#"{"id": "p", "roots": []}"#);
    assert_eq!(world.heard("notifications/progress"), [r#"{"progressToken":"the server's","progress":1}"#]);
    // Once it is answered, no request waits for it.
    world.send(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{}}}"#, report(&token))).await;
    world.ask("ping", "{}").await;
    assert_eq!(world.heard("notifications/progress").len(), 1);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_message_under_an_id_in_use_answers_no_other_request() {
    let long = format!(r#""x":"{}""#, "x".repeat(1 << 20));
    for (what, code) in [
        (r#""method":"tools/call","params":{"name":"echo","arguments":{"a":1,"a":2}}"#, "-32600"),
        (r#""method":"ping","params":[]"#, "-32600"),
        (r#""method":"ping","extra":1"#, "-32600"),
        (r#""method":"ping","result":{}"#, "-32600"),
        (r#""result":7"#, "-32600"),
        (&long, "-32600"),
        (r#""method":"ping","params":{]"#, "-32700"),
    ] {
        let mut world = World::start().await;
        let id = world.request("tools/call", r#"{"name":"plead","arguments":{"text":"roots/list"}}"#).await;
        // The call waits for an answer of ours, so its id is in use.
        let question = world.receive().await;
        world.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{what}}}"#)).await;
        let refused = world.receive().await;
        assert_eq!((at(&refused, "id").as_str(), at(&refused, "error.code").as_str()), ("null", code), "{what}");
        world.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}}"#, at(&question, "id"))).await;
        let answer = world.receive().await;
        assert_eq!((at(&answer, "id"), text(&answer).as_str()), (id.to_string(), r#"{"id": "p", "roots": []}"#));
        // The id is free then, and what cannot be read under it is answered under it.
        world.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{what}}}"#)).await;
        assert_eq!(at(&world.receive().await, "id"), id.to_string(), "{what}");
        world.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_of_a_tool_whether_it_was_done_or_failed() {
    let mut world = World::start().await;
    assert_eq!(text(&world.call("echo", r#"{"text":"a"}"#).await), "you said a");
    for tool in ["fail", "wrong"] {
        world.call(tool, "{}").await;
    }
    let refused = world.call("echo", r#"{"text":"no a"}"#).await;
    assert_eq!(code(&refused), "no_rule");
    assert_eq!(at(&refused, "result._meta.enforcecore/decision.started"), "false");
    let misfit = world.ask("tools/call", r#"{"name":"echo","arguments":[]}"#).await;
    assert_eq!(code(&misfit), "bad_message");
    assert_eq!(at(&misfit, "result._meta.enforcecore/decision.started"), "false");
    let (ended, left) = world.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    let ends: Vec<_> = left.entries.iter().filter(|entry| entry.kind == EntryKind::Outcome).collect();
    let ends: Vec<_> = ends.iter().map(|entry| (entry.code.as_deref().unwrap(), entry.effect.unwrap())).collect();
    let failed = ("tool_failed", EffectStatus::Unknown);
    assert_eq!(ends, [("released", EffectStatus::Happened), failed, failed]);
    assert_eq!(left.called, 3, "what was refused did not reach the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_told_that_its_client_left() {
    let mut world = World::start().await;
    world.call("echo", r#"{"text":"a"}"#).await;
    let (ended, left) = world.leave().await;
    assert_eq!((ended, left.told), (Ended::ClientLeft, true), "it sees the end of its input, and may end by itself");
}
