//! Logs that an earlier writer left, in `tests/golden/logs`: what is found in them and what they fold to, as its own reader said.
//!
//! `session.log` is a session with every kind of entry, every delta, a torn tail and a call that never ended. `odd.log` has each kind
//! without any field and with all of them, also those that its kind does not carry.

use std::fmt::Write as _;

use super::*;
use crate::audit::{VerifyOptions, entries, verify};

/// The whole state, one line for each thing it holds, in order.
fn lines_of(state: &State) -> Vec<String> {
    let State { sessions, budgets, grants_used, open, idle_us: _, sweep_us: _, only: _ } = state;
    let mut lines: Vec<String> = grants_used.iter().map(|id| format!("grant {id}")).collect();
    lines.extend(open.iter().map(|(call, OpenIntent { grants, .. })| format!("open {call}: {grants:?}")));
    lines.extend(
        budgets.iter().flat_map(|(key, budget)| budget.sums().map(move |sum| format!("budget {key:?}: {sum}"))),
    );
    for (key, Session { ended, known, .. }) in sessions {
        assert!(!ended, "{key}");
        let SessionState { version, facts, labels, issued } = known.as_ref().unwrap();
        let Issued { numbers, last } = &**issued;
        if *version > 0 || !numbers.is_empty() {
            lines.push(format!("session {key}: version {version}, labels {labels:?}"));
        }
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

/// The earlier writer kept each call that took from a budget. What counts is their sum: by time where the window slides, by
/// bucket otherwise.
fn with_sums(told: &str) -> String {
    let mut sums = BTreeMap::<String, i128>::new();
    let mut others = String::new();
    for line in told.split_inclusive('\n') {
        let parts = line.strip_prefix("budget ").and_then(|rest| {
            let (key, rest) = rest.split_once("\" ")?;
            let (_, rest) = rest.split_once(": ")?;
            let (amount, rest) = rest.split_once(" at ")?;
            let (at, rest) = rest.split_once(" in ")?;
            let (bucket, _) = rest.split_once(" by ")?;
            Some((format!("{key}\""), amount.parse::<i128>().unwrap(), at, bucket))
        });
        match parts {
            None => others += line,
            Some((key, amount, at, "\"\"")) => *sums.entry(format!("budget {key}: at {at}: ")).or_default() += amount,
            Some((key, amount, _, bucket)) => {
                *sums.entry(format!("budget {key}: in {bucket}: ")).or_default() += amount
            }
        }
    }
    let sums: String = sums.iter().map(|(what, sum)| format!("{what}{sum}\n")).collect();
    let (head, state) = others.split_at(others.find("grant ").or_else(|| others.find("open ")).unwrap_or(others.len()));
    format!("{head}{sums}{state}")
}

/// What is found in a log, and what it folds to.
fn told(log: &[u8]) -> String {
    let mut state = State::default();
    for entry in entries(log) {
        state.apply(&Entry::from(entry.unwrap()), 0);
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
        // In `odd.log` voids end calls that are not open. The earlier reader gave back what such a call had taken; this one takes
        // back only what an open intent took.
        let expected = with_sums(expected).replace("in \"b\": 55", "in \"b\": 75").replace("000000: 77", "000000: 105");
        assert_eq!(told(log), expected);
        let lines =
            log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"{\"leaves\""));
        for line in lines {
            let entry: Entry = serde_json::from_slice(line).unwrap();
            assert_eq!(entry.line().unwrap(), line, "written again");
        }
    }
}
