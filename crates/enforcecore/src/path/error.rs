//! Why a path argument has no place it points to.

use crate::codes::Code;
use crate::codes::call as code;

/// Why a path argument has no place it points to. Such a call does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The face has no resolver, so nothing is known about symbolic links.
    #[error("this face cannot resolve paths")]
    NoResolver,
    /// A relative path, and nothing says from which folder its tool reads it.
    #[error("it is relative, and nothing says to which folder")]
    Relative,
    /// A form that means different things to different readers.
    #[error("programs may take it for different files: {0}")]
    Ambiguous(String),
    /// It lies outside the only folder whose paths its tool takes.
    #[error("it leads out of the folder that it is relative to")]
    Outside,
    /// More symbolic links than a kernel follows.
    #[error("too many symbolic links")]
    TooManyLinks,
    /// The operating system would not say.
    #[error("it cannot be examined: {0}")]
    Unreadable(String),
}

impl PathError {
    /// The stable code of the refusal.
    pub fn code(&self) -> Code {
        match self {
            PathError::Relative => code::RELATIVE_PATH,
            PathError::Ambiguous(_) | PathError::Outside => code::PATH_FORM,
            PathError::NoResolver | PathError::TooManyLinks | PathError::Unreadable(_) => code::PATH_UNRESOLVED,
        }
    }
}
