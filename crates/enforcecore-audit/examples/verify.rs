//! Verifies a log with nothing but its bytes: `cargo run -p enforcecore-audit --example verify < .enforcecore/log/log.jsonl`.
//!
//! Trusts the key that the log itself names; an auditor passes a key and a checkpoint that were kept elsewhere.

use std::io::{Write as _, stdin, stdout};
use std::process::ExitCode;

use enforcecore_audit::{LogVerdict, VerifyOptions, verify};

fn main() -> std::io::Result<ExitCode> {
    let report = verify(&mut stdin().lock(), &VerifyOptions { all_signatures: true, ..VerifyOptions::default() });
    let mut output = stdout().lock();
    for finding in &report.findings {
        writeln!(output, "{finding}")?;
    }
    writeln!(output, "{}: {} entries under {} seals", report.verdict.as_str(), report.entries, report.seals)?;
    Ok(if report.verdict == LogVerdict::Invalid { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
