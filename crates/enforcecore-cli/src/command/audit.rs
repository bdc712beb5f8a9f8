//! `enforcecore audit`: check and read evidence.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use enforcecore::audit::{Entry, FindingClass, PublicKey, Verdict, VerifyOptions};
use enforcecore::diagnostic::one_line;
use enforcecore_host::config::Config;
use enforcecore_host::evidence::{self, LogFolders};
use enforcecore_host::keys::FileSigner;
use serde_json::Value as Json;

use crate::error::{CommandError, Exit};
use crate::output::{Output, Progress, complain};
use crate::render::report;

/// Check and read the evidence log
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit verify            is the log what was written?
  enforcecore audit show --tail 20    what happened last?")]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
    Show(Show),
}

/// Check every entry and seal, and name what is wrong
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit verify .enforcecore/log --anchor /mnt/elsewhere/anchor
  enforcecore audit verify .enforcecore/log --allow-unanchored --json

An anchor also says which key is genuine: a log that it covers begins with that
key.

Exit status: 0 valid, 1 invalid, or unanchored (without --allow-unanchored), or
signed by a key that only the log itself names (without --allow-unknown-key),
2 the log, its key or an anchor cannot be read.")]
struct Verify {
    /// The log's folder [default: the configured one, with its anchor]
    log: Option<PathBuf>,
    /// The verifier key its seals must be signed with (C2SP signed-note: NAME+ID+KEY) [default: the one of the configured keys,
    /// if they are there]
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// An anchor folder, or a file with a checkpoint kept elsewhere; may be given several times
    #[arg(long, value_name = "PATH")]
    anchor: Vec<PathBuf>,
    /// Accept a log whose end nothing outside vouches for
    #[arg(long)]
    allow_unanchored: bool,
    /// Accept the key that the log itself names, whatever keys are configured
    #[arg(long, conflicts_with = "key")]
    allow_unknown_key: bool,
    /// Check the signature of every seal, not only those that decide
    #[arg(long)]
    all_signatures: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Print the entries, oldest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit show .enforcecore/log --tail 20
  enforcecore audit show --call 5f0c6d0a9b1e4a7788990a0b0c0d0e0f --json

Each entry has its number, its time, its kind, and what there is of tool,
decision, code, call, rules and redactions. The log is checked as it is shown.

Exit status: 0 shown, 1 the log is altered or has no such call, 2 it cannot be
read.")]
struct Show {
    /// The log's folder [default: the configured one]
    log: Option<PathBuf>,
    /// Only the entries of this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Only the last N entries
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
    /// One JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(options: Options, config: &Config, output: &mut Output) -> Result<Exit, CommandError> {
    let configured = config.folders();
    match options.command {
        Command::Verify(mut options) => {
            if options.log.is_none() && options.anchor.is_empty() {
                options.anchor.extend(configured.anchor.clone());
            }
            let log = options.log.take().unwrap_or_else(|| configured.log.clone());
            verify(&log, &options, &configured, output)
        }
        Command::Show(mut options) => {
            let log = options.log.take().unwrap_or(configured.log);
            show(&log, &options, output)
        }
    }
}

fn verify(log: &Path, options: &Verify, configured: &LogFolders, output: &mut Output) -> Result<Exit, CommandError> {
    let key = key(options, configured)?;
    let anchors = options.anchor.iter().map(|path| anchor(path)).collect::<Result<Vec<String>, CommandError>>()?;
    let verify = VerifyOptions { key, origin: None, anchors, all_signatures: options.all_signatures };
    let mut progress = Progress::of("MB checked");
    let report = evidence::verify_watched(log, &verify, |bytes| progress.reached(bytes / 1_000_000))
        .map_err(|error| cannot_read(log, &error))?;
    drop(progress);
    let path = log.display().to_string();
    if options.json {
        output.json(&report::json(&path, &report))?;
    } else {
        report::human(&path, &report).iter().try_for_each(|line| output.line(line))?;
    }
    output.flush()?;
    let tail = report.findings.iter().any(|finding| finding.kind.class() == FindingClass::Tail);
    let unknown = report::is_key_unknown(&report) && !options.allow_unknown_key;
    Ok(match report.verdict {
        Verdict::Valid if !tail && !unknown => Exit::Clean,
        Verdict::Unanchored { .. } if options.allow_unanchored && !tail && !unknown => Exit::Clean,
        _ => Exit::Findings,
    })
}

/// The key that the seals must be signed with, if anybody but the log says which.
fn key(options: &Verify, configured: &LogFolders) -> Result<Option<PublicKey>, CommandError> {
    if let Some(key) = &options.key {
        let key = PublicKey::from_vkey(key);
        return Ok(Some(key.map_err(|error| CommandError::usage(format!("--key is not a verifier key: {error}")))?));
    }
    if options.allow_unknown_key {
        return Ok(None);
    }
    let signer = FileSigner::load(&configured.keys, &configured.origin).map_err(|error| {
        CommandError::usage(error.to_string())
            .help("give the verifier key by --key, or accept the log's own with --allow-unknown-key")
    })?;
    Ok(signer.map(|signer| signer.public()))
}

fn anchor(path: &Path) -> Result<String, CommandError> {
    let failed = |why: &dyn std::fmt::Display| {
        CommandError::usage(format!("cannot read the anchor `{}`: {why}", path.display()))
    };
    if path.is_file() {
        return fs::read_to_string(path).map_err(|error| failed(&error));
    }
    let kept = evidence::anchored_checkpoint(path).map_err(|error| failed(&error))?;
    kept.ok_or_else(|| failed(&"it remembers no checkpoint"))
}

fn show(log: &Path, options: &Show, output: &mut Output) -> Result<Exit, CommandError> {
    let entries = evidence::entries(log).map_err(|error| cannot_read(log, &error))?;
    let wanted = |entry: &Result<Entry, String>| match (entry, &options.call) {
        (Ok(entry), Some(call)) => entry.call.as_ref() == Some(call),
        _ => true,
    };
    let (mut shown, mut unreadable) = (0_usize, false);
    let mut print = |entry: Result<Entry, String>| -> Result<(), CommandError> {
        shown += usize::from(entry.is_ok());
        match entry {
            Ok(entry) if options.json => output.json(&serde_json::to_value(&entry).unwrap_or(Json::Null)),
            Ok(entry) => output.line(&one_line(&describe(&entry))),
            Err(place) => {
                unreadable = true;
                complain(&format!("warning: {place}"));
                Ok(())
            }
        }
    };
    match options.tail {
        None => entries.filter(wanted).try_for_each(&mut print)?,
        Some(most) => {
            let mut last = VecDeque::new();
            for entry in entries.filter(wanted) {
                last.push_back(entry);
                if last.len() > most {
                    last.pop_front();
                }
            }
            last.into_iter().try_for_each(&mut print)?;
        }
    }
    output.flush()?;
    let unknown = options.call.as_ref().filter(|_| shown == 0 && options.tail != Some(0));
    if let Some(call) = unknown {
        complain(&format!("no call `{call}` is in the log `{}`", log.display()));
    }
    let altered = warn_if_altered(log)?;
    Ok(if unreadable || altered || unknown.is_some() { Exit::Findings } else { Exit::Clean })
}

/// What is shown is only what the file says; this says whether that is what was written.
fn warn_if_altered(log: &Path) -> Result<bool, CommandError> {
    let report = evidence::verify_folder(log, &VerifyOptions::default()).map_err(|error| cannot_read(log, &error))?;
    let Some(first) = report.findings.first() else { return Ok(false) };
    complain(&format!(
        "warning: the log is not what was written: {first}\n  help: `enforcecore audit verify` says more"
    ));
    Ok(true)
}

/// One entry in one line: index, time, kind, and what there is of tool, decision, code, call, rules and redactions.
fn describe(entry: &Entry) -> String {
    let time =
        jiff::Timestamp::from_microsecond(entry.time_us).map_or_else(|_| "?".to_owned(), |time| format!("{time:.3}"));
    let kind =
        serde_json::to_value(&entry.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    let (tool, decision) = (entry.tool.as_deref().unwrap_or_default(), entry.decision.as_deref().unwrap_or_default());
    let (code, call) = (entry.code.as_deref().unwrap_or_default(), entry.call.as_deref().unwrap_or_default());
    let mut line = format!("{:>6}  {time}  {kind:<9}  {tool:<20}  {decision:<5}  {code:<17}  {call:<12}", entry.index);
    if !entry.rules.is_empty() {
        line.push_str(&format!("  by {}", entry.rules.join(", ")));
    }
    if !entry.redactions.is_empty() {
        let counts: Vec<String> = entry.redactions.iter().map(|(class, count)| format!("{count} {class}")).collect();
        line.push_str(&format!("  redacted {}", counts.join(", ")));
    }
    line.truncate(line.trim_end().len());
    line
}

fn cannot_read(log: &Path, error: &io::Error) -> CommandError {
    let what = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no log in `{}`: nothing was recorded there yet", log.display()),
        _ => format!("cannot read the log `{}`: {error}", log.display()),
    };
    CommandError::usage(what).help("give the folder that holds `log.jsonl`, by default `.enforcecore/log`")
}
