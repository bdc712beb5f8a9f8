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
        ("伊昭傑@郵件.商務", "伊昭傑@郵件.商務"),
        ("saved as jane@example.com.log", "jane@example.com"),
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
        "user@1000.service",
        "this@MainActivity.applicationContext",
        "package@1.2.3-beta.rc1",
        r"pass\n@app.route('/')",
        r#"{"decorator": "@app.route"}"#,
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
    let end = without_file_kind(text, after, domain_end(text, after)?)?;
    let (local, domain) = (text.slice(start..at), text.slice(after..end));
    let inert = text.is_placeholder(local)
        || is_remote(text, local, domain, end)
        || is_version(domain)
        || is_label_of_source(local, domain);
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
    if start == at && text.wide_letter_at(at + 1) > 0 {
        return wide_start(text, at);
    }
    start = skip_escape(text, start, at);
    start = text.run(start, |byte| matches!(byte, b'.' | b'-' | b'+' | b'%'));
    (start < at).then_some(start)
}

/// Where a local part in a script without capitals begins, before a domain in one.
fn wide_start(text: &Haystack<'_>, at: usize) -> Option<usize> {
    let mut start = at;
    for _ in 0..LABEL_CHARS_MAX {
        let before = (2..=4).find(|bytes| start >= *bytes && text.wide_letter_at(start - bytes) == *bytes);
        start -= before.unwrap_or(0);
    }
    (start < at).then_some(start)
}

fn quoted_start(text: &Haystack<'_>, quote: usize) -> Option<usize> {
    let first = quote.saturating_sub(QUOTED_LOCAL_BYTES_MAX - 1);
    let inside = text.slice(first..quote);
    let open = inside.iter().rposition(|byte| *byte == b'"')?;
    let plain = open + 1 < inside.len() && inside.iter().skip(open + 1).all(|byte| (b' '..=b'~').contains(byte));
    // The quotation mark behind `{"key` ends a text, and begins none.
    let mut before = first + open;
    while text.before(before) == Some(b'\\') && first + open < before + 2 {
        before -= 1;
    }
    // Behind a backslash it stands in a text of its own, which another one may have opened.
    let escaped = before < first + open;
    let opens = |byte: u8| byte <= b' ' || b"<([{,;:=>'".contains(&byte) || (byte == b'"' && escaped);
    let opens = text.before(before).is_none_or(opens);
    (plain && opens).then_some(first + open)
}

/// Leaves the letters of a JSON escape that touches the address (`\n`, `\u003c`) with their backslash.
fn skip_escape(text: &Haystack<'_>, start: usize, at: usize) -> usize {
    let backslashes = (1..=start).take(8).take_while(|back| text.at(start - back) == Some(b'\\')).count();
    let after = match text.at(start) {
        _ if backslashes % 2 == 0 => start,
        // Behind a line end may stand a decorator: `\n@app.route`.
        Some(b'n' | b'r' | b't' | b'b' | b'f') => return start + 1,
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
    let wide = text.wide_letter_at(start) > 0;
    let mut end = None;
    let mut label = start;
    loop {
        let after = label_end(text, label, wide);
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

fn label_end(text: &Haystack<'_>, start: usize, wide: bool) -> usize {
    let mut end = start;
    loop {
        end += match text.at(end) {
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => 1,
            Some(byte) if byte >= 0x80 => match (text.spaced_letter_at(end), wide) {
                (0, true) if text.wide_letter_at(end) > 0 => text.wide_letter_at(end),
                (0, _) => return end,
                (letter, _) => letter,
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

/// What a name ends in that no domain does: units of systemd, pictures, sources, packages, what programs write.
#[rustfmt::skip]
const FILE_KINDS: &[&str] = &[
    "service", "socket", "timer", "mount", "automount", "target", "slice", "scope", "path", "device", "swap", "snapshot",
    "wants", "requires",
    "png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "heic", "ico", "bmp", "pdf",
    "js", "mjs", "cjs", "jsx", "ts", "tsx", "css", "scss", "kt", "html", "htm", "json", "jsonc", "yaml", "yml", "toml", "xml",
    "csv", "txt", "log", "lock", "conf", "cfg", "ini", "tgz", "gz", "tar", "whl", "jar", "exe", "dll", "bak", "tmp", "sock", "pid",
];
/// The top-level domains in common use that are no country's.
const COMMON: &[&str] =
    &["com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "io", "dev", "app", "example", "test"];

/// The end of a domain without the kind of a file (`jane@example.com.log`); none if what is left is no domain: `tty1.service`.
fn without_file_kind(text: &Haystack<'_>, start: usize, end: usize) -> Option<usize> {
    let domain = text.slice(start..end);
    let mut rest = domain;
    while let Some(dot) = rest.iter().rposition(|byte| *byte == b'.')
        && let Some((before, kind)) = rest.split_at_checked(dot)
        && is_one_of(kind.get(1..).unwrap_or_default(), FILE_KINDS)
    {
        rest = before;
    }
    let stays = rest.len() == domain.len() || is_common(rest) || is_of_country(rest);
    (stays && (rest.contains(&b'.') || rest.first() == Some(&b'['))).then_some(start + rest.len())
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(word))
}

fn top_level(domain: &[u8]) -> &[u8] {
    domain.split(|byte| *byte == b'.').next_back().unwrap_or_default()
}

fn is_common(domain: &[u8]) -> bool {
    is_one_of(top_level(domain), COMMON)
}

fn is_of_country(domain: &[u8]) -> bool {
    matches!(top_level(domain), [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
}

/// Users that name a service for repositories, not a person.
const REMOTE_USERS: &[&str] = &["git", "hg", "svn", "gitea", "forgejo", "gitlab", "aur"];
/// Hosts of repositories.
const FORGES: &[&str] =
    &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "ssh.dev.azure.com", "ssh.github.com", "git.sr.ht"];
/// Bytes of a repository's path at most.
const REMOTE_PATH_BYTES_MAX: usize = 200;

/// `git@host:path` names a repository, not a person, and so does any user before a path that ends in `.git`.
fn is_remote(text: &Haystack<'_>, local: &[u8], domain: &[u8], end: usize) -> bool {
    let user = is_one_of(local, REMOTE_USERS);
    let path = match text.at(end) {
        Some(b'/') => Some(end + 1),
        Some(b':') => Some(end + 1).filter(|path| text.at(*path).is_some_and(|byte| byte > b' ' && byte != b'"')),
        _ => None,
    };
    let Some(path) = path else { return user && is_one_of(domain, FORGES) };
    let limit = text.len().min(path + REMOTE_PATH_BYTES_MAX);
    let of_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'~');
    let repository = || text.ends_with(text.run_within(path..limit, of_path), ".git");
    user || (text.at(end) == Some(b':') && repository())
}

/// `package@1.2.3-beta.rc1`: two numbers first, and no host is called so.
fn is_version(domain: &[u8]) -> bool {
    let mut labels = domain.split(|byte| *byte == b'.');
    let number = |label: &[u8]| !label.is_empty() && label.iter().all(u8::is_ascii_digit);
    let first = labels.next().map(|label| label.strip_prefix(b"v").unwrap_or(label));
    first.is_some_and(number) && labels.next().is_some_and(number)
}

/// `this@Outer.member` in Kotlin, and the number of a line before a decorator: `12-@app.route`.
fn is_label_of_source(local: &[u8], domain: &[u8]) -> bool {
    let first = domain.split(|byte| *byte == b'.').next().unwrap_or_default();
    let class = first.first().is_some_and(u8::is_ascii_uppercase) && first.iter().any(u8::is_ascii_lowercase);
    let numbered = local.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') && local.ends_with(b"-");
    numbered || (matches!(local, b"this" | b"super") && class && !is_common(domain))
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%')
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric())
}
