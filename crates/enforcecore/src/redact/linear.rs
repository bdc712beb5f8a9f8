//! The law that redaction is linear: in the bytes of a text and in what is found in it, from the scan to the placeholders.
//!
//! Steps are counted and not timed: every byte a detector looks at, every finding, span and piece that is touched, every byte
//! that is written. A text of twice the length may cost twice the steps, and a byte no more than a bound.

use super::work::steps_of;
use super::*;
use crate::value::{Map, Value};

/// A text that is found whole, but for what separates it from the next; the number makes it another one.
type Made = fn(usize) -> String;

/// At least one text that is found for each class: the same again and again, or another every time.
const FOUND: &[(Class, &[Made])] = &[
    (Class::EMAIL, &[|_| "a@b.co ".to_owned(), |n| format!("u{n}@b.co "), |n| format!("\"u {n}\"@[1.2.3.4],")]),
    (Class::CREDIT_CARD, &[|_| "4111111111111111 ".to_owned(), card, |_| "4111 1111 1111 1111, ".to_owned()]),
    (Class::PRIVATE_KEY, &[|_| key("A"), |n| key(&letters(n))]),
    (Class::URL_CREDENTIALS, &[|_| "://a:b@".to_owned(), |n| format!("s://u{n}:p@h "), |_| "://a:b/c@h ".to_owned()]),
    (Class::GITHUB_TOKEN, &[|n| format!("ghp_ZJDeVREhkptGF7Wvep0NwJWlPEQP7a{} ", letters(n))]),
    (Class::AWS_ACCESS_KEY, &[|_| "AKIAIVOURJN3SXRRLZFQ ".to_owned(), |n| format!("AKIAIVOURJN3SX{},", letters(n))]),
    (Class::SLACK_TOKEN, &[|n| format!("xoxb-781236542736-2364535789652-Gk{} ", letters(n))]),
    (
        Class::STRIPE_KEY,
        &[|n| format!("sk_live_HQS0j4H75X{} ", letters(n)), |n| format!("whsec_{:032} ", 123_456_789 + n)],
    ),
];

/// What is found whole only once a part of it is redacted, what several classes claim, and what is not found after all.
const FOUND_LATE: &[Made] = &[
    |n| format!("x{}@b.co ", key(&letters(n)).trim_end()),
    |n| format!("x\"{n}\"@[::1]@b.co "),
    |n| format!("jane{n}@example.com4111111111111111 "),
    |_| "a@b.co@".to_owned(),
    |_| "http://a:b/://c:d/://e:f@g@h ".to_owned(),
    |n| format!("u{n}@b.co:x@"),
    |_| "EC_EMAIL_1@example.com ".to_owned(),
    |_| "{\"a\":4111111111111111,\"b\":\"{\\\"c\\\":4111111111111111}\"}\n".to_owned(),
    |_| "[4111111111111111, ".to_owned(),
    |_| concat!("-----BEGIN PRIVATE", " KEY----- in prose ").to_owned(),
    |n| format!("{}\n{}", concat!("-----BEGIN PRIVATE", " KEY-----"), "MIIEowIBAAKCAQEA\n".repeat(n % 3)),
    |_| "DE89 3704 0044 0532 0130 00 4111 1111 1111 1111 ".to_owned(),
    |_| "https://a:b@c/d@e.f/g@h/".to_owned(),
];

/// Bytes of a text of one kind, doubled for comparison, and of one of two kinds.
const ONE_KIND_BYTES: usize = 8_000;
const TWO_KINDS_BYTES: usize = 2_000;
/// Steps for twice as much, in hundredths of the steps for once: twice, and what sorting adds to that.
const DOUBLED_MAX: usize = 215;
/// Steps for each byte at most, from the scan to the placeholders, in all renderings.
const STEPS_PER_BYTE_MAX: usize = 100;

#[test]
fn every_class_has_a_text_that_is_found() {
    let mut classes: Vec<Class> = FOUND.iter().map(|(class, _)| *class).collect();
    classes.sort();
    let mut expected: Vec<Class> = super::classes().collect();
    expected.sort();
    assert_eq!(classes, expected, "each class has one row");
    for (class, makes) in FOUND {
        for make in *makes {
            let text = repeat(&[*make], 1_000);
            let times = (0..).scan(0, |bytes, n| Some((*bytes < 1_000).then(|| *bytes += make(n).len()).is_some()));
            let times = times.take_while(|goes_on| *goes_on).count();
            let found = redact_text(&text, ClassSet::NONE.with(*class)).findings.len();
            assert!(found >= times, "{found} of {times} {}s in `{text}`", class.as_str());
        }
    }
}

#[test]
fn redaction_is_linear_in_what_is_found() {
    let kinds: Vec<Made> = FOUND.iter().flat_map(|(_, makes)| *makes).chain(FOUND_LATE).copied().collect();
    check(&kinds);
    for (index, one) in kinds.iter().enumerate() {
        check(&[*one]);
        for other in kinds.iter().skip(index + 1) {
            let texts = [TWO_KINDS_BYTES, 2 * TWO_KINDS_BYTES].map(|bytes| repeat(&[*one, *other], bytes));
            check_steps(&texts, in_text);
            // One of them, and then the other for the rest.
            for (first, then) in [(one, other), (other, one)] {
                let texts = [TWO_KINDS_BYTES, 2 * TWO_KINDS_BYTES].map(|bytes| first(0) + &repeat(&[*then], bytes));
                check_steps(&texts, in_text);
            }
        }
    }
    let document = |times: usize| format!("[{}0]", "\"a@b.co\",4111111111111111,\"[4111111111111111]\",".repeat(times));
    check_steps(&[document(100), document(200)], in_text);
    // Without what separates them.
    let joined: String = (0..).zip(&kinds).map(|(n, make)| make(n).trim_end().to_owned()).collect();
    check_steps(&[joined.repeat(10), joined.repeat(20)], in_text);
}

fn check(makes: &[Made]) {
    let texts = [ONE_KIND_BYTES, 2 * ONE_KIND_BYTES].map(|bytes| repeat(makes, bytes));
    check_steps(&texts, in_text);
    check_steps(&texts, in_value);
}

fn check_steps([once, twice]: &[String; 2], redact: fn(&str)) {
    let ((), steps) = steps_of(|| redact(once));
    let ((), doubled) = steps_of(|| redact(twice));
    let shown: String = once.chars().take(60).collect();
    assert!(
        steps > 0 && steps <= STEPS_PER_BYTE_MAX * once.len(),
        "{steps} steps for {} bytes of `{shown}…`",
        once.len()
    );
    let expected = steps * twice.len() / once.len();
    assert!(doubled * 200 <= expected * DOUBLED_MAX, "{steps} steps, then {doubled} for twice as much of `{shown}…`");
}

fn in_text(text: &str) {
    redact_text(text, ClassSet::all());
}

/// As the parts of a value.
fn in_value(text: &str) {
    redact_value(&value(text), ClassSet::all()).unwrap();
}

/// A text cut into keys and items; what is cut through may no longer be found.
fn value(text: &str) -> Value {
    let items: Vec<Value> = text.split_inclusive(' ').map(Value::from).collect();
    let members: Map =
        text.split_inclusive('@').enumerate().map(|(n, key)| (format!("{n} {key}"), Value::Null)).collect();
    Value::List(vec![Value::List(items), Value::Map(members)])
}

fn repeat(makes: &[Made], bytes: usize) -> String {
    let mut text = String::new();
    for n in 0.. {
        for make in makes {
            if text.len() >= bytes {
                return text;
            }
            text += &make(n);
        }
    }
    text
}

/// Six letters of base32 that are another text for each number.
fn letters(n: usize) -> String {
    (0..6).map(|place| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[n >> (5 * place) & 31])).collect()
}

fn key(name: &str) -> String {
    let (begin, end) = (concat!("-----BEGIN PRIVATE", " KEY-----"), "-----END PRIVATE KEY-----");
    format!("{begin}\nMIIEowIBAAKCAQEA{name}\n{end}\n")
}

/// A number with Luhn's check digit.
fn card(n: usize) -> String {
    let digits = format!("4{n:014}");
    let weigh = |(index, digit): (usize, u8)| match (index % 2, u32::from(digit - b'0')) {
        (1, digit) => digit,
        (_, digit) if digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(weigh).sum();
    format!("{digits}{} ", (10 - sum % 10) % 10)
}
