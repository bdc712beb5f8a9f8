//! A table that is longer than any word has bits: 200 detectors over 70 classes.

use std::ops::Range;

use super::class_row::{Class, ClassRow, ClassTier, as_written};
use super::detector::{Detector, Trigger, Verify};
use super::haystack::Haystack;
use super::row_set::{RowSet, words_for};
use super::scan::{RedactionFinding, Scanner};
use super::span::union;

const CLASSES: usize = 70;
const DETECTORS: usize = 200;

type Classes = RowSet<{ words_for(CLASSES) }>;

struct Table {
    classes: &'static [ClassRow],
    scanner: Scanner<DETECTORS, CLASSES>,
}

impl Table {
    fn new() -> Table {
        let classes: &[ClassRow] = (0..CLASSES).map(class).collect::<Vec<_>>().leak();
        let detectors: &[Detector] = (0..DETECTORS).map(detector).collect::<Vec<_>>().leak();
        Table { classes, scanner: Scanner::of(detectors, classes) }
    }

    fn scan(&self, text: &str, classes: Classes) -> Vec<RedactionFinding> {
        self.scanner.scan(&Haystack::new(text, self.classes), &classes).into_vec()
    }
}

fn class(place: usize) -> ClassRow {
    ClassRow {
        name: format!("class_{place}").leak(),
        aliases: &[],
        tier: ClassTier::Form,
        secret: false,
        rank: place as u8,
        canonical: as_written,
        doc: "",
        source: "",
    }
}

/// Every twentieth detector waits for digits, and its run is longer than the one before; the last one does not look behind
/// the shortest run; the others have a literal each.
fn detector(place: usize) -> Detector {
    let literals: &[&str] = vec![&*literal(place).leak()].leak();
    let (trigger, verify): (_, Verify) = match DIGITS.get(place / 20) {
        Some(digits) if place.is_multiple_of(20) => (Trigger::Digits, *digits),
        _ if place == DETECTORS - 1 => (Trigger::LiteralsNotBehind(literals, "detector_0"), word),
        _ => (Trigger::Literals(literals), word),
    };
    let class = format!("class_{}", place % CLASSES).leak();
    Detector { id: id(place).leak(), class, trigger, verify, doc: "", finds: &[], leaves: &[], source: "" }
}

fn id(place: usize) -> String {
    format!("detector_{place}")
}

/// `qaa_`, `qab_`, ..: what two bytes tell apart is one detector in 26.
fn literal(place: usize) -> String {
    let letter = |number: usize| char::from(b'a' + number as u8);
    format!("q{}{}_", letter(place / 26), letter(place % 26))
}

/// What the detector at a place finds.
fn example(place: usize) -> String {
    match place % 20 {
        0 => "7".repeat(SHORTEST_RUN + place / 20),
        _ => literal(place) + "X",
    }
}

fn word(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    Some(after - "qaa_".len()..text.run(after, |byte| byte != b' '))
}

const SHORTEST_RUN: usize = 3;

const DIGITS: [Verify; 10] = [
    digits::<3>,
    digits::<4>,
    digits::<5>,
    digits::<6>,
    digits::<7>,
    digits::<8>,
    digits::<9>,
    digits::<10>,
    digits::<11>,
    digits::<12>,
];

fn digits<const COUNT: usize>(text: &Haystack<'_>, start: usize) -> Option<Range<usize>> {
    let end = text.run(start, |byte| byte.is_ascii_digit());
    (end - start == COUNT).then_some(start..end)
}

fn set(classes: impl IntoIterator<Item = usize>) -> Classes {
    classes.into_iter().fold(Classes::NONE, Classes::with)
}

/// Every example once, with where each begins.
fn text() -> (String, Vec<usize>) {
    let mut text = String::new();
    let starts = (0..DETECTORS).map(|place| {
        let start = text.len();
        text += &(example(place) + " ");
        start
    });
    let starts = starts.collect();
    (text, starts)
}

#[test]
fn every_detector_of_a_long_table_finds_its_own() {
    let (table, (text, starts)) = (Table::new(), text());
    let found = table.scan(&text, set(0..CLASSES));
    let expected = (0..DETECTORS).zip(&starts).map(|(place, start)| (Class(place % CLASSES), id(place), *start));
    let got = found.iter().map(|found| (found.class, found.rule.to_owned(), found.start));
    assert_eq!(got.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn one_class_of_many_finds_its_own_alone() {
    let (table, (text, _)) = (Table::new(), text());
    for class in [0, 1, 62, 63, 64, 65, 69] {
        let found = table.scan(&text, set([class]));
        let expected: Vec<String> = (class..DETECTORS).step_by(CLASSES).map(id).collect();
        assert_eq!(found.iter().map(|found| found.rule).collect::<Vec<_>>(), expected, "{class}");
    }
    assert_eq!(table.scan(&text, Classes::NONE), []);
}

#[test]
fn a_set_has_room_for_every_class() {
    assert_eq!([0, 1, 64, 65, 128, 129, 200].map(words_for), [0, 1, 1, 2, 2, 3, 4]);
    let edges = [0, 63, 64, 65, 69];
    for one in edges {
        assert_eq!((0..CLASSES).filter(|class| set([one]).contains(*class)).collect::<Vec<_>>(), [one]);
        for other in edges {
            let both = set([one]).union(set([other]));
            assert_eq!((both, both.contains(one), both.contains(other)), (set([other, one]), true, true));
            assert_eq!(set([one]) == set([other]), one == other);
        }
    }
}

#[test]
fn the_class_of_the_highest_rank_names_what_several_claim() {
    let table = Table::new();
    for (one, other) in [(1, 63), (63, 64), (64, 65), (1, 69), (65, 69), (63, 69)] {
        for (first, second) in [(one, other), (other, one)] {
            let text = format!("{}{}", literal(first), example(second));
            let found = table.scanner.scan(&Haystack::new(&text, table.classes), &set(0..CLASSES));
            let spans = union(&found, |class| table.classes[class.0].rank);
            let spans: Vec<_> = spans.iter().map(|span| (span.class, span.range.clone())).collect();
            assert_eq!(spans, [(Class(other), 0..text.len())], "{text}");
        }
    }
}

#[test]
fn a_detector_does_not_look_behind_the_one_it_names() {
    let table = Table::new();
    let rules = |text: &str| table.scan(text, set(0..CLASSES)).iter().map(|found| found.rule).collect::<Vec<_>>();
    let (shortest, longer, last) = (example(0), example(20), example(DETECTORS - 1));
    assert_eq!(rules(&format!("{shortest}{last}")), ["detector_0"]);
    assert_eq!(rules(&format!("{longer}{last}")), ["detector_20", "detector_199"]);
    assert_eq!(rules(&format!("{shortest} {last}")), ["detector_0", "detector_199"]);
    assert_eq!(rules(&format!("{last} {shortest}")), ["detector_199", "detector_0"]);
}

#[test]
fn work_is_linear_in_a_long_table_too() {
    let table = Table::new();
    let (all, _) = text();
    for text in [all.repeat(20), "qaa_".repeat(10_000), "a_".repeat(20_000), "7".repeat(40_000), "7 ".repeat(20_000)] {
        let haystack = Haystack::new(&text, table.classes);
        table.scanner.scan(&haystack, &set(0..CLASSES));
        let per_byte = haystack.steps() / text.len();
        assert!(per_byte <= STEPS_PER_BYTE_MAX, "{per_byte} steps a byte");
    }
}

/// Bytes looked at for each byte of text at most: the literals of those detectors that share the last byte of one.
const STEPS_PER_BYTE_MAX: usize = 100;
