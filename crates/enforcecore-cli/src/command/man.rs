//! `enforcecore man`: the manual, made from the commands themselves.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use enforcecore_host::config::Given;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;

/// Write the manual: one page for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enforcecore man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder to write into; it is made if it does not exist
    folder: PathBuf,
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
