//! `enforcecore session`: what is done to a session as a whole.

use std::sync::Arc;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use enforcecore::call::Context;
use enforcecore::session::{EndSessionError, end};
use enforcecore_host::assembly::SetupError;
use enforcecore_host::clock::{SystemClock, SystemRandom};
use enforcecore_host::config::Given;
use enforcecore_host::evidence::open_log;
use enforcecore_host::keys::load_keyer;
use serde_json::json;

use crate::dispatch::{Command, Invocation, commands};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::settings::EvidenceFlags;

commands! {
    /// End a session
    #[command(after_help = "\
Example:
  enforcecore session end support-4711    its later calls are refused")]
    pub enum SessionCommands {
        End(SessionEnd),
    }
}

/// End a session: its calls are refused from here on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore session end support-4711
  enforcecore session end support-4711 --tenant acme

A session keeps its facts, its labels and what it spent until it is ended here
or by its host. Closing a connection, a pause or a restart ends nothing.

Exit status: 0 it is ended, 2 wrong usage or no log, 5 the log cannot be
opened or written.")]
pub struct SessionEnd {
    /// The session's name, as `--session` or its host gave it
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    session: String,
    /// On whose account it ran
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    tenant: String,
    #[command(flatten)]
    evidence: EvidenceFlags,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Command for SessionEnd {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        self.evidence.give(given);
    }

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let folders = config.folders();
        if !folders.log.is_dir() {
            let folder = folders.log.display().to_string();
            return Err(CommandError::usage(format!("there is no log in `{folder}`"))
                .help("name the log that the session's calls go to with --log DIR"));
        }
        if load_keyer(&folders.keys).map_err(|error| CommandError::failed(error.to_string()))?.is_none() {
            let folder = folders.keys.display().to_string();
            return Err(CommandError::usage(format!("there is no secret of names in `{folder}`"))
                .help("name the keys that the log is written with by --keys DIR"));
        }
        let log = open_log(&folders, config.session_idle(), Arc::new(SystemClock::start()), Arc::new(SystemRandom))
            .map_err(SetupError::Log)?;
        let context = Context { session_id: self.session, tenant: self.tenant, ..Context::default() };
        match end(&log, &context) {
            Ok(()) => {
                if self.json {
                    output.json(&json!({"v": 1, "session": context.session_id, "ended": true}))?;
                } else {
                    output.line("the session is ended: its calls are refused from here on")?;
                }
                output.flush()?;
                Ok(Exit::Clean)
            }
            Err(EndSessionError::Log(error)) => Err(SetupError::Log(error).into()),
            Err(unnamed @ EndSessionError::Unnamed) => Err(CommandError::usage(unnamed.to_string())),
        }
    }
}
