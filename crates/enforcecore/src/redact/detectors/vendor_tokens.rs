//! Tokens whose vendors gave them a prefix: GitHub, AWS, Slack, Stripe.
//!
//! The vendor's prefix and alphabet decide, and the checksum where there is one. What follows a prefix is taken to the end of
//! its run, so that a longer token than the ones known today leaves no tail.

use std::ops::Range;

use crate::redact::class_row::{ClassRow, ClassTier, as_written};
use crate::redact::detector::{Detector, Trigger};
use crate::redact::haystack::Haystack;

pub(super) const GITHUB: ClassRow = ClassRow {
    name: "github_token",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 4,
    canonical: as_written,
    doc: "A GitHub token.",
    source: "GitHub's description of its token formats",
};

pub(super) const AWS: ClassRow = ClassRow {
    name: "aws_access_key",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 3,
    canonical: as_written,
    doc: "An AWS access key id.",
    source: "AWS Identity and Access Management, unique identifiers and their prefixes",
};

pub(super) const SLACK: ClassRow = ClassRow {
    name: "slack_token",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 4,
    canonical: as_written,
    doc: "A Slack token.",
    source: "Slack's description of its token types",
};

pub(super) const STRIPE: ClassRow = ClassRow {
    name: "stripe_key",
    aliases: &[],
    tier: ClassTier::Form,
    secret: true,
    rank: 4,
    canonical: as_written,
    doc: "A Stripe secret or restricted key, or a secret that signs webhooks.",
    source: "Stripe's description of its API keys",
};

pub(super) const GITHUB_TOKEN: Detector = Detector {
    id: "github_token",
    class: "github_token",
    trigger: Trigger::Literals(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
    verify: github_token,
    doc: "A GitHub token: a prefix, 30 base62 digits and their CRC32 in base62; without a right checksum, random digits.",
    finds: &[
        (
            concat!("token=ghp_", "ZJDeVREhkptGF7Wvep0NwJWlPEQP7a0t2nxL;"),
            concat!("ghp_", "ZJDeVREhkptGF7Wvep0NwJWlPEQP7a0t2nxL"),
        ),
        (
            concat!("gho_", "0000000000000000000000000000002C8GjS"),
            concat!("gho_", "0000000000000000000000000000002C8GjS"),
        ),
        (
            concat!("ghr_", "1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498"),
            concat!("ghr_", "1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498"),
        ),
    ],
    leaves: &[
        concat!("ghp_", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        concat!("ghp_", "ZJDeVREhkptGF7Wvep0NwJWlPEQP7a0t2n"),
        "ghp_your_token_here",
        "ghp_ghp_ghp_",
    ],
    source: "GitHub's description of its token formats: prefix, 30 characters of base62, a six-character CRC32",
};

pub(super) const GITHUB_FINE_GRAINED: Detector = Detector {
    id: "github_fine_grained_token",
    class: "github_token",
    trigger: Trigger::Literals(&["github_pat_"]),
    verify: github_fine_grained,
    doc: "A fine-grained GitHub token: 22 base62 digits, `_`, 59 base62 digits.",
    finds: &[
        (
            concat!(
                "a github_pat_",
                "11AAOKYUI0JqmGpRMr5nGt_LiPrTSWAOOZZXUwkT9YLUT0fJE9Wh3EbPGXYisTF6w5NZKZJ4GJgZLTL7dK b"
            ),
            concat!(
                "github_pat_",
                "11AAOKYUI0JqmGpRMr5nGt_LiPrTSWAOOZZXUwkT9YLUT0fJE9Wh3EbPGXYisTF6w5NZKZJ4GJgZLTL7dK"
            ),
        ),
        (
            concat!(
                "github_pat_",
                "11AALKJEA04kc5Z9kNGzwK_zLv1venPjF9IFl5QvO2plAgKD9KWmCiq6seyWr9nftbTMABK664eCS9JYG2."
            ),
            concat!(
                "github_pat_",
                "11AALKJEA04kc5Z9kNGzwK_zLv1venPjF9IFl5QvO2plAgKD9KWmCiq6seyWr9nftbTMABK664eCS9JYG2"
            ),
        ),
    ],
    leaves: &[
        concat!("github_pat_", "xxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        "github_pat_11AAOKYUI0JqmGpRMr5nGt",
        "github_pat_github_pat_",
    ],
    source: "GitHub's description of its token formats",
};

pub(super) const AWS_ACCESS_KEY: Detector = Detector {
    id: "aws_access_key",
    class: "aws_access_key",
    trigger: Trigger::Literals(&["AKIA", "ASIA", "ABIA", "ACCA"]),
    verify: aws_access_key,
    doc: "An AWS access key id: a prefix that names its kind and 16 base32 digits.",
    finds: &[
        (concat!("key=AKIA", "IVOURJN3SXRRLZFQ,"), concat!("AKIA", "IVOURJN3SXRRLZFQ")),
        (concat!("id_ASIA", "OZW6VBVAZFJHJLQA_x"), concat!("ASIA", "OZW6VBVAZFJHJLQA")),
        (r"\nAKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("%3AAKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ],
    leaves: &[
        "AKIAXXXXXXXXXXXXXXXX",
        "TODAYINASIAASACKOFRICEFELLOVER",
        "XAKIAIOSFODNN7EXAMPLE",
        "AKIAIOSFODNN7EXAMPLEX",
        "AKIAIOSFODNN1EXAMPLE",
    ],
    source: "AWS Identity and Access Management, unique identifiers and their prefixes",
};

pub(super) const SLACK_TOKEN: Detector = Detector {
    id: "slack_token",
    class: "slack_token",
    trigger: Trigger::Literals(&["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"]),
    verify: slack_token,
    doc: "A Slack token: a prefix, then numbers and random digits between dashes.",
    finds: &[
        (
            concat!("\"xoxb-", "781236542736-2364535789652-GkwFDQoHqzXDVsC6GzqYUypD\""),
            concat!("xoxb-", "781236542736-2364535789652-GkwFDQoHqzXDVsC6GzqYUypD"),
        ),
        (
            concat!(
                "xapp-",
                "1-A052FGTS2DL-5171572773297-610b6a11f4b7eb819e87b767d80e6575a3634791acb9a9ead051da879eb5b55e"
            ),
            concat!(
                "xapp-",
                "1-A052FGTS2DL-5171572773297-610b6a11f4b7eb819e87b767d80e6575a3634791acb9a9ead051da879eb5b55e"
            ),
        ),
        (
            concat!("xoxe.xoxp-", "1-Mi0yLTM0MTQwNDE0MDE3Ni0zNjU5NDY0Njg4MTctNTE4MjA3NTQ5NjA4MC01NDEyOTYyODY5NzUx"),
            concat!("xoxe.xoxp-", "1-Mi0yLTM0MTQwNDE0MDE3Ni0zNjU5NDY0Njg4MTctNTE4MjA3NTQ5NjA4MC01NDEyOTYyODY5NzUx"),
        ),
    ],
    leaves: &[
        "xoxb-xxxxxxxxx-xxxxxxxxxx-xxxxxxxxxxxx",
        "xoxb-12345-abcd234",
        "xoxe.xoxp-1-SlackAppConfigurationAccessTokenHere",
        "xoxb-xoxb-my-bot-token",
        "xoxp-1234567890",
        "xoxb-Slack_BOT_TOKEN",
    ],
    source: "Slack's description of its token types",
};

pub(super) const STRIPE_KEY: Detector = Detector {
    id: "stripe_key",
    class: "stripe_key",
    trigger: Trigger::Literals(&["sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_"]),
    verify: stripe_key,
    doc: "A Stripe secret or restricted key.",
    finds: &[
        (concat!("sk_live_", "HQS0j4H75XpthOW "), concat!("sk_live_", "HQS0j4H75XpthOW")),
        (
            concat!("key=rk_test_", "51OuEMLAlTWGaDypquDn9aZigaJOsa9NR1w1BxZXs9;"),
            concat!("rk_test_", "51OuEMLAlTWGaDypquDn9aZigaJOsa9NR1w1BxZXs9"),
        ),
    ],
    leaves: &[
        "sk_live_",
        "sk_test_xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk_live_your_key",
        "task_test_configuration",
        "pk_live_HQS0j4H75XpthOW",
    ],
    source: "Stripe's description of its API keys",
};

pub(super) const STRIPE_WEBHOOK_SECRET: Detector = Detector {
    id: "stripe_webhook_secret",
    class: "stripe_key",
    trigger: Trigger::Literals(&["whsec_"]),
    verify: webhook_secret,
    doc: "The secret that signs Stripe's webhooks (and those of the Standard Webhooks scheme).",
    finds: &[
        (concat!("whsec_", "9KJ4hP2mXc7VbQ1tYzR8nWd5sF3gL6aE,"), concat!("whsec_", "9KJ4hP2mXc7VbQ1tYzR8nWd5sF3gL6aE")),
        (
            concat!("whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw="),
            concat!("whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw="),
        ),
    ],
    leaves: &["whsec_your_secret_goes_here", "whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
    source: "Stripe's description of webhook signatures; Standard Webhooks, symmetric secrets",
};

/// Base62 digits before the checksum.
const GITHUB_PAYLOAD_DIGITS: usize = 30;
/// Base62 digits of the checksum.
const GITHUB_CHECKSUM_DIGITS: usize = 6;
/// Base32 digits after the prefix of an AWS access key id.
const AWS_DIGITS: usize = 16;
/// Bytes after a Slack prefix that are examined: enough to see digits where numbers are written in base64.
const SLACK_EXAMINED_BYTES: usize = 64;
/// Bytes after a Slack prefix at least.
const SLACK_BYTES_MIN: usize = 16;
/// Decimal digits among the examined bytes at least: a name in prose has none, a token's numbers have more.
const SLACK_DIGITS_MIN: usize = 6;
/// Bytes after a Stripe prefix at least.
const STRIPE_DIGITS_MIN: usize = 10;
/// Bytes after `whsec_` at least: 24 random bytes in base64.
const WEBHOOK_DIGITS_MIN: usize = 32;

fn github_token(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let end = text.run(after, |byte| byte.is_ascii_alphanumeric());
    let token = text.slice(after..end.min(after + GITHUB_PAYLOAD_DIGITS + GITHUB_CHECKSUM_DIGITS));
    let (payload, checksum) = token.split_at_checked(GITHUB_PAYLOAD_DIGITS)?;
    let checked = checksum == base62(crc32fast::hash(payload));
    (checksum.len() == GITHUB_CHECKSUM_DIGITS && (checked || is_random(token))).then_some(after - 4..end)
}

fn github_fine_grained(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let middle = text.run(after, |byte| byte.is_ascii_alphanumeric());
    if middle != after + 22 || text.at(middle) != Some(b'_') {
        return None;
    }
    let end = text.run(middle + 1, |byte| byte.is_ascii_alphanumeric());
    (end >= middle + 60 && is_random(text.slice(after..end))).then_some(after - "github_pat_".len()..end)
}

fn aws_access_key(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let start = after - 4;
    let end = after + AWS_DIGITS;
    let digits = text.slice(after..end);
    let base32 = digits.len() == AWS_DIGITS && digits.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    let bounded = !is_upper(text.at(end)) && (!is_upper(text.before(start)) || is_percent_escape(text, start));
    (base32 && bounded && is_random(digits)).then_some(start..end)
}

fn slack_token(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let prefix = after - 5;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let head = text.slice(after..text.len().min(after + SLACK_EXAMINED_BYTES));
    let head = head.split(|byte| !is_token(*byte)).next()?;
    let digits = head.iter().filter(|byte| byte.is_ascii_digit()).count();
    let start = if text.ends_with(prefix, "xoxe.") { prefix - 5 } else { prefix };
    (head.len() >= SLACK_BYTES_MIN && digits >= SLACK_DIGITS_MIN).then(|| start..text.run(after, is_token))
}

fn stripe_key(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let start = after - "sk_live_".len();
    let end = text.run(after, |byte| byte.is_ascii_alphanumeric());
    let key = text.slice(after..end);
    // `task_test_configuration` is an identifier; `mysk_test_` before random digits is still a key.
    let word =
        text.before(start).is_some_and(|byte| byte.is_ascii_alphabetic()) && key.iter().all(u8::is_ascii_lowercase);
    (key.len() >= STRIPE_DIGITS_MIN && is_random(key) && !word).then_some(start..end)
}

fn webhook_secret(text: &Haystack<'_>, after: usize) -> Option<Range<usize>> {
    let end = text.run(after, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    (end >= after + WEBHOOK_DIGITS_MIN && is_random(text.slice(after..end))).then_some(after - "whsec_".len()..end)
}

/// Whether the characters vary as random ones do; `xxxx` and `0000` in a manual do not.
fn is_random(bytes: &[u8]) -> bool {
    let seen = bytes.iter().fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f));
    seen.count_ones() >= DISTINCT_MIN
}

/// Distinct characters in a random token at least; 10 random base62 digits have fewer once in a million.
const DISTINCT_MIN: u32 = 6;

fn is_upper(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether the two characters before an offset are the digits of `%3A`.
fn is_percent_escape(text: &Haystack<'_>, offset: usize) -> bool {
    offset.checked_sub(3).is_some_and(|start| text.at(start) == Some(b'%'))
}

fn base62(mut number: u32) -> [u8; GITHUB_CHECKSUM_DIGITS] {
    let mut digits = [b'0'; GITHUB_CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = match (number % 62) as u8 {
            value @ 0..10 => b'0' + value,
            value @ 10..36 => b'A' + value - 10,
            value => b'a' + value - 36,
        };
        number /= 62;
    }
    digits
}
