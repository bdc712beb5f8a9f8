//! The text a detector looks at: bytes with total access, so that no detector can index past an end.
//!
//! Boundaries are ASCII only. A letter of a script written without spaces ends an address just as a blank does, so
//! `联系jane@example.com谢谢` holds one; Unicode's idea of a word would hide it.

use std::ops::Range;

use super::class_row::{ClassRow, PREFIX};

/// A text being examined.
pub(crate) struct Haystack<'a> {
    bytes: &'a [u8],
    /// The classes whose placeholders are inert.
    classes: &'static [ClassRow],
    /// How many bytes were looked at, so that tests can hold detectors to linear work without a clock.
    #[cfg(test)]
    steps: std::cell::Cell<usize>,
}

impl<'a> Haystack<'a> {
    pub(crate) fn new(text: &'a str, classes: &'static [ClassRow]) -> Haystack<'a> {
        Haystack {
            bytes: text.as_bytes(),
            classes,
            #[cfg(test)]
            steps: Default::default(),
        }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The byte at an offset.
    pub(crate) fn at(&self, offset: usize) -> Option<u8> {
        self.count(1);
        self.bytes.get(offset).copied()
    }

    /// The byte before an offset.
    pub(crate) fn before(&self, offset: usize) -> Option<u8> {
        offset.checked_sub(1).and_then(|offset| self.at(offset))
    }

    /// The bytes of a range, empty if the range is not within the text.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.count(range.len());
        self.bytes.get(range).unwrap_or_default()
    }

    /// Whether `literal` ends exactly before `end`.
    pub(crate) fn ends_with(&self, end: usize, literal: &str) -> bool {
        end.checked_sub(literal.len()).is_some_and(|start| self.slice(start..end) == literal.as_bytes())
    }

    /// Whether the bytes are exactly a placeholder of some class.
    pub(crate) fn is_placeholder(&self, bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(PREFIX.as_bytes()) else { return false };
        let Some(underscore) = rest.iter().rposition(|byte| *byte == b'_') else { return false };
        let (name, number) = rest.split_at_checked(underscore).unwrap_or_default();
        let numbered = number.len() > 1 && number.iter().skip(1).all(u8::is_ascii_digit);
        numbered && self.classes.iter().any(|class| name == class.name.to_ascii_uppercase().as_bytes())
    }

    /// Where `needle` begins within a range.
    pub(crate) fn find_within(&self, range: Range<usize>, needle: &str) -> Option<usize> {
        let found = memchr::memmem::find(self.bytes.get(range.clone())?, needle.as_bytes());
        self.count(found.unwrap_or(range.len()));
        found.map(|offset| range.start + offset)
    }

    /// The end of the run of accepted bytes that begins at `start`.
    pub(crate) fn run(&self, start: usize, accept: impl Fn(u8) -> bool) -> usize {
        self.run_within(start..self.len(), accept)
    }

    /// The same, and no further than the range's end.
    pub(crate) fn run_within(&self, range: Range<usize>, accept: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(range.clone()).unwrap_or_default();
        let length = rest.iter().position(|byte| !accept(*byte)).unwrap_or(rest.len());
        self.count(length + 1);
        range.start + length
    }

    /// Bytes of the alphabetic letter U+00C0 to U+058F that begins at an offset, or 0. These scripts (Latin to Armenian)
    /// are written with spaces, so such a letter beside an ASCII one belongs to the same word.
    pub(crate) fn spaced_letter_at(&self, offset: usize) -> usize {
        let letter = std::str::from_utf8(self.slice(offset..offset + 2)).ok().and_then(|pair| pair.chars().next());
        if letter.is_some_and(|letter| ('\u{c0}'..='\u{58f}').contains(&letter) && letter.is_alphabetic()) {
            2
        } else {
            0
        }
    }

    /// Bytes of the letter or digit behind these scripts (Hebrew to Han) that begins at an offset, or 0.
    pub(crate) fn wide_letter_at(&self, offset: usize) -> usize {
        let bytes = match self.at(offset) {
            Some(0xd6..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => return 0,
        };
        let letter = std::str::from_utf8(self.slice(offset..offset + bytes)).ok().and_then(|text| text.chars().next());
        if letter.is_some_and(|letter| letter > '\u{58f}' && letter.is_alphanumeric()) { bytes } else { 0 }
    }

    #[cfg(test)]
    pub(crate) fn steps(&self) -> usize {
        self.steps.get()
    }

    #[cfg(test)]
    fn count(&self, steps: usize) {
        super::work::count(steps);
        self.steps.set(self.steps.get() + steps);
    }

    #[cfg(not(test))]
    #[inline(always)]
    fn count(&self, _steps: usize) {}
}
