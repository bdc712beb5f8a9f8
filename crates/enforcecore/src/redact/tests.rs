//! What holds for every text and value, and a table of redactions.

use proptest::prelude::*;

use super::*;
use crate::value::{Limits, Value};

fn check(text: &str, expected: &str) {
    assert_eq!(redact_text(text, ClassSet::all()).text, expected, "{text}");
}

#[test]
fn findings_are_replaced_and_the_rest_is_kept() {
    check("nothing", "nothing");
    check("a@b.com, c@d.org, a@b.com", "EC_EMAIL_1, EC_EMAIL_2, EC_EMAIL_1");
    check("4111111111111111 = 4111-1111-1111-1111", "EC_CREDIT_CARD_1 = EC_CREDIT_CARD_1");
    check("a@b.com 4111111111111111", "EC_EMAIL_1 EC_CREDIT_CARD_1");
    check("https://u:p@example.com/x", "https://EC_URL_CREDENTIALS_1@example.com/x");
    check("a@b.com@c.org!", "EC_EMAIL_1!");
    check("4111111111111111@example.com", "EC_CREDIT_CARD_1");
    check("http://a:b/://c:d/://e:f@g@h", "http://a:b/://c:d/://EC_URL_CREDENTIALS_1@h");
    check("jane@example.com4111111111111111", "EC_CREDIT_CARD_1");
    check("EC_EMAIL_7 stays", "EC_EMAIL_7 stays");
    check("https://AKIAIOSFODNN7EXAMPLE:s3cret@h", "https://EC_AWS_ACCESS_KEY_1@h");
    check(concat!("tail sk_live_", "a1b2c3d4e5f4111 1111 1111 1111"), "tail EC_STRIPE_KEY_1");
}

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn check_value(input: &str, expected: Result<&str, Withheld>) {
    let redacted = redact_value(&json(input), ClassSet::all());
    assert_eq!(redacted.map(|redacted| redacted.value.to_json()).as_deref(), expected.as_deref(), "{input}");
}

#[test]
fn values_are_redacted_at_every_depth() {
    check_value(r#"{"a":[{"b":"x a@b.com"}],"c":1.50}"#, Ok(r#"{"a":[{"b":"x EC_EMAIL_1"}],"c":1.50}"#));
    check_value(r#"{"a@b.com":"a@b.com"}"#, Ok(r#"{"EC_EMAIL_1":"EC_EMAIL_1"}"#));
    check_value("[4111111111111111]", Ok(r#"["EC_CREDIT_CARD_1"]"#));
    check_value("[4.111111111111111e15, 411111111111111100e-2]", Ok(r#"["EC_CREDIT_CARD_1","EC_CREDIT_CARD_1"]"#));
    check_value("[4111111111111111e-3]", Ok(r#"["EC_CREDIT_CARD_1e-3"]"#));
    check_value("[-4111111111111111]", Ok(r#"["-EC_CREDIT_CARD_1"]"#));
    check_value("[0.4111111111111111, 4111111111111112]", Ok("[0.4111111111111111,4111111111111112]"));
    check_value(
        r#"["{\"to\":\"a@b.com\",\"n\":\"\\na@b.com\"}"]"#,
        Ok(r#"["{\"to\":\"EC_EMAIL_1\",\"n\":\"\\nEC_EMAIL_1\"}"]"#),
    );
    check_value(r#"{"a@b.com":1,"EC_EMAIL_1":2}"#, Err(Withheld::KeyCollision));
    check_value(r#"{"a@b.com":1,"EC_EMAIL_2":2}"#, Ok(r#"{"EC_EMAIL_1":1,"EC_EMAIL_2":2}"#));
}

#[test]
fn findings_are_counted_by_class() {
    let redacted = redact_value(&json(r#"{"a@b.com":["a@b.com", 4111111111111111]}"#), ClassSet::all()).unwrap();
    assert_eq!(redacted.counts, [(Class::EMAIL, 2), (Class::CREDIT_CARD, 1)].into());
}

#[test]
fn a_number_that_is_not_exact_is_looked_at_as_it_is_written_and_in_plain_digits() {
    let check = |said: &str, expected: &str| {
        let (value, _) = Value::from_said_json(said.as_bytes(), Limits::RESULT).unwrap();
        assert_eq!(redact_value(&value, ClassSet::all()).unwrap().value.to_json(), expected, "{said}");
    };
    check("[4111111111111111e400]", r#"["EC_CREDIT_CARD_1"]"#);
    check("[4.111111111111111e400]", r#"["EC_CREDIT_CARD_1"]"#);
    check("[1e400,-5e-324,41e400]", "[1e400,-5e-324,41e400]");
}

#[test]
fn bytes_are_rewritten_or_withheld() {
    let redact =
        |bytes: &[u8]| redact_value(&Value::Bytes(bytes.to_vec()), ClassSet::all()).map(|redacted| redacted.value);
    assert_eq!(redact(b"to a@b.com"), Ok(Value::Bytes(b"to EC_EMAIL_1".to_vec())));
    assert_eq!(redact(b"\xff\x00picture"), Ok(Value::Bytes(b"\xff\x00picture".to_vec())));
    assert!(matches!(redact(b"\xff a@b.com"), Err(Withheld::BeyondLimits(_))));
}

#[test]
fn what_lies_beyond_a_limit_is_withheld() {
    let nested = |depth: usize| (0..depth).fold(Value::Null, |value, _| Value::List(vec![value]));
    assert!(redact_value(&nested(REDACT_VALUE_DEPTH_MAX), ClassSet::all()).is_ok());
    assert!(matches!(
        redact_value(&nested(REDACT_VALUE_DEPTH_MAX + 1), ClassSet::all()),
        Err(Withheld::BeyondLimits(_))
    ));
    let long = |bytes: usize| redact_value(&Value::Text("x".repeat(bytes)), ClassSet::all());
    assert!(long(REDACT_VALUE_BYTES_MAX).is_ok());
    assert!(matches!(long(REDACT_VALUE_BYTES_MAX + 1), Err(Withheld::BeyondLimits(_))));
}

/// Pieces that classified text is made of, in any order: what a uniform generator would never hit.
fn classified_pieces() -> impl Strategy<Value = String> {
    const KEY: &str = concat!("-----BEGIN PRIVATE", " KEY-----");
    let piece = prop::sample::select(vec![
        "@",
        ".",
        "-",
        "_",
        ":",
        "/",
        "://",
        "https://",
        " ",
        "\n",
        "\\n",
        "\\u003c",
        "\"",
        "'",
        "<",
        "%40",
        "é",
        "谢",
        "\u{a0}",
        "a",
        "jane",
        "example.com",
        "jane@example.com",
        "u:p@",
        "1",
        "4111",
        "1111",
        "4111111111111111",
        "111111111111111",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "ghp_",
        "ZJDeVREhkptGF7Wvep0NwJWlPEQP7a0t2nxL",
        "xoxb-",
        "xoxe.",
        "123456789012-",
        "GkwFDQoHqzXDVsC6GzqYUypD",
        "sk_live_",
        "whsec_",
        "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4",
        KEY,
        "-----END PRIVATE KEY-----",
        "-----BEGIN ",
        "EC_EMAIL_1",
        "EC_CREDIT_CARD_",
        "[",
        "]",
        "git",
    ]);
    let piece = prop_oneof![9 => piece.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn some_classes() -> impl Strategy<Value = ClassSet> {
    let some = prop::sample::subsequence(classes().collect::<Vec<_>>(), 1..=classes().count());
    let some = some.prop_map(|classes| classes.into_iter().collect::<ClassSet>());
    prop_oneof![2 => Just(ClassSet::all()), 1 => some]
}

#[test]
fn a_name_in_a_message_is_redacted_short_and_on_one_line() {
    let check = |name: &str, expected: &str| assert_eq!(shown_name(name), expected, "{name:?}");
    check("amount", "amount");
    check("jo@example.com", "EC_EMAIL_1");
    check("a\nb\u{202e}", r"a\nb\u{202e}");
    check(&"a".repeat(64), &"a".repeat(64));
    check(&"a".repeat(65), &("a".repeat(64) + ".."));
    // What the cut would leave of a card is redacted too.
    check(&("-".repeat(56) + "4111111111111111"), &("-".repeat(56) + "EC_CREDI.."));
}

#[test]
fn what_is_wrong_with_a_value_says_nothing_classified() {
    let check = |json: &str, expected: &str| {
        let error = Value::from_json(json.as_bytes()).unwrap_err();
        assert_eq!((shown_error(&error).as_str(), format!("{error:?}").contains("jo@")), (expected, false), "{json}");
    };
    check(r#"{"jo@example.com":1,"jo@example.com":2}"#, "the key `EC_EMAIL_1` appears twice in one object");
    check(r#"{"to":1,"to":2}"#, "the key `to` appears twice in one object");
    check(r#"{"to":"jo@example.com}"#, "not JSON: unreadable from line 1, column 7 on");
    check("1e999", "a number beyond the range of a double (10^308)");
    let deep = "nested more than 64 levels deep; arguments have at most 64 levels, results 128";
    check(&"[".repeat(65), deep);
    check(r#""jo@example.com\u0000""#, "a NUL character (U+0000) in the text, at character 15");
    check(
        r#"{"a":[{"jo@example.com":"\ud83d"}]}"#,
        "half a surrogate pair (U+D83D) in `a.0.EC_EMAIL_1`, at character 1",
    );
    check(r#"{"a":{"b\u0000":1}}"#, "a NUL character (U+0000) in a key of `a`, at character 2");
    let large = "2000000 bytes, more than the 1048576 that the arguments of a call may have, which no setting raises";
    check(&" ".repeat(2_000_000), large);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_scan_of_redacted_text_finds_nothing(text in classified_pieces(), classes in some_classes()) {
        let redacted = redact_text(&text, classes).text;
        prop_assert_eq!(scan(&redacted, classes), vec![], "{}", redacted);
        prop_assert_eq!(&redact_text(&redacted, classes).text, &redacted);
    }

    #[test]
    fn bytes_outside_findings_are_kept_and_those_inside_are_gone(text in classified_pieces(), classes in some_classes()) {
        let redacted = redact_text(&text, classes);
        prop_assert!(keeps_the_rest(&text, &redacted), "{redacted:?}");
    }

    #[test]
    fn findings_lie_on_character_boundaries_in_order(text in classified_pieces()) {
        let findings = scan(&text, ClassSet::all());
        prop_assert!(findings.iter().all(|f| f.start < f.end && text.get(f.start..f.end).is_some()));
        prop_assert!(findings.is_sorted_by_key(|f| f.start));
    }
}

/// Whether the text between the placeholders is the original's text outside the findings, piece by piece.
fn keeps_the_rest(original: &str, redacted: &RedactedText) -> bool {
    let mut outside = Vec::new();
    let mut end = 0;
    for finding in &redacted.findings {
        if finding.start >= end {
            outside.push(original.get(end..finding.start).unwrap());
        }
        end = end.max(finding.end);
    }
    outside.push(original.get(end..).unwrap());
    let mut pieces = outside.into_iter();
    let mut rests: Vec<&str> = redacted.text.strip_prefix(pieces.next().unwrap()).into_iter().collect();
    for piece in pieces {
        // A digit of the text may follow the placeholder's own number, so each length of the number is tried.
        let after = rests.iter().flat_map(|rest| after_placeholder(rest)).collect::<Vec<_>>();
        rests = after.into_iter().filter_map(|rest| rest.strip_prefix(piece)).collect();
    }
    rests.contains(&"")
}

fn after_placeholder(text: &str) -> Vec<&str> {
    let Some(after) = text.strip_prefix("EC_") else { return Vec::new() };
    let number = after.trim_start_matches(|char: char| char.is_ascii_uppercase() || char == '_');
    let digits = number.len() - number.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    (1..=digits).filter_map(|at| number.get(at..)).collect()
}
