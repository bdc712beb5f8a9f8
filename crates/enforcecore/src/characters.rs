//! Characters that no two programs read alike: NUL, half a surrogate pair, bytes that are not UTF-8.
//!
//! A program may end its text at a NUL, drop half a pair or guess an encoding. In an argument such a character is refused with its
//! place, because the tool could read another text than the one decided. A result was made already: there it becomes U+FFFD.

use std::borrow::Cow;
use std::fmt;

/// What stands for a character that was replaced, U+FFFD.
pub const REPLACEMENT: &str = "\u{fffd}";
/// Levels of nesting whose keys a place names at most.
const STEPS_MAX: usize = 128;

/// A character that programs read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// U+0000.
    Nul,
    /// One half of a surrogate pair.
    Surrogate(u16),
    /// A byte that is not UTF-8.
    Byte(u8),
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Nul => write!(out, "a NUL character (U+0000)"),
            Unfit::Surrogate(half) => write!(out, "half a surrogate pair (U+{half:04X})"),
            Unfit::Byte(byte) => write!(out, "a byte that is not UTF-8 (0x{byte:02X})"),
        }
    }
}

/// How many characters were replaced by U+FFFD, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// NUL characters.
    pub nul: u64,
    /// Halves of surrogate pairs.
    pub surrogates: u64,
    /// Sequences of bytes that are not UTF-8.
    pub bytes: u64,
}

impl Replaced {
    /// Whether nothing was replaced.
    pub fn is_empty(self) -> bool {
        self == Replaced::default()
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Replaced) -> Replaced {
        Replaced {
            nul: self.nul + other.nul,
            surrogates: self.surrogates + other.surrogates,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// The kinds that there are, each with its count: `nul 1, not UTF-8 2`.
impl fmt::Display for Replaced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("nul", self.nul), ("surrogate", self.surrogates), ("not UTF-8", self.bytes)];
        let found = kinds.iter().filter(|(_, count)| *count > 0);
        let said: Vec<String> = found.map(|(kind, count)| format!("{kind} {count}")).collect();
        out.write_str(&said.join(", "))
    }
}

/// One step to a place in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member of an object, by its key as it was written.
    Key(String),
    /// An item of a list, counted from 0.
    Item(usize),
}

/// Where in a value a character stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// What it stands in, from the outside.
    pub(crate) steps: Vec<Step>,
    /// Whether it stands in a key of that and not in its text.
    pub(crate) in_key: bool,
    /// Which character of the text it is, counted from 1.
    pub(crate) character: usize,
}

/// A key may be classified, so that nothing prints it.
impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Place({} steps, character {})", self.steps.len(), self.character)
    }
}

/// A JSON text without such characters, and how many were replaced.
pub(crate) fn mend(text: &[u8]) -> (Cow<'_, [u8]>, Replaced) {
    let mut replaced = Replaced::default();
    let mut mended = Cow::Borrowed(text);
    if std::str::from_utf8(text).is_err() {
        let mut valid = Vec::with_capacity(text.len());
        for chunk in text.utf8_chunks() {
            valid.extend_from_slice(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                valid.extend_from_slice(REPLACEMENT.as_bytes());
                replaced.bytes += 1;
            }
        }
        mended = Cow::Owned(valid);
    }
    let mut at = 0;
    while let Some(escape) = next_escape(&mended, at) {
        at = escape.end;
        match escape.unfit {
            None => continue,
            Some(Unfit::Nul) => replaced.nul += 1,
            Some(Unfit::Surrogate(_)) => replaced.surrogates += 1,
            Some(Unfit::Byte(_)) => replaced.bytes += 1,
        }
        if let Some(written) = mended.to_mut().get_mut(escape.end - ESCAPE_BYTES..escape.end) {
            written.copy_from_slice(br"\ufffd");
        }
    }
    (mended, replaced)
}

/// Bytes of an escape that names a code unit: `\u0000`.
const ESCAPE_BYTES: usize = 6;

/// One escape of a JSON text.
struct Escape {
    end: usize,
    /// What is wrong with it.
    unfit: Option<Unfit>,
}

/// The first escape from `at` on. Backslashes stand only in texts, so nothing else has to be read.
fn next_escape(text: &[u8], at: usize) -> Option<Escape> {
    let start = at + memchr::memchr(b'\\', text.get(at..)?)?;
    Some(escape_at(text, start))
}

/// The escape whose backslash stands at `start`.
fn escape_at(text: &[u8], start: usize) -> Escape {
    let Some(unit) = code_unit(text, start) else { return Escape { end: start + 2, unfit: None } };
    let end = start + ESCAPE_BYTES;
    match unit {
        0 => Escape { end, unfit: Some(Unfit::Nul) },
        0xd800..=0xdbff if matches!(code_unit(text, end), Some(0xdc00..=0xdfff)) => {
            Escape { end: end + ESCAPE_BYTES, unfit: None }
        }
        0xd800..=0xdfff => Escape { end, unfit: Some(Unfit::Surrogate(unit)) },
        _ => Escape { end, unfit: None },
    }
}

/// The code unit that an escape at `start` names, if there is one.
fn code_unit(text: &[u8], start: usize) -> Option<u16> {
    let digits = text.get(start..start + ESCAPE_BYTES)?.strip_prefix(br"\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_hex)?, 16).ok()
}

/// The first such character in the texts of a JSON text, with its place.
pub(crate) fn first_unfit(text: &[u8]) -> Option<(Unfit, Place)> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth <= STEPS_MAX {
                    steps.push(if *byte == b'{' { Step::Key(String::new()) } else { Step::Item(0) });
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                steps.truncate(depth);
            }
            b',' if depth == steps.len() => {
                if let Some(Step::Item(item)) = steps.last_mut() {
                    *item += 1;
                }
            }
            b'"' => {
                let (end, unfit) = read_text(text, at);
                let is_key = text.get(end..).and_then(|rest| rest.trim_ascii_start().first()) == Some(&b':');
                if let Some((unfit, character)) = unfit {
                    if is_key && depth == steps.len() {
                        steps.pop();
                    }
                    return Some((unfit, Place { steps, in_key: is_key, character }));
                }
                let written = text.get(at..end.saturating_sub(1)).unwrap_or_default();
                if is_key
                    && depth == steps.len()
                    && let Some(Step::Key(key)) = steps.last_mut()
                {
                    *key = String::from_utf8_lossy(written).into_owned();
                }
                at = end;
            }
            _ => {}
        }
    }
    None
}

/// Reads a text behind its quotation mark: where it ends, and what is wrong with it first.
fn read_text(text: &[u8], start: usize) -> (usize, Option<(Unfit, usize)>) {
    let (mut at, mut character, mut found) = (start, 0, None);
    while let Some(byte) = text.get(at) {
        character += 1;
        let (length, unfit) = match byte {
            b'"' => return (at + 1, found),
            b'\\' => {
                let escape = escape_at(text, at);
                (escape.end - at, escape.unfit)
            }
            0 => (1, Some(Unfit::Nul)),
            0x01..=0x7f => (1, None),
            _ => {
                let window = text.get(at..text.len().min(at + 4)).unwrap_or_default();
                let first = window.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
                first.map_or((1, Some(Unfit::Byte(*byte))), |char| (char.len_utf8(), None))
            }
        };
        found = found.or(unfit.map(|unfit| (unfit, character)));
        at += length;
    }
    (text.len(), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_read_differently_is_replaced_and_counted() {
        for (text, mended, replaced) in [
            (&br#"{"a":"b\u00e9\n"}"#[..], &br#"{"a":"b\u00e9\n"}"#[..], (0, 0, 0)),
            (br#""a\u0000b\u0000""#, br#""a\ufffdb\ufffd""#, (2, 0, 0)),
            // A backslash before it makes it text.
            (br#""a\\u0000 \\\\ud800""#, br#""a\\u0000 \\\\ud800""#, (0, 0, 0)),
            (br#""a\\\u0000""#, br#""a\\\ufffd""#, (1, 0, 0)),
            (br#""\ud83d\ude00""#, br#""\ud83d\ude00""#, (0, 0, 0)),
            (br#""\uD83D""#, br#""\ufffd""#, (0, 1, 0)),
            (br#""\ude00\ud83d""#, br#""\ufffd\ufffd""#, (0, 2, 0)),
            (br#""\ud83d\ud83d\ude00""#, br#""\ufffd\ud83d\ude00""#, (0, 1, 0)),
            (br#""\ud83d\u0041""#, br#""\ufffd\u0041""#, (0, 1, 0)),
            (br#""\ud83d\""#, br#""\ufffd\""#, (0, 1, 0)),
            (b"\"caf\xe9 \xff\xfe\"", "\"caf\u{fffd} \u{fffd}\u{fffd}\"".as_bytes(), (0, 0, 3)),
            // The beginning of a character that goes on no further.
            (b"\"a\xe2\x82\"", "\"a\u{fffd}\"".as_bytes(), (0, 0, 1)),
            (br#""\u+000 \u00""#, br#""\u+000 \u00""#, (0, 0, 0)),
            (br#""\"#, br#""\"#, (0, 0, 0)),
            (br#""\u0"#, br#""\u0"#, (0, 0, 0)),
        ] {
            let (got, counts) = mend(text);
            let shown = String::from_utf8_lossy(text);
            assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(mended), "{shown}");
            assert_eq!((counts.nul, counts.surrogates, counts.bytes), replaced, "{shown}");
            assert!(first_unfit(&got).is_none(), "{shown}");
            assert_eq!(first_unfit(text).is_none(), counts.is_empty(), "{shown}");
        }
    }

    #[test]
    fn a_character_is_named_with_its_place() {
        let check = |text: &[u8], expected: &str| {
            let (unfit, place) = first_unfit(text).unwrap();
            let steps: Vec<String> = (place.steps.iter())
                .map(|step| match step {
                    Step::Key(key) => key.clone(),
                    Step::Item(item) => item.to_string(),
                })
                .collect();
            let where_in = if place.in_key { "key of " } else { "" };
            assert_eq!(format!("{unfit} {where_in}{} {}", steps.join("."), place.character), expected);
        };
        check(r#"{"args":{"a":"x","name":"é\n\u0000"}}"#.as_bytes(), "a NUL character (U+0000) args.name 3");
        check(br#"{"args":{"b":[1,["a","\ud83d\ude00\ud83d"]]}}"#, "half a surrogate pair (U+D83D) args.b.1.1 2");
        check(b"{\"args\":{\"a\":{},\"b\":\"caf\xe9\"}}", "a byte that is not UTF-8 (0xE9) args.b 4");
        check(br#"{"args":{"a\u0000" : 1}}"#, "a NUL character (U+0000) key of args 2");
        check(br#"["\u0000"]"#, "a NUL character (U+0000) 0 1");
        check(br#""\u0000"#, "a NUL character (U+0000)  1");
        let deep = format!("{}\"\\u0000\"", "[".repeat(100_000));
        assert_eq!(first_unfit(deep.as_bytes()).unwrap().1.steps.len(), STEPS_MAX);
    }
}
