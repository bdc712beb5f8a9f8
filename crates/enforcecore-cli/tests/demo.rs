//! The demo: every effect is found where it should be, and nowhere else; weaker protection is seen to be weaker.
#![cfg(test)]

mod cli_support;

use std::fs;

use cli_support::{Place, Ran, output};
use expect_test::expect_file;
use serde_json::Value as Json;

/// Everything any tool is asked to do, let through as far as a policy can.
const ALLOW_ALL: &str = "\
enforcecore: 1
name: allow-all
version: \"1\"
tools: {list_files: undeclared, read_file: undeclared, write_file: undeclared, delete_file: undeclared,
  send_mail: undeclared, pay: undeclared, run_shell: undeclared, fetch: undeclared}
rules:
  - allow: anything
    id: everything
    when: {every_string: {any: true}}
";

/// What no policy lets through, each with an ordinary call that differs in that alone.
const TWINS: &[(&str, &str)] =
    &[("say the account twice", "refund the customer"), ("spell `pay` with a Cyrillic a", "refund the customer")];

/// Runs the demo in a place of its own, in which nothing may stay.
fn demo(place: &Place, args: &[&str]) -> Ran {
    let temporary = place.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let command = &mut place.command(&[&["demo"], args].concat());
    let ran = Ran::of(output(command.env("TMPDIR", &temporary)));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "the demo left something behind");
    ran
}

struct Call<'a> {
    kind: &'a str,
    title: &'a str,
    decision: &'a str,
    effect_happened: bool,
    as_scripted: bool,
}

fn calls(report: &Json) -> Vec<Call<'_>> {
    let call = |call: &'static str, of: &Json| of[call].as_bool().unwrap();
    let calls = report["calls"].as_array().unwrap().iter();
    calls
        .map(|one| Call {
            kind: one["kind"].as_str().unwrap(),
            title: one["title"].as_str().unwrap(),
            decision: one["decision"].as_str().unwrap(),
            effect_happened: call("effect_happened", one),
            as_scripted: call("as_scripted", one),
        })
        .collect()
}

#[test]
fn ordinary_effects_happen_and_hostile_ones_do_not() {
    let ran = demo(&Place::new(), &["--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let report = ran.json();
    let calls = calls(&report);
    for Call { kind, title, decision, effect_happened, as_scripted } in &calls {
        assert!(*as_scripted, "{title}");
        assert_eq!(*effect_happened, *kind == "ordinary", "{title}");
        assert!(["allow", "deny"].contains(decision), "{title}");
    }
    let ordinary = calls.iter().filter(|call| call.kind == "ordinary").count();
    assert!(ordinary >= 8 && calls.len() - ordinary >= 10);
    for call in report["calls"].as_array().unwrap() {
        let refused = call["decision"] == "deny";
        assert_eq!(refused, !call["reason"].as_str().unwrap().is_empty(), "a refusal has its reason: {call}");
    }
    assert_eq!(report["log"]["verdict"], "valid");
    let Json::Object(tampering) = &report["tampering"] else { panic!("{report}") };
    assert_eq!((&tampering["detected"], &tampering["finding"]), (&true.into(), &"altered".into()));
    assert_eq!(tampering["cut"]["finding"], "shorter_than_anchor");
}

#[test]
fn people_read_it_in_eighty_columns() {
    let text = demo(&Place::new(), &[]).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    expect_file!["golden/demo.txt"].assert_eq(&text);
}

#[test]
fn without_protection_every_effect_happens() {
    let ran = demo(&Place::new(), &["--unprotected", "--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    let report = ran.json();
    for Call { title, effect_happened, .. } in calls(&report) {
        assert!(effect_happened, "{title}");
    }
    assert_eq!((&report["log"], &report["tampering"]), (&Json::Null, &Json::Null));
}

#[test]
fn under_a_policy_that_allows_everything_the_harm_is_done() {
    let place = Place::with(&[("policy.yaml", ALLOW_ALL)]);
    let ran = demo(&place, &["--policy", "policy.yaml", "--json"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    let report = ran.json();
    let calls = calls(&report);
    let happened = |title: &str| calls.iter().find(|call| call.title == title).unwrap().effect_happened;
    for Call { kind, title, .. } in &calls {
        match TWINS.iter().find(|(refused, _)| refused == title) {
            Some((refused, twin)) => assert!(!happened(refused) && happened(twin), "{kind} {title}"),
            None => assert!(happened(title), "{kind} {title}"),
        }
    }
    assert_eq!(report["log"]["verdict"], "valid", "what was allowed is recorded all the same");
}

#[test]
fn under_a_policy_that_allows_nothing_the_work_is_not_done() {
    let nothing = "enforcecore: 1\nname: nothing\nversion: \"1\"\ntools: {pay: undeclared}\nrules:\n  - deny: pay\n    id: nothing\n";
    let place = Place::with(&[("policy.yaml", nothing)]);
    let ran = demo(&place, &["--policy", "policy.yaml", "--json"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    for Call { title, effect_happened, as_scripted, kind, .. } in calls(&ran.json()) {
        assert!(!effect_happened, "{title}");
        assert!(kind == "hostile" || !as_scripted, "{title}");
    }
}

#[test]
fn a_demo_that_cannot_be_played_says_why() {
    let place = Place::with(&[("bad.yaml", "enforcecore: 1\nname: bad\n"), ("mine/file", "")]);
    let check = |args: &[&str], status: i32, said: &str| {
        let ran = demo(&place, args);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{ran:?}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("help:"), "{ran:?}");
    };
    check(&["--policy", "bad.yaml"], 5, "ended before it answered");
    check(&["--policy", "bad.yaml", "--json"], 5, "EC00");
    check(&["--keep", "mine"], 2, "`mine` is not empty");
    assert_eq!(fs::read_dir(place.path("mine")).unwrap().count(), 1);
}

#[test]
fn what_is_kept_can_be_checked_afterwards() {
    let place = Place::new();
    let ran = demo(&place, &["--keep", "kept"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.ends_with(&format!("Everything is kept in {}\n", place.path("kept").display())), "{ran:?}");
    let check = |log: &str, status: i32, said: &str| {
        let ran = place.run(&["audit", "verify", log, "--anchor", "kept/anchor"]);
        assert_eq!(ran.status, status, "{ran:?}");
        assert!(ran.stdout.contains(said), "{ran:?}");
    };
    check("kept/log", 0, "valid");
    check("kept/tampered/one-byte", 1, "altered: entry");
    check("kept/tampered/cut-end", 1, "shorter_than_anchor: entries");
    let outbox = place.read("kept/world/outbox.jsonl");
    assert!(outbox.contains("on its way") && !outbox.contains("4111"), "{outbox}");
    assert_eq!(place.run(&["policy", "test", "kept/policy.yaml"]).status, 0);
    assert_eq!(place.run(&["demo", "--keep", "kept"]).status, 2);
}
