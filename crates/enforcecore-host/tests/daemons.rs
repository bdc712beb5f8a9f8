//! Orphans of a running program are reaped when they end; children of other callers are not touched.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use enforcecore_host::process::{Spawn, adopt_orphans};
use support::{until, wait_for_lines};

/// Forked twice, and the second of two in a session of its own.
const ORPHANS: &str =
    "for i in $(seq 12); do (true & echo $! >> PIDS); (setsid true & echo $! >> PIDS); done; sleep 600";

/// Has a program leave orphans that end, beside a child of another caller.
fn check() {
    let mut other = Command::new("sh").args(["-c", "exit 7"]).spawn().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = ORPHANS.replace("PIDS", pids.to_str().unwrap());
    let (mut tree, _pipes) = Spawn::new("bash").args(["-c", &script]).start().unwrap();
    let ids = wait_for_lines(&pids, 24);
    until("no orphan that ended has its id", || !ids.iter().any(|id| is_there(id)));
    assert!(tree.exit_status().unwrap().is_none(), "the program runs");
    assert!(is_there(&other.id().to_string()), "its end is not taken");
    assert_eq!(other.wait().unwrap().code(), Some(7));
    tree.kill().unwrap();
}

// One test, because what is adopted is adopted for the whole process.
#[test]
fn what_ended_leaves_nothing_while_the_program_runs() {
    check_ends();
    check();
    check_after_its_end();
    adopt_orphans().unwrap();
    check();
    check_after_its_end();
}

/// A program that ended, and left a process that leaves others.
fn check_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("({ORPHANS}) & exit 0").replace("PIDS", pids.to_str().unwrap());
    let (mut tree, _pipes) = Spawn::new("bash").args(["-c", &script]).start().unwrap();
    until("it ends", || tree.exit_status().unwrap().is_some());
    let ids = wait_for_lines(&pids, 24);
    until("no orphan that ended has its id", || !ids.iter().any(|id| is_there(id)));
    tree.kill().unwrap();
}

/// The reaper reports a program's exit status.
fn check_ends() {
    let ended = |script: &str| {
        let (mut tree, _pipes) = Spawn::new("bash").args(["-c", script]).start().unwrap();
        until(&format!("`{script}` ends"), || tree.exit_status().unwrap().is_some());
        let status = tree.exit_status().unwrap().unwrap();
        tree.kill().unwrap();
        assert_eq!(tree.exit_status().unwrap(), Some(status));
        (status.code(), status.signal())
    };
    assert_eq!(ended("exit 0"), (Some(0), None));
    assert_eq!(ended("exit 7"), (Some(7), None));
    assert_eq!(ended("kill -TERM $$"), (None, Some(15)));
    assert_eq!(ended("kill -SEGV $$"), (None, Some(11)));
    assert_eq!(ended("kill -KILL $$"), (None, Some(9)));
    assert_eq!(ended("trap '' TERM; kill -TERM 0 $PPID; exit 3"), (Some(3), None), "what it does to its group");
}

fn is_there(id: &str) -> bool {
    Path::new("/proc").join(id).exists()
}
