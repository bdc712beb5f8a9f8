//! A verification report for people and for machines.

use enforcecore::audit::hex;
use enforcecore::audit::{Checkpoint, LogFinding, LogReport, LogVerdict, Place};
use serde_json::{Value as Json, json};

/// `{"v","verdict","shards":[{"path","entries","root"}],"findings":[..]}` and what else the report knows.
pub fn json(path: &str, report: &LogReport, any_key: bool) -> Json {
    json!({
        "v": 1,
        "verdict": if lacks_key(report, any_key) { UNKNOWN_KEY } else { report.verdict.as_str() },
        "shards": [{"path": path, "entries": report.entries, "root": root(report), "seals": report.seals}],
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_total": report.findings_total,
        "anchored": report.anchored,
        "key": report.vkey,
        "key_from_log": report.key_from_log,
        "intents": report.intents,
        "outcome_unknown": report.outcome_unknown,
    })
}

/// Some lines for people, verdict first.
pub fn human(path: &str, report: &LogReport, any_key: bool) -> Vec<String> {
    let verdict = match report.verdict {
        _ if lacks_key(report, any_key) => {
            format!("{UNKNOWN_KEY}: only the log itself says by which key it is signed, so anyone could have signed it")
        }
        LogVerdict::Unanchored { since } => {
            format!("unanchored since entry {since}: nothing outside the log says that it goes on no further")
        }
        verdict => verdict.as_str().to_owned(),
    };
    let mut lines = vec![format!("{path}: {verdict}")];
    lines.push(format!("  {} entries in {} signed groups, root {}", report.entries, report.seals, root(report)));
    let intents: Vec<String> =
        report.intents.iter().filter(|(_, n)| **n > 0).map(|(mode, n)| format!("{n} {mode}")).collect();
    if !intents.is_empty() {
        lines.push(format!("  intents: {}; outcome unknown: {}", intents.join(", "), report.outcome_unknown));
    }
    if is_key_unknown(report) {
        let ways = "name the key by --key or --keys, or accept any with --allow-unknown-key";
        let named = report.vkey.as_deref().unwrap_or("no key");
        lines.push(format!("  the log itself names {named}: {ways}"));
    }
    lines.extend(report.findings.iter().map(|finding| format!("  {finding}")));
    let more = report.findings_total.saturating_sub(report.findings.len() as u64);
    if more > 0 {
        lines.push(format!("  and {more} more findings"));
    }
    if let Some(first) = report.findings.first() {
        lines.push(format!("  `enforcecore explain {}` says more about such a finding", first.kind.as_str()));
    }
    lines
}

/// The verdict on a log of which nothing but itself says whose it is.
const UNKNOWN_KEY: &str = "unknown_key";

/// Whether nothing more can be said than that the key is not known. What is wrong by any key is said all the same.
fn lacks_key(report: &LogReport, any_key: bool) -> bool {
    is_key_unknown(report) && !any_key && report.verdict != LogVerdict::Invalid
}

/// Whether nothing but the log says with which key it is signed. The entry that names it is covered by every anchor.
pub fn is_key_unknown(report: &LogReport) -> bool {
    report.key_from_log && report.anchored.is_none()
}

fn finding(finding: &LogFinding) -> Json {
    let mut object = json!({
        "kind": finding.kind.as_str(),
        "detail": finding.detail,
        "bytes": [finding.bytes.start, finding.bytes.end],
    });
    let (key, place) = match finding.place {
        Place::File => ("file", json!(true)),
        Place::Entry(index) => ("entry", json!(index)),
        Place::Entries(from, to) => ("entries", json!([from, to.saturating_sub(1)])),
        Place::Seal(size) => ("seal", json!(size)),
    };
    if let Json::Object(members) = &mut object {
        members.insert(key.to_owned(), place);
    }
    object
}

fn root(report: &LogReport) -> String {
    let checkpoint = report.checkpoint.as_deref().and_then(|note| Checkpoint::parse(note).ok());
    checkpoint.map_or_else(|| "unknown".to_owned(), |checkpoint| hex(&checkpoint.root))
}
