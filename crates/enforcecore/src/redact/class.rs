//! Classes as everything else knows them: ids with their rows, and sets of ids.

use std::fmt;

use super::class_row::{Class, ClassRow};
use super::detector::{Detector, Trigger};
use super::detectors::{CLASSES, DETECTORS};
use super::row_set::{RowSet, words_for};

/// Every class there is.
pub fn classes() -> impl Iterator<Item = Class> {
    (0..CLASSES.len()).map(Class)
}

/// Every detector there is.
pub fn detectors() -> impl Iterator<Item = &'static Detector> {
    DETECTORS.iter()
}

impl Class {
    /// The class that a policy or a log calls by this name.
    pub fn named(name: &str) -> Option<Class> {
        classes().find(|class| class.row().is_called(name))
    }

    /// The name in policies, logs and machine output.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// All that is known of it.
    #[expect(clippy::indexing_slicing, reason = "a class is made from a place in this table and from nothing else")]
    pub fn row(self) -> &'static ClassRow {
        &CLASSES[self.0]
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(CLASSES.get(self.0).map_or("a class of another table", |class| class.name))
    }
}

/// Words of a set of classes.
const CLASS_WORDS: usize = words_for(CLASSES.len());
const _: () = assert!(CLASSES.len() <= CLASS_WORDS * u64::BITS as usize, "a set has room for every class");

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassSet(RowSet<CLASS_WORDS>);

impl Default for ClassSet {
    fn default() -> ClassSet {
        ClassSet::NONE
    }
}

impl ClassSet {
    /// No class.
    pub const NONE: ClassSet = ClassSet(RowSet::NONE);

    /// Every class there is.
    pub fn all() -> ClassSet {
        classes().collect()
    }

    /// The classes a policy's word stands for: a class's own name, or `secret` for every secret.
    pub fn named(name: &str) -> Option<ClassSet> {
        let is_named = |row: &ClassRow| row.is_called(name) || (name == "secret" && row.secret);
        let set: ClassSet = classes().filter(|class| is_named(class.row())).collect();
        (!set.is_empty()).then_some(set)
    }

    /// The set with one more class.
    pub fn with(self, class: Class) -> ClassSet {
        ClassSet(self.0.with(class.0))
    }

    /// Both sets' classes.
    pub fn union(self, other: ClassSet) -> ClassSet {
        ClassSet(self.0.union(other.0))
    }

    /// Whether the set has the class.
    pub fn contains(self, class: Class) -> bool {
        self.0.contains(class.0)
    }

    /// Whether some class of it can be found in a number, which then becomes text.
    pub fn reaches_numbers(self) -> bool {
        let in_digits = detectors().filter(|detector| matches!(detector.trigger, Trigger::Digits));
        in_digits.filter_map(|detector| Class::named(detector.class)).any(|class| self.contains(class))
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == ClassSet::NONE
    }

    /// The places of its classes.
    pub(super) fn rows(&self) -> &RowSet<CLASS_WORDS> {
        &self.0
    }
}

impl FromIterator<Class> for ClassSet {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> ClassSet {
        classes.into_iter().fold(ClassSet::NONE, ClassSet::with)
    }
}
