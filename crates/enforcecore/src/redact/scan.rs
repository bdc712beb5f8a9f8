//! One pass over a text: at each trigger the detectors that wait for it look around.

use super::Finding;
use super::classes::{Class, ClassSet};
use super::detectors::{DETECTORS, Detector, Trigger};
use super::haystack::Haystack;
use super::work::List;

/// Finds the classified spans of a text, in order of their start; spans may overlap.
pub fn scan(text: &str, classes: ClassSet) -> Vec<Finding> {
    findings(text, classes).into_vec()
}

/// The same, in the list that redaction goes on with.
pub(super) fn findings(text: &str, classes: ClassSet) -> List<Finding> {
    scan_haystack(&Haystack::new(text), classes)
}

fn scan_haystack(text: &Haystack<'_>, classes: ClassSet) -> List<Finding> {
    let mut scan = Scan { findings: List::default(), covered: [0; DETECTORS.len()], userinfo_end: None };
    let wanted = (0..).zip(DETECTORS).filter(|(_, detector)| classes.contains(detector.class));
    let wanted = wanted.fold(0, |wanted, (index, _)| wanted | 1 << index);
    let mut before = 0;
    for (offset, byte) in text.bytes().iter().copied().enumerate() {
        let waiting = TRIGGERS.waiting(before, byte) & wanted;
        if waiting != 0 {
            scan.look(text, offset, waiting);
        }
        before = byte;
    }
    scan.findings.sort_by_key(|finding| (finding.start, finding.end));
    scan.findings
}

struct Scan {
    findings: List<Finding>,
    /// Where each detector's last finding ends.
    covered: [usize; DETECTORS.len()],
    /// Where the last credentials of a URL end.
    userinfo_end: Option<usize>,
}

impl Scan {
    fn look(&mut self, text: &Haystack<'_>, offset: usize, waiting: u64) {
        for (index, (detector, covered)) in (0..).zip(DETECTORS.iter().zip(&mut self.covered)) {
            if waiting & 1 << index == 0 {
                continue;
            }
            let Some(at) = triggered(detector, text, offset, *covered) else { continue };
            // The `@` that ends a URL's credentials is not also an address's: `user:secret@host` would hide the host.
            if detector.class == Class::Email && self.userinfo_end == Some(offset) {
                continue;
            }
            if let Some(span) = (detector.verify)(text, at) {
                *covered = span.end;
                if detector.class == Class::UrlCredentials {
                    self.userinfo_end = Some(span.end);
                }
                self.findings.push(Finding {
                    class: detector.class,
                    rule: detector.id,
                    start: span.start,
                    end: span.end,
                });
            }
        }
    }
}

/// The offset a verifier starts from. Inside its own last finding a literal is not looked at again: the finding reaches as
/// far as a second one would, and `xoxb-1234xoxb-1234…` stays linear. Cards are short and may overlap, so digits are.
fn triggered(detector: &Detector, text: &Haystack<'_>, offset: usize, covered: usize) -> Option<usize> {
    match detector.trigger {
        Trigger::Digits => Some(offset),
        Trigger::Literals(_) if offset < covered => None,
        Trigger::Literals(literals) => {
            literals.iter().any(|literal| text.ends_with(offset + 1, literal)).then_some(offset + 1)
        }
    }
}

/// Made when the program is compiled: a table that is filled at the first scan is locked while another thread forks.
static TRIGGERS: Triggers = Triggers::of(DETECTORS);

/// Which detectors, one bit each, wait for a byte, and which accept the byte before it. Two bytes of a literal decide
/// whether to compare all of it, so that an underscore in source text costs two table reads.
struct Triggers {
    last: [u64; 256],
    previous: [u64; 256],
}

impl Triggers {
    #[expect(clippy::indexing_slicing, reason = "a wrong index does not compile: the one use is a static")]
    const fn of(mut detectors: &[Detector]) -> Triggers {
        let mut triggers = Triggers { last: [0; 256], previous: [0; 256] };
        let mut bit = 1;
        while let [detector, others @ ..] = detectors {
            match detector.trigger {
                Trigger::Digits => {
                    let mut byte = 0;
                    while byte < 256 {
                        let is_digit = b'0' as usize <= byte && byte <= b'9' as usize;
                        let table = if is_digit { &mut triggers.last } else { &mut triggers.previous };
                        table[byte] |= bit;
                        byte += 1;
                    }
                }
                Trigger::Literals(mut literals) => {
                    while let [literal, others @ ..] = literals {
                        triggers.add(literal.as_bytes(), bit);
                        literals = others;
                    }
                }
            }
            bit <<= 1;
            detectors = others;
        }
        triggers
    }

    #[expect(clippy::indexing_slicing, reason = "a wrong index does not compile: the one use is a static")]
    const fn add(&mut self, literal: &[u8], bit: u64) {
        if let [.., last] = literal {
            self.last[*last as usize] |= bit;
        }
        if let [.., previous, _] = literal {
            self.previous[*previous as usize] |= bit;
        } else {
            let mut byte = 0;
            while byte < 256 {
                self.previous[byte] |= bit;
                byte += 1;
            }
        }
    }

    fn waiting(&self, previous: u8, last: u8) -> u64 {
        let of = |table: &[u64; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        of(&self.last, last) & of(&self.previous, previous)
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
        check("a@b.com 4111111111111111", &[(Class::Email, "a@b.com"), (Class::CreditCard, "4111111111111111")]);
        check("https://jane:pw@example.com", &[(Class::UrlCredentials, "jane:pw")]);
        check("https://jane@example.com", &[(Class::Email, "jane@example.com")]);
        check("a@b.com@c.org", &[(Class::Email, "a@b.com"), (Class::Email, "b.com@c.org")]);
    }

    #[test]
    fn only_the_classes_asked_for_are_found() {
        let text = "a@b.com https://u:p@example.com";
        let emails = scan(text, ClassSet::NONE.with(Class::Email));
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
                let haystack = Haystack::new(&text);
                scan_haystack(&haystack, ClassSet::all());
                let per_byte = haystack.steps() / text.len();
                assert!(per_byte <= STEPS_PER_BYTE_MAX, "{per_byte} steps a byte for `{head}{pattern}…{tail}`");
            }
        }
    }

    /// Bytes looked at for each byte of text at most: a card candidate reads some 60 bytes per group of digits.
    const STEPS_PER_BYTE_MAX: usize = 100;
}
