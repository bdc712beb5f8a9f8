//! The evidence log in files: one writer a process, keys, anchors, torn tails.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use enforcecore::audit::{EntryKind, LogError, LogFindingKind, LogVerdict};
use enforcecore_host::evidence::{LogFolders, entries};
use support::{check, folders, intend, open};

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
    assert_eq!((report.verdict, report.entries), (LogVerdict::Valid, 3), "{:?}", report.findings);
    let kinds: Vec<EntryKind> = entries(&folders.log).unwrap().map(|entry| entry.unwrap().kind).collect();
    assert_eq!(kinds, [EntryKind::Genesis, EntryKind::Intent, EntryKind::Intent]);
}

#[cfg(unix)]
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
fn a_folder_that_is_made_for_keys_is_kept_out_of_version_control() {
    let root = tempfile::tempdir().unwrap();
    let (made, there) = (folders(&root.path().join("made")), folders(&root.path().join("there")));
    fs::create_dir_all(&there.keys).unwrap();
    for folders in [&made, &there] {
        drop(open(folders).unwrap());
    }
    assert_eq!(fs::read_to_string(made.keys.join(".gitignore")).unwrap(), "*\n");
    assert!(!there.keys.join(".gitignore").exists(), "a folder of somebody else's stays as it is");
}

#[cfg(unix)]
#[test]
fn nothing_goes_to_a_folder_that_others_can_write() {
    for folder in ["log", "log/torn", "keys"] {
        let root = tempfile::tempdir().unwrap();
        let (folders, folder) = (folders(root.path()), root.path().join(folder));
        fs::create_dir_all(&folder).unwrap();
        let set = |mode: u32| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o757, 0o1777] {
            set(mode);
            let Err(LogError::Store(error)) = open(&folders) else { panic!("{} was used", folder.display()) };
            assert!(error.why.contains("may be written by every user: `chmod go-w "), "{error}");
            assert!(fs::read_dir(&folder).unwrap().next().is_none(), "nothing was written there");
        }
        set(0o755);
        intend(&open(&folders).unwrap(), "a");
        // An anchor is worth the more the less it is ours.
        fs::set_permissions(root.path().join("anchor"), fs::Permissions::from_mode(0o777)).unwrap();
        open(&folders).unwrap();
    }
}

#[cfg(unix)]
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

#[cfg(unix)]
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

/// What Unix notices at the next turn, Windows does not let happen.
#[cfg(windows)]
#[test]
fn a_log_with_a_writer_cannot_be_exchanged() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    let path = folders.log.join("log.jsonl");
    assert!(fs::rename(&path, root.path().join("away")).is_err() && fs::remove_file(&path).is_err());
    intend(&log, "a");
    drop(log);
    fs::rename(&path, root.path().join("away")).unwrap();
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
        assert_eq!(finding.kind, LogFindingKind::ShorterThanAnchor);
        assert_eq!(finding.place, enforcecore::audit::Place::Entries(from, 3));
        assert_eq!(check(&folders).verdict, LogVerdict::Invalid);
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
    assert_eq!(finding.kind, LogFindingKind::WrongKey);
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
    assert_eq!((report.verdict, report.entries), (LogVerdict::Valid, 3), "{:?}", report.findings);
    let recovery = entries(&folders.log).unwrap().last().unwrap().unwrap();
    assert_eq!((recovery.kind, recovery.note["bytes"].as_str()), (EntryKind::Recovery, "16"));
    assert_eq!(fs::read(folders.log.join(&recovery.note["file"])).unwrap(), torn);
}
