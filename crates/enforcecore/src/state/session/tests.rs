//! Logs that an earlier writer left, in `tests/golden/logs`: what is found in them and what they fold to, as its own reader said.
//!
//! `session.log` is a session with every kind of entry, every delta, a torn tail and a call that never ended. `odd.log` has each kind
//! without any field and with all of them, also those that its kind does not carry.

use std::fmt::Write as _;

use super::*;
use crate::audit::{VerifyOptions, entries, verify};

/// The whole state, one line for each thing it holds, in order.
fn lines_of(state: &State) -> Vec<String> {
    let State { sessions, budgets, grants_used, open } = state;
    let mut lines: Vec<String> = grants_used.iter().map(|id| format!("grant {id}")).collect();
    lines.extend(open.iter().map(|(call, grants)| format!("open {call}: {grants:?}")));
    for (key, Budget { taken }) in budgets {
        lines.extend(taken.iter().enumerate().map(|(at, Taken { at_us, amount_micros, bucket, call })| {
            format!("budget {key:?} {at:02}: {amount_micros} at {at_us} in {bucket:?} by {call:?}")
        }));
    }
    for (key, SessionState { version, facts, labels, issued }) in sessions {
        let Issued { numbers, last } = &**issued;
        lines.push(format!("session {key}: version {version}, labels {labels:?}"));
        let fact = |(name, fact): (&String, &Fact)| {
            format!("session {key}: fact {name} {} {}", fact.fingerprint, fact.contradicted)
        };
        lines.extend(facts.iter().map(fact));
        lines.extend(numbers.iter().map(|(name, number)| format!("session {key}: number {number} of {name}")));
        lines.extend(last.iter().map(|(class, n)| format!("session {key}: last {} {n}", class.as_str())));
    }
    lines.sort();
    lines
}

/// What is found in a log, and what it folds to.
fn told(log: &[u8]) -> String {
    let mut state = State::default();
    for entry in entries(log) {
        state.apply(&Entry::from(entry.unwrap()));
    }
    let report = verify(&mut &log[..], &VerifyOptions { all_signatures: true, ..VerifyOptions::default() });
    let mut told = format!(
        "{:?}, {} entries, {} seals, intents {:?}, {} unknown, {} findings\n",
        report.verdict, report.entries, report.seals, report.intents, report.outcome_unknown, report.findings_total
    );
    told += &format!("key {:?}, checkpoint\n{}", report.vkey, report.checkpoint.unwrap_or_default());
    for finding in &report.findings {
        writeln!(told, "{finding}").unwrap();
    }
    told + &lines_of(&state).join("\n") + "\n"
}

#[test]
fn a_log_of_an_earlier_writer_verifies_and_folds_to_the_same_state() {
    let logs: [(&[u8], &str); 2] = [
        (
            include_bytes!("../../../tests/golden/logs/session.log"),
            include_str!("../../../tests/golden/logs/session.txt"),
        ),
        (include_bytes!("../../../tests/golden/logs/odd.log"), include_str!("../../../tests/golden/logs/odd.txt")),
    ];
    for (log, expected) in logs {
        assert_eq!(told(log), expected);
        let lines =
            log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"{\"leaves\""));
        for line in lines {
            let entry: Entry = serde_json::from_slice(line).unwrap();
            assert_eq!(entry.line().unwrap(), line, "written again");
        }
    }
}
