//! Comparators of text: its ends and its form.

use super::super::kleene::{Truth, agreed};
use super::super::matchers::Pattern;
use super::super::types::{Aspect, NamePart};
use super::row::{Comparator, End, Example, Takes};
use super::seen::{Seen, Spelling};

pub(super) static ROWS: &[Comparator] = &[
    Comparator {
        name: "prefix",
        must: "begin with",
        on: Aspect::Start,
        takes: Takes::Part(End::Start, |text, part| text.starts_with(part)),
        doc: "it begins or ends so",
        example: Example { ty: "string", operand: "ab", holds: "\"abc\"", fails: Some("\"xab\"") },
    },
    Comparator {
        name: "suffix",
        must: "end with",
        on: Aspect::Text,
        takes: Takes::Part(End::End, |text, part| text.ends_with(part)),
        doc: "it begins or ends so",
        example: Example { ty: "email", operand: "\"@x.org\"", holds: "\"jo@X.org\"", fails: Some("\"jo@y-x.org\"") },
    },
    Comparator {
        name: "glob",
        must: "match the glob",
        on: Aspect::Text,
        takes: Takes::Pattern(Pattern::glob),
        doc: "the whole of it matches",
        example: Example { ty: "string", operand: "\"a*/b\"", holds: "\"ax/b\"", fails: Some("\"a/x/b\"") },
    },
    Comparator {
        name: "regex",
        must: "match the expression",
        on: Aspect::Text,
        takes: Takes::Pattern(Pattern::regex),
        doc: "the whole of it matches",
        example: Example { ty: "string", operand: "\"[a-c]+\"", holds: "\"abc\"", fails: Some("\"abcd\"") },
    },
    Comparator {
        name: "contains_regex",
        must: "contain a match of",
        on: Aspect::Text,
        takes: Takes::Pattern(Pattern::contains_regex),
        doc: "some part of it matches",
        example: Example { ty: "string", operand: "\"[a-c]{3}\"", holds: "\"xabcx\"", fails: Some("\"ab\"") },
    },
];

/// Why a pattern does not decide about a name, which has no case.
const CAPITALS: &str = "a pattern in capital letters, and a name in small ones";

pub(super) fn has_part(seen: &Seen<'_>, has: fn(&str, &str) -> bool, part: &str) -> Truth {
    seen.text_is(|text| has(text, &seen.spelling().of(part)))
}

pub(super) fn matches(seen: &Seen<'_>, pattern: &Pattern) -> Truth {
    match seen.spelling() {
        Spelling::Written => {
            let written = seen.text_is(|text| pattern.is_match(text));
            let ignores_case = match seen.name_part() {
                NamePart::Whole => true,
                NamePart::BehindAt => pattern.has_capital_host(),
                NamePart::None => false,
            };
            if !ignores_case {
                return written;
            }
            agreed([written, seen.text_is(|text| pattern.is_match_uncased(text))], CAPITALS)
        }
        Spelling::Composed => seen.text_is(|text| pattern.is_match_composed(text)),
    }
}
