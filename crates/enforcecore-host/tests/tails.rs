//! A tail that a crash left is kept whole, however long it is, and the log says what it was.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::fs;

use enforcecore::audit::{EntryKind, LogVerdict};
use enforcecore_host::evidence::entries;
use support::{check, folders, intend, open};

/// Bytes in a tail: around every size that is read or copied at a time.
const LENGTHS: [usize; 11] = [1, 2, 4_096, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 262_145, 1_000_000];

#[test]
fn a_torn_tail_of_any_length_is_kept_whole_and_described() {
    for length in LENGTHS {
        let root = tempfile::tempdir().unwrap();
        let folders = folders(root.path());
        let log = open(&folders).unwrap();
        intend(&log, "before");
        drop(log);
        let file = folders.log.join("log.jsonl");
        let whole = fs::read(&file).unwrap();
        let body = (0..length).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect::<Vec<_>>();
        let tail: Vec<u8> = [b"{\"call\":\"".to_vec(), body].concat().into_iter().take(length).collect();
        fs::write(&file, [whole.clone(), tail.clone()].concat()).unwrap();
        let log = open(&folders).unwrap();
        intend(&log, "after");
        drop(log);
        assert!(fs::read(&file).unwrap().starts_with(&whole), "{length}");
        assert_eq!(check(&folders).verdict, LogVerdict::Valid, "{length}");
        let recovery = entries(&folders.log).unwrap().map(Result::unwrap).find(|one| one.kind == EntryKind::Recovery);
        let note = recovery.unwrap().note;
        let kept = format!("torn/{}-{}", whole.len(), whole.len() + length);
        assert_eq!((&note["bytes"], &note["file"]), (&length.to_string(), &kept), "{length}");
        assert!(fs::read(folders.log.join(kept)).unwrap() == tail, "{length} bytes are kept");
    }
}
