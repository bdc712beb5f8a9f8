//! `enforcecore completions`: what shells need, made from the commands themselves.

use clap::Args;
use clap_complete::{Shell, generate};
use enforcecore_host::config::Given;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore completions bash > \\
    ~/.local/share/bash-completion/completions/enforcecore
  enforcecore completions zsh > ~/.zfunc/_enforcecore
  enforcecore completions fish > ~/.config/fish/completions/enforcecore.fish")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Command for Completions {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let mut script = Vec::new();
        generate(self.shell, &mut for_people(&(invocation.program)()), "enforcecore", &mut script);
        output.line(String::from_utf8_lossy(&script).trim_end())?;
        output.flush()?;
        Ok(Exit::Clean)
    }
}

/// The command without what is hidden, which the scripts would offer.
fn for_people(command: &clap::Command) -> clap::Command {
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set()).cloned();
    let bare = clap::Command::new("enforcecore").version(env!("CARGO_PKG_VERSION")).propagate_version(true);
    bare.args(command.get_arguments().cloned()).subcommands(shown)
}
