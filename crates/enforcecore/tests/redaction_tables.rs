//! What redaction finds, row by row: every issuer's range of card numbers, every vendor's prefix, every form of a domain.
//!
//! The tables are literal and say the same as the issuers and vendors do; none is read from the product. Each row has its
//! neighbours that are left alone, so that a row that is missing, one too long and one too short all fail.
#![cfg(test)]

use enforcecore::redact::{Class, ClassSet, redact_text};

/// What is left of a text when one class is redacted.
fn redacted(class: Class, text: &str) -> String {
    redact_text(text, ClassSet::NONE.with(class)).text
}

fn check(class: Class, text: &str, expected: &str) {
    assert_eq!(redacted(class, text), expected, "{text:?}");
}

/// The first four digits of cards, from and to, and how many digits such a card has. Every other number is none.
const CARDS: &[(&str, u32, u32, &[usize])] = &[
    ("JCB, old", 1800, 1800, &[15]),
    ("JCB, old", 2131, 2131, &[15]),
    ("Mir", 2200, 2204, &[16, 17, 18, 19]),
    ("Mastercard", 2221, 2720, &[16]),
    ("Diners Club", 3000, 3059, &[14, 15, 16, 17, 18, 19]),
    ("American Express", 3400, 3499, &[15]),
    ("JCB", 3500, 3599, &[16, 17, 18, 19]),
    ("Diners Club", 3600, 3699, &[14, 15, 16, 17, 18, 19]),
    ("American Express", 3700, 3799, &[15]),
    ("Diners Club", 3800, 3999, &[14, 15, 16, 17, 18, 19]),
    ("Visa", 4000, 4999, &[13, 16, 19]),
    ("Maestro", 5000, 5099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("Mastercard", 5100, 5599, &[16]),
    ("Maestro, Discover, UnionPay, RuPay", 5600, 6999, &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("UnionPay, RuPay", 8100, 8299, &[16, 17, 18, 19]),
    ("Troy", 9792, 9792, &[16]),
];

/// A number of so many digits that begins with a prefix of four and ends with Luhn's check digit.
fn numbered(prefix: u32, digits: usize) -> String {
    let body = format!("{prefix:04}{:.*}", digits - 5, "205713948620571394");
    let weigh = |(place, digit): (usize, u8)| match (place % 2, u32::from(digit - b'0') * 2) {
        (0, doubled) => doubled / 10 + doubled % 10,
        (_, doubled) => doubled / 2,
    };
    let sum: u32 = body.bytes().rev().enumerate().map(weigh).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[test]
fn every_issuer_and_no_neighbour_is_a_card() {
    let mut wrong = Vec::new();
    for prefix in 0..10_000 {
        let issuer = CARDS.iter().find(|(_, first, last, _)| (*first..=*last).contains(&prefix));
        for digits in 11..=20 {
            let number = numbered(prefix, digits);
            let is_card = issuer.is_some_and(|(_, _, _, lengths)| lengths.contains(&digits)) && !is_article(&number);
            let expected = if is_card { "EC_CREDIT_CARD_1" } else { number.as_str() };
            if redacted(Class::CREDIT_CARD, &number) != expected {
                wrong.push(format!("{number}: {}", issuer.map_or("nothing", |row| row.0)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong, among them {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

/// Whether a number of 12 or 13 digits is an article's: its weights are 3 and 1 from the right, and the last digit completes ten.
fn is_article(number: &str) -> bool {
    let weigh = |(place, digit): (usize, u8)| u32::from(digit - b'0') * [1, 3][place % 2];
    matches!(number.len(), 12 | 13) && number.bytes().rev().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

#[test]
fn a_card_has_its_check_digit() {
    for (_, first, _, lengths) in CARDS {
        for digits in *lengths {
            let number = numbered(*first, *digits);
            let (body, right) = number.split_at(digits - 1);
            for last in (0..10).map(|last| last.to_string()).filter(|last| last != right) {
                check(Class::CREDIT_CARD, &format!("{body}{last}"), &format!("{body}{last}"));
            }
        }
    }
}

/// What may stand between the groups of a card's digits.
const SEPARATORS: [&str; 4] = [" ", "-", ".", "\u{a0}"];
/// What may not.
const NO_SEPARATORS: [&str; 13] =
    [",", "/", "_", ":", "+", "\t", "\n", "  ", "--", " -", "\u{202f}", "\u{2009}", "\u{2013}"];

/// Digits in groups: as on cards, and as they are never printed.
const PRINTED: [&[&str]; 4] = [
    &["4111", "1111", "1111", "1111"],
    &["3782", "822463", "10005"],
    &["6304", "2737", "3398", "0205", "716"],
    &["3056", "930902", "5904"],
];
const ODD: [&[&str]; 2] = [&["41", "11", "11", "11", "11", "11", "11", "11"], &["41111111", "11111111"]];

#[test]
fn a_card_is_written_with_these_separators_and_no_others() {
    for groups in PRINTED.iter().chain(&ODD) {
        for separator in SEPARATORS {
            let text = groups.join(separator);
            // One point is a decimal's.
            let decimal = groups.len() == 2 && separator == ".";
            check(Class::CREDIT_CARD, &text, if decimal { &text } else { "EC_CREDIT_CARD_1" });
        }
        for separator in NO_SEPARATORS {
            let text = groups.join(separator);
            check(Class::CREDIT_CARD, &text, &text);
        }
    }
}

#[test]
fn oddly_grouped_digits_are_a_card_only_where_they_stand_alone() {
    for separator in SEPARATORS {
        let groups = ODD[0].join(separator);
        for (before, after) in [("12", ""), ("", "12"), ("12", "12")] {
            // What stands before is not the card's, what stands behind ends no group of it: either way nothing stands alone.
            let text = [before, &groups, after].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            let text = text.join(separator);
            check(Class::CREDIT_CARD, &text, &text);
        }
        for (before, after) in [("x", ""), ("12,", ",12"), ("(", ")"), ("12 / ", " / 12"), ("\u{a0}", "\u{a0}")] {
            let text = format!("{before} {groups} {after}");
            check(Class::CREDIT_CARD, &text, &format!("{before} EC_CREDIT_CARD_1 {after}"));
        }
    }
}

/// Cards as the issuers' own documents and test numbers show them.
#[test]
fn a_known_card_of_each_issuer_is_found_in_prose() {
    for card in [
        "378282246310005",
        "341111111111111",
        "4222222222222",
        "4111111111111111",
        "4000000000000000006",
        "5555555555554444",
        "2223003122003222",
        "6011111111111117",
        "6200000000000005",
        "8132123456789019",
        "3530111333300000",
        "213112345678904",
        "30569309025904",
        "38520000023237",
        "2204123456789015",
        "5018000012341",
        "6304000000000000",
        "9792123456789018",
    ] {
        check(Class::CREDIT_CARD, &format!("paid with {card}."), "paid with EC_CREDIT_CARD_1.");
        // Part of a longer number, dialled, and behind a decimal point.
        for before in ["ref 1", "call +", "0.", "12."] {
            check(Class::CREDIT_CARD, &format!("{before}{card}"), &format!("{before}{card}"));
        }
    }
}

/// Labels of a domain's last place that make an address, and the ones that do not. Each is behind `jane@example.`.
const TOP_LEVELS: [&str; 20] = [
    "de",
    "com",
    "info",
    "museum",
    "DE",
    "Com",
    "photography",
    "xn--p1ai",
    "xn--fiqs8s",
    "xn--vermgensberatung-pwb",
    "co2",
    "рф",
    "бел",
    "ελ",
    "հայ",
    "укр",
    "срб",
    "мкд",
    "қаз",
    "ею",
];
const NO_TOP_LEVELS: [&str; 12] = ["c", "1", "12", "1a", "2x", "a1", "_b", "-com", "--", "", ".", " de"];

#[test]
fn an_address_ends_in_any_top_level_domain() {
    for label in TOP_LEVELS {
        check(Class::EMAIL, &format!("mail jane@example.{label} now"), "mail EC_EMAIL_1 now");
        check(Class::EMAIL, &format!("<jane@mail.example.{label}>,"), "<EC_EMAIL_1>,");
        check(Class::EMAIL, &format!("jane@{label}"), &format!("jane@{label}"));
    }
    for label in NO_TOP_LEVELS {
        let text = format!("mail jane@example.{label} now");
        check(Class::EMAIL, &text, &text);
    }
}

/// Letters of labels, each of which may be repeated to any length. A label has 63 characters at most.
const LETTERS: [&str; 6] = ["a", "0", "Z", "ü", "д", "ω"];

#[test]
fn a_label_of_a_domain_has_up_to_63_characters() {
    for letter in LETTERS {
        for length in [1, 2, 3, 11, 31, 32, 33, 62, 63] {
            let label = letter.repeat(length);
            check(Class::EMAIL, &format!("jane@{label}.example"), "EC_EMAIL_1");
            check(Class::EMAIL, &format!("jane@mail.{label}.example;"), "EC_EMAIL_1;");
            if letter != "0" && length > 1 {
                check(Class::EMAIL, &format!("jane@example.{label}"), "EC_EMAIL_1");
            }
        }
        for length in [64, 65, 200] {
            let label = letter.repeat(length);
            check(Class::EMAIL, &format!("jane@{label}.example"), &format!("jane@{label}.example"));
            check(Class::EMAIL, &format!("jane@example.{label}"), &format!("jane@example.{label}"));
            check(Class::EMAIL, &format!("jane@example.com.{label}"), &format!("EC_EMAIL_1.{label}"));
        }
    }
}

/// What may stand before the `@`, and what is left when only a part of it may.
const LOCAL_PARTS: [(&str, &str); 17] = [
    ("j", "EC_EMAIL_1"),
    ("jane.doe", "EC_EMAIL_1"),
    ("jane_doe", "EC_EMAIL_1"),
    ("jane-doe", "EC_EMAIL_1"),
    ("jane+tag", "EC_EMAIL_1"),
    ("jane%host", "EC_EMAIL_1"),
    ("12345", "EC_EMAIL_1"),
    ("o'brien", "EC_EMAIL_1"),
    ("josé", "EC_EMAIL_1"),
    ("дмитрий", "EC_EMAIL_1"),
    ("\"jane doe\"", "EC_EMAIL_1"),
    ("to=jane", "to=EC_EMAIL_1"),
    ("/home/jane", "/home/EC_EMAIL_1"),
    ("?a&jane", "?a&EC_EMAIL_1"),
    ("mailto:jane", "mailto:EC_EMAIL_1"),
    ("(jane", "(EC_EMAIL_1"),
    ("谢谢jane", "谢谢EC_EMAIL_1"),
];

#[test]
fn an_address_begins_with_its_local_part() {
    for (local, expected) in LOCAL_PARTS {
        check(Class::EMAIL, &format!("{local}@example.com"), expected);
        check(Class::EMAIL, &format!("{local}@localhost"), &format!("{local}@localhost"));
    }
}

/// A class, the prefix that makes a vendor's token of what follows, and the least that has to follow. Prefix and body stand
/// apart, so that no scanner for secrets takes this file for one.
const TOKENS: &[(Class, &str, &str)] = &[
    (Class::GITHUB_TOKEN, "ghp_", "ZJDeVREhkptGF7Wvep0NwJWlPEQP7a0t2nxL"),
    (Class::GITHUB_TOKEN, "gho_", "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW3xYz"),
    (Class::GITHUB_TOKEN, "ghu_", "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW3xYz"),
    (Class::GITHUB_TOKEN, "ghs_", "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW3xYz"),
    (Class::GITHUB_TOKEN, "ghr_", "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW3xYz"),
    (
        Class::GITHUB_TOKEN,
        "github_pat_",
        "11AAOKYUI0JqmGpRMr5nGt_LiPrTSWAOOZZXUwkT9YLUT0fJE9Wh3EbPGXYisTF6w5NZKZJ4GJgZLTL7dK",
    ),
    (Class::AWS_ACCESS_KEY, "AKIA", "IVOURJN3SXRRLZFQ"),
    (Class::AWS_ACCESS_KEY, "ASIA", "OZW6VBVAZFJHJLQA"),
    (Class::AWS_ACCESS_KEY, "ABIA", "IVOURJN3SXRRLZFQ"),
    (Class::AWS_ACCESS_KEY, "ACCA", "IVOURJN3SXRRLZFQ"),
    (Class::SLACK_TOKEN, "xoxb-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxp-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxa-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxr-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxs-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxe-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xapp-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxe.xoxp-", "781236-GkwFDQoHq"),
    (Class::SLACK_TOKEN, "xoxe.xoxb-", "781236-GkwFDQoHq"),
    (Class::STRIPE_KEY, "sk_live_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "rk_live_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "sk_test_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "rk_test_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "sk_prod_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "rk_prod_", "HQS0j4H75X"),
    (Class::STRIPE_KEY, "whsec_", "9KJ4hP2mXc7VbQ1tYzR8nWd5sF3gL6aE"),
];

fn placeholder(class: Class) -> &'static str {
    match class {
        Class::GITHUB_TOKEN => "EC_GITHUB_TOKEN_1",
        Class::AWS_ACCESS_KEY => "EC_AWS_ACCESS_KEY_1",
        Class::SLACK_TOKEN => "EC_SLACK_TOKEN_1",
        _ => "EC_STRIPE_KEY_1",
    }
}

#[test]
fn a_token_of_every_prefix_is_found_whole_and_nothing_less_is_one() {
    for (class, prefix, body) in TOKENS {
        let (token, found) = (format!("{prefix}{body}"), placeholder(*class));
        check(*class, &token, found);
        for (before, after) in
            [("key=", ";"), ("\"", "\""), ("{\"a\":\"", "\"}"), ("Bearer ", "\n"), ("(", ")"), ("谢", "谢")]
        {
            check(*class, &format!("{before}{token}{after}"), &format!("{before}{found}{after}"));
        }
        // One character of the body less, none, and one character again and again.
        let shorter = &format!("{body:.*}", body.len() - 1);
        let repeated: String = body.chars().map(|char| if char == '_' || char == '-' { char } else { 'X' }).collect();
        for near in [shorter, "", &repeated, "your-token-here"] {
            let near = format!("{prefix}{near}");
            check(*class, &near, &near);
        }
    }
}

/// Beginnings that look like a vendor's and are none, each before the body of a token.
const NO_PREFIXES: &[(Class, &[&str])] = &[
    (Class::GITHUB_TOKEN, &["ghx_", "gh_", "ghp-", "GHP_", "ghp", "hp_", "github_pat", "github_token_"]),
    (Class::AWS_ACCESS_KEY, &["AKIB", "AIIA", "AXIA", "KIA", "akia", "AKI", "ACIA"]),
    (Class::SLACK_TOKEN, &["xoxx-", "xoxb_", "xoxb", "oxb-", "XOXB-", "xap-", "xappp", "xox-"]),
    (
        Class::STRIPE_KEY,
        &["pk_live_", "pk_test_", "sk_life_", "sk-live-", "SK_LIVE_", "sk_live", "k_test_", "whsec-", "whsec"],
    ),
];

#[test]
fn what_a_vendor_does_not_begin_with_is_no_token() {
    for (class, prefixes) in NO_PREFIXES {
        for body in TOKENS.iter().filter(|row| row.0 == *class).map(|row| row.2) {
            for prefix in *prefixes {
                check(*class, &format!("a {prefix}{body} b"), &format!("a {prefix}{body} b"));
            }
        }
    }
}

/// What a private key's block calls itself.
const KEYS: [&str; 9] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
    "ANY PRIVATE KEY",
    "SSH2 ENCRYPTED PRIVATE KEY",
];
const NO_KEYS: [&str; 7] = [
    "PUBLIC KEY",
    "CERTIFICATE",
    "CERTIFICATE REQUEST",
    "PGP PUBLIC KEY BLOCK",
    "PGP MESSAGE",
    "PRIVATE",
    "private key",
];

#[test]
fn every_private_key_block_goes_whole_and_no_other_block() {
    let pem = |name: &str| format!("-----BEGIN {name}-----\nMIIEowIBAAKCAQEA\n-----END {name}-----");
    let ssh2 = |name: &str| format!("---- BEGIN {name} ----\nP2/56wAAAgIAAAAm\n---- END {name} ----");
    for name in KEYS {
        for block in [pem(name), ssh2(name)] {
            check(Class::PRIVATE_KEY, &format!("a\n{block}\nb"), "a\nEC_PRIVATE_KEY_1\nb");
        }
    }
    // What stands between the dashes has up to 63 characters.
    for (length, found) in [(1, true), (30, true), (51, true), (52, false), (100, false)] {
        let block = pem(&format!("{} PRIVATE KEY", "X".repeat(length)));
        check(Class::PRIVATE_KEY, &block, if found { "EC_PRIVATE_KEY_1" } else { &block });
    }
    for name in NO_KEYS {
        for block in [pem(name), ssh2(name)] {
            check(Class::PRIVATE_KEY, &block, &block);
        }
    }
}

/// Beginnings of URLs; the scheme does not decide.
const SCHEMES: [&str; 12] = [
    "http",
    "https",
    "ftp",
    "ssh",
    "postgres",
    "postgresql",
    "mysql",
    "redis",
    "rediss",
    "mongodb+srv",
    "amqp",
    "jdbc:mysql",
];

#[test]
fn the_password_of_a_url_goes_whatever_its_scheme() {
    for scheme in SCHEMES {
        let check = |url: &str, expected: &str| {
            check(Class::URL_CREDENTIALS, &format!("{scheme}://{url}"), &format!("{scheme}://{expected}"));
        };
        check("jane:hunter2@example.com", "EC_URL_CREDENTIALS_1@example.com");
        check(":hunter2@example.com:80/a", "EC_URL_CREDENTIALS_1@example.com:80/a");
        check("jane:@example.com", "EC_URL_CREDENTIALS_1@example.com");
        check("jane@example.com", "jane@example.com");
        check("example.com:80/a@b", "example.com:80/a@b");
        check(":@example.com", ":@example.com");
    }
}

/// What is written before an address in an escaped text belongs to the escape and not to the address.
#[test]
fn an_escape_before_an_address_is_left() {
    for escape in [r"\n", r"\r", r"\t", r"\b", r"\f", r"\u003c", r"\u000A", r#"\""#, r"\/", r"\\\n"] {
        check(Class::EMAIL, &format!("a{escape}jane@example.com"), &format!("a{escape}EC_EMAIL_1"));
    }
    // Two backslashes are one, and no escape: the letter is the address's.
    check(Class::EMAIL, r"a\\njane@example.com", r"a\\EC_EMAIL_1");
    check(Class::EMAIL, r"a\xjane@example.com", r"a\EC_EMAIL_1");
    check(Class::EMAIL, r"a\u00jane@example.com", r"a\EC_EMAIL_1");
}

#[test]
fn quoted_names_and_address_literals_have_their_lengths() {
    for length in [1, 10, 62, 63, 64] {
        check(Class::EMAIL, &format!("\"{}\"@example.com", "j".repeat(length)), "EC_EMAIL_1");
    }
    for length in [0, 65, 200] {
        let text = format!("\"{}\"@example.com", "j".repeat(length));
        check(Class::EMAIL, &text, &text);
    }
    for literal in ["192.168.0.1", "IPv6:2001:db8::1", "::1", &"1".repeat(50)] {
        check(Class::EMAIL, &format!("jane@[{literal}]."), "EC_EMAIL_1.");
    }
    for literal in ["", "1", "12", "192.168.0.1 ", "a/b", &"1".repeat(51)] {
        check(Class::EMAIL, &format!("jane@[{literal}]."), &format!("jane@[{literal}]."));
    }
}

/// Pictures for dense screens by their endings, repositories by what they are called, and addresses that only look so.
#[test]
fn a_picture_and_a_repository_are_no_addresses() {
    for kind in ["png", "jpg", "jpeg", "gif", "webp", "svg"] {
        for scale in ["1", "2", "3", "4", "5", "1.5", "2.5"] {
            check(Class::EMAIL, &format!("icon@{scale}x.{kind}"), &format!("icon@{scale}x.{kind}"));
        }
        check(Class::EMAIL, &format!("icon@dark.{kind}"), &format!("icon@dark.{kind}"));
        check(Class::EMAIL, &format!("jane@example.com.{kind}"), &format!("EC_EMAIL_1.{kind}"));
    }
    check(Class::EMAIL, "icon@2x.com", "EC_EMAIL_1");
    check(Class::EMAIL, "icon@2x.pngs", "EC_EMAIL_1");
    check(Class::EMAIL, "git@example.com:a/b", "git@example.com:a/b");
    check(Class::EMAIL, "git@example.com", "EC_EMAIL_1");
    check(Class::EMAIL, "jane@example.com:a/b", "EC_EMAIL_1:a/b");
    check(Class::EMAIL, "digit@example.com:a/b", "EC_EMAIL_1:a/b");
}
