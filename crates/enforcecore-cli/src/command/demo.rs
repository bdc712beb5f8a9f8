//! `enforcecore demo`: the main job, played.

use std::path::PathBuf;

use clap::Args;
use enforcecore_demo::{DemoError, Options, play};
use enforcecore_host::config::Given;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;

/// Show the main job: a scripted agent, a real tool server, real effects in a temporary folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore demo                    play the script through the proxy
  enforcecore demo --unprotected      play it without, to see what would happen
  enforcecore demo --keep /tmp/demo   keep policy, log and effects to look at

Exit status: 0 every call ended as scripted and the tampering was named, 1 not,
5 the demo could not be played.")]
pub struct Demo {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Keep everything in this folder, which must be empty or not exist
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Run the script against the server without a policy
    #[arg(long, conflicts_with = "policy")]
    unprotected: bool,
    /// Another policy than the demo's
    #[arg(long, value_name = "FILE", hide = true)]
    policy: Option<PathBuf>,
}

impl Command for Demo {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, _: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let Demo { json, keep, unprotected, policy } = self;
        let report = play(&Options { keep, unprotected, policy })?;
        if json {
            output.json(&report.json())?;
        } else {
            report.human().iter().try_for_each(|line| output.painted(line))?;
            if let Some(kept) = &report.kept {
                output.line(&format!("Everything is kept in {}", kept.display()))?;
            }
        }
        output.flush()?;
        Ok(if report.is_as_scripted() { Exit::Clean } else { Exit::Findings })
    }
}

impl From<DemoError> for CommandError {
    fn from(error: DemoError) -> CommandError {
        let help = error.help().map(str::to_owned);
        let failed = match error {
            DemoError::Io(error) => error.into(),
            _ if error.is_usage() => CommandError::usage(error.to_string()),
            _ => CommandError::failed(error.to_string()),
        };
        match help {
            Some(help) => failed.help(help),
            None => failed,
        }
    }
}
