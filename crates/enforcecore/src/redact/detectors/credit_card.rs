//! Payment card numbers.
//!
//! A number is taken when its length and first digits are an issuer's and its last digit is Luhn's. One plain number in ten
//! passes Luhn, so the shape decides too: digits grouped the way cards are printed, or a group that stands alone; never a
//! part of a longer run of digits, the fraction of a decimal, a number dialled with `+`, or what another scheme explains.

use std::borrow::Cow;
use std::ops::Range;

use super::number_context::is_explained;
use crate::redact::class_row::{ClassRow, ClassTier, as_written};
use crate::redact::detector::{Detector, Trigger};
use crate::redact::haystack::Haystack;

pub(super) const CLASS: ClassRow = ClassRow {
    name: "credit_card",
    aliases: &[],
    tier: ClassTier::Form,
    secret: false,
    rank: 1,
    canonical: digits,
    doc: "A payment card number that passes Luhn and lies in an issuer's range.",
    source: "ISO/IEC 7812-1, annex B",
};

pub(super) const CREDIT_CARD: Detector = Detector {
    id: "credit_card",
    class: "credit_card",
    trigger: Trigger::Digits,
    verify,
    doc: "A payment card number of 12 to 19 digits with Luhn's check digit, in an issuer's range and of its length.",
    finds: &[
        ("pay 4111111111111111.", "4111111111111111"),
        ("4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("id_4111-1111-1111-1111_x", "4111-1111-1111-1111"),
        ("4111.1111.1111.1111", "4111.1111.1111.1111"),
        ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "4111\u{a0}1111\u{a0}1111\u{a0}1111"),
        ("card 3782 822463 10005 exp 12/27", "3782 822463 10005"),
        ("2223003122003222", "2223003122003222"),
        ("6011000990139424", "6011000990139424"),
        ("30569309025904", "30569309025904"),
        ("3530111333300000", "3530111333300000"),
        ("41 11 11 11 11 11 11 11", "41 11 11 11 11 11 11 11"),
        ("{\"pan\":4111111111111111}", "4111111111111111"),
        ("x4111111111111111x", "4111111111111111"),
        ("630427373398", "630427373398"),
        ("1 4111 1111 1111 1111 2", "4111 1111 1111 1111"),
        ("4111 1111 1111 1111 12345678901234567890", "4111 1111 1111 1111"),
    ],
    leaves: &[
        "4111111111111112",
        "41111111111111110",
        "1234567812345670",
        "0.4111111111111111",
        "4.111111111111111",
        "+628123456789015",
        "1700000000123",
        "4111,1111,1111,1111",
        "IBAN DE00 1234 5678 9012 3456 78",
        "FI35 3378 8145 0302 68",
        "licence U62928788557186",
        "9fceb02d0ae598e95dc970b74767f39372d63af8",
    ],
    source: "ISO/IEC 7812-1, annex B, and the issuers' published number ranges",
};

/// Digits in a card number at least: the shortest of any issuer.
const CARD_DIGITS_MIN: usize = 12;
/// Digits at least where the number does not stand alone: American Express has the shortest in common use.
const USUAL_DIGITS_MIN: usize = 15;
/// Digits in the first group of a shorter number in groups.
const SHORT_GROUP_DIGITS: usize = 4;
/// Digits in a card number at most.
const CARD_DIGITS_MAX: usize = 19;

/// Issuers: the first and last value of a prefix, its digits, and the shortest and longest number, from narrow to wide.
const ISSUERS: &[Issuer] = &[
    Issuer::new("Mir", 2200, 2204, 4, 16, 19),
    Issuer::new("Mastercard", 2221, 2720, 4, 16, 16),
    Issuer::new("JCB, old", 1800, 1800, 4, 15, 15),
    Issuer::new("JCB, old", 2131, 2131, 4, 15, 15),
    Issuer::new("JCB, and what test data takes for it", 35, 35, 2, 16, 19),
    Issuer::new("Diners Club", 300, 305, 3, 14, 19),
    Issuer::new("Diners Club", 36, 36, 2, 14, 19),
    Issuer::new("Diners Club", 38, 39, 2, 14, 19),
    Issuer::new("American Express", 34, 34, 2, 15, 15),
    Issuer::new("American Express", 37, 37, 2, 15, 15),
    Issuer::new("Visa, old", 4, 4, 1, 13, 13),
    Issuer::new("Visa", 4, 4, 1, 16, 16),
    Issuer::new("Visa", 4, 4, 1, 19, 19),
    Issuer::new("Mastercard", 51, 55, 2, 16, 16),
    Issuer::new("Maestro, Discover, UnionPay, RuPay", 50, 50, 2, 12, 19),
    Issuer::new("Maestro, Discover, UnionPay, RuPay", 56, 69, 2, 12, 19),
    Issuer::new("UnionPay, RuPay", 81, 82, 2, 16, 19),
    Issuer::new("Troy", 9792, 9792, 4, 16, 16),
];

struct Issuer {
    first: u32,
    last: u32,
    prefix_digits: usize,
    digits_min: usize,
    digits_max: usize,
}

impl Issuer {
    const fn new(
        _name: &str,
        first: u32,
        last: u32,
        prefix_digits: usize,
        digits_min: usize,
        digits_max: usize,
    ) -> Issuer {
        Issuer { first, last, prefix_digits, digits_min, digits_max }
    }

    fn issues(&self, digits: &[u8]) -> bool {
        let prefix = digits.iter().take(self.prefix_digits).fold(0, |sum, digit| sum * 10 + u32::from(*digit));
        (self.digits_min..=self.digits_max).contains(&digits.len()) && (self.first..=self.last).contains(&prefix)
    }
}

/// A card's number is its digits, however they are grouped.
fn digits(original: &str) -> Cow<'_, str> {
    // Several findings may be one span, and what stands between them tells two people apart.
    if original.contains(char::is_alphabetic) {
        return as_written(original);
    }
    original.chars().filter(char::is_ascii_digit).collect()
}

/// Reads groups of digits from the start of a run, and takes the longest number that ends where a group does. It reads at
/// most one digit more than a number can have, so a run of any length costs the same.
fn verify(text: &Haystack<'_>, start: usize) -> Option<Range<usize>> {
    if text.before(start) == Some(b'+') {
        return None;
    }
    let mut digits = Vec::with_capacity(CARD_DIGITS_MAX);
    let mut groups = Groups { count: 0, first: 0, printed: true, glued: is_letter(text.before(start)) };
    let (mut end, mut found) = (start, None);
    loop {
        let group = read_group(text, end, &mut digits);
        if is_digit(text.at(end + group)) {
            return found;
        }
        end += group;
        groups.count += 1;
        groups.first = if groups.count == 1 { group } else { groups.first };
        let separator = separator_at(text, end);
        let decimal = groups.count == 2 && text.before(end - group) == Some(b'.');
        let alone = separator == 0 && !follows_group(text, start) && !decimal;
        let plain = groups.count == 1 && !is_fraction(text, start);
        if groups.are_of_a_card(digits.len(), plain, alone)
            && is_card(&digits)
            && !is_explained(text, &(start..end), is_card)
        {
            found = Some(start..end);
        }
        groups.printed &= if groups.count == 1 { group == 4 || group == 6 } else { (3..=6).contains(&group) };
        if separator == 0 || digits.len() == CARD_DIGITS_MAX {
            return found;
        }
        end += separator;
    }
}

/// How the digits read so far are written.
struct Groups {
    count: usize,
    /// Digits of the first one.
    first: usize,
    /// In groups as on a card, the last one aside.
    printed: bool,
    /// Directly behind a letter, as the numbers of bank accounts and licences are.
    glued: bool,
}

impl Groups {
    /// Short numbers are only taken where they stand alone, because most short numbers are something else.
    fn are_of_a_card(&self, digits: usize, plain: bool, alone: bool) -> bool {
        // `661224-2265201` is a person's number in Korea.
        let free = plain || (alone && (digits >= USUAL_DIGITS_MIN || self.printed && self.first == SHORT_GROUP_DIGITS));
        (free && !self.glued) || (digits >= USUAL_DIGITS_MIN && (plain || self.count > 1 && self.printed))
    }
}

/// Appends a group's digits while there is room and says how many they were.
fn read_group(text: &Haystack<'_>, start: usize, digits: &mut Vec<u8>) -> usize {
    let before = digits.len();
    while let Some(digit @ b'0'..=b'9') = text.at(start + digits.len() - before) {
        if digits.len() == CARD_DIGITS_MAX {
            break;
        }
        digits.push(digit - b'0');
    }
    digits.len() - before
}

fn is_card(digits: &[u8]) -> bool {
    digits.len() >= CARD_DIGITS_MIN && ISSUERS.iter().any(|issuer| issuer.issues(digits)) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let weigh = |(index, digit): (usize, &u8)| match (index % 2, u32::from(*digit)) {
        (0, digit) => digit,
        (_, digit) if digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// Bytes of the one separator between two groups at an offset, or 0 if no group follows.
fn separator_at(text: &Haystack<'_>, offset: usize) -> usize {
    let bytes = match text.at(offset) {
        Some(b' ' | b'-' | b'.') => 1,
        Some(NO_BREAK_LEAD) if text.at(offset + 1) == Some(NO_BREAK_TAIL) => 2,
        _ => return 0,
    };
    if is_digit(text.at(offset + bytes)) { bytes } else { 0 }
}

/// Whether another group, with its separator, stands before the offset.
fn follows_group(text: &Haystack<'_>, start: usize) -> bool {
    match text.before(start) {
        Some(b' ' | b'-' | b'.') => is_digit(text.before(start - 1)),
        Some(NO_BREAK_TAIL) => {
            text.before(start - 1) == Some(NO_BREAK_LEAD) && is_digit(text.before(start.saturating_sub(2)))
        }
        _ => false,
    }
}

/// Whether the digits are the decimals of `0.4111111111111111`.
fn is_fraction(text: &Haystack<'_>, start: usize) -> bool {
    text.before(start) == Some(b'.') && is_digit(text.before(start - 1))
}

fn is_letter(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphabetic())
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// U+00A0, the no-break space, in UTF-8.
const NO_BREAK_LEAD: u8 = 0xc2;
const NO_BREAK_TAIL: u8 = 0xa0;
