//! The one place where files are opened: every name that this crate and the programs around it read or write goes through here.
//!
//! A name may have been made by anyone, so no open waits for a pipe, none reads a device, and a folder never stands in for a
//! file. A name that decides something (a key, a policy, a configuration, a folder for evidence) is walked component by
//! component, links included, with the folders held open: what was checked is what is opened. Each folder on the way belongs to
//! this user or the system's and lets no one else exchange the next component. A name that is only judged (the log of a
//! stranger, an anchor, calls to decide) may lie anywhere. Within a folder of ours no link is followed at all.
//!
//! On Windows a new file takes its folder's access list, which this crate does not examine; the names in a folder are made
//! durable by the file system's journal. Absent on purpose: access lists beyond the mode.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

mod system;
#[cfg(unix)]
mod walk;
#[cfg(not(unix))]
#[path = "walk_by_name.rs"]
mod walk;

pub(crate) use system::{cut, in_turn, read_at};
pub use walk::Folder;

/// Symbolic links followed to one file at most: the kernel's own limit.
pub const LINKS_MAX: usize = 40;

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
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The system refused it, or it is no regular file.
    Failed(io::Error),
    /// Others than this user and the system's have a say in it.
    NotOurs(NotOurs),
    /// A symbolic link stands where none is followed.
    Link(PathBuf),
}

/// What is in the hands of others.
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

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Failed(error) => write!(f, "{error}"),
            Refused::NotOurs(others) => write!(f, "{others}: {}", others.help()),
            Refused::Link(link) => {
                write!(f, "`{}` is a symbolic link, and none is followed here: name what it leads to", link.display())
            }
        }
    }
}

impl std::error::Error for Refused {}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        Refused::Failed(error)
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        match refused {
            Refused::Failed(error) => error,
            other => io::Error::new(io::ErrorKind::PermissionDenied, other.to_string()),
        }
    }
}

impl Refused {
    /// Whether there is nothing of that name.
    pub fn is_missing(&self) -> bool {
        matches!(self, Refused::Failed(error) if error.kind() == io::ErrorKind::NotFound)
    }

    fn irregular() -> Refused {
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

/// Opens the file of a name that a person gives, links followed.
pub fn open(path: &Path, made_by: MadeBy, how: How) -> Result<Opened, Refused> {
    walk::open(path, made_by, how)
}

/// Opens the file of a name that a project in this folder gives, to read it. Within the folder no link is followed, and the file
/// itself is written by its owner alone, who is this user or the system's.
pub fn open_in_project(folder: &Path, path: &Path) -> Result<File, Refused> {
    let (file, real) = match path.strip_prefix(folder) {
        Ok(below) if is_plain(below) => (Folder::open(folder, MadeBy::Us)?.below(below)?, path.to_owned()),
        _ => {
            let Opened { file, real } = open(path, MadeBy::Us, How::Read)?;
            (file, real)
        }
    };
    match not_ours(&file.metadata()?) {
        Some(why) if !walk::is_read_only(&file) => Err(others("file", &real, &file.metadata()?, why)),
        _ => Ok(file),
    }
}

/// The first symbolic link in a path below a folder, if there is one.
pub fn link_below(folder: &Path, path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(folder).ok().filter(|below| is_plain(below))?;
    let mut at = folder.to_owned();
    for part in below.components() {
        at.push(part);
        if std::fs::symlink_metadata(&at).ok()?.is_symlink() {
            return Some(at);
        }
    }
    None
}

/// Whether a relative path goes down only.
fn is_plain(path: &Path) -> bool {
    use std::path::Component::{CurDir, Normal};
    path.components().all(|part| matches!(part, Normal(_) | CurDir))
}

/// Reads a file of at most so many bytes as text.
pub fn read_text(file: File, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = file.take(bytes_max + 1).read_to_string(&mut text)?;
    if read as u64 > bytes_max { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// Whether a name still means the file that is open.
pub(crate) fn is_still(file: &File, name: &Path) -> io::Result<bool> {
    Ok(system::is_same(&file.metadata()?, &std::fs::symlink_metadata(name)?))
}

/// Whether only its owner can use a file. On a mount that is read-only, where a secret of a container lies, a group may read
/// what is the system's: which group that is, who mounted it has said.
pub(crate) fn is_owners_alone(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    Ok(system::is_owners_alone(&metadata, || walk::is_read_only(file)))
}

/// Why what a file says or a folder holds cannot be trusted: others than its owner, who is this user or the system's, can
/// write it. A group counts as others unless it has its owner's number, as a user's own group has.
fn not_ours(metadata: &Metadata) -> Option<&'static str> {
    system::belongs_to_another(metadata).or_else(|| system::written_by_others(metadata))
}

fn others(what: &'static str, path: &Path, metadata: &Metadata, why: &'static str) -> Refused {
    let (owner, mode) = system::owner_and_mode(metadata);
    Refused::NotOurs(NotOurs { what, path: path.to_owned(), owner, mode, why })
}

/// Fills a buffer from a place in a file.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = match read_at(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let rest = buffer.get_mut(count..).filter(|_| count > 0);
        buffer = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
        offset += count as u64;
    }
    Ok(())
}
