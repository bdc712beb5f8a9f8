//! The examples run, and do what they say.
#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test stops at the first surprise, and no `main` is run here"
)]

use std::error::Error;
use std::io::Write;
use std::path::Path;

#[path = "../examples/approve.rs"]
mod approve;
#[path = "../examples/guard_a_function.rs"]
mod guard_a_function;
#[path = "../examples/verify_a_log.rs"]
mod verify_a_log;

/// Runs an example in a folder and gives what it writes.
type Run = fn(&Path, &mut dyn Write) -> Result<(), Box<dyn Error>>;

/// The lines that an example writes.
fn lines(run: Run) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    run(folder.path(), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_guarded_function_runs_where_its_policy_allows_it() {
    let ran = r#"jo@example.com: "sent to jo@example.com: The card is EC_CREDIT_CARD_1.""#;
    let refused = "eve@elsewhere.example: refused (no_rule): no rule allows this call";
    let lines = lines(guard_a_function::run);
    assert_eq!(lines, [ran, refused]);
}

#[test]
fn an_approved_call_runs_once() {
    let asked = "asked: this call needs an approval";
    assert_eq!(lines(approve::run), [asked, "ran: \"refunded\"", asked]);
}

#[test]
fn a_flipped_bit_is_found_and_named() {
    let lines = lines(verify_a_log::run);
    let [before, after, finding] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((before.as_str(), after.as_str()), ("valid: 6 entries, 6 seals", "invalid: 6 entries, 6 seals"));
    assert!(finding.starts_with("  altered: entry 2, ") && finding.contains("not those that were sealed"), "{finding}");
}
