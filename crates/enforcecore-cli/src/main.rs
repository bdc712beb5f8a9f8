//! The command `enforcecore`: a table of contents. Each command is one file in `command/`.

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

/// Decide, redact, confine and record an AI agent's tool calls before they run.
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
  enforcecore demo                                   see the main job on embedded defaults
  enforcecore init                                   write a first policy that fits this folder
  enforcecore policy check policy.yaml               find mistakes in a policy
  enforcecore decide --policy policy.yaml --call '{\"tool\":\"read\",\"args\":{}}'
  enforcecore mcp --policy policy.yaml -- SERVER     put a policy in front of an MCP server
  enforcecore audit verify .enforcecore/log          check the evidence

A flag lies over a variable, a variable over enforcecore.toml: `enforcecore config show` prints each value and its origin.

Exit status: 0 done and clean, 1 findings, 2 wrong usage, 3 deny, 4 ask, 5 enforcement itself failed.";

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

impl Cli {
    /// What the flags say about what is configured.
    fn given(&self) -> Given {
        let mut given = Given::by(Origin::Flag);
        self.logging.give(&mut given);
        match &self.command {
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
