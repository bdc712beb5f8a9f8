//! Folders and files by their names, where the system has no folders that stay open.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::access::{How, MadeBy, Opened, Refused};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself, and is then no regular file.
const OPEN_LINK_ITSELF: u32 = 0x0020_0000;
/// `FILE_SHARE_READ | FILE_SHARE_WRITE`: while it is open, it cannot be moved or deleted.
const SHARED_BUT_NOT_MOVED: u32 = 0x3;

/// A folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder of a name.
    pub fn open(path: &Path, _: MadeBy) -> Result<Folder, Refused> {
        if fs::metadata(path)?.is_dir() {
            Ok(Folder { path: path.to_owned() })
        } else {
            Err(io::Error::from(io::ErrorKind::NotADirectory).into())
        }
    }

    /// The folder of a name, made where there is none.
    pub fn open_or_make(path: &Path, made_by: MadeBy) -> Result<Folder, Refused> {
        DirBuilder::new().recursive(true).create(path)?;
        Folder::open(path, made_by)
    }

    /// The same.
    pub(crate) fn open_or_make_own(path: &Path) -> Result<Folder, Refused> {
        Folder::open_or_make(path, MadeBy::Us)
    }

    /// A folder of this one, made where there is none.
    pub(crate) fn own_folder(&self, name: &str) -> Result<Folder, Refused> {
        Folder::open_or_make_own(&self.path.join(name))
    }

    /// Its name, without links where the system knows them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of this folder; no link is followed.
    pub fn file(&self, name: &str, how: How) -> Result<File, Refused> {
        open_itself(&self.path.join(name), how)
    }

    /// A file of this folder to read, links followed.
    pub fn linked_file(&self, name: &str) -> Result<File, Refused> {
        Ok(open(&self.path.join(name), MadeBy::Us, How::Read)?.file)
    }

    pub(super) fn below(&self, path: &Path) -> Result<File, Refused> {
        open_itself(&self.path.join(path), How::Read)
    }

    /// Gives a file of this folder another name, in place of what has it.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Gives a file of this folder a second name, unless something has it.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.path.join(from), self.path.join(to))
    }

    /// Takes a name away.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Makes the names in the folder durable, which the file system's journal does.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn open(path: &Path, _: MadeBy, how: How) -> Result<Opened, Refused> {
    // Pipes have names of their own here, apart from files.
    let file = regular(options(how).open(path)?)?;
    Ok(Opened { file, real: fs::canonicalize(path)? })
}

fn open_itself(path: &Path, how: How) -> Result<File, Refused> {
    let mut options = options(how);
    options.custom_flags(OPEN_LINK_ITSELF).share_mode(SHARED_BUT_NOT_MOVED);
    regular(options.open(path)?)
}

/// A handle that may only append may not cut, so cutting takes another one. The name means no other file while the first is open.
pub(crate) fn cut(_: &File, name: &Path, bytes: u64) -> io::Result<()> {
    open_itself(name, How::LockOrMake)?.set_len(bytes)
}

pub(super) fn is_read_only(_: &File) -> bool {
    false
}

fn options(how: How) -> OpenOptions {
    let mut options = OpenOptions::new();
    match how {
        How::Read => options.read(true),
        How::ReadAndAppend => options.read(true).append(true),
        How::AppendOrMake => options.read(true).append(true).create(true),
        How::LockOrMake => options.read(true).write(true).create(true).truncate(false),
        How::MakeNew => options.write(true).create_new(true),
    };
    options
}

fn regular(file: File) -> Result<File, Refused> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(Refused::irregular()) }
}
