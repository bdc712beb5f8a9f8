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
    doc: "The user name and password of a URL, between `://` and the last `@` of the authority.",
    finds: &[
        ("see https://jane:hunter2@example.com/path?q=1", "jane:hunter2"),
        ("mongodb+srv://u:p*ss!w$rd@cluster0.example.net,b.example.net/db", "u:p*ss!w$rd"),
        ("redis://:hunter2@cache:6379", ":hunter2"),
        ("https://0123456789abcdef:@api.example.com", "0123456789abcdef:"),
        ("postgres://u:p@ss@db/x", "u:p@ss"),
        ("postgres://u:p/ss@db/x", "u:p/ss"),
        ("jdbc:mysql://u:p#ss@db/x", "u:p#ss"),
        ("\"amqp://u:p@[::1]:5672\"", "u:p"),
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

/// The userinfo, to the last `@` of the authority. A password with a raw `/`, `?` or `#` is not a valid URL but is found in
/// many a configuration; it is taken when what stands before cannot be a host and a port. No walk passes another `://`.
fn verify(text: &Haystack<'_>, start: usize) -> Option<Range<usize>> {
    let authority = text.run(start, |byte| is_url(byte) && !matches!(byte, b'/' | b'?' | b'#'));
    let end = match last_at(text.slice(start..authority)) {
        Some(at) => start + at,
        None => start + after_raw_delimiter(text, start, authority)?,
    };
    let userinfo = text.slice(start..end);
    let colon = userinfo.iter().position(|byte| *byte == b':')?;
    (userinfo.len() > 1 && colon < userinfo.len()).then_some(start..end)
}

fn after_raw_delimiter(text: &Haystack<'_>, start: usize, authority: usize) -> Option<usize> {
    let before = text.slice(start..authority);
    let colon = before.iter().position(|byte| *byte == b':')?;
    let port = before.iter().skip(colon + 1).all(u8::is_ascii_digit);
    if port || before.first() == Some(&b'[') || text.slice(authority..authority + 2) == b"//" {
        return None;
    }
    let mut end = authority;
    while !text.slice(end..end + 3).starts_with(b"://") && text.at(end).is_some_and(is_url) {
        end += 1;
    }
    text.slice(start..end).iter().position(|byte| *byte == b'@')
}

fn last_at(authority: &[u8]) -> Option<usize> {
    authority.iter().rposition(|byte| *byte == b'@')
}

/// Blanks, quotation marks and angle brackets end a URL in any text.
fn is_url(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\')
}
