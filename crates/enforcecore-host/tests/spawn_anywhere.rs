//! What holds on every system: a program that was started is talked to by pipes, and is ended.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::ChildStdin;

use enforcecore_host::process::{Isolation, Limits, Pipes, Spawn, Tree};
use support::own_words;

/// Runs in a process of its own, started by the tests below: says what it hears.
#[test]
#[ignore = "it ends with its input, and is started by others"]
fn child_echoes() {
    io::copy(&mut io::stdin(), &mut io::stdout()).unwrap();
}

/// A child that says what it hears.
fn child() -> Spawn {
    let mut words = own_words();
    Spawn::new(words.remove(0)).args(words).args(["--exact", "child_echoes", "--ignored", "--nocapture"])
}

/// A child that has said `hello` and would say more: its input is open. With it the rest of what it says.
fn echoing() -> (Tree, ChildStdin, impl Read) {
    let (tree, Pipes { mut stdin, stdout, .. }) = child().start().unwrap();
    stdin.write_all(b"hello\n").unwrap();
    let mut said = BufReader::new(stdout);
    assert!(said.by_ref().lines().any(|line| line.unwrap().contains("hello")), "it ended without a word");
    (tree, stdin, said)
}

#[test]
fn a_program_is_ended() {
    let (mut tree, _stdin, mut said) = echoing();
    assert!(tree.exit_status().unwrap().is_none());
    tree.kill().unwrap();
    assert!(!tree.exit_status().unwrap().unwrap().success());
    assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0, "nobody holds its output");
    tree.kill().unwrap();
}

#[test]
fn a_program_that_is_dropped_is_ended() {
    let (tree, _stdin, mut said) = echoing();
    drop(tree);
    assert_eq!(said.read_to_end(&mut Vec::new()).unwrap(), 0, "nobody holds its output");
}

/// What is asked for and cannot be enforced is refused; what asks for nothing starts.
#[test]
fn a_limit_that_cannot_be_enforced_is_refused() {
    let limits = |set: fn(&mut Limits)| {
        let mut limits = Limits::default();
        set(&mut limits);
        child().limits(limits).isolation(Isolation::None).start()
    };
    let refused = |set| limits(set).unwrap_err().to_string();
    let error = refused(|limits| limits.memory_bytes_max = Some(1 << 30));
    assert!(error.ends_with("`: this build cannot enforce `memory_bytes_max`"), "{error}");
    let error = refused(|limits| limits.processes_max = Some(0));
    assert!(error.ends_with("`: this build cannot enforce `processes_max`"), "{error}");
    limits(|_| {}).unwrap().0.kill().unwrap();
}
