//! The writer, over a store in memory that can fail.

use std::sync::atomic::{AtomicI64, AtomicU64};

use super::*;
use crate::audit::{KeySigner, Kind, MemoryStore, Report, Verdict, VerifyOptions, verify};

/// Counts the entries of each kind.
#[derive(Debug, Default, Clone, PartialEq)]
struct Count(std::collections::BTreeMap<String, u64>, Vec<u64>);

impl Fold for Count {
    fn apply(&mut self, entry: &Entry) {
        *self.0.entry(format!("{:?}", entry.kind)).or_default() += 1;
        self.1.push(entry.index);
    }
}

impl Count {
    fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or(0)
    }
}

#[derive(Default)]
struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn wall_us(&self) -> i64 {
        1_800_000_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed)
    }
    fn monotonic_us(&self) -> u64 {
        7
    }
}

#[derive(Default)]
struct Numbers(AtomicU64);

impl Random for Numbers {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().zip(number.iter().cycle()).for_each(|(byte, n)| *byte = *n);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Remembered(Arc<Mutex<(Option<String>, bool)>>);

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

fn parts(store: impl LogStore + 'static, anchor: Option<Remembered>) -> LogParts {
    LogParts {
        store: Box::new(store),
        signer: Box::new(KeySigner::new("test", &[1; 32]).unwrap()),
        anchor: anchor.map(|anchor| Box::new(anchor) as Box<dyn Anchor>),
        clock: Arc::new(Ticks::default()),
        random: Arc::new(Numbers::default()),
        keyer: Keyer::new([2; 32]),
        origin: "example.com/log".to_owned(),
    }
}

fn open(store: &MemoryStore) -> Log<Count> {
    Log::open(parts(store.clone(), None), Count::default()).unwrap()
}

fn intent(call: impl Into<String>) -> Entry {
    Entry { kind: Kind::Intent, call: Some(call.into()), ..Entry::default() }
}

fn propose(call: &str) -> impl FnOnce(&Count, i64) -> Result<(Entry, ()), ()> {
    let entry = intent(call);
    move |_, _| Ok((entry, ()))
}

fn check(store: &MemoryStore) -> Report {
    verify(&mut &store.contents()[..], &VerifyOptions { all_signatures: true, ..VerifyOptions::default() })
}

#[test]
fn what_is_committed_is_read_again() {
    let store = MemoryStore::default();
    let log = open(&store);
    for n in 1..=5 {
        let (seen, receipt) = log
            .commit(Durability::Strict, |count, _| Ok::<_, ()>((intent(n.to_string()), count.of("Intent"))))
            .unwrap();
        assert_eq!((seen, receipt.index), (n - 1, Some(n)));
    }
    let state = log.view(Clone::clone);
    drop(log);
    let report = check(&store);
    assert_eq!(report.verdict, Verdict::Unanchored { since: 0 }, "{:?}", report.findings);
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
    assert_eq!(log.view(|count| count.of("Intent")), 1);
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
