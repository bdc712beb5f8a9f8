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

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

mod access;
mod system;
#[cfg(unix)]
mod walk;
#[cfg(not(unix))]
#[path = "walk_by_name.rs"]
mod walk;

pub use access::{How, MadeBy, NotOurs, Opened, Refused};
use access::{not_ours, others};
pub(crate) use system::{in_turn, read_at};
pub use walk::Folder;
pub(crate) use walk::cut;

/// Opens the file of a name that a person gives, links followed.
pub fn open(path: &Path, made_by: MadeBy, how: How) -> Result<Opened, Refused> {
    walk::open(path, made_by, how)
}

/// Opens the file of a name that a project in this folder gives, to read it. Within the folder no link is followed, and the file
/// itself is written by its owner alone, who is this user or the system's.
pub(crate) fn open_in_project(folder: &Path, path: &Path) -> Result<File, Refused> {
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
pub(crate) fn link_below(folder: &Path, path: &Path) -> Option<PathBuf> {
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

/// Whether two open files are one file.
pub(crate) fn are_same(one: &File, other: &File) -> io::Result<bool> {
    Ok(system::is_same(&one.metadata()?, &other.metadata()?))
}

/// Whether only its owner can use a file. On a mount that is read-only, where a secret of a container lies, a group may read
/// what is the system's: which group that is, who mounted it has said.
pub(crate) fn is_owners_alone(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    Ok(system::is_owners_alone(&metadata, || walk::is_read_only(file)))
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
