//! `enforcecore config`: what is configured, and where.

use clap::Args;
use enforcecore::diagnostic::{Diagnostic, one_line};
use enforcecore_host::config::{Config, Given, Key, Origin, TRUSTED_PROJECTS};
use serde_json::{Value as Json, json};

use crate::dispatch::{Command, Invocation, commands};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::render::diagnostic;
use crate::settings::{EvidenceFlags, PolicyFlags, WorkspaceFlags};

commands! {
    /// Show the configuration
    #[command(after_help = "\
Example:
  enforcecore config show    every value and where it comes from")]
    pub enum ConfigCommands {
        Show(ShowConfig),
    }
}

/// Print every value and where it comes from
#[derive(Debug, Args)]
#[command(after_help = "\
A value is taken from a flag, else from a variable, else from enforcecore.toml
in this folder or the nearest one above it, else from
enforcecore/enforcecore.toml in $XDG_CONFIG_HOME or ~/.config. Paths in a file
are relative to it.

Examples:
  enforcecore config show
  enforcecore config show --json
  ENFORCECORE_LOG_LEVEL=info enforcecore config show --log evidence

Exit status: 0 shown, 1 mistakes in a file or a variable, 2 the file that
--config names cannot be read.")]
pub struct ShowConfig {
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

impl Command for ShowConfig {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        self.policy.give(given);
        self.evidence.give(given);
        self.workspace.give(given);
    }

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = match invocation.config {
            Ok(config) => config,
            Err(found) => return refuse(&self, &found, output),
        };
        let shown = shown(&config);
        if self.json {
            output.json(&json!({"v": 1, "settings": shown.iter().map(machine).collect::<Vec<_>>()}))?;
        } else {
            shown.iter().try_for_each(|one| output.line(&one_line(&human(one))))?;
        }
        output.flush()?;
        Ok(Exit::Clean)
    }
}

fn refuse(options: &ShowConfig, found: &[Diagnostic], output: &mut Output) -> Result<Exit, CommandError> {
    if options.json {
        output.json(&json!({"v": 1, "diagnostics": found.iter().map(diagnostic::json).collect::<Vec<_>>()}))?;
    } else {
        found.iter().try_for_each(|finding| output.line(&finding.to_string()))?;
    }
    output.flush()?;
    Ok(Exit::Findings)
}

/// One setting, as it is shown.
struct Shown<'a> {
    name: &'static str,
    variable: Option<&'static str>,
    /// Its value and where that comes from, if it has one.
    set: Option<(Json, &'a Origin)>,
}

/// Every setting, and last the list that only a file can hold.
fn shown(config: &Config) -> Vec<Shown<'_>> {
    let setting = |key: &Key| {
        let set = config.get(*key).map(|setting| (json!(setting.value.to_string_lossy()), &setting.origin));
        Shown { name: key.name(), variable: Some(key.variable()), set }
    };
    let trusted = config.trusted_projects().map(|trusted| {
        let folders = trusted.folders.iter().map(|folder| folder.to_string_lossy());
        (json!(folders.collect::<Vec<_>>()), &trusted.origin)
    });
    let trusted = Shown { name: TRUSTED_PROJECTS, variable: None, set: trusted };
    Key::ALL.iter().map(setting).chain([trusted]).collect()
}

/// `{"name","value","from","variable"}`, and `file` and `line` of a value that a file sets.
fn machine(shown: &Shown<'_>) -> Json {
    let value = shown.set.as_ref().map(|(value, _)| value);
    let mut object = json!({"name": shown.name, "value": value, "variable": shown.variable});
    if let Json::Object(members) = &mut object {
        let from = match shown.set.as_ref().map(|(_, origin)| origin) {
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
fn human(shown: &Shown<'_>) -> String {
    match &shown.set {
        Some((value, origin)) => format!("{} = {value}  # {origin}", shown.name),
        None => format!("# {} is not set", shown.name),
    }
}
