//! The laws of redaction: nothing is found in what was redacted, what was not found is kept byte for byte, and bytes and
//! values are treated as their text is. The first byte of the input picks the classes.

#![no_main]

use enforcecore::redact::{ClassSet, RedactedText, classes, redact_text, redact_value, scan};
use enforcecore::value::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((chosen, bytes)) = data.split_first() else { return };
    let classes: ClassSet =
        classes().enumerate().filter(|(index, _)| chosen & 1 << (index % 8) != 0).map(|(_, class)| class).collect();
    let _ = redact_value(&Value::Bytes(bytes.to_vec()), classes);

    let text = String::from_utf8_lossy(bytes);
    let redacted = redact_text(&text, classes);
    assert_eq!(scan(&redacted.text, classes), [], "found again in {:?}", redacted.text);
    assert!(keeps_the_rest(&text, &redacted), "{text:?} became {redacted:?}");
    let value = redact_value(&Value::Text(text.clone().into_owned()), classes).map(|redacted| redacted.value);
    assert_eq!(value, Ok(Value::Text(redacted.text)));
});

/// Whether the text outside the findings stands, in order, between the placeholders.
fn keeps_the_rest(original: &str, redacted: &RedactedText) -> bool {
    let mut outside = Vec::new();
    let mut end = 0;
    for finding in &redacted.findings {
        if finding.start >= end {
            outside.push(&original[end..finding.start]);
        }
        end = end.max(finding.end);
    }
    outside.push(&original[end..]);
    let mut pieces = outside.into_iter();
    let mut rests: Vec<&str> = redacted.text.strip_prefix(pieces.next().unwrap_or_default()).into_iter().collect();
    for piece in pieces {
        // A digit of the text may follow the placeholder's own number, so each length of the number is tried.
        let after: Vec<&str> = rests.into_iter().flat_map(after_placeholder).collect();
        rests = after.into_iter().filter_map(|rest| rest.strip_prefix(piece)).collect();
    }
    rests.contains(&"")
}

fn after_placeholder(text: &str) -> Vec<&str> {
    let Some(after) = text.strip_prefix("EC_") else { return Vec::new() };
    let number = after.trim_start_matches(|char: char| char.is_ascii_uppercase() || char == '_');
    let digits = number.len() - number.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    (1..=digits).map(|at| &number[at..]).collect()
}
