//! A fork bomb, which forks and ends all the time has another process id at each look, and is killed all the same.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Instant;

use enforcecore_host::process::{Spawn, adopt_orphans};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use support::{PATIENCE, own_words, until};

/// How many bombs a program starts; unset where no program was started.
const FORK_BOMBS: &str = "TEST_FORK_BOMBS";
/// Whether it then kills its reaper.
const ORPHANED: &str = "TEST_FORK_BOMBS_ORPHANED";

/// What one says once it has forked so often that its first parents are long gone.
const FORKING: &[u8] = b"one forks\n";
const FORKS: u32 = 100;

/// Runs in a process of its own, started by the test below. If it is not killed, it ends once its time is over.
#[test]
#[ignore = "it escapes, and is started by others"]
fn child_fork_bombs() {
    let bombs: u32 = std::env::var(FORK_BOMBS).unwrap().parse().unwrap();
    let end = Instant::now() + 2 * PATIENCE;
    #[expect(unsafe_code, reason = "there is no safe way to fork")]
    // SAFETY: what was forked makes system calls only.
    unsafe {
        for _ in 0..bombs {
            if libc::fork() == 0 {
                let mut forks = 0;
                while Instant::now() < end {
                    match libc::fork() {
                        0 => libc::setsid(),
                        -1 => 0,
                        _ => libc::_exit(0),
                    };
                    forks += 1;
                    if forks == FORKS {
                        libc::write(1, FORKING.as_ptr().cast(), FORKING.len());
                    }
                }
                libc::_exit(0);
            }
        }
        if std::env::var_os(ORPHANED).is_some() {
            libc::kill(libc::getppid(), libc::SIGKILL);
        }
    }
    std::thread::sleep(2 * PATIENCE);
}

/// Kills a program with so many bombs, beside a child of another caller.
fn check(bombs: u32, orphaned: bool) {
    let mut words = own_words();
    let mut program = Spawn::new(words.remove(0)).args(&words).env(FORK_BOMBS, bombs.to_string());
    program = program.args(["--exact", "child_fork_bombs", "--ignored", "--nocapture"]);
    if orphaned {
        program = program.env(ORPHANED, "1");
    }
    let (mut tree, pipes) = program.start().unwrap();
    let mut said = BufReader::new(pipes.stdout);
    let mut text = String::new();
    while text.matches("one forks").count() < bombs as usize {
        assert_ne!(said.read_line(&mut text).unwrap(), 0, "it ended without a word");
    }
    if orphaned {
        until("its reaper is gone", || tree.exit_status().unwrap().is_some());
    }
    assert!(orphaned || tree.exit_status().unwrap().is_none());
    assert!(!is_let_go(said.get_ref()), "they fork");
    tree.kill().unwrap();
    assert!(is_let_go(said.get_ref()), "{bombs} bombs, orphaned {orphaned}: one holds the program's output");
}

// One test, because what is adopted is adopted for the whole process.
#[test]
fn a_fork_bomb_is_ended() {
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    check(1, false);
    check(6, false);
    assert!(other.try_wait().unwrap().is_none(), "nobody else's child is touched");
    other.kill().unwrap();
    other.wait().unwrap();

    adopt_orphans().unwrap();
    let (mut tree, _pipes) = Spawn::new("sleep").args(["600"]).start().unwrap();
    check(1, true);
    check(6, true);
    assert!(tree.exit_status().unwrap().is_none(), "no other tree is touched");
}

/// Whether no process is left that could write: exact, where a look at processes is not.
fn is_let_go(pipe: &impl std::os::fd::AsFd) -> bool {
    let mut polled = [PollFd::new(pipe, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).unwrap() == 1
}
