//! The command `enforcecore`: a table of contents. Each command is one file in `command/`.

use enforcecore::codes::config as code;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use enforcecore_host::config::{Config, Given, Origin};

mod command;
mod error;
mod logging;
mod output;
mod render;
mod settings;

use error::{CommandError, Exit};
use output::Output;

/// Decide, redact and record an AI agent's tool calls before they run.
#[derive(Debug, Parser)]
#[command(name = "enforcecore", version, propagate_version = true, after_help = AFTER_HELP)]
#[command(max_term_width = 100)]
struct Cli {
    /// Read this file instead of the project's enforcecore.toml
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    #[command(flatten)]
    logging: logging::Options,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  enforcecore demo                                   see what it does
  enforcecore init                                   write a first policy
  enforcecore policy check policy.yaml               find mistakes in a policy
  enforcecore decide --policy policy.yaml --call '{\"tool\":\"read\",\"args\":{}}'
  enforcecore mcp --policy policy.yaml -- SERVER     guard an MCP server
  enforcecore audit verify .enforcecore/log          check the evidence

A flag lies over a variable, a variable over enforcecore.toml:
`enforcecore config show` prints each value and its origin.

Exit status: 0 done and clean, 1 findings, 2 wrong usage (also a file that
is not there), 3 deny, 4 ask, 5 enforcement itself failed.";

#[derive(Debug, Subcommand)]
enum Command {
    Audit(command::audit::Options),
    Bench(command::bench::Options),
    Completions(command::completions::Completions),
    Config(command::config::Options),
    Decide(command::decide::Options),
    Demo(command::demo::Options),
    DemoServer(command::demo::server::Options),
    Explain(command::explain::Options),
    Init(command::init::Options),
    Man(command::completions::Man),
    Mcp(command::mcp::Options),
    Policy(command::policy::Options),
}

impl Command {
    /// Whether a call's fate hangs on it, so that whatever goes wrong counts as deny.
    fn enforces(&self) -> bool {
        matches!(self, Command::Decide(_) | Command::Mcp(_))
    }
}

impl Cli {
    /// What the flags say about what is configured.
    fn given(&self) -> Given {
        let mut given = Given::by(Origin::Flag);
        self.logging.give(&mut given);
        match &self.command {
            Command::Audit(options) => options.give(&mut given),
            Command::Config(options) => options.give(&mut given),
            Command::Decide(options) => options.give(&mut given),
            Command::Mcp(options) => options.give(&mut given),
            _ => {}
        }
        given
    }
}

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
    let config = Config::here(cli.config.as_deref(), cli.given());
    if let (Err(found), Some(file), false) = (&config, &cli.config, cli.command.enforces())
        && let Some(unread) = found.iter().find(|finding| finding.code == code::UNREADABLE)
    {
        return Err(CommandError::usage(format!("{}: {}", file.display(), unread.message)));
    }
    logging::start(config.as_ref().unwrap_or(&Config::default()))?;
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "enforcecore starts");
    match cli.command {
        Command::Audit(options) => command::audit::run(options, &config?, output),
        Command::Bench(options) => command::bench::run(options, output),
        Command::Completions(options) => command::completions::complete(&options, &Cli::command(), output),
        Command::Config(options) => command::config::run(&options, config, output),
        Command::Decide(options) => command::decide::run(options, &config?, output),
        Command::Demo(options) => command::demo::run(&options, output),
        Command::DemoServer(options) => command::demo::server::run(&options, output),
        Command::Explain(options) => command::explain::run(options, output),
        Command::Init(options) => command::init::run(&options, output),
        Command::Man(options) => command::completions::man(&options, Cli::command(), output),
        Command::Mcp(options) => command::mcp::run(options, &config?),
        Command::Policy(options) => command::policy::run(options, &config?, output),
    }
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
    fn what_helps_end_with_fits_a_terminal() {
        assert_eq!(long_lines(&Cli::command()), [] as [&str; 0]);
    }
}
