//! The command `enforcecore`: a table of contents. Each command is one file in `command/`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use enforcecore_host::config::{Config, Given, Origin};

mod command;
mod dispatch;
mod error;
mod logging;
mod output;
mod render;
mod settings;

use command::Commands;
use dispatch::{Command, Invocation};
use error::{CommandError, Exit};
use output::Output;

/// Decide, redact and record an AI agent's tool calls before they run.
#[derive(Debug, Parser)]
#[command(name = "enforcecore", version, propagate_version = true, after_help = after_help())]
#[command(max_term_width = 100)]
struct Cli {
    /// Read this file instead of the project's enforcecore.toml
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    #[command(flatten)]
    logging: logging::Options,
    #[command(subcommand)]
    command: Commands,
}

fn after_help() -> String {
    let demo = if cfg!(feature = "demo") { DEMO_EXAMPLE } else { "" };
    format!("Examples:\n{demo}{EXAMPLES}")
}

const DEMO_EXAMPLE: &str = "  enforcecore demo                                   see what it does\n";

const EXAMPLES: &str = "  \
  enforcecore init                                   write a first policy
  enforcecore policy check policy.yaml               find mistakes in a policy
  enforcecore decide --policy policy.yaml --call '{\"tool\":\"read\",\"args\":{}}'
  enforcecore mcp --policy policy.yaml -- SERVER     guard an MCP server
  enforcecore audit verify .enforcecore/log          check the evidence

A flag lies over a variable, a variable over enforcecore.toml:
`enforcecore config show` prints each value and its origin.

Exit status: 0 done and clean, 1 findings, 2 wrong usage (also a file that
is not there), 3 deny, 4 ask, 5 enforcement itself failed.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli, &mut Output::stdout()) {
        Ok(exit) => exit.into(),
        // Nobody vouches for what its reader did not wait for, so the status is not that of a clean end.
        Err(error) if error.is_broken_pipe() => Exit::Failed.into(),
        Err(error) => {
            output::complain(&error);
            error.exit().into()
        }
    }
}

fn run(cli: Cli, output: &mut Output) -> Result<Exit, CommandError> {
    let mut given = Given::by(Origin::Flag);
    cli.logging.give(&mut given);
    cli.command.give(&mut given);
    let config = Config::here(cli.config.as_deref(), given);
    if let (Err(found), Some(file), false) = (&config, &cli.config, cli.command.enforces())
        && let Some(unread) = found.iter().find(|finding| finding.code == "EC1000")
    {
        return Err(CommandError::usage(format!("{}: {}", file.display(), unread.message)));
    }
    logging::start(config.as_ref().unwrap_or(&Config::default()))?;
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "enforcecore starts");
    cli.command.run(Invocation { config, program: Cli::command }, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of the narrowest terminal that a help is written for: a longer line would be wrapped once more.
    const COLUMNS: usize = 80;

    fn long_lines(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter(|line| line.chars().count() > COLUMNS).map(str::to_owned);
        own.chain(command.get_subcommands().flat_map(long_lines)).collect()
    }

    #[test]
    fn the_help_names_the_demo_if_it_is_built_in() {
        let help = Cli::command().render_long_help().to_string();
        assert_eq!(help.contains("demo"), cfg!(feature = "demo"), "{help}");
    }

    #[test]
    fn what_helps_end_with_fits_a_terminal() {
        assert_eq!(long_lines(&Cli::command()), [] as [&str; 0]);
    }
}
