//! What no rule opens: each denied call stands beside one that differs in one fact, is allowed, and whose effect is seen.

#![cfg(test)]

mod support;

use std::path::PathBuf;

use enforcecore::audit::Kind;
use enforcecore::policy::{Place, Protected};
use enforcecore::value::Map;
use support::{World, call};

/// Everything is allowed, aloud.
const POLICY: &str = r#"
enforcecore: 1
name: open
version: "1"
tools:
  read: {does: reads, args: {path: path, "other?": path}, returns: web}
  upload: {does: [reads, sends], args: {path: path}, returns: web}
  write: {does: writes, args: {path: path}, returns: trusted}
  move: {does: [writes, deletes], args: {source: path, destination: path}, returns: trusted}
  say: {does: writes, args: {words: text}, returns: trusted}
rules:
  - {allow: [read, upload, write], id: aloud, when: {path: {any: true}, every_path: {any: true}}}
  - {allow: move, id: move, when: {source: {any: true}, destination: {any: true}}}
  - {allow: say, id: say}
  - {deny: write, id: own-word, when: {path: {under: /w/keys/old}}}
"#;

fn world() -> World {
    let place = |path: &str, what, readable| Place { path: PathBuf::from(path), what, readable };
    World::protecting(
        POLICY,
        Protected::new([place("/w/conf/policy.yaml", "the policy", true), place("/w/keys", "the keys", false)]),
    )
}

#[test]
fn no_rule_opens_what_enforcement_stands_on() {
    let world = world();
    let check = |tool: &str, denied: &str, allowed: &str| {
        let refused = world.enforcer.enforce(call(tool, denied), world.tool()).unwrap_err();
        assert_eq!((refused.code, refused.rules.len()), ("protected_path", 0), "{tool} {denied}: {}", refused.reason);
        let ran = world.ran();
        world.enforcer.enforce(call(tool, allowed), world.tool()).unwrap();
        assert_eq!(world.ran(), ran + 1, "{tool} {allowed}");
    };
    let path = |path: &str| format!(r#"{{"path":"{path}"}}"#);
    let both = |source: &str, destination: &str| format!(r#"{{"source":"{source}","destination":"{destination}"}}"#);
    // What may be read is read by who only reads.
    check("write", &path("/w/conf/policy.yaml"), &path("/w/conf/policy2.yaml"));
    check("write", &path("conf/../conf/policy.yaml"), &path("conf/../policy.yaml"));
    check("write", &path("/w/conf/POLICY.yaml"), &path("/w/conf/POLICY.yml"));
    check("upload", &path("/w/conf/policy.yaml"), &path("/w/conf/other.yaml"));
    check("read", &path("/w/keys"), &path("/w/conf/policy.yaml"));
    check("read", &path("/w/keys/secret"), &path("/w/keys2/secret"));
    // Case is told apart nowhere, as a file system may read it: the long s and the Kelvin sign are letters of this name.
    check("read", &path("/w/\u{212a}ey\u{17f}/secret"), &path("/w/ey\u{17f}/secret"));
    check("read", r#"{"path":"/w/a","other":"/w/keys/a"}"#, r#"{"path":"/w/a","other":"/w/key/a"}"#);
    // What is deleted or moved takes along what is in it; what is written to does not.
    check("move", &both("/w/conf", "/w/old"), &both("/w/con", "/w/old"));
    check("move", &both("/", "/w/old"), &both("/x", "/w/old"));
    check("move", &both("/w/a", "/w/keys/a"), &both("/w/a", "/w/b"));
    world.enforcer.enforce(call("write", &path("/w/conf")), world.tool()).unwrap();
    world.enforcer.enforce(call("say", r#"{"words":"/w/keys/secret"}"#), world.tool()).unwrap();
    assert!(world.entries().iter().filter(|entry| entry.kind == Kind::Denial).count() == 11);
}

#[test]
fn a_path_that_nobody_can_resolve_is_not_let_through() {
    let world = world();
    let nowhere = |path: &str| {
        let mut call = call("read", &format!(r#"{{"path":"{path}"}}"#));
        call.context.session = Map::new();
        call
    };
    let refused = world.enforcer.enforce(nowhere("notes"), world.tool()).unwrap_err();
    assert_eq!((refused.code, world.ran()), ("protected_path", 0), "{}", refused.reason);
    world.enforcer.enforce(call("read", r#"{"path":"notes"}"#), world.tool()).unwrap();
    assert_eq!(world.ran(), 1);
    // Where nothing is protected, the rules alone decide, and they allow anything.
    let open = World::new(POLICY);
    open.enforcer.enforce(nowhere("notes"), open.tool()).unwrap();
    assert_eq!(open.ran(), 1);
}

#[test]
fn the_policy_speaks_first_and_the_reason_names_no_path() {
    let world = world();
    let check = |path: &str, code: &str, words: &str| {
        let decision = world.enforcer.decide_only(call("write", &format!(r#"{{"path":"{path}"}}"#)));
        assert_eq!((decision.code, decision.reason.as_str()), (code, words));
        assert!(decision.charges.is_empty() && !decision.malformed);
    };
    check("/w/keys/old/a", "denied_by_rule", "`own-word` denies this call");
    check("/w/keys/a", "protected_path", "the argument `path` leads to the keys, which no tool may touch");
    check("/w/conf/policy.yaml", "protected_path", "the argument `path` leads to the policy, which no tool may change");
    check("/w/a", "allowed", "allowed");
}
