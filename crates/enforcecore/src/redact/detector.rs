//! The form of a detector's row.

use std::ops::Range;

use super::haystack::Haystack;

/// One detector. It costs nothing until its trigger occurs in the text.
pub struct Detector {
    /// Its name in findings.
    pub id: &'static str,
    /// The name of the class of what it finds.
    pub class: &'static str,
    /// What makes it look.
    pub(super) trigger: Trigger,
    /// Given the offset after a literal, or of a digit run's first digit, the classified bytes.
    pub(super) verify: Verify,
    /// One sentence for people.
    pub doc: &'static str,
    /// Texts and the bytes found in them.
    pub finds: &'static [(&'static str, &'static str)],
    /// Texts in which nothing is found.
    pub leaves: &'static [&'static str],
    /// Where the format is described.
    pub source: &'static str,
}

/// Reads what stands around an offset.
pub(super) type Verify = fn(&Haystack<'_>, usize) -> Option<Range<usize>>;

/// What in a text makes a detector look.
#[derive(Clone, Copy)]
pub(super) enum Trigger {
    /// One of these literals, at least two bytes each except that a single byte may stand alone.
    Literals(&'static [&'static str]),
    /// One of these literals, except where its last byte stands behind a finding of the detector of this name.
    LiteralsNotBehind(&'static [&'static str], &'static str),
    /// The first digit of a run of digits.
    Digits,
}
