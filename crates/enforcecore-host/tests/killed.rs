//! What is left of a program when those above it are killed, and what it can see of them.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use enforcecore_host::process::{Spawn, adopt_orphans};
use support::{own_words, wait_for_lines};

/// The script that a proxy has its program run; unset where no proxy was started.
const SCRIPT: &str = "TEST_KILLED_SCRIPT";
/// Whether the proxy adopts what loses its parent.
const ADOPTS: &str = "TEST_KILLED_ADOPTS";

/// Whether it waits until its stdin ends before it looks at its program.
const WAITS: &str = "TEST_KILLED_WAITS";

/// A user who is neither root nor the owner of anything here.
const OTHER: u32 = 65534;

/// Runs in a process of its own, started by the tests below: starts the program and says what it says, until it is killed.
#[test]
#[ignore = "it is started by others"]
fn child_is_a_proxy() {
    let script = std::env::var(SCRIPT).unwrap();
    if std::env::var_os(ADOPTS).is_some() {
        adopt_orphans().unwrap();
    }
    let (mut tree, mut pipes) = Spawn::new("bash").args(["-c", &script]).start().unwrap();
    println!("\nreaper {}", tree.id());
    if std::env::var_os(WAITS).is_some() {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    }
    // A survivor holds its stdout open, so that is read on another thread.
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).map(|_| said)
    });
    while tree.exit_status().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = tree.kill().is_ok();
    println!("{}ended {ended}", said.join().unwrap().unwrap());
}

/// A proxy in a process of its own, and the lines it says.
fn proxy(words: Vec<OsString>, script: &str, how: &[&str], user: Option<u32>) -> (Child, impl Iterator<Item = String>) {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", "child_is_a_proxy", "--ignored", "--nocapture"]).env(SCRIPT, script);
    command.envs(how.iter().map(|how| (*how, "1")));
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}

/// Programs by what they start, each with how many write their id to `PIDS`.
const PROGRAMS: [(&str, usize); 6] = [
    ("echo $$ >> PIDS; exec sleep 100", 1),
    ("echo $$ >> PIDS; sleep 100 & echo $! >> PIDS; wait", 2),
    ("(trap '' TERM INT HUP PIPE PWR; echo $BASHPID >> PIDS; while true; do sleep 0.1; done) & wait", 1),
    ("setsid bash -c 'echo $$ >> PIDS; exec sleep 100' & echo $$ >> PIDS; wait", 2),
    ("(setsid bash -c '(echo $BASHPID >> PIDS; exec sleep 100) & disown' &) ; echo $$ >> PIDS; sleep 100", 2),
    ("(setsid bash -c '(echo $BASHPID >> PIDS; exec sleep 100) & disown' &) ; exit 0", 1),
];

/// Kills one of those above a program, and waits until nothing of the program is left.
fn check(victim: &str, script: &str, members: usize) {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = script.replace("PIDS", pids.to_str().unwrap());
    let how: &[&str] = if victim == "reaper" { &[ADOPTS, WAITS] } else { &[WAITS] };
    let (mut child, mut lines) = proxy(own_words(), &script, how, None);
    let reaper = lines.find_map(|line| line.strip_prefix("reaper ").map(str::to_owned)).unwrap();
    let ids = wait_for_lines(&pids, members);
    assert!(ids.iter().all(|id| is_alive(id)), "{script}: {ids:?} should run");
    match victim {
        "proxy" => child.kill().unwrap(),
        _ => assert!(Command::new("kill").args(["-KILL", &reaper]).status().unwrap().success()),
    }
    // Now the proxy looks, if it is still there, as one does all the time.
    drop(child.stdin.take());
    let begin = Instant::now();
    while is_alive(&reaper) || ids.iter().any(|id| is_alive(id)) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{victim} killed, {script}: a survivor among {ids:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = lines.find(|line| line.starts_with("ended "));
    let expected = match victim {
        "proxy" => None,
        "reaper" => Some("ended true"),
        _ => Some("ended false"),
    };
    assert_eq!(ended.as_deref(), expected, "{victim} killed, {script}");
    child.wait().unwrap();
}

#[test]
fn a_proxy_that_is_killed_leaves_nothing_of_its_program() {
    for (script, members) in PROGRAMS {
        check("proxy", script, members);
    }
}

#[test]
fn a_killed_reaper_leaves_nothing_of_its_program() {
    for (script, members) in PROGRAMS {
        check("reaper", script, members);
    }
    // Where no process takes over from the reaper, the kernel kills the program.
    check("reaper of a proxy that adopts nobody", "echo $$ >> PIDS; exec sleep 100", 1);
}

/// Looks into a process as a program can without more rights than its user has: one line for each way.
const LOOK: &str = r#"look() {
  for file in environ maps mem auxv io syscall stack pagemap; do
    (: < /proc/$1/$file) 2> /dev/null && echo saw $2 $file
  done
  for link in exe cwd root; do [ -n "$(readlink /proc/$1/$link)" ] && echo saw $2 $link; done
  ls /proc/$1/fd > /dev/null 2>&1 && echo saw $2 fd
  (: > /proc/$1/mem) 2> /dev/null && echo saw $2 written
}
sleep 100 & sleep=$!
look $PPID reaper
look $sleep other
"#;

/// The reaper is a fork of us, so its memory holds our keys: its program, which runs as the same user, sees nothing of it.
#[test]
fn a_program_cannot_look_into_its_reaper() {
    // Root looks into everything, so root starts the program as another user.
    let user = rustix::process::geteuid().is_root().then_some(OTHER);
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let words = copied(own_words(), folder.path());
    let (mut child, lines) = proxy(words, LOOK, &[], user);
    let seen: Vec<String> = lines.take_while(|line| line != "ended true").collect();
    let of = |whom: &str| -> Vec<String> {
        let prefix = format!("saw {whom} ");
        seen.iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    };
    assert_eq!(of("reaper"), [] as [&str; 0], "{seen:?}");
    // The twin: any other process of the same user.
    for way in ["environ", "maps", "mem", "auxv", "exe", "cwd", "fd", "written"] {
        assert!(of("other").iter().any(|seen| seen == way), "{way}: {seen:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The same program where any user can start it.
fn copied(mut words: Vec<OsString>, folder: &Path) -> Vec<OsString> {
    let own = words.last_mut().unwrap();
    let copy = folder.join("program");
    fs::copy(&*own, &copy).unwrap();
    fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    *own = copy.into();
    words
}

fn is_alive(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
