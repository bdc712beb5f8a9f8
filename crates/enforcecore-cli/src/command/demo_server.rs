//! `enforcecore demo-server`: the tool server that the demo starts; hidden.

use std::io;
use std::path::PathBuf;

use clap::Args;
use enforcecore_demo::serve;
use enforcecore_host::config::Given;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;

/// Serve the demo's tools over stdin and stdout
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct DemoServer {
    /// The folder the tools act on
    folder: PathBuf,
}

impl Command for DemoServer {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, _: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        serve(&self.folder, io::stdin().lock(), |answer| {
            output.json(answer)?;
            output.flush()
        })?;
        Ok(Exit::Clean)
    }
}
