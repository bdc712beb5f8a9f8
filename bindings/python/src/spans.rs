//! Which call an event belongs to, kept without a lock that a thread waits for.
//!
//! A program may fork while another of its threads opens a span. The child has a copy of every lock as it was at that moment,
//! and of no thread but the one that forked, so whatever waits here could wait for ever. Nothing does: a slot is claimed and
//! given back by a number of its own, and the lock around its fields is only ever tried. Who has claimed a slot is alone with
//! it until the span's id is known, and who has the id only reads, so that a try fails in one case: a fork came in between. Then
//! the child leaves the slot alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};

/// Spans that are open at once at most: calls that are begun and not finished. A span beyond that has no fields, so the
/// events in it are logged without their call. 48 bytes each, of memory that is only used once it is needed.
const SPANS_MAX: usize = 1 << 16;

static SLOTS: [Slot; SPANS_MAX] = [const { Slot::new() }; SPANS_MAX];

/// Where the search for a free slot begins: where the last one ended.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The spans this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Fields by name, as text.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), unquoted(format!("{value:?}")));
    }
}

/// A name is quoted so that it cannot break a line; one that could not is shown as it is.
fn unquoted(text: String) -> String {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    inner.map(str::to_owned).unwrap_or(text)
}

/// Opens a span. Its id is a slot's number, or one beyond them all where none is free.
pub fn open(attributes: &Attributes<'_>) -> Id {
    let mut fields = Fields::default();
    attributes.record(&mut fields);
    let first = NEXT.load(Ordering::Relaxed);
    let places = (first..SPANS_MAX).chain(0..first);
    let claimed = places.into_iter().find(|place| SLOTS.get(*place).is_some_and(|slot| slot.claim(&mut fields)));
    let place = claimed.unwrap_or(SPANS_MAX);
    NEXT.store((place + 1) % SPANS_MAX, Ordering::Relaxed);
    Id::from_u64(u64::try_from(place).unwrap_or(u64::MAX - 1) + 1)
}

/// One more handle of a span.
pub fn share(id: &Id) {
    if let Some(slot) = slot(id.into_u64()) {
        slot.handles.fetch_add(1, Ordering::Relaxed);
    }
}

/// One handle less; true with the last one, when the slot is free again.
pub fn close(id: &Id) -> bool {
    slot(id.into_u64()).is_none_or(Slot::release)
}

/// This thread is in the span from here on.
pub fn enter(id: &Id) {
    // A thread that is ending is in no span any more.
    let _ = ENTERED.try_with(|spans| spans.borrow_mut().push(id.into_u64()));
}

/// This thread leaves the span.
pub fn exit(id: &Id) {
    let _ = ENTERED.try_with(|spans| {
        let mut spans = spans.borrow_mut();
        if let Some(place) = spans.iter().rposition(|span| *span == id.into_u64()) {
            spans.remove(place);
        }
    });
}

/// The fields of all the spans this thread is in; of two with one name, the inner one's.
pub fn current() -> Fields {
    let mut fields = Fields::default();
    let spans = ENTERED.try_with(|spans| spans.borrow().clone()).unwrap_or_default();
    for slot in spans.into_iter().rev().filter_map(slot) {
        let Ok(outer) = slot.fields.try_read() else { continue };
        for (name, value) in &outer.0 {
            fields.0.entry(name).or_insert_with(|| value.clone());
        }
    }
    fields
}

struct Slot {
    /// Handles of the span; none where the slot is free.
    handles: AtomicUsize,
    fields: RwLock<Fields>,
}

impl Slot {
    const fn new() -> Slot {
        Slot { handles: AtomicUsize::new(0), fields: RwLock::new(Fields(BTreeMap::new())) }
    }

    /// Takes the slot if it is free, and moves the fields in.
    fn claim(&self, fields: &mut Fields) -> bool {
        if self.handles.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        // A slot that a fork copied while it was in use stays claimed and is never used again.
        let Ok(mut own) = self.fields.try_write() else { return false };
        *own = std::mem::take(fields);
        true
    }

    /// Gives one handle back. The last one empties the slot before another thread can claim it.
    fn release(&self) -> bool {
        let less = |handles: usize| if handles > 1 { Some(handles - 1) } else { None };
        if self.handles.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok() {
            return false;
        }
        let Ok(mut own) = self.fields.try_write() else { return true };
        *own = Fields::default();
        drop(own);
        self.handles.store(0, Ordering::Release);
        true
    }
}

fn slot(id: u64) -> Option<&'static Slot> {
    SLOTS.get(usize::try_from(id.checked_sub(1)?).ok()?)
}
