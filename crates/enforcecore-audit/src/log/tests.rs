//! The writer, over a store in memory that can fail.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar};

use super::ledger::BUFFER_ENTRIES_MAX;
use super::*;
use crate::entry::ENTRY_BYTES_MAX;
use crate::store::LogStore;
use crate::store::StoreError;
use crate::testing::{Remembered, Seen, intent, open, parts, propose};
use crate::{
    Body, EntryKind, EntryLine, LogFindingKind, LogReport, LogVerdict, MemoryStore, NoteRecord, Place, VerifyOptions,
    verify,
};

fn check(store: &MemoryStore) -> LogReport {
    verify(&mut &store.contents()[..], &VerifyOptions { all_signatures: true, ..VerifyOptions::default() })
}

#[test]
fn what_is_committed_is_read_again() {
    let store = MemoryStore::default();
    let log = open(&store);
    for n in 1..=5 {
        let (seen, receipt) = log
            .commit(Durability::Strict, |seen, _| Ok::<_, ()>((intent(n.to_string()), seen.calls().len() as u64)))
            .unwrap();
        assert_eq!((seen, receipt.index), (n - 1, Some(n)));
    }
    let state = log.view(Clone::clone);
    drop(log);
    let report = check(&store);
    assert_eq!(report.verdict, LogVerdict::Unanchored { since: 0 }, "{:?}", report.findings);
    assert_eq!((report.entries, report.seals, report.outcome_unknown), (6, 6, 5));
    assert_eq!(open(&store).view(Clone::clone), state);
    assert_eq!(check(&store).entries, 6, "opening a whole log writes nothing");
}

#[test]
fn buffered_entries_ride_with_the_next_strict_one() {
    let store = MemoryStore::default();
    let log = open(&store);
    let before = store.contents().len();
    let (_, receipt) = log.commit(Durability::Buffered, propose("a")).unwrap();
    assert_eq!((receipt.index, store.contents().len()), (None, before));
    assert_eq!(log.view(|seen| seen.calls().len()), 1);
    let (_, receipt) = log.commit(Durability::Strict, propose("b")).unwrap();
    assert_eq!(receipt.index, Some(2));
    log.commit(Durability::Buffered, propose("c")).unwrap();
    log.flush().unwrap();
    assert_eq!(check(&store).entries, 4);
    log.commit(Durability::Buffered, propose("d")).unwrap();
    drop(log);
    let report = check(&store);
    assert_eq!((report.entries, report.seals), (5, 4));
    assert_eq!(report.intents, [("buffered", 3), ("strict", 1)].into());
}

#[test]
fn a_full_buffer_is_written() {
    let store = MemoryStore::default();
    let log = open(&store);
    for n in 1..BUFFER_ENTRIES_MAX {
        log.commit(Durability::Buffered, propose(n.to_string())).unwrap();
    }
    assert_eq!(check(&store).entries, 1);
    log.commit(Durability::Buffered, propose("last")).unwrap();
    assert_eq!(check(&store).entries, 1 + BUFFER_ENTRIES_MAX as u64);
}

/// A store whose turn comes when the test lets it come.
#[derive(Clone, Default)]
struct Held {
    memory: MemoryStore,
    held: Arc<Mutex<bool>>,
    changed: Arc<Condvar>,
}

impl LogStore for Held {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        drop(self.changed.wait_while(self.held.lock().unwrap(), |held| *held).unwrap());
        self.memory.turn()
    }
}

/// All threads that wait for the turn meanwhile are in one group.
#[test]
fn threads_share_groups() {
    const THREADS: u64 = 8;
    let store = Held::default();
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    *store.held.lock().unwrap() = true;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || log.commit(Durability::Strict, propose(thread.to_string())).unwrap());
        }
        let begun = std::time::Instant::now();
        // The one that leads waits too.
        let all_wait = || usize::try_from(THREADS).is_ok_and(|threads| log.batches.queue().waiting == threads);
        while !all_wait() && begun.elapsed().as_secs() < 60 {
            std::thread::yield_now();
        }
        let waited_for = all_wait();
        *store.held.lock().unwrap() = false;
        store.changed.notify_all();
        assert!(waited_for, "waited 60 seconds in vain until {THREADS} threads wait");
    });
    drop(log);
    let report = check(&store.memory);
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.seals), (1 + THREADS, 2), "the opening's seal, and one for all");
}

#[test]
fn what_many_threads_commit_is_there_once() {
    let store = Slow(MemoryStore::default());
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..50 {
                    let durability = if n % 5 == 4 { Durability::Buffered } else { Durability::Strict };
                    log.commit(durability, propose(format!("{thread}-{n}"))).unwrap();
                }
            });
        }
    });
    let calls = log.view(|seen| seen.calls().len());
    drop(log);
    let report = check(&store.0);
    assert_eq!(report.findings, []);
    assert_eq!((calls, report.entries, report.outcome_unknown), (400, 401, 400));
}

/// A reader folds the entries in the order in which the writer did, or it would decide on another state.
#[test]
fn entries_stand_in_the_order_they_were_folded() {
    let store = MemoryStore::default();
    let log = open(&store);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..600 {
                    let durability = if n % 2 == 0 { Durability::Buffered } else { Durability::Strict };
                    log.commit(durability, propose(format!("{thread}-{n}"))).unwrap();
                }
            });
        }
    });
    let folded = log.view(|seen| seen.calls().iter().map(ToString::to_string).collect::<Vec<_>>());
    drop(log);
    assert_eq!(open(&store).view(Clone::clone).calls(), folded);
}

/// Gives threads time to gather, as a disk does.
#[derive(Clone)]
struct Slow(MemoryStore);

impl LogStore for Slow {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        std::thread::yield_now();
        std::thread::sleep(std::time::Duration::from_micros(100));
        self.0.turn()
    }
}

/// A budget of one, many takers: what a proposal sees is what is in the log before it, in this writer and the other.
#[test]
fn proposals_see_everything_before_them() {
    let store = MemoryStore::default();
    let logs = [open(&store), open(&store)];
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (log, taken) = (&logs[thread % 2], &taken);
            scope.spawn(move || {
                for n in 0..10 {
                    let once = format!("budget-{n}");
                    let took = log.commit(Durability::Strict, |seen, _| {
                        if seen.calls().contains(&once.as_str()) { Err(()) } else { Ok((intent(&once), ())) }
                    });
                    match took {
                        Ok(_) => drop(taken.fetch_add(1, Ordering::Relaxed)),
                        Err(CommitError::Refused(())) => {}
                        Err(CommitError::Log(error)) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), 10);
    drop(logs);
    assert_eq!((check(&store).entries, check(&store).findings), (11, vec![]));
}

#[test]
fn a_proposal_that_refuses_or_panics_or_is_too_large_harms_nobody() {
    let store = Slow(MemoryStore::default());
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..10 {
                    match thread {
                        0 => {
                            let refused = log.commit(Durability::Strict, |_, _| Err::<(Entry, ()), _>("no"));
                            assert!(matches!(refused, Err(CommitError::Refused("no"))));
                        }
                        1 => {
                            let panics = || {
                                log.commit(Durability::Strict, |_, _| -> Result<(Entry, ()), ()> {
                                    resume_unwind(Box::new("a panic"))
                                })
                            };
                            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
                        }
                        2 => {
                            let large = log.commit(Durability::Strict, propose("x".repeat(ENTRY_BYTES_MAX)));
                            assert!(matches!(large, Err(CommitError::Log(LogError::TooLarge(_)))));
                            let redactions = [("a".to_owned(), u64::MAX)].into();
                            let number = Entry::from(EntryLine { redactions, ..intent("n").into() });
                            let number = log.commit(Durability::Buffered, |_, _| Ok::<_, ()>((number, ())));
                            assert!(matches!(number, Err(CommitError::Log(LogError::Number))));
                        }
                        _ => drop(log.commit(Durability::Strict, propose(format!("{thread}-{n}"))).unwrap()),
                    }
                }
            });
        }
    });
    drop(log);
    assert_eq!((check(&store.0).entries, check(&store.0).findings), (51, vec![]));
}

#[test]
fn the_largest_entry_fits_whatever_its_place() {
    let store = MemoryStore::default();
    let log = open(&store);
    let fits = |durability, letter: &str, bytes| log.commit(durability, propose(letter.repeat(bytes))).is_ok();
    let most = (0..ENTRY_BYTES_MAX).rev().find(|bytes| fits(Durability::Buffered, "x", *bytes)).unwrap();
    assert!(most > ENTRY_BYTES_MAX - 512 && fits(Durability::Strict, "y", most));
    log.flush().unwrap();
    assert_eq!(check(&store).findings, []);
    assert_eq!(open(&store).view(Clone::clone).0.len(), 3);
}

/// A store that stops working at some byte of an append, or at a sync.
#[derive(Clone)]
struct Failing {
    memory: MemoryStore,
    bytes_left: Arc<Mutex<Option<usize>>>,
    fail_sync: Arc<AtomicBool>,
    fail_turn: Arc<AtomicBool>,
    syncs: Arc<AtomicUsize>,
}

impl Failing {
    fn new() -> Failing {
        Failing {
            memory: MemoryStore::default(),
            bytes_left: Arc::default(),
            fail_sync: Arc::default(),
            fail_turn: Arc::default(),
            syncs: Arc::default(),
        }
    }
}

impl LogStore for Failing {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        if self.fail_turn.load(Ordering::Relaxed) {
            return Err(StoreError::new("lock the log", "held for too long"));
        }
        Ok(Box::new(FailingTurn { turn: self.memory.turn()?, store: self }))
    }
}

struct FailingTurn<'a> {
    turn: Box<dyn LogTurn + 'a>,
    store: &'a Failing,
}

impl LogTurn for FailingTurn<'_> {
    fn bytes(&mut self) -> Result<u64, StoreError> {
        self.turn.bytes()
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.turn.read_at(offset, buffer)
    }
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Some(left) = self.store.bytes_left.lock().unwrap().as_mut()
            && *left < bytes.len()
        {
            self.turn.append(&bytes[..*left])?;
            return Err(StoreError::new("append to the log", "no space left"));
        }
        self.turn.append(bytes)
    }
    fn sync(&mut self) -> Result<(), StoreError> {
        self.store.syncs.fetch_add(1, Ordering::Relaxed);
        if self.store.fail_sync.load(Ordering::Relaxed) {
            return Err(StoreError::new("sync the log", "input/output error"));
        }
        self.turn.sync()
    }
    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError> {
        self.turn.quarantine(offset)
    }
}

/// Whatever byte an append breaks off at: nothing in it was acknowledged, the writer stops, and the next opening finds
/// everything that was, and no damage.
#[test]
fn a_write_that_breaks_off_anywhere_loses_nothing_acknowledged() {
    let group = |log: &Log<Seen>| {
        log.commit(Durability::Buffered, propose("b")).unwrap();
        log.commit(Durability::Strict, propose("c"))
    };
    let length = {
        let store = Failing::new();
        let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
        let before = store.memory.contents().len();
        group(&log).unwrap();
        store.memory.contents().len() - before
    };
    for left in 0..length {
        let store = Failing::new();
        let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
        log.commit(Durability::Strict, propose("a")).unwrap();
        *store.bytes_left.lock().unwrap() = Some(left);
        let Err(CommitError::Log(LogError::Poisoned(why))) = group(&log) else { panic!("acknowledged at {left}") };
        assert!(why.contains("no space left"));
        // Space comes back; the writer does not.
        *store.bytes_left.lock().unwrap() = None;
        let syncs = store.syncs.load(Ordering::Relaxed);
        for durability in [Durability::Strict, Durability::Buffered] {
            let later = log.commit(durability, propose("d"));
            assert!(matches!(later, Err(CommitError::Log(LogError::Poisoned(_)))));
        }
        assert!(matches!(log.flush(), Err(LogError::Poisoned(_))));
        drop(log);
        assert_eq!(store.syncs.load(Ordering::Relaxed), syncs);
        let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
        log.commit(Durability::Strict, propose("e")).unwrap();
        let seen = log.view(Clone::clone);
        assert_eq!(seen.calls(), ["a", "e"], "{left}");
        let recoveries = seen.0.iter().filter(|entry| entry.body.kind() == EntryKind::Recovery).count();
        assert_eq!((recoveries, store.memory.torn().len()), (usize::from(left > 0), usize::from(left > 0)), "{left}");
        assert_eq!(check(&store.memory).findings, [], "{left}");
    }
}

#[test]
fn a_crash_at_any_byte_of_the_first_write_is_recovered() {
    let whole = {
        let store = MemoryStore::default();
        drop(open(&store));
        store.contents()
    };
    for cut in 0..=whole.len() {
        let store = MemoryStore::new(whole[..cut].to_vec());
        let kinds: Vec<EntryKind> = open(&store).view(|seen| seen.0.iter().map(|entry| entry.body.kind()).collect());
        let recovered = if cut == 0 || cut == whole.len() {
            vec![EntryKind::Genesis]
        } else {
            vec![EntryKind::Genesis, EntryKind::Recovery]
        };
        assert_eq!(kinds, recovered, "{cut}");
        assert_eq!(check(&store).findings, []);
    }
}

/// The other writer finds the tail that a process left when it was killed, in its own turn.
#[test]
fn a_writer_recovers_the_tail_of_another() {
    let store = MemoryStore::default();
    let log = open(&store);
    log.commit(Durability::Strict, propose("a")).unwrap();
    store.turn().unwrap().append(b"{\"call\":\"b").unwrap();
    let (_, receipt) = log.commit(Durability::Strict, propose("c")).unwrap();
    assert_eq!(receipt.index, Some(3), "the recovery comes first");
    assert_eq!((check(&store).findings, store.torn()), (vec![], vec![b"{\"call\":\"b".to_vec()]));
}

/// What the entry about a tail says, by the member: all of it, so that the tail can be told from any other.
#[test]
fn a_recovery_says_what_was_moved_away() {
    let tails: [(&[u8], &str); 3] = [
        (b"{\"call\":\"b", "138f1b015232e606b3c28b2434e6a847b6ea8f5c526055fd4eb8ef5cffd0390c"),
        (b"{\"a", "55505b6f8c3dc34a3b804086a88d4beae35b69af0dbc471d8cd780d37569a50b"),
        (b"{", "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96"),
    ];
    let store = MemoryStore::default();
    for (count, (tail, sha256)) in (1..).zip(tails) {
        store.turn().unwrap().append(tail).unwrap();
        let log = open(&store);
        let last = log.view(|seen| seen.0.last().cloned()).unwrap();
        let note =
            [("bytes", tail.len().to_string()), ("file", format!("torn/{count}")), ("sha256", sha256.to_owned())];
        let note = note.map(|(member, text)| (member.to_owned(), text)).into();
        assert_eq!(last.body, Body::Recovery(NoteRecord { note }));
        assert_eq!(store.torn().last().map(Vec::as_slice), Some(tail));
        log.commit(Durability::Strict, propose(format!("{count}"))).unwrap();
    }
    assert_eq!(check(&store).findings, []);
}

/// Wherever it is cut, also between two lines: nothing is written behind the cut, and the writer stops for good.
#[test]
fn a_log_that_becomes_shorter_under_its_writer_is_not_written_on() {
    let whole = {
        let store = MemoryStore::default();
        open(&store).commit(Durability::Strict, propose("a")).unwrap();
        store.contents()
    };
    for cut in 0..=whole.len() {
        let store = MemoryStore::default();
        let log = open(&store);
        log.commit(Durability::Strict, propose("a")).unwrap();
        store.turn().unwrap().quarantine(cut as u64).unwrap();
        let written = log.commit(Durability::Strict, propose("b"));
        if cut == whole.len() {
            // The twin: nothing was cut.
            assert_eq!(written.unwrap().1.index, Some(2));
            continue;
        }
        let Err(CommitError::Log(LogError::Damaged(finding))) = written else { panic!("written on at {cut}") };
        assert_eq!((finding.kind, finding.place), (LogFindingKind::Missing, Place::Entries(0, 2)));
        assert_eq!(finding.bytes, cut as u64..whole.len() as u64);
        for durability in [Durability::Strict, Durability::Buffered] {
            assert!(matches!(log.commit(durability, propose("c")), Err(CommitError::Log(LogError::Damaged(_)))));
        }
        drop(log);
        assert_eq!(store.contents(), whole[..cut], "{cut}");
    }
}

#[test]
fn a_failed_sync_acknowledges_nothing_and_is_not_retried() {
    let store = Failing::new();
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    log.commit(Durability::Strict, propose("a")).unwrap();
    store.fail_sync.store(true, Ordering::Relaxed);
    let failed = log.commit(Durability::Strict, propose("b"));
    assert!(matches!(failed, Err(CommitError::Log(LogError::Poisoned(_)))));
    store.fail_sync.store(false, Ordering::Relaxed);
    let syncs = store.syncs.load(Ordering::Relaxed);
    let later = log.commit(Durability::Strict, propose("c"));
    assert!(matches!(later, Err(CommitError::Log(LogError::Poisoned(_)))));
    drop(log);
    assert_eq!(store.syncs.load(Ordering::Relaxed), syncs);
    assert_eq!(check(&store.memory).findings, []);
}

#[test]
fn everybody_in_a_failed_group_is_refused() {
    let store = Failing::new();
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    *store.bytes_left.lock().unwrap() = Some(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(matches!(log.commit(Durability::Strict, propose("x")), Err(CommitError::Log(_)))));
        }
    });
}

#[test]
fn a_turn_that_does_not_come_refuses_and_the_next_one_works() {
    let store = Failing::new();
    let log = Log::open(parts(store.clone(), None), Seen::default()).unwrap();
    store.fail_turn.store(true, Ordering::Relaxed);
    let refused = log.commit(Durability::Strict, propose("a"));
    assert!(matches!(refused, Err(CommitError::Log(LogError::Store(_)))));
    store.fail_turn.store(false, Ordering::Relaxed);
    log.commit(Durability::Strict, propose("b")).unwrap();
    assert_eq!(log.view(|seen| seen.calls().len()), 1, "what was refused left no trace in the state");
}

#[test]
fn damage_is_named_and_not_opened() {
    let store = MemoryStore::default();
    let log = open(&store);
    for n in 0..4 {
        log.commit(Durability::Strict, propose(format!("call-{n}"))).unwrap();
    }
    drop(log);
    let mut bytes = store.contents();
    let at = bytes.windows(6).position(|text| text == b"call-1").unwrap();
    bytes[at] ^= 1;
    let damaged = MemoryStore::new(bytes.clone());
    let Err(LogError::Damaged(finding)) = Log::open(parts(damaged.clone(), None), Seen::default()) else {
        panic!("a damaged log was opened")
    };
    assert_eq!((finding.kind, finding.place), (LogFindingKind::Altered, Place::Entry(2)));
    assert!(finding.bytes.contains(&(at as u64)));
    assert_eq!((damaged.contents(), damaged.torn()), (bytes, vec![]), "nothing was cut or moved");
}

#[test]
fn a_seal_that_is_whole_and_wrong_is_damage_not_a_torn_write() {
    let store = MemoryStore::default();
    drop(open(&store));
    let mut bytes = store.contents();
    let last = bytes.len() - 10;
    bytes[last] = if bytes[last] == b'A' { b'B' } else { b'A' };
    let opened = Log::open(parts(MemoryStore::new(bytes), None), Seen::default());
    assert!(matches!(opened, Err(LogError::Damaged(finding)) if finding.place == Place::Seal(1)));
}

#[test]
fn an_entry_of_a_later_version_is_verified_but_not_folded() {
    let store = MemoryStore::default();
    let log = open(&store);
    let later = Entry::from(Body::Other("heartbeat".to_owned()));
    log.commit(Durability::Strict, |_, _| Ok::<_, ()>((later, ()))).unwrap();
    drop(log);
    assert_eq!(open(&store).view(|seen| seen.0.len()), 2, "an unknown kind is an opaque leaf");
}

#[test]
fn the_anchor_is_told_in_time_and_a_rollback_is_refused() {
    let (store, anchor) = (MemoryStore::default(), Remembered::default());
    let size = |anchor: &Remembered| {
        let note = anchor.0.lock().unwrap().0.clone().unwrap();
        crate::Checkpoint::parse(&note).unwrap().size
    };
    let log = Log::open(parts(store.clone(), Some(anchor.clone())), Seen::default()).unwrap();
    assert_eq!(size(&anchor), 1);
    let early = store.contents();
    log.commit(Durability::Strict, propose("durable")).unwrap();
    assert_eq!(size(&anchor), 2, "nothing that is acknowledged as durable can be cut unseen");
    log.commit(Durability::Buffered, propose("buffered")).unwrap();
    assert_eq!(size(&anchor), 2);
    log.flush().unwrap();
    assert_eq!(size(&anchor), 3);
    let before = check(&store).seals;
    while size(&anchor) == 3 {
        log.commit(Durability::Buffered, propose("buffered")).unwrap();
    }
    assert_eq!(check(&store).seals - before, u64::from(ANCHOR_EVERY));
    log.commit(Durability::Buffered, propose("last")).unwrap();
    drop(log);
    assert_eq!(size(&anchor), check(&store).entries);
    let open = |bytes: Vec<u8>| Log::open(parts(MemoryStore::new(bytes), Some(anchor.clone())), Seen::default());
    let kind = |opened: Result<Log<Seen>, LogError>| match opened {
        Err(LogError::Damaged(finding)) => Some(finding.kind),
        _ => None,
    };
    assert_eq!(kind(open(early.clone())), Some(LogFindingKind::ShorterThanAnchor));
    assert_eq!(kind(open(Vec::new())), Some(LogFindingKind::ShorterThanAnchor));
    // The same key, another history of the same length.
    let fork = MemoryStore::new(early);
    let log = super::Log::open(parts(fork.clone(), None), Seen::default()).unwrap();
    let entries = check(&store).entries as usize;
    while log.view(|seen| seen.0.len() < entries) {
        log.commit(Durability::Buffered, propose("other")).unwrap();
    }
    drop(log);
    assert_eq!(kind(open(fork.contents())), Some(LogFindingKind::Forked));
    assert!(open(store.contents()).is_ok());
}

#[test]
fn an_anchor_that_fails_stops_the_writer() {
    let (store, anchor) = (MemoryStore::default(), Remembered::default());
    let log = Log::open(parts(store.clone(), Some(anchor.clone())), Seen::default()).unwrap();
    log.commit(Durability::Strict, propose("a")).unwrap();
    anchor.0.lock().unwrap().1 = true;
    for _ in 0..2 {
        let refused = log.commit(Durability::Strict, propose("b"));
        assert!(matches!(refused, Err(CommitError::Log(LogError::Poisoned(_)))), "{refused:?}");
    }
}

#[test]
fn a_child_of_fork_cannot_use_the_log() {
    let store = MemoryStore::default();
    let mut log = open(&store);
    log.commit(Durability::Buffered, propose("a")).unwrap();
    let before = store.contents();
    log.process ^= 1;
    for durability in [Durability::Strict, Durability::Buffered] {
        let refused = log.commit(durability, propose("b"));
        assert!(matches!(refused, Err(CommitError::Log(LogError::OtherProcess))));
    }
    assert_eq!(log.flush(), Err(LogError::OtherProcess));
    drop(log);
    assert_eq!(store.contents(), before);
}

#[test]
fn names_that_cannot_stand_in_a_checkpoint_are_refused() {
    for origin in ["", "two\nlines", "\u{7}"] {
        let named = LogParts { origin: origin.to_owned(), ..parts(MemoryStore::default(), None) };
        assert!(matches!(Log::open(named, Seen::default()), Err(LogError::Origin(_))));
    }
}
