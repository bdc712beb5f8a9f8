//! A program that forks and ends all the time has another process id whenever somebody looks, and is ended all the same.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Instant;

use enforcecore_host::spawn::{adopt_orphans, spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use support::{PATIENCE, own_words, until};

/// How many comets a program starts; unset where no program was started.
const COMETS: &str = "COMETS";
/// Whether it then kills its keeper.
const ORPHANED: &str = "COMETS_ORPHANED";

/// What a comet says once it has forked so often that its first parents are long gone.
const FLIES: &[u8] = b"one flies\n";
const FORKS: u32 = 100;

/// Runs in a process of its own, started by the test below. It ends by itself, if nobody ends it, once its time is over.
#[test]
#[ignore = "it escapes, and is started by others"]
fn child_comets() {
    let comets: u32 = std::env::var(COMETS).unwrap().parse().unwrap();
    let end = Instant::now() + 2 * PATIENCE;
    #[expect(unsafe_code, reason = "there is no safe way to fork")]
    // SAFETY: what was forked makes system calls only.
    unsafe {
        for _ in 0..comets {
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
                        libc::write(1, FLIES.as_ptr().cast(), FLIES.len());
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

/// Ends a program with so many comets, beside a child that somebody else started.
fn check(comets: u32, orphaned: bool) {
    let mut words = vec!["env".into(), format!("{COMETS}={comets}").into()];
    words.extend(orphaned.then(|| format!("{ORPHANED}=1").into()));
    words.extend(own_words());
    words.extend(["--exact", "child_comets", "--ignored", "--nocapture"].map(Into::into));
    let (mut tree, pipes) = spawn(&words.remove(0), &words).unwrap();
    let mut said = BufReader::new(pipes.stdout);
    let mut text = String::new();
    while text.matches("one flies").count() < comets as usize {
        assert_ne!(said.read_line(&mut text).unwrap(), 0, "it ended without a word");
    }
    if orphaned {
        until("its keeper is gone", || tree.exit_status().unwrap().is_some());
    }
    assert!(orphaned || tree.exit_status().unwrap().is_none());
    assert!(!is_let_go(said.get_ref()), "they fly");
    tree.kill().unwrap();
    assert!(is_let_go(said.get_ref()), "{comets} comets, orphaned {orphaned}: one holds the program's output");
}

// One test, because what is adopted is adopted for the whole process.
#[test]
fn a_comet_is_ended() {
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    check(1, false);
    check(6, false);
    assert!(other.try_wait().unwrap().is_none(), "nobody else's child is touched");
    other.kill().unwrap();
    other.wait().unwrap();

    adopt_orphans().unwrap();
    let (mut tree, _pipes) = spawn("sleep".as_ref(), &["600"]).unwrap();
    check(1, true);
    check(6, true);
    assert!(tree.exit_status().unwrap().is_none(), "no other tree is touched");
}

/// Whether nobody is left who could write: exact, where a look at processes is not.
fn is_let_go(pipe: &impl std::os::fd::AsFd) -> bool {
    let mut polled = [PollFd::new(pipe, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).unwrap() == 1
}
