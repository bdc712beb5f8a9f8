//! Which texts are not one path to every reader, because each reader has expansions of its own.
//!
//! Tools trim, unquote, decode, expand and compose what they get. A path is refused where a common one of these would make
//! another path of it; every other name is ordinary, such as `app/[slug]/page.tsx`, `users.$id.tsx`, `@types/node`, `a.txt~`.

use unicode_normalization::UnicodeNormalization;

use super::error::PathError;
use crate::lookalike::is_invisible;

/// Checks the text of a path.
pub(super) fn check(path: &str) -> Result<(), PathError> {
    let folded: String = path.nfkc().collect();
    match fault(path).or_else(|| fault(&folded)) {
        Some(what) => Err(PathError::Ambiguous(what.to_owned())),
        None if separators(path).ne(separators(&folded)) => {
            Err(PathError::Ambiguous("a character that stands for a full stop or a slash".to_owned()))
        }
        None => Ok(()),
    }
}

/// Checks the end of a path that its tool gets absolute: resolving may have taken away what stood behind it.
pub(super) fn check_end(path: &str) -> Result<(), PathError> {
    match path.chars().next_back() {
        Some(last) if last.is_whitespace() || is_quote(last) => {
            Err(PathError::Ambiguous("white space or a quotation mark at its end".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Checks a path that its tool gets relative, or as it was written: an option or the name of a list of files looks so too.
pub(super) fn check_as_sent(path: &str) -> Result<(), PathError> {
    match path.chars().next() {
        Some('-') => Err(PathError::Ambiguous("a leading `-`, as an option has it".to_owned())),
        Some('@') => Err(PathError::Ambiguous("a leading `@`, as the name of a list of files has it".to_owned())),
        _ => Ok(()),
    }
}

/// Whether `%` stands before two hexadecimal digits.
pub(super) fn is_encoded(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(3).any(|three| matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

fn fault(path: &str) -> Option<&'static str> {
    let first = path.split('/').next().unwrap_or_default();
    let mut ends = path.chars().next().into_iter().chain(path.chars().next_back());
    Some(match path {
        "" => "an empty path",
        _ if path.contains(|c: char| c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')) => {
            "a control or invisible character"
        }
        _ if ends.clone().any(char::is_whitespace) => "white space at an end",
        _ if ends.any(is_quote) => "a quotation mark at an end",
        _ if has_scheme(path) => "a name with a colon, as a URL or a drive has it (`./` before it makes it a name)",
        _ if path.contains('\\') => "a backslash, which only some systems read as a slash",
        _ if first.starts_with('~') => "`~`, which only a shell expands",
        _ if first.strip_prefix('$').is_some_and(is_variable) => "`$NAME`, which only a shell expands",
        _ if path.contains("${") => "`${`, which some programs expand",
        _ if has_percent_variable(path) => "`%NAME%`, which some programs expand",
        _ => return None,
    })
}

/// A scheme as RFC 3986, section 3.1, has it, in either case. A drive's letter is one.
fn has_scheme(path: &str) -> bool {
    let Some((scheme, _)) = path.split_once(':') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(plain)
}

/// `%NAME%` as Windows expands it.
fn has_percent_variable(path: &str) -> bool {
    let mut parts = path.split('%').skip(1).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() && is_variable(part) {
            return true;
        }
    }
    false
}

fn is_variable(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// The characters that part a path, in order.
fn separators(path: &str) -> impl Iterator<Item = char> {
    path.chars().filter(|c| matches!(c, '/' | '.' | '\\'))
}
