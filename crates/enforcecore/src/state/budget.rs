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
    /// The longest sliding window that was taken in.
    span_us: i64,
    /// Taken in the other windows, by the name of their bucket.
    buckets: BTreeMap<String, Bucket>,
    /// How many buckets there may be before those that are over are looked for.
    buckets_max: usize,
}

/// How much of what is taken is looked at to say when a call fits.
const LEAVING_MAX: usize = 4096;

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
            self.span_us = self.span_us.max(*span_us);
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

    /// When something that counts now leaves a sliding window of this length, and when so much has left that no more than
    /// `most_micros` counts. The second is not known where too much would have to be looked at.
    pub(super) fn leaves(&self, span_us: i64, now_us: i64, most_micros: i64) -> (Option<i64>, Option<i64>) {
        let over_us = now_us.saturating_sub(span_us);
        let recent = self.buckets.values().map(|bucket| (bucket.last_us, bucket.micros));
        let recent = recent.filter(|(at_us, micros)| *at_us > over_us && *micros > 0);
        let sliding = self.sliding.range(over_us.saturating_add(1)..).map(|(at_us, micros)| (*at_us, *micros));
        let mut counts: Vec<(i64, i128)> =
            recent.chain(sliding.filter(|(_, micros)| *micros > 0)).take(LEAVING_MAX).collect();
        counts.sort_unstable();
        let mut left = i128::from(self.taken_micros(&Window::Sliding { us: span_us }, "", now_us));
        let fits = counts.iter().find_map(|(at_us, micros)| {
            left -= micros;
            (left <= i128::from(most_micros)).then_some(at_us)
        });
        let out = |at_us: &i64| at_us.saturating_add(span_us);
        (counts.first().map(|(at_us, _)| out(at_us)), fits.map(out))
    }

    /// Forgets the buckets of sessions that leave memory, and what left its sliding window as long ago as the window is. Whether
    /// anything is left.
    pub(super) fn sweep(&mut self, now_us: i64, leaves: impl Fn(&str) -> bool) -> bool {
        self.buckets.retain(|name, _| !session_of(name).is_some_and(&leaves));
        let recent = self.sliding.split_off(&now_us.saturating_sub(self.span_us.saturating_mul(2)));
        let over = std::mem::replace(&mut self.sliding, recent);
        self.sliding_micros -= over.values().sum::<i128>();
        !self.sliding.is_empty() || !self.buckets.is_empty()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decision::CalendarUnit;

    const HOUR_US: i64 = 3_600_000_000;

    #[derive(Clone, Debug)]
    enum Step {
        /// After so many hours a call takes from the window of this index; perhaps its tool does not start.
        Take { hours: i64, amount_micros: i64, window: usize, starts: bool },
        /// What is taken, this many hours from now.
        Look { hours: i64 },
    }

    fn windows() -> [(Window, &'static str, i64); 5] {
        let day = || Window::Calendar { unit: CalendarUnit::Day, zone: jiff::tz::TimeZone::UTC };
        [
            (Window::Sliding { us: 24 * HOUR_US }, "", 24 * HOUR_US),
            (day(), "2026-03-01", 0),
            (day(), "2026-03-02", 0),
            (Window::Session, "session s1", 0),
            (Window::Ever, "ever", 0),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let take = (-1..30i64, 0..100i64, 0..5usize, any::<bool>())
            .prop_map(|(hours, amount_micros, window, starts)| Step::Take { hours, amount_micros, window, starts });
        let look = (-1..60i64).prop_map(|hours| Step::Look { hours });
        prop::collection::vec(prop_oneof![3 => take, 1 => look], 1..60)
    }

    proptest! {
        /// The running sums say what the list of all that was taken says. Each budget has one window, as in a policy.
        #[test]
        fn sums_count_what_a_list_counts(steps in steps()) {
            let mut budgets: [Budget; 5] = Default::default();
            let mut lists: [Vec<Taken>; 5] = Default::default();
            let mut now_us = 1_772_366_400_000_000;
            for step in steps {
                let at_us = match step {
                    Step::Take { hours, amount_micros, window, starts } => {
                        now_us += hours * HOUR_US;
                        let (_, bucket, span_us) = &windows()[window];
                        let taken =
                            Taken { at_us: now_us, amount_micros, bucket: (*bucket).to_owned(), span_us: *span_us };
                        budgets[window].take(&taken);
                        // What has left the window of a newer entry is forgotten, also where the clock goes back.
                        lists[window].retain(|old| taken.span_us == 0 || old.at_us > now_us - taken.span_us);
                        if starts {
                            lists[window].push(taken);
                        } else {
                            budgets[window].give_back(&taken);
                        }
                        now_us
                    }
                    Step::Look { hours } => now_us + hours * HOUR_US,
                };
                for (index, (window, bucket, _)) in windows().iter().enumerate() {
                    let counts = |taken: &&Taken| match window {
                        Window::Sliding { us } => taken.at_us > at_us - us,
                        Window::Calendar { .. } | Window::Session | Window::Ever => taken.bucket == *bucket,
                    };
                    let sum: i64 = lists[index].iter().filter(counts).map(|taken| taken.amount_micros).sum();
                    let counted = budgets[index].taken_micros(window, bucket, at_us);
                    prop_assert_eq!(counted, sum, "{:?}", window);
                }
            }
        }
    }

    #[test]
    fn calendar_windows_are_forgotten_once_they_are_long_over() {
        let mut budget = Budget::default();
        let take = |budget: &mut Budget, day: i64, bucket: &str| {
            let (at_us, bucket) = (day * 24 * HOUR_US, bucket.to_owned());
            budget.take(&Taken { at_us, amount_micros: 1, bucket, span_us: 0 });
        };
        take(&mut budget, 0, "ever");
        take(&mut budget, 0, "session s1");
        for day in 0..4000 {
            take(&mut budget, day, &format!("day {day}"));
            assert!(budget.buckets.len() <= 140, "{}", budget.buckets.len());
            let counted = |budget: &Budget, day: i64| {
                budget.taken_micros(&Window::Ever, &format!("day {day}"), day * 24 * HOUR_US)
            };
            for back in 0..=61.min(day) {
                assert_eq!(counted(&budget, day - back), 1, "day {day}, {back} back");
            }
        }
        for kept in ["ever", "session s1"] {
            assert_eq!(budget.taken_micros(&Window::Ever, kept, 0), 1, "{kept}");
        }
    }

    #[test]
    fn a_sweep_leaves_what_still_counts() {
        let noon = 1_772_366_400_000_000;
        let taken = |bucket: &str, span_us| Taken { at_us: noon, amount_micros: 5, bucket: bucket.to_owned(), span_us };
        for (bucket, span_us, hours, is_left) in [
            ("", HOUR_US, 2, true),
            ("", HOUR_US, 3, false),
            ("session s1", 0, 1, false),
            ("session s2", 0, 99, true),
            ("ever", 0, 99, true),
        ] {
            let mut budget = Budget::default();
            budget.take(&taken(bucket, span_us));
            let left = budget.sweep(noon + hours * HOUR_US, |session| session == "s1");
            assert_eq!(left, is_left, "{bucket:?} after {hours} hours");
            let window = if span_us > 0 { Window::Sliding { us: span_us } } else { Window::Ever };
            let counted = budget.taken_micros(&window, bucket, noon);
            assert_eq!(counted, if is_left { 5 } else { 0 }, "{bucket:?}");
        }
    }

    #[test]
    fn a_budget_that_slides_now_counts_what_was_counted_by_day() {
        let mut budget = Budget::default();
        let noon = 1_772_366_400_000_000;
        budget.take(&Taken { at_us: noon, amount_micros: 5, bucket: "2026-03-01".to_owned(), span_us: 0 });
        budget.take(&Taken { at_us: noon + HOUR_US, amount_micros: 7, bucket: String::new(), span_us: HOUR_US });
        let window = Window::Sliding { us: 2 * HOUR_US };
        for (hours, expected) in [(1, 12), (2, 7), (3, 0)] {
            assert_eq!(budget.taken_micros(&window, "", noon + hours * HOUR_US), expected, "{hours}");
        }
    }

    #[test]
    fn sums_beyond_a_number_stay_beyond_it() {
        let mut budget = Budget::default();
        let most = |at_us| Taken { at_us, amount_micros: i64::MAX, bucket: "ever".to_owned(), span_us: 0 };
        (0..3).for_each(|at_us| budget.take(&most(at_us)));
        for _ in 0..2 {
            assert_eq!(budget.taken_micros(&Window::Ever, "ever", 0), i64::MAX);
            budget.give_back(&most(0));
        }
        budget.give_back(&most(0));
        assert_eq!(budget.taken_micros(&Window::Ever, "ever", 0), 0);
    }
}
