//! `enforcecore completions` and `enforcecore man`: what shells and readers of manuals need, made from the commands themselves.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap_complete::{Shell, generate};
use enforcecore_host::config::Given;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;

/// Print what a shell needs to complete commands
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

/// Write the manual: one page for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enforcecore man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder to write into; it is made if it does not exist
    folder: PathBuf,
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

impl Command for Man {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let folder = &self.folder;
        let failed = |error| CommandError::failed(format!("cannot write into `{}`: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to((invocation.program)(), folder).map_err(failed)?;
        output.line(&format!("the manual is in {}; `man {0}/enforcecore.1` shows it", folder.display()))?;
        output.flush()?;
        Ok(Exit::Clean)
    }
}
