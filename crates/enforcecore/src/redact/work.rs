//! The work of redaction, counted, so that tests can hold the whole of it to linear work without a clock.
//!
//! Text is looked at through a `Haystack` and findings are kept in a [`List`], and both count every look. So a loop over
//! findings cannot be written that the test of linear work does not see. Outside of tests nothing is counted.

use std::cmp::Ordering;

/// A list whose every look at an item counts.
#[derive(Clone, Debug)]
pub(super) struct List<T> {
    items: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List { items: Vec::new() }
    }
}

impl<T> List<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn push(&mut self, item: T) {
        count(1);
        self.items.push(item);
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        count(1);
        self.items.last_mut()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().inspect(|_| count(1))
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.items.drain(..).inspect(|_| count(1))
    }

    pub(super) fn clear(&mut self) {
        count(self.items.len());
        self.items.clear();
    }

    /// Items that compare alike keep their order.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        self.items.sort_by(|one, other| -> Ordering {
            count(1);
            key(one).cmp(&key(other))
        });
    }

    /// The last item of those that stand before all others and are `within`.
    pub(super) fn last_within(&self, within: impl Fn(&T) -> bool) -> Option<&T> {
        let after = self.items.partition_point(|item| {
            count(1);
            within(item)
        });
        self.items.get(after.checked_sub(1)?)
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Adds to the work of this thread.
#[cfg(test)]
pub(super) fn count(steps: usize) {
    STEPS.set(STEPS.get() + steps);
}

/// Adds to the work of this thread.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn count(_steps: usize) {}

/// How much work something is.
#[cfg(test)]
pub(super) fn steps_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = STEPS.get();
    let done = work();
    (done, STEPS.get() - before)
}
