//! Killing a tree kills no other process: no other tree, no child outside a tree, no process that got the id of one that ended.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use enforcecore_host::process::{Pipes, Spawn, Tree, adopt_orphans};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use support::{own_words, until};

fn sleeping() -> (Tree, Pipes) {
    Spawn::new("sleep").args(["600"]).start().unwrap()
}

fn runs(tree: &mut Tree) -> bool {
    tree.exit_status().unwrap().is_none()
}

fn kill_reaper(tree: &mut Tree) {
    let reaper = Pid::from_raw(i32::try_from(tree.id()).unwrap()).unwrap();
    kill_process(reaper, Signal::KILL).unwrap();
    until("its reaper ends", || !runs(tree));
}

fn child() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

// One test, because a process is a reaper as a whole.
#[test]
fn no_other_process_is_ended() {
    check_ignored_ends();

    set_child_subreaper(Some(getpid())).unwrap();
    let mut other = child();
    let (mut first, _pipes) = sleeping();
    first.kill().unwrap();
    let (mut first, _pipes) = sleeping();
    kill_reaper(&mut first);
    let error = first.kill().unwrap_err().to_string();
    assert!(error.ends_with("its reaper was killed, and its child processes may still run"), "{error}");
    assert!(other.try_wait().unwrap().is_none(), "a reaper for other reasons keeps its own child");
    other.kill().unwrap();
    other.wait().unwrap();

    adopt_orphans().unwrap();
    let ((mut first, _pipes), (mut second, _other_pipes)) = (sleeping(), sleeping());
    first.kill().unwrap();
    assert!(runs(&mut second));
    let (mut first, _pipes) = sleeping();
    kill_reaper(&mut first);
    first.kill().unwrap();
    assert!(runs(&mut second), "not even where orphans are looked for");
    second.kill().unwrap();
    assert!(!runs(&mut second));
}

/// Runs in a process of its own, started by the test below with SIGCHLD ignored.
#[test]
#[ignore = "it is started by others, with a signal ignored"]
fn child_ignores_ends() {
    let error = Spawn::new("sleep").args(["600"]).start().unwrap_err().to_string();
    assert!(error.contains("this program ignores SIGCHLD"), "{error}");
    adopt_orphans().unwrap();
    let (mut tree, _pipes) = Spawn::new("sh").args(["-c", "exit 3"]).start().unwrap();
    until("it ends", || !runs(&mut tree));
    tree.kill().unwrap();
    assert_eq!(tree.exit_status().unwrap().unwrap().code(), Some(3));

    let (mut tree, _pipes) = sleeping();
    ignore_ends().unwrap();
    kill_process(Pid::from_raw(i32::try_from(tree.id()).unwrap()).unwrap(), Signal::KILL).unwrap();
    until("its id is free", || tree.exit_status().is_err());
    let error = tree.kill().unwrap_err().to_string();
    assert!(error.contains("its end was taken by another"), "{error}");
}

/// A process that was reaped elsewhere has an id that may be another's.
fn check_ignored_ends() {
    let words = own_words();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--exact", "child_ignores_ends", "--ignored"]);
    #[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
    // SAFETY: one system call.
    let output = unsafe { command.pre_exec(ignore_ends) }.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn ignore_ends() -> std::io::Result<()> {
    #[expect(unsafe_code, reason = "there is no safe way to ignore a signal")]
    // SAFETY: no handler is set.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
    }
    Ok(())
}
