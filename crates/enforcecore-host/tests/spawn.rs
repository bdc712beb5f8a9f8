//! A program and all it started are ended together, however they try to get away.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use enforcecore_host::process::{Spawn, adopt_orphans};
use support::{until, wait_for_lines};

/// Runs a shell script that writes the ids of what it started into `pids`, kills it, and looks for survivors.
fn check(script: &str, members: usize) {
    adopt_orphans().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = script.replace("PIDS", pids.to_str().unwrap());
    let (mut tree, _pipes) = Spawn::new("bash").args(["-c", &script]).start().unwrap();
    let ids = wait_for_lines(&pids, members);
    assert!(ids.iter().all(|id| is_alive(id)), "{script}: {ids:?} should run");
    if script.contains("exit") || script.contains("$PPID") {
        until(&format!("`{script}` ends"), || tree.exit_status().unwrap().is_some());
    }
    tree.kill().unwrap();
    assert!(ids.iter().all(|id| !is_alive(id)), "{script}: a survivor among {ids:?}");
    assert!(tree.exit_status().unwrap().is_some());
    tree.kill().unwrap();
}

// One test, because a process has one set of children: two trees without reapers would end each other's orphans.
#[test]
fn a_tree_is_ended_with_all_it_started() {
    check("echo $$ >> PIDS; sleep 600", 1);
    check("echo $$ >> PIDS; sleep 600 & echo $! >> PIDS; wait", 2);
    check("(trap '' TERM INT HUP; echo $BASHPID >> PIDS; while true; do sleep 0.1; done) & wait", 1);
    check("setsid bash -c 'echo $$ >> PIDS; sleep 600' & sleep 600", 1);
    // A daemon: forked twice, in a session of its own, its parents gone.
    check("(setsid bash -c '(echo $BASHPID >> PIDS; exec sleep 600) & disown' &) ; sleep 600", 1);
    check(
        "(setsid bash -c '(echo $BASHPID >> PIDS; exec sleep 600) & disown' &) ; until [ -s PIDS ]; do sleep 0.01; done; exit 3",
        1,
    );
    // Without its reaper it is ours.
    check(
        "(setsid bash -c '(echo $BASHPID >> PIDS; exec sleep 600) & disown' &) ; until [ -s PIDS ]; do sleep 0.01; done; kill -KILL $PPID; sleep 600",
        1,
    );
    check("for i in 1 2 3 4 5 6 7 8; do (echo $BASHPID >> PIDS; while true; do (sleep 0.01); done) & done; wait", 8);

    let (mut tree, mut pipes) = Spawn::new("cat").start().unwrap();
    pipes.stdin.write_all(b"hello").unwrap();
    drop(pipes.stdin);
    let mut said = String::new();
    pipes.stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello");
    until("`cat` ends", || tree.exit_status().unwrap().is_some());
    assert!(tree.exit_status().unwrap().unwrap().success());
    let place = format!("/proc/{}", tree.id());
    assert!(Path::new(&place).exists(), "until the tree is gone nobody else gets its id");
    tree.kill().unwrap();
    assert!(!Path::new(&place).exists());
    assert!(tree.exit_status().unwrap().unwrap().success());

    let (tree, _pipes) = Spawn::new("sleep").args(["600"]).start().unwrap();
    let id = tree.id().to_string();
    drop(tree);
    assert!(!is_alive(&id), "dropped, it is ended");
}

#[test]
fn a_program_that_is_not_there_is_an_error_with_its_name() {
    let error = Spawn::new("/nowhere/server").args(["x"]).start().unwrap_err();
    assert_eq!(error.to_string(), "cannot start `/nowhere/server`: No such file or directory (os error 2)");
}

#[test]
fn a_program_gets_its_variables_and_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().canonicalize().unwrap();
    fs::write(inside.join("program"), "#!/bin/sh\necho started").unwrap();
    fs::set_permissions(inside.join("program"), Permissions::from_mode(0o755)).unwrap();
    let said = |program: Spawn| {
        let (mut tree, mut pipes) = program.start().unwrap();
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).unwrap();
        tree.kill().unwrap();
        said
    };
    let shell = || Spawn::new("sh").args(["-c"]).args(["echo $0 ${SET-unset} ${HOME-unset} $(pwd -P)", "arg"]);
    let home = std::env::var("HOME").unwrap_or("unset".to_owned());
    let ours = std::env::current_dir().unwrap().canonicalize().unwrap();
    assert_eq!(said(shell()), format!("arg unset {home} {}\n", ours.display()));
    let given = shell().env("SET", "a").env("SET", "b").cwd(&inside);
    assert_eq!(said(given), format!("arg b {home} {}\n", inside.display()), "the rest of the environment is ours");
    assert_eq!(said(shell().env("HOME", "/h").cwd("src")), format!("arg unset /h {}/src\n", ours.display()));

    // A relative path of the program begins in our folder, and not in its own.
    let error = Spawn::new("./program").cwd(&inside).start().unwrap_err().to_string();
    assert_eq!(error, "cannot start `./program`: No such file or directory (os error 2)");
    let up = "../".repeat(ours.components().count() - 1);
    let relative = format!("{up}{}", inside.join("program").strip_prefix("/").unwrap().display());
    assert_eq!(said(Spawn::new(relative).cwd("/")), "started\n");
    let error = shell().cwd(inside.join("nothing")).start().unwrap_err().to_string();
    assert_eq!(error, "cannot start `sh`: No such file or directory (os error 2)");
}

fn is_alive(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
