//! Placeholders in JSON that stands in a text: what parsed still parses, with the same members at the same places.
//!
//! A number of which a part is classified becomes a string, with quotation marks of its own. A span that reaches over several
//! strings is cut into one for each, and a span never begins or ends within an escape. A string that is a JSON document is
//! looked into, as deep as `QUOTES` goes; its quotation marks are escaped. Documents are whole texts and whole lines.

use std::ops::Range;

use json_event_parser::{JsonEvent, SliceJsonParser};

use super::span::Span;
use super::work::{List, count};

/// The quotation mark in a document, in a document in a string of it, and so on.
const QUOTES: [&str; 4] = ["\"", "\\\"", "\\\\\\\"", "\\\\\\\\\\\\\\\""];

/// Whether a text is a JSON object or list.
pub(super) fn is_document(text: &str) -> bool {
    count(1);
    let begins = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(['{', '[']);
    begins && parses(text)
}

fn parses(text: &str) -> bool {
    count(text.len());
    let mut parser = SliceJsonParser::new(text.as_bytes());
    loop {
        match parser.parse_next() {
            Ok(JsonEvent::Eof) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// The quotation mark that a placeholder for all of a text has.
pub(super) fn quote_of(text: &str) -> &'static str {
    if is_document(text) { QUOTES[0] } else { "" }
}

/// The spans as they can be replaced in a text without breaking the documents in it.
pub(super) fn fit(text: &str, spans: List<Span>) -> List<Span> {
    if is_document(text) {
        return fit_document(text, &spans, 0);
    }
    let mut fitted = List::default();
    let mut spans = spans.iter().peekable();
    while let Some(span) = spans.next() {
        let line = line_of(text, span.range.start);
        let mut inside = List::default();
        inside.push(span.clone());
        while let Some(next) = spans.next_if(|next| next.range.end <= line.end) {
            inside.push(next.clone());
        }
        let written = text.get(line.clone()).unwrap_or_default();
        if span.range.end > line.end || !is_document(written) {
            fitted.extend(inside.drain());
            continue;
        }
        let within = shifted(inside.drain(), |offset| offset - line.start);
        fitted.extend(shifted(fit_document(written, &within, 0).drain(), |offset| offset + line.start).drain());
    }
    fitted
}

fn line_of(text: &str, offset: usize) -> Range<usize> {
    let (before, after) = text.split_at_checked(offset).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', after.as_bytes()).map_or(text.len(), |length| offset + length);
    count(end - start);
    start..end
}

fn shifted(spans: impl Iterator<Item = Span>, shift: impl Fn(usize) -> usize) -> List<Span> {
    let mut moved = List::default();
    moved.extend(spans.map(|span| Span { range: shift(span.range.start)..shift(span.range.end), ..span }));
    moved
}

/// In a document within so many others.
fn fit_document(document: &str, spans: &List<Span>, level: usize) -> List<Span> {
    let mut fitted = List::default();
    let mut rest = spans.iter().peekable();
    let mut open: Option<&Span> = None;
    for token in (Tokens { document: document.as_bytes(), next: 0 }) {
        let mut inside: List<Span> = List::default();
        let overlaps = |span: &Span| span.range.start < token.range.end && token.range.start < span.range.end;
        // One that an earlier token began, and those that begin here.
        open.filter(|span| overlaps(span)).into_iter().for_each(|span| inside.push(span.clone()));
        while let Some(span) = rest.next_if(|span| span.range.start < token.range.end) {
            if overlaps(span) {
                inside.push(span.clone());
            }
            open = Some(span);
        }
        match token.kind {
            Kind::Text => fitted.extend(fit_text(document, token.range, &inside, level).drain()),
            Kind::Number => {
                let quote = QUOTES.get(level).copied().unwrap_or_default();
                fitted.extend(inside.drain().take(1).map(|span| Span { range: token.range.clone(), quote, ..span }));
            }
        }
    }
    fitted
}

/// In one string of a document.
fn fit_text(document: &str, token: Range<usize>, spans: &List<Span>, level: usize) -> List<Span> {
    let mut fitted = List::default();
    if spans.is_empty() {
        return fitted;
    }
    let written = token.start + 1..token.end.saturating_sub(1);
    let read = Read::of(document.get(written.clone()).unwrap_or_default());
    let mut inside = List::default();
    for span in spans.iter() {
        let range = span.range.start.max(written.start)..span.range.end.min(written.end);
        if range.start < range.end {
            let range = read.char_at(range.start - written.start)..read.char_after(range.end - written.start);
            inside.push(Span { range, ..span.clone() });
        }
    }
    if level + 1 < QUOTES.len() && is_document(&read.text) {
        inside = fit_document(&read.text, &inside, level + 1);
    }
    for span in inside.drain() {
        let range = read.written_at(span.range.start)..read.written_at(span.range.end);
        fitted.push(Span { range: range.start + written.start..range.end + written.start, ..span });
    }
    fitted
}

struct Token {
    kind: Kind,
    range: Range<usize>,
}

enum Kind {
    /// With its quotation marks.
    Text,
    Number,
}

/// The strings and numbers of a document that is known to be one.
struct Tokens<'a> {
    document: &'a [u8],
    next: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.document.get(self.next..)?;
        let start = rest.iter().position(|byte| matches!(byte, b'"' | b'-' | b'0'..=b'9'));
        let start = self.next + start.unwrap_or(rest.len());
        let kind = match self.document.get(start)? {
            b'"' => Kind::Text,
            _ => Kind::Number,
        };
        let mut end = start + 1;
        while let Some(byte) = self.document.get(end) {
            end += match (&kind, byte) {
                (Kind::Text, b'"') => break,
                (Kind::Text, b'\\') => 2,
                (Kind::Number, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') | (Kind::Text, _) => 1,
                (Kind::Number, _) => break,
            };
        }
        end += usize::from(matches!(kind, Kind::Text));
        count(end - self.next);
        self.next = end;
        Some(Token { kind, range: start..end })
    }
}

/// What a string means, and where each character of it is written.
struct Read {
    text: String,
    /// Of each character, its offset in `text` and where it is written; at last the ends of both.
    places: Vec<(usize, usize)>,
}

impl Read {
    fn of(written: &str) -> Read {
        let mut read =
            Read { text: String::with_capacity(written.len()), places: Vec::with_capacity(written.len() + 1) };
        let mut offset = 0;
        while let Some(rest) = written.get(offset..)
            && let Some((character, bytes)) = character(rest)
        {
            read.places.push((read.text.len(), offset));
            read.text.push(character);
            offset += bytes;
        }
        count(written.len());
        read.places.push((read.text.len(), written.len()));
        read
    }

    /// The offset of the character that is written around an offset.
    fn char_at(&self, written: usize) -> usize {
        let after = self.places.partition_point(|(_, at)| *at <= written);
        self.places.get(after.saturating_sub(1)).map_or(0, |(offset, _)| *offset)
    }

    /// The offset of the first character that is written at an offset or behind it.
    fn char_after(&self, written: usize) -> usize {
        let after = self.places.partition_point(|(_, at)| *at < written);
        self.places.get(after).map_or(self.text.len(), |(offset, _)| *offset)
    }

    /// Where the character at an offset is written.
    fn written_at(&self, offset: usize) -> usize {
        let place = self.places.partition_point(|(at, _)| *at < offset);
        self.places.get(place).map_or(0, |(_, written)| *written)
    }
}

/// The first character of what is written, and the bytes that it takes.
fn character(written: &str) -> Option<(char, usize)> {
    let first = written.chars().next()?;
    let escape = (first == '\\').then(|| written.as_bytes().get(1)).flatten();
    Some(match escape {
        None => (first, first.len_utf8()),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => unicode(written),
        Some(other) => (char::from(*other), 2),
    })
}

/// `\u0041`, or the pair of them that makes one character; half a pair is no character.
fn unicode(written: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = written.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(0).unwrap_or_default();
    let pair = unit(6).filter(|second| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(second));
    match pair.and_then(|second| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))) {
        Some(character) => (character, 12),
        None => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClassSet, redact_text};
    use super::*;

    /// What becomes of a text, which parses as often as it did.
    const TABLE: [(&str, &str); 22] = [
        (r#"{"id": 4111111111111111, "n": 1}"#, r#"{"id": "EC_CREDIT_CARD_1", "n": 1}"#),
        ("[4111111111111111]", r#"["EC_CREDIT_CARD_1"]"#),
        ("[-4111111111111111,4111111111111111e-3]", r#"["EC_CREDIT_CARD_1","EC_CREDIT_CARD_2"]"#),
        (" {\"a\":[1,4111111111111111]}\n", " {\"a\":[1,\"EC_CREDIT_CARD_1\"]}\n"),
        (r#"{"a@b.co": "x a@b.co", "b": null}"#, r#"{"EC_EMAIL_1": "x EC_EMAIL_1", "b": null}"#),
        (r#"{"to":"\"jane\"@example.com"}"#, r#"{"to":"EC_EMAIL_1"}"#),
        (r#"{"to":"\njane@example.com\u003e"}"#, r#"{"to":"\nEC_EMAIL_1\u003e"}"#),
        (r#"{"pan":"4111-1111-1111-1111"}"#, r#"{"pan":"EC_CREDIT_CARD_1"}"#),
        (r#"{"s":"{\"id\":4111111111111111}"}"#, r#"{"s":"{\"id\":\"EC_CREDIT_CARD_1\"}"}"#),
        (r#"["[\"[4111111111111111]\"]"]"#, r#"["[\"[\\\"EC_CREDIT_CARD_1\\\"]\"]"]"#),
        (r#"{"s":"{\"id\":\"a@b.co\"}"}"#, r#"{"s":"{\"id\":\"EC_EMAIL_1\"}"}"#),
        (r#"{"s":"{id: 4111111111111111}"}"#, r#"{"s":"{id: EC_CREDIT_CARD_1}"}"#),
        ("{\"a\":4111111111111111}\n{\"a\":\"a@b.co\"}", "{\"a\":\"EC_CREDIT_CARD_1\"}\n{\"a\":\"EC_EMAIL_1\"}"),
        ("log: 4111111111111111\n[4111111111111111]", "log: EC_CREDIT_CARD_1\n[\"EC_CREDIT_CARD_1\"]"),
        (r#"["😀 a@b.co","\ud83d\ude00a@b.co"]"#, r#"["😀 EC_EMAIL_1","\ud83d\ude00EC_EMAIL_1"]"#),
        (r#"{"a":1.0,"b":1e2,"c":"a@b.co"}"#, r#"{"a":1.0,"b":1e2,"c":"EC_EMAIL_1"}"#),
        // No documents.
        ("4111111111111111", "EC_CREDIT_CARD_1"),
        ("{id: 4111111111111111}", "{id: EC_CREDIT_CARD_1}"),
        ("[4111111111111111", "[EC_CREDIT_CARD_1"),
        ("pay [4111111111111111]", "pay [EC_CREDIT_CARD_1]"),
        ("[4111111111111111] paid", "[EC_CREDIT_CARD_1] paid"),
        (r#""4111111111111111""#, r#""EC_CREDIT_CARD_1""#),
    ];

    #[test]
    fn json_in_a_text_still_parses() {
        let parses = |text: &str| text.lines().map(is_document).collect::<Vec<_>>();
        for (text, expected) in TABLE {
            assert_eq!(redact_text(text, ClassSet::all()).text, expected, "{text}");
            assert_eq!(parses(expected), parses(text), "{text}");
        }
    }

    #[test]
    fn a_key_over_several_strings_leaves_the_document_whole() {
        let begin = concat!("-----BEGIN PRIVATE", " KEY-----");
        let lines = format!(r#"{{"a":["{begin}","MIIEowIBAAKCAQEA",1,{{"b":"-----END PRIVATE KEY-----"}}]}}"#);
        let redacted = redact_text(&lines, ClassSet::all()).text;
        assert_eq!(
            redacted,
            r#"{"a":["EC_PRIVATE_KEY_1","EC_PRIVATE_KEY_2","EC_PRIVATE_KEY_3",{"EC_PRIVATE_KEY_4":"EC_PRIVATE_KEY_5"}]}"#
        );
    }
}
