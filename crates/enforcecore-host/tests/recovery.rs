//! What became of a log's folder between two calls: a lock that was removed, an anchor that is gone, a killed writer, a cut file.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::fs;
#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::Write as _;
use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};
use std::sync::Arc;

use enforcecore::audit::{
    CommitError, Durability, EntryKind, EntryLine, Log, LogError, LogFindingClass, LogFindingKind, LogParts,
    LogVerdict, VerifyOptions, public_key,
};
use enforcecore::ports::{Anchor, LogStore as _, StoreError};
use enforcecore::session::State;
use enforcecore_host::anchor::FileAnchor;
use enforcecore_host::evidence::{Anchored, LogFolders, anchor_log, entries, verify_folder};
#[cfg(unix)]
use enforcecore_host::file_log::open_for_reading;
use enforcecore_host::file_log::{FileLog, LOCK_FILE, LOG_FILE};
use enforcecore_host::keys::{load_or_create_keyer, load_or_create_signer, load_signer};
use support::{ORIGIN, SystemRandom, SystemTime, check, folders, intend, intent, open};

/// A writer that this process shares with no other: as another process would have it.
fn writer(folders: &LogFolders) -> Result<Log<State>, LogError> {
    let anchor = folders.anchor.as_deref().map(|folder| Box::new(FileAnchor::new(folder)) as Box<dyn Anchor>);
    writer_with(folders, anchor)
}

fn writer_with(folders: &LogFolders, anchor: Option<Box<dyn Anchor>>) -> Result<Log<State>, LogError> {
    let parts = LogParts {
        store: Box::new(FileLog::open(&folders.log)?),
        signer: Box::new(load_or_create_signer(&folders.keys, &folders.origin)?),
        anchor,
        clock: Arc::new(SystemTime),
        random: Arc::new(SystemRandom),
        keyer: load_or_create_keyer(&folders.keys)?,
        origin: folders.origin.clone(),
    };
    Log::open(parts, State::default())
}

fn kinds(folders: &LogFolders) -> Vec<EntryKind> {
    entries(&folders.log).unwrap().map(|entry| entry.unwrap().kind).collect()
}

/// Everything below a folder, with what is in it.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        match fs::read(entry.path()) {
            Ok(bytes) => found.push((entry.path().display().to_string(), bytes)),
            Err(_) => found.extend(contents(&entry.path())),
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn writers_whose_lock_is_removed_still_take_turns() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let (a, b) = (writer(&folders).unwrap(), writer(&folders).unwrap());
    for n in 0..10 {
        for (name, log) in [("a", &a), ("b", &b)] {
            fs::remove_file(folders.log.join(LOCK_FILE)).unwrap();
            intend(log, &format!("{name}{n}"));
            assert!(folders.log.join(LOCK_FILE).exists());
        }
        // One that comes in between takes the new lock.
        intend(&writer(&folders).unwrap(), &format!("c{n}"));
    }
    let report = check(&folders);
    assert_eq!((report.verdict, report.entries), (LogVerdict::Valid, 31), "{:?}", report.findings);
}

#[cfg(unix)]
#[test]
fn two_turns_never_overlap_whatever_becomes_of_the_lock() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let (a, b) = (FileLog::open(&folders.log).unwrap(), FileLog::open(&folders.log).unwrap());
    let turn = a.turn().unwrap();
    fs::remove_file(folders.log.join(LOCK_FILE)).unwrap();
    let c = FileLog::open(&folders.log).unwrap();
    for other in [&b, &c] {
        let refused = other.turn().map(drop).unwrap_err();
        assert!(refused.why.contains("another process holds it for too long"), "{refused}");
    }
    let log = File::open(folders.log.join(LOG_FILE)).unwrap();
    assert!(matches!(log.try_lock(), Err(fs::TryLockError::WouldBlock)));
    drop(turn);
    // Who reads gives the log back before it is read, so no writer waits for an auditor.
    let reader = open_for_reading(&folders.log).unwrap();
    for store in [&a, &b, &c] {
        drop(store.turn().unwrap());
    }
    drop(reader);
    log.try_lock().unwrap();
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_no_file_is_not_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    let lock = folders.log.join(LOCK_FILE);
    fs::remove_file(&lock).unwrap();
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let before = fs::read(folders.log.join(LOG_FILE)).unwrap();
    let entry = intent("a");
    let Err(CommitError::Log(error)) = log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))) else {
        panic!("a call was recorded")
    };
    assert!(error.to_string().contains("it is not a regular file"), "{error}");
    assert_eq!(fs::read(folders.log.join(LOG_FILE)).unwrap(), before);
    fs::remove_file(&lock).unwrap();
    assert_eq!(intend(&log, "b"), 1);
}

#[test]
fn an_anchor_that_is_gone_is_not_made_anew() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let anchor = folders.anchor.clone().unwrap();
    // Without a call there is nothing to lose: the twin.
    drop(open(&folders).unwrap());
    fs::remove_dir_all(&anchor).unwrap();
    intend(&open(&folders).unwrap(), "a");
    assert_eq!(check(&folders).verdict, LogVerdict::Valid);
    let empty = |anchor: &Path| fs::remove_file(anchor.join("checkpoint")).unwrap();
    for lose in [|anchor: &Path| fs::remove_dir_all(anchor).unwrap(), empty] {
        lose(&anchor);
        let before = contents(root.path());
        let Err(error) = open(&folders) else { panic!("the anchor was made anew") };
        assert_eq!(error, LogError::AnchorGone(anchor.display().to_string()));
        assert!(error.help().unwrap().contains("`enforcecore audit anchor`"));
        assert_eq!(contents(root.path()), before, "nothing was written");
        let Anchored::Now(report) = anchor_log(&folders).unwrap() else { panic!("not anchored") };
        assert_eq!(report.entries, kinds(&folders).len() as u64);
        assert!(matches!(anchor_log(&folders).unwrap(), Anchored::Already(_)));
        intend(&open(&folders).unwrap(), &format!("{}", report.entries));
        assert_eq!(check(&folders).verdict, LogVerdict::Valid);
    }
    assert_eq!(kinds(&folders), [EntryKind::Genesis, EntryKind::Intent, EntryKind::Intent, EntryKind::Intent]);
}

#[test]
fn an_anchor_that_is_new_to_a_log_with_calls_is_said_to_be_meant() {
    let root = tempfile::tempdir().unwrap();
    let anchored = folders(root.path());
    let alone = LogFolders { anchor: None, ..anchored.clone() };
    intend(&open(&alone).unwrap(), "a");
    assert!(matches!(open(&anchored), Err(LogError::AnchorGone(_))));
    intend(&open(&alone).unwrap(), "b");
    assert!(matches!(anchor_log(&anchored), Ok(Anchored::Now(_))));
    intend(&open(&anchored).unwrap(), "c");
    assert_eq!(check(&anchored).verdict, LogVerdict::Valid);
}

/// An anchor of a writer that is killed before it tells it anything.
struct NeverTold;

impl Anchor for NeverTold {
    fn latest(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
    fn remember(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::new("write the log's anchor", "killed"))
    }
}

#[test]
fn a_writer_that_is_killed_before_it_first_anchors_leaves_a_log_that_starts() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    assert!(writer_with(&folders, Some(Box::new(NeverTold))).is_err());
    assert_eq!(kinds(&folders), [EntryKind::Genesis], "the first entry is there, and the anchor is not");
    assert!(!folders.anchor.as_ref().unwrap().exists());
    // It also may have been killed in the first entry's middle, which is then set aside.
    let path = folders.log.join(LOG_FILE);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..100]).unwrap();
    assert!(writer_with(&folders, Some(Box::new(NeverTold))).is_err());
    assert_eq!(kinds(&folders), [EntryKind::Genesis, EntryKind::Recovery]);
    intend(&open(&folders).unwrap(), "a");
    let report = check(&folders);
    assert_eq!((report.verdict, report.entries), (LogVerdict::Valid, 3), "{:?}", report.findings);
}

#[test]
fn an_anchor_that_is_taken_away_under_its_writer_stops_it() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let anchor = folders.anchor.clone().unwrap();
    let log = open(&folders).unwrap();
    intend(&log, "a");
    fs::remove_dir_all(&anchor).unwrap();
    let entry = || intent("b");
    for _ in 0..2 {
        let Err(CommitError::Log(error)) = log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry(), ()))) else {
            panic!("a call was acknowledged without its anchor")
        };
        assert!(error.to_string().contains("was taken away since it was last written"), "{error}");
    }
    assert!(!anchor.exists(), "nor is it made anew");
    drop(log);
    assert!(matches!(open(&folders), Err(LogError::AnchorGone(_))));
}

#[test]
fn a_log_is_anchored_only_where_it_is_what_was_written() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let (anchor, path) = (folders.anchor.clone().unwrap(), folders.log.join(LOG_FILE));
    assert!(anchor_log(&folders).is_err(), "there is no log");
    assert!(contents(root.path()).is_empty(), "nothing is made");
    let log = open(&folders).unwrap();
    intend(&log, "a");
    let first = fs::read_to_string(anchor.join("checkpoint")).unwrap();
    let cut = fs::read(&path).unwrap();
    intend(&log, "b");
    drop(log);
    let whole = fs::read(&path).unwrap();
    let refused = |folders: &LogFolders| match anchor_log(folders).unwrap() {
        Anchored::Refused(report) => report.findings[0].kind,
        other @ (Anchored::Now(_) | Anchored::Already(_)) => panic!("{other:?}"),
    };
    // Its anchor remembers more.
    fs::write(&path, &cut).unwrap();
    assert_eq!(refused(&folders), LogFindingKind::ShorterThanAnchor);
    fs::remove_file(anchor.join("checkpoint")).unwrap();
    // An altered entry, with no anchor that would know.
    let altered = String::from_utf8(whole.clone()).unwrap().replacen("\"call\":\"a\"", "\"call\":\"x\"", 1);
    fs::write(&path, altered).unwrap();
    assert_eq!(refused(&folders), LogFindingKind::Altered);
    fs::write(&path, &whole).unwrap();
    let others = LogFolders { keys: root.path().join("other keys"), ..folders.clone() };
    assert!(anchor_log(&others).unwrap_err().to_string().contains("there is no key in"));
    load_or_create_signer(&others.keys, ORIGIN).unwrap();
    assert_eq!(refused(&others), LogFindingKind::WrongKey);
    assert!(!anchor.join("checkpoint").exists());
    // The twin, which also has what a crash left at its end; and one whose anchor is behind.
    fs::write(&path, [&whole[..], b"{\"torn"].concat()).unwrap();
    assert!(matches!(anchor_log(&folders), Ok(Anchored::Now(_))));
    fs::write(anchor.join("checkpoint"), first).unwrap();
    assert!(matches!(anchor_log(&folders), Ok(Anchored::Now(_))));
    intend(&open(&folders).unwrap(), "c");
    assert_eq!(check(&folders).verdict, LogVerdict::Valid);
}

/// Names the folder in which a child begins a call and never ends it.
#[cfg(unix)]
const CHILD_ROOT: &str = "TEST_RECOVERY_ROOT";

/// Runs in a process of its own: begins a call, says so, and waits to be killed.
#[cfg(unix)]
#[test]
fn child_begins_a_call() {
    let Ok(root) = std::env::var(CHILD_ROOT) else { return };
    let log = open(&folders(root.as_ref())).unwrap();
    intend(&log, "begun");
    std::io::stdout().write_all(b"\nbegun\n").unwrap();
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[cfg(unix)]
#[test]
fn a_call_whose_writer_was_killed_is_counted_as_unknown() {
    use std::io::BufRead as _;
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    intend(&open(&folders).unwrap(), "before");
    let mut words = support::own_words().into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", "child_begins_a_call", "--nocapture"]).env(CHILD_ROOT, root.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "begun"));
    child.kill().unwrap();
    child.wait().unwrap();
    let report = check(&folders);
    assert_eq!((report.verdict, report.outcome_unknown, &report.findings[..]), (LogVerdict::Valid, 2, &[][..]));
    intend(&open(&folders).unwrap(), "after");
    let report = check(&folders);
    assert_eq!((report.verdict, report.outcome_unknown, &report.findings[..]), (LogVerdict::Valid, 3, &[][..]));
    assert_eq!(kinds(&folders), [EntryKind::Genesis, EntryKind::Intent, EntryKind::Intent, EntryKind::Intent]);
}

#[test]
fn a_log_that_is_cut_anywhere_in_its_last_group_recovers() {
    let cut = Cut::new();
    // Most of the time passes on stable storage, so several wait for it at once.
    const AT_ONCE: usize = 8;
    std::thread::scope(|scope| {
        for first in 0..AT_ONCE {
            let cut = &cut;
            scope.spawn(move || {
                let root = cut.copy();
                (cut.start + first..=cut.whole.len()).step_by(AT_ONCE).for_each(|end| cut.at(root.path(), end));
            });
        }
    });
}

/// A log of two calls, each in a group of its own.
struct Cut {
    root: tempfile::TempDir,
    whole: Vec<u8>,
    /// Where the last group begins, and its seal.
    start: usize,
    sealed: usize,
}

impl Cut {
    fn new() -> Cut {
        let root = tempfile::tempdir().unwrap();
        let folders = folders(root.path());
        let path = folders.log.join(LOG_FILE);
        let log = open(&folders).unwrap();
        intend(&log, "a");
        let start = fs::read(&path).unwrap().len();
        intend(&log, "b");
        drop(log);
        let whole = fs::read(&path).unwrap();
        let sealed = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        assert!(start < sealed && sealed < whole.len());
        Cut { root, whole, start, sealed }
    }

    /// Its keys and its anchor in a folder of their own.
    fn copy(&self) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        drop(open(&folders(root.path())).unwrap());
        for name in ["keys/log-signing-key.pem", "keys/log-names-secret", "anchor/checkpoint"] {
            fs::copy(self.root.path().join(name), root.path().join(name)).unwrap();
        }
        root
    }

    /// The log cut after so many bytes: what is said of it, and what becomes of it.
    fn at(&self, root: &Path, end: usize) {
        let anchored = folders(root);
        let folders = LogFolders { anchor: None, ..anchored.clone() };
        let path = folders.log.join(LOG_FILE);
        fs::write(&path, &self.whole[..end]).unwrap();
        let _ = fs::remove_dir_all(folders.log.join("torn"));
        let key = public_key(&load_signer(&folders.keys, ORIGIN).unwrap().unwrap());
        let options = VerifyOptions { key: Some(key), ..VerifyOptions::default() };
        let verify = || verify_folder(&folders.log, &options).unwrap();
        let (torn, is_all) = (&self.whole[self.start..end], end == self.whole.len());
        let found = verify().findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
        let expected = match end {
            _ if torn.is_empty() || is_all => vec![],
            _ if end == self.sealed => vec![LogFindingKind::UnsealedTail],
            _ => vec![LogFindingKind::TornTail],
        };
        assert_eq!(found, expected, "{end}");
        assert!(matches!(verify().verdict, LogVerdict::Unanchored { .. }), "{end}");
        assert!(found.iter().all(|kind| kind.class() == LogFindingClass::Tail), "{end}");
        // What its anchor remembers is missed, and nothing is written.
        if !is_all {
            let Err(LogError::Damaged(finding)) = open(&anchored) else { panic!("{end}: a cut log was opened") };
            assert_eq!(finding.kind, LogFindingKind::ShorterThanAnchor);
            assert_eq!(fs::read(&path).unwrap().len(), end);
        }
        intend(&open(&folders).unwrap(), "c");
        let report = verify();
        assert!(matches!(report.verdict, LogVerdict::Unanchored { .. }), "{end}: {report:?}");
        assert!(report.findings.is_empty(), "{end}: {report:?}");
        let entries: Vec<EntryLine> = entries(&folders.log).unwrap().map(Result::unwrap).collect();
        let calls: Vec<&str> = entries.iter().filter_map(|entry| entry.call.as_deref()).collect();
        assert_eq!(calls, if is_all { vec!["a", "b", "c"] } else { vec!["a", "c"] }, "{end}");
        let recovery: Vec<&EntryLine> = entries.iter().filter(|entry| entry.kind == EntryKind::Recovery).collect();
        assert_eq!(recovery.len(), found.len(), "{end}");
        for entry in recovery {
            assert_eq!(entry.note["bytes"], torn.len().to_string());
            assert_eq!(fs::read(folders.log.join(&entry.note["file"])).unwrap(), torn);
        }
    }
}
