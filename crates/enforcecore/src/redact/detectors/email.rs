//! E-mail addresses.
//!
//! Addresses are taken as people write them, not as the standard allows: an unquoted local part holds no `/`, `=`, `?`, `&`
//! or braces, because beside those stands a path, a query or a template far more often than half a name.

use std::borrow::Cow;
use std::ops::Range;

use crate::redact::class_row::{ClassRow, ClassTier};
use crate::redact::detector::{Detector, Trigger};
use crate::redact::haystack::Haystack;

pub(super) const CLASS: ClassRow = ClassRow {
    name: "email",
    aliases: &[],
    tier: ClassTier::Form,
    secret: false,
    rank: 0,
    canonical: lower_case,
    doc: "An e-mail address.",
    source: "RFC 5321, section 4.1.2",
};

pub(super) const EMAIL: Detector = Detector {
    id: "email",
    class: "email",
    // The `@` that ends a URL's credentials is not also an address's: `user:secret@host` would hide the host.
    trigger: Trigger::LiteralsNotBehind(&["@"], "url_credentials"),
    verify,
    doc: "An e-mail address: a local part, `@`, and a domain of at least two labels or an address literal.",
    finds: &[
        ("mail jane.doe@example.com now", "jane.doe@example.com"),
        ("联系jane.doe@example.com谢谢", "jane.doe@example.com"),
        ("to_jane+tag@mail.example.co.uk_x", "to_jane+tag@mail.example.co.uk"),
        ("<o'brien@example.org>.", "o'brien@example.org"),
        ("'jane@example.com'", "jane@example.com"),
        ("josé@bücher.example", "josé@bücher.example"),
        (r#"{"to":"jane@example.com."}"#, "jane@example.com"),
        (r"line\njane@example.com\nline", "jane@example.com"),
        (r"\u003cjane@example.com\u003e", "jane@example.com"),
        ("\"jane doe\"@example.com", "\"jane doe\"@example.com"),
        ("jane@[192.168.0.1]", "jane@[192.168.0.1]"),
        ("jane@example.com.1234", "jane@example.com"),
        ("jane@example.com1", "jane@example.com1"),
        ("x=jane@EXAMPLE.COM;", "jane@EXAMPLE.COM"),
        ("jane@xn--bcher-kva.xn--p1ai", "jane@xn--bcher-kva.xn--p1ai"),
    ],
    leaves: &[
        "user@localhost",
        "@decorator.name",
        "package@1.2.3",
        "jane@-example.com-",
        "a @ b.com",
        "git@github.com:owner/repository.git",
        "icon@2x.png",
        "@@@@",
        "EC_EMAIL_1@example.com",
        "jane@example.c",
    ],
    source: "RFC 5321, section 4.1.2; RFC 1035, section 2.3.4",
};

/// Bytes of a quoted local part at most, quotes included: RFC 5321 allows 64, and a quotation mark may stand anywhere.
const QUOTED_LOCAL_BYTES_MAX: usize = 66;
/// Bytes between the brackets of an address literal at most: `IPv6:` and the longest address.
const ADDRESS_LITERAL_BYTES_MAX: usize = 50;
/// Characters in one label of a domain at most. The name system counts bytes, but of the label's ASCII form, which has at
/// least one for each letter: no label has more letters than this, and one in other letters than ASCII has more bytes.
const LABEL_CHARS_MAX: usize = 63;

/// An address is the same in either case.
fn lower_case(original: &str) -> Cow<'_, str> {
    Cow::Owned(original.to_lowercase())
}

fn verify(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let at = after.checked_sub(1)?;
    let start = local_start(text, at)?;
    let end = domain_end(text, after)?;
    let local = text.slice(start..at);
    let inert = text.is_placeholder(local) || is_remote(text, local, end) || is_scaled_image(text.slice(after..end));
    (!inert).then_some(start..end)
}

/// Walks back to the first byte of the local part. No walk passes another `@`, so all walks together are linear.
fn local_start(text: &Haystack<'_>, at: usize) -> Option<usize> {
    if text.before(at) == Some(b'"') {
        return quoted_start(text, at - 1);
    }
    let mut start = at;
    loop {
        start -= match text.before(start) {
            Some(byte) if is_local(byte) => 1,
            Some(b'\'') if start < at && is_word(text.at(start)) && is_word(text.before(start - 1)) => 1,
            Some(byte) if byte >= 0x80 && start >= 2 && text.spaced_letter_at(start - 2) == 2 => 2,
            _ => break,
        };
    }
    start = skip_escape(text, start, at);
    start = text.run(start, |byte| matches!(byte, b'.' | b'-' | b'+' | b'%'));
    (start < at).then_some(start)
}

fn quoted_start(text: &Haystack<'_>, quote: usize) -> Option<usize> {
    let first = quote.saturating_sub(QUOTED_LOCAL_BYTES_MAX - 1);
    let inside = text.slice(first..quote);
    let open = inside.iter().rposition(|byte| *byte == b'"')?;
    let plain = open + 1 < inside.len() && inside.iter().skip(open + 1).all(|byte| (b' '..=b'~').contains(byte));
    plain.then_some(first + open)
}

/// Leaves the letters of a JSON escape that touches the address (`\n`, `\u003c`) with their backslash.
fn skip_escape(text: &Haystack<'_>, start: usize, at: usize) -> usize {
    let backslashes = (1..=start).take(8).take_while(|back| text.at(start - back) == Some(b'\\')).count();
    let after = match text.at(start) {
        _ if backslashes % 2 == 0 => start,
        Some(b'n' | b'r' | b't' | b'b' | b'f') => start + 1,
        Some(b'u') if text.run(start + 1, |byte| byte.is_ascii_hexdigit()) >= start + 5 => start + 5,
        _ => start,
    };
    if after < at { after } else { start }
}

/// Walks to the end of the domain. No walk passes another `@`.
fn domain_end(text: &Haystack<'_>, start: usize) -> Option<usize> {
    if text.at(start) == Some(b'[') {
        return address_literal_end(text, start + 1);
    }
    let mut end = None;
    let mut label = start;
    loop {
        let after = label_end(text, label);
        let length = after - label;
        let bytes = text.slice(label..after);
        if length == 0 || characters(bytes) > LABEL_CHARS_MAX || text.at(label) == Some(b'-') {
            return end;
        }
        let trimmed = length - bytes.iter().rev().take_while(|byte| **byte == b'-').count();
        if label > start && is_top_level(bytes.get(..trimmed).unwrap_or_default()) {
            end = Some(label + trimmed);
        }
        if trimmed < length || text.at(after) != Some(b'.') {
            return end;
        }
        label = after + 1;
    }
}

fn label_end(text: &Haystack<'_>, start: usize) -> usize {
    let mut end = start;
    loop {
        end += match text.at(end) {
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => 1,
            Some(byte) if byte >= 0x80 => match text.spaced_letter_at(end) {
                0 => return end,
                letter => letter,
            },
            _ => return end,
        };
    }
}

fn characters(utf8: &[u8]) -> usize {
    utf8.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count()
}

fn address_literal_end(text: &Haystack<'_>, start: usize) -> Option<usize> {
    let limit = start + ADDRESS_LITERAL_BYTES_MAX;
    let inside = (start..limit).take_while(|offset| {
        text.at(*offset).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':'))
    });
    let close = start + inside.count();
    (close > start + 2 && text.at(close) == Some(b']')).then_some(close + 1)
}

/// Two letters first: a number is a version or an address. What is glued behind goes too, or `jane@example.com1` would stay.
fn is_top_level(label: &[u8]) -> bool {
    label.get(..2).is_some_and(|start| start.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80))
}

/// `git@host:path` names a repository, not a person.
fn is_remote(text: &Haystack<'_>, local: &[u8], end: usize) -> bool {
    local == b"git" && text.at(end) == Some(b':')
}

/// `icon@2x.png` is a picture for a dense screen.
fn is_scaled_image(domain: &[u8]) -> bool {
    matches!(domain, [b'1'..=b'4', b'x', b'.', kind @ ..] if [&b"png"[..], b"jpg", b"jpeg", b"gif", b"webp", b"svg"].contains(&kind))
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%')
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric())
}
