//! User names and passwords in URLs of any scheme.
//!
//! Only `user:password` is classified; the scheme, the host and the path stay, because they say what failed. A user name
//! alone (`ssh://git@host`) is no credential.

use std::ops::Range;

use crate::redact::class_row::{ClassRow, ClassTier, as_written};
use crate::redact::detector::{Detector, Trigger};
use crate::redact::haystack::Haystack;

pub(super) const CLASS: ClassRow = ClassRow {
    name: "url_credentials",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 2,
    canonical: as_written,
    doc: "The user name and password inside a URL.",
    source: "RFC 3986, section 3.2.1",
};

pub(super) const URL_CREDENTIALS: Detector = Detector {
    id: "url_credentials",
    class: "url_credentials",
    trigger: Trigger::Literals(&["://"]),
    verify,
    doc: "The user name and password of a URL, between `://` and the last `@` before the host.",
    finds: &[
        ("see https://jane:hunter2@example.com/path?q=1", "jane:hunter2"),
        ("mongodb+srv://u:p*ss!w$rd@cluster0.example.net,b.example.net/db", "u:p*ss!w$rd"),
        ("redis://:hunter2@cache:6379", ":hunter2"),
        ("https://0123456789abcdef:@api.example.com", "0123456789abcdef:"),
        ("postgres://u:p@ss@db/x", "u:p@ss"),
        ("postgres://u:p/ss@db/x", "u:p/ss"),
        ("jdbc:mysql://u:p#ss@db/x", "u:p#ss"),
        ("\"amqp://u:p@[::1]:5672\"", "u:p"),
        ("postgresql://u:p@ss/w0rd@db:5432/app", "u:p@ss/w0rd"),
        ("https://jane:p@ss/w?rd@example.com/x", "jane:p@ss/w?rd"),
        ("https://u:p@npm.example.com/@scope/package", "u:p"),
    ],
    leaves: &[
        "https://example.com/a:b@c",
        "ssh://git@example.com/repository",
        "http://localhost:8080/@scope/package",
        "http://[::1]:80/a@b",
        "https://https://https://",
        "https://a:b://c@example.com",
        "https://:@example.com",
        "http://host:8080 mail a@b.com",
        "https://EC_URL_CREDENTIALS_1@example.com",
    ],
    source: "RFC 3986, section 3.2.1",
};

/// The userinfo, to the last `@` before the host. A password with a raw `@`, `/`, `?` or `#` is not a valid URL but is found in
/// many a configuration, so the userinfo ends at the last `@` behind which a host can stand. No walk passes another `://`.
fn verify(text: &Haystack<'_>, start: usize) -> Option<Range<usize>> {
    let authority = text.run(start, |byte| is_url(byte) && !matches!(byte, b'/' | b'?' | b'#'));
    let head = text.slice(start..authority);
    let colon = head.iter().position(|byte| *byte == b':')?;
    let last_at = head.iter().rposition(|byte| *byte == b'@');
    let host = last_at.and_then(|at| head.get(at + 1..)).unwrap_or_default();
    let web = is_web(text, start);
    let beyond = Beyond { scopes: web && last_at.is_some(), host: is_full_host(host) };
    let end = match last_at {
        Some(at) if colon < at => last_at_before_host(text, authority, &beyond).unwrap_or(start + at),
        // A user's name alone before a host and a port; or a password begins behind it: `u@x:p/w@host`.
        Some(_) if beyond.host => return None,
        Some(_) => last_at_before_host(text, authority, &beyond)?,
        None if is_host_and_port(head, colon, web) || text.slice(authority..authority + 2) == b"//" => return None,
        None => last_at_before_host(text, authority, &beyond)?,
    };
    (end > start + 1).then_some(start..end)
}

/// What is known of a URL when what stands behind its first `/`, `?` or `#` is looked at.
struct Beyond {
    /// Paths of its scheme often have an `@` behind a `/`, and its authority has one.
    scopes: bool,
    /// What stands before could be a whole host.
    host: bool,
}

/// The last `@` behind an authority behind which a host can stand. Where a whole host went before, it must be a whole host too,
/// and a scope in a path (`/@scope/package`) or an address in a query is none.
fn last_at_before_host(text: &Haystack<'_>, authority: usize, beyond: &Beyond) -> Option<usize> {
    let mut end = authority;
    while text.at(end).is_some_and(|byte| is_url(byte) && !(beyond.host && ends_path(byte)))
        && !text.slice(end..end + 3).starts_with(b"://")
    {
        end += 1;
    }
    let mut next = end;
    for at in (authority..end).rev().filter(|at| text.at(*at) == Some(b'@')) {
        let host = text.run_within(at + 1..next, |byte| !matches!(byte, b'/' | b'?' | b'#'));
        let host = text.slice(at + 1..host);
        let scope = beyond.scopes && text.before(at) == Some(b'/');
        let fits = if beyond.host { is_full_host(host) } else { is_host(host) };
        if fits && !scope {
            return Some(at);
        }
        next = at;
    }
    None
}

/// What ends a path in prose and in source text, or begins a query.
fn ends_path(byte: u8) -> bool {
    matches!(byte, b'?' | b'#' | b'\'' | b',' | b';' | b'(' | b')' | b'|')
}

fn is_web(text: &Haystack<'_>, start: usize) -> bool {
    ["http", "https", "ws", "wss", "ftp", "ssh", "git"].iter().any(|scheme| text.ends_with(start - "://".len(), scheme))
}

/// Whether an authority without `@` is a host with a port, and not a user and the beginning of a password.
fn is_host_and_port(authority: &[u8], colon: usize, web: bool) -> bool {
    let (name, port) = authority.split_at_checked(colon).unwrap_or_default();
    let port = port.get(1..).unwrap_or_default();
    authority.first() == Some(&b'[') || (is_port(port) && (web || is_full_host(name)))
}

/// Digits of a port at most.
const PORT_DIGITS_MAX: usize = 5;

fn is_port(text: &[u8]) -> bool {
    text.len() <= PORT_DIGITS_MAX && text.iter().all(u8::is_ascii_digit)
}

/// Whether a text begins with the name of a host, in a list or alone, with or without a port.
fn is_host(text: &[u8]) -> bool {
    let first = text.split(|byte| matches!(byte, b',' | b'\'' | b';' | b')')).next().unwrap_or_default();
    let (name, port) = split_port(first);
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || *byte >= 0x80;
    first.first() == Some(&b'[') || (!name.is_empty() && name.iter().all(in_name) && port.is_none_or(is_port))
}

/// Whether it is surely one: of several labels, an address, with a port, or this machine.
fn is_full_host(text: &[u8]) -> bool {
    let (name, port) = split_port(text.split(|byte| *byte == b',').next().unwrap_or_default());
    let ported = port.is_some_and(|port| !port.is_empty());
    let last = name.split(|byte| *byte == b'.').next_back().unwrap_or_default();
    let top_level = last.len() >= 2 && last.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let address =
        name.split(|byte| *byte == b'.').count() == 4 && name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let several = name.contains(&b'.') && !name.starts_with(b".") && top_level;
    is_host(text) && (ported || several || address || name == b"localhost" || text.first() == Some(&b'['))
}

fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b':') {
        Some(colon) => (text.get(..colon).unwrap_or_default(), text.get(colon + 1..)),
        None => (text, None),
    }
}

/// Blanks, quotation marks and angle brackets end a URL in any text.
fn is_url(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\')
}
