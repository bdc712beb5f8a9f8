//! Answers always come, whatever is wrong with them; what is legal passes; and what does not pass says why.

#![cfg(test)]

mod support;

use enforcecore::audit::EntryKind;
use enforcecore::value::Value;
use enforcecore_gateway::mcp::Ended;
use support::{Left, World, at, code, text, until};

/// The parameters of a call of `raw`, whose server writes this line.
fn writes(line: &str) -> String {
    format!(r#"{{"name":"raw","arguments":{{"text":{}}}}}"#, Value::from(line).to_json())
}

/// The codes of the ends of calls, with what each says beside it.
fn ends(left: &Left) -> Vec<(String, String)> {
    let ends = left.entries.iter().filter(|entry| entry.kind == EntryKind::Outcome);
    let note = |note: Option<&String>| note.cloned().unwrap_or_default();
    ends.map(|entry| (entry.code.clone().unwrap_or_default(), note(entry.note.get("replaced")))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_given_at_once_wherever_its_id_stands() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let cases = [
        (r#"{"result":{"a":1,"a":2},"jsonrpc":"2.0","id":ID}"#, "duplicate_key"),
        (r#"{"id":ID,"jsonrpc":"2.0","result":{"a":1,"a":2}}"#, "duplicate_key"),
        (r#"{"jsonrpc":"2.0","result":{"a":,"text":"\"id\":99,{"},"id":ID}"#, "not_json"),
        (r#"{"result":{"id":99,"a":{"id":98},"b":nul},"id":ID,"jsonrpc":"2.0"}"#, "not_json"),
        (&format!(r#"{{"result":{deep},"jsonrpc":"2.0","id":ID}}"#), "too_deep"),
        (r#"{"result":{"text":"MANY(17000000)"},"jsonrpc":"2.0","id":ID}"#, "too_large"),
        (r#"{"result":"text","jsonrpc":"2.0","id":ID}"#, "bad_message"),
        (r#"{"result":{},"error":{},"jsonrpc":"2.0","id":ID}"#, "bad_message"),
        // One that names no request is the answer to the only one that waits.
        (r#"{"result":{"content":[{"type":"text","text":"cut"#, "not_json"),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#, "bad_message"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{},"id":ID}"#, "duplicate_key"),
    ];
    let mut world = World::start().await;
    for (line, expected) in cases {
        let answer = world.ask("tools/call", &writes(line)).await;
        assert_eq!(code(&answer), expected, "{line}");
        assert!(text(&answer).contains("withheld"), "{line}: {}", text(&answer));
    }
    assert_eq!(text(&world.call("echo", r#"{"text":"b"}"#).await), "you said b", "the session goes on");
    let (_, left) = world.leave().await;
    let codes: Vec<String> = ends(&left).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, cases.iter().map(|(_, code)| *code).chain(["released"]).collect::<Vec<_>>());
    assert_eq!(left.count("Outcome tool_crashed"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_no_request_ends_all_that_wait_and_a_line_of_a_log_ends_none() {
    let mut world = World::start().await;
    let waiting = [
        world.request("tools/call", r#"{"name":"silent","arguments":{}}"#).await,
        world.request("tools/call", r#"{"name":"silent","arguments":{}}"#).await,
    ];
    for line in [
        "Server v1.2 starting",
        r#"{"level":30,"msg":"ready"}"#,
        r#"DEBUG send: {"jsonrpc":"2.0","id":ID,"result":{"content":[]}}"#,
        // Answers under an id that is none of these calls'.
        r#"{"id":77,"msg":"x","result":"#,
        r#"{"id":"77","msg":"x","result":"#,
        r#"{"id":"req-9","jsonrpc":"2.0","result":{"a":1,"a":2}}"#,
        r#"{"id":92233720368547758082,"jsonrpc":"2.0","result":{"a":1,"a":2}}"#,
    ] {
        world.request("tools/call", &writes(line)).await;
    }
    until("the calls reach the server", || world.effects().len() == 9).await;
    assert_eq!(world.recorded(&["outcome"]), 0, "none of these lines ends a call");
    let last = world.request("tools/call", &writes(r#"{"result":{"a":1,"a":2},"jsonrpc":"2.0"}"#)).await;
    let mut answered = Vec::new();
    for _ in 0..10 {
        let answer = world.receive().await;
        assert_eq!(code(&answer), "duplicate_key");
        answered.push(at(&answer, "id").parse::<i64>().unwrap());
    }
    answered.sort();
    assert_eq!((&answered[0], &answered[1], &answered[9]), (&waiting[0], &waiting[1], &last));
    assert_eq!(text(&world.call("echo", r#"{"text":"b"}"#).await), "you said b");
    let (ended, left) = world.leave().await;
    assert_eq!((ended, left.count("Outcome duplicate_key")), (Ended::ClientLeft, 10));
}

/// What a side says last needs no end of its line; half a message is an unreadable one.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_an_end_is_a_line() {
    for (line, said, end) in [
        (r#"LAST{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"bye"}]}}"#, "bye", "released"),
        (r#"LAST{"id":ID,"jsonrpc":"2.0","result":{"content":["#, "withheld", "not_json"),
        (r#"LAST bye"#, "", "tool_crashed"),
    ] {
        let mut world = World::start().await;
        let answer = world.ask("tools/call", &writes(line)).await;
        assert!(text(&answer).contains(said), "{line}: {}", answer.to_json());
        let (ended, left) = world.end().await;
        assert!(matches!(ended, Ended::ServerLeft(_)), "{line}: {ended:?}");
        assert_eq!(ends(&left).first().map(|(code, _)| code.as_str()), Some(end), "{line}");
    }
    let whole =
        r#"{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"echo","arguments":{"text":"bye"}}}"#;
    for (line, runs) in [(whole, true), (whole.strip_suffix('}').unwrap(), false)] {
        let mut world = World::start().await;
        world.send_last(line).await;
        let answer = world.receive().await;
        assert_eq!(at(&answer, "id"), "99", "{line}");
        assert_eq!(if runs { text(&answer) } else { code(&answer) }, if runs { "you said bye" } else { "not_json" });
        let (ended, left) = world.end().await;
        assert_eq!((ended, left.effects.len()), (Ended::ClientLeft, usize::from(runs)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_read_differently_is_replaced_in_a_result_and_refused_in_an_argument() {
    let mut world = World::start().await;
    let cases = [
        (r#""a\u0000b""#, "a\u{fffd}b", "nul 1"),
        (r#""Ship it \ud83d""#, "Ship it \u{fffd}", "surrogate 1"),
        (r#""\ud83d\ude00 \ude00""#, "\u{1f600} \u{fffd}", "surrogate 1"),
        (r#""cafBYTE BYTE""#, "caf\u{fffd} \u{fffd}", "not UTF-8 2"),
        (r#""\\u0000""#, r"\u0000", ""),
    ];
    for (said, shown, replaced) in cases {
        let content =
            format!(r#"{{"result":{{"content":[{{"type":"text","text":{said}}}]}},"jsonrpc":"2.0","id":ID}}"#);
        let answer = world.ask("tools/call", &writes(&content)).await;
        assert_eq!(text(&answer), shown, "{said}");
        let noted = answer.at("result._meta").and_then(|meta| meta.as_map()?.get("enforcecore/replaced")?.as_text());
        assert_eq!(noted.is_some(), !replaced.is_empty(), "{said}");
        assert!(noted.unwrap_or_default().contains(replaced), "{said}: {noted:?}");
    }
    let refused = [
        (r"a\u0000", "nul_character", "a NUL character (U+0000) in `params.arguments.text`, at character 2"),
        (r"\ud83d", "lone_surrogate", "half a surrogate pair (U+D83D) in `params.arguments.text`, at character 1"),
    ];
    for (argument, expected, place) in refused {
        let answer = world.call("echo", &format!(r#"{{"text":"{argument}"}}"#)).await;
        assert_eq!(code(&answer), expected);
        assert!(text(&answer).contains(place), "{}", text(&answer));
    }
    assert_eq!(world.effects().len(), cases.len(), "what is refused does not run");
    let (_, left) = world.leave().await;
    assert_eq!(ends(&left), cases.map(|(.., replaced)| ("released".to_owned(), replaced.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_name_what_is_too_much_and_how_it_is_raised() {
    let mut world = World::start().await;
    let fits = writes(r#"{"result":{"content":[{"type":"text","text":"MANY(15000000)"}]},"jsonrpc":"2.0","id":ID}"#);
    assert_eq!(text(&world.ask("tools/call", &fits).await).len(), 15_000_000);
    let exceeds = writes(r#"{"result":{"text":"MANY(17000000)"},"jsonrpc":"2.0","id":ID}"#);
    let said = text(&world.ask("tools/call", &exceeds).await);
    assert!(said.contains("a message of 1700004"), "{said}");
    assert!(said.contains("more than the 16777216 that `mcp_message_max` allows"), "{said}");

    for (bytes, runs) in [(1 << 20, false), ((1 << 20) - 20, true), (2 << 20, false)] {
        let before = world.effects().len();
        let answer = world.call("echo", &format!(r#"{{"text":"{}"}}"#, "a ".repeat(bytes / 2))).await;
        assert_eq!(world.effects().len() - before, usize::from(runs), "{bytes}");
        if !runs {
            assert_eq!(code(&answer), "too_large");
            let counted = format!("{} bytes, more than the 1048576 that the arguments of a call may have", bytes + 12);
            assert!(text(&answer).contains(&counted), "{}", text(&answer));
        }
    }
    let id = world.next_id();
    let padding = "x".repeat(17 << 20);
    let line = format!(
        r#"{{"params":{{"arguments":{{"text":"{padding}"}},"name":"echo"}},"method":"tools/call","id":{id},"jsonrpc":"2.0"}}"#
    );
    world.send(&line).await;
    world.skip_id();
    let answer = world.receive().await;
    assert_eq!((at(&answer, "id"), code(&answer)), (id.to_string(), "too_large".to_owned()));
    assert!(text(&answer).contains(&format!("{} bytes, more than the 16777216", line.len())), "{}", text(&answer));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_has_deep_levels_and_any_number_and_an_argument_has_fewer() {
    let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mut world = World::start().await;
    let kept = [
        format!(r#"{{"content":[],"structuredContent":{}}}"#, nested(127)),
        r#"{"content":[],"structuredContent":{"n":[1E400,-5e-324,0.1234567890123456789012345678901234567890,1.0,1e2,-0.0]}}"#
            .to_owned(),
    ];
    for result in &kept {
        let line = format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{result}}}"#);
        assert_eq!(at(&world.ask("tools/call", &writes(&line)).await, "result"), *result);
    }
    let line = format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{{"content":[],"structuredContent":{}}}}}"#, nested(128));
    let deep = world.ask("tools/call", &writes(&line)).await;
    assert_eq!(code(&deep), "too_deep");
    assert!(text(&deep).contains("arguments have at most 64 levels, results 128"), "{}", text(&deep));
    let deep = world.call("echo", &format!(r#"{{"text":{}}}"#, nested(64))).await;
    assert_eq!(code(&deep), "too_deep");
    assert!(text(&deep).contains("arguments have at most 64 levels, results 128"), "{}", text(&deep));
    let typed = world.call("echo", &format!(r#"{{"text":{}}}"#, nested(63))).await;
    assert_eq!(code(&typed), "wrong_type", "64 levels are looked at");
    let wide = world.call("echo", r#"{"text":1E400}"#).await;
    assert_eq!(code(&wide), "bad_number");
    assert_eq!(world.effects().len(), kept.len() + 1);
    world.leave().await;
}

/// How many notifications a client gets, and how many it is told that they stand for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    log: usize,
    progress: usize,
    listed: usize,
    updated: Vec<String>,
    merged_logs: usize,
    merged_progress: usize,
    last_progress: String,
}

/// Hears everything up to the answer.
async fn hear(world: &mut World) -> Heard {
    let mut heard = Heard::default();
    loop {
        let message = world.receive().await;
        let method = message.at("method").and_then(Value::as_text).unwrap_or_default().to_owned();
        let meta = message.at("params._meta").and_then(|meta| meta.as_map()?.get("enforcecore/merged").cloned());
        let merged: usize = meta.map_or(0, |merged| merged.to_json().parse().unwrap());
        match method.as_str() {
            "notifications/message" if merged > 0 => heard.merged_logs += merged,
            "notifications/message" => heard.log += 1,
            "notifications/progress" => {
                heard.progress += 1;
                heard.merged_progress += merged;
                heard.last_progress = at(&message, "params.progress");
            }
            "notifications/tools/list_changed" => heard.listed += 1,
            "notifications/resources/updated" => heard.updated.push(at(&message, "params.uri")),
            _ => {
                assert_eq!(text(&message), "after the burst");
                return heard;
            }
        }
    }
}

async fn burst(world: &mut World, counts: &str) {
    let params = format!(
        r#"{{"name":"burst","arguments":{{"text":{}}},"_meta":{{"progressToken":"t"}}}}"#,
        Value::from(counts).to_json()
    );
    world.request("tools/call", &params).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_reaches_a_client_that_reads() {
    let mut world = World::start().await;
    burst(&mut world, r#"[["message",5000],["progress",3000],["tools/list_changed",1000],["resources/updated",1000]]"#)
        .await;
    let heard = hear(&mut world).await;
    assert_eq!((heard.log, heard.progress, heard.listed, heard.updated.len()), (5000, 3000, 1000, 1000));
    assert_eq!((heard.merged_logs, heard.merged_progress), (0, 0));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_client_that_does_not_read_only_logs_and_progress_are_merged_and_counted() {
    let mut world = World::start().await;
    let counts =
        r#"[["message",25000],["progress",2000],["tools/list_changed",300],["resources/updated",300],["message",100]]"#;
    burst(&mut world, counts).await;
    // The call is settled, so all of it was taken in; nothing was read yet.
    until("the call is settled", || world.recorded(&["outcome"]) == 1).await;
    let heard = hear(&mut world).await;
    assert_eq!(heard.log + heard.merged_logs, 25_100);
    assert_eq!(heard.progress + heard.merged_progress, 2000);
    assert_eq!(heard.last_progress, "1999", "the last report is the one that counts");
    assert!(heard.merged_logs > 0 && heard.merged_progress > 0, "{heard:?}");
    assert_eq!(heard.listed, 300);
    let uris: Vec<String> = (0..300).map(|place| format!("\"a:{place}\"")).collect();
    assert_eq!(heard.updated, uris, "each is told, in order");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stops_what_cannot_be_merged_and_nothing_is_lost() {
    let mut world = World::start().await;
    burst(&mut world, r#"[["tools/list_changed",30000]]"#).await;
    // What is left stays with the server, and the session can still be spoken to.
    until("the server was asked", || world.effects().len() == 1).await;
    assert_eq!(world.recorded(&["outcome"]), 0);
    let heard = hear(&mut world).await;
    assert_eq!(heard.listed, 30_000);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_be_written_at_once() {
    let mut world = World::raw().await;
    let lines = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":null}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":null}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"},"task":{"ttl":1}}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"forbidden","arguments":{"text":"a"}}}"#,
    ];
    world.send(&lines.join("\n")).await;
    world.hang_up().await;
    let mut answers = std::collections::BTreeMap::new();
    for _ in 0..5 {
        let answer = world.receive().await;
        answers.insert(at(&answer, "id"), answer);
    }
    assert!(at(&answers["3"], "result.tools").contains("\"echo\""));
    assert_eq!((text(&answers["4"]).as_str(), code(&answers["5"]).as_str()), ("you said a", "no_rule"));
    assert_eq!(world.effects().last().map(String::as_str), Some("echo a"));
    assert_eq!(world.heard("tools/call"), [r#"{"name":"echo","arguments":{"text":"a"}}"#], "a task counts as absent");
    let (ended, _) = world.end().await;
    assert_eq!(ended, Ended::ClientLeft);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_a_handshake_that_fails_is_refused() {
    let mut world = World::raw().await;
    // A protocol version that the server answers with is none that is known.
    let lines = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"refuse me","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}"#,
    ];
    world.send(&lines.join("\n")).await;
    let (first, second) = (world.receive().await, world.receive().await);
    assert_eq!((at(&first, "id").as_str(), at(&first, "error.code").as_str()), ("1", "-32603"));
    assert_eq!((at(&second, "id").as_str(), at(&second, "error.code").as_str()), ("2", "-32600"));
    assert!(world.heard("tools/call").is_empty());
    world.leave().await;
}
