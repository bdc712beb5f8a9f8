//! The program's own log, on stderr: stdout belongs to results and protocols.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::error::CommandError;

/// How the program logs.
#[derive(Debug, Args)]
#[command(next_help_heading = "The program's own log, on stderr")]
pub struct Options {
    /// What is logged: a level, or levels by target such as `info,enforcecore_gateway=debug`
    #[arg(long, global = true, env = "ENFORCECORE_LOG_LEVEL", hide_env_values = true, value_name = "LEVELS")]
    #[arg(default_value = "warn")]
    log_level: String,
    /// How a log line looks
    #[arg(
        long,
        global = true,
        env = "ENFORCECORE_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        value_name = "FORM"
    )]
    #[arg(default_value_t = Format::Human)]
    log_format: Format,
}

/// Forms of a log line: for people, or one JSON object each.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// Starts logging.
pub fn start(options: &Options) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&options.log_level).map_err(|error| {
        CommandError::usage(format!("`{}` is not a log level: {error}", options.log_level))
            .help("use off, error, warn, info, debug or trace, or TARGET=LEVEL joined by commas")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match options.log_format {
        Format::Human => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| CommandError::failed(format!("cannot start logging: {error}")))
}
