//! The detectors: one row each, with what it must find and what it must leave alone.
//!
//! A row costs nothing until its trigger occurs in the text; then its verifier, written by hand, reads the surroundings and
//! says which bytes are classified. A verifier looks at a bounded number of bytes, or walks a run that no other occurrence
//! of its trigger walks too, so a scan is linear in the text. There is no regular expression and no dictionary.

mod credit_card;
mod email;
mod private_key;
mod url_credentials;
mod vendor_tokens;

use std::ops::Range;

use super::classes::Class;
use super::haystack::Haystack;

/// One detector.
pub(crate) struct Detector {
    /// Its name in findings.
    pub id: &'static str,
    /// What it finds.
    pub class: Class,
    /// What makes it look.
    pub trigger: Trigger,
    /// Given the offset after a literal, or of a digit run's first digit, the classified bytes.
    pub verify: fn(&Haystack<'_>, usize) -> Option<Range<usize>>,
    /// One sentence for people.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the table and by readers of the source"))]
    pub doc: &'static str,
    /// Texts and the bytes found in them.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs them"))]
    pub finds: &'static [(&'static str, &'static str)],
    /// Texts in which nothing is found.
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs them"))]
    pub leaves: &'static [&'static str],
    /// Where the format is described.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the table and by readers of the source"))]
    pub source: &'static str,
}

/// What in a text makes a detector look.
#[derive(Clone, Copy)]
pub(crate) enum Trigger {
    /// One of these literals, at least two bytes each except that a single byte may stand alone.
    Literals(&'static [&'static str]),
    /// The first digit of a run of digits.
    Digits,
}

/// Every detector there is.
pub(crate) const DETECTORS: &[Detector] = &[
    private_key::PRIVATE_KEY,
    vendor_tokens::GITHUB_TOKEN,
    vendor_tokens::GITHUB_FINE_GRAINED,
    vendor_tokens::AWS_ACCESS_KEY,
    vendor_tokens::SLACK_TOKEN,
    vendor_tokens::STRIPE_KEY,
    vendor_tokens::STRIPE_WEBHOOK_SECRET,
    url_credentials::URL_CREDENTIALS,
    credit_card::CREDIT_CARD,
    email::EMAIL,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{ClassSet, scan};

    #[test]
    fn every_detector_finds_its_examples_and_leaves_the_rest() {
        for row in DETECTORS {
            assert!(!row.doc.is_empty() && !row.source.is_empty() && row.finds.len() > 1 && row.leaves.len() > 1);
            let found = |text: &'static str| {
                let own =
                    scan(text, ClassSet::NONE.with(row.class)).into_iter().filter(|finding| finding.rule == row.id);
                own.map(|finding| text.get(finding.start..finding.end).unwrap()).collect::<Vec<_>>()
            };
            for (text, expected) in row.finds {
                assert_eq!(found(text), [*expected], "{}: {text}", row.id);
            }
            for text in row.leaves {
                assert_eq!(found(text), [] as [&str; 0], "{}: {text}", row.id);
            }
        }
    }

    #[test]
    fn rows_have_names_of_their_own() {
        for (index, row) in DETECTORS.iter().enumerate() {
            assert!(DETECTORS.iter().skip(index + 1).all(|other| other.id != row.id), "{}", row.id);
        }
    }
}
