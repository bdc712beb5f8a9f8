//! Private key blocks: PEM, OpenSSH, SSH2, PGP.
//!
//! The whole block goes, from BEGIN to its END. Where END is missing the lines behind BEGIN that look like a key's go: a key cut
//! in two is still most of a key. A BEGIN that is only mentioned, in prose or in source text, is no key, and what stands behind
//! it stays.

use std::ops::Range;

use crate::redact::class_row::{ClassRow, ClassTier, as_written};
use crate::redact::detector::{Detector, Trigger};
use crate::redact::haystack::Haystack;

pub(super) const CLASS: ClassRow = ClassRow {
    name: "private_key",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 5,
    canonical: as_written,
    doc: "A private key block: PEM, OpenSSH, SSH2, PGP.",
    source: "RFC 7468, section 2; RFC 4716, section 3.6; RFC 9580, section 6.2",
};

pub(super) const PRIVATE_KEY: Detector = Detector {
    id: "private_key",
    class: "private_key",
    trigger: Trigger::Literals(&["-----BEGIN ", "---- BEGIN "]),
    verify,
    doc: "A private key block from its BEGIN line to its END line, or to the last of the lines that look like a key's.",
    finds: &[
        (
            concat!("a\n-----BEGIN RSA PRIVATE", " KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nb"),
            concat!("-----BEGIN RSA PRIVATE", " KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"),
        ),
        (
            concat!(r#""-----BEGIN PRIVATE"#, r#" KEY-----\nMIIEowIBAAKCAQEA\n-----END PRIVATE KEY-----\n""#),
            concat!(r#"-----BEGIN PRIVATE"#, r#" KEY-----\nMIIEowIBAAKCAQEA\n-----END PRIVATE KEY-----"#),
        ),
        (
            concat!("-----BEGIN OPENSSH PRIVATE", " KEY-----\nb3BlbnNzaC1rZXktdjEA"),
            concat!("-----BEGIN OPENSSH PRIVATE", " KEY-----\nb3BlbnNzaC1rZXktdjEA"),
        ),
        (
            concat!(
                "-----BEGIN PGP PRIVATE",
                " KEY BLOCK-----\n\nlQOYBF0000000000\n-----END PGP PRIVATE KEY BLOCK-----."
            ),
            concat!(
                "-----BEGIN PGP PRIVATE",
                " KEY BLOCK-----\n\nlQOYBF0000000000\n-----END PGP PRIVATE KEY BLOCK-----"
            ),
        ),
        (
            concat!(
                "---- BEGIN SSH2 ENCRYPTED PRIVATE",
                " KEY ----\nP2/56wAAAgIAAAAm\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"
            ),
            concat!(
                "---- BEGIN SSH2 ENCRYPTED PRIVATE",
                " KEY ----\nP2/56wAAAgIAAAAm\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"
            ),
        ),
        (
            concat!("-----BEGIN PRIVATE", " KEY-----\nMIIEowIBAAKCAQEA\n-----END CERTIFICATE-----\nMIIB"),
            concat!("-----BEGIN PRIVATE", " KEY-----\nMIIEowIBAAKCAQEA"),
        ),
    ],
    leaves: &[
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "the line -----BEGIN is missing",
    ],
    source: "RFC 7468, section 2; RFC 4716, section 3.6; RFC 9580, section 6.2",
};

/// Bytes of the words between the dashes at most; the longest in use has 29.
const LABEL_BYTES_MAX: usize = 64;
/// Dashes at an end of a line at most.
const DASHES_MAX: usize = 5;
/// Base64 characters a key holds at least: fewer are an ellipsis in a manual.
const BODY_BYTES_MIN: usize = 16;
/// Lines without key material between a BEGIN and the key, and between its lines, at most: headers, blanks, an ellipsis.
const PAUSE_LINES_MAX: usize = 8;
/// Letters and digits before the material in a line of a key that has begun, at most: a time, a level, a name.
const PREFIX_BYTES_MAX: usize = 40;
/// Capital letters that no word has in a row.
const CAPITALS_MAX: usize = 20;

fn verify(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let block = Block::at(text, after)?;
    let end = match block.end {
        Some((end_line, end)) if is_key(text.slice(block.body..end_line)) => Some(end),
        Some(_) | None => material(text, block.body..block.limit).end,
    };
    end.map(|end| block.start..end)
}

/// Where the last key block of a text begins, if lines that follow the text may belong to it.
pub(in crate::redact) fn unfinished(text: &Haystack<'_>) -> Option<usize> {
    let mut found = None;
    let mut from = 0;
    while let Some(word) = text.find_within(from..text.len(), "BEGIN ") {
        from = word + "BEGIN ".len();
        if let Some(block) = Block::at(text, from) {
            let goes_on = block.end.is_none()
                && block.limit == text.len()
                && material(text, block.body..block.limit).reaches_limit;
            found = goes_on.then_some(block.start);
        }
    }
    found
}

/// A BEGIN line of a private key, and what may belong to it.
struct Block {
    start: usize,
    /// After the dashes that close the line.
    body: usize,
    /// Where the next key begins, or the text ends.
    limit: usize,
    /// Its END line: where it begins and where it ends.
    end: Option<(usize, usize)>,
}

impl Block {
    /// The block whose words stand after a BEGIN. No walk passes the BEGIN of another, so all walks together are linear.
    fn at(text: &Haystack<'_>, after: usize) -> Option<Block> {
        let dashes = ["-----BEGIN ", "---- BEGIN "].iter().find(|dashes| text.ends_with(after, dashes))?.len();
        let body = label_end(text, after)?;
        let limit = next_line(text, body..text.len(), "BEGIN ").map_or(text.len(), |(line, _)| line);
        Some(Block { start: after - dashes, body, limit, end: next_line(text, body..limit, "END ") })
    }
}

/// The offset after the dashes that close a line whose words name a private key.
fn label_end(text: &Haystack<'_>, start: usize) -> Option<usize> {
    let line = text.slice(start..text.len().min(start + LABEL_BYTES_MAX));
    let words = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b' '))?;
    let named = memchr::memmem::find(line.get(..words)?, b"PRIVATE KEY").is_some();
    let end = text.run(start + words, |byte| byte == b'-').min(start + words + DASHES_MAX);
    (named && end >= start + words + 4).then_some(end)
}

/// The first line of a private key within a range that begins with this word: where the word stands and where the line ends.
fn next_line(text: &Haystack<'_>, within: Range<usize>, word: &str) -> Option<(usize, usize)> {
    let mut from = within.start;
    loop {
        let found = text.find_within(from..within.end, word)?;
        from = found + word.len();
        if text.before(found).is_some_and(|byte| matches!(byte, b'-' | b' '))
            && let Some(end) = label_end(text, from)
        {
            return Some((found, end));
        }
    }
}

/// Whether what stands between BEGIN and END is a key and not the prose that names both: at least a third of its letters and
/// digits stand in words that are none.
fn is_key(body: &[u8]) -> bool {
    let (key, words) =
        tokens(body).fold((0, 0), |(key, words), token| match is_random(body.get(token.clone()).unwrap_or_default()) {
            true => (key + token.len(), words),
            false => (key, words + token.len()),
        });
    key >= BODY_BYTES_MIN && key * 2 >= words
}

/// Key material without an END.
struct Material {
    /// Where its last line of key material ends.
    end: Option<usize>,
    /// Whether no other text stands before the limit.
    reaches_limit: bool,
}

/// The lines behind a BEGIN that look like a key's, blanks and headers between them.
fn material(text: &Haystack<'_>, within: Range<usize>) -> Material {
    let mut found = Material { end: None, reaches_limit: false };
    let (mut start, mut pauses) = (within.start, 0);
    while start < within.end && pauses <= PAUSE_LINES_MAX {
        let stop = line_end(text, start..within.end);
        match kind_of(text.slice(start..stop), found.end.is_some()) {
            Kind::Key { end, whole } => {
                found.end = Some(start + end);
                if !whole {
                    return found;
                }
                pauses = 0;
            }
            Kind::Last { end } => {
                found.end = Some(start + end);
                // A shorter line ends a key; where the text ends in it, it may be cut.
                found.reaches_limit = stop == within.end;
                return found;
            }
            Kind::Pause => pauses += 1,
            Kind::Other => return found,
        }
        start = next_start(text, stop, within.end);
    }
    found.reaches_limit = start >= within.end;
    found
}

/// Where a line ends: at a line end, or at one that is written as `\n`.
fn line_end(text: &Haystack<'_>, within: Range<usize>) -> usize {
    let mut end = within.start;
    loop {
        end = text.run_within(end..within.end, |byte| !matches!(byte, b'\n' | b'\r' | b'\\'));
        match (text.at(end), text.at(end + 1)) {
            (Some(b'\\'), Some(b'/')) => end += 2,
            _ => return end.min(within.end),
        }
    }
}

/// Where the line after a line end begins.
fn next_start(text: &Haystack<'_>, end: usize, limit: usize) -> usize {
    let backslashes = text.run_within(end..limit, |byte| byte == b'\\');
    let after = match text.at(backslashes) {
        Some(b'n' | b'r' | b't') if backslashes > end => backslashes + 1,
        _ if backslashes > end => backslashes,
        _ => end + 1,
    };
    after.min(limit)
}

/// What a line behind a BEGIN is. Ends are offsets in the line.
enum Kind {
    /// It has key material; `whole` says that nothing else stands behind it.
    Key { end: usize, whole: bool },
    /// A word alone, as the rest of a key may be.
    Last { end: usize },
    /// A blank, an ellipsis or a header.
    Pause,
    /// Anything else.
    Other,
}

fn kind_of(line: &[u8], in_key: bool) -> Kind {
    let prefix = if in_key { PREFIX_BYTES_MAX } else { 0 };
    let (mut key, mut end, mut before, mut behind) = (false, 0, 0, 0);
    for token in tokens(line) {
        let random = is_random(line.get(token.clone()).unwrap_or_default());
        match key {
            // What stands before it is a time, a number of the line, a level; not a sentence.
            false if random && token.len() >= BODY_BYTES_MIN && before <= token.len().max(prefix) => {
                (key, end) = (true, token.end);
            }
            false => before += token.len(),
            true if random => (end, behind) = (token.end, 0),
            true => behind += token.len(),
        }
    }
    let filler = line.iter().any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    if key {
        return Kind::Key { end, whole: behind == 0 };
    }
    if !filler || HEADERS.iter().any(|header| memchr::memmem::find(line, header.as_bytes()).is_some()) {
        return Kind::Pause;
    }
    match rest_of_key(line).filter(|_| in_key) {
        Some(rest) if is_random(line.get(rest.clone()).unwrap_or_default()) => Kind::Key { end: rest.end, whole: true },
        Some(rest) => Kind::Last { end: rest.end },
        None => Kind::Other,
    }
}

/// The one base64 word that a line holds beside its number and punctuation.
fn rest_of_key(line: &[u8]) -> Option<Range<usize>> {
    let mut words = tokens(line).skip_while(|word| word.end < line.len() && is_number(line.get(word.clone())));
    let word = words.next()?;
    let prose = line.iter().any(|byte| *byte >= 0x80) || words.next().is_some();
    (!prose).then_some(word)
}

/// What the headers of a key's block begin with: RFC 1421, RFC 4716, RFC 9580.
const HEADERS: &[&str] =
    &["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Charset:", "Hash:", "MessageID:", "Subject:"];

fn is_number(token: Option<&[u8]>) -> bool {
    token.is_some_and(|token| token.iter().all(u8::is_ascii_digit))
}

/// The runs of base64 characters; JSON may write `/` as `\/`.
fn tokens(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\\');
    let runs = text.split(move |byte| !of_base64(*byte)).scan(0, |offset, run| {
        let start = *offset;
        *offset += run.len() + 1;
        Some(start..start + run.len())
    });
    runs.filter(|run| !run.is_empty())
}

/// Whether letters and digits vary as those of base64 do, and not as those of a word, a name or a path.
fn is_random(token: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| token.iter().filter(|byte| is(byte)).count();
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let stem = token.len() - token.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'=').count();
    let digit_inside = token.get(..stem).unwrap_or_default().iter().any(u8::is_ascii_digit);
    let mixed = lower > 0 && upper * 4 > token.len();
    upper > 0 && (mixed || digit_inside || (lower == 0 && token.len() >= CAPITALS_MAX))
}
