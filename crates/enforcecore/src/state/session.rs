//! Session state: a fold over log entries. Whatever is here can be rebuilt from the log alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::audit::{Body, CommitError, Delta, Durability, Encoded, Entry, Fold, Keyer, Log, LogError, StateRecord};
use crate::call::Context;
use crate::decision::{Charge, Fact, Window};
use crate::redact::Class;
use crate::value::{Value, encode_bytes};

use super::budget::{self, Budget, Taken};

/// How often idle sessions are looked for: so many times while one becomes idle.
const SWEEPS: i64 = 16;

/// Everything the log says about sessions, budgets and grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    sessions: HashMap<String, Session>,
    budgets: HashMap<String, Budget>,
    grants_used: BTreeSet<String>,
    /// The calls whose intent stands and whose end does not.
    open: BTreeMap<String, OpenIntent>,
    /// After how long without an entry a session leaves memory; 0 for never.
    idle_us: i64,
    /// When idle sessions are looked for next.
    sweep_us: i64,
    /// The one session that this state is of, where it is read back from the log.
    only: Option<String>,
}

/// What a call took that has not ended: all of it is given back if its tool did not start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OpenIntent {
    grants: Vec<String>,
    taken: Vec<(String, Taken)>,
}

/// A session that the log has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    /// The byte of the log from which on everything about it stands.
    from: u64,
    /// The time of its last entry, in microseconds.
    last_us: i64,
    /// Whether it was ended.
    ended: bool,
    /// What is known of it; `None` where that has left memory, and is read back from the log.
    known: Option<SessionState>,
}

/// What a state says of a session.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// The log has not seen it.
    New,
    /// What the log says of it.
    Awake(&'a SessionState),
    /// Its state has left memory, and stands in the log from this byte on.
    Asleep(u64),
    /// It was ended.
    Ended,
}

impl Known<'_> {
    /// Counts the changes of a session in which calls may be decided: a decision made on an older state is made again.
    pub(crate) fn version(self) -> Option<u64> {
        match self {
            Known::New => Some(0),
            Known::Awake(session) => Some(session.version),
            Known::Asleep(_) | Known::Ended => None,
        }
    }
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
    /// A state in which sessions leave memory after so many microseconds without an entry.
    pub fn with_session_idle(idle_us: i64) -> State {
        State { idle_us, ..State::default() }
    }

    /// The session of this keyed name.
    pub fn session(&self, key: &str) -> Known<'_> {
        match self.sessions.get(key) {
            None => Known::New,
            Some(Session { ended: true, .. }) => Known::Ended,
            Some(Session { known: Some(state), .. }) => Known::Awake(state),
            Some(Session { from, .. }) => Known::Asleep(*from),
        }
    }

    /// The placeholders that a session was shown, as of now; `None` where that is not in memory.
    pub(crate) fn issued(&self, key: &str) -> Option<Arc<Issued>> {
        match self.sessions.get(key) {
            None => Some(Arc::default()),
            Some(session) => session.known.as_ref().map(|known| Arc::clone(&known.issued)),
        }
    }

    /// The byte of the log to read this session back from, if its state has left memory.
    pub(crate) fn asleep_from(&self, key: &str) -> Option<u64> {
        self.sessions.get(key).filter(|session| session.known.is_none()).map(|session| session.from)
    }

    /// A state of this session alone, to read the log back into.
    pub(crate) fn only(session: &str) -> State {
        State { only: Some(session.to_owned()), ..State::default() }
    }

    /// Takes a session over that was read back.
    pub(crate) fn wake(&mut self, key: &str, mut back: State, now_us: i64) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.known.is_none()) else { return };
        session.known = Some(back.sessions.remove(key).and_then(|session| session.known).unwrap_or_default());
        session.last_us = session.last_us.max(now_us);
        for (budget, back) in back.budgets {
            self.budgets.entry(budget).or_default().take_over(back);
        }
        for (call, back) in back.open {
            self.open.entry(call).or_default().taken.extend(back.taken);
        }
    }

    /// What is already taken from the budget a charge names, in its current window.
    pub fn taken_micros(&self, charge: &Charge, key: &str, bucket: &str, now_us: i64) -> i64 {
        let Some(budget) = self.budgets.get(&budget_key(&charge.budget, key)) else { return 0 };
        budget.taken_micros(&charge.window, bucket, now_us)
    }

    /// When something leaves the sliding window that a charge counts in, and when no more than `most_micros` counts.
    pub(crate) fn leaves(
        &self,
        charge: &Charge,
        key: &str,
        now_us: i64,
        most_micros: i64,
    ) -> (Option<i64>, Option<i64>) {
        let Window::Sliding { us } = &charge.window else { return (None, None) };
        let budget = self.budgets.get(&budget_key(&charge.budget, key));
        budget.map(|budget| budget.leaves(*us, now_us, most_micros)).unwrap_or_default()
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
        let known = |session: &str| self.sessions.get(session)?.known.as_ref();
        match delta {
            Delta::Label { session, label } => known(session).is_some_and(|known| known.labels.contains(label)),
            Delta::Fact { session, name, fingerprint } => {
                let fact = known(session).and_then(|known| known.facts.get(name));
                fact.is_some_and(|fact| fact.fingerprint == *fingerprint)
            }
            Delta::End { session } => matches!(self.session(session), Known::Ended),
            Delta::Reserve { .. } | Delta::Grant { .. } | Delta::Placeholders { .. } => false,
        }
    }

    fn apply_delta(&mut self, entry: &Entry, group: u64, delta: &Delta, open: &mut OpenIntent) {
        let session = session_of(delta);
        if self.only.is_some() && self.only.as_deref() != session {
            return;
        }
        let known = match session {
            None => None,
            Some(key) => {
                let at_us = entry.head.time_us;
                let new =
                    || Session { from: group, last_us: at_us, ended: false, known: Some(SessionState::default()) };
                let session = self.sessions.entry(key.to_owned()).or_insert_with(new);
                session.last_us = session.last_us.max(at_us);
                session.ended |= matches!(delta, Delta::End { .. });
                // What has left memory is read back from the log, and this entry with it.
                let Some(known) = &mut session.known else { return };
                Some(known)
            }
        };
        match (delta, known) {
            (Delta::Reserve { budget, key, amount_micros, bucket, span_us }, _) => {
                let key = budget_key(budget, key);
                let (at_us, bucket) = (entry.head.time_us, bucket.clone());
                let taken = Taken { at_us, amount_micros: *amount_micros, bucket, span_us: *span_us };
                self.budgets.entry(key.clone()).or_default().take(&taken);
                open.taken.push((key, taken));
            }
            (Delta::Grant { id }, _) => {
                self.grants_used.insert(id.clone());
                open.grants.push(id.clone());
            }
            (Delta::Fact { name, fingerprint, .. }, Some(known)) => {
                let fresh = Fact { fingerprint: fingerprint.clone(), contradicted: false };
                let fact = known.facts.entry(name.clone()).or_insert(fresh);
                fact.contradicted |= fact.fingerprint != *fingerprint;
                known.version += 1;
            }
            (Delta::Label { label, .. }, Some(known)) => {
                known.version += u64::from(known.labels.insert(label.clone()));
            }
            // No decision depends on it, so the session's version stays.
            (Delta::Placeholders { class, first, fingerprints, .. }, Some(known)) => {
                Arc::make_mut(&mut known.issued).add(class, *first, fingerprints);
            }
            (Delta::End { .. }, _) => {}
            // A session's own change always has its session.
            (Delta::Fact { .. } | Delta::Label { .. } | Delta::Placeholders { .. }, None) => {}
        }
    }

    /// Lets sessions leave memory that had no entry for long. The entry's own time decides, so that a fold is repeatable.
    fn sweep(&mut self, now_us: i64) {
        if self.idle_us == 0 || now_us < self.sweep_us {
            return;
        }
        self.sweep_us = now_us.saturating_add(self.idle_us / SWEEPS);
        let over_us = now_us.saturating_sub(self.idle_us);
        let mut leaves = BTreeSet::new();
        for (key, session) in &mut self.sessions {
            if session.last_us < over_us && session.known.take().is_some() {
                leaves.insert(key.clone());
            }
        }
        self.budgets.retain(|_, budget| budget.sweep(now_us, |session| leaves.contains(session)));
        for open in self.open.values_mut() {
            open.taken.retain(|(_, taken)| budget::session_of(&taken.bucket).is_none_or(|of| !leaves.contains(of)));
        }
    }
}

/// The keyed name of a session.
pub fn session_name(keyer: &Keyer, context: &Context) -> String {
    let mut session = Vec::new();
    encode_bytes(b'T', context.tenant.as_bytes(), &mut session);
    encode_bytes(b'S', context.session_id.as_bytes(), &mut session);
    keyer.name("session", &session)
}

/// Why a session cannot be ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndSessionError {
    /// Calls without a session have nothing in common that could end.
    #[error("a session without a name cannot be ended")]
    Unnamed,
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Ends a session: its calls are refused from here on, in every process of this log. Calls that run may end.
pub fn end(log: &Log<State>, context: &Context) -> Result<(), EndSessionError> {
    if context.session_id.is_empty() {
        return Err(EndSessionError::Unnamed);
    }
    let session = session_name(log.keyer(), context);
    let delta = Delta::End { session: session.clone() };
    let propose = |state: &State, _now_us: i64| {
        if state.knows(&delta) {
            return Err(());
        }
        Ok((Body::State(StateRecord { delta: vec![delta], session: Some(session) }).into(), ()))
    };
    match log.commit(Durability::Strict, propose) {
        Ok(_) | Err(CommitError::Refused(())) => Ok(()),
        Err(CommitError::Log(error)) => Err(error.into()),
    }
}

/// The session that a change is of, and leaves memory with.
fn session_of(delta: &Delta) -> Option<&str> {
    match delta {
        Delta::Fact { session, .. }
        | Delta::Label { session, .. }
        | Delta::Placeholders { session, .. }
        | Delta::End { session } => Some(session),
        Delta::Reserve { bucket, .. } => budget::session_of(bucket),
        Delta::Grant { .. } => None,
    }
}

impl Fold for State {
    fn apply(&mut self, entry: &Entry, group: u64) {
        let mut open = OpenIntent::default();
        for delta in entry.deltas() {
            self.apply_delta(entry, group, delta, &mut open);
        }
        if let Some(session) = entry.session().and_then(|session| self.sessions.get_mut(session)) {
            session.last_us = session.last_us.max(entry.head.time_us);
        }
        self.end_or_begin(entry, open);
        self.sweep(entry.head.time_us);
    }
}

impl State {
    fn end_or_begin(&mut self, entry: &Entry, intent: OpenIntent) {
        let Some(call) = entry.call() else { return };
        match &entry.body {
            Body::Intent(_) => drop(self.open.insert(call.to_owned(), intent)),
            Body::Outcome(_) | Body::Abandoned(_) => drop(self.open.remove(call)),
            // Void is the one proof that a tool did not start, so it alone gives back what the call took.
            Body::Void(_) => {
                let OpenIntent { grants, taken } = self.open.remove(call).unwrap_or_default();
                for (key, taken) in taken {
                    if let Some(budget) = self.budgets.get_mut(&key) {
                        budget.give_back(&taken);
                    }
                }
                for grant in grants {
                    self.grants_used.remove(&grant);
                }
            }
            // Their deltas are all that they change.
            Body::Genesis(_) | Body::Denial(_) | Body::Pending(_) => {}
            Body::State(_) | Body::Policy(_) | Body::Recovery(_) | Body::Other(_) => {}
        }
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
