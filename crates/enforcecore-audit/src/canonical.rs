//! Whether a line is canonical JSON (RFC 8785), restricted to objects, arrays, strings and integers.
//!
//! One value has one spelling, so a line cannot hide a second meaning: no key twice, no spaces, no other escapes, no
//! fractions. The check neither builds a value nor recurses without a limit. Absent on purpose: `true`, `false`, `null` and
//! fractions, which no entry uses.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Levels of nesting at most: an entry needs three.
pub const DEPTH_MAX: usize = 16;
/// The largest integer every JSON reader keeps exact: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The one escape of each character that has one: the control characters in order, then `"` and the backslash.
#[rustfmt::skip]
const ESCAPES: [&str; 34] = [
    r"\u0000", r"\u0001", r"\u0002", r"\u0003", r"\u0004", r"\u0005", r"\u0006", r"\u0007", r"\b", r"\t", r"\n",
    r"\u000b", r"\f", r"\r", r"\u000e", r"\u000f", r"\u0010", r"\u0011", r"\u0012", r"\u0013", r"\u0014", r"\u0015",
    r"\u0016", r"\u0017", r"\u0018", r"\u0019", r"\u001a", r"\u001b", r"\u001c", r"\u001d", r"\u001e", r"\u001f",
    r#"\""#, r"\\",
];

/// Where a line stops being canonical, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub kind: FlawKind,
    /// The first byte that is wrong.
    pub at: usize,
}

/// How a line is not canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// Canonical so far, but it ends too early: what a torn write leaves.
    Incomplete,
    /// The object is complete and something follows it.
    Trailing,
    /// Bytes that are no UTF-8.
    InvalidUtf8,
    /// A key twice in one object.
    DuplicateKey,
    /// Any other spelling.
    Spelling(&'static str),
}

/// Checks that the line is exactly one canonical object.
pub fn check(line: &[u8]) -> Result<(), Flaw> {
    let (text, broken) = match std::str::from_utf8(line) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = line.get(..error.valid_up_to()).unwrap_or_default();
            let kind = if error.error_len().is_some() { FlawKind::InvalidUtf8 } else { FlawKind::Incomplete };
            (std::str::from_utf8(valid).unwrap_or_default(), Some(Flaw { kind, at: valid.len() }))
        }
    };
    let mut scan = Scan { text, at: 0 };
    let found = match scan.object(1) {
        Ok(()) if scan.at < line.len() => Err(scan.flaw(FlawKind::Trailing)),
        other => other,
    };
    match (found, broken) {
        // The scan reached the end of the valid UTF-8: the bytes after it are the fault.
        (Err(Flaw { kind: FlawKind::Incomplete, .. }), Some(broken)) => Err(broken),
        (found, _) => found,
    }
}

/// The order of members: by UTF-16 code units, as RFC 8785 has it; bytes differ beyond the basic plane.
pub fn key_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn flaw(&self, kind: FlawKind) -> Flaw {
        Flaw { kind, at: self.at }
    }

    fn peek(&self) -> Result<u8, Flaw> {
        self.text.as_bytes().get(self.at).copied().ok_or(self.flaw(FlawKind::Incomplete))
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Flaw> {
        if self.peek()? != byte {
            return Err(self.flaw(FlawKind::Spelling(otherwise)));
        }
        self.at += 1;
        Ok(())
    }

    /// Takes `byte` if it is next.
    fn take(&mut self, byte: u8) -> Result<bool, Flaw> {
        let is_next = self.peek()? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    fn value(&mut self, depth: usize) -> Result<(), Flaw> {
        if depth > DEPTH_MAX {
            return Err(self.flaw(FlawKind::Spelling("too many levels")));
        }
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.integer(),
            b' ' | b'\t' | b'\r' | b'\n' => Err(self.flaw(FlawKind::Spelling("white space"))),
            _ => Err(self.flaw(FlawKind::Spelling("neither a string nor an integer"))),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Flaw> {
        self.expect(b'{', "not an object")?;
        if self.take(b'}')? {
            return Ok(());
        }
        let mut last: Option<Cow<'a, str>> = None;
        loop {
            let start = self.at;
            let key = self.string()?;
            match last.as_deref().map(|last| key_order(last, &key)) {
                Some(Ordering::Equal) => return Err(Flaw { kind: FlawKind::DuplicateKey, at: start }),
                Some(Ordering::Greater) => {
                    return Err(Flaw { kind: FlawKind::Spelling("members out of order"), at: start });
                }
                _ => {}
            }
            last = Some(key);
            self.expect(b':', "no colon after a key")?;
            self.value(depth + 1)?;
            if self.take(b'}')? {
                return Ok(());
            }
            self.expect(b',', "neither a comma nor the end of the object")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Flaw> {
        self.expect(b'[', "not an array")?;
        if self.take(b']')? {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b']')? {
                return Ok(());
            }
            self.expect(b',', "neither a comma nor the end of the array")?;
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Flaw> {
        self.expect(b'"', "not a string")?;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain = start;
        loop {
            match self.peek()? {
                b'"' => {
                    let rest = self.text.get(plain..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(rest),
                        Some(text) => Cow::Owned(text + rest),
                    });
                }
                b'\\' => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(self.text.get(plain..self.at).unwrap_or_default());
                    let escaped = self.escape()?;
                    unescaped.get_or_insert_default().push(escaped);
                    plain = self.at;
                }
                0..0x20 => return Err(self.flaw(FlawKind::Spelling("a control character in a string"))),
                _ => self.at += 1,
            }
        }
    }

    /// The character of the one escape RFC 8785 allows for it.
    fn escape(&mut self) -> Result<char, Flaw> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = (0..0x20).chain(*b"\"\\").map(char::from).zip(ESCAPES);
        if let Some((char, escape)) = escaped.find(|(_, escape)| rest.starts_with(escape)) {
            self.at += escape.len();
            return Ok(char);
        }
        let is_cut = ESCAPES.iter().any(|escape| escape.starts_with(rest));
        Err(self.flaw(if is_cut {
            FlawKind::Incomplete
        } else {
            FlawKind::Spelling("an escape that is not canonical")
        }))
    }

    fn integer(&mut self) -> Result<(), Flaw> {
        let negative = self.take(b'-')?;
        let start = self.at;
        let mut magnitude = 0u64;
        // At the end of the text the number may go on; the reader of the next byte decides.
        while let Some(digit @ b'0'..=b'9') = self.text.as_bytes().get(self.at) {
            magnitude = magnitude * 10 + u64::from(digit - b'0');
            self.at += 1;
            let leading_zero = self.at - start > 1 && self.text.as_bytes().get(start) == Some(&b'0');
            if magnitude > INTEGER_MAX || leading_zero {
                return Err(Flaw { kind: FlawKind::Spelling("a number that is no canonical integer"), at: start });
            }
        }
        if self.at == start {
            self.peek()?;
            return Err(self.flaw(FlawKind::Spelling("a minus sign without a number")));
        }
        if negative && magnitude == 0 {
            return Err(Flaw { kind: FlawKind::Spelling("a negative zero"), at: start });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_line(line: &str, expected: Result<(), FlawKind>) {
        assert_eq!(check(line.as_bytes()).map_err(|flaw| flaw.kind), expected, "{line}");
    }

    #[test]
    fn one_value_has_one_spelling() {
        let spelling = |why| Err(FlawKind::Spelling(why));
        check_line(r#"{}"#, Ok(()));
        check_line(r#"{"a":[],"b":{"c":-5},"d":[0,"x",{"y":9007199254740991}]}"#, Ok(()));
        check_line("{\"\u{7f}\":\"\\b\\t\\n\\f\\r\\u0000\\u001f\\\\\\\"/é😀\"}", Ok(()));
        check_line("{\"😀\":1,\"\u{fffd}\":2}", Ok(()));
        check_line("{\"\u{fffd}\":1,\"😀\":2}", spelling("members out of order"));
        check_line(r#"{"b":1,"a":2}"#, spelling("members out of order"));
        check_line(r#"{"a":1,"a":2}"#, Err(FlawKind::DuplicateKey));
        check_line(r#"{"\n":1,"\n":2}"#, Err(FlawKind::DuplicateKey));
        check_line(r#"{ "a":1}"#, spelling("not a string"));
        check_line(r#"{"a": 1}"#, spelling("white space"));
        check_line(r#"{"a":"\u0041"}"#, spelling("an escape that is not canonical"));
        check_line(r#"{"a":"\u001F"}"#, spelling("an escape that is not canonical"));
        check_line(r#"{"a":"\u000a"}"#, spelling("an escape that is not canonical"));
        check_line(r#"{"a":"\/"}"#, spelling("an escape that is not canonical"));
        check_line("{\"a\":\"\t\"}", spelling("a control character in a string"));
        check_line(r#"{"a":01}"#, spelling("a number that is no canonical integer"));
        check_line(r#"{"a":-0}"#, spelling("a negative zero"));
        check_line(r#"{"a":-}"#, spelling("a minus sign without a number"));
        check_line(r#"{"a":9007199254740992}"#, spelling("a number that is no canonical integer"));
        check_line(r#"{"a":1.0}"#, spelling("neither a comma nor the end of the object"));
        check_line(r#"{"a":1e0}"#, spelling("neither a comma nor the end of the object"));
        check_line(r#"{"a":true}"#, spelling("neither a string nor an integer"));
        check_line(r#"{"a":1}{"#, Err(FlawKind::Trailing));
        check_line("{\"a\":1}\r", Err(FlawKind::Trailing));
        check_line("\u{feff}{}", spelling("not an object"));
        check_line("", Err(FlawKind::Incomplete));
        check_line(&format!("{{\"a\":{}0", "[".repeat(DEPTH_MAX - 2)), Err(FlawKind::Incomplete));
        check_line(&format!("{{\"a\":{}0", "[".repeat(100_000)), spelling("too many levels"));
        assert_eq!(check(b"{\"a\":\"\xff\"}").map_err(|flaw| flaw.kind), Err(FlawKind::InvalidUtf8));
        assert_eq!(check(b"{\"a\":\"\xc3").map_err(|flaw| flaw.kind), Err(FlawKind::Incomplete));
    }

    #[test]
    fn a_string_is_escaped_as_the_writer_escapes_it() {
        for char in (0..=0x7f).map(char::from) {
            let line = format!("{{\"a\":{}}}", serde_json::to_string(&char).unwrap());
            check_line(&line, Ok(()));
            check_line(
                &format!("{{\"a\":\"\\u{:04X}\"}}", u32::from(char)),
                match u32::from(char) {
                    0..=7 | 0x10..=0x19 => Ok(()),
                    _ => Err(FlawKind::Spelling("an escape that is not canonical")),
                },
            );
        }
    }

    #[test]
    fn every_proper_prefix_is_incomplete() {
        let line = r#"{"a":[1,"\u0001é\n",{"b":-12}],"c":"😀"}"#.as_bytes();
        for end in 0..line.len() {
            assert_eq!(check(&line[..end]).map_err(|flaw| flaw.kind), Err(FlawKind::Incomplete), "{end}");
        }
        assert_eq!(check(line), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = check(&bytes);
        }
    }
}
