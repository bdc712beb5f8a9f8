//! How a command ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use enforcecore::diagnostic::Diagnostic;
use enforcecore::enforcer::BindError;
use enforcecore_host::assembly::SetupError;

/// The exit statuses, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done and clean; allow.
    Clean,
    /// Findings: an invalid policy, an invalid log.
    Findings,
    /// Wrong usage.
    Usage,
    /// The call is denied.
    Deny,
    /// The call needs an approval.
    Ask,
    /// Enforcement itself failed, which counts as deny.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Deny => 3,
            Exit::Ask => 4,
            Exit::Failed => 5,
        })
    }
}

/// Why a command could not do its work, and a way out.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    message: String,
    help: Option<String>,
    broken_pipe: bool,
}

impl CommandError {
    /// The caller used the command wrongly.
    pub fn usage(message: impl Into<String>) -> CommandError {
        CommandError { exit: Exit::Usage, message: message.into(), help: None, broken_pipe: false }
    }

    /// Enforcement itself failed.
    pub fn failed(message: impl Into<String>) -> CommandError {
        CommandError { exit: Exit::Failed, message: message.into(), help: None, broken_pipe: false }
    }

    /// With a way out.
    pub fn help(self, help: impl Into<String>) -> CommandError {
        CommandError { help: Some(help.into()), ..self }
    }

    /// With which status the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether only the reader of our output went away, about which there is nothing to say.
    pub fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> CommandError {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        CommandError { broken_pipe, ..CommandError::failed(error.to_string()) }
    }
}

impl From<Vec<Diagnostic>> for CommandError {
    /// A configuration that is not understood: nothing is enforced on a guess.
    fn from(found: Vec<Diagnostic>) -> CommandError {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        CommandError::failed(format!("the configuration is not usable, so nothing runs\n{}", lines.join("\n")))
    }
}

impl From<SetupError> for CommandError {
    fn from(error: SetupError) -> CommandError {
        match error {
            SetupError::Policy(_) => CommandError::failed(error.to_string())
                .help("`enforcecore policy check FILE` shows each place in the policy"),
            SetupError::File(_) => CommandError::failed(error.to_string())
                .help("name the policy with --policy FILE, or with `policy` in enforcecore.toml"),
            SetupError::Log(ref log) | SetupError::Bind(BindError::Log(ref log)) => {
                let help = log.help().map(str::to_owned);
                CommandError { help, ..CommandError::failed(error.to_string()) }
            }
            _ => CommandError::failed(error.to_string()),
        }
    }
}
