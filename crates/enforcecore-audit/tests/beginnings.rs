//! How a log is begun on what is there: an anchor that remembers nothing, and the tail that a crash left.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};

use enforcecore_audit::{
    Anchor, Body, CallRecord, Clock, DenialRecord, Durability, EndRecord, Entry, Fold, IntentRecord, KeySigner, Keyer,
    Log, LogError, LogParts, MemoryStore, NoteRecord, OutcomeRecord, PolicyRecord, Random, StateRecord, StoreError,
    entries, hex,
};
use sha2::{Digest as _, Sha256};

struct Nothing;

impl Fold for Nothing {
    fn apply(&mut self, _entry: &Entry, _group: u64) {}
}

struct Still;

impl Clock for Still {
    fn wall_us(&self) -> i64 {
        1
    }
    fn monotonic_us(&self) -> u64 {
        1
    }
}

impl Random for Still {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        buffer.fill(1);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Remembered(Arc<Mutex<Option<String>>>);

impl Anchor for Remembered {
    fn latest(&self) -> Result<Option<String>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn remember(&self, checkpoint: &str) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = Some(checkpoint.to_owned());
        Ok(())
    }
}

fn open(store: &MemoryStore, anchor: Option<Remembered>) -> Result<Log<Nothing>, LogError> {
    let parts = LogParts {
        store: Box::new(store.clone()),
        signer: Box::new(KeySigner::new("test", &[1; 32]).unwrap()),
        anchor: anchor.map(|anchor| Box::new(anchor) as Box<dyn Anchor>),
        clock: Arc::new(Still),
        random: Arc::new(Still),
        keyer: Keyer::new([2; 32]),
        origin: "example.com/log".to_owned(),
    };
    Log::open(parts, Nothing)
}

/// An entry, and whether a log that has it behind its genesis may begin an anchor.
type Begins = (&'static str, fn() -> Body, bool);

const KINDS: [Begins; 11] = [
    ("genesis", || Body::Genesis(NoteRecord::default()), true),
    ("policy", || Body::Policy(PolicyRecord::default()), true),
    ("recovery", || Body::Recovery(NoteRecord::default()), true),
    ("intent", || Body::Intent(IntentRecord::default()), false),
    ("outcome", || Body::Outcome(OutcomeRecord::default()), false),
    ("denial", || Body::Denial(DenialRecord::default()), false),
    ("pending", || Body::Pending(CallRecord::default()), false),
    ("void", || Body::Void(EndRecord::default()), false),
    ("abandoned", || Body::Abandoned(EndRecord::default()), false),
    ("state", || Body::State(StateRecord::default()), false),
    ("a later version's", || Body::Other("heartbeat".to_owned()), false),
];

#[test]
fn a_log_with_a_trace_of_a_call_begins_no_anchor() {
    for (what, body, begins) in KINDS {
        for (entries, behind) in [(1, 0), (1, 2), (3, 0)] {
            let store = MemoryStore::default();
            let log = open(&store, None).unwrap();
            let commit = |body: Body| log.commit(Durability::Strict, |_, _| Ok::<_, ()>((body.into(), ()))).unwrap();
            for _ in 0..entries {
                commit(body());
            }
            for _ in 0..behind {
                commit(Body::Policy(PolicyRecord::default()));
            }
            drop(log);
            let before = store.contents();
            let anchor = Remembered::default();
            let opened = open(&store, Some(anchor.clone()));
            let refused = matches!(opened, Err(LogError::AnchorGone(_)));
            assert_eq!((opened.is_ok(), refused), (begins, !begins), "{what}");
            drop(opened);
            assert_eq!((store.contents() == before, anchor.0.lock().unwrap().is_some()), (true, begins), "{what}");
            // One that the anchor remembers is opened whatever is in it.
            let remembered = Remembered::default();
            *remembered.0.lock().unwrap() = open(&store, None).unwrap().checkpoint();
            assert!(open(&store, Some(remembered)).is_ok(), "{what}");
        }
    }
}

/// Bytes in a tail: around every size that is read at a time.
const LENGTHS: [usize; 10] = [1, 2, 4_096, 65_535, 65_536, 65_537, 131_072, 131_073, 262_145, 1_000_000];

#[test]
fn the_log_says_how_long_a_torn_tail_was_where_it_is_and_its_digest() {
    for length in LENGTHS {
        for empty in [false, true] {
            let store = MemoryStore::default();
            if !empty {
                drop(open(&store, None).unwrap());
            }
            let text = b"abcdefghijklmnopqrstuvw".iter().cycle().copied();
            let tail: Vec<u8> = b"{\"call\":\"".iter().copied().chain(text).take(length).collect();
            let whole = store.contents();
            let store = MemoryStore::new([whole.clone(), tail.clone()].concat());
            drop(open(&store, None).unwrap());
            assert!(store.torn() == [tail.clone()], "{length}");
            let contents = store.contents();
            let told: Vec<_> = entries(&contents[..]).map(Result::unwrap).collect();
            let kinds: Vec<&str> =
                told.iter().map(|one| if one.note.contains_key("origin") { "genesis" } else { "recovery" }).collect();
            assert_eq!((kinds, contents.starts_with(&whole)), (vec!["genesis", "recovery"], true), "{length}");
            let digest: [u8; 32] = Sha256::digest(&tail).into();
            let expected = [("bytes", length.to_string()), ("file", "torn/1".to_owned()), ("sha256", hex(&digest))];
            assert_eq!(told[1].note, expected.map(|(name, text)| (name.to_owned(), text)).into(), "{length}");
            // What was recovered is whole.
            drop(open(&store, None).unwrap());
            assert_eq!(store.contents(), contents);
        }
    }
}
