//! What a command is, and how a list of commands is one.
//!
//! Absent on purpose: anything a command has without saying it. A command that forgets to give its flags to the configuration, or
//! whether it enforces, does not compile.

use enforcecore::diagnostic::Diagnostic;
use enforcecore_host::config::{Config, Given};

use crate::error::{CommandError, Exit};
use crate::output::Output;

/// One command with the arguments it was given.
pub trait Command {
    /// Whether a call's fate hangs on it, so that whatever goes wrong counts as deny.
    fn enforces(&self) -> bool;

    /// Adds what its flags say about what is configured.
    fn give(&self, given: &mut Given);

    /// Runs it.
    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError>;
}

/// The context of a command.
pub struct Invocation {
    /// What is configured, or what is wrong with it.
    pub config: Result<Config, Vec<Diagnostic>>,
    /// The whole program, for what is made from its commands.
    pub program: fn() -> clap::Command,
}

/// Makes a list of commands, one row each, a command that is one of them.
macro_rules! commands {
    (
        $(#[$about:meta])*
        pub enum $list:ident { $($(#[cfg($built:meta)])? $(#[command($form:ident)])? $row:ident($command:ty),)+ }
    ) => {
        #[derive(Debug, clap::Subcommand)]
        $(#[$about])*
        pub enum $list { $($(#[cfg($built)])? $(#[command($form)])? $row($command),)+ }

        impl $crate::dispatch::Command for $list {
            fn enforces(&self) -> bool {
                match self { $($(#[cfg($built)])? $list::$row(command) => command.enforces(),)+ }
            }

            fn give(&self, given: &mut enforcecore_host::config::Given) {
                match self { $($(#[cfg($built)])? $list::$row(command) => command.give(given),)+ }
            }

            fn run(
                self,
                invocation: $crate::dispatch::Invocation,
                output: &mut $crate::output::Output,
            ) -> Result<$crate::error::Exit, $crate::error::CommandError> {
                match self { $($(#[cfg($built)])? $list::$row(command) => command.run(invocation, output),)+ }
            }
        }
    };
}

pub(crate) use commands;
