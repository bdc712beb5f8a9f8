//! `enforcecore config`: what is configured, and where.

use clap::{Args, Subcommand};
use enforcecore::diagnostic::Diagnostic;
use enforcecore_host::config::{Config, Key, Origin, Setting};
use serde_json::{Value as Json, json};

use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::render::diagnostic;
use crate::settings::{EvidenceFlags, PolicyFlags, WorkspaceFlags};

/// Show the configuration
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enforcecore config show    every value and where it comes from")]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
}

/// Print every value and where it comes from
#[derive(Debug, Args)]
#[command(after_help = "\
A value is taken from a flag, else from a variable, else from enforcecore.toml in this folder or the nearest one above it,
else from enforcecore/enforcecore.toml in $XDG_CONFIG_HOME or ~/.config. Paths in a file are relative to it.

Examples:
  enforcecore config show
  enforcecore config show --json
  ENFORCECORE_LOG_LEVEL=info enforcecore config show --log evidence

Exit status: 0 shown, 1 mistakes in a file or a variable.")]
struct Show {
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    evidence: EvidenceFlags,
    #[command(flatten)]
    workspace: WorkspaceFlags,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(
    options: Options,
    config: Result<Config, Vec<Diagnostic>>,
    output: &mut Output,
) -> Result<Exit, CommandError> {
    let Command::Show(options) = options.command;
    let mut config = match config {
        Ok(config) => config,
        Err(found) => return refuse(&options, &found, output),
    };
    options.policy.lay_over(&mut config);
    options.evidence.lay_over(&mut config);
    options.workspace.lay_over(&mut config);
    if options.json {
        let settings = Key::ALL.iter().map(|key| machine(*key, config.get(*key)));
        output.json(&json!({"v": 1, "settings": settings.collect::<Vec<_>>()}))?;
    } else {
        Key::ALL.iter().try_for_each(|key| output.line(&human(*key, config.get(*key))))?;
    }
    output.flush()?;
    Ok(Exit::Clean)
}

fn refuse(options: &Show, found: &[Diagnostic], output: &mut Output) -> Result<Exit, CommandError> {
    if options.json {
        output.json(&json!({"v": 1, "diagnostics": found.iter().map(diagnostic::json).collect::<Vec<_>>()}))?;
    } else {
        found.iter().try_for_each(|finding| output.line(&finding.to_string()))?;
    }
    output.flush()?;
    Ok(Exit::Findings)
}

/// `{"name","value","from","variable"}`, and `file` and `line` of a value that a file sets.
fn machine(key: Key, setting: Option<&Setting>) -> Json {
    let value = setting.map(|setting| setting.value.to_string_lossy());
    let mut object = json!({"name": key.name(), "value": value, "variable": key.variable()});
    if let Json::Object(members) = &mut object {
        let from = match setting.map(|setting| &setting.origin) {
            None | Some(Origin::Default) => "default",
            Some(Origin::Variable(_)) => "variable",
            Some(Origin::Flag) => "flag",
            Some(Origin::Argument) => "argument",
            Some(Origin::File { file, line }) => {
                members.insert("file".to_owned(), json!(file.to_string_lossy()));
                members.insert("line".to_owned(), json!(line));
                "file"
            }
        };
        members.insert("from".to_owned(), json!(from));
    }
    object
}

/// The setting as a line of the file would say it, with where it comes from as its comment.
fn human(key: Key, setting: Option<&Setting>) -> String {
    match setting {
        Some(Setting { value, origin }) => {
            format!("{} = {}  # {origin}", key.name(), Json::from(value.to_string_lossy()))
        }
        None => format!("# {} is not set", key.name()),
    }
}
