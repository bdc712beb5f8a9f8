//! What is taken from budgets: running sums, so that a budget costs the same after a million calls.

use std::collections::BTreeMap;

use crate::decision::Window;

/// How long the sum of a calendar window is kept after its last call: twice the longest window.
const CALENDAR_KEPT_US: i64 = 62 * 24 * 3_600 * 1_000_000;
/// What the bucket of a session begins with; its keyed name follows.
const SESSION: &str = "session ";
/// The bucket of a budget that is never renewed.
const EVER: &str = "ever";

/// The bucket of this session.
pub(crate) fn session_bucket(session: &str) -> String {
    format!("{SESSION}{session}")
}

/// The bucket of all times.
pub(crate) fn ever_bucket() -> String {
    EVER.to_owned()
}

/// The session whose bucket this is.
pub(super) fn session_of(bucket: &str) -> Option<&str> {
    bucket.strip_prefix(SESSION)
}

/// What is taken from one budget for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    /// Taken in sliding windows, by time.
    sliding: BTreeMap<i64, i128>,
    /// The sum of it.
    sliding_micros: i128,
    /// Taken in the other windows, by the name of their bucket.
    buckets: BTreeMap<String, Bucket>,
    /// How many buckets there may be before those that are over are looked for.
    buckets_max: usize,
}

/// Buckets below which none is looked for that is over.
const BUCKETS_MIN: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bucket {
    micros: i128,
    last_us: i64,
}

/// What one entry takes, so that it can be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) at_us: i64,
    pub(super) amount_micros: i64,
    /// The bucket; empty for a sliding window.
    pub(super) bucket: String,
    /// The sliding window's length; 0 for a bucket.
    pub(super) span_us: i64,
}

impl Budget {
    /// Takes, and forgets what is out of every window. The entry's own time decides, so that a fold is repeatable.
    pub(super) fn take(&mut self, taken: &Taken) {
        let Taken { at_us, amount_micros, bucket, span_us } = taken;
        let amount = i128::from(*amount_micros);
        if *span_us > 0 {
            let recent = self.sliding.split_off(&at_us.saturating_sub(*span_us).saturating_add(1));
            let over = std::mem::replace(&mut self.sliding, recent);
            self.sliding_micros += amount - over.values().sum::<i128>();
            *self.sliding.entry(*at_us).or_default() += amount;
            return;
        }
        if self.buckets.len() >= self.buckets_max.max(BUCKETS_MIN) {
            let over_us = at_us.saturating_sub(CALENDAR_KEPT_US);
            self.buckets.retain(|name, bucket| bucket.last_us >= over_us || is_kept(name));
            self.buckets_max = 2 * self.buckets.len();
        }
        let sum = self.buckets.entry(bucket.clone()).or_default();
        sum.micros += amount;
        sum.last_us = sum.last_us.max(*at_us);
    }

    /// Gives back what a call took that did not start.
    pub(super) fn give_back(&mut self, taken: &Taken) {
        let amount = i128::from(taken.amount_micros);
        if taken.span_us > 0 {
            if let Some(micros) = self.sliding.get_mut(&taken.at_us) {
                *micros -= amount;
                self.sliding_micros -= amount;
            }
        } else if let Some(bucket) = self.buckets.get_mut(&taken.bucket) {
            bucket.micros -= amount;
        }
    }

    /// What counts in the window now. Where an earlier policy counted in buckets, a sliding window counts each bucket as if all
    /// of it had been taken at its last call.
    pub(super) fn taken_micros(&self, window: &Window, bucket: &str, now_us: i64) -> i64 {
        let micros = match window {
            Window::Sliding { us } => {
                let over_us = now_us.saturating_sub(*us);
                let over = self.sliding.range(..=over_us).map(|(_, micros)| micros).sum::<i128>();
                let recent = self.buckets.values().filter(|bucket| bucket.last_us > over_us);
                self.sliding_micros - over + recent.map(|bucket| bucket.micros).sum::<i128>()
            }
            Window::Calendar { .. } | Window::Session | Window::Ever => {
                self.buckets.get(bucket).map_or(0, |bucket| bucket.micros)
            }
        };
        i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
    }

    /// Forgets the buckets of sessions that leave memory.
    pub(super) fn forget_sessions(&mut self, leaves: impl Fn(&str) -> bool) {
        self.buckets.retain(|name, _| !session_of(name).is_some_and(&leaves));
    }

    /// Takes over the buckets of a session that comes back.
    pub(super) fn take_over(&mut self, back: Budget) {
        self.buckets.extend(back.buckets);
    }
}

/// Whether the bucket is no calendar window's.
fn is_kept(bucket: &str) -> bool {
    bucket == EVER || session_of(bucket).is_some()
}

#[cfg(test)]
impl Budget {
    /// What is taken, by time and by bucket.
    pub(super) fn sums(&self) -> impl Iterator<Item = String> {
        let sliding = self.sliding.iter().map(|(at, micros)| format!("at {at}: {micros}"));
        sliding.chain(self.buckets.iter().map(|(name, bucket)| format!("in {name:?}: {}", bucket.micros)))
    }
}
