//! The numbers of placeholders in a session: given under the state's lock, and recorded before anything that has them is seen.
//!
//! Within a session a value has one number, whatever result or argument, process or restart it turns up in, and no two values
//! share one. The log keeps a keyed fingerprint of each value and never the value. Where a call names no session, each value
//! begins at 1 again, so that the same input gives the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::{Body, CommitError, Delta, Durability, Log, LogError, StateRecord};
use crate::redact::{Class, Placeholders};
use crate::state::recall::recall;
use crate::state::session::{Issued, State};

/// How often a value is numbered again because another call of its session gave numbers meanwhile.
const TRIES_MAX: usize = 16;
/// Values that have a number in one session at most: each is kept in memory, and a page of addresses is not worth more.
pub const SESSION_PLACEHOLDERS_MAX: u64 = 100_000;
/// Fingerprints in one entry at most, so that it stays well below what a line may have.
const ENTRY_FINGERPRINTS_MAX: usize = 1000;

/// Gives numbers in one session.
#[derive(Clone, Copy)]
pub(crate) struct Numbering<'a> {
    /// Where numbers are recorded.
    pub(crate) log: &'a Log<State>,
    /// The session's keyed name, if the call names a session.
    pub(crate) session: Option<&'a str>,
    /// Whether new numbers are recorded; otherwise no text that has them may be shown.
    pub(crate) records: bool,
}

/// Why a value got no numbers, and so may not be seen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotNumbered {
    /// They could not be recorded.
    #[error("the numbers of its placeholders cannot be recorded: {0}")]
    Log(LogError),
    /// The session has as many as it may.
    #[error("with these the session would have more than {SESSION_PLACEHOLDERS_MAX} redacted values")]
    TooMany,
    /// Others were always faster.
    #[error("other calls of the session kept giving numbers")]
    Contention,
}

impl Numbering<'_> {
    /// Redacts, and returns what it makes once all its numbers are recorded. Where another call of the session gave numbers
    /// meanwhile, `redact` is done again with those that its values got then.
    pub(crate) fn redact<T>(&self, redact: impl Fn(&mut Placeholders<'_>) -> T) -> Result<T, NotNumbered> {
        let Some(session) = self.session else { return Ok(redact(&mut Placeholders::default())) };
        for _ in 0..TRIES_MAX {
            recall(self.log, session).map_err(NotNumbered::Log)?;
            let Some(issued) = self.log.view(|state| state.issued(session)) else { continue };
            let number = |class: Class, value: &str| issued.number(&self.fingerprint(session, class, value));
            let mut placeholders = Placeholders::after(&number, issued.last_by_class());
            let redacted = redact(&mut placeholders);
            let fresh = placeholders.fresh();
            let last = issued.last_by_class();
            let more: u64 = fresh.values().map(|values| values.len() as u64).sum();
            // Before any is recorded: what is withheld uses up nothing.
            if issued.count() + more > SESSION_PLACEHOLDERS_MAX {
                return Err(NotNumbered::TooMany);
            }
            // From here on the state may change it in place.
            drop(issued);
            if self.record(session, &fresh, &last)? {
                return Ok(redacted);
            }
        }
        Err(NotNumbered::Contention)
    }

    /// Records new numbers; false where others gave some meanwhile, so that these values have got others.
    fn record(
        &self,
        session: &str,
        fresh: &BTreeMap<Class, Vec<String>>,
        last: &BTreeMap<Class, u64>,
    ) -> Result<bool, NotNumbered> {
        let mut as_shown = true;
        for (class, values) in fresh {
            let mut first = last.get(class).copied().unwrap_or_default() + 1;
            for values in values.chunks(ENTRY_FINGERPRINTS_MAX) {
                let fingerprints = values.iter().map(|value| self.fingerprint(session, *class, value)).collect();
                if self.records {
                    as_shown &= self.commit(session, *class, first, fingerprints)?;
                }
                first += values.len() as u64;
            }
        }
        Ok(as_shown)
    }

    /// Numbers values under the state's lock; false if they are not numbered from `first` on. Always on stable storage: a number
    /// that a kill could take back would be given twice.
    fn commit(&self, session: &str, class: Class, first: u64, mut values: Vec<String>) -> Result<bool, NotNumbered> {
        let propose = |state: &State, _now_us: i64| {
            let issued = state.issued(session).ok_or(Some(NotNumbered::Contention))?;
            let before = values.len();
            values.retain(|value| issued.number(value).is_none());
            if issued.count() + values.len() as u64 > SESSION_PLACEHOLDERS_MAX {
                return Err(Some(NotNumbered::TooMany));
            }
            if values.is_empty() {
                return Err(None);
            }
            let next = issued.last_by_class().get(&class).copied().unwrap_or_default() + 1;
            let as_shown = next == first && values.len() == before;
            let (session, class) = (session.to_owned(), class.as_str().to_owned());
            let delta =
                vec![Delta::Placeholders { session: session.clone(), class, first: next, fingerprints: values }];
            Ok((Body::State(StateRecord { delta, session: Some(session) }).into(), as_shown))
        };
        match self.log.commit(Durability::Strict, propose) {
            Ok((as_shown, _)) => Ok(as_shown),
            Err(CommitError::Refused(Some(error))) => Err(error),
            Err(CommitError::Refused(None)) => Ok(false),
            Err(CommitError::Log(error)) => Err(NotNumbered::Log(error)),
        }
    }

    /// A value's keyed name in its session: the same value has another one in another session.
    fn fingerprint(&self, session: &str, class: Class, value: &str) -> String {
        self.log.keyer().name("placeholder", format!("{session}\0{}\0{value}", class.as_str()).as_bytes())
    }

    /// Whether the session was shown this placeholder.
    pub(crate) fn was_issued(issued: &Arc<Issued>, (class, number): (Class, u64)) -> bool {
        (1..=issued.last_by_class().get(&class).copied().unwrap_or_default()).contains(&number)
    }
}
