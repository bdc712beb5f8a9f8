//! The page about the language, `docs/policy.md`, and the language: each word of either is one of the other.

use std::collections::BTreeSet;

use super::super::comparators::{COMPARATORS_LATER, comparators};
use super::super::effects::ToolEffect;
use super::super::types::{ItemKind, TYPES, TYPES_LATER};
use super::{document, rule, tool};
use crate::redact::{Class, classes, detectors};

const PAGE: &str = include_str!("../../../../../docs/policy.md");

/// Where keys are read, and the calls that read them.
const SOURCES: &[&str] = &[
    include_str!("document.rs"),
    include_str!("rule.rs"),
    include_str!("deadline.rs"),
    include_str!("budget.rs"),
    include_str!("test_cases.rs"),
    include_str!("tool.rs"),
];
const READERS: &[&str] = &["fields.get(\"", "fields\n        .require(\"", "fields.require(\"", "require_or_help(\""];

/// Words that no table holds, because one line of code reads each.
const OTHERS: &[&str] = &[
    "allow",
    "ask",
    "deny",
    "policy",
    "guardrail",
    "undeclared",
    "trusted",
    "untrusted",
    "local_user",
    "every_string",
    "anything",
    "fact",
    "network",
    "everyone",
    "calls",
    "malformed",
    "principal",
    "facts",
    "session",
    "given",
    "hour",
    "day",
    "week",
    "month",
    "ever",
    "secret",
    "literal",
    "currency",
    "on_placeholder",
    "refuse",
    "send",
    "links",
    "parent",
    "lexical",
    "absolute",
    "relative",
];

/// What is refused as not supported yet, beside what tables hold.
const OTHERS_LATER: &[&str] = &["label", "now", "extra_args", "server", "wait", "people", "result", "trace", "labels"];

fn words() -> BTreeSet<String> {
    let keys = SOURCES.iter().flat_map(|source| {
        READERS.iter().flat_map(move |reader| source.split(reader).skip(1).filter_map(|rest| rest.split('"').next()))
    });
    let tables = [&ToolEffect::words()[..], &tool::PATH_KEYS, OTHERS].concat();
    let rows = TYPES.iter().map(|row| row.name).chain(comparators().map(|row| row.name));
    let classes = classes().flat_map(|class| class.row().aliases.iter().copied().chain([class.as_str()]));
    let kinds = ItemKind::WORDS.iter().flat_map(|(kind, _)| [format!("any_{kind}"), format!("every_{kind}")]);
    keys.chain(tables).chain(rows).chain(classes).map(str::to_owned).chain(kinds).collect()
}

fn later() -> BTreeSet<String> {
    let tables = [document::LATER, rule::LATER, TYPES_LATER, COMPARATORS_LATER, OTHERS_LATER].concat();
    tables.into_iter().map(str::to_owned).collect()
}

/// The words between backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    let code = text.split('`').skip(1).step_by(2);
    let words = code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let word = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    words.filter(word).map(str::to_owned).collect()
}

/// The words in the first cells of a text's tables, from one heading to another.
fn rows(from: &str, to: &str) -> BTreeSet<String> {
    let part = PAGE.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let first = part.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    first.flat_map(quoted).collect()
}

#[test]
fn the_page_has_every_word_and_no_other() {
    let (page, words, later) = (quoted(PAGE), words(), later());
    let missing: Vec<&String> = words.iter().chain(&later).filter(|word| !page.contains(*word)).collect();
    assert!(missing.is_empty(), "the page does not say `{missing:?}`");
    let (code, count) = (rows("## Top-level keys", "## Time"), words.len());
    let invented: Vec<&String> = code.difference(&words).collect();
    assert!(invented.is_empty() && count > 80, "the page invents {invented:?}");
    let known: BTreeSet<String> = classes().map(Class::as_str).chain(["secret"]).map(str::to_owned).collect();
    assert_eq!(rows("## Redaction", "## Tests"), known);
    assert_eq!(detectors().map(|detector| detector.class.to_owned()).collect::<BTreeSet<_>>().len(), classes().count());
    let secrets = PAGE.lines().find_map(|line| line.strip_prefix("| `secret` |")).unwrap();
    let known: BTreeSet<String> =
        classes().filter(|class| class.row().secret).map(|class| class.as_str().to_owned()).collect();
    assert_eq!(quoted(secrets), known);
}

/// The cells of the one row of a table whose first cell has the word.
fn cells(from: &str, to: &str, word: &str) -> Vec<String> {
    let part = PAGE.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let rows = part.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    let rows = rows.map(|row| row.split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let mut found = rows.filter(|cells| quoted(&cells[0]).contains(word));
    let cells = found.next().unwrap_or_else(|| panic!("no row of `{word}`"));
    assert!(found.next().is_none(), "two rows of `{word}`");
    cells
}

#[test]
fn no_word_is_kept_for_later_that_has_its_row() {
    for word in TYPES_LATER {
        assert!(TYPES.iter().all(|row| row.name != *word), "the type `{word}` leaves `TYPES_LATER`");
    }
    for word in COMPARATORS_LATER {
        assert!(comparators().all(|row| row.name != *word), "the comparator `{word}` leaves `COMPARATORS_LATER`");
    }
}

#[test]
fn the_page_says_of_comparators_and_types_what_their_rows_say() {
    for row in comparators() {
        assert_eq!(cells("| comparator |", "## Budgets", row.name)[2], row.doc, "{}", row.name);
    }
    for row in TYPES {
        assert_eq!(cells("| type |", "| key |", row.name)[1], row.doc, "{}", row.name);
    }
}
