//! A lock that another process holds and never gives back, and names in a log's folder that are no files.
#![cfg(test)]
#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use enforcecore::audit::{CommitError, Durability, Log, LogError};
use enforcecore::ports::{LogStore as _, TURN_WAIT_MAX};
use enforcecore::session::State;
use enforcecore_host::file_log::{FileLog, LOCK_FILE, LOG_FILE, open_for_reading};
use enforcecore_host::files::{How, MadeBy, Refused, open as open_file};
use support::{folders, intend, intent, open};

/// How long a wait may take that ends by itself: its limit, and what a busy machine adds.
const ENDED_MAX: Duration = Duration::from_secs(30);

/// What comes of it, and how long that took: on a thread of its own, because it must end by itself.
fn ends<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> (T, Duration) {
    let (ended, end) = mpsc::channel();
    let begin = Instant::now();
    thread::spawn(move || ended.send(run()));
    let result = end.recv_timeout(ENDED_MAX).unwrap_or_else(|_| panic!("{what}: it waits for ever"));
    (result, begin.elapsed())
}

fn write(log: &Log<State>) -> String {
    let entry = intent("refused");
    match log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))) {
        Err(CommitError::Log(LogError::Store(error))) => error.to_string(),
        _ => "written".to_owned(),
    }
}

/// Whichever file is held, and however: by a writer that hangs, or by a reader.
#[test]
fn a_writer_waits_for_a_hung_one_no_longer_than_its_limit() {
    assert_eq!(TURN_WAIT_MAX, Duration::from_secs(2));
    let check = |name: &str, shared: bool| {
        let root = tempfile::tempdir().unwrap();
        let folders = folders(root.path());
        let log = open(&folders).unwrap();
        intend(&log, "a");
        let path = folders.log.join(LOG_FILE);
        let before = fs::read(&path).unwrap();
        let held = File::open(folders.log.join(name)).unwrap();
        if shared { held.lock_shared() } else { held.lock() }.unwrap();
        let writer = log.clone();
        let (said, waited) = ends(name, move || write(&writer));
        assert_eq!(said, "cannot lock the log: another process holds it for too long", "{name}");
        assert!(waited >= TURN_WAIT_MAX, "{name}: {waited:?}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}: nothing was written");
        // An auditor needs no lock.
        let folder = folders.log.clone();
        let (read, _) = ends(name, move || open_for_reading(&folder).map(|lines| lines.limit()).unwrap());
        assert_eq!(read, before.len() as u64);
        // The twin, which differs in that it was given back.
        drop(held);
        assert_eq!(intend(&log, "b"), 2, "{name}");
    };
    thread::scope(|scope| {
        for (name, shared) in [(LOCK_FILE, false), (LOCK_FILE, true), (LOG_FILE, false), (LOG_FILE, true)] {
            scope.spawn(move || check(name, shared));
        }
    });
}

/// Makes something of this kind; false where only root could.
fn make(what: &str, path: &Path) -> bool {
    let ran = |program: &str, args: &[&str]| {
        Command::new(program).arg(path).args(args).output().is_ok_and(|output| output.status.success())
    };
    match what {
        "pipe" => ran("mkfifo", &[]),
        "folder" => fs::create_dir(path).is_ok(),
        "socket" => UnixListener::bind(path).is_ok(),
        "device" => ran("mknod", &["c", "1", "3"]),
        "disk" => ran("mknod", &["b", "7", "200"]),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_no_file_is_no_log() {
    for name in [LOG_FILE, LOCK_FILE] {
        for what in ["pipe", "folder", "socket", "device", "disk"] {
            let root = tempfile::tempdir().unwrap();
            let folders = folders(root.path());
            fs::create_dir(&folders.log).unwrap();
            let path = folders.log.join(name);
            if !make(what, &path) {
                eprintln!("skipped: a {what}, which only root can make");
                continue;
            }
            let opened = folders.clone();
            let (said, _) = ends(what, move || open(&opened).map(drop).unwrap_err().to_string());
            assert_eq!(said, "cannot open the log folder: it is not a regular file", "{what} as {name}");
            // The twin.
            if what == "folder" { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
            assert_eq!(intend(&open(&folders).unwrap(), "a"), 1);
        }
    }
}

/// Devices that every system has and anyone may write, as what would swallow evidence or never end.
#[test]
fn a_device_is_opened_for_nothing() {
    for device in ["/dev/null", "/dev/zero", "/dev/full"] {
        for how in [How::Read, How::ReadAndAppend, How::AppendOrMake, How::LockOrMake, How::MakeNew] {
            for made_by in [MadeBy::Us, MadeBy::Anyone] {
                let (refused, _) = ends(device, move || open_file(Path::new(device), made_by, how).map(drop));
                let expected = if how == How::MakeNew { "File exists" } else { "it is not a regular file" };
                assert!(
                    matches!(&refused, Err(Refused::Failed(why)) if why.to_string().contains(expected)),
                    "{refused:?}"
                );
            }
        }
    }
}

/// A write that breaks off, is moved away, and breaks off again before anything else is written: each tail is kept.
#[test]
fn tails_torn_at_one_place_are_all_kept() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let store = FileLog::open(&folders.log).unwrap();
    let tails: [(&[u8], &str); 6] = [
        (b"{\"first", "torn/0-7"),
        (b"{\"secon", "torn/0-7.1"),
        (b"{\"third", "torn/0-7.2"),
        (b"{", "torn/0-1"),
        (b"{\"forth", "torn/0-7.3"),
        (b"[", "torn/0-1.1"),
    ];
    for (tail, name) in tails {
        let mut turn = store.turn().unwrap();
        turn.append(tail).unwrap();
        assert_eq!(turn.quarantine(0).unwrap(), name);
        assert_eq!(turn.bytes().unwrap(), 0);
    }
    for (tail, name) in tails {
        assert_eq!(fs::read(folders.log.join(name)).unwrap(), tail, "{name}");
    }
    assert_eq!(intend(&open(&folders).unwrap(), "a"), 1);
}
