//! Private key blocks: PEM, OpenSSH, SSH2, PGP.
//!
//! The whole block goes, from BEGIN to its END. Where END is missing everything to the end of the text goes: a key cut in two
//! is still most of a key. Line ends written as `\n` need no care, because nothing between the two lines is read.

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
    doc: "A private key block from its BEGIN line to its END line, or to the end of the text.",
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
            concat!("-----BEGIN PRIVATE", " KEY-----\nMIIEowIBAAKCAQEA\n-----END CERTIFICATE-----\nMIIB"),
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
/// Base64 characters a key holds at least: fewer are an ellipsis in a manual.
const BODY_BYTES_MIN: usize = 16;

fn verify(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let dashes = if text.ends_with(after, "-----BEGIN ") { "-----BEGIN ".len() } else { "---- BEGIN ".len() };
    let start = after - dashes;
    let body = label_end(text, after)?;
    let Some((end_line, end)) = end_of_block(text, body) else { return Some(start..text.len()) };
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let key_bytes = text.slice(body..end_line).iter().filter(is_base64).take(BODY_BYTES_MIN);
    (key_bytes.count() == BODY_BYTES_MIN).then_some(start..end)
}

/// The offset after the dashes that close a line whose words name a private key.
fn label_end(text: &Haystack<'_>, start: usize) -> Option<usize> {
    let line = text.slice(start..text.len().min(start + LABEL_BYTES_MAX));
    let words = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b' '))?;
    let named = memchr::memmem::find(line.get(..words)?, b"PRIVATE KEY").is_some();
    let end = text.run(start + words, |byte| byte == b'-').min(start + words + DASHES_MAX);
    (named && end >= start + words + 4).then_some(end)
}

/// The first END line of a private key: where it begins and where it ends.
fn end_of_block(text: &Haystack<'_>, body: usize) -> Option<(usize, usize)> {
    let mut from = body;
    loop {
        let word = text.find(from, "END ")?;
        let end = text.before(word).filter(|byte| matches!(byte, b'-' | b' ')).and_then(|_| label_end(text, word + 4));
        match end {
            Some(end) => return Some((word, end)),
            None => from = word + 4,
        }
    }
}

/// Dashes at an end of a line at most.
const DASHES_MAX: usize = 5;
