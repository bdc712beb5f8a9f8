//! The detectors and their classes: one row each, a detector's with what it must find and what it must leave alone.
//!
//! A row costs nothing until its trigger occurs in the text; then its verifier, written by hand, reads the surroundings and
//! says which bytes are classified. A verifier looks at a bounded number of bytes, or walks a run that no other occurrence
//! of its trigger walks too, so a scan is linear in the text. There is no regular expression and no dictionary.

mod credit_card;
mod email;
mod number_context;
mod private_key;
mod url_credentials;
mod vendor_tokens;

use super::class_row::{Class, ClassRow};
use super::detector::Detector;
pub(super) use private_key::unfinished;

/// Makes the table of the classes, and a constant for the place of each row.
macro_rules! classes {
    ($($name:ident: $row:expr,)*) => {
        /// Every class there is.
        pub(super) const CLASSES: &[ClassRow] = &[$($row),*];

        impl Class {
            $(
                #[doc = "See its [row](Class::row)."]
                pub const $name: Class = Class::of(CLASSES, $row.name);
            )*
        }
    };
}

// In the order in which a log tells of them.
classes! {
    EMAIL: email::CLASS,
    CREDIT_CARD: credit_card::CLASS,
    PRIVATE_KEY: private_key::CLASS,
    URL_CREDENTIALS: url_credentials::CLASS,
    GITHUB_TOKEN: vendor_tokens::GITHUB,
    AWS_ACCESS_KEY: vendor_tokens::AWS,
    SLACK_TOKEN: vendor_tokens::SLACK,
    STRIPE_KEY: vendor_tokens::STRIPE,
}

/// Every detector there is.
pub(super) const DETECTORS: &[Detector] = &[
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
    use crate::redact::{ClassSet, classes, scan};

    #[test]
    fn every_detector_finds_its_examples_and_leaves_the_rest() {
        for row in DETECTORS {
            assert!(!row.doc.is_empty() && !row.source.is_empty() && row.finds.len() > 1 && row.leaves.len() > 1);
            let found = |text: &'static str| {
                let own = scan(text, ClassSet::named(row.class).unwrap())
                    .into_iter()
                    .filter(|finding| finding.rule == row.id);
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
        for class in classes() {
            let row = class.row();
            let words = row.aliases.iter().chain([&row.name]);
            assert!(words.clone().all(|word| Class::named(word) == Some(class) && *word != "secret"), "{}", row.name);
            assert!(DETECTORS.iter().any(|detector| detector.class == row.name), "nothing finds `{}`", row.name);
            assert!(!row.doc.is_empty() && !row.source.is_empty(), "{}", row.name);
        }
    }
}
