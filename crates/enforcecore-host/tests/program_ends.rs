//! How a program ended: with its status or by its signal, whoever looks, and whatever became of the process above it.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use enforcecore_host::process::Spawn;
use support::{until, wait_for_lines};

/// A script, and the status or the signal that it ends with.
const ENDS: &[(&str, Option<i32>, Option<i32>)] = &[
    ("exit 0", Some(0), None),
    ("exit 1", Some(1), None),
    ("exit 9", Some(9), None),
    ("exit 127", Some(127), None),
    ("exit 128", Some(128), None),
    ("exit 255", Some(255), None),
    // Not HUP or INT: a run in the background may have been told to ignore them, and a shell cannot take that back.
    ("kill -USR1 $$", None, Some(10)),
    ("kill -USR2 $$", None, Some(12)),
    ("kill -KILL $$", None, Some(9)),
    ("kill -SEGV $$", None, Some(11)),
    ("kill -TERM $$", None, Some(15)),
    // What it leaves behind says nothing about it.
    ("(setsid sleep 600 &) ; exit 3", Some(3), None),
    ("(setsid sleep 600 &) ; kill -TERM $$", None, Some(15)),
    // The reaper gets no signal that a program sends to its own group.
    ("kill -KILL 0", None, Some(9)),
    ("trap '' TERM; kill -TERM 0; exit 4", Some(4), None),
    ("trap '' PWR; kill -PWR 0; exit 5", Some(5), None),
];

fn said(status: ExitStatus) -> (Option<i32>, Option<i32>) {
    (status.code(), status.signal())
}

#[test]
fn a_program_is_told_of_by_its_own_end() {
    for (script, code, signal) in ENDS {
        let (mut tree, _pipes) = Spawn::new("bash").args(["-c", script]).start().unwrap();
        until(&format!("`{script}` ends"), || tree.exit_status().unwrap().is_some());
        assert_eq!(said(tree.exit_status().unwrap().unwrap()), (*code, *signal), "{script}");
        // Nothing in this program adopts: without its reaper this would be an error.
        tree.kill().unwrap();
        assert_eq!(said(tree.exit_status().unwrap().unwrap()), (*code, *signal), "{script}, once all is gone");
    }
}

#[test]
fn a_program_that_is_killed_ended_by_that() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("echo $$ >> {}; sleep 600", pids.display());
    let (mut tree, _pipes) = Spawn::new("bash").args(["-c", &script]).start().unwrap();
    wait_for_lines(&pids, 1);
    assert!(tree.exit_status().unwrap().is_none(), "it runs");
    tree.kill().unwrap();
    assert_eq!(said(tree.exit_status().unwrap().unwrap()), (None, Some(9)));
}

/// The kernel kills the program with it, and nothing has reported how.
#[test]
fn a_program_whose_reaper_is_killed_ended_by_a_signal() {
    let (mut tree, _pipes) = Spawn::new("bash").args(["-c", "kill -KILL $PPID; sleep 600"]).start().unwrap();
    until("the reaper ends", || tree.exit_status().unwrap().is_some());
    assert_eq!(said(tree.exit_status().unwrap().unwrap()), (None, Some(9)));
    let error = tree.kill().unwrap_err().to_string();
    assert!(error.contains("its reaper was killed"), "{error}");
}

/// A program starts with the signals that its starter would give it: none blocked, so that it can be told to end.
#[test]
fn a_program_starts_with_no_signal_blocked() {
    let script = "grep SigBlk /proc/self/status";
    let blocked = |mut pipes: enforcecore_host::process::Pipes| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut pipes.stdout, &mut text).unwrap();
        text
    };
    let (mut tree, pipes) = Spawn::new("bash").args(["-c", script]).start().unwrap();
    assert_eq!(blocked(pipes), "SigBlk:\t0000000000000000\n");
    tree.kill().unwrap();
}
