//! `enforcecore audit`: check and read evidence.
//!
//! `select` (which entries are meant) -> `reading` (what is said of the log itself) -> `csv`, `ocsf` (their forms for other programs) -> `show`, `stats`.

mod csv;
mod ocsf;
mod reading;
mod select;
mod show;
mod stats;

use std::path::{Path, PathBuf};

use clap::Args;
use enforcecore::audit::{LogFindingClass, LogVerdict, PublicKey, VerifyOptions, public_key};
use enforcecore_host::anchor::ANCHOR_BYTES_MAX;
use enforcecore_host::config::{Config, Given, Key, Origin};
use enforcecore_host::evidence::{self, Anchored};
use enforcecore_host::files::{self, How, MadeBy, read_text};
use enforcecore_host::keys::load_signer;
use serde_json::json;

use crate::dispatch::{Command, Invocation, commands};
use crate::error::{CommandError, Exit};
use crate::output::{Output, Progress};
use crate::render::report;
use reading::cannot_read;
use show::ShowLog;
use stats::Stats;

commands! {
    /// Check and read the evidence log
    #[command(after_help = "\
Examples:
  enforcecore audit verify            is the log what was written?
  enforcecore audit show --tail 20    what happened last?
  enforcecore audit show --since 24h --decision deny
  enforcecore audit stats             how much of what?
  enforcecore audit anchor            write the last checkpoint")]
    pub enum AuditCommands {
        Anchor(Anchor),
        Verify(Verify),
        Show(ShowLog),
        Stats(Stats),
    }
}

/// Check the log and write its last checkpoint into its anchor
#[derive(Debug, Args)]
#[command(after_help = "\
A log with calls is not written to while its anchor is empty: the anchor was
deleted, or it is new. This command checks every seal of the log against its
key and then writes the last checkpoint into the anchor. The new anchor does
not show what was cut off before.

Examples:
  enforcecore audit anchor
  enforcecore audit anchor --anchor /mnt/elsewhere/anchor

Exit status: 0 anchored, 1 the log is invalid or not what its anchor remembers,
2 no anchor is named, or the log, its key or its anchor cannot be used.")]
pub struct Anchor {
    /// The folder for the last checkpoint [default: the configured folder]
    #[arg(long, value_name = "DIR")]
    anchor: Option<PathBuf>,
    /// Where the evidence is [default: the configured folder]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Where the signing key is [default: the configured folder]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Check every entry and seal, and name what is wrong
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit verify .enforcecore/log --anchor /mnt/elsewhere/anchor
  enforcecore audit verify .enforcecore/log --allow-unanchored --json

An anchor also says which key is genuine: a log that it covers begins with that
key. The configured keys judge the configured log; of another one the key is
not known until --key or --keys says it.

Exit status: 0 valid, 1 invalid, or unanchored (without --allow-unanchored), or
signed by a key that only the log itself names (without --allow-unknown-key),
2 the log, its key or an anchor cannot be read.")]
pub struct Verify {
    /// The log's folder [default: the configured one, with its anchor]
    log: Option<PathBuf>,
    /// The verifier key its seals must be signed with (C2SP signed-note: NAME+ID+KEY) [default for the configured log: the one
    /// of the configured keys, if they are there]
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// The folder with the key that signs it, in place of --key
    #[arg(long, value_name = "DIR", conflicts_with = "key")]
    keys: Option<PathBuf>,
    /// An anchor folder, or a file with a checkpoint kept elsewhere; may be given several times
    #[arg(long, value_name = "PATH")]
    anchor: Vec<PathBuf>,
    /// Accept a log whose end no anchor proves
    #[arg(long)]
    allow_unanchored: bool,
    /// Accept the key that the log itself names, whatever keys are configured
    #[arg(long, conflicts_with_all = ["key", "keys"])]
    allow_unknown_key: bool,
    /// Check the signature of every seal, not only those that decide
    #[arg(long)]
    all_signatures: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Command for Anchor {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        given.add(Key::Anchor, self.anchor.as_ref());
        given.add(Key::Log, self.log.as_ref());
        given.add(Key::Keys, self.keys.as_ref());
    }

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        anchor_log(&self, &invocation.config?, output)
    }
}

impl Command for Verify {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        given.add(Key::Keys, self.keys.as_ref());
    }

    fn run(mut self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let configured = config.folders();
        if self.log.is_none() && self.anchor.is_empty() {
            self.anchor.extend(configured.anchor);
        }
        let log = self.log.take().unwrap_or(configured.log);
        verify(&log, &self, &config, output)
    }
}

fn anchor_log(options: &Anchor, config: &Config, output: &mut Output) -> Result<Exit, CommandError> {
    let folders = config.folders();
    let Some(anchor) = &folders.anchor else {
        return Err(CommandError::usage("no anchor is named")
            .help("give --anchor DIR, or write `anchor = \"DIR\"` into enforcecore.toml"));
    };
    let done = evidence::anchor_log(&folders).map_err(|error| CommandError::usage(error.to_string()))?;
    let (report, what) = match &done {
        Anchored::Now(report) => (report, "is anchored now"),
        Anchored::Already(report) => (report, "was anchored there already"),
        Anchored::Refused(report) => (report, "is not anchored"),
    };
    let (log, anchor) = (folders.log.display().to_string(), anchor.display().to_string());
    let refused = matches!(done, Anchored::Refused(_));
    if options.json {
        let written = matches!(done, Anchored::Now(_));
        let report = report::json(&log, report, true);
        output.json(&json!({"v": 1, "anchored": !refused, "written": written, "anchor": anchor, "log": report}))?;
    } else if refused {
        report::human(&log, report, true).iter().try_for_each(|line| output.line(line))?;
        output.line(&format!("  it {what}: an anchor vouches for no log like this"))?;
    } else {
        output.line(&format!("{log}: whole, with {} entries", report.entries))?;
        output.line(&format!("  it {what}: {anchor}"))?;
    }
    output.flush()?;
    Ok(if refused { Exit::Findings } else { Exit::Clean })
}

fn verify(log: &Path, options: &Verify, config: &Config, output: &mut Output) -> Result<Exit, CommandError> {
    let key = key(log, options, config)?;
    let anchors = options.anchor.iter().map(|path| anchor(path)).collect::<Result<Vec<String>, CommandError>>()?;
    let verify = VerifyOptions { key, origin: None, anchors, all_signatures: options.all_signatures };
    let mut progress = Progress::of("MB checked");
    let report = evidence::verify_watched(log, &verify, |bytes| progress.reached(bytes / 1_000_000))
        .map_err(|error| cannot_read(log, &error))?;
    drop(progress);
    let path = log.display().to_string();
    if options.json {
        output.json(&report::json(&path, &report, options.allow_unknown_key))?;
    } else {
        report::human(&path, &report, options.allow_unknown_key).iter().try_for_each(|line| output.line(line))?;
    }
    output.flush()?;
    let tail = report.findings.iter().any(|finding| finding.kind.class() == LogFindingClass::Tail);
    let unknown = report::is_key_unknown(&report) && !options.allow_unknown_key;
    Ok(match report.verdict {
        LogVerdict::Valid if !tail && !unknown => Exit::Clean,
        LogVerdict::Unanchored { .. } if options.allow_unanchored && !tail && !unknown => Exit::Clean,
        _ => Exit::Findings,
    })
}

/// The key that the seals must be signed with, if anything but the log says which. The keys that lie here say it of the log that
/// is configured here; of another one only if a person names them for this run.
fn key(log: &Path, options: &Verify, config: &Config) -> Result<Option<PublicKey>, CommandError> {
    if let Some(key) = &options.key {
        let key = PublicKey::from_vkey(key);
        return Ok(Some(key.map_err(|error| CommandError::usage(format!("--key is not a verifier key: {error}")))?));
    }
    let configured = config.folders();
    let named = config.get(Key::Keys).is_some_and(|keys| matches!(keys.origin, Origin::Flag | Origin::Variable(_)));
    if options.allow_unknown_key || !(named || is_same(log, &configured.log)) {
        return Ok(None);
    }
    let signer = load_signer(&configured.keys, &configured.origin).map_err(|error| {
        CommandError::usage(error.to_string())
            .help("give the verifier key by --key, or accept the log's own with --allow-unknown-key")
    })?;
    Ok(signer.as_ref().map(|signer| public_key(signer)))
}

/// Whether two paths lead to one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

fn anchor(path: &Path) -> Result<String, CommandError> {
    let failed = |why: &dyn std::fmt::Display| {
        CommandError::usage(format!("cannot read the anchor `{}`: {why}", path.display()))
    };
    if path.is_dir() {
        let kept = evidence::anchored_checkpoint(path).map_err(|error| failed(&error))?;
        return kept.ok_or_else(|| failed(&"it remembers no checkpoint"));
    }
    let opened = files::open(path, MadeBy::Anyone, How::Read).map_err(|refused| failed(&refused))?;
    read_text(opened.file, ANCHOR_BYTES_MAX).map_err(|error| failed(&error))
}
