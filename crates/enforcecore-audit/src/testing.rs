//! Logs for the tests of this folder.

use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::keyer::Keyer;
use crate::store::{Anchor, Clock, LogStore, Random, StoreError};

pub const ORIGIN: &str = "example.com/log";

/// Remembers the entries.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Seen(pub Vec<Entry>);

impl Fold for Seen {
    fn apply(&mut self, entry: &Entry, _group: u64) {
        self.0.push(entry.clone());
    }
}

impl Seen {
    pub fn calls(&self) -> Vec<&str> {
        self.0.iter().filter_map(|entry| entry.call()).collect()
    }
}

#[derive(Default)]
pub struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn wall_us(&self) -> i64 {
        1_800_000_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed)
    }
    fn monotonic_us(&self) -> u64 {
        7
    }
}

#[derive(Default)]
pub struct Numbers(AtomicU64);

impl Random for Numbers {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().zip(number.iter().cycle()).for_each(|(byte, n)| *byte = *n);
        Ok(())
    }
}

/// An anchor in memory, which fails when told to.
#[derive(Clone, Default)]
pub struct Remembered(pub Arc<Mutex<(Option<String>, bool)>>);

impl Anchor for Remembered {
    fn latest(&self) -> Result<Option<String>, StoreError> {
        Ok(self.0.lock().unwrap().0.clone())
    }
    fn remember(&self, checkpoint: &str) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap();
        if kept.1 {
            return Err(StoreError::new("remember a checkpoint", "no space"));
        }
        kept.0 = Some(checkpoint.to_owned());
        Ok(())
    }
}

pub fn key(seed: u8) -> PublicKey {
    public_key(&KeySigner::new("test", &[seed; 32]).unwrap())
}

pub fn parts(store: impl LogStore + 'static, anchor: Option<Remembered>) -> LogParts {
    LogParts {
        store: Box::new(store),
        signer: Box::new(KeySigner::new("test", &[1; 32]).unwrap()),
        anchor: anchor.map(|anchor| Box::new(anchor) as Box<dyn Anchor>),
        clock: Arc::new(Ticks::default()),
        random: Arc::new(Numbers::default()),
        keyer: Keyer::new([2; 32]),
        origin: ORIGIN.to_owned(),
    }
}

pub fn open(store: &MemoryStore) -> Log<Seen> {
    Log::open(parts(store.clone(), None), Seen::default()).unwrap()
}

/// An entry of this kind that says nothing but its call.
pub fn about(kind: EntryKind, call: impl Into<String>) -> Entry {
    EntryLine { call: Some(call.into()), ..EntryLine::of(kind) }.into()
}

pub fn intent(call: impl Into<String>) -> Entry {
    about(EntryKind::Intent, call)
}

/// Proposes an intent whatever the state.
pub fn propose(call: impl Into<String>) -> impl FnOnce(&Seen, i64) -> Result<(Entry, ()), ()> {
    let entry = intent(call);
    move |_, _| Ok((entry, ()))
}

/// A log of so many entries, the genesis among them, sealed in groups of so many.
pub fn log_of(entries: usize, group: usize) -> Vec<u8> {
    let store = MemoryStore::default();
    let log = open(&store);
    for n in 1..entries {
        let last = n % group == 0 || n + 1 == entries;
        let durability = if last { Durability::Strict } else { Durability::Buffered };
        log.commit(durability, propose(format!("call-{n} \"ä\""))).unwrap();
    }
    drop(log);
    store.contents()
}

/// The lines of a log with their true places.
pub fn lines_of(log: &[u8]) -> Vec<(Place, Range<usize>)> {
    let (mut at, mut entries) = (0, 0);
    let mut lines = Vec::new();
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let bytes = at..at + line.len();
        at = bytes.end;
        if seal::is_seal(line) {
            lines.push((Place::Seal(entries), bytes));
        } else {
            lines.push((Place::Entry(entries), bytes));
            entries += 1;
        }
    }
    lines
}
