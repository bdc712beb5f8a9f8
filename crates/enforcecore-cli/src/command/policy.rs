//! `enforcecore policy`: check and test policies.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use annotate_snippets::Renderer;
use clap::Args;
use enforcecore::codes::policy as code;
use enforcecore::diagnostic::{Diagnostic, Severity};
use enforcecore::inline_tests::run_tests;
use enforcecore::policy::{DOCUMENT_BYTES_MAX, Loaded, unreadable};
use enforcecore_host::assembly::{SetupError, load_policy};
use enforcecore_host::config::Given;
use enforcecore_host::files::{self, How, MadeBy, read_text};
use enforcecore_host::paths::FileSystem;
use serde_json::json;

use crate::dispatch::{Command, Invocation, commands};
use crate::error::{CommandError, Exit};
use crate::output::{Output, counted};
use crate::render::diagnostic;
use crate::settings;

commands! {
    /// Check and test policies
    #[command(after_help = "\
Examples:
  enforcecore policy check policy.yaml    find mistakes
  enforcecore policy test policy.yaml     run the tests that stand in it")]
    pub enum PolicyCommands {
        Check(Check),
        Test(Test),
    }
}

/// Find mistakes: each with its place, its reason and a way out
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore policy check policy.yaml
  enforcecore policy check policies/*.yaml --deny-warnings --json

Exit status: 0 no errors, 1 errors (with --deny-warnings: or warnings),
2 a file cannot be read.")]
pub struct Check {
    /// The policies [default: the configured one]
    files: Vec<PathBuf>,
    /// Warnings fail too
    #[arg(long)]
    deny_warnings: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Run the tests that stand in a policy
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enforcecore policy test policy.yaml

Exit status: 0 all passed, 1 some failed or the policy does not load,
2 the file cannot be read.")]
pub struct Test {
    /// The policy [default: the configured one]
    file: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Command for Check {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(mut self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        if self.files.is_empty() {
            self.files.push(settings::policy(&config, "give the file: `enforcecore policy check FILE`")?);
        }
        check(&self, output)
    }
}

impl Command for Test {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let file = match self.file {
            Some(file) => file,
            None => settings::policy(&config, "give the file: `enforcecore policy test FILE`")?,
        };
        test(&file, self.json, output)
    }
}

fn check(options: &Check, output: &mut Output) -> Result<Exit, CommandError> {
    let mut found = Vec::new();
    for file in &options.files {
        match load(file)? {
            Ok(loaded) => found.extend(loaded.warnings),
            Err(diagnostics) => found.extend(diagnostics),
        }
    }
    let errors = found.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = found.len() - errors;
    if options.json {
        output.json(&json!({"v": 1, "diagnostics": found.iter().map(diagnostic::json).collect::<Vec<_>>()}))?;
    } else {
        show(&found, output)?;
        let files = options.files.len();
        output.line(&format!("{files} checked: {}, {}", counted(errors, "error"), counted(warnings, "warning")))?;
    }
    output.flush()?;
    if found.iter().any(is_unread) {
        return Ok(Exit::Usage);
    }
    Ok(if errors > 0 || (options.deny_warnings && warnings > 0) { Exit::Findings } else { Exit::Clean })
}

fn test(file: &Path, json: bool, output: &mut Output) -> Result<Exit, CommandError> {
    let loaded = match load(file)? {
        Ok(loaded) => loaded,
        Err(found) => {
            if json {
                output.json(&json!({"v": 1, "diagnostics": found.iter().map(diagnostic::json).collect::<Vec<_>>()}))?;
            } else {
                show(&found, output)?;
            }
            output.flush()?;
            return Ok(if found.iter().any(is_unread) { Exit::Usage } else { Exit::Findings });
        }
    };
    let report = run_tests(&loaded.policy, &FileSystem);
    let passed = report.results.iter().filter(|result| result.passed).count();
    let failed = report.results.len() - passed;
    if json {
        let results = report.results.iter().map(|result| {
            let (line, expected, got) = (result.span.line, &result.expected, &result.got);
            json!({"line": line, "passed": result.passed, "expected": expected, "got": got, "reason": result.reason})
        });
        let results: Vec<_> = results.collect();
        output.json(&json!({"v": 1, "passed": passed, "failed": failed, "results": results}))?;
    } else {
        for result in report.results.iter().filter(|result| !result.passed) {
            let (span, expected, got) = (&result.span, &result.expected, &result.got);
            output.line(&format!("{}:{}: expected {expected}, got {got}: {}", span.file, span.line, result.reason))?;
        }
        output.line(&format!("{passed} passed, {failed} failed"))?;
    }
    output.flush()?;
    Ok(if failed > 0 { Exit::Findings } else { Exit::Clean })
}

/// A policy or its diagnostics; any other failure is the command's.
fn load(file: &Path) -> Result<Result<Loaded, Vec<Diagnostic>>, CommandError> {
    match load_policy(file) {
        Ok(loaded) => Ok(Ok(loaded)),
        Err(SetupError::Policy(found)) => Ok(Err(found)),
        Err(SetupError::File(error)) => Ok(Err(vec![unreadable(&file.display().to_string(), &error)])),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file that was named is what could not be read, and not something in it.
fn is_unread(finding: &Diagnostic) -> bool {
    finding.code == code::UNREADABLE
}

fn show(found: &[Diagnostic], output: &mut Output) -> Result<(), CommandError> {
    let renderer = Renderer::styled();
    let mut sources: HashMap<&str, Option<String>> = HashMap::new();
    // A load lists so many of a policy's as a person reads.
    for finding in found {
        let file = finding.span.file.as_str();
        let source = sources.entry(file).or_insert_with(|| source(file).ok());
        output.painted(&diagnostic::human(finding, source.as_deref(), &renderer))?;
        output.line("")?;
    }
    match found.first() {
        Some(first) => output.line(&format!("`enforcecore explain {}` says more about such a code", first.code)),
        None => Ok(()),
    }
}

/// The text of a document that the loader took; nothing of a longer one.
fn source(file: &str) -> io::Result<String> {
    read_text(files::open(Path::new(file), MadeBy::Us, How::Read)?.file, DOCUMENT_BYTES_MAX as u64)
}
