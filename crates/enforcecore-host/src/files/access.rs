//! What a file is opened for, who may have made it, and why it is refused.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::system;

/// Who may have made what a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
    /// This user or the system's: what is read decides something.
    Us,
    /// Anyone: what is read is judged by what it says, as a signed log is.
    Anyone,
}

/// What a file is opened for. One that is made is its owner's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// To read it.
    Read,
    /// To read it and write at its end.
    ReadAndAppend,
    /// The same, and it is made where there is none.
    AppendOrMake,
    /// To lock it; it is made where there is none.
    LockOrMake,
    /// To write a file that is not there yet.
    MakeNew,
}

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The system refused it, or it is no regular file.
    #[error(transparent)]
    Failed(#[from] io::Error),
    /// Others than this user and the system's have a say in it.
    #[error("{}: {}", .0, .0.help())]
    NotOurs(NotOurs),
    /// A symbolic link stands where none is followed.
    #[error("`{}` is a symbolic link, and none is followed here: name what it leads to", .0.display())]
    Link(PathBuf),
}

/// A file, folder or link that other users can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOurs {
    /// `folder`, `file` or `link`.
    pub what: &'static str,
    /// Its name.
    pub path: PathBuf,
    /// The number of its owner.
    pub owner: u32,
    /// Its permissions.
    pub mode: u32,
    /// What lets others in: `belongs to another user`, `may be written by every user`.
    pub why: &'static str,
}

impl NotOurs {
    /// Whether it may be used all the same where a person names it, who answers for its owner and group, and not for every user.
    pub fn may_be_named(&self) -> bool {
        self.what == "file" && self.why != system::BY_ALL
    }

    /// A way out.
    pub fn help(&self) -> String {
        let (what, path) = (self.what, self.path.display());
        let mend = match self.why {
            system::ANOTHERS => format!("make `{path}` this user's or root's"),
            _ => format!("`chmod go-w {path}`"),
        };
        match what {
            "folder" => format!("{mend}, or use a folder that only this user and root can write"),
            _ => mend,
        }
    }
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotOurs { what, path, owner, mode, why } = self;
        write!(f, "the {what} `{}` (owner {owner}, mode {mode:04o}) {why}", path.display())
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        match refused {
            Refused::Failed(error) => error,
            other @ (Refused::NotOurs(_) | Refused::Link(_)) => {
                io::Error::new(io::ErrorKind::PermissionDenied, other.to_string())
            }
        }
    }
}

impl Refused {
    /// Whether there is nothing of that name.
    pub fn is_missing(&self) -> bool {
        matches!(self, Refused::Failed(error) if error.kind() == io::ErrorKind::NotFound)
    }

    pub(super) fn irregular() -> Refused {
        Refused::Failed(io::Error::other("it is not a regular file"))
    }
}

/// A file that is open, and where it really lies.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// Its name without links.
    pub real: PathBuf,
}

/// Why what a file says or a folder holds cannot be trusted: others than its owner, who is this user or the system's, can
/// write it. A group counts as others unless it has its owner's number, as a user's own group has.
pub(super) fn not_ours(metadata: &Metadata) -> Option<&'static str> {
    system::belongs_to_another(metadata).or_else(|| system::written_by_others(metadata))
}

pub(super) fn others(what: &'static str, path: &Path, metadata: &Metadata, why: &'static str) -> Refused {
    let (owner, mode) = system::owner_and_mode(metadata);
    Refused::NotOurs(NotOurs { what, path: path.to_owned(), owner, mode, why })
}
