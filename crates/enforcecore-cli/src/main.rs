//! The command `enforcecore`: a table of contents. Each command is one file in `command/`.

#![forbid(unsafe_code)]

use enforcecore::codes::config as code;
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

A flag overrides a variable, a variable overrides enforcecore.toml:
`enforcecore config show` prints each value and its origin.

Exit status: 0 done and clean, 1 findings, 2 wrong usage (also a file that
is not there), 3 deny, 4 ask, 5 enforcement itself failed.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli, &mut Output::stdout()) {
        Ok(exit) => exit.into(),
        // The output was not read to its end, so the status is not that of a clean end.
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
        && let Some(unread) = found.iter().find(|finding| finding.code == code::UNREADABLE)
    {
        return Err(CommandError::usage(format!("{}: {}", file.display(), unread.message)));
    }
    logging::start(config.as_ref().unwrap_or(&Config::default()))?;
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "enforcecore starts");
    cli.command.run(Invocation { config, program: Cli::command }, output)
}

#[cfg(test)]
mod tests {
    use enforcecore_host::config::Key;

    use super::*;

    /// Flags that are named like a setting and are none: the command, the flag, the reason.
    const NO_SETTINGS: [(&str, &str, &str); 2] = [
        ("demo", "--policy", "the demo plays on a configuration of its own"),
        ("verify", "--anchor", "it names checkpoints wherever they are kept, several of them"),
    ];

    /// Columns of the narrowest terminal that a help is written for: a longer line would be wrapped once more.
    const COLUMNS: usize = 80;

    fn long_lines(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help.lines().filter(|line| line.chars().count() > COLUMNS).map(str::to_owned);
        own.chain(command.get_subcommands().flat_map(long_lines)).collect()
    }

    /// The commands that have none below them, each with the words that lead to it.
    fn leaves(words: &[&str], command: &clap::Command) -> Vec<(Vec<String>, clap::Command)> {
        let words = [words, &[command.get_name()]].concat();
        if command.get_subcommands().next().is_none() {
            return vec![(words.iter().map(ToString::to_string).collect(), command.clone())];
        }
        command.get_subcommands().flat_map(|below| leaves(&words, below)).collect()
    }

    /// A way to say an argument.
    fn said(arg: &clap::Arg) -> Vec<String> {
        let value = arg.get_possible_values().first().map_or("x".to_owned(), |value| value.get_name().to_owned());
        match arg.get_long() {
            Some(long) => vec![format!("--{long}"), value],
            None if arg.is_last_set() => vec!["--".to_owned(), value],
            None => vec![value],
        }
    }

    #[test]
    fn a_flag_that_is_named_like_a_setting_sets_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut tried = 0;
        for (words, command) in leaves(&[], &Cli::command()) {
            let in_groups = command.get_groups().filter(|group| group.is_required_set());
            let in_groups: Vec<_> = in_groups.filter_map(|group| group.get_args().next()).collect();
            // What stands behind `--` may be needed only where another flag is missing.
            let needed =
                |arg: &&clap::Arg| arg.is_required_set() || arg.is_last_set() || in_groups.contains(&arg.get_id());
            for key in Key::ALL {
                let is_flag = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| format!("--{long}") == key.flag());
                let Some(flag) = command.get_arguments().find(is_flag) else { continue };
                if NO_SETTINGS.iter().any(|(name, flag, _)| *name == command.get_name() && *flag == key.flag()) {
                    continue;
                }
                let needed = command.get_arguments().filter(needed).flat_map(said);
                // A value that the key itself has.
                let default = Config::load(folder.path(), None, [], Given::by(Origin::Flag)).unwrap();
                let own = Some(default.text(key)).filter(|text| !text.is_empty()).map(str::to_owned);
                let flag = own.map_or_else(|| said(flag), |own| vec![key.flag(), own]);
                let line: Vec<String> = words.iter().cloned().chain(flag).chain(needed).collect();
                let mut given = Given::by(Origin::Flag);
                Cli::try_parse_from(&line).unwrap().command.give(&mut given);
                let config = Config::load(folder.path(), None, [], given).unwrap();
                assert!(config.get(key).is_some_and(|set| set.origin == Origin::Flag), "{line:?}");
                tried += 1;
            }
        }
        assert!(tried > 15, "{tried}");
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
