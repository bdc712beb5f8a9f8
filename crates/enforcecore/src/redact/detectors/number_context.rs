//! What stands around a number that could be a card's: what it belongs to, or what it is called.
//!
//! One number in ten passes Luhn, so a number that another scheme explains is no card: a part of an IBAN or a UUID, digits of a
//! digest, an account in an ARN, an article's number, a row of a table. A card that stands beside such a number is none of them.

use std::ops::Range;

use crate::redact::haystack::Haystack;

/// Whether something else explains the digits in a range that pass as a card's number. `is_card` judges the groups beside them.
pub(super) fn is_explained(text: &Haystack<'_>, range: &Range<usize>, is_card: fn(&[u8]) -> bool) -> bool {
    let digits: Vec<u8> = text.slice(range.clone()).iter().filter(|byte| byte.is_ascii_digit()).copied().collect();
    let plain = digits.len() == range.len();
    let iban = iban_before(text, range.start);
    iban.as_ref().is_some_and(|iban| iban.end > range.start)
        || is_in_hexadecimal(text, range)
        || (plain && is_article(text, range, &digits))
        || (plain && digits.len() == ACCOUNT_DIGITS && is_cloud_account(text, range))
        || is_time_or_version(text, range, digits.len())
        || (digits.len() < USUAL_DIGITS_MIN && plain && is_hyphenated(text, range))
        || is_in_table(text, range, &digits, iban.map_or(0, |iban| iban.end), is_card)
}

/// Digits of an account of Amazon's cloud.
const ACCOUNT_DIGITS: usize = 12;
/// Digits of a card of any issuer in common use, at least.
const USUAL_DIGITS_MIN: usize = 15;

/// Bytes before an offset in which an IBAN that covers it begins: 34 characters, and a blank after each four.
const IBAN_BYTES_MAX: usize = 42;
/// Characters of an IBAN at least, with its country and check digits.
const IBAN_CHARS_MIN: usize = 15;
const IBAN_CHARS_MAX: usize = 34;

/// The IBAN that begins last before an offset, if one does: two letters, two digits, and a remainder of 1 for 97 at the end of
/// a group. An example in a manual has any remainder: it is called an IBAN, or has its country's length in groups of four.
fn iban_before(text: &Haystack<'_>, offset: usize) -> Option<Range<usize>> {
    let first = offset.saturating_sub(IBAN_BYTES_MAX);
    let mut start = offset;
    while start > first {
        start -= 1;
        match text.at(start) {
            Some(byte) if byte.is_ascii_alphabetic() => {}
            Some(byte) if byte.is_ascii_digit() || is_blank(byte) => continue,
            _ => return None,
        }
        let head = text.slice(start..start + 4);
        let begins = matches!(head, [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
        if begins && !is_word(text.before(start)) {
            return iban_end(text, start).map(|end| start..end);
        }
    }
    None
}

fn iban_end(text: &Haystack<'_>, start: usize) -> Option<usize> {
    let length = country_length(text.slice(start..start + 2));
    let mut characters = Vec::with_capacity(IBAN_CHARS_MAX);
    let (mut end, mut found, mut last) = (start, None, start);
    loop {
        let limit = text.len().min(end + IBAN_CHARS_MAX + 1);
        let group = text.run_within(end..limit, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        characters.extend_from_slice(text.slice(end..group));
        if group == end || characters.len() > IBAN_CHARS_MAX {
            break;
        }
        let grouped = end > start && Some(characters.len()) == length;
        if grouped || (characters.len() >= IBAN_CHARS_MIN && remainder(&characters) == Some(1)) {
            found = Some(group);
        }
        last = group;
        // A bank's groups have four characters, the last one fewer.
        if group - end != 4 || grouped {
            break;
        }
        end = group + usize::from(text.at(group).is_some_and(is_blank));
    }
    let named = || called(text, start, &["iban"]) && characters.len() >= IBAN_CHARS_MIN;
    found.or_else(|| named().then_some(last))
}

/// The characters of an IBAN, and the countries where it has so many: SWIFT's register of IBANs.
const COUNTRIES: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FO FI GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ XK LT LU MN"),
    (21, "HR LV LI CH"),
    (22, "BH BG CR GE DE IE ME RS GB VA"),
    (23, "GI IQ IL TL AE OM SO"),
    (24, "AD CZ MD PK RO SA SK ES SE TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO SV GT HU LB NI PL FK"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

fn country_length(country: &[u8]) -> Option<usize> {
    let has = |countries: &str| countries.split(' ').any(|other| other.as_bytes() == country);
    COUNTRIES.iter().find(|(_, countries)| has(countries)).map(|(length, _)| *length)
}

/// ISO 7064: the number that the characters make, country and check digits last, modulo 97.
fn remainder(characters: &[u8]) -> Option<u32> {
    let (head, tail) = characters.split_at_checked(4)?;
    Some(tail.iter().chain(head).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    }))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// Hexadecimal digits of the longest digest.
const DIGEST_DIGITS_MAX: usize = 128;
/// Hexadecimal digits of the groups of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// Whether the digits belong to a UUID or to a digest: hexadecimal digits, letters among them.
fn is_in_hexadecimal(text: &Haystack<'_>, range: &Range<usize>) -> bool {
    let of_token = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let first = range.start.saturating_sub(DIGEST_DIGITS_MAX);
    let before = text.slice(first..range.start).iter().rev().take_while(|byte| of_token(**byte)).count();
    let after = text.slice(range.end..text.len().min(range.end + DIGEST_DIGITS_MAX));
    let after = after.iter().take_while(|byte| of_token(**byte)).count();
    let token = text.slice(range.start - before..range.end + after);
    let groups = token.split(|byte| *byte == b'-');
    if groups.clone().map(<[u8]>::len).eq(UUID) {
        return true;
    }
    let start = range.start - before;
    let mut end = start;
    groups.into_iter().any(|group| {
        let digest = end..end + group.len();
        end = digest.end + 1;
        let lettered = group.iter().any(|byte| byte.is_ascii_alphabetic());
        lettered
            && matches!(group.len(), 32 | 40 | 56 | 64 | 96 | 128)
            && digest.start <= range.start
            && range.end <= digest.end
    })
}

/// Whether the digits are an article's number (EAN, GTIN, UPC, ISBN): it is called so, or its own check digit fits and nothing
/// calls it a card.
fn is_article(text: &Haystack<'_>, range: &Range<usize>, digits: &[u8]) -> bool {
    if !matches!(digits.len(), 12..=14) {
        return false;
    }
    let named = called(
        text,
        range.start,
        &["ean", "eans", "gtin", "gtins", "upc", "upcs", "isbn", "isbns", "jan", "barcode", "barcodes"],
    );
    let weigh = |(index, digit): (usize, &u8)| u32::from(digit - b'0') * if index % 2 == 0 { 1 } else { 3 };
    // A case's number of 14 digits is rare, and so many has a card in use.
    let checks = digits.len() < 14 && digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0;
    named
        || (checks
            && !called(text, range.start, &["card", "cards", "cc", "pan", "visa", "maestro", "mastercard", "diners"]))
}

/// Bytes of a resource's name before an account at most.
const RESOURCE_BYTES_MAX: usize = 96;

/// Whether the digits are an account in an ARN, in the host or path of a service, or called so.
fn is_cloud_account(text: &Haystack<'_>, range: &Range<usize>) -> bool {
    let before = text.slice(range.start.saturating_sub(RESOURCE_BYTES_MAX)..range.start);
    let word =
        before.iter().rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`'));
    let word = before.get(word.map_or(0, |blank| blank + 1)..).unwrap_or_default();
    let holds = |needle: &str| memchr::memmem::find(word, needle.as_bytes()).is_some();
    holds("arn:")
        || holds("amazonaws.com")
        || text.slice(range.end..range.end + ".dkr.ecr.".len()) == b".dkr.ecr."
        || called(
            text,
            range.start,
            &["account", "accounts", "accountid", "ownerid", "owner", "awsaccountid", "registryid"],
        )
}

/// Whether the digits are called a time in thousandths of a second, or a version written with dots.
fn is_time_or_version(text: &Haystack<'_>, range: &Range<usize>, digits: usize) -> bool {
    let dotted = text.slice(range.clone()).contains(&b'.');
    let time = digits == 13 && called(text, range.start, &["timestamp", "ts", "epoch", "time", "ms", "millis", "at"]);
    let version = dotted
        && (called(text, range.start, &["version", "v", "ver", "build", "release"])
            || text.before(range.start) == Some(b'v'));
    time || version
}

/// Whether a short number is a part of a longer name: `xoxb-630427373398-2026`.
fn is_hyphenated(text: &Haystack<'_>, range: &Range<usize>) -> bool {
    let before = text.before(range.start) == Some(b'-') && is_word(text.before(range.start - 1));
    before || (text.at(range.end) == Some(b'-') && is_word(text.at(range.end + 1)))
}

/// Digits in one group of a card's number, and of a row of years or a table.
const GROUP: usize = 4;
/// Groups of a card's number.
const CARD_GROUPS: usize = 4;

/// Whether groups of four are cells of a row: more of them stand beside, which make no card either, or they count up in equal
/// steps. A year, an expiry date or one group more beside a card is none of it.
fn is_in_table(
    text: &Haystack<'_>,
    range: &Range<usize>,
    digits: &[u8],
    from: usize,
    is_card: fn(&[u8]) -> bool,
) -> bool {
    let groups: Vec<u32> = digits.chunks(GROUP).map(number).collect();
    if digits.len() != GROUP * CARD_GROUPS || range.len() < digits.len() + CARD_GROUPS - 1 {
        return false;
    }
    let steps: Vec<i64> = groups
        .windows(2)
        .map(|pair| i64::from(pair.iter().sum::<u32>()) - 2 * i64::from(pair.first().copied().unwrap_or(0)))
        .collect();
    if steps.windows(2).all(|pair| pair.first() == pair.last()) && steps.first() != Some(&0) {
        return true;
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut start = range.start;
    while let Some(group) = group_before(text, start).filter(|group| before.len() < CARD_GROUPS && group.start >= from)
    {
        before.push(group.clone());
        start = group.start;
    }
    let mut end = range.end;
    while let Some(group) = group_after(text, end).filter(|_| after.len() < CARD_GROUPS) {
        after.push(group.clone());
        end = group.end;
    }
    before.reverse();
    strays(text, &before, is_card) + strays(text, &after, is_card) > 1
}

/// How many groups beside a card make neither another card nor a date.
fn strays(text: &Haystack<'_>, groups: &[Range<usize>], is_card: fn(&[u8]) -> bool) -> usize {
    let digits: Vec<u8> = groups.iter().flat_map(|group| text.slice(group.clone())).map(|digit| digit - b'0').collect();
    if groups.len() == CARD_GROUPS && is_card(&digits) {
        return 0;
    }
    groups.iter().filter(|group| !is_date(number(text.slice((*group).clone())))).count()
}

/// A year, or the month and year of a card's expiry.
fn is_date(group: u32) -> bool {
    (1900..=2099).contains(&group) || ((1..=12).contains(&(group / 100)) && (20..=45).contains(&(group % 100)))
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

fn group_before(text: &Haystack<'_>, offset: usize) -> Option<Range<usize>> {
    let end = offset - usize::from(text.before(offset).is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.')));
    let start = end.checked_sub(GROUP).filter(|_| end < offset)?;
    let exact = text.slice(start..end).iter().all(u8::is_ascii_digit) && !is_word(text.before(start));
    exact.then_some(start..end)
}

fn group_after(text: &Haystack<'_>, offset: usize) -> Option<Range<usize>> {
    let start = offset + usize::from(text.at(offset).is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.')));
    let group = start..start + GROUP;
    let digits = text.slice(group.clone());
    let exact = start > offset
        && digits.len() == GROUP
        && digits.iter().all(u8::is_ascii_digit)
        && !is_word(text.at(group.end));
    exact.then_some(group)
}

/// Bytes between a name and what it names at most: `": "`.
const BETWEEN_BYTES_MAX: usize = 4;
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 24;
/// What may stand between a name and its number.
const FILLERS: &[&str] = &["code", "codes", "number", "numbers", "no", "nr", "id", "is"];

/// Whether the word before an offset, or the one before `number`, is one of these; of `product_ean13` any part counts.
fn called(text: &Haystack<'_>, offset: usize, names: &[&str]) -> bool {
    let mut end = offset;
    for _ in 0..2 {
        let between = text.slice(end.saturating_sub(BETWEEN_BYTES_MAX)..end);
        end -= between
            .iter()
            .rev()
            .take_while(|byte| !is_word(Some(**byte)) && !matches!(byte, b'\n' | b',' | b';'))
            .count();
        let name = text.slice(end.saturating_sub(NAME_BYTES_MAX)..end);
        let length = name.iter().rev().take_while(|byte| is_word(Some(**byte)) || matches!(byte, b'_' | b'-')).count();
        let name = text.slice(end - length..end).to_ascii_lowercase();
        let parts = || name.split(|byte| matches!(byte, b'_' | b'-')).map(without_number);
        let is_one = |part: &[u8], of: &[&str]| of.iter().any(|name| name.as_bytes() == part);
        if parts().any(|part| is_one(part, names)) {
            return true;
        }
        if !parts().all(|part| is_one(part, FILLERS)) {
            return false;
        }
        end -= length;
    }
    false
}

/// `ean` of `ean13`.
fn without_number(name: &[u8]) -> &[u8] {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    name.get(..name.len() - digits).unwrap_or_default()
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric())
}
