//! What a plain scalar is, when every YAML reader agrees; otherwise that they do not (rule 10).
//!
//! YAML 1.1 readers take `no`, `017`, `1:30`, `2026-11-23` and `1_000` for something other than text; YAML 1.2 readers
//! disagree. A policy reviewed in one and enforced by the other would mean two things, so such scalars are refused with the
//! quoted form as the fix. Numbers are those of JSON without an exponent: the one grammar all readers share.

use crate::number::Number;

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Text,
    Number(Number),
    Bool(bool),
    Nothing,
    /// Readers differ. `instead` is what to write where quoting is not the way out.
    Ambiguous {
        why: &'static str,
        instead: Option<String>,
    },
}

/// Reads a plain scalar.
pub(crate) fn read_plain(text: &str) -> Plain {
    let differs = |why| Plain::Ambiguous { why, instead: None };
    match text {
        "true" => return Plain::Bool(true),
        "false" => return Plain::Bool(false),
        "" | "~" | "null" => return Plain::Nothing,
        "=" => return differs("a value key to YAML 1.1 and text to YAML 1.2"),
        _ => {}
    }
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "true" | "false" => return Plain::Ambiguous { why: "written in two ways", instead: Some(lower) },
        "null" => return differs("nothing to some readers and text to others"),
        "y" | "n" | "yes" | "no" | "on" | "off" => {
            return differs("true or false to YAML 1.1 and text to YAML 1.2");
        }
        ".inf" | "+.inf" | "-.inf" | ".nan" => return differs("a number that no two values can be compared with"),
        _ => {}
    }
    match read_number(text) {
        Some(plain) => plain,
        None if is_date(text) => differs("a date to YAML 1.1 and text to YAML 1.2"),
        None => Plain::Text,
    }
}

/// A number, a number to some readers only, or neither.
fn read_number(text: &str) -> Option<Plain> {
    let differs = |why| Some(Plain::Ambiguous { why, instead: None });
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let digits_of = |digits: &str, radix: u32| {
        digits.chars().any(|c| c != '_') && digits.chars().all(|c| c == '_' || c.is_digit(radix))
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if lower.strip_prefix(prefix).is_some_and(|digits| digits_of(digits, radix)) {
            return differs("a number in a notation that readers disagree about");
        }
    }
    if unsigned.contains(':') && is_base_sixty(unsigned) {
        return differs("a base-60 number to YAML 1.1 and text to YAML 1.2");
    }
    if !is_number_like(unsigned) {
        return None;
    }
    let json = !text.starts_with('+') && !text.contains(['e', 'E']);
    match Number::parse(text) {
        Ok(number) if json => Some(Plain::Number(number)),
        _ if text.contains(['e', 'E']) => differs("a number with an exponent, which YAML 1.1 and 1.2 read differently"),
        _ => differs("a number to some readers and text, or another number, to others"),
    }
}

/// `[0-9_]* (. [0-9_.]*)? (e [+-]? [0-9]+)?` with a digit or a point: the union of what YAML 1.1 and 1.2 call a number.
fn is_number_like(text: &str) -> bool {
    let (significand, exponent) = match text.split_once(['e', 'E']) {
        Some((significand, exponent)) => (significand, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let starts = significand.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let body = significand.chars().all(|c| c.is_ascii_digit() || c == '_' || c == '.');
    let tail = exponent.is_none_or(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()));
    starts && body && tail
}

/// `[0-9][0-9_]*(:[0-5]?[0-9])+` with an optional fraction.
fn is_base_sixty(text: &str) -> bool {
    let mut parts = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || c == '_' || c == '.');
    parts.next().is_some_and(digits) && parts.all(digits)
}

/// `2026-11-23`, with or without a time after it.
fn is_date(text: &str) -> bool {
    let date = text.split(['T', 't', ' ', '\t']).next().unwrap_or_default();
    let mut parts = date.split('-');
    let next = |parts: &mut std::str::Split<'_, char>, lengths: &[usize]| {
        parts.next().is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    next(&mut parts, &[4]) && next(&mut parts, &[1, 2]) && next(&mut parts, &[1, 2]) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_read_only_if_every_reader_agrees() {
        for text in
            ["a", "day UTC", "15m", "30s", "result.email", "api.example.com", "no-reply", "1st", "-", "a:b", "2026"]
        {
            assert!(!matches!(read_plain(text), Plain::Ambiguous { .. }), "{text}");
        }
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "N",
            "017",
            "0o17",
            "0x1F",
            "0b1",
            "1:30",
            "190:20:30.15",
            ".5",
            "5.",
            "+1",
            "1_000",
            "1e3",
            "1.5e+3",
            "2026-11-23",
            "2001-12-14t21:59:43.10-05:00",
            "True",
            "FALSE",
            "Null",
            "NULL",
            ".inf",
            "-.INF",
            ".NaN",
            "=",
            "1.2.3",
            "10.0.0.1",
            "00",
        ] {
            assert!(matches!(read_plain(text), Plain::Ambiguous { .. }), "{text}");
        }
        assert_eq!(read_plain("49.99"), Plain::Number(Number::parse("49.99").unwrap()));
        assert_eq!(read_plain("-0.50"), Plain::Number(Number::parse("-0.5").unwrap()));
        assert_eq!(read_plain("true"), Plain::Bool(true));
        assert_eq!(read_plain("~"), Plain::Nothing);
    }
}
