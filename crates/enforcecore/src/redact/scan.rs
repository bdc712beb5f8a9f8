//! One pass over a text: at each trigger the detectors that wait for it look around.

use super::class::ClassSet;
use super::class_row::{Class, ClassRow, is_same};
use super::detector::{Detector, Trigger};
use super::detectors::{CLASSES, DETECTORS, unfinished};
use super::haystack::Haystack;
use super::row_set::RowSet;
use super::work::List;

/// One classified span of a text. Never holds the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactionFinding {
    /// Its class.
    pub class: Class,
    /// The detector row that found it.
    pub rule: &'static str,
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
}

/// Finds the classified spans of a text, in order of their start; spans may overlap.
pub fn scan(text: &str, classes: ClassSet) -> Vec<RedactionFinding> {
    findings(text, classes).into_vec()
}

/// Where the last private key of a text begins, if text that follows may belong to it: its BEGIN line alone, or lines of it
/// without their END.
pub fn unfinished_key(text: &str) -> Option<usize> {
    unfinished(&Haystack::new(text, CLASSES))
}

/// What [`scan`] finds, in the list that redaction goes on with.
pub(super) fn findings(text: &str, classes: ClassSet) -> List<RedactionFinding> {
    SCANNER.scan(&Haystack::new(text, CLASSES), classes.rows())
}

/// Made when the program is compiled: a table that is filled at the first scan is locked while another thread forks.
static SCANNER: Scanner<{ DETECTORS.len() }, { CLASSES.len() }> = Scanner::of(DETECTORS, CLASSES);

/// The detectors of a table, and which of them wait for a byte and for the byte before it. Two bytes of a literal decide
/// whether to compare all of it, so that an underscore in source text costs two table reads.
///
/// A detector's bit is that of its lane. In a long table several detectors share a lane, so that a byte costs the same two
/// reads in a table of any length, and each of a lane's detectors compares what it waits for.
pub(super) struct Scanner<const ROWS: usize, const CLASSES: usize> {
    rows: [Row; ROWS],
    /// The lanes of each class.
    lanes: [u64; CLASSES],
    last: [u64; 256],
    previous: [u64; 256],
}

/// Lanes of a scanner: the bits of one word.
const LANES: usize = u64::BITS as usize;

/// A detector with what its names stand for.
#[derive(Clone, Copy)]
struct Row {
    detector: &'static Detector,
    class: Class,
    /// The place of the detector behind whose findings it does not look.
    not_behind: Option<usize>,
}

#[expect(clippy::indexing_slicing, reason = "a wrong index or name does not compile: the one use is a static")]
impl<const ROWS: usize, const CLASSES: usize> Scanner<ROWS, CLASSES> {
    pub(super) const fn of(detectors: &'static [Detector], classes: &[ClassRow]) -> Self {
        assert!(detectors.len() == ROWS && classes.len() == CLASSES, "a scanner has a row for each row of its tables");
        let first = Row { detector: &detectors[0], class: Class::of(classes, detectors[0].class), not_behind: None };
        let mut scanner = Scanner { rows: [first; ROWS], lanes: [0; CLASSES], last: [0; 256], previous: [0; 256] };
        let mut place = 0;
        while place < ROWS {
            let detector = &detectors[place];
            let mut not_behind = None;
            match detector.trigger {
                Trigger::Digits => {
                    mark(&mut scanner.last, b'0', b'9', place);
                    mark(&mut scanner.previous, 0, b'0' - 1, place);
                    mark(&mut scanner.previous, b'9' + 1, u8::MAX, place);
                }
                Trigger::Literals(literals) => scanner.add(literals, place),
                Trigger::LiteralsNotBehind(literals, other) => {
                    scanner.add(literals, place);
                    let mut behind = 0;
                    while !is_same(detectors[behind].id, other) {
                        behind += 1;
                        assert!(behind < ROWS, "no detector has this name");
                    }
                    not_behind = Some(behind);
                }
            }
            let class = Class::of(classes, detector.class);
            scanner.rows[place] = Row { detector, class, not_behind };
            scanner.lanes[class.0] |= lane(place);
            place += 1;
        }
        scanner
    }

    const fn add(&mut self, mut literals: &[&str], place: usize) {
        while let [literal, others @ ..] = literals {
            if let [.., last] = literal.as_bytes() {
                mark(&mut self.last, *last, *last, place);
            }
            match literal.as_bytes() {
                [.., previous, _] => mark(&mut self.previous, *previous, *previous, place),
                _ => mark(&mut self.previous, 0, u8::MAX, place),
            }
            literals = others;
        }
    }
}

/// Lets a detector wait for each byte from `first` to `last`.
#[expect(clippy::indexing_slicing, reason = "a table has a word for every byte")]
const fn mark(table: &mut [u64; 256], first: u8, last: u8, place: usize) {
    let mut byte = first as usize;
    while byte <= last as usize {
        table[byte] |= lane(place);
        byte += 1;
    }
}

const fn lane(place: usize) -> u64 {
    1 << (place % LANES)
}

impl<const ROWS: usize, const CLASSES: usize> Scanner<ROWS, CLASSES> {
    pub(super) fn scan<const WORDS: usize>(
        &self,
        text: &Haystack<'_>,
        classes: &RowSet<WORDS>,
    ) -> List<RedactionFinding> {
        // Most texts are short and hold nothing: what a long table needs is made when a detector first has to look.
        let mut scan: Option<Scan<'_, ROWS, WORDS>> = None;
        let mut wanted = u64::MAX;
        let of = |table: &[u64; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        let mut before = 0;
        for (offset, byte) in text.bytes().iter().copied().enumerate() {
            let waiting = of(&self.last, byte) & of(&self.previous, before) & wanted;
            if waiting != 0 {
                let scan = scan.get_or_insert_with(|| {
                    let chosen = self.lanes.iter().enumerate().filter(|(class, _)| classes.contains(*class));
                    wanted = chosen.fold(0, |wanted, (_, lanes)| wanted | lanes);
                    Scan { text, classes, findings: List::default(), ends: [None; ROWS] }
                });
                scan.look(&self.rows, waiting & wanted, offset);
            }
            before = byte;
        }
        let mut findings = scan.map(|scan| scan.findings).unwrap_or_default();
        findings.sort_by_key(|finding| (finding.start, finding.end));
        findings
    }
}

struct Scan<'a, const ROWS: usize, const WORDS: usize> {
    text: &'a Haystack<'a>,
    classes: &'a RowSet<WORDS>,
    findings: List<RedactionFinding>,
    /// Where each detector's last finding ends.
    ends: [Option<usize>; ROWS],
}

impl<const ROWS: usize, const WORDS: usize> Scan<'_, ROWS, WORDS> {
    fn look(&mut self, rows: &[Row; ROWS], mut lanes: u64, offset: usize) {
        while lanes != 0 {
            let first = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            for (place, row) in rows.iter().enumerate().skip(first).step_by(LANES) {
                // A lane has detectors of other classes too.
                if self.classes.contains(row.class.0)
                    && let Some(at) = self.triggered(place, row, offset)
                    && let Some(span) = (row.detector.verify)(self.text, at)
                    && let Some(end) = self.ends.get_mut(place)
                {
                    *end = Some(span.end);
                    let rule = row.detector.id;
                    self.findings.push(RedactionFinding { class: row.class, rule, start: span.start, end: span.end });
                }
            }
        }
    }

    /// The offset a verifier starts from. Inside its own last finding a literal is not looked at again: the finding reaches as
    /// far as a second one would, and `xoxb-1234xoxb-1234…` stays linear. Cards are short and may overlap, so digits are.
    fn triggered(&self, place: usize, row: &Row, offset: usize) -> Option<usize> {
        let end_of = |place: usize| self.ends.get(place).copied().flatten();
        match row.detector.trigger {
            Trigger::Digits => {
                let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
                (is_digit(self.text.at(offset)) && !is_digit(self.text.before(offset))).then_some(offset)
            }
            Trigger::Literals(_) | Trigger::LiteralsNotBehind(..) if end_of(place) > Some(offset) => None,
            Trigger::Literals(literals) | Trigger::LiteralsNotBehind(literals, _) => {
                let literal = literals.iter().find(|literal| self.text.ends_with(offset + 1, literal))?;
                let start = offset + 1 - literal.len();
                (row.not_behind.and_then(end_of) != Some(start)).then_some(offset + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(Class, &str)]) {
        let found = scan(text, ClassSet::all());
        let found: Vec<_> = found.iter().map(|f| (f.class, text.get(f.start..f.end).unwrap())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn detectors_share_a_text() {
        check("", &[]);
        check("nothing here", &[]);
        check("a@b.com 4111111111111111", &[(Class::EMAIL, "a@b.com"), (Class::CREDIT_CARD, "4111111111111111")]);
        check("https://jane:pw@example.com", &[(Class::URL_CREDENTIALS, "jane:pw")]);
        check("https://jane@example.com", &[(Class::EMAIL, "jane@example.com")]);
        check("a@b.com@c.org", &[(Class::EMAIL, "a@b.com"), (Class::EMAIL, "b.com@c.org")]);
    }

    #[test]
    fn only_the_classes_asked_for_are_found() {
        let text = "a@b.com https://u:p@example.com";
        let emails = scan(text, ClassSet::NONE.with(Class::EMAIL));
        assert_eq!(emails.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>(), [(0, 7), (18, 31)]);
        assert_eq!(scan(text, ClassSet::NONE), []);
    }

    /// Work per byte is bounded whatever the text repeats: doubling the text doubles the bytes looked at.
    #[test]
    fn work_is_linear_in_the_text() {
        let key = concat!("-----BEGIN PRIVATE", " KEY-----");
        let repeated = [
            "@",
            "a",
            "a@",
            "@a.b",
            "\"@",
            "'a",
            "é",
            "a.",
            "é@é.",
            "https://",
            "://a:b/",
            "://a:b@",
            "://a:",
            "1",
            "4111 ",
            "1.",
            "4 ",
            "4\u{a0}",
            "-",
            "-----BEGIN ",
            key,
            "-----BEGIN PRIVATE KEY",
            "END ",
            "-END PRIVATE KEY----- ",
            "xoxb-",
            "xoxb-123456789012345678",
            "xoxb-12345",
            "xoxe.",
            "ghp_",
            "ghp_a",
            "github_pat_",
            "AKIA",
            "AKIAAKIABCDEFGHIJKLM",
            "sk_live_",
            "sk_live_a1b2c3d4e5",
            "whsec_",
            "whsec_0123456789abcdef0123456789abcdef",
            "\\",
            "\\u00",
            "%3A",
        ];
        for pattern in repeated {
            for (head, tail) in [("", ""), ("", "@example.com"), (key, ""), ("https://a:", "@b")] {
                let text = format!("{head}{}{tail}", pattern.repeat(50_000 / pattern.len()));
                let haystack = Haystack::new(&text, CLASSES);
                SCANNER.scan(&haystack, ClassSet::all().rows());
                let per_byte = haystack.steps() / text.len();
                assert!(per_byte <= STEPS_PER_BYTE_MAX, "{per_byte} steps a byte for `{head}{pattern}…{tail}`");
            }
        }
    }

    /// Bytes looked at for each byte of text at most: a card candidate reads some 60 bytes per group of digits.
    const STEPS_PER_BYTE_MAX: usize = 100;
}
