//! Errors of the demo.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Errors of the demo.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder to keep everything in holds something already.
    #[error("`{}` is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The policy that was named cannot be read.
    #[error("cannot read `{}`: {}", .0.display(), .1)]
    Policy(PathBuf, #[source] io::Error),
    /// The server process did not do its part.
    #[error("the demo's server process {what}")]
    Server {
        /// What it did, in words.
        what: String,
        /// What it said on stderr.
        complaints: String,
    },
    /// The demo cannot judge what happened.
    #[error("{0}")]
    Unjudged(String),
    /// A file or a process of the demo failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl DemoError {
    /// Whether an option names what cannot be used.
    pub fn is_usage(&self) -> bool {
        matches!(self, DemoError::NotEmpty(_) | DemoError::Policy(..))
    }

    /// A way out.
    pub fn help(&self) -> Option<&str> {
        match self {
            DemoError::NotEmpty(_) => Some("name a folder that is empty or does not exist"),
            DemoError::Server { complaints, .. } if complaints.trim().is_empty() => Some("it said nothing on stderr"),
            DemoError::Server { complaints, .. } => Some(complaints.trim()),
            DemoError::Policy(..) | DemoError::Unjudged(_) | DemoError::Io(_) => None,
        }
    }

    pub(crate) fn unjudged(why: impl Display) -> DemoError {
        DemoError::Unjudged(why.to_string())
    }
}
