//! The program's own log, on stderr: stdout belongs to results and protocols.

use clap::{Args, ValueEnum};
use enforcecore_host::config::{Config, Given, Key, LOG_LEVELS_FORM, Origin, are_log_levels};
use enforcecore_host::stderr::Stderr;
use tracing_subscriber::EnvFilter;

use crate::error::CommandError;
use crate::output;
use crate::settings::word;

/// How the program logs.
#[derive(Debug, Args)]
#[command(next_help_heading = "The program's own log, on stderr")]
pub struct Options {
    /// What is logged: a level, or levels by target such as `info,enforcecore_gateway=debug` [default: warn]
    #[arg(long, global = true, value_name = "LEVELS")]
    log_level: Option<String>,
    /// How a log line looks [default: human]
    #[arg(long, global = true, value_name = "FORM")]
    log_format: Option<LogFormat>,
}

/// Forms of a log line: for people, or one JSON object each.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Human,
    Json,
}

impl Options {
    /// Adds what these flags say.
    pub fn give(&self, given: &mut Given) {
        given.add(Key::LogLevel, self.log_level.as_ref());
        given.add(Key::LogFormat, word(self.log_format));
    }
}

/// Starts logging.
pub fn start(config: &Config) -> Result<(), CommandError> {
    let levels = config.text(Key::LogLevel);
    // What stands in a file or a variable was looked at there; a flag lies over it unseen.
    let filter = are_log_levels(levels).then(|| EnvFilter::try_new(levels).ok()).flatten();
    let filter = filter.ok_or_else(|| unusable(config))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Stderr::default);
    let started = match config.text(Key::LogFormat) {
        "json" => log.json().flatten_event(true).try_init(),
        _ => log.with_ansi(output::colours_stderr()).try_init(),
    };
    started.map_err(|error| CommandError::failed(format!("cannot start logging: {error}")))
}

fn unusable(config: &Config) -> CommandError {
    let origin = config.get(Key::LogLevel).map_or(&Origin::Default, |setting| &setting.origin);
    let message = format!("`{}` is not a log level ({origin})", config.text(Key::LogLevel));
    let error = if *origin == Origin::Flag { CommandError::usage(message) } else { CommandError::failed(message) };
    error.help(format!("use {LOG_LEVELS_FORM}"))
}
