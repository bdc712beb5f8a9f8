//! Session state: a fold over log entries. Whatever is here can be rebuilt from the log alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

pub use crate::audit::Keyer;
use crate::audit::{Body, Delta, Encoded, Entry, Fold};
use crate::decision::Charge;
pub use crate::decision::{Fact, SessionView};
use crate::redact::Class;
use crate::value::Value;

/// Everything the log says about sessions, budgets and grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    sessions: HashMap<String, SessionState>,
    budgets: HashMap<String, Budget>,
    grants_used: BTreeSet<String>,
    /// The calls whose intent stands and whose end does not, each with the grants it used.
    open: BTreeMap<String, Vec<String>>,
}

/// One session: facts that trusted results set, and the labels of what it has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// Counts the changes, so that a decision made on an older state is made again.
    pub version: u64,
    /// Facts by name.
    pub facts: BTreeMap<String, Fact>,
    /// Labels seen: a high-water mark.
    pub labels: BTreeSet<String>,
    /// The numbers that redacted values have.
    issued: Arc<Issued>,
}

/// The placeholders that a session was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// The number of a value, by its keyed fingerprint.
    numbers: HashMap<String, u64>,
    /// The last number of each class.
    last: BTreeMap<Class, u64>,
}

impl Issued {
    /// The number of the value with this fingerprint.
    pub(crate) fn number(&self, fingerprint: &str) -> Option<u64> {
        self.numbers.get(fingerprint).copied()
    }

    /// The last number of each class.
    pub(crate) fn last_by_class(&self) -> BTreeMap<Class, u64> {
        self.last.clone()
    }

    /// How many values have a number.
    pub(crate) fn count(&self) -> u64 {
        self.numbers.len() as u64
    }

    fn add(&mut self, class: &str, first: u64, fingerprints: &[String]) {
        // A class of a later version: its placeholders are not ours to recognise.
        let Some(class) = Class::named(class) else { return };
        for (number, fingerprint) in (first..).zip(fingerprints) {
            self.numbers.insert(fingerprint.clone(), number);
            let last = self.last.entry(class).or_default();
            *last = number.max(*last);
        }
    }
}

impl State {
    /// The session of this keyed name, if the log has seen it.
    pub fn session(&self, key: &str) -> Option<&SessionState> {
        self.sessions.get(key)
    }

    /// The placeholders that a session was shown, as of now.
    pub(crate) fn issued(&self, key: &str) -> Arc<Issued> {
        self.sessions.get(key).map(|session| Arc::clone(&session.issued)).unwrap_or_default()
    }

    /// What is already taken from the budget a charge names, in its current window.
    pub fn taken_micros(&self, charge: &Charge, key: &str, bucket: &str, now_us: i64) -> i64 {
        let Some(budget) = self.budgets.get(&budget_key(&charge.budget, key)) else { return 0 };
        budget.taken_micros(&charge.window, bucket, now_us)
    }

    /// Whether a grant was consumed before.
    pub fn grant_used(&self, id: &str) -> bool {
        self.grants_used.contains(id)
    }

    /// Whether a call's intent stands in the log and its end does not.
    pub fn is_open(&self, call: &str) -> bool {
        self.open.contains_key(call)
    }

    /// Whether a delta would change nothing, so that it need not be written.
    pub(crate) fn knows(&self, delta: &Delta) -> bool {
        match delta {
            Delta::Label { session, label } => self.session(session).is_some_and(|known| known.labels.contains(label)),
            Delta::Fact { session, name, fingerprint } => {
                let fact = self.session(session).and_then(|known| known.facts.get(name));
                fact.is_some_and(|fact| fact.fingerprint == *fingerprint)
            }
            Delta::Reserve { .. } | Delta::Grant { .. } | Delta::Placeholders { .. } => false,
        }
    }

    fn apply_delta(&mut self, entry: &Entry, delta: &Delta) {
        match delta {
            Delta::Reserve { budget, key, amount_micros, bucket, span_us } => {
                let call = entry.call().unwrap_or_default().to_owned();
                let taken =
                    Taken { at_us: entry.head.time_us, amount_micros: *amount_micros, bucket: bucket.clone(), call };
                self.budgets.entry(budget_key(budget, key)).or_default().take(taken, *span_us);
            }
            Delta::Fact { session, name, fingerprint } => {
                let state = self.sessions.entry(session.clone()).or_default();
                let fresh = Fact { fingerprint: fingerprint.clone(), contradicted: false };
                let fact = state.facts.entry(name.clone()).or_insert(fresh);
                fact.contradicted |= fact.fingerprint != *fingerprint;
                state.version += 1;
            }
            Delta::Label { session, label } => {
                let state = self.sessions.entry(session.clone()).or_default();
                if state.labels.insert(label.clone()) {
                    state.version += 1;
                }
            }
            Delta::Grant { id } => {
                self.grants_used.insert(id.clone());
            }
            // No decision depends on it, so the session's version stays.
            Delta::Placeholders { session, class, first, fingerprints } => {
                let state = self.sessions.entry(session.clone()).or_default();
                Arc::make_mut(&mut state.issued).add(class, *first, fingerprints);
            }
        }
    }
}

impl Fold for State {
    fn apply(&mut self, entry: &Entry) {
        for delta in entry.deltas() {
            self.apply_delta(entry, delta);
        }
        let Some(call) = entry.call() else { return };
        match &entry.body {
            Body::Intent(_) => drop(self.open.insert(call.to_owned(), grants(entry))),
            Body::Outcome(_) | Body::Abandoned(_) => drop(self.open.remove(call)),
            // Void is the one proof that a tool did not start, so it alone gives back what the call took.
            Body::Void(_) => {
                self.budgets.values_mut().for_each(|budget| budget.give_back(call));
                for grant in self.open.remove(call).into_iter().flatten() {
                    self.grants_used.remove(&grant);
                }
            }
            // Their deltas are all that they change.
            Body::Genesis(_) | Body::Denial(_) | Body::Pending(_) => {}
            Body::State(_) | Body::Policy(_) | Body::Recovery(_) | Body::Other(_) => {}
        }
    }
}

/// The grants that an intent uses up.
fn grants(intent: &Entry) -> Vec<String> {
    let used = intent.deltas().iter().filter_map(|delta| match delta {
        Delta::Grant { id } => Some(id.clone()),
        _ => None,
    });
    used.collect()
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Budget {
    taken: VecDeque<Taken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Taken {
    at_us: i64,
    amount_micros: i64,
    bucket: String,
    call: String,
}

impl Budget {
    fn take(&mut self, taken: Taken, span_us: i64) {
        // A sliding window forgets what has left it; the newest entry's own time decides, so that a fold is repeatable.
        if span_us > 0 {
            self.taken.retain(|old| old.at_us > taken.at_us.saturating_sub(span_us));
        }
        self.taken.push_back(taken);
    }

    fn taken_micros(&self, window: &crate::decision::Window, bucket: &str, now_us: i64) -> i64 {
        let counts = |taken: &&Taken| match window {
            crate::decision::Window::Sliding { us } => taken.at_us > now_us.saturating_sub(*us),
            _ => taken.bucket == bucket,
        };
        self.taken.iter().filter(counts).fold(0i64, |sum, taken| sum.saturating_add(taken.amount_micros))
    }

    fn give_back(&mut self, call: &str) {
        self.taken.retain(|taken| taken.call != call);
    }
}

fn budget_key(budget: &str, key: &str) -> String {
    format!("{budget}\0{key}")
}

impl Encoded for Value {
    fn encode(&self, out: &mut Vec<u8>) {
        Value::encode(self, out);
    }
}

#[cfg(test)]
mod tests;
