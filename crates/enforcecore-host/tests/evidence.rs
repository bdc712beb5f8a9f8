//! The evidence log in files: one writer a process, turns between processes, keys, anchors, crashes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use enforcecore::audit::{FindingKind, Kind, LogError, Report, Verdict, VerifyOptions};
use enforcecore_host::evidence::{LogFolders, anchored_checkpoint, entries, verify_folder};
use enforcecore_host::keys::FileSigner;
use support::{ORIGIN, folders, intend, open};

fn check(folders: &LogFolders) -> Report {
    let anchor = anchored_checkpoint(folders.anchor.as_ref().unwrap()).unwrap();
    let key = FileSigner::load_or_create(&folders.keys, ORIGIN).unwrap().public();
    let options = VerifyOptions { key: Some(key), anchors: anchor.into_iter().collect(), ..VerifyOptions::default() };
    verify_folder(&folders.log, &options).unwrap()
}

#[test]
fn one_process_has_one_writer_for_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    fs::create_dir(root.path().join("way")).unwrap();
    let other_way = LogFolders { log: root.path().join("way/../log"), ..folders.clone() };
    assert!(matches!(open(&other_way), Err(LogError::Store(_))), "another path is another configuration");
    assert!(Arc::ptr_eq(&log, &open(&folders).unwrap()));
    intend(&log, "a");
    drop(log);
    let again = open(&folders).unwrap();
    assert_eq!(intend(&again, "b"), 2);
    drop(again);
    let report = check(&folders);
    assert_eq!((report.verdict, report.entries), (Verdict::Valid, 3), "{:?}", report.findings);
    let kinds: Vec<Kind> = entries(&folders.log).unwrap().map(|entry| entry.unwrap().kind).collect();
    assert_eq!(kinds, [Kind::Genesis, Kind::Intent, Kind::Intent]);
}

#[test]
fn files_are_their_owners_alone() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    drop(open(&folders).unwrap());
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
    for folder in ["log", "log/torn", "keys", "anchor"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["log/log.jsonl", "log/lock", "keys/log-signing-key.pem", "keys/log-names-secret", "anchor/checkpoint"]
    {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    let key = root.path().join("keys/log-signing-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let Err(LogError::Store(error)) = open(&folders) else { panic!("a key that others can read was used") };
    assert!(error.why.contains("600"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    open(&folders).unwrap();
}

#[test]
fn a_symbolic_link_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    fs::create_dir(&folders.log).unwrap();
    symlink(root.path().join("elsewhere"), folders.log.join("log.jsonl")).unwrap();
    assert!(matches!(open(&folders), Err(LogError::Store(_))));
    assert!(!root.path().join("elsewhere").exists());
    fs::remove_file(folders.log.join("log.jsonl")).unwrap();
    open(&folders).unwrap();
}

#[test]
fn a_log_that_was_exchanged_under_its_writer_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    intend(&log, "a");
    let path = folders.log.join("log.jsonl");
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(log.flush(), Err(LogError::Store(_))));
}

#[test]
fn a_log_shorter_than_its_anchor_is_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    intend(&log, "a");
    log.flush().unwrap();
    let path = folders.log.join("log.jsonl");
    let shorter = fs::read(&path).unwrap();
    intend(&log, "b");
    drop(log);
    let whole = fs::read(&path).unwrap();
    for (bytes, from) in [(&shorter[..], 2), (&b""[..], 0)] {
        fs::write(&path, bytes).unwrap();
        let Err(LogError::Damaged(finding)) = open(&folders) else { panic!("a cut log was opened") };
        assert_eq!(finding.kind, FindingKind::ShorterThanAnchor);
        assert_eq!(finding.place, enforcecore::audit::Place::Entries(from, 3));
        assert_eq!(check(&folders).verdict, Verdict::Invalid);
    }
    fs::write(&path, &whole).unwrap();
    open(&folders).unwrap();
}

#[test]
fn a_log_of_another_key_is_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    drop(open(&folders).unwrap());
    let others = LogFolders { keys: root.path().join("other keys"), anchor: None, ..folders.clone() };
    let Err(LogError::Damaged(finding)) = open(&others) else { panic!("a log of another key was opened") };
    assert_eq!(finding.kind, FindingKind::WrongKey);
    let renamed = LogFolders { origin: "example.com/other".to_owned(), anchor: None, ..folders.clone() };
    assert!(matches!(open(&renamed), Err(LogError::Damaged(_))));
    open(&folders).unwrap();
}

#[test]
fn a_torn_tail_is_moved_away_and_recorded() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    intend(&log, "a");
    drop(log);
    let path = folders.log.join("log.jsonl");
    let whole = fs::read(&path).unwrap();
    let torn = b"{\"call\":\"b\",\"ind";
    fs::write(&path, [&whole[..], torn].concat()).unwrap();
    drop(open(&folders).unwrap());
    let report = check(&folders);
    assert_eq!((report.verdict, report.entries), (Verdict::Valid, 3), "{:?}", report.findings);
    let recovery = entries(&folders.log).unwrap().last().unwrap().unwrap();
    assert_eq!((recovery.kind, recovery.note["bytes"].as_str()), (Kind::Recovery, "16"));
    assert_eq!(fs::read(folders.log.join(&recovery.note["file"])).unwrap(), torn);
}

const CHILD_ROOT: &str = "ENFORCECORE_TEST_LOG_ROOT";
const CHILD_CALLS: &str = "ENFORCECORE_TEST_LOG_CALLS";

/// Runs in a process of its own, started by the tests below: writes calls, and after each acknowledgement its name.
#[test]
fn child_writes() {
    let (Ok(root), Ok(calls)) = (std::env::var(CHILD_ROOT), std::env::var(CHILD_CALLS)) else { return };
    let log = open(&folders(root.as_ref())).unwrap();
    let mut acknowledged = fs::OpenOptions::new().append(true).create(true).open(format!("{root}/acks")).unwrap();
    for n in 0..calls.parse::<usize>().unwrap() {
        let call = format!("{}-{n}", std::process::id());
        intend(&log, &call);
        acknowledged.write_all(format!("{call}\n").as_bytes()).unwrap();
    }
}

fn spawn_writer(root: &Path, calls: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_writes"]).env(CHILD_ROOT, root).env(CHILD_CALLS, calls.to_string());
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn what_a_killed_process_was_promised_is_in_the_log() {
    let root = tempfile::tempdir().unwrap();
    let acknowledged = || fs::read_to_string(root.path().join("acks")).unwrap_or_default();
    for round in 1..=6 {
        let enough = acknowledged().lines().count() + 3 * round;
        let mut children = [spawn_writer(root.path(), usize::MAX), spawn_writer(root.path(), usize::MAX)];
        while acknowledged().lines().count() < enough {
            assert!(children.iter_mut().all(|child| child.try_wait().unwrap().is_none()), "a writer gave up");
            std::thread::yield_now();
        }
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let folders = folders(root.path());
        drop(open(&folders).unwrap());
        let report = check(&folders);
        assert_eq!(report.verdict, Verdict::Valid, "{:?}", report.findings);
        let entries: Vec<_> = entries(&folders.log).unwrap().map(|entry| entry.unwrap().call).collect();
        let acknowledged = acknowledged();
        for call in acknowledged.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            assert!(entries.iter().any(|entry| entry.as_deref() == Some(call)), "{call} was acknowledged and is gone");
        }
    }
}

/// The system cuts a write in the middle and kills the writer: what a full disk and a kill do at once.
#[test]
fn a_write_that_the_system_cuts_is_recovered() {
    let mut recoveries = 0;
    for blocks in ["3", "4", "5", "6", "7", "8"] {
        let root = tempfile::tempdir().unwrap();
        let folders = folders(root.path());
        drop(open(&folders).unwrap());
        let limited = "ulimit -c 0; ulimit -f $1; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, "sh", blocks]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "child_writes"]).env(CHILD_ROOT, root.path()).env(CHILD_CALLS, "1000");
        assert!(!command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        let log = open(&folders).unwrap();
        intend(&log, "after");
        drop(log);
        let report = check(&folders);
        assert_eq!(report.verdict, Verdict::Valid, "{:?}", report.findings);
        let acknowledged = fs::read_to_string(root.path().join("acks")).unwrap_or_default().lines().count() as u64;
        let recovered = u64::from(fs::read_dir(folders.log.join("torn")).unwrap().next().is_some());
        assert!(report.entries >= 2 + acknowledged + recovered, "{blocks}: {acknowledged} of {}", report.entries);
        recoveries += recovered;
    }
    assert!(recoveries > 0, "no write was cut in its middle");
}

#[test]
fn processes_take_turns() {
    const CALLS: usize = 25;
    let root = tempfile::tempdir().unwrap();
    for mut child in [(); 3].map(|()| spawn_writer(root.path(), CALLS)) {
        assert!(child.wait().unwrap().success());
    }
    let report = check(&folders(root.path()));
    assert_eq!((report.verdict, report.entries), (Verdict::Valid, 1 + 3 * CALLS as u64), "{:?}", report.findings);
    let entries: Vec<_> = entries(&root.path().join("log")).unwrap().map(Result::unwrap).collect();
    let writers: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.writer).collect();
    assert_eq!(writers.len(), 3);
}
